#ifndef LG_GNN_TRAIN_H
#define LG_GNN_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "gnn/gnn.h"

/*
 * Training: cross-entropy with class weights, sample weights and label smoothing; AdamW without
 * decay on norms, biases and attention vectors; one-cycle schedule; gradient clip; token and edge
 * drop; early stopping on a validation set. One seed gives one result on one machine, whatever
 * the number of threads. Thread: one call at a time per model; it starts its own threads.
 */

struct lg_gnn_sample {
    const struct lg_gnn_graph *graph; /* borrowed for the call */
    uint8_t label;                    /* 0 benign, 1 attack */
    float weight;                     /* > 0, finite; 1 for all where nothing else is known */
};

struct lg_gnn_progress {
    uint32_t epoch; /* from 1 */
    uint32_t epochs;
    uint64_t steps; /* done so far */
    uint64_t total_steps;
    double train_loss;
    double valid_loss; /* NAN without a validation set */
    double valid_auc;  /* NAN without a validation set or with one class only */
    bool best;         /* this epoch is the best so far */
};

struct lg_gnn_train_options {
    uint64_t seed;
    uint32_t epochs;       /* 7 */
    uint32_t batch;        /* 32 graphs */
    uint32_t threads;      /* 1..64 */
    float lr;              /* 3e-3, the peak of the cycle */
    float weight_decay;    /* 0.01 */
    float clip;            /* 1.0, norm of all gradients; 0: no clip */
    float dropout;         /* 0.3, on layer outputs and the read-out */
    float attn_dropout;    /* 0.1 */
    float tok_drop;        /* 0.1 of a node's tokens; at least one stays */
    float edge_drop;       /* 0.1 */
    float label_smoothing; /* 0.05 */
    float class_weight[2]; /* 1, 1; see lg_gnn_class_weights */
    uint32_t patience;     /* epochs without a better validation loss before the stop; 0: never */
    bool one_cycle;        /* true; false: constant lr */
    /* After every epoch; return non-zero to stop (the best weights so far are kept). */
    int (*progress)(void *arg, const struct lg_gnn_progress *p);
    void *progress_arg;
};
void lg_gnn_train_options_default(struct lg_gnn_train_options *opt);

struct lg_gnn_train_result {
    uint32_t epochs_run;
    uint32_t best_epoch;    /* whose weights the model holds now */
    double best_valid_loss; /* NAN without a validation set */
    double train_loss;      /* of the last epoch */
    bool stopped;           /* by the callback */
};

/*
 * Trains `model` in place. Without validation samples (n_valid 0) the last epoch's weights are
 * kept, else the best epoch's. LG_EINVAL names the first bad option or sample; LG_ERANGE: the
 * loss is no longer finite (the model then holds the best weights so far); LG_ENOMEM.
 */
int lg_gnn_train(struct lg_gnn_model *model, const struct lg_gnn_sample *train, size_t n_train,
        const struct lg_gnn_sample *valid, size_t n_valid, const struct lg_gnn_train_options *opt,
        struct lg_gnn_train_result *ret, struct lg_err *reterr) LG_MUST_CHECK;

/* Balanced class weights: total weight / (2 * weight of the class); 1, 1 with one class only. */
void lg_gnn_class_weights(const struct lg_gnn_sample *v, size_t n, float ret_weight[2]);

/*
 * Smoothed inverse document frequency over the nodes of all samples:
 * idf[t] = ln((1 + nodes) / (1 + nodes with t)) + 1. Writes cfg->vocab floats. 0 or LG_EINVAL.
 */
int lg_gnn_fit_idf(const struct lg_gnn_config *cfg, const struct lg_gnn_sample *v, size_t n,
        float *ret_idf) LG_MUST_CHECK;

/*
 * Runs the forward over samples with `threads` threads: logits[2 i], logits[2 i + 1]. The same
 * bits as lg_gnn_forward. 0, LG_EINVAL or LG_ENOMEM.
 */
int lg_gnn_predict(const struct lg_gnn_model *model, const struct lg_gnn_sample *v, size_t n,
        uint32_t threads, float *logits) LG_MUST_CHECK;

#endif
