#include "postgres/int.h"

/* Tenants, tokens, searches, deliveries, settings, sessions. The audit log is in audit.c. */

/* One statement as a transaction: bind between the two. end: LG_ENOENT where `must_change` and no
 * row did. */
static int one_open(
        struct lg_admin_store *st, struct lg_pg_tx *tx, const char *sql, struct lg_pg_q *q)
{
    int rc = lg_pg_begin_all(tx, lg_pg_admin_of(st)->pg, true);

    if (rc >= 0)
        lg_pg_q_open(q, tx, sql);
    return rc;
}

static int one_end(struct lg_pg_tx *tx, struct lg_pg_q *q, bool must_change)
{
    int64_t n = lg_pg_q_run(q);
    int rc = n < 0 ? (int)n : n == 0 && must_change ? LG_ENOENT : 0;

    return lg_pg_end(tx, rc);
}

/* A reading statement of our own services, likewise. */
static int ask_open(
        struct lg_admin_store *st, struct lg_pg_tx *tx, const char *sql, struct lg_pg_q *q)
{
    int rc = lg_pg_begin_all(tx, lg_pg_admin_of(st)->pg, false);

    if (rc >= 0)
        lg_pg_q_open(q, tx, sql);
    return rc;
}

static int rows_end(
        struct lg_pg_tx *tx, struct lg_pg_q *q, struct lg_arena *a, struct lg_pg_rows *rows)
{
    return lg_pg_end(tx, lg_pg_rows_read(q, a, rows));
}

#define GIVE_ROWS(rows, ret, ret_n)                                                                \
    do {                                                                                           \
        *(ret) = (rows).v;                                                                         \
        *(ret_n) = (rows).n;                                                                       \
    } while (0)

/* ---- tenants ---- */

static int tenant_create(struct lg_admin_store *st, const struct lg_tenant_row *t)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc;

    if (!lg_tenant_valid(t->tenant_id) || t->name.n > 200)
        return LG_EINVAL;
    rc = one_open(st, &tx, "INSERT INTO tenants VALUES($1,$2,$3,0)", &q);
    if (rc < 0)
        return rc;
    lg_pg_q_str(&q, t->tenant_id);
    lg_pg_q_str(&q, t->name);
    lg_pg_q_i64(&q, t->created_at);
    return one_end(&tx, &q, true);
}

static int tenant_disable(struct lg_admin_store *st, struct lg_str tenant, lg_time now)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = one_open(st, &tx,
            "UPDATE tenants SET disabled_at=CASE disabled_at WHEN 0 THEN $2 ELSE disabled_at END"
            " WHERE tenant_id=$1",
            &q);

    if (rc < 0)
        return rc;
    lg_pg_q_str(&q, tenant);
    lg_pg_q_i64(&q, now);
    return one_end(&tx, &q, true);
}

static int tenant_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    struct lg_tenant_row *t = row;
    int rc = lg_pg_q_col_dup(q, 0, a, &t->tenant_id);

    t->created_at = lg_pg_q_col_i64(q, 2);
    t->disabled_at = lg_pg_q_col_i64(q, 3);
    return rc < 0 ? rc : lg_pg_q_col_dup(q, 1, a, &t->name);
}

/* The one row that there is, or LG_ENOENT. */
static int one_row(struct lg_pg_tx *tx, struct lg_pg_q *q, struct lg_arena *a,
        int (*read)(const struct lg_pg_q *q, struct lg_arena *a, void *row), void *ret)
{
    int rc = lg_pg_q_step(q);

    if (rc > 0)
        rc = read(q, a, ret);
    else if (rc == 0)
        rc = LG_ENOENT;
    lg_pg_q_done(q);
    return lg_pg_end(tx, rc);
}

static int tenant_get(struct lg_admin_store *st, struct lg_str tenant, struct lg_arena *a,
        struct lg_tenant_row *ret)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = ask_open(st, &tx,
            "SELECT tenant_id, name, created_at, disabled_at FROM tenants WHERE tenant_id=$1", &q);

    if (rc < 0)
        return rc;
    lg_pg_q_str(&q, tenant);
    return one_row(&tx, &q, a, tenant_row, ret);
}

static int tenant_list(
        struct lg_admin_store *st, struct lg_arena *a, struct lg_tenant_row **ret, uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = tenant_row};
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = ask_open(st, &tx,
            "SELECT tenant_id, name, created_at, disabled_at FROM tenants ORDER BY tenant_id", &q);

    if (rc >= 0)
        rc = rows_end(&tx, &q, a, &rows);
    if (rc >= 0)
        GIVE_ROWS(rows, ret, ret_n);
    return rc;
}

/* ---- tokens ---- */

#define TOKEN_COLUMNS                                                                              \
    "token_id, name, owner, grants, tenants, hash, created_at, expires_at, revoked_at,"            \
    " first_used_at, last_used_at"

static int token_create(struct lg_admin_store *st, const struct lg_token_row *t)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc;

    if (t->token_id.n == 0 || t->token_id.n > 64 || t->name.n > 200 || t->owner.n > 200 ||
            t->grants.n > 65536 || t->tenants.n > 65536)
        return LG_EINVAL;
    rc = one_open(st, &tx, "INSERT INTO tokens VALUES($1,$2,$3,$4,$5,$6,$7,$8,0,0,0)", &q);
    if (rc < 0)
        return rc;
    lg_pg_q_str(&q, t->token_id);
    lg_pg_q_str(&q, t->name);
    lg_pg_q_str(&q, t->owner);
    lg_pg_q_str(&q, t->grants);
    lg_pg_q_str(&q, t->tenants.n > 0 ? t->tenants : LG_STR("[]"));
    lg_pg_q_blob(&q, t->hash, sizeof(t->hash));
    lg_pg_q_i64(&q, t->created_at);
    lg_pg_q_i64(&q, t->expires_at);
    return one_end(&tx, &q, true);
}

static int token_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    struct lg_token_row *t = row;
    struct lg_str *const texts[] = {&t->token_id, &t->name, &t->owner, &t->grants, &t->tenants};
    int rc = lg_pg_q_col_fixed(q, 5, t->hash, sizeof(t->hash));

    for (int i = 0; rc >= 0 && i < 5; i++)
        rc = lg_pg_q_col_dup(q, i, a, texts[i]);
    t->created_at = lg_pg_q_col_i64(q, 6);
    t->expires_at = lg_pg_q_col_i64(q, 7);
    t->revoked_at = lg_pg_q_col_i64(q, 8);
    t->first_used_at = lg_pg_q_col_i64(q, 9);
    t->last_used_at = lg_pg_q_col_i64(q, 10);
    return rc;
}

static int token_get(struct lg_admin_store *st, struct lg_str token_id, struct lg_arena *a,
        struct lg_token_row *ret)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = ask_open(st, &tx, "SELECT " TOKEN_COLUMNS " FROM tokens WHERE token_id=$1", &q);

    if (rc < 0)
        return rc;
    lg_pg_q_str(&q, token_id);
    return one_row(&tx, &q, a, token_row, ret);
}

static int token_all(
        struct lg_admin_store *st, struct lg_arena *a, struct lg_token_row **ret, uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = token_row};
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = ask_open(
            st, &tx, "SELECT " TOKEN_COLUMNS " FROM tokens ORDER BY created_at, token_id", &q);

    if (rc >= 0)
        rc = rows_end(&tx, &q, a, &rows);
    if (rc >= 0)
        GIVE_ROWS(rows, ret, ret_n);
    return rc;
}

static int token_list(struct lg_admin_store *st, const struct lg_scope *sc, struct lg_arena *a,
        struct lg_token_row **ret, uint32_t *ret_n)
{
    uint32_t n = 0;
    int rc = token_all(st, a, ret, ret_n);

    for (uint32_t i = 0; rc >= 0 && i < *ret_n; i++)
        if (lg_token_visible(sc, (*ret)[i].tenants))
            (*ret)[n++] = (*ret)[i];
    if (rc >= 0)
        *ret_n = n;
    return rc;
}

static int token_revoke(struct lg_admin_store *st, struct lg_str token_id, lg_time now)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = one_open(st, &tx,
            "UPDATE tokens SET revoked_at=CASE revoked_at WHEN 0 THEN $2 ELSE revoked_at END"
            " WHERE token_id=$1",
            &q);

    if (rc < 0)
        return rc;
    lg_pg_q_str(&q, token_id);
    lg_pg_q_i64(&q, now);
    return one_end(&tx, &q, true);
}

static int token_used(
        struct lg_admin_store *st, struct lg_str token_id, lg_time now, bool *ret_first)
{
    bool first = false, write = false;
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = one_open(st, &tx,
            "SELECT first_used_at, last_used_at FROM tokens WHERE token_id=$1 FOR UPDATE", &q);

    if (rc < 0)
        return rc;
    lg_pg_q_str(&q, token_id);
    rc = lg_pg_q_step(&q);
    if (rc > 0) {
        first = lg_pg_q_col_i64(&q, 0) == 0;
        write = first || now - lg_pg_q_col_i64(&q, 1) >= INT64_C(3600) * LG_NS_PER_SEC;
    } else if (rc == 0) {
        rc = LG_ENOENT;
    }
    lg_pg_q_done(&q);
    if (rc > 0 && write) {
        lg_pg_q_open(&q, &tx,
                "UPDATE tokens SET first_used_at=CASE first_used_at WHEN 0 THEN $2 ELSE"
                " first_used_at END, last_used_at=$2 WHERE token_id=$1");
        lg_pg_q_str(&q, token_id);
        lg_pg_q_i64(&q, now);
        rc = (int)lg_pg_q_run(&q);
    }
    rc = lg_pg_end(&tx, rc < 0 ? rc : 0);
    if (rc >= 0)
        *ret_first = first;
    return rc;
}

/* ---- searches ---- */

static int search_put(
        struct lg_admin_store *st, const struct lg_scope *sc, const struct lg_search_row *s)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc;

    if (s->name.n == 0 || s->name.n > 200 || s->query.n > 65536 || s->owner.n == 0 ||
            s->owner.n > 200)
        return LG_EINVAL;
    if (sc == NULL || !lg_scope_allows(sc, s->tenant_id))
        return LG_EREFUSED;
    /* Services' view: where the id is another tenant's, the answer is LG_ENOENT and no error. */
    rc = lg_pg_begin_all(&tx, lg_pg_admin_of(st)->pg, true);
    if (rc < 0)
        return rc;
    rc = lg_pg_tenant_add(&tx, s->tenant_id);
    if (rc >= 0) {
        int64_t n;

        lg_pg_q_open(&q, &tx,
                "INSERT INTO searches AS s VALUES($1,$2,$3,$4,$5,$6,$7,$8) ON CONFLICT(search_id)"
                " DO UPDATE SET name=excluded.name, query=excluded.query, shared=excluded.shared,"
                " updated_at=excluded.updated_at WHERE s.tenant=excluded.tenant AND"
                " s.owner=excluded.owner");
        lg_pg_q_uuid(&q, &s->search_id);
        lg_pg_q_str(&q, s->tenant_id);
        lg_pg_q_str(&q, s->owner);
        lg_pg_q_str(&q, s->name);
        lg_pg_q_str(&q, s->query);
        lg_pg_q_bool(&q, s->shared);
        lg_pg_q_i64(&q, s->created_at);
        lg_pg_q_i64(&q, s->updated_at);
        n = lg_pg_q_run(&q);
        rc = n < 0 ? (int)n : n == 0 ? LG_ENOENT : 0; /* the id is another's */
    }
    return lg_pg_end(&tx, rc);
}

static int search_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    struct lg_search_row *s = row;
    int rc;

    if ((rc = lg_pg_q_col_fixed(q, 0, s->search_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 1, a, &s->tenant_id)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 2, a, &s->owner)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 3, a, &s->name)) < 0)
        return rc;
    s->shared = lg_pg_q_col_i64(q, 5) != 0;
    s->created_at = lg_pg_q_col_i64(q, 6);
    s->updated_at = lg_pg_q_col_i64(q, 7);
    return lg_pg_q_col_dup(q, 4, a, &s->query);
}

static int search_list(struct lg_admin_store *st, const struct lg_scope *sc, struct lg_str tenant,
        struct lg_str owner, struct lg_arena *a, struct lg_search_row **ret, uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = search_row};
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = lg_pg_begin(&tx, lg_pg_admin_of(st)->pg, false, sc, tenant);

    if (rc > 0) {
        lg_pg_q_open_scoped(&q, &tx,
                "SELECT x.* FROM " LG_PG_SEEN " t CROSS JOIN LATERAL (SELECT s.search_id,"
                " s.tenant, s.owner, s.name, s.query, s.shared, s.created_at, s.updated_at"
                " FROM searches s WHERE s.tenant=t.tenant AND (s.shared OR s.owner=$2)"
                " ORDER BY s.name, s.search_id LIMIT 1000) x ORDER BY x.tenant, x.name,"
                " x.search_id");
        lg_pg_q_str(&q, owner);
        rc = rows_end(&tx, &q, a, &rows);
    }
    if (rc >= 0)
        GIVE_ROWS(rows, ret, ret_n);
    return rc;
}

static int search_delete(struct lg_admin_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, struct lg_str owner)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int64_t n;
    int rc = lg_pg_begin(&tx, lg_pg_admin_of(st)->pg, true, sc, LG_STR(""));

    if (rc <= 0)
        return rc < 0 ? rc : LG_ENOENT;
    lg_pg_q_open_scoped(&q, &tx,
            "DELETE FROM searches WHERE search_id=$2 AND owner=$3 AND tenant IN " LG_PG_SEEN);
    lg_pg_q_uuid(&q, id);
    lg_pg_q_str(&q, owner);
    n = lg_pg_q_run(&q);
    return lg_pg_end(&tx, n < 0 ? (int)n : n == 0 ? LG_ENOENT : 0);
}

/* ---- deliveries ---- */

static int delivery_add(struct lg_admin_store *st, const struct lg_delivery_row *d)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = lg_pg_begin_all(&tx, lg_pg_admin_of(st)->pg, true);

    if (rc < 0)
        return rc;
    rc = lg_pg_tenant_add(&tx, d->tenant_id);
    if (rc >= 0) {
        lg_pg_q_open(&q, &tx,
                "INSERT INTO deliveries(delivery_id, tenant, target, alert_id, body, state,"
                " attempts, next_at, created_at, last_error) VALUES($1,$2,$3,$4,$5,0,0,$6,$7,'')");
        lg_pg_q_uuid(&q, &d->delivery_id);
        lg_pg_q_str(&q, d->tenant_id);
        lg_pg_q_str(&q, d->target);
        lg_pg_q_uuid(&q, &d->alert_id);
        lg_pg_q_str(&q, d->body);
        lg_pg_q_i64(&q, d->next_at);
        lg_pg_q_i64(&q, d->created_at);
        if (lg_pg_q_run(&q) < 0)
            rc = q.rc;
    }
    return lg_pg_end(&tx, rc);
}

#define DELIVERY_COLUMNS                                                                           \
    "d.delivery_id, d.tenant, d.target, d.alert_id, d.body, d.state, d.attempts, d.next_at,"       \
    " d.created_at, d.last_error FROM deliveries d"

static int delivery_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    struct lg_delivery_row *d = row;
    int64_t state = lg_pg_q_col_i64(q, 5);
    int rc;

    if (state < LG_DELIVERY_DUE || state > LG_DELIVERY_GIVEN_UP)
        return LG_ECORRUPT;
    d->state = (enum lg_delivery_state)state;
    d->attempts = (uint32_t)lg_pg_q_col_i64(q, 6);
    d->next_at = lg_pg_q_col_i64(q, 7);
    d->created_at = lg_pg_q_col_i64(q, 8);
    if ((rc = lg_pg_q_col_fixed(q, 0, d->delivery_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_pg_q_col_fixed(q, 3, d->alert_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 1, a, &d->tenant_id)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 2, a, &d->target)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 4, a, &d->body)) < 0)
        return rc;
    return lg_pg_q_col_dup(q, 9, a, &d->last_error);
}

static int delivery_due(struct lg_admin_store *st, lg_time now, uint32_t max, struct lg_arena *a,
        struct lg_delivery_row **ret, uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = delivery_row};
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = lg_pg_begin_all(&tx, lg_pg_admin_of(st)->pg, true);

    if (rc < 0)
        return rc;
    rc = lg_pg_lease(&tx, lg_pg_admin_of(st), "deliveries");
    if (rc > 0) {
        lg_pg_q_open(&q, &tx,
                "SELECT " DELIVERY_COLUMNS
                " WHERE d.state=0 AND d.next_at<=$1 ORDER BY d.next_at, d.seq LIMIT $2");
        lg_pg_q_i64(&q, now);
        lg_pg_q_i64(&q, max);
        rc = lg_pg_rows_read(&q, a, &rows);
    }
    rc = lg_pg_end(&tx, rc);
    if (rc >= 0)
        GIVE_ROWS(rows, ret, ret_n);
    return rc < 0 ? rc : 0;
}

static int delivery_update(struct lg_admin_store *st, const struct lg_uuid *id,
        enum lg_delivery_state state, lg_time next_at, struct lg_str error)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = one_open(st, &tx,
            "UPDATE deliveries SET state=$2, next_at=$3, last_error=$4, attempts=attempts+1"
            " WHERE delivery_id=$1",
            &q);

    if (rc < 0)
        return rc;
    lg_pg_q_uuid(&q, id);
    lg_pg_q_i64(&q, state);
    lg_pg_q_i64(&q, next_at);
    lg_pg_q_str(&q, lg_str_sub(error, 0, 1000));
    return one_end(&tx, &q, true);
}

static int delivery_purge(struct lg_admin_store *st, lg_time before, uint32_t max, uint32_t *ret_n)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int64_t n;
    int rc = one_open(st, &tx,
            "DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries ORDER BY seq LIMIT $2)"
            " AND state<>0 AND next_at<$1",
            &q);

    if (rc < 0)
        return rc;
    lg_pg_q_i64(&q, before);
    lg_pg_q_i64(&q, max);
    n = lg_pg_q_run(&q);
    rc = lg_pg_end(&tx, n < 0 ? (int)n : 0);
    if (rc >= 0)
        *ret_n = (uint32_t)n;
    return rc;
}

static int delivery_list(struct lg_admin_store *st, const struct lg_scope *sc, struct lg_str tenant,
        uint32_t max, struct lg_arena *a, struct lg_delivery_row **ret, uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = delivery_row};
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = lg_pg_begin(&tx, lg_pg_admin_of(st)->pg, false, sc, tenant);

    if (rc > 0) {
        lg_pg_q_open_scoped(&q, &tx,
                "SELECT x.delivery_id, x.tenant, x.target, x.alert_id, x.body, x.state, x.attempts,"
                " x.next_at, x.created_at, x.last_error FROM " LG_PG_SEEN " t CROSS JOIN LATERAL"
                " (SELECT d.* FROM deliveries d WHERE d.tenant=t.tenant ORDER BY d.seq DESC LIMIT"
                " $2) x ORDER BY x.tenant, x.seq DESC");
        lg_pg_q_i64(&q, max);
        rc = rows_end(&tx, &q, a, &rows);
    }
    if (rc >= 0)
        GIVE_ROWS(rows, ret, ret_n);
    return rc;
}

/* ---- settings ---- */

static int setting_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    return lg_pg_q_col_dup(q, 0, a, row);
}

static int setting_get(
        struct lg_admin_store *st, struct lg_str key, struct lg_arena *a, struct lg_str *ret)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = ask_open(st, &tx, "SELECT value FROM settings WHERE key=$1", &q);

    if (rc < 0)
        return rc;
    lg_pg_q_str(&q, key);
    return one_row(&tx, &q, a, setting_row, ret);
}

static int setting_put(struct lg_admin_store *st, struct lg_str key, struct lg_str value)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc;

    if (key.n == 0 || key.n > 200 || value.n > (1u << 20) || lg_str_eq(key, LG_STR("cursor_key")))
        return LG_EINVAL;
    rc = one_open(st, &tx,
            "INSERT INTO settings VALUES($1,$2) ON CONFLICT(key) DO UPDATE SET"
            " value=excluded.value",
            &q);
    if (rc < 0)
        return rc;
    lg_pg_q_str(&q, key);
    lg_pg_q_blob(&q, value.p, value.n);
    return one_end(&tx, &q, true);
}

/* ---- sessions of the dashboard ---- */

static int session_put(struct lg_admin_store *st, const struct lg_session_row *s)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc;

    if (s->token_id.n == 0 || s->token_id.n > 64)
        return LG_EINVAL;
    rc = one_open(st, &tx,
            "INSERT INTO sessions(hash, token_id, created_at, expires_at, seen_at)"
            " VALUES($1,$2,$3,$4,$5)",
            &q);
    if (rc < 0)
        return rc;
    lg_pg_q_blob(&q, s->hash, sizeof(s->hash));
    lg_pg_q_str(&q, s->token_id);
    lg_pg_q_i64(&q, s->created_at);
    lg_pg_q_i64(&q, s->expires_at);
    lg_pg_q_i64(&q, s->seen_at);
    return one_end(&tx, &q, false);
}

/* One that was closed meanwhile stays closed. */
static int session_seen(struct lg_admin_store *st, const uint8_t hash[32], lg_time seen_at)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = one_open(st, &tx, "UPDATE sessions SET seen_at=$2 WHERE hash=$1", &q);

    if (rc < 0)
        return rc;
    lg_pg_q_blob(&q, hash, 32);
    lg_pg_q_i64(&q, seen_at);
    return one_end(&tx, &q, false);
}

static int session_delete(struct lg_admin_store *st, const uint8_t hash[32])
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = one_open(st, &tx, "DELETE FROM sessions WHERE hash=$1", &q);

    if (rc < 0)
        return rc;
    lg_pg_q_blob(&q, hash, 32);
    return one_end(&tx, &q, false);
}

static int session_purge(struct lg_admin_store *st, lg_time now, lg_time seen_before)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = one_open(st, &tx, "DELETE FROM sessions WHERE expires_at<=$1 OR seen_at<=$2", &q);

    if (rc < 0)
        return rc;
    lg_pg_q_i64(&q, now);
    lg_pg_q_i64(&q, seen_before);
    return one_end(&tx, &q, false);
}

static int session_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    struct lg_session_row *s = row;
    int rc = lg_pg_q_col_fixed(q, 0, s->hash, sizeof(s->hash));

    s->created_at = lg_pg_q_col_i64(q, 2);
    s->expires_at = lg_pg_q_col_i64(q, 3);
    s->seen_at = lg_pg_q_col_i64(q, 4);
    return rc < 0 ? rc : lg_pg_q_col_dup(q, 1, a, &s->token_id);
}

static int session_all(struct lg_admin_store *st, uint32_t max, struct lg_arena *a,
        struct lg_session_row **ret, uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = session_row};
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = ask_open(st, &tx,
            "SELECT hash, token_id, created_at, expires_at, seen_at FROM sessions"
            " ORDER BY seen_at DESC, hash LIMIT $1",
            &q);

    if (rc < 0)
        return rc;
    lg_pg_q_i64(&q, max);
    rc = rows_end(&tx, &q, a, &rows);
    if (rc >= 0)
        GIVE_ROWS(rows, ret, ret_n);
    return rc;
}

const struct lg_admin_store_ops lg_pg_admin_ops = {
        .tenant_create = tenant_create,
        .tenant_disable = tenant_disable,
        .tenant_get = tenant_get,
        .tenant_list = tenant_list,
        .token_create = token_create,
        .token_get = token_get,
        .token_list = token_list,
        .token_all = token_all,
        .token_revoke = token_revoke,
        .token_used = token_used,
        .audit_append = lg_pg_audit_append,
        .audit_list = lg_pg_audit_list,
        .audit_verify = lg_pg_audit_verify,
        .search_put = search_put,
        .search_list = search_list,
        .search_delete = search_delete,
        .delivery_add = delivery_add,
        .delivery_due = delivery_due,
        .delivery_update = delivery_update,
        .delivery_purge = delivery_purge,
        .delivery_list = delivery_list,
        .setting_get = setting_get,
        .setting_put = setting_put,
        .session_put = session_put,
        .session_seen = session_seen,
        .session_delete = session_delete,
        .session_purge = session_purge,
        .session_all = session_all,
};
