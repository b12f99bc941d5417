#ifndef LG_BASE_MEM_H
#define LG_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The only place that calls malloc. Every function returns NULL when memory is out (or when a
 * test asked for the n-th allocation to fail); none aborts. Thread: any.
 */
void *lg_malloc(size_t size) __attribute__((malloc, warn_unused_result));
void *lg_calloc(size_t n, size_t size) __attribute__((malloc, warn_unused_result));
/* Overflow-checked array resize; on failure the old block stays valid and owned by the caller. */
void *lg_realloc_array(void *p, size_t n, size_t size) LG_MUST_CHECK;
void *lg_memdup(const void *p, size_t n) LG_MUST_CHECK; /* n may be 0 */
char *lg_strndup(const char *p, size_t n) LG_MUST_CHECK;
/* 64-byte aligned, up to a multiple of 64; freed with lg_free. */
void *lg_aligned_alloc(size_t size) LG_MUST_CHECK;
void *lg_aligned_zalloc(size_t size) LG_MUST_CHECK;
/* The same on huge pages where the kernel has them: for tables that are read all over, whose rows
 * would each cost a walk of the page tables. Rounds up to 2 MiB. */
void *lg_huge_alloc(size_t size) LG_MUST_CHECK;
void lg_free(void *p);

/* Owned locals: LG_CLEANUP(lg_cleanup_free) char *p = ...; hand out with LG_TAKE(p). */
#define LG_CLEANUP(fn) __attribute__((cleanup(fn)))
static inline void lg_cleanup_free(void *pp)
{
    lg_free(*(void **)pp);
}
#define LG_TAKE(p)                                                                                 \
    __extension__({                                                                                \
        __typeof__(p) lg_taken_ = (p);                                                             \
        (p) = NULL;                                                                                \
        lg_taken_;                                                                                 \
    })

/*
 * For a process that runs for months, before its threads start. The system's allocator keeps eight
 * heaps for each core and lets large buffers of busy moments settle in them, where what stays behind
 * holds their pages. A heap for each core, and large buffers beside them.
 */
void lg_mem_long_run(void);

/* Test support: the n-th allocation of this thread from now (1 = next) and all after it fail;
 * 0 switches off. Returns how many allocations were made since the last call. */
uint64_t lg_mem_fail_from(uint64_t n);

#endif
