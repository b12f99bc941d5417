#include "lg_test.h"

#include "base/parse.h"
#include "net/syslog.h"

static lg_time at(const char *iso)
{
    lg_time t;

    assert_int_equal(lg_parse_time_iso(lg_str_z(iso), &t), 0);
    return t;
}

static struct lg_syslog parse_at(const char *text, const char *received)
{
    struct lg_str copy = exact(text, strlen(text));
    struct lg_syslog m;

    memset(&m, 0xa5, sizeof(m));
    assert_int_equal(lg_syslog_parse(copy, at(received), &m), 0);
    free_exact(copy);
    /* the views went with the copy: give back ones of the text itself */
    assert_int_equal(lg_syslog_parse(lg_str_z(text), at(received), &m), 0);
    return m;
}

static struct lg_syslog parse(const char *text)
{
    return parse_at(text, "2024-05-01T12:00:00Z");
}

/* The examples of RFC 5424, 6.5. */
static void test_5424(void **state)
{
    struct lg_syslog m = parse("<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - "
                               "\xef\xbb\xbf'su root' failed for lonvick on /dev/pts/8");

    (void)state;
    assert_int_equal(m.version, 1);
    assert_int_equal(m.facility, 4);
    assert_int_equal(m.severity, 2);
    assert_true(m.has_pri && m.has_time);
    assert_int_equal(m.time, at("2003-10-11T22:14:15.003Z"));
    assert_str(m.host, "mymachine.example.com");
    assert_str(m.app, "su");
    assert_str(m.procid, "");
    assert_str(m.msgid, "ID47");
    assert_str(m.data, "");
    assert_str(m.msg, "'su root' failed for lonvick on /dev/pts/8");

    m = parse("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time");
    assert_int_equal(m.facility, 20);
    assert_int_equal(m.time, at("2003-08-24T12:14:15.000003Z"));
    assert_str(m.procid, "8710");
    assert_str(m.msg, "%% It's time");

    m = parse("<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [exampleSDID@32473 iut=\"3\" "
              "eventSource=\"A\\\"p]\\\\\" eventID=\"1011\"][b@1 c=\"high\"]");
    assert_str(m.data,
            "[exampleSDID@32473 iut=\"3\" eventSource=\"A\\\"p]\\\\\" eventID=\"1011\"]"
            "[b@1 c=\"high\"]");
    assert_str(m.msg, "");
    m = parse("<14>1 - - - - - -");
    assert_int_equal(m.version, 1);
    assert_false(m.has_time);
    assert_str(m.host, "");
    assert_str(m.msg, "");
}

static void test_3164(void **state)
{
    struct lg_syslog m = parse_at(
            "<34>Oct 11 22:14:15 mymachine su: 'su root' failed\n", "2003-10-12T00:00:00Z");

    (void)state;
    assert_int_equal(m.version, 0);
    assert_int_equal(m.time, at("2003-10-11T22:14:15Z"));
    assert_str(m.host, "mymachine");
    assert_str(m.app, "su");
    assert_str(m.msg, "'su root' failed");

    m = parse("<13>May  1 09:05:06 web01 sshd[412]: Accepted publickey for root\r\n");
    assert_int_equal(m.time, at("2024-05-01T09:05:06Z"));
    assert_str(m.host, "web01");
    assert_str(m.app, "sshd");
    assert_str(m.procid, "412");
    assert_str(m.msg, "Accepted publickey for root");

    m = parse("<86>2024-05-01T09:05:06.5+02:00 web01 audit: type=SYSCALL");
    assert_int_equal(m.time, at("2024-05-01T07:05:06.5Z"));
    assert_str(m.host, "web01");
    assert_str(m.app, "audit");

    m = parse("<13>May  1 09:05:06 su: no host here");
    assert_str(m.host, "");
    assert_str(m.app, "su");
    assert_str(m.msg, "no host here");

    m = parse("<30>systemd[1]: Started.");
    assert_false(m.has_time);
    assert_str(m.app, "systemd");
    assert_str(m.procid, "1");
}

/* A date has no year there: the one nearest to the arrival is meant. */
static void test_years(void **state)
{
    (void)state;
    assert_int_equal(parse_at("<13>Dec 31 23:59:59 h a: b", "2024-01-01T00:00:05Z").time,
            at("2023-12-31T23:59:59Z"));
    assert_int_equal(parse_at("<13>Jan  1 00:00:01 h a: b", "2023-12-31T23:59:58Z").time,
            at("2024-01-01T00:00:01Z"));
    assert_int_equal(parse_at("<13>Feb 29 00:00:01 h a: b", "2024-03-01T00:00:00Z").time,
            at("2024-02-29T00:00:01Z"));
    assert_int_equal(parse_at("<13>Feb 29 00:00:01 h a: b", "2025-03-01T00:00:00Z").time,
            at("2024-02-29T00:00:01Z"));
}

static void test_what_is_neither(void **state)
{
    static const char *const whole[] = {"just text", "type=SYSCALL msg=audit(1.2:3): x",
            "{\"json\":true}", "<192>Oct 11 22:14:15 h a: b", "<1234>x", "<>x", "<-1>x", "<",
            "2024 was a year", "\xff\xfe\x01"};
    struct lg_syslog m;

    (void)state;
    for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
        m = parse(whole[i]);
        assert_str(m.msg, whole[i]);
        assert_false(m.has_pri);
        assert_int_equal(m.facility, 1);
        assert_int_equal(m.severity, 5);
    }
    m = parse("<13>Foo 99 25:61:61 nothing like a date");
    assert_true(m.has_pri);
    assert_false(m.has_time);
    assert_str(m.msg, "Foo 99 25:61:61 nothing like a date");
    m = parse("<13>1 not-a-time h a p m - text"); /* 5424's form, not its rules */
    assert_int_equal(m.version, 0);
    m = parse("<13>1 2024-01-01T00:00:00Z h a p m [broken");
    assert_int_equal(m.version, 0);
    assert_int_equal(lg_syslog_parse(LG_STR(""), 0, &m), LG_EPARSE);
    assert_int_equal(lg_syslog_parse(LG_STR("\r\n\0"), 0, &m), LG_EPARSE);
}

/* Every prefix of a message parses, and reads nothing past its end. */
static void test_prefixes(void **state)
{
    static const char *const texts[] = {
            "<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [a@1 b=\"c\\\"]\"][d e=\"\"] msg",
            "<34>Oct 11 22:14:15 mymachine su[12]: 'su root' failed"};
    struct lg_syslog m;

    (void)state;
    for (size_t t = 0; t < 2; t++)
        for (size_t n = 1; n <= strlen(texts[t]); n++) {
            struct lg_str cut = exact(texts[t], n);

            assert_int_equal(lg_syslog_parse(cut, 0, &m), 0);
            assert_true(m.msg.n <= n);
            free_exact(cut);
        }
}

/* ---- framing ---- */

/* Feeds `text` in pieces and joins the messages: "a|b!|" (! marks a cut one); "#" for an error. */
static void frames(
        enum lg_syslog_framing mode, size_t max, struct lg_str text, size_t piece, const char *want)
{
    struct lg_syslog_frames fr;
    struct lg_buf got;
    struct lg_str m;
    bool cut;
    int rc = 0;

    lg_syslog_frames_init(&fr, mode, max);
    lg_buf_init(&got, 1u << 20);
    for (size_t i = 0; i < text.n && rc >= 0; i += piece) {
        assert_int_equal(lg_syslog_frames_feed(&fr, lg_str_sub(text, i, i + piece)), 0);
        while ((rc = lg_syslog_frames_next(&fr, &m, &cut)) == 1) {
            lg_buf_adds(&got, m);
            lg_buf_adds(&got, cut ? LG_STR("!|") : LG_STR("|"));
        }
    }
    if (rc < 0)
        lg_buf_addc(&got, '#');
    else if (lg_syslog_frames_last(&fr, &m, &cut) == 1) {
        lg_buf_adds(&got, m);
        lg_buf_addc(&got, '$');
    }
    lg_buf_addc(&got, '\0');
    if (strcmp(got.p, want) != 0)
        fail_msg("pieces of %zu: \"%s\" is not \"%s\"", piece, got.p, want);
    lg_buf_done(&got);
    lg_syslog_frames_done(&fr);
}

static void all_pieces(
        enum lg_syslog_framing mode, size_t max, struct lg_str text, const char *want)
{
    for (size_t piece = 1; piece <= text.n + 1; piece++)
        frames(mode, max, text, piece, want);
}

static void test_lines(void **state)
{
    (void)state;
    all_pieces(LG_FRAMING_NEWLINE, 100, LG_STR("<1>a\n<2>b\r\n\n\nc\0d\n"), "<1>a|<2>b|c|d|");
    all_pieces(LG_FRAMING_NEWLINE, 100, LG_STR("a\nlast"), "a|last$");
    all_pieces(
            LG_FRAMING_NEWLINE, 4, LG_STR("1234\n12345\n123456789\nok\n"), "1234|1234!|1234!|ok|");
    all_pieces(LG_FRAMING_NEWLINE, 100, LG_STR("5 <1>ab\n"), "5 <1>ab|");
}

static void test_octets(void **state)
{
    (void)state;
    all_pieces(LG_FRAMING_OCTETS, 100, LG_STR("5 <1>a\n4 <2>b11 <3>line\nmore"),
            "<1>a|<2>b|<3>line\nmor|#");
    all_pieces(LG_FRAMING_OCTETS, 100, LG_STR("4 <1>a\n4 <2>b\n"), "<1>a|<2>b|");
    all_pieces(LG_FRAMING_OCTETS, 4, LG_STR("9 <1>abcdef4 <2>b"), "<1>a!|<2>b|");
    all_pieces(LG_FRAMING_OCTETS, 100, LG_STR("x"), "#");
    all_pieces(LG_FRAMING_OCTETS, 100, LG_STR("04 <1>a"), "#");
    all_pieces(LG_FRAMING_OCTETS, 100, LG_STR("12345678901 <1>a"), "#");
    all_pieces(LG_FRAMING_OCTETS, 100, LG_STR("10 <1>half"), ""); /* never half a message */
}

static void test_auto(void **state)
{
    (void)state;
    all_pieces(LG_FRAMING_AUTO, 100, LG_STR("4 <1>a7 <2>b\ncd<3>line\n5 <4>cd<5>x\n"),
            "<1>a|<2>b\ncd|<3>line|<4>cd|<5>x|");
    all_pieces(LG_FRAMING_AUTO, 100, LG_STR("2024-01-01 text\n12 monkeys\n7\n"),
            "2024-01-01 text|12 monkeys|7|");
    all_pieces(LG_FRAMING_AUTO, 100, LG_STR("123"), "123$");
}

/* One message of any length holds a bounded amount. */
static void test_bounded(void **state)
{
    struct lg_syslog_frames fr;
    static char block[65536];
    struct lg_str m;
    bool cut;
    int n = 0;

    (void)state;
    memset(block, 'x', sizeof(block));
    lg_syslog_frames_init(&fr, LG_FRAMING_AUTO, 10000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(lg_syslog_frames_feed(&fr, lg_str_of(block, sizeof(block))), 0);
        while (lg_syslog_frames_next(&fr, &m, &cut) == 1) {
            assert_true(cut);
            assert_int_equal(m.n, 10000);
            n++;
        }
        assert_true(fr.buf.cap < 400000);
    }
    assert_int_equal(n, 1);
    assert_int_equal(fr.truncated, 1);
    lg_syslog_frames_done(&fr);
}

static void test_frames_out_of_memory(void **state)
{
    struct lg_syslog_frames fr;

    (void)state;
    lg_syslog_frames_init(&fr, LG_FRAMING_AUTO, 100);
    (void)lg_mem_fail_from(1);
    assert_int_equal(lg_syslog_frames_feed(&fr, LG_STR("<1>a\n")), LG_ENOMEM);
    (void)lg_mem_fail_from(0);
    assert_int_equal(lg_syslog_frames_feed(&fr, LG_STR("<1>a\n")), 0);
    lg_syslog_frames_done(&fr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_5424),
            cmocka_unit_test(test_3164),
            cmocka_unit_test(test_years),
            cmocka_unit_test(test_what_is_neither),
            cmocka_unit_test(test_prefixes),
            cmocka_unit_test(test_lines),
            cmocka_unit_test(test_octets),
            cmocka_unit_test(test_auto),
            cmocka_unit_test(test_bounded),
            cmocka_unit_test(test_frames_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
