#include "normalize/tracee.h"

/* ---- events that are no system calls: what kind of call they stand for ---- */

#define EVENT(name, kind, type)                                                                    \
    {                                                                                              \
        name, LG_EVENT_##type, LG_LX_##kind                                                        \
    }
static const struct lg_keyrow event_rows[] = {
        EVENT("sched_process_exec", EXEC, PROCESS_CREATE),
        EVENT("security_file_open", OPEN, FILE_OPEN),
        EVENT("vfs_write", WRITE, FILE_WRITE),
        EVENT("vfs_writev", WRITE, FILE_WRITE),
        EVENT("__kernel_write", WRITE, FILE_WRITE),
        EVENT("magic_write", WRITE, FILE_WRITE),
        EVENT("file_modification", WRITE, FILE_WRITE),
        EVENT("security_path_truncate", WRITE, FILE_WRITE),
        EVENT("security_inode_mknod", CREATE, FILE_CREATE),
        EVENT("security_inode_unlink", DELETE, FILE_DELETE),
        EVENT("security_inode_rename", RENAME, FILE_RENAME),
        EVENT("security_inode_symlink", LINK, FILE_LINK),
        EVENT("chmod_common", CHMOD, FILE_MODE_CHANGE),
        EVENT("security_socket_connect", CONNECT, NETWORK_CONNECT),
        EVENT("security_socket_accept", ACCEPT, NETWORK_ACCEPT),
        EVENT("security_socket_bind", BIND, NETWORK_BIND),
        EVENT("security_socket_listen", LISTEN, NETWORK_LISTEN),
        EVENT("security_kernel_read_file", KMOD, KERNEL_MODULE_LOAD),
        EVENT("do_init_module", KMOD, KERNEL_MODULE_LOAD),
        EVENT("module_load", KMOD, KERNEL_MODULE_LOAD),
        EVENT("commit_creds", SETUID, CREDENTIAL_CHANGE),
        EVENT("security_sb_mount", MOUNT, MOUNT),
        EVENT("security_bpf", BPF, BPF),
        EVENT("security_bpf_prog", BPF, BPF),
        EVENT("bpf_attach", BPF, BPF),
};
static struct lg_keymap event_map = LG_KEYMAP(event_rows);

#define FILES                                                                                      \
    (LG_LX_BIT(OPEN) | LG_LX_BIT(WRITE) | LG_LX_BIT(CREATE) | LG_LX_BIT(DELETE) |                  \
            LG_LX_BIT(CHMOD) | LG_LX_BIT(CHOWN) | LG_LX_BIT(KMOD))
#define MOVES (LG_LX_BIT(RENAME) | LG_LX_BIT(LINK))

static const struct lg_lx_arg arg_rows[] = {
        {LG_LX_BIT(EXEC), "pathname", LG_F_IMAGE, LG_LX_TEXT},
        {LG_LX_BIT(EXEC), "sha256", LG_F_SHA256, LG_LX_TEXT},
        {FILES, "pathname", LG_F_TARGET_FILENAME, LG_LX_TEXT},
        {FILES, "filename", LG_F_TARGET_FILENAME, LG_LX_TEXT},
        {FILES, "file_name", LG_F_TARGET_FILENAME, LG_LX_TEXT},
        {FILES, "file_path", LG_F_TARGET_FILENAME, LG_LX_TEXT},
        {LG_LX_BIT(OPEN), "flags", LG_F_OPEN_FLAGS, LG_LX_FLAG_OPEN},
        {LG_LX_BIT(CREATE) | LG_LX_BIT(CHMOD), "mode", LG_F_FILE_MODE, LG_LX_MODE},
        {LG_LX_BIT(WRITE), "count", LG_F_WRITTEN_BYTES, LG_LX_NUM},
        {LG_LX_BIT(CHOWN), "owner", LG_F_FILE_OWNER_UID, LG_LX_NUM},
        {LG_LX_BIT(CHOWN), "group", LG_F_FILE_OWNER_GID, LG_LX_NUM},
        {MOVES, "oldpath", LG_F_TARGET_FILENAME, LG_LX_TEXT},
        {MOVES, "oldname", LG_F_TARGET_FILENAME, LG_LX_TEXT},
        {MOVES, "old_path", LG_F_TARGET_FILENAME, LG_LX_TEXT},
        {MOVES, "target", LG_F_TARGET_FILENAME, LG_LX_TEXT},
        {MOVES, "newpath", LG_F_NEW_FILENAME, LG_LX_TEXT},
        {MOVES, "newname", LG_F_NEW_FILENAME, LG_LX_TEXT},
        {MOVES, "new_path", LG_F_NEW_FILENAME, LG_LX_TEXT},
        {MOVES, "linkpath", LG_F_NEW_FILENAME, LG_LX_TEXT},
        {LG_LX_BIT(LISTEN), "backlog", LG_F_BACKLOG, LG_LX_NUM},
        {LG_LX_BIT(PTRACE), "request", LG_F_PTRACE_REQUEST, LG_LX_PTRACE_REQ},
        {LG_LX_BIT(PTRACE) | LG_LX_BIT(KILL), "pid", LG_F_TARGET_PROCESS_ID, LG_LX_NUM},
        {LG_LX_BIT(KILL), "tgid", LG_F_TARGET_PROCESS_ID, LG_LX_NUM},
        {LG_LX_BIT(KILL), "sig", LG_F_SIGNAL, LG_LX_SIG},
        {LG_LX_BIT(KMOD), "name", LG_F_MODULE_NAME, LG_LX_TEXT},
        {LG_LX_BIT(KMOD), "param_values", LG_F_MODULE_ARGS, LG_LX_TEXT},
        {LG_LX_BIT(SETUID), "uid", LG_F_NEW_UID, LG_LX_NUM},
        {LG_LX_BIT(SETUID), "ruid", LG_F_NEW_UID, LG_LX_NUM},
        {LG_LX_BIT(SETUID), "euid", LG_F_NEW_UID, LG_LX_NUM},
        {LG_LX_BIT(SETUID), "fsuid", LG_F_NEW_UID, LG_LX_NUM},
        {LG_LX_BIT(SETGID), "gid", LG_F_NEW_GID, LG_LX_NUM},
        {LG_LX_BIT(SETGID), "rgid", LG_F_NEW_GID, LG_LX_NUM},
        {LG_LX_BIT(SETGID), "egid", LG_F_NEW_GID, LG_LX_NUM},
        {LG_LX_BIT(SETGID), "fsgid", LG_F_NEW_GID, LG_LX_NUM},
        {LG_LX_BIT(MOUNT), "source", LG_F_MOUNT_SOURCE, LG_LX_TEXT},
        {LG_LX_BIT(MOUNT), "dev_name", LG_F_MOUNT_SOURCE, LG_LX_TEXT},
        {LG_LX_BIT(MOUNT), "target", LG_F_MOUNT_TARGET, LG_LX_TEXT},
        {LG_LX_BIT(MOUNT), "path", LG_F_MOUNT_TARGET, LG_LX_TEXT},
        {LG_LX_BIT(MOUNT), "filesystemtype", LG_F_MOUNT_TYPE, LG_LX_TEXT},
        {LG_LX_BIT(MOUNT), "type", LG_F_MOUNT_TYPE, LG_LX_TEXT},
        {LG_LX_BIT(MOUNT), "mountflags", LG_F_MOUNT_FLAGS, LG_LX_NUM},
        {LG_LX_BIT(MOUNT), "flags", LG_F_MOUNT_FLAGS, LG_LX_NUM},
        {LG_LX_BIT(MEMFD), "name", LG_F_MEMFD_NAME, LG_LX_TEXT},
        {LG_LX_BIT(BPF), "cmd", LG_F_BPF_COMMAND, LG_LX_BPF_CMD},
        {LG_LX_BIT(BPF), "prog_type", LG_F_BPF_PROGRAM_TYPE, LG_LX_TEXT},
        {LG_LX_BIT(BPF), "type", LG_F_BPF_PROGRAM_TYPE, LG_LX_TEXT},
        {LG_LX_BIT(BPF), "prog_name", LG_F_MODULE_NAME, LG_LX_TEXT},
};

static void set_args(struct lg_tr_rec *r, enum lg_lx_kind kind)
{
    size_t i;

    for (i = 0; i < r->n_args; i++)
        (void)lg_lx_set_arg(&r->lx, arg_rows, sizeof(arg_rows) / sizeof(arg_rows[0]), kind,
                r->args[i].name, lg_lx_val_of(r->args[i].value));
}

/* ["ls", "-l"], or {"value": ["ls", "-l"]} in the later shape. */
static void set_command_line(struct lg_tr_rec *r)
{
    struct lg_jval v;
    struct lg_jval inner;

    if (!lg_tr_arg(r, LG_STR("argv"), &v))
        return;
    if (lg_jval_type(v) == LG_JSON_OBJECT && lg_lx_member_arr(v, LG_STR("value"), &inner))
        v = inner;
    if (lg_jval_type(v) == LG_JSON_ARRAY)
        lg_lx_str(&r->lx, LG_F_COMMAND_LINE, lg_lx_join_array(&r->lx, v));
}

/* ---- sockets ---- */

static struct lg_str either(struct lg_jval obj, struct lg_str a, struct lg_str b)
{
    struct lg_str s = lg_jval_get_str(obj, a);

    return s.n > 0 ? s : lg_jval_get_str(obj, b);
}

static void set_port(
        struct lg_tr_rec *r, struct lg_jval obj, struct lg_str a, struct lg_str b, enum lg_field f)
{
    uint64_t port;

    if (lg_lx_member_uint(obj, a, &port) || lg_lx_member_uint(obj, b, &port))
        lg_lx_port(&r->lx, f, port);
}

/* Returns whether it is an internet address. */
static bool set_sockaddr(struct lg_tr_rec *r, struct lg_jval addr, bool source)
{
    enum lg_field ip = source ? LG_F_SOURCE_IP : LG_F_DESTINATION_IP;
    enum lg_field port = source ? LG_F_SOURCE_PORT : LG_F_DESTINATION_PORT;
    struct lg_str family;

    if (lg_jval_type(addr) != LG_JSON_OBJECT)
        return false;
    family = either(addr, LG_STR("sa_family"), LG_STR("saFamily"));
    if (lg_str_eq(family, LG_STR("AF_INET"))) {
        (void)lg_lx_ip(&r->lx, ip, either(addr, LG_STR("sin_addr"), LG_STR("sinAddr")));
        set_port(r, addr, LG_STR("sin_port"), LG_STR("sinPort"), port);
        return true;
    }
    if (lg_str_eq(family, LG_STR("AF_INET6"))) {
        (void)lg_lx_ip(&r->lx, ip, either(addr, LG_STR("sin6_addr"), LG_STR("sin6Addr")));
        set_port(r, addr, LG_STR("sin6_port"), LG_STR("sin6Port"), port);
        return true;
    }
    if (lg_str_eq(family, LG_STR("AF_UNIX"))) {
        lg_event_set_str(r->lx.ev, LG_F_SOCKET_FAMILY, LG_STR("unix"));
        lg_lx_str(&r->lx, LG_F_SOCKET_PATH, either(addr, LG_STR("sun_path"), LG_STR("sunPath")));
    }
    return false;
}

static struct lg_str protocol_of_type(struct lg_tr_rec *r)
{
    struct lg_str type = lg_tr_arg_str(r, LG_STR("type"));
    int64_t n;

    if (lg_str_find(type, LG_STR("SOCK_STREAM")) >= 0 ||
            (lg_tr_arg_int(r, LG_STR("type"), &n) && (n & 0xf) == 1))
        return LG_STR("tcp");
    if (lg_str_find(type, LG_STR("SOCK_DGRAM")) >= 0 ||
            (lg_tr_arg_int(r, LG_STR("type"), &n) && (n & 0xf) == 2))
        return LG_STR("udp");
    return LG_STR("");
}

/* A connection runs from client to server: local_addr is its end for an accepted one, its start
 * for every other; the address that accept(2) fills in is the client's. */
static void set_socket(struct lg_tr_rec *r, enum lg_lx_kind kind)
{
    bool inet = false;
    struct lg_jval v;
    int64_t fd;

    if (lg_tr_arg(r, LG_STR("remote_addr"), &v))
        inet = set_sockaddr(r, v, kind == LG_LX_ACCEPT) || inet;
    if (lg_tr_arg(r, LG_STR("local_addr"), &v))
        inet = set_sockaddr(r, v, kind != LG_LX_ACCEPT) || inet;
    if (lg_tr_arg(r, LG_STR("addr"), &v))
        inet = set_sockaddr(r, v, kind != LG_LX_CONNECT) || inet;
    if (inet)
        lg_lx_str(&r->lx, LG_F_PROTOCOL, protocol_of_type(r));
    if (lg_tr_arg_int(r, LG_STR("sockfd"), &fd))
        lg_event_set_i64(r->lx.ev, LG_F_FD, fd);
    if (kind == LG_LX_CONNECT || kind == LG_LX_ACCEPT)
        lg_event_set_bool(r->lx.ev, LG_F_INITIATED, kind == LG_LX_CONNECT);
}

static void set_flow_end(struct lg_tr_rec *r, struct lg_str addr, struct lg_str port,
        enum lg_field ip_field, enum lg_field port_field)
{
    int64_t v;

    (void)lg_lx_ip(&r->lx, ip_field, lg_tr_arg_str(r, addr));
    if (lg_tr_arg_int(r, port, &v) && v >= 0)
        lg_lx_port(&r->lx, port_field, (uint64_t)v);
}

/* net_flow_tcp_begin, net_tcp_connect */
static int normalize_flow(struct lg_tr_rec *r)
{
    bool incoming = lg_str_eq(lg_tr_arg_str(r, LG_STR("conn_direction")), LG_STR("incoming"));

    lg_tr_begin(r, incoming ? LG_EVENT_NETWORK_ACCEPT : LG_EVENT_NETWORK_CONNECT);
    lg_event_set_bool(r->lx.ev, LG_F_INITIATED, !incoming);
    lg_event_set_str(r->lx.ev, LG_F_PROTOCOL, LG_STR("tcp"));
    set_flow_end(r, LG_STR("src"), LG_STR("src_port"), LG_F_SOURCE_IP, LG_F_SOURCE_PORT);
    set_flow_end(r, LG_STR("dst"), LG_STR("dst_port"), LG_F_DESTINATION_IP, LG_F_DESTINATION_PORT);
    return lg_lx_emit(&r->lx, NULL, 0);
}

/* ---- DNS ---- */

static bool first_item(struct lg_jval obj, struct lg_str key, struct lg_jval *ret)
{
    struct lg_jval list;
    struct lg_jiter it;

    if (!lg_lx_member_arr(obj, key, &list))
        return false;
    it = lg_jiter_of(list);
    return lg_jiter_item(&it, ret) && lg_jval_type(*ret) == LG_JSON_OBJECT;
}

/* Addresses and names that were answered, as Sysmon joins them. */
static struct lg_str dns_answers(struct lg_tr_rec *r, struct lg_jval dns)
{
    static const struct lg_str keys[] = {
            {"IP", 2}, {"CNAME", 5}, {"PTR", 3}, {"ip", 2}, {"cname", 5}, {"ptr", 3}};
    struct lg_str parts[64];
    struct lg_jval list;
    struct lg_jval item;
    struct lg_jiter it;
    size_t n = 0;
    size_t i;

    if (!lg_lx_member_arr(dns, LG_STR("answers"), &list))
        return LG_STR("");
    it = lg_jiter_of(list);
    while (lg_jiter_item(&it, &item) && n + 2 <= sizeof(parts) / sizeof(parts[0])) {
        if (lg_jval_type(item) != LG_JSON_OBJECT)
            continue;
        for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            struct lg_str s = lg_jval_get_str(item, keys[i]);

            if (s.n == 0)
                continue;
            parts[n++] = s;
            parts[n++] = LG_STR(";");
            break;
        }
    }
    return lg_lx_cat(&r->lx, parts, n);
}

static int normalize_dns(struct lg_tr_rec *r)
{
    struct lg_jval dns;
    struct lg_jval question;

    lg_tr_begin(r, LG_EVENT_DNS_QUERY);
    if ((lg_tr_arg(r, LG_STR("proto_dns"), &dns) || lg_tr_arg(r, LG_STR("dns"), &dns)) &&
            lg_jval_type(dns) == LG_JSON_OBJECT) {
        if (first_item(dns, LG_STR("questions"), &question))
            lg_lx_str(&r->lx, LG_F_QUERY_NAME, lg_jval_get_str(question, LG_STR("name")));
        lg_lx_str(&r->lx, LG_F_QUERY_STATUS,
                either(dns, LG_STR("responseCode"), LG_STR("response_code")));
        lg_lx_str(&r->lx, LG_F_QUERY_RESULTS, dns_answers(r, dns));
    }
    set_flow_end(r, LG_STR("src"), LG_STR("src_port"), LG_F_SOURCE_IP, LG_F_SOURCE_PORT);
    set_flow_end(r, LG_STR("dst"), LG_STR("dst_port"), LG_F_DESTINATION_IP, LG_F_DESTINATION_PORT);
    return lg_lx_emit(&r->lx, NULL, 0);
}

/* ---- processes ---- */

static int normalize_fork(struct lg_tr_rec *r)
{
    struct lg_lx_proc child = {.has_pid = true, .start_is_clock = true};
    int64_t pid;
    int64_t tid;
    int64_t start;

    if (!lg_tr_arg_int(r, LG_STR("child_pid"), &pid) || pid < 0)
        return lg_norm_dead(r->call, LG_DEAD_MISSING_FIELD, "Tracee fork without child_pid");
    if (lg_tr_arg_int(r, LG_STR("child_tid"), &tid) && tid != pid)
        return lg_norm_skip(r->call, LG_SKIP_THREAD);
    lg_tr_begin(r, LG_EVENT_PROCESS_FORK);
    child.pid = (uint64_t)pid;
    if (lg_tr_arg_int(r, LG_STR("start_time"), &start) && start > 0)
        child.start_ns = start;
    lg_lx_target(&r->lx, &child);
    return lg_lx_emit(&r->lx, NULL, 0);
}

static int normalize_exit(struct lg_tr_rec *r)
{
    struct lg_jval group;
    int64_t v;

    if (r->has_tid && r->tid != r->proc.pid &&
            !(lg_tr_arg(r, LG_STR("process_group_exit"), &group) &&
                    lg_jval_type(group) == LG_JSON_BOOL && lg_jval_bool(group)))
        return lg_norm_skip(r->call, LG_SKIP_THREAD);
    lg_tr_begin(r, LG_EVENT_PROCESS_TERMINATE);
    if (lg_tr_arg_int(r, LG_STR("exit_code"), &v))
        lg_event_set_i64(r->lx.ev, LG_F_EXIT_CODE, v);
    if (lg_tr_arg_int(r, LG_STR("signal_code"), &v) && v > 0)
        lg_lx_u64(&r->lx, LG_F_SIGNAL, (uint64_t)v);
    return lg_lx_emit(&r->lx, NULL, 0);
}

static void set_new_credentials(struct lg_tr_rec *r)
{
    struct lg_jval cred;
    uint64_t id;

    if (!lg_tr_arg(r, LG_STR("new_cred"), &cred) || lg_jval_type(cred) != LG_JSON_OBJECT)
        return;
    if ((lg_lx_member_uint(cred, LG_STR("Euid"), &id) ||
                lg_lx_member_uint(cred, LG_STR("euid"), &id)) &&
            id < UINT32_MAX)
        lg_event_set_i64(r->lx.ev, LG_F_NEW_UID, (int64_t)id);
    if ((lg_lx_member_uint(cred, LG_STR("Egid"), &id) ||
                lg_lx_member_uint(cred, LG_STR("egid"), &id)) &&
            id < UINT32_MAX)
        lg_event_set_i64(r->lx.ev, LG_F_NEW_GID, (int64_t)id);
}

/* ---- dispatch ---- */

static bool is_socket_kind(enum lg_lx_kind kind)
{
    return kind == LG_LX_CONNECT || kind == LG_LX_ACCEPT || kind == LG_LX_BIND ||
            kind == LG_LX_LISTEN;
}

static int normalize_call(struct lg_tr_rec *r, enum lg_lx_kind kind, enum lg_event_type type)
{
    bool scheduler = lg_str_starts(r->name, LG_STR("sched_"));

    lg_tr_begin(r, type);
    set_args(r, kind);
    if ((kind == LG_LX_KILL || kind == LG_LX_PTRACE) && !r->host_pid_ns)
        lg_lx_drop_target_pid(&r->lx);
    if (kind == LG_LX_EXEC)
        set_command_line(r);
    if (is_socket_kind(kind))
        set_socket(r, kind);
    if (lg_str_eq(r->name, LG_STR("commit_creds")))
        set_new_credentials(r);
    if (r->has_ret && !scheduler)
        lg_lx_result(&r->lx, r->ret);
    return lg_lx_emit(&r->lx, NULL, 0);
}

/* The system call as the parent sees it. What it returns counts in the parent's pid name space;
 * in a container only sched_process_fork tells who the child is. */
static int normalize_clone(struct lg_tr_rec *r)
{
    struct lg_lx_val flags = {false, 0, {"", 0}};
    struct lg_jval v;

    if (r->has_ret && r->ret >= 0 && !r->host_pid_ns)
        return lg_norm_skip(r->call, LG_SKIP_PAIRED);
    lg_tr_begin(r, LG_EVENT_PROCESS_FORK);
    if (lg_tr_arg(r, LG_STR("flags"), &v)) {
        flags = lg_lx_val_of(v);
        lg_lx_convert(&r->lx, LG_F_CLONE_FLAGS, LG_LX_FLAG_CLONE, flags);
    }
    if ((lg_event_u64(r->lx.ev, LG_F_CLONE_FLAGS) & 0x10000) != 0) /* CLONE_THREAD */
        return lg_norm_skip(r->call, LG_SKIP_THREAD);
    if (!r->has_ret || r->ret == 0)
        return lg_norm_dead(r->call, LG_DEAD_MISSING_FIELD, "Tracee fork that names no child");
    if (r->ret > 0)
        lg_lx_u64(&r->lx, LG_F_TARGET_PROCESS_ID, (uint64_t)r->ret);
    lg_lx_result(&r->lx, r->ret);
    return lg_lx_emit(&r->lx, NULL, 0);
}

/* Only this type of file is a module; the rest are firmware, certificates and so on. */
static bool reads_module(const struct lg_tr_rec *r)
{
    struct lg_str type = lg_tr_arg_str(r, LG_STR("type"));

    return lg_str_ifind(type, LG_STR("module")) >= 0;
}

int lg_tr_normalize_event(struct lg_tr_rec *r)
{
    const struct lg_keyrow *row;
    struct lg_lx_syscall sc;

    if (lg_str_eq(r->name, LG_STR("sched_process_fork")))
        return normalize_fork(r);
    if (lg_str_eq(r->name, LG_STR("sched_process_exit")))
        return normalize_exit(r);
    if (lg_str_eq(r->name, LG_STR("security_bprm_check"))) /* the exec itself follows */
        return lg_norm_skip(r->call, LG_SKIP_PAIRED);
    if (lg_str_starts(r->name, LG_STR("net_packet_dns")))
        return normalize_dns(r);
    if (lg_str_eq(r->name, LG_STR("net_flow_tcp_begin")) ||
            lg_str_eq(r->name, LG_STR("net_tcp_connect")))
        return normalize_flow(r);
    if (lg_str_eq(r->name, LG_STR("shared_object_loaded"))) {
        lg_tr_begin(r, LG_EVENT_IMAGE_LOAD);
        lg_lx_str(&r->lx, LG_F_IMAGE_LOADED, lg_tr_arg_str(r, LG_STR("pathname")));
        return lg_lx_emit(&r->lx, NULL, 0);
    }
    if (lg_lx_syscall_find(r->name, &sc)) {
        if (sc.kind == LG_LX_EXIT) /* sched_process_exit follows */
            return lg_norm_skip(r->call, LG_SKIP_PAIRED);
        if (sc.kind == LG_LX_FORK)
            return normalize_clone(r);
        return normalize_call(r, sc.kind, sc.type);
    }
    row = lg_keymap_find(&event_map, r->name);
    if (row == NULL ||
            (lg_str_eq(r->name, LG_STR("security_kernel_read_file")) && !reads_module(r)))
        return lg_norm_dead(
                r->call, LG_DEAD_UNSUPPORTED_TYPE, "Tracee event %.*s", LG_STR_FMT(r->name));
    return normalize_call(r, (enum lg_lx_kind)row->arg, (enum lg_event_type)row->field);
}
