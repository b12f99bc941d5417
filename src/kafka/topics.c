/* Topics: finding, making, and what they are set to. */
#include "kafka/topics.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"

/* Until then a cleaner leaves what was superseded: kf_compacted_scan reads a partition twice. */
#define COMPACTION_LAG_MS 600000
#define HEARSAY_TRIES 10
#define HEARSAY_MS 100

static void add(struct kf_settings *s, const char *name, bool at_least, int64_t n)
{
    struct kf_setting *e = &s->v[s->n++];

    e->name = name;
    e->at_least = at_least;
    (void)snprintf(e->value, sizeof(e->value), "%lld", (long long)n);
}

static void add_word(struct kf_settings *s, const char *name, const char *word)
{
    struct kf_setting *e = &s->v[s->n++];

    e->name = name;
    e->at_least = false;
    (void)snprintf(e->value, sizeof(e->value), "%s", word);
}

void kf_settings_of(const struct kf *k, const struct lg_bus_topic_spec *spec, int32_t partitions,
        struct kf_settings *ret)
{
    int64_t bytes = (int64_t)(spec->retention_bytes / (uint64_t)partitions);

    ret->n = 0;
    add_word(ret, "cleanup.policy", spec->compacted ? "compact" : "delete");
    add_word(ret, "message.timestamp.type", spec->arrival_time ? "LogAppendTime" : "CreateTime");
    add(ret, "max.message.bytes", true, KF_MAX_MESSAGE_BYTES);
    if (spec->compacted) {
        add(ret, "min.compaction.lag.ms", true, COMPACTION_LAG_MS);
        add(ret, "segment.ms", false, 86400000); /* only closed segments are cleaned */
    } else {
        add(ret, "retention.bytes", false, spec->retention_bytes == 0 ? -1 : bytes > 0 ? bytes : 1);
        add(ret, "retention.ms", false,
                spec->retention_age == 0 ? -1 : spec->retention_age / 1000000 + 1);
    }
    if (k->opt.min_isr > 0)
        add(ret, "min.insync.replicas", false, k->opt.min_isr);
}

/* --- finding */

rd_kafka_resp_err_t kf_topic_look(
        struct kf *k, const char *name, int32_t *ret_partitions, int *ret_replicas)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(k->admin, name, NULL);
    rd_kafka_resp_err_t err;

    if (rkt == NULL)
        return rd_kafka_last_error();
    err = rd_kafka_metadata(k->admin, 0, rkt, &md, (int)k->opt.request_timeout_ms);
    rd_kafka_topic_destroy(rkt);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err;
    if (md->topic_cnt != 1)
        err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    else
        err = md->topics[0].err;
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *ret_partitions = md->topics[0].partition_cnt;
        *ret_replicas =
                md->topics[0].partition_cnt > 0 ? md->topics[0].partitions[0].replica_cnt : 0;
        for (int i = 0; i < md->topics[0].partition_cnt; i++)
            if (md->topics[0].partitions[i].leader < 0)
                err = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    }
    rd_kafka_metadata_destroy(md);
    return err;
}

rd_kafka_resp_err_t kf_topic_wait(struct kf *k, const char *name, int32_t *ret_partitions)
{
    int64_t deadline = lg_clock_monotonic() + (int64_t)k->opt.request_timeout_ms * 1000000;
    rd_kafka_resp_err_t err;
    int replicas;

    for (;;) {
        err = kf_topic_look(k, name, ret_partitions, &replicas);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR || lg_clock_monotonic() > deadline)
            return err;
        kf_sleep(k, 20);
    }
}

/* --- making */

rd_kafka_resp_err_t kf_topic_create(struct kf *k, const struct lg_bus_topic_spec *spec,
        const struct kf_settings *settings, char *text, size_t n_text)
{
    const rd_kafka_topic_result_t **results;
    rd_kafka_NewTopic_t *request;
    rd_kafka_resp_err_t err;
    struct kf_admin a;
    size_t n = 0;

    text[0] = '\0';
    if (kf_admin_begin(k, RD_KAFKA_ADMIN_OP_CREATETOPICS, &a) < 0) {
        kf_admin_end(&a);
        return RD_KAFKA_RESP_ERR__FAIL;
    }
    request = rd_kafka_NewTopic_new(spec->name, spec->partitions,
            k->opt.replication > 0 ? k->opt.replication : -1, text, n_text);
    if (request == NULL) {
        kf_admin_end(&a);
        return RD_KAFKA_RESP_ERR__INVALID_ARG;
    }
    for (size_t i = 0; i < settings->n; i++)
        (void)rd_kafka_NewTopic_set_config(request, settings->v[i].name, settings->v[i].value);
    rd_kafka_CreateTopics(k->admin, &request, 1, a.options, a.queue);
    rd_kafka_NewTopic_destroy(request);
    err = kf_admin_wait(k, &a);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        results = rd_kafka_CreateTopics_result_topics(
                rd_kafka_event_CreateTopics_result(a.event), &n);
        if (n == 1) {
            const char *why = rd_kafka_topic_result_error_string(results[0]);

            err = rd_kafka_topic_result_error(results[0]);
            (void)snprintf(text, n_text, "%s", why != NULL ? why : "");
        }
    }
    kf_admin_end(&a);
    return err;
}

/* --- settings */

static const char *entry_value(const rd_kafka_ConfigEntry_t **entries, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (lg_str_eq(lg_str_z(rd_kafka_ConfigEntry_name(entries[i])), lg_str_z(name)))
            return rd_kafka_ConfigEntry_value(entries[i]);
    return NULL;
}

static bool as_wanted(const struct kf_setting *want, const char *have)
{
    int64_t a, b;

    if (have == NULL)
        return false;
    if (strcmp(have, want->value) == 0)
        return true;
    return want->at_least && lg_parse_i64(lg_str_z(have), &a) == 0 &&
            lg_parse_i64(lg_str_z(want->value), &b) == 0 && a >= b;
}

static const struct kf_setting *wanted(const struct kf_settings *want, const char *name)
{
    for (size_t i = 0; i < want->n; i++)
        if (strcmp(want->v[i].name, name) == 0)
            return &want->v[i];
    return NULL;
}

/* Legacy AlterConfigs (all that brokers and librdkafka 2.0 share) sets a topic's whole list: what
 * others set stays in it. */
static rd_kafka_resp_err_t alter(struct kf *k, const char *topic, const struct kf_settings *want,
        const rd_kafka_ConfigEntry_t **have, size_t n_have)
{
    rd_kafka_ConfigResource_t *res = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    const rd_kafka_ConfigResource_t **results;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    struct kf_admin a;
    size_t n = 0;

    for (size_t i = 0; i < n_have; i++) {
        const char *name = rd_kafka_ConfigEntry_name(have[i]);
        const char *value = rd_kafka_ConfigEntry_value(have[i]);
        const struct kf_setting *w = wanted(want, name);

        if (rd_kafka_ConfigEntry_source(have[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG &&
                value != NULL && (w == NULL || as_wanted(w, value)))
            (void)rd_kafka_ConfigResource_set_config(res, name, value);
    }
    for (size_t i = 0; i < want->n; i++)
        if (!as_wanted(&want->v[i], entry_value(have, n_have, want->v[i].name)))
            (void)rd_kafka_ConfigResource_set_config(res, want->v[i].name, want->v[i].value);
    if (kf_admin_begin(k, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, &a) == 0) {
        rd_kafka_AlterConfigs(k->admin, &res, 1, a.options, a.queue);
        err = kf_admin_wait(k, &a);
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        results = rd_kafka_AlterConfigs_result_resources(
                rd_kafka_event_AlterConfigs_result(a.event), &n);
        if (n == 1)
            err = rd_kafka_ConfigResource_error(results[0]);
    }
    kf_admin_end(&a);
    rd_kafka_ConfigResource_destroy(res);
    return err;
}

rd_kafka_resp_err_t kf_topic_settings(struct kf *k, const char *topic,
        const struct kf_settings *want, bool change, struct kf_differs *ret)
{
    rd_kafka_ConfigResource_t *res = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    const rd_kafka_ConfigResource_t **results;
    const rd_kafka_ConfigEntry_t **entries = NULL;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    struct kf_admin a;
    size_t n = 0;

    *ret = (struct kf_differs){0};
    if (kf_admin_begin(k, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, &a) == 0) {
        rd_kafka_DescribeConfigs(k->admin, &res, 1, a.options, a.queue);
        err = kf_admin_wait(k, &a);
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        results = rd_kafka_DescribeConfigs_result_resources(
                rd_kafka_event_DescribeConfigs_result(a.event), &n);
        err = n == 1 ? rd_kafka_ConfigResource_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL;
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
            entries = rd_kafka_ConfigResource_configs(results[0], &n);
    }
    for (size_t i = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && i < want->n; i++) {
        const char *have = entry_value(entries, n, want->v[i].name);

        if (as_wanted(&want->v[i], have))
            continue;
        if (ret->n++ == 0) { /* cleanup.policy comes first */
            ret->name = want->v[i].name;
            (void)snprintf(ret->have, sizeof(ret->have), "%s", have != NULL ? have : "");
        }
        ret->cleanup = ret->cleanup || strcmp(want->v[i].name, "cleanup.policy") == 0;
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR && ret->n > 0 && change && !ret->cleanup)
        err = alter(k, topic, want, entries, n);
    kf_admin_end(&a);
    rd_kafka_ConfigResource_destroy(res);
    return err;
}

/* --- the table */

static int lookup(struct kf *k, const char *name)
{
    int n = atomic_load(&k->n_topics);

    for (int i = 0; i < n; i++)
        if (strcmp(k->topics[i]->name, name) == 0)
            return i;
    return LG_ENOENT;
}

/* topics_lock is held. */
static int enter(
        struct kf *k, const char *name, int32_t partitions, bool compacted, struct lg_err *reterr)
{
    int n = atomic_load(&k->n_topics);
    struct kf_topic *t;

    if (n >= LG_BUS_MAX_TOPICS)
        return lg_err_set(reterr, LG_ELIMIT, "more than %d topics", LG_BUS_MAX_TOPICS);
    if (partitions > LG_BUS_MAX_PARTITIONS)
        return lg_err_set(reterr, LG_ELIMIT, "kafka: topic '%s' has %d partitions, more than %d",
                name, (int)partitions, LG_BUS_MAX_PARTITIONS);
    t = lg_calloc(1, sizeof(*t));
    if (t == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    t->id = n;
    (void)snprintf(t->name, sizeof(t->name), "%s", name);
    t->partitions = partitions;
    t->compacted = compacted;
    k->topics[n] = t;
    atomic_store(&k->n_topics, n + 1);
    return n;
}

/* A topic that is there: takes over what it may, and does without where it has no right. */
static int adapt(struct kf *k, const struct lg_bus_topic_spec *spec, int32_t partitions,
        struct lg_err *reterr)
{
    struct kf_settings want;
    struct kf_differs diff;
    rd_kafka_resp_err_t err;

    kf_settings_of(k, spec, partitions, &want);
    err = kf_topic_settings(k, spec->name, &want, true, &diff);
    if (diff.cleanup)
        return lg_err_set(reterr, LG_EEXIST, "topic '%s' is there as %s", spec->name,
                spec->compacted ? "one that is not compacted" : "a compacted one");
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        lg_log(LG_LOG_DEBUG, "kafka", "a topic's settings stay as they are",
                "topic=%s error=\"%s\"", spec->name, rd_kafka_err2str(err));
    if (partitions != spec->partitions)
        lg_log(LG_LOG_WARN, "kafka", "a topic keeps its partitions", "topic=%s partitions=%d",
                spec->name, (int)partitions);
    return 0;
}

static int find_or_make(struct kf *k, const struct lg_bus_topic_spec *spec, int32_t *ret_partitions,
        struct lg_err *reterr)
{
    struct kf_settings settings;
    rd_kafka_resp_err_t err;
    char text[200];
    int replicas;

    err = kf_topic_look(k, spec->name, ret_partitions, &replicas);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return adapt(k, spec, *ret_partitions, reterr);
    if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        kf_settings_of(k, spec, spec->partitions, &settings);
        err = kf_topic_create(k, spec, &settings, text, sizeof(text));
        if (err != RD_KAFKA_RESP_ERR_NO_ERROR && err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            return lg_err_set(reterr, kf_rc(err), "kafka: making topic '%s': %s%s%s", spec->name,
                    rd_kafka_err2str(err), text[0] != '\0' ? ": " : "", text);
        }
    }
    err = kf_topic_wait(k, spec->name, ret_partitions);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kf_fail(k, err, reterr, spec->name);
    return 0;
}

int kf_topic_ensure(struct lg_bus *bus, const struct lg_bus_topic_spec *spec, struct lg_err *reterr)
{
    struct kf *k = kf_of(bus);
    int32_t partitions = 0;
    int rc;

    (void)pthread_mutex_lock(&k->topics_lock);
    rc = lookup(k, spec->name);
    if (rc >= 0 && k->topics[rc]->compacted != spec->compacted) {
        rc = lg_err_set(reterr, LG_EEXIST, "topic '%s' is there as %s", spec->name,
                k->topics[rc]->compacted ? "a compacted one" : "one that is not compacted");
    } else if (rc >= 0) {
        int adapted = adapt(k, spec, k->topics[rc]->partitions, reterr);

        rc = adapted < 0 ? adapted : rc;
    } else {
        rc = find_or_make(k, spec, &partitions, reterr);
        if (rc == 0)
            rc = enter(k, spec->name, partitions, spec->compacted, reterr);
    }
    (void)pthread_mutex_unlock(&k->topics_lock);
    return rc;
}

int kf_topic_find(struct lg_bus *bus, const char *name)
{
    static const struct kf_settings compacted = {
            .v = {{.name = "cleanup.policy", .value = "compact"}}, .n = 1};
    struct kf *k = kf_of(bus);
    struct kf_differs diff = {0};
    rd_kafka_resp_err_t err;
    int32_t partitions = 0;
    int replicas, rc;

    (void)pthread_mutex_lock(&k->topics_lock);
    rc = lookup(k, name);
    if (rc < 0) {
        err = kf_topic_look(k, name, &partitions, &replicas);
        /* a broker may not have heard yet of what was made through another */
        for (int i = 0; err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && i < HEARSAY_TRIES; i++) {
            kf_sleep(k, HEARSAY_MS);
            err = kf_topic_look(k, name, &partitions, &replicas);
        }
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
            err = kf_topic_settings(k, name, &compacted, false, &diff);
        if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && partitions > 0) {
            err = RD_KAFKA_RESP_ERR_NO_ERROR; /* may not see its settings */
            diff.n = 1;
        }
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
            rc = enter(k, name, partitions, diff.n == 0, NULL);
        else
            rc = kf_rc(err) == LG_EAGAIN ? LG_EAGAIN : LG_ENOENT;
    }
    (void)pthread_mutex_unlock(&k->topics_lock);
    return rc;
}
