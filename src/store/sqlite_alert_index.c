#include "base/mem.h"
#include "store/sqlite_alert_int.h"

/*
 * Keeps the columns (alert_columns.h) in step with the file. Every change of an alert has a number;
 * a list opens its view, compares the file's last number with that of the columns and takes over
 * the difference first. So a list sees the columns in the very state of its read transaction, and
 * it does not matter which process wrote. Where much is to be read (the first list, or one after a
 * long rest), a thread does it and lists go by the file's own indices meanwhile.
 */
#define INLINE_ROWS 20000 /* about a tenth of a second */
#define MAX_BYTES ((size_t)512 << 20)
#define TRIES 4

int lg_alert_index_init(struct lg_sqlite_alerts *as)
{
    struct lg_alert_index *ix = &as->index;
    pthread_rwlockattr_t attr;
    int rc;

    ix->inline_rows = INLINE_ROWS;
    ix->max_bytes = MAX_BYTES;
    if (pthread_rwlockattr_init(&attr) != 0)
        return LG_ENOMEM;
    /* lists without end must not keep a change out */
    (void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    rc = pthread_rwlock_init(&ix->lock, &attr) == 0 ? 0 : LG_ENOMEM;
    (void)pthread_rwlockattr_destroy(&attr);
    if (rc >= 0)
        (void)pthread_mutex_init(&ix->loader_lock, NULL);
    return rc;
}

void lg_alert_index_done(struct lg_sqlite_alerts *as)
{
    struct lg_alert_index *ix = &as->index;

    atomic_store(&ix->closing, true);
    if (ix->has_loader)
        (void)pthread_join(ix->loader, NULL);
    lg_alert_columns_free(ix->columns);
    (void)pthread_rwlock_destroy(&ix->lock);
    (void)pthread_mutex_destroy(&ix->loader_lock);
}

void lg_alert_index_leave(struct lg_sqlite_alerts *as)
{
    (void)pthread_rwlock_unlock(&as->index.lock);
}

bool lg_alert_index_ready(struct lg_sqlite_alerts *as)
{
    bool ready;

    (void)pthread_rwlock_rdlock(&as->index.lock);
    ready = as->index.columns != NULL;
    (void)pthread_rwlock_unlock(&as->index.lock);
    return ready;
}

static int last_change(struct lg_view *v, int64_t *ret)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c, "SELECT coalesce(max(change), 0) FROM alerts");
    rc = lg_q_step(&q);
    if (rc > 0)
        *ret = lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    return rc < 0 ? rc : 0;
}

/* 1: no more than may be read while a list waits. */
static int is_little(struct lg_view *v, int64_t after, uint32_t most)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c,
            "SELECT count(*) FROM (SELECT 1 FROM alerts INDEXED BY alerts_change WHERE change>?1"
            " LIMIT ?2)");
    lg_q_i64(&q, after);
    lg_q_i64(&q, (int64_t)most + 1);
    rc = lg_q_step(&q);
    if (rc > 0)
        rc = lg_q_col_i64(&q, 0) <= most;
    lg_q_done(&q);
    return rc;
}

static int read_row(struct lg_q *q, struct lg_alert_columns *c)
{
    int64_t status = lg_q_col_i64(q, 3), severity = lg_q_col_i64(q, 4);
    int64_t occurrences = lg_q_col_i64(q, 11);

    if (status < 0 || status >= LG_ALERT_STATUS_COUNT || severity < 0 ||
            severity >= LG_SEVERITY_COUNT || occurrences < 0)
        return LG_ECORRUPT;
    return lg_alert_columns_put(c,
            &(struct lg_alert_columns_row){.tenant = lg_q_col_i64(q, 0),
                    .id = lg_q_col_i64(q, 1),
                    .endpoint = lg_q_col_i64(q, 2),
                    .status = (enum lg_alert_status)status,
                    .severity = (enum lg_severity)severity,
                    .attack_prob = lg_q_col_f64(q, 5),
                    .first_seen = lg_q_col_i64(q, 6),
                    .last_seen = lg_q_col_i64(q, 7),
                    .received_at = lg_q_col_i64(q, 8),
                    .created_at = lg_q_col_i64(q, 9),
                    .updated_at = lg_q_col_i64(q, 10),
                    .occurrences = (uint64_t)occurrences,
                    .assignee = lg_q_col_str(q, 12),
                    .techniques = lg_q_col_str(q, 13),
                    .text = lg_q_col_str(q, 14)});
}

#define ROW_COLUMNS                                                                                \
    "SELECT a.tenant, a.id, a.endpoint, a.status, a.severity, a.attack_prob, a.first_seen,"        \
    " a.last_seen, a.received_at, a.created_at, a.updated_at, a.occurrences, a.assignee,"          \
    " a.techniques, "
#define ROW_FROM " FROM alerts a INDEXED BY alerts_change "

static int read_text(struct lg_q *q, struct lg_alert_columns *c)
{
    return lg_alert_columns_put_text(c, lg_q_col_i64(q, 0), lg_q_col_i64(q, 1), lg_q_col_str(q, 2));
}

/* All rows of the query into the columns. */
static int read_all(struct lg_alert_index *ix, struct lg_q *q, struct lg_alert_columns *c,
        int (*read)(struct lg_q *q, struct lg_alert_columns *c))
{
    uint32_t n = 0;
    int rc;

    while ((rc = lg_q_step(q)) > 0) {
        rc = read(q, c);
        if (rc >= 0 && ++n % 1024 == 0) {
            if (atomic_load(&ix->closing))
                rc = LG_EINTR;
            else if (lg_alert_columns_bytes(c) > ix->max_bytes)
                rc = LG_ELIMIT;
        }
        if (rc < 0)
            break;
    }
    lg_q_done(q);
    if (rc >= 0 && lg_alert_columns_bytes(c) > ix->max_bytes)
        rc = LG_ELIMIT;
    return rc;
}

static int read_changes(
        struct lg_alert_index *ix, struct lg_view *v, int64_t after, struct lg_alert_columns *c)
{
    struct lg_q q;

    lg_q_open(&q, v->c,
            ROW_COLUMNS "x.text" ROW_FROM
                        "LEFT JOIN alert_texts x ON x.tenant=a.tenant AND x.alert=a.id"
                        " WHERE a.change>?1 ORDER BY a.change");
    lg_q_i64(&q, after);
    return read_all(ix, &q, c, read_row);
}

/* Everything, each table in the order of its file: joined, each text would be sought alone. */
static int read_file(struct lg_alert_index *ix, struct lg_view *v, struct lg_alert_columns *c)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, v->c, ROW_COLUMNS "NULL" ROW_FROM "WHERE a.change>=0 ORDER BY a.change");
    rc = read_all(ix, &q, c, read_row);
    if (rc < 0)
        return rc;
    lg_q_open(&q, v->c, "SELECT tenant, alert, text FROM alert_texts");
    rc = read_all(ix, &q, c, read_text);
    return rc < 0 ? rc : lg_alert_columns_sort_words(c);
}

/* New columns of what the view sees, instead of those that there are. */
static int load(struct lg_alert_index *ix, struct lg_view *v)
{
    struct lg_alert_columns *c = NULL, *old;
    int64_t change = 0;
    int rc = last_change(v, &change);

    if (rc >= 0)
        rc = lg_alert_columns_new(&c);
    if (rc >= 0)
        rc = read_file(ix, v, c);
    if (rc == LG_ELIMIT)
        atomic_store(&ix->too_big, true);
    if (rc < 0) {
        lg_alert_columns_free(c);
        return rc;
    }
    (void)pthread_rwlock_wrlock(&ix->lock);
    old = ix->columns;
    ix->columns = c;
    ix->change = change;
    (void)pthread_rwlock_unlock(&ix->lock);
    lg_alert_columns_free(old);
    return 0;
}

static void *loader_main(void *user)
{
    struct lg_sqlite_alerts *as = (struct lg_sqlite_alerts *)user;
    struct lg_view v;

    if (lg_view_open_internal(&v, &as->db) >= 0) {
        (void)load(&as->index, &v); /* where it fails, the next list tries again */
        lg_view_done(&v);
    }
    atomic_store(&as->index.loading, false);
    return NULL;
}

static void start_loader(struct lg_sqlite_alerts *as)
{
    struct lg_alert_index *ix = &as->index;

    (void)pthread_mutex_lock(&ix->loader_lock);
    if (!atomic_load(&ix->loading)) {
        if (ix->has_loader)
            (void)pthread_join(ix->loader, NULL); /* it has ended */
        atomic_store(&ix->loading, true);
        ix->has_loader = pthread_create(&ix->loader, NULL, loader_main, as) == 0;
        if (ix->has_loader)
            (void)pthread_setname_np(ix->loader, "lg-alerts");
        else
            atomic_store(&ix->loading, false);
    }
    (void)pthread_mutex_unlock(&ix->loader_lock);
}

/* Takes over what the view sees beyond the columns. Columns that fail go: the next list begins
 * anew. */
static int catch_up(struct lg_alert_index *ix, struct lg_view *v, int64_t to)
{
    int rc = 0;

    (void)pthread_rwlock_wrlock(&ix->lock);
    if (ix->columns != NULL && ix->change < to) {
        rc = read_changes(ix, v, ix->change, ix->columns);
        if (rc >= 0) {
            ix->change = to;
        } else {
            lg_alert_columns_free(ix->columns);
            ix->columns = NULL;
        }
    }
    (void)pthread_rwlock_unlock(&ix->lock);
    return rc;
}

/* The view sees more than the columns hold. 1: they hold it now; 0: not yet. */
static int fill_up(struct lg_sqlite_alerts *as, struct lg_view *v, int64_t have, int64_t want)
{
    struct lg_alert_index *ix = &as->index;
    int rc;

    if (atomic_load(&ix->too_big) || atomic_load(&ix->loading))
        return 0;
    rc = is_little(v, have, ix->inline_rows);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        start_loader(as);
        return 0;
    }
    rc = have < 0 ? load(ix, v) : catch_up(ix, v, want);
    /* Without memory for the columns the file still answers. */
    return rc < 0 ? (rc == LG_ENOMEM || rc == LG_ELIMIT || rc == LG_EINTR ? 0 : rc) : 1;
}

int lg_alert_index_open(struct lg_sqlite_alerts *as, struct lg_view *v, const struct lg_scope *sc,
        struct lg_str filter)
{
    struct lg_alert_index *ix = &as->index;

    for (int i = 0;; i++) {
        int64_t have, now = 0;
        int rc;

        (void)pthread_rwlock_rdlock(&ix->lock);
        have = ix->columns == NULL ? -1 : ix->change;
        rc = lg_view_open(v, &as->db, sc, filter);
        if (rc >= 0)
            rc = last_change(v, &now);
        if (rc >= 0 && have >= 0 && now == have)
            return 1;
        (void)pthread_rwlock_unlock(&ix->lock);
        if (rc >= 0 && i < TRIES)
            rc = fill_up(as, v, have, now);
        else if (rc >= 0)
            rc = 0;
        if (rc < 0) {
            lg_view_done(v);
            return rc;
        }
        if (rc == 0)
            return 0;
        lg_view_done(v); /* the columns may be newer now than what it sees */
    }
}
