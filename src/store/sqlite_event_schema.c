#include "store/sqlite_event_int.h"

#define WRITE_ONCE(table)                                                                          \
    "CREATE TRIGGER " table "_no_update BEFORE UPDATE ON " table                                   \
    " BEGIN SELECT RAISE(ABORT, '" table " is write-once'); END;"                                  \
    "CREATE TRIGGER " table "_no_delete BEFORE DELETE ON " table                                   \
    " BEGIN SELECT RAISE(ABORT, '" table " is write-once'); END"

/* Every table is write-once; a batch's row names the ranges of what it added. Times of rows are
 * small offsets: of the millisecond (events), of the day in ms (received). */
static const char *const v1[] = {
        "CREATE TABLE tenant_refs(ref INTEGER PRIMARY KEY, tenant TEXT NOT NULL UNIQUE)",
        WRITE_ONCE("tenant_refs"),
        "CREATE TABLE endpoints(ref INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, endpoint TEXT "
        "NOT NULL, hostname TEXT NOT NULL, platform INTEGER NOT NULL, UNIQUE(tenant, endpoint))",
        WRITE_ONCE("endpoints"),
        /* fold: hash of the case-folded text; base: that of a path's last part */
        "CREATE TABLE strings(ref INTEGER PRIMARY KEY, fold INTEGER NOT NULL, base INTEGER, "
        "text TEXT NOT NULL)",
        "CREATE INDEX strings_fold ON strings(fold)",
        "CREATE INDEX strings_base ON strings(base) WHERE base IS NOT NULL",
        WRITE_ONCE("strings"),
        "CREATE TABLE blocks(id INTEGER PRIMARY KEY, size INTEGER NOT NULL, data BLOB NOT NULL)",
        WRITE_ONCE("blocks"),
        "CREATE TABLE events(id INTEGER PRIMARY KEY, event_id BLOB NOT NULL, off INTEGER NOT "
        "NULL, received INTEGER NOT NULL, endpoint INTEGER NOT NULL, type INTEGER NOT NULL, loc "
        "INTEGER NOT NULL, sum INTEGER NOT NULL, image INTEGER, user INTEGER, proc INTEGER, "
        "hash INTEGER, dest INTEGER, addr INTEGER, shift INTEGER)",
        "CREATE INDEX events_endpoint ON events(endpoint)",
        WRITE_ONCE("events"),
        "CREATE TABLE terms(seq INTEGER PRIMARY KEY, term INTEGER NOT NULL, kind INTEGER NOT "
        "NULL, endpoint INTEGER NOT NULL, hour INTEGER NOT NULL, first INTEGER NOT NULL)",
        "CREATE UNIQUE INDEX terms_term ON terms(term, kind, endpoint, hour)",
        "CREATE INDEX terms_endpoint ON terms(endpoint, kind, term, hour, first)",
        WRITE_ONCE("terms"),
        "CREATE TABLE processes(event INTEGER PRIMARY KEY, endpoint INTEGER NOT NULL, guid "
        "INTEGER, pid INTEGER NOT NULL, parent_guid INTEGER, ppid INTEGER NOT NULL, image "
        "INTEGER, parent_image INTEGER, user INTEGER, hash INTEGER, command TEXT NOT NULL)",
        "CREATE INDEX processes_guid ON processes(endpoint, guid)",
        "CREATE INDEX processes_time ON processes(endpoint, event)",
        WRITE_ONCE("processes"),
        "CREATE TABLE inferences(id INTEGER PRIMARY KEY, inference_id BLOB NOT NULL UNIQUE, "
        "endpoint INTEGER NOT NULL, window_start INTEGER NOT NULL, window_end INTEGER NOT NULL, "
        "received INTEGER NOT NULL, prediction INTEGER NOT NULL, attack_prob REAL, confidence "
        "REAL, severity INTEGER, nodes INTEGER NOT NULL, edges INTEGER NOT NULL, time_ms REAL "
        "NOT NULL, loc INTEGER NOT NULL, sum INTEGER NOT NULL)",
        "CREATE INDEX inferences_endpoint ON inferences(endpoint)",
        "CREATE INDEX inferences_attack ON inferences(prediction) WHERE prediction=1",
        WRITE_ONCE("inferences"),
        "CREATE TABLE inference_techniques(technique TEXT NOT NULL, inference INTEGER "
        "NOT NULL, PRIMARY KEY(inference, technique)) WITHOUT ROWID",
        WRITE_ONCE("inference_techniques"),
        "CREATE TABLE contexts(inference INTEGER PRIMARY KEY, data BLOB NOT NULL)",
        WRITE_ONCE("contexts"),
        "CREATE TABLE batches(batch INTEGER PRIMARY KEY, at INTEGER NOT NULL, n_events INTEGER "
        "NOT NULL, n_inferences INTEGER NOT NULL, displaced INTEGER NOT NULL, last_block "
        "INTEGER NOT NULL, last_string INTEGER NOT NULL, last_endpoint INTEGER NOT NULL, "
        "last_tenant INTEGER NOT NULL, last_term INTEGER NOT NULL, events BLOB NOT NULL, "
        "inferences BLOB NOT NULL, hash BLOB NOT NULL)",
        WRITE_ONCE("batches"),
        NULL,
};

static const char *const *const steps[] = {v1};

const struct lg_migrations lg_day_migrations = {
        steps, sizeof(steps) / sizeof(*steps), 0x4c674576 /* "LgEv" */};
