/* Lists by the columns in memory: the same pages as by the file, whoever writes, at any size. */
#include "store/alert_fixture.h"

#include "store/alert_columns_int.h"
#include "store/sqlite_alert_int.h"

static struct lg_alert_index *index_of(struct lg_alert_store *st)
{
    return &lg_alerts_of(st)->index;
}

static void list(struct lg_alert_store *st, const struct lg_scope *sc,
        const struct lg_alert_query *q, struct lg_alert_page *ret)
{
    assert_int_equal(st->ops->alert_list(st, sc, q, &f.arena, ret), 0);
}

static void wait_ready(struct lg_alert_store *st)
{
    for (int i = 0; i < 5000 && !lg_alert_index_ready(lg_alerts_of(st)); i++)
        (void)usleep(1000);
    assert_true(lg_alert_index_ready(lg_alerts_of(st)));
}

static void same_page(const struct lg_alert_page *a, const struct lg_alert_page *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->total, b->total);
    assert_int_equal(a->total_is_lower_bound, b->total_is_lower_bound);
    assert_int_equal(a->next_cursor.n, b->next_cursor.n);
    if (a->next_cursor.n > 0) /* sealed from the same place and total */
        assert_memory_equal(a->next_cursor.p, b->next_cursor.p, a->next_cursor.n);
    for (uint32_t i = 0; i < a->n; i++)
        assert_memory_equal(&a->alerts[i].alert_id, &b->alerts[i].alert_id, LG_UUID_BYTES);
}

static struct lg_alert_query any_query(uint64_t *rnd)
{
    static const struct lg_str texts[] = {{"TOOL1", 5}, {"m\xc3\xbcll", 5}, {"o", 1}, {"ol", 2},
            {"host3: ", 7}, {"no such", 7}, {"second line", 11}, {"looked", 6}, {"anna", 4},
            {"it\nsecond", 9}, {"exe\nhost", 8}};
    static const struct lg_str techniques[] = {
            {"T1003", 5}, {"T1059.001", 9}, {"T1486", 5}, {"T9999", 5}};
    struct lg_alert_query q = {.sort = (enum lg_alert_sort)(next_random(rnd) % 8),
            .ascending = next_random(rnd) % 2,
            .limit = 1 + (uint32_t)(next_random(rnd) % 30),
            .no_total = next_random(rnd) % 8 == 0};

    if (next_random(rnd) % 4 == 0)
        q.tenant = LG_STR("c");
    if (next_random(rnd) % 2 == 0)
        q.statuses = 1u + (unsigned)(next_random(rnd) % 31);
    if (next_random(rnd) % 3 == 0)
        q.severities = 1u + (unsigned)(next_random(rnd) % 15);
    if (next_random(rnd) % 4 == 0)
        q.endpoint = next_random(rnd) % 4 == 0 ? LG_STR("none") : LG_STR("host3");
    if (next_random(rnd) % 4 == 0)
        q.technique = techniques[next_random(rnd) % 4];
    if (next_random(rnd) % 5 == 0)
        q.assignee = next_random(rnd) % 4 == 0 ? LG_STR("nobody") : LG_STR("anna");
    if (next_random(rnd) % 3 == 0)
        q.text = texts[next_random(rnd) % (sizeof(texts) / sizeof(*texts))];
    if (next_random(rnd) % 4 == 0)
        q.from = (10000 + (int64_t)(next_random(rnd) % 6000)) * SEC;
    if (next_random(rnd) % 4 == 0)
        q.to = (10000 + (int64_t)(next_random(rnd) % 6000)) * SEC;
    if (next_random(rnd) % 5 == 0)
        q.received_from = (10000 + (int64_t)(next_random(rnd) % 6000)) * SEC;
    if (next_random(rnd) % 5 == 0)
        q.received_to = (10000 + (int64_t)(next_random(rnd) % 6000)) * SEC;
    if (next_random(rnd) % 4 == 0)
        q.offset = (uint32_t)(next_random(rnd) % 40);
    return q;
}

static void assign(unsigned every)
{
    struct lg_alert_query q = {.limit = 1000};
    struct lg_alert_page p;

    list(f.st, f.all, &q, &p);
    for (uint32_t i = 0; i < p.n; i += every) {
        struct lg_alert_patch pa = {.actor = LG_STR("x"),
                .now = 99 * SEC,
                .has_assignee = true,
                .assignee = i % 2 == 0 ? LG_STR("anna") : LG_STR("Bob"),
                .has_notes = true,
                .notes = LG_STR("first, looked at it\nsecond line")};
        struct lg_alert al;
        unsigned steps;

        assert_int_equal(f.st->ops->alert_patch(
                                 f.st, f.all, &p.alerts[i].alert_id, &pa, &f.arena, &al, &steps),
                0);
    }
}

/* Random mixes, each page by both ways; a cursor of one serves the other. */
static void compare(unsigned rounds, uint64_t seed)
{
    struct lg_scope *two = scope_of("a,c", LG_ACT_ALERT_READ);
    uint64_t rnd = seed;

    for (unsigned round = 0; round < rounds; round++) {
        struct lg_alert_query q = any_query(&rnd);
        const struct lg_scope *sc = round % 3 == 0 ? two : round % 7 == 0 ? f.none : f.all;
        struct lg_alert_page by_file, by_columns;

        for (unsigned page = 0; page < 50; page++) {
            atomic_store(&index_of(f.st)->too_big, true);
            lg_alert_columns_free(LG_TAKE(index_of(f.st)->columns));
            list(f.st, sc, &q, &by_file);
            assert_false(lg_alert_index_ready(lg_alerts_of(f.st)));
            atomic_store(&index_of(f.st)->too_big, false);
            list(f.st, sc, &q, &by_columns);
            same_page(&by_file, &by_columns);
            q.cursor = (page % 2 == 0 ? &by_file : &by_columns)->next_cursor;
            q.offset = 0;
            if (q.cursor.n == 0)
                break;
        }
        lg_arena_clear(&f.arena);
    }
    lg_scope_free(two);
}

static void test_same_as_file(void **state)
{
    (void)state;
    fill(160, 21);
    assign(3);
    compare(250, 5);
    assert_true(lg_alert_index_ready(lg_alerts_of(f.st)));
}

/* What is written, here or by another process, is in the next list. */
static void test_in_step(void **state)
{
    struct lg_alert_query q = {.limit = 100, .statuses = 1u << LG_ALERT_RESOLVED};
    struct lg_alert_query title = {.limit = 100, .text = LG_STR("tool7.exe")};
    struct lg_alert_query tech = {.limit = 100, .technique = LG_STR("T1071")};
    struct make_inference mi = first;
    struct lg_alert_store *other;
    struct lg_alert_page p;
    struct lg_err err = {0};
    struct lg_apply r;
    struct lg_alert al;
    unsigned steps;

    (void)state;
    r = apply_at(&mi, SEC);
    list(f.st, f.all, &q, &p);
    assert_int_equal(p.n, 0);
    assert_int_equal(patch(f.a, &r.ret_alert_id, LG_ALERT_RESOLVED, "", &al, &steps), 0);
    list(f.st, f.all, &q, &p);
    assert_int_equal(p.n, 1);
    assert_int_equal(lg_sqlite_alert_store_open(f.path, &other, &err), 0);
    list(other, f.all, &q, &p);
    assert_int_equal(p.n, 1);
    assert_int_equal(patch(f.a, &r.ret_alert_id, LG_ALERT_OPEN, "", &al, &steps), 0);
    list(other, f.all, &q, &p);
    assert_int_equal(p.n, 0);
    list(other, f.all, &title, &p);
    list(other, f.all, &tech, &p);
    assert_int_equal(p.n, 0);
    /* a verdict that folds in brings a technique and another face */
    mi.id = 2;
    mi.techniques = "[\"T1071.004\"]";
    (void)apply_at(&mi, 2 * SEC);
    list(other, f.all, &tech, &p);
    assert_int_equal(p.n, 1);
    assert_int_equal(p.alerts[0].occurrences, 2);
    tech.sort = LG_ALERT_BY_OCCURRENCES;
    list(f.st, f.all, &tech, &p);
    assert_int_equal(p.n, 1);
    lg_alert_store_close(other);
}

/* A store that is too large to be read while somebody waits is read beside. */
static void test_loader(void **state)
{
    struct lg_alert_query q = {.limit = 10, .severities = 15, .sort = LG_ALERT_BY_PROB};
    struct lg_alert_page before, after;
    struct make_inference mi = first;

    (void)state;
    fill(60, 4);
    lg_alert_store_close(f.st);
    open_store();
    index_of(f.st)->inline_rows = 10;
    list(f.st, f.all, &q, &before);
    wait_ready(f.st);
    list(f.st, f.all, &q, &after);
    same_page(&before, &after);
    assert_int_equal(after.total, 60);
    /* many changes at once: the file answers, the columns come again */
    for (unsigned i = 0; i < 20; i++) {
        char host[16];

        (void)snprintf(host, sizeof(host), "new%u", i);
        mi.endpoint = host;
        mi.id = 5000 + i;
        (void)apply_at(&mi, 3 * SEC);
    }
    list(f.st, f.all, &q, &before);
    assert_int_equal(before.total, 80);
    for (int i = 0; i < 5000 && atomic_load(&index_of(f.st)->loading); i++)
        (void)usleep(1000);
    assert_int_equal(index_of(f.st)->columns->by_tenant.n, 3);
    list(f.st, f.all, &q, &after);
    same_page(&before, &after);
    /* closing while it reads */
    for (int i = 0; i < 20; i++) {
        lg_alert_store_close(f.st);
        open_store();
        index_of(f.st)->inline_rows = 1;
        list(f.st, f.all, &q, &after);
        same_page(&before, &after);
    }
}

static void test_too_big(void **state)
{
    struct lg_alert_query q = {.limit = 10, .severities = 15};
    struct lg_alert_page p;

    (void)state;
    fill(40, 4);
    index_of(f.st)->max_bytes = 1000;
    list(f.st, f.all, &q, &p);
    assert_int_equal(p.total, 40);
    assert_false(lg_alert_index_ready(lg_alerts_of(f.st)));
    assert_true(atomic_load(&index_of(f.st)->too_big));
    list(f.st, f.all, &q, &p);
    assert_int_equal(p.total, 40);
}

/* A file of version 2 with alerts: opened, brought forward, listed, written. */
static void test_from_v2(void **state)
{
    struct lg_alert_query q = {.limit = 10, .severities = 15};
    struct lg_alert_page p;
    struct lg_err err = {0};
    struct make_inference mi = first;
    struct lg_apply r;

    (void)state;
    fill(80, 8);
    lg_alert_store_close(f.st);
    assert_int_equal(run_sql(f.path,
                             "DROP INDEX alerts_change; ALTER TABLE alerts DROP COLUMN change;"
                             "PRAGMA user_version=2"),
            SQLITE_OK);
    open_store();
    assert_int_equal(ask_sql(f.path, "PRAGMA user_version"), 3);
    assert_int_equal(f.st->ops->verify(f.st, &err), 0);
    list(f.st, f.all, &q, &p);
    assert_int_equal(p.total, 80);
    compare(60, 17);
    r = apply_at(&mi, 60 * SEC);
    assert_int_equal(r.ret_result, LG_APPLY_CREATED);
    list(f.st, f.all, &q, &p);
    assert_int_equal(p.total, 81);
    assert_int_equal(ask_sql(f.path, "SELECT max(change) FROM alerts"), 1);
    compare(60, 18);
}

/* Memory runs out anywhere in a list: the file's answer or LG_ENOMEM, and the next list is whole. */
static void test_oom(void **state)
{
    struct lg_alert_query q = {.limit = 7,
            .severities = 15,
            .text = LG_STR("tool"),
            .endpoint = LG_STR("host3"),
            .sort = LG_ALERT_BY_PROB};
    struct lg_alert_page want, got;
    bool whole = false;

    (void)state;
    fill(40, 2);
    list(f.st, f.all, &q, &want);
    for (uint64_t n = 1; n < 3000 && !whole; n++) {
        struct lg_arena a;
        int rc;

        lg_arena_init(&a, 1u << 22);
        lg_alert_columns_free(LG_TAKE(index_of(f.st)->columns));
        (void)lg_mem_fail_from(n);
        rc = f.st->ops->alert_list(f.st, f.all, &q, &a, &got);
        (void)lg_mem_fail_from(0);
        if (rc < 0)
            assert_int_equal(rc, LG_ENOMEM);
        else
            same_page(&want, &got);
        whole = rc >= 0 && lg_alert_index_ready(lg_alerts_of(f.st));
        atomic_store(&index_of(f.st)->too_big, false);
        lg_arena_done(&a);
    }
    assert_true(whole);
}

static void test_prob_order(void **state)
{
    static const double v[] = {-2, -1, -0.5, 0, 1e-300, 0.1, 0.1000001, 0.5, 1, 2};

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(v) / sizeof(*v); i++) {
        assert_true(lg_alert_prob_order(v[i]) < lg_alert_prob_order(v[i + 1]));
        assert_true(!(lg_alert_prob_of(lg_alert_prob_order(v[i])) < v[i]) &&
                !(lg_alert_prob_of(lg_alert_prob_order(v[i])) > v[i]));
    }
    assert_true(lg_alert_prob_order(-0.0) == lg_alert_prob_order(0.0));
}

/* Every text that holds the needle and no other, against the plain way. */
static void test_words(void **state)
{
    static char texts[700][24];
    struct lg_words w = {0};
    uint64_t rnd = 3;
    uint32_t n = 0;

    (void)state;
    for (unsigned i = 0; i < 700; i++) {
        size_t len = next_random(&rnd) % 20;
        uint32_t at, again;

        for (size_t k = 0; k < len; k++)
            texts[n][k] = (char)('a' + next_random(&rnd) % 3);
        texts[n][len] = '\0';
        assert_int_equal(lg_words_add(&w, lg_str_z(texts[n]), &at), 0);
        assert_true(at <= n);
        assert_int_equal(lg_words_find(&w, lg_str_z(texts[n]), &again), 0);
        assert_int_equal(again, at);
        n += at == n;
    }
    assert_int_equal(w.at.n, n);
    assert_int_equal(lg_words_find(&w, LG_STR("d"), &n), LG_ENOENT);
    n = (uint32_t)w.at.n;
    for (unsigned round = 0; round < 400; round++) {
        uint64_t bits[16] = {0};
        size_t found, want = 0;
        char needle[8];
        size_t len = 1 + next_random(&rnd) % 6;

        assert_true(lg_words_bits(&w) <= 16);
        for (size_t k = 0; k < len; k++)
            needle[k] = (char)('a' + next_random(&rnd) % (round % 10 == 0 ? 4 : 3));
        found = lg_words_match(&w, lg_str_of(needle, len), bits);
        for (uint32_t i = 0; i < n; i++) {
            bool has = lg_str_find(lg_words_get(&w, i), lg_str_of(needle, len)) >= 0;

            assert_true(lg_words_bit(bits, i) == has);
            want += has;
        }
        assert_int_equal(found, want);
    }
    lg_words_done(&w);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {T(test_same_as_file), T(test_in_step), T(test_loader),
            T(test_too_big), T(test_from_v2), T(test_oom), cmocka_unit_test(test_prob_order),
            cmocka_unit_test(test_words)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
