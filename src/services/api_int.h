#ifndef LG_SERVICES_API_INT_H
#define LG_SERVICES_API_INT_H

#include <pthread.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/mem.h"
#include "services/api.h"
#include "json/json.h"
#include "json/write.h"

/* What the files of the API share. Every handler is `int f(struct lg_http_req *req, void *api)`. */

#define API_LIST_ARENA ((size_t)64 << 20) /* one page of rows, at the largest limit */
#define API_LIMIT_DEFAULT 100
#define API_MAX_DEPTH 32 /* nesting of a request body */

struct api_settings { /* what a reload may change */
    int64_t token_ttl_ns;
    int64_t suppression_ttl_ns;
    int64_t suppression_max_ttl_ns;
    bool allow_permanent;
    uint32_t stream_clients;
};

struct api_shapes; /* api_body.c: the schemas of request bodies, read once */
struct api_stream; /* api_stream.c: open event streams and the latest changes */

struct lg_api {
    struct lg_api_deps d;
    struct lg_admin_store *admin;
    struct lg_config config; /* as it was last loaded */
    struct api_settings settings;
    pthread_mutex_t settings_mu; /* over config and settings */
    pthread_mutex_t dead_mu;     /* over the marks of dead letters */
    struct api_shapes *shapes;
    struct api_stream *stream;
    uint8_t seal_key[32];
    lg_time started_at;
    struct lg_openapi_info info;
    char default_tenant[LG_MAX_TENANT_BYTES + 1];
};

lg_time api_now(const struct lg_api *api);
void api_settings_get(struct lg_api *api, struct api_settings *ret);

/* ---- scope and errors ---- */

/* The scope of the route's own action for the request's principal. 0 or LG_ENOMEM. */
int api_scope(struct lg_http_req *req, struct lg_scope **ret) LG_MUST_CHECK;
/* Answers a store's error: not found, busy, bad cursor, too large, damaged. */
int api_fail(struct lg_http_req *req, int rc);
/*
 * The tenant that a write goes to: the body's where it names one, else the principal's own. 1 and
 * the tenant; 0 when an answer was sent (403, 400; 404 for one that is foreign or unknown).
 */
int api_write_tenant(struct lg_http_req *req, struct lg_api *api, struct lg_str named,
        struct lg_str *ret) LG_MUST_CHECK;
/* Appends the audit row of what the request just did; a failure is logged and answered with 503.
 * 1 when the handler may go on, 0 when it was answered. */
int api_audit(struct lg_http_req *req, struct lg_api *api, struct lg_str tenant, const char *action,
        struct lg_str target, const struct lg_buf *detail) LG_MUST_CHECK;

/* A random id (version 4), for what a person makes: saying a thing twice makes two. */
struct lg_uuid api_new_uuid(void);

/* ---- writing ---- */

void api_put_uuid(struct lg_jw *w, struct lg_str key, const struct lg_uuid *id);
void api_put_time(struct lg_jw *w, struct lg_str key, lg_time t);      /* null for 0 */
void api_put_str(struct lg_jw *w, struct lg_str key, struct lg_str s); /* null when empty */
/* limit, next_cursor (null at the end). */
void api_put_cursor(struct lg_jw *w, uint32_t limit, struct lg_str next_cursor);
void api_put_total(struct lg_jw *w, uint64_t total, bool is_lower_bound);

/*
 * from, to, received_from and received_to of a list, and its cursor where it is `paged`. `now-24h` is another moment
 * with every request: where one of them is relative, the cursor carries what the first page took it
 * for, and the pages after it go on with that. (The store refuses a cursor of another range.)
 */
struct api_times {
    lg_time from, to, received_from, received_to; /* 0: not given */
    bool relative;
    struct lg_str cursor; /* as the store knows it */
};
void api_times_read(const struct lg_http_req *req, bool paged, struct api_times *ret);
/* The store's cursor as the next request has to give it; null when empty. */
void api_put_next(struct lg_jw *w, const struct api_times *t, struct lg_str next_cursor);

/* Members of one JSON object that we wrote ourselves, without parsing it: at most `max`. The values
 * are the text as it stands. Returns how many there are, 0 for what is no object. */
struct api_member {
    struct lg_str key;   /* without quotes, escapes as they are */
    struct lg_str value; /* text of the value */
};
size_t api_members(struct lg_str json, struct api_member *out, size_t max);
/* The object again, with `extra` (members without braces, may be empty) at its end and without the
 * member `drop` (may be empty). */
void api_put_object_plus(
        struct lg_jw *w, struct lg_str json, struct lg_str drop, struct lg_str extra);

/* ---- positions that tell nothing ---- */

/* A cursor for a position of a table that all tenants share: 32 hex digits without any order. */
#define API_SEAL_TEXT 32
void api_seal(
        const struct lg_api *api, const char *kind, uint64_t position, char out[API_SEAL_TEXT + 1]);
int api_unseal(const struct lg_api *api, const char *kind, struct lg_str text,
        uint64_t *ret) LG_MUST_CHECK;
/* Reads the parameter `cursor`: 1 (0 when absent is in *ret), 0 when a 400 was sent. */
int api_cursor_position(struct lg_http_req *req, const struct lg_api *api, const char *kind,
        uint64_t *ret) LG_MUST_CHECK;

/* ---- request bodies ---- */

int api_shapes_new(struct api_shapes **ret, struct lg_err *reterr) LG_MUST_CHECK;
void api_shapes_free(struct api_shapes *sh);

/* A body that was checked against the schema that the route's row names. */
struct api_body {
    struct lg_json *parser;
    struct lg_jval root;
};
/* 1 and the body (api_body_done it); 0 when the problem was sent; LG_ENOMEM. */
int api_body(struct lg_http_req *req, struct lg_api *api, struct api_body *ret) LG_MUST_CHECK;
void api_body_done(struct api_body *b);
struct lg_str api_body_str(const struct api_body *b, const char *key); /* empty when absent, null */
bool api_body_has(const struct api_body *b, const char *key);          /* also when null */
bool api_body_bool(const struct api_body *b, const char *key, bool fallback);
/* Time as seconds since the epoch or RFC 3339: 1, 0 (absent or null), LG_EPARSE, LG_ERANGE. */
int api_body_time(const struct api_body *b, const char *key, lg_time *ret) LG_MUST_CHECK;
/* What a member says that the schema cannot check is wrong: 400. */
int api_bad_member(struct lg_http_req *req, const char *key, const char *why);

/* Checks a value against one of our schemas; for tests too. `path` names the offender. */
int api_shape_check(struct api_shapes *sh, const char *schema, struct lg_jval v,
        struct lg_buf *path, const char **why) LG_MUST_CHECK;

/* ---- tokens ---- */

void api_put_roles(struct lg_jw *w, uint32_t roles);   /* array of names */
void api_put_scopes(struct lg_jw *w, uint32_t scopes); /* array of names */
void api_put_me(struct lg_jw *w, const struct lg_principal *pr);
/* What happened to a token, for the audit log. */
struct api_token_deed {
    const char *action;
    struct lg_str token_id, name, owner, actor, request_id, from;
    bool has_expiry;
    lg_time expires_at;
    uint64_t count;
};
int api_token_audit(struct lg_admin_store *admin, lg_time now, const struct lg_principal *rights,
        const struct api_token_deed *deed) LG_MUST_CHECK;

/* ---- shared by resources ---- */

const struct lg_schema *api_schemas(size_t *n);

/* api_stream.c */
int api_stream_new(struct lg_api *api, struct api_stream **ret) LG_MUST_CHECK;
int api_stream_start(struct api_stream *st, struct lg_err *reterr) LG_MUST_CHECK;
void api_stream_stop(struct api_stream *st);
void api_stream_free(struct api_stream *st);
uint32_t api_stream_clients(struct api_stream *st);
void api_stream_change(
        struct api_stream *st, struct lg_str tenant, struct lg_str change, struct lg_str json);

/* Rows of the event store as the API shows them. */
void api_put_event(struct lg_jw *w, const struct lg_event_row *row, bool with_raw);
void api_put_inference(struct lg_jw *w, const struct lg_inference_row *row, bool with_evidence);
int api_send_tree(struct lg_http_req *req, struct lg_api *api, const struct lg_scope *sc,
        const struct lg_tree_query *q, struct lg_arena *a);
/* An endpoint with its alerts; `al` may be NULL. With its trend where `parts` is not 0. */
void api_put_endpoint(struct lg_jw *w, const struct lg_host_row *h,
        const struct lg_endpoint_alerts *al, uint32_t parts);
/* What could not be seen of an endpoint in [from, to). 0 or the store's error. */
int api_put_ledger(struct lg_jw *w, struct lg_api *api, const struct lg_scope *sc,
        struct lg_str tenant, struct lg_str endpoint, lg_time from, lg_time to) LG_MUST_CHECK;
/* Hosts of the scope over a range, each with its alerts (NULL where it has none). */
struct api_host {
    struct lg_host_row host;
    const struct lg_endpoint_alerts *alerts;
};
#define API_HOST_SORTS                                                                             \
    "max_attack_prob|last_seen|endpoint_id|alerts_active|total_attacks|severity|platform"
int api_hosts(struct lg_api *api, const struct lg_scope *sc, const struct lg_range_query *q,
        struct lg_arena *a, struct api_host **ret, uint32_t *ret_n) LG_MUST_CHECK;
/* Adds to what api_hosts found in a range those without a verdict in it, their figures 0. */
int api_hosts_known(struct lg_api *api, const struct lg_scope *sc, const struct lg_range_query *q,
        struct lg_arena *a, struct api_host **v, uint32_t *n) LG_MUST_CHECK;
void api_hosts_sort(struct api_host *v, uint32_t n, struct lg_str by, bool ascending);

/* Parameters that many rows have. */
#define API_P_TENANT                                                                               \
    {                                                                                              \
        .name = "tenant_id", .in = LG_IN_QUERY, .type = LG_PARAM_STRING, .min = 1, .max = 64,      \
        .doc = "Only this tenant; one that is not yours answers like an empty one",                \
    }
#define API_P_LIMIT                                                                                \
    {                                                                                              \
        .name = "limit", .in = LG_IN_QUERY, .type = LG_PARAM_INT, .def = "100", .min = 1,          \
        .max = 1000, .doc = "Most rows of the answer",                                             \
    }
#define API_P_OFFSET                                                                               \
    {                                                                                              \
        .name = "offset", .in = LG_IN_QUERY, .type = LG_PARAM_INT, .def = "0", .min = 0,           \
        .max = LG_STORE_OFFSET_MAX, .doc = "Rows to skip, from 0; not with a cursor",              \
    }
#define API_P_CURSOR                                                                               \
    {                                                                                              \
        .name = "cursor", .in = LG_IN_QUERY, .type = LG_PARAM_STRING, .min = 1, .max = 512,        \
        .doc = "The `next_cursor` of the page before, with the same filters",                      \
    }
#define API_P_TIME(n, text)                                                                        \
    {                                                                                              \
        .name = (n), .in = LG_IN_QUERY, .type = LG_PARAM_TIME, .doc = (text)                       \
    }
#define API_P_TEXT(n, text)                                                                        \
    {                                                                                              \
        .name = (n), .in = LG_IN_QUERY, .type = LG_PARAM_STRING, .min = 1, .max = 256,             \
        .doc = (text)                                                                              \
    }
#define API_P_PATH_TEXT(n, text)                                                                   \
    {                                                                                              \
        .name = (n), .in = LG_IN_PATH, .type = LG_PARAM_STRING, .min = 1, .max = 256,              \
        .doc = (text)                                                                              \
    }
#define API_P_PATH_UUID(n, text)                                                                   \
    {                                                                                              \
        .name = (n), .in = LG_IN_PATH, .type = LG_PARAM_UUID, .doc = (text)                        \
    }
#define API_P_ENUM(n, list, text)                                                                  \
    {                                                                                              \
        .name = (n), .in = LG_IN_QUERY, .type = LG_PARAM_ENUM, .repeated = true, .values = (list), \
        .doc = (text)                                                                              \
    }
#define API_P_CHOICE(n, list, fallback, text)                                                      \
    {                                                                                              \
        .name = (n), .in = LG_IN_QUERY, .type = LG_PARAM_ENUM, .values = (list),                   \
        .def = (fallback), .doc = (text)                                                           \
    }
#define API_P_MAX_NODES                                                                            \
    {                                                                                              \
        .name = "max_nodes", .in = LG_IN_QUERY, .type = LG_PARAM_INT, .def = "2000", .min = 1,     \
        .max = 10000, .doc = "Most processes of the answer",                                       \
    }
#define API_P_END                                                                                  \
    {                                                                                              \
        0                                                                                          \
    }
#define API_PARAMS(...) ((const struct lg_param[]){__VA_ARGS__, API_P_END})

#define API_OK(schema, text)                                                                       \
    {                                                                                              \
        200, schema, text, NULL                                                                    \
    }
#define API_GONE                                                                                   \
    {                                                                                              \
        404, NULL, "Not there, or not yours", NULL                                                 \
    }

/* The groups: one function a resource. */
struct lg_api_rows api_alerts_rows(void);
struct lg_api_rows api_alert_views_rows(void);
struct lg_api_rows api_feedback_rows(void);
struct lg_api_rows api_quality_rows(void);
struct lg_api_rows api_posture_rows(void);
struct lg_api_rows api_endpoints_rows(void);
struct lg_api_rows api_events_rows(void);
struct lg_api_rows api_inferences_rows(void);
struct lg_api_rows api_suppressions_rows(void);
struct lg_api_rows api_searches_rows(void);
struct lg_api_rows api_summary_rows(void);
struct lg_api_rows api_tenants_rows(void);
struct lg_api_rows api_tokens_rows(void);
struct lg_api_rows api_models_rows(void);
struct lg_api_rows api_dead_letters_rows(void);
struct lg_api_rows api_audit_rows(void);
struct lg_api_rows api_stream_rows(void);
struct lg_api_rows api_health_rows(void);
/* api_dead_letters.c: dead letters that are neither replayed nor dropped. 0 or the bus's error. */
int api_dead_open(struct lg_api *api, uint64_t *ret) LG_MUST_CHECK;

#define API_ROWS(array) ((struct lg_api_rows){(array), sizeof(array) / sizeof(*(array))})

#endif
