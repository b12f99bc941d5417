#include <string.h>

#include "store/alert_common.h"
#include "store/sqlite_alert_int.h"

static int head(struct lg_conn *c, uint64_t *ret_seq, struct lg_link *ret)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
    rc = lg_q_step(&q);
    if (rc > 0) {
        *ret_seq = (uint64_t)lg_q_col_i64(&q, 0);
        rc = lg_q_col_fixed(&q, 1, ret->b, sizeof(ret->b));
    }
    lg_q_done(&q);
    return rc;
}

static int append_one(struct lg_conn *c, const struct lg_audit_row *row, const struct lg_link *hash)
{
    struct lg_q q;

    lg_q_open(&q, c, "INSERT INTO audit VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)");
    lg_q_i64(&q, (int64_t)row->seq);
    lg_q_i64(&q, row->at);
    lg_q_str(&q, row->tenant_id);
    lg_q_str(&q, row->actor);
    lg_q_str(&q, row->action);
    lg_q_str(&q, row->target);
    lg_q_str(&q, row->detail);
    lg_q_str(&q, row->request_id);
    lg_q_blob(&q, hash->b, sizeof(hash->b));
    return lg_q_run(&q);
}

int lg_sqlite_audit_append(struct lg_admin_store *st, const struct lg_audit_row *rows, size_t n)
{
    struct lg_sqlite_alerts *as = lg_admin_of(st);
    struct lg_link link = {{0}};
    struct lg_conn *c;
    uint64_t seq = 0;
    int rc;

    if (!lg_audit_rows_valid(rows, n))
        return LG_EINVAL;
    rc = lg_sdb_begin(&as->db, &c);
    if (rc < 0)
        return rc;
    rc = head(c, &seq, &link);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        struct lg_audit_row row = rows[i];

        row.seq = seq + 1;
        link = lg_audit_link(seq == 0 ? NULL : &link, &row);
        rc = append_one(c, &row, &link);
        seq++;
    }
    return lg_sdb_end(&as->db, rc);
}

static int read_row(struct lg_q *q, struct lg_arena *a, struct lg_audit_row *r)
{
    struct lg_str *const texts[] = {
            &r->tenant_id, &r->actor, &r->action, &r->target, &r->detail, &r->request_id};
    int rc = lg_q_col_fixed(q, 8, r->hash, sizeof(r->hash));

    r->seq = (uint64_t)lg_q_col_i64(q, 0);
    r->at = lg_q_col_i64(q, 1);
    for (int i = 0; rc >= 0 && i < 6; i++)
        rc = lg_q_col_dup(q, 2 + i, a, texts[i]);
    return rc;
}

/* Tenants are names here: platform rows have none, and rows outlive a tenant's other traces. */
static bool row_visible(
        const struct lg_scope *sc, const struct lg_audit_query *aq, struct lg_str tenant)
{
    if (aq->tenant.n > 0 && !lg_str_eq(aq->tenant, tenant))
        return false;
    return tenant.n == 0 ? lg_scope_is_all(sc) : lg_scope_allows(sc, tenant);
}

static bool row_matches(const struct lg_audit_query *aq, struct lg_q *q)
{
    lg_time at = lg_q_col_i64(q, 1);

    return (aq->from == 0 || at >= aq->from) && (aq->to == 0 || at < aq->to) &&
            (aq->actor.n == 0 || lg_str_eq(aq->actor, lg_q_col_str(q, 3))) &&
            (aq->action.n == 0 || lg_str_starts(lg_q_col_str(q, 4), aq->action)) &&
            (aq->target.n == 0 || lg_str_eq(aq->target, lg_q_col_str(q, 5)));
}

int lg_sqlite_audit_list(struct lg_admin_store *st, const struct lg_scope *sc,
        const struct lg_audit_query *aq, struct lg_arena *a, struct lg_audit_row **ret,
        uint32_t *ret_n)
{
    struct lg_audit_row *rows = NULL;
    uint32_t n = 0, cap = 0;
    struct lg_view v;
    struct lg_q q;
    int rc;

    if (aq->limit < 1 || aq->limit > 1000)
        return LG_EINVAL;
    *ret = NULL;
    *ret_n = 0;
    if (sc == NULL || lg_scope_is_empty(sc))
        return 0;
    rc = lg_view_open_internal(&v, &lg_admin_of(st)->db);
    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c,
            aq->tenant.n > 0 ? "SELECT * FROM audit INDEXED BY audit_tenant WHERE tenant=?2 AND"
                               " seq<?1 ORDER BY seq DESC"
                             : "SELECT * FROM audit WHERE seq<?1 ORDER BY seq DESC");
    lg_q_i64(&q, aq->before == 0 || aq->before > INT64_MAX ? INT64_MAX : (int64_t)aq->before);
    if (aq->tenant.n > 0)
        lg_q_str(&q, aq->tenant);
    rc = 0;
    while (n < aq->limit && (rc = lg_q_step(&q)) > 0) {
        if (!row_visible(sc, aq, lg_q_col_str(&q, 2)) || !row_matches(aq, &q))
            continue;
        rc = lg_arena_array(a, (void **)&rows, n, &cap, sizeof(*rows));
        if (rc >= 0)
            rc = read_row(&q, a, &rows[n]);
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

int lg_sqlite_audit_verify(struct lg_admin_store *st, struct lg_audit_check *ret)
{
    struct lg_audit_check out = {0};
    struct lg_link link = {{0}};
    struct lg_arena a;
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open_internal(&v, &lg_admin_of(st)->db);

    if (rc < 0)
        return rc;
    lg_arena_init(&a, 1u << 20);
    lg_q_open(&q, v.c, "SELECT * FROM audit ORDER BY seq");
    while ((rc = lg_q_step(&q)) > 0) {
        struct lg_audit_row r;
        bool sound;

        lg_arena_clear(&a);
        rc = read_row(&q, &a, &r);
        if (rc == LG_ENOMEM)
            break;
        if (rc >= 0)
            link = lg_audit_link(out.rows == 0 ? NULL : &link, &r);
        sound = rc >= 0 && r.seq == out.rows + 1 && memcmp(link.b, r.hash, sizeof(r.hash)) == 0;
        if (!sound && out.first_bad == 0)
            out.first_bad = out.rows + 1;
        rc = 0;
        out.rows++;
        out.head_seq = r.seq;
        memcpy(out.head, r.hash, sizeof(out.head));
        if (out.first_bad != 0)
            break;
    }
    lg_q_done(&q);
    lg_arena_done(&a);
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = out;
    return 0;
}
