/*
 * Records of every Windows format against the lines that they must become, byte for byte. To make
 * the expected files anew after a change that is meant:
 *     UPDATE_GOLDEN=1 <build>/tests/test_windows_golden_normalize      and read the diff.
 */
#include "windows_fixture.h"

#include "normalize/dead_letter.h"

struct golden {
    const char *file;
    bool whole;           /* one record over several lines */
    const char *endpoint; /* for records without a host */
};

static const struct golden goldens[] = {
        {"winlogbeat6.ndjson", false, ""},
        {"winlogbeat7.ndjson", false, ""},
        {"winlogbeat8.ndjson", false, ""},
        {"nxlog.ndjson", false, ""},
        {"nxlog_utc.ndjson", false, ""},
        {"flat_export.ndjson", false, ""},
        {"flat_export_bare.ndjson", false, ""},
        {"flat_export_2022.ndjson", false, ""},
        {"sysmon_eventdata.ndjson", false, "art-desktop"},
        {"event_xml.xml", false, ""},
        {"event_xml_pretty.xml", true, ""},
        {"event_xml_log_cleared.xml", true, ""},
        {"sysmon_linux.xml", false, ""},
        {"azure.ndjson", false, ""},
        {"splunk_text_4688.txt", true, ""},
        {"splunk_text_4674.txt", true, ""},
};

static int on_event(void *user, const struct lg_event *ev)
{
    lg_event_write(ev, user);
    lg_buf_addc(user, '\n');
    return 0;
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    lg_dead_letter_write(dl, user);
    lg_buf_addc(user, '\n');
    return 0;
}

static void normalize_file(const struct golden *g, struct lg_buf *out)
{
    const struct lg_norm_stream_options opt = {
            .endpoint = lg_str_z(g->endpoint), .input = lg_str_z(g->file)};
    const struct lg_norm_sink sink = {out, on_event, on_dead, NULL};
    struct lg_position pos = {0, 0};
    struct win_out o;
    struct lg_str rest, record;
    size_t n;
    char *text = win_read_file(g->file, &n);

    win_out_init(&o, &opt);
    rest = lg_str_of(text, n);
    while (rest.n > 0) {
        pos.line++;
        pos.offset = (uint64_t)(rest.p - text);
        if (g->whole) {
            record = rest;
            rest.n = 0;
        } else
            assert_true(lg_str_split(&rest, '\n', &record));
        assert_int_equal(lg_normalizer_record(o.nz, o.st, record, false, pos, &sink), 0);
    }
    assert_int_equal(out->failed, 0);
    win_out_done(&o);
    free(text);
}

static void write_expected(const char *name, struct lg_str s)
{
    char path[4096];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/tests/data/windows/%s", LG_SOURCE_DIR, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
    assert_int_equal(fclose(f), 0);
}

static void compare(const char *name, struct lg_str got, struct lg_str want)
{
    struct lg_str a, b;
    size_t line = 0;

    for (;;) {
        bool more_a = lg_str_split(&got, '\n', &a), more_b = lg_str_split(&want, '\n', &b);

        line++;
        if (!more_a && !more_b)
            return;
        if (more_a != more_b || !lg_str_eq(a, b))
            fail_msg("%s:%zu\n got: %.*s\nwant: %.*s", name, line, more_a ? (int)a.n : 0, a.p,
                    more_b ? (int)b.n : 0, b.p);
    }
}

static void every_file_gives_its_expected_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
        char name[256];
        struct lg_buf out;
        size_t n;
        char *want;

        (void)snprintf(name, sizeof(name), "%s.expected", goldens[i].file);
        lg_buf_init(&out, 16u << 20);
        normalize_file(&goldens[i], &out);
        if (getenv("UPDATE_GOLDEN") != NULL)
            write_expected(name, lg_buf_str(&out));
        want = win_read_file(name, &n);
        compare(name, lg_buf_str(&out), lg_str_of(want, n));
        free(want);
        lg_buf_done(&out);
    }
}

/* Every record of the files is of a listed event but for one of each format, Azure's audit line
 * apart, which is an auditd record. */
static void only_unlisted_events_are_dead_letters(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
        char name[256];
        struct lg_str rest, line;
        size_t n;
        char *want;

        (void)snprintf(name, sizeof(name), "%s.expected", goldens[i].file);
        want = win_read_file(name, &n);
        rest = lg_str_of(want, n);
        assert_true(n > 0);
        while (lg_str_split(&rest, '\n', &line))
            if (lg_str_starts(line, LG_STR("{\"reason\"")))
                assert_true(lg_str_starts(line, LG_STR("{\"reason\":\"unsupported_type\"")));
        free(want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_file_gives_its_expected_lines),
            cmocka_unit_test(only_unlisted_events_are_dead_letters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
