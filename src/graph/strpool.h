#ifndef LG_GRAPH_STRPOOL_H
#define LG_GRAPH_STRPOOL_H

#include "base/str.h"
#include "graph/acct.h"

/*
 * The strings of one endpoint, each kept once. An id stays the same until a sweep finds its
 * string unmarked; equal ids mean equal strings. Id 0 is the empty string. There are no
 * reference counts: whoever sweeps marks every id that is still in use, so that no error path
 * can leak one. Thread: its endpoint's worker.
 */
struct lg_strpool_ent {
    uint64_t hash;
    uint32_t off;
    uint32_t len; /* LG_STRPOOL_FREE: unused id, `off` is the next one */
};

struct lg_strpool {
    struct lg_acct *acct;
    LG_ACCT_VEC(char) bytes;
    LG_ACCT_VEC(struct lg_strpool_ent) ents;
    struct lg_idx ix;
    uint32_t free; /* head of the unused ids, 0 = none */
    uint32_t live; /* bytes after the last sweep */
    uint64_t seed; /* the process's secret; of a checkpoint: that of the process that wrote it */
};

void lg_strpool_init(struct lg_strpool *sp, struct lg_acct *acct);
void lg_strpool_done(struct lg_strpool *sp);
/* Id of a copy of `s`. 0, LG_ENOMEM. */
int lg_strpool_add(struct lg_strpool *sp, struct lg_str s, uint32_t *ret) LG_MUST_CHECK;
/* Id of a string that is there, or LG_IDX_NONE. */
uint32_t lg_strpool_find(const struct lg_strpool *sp, struct lg_str s);
/* Keyed with a secret: never for output. */
static inline uint64_t lg_strpool_hash(const struct lg_strpool *sp, uint32_t id)
{
    return id > 0 ? sp->ents.v[id].hash : 0;
}
/* Valid until the next add or sweep. */
static inline struct lg_str lg_strpool_get(const struct lg_strpool *sp, uint32_t id)
{
    if (id == 0)
        return lg_str_of("", 0);
    return lg_str_of(sp->bytes.v + sp->ents.v[id].off, sp->ents.v[id].len);
}

/* Sweeping: begin, mark all ids in use, end. LG_ENOMEM from begin means: not now. */
struct lg_strmarks {
    uint8_t *bits;
};
int lg_strpool_sweep_begin(struct lg_strpool *sp, struct lg_strmarks *mk) LG_MUST_CHECK;
static inline void lg_strmark(struct lg_strmarks *mk, uint32_t id)
{
    mk->bits[id / 8] |= (uint8_t)(1u << (id % 8));
}
void lg_strpool_sweep_end(struct lg_strpool *sp, struct lg_strmarks *mk);
/* True when a sweep is likely to free a good part. */
bool lg_strpool_wants_sweep(const struct lg_strpool *sp);

#endif
