#include "normalize/windows_fields.h"

/*
 * Rendered messages. A shipper may lose data that the message still shows (NXLog's header member
 * ProcessID hides the data's ProcessId; flat exports have no UserData), and Splunk's text form has
 * nothing else. The text is ambiguous where a value holds line breaks: what data the record has
 * always comes first, and of two readings the first one in the text stays.
 */

/* A label that is no key of the event belongs to the value before it; one that is not wanted ends
 * that value all the same. */
enum interest { NOT_A_KEY, NOT_WANTED, WANTED };

static enum interest interest_in(
        const struct lg_win_record *rec, const struct lg_win_event *ev, int key)
{
    if (key == LG_WK_UtcTime)
        return WANTED;
    for (size_t i = 0; i < ev->n_rows && key >= 0; i++)
        if (ev->rows[i].key == key)
            return rec->message_only || (ev->rows[i].flags & LG_WR_ASK) != 0 ? WANTED : NOT_WANTED;
    return NOT_A_KEY;
}

/* Takes the next line, without its CR, off *rest. */
static bool next_line(struct lg_str *rest, struct lg_str *ret)
{
    if (!lg_str_split(rest, '\n', ret))
        return false;
    if (ret->n > 0 && ret->p[ret->n - 1] == '\r')
        ret->n--;
    return true;
}

/* Labels stand at one tab. */
static bool is_continuation(struct lg_str line)
{
    return lg_str_starts(line, LG_STR("\t\t"));
}

/* A value that grows line by line; key < 0: none is open. */
struct open_value {
    int key;
};

static void open_value(struct lg_win_record *rec, struct open_value *open, enum interest interest,
        int key, struct lg_str value)
{
    open->key = -1;
    if (interest != WANTED || lg_win_has(rec, (enum lg_win_key)key))
        return;
    open->key = key;
    lg_win_put_text(rec, (enum lg_win_key)key, lg_str_trim(value));
}

static void extend_value(
        struct lg_win_record *rec, const struct open_value *open, struct lg_str line)
{
    struct lg_str *text;

    if (open->key < 0)
        return;
    text = &rec->v[open->key].text;
    line = lg_str_trim(line);
    if (line.n == 0)
        return;
    if (text->n == 0)
        *text = line;
    else
        text->n = (size_t)(line.p + line.n - text->p);
}

static void fill_named(struct lg_win_record *rec, const struct lg_win_event *ev)
{
    struct lg_str rest = rec->message, line;
    struct open_value open = {-1};

    while (next_line(&rest, &line)) {
        ptrdiff_t colon = lg_str_chr(line, ':');
        int key = colon > 0 ? lg_win_key_of(lg_str_sub(line, 0, (size_t)colon)) : -1;
        enum interest interest = interest_in(rec, ev, key);

        if (interest != NOT_A_KEY)
            open_value(rec, &open, interest, key, lg_str_sub(line, (size_t)colon + 1, line.n));
        else
            extend_value(rec, &open, line);
    }
}

struct label {
    uint16_t code; /* 0: any event */
    uint16_t key;
    struct lg_str section; /* empty: any */
    struct lg_str label;
};
#define L(code, section, label, key)                                                               \
    {                                                                                              \
        code, LG_WK_##key, LG_STR(section), LG_STR(label)                                          \
    }
#define ACCOUNT(code, section, sid, who)                                                           \
    L(code, section, "Security ID", sid), L(code, section, "Account Name", who##UserName),         \
            L(code, section, "Account Domain", who##DomainName),                                   \
            L(code, section, "Logon ID", who##LogonId)

static const struct label labels[] = {
        ACCOUNT(0, "Subject", SubjectUserSid, Subject),
        ACCOUNT(0, "Creator Subject", SubjectUserSid, Subject),
        L(0, "Subject", "Domain Name", SubjectDomainName),
        L(0, "Subject", "Logon GUID", LogonGuid),
        L(0, "Subject", "Client Process ID", ClientProcessId),
        ACCOUNT(0, "Target Subject", TargetUserSid, Target),
        ACCOUNT(0, "New Logon", TargetUserSid, Target),
        L(0, "New Logon", "Linked Logon ID", TargetLinkedLogonId),
        L(0, "New Logon", "Network Account Name", TargetOutboundUserName),
        L(0, "New Logon", "Network Account Domain", TargetOutboundDomainName),
        L(0, "New Logon", "Logon GUID", LogonGuid),
        ACCOUNT(0, "Account For Which Logon Failed", TargetUserSid, Target),
        ACCOUNT(0, "Account Whose Credentials Were Used", TargetUserSid, Target),
        ACCOUNT(0, "New Account", TargetSid, Target),
        L(0, "Member", "Security ID", MemberSid),
        L(0, "Member", "Account Name", MemberName),
        L(0, "Group", "Security ID", TargetSid),
        L(0, "Group", "Group Name", TargetUserName),
        L(0, "Group", "Group Domain", TargetDomainName),
        L(0, "Group", "Account Name", TargetUserName),
        L(0, "Group", "Account Domain", TargetDomainName),
        L(0, "", "Logon Type", LogonType),
        L(0, "", "Impersonation Level", ImpersonationLevel),
        L(0, "Logon Information", "Restricted Admin Mode", RestrictedAdminMode),
        L(0, "Logon Information", "Virtual Account", VirtualAccount),
        L(0, "Logon Information", "Elevated Token", ElevatedToken),
        L(0, "Failure Information", "Failure Reason", FailureReason),
        L(0, "Failure Information", "Status", Status),
        L(0, "Failure Information", "Sub Status", SubStatus),
        L(0, "Target Server", "Target Server Name", TargetServerName),
        L(0, "Target Server", "Additional Information", TargetInfo),
        L(4688, "Process Information", "New Process ID", NewProcessId),
        L(4688, "Process Information", "New Process Name", NewProcessName),
        L(4688, "Process Information", "Token Elevation Type", TokenElevationType),
        L(4688, "Process Information", "Mandatory Label", MandatoryLabel),
        L(4688, "Process Information", "Creator Process ID", ProcessId),
        L(4688, "Process Information", "Creator Process Name", ParentProcessName),
        L(4688, "Process Information", "Process Command Line", CommandLine),
        L(0, "Process Information", "Process ID", ProcessId),
        L(0, "Process Information", "Process Name", ProcessName),
        L(0, "Process Information", "Caller Process ID", ProcessId),
        L(0, "Process Information", "Caller Process Name", ProcessName),
        L(4689, "Process Information", "Exit Status", Status),
        L(5156, "Application Information", "Process ID", ProcessID),
        L(5156, "Application Information", "Application Name", Application),
        L(5156, "Network Information", "Direction", Direction),
        L(5156, "Network Information", "Source Address", SourceAddress),
        L(5156, "Network Information", "Source Port", SourcePort),
        L(5156, "Network Information", "Destination Address", DestAddress),
        L(5156, "Network Information", "Destination Port", DestPort),
        L(5156, "Network Information", "Protocol", Protocol),
        L(5156, "Filter Information", "Layer Name", LayerName),
        L(0, "Network Information", "Workstation Name", WorkstationName),
        L(0, "Network Information", "Source Network Address", IpAddress),
        L(0, "Network Information", "Network Address", IpAddress),
        L(0, "Network Information", "Source Address", IpAddress),
        L(0, "Network Information", "Source Port", IpPort),
        L(0, "Network Information", "Port", IpPort),
        L(0, "Network Information", "Object Type", ObjectType),
        L(0, "Detailed Authentication Information", "Logon Process", LogonProcessName),
        L(0, "Detailed Authentication Information", "Authentication Package",
                AuthenticationPackageName),
        L(0, "Detailed Authentication Information", "Transited Services", TransmittedServices),
        L(0, "Detailed Authentication Information", "Package Name (NTLM only)", LmPackageName),
        L(0, "Detailed Authentication Information", "Key Length", KeyLength),
        L(0, "Object", "Object Server", ObjectServer),
        L(0, "Object", "Object Type", ObjectType),
        L(0, "Object", "Object Name", ObjectName),
        L(0, "Object", "Handle ID", HandleId),
        L(0, "Access Request Information", "Accesses", AccessList),
        L(0, "Access Request Information", "Access Reasons", AccessReason),
        L(0, "Access Request Information", "Access Mask", AccessMask),
        L(0, "Access Request Information", "Privileges Used for Access Check", PrivilegeList),
        L(0, "Share Information", "Share Name", ShareName),
        L(0, "Share Information", "Share Path", ShareLocalPath),
        L(0, "Share Information", "Relative Target Name", RelativeTargetName),
        L(0, "Task Information", "Task Name", TaskName),
        L(0, "Task Information", "Task Content", TaskContent),
        L(0, "Attributes", "SAM Account Name", SamAccountName),
        L(0, "Attributes", "User Principal Name", UserPrincipalName),
        L(0, "", "Privileges", PrivilegeList),
        L(7045, "", "Service File Name", ImagePath),
        L(7045, "", "Service Start Type", StartType),
        L(7045, "", "Service Account", AccountName),
        L(0, "", "Service Name", ServiceName),
        L(0, "", "Service File Name", ServiceFileName),
        L(0, "", "Service Type", ServiceType),
        L(0, "", "Service Start Type", ServiceStartType),
        L(0, "", "Service Account", ServiceAccount),
};
#undef L
#undef ACCOUNT

static int key_of_label(uint32_t code, struct lg_str section, struct lg_str label)
{
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
        if ((labels[i].code == 0 || labels[i].code == code) &&
                (labels[i].section.n == 0 || lg_str_eq(labels[i].section, section)) &&
                lg_str_eq(labels[i].label, label))
            return labels[i].key;
    return -1;
}

/* "Section:" at the margin, "<tab>Label:<tabs>value" below it; a value may go on in lines that are
 * indented further. */
static void fill_sections(struct lg_win_record *rec, const struct lg_win_event *ev)
{
    struct lg_str rest = rec->message, line, section = lg_str_of("", 0);
    struct open_value open = {-1};

    while (next_line(&rest, &line)) {
        ptrdiff_t colon = lg_str_chr(line, ':');
        struct lg_str label, value;
        enum interest interest;
        int key;

        if (lg_str_trim(line).n == 0) {
            open.key = -1;
            continue;
        }
        label = colon > 0 ? lg_str_trim(lg_str_sub(line, 0, (size_t)colon)) : lg_str_of("", 0);
        value = colon > 0 ? lg_str_sub(line, (size_t)colon + 1, line.n) : lg_str_of("", 0);
        key = key_of_label(ev->code, section, label);
        interest = interest_in(rec, ev, key);
        if (interest != NOT_A_KEY)
            open_value(rec, &open, interest, key, value);
        else if (is_continuation(line) || open.key == LG_WK_TaskContent)
            extend_value(rec, &open, line);
        else {
            open.key = -1;
            if (line.p[0] != '\t')
                section = label;
        }
    }
}

/* ---- templates of single events ---- */

/* What stands between two marks, without white space around; an empty `to` is the end of the
 * text. False when a mark is missing. */
static bool between(struct lg_str s, struct lg_str from, struct lg_str to, struct lg_str *ret)
{
    ptrdiff_t at = lg_str_find(s, from), end;

    if (at < 0)
        return false;
    s = lg_str_sub(s, (size_t)at + from.n, s.n);
    if (to.n > 0) {
        end = lg_str_find(s, to);
        if (end < 0)
            return false;
        s = lg_str_sub(s, 0, (size_t)end);
    }
    *ret = lg_str_trim(s);
    return true;
}

static void put_between(
        struct lg_win_record *rec, enum lg_win_key k, struct lg_str from, struct lg_str to)
{
    struct lg_str s;

    if (between(rec->message, from, to, &s))
        lg_win_put_text(rec, k, s);
}

static void fill_pipeline(struct lg_win_record *rec)
{
    struct lg_str s;

    if (between(rec->message, LG_STR("command line:"), LG_STR("Context Information:"), &s)) {
        if (s.n > 0 && s.p[s.n - 1] == '.') /* the template's own full stop */
            s = lg_str_trim(lg_str_sub(s, 0, s.n - 1));
        lg_win_put_text(rec, LG_WK_param1, s);
    }
    put_between(rec, LG_WK_param2, LG_STR("Context Information:"), LG_STR("\nDetails:"));
    put_between(rec, LG_WK_param3, LG_STR("\nDetails:"), LG_STR(""));
}

static void fill_module(struct lg_win_record *rec)
{
    ptrdiff_t at = lg_str_find(rec->message, LG_STR("\nContext:"));

    if (at < 0)
        return;
    lg_win_put_text(rec, LG_WK_Payload, lg_str_trim(lg_str_sub(rec->message, 0, (size_t)at)));
    put_between(rec, LG_WK_ContextInfo, LG_STR("\nContext:"), LG_STR("\nUser Data:"));
}

static ptrdiff_t find_last(struct lg_str s, struct lg_str mark)
{
    ptrdiff_t found = -1, at;
    size_t from = 0;

    while ((at = lg_str_find(lg_str_sub(s, from, s.n), mark)) >= 0) {
        found = (ptrdiff_t)from + at;
        from = (size_t)found + mark.n;
    }
    return found;
}

/* "Creating Scriptblock text (1 of 2):", the text, "ScriptBlock ID: ...", "Path: ...". What stands
 * before the last "ScriptBlock ID:" is the script's: it may hold the words itself. */
static void fill_script(struct lg_win_record *rec)
{
    const struct lg_str mark = LG_STR("\nScriptBlock ID:");
    ptrdiff_t id = find_last(rec->message, mark);
    ptrdiff_t text = lg_str_chr(rec->message, '\n');
    struct lg_str head, tail, s;

    if (id < 0 || text < 0 || text > id)
        return;
    head = lg_str_sub(rec->message, 0, (size_t)text);
    if (between(head, LG_STR("("), LG_STR(" of "), &s))
        lg_win_put_text(rec, LG_WK_MessageNumber, s);
    if (between(head, LG_STR(" of "), LG_STR(")"), &s))
        lg_win_put_text(rec, LG_WK_MessageTotal, s);
    lg_win_put_text(rec, LG_WK_ScriptBlockText,
            lg_str_trim(lg_str_sub(rec->message, (size_t)text + 1, (size_t)id)));
    tail = lg_str_sub(rec->message, (size_t)id + mark.n, rec->message.n);
    if (lg_str_split(&tail, '\n', &s))
        lg_win_put_text(rec, LG_WK_ScriptBlockId, lg_str_trim(s));
    if (between(tail, LG_STR("Path:"), LG_STR(""), &s))
        lg_win_put_text(rec, LG_WK_Path, s);
}

static void fill_binding(struct lg_win_record *rec)
{
    struct lg_str s;

    put_between(rec, LG_WK_Namespace, LG_STR("Namespace = "), LG_STR("; Eventfilter = "));
    put_between(rec, LG_WK_CONSUMER, LG_STR("; Consumer = "), LG_STR("; PossibleCause = "));
    put_between(rec, LG_WK_PossibleCause, LG_STR("; PossibleCause = "), LG_STR(""));
    if (between(rec->message, LG_STR("; Eventfilter = "), LG_STR("; Consumer = "), &s)) {
        ptrdiff_t note = lg_str_find(s, LG_STR(" (refer to its activate eventid:"));

        lg_win_put_text(rec, LG_WK_ESS, note < 0 ? s : lg_str_sub(s, 0, (size_t)note));
    }
}

void lg_win_fill_from_message(struct lg_win_record *rec, const struct lg_win_event *ev)
{
    switch ((enum lg_win_message)ev->message) {
    case LG_WM_NAMED:
        fill_named(rec, ev);
        break;
    case LG_WM_SECTIONS:
        fill_sections(rec, ev);
        break;
    case LG_WM_ENGINE:
        put_between(rec, LG_WK_param3, LG_STR("Details:"), LG_STR(""));
        break;
    case LG_WM_PIPELINE:
        fill_pipeline(rec);
        break;
    case LG_WM_MODULE:
        fill_module(rec);
        break;
    case LG_WM_SCRIPT:
        fill_script(rec);
        break;
    case LG_WM_BINDING:
        fill_binding(rec);
        break;
    case LG_WM_CLEARED:
        put_between(rec, LG_WK_Channel, LG_STR("The "), LG_STR(" log file was cleared"));
        break;
    }
}
