/*
 * Ablation: the forward of a graph without some nodes, from the cached forward of the whole graph.
 * A layer's output changes for a node only if an in-neighbour is gone or has changed itself. The
 * changed rows of h, z and the attention parts are written into a copy of the cached ones, and
 * taken back from there at the end. The rows are made by the same kernels in the same order as in
 * lg_gnn_run, so that the bits agree.
 */
#include <math.h>
#include <string.h>

#include "gnn/gnn_int.h"

static void copy_row(float *to, const float *from, size_t row, uint32_t n)
{
    memcpy(to + row * n, from + row * n, n * sizeof(float));
}

/* The copy of everything that an ablation may write. */
static void copy_all(const struct lg_gnn_model *model, struct lg_gnn_scratch *s)
{
    size_t n = s->n_nodes;

    for (uint32_t l = 1; l <= model->cfg.layers; l++) {
        memcpy(s->copy_h[l], s->h[l], n * model->cfg.dim * sizeof(float));
        if (l == model->cfg.layers)
            break;
        memcpy(s->copy_z[l], s->z[l], n * model->cfg.dim * sizeof(float));
        memcpy(s->copy_src[l], s->s_src[l], n * model->cfg.heads * sizeof(float));
        memcpy(s->copy_dst[l], s->s_dst[l], n * model->cfg.heads * sizeof(float));
    }
    s->copied = true;
}

/* Makes the n changed rows of layer l's copy equal to the cached ones again. */
static void take_back(
        const struct lg_gnn_model *model, struct lg_gnn_scratch *s, uint32_t l, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t v = s->changed[l][i];

        copy_row(s->copy_h[l], s->h[l], v, model->cfg.dim);
        if (l == model->cfg.layers)
            continue;
        copy_row(s->copy_z[l], s->z[l], v, model->cfg.dim);
        copy_row(s->copy_src[l], s->s_src[l], v, model->cfg.heads);
        copy_row(s->copy_dst[l], s->s_dst[l], v, model->cfg.heads);
    }
}

static uint32_t add_neighbours(struct lg_gnn_scratch *s, uint32_t v, uint32_t n)
{
    for (uint32_t k = s->in_off[v]; k < s->in_off[v + 1]; k++) {
        uint32_t u = s->in[k].src;

        if (s->seen[u] == 0 && s->dropped[u] == 0) {
            s->seen[u] = 1;
            s->list[n++] = u;
        }
    }
    return n;
}

/* Nodes whose layer output may change: first the neighbours of what is gone (*ret_near of them),
 * then what has changed with its neighbours (in-edges go both ways, self loops included). */
static uint32_t list_affected(struct lg_gnn_scratch *s, const uint32_t *drop, uint32_t n_drop,
        const uint32_t *changed, uint32_t n_changed, uint32_t *ret_near)
{
    uint32_t n = 0;

    memset(s->seen, 0, s->n_nodes);
    for (uint32_t i = 0; i < n_drop; i++)
        n = add_neighbours(s, drop[i], n);
    *ret_near = n;
    for (uint32_t i = 0; i < n_changed; i++)
        n = add_neighbours(s, changed[i], n);
    return n;
}

/* The in-edges of v that are left. */
static uint32_t edges_left(struct lg_gnn_scratch *s, uint32_t v)
{
    uint32_t n = 0;

    for (uint32_t k = s->in_off[v]; k < s->in_off[v + 1]; k++)
        if (s->dropped[s->in[k].src] == 0)
            s->edge[n++] = s->in[k];
    return n;
}

/* z and attention parts of the n changed rows of h_l. */
static void renew_inputs(const struct lg_kernels *k, const struct lg_gnn_model *model,
        struct lg_gnn_scratch *s, uint32_t l, uint32_t n)
{
    uint32_t d = model->cfg.dim, heads = model->cfg.heads;

    /* The backward's arrays are free here: the changed rows and what is made of them. */
    for (uint32_t i = 0; i < n; i++)
        memcpy(s->dh + (size_t)i * d, s->copy_h[l] + (size_t)s->changed[l][i] * d,
                d * sizeof(float));
    k->gemm(n, d, d, s->dh, d, model->layer_pack[l], NULL, s->dz, d);
    k->head_dots(s->dz, n, d, heads, model->w.layer[l].a_src, model->w.layer[l].a_dst, s->ds_src,
            s->ds_dst);
    for (uint32_t i = 0; i < n; i++) {
        size_t v = s->changed[l][i];

        memcpy(s->copy_z[l] + v * d, s->dz + (size_t)i * d, d * sizeof(float));
        memcpy(s->copy_src[l] + v * heads, s->ds_src + (size_t)i * heads, heads * sizeof(float));
        memcpy(s->copy_dst[l] + v * heads, s->ds_dst + (size_t)i * heads, heads * sizeof(float));
    }
}

/* Runs layer l for the n listed nodes, of which the first n_near have lost in-edges; returns how
 * many rows of h_{l+1} have changed. */
static uint32_t run_affected(const struct lg_kernels *k, const struct lg_gnn_model *model,
        struct lg_gnn_scratch *s, uint32_t l, uint32_t n, uint32_t n_near)
{
    uint32_t d = model->cfg.dim, changed = 0;
    const float *h = l != 0 ? s->copy_h[l] : s->h[0];
    struct lg_gat_layer view;
    float stat[2];

    lg_gnn_layer_view(model, s, l, &view);
    if (l != 0) {
        view.z = s->copy_z[l];
        view.s_src = s->copy_src[l];
        view.s_dst = s->copy_dst[l];
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t v = s->list[i], edges = s->in_off[v + 1] - s->in_off[v];
        const struct lg_gat_edge *edge = s->in + s->in_off[v];
        size_t row = (size_t)v * d;

        if (i < n_near) {
            edges = edges_left(s, v);
            edge = s->edge;
        }
        k->gat_node(&view, edge, edges, v, h + row, NULL, s->edge_tmp, s->row, stat,
                s->copy_h[l + 1] + row);
        if (memcmp(s->copy_h[l + 1] + row, s->h[l + 1] + row, d * sizeof(float)) != 0)
            s->changed[l + 1][changed++] = v;
    }
    return changed;
}

static int mark_dropped(
        struct lg_gnn_scratch *s, const uint32_t *drop, uint32_t n_drop, uint32_t *ret_left)
{
    uint32_t left = s->n_nodes;

    memset(s->dropped, 0, s->n_nodes);
    for (uint32_t i = 0; i < n_drop; i++) {
        if (drop[i] >= s->n_nodes)
            return LG_EINVAL;
        left -= s->dropped[drop[i]] == 0;
        s->dropped[drop[i]] = 1;
    }
    *ret_left = left;
    return left > 0 ? 0 : LG_EINVAL;
}

/* With `spread`, whatever hears of the loss is renewed, however far; else those alone that lose an
 * edge. */
static int ablate(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, const uint32_t *drop, uint32_t n_drop, bool spread,
        float logits[2])
{
    const struct lg_kernels *k = lg_kernels();
    uint32_t changed[LG_GNN_MAX_LAYERS + 1] = {0}, left, n, near;
    uint32_t d = model->cfg.dim;
    float out[2];
    int rc;

    if (!lg_gnn_scratch_holds(s, model, g))
        return LG_EINVAL;
    rc = mark_dropped(s, drop, n_drop, &left);
    if (rc < 0)
        return rc;
    if (!s->copied)
        copy_all(model, s);
    for (uint32_t l = 0; l < model->cfg.layers; l++) {
        if (changed[l] > 0)
            renew_inputs(k, model, s, l, changed[l]);
        n = list_affected(s, drop, n_drop, s->changed[l], spread ? changed[l] : 0, &near);
        changed[l + 1] = run_affected(k, model, s, l, n, near);
    }
    /* The whole graph's read-out stays for lg_gnn_input_gradient. */
    memcpy(s->d_read, s->cat, 2 * d * sizeof(float));
    memcpy(s->d_read + 2 * d, s->read, d * sizeof(float));
    lg_gnn_read_out(model, s, s->copy_h[model->cfg.layers], s->dropped, left, NULL, out);
    memcpy(s->cat, s->d_read, 2 * d * sizeof(float));
    memcpy(s->read, s->d_read + 2 * d, d * sizeof(float));
    for (uint32_t l = 1; l <= model->cfg.layers; l++)
        take_back(model, s, l, changed[l]);
    if (!isfinite(out[0]) || !isfinite(out[1]))
        return LG_ERANGE;
    memcpy(logits, out, sizeof(out));
    return 0;
}

int lg_gnn_ablate(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, const uint32_t *drop, uint32_t n_drop, float logits[2])
{
    return ablate(model, g, s, drop, n_drop, true, logits);
}

int lg_gnn_ablate_near(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, uint32_t drop, float logits[2])
{
    return ablate(model, g, s, &drop, 1, false, logits);
}
