/* Ablation gives bit for bit the forward of the reduced graph, and leaves the cache as it was. */
#include "gnn_random.h"
#include "golden.h"

#include <math.h>

static const struct lg_gnn_config config = {.feature_version = 1,
        .vocab = 128,
        .dim = 32,
        .heads = 2,
        .layers = 3,
        .node_types = 4,
        .num_dim = 3,
        .edge_types = 4,
        .attr_bits = 6};

/* Copy of a graph without the marked nodes. */
static void reduce(const struct lg_gnn_graph *g, const uint8_t *gone, struct test_graph *r)
{
    uint32_t *map = lg_malloc(g->n_nodes * sizeof(*map)), n = 0, e = 0, tok = 0;

    assert_non_null(map);
    test_graph_random(r, &config, g->n_nodes, g->n_edges, 8, 1); /* for its memory */
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        if (gone[v])
            continue;
        map[v] = n;
        r->node_type[n] = g->node_type[v];
        memcpy(r->node_num + (size_t)n * config.num_dim, g->node_num + (size_t)v * config.num_dim,
                config.num_dim * sizeof(float));
        r->tok_off[n++] = tok;
        for (uint32_t t = g->tok_off[v]; t < g->tok_off[v + 1]; t++)
            r->tok[tok++] = g->tok[t];
    }
    r->tok_off[n] = tok;
    for (uint32_t i = 0; i < g->n_edges; i++) {
        if (gone[g->src[i]] || gone[g->dst[i]])
            continue;
        r->src[e] = map[g->src[i]];
        r->dst[e] = map[g->dst[i]];
        r->edge_type[e] = g->edge_type[i];
        r->edge_attr[e] = g->edge_attr[i];
        r->edge_num[e++] = g->edge_num[i];
    }
    r->g.n_nodes = n;
    r->g.n_edges = e;
    lg_free(map);
}

struct fixture {
    struct lg_gnn_model *model;
    struct lg_gnn_scratch *a, *b;
};

static int setup(void **state)
{
    struct fixture *f = lg_calloc(1, sizeof(*f));

    if (f == NULL || lg_gnn_model_new(&config, 9, &f->model, NULL) < 0 ||
            lg_gnn_scratch_new(&f->a) < 0 || lg_gnn_scratch_new(&f->b) < 0)
        return -1;
    for (uint32_t i = 0; i < config.vocab; i++)
        f->model->w.wide[i] = (float)(i % 7) * 0.1f - 0.3f;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    lg_gnn_model_free(f->model);
    lg_gnn_scratch_free(f->a);
    lg_gnn_scratch_free(f->b);
    lg_free(f);
    return 0;
}

static void test_equals_reduced(void **state)
{
    struct fixture *f = *state;
    struct lg_rng rng;
    uint32_t changed = 0;

    lg_rng_init(&rng, 4, 4);
    for (uint32_t round = 0; round < 300; round++) {
        uint32_t n = 2 + (uint32_t)lg_rng_below(&rng, 40), drop[8];
        uint32_t edges = (uint32_t)lg_rng_below(&rng, 2 * n), n_drop, left = n;
        uint8_t gone[64] = {0};
        struct test_graph t, r;
        float full[2], again[2], cut[2], want[2], score[64], before[64];

        test_graph_random(&t, &config, n, edges, 8, round);
        assert_int_equal(lg_gnn_scratch_reserve(f->a, &config, n, edges), 0);
        assert_int_equal(lg_gnn_forward(f->model, &t.g, f->a, full), 0);
        assert_int_equal(lg_gnn_input_gradient(f->model, &t.g, f->a, before), 0);
        for (int i = 0; i < 3; i++) {
            n_drop = (uint32_t)lg_rng_below(&rng, n < 8 ? n : 8);
            memset(gone, 0, sizeof(gone));
            left = n;
            for (uint32_t k = 0; k < n_drop; k++) {
                drop[k] = (uint32_t)lg_rng_below(&rng, n);
                left -= !gone[drop[k]];
                gone[drop[k]] = 1;
            }
            assert_true(left > 0);
            reduce(&t.g, gone, &r);
            assert_int_equal(r.g.n_nodes, left);
            assert_int_equal(lg_gnn_scratch_reserve(f->b, &config, n, edges), 0);
            assert_int_equal(lg_gnn_forward(f->model, &r.g, f->b, want), 0);
            assert_int_equal(lg_gnn_infer(f->model, &r.g, f->b, again), 0);
            assert_memory_equal(again, want, sizeof(want));
            assert_int_equal(lg_gnn_ablate(f->model, &t.g, f->a, drop, n_drop, cut), 0);
            assert_memory_equal(cut, want, sizeof(cut));
            changed += memcmp(cut, full, sizeof(cut)) != 0;
            test_graph_free(&r);
        }
        assert_int_equal(lg_gnn_input_gradient(f->model, &t.g, f->a, score), 0);
        assert_memory_equal(score, before, n * sizeof(float));
        assert_int_equal(lg_gnn_ablate(f->model, &t.g, f->a, drop, 0, again), 0);
        assert_memory_equal(again, full, sizeof(full));
        test_graph_free(&t);
    }
    assert_true(changed > 600);
}

/* Where everybody left is a neighbour of the lost node, or nobody is, near is all there is. Else
 * others keep what they had, and the cache is as before either way. */
static void test_near(void **state)
{
    struct fixture *f = *state;
    struct lg_rng rng;
    uint32_t differ = 0;

    lg_rng_init(&rng, 5, 5);
    for (uint32_t round = 0; round < 200; round++) {
        uint32_t n = 3 + (uint32_t)lg_rng_below(&rng, 30), edges = 3 * n, last = n - 1;
        const uint32_t first = 0;
        struct test_graph t;
        float full[2], near[2], want[2], again[2];

        test_graph_random(&t, &config, n, edges, 8, round);
        for (uint32_t e = 0; e < edges; e++) { /* 0 knows all, `last` nobody but 0 */
            t.src[e] = e < last ? 0 : t.src[e] % last;
            t.dst[e] = e < last ? e + 1 : t.dst[e] % last;
        }
        assert_int_equal(lg_gnn_scratch_reserve(f->a, &config, n, edges), 0);
        assert_int_equal(lg_gnn_forward(f->model, &t.g, f->a, full), 0);
        assert_int_equal(lg_gnn_ablate_near(f->model, &t.g, f->a, first, near), 0);
        assert_int_equal(lg_gnn_ablate(f->model, &t.g, f->a, &first, 1, want), 0);
        assert_memory_equal(near, want, sizeof(near));
        assert_memory_not_equal(near, full, sizeof(near));
        assert_int_equal(lg_gnn_ablate_near(f->model, &t.g, f->a, last, near), 0);
        assert_int_equal(lg_gnn_ablate(f->model, &t.g, f->a, &last, 1, want), 0);
        differ += memcmp(near, want, sizeof(near)) != 0;
        assert_int_equal(lg_gnn_ablate(f->model, &t.g, f->a, NULL, 0, again), 0);
        assert_memory_equal(again, full, sizeof(full));
        assert_int_equal(lg_gnn_ablate_near(f->model, &t.g, f->a, n, near), LG_EINVAL);
        test_graph_free(&t);
    }
    assert_true(differ > 150);
}

static void test_refuses(void **state)
{
    struct fixture *f = *state;
    struct test_graph t;
    const uint32_t all[3] = {0, 1, 2}, bad = 3;
    float logits[2] = {7, 7}, score[3];

    test_graph_random(&t, &config, 3, 3, 4, 5);
    assert_int_equal(lg_gnn_scratch_reserve(f->a, &config, 3, 3), 0);
    assert_int_equal(lg_gnn_ablate(f->model, &t.g, f->a, all, 1, logits), LG_EINVAL);
    assert_int_equal(lg_gnn_input_gradient(f->model, &t.g, f->a, score), LG_EINVAL);
    assert_int_equal(lg_gnn_forward(f->model, &t.g, f->a, logits), 0);
    logits[0] = 7;
    assert_int_equal(lg_gnn_ablate(f->model, &t.g, f->a, all, 3, logits), LG_EINVAL);
    assert_int_equal(lg_gnn_ablate(f->model, &t.g, f->a, &bad, 1, logits), LG_EINVAL);
    assert_true(logits[0] == 7.0f);
    assert_int_equal(lg_gnn_ablate(f->model, &t.g, f->a, all, 2, logits), 0);
    /* The small way keeps nothing to go on from, and refuses what the other refuses. */
    assert_int_equal(lg_gnn_infer(f->model, &t.g, f->a, logits), 0);
    assert_int_equal(lg_gnn_ablate(f->model, &t.g, f->a, all, 1, logits), LG_EINVAL);
    assert_int_equal(lg_gnn_input_gradient(f->model, &t.g, f->a, score), LG_EINVAL);
    t.dst[0] = 3;
    assert_int_equal(lg_gnn_infer(f->model, &t.g, f->a, logits), LG_EINVAL);
    t.dst[0] = 0;
    assert_int_equal(lg_gnn_forward(f->model, &t.g, f->a, logits), 0);
    /* Nor does a forward that failed leave the one before in its place. */
    t.src[0] = 3;
    assert_int_equal(lg_gnn_forward(f->model, &t.g, f->a, logits), LG_EINVAL);
    assert_int_equal(lg_gnn_ablate(f->model, &t.g, f->a, all, 1, logits), LG_EINVAL);
    t.src[0] = 0;
    assert_int_equal(lg_gnn_forward(f->model, &t.g, f->a, logits), 0);
    /* Memory that moved holds no forward any more. */
    assert_int_equal(lg_gnn_scratch_reserve(f->a, &config, 500, 900), 0);
    assert_int_equal(lg_gnn_ablate(f->model, &t.g, f->a, all, 1, logits), LG_EINVAL);
    test_graph_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_equals_reduced, setup, teardown),
            cmocka_unit_test_setup_teardown(test_near, setup, teardown),
            cmocka_unit_test_setup_teardown(test_refuses, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
