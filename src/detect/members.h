#ifndef LG_DETECT_MEMBERS_H
#define LG_DETECT_MEMBERS_H

#include <stdint.h>

#include "base/err.h"
#include "tensor/tensor.h"

/*
 * The jury's plain members: small evaluators over validated tensors. liblinear and XGBoost train
 * them (train/); here nothing but sums in a fixed order, so that a verdict has the same bits
 * everywhere. Both are read-only after loading and shared by threads.
 */

/* No weight, threshold or leaf is larger: scores stay finite whatever the file. */
#define LG_MEMBER_MAX_VALUE 1e9f

/* Regression over graph tokens (logistic, Fan et al. 2008, liblinear). */
struct lg_token_regression {
    uint32_t vocab;
    float *weight; /* vocab */
    float bias;
};
/* Tensors "weight" f32[vocab] and "bias" f32[1]; finite, within the bound. LG_EINVAL says what is wrong. */
int lg_token_regression_from(const struct lg_tensors *set, uint32_t vocab,
        struct lg_token_regression *ret, struct lg_err *reterr) LG_MUST_CHECK;
int lg_token_regression_to(const struct lg_token_regression *r, struct lg_tensors *set,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_token_regression_done(struct lg_token_regression *r);
/* Log-odds; `tok` ascending and < vocab. */
float lg_token_regression_score(
        const struct lg_token_regression *r, const uint32_t *tok, uint32_t n);

/* Boosted trees over counts (Chen & Guestrin 2016, XGBoost). */
struct lg_forest {
    uint32_t n_features;
    uint32_t n_nodes;
    uint32_t n_trees;
    int32_t *root;    /* n_trees: index of the first node of each tree */
    int32_t *feature; /* n_nodes; -1 for a leaf */
    float *value;     /* n_nodes: threshold, or the leaf's value */
    int32_t *left;    /* n_nodes: taken when x < value; always greater than the node's own index */
    int32_t *right;
    float base; /* log-odds added to the sum */
};
/* Refuses numbers as above, children outside their tree, and any cycle. */
int lg_forest_from(const struct lg_tensors *set, uint32_t n_features, struct lg_forest *ret,
        struct lg_err *reterr) LG_MUST_CHECK;
int lg_forest_to(
        const struct lg_forest *f, struct lg_tensors *set, struct lg_err *reterr) LG_MUST_CHECK;
void lg_forest_done(struct lg_forest *f);
/* Log-odds of one row of n_features finite numbers. */
float lg_forest_score(const struct lg_forest *f, const float *x);

#endif
