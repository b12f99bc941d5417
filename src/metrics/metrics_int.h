#ifndef LG_METRICS_METRICS_INT_H
#define LG_METRICS_METRICS_INT_H

#include <pthread.h>

#include "base/vec.h"
#include "metrics/metrics.h"

/*
 * Histograms are log-linear with base ten, so that bounds are round numbers in any unit: values
 * up to ten one by one, then 90 buckets a decade. A bucket holds (lo, hi], as Prometheus's `le`.
 */
#define LG_HIST_DECADES 12
#define LG_HIST_BUCKETS (10 + 90 * (LG_HIST_DECADES - 1))
#define LG_HIST_SLOTS (1 + LG_HIST_BUCKETS) /* the sum, then the buckets */

uint32_t lg_hist_index(uint64_t v);
/* Largest value of a bucket. */
uint64_t lg_hist_upper(uint32_t index);

struct lg_metrics_series {
    char *labels; /* a="b",c="d", escaped; owned */
    size_t labels_n;
    uint32_t slot; /* 0: a callback */
    double (*read)(void *user);
    void *user;
};

struct lg_metrics_family {
    const struct lg_metric_desc *desc;
    LG_VEC(struct lg_metrics_series) series;
};

struct lg_metrics {
    pthread_mutex_t lock;
    LG_VEC(struct lg_metrics_family) families;
    struct lg_metrics_shard *shards;
    uint64_t *retired[LG_METRICS_PAGES]; /* of freed shards */
    uint32_t pages;
    uint32_t next_slot;
};

/* Sum over shards; the lock is held. */
uint64_t lg_metrics_sum(const struct lg_metrics *m, uint32_t slot);

#endif
