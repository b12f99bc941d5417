#include "graph/op_int.h"

/* Log-ons, accounts, objects, shares; services, tasks, logs, scripts, kernel. */

static void account_node(
        struct lg_op *op, enum lg_edge_type edge, struct lg_str name, enum lg_text_kind kind)
{
    lg_op_map_node(op, edge, LG_NODE_ACCOUNT, kind, name.n > 0 ? name : LG_STR("<unknown>"));
}

/* The far end of a log-on or share access, when it has an address. */
static bool network_source(struct lg_op *op, struct lg_str addr)
{
    bool v6;

    if (lg_text_addr_class(addr, &v6) == LG_ADDR_NONE)
        return false;
    op->buf_n[0] = 0;
    lg_op_map_put(op, 0, v6 ? LG_STR("[") : LG_STR(""));
    lg_op_map_put(op, 0, addr);
    lg_op_map_put(op, 0, v6 ? LG_STR("]:0") : LG_STR(":0"));
    op->src_end = LG_END_NODE;
    op->src.type = LG_NODE_NETWORK;
    op->src.kind = LG_TEXT_NET_IN;
    op->src.raw = lg_op_map_buf(op, 0);
    return true;
}

static struct lg_str target_account(const struct lg_event *ev)
{
    struct lg_str s = lg_op_map_str(ev, LG_F_TARGET_USER_NAME);

    if (s.n == 0)
        s = lg_op_map_str(ev, LG_F_ACCOUNT);
    return s.n > 0 ? s : lg_op_map_str(ev, LG_F_TARGET_USER);
}

static void map_logon(const struct lg_event *ev, struct lg_op *op)
{
    enum lg_edge_type edge = ev->type == LG_EVENT_LOGON ? LG_EDGE_LOGON
            : ev->type == LG_EVENT_LOGON_FAILED         ? LG_EDGE_LOGON_FAILED
                                                        : LG_EDGE_LOGON_EXPLICIT;
    struct lg_str addr = lg_op_map_str(ev, LG_F_IP_ADDRESS);
    uint64_t type = lg_event_u64(ev, LG_F_LOGON_TYPE);

    account_node(op, edge, target_account(ev), LG_TEXT_ACCOUNT);
    if (addr.n == 0)
        addr = lg_op_map_str(ev, LG_F_REMOTE_ADDRESS);
    if (type == 3 || type == 8)
        op->attr |= LG_ATTR_NETWORK_LOGON;
    else if (type == 10)
        op->attr |= LG_ATTR_REMOTE_LOGON;
    else if (type == 9)
        op->attr |= LG_ATTR_NEW_CREDENTIALS;
    if (ev->type == LG_EVENT_LOGON_FAILED ||
            (lg_event_has(ev, LG_F_SUCCESS) && !ev->v[LG_F_SUCCESS].b))
        op->attr |= LG_ATTR_FAILED;
    lg_op_map_put(op, 1, LG_STR("type "));
    lg_op_map_put_u64(op, 1, type, 10);
    lg_op_map_put(op, 1, LG_STR(" "));
    lg_op_map_put(op, 1, lg_op_map_str(ev, LG_F_AUTHENTICATION_PACKAGE_NAME));
    op->detail = lg_op_map_buf(op, 1);
    /* a log-on from elsewhere starts there; the local process that took it says little */
    if (edge != LG_EDGE_LOGON_EXPLICIT && network_source(op, addr))
        return;
    lg_op_map_account_source(ev, op);
}

static void map_object(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str type = lg_op_map_str(ev, LG_F_OBJECT_TYPE),
                  name = lg_op_map_str(ev, LG_F_OBJECT_NAME);
    uint64_t mask = lg_event_u64(ev, LG_F_ACCESS_MASK);

    lg_op_map_put_u64(op, 1, mask, 16);
    op->detail = lg_op_map_buf(op, 1);
    if (lg_str_ieq(type, LG_STR("Process")) && name.n > 0) {
        lg_op_map_edge(op, LG_EDGE_OBJECT_ACCESS, LG_END_TARGET);
        op->target.image = name;
        if ((mask & 0x10) != 0)
            op->attr |= LG_ATTR_ACCESS_VM_READ;
        if ((mask & 0x28) == 0x28)
            op->attr |= LG_ATTR_ACCESS_VM_WRITE;
    } else if (lg_str_ieq(type, LG_STR("File")) && name.n > 0) {
        lg_op_map_node(op, LG_EDGE_OBJECT_ACCESS, LG_NODE_FILE, LG_TEXT_FILE, name);
        op->attr = lg_text_file_attr(ev->platform, name);
    } else if (lg_str_ieq(type, LG_STR("Key")) && name.n > 0) {
        lg_op_map_node(op, LG_EDGE_OBJECT_ACCESS, LG_NODE_REGISTRY, LG_TEXT_REGISTRY, name);
    } else {
        lg_op_map_put(op, 0, type.n > 0 ? lg_text_cut(type, 64) : LG_STR("object"));
        lg_op_map_put(op, 0, LG_STR(":"));
        lg_op_map_put(op, 0, name);
        lg_op_map_node(
                op, LG_EDGE_OBJECT_ACCESS, LG_NODE_DEVICE, LG_TEXT_NAME, lg_op_map_buf(op, 0));
    }
    lg_op_map_account_source(ev, op);
}

static void map_share(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str rel = lg_op_map_str(ev, LG_F_RELATIVE_TARGET_NAME);
    struct lg_str share = lg_str_basename(lg_op_map_str(ev, LG_F_SHARE_NAME));

    op->actor.guid.n = 0; /* the server thread that answers is no actor */
    op->actor.pid = 0;
    op->actor.image.n = 0;
    lg_op_map_put(op, 1, share);
    if (rel.n > 0 && !lg_str_eq(rel, LG_STR("\\"))) {
        lg_op_map_put(op, 1, LG_STR("\\"));
        lg_op_map_put(op, 1, rel);
    }
    lg_op_map_node(op, LG_EDGE_SHARE_ACCESS, LG_NODE_SHARE, LG_TEXT_SHARE, lg_op_map_buf(op, 1));
    if (!network_source(op, lg_op_map_str(ev, LG_F_IP_ADDRESS)))
        lg_op_map_account_source(ev, op);
}

/* Acts of one account on another: the subject is the source, whatever process is named. */
static void map_account_change(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str member = lg_op_map_str(ev, LG_F_MEMBER_NAME);
    struct lg_str name = target_account(ev);

    if (ev->type == LG_EVENT_GROUP_MEMBER_ADD) {
        account_node(op, LG_EDGE_GROUP_ADD, name, LG_TEXT_GROUP);
        op->detail = member.n > 0 ? member : lg_op_map_str(ev, LG_F_MEMBER_SID);
    } else if (ev->type == LG_EVENT_USER_CREATE) {
        account_node(op, LG_EDGE_USER_CREATE, name, LG_TEXT_ACCOUNT);
        op->detail = name;
    } else {
        struct lg_str subject = lg_op_map_str(ev, LG_F_SUBJECT_USER_NAME);

        account_node(op, LG_EDGE_PRIVILEGES, subject.n > 0 ? subject : name, LG_TEXT_ACCOUNT);
        op->detail = lg_op_map_str(ev, LG_F_PRIVILEGE_LIST);
        op->src = op->dst;
        op->src_end = LG_END_NODE;
        return;
    }
    if (ev->platform == LG_PLATFORM_WINDOWS)
        op->actor = (struct lg_op_proc){0};
    lg_op_map_account_source(ev, op);
}

void lg_op_map_account_event(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str name;

    switch (ev->type) {
    case LG_EVENT_LOGON:
    case LG_EVENT_LOGON_FAILED:
    case LG_EVENT_LOGON_EXPLICIT:
        map_logon(ev, op);
        break;
    case LG_EVENT_OBJECT_HANDLE:
    case LG_EVENT_OBJECT_ACCESS:
        map_object(ev, op);
        break;
    case LG_EVENT_SHARE_ACCESS:
    case LG_EVENT_SHARE_OBJECT_ACCESS:
        map_share(ev, op);
        break;
    case LG_EVENT_SERVICE_INSTALL:
    case LG_EVENT_TASK_CREATE:
        name = lg_op_map_str(
                ev, ev->type == LG_EVENT_TASK_CREATE ? LG_F_TASK_NAME : LG_F_SERVICE_NAME);
        lg_op_map_node(op,
                ev->type == LG_EVENT_TASK_CREATE ? LG_EDGE_TASK_CREATE : LG_EDGE_SERVICE_INSTALL,
                LG_NODE_SERVICE, LG_TEXT_NAME, name.n > 0 ? name : LG_STR("<unnamed>"));
        op->dst.text = lg_op_map_str(
                ev, ev->type == LG_EVENT_TASK_CREATE ? LG_F_TASK_CONTENT : LG_F_SERVICE_FILE_NAME);
        op->text_flags = lg_text_flags(op->dst.text);
        op->detail = lg_op_map_str(ev, LG_F_SERVICE_ACCOUNT);
        lg_op_map_account_source(ev, op);
        break;
    default:
        map_account_change(ev, op);
        break;
    }
}

/* Whether the text holds the word in any case; word.p[at] has none, so that it is looked for first. */
static bool says(struct lg_str text, struct lg_str word, size_t at)
{
    for (size_t i = at; i < text.n; i++) {
        const char *hit = memchr(text.p + i, word.p[at], text.n - i);

        if (hit == NULL)
            return false;
        i = (size_t)(hit - text.p);
        if (text.n - i >= word.n - at && lg_str_ieq(lg_str_of(hit - at, word.n), word))
            return true;
    }
    return false;
}

/* Of a script block, which may be a whole module. */
#define SCRIPT_SCAN_MAX 16384

static void map_script(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str host = lg_op_map_str(ev, LG_F_HOST_APPLICATION), text;
    struct lg_str name = LG_STR("pipeline");

    if (ev->type == LG_EVENT_SCRIPT_BLOCK) {
        name = LG_STR("scriptblock");
        text = lg_op_map_str(ev, LG_F_SCRIPT_BLOCK_TEXT);
        op->detail = lg_op_map_str(ev, LG_F_SCRIPT_PATH);
        if (lg_event_u64(ev, LG_F_MESSAGE_TOTAL) > 1)
            op->dst.group = lg_op_map_str(ev, LG_F_SCRIPT_BLOCK_ID);
    } else if (ev->type == LG_EVENT_POWERSHELL_ENGINE) {
        name = LG_STR("engine");
        text = host;
        op->detail = lg_op_map_str(ev, LG_F_ENGINE_VERSION);
    } else {
        if (ev->type == LG_EVENT_POWERSHELL_MODULE)
            name = LG_STR("module");
        text = lg_op_map_str(ev, LG_F_PAYLOAD);
        if (text.n == 0)
            text = lg_op_map_str(ev, LG_F_COMMAND_NAME);
        op->detail = lg_op_map_str(ev, LG_F_COMMAND_NAME);
    }
    lg_op_map_node(op, LG_EDGE_SCRIPT_RUN, LG_NODE_SCRIPT, LG_TEXT_LITERAL, name);
    op->dst.text = text;
    op->dst.flags |= LG_OPN_TEXT_SCRIPT;
    op->text_flags = lg_text_flags(text);
    text = lg_text_cut(text, SCRIPT_SCAN_MAX);
    if ((op->text_flags & LG_NODEF_BASE64) != 0 || says(text, LG_STR("[char]"), 0) ||
            says(text, LG_STR("frombase64string"), 8))
        op->attr |= LG_ATTR_ENCODED;
    if (op->actor.image.n == 0 && op->actor.guid.n == 0 && op->actor.pid == 0) {
        op->actor.image = LG_STR("powershell.exe");
        op->actor.cmd = host;
    }
}

static void map_log(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str name = LG_STR("sysmon");
    enum lg_edge_type edge = LG_EDGE_AUDIT_CHANGE;

    if (ev->type == LG_EVENT_LOG_CLEAR) {
        edge = LG_EDGE_LOG_CLEAR;
        name = lg_op_map_str(ev, LG_F_CLEARED_CHANNEL);
        if (name.n == 0)
            name = LG_STR("security");
    } else if (ev->type == LG_EVENT_AUDIT_CONFIG) {
        name = LG_STR("audit");
        op->detail = lg_op_map_str(ev, LG_F_OPERATION);
    } else {
        op->detail = ev->type == LG_EVENT_SYSMON_STATE ? lg_op_map_str(ev, LG_F_SYSMON_STATE)
                                                       : lg_op_map_str(ev, LG_F_CONFIGURATION);
    }
    lg_op_map_node(op, edge, LG_NODE_LOG, LG_TEXT_LITERAL, name);
    lg_op_map_account_source(ev, op);
}

void lg_op_map_system_event(const struct lg_event *ev, struct lg_op *op)
{
    switch (ev->type) {
    case LG_EVENT_CLIPBOARD_CHANGE:
        lg_op_map_edge(op, LG_EDGE_CLIPBOARD, LG_END_ACTOR);
        break;
    case LG_EVENT_POWERSHELL_ENGINE:
    case LG_EVENT_POWERSHELL_PIPELINE:
    case LG_EVENT_POWERSHELL_MODULE:
    case LG_EVENT_SCRIPT_BLOCK:
        map_script(ev, op);
        break;
    case LG_EVENT_SYSMON_STATE:
    case LG_EVENT_SYSMON_CONFIG:
    case LG_EVENT_LOG_CLEAR:
    case LG_EVENT_AUDIT_CONFIG:
        map_log(ev, op);
        break;
    case LG_EVENT_MOUNT:
        lg_op_map_put(op, 0, LG_STR("mount:"));
        lg_op_map_put(op, 0, lg_op_map_str(ev, LG_F_MOUNT_TYPE));
        lg_op_map_node(op, LG_EDGE_MOUNT, LG_NODE_KERNEL, LG_TEXT_NAME, lg_op_map_buf(op, 0));
        lg_op_map_put(op, 1, lg_op_map_str(ev, LG_F_MOUNT_SOURCE));
        lg_op_map_put(op, 1, LG_STR(" "));
        lg_op_map_put(op, 1, lg_op_map_str(ev, LG_F_MOUNT_TARGET));
        op->detail = lg_op_map_buf(op, 1);
        break;
    case LG_EVENT_BPF:
        lg_op_map_put(op, 0, LG_STR("bpf:"));
        lg_op_map_put(op, 0, lg_op_map_str(ev, LG_F_BPF_PROGRAM_TYPE));
        lg_op_map_node(op, LG_EDGE_BPF, LG_NODE_KERNEL, LG_TEXT_NAME, lg_op_map_buf(op, 0));
        lg_op_map_put_u64(op, 1, lg_event_u64(ev, LG_F_BPF_COMMAND), 10);
        op->detail = lg_op_map_buf(op, 1);
        break;
    default:
        break;
    }
}
