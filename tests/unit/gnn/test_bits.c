/*
 * The same bits everywhere: every instruction set of this CPU gives the committed logits,
 * embeddings and scores of tests/data/gnn/bits.txt. `test_bits_gnn --print` writes that file anew,
 * after a change that is meant to change them.
 */
#include "gnn_random.h"
#include "golden.h"

#include "base/buf.h"
#include "base/hash.h"
#include "gnn/train.h"
#include "tensor/kernels.h"

static void add_line(struct lg_buf *b, const char *name, int i, const struct lg_gnn_model *model,
        const struct lg_gnn_graph *g, struct lg_gnn_scratch *s)
{
    float logits[2], *score = lg_calloc(g->n_nodes, sizeof(float));
    uint32_t drop[2] = {g->n_nodes / 2, 0};
    uint64_t emb, sc;

    assert_non_null(score);
    assert_int_equal(lg_gnn_scratch_reserve(s, &model->cfg, g->n_nodes, g->n_edges), 0);
    assert_int_equal(lg_gnn_forward(model, g, s, logits), 0);
    emb = lg_hash64(
            lg_gnn_scratch_embeddings(s), (size_t)g->n_nodes * model->cfg.dim * sizeof(float), 0);
    assert_int_equal(lg_gnn_input_gradient(model, g, s, score), 0);
    sc = lg_hash64(score, g->n_nodes * sizeof(float), 0);
    lg_buf_printf(b, "%s %d logits %a %a prob %a embeddings %016llx scores %016llx", name, i,
            (double)logits[0], (double)logits[1], (double)lg_gnn_prob(logits),
            (unsigned long long)emb, (unsigned long long)sc);
    if (g->n_nodes > 2) {
        assert_int_equal(lg_gnn_ablate(model, g, s, drop, 2, logits), 0);
        lg_buf_printf(b, " ablated %a %a", (double)logits[0], (double)logits[1]);
    }
    lg_buf_addc(b, '\n');
    lg_free(score);
}

static void add_golden(struct lg_buf *b, const char *name)
{
    struct golden gd;
    struct golden_graph gg;

    golden_open(&gd, name);
    for (int i = 0; golden_graph(&gd, i, &gg); i++) {
        add_line(b, name, i, gd.model, &gg.g, gd.scratch);
        golden_graph_free(&gg);
    }
    golden_close(&gd);
}

/* Fresh weights need no file: they come from the seed. */
static void add_fresh(struct lg_buf *b)
{
    struct lg_gnn_config cfg;
    struct lg_gnn_model *model;
    struct lg_gnn_scratch *s;

    lg_gnn_config_default(&cfg);
    cfg.feature_version = 1;
    cfg.vocab = 512;
    cfg.node_types = 7;
    cfg.num_dim = 5;
    cfg.edge_types = 9;
    cfg.attr_bits = 12;
    assert_int_equal(lg_gnn_model_new(&cfg, 2026, &model, NULL), 0);
    assert_int_equal(lg_gnn_scratch_new(&s), 0);
    for (int i = 0; i < 6; i++) {
        struct test_graph t;

        test_graph_random(
                &t, &cfg, (uint32_t)(3 + 17 * i), (uint32_t)(2 + 40 * i), 12, (uint64_t)i + 50);
        add_line(b, "fresh", i, model, &t.g, s);
        test_graph_free(&t);
    }
    lg_gnn_model_free(model);
    lg_gnn_scratch_free(s);
}

static void add_all(struct lg_buf *b)
{
    add_golden(b, "tiny");
    add_golden(b, "odd");
    add_golden(b, "full");
    add_fresh(b);
}

static void test_bits(void **state)
{
    static char want[16384];
    FILE *f = fopen(GOLDEN "bits.txt", "r");
    size_t n;

    (void)state;
    assert_non_null(f);
    n = fread(want, 1, sizeof(want) - 1, f);
    fclose(f);
    want[n] = '\0';
    for (int simd = 0; simd < LG_SIMDS; simd++) {
        struct lg_buf b;

        if (lg_kernels_of((enum lg_simd)simd) == NULL) {
            print_message("this CPU has no %s\n", lg_simd_name((enum lg_simd)simd));
            continue;
        }
        assert_int_equal(lg_kernels_force((enum lg_simd)simd), 0);
        lg_buf_init(&b, sizeof(want));
        add_all(&b);
        lg_buf_addc(&b, '\0');
        assert_int_equal(b.failed, 0);
        print_message("%s\n", lg_simd_name((enum lg_simd)simd));
        assert_string_equal(b.p, want);
        lg_buf_done(&b);
    }
    assert_int_equal(lg_kernels_force(LG_SIMDS), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bits)};

    if (argc > 1 && strcmp(argv[1], "--print") == 0) {
        struct lg_buf b;

        lg_buf_init(&b, 1u << 20);
        add_all(&b);
        fwrite(b.p, 1, b.n, stdout);
        lg_buf_done(&b);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
