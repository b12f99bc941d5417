#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/sqlite_event_int.h"

/* Single events and all events of a window. */

static int cols_get(struct lg_conn *c, int64_t id, struct lg_event_cols *ret)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c, "SELECT " LG_EVENT_COLS " FROM events WHERE id=?1");
    lg_q_i64(&q, id);
    rc = lg_q_step(&q);
    if (rc > 0)
        rc = lg_event_cols_read(&q, ret) < 0 ? LG_ECORRUPT : 1;
    lg_q_done(&q);
    return rc;
}

/* 1 found and visible. */
static int find_in_run(
        struct lg_view *v, struct lg_str list, const struct lg_uuid *id, struct lg_event_cols *ret)
{
    struct lg_run run;
    int64_t row;
    int rc = lg_run_open(&run, list);

    if (rc >= 0)
        lg_run_seek(&run, id);
    while (rc >= 0 && (rc = lg_run_next(&run, &row)) > 0) {
        if (!lg_run_may_be(&run) || !lg_view_sees(v, lg_row_tenant(row)))
            continue;
        rc = cols_get(v->c, row, ret);
        if (rc > 0 && memcmp(ret->event_id.b, id->b, LG_UUID_BYTES) == 0)
            return 1;
    }
    return rc;
}

static int find_in_day(struct lg_view *v, const struct lg_uuid *id, struct lg_event_cols *ret)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c, "SELECT events FROM batches ORDER BY batch DESC");
    while ((rc = lg_q_step(&q)) > 0) {
        rc = find_in_run(v, lg_q_col_str(&q, 0), id, ret);
        if (rc != 0)
            break;
    }
    lg_q_done(&q);
    return rc;
}

static int get_in_day(struct lg_day *d, const struct lg_scope *sc, const struct lg_uuid *id,
        struct lg_arena *a, struct lg_event_row *ret)
{
    struct lg_zblock_cache blocks;
    struct lg_event_cols r;
    struct lg_str json;
    struct lg_view v;
    int rc = lg_view_open(&v, &d->db, sc, LG_STR(""));

    if (rc < 0)
        return rc;
    lg_zblock_cache_init(&blocks);
    rc = v.n_tenants > 0 ? find_in_day(&v, id, &r) : 0;
    if (rc > 0) {
        rc = lg_body_read(&blocks, v.c, d->day, r.v[LG_EC_LOC], &r.event_id, &json);
        if (rc >= 0)
            rc = lg_event_row_make(d, &r, json, a, ret);
        if (rc >= 0)
            rc = 1;
    }
    lg_zblock_cache_done(&blocks);
    lg_view_done(&v);
    return rc;
}

int lg_sqlite_event_get(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, lg_time hint, struct lg_arena *a, struct lg_event_row *ret)
{
    struct lg_sqlite_events *es = lg_events_of(st);
    int64_t first = hint != 0 ? lg_day_of(hint) : 0, last = hint != 0 ? first : INT64_MAX, *days;
    uint32_t n;
    int rc = lg_days_between(es, first, last, false, a, &days, &n);

    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        struct lg_day *d;

        rc = lg_day_get(es, days[i], false, &d, NULL);
        if (rc == LG_ENOENT) {
            rc = 0;
            continue;
        }
        if (rc < 0)
            break;
        rc = get_in_day(d, sc, id, a, ret);
        lg_day_put(es, d);
    }
    return rc < 0 ? rc : rc == 0 ? LG_ENOENT : 0;
}

/* A window's rows: keys first, sorted by (time, event id), then the bodies in that order. */
struct key {
    lg_time time;
    struct lg_event_cols r;
};
#define MAX_KEYS (4u << 20)

static int by_time(const void *pa, const void *pb)
{
    const struct key *a = (const struct key *)pa, *b = (const struct key *)pb;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return memcmp(a->r.event_id.b, b->r.event_id.b, LG_UUID_BYTES);
}

struct window {
    lg_time from, to, as_of;
    LG_VEC(struct key) keys;
};

static int gather(struct window *w, struct lg_view *v, struct lg_day *d, int64_t endpoint)
{
    int64_t first = w->from <= d->base_ns ? 0 : (w->from - d->base_ns) / 1000000;
    int64_t last =
            w->to >= d->base_ns + LG_DAY_NS ? 86400000 : (w->to - d->base_ns + 999999) / 1000000;
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c,
            "SELECT " LG_EVENT_COLS " FROM events INDEXED BY events_endpoint WHERE endpoint=?3"
            " AND id>=?1 AND id<=?2 ORDER BY id");
    lg_q_i64(&q, lg_row_first(v->tenants[0], first));
    lg_q_i64(&q, lg_row_first(v->tenants[0], last + d->displaced_ms) - 1);
    lg_q_i64(&q, endpoint);
    while ((rc = lg_q_step(&q)) > 0) {
        struct key k;

        rc = lg_event_cols_read(&q, &k.r);
        if (rc < 0)
            break;
        k.time = lg_event_cols_time(d, &k.r);
        if (k.time < w->from || k.time >= w->to ||
                (w->as_of != 0 && d->base_ns + k.r.v[LG_EC_RECEIVED] * 1000000 > w->as_of))
            continue;
        rc = w->keys.n >= MAX_KEYS ? LG_ELIMIT : lg_vec_push(&w->keys, k);
        if (rc < 0)
            break;
    }
    lg_q_done(&q);
    if (rc >= 0 && w->keys.n > 0)
        qsort(w->keys.v, w->keys.n, sizeof(*w->keys.v), by_time);
    return rc;
}

static int hand_out(
        struct window *w, struct lg_view *v, struct lg_day *d, lg_event_fn fn, void *user)
{
    struct lg_zblock_cache blocks;
    int rc = 0;

    lg_zblock_cache_init(&blocks);
    for (size_t i = 0; rc >= 0 && i < w->keys.n; i++) {
        struct lg_event_row row;
        struct lg_str json;

        rc = lg_body_read(&blocks, v->c, d->day, w->keys.v[i].r.v[LG_EC_LOC],
                &w->keys.v[i].r.event_id, &json);
        if (rc >= 0)
            rc = lg_event_row_make(d, &w->keys.v[i].r, json, NULL, &row);
        if (rc >= 0)
            rc = fn(user, &row);
    }
    lg_zblock_cache_done(&blocks);
    return rc;
}

static int window_day(struct window *w, struct lg_day *d, const struct lg_scope *sc,
        struct lg_str tenant, struct lg_str endpoint, lg_event_fn fn, void *user)
{
    int64_t ref = 0;
    struct lg_view v;
    int rc = lg_view_open(&v, &d->db, sc, tenant);

    if (rc < 0)
        return rc;
    if (v.n_tenants == 1) {
        rc = lg_endpoint_find(v.c, v.tenants[0], endpoint, &ref);
        if (rc > 0) {
            w->keys.n = 0;
            rc = gather(w, &v, d, ref);
            if (rc >= 0)
                rc = hand_out(w, &v, d, fn, user);
        }
    }
    lg_view_done(&v);
    return rc;
}

int lg_sqlite_event_window(struct lg_event_store *st, const struct lg_scope *sc,
        struct lg_str tenant, struct lg_str endpoint, lg_time from, lg_time to, lg_time as_of,
        lg_event_fn fn, void *user)
{
    struct lg_sqlite_events *es = lg_events_of(st);
    struct window w = {.from = from, .to = to, .as_of = as_of};
    struct lg_arena a;
    int64_t *days;
    uint32_t n;
    int rc;

    if (tenant.n == 0 || to <= from || from < 0)
        return LG_EINVAL;
    lg_arena_init(&a, 1u << 20);
    rc = lg_days_between(es, lg_day_of(from), lg_day_of(to - 1), true, &a, &days, &n);
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        struct lg_day *d;

        rc = lg_day_get(es, days[i], false, &d, NULL);
        if (rc == LG_ENOENT) {
            rc = 0;
            continue;
        }
        if (rc < 0)
            break;
        rc = window_day(&w, d, sc, tenant, endpoint, fn, user);
        lg_day_put(es, d);
    }
    lg_vec_done(&w.keys);
    lg_arena_done(&a);
    return rc < 0 ? rc : 0;
}
