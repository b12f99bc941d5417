#ifndef LG_SERVICES_ALERTS_H
#define LG_SERVICES_ALERTS_H

#include <stdatomic.h>

#include "metrics/metrics.h"
#include "pipeline/stage.h"
#include "services/topics.h"
#include "store/alert_store.h"

/*
 * Stage: logster-inference-results -> alert store -> outbox -> logster-alerts. Verdicts fold into
 * alerts in the store's transaction, which also writes the outbox; what stands there, changes by
 * the API too, is published and then acknowledged, so that a crash repeats a record and loses none.
 * One worker: the outbox has one reader. While the store is away the stage waits (LG_EAGAIN).
 */
struct lg_alerts_options {
    struct lg_alert_store *store;
    const struct lg_topics *topics;
    _Atomic int64_t fold_gap_ns;
    struct lg_metrics *metrics; /* NULL: counts nowhere */
    /* Hears each change once it is published and before it is acknowledged, from the stage's
     * thread; may be NULL. Negative: not taken; it is published and told again. */
    int (*changed)(void *user, const struct lg_outbox_row *row);
    void *user;
};
/* lg_runner_options: user = struct lg_alerts_options (outlives the runner), workers = 1. */
extern const struct lg_stage_ops lg_alerts_stage;

#endif
