#ifndef LG_STORE_ALERT_COMMON_H
#define LG_STORE_ALERT_COMMON_H

#include "base/map.h"
#include "base/vec.h"
#include "crypto/chain.h"
#include "store/admin_store.h"
#include "store/alert_store.h"
#include "store/shared.h"

/* What alert and admin stores do alike, whatever keeps the rows. Thread: any. */

struct lg_uuid lg_feedback_id(const struct lg_feedback *f);
struct lg_uuid lg_suppression_id(const struct lg_suppression *s);
/* The folded text that searches look through; parts end with a newline. */
void lg_alert_text(const struct lg_alert *al, struct lg_buf *out);

/* ---- lists ---- */
bool lg_alert_query_valid(const struct lg_alert_query *q);
/* Filters beyond the documented parameters (tenant, status), which have exact totals. */
bool lg_alert_query_narrow(const struct lg_alert_query *q);
/* Of the filters and the sort: a cursor fits its own query only. */
uint64_t lg_alert_query_hash(const struct lg_alert_query *q);

/* ---- changes ---- */
struct lg_alert_patch_step { /* a history row */
    const char *action;
    struct lg_str from, to, notes;
};
#define LG_ALERT_PATCH_STEPS 3
/* Checks lengths; *ret points at texts in the arena, for the result to point at. */
int lg_alert_patch_own(const struct lg_alert_patch *p, struct lg_arena *a,
        struct lg_alert_patch *ret) LG_MUST_CHECK;
/* May `al` be changed by the patch? As alert_patch answers: LG_EREFUSED, LG_EPARSE, LG_ERANGE. */
int lg_alert_patch_allowed(const struct lg_alert_patch *p, const struct lg_alert *al,
        unsigned *reterr_steps) LG_MUST_CHECK;
/* Changes `al`, whose texts then are also the patch's. False: nothing changed. */
bool lg_alert_patch_take(const struct lg_alert_patch *p, struct lg_alert *al,
        struct lg_alert_patch_step steps[LG_ALERT_PATCH_STEPS], unsigned *ret_n);

/* ---- quality: open, add the last word on each alert, close ---- */
struct lg_quality_sum {
    const struct lg_quality_query *q;
    struct lg_arena *a;
    struct lg_quality *out;
    struct lg_map by_name; /* hash of a technique -> index */
    LG_VEC(struct lg_quality_technique) techniques;
};
int lg_quality_open(struct lg_quality_sum *s, const struct lg_quality_query *q, struct lg_arena *a,
        struct lg_quality *ret) LG_MUST_CHECK;
/* `severity` < 0: the alert is not known. `techniques` is the alert's JSON list. */
int lg_quality_add(struct lg_quality_sum *s, bool right, lg_time at, int64_t severity,
        struct lg_str techniques) LG_MUST_CHECK;
/* Frees what open took; with `rc` < 0 gives that. */
int lg_quality_close(struct lg_quality_sum *s, int rc) LG_MUST_CHECK;

/* ---- administration ---- */
/* Every tenant that the token reaches must be the caller's; platform tokens want all. */
bool lg_token_visible(const struct lg_scope *sc, struct lg_str tenants);
bool lg_audit_rows_valid(const struct lg_audit_row *rows, size_t n);
/*
 * Row n's hash is the link after row n-1's over every column, so that one altered row, a missing
 * one or a row in between breaks the chain there; a cut tail shows against a head that was exported
 * before. `prev` is NULL for the first row.
 */
struct lg_link lg_audit_link(const struct lg_link *prev, const struct lg_audit_row *r);

#endif
