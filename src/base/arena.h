#ifndef LG_BASE_ARENA_H
#define LG_BASE_ARENA_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Bump allocator: one per worker and batch; everything in it dies at lg_arena_clear. Blocks are
 * kept between clears, up to `max_bytes` in all; past that an allocation returns NULL.
 * Thread: its owner's.
 */
struct lg_arena {
    struct lg_arena_block *head; /* block in use */
    struct lg_arena_block *free; /* kept for reuse */
    size_t max_bytes;
    size_t held_bytes; /* in all blocks */
    size_t used_bytes; /* handed out since the last clear */
};

void lg_arena_init(struct lg_arena *a, size_t max_bytes);
void lg_arena_clear(struct lg_arena *a);
void lg_arena_done(struct lg_arena *a);
/* 16-byte aligned, not zeroed; NULL when out of memory or over the cap. */
void *lg_arena_alloc(struct lg_arena *a, size_t size) LG_MUST_CHECK;
void *lg_arena_zalloc(struct lg_arena *a, size_t size) LG_MUST_CHECK;
/* Copies the bytes; *ret is valid until the next clear. 0 or LG_ENOMEM. */
int lg_arena_dup(struct lg_arena *a, struct lg_str s, struct lg_str *ret) LG_MUST_CHECK;

#endif
