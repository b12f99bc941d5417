#ifndef LG_METRICS_METRICS_H
#define LG_METRICS_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Counters, gauges and histograms. A registry knows the names; a shard holds the values of one
 * thread, so that counting is one load and one store without a lock; the reader sums the shards.
 * Series (name and labels) are fixed at registration: never register a tenant or an endpoint.
 * Metrics are described in names.def; LG_METRIC(RAW_EVENTS_TOTAL) is one of them.
 */
struct lg_metrics;
struct lg_metrics_shard;

enum lg_metric_kind { LG_METRIC_COUNTER, LG_METRIC_GAUGE, LG_METRIC_HISTOGRAM };

struct lg_metric_desc {
    const char *name; /* [a-zA-Z_:][a-zA-Z0-9_:]* */
    const char *help;
    enum lg_metric_kind kind;
    double scale; /* histograms: what one recorded unit is in the shown unit (us in ms: 0.001) */
    const char *labels; /* label names, comma separated, for the reference page */
};

enum lg_metric_id {
#define LG_METRIC_ROW(id, name, kind, scale, labels, help) LG_METRIC_##id,
#include "metrics/names.def"
#undef LG_METRIC_ROW
    LG_METRIC_COUNT
};
extern const struct lg_metric_desc lg_metric_table[LG_METRIC_COUNT];
#define LG_METRIC(id) (&lg_metric_table[LG_METRIC_##id])

struct lg_metric_label {
    const char *name;
    const char *value; /* any UTF-8; copied and escaped */
};

/* Handles: plain numbers, valid as long as the registry; all zero is a handle that counts nowhere. */
struct lg_counter {
    uint32_t slot;
};
struct lg_gauge {
    uint32_t slot;
};
struct lg_histogram {
    uint32_t slot;
};

int lg_metrics_new(struct lg_metrics **ret) LG_MUST_CHECK;
/* All shards must be freed before. */
void lg_metrics_free(struct lg_metrics *m);

/*
 * Registration: the same name with the same labels gives the same handle again. LG_EINVAL: a bad
 * name or label, or a name that is registered as another kind; LG_ELIMIT: too many series;
 * LG_ENOMEM. `desc` must outlive the registry. Thread: any, also while others count.
 */
int lg_metrics_counter(struct lg_metrics *m, const struct lg_metric_desc *desc,
        const struct lg_metric_label *labels, size_t n_labels,
        struct lg_counter *ret) LG_MUST_CHECK;
int lg_metrics_gauge(struct lg_metrics *m, const struct lg_metric_desc *desc,
        const struct lg_metric_label *labels, size_t n_labels, struct lg_gauge *ret) LG_MUST_CHECK;
int lg_metrics_histogram(struct lg_metrics *m, const struct lg_metric_desc *desc,
        const struct lg_metric_label *labels, size_t n_labels,
        struct lg_histogram *ret) LG_MUST_CHECK;
/* A gauge or counter whose value `read` tells at exposition; called with the registry locked, from
 * any thread: it must not register, and must be quick. Registering it again replaces it; a NULL
 * `read` takes the series away (do so before `user` dies). */
int lg_metrics_callback(struct lg_metrics *m, const struct lg_metric_desc *desc,
        const struct lg_metric_label *labels, size_t n_labels, double (*read)(void *user),
        void *user) LG_MUST_CHECK;
/* process_* of this process: CPU seconds, resident bytes, open files, start time. */
int lg_metrics_process(struct lg_metrics *m) LG_MUST_CHECK;

/* One shard a thread. Freeing keeps its counts (not its gauges) in the registry. Thread: any. */
int lg_metrics_shard_new(struct lg_metrics *m, struct lg_metrics_shard **ret) LG_MUST_CHECK;
void lg_metrics_shard_free(struct lg_metrics_shard *sh);

/* Sums now. A histogram's quantile (0..1) is an upper bound within 10 %, in shown units; 0 when it
 * is empty. Thread: any. */
uint64_t lg_metrics_counter_value(struct lg_metrics *m, struct lg_counter c);
int64_t lg_metrics_gauge_value(struct lg_metrics *m, struct lg_gauge g);
uint64_t lg_metrics_histogram_count(struct lg_metrics *m, struct lg_histogram h);
double lg_metrics_histogram_quantile(struct lg_metrics *m, struct lg_histogram h, double q);

/* Prometheus text format 0.0.4, families in order of registration. Check out->failed. */
#define LG_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
void lg_metrics_write(struct lg_metrics *m, struct lg_buf *out);
/* The reference page (docs/metrics.md). */
void lg_metrics_reference(struct lg_buf *out);

/* Hot path. Thread: the shard's own. A NULL shard counts nowhere. */
#define LG_METRICS_PAGE_SLOTS 1024u
#define LG_METRICS_PAGES 64u
struct lg_metrics_shard {
    _Atomic(_Atomic uint64_t *) page[LG_METRICS_PAGES];
    struct lg_metrics *registry;
    struct lg_metrics_shard *next, *prev;
};

static inline _Atomic uint64_t *lg_metrics_slot(struct lg_metrics_shard *sh, uint32_t slot)
{
    _Atomic uint64_t *page =
            atomic_load_explicit(&sh->page[slot / LG_METRICS_PAGE_SLOTS], memory_order_acquire);

    return &page[slot % LG_METRICS_PAGE_SLOTS];
}
/* Only the owner writes: a load and a store do, no locked instruction. */
static inline void lg_metrics_slot_add(struct lg_metrics_shard *sh, uint32_t slot, uint64_t v)
{
    _Atomic uint64_t *at = lg_metrics_slot(sh, slot);

    atomic_store_explicit(
            at, atomic_load_explicit(at, memory_order_relaxed) + v, memory_order_relaxed);
}
static inline void lg_counter_add(struct lg_metrics_shard *sh, struct lg_counter c, uint64_t v)
{
    if (sh != NULL)
        lg_metrics_slot_add(sh, c.slot, v);
}
/* A gauge shows the sum of what each shard set or added. */
static inline void lg_gauge_set(struct lg_metrics_shard *sh, struct lg_gauge g, int64_t v)
{
    if (sh != NULL)
        atomic_store_explicit(lg_metrics_slot(sh, g.slot), (uint64_t)v, memory_order_relaxed);
}
static inline void lg_gauge_add(struct lg_metrics_shard *sh, struct lg_gauge g, int64_t v)
{
    if (sh != NULL)
        lg_metrics_slot_add(sh, g.slot, (uint64_t)v);
}
/* `v` in recorded units (see lg_metric_desc.scale). */
void lg_histogram_add(struct lg_metrics_shard *sh, struct lg_histogram h, uint64_t v);

#endif
