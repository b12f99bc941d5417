#include <string.h>

#include "postgres/int.h"

/* Feedback and its sums, suppressions. */

/* ---- feedback ---- */

static int alert_has_inference(
        struct lg_pg_tx *tx, const struct lg_uuid *alert, const struct lg_uuid *inference)
{
    struct lg_pg_q q;
    int rc;

    lg_pg_q_open(&q, tx,
            "SELECT 1 FROM alert_inferences i JOIN alerts a ON a.id=i.alert"
            " WHERE i.inference=$1 AND a.alert_id=$2");
    lg_pg_q_uuid(&q, inference);
    lg_pg_q_uuid(&q, alert);
    rc = lg_pg_q_step(&q);
    lg_pg_q_done(&q);
    return rc;
}

static int feedback_insert(struct lg_pg_tx *tx, const struct lg_feedback *f)
{
    struct lg_pg_q q;
    int rc = lg_pg_lock(tx, LG_PG_LOCK_FEEDBACK); /* who reads by seq misses none */

    if (rc < 0)
        return rc;
    lg_pg_q_open(&q, tx,
            "INSERT INTO feedback(feedback_id, tenant, alert_id, inference_id, is_true_positive,"
            " note, author, created_at) VALUES($1,$2,$3,$4,$5,$6,$7,$8)");
    lg_pg_q_uuid(&q, &f->feedback_id);
    lg_pg_q_str(&q, f->tenant_id);
    lg_pg_q_uuid(&q, &f->alert_id);
    lg_pg_q_uuid(&q, &f->inference_id);
    lg_pg_q_bool(&q, f->is_true_positive);
    lg_pg_q_str(&q, f->note);
    lg_pg_q_str(&q, f->author);
    lg_pg_q_i64(&q, f->created_at);
    return lg_pg_q_run(&q) < 0 ? q.rc : 0;
}

static int feedback_tx(struct lg_pg_tx *tx, struct lg_feedback *f, struct lg_arena *a)
{
    static const struct lg_uuid none = {{0}};
    struct lg_alert al;
    int rc = lg_pg_alert_row_get(tx, &f->alert_id, false, a, &al);

    if (rc < 0)
        return rc;
    if (memcmp(f->inference_id.b, none.b, LG_UUID_BYTES) == 0) {
        f->inference_id = al.last_inference_id;
    } else {
        rc = alert_has_inference(tx, &f->alert_id, &f->inference_id);
        if (rc <= 0)
            return rc < 0 ? rc : LG_EINVAL;
    }
    f->tenant_id = al.tenant_id;
    f->feedback_id = lg_feedback_id(f);
    return feedback_insert(tx, f);
}

int lg_pg_feedback_add(struct lg_alert_store *st, const struct lg_scope *sc, struct lg_feedback *f,
        struct lg_arena *a)
{
    struct lg_pg_tx tx;
    int rc;

    if (f->author.n == 0 || f->author.n > LG_ALERT_NAME_MAX || f->note.n > LG_ALERT_NOTES_MAX)
        return LG_EINVAL;
    rc = lg_pg_begin(&tx, lg_pg_of(st)->pg, true, sc, LG_STR(""));
    if (rc <= 0)
        return rc < 0 ? rc : LG_ENOENT;
    return lg_pg_end(&tx, feedback_tx(&tx, f, a));
}

struct feedback_at {
    struct lg_feedback f;
    uint64_t seq;
};

static int feedback_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    struct feedback_at *at = row;
    struct lg_feedback *f = &at->f;
    int rc;

    at->seq = (uint64_t)lg_pg_q_col_i64(q, 0);
    if ((rc = lg_pg_q_col_fixed(q, 1, f->feedback_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 2, a, &f->tenant_id)) < 0 ||
            (rc = lg_pg_q_col_fixed(q, 3, f->alert_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_pg_q_col_fixed(q, 4, f->inference_id.b, LG_UUID_BYTES)) < 0)
        return rc;
    f->is_true_positive = lg_pg_q_col_i64(q, 5) != 0;
    f->created_at = lg_pg_q_col_i64(q, 8);
    if ((rc = lg_pg_q_col_dup(q, 6, a, &f->note)) < 0)
        return rc;
    return lg_pg_q_col_dup(q, 7, a, &f->author);
}

#define FEEDBACK_COLUMNS                                                                           \
    "f.seq, f.feedback_id, f.tenant, f.alert_id, f.inference_id, f.is_true_positive, f.note,"      \
    " f.author, f.created_at"

static int feedback_read(struct lg_pg_tx *tx, const struct lg_feedback_query *fq,
        struct lg_arena *a, struct lg_pg_rows *rows)
{
    struct lg_pg_q q;

    lg_pg_q_open_scoped(&q, tx,
            fq->has_alert ? "SELECT " FEEDBACK_COLUMNS " FROM feedback f WHERE f.tenant"
                            " IN " LG_PG_SEEN " AND f.alert_id=$4 AND f.seq>$2 ORDER BY f.seq"
                            " LIMIT $3"
                          : "SELECT x.* FROM " LG_PG_SEEN " t CROSS JOIN LATERAL (SELECT"
                            " " FEEDBACK_COLUMNS " FROM feedback f WHERE f.tenant=t.tenant AND"
                            " f.seq>$2 ORDER BY f.seq LIMIT $3) x ORDER BY x.seq LIMIT $3");
    lg_pg_q_i64(&q, fq->after > INT64_MAX ? INT64_MAX : (int64_t)fq->after);
    lg_pg_q_i64(&q, fq->limit);
    if (fq->has_alert)
        lg_pg_q_uuid(&q, &fq->alert_id);
    return lg_pg_rows_read(&q, a, rows);
}

int lg_pg_feedback_list(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_feedback_query *q, struct lg_arena *a, struct lg_feedback **ret,
        uint32_t *ret_n, uint64_t *ret_last)
{
    struct lg_pg_rows rows = {.size = sizeof(struct feedback_at), .read = feedback_row};
    struct lg_feedback *list = NULL;
    struct feedback_at *at;
    struct lg_pg_tx tx;
    int rc;

    if (q->limit < 1 || q->limit > 1000)
        return LG_EINVAL;
    rc = lg_pg_begin(&tx, lg_pg_of(st)->pg, false, sc, q->tenant);
    if (rc > 0)
        rc = lg_pg_end(&tx, feedback_read(&tx, q, a, &rows));
    at = rows.v;
    if (rc >= 0 && rows.n > 0) {
        list = (struct lg_feedback *)lg_arena_alloc(a, rows.n * sizeof(*list));
        if (list == NULL)
            rc = LG_ENOMEM;
    }
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < rows.n; i++)
        list[i] = at[i].f;
    *ret = list;
    *ret_n = rows.n;
    *ret_last = rows.n > 0 ? at[rows.n - 1].seq : q->after;
    return 0;
}

/* The last word on each alert, with what the alert is. */
int lg_pg_quality(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_quality_query *q, struct lg_arena *a, struct lg_quality *ret)
{
    struct lg_quality_sum sum;
    struct lg_pg_tx tx;
    struct lg_pg_q pq;
    int rc = lg_quality_open(&sum, q, a, ret);

    if (rc < 0)
        return lg_quality_close(&sum, rc);
    rc = lg_pg_begin(&tx, lg_pg_of(st)->pg, false, sc, q->tenant);
    if (rc > 0) {
        lg_pg_q_open_scoped(&pq, &tx,
                "SELECT f.is_true_positive, f.created_at, f.n, a.severity, a.techniques FROM"
                " (SELECT DISTINCT ON (tenant, alert_id) tenant, alert_id, is_true_positive,"
                " created_at, count(*) OVER (PARTITION BY tenant, alert_id) n FROM feedback WHERE"
                " tenant IN " LG_PG_SEEN " AND created_at>=$2 AND created_at<$3"
                " ORDER BY tenant, alert_id, seq DESC) f LEFT JOIN alerts a ON"
                " a.alert_id=f.alert_id AND a.tenant=f.tenant");
        lg_pg_q_i64(&pq, q->from);
        lg_pg_q_i64(&pq, q->to);
        while ((rc = lg_pg_q_step(&pq)) > 0) {
            ret->feedback += (uint64_t)lg_pg_q_col_i64(&pq, 2);
            rc = lg_quality_add(&sum, lg_pg_q_col_i64(&pq, 0) != 0, lg_pg_q_col_i64(&pq, 1),
                    lg_pg_q_col_null(&pq, 3) ? -1 : lg_pg_q_col_i64(&pq, 3),
                    lg_pg_q_col_raw(&pq, 4));
            if (rc < 0)
                break;
        }
        lg_pg_q_done(&pq);
        rc = lg_pg_end(&tx, rc);
    }
    return lg_quality_close(&sum, rc);
}

/* ---- suppressions ---- */

static int suppression_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    struct lg_suppression *s = row;
    struct lg_str *const texts[] = {&s->tenant_id, &s->endpoint_id, &s->process, &s->hash,
            &s->technique, &s->owner, &s->reason};
    int rc = lg_pg_q_col_fixed(q, 0, s->suppression_id.b, LG_UUID_BYTES);

    for (int i = 0; rc >= 0 && i < 7; i++)
        rc = lg_pg_q_col_dup(q, 1 + i, a, texts[i]);
    s->created_at = lg_pg_q_col_i64(q, 8);
    s->expires_at = lg_pg_q_col_i64(q, 9);
    s->permanent = lg_pg_q_col_i64(q, 10) != 0;
    s->revoked = lg_pg_q_col_i64(q, 11) != 0;
    s->hits = (uint64_t)lg_pg_q_col_i64(q, 12);
    return rc;
}

#define SUPPRESSION_COLUMNS                                                                        \
    "s.suppression_id, s.tenant, s.endpoint, s.process, s.hash, s.technique, s.owner, s.reason,"   \
    " s.created_at, s.expires_at, s.permanent, s.revoked_at"

int lg_pg_suppressions_active(struct lg_pg_tx *tx, struct lg_str tenant, lg_time now,
        struct lg_arena *a, struct lg_suppression **ret, uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = suppression_row};
    struct lg_pg_q q;
    int rc;

    lg_pg_q_open(&q, tx,
            "SELECT " SUPPRESSION_COLUMNS ", 0::bigint FROM suppressions s WHERE s.tenant=$1"
            " AND s.revoked_at=0 AND (s.permanent OR s.expires_at>$2) ORDER BY s.seq");
    lg_pg_q_str(&q, tenant);
    lg_pg_q_i64(&q, now);
    rc = lg_pg_rows_read(&q, a, &rows);
    *ret = rows.v;
    *ret_n = rows.n;
    return rc;
}

int lg_pg_suppression_add(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_suppression *s, struct lg_err *reterr)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = lg_suppression_check(s, s->created_at, reterr);

    if (rc < 0)
        return rc;
    if (sc == NULL || !lg_scope_allows(sc, s->tenant_id))
        return lg_err_set(reterr, LG_EREFUSED, "tenant_id: not yours");
    s->suppression_id = lg_suppression_id(s);
    rc = lg_pg_begin(&tx, lg_pg_of(st)->pg, true, sc, s->tenant_id);
    if (rc > 0) {
        rc = lg_pg_tenant_add(&tx, s->tenant_id);
        lg_pg_q_open(&q, &tx,
                "INSERT INTO suppressions(suppression_id, tenant, endpoint, process, hash,"
                " technique, owner, reason, created_at, expires_at, permanent, revoked_at)"
                " VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,0)");
        lg_pg_q_uuid(&q, &s->suppression_id);
        lg_pg_q_str(&q, s->tenant_id);
        lg_pg_q_str(&q, s->endpoint_id);
        lg_pg_q_str(&q, s->process);
        lg_pg_q_str(&q, s->hash);
        lg_pg_q_str(&q, s->technique);
        lg_pg_q_str(&q, s->owner);
        lg_pg_q_str(&q, s->reason);
        lg_pg_q_i64(&q, s->created_at);
        lg_pg_q_i64(&q, s->expires_at);
        lg_pg_q_bool(&q, s->permanent);
        if (rc >= 0)
            rc = lg_pg_q_run(&q) < 0 ? q.rc : 0;
        rc = lg_pg_end(&tx, rc);
    }
    return rc < 0 ? lg_err_set(reterr, rc, "%s", lg_err_name(rc)) : 0;
}

int lg_pg_suppression_list(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_str tenant, struct lg_arena *a, struct lg_suppression **ret, uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = suppression_row};
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = lg_pg_begin(&tx, lg_pg_of(st)->pg, false, sc, tenant);

    if (rc > 0) {
        lg_pg_q_open_scoped(&q, &tx,
                "SELECT " SUPPRESSION_COLUMNS ", (SELECT count(*) FROM suppression_hits h WHERE"
                " h.suppression=s.seq) FROM " LG_PG_SEEN " t CROSS JOIN LATERAL (SELECT y.* FROM"
                " suppressions y WHERE y.tenant=t.tenant ORDER BY y.seq DESC LIMIT 1000) s"
                " ORDER BY s.tenant, s.seq DESC");
        rc = lg_pg_end(&tx, lg_pg_rows_read(&q, a, &rows));
    }
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

/* Number of a rule that the transaction sees; LG_ENOENT. */
static int rule_seq(struct lg_pg_tx *tx, const struct lg_uuid *id, int64_t *ret)
{
    struct lg_pg_q q;
    int rc;

    lg_pg_q_open_scoped(&q, tx,
            "SELECT seq FROM suppressions WHERE suppression_id=$2 AND tenant IN " LG_PG_SEEN);
    lg_pg_q_uuid(&q, id);
    rc = lg_pg_q_step(&q);
    if (rc > 0)
        *ret = lg_pg_q_col_i64(&q, 0);
    lg_pg_q_done(&q);
    return rc < 0 ? rc : rc == 0 ? LG_ENOENT : 0;
}

int lg_pg_suppression_revoke(
        struct lg_alert_store *st, const struct lg_scope *sc, const struct lg_uuid *id, lg_time now)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int64_t seq = 0;
    int rc = lg_pg_begin(&tx, lg_pg_of(st)->pg, true, sc, LG_STR(""));

    if (rc <= 0)
        return rc < 0 ? rc : LG_ENOENT;
    rc = rule_seq(&tx, id, &seq);
    if (rc >= 0) {
        lg_pg_q_open(
                &q, &tx, "UPDATE suppressions SET revoked_at=$2 WHERE seq=$1 AND revoked_at=0");
        lg_pg_q_i64(&q, seq);
        lg_pg_q_i64(&q, now);
        rc = lg_pg_q_run(&q) < 0 ? q.rc : 0;
    }
    return lg_pg_end(&tx, rc);
}

static int hit_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    struct lg_suppression_hit *h = row;
    int rc;

    h->attack_prob = lg_pg_q_col_f64(q, 3);
    h->window_end = lg_pg_q_col_i64(q, 4);
    h->at = lg_pg_q_col_i64(q, 5);
    if ((rc = lg_pg_q_col_fixed(q, 0, h->inference_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 1, a, &h->endpoint_id)) < 0)
        return rc;
    return lg_pg_q_col_dup(q, 2, a, &h->title);
}

int lg_pg_suppression_hits(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_suppression_hit **ret,
        uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = hit_row};
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int64_t seq = 0;
    int rc = lg_pg_begin(&tx, lg_pg_of(st)->pg, false, sc, LG_STR(""));

    if (rc <= 0)
        return rc < 0 ? rc : LG_ENOENT;
    rc = rule_seq(&tx, id, &seq);
    if (rc >= 0) {
        lg_pg_q_open(&q, &tx,
                "SELECT inference, endpoint, title, attack_prob, window_end, at"
                " FROM suppression_hits WHERE suppression=$1 ORDER BY seq DESC LIMIT $2");
        lg_pg_q_i64(&q, seq);
        lg_pg_q_i64(&q, max);
        rc = lg_pg_rows_read(&q, a, &rows);
    }
    rc = lg_pg_end(&tx, rc);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < rows.n; i++)
        ((struct lg_suppression_hit *)rows.v)[i].suppression_id = *id;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

/* ---- what a rule would have hidden ---- */

#define PREVIEW_CHUNK 5000
struct preview {
    struct lg_pg_tx *tx;
    const struct lg_suppression *s;
    lg_time from, last_seen; /* where the chunk before ended */
    int64_t id;
    bool started;
    struct lg_arena chunk, *a;
    struct lg_alert *rows;
    uint32_t n, max;
    uint64_t total;
};

static int preview_one(struct preview *p, const struct lg_pg_q *q)
{
    struct lg_alert al = {.tenant_id = p->s->tenant_id};
    int rc;

    lg_arena_clear(&p->chunk);
    if ((rc = lg_pg_q_col_dup(q, 1, &p->chunk, &al.endpoint_id)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 2, &p->chunk, &al.process)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 3, &p->chunk, &al.process_hash)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 4, &p->chunk, &al.techniques)) < 0 ||
            (rc = lg_pg_q_col_fixed(q, 0, al.alert_id.b, LG_UUID_BYTES)) < 0)
        return rc;
    if (!lg_suppression_would_hide(p->s, &al))
        return 0;
    p->total++;
    if (p->n == p->max)
        return 0;
    rc = lg_pg_alert_row_get(p->tx, &al.alert_id, false, p->a, &p->rows[p->n]);
    if (rc >= 0)
        p->n++;
    return rc;
}

/* The narrow columns that a rule looks at; the whole row only for what is shown. 1: there is more. */
static int preview_chunk(struct preview *p)
{
    struct lg_pg_q q;
    uint32_t n = 0;
    int rc;

    lg_pg_q_open_scoped(&q, p->tx,
            "SELECT a.alert_id, a.endpoint, a.process, a.process_hash, a.techniques, a.last_seen,"
            " a.id FROM alerts a WHERE a.tenant=$2 AND a.tenant IN " LG_PG_SEEN
            " AND a.last_seen>=$3 AND (NOT $4 OR (a.last_seen,a.id)<($5,$6))"
            " ORDER BY a.last_seen DESC, a.id DESC LIMIT $7");
    lg_pg_q_str(&q, p->s->tenant_id);
    lg_pg_q_i64(&q, p->from);
    lg_pg_q_bool(&q, p->started);
    lg_pg_q_i64(&q, p->last_seen);
    lg_pg_q_i64(&q, p->id);
    lg_pg_q_i64(&q, PREVIEW_CHUNK);
    while ((rc = lg_pg_q_step(&q)) > 0) {
        n++;
        p->started = true;
        p->last_seen = lg_pg_q_col_i64(&q, 5);
        p->id = lg_pg_q_col_i64(&q, 6);
        rc = preview_one(p, &q);
        if (rc < 0)
            break;
    }
    lg_pg_q_done(&q);
    return rc < 0 ? rc : n == PREVIEW_CHUNK;
}

int lg_pg_suppression_preview(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_suppression *s, lg_time from, uint32_t max, struct lg_arena *a,
        struct lg_alert **ret, uint32_t *ret_n, uint64_t *ret_total)
{
    struct preview p = {.s = s, .from = from, .max = max, .a = a};
    struct lg_pg_tx tx;
    int rc;

    if (max > LG_STORE_PREVIEW_MAX || s->tenant_id.n == 0)
        return LG_EINVAL;
    p.rows = (struct lg_alert *)lg_arena_alloc(a, (max + 1u) * sizeof(*p.rows));
    if (p.rows == NULL)
        return LG_ENOMEM;
    rc = lg_pg_begin(&tx, lg_pg_of(st)->pg, false, sc, s->tenant_id);
    if (rc > 0) {
        p.tx = &tx;
        lg_arena_init(&p.chunk, 16u << 20);
        do
            rc = preview_chunk(&p);
        while (rc > 0);
        lg_arena_done(&p.chunk);
        rc = lg_pg_end(&tx, rc);
    }
    if (rc < 0)
        return rc;
    *ret = p.rows;
    *ret_n = p.n;
    *ret_total = p.total;
    return 0;
}
