/* The plain members: what they compute, and which files they refuse. */
#include <math.h>

#include "detect/model_builder.h"

static void add(
        struct lg_tensors *set, const char *name, enum lg_dtype dtype, uint64_t n, const void *data)
{
    struct lg_tensor *t;

    assert_int_equal(lg_tensors_add(set, lg_str_z(name), dtype, 1, &n, &t, NULL), 0);
    memcpy(t->data, data, (size_t)n * lg_dtype_size(dtype));
}

/* --- regression --------------------------------------------------------------------------------- */

static void test_regression_sums_the_weights_of_its_tokens(void **state)
{
    float weight[] = {0.5f, -1, 2, 4, 0.25f};
    struct lg_token_regression r = {5, weight, 0.125f};
    const uint32_t all[] = {0, 1, 2, 3, 4}, some[] = {1, 3};

    (void)state;
    assert_true(lg_token_regression_score(&r, all, 5) == 5.875f);
    assert_true(lg_token_regression_score(&r, some, 2) == 3.125f);
    assert_true(lg_token_regression_score(&r, NULL, 0) == 0.125f);
}

struct regression_case {
    const char *name;
    const char *weight_name;
    uint64_t n;
    enum lg_dtype dtype;
    float third, bias;
    int bias_n; /* 0: missing */
    const char *says;
};

static void test_regression_files(void **state)
{
    static const struct regression_case cases[] = {
            {"good", "weight", 4, LG_F32, 1, 1, 1, NULL},
            {"missing", "wait", 4, LG_F32, 1, 1, 1, "'weight' is missing"},
            {"short", "weight", 3, LG_F32, 1, 1, 1, "3 elements, not 4"},
            {"long", "weight", 5, LG_F32, 1, 1, 1, "5 elements, not 4"},
            {"type", "weight", 4, LG_I32, 1, 1, 1, "not a float32 vector"},
            {"nan", "weight", 4, LG_F32, NAN, 1, 1, "'weight' holds NaN"},
            {"inf", "weight", 4, LG_F32, INFINITY, 1, 1, "'weight' holds NaN or infinity at 2"},
            {"-inf", "weight", 4, LG_F32, -INFINITY, 1, 1, "NaN or infinity"},
            {"huge", "weight", 4, LG_F32, 1e30f, 1, 1, "out of all reason"},
            {"no bias", "weight", 4, LG_F32, 1, 1, 0, "'bias' is missing"},
            {"two biases", "weight", 4, LG_F32, 1, 1, 2, "2 elements, not 1"},
            {"bias nan", "weight", 4, LG_F32, 1, NAN, 1, "'bias' holds NaN"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct regression_case *c = &cases[i];
        float w[5] = {1, 2, c->third, 4, 5}, b[2] = {c->bias, 0};
        struct lg_token_regression r = {0, NULL, 0};
        struct lg_err err = {0, ""};
        struct lg_tensors set;
        int rc;

        lg_tensors_init(&set);
        add(&set, c->weight_name, c->dtype, c->n, w);
        if (c->bias_n > 0)
            add(&set, "bias", LG_F32, (uint64_t)c->bias_n, b);
        rc = lg_token_regression_from(&set, 4, &r, &err);
        if (c->says == NULL) {
            assert_int_equal(rc, 0);
            assert_true(r.vocab == 4 && r.weight[2] == 1 && r.bias == 1);
        } else if (rc != LG_EINVAL || strstr(err.text, c->says) == NULL || r.weight != NULL) {
            fail_msg("%s: %d %s", c->name, rc, err.text);
        }
        lg_token_regression_done(&r);
        lg_tensors_done(&set);
    }
    lg_token_regression_done(NULL);
}

/* --- trees ---------------------------------------------------------------------------------------- */

static void test_trees_take_the_left_below_the_threshold(void **state)
{
    struct lg_forest f;
    float *x = (float *)lg_calloc(lg_features_count_n(), sizeof(*x));

    (void)state;
    mb_trees(&f);
    /* base 0.5; stump: x0 < 2.5 ? -0.5 : 0.5; tree: x1 < 1.5 ? -0.25 : x2 < 3.5 ? 0.125 : 1 */
    assert_true(lg_forest_score(&f, x) == -0.25f);
    x[0] = 2.5f; /* not less: right */
    assert_true(lg_forest_score(&f, x) == 0.75f);
    x[1] = 2;
    assert_true(lg_forest_score(&f, x) == 1.125f);
    x[2] = 100;
    assert_true(lg_forest_score(&f, x) == 2.0f);
    lg_free(x);
    lg_forest_done(&f);
    lg_forest_done(NULL);
}

struct forest_arrays {
    int32_t root[2], feature[8], left[8], right[8];
    float value[8], base;
    uint64_t n_root, n_nodes, n_left;
};

static int forest_load(const struct forest_arrays *a, struct lg_forest *ret, struct lg_err *err)
{
    struct lg_tensors set;
    int rc;

    lg_tensors_init(&set);
    add(&set, "root", LG_I32, a->n_root, a->root);
    add(&set, "feature", LG_I32, a->n_nodes, a->feature);
    add(&set, "value", LG_F32, a->n_nodes, a->value);
    add(&set, "left", LG_I32, a->n_left, a->left);
    add(&set, "right", LG_I32, a->n_nodes, a->right);
    add(&set, "base", LG_F32, 1, &a->base);
    rc = lg_forest_from(&set, 3, ret, err);
    lg_tensors_done(&set);
    return rc;
}

static const struct forest_arrays good_forest = {.root = {0, 3},
        .feature = {0, -1, -1, 1, -1, 2, -1, -1},
        .left = {1, 0, 0, 4, 0, 6, 0, 0},
        .right = {2, 0, 0, 5, 0, 7, 0, 0},
        .value = {2.5f, -0.5f, 0.5f, 1.5f, -0.25f, 3.5f, 0.125f, 1},
        .base = 0.5f,
        .n_root = 2,
        .n_nodes = 8,
        .n_left = 8};

static void refused(const char *name, struct forest_arrays a, const char *says)
{
    struct lg_forest f = {0};
    struct lg_err err = {0, ""};
    int rc = forest_load(&a, &f, &err);

    if (rc != LG_EINVAL || strstr(err.text, says) == NULL || f.root != NULL)
        fail_msg("%s: %d %s", name, rc, err.text);
}

#define REFUSED(change, says)                                                                      \
    do {                                                                                           \
        struct forest_arrays a = good_forest;                                                      \
        change;                                                                                    \
        refused(#change, a, says);                                                                 \
    } while (0)

static void test_trees_that_would_not_end_or_leave_their_arrays_are_refused(void **state)
{
    struct lg_forest f;
    struct lg_err err = {0, ""};

    (void)state;
    assert_int_equal(forest_load(&good_forest, &f, &err), 0);
    assert_int_equal(f.n_trees, 2);
    lg_forest_done(&f);
    REFUSED(a.left[0] = 0, "child outside");  /* itself: a cycle */
    REFUSED(a.right[5] = 3, "child outside"); /* its parent: a cycle */
    REFUSED(a.left[3] = 1, "child outside");  /* another tree */
    REFUSED(a.right[0] = 3, "node 0 of tree 0 has a child outside");
    REFUSED(a.right[5] = 8, "child outside");
    REFUSED(a.left[5] = INT32_MAX, "child outside");
    REFUSED(a.left[5] = -1, "child outside");
    REFUSED(a.feature[5] = 3, "feature 3 of 3");
    REFUSED(a.feature[5] = -2, "feature -2 of 3");
    REFUSED(a.feature[5] = INT32_MIN, "of 3");
    REFUSED(a.root[0] = 1, "no valid extent");
    REFUSED(a.root[1] = 0, "no valid extent");
    REFUSED(a.root[1] = 8, "no valid extent");
    REFUSED(a.root[1] = INT32_MAX, "no valid extent");
    REFUSED(a.root[1] = -1, "no valid extent");
    REFUSED(a.n_left = 7, "'left' has 7 elements, not 8");
    REFUSED(a.value[1] = NAN, "'value' holds NaN");
    REFUSED(a.value[7] = -INFINITY, "at 7");
    REFUSED(a.value[0] = 1e38f, "out of all reason");
    REFUSED(a.base = INFINITY, "'base' holds NaN");
}

static void test_forests_have_a_size(void **state)
{
    struct forest_arrays a = good_forest;
    struct lg_forest f;
    struct lg_err err = {0, ""};
    struct lg_tensors set;
    uint64_t n = 10001;
    struct lg_tensor *t;

    (void)state;
    a.n_root = 0;
    assert_int_equal(forest_load(&a, &f, &err), LG_ELIMIT);
    lg_tensors_init(&set);
    assert_int_equal(lg_tensors_add(&set, LG_STR("root"), LG_I32, 1, &n, &t, NULL), 0);
    add(&set, "feature", LG_I32, 8, a.feature);
    add(&set, "value", LG_F32, 8, a.value);
    add(&set, "left", LG_I32, 8, a.left);
    add(&set, "right", LG_I32, 8, a.right);
    add(&set, "base", LG_F32, 1, &a.base);
    assert_int_equal(lg_forest_from(&set, 3, &f, &err), LG_ELIMIT);
    assert_non_null(strstr(err.text, "10001 trees"));
    lg_tensors_done(&set);
}

static void test_there_and_back(void **state)
{
    struct lg_forest f, g;
    struct lg_token_regression r, s;
    struct lg_tensors set;
    struct lg_err err = {0, ""};

    (void)state;
    mb_trees(&f);
    mb_tokens(&r, 3);
    lg_tensors_init(&set);
    assert_int_equal(lg_forest_to(&f, &set, &err), 0);
    assert_int_equal(lg_token_regression_to(&r, &set, &err), 0);
    assert_int_equal(lg_forest_from(&set, f.n_features, &g, &err), 0);
    assert_int_equal(lg_token_regression_from(&set, r.vocab, &s, &err), 0);
    assert_memory_equal(f.value, g.value, f.n_nodes * sizeof(float));
    assert_memory_equal(f.left, g.left, f.n_nodes * sizeof(int32_t));
    assert_memory_equal(f.root, g.root, f.n_trees * sizeof(int32_t));
    assert_true(f.base == g.base && r.bias == s.bias);
    assert_memory_equal(r.weight, s.weight, r.vocab * sizeof(float));
    /* a second time into the same set: names are taken */
    assert_int_equal(lg_forest_to(&f, &set, &err), LG_EEXIST);
    assert_int_equal(lg_token_regression_to(&r, &set, &err), LG_EEXIST);
    lg_tensors_done(&set);
    lg_forest_done(&f);
    lg_forest_done(&g);
    lg_token_regression_done(&r);
    lg_token_regression_done(&s);
}

static void test_out_of_memory(void **state)
{
    struct lg_forest f, g;
    struct lg_token_regression r, s;
    struct lg_tensors set;
    bool whole = false;

    (void)state;
    mb_trees(&f);
    mb_tokens(&r, 3);
    for (uint64_t n = 1; !whole && n < 200; n++) {
        int rc;

        lg_tensors_init(&set);
        memset(&g, 0, sizeof(g));
        memset(&s, 0, sizeof(s));
        (void)lg_mem_fail_from(n);
        rc = lg_forest_to(&f, &set, NULL);
        if (rc == 0)
            rc = lg_token_regression_to(&r, &set, NULL);
        if (rc == 0)
            rc = lg_forest_from(&set, f.n_features, &g, NULL);
        if (rc == 0)
            rc = lg_token_regression_from(&set, r.vocab, &s, NULL);
        (void)lg_mem_fail_from(0);
        whole = rc == 0;
        assert_true(whole || rc == LG_ENOMEM);
        lg_forest_done(&g);
        lg_token_regression_done(&s);
        lg_tensors_done(&set);
    }
    assert_true(whole);
    lg_forest_done(&f);
    lg_token_regression_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_regression_sums_the_weights_of_its_tokens),
            cmocka_unit_test(test_regression_files),
            cmocka_unit_test(test_trees_take_the_left_below_the_threshold),
            cmocka_unit_test(test_trees_that_would_not_end_or_leave_their_arrays_are_refused),
            cmocka_unit_test(test_forests_have_a_size),
            cmocka_unit_test(test_there_and_back),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
