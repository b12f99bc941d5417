#ifndef LG_SERVICES_TOPICS_H
#define LG_SERVICES_TOPICS_H

#include "base/err.h"
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

/* Numbers of the topics on one bus. */
struct lg_topics {
    int n[LG_TOPIC_COUNT];
};

const char *lg_topic_name(enum lg_topic t);
/* Raw topic of a source: its public name, or an alias ("sysmon", "winlogbeat", "windows", "auditd",
 * "linux", "ebpf-process", "ebpf-file", "ebpf-network", "tetragon", "falco", ...). LG_ENOENT. */
int lg_topic_of_source(struct lg_str source, enum lg_topic *ret) LG_MUST_CHECK;
/* Makes all topics with the configuration's partitions and retention, or takes them over. */
int lg_topics_ensure(struct lg_bus *bus, const struct lg_config *cfg, struct lg_topics *ret,
        struct lg_err *reterr) LG_MUST_CHECK;

#endif
