#ifndef LG_GNN_TRAIN_INT_H
#define LG_GNN_TRAIN_INT_H

#include "gnn/gnn_int.h"
#include "gnn/pool.h"
#include "gnn/rng.h"
#include "gnn/train.h"

/*
 * The parts of one training run. A step splits its batch into chunks of LG_GNN_CHUNK samples, each
 * with its own dense gradient; chunks are summed in their order, so that the number of threads
 * does not show. Gradients of the token tables stay as dx rows until all chunks are done and are
 * then added per range of buckets.
 */
#define LG_GNN_CHUNK 4u
#define LG_GNN_RANGES 16u /* of token buckets, and of blocks of dense weights */

/* One sample of a batch: its graph after token and edge drop, and its gradient. */
struct lg_gnn_slot {
    const struct lg_gnn_sample *sample;
    uint64_t stream; /* of its random numbers */
    struct lg_gnn_graph g;
    uint32_t *tok_off, *tok, *src, *dst, *edge_attr;
    uint8_t *edge_type;
    float *edge_num;
    float *dx;
    float d_wide;
    float scale; /* weight in the batch's mean loss */
    double loss; /* already scaled */
};

struct lg_gnn_worker {
    struct lg_gnn_scratch *scratch;
    float *alpha[LG_GNN_MAX_LAYERS], *h[LG_GNN_MAX_LAYERS], *read; /* dropout factors */
    void *block;
};

struct lg_gnn_trainer {
    struct lg_gnn_model *model;
    struct lg_gnn_train_options opt;
    struct lg_gnn_pool *pool;
    struct lg_gnn_worker *workers;
    uint32_t chunks;
    float *grad;       /* lay.floats: sum over the batch */
    float *chunk_grad; /* chunks x dense_floats */
    float *m, *v;      /* AdamW moments, lay.floats */
    float *best;       /* lay.floats */
    uint8_t *touched;  /* vocab: bit 0 in this batch, bit 1 ever */
    struct lg_gnn_slot *slots;
    uint32_t n_slots;
    void *slot_block;
    size_t slot_bytes;
    double square[2 * LG_GNN_RANGES]; /* partial sums of squared gradients */
    struct lg_adamw adamw;
    uint64_t step;
};

int lg_gnn_trainer_init(struct lg_gnn_trainer *tr, struct lg_gnn_model *model,
        const struct lg_gnn_train_options *opt, uint32_t max_nodes,
        uint32_t max_edges) LG_MUST_CHECK;
void lg_gnn_trainer_done(struct lg_gnn_trainer *tr);
/* One step over samples[0..n), n <= opt.batch, at rate lr; *ret_loss is the mean loss. */
int lg_gnn_trainer_step(struct lg_gnn_trainer *tr, const struct lg_gnn_sample *const *samples,
        const uint64_t *streams, uint32_t n, float lr, double *ret_loss) LG_MUST_CHECK;

/* Loss of one sample, unscaled; dlogits (may be NULL) is its gradient. */
double lg_gnn_loss(const float logits[2], uint32_t label, float smoothing, float dlogits[2]);
/* Fraction of (attack, benign) pairs in the right order, ties half; NAN with one class only. */
double lg_gnn_auc(const float *logits, const struct lg_gnn_sample *v, size_t n, uint32_t *order);
/* One-cycle: cosine up from max / 25 over the first 30 %, then down to max / 250000. */
float lg_gnn_one_cycle(float max, uint64_t step, uint64_t total);

#endif
