#ifndef LG_TESTS_UNIT_LG_TEST_H
#define LG_TESTS_UNIT_LG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

/* What most unit tests need: comparing views, copies that end where the heap block ends, files. */

#define assert_str(s, want) assert_str_at((s), (want), __FILE__, __LINE__)
static inline void assert_str_at(struct lg_str s, const char *want, const char *file, int line)
{
    if (s.n == strlen(want) && (s.n == 0 || memcmp(s.p, want, s.n) == 0))
        return;
    print_error("\"%.*s\" (%zu) is not \"%s\" (%zu)\n", (int)s.n, s.p, s.n, want, strlen(want));
    _fail(file, line);
}

/* A block of exactly these bytes, so that a sanitizer sees a read past them. lg_free it. */
static inline struct lg_str exact(const void *p, size_t n)
{
    return lg_str_of((const char *)lg_memdup(p, n), n);
}

static inline void free_exact(struct lg_str s)
{
    lg_free((void *)(uintptr_t)s.p);
}

/* Whole file, followed by `slack` zero bytes. free() it; fails the test when it cannot be read. */
static inline struct lg_str read_file(const char *path, size_t slack)
{
    FILE *f = fopen(path, "rb");
    char *p;
    long n;

    if (f == NULL)
        fail_msg("cannot open %s", path);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    n = ftell(f);
    assert_true(n >= 0);
    rewind(f);
    p = (char *)calloc(1, (size_t)n + slack + 1);
    assert_non_null(p);
    assert_int_equal(fread(p, 1, (size_t)n, f), (size_t)n);
    (void)fclose(f);
    return lg_str_of(p, (size_t)n);
}

static inline void free_file(struct lg_str s)
{
    free((void *)(uintptr_t)s.p);
}

/* Deterministic numbers for mutation and property tests (splitmix64). */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

#endif
