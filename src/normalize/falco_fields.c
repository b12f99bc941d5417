#include "normalize/falco_fields.h"

/* ---- fields ---- */

#define ROW(e, s) {s, LG_FF_##e, 0},
static const struct lg_keyrow field_rows[] = {LG_FF_FIELDS(ROW)};
#undef ROW
static struct lg_keymap field_map = LG_KEYMAP(field_rows);

void lg_ff_read(struct lg_ff_rec *r, struct lg_norm_call *call, struct lg_jval obj)
{
    struct lg_jiter it = lg_jiter_of(obj);
    struct lg_str key;
    struct lg_jval val;

    memset(r, 0, sizeof(*r));
    r->call = call;
    r->lx.call = call;
    r->lx.ev = call->ev;
    r->fields = obj;
    while (lg_jiter_member(&it, &key, &val)) {
        const struct lg_keyrow *row = lg_keymap_find(&field_map, key);

        /* the first of two equal keys counts, as in lg_jval_get */
        if (row != NULL && r->v[row->field].at == NULL && lg_jval_type(val) != LG_JSON_NULL)
            r->v[row->field] = val;
    }
    r->args = lg_ff_str(r, LG_FF_EVT_ARGS);
    if (r->args.n == 0)
        r->args = lg_ff_str(r, LG_FF_EVT_INFO);
}

bool lg_ff_has(const struct lg_ff_rec *r, enum lg_ff f)
{
    return r->v[f].at != NULL;
}

struct lg_str lg_ff_str(const struct lg_ff_rec *r, enum lg_ff f)
{
    struct lg_str s;

    if (!lg_ff_has(r, f) || lg_jval_type(r->v[f]) != LG_JSON_STRING)
        return LG_STR("");
    s = lg_jval_str(r->v[f]);
    return lg_lx_null_word(s) ? LG_STR("") : s;
}

bool lg_ff_uint(const struct lg_ff_rec *r, enum lg_ff f, uint64_t *ret)
{
    return lg_ff_has(r, f) && lg_lx_uint(r->v[f], ret);
}

static void set_field(struct lg_ff_rec *r, enum lg_field f, enum lg_ff from)
{
    if (!lg_ff_has(r, from))
        return;
    if (lg_jval_type(r->v[from]) == LG_JSON_STRING)
        lg_lx_str(&r->lx, f, lg_jval_str(r->v[from]));
    else
        lg_norm_set_json(r->call, f, r->v[from]);
}

lg_time lg_ff_time(const struct lg_ff_rec *r)
{
    static const enum lg_ff order[] = {
            LG_FF_EVT_RAWTIME, LG_FF_EVT_OUTPUTTIME, LG_FF_EVT_TIME, LG_FF_EVT_TIME_ISO};
    lg_time t;
    size_t i;

    for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (!lg_ff_has(r, order[i]))
            continue;
        if (lg_lx_int(r->v[order[i]], &t) && t > 0)
            return t;
        if (lg_parse_time_iso(lg_ff_str(r, order[i]), &t) == 0)
            return t;
    }
    return 0;
}

/* ---- process, user, container ---- */

static struct lg_str first_of(struct lg_str a, struct lg_str b)
{
    return a.n > 0 ? a : b;
}

static struct lg_lx_proc read_proc(struct lg_ff_rec *r)
{
    struct lg_lx_proc p = {.start_is_clock = true};
    uint64_t ts;

    p.has_pid = lg_ff_uint(r, LG_FF_PROC_PID, &p.pid) || lg_ff_uint(r, LG_FF_THREAD_TID, &p.pid);
    if (lg_ff_uint(r, LG_FF_PROC_PID_TS, &ts) && ts <= INT64_MAX)
        p.start_ns = (lg_time)ts;
    p.image = first_of(lg_ff_str(r, LG_FF_PROC_EXEPATH), lg_ff_str(r, LG_FF_PROC_EXE));
    p.command_line = lg_ff_str(r, LG_FF_PROC_CMDLINE);
    if (p.command_line.n == 0)
        p.command_line =
                lg_lx_command(&r->lx, lg_ff_str(r, LG_FF_PROC_EXE), lg_ff_str(r, LG_FF_PROC_ARGS));
    p.user = lg_ff_str(r, LG_FF_USER_NAME);
    return p;
}

static struct lg_lx_proc read_parent(struct lg_ff_rec *r)
{
    struct lg_lx_proc p = {.start_is_clock = true};
    uint64_t ts;

    p.has_pid = lg_ff_uint(r, LG_FF_PROC_PPID, &p.pid);
    if (lg_ff_uint(r, LG_FF_PROC_PPID_TS, &ts) && ts <= INT64_MAX)
        p.start_ns = (lg_time)ts;
    p.image = first_of(lg_ff_str(r, LG_FF_PROC_PEXEPATH), lg_ff_str(r, LG_FF_PROC_PEXE));
    p.command_line = lg_ff_str(r, LG_FF_PROC_PCMDLINE);
    return p;
}

static void set_user(struct lg_ff_rec *r)
{
    uint64_t id;
    int64_t v;

    /* 4294967295 stands for "not known" */
    if (lg_ff_uint(r, LG_FF_USER_UID, &id) && id < UINT32_MAX)
        lg_lx_u64(&r->lx, LG_F_UID, id);
    if (lg_ff_uint(r, LG_FF_GROUP_GID, &id) && id < UINT32_MAX)
        lg_lx_u64(&r->lx, LG_F_GID, id);
    if (lg_ff_has(r, LG_FF_USER_LOGINUID) && lg_lx_int(r->v[LG_FF_USER_LOGINUID], &v) && v >= -1 &&
            v <= UINT32_MAX)
        lg_lx_u64(&r->lx, LG_F_AUID, (uint32_t)v); /* -1 is the unset 4294967295 */
}

static void set_container(struct lg_ff_rec *r)
{
    struct lg_str repository = lg_ff_str(r, LG_FF_CONTAINER_REPOSITORY);
    struct lg_str tag = lg_ff_str(r, LG_FF_CONTAINER_TAG);

    lg_lx_container_id(&r->lx, lg_ff_str(r, LG_FF_CONTAINER_ID));
    if (!lg_str_eq(lg_ff_str(r, LG_FF_CONTAINER_NAME), LG_STR("host")))
        set_field(r, LG_F_CONTAINER_NAME, LG_FF_CONTAINER_NAME);
    if (lg_ff_has(r, LG_FF_CONTAINER_IMAGE))
        set_field(r, LG_F_CONTAINER_IMAGE, LG_FF_CONTAINER_IMAGE);
    else if (repository.n > 0 && tag.n > 0)
        lg_lx_str(&r->lx, LG_F_CONTAINER_IMAGE,
                lg_lx_cat(&r->lx, (struct lg_str[]){repository, LG_STR(":"), tag}, 3));
    else
        lg_lx_str(&r->lx, LG_F_CONTAINER_IMAGE, repository);
    set_field(r, LG_F_POD_NAME, LG_FF_K8S_POD);
    set_field(r, LG_F_POD_NAMESPACE, LG_FF_K8S_NS);
}

static void begin(struct lg_ff_rec *r, enum lg_event_type type)
{
    lg_lx_begin(&r->lx, r->call, r->source, type, r->time_ns, r->host);
    if (!lg_str_eq(lg_ff_str(r, LG_FF_EVT_TYPE), LG_STR("procexit"))) /* a tracepoint */
        lg_lx_str(&r->lx, LG_F_SYSCALL, lg_ff_str(r, LG_FF_EVT_TYPE));
    lg_lx_str(&r->lx, LG_F_DETECTION_RULE, r->rule);
    set_container(r);
}

void lg_ff_begin(struct lg_ff_rec *r, enum lg_event_type type)
{
    struct lg_lx_proc p = read_proc(r);
    struct lg_lx_proc parent = read_parent(r);

    begin(r, type);
    lg_lx_actor(&r->lx, &p);
    lg_lx_parent(&r->lx, &parent);
    set_field(r, LG_F_COMM, LG_FF_PROC_NAME);
    set_field(r, LG_F_THREAD_ID, LG_FF_THREAD_TID);
    set_field(r, LG_F_CURRENT_DIRECTORY, LG_FF_PROC_CWD);
    set_user(r);
}

void lg_ff_begin_child(struct lg_ff_rec *r)
{
    struct lg_lx_proc p = read_proc(r);
    struct lg_lx_proc parent = read_parent(r);

    begin(r, LG_EVENT_PROCESS_FORK);
    lg_lx_actor(&r->lx, &parent);
    set_field(r, LG_F_COMM, LG_FF_PROC_PNAME);
    lg_lx_target(&r->lx, &p);
    set_user(r); /* a child starts with its parent's */
}

/* ---- arguments: "fd=3(<f>/etc/x) name=/etc/x flags=4097(O_RDONLY|O_CLOEXEC) mode=0 " ---- */

/* Offset after "key=" at the start or after a blank; the first or the last such place. */
static bool arg_at(struct lg_str args, struct lg_str key, bool lead, size_t *ret)
{
    bool found = false;
    size_t i;

    for (i = 0; i + key.n < args.n; i++) {
        if ((i > 0 && args.p[i - 1] != ' ') || args.p[i + key.n] != '=' ||
                memcmp(args.p + i, key.p, key.n) != 0)
            continue;
        *ret = i + key.n + 1;
        found = true;
        if (lead)
            break;
    }
    return found;
}

struct lg_str lg_ff_arg_word(struct lg_str args, struct lg_str key, bool lead)
{
    size_t at;
    ptrdiff_t blank;

    if (!arg_at(args, key, lead, &at))
        return LG_STR("");
    args = lg_str_sub(args, at, args.n);
    blank = lg_str_chr(args, ' ');
    return blank < 0 ? args : lg_str_sub(args, 0, (size_t)blank);
}

/*
 * A text may hold blanks and anything that looks like an argument. It starts at the first "key="
 * (what stands before it is the collector's own) and ends at the last "next=", or at the end.
 */
static struct lg_str arg_text(struct lg_str args, struct lg_str key, const char *const *next)
{
    size_t at;
    size_t end;
    size_t i;

    if (!arg_at(args, key, true, &at))
        return LG_STR("");
    for (i = 0; i < 3 && next[i] != NULL; i++) {
        struct lg_str name = lg_str_z(next[i]);

        if (arg_at(args, name, false, &end) && end - name.n - 1 >= at)
            return lg_str_trim(lg_str_sub(args, at, end - name.n - 1));
    }
    return lg_str_trim(lg_str_sub(args, at, args.n));
}

enum { WORD, TEXT, PATH };
static const struct text_row {
    uint32_t kinds;
    const char *key;
    const char *next[3];
    enum lg_field field;
    uint8_t form;
    uint8_t conv; /* enum lg_lx_conv of a WORD */
} arg_rows[] = {
        {LG_LX_BIT(OPEN), "name", {"flags", "mode"}, LG_F_TARGET_FILENAME, PATH, 0},
        {LG_LX_BIT(OPEN), "flags", {NULL}, LG_F_OPEN_FLAGS, WORD, LG_LX_FLAG_PPM},
        {LG_LX_BIT(CREATE), "path", {"mode"}, LG_F_TARGET_FILENAME, PATH, 0},
        {LG_LX_BIT(CREATE) | LG_LX_BIT(CHMOD), "mode", {NULL}, LG_F_FILE_MODE, WORD, LG_LX_MODE},
        {LG_LX_BIT(DELETE), "path", {NULL}, LG_F_TARGET_FILENAME, PATH, 0},
        {LG_LX_BIT(DELETE), "name", {"flags"}, LG_F_TARGET_FILENAME, PATH, 0},
        {LG_LX_BIT(RENAME) | LG_LX_BIT(LINK), "oldpath", {"newdirfd", "newdir", "newpath"},
                LG_F_TARGET_FILENAME, PATH, 0},
        {LG_LX_BIT(RENAME) | LG_LX_BIT(LINK), "newpath", {"flags"}, LG_F_NEW_FILENAME, PATH, 0},
        {LG_LX_BIT(LINK), "target", {"linkdirfd", "linkpath"}, LG_F_TARGET_FILENAME, PATH, 0},
        {LG_LX_BIT(LINK), "linkpath", {NULL}, LG_F_NEW_FILENAME, PATH, 0},
        {LG_LX_BIT(CHMOD), "filename", {"mode"}, LG_F_TARGET_FILENAME, PATH, 0},
        {LG_LX_BIT(CHOWN), "path", {"uid"}, LG_F_TARGET_FILENAME, PATH, 0},
        {LG_LX_BIT(CHOWN), "pathname", {"uid"}, LG_F_TARGET_FILENAME, PATH, 0},
        {LG_LX_BIT(CHOWN), "uid", {NULL}, LG_F_FILE_OWNER_UID, WORD, LG_LX_NUM},
        {LG_LX_BIT(CHOWN), "gid", {NULL}, LG_F_FILE_OWNER_GID, WORD, LG_LX_NUM},
        {LG_LX_BIT(LISTEN), "backlog", {NULL}, LG_F_BACKLOG, WORD, LG_LX_NUM},
        {LG_LX_BIT(PTRACE), "request", {NULL}, LG_F_PTRACE_REQUEST, WORD, LG_LX_PTRACE_REQ},
        {LG_LX_BIT(PTRACE) | LG_LX_BIT(KILL), "pid", {NULL}, LG_F_TARGET_PROCESS_ID, WORD,
                LG_LX_NUM},
        {LG_LX_BIT(KILL), "sig", {NULL}, LG_F_SIGNAL, WORD, LG_LX_SIG},
        {LG_LX_BIT(KMOD), "uargs", {"flags"}, LG_F_MODULE_ARGS, TEXT, 0},
        {LG_LX_BIT(MOUNT), "dev", {"dir"}, LG_F_MOUNT_SOURCE, TEXT, 0},
        {LG_LX_BIT(MOUNT), "dir", {"type"}, LG_F_MOUNT_TARGET, TEXT, 0},
        {LG_LX_BIT(MOUNT), "type", {NULL}, LG_F_MOUNT_TYPE, TEXT, 0},
        {LG_LX_BIT(MEMFD), "name", {"flags"}, LG_F_MEMFD_NAME, TEXT, 0},
        {LG_LX_BIT(BPF), "cmd", {NULL}, LG_F_BPF_COMMAND, WORD, LG_LX_BPF_CMD},
        {LG_LX_BIT(FORK), "flags", {NULL}, LG_F_CLONE_FLAGS, WORD, LG_LX_FLAG_CLONE},
};

/* Ids of set*id: the effective one counts, -1 leaves an id as it is. */
static void set_new_id(struct lg_ff_rec *r, enum lg_field f, const char *const keys[3])
{
    size_t i;

    for (i = 0; i < 3; i++) {
        struct lg_lx_val val = {false, 0, lg_ff_arg_word(r->args, lg_str_z(keys[i]), true)};

        if (val.text.n == 0 || lg_str_starts(val.text, LG_STR("-1")))
            continue;
        lg_lx_convert(&r->lx, f, LG_LX_NUM, val);
        return;
    }
}

static const char *const uid_keys[] = {"euid", "uid", "ruid"};
static const char *const gid_keys[] = {"egid", "gid", "rgid"};

bool lg_ff_has_object(const struct lg_ff_rec *r, enum lg_lx_kind kind)
{
    const char *const *keys = kind == LG_LX_SETUID ? uid_keys : gid_keys;
    size_t at;
    size_t i;

    if (kind == LG_LX_KILL)
        return arg_at(r->args, LG_STR("sig"), true, &at);
    if (kind == LG_LX_PTRACE)
        return arg_at(r->args, LG_STR("request"), true, &at);
    for (i = 0; i < 3; i++) {
        if (arg_at(r->args, lg_str_z(keys[i]), true, &at))
            return true;
    }
    return false;
}

/* "./x(/tmp/x)": what was given, then what it stands for; relative names follow the working
 * directory where the collector did not. */
static struct lg_str path_of(struct lg_ff_rec *r, struct lg_str s)
{
    struct lg_str cwd = lg_ff_str(r, LG_FF_PROC_CWD);
    ptrdiff_t open = lg_str_rchr(s, '(');

    if (s.n == 0 || s.p[0] == '/')
        return s;
    if (open > 0 && s.p[s.n - 1] == ')') {
        struct lg_str inner = lg_str_sub(s, (size_t)open + 1, s.n - 1);

        s = inner.n > 0 ? inner : lg_str_sub(s, 0, (size_t)open);
    }
    if (s.p[0] == '/' || cwd.n == 0 || cwd.p[0] != '/')
        return s;
    return lg_lx_cat(&r->lx,
            (struct lg_str[]){cwd, cwd.p[cwd.n - 1] == '/' ? LG_STR("") : LG_STR("/"), s}, 3);
}

/* The value that evt.args, or a rule's "evt.arg.<key>", has for a row. */
static struct lg_str row_value(struct lg_ff_rec *r, const struct text_row *row)
{
    struct lg_str key = lg_str_z(row->key);
    struct lg_str value;
    struct lg_jval v;
    uint64_t u;

    value = row->form == WORD ? lg_ff_arg_word(r->args, key, false)
                              : arg_text(r->args, key, row->next);
    if (value.n > 0 || r->rule.n == 0)
        return value;
    key = lg_lx_cat(&r->lx, (struct lg_str[]){LG_STR("evt.arg."), key}, 2);
    if (!lg_jval_get(r->fields, key, &v))
        return value;
    if (lg_jval_type(v) == LG_JSON_STRING)
        return lg_jval_str(v);
    return lg_lx_uint(v, &u) ? lg_lx_dec(&r->lx, u) : value;
}

static void set_args(struct lg_ff_rec *r, enum lg_lx_kind kind)
{
    size_t i;

    for (i = 0; i < sizeof(arg_rows) / sizeof(arg_rows[0]); i++) {
        const struct text_row *row = &arg_rows[i];
        struct lg_lx_val val = {false, 0, {"", 0}};

        if ((row->kinds >> kind & 1) == 0)
            continue;
        val.text = row_value(r, row);
        if (val.text.n == 0)
            continue;
        if (row->form == PATH)
            lg_lx_str(&r->lx, row->field, path_of(r, val.text));
        else if (row->form == TEXT)
            lg_lx_str(&r->lx, row->field, val.text);
        else if (row->conv == LG_LX_FLAG_PPM && val.text.p[0] > '9') /* Falco's names alone */
            lg_lx_convert(&r->lx, row->field, LG_LX_FLAG_OPEN, val);
        else
            lg_lx_convert(&r->lx, row->field, (enum lg_lx_conv)row->conv, val);
    }
}

/* ---- sockets and results ---- */

bool lg_ff_set_socket(struct lg_ff_rec *r, struct lg_str tuple)
{
    struct lg_str name = lg_ff_str(r, LG_FF_FD_NAME);
    uint64_t port;
    bool any;

    if ((tuple.n > 0 && lg_lx_socket_name(&r->lx, tuple)) ||
            (name.n > 0 && lg_lx_socket_name(&r->lx, name)))
        return true;
    any = lg_lx_ip(&r->lx, LG_F_SOURCE_IP, lg_ff_str(r, LG_FF_FD_CIP));
    any = lg_lx_ip(&r->lx, LG_F_DESTINATION_IP, lg_ff_str(r, LG_FF_FD_SIP)) || any;
    if (lg_ff_uint(r, LG_FF_FD_CPORT, &port))
        lg_lx_port(&r->lx, LG_F_SOURCE_PORT, port);
    if (lg_ff_uint(r, LG_FF_FD_SPORT, &port))
        lg_lx_port(&r->lx, LG_F_DESTINATION_PORT, port);
    return any;
}

static void set_protocol(struct lg_ff_rec *r)
{
    struct lg_str fd = lg_ff_arg_word(r->args, LG_STR("fd"), true);
    struct lg_str proto = lg_lx_protocol_name(lg_ff_str(r, LG_FF_FD_L4PROTO));

    if (proto.n == 0 &&
            (lg_str_find(fd, LG_STR("<4t>")) > 0 || lg_str_find(fd, LG_STR("<6t>")) > 0))
        proto = LG_STR("tcp");
    if (proto.n == 0 &&
            (lg_str_find(fd, LG_STR("<4u>")) > 0 || lg_str_find(fd, LG_STR("<6u>")) > 0))
        proto = LG_STR("udp");
    lg_lx_str(&r->lx, LG_F_PROTOCOL, proto);
}

static void set_network(struct lg_ff_rec *r, enum lg_lx_kind kind)
{
    static const char *const after_tuple[3] = {"queuepct", "fd"};
    static const char *const after_addr[3] = {"fd"};
    struct lg_str tuple = arg_text(r->args, LG_STR("tuple"), after_tuple);

    if (kind == LG_LX_BIND)
        tuple = arg_text(r->args, LG_STR("addr"), after_addr);
    if (!lg_ff_set_socket(r, tuple) && lg_str_eq(lg_ff_str(r, LG_FF_FD_TYPE), LG_STR("netlink")))
        lg_event_set_str(r->lx.ev, LG_F_SOCKET_FAMILY, LG_STR("netlink"));
    set_protocol(r);
    set_field(r, LG_F_FD, LG_FF_FD_NUM);
    if (kind == LG_LX_CONNECT || kind == LG_LX_ACCEPT)
        lg_event_set_bool(r->lx.ev, LG_F_INITIATED, kind == LG_LX_CONNECT);
}

static void set_file(struct lg_ff_rec *r, enum lg_lx_kind kind)
{
    struct lg_str path = lg_ff_str(r, LG_FF_FD_NAME);
    bool b;

    if (kind == LG_LX_RENAME || kind == LG_LX_LINK) {
        set_field(r, LG_F_TARGET_FILENAME, LG_FF_FS_PATH_SOURCE);
        set_field(r, LG_F_NEW_FILENAME, LG_FF_FS_PATH_TARGET);
        return;
    }
    /* fd.name is the resolved name of what was opened; a failed call has no fd. */
    if (path.n == 0)
        path = lg_ff_str(r, LG_FF_FS_PATH);
    lg_lx_str(&r->lx, LG_F_TARGET_FILENAME, path);
    if (kind == LG_LX_KMOD)
        lg_lx_str(&r->lx, LG_F_MODULE_NAME, lg_str_basename(path));
    if (kind != LG_LX_OPEN)
        return;
    set_field(r, LG_F_FILE_TYPE, LG_FF_FD_TYPE);
    set_field(r, LG_F_FD, LG_FF_FD_NUM);
    if (!lg_event_has(r->lx.ev, LG_F_WRITE_INTENT) && lg_ff_has(r, LG_FF_EVT_OPEN_WRITE) &&
            lg_jval_type(r->v[LG_FF_EVT_OPEN_WRITE]) == LG_JSON_BOOL) {
        b = lg_jval_bool(r->v[LG_FF_EVT_OPEN_WRITE]);
        lg_event_set_bool(r->lx.ev, LG_F_WRITE_INTENT, b);
        r->lx.ev->type = b ? LG_EVENT_FILE_WRITE : LG_EVENT_FILE_OPEN;
    }
}

/* res=, or the descriptor that the call returned, or evt.rawres, or the name in evt.res. */
static void set_result(struct lg_ff_rec *r, enum lg_lx_kind kind)
{
    bool returns_fd =
            kind == LG_LX_OPEN || kind == LG_LX_ACCEPT || kind == LG_LX_MEMFD || kind == LG_LX_BPF;
    struct lg_str text = lg_ff_arg_word(r->args, LG_STR("res"), true);
    struct lg_str res = lg_ff_str(r, LG_FF_EVT_RES);
    ptrdiff_t paren;
    int64_t v;

    if (text.n == 0 && returns_fd)
        text = lg_ff_arg_word(r->args, LG_STR("fd"), true);
    paren = lg_str_chr(text, '(');
    if (paren >= 0)
        text = lg_str_sub(text, 0, (size_t)paren);
    if (lg_parse_i64(text, &v) == 0 ||
            (lg_ff_has(r, LG_FF_EVT_RAWRES) && lg_lx_int(r->v[LG_FF_EVT_RAWRES], &v)))
        lg_lx_result(&r->lx, v);
    else if (lg_str_eq(res, LG_STR("SUCCESS")))
        lg_event_set_bool(r->lx.ev, LG_F_SUCCESS, true);
    else if (lg_lx_errno(res) > 0)
        lg_lx_result(&r->lx, -lg_lx_errno(res));
}

void lg_ff_set_call(struct lg_ff_rec *r, enum lg_lx_kind kind)
{
    set_args(r, kind);
    if ((kind == LG_LX_KILL || kind == LG_LX_PTRACE) && lg_event_has(r->lx.ev, LG_F_CONTAINER_ID))
        lg_lx_drop_target_pid(&r->lx);
    switch (kind) {
    case LG_LX_CONNECT:
    case LG_LX_ACCEPT:
    case LG_LX_BIND:
    case LG_LX_LISTEN:
        set_network(r, kind);
        break;
    case LG_LX_OPEN:
    case LG_LX_CREATE:
    case LG_LX_DELETE:
    case LG_LX_RENAME:
    case LG_LX_LINK:
    case LG_LX_CHMOD:
    case LG_LX_CHOWN:
    case LG_LX_KMOD:
        set_file(r, kind);
        break;
    case LG_LX_SETUID:
        set_new_id(r, LG_F_NEW_UID, uid_keys);
        break;
    case LG_LX_SETGID:
        set_new_id(r, LG_F_NEW_GID, gid_keys);
        break;
    default:
        break;
    }
    if (!lg_str_eq(lg_ff_str(r, LG_FF_EVT_DIR), LG_STR(">")))
        set_result(r, kind);
}
