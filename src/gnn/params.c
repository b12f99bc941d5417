#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "gnn/gnn_int.h"
#include "gnn/rng.h"
#include "tensor/half.h"

void lg_gnn_config_default(struct lg_gnn_config *cfg)
{
    *cfg = (struct lg_gnn_config){.vocab = 16384, .dim = 128, .heads = 4, .layers = 3};
}

int lg_gnn_config_check(const struct lg_gnn_config *cfg, struct lg_err *reterr)
{
    const struct {
        const char *name;
        uint32_t value, max;
    } f[] = {
            {"feature_version", cfg->feature_version, INT32_MAX},
            {"vocab", cfg->vocab, LG_GNN_MAX_VOCAB},
            {"dim", cfg->dim, LG_GNN_MAX_DIM},
            {"heads", cfg->heads, LG_GNN_MAX_HEADS},
            {"layers", cfg->layers, LG_GNN_MAX_LAYERS},
            {"node_types", cfg->node_types, LG_GNN_MAX_NODE_TYPES},
            {"num_dim", cfg->num_dim, LG_GNN_MAX_NUM_DIM},
            {"edge_types", cfg->edge_types, LG_GNN_MAX_EDGE_TYPES},
            {"attr_bits", cfg->attr_bits, LG_GNN_MAX_ATTR_BITS},
    };

    for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++)
        if (f[i].value < 1 || f[i].value > f[i].max)
            return lg_err_set(reterr, LG_EINVAL, "network config: %s is %u, not in 1..%u",
                    f[i].name, f[i].value, f[i].max);
    if (cfg->dim % (16 * cfg->heads) != 0)
        return lg_err_set(reterr, LG_EINVAL,
                "network config: dim %u is no multiple of 16 * %u heads", cfg->dim, cfg->heads);
    return 0;
}

static void add(struct lg_gnn_layout *lay, const char *prefix, const char *name, bool decay,
        uint32_t rows, uint32_t cols)
{
    struct lg_gnn_param *p = &lay->v[lay->n++];

    LG_ASSERT(lay->n <= LG_GNN_MAX_PARAMS);
    snprintf(p->name, sizeof(p->name), "%s%s", prefix, name);
    p->ndim = rows > 0 ? 2 : 1;
    p->shape[0] = rows > 0 ? rows : cols;
    p->shape[1] = rows > 0 ? cols : 1;
    p->n = (size_t)p->shape[0] * p->shape[1];
    p->decay = decay;
    p->offset = lay->floats;
    lay->floats += (p->n + 15) / 16 * 16;
}

void lg_gnn_layout_init(struct lg_gnn_layout *lay, const struct lg_gnn_config *cfg)
{
    uint32_t d = cfg->dim, types = 2 * cfg->edge_types + 1;

    memset(lay, 0, sizeof(*lay));
    add(lay, "", "node_type.weight", true, cfg->node_types, d);
    add(lay, "", "num.weight", true, d, cfg->num_dim);
    add(lay, "", "num.bias", false, 0, d);
    add(lay, "", "inp.weight", true, d, d);
    add(lay, "", "inp.bias", false, 0, d);
    add(lay, "", "inp_norm.weight", false, 0, d);
    add(lay, "", "inp_norm.bias", false, 0, d);
    for (uint32_t l = 0; l < cfg->layers; l++) {
        char pre[24];

        snprintf(pre, sizeof(pre), "layers.%u.", l);
        add(lay, pre, "w.weight", true, d, d);
        add(lay, pre, "a_src", true, cfg->heads, d / cfg->heads);
        add(lay, pre, "a_dst", true, cfg->heads, d / cfg->heads);
        add(lay, pre, "edge_bias", false, types, cfg->heads);
        add(lay, pre, "edge_num", false, 0, cfg->heads);
        add(lay, pre, "edge_emb.weight", true, types, d);
        add(lay, pre, "attr_emb.weight", true, cfg->attr_bits, d);
        add(lay, pre, "bias", false, 0, d);
        add(lay, pre, "norm.weight", false, 0, d);
        add(lay, pre, "norm.bias", false, 0, d);
    }
    add(lay, "", "read.weight", true, d, 2 * d);
    add(lay, "", "read.bias", false, 0, d);
    add(lay, "", "out.weight", true, 2, d);
    add(lay, "", "out.bias", false, 0, 2);
    lay->n_dense = lay->n;
    lay->dense_floats = lay->floats;
    add(lay, "", "wide.weight", true, 0, cfg->vocab);
    add(lay, "", "tok.weight", true, cfg->vocab, d);
}

/* Takes the parts in the order of lg_gnn_layout_init. */
void lg_gnn_weights_bind(
        struct lg_gnn_weights *w, const struct lg_gnn_layout *lay, float *flat, bool tables)
{
    uint32_t i = 0, layers = (lay->n_dense - 11) / 10;

#define NEXT() (flat + lay->v[i++].offset)
    memset(w, 0, sizeof(*w));
    w->type = NEXT();
    w->num_w = NEXT();
    w->num_b = NEXT();
    w->inp_w = NEXT();
    w->inp_b = NEXT();
    w->inp_norm_w = NEXT();
    w->inp_norm_b = NEXT();
    for (uint32_t l = 0; l < layers; l++) {
        struct lg_gnn_layer_weights *lw = &w->layer[l];

        lw->w = NEXT();
        lw->a_src = NEXT();
        lw->a_dst = NEXT();
        lw->edge_bias = NEXT();
        lw->edge_num = NEXT();
        lw->edge_emb = NEXT();
        lw->attr_emb = NEXT();
        lw->bias = NEXT();
        lw->norm_w = NEXT();
        lw->norm_b = NEXT();
    }
    w->read_w = NEXT();
    w->read_b = NEXT();
    w->out_w = NEXT();
    w->out_b = NEXT();
    if (tables) {
        w->wide = NEXT();
        w->tok = NEXT();
    }
#undef NEXT
}

int lg_gnn_model_alloc(
        const struct lg_gnn_config *cfg, struct lg_gnn_model **ret, struct lg_err *reterr)
{
    struct lg_gnn_model *m;
    size_t dd = (size_t)cfg->dim * cfg->dim, prep;
    float *p;
    int rc = lg_gnn_config_check(cfg, reterr);

    if (rc < 0)
        return rc;
    m = lg_calloc(1, sizeof(*m));
    if (m == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "no memory for a network");
    m->cfg = *cfg;
    lg_gnn_layout_init(&m->lay, cfg);
    prep = (size_t)cfg->node_types * cfg->dim + (size_t)cfg->num_dim * cfg->dim +
            dd * (6 + 2 * cfg->layers);
    m->flat = lg_aligned_zalloc(m->lay.floats * sizeof(float));
    m->idf = lg_aligned_zalloc((size_t)cfg->vocab * sizeof(float));
    m->prep = p = lg_aligned_zalloc(prep * sizeof(float));
    if (m->flat == NULL || m->idf == NULL || p == NULL) {
        lg_gnn_model_free(m);
        return lg_err_set(reterr, LG_ENOMEM, "no memory for a network");
    }
    lg_gnn_weights_bind(&m->w, &m->lay, m->flat, true);
    m->inp_pack = p;
    m->inp_back = p += dd;
    for (uint32_t l = 0; l < cfg->layers; l++) {
        m->layer_pack[l] = p += dd;
        m->layer_back[l] = p += dd;
    }
    m->read_pack = p += dd;
    m->read_back = p += 2 * dd;
    m->type_base = p += 2 * dd;
    m->num_wt = p + (size_t)cfg->node_types * cfg->dim;
    *ret = m;
    return 0;
}

void lg_gnn_model_prepare(struct lg_gnn_model *m)
{
    uint32_t d = m->cfg.dim;

    for (uint32_t t = 0; t < m->cfg.node_types; t++)
        for (uint32_t j = 0; j < d; j++)
            m->type_base[t * d + j] = m->w.type[t * d + j] + m->w.num_b[j];
    for (uint32_t i = 0; i < m->cfg.num_dim; i++)
        for (uint32_t j = 0; j < d; j++)
            m->num_wt[i * d + j] = m->w.num_w[j * m->cfg.num_dim + i];
    lg_gemm_pack(d, d, m->w.inp_w, true, m->inp_pack);
    lg_gemm_pack(d, d, m->w.inp_w, false, m->inp_back);
    for (uint32_t l = 0; l < m->cfg.layers; l++) {
        lg_gemm_pack(d, d, m->w.layer[l].w, true, m->layer_pack[l]);
        lg_gemm_pack(d, d, m->w.layer[l].w, false, m->layer_back[l]);
    }
    lg_gemm_pack(2 * d, d, m->w.read_w, true, m->read_pack);
    lg_gemm_pack(d, 2 * d, m->w.read_w, false, m->read_back);
}

/* Uniform in [-a, a]: 24 bits make every value exact on every machine. */
static void fill_uniform(struct lg_rng *rng, float *p, size_t n, float a)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (lg_rng_float(rng) * 2.0f - 1.0f) * a;
}

static void fill_one(float *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = 1.0f;
}

/* Glorot for what multiplies, small for what is added, zero for biases and the wide branch. The
 * width of the token table keeps a node's text at about unit length. */
static void init_weights(struct lg_gnn_model *m, uint64_t seed)
{
    const struct lg_gnn_config *c = &m->cfg;
    struct lg_gnn_weights *w = &m->w;
    struct lg_rng rng;
    size_t d = c->dim;
    uint32_t types = 2 * c->edge_types + 1;
    float glorot = sqrtf(3.0f / (float)d);

    lg_rng_init(&rng, seed, 0);
    fill_uniform(&rng, w->type, c->node_types * d, 0.5f);
    fill_uniform(&rng, w->num_w, d * c->num_dim, 1.0f / sqrtf((float)c->num_dim));
    fill_uniform(&rng, w->inp_w, d * d, glorot);
    fill_one(w->inp_norm_w, d);
    for (uint32_t l = 0; l < c->layers; l++) {
        struct lg_gnn_layer_weights *lw = &w->layer[l];
        float a = sqrtf(6.0f / (float)(d / c->heads + 1));

        fill_uniform(&rng, lw->w, d * d, glorot);
        fill_uniform(&rng, lw->a_src, d, a);
        fill_uniform(&rng, lw->a_dst, d, a);
        fill_uniform(&rng, lw->edge_emb, types * d, 0.5f);
        fill_uniform(&rng, lw->attr_emb, c->attr_bits * d, 0.5f);
        fill_one(lw->norm_w, d);
    }
    fill_uniform(&rng, w->read_w, 2 * d * d, sqrtf(2.0f / (float)d));
    fill_uniform(&rng, w->out_w, 2 * d, glorot);
    fill_uniform(&rng, w->tok, c->vocab * d, 1.0f);
    fill_one(m->idf, c->vocab);
}

int lg_gnn_model_new(const struct lg_gnn_config *cfg, uint64_t seed, struct lg_gnn_model **ret,
        struct lg_err *reterr)
{
    int rc = lg_gnn_model_alloc(cfg, ret, reterr);

    if (rc < 0)
        return rc;
    init_weights(*ret, seed);
    lg_gnn_model_prepare(*ret);
    return 0;
}

void lg_gnn_model_free(struct lg_gnn_model *m)
{
    if (m == NULL)
        return;
    lg_free(m->flat);
    lg_free(m->tok_half);
    lg_free(m->idf);
    lg_free(m->prep);
    lg_free(m);
}

const struct lg_gnn_config *lg_gnn_model_config(const struct lg_gnn_model *m)
{
    return &m->cfg;
}

int lg_gnn_model_set_idf(struct lg_gnn_model *m, const float *idf)
{
    for (uint32_t t = 0; t < m->cfg.vocab; t++)
        if (!(idf[t] >= 0.0f && idf[t] < 1e6f))
            return LG_EINVAL;
    memcpy(m->idf, idf, (size_t)m->cfg.vocab * sizeof(float));
    return 0;
}

/* Whether a half is the same number, and which. */
static bool same_half(float f, uint16_t *ret)
{
    uint32_t bits, back_bits, exp;
    float back;

    memcpy(&bits, &f, sizeof(bits));
    exp = bits >> 23 & 255u;
    if ((bits & 0x1fffu) == 0 && exp > 112 && exp < 143) { /* normal in both: nearly all are */
        *ret = (uint16_t)((bits >> 16 & 0x8000u) | (exp - 112) << 10 | (bits >> 13 & 1023u));
        return true;
    }
    *ret = lg_float_to_half(f);
    back = lg_half_to_float(*ret);
    memcpy(&back_bits, &back, sizeof(back_bits));
    return back_bits == bits;
}

int lg_gnn_model_halve(struct lg_gnn_model *m)
{
    size_t n = (size_t)m->cfg.vocab * m->cfg.dim, before;
    uint16_t *half;
    float *flat;

    if (m->tok_half != NULL)
        return 0;
    before = (size_t)(m->w.tok - m->flat); /* the table is the last of all */
    half = lg_huge_alloc(n * sizeof(*half));
    if (half == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (!same_half(m->w.tok[i], &half[i])) {
            lg_free(half);
            return LG_ERANGE;
        }
    flat = lg_aligned_alloc(before * sizeof(*flat));
    if (flat == NULL) {
        lg_free(half);
        return LG_ENOMEM;
    }
    memcpy(flat, m->flat, before * sizeof(*flat));
    lg_free(m->flat);
    m->flat = flat;
    m->tok_half = half;
    lg_gnn_weights_bind(&m->w, &m->lay, flat, true);
    m->w.tok = NULL;
    return 0;
}
