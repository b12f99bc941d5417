#ifndef LG_GNN_GNN_INT_H
#define LG_GNN_GNN_INT_H

#include "gnn/gnn.h"
#include "tensor/kernels.h"

/* Shared by the files of gnn and by its tests; not for other folders. */

#define LG_GNN_MAX_PARAMS (13 + 10 * LG_GNN_MAX_LAYERS)

/* One trained tensor: its name in model files, its shape, and where it starts in the flat array. */
struct lg_gnn_param {
    char name[40];
    uint32_t ndim;
    uint32_t shape[2];
    size_t offset; /* in floats, a multiple of 16 */
    size_t n;
    bool decay; /* AdamW decays it */
};

/*
 * All trained tensors lie in one flat array: dense ones first, the two tables of vocab rows
 * (wide, tok) last, because their gradients are sparse.
 */
struct lg_gnn_layout {
    struct lg_gnn_param v[LG_GNN_MAX_PARAMS];
    uint32_t n;
    uint32_t n_dense;    /* params before the tables */
    size_t dense_floats; /* floats before the tables */
    size_t floats;
};
void lg_gnn_layout_init(struct lg_gnn_layout *lay, const struct lg_gnn_config *cfg);

struct lg_gnn_layer_weights {
    float *w, *a_src, *a_dst, *edge_bias, *edge_num, *edge_emb, *attr_emb, *bias, *norm_w, *norm_b;
};

/* Names for the parts of a flat array, of weights or of gradients. */
struct lg_gnn_weights {
    float *type, *num_w, *num_b, *inp_w, *inp_b, *inp_norm_w, *inp_norm_b;
    struct lg_gnn_layer_weights layer[LG_GNN_MAX_LAYERS];
    float *read_w, *read_b, *out_w, *out_b;
    float *wide, *tok; /* NULL when the flat array holds the dense part only */
};
void lg_gnn_weights_bind(
        struct lg_gnn_weights *w, const struct lg_gnn_layout *lay, float *flat, bool tables);

struct lg_gnn_model {
    struct lg_gnn_config cfg;
    struct lg_gnn_layout lay;
    float *flat;
    float *idf;
    uint16_t *tok_half; /* the token table, and w.tok is NULL (lg_gnn_model_halve); or NULL */
    struct lg_gnn_weights w;
    /* Made from the weights by lg_gnn_model_prepare, in the shape that the kernels want. */
    float *prep;
    float *type_base; /* node types x dim: type + num_b */
    float *num_wt;    /* num_dim x dim */
    float *inp_pack, *inp_back;
    float *layer_pack[LG_GNN_MAX_LAYERS], *layer_back[LG_GNN_MAX_LAYERS];
    float *read_pack, *read_back;
};

/* All weights zero. */
int lg_gnn_model_alloc(const struct lg_gnn_config *cfg, struct lg_gnn_model **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
/* Must follow every change of the flat weights. */
void lg_gnn_model_prepare(struct lg_gnn_model *model);

struct lg_gnn_scratch {
    void *block;
    size_t block_bytes;
    struct lg_gnn_config cfg; /* that the pointers below were laid out for */
    uint32_t cap_nodes, cap_edges;

    /* What the activations below belong to; NULL: nothing. */
    const struct lg_gnn_model *model;
    const struct lg_gnn_graph *graph;
    uint32_t n_nodes, n_in; /* n_in: in-edges, 2 edges + nodes */

    uint32_t *in_off;       /* nodes + 1 */
    struct lg_gat_edge *in; /* in-edges by target: given, reverse, self loop */
    float *x;               /* nodes x dim, input sums */
    float *e_in, *stat_in;  /* nodes x dim, nodes x 2 */
    float *h[LG_GNN_MAX_LAYERS + 1];
    float *z[LG_GNN_MAX_LAYERS], *e[LG_GNN_MAX_LAYERS], *stat[LG_GNN_MAX_LAYERS];
    float *s_src[LG_GNN_MAX_LAYERS], *s_dst[LG_GNN_MAX_LAYERS], *alpha[LG_GNN_MAX_LAYERS];
    float *wide;       /* nodes */
    float *cat, *read; /* 2 dim; dim after ELU, before dropout */

    /* backward; shared with ablation, which needs no gradient at the same time */
    float *dh, *dt, *dz, *ds_src, *ds_dst, *edge_tmp, *d_read;

    /* ablation: a second copy of what depends on neighbours (from h_1 and z_1 on). Between two
     * ablations it equals the cached forward when `copied` is set. */
    bool copied;
    uint8_t *dropped, *seen;
    uint32_t *list;                           /* affected nodes */
    uint32_t *changed[LG_GNN_MAX_LAYERS + 1]; /* rows of the copy of h_l that differ */
    float *copy_h[LG_GNN_MAX_LAYERS + 1], *copy_z[LG_GNN_MAX_LAYERS];
    float *copy_src[LG_GNN_MAX_LAYERS], *copy_dst[LG_GNN_MAX_LAYERS];
    struct lg_gat_edge *edge;
    float *row; /* 2 dim */
};

/* Factors that training multiplies in; NULL members: none. */
struct lg_gnn_noise {
    const float *alpha[LG_GNN_MAX_LAYERS]; /* in-edges x heads */
    const float *h[LG_GNN_MAX_LAYERS];     /* nodes x dim, on h_{l+1} */
    const float *read;                     /* dim */
};

/* Whether the last forward was this one. */
bool lg_gnn_scratch_holds(const struct lg_gnn_scratch *s, const struct lg_gnn_model *model,
        const struct lg_gnn_graph *g);
/* Index of in-edges; the graph has been checked and there is room. */
void lg_gnn_scratch_index(struct lg_gnn_scratch *s, const struct lg_gnn_graph *g);
void lg_gnn_layer_view(const struct lg_gnn_model *model, const struct lg_gnn_scratch *s, uint32_t l,
        struct lg_gat_layer *ret);
/* Forward of a checked graph with room in the scratch; noise may be NULL. */
void lg_gnn_run(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, const struct lg_gnn_noise *noise, float logits[2]);
/* Read-out and logits from h of the last layer; skip: nodes left out or NULL. Fills s->cat and
 * s->read. */
void lg_gnn_read_out(const struct lg_gnn_model *model, struct lg_gnn_scratch *s, const float *h,
        const uint8_t *skip, uint32_t n_left, const struct lg_gnn_noise *noise, float logits[2]);

/* Where lg_gnn_back puts what it finds; all added to. */
struct lg_gnn_back_out {
    struct lg_gnn_weights *grad; /* dense gradients, or NULL: only h_0 is wanted */
    float *dx;                   /* nodes x dim: gradient of x, overwritten; with grad only */
    float *d_wide;               /* gradient of each node's wide sum; with grad only */
};
/*
 * Backward from dlogits through the last lg_gnn_run (same noise). Leaves the gradient of h_0 in
 * s->dh when out->grad is NULL. The tables' gradients are the caller's: w_t dx and d_wide.
 */
void lg_gnn_back(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, const struct lg_gnn_noise *noise, const float dlogits[2],
        const struct lg_gnn_back_out *out);

/* Full gradient of sum dlogits . logits in a flat array of lay.floats, added to; for tests and
 * small jobs. The scratch must hold a forward of this graph. */
int lg_gnn_backward(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, const float dlogits[2], float *flat_grad) LG_MUST_CHECK;
/* Adds w_t dx to the rows of a token table, and d_wide to the wide weights. */
void lg_gnn_scatter_tokens(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        const float *dx, float d_wide, float *tok_grad, float *wide_grad);

#endif
