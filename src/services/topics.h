#ifndef LG_SERVICES_TOPICS_H
#define LG_SERVICES_TOPICS_H

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "bus/bus.h"
#include "config/config.h"

/* The platform's topics, by their public names. Raw ones first, in the order of LG_TOPIC_RAW_COUNT. */
#define LG_TOPICS(X)                                                                               \
    X(SYSMON, "sysmon-logs")                                                                       \
    X(AUDITD, "linux-auditd-logs")                                                                 \
    X(EBPF_PROCESS, "linux-ebpf-process-logs")                                                     \
    X(EBPF_FILE, "linux-ebpf-file-logs")                                                           \
    X(EBPF_NETWORK, "linux-ebpf-network-logs")                                                     \
    X(NORMALIZED, "normalized-endpoint-events")                                                    \
    X(RESULTS, "logster-inference-results")                                                        \
    X(ALERTS, "logster-alerts")                                                                    \
    X(DEAD_LETTER, "logster-dead-letter")                                                          \
    X(HELD_BACK, "logster-held-back")                                                              \
    X(STATE, "logster-inference-state")

#define LG_TOPIC_ENUM(e, s) LG_TOPIC_##e,
enum lg_topic { LG_TOPICS(LG_TOPIC_ENUM) LG_TOPIC_COUNT };
#undef LG_TOPIC_ENUM
#define LG_TOPIC_RAW_COUNT 5
/* Those and what bus.kafka.sources names beside them. */
#define LG_MAX_RAW_TOPICS (LG_TOPIC_RAW_COUNT + LG_CONFIG_LIST_ITEMS)

/* Consumer groups: one a stage. */
#define LG_GROUP_NORMALIZER "logster-normalizer"
#define LG_GROUP_INFERENCE "logster-inference"
#define LG_GROUP_ALERTS "logster-alerts"
#define LG_GROUP_INDEXER "logster-indexer"

/* What stands in the lg-schema header of each kind of record. */
#define LG_SCHEMA_RAW "raw/1"
#define LG_SCHEMA_EVENT "normalized-event/1"
#define LG_SCHEMA_INFERENCE "inference/1"
#define LG_SCHEMA_ALERT "alert/1"
#define LG_SCHEMA_DEAD_LETTER "dead-letter/1"
#define LG_SCHEMA_STATE "state/1"
#define LG_SCHEMA_TICK "tick/1"

/*
 * Whose records lie in a raw topic (docs/semantics.md, "Identity"). In a trusted one, which only our
 * own intake writes to, each record names its tenant and may carry a time shift; elsewhere the
 * tenant is the topic's, a record that names another one is refused, and a shift is passed over.
 */
struct lg_raw_topic {
    char name[LG_BUS_MAX_NAME_BYTES + 1];
    char tenant[LG_MAX_TENANT_BYTES + 1];
    bool trusted;
};
/* The documented ones first. On the embedded bus, which nobody else can write to, all are trusted;
 * on Kafka those are that bus.kafka.sources says so of. LG_EINVAL: the list names an unknown source,
 * or a topic twice, or one of ours that is not raw. */
int lg_raw_topics(const struct lg_config *cfg, struct lg_raw_topic ret[LG_MAX_RAW_TOPICS],
        size_t *ret_n, struct lg_err *reterr) LG_MUST_CHECK;

/* Numbers of the topics on one bus. */
struct lg_topics {
    int n[LG_TOPIC_COUNT];
    int raw[LG_MAX_RAW_TOPICS]; /* in the order of lg_raw_topics */
    size_t n_raw;
};

const char *lg_topic_name(enum lg_topic t);
/* Raw topic of a source: its public name, or an alias ("sysmon", "winlogbeat", "windows", "auditd",
 * "linux", "ebpf-process", "ebpf-file", "ebpf-network", "tetragon", "falco", ...). LG_ENOENT. */
int lg_topic_of_source(struct lg_str source, enum lg_topic *ret) LG_MUST_CHECK;
/* All topics as they are wanted: those of lg_raw_topics, then the others in the order of enum
 * lg_topic. Names lie in `raw` and in constants: keep it where it is. */
struct lg_topic_plan {
    struct lg_raw_topic raw[LG_MAX_RAW_TOPICS];
    size_t n_raw;
    struct lg_bus_topic_spec spec[LG_MAX_RAW_TOPICS + LG_TOPIC_COUNT - LG_TOPIC_RAW_COUNT];
    size_t n;
};
int lg_topics_plan(const struct lg_config *cfg, struct lg_topic_plan *ret,
        struct lg_err *reterr) LG_MUST_CHECK;
/* Makes all topics with the configuration's partitions and retention, or takes them over. */
int lg_topics_ensure(struct lg_bus *bus, const struct lg_config *cfg, struct lg_topics *ret,
        struct lg_err *reterr) LG_MUST_CHECK;

#endif
