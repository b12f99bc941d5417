#ifndef LG_KAFKA_KAFKA_INT_H
#define LG_KAFKA_KAFKA_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include <librdkafka/rdkafka.h>

#include "base/vec.h"
#include "bus/bus_int.h"
#include "kafka/kafka.h"

/*
 * Kafka's bus, shared by its files. Locks, none of which is held while another is taken or while
 * a broker is asked, but for producer_lock (shared): topics_lock, producer_lock, readers_lock,
 * down_lock, error_lock; each consumer has one for its wake-ups.
 */
#define KF_H_TIME "lg-bus-time"
#define KF_MAX_RECORD_BYTES                                                                        \
    (LG_BUS_MAX_VALUE_BYTES + LG_BUS_MAX_KEY_BYTES + LG_BUS_MAX_HEADERS_BYTES + 65536u)
#define KF_MAX_MESSAGE_BYTES (KF_MAX_RECORD_BYTES + (512u << 10)) /* of a topic: a batch of them */

struct kf_topic {
    int id;
    char name[LG_BUS_MAX_NAME_BYTES + 1];
    int32_t partitions;
    bool compacted;
    _Atomic uint32_t turn; /* for records without a key */
    _Atomic uint64_t published;
};

/* A client that outlives its owner while batches borrow from it. */
struct kf_client {
    rd_kafka_t *rk;
    atomic_int refs;
    bool leave_alone; /* cannot be ended: see consume.c */
};

struct kf_producer {
    rd_kafka_t *rk;
    rd_kafka_topic_t *_Atomic topics[LG_BUS_MAX_TOPICS]; /* made on first use */
    pthread_mutex_t lock;                                /* of making them */
    pthread_t thread;                                    /* serves delivery reports */
    atomic_bool stop;
};

struct kf_readers;

struct kf {
    struct lg_bus pub;
    struct kf *self; /* where clients' opaque points; a consumer's begins with the same */
    struct lg_kafka_options opt; /* its strings are not used after opening */
    rd_kafka_conf_t *conf;       /* what all clients have in common */

    rd_kafka_t *admin;           /* metadata, offsets, groups, topics */
    pthread_mutex_t topics_lock; /* of ensure and find; the table grows only */
    struct kf_topic *topics[LG_BUS_MAX_TOPICS];
    atomic_int n_topics;

    pthread_rwlock_t producer_lock; /* exclusive: replaces it */
    struct kf_producer *producer;

    pthread_mutex_t readers_lock;
    struct kf_readers *readers; /* made on first use */

    pthread_mutex_t error_lock;
    char error[200]; /* the last that a client told */
    bool login_failed;

    pthread_t thread;
    bool has_thread;
    pthread_mutex_t down_lock;
    pthread_cond_t down_cond;
    bool stop;
    bool suspect; /* a client saw no broker: the thread looks itself */
    atomic_bool down;
    int64_t down_since; /* monotonic; the thread's */

    _Atomic uint64_t n_published, n_published_bytes, n_calls;
    _Atomic uint64_t n_events[LG_BUS_EVENT_KINDS], n_event_sums[LG_BUS_EVENT_KINDS];
};

static inline struct kf *kf_of(struct lg_bus *bus)
{
    return (struct kf *)bus;
}

/* --- kafka.c */
/* publishes: with a producer; else for questions only. */
int kf_open(const struct lg_kafka_options *opt, bool publishes, struct kf **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
struct kf_topic *kf_topic(struct kf *k, int topic); /* NULL: no such */
bool kf_has_partition(struct kf *k, int topic, int32_t partition);
lg_time kf_now(struct kf *k);
void kf_sleep(struct kf *k, uint32_t ms); /* ends early when the bus closes */
void kf_event(struct kf *k, enum lg_bus_event_kind kind, int topic, int32_t partition,
        int64_t offset, uint64_t n, struct lg_str group, const char *text);
/* An error code as one of ours: LG_EAGAIN where waiting may help. */
int kf_rc(rd_kafka_resp_err_t err);
/* Sets reterr from a code and what clients told last. Returns kf_rc(err). */
int kf_fail(struct kf *k, rd_kafka_resp_err_t err, struct lg_err *reterr, const char *what);
struct kf_client *kf_client_new(rd_kafka_t *rk);
void kf_client_ref(struct kf_client *c);
void kf_client_unref(struct kf_client *c);

/* --- conf.c */
int kf_conf_common(struct kf *k, struct lg_err *reterr);
/* A copy of the common part; set adds to it. LG_EINVAL names the property, never a value. */
int kf_conf_new(struct kf *k, rd_kafka_conf_t **ret, struct lg_err *reterr);
int kf_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct lg_err *reterr);
int kf_conf_set_n(rd_kafka_conf_t *conf, const char *name, int64_t value, struct lg_err *reterr);
/* Takes the conf, also on failure. */
int kf_start(struct kf *k, rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret,
        struct lg_err *reterr);

/* --- topics.c */
int kf_topic_ensure(
        struct lg_bus *bus, const struct lg_bus_topic_spec *spec, struct lg_err *reterr);
int kf_topic_find(struct lg_bus *bus, const char *name);

/* --- admin.c */
struct kf_admin { /* one request and its answer */
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *event;
};
int kf_admin_begin(struct kf *k, rd_kafka_admin_op_t op, struct kf_admin *ret) LG_MUST_CHECK;
rd_kafka_resp_err_t kf_admin_wait(struct kf *k, struct kf_admin *a);
void kf_admin_end(struct kf_admin *a); /* also after a failed begin */
int kf_count_records(struct kf *k, const struct kf_topic *t, uint64_t *ret);
int kf_offsets(
        struct lg_bus *bus, int topic, int32_t partition, int64_t *ret_begin, int64_t *ret_end);
int kf_committed(
        struct lg_bus *bus, struct lg_str group, int topic, int32_t partition, int64_t *ret);
int kf_lag(struct lg_bus *bus, struct lg_str group, int topic, uint64_t *ret);
int kf_group_set(struct lg_bus *bus, struct lg_str group, const struct lg_bus_offset *offset);
int kf_group_delete(struct lg_bus *bus, struct lg_str group);
/* One question to the cluster: does anybody answer? */
int kf_ask(struct kf *k, int timeout_ms);

/* --- publish.c */
int kf_producer_start(struct kf *k, struct lg_err *reterr);
void kf_producer_stop(struct kf *k);
int kf_publish(struct lg_bus *bus, struct lg_bus_consumer *c, const struct lg_bus_output *outs,
        size_t n_outs, const struct lg_bus_offset *offsets, size_t n_offsets, unsigned flags,
        struct lg_err *reterr);

/* --- batch.c */
struct kf_batch_from {
    struct kf *k;
    struct kf_client *client;
    int topic;
    int32_t partition;
    struct lg_str group; /* of the event about what is skipped */
};
/* Takes the messages (not the array), also on failure. next: the offset after the last of them. */
int kf_batch_make(const struct kf_batch_from *from, rd_kafka_message_t **msgs, size_t n,
        int64_t next, uint64_t gap, struct lg_bus_batch **ret);
void kf_batch_free(struct lg_bus_batch *pub);
/* The record that a message holds, with at most LG_BUS_MAX_HEADERS headers. */
void kf_record_of(const rd_kafka_message_t *m, bool compacted, struct lg_bus_record *rec,
        struct lg_bus_header *headers);
bool kf_too_large(const rd_kafka_message_t *m);
/* What a time looks like on the wire: timestamp in milliseconds, and a header unless it says all. */
int64_t kf_time_put(lg_time t, char text[24], size_t *ret_n);
lg_time kf_time_get(int64_t timestamp_ms, struct lg_str header);

/* --- read.c */
int kf_read(struct lg_bus *bus, int topic, int32_t partition, int64_t offset, size_t max_bytes,
        struct lg_bus_batch **ret, struct lg_err *reterr);
int kf_compacted_scan(struct lg_bus *bus, int topic, int32_t partition,
        int (*fn)(void *user, const struct lg_bus_record *rec), void *user, struct lg_err *reterr);
void kf_readers_free(struct kf_readers *r);

/* --- consume.c */
int kf_consumer_new(struct lg_bus *bus, const struct lg_bus_consumer_options *opt,
        struct lg_bus_consumer **ret, struct lg_err *reterr);
void kf_consumer_close(struct lg_bus_consumer *pub);
int kf_poll(struct lg_bus_consumer *pub, uint32_t timeout_ms, struct lg_bus_batch **ret,
        struct lg_err *reterr);
void kf_wake(struct lg_bus_consumer *pub);
int kf_seek(struct lg_bus_consumer *pub, int topic, int32_t partition, int64_t offset);
int kf_position(struct lg_bus_consumer *pub, int topic, int32_t partition, int64_t *ret);
int kf_pause(struct lg_bus_consumer *pub, int topic, int32_t partition, bool paused);
size_t kf_assignment(struct lg_bus_consumer *pub, struct lg_bus_offset *out, size_t max);
/* 0 or LG_EREFUSED. */
int kf_consumer_owns(struct lg_bus_consumer *pub, const struct lg_bus_offset *offsets, size_t n);
int kf_consumer_commit(struct lg_bus_consumer *pub, const struct lg_bus_offset *offsets, size_t n,
        struct lg_err *reterr);

#endif
