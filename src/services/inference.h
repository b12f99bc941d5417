#ifndef LG_SERVICES_INFERENCE_H
#define LG_SERVICES_INFERENCE_H

#include "base/arena.h"
#include "config/config.h"
#include "detect/model.h"
#include "graph/graph.h"
#include "metrics/metrics.h"
#include "pipeline/stage.h"

/*
 * Stage: normalized-endpoint-events -> live windows -> jury -> logster-inference-results, with
 * checkpoints in logster-inference-state (graph/window_live.h).
 *
 * A result: key tenant_id:endpoint_id, headers lg-schema: inference/1 and lg-tenant, value = the
 * verdict (docs/schemas/verdict.schema.json) and beside it
 *   inference_id     UUIDv8 of (tenant, endpoint, window start, end, model digest, config digest)
 *   config_digest    of what decides verdicts beside the model, hex
 *   received_at      bus time of the newest event when the window was judged, epoch seconds
 *   ledger           what the verdict could not see: enum lg_ledger by name, zeros left out
 *   context          the window's graph, zstd in base64: lg_inference_graph
 * All but inference_time_ms are the same whenever the same log is read.
 *
 * State: checkpoints go out at least every inference.checkpoint_interval, never before the verdicts
 * that they presuppose, at hand-over as many as fit one call. Committed is the lowest offset that
 * is in no checkpoint. Bus time, windows and memory budget are a partition's own, so that the
 * number of workers changes nothing.
 */
struct lg_inference_options {
    struct lg_bus *bus; /* topics are looked up by their names */
    const struct lg_config *config;
    const struct lg_model *models[2]; /* by enum lg_platform; read only */
    struct lg_metrics *metrics;       /* NULL: counts nowhere */
};

/* lg_runner_options: ops, user = struct lg_inference_options (outlives the runner), topic
 * normalized-endpoint-events. */
extern const struct lg_stage_ops lg_inference_stage;

/*
 * The graph that a stored inference was judged on, the same bits (lg_graph_write_json gives the
 * same text): from the `context` member of its JSON. It is kept whole and not rebuilt from events:
 * docs/decisions. Everything lies in the arena. LG_ENOENT: the inference has none (it was too
 * large), LG_ECORRUPT, LG_EUNSUP (newer version), LG_ENOMEM.
 */
int lg_inference_graph(struct lg_str context_base64, struct lg_arena *a, struct lg_graph *ret,
        struct lg_err *reterr) LG_MUST_CHECK;

#endif
