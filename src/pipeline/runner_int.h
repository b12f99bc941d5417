#ifndef LG_PIPELINE_RUNNER_INT_H
#define LG_PIPELINE_RUNNER_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "pipeline/stage_int.h"

/* One assigned partition. */
struct run_part {
    int topic;
    int32_t partition;
    bool manual;
    bool fresh;        /* ops->assigned is still to be called */
    int64_t start;     /* where reading was told to start */
    int64_t next;      /* after the last record handed to the stage; -1 for manual topics */
    int64_t committed; /* last */
    int64_t drain_to;  /* end of the log when the stop came */
};

struct worker {
    struct lg_runner *r;
    unsigned index;
    pthread_t thread;
    bool running;
    bool opened;
    void *state;
    struct lg_bus_consumer *consumer;
    struct lg_bus_consumer
            *wakeable; /* consumer, as long as others may wake it; the runner's lock */
    bool broken;       /* stopped by an error: its state is not to be trusted */
    bool no_room;      /* an assigned partition could not be noted */
    struct lg_stage_out out;
    LG_VEC(struct run_part) parts;
    LG_VEC(struct lg_bus_offset) commits;
    bool pending; /* out and commits wait to be published */
    struct lg_bus_batch *batch;
    size_t at;      /* first record of the batch that is not done */
    bool was_small; /* the batch that the latest round finished */
    unsigned memory_tries;
    lg_time next_tick;
    struct lg_err err;
};

struct lg_runner {
    struct lg_runner_options opt;
    char group[LG_BUS_MAX_NAME_BYTES + 1];
    int topics[2 * LG_BUS_MAX_TOPICS]; /* polled ones, then manual ones */
    size_t n_polled;
    size_t n_topics;
    struct worker *workers;
    pthread_mutex_t lock;
    pthread_cond_t cond; /* on stop */
    bool stopping;
    uint32_t drain_ms;
    _Atomic int64_t clock_ahead; /* most that the wall clock was before the monotonic one */
    _Atomic uint64_t records_in, bytes_in, records_out, bytes_out, batches, commits, retries,
            dead_letters, gaps, busy_ns, publish_ns;
    atomic_uint n_workers, n_retrying;
};

/* --- round.c: one worker's work, in its thread */
lg_time lg_runner_now(struct lg_runner *r);
/* Publishes what is pending. 0, a code to retry, or a fatal one. */
int lg_round_flush(struct worker *w) LG_MUST_CHECK;
/* Before and after a call into the stage that emits. */
void lg_round_start_call(struct worker *w);
int lg_round_finish_call(struct worker *w) LG_MUST_CHECK;
void lg_round_drop_pending(struct worker *w);
void lg_round_assigned(void *user, const struct lg_bus_offset *parts, size_t n);
void lg_round_revoked(void *user, const struct lg_bus_offset *parts, size_t n, bool lost);
/* 1: something was done, 0: there was nothing, or an error. */
int lg_round(struct worker *w, bool wait) LG_MUST_CHECK;

#endif
