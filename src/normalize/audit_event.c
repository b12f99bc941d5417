#include "normalize/audit_event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "normalize/linux_common.h"

#define UNSET_ID UINT64_C(4294967295)
#define PROCTITLE_MAX 128 /* the kernel cuts there */

void lg_audit_event_begin(struct lg_audit_event *ae, struct lg_norm_call *call, struct lg_str node,
        lg_time time_ns, uint64_t serial)
{
    /* paths[] is valid up to n_paths only: not worth clearing */
    memset(ae, 0, offsetof(struct lg_audit_event, paths));
    memset(&ae->n_paths, 0, sizeof(*ae) - offsetof(struct lg_audit_event, n_paths));
    (void)lg_norm_begin(call, LG_SOURCE_AUDITD, LG_EVENT_PROCESS_CREATE);
    call->ev->platform = LG_PLATFORM_LINUX; /* whatever wrapped it */
    call->ev->time_ns = time_ns;
    ae->call = call;
    ae->host = ae->node = node;
    ae->time_ns = time_ns;
    ae->serial = serial;
}

/* ---- setters ---- */

void lg_audit_set_text(struct lg_audit_event *ae, enum lg_field f, struct lg_str s)
{
    if (s.n == 0)
        return;
    if (!lg_utf8_valid(s)) {
        s = lg_norm_repair(ae->call, s);
        ae->call->ev->flags |= LG_EVF_TEXT_REPAIRED;
    }
    lg_event_set_str(ae->call->ev, f, s);
}

void lg_audit_set_first(struct lg_audit_event *ae, enum lg_field f, struct lg_str s)
{
    if (!lg_event_has(ae->call->ev, f))
        lg_audit_set_text(ae, f, s);
}

void lg_audit_set_number(struct lg_audit_event *ae, enum lg_field f, struct lg_str s)
{
    uint64_t u;

    if (lg_parse_u64(s, &u) == 0)
        lg_event_set_u64(ae->call->ev, f, u);
    else if (lg_str_eq(s, LG_STR("unset")) || lg_str_eq(s, LG_STR("-1")))
        lg_event_set_u64(ae->call->ev, f, UNSET_ID);
}

void lg_audit_set_arg(struct lg_audit_event *ae, unsigned n, struct lg_str hex)
{
    uint64_t v;

    if (n > 3 || lg_parse_hex64(hex, &v) < 0)
        return;
    ae->a[n] = v;
    ae->has_a |= (uint8_t)(1u << n);
}

void lg_audit_set_call(struct lg_audit_event *ae)
{
    struct lg_str name, text = ae->call_text;
    uint64_t arch;

    ae->has_syscall = true;
    ae->arch = lg_audit_arch_of(ae->arch_text);
    if (ae->arch == 0 && lg_parse_hex64(ae->arch_text, &arch) == 0 && arch <= UINT32_MAX)
        ae->arch = (uint32_t)arch;
    name = lg_audit_arch_name(ae->arch);
    lg_audit_set_text(ae, LG_F_ARCH, name.n > 0 ? name : ae->arch_text);
    ae->syscall = ae->call_name; /* by name where the number means nothing to us */
    if (text.n > 0 && (text.p[0] < '0' || text.p[0] > '9')) {
        ae->syscall = text;
    } else if (lg_parse_u64(text, &ae->syscall_nr) == 0) {
        name = lg_audit_syscall_name(ae->arch, ae->syscall_nr);
        if (name.n > 0)
            ae->syscall = name;
    }
    if (lg_str_eq(ae->syscall, LG_STR("socketcall")) && (ae->has_a & 1) != 0 &&
            lg_audit_socketcall_name(ae->a[0]).n > 0) {
        /* a1 points to the arguments, which a record of their own holds */
        ae->syscall = lg_audit_socketcall_name(ae->a[0]);
        memcpy(ae->a, ae->inner, sizeof(ae->a));
        ae->has_a = ae->has_inner;
    }
    ae->what = lg_audit_call_find(ae->syscall);
    lg_audit_set_text(ae, LG_F_SYSCALL, ae->syscall);
}

void lg_audit_set_success(struct lg_audit_event *ae, struct lg_str s)
{
    static const char *const yes[] = {"yes", "success", "1", "Success"};
    static const char *const no[] = {"no", "failed", "fail", "0", "Failed", "failure"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        if (lg_str_eq(s, lg_str_z(yes[i])))
            lg_event_set_bool(ae->call->ev, LG_F_SUCCESS, true);
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        if (lg_str_eq(s, lg_str_z(no[i])))
            lg_event_set_bool(ae->call->ev, LG_F_SUCCESS, false);
}

void lg_audit_set_exit(struct lg_audit_event *ae, struct lg_str s)
{
    int64_t v;
    int e = lg_parse_i64(s, &v) < 0 ? lg_lx_errno(s) : 0;

    if (e > 0)
        v = -e;
    else if (lg_parse_i64(s, &v) < 0)
        return;
    lg_event_set_i64(ae->call->ev, LG_F_RETURN_VALUE, v);
}

void lg_audit_set_uid_name(struct lg_audit_event *ae, struct lg_str s)
{
    if (!lg_str_eq(s, LG_STR("unset")) && !lg_str_starts(s, LG_STR("unknown(")))
        ae->uid_name = s;
}

void lg_audit_set_key(struct lg_audit_event *ae, struct lg_str s)
{
    char *p;

    if (s.n == 0)
        return;
    if (memchr(s.p, 1, s.n) != NULL) {
        p = lg_arena_alloc(ae->call->arena, s.n);
        if (p == NULL) {
            ae->call->oom = true;
            return;
        }
        for (size_t i = 0; i < s.n; i++)
            p[i] = s.p[i] == 1 ? ',' : s.p[i];
        s = lg_str_of(p, s.n);
    }
    lg_audit_set_text(ae, LG_F_AUDIT_KEY, s);
}

void lg_audit_add_path(
        struct lg_audit_event *ae, uint32_t item, struct lg_str name, struct lg_str nametype)
{
    enum lg_audit_nametype t = LG_AUDIT_NAME_NORMAL;
    uint32_t at;

    ae->path_records++;
    ae->parts = true;
    if (lg_str_eq(nametype, LG_STR("PARENT")))
        t = LG_AUDIT_NAME_PARENT;
    else if (lg_str_eq(nametype, LG_STR("CREATE")))
        t = LG_AUDIT_NAME_CREATE;
    else if (lg_str_eq(nametype, LG_STR("DELETE")))
        t = LG_AUDIT_NAME_DELETE;
    if (name.n == 0 || ae->n_paths >= LG_AUDIT_PATHS)
        return;
    for (at = ae->n_paths++; at > 0 && ae->paths[at - 1].item > item; at--)
        ae->paths[at] = ae->paths[at - 1];
    ae->paths[at] = (struct lg_audit_path){name, item, t};
}

void lg_audit_set_proctitle(struct lg_audit_event *ae, struct lg_str bytes)
{
    ae->parts = true;
    ae->title_cut = bytes.n >= PROCTITLE_MAX;
    if (lg_audit_proctitle(bytes, ae->call->arena, &ae->proctitle) < 0)
        ae->call->oom = true;
}

void lg_audit_set_args(struct lg_audit_event *ae, const struct lg_str *args, size_t n)
{
    ae->has_execve = ae->parts = true;
    if (lg_audit_args_join(args, n, true, ae->call->arena, &ae->command) < 0)
        ae->call->oom = true;
}

void lg_audit_set_saddr(struct lg_audit_event *ae, struct lg_str bytes)
{
    bool little = ae->arch == 0 || (ae->arch & LG_AUDIT_ARCH_LE) != 0;

    ae->parts = true;
    if (lg_audit_addr_decode(bytes, little, ae->call->arena, &ae->addr) < 0)
        ae->call->oom = true;
}

void lg_audit_set_type(
        struct lg_audit_event *ae, struct lg_str name, const struct lg_audit_type *type)
{
    bool listed = type->kind >= LG_AUDIT_BPF_PROG;

    if (ae->type_name.n > 0 && !(listed && ae->kind == LG_AUDIT_OTHER))
        return;
    ae->type_name = name;
    ae->kind = listed ? (enum lg_audit_kind)type->kind : LG_AUDIT_OTHER;
}

/* ---- what the arguments and paths of a call mean ---- */

static bool failed(const struct lg_audit_event *ae)
{
    const struct lg_event *ev = ae->call->ev;

    return lg_event_has(ev, LG_F_SUCCESS) && !ev->v[LG_F_SUCCESS].b;
}

static bool arg(const struct lg_audit_event *ae, int8_t n, uint64_t *ret)
{
    if (n < 0 || (ae->has_a >> n & 1) == 0)
        return false;
    *ret = ae->a[n];
    return true;
}

static void set_arg(struct lg_audit_event *ae, enum lg_field f, int8_t n)
{
    uint64_t v;

    if (arg(ae, n, &v))
        lg_event_set_u64(ae->call->ev, f, v);
}

/* An int argument, sign and all. */
static bool int_arg(const struct lg_audit_event *ae, int8_t n, int64_t *ret)
{
    uint64_t v;

    if (!arg(ae, n, &v))
        return false;
    *ret = (int32_t)(uint32_t)v;
    return true;
}

/* A uid or gid argument; -1 ("leave it") is none. The old i386 calls take 16 bits. */
static bool id_arg(const struct lg_audit_event *ae, int8_t n, uint64_t *ret)
{
    uint64_t v;
    bool narrow = ae->arch == LG_AUDIT_ARCH_I386 && !lg_str_ends(ae->syscall, LG_STR("32"));

    if (!arg(ae, n, &v))
        return false;
    v &= narrow ? 0xffffu : UINT64_C(0xffffffff);
    *ret = v;
    return v != (narrow ? 0xffffu : UINT64_C(0xffffffff));
}

static void set_returned(struct lg_audit_event *ae, enum lg_field f)
{
    struct lg_event *ev = ae->call->ev;

    if (lg_event_has(ev, LG_F_RETURN_VALUE) && ev->v[LG_F_RETURN_VALUE].i >= 0)
        lg_event_set_i64(ev, f, ev->v[LG_F_RETURN_VALUE].i);
}

/* Sets a path; a relative one is taken from the working directory, or left alone where the call
 * names another directory by a descriptor. */
static void set_path(
        struct lg_audit_event *ae, enum lg_field f, const struct lg_audit_path *p, int8_t dir)
{
    struct lg_str base = lg_event_str(ae->call->ev, LG_F_CURRENT_DIRECTORY);
    struct lg_str path;
    int64_t fd;

    if (p == NULL)
        return;
    if (int_arg(ae, dir, &fd) && fd != -100) /* AT_FDCWD */
        base = LG_STR("");
    if (lg_audit_path_join(base, p->name, ae->call->arena, &path) < 0)
        ae->call->oom = true;
    else
        lg_audit_set_text(ae, f, path);
}

static const struct lg_audit_path *path_first(
        const struct lg_audit_event *ae, enum lg_audit_nametype t)
{
    for (uint32_t i = 0; i < ae->n_paths; i++)
        if (ae->paths[i].type == t)
            return &ae->paths[i];
    return NULL;
}

static const struct lg_audit_path *path_last(
        const struct lg_audit_event *ae, enum lg_audit_nametype t)
{
    for (uint32_t i = ae->n_paths; i > 0; i--)
        if (ae->paths[i - 1].type == t)
            return &ae->paths[i - 1];
    return NULL;
}

/* The one that is acted on: created or deleted if there is such a one, else the last named one
 * that is no parent. */
static const struct lg_audit_path *path_target(
        const struct lg_audit_event *ae, enum lg_audit_nametype t)
{
    const struct lg_audit_path *p = path_last(ae, t);

    return p != NULL ? p : path_last(ae, LG_AUDIT_NAME_NORMAL);
}

/* ---- shapes of calls ---- */

#define O_WRONLY_RDWR 0x3u
#define O_CREAT_ 0x40u
#define O_TRUNC_ 0x200u
#define O_PATH_ 0x200000u

static void shape_open(struct lg_audit_event *ae)
{
    struct lg_event *ev = ae->call->ev;
    uint64_t flags = ae->oflags, mode;
    bool known = ae->has_oflags || arg(ae, ae->what->x, &flags);
    bool write = path_last(ae, LG_AUDIT_NAME_CREATE) != NULL;

    if (known) {
        flags &= UINT64_C(0xffffffff);
        lg_event_set_u64(ev, LG_F_OPEN_FLAGS, flags);
        /* with O_PATH the others are ignored: nothing is opened for reading or writing */
        write = (flags & (O_WRONLY_RDWR | O_CREAT_ | O_TRUNC_)) != 0 && (flags & O_PATH_) == 0;
        if ((flags & O_CREAT_) != 0 && arg(ae, ae->what->y, &mode))
            lg_event_set_u64(ev, LG_F_FILE_MODE, mode & 07777);
    }
    if (known || write)
        lg_event_set_bool(ev, LG_F_WRITE_INTENT, write);
    if (write)
        ev->type = LG_EVENT_FILE_WRITE;
    set_path(ae, LG_F_TARGET_FILENAME, path_target(ae, LG_AUDIT_NAME_CREATE), ae->what->dir);
    set_returned(ae, LG_F_FD);
}

static void set_mode(struct lg_audit_event *ae)
{
    uint64_t mode;

    if (arg(ae, ae->what->y, &mode))
        lg_event_set_u64(ae->call->ev, LG_F_FILE_MODE, mode & 07777);
}

static void shape_make(struct lg_audit_event *ae)
{
    static const char *const kinds[16] = {[0] = "file",
            [1] = "fifo",
            [2] = "char_device",
            [6] = "block_device",
            [8] = "file",
            [12] = "socket"};
    struct lg_event *ev = ae->call->ev;
    uint64_t mode;

    set_mode(ae);
    if (ae->what->shape == LG_AUDIT_CREATE) {
        lg_event_set_u64(ev, LG_F_OPEN_FLAGS, O_CREAT_ | O_TRUNC_ | 1);
        lg_event_set_bool(ev, LG_F_WRITE_INTENT, true);
        set_returned(ae, LG_F_FD);
    } else if (lg_str_starts(ae->syscall, LG_STR("mkdir"))) {
        lg_audit_set_text(ae, LG_F_FILE_TYPE, LG_STR("directory"));
    } else if (arg(ae, ae->what->y, &mode)) {
        lg_audit_set_text(ae, LG_F_FILE_TYPE, lg_str_z(kinds[mode >> 12 & 15]));
    }
    set_path(ae, LG_F_TARGET_FILENAME, path_target(ae, LG_AUDIT_NAME_CREATE), ae->what->dir);
}

/* First named path that is neither a parent nor `not`. */
static const struct lg_audit_path *path_other(
        const struct lg_audit_event *ae, const struct lg_audit_path * not )
{
    for (uint32_t i = 0; i < ae->n_paths; i++)
        if (&ae->paths[i] != not &&ae->paths[i].type != LG_AUDIT_NAME_PARENT)
            return &ae->paths[i];
    return NULL;
}

static void shape_rename(struct lg_audit_event *ae)
{
    /* Where a file was replaced it is a second DELETE, under the new name. */
    const struct lg_audit_path *from = path_first(ae, LG_AUDIT_NAME_DELETE);
    const struct lg_audit_path *to = path_last(ae, LG_AUDIT_NAME_CREATE);

    if (from == NULL)
        from = path_other(ae, to);
    if (to == NULL && from != NULL)
        to = path_other(ae, from);
    set_path(ae, LG_F_TARGET_FILENAME, from, ae->what->dir);
    set_path(ae, LG_F_NEW_FILENAME, to, ae->what->dir2);
}

static void shape_link(struct lg_audit_event *ae)
{
    const struct lg_audit_path *to = path_last(ae, LG_AUDIT_NAME_CREATE);
    const struct lg_audit_path *from = path_other(ae, to);

    set_path(ae, LG_F_NEW_FILENAME, to, ae->what->dir2);
    if (ae->what->shape == LG_AUDIT_SYMLINK && from != NULL) {
        /* what a symbolic link holds counts from the directory where the link stands */
        struct lg_str link = lg_event_str(ae->call->ev, LG_F_NEW_FILENAME), path;
        ptrdiff_t slash = lg_str_rchr(link, '/');

        if (slash == 0)
            slash = 1;
        if (lg_audit_path_join(lg_str_sub(link, 0, slash > 0 ? (size_t)slash : 0), from->name,
                    ae->call->arena, &path) < 0)
            ae->call->oom = true;
        else
            lg_audit_set_text(ae, LG_F_TARGET_FILENAME, path);
        return;
    }
    set_path(ae, LG_F_TARGET_FILENAME, from, ae->what->dir);
}

static void shape_owner(struct lg_audit_event *ae)
{
    uint64_t id;

    if (id_arg(ae, ae->what->x, &id))
        lg_event_set_u64(ae->call->ev, LG_F_FILE_OWNER_UID, id);
    if (id_arg(ae, ae->what->y, &id))
        lg_event_set_u64(ae->call->ev, LG_F_FILE_OWNER_GID, id);
    set_path(ae, LG_F_TARGET_FILENAME, path_target(ae, LG_AUDIT_NAME_NORMAL), ae->what->dir);
}

static void shape_socket(struct lg_audit_event *ae)
{
    struct lg_event *ev = ae->call->ev;
    bool local = ae->what->shape == LG_AUDIT_BIND;
    /* of an accepted connection the record holds the peer, which is where it came from */
    bool source = local || ae->what->shape == LG_AUDIT_ACCEPT;

    if (ae->what->shape == LG_AUDIT_LISTEN)
        set_arg(ae, LG_F_BACKLOG, ae->what->x);
    else if (!local)
        lg_event_set_bool(ev, LG_F_INITIATED, ae->what->shape == LG_AUDIT_CONNECT);
    if (!ae->addr.set)
        return;
    lg_audit_set_text(ae, LG_F_SOCKET_FAMILY, ae->addr.family);
    if (ae->addr.path.n > 0 && ae->addr.path.p[0] != '@')
        set_path(ae, LG_F_SOCKET_PATH, &(struct lg_audit_path){.name = ae->addr.path}, -1);
    else
        lg_audit_set_text(ae, LG_F_SOCKET_PATH, ae->addr.path);
    lg_audit_set_text(ae, source ? LG_F_SOURCE_IP : LG_F_DESTINATION_IP, ae->addr.ip);
    if (ae->addr.has_port)
        lg_event_set_u64(ev, source ? LG_F_SOURCE_PORT : LG_F_DESTINATION_PORT, ae->addr.port);
}

static void set_target_pid(struct lg_audit_event *ae, int8_t n)
{
    int64_t pid;

    /* OBJ_PID told already; a negative argument is a process group */
    if (!lg_event_has(ae->call->ev, LG_F_TARGET_PROCESS_ID) && int_arg(ae, n, &pid) && pid > 0)
        lg_event_set_u64(ae->call->ev, LG_F_TARGET_PROCESS_ID, (uint64_t)pid);
}

static void shape_ptrace(struct lg_audit_event *ae)
{
    uint64_t request;

    if (!arg(ae, ae->what->x, &request))
        return;
    lg_event_set_u64(ae->call->ev, LG_F_PTRACE_REQUEST, request);
    if (request != 0) /* PTRACE_TRACEME names no one */
        set_target_pid(ae, ae->what->y);
}

static void shape_setid(struct lg_audit_event *ae)
{
    enum lg_field f = ae->what->shape == LG_AUDIT_SETUID ? LG_F_NEW_UID : LG_F_NEW_GID;
    uint64_t id;

    if (id_arg(ae, ae->what->x, &id) || id_arg(ae, ae->what->y, &id))
        lg_event_set_i64(ae->call->ev, f, (int64_t)id);
}

static void shape_mount(struct lg_audit_event *ae)
{
    const struct lg_audit_path *target = path_first(ae, LG_AUDIT_NAME_NORMAL);

    set_arg(ae, LG_F_MOUNT_FLAGS, ae->what->x);
    set_path(ae, LG_F_MOUNT_TARGET, target, -1);
    for (uint32_t i = 0; target != NULL && i < ae->n_paths; i++) {
        const struct lg_audit_path *p = &ae->paths[i];

        if (p->type == LG_AUDIT_NAME_NORMAL && !lg_str_eq(p->name, target->name)) {
            set_path(ae, LG_F_MOUNT_SOURCE, p, -1);
            return;
        }
    }
}

static void shape_apply(struct lg_audit_event *ae)
{
    const struct lg_audit_call *what = ae->what;
    struct lg_event *ev = ae->call->ev;
    uint64_t v;

    set_arg(ae, LG_F_FD, what->fd);
    switch (what->shape) {
    case LG_AUDIT_EXEC:
        /* what was asked for: a script, where `image` is its interpreter */
        set_path(ae, LG_F_TARGET_FILENAME, path_first(ae, LG_AUDIT_NAME_NORMAL), what->dir);
        break;
    case LG_AUDIT_FORK:
        set_arg(ae, LG_F_CLONE_FLAGS, what->x);
        if (lg_event_has(ev, LG_F_RETURN_VALUE) && ev->v[LG_F_RETURN_VALUE].i > 0)
            lg_event_set_u64(ev, LG_F_TARGET_PROCESS_ID, (uint64_t)ev->v[LG_F_RETURN_VALUE].i);
        break;
    case LG_AUDIT_EXIT:
        if (arg(ae, what->x, &v))
            lg_event_set_i64(ev, LG_F_EXIT_CODE, (int64_t)(v & 0xff));
        break;
    case LG_AUDIT_OPEN:
        shape_open(ae);
        break;
    case LG_AUDIT_CREATE:
    case LG_AUDIT_MAKE:
        shape_make(ae);
        break;
    case LG_AUDIT_DELETE:
        set_path(ae, LG_F_TARGET_FILENAME, path_target(ae, LG_AUDIT_NAME_DELETE), what->dir);
        break;
    case LG_AUDIT_RENAME:
        shape_rename(ae);
        break;
    case LG_AUDIT_LINK:
    case LG_AUDIT_SYMLINK:
        shape_link(ae);
        break;
    case LG_AUDIT_MODE:
        set_mode(ae);
        set_path(ae, LG_F_TARGET_FILENAME, path_target(ae, LG_AUDIT_NAME_NORMAL), what->dir);
        break;
    case LG_AUDIT_OWNER:
        shape_owner(ae);
        break;
    case LG_AUDIT_TRUNCATE:
        lg_event_set_bool(ev, LG_F_WRITE_INTENT, true);
        set_path(ae, LG_F_TARGET_FILENAME, path_target(ae, LG_AUDIT_NAME_NORMAL), what->dir);
        break;
    case LG_AUDIT_CONNECT:
    case LG_AUDIT_ACCEPT:
    case LG_AUDIT_BIND:
    case LG_AUDIT_LISTEN:
        shape_socket(ae);
        break;
    case LG_AUDIT_PTRACE:
        shape_ptrace(ae);
        break;
    case LG_AUDIT_MODULE:
        set_path(ae, LG_F_IMAGE_LOADED, path_first(ae, LG_AUDIT_NAME_NORMAL), -1);
        break;
    case LG_AUDIT_SETUID:
    case LG_AUDIT_SETGID:
        shape_setid(ae);
        break;
    case LG_AUDIT_SIGNAL:
        set_arg(ae, LG_F_SIGNAL, what->y);
        set_target_pid(ae, what->x);
        break;
    case LG_AUDIT_MOUNT:
        shape_mount(ae);
        break;
    case LG_AUDIT_MEMFD:
        set_returned(ae, LG_F_FD);
        break;
    case LG_AUDIT_BPF:
        set_arg(ae, LG_F_BPF_COMMAND, what->x);
        break;
    }
}

/* ---- records that stand alone ---- */

static void alone_apply(struct lg_audit_event *ae)
{
    struct lg_event *ev = ae->call->ev;

    switch (ae->kind) {
    case LG_AUDIT_LOGON:
        ev->type = failed(ae) ? LG_EVENT_LOGON_FAILED : LG_EVENT_LOGON;
        lg_audit_set_first(ae, LG_F_ACCOUNT, ae->account_id);
        break;
    case LG_AUDIT_ADD_USER:
        ev->type = LG_EVENT_USER_CREATE;
        lg_audit_set_first(ae, LG_F_ACCOUNT, ae->account_id);
        break;
    case LG_AUDIT_USER_CMD:
        ev->type = LG_EVENT_PROCESS_CREATE;
        lg_audit_set_text(ae, LG_F_COMMAND_LINE, ae->cmd);
        break;
    case LG_AUDIT_BPF_PROG:
        ev->type = LG_EVENT_BPF;
        break;
    default:
        ev->type = LG_EVENT_AUDIT_CONFIG;
        break;
    }
}

/* ---- the end ---- */

/* A relative name, and no CWD record to take it from. */
static bool cwd_missing(const struct lg_audit_event *ae)
{
    if (lg_event_has(ae->call->ev, LG_F_CURRENT_DIRECTORY))
        return false;
    for (uint32_t i = 0; i < ae->n_paths; i++)
        if (ae->paths[i].name.p[0] != '/')
            return true;
    return false;
}

bool lg_audit_event_whole(const struct lg_audit_event *ae)
{
    if (!ae->has_syscall)
        return ae->kind != LG_AUDIT_OTHER && !ae->parts;
    if (cwd_missing(ae))
        return false;
    if (ae->path_records < ae->items || (ae->has_execve && ae->args_missing))
        return false;
    if (ae->what == NULL || failed(ae))
        return true;
    if (ae->what->shape == LG_AUDIT_EXEC)
        return ae->has_execve;
    if (ae->what->shape == LG_AUDIT_CONNECT || ae->what->shape == LG_AUDIT_BIND)
        return ae->addr.set;
    return true;
}

static int dead(struct lg_audit_event *ae)
{
    if (ae->has_syscall) {
        if (ae->syscall.n > 0)
            return lg_norm_dead(ae->call, LG_DEAD_UNSUPPORTED_TYPE, "system call %.*s",
                    LG_STR_FMT(ae->syscall));
        return lg_norm_dead(ae->call, LG_DEAD_UNSUPPORTED_TYPE, "system call %llu of arch %x",
                (unsigned long long)ae->syscall_nr, ae->arch);
    }
    if (ae->type_name.n > 0)
        return lg_norm_dead(
                ae->call, LG_DEAD_UNSUPPORTED_TYPE, "record type %.*s", LG_STR_FMT(ae->type_name));
    return lg_norm_dead(ae->call, LG_DEAD_INCOMPLETE, "no SYSCALL record of serial %llu",
            (unsigned long long)ae->serial);
}

static void set_process(struct lg_audit_event *ae)
{
    struct lg_event *ev = ae->call->ev;
    bool exec = ae->what != NULL && ae->what->shape == LG_AUDIT_EXEC;

    if (ae->has_execve) {
        lg_audit_set_text(ae, LG_F_COMMAND_LINE, ae->command);
        if (ae->args_missing)
            ev->flags |= LG_EVF_TRUNCATED;
    } else {
        lg_audit_set_text(ae, LG_F_COMMAND_LINE, ae->proctitle);
        if (ae->title_cut)
            ev->flags |= LG_EVF_TRUNCATED;
        /* the arguments were lost: the title is no command line, only the best there is */
        if (exec && !failed(ae))
            ev->flags |= LG_EVF_INCOMPLETE;
    }
    if (ae->uid_name.n > 0) {
        lg_audit_set_text(ae, LG_F_USER, ae->uid_name);
    } else if (lg_event_has(ev, LG_F_UID)) {
        char text[24];
        struct lg_str s;
        int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)ev->v[LG_F_UID].u);

        if (lg_arena_dup(ae->call->arena, lg_str_of(text, (size_t)n), &s) < 0)
            ae->call->oom = true;
        else
            lg_event_set_str(ev, LG_F_USER, s);
    }
}

/* A connect(2) under way has neither succeeded nor failed. */
static void connect_pending(struct lg_event *ev)
{
    if (ev->type == LG_EVENT_NETWORK_CONNECT && lg_event_has(ev, LG_F_RETURN_VALUE) &&
            ev->v[LG_F_RETURN_VALUE].i == -EINPROGRESS)
        ev->has[LG_F_SUCCESS / 64] &= ~(UINT64_C(1) << (LG_F_SUCCESS % 64));
}

int lg_audit_event_emit(struct lg_audit_event *ae)
{
    struct lg_event *ev = ae->call->ev;
    struct lg_str identity[2];
    char id[64];
    int n;

    if (ae->what == NULL && ae->kind < LG_AUDIT_BPF_PROG)
        return dead(ae);
    set_process(ae);
    if (ae->what != NULL) {
        ev->type = ae->what->type;
        shape_apply(ae);
        connect_pending(ev);
        lg_audit_set_text(ae, LG_F_AUDIT_RECORD_TYPE, LG_STR("SYSCALL"));
    } else {
        alone_apply(ae);
        lg_audit_set_text(ae, LG_F_AUDIT_RECORD_TYPE, ae->type_name);
    }
    if (ae->evicted || !lg_audit_event_whole(ae))
        ev->flags |= LG_EVF_INCOMPLETE;
    n = snprintf(id, sizeof(id), "%lld.%03d:%llu", (long long)(ae->time_ns / LG_NS_PER_SEC),
            (int)(ae->time_ns % LG_NS_PER_SEC / 1000000), (unsigned long long)ae->serial);
    identity[0] = ae->node;
    identity[1] = lg_str_of(id, (size_t)n);
    (void)(lg_norm_host(ae->call, ae->host) < 0); /* lg_norm_emit tells */
    return lg_norm_emit(ae->call, identity, 2);
}
