#ifndef LG_TRAIN_CROSSVAL_H
#define LG_TRAIN_CROSSVAL_H

#include "detect/model.h"
#include "train/dataset.h"

/*
 * Cross-validation: every row of a fold is scored by members that saw no row of that fold; then
 * the members of the model are fitted on all folds. Each fit is one single-threaded task, so one
 * seed gives one result whatever the number of threads.
 */
struct lg_cv_options {
    uint32_t seeds; /* networks of the jury, 5 */
    uint32_t threads;
    uint64_t first_seed;
    uint32_t epochs; /* 7 */
    uint32_t batch;  /* 32 */
    double lr;       /* 3e-3 */
    double tokens_c; /* cost of the regression, 10 */
    bool baselines;  /* also fit the plain baselines of docs/detection.md */
    bool final;      /* fit the model on all folds */
    bool progress;
};
extern const struct lg_cv_options lg_cv_defaults;

/* Plain scorers that the jury must beat. */
enum lg_baseline {
    LG_BASELINE_EVENTS,       /* how busy is it? */
    LG_BASELINE_EVENT_TOKENS, /* regression over hashed event tokens, no graph */
    LG_BASELINE_SOURCE,       /* regression over the source format alone */
    LG_BASELINE_COUNT
};
const char *lg_baseline_name(enum lg_baseline b);

/* Out-of-fold log-odds by row of the data set; NAN where a row was not scored. */
struct lg_cv {
    size_t n;
    uint32_t seeds;
    double *gat[LG_MODEL_MAX_GATS];
    double *member[LG_MEMBER_COUNT]; /* gat: mean over the seeds */
    double *baseline[LG_BASELINE_COUNT];
    /* fitted on all folds; owned until taken */
    struct lg_gnn_model *final_gat[LG_MODEL_MAX_GATS];
    struct lg_token_regression final_tokens;
    struct lg_forest final_trees;
};

int lg_cv_run(const struct lg_dataset *ds, const struct lg_cv_options *opt, struct lg_cv **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_cv_free(struct lg_cv *cv);

#endif
