#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "normalize/audit_record.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static void assert_str(struct lg_str got, const char *want)
{
    if (!lg_str_eq(got, lg_str_z(want)))
        fail_msg("got '%.*s', want '%s'", LG_STR_FMT(got), want);
}

/* ---- headers ---- */

static void test_heads(void **state)
{
    static const struct {
        const char *line;
        const char *node, *host, *type;
        int64_t ms;
        uint64_t serial;
        const char *body;
    } rows[] = {
            {"type=CWD msg=audit(1481077231.371:479):  cwd=\"/\"", "", "", "CWD", 1481077231371,
                    479, "cwd=\"/\""},
            {"node=web1.example.org type=EOE msg=audit(1615114232.375:15558):", "web1.example.org",
                    "", "EOE", 1615114232375, 15558, ""},
            {"type=1400 audit(1523.123:4294967295): apparmor=\"DENIED\"", "", "", "1400", 1523123,
                    4294967295, "apparmor=\"DENIED\""},
            {"audit: type=1327 audit(5.000:1): proctitle=41", "", "", "PROCTITLE", 5000, 1,
                    "proctitle=41"},
            {"[   12.345678] audit: type=1300 audit(5.000:2): arch=c000003e", "", "", "SYSCALL",
                    5000, 2, "arch=c000003e"},
            {"Nov 23 09:00:00 db7 audispd: type=CWD msg=audit(5.000:3): cwd=\"/\"", "", "db7",
                    "CWD", 5000, 3, "cwd=\"/\""},
            {"Nov  3 09:00:00 db7 audispd[9]: node=n type=CWD msg=audit(5.000:3): cwd=\"/\"", "n",
                    "db7", "CWD", 5000, 3, "cwd=\"/\""},
            {"<13>1 2024-11-23T09:00:00.123Z db8 audispd 77 - - type=CWD msg=audit(5.000:4): x=1",
                    "", "db8", "CWD", 5000, 4, "x=1"},
            {"<38>Nov 23 09:00:00 db9 kernel: audit: type=1307 audit(5.000:5): cwd=\"/\"", "",
                    "db9", "CWD", 5000, 5, "cwd=\"/\""},
            {"2024-11-23T09:00:00+01:00 db10 audisp-syslog: type=CWD msg=audit(5.000:6): x=1", "",
                    "db10", "CWD", 5000, 6, "x=1"},
            {"type=UNKNOWN[1327] msg=audit(5.000:7): proctitle=41", "", "", "PROCTITLE", 5000, 7,
                    "proctitle=41"},
            {"type=UNKNOWN[1999] msg=audit(5.000:8): a=b", "", "", "UNKNOWN[1999]", 5000, 8, "a=b"},
            {"type=PROCTITLE msg=audit(5.000:9):", "", "", "PROCTITLE", 5000, 9, ""},
    };
    struct lg_audit_head h;

    (void)state;
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct lg_str line = lg_str_z(rows[i].line);

        assert_true(lg_audit_head_sniff(line));
        assert_int_equal(lg_audit_head_parse(line, &h), 0);
        assert_str(h.node, rows[i].node);
        assert_str(h.host, rows[i].host);
        assert_str(h.type_name, rows[i].type);
        assert_int_equal(h.time_ns, rows[i].ms * 1000000);
        assert_int_equal(h.serial, rows[i].serial);
        assert_str(h.body, rows[i].body);
    }
}

static void test_bad_heads(void **state)
{
    static const char *const rows[] = {
            "",
            "type=",
            "type=CWD",
            "type=CWD msg=",
            "type=CWD msg=audit(",
            "type=UNKNOWN[1329] msg=?",
            "type=CWD msg=audit(5.000): x=1",
            "type=CWD msg=audit(:3): x=1",
            "type=CWD msg=audit(5.000:): x=1",
            "type=CWD msg=audit(5.000:3",
            "type=CWD msg=audit(5.0x0:3): a",
            "type=CWD msg=audit(5.000:-3): a",
            "type=CWD msg=audit(-5.000:3): a",
            "type=CWD msg=audit(5.000:18446744073709551616): a",
            "type=CWD msg=audit(99999999999999999999.000:3): a",
            "type=SYSCALL msg=audit(11/10/2020 07:48:16.155:92733): arch=x86_64",
            "# a comment",
            "----",
            "time->Tue Nov 10 07:48:16 2020",
            "node=a audit(5.000:3): x=1",
    };
    struct lg_audit_head h;

    (void)state;
    for (size_t i = 0; i < N_OF(rows); i++)
        assert_int_equal(lg_audit_head_parse(lg_str_z(rows[i]), &h), LG_EPARSE);
    assert_false(lg_audit_head_sniff(LG_STR("# a comment")));
    assert_false(lg_audit_head_sniff(LG_STR("Nov 23 09:00:00 host sshd[1]: Accepted password")));
    assert_false(lg_audit_head_sniff(LG_STR("prototype=x msg=audit(1.000:2): a=b")));
}

static void test_long_names_are_refused(void **state)
{
    struct lg_audit_head h;
    char line[1024];

    (void)state;
    snprintf(line, sizeof(line), "node=%0255d type=CWD msg=audit(5.000:3): x=1", 1);
    assert_int_equal(lg_audit_head_parse(lg_str_z(line), &h), 0);
    snprintf(line, sizeof(line), "node=%0256d type=CWD msg=audit(5.000:3): x=1", 1);
    assert_int_equal(lg_audit_head_parse(lg_str_z(line), &h), LG_EPARSE);
}

static void test_types(void **state)
{
    (void)state;
    assert_int_equal(lg_audit_type_find(LG_STR("USER_AUTH"))->kind, LG_AUDIT_LOGON);
    assert_true(lg_audit_type_find(LG_STR("USER_AUTH"))->single);
    assert_int_equal(lg_audit_type_find(LG_STR("AUOMS_EXECVE"))->kind, LG_AUDIT_AUOMS);
    assert_int_equal(lg_audit_type_find(LG_STR("NEVER_HEARD_OF"))->kind, LG_AUDIT_OTHER);
    assert_int_equal(lg_audit_type_find(LG_STR(""))->kind, LG_AUDIT_OTHER);
}

/* ---- fields ---- */

/* All fields as "key=value" with the quote character behind the value, space separated. */
static void assert_fields(const char *body, const char *want, bool want_cut)
{
    struct lg_audit_cursor c;
    struct lg_audit_kv kv;
    char got[4096] = "";
    size_t n = 0;

    lg_audit_cursor_init(&c, lg_str_z(body));
    while (lg_audit_cursor_next(&c, &kv))
        n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%.*s=%.*s%s%c", n > 0 ? "|" : "",
                LG_STR_FMT(kv.key), LG_STR_FMT(kv.val), kv.quote != 0 ? " " : "",
                kv.quote != 0 ? kv.quote : '.');
    assert_string_equal(got, want);
    assert_int_equal(c.cut, want_cut);
}

static void test_fields(void **state)
{
    (void)state;
    assert_fields("a=1  b=\"x y\" c=(null)", "a=1.|b=x y \"|c=(null).", false);
    assert_fields("a= b=2", "a=.|b=2.", false);
    assert_fields("", "", false);
    assert_fields("no key here", "", false);
    assert_fields("=5 a=1", "a=1.", false);
    assert_fields("subj==unconfined key=\"k\"", "subj==unconfined.|key=k \"", false);
    assert_fields("tty pid=3 changing system time exe=\"/x\"", "pid=3.|exe=/x \"", false);
    /* an open quote: the line was cut */
    assert_fields("a=1 b=\"x y", "a=1.|b=x y \"", true);
    assert_fields("saddr=0200 SADDR={ fam=inet laddr=1.2.3.4",
            "saddr=0200.|SADDR= fam=inet laddr=1.2.3.4 {", true);
    assert_fields("l=[\"a b\",\"c\"] m=[x", "l=\"a b\",\"c\" [|m=[x.", false);
}

static void test_enriched(void **state)
{
    (void)state;
    assert_fields("ses=1 key=(null)\x1d"
                  "ARCH=x86_64 UID=\"root\"",
            "ses=1.|key=(null).|ARCH=x86_64.|UID=root \"", false);
    /* the separator was lost: fields are glued to the last value */
    assert_fields("key=(null)ARCH=x86_64 SYSCALL=execve AUID=\"unset\"",
            "key=(null).|ARCH=x86_64.|SYSCALL=execve.|AUID=unset \"", false);
    assert_fields("key=\"k\"ARCH=x86_64", "key=k \"|ARCH=x86_64.", false);
    assert_fields("ses=4294967295AUID=\"unset\" UID=\"root\"",
            "ses=4294967295.|AUID=unset \"|UID=root \"", false);
    assert_fields(
            "cap_fver=0OUID=\"root\" OGID=\"adm\"", "cap_fver=0.|OUID=root \"|OGID=adm \"", false);
    assert_fields(
            "res=1UID=\"root\" OLD-AUID=\"unset\"", "res=1.|UID=root \"|OLD-AUID=unset \"", false);
    /* a key in hex ends in a letter that could begin the glued one */
    assert_fields("key=6D6F6AARCH=x86_64", "key=6D6F6A.|ARCH=x86_64.", false);
    assert_fields("saddr=100000000000SADDR={ fam=netlink nlnk-fam=16 }",
            "saddr=100000000000.|SADDR= fam=netlink nlnk-fam=16  {", false);
    /* with a separator in place nothing is glued: what looks so is part of the value */
    assert_fields("path=/x/UID=5\x1dUID=\"root\"", "path=/x/UID=5.|UID=root \"", false);
}

static void test_message(void **state)
{
    (void)state;
    assert_fields("pid=1 msg='op=login acct=\"u\" res=success'",
            "pid=1.|op=login.|acct=u \"|res=success.", false);
    assert_fields("pid=1 msg='op=login res=success'UID=\"root\" AUID=\"unset\"",
            "pid=1.|op=login.|res=success.|UID=root \"|AUID=unset \"", false);
    assert_fields("pid=1 msg='op=login res=failed'\x1d"
                  "UID=\"root\"",
            "pid=1.|op=login.|res=failed.|UID=root \"", false);
    /* a quote that a client smuggled in does not end the message */
    assert_fields("msg='hostname=x' res=success acct=\"u\" res=failed'",
            "hostname=x'.|res=success.|acct=u \"|res=failed.", false);
    assert_fields("msg='op=x", "op=x.", true);
    assert_fields("msg='' a=1", "a=1.", false);
    assert_fields("pid=1 msg='", "pid=1.", true);
}

/* ---- values ---- */

static void test_text(void **state)
{
    static const struct {
        const char *val;
        char quote;
        bool upper_only;
        const char *want;
    } rows[] = {
            {"abc", '"', false, "abc"},
            {"2F746D70", '"', false, "2F746D70"}, /* quoted is never hex */
            {"2F746D70", 0, false, "/tmp"},
            {"2f746d70", 0, false, "/tmp"},
            {"2f746d70", 0, true, "2f746d70"},
            {"2F746D70", 0, true, "/tmp"},
            {"2F746D7", 0, false, "2F746D7"}, /* odd */
            {"2F74zz70", 0, false, "2F74zz70"},
            {"root", 0, true, "root"},
            {"(null)", 0, false, ""},
            {"(null)", '"', false, "(null)"},
            {"?", 0, false, ""},
            {"", 0, false, ""},
            {"", '"', false, ""},
    };
    struct lg_arena arena;
    struct lg_str s;

    (void)state;
    lg_arena_init(&arena, 1u << 20);
    for (size_t i = 0; i < N_OF(rows); i++) {
        struct lg_audit_kv kv = {LG_STR("k"), lg_str_z(rows[i].val), rows[i].quote};

        assert_int_equal(lg_audit_kv_text(&kv, rows[i].upper_only, &arena, &s), 0);
        assert_str(s, rows[i].want);
    }
    lg_arena_done(&arena);
}

static void test_text_out_of_memory(void **state)
{
    struct lg_audit_kv kv = {LG_STR("k"), LG_STR("4142"), 0};
    struct lg_arena arena;
    struct lg_str s;

    (void)state;
    lg_arena_init(&arena, 1u << 20);
    (void)lg_mem_fail_from(1);
    assert_int_equal(lg_audit_kv_text(&kv, false, &arena, &s), LG_ENOMEM);
    (void)lg_mem_fail_from(0);
    lg_arena_done(&arena);
}

static void test_numbers(void **state)
{
    uint32_t arg, piece;
    uint64_t v = 7;

    (void)state;
    assert_int_equal(lg_audit_arg_key(LG_STR("a0"), &arg, &piece), LG_AUDIT_ARG_VALUE);
    assert_int_equal(arg, 0);
    assert_int_equal(lg_audit_arg_key(LG_STR("a12[345]"), &arg, &piece), LG_AUDIT_ARG_VALUE);
    assert_int_equal(arg, 12);
    assert_int_equal(piece, 345);
    assert_int_equal(lg_audit_arg_key(LG_STR("a7_len"), &arg, &piece), LG_AUDIT_ARG_LEN);
    assert_int_equal(arg, 7);
    assert_int_equal(lg_audit_arg_key(LG_STR("argc"), &arg, &piece), LG_AUDIT_ARG_NONE);
    assert_int_equal(lg_audit_arg_key(LG_STR("a"), &arg, &piece), LG_AUDIT_ARG_NONE);
    assert_int_equal(lg_audit_arg_key(LG_STR("a1["), &arg, &piece), LG_AUDIT_ARG_NONE);
    assert_int_equal(lg_audit_arg_key(LG_STR("a1[]"), &arg, &piece), LG_AUDIT_ARG_NONE);
    assert_int_equal(lg_audit_arg_key(LG_STR("a1[2"), &arg, &piece), LG_AUDIT_ARG_NONE);
    assert_int_equal(lg_audit_arg_key(LG_STR("a1[2]x"), &arg, &piece), LG_AUDIT_ARG_NONE);
    assert_int_equal(lg_audit_arg_key(LG_STR("a1234567890"), &arg, &piece), LG_AUDIT_ARG_NONE);
    assert_int_equal(lg_audit_arg_key(LG_STR("a1_size"), &arg, &piece), LG_AUDIT_ARG_NONE);
    assert_true(lg_audit_octal(LG_STR("0100302"), &v));
    assert_int_equal(v, 0100302);
    assert_false(lg_audit_octal(LG_STR("0189"), &v));
    assert_false(lg_audit_octal(LG_STR(""), &v));
    assert_false(lg_audit_octal(LG_STR("1234567123456712345671"), &v));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_heads),
            cmocka_unit_test(test_bad_heads),
            cmocka_unit_test(test_long_names_are_refused),
            cmocka_unit_test(test_types),
            cmocka_unit_test(test_fields),
            cmocka_unit_test(test_enriched),
            cmocka_unit_test(test_message),
            cmocka_unit_test(test_text),
            cmocka_unit_test(test_text_out_of_memory),
            cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
