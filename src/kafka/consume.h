#ifndef LG_KAFKA_CONSUME_H
#define LG_KAFKA_CONSUME_H

#include "kafka/kafka_int.h"

/*
 * A member of a group; shared by group.c (who owns what) and consume.c (reading). librdkafka's
 * assignment is kept apart from the group's: the group hands out numbers (partitions of the
 * anchor topic), and librdkafka is told to fetch a partition when it is first read.
 */
struct kf_part {
    int topic;
    int32_t partition;
    int64_t pos;       /* next offset for poll */
    int64_t committed; /* as far as this member knows; -1: nothing */
    bool paused;
    bool fresh;                        /* pos is not known yet */
    bool fetching;                     /* librdkafka has it */
    LG_VEC(rd_kafka_message_t *) held; /* taken off the queue, not yet in a batch */
    size_t held_at;                    /* those before it are in batches */
    size_t held_bytes;
    rd_kafka_resp_err_t error; /* after what is held */
};

struct kf_consumer {
    struct lg_bus_consumer pub;
    struct kf *k; /* where the client's opaque points: see kf.self */
    struct kf_client *client;
    char group[LG_BUS_MAX_NAME_BYTES + 1];
    int topics[LG_BUS_MAX_TOPICS];
    size_t n_topics;
    int anchor; /* the topic whose partitions the group shares */
    enum lg_bus_start start;
    size_t max_bytes;
    size_t max_records;
    void (*assigned)(void *user, const struct lg_bus_offset *parts, size_t n);
    void (*revoked)(void *user, const struct lg_bus_offset *parts, size_t n, bool lost);
    void *user;

    LG_VEC(struct kf_part) parts;
    size_t turn; /* where the next poll looks first */
    size_t held; /* messages of all partitions, and their bytes */
    size_t held_bytes;
    bool changed;            /* a callback took something away */
    bool no_memory;          /* in a callback */
    bool synced;             /* the group has given it an assignment, maybe an empty one */
    bool fenced;             /* a commit was refused: nothing that was read counts */
    int64_t fenced_till;     /* monotonic: wait for the group's word */
    int64_t refreshed;       /* monotonic: when offsets were committed again */
    rd_kafka_queue_t *queue; /* of messages and of what the group wants */

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t cond;
    bool pending; /* something may have changed since the last look */
    bool woken;
};

static inline struct kf_consumer *kf_consumer_of(struct lg_bus_consumer *c)
{
    return (struct kf_consumer *)c;
}

struct kf_part *kf_part_find(struct kf_consumer *c, int topic, int32_t partition);

/* --- group.c */
void kf_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
        rd_kafka_topic_partition_list_t *parts, void *opaque);
int kf_choose_anchor(struct kf *k, const int *topics, size_t n);
/* Gives fresh partitions their offsets and tells the caller: 1 if there were some, 0, or
 * LG_EAGAIN. */
int kf_group_take(struct kf_consumer *c, struct lg_err *reterr);
/* After a refused commit: gives everything up, as lost, and takes it again. 1: done. */
int kf_group_recover(struct kf_consumer *c);
void kf_group_refresh(struct kf_consumer *c);
void kf_group_drop(struct kf_consumer *c, bool lost); /* all, and tells */

/* --- consume.c */
int kf_fetch_start(struct kf_consumer *c, struct lg_err *reterr); /* what is wanted and not yet */
void kf_fetch_stop(struct kf_consumer *c, struct kf_part **parts, size_t n);
void kf_part_done(struct kf_part *p);
void kf_signal(struct kf_consumer *c);

#endif
