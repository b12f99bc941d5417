#ifndef LG_STORE_SHARED_H
#define LG_STORE_SHARED_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "crypto/ids.h"

/* What every back end answers with the same bytes. Thread: any. */

/* Case-folds for substring search: ASCII and the simple folds of Latin, Greek and Cyrillic. */
void lg_text_fold(struct lg_str s, struct lg_buf *out);

/* First 8 bytes of an id as a positive number: what breaks ties in lists. */
static inline int64_t lg_id_key(const struct lg_uuid *id)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | id->b[i];
    return (int64_t)(v >> 1);
}

/* MAC-protected cursor of `n` bytes. */
int lg_cursor_seal(const uint8_t key[32], const void *p, size_t n, struct lg_arena *a,
        struct lg_str *ret) LG_MUST_CHECK;
int lg_cursor_open(const uint8_t key[32], struct lg_str text, void *ret, size_t n) LG_MUST_CHECK;

/* Growing array in an arena. */
int lg_arena_array(
        struct lg_arena *a, void **v, uint32_t n, uint32_t *cap, size_t size) LG_MUST_CHECK;

#endif
