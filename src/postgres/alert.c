#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/encode.h"
#include "postgres/int.h"

/* The store as a whole. */

int lg_pg_lease(struct lg_pg_tx *tx, const struct lg_pg_store *ps, const char *name)
{
    struct lg_pg_q q;
    int64_t n;
    int rc;

    lg_pg_q_open(&q, tx,
            "SELECT 1 FROM leases WHERE name=$1 AND owner=$2 AND until>clock_timestamp()"
            "+make_interval(secs => $3)");
    lg_pg_q_str(&q, lg_str_z(name));
    lg_pg_q_str(&q, lg_str_z(ps->owner));
    lg_pg_q_f64(&q, LG_POSTGRES_LEASE_S / 2.0);
    rc = lg_pg_q_step(&q);
    lg_pg_q_done(&q);
    if (rc != 0)
        return rc;
    lg_pg_q_open(&q, tx,
            "INSERT INTO leases AS l VALUES($1, $2, clock_timestamp()+make_interval(secs => $3))"
            " ON CONFLICT(name) DO UPDATE SET owner=excluded.owner, until=excluded.until"
            " WHERE l.owner=excluded.owner OR l.until<clock_timestamp()");
    lg_pg_q_str(&q, lg_str_z(name));
    lg_pg_q_str(&q, lg_str_z(ps->owner));
    lg_pg_q_f64(&q, LG_POSTGRES_LEASE_S);
    n = lg_pg_q_run(&q);
    return n < 0 ? (int)n : n > 0;
}

/* Who stops cleanly lets another go on at once. */
static void give_leases(struct lg_pg_store *ps)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc;

    if (ps->pg->idle == NULL || lg_pg_begin_all(&tx, ps->pg, true) < 0)
        return;
    lg_pg_q_open(&q, &tx, "DELETE FROM leases WHERE owner=$1");
    lg_pg_q_str(&q, lg_str_z(ps->owner));
    rc = lg_pg_q_run(&q) < 0 ? q.rc : 0;
    (void)!lg_pg_end(&tx, rc);
}

static void store_close(struct lg_alert_store *st)
{
    struct lg_pg_store *ps = lg_pg_of(st);

    give_leases(ps);
    lg_pg_free(ps->pg);
    (void)pthread_mutex_destroy(&ps->doubt_lock);
    lg_free(ps);
}

static int store_backup(struct lg_alert_store *st, const char *path, struct lg_err *reterr)
{
    (void)st;
    (void)path;
    return lg_err_set(reterr, LG_EUNSUP,
            "PostgreSQL: back it up with pg_dump or pg_basebackup (docs/operations.md)");
}

/* A question whose answer is 0 in a sound store. */
static const struct {
    const char *sql, *what;
} checks[] = {
        {"SELECT count(*) FROM (SELECT tenant, status, count(*) n FROM alerts GROUP BY 1, 2"
         " EXCEPT SELECT tenant, status, n FROM alert_counts) x",
                "the counters of alerts do not match the rows"},
        {"SELECT count(*) FROM alerts a WHERE occurrences<>(SELECT count(*) FROM alert_inferences"
         " i WHERE i.alert=a.id)",
                "an alert's occurrences are not the number of its inferences"},
        {"SELECT count(*) FROM alerts a WHERE NOT EXISTS(SELECT 1 FROM alert_history h WHERE"
         " h.alert=a.id)",
                "an alert has no history"},
        {"SELECT count(*) FROM alerts a WHERE a.status<>(SELECT CASE h.became WHEN 'open' THEN 0"
         " WHEN 'acknowledged' THEN 1 WHEN 'investigating' THEN 2 WHEN 'resolved' THEN 3 ELSE 4"
         " END FROM alert_history h WHERE h.alert=a.id AND h.action IN ('created','status')"
         " ORDER BY h.seq DESC LIMIT 1)",
                "an alert's status is not the one that its history ends with"},
        {"SELECT count(*) FROM alerts a WHERE NOT EXISTS(SELECT 1 FROM alert_texts x WHERE"
         " x.alert=a.id AND x.tenant=a.tenant)",
                "an alert cannot be searched"},
        {"SELECT count(*) FROM (SELECT tenant, alert FROM alert_history UNION SELECT tenant, alert"
         " FROM alert_inferences EXCEPT SELECT tenant, id FROM alerts) x",
                "history or inferences are not of their alert's tenant"},
};

static int verify_sql(struct lg_pg_tx *tx, struct lg_err *reterr)
{
    struct lg_pg_q q;
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < sizeof(checks) / sizeof(*checks); i++) {
        lg_pg_q_open(&q, tx, checks[i].sql);
        rc = lg_pg_q_step(&q);
        if (rc > 0 && lg_pg_q_col_i64(&q, 0) != 0)
            rc = lg_err_set(reterr, LG_ECORRUPT, "PostgreSQL: %s", checks[i].what);
        lg_pg_q_done(&q);
    }
    return rc;
}

static int store_verify(struct lg_alert_store *st, struct lg_err *reterr)
{
    struct lg_pg_store *ps = lg_pg_of(st);
    struct lg_audit_check au;
    struct lg_pg_tx tx;
    int rc;

    memset(reterr, 0, sizeof(*reterr));
    rc = lg_pg_begin_all(&tx, ps->pg, false);
    if (rc >= 0) {
        rc = lg_pg_patient(&tx);
        if (rc >= 0)
            rc = verify_sql(&tx, reterr);
        rc = lg_pg_end(&tx, rc);
    }
    if (rc >= 0)
        rc = lg_pg_audit_verify(&ps->admin, &au);
    if (rc >= 0 && au.first_bad != 0)
        rc = lg_err_set(reterr, LG_ECORRUPT, "PostgreSQL: audit row %llu was altered",
                (unsigned long long)au.first_bad);
    if (rc < 0 && reterr->code == 0)
        return lg_err_set(reterr, rc, "PostgreSQL: %s", lg_err_name(rc));
    return rc < 0 ? rc : 0;
}

static const struct lg_alert_store_ops ops = {
        .name = "postgres",
        .close = store_close,
        .apply = lg_pg_alert_apply,
        .outbox_read = lg_pg_outbox_read,
        .outbox_ack = lg_pg_outbox_ack,
        .alert_get = lg_pg_alert_get,
        .alert_list = lg_pg_alert_list,
        .alert_count = lg_pg_alert_count,
        .alert_history = lg_pg_alert_history,
        .alert_of = lg_pg_alert_of,
        .alert_inferences = lg_pg_alert_inferences,
        .alert_similar = lg_pg_alert_similar,
        .alert_patch = lg_pg_alert_patch,
        .endpoints = lg_pg_endpoints,
        .feedback_add = lg_pg_feedback_add,
        .feedback_list = lg_pg_feedback_list,
        .quality = lg_pg_quality,
        .suppression_add = lg_pg_suppression_add,
        .suppression_list = lg_pg_suppression_list,
        .suppression_revoke = lg_pg_suppression_revoke,
        .suppression_hits = lg_pg_suppression_hits,
        .suppression_preview = lg_pg_suppression_preview,
        .backup = store_backup,
        .verify = store_verify,
};

/* The cursor key, and whether row-level security holds for this role. */
static int look_around(struct lg_pg_store *ps)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = lg_pg_begin_all(&tx, ps->pg, false);

    if (rc < 0)
        return rc;
    lg_pg_q_open(&q, &tx, "SELECT value FROM settings WHERE key='cursor_key'");
    rc = lg_pg_q_step(&q);
    rc = rc > 0 ? lg_pg_q_col_fixed(&q, 0, ps->cursor_key, sizeof(ps->cursor_key))
                : (rc == 0 ? LG_ECORRUPT : rc);
    lg_pg_q_done(&q);
    if (rc >= 0) {
        lg_pg_q_open(&q, &tx,
                "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname=current_user");
        rc = lg_pg_q_step(&q);
        if (rc > 0 && lg_pg_q_col_i64(&q, 0) != 0)
            lg_log(LG_LOG_WARN, "postgres", "the role passes by row-level security",
                    "hint=\"use the role that `logster service store-init` makes\"");
        lg_pg_q_done(&q);
    }
    return lg_pg_end(&tx, rc < 0 ? rc : 0);
}

int lg_postgres_alert_store_open(
        const struct lg_postgres_options *o, struct lg_alert_store **ret, struct lg_err *reterr)
{
    struct lg_pg_store *ps = (struct lg_pg_store *)lg_calloc(1, sizeof(*ps));
    uint8_t owner[16];
    int rc;

    if (ps == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "PostgreSQL: out of memory");
    rc = lg_pg_new(o, &ps->pg, reterr);
    if (rc < 0) {
        lg_free(ps);
        return rc;
    }
    (void)pthread_mutex_init(&ps->doubt_lock, NULL);
    ps->few = 2000;
    ps->base.ops = &ops;
    ps->base.admin = &ps->admin;
    ps->admin.ops = &lg_pg_admin_ops;
    lg_crypto_random(owner, sizeof(owner));
    lg_hex_encode(owner, sizeof(owner), ps->owner);
    rc = lg_pg_schema_ready(ps->pg, reterr);
    if (rc >= 0) {
        rc = look_around(ps);
        if (rc < 0)
            (void)lg_err_set(
                    reterr, rc, "PostgreSQL: cannot read the settings: %s", lg_err_name(rc));
    }
    if (rc < 0) {
        store_close(&ps->base);
        return rc;
    }
    *ret = &ps->base;
    return 0;
}
