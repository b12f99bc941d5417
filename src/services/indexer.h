#ifndef LG_SERVICES_INDEXER_H
#define LG_SERVICES_INDEXER_H

#include "metrics/metrics.h"
#include "pipeline/stage.h"
#include "services/topics.h"
#include "store/event_store.h"

/*
 * Stage: normalized-endpoint-events and logster-inference-results -> the event store. The store
 * creates and never overwrites, so that records which come again change nothing. Same id with other
 * content: dead letter `id_conflict`; a record that the store will never take: `store_refused`; both
 * are counted. While the store is away the stage waits (LG_EAGAIN).
 */
struct lg_indexer_options {
    struct lg_event_store *store;
    const struct lg_topics *topics;
    struct lg_metrics *metrics; /* NULL: counts nowhere */
};
/* lg_runner_options: user = struct lg_indexer_options (outlives the runner). */
extern const struct lg_stage_ops lg_indexer_stage;

#endif
