#include "windows_fixture.h"

#define SYSTEM(provider, code)                                                                     \
    "<System><Provider Name='" provider "' Guid='{5770385F}'/><EventID>" #code "</EventID>"        \
    "<TimeCreated SystemTime='2022-03-25T17:46:37.653084200Z'/><EventRecordID>361824"              \
    "</EventRecordID><Correlation/><Execution ProcessID='2740' ThreadID='2488'/>"                  \
    "<Channel>C</Channel><Computer>Win-DC.attackrange.local</Computer>"                            \
    "<Security UserID='S-1-5-18'/></System>"
#define EVENT(provider, code, rest)                                                                \
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>" SYSTEM(provider, code) \
            rest "</Event>"
#define SYSMON(code, rest) EVENT("Microsoft-Windows-Sysmon", code, rest)

static void sysmon_event(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            SYSMON(11,
                    "<EventData><Data Name='RuleName'>-</Data><Data Name='Other'>x</Data>"
                    "<Data Name='UtcTime'>2022-03-25 17:46:37.638</Data>"
                    "<Data Name='ProcessGuid'>{9D1ED712-FFFD-623D-2002-000000003B02}</Data>"
                    "<Data Name='ProcessId'>4116</Data><Data Name='Image'>C:\\a&amp;b.exe</Data>"
                    "<Data Name='TargetFilename'>C:\\&lt;&#233;&gt;</Data>"
                    "<Data Name='User'/></EventData>"));
    assert_event(&o, "file_create");
    assert_true(lg_str_eq(o.ev.format, LG_STR("event-xml")));
    assert_int_equal(o.ev.platform, LG_PLATFORM_WINDOWS);
    assert_int_equal(o.ev.raw_kind, LG_RAW_TEXT);
    assert_host(&o, "win-dc.attackrange.local");
    assert_time(&o, "2022-03-25T17:46:37.638Z");
    assert_field(&o, PROCESS_GUID, "9d1ed712-fffd-623d-2002-000000003b02");
    assert_number(&o, PROCESS_ID, 4116);
    assert_field(&o, IMAGE, "C:\\a&b.exe");
    assert_field(&o, TARGET_FILENAME, "C:\\<\xc3\xa9>");
    assert_unset(&o, RULE_NAME);
    assert_unset(&o, USER);
    assert_int_equal(o.ev.flags, 0);
    win_out_done(&o);
}

static void pretty_printed_and_prefixed(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n"
            "<e:Event xmlns:e=\"u\"\r\n>\r\n <e:System/></e:Event>");
    assert_dead(&o, "unknown_format"); /* the log writes no prefix; nor do we look for one */
    win_out_done(&o);
    win_one(&o, NULL,
            "\xef\xbb\xbf<?xml version=\"1.0\"?>\r\n<Event\r\n xmlns=\"u\">\r\n"
            "  <System>\r\n    <Provider Name=\"Microsoft-Windows-Security-Auditing\"/>\r\n"
            "    <EventID>\r\n 4689 </EventID>\r\n"
            "    <TimeCreated SystemTime=\"2022-05-01T04:40:18.084003900Z\"/>\r\n"
            "    <Computer>\r\n  a  </Computer>\r\n  </System>\r\n  <EventData>\r\n"
            "    <Data Name=\"ProcessId\">0x10</Data>\r\n  </EventData>\r\n</Event>\r\n");
    assert_event(&o, "process_terminate");
    assert_number(&o, PROCESS_ID, 16);
    assert_time(&o, "2022-05-01T04:40:18.0840039Z");
    assert_host(&o, "a");
    win_out_done(&o);
}

static void user_data_and_unnamed_data(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            EVENT("Microsoft-Windows-Eventlog", 104,
                    "<UserData><LogFileCleared xmlns='u'><SubjectUserName>al</SubjectUserName>"
                    "<SubjectDomainName>EX</SubjectDomainName><Channel>System</Channel>"
                    "<BackupPath></BackupPath></LogFileCleared></UserData>"));
    assert_event(&o, "log_clear");
    assert_field(&o, CLEARED_CHANNEL, "System");
    assert_field(&o, USER, "EX\\al");
    win_out_done(&o);
    win_one(&o, NULL,
            EVENT("PowerShell", 400,
                    "<EventData><Data>Available</Data><Data>None</Data><Data>\tHostApplication=ps"
                    " -nop\n\tEngineVersion=2.0\n</Data><Data>more</Data><Binary></Binary>"
                    "</EventData>"));
    assert_event(&o, "powershell_engine");
    assert_field(&o, HOST_APPLICATION, "ps -nop");
    assert_field(&o, ENGINE_VERSION, "2.0");
    assert_field(&o, USER_SID, "S-1-5-18");
    win_out_done(&o);
}

static void message_of_the_rendering(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            SYSMON(5,
                    "<EventData></EventData><RenderingInfo Culture='en-US'><Message>Process "
                    "terminated:&#13;\nProcessId: 12</Message><Level>x</Level></RenderingInfo>"));
    assert_event(&o, "process_terminate");
    assert_number(&o, PROCESS_ID, 12);
    win_out_done(&o);
}

static void text_in_pieces(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            SYSMON(5,
                    "<EventData><Data Name='Image'>C:\\<!-- x -->a<![CDATA[&lt;]]>b<i>no</i>c"
                    "</Data></EventData>"));
    assert_event(&o, "process_terminate");
    assert_field(&o, IMAGE, "C:\\a&lt;bc");
    win_out_done(&o);
}

/* Data cannot be smuggled in below other data, nor a second System below EventData. */
static void parts_stand_at_their_level(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            SYSMON(5,
                    "<EventData><Data Name='Image'>a<Data Name='User'>evil</Data></Data>"
                    "<System><Computer>evil</Computer></System></EventData>"));
    assert_event(&o, "process_terminate");
    assert_field(&o, IMAGE, "a");
    assert_unset(&o, USER);
    assert_host(&o, "win-dc.attackrange.local");
    win_out_done(&o);
}

/* A cut before the end of System leaves nothing to go by; one behind it loses the values from
 * there on, and those that are cut through: half a number is another number. */
static void cut_events_keep_whole_values(void **state)
{
    static const char whole[] = SYSMON(5,
            "<EventData><Data Name='ProcessId'>1234</Data><Data Name='Image'>abc</Data>"
            "</EventData>");
    size_t system = (size_t)(strstr(whole, "</System>") + strlen("</System>") - whole);
    size_t pid = (size_t)(strstr(whole, "1234</Data>") + strlen("1234</Data>") - whole);
    size_t image = (size_t)(strstr(whole, "abc</Data>") + strlen("abc</Data>") - whole);
    struct win_out o;

    (void)state;
    win_out_init(&o, NULL);
    for (size_t n = 8; n + 1 < sizeof(whole); n++) {
        char *cut = lg_memdup(whole, n);

        win_feed(&o, lg_str_of(cut, n));
        if (n < system) {
            assert_dead(&o, "bad_xml");
        } else if (n < pid) {
            assert_dead(&o, "missing_field");
        } else {
            assert_event(&o, "process_terminate");
            assert_int_equal(o.ev.flags, LG_EVF_INCOMPLETE | LG_EVF_TIME_FROM_HEADER);
            assert_number(&o, PROCESS_ID, 1234);
            assert_int_equal(lg_event_has(&o.ev, LG_F_IMAGE), n >= image);
        }
        lg_free(cut);
    }
    win_out_done(&o);
}

static void broken_xml_is_a_dead_letter(void **state)
{
    struct win_out o;

    (void)state;
    win_out_init(&o, NULL);
    win_feed_z(&o, "<Event><!DOCTYPE x></Event>");
    assert_dead(&o, "bad_xml");
    win_feed_z(&o, SYSMON(5, "<EventData><Data Name='ProcessId'>12</EventData>"));
    assert_dead(&o, "bad_xml");
    win_feed_z(&o, "<Event></Event>");
    assert_dead(&o, "bad_field");
    win_feed_z(&o, "<Eventful/>");
    assert_dead(&o, "unknown_format");
    win_out_done(&o);
}

static void ill_formed_text_is_repaired(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL,
            SYSMON(5, "<EventData><Data Name='Image'>C:\\\xff\xc3.exe</Data></EventData>"));
    assert_event(&o, "process_terminate");
    assert_field(&o, IMAGE, "C:\\\xef\xbf\xbd\xef\xbf\xbd.exe");
    assert_int_equal(o.ev.flags & LG_EVF_TEXT_REPAIRED, LG_EVF_TEXT_REPAIRED);
    assert_int_equal(o.ev.raw_kind, LG_RAW_BINARY);
    win_out_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(sysmon_event),
            cmocka_unit_test(pretty_printed_and_prefixed),
            cmocka_unit_test(user_data_and_unnamed_data),
            cmocka_unit_test(message_of_the_rendering),
            cmocka_unit_test(text_in_pieces),
            cmocka_unit_test(parts_stand_at_their_level),
            cmocka_unit_test(cut_events_keep_whole_values),
            cmocka_unit_test(broken_xml_is_a_dead_letter),
            cmocka_unit_test(ill_formed_text_is_repaired),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
