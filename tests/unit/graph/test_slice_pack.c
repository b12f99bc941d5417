/* Slices that wait are kept packed: the same bytes come back, and memory is counted. */
#include "base/mem.h"
#include "graph/slice.h"
#include "lg_test.h"

static uint64_t rnd_state;
static uint32_t rnd(void)
{
    rnd_state = rnd_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rnd_state >> 33) << (rnd_state >> 61) * 4; /* of all lengths */
}

static void *fill(
        struct lg_acct *a, void **v, uint32_t *cap, uint32_t *n, uint32_t want, size_t size)
{
    if (want > 0)
        assert_int_equal(lg_acct_grow(a, v, cap, want, size), 0);
    *n = want;
    for (size_t i = 0; i < want * size / 4; i++) {
        uint32_t w = rnd_state >> 60 < 6 ? 0 : rnd();

        (void)rnd();
        memcpy((char *)*v + 4 * i, &w, sizeof(w));
    }
    return want > 0 ? lg_memdup(*v, want * size) : NULL;
}

struct copies {
    void *v[4];
};

#define FILL(vec, want) fill(a, (void **)&(vec).v, &(vec).cap, &(vec).n, (want), sizeof(*(vec).v))
#define SAME(vec, copy)                                                                            \
    do {                                                                                           \
        if ((vec).n > 0)                                                                           \
            assert_memory_equal((vec).v, copy, (vec).n * sizeof(*(vec).v));                        \
        lg_free(copy);                                                                             \
    } while (0)

static struct copies make(struct lg_acct *a, struct lg_slice *sl, const uint32_t n[4])
{
    return (struct copies){{FILL(sl->procs, n[0]), FILL(sl->nodes, n[1]), FILL(sl->edges, n[2]),
            FILL(sl->aliases, n[3])}};
}

static void test_round_trip(void **state)
{
    static const uint32_t shapes[][4] = {
            {0, 0, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 1}, {3, 5, 7, 11}, {200, 300, 800, 350}};

    (void)state;
    for (size_t k = 0; k < sizeof(shapes) / sizeof(*shapes); k++) {
        struct lg_acct acct = {.tight = true};
        struct lg_slice *sl;
        struct copies was;
        size_t whole;

        rnd_state = k + 1;
        assert_int_equal(lg_slice_new(&acct, 7, &sl), 0);
        was = make(&acct, sl, shapes[k]);
        whole = acct.bytes;
        lg_slice_settle(&acct, sl);
        assert_non_null(sl->packed);
        assert_null(sl->edges.v);
        assert_int_equal(sl->edges.n, shapes[k][2]);
        assert_int_equal(acct.bytes, sizeof(*sl) + sl->packed_bytes);
        lg_slice_pack(&acct, sl); /* once is enough */
        assert_int_equal(lg_slice_unpack(&acct, sl), 0);
        assert_int_equal(lg_slice_unpack(&acct, sl), 0);
        assert_null(sl->packed);
        assert_true(acct.bytes <= whole);
        SAME(sl->procs, was.v[0]);
        SAME(sl->nodes, was.v[1]);
        SAME(sl->edges, was.v[2]);
        SAME(sl->aliases, was.v[3]);
        lg_slice_pack(&acct, sl);
        lg_slice_free(&acct, sl);
        assert_int_equal(acct.bytes, 0);
    }
}

/* Short of memory it stays as it is, and nothing is lost or counted twice. */
static void test_out_of_memory(void **state)
{
    const uint32_t n[4] = {20, 30, 40, 10};
    struct lg_acct acct = {.tight = true};
    struct lg_slice *sl;
    struct copies was;
    size_t packed;

    (void)state;
    rnd_state = 5;
    assert_int_equal(lg_slice_new(&acct, 7, &sl), 0);
    was = make(&acct, sl, n);
    (void)lg_mem_fail_from(1);
    lg_slice_pack(&acct, sl);
    (void)lg_mem_fail_from(0);
    assert_null(sl->packed);
    assert_non_null(sl->edges.v);
    (void)lg_mem_fail_from(2); /* cannot be cut to its size: the larger block stays */
    lg_slice_pack(&acct, sl);
    (void)lg_mem_fail_from(0);
    assert_non_null(sl->packed);
    packed = acct.bytes;
    for (uint64_t i = 1; i <= 4; i++) {
        (void)lg_mem_fail_from(i);
        assert_int_equal(lg_slice_unpack(&acct, sl), LG_ENOMEM);
        (void)lg_mem_fail_from(0);
        assert_int_equal(acct.bytes, packed);
    }
    assert_int_equal(lg_slice_unpack(&acct, sl), 0);
    SAME(sl->procs, was.v[0]);
    SAME(sl->nodes, was.v[1]);
    SAME(sl->edges, was.v[2]);
    SAME(sl->aliases, was.v[3]);
    lg_slice_free(&acct, sl);
    assert_int_equal(acct.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_round_trip),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
