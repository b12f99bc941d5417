#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "opensearch/os_int.h"

/* Days as a whole: how much they hold, whether they are sound, which are over. */
struct day_index {
    int64_t day;
    enum lg_os_kind kind;
    uint64_t docs, bytes;
    lg_time stored; /* when the last record came in; INT64_MAX where that is not known */
};
struct days {
    LG_VEC(struct day_index) v;
};

static int by_day(const void *pa, const void *pb)
{
    const struct day_index *a = (const struct day_index *)pa, *b = (const struct day_index *)pb;

    return a->day != b->day ? (a->day < b->day ? -1 : 1) : (int)a->kind - (int)b->kind;
}

static int add_indices(struct lg_os *os, struct lg_jval indices, struct days *d)
{
    struct lg_jiter it = lg_jiter_of(indices);
    struct lg_str name;
    struct lg_jval v, x;
    int rc = 0;

    while (rc >= 0 && lg_jiter_member(&it, &name, &v)) {
        struct day_index one = {.stored = INT64_MAX};

        one.day = lg_os_index_day(os, name, &one.kind);
        if (one.day < 0)
            continue;
        if (lg_jval_path(v, "primaries.docs", &x))
            one.docs = (uint64_t)lg_os_get_i64(x, "count");
        if (lg_jval_path(v, "total.store", &x))
            one.bytes = (uint64_t)lg_os_get_i64(x, "size_in_bytes");
        rc = lg_vec_push(&d->v, one);
    }
    return rc;
}

static int list_days(struct lg_os *os, struct days *d)
{
    struct lg_os_call *c = NULL;
    char path[LG_OS_PATH_MAX];
    struct lg_jval root, indices;
    int rc = lg_os_take(os, &c, NULL);

    if (rc < 0)
        return rc;
    (void)snprintf(path, sizeof(path),
            "/%s-events-*,%s-inferences-*/_stats/docs,store?filter_path=error,indices.*.primaries."
            "docs.count,indices.*.total.store.size_in_bytes",
            os->prefix, os->prefix);
    rc = lg_os_ask(os, c, "GET", path, &root, NULL);
    if (rc == LG_ENOENT)
        rc = 0;
    else if (rc == 0 && lg_jval_get(root, LG_STR("indices"), &indices) &&
            lg_jval_type(indices) == LG_JSON_OBJECT)
        rc = add_indices(os, indices, d);
    lg_os_give(os, c);
    if (rc >= 0 && d->v.n > 0)
        qsort(d->v.v, d->v.n, sizeof(*d->v.v), by_day);
    return rc;
}

int lg_os_stats(struct lg_event_store *st, struct lg_store_stats *ret)
{
    struct lg_store_stats s = {0};
    struct days d = {0};
    int rc = list_days(lg_os_of(st), &d);

    for (size_t i = 0; rc >= 0 && i < d.v.n; i++) {
        const struct day_index *x = &d.v.v[i];

        if (x->kind == LG_OS_EVENTS)
            s.events += x->docs;
        else
            s.inferences += x->docs;
        s.bytes += x->bytes;
        s.files += i == 0 || d.v.v[i - 1].day != x->day;
    }
    lg_vec_done(&d.v);
    if (rc >= 0)
        *ret = s;
    return rc;
}

/* ---- retention ---- */
static int last_written(struct lg_os *os, struct lg_os_call *c, struct day_index *x)
{
    char index[LG_OS_INDEX_MAX], path[LG_OS_PATH_MAX];
    struct lg_jval root, v, n;
    int rc;

    lg_os_index_name(os, x->kind, x->day, index);
    (void)snprintf(path, sizeof(path),
            "/%s/_search?allow_partial_search_results=false&filter_path=error,aggregations", index);
    lg_buf_clear(&c->body);
    lg_buf_adds(&c->body,
            LG_STR("{\"size\":0,\"track_total_hits\":false,\"aggs\":{\"last\":{\"max\":{\"field\":"
                   "\"logster.stored_at\"}}}}"));
    rc = lg_os_ask(os, c, "POST", path, &root, NULL);
    if (rc < 0)
        return rc == LG_ENOENT ? 0 : rc;
    if (lg_jval_path(root, "aggregations.last", &v)) {
        /* null: nothing is in it, that a reader would see; it is left for another time */
        if (lg_jval_get(v, LG_STR("value"), &n) && lg_jval_type(n) != LG_JSON_NULL)
            x->stored = lg_os_get_time(v, "value", (LG_NS_PER_SEC / 1000));
    }
    return 0;
}

static int remove_index(struct lg_os *os, struct lg_os_call *c, const struct day_index *x)
{
    char index[LG_OS_INDEX_MAX], path[LG_OS_PATH_MAX];
    struct lg_jval root;
    int rc;

    lg_os_index_name(os, x->kind, x->day, index);
    (void)snprintf(path, sizeof(path), "/%s", index);
    lg_buf_clear(&c->body);
    rc = lg_os_ask(os, c, "DELETE", path, &root, NULL);
    return rc == LG_ENOENT ? 0 : rc;
}

/* Removes both indices of the day that begins at index i. */
static int remove_day(struct lg_os *os, struct lg_os_call *c, struct days *d, size_t i)
{
    size_t n = 1;
    int rc = 0;

    while (i + n < d->v.n && d->v.v[i + n].day == d->v.v[i].day)
        n++;
    for (size_t k = 0; rc >= 0 && k < n; k++)
        rc = remove_index(os, c, &d->v.v[i + k]);
    if (rc < 0)
        return rc;
    memmove(d->v.v + i, d->v.v + i + n, (d->v.n - i - n) * sizeof(*d->v.v));
    d->v.n -= n;
    return 0;
}

/* Nothing came into the day since `idle`. 1, 0. */
static int is_idle(struct lg_os *os, struct lg_os_call *c, struct days *d, size_t i, lg_time idle)
{
    int64_t day = d->v.v[i].day;

    for (; i < d->v.n && d->v.v[i].day == day; i++) {
        int rc = last_written(os, c, &d->v.v[i]);

        if (rc < 0)
            return rc;
        if (d->v.v[i].stored >= idle)
            return 0;
    }
    return 1;
}

static int retain(struct lg_os *os, struct lg_os_call *c, struct days *d,
        const struct lg_retention *r, uint32_t *removed)
{
    int64_t limit = lg_day_of(r->before);
    size_t i = 0;
    int rc = 0;

    while (rc >= 0 && i < d->v.n && d->v.v[i].day < limit) {
        int64_t day = d->v.v[i].day;

        rc = is_idle(os, c, d, i, r->idle);
        if (rc > 0) {
            rc = remove_day(os, c, d, i);
            *removed += rc == 0;
            continue;
        }
        while (i < d->v.n && d->v.v[i].day == day)
            i++;
    }
    while (rc >= 0 && r->max_bytes > 0 && d->v.n > 0 && d->v.v[0].day != d->v.v[d->v.n - 1].day) {
        uint64_t sum = 0;

        for (i = 0; i < d->v.n; i++)
            sum += d->v.v[i].bytes;
        if (sum <= r->max_bytes)
            break;
        rc = remove_day(os, c, d, 0);
        *removed += rc == 0;
    }
    return rc < 0 ? rc : 0;
}

int lg_os_retain(struct lg_event_store *st, const struct lg_retention *r, uint32_t *ret_removed)
{
    struct lg_os *os = lg_os_of(st);
    struct lg_os_call *c = NULL;
    struct days d = {0};
    uint32_t removed = 0;
    int rc = list_days(os, &d);

    if (rc >= 0)
        rc = lg_os_take(os, &c, NULL);
    if (rc >= 0)
        rc = retain(os, c, &d, r, &removed);
    lg_os_give(os, c);
    lg_vec_done(&d.v);
    *ret_removed = removed;
    return rc;
}

/* ---- soundness ---- */
static void fault(struct lg_os *os, struct lg_str name, struct lg_jval v,
        struct lg_store_fault *ret, uint32_t max, uint32_t *n)
{
    struct lg_str status = lg_jval_get_str(v, LG_STR("status"));
    enum lg_os_kind kind;

    if (lg_os_index_day(os, name, &kind) < 0 || !lg_str_eq(status, LG_STR("red")) || *n >= max)
        return;
    memset(&ret[*n], 0, sizeof(ret[*n]));
    (void)snprintf(
            ret[*n].file, sizeof(ret[*n].file), "%.*s", (int)(name.n < 63 ? name.n : 63), name.p);
    (void)snprintf(ret[*n].what, sizeof(ret[*n].what),
            "the index is red: a part of it is on no node that runs");
    ++*n;
}

int lg_os_verify(
        struct lg_event_store *st, struct lg_store_fault *ret, uint32_t max, uint32_t *ret_n)
{
    struct lg_os *os = lg_os_of(st);
    struct lg_os_call *c = NULL;
    char path[LG_OS_PATH_MAX];
    struct lg_jval root, indices, v;
    struct lg_jiter it;
    struct lg_str name;
    uint32_t n = 0;
    int rc = lg_os_take(os, &c, NULL);

    if (rc < 0)
        return rc;
    (void)snprintf(path, sizeof(path),
            "/_cluster/health?level=indices&filter_path=error,indices.*.status");
    rc = lg_os_ask(os, c, "GET", path, &root, NULL);
    if (rc == 0 && lg_jval_get(root, LG_STR("indices"), &indices) &&
            lg_jval_type(indices) == LG_JSON_OBJECT) {
        it = lg_jiter_of(indices);
        while (lg_jiter_member(&it, &name, &v))
            if (lg_jval_type(v) == LG_JSON_OBJECT)
                fault(os, name, v, ret, max, &n);
    }
    lg_os_give(os, c);
    *ret_n = n;
    return rc;
}

int lg_os_settle(struct lg_event_store *st, struct lg_err *reterr)
{
    struct lg_os *os = lg_os_of(st);
    struct lg_os_call *c = NULL;
    char path[LG_OS_PATH_MAX];
    struct lg_jval root;
    int rc = lg_os_take(os, &c, reterr);

    if (rc < 0)
        return rc;
    (void)snprintf(path, sizeof(path),
            "/%s-events-*,%s-inferences-*/_refresh?ignore_unavailable=true&allow_no_indices=true",
            os->prefix, os->prefix);
    rc = lg_os_ask(os, c, "POST", path, &root, reterr);
    lg_os_give(os, c);
    return rc == LG_ENOENT ? 0 : rc;
}
