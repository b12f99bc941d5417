#include <string.h>

#include "postgres/int.h"

/*
 * The audit log: the chain of store/alert_common.h over the same bytes as SQLite's, so that one may
 * be compared with the other. Appending holds one lock; a row's place is its number in the chain.
 */
#define COLUMNS "seq, at, tenant, actor, action, target, detail, request_id, hash FROM audit"
#define CHUNK 2000

static int head(struct lg_pg_tx *tx, uint64_t *ret_seq, struct lg_link *ret)
{
    struct lg_pg_q q;
    int rc;

    lg_pg_q_open(&q, tx, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
    rc = lg_pg_q_step(&q);
    if (rc > 0) {
        *ret_seq = (uint64_t)lg_pg_q_col_i64(&q, 0);
        rc = lg_pg_q_col_fixed(&q, 1, ret->b, sizeof(ret->b));
    }
    lg_pg_q_done(&q);
    return rc;
}

static int append_one(struct lg_pg_tx *tx, const struct lg_audit_row *row, const struct lg_link *h)
{
    struct lg_pg_q q;

    lg_pg_q_open(&q, tx, "INSERT INTO audit VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9)");
    lg_pg_q_i64(&q, (int64_t)row->seq);
    lg_pg_q_i64(&q, row->at);
    lg_pg_q_str(&q, row->tenant_id);
    lg_pg_q_str(&q, row->actor);
    lg_pg_q_str(&q, row->action);
    lg_pg_q_str(&q, row->target);
    lg_pg_q_str(&q, row->detail);
    lg_pg_q_str(&q, row->request_id);
    lg_pg_q_blob(&q, h->b, sizeof(h->b));
    return lg_pg_q_run(&q) < 0 ? q.rc : 0;
}

/* ---- an append whose commit was not answered, and then the same rows again ---- */

static struct lg_link digest_of(const struct lg_audit_row *rows, size_t n)
{
    struct lg_link link = {{0}};

    for (size_t i = 0; i < n; i++)
        link = lg_audit_link(&link, &rows[i]);
    return link;
}

static int in_doubt(struct lg_pg_store *ps, struct lg_pg_tx *tx, const struct lg_link *rows)
{
    uint8_t hash[32];
    struct lg_pg_q q;
    bool same;
    int rc;

    (void)pthread_mutex_lock(&ps->doubt_lock);
    same = ps->doubt && memcmp(ps->doubt_rows, rows->b, sizeof(hash)) == 0;
    memcpy(hash, ps->doubt_hash, sizeof(hash));
    (void)pthread_mutex_unlock(&ps->doubt_lock);
    if (!same)
        return 0;
    lg_pg_q_open(&q, tx, "SELECT 1 FROM audit WHERE hash=$1");
    lg_pg_q_blob(&q, hash, sizeof(hash));
    rc = lg_pg_q_step(&q);
    lg_pg_q_done(&q);
    return rc;
}

static void note_doubt(
        struct lg_pg_store *ps, bool doubt, const struct lg_link *rows, const struct lg_link *hash)
{
    (void)pthread_mutex_lock(&ps->doubt_lock);
    if (doubt || (ps->doubt && memcmp(ps->doubt_rows, rows->b, sizeof(rows->b)) == 0)) {
        ps->doubt = doubt;
        memcpy(ps->doubt_rows, rows->b, sizeof(ps->doubt_rows));
        memcpy(ps->doubt_hash, hash->b, sizeof(ps->doubt_hash));
    }
    (void)pthread_mutex_unlock(&ps->doubt_lock);
}

int lg_pg_audit_append(struct lg_admin_store *st, const struct lg_audit_row *rows, size_t n)
{
    struct lg_pg_store *ps = lg_pg_admin_of(st);
    struct lg_link link = {{0}}, digest;
    struct lg_pg_tx tx;
    uint64_t seq = 0;
    bool ready;
    int rc;

    if (!lg_audit_rows_valid(rows, n))
        return LG_EINVAL;
    digest = digest_of(rows, n);
    rc = lg_pg_begin_all(&tx, ps->pg, true);
    if (rc < 0)
        return rc;
    rc = lg_pg_lock(&tx, LG_PG_LOCK_AUDIT);
    if (rc >= 0) {
        rc = in_doubt(ps, &tx, &digest);
        if (rc > 0) {
            note_doubt(ps, false, &digest, &link);
            return lg_pg_end(&tx, 0);
        }
    }
    if (rc >= 0)
        rc = head(&tx, &seq, &link);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        struct lg_audit_row row = rows[i];

        row.seq = seq + 1;
        link = lg_audit_link(seq == 0 ? NULL : &link, &row);
        rc = append_one(&tx, &row, &link);
        seq++;
    }
    ready = rc >= 0;
    rc = lg_pg_end(&tx, rc < 0 ? rc : 0);
    note_doubt(ps, ready && rc < 0, &digest, &link);
    return rc;
}

static int audit_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    struct lg_audit_row *r = row;
    struct lg_str *const texts[] = {
            &r->tenant_id, &r->actor, &r->action, &r->target, &r->detail, &r->request_id};
    int rc = lg_pg_q_col_fixed(q, 8, r->hash, sizeof(r->hash));

    r->seq = (uint64_t)lg_pg_q_col_i64(q, 0);
    r->at = lg_pg_q_col_i64(q, 1);
    for (int i = 0; rc >= 0 && i < 6; i++)
        rc = lg_pg_q_col_dup(q, 2 + i, a, texts[i]);
    return rc;
}

/* Rows outlive a tenant's other traces: the tenants are those of the scope, not those with content;
 * rows of the platform have none and are seen by who sees all. */
int lg_pg_audit_list(struct lg_admin_store *st, const struct lg_scope *sc,
        const struct lg_audit_query *aq, struct lg_arena *a, struct lg_audit_row **ret,
        uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = audit_row};
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc;

    if (aq->limit < 1 || aq->limit > 1000)
        return LG_EINVAL;
    *ret = NULL;
    *ret_n = 0;
    rc = lg_pg_begin(&tx, lg_pg_admin_of(st)->pg, false, sc, aq->tenant);
    if (rc <= 0)
        return rc;
    lg_pg_q_open_scoped(&q, &tx,
            "SELECT " COLUMNS " WHERE ($1='*' OR tenant=ANY(string_to_array($1,','))) AND seq<$2"
            " AND ($3=0 OR at>=$3) AND ($4=0 OR at<$4) AND ($5='' OR actor=$5) AND ($6='' OR"
            " starts_with(action, $6)) AND ($7='' OR target=$7) ORDER BY seq DESC LIMIT $8");
    lg_pg_q_i64(&q, aq->before == 0 || aq->before > INT64_MAX ? INT64_MAX : (int64_t)aq->before);
    lg_pg_q_i64(&q, aq->from);
    lg_pg_q_i64(&q, aq->to);
    lg_pg_q_str(&q, aq->actor);
    lg_pg_q_str(&q, aq->action);
    lg_pg_q_str(&q, aq->target);
    lg_pg_q_i64(&q, aq->limit);
    rc = lg_pg_end(&tx, lg_pg_rows_read(&q, a, &rows));
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

struct verifying {
    struct lg_audit_check out;
    struct lg_link link;
    uint64_t last; /* seq of the last row read */
    struct lg_arena a;
};

/* 1: sound so far, there may be more; 0: at the end, or at a bad row. */
static int verify_chunk(struct verifying *v, struct lg_pg_tx *tx)
{
    struct lg_pg_q q;
    uint32_t n = 0;
    int rc = 0;

    lg_pg_q_open(&q, tx, "SELECT " COLUMNS " WHERE seq>$1 ORDER BY seq LIMIT $2");
    lg_pg_q_i64(&q, (int64_t)v->last);
    lg_pg_q_i64(&q, CHUNK);
    while (v->out.first_bad == 0 && (rc = lg_pg_q_step(&q)) > 0) {
        struct lg_audit_row r = {0};

        lg_arena_clear(&v->a);
        rc = audit_row(&q, &v->a, &r);
        if (rc == LG_ENOMEM)
            break;
        if (rc >= 0)
            v->link = lg_audit_link(v->out.rows == 0 ? NULL : &v->link, &r);
        if (rc < 0 || r.seq != v->out.rows + 1 || memcmp(v->link.b, r.hash, sizeof(r.hash)) != 0)
            v->out.first_bad = v->out.rows + 1;
        rc = 0;
        n++;
        v->out.rows++;
        v->last = v->out.head_seq = r.seq;
        memcpy(v->out.head, r.hash, sizeof(r.hash));
    }
    lg_pg_q_done(&q);
    return rc < 0 ? rc : n == CHUNK && v->out.first_bad == 0;
}

int lg_pg_audit_verify_tx(struct lg_pg_tx *tx, struct lg_audit_check *ret)
{
    struct verifying v = {.last = 0};
    int rc;

    lg_arena_init(&v.a, 1u << 20);
    do
        rc = verify_chunk(&v, tx);
    while (rc > 0);
    lg_arena_done(&v.a);
    if (rc >= 0)
        *ret = v.out;
    return rc;
}

int lg_pg_audit_verify(struct lg_admin_store *st, struct lg_audit_check *ret)
{
    struct lg_pg_tx tx;
    int rc = lg_pg_begin_all(&tx, lg_pg_admin_of(st)->pg, false);

    return rc < 0 ? rc : lg_pg_end(&tx, lg_pg_audit_verify_tx(&tx, ret));
}
