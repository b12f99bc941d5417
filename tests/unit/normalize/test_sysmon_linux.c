#include "windows_fixture.h"

#define EVENT                                                                                      \
    "<Event><System><Provider Name=\"Linux-Sysmon\" Guid=\"{ff032593}\"/><EventID>1</EventID>"     \
    "<TimeCreated SystemTime=\"2022-01-14T00:30:28.074002000Z\"/><EventRecordID>278259"            \
    "</EventRecordID><Channel>Linux-Sysmon/Operational</Channel><Computer>box-51</Computer>"       \
    "<Security UserId=\"0\"/></System><EventData><Data Name=\"UtcTime\">2022-01-14 00:30:28.036"   \
    "</Data><Data Name=\"ProcessGuid\">{ec2b687f-c424-61e0-9010-99397a550000}</Data>"              \
    "<Data Name=\"ProcessId\">16289</Data><Data Name=\"Image\">/usr/bin/find</Data>"               \
    "<Data Name=\"Hashes\">-</Data><Data Name=\"ParentProcessGuid\">"                              \
    "{00000000-0000-0000-0000-000000000000}</Data><Data Name=\"ParentImage\">-</Data>"             \
    "<Data Name=\"CommandLine\">find &lt unknown process&gt </Data></EventData></Event>"

static void own_source_on_linux(void **state)
{
    static const char *const records[] = {
            EVENT,
            "Jan 14 00:30:28 box-51 sysmon: " EVENT,
            "<14>1 2022-01-14T00:30:28Z box-51 sysmon 4496 - - " EVENT "\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        struct win_out o;

        win_one(&o, NULL, records[i]);
        assert_event(&o, "process_create");
        assert_true(lg_str_eq(o.ev.format, LG_STR("sysmon-linux")));
        assert_int_equal(o.ev.source, LG_SOURCE_SYSMON_LINUX);
        assert_int_equal(o.ev.platform, LG_PLATFORM_LINUX);
        assert_host(&o, "box-51");
        assert_time(&o, "2022-01-14T00:30:28.036Z");
        assert_field(&o, IMAGE, "/usr/bin/find");
        assert_field(&o, COMMAND_LINE, "find <unknown process>");
        assert_unset(&o, HASHES);
        assert_unset(&o, PARENT_PROCESS_GUID);
        assert_unset(&o, PARENT_IMAGE);
        win_out_done(&o);
    }
}

static void a_mention_is_no_event(void **state)
{
    struct win_out o;

    (void)state;
    win_one(&o, NULL, "Jan 14 00:30:28 box sysmon: Linux-Sysmon started");
    assert_dead(&o, "unknown_format");
    win_out_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(own_source_on_linux),
            cmocka_unit_test(a_mention_is_no_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
