#include <string.h>

#include "base/mem.h"
#include "store/alert_common.h"
#include "store/event_store.h"
#include "store/sqlite_alert_int.h"

/*
 * Listing. A page is found in two steps: keys (sort value, second value, row) in order, then the
 * rows themselves. Keys of a list that filters come from the columns in memory; without a filter,
 * or while there are no columns, from one covering index a tenant, merged over the tenants of the
 * scope; there a selective filter (few alerts of that endpoint, technique or text) leads by its own
 * index and the few are sorted. The tenant stands first in every query: `a.tenant=?1`.
 */
#define FEW 2000 /* driven by the filter below this, by the sort's index above */

struct sort_info {
    const char *name, *index, *column;
    bool second; /* ties go by last_seen */
    bool real;
};
static const struct sort_info sorts[LG_ALERT_SORT_COUNT] = {
        [LG_ALERT_BY_LAST_SEEN] = {"last_seen", "alerts_last_seen", "a.last_seen", false, false},
        [LG_ALERT_BY_FIRST_SEEN] = {"first_seen", "alerts_first_seen", "a.first_seen", false,
                false},
        [LG_ALERT_BY_RECEIVED] = {"received_at", "alerts_received_at", "a.received_at", false,
                false},
        [LG_ALERT_BY_CREATED] = {"created_at", "alerts_created_at", "a.created_at", false, false},
        [LG_ALERT_BY_UPDATED] = {"updated_at", "alerts_updated_at", "a.updated_at", false, false},
        [LG_ALERT_BY_SEVERITY] = {"severity", "alerts_severity", "a.severity", true, false},
        [LG_ALERT_BY_PROB] = {"attack_prob", "alerts_attack_prob", "a.attack_prob", true, true},
        [LG_ALERT_BY_OCCURRENCES] = {"occurrences", "alerts_occurrences", "a.occurrences", true,
                false},
};

const char *lg_alert_sort_name(enum lg_alert_sort s)
{
    return sorts[s].name;
}

int lg_alert_sort_parse(struct lg_str s, enum lg_alert_sort *ret)
{
    for (int i = 0; i < LG_ALERT_SORT_COUNT; i++)
        if (lg_str_eq(s, lg_str_z(sorts[i].name))) {
            *ret = (enum lg_alert_sort)i;
            return 0;
        }
    return LG_ENOENT;
}

struct key {
    double real; /* the sort value, by sort_info.real */
    int64_t value;
    int64_t second;
    int64_t id;
};

/* What a cursor carries, behind a MAC. */
struct cursor {
    uint64_t query; /* hash of the filters and the sort: a cursor fits its own query only */
    struct key at;
    uint64_t total;
    uint64_t lower_bound;
};
struct listing {
    const struct lg_alert_query *q;
    const struct sort_info *sort;
    struct lg_view *v;
    struct lg_str text; /* folded */
    bool has_cursor;
    struct cursor cursor;
    int64_t *ids; /* of a selective text filter */
    uint32_t n_ids;
    struct lg_buf ids_json;
};

static int cursor_read(
        const struct lg_sqlite_alerts *as, const struct lg_alert_query *q, struct cursor *ret)
{
    int rc = lg_cursor_open(as->cursor_key, q->cursor, ret, sizeof(*ret));

    return rc < 0 || ret->query != lg_alert_query_hash(q) ? LG_EINVAL : 0;
}

/* The statement in the making: text and what is bound, in order. ?1 is the tenant. */
struct builder {
    struct lg_buf sql;
    struct {
        char kind; /* i, f, s */
        int64_t i;
        double f;
        struct lg_str s;
    } args[48];
    int n;
};

static void add(struct builder *b, const char *sql)
{
    lg_buf_adds(&b->sql, lg_str_z(sql));
}

static void arg_i(struct builder *b, int64_t v)
{
    LG_ASSERT(b->n < 47);
    b->args[b->n].kind = 'i';
    b->args[b->n++].i = v;
    lg_buf_printf(&b->sql, "?%d", b->n);
}

static void arg_f(struct builder *b, double v)
{
    LG_ASSERT(b->n < 47);
    b->args[b->n].kind = 'f';
    b->args[b->n++].f = v;
    lg_buf_printf(&b->sql, "?%d", b->n);
}

static void arg_s(struct builder *b, struct lg_str v)
{
    LG_ASSERT(b->n < 47);
    b->args[b->n].kind = 's';
    b->args[b->n++].s = v;
    lg_buf_printf(&b->sql, "?%d", b->n);
}

static int builder_open(struct builder *b, struct lg_conn *c, struct lg_q *q)
{
    lg_buf_addc(&b->sql, '\0');
    if (b->sql.failed != 0)
        return b->sql.failed;
    lg_q_open(q, c, b->sql.p);
    for (int i = 0; i < b->n; i++) {
        if (b->args[i].kind == 'i')
            lg_q_i64(q, b->args[i].i);
        else if (b->args[i].kind == 'f')
            lg_q_f64(q, b->args[i].f);
        else
            lg_q_str(q, b->args[i].s);
    }
    return 0;
}

static void builder_init(struct builder *b)
{
    lg_buf_init(&b->sql, 16384);
    b->n = 0;
}

static void set_filter(struct builder *b, const char *column, unsigned set, int count)
{
    bool first = true;

    if (set == 0)
        return;
    lg_buf_printf(&b->sql, " AND %s IN (", column);
    for (int i = 0; i < count; i++)
        if ((set >> i & 1) != 0) {
            lg_buf_printf(&b->sql, first ? "%d" : ",%d", i);
            first = false;
        }
    add(b, ")");
}

enum driver { BY_SORT, BY_ENDPOINT, BY_TECHNIQUE, BY_TEXT, BY_ASSIGNEE };

/* FROM and WHERE of a listing, tenant first. */
static void put_source(struct builder *b, const struct listing *l, int64_t tenant, enum driver by)
{
    switch (by) {
    case BY_TECHNIQUE:
        add(b, " FROM alert_techniques d CROSS JOIN alerts a ON a.id=d.alert WHERE d.tenant=");
        arg_i(b, tenant);
        add(b, " AND d.technique=");
        arg_s(b, l->q->technique);
        break;
    case BY_TEXT:
        add(b, " FROM json_each(");
        arg_s(b, lg_buf_str(&l->ids_json));
        add(b, ") d CROSS JOIN alerts a ON a.id=d.value WHERE a.tenant=");
        arg_i(b, tenant);
        break;
    default:
        lg_buf_printf(&b->sql, " FROM alerts a INDEXED BY %s WHERE a.tenant=",
                by == BY_ENDPOINT           ? "alerts_endpoint"
                        : by == BY_ASSIGNEE ? "alerts_assignee"
                                            : l->sort->index);
        arg_i(b, tenant);
        break;
    }
}

/* `all`: every row will be looked at, so that a set built once beats a probe for each row. */
static void put_filters(
        struct builder *b, const struct listing *l, int64_t tenant, enum driver by, bool all)
{
    const struct lg_alert_query *q = l->q;

    set_filter(b, "a.status", q->statuses, LG_ALERT_STATUS_COUNT);
    set_filter(b, "a.severity", q->severities, LG_SEVERITY_COUNT);
    if (q->endpoint.n > 0) {
        add(b, " AND a.endpoint=(SELECT ref FROM endpoints WHERE tenant=");
        arg_i(b, tenant);
        add(b, " AND endpoint=");
        arg_s(b, q->endpoint);
        add(b, ")");
    }
    if (q->from != 0)
        add(b, " AND a.last_seen>="), arg_i(b, q->from);
    if (q->to != 0)
        add(b, " AND a.first_seen<"), arg_i(b, q->to);
    if (q->received_from != 0)
        add(b, " AND a.received_at>="), arg_i(b, q->received_from);
    if (q->received_to != 0)
        add(b, " AND a.received_at<"), arg_i(b, q->received_to);
    if (q->assignee.n > 0)
        add(b, " AND a.assignee="), arg_s(b, q->assignee);
    if (q->technique.n > 0 && by != BY_TECHNIQUE) {
        add(b,
                all ? " AND a.id IN (SELECT x.alert FROM alert_techniques x WHERE x.tenant="
                    : " AND EXISTS(SELECT 1 FROM alert_techniques x WHERE x.tenant=");
        arg_i(b, tenant);
        add(b, " AND x.technique=");
        arg_s(b, q->technique);
        add(b, all ? ")" : " AND x.alert=a.id)");
    }
    if (l->text.n > 0 && by != BY_TEXT) {
        add(b, " AND EXISTS(SELECT 1 FROM alert_texts x WHERE x.tenant=");
        arg_i(b, tenant);
        add(b, " AND x.alert=a.id AND lg_has(x.text, ");
        arg_s(b, l->text);
        add(b, "))");
    }
}

/* (value, second, id) beyond the cursor's, as a row comparison that the index can seek to. */
static void put_keyset(struct builder *b, const struct listing *l)
{
    const struct key *k = &l->cursor.at;

    if (!l->has_cursor)
        return;
    lg_buf_printf(&b->sql, " AND (%s%s,a.id)%s(", l->sort->column,
            l->sort->second ? ",a.last_seen" : "", l->q->ascending ? ">" : "<");
    if (l->sort->real)
        arg_f(b, k->real);
    else
        arg_i(b, k->value);
    if (l->sort->second)
        add(b, ","), arg_i(b, k->second);
    add(b, ","), arg_i(b, k->id);
    add(b, ")");
}

static int open_keys(
        const struct listing *l, int64_t tenant, enum driver by, int64_t limit, struct lg_q *q)
{
    const char *dir = l->q->ascending ? "" : " DESC";
    struct builder b;
    int rc;

    builder_init(&b);
    lg_buf_printf(
            &b.sql, "SELECT %s, %s, a.id", l->sort->column, l->sort->second ? "a.last_seen" : "0");
    put_source(&b, l, tenant, by);
    put_filters(&b, l, tenant, by, false);
    put_keyset(&b, l);
    lg_buf_printf(&b.sql, " ORDER BY %s%s", l->sort->column, dir);
    if (l->sort->second)
        lg_buf_printf(&b.sql, ", a.last_seen%s", dir);
    lg_buf_printf(&b.sql, ", a.id%s LIMIT ", dir);
    arg_i(&b, limit);
    rc = builder_open(&b, l->v->c, q);
    if (rc < 0)
        *q = (struct lg_q){0};
    else if (q->rc >= 0) /* texts of ids live in the listing; the SQL text may go */
        rc = 0;
    lg_buf_done(&b.sql);
    return rc;
}

static int count_source(
        const struct listing *l, int64_t tenant, enum driver by, uint64_t cap, uint64_t *ret)
{
    struct builder b;
    struct lg_q q;
    int rc;

    builder_init(&b);
    add(&b, "SELECT count(*) FROM (SELECT 1");
    put_source(&b, l, tenant, by);
    put_filters(&b, l, tenant, by, true);
    add(&b, " LIMIT ");
    arg_i(&b, (int64_t)cap);
    add(&b, ")");
    rc = builder_open(&b, l->v->c, &q);
    if (rc >= 0) {
        rc = lg_q_step(&q);
        if (rc > 0)
            *ret = (uint64_t)lg_q_col_i64(&q, 0);
        lg_q_done(&q);
    }
    lg_buf_done(&b.sql);
    return rc < 0 ? rc : 0;
}

static int probe(struct lg_conn *c, const char *sql, int64_t tenant, struct lg_str s, int64_t *ret)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c, sql);
    lg_q_i64(&q, tenant);
    lg_q_str(&q, s);
    lg_q_i64(&q, FEW + 1);
    rc = lg_q_step(&q);
    if (rc > 0)
        *ret = lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    return rc < 0 ? rc : 0;
}

/* Rows of the tenant whose text holds the needle, while they are few. 1 when they are. */
static int text_ids(struct listing *l, int64_t tenant)
{
    uint32_t n = 0;
    struct lg_q q;
    int rc;

    lg_buf_clear(&l->ids_json);
    lg_buf_addc(&l->ids_json, '[');
    lg_q_open(&q, l->v->c,
            "SELECT alert FROM alert_texts WHERE tenant=?1 AND lg_has(text, ?2) LIMIT ?3");
    lg_q_i64(&q, tenant);
    lg_q_str(&q, l->text);
    lg_q_i64(&q, FEW + 1);
    while ((rc = lg_q_step(&q)) > 0 && n <= FEW)
        lg_buf_printf(&l->ids_json, n++ == 0 ? "%lld" : ",%lld", (long long)lg_q_col_i64(&q, 0));
    lg_q_done(&q);
    lg_buf_addc(&l->ids_json, ']');
    if (rc < 0 || l->ids_json.failed != 0)
        return rc < 0 ? rc : l->ids_json.failed;
    return n <= FEW;
}

/* Which index leads to this tenant's matches with the least work. */
static int choose(struct listing *l, int64_t tenant, enum driver *ret)
{
    const struct lg_alert_query *q = l->q;
    int64_t n = 0;
    int rc = 0;

    *ret = BY_SORT;
    if (q->assignee.n > 0) {
        *ret = BY_ASSIGNEE;
        return 0;
    }
    if (q->endpoint.n > 0) {
        rc = probe(l->v->c,
                "SELECT count(*) FROM (SELECT 1 FROM alerts INDEXED BY alerts_endpoint WHERE"
                " tenant=?1 AND endpoint=(SELECT ref FROM endpoints WHERE tenant=?1 AND"
                " endpoint=?2) LIMIT ?3)",
                tenant, q->endpoint, &n);
        if (rc < 0 || n <= FEW) {
            *ret = BY_ENDPOINT;
            return rc;
        }
    }
    if (q->technique.n > 0) {
        rc = probe(l->v->c,
                "SELECT count(*) FROM (SELECT 1 FROM alert_techniques WHERE tenant=?1 AND"
                " technique=?2 LIMIT ?3)",
                tenant, q->technique, &n);
        if (rc < 0 || n <= FEW) {
            *ret = BY_TECHNIQUE;
            return rc;
        }
    }
    if (l->text.n > 0) {
        rc = text_ids(l, tenant);
        if (rc > 0)
            *ret = BY_TEXT;
    }
    return rc < 0 ? rc : 0;
}

static int exact_total(struct listing *l, struct lg_alert_page *ret)
{
    struct lg_q q;
    int rc = 0;

    for (uint32_t i = 0; rc >= 0 && i < l->v->n_tenants; i++) {
        lg_q_open(&q, l->v->c, "SELECT status, n FROM alert_counts WHERE tenant=?1");
        lg_q_i64(&q, l->v->tenants[i]);
        while ((rc = lg_q_step(&q)) > 0)
            if (l->q->statuses == 0 || (l->q->statuses >> (lg_q_col_i64(&q, 0) & 31) & 1) != 0)
                ret->total += (uint64_t)lg_q_col_i64(&q, 1);
        lg_q_done(&q);
    }
    return rc;
}

/* One tenant's keys in order. */
struct stream {
    struct lg_q q;
    struct key head;
    bool more;
};

static int stream_step(struct stream *s, const struct sort_info *sort)
{
    int rc = lg_q_step(&s->q);

    s->more = rc > 0;
    if (rc > 0) {
        s->head.real = sort->real ? lg_q_col_f64(&s->q, 0) : 0;
        s->head.value = sort->real ? 0 : lg_q_col_i64(&s->q, 0);
        s->head.second = lg_q_col_i64(&s->q, 1);
        s->head.id = lg_q_col_i64(&s->q, 2);
    }
    return rc < 0 ? rc : 0;
}

static int key_cmp(const struct key *a, const struct key *b)
{
    if (a->real != b->real)
        return a->real < b->real ? -1 : 1;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    if (a->second != b->second)
        return a->second < b->second ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

static struct stream *next_of(struct stream *v, uint32_t n, bool ascending)
{
    struct stream *best = NULL;

    for (uint32_t i = 0; i < n; i++) {
        int c;

        if (!v[i].more)
            continue;
        c = best == NULL ? -1 : key_cmp(&v[i].head, &best->head);
        if (best == NULL || (ascending ? c < 0 : c > 0))
            best = &v[i];
    }
    return best;
}

/* Merges the tenants' streams into keys[0..limit]; one more than the page tells of a next one. */
static int merge(struct listing *l, struct stream *v, struct key *keys, uint32_t *ret_n)
{
    uint32_t skip = l->has_cursor ? 0 : l->q->offset, n = 0;
    int rc = 0;

    for (uint32_t i = 0; rc >= 0 && i < l->v->n_tenants; i++)
        if (v[i].q.st != NULL)
            rc = stream_step(&v[i], l->sort);
    while (rc >= 0 && n <= l->q->limit) {
        struct stream *s = next_of(v, l->v->n_tenants, l->q->ascending);

        if (s == NULL)
            break;
        if (skip > 0)
            skip--;
        else
            keys[n++] = s->head;
        rc = stream_step(s, l->sort);
    }
    *ret_n = n;
    return rc;
}

static int fetch_rows(struct listing *l, const struct key *keys, uint32_t n, struct lg_arena *a,
        struct lg_alert_page *ret)
{
    struct lg_q q;
    int rc = 0;

    ret->alerts = (struct lg_alert *)lg_arena_alloc(a, (n > 0 ? n : 1) * sizeof(*ret->alerts));
    if (ret->alerts == NULL)
        return LG_ENOMEM;
    lg_q_open(&q, l->v->c, "SELECT " LG_ALERT_COLUMNS LG_ALERT_FROM "WHERE a.id=?1");
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        lg_q_again(&q);
        lg_q_i64(&q, keys[i].id);
        rc = lg_q_step(&q);
        if (rc > 0)
            rc = lg_view_sees(l->v, lg_q_col_i64(&q, LG_ALERT_COL_TENANT))
                    ? lg_alert_row_read(&q, a, &ret->alerts[i])
                    : LG_ECORRUPT;
        else if (rc == 0)
            rc = LG_ECORRUPT; /* an index names a row that is not there */
    }
    lg_q_done(&q);
    ret->n = n;
    return rc < 0 ? rc : 0;
}

/* Filters that need more than the counters: each tenant adds up to what is left below the cap. */
static int count_all(struct listing *l, struct lg_alert_page *ret)
{
    int rc = 0;

    for (uint32_t i = 0; rc >= 0 && i < l->v->n_tenants && ret->total <= LG_STORE_TOTAL_CAP; i++) {
        enum driver by;
        uint64_t n = 0;

        rc = choose(l, l->v->tenants[i], &by);
        if (rc >= 0)
            rc = count_source(l, l->v->tenants[i], by, LG_STORE_TOTAL_CAP + 1 - ret->total, &n);
        ret->total += n;
    }
    return rc;
}

/* A stream of keys for each tenant. */
static int open_streams(struct listing *l, struct stream *v)
{
    int64_t want = (int64_t)l->q->limit + 1 + (l->has_cursor ? 0 : l->q->offset);
    int rc = 0;

    for (uint32_t i = 0; rc >= 0 && i < l->v->n_tenants; i++) {
        enum driver by;

        rc = choose(l, l->v->tenants[i], &by);
        if (rc >= 0)
            rc = open_keys(l, l->v->tenants[i], by, want, &v[i].q);
        /* ids_json is bound by pointer and reused for the next tenant: take the keys now */
        if (rc >= 0 && by == BY_TEXT && v[i].q.st != NULL && v[i].q.rc >= 0) {
            rc = sqlite3_bind_text(v[i].q.st, 1, l->ids_json.p, (int)l->ids_json.n,
                         SQLITE_TRANSIENT) == SQLITE_OK
                    ? 0
                    : LG_ENOMEM;
        }
    }
    return rc;
}

/* `n` keys came for a page of at most limit: the total of a query that the counters do not know. */
static int total_of(struct listing *l, uint32_t n, struct lg_alert_page *ret)
{
    int rc = 0;

    if (n <= l->q->limit && (n > 0 || l->q->offset == 0))
        ret->total = n + l->q->offset; /* the page saw them all */
    else
        rc = count_all(l, ret);
    if (ret->total > LG_STORE_TOTAL_CAP) {
        ret->total = LG_STORE_TOTAL_CAP;
        ret->total_is_lower_bound = true;
    }
    return rc;
}

/* ---- by the columns ---- */

static struct lg_alert_place place_of(const struct key *k, bool real)
{
    return (struct lg_alert_place){
            real ? lg_alert_prob_order(k->real) : k->value, k->second, k->id};
}

static struct key key_of(const struct lg_alert_place *p, bool real)
{
    return (struct key){.real = real ? lg_alert_prob_of(p->value) : 0,
            .value = real ? 0 : p->value,
            .second = p->second,
            .id = p->id};
}

/* The endpoint's ref in each tenant of the view; 0 where there is no such. */
static int endpoint_refs(const struct listing *l, struct lg_arena *a, int64_t **ret)
{
    int64_t *refs = (int64_t *)lg_arena_zalloc(a, (l->v->n_tenants + 1u) * sizeof(*refs));
    int rc = refs == NULL ? LG_ENOMEM : 0;
    struct lg_q q;

    for (uint32_t i = 0; rc >= 0 && i < l->v->n_tenants; i++) {
        lg_q_open(&q, l->v->c, "SELECT ref FROM endpoints WHERE tenant=?1 AND endpoint=?2");
        lg_q_i64(&q, l->v->tenants[i]);
        lg_q_str(&q, l->q->endpoint);
        rc = lg_q_step(&q);
        if (rc > 0)
            refs[i] = lg_q_col_i64(&q, 0);
        lg_q_done(&q);
    }
    *ret = refs;
    return rc;
}

/* keys[0..limit] by the columns, and the total. */
static int ask_columns(struct listing *l, const struct lg_alert_columns *columns, bool count,
        struct lg_arena *a, struct key *keys, uint32_t *ret_n, struct lg_alert_page *ret)
{
    struct lg_alert_place after = place_of(&l->cursor.at, l->sort->real);
    struct lg_alert_columns_query cq = {.q = l->q,
            .text = l->text,
            .tenants = l->v->tenants,
            .n_tenants = l->v->n_tenants,
            .second = l->sort->second,
            .after = l->has_cursor ? &after : NULL};
    struct lg_alert_columns_page page;
    int64_t *refs = NULL;
    int rc = l->q->endpoint.n > 0 ? endpoint_refs(l, a, &refs) : 0;

    cq.endpoints = refs;
    if (rc >= 0)
        rc = lg_alert_columns_list(columns, &cq, &page);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < page.n; i++)
        keys[i] = key_of(&page.places[i], l->sort->real);
    lg_free(page.places);
    *ret_n = page.n;
    if (!count)
        return 0;
    ret->total = page.total;
    if (lg_alert_query_narrow(l->q) && page.total > LG_STORE_TOTAL_CAP) {
        ret->total = LG_STORE_TOTAL_CAP;
        ret->total_is_lower_bound = true;
    }
    return 0;
}

/* ---- the page ---- */

static int next_page(const struct listing *l, const struct lg_sqlite_alerts *as,
        const struct key *last, struct lg_arena *a, struct lg_alert_page *ret)
{
    struct cursor cu = {.query = lg_alert_query_hash(l->q),
            .at = *last,
            .total = ret->total,
            .lower_bound = ret->total_is_lower_bound};

    return lg_cursor_seal(as->cursor_key, &cu, sizeof(cu), a, &ret->next_cursor);
}

/* keys[0..limit] by the indices of the file, and the total. */
static int ask_file(struct listing *l, bool count, struct lg_arena *a, struct key *keys,
        uint32_t *ret_n, struct lg_alert_page *ret)
{
    struct stream *v = (struct stream *)lg_arena_zalloc(a, (l->v->n_tenants + 1u) * sizeof(*v));
    int rc;

    if (v == NULL)
        return LG_ENOMEM;
    rc = open_streams(l, v);
    if (rc >= 0 && count && !lg_alert_query_narrow(l->q))
        rc = exact_total(l, ret);
    if (rc >= 0)
        rc = merge(l, v, keys, ret_n);
    for (uint32_t i = 0; i < l->v->n_tenants; i++)
        lg_q_done(&v[i].q);
    if (rc >= 0 && count && lg_alert_query_narrow(l->q))
        rc = total_of(l, *ret_n, ret);
    return rc;
}

/* `columns`: NULL where the file is to be asked. */
static int run(struct listing *l, struct lg_sqlite_alerts *as,
        const struct lg_alert_columns *columns, struct lg_arena *a, struct lg_alert_page *ret)
{
    bool count = !l->q->no_total && !l->has_cursor;
    struct key *keys = (struct key *)lg_arena_alloc(a, (l->q->limit + 1u) * sizeof(*keys));
    uint32_t n = 0;
    int rc;

    if (keys == NULL)
        return LG_ENOMEM;
    rc = columns != NULL ? ask_columns(l, columns, count, a, keys, &n, ret)
                         : ask_file(l, count, a, keys, &n, ret);
    if (rc >= 0)
        rc = fetch_rows(l, keys, n > l->q->limit ? l->q->limit : n, a, ret);
    if (rc >= 0 && l->has_cursor) {
        ret->total = l->cursor.total;
        ret->total_is_lower_bound = l->cursor.lower_bound != 0;
    }
    if (rc >= 0 && n > l->q->limit)
        rc = next_page(l, as, &keys[l->q->limit - 1], a, ret);
    return rc;
}

static int open_and_run(struct listing *l, struct lg_sqlite_alerts *as, const struct lg_scope *sc,
        struct lg_arena *a, struct lg_alert_page *ret)
{
    struct lg_view v = {0};
    bool filters = lg_alert_query_narrow(l->q) || l->q->statuses != 0, columns = false;
    int rc;

    /* the columns' texts are lines: what goes over lines is not found in them */
    if (!filters || lg_str_chr(l->text, '\n') >= 0) {
        rc = lg_view_open(&v, &as->db, sc, l->q->tenant);
    } else {
        rc = lg_alert_index_open(as, &v, sc, l->q->tenant);
        columns = rc > 0;
    }
    if (rc < 0)
        return rc;
    l->v = &v;
    rc = run(l, as, columns ? as->index.columns : NULL, a, ret);
    if (columns)
        lg_alert_index_leave(as);
    l->v = NULL;
    lg_view_done(&v);
    return rc;
}

int lg_sqlite_alert_list(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_alert_query *q, struct lg_arena *a, struct lg_alert_page *ret)
{
    struct lg_sqlite_alerts *as = lg_alerts_of(st);
    struct listing l = {.q = q};
    struct lg_alert_page page = {.next_cursor = LG_STR("")};
    struct lg_buf text;
    int rc = 0;

    if (!lg_alert_query_valid(q))
        return LG_EINVAL;
    l.sort = &sorts[q->sort];
    if (q->cursor.n > 0) {
        if (q->offset > 0 || cursor_read(as, q, &l.cursor) < 0)
            return LG_EINVAL;
        l.has_cursor = true;
    }
    lg_buf_init(&text, 8192);
    lg_buf_init(&l.ids_json, 1u << 20);
    lg_text_fold(q->text, &text);
    l.text = lg_buf_str(&text);
    rc = text.failed;
    if (rc == 0)
        rc = open_and_run(&l, as, sc, a, &page);
    lg_buf_done(&text);
    lg_buf_done(&l.ids_json);
    if (rc >= 0)
        *ret = page;
    return rc < 0 ? rc : 0;
}
