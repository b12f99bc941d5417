#include "windows_fixture.h"

#define FLAT(rest)                                                                                 \
    "{\"Channel\":\"Security\",\"EventID\":4672,\"Hostname\":\"WS1\",\"TimeCreated\":"             \
    "\"2022-08-08T12:49:34.894Z\",\"SubjectUserName\":\"a\"" rest "}"

static void header_time_gets_the_offset(void **state)
{
    const struct lg_norm_stream_options opt = {
            .header_offset_ns = 7 * 3600 * LG_NS_PER_SEC, .endpoint = {"", 0}};
    struct win_out o;

    (void)state;
    win_one(&o, &opt, FLAT(""));
    assert_event(&o, "privileges_assigned");
    assert_true(lg_str_eq(o.ev.format, LG_STR("flat-export")));
    assert_time(&o, "2022-08-08T19:49:34.894Z");
    assert_int_equal(o.ev.flags, LG_EVF_NO_IDENTITY);
    assert_host(&o, "ws1");
    win_out_done(&o);
}

static void provider_may_be_missing(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            "{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":5,"
            "\"Hostname\":\"WS1\",\"TimeCreated\":\"2020-10-18 02:17:06.330\","
            "\"UtcTime\":\"2020-10-18 06:17:06.330\",\"ProcessId\":\"9\"}");
    assert_event(&o, "process_terminate");
    assert_time(&o, "2020-10-18T06:17:06.330Z");
    win_out_done(&o);
}

/* Channel is the header's: the cleared log is in the message. */
static void cleared_log_is_not_the_channel(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            "{\"Channel\":\"System\",\"EventID\":104,\"Hostname\":\"WS1\","
            "\"SourceName\":\"Microsoft-Windows-Eventlog\",\"TimeCreated\":"
            "\"2022-08-08T12:49:34.894Z\",\"Message\":\"The Application log file was cleared.\"}");
    assert_event(&o, "log_clear");
    assert_field(&o, CLEARED_CHANNEL, "Application");
    win_out_done(&o);
    win_one(&o, NULL,
            "{\"Channel\":\"System\",\"EventID\":104,\"Hostname\":\"WS1\","
            "\"SourceName\":\"Microsoft-Windows-Eventlog\",\"TimeCreated\":"
            "\"2022-08-08T12:49:34.894Z\"}");
    assert_event(&o, "log_clear");
    assert_unset(&o, CLEARED_CHANNEL);
    win_out_done(&o);
}

static void skew_counts_the_false_clock(void **state)
{
    struct lg_normalizer *nz;
    int64_t skew;

    (void)state;
    assert_int_equal(lg_normalizer_new(&nz), 0);
    assert_true(lg_format_header_skew(nz,
            LG_STR("{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":5,"
                   "\"TimeCreated\":\"2020-10-18 02:17:06.330\","
                   "\"UtcTime\":\"2020-10-18 18:17:06.330\"}"),
            false, &skew));
    assert_int_equal(skew, 16 * 3600 * LG_NS_PER_SEC);
    lg_normalizer_free(nz);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(header_time_gets_the_offset),
            cmocka_unit_test(provider_may_be_missing),
            cmocka_unit_test(cleared_log_is_not_the_channel),
            cmocka_unit_test(skew_counts_the_false_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
