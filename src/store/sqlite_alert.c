#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/sqlite_alert_int.h"

int lg_view_of_writer(struct lg_view *v, struct lg_sdb *db, struct lg_conn *c,
        const struct lg_scope *sc, struct lg_str filter)
{
    return lg_view_resolve(v, db, c, sc, filter);
}

void lg_view_of_writer_done(struct lg_view *v)
{
    v->c = NULL; /* the writer's, and its transaction goes on */
    lg_view_done(v);
}

static void store_close(struct lg_alert_store *st)
{
    struct lg_sqlite_alerts *as = lg_alerts_of(st);

    lg_alert_index_done(as);
    lg_sdb_done(&as->db);
    (void)pthread_mutex_destroy(&as->used_lock);
    lg_free(as);
}

static int store_backup(struct lg_alert_store *st, const char *path, struct lg_err *reterr)
{
    return lg_sdb_backup(&lg_alerts_of(st)->db, path, reterr);
}

/* A question whose answer is 0 in a sound store. */
struct check {
    const char *sql;
    const char *what;
};
static const struct check checks[] = {
        {"SELECT count(*) FROM (SELECT tenant, status, count(*) n FROM alerts GROUP BY 1, 2"
         " EXCEPT SELECT tenant, status, n FROM alert_counts)",
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
};

static int verify_sql(struct lg_view *v, const char *path, struct lg_err *reterr)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c, "PRAGMA integrity_check(1)");
    rc = lg_q_step(&q);
    if (rc > 0 && !lg_str_eq(lg_q_col_str(&q, 0), LG_STR("ok")))
        rc = lg_err_set(reterr, LG_ECORRUPT, "%s: %.*s", path,
                LG_STR_FMT(lg_str_sub(lg_q_col_str(&q, 0), 0, 200)));
    lg_q_done(&q);
    for (size_t i = 0; rc >= 0 && i < sizeof(checks) / sizeof(*checks); i++) {
        lg_q_open(&q, v->c, checks[i].sql);
        rc = lg_q_step(&q);
        if (rc > 0 && lg_q_col_i64(&q, 0) != 0)
            rc = lg_err_set(reterr, LG_ECORRUPT, "%s: %s", path, checks[i].what);
        lg_q_done(&q);
    }
    return rc;
}

static int store_verify(struct lg_alert_store *st, struct lg_err *reterr)
{
    struct lg_sqlite_alerts *as = lg_alerts_of(st);
    struct lg_audit_check au;
    struct lg_view v;
    int rc;

    memset(reterr, 0, sizeof(*reterr));
    rc = lg_view_open_internal(&v, &as->db);
    if (rc >= 0)
        rc = verify_sql(&v, as->db.path, reterr);
    lg_view_done(&v);
    if (rc >= 0)
        rc = as->admin.ops->audit_verify(&as->admin, &au);
    if (rc >= 0 && au.first_bad != 0)
        rc = lg_err_set(reterr, LG_ECORRUPT, "%s: audit row %llu was altered", as->db.path,
                (unsigned long long)au.first_bad);
    if (rc < 0 && reterr->code == 0)
        return lg_err_set(reterr, rc, "%s: %s", as->db.path, lg_err_name(rc));
    return rc < 0 ? rc : 0;
}

static const struct lg_alert_store_ops ops = {
        .name = "sqlite",
        .close = store_close,
        .apply = lg_sqlite_alert_apply,
        .outbox_read = lg_sqlite_outbox_read,
        .outbox_ack = lg_sqlite_outbox_ack,
        .alert_get = lg_sqlite_alert_get,
        .alert_list = lg_sqlite_alert_list,
        .alert_count = lg_sqlite_alert_count,
        .alert_history = lg_sqlite_alert_history,
        .alert_inferences = lg_sqlite_alert_inferences,
        .alert_of = lg_sqlite_alert_of,
        .alert_similar = lg_sqlite_alert_similar,
        .alert_patch = lg_sqlite_alert_patch,
        .endpoints = lg_sqlite_alert_endpoints,
        .feedback_add = lg_sqlite_feedback_add,
        .feedback_list = lg_sqlite_feedback_list,
        .quality = lg_sqlite_quality,
        .suppression_add = lg_sqlite_suppression_add,
        .suppression_list = lg_sqlite_suppression_list,
        .suppression_revoke = lg_sqlite_suppression_revoke,
        .suppression_hits = lg_sqlite_suppression_hits,
        .suppression_preview = lg_sqlite_suppression_preview,
        .backup = store_backup,
        .verify = store_verify,
};

static int read_cursor_key(struct lg_sqlite_alerts *as)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, as->db.writer, "SELECT value FROM settings WHERE key='cursor_key'");
    rc = lg_q_step(&q);
    if (rc > 0)
        rc = lg_q_col_fixed(&q, 0, as->cursor_key, sizeof(as->cursor_key));
    else if (rc == 0)
        rc = LG_ECORRUPT;
    lg_q_done(&q);
    return rc;
}

int lg_sqlite_alert_store_open(const char *path, struct lg_alert_store **ret, struct lg_err *reterr)
{
    struct lg_sqlite_alerts *as = (struct lg_sqlite_alerts *)lg_calloc(1, sizeof(*as));
    int rc;

    if (as == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "%s: out of memory", path);
    rc = lg_sdb_open(&as->db, path, &lg_alert_migrations, reterr);
    if (rc < 0) {
        lg_free(as);
        return rc;
    }
    rc = lg_alert_index_init(as);
    if (rc < 0) {
        lg_sdb_done(&as->db);
        lg_free(as);
        return lg_err_set(reterr, rc, "%s: %s", path, lg_err_name(rc));
    }
    (void)pthread_mutex_init(&as->used_lock, NULL);
    as->base.ops = &ops;
    as->base.admin = &as->admin;
    as->admin.ops = &lg_sqlite_admin_ops;
    rc = read_cursor_key(as);
    if (rc < 0) {
        store_close(&as->base);
        return lg_err_set(reterr, rc, "%s: %s: run `logster doctor`", path, lg_err_name(rc));
    }
    *ret = &as->base;
    return 0;
}

int lg_sqlite_restore(const char *backup, const char *path, struct lg_err *reterr)
{
    return lg_sdb_restore(backup, path, &lg_alert_migrations, reterr);
}
