#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "opensearch/os_int.h"

/*
 * What the inferences of a range add up to: the server adds up for each endpoint (and part of the
 * range), all such sums are walked, and the rest is added up here. So endpoints are counted, not
 * estimated.
 */
#define SUMS                                                                                       \
    "\"prediction\":{\"terms\":{\"field\":\"logster.prediction\",\"size\":3}},"                    \
    "\"prob\":{\"sum\":{\"field\":\"logster.attack_prob\"}},"                                      \
    "\"most\":{\"max\":{\"field\":\"logster.attack_prob\"}},"                                      \
    "\"confidence\":{\"sum\":{\"field\":\"logster.confidence\"}},"                                 \
    "\"time_ms\":{\"sum\":{\"field\":\"logster.time_ms\"}},"                                       \
    "\"nodes\":{\"sum\":{\"field\":\"logster.nodes\"}},"                                           \
    "\"edges\":{\"sum\":{\"field\":\"logster.edges\"}}"
#define BY_HOST                                                                                    \
    "{\"tenant\":{\"terms\":{\"field\":\"logster.tenant\"}}},"                                     \
    "{\"endpoint\":{\"terms\":{\"field\":\"logster.endpoint\"}}}"
/* First and last row of a bucket in the order of lists, and its last judged one. */
#define FIRST_AND_LAST                                                                             \
    ","                                                                                            \
    "\"first\":{\"top_hits\":{\"size\":1,\"_source\":[\"logster.hostname\",\"logster.platform\","  \
    "\"logster.ms\",\"logster.tie\"],\"sort\":[{\"logster.ms\":\"asc\"},{\"logster.tie\":\"asc\"}" \
    "]}},"                                                                                         \
    "\"last\":{\"top_hits\":{\"size\":1,\"_source\":[\"logster.window_end\"],"                     \
    "\"sort\":[{\"logster.window_end\":\"desc\"}]}},"                                              \
    "\"judged\":{\"filter\":{\"exists\":{\"field\":\"logster.attack_prob\"}},\"aggs\":{\"last\":{" \
    "\"top_hits\":{\"size\":1,\"_source\":[\"logster.attack_prob\",\"logster.ms\",\"logster."      \
    "tie\"],"                                                                                      \
    "\"sort\":[{\"logster.ms\":\"desc\"},{\"logster.tie\":\"desc\"}]}}}}"

struct sum {
    struct lg_str tenant, endpoint, technique;
    int64_t part; /* -1: none was asked for */
    uint64_t n, of[3];
    double prob, most, confidence, time_ms, nodes, edges;
    uint64_t host; /* hash of tenant and endpoint */
    struct lg_jval bucket;
};
struct pass {
    struct lg_os *os;
    const struct lg_range_query *q;
    uint32_t parts;
    bool attacks_only;
    struct lg_arena *a;
    int (*fn)(struct pass *p, const struct sum *s);
    void *user;
    struct lg_map hosts; /* hash -> index or 1 */
};

static double number(struct lg_jval bucket, const char *agg)
{
    struct lg_jval v;
    double d = 0;

    if (!lg_jval_get(bucket, lg_str_z(agg), &v) || !lg_os_get_f64(v, "value", &d))
        return 0;
    return d;
}

static void read_predictions(struct lg_jval bucket, struct sum *s)
{
    struct lg_jval v, one;
    struct lg_jiter it;

    if (!lg_jval_path(bucket, "prediction.buckets", &v) || lg_jval_type(v) != LG_JSON_ARRAY)
        return;
    it = lg_jiter_of(v);
    while (lg_jiter_item(&it, &one)) {
        int64_t k = lg_os_get_i64(one, "key");

        if (k >= 0 && k < 3)
            s->of[k] = (uint64_t)lg_os_get_i64(one, "doc_count");
    }
}

static int on_bucket(void *user, struct lg_jval bucket)
{
    struct pass *p = (struct pass *)user;
    struct sum s = {.part = -1, .bucket = bucket};
    struct lg_jval key;

    if (!lg_jval_get(bucket, LG_STR("key"), &key))
        return LG_ECORRUPT;
    s.tenant = lg_jval_get_str(key, LG_STR("tenant"));
    s.endpoint = lg_jval_get_str(key, LG_STR("endpoint"));
    s.technique = lg_jval_get_str(key, LG_STR("technique"));
    if (p->parts > 0) {
        s.part = lg_os_get_i64(key, "part");
        if (s.part < 0 || s.part >= p->parts)
            s.part = -1;
    }
    s.n = (uint64_t)lg_os_get_i64(bucket, "doc_count");
    read_predictions(bucket, &s);
    s.prob = number(bucket, "prob");
    s.most = number(bucket, "most");
    s.confidence = number(bucket, "confidence");
    s.time_ms = number(bucket, "time_ms");
    s.nodes = number(bucket, "nodes");
    s.edges = number(bucket, "edges");
    s.host = lg_hash_mix(
            lg_hash_str(s.tenant, p->os->map_seed), lg_hash_str(s.endpoint, p->os->map_seed));
    return p->fn(p, &s);
}

static void put_filter(struct lg_jw *w, const void *user)
{
    const struct pass *p = (const struct pass *)user;

    if (p->q->endpoint.n > 0)
        lg_os_term(w, "logster.endpoint", p->q->endpoint);
    lg_os_range(w, "logster.window_end", p->q->from, p->q->to);
    if (p->attacks_only)
        lg_jw_raw(w, LG_STR("{\"term\":{\"logster.prediction\":1}}"));
}

static void put_part(struct lg_buf *b, const struct pass *p)
{
    if (p->parts == 0)
        return;
    lg_buf_addc(b, ',');
    lg_os_part_terms(b, "logster.window_end", p->q->from, lg_range_part(p->q, p->parts), "");
}

static int run(struct pass *p, struct lg_event_store *st, const struct lg_scope *sc,
        const char *first_source, const char *aggs)
{
    struct lg_os_composite c = {.kind = LG_OS_INFERENCES,
            .sc = sc,
            .tenant = p->q->tenant,
            .put = put_filter,
            .put_user = p,
            .aggs = lg_str_z(aggs),
            .fn = on_bucket,
            .user = p};
    struct lg_buf sources;
    int rc;

    p->os = lg_os_of(st);
    lg_buf_init(&sources, 65536);
    lg_buf_printf(&sources, "[%s%s", first_source, BY_HOST);
    put_part(&sources, p);
    lg_buf_addc(&sources, ']');
    c.sources = lg_buf_str(&sources);
    rc = sources.failed != 0 ? sources.failed : lg_os_composite(p->os, &c);
    lg_buf_done(&sources);
    return rc;
}

/* ---- summary ---- */
static int add_summary(struct pass *p, const struct sum *x)
{
    struct lg_summary *s = (struct lg_summary *)p->user;

    s->total_inferences += x->n;
    s->total_attacks += x->of[LG_INFERENCE_ATTACK];
    s->total_benign += x->of[LG_INFERENCE_BENIGN];
    s->total_errors += x->of[LG_INFERENCE_ERROR];
    s->avg_attack_prob += x->prob;
    s->avg_confidence += x->confidence;
    if (x->most > s->max_attack_prob)
        s->max_attack_prob = x->most;
    s->avg_inference_time_ms += x->time_ms;
    s->avg_graph_nodes += x->nodes;
    s->avg_graph_edges += x->edges;
    s->hosts++;
    return 0;
}

int lg_os_summary(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, struct lg_summary *ret)
{
    struct lg_summary s = {0};
    struct pass p = {.q = q, .fn = add_summary, .user = &s};
    int rc = run(&p, st, sc, "", "{" SUMS "}");

    if (rc < 0)
        return rc;
    lg_summary_end(&s);
    *ret = s;
    return 0;
}

/* ---- hosts ---- */
struct host {
    struct lg_host_row row;
    int64_t first[2], judged[2]; /* (ms, tie) of its first row, of its last judged one */
};
struct hosts {
    LG_VEC(struct host) v;
};

static bool top_hit(struct lg_jval bucket, const char *path, struct lg_jval *ret)
{
    struct lg_jval hits;
    struct lg_jiter it;
    struct lg_jval hit;

    if (!lg_jval_path(bucket, path, &hits) || lg_jval_type(hits) != LG_JSON_ARRAY)
        return false;
    it = lg_jiter_of(hits);
    return lg_jiter_item(&it, &hit) && lg_jval_path(hit, "_source.logster", ret);
}

static int host_new(struct pass *p, const struct sum *s, struct host *h)
{
    int rc;

    *h = (struct host){.row = {.last_attack_prob = -1}, .first = {INT64_MAX, INT64_MAX}};
    if ((rc = lg_arena_dup(p->a, s->tenant, &h->row.tenant_id)) < 0 ||
            (rc = lg_arena_dup(p->a, s->endpoint, &h->row.endpoint_id)) < 0)
        return rc;
    h->row.hostname = h->row.platform = LG_STR("");
    if (p->parts > 0) {
        float *trend = (float *)lg_arena_alloc(p->a, p->parts * sizeof(*trend));

        for (uint32_t i = 0; trend != NULL && i < p->parts; i++)
            trend[i] = -1;
        h->row.trend = trend;
        rc = trend != NULL ? 0 : LG_ENOMEM;
    }
    return rc;
}

static bool before(const int64_t a[2], const int64_t b[2])
{
    return a[0] != b[0] ? a[0] < b[0] : a[1] < b[1];
}

static int host_edges(struct pass *p, const struct sum *s, struct host *h)
{
    struct lg_jval hit;
    int rc = 0;

    if (top_hit(s->bucket, "first.hits.hits", &hit)) {
        const int64_t at[2] = {lg_os_get_i64(hit, "ms"), lg_os_get_i64(hit, "tie")};

        if (before(at, h->first)) {
            memcpy(h->first, at, sizeof(at));
            h->row.platform = lg_str_eq(lg_jval_get_str(hit, LG_STR("platform")), LG_STR("linux"))
                    ? LG_STR("linux")
                    : LG_STR("windows");
            rc = lg_arena_dup(p->a, lg_jval_get_str(hit, LG_STR("hostname")), &h->row.hostname);
        }
    }
    if (top_hit(s->bucket, "last.hits.hits", &hit) &&
            lg_os_get_i64(hit, "window_end") > h->row.last_seen)
        h->row.last_seen = lg_os_get_i64(hit, "window_end");
    if (top_hit(s->bucket, "judged.last.hits.hits", &hit)) {
        const int64_t at[2] = {lg_os_get_i64(hit, "ms"), lg_os_get_i64(hit, "tie")};

        if (h->row.last_attack_prob < 0 || before(h->judged, at)) {
            memcpy(h->judged, at, sizeof(at));
            (void)lg_os_get_f64(hit, "attack_prob", &h->row.last_attack_prob);
        }
    }
    return rc;
}

static int add_host(struct pass *p, const struct sum *s)
{
    struct hosts *hs = (struct hosts *)p->user;
    bool made = false;
    uint64_t *at = lg_map_at(&p->hosts, s->host, hs->v.n, &made);
    struct host *h, fresh;
    int rc = 0;

    if (at == NULL)
        return LG_ENOMEM;
    if (made) {
        rc = host_new(p, s, &fresh);
        if (rc >= 0)
            rc = lg_vec_push(&hs->v, fresh);
        if (rc < 0)
            return rc;
    }
    h = &hs->v.v[*at];
    h->row.total_inferences += s->n;
    h->row.total_attacks += s->of[LG_INFERENCE_ATTACK];
    h->row.total_errors += s->of[LG_INFERENCE_ERROR];
    if (s->most > h->row.max_attack_prob)
        h->row.max_attack_prob = s->most;
    if (s->part >= 0 && s->n > s->of[LG_INFERENCE_ERROR]) {
        float *trend = (float *)(uintptr_t)h->row.trend; /* made by host_new */

        if ((float)s->most > trend[s->part])
            trend[s->part] = (float)s->most;
    }
    return host_edges(p, s, h);
}

/* As a walk over the days meets them: by day, tenant, and then time. */
static int by_first(const void *pa, const void *pb)
{
    const struct host *a = (const struct host *)pa, *b = (const struct host *)pb;
    int64_t da = a->first[0] / 86400000, db = b->first[0] / 86400000;
    int c;

    if (da != db)
        return da < db ? -1 : 1;
    c = lg_str_cmp(a->row.tenant_id, b->row.tenant_id);
    return c != 0 ? c : before(a->first, b->first) ? -1 : before(b->first, a->first);
}

int lg_os_hosts(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, struct lg_arena *a, struct lg_host_row **ret,
        uint32_t *ret_n)
{
    struct hosts hs = {0};
    struct pass p = {.q = q, .parts = q->parts, .a = a, .fn = add_host, .user = &hs};
    struct lg_host_row *rows = NULL;
    int rc;

    if (!lg_range_parts_fit(q))
        return LG_EINVAL;
    lg_map_init(&p.hosts);
    rc = run(&p, st, sc, "", "{" SUMS FIRST_AND_LAST "}");
    lg_map_done(&p.hosts);
    if (rc >= 0) {
        rows = (struct lg_host_row *)lg_arena_alloc(a, (hs.v.n + 1) * sizeof(*rows));
        rc = rows == NULL ? LG_ENOMEM : 0;
    }
    if (rc >= 0) {
        if (hs.v.n > 0)
            qsort(hs.v.v, hs.v.n, sizeof(*hs.v.v), by_first);
        for (size_t i = 0; i < hs.v.n; i++)
            rows[i] = hs.v.v[i].row;
        *ret = rows;
        *ret_n = (uint32_t)hs.v.n;
    }
    lg_vec_done(&hs.v);
    return rc;
}

/* ---- timeline ---- */
static int add_bucket(struct pass *p, const struct sum *s)
{
    struct lg_time_bucket *b;

    if (s->part < 0)
        return 0;
    b = &((struct lg_time_bucket *)p->user)[s->part];
    b->inferences += s->n;
    b->attacks += s->of[LG_INFERENCE_ATTACK];
    b->errors += s->of[LG_INFERENCE_ERROR];
    b->avg_attack_prob += s->prob;
    b->avg_confidence += s->confidence;
    if (s->most > b->max_attack_prob)
        b->max_attack_prob = s->most;
    b->avg_inference_time_ms += s->time_ms;
    b->avg_graph_nodes += s->nodes;
    b->avg_graph_edges += s->edges;
    b->hosts++;
    return 0;
}

int lg_os_timeline(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, uint32_t buckets, struct lg_arena *a,
        struct lg_time_bucket **ret, uint32_t *ret_n)
{
    struct pass p = {.q = q, .parts = buckets, .a = a, .fn = add_bucket};
    struct lg_time_bucket *v;
    int rc;

    if (buckets < 1 || buckets > 2000 || q->from < 0 || q->to <= q->from)
        return LG_EINVAL;
    v = (struct lg_time_bucket *)lg_arena_zalloc(a, buckets * sizeof(*v));
    if (v == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < buckets; i++)
        v[i].start = q->from + i * lg_range_part(q, buckets);
    p.user = v;
    rc = run(&p, st, sc, "", "{" SUMS "}");
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < buckets; i++)
        lg_time_bucket_end(&v[i]);
    *ret = v;
    *ret_n = buckets;
    return 0;
}

/* ---- techniques ---- */
struct techniques {
    LG_VEC(struct lg_technique_count) rows;
    struct lg_map by_name; /* hash -> index */
};

static int technique_new(struct pass *p, struct lg_str name)
{
    struct techniques *t = (struct techniques *)p->user;
    struct lg_technique_count c = {0};
    int rc = lg_arena_dup(p->a, name, &c.technique);

    if (rc >= 0 && p->parts > 0) {
        c.over_time = (uint32_t *)lg_arena_zalloc(p->a, p->parts * sizeof(*c.over_time));
        rc = c.over_time != NULL ? 0 : LG_ENOMEM;
    }
    return rc < 0 ? rc : lg_vec_push(&t->rows, c);
}

static int add_technique(struct pass *p, const struct sum *s)
{
    struct techniques *t = (struct techniques *)p->user;
    uint64_t key = lg_hash_str(s->technique, p->os->map_seed);
    bool made = false, new_pair = false;
    uint64_t *at = lg_map_at(&t->by_name, key, t->rows.n, &made);
    int rc = 0;

    if (at == NULL)
        return LG_ENOMEM;
    if (made)
        rc = technique_new(p, s->technique);
    if (rc < 0)
        return rc;
    t->rows.v[*at].attacks += s->n;
    if (s->part >= 0) /* made by technique_new */
        ((uint32_t *)(uintptr_t)t->rows.v[*at].over_time)[s->part] += (uint32_t)s->n;
    if (lg_map_at(&p->hosts, lg_hash_mix(key, s->host), 1, &new_pair) == NULL)
        return LG_ENOMEM;
    t->rows.v[*at].hosts += new_pair;
    return 0;
}

int lg_os_techniques(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_range_query *q, struct lg_arena *a, struct lg_technique_count **ret,
        uint32_t *ret_n)
{
    struct techniques t = {0};
    struct pass p = {.q = q,
            .parts = q->parts,
            .attacks_only = true,
            .a = a,
            .fn = add_technique,
            .user = &t};
    struct lg_technique_count *rows = NULL;
    int rc;

    if (!lg_range_parts_fit(q))
        return LG_EINVAL;
    lg_map_init(&t.by_name);
    lg_map_init(&p.hosts);
    rc = run(&p, st, sc, "{\"technique\":{\"terms\":{\"field\":\"logster.techniques\"}}},", "");
    lg_map_done(&t.by_name);
    lg_map_done(&p.hosts);
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
    return rc;
}
