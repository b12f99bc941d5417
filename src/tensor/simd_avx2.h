#ifndef LG_TENSOR_SIMD_AVX2_H
#define LG_TENSOR_SIMD_AVX2_H

#include <immintrin.h>

/* 4 and 8 lanes with FMA3. The AVX-512 file sets its own, wider LG_TARGET. */
#ifndef LG_TARGET
#define LG_TARGET __attribute__((target("avx2,fma,f16c")))
#endif
#define LG_OP static inline __attribute__((always_inline)) LG_TARGET

typedef __m128 v4;
typedef __m256 v8;

#define LG_X86_OPS(T, P)                                                                           \
    LG_OP T T##_load(const float *p)                                                               \
    {                                                                                              \
        return P##_loadu_ps(p);                                                                    \
    }                                                                                              \
    LG_OP void T##_store(float *p, T a)                                                            \
    {                                                                                              \
        P##_storeu_ps(p, a);                                                                       \
    }                                                                                              \
    LG_OP T T##_set1(float x)                                                                      \
    {                                                                                              \
        return P##_set1_ps(x);                                                                     \
    }                                                                                              \
    LG_OP T T##_add(T a, T b)                                                                      \
    {                                                                                              \
        return P##_add_ps(a, b);                                                                   \
    }                                                                                              \
    LG_OP T T##_sub(T a, T b)                                                                      \
    {                                                                                              \
        return P##_sub_ps(a, b);                                                                   \
    }                                                                                              \
    LG_OP T T##_mul(T a, T b)                                                                      \
    {                                                                                              \
        return P##_mul_ps(a, b);                                                                   \
    }                                                                                              \
    LG_OP T T##_div(T a, T b)                                                                      \
    {                                                                                              \
        return P##_div_ps(a, b);                                                                   \
    }                                                                                              \
    LG_OP T T##_sqrt(T a)                                                                          \
    {                                                                                              \
        return P##_sqrt_ps(a);                                                                     \
    }                                                                                              \
    LG_OP T T##_max(T a, T b)                                                                      \
    {                                                                                              \
        return P##_max_ps(a, b);                                                                   \
    }                                                                                              \
    LG_OP T T##_min(T a, T b)                                                                      \
    {                                                                                              \
        return P##_min_ps(a, b);                                                                   \
    }                                                                                              \
    LG_OP T T##_fma(T a, T b, T c)                                                                 \
    {                                                                                              \
        return P##_fmadd_ps(a, b, c);                                                              \
    }

LG_X86_OPS(v4, _mm)
LG_X86_OPS(v8, _mm256)

LG_OP float v8_join(v8 a)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));

    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_shuffle_ps(s, s, 1));
    return _mm_cvtss_f32(s);
}

#endif
