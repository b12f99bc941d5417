#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/sqlite_event_int.h"

/* What the inferences of a range add up to. One pass over narrow rows feeds each of the answers. */

struct inf {
    int64_t id, endpoint, tenant;
    lg_time window_end;
    int prediction;
    bool has_prob;
    double prob, confidence, time_ms;
    int64_t nodes, edges;
    uint64_t host; /* hash of tenant and endpoint: the same in every file */
};
struct pass {
    struct lg_sqlite_events *es;
    const struct lg_range_query *q;
    struct lg_arena *a;
    struct lg_view *v; /* of the day in hand */
    int (*fn)(struct pass *p, const struct inf *in);
    struct lg_map hosts; /* hash -> index or 1 */
    struct lg_map refs;  /* (tenant, endpoint ref) of the day -> hash */
    void *user;
};

static int host_names(struct pass *p, int64_t endpoint, struct lg_q *q)
{
    lg_q_open(q, p->v->c,
            "SELECT t.tenant, e.endpoint, e.hostname, e.platform FROM endpoints e JOIN tenant_refs"
            " t ON t.ref=e.tenant WHERE e.ref=?1");
    lg_q_i64(q, endpoint);
    return lg_q_step(q);
}

/* The endpoint's hash over all files: refs differ from day to day. */
static int host_of(struct pass *p, struct inf *in)
{
    uint64_t *have = lg_map_get(&p->refs, (uint64_t)in->endpoint);
    struct lg_q q;
    int rc;

    if (have != NULL) {
        in->host = *have;
        return 0;
    }
    rc = host_names(p, in->endpoint, &q);
    if (rc > 0)
        in->host = lg_hash_mix(lg_hash_str(lg_q_col_str(&q, 0), p->es->map_seed),
                lg_hash_str(lg_q_col_str(&q, 1), p->es->map_seed));
    else if (rc == 0)
        rc = LG_ECORRUPT;
    lg_q_done(&q);
    return rc < 0 ? rc : lg_map_put(&p->refs, (uint64_t)in->endpoint, in->host);
}

static int pass_tenant(struct pass *p, struct lg_day *d, int64_t tenant)
{
    lg_time to = p->q->to == 0 ? INT64_MAX : p->q->to;
    int64_t endpoint = 0;
    struct lg_q q;
    int rc;

    if (p->q->endpoint.n > 0) {
        rc = lg_endpoint_find(p->v->c, tenant, p->q->endpoint, &endpoint);
        if (rc <= 0)
            return rc;
    }
    lg_q_open(&q, p->v->c,
            endpoint != 0
                    ? "SELECT id, endpoint, window_end, prediction, attack_prob, confidence,"
                      " time_ms, nodes, edges FROM inferences INDEXED BY inferences_endpoint WHERE"
                      " endpoint=?3 AND id>=?1 AND id<=?2"
                    : "SELECT id, endpoint, window_end, prediction, attack_prob, confidence,"
                      " time_ms, nodes, edges FROM inferences WHERE id>=?1 AND id<=?2");
    lg_q_i64(&q,
            lg_row_first(tenant,
                    p->q->from <= d->base_ns ? 0 : (p->q->from - 1 - d->base_ns) / 1000000));
    lg_q_i64(&q, lg_row_first(tenant + 1, 0) - 1);
    if (endpoint != 0)
        lg_q_i64(&q, endpoint);
    while ((rc = lg_q_step(&q)) > 0) {
        struct inf in = {.id = lg_q_col_i64(&q, 0),
                .endpoint = lg_q_col_i64(&q, 1),
                .tenant = tenant,
                .window_end = lg_q_col_i64(&q, 2),
                .prediction = (int)lg_q_col_i64(&q, 3),
                .has_prob = !lg_q_col_null(&q, 4),
                .prob = lg_q_col_f64(&q, 4),
                .confidence = lg_q_col_f64(&q, 5),
                .time_ms = lg_q_col_f64(&q, 6),
                .nodes = lg_q_col_i64(&q, 7),
                .edges = lg_q_col_i64(&q, 8)};

        if (in.window_end >= to) {
            /* rows lie in time order but for the moved ones */
            if (in.window_end - to > (int64_t)LG_DISPLACED_MAX * 1000000)
                break;
            continue;
        }
        if (in.window_end < p->q->from)
            continue;
        rc = host_of(p, &in);
        if (rc >= 0)
            rc = p->fn(p, &in);
        if (rc < 0)
            break;
    }
    lg_q_done(&q);
    return rc < 0 ? rc : 0;
}

static int pass_day(struct pass *p, const struct lg_scope *sc, int64_t day)
{
    struct lg_view v;
    struct lg_day *d;
    int rc = lg_day_get(p->es, day, false, &d, NULL);

    if (rc < 0)
        return rc == LG_ENOENT ? 0 : rc;
    lg_map_clear(&p->refs);
    rc = lg_view_open(&v, &d->db, sc, p->q->tenant);
    if (rc >= 0) {
        p->v = &v;
        for (uint32_t i = 0; rc >= 0 && i < v.n_tenants; i++)
            rc = pass_tenant(p, d, v.tenants[i]);
        lg_view_done(&v);
    }
    lg_day_put(p->es, d);
    return rc;
}

static int run(struct lg_event_store *st, const struct lg_scope *sc, const struct lg_range_query *q,
        struct lg_arena *a, int (*fn)(struct pass *p, const struct inf *in), void *user,
        struct pass *p)
{
    int64_t first, last, *days;
    uint32_t n;
    int rc;

    *p = (struct pass){.es = lg_events_of(st), .q = q, .a = a, .fn = fn, .user = user};
    lg_map_init(&p->hosts);
    lg_map_init(&p->refs);
    first = q->from == 0 ? 0 : lg_day_of(q->from - 1);
    last = q->to == 0 ? INT64_MAX : lg_day_of(q->to);
    rc = lg_days_between(p->es, first, last, true, a, &days, &n);
    for (uint32_t i = 0; rc >= 0 && i < n; i++)
        rc = pass_day(p, sc, days[i]);
    return rc;
}

static void pass_done(struct pass *p)
{
    lg_map_done(&p->hosts);
    lg_map_done(&p->refs);
}

static int add_summary(struct pass *p, const struct inf *in)
{
    struct lg_summary *s = (struct lg_summary *)p->user;

    s->total_inferences++;
    s->total_attacks += in->prediction == LG_INFERENCE_ATTACK;
    s->total_benign += in->prediction == LG_INFERENCE_BENIGN;
    s->total_errors += in->prediction == LG_INFERENCE_ERROR;
    if (in->has_prob) {
        s->avg_attack_prob += in->prob;
        s->avg_confidence += in->confidence;
        if (in->prob > s->max_attack_prob)
            s->max_attack_prob = in->prob;
    }
    s->avg_inference_time_ms += in->time_ms;
    s->avg_graph_nodes += (double)in->nodes;
    s->avg_graph_edges += (double)in->edges;
    return lg_map_put(&p->hosts, in->host, 1);
}

int lg_sqlite_summary(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, struct lg_summary *ret)
{
    struct lg_summary s = {0};
    struct lg_arena a;
    struct pass p;
    int rc;

    lg_arena_init(&a, 1u << 22);
    rc = run(st, sc, q, &a, add_summary, &s, &p);
    s.hosts = p.hosts.n;
    pass_done(&p);
    lg_arena_done(&a);
    if (rc < 0)
        return rc;
    lg_summary_end(&s);
    *ret = s;
    return 0;
}

struct hosts {
    LG_VEC(struct lg_host_row) rows;
};

static int host_new(struct pass *p, const struct inf *in, struct lg_host_row *h)
{
    struct lg_q q;
    int rc = host_names(p, in->endpoint, &q);

    *h = (struct lg_host_row){.last_attack_prob = -1};
    if (rc > 0 &&
            ((rc = lg_q_col_dup(&q, 0, p->a, &h->tenant_id)) < 0 ||
                    (rc = lg_q_col_dup(&q, 1, p->a, &h->endpoint_id)) < 0 ||
                    (rc = lg_q_col_dup(&q, 2, p->a, &h->hostname)) < 0))
        ;
    else if (rc >= 0)
        h->platform = lg_str_z(
                lg_platform_name(lg_q_col_i64(&q, 3) == LG_PLATFORM_LINUX ? LG_PLATFORM_LINUX
                                                                          : LG_PLATFORM_WINDOWS));
    lg_q_done(&q);
    if (rc >= 0 && p->q->parts > 0) {
        float *trend = (float *)lg_arena_alloc(p->a, p->q->parts * sizeof(*trend));

        for (uint32_t i = 0; trend != NULL && i < p->q->parts; i++)
            trend[i] = -1;
        h->trend = trend;
        rc = trend != NULL ? 0 : LG_ENOMEM;
    }
    return rc < 0 ? rc : 0;
}

static void add_trend(const struct pass *p, struct lg_host_row *h, const struct inf *in)
{
    int64_t i = lg_range_part_of(p->q, p->q->parts, in->window_end);
    float *trend = (float *)(uintptr_t)h->trend; /* made by host_new */

    if (i >= 0 && in->has_prob && (float)in->prob > trend[i])
        trend[i] = (float)in->prob;
}

static int add_host(struct pass *p, const struct inf *in)
{
    struct hosts *hs = (struct hosts *)p->user;
    struct lg_host_row *h, fresh;
    bool made = false;
    uint64_t *at = lg_map_at(&p->hosts, in->host, hs->rows.n, &made);
    int rc;

    if (at == NULL)
        return LG_ENOMEM;
    if (made) {
        rc = host_new(p, in, &fresh);
        if (rc >= 0)
            rc = lg_vec_push(&hs->rows, fresh);
        if (rc < 0)
            return rc;
    }
    h = &hs->rows.v[*at];
    h->total_inferences++;
    h->total_attacks += in->prediction == LG_INFERENCE_ATTACK;
    h->total_errors += in->prediction == LG_INFERENCE_ERROR;
    add_trend(p, h, in);
    if (in->has_prob && in->prob > h->max_attack_prob)
        h->max_attack_prob = in->prob;
    if (in->window_end >= h->last_seen) {
        h->last_seen = in->window_end;
        if (in->has_prob)
            h->last_attack_prob = in->prob;
    }
    return 0;
}

int lg_sqlite_hosts(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, struct lg_arena *a, struct lg_host_row **ret,
        uint32_t *ret_n)
{
    struct lg_host_row *rows = NULL;
    struct hosts hs = {0};
    struct pass p;
    int rc;

    if (!lg_range_parts_fit(q))
        return LG_EINVAL;
    rc = run(st, sc, q, a, add_host, &hs, &p);
    pass_done(&p);
    if (rc >= 0) {
        rows = (struct lg_host_row *)lg_arena_alloc(a, (hs.rows.n + 1) * sizeof(*rows));
        rc = rows == NULL ? LG_ENOMEM : 0;
    }
    if (rc >= 0) {
        if (hs.rows.n > 0)
            memcpy(rows, hs.rows.v, hs.rows.n * sizeof(*rows));
        *ret = rows;
        *ret_n = (uint32_t)hs.rows.n;
    }
    lg_vec_done(&hs.rows);
    return rc;
}

struct timeline {
    struct lg_time_bucket *v;
    uint32_t n;
};

static int add_bucket(struct pass *p, const struct inf *in)
{
    struct timeline *t = (struct timeline *)p->user;
    int64_t i = lg_range_part_of(p->q, t->n, in->window_end);
    struct lg_time_bucket *b;
    bool fresh = false;

    if (i < 0)
        return 0;
    b = &t->v[i];
    b->inferences++;
    b->attacks += in->prediction == LG_INFERENCE_ATTACK;
    b->errors += in->prediction == LG_INFERENCE_ERROR;
    if (in->has_prob) {
        b->avg_attack_prob += in->prob;
        b->avg_confidence += in->confidence;
        if (in->prob > b->max_attack_prob)
            b->max_attack_prob = in->prob;
    }
    b->avg_inference_time_ms += in->time_ms;
    b->avg_graph_nodes += (double)in->nodes;
    b->avg_graph_edges += (double)in->edges;
    if (lg_map_at(&p->hosts, lg_hash_mix(in->host, (uint64_t)i), 1, &fresh) == NULL)
        return LG_ENOMEM;
    b->hosts += fresh;
    return 0;
}

int lg_sqlite_timeline(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, uint32_t buckets, struct lg_arena *a,
        struct lg_time_bucket **ret, uint32_t *ret_n)
{
    struct timeline t = {.n = buckets};
    struct pass p;
    int rc;

    if (buckets < 1 || buckets > 2000 || q->from < 0 || q->to <= q->from)
        return LG_EINVAL;
    t.v = (struct lg_time_bucket *)lg_arena_zalloc(a, buckets * sizeof(*t.v));
    if (t.v == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < buckets; i++)
        t.v[i].start = q->from + i * lg_range_part(q, buckets);
    rc = run(st, sc, q, a, add_bucket, &t, &p);
    pass_done(&p);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < buckets; i++)
        lg_time_bucket_end(&t.v[i]);
    *ret = t.v;
    *ret_n = buckets;
    return 0;
}

struct techniques {
    LG_VEC(struct lg_technique_count) rows;
    struct lg_map by_name; /* hash -> index */
    struct lg_map pairs;   /* (technique, host) seen */
};

static int technique_new(struct pass *p, struct lg_str name, struct lg_technique_count *c)
{
    struct techniques *t = (struct techniques *)p->user;
    int rc = lg_arena_dup(p->a, name, &c->technique);

    if (rc >= 0 && p->q->parts > 0) {
        c->over_time = (uint32_t *)lg_arena_zalloc(p->a, p->q->parts * sizeof(*c->over_time));
        rc = c->over_time != NULL ? 0 : LG_ENOMEM;
    }
    return rc < 0 ? rc : lg_vec_push(&t->rows, *c);
}

static int add_technique(struct pass *p, struct lg_str name, const struct inf *in)
{
    int64_t part = lg_range_part_of(p->q, p->q->parts, in->window_end);
    struct techniques *t = (struct techniques *)p->user;
    uint64_t key = lg_hash_str(name, p->es->map_seed);
    bool made = false, new_pair = false;
    uint64_t *at = lg_map_at(&t->by_name, key, t->rows.n, &made);
    struct lg_technique_count c = {0};
    int rc = 0;

    if (at == NULL)
        return LG_ENOMEM;
    if (made)
        rc = technique_new(p, name, &c);
    if (rc < 0)
        return rc;
    t->rows.v[*at].attacks++;
    if (part >= 0) /* made by technique_new */
        ((uint32_t *)(uintptr_t)t->rows.v[*at].over_time)[part]++;
    if (lg_map_at(&t->pairs, lg_hash_mix(key, in->host), 1, &new_pair) == NULL)
        return LG_ENOMEM;
    t->rows.v[*at].hosts += new_pair;
    return 0;
}

static int add_techniques(struct pass *p, const struct inf *in)
{
    struct lg_q q;
    int rc;

    if (in->prediction != LG_INFERENCE_ATTACK)
        return 0;
    lg_q_open(&q, p->v->c, "SELECT technique FROM inference_techniques WHERE inference=?1");
    lg_q_i64(&q, in->id);
    while ((rc = lg_q_step(&q)) > 0) {
        rc = add_technique(p, lg_q_col_str(&q, 0), in);
        if (rc < 0)
            break;
    }
    lg_q_done(&q);
    return rc;
}

int lg_sqlite_techniques(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, struct lg_arena *a, struct lg_technique_count **ret,
        uint32_t *ret_n)
{
    struct lg_technique_count *rows = NULL;
    struct techniques t = {0};
    struct pass p;
    int rc;

    if (!lg_range_parts_fit(q))
        return LG_EINVAL;
    lg_map_init(&t.by_name);
    lg_map_init(&t.pairs);
    rc = run(st, sc, q, a, add_techniques, &t, &p);
    pass_done(&p);
    if (rc >= 0) {
        rows = (struct lg_technique_count *)lg_arena_alloc(a, (t.rows.n + 1) * sizeof(*rows));
        rc = rows == NULL ? LG_ENOMEM : 0;
    }
    if (rc >= 0) {
        if (t.rows.n > 0) {
            memcpy(rows, t.rows.v, t.rows.n * sizeof(*rows));
            qsort(rows, t.rows.n, sizeof(*rows), lg_technique_order);
        }
        *ret = rows;
        *ret_n = (uint32_t)t.rows.n;
    }
    lg_vec_done(&t.rows);
    lg_map_done(&t.by_name);
    lg_map_done(&t.pairs);
    return rc;
}
