#ifndef LG_TRAIN_FIT_H
#define LG_TRAIN_FIT_H

#include <stdint.h>

#include "detect/members.h"

/*
 * Fits the jury's plain members with liblinear and XGBoost. Both are deterministic for one input
 * on one machine. Thread: one call at a time per output; the libraries run single-threaded here,
 * so that folds may be fitted side by side.
 */

/* Sparse binary row: ascending tokens < vocab. */
struct lg_token_row {
    const uint32_t *tok;
    uint32_t n;
    uint8_t label;
};
/* L2-regularised logistic regression, balanced class weights, cost C (liblinear's L2R_LR). */
int lg_fit_tokens(const struct lg_token_row *rows, uint32_t n, uint32_t vocab, double c,
        struct lg_token_regression *ret, struct lg_err *reterr) LG_MUST_CHECK;

struct lg_trees_options {
    uint32_t trees;      /* 150 */
    uint32_t leaves;     /* 8 */
    double rate;         /* 0.08 */
    double l2;           /* 1 */
    double column_share; /* of the features offered to each tree */
    uint64_t seed;
};
extern const struct lg_trees_options lg_trees_defaults;
/* x: n rows of n_features finite numbers. */
int lg_fit_trees(const float *x, const uint8_t *label, uint32_t n, uint32_t n_features,
        const struct lg_trees_options *opt, struct lg_forest *ret,
        struct lg_err *reterr) LG_MUST_CHECK;

#endif
