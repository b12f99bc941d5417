/* The admin store's file: an audit log that was tampered with, migration from an older file. The
 * contract is in tests/contract/admin_contract.c. */
#include "store_test.h"

#include "store/sqlite_alert_int.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

struct fix {
    char dir[256], path[300];
    struct lg_alert_store *st;
    struct lg_admin_store *ad;
    struct lg_scope *all, *a, *none;
    struct lg_arena arena;
};
static struct fix f;

static int setup(void **state)
{
    struct lg_err err = {0};

    (void)state;
    memset(&f, 0, sizeof(f));
    make_folder(f.dir);
    (void)snprintf(f.path, sizeof(f.path), "%s/alerts.db", f.dir);
    f.all = scope_of("*", LG_ACT_ALERT_READ);
    f.a = scope_of("a", LG_ACT_ALERT_READ);
    f.none = scope_of("", LG_ACT_ALERT_READ);
    lg_arena_init(&f.arena, 64u << 20);
    if (lg_sqlite_alert_store_open(f.path, &f.st, &err) < 0)
        fail_msg("%s", err.text);
    f.ad = f.st->admin;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lg_alert_store_close(f.st);
    lg_scope_free(f.all);
    lg_scope_free(f.a);
    lg_scope_free(f.none);
    lg_arena_done(&f.arena);
    remove_folder(f.dir);
    return 0;
}

static void audit(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct lg_audit_row r = {.at = i,
                .actor = LG_STR("token:anna"),
                .action = i % 2 ? LG_STR("alert.transition") : LG_STR("token.create"),
                .tenant_id = i % 3 == 0 ? LG_STR("")
                        : i % 3 == 1    ? LG_STR("a")
                                        : LG_STR("b"),
                .detail = LG_STR("{}")};

        assert_int_equal(f.ad->ops->audit_append(f.ad, &r, 1), 0);
    }
}

/* Any row altered, removed or put in between is named; the head is what an export would compare. */
static void test_audit_tamper(void **state)
{
    static const struct {
        const char *sql;
        uint64_t bad;
    } edits[] = {{"UPDATE audit SET actor='x' WHERE seq=7", 7},
            {"UPDATE audit SET at=at+1 WHERE seq=1", 1}, {"DELETE FROM audit WHERE seq=12", 12},
            {"UPDATE audit SET hash=zeroblob(32) WHERE seq=20", 20},
            {"UPDATE audit SET detail='' WHERE seq=19", 19}, {"DELETE FROM audit WHERE seq=1", 1}};
    struct lg_audit_check c, before;
    char copy[320];

    (void)state;
    audit(20);
    assert_int_equal(f.ad->ops->audit_verify(f.ad, &before), 0);
    assert_int_equal(run_sql(f.path,
                             "PRAGMA wal_checkpoint(TRUNCATE); DROP TRIGGER"
                             " audit_no_update; DROP TRIGGER audit_no_delete;"
                             " CREATE TABLE kept AS SELECT * FROM audit"),
            SQLITE_OK);
    (void)snprintf(copy, sizeof(copy), "%s.x", f.path);
    for (size_t i = 0; i < N(edits); i++) {
        assert_int_equal(run_sql(f.path, edits[i].sql), SQLITE_OK);
        assert_int_equal(f.ad->ops->audit_verify(f.ad, &c), 0);
        assert_int_equal(c.first_bad, edits[i].bad);
        assert_int_equal(run_sql(f.path, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept"),
                SQLITE_OK);
    }
    assert_int_equal(run_sql(f.path, "DELETE FROM audit WHERE seq=20"), SQLITE_OK);
    assert_int_equal(f.ad->ops->audit_verify(f.ad, &c), 0);
    assert_true(c.head_seq != before.head_seq); /* a cut tail shows against the exported head */
}

/* An older file gets the steps that it lacks, all or none; what it holds stays. */
static void test_migration(void **state)
{
    static const char *const first[] = {"CREATE TABLE t(x)", "INSERT INTO t VALUES(7)", NULL};
    static const char *const second[] = {"ALTER TABLE t ADD COLUMN y INTEGER DEFAULT 1", NULL};
    static const char *const third[] = {"UPDATE t SET y=x+1", NULL};
    static const char *const fourth[] = {"CREATE TABLE u(z)", "SELECT nonsense", NULL};
    static const char *const *const v1[] = {first};
    static const char *const *const v3[] = {first, second, third};
    static const char *const *const broken[] = {first, second, third, fourth};
    const struct lg_migrations m1 = {v1, 1, 0x1234}, m3 = {v3, 3, 0x1234}, m4 = {broken, 4, 0x1234},
                               other = {v1, 1, 0x9999};
    struct lg_err err = {0};
    struct lg_sdb db;
    char path[300];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/m.db", f.dir);
    assert_int_equal(lg_sdb_open(&db, path, &m1, &err), 0);
    lg_sdb_done(&db);
    assert_int_equal(lg_sdb_open(&db, path, &m3, &err), 0);
    lg_sdb_done(&db);
    assert_int_equal(ask_sql(path, "SELECT y FROM t WHERE x=7"), 8);
    assert_int_equal(ask_sql(path, "PRAGMA user_version"), 3);
    assert_true(lg_sdb_open(&db, path, &m4, &err) < 0);
    assert_int_equal(ask_sql(path, "PRAGMA user_version"), 3);
    assert_int_equal(ask_sql(path, "SELECT count(*) FROM sqlite_schema WHERE name='u'"), 0);
    assert_int_equal(lg_sdb_open(&db, path, &m1, &err), LG_EUNSUP);
    assert_int_equal(lg_sdb_open(&db, path, &other, &err), LG_ECORRUPT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {T(test_audit_tamper), T(test_migration)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
