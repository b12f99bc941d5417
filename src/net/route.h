#ifndef LG_NET_ROUTE_H
#define LG_NET_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/roles.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/*
 * The routing table: const rows, from which come routing, parameter checks, access checks, the
 * OpenAPI document and the tests' matrix. A row that is not here cannot be reached, and a row that
 * is here is documented.
 *
 *     static const struct lg_route alert_routes[] = {
 *         {
 *             .method = LG_GET, .path = "/alerts/{alert_id}", .operation = "getAlert",
 *             .tag = "alerts", .summary = "One alert", .action = LG_ACT_ALERT_READ,
 *             .flags = LG_ROUTE_TENANT,
 *             .params = (const struct lg_param[]){
 *                     {.name = "alert_id", .in = LG_IN_PATH, .type = LG_PARAM_UUID}, {0}},
 *             .responses = {{200, "AlertResponse", "The alert"}, {404, NULL, NULL}},
 *             .handler = get_alert,
 *         },
 *     };
 *     lg_router_add(router, alert_routes, sizeof(alert_routes) / sizeof(*alert_routes), api);
 */
struct lg_http_req;

enum lg_http_method { LG_GET, LG_POST, LG_PUT, LG_PATCH, LG_DELETE, LG_HTTP_METHODS };

enum lg_route_flags {
    LG_ROUTE_TENANT = 1 << 0,     /* answers with, or changes, one tenant's data */
    LG_ROUTE_SSE = 1 << 1,        /* the handler opens an event stream */
    LG_ROUTE_STREAM = 1 << 2,     /* on_data gets the body in pieces; nothing is collected */
    LG_ROUTE_DASHBOARD = 1 << 3,  /* also on LG_SURFACE_DASHBOARD */
    LG_ROUTE_ANY_QUERY = 1 << 4,  /* undeclared query parameters are ignored, not refused */
    LG_ROUTE_NO_LIMIT = 1 << 5,   /* the request rate limit does not count it (intake) */
    LG_ROUTE_HIDDEN = 1 << 6,     /* not in the OpenAPI document (other products' façades) */
    LG_ROUTE_ETAG = 1 << 7,       /* documents If-Match (writes) or If-None-Match (reads) */
    LG_ROUTE_ANY_ACCEPT = 1 << 8, /* answers in its own type whatever Accept says */
    LG_ROUTE_PAGE = 1 << 9,       /* on LG_SURFACE_DASHBOARD alone */
    LG_ROUTE_API_ONLY = 1 << 10,  /* of lg_router_add_shared, and yet not below /api */
};

/*
 * What a listener shows. A row is on LG_SURFACE_API alone unless a flag says otherwise, or it came
 * by lg_router_add_shared: then LG_SURFACE_DASHBOARD shows it too, below /api. There, what begins
 * with /api is never taken by a row "/{name...}".
 */
enum lg_surface { LG_SURFACE_API = 1 << 0, LG_SURFACE_DASHBOARD = 1 << 1 };

enum lg_param_in { LG_IN_QUERY, LG_IN_PATH, LG_IN_HEADER };

enum lg_param_type {
    LG_PARAM_STRING, /* valid UTF-8 without control characters; min..max bytes (default 0..256) */
    LG_PARAM_INT,    /* min..max; both 0 means 0..INT64_MAX */
    LG_PARAM_NUMBER, /* finite; min..max as INT */
    LG_PARAM_BOOL,   /* true or false */
    LG_PARAM_ENUM,   /* one of `values`, "a|b|c" */
    LG_PARAM_TIME,   /* RFC 3339, epoch seconds, "now", or "now-30m" (s, m, h, d) */
    LG_PARAM_UUID,
};

struct lg_param {
    const char *name; /* NULL ends a list */
    enum lg_param_in in;
    enum lg_param_type type;
    bool required;   /* path parameters always are */
    bool repeated;   /* may come more than once; else a second one is a 400 */
    const char *def; /* default as text; NULL: absent */
    int64_t min, max;
    const char *values; /* of LG_PARAM_ENUM */
    const char *doc;
};

#define LG_ROUTE_MAX_PARAMS 32
#define LG_ROUTE_MAX_RESPONSES 10

struct lg_response_doc {
    int status;
    const char *
            schema; /* name given to lg_router_schemas; NULL: problem for 4xx and 5xx, else empty */
    const char *doc;  /* NULL: the reason phrase */
    const char *type; /* NULL: application/json; a status in several types has a doc for each, one
                       * after the other */
};

/* Fills the answer with the functions of http_server.h. 0 when it did (or has gone later);
 * a negative LG_E* becomes a problem: LG_ENOMEM 503, LG_ELIMIT 413, LG_EPARSE and LG_EINVAL 400,
 * LG_ENOENT 404, LG_EREFUSED 403, LG_EEXIST 409, else 500. `ctx` is what lg_router_add was given. */
typedef int (*lg_http_handler)(struct lg_http_req *req, void *ctx);
/* One decoded piece of the body; keep nothing of it. Negative as above: ends the request. */
typedef int (*lg_http_data_fn)(struct lg_http_req *req, struct lg_str data, void *ctx);

struct lg_route {
    enum lg_http_method method; /* HEAD comes with GET; OPTIONS is answered for every path */
    const char
            *path; /* "/a/{name}/b"; a last segment "{name...}" takes the rest, slashes and all */
    const char *operation; /* operationId, unique */
    const char *tag;
    const char *summary;
    const char *doc; /* longer text or NULL */
    enum lg_action action;
    unsigned flags; /* enum lg_route_flags */
    const struct lg_param *params;
    const char *request;       /* schema of the body; NULL and no request_types: no body read */
    const char *request_types; /* "application/json|application/x-ndjson"; "*": any; NULL with a
                                * schema: application/json */
    size_t max_body_bytes;     /* decoded; 0: the server's */
    bool body_optional;
    struct lg_response_doc responses[LG_ROUTE_MAX_RESPONSES]; /* the success ones, and what is
            * special; 400, 401, 403, 406, 413, 415, 429, 500, 503 are added where they can happen */
    lg_http_handler handler;
    lg_http_data_fn on_data; /* LG_ROUTE_STREAM */
};

/* A named JSON Schema (2020-12, as OpenAPI 3.1 uses), JSON text; references are
 * "#/components/schemas/NAME". */
struct lg_schema {
    const char *name;
    const char *json;
};

/*
 * Built once at the start by one thread (rows and schemas are borrowed for its whole life), then
 * constant and read by any thread.
 */
struct lg_router;

int lg_router_new(struct lg_router **ret) LG_MUST_CHECK;
void lg_router_free(struct lg_router *rt);
/* LG_EINVAL with the reason for a malformed row, a path parameter without declaration, a duplicate
 * operation, or a method and path that another row takes already; LG_ENOMEM. */
int lg_router_add(struct lg_router *rt, const struct lg_route *rows, size_t n, void *ctx,
        struct lg_err *reterr) LG_MUST_CHECK;
/* The same for rows that the dashboard's page works with: "/alerts" is "/api/alerts" on
 * LG_SURFACE_DASHBOARD, with the same handler, checks and rights. Rows whose path begins with /api
 * stay where they are. */
int lg_router_add_shared(struct lg_router *rt, const struct lg_route *rows, size_t n, void *ctx,
        struct lg_err *reterr) LG_MUST_CHECK;
int lg_router_schemas(struct lg_router *rt, const struct lg_schema *schemas, size_t n,
        struct lg_err *reterr) LG_MUST_CHECK;

/* Rows in order of addition, for generated tests and documents. */
size_t lg_router_count(const struct lg_router *rt);
const struct lg_route *lg_router_at(const struct lg_router *rt, size_t i);

struct lg_openapi_info {
    const char *title;
    const char *version;
    const char *description;
    const char *server_url; /* NULL: "/" */
};
/* The OpenAPI 3.1 document of what `surfaces` show. LG_ENOMEM, LG_EINVAL for a schema name that no
 * one gave. */
int lg_router_openapi(const struct lg_router *rt, const struct lg_openapi_info *info,
        unsigned surfaces, struct lg_buf *out, struct lg_err *reterr) LG_MUST_CHECK;
/* Adds GET /openapi.json and the offline page /docs (with /docs/app.js, /docs/style.css). The document
 * is made at the first request; `info` is borrowed. */
int lg_router_add_docs(struct lg_router *rt, const struct lg_openapi_info *info,
        struct lg_err *reterr) LG_MUST_CHECK;

const char *lg_http_method_name(enum lg_http_method m);

#endif
