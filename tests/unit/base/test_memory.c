/* Allocation, arenas, vectors and maps, also when memory is out. */
#include "cm.h"

#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"

static void test_fail_from(void **state)
{
    void *p;

    (void)state;
    lg_mem_fail_from(2);
    p = lg_malloc(1);
    assert_non_null(p);
    lg_free(p);
    assert_null(lg_malloc(1));
    assert_null(lg_calloc(1, 1));
    assert_null(lg_strndup("a", 1));
    assert_null(lg_memdup("a", 1));
    assert_null(lg_aligned_zalloc(8));
    assert_int_equal(lg_mem_fail_from(0), 6);
}

static void test_overflow(void **state)
{
    (void)state;
    assert_null(lg_realloc_array(NULL, SIZE_MAX / 2, 3));
    assert_null(lg_calloc(SIZE_MAX / 2, 3));
    assert_null(lg_aligned_zalloc(SIZE_MAX - 8));
}

static void test_copies(void **state)
{
    char *z = lg_strndup("abcdef", 3);
    char *m = lg_memdup("xyz", 0), *a = lg_aligned_zalloc(65);

    (void)state;
    assert_string_equal(z, "abc");
    assert_non_null(m);
    assert_int_equal((uintptr_t)a % 64, 0);
    for (int i = 0; i < 128; i++)
        assert_int_equal(a[i], 0);
    lg_free(z);
    lg_free(m);
    lg_free(a);
    lg_free(NULL);
}

static void test_arena(void **state)
{
    struct lg_arena a;
    struct lg_str s;
    char *p;

    (void)state;
    lg_arena_init(&a, 1 << 20);
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < 500; n++) {
            p = lg_arena_zalloc(&a, n);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            memset(p, 0xff, n);
        }
        p = lg_arena_alloc(&a, 300000); /* a block of its own */
        assert_non_null(p);
        memset(p, 0xff, 300000);
        assert_int_equal(lg_arena_dup(&a, LG_STR("copy"), &s), 0);
        assert_memory_equal(s.p, "copy", 4);
        assert_null(lg_arena_alloc(&a, 1 << 20));
        assert_null(lg_arena_alloc(&a, SIZE_MAX - 4));
        assert_true(a.held_bytes <= a.max_bytes);
        lg_arena_clear(&a);
        assert_int_equal(a.used_bytes, 0);
    }
    lg_arena_done(&a);
    assert_int_equal(a.held_bytes, 0);
    lg_mem_fail_from(1);
    assert_null(lg_arena_alloc(&a, 10));
    assert_int_equal(lg_arena_dup(&a, LG_STR("copy"), &s), LG_ENOMEM);
    lg_mem_fail_from(0);
    lg_arena_done(&a);
    lg_arena_done(NULL);
}

/* After a clear the kept blocks are used again: nothing new is allocated. */
static void test_arena_reuse(void **state)
{
    struct lg_arena a;

    (void)state;
    lg_arena_init(&a, 1 << 20);
    for (int i = 0; i < 3000; i++)
        assert_non_null(lg_arena_alloc(&a, 100));
    lg_arena_clear(&a);
    lg_mem_fail_from(1);
    for (int i = 0; i < 3000; i++)
        assert_non_null(lg_arena_alloc(&a, 100));
    lg_mem_fail_from(0);
    lg_arena_done(&a);
}

static void test_vector(void **state)
{
    LG_VEC(uint32_t) v = {0};

    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(lg_vec_push(&v, i * 3), 0);
    lg_mem_fail_from(1);
    assert_int_equal(lg_vec_reserve(&v, 100000), LG_ENOMEM);
    lg_mem_fail_from(0);
    assert_int_equal(v.n, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(v.v[i], i * 3);
    lg_vec_done(&v);
    assert_null(v.v);
}

/* Random puts and deletions against a plain table. */
static void test_map(void **state)
{
    static uint64_t plain[512];
    static bool there[512];
    struct lg_map m;
    uint64_t x = 1;
    size_t n = 0;

    (void)state;
    lg_map_init(&m);
    assert_null(lg_map_get(&m, 5));
    assert_false(lg_map_del(&m, 5));
    for (int i = 0; i < 200000; i++) {
        size_t k;

        x = x * 6364136223846793005u + 1442695040888963407u;
        k = (size_t)(x >> 33) % 512;
        if ((x >> 60) < 7) {
            assert_int_equal(lg_map_del(&m, k << 20), there[k]);
            n -= there[k];
            there[k] = false;
        } else {
            assert_int_equal(lg_map_put(&m, k << 20, x), 0);
            n += !there[k];
            there[k] = true;
            plain[k] = x;
        }
        assert_int_equal(m.n, n);
    }
    for (size_t k = 0; k < 512; k++) {
        uint64_t *v = lg_map_get(&m, k << 20);

        assert_int_equal(v != NULL, there[k]);
        if (v != NULL)
            assert_true(*v == plain[k]);
    }
    lg_map_clear(&m);
    assert_null(lg_map_get(&m, 0));
    lg_map_done(&m);
    lg_map_done(NULL);
}

static void test_map_no_memory(void **state)
{
    struct lg_map m;
    bool is_new;
    uint64_t *v;

    (void)state;
    lg_map_init(&m);
    for (uint64_t i = 0; i < 12; i++)
        assert_int_equal(lg_map_put(&m, i, i), 0);
    lg_mem_fail_from(1);
    assert_int_equal(lg_map_put(&m, 12, 12), LG_ENOMEM);
    lg_mem_fail_from(0);
    assert_int_equal(m.n, 12);
    assert_null(lg_map_get(&m, 12));
    v = lg_map_at(&m, 3, 99, &is_new);
    assert_false(is_new);
    assert_int_equal(*v, 3);
    v = lg_map_at(&m, 40, 99, &is_new);
    assert_true(is_new);
    assert_int_equal(*v, 99);
    lg_map_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_fail_from),
            cmocka_unit_test(test_overflow),
            cmocka_unit_test(test_copies),
            cmocka_unit_test(test_arena),
            cmocka_unit_test(test_arena_reuse),
            cmocka_unit_test(test_vector),
            cmocka_unit_test(test_map),
            cmocka_unit_test(test_map_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
