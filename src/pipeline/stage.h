#ifndef LG_PIPELINE_STAGE_H
#define LG_PIPELINE_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/parse.h"
#include "bus/bus.h"

/*
 * A stage is a function from batches of records to batches of records, plus a tick. The runner
 * owns everything around it: workers (threads that own whole partitions), polling, publishing
 * outputs and committing offsets as one step, retries with back-off, dead letters, draining.
 *
 *     poll ─► batch() ─► outputs + low_offset() ─► lg_bus_publish_and_commit ─► poll ...
 *
 * What a stage may rely on:
 * - All calls for one worker come from one thread, one at a time; workers share nothing.
 * - A call that answers LG_EAGAIN or LG_ENOSPC is made again, with the same arguments, after a
 *   back-off; what it emitted is thrown away. So it must not have changed the stage's state (do
 *   what can fail that way first). Publishing and committing are retried by the runner alone,
 *   without calling the stage again.
 * - After a crash or a rebalance records come again from the last committed offset on.
 */
struct lg_stage_out;

/* A slice of one partition's records, in order. */
struct lg_stage_in {
    int topic;
    int32_t partition;
    const struct lg_bus_record *records;
    size_t n;
    uint64_t gap; /* records lost before the first (damage or retention) */
};

/*
 * Adds a record to what is published when the call is over; copies it. partition: LG_BUS_BY_KEY or
 * a number. bus_time 0 = the runner's clock. 0, LG_ENOMEM, or LG_ELIMIT (record over the bus's
 * limits, or too many outputs for one call): answer it from batch() with *ret_done at the record.
 */
int lg_stage_emit(struct lg_stage_out *out, int topic, int32_t partition,
        const struct lg_bus_record *rec) LG_MUST_CHECK;
/*
 * Sends an input record to the runner's dead letter topic: original key, value and headers, and
 * lg-dead-reason, lg-dead-detail, lg-dead-topic, lg-dead-partition, lg-dead-offset, lg-dead-stage,
 * lg-dead-time (bus time of the original, nanoseconds); lg-schema becomes dead-letter/1 and the
 * original one lg-dead-schema. `reason` is a stable snake_case name; `detail` is cut at 1 KiB.
 */
int lg_stage_reject(struct lg_stage_out *out, const struct lg_stage_in *in, size_t index,
        const char *reason, struct lg_str detail) LG_MUST_CHECK;
/* Bytes emitted so far in this call. */
size_t lg_stage_out_bytes(const struct lg_stage_out *out);
/* Runner's clock, as of the start of the call. */
lg_time lg_stage_now(const struct lg_stage_out *out);

#define LG_DEAD_H_REASON "lg-dead-reason"
#define LG_DEAD_H_DETAIL "lg-dead-detail"
#define LG_DEAD_H_TOPIC "lg-dead-topic"
#define LG_DEAD_H_PARTITION "lg-dead-partition"
#define LG_DEAD_H_OFFSET "lg-dead-offset"
#define LG_DEAD_H_STAGE "lg-dead-stage"
#define LG_DEAD_H_TIME "lg-dead-time"
#define LG_DEAD_H_SCHEMA "lg-dead-schema"

#define LG_STAGE_MORE 1 /* an answer of batch() */

struct lg_stage_ops {
    const char *name; /* snake_case; thread names, logs, metrics, dead letters */

    /* Makes one worker's state. */
    int (*open)(void *user, unsigned worker, void **ret, struct lg_err *reterr);

    /*
     * The worker now owns the partition; restore its state here (checkpoint), then reading starts
     * at *offset (in: committed). May lower or raise it. Optional.
     */
    int (*assigned)(void *w, int topic, int32_t partition, int64_t *offset, struct lg_err *reterr);

    /*
     * The worker gives the partition up: emit a checkpoint, then forget its state. What is emitted
     * is published; the committed offset stays at the last low_offset. out == NULL: the partition
     * was lost (the bus failed and came back, the group gave it away, or this worker failed): only
     * forget. Optional.
     */
    int (*revoked)(void *w, int topic, int32_t partition, struct lg_stage_out *out);

    /*
     * Works through in->records. Sets *ret_done to how many records are done (they are, even on
     * failure, except with LG_EAGAIN and LG_ENOSPC, which undo the call). 0: all. On any other
     * error record *ret_done goes to the dead letters with lg_err_name(code) as reason, and the
     * stage is called again with the records after it. LG_STAGE_MORE: what was emitted is enough
     * for one publish; *ret_done (may be 0) records are done, the rest comes in another call.
     * Required.
     */
    int (*batch)(void *w, const struct lg_stage_in *in, struct lg_stage_out *out, size_t *ret_done);

    /* About every tick_ms, also without input; `now` is the runner's clock. Checkpoints, time-outs
     * and flushes belong here. Optional. */
    int (*tick)(void *w, lg_time now, struct lg_stage_out *out);

    /*
     * Lowest offset of the partition that the worker's state still needs to see again after a
     * restart; `next` is the offset after the last record handed to batch(). The runner commits
     * the answer. For a `manual` topic next is -1, and the answer -1 says "unchanged". NULL: next.
     */
    int64_t (*low_offset)(void *w, int topic, int32_t partition, int64_t next);

    /* After a successful publish and commit of everything emitted so far. Optional. */
    void (*committed)(void *w);

    /* Before the worker stops in good order, with its partitions still its own. Optional. */
    int (*drain)(void *w, struct lg_stage_out *out);

    void (*close)(void *w); /* required; w may be half-used */
};

/* Counters of one runner, all workers together; monotonic since start unless told otherwise. */
struct lg_runner_stats {
    uint64_t records_in;
    uint64_t bytes_in;
    uint64_t records_out;
    uint64_t bytes_out;
    uint64_t batches;
    uint64_t commits;
    uint64_t retries;      /* calls or publishes made again */
    uint64_t dead_letters; /* rejected by the stage or for its errors */
    uint64_t gaps;         /* records lost before they were read */
    uint64_t busy_ns;      /* in the stage's own calls */
    uint64_t publish_ns;   /* in publish and commit */
    uint64_t lag;          /* now: records that wait in the topics */
    uint32_t workers;      /* now */
    uint32_t retrying;     /* now: workers in a back-off */
};

struct lg_runner_options {
    struct lg_bus *bus;
    const struct lg_stage_ops *ops;
    void *user;        /* for ops->open */
    const char *group; /* consumer group */
    const int *topics; /* polled */
    size_t n_topics;
    const int *manual_topics; /* assigned and revoked like the others, committed by low_offset,
                                 but never polled: the stage reads them with lg_bus_read */
    size_t n_manual_topics;
    unsigned workers;      /* 1..64 */
    int dead_letter_topic; /* -1: none; then a poison record ends the runner */
    enum lg_bus_start start;
    uint32_t tick_ms;         /* 0: 1000 */
    size_t max_batch_bytes;   /* 0: 1 MiB */
    size_t max_batch_records; /* 0: 8192 */
    /* After a batch of less than linger_bytes the worker waits linger_ms before it asks for the
     * next, so that steps with their commits are not tiny where records trickle in. 0: no wait. */
    size_t linger_bytes;
    uint32_t linger_ms;
    size_t max_out_bytes;             /* of one call; 0: 32 MiB; past it emit answers LG_ELIMIT */
    uint32_t min_backoff_ms;          /* 0: 50, doubled at each try */
    uint32_t max_backoff_ms;          /* 0: 5000 */
    bool durable;                     /* outputs are synced before the commit counts */
    lg_time (*now)(void *clock_user); /* wall clock; NULL: the system's. Ticks follow it. */
    void *clock_user;
    /* A worker stopped for an error that no retry mends; from its thread. NULL: only logged. */
    void (*on_fatal)(void *user, const char *stage, const struct lg_err *err);
    void *fatal_user;
};

struct lg_runner;

int lg_runner_new(const struct lg_runner_options *opt, struct lg_runner **ret,
        struct lg_err *reterr) LG_MUST_CHECK;

/* Starts the worker threads. */
int lg_runner_start(struct lg_runner *r, struct lg_err *reterr) LG_MUST_CHECK;

/*
 * Stops all workers and waits for them. drain_ms > 0: each first works off what was in its
 * partitions when stop was called, for at most that long. Then drain(), a last commit, close.
 * Safe to call twice. 0, or the first worker's fatal error.
 */
int lg_runner_stop(struct lg_runner *r, uint32_t drain_ms);

/* Stops without draining what still runs. NULL is fine. */
void lg_runner_free(struct lg_runner *r);

void lg_runner_stats_get(struct lg_runner *r, struct lg_runner_stats *ret);

/*
 * Instead of start, for tests and tools: one round (at most one batch, a tick if it is due) of one
 * worker in the caller's thread, without waiting for input. 1: something was done, 0: nothing to
 * do, LG_EAGAIN / LG_ENOSPC: must be tried again (the back-off is left to the caller).
 */
int lg_runner_step(struct lg_runner *r, unsigned worker, struct lg_err *reterr) LG_MUST_CHECK;

#endif
