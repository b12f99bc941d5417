#include "services/inference.h"

#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "event/codec.h"
#include "services/inference_int.h"
#include "services/normalizer.h"

#define FORGET_NS (7 * 24 * 3600 * LG_NS_PER_SEC) /* an endpoint that nobody hears of */
#define MIN_PART_BYTES ((size_t)16 << 20)
#define BAD_EVENT "bad_event" /* reasons of dead letters */
#define NEWER_SCHEMA "newer_schema"
#define WEIGH_NS (10 * LG_NS_PER_SEC)
#define SOURCE_SEED 0x6c677372u /* keys of sources stand in checkpoints */

/* ------------------------------------------------------------------ set-up */

static int counter(struct lg_metrics *m, const struct lg_metric_desc *d, const char *name,
        const char *value, struct lg_counter *ret)
{
    const struct lg_metric_label label = {name, value};

    return lg_metrics_counter(m, d, &label, name != NULL ? 1 : 0, ret);
}

static int open_gauges(struct lg_metrics *m, struct lg_inf_metrics *i)
{
    int rc = lg_metrics_gauge(m, LG_METRIC(OPEN_ENDPOINTS), NULL, 0, &i->open);

    if (rc == 0)
        rc = lg_metrics_gauge(m, LG_METRIC(STATE_BYTES), NULL, 0, &i->bytes);
    if (rc == 0)
        rc = lg_metrics_gauge(m, LG_METRIC(ACTIVE_ENDPOINTS), NULL, 0, &i->active);
    if (rc == 0)
        rc = lg_metrics_gauge(m, LG_METRIC(KNOWN_PROCESSES), NULL, 0, &i->processes);
    for (unsigned k = 0; k < LG_WINDOW_MEMORY_COUNT && rc == 0; k++) {
        const struct lg_metric_label part = {
                "part", lg_window_memory_name((enum lg_window_memory_part)k)};

        rc = lg_metrics_gauge(m, LG_METRIC(MEMORY_BYTES), &part, 1, &i->memory[k]);
    }
    return rc;
}

static int open_metrics(struct lg_inf_worker *w)
{
    static const char *const predictions[4] = {"benign", "attack", "error", "idle"};
    struct lg_metrics *m = w->opt->metrics;
    struct lg_inf_metrics *i = &w->m;
    int rc;

    if (m == NULL)
        return 0;
    rc = lg_metrics_shard_new(m, &i->shard);
    for (unsigned k = 0; k < 4 && rc == 0; k++)
        rc = counter(m, LG_METRIC(WINDOWS_TOTAL), "prediction", predictions[k], &i->windows[k]);
    for (unsigned l = 0; l < LG_LEDGER_COUNT && rc == 0; l++)
        rc = counter(m, LG_METRIC(BLINDNESS_TOTAL), "kind", lg_ledger_name((enum lg_ledger)l),
                &i->ledger[l]);
    if (rc == 0)
        rc = lg_metrics_histogram(m, LG_METRIC(INFERENCE_TIME_MS), NULL, 0, &i->time);
    if (rc == 0)
        rc = lg_metrics_histogram(m, LG_METRIC(WINDOW_EVENTS), NULL, 0, &i->events);
    if (rc == 0)
        rc = lg_metrics_histogram(m, LG_METRIC(WINDOW_NODES), NULL, 0, &i->nodes);
    if (rc == 0)
        rc = lg_metrics_histogram(m, LG_METRIC(VERDICT_DELAY_SECONDS), NULL, 0, &i->delay);
    if (rc == 0)
        rc = counter(m, LG_METRIC(LATE_EVENTS_TOTAL), NULL, NULL, &i->late);
    if (rc == 0)
        rc = counter(m, LG_METRIC(WINDOW_TRUNCATED_TOTAL), NULL, NULL, &i->truncated);
    if (rc == 0)
        rc = counter(m, LG_METRIC(CHECKPOINTS_TOTAL), NULL, NULL, &i->checkpoints);
    if (rc == 0)
        rc = counter(m, LG_METRIC(DEAD_LETTERS_TOTAL), "reason", BAD_EVENT, &i->bad);
    if (rc == 0)
        rc = counter(m, LG_METRIC(DEAD_LETTERS_TOTAL), "reason", NEWER_SCHEMA, &i->newer);
    return rc == 0 ? open_gauges(m, i) : rc;
}

static int open_juries(struct lg_inf_worker *w)
{
    const struct lg_config *cfg = w->opt->config;
    const struct lg_jury_options jo = {.threshold = cfg->inference.threshold,
            .idle_allowlist = cfg->inference.use_idle_allowlist,
            .evidence = true};

    for (int i = 0; i < 2; i++) {
        int rc = w->opt->models[i] != NULL ? lg_jury_new(w->opt->models[i], &jo, &w->jury[i]) : 0;

        if (rc < 0)
            return rc;
    }
    lg_inf_config_digest(w);
    return 0;
}

static int open_worker(struct lg_inf_worker *w, struct lg_err *reterr)
{
    int rc;

    lg_buf_init(&w->text, (size_t)8 << 20);
    lg_buf_init(&w->raw, LG_INF_MAX_STATE_BYTES);
    lg_buf_init(&w->packed, LG_INF_MAX_STATE_BYTES + (1u << 20));
    w->t_events = lg_bus_topic_find(w->opt->bus, lg_topic_name(LG_TOPIC_NORMALIZED));
    w->t_results = lg_bus_topic_find(w->opt->bus, lg_topic_name(LG_TOPIC_RESULTS));
    w->t_state = lg_bus_topic_find(w->opt->bus, lg_topic_name(LG_TOPIC_STATE));
    if (w->t_events < 0 || w->t_results < 0 || w->t_state < 0)
        return lg_err_set(reterr, LG_ENOENT, "a topic of the inference stage is missing");
    w->zc = ZSTD_createCCtx();
    w->zd = ZSTD_createDCtx();
    w->ev = lg_calloc(1, sizeof(*w->ev));
    rc = w->zc == NULL || w->zd == NULL || w->ev == NULL ? LG_ENOMEM : lg_json_new(&w->json);
    if (rc == 0)
        rc = open_metrics(w);
    if (rc == 0)
        rc = open_juries(w);
    return rc < 0 ? lg_err_set(reterr, rc, "inference: %s", lg_err_name(rc)) : 0;
}

static void part_free(struct lg_inf_part *p)
{
    lg_windows_free(p->ws);
    lg_inf_gone_done(p);
    lg_free(p);
}

static void inf_close(void *user)
{
    struct lg_inf_worker *w = user;

    if (w == NULL)
        return;
    while (w->parts != NULL) {
        struct lg_inf_part *p = w->parts;

        w->parts = p->next;
        part_free(p);
    }
    for (int i = 0; i < 2; i++)
        lg_jury_free(w->jury[i]);
    lg_json_free(w->json);
    lg_free(w->ev);
    (void)ZSTD_freeCCtx(w->zc);
    (void)ZSTD_freeDCtx(w->zd);
    lg_buf_done(&w->text);
    lg_buf_done(&w->raw);
    lg_buf_done(&w->packed);
    if (w->m.shard != NULL)
        lg_metrics_shard_free(w->m.shard);
    lg_free(w);
}

static int inf_open(void *user, unsigned worker, void **ret, struct lg_err *reterr)
{
    struct lg_inf_worker *w = lg_calloc(1, sizeof(*w));
    int rc;

    (void)worker;
    if (w == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    w->opt = user;
    rc = open_worker(w, reterr);
    *ret = w; /* also half-used: close follows */
    return rc;
}

/* ------------------------------------------------------------------ partitions */

static struct lg_inf_part *part_of(struct lg_inf_worker *w, int32_t partition)
{
    struct lg_inf_part *p = w->parts;

    while (p != NULL && p->partition != partition)
        p = p->next;
    return p;
}

/* Windows that go out for silence may be many at once: no more than one call can hold. */
static bool inf_busy(void *user)
{
    const struct lg_inf_part *p = user;

    return p->w->out != NULL && lg_stage_out_bytes(p->w->out) > LG_INF_BUSY_BYTES;
}

static int part_windows(struct lg_inf_worker *w, struct lg_inf_part *p)
{
    const struct lg_config *cfg = w->opt->config;
    int32_t n = lg_bus_partitions(w->opt->bus, w->t_events);
    struct lg_window_options wo = lg_window_defaults;
    const struct lg_live_options lo = {.forget_ns = FORGET_NS,
            .min_silence_ns = cfg->ledger.min_silence_ns,
            .silence_factor = cfg->ledger.silence_factor,
            .forget = lg_inf_forgotten,
            .busy = inf_busy,
            .user = p};
    int rc;

    wo.window_ns = cfg->inference.window_ns;
    wo.interval_ns = cfg->inference.interval_ns;
    wo.lateness_ns = wo.patience_ns = cfg->inference.lateness_ns;
    wo.idle_timeout_ns = cfg->inference.idle_timeout_ns;
    wo.max_endpoint_bytes = (size_t)cfg->inference.max_endpoint_bytes;
    wo.max_total_bytes = (size_t)cfg->inference.max_state_bytes / (size_t)(n > 0 ? n : 1);
    if (wo.max_total_bytes < MIN_PART_BYTES)
        wo.max_total_bytes = MIN_PART_BYTES;
    rc = lg_windows_new(&wo, lg_inf_judge, p, &p->ws);
    return rc < 0 ? rc : lg_windows_live(p->ws, &lo);
}

static int inf_assigned(
        void *user, int topic, int32_t partition, int64_t *offset, struct lg_err *reterr)
{
    struct lg_inf_worker *w = user;
    struct lg_inf_part *p;
    int rc;

    (void)offset;
    if (topic != w->t_events)
        return 0;
    p = part_of(w, partition);
    if (p == NULL) {
        p = lg_calloc(1, sizeof(*p));
        if (p == NULL)
            return lg_err_set(reterr, LG_ENOMEM, "out of memory");
        p->w = w;
        p->partition = partition;
        p->next = w->parts;
        w->parts = p;
    }
    if (p->ws != NULL)
        return 0;
    rc = part_windows(w, p);
    if (rc < 0)
        (void)lg_err_set(reterr, rc, "windows: %s", lg_err_name(rc));
    else
        rc = lg_inf_restore(w, p, reterr);
    if (rc < 0)
        lg_windows_free(LG_TAKE(p->ws));
    return rc;
}

static int64_t inf_low_offset(void *user, int topic, int32_t partition, int64_t next)
{
    struct lg_inf_worker *w = user;
    const struct lg_inf_part *p = topic == w->t_events ? part_of(w, partition) : NULL;
    uint64_t low;

    if (p != NULL && p->ws == NULL)
        return p->low < next ? p->low : next;
    if (p != NULL && lg_windows_low_offset(p->ws, &low) && (int64_t)low < next)
        return (int64_t)low;
    return next;
}

static int inf_revoked(void *user, int topic, int32_t partition, struct lg_stage_out *out)
{
    struct lg_inf_worker *w = user;
    struct lg_inf_part *p = topic == w->t_events ? part_of(w, partition) : NULL;
    int rc = 0;

    if (p == NULL || p->ws == NULL)
        return 0;
    if (!w->unpublished && out != NULL)
        rc = lg_inf_checkpoint(w, p, out, INT64_MAX, LG_INF_LAST_BYTES);
    if (lg_bus_may_retry(rc))
        return rc;
    p->low = inf_low_offset(w, topic, partition, INT64_MAX);
    lg_windows_free(LG_TAKE(p->ws));
    lg_inf_gone_done(p);
    return rc;
}

static void inf_committed(void *user)
{
    struct lg_inf_worker *w = user;

    w->unpublished = false;
}

/* ------------------------------------------------------------------ records */

static bool is_unfiltered(const struct lg_config *cfg, struct lg_str topic, struct lg_str source)
{
    for (size_t i = 0; i < cfg->ledger.unfiltered_sources.n; i++) {
        struct lg_str s = lg_str_z(cfg->ledger.unfiltered_sources.v[i]);

        if (lg_str_eq(s, topic) || lg_str_eq(s, source))
            return true;
    }
    return false;
}

static uint64_t header_u64(const struct lg_bus_record *rec, struct lg_str name)
{
    uint64_t v;

    return lg_parse_u64(lg_bus_header_get(rec, name), &v) == 0 ? v : 0;
}

static int push_event(struct lg_inf_worker *w, struct lg_inf_part *p,
        const struct lg_bus_record *rec, const struct lg_event *ev)
{
    struct lg_str topic = lg_bus_header_get(rec, LG_STR(LG_BUS_H_SOURCE));
    struct lg_str channel = lg_bus_header_get(rec, LG_STR(LG_NORM_H_CHANNEL));
    struct lg_str source = lg_str_z(lg_source_name(ev->source));
    const uint64_t refused = header_u64(rec, LG_STR(LG_NORM_H_REFUSED));
    struct lg_live_input in = {
            .source = lg_hash_mix(lg_hash_str(topic, SOURCE_SEED),
                    lg_hash_str(channel.n > 0 ? channel : source, SOURCE_SEED)),
            .bus_time = rec->bus_time,
            .offset = (uint64_t)rec->offset,
            .sequence = header_u64(rec, LG_STR(LG_NORM_H_SEQUENCE)),
            .refused = refused > UINT32_MAX ? UINT32_MAX : (uint32_t)refused,
            .held_back = lg_bus_header_get(rec, LG_STR(LG_NORM_H_HELD)).n > 0,
            .unfiltered = is_unfiltered(w->opt->config, topic, source),
    };

    return lg_windows_push_live(p->ws, ev, &in);
}

/* One record. LG_EPARSE: it is no event of ours, *ret_reason says why. */
static int take_record(struct lg_inf_worker *w, struct lg_inf_part *p,
        const struct lg_bus_record *rec, const char **ret_reason, struct lg_err *err)
{
    struct lg_str schema = lg_bus_header_get(rec, LG_STR(LG_BUS_H_SCHEMA));
    struct lg_jval root;
    int rc;

    if (lg_str_eq(schema, LG_STR(LG_SCHEMA_TICK)))
        return lg_windows_tick(p->ws, rec->bus_time, (uint64_t)rec->offset);
    *ret_reason = NEWER_SCHEMA;
    if (!lg_str_eq(schema, LG_STR(LG_SCHEMA_EVENT)))
        return lg_err_set(err, LG_EPARSE, "lg-schema is %.*s; this version reads %s",
                LG_STR_FMT(schema), LG_SCHEMA_EVENT);
    *ret_reason = BAD_EVENT;
    rc = lg_json_parse(w->json, rec->value, false, &root, NULL);
    if (rc < 0)
        return rc == LG_ENOMEM ? rc : lg_err_set(err, LG_EPARSE, "%s", lg_json_reason(w->json));
    rc = lg_event_read(root, rec->value, w->ev, err);
    if (rc < 0)
        return rc == LG_ENOMEM ? rc : LG_EPARSE;
    if (w->jury[w->ev->platform] == NULL)
        return lg_err_set(err, LG_EPARSE, "no model for this platform");
    return push_event(w, p, rec, w->ev);
}

static void gauges(struct lg_inf_worker *w)
{
    uint64_t open = 0, bytes = 0, active = 0;

    for (const struct lg_inf_part *p = w->parts; p != NULL; p = p->next) {
        struct lg_window_stats st;

        if (p->ws == NULL)
            continue;
        lg_windows_stats(p->ws, &st);
        open += st.endpoints;
        bytes += st.bytes;
        active += lg_windows_active(p->ws);
    }
    lg_gauge_set(w->m.shard, w->m.open, (int64_t)open);
    lg_gauge_set(w->m.shard, w->m.bytes, (int64_t)bytes);
    lg_gauge_set(w->m.shard, w->m.active, (int64_t)active);
}

/* Looks at every endpoint, so not at each turn. */
static void weigh(struct lg_inf_worker *w)
{
    struct lg_window_memory all = {0}, one;
    int64_t now = lg_clock_monotonic();

    if (w->weighed_ns != 0 && now - w->weighed_ns < WEIGH_NS)
        return;
    w->weighed_ns = now;
    for (const struct lg_inf_part *p = w->parts; p != NULL; p = p->next) {
        if (p->ws == NULL)
            continue;
        lg_windows_memory(p->ws, &one);
        all.processes += one.processes;
        for (unsigned k = 0; k < LG_WINDOW_MEMORY_COUNT; k++)
            all.bytes[k] += one.bytes[k];
    }
    lg_gauge_set(w->m.shard, w->m.processes, (int64_t)all.processes);
    for (unsigned k = 0; k < LG_WINDOW_MEMORY_COUNT; k++)
        lg_gauge_set(w->m.shard, w->m.memory[k], (int64_t)all.bytes[k]);
}

/* Before new records are taken: what is exported now presupposes published verdicts only. */
static int due_checkpoints(struct lg_inf_worker *w, struct lg_inf_part *p, struct lg_stage_out *out)
{
    lg_time before = lg_windows_bus_time(p->ws) - w->opt->config->inference.checkpoint_interval_ns;

    return w->unpublished ? 0 : lg_inf_checkpoint(w, p, out, before, LG_INF_STEP_BYTES);
}

static int reject(struct lg_inf_worker *w, const struct lg_stage_in *in, struct lg_stage_out *out,
        size_t i, const char *reason, const struct lg_err *err)
{
    const bool newer = strcmp(reason, NEWER_SCHEMA) == 0;

    lg_counter_add(w->m.shard, newer ? w->m.newer : w->m.bad, 1);
    return lg_stage_reject(out, in, i, reason, lg_str_z(err->text));
}

static int inf_batch(
        void *user, const struct lg_stage_in *in, struct lg_stage_out *out, size_t *ret_done)
{
    struct lg_inf_worker *w = user;
    struct lg_inf_part *p = part_of(w, in->partition);
    int rc = 0;

    *ret_done = 0;
    if (p == NULL || p->ws == NULL || in->topic != w->t_events)
        return LG_EINVAL;
    rc = due_checkpoints(w, p, out);
    w->out = out;
    for (size_t i = 0; i < in->n && rc == 0; i++) {
        const char *reason = "";
        struct lg_err err = {0};

        *ret_done = i;
        if (lg_stage_out_bytes(out) > LG_INF_BUSY_BYTES) {
            rc = LG_STAGE_MORE;
            break;
        }
        rc = take_record(w, p, &in->records[i], &reason, &err);
        if (rc == LG_EAGAIN)
            rc = LG_STAGE_MORE; /* see inf_busy */
        else if (rc == LG_EPARSE)
            rc = reject(w, in, out, i, reason, &err);
    }
    w->out = NULL;
    if (rc == 0)
        *ret_done = in->n;
    if (rc >= 0) {
        int told = lg_inf_emit_bus(w, p, out);

        rc = told < 0 ? told : rc;
    }
    gauges(w);
    return rc;
}

static int inf_tick(void *user, lg_time now, struct lg_stage_out *out)
{
    struct lg_inf_worker *w = user;

    (void)now;
    for (struct lg_inf_part *p = w->parts; p != NULL; p = p->next) {
        int rc = p->ws != NULL ? due_checkpoints(w, p, out) : 0;

        if (rc == 0 && p->ws != NULL)
            rc = lg_inf_emit_bus(w, p, out);
        if (rc < 0)
            return rc;
    }
    gauges(w);
    weigh(w);
    return 0;
}

/* So that the next start has little to read again. */
static int inf_drain(void *user, struct lg_stage_out *out)
{
    struct lg_inf_worker *w = user;
    int rc = 0;

    for (struct lg_inf_part *p = w->parts; p != NULL && rc == 0 && !w->unpublished; p = p->next) {
        if (p->ws == NULL || lg_stage_out_bytes(out) >= LG_INF_LAST_BYTES)
            continue;
        rc = lg_inf_checkpoint(w, p, out, INT64_MAX, LG_INF_LAST_BYTES - lg_stage_out_bytes(out));
        if (rc == 0)
            rc = lg_inf_emit_bus(w, p, out);
    }
    return rc;
}

const struct lg_stage_ops lg_inference_stage = {
        .name = "inference",
        .open = inf_open,
        .assigned = inf_assigned,
        .revoked = inf_revoked,
        .batch = inf_batch,
        .tick = inf_tick,
        .low_offset = inf_low_offset,
        .committed = inf_committed,
        .drain = inf_drain,
        .close = inf_close,
};
