/* A token table in half precision scores bit for bit as the same numbers in single precision. */
#include "gnn_random.h"
#include "golden.h"

#include <math.h>

#include "gnn/train.h"
#include "tensor/half.h"

static const struct lg_gnn_config config = {.feature_version = 1,
        .vocab = 256,
        .dim = 128,
        .heads = 4,
        .layers = 2,
        .node_types = 4,
        .num_dim = 3,
        .edge_types = 4,
        .attr_bits = 6};

static void test_every_half_survives(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float f = lg_half_to_float((uint16_t)h);

        if (isfinite(f))
            assert_int_equal(lg_float_to_half(f), h);
        else
            assert_true((h >> 10 & 31) == 31);
    }
    assert_true(lg_half_to_float(0x3c00) == 1.0f && lg_half_to_float(0xc000) == -2.0f);
    assert_true(lg_half_to_float(1) == 0x1p-24f && lg_half_to_float(0x7bff) == 65504.0f);
}

static void test_same_bits_on_every_cpu(void **state)
{
    struct lg_gnn_model *wide, *half;
    struct lg_gnn_scratch *scratch;
    struct lg_gnn_graph g;
    struct test_graph t;
    struct lg_gnn_train_options opt;
    struct lg_err err;

    (void)state;
    assert_int_equal(lg_gnn_model_new(&config, 3, &wide, NULL), 0);
    assert_int_equal(lg_gnn_model_new(&config, 3, &half, NULL), 0);
    assert_int_equal(lg_gnn_model_halve(half), LG_ERANGE); /* drawn with 24 bits */
    assert_non_null(half->w.tok);
    for (size_t i = 0; i < (size_t)config.vocab * config.dim; i++) {
        wide->w.tok[i] = lg_half_to_float(lg_float_to_half(wide->w.tok[i]));
        half->w.tok[i] = wide->w.tok[i];
    }
    half->w.tok[5] = wide->w.tok[5] = -0.0f;
    half->w.tok[6] = wide->w.tok[6] = 0x1p-20f; /* no normal number any more */
    assert_int_equal(lg_gnn_model_halve(half), 0);
    assert_int_equal(lg_gnn_model_halve(half), 0);
    assert_int_equal(lg_gnn_scratch_new(&scratch), 0);
    assert_int_equal(lg_gnn_scratch_reserve(scratch, &config, 60, 150), 0);
    for (int simd = 0; simd <= LG_SIMDS; simd++) {
        if (lg_kernels_force((enum lg_simd)simd) < 0)
            continue;
        for (uint32_t round = 0; round < 5; round++) {
            float a[2], b[2];

            test_graph_random(&t, &config, 60, 150, 12, round);
            g = t.g;
            assert_int_equal(lg_gnn_forward(wide, &g, scratch, a), 0);
            assert_int_equal(lg_gnn_infer(half, &g, scratch, b), 0);
            assert_memory_equal(a, b, sizeof(a));
            assert_int_equal(lg_gnn_forward(half, &g, scratch, b), 0);
            assert_memory_equal(a, b, sizeof(a));
            test_graph_free(&t);
        }
    }
    assert_int_equal(lg_kernels_force(LG_SIMDS), 0);
    lg_gnn_train_options_default(&opt);
    assert_int_equal(lg_gnn_train(half, NULL, 0, NULL, 0, &opt, NULL, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "halved"));
    lg_gnn_scratch_free(scratch);
    lg_gnn_model_free(wide);
    lg_gnn_model_free(half);
}

static void test_is_written_as_it_was(void **state)
{
    struct lg_gnn_model *m, *back;
    struct lg_tensors set;

    (void)state;
    assert_int_equal(lg_gnn_model_new(&config, 4, &m, NULL), 0);
    for (size_t i = 0; i < (size_t)config.vocab * config.dim; i++)
        m->w.tok[i] = lg_half_to_float((uint16_t)(i * 7 % 0x7c00));
    (void)lg_mem_fail_from(1);
    assert_int_equal(lg_gnn_model_halve(m), LG_ENOMEM);
    (void)lg_mem_fail_from(2);
    assert_int_equal(lg_gnn_model_halve(m), LG_ENOMEM);
    (void)lg_mem_fail_from(0);
    assert_int_equal(lg_gnn_model_halve(m), 0);
    lg_tensors_init(&set);
    assert_int_equal(lg_gnn_model_to_tensors(m, &set, NULL), 0);
    assert_int_equal(lg_gnn_model_from_tensors(&set, NULL, &back, NULL), 0);
    for (size_t i = 0; i < (size_t)config.vocab * config.dim; i++)
        assert_true(back->w.tok[i] == lg_half_to_float((uint16_t)(i * 7 % 0x7c00)));
    lg_tensors_done(&set);
    lg_gnn_model_free(m);
    lg_gnn_model_free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_every_half_survives),
            cmocka_unit_test(test_same_bits_on_every_cpu),
            cmocka_unit_test(test_is_written_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
