#ifndef LG_BASE_HASH_H
#define LG_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * XXH3 64-bit (https://xxhash.com, stable since 0.8.0). Feature hashing rests on its values:
 * seed and function are part of the feature-schema version. Not for ids: those are BLAKE2b.
 */
uint64_t lg_hash64(const void *p, size_t n, uint64_t seed);
static inline uint64_t lg_hash_str(struct lg_str s, uint64_t seed)
{
    return lg_hash64(s.p, s.n, seed);
}
/* Mixes two hashes; not commutative. */
static inline uint64_t lg_hash_mix(uint64_t a, uint64_t b)
{
    a ^= b + 0x9e3779b97f4a7c15u + (a << 12) + (a >> 4);
    a *= 0xff51afd7ed558ccdu;
    return a ^ (a >> 33);
}
/* Seed drawn once per process for tables whose keys an outsider picks (hash flooding). */
uint64_t lg_hash_secret(void);

#endif
