#ifndef LG_BASE_MAP_H
#define LG_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Open-addressing map from a 64-bit key to a 64-bit value. Callers hash their keys (with
 * lg_hash_secret where an outsider picks them) and compare the real key behind the value where a
 * collision would matter. Iteration order is not defined: sort before anything that is shown or
 * summed. Thread: its owner's.
 */
struct lg_map {
    struct lg_map_slot *slots;
    size_t cap; /* power of two */
    size_t n;
};

struct lg_map_slot {
    uint64_t key;
    uint64_t value;
    uint8_t used;
};

void lg_map_init(struct lg_map *m);
void lg_map_done(struct lg_map *m);
void lg_map_clear(struct lg_map *m); /* keeps the memory */
/* Pointer to the value or NULL; valid until the next put or del. */
uint64_t *lg_map_get(const struct lg_map *m, uint64_t key);
/* Inserts or replaces. 0 or LG_ENOMEM. */
int lg_map_put(struct lg_map *m, uint64_t key, uint64_t value) LG_MUST_CHECK;
/* Finds or inserts `init`; NULL when out of memory. */
uint64_t *lg_map_at(struct lg_map *m, uint64_t key, uint64_t init, bool *ret_new) LG_MUST_CHECK;
bool lg_map_del(struct lg_map *m, uint64_t key);

#endif
