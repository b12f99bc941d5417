#ifndef LG_TENSOR_SIMD_PORTABLE_H
#define LG_TENSOR_SIMD_PORTABLE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "tensor/half.h"

/* The vector operations of kernels_impl.h in plain C; the meaning that the others must keep. */
#define LG_TARGET
#define LG_VW 8
#define LG_MR 2

typedef struct {
    float f[4];
} v4;
typedef struct {
    float f[8];
} v8;
typedef v8 vf;

#define LG_EACH(n, expr)                                                                           \
    for (int i = 0; i < (n); i++)                                                                  \
    r.f[i] = (expr)

#define LG_PORTABLE_OPS(T, N)                                                                      \
    static inline T T##_load(const float *p)                                                       \
    {                                                                                              \
        T r;                                                                                       \
        memcpy(r.f, p, sizeof(r.f));                                                               \
        return r;                                                                                  \
    }                                                                                              \
    static inline void T##_store(float *p, T a)                                                    \
    {                                                                                              \
        memcpy(p, a.f, sizeof(a.f));                                                               \
    }                                                                                              \
    static inline T T##_set1(float x)                                                              \
    {                                                                                              \
        T r;                                                                                       \
        LG_EACH(N, x);                                                                             \
        return r;                                                                                  \
    }                                                                                              \
    static inline T T##_add(T a, T b)                                                              \
    {                                                                                              \
        T r;                                                                                       \
        LG_EACH(N, a.f[i] + b.f[i]);                                                               \
        return r;                                                                                  \
    }                                                                                              \
    static inline T T##_sub(T a, T b)                                                              \
    {                                                                                              \
        T r;                                                                                       \
        LG_EACH(N, a.f[i] - b.f[i]);                                                               \
        return r;                                                                                  \
    }                                                                                              \
    static inline T T##_mul(T a, T b)                                                              \
    {                                                                                              \
        T r;                                                                                       \
        LG_EACH(N, a.f[i] * b.f[i]);                                                               \
        return r;                                                                                  \
    }                                                                                              \
    static inline T T##_max(T a, T b)                                                              \
    {                                                                                              \
        T r;                                                                                       \
        LG_EACH(N, a.f[i] > b.f[i] ? a.f[i] : b.f[i]);                                             \
        return r;                                                                                  \
    }                                                                                              \
    static inline T T##_min(T a, T b)                                                              \
    {                                                                                              \
        T r;                                                                                       \
        LG_EACH(N, a.f[i] < b.f[i] ? a.f[i] : b.f[i]);                                             \
        return r;                                                                                  \
    }                                                                                              \
    static inline T T##_fma(T a, T b, T c)                                                         \
    {                                                                                              \
        T r;                                                                                       \
        LG_EACH(N, fmaf(a.f[i], b.f[i], c.f[i]));                                                  \
        return r;                                                                                  \
    }                                                                                              \
    static inline T T##_div(T a, T b)                                                              \
    {                                                                                              \
        T r;                                                                                       \
        LG_EACH(N, a.f[i] / b.f[i]);                                                               \
        return r;                                                                                  \
    }                                                                                              \
    static inline T T##_sqrt(T a)                                                                  \
    {                                                                                              \
        T r;                                                                                       \
        LG_EACH(N, sqrtf(a.f[i]));                                                                 \
        return r;                                                                                  \
    }

LG_PORTABLE_OPS(v4, 4)
LG_PORTABLE_OPS(v8, 8)

static inline v8 v8_load_half(const uint16_t *p)
{
    v8 r;

    LG_EACH(8, lg_half_to_float(p[i]));
    return r;
}

/* p * 2^n, where the low bits of t hold n. */
static inline v8 v8_scale2(v8 p, v8 t)
{
    v8 r;

    for (int i = 0; i < 8; i++) {
        uint32_t bits, n;

        memcpy(&bits, &p.f[i], 4);
        memcpy(&n, &t.f[i], 4);
        bits += n << 23;
        memcpy(&r.f[i], &bits, 4);
    }
    return r;
}

/* a > 0 ? 1 : b + 1, the derivative of ELU by its own value. */
static inline v8 v8_elu_slope(v8 e)
{
    v8 r;
    LG_EACH(8, e.f[i] > 0.0f ? 1.0f : e.f[i] + 1.0f);
    return r;
}

static inline float v8_join(v8 a)
{
    float s0 = a.f[0] + a.f[4], s1 = a.f[1] + a.f[5];
    float s2 = a.f[2] + a.f[6], s3 = a.f[3] + a.f[7];

    return (s0 + s2) + (s1 + s3);
}

#define vf_load v8_load
#define vf_store v8_store
#define vf_set1 v8_set1
#define vf_add v8_add
#define vf_sub v8_sub
#define vf_mul v8_mul
#define vf_div v8_div
#define vf_sqrt v8_sqrt
#define vf_max v8_max
#define vf_min v8_min
#define vf_fma v8_fma
#define vf_load_half v8_load_half
#define vf_scale2 v8_scale2
#define vf_elu_slope v8_elu_slope

#endif
