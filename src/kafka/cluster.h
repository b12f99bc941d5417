#ifndef LG_KAFKA_CLUSTER_H
#define LG_KAFKA_CLUSTER_H

#include "kafka/kafka.h"

/*
 * Makes a cluster ready: topics with their partitions, replication and settings, and ACLs. What is
 * there is compared first, so that a second run changes nothing. Nothing is ever taken away: a
 * topic with other partitions or replicas, or a principal that may write where the table lets
 * nobody else, is told as LG_KAFKA_DIFFERS and stays.
 */
enum {
    LG_KAFKA_MAY_READ = 1,  /* a topic's records; a group's offsets, and to be its member */
    LG_KAFKA_MAY_WRITE = 2, /* a topic's records */
    LG_KAFKA_MAY_SEE = 4,   /* that there is such a topic or group, and its offsets */
};

struct lg_kafka_grant {
    const char *principal; /* as the brokers call it: User:normalizer */
    const char *name;      /* of the topic or the group */
    bool group;            /* or a topic */
    bool prefix;           /* all whose names begin with name */
    unsigned rights;       /* LG_KAFKA_MAY_*; each of a topic's allows to see it */
};

enum lg_kafka_step {
    LG_KAFKA_AS_WANTED,
    LG_KAFKA_CREATED, /* in a dry run: would be */
    LG_KAFKA_CHANGED, /* in a dry run: would be */
    LG_KAFKA_DIFFERS, /* and stays so */
};

struct lg_kafka_init_options {
    const struct lg_bus_topic_spec *topics;
    size_t n_topics;
    const struct lg_kafka_grant *grants;
    size_t n_grants;
    bool dry;
    /* For each topic and each right of a grant, and for what differs. text: one line. */
    void (*report)(void *user, enum lg_kafka_step step, const char *text);
    void *user;
};

/* How many things differ (0: all is as wanted now), or an error, after which the rest was not
 * looked at. */
int lg_kafka_init(const struct lg_kafka_options *opt, const struct lg_kafka_init_options *init,
        struct lg_err *reterr) LG_MUST_CHECK;

/*
 * Who may do what in the platform. Principals as the brokers call them, NULL: none; several parts
 * may share one. Shippers write raw topics and nothing else.
 */
struct lg_kafka_parts {
    const char *intake, *normalizer, *inference, *indexer, *alerts, *api;
    const char *const *shippers;
    size_t n_shippers;

    const char *const *raw; /* topics, by what they hold */
    size_t n_raw;
    const char *normalized, *results, *alert_topic, *dead_letter, *held_back, *state;
    const char *groups[4]; /* of normalizer, inference, indexer, alerts */
};
#define LG_KAFKA_MAX_GRANTS 1024

/* The grants of those parts, in an array that the caller frees with lg_free (the strings are
 * those of p). */
int lg_kafka_grants(
        const struct lg_kafka_parts *p, struct lg_kafka_grant **ret, size_t *ret_n) LG_MUST_CHECK;

/* Stable snake_case name. */
const char *lg_kafka_step_name(enum lg_kafka_step step);

#endif
