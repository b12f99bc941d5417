#include "lg_test.h"

#include "crypto/encode.h"
#include "crypto/hmac.h"

/* Test vectors of RFC 4231. */

static void check(struct lg_str key, struct lg_str data, const char *want)
{
    char hex[2 * LG_HMAC_SHA256_BYTES + 1];
    uint8_t out[LG_HMAC_SHA256_BYTES];

    for (size_t cut = 0; cut <= data.n; cut++) { /* however the message is cut */
        const struct lg_str parts[] = {
                lg_str_sub(data, 0, cut), LG_STR(""), lg_str_sub(data, cut, data.n)};

        lg_hmac_sha256(key, parts, 3, out);
        lg_hex_encode(out, sizeof(out), hex);
        assert_string_equal(hex, want);
    }
}

static void test_vectors(void **state)
{
    char key[131], data[50];

    (void)state;
    memset(key, 0x0b, 20);
    check(lg_str_of(key, 20), LG_STR("Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    check(LG_STR("Jefe"), LG_STR("what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    memset(data, 0xdd, sizeof(data));
    check(lg_str_of(key, 20), lg_str_of(data, 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    check(lg_str_of(key, 131), LG_STR("Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    check(LG_STR(""), LG_STR(""),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
