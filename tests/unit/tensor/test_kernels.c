/* Kernels against plain loops in double, and every instruction set against the portable code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "tensor/kernels.h"

static uint64_t seed;

static float uniform(float from, float to)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return from + (to - from) * (float)(seed >> 40) * 0x1p-24f;
}

static float *random_floats(size_t n, float from, float to)
{
    float *p = lg_aligned_zalloc(n * sizeof(*p));

    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = uniform(from, to);
    return p;
}

/* Runs `body` with k set to each table that this CPU has. */
#define FOR_EACH_TABLE(k)                                                                          \
    for (int simd_ = 0; simd_ < LG_SIMDS; simd_++)                                                 \
        for (const struct lg_kernels *k = lg_kernels_of((enum lg_simd)simd_); k != NULL; k = NULL)

static void test_gemm(void **state)
{
    static const uint32_t sizes[][3] = {{1, 1, 16}, {2, 3, 16}, {5, 32, 48}, {13, 128, 128},
            {31, 16, 32}, {12, 48, 80}, {7, 128, 144}, {100, 128, 128}, {25, 64, 32}};

    (void)state;
    for (size_t c = 0; c < sizeof(sizes) / sizeof(sizes[0]); c++) {
        uint32_t m = sizes[c][0], kk = sizes[c][1], n = sizes[c][2];
        float *a = random_floats((size_t)m * kk, -1, 1), *b = random_floats((size_t)kk * n, -1, 1);
        float *bt = random_floats((size_t)kk * n, 0, 0), *bias = random_floats(n, -1, 1);
        float *packed = random_floats(lg_gemm_packed_size(kk, n), 0, 0);
        float *first = NULL;

        for (uint32_t i = 0; i < kk; i++)
            for (uint32_t j = 0; j < n; j++)
                bt[(size_t)j * kk + i] = b[(size_t)i * n + j];
        FOR_EACH_TABLE(k)
        {
            float *out = random_floats((size_t)m * n, 0, 0);

            lg_gemm_pack(kk, n, simd_ % 2 ? bt : b, simd_ % 2, packed);
            k->gemm(m, kk, n, a, kk, packed, bias, out, n);
            for (uint32_t i = 0; i < m && first == NULL; i++) {
                for (uint32_t j = 0; j < n; j++) {
                    double want = (double)bias[j];

                    for (uint32_t x = 0; x < kk; x++)
                        want += (double)a[(size_t)i * kk + x] * (double)b[(size_t)x * n + j];
                    assert_true(fabs((double)out[(size_t)i * n + j] - want) < 2e-5);
                }
            }
            if (first == NULL) {
                first = out;
                continue;
            }
            assert_memory_equal(out, first, (size_t)m * n * sizeof(float));
            lg_free(out);
        }
        lg_free(a);
        lg_free(b);
        lg_free(bt);
        lg_free(bias);
        lg_free(packed);
        lg_free(first);
    }
}

/* One row of a product does not depend on the rows beside it: ablation rests on this. */
static void test_gemm_rows_alone(void **state)
{
    float *a = random_floats(40 * 128, -1, 1), *b = random_floats(128 * 128, -1, 1);
    float *packed = random_floats(128 * 128, 0, 0), *all = random_floats(40 * 128, 0, 0);
    float one[128];

    (void)state;
    lg_gemm_pack(128, 128, b, false, packed);
    FOR_EACH_TABLE(k)
    {
        k->gemm(40, 128, 128, a, 128, packed, NULL, all, 128);
        for (uint32_t i = 0; i < 40; i++) {
            k->gemm(1, 128, 128, a + i * 128, 128, packed, NULL, one, 128);
            assert_memory_equal(one, all + i * 128, sizeof(one));
        }
    }
    lg_free(a);
    lg_free(b);
    lg_free(packed);
    lg_free(all);
}

static void test_exp(void **state)
{
    enum { N = 200003 };
    float *x = random_floats(N, -90, 89), *first = NULL;
    double worst = 0;

    (void)state;
    x[0] = 0.0f;
    x[1] = -0.0f;
    x[2] = -1e30f;
    x[3] = 1e30f;
    x[4] = -87.0f;
    x[5] = 88.0f;
    x[6] = 1e-30f;
    FOR_EACH_TABLE(k)
    {
        float *y = lg_memdup(x, N * sizeof(float));

        assert_non_null(y);
        k->exp(y, N);
        if (first == NULL) {
            first = y;
            continue;
        }
        assert_memory_equal(y, first, N * sizeof(float));
        lg_free(y);
    }
    assert_true(first[0] == 1.0f && first[1] == 1.0f && first[6] == 1.0f);
    for (int i = 0; i < N; i++) {
        double want = exp(fmax(-87, fmin(88, (double)x[i])));

        worst = fmax(worst, fabs((double)first[i] - want) / want);
    }
    print_message("exp: largest relative error %.3g\n", worst);
    assert_true(worst < 1.5e-7);
    assert_true(lg_expf(x[9]) == first[9]);
    lg_free(x);
    lg_free(first);
}

static void test_reductions(void **state)
{
    float *a = random_floats(256, -1, 1), *b = random_floats(256, -1, 1);

    (void)state;
    for (uint32_t n = 8; n <= 256; n += 8) {
        double dot = 0, sum = 0;
        float first[2] = {0, 0};

        for (uint32_t i = 0; i < n; i++) {
            dot += (double)a[i] * (double)b[i];
            sum += (double)a[i];
        }
        FOR_EACH_TABLE(k)
        {
            const float got[2] = {k->dot(a, b, n), k->sum(a, n)};

            if (k->simd == LG_SIMD_PORTABLE)
                memcpy(first, got, sizeof(got));
            assert_memory_equal(got, first, sizeof(got));
            assert_true(fabs((double)got[0] - dot) < 1e-5 && fabs((double)got[1] - sum) < 1e-5);
        }
    }
    lg_free(a);
    lg_free(b);
}

/* The lanes and their tree, written out: the order that golden bits rest on. */
static void test_lanes(void **state)
{
    float a[24], lane[8] = {0};
    float want;

    (void)state;
    for (int i = 0; i < 24; i++)
        a[i] = uniform(-1e6f, 1e6f);
    for (int i = 0; i < 24; i++)
        lane[i % 8] = fmaf(a[i], a[i], lane[i % 8]);
    want = ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
            ((lane[1] + lane[5]) + (lane[3] + lane[7]));
    FOR_EACH_TABLE(k)
    {
        assert_true(k->dot(a, a, 24) == want);
    }
}

static void test_elu_norm(void **state)
{
    enum { D = 96 };
    float *t = random_floats(D, -3, 3), *bias = random_floats(D, -1, 1);
    float *res = random_floats(D, -2, 2), *w = random_floats(D, 0.5f, 2);
    float *b = random_floats(D, -1, 1), first[2 * D + 2];
    double pre[D], mean = 0, var = 0;

    (void)state;
    for (int i = 0; i < D; i++) {
        double x = (double)t[i] + (double)bias[i];

        pre[i] = (double)res[i] + (x > 0 ? x : expm1(x));
        mean += pre[i] / D;
    }
    for (int i = 0; i < D; i++)
        var += (pre[i] - mean) * (pre[i] - mean) / D;
    FOR_EACH_TABLE(k)
    {
        float out[2 * D + 2];

        k->elu_norm(out, out + D, out + 2 * (size_t)D, t, bias, res, w, b, D);
        for (int i = 0; i < D; i++) {
            double want = (pre[i] - mean) / sqrt(var + (double)LG_LN_EPS) * (double)w[i];

            assert_true(fabs((double)out[i] - want - (double)b[i]) < 1e-5);
        }
        if (k->simd == LG_SIMD_PORTABLE)
            memcpy(first, out, sizeof(out));
        assert_memory_equal(out, first, sizeof(out));
    }
    lg_free(t);
    lg_free(bias);
    lg_free(res);
    lg_free(w);
    lg_free(b);
}

static void test_columns(void **state)
{
    float *h = random_floats(9 * 32, -5, 5), first[64];
    const uint8_t skip[9] = {0, 1, 0, 0, 1, 0, 0, 0, 1};

    (void)state;
    FOR_EACH_TABLE(k)
    {
        float out[64];

        k->columns(h, 9, 32, skip, out, out + 32);
        for (int j = 0; j < 32; j++) {
            float sum = 0, max = -INFINITY;

            for (int i = 0; i < 9; i++) {
                if (skip[i])
                    continue;
                sum += h[i * 32 + j];
                max = fmaxf(max, h[i * 32 + j]);
            }
            assert_true(out[j] == sum && out[32 + j] == max);
        }
        if (k->simd == LG_SIMD_PORTABLE)
            memcpy(first, out, sizeof(out));
        assert_memory_equal(out, first, sizeof(out));
    }
    lg_free(h);
}

static void test_dispatch(void **state)
{
    (void)state;
    assert_non_null(lg_kernels_of(LG_SIMD_PORTABLE));
    assert_null(lg_kernels_of(LG_SIMDS));
    assert_int_equal(lg_kernels_force(LG_SIMD_PORTABLE), 0);
    assert_int_equal(lg_kernels()->simd, LG_SIMD_PORTABLE);
    assert_string_equal(lg_simd_name(LG_SIMD_AVX512), "avx512");
    assert_int_equal(lg_kernels_force(LG_SIMDS), 0);
    for (int i = LG_SIMDS - 1; i >= 0; i--) {
        if (lg_kernels_of((enum lg_simd)i) == NULL) {
            assert_int_equal(lg_kernels_force((enum lg_simd)i), LG_EUNSUP);
            continue;
        }
        assert_int_equal(lg_kernels()->simd, i);
        break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_gemm),
            cmocka_unit_test(test_gemm_rows_alone),
            cmocka_unit_test(test_exp),
            cmocka_unit_test(test_reductions),
            cmocka_unit_test(test_lanes),
            cmocka_unit_test(test_elu_norm),
            cmocka_unit_test(test_columns),
            cmocka_unit_test(test_dispatch),
    };

    seed = 12345;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
