#ifndef LG_SERVICES_API_EVENT_INT_H
#define LG_SERVICES_API_EVENT_INT_H

#include "services/api_int.h"

/* What searching and exporting events share. */

#define API_CSV "text/csv; charset=utf-8"

/* The query of the request's parameters; `limit` and `cursor` are the caller's. LG_EINVAL. */
int api_event_query(struct lg_http_req *req, const struct api_times *t,
        struct lg_event_query *ret) LG_MUST_CHECK;
/* GET /events/export */
int api_export_events(struct lg_http_req *req, void *ctx); /* lg_api */
/* One CSV cell, quoted, and harmless to a spreadsheet that would run what it takes for a formula. */
void api_csv_cell(struct lg_buf *out, struct lg_str s);

#endif
