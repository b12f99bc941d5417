#include "lg_test.h"

#include "crypto/encode.h"

static void encode_is(enum lg_base64 kind, const char *bytes, const char *want)
{
    struct lg_buf out;

    lg_buf_init(&out, 1024);
    lg_base64_encode(kind, lg_str_z(bytes), &out);
    assert_str(lg_buf_str(&out), want);
    lg_buf_done(&out);
}

/* RFC 4648, section 10 */
static void test_base64_vectors(void **state)
{
    static const char *const v[][3] = {{"", "", ""}, {"f", "Zg==", "Zg"}, {"fo", "Zm8=", "Zm8"},
            {"foo", "Zm9v", "Zm9v"}, {"foob", "Zm9vYg==", "Zm9vYg"},
            {"fooba", "Zm9vYmE=", "Zm9vYmE"}, {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
            {"\xfb\xff\xbf", "+/+/", "-_-_"}};
    char out[16];

    (void)state;
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        int n = (int)strlen(v[i][0]);

        encode_is(LG_BASE64_STD, v[i][0], v[i][1]);
        encode_is(LG_BASE64_URL, v[i][0], v[i][2]);
        assert_int_equal(lg_base64_decode(LG_BASE64_STD, lg_str_z(v[i][1]), out, 16), n);
        assert_memory_equal(out, v[i][0], n);
        assert_int_equal(lg_base64_decode(LG_BASE64_URL, lg_str_z(v[i][2]), out, 16), n);
        assert_memory_equal(out, v[i][0], n);
        for (int k = 1; k <= 2; k++) {
            assert_int_equal(lg_base64_decode(LG_BASE64_LENIENT, lg_str_z(v[i][k]), out, 16), n);
            assert_memory_equal(out, v[i][0], n);
        }
        if (n > 0) /* room for one byte less */
            assert_int_equal(lg_base64_decode(LG_BASE64_STD, lg_str_z(v[i][1]), out, (size_t)n - 1),
                    LG_ELIMIT);
    }
}

static void test_base64_refuses(void **state)
{
    static const struct {
        enum lg_base64 kind;
        const char *text;
    } bad[] = {{LG_BASE64_STD, "Zg"}, {LG_BASE64_STD, "Zg="}, {LG_BASE64_STD, "Zg==="},
            {LG_BASE64_STD, "Z"}, {LG_BASE64_STD, "Zh=="}, {LG_BASE64_STD, "Zm9="},
            {LG_BASE64_STD, "Zg==Zg=="}, {LG_BASE64_STD, "Zm 9"}, {LG_BASE64_STD, "Zm9v\n"},
            {LG_BASE64_STD, "-_-_"}, {LG_BASE64_URL, "+/+/"}, {LG_BASE64_URL, "Zg=="},
            {LG_BASE64_LENIENT, "Zg="}, {LG_BASE64_LENIENT, "=Zg="}, {LG_BASE64_LENIENT, "===="}};
    char out[16];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (lg_base64_decode(bad[i].kind, lg_str_z(bad[i].text), out, 16) != LG_EPARSE)
            fail_msg("accepted: %s", bad[i].text);
}

static void test_hex(void **state)
{
    char text[9];
    uint8_t out[4];

    (void)state;
    lg_hex_encode("\x00\x7f\x80\xff", 4, text);
    assert_string_equal(text, "007f80ff");
    assert_int_equal(lg_hex_decode(LG_STR("007F80ff"), out, 4), 4);
    assert_memory_equal(out, "\x00\x7f\x80\xff", 4);
    assert_int_equal(lg_hex_decode(LG_STR("007F80ff"), out, 3), LG_ELIMIT);
    assert_int_equal(lg_hex_decode(LG_STR("007"), out, 4), LG_EPARSE);
    assert_int_equal(lg_hex_decode(LG_STR("0g"), out, 4), LG_EPARSE);
    assert_int_equal(lg_hex_decode(LG_STR(""), out, 0), 0);
}

static void test_base32(void **state)
{
    static const char *const v[][2] = {{"", ""}, {"f", "my"}, {"fo", "mzxq"}, {"foo", "mzxw6"},
            {"foob", "mzxw6yq"}, {"fooba", "mzxw6ytb"}, {"foobar", "mzxw6ytboi"}};
    static const char *const bad[] = {"m", "MY", "mz1q", "mzx", "mzxw6y", "mz", "my======", "m y"};
    char text[32], out[16];

    (void)state;
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        size_t n = strlen(v[i][0]), chars = strlen(v[i][1]);

        assert_int_equal(lg_base32_encode(v[i][0], n, text, chars + 1), 0);
        assert_string_equal(text, v[i][1]);
        assert_int_equal(lg_base32_encode(v[i][0], n, text, chars), LG_ELIMIT);
        assert_int_equal(lg_base32_decode(lg_str_z(v[i][1]), out, 16), (int)n);
        assert_memory_equal(out, v[i][0], n);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (lg_base32_decode(lg_str_z(bad[i]), out, 16) != LG_EPARSE)
            fail_msg("accepted: %s", bad[i]);
    assert_int_equal(lg_base32_decode(LG_STR("mzxw6ytb"), out, 4), LG_ELIMIT);
}

/* Every text that decodes encodes to itself: one text, one meaning. */
static void test_round_trips(void **state)
{
    uint64_t seed = 7;
    uint8_t bytes[64], back[64];
    char text[128];
    struct lg_buf b64;

    (void)state;
    lg_buf_init(&b64, 256);
    for (int round = 0; round < 2000; round++) {
        size_t n = next_random(&seed) % 65;
        struct lg_str s;

        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)next_random(&seed);
        for (int kind = LG_BASE64_STD; kind <= LG_BASE64_URL; kind++) {
            lg_buf_clear(&b64);
            lg_base64_encode((enum lg_base64)kind, lg_str_of((char *)bytes, n), &b64);
            s = exact(b64.p, b64.n);
            assert_int_equal(lg_base64_decode((enum lg_base64)kind, s, back, 64), (int)n);
            assert_memory_equal(back, bytes, n);
            free_exact(s);
        }
        assert_int_equal(lg_base32_encode(bytes, n, text, sizeof(text)), 0);
        assert_int_equal(lg_base32_decode(lg_str_z(text), back, 64), (int)n);
        assert_memory_equal(back, bytes, n);
    }
    lg_buf_done(&b64);
}

static void test_equal_and_random(void **state)
{
    uint8_t a[32], b[32];

    (void)state;
    lg_crypto_random(a, sizeof(a));
    lg_crypto_random(b, sizeof(b));
    assert_false(lg_crypto_equal(a, b, 32));
    memcpy(b, a, 32);
    assert_true(lg_crypto_equal(a, b, 32));
    b[31] ^= 1;
    assert_false(lg_crypto_equal(a, b, 32));
    lg_crypto_wipe(a, 32);
    memset(b, 0, 32);
    assert_memory_equal(a, b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_base64_vectors),
            cmocka_unit_test(test_base64_refuses),
            cmocka_unit_test(test_hex),
            cmocka_unit_test(test_base32),
            cmocka_unit_test(test_round_trips),
            cmocka_unit_test(test_equal_and_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
