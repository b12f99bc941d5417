#include "normalize/tetragon.h"

/*
 * Tetragon's probes: the administrator's policy names the kernel function and which of its
 * arguments are printed. Arguments have types, not names, so what each stands for follows from the
 * function and their order among arguments of one type.
 */

#define MAX_ARGS 6

struct hook_args {
    struct lg_str str[MAX_ARGS];  /* string_arg */
    struct lg_str path[MAX_ARGS]; /* file_arg, path_arg, linux_binprm_arg */
    int64_t num[MAX_ARGS];        /* int_arg, uint_arg, long_arg */
    size_t n_str, n_path, n_num;
    bool has_size;
    uint64_t size;                                    /* size_arg */
    struct lg_jval sock, sockaddr, module, bpf, cred; /* .at == NULL where absent */
};

enum arg_kind {
    ARG_STR,
    ARG_NUM,
    ARG_SIZE,
    ARG_PATH,
    ARG_SOCK,
    ARG_SOCKADDR,
    ARG_MODULE,
    ARG_BPF,
    ARG_CRED,
};
static const struct lg_keyrow arg_rows[] = {
        {"string_arg", 0, ARG_STR},
        {"int_arg", 0, ARG_NUM},
        {"uint_arg", 0, ARG_NUM},
        {"long_arg", 0, ARG_NUM},
        {"size_arg", 0, ARG_SIZE},
        {"file_arg", 0, ARG_PATH},
        {"path_arg", 0, ARG_PATH},
        {"linux_binprm_arg", 0, ARG_PATH},
        {"sock_arg", 0, ARG_SOCK},
        {"skb_arg", 0, ARG_SOCK},
        {"sockaddr_arg", 0, ARG_SOCKADDR},
        {"module_arg", 0, ARG_MODULE},
        {"bpf_attr_arg", 0, ARG_BPF},
        {"bpf_prog_arg", 0, ARG_BPF},
        {"process_credentials_arg", 0, ARG_CRED},
};
static struct lg_keymap arg_map = LG_KEYMAP(arg_rows);

static void take_object(struct hook_args *a, enum arg_kind kind, struct lg_jval v)
{
    if (lg_jval_type(v) != LG_JSON_OBJECT)
        return;
    switch (kind) {
    case ARG_PATH:
        if (a->n_path < MAX_ARGS)
            a->path[a->n_path++] = lg_jval_get_str(v, LG_STR("path"));
        break;
    case ARG_SOCK:
        a->sock = v;
        break;
    case ARG_SOCKADDR:
        a->sockaddr = v;
        break;
    case ARG_MODULE:
        a->module = v;
        break;
    case ARG_BPF:
        a->bpf = v;
        break;
    default:
        a->cred = v;
        break;
    }
}

static void take_arg(struct hook_args *a, struct lg_str key, struct lg_jval v)
{
    const struct lg_keyrow *row = lg_keymap_find(&arg_map, key);
    int64_t n;

    if (row == NULL)
        return;
    switch ((enum arg_kind)row->arg) {
    case ARG_STR:
        if (lg_jval_type(v) == LG_JSON_STRING && a->n_str < MAX_ARGS)
            a->str[a->n_str++] = lg_jval_str(v);
        break;
    case ARG_NUM:
        if (a->n_num < MAX_ARGS && lg_lx_int(v, &n))
            a->num[a->n_num++] = n;
        break;
    case ARG_SIZE:
        a->has_size = lg_lx_uint(v, &a->size);
        break;
    default:
        take_object(a, (enum arg_kind)row->arg, v);
        break;
    }
}

static void read_args(struct lg_tg_rec *r, struct hook_args *a)
{
    struct lg_jval list;
    struct lg_jval item;
    struct lg_jval v;
    struct lg_jiter it;
    struct lg_jiter members;
    struct lg_str key;

    memset(a, 0, sizeof(*a));
    if (!lg_lx_member_arr(r->body, LG_STR("args"), &list))
        return;
    it = lg_jiter_of(list);
    while (lg_jiter_item(&it, &item)) {
        if (lg_jval_type(item) != LG_JSON_OBJECT)
            continue;
        members = lg_jiter_of(item);
        while (lg_jiter_member(&members, &key, &v))
            take_arg(a, key, v);
    }
}

/* Argument i of a type, as a conversion wants it; unset when the policy does not print it. */
static struct lg_lx_val num_at(const struct hook_args *a, size_t i)
{
    struct lg_lx_val val = {i < a->n_num, i < a->n_num ? a->num[i] : 0, {"", 0}};

    return val;
}

static struct lg_str str_at(const struct hook_args *a, size_t i)
{
    return i < a->n_str ? a->str[i] : LG_STR("");
}

/* Path arguments, or names where the probe is on the system call. */
static struct lg_str file_at(const struct hook_args *a, size_t i)
{
    return i < a->n_path ? a->path[i] : str_at(a, i);
}

/* Kernel file names have no leading slash in old versions. */
static void set_path(struct lg_tg_rec *r, enum lg_field f, struct lg_str path, bool from_kernel)
{
    if (from_kernel && path.n > 0 && path.p[0] != '/' && lg_str_chr(path, ':') < 0)
        path = lg_lx_cat(&r->lx, (struct lg_str[]){LG_STR("/"), path}, 2);
    lg_lx_str(&r->lx, f, path);
}

static void set_file(struct lg_tg_rec *r, const struct hook_args *a, size_t i, enum lg_field f)
{
    set_path(r, f, file_at(a, i), i < a->n_path);
}

/* ---- sockets ---- */

static void set_addr(struct lg_tg_rec *r, struct lg_jval obj, struct lg_str addr_key,
        struct lg_str port_key, bool source)
{
    uint64_t port;

    (void)lg_lx_ip(
            &r->lx, source ? LG_F_SOURCE_IP : LG_F_DESTINATION_IP, lg_jval_get_str(obj, addr_key));
    if (lg_lx_member_uint(obj, port_key, &port))
        lg_lx_port(&r->lx, source ? LG_F_SOURCE_PORT : LG_F_DESTINATION_PORT, port);
}

/* A connection runs from the client to the server: an accepted one from the remote end. */
static void set_socket(struct lg_tg_rec *r, const struct hook_args *a, enum lg_event_type type)
{
    bool accepted = type == LG_EVENT_NETWORK_ACCEPT;
    bool local_only = type == LG_EVENT_NETWORK_BIND || type == LG_EVENT_NETWORK_LISTEN;

    if (a->sock.at != NULL) {
        set_addr(r, a->sock, LG_STR("saddr"), LG_STR("sport"), !accepted);
        if (!local_only)
            set_addr(r, a->sock, LG_STR("daddr"), LG_STR("dport"), accepted);
        lg_lx_str(&r->lx, LG_F_PROTOCOL,
                lg_lx_protocol_name(lg_jval_get_str(a->sock, LG_STR("protocol"))));
    }
    if (a->sockaddr.at != NULL) {
        struct lg_str addr = lg_jval_get_str(a->sockaddr, LG_STR("addr"));

        set_addr(r, a->sockaddr, LG_STR("addr"), LG_STR("port"), local_only || accepted);
        if (addr.n > 0 && (addr.p[0] == '/' || addr.p[0] == '@'))
            (void)lg_lx_socket_name(&r->lx, addr);
    }
    if (type == LG_EVENT_NETWORK_LISTEN && a->n_num > 0)
        lg_lx_convert(&r->lx, LG_F_BACKLOG, LG_LX_NUM, num_at(a, a->n_num - 1));
}

/* ---- functions that are no system calls ---- */

enum action {
    ACT_PATH,       /* file in the first path */
    ACT_TWO_PATHS,  /* old and new name */
    ACT_PERMISSION, /* file and access mask */
    ACT_MMAP,       /* file and protection */
    ACT_MODE,       /* file and mode */
    ACT_OWNER,
    ACT_SOCKET,
    ACT_SOCKET_START, /* this end is known to be the one that connects or accepts */
    ACT_CREDENTIALS,
    ACT_MODULE,
    ACT_MOUNT,
    ACT_BPF,
    ACT_SIGNAL,
    ACT_PTRACE,
    ACT_READ, /* file and count */
    ACT_WRITE,
    ACT_PAIRED, /* Tetragon tells of it by itself */
};

#define HOOK(name, type, action)                                                                   \
    {                                                                                              \
        name, LG_EVENT_##type, ACT_##action                                                        \
    }
static const struct lg_keyrow hook_rows[] = {
        HOOK("fd_install", FILE_OPEN, PATH),
        HOOK("file_open", FILE_OPEN, PATH),
        HOOK("do_filp_open", FILE_OPEN, PATH),
        HOOK("file_permission", FILE_OPEN, PERMISSION),
        HOOK("mmap_file", FILE_OPEN, MMAP),
        HOOK("path_truncate", FILE_WRITE, PATH),
        HOOK("file_truncate", FILE_WRITE, PATH),
        HOOK("path_unlink", FILE_DELETE, PATH),
        HOOK("path_rmdir", FILE_DELETE, PATH),
        HOOK("inode_unlink", FILE_DELETE, PATH),
        HOOK("path_mkdir", FILE_CREATE, MODE),
        HOOK("path_mknod", FILE_CREATE, MODE),
        HOOK("inode_create", FILE_CREATE, PATH),
        HOOK("path_rename", FILE_RENAME, TWO_PATHS),
        HOOK("inode_rename", FILE_RENAME, TWO_PATHS),
        HOOK("path_link", FILE_LINK, TWO_PATHS),
        HOOK("path_symlink", FILE_LINK, TWO_PATHS),
        HOOK("path_chmod", FILE_MODE_CHANGE, MODE),
        HOOK("path_chown", FILE_OWNER_CHANGE, OWNER),
        HOOK("vfs_read", FILE_OPEN, READ),
        HOOK("read", FILE_OPEN, READ),
        HOOK("pread64", FILE_OPEN, READ),
        HOOK("vfs_write", FILE_WRITE, WRITE),
        HOOK("write", FILE_WRITE, WRITE),
        HOOK("pwrite64", FILE_WRITE, WRITE),
        HOOK("tcp_connect", NETWORK_CONNECT, SOCKET_START),
        HOOK("tcp_v4_connect", NETWORK_CONNECT, SOCKET_START),
        HOOK("tcp_v6_connect", NETWORK_CONNECT, SOCKET_START),
        HOOK("socket_connect", NETWORK_CONNECT, SOCKET_START),
        HOOK("ip4_datagram_connect", NETWORK_CONNECT, SOCKET_START),
        HOOK("ip6_datagram_connect", NETWORK_CONNECT, SOCKET_START),
        HOOK("tcp_sendmsg", NETWORK_CONNECT, SOCKET),
        HOOK("udp_sendmsg", NETWORK_CONNECT, SOCKET),
        HOOK("udpv6_sendmsg", NETWORK_CONNECT, SOCKET),
        HOOK("tcp_close", NETWORK_CONNECT, SOCKET),
        HOOK("inet_csk_accept", NETWORK_ACCEPT, SOCKET_START),
        HOOK("socket_accept", NETWORK_ACCEPT, SOCKET_START),
        HOOK("socket_bind", NETWORK_BIND, SOCKET),
        HOOK("inet_bind", NETWORK_BIND, SOCKET),
        HOOK("inet6_bind", NETWORK_BIND, SOCKET),
        HOOK("socket_listen", NETWORK_LISTEN, SOCKET),
        HOOK("inet_listen", NETWORK_LISTEN, SOCKET),
        HOOK("inet_csk_listen_start", NETWORK_LISTEN, SOCKET),
        HOOK("commit_creds", CREDENTIAL_CHANGE, CREDENTIALS),
        HOOK("task_fix_setuid", CREDENTIAL_CHANGE, CREDENTIALS),
        HOOK("task_fix_setgid", CREDENTIAL_CHANGE, CREDENTIALS),
        HOOK("do_init_module", KERNEL_MODULE_LOAD, MODULE),
        HOOK("find_module_sections", KERNEL_MODULE_LOAD, MODULE),
        HOOK("load_module", KERNEL_MODULE_LOAD, MODULE),
        HOOK("kernel_module_request", KERNEL_MODULE_LOAD, MODULE),
        HOOK("kernel_read_file", KERNEL_MODULE_LOAD, MODULE),
        HOOK("sb_mount", MOUNT, MOUNT),
        HOOK("do_mount", MOUNT, MOUNT),
        HOOK("bpf_check", BPF, BPF),
        HOOK("bpf_prog_load", BPF, BPF),
        HOOK("bpf_prog_alloc", BPF, BPF),
        HOOK("task_kill", PROCESS_SIGNAL, SIGNAL),
        HOOK("ptrace_access_check", PROCESS_PTRACE, PTRACE),
        HOOK("ptrace_attach", PROCESS_PTRACE, PTRACE),
        HOOK("bprm_check", PROCESS_CREATE, PAIRED),
        HOOK("bprm_check_security", PROCESS_CREATE, PAIRED),
        HOOK("bprm_committed_creds", PROCESS_CREATE, PAIRED),
        HOOK("sched_process_exec", PROCESS_CREATE, PAIRED),
        HOOK("sched_process_exit", PROCESS_TERMINATE, PAIRED),
        HOOK("do_exit", PROCESS_TERMINATE, PAIRED),
};
static struct lg_keymap hook_map = LG_KEYMAP(hook_rows);

static void apply_permission(struct lg_tg_rec *r, const struct hook_args *a)
{
    /* MAY_WRITE, MAY_APPEND, MAY_READ of the kernel */
    bool writes = a->n_num > 0 && (a->num[0] & (2 | 8)) != 0;

    set_file(r, a, 0, LG_F_TARGET_FILENAME);
    if (a->n_num == 0)
        return;
    lg_event_set_bool(r->lx.ev, LG_F_WRITE_INTENT, writes);
    if (writes)
        r->lx.ev->type = LG_EVENT_FILE_WRITE;
}

static void apply_mmap(struct lg_tg_rec *r, const struct hook_args *a)
{
    if (a->n_num > 0 && (a->num[0] & 4) != 0) { /* PROT_EXEC */
        r->lx.ev->type = LG_EVENT_IMAGE_LOAD;
        set_file(r, a, 0, LG_F_IMAGE_LOADED);
    } else {
        set_file(r, a, 0, LG_F_TARGET_FILENAME);
    }
}

static void apply_bpf(struct lg_tg_rec *r, const struct hook_args *a)
{
    if (a->bpf.at == NULL)
        return;
    lg_lx_member(&r->lx, LG_F_BPF_PROGRAM_TYPE, a->bpf, LG_STR("ProgType"));
    lg_lx_member(&r->lx, LG_F_MODULE_NAME, a->bpf, LG_STR("ProgName"));
}

static void apply_credentials(struct lg_tg_rec *r, const struct hook_args *a)
{
    uint64_t id;

    if (a->cred.at == NULL)
        return;
    if (lg_lx_member_uint(a->cred, LG_STR("euid"), &id) && id < UINT32_MAX)
        lg_event_set_i64(r->lx.ev, LG_F_NEW_UID, (int64_t)id);
    if (lg_lx_member_uint(a->cred, LG_STR("egid"), &id) && id < UINT32_MAX)
        lg_event_set_i64(r->lx.ev, LG_F_NEW_GID, (int64_t)id);
}

static void apply_mount(struct lg_tg_rec *r, const struct hook_args *a)
{
    bool path = a->n_path > 0;

    lg_lx_str(&r->lx, LG_F_MOUNT_SOURCE, str_at(a, 0));
    lg_lx_str(&r->lx, LG_F_MOUNT_TARGET, path ? a->path[0] : str_at(a, 1));
    lg_lx_str(&r->lx, LG_F_MOUNT_TYPE, str_at(a, path ? 1 : 2));
    lg_lx_convert(&r->lx, LG_F_MOUNT_FLAGS, LG_LX_NUM, num_at(a, 0));
}

static void apply_module(struct lg_tg_rec *r, const struct hook_args *a)
{
    if (a->module.at != NULL)
        lg_lx_member(&r->lx, LG_F_MODULE_NAME, a->module, LG_STR("name"));
    else if (a->n_path > 0)
        lg_lx_str(&r->lx, LG_F_MODULE_NAME, lg_str_basename(a->path[0]));
    else
        lg_lx_str(&r->lx, LG_F_MODULE_NAME, str_at(a, 0));
    if (a->n_path > 0)
        set_file(r, a, 0, LG_F_TARGET_FILENAME);
}

static void apply_file(struct lg_tg_rec *r, const struct hook_args *a, enum action action)
{
    set_file(r, a, 0, LG_F_TARGET_FILENAME);
    switch (action) {
    case ACT_TWO_PATHS:
        set_file(r, a, 1, LG_F_NEW_FILENAME);
        break;
    case ACT_MODE:
        lg_lx_convert(&r->lx, LG_F_FILE_MODE, LG_LX_MODE, num_at(a, 0));
        break;
    case ACT_OWNER:
        lg_lx_convert(&r->lx, LG_F_FILE_OWNER_UID, LG_LX_NUM, num_at(a, 0));
        lg_lx_convert(&r->lx, LG_F_FILE_OWNER_GID, LG_LX_NUM, num_at(a, 1));
        break;
    case ACT_READ:
        if (a->has_size)
            lg_lx_u64(&r->lx, LG_F_READ_BYTES, a->size);
        break;
    case ACT_WRITE:
        if (a->has_size)
            lg_lx_u64(&r->lx, LG_F_WRITTEN_BYTES, a->size);
        break;
    default:
        break;
    }
}

static void apply_hook(struct lg_tg_rec *r, const struct hook_args *a, enum action action)
{
    enum lg_event_type type = r->lx.ev->type;

    switch (action) {
    case ACT_PERMISSION:
        apply_permission(r, a);
        break;
    case ACT_MMAP:
        apply_mmap(r, a);
        break;
    case ACT_SOCKET_START:
        lg_event_set_bool(r->lx.ev, LG_F_INITIATED, type == LG_EVENT_NETWORK_CONNECT);
        set_socket(r, a, type);
        break;
    case ACT_SOCKET:
        set_socket(r, a, type);
        break;
    case ACT_CREDENTIALS:
        apply_credentials(r, a);
        break;
    case ACT_MODULE:
        apply_module(r, a);
        break;
    case ACT_MOUNT:
        apply_mount(r, a);
        break;
    case ACT_BPF:
        apply_bpf(r, a);
        break;
    case ACT_SIGNAL:
        lg_lx_convert(&r->lx, LG_F_SIGNAL, LG_LX_SIG, num_at(a, a->n_num > 1 ? 1 : 0));
        break;
    case ACT_PTRACE:
        break;
    default:
        apply_file(r, a, action);
        break;
    }
}

/* ---- system calls ---- */

/* A directory descriptor before them is printed or not, as the policy has it. */
static size_t after_dirfd(struct lg_str name, const struct hook_args *a, size_t own)
{
    bool at = lg_str_ends(name, LG_STR("at")) || lg_str_ends(name, LG_STR("at2"));

    return at && a->n_num > own ? 1 : 0;
}

static void set_new_id(struct lg_tg_rec *r, const struct hook_args *a, struct lg_str name)
{
    enum lg_field f = lg_str_ends(name, LG_STR("uid")) ? LG_F_NEW_UID : LG_F_NEW_GID;
    size_t order[2] = {1, 0}; /* (real, effective, saved) but for setuid(id) */
    size_t i;

    for (i = 0; i < 2; i++) {
        struct lg_lx_val val = num_at(a, order[i]);

        if (val.is_num && val.num != -1 && val.num != UINT32_MAX) {
            lg_lx_convert(&r->lx, f, LG_LX_NUM, val);
            return;
        }
    }
}

static void apply_target(struct lg_tg_rec *r, struct lg_lx_val pid)
{
    lg_lx_convert(&r->lx, LG_F_TARGET_PROCESS_ID, LG_LX_NUM, pid);
    if (lg_event_has(r->lx.ev, LG_F_CONTAINER_ID))
        lg_lx_drop_target_pid(&r->lx);
}

static void apply_syscall(struct lg_tg_rec *r, const struct hook_args *a, struct lg_str name,
        const struct lg_lx_syscall *sc)
{
    size_t first;

    switch (sc->kind) {
    case LG_LX_OPEN:
        set_file(r, a, 0, LG_F_TARGET_FILENAME);
        first = after_dirfd(name, a, 1);
        if (!lg_str_eq(name, LG_STR("creat")))
            lg_lx_convert(&r->lx, LG_F_OPEN_FLAGS, LG_LX_FLAG_OPEN, num_at(a, first));
        break;
    case LG_LX_CREATE:
    case LG_LX_CHMOD:
        set_file(r, a, 0, LG_F_TARGET_FILENAME);
        lg_lx_convert(&r->lx, LG_F_FILE_MODE, LG_LX_MODE, num_at(a, after_dirfd(name, a, 1)));
        break;
    case LG_LX_DELETE:
        set_file(r, a, 0, LG_F_TARGET_FILENAME);
        break;
    case LG_LX_RENAME:
    case LG_LX_LINK:
        apply_file(r, a, ACT_TWO_PATHS);
        break;
    case LG_LX_CHOWN:
        set_file(r, a, 0, LG_F_TARGET_FILENAME);
        first = after_dirfd(name, a, 2);
        lg_lx_convert(&r->lx, LG_F_FILE_OWNER_UID, LG_LX_NUM, num_at(a, first));
        lg_lx_convert(&r->lx, LG_F_FILE_OWNER_GID, LG_LX_NUM, num_at(a, first + 1));
        break;
    case LG_LX_CONNECT:
    case LG_LX_ACCEPT:
        lg_event_set_bool(r->lx.ev, LG_F_INITIATED, sc->kind == LG_LX_CONNECT);
        set_socket(r, a, sc->type);
        break;
    case LG_LX_BIND:
    case LG_LX_LISTEN:
        set_socket(r, a, sc->type);
        break;
    case LG_LX_PTRACE:
        lg_lx_convert(&r->lx, LG_F_PTRACE_REQUEST, LG_LX_PTRACE_REQ, num_at(a, 0));
        apply_target(r, num_at(a, 1));
        break;
    case LG_LX_KMOD:
        apply_module(r, a);
        break;
    case LG_LX_SETUID:
    case LG_LX_SETGID:
        set_new_id(r, a, name);
        break;
    case LG_LX_KILL:
        apply_target(r, num_at(a, 0));
        if (a->n_num > 1)
            lg_lx_convert(&r->lx, LG_F_SIGNAL, LG_LX_SIG, num_at(a, a->n_num - 1));
        break;
    case LG_LX_MOUNT:
        apply_mount(r, a);
        break;
    case LG_LX_MEMFD:
        lg_lx_str(&r->lx, LG_F_MEMFD_NAME, str_at(a, 0));
        break;
    case LG_LX_BPF:
        lg_lx_convert(&r->lx, LG_F_BPF_COMMAND, LG_LX_BPF_CMD, num_at(a, 0));
        apply_bpf(r, a);
        break;
    default:
        break;
    }
}

static void set_result(struct lg_tg_rec *r)
{
    struct lg_jval ret;
    int64_t v;

    if (lg_lx_member_obj(r->body, LG_STR("return"), &ret) &&
            (lg_lx_member_int(ret, LG_STR("int_arg"), &v) ||
                    lg_lx_member_int(ret, LG_STR("long_arg"), &v)))
        lg_lx_result(&r->lx, v);
}

/* "__x64_sys_openat" -> "openat"; "security_file_open" -> "file_open". */
static struct lg_str bare_name(struct lg_str s)
{
    static const struct lg_str prefixes[] = {
            {"__x64_sys_", 10},
            {"__arm64_sys_", 12},
            {"__ia32_compat_sys_", 18},
            {"__ia32_sys_", 11},
            {"__se_sys_", 9},
            {"__do_sys_", 9},
            {"__sys_", 6},
            {"do_sys_", 7},
            {"ksys_", 5},
            {"sys_enter_", 10},
            {"sys_", 4},
            {"security_", 9},
    };
    size_t i;

    for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (lg_str_starts(s, prefixes[i]))
            return lg_str_sub(s, prefixes[i].n, s.n);
    }
    return s;
}

int lg_tg_normalize_hook(struct lg_tg_rec *r)
{
    struct lg_str function = lg_jval_get_str(r->body, LG_STR("function_name"));
    struct lg_str name;
    const struct lg_keyrow *row;
    struct lg_lx_syscall sc;
    struct hook_args a;

    if (function.n == 0)
        function = lg_jval_get_str(r->body, LG_STR("event"));
    if (lg_str_starts(function, LG_STR("sys_exit_"))) /* the result of a sys_enter_ */
        return lg_norm_skip(r->call, LG_SKIP_PAIRED);
    name = bare_name(function);
    read_args(r, &a);
    if (lg_lx_syscall_find(name, &sc)) {
        if (sc.kind == LG_LX_EXEC || sc.kind == LG_LX_EXIT)
            return lg_norm_skip(r->call, LG_SKIP_PAIRED);
        if (sc.kind == LG_LX_FORK) /* seen before there is a child */
            return lg_norm_dead(
                    r->call, LG_DEAD_MISSING_FIELD, "Tetragon probe of a fork names no child");
        lg_tg_begin(r, sc.type);
        lg_lx_str(&r->lx, LG_F_SYSCALL, name);
        apply_syscall(r, &a, name, &sc);
    } else {
        row = lg_keymap_find(&hook_map, name);
        if (row == NULL)
            return lg_norm_dead(r->call, LG_DEAD_UNSUPPORTED_TYPE, "Tetragon probe of %.*s",
                    LG_STR_FMT(function));
        if (row->arg == ACT_PAIRED)
            return lg_norm_skip(r->call, LG_SKIP_PAIRED);
        lg_tg_begin(r, (enum lg_event_type)row->field);
        apply_hook(r, &a, (enum action)row->arg);
    }
    set_result(r);
    return lg_lx_emit(&r->lx, NULL, 0);
}
