#ifndef LG_BUS_EMBEDDED_INT_H
#define LG_BUS_EMBEDDED_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/vec.h"
#include "bus/block.h"
#include "bus/bus_int.h"
#include "bus/marks.h"
#include "bus/rocks.h"

/*
 * The embedded bus, shared by its files. See docs/internals/bus.md for the keys and for what the
 * locks guard; they are taken in this order:
 *
 *   db_lock (shared: uses RocksDB; exclusive: opens and closes it) > building > write_lock >
 *   group_lock > wake_lock. queue_lock and thread_lock are leaves.
 */
struct emb_part {
    _Atomic int64_t begin; /* first offset kept */
    _Atomic int64_t end;   /* first offset that readers may not see yet */
    int64_t next;          /* offset of the next record; the builder's */
    int64_t stored_next;   /* as the database tells it: compacted topics, and after a loss */
};

struct emb_topic {
    int id;
    char name[LG_BUS_MAX_NAME_BYTES + 1];
    int32_t partitions;
    bool compacted;
    uint32_t first_tp; /* number of partition 0 among those of all topics */
    _Atomic uint64_t retention_bytes;
    _Atomic int64_t retention_age;
    uint64_t next_seq;          /* number of the next block; the builder's */
    uint64_t cum_bytes;         /* stored bytes of all blocks ever; the builder's */
    uint64_t first_seq;         /* first block kept; retention's */
    _Atomic uint64_t cum_end;   /* cum_bytes as written */
    _Atomic uint64_t cum_begin; /* cum_bytes before first_seq */
    _Atomic uint64_t published;
    _Atomic uint32_t turn; /* for records without a key */
    struct emb_part parts[];
};

/* One call of publish while it waits. On its caller's stack. */
struct emb_req {
    const struct lg_bus_output *outs;
    const uint32_t *tps; /* of each output */
    size_t n;
    const struct lg_bus_offset *offsets;
    size_t n_offsets;
    struct emb_group *group; /* of the offsets */
    bool durable;
    size_t bytes;
    lg_time now;
    struct emb_req *next;
    pthread_cond_t cond;
    bool taken;
    bool done;
    int rc;
    struct lg_err err;
};

struct emb_consumer_part {
    int topic;
    int32_t partition;
    int64_t pos;
    bool paused;
    unsigned io_errors; /* in a row, at pos */
};

struct emb_consumer {
    struct lg_bus_consumer pub;
    struct emb *bus;
    struct emb_group *group;
    uint64_t topics; /* bit set */
    enum lg_bus_start start;
    size_t max_bytes;
    size_t max_records;
    void (*assigned)(void *user, const struct lg_bus_offset *parts, size_t n);
    void (*revoked)(void *user, const struct lg_bus_offset *parts, size_t n, bool lost);
    void *user;
    uint64_t generation; /* of the bus, as of the last assignment */
    LG_VEC(struct emb_consumer_part) parts;
    size_t turn; /* where the next poll looks first */
    struct emb_consumer *next_in_group;
    struct emb_consumer *next_in_bus;
    pthread_cond_t cond;
    bool pending; /* something may have changed since the last look; wake_lock */
    bool woken;   /* lg_bus_consumer_wake; wake_lock */
};

struct emb_group {
    struct emb_group *next;
    struct emb_consumer *members;          /* in order of joining */
    int64_t *committed[LG_BUS_MAX_TOPICS]; /* NULL, or per partition; -1: none */
    struct emb_consumer **owner[LG_BUS_MAX_TOPICS];
    struct emb_consumer *target[LG_BUS_MAX_PARTITIONS]; /* who shall own partitions of a number */
    size_t n;
    char name[];
};

struct emb_item;

struct emb {
    struct lg_bus pub;
    struct lg_bus_embedded_options opt;
    char *path;

    pthread_rwlock_t db_lock;
    struct lg_rocks rocks;
    atomic_bool failed;
    atomic_bool full;
    _Atomic int64_t failed_at_ms;
    _Atomic int64_t space_checked_ms;
    _Atomic uint64_t space_free;
    _Atomic uint64_t space_written; /* since the last look at the disk */

    struct emb_topic *topics[LG_BUS_MAX_TOPICS];
    atomic_int n_topics;
    uint32_t n_tps;

    pthread_mutex_t queue_lock;
    struct emb_req *head;
    struct emb_req **tail;
    bool building; /* somebody owns what follows */
    struct lg_block_writer *writer;
    LG_VEC(struct emb_item) items;
    LG_VEC(uint32_t) order;  /* items by partition */
    LG_VEC(uint32_t) counts; /* per partition, all 0 between builds */

    pthread_mutex_t write_lock; /* one write or sync at a time */
    struct lg_marks marks;

    pthread_mutex_t group_lock;
    struct emb_group *groups;
    uint64_t generation; /* counts storage failures; group_lock */

    pthread_mutex_t wake_lock;
    struct emb_consumer *consumers;

    pthread_mutex_t maintain_lock;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t thread_lock;
    pthread_cond_t thread_cond;
    bool stop;
    bool kicked; /* there is a reason not to wait */

    _Atomic uint64_t n_published, n_published_bytes, n_stored_bytes, n_groups, n_syncs;
    _Atomic uint64_t n_events[LG_BUS_EVENT_KINDS], n_event_sums[LG_BUS_EVENT_KINDS];
};

struct emb_item {
    uint32_t tp;
    uint32_t req; /* which request of the group */
    const struct lg_bus_output *out;
    lg_time now;
};

/* --- keys */
#define EMB_KEY_MAX (LG_BUS_MAX_NAME_BYTES + 16u)

size_t emb_key_topic(uint8_t *k, uint32_t topic);
size_t emb_key_offset(uint8_t *k, const struct emb_group *g, int topic, int32_t partition);
size_t emb_key_begin(uint8_t *k, int topic, int32_t partition);
size_t emb_key_next(uint8_t *k, int topic, int32_t partition); /* see emb_part.stored_next */
size_t emb_key_by_offset(uint8_t *k, int topic, int32_t partition, int64_t base); /* 17 bytes */
size_t emb_key_by_seq(uint8_t *k, int topic, uint64_t seq);                       /* 13 bytes */

struct emb_by_offset { /* 12 bytes */
    uint64_t seq;
    uint32_t n;
};
struct emb_by_seq { /* 36 bytes */
    uint32_t partition;
    int64_t base;
    uint32_t n;
    uint32_t stored;
    int64_t max_time;
    uint64_t cum; /* bytes of the topic's blocks up to and with this one */
};
size_t emb_by_offset_put(uint8_t *v, const struct emb_by_offset *e);
bool emb_by_offset_get(struct lg_str v, struct emb_by_offset *ret);
size_t emb_by_seq_put(uint8_t *v, const struct emb_by_seq *e);
bool emb_by_seq_get(struct lg_str v, struct emb_by_seq *ret);

/* --- embedded.c */
static inline struct emb *emb_of(struct lg_bus *bus)
{
    return (struct emb *)bus;
}
struct emb_topic *emb_topic(struct emb *b, int topic); /* NULL: no such */
struct emb_part *emb_part(struct emb *b, int topic, int32_t partition);
lg_time emb_now(struct emb *b);
int64_t emb_monotonic_ms(void);
void emb_event(struct emb *b, enum lg_bus_event_kind kind, int topic, int32_t partition,
        int64_t offset, uint64_t n, struct lg_str group, const char *text);
/* Storage failed: publishes and polls answer LG_EAGAIN until it is open again. */
void emb_fail(struct emb *b, const struct lg_err *err);

/* --- embedded_load.c */
/* Opens RocksDB and reads what is in it; `again`: into a bus that was in use. db_lock is
 * exclusive, or the bus is new. */
int emb_load(struct emb *b, bool again, struct lg_err *reterr);
struct emb_topic *emb_topic_new(struct emb *b, const char *name, size_t n, int32_t partitions);
void emb_topic_add(struct emb *b, struct emb_topic *t);
int emb_topic_store(struct emb *b, struct emb_topic *t, struct lg_err *reterr);

/* --- embedded_publish.c */
int emb_publish(struct lg_bus *bus, struct lg_bus_consumer *c, const struct lg_bus_output *outs,
        size_t n_outs, const struct lg_bus_offset *offsets, size_t n_offsets, unsigned flags,
        struct lg_err *reterr);
/* Offsets of a group without a consumer. */
int emb_commit(struct emb *b, struct emb_group *g, const struct lg_bus_offset *offsets, size_t n,
        bool durable, struct lg_err *reterr);

/* --- embedded_read.c */
/* db_lock is shared. 1 and a batch, 0, or an error. give_up: an I/O error counts as damage. */
int emb_read_part(struct emb *b, int topic, int32_t partition, int64_t pos, size_t max_bytes,
        size_t max_records, bool give_up, struct lg_bus_batch **ret, struct lg_err *reterr);
void emb_batch_free(struct lg_bus_batch *batch);
int emb_read(struct lg_bus *bus, int topic, int32_t partition, int64_t offset, size_t max_bytes,
        struct lg_bus_batch **ret, struct lg_err *reterr);
int emb_compacted_scan(struct lg_bus *bus, int topic, int32_t partition,
        int (*fn)(void *user, const struct lg_bus_record *rec), void *user, struct lg_err *reterr);

/* --- embedded_group.c */
/* Finds or makes; group_lock is held. NULL: out of memory, or not there. */
struct emb_group *emb_group_get(struct emb *b, struct lg_str name, bool make);
int emb_group_reserve(struct emb *b, struct emb_group *g, int topic); /* group_lock is held */
void emb_groups_free(struct emb *b);
bool emb_owns(struct emb_consumer *c, int topic, int32_t partition); /* group_lock is held */
void emb_wake(struct emb *b, uint64_t topics);                       /* bit set */
void emb_lost_all(struct emb *b); /* everybody starts from the committed offsets */
int emb_consumer_new(struct lg_bus *bus, const struct lg_bus_consumer_options *opt,
        struct lg_bus_consumer **ret, struct lg_err *reterr);
void emb_consumer_close(struct lg_bus_consumer *c);
int emb_poll(struct lg_bus_consumer *c, uint32_t timeout_ms, struct lg_bus_batch **ret,
        struct lg_err *reterr);
void emb_consumer_wake(struct lg_bus_consumer *c);
int emb_seek(struct lg_bus_consumer *c, int topic, int32_t partition, int64_t offset);
int emb_position(struct lg_bus_consumer *c, int topic, int32_t partition, int64_t *ret);
int emb_pause(struct lg_bus_consumer *c, int topic, int32_t partition, bool paused);
size_t emb_assignment(struct lg_bus_consumer *c, struct lg_bus_offset *out, size_t max);
int emb_committed(
        struct lg_bus *bus, struct lg_str group, int topic, int32_t partition, int64_t *ret);
int emb_group_set(struct lg_bus *bus, struct lg_str group, const struct lg_bus_offset *offset);
int emb_group_delete(struct lg_bus *bus, struct lg_str group);

/* --- embedded_retain.c */
/* 0 or LG_ENOSPC. */
uint64_t emb_free_bytes(struct emb *b); /* UINT64_MAX: unknown */
int emb_space(struct emb *b, size_t bytes, bool into_reserve, struct lg_err *reterr);
int emb_maintain(struct lg_bus *bus);
int emb_thread_start(struct emb *b);
void emb_thread_stop(struct emb *b);
void emb_thread_kick(struct emb *b);

#endif
