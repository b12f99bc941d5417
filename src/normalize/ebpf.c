#include "normalize/linux_common.h"

/*
 * Logster's own JSON for eBPF tracers, one event a line: docs/formats/ebpf.md and
 * docs/schemas/ebpf-event.schema.json. Told by "kind", "action" and "ts" together.
 */

enum kind { KIND_PROCESS = 1, KIND_FILE = 2, KIND_NETWORK = 4 };

static const struct action {
    struct lg_str name;
    enum kind kind;
    enum lg_lx_kind call;
    enum lg_event_type type;
} actions[] = {
        {{"exec", 4}, KIND_PROCESS, LG_LX_EXEC, LG_EVENT_PROCESS_CREATE},
        {{"fork", 4}, KIND_PROCESS, LG_LX_FORK, LG_EVENT_PROCESS_FORK},
        {{"exit", 4}, KIND_PROCESS, LG_LX_EXIT, LG_EVENT_PROCESS_TERMINATE},
        {{"setuid", 6}, KIND_PROCESS, LG_LX_SETUID, LG_EVENT_CREDENTIAL_CHANGE},
        {{"setgid", 6}, KIND_PROCESS, LG_LX_SETGID, LG_EVENT_CREDENTIAL_CHANGE},
        {{"ptrace", 6}, KIND_PROCESS, LG_LX_PTRACE, LG_EVENT_PROCESS_PTRACE},
        {{"signal", 6}, KIND_PROCESS, LG_LX_KILL, LG_EVENT_PROCESS_SIGNAL},
        {{"module_load", 11}, KIND_PROCESS, LG_LX_KMOD, LG_EVENT_KERNEL_MODULE_LOAD},
        {{"mount", 5}, KIND_PROCESS, LG_LX_MOUNT, LG_EVENT_MOUNT},
        {{"memfd_create", 12}, KIND_PROCESS, LG_LX_MEMFD, LG_EVENT_MEMFD_CREATE},
        {{"bpf", 3}, KIND_PROCESS, LG_LX_BPF, LG_EVENT_BPF},
        {{"open", 4}, KIND_FILE, LG_LX_OPEN, LG_EVENT_FILE_OPEN},
        {{"write", 5}, KIND_FILE, LG_LX_WRITE, LG_EVENT_FILE_WRITE},
        {{"create", 6}, KIND_FILE, LG_LX_CREATE, LG_EVENT_FILE_CREATE},
        {{"delete", 6}, KIND_FILE, LG_LX_DELETE, LG_EVENT_FILE_DELETE},
        {{"rename", 6}, KIND_FILE, LG_LX_RENAME, LG_EVENT_FILE_RENAME},
        {{"link", 4}, KIND_FILE, LG_LX_LINK, LG_EVENT_FILE_LINK},
        {{"chmod", 5}, KIND_FILE, LG_LX_CHMOD, LG_EVENT_FILE_MODE_CHANGE},
        {{"chown", 5}, KIND_FILE, LG_LX_CHOWN, LG_EVENT_FILE_OWNER_CHANGE},
        {{"connect", 7}, KIND_NETWORK, LG_LX_CONNECT, LG_EVENT_NETWORK_CONNECT},
        {{"accept", 6}, KIND_NETWORK, LG_LX_ACCEPT, LG_EVENT_NETWORK_ACCEPT},
        {{"bind", 4}, KIND_NETWORK, LG_LX_BIND, LG_EVENT_NETWORK_BIND},
        {{"listen", 6}, KIND_NETWORK, LG_LX_LISTEN, LG_EVENT_NETWORK_LISTEN},
};

#define ALL_CALLS UINT32_MAX
#define FILE_CALLS                                                                                 \
    (LG_LX_BIT(OPEN) | LG_LX_BIT(WRITE) | LG_LX_BIT(CREATE) | LG_LX_BIT(DELETE) |                  \
            LG_LX_BIT(RENAME) | LG_LX_BIT(LINK) | LG_LX_BIT(CHMOD) | LG_LX_BIT(CHOWN))
#define NETWORK_CALLS (LG_LX_BIT(CONNECT) | LG_LX_BIT(ACCEPT) | LG_LX_BIT(BIND) | LG_LX_BIT(LISTEN))
#define TARGET_CALLS (LG_LX_BIT(PTRACE) | LG_LX_BIT(KILL))

static const struct lg_lx_arg rows[] = {
        {ALL_CALLS, "tid", LG_F_THREAD_ID, LG_LX_NUM},
        {ALL_CALLS, "comm", LG_F_COMM, LG_LX_TEXT},
        {ALL_CALLS, "cwd", LG_F_CURRENT_DIRECTORY, LG_LX_TEXT},
        {ALL_CALLS, "uid", LG_F_UID, LG_LX_NUM},
        {ALL_CALLS, "gid", LG_F_GID, LG_LX_NUM},
        {ALL_CALLS, "euid", LG_F_EUID, LG_LX_NUM},
        {ALL_CALLS, "egid", LG_F_EGID, LG_LX_NUM},
        {ALL_CALLS, "suid", LG_F_SUID, LG_LX_NUM},
        {ALL_CALLS, "sgid", LG_F_SGID, LG_LX_NUM},
        {ALL_CALLS, "auid", LG_F_AUID, LG_LX_NUM},
        {ALL_CALLS, "session", LG_F_SESSION_ID, LG_LX_NUM},
        {ALL_CALLS, "tty", LG_F_TTY, LG_LX_TEXT},
        {ALL_CALLS, "syscall", LG_F_SYSCALL, LG_LX_TEXT},
        {ALL_CALLS, "rule", LG_F_DETECTION_RULE, LG_LX_TEXT},
        {LG_LX_BIT(EXEC), "sha256", LG_F_SHA256, LG_LX_TEXT},
        {LG_LX_BIT(EXEC), "capabilities", LG_F_CAPABILITIES, LG_LX_TEXT},
        {LG_LX_BIT(FORK), "clone_flags", LG_F_CLONE_FLAGS, LG_LX_FLAG_CLONE},
        {LG_LX_BIT(EXIT), "exit_code", LG_F_EXIT_CODE, LG_LX_NUM},
        {LG_LX_BIT(EXIT) | LG_LX_BIT(KILL), "signal", LG_F_SIGNAL, LG_LX_SIG},
        {LG_LX_BIT(SETUID), "new_uid", LG_F_NEW_UID, LG_LX_NUM},
        {LG_LX_BIT(SETGID), "new_gid", LG_F_NEW_GID, LG_LX_NUM},
        {LG_LX_BIT(PTRACE), "request", LG_F_PTRACE_REQUEST, LG_LX_PTRACE_REQ},
        {LG_LX_BIT(KMOD), "module", LG_F_MODULE_NAME, LG_LX_TEXT},
        {LG_LX_BIT(KMOD), "module_args", LG_F_MODULE_ARGS, LG_LX_TEXT},
        {LG_LX_BIT(KMOD), "path", LG_F_TARGET_FILENAME, LG_LX_TEXT},
        {LG_LX_BIT(MOUNT), "source", LG_F_MOUNT_SOURCE, LG_LX_TEXT},
        {LG_LX_BIT(MOUNT), "target", LG_F_MOUNT_TARGET, LG_LX_TEXT},
        {LG_LX_BIT(MOUNT), "fstype", LG_F_MOUNT_TYPE, LG_LX_TEXT},
        {LG_LX_BIT(MOUNT), "mount_flags", LG_F_MOUNT_FLAGS, LG_LX_NUM},
        {LG_LX_BIT(MEMFD), "name", LG_F_MEMFD_NAME, LG_LX_TEXT},
        {LG_LX_BIT(BPF), "cmd", LG_F_BPF_COMMAND, LG_LX_BPF_CMD},
        {LG_LX_BIT(BPF), "prog_type", LG_F_BPF_PROGRAM_TYPE, LG_LX_TEXT},
        {FILE_CALLS, "path", LG_F_TARGET_FILENAME, LG_LX_TEXT},
        {FILE_CALLS, "file_type", LG_F_FILE_TYPE, LG_LX_TEXT},
        {LG_LX_BIT(RENAME) | LG_LX_BIT(LINK), "new_path", LG_F_NEW_FILENAME, LG_LX_TEXT},
        {LG_LX_BIT(OPEN), "flags", LG_F_OPEN_FLAGS, LG_LX_FLAG_OPEN},
        {FILE_CALLS, "mode", LG_F_FILE_MODE, LG_LX_MODE},
        {LG_LX_BIT(CHOWN), "owner_uid", LG_F_FILE_OWNER_UID, LG_LX_NUM},
        {LG_LX_BIT(CHOWN), "owner_gid", LG_F_FILE_OWNER_GID, LG_LX_NUM},
        {FILE_CALLS | NETWORK_CALLS, "fd", LG_F_FD, LG_LX_NUM},
        {FILE_CALLS | NETWORK_CALLS, "read_bytes", LG_F_READ_BYTES, LG_LX_NUM},
        {FILE_CALLS | NETWORK_CALLS, "written_bytes", LG_F_WRITTEN_BYTES, LG_LX_NUM},
        {LG_LX_BIT(LISTEN), "backlog", LG_F_BACKLOG, LG_LX_NUM},
};

static enum kind kind_of(struct lg_jval root)
{
    struct lg_str s = lg_jval_get_str(root, LG_STR("kind"));

    if (lg_str_eq(s, LG_STR("process")))
        return KIND_PROCESS;
    if (lg_str_eq(s, LG_STR("file")))
        return KIND_FILE;
    return lg_str_eq(s, LG_STR("network")) ? KIND_NETWORK : 0;
}

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_jval v;

    (void)record;
    return root.at != NULL && lg_jval_type(root) == LG_JSON_OBJECT && kind_of(root) != 0 &&
            lg_jval_get_str(root, LG_STR("action")).n > 0 && lg_jval_get(root, LG_STR("ts"), &v);
}

static const struct action *find_action(enum kind kind, struct lg_str name)
{
    size_t i;

    for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (actions[i].kind == kind && lg_str_eq(actions[i].name, name))
            return &actions[i];
    }
    return NULL;
}

/* Member names of one process of the record: the acting one, its parent, the one acted on. */
struct names {
    struct lg_str pid, start, exe, args, user;
};
static const struct names actor_names = {
        {"pid", 3}, {"start_time", 10}, {"exe", 3}, {"args", 4}, {"user", 4}};
static const struct names parent_names = {{"ppid", 4}, {"parent_start_time", 17},
        {"parent_exe", 10}, {"parent_args", 11}, {"parent_user", 11}};
static const struct names child_names = {
        {"child_pid", 9}, {"child_start_time", 16}, {"", 0}, {"", 0}, {"", 0}};
static const struct names target_names = {{"target_pid", 10}, {"target_start_time", 17},
        {"target_exe", 10}, {"", 0}, {"target_user", 11}};

static struct lg_lx_proc read_proc(struct lg_lx *lx, struct lg_jval root, const struct names *n)
{
    struct lg_lx_proc p = {.start_is_clock = true};
    struct lg_jval v;
    int64_t start;

    p.has_pid = lg_lx_member_uint(root, n->pid, &p.pid);
    if (lg_lx_member_int(root, n->start, &start) && start > 0)
        p.start_ns = start;
    p.image = lg_jval_get_str(root, n->exe);
    p.user = lg_jval_get_str(root, n->user);
    if (lg_jval_get(root, n->args, &v)) {
        if (lg_jval_type(v) == LG_JSON_ARRAY)
            p.command_line = lg_lx_join_array(lx, v);
        else if (lg_jval_type(v) == LG_JSON_STRING)
            p.command_line = lg_jval_str(v);
    }
    return p;
}

static void set_container(struct lg_lx *lx, struct lg_jval root)
{
    struct lg_jval v;

    if (!lg_lx_member_obj(root, LG_STR("container"), &v))
        return;
    lg_lx_container_id(lx, lg_jval_get_str(v, LG_STR("id")));
    lg_lx_member(lx, LG_F_CONTAINER_NAME, v, LG_STR("name"));
    lg_lx_member(lx, LG_F_CONTAINER_IMAGE, v, LG_STR("image"));
    lg_lx_member(lx, LG_F_POD_NAME, v, LG_STR("pod"));
    lg_lx_member(lx, LG_F_POD_NAMESPACE, v, LG_STR("namespace"));
}

static void set_rows(struct lg_lx *lx, struct lg_jval root, const struct action *act)
{
    struct lg_jiter it = lg_jiter_of(root);
    struct lg_str key;
    struct lg_jval v;

    while (lg_jiter_member(&it, &key, &v))
        (void)lg_lx_set_arg(
                lx, rows, sizeof(rows) / sizeof(rows[0]), act->call, key, lg_lx_val_of(v));
}

/* saddr and sport are the client's end of a connection, or the bound address. */
static void set_network(struct lg_lx *lx, struct lg_jval root, const struct action *act)
{
    struct lg_str path = lg_jval_get_str(root, LG_STR("path"));
    uint64_t v;

    (void)lg_lx_ip(lx, LG_F_SOURCE_IP, lg_jval_get_str(root, LG_STR("saddr")));
    (void)lg_lx_ip(lx, LG_F_DESTINATION_IP, lg_jval_get_str(root, LG_STR("daddr")));
    if (lg_lx_member_uint(root, LG_STR("sport"), &v))
        lg_lx_port(lx, LG_F_SOURCE_PORT, v);
    if (lg_lx_member_uint(root, LG_STR("dport"), &v))
        lg_lx_port(lx, LG_F_DESTINATION_PORT, v);
    if (path.n > 0) {
        lg_lx_str(lx, LG_F_SOCKET_PATH, path);
        lg_event_set_str(lx->ev, LG_F_SOCKET_FAMILY, LG_STR("unix"));
    }
    lg_lx_member(lx, LG_F_SOCKET_FAMILY, root, LG_STR("family"));
    lg_lx_str(lx, LG_F_PROTOCOL, lg_lx_protocol_name(lg_jval_get_str(root, LG_STR("protocol"))));
    if (act->call == LG_LX_CONNECT || act->call == LG_LX_ACCEPT)
        lg_event_set_bool(lx->ev, LG_F_INITIATED, act->call == LG_LX_CONNECT);
}

/* What an event of this kind cannot do without; NULL when all is there. */
static const char *missing(const struct lg_event *ev, const struct action *act)
{
    if (!lg_event_has(ev, LG_F_PROCESS_ID))
        return "pid";
    if (act->kind == KIND_FILE && !lg_event_has(ev, LG_F_TARGET_FILENAME))
        return "path";
    if (act->kind == KIND_FILE && (act->call == LG_LX_RENAME || act->call == LG_LX_LINK) &&
            !lg_event_has(ev, LG_F_NEW_FILENAME))
        return "new_path";
    if (act->call == LG_LX_CONNECT && !lg_event_has(ev, LG_F_DESTINATION_IP) &&
            !lg_event_has(ev, LG_F_SOCKET_PATH))
        return "daddr or path";
    if (act->call == LG_LX_FORK && !lg_event_has(ev, LG_F_TARGET_PROCESS_ID))
        return "child_pid";
    if ((TARGET_CALLS >> act->call & 1) != 0 && !lg_event_has(ev, LG_F_TARGET_PROCESS_ID))
        return "target_pid";
    return NULL;
}

static void fill(struct lg_lx *lx, struct lg_jval root, const struct action *act)
{
    struct lg_lx_proc p = read_proc(lx, root, &actor_names);
    int64_t ret;

    lg_lx_actor(lx, &p);
    p = read_proc(lx, root, &parent_names);
    lg_lx_parent(lx, &p);
    if (act->call == LG_LX_FORK || (TARGET_CALLS >> act->call & 1) != 0) {
        p = read_proc(lx, root, act->call == LG_LX_FORK ? &child_names : &target_names);
        lg_lx_target(lx, &p);
    }
    set_container(lx, root);
    set_rows(lx, root, act);
    if (act->kind == KIND_NETWORK)
        set_network(lx, root, act);
    if (lg_lx_member_int(root, LG_STR("ret"), &ret))
        lg_lx_result(lx, ret);
}

static int normalize(struct lg_norm_call *call)
{
    static const enum lg_source sources[] = {[KIND_PROCESS] = LG_SOURCE_EBPF_PROCESS,
            [KIND_FILE] = LG_SOURCE_EBPF_FILE,
            [KIND_NETWORK] = LG_SOURCE_EBPF_NETWORK};
    struct lg_lx lx = {.call = call, .ev = call->ev};
    struct lg_jval root = call->root;
    struct lg_str name = lg_jval_get_str(root, LG_STR("action"));
    struct lg_str id = lg_jval_get_str(root, LG_STR("id"));
    const struct action *act = find_action(kind_of(root), name);
    const char *lacks;
    lg_time ts;

    if (act == NULL)
        return lg_norm_dead(call, LG_DEAD_UNSUPPORTED_TYPE, "eBPF action %.*s", LG_STR_FMT(name));
    if (!lg_lx_member_int(root, LG_STR("ts"), &ts) || ts < 0)
        ts = 0;
    lg_lx_begin(
            &lx, call, sources[act->kind], act->type, ts, lg_jval_get_str(root, LG_STR("host")));
    fill(&lx, root, act);
    lacks = missing(lx.ev, act);
    if (lacks != NULL && !lx.oom)
        return lg_norm_dead(
                call, LG_DEAD_MISSING_FIELD, "eBPF %.*s without %s", LG_STR_FMT(name), lacks);
    return lg_lx_emit(&lx, &id, id.n > 0 ? 1 : 0);
}

const struct lg_format lg_format_ebpf = {
        .name = "ebpf",
        .platform = LG_PLATFORM_LINUX,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
};
