#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "opensearch/os_int.h"

/* What all queries share. */

static void put_tenant(struct lg_jw *w, const struct lg_scope *sc, struct lg_str tenant)
{
    lg_jw_object(w);
    if (tenant.n == 0 && lg_scope_is_all(sc)) {
        lg_jw_key(w, LG_STR("exists"));
        lg_jw_raw(w, LG_STR("{\"field\":\"logster.tenant\"}"));
        lg_jw_object_end(w);
        return;
    }
    lg_jw_key(w, LG_STR("terms"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("logster.tenant"));
    lg_jw_array(w);
    if (tenant.n > 0)
        lg_jw_str(w, tenant);
    for (size_t i = 0; tenant.n == 0 && i < lg_scope_tenants(sc); i++)
        lg_jw_str(w, lg_scope_tenant(sc, i));
    lg_jw_array_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

bool lg_os_filter_open(struct lg_jw *w, const struct lg_scope *sc, struct lg_str tenant)
{
    if (sc == NULL || lg_scope_is_empty(sc) || (tenant.n > 0 && !lg_scope_allows(sc, tenant)))
        return false;
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("bool"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("filter"));
    lg_jw_array(w);
    put_tenant(w, sc, tenant);
    return true;
}

void lg_os_filter_close(struct lg_jw *w)
{
    lg_jw_array_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

void lg_os_term(struct lg_jw *w, const char *field, struct lg_str value)
{
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("term"));
    lg_jw_object(w);
    lg_jw_key(w, lg_str_z(field));
    lg_jw_str(w, value);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

void lg_os_range(struct lg_jw *w, const char *field, int64_t from, int64_t to)
{
    if (from == 0 && to == 0)
        return;
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("range"));
    lg_jw_object(w);
    lg_jw_key(w, lg_str_z(field));
    lg_jw_object(w);
    if (from != 0)
        LG_JW_I64(w, "gte", from);
    if (to != 0)
        LG_JW_I64(w, "lt", to);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

void lg_os_part_terms(
        struct lg_buf *out, const char *field, lg_time from, int64_t length, const char *more)
{
    lg_buf_printf(out,
            "{\"part\":{\"terms\":{\"script\":{\"lang\":\"painless\",\"source\":\"(doc['%s'].value "
            "- "
            "params.from) / params.size\",\"params\":{\"from\":%lld,\"size\":%lld}},"
            "\"value_type\":\"long\"%s}}}",
            field, (long long)from, (long long)length, more);
}

void lg_os_search_path(const struct lg_os *os, enum lg_os_kind kind, int64_t day, const char *args,
        char out[LG_OS_PATH_MAX])
{
    char index[LG_OS_INDEX_MAX];

    if (day >= 0)
        lg_os_index_name(os, kind, day, index);
    else
        (void)snprintf(index, sizeof(index), "%s-%s-*", os->prefix, lg_os_kind_names[kind]);
    (void)snprintf(out, LG_OS_PATH_MAX,
            "/%s/_search?ignore_unavailable=true&allow_no_indices=true&expand_wildcards=open"
            "&allow_partial_search_results=false%s",
            index, args);
}

int64_t lg_os_get_i64(struct lg_jval obj, const char *key)
{
    struct lg_jval v;

    if (!lg_jval_get(obj, lg_str_z(key), &v))
        return 0;
    switch (lg_jval_type(v)) {
    case LG_JSON_I64:
        return lg_jval_i64(v);
    case LG_JSON_DOUBLE: /* of aggregations: a count, or milliseconds */
        return lg_jval_double(v) >= -9e15 && lg_jval_double(v) <= 9e15 ? (int64_t)lg_jval_double(v)
                                                                       : 0;
    default:
        return 0;
    }
}

lg_time lg_os_get_time(struct lg_jval obj, const char *key, int64_t unit)
{
    int64_t n = lg_os_get_i64(obj, key);

    return n >= -(INT64_MAX / unit) && n <= INT64_MAX / unit ? n * unit : 0;
}

bool lg_os_get_f64(struct lg_jval obj, const char *key, double *ret)
{
    struct lg_jval v;

    if (!lg_jval_get(obj, lg_str_z(key), &v))
        return false;
    switch (lg_jval_type(v)) {
    case LG_JSON_I64:
        *ret = (double)lg_jval_i64(v);
        return true;
    case LG_JSON_DOUBLE:
        *ret = lg_jval_double(v);
        return true;
    default:
        return false;
    }
}

bool lg_os_hits(struct lg_jval root, struct lg_jiter *ret)
{
    struct lg_jval hits;

    if (!lg_jval_path(root, "hits.hits", &hits) || lg_jval_type(hits) != LG_JSON_ARRAY)
        return false;
    *ret = lg_jiter_of(hits);
    return true;
}

/* ---- composite aggregations ---- */
#define BUCKETS 5000

static bool put_composite(struct lg_jw *w, const struct lg_os_composite *q, struct lg_str after)
{
    lg_jw_object(w);
    LG_JW_U64(w, "size", 0);
    LG_JW_BOOL(w, "track_total_hits", false);
    lg_jw_key(w, LG_STR("query"));
    if (!lg_os_filter_open(w, q->sc, q->tenant))
        return false;
    q->put(w, q->put_user);
    lg_os_filter_close(w);
    lg_jw_key(w, LG_STR("aggs"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("all"));
    lg_jw_object(w);
    lg_jw_key(w, LG_STR("composite"));
    lg_jw_object(w);
    LG_JW_U64(w, "size", BUCKETS);
    lg_jw_key(w, LG_STR("sources"));
    lg_jw_raw(w, q->sources);
    if (after.n > 0) {
        lg_jw_key(w, LG_STR("after"));
        lg_jw_raw(w, after);
    }
    lg_jw_object_end(w);
    if (q->aggs.n > 0) {
        lg_jw_key(w, LG_STR("aggs"));
        lg_jw_raw(w, q->aggs);
    }
    lg_jw_object_end(w);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
    return true;
}

/* 1: there is more after *after. */
static int composite_page(struct lg_os *os, struct lg_os_call *c, const struct lg_os_composite *q,
        struct lg_buf *after)
{
    struct lg_jval root, buckets, one, key;
    char path[LG_OS_PATH_MAX];
    struct lg_jiter it;
    struct lg_jw w;
    uint32_t n = 0;
    int rc;

    lg_buf_clear(&c->body);
    lg_jw_init(&w, &c->body);
    if (!put_composite(&w, q, lg_buf_str(after)))
        return 0;
    lg_os_search_path(os, q->kind, -1, "&filter_path=error,aggregations", path);
    rc = lg_os_ask(os, c, "POST", path, &root, NULL);
    if (rc < 0)
        return rc == LG_ENOENT ? 0 : rc;
    if (!lg_jval_path(root, "aggregations.all.buckets", &buckets) ||
            lg_jval_type(buckets) != LG_JSON_ARRAY)
        return 0; /* no index */
    it = lg_jiter_of(buckets);
    while (lg_jiter_item(&it, &one)) {
        rc = q->fn(q->user, one);
        if (rc < 0)
            return rc;
        n++;
    }
    lg_buf_clear(after);
    if (n < BUCKETS || !lg_jval_path(root, "aggregations.all.after_key", &key))
        return 0;
    lg_jw_init(&w, after);
    lg_jw_value(&w, key);
    return after->failed != 0 ? after->failed : 1;
}

int lg_os_composite(struct lg_os *os, const struct lg_os_composite *q)
{
    struct lg_os_call *c = NULL;
    struct lg_buf after;
    int rc = lg_os_take(os, &c, NULL);

    if (rc < 0)
        return rc;
    lg_buf_init(&after, 1u << 20);
    do {
        rc = composite_page(os, c, q, &after);
    } while (rc > 0);
    lg_buf_done(&after);
    lg_os_give(os, c);
    return rc;
}
