#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/sqlite_event_int.h"

/* Inferences: one, a page of them, and what a range of them adds up to. */

static int row_body(struct lg_view *v, struct lg_day *d, struct lg_zblock_cache *blocks, int64_t id,
        struct lg_arena *a, struct lg_inference_row *ret)
{
    struct lg_str json;
    int64_t loc = 0;
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c, "SELECT inference_id, received, loc FROM inferences WHERE id=?1");
    lg_q_i64(&q, id);
    rc = lg_q_step(&q);
    if (rc > 0) {
        rc = lg_q_col_fixed(&q, 0, ret->inference_id.b, LG_UUID_BYTES);
        ret->received_at = lg_q_col_i64(&q, 1);
        loc = lg_q_col_i64(&q, 2);
    } else if (rc == 0) {
        rc = LG_ECORRUPT;
    }
    lg_q_done(&q);
    if (rc >= 0)
        rc = lg_zblock_read(blocks, v->c, d->day, loc, &json);
    return rc < 0 ? rc : lg_arena_dup(a, json, &ret->json);
}

static int context_of(struct lg_view *v, int64_t id, struct lg_arena *a, struct lg_str *ret)
{
    struct lg_buf raw;
    struct lg_q q;
    int rc;

    *ret = LG_STR("");
    lg_buf_init(&raw, 64u << 20);
    lg_q_open(&q, v->c, "SELECT data FROM contexts WHERE inference=?1");
    lg_q_i64(&q, id);
    rc = lg_q_step(&q);
    if (rc > 0) {
        rc = lg_zstd_unpack(lg_q_col_str(&q, 0), (64u << 20) - 1, &raw);
        if (rc >= 0)
            rc = lg_arena_dup(a, lg_buf_str(&raw), ret);
    }
    lg_q_done(&q);
    lg_buf_done(&raw);
    return rc;
}

/* 1 found. */
static int get_in_day(struct lg_day *d, const struct lg_scope *sc, const struct lg_uuid *id,
        struct lg_arena *a, struct lg_inference_row *ret, struct lg_str *ret_context)
{
    struct lg_zblock_cache blocks;
    int64_t row = 0;
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open(&v, &d->db, sc, LG_STR(""));

    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c, "SELECT id FROM inferences WHERE inference_id=?1");
    lg_q_uuid(&q, id);
    rc = lg_q_step(&q);
    if (rc > 0) {
        row = lg_q_col_i64(&q, 0);
        rc = lg_view_sees(&v, lg_row_tenant(row));
    }
    lg_q_done(&q);
    lg_zblock_cache_init(&blocks);
    if (rc > 0) {
        rc = row_body(&v, d, &blocks, row, a, ret);
        if (rc >= 0 && ret_context != NULL)
            rc = context_of(&v, row, a, ret_context);
        if (rc >= 0)
            rc = 1;
    }
    lg_zblock_cache_done(&blocks);
    lg_view_done(&v);
    return rc;
}

int lg_sqlite_inference_get(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, lg_time hint, struct lg_arena *a, struct lg_inference_row *ret,
        struct lg_str *ret_context)
{
    struct lg_sqlite_events *es = lg_events_of(st);
    int64_t first = hint != 0 ? lg_day_of(hint - 1) : 0, last = hint != 0 ? first : INT64_MAX;
    int64_t *days;
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
        rc = get_in_day(d, sc, id, a, ret, ret_context);
        lg_day_put(es, d);
    }
    return rc < 0 ? rc : rc == 0 ? LG_ENOENT : 0;
}

/* ---- pages ---- */

/* Order: sort value, then day, place in the day, tenant. */
struct key {
    double prob; /* 0 when sorted by time */
    int64_t day, at, tenant;
    int64_t id;
};
struct cursor {
    uint64_t query;
    struct key at;
    uint64_t total;
    uint64_t lower_bound;
};
#define POSITION(row) ((row) & ((INT64_C(1) << LG_ROW_TENANT_SHIFT) - 1))

struct listing {
    struct lg_sqlite_events *es;
    const struct lg_inference_query *q;
    bool has_cursor;
    struct cursor cursor;
    LG_VEC(struct key) keys;
    uint64_t total;
};

static int key_cmp(const struct key *a, const struct key *b)
{
    if (a->prob != b->prob)
        return a->prob < b->prob ? -1 : 1;
    if (a->day != b->day)
        return a->day < b->day ? -1 : 1;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return (a->tenant > b->tenant) - (a->tenant < b->tenant);
}

static int key_up(const void *a, const void *b)
{
    return key_cmp((const struct key *)a, (const struct key *)b);
}

static int key_down(const void *a, const void *b)
{
    return key_cmp((const struct key *)b, (const struct key *)a);
}

static void put_set(struct lg_buf *sql, const char *column, unsigned set, int count)
{
    bool first = true;

    if (set == 0)
        return;
    lg_buf_printf(sql, " AND %s IN (", column);
    for (int i = 0; i < count; i++)
        if ((set >> i & 1) != 0) {
            lg_buf_printf(sql, first ? "%d" : ",%d", i);
            first = false;
        }
    lg_buf_addc(sql, ')');
}

/* ?1..?2 are the rows of tenant and range, ?3 endpoint, ?4.. the rest: always bound in this order. */
static void put_where(struct lg_buf *sql, const struct lg_inference_query *q)
{
    bool attacks = q->predictions == 1u << LG_INFERENCE_ATTACK;

    lg_buf_printf(sql, " FROM inferences i%s WHERE i.id>=?1 AND i.id<=?2",
            q->endpoint.n > 0 ? " INDEXED BY inferences_endpoint"
                    : attacks ? " INDEXED BY inferences_attack"
                              : "");
    if (q->endpoint.n > 0)
        lg_buf_adds(sql, LG_STR(" AND i.endpoint=?3"));
    if (attacks)
        lg_buf_adds(sql, LG_STR(" AND i.prediction=1"));
    else
        put_set(sql, "i.prediction", q->predictions, 3);
    put_set(sql, "i.severity", q->severities, LG_SEVERITY_COUNT);
    lg_buf_adds(sql,
            LG_STR(" AND i.window_end>=?4 AND i.window_end<?5 AND i.received>=?6"
                   " AND i.received<?7"));
    if (q->min_prob > 0)
        lg_buf_adds(sql, LG_STR(" AND i.attack_prob>=?8"));
    if (q->technique.n > 0)
        lg_buf_adds(sql,
                LG_STR(" AND EXISTS(SELECT 1 FROM inference_techniques t WHERE t.inference=i.id"
                       " AND t.technique>=?9 AND t.technique<?10)"));
}

static int bind_where(struct listing *l, struct lg_view *v, struct lg_day *d, uint32_t tenant_i,
        struct lg_str *technique_end, struct lg_q *q)
{
    const struct lg_inference_query *iq = l->q;
    int64_t tenant = v->tenants[tenant_i], endpoint = 0;
    lg_time base = d->base_ns, to = iq->to == 0 ? INT64_MAX : iq->to;
    int64_t first = iq->from <= base ? 0 : (iq->from - 1 - base) / 1000000;
    int64_t last = to - base >= LG_DAY_NS ? 86400000 : (to - base) / 1000000 + 1;
    int rc = 1;

    if (iq->endpoint.n > 0)
        rc = lg_endpoint_find(v->c, tenant, iq->endpoint, &endpoint);
    lg_q_i64(q, lg_row_first(tenant, first > 86400000 ? 86400000 : first));
    lg_q_i64(q, lg_row_first(tenant, (last < 0 ? 0 : last) + d->displaced_ms) - 1);
    lg_q_i64(q, endpoint);
    lg_q_i64(q, iq->from);
    lg_q_i64(q, to);
    lg_q_i64(q, iq->received_from);
    lg_q_i64(q, iq->received_to == 0 ? INT64_MAX : iq->received_to);
    if (iq->min_prob > 0 || iq->technique.n > 0)
        lg_q_f64(q, iq->min_prob);
    if (iq->technique.n > 0) {
        lg_q_str(q, iq->technique);
        lg_q_str(q, *technique_end);
    }
    return rc;
}

/* Matches of one tenant in one day: counted up to the cap, and the first keys in order. */
static int list_tenant(struct listing *l, struct lg_view *v, struct lg_day *d, uint32_t i)
{
    const struct lg_inference_query *iq = l->q;
    bool by_prob = iq->sort == LG_INFERENCE_BY_PROB;
    const char *dir = iq->ascending ? "" : " DESC";
    char end_text[16];
    struct lg_str end = lg_str_of(end_text, 0);
    struct lg_buf sql;
    struct lg_q q;
    uint32_t got = 0;
    int rc, known;

    /* T1059 covers T1059.001: all that begin so, and '/' follows '.' */
    if (iq->technique.n > 0 && iq->technique.n < 15) {
        memcpy(end_text, iq->technique.p, iq->technique.n);
        end_text[iq->technique.n] = iq->technique.n == 5 ? '/' : '\x01';
        end.n = iq->technique.n + 1;
    }
    lg_buf_init(&sql, 8192);
    lg_buf_printf(&sql, "SELECT i.id, i.attack_prob");
    put_where(&sql, iq);
    if (by_prob)
        lg_buf_printf(
                &sql, " AND i.attack_prob IS NOT NULL ORDER BY i.attack_prob%s, i.id%s", dir, dir);
    else
        lg_buf_printf(&sql, " ORDER BY i.id%s", dir);
    lg_buf_addc(&sql, '\0');
    if (sql.failed != 0) {
        lg_buf_done(&sql);
        return LG_ENOMEM;
    }
    lg_q_open(&q, v->c, sql.p);
    lg_buf_done(&sql);
    known = bind_where(l, v, d, i, &end, &q);
    rc = known < 0 ? known : 0;
    while (known > 0 && (rc = lg_q_step(&q)) > 0) {
        int64_t id = lg_q_col_i64(&q, 0);
        struct key k = {by_prob ? lg_q_col_f64(&q, 1) : 0, d->day, POSITION(id), v->tenants[i], id};

        l->total++;
        if (got <= iq->limit &&
                (!l->has_cursor ||
                        (iq->ascending ? key_cmp(&k, &l->cursor.at) > 0
                                       : key_cmp(&k, &l->cursor.at) < 0))) {
            rc = lg_vec_push(&l->keys, k);
            got++;
        }
        if (rc < 0 || (got > iq->limit && (l->has_cursor || l->total > LG_STORE_TOTAL_CAP)))
            break;
    }
    lg_q_done(&q);
    return rc < 0 ? rc : 0;
}

static int list_day(struct listing *l, const struct lg_scope *sc, int64_t day)
{
    struct lg_day *d;
    struct lg_view v;
    int rc = lg_day_get(l->es, day, false, &d, NULL);

    if (rc < 0)
        return rc == LG_ENOENT ? 0 : rc;
    rc = lg_view_open(&v, &d->db, sc, l->q->tenant);
    if (rc >= 0) {
        for (uint32_t i = 0; rc >= 0 && i < v.n_tenants; i++)
            rc = list_tenant(l, &v, d, i);
        lg_view_done(&v);
    }
    lg_day_put(l->es, d);
    return rc;
}

static int fetch(struct listing *l, const struct lg_scope *sc, struct lg_arena *a,
        struct lg_inference_page *p, uint32_t n)
{
    struct lg_zblock_cache blocks;
    int rc = 0;

    lg_zblock_cache_init(&blocks);
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        struct lg_day *d;
        struct lg_view v;

        rc = lg_day_get(l->es, l->keys.v[i].day, false, &d, NULL);
        if (rc < 0)
            break;
        rc = lg_view_open(&v, &d->db, sc, l->q->tenant);
        if (rc >= 0) {
            rc = row_body(&v, d, &blocks, l->keys.v[i].id, a, &p->rows[i]);
            lg_view_done(&v);
        }
        lg_day_put(l->es, d);
    }
    lg_zblock_cache_done(&blocks);
    return rc;
}

/* Gathers the keys of all days that the page needs. */
static int list_days(struct listing *l, const struct lg_scope *sc, struct lg_arena *a)
{
    const struct lg_inference_query *q = l->q;
    int64_t first = q->from == 0 ? 0 : lg_day_of(q->from - 1);
    int64_t last = q->to == 0 ? INT64_MAX : lg_day_of(q->to), *days;
    bool by_time = q->sort == LG_INFERENCE_BY_TIME;
    uint32_t n;
    int rc;

    if (l->has_cursor && by_time && q->ascending)
        first = l->cursor.at.day;
    else if (l->has_cursor && by_time)
        last = l->cursor.at.day;
    rc = lg_days_between(l->es, first, last, q->ascending, a, &days, &n);
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        /* By time, a full page needs no further day, but for the count. */
        if (by_time && l->keys.n > q->limit && (l->has_cursor || l->total > LG_STORE_TOTAL_CAP))
            break;
        rc = list_day(l, sc, days[i]);
    }
    return rc;
}

static int list(struct listing *l, const struct lg_scope *sc, struct lg_arena *a,
        struct lg_inference_page *p)
{
    const struct lg_inference_query *q = l->q;
    bool more;
    int rc = list_days(l, sc, a);

    if (rc < 0)
        return rc;
    if (l->keys.n > 0)
        qsort(l->keys.v, l->keys.n, sizeof(*l->keys.v), q->ascending ? key_up : key_down);
    more = l->keys.n > q->limit;
    p->n = more ? q->limit : (uint32_t)l->keys.n;
    p->total_is_lower_bound = l->total > LG_STORE_TOTAL_CAP;
    p->total = p->total_is_lower_bound ? LG_STORE_TOTAL_CAP : l->total;
    if (l->has_cursor) {
        p->total = l->cursor.total;
        p->total_is_lower_bound = l->cursor.lower_bound != 0;
    }
    rc = fetch(l, sc, a, p, p->n);
    if (rc >= 0 && more) {
        struct cursor next = {lg_inference_query_hash(q), l->keys.v[q->limit - 1], p->total,
                p->total_is_lower_bound};

        rc = lg_cursor_seal(l->es->cursor_key, &next, sizeof(next), a, &p->next_cursor);
    }
    return rc;
}

int lg_sqlite_inference_search(struct lg_event_store *st, const struct lg_scope *sc,
        const struct lg_inference_query *q, struct lg_arena *a, struct lg_inference_page *ret)
{
    struct listing l = {.es = lg_events_of(st), .q = q};
    struct lg_inference_page p = {.next_cursor = LG_STR("")};
    int rc = lg_inference_query_check(q);

    if (rc < 0)
        return rc;
    if (q->cursor.n > 0) {
        rc = lg_cursor_open(l.es->cursor_key, q->cursor, &l.cursor, sizeof(l.cursor));
        if (rc < 0 || l.cursor.query != lg_inference_query_hash(q))
            return LG_EINVAL;
        l.has_cursor = true;
    }
    p.rows = (struct lg_inference_row *)lg_arena_alloc(a, q->limit * sizeof(*p.rows));
    if (p.rows == NULL)
        return LG_ENOMEM;
    rc = list(&l, sc, a, &p);
    lg_vec_done(&l.keys);
    if (rc < 0)
        return rc;
    *ret = p;
    return 0;
}
