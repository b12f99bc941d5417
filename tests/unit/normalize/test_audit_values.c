#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "normalize/audit_record.h"
#include "normalize/audit_values.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static struct lg_arena arena;

static void assert_str(struct lg_str got, const char *want)
{
    if (!lg_str_eq(got, lg_str_z(want)))
        fail_msg("got '%.*s', want '%s'", LG_STR_FMT(got), want);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *hex;
        bool little;
        const char *family, *ip, *path;
        int port; /* -1: none */
    } rows[] = {
            {"02000050A9FEA9FE0000000000000000", true, "ipv4", "169.254.169.254", "", 80},
            {"0002D903C0A800010000000000000000", false, "ipv4", "192.168.0.1", "", 55555},
            {"0A002BCB000000000000000000000000000000000000000100000000", true, "ipv6", "::1", "",
                    11211},
            {"0A0001BB0000000020010DB800000000000000000000000200000000", true, "ipv6",
                    "2001:db8::2", "", 443},
            {"0A0001BB0000000000000000000000000000FFFF0A00000100000000", true, "ipv4", "10.0.0.1",
                    "", 443},
            {"01002F6465762F6C6F6700AABB", true, "unix", "", "/dev/log", -1},
            {"01002F6465762F6C6F67", true, "unix", "", "/dev/log", -1},
            {"0100006462757300787800", true, "unix", "", "@dbus@xx", -1},
            {"0100", true, "unix", "", "", -1},
            {"01000000", true, "unix", "", "", -1},
            {"100000000000000000000000", true, "netlink", "", "", -1},
            {"1100", true, "packet", "", "", -1},
            {"0000", true, "unspec", "", "", -1},
            {"FFFF00", true, "other", "", "", -1},
            {"02000050A9FE", true, "ipv4", "", "", -1}, /* too short for its family */
            {"0A000050000000", true, "ipv6", "", "", -1},
    };

    (void)state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct lg_audit_addr a = {0};
        size_t n = strlen(rows[i].hex) / 2;
        char *bytes = malloc(n); /* exact, so that ASan sees a read past the end */

        assert_non_null(bytes);
        assert_true(lg_audit_hex_decode(lg_str_z(rows[i].hex), bytes));
        assert_int_equal(lg_audit_addr_decode(lg_str_of(bytes, n), rows[i].little, &arena, &a), 0);
        assert_true(a.set);
        assert_str(a.family, rows[i].family);
        assert_str(a.ip, rows[i].ip);
        assert_str(a.path, rows[i].path);
        assert_int_equal(a.has_port, rows[i].port >= 0);
        if (rows[i].port >= 0)
            assert_int_equal(a.port, rows[i].port);
        free(bytes);
    }
}

static void test_short_address(void **state)
{
    struct lg_audit_addr a = {0};

    (void)state;
    assert_int_equal(lg_audit_addr_decode(lg_str_of("\x02", 1), true, &arena, &a), 0);
    assert_false(a.set);
    assert_int_equal(lg_audit_addr_decode(LG_STR(""), true, &arena, &a), 0);
    assert_false(a.set);
}

static void test_args(void **state)
{
    static const struct lg_str plain[] = {{"ls", 2}, {"-l", 2}, {"/tmp/it's", 9}};
    static const struct lg_str spaces[] = {
            {"sh", 2}, {"-c", 2}, {"echo 'a b'", 10}, {"", 0}, {"\t", 1}};
    struct lg_str s;

    (void)state;
    assert_int_equal(lg_audit_args_join(plain, 3, true, &arena, &s), 0);
    assert_str(s, "ls -l /tmp/it's");
    assert_int_equal(lg_audit_args_join(spaces, 5, true, &arena, &s), 0);
    assert_str(s, "sh -c 'echo '\\''a b'\\''' '' '\t'");
    assert_int_equal(lg_audit_args_join(spaces, 5, false, &arena, &s), 0);
    assert_str(s, "sh -c echo 'a b'  \t");
    assert_int_equal(lg_audit_args_join(plain, 0, true, &arena, &s), 0);
    assert_str(s, "");
    assert_int_equal(lg_audit_args_join(plain, 1, true, &arena, &s), 0);
    assert_str(s, "ls");
}

static void test_proctitle(void **state)
{
    struct lg_str s;

    (void)state;
    assert_int_equal(lg_audit_proctitle(lg_str_of("a\0-b\0\0", 6), &arena, &s), 0);
    assert_str(s, "a -b");
    assert_int_equal(lg_audit_proctitle(LG_STR("sshd: u [priv]"), &arena, &s), 0);
    assert_str(s, "sshd: u [priv]");
    assert_int_equal(lg_audit_proctitle(lg_str_of("\0\0", 2), &arena, &s), 0);
    assert_str(s, "");
}

static void test_paths(void **state)
{
    static const struct {
        const char *base, *name, *want;
    } rows[] = {
            {"/home/u", "a.txt", "/home/u/a.txt"},
            {"/home/u", "./a.txt", "/home/u/a.txt"},
            {"/home/u", "../v/a.txt", "/home/v/a.txt"},
            {"/home/u/", "a", "/home/u/a"},
            {"/home/u", "/etc/passwd", "/etc/passwd"},
            {"/home/u", "/etc/../root//x/./y/", "/root/x/y"},
            {"/home/u", "../../../../../etc/passwd", "/etc/passwd"},
            {"/", "..", "/"},
            {"/", "", ""},
            {"/a", ".", "/a"},
            {"", "/a/../..", "/"},
            {"", "rel/./x", "rel/./x"}, /* nothing to take it from */
            {"odd", "rel", "rel"},
            {"/a", "..b/.c/...", "/a/..b/.c/..."},
            {"/a", "b/..", "/a"},
            {"", "/", "/"},
            {"", "//", "/"},
            {"", "/tmp/.hidden", "/tmp/.hidden"},
    };
    struct lg_str s;

    (void)state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        assert_int_equal(
                lg_audit_path_join(lg_str_z(rows[i].base), lg_str_z(rows[i].name), &arena, &s), 0);
        assert_str(s, rows[i].want);
    }
}

static void test_out_of_memory(void **state)
{
    static const struct lg_str args[] = {{"a", 1}, {"b", 1}};
    struct lg_audit_addr a = {0};
    struct lg_arena fresh;
    struct lg_str s;

    (void)state;
    lg_arena_init(&fresh, 1u << 20);
    (void)lg_mem_fail_from(1);
    assert_int_equal(lg_audit_args_join(args, 2, true, &fresh, &s), LG_ENOMEM);
    assert_int_equal(lg_audit_path_join(LG_STR("/a"), LG_STR("b"), &fresh, &s), LG_ENOMEM);
    assert_int_equal(lg_audit_proctitle(lg_str_of("a\0b", 3), &fresh, &s), LG_ENOMEM);
    assert_int_equal(
            lg_audit_addr_decode(lg_str_of("\x02\0\0\x50\x01\x02\x03\x04", 8), true, &fresh, &a),
            LG_ENOMEM);
    assert_int_equal(
            lg_audit_addr_decode(lg_str_of("\x01\0\0abc", 6), true, &fresh, &a), LG_ENOMEM);
    assert_false(a.set);
    (void)lg_mem_fail_from(0);
    lg_arena_done(&fresh);
}

static int setup(void **state)
{
    (void)state;
    lg_arena_init(&arena, 1u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lg_arena_done(&arena);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_addresses),
            cmocka_unit_test(test_short_address),
            cmocka_unit_test(test_args),
            cmocka_unit_test(test_proctitle),
            cmocka_unit_test(test_paths),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
