/* The traps of recorded Windows telemetry, each with what becomes of it. */
#include "windows_fixture.h"

#define HOUR_NS (3600 * LG_NS_PER_SEC)

#define WB(time, computer, provider, code, id, data)                                               \
    "{\"@timestamp\":\"" time "\",\"host\":{\"name\":\"WECServer\"},\"winlog\":{"                  \
    "\"provider_name\":\"" provider "\",\"channel\":\"c\",\"event_id\":" #code                     \
    ",\"record_id\":" #id ",\"computer_name\":\"" computer "\",\"event_data\":{" data "}}}"
#define SYSMON(time, computer, code, id, data)                                                     \
    WB(time, computer, "Microsoft-Windows-Sysmon", code, id, data)

/* 1: events 3 and 22 may carry a UtcTime that is days off; all others mean theirs. */
static void utc_time_that_is_days_off(void **state)
{
    struct win_out o;

    (void)state;
    win_out_init(&o, NULL);
    win_feed_z(&o,
            SYSMON("2020-01-05T00:00:00Z", "a", 3, 1,
                    "\"UtcTime\":\"2020-01-02 00:00:00.000\",\"ProcessId\":1,"
                    "\"DestinationIp\":\"192.0.2.1\""));
    assert_time(&o, "2020-01-05T00:00:00Z");
    win_feed_z(&o,
            SYSMON("2020-01-05T00:00:00Z", "a", 7, 2,
                    "\"UtcTime\":\"2020-01-02 00:00:00.000\",\"ProcessId\":1,"
                    "\"ImageLoaded\":\"x\""));
    assert_time(&o, "2020-01-02T00:00:00Z");
    win_out_done(&o);
}

/* 2: a false Z, and hours from 1 to 12: the offset of the file makes it true. */
static void false_time_zone(void **state)
{
    static const char morning[] =
            "{\"Channel\":\"Security\",\"EventID\":4672,\"Hostname\":\"a\","
            "\"TimeCreated\":\"2022-08-08T02:17:06.000Z\",\"SubjectUserName\":\"x\"}";
    const struct lg_norm_stream_options opt = {.header_offset_ns = 16 * HOUR_NS};
    struct win_out o;

    (void)state;
    win_one(&o, &opt, morning); /* afternoon west of Greenwich: 4 h + 12 h */
    assert_time(&o, "2022-08-08T18:17:06Z");
    win_out_done(&o);
}

/* 3: keys that differ in case only, GUID beside Guid, GUIDs in mixed case. */
static void case_of_keys_and_guids(void **state)
{
    struct win_out o;

    (void)state;
    win_out_init(&o, NULL);
    win_feed_z(&o, SYSMON("2020-01-05T00:00:00Z", "a", 5, 1, "\"processid\":7,\"ProcessID\":8"));
    assert_dead(&o, "missing_field");
    win_feed_z(&o,
            SYSMON("2020-01-05T00:00:00Z", "a", 10, 2,
                    "\"SourceProcessGUID\":\"{9D1ED712-FFFD-623D-1F02-000000003B02}\","
                    "\"TargetProcessGUID\":\"{9d1ed712-fffd-623d-2002-000000003b02}\""));
    assert_field(&o, PROCESS_GUID, "9d1ed712-fffd-623d-1f02-000000003b02");
    assert_field(&o, TARGET_PROCESS_GUID, "9d1ed712-fffd-623d-2002-000000003b02");
    win_feed_z(&o,
            SYSMON("2020-01-05T00:00:00Z", "a", 8, 3,
                    "\"SourceProcessGuid\":\"{9D1ed712-FFFD-623D-1F02-000000003B02}\","
                    "\"TargetProcessGuid\":\"{9D1ED712-FFFD-623D-2002-000000003B02}\""));
    assert_field(&o, PROCESS_GUID, "9d1ed712-fffd-623d-1f02-000000003b02");
    assert_field(&o, TARGET_PROCESS_GUID, "9d1ed712-fffd-623d-2002-000000003b02");
    win_out_done(&o);
}

/* 4 and 5: the collector is no endpoint; names with and without domain in any case are one. */
static void one_machine_one_endpoint(void **state)
{
    static const char *const records[] = {
            SYSMON("2020-01-05T00:00:00Z", "HR001.shire.com", 5, 1, "\"ProcessId\":7"),
            SYSMON("2020-01-05T00:00:00Z", "hr001.SHIRE.COM", 5, 1, "\"ProcessId\":7"),
            SYSMON("2020-01-05T00:00:00Z", "Hr001", 5, 1, "\"ProcessId\":7"),
    };
    struct win_out o;
    struct lg_uuid id;

    (void)state;
    win_out_init(&o, NULL);
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        win_feed_z(&o, records[i]);
        assert_event(&o, "process_terminate");
        assert_true(lg_str_eq(o.ev.endpoint_id, LG_STR("hr001")));
        if (i > 0)
            assert_memory_equal(&id, &o.ev.event_id, sizeof(id));
        id = o.ev.event_id;
    }
    win_out_done(&o);
}

/* 6: late records, interleaved hosts: an event is what its record says, whatever came before. */
static void order_changes_nothing(void **state)
{
    static const char *const records[] = {
            SYSMON("2020-01-05T00:00:09Z", "a", 5, 9,
                    "\"UtcTime\":\"2020-01-05 00:00:09.000\",\"ProcessId\":1,\"User\":\"x\""),
            SYSMON("2020-01-05T00:00:01Z", "b", 12, 1,
                    "\"UtcTime\":\"2020-01-05 00:00:01.000\",\"ProcessId\":2,"
                    "\"TargetObject\":\"k\",\"EventType\":\"CreateKey\""),
            "{\"SourceModuleType\":\"m\",\"EventID\":4672,\"Hostname\":\"c\",\"RecordNumber\":3,"
            "\"SourceName\":\"Microsoft-Windows-Security-Auditing\","
            "\"EventTime\":\"2020-01-04 23:00:00\",\"SubjectUserName\":\"u\"}",
            SYSMON("2020-01-05T00:00:05Z", "a", 99, 4, ""),
    };
    const size_t n = sizeof(records) / sizeof(records[0]);
    struct lg_event first[4];
    struct win_out o;

    (void)state;
    win_out_init(&o, NULL);
    for (size_t i = 0; i < n; i++) {
        win_feed_z(&o, records[i]);
        first[i] = o.ev;
        first[i].flags = (uint32_t)o.events;
    }
    for (size_t i = n; i-- > 0;) {
        win_feed_z(&o, records[i]);
        assert_int_equal(o.events, first[i].flags);
        if (o.events == 0)
            continue;
        assert_memory_equal(&o.ev.event_id, &first[i].event_id, sizeof(first[i].event_id));
        assert_int_equal(o.ev.time_ns, first[i].time_ns);
        assert_memory_equal(o.ev.has, first[i].has, sizeof(first[i].has));
    }
    win_out_done(&o);
}

/* 9: encoded commands of 10 kB, call traces of 2 kB, any Unicode, lone surrogates. */
static void long_and_odd_values(void **state)
{
    const size_t n = 40000;
    char *record = malloc(n + 1000), *command = malloc(n + 1);
    struct win_out o;
    int len;

    (void)state;
    assert_non_null(record);
    assert_non_null(command);
    memset(command, 'A', n);
    command[n] = '\0';
    len = snprintf(record, n + 1000,
            "{\"@timestamp\":\"2020-01-05T00:00:00Z\",\"winlog\":{\"event_id\":1,"
            "\"provider_name\":\"Microsoft-Windows-Sysmon\",\"computer_name\":\"a\","
            "\"event_data\":{\"Image\":\"C:\\\\\\u0391\\ud83d\\ude00.exe\",\"CommandLine\":\"%s\"}}"
            "}",
            command);
    assert_true(len > 0);
    win_out_init(&o, NULL);
    win_feed(&o, lg_str_of(record, (size_t)len));
    assert_event(&o, "process_create");
    assert_field(&o, COMMAND_LINE, command);
    assert_field(&o, IMAGE, "C:\\\xce\x91\xf0\x9f\x98\x80.exe");
    win_feed_z(&o,
            SYSMON("2020-01-05T00:00:00Z", "a", 1, 1,
                    "\"Image\":\"C:\\\\\\ud800x.exe\",\"CommandLine\":\"\xff\""));
    assert_event(&o, "process_create");
    assert_field(&o, IMAGE, "C:\\\xef\xbf\xbdx.exe");
    assert_field(&o, COMMAND_LINE, "\xef\xbf\xbd");
    assert_int_equal(o.ev.flags & LG_EVF_TEXT_REPAIRED, LG_EVF_TEXT_REPAIRED);
    win_out_done(&o);
    free(command);
    free(record);
}

/* Formats are told apart by what they hold, never by what the stream held before. */
static void mixed_stream(void **state)
{
    static const struct {
        const char *record, *format;
    } cases[] = {
            {SYSMON("2020-01-05T00:00:00Z", "a", 5, 1, "\"ProcessId\":1"), "winlogbeat-7"},
            {"{\"log_name\":\"x\",\"event_id\":5,\"source_name\":\"Microsoft-Windows-Sysmon\","
             "\"@timestamp\":\"2020-01-05T00:00:00Z\",\"computer_name\":\"a\","
             "\"event_data\":{\"ProcessId\":1}}",
                    "winlogbeat-6"},
            {"{\"SourceModuleType\":\"m\",\"EventID\":5,\"SourceName\":\"Microsoft-Windows-"
             "Sysmon\","
             "\"EventTime\":\"2020-01-05 00:00:00\",\"Hostname\":\"a\",\"ProcessId\":\"1\"}",
                    "nxlog"},
            {"{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":5,"
             "\"TimeCreated\":\"2020-01-05T00:00:00Z\",\"Hostname\":\"a\",\"ProcessId\":\"1\"}",
                    "flat-export"},
            {"{\"Provider\":\"Microsoft-Windows-Sysmon\",\"EventRecordID\":\"1\",\"EventID\":5,"
             "\"Channel\":\"c\",\"TimeCreated\":\"2020-01-05T00:00:00Z\",\"Computer\":\"a\","
             "\"ProcessId\":\"1\"}",
                    "flat-export-2022"},
            {"{\"TenantId\":\"t\",\"Source\":\"Microsoft-Windows-Sysmon\",\"EventID\":5,"
             "\"Computer\":\"a\",\"TimeGenerated\":\"2020-01-05T00:00:00Z\",\"ProcessId\":\"1\"}",
                    "azure-log-analytics"},
            {"<Event><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>5</EventID>"
             "<TimeCreated SystemTime='2020-01-05T00:00:00Z'/><Computer>a</Computer></System>"
             "<EventData><Data Name='ProcessId'>1</Data></EventData></Event>",
                    "event-xml"},
            {"<Event><System><Provider Name='Linux-Sysmon'/><EventID>5</EventID>"
             "<TimeCreated SystemTime='2020-01-05T00:00:00Z'/><Computer>a</Computer></System>"
             "<EventData><Data Name='ProcessId'>1</Data></EventData></Event>",
                    "sysmon-linux"},
            {"01/05/2020 12:00:00 AM\nLogName=x\nSourceName=Microsoft-Windows-Sysmon\n"
             "EventCode=5\nComputerName=a\nMessage=Process terminated:\nProcessId: 1\n",
                    "splunk-text"},
            {"{\"EventId\":5,\"UtcTime\":\"2020-01-05 00:00:00.000\",\"ProcessId\":\"1\"}",
                    "sysmon-eventdata"},
    };
    const struct lg_norm_stream_options opt = {.endpoint = LG_STR("a")};
    const size_t n = sizeof(cases) / sizeof(cases[0]);
    struct win_out o;

    (void)state;
    win_out_init(&o, &opt);
    for (size_t i = 0; i < n * n; i++) {
        size_t at = i % 2 == 0 ? i % n : i / n;

        win_feed_z(&o, cases[at].record);
        assert_event(&o, "process_terminate");
        if (!lg_str_eq(o.ev.format, lg_str_z(cases[at].format)))
            fail_msg("%s taken as %.*s", cases[at].format, (int)o.ev.format.n, o.ev.format.p);
        assert_time(&o, "2020-01-05T00:00:00Z");
        assert_number(&o, PROCESS_ID, 1);
    }
    win_out_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(utc_time_that_is_days_off),
            cmocka_unit_test(false_time_zone),
            cmocka_unit_test(case_of_keys_and_guids),
            cmocka_unit_test(one_machine_one_endpoint),
            cmocka_unit_test(order_changes_nothing),
            cmocka_unit_test(long_and_odd_values),
            cmocka_unit_test(mixed_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
