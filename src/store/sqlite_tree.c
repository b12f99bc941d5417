#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/sqlite_event_int.h"

/*
 * Process trees. Creations of the range come from the days' process tables, missing parents from
 * the same or up to LG_TREE_LOOK_BACK days before.
 */
#define LEAF_ROWS 200000 /* event rows read for the leaf counts */

struct forest {
    struct lg_proctree f;
    struct lg_sqlite_events *es;
    const struct lg_scope *sc;
    const struct lg_tree_query *q;
    struct lg_arena *a;
};

#define PROCESS_SELECT                                                                             \
    "SELECT p.event, g.text, p.pid, pg.text, p.ppid, i.text, pi.text, u.text, h.text, p.command,"  \
    " e.event_id, e.off FROM processes p JOIN events e ON e.id=p.event"                            \
    " LEFT JOIN strings g ON g.ref=p.guid LEFT JOIN strings pg ON pg.ref=p.parent_guid"            \
    " LEFT JOIN strings i ON i.ref=p.image LEFT JOIN strings pi ON pi.ref=p.parent_image"          \
    " LEFT JOIN strings u ON u.ref=p.user LEFT JOIN strings h ON h.ref=p.hash"

static int read_node(struct forest *f, struct lg_day *d, struct lg_q *q)
{
    struct lg_creation c = {0};
    struct lg_uuid id;
    int rc;

    if ((rc = lg_q_col_dup(q, 1, f->a, &c.guid)) < 0 ||
            (rc = lg_q_col_dup(q, 3, f->a, &c.parent_guid)) < 0 ||
            (rc = lg_q_col_dup(q, 5, f->a, &c.image)) < 0 ||
            (rc = lg_q_col_dup(q, 6, f->a, &c.parent_image)) < 0 ||
            (rc = lg_q_col_dup(q, 7, f->a, &c.user)) < 0 ||
            (rc = lg_q_col_dup(q, 8, f->a, &c.hash)) < 0 ||
            (rc = lg_q_col_dup(q, 9, f->a, &c.command)) < 0 ||
            (rc = lg_q_col_fixed(q, 10, id.b, LG_UUID_BYTES)) < 0)
        return rc;
    c.pid = (uint32_t)lg_q_col_i64(q, 2);
    c.ppid = (uint32_t)lg_q_col_i64(q, 4);
    return lg_proctree_add(&f->f, &c,
            d->base_ns + lg_row_ms(lg_q_col_i64(q, 0)) * 1000000 + lg_q_col_i64(q, 11), &id);
}

static int range_rows(
        const struct lg_day *d, int64_t tenant, lg_time from, lg_time to, int64_t *lo, int64_t *hi)
{
    *lo = lg_row_first(tenant, from <= d->base_ns ? 0 : (from - d->base_ns) / 1000000);
    *hi = lg_row_first(tenant,
                  to >= d->base_ns + LG_DAY_NS ? 86400000 + LG_DISPLACED_MAX
                                               : (to - d->base_ns + 999999) / 1000000) -
            1;
    return *lo <= *hi;
}

/* Creations of the range, and the counts of what each process did. */
static int load_creations(struct forest *f, struct lg_view *v, struct lg_day *d, int64_t endpoint)
{
    int64_t lo, hi;
    struct lg_q q;
    int rc;

    if (!range_rows(d, v->tenants[0], f->q->from, f->q->to, &lo, &hi))
        return 0;
    lg_q_open(&q, v->c,
            PROCESS_SELECT " WHERE p.endpoint=?1 AND p.event>=?2 AND p.event<=?3 ORDER BY p.event");
    lg_q_i64(&q, endpoint);
    lg_q_i64(&q, lo);
    lg_q_i64(&q, hi);
    while ((rc = lg_q_step(&q)) > 0) {
        if (lg_proctree_full(&f->f)) {
            f->f.truncated = true;
            rc = 0;
            break;
        }
        rc = read_node(f, d, &q);
        if (rc < 0)
            break;
    }
    lg_q_done(&q);
    return rc;
}

static int count_leaves(struct forest *f, struct lg_view *v, struct lg_day *d, int64_t endpoint)
{
    struct lg_map by_ref; /* string ref -> index + 1; 0: not in the forest */
    int64_t lo, hi, left = LEAF_ROWS;
    struct lg_q q, g;
    int rc;

    if (!range_rows(d, v->tenants[0], f->q->from, f->q->to, &lo, &hi))
        return 0;
    lg_map_init(&by_ref);
    lg_q_open(&g, v->c, "SELECT text FROM strings WHERE ref=?1");
    lg_q_open(&q, v->c,
            "SELECT proc, type, id, off FROM events INDEXED BY events_endpoint WHERE endpoint=?1"
            " AND id>=?2 AND id<=?3");
    lg_q_i64(&q, endpoint);
    lg_q_i64(&q, lo);
    lg_q_i64(&q, hi);
    while (left-- > 0 && (rc = lg_q_step(&q)) > 0) {
        int64_t ref = lg_q_col_i64(&q, 0);
        bool made = false;
        uint64_t *at;

        if (ref == 0)
            continue;
        at = lg_map_at(&by_ref, (uint64_t)ref, 0, &made);
        if (at == NULL) {
            rc = LG_ENOMEM;
            break;
        }
        if (made) {
            lg_q_again(&g);
            lg_q_i64(&g, ref);
            rc = lg_q_step(&g);
            if (rc > 0) {
                struct lg_proctree_node *n = lg_proctree_find(&f->f, lg_q_col_str(&g, 0));

                *at = n == NULL ? 0 : (uint64_t)(n - f->f.v.v) + 1;
            }
            if (rc < 0)
                break;
        }
        if (*at != 0)
            lg_proctree_count(&f->f.v.v[*at - 1].n, lg_q_col_i64(&q, 1), 1,
                    d->base_ns + lg_row_ms(lg_q_col_i64(&q, 2)) * 1000000 + lg_q_col_i64(&q, 3));
    }
    lg_q_done(&q);
    lg_q_done(&g);
    lg_map_done(&by_ref);
    return rc < 0 ? rc : 0;
}

typedef int (*day_fn)(struct forest *f, struct lg_view *v, struct lg_day *d, int64_t endpoint);

/* Runs `fn` over the days where the caller sees the endpoint. */
static int over_days(struct forest *f, int64_t first, int64_t last, bool ascending, day_fn fn)
{
    int64_t *days;
    uint32_t n;
    int rc = lg_days_between(f->es, first, last, ascending, f->a, &days, &n);

    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        int64_t endpoint = 0;
        struct lg_view v;
        struct lg_day *d;

        rc = lg_day_get(f->es, days[i], false, &d, NULL);
        if (rc == LG_ENOENT) {
            rc = 0;
            continue;
        }
        if (rc < 0)
            break;
        rc = lg_view_open(&v, &d->db, f->sc, f->q->tenant);
        if (rc >= 0) {
            rc = v.n_tenants == 1 ? lg_endpoint_find(v.c, v.tenants[0], f->q->endpoint, &endpoint)
                                  : 0;
            if (rc > 0)
                rc = fn(f, &v, d, endpoint);
            lg_view_done(&v);
        }
        lg_day_put(f->es, d);
    }
    return rc;
}

/* Creations of parents and of processes in focus that the range does not hold. */
static int load_by_guid(
        struct forest *f, struct lg_view *v, struct lg_day *d, int64_t endpoint, struct lg_str guid)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c,
            PROCESS_SELECT " WHERE p.endpoint=?1 AND p.guid=(SELECT ref FROM strings WHERE fold=?2"
                           " AND text=?3) AND p.event<=?4 ORDER BY p.event DESC LIMIT 1");
    lg_q_i64(&q, endpoint);
    lg_q_i64(&q, (int64_t)lg_hash_str(guid, 0)); /* GUIDs are lower case: their own fold */
    lg_q_str(&q, guid);
    lg_q_i64(&q, INT64_MAX);
    rc = lg_q_step(&q);
    if (rc > 0)
        rc = read_node(f, d, &q);
    lg_q_done(&q);
    return rc;
}

static int load_missing(struct forest *f, struct lg_view *v, struct lg_day *d, int64_t endpoint)
{
    int rc = 0;

    for (uint32_t i = 0; rc >= 0 && i < f->q->n_guids; i++)
        if (lg_proctree_find(&f->f, f->q->guids[i]) == NULL)
            rc = load_by_guid(f, v, d, endpoint, f->q->guids[i]);
    /* Parents append to the vector, so that their own parents are looked for in turn. */
    for (size_t i = 0; rc >= 0 && i < f->f.v.n && f->f.v.n < 5 * (size_t)f->q->max_nodes; i++) {
        struct lg_str parent = f->f.v.v[i].parent_guid;

        if (parent.n == 0 || lg_proctree_find(&f->f, parent) != NULL || f->f.v.v[i].visited)
            continue;
        f->f.v.v[i].visited = true; /* of this day */
        rc = load_by_guid(f, v, d, endpoint, parent);
    }
    for (size_t i = 0; i < f->f.v.n; i++)
        f->f.v.v[i].visited = false;
    return rc;
}

int lg_sqlite_tree(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_tree_query *q, struct lg_arena *a, struct lg_tree *ret)
{
    struct forest f = {.es = lg_events_of(st), .sc = sc, .q = q, .a = a};
    int64_t first = lg_day_of(q->from), last = lg_day_of(q->to - 1);
    int rc = lg_tree_query_check(q);

    if (rc < 0)
        return rc;
    lg_proctree_init(&f.f, q, a);
    rc = over_days(&f, first, last, true, load_creations);
    if (rc >= 0)
        rc = over_days(&f, first > LG_TREE_LOOK_BACK ? first - LG_TREE_LOOK_BACK : 0, last, false,
                load_missing);
    if (rc >= 0)
        rc = over_days(&f, first, last, true, count_leaves);
    if (rc >= 0)
        rc = lg_proctree_write(&f.f, ret);
    lg_proctree_done(&f.f);
    return rc < 0 ? rc : 0;
}
