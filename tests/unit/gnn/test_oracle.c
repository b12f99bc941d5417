/* The network against PyTorch: golden tensors of tests/oracle/make_golden.py. */
#include "golden.h"

#include <math.h>

#define FORWARD_TOLERANCE 1e-4
#define GRADIENT_TOLERANCE 1e-3

static const char *const cases[] = {"tiny", "odd", "full"};

/* Largest difference, relative where the expected value is larger than 1. */
static double worst(const float *got, const float *want, size_t n)
{
    double max = 0;

    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)got[i] - (double)want[i]) / fmax(1.0, fabs((double)want[i]));

        if (!(d <= max))
            max = d;
    }
    return max;
}

static void check_graph(struct golden *gd, int i, const struct lg_gnn_graph *g)
{
    uint32_t d = gd->model->cfg.dim;
    float logits[2], *score = lg_calloc(g->n_nodes, sizeof(float));
    double e_logits, e_emb, e_score;

    assert_non_null(score);
    assert_int_equal(
            lg_gnn_scratch_reserve(gd->scratch, &gd->model->cfg, g->n_nodes, g->n_edges), 0);
    assert_int_equal(lg_gnn_forward(gd->model, g, gd->scratch, logits), 0);
    e_logits = worst(logits, golden_floats(gd, i, "logits"), 2);
    e_emb = worst(lg_gnn_scratch_embeddings(gd->scratch), golden_floats(gd, i, "embeddings"),
            (size_t)g->n_nodes * d);
    assert_int_equal(lg_gnn_input_gradient(gd->model, g, gd->scratch, score), 0);
    e_score = worst(score, golden_floats(gd, i, "score"), g->n_nodes);
    print_message(
            "graph %d: logits %.2g, embeddings %.2g, scores %.2g\n", i, e_logits, e_emb, e_score);
    assert_true(e_logits < FORWARD_TOLERANCE);
    assert_true(e_emb < FORWARD_TOLERANCE);
    assert_true(e_score < GRADIENT_TOLERANCE);
    lg_free(score);
}

static void test_forward(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        struct golden gd;
        struct golden_graph gg;
        int i = 0;

        golden_open(&gd, cases[c]);
        for (; golden_graph(&gd, i, &gg); i++) {
            check_graph(&gd, i, &gg.g);
            golden_graph_free(&gg);
        }
        assert_true(i >= 2);
        golden_close(&gd);
    }
}

static void check_gradients(struct golden *gd, const float *grad)
{
    const struct lg_gnn_layout *lay = &gd->model->lay;
    size_t stride = (size_t) * (const int64_t *)golden_find(gd, -1, "grad_stride")->data;

    for (uint32_t p = 0; p < lay->n; p++) {
        const struct lg_gnn_param *par = &lay->v[p];
        const struct lg_tensor *want;
        double max = 0, largest = 0;
        char name[64];

        snprintf(name, sizeof(name), "grad.%s", par->name);
        want = golden_find(gd, -1, name);
        assert_non_null(want);
        assert_int_equal(want->n, (par->n + stride - 1) / stride);
        for (size_t i = 0; i < want->n; i++) {
            double w = (double)((const float *)want->data)[i];
            double e = fabs((double)grad[par->offset + i * stride] - w) / fmax(1.0, fabs(w));

            if (!(e <= max))
                max = e;
            largest = fmax(largest, fabs(w));
        }
        if (!(max < GRADIENT_TOLERANCE))
            fail_msg("gradient of %s is off by %g (largest %g)", par->name, max, largest);
        assert_true(largest > 0);
    }
}

static void test_gradients(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        struct golden gd;
        struct golden_graph gg;
        float *grad, logits[2];

        golden_open(&gd, cases[c]);
        grad = lg_calloc(gd.model->lay.floats, sizeof(float));
        assert_non_null(grad);
        for (int i = 0; golden_graph(&gd, i, &gg); i++) {
            const float dlogits[2] = {(float)(i + 1), -2.0f * (float)(i + 1)};

            assert_int_equal(
                    lg_gnn_scratch_reserve(gd.scratch, &gd.model->cfg, gg.g.n_nodes, gg.g.n_edges),
                    0);
            assert_int_equal(lg_gnn_forward(gd.model, &gg.g, gd.scratch, logits), 0);
            assert_int_equal(lg_gnn_backward(gd.model, &gg.g, gd.scratch, dlogits, grad), 0);
            golden_graph_free(&gg);
        }
        check_gradients(&gd, grad);
        lg_free(grad);
        golden_close(&gd);
    }
}

/* What torch.save wrote comes back from our own files with the same bits. */
static void test_round_trip(void **state)
{
    static const char *const endings[] = {".pt", ".safetensors"};

    (void)state;
    for (int e = 0; e < 2; e++) {
        struct golden gd;
        struct lg_gnn_model *again;
        struct lg_err err = {0};
        char path[300];

        golden_open(&gd, "tiny");
        snprintf(path, sizeof(path), LG_BINARY_DIR "/test_oracle_gnn%s", endings[e]);
        if (lg_gnn_model_save(gd.model, path, &err) < 0)
            fail_msg("%s", err.text);
        if (lg_gnn_model_load(path, &gd.model->cfg, &again, &err) < 0)
            fail_msg("%s", err.text);
        assert_memory_equal(again->flat, gd.model->flat, gd.model->lay.floats * sizeof(float));
        assert_memory_equal(again->idf, gd.model->idf, gd.model->cfg.vocab * sizeof(float));
        remove(path);
        lg_gnn_model_free(again);
        golden_close(&gd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_forward),
            cmocka_unit_test(test_gradients),
            cmocka_unit_test(test_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
