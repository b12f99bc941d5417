#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/event_store.h"
#include "store/sqlite_int.h"

#define BUSY_MS 10000
#define MAX_IDLE 8

int lg_sqlite_code(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_NOMEM:
        return LG_ENOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return LG_ECORRUPT;
    case SQLITE_CONSTRAINT:
        return rc == SQLITE_CONSTRAINT_TRIGGER ? LG_EREFUSED : LG_EEXIST;
    case SQLITE_TOOBIG:
        return LG_ELIMIT;
    case SQLITE_INTERRUPT:
        return LG_EINTR;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return LG_EAGAIN;
    case SQLITE_FULL:
        return LG_ENOSPC;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_ERROR:
        return LG_EINVAL;
    default:
        return LG_EIO; /* read-only, cannot open, I/O */
    }
}

static struct lg_stmt_slot *slot_for(struct lg_conn *c, uint64_t key)
{
    struct lg_stmt_slot *best = NULL;

    for (size_t i = 0; i < sizeof(c->slots) / sizeof(*c->slots); i++) {
        struct lg_stmt_slot *s = &c->slots[i];

        if (s->busy)
            continue;
        if (s->st != NULL && s->key == key)
            return s;
        if (best == NULL || (best->st != NULL && (s->st == NULL || s->used < best->used)))
            best = s;
    }
    if (best != NULL && best->st != NULL) {
        (void)sqlite3_finalize(best->st);
        best->st = NULL;
    }
    return best;
}

void lg_q_open(struct lg_q *q, struct lg_conn *c, const char *sql)
{
    uint64_t key = lg_hash64(sql, strlen(sql), 1);

    *q = (struct lg_q){.c = c, .slot = slot_for(c, key)};
    if (q->slot != NULL && q->slot->st != NULL) {
        q->st = q->slot->st;
    } else {
        q->rc = lg_sqlite_code(sqlite3_prepare_v3(
                c->db, sql, -1, q->slot != NULL ? SQLITE_PREPARE_PERSISTENT : 0, &q->st, NULL));
        if (q->rc < 0) {
            q->slot = NULL;
            return;
        }
        if (q->slot != NULL) {
            q->slot->st = q->st;
            q->slot->key = key;
        }
    }
    if (q->slot != NULL) {
        q->slot->busy = true;
        q->slot->used = ++c->clock;
    }
}

static void bound(struct lg_q *q, int rc)
{
    if (q->rc >= 0 && rc != SQLITE_OK)
        q->rc = lg_sqlite_code(rc);
}

void lg_q_i64(struct lg_q *q, int64_t v)
{
    if (q->rc >= 0)
        bound(q, sqlite3_bind_int64(q->st, ++q->at, v));
}

void lg_q_f64(struct lg_q *q, double v)
{
    if (q->rc >= 0)
        bound(q, sqlite3_bind_double(q->st, ++q->at, v));
}

void lg_q_str(struct lg_q *q, struct lg_str s)
{
    if (q->rc >= 0)
        bound(q,
                sqlite3_bind_text64(
                        q->st, ++q->at, s.n > 0 ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8));
}

void lg_q_str_null(struct lg_q *q, struct lg_str s)
{
    if (s.n > 0)
        lg_q_str(q, s);
    else
        lg_q_null(q);
}

void lg_q_blob(struct lg_q *q, const void *p, size_t n)
{
    if (q->rc >= 0)
        bound(q, sqlite3_bind_blob64(q->st, ++q->at, n > 0 ? p : "", n, SQLITE_STATIC));
}

void lg_q_uuid(struct lg_q *q, const struct lg_uuid *id)
{
    lg_q_blob(q, id->b, sizeof(id->b));
}

void lg_q_null(struct lg_q *q)
{
    if (q->rc >= 0)
        bound(q, sqlite3_bind_null(q->st, ++q->at));
}

int lg_q_step(struct lg_q *q)
{
    int rc;

    if (q->rc < 0)
        return q->rc;
    rc = sqlite3_step(q->st);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        q->rc = lg_sqlite_code(sqlite3_extended_errcode(q->c->db));
    return q->rc;
}

void lg_q_again(struct lg_q *q)
{
    if (q->st != NULL)
        (void)sqlite3_reset(q->st); /* its error was told by step */
    q->at = 0;
}

void lg_q_done(struct lg_q *q)
{
    if (q->st == NULL)
        return;
    if (q->slot != NULL) {
        (void)sqlite3_reset(q->st);
        (void)sqlite3_clear_bindings(q->st);
        q->slot->busy = false;
    } else {
        (void)sqlite3_finalize(q->st);
    }
    q->st = NULL;
    q->slot = NULL;
}

int lg_q_run(struct lg_q *q)
{
    int rc = lg_q_step(q);

    lg_q_done(q);
    return rc > 0 ? 0 : rc;
}

struct lg_str lg_q_col_str(struct lg_q *q, int i)
{
    const void *p = sqlite3_column_blob(q->st, i);
    int n = sqlite3_column_bytes(q->st, i);

    return p == NULL || n <= 0 ? LG_STR("") : lg_str_of((const char *)p, (size_t)n);
}

int lg_q_col_dup(struct lg_q *q, int i, struct lg_arena *a, struct lg_str *ret)
{
    struct lg_str s = lg_q_col_str(q, i);

    if (s.n == 0) {
        *ret = LG_STR("");
        return 0;
    }
    return lg_arena_dup(a, s, ret);
}

int lg_q_col_fixed(struct lg_q *q, int i, void *ret, size_t n)
{
    struct lg_str s = lg_q_col_str(q, i);

    if (s.n != n)
        return LG_ECORRUPT;
    memcpy(ret, s.p, n);
    return 0;
}

int lg_conn_exec(struct lg_conn *c, const char *sql)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : lg_sqlite_code(sqlite3_extended_errcode(c->db));
}

uint64_t lg_sqlite_memory(void)
{
    return (uint64_t)sqlite3_memory_used();
}

static void conn_free(struct lg_conn *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < sizeof(c->slots) / sizeof(*c->slots); i++)
        (void)sqlite3_finalize(c->slots[i].st);
    (void)sqlite3_close_v2(c->db);
    lg_free(c);
}

/* lg_has(text, needle): bytewise, both folded before; SQLite's instr() counts characters. */
static void has_function(sqlite3_context *cx, int n, sqlite3_value **v)
{
    const void *text = sqlite3_value_blob(v[0]), *needle = sqlite3_value_blob(v[1]);
    int text_n = sqlite3_value_bytes(v[0]), needle_n = sqlite3_value_bytes(v[1]);

    (void)n;
    sqlite3_result_int(cx,
            needle_n == 0 ||
                    (text_n >= needle_n && text != NULL && needle != NULL &&
                            memmem(text, (size_t)text_n, needle, (size_t)needle_n) != NULL));
}

static int conn_new(const char *path, bool writer, struct lg_conn **ret)
{
    struct lg_conn *c = (struct lg_conn *)lg_calloc(1, sizeof(*c));
    int rc;

    if (c == NULL)
        return LG_ENOMEM;
    rc = sqlite3_open_v2(path, &c->db,
            (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
            NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(c->db, "lg_has", 2,
                SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL, has_function, NULL,
                NULL, NULL);
    if (rc == SQLITE_OK) {
        (void)sqlite3_busy_timeout(c->db, BUSY_MS);
        (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        (void)sqlite3_limit(c->db, SQLITE_LIMIT_LENGTH, 64 << 20);
        rc = lg_conn_exec(c,
                writer ? "PRAGMA synchronous=FULL; PRAGMA cache_size=-32768;"
                         "PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;"
                       : "PRAGMA query_only=ON; PRAGMA cache_size=-8192;"
                         "PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;");
    } else {
        rc = lg_sqlite_code(rc);
    }
    if (rc < 0) {
        conn_free(c);
        return rc;
    }
    *ret = c;
    return 0;
}

static int pragma_i64(struct lg_conn *c, const char *sql, int64_t *ret)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c, sql);
    rc = lg_q_step(&q);
    if (rc > 0)
        *ret = lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    return rc > 0 ? 0 : (rc == 0 ? LG_ECORRUPT : rc);
}

static const char *way_out(int code)
{
    if (code == LG_ECORRUPT)
        return "the file is damaged or no database; run `logster doctor`, or put a backup in its "
               "place with `logster restore`";
    return "check that the folder can be written and has room";
}

static int fail(struct lg_err *reterr, int code, const char *path)
{
    return lg_err_set(reterr, code, "%s: %s: %s", path, lg_err_name(code), way_out(code));
}

static int migrate(struct lg_sdb *db, struct lg_err *reterr)
{
    const struct lg_migrations *m = db->migrations;
    struct lg_conn *c = db->writer;
    int64_t version = 0, app = 0, schema = 0;
    char text[64];
    int rc;

    if ((rc = pragma_i64(c, "PRAGMA user_version", &version)) < 0 ||
            (rc = pragma_i64(c, "PRAGMA application_id", &app)) < 0 ||
            (rc = pragma_i64(c, "SELECT count(*) FROM sqlite_schema", &schema)) < 0)
        return fail(reterr, rc, db->path);
    if ((uint32_t)app != m->application_id && schema > 0)
        return lg_err_set(reterr, LG_ECORRUPT,
                "%s: a database, but not this program's: move it away", db->path);
    if (version > m->n)
        return lg_err_set(reterr, LG_EUNSUP,
                "%s: written by a newer version (schema %lld, this program knows %d): update "
                "Logster",
                db->path, (long long)version, m->n);
    if (version == m->n)
        return 0;
    rc = lg_conn_exec(c, "BEGIN EXCLUSIVE");
    for (int i = (int)version; i < m->n; i++)
        for (const char *const *sql = m->steps[i]; rc >= 0 && *sql != NULL; sql++)
            rc = lg_conn_exec(c, *sql);
    (void)snprintf(text, sizeof(text), "PRAGMA user_version=%d;PRAGMA application_id=%u", m->n,
            m->application_id);
    if (rc >= 0)
        rc = lg_conn_exec(c, text);
    if (rc >= 0)
        rc = lg_conn_exec(c, "COMMIT");
    if (rc < 0) {
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
        return fail(reterr, rc, db->path);
    }
    return 0;
}

int lg_sdb_open(
        struct lg_sdb *db, const char *path, const struct lg_migrations *m, struct lg_err *reterr)
{
    int rc;

    memset(db, 0, sizeof(*db));
    db->migrations = m;
    (void)pthread_mutex_init(&db->write_lock, NULL);
    (void)pthread_mutex_init(&db->pool_lock, NULL);
    db->path = lg_strndup(path, strlen(path));
    if (db->path == NULL) {
        rc = lg_err_set(reterr, LG_ENOMEM, "%s: out of memory", path);
        goto out;
    }
    rc = conn_new(path, true, &db->writer);
    if (rc >= 0)
        rc = lg_conn_exec(db->writer,
                "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=4000;"
                "PRAGMA journal_size_limit=67108864");
    rc = rc < 0 ? fail(reterr, rc, path) : migrate(db, reterr);
    /* SQLite syncs the folder when it makes its log, but does not look whether that worked: a log
     * whose name a power loss takes would take every commit with it. */
    if (rc >= 0) {
        rc = lg_fsync_folder_of(path);
        if (rc < 0)
            (void)fail(reterr, rc, path);
    }
out:
    if (rc < 0)
        lg_sdb_done(db);
    return rc;
}

void lg_sdb_done(struct lg_sdb *db)
{
    if (db->migrations == NULL)
        return;
    while (db->idle != NULL) {
        struct lg_conn *c = db->idle;

        db->idle = c->next;
        conn_free(c);
    }
    conn_free(db->writer);
    lg_free(db->path);
    (void)pthread_mutex_destroy(&db->write_lock);
    (void)pthread_mutex_destroy(&db->pool_lock);
    memset(db, 0, sizeof(*db));
}

int lg_sdb_begin(struct lg_sdb *db, struct lg_conn **ret)
{
    int rc;

    (void)pthread_mutex_lock(&db->write_lock);
    rc = lg_conn_exec(db->writer, "BEGIN IMMEDIATE");
    if (rc < 0)
        (void)pthread_mutex_unlock(&db->write_lock);
    else
        *ret = db->writer;
    return rc;
}

int lg_sdb_end(struct lg_sdb *db, int rc)
{
    int ended = rc < 0 ? 0 : lg_conn_exec(db->writer, "COMMIT");

    /* A commit that failed (full disk, failed fsync) leaves the transaction open: all of it goes. */
    if (rc < 0 || ended < 0)
        if (sqlite3_get_autocommit(db->writer->db) == 0)
            (void)sqlite3_exec(db->writer->db, "ROLLBACK", NULL, NULL, NULL);
    (void)pthread_mutex_unlock(&db->write_lock);
    return rc < 0 ? rc : ended;
}

static int conn_take(struct lg_sdb *db, struct lg_conn **ret)
{
    struct lg_conn *c;
    int rc = 0;

    (void)pthread_mutex_lock(&db->pool_lock);
    c = db->idle;
    if (c != NULL) {
        db->idle = c->next;
        db->n_idle--;
    }
    (void)pthread_mutex_unlock(&db->pool_lock);
    if (c == NULL)
        rc = conn_new(db->path, false, &c);
    if (rc >= 0)
        *ret = c;
    return rc;
}

static void conn_give(struct lg_sdb *db, struct lg_conn *c)
{
    (void)pthread_mutex_lock(&db->pool_lock);
    if (db->n_idle < MAX_IDLE) {
        c->next = db->idle;
        db->idle = c;
        db->n_idle++;
        c = NULL;
    }
    (void)pthread_mutex_unlock(&db->pool_lock);
    conn_free(c);
}

/* A transaction, so that all statements of one answer see one state of the file. */
int lg_view_open_internal(struct lg_view *v, struct lg_sdb *db)
{
    int rc;

    *v = (struct lg_view){.db = db, .internal = true};
    rc = conn_take(db, &v->c);
    if (rc >= 0)
        rc = lg_conn_exec(v->c, "BEGIN");
    if (rc < 0)
        lg_view_done(v);
    return rc;
}

void lg_view_done(struct lg_view *v)
{
    if (v->c != NULL) {
        if (sqlite3_get_autocommit(v->c->db) == 0)
            (void)sqlite3_exec(v->c->db, "COMMIT", NULL, NULL, NULL);
        conn_give(v->db, v->c);
    }
    lg_free(v->tenants);
    *v = (struct lg_view){0};
}

int lg_fsync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char dir[4096];
    size_t n = slash == NULL ? 1 : (size_t)(slash - path) + (slash == path);
    int fd, rc;

    if (n >= sizeof(dir))
        return LG_ELIMIT;
    memcpy(dir, slash == NULL ? "." : path, n);
    dir[n] = '\0';
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return LG_EIO;
    rc = fsync(fd) < 0 ? LG_EIO : 0;
    (void)close(fd);
    return rc;
}

static int copy_pages(struct lg_conn *from, struct lg_conn *to)
{
    sqlite3_backup *b = sqlite3_backup_init(to->db, "main", from->db, "main");
    int rc;

    if (b == NULL)
        return lg_sqlite_code(sqlite3_extended_errcode(to->db));
    /* All at once inside one read transaction: writers of a WAL database are not held up. */
    rc = sqlite3_backup_step(b, -1);
    if (rc == SQLITE_DONE)
        rc = SQLITE_OK;
    if (sqlite3_backup_finish(b) != SQLITE_OK && rc == SQLITE_OK)
        rc = SQLITE_IOERR;
    return lg_sqlite_code(rc);
}

static int fsync_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC), rc;

    if (fd < 0)
        return LG_EIO;
    rc = fsync(fd) < 0 ? LG_EIO : 0;
    (void)close(fd);
    return rc;
}

static int copy_into_place(struct lg_conn *from, const char *path, struct lg_err *reterr)
{
    struct lg_conn *to = NULL;
    char tmp[4096];
    int rc;

    if ((size_t)snprintf(tmp, sizeof(tmp), "%s.tmp", path) >= sizeof(tmp))
        return lg_err_set(reterr, LG_ELIMIT, "%.200s: the path is too long", path);
    (void)unlink(tmp);
    rc = conn_new(tmp, true, &to);
    if (rc >= 0)
        rc = copy_pages(from, to);
    if (rc >= 0) /* one file, nothing beside it */
        rc = lg_conn_exec(to, "PRAGMA journal_mode=DELETE");
    conn_free(to);
    if (rc >= 0)
        rc = fsync_file(tmp);
    if (rc >= 0 && rename(tmp, path) < 0)
        rc = LG_EIO;
    if (rc >= 0)
        rc = lg_fsync_folder_of(path);
    if (rc < 0) {
        (void)unlink(tmp);
        return fail(reterr, rc, path);
    }
    return 0;
}

int lg_sdb_backup(struct lg_sdb *db, const char *path, struct lg_err *reterr)
{
    struct lg_conn *from = NULL;
    int rc = conn_new(db->path, false, &from);

    rc = rc < 0 ? fail(reterr, rc, db->path) : copy_into_place(from, path, reterr);
    conn_free(from);
    return rc;
}

int lg_sdb_check_file(const char *path, const struct lg_migrations *m, struct lg_err *reterr)
{
    int64_t app = 0, version = 0;
    struct lg_conn *c = NULL;
    struct lg_q q;
    int rc;

    if (access(path, R_OK) < 0)
        return lg_err_set(reterr, errno == ENOENT ? LG_ENOENT : LG_EIO, "%s: %s", path,
                errno == ENOENT ? "there is no such file" : "cannot be read");
    rc = conn_new(path, false, &c);
    if (rc >= 0)
        rc = pragma_i64(c, "PRAGMA application_id", &app);
    if (rc >= 0)
        rc = pragma_i64(c, "PRAGMA user_version", &version);
    if (rc >= 0 && (uint32_t)app != m->application_id) {
        rc = lg_err_set(reterr, LG_ECORRUPT, "%s: not such a database of this program", path);
    } else if (rc >= 0 && version > m->n) {
        rc = lg_err_set(reterr, LG_EUNSUP, "%s: written by a newer version", path);
    } else if (rc >= 0) {
        lg_q_open(&q, c, "PRAGMA integrity_check(1)");
        rc = lg_q_step(&q);
        if (rc > 0 && lg_str_eq(lg_q_col_str(&q, 0), LG_STR("ok")))
            rc = 0;
        else if (rc >= 0)
            rc = lg_err_set(reterr, LG_ECORRUPT, "%s: %.*s", path,
                    LG_STR_FMT(lg_str_sub(lg_q_col_str(&q, 0), 0, 200)));
        else
            rc = fail(reterr, rc, path);
        lg_q_done(&q);
    } else {
        rc = fail(reterr, rc, path);
    }
    conn_free(c);
    return rc;
}

int lg_sdb_restore(
        const char *backup, const char *path, const struct lg_migrations *m, struct lg_err *reterr)
{
    static const char *const beside[] = {"-wal", "-shm", "-journal"};
    struct lg_conn *from = NULL;
    char name[4096];
    int rc = lg_sdb_check_file(backup, m, reterr);

    if (rc < 0 || path == NULL)
        return rc;
    rc = conn_new(backup, false, &from);
    if (rc < 0)
        return fail(reterr, rc, backup);
    /* What lies beside the old file belongs to it and would be replayed into the new one. */
    for (size_t i = 0; i < sizeof(beside) / sizeof(*beside); i++)
        if ((size_t)snprintf(name, sizeof(name), "%s%s", path, beside[i]) < sizeof(name))
            (void)unlink(name);
    rc = copy_into_place(from, path, reterr);
    conn_free(from);
    return rc;
}
