#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "train/fit.h"

/* Two features decide together (exclusive or): no line does it, trees must. */
static void test_trees_learn_what_a_line_cannot(void **state)
{
    float x[400][3];
    uint8_t y[400];
    struct lg_forest f, again;
    struct lg_err err = {0, ""};
    struct lg_trees_options opt = lg_trees_defaults;

    (void)state;
    opt.trees = 30;
    for (int i = 0; i < 400; i++) {
        x[i][0] = (float)(i & 1);
        x[i][1] = (float)(i >> 1 & 1);
        x[i][2] = (float)(i % 7);
        y[i] = (i & 1) != (i >> 1 & 1);
    }
    /* a little off balance, so that the first split has something to gain */
    y[0] = 1;
    assert_int_equal(lg_fit_trees(&x[0][0], y, 400, 3, &opt, &f, &err), 0);
    assert_int_equal(lg_fit_trees(&x[0][0], y, 400, 3, &opt, &again, &err), 0);
    assert_int_equal(f.n_trees, 30);
    assert_int_equal(f.n_nodes, again.n_nodes);
    assert_memory_equal(f.value, again.value, f.n_nodes * sizeof(*f.value));
    for (int i = 1; i < 400; i++)
        assert_int_equal(lg_forest_score(&f, x[i]) > 0, y[i]);
    lg_forest_done(&f);
    lg_forest_done(&again);
}

static void test_tokens_weigh_what_tells(void **state)
{
    static const uint32_t benign[] = {1, 5, 9}, attack[] = {1, 6, 9};
    struct lg_token_row rows[20];
    struct lg_token_regression r;
    struct lg_err err = {0, ""};

    (void)state;
    for (int i = 0; i < 20; i++)
        rows[i] = (struct lg_token_row){i % 4 == 0 ? attack : benign, 3, i % 4 == 0};
    assert_int_equal(lg_fit_tokens(rows, 20, 16, 10, &r, &err), 0);
    assert_true(r.weight[6] > 0.1f);
    assert_true(r.weight[5] < -0.1f);
    assert_true(lg_token_regression_score(&r, attack, 3) > 0);
    assert_true(lg_token_regression_score(&r, benign, 3) < 0);
    assert_true(r.weight[0] == 0.0f); /* never seen */
    lg_token_regression_done(&r);
}

static void test_one_class_is_refused(void **state)
{
    static const uint32_t tok[] = {1};
    struct lg_token_row row = {tok, 1, 0};
    struct lg_token_regression r;
    struct lg_forest f;
    struct lg_err err = {0, ""};
    float x = 1;
    uint8_t y = 1;

    (void)state;
    assert_int_equal(lg_fit_tokens(&row, 1, 4, 1, &r, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "both classes"));
    assert_int_equal(lg_fit_trees(&x, &y, 1, 1, &lg_trees_defaults, &f, &err), LG_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_trees_learn_what_a_line_cannot),
            cmocka_unit_test(test_tokens_weigh_what_tells),
            cmocka_unit_test(test_one_class_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
