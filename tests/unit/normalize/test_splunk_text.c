#include "windows_fixture.h"

#define HEAD(date)                                                                                 \
    date "\nLogName=Security\nSourceName=Microsoft Windows security auditing.\nEventCode=4672\n"   \
         "EventType=0\nType=Information\nComputerName=Ws1.ex.com\nRecordNumber=8907639\n"
#define MESSAGE                                                                                    \
    "Message=Special privileges assigned to new logon.\n\nSubject:\n\tSecurity ID:\t\tS-1-5-18\n"  \
    "\tAccount Name:\t\tal\n\tAccount Domain:\t\tEX\n\nPrivileges:\t\tSeA\n\t\t\tSeB\n"

static void header_lines_and_message(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL, HEAD("02/17/2022 02:15:47 AM") MESSAGE);
    assert_event(&o, "privileges_assigned");
    assert_true(lg_str_eq(o.ev.format, LG_STR("splunk-text")));
    assert_int_equal(o.ev.source, LG_SOURCE_WIN_SECURITY);
    assert_host(&o, "ws1.ex.com");
    assert_field(&o, USER, "EX\\al");
    assert_field(&o, PRIVILEGE_LIST, "SeA SeB");
    assert_int_equal(o.ev.flags, 0);
    win_out_done(&o);
}

static void dates_on_a_twelve_hour_clock_with_am_and_pm(void **state)
{
    static const struct {
        const char *record, *iso;
    } cases[] = {
            {HEAD("02/17/2022 02:15:47 AM") MESSAGE, "2022-02-17T02:15:47Z"},
            {HEAD("02/17/2022 02:15:47 PM") MESSAGE, "2022-02-17T14:15:47Z"},
            {HEAD("02/17/2022 12:00:00 AM") MESSAGE, "2022-02-17T00:00:00Z"},
            {HEAD("02/17/2022 12:00:00 PM") MESSAGE, "2022-02-17T12:00:00Z"},
            {HEAD("02/17/2022 11:59:59.250 PM\r") MESSAGE, "2022-02-17T23:59:59.250Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct win_out o;

        win_one(&o, NULL, cases[i].record);
        assert_event(&o, "privileges_assigned");
        assert_time(&o, cases[i].iso);
        win_out_done(&o);
    }
}

static void broken_dates_are_dead_letters(void **state)
{
    static const char *const records[] = {
            HEAD("02/17/2022 13:15:47 PM") MESSAGE,
            HEAD("02/17/2022 00:15:47 AM") MESSAGE,
            HEAD("02/17/2022 02:15:47") MESSAGE,
            HEAD("17/02/2022 02:15:47 AM") MESSAGE,
            HEAD("02/17/2022 02:15:471234567890123456789012 AM") MESSAGE,
            HEAD("2022-02-17 02:15:47 AM") MESSAGE,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        struct win_out o;

        win_one(&o, NULL, records[i]);
        assert_dead(&o, "bad_time");
        win_out_done(&o);
    }
}

static void local_time_gets_the_offset(void **state)
{
    const struct lg_norm_stream_options opt = {
            .header_offset_ns = -3600 * LG_NS_PER_SEC, .endpoint = {"", 0}};
    struct win_out o;

    (void)state;
    win_one(&o, &opt, HEAD("02/17/2022 02:15:47 AM") MESSAGE);
    assert_time(&o, "2022-02-17T01:15:47Z");
    win_out_done(&o);
}

static void message_cannot_forge_the_header(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            HEAD("02/17/2022 02:15:47 AM") MESSAGE "\nComputerName=evil\nEventCode=4624\n");
    assert_event(&o, "privileges_assigned");
    assert_host(&o, "ws1.ex.com");
    win_out_done(&o);
}

/* Sysmon's UtcTime in the message shows what the forwarder's zone is. */
static void skew_and_account(void **state)
{
    static const char record[] =
            "02/17/2022 02:15:47 AM\nLogName=x\nSourceName=Microsoft-Windows-Sysmon\nEventCode=5\n"
            "ComputerName=a\nSid=S-1-5-18\nMessage=Process terminated:\n"
            "UtcTime: 2022-02-17 10:15:47.000\nProcessId:\n 12\n";
    struct lg_normalizer *nz;
    struct win_out o;
    int64_t skew;

    (void)state;
    assert_int_equal(lg_normalizer_new(&nz), 0);
    assert_true(lg_format_header_skew(nz, lg_str_z(record), false, &skew));
    assert_int_equal(skew, 8 * 3600 * LG_NS_PER_SEC);
    assert_false(lg_format_header_skew(
            nz, LG_STR(HEAD("02/17/2022 02:15:47 AM") MESSAGE), false, &skew));
    lg_normalizer_free(nz);
    win_one(&o, NULL, record);
    assert_event(&o, "process_terminate");
    assert_number(&o, PROCESS_ID, 12); /* its value stands in the line below */
    assert_unset(&o, USER_SID);        /* Sysmon's own account */
    win_out_done(&o);
    win_one(&o, NULL,
            "02/17/2022 02:15:47 AM\nLogName=System\nSourceName=Service Control Manager\n"
            "EventCode=7045\nComputerName=a\nSid=S-1-5-21-1\nMessage=A service was installed.\n\n"
            "Service Name:  x\n");
    assert_event(&o, "service_install");
    assert_field(&o, USER_SID, "S-1-5-21-1");
    win_out_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(header_lines_and_message),
            cmocka_unit_test(dates_on_a_twelve_hour_clock_with_am_and_pm),
            cmocka_unit_test(broken_dates_are_dead_letters),
            cmocka_unit_test(local_time_gets_the_offset),
            cmocka_unit_test(message_cannot_forge_the_header),
            cmocka_unit_test(skew_and_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
