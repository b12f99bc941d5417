#include "lg_test.h"

#include <unistd.h>

#include "crypto/ids.h"

static void id_text(const struct lg_str *parts, size_t n, char out[LG_UUID_TEXT + 1])
{
    struct lg_uuid id = lg_uuid_from_tuple(parts, n);

    lg_uuid_text(&id, out);
}

/* Values computed apart with Python's hashlib.blake2b(digest_size=16). */
static void ids_are_blake2b_of_the_tuple(void **state)
{
    const struct lg_str parts[] = {
            LG_STR("default"), LG_STR("ws1"), LG_STR("sysmon"), LG_STR("42")};
    char text[LG_UUID_TEXT + 1];

    (void)state;
    id_text(parts, 4, text);
    assert_string_equal(text, "0954ff6a-ad9e-80c3-863c-9dc2e327e981");
    id_text(parts, 0, text);
    assert_string_equal(text, "cae66941-d9ef-8d40-8e4d-88758ea67670");
}

static void ids_carry_version_and_variant(void **state)
{
    (void)state;
    for (char c = 'a'; c <= 'z'; c++) {
        struct lg_str part = {&c, 1};
        char text[LG_UUID_TEXT + 1];

        id_text(&part, 1, text);
        assert_int_equal(text[14], '8');
        assert_non_null(strchr("89ab", text[19]));
    }
}

static void part_borders_matter(void **state)
{
    const struct lg_str a[] = {LG_STR("ab"), LG_STR("c")}, b[] = {LG_STR("a"), LG_STR("bc")},
                        c[] = {LG_STR("abc")}, d[] = {LG_STR("abc"), LG_STR("")};
    char ta[LG_UUID_TEXT + 1], tb[LG_UUID_TEXT + 1], tc[LG_UUID_TEXT + 1], td[LG_UUID_TEXT + 1];

    (void)state;
    id_text(a, 2, ta);
    id_text(b, 2, tb);
    id_text(c, 1, tc);
    id_text(d, 2, td);
    assert_string_not_equal(ta, tb);
    assert_string_not_equal(ta, tc);
    assert_string_not_equal(tc, td);
}

/* Past the joined buffer the streamed hash takes over: one value for both sides of the border. */
static void long_tuples_are_hashed_the_same_way(void **state)
{
    static char big[1200];
    char text[LG_UUID_TEXT + 1];
    struct lg_str parts[2];

    (void)state;
    memset(big, 'x', sizeof(big));
    parts[0] = lg_str_of(big, 495);
    parts[1] = lg_str_of("y", 1);
    id_text(parts, 2, text);
    assert_string_equal(text, "c9a1ef18-e5b5-893a-9437-02e5eeb05001");
    parts[0].n = 496; /* 8 + 496 + 8 + 1 = 513 */
    id_text(parts, 2, text);
    assert_string_equal(text, "4efe497f-50b2-87a0-8d81-bbeae55f25a7");
    parts[0].n = 1200;
    id_text(parts, 2, text);
    assert_string_equal(text, "9b5efbcb-f54f-8614-afc9-e93cc4c7ac9f");
}

static void uuids_read_back(void **state)
{
    static const char *const bad[] = {"", "00112233-4455-6677-8899-aabbccddeef",
            "00112233-4455-6677-8899-aabbccddeeff0", "00112233-4455-6677-8899-aabbccddeefg",
            "0011223304455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899aaabbccddeeff",
            "{0112233-4455-6677-8899-aabbccddeeff"};
    struct lg_uuid id;
    char text[LG_UUID_TEXT + 1];

    (void)state;
    assert_int_equal(lg_uuid_parse(LG_STR("00112233-4455-6677-8899-AABBccddEEff"), &id), 0);
    lg_uuid_text(&id, text);
    assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(lg_uuid_parse(lg_str_z(bad[i]), &id), LG_EPARSE);
}

static void digests_match_published_values(void **state)
{
    /* BLAKE2b-256 of "abc" (RFC 7693's function, 32 byte digest) */
    static const uint8_t abc[32] = {0xbd, 0xdd, 0x81, 0x3c, 0x63, 0x42, 0x39, 0x72, 0x31, 0x71,
            0xef, 0x3f, 0xee, 0x98, 0x57, 0x9b, 0x94, 0x96, 0x4e, 0x3b, 0xb1, 0xcb, 0x3e, 0x42,
            0x72, 0x62, 0xc8, 0xc0, 0x68, 0xd5, 0x23, 0x19};
    uint8_t out[32];
    char hex[LG_SHA256_HEX + 1];

    (void)state;
    lg_blake2b_256(LG_STR("abc"), out);
    assert_memory_equal(out, abc, 32);
    /* FIPS 180-4 */
    lg_sha256_hex(LG_STR("abc"), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    lg_sha256_hex(LG_STR(""), hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void files_are_hashed_whole(void **state)
{
    char path[] = "test_ids_XXXXXX", file_hex[LG_SHA256_HEX + 1], mem_hex[LG_SHA256_HEX + 1];
    static char big[100000];
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 7);
    assert_int_equal(write(fd, big, sizeof(big)), sizeof(big));
    (void)close(fd);
    assert_int_equal(lg_sha256_file(path, file_hex), 0);
    lg_sha256_hex(lg_str_of(big, sizeof(big)), mem_hex);
    assert_string_equal(file_hex, mem_hex);
    (void)unlink(path);
    assert_int_equal(lg_sha256_file(path, file_hex), LG_ENOENT);
    assert_int_equal(lg_sha256_file("/", file_hex), LG_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(ids_are_blake2b_of_the_tuple),
            cmocka_unit_test(ids_carry_version_and_variant),
            cmocka_unit_test(part_borders_matter),
            cmocka_unit_test(long_tuples_are_hashed_the_same_way),
            cmocka_unit_test(uuids_read_back),
            cmocka_unit_test(digests_match_published_values),
            cmocka_unit_test(files_are_hashed_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
