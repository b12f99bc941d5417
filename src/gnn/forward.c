#include <math.h>
#include <string.h>

#include "gnn/gnn_int.h"

void lg_gnn_layer_view(const struct lg_gnn_model *model, const struct lg_gnn_scratch *s, uint32_t l,
        struct lg_gat_layer *ret)
{
    const struct lg_gnn_layer_weights *w = &model->w.layer[l];

    *ret = (struct lg_gat_layer){
            .dim = model->cfg.dim,
            .heads = model->cfg.heads,
            .z = s->z[l],
            .s_src = s->s_src[l],
            .s_dst = s->s_dst[l],
            .edge_bias = w->edge_bias,
            .edge_num = w->edge_num,
            .edge_emb = w->edge_emb,
            .attr_emb = w->attr_emb,
            .bias = w->bias,
            .norm_w = w->norm_w,
            .norm_b = w->norm_b,
    };
}

/* x and the nodes' sums of the wide branch. */
static void embed_nodes(const struct lg_kernels *k, const struct lg_gnn_model *model,
        const struct lg_gnn_graph *g, struct lg_gnn_scratch *s, float *x)
{
    uint32_t d = model->cfg.dim, all = g->tok_off[g->n_nodes];

    for (uint32_t v = 0; v < g->n_nodes; v++) {
        const uint32_t *tok = g->tok + g->tok_off[v];
        uint32_t n = g->tok_off[v + 1] - g->tok_off[v];
        float wide = 0.0f;
        const float *base = model->type_base + (size_t)g->node_type[v] * d;
        const float *num = g->node_num + (size_t)v * model->cfg.num_dim;

        if (model->tok_half != NULL)
            k->embed_half(x + (size_t)v * d, d, base, num, model->cfg.num_dim, model->num_wt, tok,
                    n, all - g->tok_off[v], model->idf, model->tok_half);
        else
            k->embed(x + (size_t)v * d, d, base, num, model->cfg.num_dim, model->num_wt, tok, n,
                    all - g->tok_off[v], model->idf, model->w.tok);
        for (uint32_t t = 0; t < n; t++)
            wide += model->w.wide[tok[t]];
        s->wide[v] = wide;
    }
}

/* h_0 with all that leads to it. */
static void run_input(const struct lg_kernels *k, const struct lg_gnn_model *model,
        const struct lg_gnn_graph *g, struct lg_gnn_scratch *s)
{
    uint32_t d = model->cfg.dim;

    embed_nodes(k, model, g, s, s->x);
    k->gemm(g->n_nodes, d, d, s->x, d, model->inp_pack, model->w.inp_b, s->e_in, d);
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        float *e = s->e_in + (size_t)v * d;

        k->elu_norm(s->h[0] + (size_t)v * d, e, s->stat_in + 2 * (size_t)v, e, NULL, NULL,
                model->w.inp_norm_w, model->w.inp_norm_b, d);
    }
}

static void multiply(float *v, const float *by, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] *= by[i];
}

/* z = h W and its attention parts. */
static void project(const struct lg_kernels *k, const struct lg_gnn_model *model,
        const struct lg_gnn_scratch *s, uint32_t l, const float *h, float *z, float *s_src,
        float *s_dst)
{
    uint32_t d = model->cfg.dim;

    k->gemm(s->n_nodes, d, d, h, d, model->layer_pack[l], NULL, z, d);
    k->head_dots(z, s->n_nodes, d, model->cfg.heads, model->w.layer[l].a_src,
            model->w.layer[l].a_dst, s_src, s_dst);
}

static void run_layer(const struct lg_kernels *k, const struct lg_gnn_model *model,
        struct lg_gnn_scratch *s, uint32_t l, const struct lg_gnn_noise *noise)
{
    uint32_t d = model->cfg.dim, heads = model->cfg.heads;
    const float *drop = noise != NULL ? noise->alpha[l] : NULL;
    struct lg_gat_layer view;

    project(k, model, s, l, s->h[l], s->z[l], s->s_src[l], s->s_dst[l]);
    lg_gnn_layer_view(model, s, l, &view);
    for (uint32_t v = 0; v < s->n_nodes; v++) {
        size_t a = s->in_off[v], row = (size_t)v * d;

        k->gat_node(&view, s->in + a, s->in_off[v + 1] - s->in_off[v], v, s->h[l] + row,
                drop != NULL ? drop + a * heads : NULL, s->alpha[l] + a * heads, s->e[l] + row,
                s->stat[l] + 2 * (size_t)v, s->h[l + 1] + row);
    }
    if (noise != NULL && noise->h[l] != NULL)
        multiply(s->h[l + 1], noise->h[l], (size_t)s->n_nodes * d);
}

void lg_gnn_read_out(const struct lg_gnn_model *model, struct lg_gnn_scratch *s, const float *h,
        const uint8_t *skip, uint32_t n_left, const struct lg_gnn_noise *noise, float logits[2])
{
    const struct lg_kernels *k = lg_kernels();
    uint32_t d = model->cfg.dim;
    float *act = s->row, wide = 0.0f;

    k->columns(h, s->n_nodes, d, skip, s->cat, s->cat + d);
    for (uint32_t j = 0; j < d; j++)
        s->cat[j] = s->cat[j] / (float)n_left;
    k->gemm(1, 2 * d, d, s->cat, 2 * d, model->read_pack, model->w.read_b, s->read, d);
    k->elu(s->read, d);
    memcpy(act, s->read, d * sizeof(float));
    if (noise != NULL && noise->read != NULL)
        multiply(act, noise->read, d);
    for (uint32_t v = 0; v < s->n_nodes; v++)
        if (skip == NULL || skip[v] == 0)
            wide += s->wide[v];
    logits[0] = k->dot(act, model->w.out_w, d) + model->w.out_b[0];
    logits[1] = k->dot(act, model->w.out_w + d, d) + model->w.out_b[1];
    logits[1] = logits[1] + wide / sqrtf((float)n_left);
}

void lg_gnn_run(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, const struct lg_gnn_noise *noise, float logits[2])
{
    const struct lg_kernels *k = lg_kernels();

    lg_gnn_scratch_index(s, g);
    run_input(k, model, g, s);
    for (uint32_t l = 0; l < model->cfg.layers; l++)
        run_layer(k, model, s, l, noise);
    lg_gnn_read_out(model, s, s->h[model->cfg.layers], NULL, g->n_nodes, noise, logits);
    s->copied = false;
    s->model = model;
    s->graph = g;
}

/* Checks the graph and the room for it; whatever fails, the last forward is not this one. */
static int begin(
        const struct lg_gnn_model *model, const struct lg_gnn_graph *g, struct lg_gnn_scratch *s)
{
    int rc = lg_gnn_graph_check(&model->cfg, g, NULL);

    s->graph = NULL;
    if (rc < 0)
        return rc;
    if (s->block == NULL || memcmp(&s->cfg, &model->cfg, sizeof(s->cfg)) != 0 ||
            g->n_nodes > s->cap_nodes || g->n_edges > s->cap_edges)
        return LG_ELIMIT;
    return 0;
}

int lg_gnn_infer(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, float logits[2])
{
    const struct lg_kernels *k = lg_kernels();
    uint32_t d = model->cfg.dim;
    float *h = s->h[0], *z = s->z[0], stat[2], out[2];
    int rc = begin(model, g, s);

    if (rc < 0)
        return rc;
    lg_gnn_scratch_index(s, g);
    embed_nodes(k, model, g, s, z);
    k->gemm(g->n_nodes, d, d, z, d, model->inp_pack, model->w.inp_b, h, d);
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        float *row = h + (size_t)v * d;

        k->elu_norm(
                row, s->row, stat, row, NULL, NULL, model->w.inp_norm_w, model->w.inp_norm_b, d);
    }
    for (uint32_t l = 0; l < model->cfg.layers; l++) {
        struct lg_gat_layer view;

        project(k, model, s, l, h, z, s->s_src[0], s->s_dst[0]);
        lg_gnn_layer_view(model, s, l, &view);
        view.z = z;
        view.s_src = s->s_src[0];
        view.s_dst = s->s_dst[0];
        /* a node's h is read and written in its own step alone: one array is enough */
        for (uint32_t v = 0; v < g->n_nodes; v++)
            k->gat_node(&view, s->in + s->in_off[v], s->in_off[v + 1] - s->in_off[v], v,
                    h + (size_t)v * d, NULL, s->edge_tmp, s->row, stat, h + (size_t)v * d);
    }
    lg_gnn_read_out(model, s, h, NULL, g->n_nodes, NULL, out);
    if (!isfinite(out[0]) || !isfinite(out[1]))
        return LG_ERANGE;
    memcpy(logits, out, sizeof(out));
    return 0;
}

int lg_gnn_forward(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, float logits[2])
{
    float out[2];
    int rc = begin(model, g, s);

    if (rc < 0)
        return rc;
    lg_gnn_run(model, g, s, NULL, out);
    if (!isfinite(out[0]) || !isfinite(out[1])) {
        s->graph = NULL;
        return LG_ERANGE;
    }
    memcpy(logits, out, sizeof(out));
    return 0;
}

float lg_gnn_prob(const float logits[2])
{
    return 1.0f / (1.0f + lg_expf(logits[0] - logits[1]));
}
