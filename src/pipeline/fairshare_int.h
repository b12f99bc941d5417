#ifndef LG_PIPELINE_FAIRSHARE_INT_H
#define LG_PIPELINE_FAIRSHARE_INT_H

#include "base/map.h"
#include "base/vec.h"
#include "pipeline/fairshare.h"

struct fair_bucket {
    double tokens;
    lg_time at; /* when they were counted; 0: never */
};

struct fair_tenant {
    struct fair_bucket bucket;
    size_t n;
    char name[];
};

/* A copy of a held-back record in one block of memory. */
struct fair_rec {
    struct lg_bus_record rec;
    size_t bytes;
};

struct fair_endpoint {
    struct fair_bucket bucket;
    struct fair_tenant *tenant; /* NULL: not offered since the start */
    int32_t partition;          /* an endpoint that comes through two counts twice */
    uint64_t held;              /* records held back and not drained, published or not */
    uint64_t scanned;           /* of them, seen in the log */
    LG_VEC(struct fair_rec *)
    queue; /* from `first`: loaded, in order; before it: drained, kept
                                        for undo */
    size_t first;
    size_t queue_bytes;
    int64_t resume; /* >= 0: records from here on are in the log only */
    int64_t done;   /* all records of this endpoint before this offset are drained */
    struct fair_endpoint *prev, *next; /* ring of those with scanned > 0; NULL: not in it */
    uint32_t credit;                   /* records left in its turn */
    lg_time since;
    lg_time rate_at;
    uint32_t rate_n;
    double rate;
    size_t n;
    char key[];
};

struct fair_part {
    int32_t partition;
    int64_t scan; /* everything before has been seen */
    int64_t low;  /* scratch of forget_idle */
};

enum fair_op { FAIR_OFFERED, FAIR_HELD, FAIR_DRAINED };

/* What one answer changed, so that it can be taken back. */
struct fair_undo {
    enum fair_op op;
    struct fair_endpoint *e; /* NULL: an untracked one */
    struct fair_tenant *t;
    struct fair_bucket e_before;
    struct fair_bucket t_before; /* of the drain rate, for FAIR_DRAINED */
    int64_t done_before;
};

struct lg_fairshare {
    struct lg_fairshare_options opt;
    struct lg_map endpoints; /* hash of partition and key -> pointer */
    LG_VEC(struct fair_endpoint *) all;
    struct lg_map tenants;
    LG_VEC(struct fair_tenant *) all_tenants;
    LG_VEC(struct fair_part) parts;
    LG_VEC(struct fair_undo) journal;
    struct fair_endpoint *ring; /* whose turn it is */
    size_t n_ring;
    size_t window; /* bytes loaded */
    struct fair_bucket drain;
    lg_time now;         /* latest that an offer named */
    unsigned since_scan; /* records drained since the log was last looked at */
    struct lg_fairshare_stats stats;
};

/* --- fairshare.c */
/* Finds or makes; NULL: out of memory. */
struct fair_endpoint *lg_fair_endpoint(
        struct lg_fairshare *fs, int32_t partition, struct lg_str key, bool make);
void lg_fair_ring_add(struct lg_fairshare *fs, struct fair_endpoint *e);
void lg_fair_ring_del(struct lg_fairshare *fs, struct fair_endpoint *e);

/* --- fairshare_log.c */
struct fair_part *lg_fair_part(struct lg_fairshare *fs, int32_t partition);
/* Looks at the next piece of the partition's log. 1: there was some, 0: none, or an error. */
int lg_fair_scan(struct lg_fairshare *fs, struct fair_part *p, struct lg_err *reterr) LG_MUST_CHECK;
/* Loads more of an endpoint whose queue is empty. */
int lg_fair_refill(
        struct lg_fairshare *fs, struct fair_endpoint *e, struct lg_err *reterr) LG_MUST_CHECK;

#endif
