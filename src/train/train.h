#ifndef LG_TRAIN_TRAIN_H
#define LG_TRAIN_TRAIN_H

#include "train/crossval.h"

/* `logster train` and `logster eval`. */
struct lg_train_options {
    struct lg_dataset_options data;
    struct lg_cv_options cv;
    const char *out_dir; /* the model's folder */
    const char *name;
    const char *version;
    double weight[LG_MEMBER_COUNT]; /* of the jury, sum 1 */
    double max_false_share;         /* of windows at the shipped threshold */
    bool experimental;
};
void lg_train_options_default(struct lg_train_options *opt);

/* Reads the captures, cross-validates, fits, writes the model and OUT/report.md. */
int lg_train_run(const struct lg_train_options *opt, struct lg_err *reterr) LG_MUST_CHECK;

/* Scores labelled captures with a model and appends the tables to `out`. */
int lg_eval_run(const struct lg_dataset_options *data, const char *model_dir, struct lg_buf *out,
        struct lg_err *reterr) LG_MUST_CHECK;

#endif
