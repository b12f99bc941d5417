#ifndef LG_POSTGRES_INT_H
#define LG_POSTGRES_INT_H

#include <libpq-fe.h>
#include <pthread.h>

#include "access/scope.h"
#include "base/map.h"
#include "postgres/postgres.h"
#include "store/alert_common.h"

/* What the files of src/postgres share. */

#define LG_PG_ALL LG_STR("*")

/* A connection with the statements that it has prepared. Its holder's. */
struct lg_pg_conn {
    PGconn *pq;
    struct lg_map prepared; /* hash of text and types -> 1 */
    struct lg_pg_conn *next;
    uint32_t timeout_ms; /* of one statement */
    bool silent;         /* dead, because the server took too long */
    bool dead;           /* not to be used again */
    char state[6];       /* SQLSTATE of the last failure */
    char told[200];      /* and its message */
};

/* The pool. */
struct lg_pg {
    const char *words[24], *values[24]; /* of the connection string, NULL ends; owned */
    char *schema;                       /* valid as an identifier without quotes */
    int64_t lock_base;                  /* advisory locks of this schema */
    uint32_t pool_size, statement_timeout_ms;
    pthread_mutex_t lock;
    pthread_cond_t given; /* a connection came back, or one may be made */
    struct lg_pg_conn *idle;
    uint32_t n_open;
    int64_t next_try, delay; /* monotonic ns: no new connection before; by how much it grows */
    char told[200];          /* why the last one could not be made */
};

/* The options as a pool without a connection; owned, lg_pg_free. LG_EINVAL, LG_ENOMEM. */
int lg_pg_new(const struct lg_postgres_options *o, struct lg_pg **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_pg_free(struct lg_pg *pg);
/* A connection; LG_EIO while the server is away, LG_EAGAIN when all are busy for too long. */
int lg_pg_take(struct lg_pg *pg, struct lg_pg_conn **ret) LG_MUST_CHECK;
void lg_pg_give(struct lg_pg *pg, struct lg_pg_conn *c);
/* One command without values. */
int lg_pg_exec(struct lg_pg_conn *c, const char *sql) LG_MUST_CHECK;
/* Waits for what was sent; *ret is its last result, whatever that is. LG_EIO: the connection is
 * dead; it is too when the server does not answer in time. */
int lg_pg_await(struct lg_pg_conn *c, PGresult **ret) LG_MUST_CHECK;
/* The result's failure as one of our codes, noted in the connection; 0 where it is none. */
int lg_pg_code(struct lg_pg_conn *c, const PGresult *r);
/*
 * A transaction, and the tenants that may be seen in it: `tenants` is "*" or names with commas, for
 * queries as $1 and for row-level security as the setting logster.tenants. Reading ones see one
 * state of the database; writing ones are READ COMMITTED and lock what they change.
 */
struct lg_pg_tx {
    struct lg_pg *pg;
    struct lg_pg_conn *c;
    bool writes;
    struct lg_str tenants;
    struct lg_buf tenants_buf;
    struct lg_arena scratch;
    uint32_t posted; /* statements under way whose results nobody has looked at */
    bool piped;      /* the connection is in pipeline mode for them */
};
/* 1: begun, end it. 0: the scope sees nothing of `filter` (empty: all of it), there is nothing to
 * ask and nothing to end. */
int lg_pg_begin(struct lg_pg_tx *tx, struct lg_pg *pg, bool writes, const struct lg_scope *sc,
        struct lg_str filter) LG_MUST_CHECK;
/* For our own services: all tenants. */
int lg_pg_begin_all(struct lg_pg_tx *tx, struct lg_pg *pg, bool writes) LG_MUST_CHECK;
/* What follows in it may take long (verify, migrate): an hour a statement. */
int lg_pg_patient(struct lg_pg_tx *tx) LG_MUST_CHECK;
/* Commits, with `rc` < 0 rolls back. Returns rc or the commit's error. */
int lg_pg_end(struct lg_pg_tx *tx, int rc) LG_MUST_CHECK;

/* The tenants of the transaction that have content, as a set: $1 is its first parameter, which
 * lg_pg_q_open_scoped binds. The first wall; row-level security is the second. */
#define LG_PG_SEEN                                                                                 \
    "(SELECT r.tenant FROM tenant_refs r WHERE CASE WHEN $1='*' THEN r.visible ELSE"               \
    " r.tenant=ANY(string_to_array($1,',')) END)"

/* A statement: bind in order, step, read columns, done. The first failure sticks. */
#define LG_PG_PARAMS 48
struct lg_pg_q {
    struct lg_pg_tx *tx;
    const char *sql;
    bool once; /* do not prepare: the text is one of many */
    bool asked;
    int n, row, rc;
    PGresult *res;
    const char *values[LG_PG_PARAMS];
    int lengths[LG_PG_PARAMS], formats[LG_PG_PARAMS];
    Oid types[LG_PG_PARAMS];
    uint64_t numbers[LG_PG_PARAMS]; /* in network order */
};
void lg_pg_q_open(struct lg_pg_q *q, struct lg_pg_tx *tx, const char *sql);
void lg_pg_q_open_scoped(struct lg_pg_q *q, struct lg_pg_tx *tx, const char *sql);
void lg_pg_q_i64(struct lg_pg_q *q, int64_t v);
void lg_pg_q_f64(struct lg_pg_q *q, double v);
void lg_pg_q_bool(struct lg_pg_q *q, bool v);
/* As text: what text cannot hold goes in escaped (text.c). Borrowed until the first step. */
void lg_pg_q_str(struct lg_pg_q *q, struct lg_str s);
void lg_pg_q_str_null(struct lg_pg_q *q, struct lg_str s); /* empty: NULL */
void lg_pg_q_blob(struct lg_pg_q *q, const void *p, size_t n);
void lg_pg_q_uuid(struct lg_pg_q *q, const struct lg_uuid *id);
void lg_pg_q_null(struct lg_pg_q *q, Oid type);
int lg_pg_q_step(struct lg_pg_q *q) LG_MUST_CHECK; /* 1: a row, 0: no more, < 0 */
void lg_pg_q_done(struct lg_pg_q *q);
/* One run whose result is only looked at with the next question or at the end, and fails that: what
 * goes out need not wait. Then done. */
int lg_pg_q_post(struct lg_pg_q *q) LG_MUST_CHECK;
/* Many runs of one statement without waiting for each: open; bind and send for each row, flush now
 * and then; close, after an error too. Nothing else may be asked meanwhile. */
int lg_pg_pipe_open(struct lg_pg_q *q, struct lg_pg_tx *tx, const char *sql, const Oid *types,
        int n) LG_MUST_CHECK;
int lg_pg_pipe_send(struct lg_pg_q *q) LG_MUST_CHECK;
int lg_pg_pipe_flush(struct lg_pg_q *q) LG_MUST_CHECK; /* answers of all that was sent */
int lg_pg_pipe_close(struct lg_pg_q *q) LG_MUST_CHECK;
/* One step, then done: how many rows it changed or gave. */
int64_t lg_pg_q_run(struct lg_pg_q *q) LG_MUST_CHECK;

int64_t lg_pg_q_col_i64(const struct lg_pg_q *q, int i); /* any whole number, boolean; NULL: 0 */
double lg_pg_q_col_f64(const struct lg_pg_q *q, int i);
bool lg_pg_q_col_null(const struct lg_pg_q *q, int i);
struct lg_str lg_pg_q_col_raw(const struct lg_pg_q *q, int i); /* as stored; until done */
/* In the arena, texts unescaped. */
int lg_pg_q_col_dup(
        const struct lg_pg_q *q, int i, struct lg_arena *a, struct lg_str *ret) LG_MUST_CHECK;
int lg_pg_q_col_fixed(const struct lg_pg_q *q, int i, void *ret, size_t n) LG_MUST_CHECK;

/* Rows of a query, gathered in an arena, as lg_rows of SQLite. */
struct lg_pg_rows {
    size_t size;
    int (*read)(const struct lg_pg_q *q, struct lg_arena *a, void *row);
    void *v;
    uint32_t n, cap;
};
int lg_pg_rows_read(struct lg_pg_q *q, struct lg_arena *a, struct lg_pg_rows *r) LG_MUST_CHECK;

/* text.c: text columns hold every string: a NUL, a byte that is not UTF-8 and U+001A itself are
 * written as U+001A and two hex digits. Equal strings stay equal, different ones different. */
bool lg_pg_text_plain(struct lg_str s);
void lg_pg_text_escape(struct lg_str s, struct lg_buf *out);
int lg_pg_text_unescape(struct lg_str s, struct lg_buf *out) LG_MUST_CHECK; /* LG_ECORRUPT */

/* schema.c */
int lg_pg_schema_ready(struct lg_pg *pg, struct lg_err *reterr) LG_MUST_CHECK;
/* Like it, and tells whether it changed anything. */
int lg_pg_schema_upgrade(struct lg_pg *pg, bool *ret_changed, struct lg_err *reterr) LG_MUST_CHECK;
extern const int lg_pg_schema_version;

/* ---- the store ---- */
struct lg_pg_store {
    struct lg_alert_store base;
    struct lg_admin_store admin;
    struct lg_pg *pg;
    uint8_t cursor_key[32];
    uint32_t few;   /* alerts with a text that are sorted rather than met on the way */
    char owner[33]; /* of leases: this store */
    pthread_mutex_t doubt_lock;
    bool doubt;                             /* an audit append was not answered */
    uint8_t doubt_rows[32], doubt_hash[32]; /* digest of its rows; hash of the last one */
};
extern const struct lg_admin_store_ops lg_pg_admin_ops;

static inline struct lg_pg_store *lg_pg_of(struct lg_alert_store *st)
{
    return (struct lg_pg_store *)(void *)st;
}
static inline struct lg_pg_store *lg_pg_admin_of(struct lg_admin_store *st)
{
    return (struct lg_pg_store *)(void *)((char *)st - offsetof(struct lg_pg_store, admin));
}

/* Advisory locks, beside LG_PG_LOCK_ENDPOINT + 0..LG_PG_LOCK_ENDPOINTS-1. */
enum { LG_PG_LOCK_SCHEMA, LG_PG_LOCK_AUDIT, LG_PG_LOCK_FEEDBACK, LG_PG_LOCK_OUTBOX };
#define LG_PG_LOCK_ENDPOINT 16
#define LG_PG_LOCK_ENDPOINTS 256
int lg_pg_lock(struct lg_pg_tx *tx, int64_t which) LG_MUST_CHECK; /* until the end */
/* What one process at a time does: 1 where it is this store, for LG_POSTGRES_LEASE_S from now at
 * least by half; 0: another's. Writes. */
int lg_pg_lease(struct lg_pg_tx *tx, const struct lg_pg_store *ps, const char *name) LG_MUST_CHECK;

/* Columns of an alert in the order that lg_pg_alert_read wants; from `alerts a`. */
#define LG_PG_ALERT_COLUMNS                                                                        \
    "a.alert_id, a.tenant, a.endpoint, e.hostname, e.platform, a.severity, a.status, a.title,"     \
    " a.description, a.attack_prob, a.first_seen, a.last_seen, a.received_at, a.created_at,"       \
    " a.updated_at, a.occurrences, a.techniques, a.evidence, a.fold_key, a.process,"               \
    " a.process_guid, a.process_hash, a.\"user\", a.assignee, a.resolved_by, a.analyst_notes,"     \
    " a.first_inference, a.last_inference, a.previous, a.recurrence, a.version, a.id"
#define LG_PG_ALERT_FROM                                                                           \
    " FROM alerts a JOIN endpoints e ON e.tenant=a.tenant AND e.endpoint=a.endpoint "
#define LG_PG_ALERT_COL_ID 31
int lg_pg_alert_read(
        const struct lg_pg_q *q, struct lg_arena *a, struct lg_alert *ret) LG_MUST_CHECK;
/* The alert with this id when the transaction sees it; LG_ENOENT. `lock`: no one else changes it
 * until the end. */
int lg_pg_alert_row_get(struct lg_pg_tx *tx, const struct lg_uuid *id, bool lock,
        struct lg_arena *a, struct lg_alert *ret) LG_MUST_CHECK;
/* Seen by lists from now on. */
int lg_pg_tenant_add(struct lg_pg_tx *tx, struct lg_str tenant) LG_MUST_CHECK;
int lg_pg_outbox_add(
        struct lg_pg_tx *tx, const struct lg_alert *al, const char *change) LG_MUST_CHECK;

/* alert_write.c, _read.c, _list.c, rules.c */
int lg_pg_alert_apply(struct lg_alert_store *st, struct lg_apply *items, size_t n,
        int64_t fold_gap_ns, lg_time now, struct lg_err *reterr);
int lg_pg_alert_patch(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, const struct lg_alert_patch *p, struct lg_arena *a,
        struct lg_alert *ret, unsigned *reterr_steps);
int lg_pg_outbox_read(struct lg_alert_store *st, uint64_t after, uint32_t max, struct lg_arena *a,
        struct lg_outbox_row **ret, uint32_t *ret_n);
int lg_pg_outbox_ack(struct lg_alert_store *st, uint64_t up_to);
int lg_pg_alert_list(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_alert_query *q, struct lg_arena *a, struct lg_alert_page *ret);
int lg_pg_alert_get(struct lg_alert_store *st, const struct lg_scope *sc, const struct lg_uuid *id,
        struct lg_arena *a, struct lg_alert *ret);
int lg_pg_alert_count(struct lg_alert_store *st, const struct lg_scope *sc, struct lg_str tenant,
        unsigned statuses, uint64_t *ret);
int lg_pg_alert_history(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, struct lg_arena *a, struct lg_alert_history **ret,
        uint32_t *ret_n);
int lg_pg_alert_of(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *inferences, uint32_t n, struct lg_uuid *ret);
int lg_pg_alert_inferences(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_uuid **ret,
        uint32_t *ret_n);
int lg_pg_alert_similar(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_alert **ret,
        uint32_t *ret_n);
int lg_pg_endpoints(struct lg_alert_store *st, const struct lg_scope *sc, struct lg_str tenant,
        struct lg_arena *a, struct lg_endpoint_alerts **ret, uint32_t *ret_n);
int lg_pg_feedback_add(struct lg_alert_store *st, const struct lg_scope *sc, struct lg_feedback *f,
        struct lg_arena *a);
int lg_pg_feedback_list(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_feedback_query *q, struct lg_arena *a, struct lg_feedback **ret,
        uint32_t *ret_n, uint64_t *ret_last);
int lg_pg_quality(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_quality_query *q, struct lg_arena *a, struct lg_quality *ret);
int lg_pg_suppression_add(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_suppression *s, struct lg_err *reterr);
int lg_pg_suppression_list(struct lg_alert_store *st, const struct lg_scope *sc,
        struct lg_str tenant, struct lg_arena *a, struct lg_suppression **ret, uint32_t *ret_n);
int lg_pg_suppression_revoke(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, lg_time now);
int lg_pg_suppression_hits(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_uuid *id, uint32_t max, struct lg_arena *a, struct lg_suppression_hit **ret,
        uint32_t *ret_n);
int lg_pg_suppression_preview(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_suppression *s, lg_time from, uint32_t max, struct lg_arena *a,
        struct lg_alert **ret, uint32_t *ret_n, uint64_t *ret_total);
/* Rules in force in a tenant at `now`, in the arena. */
int lg_pg_suppressions_active(struct lg_pg_tx *tx, struct lg_str tenant, lg_time now,
        struct lg_arena *a, struct lg_suppression **ret, uint32_t *ret_n) LG_MUST_CHECK;
/* audit.c */
int lg_pg_audit_append(struct lg_admin_store *st, const struct lg_audit_row *rows, size_t n);
int lg_pg_audit_list(struct lg_admin_store *st, const struct lg_scope *sc,
        const struct lg_audit_query *aq, struct lg_arena *a, struct lg_audit_row **ret,
        uint32_t *ret_n);
int lg_pg_audit_verify(struct lg_admin_store *st, struct lg_audit_check *ret);
/* The same within a transaction of all tenants. */
int lg_pg_audit_verify_tx(struct lg_pg_tx *tx, struct lg_audit_check *ret) LG_MUST_CHECK;

#endif
