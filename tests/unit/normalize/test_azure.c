#include "windows_fixture.h"

#define HEAD                                                                                       \
    "{\"TenantId\":\"t\",\"TimeGenerated\":\"2022-05-11T18:11:01.5Z\",\"Computer\":\"Ws1.ex."      \
    "com\","
#define WINDOWS(data)                                                                              \
    HEAD "\"Provider\":\"Microsoft-Windows-Security-Auditing\",\"Channel\":\"Security\","          \
         "\"EventID\":4689,\"EventRecordId\":\"77\",\"EventData\":" data "}"

static void event_data_in_any_wrapping(void **state)
{
    static const char *const records[] = {
            WINDOWS("\"{\\\"ProcessId\\\":\\\"0x10\\\",\\\"ProcessName\\\":\\\"C:\\\\\\\\a.exe\\\"}"
                    "\""),
            WINDOWS("{\"ProcessId\":\"0x10\",\"ProcessName\":\"C:\\\\a.exe\"}"),
            WINDOWS("\"<EventData xmlns='u'><Data Name='ProcessId'>0x10</Data>"
                    "<Data Name='ProcessName'>C:\\\\a.exe</Data></EventData>\""),
            WINDOWS("\"<DataItem type='System.XmlData'><EventData><Data Name='ProcessId'>0x10"
                    "</Data><Data Name='ProcessName'>C:\\\\a.exe</Data></EventData></DataItem>\""),
            WINDOWS("\"\",\"ProcessId\":\"0x10\",\"ProcessName\":\"C:\\\\a.exe\""),
            HEAD "\"Source\":\"Microsoft-Windows-Security-Auditing\",\"EventLog\":\"Security\","
                 "\"EventID\":4689,\"EventRecordId\":77,\"ProcessId\":\"0x10\","
                 "\"ProcessName\":\"C:\\\\a.exe\"}",
    };
    struct win_out o;
    struct lg_uuid id;

    (void)state;
    win_out_init(&o, NULL);
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        win_feed_z(&o, records[i]);
        assert_event(&o, "process_terminate");
        assert_true(lg_str_eq(o.ev.format, LG_STR("azure-log-analytics")));
        assert_int_equal(o.ev.platform, LG_PLATFORM_WINDOWS);
        assert_number(&o, PROCESS_ID, 16);
        assert_field(&o, IMAGE, "C:\\a.exe");
        assert_time(&o, "2022-05-11T18:11:01.5Z");
        assert_host(&o, "ws1.ex.com");
        if (i > 0)
            assert_memory_equal(&id, &o.ev.event_id, sizeof(id));
        id = o.ev.event_id;
    }
    win_out_done(&o);
}

static void ill_formed_text_inside_is_repaired(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL, WINDOWS("\"{\\\"ProcessId\\\":1,\\\"ProcessName\\\":\\\"\\\\ud800\\\"}\""));
    assert_event(&o, "process_terminate");
    assert_field(&o, IMAGE, "\xef\xbf\xbd");
    assert_int_equal(o.ev.flags & LG_EVF_TEXT_REPAIRED, LG_EVF_TEXT_REPAIRED);
    win_out_done(&o);
}

static void broken_event_data(void **state)
{
    struct win_out o;

    (void)state;
    win_out_init(&o, NULL);
    win_feed_z(&o, WINDOWS("\"{\\\"ProcessId\\\"\""));
    assert_dead(&o, "bad_field");
    win_feed_z(&o, WINDOWS("\"<EventData><Data>\""));
    assert_dead(&o, "bad_field");
    win_feed_z(&o, WINDOWS("[1,2]"));
    assert_dead(&o, "missing_field");
    win_feed_z(&o, WINDOWS("7"));
    assert_dead(&o, "missing_field");
    win_out_done(&o);
}

static void sysmon_for_linux_in_a_syslog_message(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            HEAD "\"SyslogMessage\":\"<Event><System><Provider Name='Linux-Sysmon'/><EventID>5"
                 "</EventID><TimeCreated SystemTime='2022-05-11T18:10:20.399931000Z'/>"
                 "<EventRecordID>1</EventRecordID><Channel>Linux-Sysmon/Operational</Channel>"
                 "</System><EventData><Data Name='UtcTime'>2022-05-11 18:10:20.395</Data>"
                 "<Data Name='ProcessId'>1774</Data></EventData></Event>\"}");
    assert_event(&o, "process_terminate");
    assert_int_equal(o.ev.source, LG_SOURCE_SYSMON_LINUX);
    assert_int_equal(o.ev.platform, LG_PLATFORM_LINUX);
    assert_time(&o, "2022-05-11T18:10:20.395Z");
    assert_host(&o, "ws1.ex.com"); /* the event names none: the record's */
    win_out_done(&o);
}

static void audit_record_in_a_syslog_message(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            HEAD "\"SyslogMessage\":\"type=AUOMS_EXECVE audit(1652292621.986:84138): "
                 "node=UBUNTU5 arch=x86_64 syscall=execve success=no exit=-2 ppid=1340 pid=17790 "
                 "user=tomcat uid=1001 comm=\\\"java\\\" exe=\\\"/usr/bin/java\\\"\"}");
    assert_event(&o, "process_create");
    assert_int_equal(o.ev.source, LG_SOURCE_AUDITD);
    assert_int_equal(o.ev.platform, LG_PLATFORM_LINUX);
    assert_true(lg_str_eq(o.ev.format, LG_STR("azure-log-analytics")));
    assert_host(&o, "ubuntu5");
    assert_number(&o, PROCESS_ID, 17790);
    win_out_done(&o);
}

static void other_syslog_messages_are_dead_letters(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL, HEAD "\"SyslogMessage\":\"sshd: hello\"}");
    assert_dead(&o, "unsupported_type");
    win_out_done(&o);
    win_one(&o, NULL, HEAD "\"SyslogMessage\":5}");
    assert_dead(&o, "unsupported_type");
    win_out_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(event_data_in_any_wrapping),
            cmocka_unit_test(ill_formed_text_inside_is_repaired),
            cmocka_unit_test(broken_event_data),
            cmocka_unit_test(sysmon_for_linux_in_a_syslog_message),
            cmocka_unit_test(audit_record_in_a_syslog_message),
            cmocka_unit_test(other_syslog_messages_are_dead_letters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
