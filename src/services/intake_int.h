#ifndef LG_SERVICES_INTAKE_INT_H
#define LG_SERVICES_INTAKE_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/vec.h"
#include "net/http_server.h"
#include "services/intake.h"
#include "json/json.h"
#include "json/write.h"

/* ------------------------------------------------------------------ bodies to items; pure */

/* Why an item is refused; the names are part of the answers. */
#define LG_INTAKE_REASONS(X)                                                                       \
    X(NONE, "none", 200)                                                                           \
    X(BAD_JSON, "bad_json", 400)                                                                   \
    X(NOT_OBJECT, "not_an_object", 400)                                                            \
    X(OVERSIZED, "oversized", 413)                                                                 \
    X(UNSUPPORTED_ACTION, "unsupported_action", 400)                                               \
    X(NO_SOURCE_LINE, "no_source_line", 400)                                                       \
    X(NO_EVENT, "no_event", 400)                                                                   \
    X(BLANK_EVENT, "blank_event", 400)                                                             \
    X(BAD_TEXT, "bad_text", 400)

#define LG_INTAKE_REASON_ENUM(e, s, st) LG_INTAKE_##e,
enum lg_intake_reason { LG_INTAKE_REASONS(LG_INTAKE_REASON_ENUM) LG_INTAKE_REASON_COUNT };
#undef LG_INTAKE_REASON_ENUM
const char *lg_intake_reason_name(enum lg_intake_reason r);
int lg_intake_reason_status(enum lg_intake_reason r);

enum lg_intake_op { LG_INTAKE_INDEX, LG_INTAKE_CREATE, LG_INTAKE_UPDATE, LG_INTAKE_DELETE };
const char *lg_intake_op_name(enum lg_intake_op op);

/* Valid only while the callback runs, but for `value` where `value_stays`. */
struct lg_intake_item {
    size_t n;            /* from 0, in the body */
    struct lg_str value; /* what is stored, byte for byte */
    bool value_stays;    /* lies in the body; else in a parser */
    struct lg_jval root; /* of a JSON value; .at == NULL for text */
    enum lg_intake_reason reason;
    /* _bulk */
    enum lg_intake_op op;
    struct lg_str index, id;
    /* HEC */
    struct lg_str host, sourcetype, source;
};
/* Negative ends the body and comes back. */
typedef int (*lg_intake_item_fn)(void *user, const struct lg_intake_item *item);

struct lg_intake_reader {
    struct lg_json *doc;    /* of the item */
    struct lg_json *action; /* of _bulk action lines and HEC string events */
    size_t max_item_bytes;
    size_t max_items;
    lg_intake_item_fn fn;
    void *user;
};

/*
 * The body must be followed by LG_JSON_PADDING readable bytes. LG_ELIMIT: more than max_items (before
 * or after items were given out); LG_EPARSE: *ret_line is no action line (_bulk). LG_ENOMEM.
 */
int lg_intake_read_lines(const struct lg_intake_reader *r, struct lg_str body) LG_MUST_CHECK;
/* A JSON array, or JSON values in a row with or without space between them. */
int lg_intake_read_values(const struct lg_intake_reader *r, struct lg_str body) LG_MUST_CHECK;
int lg_intake_read_bulk(const struct lg_intake_reader *r, struct lg_str body,
        struct lg_str default_index, size_t *ret_line) LG_MUST_CHECK;
int lg_intake_read_hec(const struct lg_intake_reader *r, struct lg_str body) LG_MUST_CHECK;
/* Whichever of the first three the body is. `lines`: the media type says lines. */
int lg_intake_read_any(const struct lg_intake_reader *r, struct lg_str body, bool lines,
        size_t *ret_line) LG_MUST_CHECK;

/* Length of the JSON value that starts at s.p[0], by brackets and quotes alone; 0 when it does not
 * end, or does not start. */
size_t lg_intake_value_length(struct lg_str s);

/* ------------------------------------------------------------------ hosts and keys; pure */

/* The record's own host name by a cheap look, or empty. */
struct lg_str lg_intake_host(struct lg_jval root);
struct lg_str lg_intake_text_host(struct lg_str text);
/* Shippers of text put each line into a JSON object: the audit record or event XML in `message`,
 * `msg`, `log` or `MESSAGE`, which is what is stored then; or empty. */
struct lg_str lg_intake_unwrap(struct lg_jval root);
/* Raw topic of a JSON record by its members, of text by its look; `fallback` when nothing tells. */
enum lg_topic lg_intake_topic(struct lg_str text, struct lg_jval root, enum lg_topic fallback);
enum lg_topic lg_intake_sourcetype_topic(
        struct lg_str sourcetype, struct lg_str source, enum lg_topic fallback);
/* tenant:endpoint, the endpoint as the identity rule has it. At most LG_INTAKE_KEY_BYTES. */
#define LG_INTAKE_KEY_BYTES (LG_MAX_TENANT_BYTES + 1 + LG_MAX_HOSTNAME_BYTES)
size_t lg_intake_key(struct lg_str tenant, struct lg_str host, bool fqdn, char *out);

/* ------------------------------------------------------------------ Elasticsearch; pure */

/* What the rest of the path means. */
enum lg_es_call {
    LG_ES_BULK,
    LG_ES_DOCUMENT, /* one document is the body */
    LG_ES_ANSWER,   /* lg_es_answer has it all */
};
struct lg_es_request {
    enum lg_http_method method;
    bool head;
    struct lg_str rest; /* after /ingest/{source}/, decoded, may be empty */
    struct lg_str version;
    /* set by lg_es_route */
    struct lg_str index, id;
    enum lg_intake_op op;
};
enum lg_es_call lg_es_route(struct lg_es_request *req);
/* Writes the answer of a call that stores nothing; returns the status. `*ret_text`: not JSON. */
int lg_es_answer(const struct lg_es_request *req, struct lg_buf *out, bool *ret_text);
void lg_es_error(struct lg_buf *out, int status, const char *type, const char *reason);

/* Which members of a _bulk answer a filter_path asks for. */
struct lg_es_filter {
    bool took, errors, items, details; /* details: _index, _id, ... of an item */
};
struct lg_es_filter lg_es_filter_of(struct lg_str filter_path);
/* One item of "items"; `id_prefix` makes ids for those that brought none. */
void lg_es_bulk_item(struct lg_jw *w, const struct lg_intake_item *item, struct lg_es_filter f,
        struct lg_str id_prefix, size_t max_item_bytes);
void lg_es_document(struct lg_buf *out, const struct lg_intake_item *item, struct lg_str id_prefix);

/* ------------------------------------------------------------------ the service */

enum lg_intake_api {
    LG_INTAKE_API_NDJSON,
    LG_INTAKE_API_ES,
    LG_INTAKE_API_HEC,
    LG_INTAKE_API_SYSLOG,
    LG_INTAKE_API_COUNT
};

struct lg_intake_headers { /* of the records of one request and fallback endpoint */
    struct lg_bus_header h[6];
    size_t n;
};

/* Everything one request needs; pooled. */
struct lg_intake_work {
    struct lg_intake_work *next;
    struct lg_intake *in;
    struct lg_metrics_shard *shard;
    struct lg_json *doc, *action;
    struct lg_arena arena; /* keys, headers, values that lie in a parser */
    LG_VEC(struct lg_bus_output) outs;
    size_t outs_bytes;
    struct lg_buf answer;
    struct lg_jw jw;
    /* of this request */
    enum lg_intake_api api;
    struct lg_str tenant, principal, time_shift, connection;
    enum lg_topic topic; /* of items that name none themselves */
    struct lg_es_filter filter;
    struct lg_str index; /* of the path */
    char id_prefix[24];
    size_t inflight;
    int64_t began_ns;
    size_t accepted, refused, first_refused; /* the latter: from 0 */
    enum lg_intake_reason first_reason;
    uint64_t accepted_bytes;
    /* the latest host and what was made of it */
    char host[LG_MAX_HOSTNAME_BYTES];
    size_t host_n;
    struct lg_str key;
    const struct lg_intake_headers *headers;
    struct lg_str headers_endpoint;
    enum lg_topic headers_topic;
};

struct lg_intake {
    struct lg_intake_deps d;
    struct lg_topics topics;
    struct lg_config config;
    char default_tenant[LG_MAX_TENANT_BYTES + 1];
    enum lg_topic splunk_topic, syslog_topic;
    struct lg_route *rows[LG_INTAKE_API_COUNT]; /* owned; the router has them */
    _Atomic unsigned retry_after_s;
    _Atomic uint64_t inflight_bytes;
    _Atomic uint64_t ack_id;
    _Atomic uint64_t sequence; /* of requests, for document ids */
    pthread_mutex_t lock;      /* over pool */
    struct lg_intake_work *pool;
    struct lg_counter requests[LG_INTAKE_API_COUNT][6]; /* by status class */
    struct lg_counter events[LG_INTAKE_API_COUNT], bytes[LG_INTAKE_API_COUNT];
    struct lg_counter reasons[LG_INTAKE_REASON_COUNT];
    struct lg_histogram seconds[LG_INTAKE_API_COUNT];
};

/* One from the pool, for one request; NULL when memory is out. */
struct lg_intake_work *lg_intake_work_take(struct lg_intake *in, enum lg_intake_api api);
void lg_intake_work_give(struct lg_intake_work *w);
/* Queues the item for its topic under its key; full chunks are published at once. `connection`: the
 * name for records without a host. The negative answers are the bus's, or LG_ENOMEM. */
int lg_intake_store(struct lg_intake_work *w, const struct lg_intake_item *item,
        enum lg_topic topic, struct lg_str connection) LG_MUST_CHECK;
/* Publishes what is queued. */
int lg_intake_flush(struct lg_intake_work *w) LG_MUST_CHECK;
void lg_intake_refuse(struct lg_intake_work *w, const struct lg_intake_item *item);

/* What every HTTP way in begins with: a work with tenant, time shift and the connection's name.
 * 0; LG_EREFUSED, LG_ELIMIT (too much in flight), LG_EINVAL with *ret_why for a person, LG_ENOMEM;
 * on failure nothing is held. Ends with lg_intake_end, which counts and gives the work back. */
int lg_intake_begin(struct lg_intake *in, struct lg_http_req *req, enum lg_intake_api api,
        struct lg_intake_work **ret, const char **ret_why) LG_MUST_CHECK;
void lg_intake_end(struct lg_intake_work *w, int status);
/* HTTP status of a failure of begin, read or flush. */
int lg_intake_status(int rc);
struct lg_intake_reader lg_intake_reader_of(
        struct lg_intake_work *w, lg_intake_item_fn fn, void *user);
unsigned lg_intake_retry_after(const struct lg_intake *in);

extern const struct lg_route lg_intake_rows[];
extern const size_t lg_intake_rows_n;
extern const struct lg_route lg_intake_es_rows[];
extern const size_t lg_intake_es_rows_n;
extern const struct lg_route lg_intake_hec_rows[];
extern const size_t lg_intake_hec_rows_n;

#endif
