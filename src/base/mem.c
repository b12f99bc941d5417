#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static _Thread_local uint64_t alloc_count;
static _Thread_local uint64_t fail_from;

static bool must_fail(void)
{
    alloc_count++;
    return fail_from != 0 && alloc_count >= fail_from;
}

uint64_t lg_mem_fail_from(uint64_t n)
{
    uint64_t made = alloc_count;

    alloc_count = 0;
    fail_from = n;
    return made;
}

void *lg_malloc(size_t size)
{
    if (must_fail())
        return NULL;
    return malloc(size > 0 ? size : 1);
}

void *lg_calloc(size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total) || must_fail())
        return NULL;
    return total > 0 ? calloc(n, size) : calloc(1, 1);
}

void *lg_realloc_array(void *p, size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total) || must_fail())
        return NULL;
    return realloc(p, total > 0 ? total : 1);
}

void *lg_memdup(const void *p, size_t n)
{
    void *d = lg_malloc(n);

    if (d != NULL && n > 0)
        memcpy(d, p, n);
    return d;
}

char *lg_strndup(const char *p, size_t n)
{
    char *d = lg_malloc(n + 1);

    if (d == NULL)
        return NULL;
    if (n > 0)
        memcpy(d, p, n);
    d[n] = '\0';
    return d;
}

void *lg_aligned_alloc(size_t size)
{
    if (must_fail() || size > SIZE_MAX - 64)
        return NULL;
    size = (size + 63) / 64 * 64;
    return aligned_alloc(64, size > 0 ? size : 64);
}

#define HUGE_PAGE ((size_t)2 << 20)

void *lg_huge_alloc(size_t size)
{
    void *p;

    if (size < HUGE_PAGE)
        return lg_aligned_alloc(size);
    if (must_fail() || size > SIZE_MAX - HUGE_PAGE)
        return NULL;
    size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    p = aligned_alloc(HUGE_PAGE, size);
#ifdef MADV_HUGEPAGE
    if (p != NULL)
        (void)madvise(p, size, MADV_HUGEPAGE); /* a kernel without them goes on with small ones */
#endif
    return p;
}

void *lg_aligned_zalloc(size_t size)
{
    void *p = lg_aligned_alloc(size);

    if (p != NULL)
        memset(p, 0, size > 0 ? (size + 63) / 64 * 64 : 64);
    return p;
}

void lg_free(void *p)
{
    free(p);
}

#ifdef __GLIBC__
#define LARGE_BYTES (4 << 20)
#define SLACK_BYTES                                                                                \
    (16 << 20) /* free at a heap's end before it shrinks: each growth costs faults */

void lg_mem_long_run(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    (void)mallopt(M_ARENA_MAX, cores < 2 ? 2 : cores > 16 ? 16 : (int)cores);
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, SLACK_BYTES);
}
#else
void lg_mem_long_run(void)
{
}
#endif
