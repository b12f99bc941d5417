#ifndef LG_SERVICES_INFERENCE_INT_H
#define LG_SERVICES_INFERENCE_INT_H

#include <zstd.h>

#include "base/vec.h"
#include "detect/jury.h"
#include "graph/window_live.h"
#include "services/inference.h"
#include "services/topics.h"
#include "json/json.h"

/* Inside of the inference stage. One worker's state; its thread's. */

#define LG_INF_MAX_STATE_BYTES ((size_t)64 << 20)  /* one endpoint's, before compression */
#define LG_INF_MAX_CONTEXT_BYTES ((size_t)1 << 20) /* one graph's, compressed */
#define LG_INF_STEP_BYTES ((size_t)4 << 20)        /* of checkpoints in one call */
#define LG_INF_BUSY_BYTES ((size_t)12 << 20)       /* of outputs: then the rest waits a call */
#define LG_INF_LAST_BYTES ((size_t)20 << 20)       /* of checkpoints at hand-over */

struct lg_inf_worker;

struct lg_inf_gone { /* an endpoint whose state was given up */
    char *key;
    size_t key_n;
};

struct lg_inf_part {
    struct lg_inf_part *next;
    struct lg_inf_worker *w;
    int32_t partition;
    struct lg_windows *ws; /* NULL: given up */
    lg_time bus_told;      /* that stands in the state topic */
    int64_t low;           /* then: what may be committed at most */
    LG_VEC(struct lg_inf_gone) gone;
};

struct lg_inf_metrics {
    struct lg_metrics_shard *shard;
    struct lg_histogram time;
    struct lg_histogram events;
    struct lg_histogram nodes;
    struct lg_histogram delay;
    struct lg_counter windows[4]; /* by enum lg_prediction, then skipped as idle */
    struct lg_counter late;
    struct lg_counter truncated;
    struct lg_counter checkpoints;
    struct lg_counter ledger[LG_LEDGER_COUNT];
    struct lg_counter bad, newer; /* dead letters */
    struct lg_gauge open;
    struct lg_gauge bytes;
    struct lg_gauge active;
    struct lg_gauge processes;
    struct lg_gauge memory[LG_WINDOW_MEMORY_COUNT];
};

struct lg_inf_worker {
    const struct lg_inference_options *opt;
    int t_events, t_results, t_state;
    struct lg_jury *jury[2];
    struct lg_json *json;
    struct lg_event *ev;
    struct lg_inf_part *parts;
    struct lg_stage_out *out; /* of the call in hand */
    struct lg_buf text;       /* a record's value */
    struct lg_buf raw;        /* before compression */
    struct lg_buf packed;
    ZSTD_CCtx *zc;
    ZSTD_DCtx *zd;
    struct lg_inf_metrics m;
    int64_t weighed_ns; /* monotonic: when memory was last looked at */
    char config_digest[33];
    bool unpublished; /* verdicts went out that are not committed: no checkpoint may overtake them */
};

/* inference_judge.c: a closed window to a result record. lg_window_fn; user is the part. */
int lg_inf_judge(void *user, const struct lg_graph *g);
void lg_inf_config_digest(struct lg_inf_worker *w);
/* inference_state.c */
/* Emits checkpoints of endpoints that changed before `before` (bus time), up to `max` bytes. */
int lg_inf_checkpoint(struct lg_inf_worker *w, struct lg_inf_part *p, struct lg_stage_out *out,
        lg_time before, size_t max) LG_MUST_CHECK;
int lg_inf_emit_bus(
        struct lg_inf_worker *w, struct lg_inf_part *p, struct lg_stage_out *out) LG_MUST_CHECK;
int lg_inf_restore(
        struct lg_inf_worker *w, struct lg_inf_part *p, struct lg_err *reterr) LG_MUST_CHECK;
void lg_inf_forgotten(void *user, struct lg_str tenant, struct lg_str endpoint);
void lg_inf_gone_done(struct lg_inf_part *p);
/* Compresses w->raw into w->packed. 0, LG_ENOMEM, LG_ELIMIT. */
int lg_inf_pack(struct lg_inf_worker *w, int level, size_t max) LG_MUST_CHECK;
/* inference_graph.c: the graph as bytes, appended. */
void lg_inf_graph_write(const struct lg_graph *g, struct lg_buf *out);

#endif
