#include <string.h>

#include "store/alert_common.h"
#include "store/sqlite_alert_int.h"

/* Feedback and suppressions. */

static int alert_has_inference(
        struct lg_conn *c, const struct lg_uuid *alert, const struct lg_uuid *inference)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c,
            "SELECT 1 FROM alert_inferences i JOIN alerts a ON a.id=i.alert"
            " WHERE i.inference=?1 AND a.alert_id=?2");
    lg_q_uuid(&q, inference);
    lg_q_uuid(&q, alert);
    rc = lg_q_step(&q);
    lg_q_done(&q);
    return rc;
}

static int feedback_insert(struct lg_conn *c, int64_t tenant, const struct lg_feedback *f)
{
    struct lg_q q;

    lg_q_open(&q, c,
            "INSERT INTO feedback(feedback_id, tenant, alert_id, inference_id, is_true_positive,"
            " note, author, created_at) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)");
    lg_q_uuid(&q, &f->feedback_id);
    lg_q_i64(&q, tenant);
    lg_q_uuid(&q, &f->alert_id);
    lg_q_uuid(&q, &f->inference_id);
    lg_q_i64(&q, f->is_true_positive);
    lg_q_str(&q, f->note);
    lg_q_str(&q, f->author);
    lg_q_i64(&q, f->created_at);
    return lg_q_run(&q);
}

static int feedback_locked(struct lg_sqlite_alerts *as, struct lg_conn *c,
        const struct lg_scope *sc, struct lg_feedback *f, struct lg_arena *a)
{
    static const struct lg_uuid none = {{0}};
    struct lg_alert al;
    struct lg_view v;
    int64_t key = 0, tenant = 0;
    int rc = lg_view_of_writer(&v, &as->db, c, sc, LG_STR(""));

    if (rc >= 0)
        rc = lg_alert_row_get(&v, &f->alert_id, a, &al, &key);
    lg_view_of_writer_done(&v);
    if (rc < 0)
        return rc;
    if (memcmp(f->inference_id.b, none.b, LG_UUID_BYTES) == 0) {
        f->inference_id = al.last_inference_id;
    } else {
        rc = alert_has_inference(c, &f->alert_id, &f->inference_id);
        if (rc <= 0)
            return rc < 0 ? rc : LG_EINVAL;
    }
    f->tenant_id = al.tenant_id;
    f->feedback_id = lg_feedback_id(f);
    rc = lg_tenant_ref(c, al.tenant_id, &tenant);
    return rc < 0 ? rc : feedback_insert(c, tenant, f);
}

int lg_sqlite_feedback_add(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_feedback *f, struct lg_arena *a)
{
    struct lg_sqlite_alerts *as = lg_alerts_of(st);
    struct lg_conn *c;
    int rc;

    if (f->author.n == 0 || f->author.n > LG_ALERT_NAME_MAX || f->note.n > LG_ALERT_NOTES_MAX)
        return LG_EINVAL;
    rc = lg_sdb_begin(&as->db, &c);
    if (rc < 0)
        return rc;
    return lg_sdb_end(&as->db, feedback_locked(as, c, sc, f, a));
}

static int feedback_row(struct lg_q *q, struct lg_arena *a, struct lg_feedback *f)
{
    int rc;

    if ((rc = lg_q_col_fixed(q, 1, f->feedback_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_q_col_dup(q, 2, a, &f->tenant_id)) < 0 ||
            (rc = lg_q_col_fixed(q, 3, f->alert_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_q_col_fixed(q, 4, f->inference_id.b, LG_UUID_BYTES)) < 0)
        return rc;
    f->is_true_positive = lg_q_col_i64(q, 5) != 0;
    f->created_at = lg_q_col_i64(q, 8);
    if ((rc = lg_q_col_dup(q, 6, a, &f->note)) < 0)
        return rc;
    return lg_q_col_dup(q, 7, a, &f->author);
}

/* Several tenants: each has its own order by seq, merged by taking the smallest rows of each. */
static int feedback_tenant(struct lg_view *v, int64_t tenant, const struct lg_feedback_query *fq,
        struct lg_arena *a, struct lg_feedback **rows, uint64_t **seqs, uint32_t *n, uint32_t *cap,
        uint32_t *seq_cap)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c,
            fq->has_alert ? "SELECT f.seq, f.feedback_id, t.tenant, f.alert_id, f.inference_id,"
                            " f.is_true_positive, f.note, f.author, f.created_at FROM feedback f"
                            " INDEXED BY feedback_alert JOIN tenant_refs t ON t.ref=f.tenant WHERE"
                            " f.tenant=?1 AND f.alert_id=?4 AND f.seq>?2 ORDER BY f.seq LIMIT ?3"
                          : "SELECT f.seq, f.feedback_id, t.tenant, f.alert_id, f.inference_id,"
                            " f.is_true_positive, f.note, f.author, f.created_at FROM feedback f"
                            " INDEXED BY feedback_tenant JOIN tenant_refs t ON t.ref=f.tenant WHERE"
                            " f.tenant=?1 AND f.seq>?2 ORDER BY f.seq LIMIT ?3");
    lg_q_i64(&q, tenant);
    lg_q_i64(&q, fq->after > INT64_MAX ? INT64_MAX : (int64_t)fq->after);
    lg_q_i64(&q, fq->limit);
    if (fq->has_alert)
        lg_q_uuid(&q, &fq->alert_id);
    while ((rc = lg_q_step(&q)) > 0) {
        rc = lg_arena_array(a, (void **)rows, *n, cap, sizeof(**rows));
        if (rc >= 0)
            rc = lg_arena_array(a, (void **)seqs, *n, seq_cap, sizeof(**seqs));
        if (rc >= 0)
            rc = feedback_row(&q, a, &(*rows)[*n]);
        if (rc < 0)
            break;
        (*seqs)[*n] = (uint64_t)lg_q_col_i64(&q, 0);
        (*n)++;
    }
    lg_q_done(&q);
    return rc;
}

static void sort_by_seq(struct lg_feedback *rows, uint64_t *seqs, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) { /* runs in order already: few moves */
        struct lg_feedback f = rows[i];
        uint64_t s = seqs[i];
        uint32_t k = i;

        for (; k > 0 && seqs[k - 1] > s; k--) {
            rows[k] = rows[k - 1];
            seqs[k] = seqs[k - 1];
        }
        rows[k] = f;
        seqs[k] = s;
    }
}

int lg_sqlite_feedback_list(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_feedback_query *q, struct lg_arena *a, struct lg_feedback **ret,
        uint32_t *ret_n, uint64_t *ret_last)
{
    struct lg_feedback *rows = NULL;
    uint64_t *seqs = NULL;
    uint32_t n = 0, cap = 0, seq_cap = 0;
    struct lg_view v;
    int rc;

    if (q->limit < 1 || q->limit > 1000)
        return LG_EINVAL;
    rc = lg_view_open(&v, &lg_alerts_of(st)->db, sc, q->tenant);
    for (uint32_t i = 0; rc >= 0 && i < v.n_tenants; i++)
        rc = feedback_tenant(&v, v.tenants[i], q, a, &rows, &seqs, &n, &cap, &seq_cap);
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    sort_by_seq(rows, seqs, n);
    *ret = rows;
    *ret_n = n > q->limit ? q->limit : n;
    *ret_last = *ret_n > 0 ? seqs[*ret_n - 1] : q->after;
    return 0;
}

#define SUPPRESSION_COLUMNS                                                                        \
    "s.suppression_id, t.tenant, s.endpoint, s.process, s.hash, s.technique, s.owner, s.reason,"   \
    " s.created_at, s.expires_at, s.permanent, s.revoked_at,"                                      \
    " (SELECT count(*) FROM suppression_hits h WHERE h.suppression=s.seq)"

static int suppression_row(struct lg_q *q, struct lg_arena *a, void *row)
{
    struct lg_suppression *s = row;
    struct lg_str *const texts[] = {&s->tenant_id, &s->endpoint_id, &s->process, &s->hash,
            &s->technique, &s->owner, &s->reason};
    int rc = lg_q_col_fixed(q, 0, s->suppression_id.b, LG_UUID_BYTES);

    for (int i = 0; rc >= 0 && i < 7; i++)
        rc = lg_q_col_dup(q, 1 + i, a, texts[i]);
    s->created_at = lg_q_col_i64(q, 8);
    s->expires_at = lg_q_col_i64(q, 9);
    s->permanent = lg_q_col_i64(q, 10) != 0;
    s->revoked = lg_q_col_i64(q, 11) != 0;
    s->hits = (uint64_t)lg_q_col_i64(q, 12);
    return rc;
}

int lg_suppressions_active(struct lg_conn *c, int64_t tenant, lg_time now, struct lg_arena *a,
        struct lg_suppression **ret, uint32_t *ret_n)
{
    struct lg_rows rows = {.size = sizeof(**ret), .read = suppression_row};
    struct lg_q q;
    int rc;

    lg_q_open(&q, c,
            "SELECT s.suppression_id, t.tenant, s.endpoint, s.process, s.hash, s.technique,"
            " s.owner, s.reason, s.created_at, s.expires_at, s.permanent, s.revoked_at, 0"
            " FROM suppressions s JOIN tenant_refs t ON t.ref=s.tenant WHERE s.tenant=?1"
            " AND s.revoked_at=0 AND (s.permanent OR s.expires_at>?2) ORDER BY s.seq");
    lg_q_i64(&q, tenant);
    lg_q_i64(&q, now);
    rc = lg_rows_read(&q, a, &rows);
    *ret = rows.v;
    *ret_n = rows.n;
    return rc;
}

int lg_sqlite_suppression_add(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_suppression *s, struct lg_err *reterr)
{
    struct lg_sqlite_alerts *as = lg_alerts_of(st);
    int64_t tenant = 0;
    struct lg_conn *c;
    struct lg_q q;
    int rc = lg_suppression_check(s, s->created_at, reterr);

    if (rc < 0)
        return rc;
    if (sc == NULL || !lg_scope_allows(sc, s->tenant_id))
        return lg_err_set(reterr, LG_EREFUSED, "tenant_id: not yours");
    s->suppression_id = lg_suppression_id(s);
    rc = lg_sdb_begin(&as->db, &c);
    if (rc < 0)
        return lg_err_set(reterr, rc, "%s", lg_err_name(rc));
    rc = lg_tenant_ref(c, s->tenant_id, &tenant);
    if (rc >= 0) {
        lg_q_open(&q, c,
                "INSERT INTO suppressions(suppression_id, tenant, endpoint, process, hash,"
                " technique, owner, reason, created_at, expires_at, permanent, revoked_at)"
                " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,0)");
        lg_q_uuid(&q, &s->suppression_id);
        lg_q_i64(&q, tenant);
        lg_q_str(&q, s->endpoint_id);
        lg_q_str(&q, s->process);
        lg_q_str(&q, s->hash);
        lg_q_str(&q, s->technique);
        lg_q_str(&q, s->owner);
        lg_q_str(&q, s->reason);
        lg_q_i64(&q, s->created_at);
        lg_q_i64(&q, s->expires_at);
        lg_q_i64(&q, s->permanent);
        rc = lg_q_run(&q);
    }
    rc = lg_sdb_end(&as->db, rc);
    return rc < 0 ? lg_err_set(reterr, rc, "%s", lg_err_name(rc)) : 0;
}

int lg_sqlite_suppression_list(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_str tenant, struct lg_arena *a, struct lg_suppression **ret, uint32_t *ret_n)
{
    struct lg_rows rows = {.size = sizeof(**ret), .read = suppression_row};
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open(&v, &lg_alerts_of(st)->db, sc, tenant);

    if (rc < 0)
        return rc;
    for (uint32_t i = 0; rc >= 0 && i < v.n_tenants; i++) {
        lg_q_open(&q, v.c,
                "SELECT " SUPPRESSION_COLUMNS " FROM suppressions s"
                " JOIN tenant_refs t ON t.ref=s.tenant WHERE s.tenant=?1"
                " ORDER BY s.seq DESC LIMIT 1000");
        lg_q_i64(&q, v.tenants[i]);
        rc = lg_rows_read(&q, a, &rows);
    }
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

/* Row number of a rule that the view sees; LG_ENOENT. */
static int rule_seq(struct lg_view *v, const struct lg_uuid *id, int64_t *ret)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c, "SELECT seq, tenant FROM suppressions WHERE suppression_id=?1");
    lg_q_uuid(&q, id);
    rc = lg_q_step(&q);
    if (rc > 0 && !lg_view_sees(v, lg_q_col_i64(&q, 1)))
        rc = 0;
    if (rc > 0)
        *ret = lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    return rc < 0 ? rc : rc == 0 ? LG_ENOENT : 0;
}

int lg_sqlite_suppression_revoke(
        struct lg_alert_store *st, const struct lg_scope *sc, const struct lg_uuid *id, lg_time now)
{
    struct lg_sqlite_alerts *as = lg_alerts_of(st);
    struct lg_conn *c;
    struct lg_view v;
    struct lg_q q;
    int64_t seq = 0;
    int rc = lg_sdb_begin(&as->db, &c);

    if (rc < 0)
        return rc;
    rc = lg_view_of_writer(&v, &as->db, c, sc, LG_STR(""));
    if (rc >= 0)
        rc = rule_seq(&v, id, &seq);
    lg_view_of_writer_done(&v);
    if (rc >= 0) {
        lg_q_open(&q, c, "UPDATE suppressions SET revoked_at=?2 WHERE seq=?1 AND revoked_at=0");
        lg_q_i64(&q, seq);
        lg_q_i64(&q, now);
        rc = lg_q_run(&q);
    }
    return lg_sdb_end(&as->db, rc);
}

static int hit_row(struct lg_q *q, struct lg_arena *a, void *row)
{
    struct lg_suppression_hit *h = row;
    int rc;

    h->attack_prob = lg_q_col_f64(q, 3);
    h->window_end = lg_q_col_i64(q, 4);
    h->at = lg_q_col_i64(q, 5);
    if ((rc = lg_q_col_fixed(q, 0, h->inference_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_q_col_dup(q, 1, a, &h->endpoint_id)) < 0)
        return rc;
    return lg_q_col_dup(q, 2, a, &h->title);
}

int lg_sqlite_suppression_hits(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_suppression_hit **ret,
        uint32_t *ret_n)
{
    struct lg_rows rows = {.size = sizeof(**ret), .read = hit_row};
    int64_t seq = 0;
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open(&v, &lg_alerts_of(st)->db, sc, LG_STR(""));

    if (rc < 0)
        return rc;
    rc = rule_seq(&v, id, &seq);
    if (rc >= 0) {
        lg_q_open(&q, v.c,
                "SELECT inference, endpoint, title, attack_prob, window_end, at"
                " FROM suppression_hits WHERE suppression=?1 ORDER BY seq DESC LIMIT ?2");
        lg_q_i64(&q, seq);
        lg_q_i64(&q, max);
        rc = lg_rows_read(&q, a, &rows);
    }
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < rows.n; i++)
        ((struct lg_suppression_hit *)rows.v)[i].suppression_id = *id;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

/* The narrow columns that a rule looks at; the whole row only for what is shown. */
static int preview_tenant(struct lg_view *v, int64_t tenant, const struct lg_suppression *s,
        lg_time from, uint32_t max, struct lg_arena *a, struct lg_alert *rows, uint32_t *n,
        uint64_t *total)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c,
            "SELECT a.alert_id, e.endpoint, a.process, a.process_hash, a.techniques"
            " FROM alerts a INDEXED BY alerts_last_seen JOIN endpoints e ON e.ref=a.endpoint"
            " WHERE a.tenant=?1 AND a.last_seen>=?2 ORDER BY a.last_seen DESC");
    lg_q_i64(&q, tenant);
    lg_q_i64(&q, from);
    while ((rc = lg_q_step(&q)) > 0) {
        struct lg_alert al = {.tenant_id = s->tenant_id,
                .endpoint_id = lg_q_col_str(&q, 1),
                .process = lg_q_col_str(&q, 2),
                .process_hash = lg_q_col_str(&q, 3),
                .techniques = lg_q_col_str(&q, 4)};
        int64_t key;

        if (!lg_suppression_would_hide(s, &al))
            continue;
        (*total)++;
        if (*n == max)
            continue;
        rc = lg_q_col_fixed(&q, 0, al.alert_id.b, LG_UUID_BYTES);
        if (rc >= 0)
            rc = lg_alert_row_get(v, &al.alert_id, a, &rows[*n], &key);
        if (rc < 0)
            break;
        (*n)++;
    }
    lg_q_done(&q);
    return rc;
}

int lg_sqlite_suppression_preview(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_suppression *s, lg_time from, uint32_t max, struct lg_arena *a,
        struct lg_alert **ret, uint32_t *ret_n, uint64_t *ret_total)
{
    struct lg_alert *rows;
    struct lg_view v;
    uint64_t total = 0;
    uint32_t n = 0;
    int rc;

    if (max > LG_STORE_PREVIEW_MAX || s->tenant_id.n == 0)
        return LG_EINVAL;
    rows = (struct lg_alert *)lg_arena_alloc(a, (max + 1u) * sizeof(*rows));
    if (rows == NULL)
        return LG_ENOMEM;
    rc = lg_view_open(&v, &lg_alerts_of(st)->db, sc, s->tenant_id);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; rc >= 0 && i < v.n_tenants; i++)
        rc = preview_tenant(&v, v.tenants[i], s, from, max, a, rows, &n, &total);
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = rows;
    *ret_n = n;
    *ret_total = total;
    return 0;
}
