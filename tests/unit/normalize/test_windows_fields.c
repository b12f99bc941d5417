#include "windows_fixture.h"

#include "normalize/windows_fields.h"

static const struct lg_win_event *find(const char *provider, const char *channel, uint64_t code)
{
    return lg_win_event_find(lg_win_provider_of(lg_str_z(provider), lg_str_z(channel), code), code);
}

static void sysmon_ids_stand_at_their_place(void **state)
{
    (void)state;
    for (uint64_t id = 1; id <= 29; id++) {
        const struct lg_win_event *ev = find("Microsoft-Windows-Sysmon", "", id);

        assert_non_null(ev);
        assert_int_equal(ev->code, id);
        assert_int_equal(ev->source, LG_SOURCE_SYSMON);
        assert_ptr_equal(find("Linux-Sysmon", "", id), ev);
    }
    assert_null(find("Microsoft-Windows-Sysmon", "", 0));
    assert_null(find("Microsoft-Windows-Sysmon", "", 30));
    assert_null(find("Microsoft-Windows-Sysmon", "", 255));
    assert_null(find("Microsoft-Windows-Sysmon", "", UINT64_MAX));
}

static void listed_events_by_provider(void **state)
{
    static const struct {
        const char *provider;
        uint32_t code;
        enum lg_source source;
        const char *type;
    } want[] = {
            {"Microsoft-Windows-Security-Auditing", 4624, LG_SOURCE_WIN_SECURITY, "logon"},
            {"Microsoft-Windows-Security-Auditing", 4625, LG_SOURCE_WIN_SECURITY, "logon_failed"},
            {"Microsoft-Windows-Security-Auditing", 4648, LG_SOURCE_WIN_SECURITY, "logon_explicit"},
            {"Microsoft-Windows-Security-Auditing", 4656, LG_SOURCE_WIN_SECURITY, "object_handle"},
            {"Microsoft-Windows-Security-Auditing", 4663, LG_SOURCE_WIN_SECURITY, "object_access"},
            {"Microsoft-Windows-Security-Auditing", 4672, LG_SOURCE_WIN_SECURITY,
                    "privileges_assigned"},
            {"Microsoft-Windows-Security-Auditing", 4688, LG_SOURCE_WIN_SECURITY, "process_create"},
            {"Microsoft-Windows-Security-Auditing", 4689, LG_SOURCE_WIN_SECURITY,
                    "process_terminate"},
            {"Microsoft-Windows-Security-Auditing", 4697, LG_SOURCE_WIN_SECURITY,
                    "service_install"},
            {"Microsoft-Windows-Security-Auditing", 4698, LG_SOURCE_WIN_SECURITY, "task_create"},
            {"Microsoft-Windows-Security-Auditing", 4720, LG_SOURCE_WIN_SECURITY, "user_create"},
            {"Microsoft-Windows-Security-Auditing", 4732, LG_SOURCE_WIN_SECURITY,
                    "group_member_add"},
            {"Microsoft-Windows-Security-Auditing", 5140, LG_SOURCE_WIN_SECURITY, "share_access"},
            {"Microsoft-Windows-Security-Auditing", 5145, LG_SOURCE_WIN_SECURITY,
                    "share_object_access"},
            {"Microsoft-Windows-Security-Auditing", 5156, LG_SOURCE_WIN_SECURITY,
                    "network_connect"},
            {"Microsoft-Windows-Eventlog", 1102, LG_SOURCE_WIN_SECURITY, "log_clear"},
            {"Microsoft-Windows-Eventlog", 104, LG_SOURCE_WIN_SYSTEM, "log_clear"},
            {"Service Control Manager", 7045, LG_SOURCE_WIN_SYSTEM, "service_install"},
            {"PowerShell", 400, LG_SOURCE_WIN_POWERSHELL, "powershell_engine"},
            {"PowerShell", 800, LG_SOURCE_WIN_POWERSHELL, "powershell_pipeline"},
            {"Microsoft-Windows-PowerShell", 4103, LG_SOURCE_WIN_POWERSHELL, "powershell_module"},
            {"Microsoft-Windows-PowerShell", 4104, LG_SOURCE_WIN_POWERSHELL, "script_block"},
            {"PowerShellCore", 4104, LG_SOURCE_WIN_POWERSHELL, "script_block"},
            {"Microsoft-Windows-WMI-Activity", 5861, LG_SOURCE_WIN_WMI, "wmi_binding"},
            {"microsoft-windows-security-auditing", 4688, LG_SOURCE_WIN_SECURITY, "process_create"},
            {"Microsoft Windows security auditing.", 4688, LG_SOURCE_WIN_SECURITY,
                    "process_create"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        const struct lg_win_event *ev = find(want[i].provider, "whatever", want[i].code);

        assert_non_null(ev);
        assert_int_equal(ev->source, want[i].source);
        assert_string_equal(lg_event_type_name(ev->type), want[i].type);
    }
}

/* Numbers of one provider mean nothing at another. */
static void provider_decides(void **state)
{
    (void)state;
    assert_null(find("Microsoft-Windows-PowerShell", "", 400));
    assert_null(find("PowerShell", "", 4104));
    assert_null(find("Somebody-Else", "Microsoft-Windows-Sysmon/Operational", 1));
    assert_null(find("Somebody-Else", "Security", 4688));
    assert_null(find("Microsoft-Windows-Kernel-General", "System", 1));
    assert_null(find("Microsoft-Windows-Eventlog", "", 4688));
    assert_null(find("Microsoft-Windows-RemoteDesktopServices-RdpCoreTS", "System", 104));
    assert_null(find("Microsoft-Windows-Security-Auditing", "Security", 1102));
    assert_null(find("Microsoft-Windows-Security-Auditing", "Security", 4658));
}

static void channel_stands_in_for_a_missing_provider(void **state)
{
    (void)state;
    assert_int_equal(
            find("", "Microsoft-Windows-Sysmon/Operational", 10)->type, LG_EVENT_PROCESS_ACCESS);
    assert_int_equal(find("", "security", 4688)->type, LG_EVENT_PROCESS_CREATE);
    assert_int_equal(find("", "Security", 1102)->type, LG_EVENT_LOG_CLEAR);
    assert_int_equal(find("", "System", 104)->source, LG_SOURCE_WIN_SYSTEM);
    assert_int_equal(find("", "System", 7045)->type, LG_EVENT_SERVICE_INSTALL);
    assert_int_equal(find("", "Windows PowerShell", 800)->type, LG_EVENT_POWERSHELL_PIPELINE);
    assert_null(find("", "System", 1));
    assert_null(find("", "", 1));
    assert_null(find("", "ForwardedEvents", 4688));
}

/* One event, one type; one field is set by one key, but where the table says why. */
static void table_is_consistent(void **state)
{
    size_t n;
    const struct lg_win_event *events = lg_win_events(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        const struct lg_win_event *ev = &events[i];

        assert_ptr_equal(lg_win_event_find(ev->provider, ev->code), ev);
        assert_true(lg_win_provider_name(ev->provider).n > 0);
        assert_true(ev->n_rows > 0);
        for (size_t a = 0; a < ev->n_rows; a++) {
            const struct lg_win_row *row = &ev->rows[a];

            assert_true(row->key < LG_WIN_KEY_COUNT);
            assert_true(row->field < LG_FIELD_COUNT);
            for (size_t b = 0; b < a; b++) {
                assert_int_not_equal(ev->rows[b].key, row->key);
                if (ev->code != 5156)
                    assert_int_not_equal(ev->rows[b].field, row->field);
            }
        }
    }
}

static void keys_keep_their_case(void **state)
{
    (void)state;
    assert_int_equal(lg_win_key_of(LG_STR("ProcessID")), LG_WK_ProcessID);
    assert_int_equal(lg_win_key_of(LG_STR("ProcessId")), LG_WK_ProcessId);
    assert_int_equal(lg_win_key_of(LG_STR("processid")), -1);
    assert_int_equal(lg_win_key_of(LG_STR("SourceProcessGUID")), LG_WK_SourceProcessGuid);
    assert_int_equal(lg_win_key_of(LG_STR("SourceProcessGuid")), LG_WK_SourceProcessGuid);
    assert_int_equal(lg_win_key_of(LG_STR("TargetProcessGUID")), LG_WK_TargetProcessGuid);
    assert_int_equal(lg_win_key_of(LG_STR("CONSUMER")), LG_WK_CONSUMER);
    assert_int_equal(lg_win_key_of(LG_STR("Consumer")), LG_WK_Consumer);
    assert_int_equal(lg_win_key_of(LG_STR("@timestamp")), LG_WK_Timestamp);
    assert_int_equal(lg_win_key_of(LG_STR("")), -1);
    for (int k = 0; k < LG_WIN_KEY_COUNT; k++)
        assert_int_equal(lg_win_key_of(lg_str_z(lg_win_key_name((enum lg_win_key)k))), k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(sysmon_ids_stand_at_their_place),
            cmocka_unit_test(listed_events_by_provider),
            cmocka_unit_test(provider_decides),
            cmocka_unit_test(channel_stands_in_for_a_missing_provider),
            cmocka_unit_test(table_is_consistent),
            cmocka_unit_test(keys_keep_their_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
