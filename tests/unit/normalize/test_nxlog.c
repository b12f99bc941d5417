#include "windows_fixture.h"

#define HEAD(source, channel, code)                                                                \
    "{\"SourceModuleType\":\"im_msvistalog\",\"host\":\"wec.internal.cloudapp.net\","              \
    "\"Hostname\":\"WORKSTATION6.theshire.local\",\"SourceName\":\"" source                        \
    "\",\"Channel\":\"" channel "\",\"EventID\":" #code ",\"RecordNumber\":521,"
#define SYSMON(code) HEAD("Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational", code)
#define SECURITY(code) HEAD("Microsoft-Windows-Security-Auditing", "Security", code)
#define LOCAL "\"EventTime\":\"2020-08-06 02:27:29\",\"EventReceivedTime\":\"2020-08-06 02:27:31\","
#define ARRIVAL "\"@timestamp\":\"2020-08-06T06:27:31.787Z\","

/* ProcessID is the log service's, ProcessId the data's. */
static void keys_that_differ_in_case(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            SYSMON(5) LOCAL ARRIVAL "\"ProcessID\":3144,\"ProcessId\":\"2440\","
                                    "\"UtcTime\":\"2020-08-06 06:27:29.100\"}");
    assert_event(&o, "process_terminate");
    assert_number(&o, PROCESS_ID, 2440);
    assert_host(&o, "workstation6.theshire.local");
    win_out_done(&o);
    win_one(&o, NULL, SYSMON(5) LOCAL ARRIVAL "\"ProcessID\":3144,\"Image\":\"C:\\\\a.exe\"}");
    assert_event(&o, "process_terminate");
    assert_unset(&o, PROCESS_ID);
    win_out_done(&o);
    win_one(&o, NULL,
            SYSMON(5) LOCAL ARRIVAL
            "\"ProcessID\":3144,\"Message\":\"Process terminated:\\r\\nProcessId: 56\\r\\n\"}");
    assert_number(&o, PROCESS_ID, 56);
    win_out_done(&o);
}

static void header_event_type_is_no_registry_operation(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            SYSMON(12) LOCAL "\"EventType\":\"INFO\",\"Image\":\"a\",\"TargetObject\":\"HKLM\"}");
    assert_event(&o, "registry_key");
    assert_unset(&o, REGISTRY_EVENT_TYPE);
    win_out_done(&o);
    win_one(&o, NULL,
            SYSMON(12) LOCAL "\"EventType\":\"INFO\",\"Image\":\"a\",\"TargetObject\":\"HKLM\","
                             "\"Message\":\"x:\\r\\nEventType: CreateKey\\r\\nImage: b\"}");
    assert_field(&o, REGISTRY_EVENT_TYPE, "CreateKey");
    assert_field(&o, IMAGE, "a");
    win_out_done(&o);
    win_one(&o, NULL,
            SYSMON(12) LOCAL "\"EventType\":\"DeleteKey\",\"EventTypeOrignal\":\"INFO\","
                             "\"Image\":\"a\",\"TargetObject\":\"HKLM\"}");
    assert_field(&o, REGISTRY_EVENT_TYPE, "DeleteKey");
    win_out_done(&o);
}

static void account_name_is_the_headers(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            HEAD("Service Control Manager", "System", 7045) LOCAL ARRIVAL
            "\"AccountName\":\"pgustavo\",\"Domain\":\"THESHIRE\",\"UserID\":\"S-1-5-21-1\","
            "\"ServiceName\":\"OTR\",\"ImagePath\":\"C:\\\\g.exe\",\"StartType\":\"auto start\","
            "\"Message\":\"A service was installed in the system.\\r\\n\\r\\nService Name:  OTR\\r"
            "\\nService Account:  LocalSystem\"}");
    assert_event(&o, "service_install");
    assert_field(&o, USER, "THESHIRE\\pgustavo");
    assert_field(&o, USER_SID, "S-1-5-21-1");
    assert_field(&o, SERVICE_ACCOUNT, "LocalSystem");
    assert_field(&o, SERVICE_FILE_NAME, "C:\\g.exe");
    win_out_done(&o);
}

static void filtering_platform_process(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            SECURITY(5156) LOCAL "\"ProcessID\":4,\"DestAddress\":\"::1\","
                                 "\"Message\":\"Application Information:\\r\\n\\tProcess ID:\\t\\t"
                                 "3632\\r\\n\"}");
    assert_event(&o, "network_connect");
    assert_number(&o, PROCESS_ID, 3632);
    win_out_done(&o);
    win_one(&o, NULL,
            SECURITY(5156) LOCAL "\"ProcessId\":\"3632\",\"ExecutionProcessID\":4,"
                                 "\"DestAddress\":\"::1\"}");
    assert_number(&o, PROCESS_ID, 3632);
    win_out_done(&o);
}

/* The zone is what receipt (local) and arrival (UTC) differ by. */
static void local_time_finds_its_zone(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL, SECURITY(4672) LOCAL ARRIVAL "\"SubjectUserName\":\"a\"}");
    assert_event(&o, "privileges_assigned");
    assert_time(&o, "2020-08-06T06:27:29Z");
    win_out_done(&o);
    /* an event that waited an hour for its receipt */
    win_one(&o, NULL,
            SECURITY(4672) "\"EventTime\":\"2020-08-06 01:27:29\","
                           "\"EventReceivedTime\":\"2020-08-06 02:27:31\"," ARRIVAL
                           "\"SubjectUserName\":\"a\"}");
    assert_time(&o, "2020-08-06T05:27:29Z");
    win_out_done(&o);
    /* east of Greenwich, by half an hour, without a receipt */
    win_one(&o, NULL,
            SECURITY(4672) "\"EventTime\":\"2020-08-06 11:57:29\"," ARRIVAL
                           "\"SubjectUserName\":\"a\"}");
    assert_time(&o, "2020-08-06T06:27:29Z");
    win_out_done(&o);
    /* UTC as it is */
    win_one(&o, NULL, SECURITY(4672) LOCAL "\"SubjectUserName\":\"a\"}");
    assert_time(&o, "2020-08-06T02:27:29Z");
    win_out_done(&o);
    /* arrival alone */
    win_one(&o, NULL, SECURITY(4672) ARRIVAL "\"SubjectUserName\":\"a\"}");
    assert_time(&o, "2020-08-06T06:27:31.787Z");
    win_out_done(&o);
}

static void given_offset_comes_first(void **state)
{
    const struct lg_norm_stream_options opt = {
            .header_offset_ns = 3600 * LG_NS_PER_SEC, .endpoint = {"", 0}};
    struct win_out o;

    (void)state;
    win_one(&o, &opt, SECURITY(4672) LOCAL ARRIVAL "\"SubjectUserName\":\"a\"}");
    assert_time(&o, "2020-08-06T03:27:29Z");
    win_out_done(&o);
}

static void skew_is_that_of_trusted_events(void **state)
{
    static const struct {
        const char *record;
        bool found;
        int64_t seconds;
    } cases[] = {
            {SYSMON(5) LOCAL "\"UtcTime\":\"2020-08-06 06:27:29.000\"}", true, 4 * 3600},
            {SYSMON(5) LOCAL "\"Message\":\"x:\\nUtcTime: 2020-08-06 06:27:29.000\\n\"}", true,
                    4 * 3600},
            {SYSMON(3) LOCAL "\"UtcTime\":\"2020-08-06 06:27:29.000\"}", false, 0},
            {SYSMON(22) LOCAL "\"UtcTime\":\"2020-08-06 06:27:29.000\"}", false, 0},
            {SYSMON(5) LOCAL "\"UtcTime\":\"x\"}", false, 0},
            {SYSMON(5) "\"UtcTime\":\"2020-08-06 06:27:29.000\"}", false, 0},
            {SECURITY(4688) LOCAL "\"UtcTime\":\"2020-08-06 06:27:29.000\"}", false, 0},
    };
    struct lg_normalizer *nz;

    (void)state;
    assert_int_equal(lg_normalizer_new(&nz), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t skew = 0;

        assert_int_equal(
                lg_format_header_skew(nz, lg_str_z(cases[i].record), false, &skew), cases[i].found);
        assert_int_equal(skew, cases[i].seconds * LG_NS_PER_SEC);
    }
    lg_normalizer_free(nz);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(keys_that_differ_in_case),
            cmocka_unit_test(header_event_type_is_no_registry_operation),
            cmocka_unit_test(account_name_is_the_headers),
            cmocka_unit_test(filtering_platform_process),
            cmocka_unit_test(local_time_finds_its_zone),
            cmocka_unit_test(given_offset_comes_first),
            cmocka_unit_test(skew_is_that_of_trusted_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
