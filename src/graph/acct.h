#ifndef LG_GRAPH_ACCT_H
#define LG_GRAPH_ACCT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Memory that is counted against one endpoint, and the two containers built on it: a growing
 * array and an open-addressing index from a 32-bit hash to entries of such an array. They start
 * small, because most endpoints are quiet. Thread: their owner's.
 */
struct lg_acct {
    size_t bytes;
    bool tight; /* grow in small steps: there are thousands of these, and they live long */
};

/* Grows *v to at least `want` elements. 0 or LG_ENOMEM (array unchanged). */
int lg_acct_grow(
        struct lg_acct *a, void **v, uint32_t *cap, uint32_t want, size_t size) LG_MUST_CHECK;
/* A new array of just `n` elements. 0 or LG_ENOMEM. */
int lg_acct_exact(
        struct lg_acct *a, void **v, uint32_t *cap, uint32_t n, size_t size) LG_MUST_CHECK;
/* Gives back what lies behind the first `n` elements; n = 0 frees. Never fails. */
void lg_acct_shrink(struct lg_acct *a, void **v, uint32_t *cap, uint32_t n, size_t size);

#define LG_ACCT_VEC(T)                                                                             \
    struct {                                                                                       \
        T *v;                                                                                      \
        uint32_t n;                                                                                \
        uint32_t cap;                                                                              \
    }
#define lg_acct_reserve(a, vec, want)                                                              \
    ((want) <= (vec)->cap ? 0                                                                      \
                          : lg_acct_grow((a), (void **)&(vec)->v, &(vec)->cap, (want),             \
                                    sizeof(*(vec)->v)))
#define lg_acct_vec_done(a, vec)                                                                   \
    do {                                                                                           \
        lg_acct_shrink((a), (void **)&(vec)->v, &(vec)->cap, 0, sizeof(*(vec)->v));                \
        (vec)->n = 0;                                                                              \
    } while (0)

struct lg_idx_slot {
    uint32_t hash;
    uint32_t value1; /* value + 1; 0 = empty */
};

struct lg_idx {
    struct lg_idx_slot *slots;
    uint32_t cap; /* power of two, or 0 */
    uint32_t n;
};

#define LG_IDX_NONE UINT32_MAX

/*
 * for (pos = lg_idx_home(ix, h); (v = lg_idx_next(ix, h, &pos)) != LG_IDX_NONE;)
 *     if (entry v is the one) ...
 */
static inline uint32_t lg_idx_home(const struct lg_idx *ix, uint32_t hash)
{
    return ix->cap > 0 ? hash & (ix->cap - 1) : 0;
}
static inline uint32_t lg_idx_next(const struct lg_idx *ix, uint32_t hash, uint32_t *pos)
{
    if (ix->cap == 0)
        return LG_IDX_NONE;
    while (ix->slots[*pos].value1 != 0) {
        const struct lg_idx_slot *s = &ix->slots[*pos];

        *pos = (*pos + 1) & (ix->cap - 1);
        if (s->hash == hash)
            return s->value1 - 1;
    }
    return LG_IDX_NONE;
}
/* Room for one more, so that the next lg_idx_put cannot fail. */
int lg_idx_reserve(struct lg_acct *a, struct lg_idx *ix) LG_MUST_CHECK;
void lg_idx_put(struct lg_idx *ix, uint32_t hash, uint32_t value);
void lg_idx_del(struct lg_idx *ix, uint32_t hash, uint32_t value);
void lg_idx_clear(struct lg_idx *ix); /* keeps the memory */
void lg_idx_done(struct lg_acct *a, struct lg_idx *ix);

/* Spreads a 64-bit hash over the bits that an index uses. */
static inline uint32_t lg_idx_hash(uint64_t h)
{
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32);
}

#endif
