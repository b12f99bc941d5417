/* The day files themselves: write-once, the chain, moved rows, retention, damage. */
#include "store/event_fixture.h"

static void test_write_once(void **state)
{
    static const char *const tables[] = {"events", "blocks", "strings", "terms", "processes",
            "inferences", "inference_techniques", "contexts", "batches", "endpoints",
            "tenant_refs"};
    struct ev e = first;

    (void)state;
    e.type = LG_EVENT_PROCESS_CREATE;
    (void)write_one(&e, 1);
    fill_inferences();
    for (size_t i = 0; i < N(tables); i++) {
        char sql[200];

        (void)snprintf(sql, sizeof(sql), "DELETE FROM %s", tables[i]);
        if (run_sql(f.day0, sql) != SQLITE_CONSTRAINT)
            fail_msg("%s", sql);
    }
    assert_int_equal(run_sql(f.day0, "UPDATE events SET off=0"), SQLITE_CONSTRAINT);
    assert_int_equal(run_sql(f.day0, "UPDATE inferences SET attack_prob=0"), SQLITE_CONSTRAINT);
    assert_int_equal(run_sql(f.day0,
                             "INSERT OR REPLACE INTO strings SELECT ref, fold, base, 'x'"
                             " FROM strings"),
            SQLITE_OK); /* REPLACE needs recursive triggers: the chain finds it */
    {
        struct lg_store_fault fault;
        uint32_t n;

        assert_int_equal(f.st->ops->verify(f.st, &fault, 1, &n), 0);
        assert_int_equal(n, 1);
    }
}

/* Each kind of edit by hand is found, with the batch that it is in. */
static void test_tamper(void **state)
{
    static const char *const edits[] = {"DROP TRIGGER events_no_update; UPDATE events SET user=1"
                                        " WHERE id=(SELECT max(id) FROM events)",
            "DROP TRIGGER events_no_delete; DELETE FROM events WHERE id=(SELECT max(id) FROM"
            " events)",
            "DROP TRIGGER blocks_no_update; UPDATE blocks SET data=substr(data,1,10)||x'00'||"
            "substr(data,12) WHERE id=2",
            "DROP TRIGGER strings_no_update; UPDATE strings SET text='x' WHERE ref=1",
            "DROP TRIGGER terms_no_update; UPDATE terms SET first=first+1 WHERE seq=2",
            "DROP TRIGGER batches_no_delete; DELETE FROM batches WHERE batch=2",
            "DROP TRIGGER batches_no_update; UPDATE batches SET hash=zeroblob(32) WHERE batch=1",
            "INSERT INTO events SELECT id+1, event_id, off, received, endpoint, type, loc, sum,"
            " image, user, proc, hash, dest, addr, shift FROM events ORDER BY id DESC LIMIT 1",
            "DROP TRIGGER inferences_no_update; UPDATE inferences SET prediction=0 WHERE"
            " id=(SELECT min(id) FROM inferences)",
            "DROP TRIGGER inference_techniques_no_delete; DELETE FROM inference_techniques",
            "DROP TRIGGER contexts_no_update; UPDATE contexts SET data=x'00'",
            "DROP TRIGGER endpoints_no_update; UPDATE endpoints SET hostname='x'"};
    struct lg_store_fault fault;
    char copy[320];
    uint32_t n;

    (void)state;
    fill();
    fill_inferences();
    assert_int_equal(f.st->ops->verify(f.st, &fault, 1, &n), 0);
    if (n != 0)
        fail_msg("%s: %s", fault.file, fault.what);
    close_store();
    (void)snprintf(copy, sizeof(copy), "%s.sound", f.day0);
    assert_int_equal(run_sql(f.day0, "PRAGMA wal_checkpoint(TRUNCATE)"), SQLITE_OK);
    copy_file(f.day0, copy);
    for (size_t i = 0; i < N(edits); i++) {
        if (run_sql(f.day0, edits[i]) != SQLITE_OK)
            fail_msg("%s", edits[i]);
        open_store();
        assert_int_equal(f.st->ops->verify(f.st, &fault, 1, &n), 0);
        if (n != 1)
            fail_msg("not found: %s", edits[i]);
        assert_string_equal(fault.file, "20231115.db");
        close_store();
        assert_int_equal(run_sql(f.day0, "PRAGMA wal_checkpoint(TRUNCATE)"), SQLITE_OK);
        copy_file(copy, f.day0);
    }
    open_store();
}

/* Rows under numbers that others hold already are found all the same. */
static void test_displaced(void **state)
{
    struct ev e = first;
    struct lg_event_put p = put_of(&e, 1), q2;
    int64_t ms = (e.time - DAY0 * SEC) / 1000000;
    struct lg_event_query q = {.limit = 10};
    struct lg_event_page page;
    struct lg_event_row row;
    struct window w = {0};

    (void)state;
    e.id = 2;
    e.time += LG_HOUR_NS;
    (void)write_one(&e, 1); /* tenant 1 and the tables are there */
    for (unsigned k = 0; k < 20; k++) {
        char sql[400];

        (void)snprintf(sql, sizeof(sql),
                "INSERT INTO events SELECT %lld, randomblob(16), 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0,"
                " 0, 0",
                (long long)lg_row_number(1, ms, &p.ev->event_id, k));
        assert_int_equal(run_sql(f.day0, sql), SQLITE_OK);
    }
    assert_int_equal(write_events(&p, 1), 0);
    assert_int_equal(p.ret_result, LG_PUT_STORED);
    q2 = p;
    assert_int_equal(write_events(&q2, 1), 0);
    assert_int_equal(q2.ret_result, LG_PUT_DUPLICATE);
    assert_true(ask_sql(f.day0, "SELECT max(displaced) FROM batches") > 0);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(f.st->ops->event_get(f.st, f.a, &p.ev->event_id, 0, &f.arena, &row), 0);
        assert_int_equal(row.time, first.time);
        q.endpoint = LG_STR("h1");
        q.from = first.time;
        q.to = first.time + 1;
        assert_int_equal(f.st->ops->event_search(f.st, f.a, &q, &f.arena, &page), 0);
        assert_int_equal(page.n, 1);
        w = (struct window){0};
        assert_int_equal(f.st->ops->event_window(f.st, f.a, LG_STR("a"), LG_STR("h1"), first.time,
                                 first.time + 1, 0, on_event, &w),
                0);
        assert_int_equal(w.n, 1);
        lg_event_store_close(f.st); /* and after a restart */
        open_store();
    }
}

static void test_retention_backup(void **state)
{
    char dir[300], path[400];
    struct lg_store_stats st;
    struct lg_event_query q = {.limit = 1};
    struct lg_event_page p;
    struct lg_err err = {0};
    uint32_t removed;
    struct lg_event_store *copy;
    struct lg_sqlite_event_options opt = {.dir = dir};
    struct lg_retention keep = {.before = (DAY0 + 86400) * SEC, .idle = (DAY0 + 86400) * SEC};

    (void)state;
    fill();
    (void)snprintf(dir, sizeof(dir), "%s/backup", f.dir);
    if (f.st->ops->backup(f.st, dir, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(lg_sqlite_event_store_open(&opt, &copy, &err), 0);
    assert_int_equal(copy->ops->stats(copy, &st), 0);
    assert_int_equal(st.events, MANY);
    lg_event_store_close(copy);
    assert_int_equal(f.st->ops->retain(f.st, &keep, &removed), 0);
    assert_int_equal(removed, 0); /* an old day, but written to just now */
    keep.idle = INT64_MAX;
    assert_int_equal(f.st->ops->retain(f.st, &keep, &removed), 0);
    assert_int_equal(removed, 1);
    assert_int_equal(access(f.day0, F_OK), -1);
    assert_int_equal(f.st->ops->stats(f.st, &st), 0);
    assert_int_equal(st.files, 2);
    assert_true(st.events < MANY && st.events > 0);
    assert_int_equal(f.st->ops->event_search(f.st, f.all, &q, &f.arena, &p), 0);
    assert_int_equal(p.total, st.events);
    assert_int_equal(f.st->ops->event_get(f.st, f.all, &put_of(&first, 1).ev->event_id, 0, &f.arena,
                             &(struct lg_event_row){0}),
            LG_ENOENT);
    (void)write_one(&first, 1); /* the day may come back */
    (void)snprintf(path, sizeof(path), "%s", f.day0);
    assert_int_equal(access(path, F_OK), 0);
}

/* Too many bytes: the oldest days go, though they were written to just now; the last one stays. */
static void test_retention_bytes(void **state)
{
    struct lg_retention keep = {.max_bytes = UINT64_C(1) << 40};
    struct lg_store_stats st;
    uint32_t removed;

    (void)state;
    fill();
    assert_int_equal(f.st->ops->stats(f.st, &st), 0);
    assert_int_equal(st.files, 3);
    assert_int_equal(f.st->ops->retain(f.st, &keep, &removed), 0);
    assert_int_equal(removed, 0);
    keep.max_bytes = st.bytes - 1;
    assert_int_equal(f.st->ops->retain(f.st, &keep, &removed), 0);
    assert_int_equal(removed, 1);
    assert_int_equal(access(f.day0, F_OK), -1);
    keep.max_bytes = 1;
    assert_int_equal(f.st->ops->retain(f.st, &keep, &removed), 0);
    assert_int_equal(removed, 1);
    assert_int_equal(f.st->ops->stats(f.st, &st), 0);
    assert_int_equal(st.files, 1);
    assert_true(st.events > 0);
}

static void test_kill(void **state)
{
    char dir[300], to[400], wal[450], from_wal[450];
    struct lg_sqlite_event_options opt = {.dir = dir};
    struct ev e = first;

    (void)state;
    (void)snprintf(dir, sizeof(dir), "%s/kill", f.dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    (void)snprintf(to, sizeof(to), "%s/20231115.db", dir);
    (void)snprintf(wal, sizeof(wal), "%s-wal", to);
    (void)snprintf(from_wal, sizeof(from_wal), "%s-wal", f.day0);
    for (unsigned i = 1; i <= 15; i++) {
        struct lg_event_store *st;
        struct lg_store_fault fault;
        struct lg_event_row row;
        struct lg_event_put p;
        struct lg_err err;
        uint32_t n;

        e.id = i;
        p = write_one(&e, 1);
        copy_file(f.day0, to);
        copy_file(from_wal, wal);
        assert_int_equal(lg_sqlite_event_store_open(&opt, &st, &err), 0);
        assert_int_equal(st->ops->event_get(st, f.a, &p.ev->event_id, 0, &f.arena, &row), 0);
        assert_int_equal(st->ops->verify(st, &fault, 1, &n), 0);
        assert_int_equal(n, 0);
        p.ret_result = LG_PUT_CONFLICT;
        assert_int_equal(st->ops->write(st, &p, 1, NULL, 0, &err), 0);
        assert_int_equal(p.ret_result, LG_PUT_DUPLICATE);
        lg_event_store_close(st);
        (void)unlink(wal);
    }
}

static void test_damaged(void **state)
{
    struct lg_store_fault fault;
    struct lg_event_query q = {.limit = 10};
    struct lg_event_page p;
    struct lg_err err = {0};
    struct lg_event_put put = put_of(&first, 1);
    uint32_t n;
    FILE *out;

    (void)state;
    fill();
    close_store();
    assert_int_equal(truncate(f.day0, 9000), 0);
    open_store();
    assert_true(f.st->ops->event_search(f.st, f.all, &q, &f.arena, &p) == 0 ||
            f.st->ops->event_search(f.st, f.all, &q, &f.arena, &p) == LG_ECORRUPT);
    assert_int_equal(f.st->ops->verify(f.st, &fault, 1, &n), 0);
    assert_int_equal(n, 1);
    assert_string_equal(fault.file, "20231115.db");
    close_store();
    out = fopen(f.day0, "wb");
    assert_non_null(out);
    for (int i = 0; i < 3000; i++)
        (void)fputs("garbage", out);
    (void)fclose(out);
    open_store();
    assert_int_equal(f.st->ops->write(f.st, &put, 1, NULL, 0, &err), LG_ECORRUPT);
    assert_non_null(strstr(err.text, "20231115.db"));
    assert_non_null(strstr(err.text, "logster"));
}

static void test_oom(void **state)
{
    struct lg_event_put p = put_of(&first, 1);
    struct lg_event_query q = {.limit = 3, .image = LG_STR("cmd.exe"), .text = LG_STR("echo")};

    (void)state;
    for (uint64_t n = 1; n < 3000; n++) {
        struct lg_event_page page;
        struct lg_arena a;
        struct lg_err err;
        int rc;

        lg_arena_init(&a, 1u << 22);
        (void)lg_mem_fail_from(n);
        rc = f.st->ops->write(f.st, &p, 1, NULL, 0, &err);
        if (rc >= 0)
            rc = f.st->ops->event_search(f.st, f.a, &q, &a, &page);
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
    const struct CMUnitTest tests[] = {T(test_write_once), T(test_tamper), T(test_displaced),
            T(test_retention_backup), T(test_retention_bytes), T(test_kill), T(test_damaged),
            T(test_oom)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
