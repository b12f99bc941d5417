#include "normalize/windows_fields.h"

#define ROW(key, field)                                                                            \
    {                                                                                              \
        LG_WK_##key, LG_F_##field, LG_WC_PLAIN, 0                                                  \
    }
#define CONV(key, field, conv)                                                                     \
    {                                                                                              \
        LG_WK_##key, LG_F_##field, LG_WC_##conv, 0                                                 \
    }
#define NEED(key, field)                                                                           \
    {                                                                                              \
        LG_WK_##key, LG_F_##field, LG_WC_PLAIN, LG_WR_NEED | LG_WR_ASK                             \
    }
#define ASK(key, field)                                                                            \
    {                                                                                              \
        LG_WK_##key, LG_F_##field, LG_WC_PLAIN, LG_WR_ASK                                          \
    }
#define ASK_CONV(key, field, conv)                                                                 \
    {                                                                                              \
        LG_WK_##key, LG_F_##field, LG_WC_##conv, LG_WR_ASK                                         \
    }

/* ---- Sysmon ---- */
#define PROCESS                                                                                    \
    ROW(RuleName, RULE_NAME), ASK(ProcessGuid, PROCESS_GUID), ASK(ProcessId, PROCESS_ID),          \
            ROW(Image, IMAGE), ROW(User, USER)
#define PAIR                                                                                       \
    ROW(RuleName, RULE_NAME), ROW(SourceProcessGuid, PROCESS_GUID),                                \
            ASK(SourceProcessId, PROCESS_ID), ROW(SourceImage, IMAGE), ROW(SourceUser, USER),      \
            ROW(TargetProcessGuid, TARGET_PROCESS_GUID), ROW(TargetProcessId, TARGET_PROCESS_ID),  \
            ROW(TargetImage, TARGET_IMAGE), ROW(TargetUser, TARGET_USER)
#define VERSION_RESOURCE                                                                           \
    ROW(FileVersion, FILE_VERSION), ROW(Description, DESCRIPTION), ROW(Product, PRODUCT),          \
            ROW(Company, COMPANY), ROW(OriginalFileName, ORIGINAL_FILE_NAME)
#define SIGNED_IMAGE                                                                               \
    NEED(ImageLoaded, IMAGE_LOADED), CONV(Hashes, HASHES, HASHES), ROW(Signed, SIGNED),            \
            ROW(Signature, SIGNATURE), ROW(SignatureStatus, SIGNATURE_STATUS)
#define WMI ROW(RuleName, RULE_NAME), ROW(User, USER), ASK(Operation, WMI_OPERATION)

static const struct lg_win_row sysmon_1[] = {
        ROW(RuleName, RULE_NAME),
        ASK(ProcessGuid, PROCESS_GUID),
        ASK(ProcessId, PROCESS_ID),
        NEED(Image, IMAGE),
        VERSION_RESOURCE,
        ROW(CommandLine, COMMAND_LINE),
        ROW(CurrentDirectory, CURRENT_DIRECTORY),
        ROW(User, USER),
        ROW(LogonGuid, LOGON_GUID),
        ROW(LogonId, LOGON_ID),
        ROW(TerminalSessionId, TERMINAL_SESSION_ID),
        ROW(IntegrityLevel, INTEGRITY_LEVEL),
        CONV(Hashes, HASHES, HASHES),
        ROW(ParentProcessGuid, PARENT_PROCESS_GUID),
        ROW(ParentProcessId, PARENT_PROCESS_ID),
        ROW(ParentImage, PARENT_IMAGE),
        ROW(ParentCommandLine, PARENT_COMMAND_LINE),
        ROW(ParentUser, PARENT_USER),
};
static const struct lg_win_row sysmon_2[] = {
        PROCESS,
        NEED(TargetFilename, TARGET_FILENAME),
        ROW(CreationUtcTime, CREATION_UTC_TIME),
        ROW(PreviousCreationUtcTime, PREVIOUS_CREATION_UTC_TIME),
};
static const struct lg_win_row sysmon_3[] = {
        PROCESS,
        ROW(Protocol, PROTOCOL),
        ROW(Initiated, INITIATED),
        CONV(SourceIsIpv6, SOCKET_FAMILY, FAMILY),
        ROW(SourceIp, SOURCE_IP),
        ROW(SourceHostname, SOURCE_HOSTNAME),
        ROW(SourcePort, SOURCE_PORT),
        ROW(SourcePortName, SOURCE_PORT_NAME),
        NEED(DestinationIp, DESTINATION_IP),
        ROW(DestinationHostname, DESTINATION_HOSTNAME),
        ROW(DestinationPort, DESTINATION_PORT),
        ROW(DestinationPortName, DESTINATION_PORT_NAME),
};
static const struct lg_win_row sysmon_4[] = {
        NEED(State, SYSMON_STATE),
        ROW(Version, SYSMON_VERSION),
        ROW(SchemaVersion, SYSMON_SCHEMA_VERSION),
};
static const struct lg_win_row sysmon_5[] = {PROCESS};
static const struct lg_win_row sysmon_6[] = {ROW(RuleName, RULE_NAME), SIGNED_IMAGE};
static const struct lg_win_row sysmon_7[] = {PROCESS, VERSION_RESOURCE, SIGNED_IMAGE};
static const struct lg_win_row sysmon_8[] = {
        PAIR,
        ROW(NewThreadId, NEW_THREAD_ID),
        ROW(StartAddress, START_ADDRESS),
        ROW(StartModule, START_MODULE),
        ROW(StartFunction, START_FUNCTION),
};
static const struct lg_win_row sysmon_9[] = {PROCESS, NEED(Device, DEVICE)};
static const struct lg_win_row sysmon_10[] = {
        PAIR,
        ROW(SourceThreadId, THREAD_ID),
        ROW(GrantedAccess, GRANTED_ACCESS),
        ROW(CallTrace, CALL_TRACE),
};
static const struct lg_win_row sysmon_11[] = {
        PROCESS,
        NEED(TargetFilename, TARGET_FILENAME),
        ROW(CreationUtcTime, CREATION_UTC_TIME),
};
static const struct lg_win_row sysmon_12[] = {
        PROCESS,
        ASK(EventType, REGISTRY_EVENT_TYPE),
        NEED(TargetObject, TARGET_OBJECT),
};
static const struct lg_win_row sysmon_13[] = {
        PROCESS,
        ASK(EventType, REGISTRY_EVENT_TYPE),
        NEED(TargetObject, TARGET_OBJECT),
        ROW(Details, DETAILS),
};
static const struct lg_win_row sysmon_14[] = {
        PROCESS,
        ASK(EventType, REGISTRY_EVENT_TYPE),
        NEED(TargetObject, TARGET_OBJECT),
        ROW(NewName, NEW_NAME),
};
static const struct lg_win_row sysmon_15[] = {
        PROCESS,
        NEED(TargetFilename, TARGET_FILENAME),
        ROW(CreationUtcTime, CREATION_UTC_TIME),
        CONV(Hash, HASHES, HASHES),
        ROW(Contents, CONTENTS),
};
static const struct lg_win_row sysmon_16[] = {
        NEED(Configuration, CONFIGURATION),
        ROW(ConfigurationFileHash, CONFIGURATION_FILE_HASH),
};
static const struct lg_win_row sysmon_17[] = {
        PROCESS,
        ASK(EventType, PIPE_EVENT_TYPE),
        NEED(PipeName, PIPE_NAME),
};
static const struct lg_win_row sysmon_19[] = {
        WMI,
        CONV(EventNamespace, WMI_NAMESPACE, MOF),
        CONV(Name, WMI_NAME, MOF),
        CONV(Query, WMI_QUERY, MOF),
};
static const struct lg_win_row sysmon_20[] = {
        WMI,
        CONV(Name, WMI_NAME, MOF),
        ROW(Type, WMI_CONSUMER_TYPE),
        CONV(Destination, WMI_DESTINATION, MOF),
};
static const struct lg_win_row sysmon_21[] = {
        WMI,
        CONV(Consumer, WMI_CONSUMER, MOF),
        CONV(Filter, WMI_FILTER, MOF),
};
static const struct lg_win_row sysmon_22[] = {
        PROCESS,
        NEED(QueryName, QUERY_NAME),
        ROW(QueryStatus, QUERY_STATUS),
        ROW(QueryResults, QUERY_RESULTS),
};
static const struct lg_win_row sysmon_23[] = {
        PROCESS,
        NEED(TargetFilename, TARGET_FILENAME),
        CONV(Hashes, HASHES, HASHES),
        ROW(IsExecutable, IS_EXECUTABLE),
        CONV(Archived, ARCHIVED, FIRST_BOOL),
};
static const struct lg_win_row sysmon_24[] = {
        PROCESS,
        ROW(Session, CLIPBOARD_SESSION),
        ROW(ClientInfo, CLIENT_INFO),
        CONV(Hashes, HASHES, HASHES),
        CONV(Archived, ARCHIVED, FIRST_BOOL),
};
static const struct lg_win_row sysmon_25[] = {PROCESS, ROW(Type, TAMPER_TYPE)};
static const struct lg_win_row sysmon_27[] = {
        PROCESS,
        NEED(TargetFilename, TARGET_FILENAME),
        CONV(Hashes, HASHES, HASHES),
        ROW(IsExecutable, IS_EXECUTABLE),
};

/* ---- Security ---- */
#define SUBJECT                                                                                    \
    ASK(SubjectUserSid, SUBJECT_USER_SID), ROW(SubjectUserName, SUBJECT_USER_NAME),                \
            ROW(SubjectDomainName, SUBJECT_DOMAIN_NAME), ROW(SubjectLogonId, SUBJECT_LOGON_ID)
#define LOGON_PROCESS ASK_CONV(ProcessId, PROCESS_ID, PID), ROW(ProcessName, IMAGE)
#define CALLER ROW(IpAddress, IP_ADDRESS), ROW(IpPort, IP_PORT)
#define ACCESS CONV(AccessList, ACCESS_LIST, WORDS), ROW(AccessMask, ACCESS_MASK)
#define OBJECT                                                                                     \
    ROW(ObjectServer, OBJECT_SERVER), ROW(ObjectType, OBJECT_TYPE), ROW(ObjectName, OBJECT_NAME),  \
            ROW(HandleId, HANDLE_ID)
#define LOGON_HOW                                                                                  \
    ASK(LogonType, LOGON_TYPE), ROW(LogonProcessName, LOGON_PROCESS_NAME),                         \
            ROW(AuthenticationPackageName, AUTHENTICATION_PACKAGE_NAME),                           \
            ROW(WorkstationName, WORKSTATION_NAME), ROW(LmPackageName, LM_PACKAGE_NAME),           \
            ROW(KeyLength, KEY_LENGTH), ROW(TransmittedServices, TRANSMITTED_SERVICES)

static const struct lg_win_row security_4624[] = {
        SUBJECT,
        ROW(TargetUserSid, TARGET_USER_SID),
        NEED(TargetUserName, TARGET_USER_NAME),
        ROW(TargetDomainName, TARGET_DOMAIN_NAME),
        ROW(TargetLogonId, TARGET_LOGON_ID),
        ROW(TargetLinkedLogonId, TARGET_LINKED_LOGON_ID),
        ROW(LogonGuid, LOGON_GUID),
        LOGON_HOW,
        LOGON_PROCESS,
        CALLER,
        ROW(ImpersonationLevel, IMPERSONATION_LEVEL),
        ROW(RestrictedAdminMode, RESTRICTED_ADMIN_MODE),
        ROW(TargetOutboundUserName, TARGET_OUTBOUND_USER_NAME),
        ROW(TargetOutboundDomainName, TARGET_OUTBOUND_DOMAIN_NAME),
        ROW(VirtualAccount, VIRTUAL_ACCOUNT),
        ROW(ElevatedToken, ELEVATED_TOKEN),
};
/* A failed log-on need not name an account: neither name nor SID is asked for. */
static const struct lg_win_row security_4625[] = {
        SUBJECT,
        ROW(TargetUserSid, TARGET_USER_SID),
        ROW(TargetUserName, TARGET_USER_NAME),
        ROW(TargetDomainName, TARGET_DOMAIN_NAME),
        ROW(Status, STATUS),
        ROW(SubStatus, SUB_STATUS),
        ROW(FailureReason, FAILURE_REASON),
        LOGON_HOW,
        LOGON_PROCESS,
        CALLER,
};
static const struct lg_win_row security_4648[] = {
        SUBJECT,
        ROW(LogonGuid, LOGON_GUID),
        NEED(TargetUserName, TARGET_USER_NAME),
        ROW(TargetDomainName, TARGET_DOMAIN_NAME),
        ROW(TargetServerName, TARGET_SERVER_NAME),
        ROW(TargetInfo, TARGET_INFO),
        LOGON_PROCESS,
        CALLER,
};
static const struct lg_win_row security_4656[] = {
        SUBJECT,
        OBJECT,
        ACCESS,
        CONV(AccessReason, ACCESS_REASON, WORDS),
        CONV(PrivilegeList, PRIVILEGE_LIST, WORDS),
        LOGON_PROCESS,
};
static const struct lg_win_row security_4663[] = {SUBJECT, OBJECT, ACCESS, LOGON_PROCESS};
static const struct lg_win_row security_4672[] = {
        SUBJECT,
        CONV(PrivilegeList, PRIVILEGE_LIST, WORDS),
};
/* ProcessId and ParentProcessName are the creator, NewProcess... the process that is new. */
static const struct lg_win_row security_4688[] = {
        SUBJECT,
        ASK(NewProcessId, PROCESS_ID),
        NEED(NewProcessName, IMAGE),
        ROW(CommandLine, COMMAND_LINE),
        ROW(TokenElevationType, TOKEN_ELEVATION_TYPE),
        ROW(MandatoryLabel, MANDATORY_LABEL),
        ROW(TargetUserSid, TARGET_USER_SID),
        ROW(TargetUserName, TARGET_USER_NAME),
        ROW(TargetDomainName, TARGET_DOMAIN_NAME),
        ROW(TargetLogonId, TARGET_LOGON_ID),
        ASK(ProcessId, PARENT_PROCESS_ID),
        ROW(ParentProcessName, PARENT_IMAGE),
};
static const struct lg_win_row security_4689[] = {
        SUBJECT,
        ASK(ProcessId, PROCESS_ID),
        ROW(ProcessName, IMAGE),
        ROW(Status, EXIT_CODE),
};
static const struct lg_win_row security_4697[] = {
        SUBJECT,
        NEED(ServiceName, SERVICE_NAME),
        ROW(ServiceFileName, SERVICE_FILE_NAME),
        ROW(ServiceType, SERVICE_TYPE),
        ROW(ServiceStartType, SERVICE_START_TYPE),
        ROW(ServiceAccount, SERVICE_ACCOUNT),
        CONV(ClientProcessId, PROCESS_ID, PID),
        CONV(ParentProcessId, PARENT_PROCESS_ID, PID),
};
static const struct lg_win_row security_4698[] = {
        SUBJECT,
        NEED(TaskName, TASK_NAME),
        ROW(TaskContent, TASK_CONTENT),
        CONV(ClientProcessId, PROCESS_ID, PID),
        CONV(ParentProcessId, PARENT_PROCESS_ID, PID),
};
static const struct lg_win_row security_4720[] = {
        SUBJECT,
        NEED(TargetUserName, TARGET_USER_NAME),
        ROW(TargetDomainName, TARGET_DOMAIN_NAME),
        ROW(TargetSid, TARGET_USER_SID),
        CONV(PrivilegeList, PRIVILEGE_LIST, WORDS),
        ROW(SamAccountName, SAM_ACCOUNT_NAME),
        ROW(UserPrincipalName, USER_PRINCIPAL_NAME),
};
/* Target... is the group. */
static const struct lg_win_row security_4732[] = {
        SUBJECT,
        ROW(MemberName, MEMBER_NAME),
        ROW(MemberSid, MEMBER_SID),
        NEED(TargetUserName, TARGET_USER_NAME),
        ROW(TargetDomainName, TARGET_DOMAIN_NAME),
        ROW(TargetSid, TARGET_USER_SID),
        CONV(PrivilegeList, PRIVILEGE_LIST, WORDS),
};
static const struct lg_win_row security_5140[] = {
        SUBJECT,
        ROW(ObjectType, OBJECT_TYPE),
        CALLER,
        NEED(ShareName, SHARE_NAME),
        ROW(ShareLocalPath, SHARE_LOCAL_PATH),
        ACCESS,
};
static const struct lg_win_row security_5145[] = {
        SUBJECT,
        ROW(ObjectType, OBJECT_TYPE),
        CALLER,
        NEED(ShareName, SHARE_NAME),
        ROW(ShareLocalPath, SHARE_LOCAL_PATH),
        ROW(RelativeTargetName, RELATIVE_TARGET_NAME),
        ACCESS,
        CONV(AccessReason, ACCESS_REASON, WORDS),
};
/* The event's own key is ProcessID; one NXLog set-up renames it to ProcessId. */
static const struct lg_win_row security_5156[] = {
        ASK_CONV(ProcessID, PROCESS_ID, PID),
        CONV(ProcessId, PROCESS_ID, PID),
        ROW(Application, IMAGE),
        ASK_CONV(Direction, INITIATED, DIRECTION),
        ROW(SourceAddress, SOURCE_IP),
        ROW(SourcePort, SOURCE_PORT),
        NEED(DestAddress, DESTINATION_IP),
        ROW(DestPort, DESTINATION_PORT),
        CONV(Protocol, PROTOCOL, IP_PROTOCOL),
        ROW(LayerName, LAYER_NAME),
};
static const struct lg_win_row security_1102[] = {
        SUBJECT,
        CONV(ClientProcessId, PROCESS_ID, PID),
};

/* ---- System, PowerShell, WMI ---- */
static const struct lg_win_row system_104[] = {
        ROW(SubjectUserName, SUBJECT_USER_NAME),
        ROW(SubjectDomainName, SUBJECT_DOMAIN_NAME),
        ASK(Channel, CLEARED_CHANNEL),
        ROW(BackupPath, BACKUP_PATH),
        CONV(ClientProcessId, PROCESS_ID, PID),
};
static const struct lg_win_row system_7045[] = {
        NEED(ServiceName, SERVICE_NAME),
        ROW(ImagePath, SERVICE_FILE_NAME),
        ROW(ServiceType, SERVICE_TYPE),
        ROW(StartType, SERVICE_START_TYPE),
        ASK(AccountName, SERVICE_ACCOUNT),
};
static const struct lg_win_row powershell_400[] = {ASK_CONV(param3, CONTEXT_INFO, CONTEXT)};
static const struct lg_win_row powershell_800[] = {
        ASK(param1, COMMAND_LINE),
        ASK_CONV(param2, CONTEXT_INFO, CONTEXT),
        ASK_CONV(param3, PAYLOAD, COMMANDS),
};
static const struct lg_win_row powershell_4103[] = {
        ASK_CONV(ContextInfo, CONTEXT_INFO, CONTEXT_TOO),
        ASK_CONV(Payload, PAYLOAD, COMMANDS),
};
static const struct lg_win_row powershell_4104[] = {
        ASK(MessageNumber, MESSAGE_NUMBER),
        ASK(MessageTotal, MESSAGE_TOTAL),
        ASK(ScriptBlockText, SCRIPT_BLOCK_TEXT),
        ASK(ScriptBlockId, SCRIPT_BLOCK_ID),
        ROW(Path, SCRIPT_PATH),
};
static const struct lg_win_row wmi_5861[] = {
        ASK(Namespace, WMI_NAMESPACE),
        ASK(ESS, WMI_FILTER),
        ASK(CONSUMER, WMI_CONSUMER),
        ASK(PossibleCause, WMI_POSSIBLE_CAUSE),
};

#define ROWS(r) (uint16_t)(sizeof(r) / sizeof((r)[0])), (r)
#define SYSMON(id, type, rows, flags)                                                              \
    {                                                                                              \
        id, LG_WP_SYSMON, LG_SOURCE_SYSMON, LG_EVENT_##type, LG_WU_FIELD, LG_WM_NAMED, flags,      \
                ROWS(rows)                                                                         \
    }
#define SECURITY(id, type, user)                                                                   \
    {                                                                                              \
        id, LG_WP_SECURITY, LG_SOURCE_WIN_SECURITY, LG_EVENT_##type, LG_WU_##user, LG_WM_SECTIONS, \
                0, ROWS(security_##id)                                                             \
    }
#define POWERSHELL(id, provider, type, message, flags)                                             \
    {                                                                                              \
        id, LG_WP_##provider, LG_SOURCE_WIN_POWERSHELL, LG_EVENT_##type, LG_WU_HEADER,             \
                LG_WM_##message, flags, ROWS(powershell_##id)                                      \
    }

/* Sysmon 1..29 stand first, each at its id minus 1: see lg_win_event_find. */
#define SYSMON_EVENTS 29
static const struct lg_win_event events[] = {
        SYSMON(1, PROCESS_CREATE, sysmon_1, 0),
        SYSMON(2, FILE_TIME_CHANGE, sysmon_2, LG_WE_ACTOR),
        SYSMON(3, NETWORK_CONNECT, sysmon_3, LG_WE_ACTOR | LG_WE_FAR_UTC),
        SYSMON(4, SYSMON_STATE, sysmon_4, 0),
        SYSMON(5, PROCESS_TERMINATE, sysmon_5, LG_WE_ACTOR),
        SYSMON(6, DRIVER_LOAD, sysmon_6, 0),
        SYSMON(7, IMAGE_LOAD, sysmon_7, LG_WE_ACTOR),
        SYSMON(8, REMOTE_THREAD, sysmon_8, LG_WE_ACTOR | LG_WE_TARGET),
        SYSMON(9, RAW_ACCESS_READ, sysmon_9, LG_WE_ACTOR),
        SYSMON(10, PROCESS_ACCESS, sysmon_10, LG_WE_ACTOR | LG_WE_TARGET),
        SYSMON(11, FILE_CREATE, sysmon_11, LG_WE_ACTOR),
        SYSMON(12, REGISTRY_KEY, sysmon_12, LG_WE_ACTOR),
        SYSMON(13, REGISTRY_VALUE_SET, sysmon_13, LG_WE_ACTOR),
        SYSMON(14, REGISTRY_RENAME, sysmon_14, LG_WE_ACTOR),
        SYSMON(15, FILE_STREAM_CREATE, sysmon_15, LG_WE_ACTOR),
        SYSMON(16, SYSMON_CONFIG, sysmon_16, 0),
        SYSMON(17, PIPE_CREATE, sysmon_17, LG_WE_ACTOR),
        SYSMON(18, PIPE_CONNECT, sysmon_17, LG_WE_ACTOR),
        SYSMON(19, WMI_FILTER, sysmon_19, 0),
        SYSMON(20, WMI_CONSUMER, sysmon_20, 0),
        SYSMON(21, WMI_BINDING, sysmon_21, 0),
        SYSMON(22, DNS_QUERY, sysmon_22, LG_WE_ACTOR | LG_WE_FAR_UTC),
        SYSMON(23, FILE_DELETE, sysmon_23, LG_WE_ACTOR),
        SYSMON(24, CLIPBOARD_CHANGE, sysmon_24, LG_WE_ACTOR),
        SYSMON(25, PROCESS_TAMPER, sysmon_25, LG_WE_ACTOR),
        SYSMON(26, FILE_DELETE, sysmon_23, LG_WE_ACTOR),
        SYSMON(27, FILE_BLOCKED, sysmon_27, LG_WE_ACTOR),
        SYSMON(28, FILE_BLOCKED, sysmon_27, LG_WE_ACTOR),
        SYSMON(29, FILE_EXECUTABLE_DETECTED, sysmon_27, LG_WE_ACTOR),

        SECURITY(4624, LOGON, SUBJECT),
        SECURITY(4625, LOGON_FAILED, SUBJECT),
        SECURITY(4648, LOGON_EXPLICIT, SUBJECT),
        SECURITY(4656, OBJECT_HANDLE, SUBJECT),
        SECURITY(4663, OBJECT_ACCESS, SUBJECT),
        SECURITY(4672, PRIVILEGES_ASSIGNED, SUBJECT),
        SECURITY(4688, PROCESS_CREATE, CREATED),
        {4689, LG_WP_SECURITY, LG_SOURCE_WIN_SECURITY, LG_EVENT_PROCESS_TERMINATE, LG_WU_SUBJECT,
                LG_WM_SECTIONS, LG_WE_ACTOR, ROWS(security_4689)},
        SECURITY(4697, SERVICE_INSTALL, SUBJECT),
        SECURITY(4698, TASK_CREATE, SUBJECT),
        SECURITY(4720, USER_CREATE, SUBJECT),
        SECURITY(4732, GROUP_MEMBER_ADD, SUBJECT),
        SECURITY(5140, SHARE_ACCESS, SUBJECT),
        SECURITY(5145, SHARE_OBJECT_ACCESS, SUBJECT),
        SECURITY(5156, NETWORK_CONNECT, FIELD),
        {1102, LG_WP_EVENTLOG, LG_SOURCE_WIN_SECURITY, LG_EVENT_LOG_CLEAR, LG_WU_SUBJECT,
                LG_WM_SECTIONS, 0, ROWS(security_1102)},
        {104, LG_WP_EVENTLOG, LG_SOURCE_WIN_SYSTEM, LG_EVENT_LOG_CLEAR, LG_WU_SUBJECT,
                LG_WM_CLEARED, 0, ROWS(system_104)},
        {7045, LG_WP_SERVICES, LG_SOURCE_WIN_SYSTEM, LG_EVENT_SERVICE_INSTALL, LG_WU_HEADER,
                LG_WM_SECTIONS, 0, ROWS(system_7045)},

        POWERSHELL(4103, POWERSHELL, POWERSHELL_MODULE, MODULE, LG_WE_IN_PROCESS),
        POWERSHELL(4104, POWERSHELL, SCRIPT_BLOCK, SCRIPT, LG_WE_IN_PROCESS),
        POWERSHELL(400, POWERSHELL_CLASSIC, POWERSHELL_ENGINE, ENGINE, 0),
        POWERSHELL(800, POWERSHELL_CLASSIC, POWERSHELL_PIPELINE, PIPELINE, 0),
        {5861, LG_WP_WMI, LG_SOURCE_WIN_WMI, LG_EVENT_WMI_BINDING, LG_WU_HEADER, LG_WM_BINDING, 0,
                ROWS(wmi_5861)},
};
#define N_EVENTS (sizeof(events) / sizeof(events[0]))

/* The first name of a provider is the one that ids are made of. */
static const struct {
    struct lg_str name;
    enum lg_win_provider provider;
} providers[] = {
        {LG_STR("Microsoft-Windows-Sysmon"), LG_WP_SYSMON},
        {LG_STR("Linux-Sysmon"), LG_WP_SYSMON_LINUX},
        {LG_STR("Microsoft-Windows-Security-Auditing"), LG_WP_SECURITY},
        {LG_STR("Microsoft-Windows-Eventlog"), LG_WP_EVENTLOG},
        {LG_STR("Microsoft-Windows-PowerShell"), LG_WP_POWERSHELL},
        {LG_STR("PowerShell"), LG_WP_POWERSHELL_CLASSIC},
        {LG_STR("Service Control Manager"), LG_WP_SERVICES},
        {LG_STR("Microsoft-Windows-WMI-Activity"), LG_WP_WMI},
        {LG_STR("PowerShellCore"), LG_WP_POWERSHELL},
        /* as the event viewer and Splunk print them */
        {LG_STR("Microsoft Windows security auditing."), LG_WP_SECURITY},
        {LG_STR("Microsoft-Windows-Service Control Manager"), LG_WP_SERVICES},
};
#define N_PROVIDERS (sizeof(providers) / sizeof(providers[0]))

static const struct {
    struct lg_str name;
    enum lg_win_provider provider;
} channels[] = {
        {LG_STR("Microsoft-Windows-Sysmon/Operational"), LG_WP_SYSMON},
        {LG_STR("Linux-Sysmon/Operational"), LG_WP_SYSMON_LINUX},
        {LG_STR("Security"), LG_WP_SECURITY},
        {LG_STR("Microsoft-Windows-PowerShell/Operational"), LG_WP_POWERSHELL},
        {LG_STR("PowerShellCore/Operational"), LG_WP_POWERSHELL},
        {LG_STR("Windows PowerShell"), LG_WP_POWERSHELL_CLASSIC},
        {LG_STR("Microsoft-Windows-WMI-Activity/Operational"), LG_WP_WMI},
};

static enum lg_win_provider provider_of_channel(struct lg_str channel, uint64_t code)
{
    /* These two channels carry events of several providers. */
    if (lg_str_ieq(channel, LG_STR("System")))
        return code == 104 ? LG_WP_EVENTLOG : code == 7045 ? LG_WP_SERVICES : LG_WP_NONE;
    if (lg_str_ieq(channel, LG_STR("Security")) && code == 1102)
        return LG_WP_EVENTLOG;
    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
        if (lg_str_ieq(channels[i].name, channel))
            return channels[i].provider;
    return LG_WP_NONE;
}

enum lg_win_provider lg_win_provider_of(
        struct lg_str provider, struct lg_str channel, uint64_t code)
{
    if (provider.n == 0)
        return provider_of_channel(channel, code);
    for (size_t i = 0; i < N_PROVIDERS; i++)
        if (lg_str_eq(providers[i].name, provider))
            return providers[i].provider;
    for (size_t i = 0; i < N_PROVIDERS; i++)
        if (lg_str_ieq(providers[i].name, provider))
            return providers[i].provider;
    return LG_WP_NONE;
}

struct lg_str lg_win_provider_name(enum lg_win_provider p)
{
    for (size_t i = 0; i < N_PROVIDERS; i++)
        if (providers[i].provider == p)
            return providers[i].name;
    return lg_str_of("", 0);
}

const struct lg_win_event *lg_win_event_find(enum lg_win_provider p, uint64_t code)
{
    if (p == LG_WP_SYSMON || p == LG_WP_SYSMON_LINUX)
        return code >= 1 && code <= SYSMON_EVENTS ? &events[code - 1] : NULL;
    for (size_t i = SYSMON_EVENTS; i < N_EVENTS; i++)
        if (events[i].provider == p && events[i].code == code)
            return &events[i];
    return NULL;
}

const struct lg_win_event *lg_win_events(size_t *ret_n)
{
    *ret_n = N_EVENTS;
    return events;
}
