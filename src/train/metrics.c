#include "train/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct pair {
    double score;
    uint8_t label;
};

static int descending(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    return (x->score < y->score) - (x->score > y->score);
}

static int sorted_pairs(const double *score, const uint8_t *label, size_t n, struct pair **ret,
        size_t *ret_positive)
{
    struct pair *p = lg_malloc((n + 1) * sizeof(*p));

    if (p == NULL)
        return LG_ENOMEM;
    *ret_positive = 0;
    for (size_t i = 0; i < n; i++) {
        p[i] = (struct pair){score[i], label[i]};
        *ret_positive += label[i] != 0;
    }
    qsort(p, n, sizeof(*p), descending);
    *ret = p;
    return 0;
}

int lg_metric_auc(const double *score, const uint8_t *label, size_t n, double *ret)
{
    struct pair *p;
    size_t positive, i = 0;
    double above = 0, sum = 0; /* benign-attack pairs in the right order */
    int rc = sorted_pairs(score, label, n, &p, &positive);

    if (rc < 0)
        return rc;
    while (i < n) {
        size_t k = i, pos = 0, neg = 0;

        for (; k < n && p[k].score == p[i].score; k++)
            p[k].label != 0 ? pos++ : neg++;
        sum += (double)neg * (above + (double)pos / 2);
        above += (double)pos;
        i = k;
    }
    lg_free(p);
    *ret = positive == 0 || positive == n ? (double)NAN
                                          : sum / ((double)positive * (double)(n - positive));
    return 0;
}

int lg_metric_ap(const double *score, const uint8_t *label, size_t n, double *ret)
{
    struct pair *p;
    size_t positive, i = 0, hits = 0;
    double sum = 0;
    int rc = sorted_pairs(score, label, n, &p, &positive);

    if (rc < 0)
        return rc;
    while (i < n) {
        size_t k = i, pos = 0;

        for (; k < n && p[k].score == p[i].score; k++)
            pos += p[k].label != 0;
        hits += pos;
        sum += (double)pos * (double)hits / (double)k;
        i = k;
    }
    lg_free(p);
    *ret = positive == 0 ? (double)NAN : sum / (double)positive;
    return 0;
}

int lg_metric_threshold(
        const double *score, const uint8_t *label, size_t n, double fpr, double *ret)
{
    struct pair *p;
    size_t positive, allowed, seen = 0;
    double t = -(double)INFINITY;
    int rc = sorted_pairs(score, label, n, &p, &positive);

    if (rc < 0)
        return rc;
    allowed = (size_t)floor(fpr * (double)(n - positive) + 1e-9);
    for (size_t i = 0; i < n; i++) {
        if (p[i].label != 0)
            continue;
        if (seen++ == allowed) {
            t = nextafter(p[i].score, (double)INFINITY);
            break;
        }
    }
    lg_free(p);
    *ret = t;
    return 0;
}

double lg_metric_recall(const double *score, const uint8_t *label, size_t n, double threshold)
{
    size_t positive = 0, hits = 0;

    for (size_t i = 0; i < n; i++) {
        positive += label[i] != 0;
        hits += label[i] != 0 && score[i] >= threshold;
    }
    return positive == 0 ? (double)NAN : (double)hits / (double)positive;
}

static double poisson_cdf(uint32_t k, double mean)
{
    double term = exp(-mean), sum = term;

    for (uint32_t i = 1; i <= k; i++) {
        term *= mean / i;
        sum += term;
    }
    return sum;
}

/* The mean at which P(X <= k) falls to `target`. */
static double poisson_mean(uint32_t k, double target)
{
    double low = 0, high = 4.0 * k + 40;

    for (int i = 0; i < 200; i++) {
        double mid = (low + high) / 2;

        if (poisson_cdf(k, mid) > target)
            low = mid;
        else
            high = mid;
    }
    return (low + high) / 2;
}

void lg_metric_poisson95(uint32_t count, double *ret_low, double *ret_high)
{
    *ret_low = count == 0 ? 0 : poisson_mean(count - 1, 0.975);
    *ret_high = poisson_mean(count, 0.025);
}

void lg_metric_mean_std(const double *v, size_t n, double *ret_mean, double *ret_std)
{
    double mean = 0, ss = 0;

    for (size_t i = 0; i < n; i++)
        mean += v[i];
    mean = n > 0 ? mean / (double)n : (double)NAN;
    for (size_t i = 0; i < n; i++)
        ss += (v[i] - mean) * (v[i] - mean);
    *ret_mean = mean;
    *ret_std = n > 1 ? sqrt(ss / (double)(n - 1)) : 0;
}

struct platt_sums {
    double h11, h22, h21, g1, g2, loss;
};

static struct platt_sums platt_sums(
        const double *x, const double *t, const double *w, size_t n, double a, double b)
{
    struct platt_sums s = {1e-12, 1e-12, 0, 0, 0, 0};

    for (size_t i = 0; i < n; i++) {
        double f = a * x[i] + b, wi = w != NULL ? w[i] : 1;
        double p = f >= 0 ? 1 / (1 + exp(-f)) : exp(f) / (1 + exp(f));
        double d = wi * p * (1 - p), e = wi * (p - t[i]);

        s.h11 += x[i] * x[i] * d;
        s.h22 += d;
        s.h21 += x[i] * d;
        s.g1 += x[i] * e;
        s.g2 += e;
        s.loss += wi * (f >= 0 ? (1 - t[i]) * f + log1p(exp(-f)) : -t[i] * f + log1p(exp(f)));
    }
    return s;
}

int lg_metric_platt(const double *score, const uint8_t *label, const double *weight, size_t n,
        double *ret_a, double *ret_b)
{
    LG_CLEANUP(lg_cleanup_free) double *t = lg_malloc((n + 1) * sizeof(*t));
    double pos = 0, neg = 0, a = 1, b = 0;

    if (t == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < n; i++)
        label[i] != 0 ? pos++ : neg++;
    if (pos == 0 || neg == 0)
        return LG_EINVAL;
    for (size_t i = 0; i < n; i++)
        t[i] = label[i] != 0 ? (pos + 1) / (pos + 2) : 1 / (neg + 2);
    for (int iter = 0; iter < 100; iter++) {
        struct platt_sums s = platt_sums(score, t, weight, n, a, b);
        double det = s.h11 * s.h22 - s.h21 * s.h21, step = 1;
        double da = -(s.h22 * s.g1 - s.h21 * s.g2) / det;
        double db = -(-s.h21 * s.g1 + s.h11 * s.g2) / det;
        double slope = s.g1 * da + s.g2 * db;

        if (fabs(s.g1) < 1e-6 && fabs(s.g2) < 1e-6)
            break;
        while (step > 1e-10 &&
                platt_sums(score, t, weight, n, a + step * da, b + step * db).loss >
                        s.loss + 1e-4 * step * slope)
            step /= 2;
        if (step <= 1e-10)
            break;
        a += step * da;
        b += step * db;
    }
    *ret_a = a > LG_PLATT_MIN_SLOPE ? a : LG_PLATT_MIN_SLOPE;
    *ret_b = b;
    return 0;
}
