#include <string.h>

#include "base/mem.h"
#include "store/alert_common.h"
#include "store/sqlite_alert_int.h"

/* Tenants, tokens, searches, deliveries, settings. The audit log is in sqlite_audit.c. */

int lg_admin_begin(struct lg_admin_store *st, const char *sql, struct lg_q *q)
{
    struct lg_conn *c;
    int rc = lg_sdb_begin(&lg_admin_of(st)->db, &c);

    if (rc >= 0)
        lg_q_open(q, c, sql);
    return rc;
}

int lg_admin_end(struct lg_admin_store *st, struct lg_q *q, bool must_change)
{
    struct lg_sqlite_alerts *as = lg_admin_of(st);
    int rc = lg_q_run(q);

    if (rc >= 0 && must_change && sqlite3_changes(as->db.writer->db) == 0)
        rc = LG_ENOENT;
    return lg_sdb_end(&as->db, rc);
}

static int tenant_create(struct lg_admin_store *st, const struct lg_tenant_row *t)
{
    struct lg_q q;
    int rc;

    if (!lg_tenant_valid(t->tenant_id) || t->name.n > 200)
        return LG_EINVAL;
    rc = lg_admin_begin(st, "INSERT INTO tenants VALUES(?1,?2,?3,0)", &q);
    if (rc < 0)
        return rc;
    lg_q_str(&q, t->tenant_id);
    lg_q_str(&q, t->name);
    lg_q_i64(&q, t->created_at);
    return lg_admin_end(st, &q, true);
}

static int tenant_disable(struct lg_admin_store *st, struct lg_str tenant, lg_time now)
{
    struct lg_q q;
    int rc = lg_admin_begin(st,
            "UPDATE tenants SET disabled_at=CASE disabled_at WHEN 0 THEN ?2 ELSE disabled_at END"
            " WHERE tenant_id=?1",
            &q);

    if (rc < 0)
        return rc;
    lg_q_str(&q, tenant);
    lg_q_i64(&q, now);
    return lg_admin_end(st, &q, true);
}

static int tenant_row(struct lg_q *q, struct lg_arena *a, void *row)
{
    struct lg_tenant_row *t = row;
    int rc = lg_q_col_dup(q, 0, a, &t->tenant_id);

    t->created_at = lg_q_col_i64(q, 2);
    t->disabled_at = lg_q_col_i64(q, 3);
    return rc < 0 ? rc : lg_q_col_dup(q, 1, a, &t->name);
}

static int tenant_get(struct lg_admin_store *st, struct lg_str tenant, struct lg_arena *a,
        struct lg_tenant_row *ret)
{
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open_internal(&v, &lg_admin_of(st)->db);

    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c,
            "SELECT tenant_id, name, created_at, disabled_at FROM tenants WHERE tenant_id=?1");
    lg_q_str(&q, tenant);
    rc = lg_q_step(&q);
    if (rc > 0)
        rc = tenant_row(&q, a, ret) < 0 ? LG_ENOMEM : 1;
    lg_q_done(&q);
    lg_view_done(&v);
    return rc < 0 ? rc : rc == 0 ? LG_ENOENT : 0;
}

static int tenant_list(
        struct lg_admin_store *st, struct lg_arena *a, struct lg_tenant_row **ret, uint32_t *ret_n)
{
    struct lg_rows rows = {.size = sizeof(**ret), .read = tenant_row};
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open_internal(&v, &lg_admin_of(st)->db);

    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c,
            "SELECT tenant_id, name, created_at, disabled_at FROM tenants ORDER BY tenant_id");
    rc = lg_rows_read(&q, a, &rows);
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

#define TOKEN_COLUMNS                                                                              \
    "token_id, name, owner, grants, tenants, hash, created_at, expires_at, revoked_at,"            \
    " first_used_at, last_used_at"

static int token_create(struct lg_admin_store *st, const struct lg_token_row *t)
{
    struct lg_q q;
    int rc;

    if (t->token_id.n == 0 || t->token_id.n > 64 || t->name.n > 200 || t->owner.n > 200 ||
            t->grants.n > 65536 || t->tenants.n > 65536)
        return LG_EINVAL;
    rc = lg_admin_begin(st, "INSERT INTO tokens VALUES(?1,?2,?3,?4,?5,?6,?7,?8,0,0,0)", &q);
    if (rc < 0)
        return rc;
    lg_q_str(&q, t->token_id);
    lg_q_str(&q, t->name);
    lg_q_str(&q, t->owner);
    lg_q_str(&q, t->grants);
    lg_q_str(&q, t->tenants.n > 0 ? t->tenants : LG_STR("[]"));
    lg_q_blob(&q, t->hash, sizeof(t->hash));
    lg_q_i64(&q, t->created_at);
    lg_q_i64(&q, t->expires_at);
    return lg_admin_end(st, &q, true);
}

static int token_row(struct lg_q *q, struct lg_arena *a, struct lg_token_row *t)
{
    struct lg_str *const texts[] = {&t->token_id, &t->name, &t->owner, &t->grants, &t->tenants};
    int rc = lg_q_col_fixed(q, 5, t->hash, sizeof(t->hash));

    for (int i = 0; rc >= 0 && i < 5; i++)
        rc = lg_q_col_dup(q, i, a, texts[i]);
    t->created_at = lg_q_col_i64(q, 6);
    t->expires_at = lg_q_col_i64(q, 7);
    t->revoked_at = lg_q_col_i64(q, 8);
    t->first_used_at = lg_q_col_i64(q, 9);
    t->last_used_at = lg_q_col_i64(q, 10);
    return rc;
}

static int token_get(struct lg_admin_store *st, struct lg_str token_id, struct lg_arena *a,
        struct lg_token_row *ret)
{
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open_internal(&v, &lg_admin_of(st)->db);

    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c, "SELECT " TOKEN_COLUMNS " FROM tokens WHERE token_id=?1");
    lg_q_str(&q, token_id);
    rc = lg_q_step(&q);
    if (rc > 0) {
        rc = token_row(&q, a, ret);
        if (rc >= 0)
            rc = 1;
    }
    lg_q_done(&q);
    lg_view_done(&v);
    return rc < 0 ? rc : rc == 0 ? LG_ENOENT : 0;
}

static int tokens(struct lg_admin_store *st, const struct lg_scope *sc, bool all,
        struct lg_arena *a, struct lg_token_row **ret, uint32_t *ret_n)
{
    struct lg_token_row *rows = NULL;
    uint32_t n = 0, cap = 0;
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open_internal(&v, &lg_admin_of(st)->db);

    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c, "SELECT " TOKEN_COLUMNS " FROM tokens ORDER BY created_at, token_id");
    while ((rc = lg_q_step(&q)) > 0) {
        if (!all && !lg_token_visible(sc, lg_q_col_str(&q, 4)))
            continue;
        rc = lg_arena_array(a, (void **)&rows, n, &cap, sizeof(*rows));
        if (rc >= 0)
            rc = token_row(&q, a, &rows[n]);
        if (rc < 0)
            break;
        n++;
    }
    lg_q_done(&q);
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = rows;
    *ret_n = n;
    return 0;
}

static int token_list(struct lg_admin_store *st, const struct lg_scope *sc, struct lg_arena *a,
        struct lg_token_row **ret, uint32_t *ret_n)
{
    return tokens(st, sc, false, a, ret, ret_n);
}

static int token_all(
        struct lg_admin_store *st, struct lg_arena *a, struct lg_token_row **ret, uint32_t *ret_n)
{
    return tokens(st, NULL, true, a, ret, ret_n);
}

static int token_revoke(struct lg_admin_store *st, struct lg_str token_id, lg_time now)
{
    struct lg_q q;
    int rc = lg_admin_begin(st,
            "UPDATE tokens SET revoked_at=CASE revoked_at WHEN 0 THEN ?2 ELSE revoked_at END"
            " WHERE token_id=?1",
            &q);

    if (rc < 0)
        return rc;
    lg_q_str(&q, token_id);
    lg_q_i64(&q, now);
    return lg_admin_end(st, &q, true);
}

static int token_used(
        struct lg_admin_store *st, struct lg_str token_id, lg_time now, bool *ret_first)
{
    struct lg_sqlite_alerts *as = lg_admin_of(st);
    bool first = false, write = false;
    struct lg_conn *c;
    struct lg_q q;
    int rc = lg_sdb_begin(&as->db, &c);

    if (rc < 0)
        return rc;
    lg_q_open(&q, c, "SELECT first_used_at, last_used_at FROM tokens WHERE token_id=?1");
    lg_q_str(&q, token_id);
    rc = lg_q_step(&q);
    if (rc > 0) {
        first = lg_q_col_i64(&q, 0) == 0;
        write = first || now - lg_q_col_i64(&q, 1) >= INT64_C(3600) * LG_NS_PER_SEC;
    } else if (rc == 0) {
        rc = LG_ENOENT;
    }
    lg_q_done(&q);
    if (rc > 0 && write) {
        lg_q_open(&q, c,
                "UPDATE tokens SET first_used_at=CASE first_used_at WHEN 0 THEN ?2 ELSE"
                " first_used_at END, last_used_at=?2 WHERE token_id=?1");
        lg_q_str(&q, token_id);
        lg_q_i64(&q, now);
        rc = lg_q_run(&q);
    }
    rc = lg_sdb_end(&as->db, rc);
    if (rc >= 0)
        *ret_first = first;
    return rc < 0 ? rc : 0;
}

static int search_put(
        struct lg_admin_store *st, const struct lg_scope *sc, const struct lg_search_row *s)
{
    struct lg_sqlite_alerts *as = lg_admin_of(st);
    int64_t tenant = 0;
    struct lg_conn *c;
    struct lg_q q;
    int rc;

    if (s->name.n == 0 || s->name.n > 200 || s->query.n > 65536 || s->owner.n == 0 ||
            s->owner.n > 200)
        return LG_EINVAL;
    if (sc == NULL || !lg_scope_allows(sc, s->tenant_id))
        return LG_EREFUSED;
    rc = lg_sdb_begin(&as->db, &c);
    if (rc < 0)
        return rc;
    rc = lg_tenant_ref(c, s->tenant_id, &tenant);
    if (rc >= 0) {
        lg_q_open(&q, c,
                "INSERT INTO searches VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(search_id) DO"
                " UPDATE SET name=excluded.name, query=excluded.query, shared=excluded.shared,"
                " updated_at=excluded.updated_at WHERE tenant=excluded.tenant AND"
                " owner=excluded.owner");
        lg_q_uuid(&q, &s->search_id);
        lg_q_i64(&q, tenant);
        lg_q_str(&q, s->owner);
        lg_q_str(&q, s->name);
        lg_q_str(&q, s->query);
        lg_q_i64(&q, s->shared);
        lg_q_i64(&q, s->created_at);
        lg_q_i64(&q, s->updated_at);
        rc = lg_q_run(&q);
        if (rc >= 0 && sqlite3_changes(c->db) == 0)
            rc = LG_ENOENT; /* the id is another's */
    }
    return lg_sdb_end(&as->db, rc);
}

static int search_row(struct lg_q *q, struct lg_arena *a, void *row)
{
    struct lg_search_row *s = row;
    int rc;

    if ((rc = lg_q_col_fixed(q, 0, s->search_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_q_col_dup(q, 1, a, &s->tenant_id)) < 0 ||
            (rc = lg_q_col_dup(q, 2, a, &s->owner)) < 0 ||
            (rc = lg_q_col_dup(q, 3, a, &s->name)) < 0)
        return rc;
    s->shared = lg_q_col_i64(q, 5) != 0;
    s->created_at = lg_q_col_i64(q, 6);
    s->updated_at = lg_q_col_i64(q, 7);
    return lg_q_col_dup(q, 4, a, &s->query);
}

static int search_list(struct lg_admin_store *st, const struct lg_scope *sc, struct lg_str tenant,
        struct lg_str owner, struct lg_arena *a, struct lg_search_row **ret, uint32_t *ret_n)
{
    struct lg_rows rows = {.size = sizeof(**ret), .read = search_row};
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open(&v, &lg_admin_of(st)->db, sc, tenant);

    if (rc < 0)
        return rc;
    for (uint32_t i = 0; rc >= 0 && i < v.n_tenants; i++) {
        lg_q_open(&q, v.c,
                "SELECT s.search_id, t.tenant, s.owner, s.name, s.query, s.shared, s.created_at,"
                " s.updated_at FROM searches s INDEXED BY searches_tenant"
                " JOIN tenant_refs t ON t.ref=s.tenant WHERE s.tenant=?1"
                " AND (s.shared OR s.owner=?2) ORDER BY s.name LIMIT 1000");
        lg_q_i64(&q, v.tenants[i]);
        lg_q_str(&q, owner);
        rc = lg_rows_read(&q, a, &rows);
    }
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

static int search_delete(struct lg_admin_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, struct lg_str owner)
{
    struct lg_sqlite_alerts *as = lg_admin_of(st);
    struct lg_conn *c;
    struct lg_view v;
    struct lg_q q;
    int rc = lg_sdb_begin(&as->db, &c);

    if (rc < 0)
        return rc;
    rc = lg_view_of_writer(&v, &as->db, c, sc, LG_STR(""));
    if (rc >= 0) {
        lg_q_open(&q, c, "SELECT tenant FROM searches WHERE search_id=?1 AND owner=?2");
        lg_q_uuid(&q, id);
        lg_q_str(&q, owner);
        rc = lg_q_step(&q);
        if (rc >= 0 && (rc == 0 || !lg_view_sees(&v, lg_q_col_i64(&q, 0))))
            rc = LG_ENOENT;
        lg_q_done(&q);
    }
    lg_view_of_writer_done(&v);
    if (rc >= 0) {
        lg_q_open(&q, c, "DELETE FROM searches WHERE search_id=?1");
        lg_q_uuid(&q, id);
        rc = lg_q_run(&q);
    }
    return lg_sdb_end(&as->db, rc);
}

static int delivery_add(struct lg_admin_store *st, const struct lg_delivery_row *d)
{
    struct lg_sqlite_alerts *as = lg_admin_of(st);
    int64_t tenant = 0;
    struct lg_conn *c;
    struct lg_q q;
    int rc = lg_sdb_begin(&as->db, &c);

    if (rc < 0)
        return rc;
    rc = lg_tenant_ref(c, d->tenant_id, &tenant);
    if (rc >= 0) {
        lg_q_open(&q, c,
                "INSERT INTO deliveries(delivery_id, tenant, target, alert_id, body, state,"
                " attempts, next_at, created_at, last_error) VALUES(?1,?2,?3,?4,?5,0,0,?6,?7,'')");
        lg_q_uuid(&q, &d->delivery_id);
        lg_q_i64(&q, tenant);
        lg_q_str(&q, d->target);
        lg_q_uuid(&q, &d->alert_id);
        lg_q_str(&q, d->body);
        lg_q_i64(&q, d->next_at);
        lg_q_i64(&q, d->created_at);
        rc = lg_q_run(&q);
    }
    return lg_sdb_end(&as->db, rc);
}

#define DELIVERY_COLUMNS                                                                           \
    "d.delivery_id, t.tenant, d.target, d.alert_id, d.body, d.state, d.attempts, d.next_at,"       \
    " d.created_at, d.last_error FROM deliveries d"

static int delivery_row(struct lg_q *q, struct lg_arena *a, void *row)
{
    struct lg_delivery_row *d = row;
    int64_t state = lg_q_col_i64(q, 5);
    int rc;

    if (state < LG_DELIVERY_DUE || state > LG_DELIVERY_GIVEN_UP)
        return LG_ECORRUPT;
    d->state = (enum lg_delivery_state)state;
    d->attempts = (uint32_t)lg_q_col_i64(q, 6);
    d->next_at = lg_q_col_i64(q, 7);
    d->created_at = lg_q_col_i64(q, 8);
    if ((rc = lg_q_col_fixed(q, 0, d->delivery_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_q_col_fixed(q, 3, d->alert_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_q_col_dup(q, 1, a, &d->tenant_id)) < 0 ||
            (rc = lg_q_col_dup(q, 2, a, &d->target)) < 0 ||
            (rc = lg_q_col_dup(q, 4, a, &d->body)) < 0)
        return rc;
    return lg_q_col_dup(q, 9, a, &d->last_error);
}

static int delivery_due(struct lg_admin_store *st, lg_time now, uint32_t max, struct lg_arena *a,
        struct lg_delivery_row **ret, uint32_t *ret_n)
{
    struct lg_rows rows = {.size = sizeof(**ret), .read = delivery_row};
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open_internal(&v, &lg_admin_of(st)->db);

    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c,
            "SELECT " DELIVERY_COLUMNS " INDEXED BY deliveries_due JOIN tenant_refs t ON"
            " t.ref=d.tenant WHERE d.state=0 AND d.next_at<=?1 ORDER BY d.next_at LIMIT ?2");
    lg_q_i64(&q, now);
    lg_q_i64(&q, max);
    rc = lg_rows_read(&q, a, &rows);
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

static int delivery_update(struct lg_admin_store *st, const struct lg_uuid *id,
        enum lg_delivery_state state, lg_time next_at, struct lg_str error)
{
    struct lg_q q;
    int rc = lg_admin_begin(st,
            "UPDATE deliveries SET state=?2, next_at=?3, last_error=?4, attempts=attempts+1"
            " WHERE delivery_id=?1",
            &q);

    if (rc < 0)
        return rc;
    lg_q_uuid(&q, id);
    lg_q_i64(&q, state);
    lg_q_i64(&q, next_at);
    lg_q_str(&q, lg_str_sub(error, 0, 1000));
    return lg_admin_end(st, &q, true);
}

/* Rows lie in the order of creation: only the first `max` are looked at. */
static int delivery_purge(struct lg_admin_store *st, lg_time before, uint32_t max, uint32_t *ret_n)
{
    struct lg_sqlite_alerts *as = lg_admin_of(st);
    struct lg_conn *c;
    struct lg_q q;
    int rc = lg_sdb_begin(&as->db, &c);

    if (rc < 0)
        return rc;
    lg_q_open(&q, c,
            "DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries ORDER BY seq LIMIT"
            " ?2) AND state<>0 AND next_at<?1");
    lg_q_i64(&q, before);
    lg_q_i64(&q, max);
    rc = lg_q_run(&q);
    if (rc >= 0)
        *ret_n = (uint32_t)sqlite3_changes(c->db);
    return lg_sdb_end(&as->db, rc);
}

static int delivery_list(struct lg_admin_store *st, const struct lg_scope *sc, struct lg_str tenant,
        uint32_t max, struct lg_arena *a, struct lg_delivery_row **ret, uint32_t *ret_n)
{
    struct lg_rows rows = {.size = sizeof(**ret), .read = delivery_row};
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open(&v, &lg_admin_of(st)->db, sc, tenant);

    if (rc < 0)
        return rc;
    for (uint32_t i = 0; rc >= 0 && i < v.n_tenants; i++) {
        lg_q_open(&q, v.c,
                "SELECT " DELIVERY_COLUMNS " INDEXED BY deliveries_tenant JOIN tenant_refs t ON"
                " t.ref=d.tenant WHERE d.tenant=?1 ORDER BY d.seq DESC LIMIT ?2");
        lg_q_i64(&q, v.tenants[i]);
        lg_q_i64(&q, max);
        rc = lg_rows_read(&q, a, &rows);
    }
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

static int setting_get(
        struct lg_admin_store *st, struct lg_str key, struct lg_arena *a, struct lg_str *ret)
{
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open_internal(&v, &lg_admin_of(st)->db);

    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c, "SELECT value FROM settings WHERE key=?1");
    lg_q_str(&q, key);
    rc = lg_q_step(&q);
    if (rc > 0) {
        rc = lg_q_col_dup(&q, 0, a, ret);
        if (rc >= 0)
            rc = 1;
    }
    lg_q_done(&q);
    lg_view_done(&v);
    return rc < 0 ? rc : rc == 0 ? LG_ENOENT : 0;
}

static int setting_put(struct lg_admin_store *st, struct lg_str key, struct lg_str value)
{
    struct lg_q q;
    int rc;

    if (key.n == 0 || key.n > 200 || value.n > (1u << 20) || lg_str_eq(key, LG_STR("cursor_key")))
        return LG_EINVAL;
    rc = lg_admin_begin(st, "INSERT OR REPLACE INTO settings VALUES(?1,?2)", &q);
    if (rc < 0)
        return rc;
    lg_q_str(&q, key);
    lg_q_blob(&q, value.p, value.n);
    return lg_admin_end(st, &q, true);
}

const struct lg_admin_store_ops lg_sqlite_admin_ops = {
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
        .audit_append = lg_sqlite_audit_append,
        .audit_list = lg_sqlite_audit_list,
        .audit_verify = lg_sqlite_audit_verify,
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
        .session_put = lg_sqlite_session_put,
        .session_seen = lg_sqlite_session_seen,
        .session_delete = lg_sqlite_session_delete,
        .session_purge = lg_sqlite_session_purge,
        .session_all = lg_sqlite_session_all,
};
