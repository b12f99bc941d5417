/* alerts.db itself: write-once, verify, backup, kill, damage, plans, memory. */
#include "store/alert_fixture.h"

static void test_write_once(void **state)
{
    static const char *const refused[] = {"UPDATE alert_history SET actor='x'",
            "DELETE FROM alert_history", "UPDATE alert_inferences SET at=1",
            "DELETE FROM alert_inferences", "DELETE FROM alerts", "UPDATE alerts SET tenant=9",
            "UPDATE feedback SET note='x'", "DELETE FROM audit", "UPDATE audit SET actor='x'"};
    struct lg_apply r = apply_at(&first, 1 * SEC);
    struct lg_feedback fb = {.alert_id = r.ret_alert_id, .author = LG_STR("anna"), .created_at = 5};
    struct lg_audit_row au = {.at = 1, .actor = LG_STR("x"), .action = LG_STR("y")};

    (void)state;
    assert_int_equal(f.st->ops->feedback_add(f.st, f.a, &fb, &f.arena), 0);
    assert_int_equal(f.st->admin->ops->audit_append(f.st->admin, &au, 1), 0);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        if (run_sql(f.path, refused[i]) != SQLITE_CONSTRAINT)
            fail_msg("%s was taken", refused[i]);
}

static void test_verify(void **state)
{
    struct lg_err err;

    (void)state;
    fill(20, 4);
    assert_int_equal(f.st->ops->verify(f.st, &err), 0);
    assert_int_equal(run_sql(f.path,
                             "UPDATE alerts SET status=(status+1)%5 WHERE id=(SELECT"
                             " min(id) FROM alerts)"),
            SQLITE_OK);
    assert_int_equal(f.st->ops->verify(f.st, &err), LG_ECORRUPT);
    assert_non_null(strstr(err.text, "history"));
}

static void test_reopen_backup_restore(void **state)
{
    struct lg_apply r = apply_at(&first, 1 * SEC);
    struct make_inference mi = first;
    char backup[300], copy[300];
    struct lg_err err = {0};

    (void)state;
    (void)snprintf(backup, sizeof(backup), "%s/b.db", f.dir);
    if (f.st->ops->backup(f.st, backup, &err) < 0)
        fail_msg("%s", err.text);
    mi.id = 2;
    (void)apply_at(&mi, 2 * SEC);
    assert_int_equal(get(f.a, &r.ret_alert_id).occurrences, 2);
    lg_alert_store_close(f.st);
    open_store();
    assert_int_equal(get(f.a, &r.ret_alert_id).occurrences, 2);
    lg_alert_store_close(f.st);
    f.st = NULL;
    if (lg_sqlite_restore(backup, f.path, &err) < 0)
        fail_msg("%s", err.text);
    open_store();
    assert_int_equal(get(f.a, &r.ret_alert_id).occurrences, 1);
    /* a half file is no backup */
    (void)snprintf(copy, sizeof(copy), "%s/half.db", f.dir);
    copy_file(backup, copy);
    assert_int_equal(truncate(copy, 20000), 0);
    lg_alert_store_close(f.st);
    f.st = NULL;
    assert_int_equal(lg_sqlite_restore(copy, f.path, &err), LG_ECORRUPT);
    open_store(); /* the old one is still there */
    assert_int_equal(get(f.a, &r.ret_alert_id).occurrences, 1);
}

/* What a kill leaves: the files as they are at any moment, copied away while the store is open. */
static void test_kill(void **state)
{
    struct make_inference mi = first;
    struct lg_alert_store *st;
    char path[300], wal[310], from_wal[310];
    struct lg_alert al;
    struct lg_err err;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/k.db", f.dir);
    (void)snprintf(wal, sizeof(wal), "%s-wal", path);
    (void)snprintf(from_wal, sizeof(from_wal), "%s-wal", f.path);
    for (unsigned i = 1; i <= 20; i++) {
        struct lg_apply r;

        mi.id = i;
        r = apply_at(&mi, i);
        copy_file(f.path, path);
        copy_file(from_wal, wal);
        assert_int_equal(lg_sqlite_alert_store_open(path, &st, &err), 0);
        assert_int_equal(st->ops->alert_get(st, f.a, &r.ret_alert_id, &f.arena, &al), 0);
        assert_int_equal(al.occurrences, i); /* acknowledged is there */
        assert_int_equal(st->ops->verify(st, &err), 0);
        lg_alert_store_close(st);
        (void)unlink(path);
        (void)unlink(wal);
    }
}

static void test_bad_files(void **state)
{
    struct lg_alert_store *st = NULL;
    char path[300];
    struct lg_err err;
    FILE *out;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/x.db", f.dir);
    out = fopen(path, "wb");
    assert_non_null(out);
    for (int i = 0; i < 5000; i++)
        (void)fputs("not a database ", out);
    (void)fclose(out);
    assert_int_equal(lg_sqlite_alert_store_open(path, &st, &err), LG_ECORRUPT);
    assert_non_null(strstr(err.text, "logster"));
    (void)unlink(path);
    assert_int_equal(run_sql(path, "CREATE TABLE t(x)"), SQLITE_OK);
    assert_int_equal(lg_sqlite_alert_store_open(path, &st, &err), LG_ECORRUPT);
    assert_int_equal(run_sql(f.path, "PRAGMA user_version=99"), SQLITE_OK);
    lg_alert_store_close(f.st);
    f.st = NULL;
    assert_int_equal(lg_sqlite_alert_store_open(f.path, &st, &err), LG_EUNSUP);
    assert_non_null(strstr(err.text, "newer"));
    assert_int_equal(lg_sqlite_alert_store_open("/nonexistent/x.db", &st, &err), LG_EIO);
}

/* A file of version 1 gets the dashboard's sessions, and keeps what it has. */
static void test_older_file(void **state)
{
    const struct lg_session_row row = {.hash = {7},
            .token_id = LG_STR("aaaaaaaaaaaaaaaa"),
            .created_at = 1,
            .expires_at = 9,
            .seen_at = 1};
    struct lg_session_row *rows;
    struct lg_arena a;
    struct lg_err err;
    uint32_t n;

    (void)state;
    fill(3, 1);
    lg_alert_store_close(f.st);
    f.st = NULL;
    assert_int_equal(run_sql(f.path,
                             "DROP TABLE sessions; DROP INDEX alerts_change;"
                             "ALTER TABLE alerts DROP COLUMN change; PRAGMA user_version=1"),
            SQLITE_OK);
    assert_int_equal(lg_sqlite_alert_store_open(f.path, &f.st, &err), 0);
    assert_int_equal(f.st->admin->ops->session_put(f.st->admin, &row), 0);
    assert_int_equal(f.st->admin->ops->session_seen(f.st->admin, row.hash, 5), 0);
    lg_arena_init(&a, 1u << 16);
    assert_int_equal(f.st->admin->ops->session_all(f.st->admin, 9, &a, &rows, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].seen_at, 5);
    assert_int_equal(f.st->admin->ops->session_purge(f.st->admin, 8, 4), 0);
    assert_int_equal(f.st->admin->ops->session_all(f.st->admin, 9, &a, &rows, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(f.st->admin->ops->session_purge(f.st->admin, 8, 5), 0);
    assert_int_equal(f.st->admin->ops->session_seen(f.st->admin, row.hash, 6), 0);
    assert_int_equal(f.st->admin->ops->session_all(f.st->admin, 9, &a, &rows, &n), 0);
    assert_int_equal(n, 0); /* what was forgotten does not come back by being seen */
    lg_arena_done(&a);
}

/* Listing goes by an index whatever is asked: no step of the plan scans the table. */
static void test_plans(void **state)
{
    static const char *const orders[] = {"last_seen", "first_seen", "received_at", "created_at",
            "updated_at", "severity", "attack_prob", "occurrences"};
    sqlite3 *db;

    (void)state;
    fill(5, 1);
    assert_int_equal(sqlite3_open(f.path, &db), SQLITE_OK);
    for (size_t i = 0; i < 8; i++) {
        char sql[600];
        sqlite3_stmt *st;

        (void)snprintf(sql, sizeof(sql),
                "EXPLAIN QUERY PLAN SELECT id FROM alerts INDEXED BY alerts_%s WHERE tenant=1 AND"
                " status IN (0,1) AND severity IN (2) AND first_seen<9 AND received_at>1"
                " ORDER BY %s%s DESC, id DESC LIMIT 10",
                orders[i], orders[i], i >= 5 ? " DESC, last_seen" : "");
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
        while (sqlite3_step(st) == SQLITE_ROW) {
            const char *plan = (const char *)sqlite3_column_text(st, 3);

            if (strstr(plan, "COVERING INDEX") == NULL || strncmp(plan, "SEARCH", 6) != 0)
                fail_msg("%s: %s", orders[i], plan);
        }
        (void)sqlite3_finalize(st);
    }
    (void)sqlite3_close(db);
}

static void test_oom(void **state)
{
    struct make_inference mi = first;
    struct lg_inference in = make_own(&f.m, &mi);
    struct lg_alert_query q = {.limit = 10, .text = LG_STR("power"), .endpoint = LG_STR("hr001")};

    (void)state;
    for (uint64_t n = 1; n < 2000; n++) {
        struct lg_apply it = {.in = &in};
        struct lg_alert_page page;
        struct lg_arena a;
        struct lg_err err;
        int rc;

        lg_arena_init(&a, 1u << 22);
        (void)lg_mem_fail_from(n);
        rc = f.st->ops->apply(f.st, &it, 1, GAP_NS, 5, &err);
        if (rc >= 0)
            rc = f.st->ops->alert_list(f.st, f.a, &q, &a, &page);
        (void)lg_mem_fail_from(0);
        if (rc < 0)
            assert_int_equal(rc, LG_ENOMEM);
        else
            assert_int_equal(page.n, 1);
        lg_arena_done(&a);
        if (rc >= 0)
            return;
    }
    fail();
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {T(test_write_once), T(test_verify),
            T(test_reopen_backup_restore), T(test_kill), T(test_bad_files), T(test_older_file),
            T(test_plans), T(test_oom)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
