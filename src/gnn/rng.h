#ifndef LG_GNN_RNG_H
#define LG_GNN_RNG_H

#include <stdint.h>

/* xoshiro256** (Blackman, Vigna; public domain), seeded by splitmix64. Not for secrets. */
struct lg_rng {
    uint64_t s[4];
};

static inline uint64_t lg_splitmix64(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* `stream` gives independent sequences of one seed. */
static inline void lg_rng_init(struct lg_rng *r, uint64_t seed, uint64_t stream)
{
    uint64_t x = seed;

    x = lg_splitmix64(&x) ^ (stream * 0xd1342543de82ef95u);
    for (int i = 0; i < 4; i++)
        r->s[i] = lg_splitmix64(&x);
}

static inline uint64_t lg_rng_next(struct lg_rng *r)
{
    uint64_t m = r->s[1] * 5, out = ((m << 7) | (m >> 57)) * 9, t = r->s[1] << 17;

    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = (r->s[3] << 45) | (r->s[3] >> 19);
    return out;
}

/* [0, 1) in steps of 2^-24. */
static inline float lg_rng_float(struct lg_rng *r)
{
    return (float)(lg_rng_next(r) >> 40) * 0x1p-24f;
}

/* [0, n), n > 0; the bias of at most n / 2^64 does not matter here. */
static inline uint64_t lg_rng_below(struct lg_rng *r, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)lg_rng_next(r) * n) >> 64);
}

#endif
