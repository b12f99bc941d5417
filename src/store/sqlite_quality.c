#include "store/alert_common.h"
#include "store/sqlite_alert_int.h"

/* What people said of alerts, added up. */

struct adding {
    struct lg_view *v;
    const struct lg_quality_query *q;
    struct lg_quality_sum sum;
};

static int add_alert(struct adding *ad, const struct lg_uuid *id, bool right, lg_time at)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, ad->v->c, "SELECT severity, techniques FROM alerts WHERE id=?1");
    lg_q_i64(&q, lg_id_key(id));
    rc = lg_q_step(&q);
    if (rc >= 0)
        rc = rc > 0 ? lg_quality_add(&ad->sum, right, at, lg_q_col_i64(&q, 0), lg_q_col_str(&q, 1))
                    : lg_quality_add(&ad->sum, right, at, -1, LG_STR(""));
    lg_q_done(&q);
    return rc < 0 ? rc : 0;
}

/* SQLite takes the other columns of a group from the row that has the largest seq: the last word. */
static int add_tenant(struct adding *ad, int64_t tenant)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, ad->v->c,
            "SELECT alert_id, is_true_positive, created_at, count(*), max(seq) FROM feedback "
            "INDEXED"
            " BY feedback_tenant WHERE tenant=?1 AND created_at>=?2 AND created_at<?3"
            " GROUP BY alert_id");
    lg_q_i64(&q, tenant);
    lg_q_i64(&q, ad->q->from);
    lg_q_i64(&q, ad->q->to);
    while ((rc = lg_q_step(&q)) > 0) {
        struct lg_uuid id;

        rc = lg_q_col_fixed(&q, 0, id.b, LG_UUID_BYTES);
        if (rc >= 0)
            rc = add_alert(ad, &id, lg_q_col_i64(&q, 1) != 0, lg_q_col_i64(&q, 2));
        if (rc < 0)
            break;
        ad->sum.out->feedback += (uint64_t)lg_q_col_i64(&q, 3);
    }
    lg_q_done(&q);
    return rc;
}

int lg_sqlite_quality(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_quality_query *q, struct lg_arena *a, struct lg_quality *ret)
{
    struct lg_view v;
    struct adding ad = {.v = &v, .q = q};
    int rc = lg_quality_open(&ad.sum, q, a, ret);

    if (rc < 0)
        return rc;
    rc = lg_view_open(&v, &lg_alerts_of(st)->db, sc, q->tenant);
    for (uint32_t i = 0; rc >= 0 && i < v.n_tenants; i++)
        rc = add_tenant(&ad, v.tenants[i]);
    lg_view_done(&v);
    return lg_quality_close(&ad.sum, rc);
}
