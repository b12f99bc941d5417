#ifndef LG_TESTS_STORE_TEST_H
#define LG_TESTS_STORE_TEST_H

#include "alert/alert_make.h"

#include <dirent.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/scope.h"
#include "event/codec.h"
#include "store/admin_store.h"
#include "store/alert_store.h"
#include "store/event_store.h"

/* A folder of its own, scopes, events and a look behind the store with plain SQL. */
#define SEC LG_NS_PER_SEC
#define GAP_NS (INT64_C(1800) * SEC)

static inline void make_folder(char out[256])
{
    /* In memory where there is such a folder: every commit is an fsync. */
    (void)snprintf(out, 256, "%s/logster-store-XXXXXX",
            access("/dev/shm", W_OK) == 0 ? "/dev/shm" : LG_BINARY_DIR);
    assert_non_null(mkdtemp(out));
}

static inline void remove_folder(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char path[600];

    if (d == NULL)
        return;
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= (int)sizeof(path))
            fail_msg("%s: too deep", dir);
        if (e->d_type == DT_DIR)
            remove_folder(path);
        else
            (void)unlink(path);
    }
    (void)closedir(d);
    (void)rmdir(dir);
}

/* Reader of the given tenants; "*" is all. */
static inline struct lg_scope *scope_of(const char *tenants, enum lg_action action)
{
    struct lg_str rest = lg_str_z(tenants), one;
    struct lg_principal *pr = NULL;
    struct lg_scope *sc = NULL;

    assert_int_equal(lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("t1"), LG_STR("anna"), &pr), 0);
    while (lg_str_split(&rest, ',', &one))
        assert_int_equal(lg_principal_grant(pr, one, LG_ROLES_TENANT), 0);
    assert_int_equal(lg_scope_new(pr, action, &sc), 0);
    lg_principal_unref(pr);
    return sc;
}

static inline int run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open(path, &db);

    if (rc == SQLITE_OK) {
        (void)sqlite3_busy_timeout(db, 5000);
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    (void)sqlite3_close(db);
    return rc;
}

static inline int64_t ask_sql(const char *path, const char *sql)
{
    sqlite3_stmt *st = NULL;
    sqlite3 *db = NULL;
    int64_t v;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    v = sqlite3_column_int64(st, 0);
    (void)sqlite3_finalize(st);
    (void)sqlite3_close(db);
    return v;
}

static inline void copy_file(const char *from, const char *to)
{
    struct lg_str s = read_file(from, 0);
    FILE *f = fopen(to, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
    (void)fclose(f);
    free_file(s);
}

#endif
