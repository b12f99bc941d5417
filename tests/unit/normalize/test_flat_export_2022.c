#include "windows_fixture.h"

#define FLAT(times, rest)                                                                          \
    "{\"Provider\":\"Microsoft-Windows-Security-Auditing\",\"Channel\":\"Security\","              \
    "\"Computer\":\"DC01.mssentinel.local\",\"EventRecordID\":\"7448948\",\"EventID\":4689," times \
    "\"ProcessId\":\"0x29d8\",\"Status\":\"0x1\"" rest "}"
#define CREATED "\"TimeCreated\":\"2022-09-26T07:26:05.836Z\","
#define GENERATED "\"TimeGenerated\":\"2022-09-26T11:26:05.836Z\","

/* TimeGenerated comes out of the same 12-hour clock: a known offset to TimeCreated beats it. */
static void offset_comes_before_time_generated(void **state)
{
    const struct lg_norm_stream_options opt = {
            .header_offset_ns = 16 * 3600 * LG_NS_PER_SEC, .endpoint = {"", 0}};
    struct win_out o;

    (void)state;
    win_one(&o, &opt, FLAT(CREATED GENERATED, ""));
    assert_event(&o, "process_terminate");
    assert_true(lg_str_eq(o.ev.format, LG_STR("flat-export-2022")));
    assert_time(&o, "2022-09-26T23:26:05.836Z");
    assert_int_equal(o.ev.flags, 0); /* it has a record number */
    assert_host(&o, "dc01.mssentinel.local");
    assert_number(&o, PROCESS_ID, 0x29d8);
    assert_number(&o, EXIT_CODE, 1);
    win_out_done(&o);
    win_one(&o, NULL, FLAT(CREATED GENERATED, ""));
    assert_time(&o, "2022-09-26T11:26:05.836Z");
    win_out_done(&o);
    win_one(&o, NULL, FLAT("\"@timestamp\":\"2022-09-26T07:26:05.836Z\",", ""));
    assert_time(&o, "2022-09-26T07:26:05.836Z");
    win_out_done(&o);
    win_one(&o, NULL, FLAT(CREATED, ""));
    assert_time(&o, "2022-09-26T07:26:05.836Z");
    win_out_done(&o);
}

/* UtcTime may be half a day from TimeGenerated and still be right. */
static void utc_time_beside_time_generated(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            "{\"Provider\":\"Microsoft-Windows-Sysmon\",\"EventRecordID\":\"1\",\"EventID\":22,"
            "\"Computer\":\"a\"," CREATED GENERATED
            "\"UtcTime\":\"2022-09-26 23:26:05.800\",\"ProcessId\":\"1\",\"QueryName\":\"x\"}");
    assert_event(&o, "dns_query");
    assert_time(&o, "2022-09-26T23:26:05.800Z");
    assert_int_equal(o.ev.flags, 0);
    win_out_done(&o);
}

static void skew_is_that_of_the_false_time(void **state)
{
    struct lg_normalizer *nz;
    int64_t skew;

    (void)state;
    assert_int_equal(lg_normalizer_new(&nz), 0);
    assert_true(lg_format_header_skew(nz,
            LG_STR("{\"Provider\":\"Microsoft-Windows-Sysmon\",\"EventRecordID\":\"1\","
                   "\"EventID\":5," CREATED GENERATED
                   "\"UtcTime\":\"2022-09-26 11:26:05.836\",\"ProcessId\":\"1\"}"),
            false, &skew));
    assert_int_equal(skew, 4 * 3600 * LG_NS_PER_SEC);
    lg_normalizer_free(nz);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(offset_comes_before_time_generated),
            cmocka_unit_test(utc_time_beside_time_generated),
            cmocka_unit_test(skew_is_that_of_the_false_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
