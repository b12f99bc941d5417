#include "tensor/kernels.h"

#include <stdatomic.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "tensor/kernels_int.h"

static _Atomic int forced = LG_SIMDS;

#if defined(__x86_64__)
/* Of no builtin that both compilers know; every CPU with AVX2 has had it so far. */
static bool has_f16c(void)
{
    unsigned a, b, c = 0, d;

    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

const struct lg_kernels *lg_kernels_of(enum lg_simd simd)
{
    switch (simd) {
    case LG_SIMD_PORTABLE:
        return &lg_kernels_portable;
#if defined(__x86_64__)
    case LG_SIMD_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c()
                ? &lg_kernels_avx2
                : NULL;
    case LG_SIMD_AVX512:
        return __builtin_cpu_supports("avx512f") && lg_kernels_of(LG_SIMD_AVX2) != NULL
                ? &lg_kernels_avx512
                : NULL;
#endif
    default:
        return NULL;
    }
}

const struct lg_kernels *lg_kernels(void)
{
    static _Atomic(const struct lg_kernels *) best;
    const struct lg_kernels *k;
    int want = atomic_load_explicit(&forced, memory_order_relaxed);

    if (want != LG_SIMDS)
        return lg_kernels_of((enum lg_simd)want);
    k = atomic_load_explicit(&best, memory_order_relaxed);
    if (k != NULL)
        return k;
    for (int simd = LG_SIMDS - 1; k == NULL; simd--)
        k = lg_kernels_of((enum lg_simd)simd);
    atomic_store_explicit(&best, k, memory_order_relaxed);
    return k;
}

int lg_kernels_force(enum lg_simd simd)
{
    if (simd != LG_SIMDS && lg_kernels_of(simd) == NULL)
        return LG_EUNSUP;
    atomic_store_explicit(&forced, (int)simd, memory_order_relaxed);
    return 0;
}

const char *lg_simd_name(enum lg_simd simd)
{
    static const char *const names[] = {"portable", "avx2", "avx512"};

    return simd < LG_SIMDS ? names[simd] : "best";
}

float lg_expf(float x)
{
    lg_kernels()->exp(&x, 1);
    return x;
}

size_t lg_gemm_packed_size(uint32_t k, uint32_t n)
{
    return (size_t)k * n;
}

void lg_gemm_pack(uint32_t k, uint32_t n, const float *src, bool transposed, float *packed)
{
    LG_ASSERT(n % 16 == 0);
    for (uint32_t j0 = 0; j0 < n; j0 += LG_GEMM_PANEL) {
        uint32_t w = n - j0 < LG_GEMM_PANEL ? n - j0 : LG_GEMM_PANEL;

        for (uint32_t kk = 0; kk < k; kk++) {
            for (uint32_t j = 0; j < w; j++)
                packed[j] =
                        transposed ? src[(size_t)(j0 + j) * k + kk] : src[(size_t)kk * n + j0 + j];
            packed += w;
        }
    }
}
