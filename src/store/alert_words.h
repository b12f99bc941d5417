#ifndef LG_STORE_ALERT_WORDS_H
#define LG_STORE_ALERT_WORDS_H

#include <stdint.h>

#include "base/str.h"
#include "base/vec.h"

/*
 * Texts kept once each, numbered from 0, in one stretch of memory, so that a search for a substring
 * is one pass over it. Texts and needles hold no '\n'. Thread: readers together, or one writer.
 */
struct lg_words {
    LG_VEC(char) text;   /* each text and '\n' */
    LG_VEC(uint32_t) at; /* where each begins */
    uint32_t *table;     /* number + 1 by hash; 0: free */
    size_t table_cap;    /* power of two */
    uint64_t seen[256];  /* how often each byte is in `text` */
};

void lg_words_done(struct lg_words *w);
/* The text's number, a new one where it is new. LG_ENOMEM, LG_ELIMIT (4 GiB). */
int lg_words_add(struct lg_words *w, struct lg_str s, uint32_t *ret) LG_MUST_CHECK;
/* LG_ENOENT */
int lg_words_find(const struct lg_words *w, struct lg_str s, uint32_t *ret) LG_MUST_CHECK;
struct lg_str lg_words_get(const struct lg_words *w, uint32_t i);
/* Sets the bits of the texts that hold the needle (not empty); returns how many those are. */
size_t lg_words_match(const struct lg_words *w, struct lg_str needle, uint64_t *bits);
size_t lg_words_bytes(const struct lg_words *w);

static inline size_t lg_words_bits(const struct lg_words *w) /* length of `bits` */
{
    return w->at.n / 64 + 1;
}
static inline bool lg_words_bit(const uint64_t *bits, uint32_t i)
{
    return (bits[i / 64] >> i % 64 & 1) != 0;
}

#endif
