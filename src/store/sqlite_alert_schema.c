#include "store/sqlite_alert_int.h"

#define WRITE_ONCE(table)                                                                          \
    "CREATE TRIGGER " table "_no_update BEFORE UPDATE ON " table                                   \
    " BEGIN SELECT RAISE(ABORT, '" table " is write-once'); END;"                                  \
    "CREATE TRIGGER " table "_no_delete BEFORE DELETE ON " table                                   \
    " BEGIN SELECT RAISE(ABORT, '" table " is write-once'); END"

/*
 * Version 1. Times are ns since 1970; ids are 16 bytes; an alert's row is the first 63 bits of its
 * id, so that a page's cursor tells nothing of other tenants. Each way to sort has an index that
 * begins with the tenant and covers every column that a filter looks at.
 */
static const char *const v1[] = {
        "CREATE TABLE tenant_refs(ref INTEGER PRIMARY KEY, tenant TEXT NOT NULL UNIQUE)",
        "CREATE TABLE endpoints(ref INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, endpoint TEXT "
        "NOT NULL, hostname TEXT NOT NULL, platform TEXT NOT NULL, UNIQUE(tenant, endpoint))",
        "CREATE TABLE alerts(id INTEGER PRIMARY KEY, alert_id BLOB NOT NULL, tenant INTEGER NOT "
        "NULL, endpoint INTEGER NOT NULL, status INTEGER NOT NULL, severity INTEGER NOT NULL, "
        "attack_prob REAL NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, "
        "received_at INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT "
        "NULL, occurrences INTEGER NOT NULL, version INTEGER NOT NULL, fold_key TEXT NOT NULL, "
        "first_inference BLOB NOT NULL, last_inference BLOB NOT NULL, previous BLOB, recurrence "
        "INTEGER NOT NULL, assignee TEXT, resolved_by TEXT, techniques TEXT NOT NULL, title "
        "TEXT NOT NULL, process TEXT NOT NULL, process_guid TEXT NOT NULL, process_hash TEXT "
        "NOT NULL, user TEXT NOT NULL, analyst_notes TEXT NOT NULL, description TEXT NOT NULL, "
        "evidence TEXT NOT NULL)",
        "CREATE INDEX alerts_last_seen ON alerts(tenant, last_seen, id, status, severity, "
        "endpoint, first_seen, received_at)",
        "CREATE INDEX alerts_first_seen ON alerts(tenant, first_seen, id, status, severity, "
        "endpoint, last_seen, received_at)",
        "CREATE INDEX alerts_received_at ON alerts(tenant, received_at, id, status, severity, "
        "endpoint, first_seen, last_seen)",
        "CREATE INDEX alerts_created_at ON alerts(tenant, created_at, id, status, severity, "
        "endpoint, first_seen, last_seen, received_at)",
        "CREATE INDEX alerts_updated_at ON alerts(tenant, updated_at, id, status, severity, "
        "endpoint, first_seen, last_seen, received_at)",
        "CREATE INDEX alerts_severity ON alerts(tenant, severity, last_seen, id, status, "
        "endpoint, first_seen, received_at)",
        "CREATE INDEX alerts_attack_prob ON alerts(tenant, attack_prob, last_seen, id, status, "
        "severity, endpoint, first_seen, received_at)",
        "CREATE INDEX alerts_occurrences ON alerts(tenant, occurrences, last_seen, id, status, "
        "severity, endpoint, first_seen, received_at)",
        "CREATE INDEX alerts_endpoint ON alerts(tenant, endpoint, status, severity, last_seen, "
        "first_seen, received_at)",
        "CREATE INDEX alerts_fold ON alerts(tenant, fold_key, last_seen)",
        "CREATE INDEX alerts_assignee ON alerts(tenant, assignee) WHERE assignee IS NOT NULL",
        /* A technique and its parent, so that both are found by equality. */
        "CREATE TABLE alert_techniques(tenant INTEGER NOT NULL, technique TEXT NOT NULL, alert "
        "INTEGER NOT NULL, PRIMARY KEY(tenant, technique, alert)) WITHOUT ROWID",
        /* Folded text for search, apart from the wide rows. */
        "CREATE TABLE alert_texts(tenant INTEGER NOT NULL, alert INTEGER NOT NULL, text TEXT "
        "NOT NULL, PRIMARY KEY(tenant, alert)) WITHOUT ROWID",
        /* Exact totals for the documented parameters. */
        "CREATE TABLE alert_counts(tenant INTEGER NOT NULL, status INTEGER NOT NULL, n INTEGER "
        "NOT NULL, PRIMARY KEY(tenant, status)) WITHOUT ROWID",
        "CREATE TRIGGER alerts_counted AFTER INSERT ON alerts BEGIN INSERT INTO alert_counts "
        "VALUES(new.tenant, new.status, 1) ON CONFLICT DO UPDATE SET n=n+1; END",
        "CREATE TRIGGER alerts_recounted AFTER UPDATE OF status ON alerts WHEN "
        "new.status<>old.status BEGIN UPDATE alert_counts SET n=n-1 WHERE tenant=old.tenant AND "
        "status=old.status; INSERT INTO alert_counts VALUES(new.tenant, new.status, 1) ON "
        "CONFLICT DO UPDATE SET n=n+1; END",
        "CREATE TRIGGER alerts_no_delete BEFORE DELETE ON alerts BEGIN SELECT RAISE(ABORT, "
        "'alerts are never deleted'); END",
        "CREATE TRIGGER alerts_fixed BEFORE UPDATE OF id, alert_id, tenant, endpoint, fold_key, "
        "first_inference, created_at, previous ON alerts BEGIN SELECT RAISE(ABORT, 'identity of "
        "an alert is write-once'); END",
        "CREATE TABLE alert_inferences(seq INTEGER PRIMARY KEY AUTOINCREMENT, alert INTEGER NOT "
        "NULL, inference BLOB NOT NULL UNIQUE, window_end INTEGER NOT NULL, attack_prob REAL "
        "NOT NULL, at INTEGER NOT NULL)",
        "CREATE INDEX alert_inferences_alert ON alert_inferences(alert)",
        WRITE_ONCE("alert_inferences"),
        "CREATE TABLE alert_history(seq INTEGER PRIMARY KEY AUTOINCREMENT, alert INTEGER NOT "
        "NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, was TEXT NOT "
        "NULL, became TEXT NOT NULL, notes TEXT NOT NULL)",
        "CREATE INDEX alert_history_alert ON alert_history(alert)",
        WRITE_ONCE("alert_history"),
        "CREATE TABLE outbox(seq INTEGER PRIMARY KEY AUTOINCREMENT, tenant INTEGER NOT NULL, "
        "endpoint TEXT NOT NULL, change TEXT NOT NULL, json TEXT NOT NULL)",
        "CREATE TABLE feedback(seq INTEGER PRIMARY KEY AUTOINCREMENT, feedback_id BLOB NOT NULL "
        "UNIQUE, tenant INTEGER NOT NULL, alert_id BLOB NOT NULL, inference_id BLOB NOT NULL, "
        "is_true_positive INTEGER NOT NULL, note TEXT NOT NULL, author TEXT NOT NULL, "
        "created_at INTEGER NOT NULL)",
        "CREATE INDEX feedback_tenant ON feedback(tenant, seq)",
        "CREATE INDEX feedback_alert ON feedback(alert_id)",
        WRITE_ONCE("feedback"),
        "CREATE TABLE suppressions(seq INTEGER PRIMARY KEY AUTOINCREMENT, suppression_id BLOB "
        "NOT NULL UNIQUE, tenant INTEGER NOT NULL, endpoint TEXT NOT NULL, process TEXT NOT "
        "NULL, hash TEXT NOT NULL, technique TEXT NOT NULL, owner TEXT NOT NULL, reason TEXT "
        "NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, permanent INTEGER "
        "NOT NULL, revoked_at INTEGER NOT NULL)",
        "CREATE INDEX suppressions_tenant ON suppressions(tenant, seq)",
        "CREATE TRIGGER suppressions_no_delete BEFORE DELETE ON suppressions BEGIN SELECT "
        "RAISE(ABORT, 'suppressions are revoked, not deleted'); END",
        "CREATE TABLE suppression_hits(seq INTEGER PRIMARY KEY AUTOINCREMENT, inference BLOB "
        "NOT NULL UNIQUE, suppression INTEGER NOT NULL, endpoint TEXT NOT NULL, title TEXT NOT "
        "NULL, attack_prob REAL NOT NULL, window_end INTEGER NOT NULL, at INTEGER NOT NULL)",
        "CREATE INDEX suppression_hits_rule ON suppression_hits(suppression, seq)",
        WRITE_ONCE("suppression_hits"),
        "CREATE TABLE tenants(tenant_id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at "
        "INTEGER NOT NULL, disabled_at INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE tokens(token_id TEXT PRIMARY KEY, name TEXT NOT NULL, owner TEXT NOT "
        "NULL, grants TEXT NOT NULL, tenants TEXT NOT NULL, hash BLOB NOT NULL, created_at "
        "INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER NOT NULL, "
        "first_used_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE audit(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, tenant TEXT NOT NULL, "
        "actor TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL, "
        "request_id TEXT NOT NULL, hash BLOB NOT NULL)",
        "CREATE INDEX audit_tenant ON audit(tenant, seq)",
        WRITE_ONCE("audit"),
        "CREATE TABLE searches(search_id BLOB PRIMARY KEY, tenant INTEGER NOT NULL, owner TEXT "
        "NOT NULL, name TEXT NOT NULL, query TEXT NOT NULL, shared INTEGER NOT NULL, created_at "
        "INTEGER NOT NULL, updated_at INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE INDEX searches_tenant ON searches(tenant, name)",
        "CREATE TABLE deliveries(seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery_id BLOB NOT "
        "NULL UNIQUE, tenant INTEGER NOT NULL, target TEXT NOT NULL, alert_id BLOB NOT NULL, "
        "body TEXT NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER "
        "NOT NULL, created_at INTEGER NOT NULL, last_error TEXT NOT NULL)",
        "CREATE INDEX deliveries_due ON deliveries(next_at) WHERE state=0",
        "CREATE INDEX deliveries_tenant ON deliveries(tenant, seq)",
        "CREATE TABLE settings(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
        "INSERT INTO settings VALUES('cursor_key', randomblob(32))",
        NULL,
};

/* Version 2: the dashboard's sessions. */
static const char *const v2[] = {
        "CREATE TABLE sessions(hash BLOB PRIMARY KEY, token_id TEXT NOT NULL, created_at INTEGER "
        "NOT NULL, expires_at INTEGER NOT NULL, seen_at INTEGER NOT NULL) WITHOUT ROWID",
        NULL,
};

/*
 * Version 3: each change of an alert gets the next number, so that who holds a copy in memory
 * (sqlite_alert_index.c) finds what has changed since. Alerts of older versions have 0. The index
 * holds all of the copy but the text: it grows at its end, and is read without the wide rows.
 */
static const char *const v3[] = {
        "ALTER TABLE alerts ADD COLUMN change INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX alerts_change ON alerts(change, tenant, endpoint, status, severity, "
        "attack_prob, first_seen, last_seen, received_at, created_at, updated_at, occurrences, "
        "assignee, techniques)",
        NULL,
};

static const char *const *const steps[] = {v1, v2, v3};

const struct lg_migrations lg_alert_migrations = {
        steps, sizeof(steps) / sizeof(*steps), 0x4c67416c /* "LgAl" */};
