#include "lg_test.h"

#include "crypto/blake2b_many.h"
#include "crypto/ids.h"

#define MESSAGES 700

/* Every way of hashing, over lengths around each border and in orders that make lanes come free at
 * different times, against libsodium. */
static void side_by_side_is_one_after_the_other(void **state)
{
    static char text[4096];
    static struct lg_str in[MESSAGES];
    static uint8_t want[MESSAGES][32], got[MESSAGES][32];
    static const unsigned ways[] = {1, 4, 8};
    uint64_t x = 88172645463325252;
    unsigned tried = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        text[i] = (char)x;
    }
    for (size_t i = 0; i < MESSAGES; i++) {
        size_t n = i < 400 ? i : (i * 7919) % 3000;

        in[i] = lg_str_of(text + i % 97, n);
        lg_blake2b_256(in[i], want[i]);
    }
    for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++)
        for (size_t n = 0; n <= MESSAGES; n = n < 20 ? n + 1 : n + 85) {
            memset(got, 0xaa, sizeof(got));
            if (!lg_blake2b_256_many_by(ways[w], in, n, got))
                continue;
            tried++;
            assert_memory_equal(got, want, n * 32);
            for (size_t i = n; i < MESSAGES; i++)
                assert_int_equal(got[i][0], 0xaa);
        }
    assert_true(tried >= 28);
    memset(got, 0, sizeof(got));
    lg_blake2b_256_many(in, MESSAGES, got);
    assert_memory_equal(got, want, sizeof(want));
}

/* RFC 7693 has no example of 32 bytes; this one is Python's hashlib.blake2b(b"abc", digest_size=32). */
static void a_known_digest(void **state)
{
    static const uint8_t abc[] = {0xbd, 0xdd, 0x81, 0x3c};
    struct lg_str in[3] = {LG_STR("abc"), LG_STR("abc"), LG_STR("abc")};
    uint8_t out[3][32];

    (void)state;
    lg_blake2b_256_many(in, 3, out);
    for (size_t i = 0; i < 3; i++)
        assert_memory_equal(out[i], abc, sizeof(abc));
}

static void another_number_of_lanes_is_refused(void **state)
{
    struct lg_str in = LG_STR("");
    uint8_t out[1][32];

    (void)state;
    assert_false(lg_blake2b_256_many_by(2, &in, 1, out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(side_by_side_is_one_after_the_other),
            cmocka_unit_test(a_known_digest),
            cmocka_unit_test(another_number_of_lanes_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
