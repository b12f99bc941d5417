#include "windows_fixture.h"

static void host_is_the_streams_endpoint(void **state)
{
    const struct lg_norm_stream_options opt = {.endpoint = LG_STR("ART-Desktop")};
    static const char record[] =
            "{\"ProcessId\":\"2376\",\"EventId\":12,\"TargetObject\":\"HKLM\\\\x\","
            "\"ProcessGuid\":\"{42FC7E13-CA8F-5C05-0000-0010DE794B01}\","
            "\"UtcTime\":\"2018-12-04 00:31:26.356\",\"Image\":\"C:\\\\S.exe\",\"RuleName\":null,"
            "\"EventType\":\"CreateKey\"}";
    struct win_out o;

    (void)state;
    win_one(&o, &opt, record);
    assert_event(&o, "registry_key");
    assert_true(lg_str_eq(o.ev.format, LG_STR("sysmon-eventdata")));
    assert_host(&o, "art-desktop");
    assert_time(&o, "2018-12-04T00:31:26.356Z");
    assert_field(&o, REGISTRY_EVENT_TYPE, "CreateKey");
    assert_unset(&o, RULE_NAME);
    assert_int_equal(o.ev.flags, LG_EVF_NO_IDENTITY);
    win_out_done(&o);
    win_one(&o, NULL, record);
    assert_dead(&o, "missing_identity");
    win_out_done(&o);
}

/* Without a header nothing can disagree with the UtcTime of events 3 and 22. */
static void utc_time_is_the_only_time(void **state)
{
    const struct lg_norm_stream_options opt = {.endpoint = LG_STR("a")};
    struct win_out o;

    (void)state;
    win_one(&o, &opt,
            "{\"EventId\":22,\"UtcTime\":\"2018-12-04 00:31:26.356\",\"ProcessId\":1,"
            "\"QueryName\":\"x\"}");
    assert_event(&o, "dns_query");
    assert_time(&o, "2018-12-04T00:31:26.356Z");
    win_out_done(&o);
    win_one(&o, &opt, "{\"EventId\":5,\"UtcTime\":\"x\",\"ProcessId\":1}");
    assert_dead(&o, "bad_time");
    win_out_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(host_is_the_streams_endpoint),
            cmocka_unit_test(utc_time_is_the_only_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
