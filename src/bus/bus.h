#ifndef LG_BUS_BUS_H
#define LG_BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/parse.h"
#include "base/str.h"

/*
 * The durable log between stages: topics of partitions of records, consumer groups with committed
 * offsets, and "outputs and offsets as one step". One interface over several buses (embedded on
 * RocksDB; Kafka): what is promised here is what both can keep.
 *
 * Answers: >= 0 is success. LG_EAGAIN and LG_ENOSPC (lg_bus_may_retry) say that the same call may
 * be made again later with the same arguments; part of a call that failed so may have been stored,
 * so that records can repeat: delivery is at least once. Every other error is final for the call.
 *
 * A record's partition is murmur2(key) & 0x7fffffff mod partitions, as in Kafka's clients.
 * Records of one partition keep the order of the publish calls that stored them. Offsets rise
 * along a partition and may have gaps.
 *
 * Thread: a bus may be used by any thread; a consumer by one thread at a time.
 */
struct lg_bus;
struct lg_bus_consumer;

#define LG_BUS_MAX_TOPICS 64
#define LG_BUS_MAX_PARTITIONS 256
#define LG_BUS_MAX_NAME_BYTES 128u /* of a topic or a group */
#define LG_BUS_MAX_KEY_BYTES 4096u
#define LG_BUS_MAX_VALUE_BYTES                                                                     \
    (8u << 20)                          /* a record of 1 MiB, escaped once, and what goes with it */
#define LG_BUS_MAX_HEADERS 32u          /* of one record */
#define LG_BUS_MAX_HEADERS_BYTES 16384u /* names and values of one record */
#define LG_BUS_MAX_PUBLISH_BYTES (64u << 20)

/* Header names that several stages know. */
#define LG_BUS_H_SCHEMA "lg-schema" /* <name>/<n> */
#define LG_BUS_H_TENANT "lg-tenant"
#define LG_BUS_H_PRINCIPAL "lg-principal"
#define LG_BUS_H_SOURCE "lg-source"
#define LG_BUS_H_ENDPOINT "lg-endpoint"     /* fallback name for records without a host */
#define LG_BUS_H_TIME_SHIFT "lg-time-shift" /* nanoseconds, signed decimal */

struct lg_bus_header {
    struct lg_str name;
    struct lg_str value;
};

struct lg_bus_record {
    struct lg_str key;                   /* empty: no key (spread over partitions in turn) */
    struct lg_str value;                 /* p == NULL: tombstone (compacted topics only) */
    const struct lg_bus_header *headers; /* names need not be unique; the first one counts */
    size_t n_headers;
    lg_time bus_time; /* publish: 0 = the bus's clock now; when read: as written once */
    int64_t offset;   /* publish: ignored */
};

/* Value of the first header of that name; {NULL, 0} when there is none. */
struct lg_str lg_bus_header_get(const struct lg_bus_record *rec, struct lg_str name);

/* One partition and an offset in it: where a group goes on reading. */
struct lg_bus_offset {
    int topic;
    int32_t partition;
    int64_t offset;
};

static inline bool lg_bus_may_retry(int rc)
{
    return rc == LG_EAGAIN || rc == LG_ENOSPC;
}

/* ------------------------------------------------------------------ what a bus tells */

enum lg_bus_event_kind {
    LG_BUS_CUT_TAIL,         /* at open: acknowledged records are not there; n = how many */
    LG_BUS_LOST_UNSYNCED,    /* at open: records that were never promised are not there; n */
    LG_BUS_CORRUPT_BLOCK,    /* skipped while reading; n = records lost (0: unknown) */
    LG_BUS_RETENTION_FORCED, /* the byte cap removed what a group had not read; n records */
    LG_BUS_FULL,             /* publishing stopped at the free-space reserve; n = free bytes */
    LG_BUS_NOT_FULL,         /* and goes on; n = free bytes */
    LG_BUS_FAILED,           /* the storage failed; closed, will be opened again */
    LG_BUS_REOPENED,         /* n = milliseconds since it failed */
    LG_BUS_REPAIRED,         /* at open: the log was damaged past its tail and was salvaged */
    LG_BUS_EVENT_KINDS
};

struct lg_bus_event {
    enum lg_bus_event_kind kind;
    int topic;              /* -1: the whole bus */
    int32_t partition;      /* -1: the whole topic */
    int64_t offset;         /* first lost offset, where one is meant */
    uint64_t n;             /* see the kinds */
    struct lg_str group;    /* RETENTION_FORCED */
    const char *topic_name; /* NULL: the whole bus */
    const char *text;       /* one line for a person */
};

/* Stable snake_case name. */
const char *lg_bus_event_name(enum lg_bus_event_kind kind);

/* ------------------------------------------------------------------ the embedded bus */

struct lg_bus_embedded_options {
    const char *path;           /* folder, made if missing (its parent must exist) */
    uint64_t min_free_bytes;    /* reserve for the disk, see LG_BUS_INTO_RESERVE; 0: none */
    size_t block_bytes;         /* raw bytes of a block of records; 0: 256 KiB */
    int zstd_level;             /* 0: 1 */
    size_t cache_bytes;         /* 0: 8 MiB */
    size_t write_buffer_bytes;  /* of one topic; 0: 8 MiB */
    size_t write_buffers_bytes; /* of all topics; 0: 48 MiB */
    uint64_t max_wal_bytes;     /* 0: 128 MiB */
    uint32_t maintain_ms;       /* retention and reopening in a thread of the bus; 0: 1000;
                                    UINT32_MAX: no thread, lg_bus_maintain by hand */
    lg_time (*now)(void *user); /* wall clock; NULL: the system's */
    uint64_t (*free_bytes)(void *user, const char *path); /* NULL: statvfs */
    /* Called from any thread; must be quick and must not call the bus. NULL: logged only. */
    void (*on_event)(void *user, const struct lg_bus_event *ev);
    void *user;
};

/* LG_EREFUSED: another process has it open. LG_ECORRUPT: cannot be opened; reterr says what to do. */
int lg_bus_open_embedded(const struct lg_bus_embedded_options *opt, struct lg_bus **ret,
        struct lg_err *reterr) LG_MUST_CHECK;

/* All consumers must be closed before. NULL is fine. */
void lg_bus_close(struct lg_bus *bus);

/* One round of retention and, after a failure, one try to open again. 0, or LG_EAGAIN while the
 * storage is closed. */
int lg_bus_maintain(struct lg_bus *bus) LG_MUST_CHECK;

/* ------------------------------------------------------------------ topics */

struct lg_bus_topic_spec {
    const char *name; /* [a-zA-Z0-9._-], not empty */
    int32_t partitions;
    uint64_t retention_bytes; /* stored bytes of the whole topic; 0: no cap */
    lg_time retention_age;    /* nanoseconds; 0: for ever; waits for the slowest group */
    bool compacted;           /* keeps the latest value of a key; read by lg_bus_compacted_scan */
    /* Others write to it too, where a bus can be reached by others (Kafka): bus time is then when
     * the bus took the record, whatever the record claims. The embedded bus has no others. */
    bool arrival_time;
};

/*
 * Makes the topic, or takes over the spec's retention for one that is there (its partitions stay
 * as they are: see lg_bus_partitions). Returns the topic's number (0..LG_BUS_MAX_TOPICS-1), good
 * for this bus object. LG_EINVAL, LG_ELIMIT, LG_EEXIST (compacted and not, at once).
 */
int lg_bus_topic_ensure(struct lg_bus *bus, const struct lg_bus_topic_spec *spec,
        struct lg_err *reterr) LG_MUST_CHECK;
int lg_bus_topic_find(struct lg_bus *bus, const char *name) LG_MUST_CHECK; /* number or LG_ENOENT */
const char *lg_bus_topic_name(struct lg_bus *bus, int topic);              /* NULL: no such */
int32_t lg_bus_partitions(struct lg_bus *bus, int topic);                  /* 0: no such */
/* Where a key's records of that topic lie. */
int32_t lg_bus_partition_of(struct lg_bus *bus, int topic, struct lg_str key);
uint32_t lg_bus_murmur2(struct lg_str key);

/* [begin, end): first offset kept, and the one that the next record gets. 0 or an error. */
int lg_bus_offsets(struct lg_bus *bus, int topic, int32_t partition, int64_t *ret_begin,
        int64_t *ret_end) LG_MUST_CHECK;

/* ------------------------------------------------------------------ publishing */

#define LG_BUS_BY_KEY (-1)

struct lg_bus_output {
    int topic;
    int32_t partition; /* LG_BUS_BY_KEY, or a number */
    struct lg_bus_record rec;
};

enum {
    /* Answer only when the records are on the disk (fsync). Without it they outlive the process,
     * but the latest may be lost with the power; never a record before one that is kept. */
    LG_BUS_DURABLE = 1,
    /* May use three quarters of the free-space reserve: stages that empty the log, not intake. */
    LG_BUS_INTO_RESERVE = 2,
};

/*
 * Appends the records, all or none in the embedded bus. Calls of many threads are written and
 * synced together. Borrows everything until it returns. LG_ELIMIT: a record is over a limit of
 * this page (checked before anything is stored; reterr names its index).
 */
int lg_bus_publish(struct lg_bus *bus, const struct lg_bus_output *outs, size_t n, unsigned flags,
        struct lg_err *reterr) LG_MUST_CHECK;

/* ------------------------------------------------------------------ consuming */

enum lg_bus_start { LG_BUS_EARLIEST, LG_BUS_LATEST }; /* of a group without a committed offset */

struct lg_bus_consumer_options {
    struct lg_str group;
    const int *topics; /* not compacted */
    size_t n_topics;
    enum lg_bus_start start;
    size_t max_batch_bytes;   /* keys and values, about; 0: 1 MiB; one block may be more */
    size_t max_batch_records; /* 0: 8192 */
    /*
     * Called from lg_bus_poll, in its thread. Members of a group share its partitions evenly, and
     * equal partition numbers of all topics go to the same member. Only what changes is named. assigned: `offset` is where reading starts (committed, else `start`);
     * lg_bus_seek may change it. revoked: the partition is still the caller's until the call
     * returns (it may commit), unless `lost`: then it is gone already (storage failed, or the
     * group gave it away), commits are refused, and what came from it may have to be done again
     * from the committed offset on. Also called by lg_bus_consumer_close for all that is left.
     */
    void (*assigned)(void *user, const struct lg_bus_offset *parts, size_t n);
    void (*revoked)(void *user, const struct lg_bus_offset *parts, size_t n, bool lost);
    void *user;
};

/* Records of one partition in order; owned by the caller. */
struct lg_bus_batch {
    int topic;
    int32_t partition;
    int64_t next_offset; /* commit this once all are done */
    uint64_t gap;        /* records known to be lost just before (damage, retention) */
    size_t bytes;        /* keys and values */
    const struct lg_bus_record *records;
    size_t n; /* may be 0 after a gap at the end of the log */
};

int lg_bus_consumer_new(struct lg_bus *bus, const struct lg_bus_consumer_options *opt,
        struct lg_bus_consumer **ret, struct lg_err *reterr) LG_MUST_CHECK;
/* Leaves the group; what was not committed is read again by others. NULL is fine. */
void lg_bus_consumer_close(struct lg_bus_consumer *c);

/* 1 and a batch, or 0 after timeout_ms (0: at once) without one, after lg_bus_consumer_wake and
 * after a change of the assignment. LG_EAGAIN: the storage is away for now (waited timeout_ms). */
int lg_bus_poll(struct lg_bus_consumer *c, uint32_t timeout_ms, struct lg_bus_batch **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_bus_batch_free(struct lg_bus_batch *b);
/* Ends the poll that waits now, or the next one that would wait. Thread: any. */
void lg_bus_consumer_wake(struct lg_bus_consumer *c);

/* Of assigned partitions only, else LG_EREFUSED. seek: an offset outside the log is moved to its
 * nearest end. position: the next offset that poll would read. */
int lg_bus_seek(
        struct lg_bus_consumer *c, int topic, int32_t partition, int64_t offset) LG_MUST_CHECK;
int lg_bus_position(
        struct lg_bus_consumer *c, int topic, int32_t partition, int64_t *ret) LG_MUST_CHECK;
int lg_bus_pause(struct lg_bus_consumer *c, int topic, int32_t partition) LG_MUST_CHECK;
int lg_bus_resume(struct lg_bus_consumer *c, int topic, int32_t partition) LG_MUST_CHECK;
/* What is assigned now, with positions; writes at most `max`, returns how many there are. */
size_t lg_bus_assignment(struct lg_bus_consumer *c, struct lg_bus_offset *out, size_t max);

/*
 * Outputs and the group's offsets as one step: in the embedded bus both are there or neither; on
 * Kafka the outputs are flushed before the offsets are committed. n_outs or n_offsets may be 0.
 * LG_EREFUSED: an offset is of a partition that is not (no longer) assigned to this consumer, and
 * nothing was stored.
 */
int lg_bus_publish_and_commit(struct lg_bus_consumer *c, const struct lg_bus_output *outs,
        size_t n_outs, const struct lg_bus_offset *offsets, size_t n_offsets, unsigned flags,
        struct lg_err *reterr) LG_MUST_CHECK;

/* ------------------------------------------------------------------ looking */

/* Committed offset of a group; LG_ENOENT when it has none. */
int lg_bus_committed(struct lg_bus *bus, struct lg_str group, int topic, int32_t partition,
        int64_t *ret) LG_MUST_CHECK;
/* Records of all partitions of a topic that the group has yet to commit. */
int lg_bus_lag(struct lg_bus *bus, struct lg_str group, int topic, uint64_t *ret) LG_MUST_CHECK;
/* Sets a group's offset; LG_EREFUSED while the group has members. */
int lg_bus_group_set(
        struct lg_bus *bus, struct lg_str group, const struct lg_bus_offset *offset) LG_MUST_CHECK;
/* Forgets the group, so that retention waits for it no longer; LG_EREFUSED while it has members. */
int lg_bus_group_delete(struct lg_bus *bus, struct lg_str group) LG_MUST_CHECK;

/* Reads without a group, from the first record at or after `offset`: 1 and a batch, or 0 at the
 * end. The batch holds at least one record or a gap. */
int lg_bus_read(struct lg_bus *bus, int topic, int32_t partition, int64_t offset, size_t max_bytes,
        struct lg_bus_batch **ret, struct lg_err *reterr) LG_MUST_CHECK;

/*
 * Calls fn for the latest record of every key of one partition of a compacted topic, in no
 * particular order, tombstones left out. fn's negative answer ends it and is returned; fn must not
 * call the bus, but for what is known of topics (lg_bus_partition_of and the like).
 */
int lg_bus_compacted_scan(struct lg_bus *bus, int topic, int32_t partition,
        int (*fn)(void *user, const struct lg_bus_record *rec), void *user,
        struct lg_err *reterr) LG_MUST_CHECK;

struct lg_bus_stats {
    uint64_t published;       /* records, since open */
    uint64_t published_bytes; /* keys, values and headers, before compression */
    uint64_t stored_bytes;    /* blocks, after compression */
    uint64_t groups_written;  /* writes; each took many publish calls */
    uint64_t syncs;
    uint64_t events[LG_BUS_EVENT_KINDS];     /* how often */
    uint64_t event_sums[LG_BUS_EVENT_KINDS]; /* sums of n */
    uint64_t disk_bytes;                     /* of the whole bus folder, about */
    uint64_t cache_bytes;                    /* memory: where blocks lie */
    uint64_t buffer_bytes;                   /* memory: written and not yet in a table */
    uint64_t free_bytes; /* of the file system, UINT64_MAX: unknown; 0 on Kafka */
    bool failed;         /* closed after a failure, waiting to open again */
    bool full;           /* at the reserve */
};
void lg_bus_stats_get(struct lg_bus *bus, struct lg_bus_stats *ret);

struct lg_bus_topic_stats {
    uint64_t records;      /* kept */
    uint64_t stored_bytes; /* kept, after compression */
    uint64_t published;    /* since open */
};
int lg_bus_topic_stats_get(
        struct lg_bus *bus, int topic, struct lg_bus_topic_stats *ret) LG_MUST_CHECK;

#endif
