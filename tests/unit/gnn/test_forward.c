/* Contract of the forward: bad graphs, room, memory, weights out of reason; finite differences. */
#include "gnn_random.h"
#include "golden.h"

#include <math.h>

static const struct lg_gnn_config config = {.feature_version = 1,
        .vocab = 40,
        .dim = 16,
        .heads = 1,
        .layers = 2,
        .node_types = 3,
        .num_dim = 2,
        .edge_types = 2,
        .attr_bits = 5};

static void test_config(void **state)
{
    static const struct {
        size_t field;
        uint32_t value;
        const char *text;
    } bad[] = {
            {offsetof(struct lg_gnn_config, vocab), 0, "vocab is 0"},
            {offsetof(struct lg_gnn_config, vocab), LG_GNN_MAX_VOCAB + 1, "vocab"},
            {offsetof(struct lg_gnn_config, dim), 24, "no multiple"},
            {offsetof(struct lg_gnn_config, heads), 3, "no multiple"},
            {offsetof(struct lg_gnn_config, heads), 0, "heads is 0"},
            {offsetof(struct lg_gnn_config, attr_bits), 33, "attr_bits is 33"},
            {offsetof(struct lg_gnn_config, layers), 9, "layers is 9"},
    };

    (void)state;
    assert_int_equal(lg_gnn_config_check(&config, NULL), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct lg_gnn_config c = config;
        struct lg_gnn_model *model;
        struct lg_err err;

        memcpy((char *)&c + bad[i].field, &bad[i].value, sizeof(uint32_t));
        assert_int_equal(lg_gnn_model_new(&c, 1, &model, &err), LG_EINVAL);
        assert_non_null(strstr(err.text, bad[i].text));
    }
}

static void test_bad_graphs(void **state)
{
    struct test_graph t;
    struct lg_gnn_model *model;
    struct lg_gnn_scratch *s;
    struct lg_err err;
    float logits[2];

    (void)state;
    test_graph_random(&t, &config, 6, 8, 5, 2);
    assert_int_equal(lg_gnn_model_new(&config, 1, &model, NULL), 0);
    assert_int_equal(lg_gnn_scratch_new(&s), 0);
    assert_int_equal(lg_gnn_forward(model, &t.g, s, logits), LG_ELIMIT);
    assert_int_equal(lg_gnn_scratch_reserve(s, &config, 6, 8), 0);
    assert_int_equal(lg_gnn_forward(model, &t.g, s, logits), 0);
#define REFUSED(what, change, restore)                                                             \
    do {                                                                                           \
        change;                                                                                    \
        assert_int_equal(lg_gnn_graph_check(&config, &t.g, &err), LG_EINVAL);                      \
        assert_non_null(strstr(err.text, what));                                                   \
        assert_int_equal(lg_gnn_forward(model, &t.g, s, logits), LG_EINVAL);                       \
        restore;                                                                                   \
        assert_int_equal(lg_gnn_graph_check(&config, &t.g, &err), 0);                              \
    } while (0)
    uint32_t keep = t.src[2];
    REFUSED("edge 2", t.src[2] = 6, t.src[2] = keep);
    keep = t.dst[7];
    REFUSED("edge 7", t.dst[7] = UINT32_MAX, t.dst[7] = keep);
    keep = t.edge_type[0];
    REFUSED("edge 0", t.edge_type[0] = 2, t.edge_type[0] = (uint8_t)keep);
    keep = t.edge_attr[1];
    REFUSED("edge 1", t.edge_attr[1] = 32, t.edge_attr[1] = keep);
    keep = t.node_type[5];
    REFUSED("node 5 has type 3", t.node_type[5] = 3, t.node_type[5] = (uint8_t)keep);
    float num = t.node_num[3];
    REFUSED("node number", t.node_num[3] = NAN, t.node_num[3] = num);
    num = t.edge_num[4];
    REFUSED("edge number", t.edge_num[4] = INFINITY, t.edge_num[4] = num);
    REFUSED("0 nodes", t.g.n_nodes = 0, t.g.n_nodes = 6);
    REFUSED("start at 0", t.tok_off[0] = 1, t.tok_off[0] = 0);
    keep = t.tok_off[6];
    REFUSED("tokens of node 5", t.tok_off[6] = UINT32_MAX, t.tok_off[6] = keep);
    for (uint32_t v = 0; v < 6; v++) {
        if (t.tok_off[v + 1] - t.tok_off[v] < 2)
            continue;
        keep = t.tok[t.tok_off[v] + 1];
        REFUSED("order", t.tok[t.tok_off[v] + 1] = t.tok[t.tok_off[v]],
                t.tok[t.tok_off[v] + 1] = keep);
        REFUSED("order", t.tok[t.tok_off[v + 1] - 1] = 40, test_graph_free(&t);
                test_graph_random(&t, &config, 6, 8, 5, 2));
        break;
    }
#undef REFUSED
    model->w.out_w[0] = model->w.out_w[1] = 3e38f;
    model->w.read_b[0] = model->w.read_b[1] = 3e38f;
    logits[0] = 5;
    assert_int_equal(lg_gnn_forward(model, &t.g, s, logits), LG_ERANGE);
    assert_true(logits[0] == 5.0f);
    lg_gnn_model_free(model);
    lg_gnn_scratch_free(s);
    test_graph_free(&t);
}

/* Directional derivative of the logits along a random change of all weights. */
static void test_finite_differences(void **state)
{
    struct test_graph t;
    struct lg_gnn_model *model;
    struct lg_gnn_scratch *s;
    struct lg_rng rng;
    float *grad, *dir, *at;
    size_t n;

    (void)state;
    test_graph_random(&t, &config, 9, 14, 5, 6);
    assert_int_equal(lg_gnn_model_new(&config, 1, &model, NULL), 0);
    assert_int_equal(lg_gnn_scratch_new(&s), 0);
    assert_int_equal(lg_gnn_scratch_reserve(s, &config, 9, 14), 0);
    n = model->lay.floats;
    grad = lg_calloc(n, sizeof(float));
    dir = lg_calloc(n, sizeof(float));
    at = lg_memdup(model->flat, n * sizeof(float));
    assert_true(grad != NULL && dir != NULL && at != NULL);
    lg_rng_init(&rng, 8, 8);
    for (int round = 0; round < 20; round++) {
        const float c[2] = {0.7f, -1.3f};
        const double h = 2e-3;
        double want = 0, f[2];
        float logits[2];

        for (uint32_t p = 0; p < model->lay.n; p++)
            for (size_t i = 0; i < model->lay.v[p].n; i++)
                dir[model->lay.v[p].offset + i] = (lg_rng_float(&rng) - 0.5f) * 0.1f;
        memcpy(model->flat, at, n * sizeof(float));
        lg_gnn_model_prepare(model);
        memset(grad, 0, n * sizeof(float));
        assert_int_equal(lg_gnn_forward(model, &t.g, s, logits), 0);
        assert_int_equal(lg_gnn_backward(model, &t.g, s, c, grad), 0);
        for (size_t i = 0; i < n; i++)
            want += (double)grad[i] * (double)dir[i];
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < n; i++)
                model->flat[i] = at[i] + (float)(side ? h : -h) * dir[i];
            lg_gnn_model_prepare(model);
            assert_int_equal(lg_gnn_forward(model, &t.g, s, logits), 0);
            f[side] = (double)c[0] * (double)logits[0] + (double)c[1] * (double)logits[1];
        }
        /* float32 forwards leave about 1e-7 / 4e-3 of noise. */
        if (fabs((f[1] - f[0]) / (2 * h) - want) > 2e-3 * fmax(1.0, fabs(want)))
            fail_msg("round %d: %g by differences, %g by gradient", round, (f[1] - f[0]) / (2 * h),
                    want);
        memcpy(at, model->flat, n * sizeof(float));
    }
    lg_free(grad);
    lg_free(dir);
    lg_free(at);
    lg_gnn_model_free(model);
    lg_gnn_scratch_free(s);
    test_graph_free(&t);
}

static void test_out_of_memory(void **state)
{
    int rc = LG_ENOMEM;

    (void)state;
    for (uint64_t n = 1; rc == LG_ENOMEM && n < 50; n++) {
        struct lg_gnn_model *model = NULL;
        struct lg_gnn_scratch *s = NULL;

        lg_mem_fail_from(n);
        rc = lg_gnn_model_new(&config, 1, &model, NULL);
        if (rc == 0)
            rc = lg_gnn_scratch_new(&s);
        if (rc == 0)
            rc = lg_gnn_scratch_reserve(s, &config, 10, 10);
        lg_mem_fail_from(0);
        lg_gnn_model_free(model);
        lg_gnn_scratch_free(s);
    }
    assert_int_equal(rc, 0);
}

/* After the reserve no call of inference allocates. */
static void test_no_allocation(void **state)
{
    struct test_graph t;
    struct lg_gnn_model *model;
    struct lg_gnn_scratch *s;
    const uint32_t drop = 3;
    float logits[2], score[20];

    (void)state;
    test_graph_random(&t, &config, 20, 40, 5, 3);
    assert_int_equal(lg_gnn_model_new(&config, 1, &model, NULL), 0);
    assert_int_equal(lg_gnn_scratch_new(&s), 0);
    assert_int_equal(lg_gnn_scratch_reserve(s, &config, 20, 40), 0);
    lg_mem_fail_from(0);
    assert_int_equal(lg_gnn_scratch_reserve(s, &config, 20, 40), 0);
    assert_int_equal(lg_gnn_forward(model, &t.g, s, logits), 0);
    assert_int_equal(lg_gnn_input_gradient(model, &t.g, s, score), 0);
    assert_int_equal(lg_gnn_ablate(model, &t.g, s, &drop, 1, logits), 0);
    assert_int_equal(lg_mem_fail_from(0), 0);
    assert_true(lg_gnn_scratch_measure(&config, 21, 40) > lg_gnn_scratch_measure(&config, 20, 40));
    assert_int_equal(lg_gnn_scratch_reserve(s, &config, LG_GNN_MAX_NODES + 1, 1), LG_ELIMIT);
    lg_gnn_model_free(model);
    lg_gnn_scratch_free(s);
    test_graph_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_config),
            cmocka_unit_test(test_bad_graphs),
            cmocka_unit_test(test_finite_differences),
            cmocka_unit_test(test_out_of_memory),
            cmocka_unit_test(test_no_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
