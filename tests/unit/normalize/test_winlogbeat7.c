#include "windows_fixture.h"

static void seven_and_eight_differ_in_types_only(void **state)
{
    static const char *const records[] = {
            "{\"@timestamp\":\"2019-10-27T04:23:21.235Z\",\"winlog\":{\"channel\":\"Security\","
            "\"provider_name\":\"Microsoft-Windows-Security-Auditing\",\"record_id\":2085,"
            "\"event_id\":4689,\"computer_name\":\"IT001.shire.com\",\"process\":{\"pid\":4},"
            "\"event_data\":{\"ProcessId\":\"0x10\",\"ProcessName\":\"C:\\\\a.exe\","
            "\"Status\":\"0xc000022d\"}}}",
            "{\"winlog\":{\"event_id\":\"4689\",\"record_id\":\"2085\",\"channel\":\"Security\","
            "\"event_data\":{\"ProcessId\":\"0x10\",\"ProcessName\":\"C:\\\\a.exe\","
            "\"Status\":\"0xc000022d\"},\"computer_name\":\"it001.SHIRE.com\","
            "\"provider_name\":\"Microsoft-Windows-Security-Auditing\"},"
            "\"@timestamp\":\"2019-10-27T04:23:21.235Z\"}",
    };
    struct lg_uuid ids[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct win_out o;

        win_one(&o, NULL, records[i]);
        assert_event(&o, "process_terminate");
        assert_true(lg_str_eq(o.ev.format, LG_STR("winlogbeat-7")));
        assert_int_equal(o.ev.platform, LG_PLATFORM_WINDOWS);
        assert_int_equal(o.ev.code, 4689);
        assert_number(&o, PROCESS_ID, 16);
        assert_number(&o, EXIT_CODE, 0xc000022d);
        assert_time(&o, "2019-10-27T04:23:21.235Z");
        assert_host(&o, "it001.shire.com");
        ids[i] = o.ev.event_id;
        win_out_done(&o);
    }
    assert_memory_equal(&ids[0], &ids[1], sizeof(ids[0]));
}

static void host_is_never_the_collector(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            "{\"@timestamp\":\"2019-10-27T04:23:21.235Z\",\"host\":{\"name\":\"WECServer\"},"
            "\"agent\":{\"hostname\":\"WECServer\"},\"winlog\":{\"channel\":\"Security\","
            "\"provider_name\":\"Microsoft-Windows-Security-Auditing\",\"event_id\":4672,"
            "\"computer_name\":\"HR001.shire.com\",\"event_data\":{\"SubjectUserName\":\"x\"}}}");
    assert_event(&o, "privileges_assigned");
    assert_host(&o, "hr001.shire.com");
    assert_true(lg_str_eq(o.ev.endpoint_id, LG_STR("hr001")));
    win_out_done(&o);
    win_one(&o, NULL,
            "{\"@timestamp\":\"2019-10-27T04:23:21.235Z\",\"host\":{\"name\":\"WECServer\"},"
            "\"winlog\":{\"channel\":\"Security\",\"event_id\":4672,"
            "\"provider_name\":\"Microsoft-Windows-Security-Auditing\",\"event_data\":{}}}");
    assert_dead(&o, "missing_identity");
    win_out_done(&o);
}

static void powershell_writes_from_its_own_process(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            "{\"@timestamp\":\"2019-10-27T04:23:21.235Z\",\"winlog\":{\"event_id\":4104,"
            "\"channel\":\"Microsoft-Windows-PowerShell/Operational\",\"computer_name\":\"a\","
            "\"provider_name\":\"Microsoft-Windows-PowerShell\",\"process\":{\"pid\":8716,"
            "\"thread\":{\"id\":7172}},\"user\":{\"identifier\":\"S-1-5-21-1\",\"name\":\"al\","
            "\"domain\":\"EX\"},\"event_data\":{\"ScriptBlockText\":\"x\"}}}");
    assert_event(&o, "script_block");
    assert_number(&o, PROCESS_ID, 8716);
    assert_number(&o, THREAD_ID, 7172);
    assert_field(&o, USER, "EX\\al");
    assert_field(&o, USER_SID, "S-1-5-21-1");
    win_out_done(&o);
    /* the writer of a Security event is a service: not the actor */
    win_one(&o, NULL,
            "{\"@timestamp\":\"2019-10-27T04:23:21.235Z\",\"winlog\":{\"event_id\":4672,"
            "\"computer_name\":\"a\",\"provider_name\":\"Microsoft-Windows-Security-Auditing\","
            "\"process\":{\"pid\":8716},\"user\":{\"name\":\"SYSTEM\"},"
            "\"event_data\":{\"SubjectUserName\":\"al\"}}}");
    assert_unset(&o, PROCESS_ID);
    assert_field(&o, USER, "al");
    win_out_done(&o);
}

static void user_data_is_data_too(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            "{\"@timestamp\":\"2017-12-26T13:06:45.140Z\",\"winlog\":{\"channel\":\"System\","
            "\"computer_name\":\"D\",\"event_id\":\"104\",\"record_id\":\"1847\","
            "\"provider_name\":\"Microsoft-Windows-Eventlog\",\"user_data\":{"
            "\"SubjectUserName\":\"tony\",\"SubjectDomainName\":\"D\","
            "\"Channel\":\"Application\",\"BackupPath\":\"C:\\\\b.evtx\"}}}");
    assert_event(&o, "log_clear");
    assert_field(&o, CLEARED_CHANNEL, "Application");
    assert_field(&o, BACKUP_PATH, "C:\\b.evtx");
    assert_field(&o, USER, "D\\tony");
    win_out_done(&o);
}

static void odd_shapes_are_no_format_or_dead(void **state)
{
    static const struct {
        const char *record, *reason;
    } cases[] = {
            {"{\"winlog\":[]}", "unknown_format"},
            {"{\"winlog\":null}", "unknown_format"},
            {"[{\"winlog\":{}}]", "unknown_format"},
            {"{\"winlog\":{\"event_id\":5,\"provider_name\":7}}", "unsupported_type"},
            {"{\"winlog\":{\"event_id\":5,\"provider_name\":\"Microsoft-Windows-Sysmon\","
             "\"computer_name\":\"a\",\"event_data\":\"x\",\"process\":1,\"user\":[]}}",
                    "missing_field"},
            {"{\"winlog\":{\"event_id\":5", "bad_json"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct win_out o;

        win_one(&o, NULL, cases[i].record);
        assert_dead(&o, cases[i].reason);
        win_out_done(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(seven_and_eight_differ_in_types_only),
            cmocka_unit_test(host_is_never_the_collector),
            cmocka_unit_test(powershell_writes_from_its_own_process),
            cmocka_unit_test(user_data_is_data_too),
            cmocka_unit_test(odd_shapes_are_no_format_or_dead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
