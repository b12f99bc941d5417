#ifndef LG_TENSOR_KERNELS_H
#define LG_TENSOR_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The arithmetic of inference, in a fixed order: portable C, AVX2 and AVX-512 give the same bits.
 *
 * Rules: every multiply-add is one fused operation; a sum over a vector runs in 8 virtual lanes
 * (element i in lane i % 8, ascending), joined as ((l0+l4)+(l2+l6)) + ((l1+l5)+(l3+l7)); each
 * output of a matrix product is one chain over k, ascending, that starts at the bias; sums over
 * nodes and edges run in their order. max(a, b) is a > b ? a : b.
 *
 * Vectors and matrices are float32, row-major. "Columns" counts are multiples of 16 and rows
 * are 4-byte aligned at least. Thread: any, no state.
 */
enum lg_simd { LG_SIMD_PORTABLE, LG_SIMD_AVX2, LG_SIMD_AVX512, LG_SIMDS };

#define LG_LN_EPS 1e-5f
#define LG_LEAKY_SLOPE 0.2f

/* One in-edge of a node. */
struct lg_gat_edge {
    uint32_t src;
    uint32_t attr; /* bit set */
    float num;
    uint16_t type;
};

/* One attention layer as the kernels see it; see gnn/gnn.h for the formula. */
struct lg_gat_layer {
    uint32_t dim;
    uint32_t heads;
    const float *z;         /* nodes x dim */
    const float *s_src;     /* nodes x heads: a_src . z */
    const float *s_dst;     /* nodes x heads: a_dst . z */
    const float *edge_bias; /* types x heads */
    const float *edge_num;  /* heads */
    const float *edge_emb;  /* types x dim */
    const float *attr_emb;  /* bits x dim */
    const float *bias;      /* dim */
    const float *norm_w;    /* dim */
    const float *norm_b;    /* dim */
};

struct lg_gat_grad {
    float *dz;        /* nodes x dim, added to */
    float *ds_src;    /* nodes x heads, added to */
    float *ds_dst;    /* nodes x heads, added to */
    float *edge_bias; /* as in the layer, added to; NULL: only the three above are wanted */
    float *edge_num;
    float *edge_emb;
    float *attr_emb;
};

/* Factors of one AdamW step. */
struct lg_adamw {
    float scale; /* on the gradient: the clip */
    float keep;  /* 1 - rate * decay */
    float beta1, beta2;
    float rate;        /* rate / (1 - beta1^t) */
    float inv_sqrt_c2; /* 1 / sqrt(1 - beta2^t) */
    float eps;
};

struct lg_kernels {
    enum lg_simd simd;

    /* c[m x n] = a[m x k] * B + bias (NULL: 0). `packed` comes from lg_gemm_pack. n % 16 == 0. */
    void (*gemm)(uint32_t m, uint32_t k, uint32_t n, const float *a, size_t lda,
            const float *packed, const float *bias, float *c, size_t ldc);
    /* n % 8 == 0 */
    float (*dot)(const float *a, const float *b, uint32_t n);
    float (*sum)(const float *a, uint32_t n);
    /* v = exp(v), any n; arguments are clamped to [-87, 88]. */
    void (*exp)(float *v, size_t n);
    void (*elu)(float *v, uint32_t n); /* n % 16 == 0 */
    /* y += a x, n % 16 == 0 */
    void (*axpy)(float *y, float a, const float *x, uint32_t n);
    /* y += x1 * x2 */
    void (*fma_into)(float *y, const float *x1, const float *x2, uint32_t n);

    /* out = base + sum_j num[j] num_w[j] + sum_t w_t table[tok[t]]; rows of dim floats.
     * w_t = idf[t] / sqrt(sum idf^2); no text part where that sum is 0. n_ahead >= n_tok ids
     * may be read at tok; those past n_tok are only fetched for the nodes to come. */
    void (*embed)(float *out, uint32_t dim, const float *base, const float *num, uint32_t num_dim,
            const float *num_w, const uint32_t *tok, uint32_t n_tok, uint32_t n_ahead,
            const float *idf, const float *table);
    /* The same from a table of float16: half the memory to fetch, and the same bits where the
     * float32 table holds such numbers only. */
    void (*embed_half)(float *out, uint32_t dim, const float *base, const float *num,
            uint32_t num_dim, const float *num_w, const uint32_t *tok, uint32_t n_tok,
            uint32_t n_ahead, const float *idf, const uint16_t *table);
    /* s1[i][h] = a1[h] . z[i][h], s2 likewise, for n rows. */
    void (*head_dots)(const float *z, uint32_t n, uint32_t dim, uint32_t heads, const float *a1,
            const float *a2, float *s1, float *s2);
    /* e = ELU(t + bias) (bias NULL: 0); pre = res + e (res NULL: 0); out = LN(pre).
     * stat[0..1] = mean and 1 / standard deviation. `e` may be the same row as `t`, `out` as `t` and `res`. */
    void (*elu_norm)(float *out, float *e, float stat[2], const float *t, const float *bias,
            const float *res, const float *norm_w, const float *norm_b, uint32_t dim);
    /* All of one node: softmax over its n in-edges, messages, then elu_norm with res = h.
     * alpha: n x heads out. drop: n x heads factors on alpha in the messages, or NULL. `out` may be
     * the same row as `h`. */
    void (*gat_node)(const struct lg_gat_layer *layer, const struct lg_gat_edge *edge, uint32_t n,
            uint32_t node, const float *h, const float *drop, float *alpha, float *e, float stat[2],
            float *out);
    /* sum[j], max[j] over n rows; rows whose skip[i] != 0 are left out (skip NULL: none). */
    void (*columns)(
            const float *h, uint32_t n, uint32_t dim, const uint8_t *skip, float *sum, float *max);

    /* Backward of elu_norm: d_pre from d_out; dt = d_pre * ELU'. d_norm_w, d_norm_b, d_bias are
     * added to, or NULL. pre = res + e is made again from its parts. */
    void (*elu_norm_back)(float *d_pre, float *dt, const float *d_out, const float *e,
            const float *res, const float stat[2], const float *norm_w, uint32_t dim,
            float *d_norm_w, float *d_norm_b, float *d_bias);
    /* Backward of the attention of one node; dt is the gradient of its summed messages.
     * tmp: n x heads floats. */
    void (*gat_node_back)(const struct lg_gat_layer *layer, const struct lg_gat_edge *edge,
            uint32_t n, uint32_t node, const float *drop, const float *alpha, const float *dt,
            float *tmp, const struct lg_gat_grad *grad);

    /* One AdamW step over n % 16 == 0 values; g is scaled by c->scale first, NULL: all 0. */
    void (*adamw)(float *w, float *m, float *v, const float *g, size_t n, const struct lg_adamw *c);
};

/* The best table of this CPU, or the one a test has forced. */
const struct lg_kernels *lg_kernels(void);
/* NULL when this CPU cannot run it. */
const struct lg_kernels *lg_kernels_of(enum lg_simd simd);
/* For tests and benchmarks: what lg_kernels gives from now on, in all threads. LG_EUNSUP when the
 * CPU cannot; LG_SIMDS goes back to the best. */
int lg_kernels_force(enum lg_simd simd) LG_MUST_CHECK;
const char *lg_simd_name(enum lg_simd simd);

/* exp of one float, the same bits as the kernels'. */
float lg_expf(float x);

/* Floats of a packed k x n matrix; n % 16 == 0. */
size_t lg_gemm_packed_size(uint32_t k, uint32_t n);
/* Packs src[k x n], or with `transposed` src[n x k]. */
void lg_gemm_pack(uint32_t k, uint32_t n, const float *src, bool transposed, float *packed);

#endif
