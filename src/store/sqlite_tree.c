#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/sqlite_event_int.h"

/*
 * Process trees. Creations of the range come from the days' process tables, missing parents from
 * the same or up to LOOK_BACK days before; what is only named becomes an inferred node. Identity
 * is the GUID, else the pid (the latest creation before the child).
 */
#define LOOK_BACK 7
#define MAX_UP 64        /* ancestors looked up for one process */
#define LEAF_ROWS 200000 /* event rows read for the leaf counts */

struct node {
    struct lg_tree_node n;
    uint64_t guid;   /* hash; 0: none */
    uint64_t parent; /* hash of the parent's; 0: none */
    struct lg_str parent_guid, parent_image;
    uint32_t ppid;
    uint32_t order; /* in the result; UINT32_MAX: left out */
    int32_t up;     /* index of the parent */
    bool keep, visited;
};
struct forest {
    struct lg_sqlite_events *es;
    const struct lg_scope *sc;
    const struct lg_tree_query *q;
    struct lg_arena *a;
    LG_VEC(struct node) v;
    struct lg_map by_guid; /* hash -> index */
    struct lg_map by_pid;  /* pid -> index of the latest */
    bool truncated;
};

static uint64_t guid_hash(struct lg_str s)
{
    return s.n == 0 ? 0 : lg_hash_str(s, 21) | 1;
}

#define PROCESS_SELECT                                                                             \
    "SELECT p.event, g.text, p.pid, pg.text, p.ppid, i.text, pi.text, u.text, h.text, p.command,"  \
    " e.event_id, e.off FROM processes p JOIN events e ON e.id=p.event"                            \
    " LEFT JOIN strings g ON g.ref=p.guid LEFT JOIN strings pg ON pg.ref=p.parent_guid"            \
    " LEFT JOIN strings i ON i.ref=p.image LEFT JOIN strings pi ON pi.ref=p.parent_image"          \
    " LEFT JOIN strings u ON u.ref=p.user LEFT JOIN strings h ON h.ref=p.hash"

static int add_node(struct forest *f, struct node *n)
{
    uint32_t at = (uint32_t)f->v.n;
    int rc;

    n->up = -1;
    rc = lg_vec_push(&f->v, *n);
    if (rc >= 0 && n->guid != 0)
        rc = lg_map_put(&f->by_guid, n->guid, at);
    if (rc >= 0 && n->n.pid != 0)
        rc = lg_map_put(&f->by_pid, n->n.pid, at);
    return rc;
}

static int read_node(struct forest *f, struct lg_day *d, struct lg_q *q)
{
    struct node n = {0};
    int rc;

    if ((rc = lg_q_col_dup(q, 1, f->a, &n.n.process_guid)) < 0 ||
            (rc = lg_q_col_dup(q, 3, f->a, &n.parent_guid)) < 0 ||
            (rc = lg_q_col_dup(q, 5, f->a, &n.n.image)) < 0 ||
            (rc = lg_q_col_dup(q, 6, f->a, &n.parent_image)) < 0 ||
            (rc = lg_q_col_dup(q, 7, f->a, &n.n.user)) < 0 ||
            (rc = lg_q_col_dup(q, 8, f->a, &n.n.hash)) < 0 ||
            (rc = lg_q_col_dup(q, 9, f->a, &n.n.command_line)) < 0 ||
            (rc = lg_q_col_fixed(q, 10, n.n.event_id.b, LG_UUID_BYTES)) < 0)
        return rc;
    n.n.pid = (uint32_t)lg_q_col_i64(q, 2);
    n.ppid = (uint32_t)lg_q_col_i64(q, 4);
    n.n.started = d->base_ns + lg_row_ms(lg_q_col_i64(q, 0)) * 1000000 + lg_q_col_i64(q, 11);
    n.guid = guid_hash(n.n.process_guid);
    n.parent = guid_hash(n.parent_guid);
    if (n.guid != 0 && lg_map_get(&f->by_guid, n.guid) != NULL)
        return 0; /* told twice, by two sources */
    return add_node(f, &n);
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
        if (f->v.n >= 4 * (size_t)f->q->max_nodes) {
            f->truncated = true;
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

static void count_leaf(struct lg_tree_node *n, int64_t type, lg_time t)
{
    if (type == LG_EVENT_PROCESS_TERMINATE)
        n->ended = t;
    else if ((type >= LG_EVENT_FILE_OPEN && type <= LG_EVENT_FILE_EXECUTABLE_DETECTED))
        n->files++;
    else if (type >= LG_EVENT_REGISTRY_KEY && type <= LG_EVENT_REGISTRY_RENAME)
        n->registry++;
    else if (type >= LG_EVENT_NETWORK_CONNECT && type <= LG_EVENT_DNS_QUERY)
        n->network++;
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
                uint64_t *i = lg_map_get(&f->by_guid, guid_hash(lg_q_col_str(&g, 0)));

                *at = i == NULL ? 0 : *i + 1;
            }
            if (rc < 0)
                break;
        }
        if (*at != 0)
            count_leaf(&f->v.v[*at - 1].n, lg_q_col_i64(&q, 1),
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
        if (lg_map_get(&f->by_guid, guid_hash(f->q->guids[i])) == NULL)
            rc = load_by_guid(f, v, d, endpoint, f->q->guids[i]);
    /* Parents append to the vector, so that their own parents are looked for in turn. */
    for (size_t i = 0; rc >= 0 && i < f->v.n && f->v.n < 5 * (size_t)f->q->max_nodes; i++) {
        struct lg_str parent = f->v.v[i].parent_guid;

        if (parent.n == 0 || lg_map_get(&f->by_guid, f->v.v[i].parent) != NULL || f->v.v[i].visited)
            continue;
        f->v.v[i].visited = true; /* of this day */
        rc = load_by_guid(f, v, d, endpoint, parent);
    }
    for (size_t i = 0; i < f->v.n; i++)
        f->v.v[i].visited = false;
    return rc;
}

/* Links children to parents; who is only named becomes a node of its own. */
static int link_parents(struct forest *f)
{
    size_t known = f->v.n;
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < known; i++) {
        struct node *n = &f->v.v[i], stub = {0};
        uint64_t *at = n->parent != 0 ? lg_map_get(&f->by_guid, n->parent)
                : n->ppid != 0        ? lg_map_get(&f->by_pid, n->ppid)
                                      : NULL;

        if (at != NULL && *at != i && (n->parent != 0 || f->v.v[*at].n.started <= n->n.started)) {
            n->up = (int32_t)*at;
            continue;
        }
        if (n->parent == 0 && n->ppid == 0)
            continue;
        stub.n = (struct lg_tree_node){.inferred = true,
                .process_guid = n->parent_guid,
                .pid = n->ppid,
                .image = n->parent_image,
                .command_line = LG_STR(""),
                .user = LG_STR(""),
                .hash = LG_STR("")};
        stub.guid = n->parent;
        rc = add_node(f, &stub);
        if (rc >= 0)
            f->v.v[i].up = (int32_t)(f->v.n - 1);
    }
    return rc;
}

/* A circle can only come from records that lie; it is cut where it closes. */
static void cut_circles(struct forest *f)
{
    for (size_t i = 0; i < f->v.n; i++) {
        size_t slow = i, steps = 0;

        while (f->v.v[slow].up >= 0 && steps++ <= f->v.n) {
            if ((size_t)f->v.v[slow].up == i) {
                f->v.v[slow].up = -1;
                break;
            }
            slow = (size_t)f->v.v[slow].up;
            if (steps > MAX_UP) /* as deep as real trees go many times over */
                break;
        }
    }
}

static bool in_focus(const struct forest *f, const struct node *n)
{
    for (uint32_t i = 0; n->n.process_guid.n > 0 && i < f->q->n_guids; i++)
        if (lg_str_eq(f->q->guids[i], n->n.process_guid))
            return true;
    return false;
}

/* Keeps what hangs together with the focus: ancestors and descendants. */
static void keep_relevant(struct forest *f)
{
    for (size_t i = 0; i < f->v.n; i++) {
        struct node *n = &f->v.v[i];

        n->n.focus = in_focus(f, n);
        n->keep = f->q->n_guids == 0;
    }
    if (f->q->n_guids == 0)
        return;
    for (size_t i = 0; i < f->v.n; i++) {
        int32_t at = (int32_t)i;

        for (int k = 0; at >= 0 && k < MAX_UP; k++, at = f->v.v[at].up)
            if (f->v.v[at].n.focus) {
                f->v.v[i].keep = true;
                break;
            }
    }
    for (size_t i = 0; i < f->v.n; i++) {
        int32_t at = f->v.v[i].n.focus ? f->v.v[i].up : -1;

        for (int k = 0; at >= 0 && k < MAX_UP; k++, at = f->v.v[at].up)
            f->v.v[at].keep = true;
    }
}

struct order {
    lg_time t;
    uint32_t i;
};

static int by_start(const void *pa, const void *pb)
{
    const struct order *a = (const struct order *)pa, *b = (const struct order *)pb;

    if (a->t != b->t)
        return a->t < b->t ? -1 : 1;
    return (a->i > b->i) - (a->i < b->i);
}

/* Writes `i` after its parent; false when the tree is full. */
static bool place(struct forest *f, uint32_t i, struct lg_tree *out)
{
    uint32_t chain[MAX_UP + 1], n = 0;

    for (int32_t at = (int32_t)i; at >= 0 && n <= MAX_UP; at = f->v.v[at].up) {
        if (f->v.v[at].order != UINT32_MAX)
            break;
        if (!f->v.v[at].keep)
            break;
        chain[n++] = (uint32_t)at;
    }
    while (n > 0) {
        struct node *x = &f->v.v[chain[--n]];

        if (out->n == f->q->max_nodes) {
            out->truncated = true;
            return false;
        }
        x->order = out->n;
        x->n.parent =
                x->up >= 0 && f->v.v[x->up].order != UINT32_MAX ? (int32_t)f->v.v[x->up].order : -1;
        out->nodes[out->n++] = x->n;
    }
    return true;
}

static int write_tree(struct forest *f, struct lg_tree *out)
{
    struct order *o = (struct order *)lg_calloc(f->v.n + 1, sizeof(*o));
    uint32_t n = 0;

    out->nodes = (struct lg_tree_node *)lg_arena_alloc(
            f->a, (f->q->max_nodes + 1u) * sizeof(*out->nodes));
    if (o == NULL || out->nodes == NULL) {
        lg_free(o);
        return LG_ENOMEM;
    }
    for (size_t i = 0; i < f->v.n; i++) {
        f->v.v[i].order = UINT32_MAX;
        if (f->v.v[i].keep)
            o[n++] = (struct order){f->v.v[i].n.started, (uint32_t)i};
    }
    qsort(o, n, sizeof(*o), by_start);
    out->truncated = f->truncated;
    for (uint32_t i = 0; i < n; i++)
        if (!place(f, o[i].i, out))
            break;
    lg_free(o);
    return 0;
}

int lg_sqlite_tree(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_tree_query *q, struct lg_arena *a, struct lg_tree *ret)
{
    struct forest f = {.es = lg_events_of(st), .sc = sc, .q = q, .a = a};
    int64_t first = lg_day_of(q->from), last = lg_day_of(q->to - 1);
    struct lg_tree out = {0};
    int rc;

    if (q->tenant.n == 0 || q->from < 0 || q->to <= q->from || q->max_nodes < 1 ||
            q->max_nodes > 10000)
        return LG_EINVAL;
    lg_map_init(&f.by_guid);
    lg_map_init(&f.by_pid);
    rc = over_days(&f, first, last, true, load_creations);
    if (rc >= 0)
        rc = over_days(&f, first > LOOK_BACK ? first - LOOK_BACK : 0, last, false, load_missing);
    if (rc >= 0)
        rc = over_days(&f, first, last, true, count_leaves);
    if (rc >= 0)
        rc = link_parents(&f);
    if (rc >= 0) {
        cut_circles(&f);
        keep_relevant(&f);
        rc = write_tree(&f, &out);
    }
    lg_vec_done(&f.v);
    lg_map_done(&f.by_guid);
    lg_map_done(&f.by_pid);
    if (rc < 0)
        return rc;
    *ret = out;
    return 0;
}
