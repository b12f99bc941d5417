#include "capture_fixture.h"

#include "capture/probe.h"

#define MIN_NS (INT64_C(60) * LG_NS_PER_SEC)

static void samples_must_agree(void **state)
{
    int64_t one[] = {7 * 60 * MIN_NS + 3 * MIN_NS};
    int64_t negative[] = {-480 * MIN_NS - 1, -481 * MIN_NS, -479 * MIN_NS};
    int64_t quarter[] = {345 * MIN_NS, 346 * MIN_NS, 344 * MIN_NS}; /* Nepal */
    int64_t most[] = {60 * MIN_NS, 60 * MIN_NS, 60 * MIN_NS, 780 * MIN_NS, 780 * MIN_NS};
    int64_t half[] = {60 * MIN_NS, 60 * MIN_NS, 780 * MIN_NS, 780 * MIN_NS};
    int64_t none[] = {0, 100 * MIN_NS, 200 * MIN_NS, 300 * MIN_NS, 400 * MIN_NS};
    int64_t offset = 77;

    (void)state;
    assert_false(lg_probe_offset(one, 0, &offset));
    assert_true(lg_probe_offset(one, 1, &offset) && offset == 420 * MIN_NS);
    assert_true(lg_probe_offset(negative, 3, &offset) && offset == -480 * MIN_NS);
    assert_true(lg_probe_offset(quarter, 3, &offset) && offset == 345 * MIN_NS);
    assert_true(lg_probe_offset(most, 5, &offset) && offset == 60 * MIN_NS);
    offset = 77;
    assert_false(lg_probe_offset(half, 4, &offset));
    assert_false(lg_probe_offset(none, 5, &offset));
    assert_int_equal(offset, 77);
}

static void capture_data(const char *rel, const struct lg_capture_options *opt)
{
    char path[1024];

    (void)snprintf(path, sizeof(path), "%s/tests/data/%s", LG_SOURCE_DIR, rel);
    capture_path(path, opt);
    assert_int_equal(got.rc, 0);
}

static void the_head_tells_format_and_skew(void **state)
{
    static const struct {
        const char *file, *format;
        bool has_offset;
    } rows[] = {
            {"windows/winlogbeat7.ndjson", "winlogbeat-7", false},
            {"windows/winlogbeat8.ndjson", "winlogbeat-7", false},
            {"windows/nxlog.ndjson", "nxlog", true},
            {"windows/event_xml.xml", "event-xml", false},
            {"windows/sysmon_linux.xml", "sysmon-linux", false},
            {"windows/splunk_text_4688.txt", "splunk-text", false},
            {"audit/go-libaudit-distros.log", "auditd", false},
            {"ebpf/sysflow.ndjson", "sysflow", false},
            {"captures/omerbenamram_sysmon.ndjson.zst", "winlogbeat-7", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t n;

        capture_data(rows[i].file, NULL);
        assert_string_equal(got.format, rows[i].format);
        assert_int_equal(got.has_offset, rows[i].has_offset);
        n = got.n;
        capture_data(rows[i].file, &(struct lg_capture_options){.no_probe = true});
        assert_int_equal(got.n, n); /* looking ahead loses no record */
        assert_string_equal(got.format, "");
    }
}

/* The header says 05:00, UtcTime 12:00: seven hours, found although the first records say nothing. */
static void skew_is_found_behind_other_records(void **state)
{
    struct lg_buf b;

    (void)state;
    lg_buf_init(&b, 32 << 20);
    for (int i = 0; i < 3000; i++)
        lg_buf_printf(&b, "{\"not\":\"known\",\"n\":%d}\n", i);
    for (int i = 0; i < 10; i++)
        lg_buf_printf(&b,
                "{\"SourceName\":\"Microsoft-Windows-Sysmon\",\"Channel\":\"Microsoft-Windows-"
                "Sysmon/Operational\",\"Hostname\":\"h\",\"TimeCreated\":\"2020-10-23T05:00:0%d"
                ".5Z\",\"@timestamp\":\"2020-10-23T05:00:0%d.5Z\",\"EventID\":5,\"UtcTime\":"
                "\"2020-10-23 12:00:0%d.100\",\"ProcessGuid\":\"{aaaaaaaa-0000-0000-0000-"
                "000000000001}\",\"ProcessId\":\"4\",\"Image\":\"System\"}\n",
                i, i, i);
    capture_bytes(lg_buf_str(&b), NULL);
    assert_string_equal(got.format, "flat-export");
    assert_int_equal(got.n, 3010);
    assert_true(got.has_offset);
    assert_true(got.offset_ns == 420 * MIN_NS);
    lg_buf_done(&b);
}

static void oversized_records_are_not_probed(void **state)
{
    struct lg_buf b;

    (void)state;
    lg_buf_init(&b, 32 << 20);
    for (size_t i = 0; i < (size_t)LG_MAX_RECORD_BYTES * 2; i++)
        lg_buf_addc(&b, '{');
    lg_buf_adds(&b, LG_STR("\ntype=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=59\n"));
    capture_bytes(lg_buf_str(&b), NULL);
    assert_string_equal(got.format, "auditd");
    assert_true(got.n == 2 && got.oversized == 1);
    lg_buf_done(&b);
}

#define TEST(f) cmocka_unit_test_teardown(f, captured_done)
int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(samples_must_agree),
            TEST(the_head_tells_format_and_skew),
            TEST(skew_is_found_behind_other_records),
            TEST(oversized_records_are_not_probed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
