/* The table of the worst windows: which are kept, in which order, and what a terminal gets to see. */
#include "detect/graph_builder.h"
#include "detect/model_builder.h"

#include "cli/table.h"

static struct gb gb;
static struct lg_model model = {.name = "small", .version = "1", .sha256 = "00"};

static int setup(void **state)
{
    (void)state;
    gb_init(&gb, LG_PLATFORM_WINDOWS);
    gb.g.endpoint_id = LG_STR("ws1");
    gb_line(&gb, "C:\\a.exe :: a.exe -x =spawn=> C:\\b.exe");
    gb_line(&gb, "C:\\b.exe =write=> C:\\c.txt");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gb_done(&gb);
    return 0;
}

static struct lg_verdict verdict(double prob)
{
    struct lg_verdict v;

    memset(&v, 0, sizeof(v));
    v.prediction = LG_PREDICT_ATTACK;
    v.scores.prob = prob;
    v.evidence[0] = (struct lg_evidence){0, UINT32_MAX, 0.75, 3};
    v.evidence[1] = (struct lg_evidence){1, 0, 0.2, 2};
    v.evidence[2] = (struct lg_evidence){2, 1, 0.05, 1};
    v.n_evidence = 3;
    return v;
}

static void add(struct lg_table *t, double prob, int minute, struct lg_str endpoint)
{
    struct lg_verdict v = verdict(prob);

    gb.g.start_ns = (lg_time)minute * 60 * LG_NS_PER_SEC;
    gb.g.end_ns = gb.g.start_ns + 180 * LG_NS_PER_SEC;
    gb.g.endpoint_id = endpoint;
    if (lg_table_wants(t, &v, &gb.g))
        assert_int_equal(lg_table_add(t, &v, &gb.g, &model), 0);
}

/* What is printed; free() it. */
static char *printed(struct lg_table *t, uint32_t n, uint32_t limit, uint64_t attacks)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    lg_table_print(t, n, limit, attacks, f);
    assert_int_equal(fclose(f), 0);
    return text;
}

static void test_worst_first_with_the_tree_of_evidence(void **state)
{
    struct lg_table t;
    char *text;

    (void)state;
    lg_table_init(&t, 10);
    add(&t, 0.8, 1, LG_STR("ws1"));
    add(&t, 0.99, 2, LG_STR("ws1"));
    text = printed(&t, 1, 10, 2);
    assert_string_equal(text,
            "   1. ws1  1970-01-01 00:02:00 to 00:05:00 UTC  p 0.990  high \n"
            "      75 %  process a.exe -x\n"
            "      20 %    process C:\\b.exe\n"
            "       5 %      file C:\\c.txt\n\n"
            "   2. ws1  1970-01-01 00:01:00 to 00:04:00 UTC  p 0.800  low \n"
            "      75 %  process a.exe -x\n"
            "      20 %    process C:\\b.exe\n"
            "       5 %      file C:\\c.txt\n\n");
    free(text);
    lg_table_done(&t);
}

/* Whatever order they come in and however many workers there are, the same rows are kept. */
static void test_the_worst_are_kept_in_any_order(void **state)
{
    static const struct {
        double prob;
        int minute;
        const char *endpoint;
    } rows[] = {{0.9, 5, "a"}, {0.9, 5, "b"}, {0.9, 4, "c"}, {0.99, 9, "d"}, {0.7, 1, "e"},
            {0.95, 3, "f"}, {0.7, 1, "g"}, {0.6, 0, "h"}, {0.9, 5, "aa"}, {0.99, 8, "i"},
            {0.5, 7, "j"}, {0.95, 3, "k"}};
    size_t n = sizeof(rows) / sizeof(*rows), order[sizeof(rows) / sizeof(*rows)];
    uint64_t seed = 5;
    char *want = NULL;

    (void)state;
    for (uint32_t limit = 1; limit <= 14; limit += 3) {
        free(want);
        want = NULL;
        for (int round = 0; round < 30; round++) {
            struct lg_table t[3];
            char *text;

            for (size_t i = 0; i < n; i++)
                order[i] = i;
            for (size_t i = n - 1; i > 0; i--) {
                size_t k = next_random(&seed) % (i + 1), swap = order[i];

                order[i] = order[k];
                order[k] = swap;
            }
            for (int i = 0; i < 3; i++)
                lg_table_init(&t[i], limit);
            for (size_t i = 0; i < n; i++)
                add(&t[round == 0 ? 0 : next_random(&seed) % 3], rows[order[i]].prob,
                        rows[order[i]].minute, lg_str_z(rows[order[i]].endpoint));
            text = printed(t, 3, limit, n);
            if (want == NULL) {
                want = text;
            } else {
                assert_string_equal(text, want);
                free(text);
            }
            for (int i = 0; i < 3; i++)
                lg_table_done(&t[i]);
        }
        assert_true(limit < n ? strstr(want, "more attack windows") != NULL
                              : strstr(want, "more attack windows") == NULL);
    }
    free(want);
}

static void test_no_rows(void **state)
{
    struct lg_table t;
    char *text;

    (void)state;
    lg_table_init(&t, 0);
    add(&t, 1, 1, LG_STR("ws1"));
    text = printed(&t, 1, 0, 1);
    assert_true(t.n == 0);
    assert_string_equal(text, "and 1 more attack windows (--json shows every one)\n");
    free(text);
    lg_table_done(&t);
    lg_table_init(&t, 5);
    text = printed(&t, 1, 5, 0);
    assert_string_equal(text, "");
    free(text);
    lg_table_done(&t);
}

/* Names are the attacker's: no control character reaches the terminal, whatever the encoding. */
static void test_terminals_are_safe(void **state)
{
    static char longest[4096];
    struct lg_table t;
    char *text;

    (void)state;
    memset(longest, 'y', sizeof(longest));
    lg_table_init(&t, 5);
    gb.nodes[0].cmd_raw = LG_STR("a\x1b[2J\r\n\x07 b\x7f \xc2\x9b"
                                 "31m \xff \xc3\xa9 \xe2\x82\xac");
    gb.nodes[1].cmd_raw = lg_str_of(longest, sizeof(longest));
    gb.nodes[1].pid = 42;
    add(&t, 0.9, 1, LG_STR("ws\x1b]0;x\x07"));
    text = printed(&t, 1, 5, 1);
    for (const unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
        assert_true(*p == '\n' || *p >= 0x20);
        assert_true(*p != 0x7f && !(*p == 0xc2 && p[1] < 0xa0));
    }
    assert_non_null(strstr(text, "a?[2J??? b? ?31m \xef\xbf\xbd \xc3\xa9 \xe2\x82\xac"));
    assert_non_null(strstr(text, "ws?]0;x?"));
    assert_non_null(strstr(text, "yyy... (pid 42)"));
    assert_true(strlen(text) < 1000);
    free(text);
    lg_table_done(&t);
}

static void test_out_of_memory(void **state)
{
    struct lg_verdict v = verdict(0.9);
    bool whole = false;

    (void)state;
    for (uint64_t n = 1; !whole && n < 100; n++) {
        struct lg_table t;
        int rc = 0;

        lg_table_init(&t, 100);
        (void)lg_mem_fail_from(n);
        for (int i = 0; i < 80 && rc == 0; i++)
            rc = lg_table_add(&t, &v, &gb.g, &model);
        (void)lg_mem_fail_from(0);
        whole = rc == 0;
        assert_true(whole || rc == LG_ENOMEM);
        lg_table_done(&t);
    }
    assert_false(whole); /* eighty rows take more than a hundred allocations */
}

static void test_rows_that_tell_nothing(void **state)
{
    struct lg_verdict v = verdict(0.9);
    struct lg_table t;
    char *text;

    (void)state;
    v.evidence[0].share = 0.001; /* leads to the next, and stays */
    v.evidence[2].share = 0.004;
    lg_table_init(&t, 1);
    assert_int_equal(lg_table_add(&t, &v, &gb.g, &model), 0);
    text = printed(&t, 1, 1, 1);
    assert_non_null(strstr(text, "0 %  process"));
    assert_non_null(strstr(text, "20 %"));
    assert_null(strstr(text, "c.txt"));
    assert_non_null(strstr(text, "and 1 node below 1 %"));
    free(text);
    lg_table_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    test_worst_first_with_the_tree_of_evidence, setup, teardown),
            cmocka_unit_test_setup_teardown(test_the_worst_are_kept_in_any_order, setup, teardown),
            cmocka_unit_test_setup_teardown(test_no_rows, setup, teardown),
            cmocka_unit_test_setup_teardown(test_terminals_are_safe, setup, teardown),
            cmocka_unit_test_setup_teardown(test_rows_that_tell_nothing, setup, teardown),
            cmocka_unit_test_setup_teardown(test_out_of_memory, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
