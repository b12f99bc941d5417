/* What all Windows formats have in common: conversions, users, time, identity, dead letters. Fed
 * through Winlogbeat 7 and, where clocks matter, the flat export. */
#include "windows_fixture.h"

#define WB(provider, channel, code, data)                                                          \
    "{\"@timestamp\":\"2020-01-02T03:04:05.678Z\",\"winlog\":{\"provider_name\":\"" provider       \
    "\",\"channel\":\"" channel "\",\"event_id\":" #code                                           \
    ",\"record_id\":7,\"computer_name\":\"Ws1.Example.com\",\"event_data\":{" data "}}}"
#define SYSMON(code, data)                                                                         \
    WB("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational", code, data)
#define SECURITY(code, data) WB("Microsoft-Windows-Security-Auditing", "Security", code, data)
#define UTC "\"UtcTime\":\"2020-01-02 03:04:05.600\""
#define ACTOR UTC ",\"ProcessGuid\":\"{A}\",\"ProcessId\":\"10\",\"Image\":\"C:\\\\a.exe\""

static void one(struct win_out *o, const char *record)
{
    win_one(o, NULL, record);
}

/* ---- values ---- */

static void hashes_are_taken_apart(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SYSMON(6,
                    UTC ",\"ImageLoaded\":\"C:\\\\d.sys\",\"Hashes\":"
                        "\"SHA1=0FA1562A56219B1FC002E24AC8D866F6E1AE7902,"
                        "MD5=2755A7D96CF37DF1960A6D8828A614CB,"
                        "SHA256=A15DF33F7B666BC79A2FE9864442623AAEA393552591A4AB1F3A7CB29CF40DAE,"
                        "IMPHASH=BC32B6662261DE8469D6EB034C62A6A5\""));
    assert_event(&o, "driver_load");
    assert_field(&o, MD5, "2755a7d96cf37df1960a6d8828a614cb");
    assert_field(&o, SHA1, "0fa1562a56219b1fc002e24ac8d866f6e1ae7902");
    assert_field(&o, SHA256, "a15df33f7b666bc79a2fe9864442623aaea393552591a4ab1f3a7cb29cf40dae");
    assert_field(&o, IMPHASH, "bc32b6662261de8469d6eb034c62a6a5");
    assert_true(lg_str_starts(lg_event_str(&o.ev, LG_F_HASHES), LG_STR("SHA1=0FA15")));
    win_out_done(&o);
    /* wrong lengths, no digits, no imports: only the source's text stays */
    one(&o,
            SYSMON(6,
                    UTC ",\"ImageLoaded\":\"C:\\\\d.sys\",\"Hashes\":\"MD5=2755A7,SHA1=,SHA256,"
                        "=,IMPHASH=00000000000000000000000000000000,"
                        "MD5=zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\""));
    assert_event(&o, "driver_load");
    assert_true(lg_event_has(&o.ev, LG_F_HASHES));
    assert_unset(&o, MD5);
    assert_unset(&o, SHA1);
    assert_unset(&o, SHA256);
    assert_unset(&o, IMPHASH);
    win_out_done(&o);
}

static void archived_is_the_first_word(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SYSMON(23,
                    ACTOR ",\"TargetFilename\":\"x\",\"Archived\":"
                          "\"false - shredded file with pattern 0x00\",\"IsExecutable\":true"));
    assert_event(&o, "file_delete");
    assert_number(&o, ARCHIVED, 0);
    assert_number(&o, IS_EXECUTABLE, 1);
    win_out_done(&o);
    one(&o, SYSMON(23, ACTOR ",\"TargetFilename\":\"x\",\"Archived\":true"));
    assert_number(&o, ARCHIVED, 1);
    win_out_done(&o);
    one(&o, SYSMON(23, ACTOR ",\"TargetFilename\":\"x\",\"Archived\":\"maybe\""));
    assert_event(&o, "file_delete");
    assert_unset(&o, ARCHIVED);
    win_out_done(&o);
}

static void wmi_literals_lose_their_quotes(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SYSMON(20,
                    UTC ",\"Operation\":\"Created\",\"Name\":\" \\\"Evil \\\\\\\"x\\\\\\\"\\\"\","
                        "\"Type\":\"Command Line\","
                        "\"Destination\":\" \\\"C:\\\\\\\\a.exe\\\"\",\"User\":\"D\\\\u\""));
    assert_event(&o, "wmi_consumer");
    assert_field(&o, WMI_NAME, "Evil \"x\"");
    assert_field(&o, WMI_DESTINATION, "C:\\a.exe");
    assert_field(&o, WMI_CONSUMER_TYPE, "Command Line");
    assert_field(&o, USER, "D\\u");
    win_out_done(&o);
    one(&o,
            SYSMON(20,
                    UTC ",\"Operation\":\"Created\",\"Name\":\"plain\",\"Destination\":\"\\\"\""));
    assert_field(&o, WMI_NAME, "plain");
    assert_field(&o, WMI_DESTINATION, "\"");
    win_out_done(&o);
}

static void unset_values_stay_unset(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SYSMON(1,
                    ACTOR ",\"RuleName\":\"-\",\"User\":\"\",\"CommandLine\":null,"
                          "\"LogonGuid\":\"{00000000-0000-0000-0000-000000000000}\","
                          "\"ParentProcessGuid\":\"{0B6D1C2A-0000-0000-0000-00000000ABCD}\","
                          "\"LogonId\":\"0x3E7\",\"TerminalSessionId\":1,\"ParentProcessId\":{}"));
    assert_event(&o, "process_create");
    assert_unset(&o, RULE_NAME);
    assert_unset(&o, USER);
    assert_unset(&o, COMMAND_LINE);
    assert_unset(&o, LOGON_GUID);
    assert_unset(&o, PARENT_PROCESS_ID);
    assert_field(&o, PARENT_PROCESS_GUID, "0b6d1c2a-0000-0000-0000-00000000abcd");
    assert_number(&o, LOGON_ID, 999);
    assert_number(&o, TERMINAL_SESSION_ID, 1);
    win_out_done(&o);
}

static void access_events_name_both_sides(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SYSMON(10,
                    UTC ",\"SourceProcessGUID\":\"{9D1ED712-FFFD-623D-1F02-000000003B02}\","
                        "\"SourceProcessId\":\"4888\",\"SourceThreadId\":\"4816\","
                        "\"SourceImage\":\"C:\\\\s.exe\",\"SourceUser\":\"D\\\\s\","
                        "\"TargetProcessGUID\":\"{9d1ed712-fffd-623d-2002-000000003b02}\","
                        "\"TargetProcessId\":4116,\"TargetImage\":\"C:\\\\t.exe\","
                        "\"TargetUser\":\"D\\\\t\",\"GrantedAccess\":\"0x1fffff\","
                        "\"ProcessId\":\"77\",\"CallTrace\":\"ntdll.dll+1\""));
    assert_event(&o, "process_access");
    assert_field(&o, PROCESS_GUID, "9d1ed712-fffd-623d-1f02-000000003b02");
    assert_number(&o, PROCESS_ID, 4888); /* ProcessId is no key of this event */
    assert_number(&o, THREAD_ID, 4816);
    assert_field(&o, IMAGE, "C:\\s.exe");
    assert_field(&o, USER, "D\\s");
    assert_field(&o, TARGET_PROCESS_GUID, "9d1ed712-fffd-623d-2002-000000003b02");
    assert_number(&o, TARGET_PROCESS_ID, 4116);
    assert_field(&o, TARGET_IMAGE, "C:\\t.exe");
    assert_field(&o, TARGET_USER, "D\\t");
    assert_number(&o, GRANTED_ACCESS, 0x1fffff);
    win_out_done(&o);
}

static void filtering_platform_connection(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SECURITY(5156,
                    "\"ProcessID\":\"812\",\"Application\":\"\\\\device\\\\x\\\\svc.exe\","
                    "\"Direction\":\"%%14592\",\"SourceAddress\":\"192.0.2.1\","
                    "\"SourcePort\":\"53\",\"DestAddress\":\"192.0.2.2\",\"DestPort\":\"99\","
                    "\"Protocol\":\"17\",\"LayerName\":\"%%14610\""));
    assert_event(&o, "network_connect");
    assert_number(&o, PROCESS_ID, 812);
    assert_field(&o, IMAGE, "\\device\\x\\svc.exe");
    assert_number(&o, INITIATED, 0);
    assert_field(&o, PROTOCOL, "udp");
    assert_number(&o, SOURCE_PORT, 53);
    assert_number(&o, DESTINATION_PORT, 99);
    win_out_done(&o);
    one(&o,
            SECURITY(5156,
                    "\"ProcessID\":\"0\",\"Direction\":\"%%14593\","
                    "\"DestAddress\":\"192.0.2.2\",\"Protocol\":200"));
    assert_unset(&o, PROCESS_ID);
    assert_number(&o, INITIATED, 1);
    assert_field(&o, PROTOCOL, "200");
    win_out_done(&o);
}

static void powershell_context_is_read(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            WB("PowerShell", "Windows PowerShell", 800,
                    "\"param1\":\"whoami\",\"param2\":\"\\tDetailSequence=1\\n\\n"
                    "\\tUserId=EX\\\\al\\n\\tHostApplication=powershell -enc SQBF=\\n"
                    "\\tEngineVersion=5.1\\n\\tScriptName=C:\\\\s.ps1\\n"
                    "\\tCommandLine=whoami\\nline two\","
                    "\"param3\":\"CommandInvocation(whoami.exe): \\\"whoami.exe\\\"\\n\""));
    assert_event(&o, "powershell_pipeline");
    assert_field(&o, COMMAND_LINE, "whoami");
    assert_field(&o, USER, "EX\\al");
    assert_field(&o, HOST_APPLICATION, "powershell -enc SQBF=");
    assert_field(&o, ENGINE_VERSION, "5.1");
    assert_field(&o, SCRIPT_PATH, "C:\\s.ps1");
    assert_field(&o, COMMAND_NAME, "whoami.exe");
    assert_field(&o, PAYLOAD, "CommandInvocation(whoami.exe): \"whoami.exe\"\n");
    assert_unset(&o, CONTEXT_INFO);
    win_out_done(&o);
    one(&o,
            WB("Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational", 4103,
                    "\"ContextInfo\":\"        Host Application = pwsh\\n        Command Name = "
                    "x\\n"
                    "        User = EX\\\\bo\\n        Script Name = \\n\","
                    "\"Payload\":\"CommandInvocation(y)\""));
    assert_event(&o, "powershell_module");
    assert_field(&o, HOST_APPLICATION, "pwsh");
    assert_field(&o, COMMAND_NAME, "x");
    assert_field(&o, USER, "EX\\bo");
    assert_unset(&o, SCRIPT_PATH);
    assert_true(lg_event_has(&o.ev, LG_F_CONTEXT_INFO));
    win_out_done(&o);
}

/* ---- users ---- */

#define SUBJECT                                                                                    \
    "\"SubjectUserSid\":\"S-1-5-18\",\"SubjectUserName\":\"WS1$\","                                \
    "\"SubjectDomainName\":\"EX\",\"SubjectLogonId\":\"0x3e7\""

static void new_process_runs_as_its_target(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SECURITY(4688,
                    SUBJECT ",\"NewProcessId\":\"0x1934\",\"NewProcessName\":\"C:\\\\n.exe\","
                            "\"ProcessId\":\"0x18d4\",\"ParentProcessName\":\"C:\\\\p.exe\","
                            "\"CommandLine\":\"n /x\",\"TargetUserSid\":\"S-1-0-0\","
                            "\"TargetUserName\":\"al\",\"TargetDomainName\":\"EX\","
                            "\"TargetLogonId\":\"0x1389\""));
    assert_event(&o, "process_create");
    assert_number(&o, PROCESS_ID, 0x1934);
    assert_field(&o, IMAGE, "C:\\n.exe");
    assert_number(&o, PARENT_PROCESS_ID, 0x18d4);
    assert_field(&o, PARENT_IMAGE, "C:\\p.exe");
    assert_field(&o, USER, "EX\\al");
    assert_unset(&o, USER_SID); /* S-1-0-0 is nobody */
    assert_number(&o, LOGON_ID, 0x1389);
    win_out_done(&o);
    one(&o,
            SECURITY(4688,
                    SUBJECT ",\"NewProcessName\":\"C:\\\\n.exe\",\"TargetUserName\":\"-\","
                            "\"TargetLogonId\":\"0x0\""));
    assert_field(&o, USER, "EX\\WS1$");
    assert_field(&o, USER_SID, "S-1-5-18");
    assert_number(&o, LOGON_ID, 0x3e7);
    win_out_done(&o);
}

static void nobody_has_no_user(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SECURITY(4624,
                    "\"SubjectUserSid\":\"S-1-0-0\",\"SubjectUserName\":\"-\","
                    "\"SubjectDomainName\":\"-\",\"SubjectLogonId\":\"0x0\","
                    "\"TargetUserName\":\"al\",\"LogonType\":\"3\",\"ProcessId\":\"0x0\","
                    "\"ProcessName\":\"-\",\"IpAddress\":\"::1\",\"IpPort\":\"0\""));
    assert_event(&o, "logon");
    assert_unset(&o, USER);
    assert_unset(&o, USER_SID);
    assert_unset(&o, LOGON_ID);
    assert_unset(&o, PROCESS_ID);
    assert_unset(&o, IMAGE);
    assert_number(&o, LOGON_TYPE, 3);
    assert_number(&o, IP_PORT, 0);
    win_out_done(&o);
    one(&o,
            SECURITY(4672,
                    "\"SubjectUserSid\":\"EX\\\\al\",\"SubjectUserName\":\"al\","
                    "\"PrivilegeList\":\"SeA\\n\\t\\t\\tSeB\\r\\n\""));
    assert_field(&o, USER, "al"); /* no domain */
    assert_unset(&o, USER_SID);   /* a name is no SID */
    assert_field(&o, PRIVILEGE_LIST, "SeA SeB");
    win_out_done(&o);
}

/* ---- time ---- */

static void sysmon_time_is_utc_time(void **state)
{
    struct win_out o;

    (void)state;
    one(&o, SYSMON(5, "\"UtcTime\":\"2020-01-02 02:00:00.123\",\"ProcessId\":\"1\""));
    assert_event(&o, "process_terminate");
    assert_time(&o, "2020-01-02T02:00:00.123Z"); /* an hour from the header: still trusted */
    assert_int_equal(o.ev.flags, 0);
    win_out_done(&o);
    for (int i = 0; i < 4; i++) {
        static const char *const bad[] = {
                SYSMON(5, "\"ProcessId\":\"1\""),
                SYSMON(5, "\"ProcessId\":\"1\",\"UtcTime\":\"yesterday\""),
                SYSMON(5, "\"ProcessId\":\"1\",\"UtcTime\":1577934245"),
                SYSMON(5, "\"ProcessId\":\"1\",\"UtcTime\":\"1975-01-02 03:04:05.000\""),
        };

        one(&o, bad[i]);
        assert_event(&o, "process_terminate");
        assert_time(&o, "2020-01-02T03:04:05.678Z");
        assert_int_equal(o.ev.flags, LG_EVF_TIME_FROM_HEADER);
        win_out_done(&o);
    }
}

static void network_and_dns_need_a_utc_time_that_agrees(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SYSMON(22,
                    "\"UtcTime\":\"2019-12-30 03:04:05.000\",\"ProcessId\":\"1\","
                    "\"QueryName\":\"x\""));
    assert_event(&o, "dns_query");
    assert_time(&o, "2020-01-02T03:04:05.678Z");
    assert_int_equal(o.ev.flags, LG_EVF_TIME_FROM_HEADER);
    win_out_done(&o);
    one(&o,
            SYSMON(3,
                    "\"UtcTime\":\"2020-01-02 02:55:00.000\",\"ProcessId\":\"1\","
                    "\"DestinationIp\":\"192.0.2.1\""));
    assert_event(&o, "network_connect");
    assert_time(&o, "2020-01-02T02:55:00Z"); /* nine minutes */
    assert_int_equal(o.ev.flags, 0);
    win_out_done(&o);
    one(&o,
            SYSMON(3,
                    "\"UtcTime\":\"2020-01-02 02:50:00.000\",\"ProcessId\":\"1\","
                    "\"DestinationIp\":\"192.0.2.1\""));
    assert_time(&o, "2020-01-02T03:04:05.678Z"); /* fourteen */
    win_out_done(&o);
}

#define FLAT(code, created, data)                                                                  \
    "{\"SourceName\":\"Microsoft-Windows-Sysmon\",\"Channel\":\"Microsoft-Windows-Sysmon/"         \
    "Operational\",\"EventID\":" #code ",\"Hostname\":\"WS1\",\"TimeCreated\":\"" created          \
    "\"," data "}"

static void twelve_hour_clock_may_be_half_a_day_off(void **state)
{
    const struct lg_norm_stream_options opt = {
            .header_offset_ns = 4 * 3600 * LG_NS_PER_SEC, .endpoint = {"", 0}};
    struct win_out o;

    (void)state;
    win_out_init(&o, &opt);
    /* 02:17 + 4 h = 06:17, and the machine's clock stood at 14:17: UtcTime is 18:17 */
    win_feed_z(&o,
            FLAT(3, "2020-10-18T02:17:06.334Z",
                    "\"UtcTime\":\"2020-10-18 18:17:05.000\",\"ProcessId\":\"1\","
                    "\"DestinationIp\":\"192.0.2.1\""));
    assert_event(&o, "network_connect");
    assert_time(&o, "2020-10-18T18:17:05Z");
    assert_int_equal(o.ev.flags & LG_EVF_TIME_FROM_HEADER, 0);
    win_feed_z(&o,
            FLAT(3, "2020-10-18T12:17:06.334Z",
                    "\"UtcTime\":\"2020-10-18 04:17:05.000\",\"ProcessId\":\"1\","
                    "\"DestinationIp\":\"192.0.2.1\""));
    assert_time(&o, "2020-10-18T04:17:05Z");
    /* days off: no reading of the clock fits, the header is all there is */
    win_feed_z(&o,
            FLAT(22, "2020-10-18T02:17:06.334Z",
                    "\"UtcTime\":\"2020-10-15 18:17:05.000\",\"ProcessId\":\"1\","
                    "\"QueryName\":\"x\""));
    assert_time(&o, "2020-10-18T06:17:06.334Z");
    assert_int_equal(o.ev.flags & LG_EVF_TIME_FROM_HEADER, LG_EVF_TIME_FROM_HEADER);
    win_out_done(&o);
}

static void header_offset_leaves_true_clocks_alone(void **state)
{
    const struct lg_norm_stream_options opt = {
            .header_offset_ns = 4 * 3600 * LG_NS_PER_SEC, .endpoint = {"", 0}};
    struct win_out o;

    (void)state;
    win_one(&o, &opt, SECURITY(4672, SUBJECT));
    assert_event(&o, "privileges_assigned");
    assert_time(&o, "2020-01-02T03:04:05.678Z");
    win_out_done(&o);
}

/* ---- identity ---- */

static struct lg_uuid id_of(const char *record)
{
    struct win_out o;
    struct lg_uuid id;

    one(&o, record);
    assert_int_equal(o.events, 1);
    id = o.ev.event_id;
    win_out_done(&o);
    return id;
}

#define RECORD(time, channel, id, code, extra)                                                     \
    "{\"@timestamp\":\"" time "\",\"winlog\":{\"provider_name\":"                                  \
    "\"Microsoft-Windows-Security-Auditing\",\"channel\":\"" channel "\",\"event_id\":" #code      \
    ",\"record_id\":" id ",\"computer_name\":\"Ws1.Example.com\",\"event_data\":{" SUBJECT extra   \
    "}}}"

static void one_event_has_one_id(void **state)
{
    struct lg_uuid a = id_of(RECORD("2020-01-02T03:04:05.678Z", "Security", "7", 4672, ""));
    struct lg_uuid b;

    (void)state;
    /* however it was written */
    b = id_of(RECORD("2020-01-02T03:04:05.678123Z", "security", "\"7\"", 4672, ",\"x\":1"));
    assert_memory_equal(&a, &b, sizeof(a));
    /* record numbers restart: time and id count too */
    b = id_of(RECORD("2020-01-02T03:04:05.679Z", "Security", "7", 4672, ""));
    assert_memory_not_equal(&a, &b, sizeof(a));
    b = id_of(RECORD("2020-01-02T03:04:05.678Z", "Security", "8", 4672, ""));
    assert_memory_not_equal(&a, &b, sizeof(a));
    b = id_of(RECORD("2020-01-02T03:04:05.678Z", "ForwardedEvents", "7", 4672, ""));
    assert_memory_not_equal(&a, &b, sizeof(a));
}

static void without_a_record_number_the_bytes_are_the_identity(void **state)
{
    struct win_out o;

    (void)state;
    one(&o, RECORD("2020-01-02T03:04:05.678Z", "Security", "{}", 4672, ""));
    assert_event(&o, "privileges_assigned");
    assert_int_equal(o.ev.flags, LG_EVF_NO_IDENTITY);
    win_out_done(&o);
}

/* ---- dead letters ---- */

static void what_cannot_be_used_says_why(void **state)
{
    static const struct {
        const char *record, *reason;
    } cases[] = {
            {SYSMON(30, ACTOR), "unsupported_type"},
            {SYSMON(255, ACTOR), "unsupported_type"},
            {SECURITY(4658, SUBJECT), "unsupported_type"},
            {WB("Somebody", "Security", 4688, ""), "unsupported_type"},
            {SYSMON({}, ACTOR), "bad_field"},
            {SYSMON("x", ACTOR), "bad_field"},
            {SYSMON(-1, ACTOR), "bad_field"},
            {SYSMON(11, ACTOR), "missing_field"},
            {SYSMON(11, ACTOR ",\"TargetFilename\":\"-\""), "missing_field"},
            {SYSMON(11, ACTOR ",\"TargetFilename\":null"), "missing_field"},
            {SYSMON(11, ACTOR ",\"TargetFilename\":{}"), "bad_field"},
            {SYSMON(11, UTC ",\"TargetFilename\":\"x\""), "missing_field"},
            {SYSMON(10, UTC ",\"SourceProcessId\":\"1\""), "missing_field"},
            {SYSMON(10, UTC ",\"TargetProcessId\":\"1\""), "missing_field"},
            {SECURITY(4688, SUBJECT), "missing_field"},
            {"{\"winlog\":{\"provider_name\":\"Microsoft-Windows-Sysmon\",\"event_id\":5,"
             "\"event_data\":{" ACTOR "}}}",
                    "missing_identity"},
            {"{\"winlog\":{\"provider_name\":\"Microsoft-Windows-Sysmon\",\"event_id\":5,"
             "\"computer_name\":\"bad host\",\"event_data\":{" ACTOR "}}}",
                    "missing_identity"},
            {"{\"winlog\":{\"provider_name\":\"Microsoft-Windows-Sysmon\",\"event_id\":5,"
             "\"computer_name\":\"a\",\"event_data\":{\"ProcessId\":1}}}",
                    "bad_time"},
            {"{\"@timestamp\":\"1970-01-02T00:00:00Z\",\"winlog\":{\"provider_name\":"
             "\"Microsoft-Windows-Sysmon\",\"event_id\":5,\"computer_name\":\"a\","
             "\"event_data\":{\"ProcessId\":1}}}",
                    "bad_time"},
            {"{\"winlog\":{}}", "bad_field"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct win_out o;

        one(&o, cases[i].record);
        if (o.dead != 1 || strcmp(lg_dead_reason_name(o.reason), cases[i].reason) != 0)
            fail_msg("case %zu: %s (%s)", i, o.dead > 0 ? lg_dead_reason_name(o.reason) : "event",
                    o.dead > 0 ? o.detail : "");
        win_out_done(&o);
    }
}

static void missing_host_takes_the_endpoint(void **state)
{
    const struct lg_norm_stream_options opt = {.endpoint = LG_STR("Box")};
    struct win_out o;

    (void)state;
    win_one(&o, &opt,
            "{\"winlog\":{\"provider_name\":\"Microsoft-Windows-Sysmon\",\"event_id\":5,"
            "\"event_data\":{" ACTOR "}}}");
    assert_event(&o, "process_terminate");
    assert_host(&o, "box");
    win_out_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(hashes_are_taken_apart),
            cmocka_unit_test(archived_is_the_first_word),
            cmocka_unit_test(wmi_literals_lose_their_quotes),
            cmocka_unit_test(unset_values_stay_unset),
            cmocka_unit_test(access_events_name_both_sides),
            cmocka_unit_test(filtering_platform_connection),
            cmocka_unit_test(powershell_context_is_read),
            cmocka_unit_test(new_process_runs_as_its_target),
            cmocka_unit_test(nobody_has_no_user),
            cmocka_unit_test(sysmon_time_is_utc_time),
            cmocka_unit_test(network_and_dns_need_a_utc_time_that_agrees),
            cmocka_unit_test(twelve_hour_clock_may_be_half_a_day_off),
            cmocka_unit_test(header_offset_leaves_true_clocks_alone),
            cmocka_unit_test(one_event_has_one_id),
            cmocka_unit_test(without_a_record_number_the_bytes_are_the_identity),
            cmocka_unit_test(what_cannot_be_used_says_why),
            cmocka_unit_test(missing_host_takes_the_endpoint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
