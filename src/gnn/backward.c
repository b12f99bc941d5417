#include <math.h>
#include <string.h>

#include <cblas.h>

#include "gnn/gnn_int.h"

/* w[out x in] += dy[n x out]^T x[n x in]. The only BLAS call: training alone comes here. */
static void weight_grad(
        float *w, uint32_t out, uint32_t in, const float *dy, const float *x, uint32_t n)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)out, (int)in, (int)n, 1.0f, dy,
            (int)out, x, (int)in, 1.0f, w, (int)in);
}

static void add_rows(
        const struct lg_kernels *k, float *sum, const float *rows, uint32_t n, uint32_t d)
{
    for (uint32_t v = 0; v < n; v++)
        k->axpy(sum, 1.0f, rows + (size_t)v * d, d);
}

static void multiply(float *v, const float *by, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] *= by[i];
}

/* dlogits -> s->dh, the gradient of the last layer's h. */
static void back_read_out(const struct lg_kernels *k, const struct lg_gnn_model *model,
        struct lg_gnn_scratch *s, const struct lg_gnn_noise *noise, const float dlogits[2],
        struct lg_gnn_weights *grad)
{
    uint32_t d = model->cfg.dim, n = s->n_nodes;
    const float *h = s->h[model->cfg.layers], *drop = noise != NULL ? noise->read : NULL;
    float *d_act = s->d_read, *d_cat = s->d_read + 2 * d;

    for (uint32_t j = 0; j < d; j++) {
        float mask = drop != NULL ? drop[j] : 1.0f, act = s->read[j] * mask;
        float slope = s->read[j] > 0.0f ? 1.0f : s->read[j] + 1.0f;

        if (grad != NULL) {
            grad->out_w[j] += dlogits[0] * act;
            grad->out_w[d + j] += dlogits[1] * act;
        }
        d_act[j] = fmaf(dlogits[1], model->w.out_w[d + j], dlogits[0] * model->w.out_w[j]);
        d_act[j] = d_act[j] * mask * slope;
    }
    if (grad != NULL) {
        grad->out_b[0] += dlogits[0];
        grad->out_b[1] += dlogits[1];
        k->axpy(grad->read_b, 1.0f, d_act, d);
        weight_grad(grad->read_w, d, 2 * d, d_act, s->cat, 1);
    }
    k->gemm(1, d, 2 * d, d_act, d, model->read_back, NULL, d_cat, 2 * d);
    for (uint32_t j = 0; j < d; j++)
        d_cat[j] = d_cat[j] / (float)n;
    for (uint32_t v = 0; v < n; v++)
        memcpy(s->dh + (size_t)v * d, d_cat, d * sizeof(float));
    /* The maximum's gradient goes to the first node that has it. */
    for (uint32_t j = 0; j < d; j++) {
        uint32_t v = 0;

        while (v + 1 < n && h[(size_t)v * d + j] != s->cat[d + j])
            v++;
        s->dh[(size_t)v * d + j] += d_cat[d + j];
    }
}

/* s->dh: from the gradient of h_{l+1} to that of h_l. */
static void back_layer(const struct lg_kernels *k, const struct lg_gnn_model *model,
        struct lg_gnn_scratch *s, uint32_t l, const struct lg_gnn_noise *noise,
        struct lg_gnn_weights *grad)
{
    uint32_t d = model->cfg.dim, heads = model->cfg.heads, n = s->n_nodes, hd = d / heads;
    const struct lg_gnn_layer_weights *w = &model->w.layer[l];
    struct lg_gnn_layer_weights *g = grad != NULL ? &grad->layer[l] : NULL;
    const float *drop = noise != NULL ? noise->alpha[l] : NULL;
    struct lg_gat_grad back = {.dz = s->dz, .ds_src = s->ds_src, .ds_dst = s->ds_dst};
    struct lg_gat_layer view;

    if (noise != NULL && noise->h[l] != NULL)
        multiply(s->dh, noise->h[l], (size_t)n * d);
    if (g != NULL) {
        back.edge_bias = g->edge_bias;
        back.edge_num = g->edge_num;
        back.edge_emb = g->edge_emb;
        back.attr_emb = g->attr_emb;
    }
    memset(s->dz, 0, (size_t)n * d * sizeof(float));
    memset(s->ds_src, 0, (size_t)n * heads * sizeof(float));
    memset(s->ds_dst, 0, (size_t)n * heads * sizeof(float));
    lg_gnn_layer_view(model, s, l, &view);
    for (uint32_t v = 0; v < n; v++) {
        size_t row = (size_t)v * d, a = s->in_off[v];

        k->elu_norm_back(s->row, s->dt, s->dh + row, s->e[l] + row, s->h[l] + row,
                s->stat[l] + 2 * (size_t)v, w->norm_w, d, g != NULL ? g->norm_w : NULL,
                g != NULL ? g->norm_b : NULL, g != NULL ? g->bias : NULL);
        memcpy(s->dh + row, s->row, d * sizeof(float));
        k->gat_node_back(&view, s->in + a, s->in_off[v + 1] - s->in_off[v], v,
                drop != NULL ? drop + a * heads : NULL, s->alpha[l] + a * heads, s->dt, s->edge_tmp,
                &back);
    }
    for (uint32_t v = 0; v < n; v++) {
        for (uint32_t h = 0; h < heads; h++) {
            size_t at = (size_t)v * d + h * hd;
            float ds = s->ds_src[v * heads + h], dd = s->ds_dst[v * heads + h];

            k->axpy(s->dz + at, ds, w->a_src + h * hd, hd);
            k->axpy(s->dz + at, dd, w->a_dst + h * hd, hd);
            if (g != NULL) {
                k->axpy(g->a_src + h * hd, ds, s->z[l] + at, hd);
                k->axpy(g->a_dst + h * hd, dd, s->z[l] + at, hd);
            }
        }
    }
    if (g != NULL)
        weight_grad(g->w, d, d, s->dz, s->h[l], n);
    k->gemm(n, d, d, s->dz, d, model->layer_back[l], NULL, s->dt, d);
    k->axpy(s->dh, 1.0f, s->dt, (uint32_t)((size_t)n * d));
}

static void back_input(const struct lg_kernels *k, const struct lg_gnn_model *model,
        const struct lg_gnn_graph *g, struct lg_gnn_scratch *s, const struct lg_gnn_back_out *out)
{
    uint32_t d = model->cfg.dim, n = s->n_nodes, num = model->cfg.num_dim;
    struct lg_gnn_weights *grad = out->grad;

    for (uint32_t v = 0; v < n; v++) {
        size_t row = (size_t)v * d;

        k->elu_norm_back(s->row, s->dt + row, s->dh + row, s->e_in + row, NULL,
                s->stat_in + 2 * (size_t)v, model->w.inp_norm_w, d, grad->inp_norm_w,
                grad->inp_norm_b, grad->inp_b);
    }
    weight_grad(grad->inp_w, d, d, s->dt, s->x, n);
    k->gemm(n, d, d, s->dt, d, model->inp_back, NULL, out->dx, d);
    for (uint32_t v = 0; v < n; v++)
        k->axpy(grad->type + (size_t)g->node_type[v] * d, 1.0f, out->dx + (size_t)v * d, d);
    add_rows(k, grad->num_b, out->dx, n, d);
    weight_grad(grad->num_w, d, num, out->dx, g->node_num, n);
}

void lg_gnn_back(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, const struct lg_gnn_noise *noise, const float dlogits[2],
        const struct lg_gnn_back_out *out)
{
    const struct lg_kernels *k = lg_kernels();

    back_read_out(k, model, s, noise, dlogits, out->grad);
    for (uint32_t l = model->cfg.layers; l > 0; l--)
        back_layer(k, model, s, l - 1, noise, out->grad);
    if (out->grad == NULL)
        return;
    back_input(k, model, g, s, out);
    *out->d_wide = dlogits[1] / sqrtf((float)g->n_nodes);
}

int lg_gnn_input_gradient(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, float *score)
{
    const struct lg_kernels *k = lg_kernels();
    const float dlogits[2] = {-1.0f, 1.0f};
    const struct lg_gnn_back_out out = {0};
    uint32_t d = model->cfg.dim;
    bool finite = true;

    if (!lg_gnn_scratch_holds(s, model, g))
        return LG_EINVAL;
    lg_gnn_back(model, g, s, NULL, dlogits, &out);
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        float x = k->dot(s->dh + (size_t)v * d, s->h[0] + (size_t)v * d, d);

        score[v] = fabsf(x + s->wide[v] / sqrtf((float)g->n_nodes));
        finite = finite && isfinite(score[v]);
    }
    return finite ? 0 : LG_ERANGE;
}

void lg_gnn_scatter_tokens(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        const float *dx, float d_wide, float *tok_grad, float *wide_grad)
{
    const struct lg_kernels *k = lg_kernels();
    uint32_t d = model->cfg.dim;

    for (uint32_t v = 0; v < g->n_nodes; v++) {
        float ss = 0.0f, inv;

        for (uint32_t t = g->tok_off[v]; t < g->tok_off[v + 1]; t++)
            ss = fmaf(model->idf[g->tok[t]], model->idf[g->tok[t]], ss);
        inv = ss > 0.0f ? 1.0f / sqrtf(ss) : 0.0f;
        for (uint32_t t = g->tok_off[v]; t < g->tok_off[v + 1]; t++) {
            k->axpy(tok_grad + (size_t)g->tok[t] * d, model->idf[g->tok[t]] * inv,
                    dx + (size_t)v * d, d);
            wide_grad[g->tok[t]] += d_wide;
        }
    }
}

int lg_gnn_backward(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, const float dlogits[2], float *flat_grad)
{
    struct lg_gnn_weights grad;
    float d_wide;
    /* The ablation's copy is as large as dx. */
    const struct lg_gnn_back_out out = {.grad = &grad, .dx = s->copy_h[1], .d_wide = &d_wide};

    if (!lg_gnn_scratch_holds(s, model, g))
        return LG_EINVAL;
    s->copied = false;
    lg_gnn_weights_bind(&grad, &model->lay, flat_grad, true);
    lg_gnn_back(model, g, s, NULL, dlogits, &out);
    lg_gnn_scatter_tokens(model, g, out.dx, d_wide, grad.tok, grad.wide);
    return 0;
}
