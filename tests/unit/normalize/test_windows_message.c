/* Rendered messages, through Splunk's text form, which has nothing else, and through NXLog, which
 * loses single keys. */
#include "windows_fixture.h"

#define TEXT(log, source, code, message)                                                           \
    "02/17/2022 02:15:47 AM\nLogName=" log "\nSourceName=" source "\nEventCode=" #code             \
    "\nEventType=0\nComputerName=ws1.example.com\nRecordNumber=9\nMessage=" message
#define SECURITY(code, message)                                                                    \
    TEXT("Security", "Microsoft Windows security auditing.", code, message)
#define SUBJECT                                                                                    \
    "Subject:\n\tSecurity ID:\t\tEX\\al\n\tAccount Name:\t\tal\n\tAccount Domain:\t\tEX\n"         \
    "\tLogon ID:\t\t0xC61D9\n\n"

static void one(struct win_out *o, const char *record)
{
    win_one(o, NULL, record);
}

static void process_creation(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SECURITY(4688,
                    "A new process has been created.\n\nCreator " SUBJECT
                    "Target Subject:\n\tSecurity ID:\t\tNULL SID\n\tAccount Name:\t\t-\n"
                    "\tAccount Domain:\t\t-\n\tLogon ID:\t\t0x0\n\n"
                    "Process Information:\n\tNew Process ID:\t\t0x1934\n"
                    "\tNew Process Name:\tC:\\n.exe\n\tToken Elevation Type:\t%%1936\n"
                    "\tMandatory Label:\t\tMandatory Label\\High Mandatory Level\n"
                    "\tCreator Process ID:\t0x18d4\n\tCreator Process Name:\tC:\\p.exe\n"
                    "\tProcess Command Line:\tn /x: y \n\n"
                    "Token Elevation Type indicates the type of token.\n"));
    assert_event(&o, "process_create");
    assert_number(&o, PROCESS_ID, 0x1934);
    assert_field(&o, IMAGE, "C:\\n.exe");
    assert_field(&o, COMMAND_LINE, "n /x: y");
    assert_number(&o, PARENT_PROCESS_ID, 0x18d4);
    assert_field(&o, PARENT_IMAGE, "C:\\p.exe");
    assert_field(&o, USER, "EX\\al");
    assert_number(&o, LOGON_ID, 0xc61d9);
    assert_field(&o, TARGET_USER_SID, "NULL SID");
    assert_field(&o, TOKEN_ELEVATION_TYPE, "%%1936");
    assert_host(&o, "ws1.example.com");
    assert_time(&o, "2022-02-17T02:15:47Z");
    win_out_done(&o);
}

static void log_on(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SECURITY(4624,
                    "An account was successfully logged on.\n\n" SUBJECT
                    "Logon Information:\n\tLogon Type:\t\t3\n\tRestricted Admin Mode:\t-\n"
                    "\tVirtual Account:\t\tNo\n\tElevated Token:\t\tYes\n\n"
                    "Impersonation Level:\t\tDelegation\n\n"
                    "New Logon:\n\tSecurity ID:\t\tS-1-5-18\n\tAccount Name:\t\tbo\n"
                    "\tAccount Domain:\t\tEX2\n\tLogon ID:\t\t0x51\n\tLinked Logon ID:\t\t0x52\n"
                    "\tNetwork Account Name:\t-\n\tNetwork Account Domain:\t-\n"
                    "\tLogon GUID:\t\t{cb178aa9-95dd-748e-c0c6-553fa2d9e6ed}\n\n"
                    "Process Information:\n\tProcess ID:\t\t0x44\n\tProcess Name:\t\tC:\\w.exe\n\n"
                    "Network Information:\n\tWorkstation Name:\tWS2\n"
                    "\tSource Network Address:\t192.0.2.7\n\tSource Port:\t\t50436\n\n"
                    "Detailed Authentication Information:\n\tLogon Process:\t\tKerberos\n"
                    "\tAuthentication Package:\tKerberos\n\tTransited Services:\t-\n"
                    "\tPackage Name (NTLM only):\t-\n\tKey Length:\t\t0\n"));
    assert_event(&o, "logon");
    assert_field(&o, SUBJECT_USER_NAME, "al");
    assert_field(&o, TARGET_USER_SID, "S-1-5-18");
    assert_field(&o, TARGET_USER_NAME, "bo");
    assert_field(&o, TARGET_DOMAIN_NAME, "EX2");
    assert_number(&o, TARGET_LOGON_ID, 0x51);
    assert_number(&o, TARGET_LINKED_LOGON_ID, 0x52);
    assert_field(&o, LOGON_GUID, "cb178aa9-95dd-748e-c0c6-553fa2d9e6ed");
    assert_number(&o, LOGON_TYPE, 3);
    assert_field(&o, IMPERSONATION_LEVEL, "Delegation");
    assert_field(&o, ELEVATED_TOKEN, "Yes");
    assert_number(&o, PROCESS_ID, 0x44);
    assert_field(&o, IMAGE, "C:\\w.exe");
    assert_field(&o, WORKSTATION_NAME, "WS2");
    assert_field(&o, IP_ADDRESS, "192.0.2.7");
    assert_number(&o, IP_PORT, 50436);
    assert_field(&o, LOGON_PROCESS_NAME, "Kerberos");
    assert_number(&o, KEY_LENGTH, 0);
    assert_unset(&o, TARGET_OUTBOUND_USER_NAME);
    win_out_done(&o);
}

static void failed_and_explicit_log_on(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SECURITY(4625,
                    "An account failed to log on.\n\n" SUBJECT "Logon Type:\t\t\t2\n\n"
                    "Account For Which Logon Failed:\n\tSecurity ID:\t\tS-1-0-0\n"
                    "\tAccount Name:\t\tbo\n\tAccount Domain:\t\tEX\n\n"
                    "Failure Information:\n\tFailure Reason:\t\tUnknown user name.\n"
                    "\tStatus:\t\t\t0xC000006D\n\tSub Status:\t\t0xC000006A\n\n"
                    "Process Information:\n\tCaller Process ID:\t0x1358\n"
                    "\tCaller Process Name:\tC:\\c.exe\n"));
    assert_event(&o, "logon_failed");
    assert_number(&o, LOGON_TYPE, 2);
    assert_field(&o, TARGET_USER_NAME, "bo");
    assert_field(&o, STATUS, "0xC000006D");
    assert_field(&o, SUB_STATUS, "0xC000006A");
    assert_field(&o, FAILURE_REASON, "Unknown user name.");
    assert_number(&o, PROCESS_ID, 0x1358);
    win_out_done(&o);
    one(&o,
            SECURITY(4648,
                    "A logon was attempted using explicit credentials.\n\n"
                    "Subject:\n\tSecurity ID:\t\tS-1-5-18\n\tAccount Name:\t\tWS1$\n"
                    "\tAccount Domain:\t\tEX\n\tLogon ID:\t\t0x3e7\n"
                    "\tLogon GUID:\t\t{cb178aa9-95dd-748e-c0c6-553fa2d9e6ed}\n\n"
                    "Account Whose Credentials Were Used:\n\tAccount Name:\t\tbo\n"
                    "\tAccount Domain:\t\tEX2\n"
                    "\tLogon GUID:\t\t{00000000-0000-0000-0000-000000000001}\n\n"
                    "Target Server:\n\tTarget Server Name:\tsrv\n\tAdditional "
                    "Information:\tinfo\n\n"
                    "Process Information:\n\tProcess ID:\t\t0x190\n\tProcess Name:\t\tC:\\w.exe\n\n"
                    "Network Information:\n\tNetwork Address:\t127.0.0.1\n\tPort:\t\t\t0\n"));
    assert_event(&o, "logon_explicit");
    assert_field(&o, LOGON_GUID, "cb178aa9-95dd-748e-c0c6-553fa2d9e6ed");
    assert_field(&o, TARGET_USER_NAME, "bo");
    assert_field(&o, TARGET_DOMAIN_NAME, "EX2"); /* the line after it is no part of it */
    assert_field(&o, TARGET_SERVER_NAME, "srv");
    assert_field(&o, TARGET_INFO, "info");
    assert_field(&o, IP_ADDRESS, "127.0.0.1");
    win_out_done(&o);
}

static void objects_and_shares(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SECURITY(4656,
                    "A handle to an object was requested.\n\n" SUBJECT
                    "Object:\n\tObject Server:\t\tSecurity\n\tObject Type:\t\tProcess\n"
                    "\tObject Name:\t\t\\Device\\lsass.exe\n\tHandle ID:\t\t0x558\n"
                    "\tResource Attributes:\t-\n\n"
                    "Process Information:\n\tProcess ID:\t\t0x1688\n\tProcess "
                    "Name:\t\tC:\\c.exe\n\n"
                    "Access Request Information:\n\tTransaction ID:\t\t{0}\n"
                    "\tAccesses:\t\tDELETE\n\t\t\t\tREAD_CONTROL\n\t\t\t\t\n"
                    "\tAccess Reasons:\t\tDELETE:\tNot granted\n"
                    "\t\t\t\tREAD_CONTROL:\tGranted by\tD:(A;;GA)\n"
                    "\tAccess Mask:\t\t0x1F3FFF\n"
                    "\tPrivileges Used for Access Check:\tSeB\n\t\t\tSeC\n"));
    assert_event(&o, "object_handle");
    assert_field(&o, OBJECT_NAME, "\\Device\\lsass.exe");
    assert_number(&o, HANDLE_ID, 0x558);
    assert_field(&o, ACCESS_LIST, "DELETE READ_CONTROL");
    assert_field(&o, ACCESS_REASON, "DELETE: Not granted READ_CONTROL: Granted by D:(A;;GA)");
    assert_number(&o, ACCESS_MASK, 0x1f3fff);
    assert_field(&o, PRIVILEGE_LIST, "SeB SeC");
    assert_number(&o, PROCESS_ID, 0x1688);
    win_out_done(&o);
    one(&o,
            SECURITY(5145,
                    "A network share object was checked.\n\n" SUBJECT
                    "Network Information:\t\n\tObject Type:\t\tFile\n\tSource Address:\t\t::1\n"
                    "\tSource Port:\t\t4000\n\n"
                    "Share Information:\n\tShare Name:\t\t\\\\*\\IPC$\n\tShare Path:\t\tC:\\x\n"
                    "\tRelative Target Name:\tspoolss\n\n"
                    "Access Request Information:\n\tAccess Mask:\t\t0x3\n\tAccesses:\t\tRead\n"));
    assert_event(&o, "share_object_access");
    assert_field(&o, SHARE_NAME, "\\\\*\\IPC$");
    assert_field(&o, SHARE_LOCAL_PATH, "C:\\x");
    assert_field(&o, RELATIVE_TARGET_NAME, "spoolss");
    assert_field(&o, IP_ADDRESS, "::1");
    assert_number(&o, IP_PORT, 4000);
    assert_field(&o, OBJECT_TYPE, "File");
    win_out_done(&o);
}

static void filtering_platform_connection(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SECURITY(5156,
                    "The Windows Filtering Platform has permitted a connection.\n\n"
                    "Application Information:\n\tProcess ID:\t\t3544\n"
                    "\tApplication Name:\t\\device\\a.exe\n\n"
                    "Network Information:\n\tDirection:\t\tOutbound\n"
                    "\tSource Address:\t\t192.0.2.1\n\tSource Port:\t\t1\n"
                    "\tDestination Address:\t192.0.2.2\n\tDestination Port:\t\t80\n"
                    "\tProtocol:\t\t6\n\n"
                    "Filter Information:\n\tLayer Name:\t\tConnect\n"));
    assert_event(&o, "network_connect");
    assert_number(&o, PROCESS_ID, 3544);
    assert_field(&o, IMAGE, "\\device\\a.exe");
    assert_number(&o, INITIATED, 1);
    assert_field(&o, SOURCE_IP, "192.0.2.1");
    assert_field(&o, DESTINATION_IP, "192.0.2.2");
    assert_number(&o, DESTINATION_PORT, 80);
    assert_field(&o, PROTOCOL, "tcp");
    assert_unset(&o, IP_ADDRESS);
    win_out_done(&o);
}

static void accounts_services_and_tasks(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            SECURITY(4732,
                    "A member was added.\n\n" SUBJECT
                    "Member:\n\tSecurity ID:\t\tS-1-5-21-1\n\tAccount Name:\t\tCN=x\n\n"
                    "Group:\n\tSecurity ID:\t\tS-1-5-32-544\n\tGroup Name:\t\tAdministrators\n"
                    "\tGroup Domain:\t\tBuiltin\n\nAdditional Information:\n\tPrivileges:\t\t-\n"));
    assert_event(&o, "group_member_add");
    assert_field(&o, MEMBER_SID, "S-1-5-21-1");
    assert_field(&o, MEMBER_NAME, "CN=x");
    assert_field(&o, TARGET_USER_SID, "S-1-5-32-544");
    assert_field(&o, TARGET_USER_NAME, "Administrators");
    win_out_done(&o);
    one(&o,
            SECURITY(4720,
                    "A user account was created.\n\n" SUBJECT
                    "New Account:\n\tSecurity ID:\t\tS-1-5-21-2\n\tAccount Name:\t\tevil\n"
                    "\tAccount Domain:\t\tEX\n\nAttributes:\n\tSAM Account Name:\tevil\n"
                    "\tUser Principal Name:\te@x\n"));
    assert_event(&o, "user_create");
    assert_field(&o, TARGET_USER_SID, "S-1-5-21-2");
    assert_field(&o, TARGET_USER_NAME, "evil");
    assert_field(&o, SAM_ACCOUNT_NAME, "evil");
    assert_field(&o, USER_PRINCIPAL_NAME, "e@x");
    win_out_done(&o);
    one(&o,
            SECURITY(4698,
                    "A scheduled task was created.\n\n" SUBJECT
                    "Task Information:\n\tTask Name: \t\t\\Up\n\tTask Content: \t\t<?xml?>\n"
                    "<Task xmlns=\"http://x\">\n  <A>b</A>\n</Task>\n\n"
                    "Other Information:\n\tProcessId: \t\t1\n"));
    assert_event(&o, "task_create");
    assert_field(&o, TASK_NAME, "\\Up");
    assert_field(&o, TASK_CONTENT, "<?xml?>\n<Task xmlns=\"http://x\">\n  <A>b</A>\n</Task>");
    win_out_done(&o);
    one(&o,
            TEXT("System", "Microsoft-Windows-Service Control Manager", 7045,
                    "A service was installed in the system.\n\nService Name:  OTR\n"
                    "Service File Name:  C:\\g.exe\nService Type:  user mode service\n"
                    "Service Start Type:  auto start\nService Account:  LocalSystem\n"));
    assert_event(&o, "service_install");
    assert_field(&o, SERVICE_NAME, "OTR");
    assert_field(&o, SERVICE_FILE_NAME, "C:\\g.exe");
    assert_field(&o, SERVICE_START_TYPE, "auto start");
    assert_field(&o, SERVICE_ACCOUNT, "LocalSystem");
    win_out_done(&o);
}

static void cleared_logs(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            TEXT("Security", "Microsoft-Windows-Eventlog", 1102,
                    "The audit log was cleared.\nSubject:\n\tSecurity ID:\tS-1-5-21-1\n"
                    "\tAccount Name:\tal\n\tDomain Name:\tEX\n\tLogon ID:\t0xC61D9\n"));
    assert_event(&o, "log_clear");
    assert_field(&o, USER, "EX\\al");
    assert_field(&o, USER_SID, "S-1-5-21-1");
    win_out_done(&o);
    one(&o,
            TEXT("System", "Microsoft-Windows-Eventlog", 104,
                    "The Windows PowerShell log file was cleared."));
    assert_event(&o, "log_clear");
    assert_field(&o, CLEARED_CHANNEL, "Windows PowerShell");
    win_out_done(&o);
}

static void sysmon_lines_carry_the_names_of_the_data(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            TEXT("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", 1,
                    "Process Create:\r\nRuleName: -\r\nUtcTime: 2020-08-01 05:46:35.164\r\n"
                    "ProcessGuid: {A837DB8D-01BB-5F25-0000-00100E6D0200}\r\nProcessId: 2968\r\n"
                    "Image: C:\\a.exe\r\nCommandLine: a\r\nline: two\r\nUser: NT AUTHORITY\\SYSTEM"
                    "\r\nParentProcessId: 856\r\n"));
    assert_event(&o, "process_create");
    assert_time(&o, "2020-08-01T05:46:35.164Z");
    assert_field(&o, PROCESS_GUID, "a837db8d-01bb-5f25-0000-00100e6d0200");
    assert_number(&o, PROCESS_ID, 2968);
    assert_field(&o, COMMAND_LINE, "a\r\nline: two");
    assert_field(&o, USER, "NT AUTHORITY\\SYSTEM");
    assert_number(&o, PARENT_PROCESS_ID, 856);
    win_out_done(&o);
}

static void powershell_and_wmi_templates(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            TEXT("Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", 4104,
                    "Creating Scriptblock text (2 of 3):\r\n'ScriptBlock ID: fake'\r\n\nx\r\n\r\n"
                    "ScriptBlock ID: 7C1D8235-3b18-46a6-aab3-7f996d0e5a6d\r\nPath: C:\\s.ps1"));
    assert_event(&o, "script_block");
    assert_number(&o, MESSAGE_NUMBER, 2);
    assert_number(&o, MESSAGE_TOTAL, 3);
    assert_field(&o, SCRIPT_BLOCK_TEXT, "'ScriptBlock ID: fake'\r\n\nx");
    assert_field(&o, SCRIPT_BLOCK_ID, "7c1d8235-3b18-46a6-aab3-7f996d0e5a6d");
    assert_field(&o, SCRIPT_PATH, "C:\\s.ps1");
    win_out_done(&o);
    one(&o,
            TEXT("Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", 4103,
                    "CommandInvocation(Get-Date): \"Get-Date\"\r\n\r\n\r\nContext:\r\n"
                    "        Host Application = pwsh -x\r\n        User = EX\\al\r\n\r\n\r\n"
                    "User Data:\r\n"));
    assert_event(&o, "powershell_module");
    assert_field(&o, PAYLOAD, "CommandInvocation(Get-Date): \"Get-Date\"");
    assert_field(&o, HOST_APPLICATION, "pwsh -x");
    assert_field(&o, COMMAND_NAME, "Get-Date");
    assert_field(&o, USER, "EX\\al");
    win_out_done(&o);
    one(&o,
            TEXT("Windows PowerShell", "PowerShell", 800,
                    "Pipeline execution details for command line: whoami\r\n. \r\n\r\n"
                    "Context Information: \r\n\tUserId=EX\\al\r\n\tHostApplication=ps\r\n"
                    "\tCommandLine=whoami\r\n\r\nDetails: \r\nCommandInvocation(w): \"w\"\r\n"));
    assert_event(&o, "powershell_pipeline");
    assert_field(&o, COMMAND_LINE, "whoami");
    assert_field(&o, USER, "EX\\al");
    assert_field(&o, HOST_APPLICATION, "ps");
    assert_field(&o, PAYLOAD, "CommandInvocation(w): \"w\"");
    win_out_done(&o);
    one(&o,
            TEXT("Windows PowerShell", "PowerShell", 400,
                    "Engine state is changed from None to Available. \r\n\r\nDetails: \r\n"
                    "\tNewEngineState=Available\r\n\tHostApplication=ps -nop\r\n"
                    "\tEngineVersion=2.0\r\n"));
    assert_event(&o, "powershell_engine");
    assert_field(&o, HOST_APPLICATION, "ps -nop");
    assert_field(&o, ENGINE_VERSION, "2.0");
    win_out_done(&o);
    one(&o,
            TEXT("Microsoft-Windows-WMI-Activity/Operational", "Microsoft-Windows-WMI-Activity",
                    5861,
                    "Namespace = //./root/subscription; Eventfilter = F (refer to its activate "
                    "eventid:5859); Consumer = C=\"x\"; PossibleCause = Binding EventFilter: "
                    "\nx;"));
    assert_event(&o, "wmi_binding");
    assert_field(&o, WMI_NAMESPACE, "//./root/subscription");
    assert_field(&o, WMI_FILTER, "F");
    assert_field(&o, WMI_CONSUMER, "C=\"x\"");
    assert_field(&o, WMI_POSSIBLE_CAUSE, "Binding EventFilter: \nx;");
    win_out_done(&o);
}

/* What the data say stands; of the message only what is asked for is taken. */
static void data_comes_before_the_message(void **state)
{
    struct win_out o;

    (void)state;
    one(&o,
            "{\"SourceModuleType\":\"im_msvistalog\",\"EventTime\":\"2020-01-02 03:04:05\","
            "\"Hostname\":\"a\",\"EventID\":5,\"SourceName\":\"Microsoft-Windows-Sysmon\","
            "\"UtcTime\":\"2020-01-02 03:04:05.000\",\"Image\":\"C:\\\\data.exe\","
            "\"Message\":\"Process terminated:\\r\\nProcessId: 12\\r\\nImage: C:\\\\m.exe\\r\\n"
            "User: EX\\\\al\"}");
    assert_event(&o, "process_terminate");
    assert_number(&o, PROCESS_ID, 12);
    assert_field(&o, IMAGE, "C:\\data.exe");
    assert_unset(&o, USER);
    win_out_done(&o);
}

static void odd_messages_do_no_harm(void **state)
{
    static const char *const messages[] = {"", ":", ":\n:", "\t\t\n",
            "Details:", "Context Information:\nDetails:", "command line:Context Information:",
            "Subject:", "Subject:\n\tSecurity ID:", "\n\t\tx", "The  log file was cleared",
            "Creating Scriptblock text (",
            "\nScriptBlock ID:", "x\nScriptBlock ID:", "; Eventfilter = ; Consumer = ",
            "\nContext:", "\nContext:\nUser Data:", "UtcTime:", "ProcessId:\nProcessId:"};
    static const struct {
        const char *source;
        unsigned code;
    } events[] = {{"Microsoft-Windows-Sysmon", 1}, {"Microsoft-Windows-Sysmon", 10},
            {"Microsoft-Windows-Security-Auditing", 4688},
            {"Microsoft-Windows-Security-Auditing", 4698}, {"Microsoft-Windows-Eventlog", 104},
            {"Microsoft-Windows-Eventlog", 1102}, {"PowerShell", 400}, {"PowerShell", 800},
            {"Microsoft-Windows-PowerShell", 4103}, {"Microsoft-Windows-PowerShell", 4104},
            {"Microsoft-Windows-WMI-Activity", 5861}};
    struct win_out o;

    (void)state;
    win_out_init(&o, NULL);
    for (size_t e = 0; e < sizeof(events) / sizeof(events[0]); e++)
        for (size_t m = 0; m < sizeof(messages) / sizeof(messages[0]); m++) {
            char text[512];
            char *copy;
            int n = snprintf(text, sizeof(text),
                    "02/17/2022 02:15:47 AM\nLogName=x\nSourceName=%s\nEventCode=%u\n"
                    "ComputerName=a\nMessage=%s",
                    events[e].source, events[e].code, messages[m]);

            assert_true(n > 0 && n < (int)sizeof(text));
            copy = lg_memdup(text, (size_t)n);
            win_feed(&o, lg_str_of(copy, (size_t)n));
            assert_int_equal(o.events + o.dead, 1);
            lg_free(copy);
        }
    win_out_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(process_creation),
            cmocka_unit_test(log_on),
            cmocka_unit_test(failed_and_explicit_log_on),
            cmocka_unit_test(objects_and_shares),
            cmocka_unit_test(filtering_platform_connection),
            cmocka_unit_test(accounts_services_and_tasks),
            cmocka_unit_test(cleared_logs),
            cmocka_unit_test(sysmon_lines_carry_the_names_of_the_data),
            cmocka_unit_test(powershell_and_wmi_templates),
            cmocka_unit_test(data_comes_before_the_message),
            cmocka_unit_test(odd_messages_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
