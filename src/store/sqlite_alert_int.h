#ifndef LG_STORE_SQLITE_ALERT_INT_H
#define LG_STORE_SQLITE_ALERT_INT_H

#include <stdatomic.h>

#include "crypto/chain.h"
#include "store/admin_store.h"
#include "store/alert_columns.h"
#include "store/alert_store.h"
#include "store/sqlite_int.h"

/* The copy of what lists look at (sqlite_alert_index.c). */
struct lg_alert_index {
    pthread_rwlock_t lock;            /* columns and change */
    struct lg_alert_columns *columns; /* NULL: not loaded */
    int64_t change;                   /* they hold all changes up to this one */
    /* Settings: as many alerts are read while a list waits, more of them beside it; bytes that the
     * columns may take. */
    uint32_t inline_rows;
    size_t max_bytes;
    pthread_mutex_t loader_lock; /* the rest */
    pthread_t loader;
    bool has_loader;
    atomic_bool loading, too_big, closing;
};

/* alerts.db behind both interfaces. */
struct lg_sqlite_alerts {
    struct lg_alert_store base;
    struct lg_admin_store admin;
    struct lg_sdb db;
    uint8_t cursor_key[32]; /* made with the file: cursors of one store are no use to another */
    pthread_mutex_t used_lock;
    struct lg_alert_index index;
};

extern const struct lg_migrations lg_alert_migrations;
extern const struct lg_admin_store_ops lg_sqlite_admin_ops;

static inline struct lg_sqlite_alerts *lg_alerts_of(struct lg_alert_store *st)
{
    return (struct lg_sqlite_alerts *)(void *)st;
}
static inline struct lg_sqlite_alerts *lg_admin_of(struct lg_admin_store *st)
{
    return (struct lg_sqlite_alerts *)(void *)((char *)st -
            offsetof(struct lg_sqlite_alerts, admin));
}

/* Columns of an alert in the order that lg_alert_row_read wants; from `alerts a`. */
#define LG_ALERT_COLUMNS                                                                           \
    "a.alert_id, t.tenant, e.endpoint, e.hostname, e.platform, a.severity, a.status, a.title,"     \
    " a.description, a.attack_prob, a.first_seen, a.last_seen, a.received_at, a.created_at,"       \
    " a.updated_at, a.occurrences, a.techniques, a.evidence, a.fold_key, a.process,"               \
    " a.process_guid, a.process_hash, a.user, a.assignee, a.resolved_by, a.analyst_notes,"         \
    " a.first_inference, a.last_inference, a.previous, a.recurrence, a.version, a.tenant, a.id"
#define LG_ALERT_FROM                                                                              \
    " FROM alerts a JOIN tenant_refs t ON t.ref=a.tenant JOIN endpoints e ON e.ref=a.endpoint "
#define LG_ALERT_COL_TENANT 31
#define LG_ALERT_COL_ID 32
int lg_alert_row_read(struct lg_q *q, struct lg_arena *a, struct lg_alert *ret) LG_MUST_CHECK;
/* The alert with this id when the view sees it; LG_ENOENT. *ret_key is its row. */
int lg_alert_row_get(struct lg_view *v, const struct lg_uuid *id, struct lg_arena *a,
        struct lg_alert *ret, int64_t *ret_key) LG_MUST_CHECK;

/* Ref of a tenant, made when missing (writer). */
int lg_tenant_ref(struct lg_conn *c, struct lg_str tenant, int64_t *ret) LG_MUST_CHECK;
int lg_alert_outbox(struct lg_conn *c, int64_t tenant, const struct lg_alert *al,
        const char *change) LG_MUST_CHECK;
int lg_alert_history_add(struct lg_conn *c, int64_t key, lg_time at, struct lg_str actor,
        const char *action, struct lg_str from, struct lg_str to,
        struct lg_str notes) LG_MUST_CHECK;
/* Writes what may change of an alert. `was_techniques`: what the row had. */
int lg_alert_row_update(struct lg_conn *c, int64_t key, int64_t tenant, const struct lg_alert *al,
        bool face_changed) LG_MUST_CHECK;

/* The writer's view of `sc` inside a transaction: what a change may touch. */
int lg_view_of_writer(struct lg_view *v, struct lg_sdb *db, struct lg_conn *c,
        const struct lg_scope *sc, struct lg_str filter) LG_MUST_CHECK;
void lg_view_of_writer_done(struct lg_view *v);

/* One statement as a transaction: bind between the two. end: LG_ENOENT where `must_change` and no
 * row did. */
int lg_admin_begin(struct lg_admin_store *st, const char *sql, struct lg_q *q) LG_MUST_CHECK;
int lg_admin_end(struct lg_admin_store *st, struct lg_q *q, bool must_change) LG_MUST_CHECK;

/*
 * Rows of a query, gathered in an arena: `read` makes one of size `size` from the query's columns.
 * lg_rows_read takes the query to its end, adds to what is there, and closes it. 0 or an error.
 */
struct lg_rows {
    size_t size;
    int (*read)(struct lg_q *q, struct lg_arena *a, void *row);
    void *v; /* NULL where there are none */
    uint32_t n, cap;
};
int lg_rows_read(struct lg_q *q, struct lg_arena *a, struct lg_rows *r) LG_MUST_CHECK;

/* sqlite_alert_index.c. open: a view as lg_view_open gives it; 1: and the columns in the very state
 * that it sees, until leave; 0: there are none now, ask the file. */
int lg_alert_index_init(struct lg_sqlite_alerts *as) LG_MUST_CHECK;
void lg_alert_index_done(struct lg_sqlite_alerts *as);
int lg_alert_index_open(struct lg_sqlite_alerts *as, struct lg_view *v, const struct lg_scope *sc,
        struct lg_str filter) LG_MUST_CHECK;
void lg_alert_index_leave(struct lg_sqlite_alerts *as);
/* Are there columns? (tests, benches) */
bool lg_alert_index_ready(struct lg_sqlite_alerts *as);

/* sqlite_alert_write.c, _list.c, _read.c, _rules.c */
int lg_sqlite_alert_apply(struct lg_alert_store *st, struct lg_apply *items, size_t n,
        int64_t fold_gap_ns, lg_time now, struct lg_err *reterr);
int lg_sqlite_alert_patch(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, const struct lg_alert_patch *p, struct lg_arena *a,
        struct lg_alert *ret, unsigned *reterr_steps);
int lg_sqlite_outbox_read(struct lg_alert_store *st, uint64_t after, uint32_t max,
        struct lg_arena *a, struct lg_outbox_row **ret, uint32_t *ret_n);
int lg_sqlite_outbox_ack(struct lg_alert_store *st, uint64_t up_to);
int lg_sqlite_alert_list(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_alert_query *q, struct lg_arena *a, struct lg_alert_page *ret);
int lg_sqlite_alert_count(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_str tenant, unsigned statuses, uint64_t *ret);
int lg_sqlite_alert_get(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, struct lg_arena *a, struct lg_alert *ret);
int lg_sqlite_alert_history(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, struct lg_arena *a, struct lg_alert_history **ret,
        uint32_t *ret_n);
int lg_sqlite_alert_of(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *inferences, uint32_t n, struct lg_uuid *ret);
int lg_sqlite_alert_inferences(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_uuid **ret,
        uint32_t *ret_n);
int lg_sqlite_alert_similar(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_alert **ret,
        uint32_t *ret_n);
int lg_sqlite_alert_endpoints(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_str tenant, struct lg_arena *a, struct lg_endpoint_alerts **ret, uint32_t *ret_n);
int lg_sqlite_feedback_add(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_feedback *f, struct lg_arena *a);
int lg_sqlite_feedback_list(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_feedback_query *q, struct lg_arena *a, struct lg_feedback **ret,
        uint32_t *ret_n, uint64_t *ret_last);
/* sqlite_quality.c */
int lg_sqlite_quality(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_quality_query *q, struct lg_arena *a, struct lg_quality *ret);
int lg_sqlite_suppression_add(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_suppression *s, struct lg_err *reterr);
int lg_sqlite_suppression_list(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_str tenant, struct lg_arena *a, struct lg_suppression **ret, uint32_t *ret_n);
int lg_sqlite_suppression_revoke(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, lg_time now);
int lg_sqlite_suppression_hits(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_suppression_hit **ret,
        uint32_t *ret_n);
int lg_sqlite_suppression_preview(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_suppression *s, lg_time from, uint32_t max, struct lg_arena *a,
        struct lg_alert **ret, uint32_t *ret_n, uint64_t *ret_total);
/* sqlite_audit.c */
int lg_sqlite_audit_append(struct lg_admin_store *st, const struct lg_audit_row *rows, size_t n);
int lg_sqlite_audit_list(struct lg_admin_store *st, const struct lg_scope *sc,
        const struct lg_audit_query *aq, struct lg_arena *a, struct lg_audit_row **ret,
        uint32_t *ret_n);
int lg_sqlite_audit_verify(struct lg_admin_store *st, struct lg_audit_check *ret);
/* sqlite_session.c */
int lg_sqlite_session_put(struct lg_admin_store *st, const struct lg_session_row *s);
int lg_sqlite_session_seen(struct lg_admin_store *st, const uint8_t hash[32], lg_time seen_at);
int lg_sqlite_session_delete(struct lg_admin_store *st, const uint8_t hash[32]);
int lg_sqlite_session_purge(struct lg_admin_store *st, lg_time now, lg_time seen_before);
int lg_sqlite_session_all(struct lg_admin_store *st, uint32_t max, struct lg_arena *a,
        struct lg_session_row **ret, uint32_t *ret_n);
/* Rules in force in a tenant at `now`, in the arena (writer or reader). */
int lg_suppressions_active(struct lg_conn *c, int64_t tenant, lg_time now, struct lg_arena *a,
        struct lg_suppression **ret, uint32_t *ret_n) LG_MUST_CHECK;

#endif
