#ifndef LG_CRYPTO_CHAIN_H
#define LG_CRYPTO_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Hash chain: each link is BLAKE2b-256 over (domain, previous link, row), every part with its
 * length before it, so that no two rows read as one and no chain passes for another. The first
 * link's previous is zero. Who keeps the newest link elsewhere sees a rewritten row, a missing one
 * and a cut tail. Thread: any.
 */
#define LG_CHAIN_BYTES 32
#define LG_CHAIN_HEX 64

struct lg_link {
    uint8_t b[LG_CHAIN_BYTES];
};

/* The link after `prev` (NULL: the first) for one row. */
struct lg_link lg_chain_next(struct lg_str domain, const struct lg_link *prev, struct lg_str row);
/* The same for a row of several columns; (columns, lengths) are unambiguous. */
struct lg_link lg_chain_next_of(
        struct lg_str domain, const struct lg_link *prev, const struct lg_str *columns, size_t n);
int lg_link_cmp(const struct lg_link *a, const struct lg_link *b); /* 0 when equal */
void lg_link_text(const struct lg_link *link, char out[LG_CHAIN_HEX + 1]);
int lg_link_parse(struct lg_str hex, struct lg_link *ret) LG_MUST_CHECK;

/* A digest over many rows fed one by one, e.g. of one committed batch; same framing. */
#define LG_DIGEST_STATE_BYTES 384
struct lg_digest {
    _Alignas(64) unsigned char state[LG_DIGEST_STATE_BYTES];
};
void lg_digest_init(struct lg_digest *d, struct lg_str domain, const struct lg_link *prev);
void lg_digest_add(struct lg_digest *d, struct lg_str column);
struct lg_link lg_digest_final(struct lg_digest *d);

#endif
