#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "services/up_int.h"

#define LINGER_BYTES ((size_t)256 << 10)
/* A step of the store costs its sync and its indexes' pages, however few its records are. */
#define INDEXER_BATCHES 3u
#define INDEXER_LINGER_BYTES ((size_t)8 << 20)
static void on_fatal(void *user, const char *stage, const struct lg_err *err)
{
    struct lg_up *p = user;

    lg_log(LG_LOG_ERROR, stage, "stage stopped for good", "error=%s detail=\"%s\"",
            lg_err_name(err->code), err->text);
    (void)pthread_mutex_lock(&p->lock);
    if (p->failure.code == 0)
        (void)lg_err_set(&p->failure, err->code, "stage %s stopped: %s", stage, err->text);
    (void)pthread_mutex_unlock(&p->lock);
}

static unsigned workers_of(const struct lg_config *cfg)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = cfg->pipeline.workers;

    if (n == 0)
        n = cpus > 0 ? (unsigned)cpus : 1;
    if (n > cfg->bus.partitions)
        n = cfg->bus.partitions;
    return n > 64 ? 64 : n;
}

static uint64_t lag_of(struct lg_up *p, const char *group, int topic)
{
    uint64_t lag;

    return lg_bus_lag(p->bus, lg_str_z(group), topic, &lag) < 0 ? 0 : lag;
}

static double read_lag(void *user)
{
    const struct lg_lag_source *src = user;

    return (double)lag_of(src->p, src->group, src->topic);
}

static int watch_lag(struct lg_up *p, const char *stage, const char *group, int topic)
{
    struct lg_lag_source *src = &p->lag[p->n_lag];
    const struct lg_metric_label labels[] = {
            {"stage", stage}, {"topic", lg_bus_topic_name(p->bus, topic)}};

    LG_ASSERT(p->n_lag < LG_LAG_SOURCES);
    p->n_lag++;
    *src = (struct lg_lag_source){p, group, topic};
    return lg_metrics_callback(p->metrics, LG_METRIC(STAGE_LAG), labels, 2, read_lag, src);
}

static double free_bytes(void *user)
{
    const struct lg_up *p = user;
    struct lg_bus_stats st;

    lg_bus_stats_get(p->bus, &st);
    return st.free_bytes == UINT64_MAX ? 0 : (double)st.free_bytes;
}

/* A worker's partitions in turn, each about once in pipeline.commit_interval. */
static uint32_t linger_ms(const struct lg_config *cfg, unsigned workers)
{
    const int64_t ns = cfg->pipeline.commit_interval_ns * workers / cfg->bus.partitions;

    return (uint32_t)(ns / 1000000);
}

struct stage_spec {
    enum lg_stage_id id;
    enum lg_part part;
    const struct lg_stage_ops *ops;
    void *user;
    const char *group;
    int topics[LG_MAX_RAW_TOPICS];
    size_t n_topics;
    int manual; /* -1: none */
    unsigned workers;
};

static int start_stage(struct lg_up *p, const struct stage_spec *spec, struct lg_err *reterr)
{
    const struct lg_config *cfg = &p->cfg;
    const bool indexer = spec->id == LG_STAGE_INDEXER;
    const size_t batches = indexer ? INDEXER_BATCHES : 1;
    const struct lg_runner_options opt = {
            .bus = p->bus,
            .ops = spec->ops,
            .user = spec->user,
            .group = spec->group,
            .topics = spec->topics,
            .n_topics = spec->n_topics,
            .manual_topics = &spec->manual,
            .n_manual_topics = spec->manual >= 0 ? 1 : 0,
            .workers = spec->workers,
            .dead_letter_topic = p->topics.n[LG_TOPIC_DEAD_LETTER],
            .start = LG_BUS_EARLIEST,
            .max_batch_bytes = batches * cfg->pipeline.batch_bytes,
            .max_batch_records = batches * cfg->pipeline.batch_records,
            .linger_bytes = indexer ? INDEXER_LINGER_BYTES : LINGER_BYTES,
            .linger_ms = linger_ms(cfg, spec->workers),
            .min_backoff_ms = (uint32_t)(cfg->pipeline.retry_min_ns / 1000000),
            .max_backoff_ms = (uint32_t)(cfg->pipeline.retry_max_ns / 1000000),
            .on_fatal = on_fatal,
            .fatal_user = p,
    };
    int rc = lg_runner_new(&opt, &p->runner[spec->id], reterr);

    return rc < 0 ? rc : lg_runner_start(p->runner[spec->id], reterr);
}

static int watch_all(struct lg_up *p)
{
    const unsigned api = LG_PART_API; /* it shows all of them */
    int rc = p->cfg.bus.type == LG_CONFIG_BUS_EMBEDDED
            ? lg_metrics_callback(p->metrics, LG_METRIC(BUS_FREE_BYTES), NULL, 0, free_bytes, p)
            : 0;

    for (size_t i = 0; rc == 0 && i < p->topics.n_raw && lg_up_has(p, api | LG_PART_NORMALIZER);
            i++)
        rc = watch_lag(p, "normalizer", LG_GROUP_NORMALIZER, p->topics.raw[i]);
    if (rc == 0 && lg_up_has(p, api | LG_PART_NORMALIZER))
        rc = watch_lag(p, "normalizer", LG_GROUP_NORMALIZER, p->topics.n[LG_TOPIC_HELD_BACK]);
    if (rc == 0 && lg_up_has(p, api | LG_PART_INFERENCE))
        rc = watch_lag(p, "inference", LG_GROUP_INFERENCE, p->topics.n[LG_TOPIC_NORMALIZED]);
    if (rc == 0 && lg_up_has(p, api | LG_PART_INDEXER))
        rc = watch_lag(p, "indexer", LG_GROUP_INDEXER, p->topics.n[LG_TOPIC_NORMALIZED]);
    if (rc == 0 && lg_up_has(p, api | LG_PART_INDEXER))
        rc = watch_lag(p, "indexer", LG_GROUP_INDEXER, p->topics.n[LG_TOPIC_RESULTS]);
    if (rc == 0 && lg_up_has(p, api | LG_PART_ALERTS))
        rc = watch_lag(p, "alerts", LG_GROUP_ALERTS, p->topics.n[LG_TOPIC_RESULTS]);
    return rc;
}

void lg_up_stage_stats(struct lg_up *p, enum lg_stage_id id, struct lg_runner_stats *ret)
{
    static const char *const groups[LG_STAGE_COUNT] = {[LG_STAGE_NORMALIZER] = LG_GROUP_NORMALIZER,
            [LG_STAGE_INFERENCE] = LG_GROUP_INFERENCE,
            [LG_STAGE_INDEXER] = LG_GROUP_INDEXER,
            [LG_STAGE_ALERTS] = LG_GROUP_ALERTS};

    if (p->runner[id] != NULL) {
        lg_runner_stats_get(p->runner[id], ret);
        return;
    }
    *ret = (struct lg_runner_stats){0};
    for (size_t i = 0; i < p->n_lag; i++)
        if (strcmp(p->lag[i].group, groups[id]) == 0)
            ret->lag += (uint64_t)read_lag(&p->lag[i]);
}

uint64_t lg_up_held_back(struct lg_up *p)
{
    return lag_of(p, LG_GROUP_NORMALIZER, p->topics.n[LG_TOPIC_HELD_BACK]);
}

int lg_up_stages_start(struct lg_up *p, struct lg_err *reterr)
{
    struct stage_spec normalizer = {.id = LG_STAGE_NORMALIZER,
            .part = LG_PART_NORMALIZER,
            .ops = &lg_normalizer_stage,
            .user = &p->normalizer,
            .group = LG_GROUP_NORMALIZER,
            .workers = workers_of(&p->cfg)};
    int rc = lg_engine_bus(&p->cfg, &p->bus, &p->oauth, reterr);

    if (rc == 0)
        rc = lg_topics_ensure(p->bus, &p->cfg, &p->topics, reterr);

    if (rc < 0)
        return rc;
    p->normalizer =
            (struct lg_normalizer_options){.bus = p->bus, .config = &p->cfg, .metrics = p->metrics};
    p->inference = (struct lg_inference_options){.bus = p->bus,
            .config = &p->cfg,
            .models = {p->opt.models[0], p->opt.models[1]},
            .metrics = p->metrics};
    p->indexer = (struct lg_indexer_options){
            .store = p->events, .topics = &p->topics, .metrics = p->metrics};
    p->alerting.store = p->alerts;
    p->alerting.topics = &p->topics;
    p->alerting.metrics = p->metrics;
    p->alerting.changed = lg_notify_changed;
    p->alerting.user = p->notify;
    atomic_store(&p->alerting.fold_gap_ns, p->cfg.alerts.fold_gap_ns);

    for (size_t i = 0; i < p->topics.n_raw; i++)
        normalizer.topics[normalizer.n_topics++] = p->topics.raw[i];
    normalizer.manual = p->topics.n[LG_TOPIC_HELD_BACK];
    /* From the end of the flow to its start, so that no stage works before there is a next one. */
    const struct stage_spec specs[] = {
            {LG_STAGE_ALERTS, LG_PART_ALERTS, &lg_alerts_stage, &p->alerting, LG_GROUP_ALERTS,
                    {p->topics.n[LG_TOPIC_RESULTS]}, 1, -1, 1},
            {LG_STAGE_INDEXER, LG_PART_INDEXER, &lg_indexer_stage, &p->indexer, LG_GROUP_INDEXER,
                    {p->topics.n[LG_TOPIC_NORMALIZED], p->topics.n[LG_TOPIC_RESULTS]}, 2, -1, 1},
            {LG_STAGE_INFERENCE, LG_PART_INFERENCE, &lg_inference_stage, &p->inference,
                    LG_GROUP_INFERENCE, {p->topics.n[LG_TOPIC_NORMALIZED]}, 1, -1,
                    workers_of(&p->cfg)},
            normalizer,
    };
    for (size_t i = 0; rc == 0 && i < sizeof(specs) / sizeof(*specs); i++)
        if (lg_up_has(p, specs[i].part))
            rc = start_stage(p, &specs[i], reterr);
    if (rc == 0) {
        rc = watch_all(p);
        if (rc == 0)
            rc = lg_up_memory_watch(p);
        if (rc < 0)
            (void)lg_err_set(reterr, rc, "metrics: %s", lg_err_name(rc));
    }
    return rc;
}

int lg_up_stages_stop(struct lg_up *p, uint32_t ms)
{
    int first = 0;

    for (int i = 0; i < LG_STAGE_COUNT; i++) {
        if (p->runner[i] == NULL)
            continue;
        int rc = lg_runner_stop(p->runner[i], ms);

        if (first == 0)
            first = rc;
    }
    for (int i = 0; i < LG_STAGE_COUNT; i++) {
        lg_runner_free(p->runner[i]);
        p->runner[i] = NULL;
    }
    return first;
}
