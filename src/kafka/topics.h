#ifndef LG_KAFKA_TOPICS_H
#define LG_KAFKA_TOPICS_H

#include "kafka/kafka_int.h"

/* What a topic should be set to; shared by lg_bus_topic_ensure and lg_kafka_init. */
#define KF_MAX_SETTINGS 8

struct kf_setting {
    const char *name;
    char value[24];
    bool at_least; /* a larger number is fine too */
};

struct kf_settings {
    struct kf_setting v[KF_MAX_SETTINGS];
    size_t n;
};

struct kf_differs {
    size_t n;         /* settings that are not as wanted */
    const char *name; /* the first of them */
    char have[64];
    bool cleanup; /* among them is compacted or not: never changed */
};

void kf_settings_of(const struct kf *k, const struct lg_bus_topic_spec *spec, int32_t partitions,
        struct kf_settings *ret);
/* Until all partitions have a leader, as one broker sees it. */
rd_kafka_resp_err_t kf_topic_wait(struct kf *k, const char *name, int32_t *ret_partitions);
/* Fails with UNKNOWN_TOPIC_OR_PART when there is none, LEADER_NOT_AVAILABLE while it is made. */
rd_kafka_resp_err_t kf_topic_look(
        struct kf *k, const char *name, int32_t *ret_partitions, int *ret_replicas);
rd_kafka_resp_err_t kf_topic_create(struct kf *k, const struct lg_bus_topic_spec *spec,
        const struct kf_settings *settings, char *text, size_t n_text);
/* Compares, and changes what differs unless compacted or not is among it. */
rd_kafka_resp_err_t kf_topic_settings(struct kf *k, const char *topic,
        const struct kf_settings *want, bool change, struct kf_differs *ret);

#endif
