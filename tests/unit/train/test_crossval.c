/*
 * No row is scored by a fit that saw its fold. By construction: what the rows of one fold differ
 * by stands in no row of another, so a fit without the fold cannot tell them apart, and their
 * scores are equal to the last bit. A fit that had seen one of them would give it another score.
 */
#include <math.h>

#include "lg_test.h"

#include "train/crossval.h"

#define FOLDS 3
#define EACH 8 /* rows of a fold, half of them attacks */
#define EXTRA 4
#define UNKNOWN 2
#define ROWS (FOLDS * EACH + EXTRA + UNKNOWN)
#define SHARED_TOKEN 7

struct made {
    uint8_t node_type[2];
    float node_num[2 * LG_NODE_NUM];
    uint32_t tok_off[3], tok[4], src[1], dst[1], edge_attr[1], graph_tok[2];
    uint8_t edge_type[1];
    float edge_num[1];
    float *counts;
};

static struct made made[ROWS];
static struct lg_row rows[ROWS];
static struct lg_capture_info captures[2] = {{.format = "a"}, {.format = "b"}};
static struct lg_dataset ds;

/* The token that only this row has. */
static uint32_t own_token(int i)
{
    return (uint32_t)(1000 + 13 * i);
}

static int setup(void **state)
{
    uint32_t nf = lg_features_count_n();

    (void)state;
    ds.rows.v = rows;
    ds.rows.n = ROWS;
    ds.captures.v = captures;
    ds.captures.n = 2;
    ds.folds = FOLDS;
    for (int i = 0; i < ROWS; i++) {
        struct made *m = &made[i];
        struct lg_row *row = &rows[i];
        int fold = i / EACH;

        row->fold = (uint8_t)(fold < FOLDS ? fold : (int)LG_FOLD_EXTRA);
        row->label = i % 2 == 0 ? LG_LABEL_ATTACK : LG_LABEL_BENIGN;
        if (i >= ROWS - UNKNOWN) {
            row->fold = 0;
            row->label = LG_LABEL_UNKNOWN;
        }
        row->learned_events = (uint32_t)(10 + i);
        m->tok_off[1] = 2;
        m->tok_off[2] = 3;
        m->tok[0] = SHARED_TOKEN;
        m->tok[1] = own_token(i);
        m->tok[2] = SHARED_TOKEN;
        m->dst[0] = 1;
        m->edge_num[0] = 0.6931472f;
        row->gnn = (struct lg_gnn_graph){.n_nodes = 2,
                .n_edges = 1,
                .node_type = m->node_type,
                .node_num = m->node_num,
                .tok_off = m->tok_off,
                .tok = m->tok,
                .src = m->src,
                .dst = m->dst,
                .edge_type = m->edge_type,
                .edge_attr = m->edge_attr,
                .edge_num = m->edge_num};
        m->graph_tok[0] = SHARED_TOKEN;
        m->graph_tok[1] = own_token(i);
        row->tok = m->graph_tok;
        row->n_tok = 2;
        /* one count for each fold, 0 everywhere else: constant to a fit without the fold */
        m->counts = (float *)lg_calloc(nf, sizeof(float));
        assert_non_null(m->counts);
        m->counts[fold < FOLDS ? fold : FOLDS] = (float)(1 + i);
        row->counts = m->counts;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS; i++)
        lg_free(made[i].counts);
    return 0;
}

static struct lg_cv_options options(void)
{
    struct lg_cv_options opt = lg_cv_defaults;

    opt.seeds = 2;
    opt.epochs = 2;
    opt.batch = 8;
    return opt;
}

static struct lg_cv *ran(const struct lg_cv_options *opt)
{
    struct lg_cv *cv = NULL;
    struct lg_err err = {0, ""};

    if (lg_cv_run(&ds, opt, &cv, &err) != 0)
        fail_msg("%s", err.text);
    return cv;
}

static void equal_in_each_fold(const double *score, const char *who)
{
    for (int f = 0; f < FOLDS; f++)
        for (int i = 0; i < EACH; i++) {
            double a = score[f * EACH], b = score[f * EACH + i];

            if (!isfinite(b) || memcmp(&a, &b, sizeof(a)) != 0)
                fail_msg("%s: rows %d and %d of fold %d: %.17g and %.17g", who, 0, i, f, a, b);
        }
}

static void test_no_fit_saw_the_fold_it_scores(void **state)
{
    struct lg_cv_options opt = options();
    struct lg_cv *cv = ran(&opt);

    (void)state;
    assert_int_equal(cv->n, ROWS);
    assert_int_equal(cv->seeds, 2);
    equal_in_each_fold(cv->gat[0], "first network");
    equal_in_each_fold(cv->gat[1], "second network");
    equal_in_each_fold(cv->member[LG_MEMBER_GAT], "networks");
    equal_in_each_fold(cv->member[LG_MEMBER_TOKENS], "regression");
    equal_in_each_fold(cv->member[LG_MEMBER_TREES], "trees");
    equal_in_each_fold(cv->baseline[LG_BASELINE_EVENT_TOKENS], "event tokens");
    assert_true(cv->gat[0][0] != cv->gat[1][0]); /* seeds do differ */
    lg_cv_free(cv);
    lg_cv_free(NULL);
}

/* The same construction does find a fit that saw its rows: the final one. */
static void test_the_final_fit_saw_them_and_it_shows(void **state)
{
    struct lg_cv_options opt = options();
    struct lg_cv *cv = ran(&opt);
    uint32_t attack[2] = {SHARED_TOKEN, own_token(0)}, benign[2] = {SHARED_TOKEN, own_token(1)};

    (void)state;
    assert_true(lg_token_regression_score(&cv->final_tokens, attack, 2) >
            lg_token_regression_score(&cv->final_tokens, benign, 2) + 0.5f);
    assert_int_equal(cv->final_tokens.vocab, LG_GRAPH_TOKEN_VOCAB);
    assert_int_equal(cv->final_trees.n_features, lg_features_count_n());
    assert_non_null(cv->final_gat[0]);
    assert_non_null(cv->final_gat[1]);
    lg_cv_free(cv);
}

static void test_extra_and_unknown_rows_are_never_trained_on(void **state)
{
    struct lg_cv_options opt = options();
    struct lg_cv *cv = ran(&opt);

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        bool trained = i < FOLDS * EACH;

        assert_int_equal(cv->final_tokens.weight[own_token(i)] != 0, trained);
        if (i >= FOLDS * EACH && i < ROWS - UNKNOWN) {
            /* extra rows are scored by the final fit, alike but for what it never saw */
            assert_true(isfinite(cv->member[LG_MEMBER_GAT][i]));
            assert_true(
                    cv->member[LG_MEMBER_TOKENS][i] == cv->member[LG_MEMBER_TOKENS][FOLDS * EACH]);
            assert_true(cv->member[LG_MEMBER_GAT][i] == cv->member[LG_MEMBER_GAT][FOLDS * EACH]);
        }
    }
    lg_cv_free(cv);
}

static void test_one_seed_gives_one_result(void **state)
{
    struct lg_cv_options opt = options();
    struct lg_cv *a = ran(&opt), *b;

    (void)state;
    opt.threads = 5;
    b = ran(&opt);
    for (int m = 0; m < LG_MEMBER_COUNT; m++)
        assert_memory_equal(a->member[m], b->member[m], FOLDS * EACH * sizeof(double));
    assert_memory_equal(
            a->final_tokens.weight, b->final_tokens.weight, a->final_tokens.vocab * sizeof(float));
    assert_memory_equal(
            a->final_trees.value, b->final_trees.value, a->final_trees.n_nodes * sizeof(float));
    lg_cv_free(b);
    opt.first_seed = 77;
    b = ran(&opt);
    assert_true(a->gat[0][0] != b->gat[0][0]);
    assert_true(a->member[LG_MEMBER_TOKENS][0] == b->member[LG_MEMBER_TOKENS][0]);
    lg_cv_free(a);
    lg_cv_free(b);
}

static void test_without_a_model_and_without_baselines(void **state)
{
    struct lg_cv_options opt = options();
    struct lg_cv *cv;

    (void)state;
    opt.final = false;
    opt.baselines = false;
    opt.seeds = 1;
    cv = ran(&opt);
    assert_null(cv->final_gat[0]);
    assert_null(cv->final_tokens.weight);
    assert_true(isnan(cv->member[LG_MEMBER_TOKENS][FOLDS * EACH])); /* extra: no fit for them */
    assert_true(isnan(cv->baseline[LG_BASELINE_SOURCE][0]));
    assert_true(cv->baseline[LG_BASELINE_EVENTS][0] == log1p(10));
    lg_cv_free(cv);
    for (int b = 0; b < LG_BASELINE_COUNT; b++)
        assert_non_null(lg_baseline_name((enum lg_baseline)b));
}

static void test_what_is_refused(void **state)
{
    struct lg_cv_options opt = options();
    struct lg_cv *cv = NULL;
    struct lg_err err = {0, ""};

    (void)state;
    opt.seeds = 0;
    assert_int_equal(lg_cv_run(&ds, &opt, &cv, &err), LG_EINVAL);
    opt.seeds = LG_MODEL_MAX_GATS + 1;
    assert_int_equal(lg_cv_run(&ds, &opt, &cv, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "1..16"));
    /* a fold whose complement has one class only: said by the fit, no score is made up */
    opt = options();
    for (int i = EACH; i < FOLDS * EACH; i++)
        rows[i].label = LG_LABEL_BENIGN;
    assert_int_equal(lg_cv_run(&ds, &opt, &cv, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "both classes"));
    assert_null(cv);
    for (int i = EACH; i < FOLDS * EACH; i++)
        rows[i].label = i % 2 == 0 ? LG_LABEL_ATTACK : LG_LABEL_BENIGN;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_no_fit_saw_the_fold_it_scores),
            cmocka_unit_test(test_the_final_fit_saw_them_and_it_shows),
            cmocka_unit_test(test_extra_and_unknown_rows_are_never_trained_on),
            cmocka_unit_test(test_one_seed_gives_one_result),
            cmocka_unit_test(test_without_a_model_and_without_baselines),
            cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
