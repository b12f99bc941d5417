#include <string.h>

#include "postgres/int.h"

static int col_enum(const struct lg_pg_q *q, int i, int64_t count, int *ret)
{
    int64_t v = lg_pg_q_col_i64(q, i);

    if (v < 0 || v >= count)
        return LG_ECORRUPT;
    *ret = (int)v;
    return 0;
}

int lg_pg_alert_read(const struct lg_pg_q *q, struct lg_arena *a, struct lg_alert *ret)
{
    struct lg_alert al = {0};
    struct lg_str *const texts[] = {&al.tenant_id, &al.endpoint_id, &al.hostname, &al.platform};
    struct lg_str *const more[] = {&al.techniques, &al.evidence, &al.fold_key, &al.process,
            &al.process_guid, &al.process_hash, &al.user, &al.assignee, &al.resolved_by,
            &al.analyst_notes};
    int severity, status, rc = lg_pg_q_col_fixed(q, 0, al.alert_id.b, LG_UUID_BYTES);

    for (int i = 0; rc >= 0 && i < 4; i++)
        rc = lg_pg_q_col_dup(q, 1 + i, a, texts[i]);
    if (rc < 0 || (rc = col_enum(q, 5, LG_SEVERITY_COUNT, &severity)) < 0 ||
            (rc = col_enum(q, 6, LG_ALERT_STATUS_COUNT, &status)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 7, a, &al.title)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 8, a, &al.description)) < 0)
        return rc;
    al.severity = (enum lg_severity)severity;
    al.status = (enum lg_alert_status)status;
    al.attack_prob = lg_pg_q_col_f64(q, 9);
    al.first_seen = lg_pg_q_col_i64(q, 10);
    al.last_seen = lg_pg_q_col_i64(q, 11);
    al.received_at = lg_pg_q_col_i64(q, 12);
    al.created_at = lg_pg_q_col_i64(q, 13);
    al.updated_at = lg_pg_q_col_i64(q, 14);
    al.occurrences = (uint64_t)lg_pg_q_col_i64(q, 15);
    for (int i = 0; rc >= 0 && i < 10; i++)
        rc = lg_pg_q_col_dup(q, 16 + i, a, more[i]);
    if (rc < 0 || (rc = lg_pg_q_col_fixed(q, 26, al.first_inference_id.b, LG_UUID_BYTES)) < 0 ||
            (rc = lg_pg_q_col_fixed(q, 27, al.last_inference_id.b, LG_UUID_BYTES)) < 0)
        return rc;
    al.has_previous = !lg_pg_q_col_null(q, 28);
    if (al.has_previous &&
            (rc = lg_pg_q_col_fixed(q, 28, al.previous_alert_id.b, LG_UUID_BYTES)) < 0)
        return rc;
    al.recurrence_of_false_positive = lg_pg_q_col_i64(q, 29) != 0;
    al.version = (uint64_t)lg_pg_q_col_i64(q, 30);
    *ret = al;
    return 0;
}

int lg_pg_alert_row_get(struct lg_pg_tx *tx, const struct lg_uuid *id, bool lock,
        struct lg_arena *a, struct lg_alert *ret)
{
    struct lg_alert al;
    struct lg_pg_q q;
    int rc;

#define ROW_GET                                                                                    \
    "SELECT " LG_PG_ALERT_COLUMNS LG_PG_ALERT_FROM "WHERE a.id=$2 AND a.tenant IN " LG_PG_SEEN
    lg_pg_q_open_scoped(&q, tx, lock ? ROW_GET " FOR UPDATE OF a" : ROW_GET);
    lg_pg_q_i64(&q, lg_id_key(id));
    rc = lg_pg_q_step(&q);
    if (rc > 0) {
        rc = lg_pg_alert_read(&q, a, &al);
        if (rc >= 0)
            rc = memcmp(al.alert_id.b, id->b, LG_UUID_BYTES) == 0;
    }
    lg_pg_q_done(&q);
    if (rc <= 0)
        return rc < 0 ? rc : LG_ENOENT;
    *ret = al;
    return 0;
}

/* Begins and finds the alert; the caller ends the transaction where this gives 0. */
static int open_alert(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, struct lg_arena *a, struct lg_pg_tx *tx, struct lg_alert *ret)
{
    int rc = lg_pg_begin(tx, lg_pg_of(st)->pg, false, sc, LG_STR(""));

    if (rc <= 0)
        return rc < 0 ? rc : LG_ENOENT;
    rc = lg_pg_alert_row_get(tx, id, false, a, ret);
    return rc < 0 ? lg_pg_end(tx, rc) : 0;
}

int lg_pg_alert_get(struct lg_alert_store *st, const struct lg_scope *sc, const struct lg_uuid *id,
        struct lg_arena *a, struct lg_alert *ret)
{
    struct lg_alert al;
    struct lg_pg_tx tx;
    int rc = open_alert(st, sc, id, a, &tx, &al);

    if (rc >= 0)
        rc = lg_pg_end(&tx, 0);
    if (rc >= 0)
        *ret = al;
    return rc;
}

static int history_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    struct lg_alert_history *h = row;
    int rc;

    h->seq = (uint64_t)lg_pg_q_col_i64(q, 0);
    h->at = lg_pg_q_col_i64(q, 1);
    if ((rc = lg_pg_q_col_dup(q, 2, a, &h->actor)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 3, a, &h->action)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 4, a, &h->from)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 5, a, &h->to)) < 0)
        return rc;
    return lg_pg_q_col_dup(q, 6, a, &h->notes);
}

int lg_pg_alert_history(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, struct lg_arena *a, struct lg_alert_history **ret,
        uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = history_row};
    struct lg_alert al;
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = open_alert(st, sc, id, a, &tx, &al);

    if (rc < 0)
        return rc;
    lg_pg_q_open(&q, &tx,
            "SELECT seq, at, actor, action, was, became, notes FROM alert_history WHERE alert=$1"
            " ORDER BY seq LIMIT 10000");
    lg_pg_q_i64(&q, lg_id_key(id));
    rc = lg_pg_end(&tx, lg_pg_rows_read(&q, a, &rows));
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

static int uuid_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    (void)a;
    return lg_pg_q_col_fixed(q, 0, ((struct lg_uuid *)row)->b, LG_UUID_BYTES);
}

int lg_pg_alert_inferences(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_uuid **ret,
        uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = uuid_row};
    struct lg_alert al;
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = open_alert(st, sc, id, a, &tx, &al);

    if (rc < 0)
        return rc;
    lg_pg_q_open(
            &q, &tx, "SELECT inference FROM alert_inferences WHERE alert=$1 ORDER BY seq LIMIT $2");
    lg_pg_q_i64(&q, lg_id_key(id));
    lg_pg_q_i64(&q, max);
    rc = lg_pg_end(&tx, lg_pg_rows_read(&q, a, &rows));
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

/* The rows come as they are found: each names its verdict. */
static int alert_of_rows(struct lg_pg_tx *tx, struct lg_str list, const struct lg_uuid *inferences,
        uint32_t n, struct lg_uuid *ret)
{
    struct lg_pg_q q;
    int rc;

    lg_pg_q_open(&q, tx,
            "WITH x AS (SELECT decode(replace(h, '-', ''), 'hex') id FROM"
            " unnest(string_to_array($1,',')) h) SELECT i.inference, a.alert_id FROM x JOIN"
            " alert_inferences i ON i.inference=x.id JOIN alerts a ON a.id=i.alert");
    lg_pg_q_str(&q, list);
    while ((rc = lg_pg_q_step(&q)) > 0) {
        struct lg_uuid inference, alert;

        if ((rc = lg_pg_q_col_fixed(&q, 0, inference.b, LG_UUID_BYTES)) < 0 ||
                (rc = lg_pg_q_col_fixed(&q, 1, alert.b, LG_UUID_BYTES)) < 0)
            break;
        for (uint32_t i = 0; i < n; i++)
            if (memcmp(inferences[i].b, inference.b, LG_UUID_BYTES) == 0)
                ret[i] = alert;
    }
    lg_pg_q_done(&q);
    return rc;
}

int lg_pg_alert_of(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *inferences, uint32_t n, struct lg_uuid *ret)
{
    struct lg_buf list;
    struct lg_pg_tx tx;
    int rc;

    memset(ret, 0, n * sizeof(*ret));
    if (n == 0)
        return 0;
    rc = lg_pg_begin(&tx, lg_pg_of(st)->pg, false, sc, LG_STR(""));
    if (rc <= 0)
        return rc;
    lg_buf_init(&list, (size_t)n * (LG_UUID_TEXT + 1) + 1);
    for (uint32_t i = 0; i < n; i++) {
        char text[LG_UUID_TEXT + 1];

        lg_uuid_text(&inferences[i], text);
        lg_buf_printf(&list, i == 0 ? "%s" : ",%s", text);
    }
    rc = list.failed;
    if (rc >= 0)
        rc = alert_of_rows(&tx, lg_buf_str(&list), inferences, n, ret);
    rc = lg_pg_end(&tx, rc);
    lg_buf_done(&list);
    return rc < 0 ? rc : 0;
}

static int alert_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    return lg_pg_alert_read(q, a, row);
}

/* Same fold key first, then those of the endpoint with a technique in common. */
int lg_pg_alert_similar(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_alert **ret,
        uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = alert_row};
    struct lg_alert al = {0};
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = open_alert(st, sc, id, a, &tx, &al);

    if (rc < 0)
        return rc;
    lg_pg_q_open(&q, &tx,
            "SELECT " LG_PG_ALERT_COLUMNS LG_PG_ALERT_FROM
            " WHERE a.tenant=$2 AND a.id<>$1 AND a.id IN ("
            " (SELECT id FROM alerts WHERE tenant=$2 AND fold_key=$3 ORDER BY last_seen DESC LIMIT"
            " 200) UNION (SELECT x.id FROM alerts x WHERE x.tenant=$2 AND x.endpoint=$4 AND"
            " EXISTS(SELECT 1 FROM alert_techniques p JOIN alert_techniques o ON"
            " o.tenant=p.tenant AND o.technique=p.technique AND o.alert=x.id WHERE p.tenant=$2 AND"
            " p.alert=$1 AND p.exact) LIMIT 200))"
            " ORDER BY a.fold_key=$3 DESC, a.last_seen DESC, a.id LIMIT $5");
    lg_pg_q_i64(&q, lg_id_key(id));
    lg_pg_q_str(&q, al.tenant_id);
    lg_pg_q_str(&q, al.fold_key);
    lg_pg_q_str(&q, al.endpoint_id);
    lg_pg_q_i64(&q, max);
    rc = lg_pg_end(&tx, lg_pg_rows_read(&q, a, &rows));
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

int lg_pg_alert_count(struct lg_alert_store *st, const struct lg_scope *sc, struct lg_str tenant,
        unsigned statuses, uint64_t *ret)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    uint64_t sum = 0;
    int rc = lg_pg_begin(&tx, lg_pg_of(st)->pg, false, sc, tenant);

    if (rc > 0) {
        lg_pg_q_open_scoped(
                &q, &tx, "SELECT status, n FROM alert_counts WHERE tenant IN " LG_PG_SEEN);
        while ((rc = lg_pg_q_step(&q)) > 0)
            if (statuses == 0 || (statuses >> (lg_pg_q_col_i64(&q, 0) & 31) & 1) != 0)
                sum += (uint64_t)lg_pg_q_col_i64(&q, 1);
        lg_pg_q_done(&q);
        rc = lg_pg_end(&tx, rc);
    }
    if (rc >= 0)
        *ret = sum;
    return rc;
}

static int endpoint_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    struct lg_endpoint_alerts *e = row;
    int64_t worst = lg_pg_q_col_i64(q, 4);
    int rc;

    if ((rc = lg_pg_q_col_dup(q, 0, a, &e->tenant_id)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 1, a, &e->endpoint_id)) < 0)
        return rc;
    e->total = (uint64_t)lg_pg_q_col_i64(q, 2);
    e->active = (uint64_t)lg_pg_q_col_i64(q, 3);
    e->worst_active =
            worst < 0 || worst >= LG_SEVERITY_COUNT ? LG_SEVERITY_LOW : (enum lg_severity)worst;
    e->last_seen = lg_pg_q_col_i64(q, 5);
    return 0;
}

int lg_pg_endpoints(struct lg_alert_store *st, const struct lg_scope *sc, struct lg_str tenant,
        struct lg_arena *a, struct lg_endpoint_alerts **ret, uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = endpoint_row};
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = lg_pg_begin(&tx, lg_pg_of(st)->pg, false, sc, tenant);

    if (rc > 0) {
        lg_pg_q_open_scoped(&q, &tx,
                "SELECT x.tenant, x.endpoint, x.total, x.active, x.worst, x.last_seen FROM"
                " (SELECT a.tenant, a.endpoint, count(*) total, count(*) FILTER (WHERE"
                " a.status<=2) active, max(CASE WHEN a.status<=2 THEN a.severity ELSE -1 END)"
                " worst, max(a.last_seen) last_seen FROM alerts a WHERE a.tenant IN " LG_PG_SEEN
                " GROUP BY a.tenant, a.endpoint) x JOIN endpoints e ON e.tenant=x.tenant AND"
                " e.endpoint=x.endpoint ORDER BY x.tenant, e.ref");
        rc = lg_pg_end(&tx, lg_pg_rows_read(&q, a, &rows));
    }
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}
