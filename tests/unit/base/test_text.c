/* Slices, growing buffers and UTF-8. */
#include "cm.h"

#include "base/mem.h"
#include "base/utf8.h"

static void assert_str(struct lg_str s, const char *want)
{
    assert_int_equal(s.n, strlen(want));
    assert_memory_equal(s.p, want, s.n);
}

static void test_compare(void **state)
{
    (void)state;
    assert_true(lg_str_ieq(LG_STR("LSASS.exe"), LG_STR("lsass.EXE")));
    assert_false(lg_str_ieq(LG_STR("a"), LG_STR("ab")));
    assert_true(lg_str_starts(LG_STR("abc"), LG_STR("")));
    assert_false(lg_str_starts(LG_STR("ab"), LG_STR("abc")));
    assert_true(lg_str_ends(LG_STR("x.dll"), LG_STR(".dll")));
    assert_true(lg_str_istarts(LG_STR("HKLM\\SAM"), LG_STR("hklm")));
    assert_true(lg_str_iends(LG_STR("A.EXE"), LG_STR(".exe")));
    assert_true(lg_str_cmp(LG_STR("a"), LG_STR("ab")) < 0);
    assert_true(lg_str_cmp(LG_STR("b"), LG_STR("ab")) > 0);
    assert_int_equal(lg_str_cmp(LG_STR("ab"), LG_STR("ab")), 0);
    assert_true(lg_str_eq(lg_str_z(NULL), LG_STR("")));
    assert_true(lg_str_eq(lg_str_of("a\0b", 3), LG_STR("a\0b")));
}

static void test_search(void **state)
{
    (void)state;
    assert_int_equal(lg_str_find(LG_STR("aXbX"), LG_STR("X")), 1);
    assert_int_equal(lg_str_find(LG_STR("a"), LG_STR("ab")), -1);
    assert_int_equal(lg_str_find(LG_STR("a"), LG_STR("")), 0);
    assert_int_equal(lg_str_ifind(LG_STR("-EncodedCommand"), LG_STR("encoded")), 1);
    assert_int_equal(lg_str_ifind(LG_STR("enc"), LG_STR("encoded")), -1);
    assert_int_equal(lg_str_chr(LG_STR("a=b=c"), '='), 1);
    assert_int_equal(lg_str_rchr(LG_STR("a=b=c"), '='), 3);
    assert_int_equal(lg_str_chr(lg_str_z(NULL), '='), -1);
}

static void test_cut(void **state)
{
    struct lg_str s = LG_STR("a,,b"), part;

    (void)state;
    assert_str(lg_str_trim(LG_STR(" \t\r\n x y \v")), "x y");
    assert_str(lg_str_trim(LG_STR("  ")), "");
    assert_str(lg_str_sub(LG_STR("abcd"), 1, 3), "bc");
    assert_str(lg_str_sub(LG_STR("abcd"), 3, 99), "d");
    assert_str(lg_str_sub(LG_STR("abcd"), 9, 2), "");
    assert_true(lg_str_split(&s, ',', &part));
    assert_str(part, "a");
    assert_true(lg_str_split(&s, ',', &part));
    assert_str(part, "");
    assert_true(lg_str_split(&s, ',', &part));
    assert_str(part, "b");
    assert_false(lg_str_split(&s, ',', &part));
    assert_str(lg_str_basename(LG_STR("C:\\Windows\\System32\\cmd.exe")), "cmd.exe");
    assert_str(lg_str_basename(LG_STR("/usr/bin/sh")), "sh");
    assert_str(lg_str_basename(LG_STR("sh")), "sh");
}

/* At its maximum a buffer keeps what it had whole, and says so until it is cleared. */
static void test_buffer_maximum(void **state)
{
    struct lg_buf b;

    (void)state;
    lg_buf_init(&b, 300);
    for (int i = 0; i < 300; i++)
        lg_buf_addc(&b, 'x');
    assert_int_equal(b.failed, 0);
    lg_buf_adds(&b, LG_STR("yz"));
    assert_int_equal(b.failed, LG_ELIMIT);
    assert_int_equal(b.n, 300);
    lg_buf_clear(&b);
    assert_int_equal(b.failed, 0);
    lg_buf_printf(&b, "%s-%d", "a", 7);
    assert_str(lg_buf_str(&b), "a-7");
    lg_buf_clear(&b);
    lg_buf_printf(&b, "%0290d", 1); /* longer than the stack's buffer */
    assert_int_equal(b.n, 290);
    assert_int_equal(b.p[289], '1');
    lg_buf_printf(&b, "%0290d", 1);
    assert_int_equal(b.failed, LG_ELIMIT);
    assert_int_equal(b.n, 290);
    lg_buf_done(&b);
    lg_buf_done(NULL);
}

static void test_buffer_no_memory(void **state)
{
    struct lg_buf b;

    (void)state;
    lg_buf_init(&b, 1 << 20);
    lg_mem_fail_from(1);
    lg_buf_adds(&b, LG_STR("x"));
    lg_mem_fail_from(0);
    assert_int_equal(b.failed, LG_ENOMEM);
    assert_int_equal(b.n, 0);
    lg_buf_done(&b);
}

struct utf8_row {
    const char *in;
    const char *want;
    size_t parts;
};

static void test_utf8(void **state)
{
    static const struct utf8_row rows[] = {
            {"plain ascii text that is longer than a word", NULL, 0},
            {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", NULL, 0},
            {"\xef\xbf\xbf \xf4\x8f\xbf\xbf", NULL, 0},
            {"a\xff", "a\xef\xbf\xbd", 1},
            {"12345678\x80", "12345678\xef\xbf\xbd", 1},
            {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", 2}, /* overlong */
            {"\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 3},
            {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 3}, /* surrogate */
            {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", 4},
            {"\xf0\x9f\x98", "\xef\xbf\xbd", 1}, /* cut off: one maximal part */
            {"\xe2\x82", "\xef\xbf\xbd", 1},
            {"\xe2\x82z", "\xef\xbf\xbdz", 1},
            {"\xf8\x88\x80\x80\x80", NULL, 5},
    };
    struct lg_buf b;

    (void)state;
    lg_buf_init(&b, 4096);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lg_str in = lg_str_z(rows[i].in);

        lg_buf_clear(&b);
        assert_int_equal(lg_utf8_valid(in), rows[i].parts == 0);
        assert_int_equal(lg_utf8_repair(&b, in), rows[i].parts);
        assert_true(lg_utf8_valid(lg_buf_str(&b)));
        if (rows[i].want != NULL || rows[i].parts == 0)
            assert_str(lg_buf_str(&b), rows[i].want != NULL ? rows[i].want : rows[i].in);
    }
    lg_buf_done(&b);
}

/* Every code point is written as well-formed UTF-8, or as U+FFFD where it is none. */
static void test_utf8_put(void **state)
{
    struct lg_buf b;

    (void)state;
    lg_buf_init(&b, 64);
    for (uint32_t cp = 0; cp < 0x110100; cp += cp < 0x3000 ? 1 : 61) {
        lg_buf_clear(&b);
        lg_utf8_put(&b, cp);
        assert_true(lg_utf8_valid(lg_buf_str(&b)));
    }
    lg_buf_clear(&b);
    lg_utf8_put(&b, 0x20ac);
    lg_utf8_put(&b, 0xd800);
    lg_utf8_put(&b, 0x110000);
    assert_str(lg_buf_str(&b), "\xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbd");
    lg_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_compare),
            cmocka_unit_test(test_search),
            cmocka_unit_test(test_cut),
            cmocka_unit_test(test_buffer_maximum),
            cmocka_unit_test(test_buffer_no_memory),
            cmocka_unit_test(test_utf8),
            cmocka_unit_test(test_utf8_put),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
