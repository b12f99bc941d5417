#include <string.h>

#include "store/alert_dump.h"
#include "store/sqlite_alert_int.h"

const struct lg_dump_schema lg_dump_schemas[LG_DUMP_TABLE_COUNT] = {
        [LG_DUMP_TENANTS] = {"tenants", "ttii"},
        [LG_DUMP_TOKENS] = {"tokens", "tttttbiiiii"},
        [LG_DUMP_TENANT_REFS] = {"tenant_refs", "t"},
        [LG_DUMP_ENDPOINTS] = {"endpoints", "tttt"},
        [LG_DUMP_ALERTS] = {"alerts", "ibttiifiiiiiiitbbBoTTttttttttt"},
        [LG_DUMP_TEXTS] = {"alert_texts", "tib"},
        [LG_DUMP_TECHNIQUES] = {"alert_techniques", "tti"},
        [LG_DUMP_COUNTS] = {"alert_counts", "tii"},
        [LG_DUMP_INFERENCES] = {"alert_inferences", "tibifi"},
        [LG_DUMP_HISTORY] = {"alert_history", "tiittttt"},
        [LG_DUMP_OUTBOX] = {"outbox", "tttt"},
        [LG_DUMP_FEEDBACK] = {"feedback", "btbbotti"},
        [LG_DUMP_SUPPRESSIONS] = {"suppressions", "btttttttiioi"},
        [LG_DUMP_HITS] = {"suppression_hits", "tbbttfii"},
        [LG_DUMP_AUDIT] = {"audit", "iittttttb"},
        [LG_DUMP_SEARCHES] = {"searches", "bttttoii"},
        [LG_DUMP_DELIVERIES] = {"deliveries", "bttbtiiiit"},
        [LG_DUMP_SETTINGS] = {"settings", "tb"},
        [LG_DUMP_SESSIONS] = {"sessions", "btiii"},
};

static const char *const queries[LG_DUMP_TABLE_COUNT] = {
        [LG_DUMP_TENANTS] =
                "SELECT tenant_id, name, created_at, disabled_at FROM tenants ORDER BY tenant_id",
        [LG_DUMP_TOKENS] = "SELECT token_id, name, owner, grants, tenants, hash, created_at,"
                           " expires_at, revoked_at, first_used_at, last_used_at FROM tokens"
                           " ORDER BY token_id",
        [LG_DUMP_TENANT_REFS] = "SELECT tenant FROM tenant_refs ORDER BY tenant",
        [LG_DUMP_ENDPOINTS] = "SELECT t.tenant, e.endpoint, e.hostname, e.platform FROM endpoints"
                              " e JOIN tenant_refs t ON t.ref=e.tenant ORDER BY e.ref",
        [LG_DUMP_ALERTS] =
                "SELECT a.id, a.alert_id, t.tenant, e.endpoint, a.status, a.severity,"
                " a.attack_prob, a.first_seen, a.last_seen, a.received_at, a.created_at,"
                " a.updated_at, a.occurrences, a.version, a.fold_key, a.first_inference,"
                " a.last_inference, a.previous, a.recurrence, a.assignee, a.resolved_by,"
                " a.techniques, a.title, a.process, a.process_guid, a.process_hash, a.user,"
                " a.analyst_notes, a.description, a.evidence" LG_ALERT_FROM "ORDER BY a.id",
        [LG_DUMP_TEXTS] = "SELECT t.tenant, x.alert, x.text FROM alert_texts x JOIN tenant_refs t"
                          " ON t.ref=x.tenant ORDER BY x.alert",
        [LG_DUMP_TECHNIQUES] = "SELECT t.tenant, x.technique, x.alert FROM alert_techniques x JOIN"
                               " tenant_refs t ON t.ref=x.tenant ORDER BY t.tenant, x.technique,"
                               " x.alert",
        [LG_DUMP_COUNTS] = "SELECT t.tenant, c.status, c.n FROM alert_counts c JOIN tenant_refs t"
                           " ON t.ref=c.tenant WHERE c.n<>0 ORDER BY t.tenant, c.status",
        [LG_DUMP_INFERENCES] = "SELECT t.tenant, i.alert, i.inference, i.window_end,"
                               " i.attack_prob, i.at FROM alert_inferences i JOIN alerts a ON"
                               " a.id=i.alert JOIN tenant_refs t ON t.ref=a.tenant ORDER BY i.seq",
        [LG_DUMP_HISTORY] = "SELECT t.tenant, h.alert, h.at, h.actor, h.action, h.was, h.became,"
                            " h.notes FROM alert_history h JOIN alerts a ON a.id=h.alert JOIN"
                            " tenant_refs t ON t.ref=a.tenant ORDER BY h.seq",
        [LG_DUMP_OUTBOX] = "SELECT t.tenant, o.endpoint, o.change, o.json FROM outbox o JOIN"
                           " tenant_refs t ON t.ref=o.tenant ORDER BY o.seq",
        [LG_DUMP_FEEDBACK] = "SELECT f.feedback_id, t.tenant, f.alert_id, f.inference_id,"
                             " f.is_true_positive, f.note, f.author, f.created_at FROM feedback f"
                             " JOIN tenant_refs t ON t.ref=f.tenant ORDER BY f.seq",
        [LG_DUMP_SUPPRESSIONS] = "SELECT s.suppression_id, t.tenant, s.endpoint, s.process, s.hash,"
                                 " s.technique, s.owner, s.reason, s.created_at, s.expires_at,"
                                 " s.permanent, s.revoked_at FROM suppressions s JOIN tenant_refs t"
                                 " ON t.ref=s.tenant ORDER BY s.seq",
        [LG_DUMP_HITS] = "SELECT t.tenant, h.inference, s.suppression_id, h.endpoint, h.title,"
                         " h.attack_prob, h.window_end, h.at FROM suppression_hits h JOIN"
                         " suppressions s ON s.seq=h.suppression JOIN tenant_refs t ON"
                         " t.ref=s.tenant ORDER BY h.seq",
        [LG_DUMP_AUDIT] = "SELECT seq, at, tenant, actor, action, target, detail, request_id, hash"
                          " FROM audit ORDER BY seq",
        [LG_DUMP_SEARCHES] = "SELECT s.search_id, t.tenant, s.owner, s.name, s.query, s.shared,"
                             " s.created_at, s.updated_at FROM searches s JOIN tenant_refs t ON"
                             " t.ref=s.tenant ORDER BY s.search_id",
        [LG_DUMP_DELIVERIES] = "SELECT d.delivery_id, t.tenant, d.target, d.alert_id, d.body,"
                               " d.state, d.attempts, d.next_at, d.created_at, d.last_error FROM"
                               " deliveries d JOIN tenant_refs t ON t.ref=d.tenant ORDER BY d.seq",
        [LG_DUMP_SETTINGS] = "SELECT key, value FROM settings WHERE key<>'cursor_key' ORDER BY key",
        [LG_DUMP_SESSIONS] = "SELECT hash, token_id, created_at, expires_at, seen_at FROM sessions"
                             " ORDER BY hash",
};

static void read_value(struct lg_q *q, int i, char kind, struct lg_dump_value *v)
{
    *v = (struct lg_dump_value){.missing = lg_q_col_null(q, i)};
    switch (kind) {
    case 'i':
    case 'o':
        v->i = lg_q_col_i64(q, i);
        break;
    case 'f':
        v->f = lg_q_col_f64(q, i);
        break;
    default:
        v->s = lg_q_col_str(q, i);
        break;
    }
}

int lg_sqlite_alert_dump(
        struct lg_alert_store *st, enum lg_dump_table table, lg_dump_row row, void *user)
{
    const char *kinds = lg_dump_schemas[table].kinds;
    struct lg_dump_value v[LG_DUMP_COLUMNS_MAX];
    unsigned n = (unsigned)strlen(kinds);
    struct lg_view view;
    struct lg_q q;
    int rc = lg_view_open_internal(&view, &lg_alerts_of(st)->db);

    if (rc < 0)
        return rc;
    lg_q_open(&q, view.c, queries[table]);
    while ((rc = lg_q_step(&q)) > 0) {
        for (unsigned i = 0; i < n; i++)
            read_value(&q, (int)i, kinds[i], &v[i]);
        rc = row(user, v, n);
        if (rc < 0)
            break;
    }
    lg_q_done(&q);
    lg_view_done(&view);
    return rc < 0 ? rc : 0;
}
