#include <string.h>

#include "postgres/int.h"
#include "store/event_store.h"

/*
 * Listing: one query for the keys of a page (each tenant of the scope by its own index, merged by
 * the server), one for the total where it is asked for, one for the rows. Orders and ties are
 * SQLite's: sort value, last_seen for those that repeat a lot, the number of the alert's id.
 * A text is looked for among the texts alone first: where few alerts hold it, these are sorted;
 * where many do, a page is full soon on any way.
 */
struct place {
    double real; /* the sort value of a probability, else `value` */
    int64_t value, second, id;
};

struct cursor { /* behind a MAC */
    uint64_t query;
    struct place at;
    uint64_t total, lower_bound;
};

struct listing {
    const struct lg_alert_query *q;
    const char *column;
    bool second, real;
    struct lg_str text; /* folded */
    struct lg_buf ids;  /* of the alerts with that text, with commas, */
    bool few;           /* where there are at most so many: */
    uint32_t most_few;
    bool has_cursor;
    struct cursor cursor;
    struct lg_pg_tx tx;
};

/* A statement in the making and its values. */
struct builder {
    struct lg_buf sql;
    struct lg_pg_q q;
};

static void add(struct builder *b, const char *sql)
{
    lg_buf_adds(&b->sql, lg_str_z(sql));
}

static void arg_i(struct builder *b, const char *before, int64_t v)
{
    lg_pg_q_i64(&b->q, v);
    lg_buf_printf(&b->sql, "%s$%d", before, b->q.n);
}

static void arg_s(struct builder *b, const char *before, struct lg_str v)
{
    lg_pg_q_str(&b->q, v);
    lg_buf_printf(&b->sql, "%s$%d", before, b->q.n);
}

static void builder_init(struct builder *b, struct lg_pg_tx *tx)
{
    lg_buf_init(&b->sql, 16384);
    lg_pg_q_open_scoped(&b->q, tx, NULL);
    b->q.once = true;
}

static int builder_ask(struct builder *b)
{
    lg_buf_addc(&b->sql, '\0');
    if (b->sql.failed != 0)
        return b->sql.failed;
    b->q.sql = b->sql.p;
    return lg_pg_q_step(&b->q);
}

static void builder_done(struct builder *b)
{
    lg_pg_q_done(&b->q);
    lg_buf_done(&b->sql);
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
    add(b, first ? "-1)" : ")");
}

static void put_filters(struct builder *b, const struct listing *l)
{
    const struct lg_alert_query *q = l->q;

    set_filter(b, "a.status", q->statuses, LG_ALERT_STATUS_COUNT);
    set_filter(b, "a.severity", q->severities, LG_SEVERITY_COUNT);
    if (q->endpoint.n > 0)
        arg_s(b, " AND a.endpoint=", q->endpoint);
    if (q->from != 0)
        arg_i(b, " AND a.last_seen>=", q->from);
    if (q->to != 0)
        arg_i(b, " AND a.first_seen<", q->to);
    if (q->received_from != 0)
        arg_i(b, " AND a.received_at>=", q->received_from);
    if (q->received_to != 0)
        arg_i(b, " AND a.received_at<", q->received_to);
    if (q->assignee.n > 0)
        arg_s(b, " AND a.assignee=", q->assignee);
    if (q->technique.n > 0) {
        arg_s(b,
                " AND EXISTS(SELECT 1 FROM alert_techniques x WHERE x.tenant=a.tenant AND"
                " x.alert=a.id AND x.technique=",
                q->technique);
        add(b, ")");
    }
    if (l->few) {
        arg_s(b, " AND a.id=ANY(string_to_array(", lg_buf_str(&l->ids));
        add(b, ",',')::bigint[])");
    } else if (l->text.n > 0) {
        lg_pg_q_blob(&b->q, l->text.p, l->text.n);
        lg_buf_printf(&b->sql,
                " AND EXISTS(SELECT 1 FROM alert_texts x WHERE x.alert=a.id AND"
                " position($%d in x.text)>0)",
                b->q.n);
    }
}

/* (value, second, id) beyond the cursor's, as a row comparison that the index can seek to. */
static void put_keyset(struct builder *b, const struct listing *l)
{
    const struct place *k = &l->cursor.at;

    if (!l->has_cursor)
        return;
    lg_buf_printf(&b->sql, " AND (%s%s,a.id)%s(", l->column, l->second ? ",a.last_seen" : "",
            l->q->ascending ? ">" : "<");
    if (l->real) {
        lg_pg_q_f64(&b->q, k->real);
        lg_buf_printf(&b->sql, "$%d", b->q.n);
    } else {
        arg_i(b, "", k->value);
    }
    if (l->second)
        arg_i(b, ",", k->second);
    arg_i(b, ",", k->id);
    add(b, ")");
}

static void put_order(struct builder *b, const struct listing *l, const char *value,
        const char *second, const char *id)
{
    const char *dir = l->q->ascending ? "" : " DESC";

    lg_buf_printf(&b->sql, " ORDER BY %s%s", value, dir);
    if (l->second)
        lg_buf_printf(&b->sql, ", %s%s", second, dir);
    lg_buf_printf(&b->sql, ", %s%s", id, dir);
}

/* 1: at most l->most_few alerts of the scope hold the text, and l->ids names them. */
static int find_text(struct listing *l)
{
    struct lg_pg_q q;
    uint32_t n = 0;
    int rc;

    lg_pg_q_open_scoped(&q, &l->tx,
            "SELECT x.alert FROM alert_texts x WHERE x.tenant IN " LG_PG_SEEN
            " AND position($2 in x.text)>0 LIMIT $3");
    lg_pg_q_blob(&q, l->text.p, l->text.n);
    lg_pg_q_i64(&q, (int64_t)l->most_few + 1);
    q.once = true;
    while ((rc = lg_pg_q_step(&q)) > 0)
        lg_buf_printf(&l->ids, n++ == 0 ? "%lld" : ",%lld", (long long)lg_pg_q_col_i64(&q, 0));
    lg_pg_q_done(&q);
    if (rc >= 0 && l->ids.failed != 0)
        rc = l->ids.failed;
    return rc < 0 ? rc : n <= l->most_few;
}

static void put_keys(struct builder *b, const struct listing *l, uint32_t skip)
{
    lg_buf_printf(&b->sql,
            "SELECT k.v, k.s, k.id FROM " LG_PG_SEEN " t %s JOIN%s (SELECT %s v,"
            " %s s, a.id, a.tenant FROM alerts a WHERE %s",
            l->few ? "" : "CROSS", l->few ? "" : " LATERAL", l->column,
            l->second ? "a.last_seen" : "0::bigint", l->few ? "true" : "a.tenant=t.tenant");
    put_filters(b, l);
    put_keyset(b, l);
    if (l->few) {
        add(b, ") k ON k.tenant=t.tenant");
    } else {
        put_order(b, l, l->column, "a.last_seen", "a.id");
        arg_i(b, " LIMIT ", (int64_t)l->q->limit + 1 + skip);
        add(b, ") k");
    }
    put_order(b, l, "k.v", "k.s", "k.id");
    arg_i(b, " LIMIT ", (int64_t)l->q->limit + 1);
    arg_i(b, " OFFSET ", skip);
}

/* keys[0..limit]: one more than the page tells of a next one. */
static int read_keys(struct listing *l, struct place *keys, uint32_t *ret_n)
{
    uint32_t skip = l->has_cursor ? 0 : l->q->offset, n = 0;
    struct builder b;
    int rc;

    builder_init(&b, &l->tx);
    put_keys(&b, l, skip);
    rc = builder_ask(&b);
    for (; rc > 0 && n <= l->q->limit; rc = lg_pg_q_step(&b.q), n++)
        keys[n] = (struct place){.real = l->real ? lg_pg_q_col_f64(&b.q, 0) : 0,
                .value = l->real ? 0 : lg_pg_q_col_i64(&b.q, 0),
                .second = lg_pg_q_col_i64(&b.q, 1),
                .id = lg_pg_q_col_i64(&b.q, 2)};
    builder_done(&b);
    *ret_n = n;
    return rc < 0 ? rc : 0;
}

static bool only_technique(const struct lg_alert_query *q)
{
    struct lg_alert_query rest = *q;

    rest.technique = LG_STR("");
    return q->technique.n > 0 && rest.statuses == 0 && !lg_alert_query_narrow(&rest);
}

/* Of filters: no more than the cap, and one to tell that there are more. */
static int count_some(struct listing *l, uint64_t *ret)
{
    struct builder b;
    int rc;

    builder_init(&b, &l->tx);
    if (only_technique(l->q)) {
        arg_s(&b,
                "SELECT count(*) FROM (SELECT 1 FROM " LG_PG_SEEN
                " t JOIN alert_techniques x ON x.tenant=t.tenant AND x.technique=",
                l->q->technique);
    } else {
        add(&b,
                "SELECT count(*) FROM (SELECT 1 FROM " LG_PG_SEEN
                " t JOIN alerts a ON a.tenant=t.tenant WHERE true");
        put_filters(&b, l);
    }
    arg_i(&b, " LIMIT ", LG_STORE_TOTAL_CAP + 1);
    add(&b, ") n");
    rc = builder_ask(&b);
    if (rc > 0)
        *ret = (uint64_t)lg_pg_q_col_i64(&b.q, 0);
    builder_done(&b);
    return rc < 0 ? rc : 0;
}

static int count_exact(struct listing *l, uint64_t *ret)
{
    struct lg_pg_q q;
    int rc;

    lg_pg_q_open_scoped(
            &q, &l->tx, "SELECT status, n FROM alert_counts WHERE tenant IN " LG_PG_SEEN);
    while ((rc = lg_pg_q_step(&q)) > 0)
        if (l->q->statuses == 0 || (l->q->statuses >> (lg_pg_q_col_i64(&q, 0) & 31) & 1) != 0)
            *ret += (uint64_t)lg_pg_q_col_i64(&q, 1);
    lg_pg_q_done(&q);
    return rc;
}

/* `n` keys came for a page of at most limit. */
static int total_of(struct listing *l, uint32_t n, struct lg_alert_page *ret)
{
    int rc = 0;

    if (l->has_cursor) {
        ret->total = l->cursor.total;
        ret->total_is_lower_bound = l->cursor.lower_bound != 0;
        return 0;
    }
    if (l->q->no_total)
        return 0;
    if (!lg_alert_query_narrow(l->q))
        return count_exact(l, &ret->total);
    if (n <= l->q->limit && (n > 0 || l->q->offset == 0))
        ret->total = n + l->q->offset; /* the page saw them all */
    else
        rc = count_some(l, &ret->total);
    if (ret->total > LG_STORE_TOTAL_CAP) {
        ret->total = LG_STORE_TOTAL_CAP;
        ret->total_is_lower_bound = true;
    }
    return rc;
}

/* The rows of the keys, in their order. */
static int read_rows(struct listing *l, const struct place *keys, uint32_t n, struct lg_arena *a,
        struct lg_alert_page *ret)
{
    struct lg_buf ids;
    struct lg_pg_q q;
    int rc = 0;

    ret->alerts = (struct lg_alert *)lg_arena_alloc(a, (n > 0 ? n : 1) * sizeof(*ret->alerts));
    if (ret->alerts == NULL)
        return LG_ENOMEM;
    if (n == 0)
        return 0;
    lg_buf_init(&ids, 1u << 16);
    for (uint32_t i = 0; i < n; i++)
        lg_buf_printf(&ids, i == 0 ? "%lld" : ",%lld", (long long)keys[i].id);
    lg_pg_q_open_scoped(&q, &l->tx,
            "SELECT " LG_PG_ALERT_COLUMNS LG_PG_ALERT_FROM
            "JOIN unnest(string_to_array($2,',')::bigint[]) WITH ORDINALITY k(id, place) ON"
            " k.id=a.id WHERE a.tenant IN " LG_PG_SEEN " ORDER BY k.place");
    lg_pg_q_str(&q, lg_buf_str(&ids));
    rc = ids.failed;
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        rc = lg_pg_q_step(&q);
        if (rc > 0)
            rc = lg_pg_alert_read(&q, a, &ret->alerts[i]);
        else if (rc == 0)
            rc = LG_ECORRUPT; /* a key names a row that is not there */
    }
    lg_pg_q_done(&q);
    lg_buf_done(&ids);
    ret->n = n;
    return rc < 0 ? rc : 0;
}

static int run(struct listing *l, const uint8_t cursor_key[32], struct lg_arena *a,
        struct lg_alert_page *ret)
{
    struct place *keys = (struct place *)lg_arena_alloc(a, (l->q->limit + 1u) * sizeof(*keys));
    uint32_t n = 0;
    int rc;

    if (keys == NULL)
        return LG_ENOMEM;
    if (l->text.n > 0) {
        rc = find_text(l);
        if (rc < 0)
            return rc;
        l->few = rc > 0;
    }
    rc = read_keys(l, keys, &n);
    if (rc >= 0)
        rc = total_of(l, n, ret);
    if (rc >= 0)
        rc = read_rows(l, keys, n > l->q->limit ? l->q->limit : n, a, ret);
    if (rc >= 0 && n > l->q->limit) {
        struct cursor next = {.query = lg_alert_query_hash(l->q),
                .at = keys[l->q->limit - 1],
                .total = ret->total,
                .lower_bound = ret->total_is_lower_bound};

        rc = lg_cursor_seal(cursor_key, &next, sizeof(next), a, &ret->next_cursor);
    }
    return rc;
}

int lg_pg_alert_list(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_alert_query *q, struct lg_arena *a, struct lg_alert_page *ret)
{
    static const char *const columns[LG_ALERT_SORT_COUNT] = {
            [LG_ALERT_BY_LAST_SEEN] = "a.last_seen",
            [LG_ALERT_BY_FIRST_SEEN] = "a.first_seen",
            [LG_ALERT_BY_RECEIVED] = "a.received_at",
            [LG_ALERT_BY_CREATED] = "a.created_at",
            [LG_ALERT_BY_UPDATED] = "a.updated_at",
            [LG_ALERT_BY_SEVERITY] = "a.severity",
            [LG_ALERT_BY_PROB] = "a.attack_prob",
            [LG_ALERT_BY_OCCURRENCES] = "a.occurrences"};
    struct lg_pg_store *ps = lg_pg_of(st);
    struct listing l = {.q = q, .most_few = ps->few};
    struct lg_alert_page page = {.next_cursor = LG_STR("")};
    struct lg_buf text;
    int rc;

    if (!lg_alert_query_valid(q))
        return LG_EINVAL;
    l.column = columns[q->sort];
    l.second = q->sort >= LG_ALERT_BY_SEVERITY;
    l.real = q->sort == LG_ALERT_BY_PROB;
    if (q->cursor.n > 0) {
        if (q->offset > 0 ||
                lg_cursor_open(ps->cursor_key, q->cursor, &l.cursor, sizeof(l.cursor)) < 0 ||
                l.cursor.query != lg_alert_query_hash(q))
            return LG_EINVAL;
        l.has_cursor = true;
    }
    lg_buf_init(&l.ids, 1u << 20);
    lg_buf_init(&text, 8192);
    lg_text_fold(q->text, &text);
    l.text = lg_buf_str(&text);
    rc = text.failed;
    if (rc == 0)
        rc = lg_pg_begin(&l.tx, ps->pg, false, sc, q->tenant);
    if (rc > 0)
        rc = lg_pg_end(&l.tx, run(&l, ps->cursor_key, a, &page));
    lg_buf_done(&text);
    lg_buf_done(&l.ids);
    if (rc >= 0)
        *ret = page;
    return rc < 0 ? rc : 0;
}
