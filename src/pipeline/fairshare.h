#ifndef LG_PIPELINE_FAIRSHARE_H
#define LG_PIPELINE_FAIRSHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/parse.h"
#include "base/str.h"
#include "bus/bus.h"

/*
 * Fair share without breaking order, for one worker of the normalizer. Token buckets per tenant
 * and per endpoint act where an endpoint's records leave the raw topic. Over its rate, all further
 * records of that endpoint go, in order, to a held-back topic, into the partition of the same
 * number as the raw one, so that the same worker owns both (the topics have equally many
 * partitions). They are drained deficit round robin between endpoints at the spare rate; the
 * endpoint returns to the direct path only when nothing of it is held back. Nothing is dropped and
 * nothing overtakes within an endpoint.
 *
 *   raw record ─► lg_fairshare_offer ─ LG_FAIR_DIRECT ─► process
 *                                    └ LG_FAIR_HOLD ──► emit to held-back, key = the endpoint's
 *   spare time ─► lg_fairshare_next ─► process the record as if it came from the raw topic now
 *
 * Repeated identical events should be folded before they are offered (fold first, then pay):
 * lg_fairshare_offer is told how many events the record stands for.
 *
 * The records themselves are read from the bus by this object; at most `window_bytes` of them are
 * in memory, an equal share of it for each endpoint, the rest waits in the log. Thread: its
 * owner's (one per worker).
 */
struct lg_fairshare;

struct lg_fairshare_options {
    struct lg_bus *bus;
    int held_topic;
    double endpoint_rate;  /* records a second; 0: no limit */
    double endpoint_burst; /* records; 0: 10 seconds of the rate */
    double tenant_rate;    /* of this worker's part of a tenant; 0: no limit */
    double tenant_burst;   /* 0: 10 seconds of the rate */
    double drain_rate;     /* held-back records a second, all endpoints together; 0: no limit */
    size_t window_bytes;   /* 0: 16 MiB */
    size_t max_endpoints;  /* buckets remembered, full ones are forgotten first; 0: 65536 */
    uint32_t quantum;      /* records an endpoint may send in a turn; 0: 64 */
};

enum lg_fair { LG_FAIR_DIRECT, LG_FAIR_HOLD };

int lg_fairshare_new(
        const struct lg_fairshare_options *opt, struct lg_fairshare **ret) LG_MUST_CHECK;
void lg_fairshare_free(struct lg_fairshare *fs);
/* New rates for all, at once (reload). */
void lg_fairshare_set_rates(struct lg_fairshare *fs, const struct lg_fairshare_options *opt);

/*
 * From ops->assigned of the held-back topic's partition: counts what is held back from `offset`
 * (committed) to the end, so that no later record overtakes it. Before the first raw record of the
 * same partition number. `state` is what lg_fairshare_save wrote, or empty.
 */
int lg_fairshare_assigned(struct lg_fairshare *fs, int32_t partition, int64_t offset,
        struct lg_str state, struct lg_err *reterr) LG_MUST_CHECK;
void lg_fairshare_revoked(struct lg_fairshare *fs, int32_t partition);

/*
 * Decides over one record that stands for `n` events (usually 1; more for a fold). `endpoint` is
 * the record key tenant_id:endpoint_id. LG_FAIR_DIRECT, LG_FAIR_HOLD (emit it to the held-back
 * topic, partition `partition`, key `endpoint`; it counts as held already), or LG_ENOMEM.
 * A bucket with anything in it lets the record through and may go into debt for it.
 * lg_fairshare_undo takes back offers and nexts since the last lg_fairshare_settle: call undo when
 * batch() or tick() ends with LG_EAGAIN, settle when the outputs are published (ops->committed).
 */
int lg_fairshare_offer(struct lg_fairshare *fs, int32_t partition, struct lg_str tenant,
        struct lg_str endpoint, uint32_t n, lg_time now) LG_MUST_CHECK;
void lg_fairshare_settle(struct lg_fairshare *fs);
void lg_fairshare_undo(struct lg_fairshare *fs);

/*
 * Next held-back record that may go now, deficit round robin over the endpoints, or 0 when there is
 * none (nothing held, the drain rate is used up, or what is held is not yet published). Draining
 * pays from the drain rate only: the caller asks when it has time to spare.
 * 1: *ret is valid until the next settle or undo; it counts as done (undo brings it back).
 * LG_EAGAIN: the bus is away for now.
 */
int lg_fairshare_next(struct lg_fairshare *fs, lg_time now, int32_t *ret_partition,
        struct lg_bus_record *ret, struct lg_err *reterr) LG_MUST_CHECK;

/* For ops->low_offset of the held-back topic: what may be committed, -1 when not known. */
int64_t lg_fairshare_low_offset(struct lg_fairshare *fs, int32_t partition);
/* How far each endpoint of the partition is drained past low_offset, to be stored beside the
 * checkpoint (same publish as the commit), so that a restart drains nothing twice. */
int lg_fairshare_save(struct lg_fairshare *fs, int32_t partition, struct lg_buf *out) LG_MUST_CHECK;

struct lg_fairshare_held {
    struct lg_str endpoint; /* tenant_id:endpoint_id; valid until the next call */
    uint64_t held;          /* records */
    lg_time since;          /* when it left the direct path (bus time of its first held record) */
    double rate;            /* records a second it sends, smoothed */
};

/* Endpoints that are held back, most records first (operational alert, ledger). Returns how many
 * there are; writes at most `max`. */
size_t lg_fairshare_list(struct lg_fairshare *fs, struct lg_fairshare_held *out, size_t max);

struct lg_fairshare_stats {
    uint64_t direct;         /* records, since start */
    uint64_t held;           /* records, since start */
    uint64_t drained;        /* records, since start */
    uint64_t waiting;        /* records held back now */
    uint64_t endpoints_held; /* now */
};
void lg_fairshare_stats_get(const struct lg_fairshare *fs, struct lg_fairshare_stats *ret);

#endif
