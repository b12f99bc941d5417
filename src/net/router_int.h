#ifndef LG_NET_ROUTER_INT_H
#define LG_NET_ROUTER_INT_H

#include <pthread.h>

#include "base/arena.h"
#include "base/vec.h"
#include "net/route.h"
#include "net/uri_int.h"

enum seg_kind { LG_SEG_LITERAL, LG_SEG_PARAM, LG_SEG_REST };

struct lg_seg {
    enum seg_kind kind;
    struct lg_str text; /* literal, or the parameter's name */
};

struct lg_row {
    const struct lg_route *route;
    void *ctx;
    struct lg_seg segs[LG_URI_MAX_SEGMENTS];
    size_t n_segs;
    size_t n_params;
    size_t index;      /* in lg_router.rows */
    unsigned surfaces; /* that show it under its own path */
    bool below_api;    /* LG_SURFACE_DASHBOARD shows it below /api */
};

#define LG_BELOW_API "api" /* the first segment there */

struct lg_router {
    LG_VEC(struct lg_row *) rows;
    LG_VEC(struct lg_schema) schemas;
    /* of lg_router_add_docs */
    const struct lg_openapi_info *docs_info;
    pthread_mutex_t docs_lock;
    struct lg_buf docs[4]; /* by surfaces */
};

struct lg_match {
    const struct lg_row *row; /* NULL: no row has path and method */
    unsigned allow;           /* bits of lg_http_method that the path has; 0: no such path */
    bool below_api;           /* the row's own path begins after the first segment */
};

/* Do `surfaces` show the row at all? */
bool lg_row_shown(const struct lg_row *row, unsigned surfaces);
void lg_router_match(const struct lg_router *rt, enum lg_http_method method, unsigned surfaces,
        const struct lg_uri *uri, struct lg_match *ret);
/* Takes the first segment away: a row below /api sees its own path. */
void lg_uri_shift(struct lg_uri *uri);
/* The text that a path parameter has in a matched target. */
struct lg_str lg_row_path_value(
        const struct lg_row *row, const struct lg_uri *uri, const char *name, bool raw);
/* "GET, HEAD, OPTIONS" and a NUL. */
#define LG_ALLOW_TEXT_MAX 64
void lg_allow_text(unsigned allow, char out[LG_ALLOW_TEXT_MAX]);

#endif
