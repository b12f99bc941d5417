#include <string.h>

#include "base/mem.h"
#include "store/sqlite_alert_int.h"

int lg_rows_read(struct lg_q *q, struct lg_arena *a, struct lg_rows *r)
{
    int rc;

    while ((rc = lg_q_step(q)) > 0) {
        rc = lg_arena_array(a, &r->v, r->n, &r->cap, r->size);
        if (rc >= 0)
            rc = r->read(q, a, (char *)r->v + r->n * r->size);
        if (rc < 0)
            break;
        r->n++;
    }
    lg_q_done(q);
    return rc;
}

static int col_enum(struct lg_q *q, int i, int64_t count, int *ret)
{
    int64_t v = lg_q_col_i64(q, i);

    if (v < 0 || v >= count)
        return LG_ECORRUPT;
    *ret = (int)v;
    return 0;
}

int lg_alert_row_read(struct lg_q *q, struct lg_arena *a, struct lg_alert *ret)
{
    struct lg_alert al = {0};
    struct lg_str *const texts[] = {&al.tenant_id, &al.endpoint_id, &al.hostname, &al.platform};
    struct lg_str *const more[] = {&al.techniques, &al.evidence, &al.fold_key, &al.process,
            &al.process_guid, &al.process_hash, &al.user, &al.assignee, &al.resolved_by,
            &al.analyst_notes};
    int severity, status, rc = lg_q_col_fixed(q, 0, al.alert_id.b, LG_UUID_BYTES);

    for (int i = 0; rc >= 0 && i < 4; i++)
        rc = lg_q_col_dup(q, 1 + i, a, texts[i]);
    if (rc < 0 || (rc = col_enum(q, 5, LG_SEVERITY_COUNT, &severity)) < 0 ||
            (rc = col_enum(q, 6, LG_ALERT_STATUS_COUNT, &status)) < 0 ||
            (rc = lg_q_col_dup(q, 7, a, &al.title)) < 0 ||
            (rc = lg_q_col_dup(q, 8, a, &al.description)) < 0)
        return rc;
    al.severity = (enum lg_severity)severity;
    al.status = (enum lg_alert_status)status;
    al.attack_prob = lg_q_col_f64(q, 9);
    al.first_seen = lg_q_col_i64(q, 10);
    al.last_seen = lg_q_col_i64(q, 11);
    al.received_at = lg_q_col_i64(q, 12);
    al.created_at = lg_q_col_i64(q, 13);
    al.updated_at = lg_q_col_i64(q, 14);
    al.occurrences = (uint64_t)lg_q_col_i64(q, 15);
    for (int i = 0; rc >= 0 && i < 10; i++)
        rc = lg_q_col_dup(q, 16 + i, a, more[i]);
    if (rc < 0 || (rc = lg_q_col_fixed(q, 26, al.first_inference_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_q_col_fixed(q, 27, al.last_inference_id.b, LG_UUID_BYTES)) < 0)
        return rc;
    al.has_previous = !lg_q_col_null(q, 28);
    if (al.has_previous && (rc = lg_q_col_fixed(q, 28, al.previous_alert_id.b, LG_UUID_BYTES)) < 0)
        return rc;
    al.recurrence_of_false_positive = lg_q_col_i64(q, 29) != 0;
    al.version = (uint64_t)lg_q_col_i64(q, 30);
    *ret = al;
    return 0;
}

int lg_alert_row_get(struct lg_view *v, const struct lg_uuid *id, struct lg_arena *a,
        struct lg_alert *ret, int64_t *ret_key)
{
    int64_t key = lg_id_key(id);
    struct lg_alert al;
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c, "SELECT " LG_ALERT_COLUMNS LG_ALERT_FROM "WHERE a.id=?1");
    lg_q_i64(&q, key);
    rc = lg_q_step(&q);
    if (rc > 0 && !lg_view_sees(v, lg_q_col_i64(&q, LG_ALERT_COL_TENANT)))
        rc = 0;
    if (rc > 0) {
        rc = lg_alert_row_read(&q, a, &al);
        if (rc >= 0)
            rc = memcmp(al.alert_id.b, id->b, LG_UUID_BYTES) == 0;
    }
    lg_q_done(&q);
    if (rc <= 0)
        return rc < 0 ? rc : LG_ENOENT;
    *ret = al;
    *ret_key = key;
    return 0;
}

int lg_sqlite_alert_get(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, struct lg_arena *a, struct lg_alert *ret)
{
    struct lg_view v;
    int64_t key;
    int rc = lg_view_open(&v, &lg_alerts_of(st)->db, sc, LG_STR(""));

    if (rc < 0)
        return rc;
    rc = lg_alert_row_get(&v, id, a, ret, &key);
    lg_view_done(&v);
    return rc;
}

/* Opens a view and finds the alert's row in it; the caller ends the view where this gives 0. */
static int open_alert(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, struct lg_arena *a, struct lg_view *v, struct lg_alert *ret,
        int64_t *ret_key)
{
    int rc = lg_view_open(v, &lg_alerts_of(st)->db, sc, LG_STR(""));

    if (rc < 0)
        return rc;
    rc = lg_alert_row_get(v, id, a, ret, ret_key);
    if (rc < 0)
        lg_view_done(v);
    return rc;
}

static int history_row(struct lg_q *q, struct lg_arena *a, void *row)
{
    struct lg_alert_history *h = row;
    int rc;

    h->seq = (uint64_t)lg_q_col_i64(q, 0);
    h->at = lg_q_col_i64(q, 1);
    if ((rc = lg_q_col_dup(q, 2, a, &h->actor)) < 0 ||
            (rc = lg_q_col_dup(q, 3, a, &h->action)) < 0 ||
            (rc = lg_q_col_dup(q, 4, a, &h->from)) < 0 || (rc = lg_q_col_dup(q, 5, a, &h->to)) < 0)
        return rc;
    return lg_q_col_dup(q, 6, a, &h->notes);
}

int lg_sqlite_alert_history(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, struct lg_arena *a, struct lg_alert_history **ret,
        uint32_t *ret_n)
{
    struct lg_rows rows = {.size = sizeof(**ret), .read = history_row};
    struct lg_alert al;
    struct lg_view v;
    int64_t key;
    struct lg_q q;
    int rc = open_alert(st, sc, id, a, &v, &al, &key);

    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c,
            "SELECT seq, at, actor, action, was, became, notes FROM alert_history WHERE alert=?1"
            " ORDER BY seq LIMIT 10000");
    lg_q_i64(&q, key);
    rc = lg_rows_read(&q, a, &rows);
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

static int uuid_row(struct lg_q *q, struct lg_arena *a, void *row)
{
    (void)a;
    return lg_q_col_fixed(q, 0, ((struct lg_uuid *)row)->b, LG_UUID_BYTES);
}

int lg_sqlite_alert_inferences(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_uuid **ret,
        uint32_t *ret_n)
{
    struct lg_rows rows = {.size = sizeof(**ret), .read = uuid_row};
    struct lg_alert al;
    struct lg_view v;
    int64_t key;
    struct lg_q q;
    int rc = open_alert(st, sc, id, a, &v, &al, &key);

    if (rc < 0)
        return rc;
    lg_q_open(
            &q, v.c, "SELECT inference FROM alert_inferences WHERE alert=?1 ORDER BY seq LIMIT ?2");
    lg_q_i64(&q, key);
    lg_q_i64(&q, max);
    rc = lg_rows_read(&q, a, &rows);
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

int lg_sqlite_alert_of(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *inferences, uint32_t n, struct lg_uuid *ret)
{
    struct lg_view v;
    int rc = lg_view_open(&v, &lg_alerts_of(st)->db, sc, LG_STR(""));

    if (rc < 0)
        return rc;
    memset(ret, 0, n * sizeof(*ret));
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        struct lg_q q;

        lg_q_open(&q, v.c,
                "SELECT a.alert_id, a.tenant FROM alert_inferences i JOIN alerts a ON a.id=i.alert"
                " WHERE i.inference=?1");
        lg_q_uuid(&q, &inferences[i]);
        rc = lg_q_step(&q);
        if (rc > 0 && lg_view_sees(&v, lg_q_col_i64(&q, 1)))
            rc = lg_q_col_fixed(&q, 0, ret[i].b, LG_UUID_BYTES);
        lg_q_done(&q);
    }
    lg_view_done(&v);
    return rc < 0 ? rc : 0;
}

static int alert_row(struct lg_q *q, struct lg_arena *a, void *row)
{
    return lg_alert_row_read(q, a, row);
}

/* Same fold key first, then those of the endpoint with a technique in common. */
int lg_sqlite_alert_similar(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_alert **ret,
        uint32_t *ret_n)
{
    struct lg_rows rows = {.size = sizeof(**ret), .read = alert_row};
    struct lg_alert al;
    struct lg_view v;
    int64_t key;
    struct lg_q q;
    int rc = open_alert(st, sc, id, a, &v, &al, &key);

    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c,
            "SELECT " LG_ALERT_COLUMNS LG_ALERT_FROM ", alerts me"
            " WHERE me.id=?1 AND a.tenant=me.tenant AND a.id<>me.id"
            " AND a.id IN (SELECT id FROM (SELECT id FROM alerts INDEXED BY alerts_fold"
            "  WHERE tenant=me.tenant AND fold_key=me.fold_key ORDER BY last_seen DESC LIMIT 200)"
            " UNION SELECT id FROM (SELECT x.id FROM alerts x INDEXED BY alerts_endpoint"
            "  WHERE x.tenant=me.tenant AND x.endpoint=me.endpoint AND EXISTS(SELECT 1 FROM"
            "   alert_techniques p JOIN alert_techniques o ON o.tenant=p.tenant AND"
            "   o.technique=p.technique AND o.alert=x.id WHERE p.tenant=me.tenant AND"
            "   p.alert=me.id AND p.technique IN (SELECT value FROM json_each(me.techniques)))"
            "  LIMIT 200))"
            " ORDER BY a.fold_key=me.fold_key DESC, a.last_seen DESC, a.id LIMIT ?2");
    lg_q_i64(&q, key);
    lg_q_i64(&q, max);
    rc = lg_rows_read(&q, a, &rows);
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

static int count_tenant(struct lg_view *v, int64_t tenant, unsigned statuses, uint64_t *sum)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c, "SELECT status, n FROM alert_counts WHERE tenant=?1");
    lg_q_i64(&q, tenant);
    while ((rc = lg_q_step(&q)) > 0)
        if (statuses == 0 || (statuses >> (lg_q_col_i64(&q, 0) & 31) & 1) != 0)
            *sum += (uint64_t)lg_q_col_i64(&q, 1);
    lg_q_done(&q);
    return rc;
}

int lg_sqlite_alert_count(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_str tenant, unsigned statuses, uint64_t *ret)
{
    struct lg_view v;
    uint64_t sum = 0;
    int rc = lg_view_open(&v, &lg_alerts_of(st)->db, sc, tenant);

    if (rc < 0)
        return rc;
    for (uint32_t i = 0; rc >= 0 && i < v.n_tenants; i++)
        rc = count_tenant(&v, v.tenants[i], statuses, &sum);
    lg_view_done(&v);
    if (rc >= 0)
        *ret = sum;
    return rc < 0 ? rc : 0;
}

static int endpoint_row(struct lg_q *q, struct lg_arena *a, void *row)
{
    struct lg_endpoint_alerts *e = row;
    int64_t worst = lg_q_col_i64(q, 4);
    int rc;

    if ((rc = lg_q_col_dup(q, 0, a, &e->tenant_id)) < 0 ||
            (rc = lg_q_col_dup(q, 1, a, &e->endpoint_id)) < 0)
        return rc;
    e->total = (uint64_t)lg_q_col_i64(q, 2);
    e->active = (uint64_t)lg_q_col_i64(q, 3);
    e->worst_active =
            worst < 0 || worst >= LG_SEVERITY_COUNT ? LG_SEVERITY_LOW : (enum lg_severity)worst;
    e->last_seen = lg_q_col_i64(q, 5);
    return 0;
}

int lg_sqlite_alert_endpoints(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_str tenant, struct lg_arena *a, struct lg_endpoint_alerts **ret, uint32_t *ret_n)
{
    struct lg_rows rows = {.size = sizeof(**ret), .read = endpoint_row};
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open(&v, &lg_alerts_of(st)->db, sc, tenant);

    if (rc < 0)
        return rc;
    for (uint32_t i = 0; rc >= 0 && i < v.n_tenants; i++) {
        lg_q_open(&q, v.c,
                "SELECT t.tenant, e.endpoint, count(*), sum(a.status<=2),"
                " max(CASE WHEN a.status<=2 THEN a.severity ELSE -1 END), max(a.last_seen)"
                " FROM alerts a INDEXED BY alerts_endpoint JOIN endpoints e ON e.ref=a.endpoint"
                " JOIN tenant_refs t ON t.ref=a.tenant WHERE a.tenant=?1 GROUP BY a.endpoint");
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
