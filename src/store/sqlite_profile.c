#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/sqlite_event_int.h"

/* What an endpoint usually shows: the days' words of it, joined. */
struct profile {
    struct lg_arena *a;
    LG_VEC(struct lg_profile_item) v;
    struct lg_map by_key; /* hash of (kind, value) -> index */
};

static int add_item(struct profile *p, struct lg_day *d, struct lg_q *q)
{
    int64_t kind = lg_q_col_i64(q, 0);
    struct lg_str value = lg_q_col_str(q, 1);
    lg_time first = d->base_ns + lg_q_col_i64(q, 2) * 1000000;
    lg_time last = d->base_ns + lg_q_col_i64(q, 3) * LG_HOUR_NS;
    struct lg_profile_item *it, fresh = {.first_seen = first, .last_hour = last};
    bool made = false;
    uint64_t *at;
    int rc = 0;

    if (kind < 0 || kind >= LG_TERM_KIND_COUNT)
        return 0;
    at = lg_map_at(&p->by_key, lg_hash_str(value, (uint64_t)kind), p->v.n, &made);
    if (at == NULL)
        return LG_ENOMEM;
    if (made) {
        fresh.kind = (enum lg_term_kind)kind;
        rc = lg_arena_dup(p->a, value, &fresh.value);
        if (rc >= 0)
            rc = lg_vec_push(&p->v, fresh);
        if (rc < 0)
            return rc;
    }
    it = &p->v.v[*at];
    it->hours += (uint32_t)lg_q_col_i64(q, 4);
    if (first < it->first_seen)
        it->first_seen = first;
    if (last > it->last_hour)
        it->last_hour = last;
    return 0;
}

static int profile_day(struct profile *p, struct lg_day *d, const struct lg_scope *sc,
        struct lg_str tenant, struct lg_str endpoint)
{
    int64_t ref = 0;
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open(&v, &d->db, sc, tenant);

    if (rc < 0)
        return rc;
    rc = v.n_tenants == 1 ? lg_endpoint_find(v.c, v.tenants[0], endpoint, &ref) : 0;
    if (rc > 0) {
        lg_q_open(&q, v.c,
                "SELECT t.kind, s.text, min(t.first), max(t.hour), count(*) FROM terms t"
                " INDEXED BY terms_endpoint JOIN strings s ON s.ref=t.term WHERE t.endpoint=?1"
                " AND t.kind<?2 GROUP BY t.kind, t.term");
        lg_q_i64(&q, ref);
        lg_q_i64(&q, LG_TERM_KIND_COUNT);
        while ((rc = lg_q_step(&q)) > 0) {
            rc = add_item(p, d, &q);
            if (rc < 0)
                break;
        }
        lg_q_done(&q);
    }
    lg_view_done(&v);
    return rc;
}

int lg_sqlite_profile(struct lg_event_store *st, const struct lg_scope *sc, struct lg_str tenant,
        struct lg_str endpoint, uint32_t max_items, struct lg_arena *a,
        struct lg_profile_item **ret, uint32_t *ret_n)
{
    struct lg_sqlite_events *es = lg_events_of(st);
    struct profile p = {.a = a};
    int64_t *days;
    uint32_t n;
    int rc;

    if (tenant.n == 0 || endpoint.n == 0)
        return LG_EINVAL;
    lg_map_init(&p.by_key);
    rc = lg_days_between(es, 0, INT64_MAX, true, a, &days, &n);
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        struct lg_day *d;

        rc = lg_day_get(es, days[i], false, &d, NULL);
        if (rc == LG_ENOENT) {
            rc = 0;
            continue;
        }
        if (rc < 0)
            break;
        rc = profile_day(&p, d, sc, tenant, endpoint);
        lg_day_put(es, d);
    }
    if (rc >= 0)
        rc = lg_profile_give(p.v.v, p.v.n, max_items, a, ret, ret_n);
    lg_vec_done(&p.v);
    lg_map_done(&p.by_key);
    return rc < 0 ? rc : 0;
}
