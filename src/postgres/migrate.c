#include <stdio.h>
#include <string.h>

#include "postgres/int.h"
#include "store/alert_dump.h"

/*
 * From SQLite to here. Rows are put in by one statement a table, many of them under way at once
 * (COPY does not go with row-level security), read back in the same transaction and compared.
 */

/* `key`: what reading goes on by; '#' before the number and the bytes of ids. */
static const struct {
    const char *columns, *put, *from, *key;
} tables[LG_DUMP_TABLE_COUNT] = {
        [LG_DUMP_TENANTS] = {"tenant_id, name, created_at, disabled_at", NULL, "tenants",
                "tenant_id"},
        [LG_DUMP_TOKENS] = {"token_id, name, owner, grants, tenants, hash, created_at, expires_at,"
                            " revoked_at, first_used_at, last_used_at",
                NULL, "tokens", "token_id"},
        [LG_DUMP_TENANT_REFS] = {"tenant",
                "INSERT INTO tenant_refs VALUES($1, $1 ~ '^[a-z0-9][a-z0-9_-]{0,63}$')",
                "tenant_refs", "tenant"},
        [LG_DUMP_ENDPOINTS] = {"tenant, endpoint, hostname, platform", NULL, "endpoints", "ref"},
        [LG_DUMP_ALERTS] = {"id, alert_id, tenant, endpoint, status, severity, attack_prob,"
                            " first_seen, last_seen, received_at, created_at, updated_at,"
                            " occurrences, version, fold_key, first_inference, last_inference,"
                            " previous, recurrence, assignee, resolved_by, techniques, title,"
                            " process, process_guid, process_hash, \"user\", analyst_notes,"
                            " description, evidence",
                NULL, "alerts", "id"},
        [LG_DUMP_TEXTS] = {"tenant, alert, text", NULL, "alert_texts", "alert"},
        [LG_DUMP_TECHNIQUES] = {"tenant, technique, alert",
                "INSERT INTO alert_techniques SELECT $1, $2, $3, position('\"'||$2||'\"' in"
                " techniques)>0 FROM alerts WHERE id=$3",
                "alert_techniques", "tenant, technique, alert"},
        [LG_DUMP_COUNTS] = {"tenant, status, n", NULL, "alert_counts WHERE n<>0", "tenant, status"},
        [LG_DUMP_INFERENCES] = {"tenant, alert, inference, window_end, attack_prob, at", NULL,
                "alert_inferences", "seq"},
        [LG_DUMP_HISTORY] = {"tenant, alert, at, actor, action, was, became, notes", NULL,
                "alert_history", "seq"},
        [LG_DUMP_OUTBOX] = {"tenant, endpoint, change, json", NULL, "outbox", "seq"},
        [LG_DUMP_FEEDBACK] = {"feedback_id, tenant, alert_id, inference_id, is_true_positive, note,"
                              " author, created_at",
                NULL, "feedback", "seq"},
        [LG_DUMP_SUPPRESSIONS] = {"suppression_id, tenant, endpoint, process, hash, technique,"
                                  " owner, reason, created_at, expires_at, permanent, revoked_at",
                NULL, "suppressions", "seq"},
        [LG_DUMP_HITS] = {"h.tenant, h.inference, s.suppression_id, h.endpoint, h.title,"
                          " h.attack_prob, h.window_end, h.at",
                "INSERT INTO suppression_hits(tenant, inference, suppression, endpoint, title,"
                " attack_prob, window_end, at) SELECT $1, $2, seq, $4, $5, $6, $7, $8 FROM"
                " suppressions WHERE suppression_id=$3",
                "suppression_hits h JOIN suppressions s ON s.seq=h.suppression", "h.seq"},
        [LG_DUMP_AUDIT] = {"seq, at, tenant, actor, action, target, detail, request_id, hash", NULL,
                "audit", "seq"},
        [LG_DUMP_SEARCHES] = {"search_id, tenant, owner, name, query, shared, created_at,"
                              " updated_at",
                NULL, "searches", "search_id"},
        [LG_DUMP_DELIVERIES] = {"delivery_id, tenant, target, alert_id, body, state, attempts,"
                                " next_at, created_at, last_error",
                NULL, "deliveries", "seq"},
        [LG_DUMP_SETTINGS] = {"key, value", NULL, "settings WHERE key<>'cursor_key'", "key"},
        [LG_DUMP_SESSIONS] = {"hash, token_id, created_at, expires_at, seen_at", NULL, "sessions",
                "hash"},
};
#define FETCH 1000

struct digest {
    struct lg_digest d;
    uint64_t rows;
};

static void digest_open(struct digest *d, const char *table)
{
    lg_digest_init(&d->d, LG_STR("logster migrate 1"), NULL);
    lg_digest_add(&d->d, lg_str_z(table));
    d->rows = 0;
}

static void digest_row(struct digest *d, const char *kinds, const struct lg_dump_value *v)
{
    for (size_t i = 0; kinds[i] != '\0'; i++) {
        struct lg_str s = v[i].s;

        if (kinds[i] == 'i' || kinds[i] == 'o')
            s = lg_str_of((const char *)&v[i].i, sizeof(v[i].i));
        else if (kinds[i] == 'f')
            s = lg_str_of((const char *)&v[i].f, sizeof(v[i].f));
        lg_digest_add(&d->d, v[i].missing ? LG_STR("-") : LG_STR("+"));
        lg_digest_add(&d->d, v[i].missing ? LG_STR("") : s);
    }
    d->rows++;
}

/* ---- in ---- */

struct loading {
    struct lg_pg_tx *tx;
    const char *kinds;
    struct lg_pg_q q;
    struct digest digest;
    uint32_t under_way;
};

static Oid type_of(char kind)
{
    switch (kind) {
    case 'i':
        return 20; /* int8 */
    case 'o':
        return 16; /* bool */
    case 'f':
        return 701; /* float8 */
    case 'b':
    case 'B':
        return 17; /* bytea */
    default:
        return 25; /* text */
    }
}

static void bind_value(struct lg_pg_q *q, char kind, const struct lg_dump_value *v)
{
    if (v->missing && (kind == 'T' || kind == 'B'))
        lg_pg_q_null(q, type_of(kind));
    else if (kind == 'i')
        lg_pg_q_i64(q, v->i);
    else if (kind == 'o')
        lg_pg_q_bool(q, v->i != 0);
    else if (kind == 'f')
        lg_pg_q_f64(q, v->f);
    else if (kind == 'b' || kind == 'B')
        lg_pg_q_blob(q, v->s.p, v->s.n);
    else
        lg_pg_q_str(q, v->s);
}

static int load_row(void *user, const struct lg_dump_value *v, unsigned n)
{
    struct loading *l = (struct loading *)user;
    int rc;

    digest_row(&l->digest, l->kinds, v);
    l->q.n = 0;
    for (unsigned i = 0; i < n; i++)
        bind_value(&l->q, l->kinds[i], &v[i]);
    rc = lg_pg_pipe_send(&l->q);
    if (rc >= 0 && ++l->under_way % 256 == 0) {
        rc = lg_pg_pipe_flush(&l->q);
        lg_arena_clear(&l->tx->scratch);
    }
    return rc;
}

static int load(
        struct lg_pg_tx *tx, struct lg_alert_store *from, enum lg_dump_table t, struct digest *ret)
{
    struct loading l = {.tx = tx, .kinds = lg_dump_schemas[t].kinds};
    int n = (int)strlen(l.kinds), rc;
    Oid types[LG_DUMP_COLUMNS_MAX];
    struct lg_buf sql;

    lg_buf_init(&sql, 8192);
    if (tables[t].put != NULL) {
        lg_buf_adds(&sql, lg_str_z(tables[t].put));
    } else {
        lg_buf_printf(
                &sql, "INSERT INTO %s(%s) VALUES(", lg_dump_schemas[t].name, tables[t].columns);
        for (int i = 0; i < n; i++)
            lg_buf_printf(&sql, i == 0 ? "$%d" : ",$%d", i + 1);
        lg_buf_addc(&sql, ')');
    }
    lg_buf_addc(&sql, '\0');
    for (int i = 0; i < n; i++)
        types[i] = type_of(l.kinds[i]);
    digest_open(&l.digest, lg_dump_schemas[t].name);
    rc = sql.failed != 0 ? sql.failed : lg_pg_pipe_open(&l.q, tx, sql.p, types, n);
    if (rc >= 0) {
        int closed;

        rc = lg_sqlite_alert_dump(from, t, load_row, &l);
        closed = lg_pg_pipe_close(&l.q);
        rc = rc < 0 ? rc : closed;
    }
    lg_buf_done(&sql);
    *ret = l.digest;
    return rc;
}

/* ---- and out again ---- */

static int read_value(
        const struct lg_pg_q *q, int i, char kind, struct lg_arena *a, struct lg_dump_value *v)
{
    *v = (struct lg_dump_value){.missing = lg_pg_q_col_null(q, i)};
    if (v->missing)
        return 0;
    if (kind == 'i' || kind == 'o')
        v->i = lg_pg_q_col_i64(q, i);
    else if (kind == 'f')
        v->f = lg_pg_q_col_f64(q, i);
    else
        return lg_pg_q_col_dup(q, i, a, &v->s);
    return 0;
}

static int digest_fetch(
        struct lg_pg_tx *tx, const char *kinds, struct lg_arena *a, struct digest *d)
{
    struct lg_dump_value v[LG_DUMP_COLUMNS_MAX];
    struct lg_pg_q q;
    int n = 0, rc;

    lg_pg_q_open(&q, tx, "FETCH 1000 FROM migrated");
    q.once = true;
    while ((rc = lg_pg_q_step(&q)) > 0) {
        lg_arena_clear(a);
        for (int i = 0; rc >= 0 && kinds[i] != '\0'; i++)
            rc = read_value(&q, i, kinds[i], a, &v[i]);
        if (rc < 0)
            break;
        digest_row(d, kinds, v);
        n++;
    }
    lg_pg_q_done(&q);
    return rc < 0 ? rc : n == FETCH;
}

static int read_back(struct lg_pg_tx *tx, enum lg_dump_table t, struct digest *ret)
{
    struct lg_buf sql;
    struct lg_arena a;
    int rc;

    digest_open(ret, lg_dump_schemas[t].name);
    lg_buf_init(&sql, 8192);
    lg_buf_printf(&sql,
            "DECLARE migrated BINARY NO SCROLL CURSOR FOR SELECT %s FROM %s ORDER BY %s",
            tables[t].columns, tables[t].from, tables[t].key);
    lg_buf_addc(&sql, '\0');
    lg_arena_init(&a, 64u << 20);
    rc = sql.failed != 0 ? sql.failed : lg_pg_exec(tx->c, sql.p);
    while (rc >= 0 && (rc = digest_fetch(tx, lg_dump_schemas[t].kinds, &a, ret)) > 0)
        ;
    if (rc >= 0)
        rc = lg_pg_exec(tx->c, "CLOSE migrated");
    lg_arena_done(&a);
    lg_buf_done(&sql);
    return rc;
}

static int is_empty(struct lg_pg_tx *tx, struct lg_err *reterr)
{
    struct lg_buf sql;
    struct lg_pg_q q;
    int rc = 0;

    lg_buf_init(&sql, 8192);
    for (int t = 0; rc >= 0 && t < LG_DUMP_TABLE_COUNT; t++) {
        lg_buf_clear(&sql);
        lg_buf_printf(&sql, "SELECT 1 FROM %s LIMIT 1", tables[t].from);
        lg_buf_addc(&sql, '\0');
        lg_pg_q_open(&q, tx, sql.p);
        q.once = true;
        rc = sql.failed != 0 ? sql.failed : lg_pg_q_step(&q);
        lg_pg_q_done(&q);
        if (rc > 0)
            rc = lg_err_set(reterr, LG_EEXIST,
                    "PostgreSQL: there are rows in %s already: migrate into an empty database",
                    lg_dump_schemas[t].name);
    }
    lg_buf_done(&sql);
    return rc;
}

static int copy_table(struct lg_pg_tx *tx, struct lg_alert_store *from, enum lg_dump_table t,
        struct lg_migrated_table *ret, struct lg_err *reterr)
{
    struct digest in, out;
    int rc = load(tx, from, t, &in);

    if (rc >= 0)
        rc = read_back(tx, t, &out);
    if (rc < 0)
        return rc;
    *ret = (struct lg_migrated_table){.name = lg_dump_schemas[t].name,
            .rows_from = in.rows,
            .rows_to = out.rows,
            .digest_from = lg_digest_final(&in.d),
            .digest_to = lg_digest_final(&out.d)};
    if (in.rows != out.rows || lg_link_cmp(&ret->digest_from, &ret->digest_to) != 0)
        return lg_err_set(
                reterr, LG_ECORRUPT, "PostgreSQL: the copy of %s is not the same", ret->name);
    return 0;
}

static int check_chain(struct lg_pg_tx *tx, struct lg_err *reterr)
{
    struct lg_audit_check au;
    int rc = lg_pg_audit_verify_tx(tx, &au);

    if (rc >= 0 && au.first_bad != 0)
        rc = lg_err_set(reterr, LG_ECORRUPT,
                "the audit log to be copied was altered at row %llu: see `logster audit verify`",
                (unsigned long long)au.first_bad);
    return rc;
}

int lg_alert_migrate(struct lg_alert_store *from, struct lg_alert_store *to,
        void (*line)(void *user, const struct lg_migrated_table *t), void *user,
        struct lg_err *reterr)
{
    struct lg_pg_tx tx;
    int rc;

    reterr->code = 0;
    if (strcmp(from->ops->name, "sqlite") != 0 || strcmp(to->ops->name, "postgres") != 0)
        return lg_err_set(reterr, LG_EUNSUP, "alerts move from SQLite to PostgreSQL only");
    rc = lg_pg_begin_all(&tx, lg_pg_of(to)->pg, true);
    if (rc < 0)
        return lg_err_set(reterr, rc, "PostgreSQL: %s", lg_err_name(rc));
    rc = lg_pg_lock(&tx, LG_PG_LOCK_SCHEMA); /* one at a time */
    if (rc >= 0)
        rc = lg_pg_patient(&tx);
    if (rc >= 0)
        rc = is_empty(&tx, reterr);
    for (int t = 0; rc >= 0 && t < LG_DUMP_TABLE_COUNT; t++) {
        struct lg_migrated_table done = {0};

        rc = copy_table(&tx, from, (enum lg_dump_table)t, &done, reterr);
        if (done.name != NULL && line != NULL)
            line(user, &done);
    }
    if (rc >= 0)
        rc = check_chain(&tx, reterr);
    if (rc < 0 && reterr->code == 0)
        (void)lg_err_set(reterr, rc, "PostgreSQL: %s%s%s", lg_err_name(rc),
                tx.c->told[0] != '\0' ? ": " : "", tx.c->told);
    rc = lg_pg_end(&tx, rc);
    if (rc < 0 && reterr->code == 0)
        (void)lg_err_set(reterr, rc, "PostgreSQL: %s", lg_err_name(rc));
    return rc < 0 ? rc : 0;
}
