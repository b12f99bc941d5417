#ifndef LG_OPENSEARCH_OS_INT_H
#define LG_OPENSEARCH_OS_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "access/scope.h"
#include "net/http_client.h"
#include "opensearch/opensearch.h"
#include "store/event_common.h"
#include "store/shared.h"
#include "json/json.h"
#include "json/write.h"

#define LG_OS_NODES_MAX 64
#define LG_OS_SCHEMA 1 /* of documents and templates */
#define LG_OS_PAGE 1000
#define LG_OS_ANSWER_MAX (256u << 20)

struct lg_os_node {
    char *url;                  /* without a slash at its end */
    char *name;                 /* of it, for people: no user, no password */
    _Atomic int64_t down_until; /* monotonic */
    _Atomic unsigned failures;
};

/* One request under way, with the buffers that it keeps. Its holder's. */
struct lg_os_call {
    struct lg_http_client *http;
    struct lg_client_resp resp;
    struct lg_json *json;
    struct lg_buf body, packed, url;
    bool is_packed; /* `packed` is of this body */
    struct lg_os_call *next;
};

struct lg_os {
    struct lg_event_store base;
    struct lg_os_node nodes[LG_OS_NODES_MAX];
    unsigned n_nodes;
    _Atomic unsigned turn;
    char *auth; /* header, or NULL */
    char *prefix, *ca_file, *cert_file, *key_file;
    struct lg_opensearch_options opt; /* numbers only */
    uint8_t cursor_key[32];
    uint64_t map_seed;
    pthread_mutex_t lock; /* idle */
    struct lg_os_call *idle;
    _Atomic bool templates_there;
};
static inline struct lg_os *lg_os_of(struct lg_event_store *st)
{
    return (struct lg_os *)(void *)st;
}
int lg_os_new(const struct lg_opensearch_options *opt, struct lg_os **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_os_free(struct lg_os *os);

/* ---- transport: client.c ---- */
int lg_os_take(struct lg_os *os, struct lg_os_call **ret, struct lg_err *reterr) LG_MUST_CHECK;
void lg_os_give(struct lg_os *os, struct lg_os_call *c);
/*
 * Sends c->body (JSON, or bulk lines) to one node after the other until one answers, and reads the
 * answer. Nodes that fail sit out for a while. 0 with any status below 500 but 429, and *ret_root;
 * LG_EAGAIN: every node is busy (429, 503); LG_EIO: none answers, or what it says is no JSON;
 * LG_ELIMIT: the answer is too large.
 */
int lg_os_send(struct lg_os *os, struct lg_os_call *c, const char *method, const char *path,
        int *ret_status, struct lg_jval *ret_root, struct lg_err *reterr) LG_MUST_CHECK;
/* The same for a status of 200, a busy cluster asked again a few times; LG_ENOENT for 404, else
 * LG_EIO. */
int lg_os_ask(struct lg_os *os, struct lg_os_call *c, const char *method, const char *path,
        struct lg_jval *ret_root, struct lg_err *reterr) LG_MUST_CHECK;
/* Compresses the body ahead of lg_os_send, which does it otherwise. */
int lg_os_pack(struct lg_os *os, struct lg_os_call *c) LG_MUST_CHECK;
/* "type: reason" of an error's answer, into out. */
void lg_os_reason(struct lg_jval root, char *out, size_t cap);
int lg_os_gzip(struct lg_str in, struct lg_buf *out) LG_MUST_CHECK;

/* ---- documents: doc.c, fields.c, mapping.c ---- */
enum lg_os_kind { LG_OS_EVENTS, LG_OS_INFERENCES };
extern const char *const lg_os_kind_names[2];
/* <prefix>-events-2023.11.15 */
#define LG_OS_INDEX_MAX 128
void lg_os_index_name(const struct lg_os *os, enum lg_os_kind kind, int64_t day, char *out);
/* Day of an index of ours, or -1. */
int64_t lg_os_index_day(const struct lg_os *os, struct lg_str name, enum lg_os_kind *ret);
int64_t lg_os_tie(const struct lg_uuid *id);
/* Appends the document as one line. */
void lg_os_event_doc(struct lg_jw *w, const struct lg_event_put *p, struct lg_buf *scratch);
void lg_os_inference_doc(struct lg_jw *w, const struct lg_inference_put *p, struct lg_buf *scratch);
/* Of what must be the same in a repeated record. */
#define LG_OS_DIGEST 32
void lg_os_event_digest(const struct lg_event_put *p, char out[LG_OS_DIGEST + 1]);
void lg_os_inference_digest(const struct lg_inference_put *p, char out[LG_OS_DIGEST + 1]);
/* The ECS members of an event's document, and their mappings. */
void lg_os_ecs_put(struct lg_jw *w, const struct lg_event_put *p);
void lg_os_ecs_map(struct lg_jw *w);
/* Body of PUT _index_template/<name>; `policy`: ILM looks after its indices. */
void lg_os_template(struct lg_jw *w, const struct lg_os *os, enum lg_os_kind kind, bool policy,
        struct lg_str digest);
void lg_os_time_iso(lg_time t, char out[40]); /* with nine decimals */
/* 0, LG_EUNSUP: store-init was not run, or by another version. */
int lg_os_check_templates(struct lg_os *os, struct lg_err *reterr) LG_MUST_CHECK;

/* ---- queries: query.c ---- */
/* Puts {"bool":{"filter":[... and leaves it open; false: the caller may see nothing. The one place
 * where a scope becomes a restriction: no query is made another way. */
bool lg_os_filter_open(struct lg_jw *w, const struct lg_scope *sc, struct lg_str tenant);
void lg_os_filter_close(struct lg_jw *w);
void lg_os_term(struct lg_jw *w, const char *field, struct lg_str value);
void lg_os_range(struct lg_jw *w, const char *field, int64_t from, int64_t to); /* 0: open */
/* Source of a terms aggregation: which part of a range that begins at `from` the field's time lies in,
 * in whole nanoseconds, which the server's histograms do not count. `more`: members beside it. */
void lg_os_part_terms(
        struct lg_buf *out, const char *field, lg_time from, int64_t length, const char *more);
/* Path of a search over days: of one index where day >= 0, else of all. */
void lg_os_search_path(
        const struct lg_os *os, enum lg_os_kind kind, int64_t day, const char *args, char out[512]);
#define LG_OS_PATH_MAX 512
int64_t lg_os_get_i64(struct lg_jval obj, const char *key); /* 0 where there is none */
/* A number of `unit` nanoseconds as a time; 0 where there is none, or none that a time can hold. */
lg_time lg_os_get_time(struct lg_jval obj, const char *key, int64_t unit);
bool lg_os_get_f64(struct lg_jval obj, const char *key, double *ret);
/* hits.hits of an answer as an iterator; false: none */
bool lg_os_hits(struct lg_jval root, struct lg_jiter *ret);
/* Walks all buckets of a composite aggregation. `put` writes the query's filters (the scope's are
 * there), `sources` and `aggs` are JSON; fn's value dies with the call. */
struct lg_os_composite {
    enum lg_os_kind kind;
    const struct lg_scope *sc;
    struct lg_str tenant;
    void (*put)(struct lg_jw *w, const void *user);
    const void *put_user;
    struct lg_str sources, aggs; /* aggs may be empty */
    int (*fn)(void *user, struct lg_jval bucket);
    void *user;
};
int lg_os_composite(struct lg_os *os, const struct lg_os_composite *q) LG_MUST_CHECK;

/* ---- ops ---- */
int lg_os_write(struct lg_event_store *st, struct lg_event_put *ev, size_t n_ev,
        struct lg_inference_put *in, size_t n_in, struct lg_err *reterr);
int lg_os_event_get(struct lg_event_store *st, const struct lg_scope *sc, const struct lg_uuid *id,
        lg_time hint, struct lg_arena *a, struct lg_event_row *ret);
int lg_os_event_histogram(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_event_query *q, uint32_t parts, struct lg_arena *a,
        struct lg_event_counts *ret);
int lg_os_event_search(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_event_query *q, struct lg_arena *a, struct lg_event_page *ret);
int lg_os_event_window(struct lg_event_store *st, const struct lg_scope *sc, struct lg_str tenant,
        struct lg_str endpoint, lg_time from, lg_time to, lg_time as_of, lg_event_fn fn,
        void *user);
int lg_os_inference_get(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, lg_time hint, struct lg_arena *a, struct lg_inference_row *ret,
        struct lg_str *ret_context);
int lg_os_inference_search(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_inference_query *q, struct lg_arena *a, struct lg_inference_page *ret);
int lg_os_summary(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, struct lg_summary *ret);
int lg_os_hosts(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, struct lg_arena *a, struct lg_host_row **ret,
        uint32_t *ret_n);
int lg_os_timeline(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, uint32_t buckets, struct lg_arena *a,
        struct lg_time_bucket **ret, uint32_t *ret_n);
int lg_os_techniques(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, struct lg_arena *a, struct lg_technique_count **ret,
        uint32_t *ret_n);
int lg_os_profile(struct lg_event_store *st, const struct lg_scope *sc, struct lg_str tenant,
        struct lg_str endpoint, uint32_t max_items, struct lg_arena *a,
        struct lg_profile_item **ret, uint32_t *ret_n);
int lg_os_tree(struct lg_event_store *st, const struct lg_scope *sc, const struct lg_tree_query *q,
        struct lg_arena *a, struct lg_tree *ret);
int lg_os_retain(struct lg_event_store *st, const struct lg_retention *r, uint32_t *ret_removed);
int lg_os_verify(
        struct lg_event_store *st, struct lg_store_fault *ret, uint32_t max, uint32_t *ret_n);
int lg_os_stats(struct lg_event_store *st, struct lg_store_stats *ret);
int lg_os_settle(struct lg_event_store *st, struct lg_err *reterr);

#endif
