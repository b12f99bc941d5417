/*
 * The kernels themselves, compiled once per instruction set: the including file defines LG_TARGET,
 * LG_VW (columns per vector), LG_MR (rows per tile of the matrix product), the vector types v4, v8
 * and vf with their operations, and the names of the table. Reductions use v8 only, so that the
 * width never changes a sum; everything else works on each column alone.
 */
#include <math.h>
#include <string.h>

#define LG_FN static LG_TARGET
#define LG_INLINE static inline __attribute__((always_inline)) LG_TARGET

/* --- exp and ELU ------------------------------------------------------------------------------ */

/* Cephes expf: 2^n * exp(r), |r| <= ln(2)/2; the magic addition rounds to nearest even. */
LG_INLINE vf exp_vec(vf x)
{
    const vf magic = vf_set1(12582912.0f); /* 1.5 * 2^23 */
    vf t, n, r, p;

    x = vf_min(vf_max(x, vf_set1(-87.0f)), vf_set1(88.0f));
    t = vf_fma(x, vf_set1(1.44269504f), magic);
    n = vf_sub(t, magic);
    r = vf_fma(n, vf_set1(-0.693359375f), x);
    r = vf_fma(n, vf_set1(2.12194440e-4f), r);
    p = vf_set1(1.9875691500e-4f);
    p = vf_fma(p, r, vf_set1(1.3981999507e-3f));
    p = vf_fma(p, r, vf_set1(8.3334519073e-3f));
    p = vf_fma(p, r, vf_set1(4.1665795894e-2f));
    p = vf_fma(p, r, vf_set1(1.6666665459e-1f));
    p = vf_fma(p, r, vf_set1(5.0000001201e-1f));
    p = vf_fma(vf_mul(r, r), p, vf_add(r, vf_set1(1.0f)));
    return vf_scale2(p, t);
}

/* exp(0) is exactly 1 here, so that a positive x comes back unchanged. */
LG_INLINE vf elu_vec(vf x)
{
    const vf zero = vf_set1(0.0f);
    vf e = vf_sub(exp_vec(vf_min(x, zero)), vf_set1(1.0f));

    return vf_add(vf_max(x, zero), e);
}

LG_FN void k_exp(float *v, size_t n)
{
    float tail[LG_VW] = {0};
    size_t i = 0;

    for (; i + LG_VW <= n; i += LG_VW)
        vf_store(v + i, exp_vec(vf_load(v + i)));
    if (i < n) {
        memcpy(tail, v + i, (n - i) * sizeof(float));
        vf_store(tail, exp_vec(vf_load(tail)));
        memcpy(v + i, tail, (n - i) * sizeof(float));
    }
}

LG_FN void k_elu(float *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += LG_VW)
        vf_store(v + i, elu_vec(vf_load(v + i)));
}

/* --- vectors ---------------------------------------------------------------------------------- */

LG_FN float k_dot(const float *a, const float *b, uint32_t n)
{
    v8 acc = v8_set1(0.0f);

    for (uint32_t i = 0; i < n; i += 8)
        acc = v8_fma(v8_load(a + i), v8_load(b + i), acc);
    return v8_join(acc);
}

LG_INLINE float sum_of(const float *a, uint32_t n)
{
    v8 acc = v8_set1(0.0f);

    for (uint32_t i = 0; i < n; i += 8)
        acc = v8_add(acc, v8_load(a + i));
    return v8_join(acc);
}

LG_FN float k_sum(const float *a, uint32_t n)
{
    return sum_of(a, n);
}

LG_FN void k_axpy(float *y, float a, const float *x, uint32_t n)
{
    vf va = vf_set1(a);

    for (uint32_t i = 0; i < n; i += LG_VW)
        vf_store(y + i, vf_fma(va, vf_load(x + i), vf_load(y + i)));
}

LG_FN void k_fma_into(float *y, const float *x1, const float *x2, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += LG_VW)
        vf_store(y + i, vf_fma(vf_load(x1 + i), vf_load(x2 + i), vf_load(y + i)));
}

/* --- matrix product --------------------------------------------------------------------------- */

#define LG_ROWS1(M) M(0)
#define LG_ROWS2(M) LG_ROWS1(M) M(1)
#define LG_ROWS4(M) LG_ROWS2(M) M(2) M(3)
#define LG_ROWS6(M) LG_ROWS4(M) M(4) M(5)
#define LG_ROWS12(M) LG_ROWS6(M) M(6) M(7) M(8) M(9) M(10) M(11)

#define LG_TILE_INIT(i) vf c##i##_0 = b0, c##i##_1 = b1;
#define LG_TILE_STEP(i)                                                                            \
    x = vf_set1(a[(i)*lda + kk]);                                                                  \
    c##i##_0 = vf_fma(x, b0, c##i##_0);                                                            \
    c##i##_1 = vf_fma(x, b1, c##i##_1);
#define LG_TILE_DONE(i)                                                                            \
    vf_store(c + (i)*ldc, c##i##_0);                                                               \
    vf_store(c + (i)*ldc + LG_VW, c##i##_1);

/* rows x (2 LG_VW) outputs in registers; w is the distance between rows of the panel. */
#define LG_DEFINE_TILE(rows)                                                                       \
    LG_INLINE void tile##rows(uint32_t k, const float *a, size_t lda, const float *b, uint32_t w,  \
            const float *bias, float *c, size_t ldc)                                               \
    {                                                                                              \
        vf b0 = bias != NULL ? vf_load(bias) : vf_set1(0.0f);                                      \
        vf b1 = bias != NULL ? vf_load(bias + LG_VW) : vf_set1(0.0f);                              \
        vf x;                                                                                      \
        LG_ROWS##rows(LG_TILE_INIT) for (uint32_t kk = 0; kk < k; kk++)                            \
        {                                                                                          \
            b0 = vf_load(b);                                                                       \
            b1 = vf_load(b + LG_VW);                                                               \
            b += w;                                                                                \
            LG_ROWS##rows(LG_TILE_STEP)                                                            \
        }                                                                                          \
        LG_ROWS##rows(LG_TILE_DONE)                                                                \
    }

LG_DEFINE_TILE(1)
LG_DEFINE_TILE(2)
#if LG_MR >= 6
LG_DEFINE_TILE(4)
LG_DEFINE_TILE(6)
#endif
#if LG_MR >= 12
LG_DEFINE_TILE(12)
#endif

LG_FN void gemm_columns(uint32_t m, uint32_t k, const float *a, size_t lda, const float *b,
        uint32_t w, const float *bias, float *c, size_t ldc)
{
#define LG_RUN(rows)                                                                               \
    tile##rows(k, a, lda, b, w, bias, c, ldc);                                                     \
    m -= rows;                                                                                     \
    a += (rows)*lda;                                                                               \
    c += (rows)*ldc
#if LG_MR >= 12
    while (m >= 12) {
        LG_RUN(12);
    }
#endif
#if LG_MR >= 6
    while (m >= 6) {
        LG_RUN(6);
    }
    if (m >= 4) {
        LG_RUN(4);
    }
#endif
    while (m >= 2) {
        LG_RUN(2);
    }
    if (m >= 1) {
        LG_RUN(1);
    }
#undef LG_RUN
}

#if LG_VW == 16
/* The half panel at the end of a matrix whose columns are 16 past a multiple of 32. */
LG_FN void gemm_half(uint32_t m, uint32_t k, const float *a, size_t lda, const float *b,
        const float *bias, float *c, size_t ldc)
{
    for (uint32_t i = 0; i < m; i++) {
        vf acc = bias != NULL ? vf_load(bias) : vf_set1(0.0f);

        for (uint32_t kk = 0; kk < k; kk++)
            acc = vf_fma(vf_set1(a[i * lda + kk]), vf_load(b + (size_t)kk * 16), acc);
        vf_store(c + i * ldc, acc);
    }
}
#endif

LG_FN void k_gemm(uint32_t m, uint32_t k, uint32_t n, const float *a, size_t lda,
        const float *packed, const float *bias, float *c, size_t ldc)
{
    for (uint32_t j = 0; j < n; j += LG_GEMM_PANEL) {
        uint32_t w = n - j < LG_GEMM_PANEL ? n - j : LG_GEMM_PANEL;
        const float *b = packed + (size_t)j * k;

#if LG_VW == 16
        if (w < LG_GEMM_PANEL)
            gemm_half(m, k, a, lda, b, bias != NULL ? bias + j : NULL, c + j, ldc);
        else
            gemm_columns(m, k, a, lda, b, w, bias != NULL ? bias + j : NULL, c + j, ldc);
#else
        for (uint32_t i = 0; i < w; i += 2 * LG_VW)
            gemm_columns(
                    m, k, a, lda, b + i, w, bias != NULL ? bias + j + i : NULL, c + j + i, ldc);
#endif
    }
}

/* --- input ------------------------------------------------------------------------------------ */

#define LG_PREFETCH_ROWS 8

/* A vector of a row of the table, which is float32 or (half) float16; one of the two is NULL. */
LG_INLINE vf table_load(const float *table, const uint16_t *half, size_t at)
{
    return half != NULL ? vf_load_half(half + at) : vf_load(table + at);
}

/* Four vectors of columns from j on stay in registers over all numbers and tokens. The order of
 * the additions is that of embed1. */
LG_INLINE void embed4(float *out, uint32_t dim, uint32_t j, const float *base, const float *num,
        uint32_t num_dim, const float *num_w, const uint32_t *tok, uint32_t n_tok, const float *idf,
        float inv, const float *table, const uint16_t *half)
{
    vf c0 = vf_load(base + j), c1 = vf_load(base + j + LG_VW);
    vf c2 = vf_load(base + j + 2 * LG_VW), c3 = vf_load(base + j + 3 * LG_VW);

    for (uint32_t i = 0; i < num_dim; i++) {
        const float *row = num_w + (size_t)i * dim + j;
        vf x = vf_set1(num[i]);

        c0 = vf_fma(x, vf_load(row), c0);
        c1 = vf_fma(x, vf_load(row + LG_VW), c1);
        c2 = vf_fma(x, vf_load(row + 2 * LG_VW), c2);
        c3 = vf_fma(x, vf_load(row + 3 * LG_VW), c3);
    }
    for (uint32_t t = 0; t < n_tok; t++) {
        size_t at = (size_t)tok[t] * dim + j;
        vf x = vf_set1(idf[tok[t]] * inv);

        c0 = vf_fma(x, table_load(table, half, at), c0);
        c1 = vf_fma(x, table_load(table, half, at + LG_VW), c1);
        c2 = vf_fma(x, table_load(table, half, at + 2 * LG_VW), c2);
        c3 = vf_fma(x, table_load(table, half, at + 3 * LG_VW), c3);
    }
    vf_store(out + j, c0);
    vf_store(out + j + LG_VW, c1);
    vf_store(out + j + 2 * LG_VW, c2);
    vf_store(out + j + 3 * LG_VW, c3);
}

LG_INLINE void embed1(float *out, uint32_t dim, uint32_t j, const float *base, const float *num,
        uint32_t num_dim, const float *num_w, const uint32_t *tok, uint32_t n_tok, const float *idf,
        float inv, const float *table, const uint16_t *half)
{
    vf c = vf_load(base + j);

    for (uint32_t i = 0; i < num_dim; i++)
        c = vf_fma(vf_set1(num[i]), vf_load(num_w + (size_t)i * dim + j), c);
    for (uint32_t t = 0; t < n_tok; t++)
        c = vf_fma(
                vf_set1(idf[tok[t]] * inv), table_load(table, half, (size_t)tok[t] * dim + j), c);
    vf_store(out + j, c);
}

LG_INLINE void embed(float *out, uint32_t dim, const float *base, const float *num,
        uint32_t num_dim, const float *num_w, const uint32_t *tok, uint32_t n_tok, uint32_t n_ahead,
        const float *idf, const float *table, const uint16_t *half)
{
    float ss = 0.0f, inv;
    uint32_t j = 0, line = half != NULL ? 32 : 16;

    /* The rows lie anywhere in a large table: fetch those of the nodes to come. */
    for (uint32_t t = LG_PREFETCH_ROWS; t < n_tok + LG_PREFETCH_ROWS && t < n_ahead; t++)
        for (uint32_t i = 0; i < dim; i += line) {
            size_t at = (size_t)tok[t] * dim + i;

            __builtin_prefetch(
                    half != NULL ? (const void *)(half + at) : (const void *)(table + at));
        }
    for (uint32_t t = 0; t < n_tok; t++)
        ss = fmaf(idf[tok[t]], idf[tok[t]], ss);
    inv = ss > 0.0f ? 1.0f / sqrtf(ss) : 0.0f;
    for (; j + 4 * LG_VW <= dim; j += 4 * LG_VW)
        embed4(out, dim, j, base, num, num_dim, num_w, tok, n_tok, idf, inv, table, half);
    for (; j < dim; j += LG_VW)
        embed1(out, dim, j, base, num, num_dim, num_w, tok, n_tok, idf, inv, table, half);
}

LG_FN void k_embed(float *out, uint32_t dim, const float *base, const float *num, uint32_t num_dim,
        const float *num_w, const uint32_t *tok, uint32_t n_tok, uint32_t n_ahead, const float *idf,
        const float *table)
{
    embed(out, dim, base, num, num_dim, num_w, tok, n_tok, n_ahead, idf, table, NULL);
}

LG_FN void k_embed_half(float *out, uint32_t dim, const float *base, const float *num,
        uint32_t num_dim, const float *num_w, const uint32_t *tok, uint32_t n_tok, uint32_t n_ahead,
        const float *idf, const uint16_t *table)
{
    embed(out, dim, base, num, num_dim, num_w, tok, n_tok, n_ahead, idf, NULL, table);
}

LG_FN void k_head_dots(const float *z, uint32_t n, uint32_t dim, uint32_t heads, const float *a1,
        const float *a2, float *s1, float *s2)
{
    uint32_t hd = dim / heads;

    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t h = 0; h < heads; h++) {
            v8 x1 = v8_set1(0.0f), x2 = v8_set1(0.0f);

            for (uint32_t j = h * hd; j < (h + 1) * hd; j += 8) {
                v8 v = v8_load(z + j);

                x1 = v8_fma(v8_load(a1 + j), v, x1);
                x2 = v8_fma(v8_load(a2 + j), v, x2);
            }
            *s1++ = v8_join(x1);
            *s2++ = v8_join(x2);
        }
        z += dim;
    }
}

/* --- ELU, residual, layer norm ---------------------------------------------------------------- */

LG_INLINE void elu_norm(float *out, float *e, float stat[2], const float *t, const float *bias,
        const float *res, const float *norm_w, const float *norm_b, uint32_t dim)
{
    v8 acc = v8_set1(0.0f), m8;
    vf mean, rstd;

    for (uint32_t i = 0; i < dim; i += LG_VW) {
        vf x = vf_load(t + i);

        if (bias != NULL)
            x = vf_add(x, vf_load(bias + i));
        x = elu_vec(x);
        vf_store(e + i, x);
        vf_store(out + i, res != NULL ? vf_add(vf_load(res + i), x) : x);
    }
    stat[0] = sum_of(out, dim) / (float)dim;
    m8 = v8_set1(stat[0]);
    for (uint32_t i = 0; i < dim; i += 8) {
        v8 d = v8_sub(v8_load(out + i), m8);

        acc = v8_fma(d, d, acc);
    }
    stat[1] = 1.0f / sqrtf(v8_join(acc) / (float)dim + LG_LN_EPS);
    mean = vf_set1(stat[0]);
    rstd = vf_set1(stat[1]);
    for (uint32_t i = 0; i < dim; i += LG_VW) {
        vf x = vf_mul(vf_sub(vf_load(out + i), mean), rstd);

        vf_store(out + i, vf_fma(x, vf_load(norm_w + i), vf_load(norm_b + i)));
    }
}

/* Unrolled where the width is that of the shipped models. */
LG_FN void k_elu_norm(float *out, float *e, float stat[2], const float *t, const float *bias,
        const float *res, const float *norm_w, const float *norm_b, uint32_t dim)
{
    if (dim == 128)
        elu_norm(out, e, stat, t, bias, res, norm_w, norm_b, 128);
    else
        elu_norm(out, e, stat, t, bias, res, norm_w, norm_b, dim);
}

LG_FN void k_elu_norm_back(float *d_pre, float *dt, const float *d_out, const float *e,
        const float *res, const float stat[2], const float *norm_w, uint32_t dim, float *d_norm_w,
        float *d_norm_b, float *d_bias)
{
    const v8 mean = v8_set1(stat[0]), rstd = v8_set1(stat[1]);
    v8 s_g = v8_set1(0.0f), s_gx = v8_set1(0.0f);
    vf mg, mgx, vrstd = vf_set1(stat[1]);

    /* d_pre holds the normalised row for now, dt the gradient of it. */
    for (uint32_t i = 0; i < dim; i += 8) {
        v8 x = v8_load(e + i), g = v8_mul(v8_load(d_out + i), v8_load(norm_w + i));

        if (res != NULL)
            x = v8_add(v8_load(res + i), x);
        x = v8_mul(v8_sub(x, mean), rstd);
        s_g = v8_add(s_g, g);
        s_gx = v8_fma(g, x, s_gx);
        v8_store(d_pre + i, x);
        v8_store(dt + i, g);
    }
    mg = vf_set1(v8_join(s_g) / (float)dim);
    mgx = vf_set1(-(v8_join(s_gx) / (float)dim));
    for (uint32_t i = 0; i < dim; i += LG_VW) {
        vf x = vf_load(d_pre + i), d = vf_load(d_out + i), g;

        if (d_norm_w != NULL) {
            vf_store(d_norm_w + i, vf_fma(d, x, vf_load(d_norm_w + i)));
            vf_store(d_norm_b + i, vf_add(d, vf_load(d_norm_b + i)));
        }
        g = vf_mul(vf_fma(mgx, x, vf_sub(vf_load(dt + i), mg)), vrstd);
        vf_store(d_pre + i, g);
        g = vf_mul(g, vf_elu_slope(vf_load(e + i)));
        vf_store(dt + i, g);
        if (d_bias != NULL)
            vf_store(d_bias + i, vf_add(g, vf_load(d_bias + i)));
    }
}

/* --- attention -------------------------------------------------------------------------------- */

LG_INLINE float raw_score(
        const struct lg_gat_layer *l, const struct lg_gat_edge *e, uint32_t node, uint32_t h)
{
    float x = l->s_src[(size_t)e->src * l->heads + h] + l->s_dst[(size_t)node * l->heads + h];

    x = x + l->edge_bias[(size_t)e->type * l->heads + h];
    return fmaf(l->edge_num[h], e->num, x);
}

/* s[k][h] = LeakyReLU(raw score) - its maximum over k, for four heads from h on. */
LG_INLINE void scores4(const struct lg_gat_layer *l, const struct lg_gat_edge *edge, uint32_t n,
        uint32_t node, uint32_t h, float *s)
{
    const v4 slope = v4_set1(LG_LEAKY_SLOPE);
    const v4 dst = v4_load(l->s_dst + (size_t)node * l->heads + h), c = v4_load(l->edge_num + h);
    v4 max = v4_set1(-INFINITY);

    for (uint32_t k = 0; k < n; k++) {
        v4 x = v4_add(v4_load(l->s_src + (size_t)edge[k].src * l->heads + h), dst);

        x = v4_add(x, v4_load(l->edge_bias + (size_t)edge[k].type * l->heads + h));
        x = v4_fma(c, v4_set1(edge[k].num), x);
        x = v4_max(x, v4_mul(x, slope));
        v4_store(s + (size_t)k * l->heads + h, x);
        max = v4_max(x, max);
    }
    for (uint32_t k = 0; k < n; k++) {
        float *p = s + (size_t)k * l->heads + h;

        v4_store(p, v4_sub(v4_load(p), max));
    }
}

LG_INLINE void scores1(const struct lg_gat_layer *l, const struct lg_gat_edge *edge, uint32_t n,
        uint32_t node, uint32_t h, float *s)
{
    float max = -INFINITY;

    for (uint32_t k = 0; k < n; k++) {
        float x = raw_score(l, &edge[k], node, h), y = x * LG_LEAKY_SLOPE;

        x = x > y ? x : y;
        s[(size_t)k * l->heads + h] = x;
        max = x > max ? x : max;
    }
    for (uint32_t k = 0; k < n; k++)
        s[(size_t)k * l->heads + h] -= max;
}

LG_INLINE void softmax(const struct lg_gat_layer *l, const struct lg_gat_edge *edge, uint32_t n,
        uint32_t node, float *s)
{
    uint32_t heads = l->heads, h4 = heads / 4 * 4;

    for (uint32_t h = 0; h < h4; h += 4)
        scores4(l, edge, n, node, h, s);
    for (uint32_t h = h4; h < heads; h++)
        scores1(l, edge, n, node, h, s);
    k_exp(s, (size_t)n * heads);
    for (uint32_t h = 0; h < h4; h += 4) {
        v4 sum = v4_set1(0.0f), inv;

        for (uint32_t k = 0; k < n; k++)
            sum = v4_add(sum, v4_load(s + (size_t)k * heads + h));
        inv = v4_div(v4_set1(1.0f), sum);
        for (uint32_t k = 0; k < n; k++)
            v4_store(s + (size_t)k * heads + h, v4_mul(v4_load(s + (size_t)k * heads + h), inv));
    }
    for (uint32_t h = h4; h < heads; h++) {
        float sum = 0.0f, inv;

        for (uint32_t k = 0; k < n; k++)
            sum += s[(size_t)k * heads + h];
        inv = 1.0f / sum;
        for (uint32_t k = 0; k < n; k++)
            s[(size_t)k * heads + h] *= inv;
    }
}

/* The columns [j, j + LG_VW) of the message of one edge. */
LG_INLINE vf message(const struct lg_gat_layer *l, const struct lg_gat_edge *e, uint32_t j)
{
    vf m = vf_add(vf_load(l->z + (size_t)e->src * l->dim + j),
            vf_load(l->edge_emb + (size_t)e->type * l->dim + j));

    for (uint32_t bits = e->attr; bits != 0; bits &= bits - 1)
        m = vf_add(m, vf_load(l->attr_emb + (size_t)__builtin_ctz(bits) * l->dim + j));
    return m;
}

/* The same for the 8 columns of the reductions. */
LG_INLINE v8 message8(const struct lg_gat_layer *l, const struct lg_gat_edge *e, uint32_t j)
{
    v8 m = v8_add(v8_load(l->z + (size_t)e->src * l->dim + j),
            v8_load(l->edge_emb + (size_t)e->type * l->dim + j));

    for (uint32_t bits = e->attr; bits != 0; bits &= bits - 1)
        m = v8_add(m, v8_load(l->attr_emb + (size_t)__builtin_ctz(bits) * l->dim + j));
    return m;
}

LG_INLINE vf gather1(const struct lg_gat_layer *l, const struct lg_gat_edge *edge, uint32_t n,
        const float *alpha, const float *drop, uint32_t j)
{
    uint32_t h = j / (l->dim / l->heads);
    vf acc = vf_set1(0.0f);

    for (uint32_t k = 0; k < n; k++) {
        float a = alpha[(size_t)k * l->heads + h];

        if (drop != NULL)
            a *= drop[(size_t)k * l->heads + h];
        acc = vf_fma(vf_set1(a), message(l, &edge[k], j), acc);
    }
    return acc;
}

/* Four vectors at a time in inference, where nothing is dropped. */
LG_INLINE void gather4(const struct lg_gat_layer *l, const struct lg_gat_edge *edge, uint32_t n,
        const float *alpha, uint32_t j, float *out)
{
    uint32_t hd = l->dim / l->heads;
    uint32_t h0 = j / hd, h1 = (j + LG_VW) / hd, h2 = (j + 2 * LG_VW) / hd;
    uint32_t h3 = (j + 3 * LG_VW) / hd;
    vf c0 = vf_set1(0.0f), c1 = c0, c2 = c0, c3 = c0;

    for (uint32_t k = 0; k < n; k++, alpha += l->heads) {
        const float *z = l->z + (size_t)edge[k].src * l->dim + j;
        const float *t = l->edge_emb + (size_t)edge[k].type * l->dim + j;
        vf m0 = vf_add(vf_load(z), vf_load(t));
        vf m1 = vf_add(vf_load(z + LG_VW), vf_load(t + LG_VW));
        vf m2 = vf_add(vf_load(z + 2 * LG_VW), vf_load(t + 2 * LG_VW));
        vf m3 = vf_add(vf_load(z + 3 * LG_VW), vf_load(t + 3 * LG_VW));

        for (uint32_t bits = edge[k].attr; bits != 0; bits &= bits - 1) {
            const float *b = l->attr_emb + (size_t)__builtin_ctz(bits) * l->dim + j;

            m0 = vf_add(m0, vf_load(b));
            m1 = vf_add(m1, vf_load(b + LG_VW));
            m2 = vf_add(m2, vf_load(b + 2 * LG_VW));
            m3 = vf_add(m3, vf_load(b + 3 * LG_VW));
        }
        c0 = vf_fma(vf_set1(alpha[h0]), m0, c0);
        c1 = vf_fma(vf_set1(alpha[h1]), m1, c1);
        c2 = vf_fma(vf_set1(alpha[h2]), m2, c2);
        c3 = vf_fma(vf_set1(alpha[h3]), m3, c3);
    }
    vf_store(out + j, c0);
    vf_store(out + j + LG_VW, c1);
    vf_store(out + j + 2 * LG_VW, c2);
    vf_store(out + j + 3 * LG_VW, c3);
}

LG_FN void k_gat_node(const struct lg_gat_layer *l, const struct lg_gat_edge *edge, uint32_t n,
        uint32_t node, const float *h, const float *drop, float *alpha, float *e, float stat[2],
        float *out)
{
    uint32_t j = 0;

    softmax(l, edge, n, node, alpha);
    if (drop == NULL)
        for (; j + 4 * LG_VW <= l->dim; j += 4 * LG_VW)
            gather4(l, edge, n, alpha, j, e);
    for (; j < l->dim; j += LG_VW)
        vf_store(e + j, gather1(l, edge, n, alpha, drop, j));
    k_elu_norm(out, e, stat, e, l->bias, h, l->norm_w, l->norm_b, l->dim);
}

/* Gradients of the scores of one node, from dot products of dt with the messages. */
LG_INLINE void score_grads(const struct lg_gat_layer *l, const struct lg_gat_edge *edge, uint32_t n,
        const float *drop, const float *alpha, const float *dt, float *tmp)
{
    uint32_t heads = l->heads, hd = l->dim / heads;

    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t h = 0; h < heads; h++) {
            v8 acc = v8_set1(0.0f);
            float d;

            for (uint32_t j = h * hd; j < (h + 1) * hd; j += 8)
                acc = v8_fma(v8_load(dt + j), message8(l, &edge[k], j), acc);
            d = v8_join(acc);
            tmp[(size_t)k * heads + h] = drop != NULL ? d * drop[(size_t)k * heads + h] : d;
        }
    }
    for (uint32_t h = 0; h < heads; h++) {
        float mean = 0.0f;

        for (uint32_t k = 0; k < n; k++)
            mean = fmaf(alpha[(size_t)k * heads + h], tmp[(size_t)k * heads + h], mean);
        for (uint32_t k = 0; k < n; k++) {
            size_t i = (size_t)k * heads + h;

            tmp[i] = alpha[i] * (tmp[i] - mean);
        }
    }
}

LG_FN void k_gat_node_back(const struct lg_gat_layer *l, const struct lg_gat_edge *edge, uint32_t n,
        uint32_t node, const float *drop, const float *alpha, const float *dt, float *tmp,
        const struct lg_gat_grad *g)
{
    uint32_t heads = l->heads, hd = l->dim / heads;

    score_grads(l, edge, n, drop, alpha, dt, tmp);
    for (uint32_t k = 0; k < n; k++) {
        const struct lg_gat_edge *e = &edge[k];
        float *dz = g->dz + (size_t)e->src * l->dim;

        for (uint32_t h = 0; h < heads; h++) {
            size_t i = (size_t)k * heads + h;
            float a = drop != NULL ? alpha[i] * drop[i] : alpha[i];

            if (!(raw_score(l, e, node, h) > 0.0f))
                tmp[i] = tmp[i] * LG_LEAKY_SLOPE;
            g->ds_src[(size_t)e->src * heads + h] += tmp[i];
            g->ds_dst[(size_t)node * heads + h] += tmp[i];
            if (g->edge_bias != NULL) {
                float *t = g->edge_emb + (size_t)e->type * l->dim;

                g->edge_bias[(size_t)e->type * heads + h] += tmp[i];
                g->edge_num[h] = fmaf(tmp[i], e->num, g->edge_num[h]);
                k_axpy(t + h * hd, a, dt + h * hd, hd);
                for (uint32_t bits = e->attr; bits != 0; bits &= bits - 1)
                    k_axpy(g->attr_emb + (size_t)__builtin_ctz(bits) * l->dim + h * hd, a,
                            dt + h * hd, hd);
            }
            k_axpy(dz + h * hd, a, dt + h * hd, hd);
        }
    }
}

/* --- training --- */

LG_FN void k_adamw(float *w, float *m, float *v, const float *g, size_t n, const struct lg_adamw *c)
{
    const vf b1 = vf_set1(c->beta1), b2 = vf_set1(c->beta2), keep = vf_set1(c->keep);
    const vf n1 = vf_set1(1.0f - c->beta1), n2 = vf_set1(1.0f - c->beta2), eps = vf_set1(c->eps);
    const vf scale = vf_set1(c->scale), rate = vf_set1(-c->rate), root = vf_set1(c->inv_sqrt_c2);

    for (size_t i = 0; i < n; i += LG_VW) {
        vf x = g != NULL ? vf_mul(vf_load(g + i), scale) : vf_set1(0.0f), mi, vi;

        mi = vf_fma(vf_load(m + i), b1, vf_mul(x, n1));
        vi = vf_fma(vf_load(v + i), b2, vf_mul(vf_mul(x, x), n2));
        vf_store(m + i, mi);
        vf_store(v + i, vi);
        x = vf_div(mi, vf_fma(vf_sqrt(vi), root, eps));
        vf_store(w + i, vf_fma(rate, x, vf_mul(vf_load(w + i), keep)));
    }
}

/* --- read-out --------------------------------------------------------------------------------- */

LG_FN void k_columns(
        const float *h, uint32_t n, uint32_t dim, const uint8_t *skip, float *sum, float *max)
{
    for (uint32_t j = 0; j < dim; j += LG_VW) {
        vf s = vf_set1(0.0f), m = vf_set1(-INFINITY);

        for (uint32_t i = 0; i < n; i++) {
            vf x;

            if (skip != NULL && skip[i] != 0)
                continue;
            x = vf_load(h + (size_t)i * dim + j);
            s = vf_add(s, x);
            m = vf_max(x, m);
        }
        vf_store(sum + j, s);
        vf_store(max + j, m);
    }
}

const struct lg_kernels LG_KERNELS_NAME = {
        .simd = LG_KERNELS_SIMD,
        .gemm = k_gemm,
        .dot = k_dot,
        .sum = k_sum,
        .exp = k_exp,
        .elu = k_elu,
        .axpy = k_axpy,
        .fma_into = k_fma_into,
        .embed = k_embed,
        .embed_half = k_embed_half,
        .head_dots = k_head_dots,
        .elu_norm = k_elu_norm,
        .gat_node = k_gat_node,
        .columns = k_columns,
        .elu_norm_back = k_elu_norm_back,
        .gat_node_back = k_gat_node_back,
        .adamw = k_adamw,
};
