/*
 * Ablation: the forward of a graph without some nodes, from the cached forward of the whole graph.
 * A layer's output changes for a node only if an in-neighbour is gone or has changed itself. The
 * changed rows of h, z and the attention parts are exchanged with the cached ones in place, and
 * exchanged back at the end. The rows are made by the same kernels in the same order as in
 * lg_gnn_run, so that the bits agree.
 */
#include <math.h>
#include <string.h>

#include "gnn/gnn_int.h"

static void swap_row(float *a, float *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        float x = a[i];

        a[i] = b[i];
        b[i] = x;
    }
}

/* Exchanges the rows undo_id[l][0..n) of the layer's cached arrays with the undo arrays: h_l and,
 * where layer l reads them, z and the attention parts made from them. */
static void swap_layer(const struct lg_gnn_model *model, struct lg_gnn_scratch *s, uint32_t l,
        uint32_t n, bool with_h)
{
    uint32_t d = model->cfg.dim, heads = model->cfg.heads;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t v = s->undo_id[l][i];

        if (with_h)
            swap_row(s->h[l] + (size_t)v * d, s->undo_h[l] + (size_t)i * d, d);
        if (l == model->cfg.layers)
            continue;
        swap_row(s->z[l] + (size_t)v * d, s->undo_z[l] + (size_t)i * d, d);
        swap_row(s->s_src[l] + (size_t)v * heads, s->undo_src[l] + (size_t)i * heads, heads);
        swap_row(s->s_dst[l] + (size_t)v * heads, s->undo_dst[l] + (size_t)i * heads, heads);
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

/* Nodes whose layer output may change: neighbours of what is gone, and what has changed with its
 * neighbours (in-edges go both ways, self loops included). */
static uint32_t list_affected(struct lg_gnn_scratch *s, const uint32_t *drop, uint32_t n_drop,
        const uint32_t *changed, uint32_t n_changed)
{
    uint32_t n = 0;

    memset(s->seen, 0, s->n_nodes);
    for (uint32_t i = 0; i < n_drop; i++)
        n = add_neighbours(s, drop[i], n);
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

/* z and attention parts of the n changed rows of h_l, into the undo arrays, then exchanged. */
static void renew_inputs(const struct lg_kernels *k, const struct lg_gnn_model *model,
        struct lg_gnn_scratch *s, uint32_t l, uint32_t n)
{
    uint32_t d = model->cfg.dim;

    /* s->dz is free here: the changed rows, gathered. */
    for (uint32_t i = 0; i < n; i++)
        memcpy(s->dz + (size_t)i * d, s->h[l] + (size_t)s->undo_id[l][i] * d, d * sizeof(float));
    k->gemm(n, d, d, s->dz, d, model->layer_pack[l], NULL, s->undo_z[l], d);
    k->head_dots(s->undo_z[l], n, d, model->cfg.heads, model->w.layer[l].a_src,
            model->w.layer[l].a_dst, s->undo_src[l], s->undo_dst[l]);
    swap_layer(model, s, l, n, false);
}

/* Runs layer l for the listed nodes; returns how many rows of h_{l+1} have changed. */
static uint32_t run_affected(const struct lg_kernels *k, const struct lg_gnn_model *model,
        struct lg_gnn_scratch *s, uint32_t l, uint32_t n)
{
    uint32_t d = model->cfg.dim, changed = 0;
    struct lg_gat_layer view;
    float stat[2];

    lg_gnn_layer_view(model, s, l, &view);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t v = s->list[i], edges = edges_left(s, v);
        float *out = s->undo_h[l + 1] + (size_t)changed * d, *row = s->h[l + 1] + (size_t)v * d;

        k->gat_node(&view, s->edge, edges, v, s->h[l] + (size_t)v * d, NULL, s->edge_tmp, s->row,
                stat, out);
        if (memcmp(out, row, d * sizeof(float)) == 0)
            continue;
        swap_row(row, out, d);
        s->undo_id[l + 1][changed++] = v;
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

int lg_gnn_ablate(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, const uint32_t *drop, uint32_t n_drop, float logits[2])
{
    const struct lg_kernels *k = lg_kernels();
    uint32_t changed[LG_GNN_MAX_LAYERS + 1] = {0}, left, n;
    uint32_t d = model->cfg.dim;
    float out[2];
    int rc;

    if (!lg_gnn_scratch_holds(s, model, g))
        return LG_EINVAL;
    rc = mark_dropped(s, drop, n_drop, &left);
    if (rc < 0)
        return rc;
    for (uint32_t l = 0; l < model->cfg.layers; l++) {
        if (changed[l] > 0)
            renew_inputs(k, model, s, l, changed[l]);
        n = list_affected(s, drop, n_drop, s->undo_id[l], changed[l]);
        changed[l + 1] = run_affected(k, model, s, l, n);
    }
    /* The whole graph's read-out stays for lg_gnn_input_gradient. */
    memcpy(s->d_read, s->cat, 2 * d * sizeof(float));
    memcpy(s->d_read + 2 * d, s->read, d * sizeof(float));
    lg_gnn_read_out(model, s, s->dropped, left, NULL, out);
    memcpy(s->cat, s->d_read, 2 * d * sizeof(float));
    memcpy(s->read, s->d_read + 2 * d, d * sizeof(float));
    for (uint32_t l = 1; l <= model->cfg.layers; l++)
        swap_layer(model, s, l, changed[l], true);
    if (!isfinite(out[0]) || !isfinite(out[1]))
        return LG_ERANGE;
    memcpy(logits, out, sizeof(out));
    return 0;
}
