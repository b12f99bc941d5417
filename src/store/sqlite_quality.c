#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/vec.h"
#include "store/sqlite_alert_int.h"

/* What people said of alerts, added up. */

struct adding {
    struct lg_view *v;
    const struct lg_quality_query *q;
    struct lg_arena *a;
    struct lg_quality *out;
    struct lg_map by_name; /* hash of a technique -> index */
    LG_VEC(struct lg_quality_technique) techniques;
};

static void count(struct lg_judged *j, bool right)
{
    j->right += right;
    j->wrong += !right;
}

static int add_technique(struct adding *ad, struct lg_str name, bool right)
{
    struct lg_quality_technique fresh = {0};
    bool made = false;
    uint64_t *at =
            lg_map_at(&ad->by_name, lg_hash_str(name, lg_hash_secret()), ad->techniques.n, &made);
    int rc = 0;

    if (at == NULL)
        return LG_ENOMEM;
    if (made) {
        rc = lg_arena_dup(ad->a, name, &fresh.technique);
        if (rc >= 0)
            rc = lg_vec_push(&ad->techniques, fresh);
    }
    if (rc >= 0)
        count(&ad->techniques.v[*at].judged, right);
    return rc;
}

/* `json` is ours: an array of ids, which hold no quotes. */
static int add_techniques(struct adding *ad, struct lg_str json, bool right)
{
    struct lg_str part;
    int rc = 0;

    while (rc >= 0 && lg_str_split(&json, '"', &part) && lg_str_split(&json, '"', &part))
        rc = part.n > 0 && part.p[0] == 'T' ? add_technique(ad, part, right) : 0;
    return rc;
}

static int add_alert(struct adding *ad, const struct lg_uuid *id, bool right, lg_time at)
{
    int64_t width = (ad->q->to - ad->q->from + ad->q->parts - 1) / ad->q->parts;
    struct lg_q q;
    int rc;

    count(&ad->out->all, right);
    count(&ad->out->over_time[(at - ad->q->from) / width], right);
    lg_q_open(&q, ad->v->c, "SELECT severity, techniques FROM alerts WHERE id=?1");
    lg_q_i64(&q, lg_id_key(id));
    rc = lg_q_step(&q);
    if (rc > 0) {
        int64_t severity = lg_q_col_i64(&q, 0);

        if (severity >= 0 && severity < LG_SEVERITY_COUNT)
            count(&ad->out->severity[severity], right);
        rc = add_techniques(ad, lg_q_col_str(&q, 1), right);
    }
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
        ad->out->feedback += (uint64_t)lg_q_col_i64(&q, 3);
    }
    lg_q_done(&q);
    return rc;
}

static int most_judged(const void *pa, const void *pb)
{
    const struct lg_quality_technique *a = pa, *b = pb;
    uint64_t na = a->judged.right + a->judged.wrong, nb = b->judged.right + b->judged.wrong;

    return na != nb ? (na > nb ? -1 : 1) : lg_str_cmp(a->technique, b->technique);
}

static int take_techniques(struct adding *ad)
{
    struct lg_quality_technique *list = ad->techniques.v;
    size_t n = ad->techniques.n;

    if (n == 0)
        return 0;
    qsort(list, n, sizeof(*list), most_judged);
    ad->out->techniques = lg_arena_alloc(ad->a, n * sizeof(*list));
    if (ad->out->techniques == NULL)
        return LG_ENOMEM;
    memcpy(ad->out->techniques, list, n * sizeof(*list));
    ad->out->n_techniques = (uint32_t)n;
    return 0;
}

int lg_sqlite_quality(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_quality_query *q, struct lg_arena *a, struct lg_quality *ret)
{
    struct lg_view v;
    struct adding ad = {.v = &v, .q = q, .a = a, .out = ret};
    int rc;

    if (q->parts < 1 || q->parts > LG_STORE_QUALITY_PARTS || q->from < 0 || q->to <= q->from)
        return LG_EINVAL;
    *ret = (struct lg_quality){0};
    ret->over_time = lg_arena_zalloc(a, q->parts * sizeof(*ret->over_time));
    if (ret->over_time == NULL)
        return LG_ENOMEM;
    lg_map_init(&ad.by_name);
    rc = lg_view_open(&v, &lg_alerts_of(st)->db, sc, q->tenant);
    for (uint32_t i = 0; rc >= 0 && i < v.n_tenants; i++)
        rc = add_tenant(&ad, v.tenants[i]);
    lg_view_done(&v);
    if (rc >= 0)
        rc = take_techniques(&ad);
    lg_vec_done(&ad.techniques);
    lg_map_done(&ad.by_name);
    return rc < 0 ? rc : 0;
}
