/* Blocks of records as bytes: what is written reads again, damage is refused, memory may fail. */
#include "bus/block.h"
#include "bus/bytes.h"
#include "lg_test.h"

static struct lg_block_writer *w;

static int setup(void **state)
{
    (void)state;
    return lg_block_writer_new(1, &w);
}

static int teardown(void **state)
{
    (void)state;
    lg_block_writer_free(w);
    return 0;
}

static void test_numbers(void **state)
{
    static const uint64_t values[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX >> 1, UINT64_MAX};
    static const int64_t signed_values[] = {0, -1, 1, INT64_MIN, INT64_MAX, -1000000007};
    uint8_t b[16];
    const uint8_t *p;
    uint64_t v = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        size_t n = lg_varint_put(b, values[i]);

        assert_true(n <= 10);
        p = b;
        assert_true(lg_varint_get(&p, b + n, &v));
        assert_true(v == values[i] && p == b + n);
        p = b;
        assert_false(lg_varint_get(&p, b + n - 1, &v));
        lg_be64_put(b, values[i]);
        assert_true(lg_be64_get(b) == values[i]);
        lg_le64_put(b, values[i]);
        assert_true(lg_le64_get(b) == values[i]);
    }
    for (size_t i = 0; i < sizeof(signed_values) / sizeof(*signed_values); i++)
        assert_true(lg_unzigzag(lg_zigzag(signed_values[i])) == signed_values[i]);
    memset(b, 0xff, sizeof(b)); /* longer than any number */
    p = b;
    assert_false(lg_varint_get(&p, b + sizeof(b), &v));
}

#define RECORDS 1000

/* A block of many shapes of records: *ret is a copy that ends where the block ends. */
static struct lg_str write_block(uint64_t seed)
{
    static char values[RECORDS][40], keys[RECORDS][16];
    struct lg_bus_header h[3][2];
    struct lg_block_head head;
    struct lg_str bytes;

    for (int i = 0; i < 3; i++) {
        h[i][0] = (struct lg_bus_header){LG_STR("lg-schema"), LG_STR("raw/1")};
        h[i][1] = (struct lg_bus_header){LG_STR("lg-tenant"),
                i == 0           ? LG_STR("a")
                        : i == 1 ? LG_STR("b")
                                 : LG_STR("")};
    }
    lg_block_begin(w, 3, 7, 1000);
    for (int i = 0; i < RECORDS; i++) {
        uint64_t r = next_random(&seed);
        struct lg_bus_record rec = {.headers = h[r % 3], .n_headers = r % 5 == 0 ? 0 : 2};

        (void)snprintf(values[i], sizeof(values[i]), "value %d", i);
        (void)snprintf(keys[i], sizeof(keys[i]), "k%d", i % 10);
        rec.key = r % 7 == 0 ? lg_str_of(NULL, 0) : lg_str_z(keys[i]);
        rec.value = i % 11 == 0 ? lg_str_of(NULL, 0)
                                : lg_str_of(values[i], i % 13 == 0 ? 0 : strlen(values[i]));
        assert_int_equal(lg_block_add(w, &rec, i % 2 == 0 ? INT64_MIN + i : INT64_MAX - i), 0);
    }
    assert_int_equal(lg_block_finish(w, &bytes, &head), 0);
    assert_int_equal(head.n, RECORDS);
    assert_int_equal(head.max_time, INT64_MAX - 1);
    return exact(bytes.p, bytes.n);
}

static void test_round_trip(void **state)
{
    struct lg_str bytes = write_block(1);
    struct lg_block *b;
    uint64_t seed = 1;

    (void)state;
    assert_true(bytes.n < 12000);
    assert_int_equal(lg_block_read(bytes, &b), 0);
    free_exact(bytes);
    assert_int_equal(b->head.topic, 3);
    assert_int_equal(b->head.partition, 7);
    assert_int_equal(b->head.n, RECORDS);
    for (int i = 0; i < RECORDS; i++) {
        uint64_t r = next_random(&seed);
        const struct lg_bus_record *rec = &b->records[i];
        char want[40];

        assert_int_equal(rec->offset, 1000 + i);
        assert_true(rec->bus_time == (i % 2 == 0 ? INT64_MIN + i : INT64_MAX - i));
        assert_int_equal(rec->n_headers, r % 5 == 0 ? 0 : 2);
        if (rec->n_headers == 2)
            assert_str(rec->headers[1].value, r % 3 == 0 ? "a" : r % 3 == 1 ? "b" : "");
        (void)snprintf(want, sizeof(want), "k%d", i % 10);
        assert_str(rec->key, r % 7 == 0 ? "" : want);
        (void)snprintf(want, sizeof(want), "value %d", i);
        assert_str(rec->value, i % 11 == 0 || i % 13 == 0 ? "" : want);
        assert_int_equal(rec->value.p == NULL, i % 11 == 0);
    }
    lg_block_free(b);
}

/* Every single bit is under the checksum, and every cut is seen. */
static void test_damage(void **state)
{
    struct lg_str bytes = write_block(2);
    uint8_t *copy = lg_memdup(bytes.p, bytes.n);
    struct lg_block *b;

    (void)state;
    for (size_t i = 0; i < bytes.n; i++) {
        copy[i] ^= (uint8_t)(1u << (i % 8));
        assert_int_equal(lg_block_read(lg_str_of((char *)copy, bytes.n), &b), LG_ECORRUPT);
        copy[i] ^= (uint8_t)(1u << (i % 8));
    }
    for (size_t n = 0; n < bytes.n; n += n < 100 ? 1 : 97) {
        struct lg_str cut = exact(bytes.p, n);

        assert_int_equal(lg_block_read(cut, &b), LG_ECORRUPT);
        free_exact(cut);
    }
    lg_free(copy);
    free_exact(bytes);
}

/* Damage under a checksum that fits: refused or read, never out of bounds. */
static void test_sealed_damage(void **state)
{
    uint64_t rnd = 3;
    struct lg_bus_record rec = {.key = LG_STR("key"), .value = LG_STR("v")};
    struct lg_bus_header h = {LG_STR("name"), LG_STR("value")};
    struct lg_block_head head;
    struct lg_str bytes;
    int refused = 0;

    (void)state;
    rec.headers = &h;
    rec.n_headers = 1;
    lg_block_begin(w, 0, 0, 0); /* too small to compress: the payload is read as it is */
    assert_int_equal(lg_block_add(w, &rec, 5), 0);
    assert_int_equal(lg_block_finish(w, &bytes, &head), 0);
    for (int i = 0; i < 20000; i++) {
        uint8_t *copy = lg_memdup(bytes.p, bytes.n);
        size_t at = LG_BLOCK_HEAD_BYTES + next_random(&rnd) % (bytes.n - LG_BLOCK_HEAD_BYTES);
        struct lg_block *b = NULL;

        copy[at] = (uint8_t)next_random(&rnd);
        if (i % 3 == 0)
            copy[24 + next_random(&rnd) % 16] = (uint8_t)next_random(&rnd);
        lg_block_seal(copy, bytes.n);
        if (lg_block_read(lg_str_of((char *)copy, bytes.n), &b) == LG_ECORRUPT)
            refused++;
        lg_block_free(b);
        lg_free(copy);
    }
    assert_true(refused > 1000 && refused < 20000);
}

static void test_memory(void **state)
{
    struct lg_str bytes = write_block(4);
    struct lg_bus_header h = {LG_STR("name"), LG_STR("value")};
    struct lg_bus_record rec = {.key = LG_STR("k"), .value = LG_STR("v"), .headers = &h};
    struct lg_block_head head;
    struct lg_str again;
    uint64_t n;

    (void)state;
    for (n = 1;; n++) {
        struct lg_block *b = NULL;
        int rc;

        (void)lg_mem_fail_from(n);
        rc = lg_block_read(bytes, &b);
        (void)lg_mem_fail_from(0);
        lg_block_free(b);
        if (rc == 0)
            break;
        assert_int_equal(rc, LG_ENOMEM);
    }
    assert_true(n > 3);
    free_exact(bytes);
    rec.n_headers = 1;
    for (n = 1;; n++) {
        struct lg_block_writer *one = NULL;
        int rc;

        (void)lg_mem_fail_from(n);
        rc = lg_block_writer_new(1, &one);
        if (rc == 0) {
            lg_block_begin(one, 0, 0, 0);
            rc = lg_block_add(one, &rec, 1);
        }
        if (rc == 0)
            rc = lg_block_finish(one, &again, &head);
        (void)lg_mem_fail_from(0);
        lg_block_writer_free(one);
        if (rc == 0)
            break;
        assert_int_equal(rc, LG_ENOMEM);
    }
    assert_true(n > 4);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            T(test_numbers),
            T(test_round_trip),
            T(test_damage),
            T(test_sealed_damage),
            T(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
