#ifndef LG_GNN_GNN_H
#define LG_GNN_GNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Graph attention network over typed graphs: forward, gradients and ablation. It knows nothing of
 * events: callers hand it arrays. Inference gives the same bits on every x86-64 CPU and compiler
 * (docs/internals/gnn.md). The network:
 *
 *   x    = sum_t w_t tok[t] + type[node type] + W_num num + b_num,
 *          w_t = idf[t] / sqrt(sum of idf^2 over the node's tokens)
 *   h_0  = LN(ELU(x W_in + b_in))
 *   layer l: z = h W_l;  per head s_uv = LeakyReLU_0.2(a_src z_u + a_dst z_v + b[type] + c edge_num)
 *            alpha = softmax of s over the in-edges of v: the given edges, their reverses (type r
 *            becomes edge_types + r) and one self loop (type 2 edge_types, no attributes)
 *            m = sum alpha (z_u + E[type] + sum of A[bit]);  h_{l+1} = LN(h + ELU(m + bias))
 *   read-out: mean and max over nodes -> linear dim, ELU -> linear 2
 *   wide branch: logits[1] += sum over nodes and tokens of wide[t] / sqrt(n_nodes)
 */

#define LG_GNN_MAX_VOCAB (1u << 20)
#define LG_GNN_MAX_DIM 512u
#define LG_GNN_MAX_HEADS 16u
#define LG_GNN_MAX_LAYERS 8u
#define LG_GNN_MAX_NODE_TYPES 64u
#define LG_GNN_MAX_NUM_DIM 64u
#define LG_GNN_MAX_EDGE_TYPES 64u
#define LG_GNN_MAX_ATTR_BITS 32u
#define LG_GNN_MAX_NODES (1u << 16)
#define LG_GNN_MAX_EDGES (1u << 18)
#define LG_GNN_MAX_TOKENS (1u << 22) /* of all nodes of one graph */

/* Shape of a network; stored in its file. All fields are at least 1. */
struct lg_gnn_config {
    uint32_t feature_version; /* of the features it was trained on; the caller names its own */
    uint32_t vocab;           /* token buckets */
    uint32_t dim;             /* hidden size, a multiple of 16 * heads */
    uint32_t heads;
    uint32_t layers;
    uint32_t node_types;
    uint32_t num_dim;    /* numbers per node */
    uint32_t edge_types; /* given types; the network adds reverses and the self loop */
    uint32_t attr_bits;  /* bits used in edge_attr, 1..32 */
};
/* vocab 16384, dim 128, heads 4, layers 3; the other fields are the caller's to fill. */
void lg_gnn_config_default(struct lg_gnn_config *cfg);
/* 0 or LG_EINVAL with the field that is out of its range. */
int lg_gnn_config_check(const struct lg_gnn_config *cfg, struct lg_err *reterr) LG_MUST_CHECK;

/* One graph. Borrowed for the call (and until the last ablation after a forward). */
struct lg_gnn_graph {
    uint32_t n_nodes;          /* at least 1 */
    uint32_t n_edges;          /* may be 0; parallel edges and src == dst are allowed */
    const uint8_t *node_type;  /* n_nodes, < node_types */
    const float *node_num;     /* n_nodes x num_dim, finite */
    const uint32_t *tok_off;   /* n_nodes + 1, first 0, not descending */
    const uint32_t *tok;       /* bucket ids < vocab; within a node unique and ascending */
    const uint32_t *src;       /* n_edges, < n_nodes */
    const uint32_t *dst;       /* n_edges, < n_nodes */
    const uint8_t *edge_type;  /* n_edges, < edge_types */
    const uint32_t *edge_attr; /* n_edges, bit set, only the low attr_bits */
    const float *edge_num;     /* n_edges, log1p(count), finite */
};

struct lg_gnn_model;   /* shared by threads while no one trains or changes it */
struct lg_gnn_scratch; /* one worker's memory: activations of the last forward */

/* --- model ----------------------------------------------------------------------------------- */

/* Fresh weights drawn by xoshiro256** from `seed`; idf all 1. LG_EINVAL or LG_ENOMEM. */
int lg_gnn_model_new(const struct lg_gnn_config *cfg, uint64_t seed, struct lg_gnn_model **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_gnn_model_free(struct lg_gnn_model *model);
const struct lg_gnn_config *lg_gnn_model_config(const struct lg_gnn_model *model);
/* Copies vocab finite, non-negative weights. LG_EINVAL otherwise (the model is unchanged). */
int lg_gnn_model_set_idf(struct lg_gnn_model *model, const float *idf) LG_MUST_CHECK;

/*
 * Reads `.pt` (as torch.save(module.state_dict()) writes it) or `.safetensors`. `want` may be
 * NULL; else each of its fields that is not 0 must equal the file's. Refused, with the name of
 * the tensor and what is wrong: missing, unknown or ill-shaped tensors, wrong dtypes, NaN or
 * infinite weights, another feature version, and everything that lg_tensors_load refuses.
 */
int lg_gnn_model_load(const char *path, const struct lg_gnn_config *want, struct lg_gnn_model **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
/* By the ending of `path`: `.pt` or `.safetensors`; atomic. */
int lg_gnn_model_save(
        const struct lg_gnn_model *model, const char *path, struct lg_err *reterr) LG_MUST_CHECK;

/* Keeps the token table in half precision from now on, if that loses nothing: the same scores from
 * half the memory. Such a network cannot be trained. 0, LG_ERANGE (it would lose; nothing is
 * changed), LG_ENOMEM. */
int lg_gnn_model_halve(struct lg_gnn_model *model) LG_MUST_CHECK;

/* The same from and to a tensor set (bundles of models, tests). */
struct lg_tensors;
int lg_gnn_model_from_tensors(const struct lg_tensors *set, const struct lg_gnn_config *want,
        struct lg_gnn_model **ret, struct lg_err *reterr) LG_MUST_CHECK;
int lg_gnn_model_to_tensors(const struct lg_gnn_model *model, struct lg_tensors *set,
        struct lg_err *reterr) LG_MUST_CHECK;

/* --- inference -------------------------------------------------------------------------------- */

/* Bytes that a scratch of this size holds. */
size_t lg_gnn_scratch_measure(const struct lg_gnn_config *cfg, uint32_t n_nodes, uint32_t n_edges);
int lg_gnn_scratch_new(struct lg_gnn_scratch **ret) LG_MUST_CHECK;
void lg_gnn_scratch_free(struct lg_gnn_scratch *s);
/*
 * Makes room for graphs of this size; nothing else of this header but the trainer allocates.
 * Forgets the last forward if memory moves. Cheap when there is room. 0, LG_ENOMEM or LG_ELIMIT.
 */
int lg_gnn_scratch_reserve(struct lg_gnn_scratch *s, const struct lg_gnn_config *cfg,
        uint32_t n_nodes, uint32_t n_edges) LG_MUST_CHECK;

/* 0, or LG_EINVAL with what breaks the contract of struct lg_gnn_graph. */
int lg_gnn_graph_check(const struct lg_gnn_config *cfg, const struct lg_gnn_graph *g,
        struct lg_err *reterr) LG_MUST_CHECK;

/*
 * Logits (benign, attack). Checks the graph itself. LG_EINVAL for a bad graph, LG_ELIMIT when the
 * scratch was not reserved for it, LG_ERANGE when the logits are not finite (weights or numbers out
 * of all reason). The attack probability is lg_gnn_prob(logits).
 */
int lg_gnn_forward(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, float logits[2]) LG_MUST_CHECK;
/* The same logits in a sixth of the memory, which stays in the cache; the scratch then holds no
 * forward. */
int lg_gnn_infer(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, float logits[2]) LG_MUST_CHECK;
/* softmax(logits)[1], same bits everywhere. */
float lg_gnn_prob(const float logits[2]);
/* Last layer's node embeddings of the last forward: n_nodes x dim; borrowed from the scratch. */
const float *lg_gnn_scratch_embeddings(const struct lg_gnn_scratch *s);

/*
 * After lg_gnn_forward with the same three: score[v] = |gradient x input| of logits[1] - logits[0]
 * for node v, summed over h_0 of the node plus the node's part of the wide branch. n_nodes floats,
 * same bits everywhere. LG_EINVAL when the scratch does not hold a forward of this graph,
 * LG_ERANGE when a score is not finite.
 */
int lg_gnn_input_gradient(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, float *score) LG_MUST_CHECK;

/*
 * After lg_gnn_forward with the same three: the logits of the graph without the nodes drop[0..n)
 * and their edges, all other features as they are: bit for bit what lg_gnn_forward gives for that
 * reduced graph. Only what the removal changes is computed. The cached forward stays, so that
 * calls may follow each other. LG_EINVAL: bad index, nothing left, or no forward of this graph;
 * LG_ERANGE as above. Duplicates in `drop` are allowed.
 */
int lg_gnn_ablate(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, const uint32_t *drop, uint32_t n_drop,
        float logits[2]) LG_MUST_CHECK;
/*
 * The same for one node, but only its neighbours are computed anew; all others keep what they had
 * heard from these. One node of a crowd costs its few edges instead of two layers of the crowd.
 */
int lg_gnn_ablate_near(const struct lg_gnn_model *model, const struct lg_gnn_graph *g,
        struct lg_gnn_scratch *s, uint32_t drop, float logits[2]) LG_MUST_CHECK;

#endif
