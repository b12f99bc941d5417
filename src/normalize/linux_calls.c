#include <errno.h>

#include "normalize/linux_common.h"

/* System calls, and the names and numbers of their flags, as x86-64 Linux has them. */

struct name_row {
    const char *name;
    uint32_t value;
};
#define N_OF(rows) (sizeof(rows) / sizeof((rows)[0]))

static bool name_find(const struct name_row *rows, size_t n, struct lg_str s, uint32_t *ret)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (lg_str_eq(s, lg_str_z(rows[i].name))) {
            *ret = rows[i].value;
            return true;
        }
    }
    return false;
}

#define CALL(name, kind, type)                                                                     \
    {                                                                                              \
        name, LG_EVENT_##type, LG_LX_##kind                                                        \
    }
static const struct lg_keyrow call_rows[] = {
        CALL("execve", EXEC, PROCESS_CREATE),
        CALL("execveat", EXEC, PROCESS_CREATE),
        CALL("fork", FORK, PROCESS_FORK),
        CALL("vfork", FORK, PROCESS_FORK),
        CALL("clone", FORK, PROCESS_FORK),
        CALL("clone3", FORK, PROCESS_FORK),
        CALL("exit", EXIT, PROCESS_TERMINATE),
        CALL("exit_group", EXIT, PROCESS_TERMINATE),
        CALL("open", OPEN, FILE_OPEN),
        CALL("openat", OPEN, FILE_OPEN),
        CALL("openat2", OPEN, FILE_OPEN),
        CALL("open_by_handle_at", OPEN, FILE_OPEN),
        CALL("creat", OPEN, FILE_WRITE),
        CALL("mkdir", CREATE, FILE_CREATE),
        CALL("mkdirat", CREATE, FILE_CREATE),
        CALL("mknod", CREATE, FILE_CREATE),
        CALL("mknodat", CREATE, FILE_CREATE),
        CALL("unlink", DELETE, FILE_DELETE),
        CALL("unlinkat", DELETE, FILE_DELETE),
        CALL("rmdir", DELETE, FILE_DELETE),
        CALL("rename", RENAME, FILE_RENAME),
        CALL("renameat", RENAME, FILE_RENAME),
        CALL("renameat2", RENAME, FILE_RENAME),
        CALL("link", LINK, FILE_LINK),
        CALL("linkat", LINK, FILE_LINK),
        CALL("symlink", LINK, FILE_LINK),
        CALL("symlinkat", LINK, FILE_LINK),
        CALL("chmod", CHMOD, FILE_MODE_CHANGE),
        CALL("fchmod", CHMOD, FILE_MODE_CHANGE),
        CALL("fchmodat", CHMOD, FILE_MODE_CHANGE),
        CALL("fchmodat2", CHMOD, FILE_MODE_CHANGE),
        CALL("chown", CHOWN, FILE_OWNER_CHANGE),
        CALL("lchown", CHOWN, FILE_OWNER_CHANGE),
        CALL("fchown", CHOWN, FILE_OWNER_CHANGE),
        CALL("fchownat", CHOWN, FILE_OWNER_CHANGE),
        CALL("connect", CONNECT, NETWORK_CONNECT),
        CALL("accept", ACCEPT, NETWORK_ACCEPT),
        CALL("accept4", ACCEPT, NETWORK_ACCEPT),
        CALL("bind", BIND, NETWORK_BIND),
        CALL("listen", LISTEN, NETWORK_LISTEN),
        CALL("ptrace", PTRACE, PROCESS_PTRACE),
        CALL("init_module", KMOD, KERNEL_MODULE_LOAD),
        CALL("finit_module", KMOD, KERNEL_MODULE_LOAD),
        CALL("setuid", SETUID, CREDENTIAL_CHANGE),
        CALL("setreuid", SETUID, CREDENTIAL_CHANGE),
        CALL("setresuid", SETUID, CREDENTIAL_CHANGE),
        CALL("setfsuid", SETUID, CREDENTIAL_CHANGE),
        CALL("setgid", SETGID, CREDENTIAL_CHANGE),
        CALL("setregid", SETGID, CREDENTIAL_CHANGE),
        CALL("setresgid", SETGID, CREDENTIAL_CHANGE),
        CALL("setfsgid", SETGID, CREDENTIAL_CHANGE),
        CALL("kill", KILL, PROCESS_SIGNAL),
        CALL("tkill", KILL, PROCESS_SIGNAL),
        CALL("tgkill", KILL, PROCESS_SIGNAL),
        CALL("mount", MOUNT, MOUNT),
        CALL("memfd_create", MEMFD, MEMFD_CREATE),
        CALL("bpf", BPF, BPF),
};
static struct lg_keymap call_map = LG_KEYMAP(call_rows);

bool lg_lx_syscall_find(struct lg_str name, struct lg_lx_syscall *ret)
{
    const struct lg_keyrow *row = lg_keymap_find(&call_map, name);

    if (row == NULL)
        return false;
    ret->type = (enum lg_event_type)row->field;
    ret->kind = (enum lg_lx_kind)row->arg;
    return true;
}

static const struct name_row open_names[] = {
        {"RDONLY", 0},
        {"WRONLY", LG_O_WRONLY},
        {"RDWR", LG_O_RDWR},
        {"CREAT", LG_O_CREAT},
        {"EXCL", LG_O_EXCL},
        {"NOCTTY", 0x100},
        {"TRUNC", LG_O_TRUNC},
        {"APPEND", LG_O_APPEND},
        {"NONBLOCK", 0x800},
        {"NDELAY", 0x800},
        {"DSYNC", 0x1000},
        {"ASYNC", 0x2000},
        {"FASYNC", 0x2000},
        {"DIRECT", 0x4000},
        {"LARGEFILE", 0x8000},
        {"DIRECTORY", 0x10000},
        {"NOFOLLOW", 0x20000},
        {"NOATIME", 0x40000},
        {"CLOEXEC", 0x80000},
        {"SYNC", 0x101000},
        {"PATH", 0x200000},
        {"TMPFILE", 0x410000},
};

static const struct name_row clone_names[] = {
        {"VM", 0x100},
        {"FS", 0x200},
        {"FILES", 0x400},
        {"SIGHAND", 0x800},
        {"PIDFD", 0x1000},
        {"PTRACE", 0x2000},
        {"VFORK", 0x4000},
        {"PARENT", 0x8000},
        {"THREAD", 0x10000},
        {"NEWNS", 0x20000},
        {"SYSVSEM", 0x40000},
        {"SETTLS", 0x80000},
        {"PARENT_SETTID", 0x100000},
        {"CHILD_CLEARTID", 0x200000},
        {"DETACHED", 0x400000},
        {"UNTRACED", 0x800000},
        {"CHILD_SETTID", 0x1000000},
        {"NEWCGROUP", 0x2000000},
        {"NEWUTS", 0x4000000},
        {"NEWIPC", 0x8000000},
        {"NEWUSER", 0x10000000},
        {"NEWPID", 0x20000000},
        {"NEWNET", 0x40000000},
        {"IO", 0x80000000},
};

static const struct name_row signal_names[] = {
        {"HUP", 1},
        {"INT", 2},
        {"QUIT", 3},
        {"ILL", 4},
        {"TRAP", 5},
        {"ABRT", 6},
        {"BUS", 7},
        {"FPE", 8},
        {"KILL", 9},
        {"USR1", 10},
        {"SEGV", 11},
        {"USR2", 12},
        {"PIPE", 13},
        {"ALRM", 14},
        {"TERM", 15},
        {"STKFLT", 16},
        {"CHLD", 17},
        {"CONT", 18},
        {"STOP", 19},
        {"TSTP", 20},
        {"TTIN", 21},
        {"TTOU", 22},
        {"URG", 23},
        {"XCPU", 24},
        {"XFSZ", 25},
        {"VTALRM", 26},
        {"PROF", 27},
        {"WINCH", 28},
        {"IO", 29},
        {"PWR", 30},
        {"SYS", 31},
};

static const struct name_row ptrace_names[] = {
        {"TRACEME", 0},
        {"PEEKTEXT", 1},
        {"PEEKDATA", 2},
        {"PEEKUSR", 3},
        {"PEEKUSER", 3},
        {"POKETEXT", 4},
        {"POKEDATA", 5},
        {"POKEUSR", 6},
        {"POKEUSER", 6},
        {"CONT", 7},
        {"KILL", 8},
        {"SINGLESTEP", 9},
        {"GETREGS", 12},
        {"SETREGS", 13},
        {"GETFPREGS", 14},
        {"SETFPREGS", 15},
        {"ATTACH", 16},
        {"DETACH", 17},
        {"SYSCALL", 24},
        {"SETOPTIONS", 0x4200},
        {"GETEVENTMSG", 0x4201},
        {"GETSIGINFO", 0x4202},
        {"SETSIGINFO", 0x4203},
        {"GETREGSET", 0x4204},
        {"SETREGSET", 0x4205},
        {"SEIZE", 0x4206},
        {"INTERRUPT", 0x4207},
        {"LISTEN", 0x4208},
};

static const struct name_row bpf_names[] = {
        {"MAP_CREATE", 0},
        {"MAP_LOOKUP_ELEM", 1},
        {"MAP_UPDATE_ELEM", 2},
        {"MAP_DELETE_ELEM", 3},
        {"MAP_GET_NEXT_KEY", 4},
        {"PROG_LOAD", 5},
        {"OBJ_PIN", 6},
        {"OBJ_GET", 7},
        {"PROG_ATTACH", 8},
        {"PROG_DETACH", 9},
        {"PROG_TEST_RUN", 10},
        {"PROG_GET_NEXT_ID", 11},
        {"MAP_GET_NEXT_ID", 12},
        {"PROG_GET_FD_BY_ID", 13},
        {"MAP_GET_FD_BY_ID", 14},
        {"OBJ_GET_INFO_BY_FD", 15},
        {"PROG_QUERY", 16},
        {"RAW_TRACEPOINT_OPEN", 17},
        {"BTF_LOAD", 18},
        {"LINK_CREATE", 28},
        {"LINK_UPDATE", 29},
};

#define E(name)                                                                                    \
    {                                                                                              \
#name, name                                                                                \
    }
static const struct name_row errno_names[] = {
        E(EPERM),
        E(ENOENT),
        E(ESRCH),
        E(EINTR),
        E(EIO),
        E(ENXIO),
        E(E2BIG),
        E(ENOEXEC),
        E(EBADF),
        E(ECHILD),
        E(EAGAIN),
        E(ENOMEM),
        E(EACCES),
        E(EFAULT),
        E(ENOTBLK),
        E(EBUSY),
        E(EEXIST),
        E(EXDEV),
        E(ENODEV),
        E(ENOTDIR),
        E(EISDIR),
        E(EINVAL),
        E(ENFILE),
        E(EMFILE),
        E(ENOTTY),
        E(ETXTBSY),
        E(EFBIG),
        E(ENOSPC),
        E(ESPIPE),
        E(EROFS),
        E(EMLINK),
        E(EPIPE),
        E(ENAMETOOLONG),
        E(ENOSYS),
        E(ENOTEMPTY),
        E(ELOOP),
        E(EWOULDBLOCK),
        E(EOVERFLOW),
        E(ENOTSOCK),
        E(EDESTADDRREQ),
        E(EMSGSIZE),
        E(EPROTOTYPE),
        E(ENOPROTOOPT),
        E(EPROTONOSUPPORT),
        E(ESOCKTNOSUPPORT),
        E(EOPNOTSUPP),
        E(EPFNOSUPPORT),
        E(EAFNOSUPPORT),
        E(EADDRINUSE),
        E(EADDRNOTAVAIL),
        E(ENETDOWN),
        E(ENETUNREACH),
        E(ENETRESET),
        E(ECONNABORTED),
        E(ECONNRESET),
        E(ENOBUFS),
        E(EISCONN),
        E(ENOTCONN),
        E(ETIMEDOUT),
        E(ECONNREFUSED),
        E(EHOSTDOWN),
        E(EHOSTUNREACH),
        E(EALREADY),
        E(EINPROGRESS),
        E(ESTALE),
        E(EDQUOT),
        E(ECANCELED),
};

int lg_lx_errno(struct lg_str name)
{
    uint32_t v = 0;

    return name_find(errno_names, N_OF(errno_names), name, &v) ? (int)v : 0;
}

/* Ors the known words of "A|B C,D" after taking `prefix` off each. */
static bool names_or(
        struct lg_str s, struct lg_str prefix, const struct name_row *rows, size_t n, uint64_t *ret)
{
    bool any = false;
    uint64_t sum = 0;

    while (s.n > 0) {
        struct lg_str word;
        uint32_t v;
        size_t i = 0;

        while (i < s.n && s.p[i] != '|' && s.p[i] != ' ' && s.p[i] != ',')
            i++;
        word = lg_str_sub(s, 0, i);
        s = lg_str_sub(s, i + 1, s.n);
        if (lg_str_starts(word, prefix))
            word = lg_str_sub(word, prefix.n, word.n);
        if (name_find(rows, n, word, &v)) {
            sum |= v;
            any = true;
        }
    }
    if (any)
        *ret = sum;
    return any;
}

bool lg_lx_flags_from_names(struct lg_str s, uint64_t *ret)
{
    return names_or(s, LG_STR("O_"), open_names, N_OF(open_names), ret);
}

uint64_t lg_lx_flags_from_ppm(uint64_t ppm)
{
    static const uint32_t bits[] = {0, 0, LG_O_CREAT, LG_O_APPEND, 0x1000, LG_O_EXCL, 0x800,
            0x101000, LG_O_TRUNC, 0x4000, 0x10000, 0x8000, 0x80000, 0};
    uint64_t flags = (ppm & 3) == 3 ? LG_O_RDWR : (ppm & 3) == 2 ? LG_O_WRONLY : 0;
    size_t i;

    for (i = 2; i < N_OF(bits); i++) {
        if ((ppm >> i & 1) != 0)
            flags |= bits[i];
    }
    /* The collectors test O_TMPFILE by its O_DIRECTORY bit too, so that every opened directory
     * carries it; a real one asks to write. */
    if ((ppm >> 13 & 1) != 0 && (ppm & 2) != 0)
        flags |= 0x410000;
    return flags;
}

bool lg_lx_flags_write(uint64_t flags)
{
    return (flags & (LG_O_WRONLY | LG_O_RDWR | LG_O_CREAT | LG_O_TRUNC)) != 0;
}

void lg_lx_open_flags(struct lg_lx *lx, uint64_t flags)
{
    bool writes = lg_lx_flags_write(flags);

    lg_lx_u64(lx, LG_F_OPEN_FLAGS, flags);
    lg_event_set_bool(lx->ev, LG_F_WRITE_INTENT, writes);
    if (writes && lx->ev->type == LG_EVENT_FILE_OPEN)
        lx->ev->type = LG_EVENT_FILE_WRITE;
}

struct lg_lx_val lg_lx_val_of(struct lg_jval v)
{
    struct lg_lx_val val = {false, 0, {"", 0}};

    if (lg_jval_type(v) == LG_JSON_I64) {
        val.is_num = true;
        val.num = lg_jval_i64(v);
    } else if (lg_jval_type(v) == LG_JSON_STRING) {
        val.text = lg_jval_str(v);
    }
    return val;
}

/* Takes "(NAME)" off "12(NAME)". */
static struct lg_str parenthesis(struct lg_str *s)
{
    ptrdiff_t at = lg_str_chr(*s, '(');
    struct lg_str inner = LG_STR("");

    if (at >= 0 && s->p[s->n - 1] == ')') {
        inner = lg_str_sub(*s, (size_t)at + 1, s->n - 1);
        *s = lg_str_sub(*s, 0, (size_t)at);
    }
    return inner;
}

static bool number_of(struct lg_lx_val val, int64_t *ret)
{
    uint64_t u;

    if (val.is_num) {
        *ret = val.num;
        return true;
    }
    (void)parenthesis(&val.text);
    if (lg_parse_i64(val.text, ret) == 0)
        return true;
    if (!lg_str_starts(val.text, LG_STR("0x")) || lg_parse_hex64(val.text, &u) < 0 || u > INT64_MAX)
        return false;
    *ret = (int64_t)u;
    return true;
}

/* Names first: where both stand, the number may be the collector's own numbering. */
static bool named_number(struct lg_lx_val val, struct lg_str prefix, const struct name_row *rows,
        size_t n, int64_t *ret)
{
    struct lg_str text = val.text;
    struct lg_str inner;
    uint64_t u;

    if (val.is_num) {
        *ret = val.num;
        return true;
    }
    inner = parenthesis(&text);
    if (names_or(inner.n > 0 ? inner : text, prefix, rows, n, &u)) {
        *ret = (int64_t)u;
        return true;
    }
    return number_of(val, ret);
}

static bool mode_of(struct lg_lx_val val, int64_t *ret)
{
    struct lg_str s = val.text;
    bool octal = s.n > 1 && s.p[0] == '0';
    int64_t v = 0;
    size_t i;

    if (val.is_num) {
        *ret = val.num;
        return true;
    }
    if (s.n == 0 || s.n > 8)
        return false;
    for (i = 0; i < s.n; i++) {
        char c = lg_ascii_lower(s.p[i]);
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;

        if (digit >= (octal ? 8 : 16))
            return false;
        v = v * (octal ? 8 : 16) + digit;
    }
    *ret = v;
    return true;
}

static void set_number(struct lg_lx *lx, enum lg_field f, int64_t v)
{
    if (lg_fields[f].type == LG_FIELD_U64) {
        if (v >= 0)
            lg_event_set_u64(lx->ev, f, (uint64_t)v);
    } else if (lg_fields[f].type == LG_FIELD_I64) {
        lg_event_set_i64(lx->ev, f, v);
    } else if (lg_fields[f].type == LG_FIELD_STR && v >= 0) {
        lg_lx_str(lx, f, lg_lx_dec(lx, (uint64_t)v));
    }
}

static void convert_flags(struct lg_lx *lx, enum lg_lx_conv conv, struct lg_lx_val val)
{
    struct lg_str text = val.text;
    struct lg_str inner = parenthesis(&text);
    uint64_t flags;
    int64_t v;

    if (conv == LG_LX_FLAG_OPEN && !val.is_num &&
            lg_lx_flags_from_names(inner.n > 0 ? inner : text, &flags)) {
        lg_lx_open_flags(lx, flags);
        return;
    }
    if (!number_of(val, &v) || v < 0)
        return;
    lg_lx_open_flags(lx, conv == LG_LX_FLAG_PPM ? lg_lx_flags_from_ppm((uint64_t)v) : (uint64_t)v);
}

void lg_lx_convert(struct lg_lx *lx, enum lg_field f, enum lg_lx_conv conv, struct lg_lx_val val)
{
    bool ok = false;
    int64_t v = 0;

    switch (conv) {
    case LG_LX_TEXT:
        lg_lx_str(lx, f, val.text);
        break;
    case LG_LX_FLAG_OPEN:
    case LG_LX_FLAG_PPM:
        convert_flags(lx, conv, val);
        break;
    case LG_LX_FLAG_CLONE:
        ok = named_number(val, LG_STR("CLONE_"), clone_names, N_OF(clone_names), &v);
        break;
    case LG_LX_NUM:
        ok = number_of(val, &v);
        break;
    case LG_LX_MODE:
        ok = mode_of(val, &v);
        break;
    case LG_LX_SIG:
        ok = named_number(val, LG_STR("SIG"), signal_names, N_OF(signal_names), &v);
        break;
    case LG_LX_PTRACE_REQ:
        ok = named_number(val, LG_STR("PTRACE_"), ptrace_names, N_OF(ptrace_names), &v);
        break;
    case LG_LX_BPF_CMD:
        ok = named_number(val, LG_STR("BPF_"), bpf_names, N_OF(bpf_names), &v);
        break;
    }
    if (ok)
        set_number(lx, f, v);
}

/* Whether set*id leaves this id as it is, or another id of the call has been taken. */
static bool id_unchanged(
        const struct lg_event *ev, enum lg_field f, struct lg_str key, struct lg_lx_val val)
{
    int64_t v;

    if (f != LG_F_NEW_UID && f != LG_F_NEW_GID)
        return false;
    if (!number_of(val, &v) || v == -1 || v == UINT32_MAX)
        return true;
    /* The effective id is the one that counts. */
    return lg_event_has(ev, f) && key.p[0] != 'e';
}

bool lg_lx_set_arg(struct lg_lx *lx, const struct lg_lx_arg *rows, size_t n, enum lg_lx_kind kind,
        struct lg_str key, struct lg_lx_val val)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if ((rows[i].kinds >> kind & 1) == 0 || !lg_str_eq(key, lg_str_z(rows[i].key)))
            continue;
        if (!id_unchanged(lx->ev, rows[i].field, key, val))
            lg_lx_convert(lx, rows[i].field, rows[i].conv, val);
        return true;
    }
    return false;
}
