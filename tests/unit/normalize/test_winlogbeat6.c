#include "windows_fixture.h"

static void header_stands_at_the_top(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            "{\"@timestamp\":\"2019-03-12T03:41:00.618Z\",\"beat\":{\"hostname\":\"WECserver\"},"
            "\"host\":{\"name\":\"WECserver\"},\"computer_name\":\"IT001.shire.com\","
            "\"log_name\":\"Microsoft-Windows-Sysmon/Operational\",\"event_id\":13,"
            "\"source_name\":\"Microsoft-Windows-Sysmon\",\"record_number\":\"102103\","
            "\"process_id\":6536,\"user\":{\"name\":\"SYSTEM\",\"domain\":\"NT AUTHORITY\"},"
            "\"event_data\":{\"UtcTime\":\"2019-03-12 03:41:00.600\",\"EventType\":\"SetValue\","
            "\"ProcessGuid\":\"{AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE}\",\"ProcessId\":\"12\","
            "\"Image\":\"C:\\\\r.exe\",\"TargetObject\":\"HKLM\\\\x\",\"Details\":\"DWORD (1)\"}}");
    assert_event(&o, "registry_value_set");
    assert_true(lg_str_eq(o.ev.format, LG_STR("winlogbeat-6")));
    assert_host(&o, "it001.shire.com");
    assert_time(&o, "2019-03-12T03:41:00.600Z");
    assert_int_equal(o.ev.flags, 0);
    assert_number(&o, PROCESS_ID, 12); /* not process_id, the service's */
    assert_field(&o, PROCESS_GUID, "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
    assert_field(&o, REGISTRY_EVENT_TYPE, "SetValue");
    assert_field(&o, TARGET_OBJECT, "HKLM\\x");
    assert_field(&o, DETAILS, "DWORD (1)");
    assert_unset(&o, USER); /* SYSTEM is Sysmon's account, not the actor's */
    win_out_done(&o);
}

static void wmi_binding_from_user_data(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            "{\"@timestamp\":\"2019-03-01T22:37:17.393Z\",\"computer_name\":\"A.shire.com\","
            "\"log_name\":\"Microsoft-Windows-WMI-Activity/Operational\",\"event_id\":5861,"
            "\"source_name\":\"Microsoft-Windows-WMI-Activity\",\"record_number\":\"1591\","
            "\"user\":{\"name\":\"SYSTEM\",\"domain\":\"NT AUTHORITY\","
            "\"identifier\":\"S-1-5-18\"},\"user_data\":{"
            "\"Namespace\":\"//./root/subscription\",\"ESS\":\"F\",\"CONSUMER\":\"C\","
            "\"PossibleCause\":\"Binding\"}}");
    assert_event(&o, "wmi_binding");
    assert_int_equal(o.ev.source, LG_SOURCE_WIN_WMI);
    assert_field(&o, WMI_NAMESPACE, "//./root/subscription");
    assert_field(&o, WMI_FILTER, "F");
    assert_field(&o, WMI_CONSUMER, "C");
    assert_field(&o, WMI_POSSIBLE_CAUSE, "Binding");
    assert_field(&o, USER, "NT AUTHORITY\\SYSTEM");
    assert_field(&o, USER_SID, "S-1-5-18");
    win_out_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(header_stands_at_the_top),
            cmocka_unit_test(wmi_binding_from_user_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
