#ifndef LG_STORE_SQLITE_INT_H
#define LG_STORE_SQLITE_INT_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "access/scope.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/vec.h"
#include "crypto/ids.h"
#include "store/shared.h"

/*
 * What the SQLite stores share. A database file is one lg_sdb: one writing connection behind a
 * mutex, and reading connections that only lg_view_open hands out, together with the tenants that
 * the caller's scope may see: that is the one place where scope becomes a restriction.
 */

/* A connection with its prepared statements. Its holder's. */
struct lg_conn {
    sqlite3 *db;
    struct lg_conn *next; /* in the pool */
    struct lg_stmt_slot {
        uint64_t key; /* hash of the text */
        sqlite3_stmt *st;
        uint64_t used;
        bool busy;
    } slots[80];
    uint64_t clock;
};

/* A statement in use: bind in order, step, read columns, done. The first failure sticks. */
struct lg_q {
    struct lg_conn *c;
    sqlite3_stmt *st;
    struct lg_stmt_slot *slot; /* NULL: not cached */
    int at;
    int rc;
};

void lg_q_open(struct lg_q *q, struct lg_conn *c, const char *sql);
void lg_q_i64(struct lg_q *q, int64_t v);
void lg_q_f64(struct lg_q *q, double v);
void lg_q_str(struct lg_q *q, struct lg_str s);      /* borrowed until done */
void lg_q_str_null(struct lg_q *q, struct lg_str s); /* empty: NULL */
void lg_q_blob(struct lg_q *q, const void *p, size_t n);
void lg_q_uuid(struct lg_q *q, const struct lg_uuid *id);
void lg_q_null(struct lg_q *q);
int lg_q_step(struct lg_q *q) LG_MUST_CHECK; /* 1: a row, 0: no more, < 0 */
void lg_q_again(struct lg_q *q);             /* the same statement with new values */
void lg_q_done(struct lg_q *q);
/* One step that gives no row, then done. */
int lg_q_run(struct lg_q *q) LG_MUST_CHECK;
static inline int64_t lg_q_col_i64(struct lg_q *q, int i)
{
    return sqlite3_column_int64(q->st, i);
}
static inline double lg_q_col_f64(struct lg_q *q, int i)
{
    return sqlite3_column_double(q->st, i);
}
static inline bool lg_q_col_null(struct lg_q *q, int i)
{
    return sqlite3_column_type(q->st, i) == SQLITE_NULL;
}
struct lg_str lg_q_col_str(struct lg_q *q, int i); /* until the next step; blobs too */
int lg_q_col_dup(struct lg_q *q, int i, struct lg_arena *a, struct lg_str *ret) LG_MUST_CHECK;
/* LG_ECORRUPT unless exactly `n` bytes. */
int lg_q_col_fixed(struct lg_q *q, int i, void *ret, size_t n) LG_MUST_CHECK;

/* SQLite's result code as one of ours. LG_EIO may be tried again, LG_ECORRUPT needs a person. */
int lg_sqlite_code(int rc);
int lg_conn_exec(struct lg_conn *c, const char *sql) LG_MUST_CHECK;

/* Version n of a file is what steps[0..n-1] make, each a list of statements that NULL ends;
 * PRAGMA user_version tells it. */
struct lg_migrations {
    const char *const *const *steps;
    int n;
    uint32_t application_id; /* PRAGMA application_id: a foreign database is refused */
};

struct lg_sdb {
    char *path;
    const struct lg_migrations *migrations;
    pthread_mutex_t write_lock;
    struct lg_conn *writer;
    pthread_mutex_t pool_lock;
    struct lg_conn *idle;
    unsigned n_idle;
};

/* Opens or makes the file, brings it to the newest version. */
int lg_sdb_open(struct lg_sdb *db, const char *path, const struct lg_migrations *m,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_sdb_done(struct lg_sdb *db);
/* BEGIN IMMEDIATE under the lock; every begin has one end, with `rc` < 0 it rolls back. Returns rc
 * or the commit's error. */
int lg_sdb_begin(struct lg_sdb *db, struct lg_conn **ret) LG_MUST_CHECK;
int lg_sdb_end(struct lg_sdb *db, int rc) LG_MUST_CHECK;
/* Copies the file while it is in use (sqlite3_backup), fsynced, atomically put in place. */
int lg_sdb_backup(struct lg_sdb *db, const char *path, struct lg_err *reterr) LG_MUST_CHECK;
/* Looks whether `path` is a sound database of this kind. */
int lg_sdb_restore(const char *backup, const char *path, const struct lg_migrations *m,
        struct lg_err *reterr) LG_MUST_CHECK;
int lg_sdb_check_file(
        const char *path, const struct lg_migrations *m, struct lg_err *reterr) LG_MUST_CHECK;

/* A reading connection in one transaction, and the tenants that may be seen through it. */
struct lg_view {
    struct lg_sdb *db;
    struct lg_conn *c;
    bool internal;    /* our own services: no restriction */
    int64_t *tenants; /* refs, ascending by name */
    uint32_t n_tenants;
};
/* The one wall: what `sc` sees of `filter` (empty: all) in this file's `tenant_refs`. */
int lg_view_open(struct lg_view *v, struct lg_sdb *db, const struct lg_scope *sc,
        struct lg_str filter) LG_MUST_CHECK;
/* For chores that show no content to a caller. */
int lg_view_open_internal(struct lg_view *v, struct lg_sdb *db) LG_MUST_CHECK;
/* The same over a connection that the caller holds. */
int lg_view_resolve(struct lg_view *v, struct lg_sdb *db, struct lg_conn *c,
        const struct lg_scope *sc, struct lg_str filter) LG_MUST_CHECK;
bool lg_view_sees(const struct lg_view *v, int64_t tenant_ref);
void lg_view_done(struct lg_view *v);

int lg_fsync_folder_of(const char *path) LG_MUST_CHECK;

#endif
