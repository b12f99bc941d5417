#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#define ARENA_BLOCK_BYTES ((size_t)64 * 1024)

struct lg_arena_block {
    struct lg_arena_block *next;
    size_t cap;
    size_t used;
    _Alignas(16) unsigned char data[];
};

void lg_arena_init(struct lg_arena *a, size_t max_bytes)
{
    memset(a, 0, sizeof(*a));
    a->max_bytes = max_bytes;
}

void lg_arena_clear(struct lg_arena *a)
{
    while (a->head != NULL) {
        struct lg_arena_block *b = a->head;

        a->head = b->next;
        if (b->cap > ARENA_BLOCK_BYTES) {
            a->held_bytes -= b->cap;
            lg_free(b);
            continue;
        }
        b->next = a->free;
        a->free = b;
    }
    a->used_bytes = 0;
}

void lg_arena_done(struct lg_arena *a)
{
    if (a == NULL)
        return;
    lg_arena_clear(a);
    while (a->free != NULL) {
        struct lg_arena_block *b = a->free;

        a->free = b->next;
        lg_free(b);
    }
    a->held_bytes = 0;
}

static struct lg_arena_block *arena_grow(struct lg_arena *a, size_t size)
{
    struct lg_arena_block *b = a->free;
    size_t cap = size > ARENA_BLOCK_BYTES ? size : ARENA_BLOCK_BYTES;

    if (b != NULL && size <= b->cap) {
        a->free = b->next;
    } else {
        if (cap > a->max_bytes || a->held_bytes > a->max_bytes - cap)
            return NULL;
        b = lg_malloc(sizeof(*b) + cap);
        if (b == NULL)
            return NULL;
        b->cap = cap;
        a->held_bytes += cap;
    }
    b->used = 0;
    b->next = a->head;
    a->head = b;
    return b;
}

void *lg_arena_alloc(struct lg_arena *a, size_t size)
{
    struct lg_arena_block *b = a->head;
    void *p;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    if (b == NULL || b->cap - b->used < size) {
        b = arena_grow(a, size);
        if (b == NULL)
            return NULL;
    }
    p = b->data + b->used;
    b->used += size;
    a->used_bytes += size;
    return p;
}

void *lg_arena_zalloc(struct lg_arena *a, size_t size)
{
    void *p = lg_arena_alloc(a, size);

    if (p != NULL)
        memset(p, 0, size);
    return p;
}

int lg_arena_dup(struct lg_arena *a, struct lg_str s, struct lg_str *ret)
{
    char *p = lg_arena_alloc(a, s.n);

    if (p == NULL)
        return LG_ENOMEM;
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    *ret = (struct lg_str){p, s.n};
    return 0;
}
