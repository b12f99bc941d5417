#ifndef LG_TRAIN_METRICS_H
#define LG_TRAIN_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Figures of docs/detection.md. Labels are 0 (benign) and 1 (attack); a score that is larger is
 * more suspicious. NAN where a figure cannot be measured (a class is missing). Thread: any.
 */

/* Area under the ROC curve; ties count half (Mann-Whitney). */
int lg_metric_auc(const double *score, const uint8_t *label, size_t n, double *ret) LG_MUST_CHECK;
/* Average precision: sum of precision at each positive, ties taken together. */
int lg_metric_ap(const double *score, const uint8_t *label, size_t n, double *ret) LG_MUST_CHECK;
/*
 * Smallest threshold t such that at most `fpr` of the benign scores are >= t (so it lies just
 * above the benign score that would be one too many). +inf when there is none below.
 */
int lg_metric_threshold(
        const double *score, const uint8_t *label, size_t n, double fpr, double *ret) LG_MUST_CHECK;
/* Share of attack scores >= threshold. */
double lg_metric_recall(const double *score, const uint8_t *label, size_t n, double threshold);
/* Exact (Garwood 1936) 95 % interval of a Poisson count. */
void lg_metric_poisson95(uint32_t count, double *ret_low, double *ret_high);
/* Mean and sample standard deviation; deviation 0 for n < 2. */
void lg_metric_mean_std(const double *v, size_t n, double *ret_mean, double *ret_std);
/*
 * Platt scaling (Platt 1999, with the targets and the Newton method of Lin, Lin and Weng 2007):
 * p = 1 / (1 + exp(-(a x + b))). `weight` may be NULL. a is forced up to LG_PLATT_MIN_SLOPE
 * (monotone): a score of that slope does not tell the classes apart.
 */
#define LG_PLATT_MIN_SLOPE 1e-3
int lg_metric_platt(const double *score, const uint8_t *label, const double *weight, size_t n,
        double *ret_a, double *ret_b) LG_MUST_CHECK;

#endif
