#include <string.h>

#include "normalize/audit_json.h"

/*
 * LAUREL (https://github.com/threathunters-io/laurel): one audit event a line, a member per record
 * type. Bytes that are not text are written as %xx, '%' itself as %25. "PPID" and, in older
 * versions, "PARENT_INFO" hold what LAUREL knows of the parent.
 */

/* "SECONDS.MS:SERIAL" */
static bool read_id(struct lg_jval root, lg_time *ret_time, uint64_t *ret_serial)
{
    struct lg_str id = lg_jval_get_str(root, LG_STR("ID"));
    ptrdiff_t colon = lg_str_rchr(id, ':');

    return colon > 0 && lg_parse_time_epoch(lg_str_sub(id, 0, (size_t)colon), ret_time) == 0 &&
            lg_parse_u64(lg_str_sub(id, (size_t)colon + 1, id.n), ret_serial) == 0;
}

static bool laurel_accepts(struct lg_str record, struct lg_jval root)
{
    uint64_t serial;
    lg_time time;

    (void)record;
    return lg_jval_type(root) == LG_JSON_OBJECT && read_id(root, &time, &serial);
}

/* Calls fn for a record, or for each of a list of them. */
static void each(struct lg_audit_event *ae, struct lg_jval v,
        void (*fn)(struct lg_audit_event *ae, struct lg_jval rec))
{
    struct lg_jiter it;
    struct lg_jval rec;

    if (lg_jval_type(v) == LG_JSON_OBJECT)
        fn(ae, v);
    if (lg_jval_type(v) != LG_JSON_ARRAY)
        return;
    it = lg_jiter_of(v);
    while (lg_jiter_item(&it, &rec))
        if (lg_jval_type(rec) == LG_JSON_OBJECT)
            fn(ae, rec);
}

static struct lg_str decoded(struct lg_audit_event *ae, struct lg_jval obj, struct lg_str key)
{
    return lg_audit_percent_decode(ae, lg_jval_get_str(obj, key));
}

/* Members of a record as its fields, decoded. */
static void keys(struct lg_audit_event *ae, bool own, struct lg_jval obj)
{
    struct lg_jiter it = lg_jiter_of(obj);
    struct lg_audit_kv kv;
    struct lg_jval v;

    while (lg_jiter_member(&it, &kv.key, &v)) {
        kv.val = lg_audit_percent_decode(ae, lg_audit_json_text(ae, v));
        kv.quote = 0;
        if (lg_audit_kv_absent(&kv))
            continue;
        kv.quote = '"';
        lg_audit_event_key(ae, own, &kv);
    }
}

/* "ARGV" as a list, or "ARGV_STR" as LAUREL joined it (or the title as it came). */
static struct lg_str joined(struct lg_audit_event *ae, struct lg_jval rec, struct lg_str plain)
{
    struct lg_str s = decoded(ae, rec, LG_STR("ARGV_STR"));

    return s.n > 0 ? s : decoded(ae, rec, plain);
}

static size_t read_argv(struct lg_audit_event *ae, struct lg_jval arr, struct lg_str **ret)
{
    struct lg_jiter it;
    struct lg_jval v;
    size_t n = 0, i = 0;

    if (lg_jval_type(arr) != LG_JSON_ARRAY)
        return 0;
    it = lg_jiter_of(arr);
    while (n < LG_MAX_AUDIT_ARGS && lg_jiter_item(&it, &v))
        n++;
    if (lg_jiter_item(&it, &v))
        ae->args_missing = true;
    *ret = lg_arena_alloc(ae->call->arena, (n + 1) * sizeof(**ret));
    if (*ret == NULL) {
        ae->call->oom = true;
        return 0;
    }
    it = lg_jiter_of(arr);
    for (; i < n && lg_jiter_item(&it, &v); i++)
        (*ret)[i] = lg_audit_percent_decode(ae, lg_audit_json_text(ae, v));
    return n;
}

static void rec_syscall(struct lg_audit_event *ae, struct lg_jval rec)
{
    struct lg_jiter it;
    struct lg_jval v, arg;

    keys(ae, true, rec);
    if (lg_jval_get(rec, LG_STR("ARGV"), &v) && lg_jval_type(v) == LG_JSON_ARRAY) {
        it = lg_jiter_of(v);
        for (unsigned i = 0; i < 4 && lg_jiter_item(&it, &arg); i++)
            lg_audit_set_arg(ae, i, lg_audit_json_text(ae, arg));
    }
    if (lg_jval_get(rec, LG_STR("PPID"), &v) && lg_jval_type(v) == LG_JSON_OBJECT)
        lg_audit_set_text(ae, LG_F_PARENT_IMAGE, decoded(ae, v, LG_STR("exe")));
    lg_audit_set_call(ae);
}

static void rec_execve(struct lg_audit_event *ae, struct lg_jval rec)
{
    struct lg_str *args;
    struct lg_jval v;
    uint64_t argc;
    size_t n;

    if (lg_jval_get(rec, LG_STR("ARGV"), &v)) {
        n = read_argv(ae, v, &args);
        if (n > 0)
            lg_audit_set_args(ae, args, n);
        ae->has_execve |= n > 0;
    } else {
        ae->command = joined(ae, rec, LG_STR("ARGV_STR"));
        ae->has_execve = ae->command.n > 0;
    }
    if (lg_jval_get(rec, LG_STR("argc"), &v) && lg_norm_read_u64(v, &argc))
        lg_event_set_u64(ae->call->ev, LG_F_ARGC, argc);
}

static void rec_proctitle(struct lg_audit_event *ae, struct lg_jval rec)
{
    struct lg_str *args, title = LG_STR("");
    struct lg_jval v;
    size_t n = 0;

    if (lg_jval_get(rec, LG_STR("ARGV"), &v))
        n = read_argv(ae, v, &args);
    if (n > 0) {
        if (lg_audit_args_join(args, n, false, ae->call->arena, &title) < 0)
            ae->call->oom = true;
    } else {
        title = joined(ae, rec, LG_STR("proctitle"));
    }
    lg_audit_set_proctitle(ae, title);
}

static void rec_cwd(struct lg_audit_event *ae, struct lg_jval rec)
{
    lg_audit_set_text(ae, LG_F_CURRENT_DIRECTORY, decoded(ae, rec, LG_STR("cwd")));
}

static void rec_path(struct lg_audit_event *ae, struct lg_jval rec)
{
    struct lg_str type = lg_jval_get_str(rec, LG_STR("nametype"));
    uint64_t item = ae->path_records;
    struct lg_jval v;

    if (type.n == 0)
        type = lg_jval_get_str(rec, LG_STR("objtype"));
    if (lg_jval_get(rec, LG_STR("item"), &v))
        (void)lg_norm_read_u64(v, &item);
    lg_audit_add_path(ae, item > UINT32_MAX ? UINT32_MAX : (uint32_t)item,
            decoded(ae, rec, LG_STR("name")), type);
}

static void rec_sockaddr(struct lg_audit_event *ae, struct lg_jval rec)
{
    lg_audit_set_saddr(ae, decoded(ae, rec, LG_STR("saddr")));
}

static void rec_obj_pid(struct lg_audit_event *ae, struct lg_jval rec)
{
    struct lg_jval v;
    uint64_t pid;

    if (!lg_event_has(ae->call->ev, LG_F_TARGET_PROCESS_ID) &&
            lg_jval_get(rec, LG_STR("opid"), &v) && lg_norm_read_u64(v, &pid))
        lg_event_set_u64(ae->call->ev, LG_F_TARGET_PROCESS_ID, pid);
}

static void rec_module(struct lg_audit_event *ae, struct lg_jval rec)
{
    lg_audit_set_text(ae, LG_F_MODULE_NAME, decoded(ae, rec, LG_STR("name")));
}

static void rec_openat2(struct lg_audit_event *ae, struct lg_jval rec)
{
    struct lg_str s;
    struct lg_jval v;

    if (!lg_jval_get(rec, LG_STR("oflag"), &v))
        return;
    s = lg_audit_json_text(ae, v);
    if (lg_str_starts(s, LG_STR("0o")))
        s = lg_str_sub(s, 2, s.n);
    ae->has_oflags = lg_audit_octal(s, &ae->oflags);
}

static void rec_alone(struct lg_audit_event *ae, struct lg_jval rec)
{
    struct lg_jval msg;

    keys(ae, false, rec);
    if (lg_jval_get(rec, LG_STR("msg"), &msg) && lg_jval_type(msg) == LG_JSON_OBJECT)
        keys(ae, false, msg);
}

static void parent_info(struct lg_audit_event *ae, struct lg_jval rec)
{
    struct lg_str *args, line = LG_STR("");
    struct lg_jval v;
    size_t n;

    lg_audit_set_first(ae, LG_F_PARENT_IMAGE, decoded(ae, rec, LG_STR("exe")));
    if (!lg_jval_get(rec, LG_STR("ARGV"), &v))
        return;
    n = read_argv(ae, v, &args);
    if (n > 0 && lg_audit_args_join(args, n, true, ae->call->arena, &line) < 0)
        ae->call->oom = true;
    lg_audit_set_text(ae, LG_F_PARENT_COMMAND_LINE, line);
}

static void container_info(struct lg_audit_event *ae, struct lg_jval rec)
{
    struct lg_str id = lg_jval_get_str(rec, LG_STR("ID"));

    lg_audit_set_text(ae, LG_F_CONTAINER_ID, id.n > 0 ? id : lg_jval_get_str(rec, LG_STR("id")));
}

static void member(struct lg_audit_event *ae, struct lg_str name, struct lg_jval v)
{
    static const struct {
        const char *name;
        void (*fn)(struct lg_audit_event *ae, struct lg_jval rec);
    } readers[] = {
            {"SYSCALL", rec_syscall},
            {"EXECVE", rec_execve},
            {"PROCTITLE", rec_proctitle},
            {"CWD", rec_cwd},
            {"PATH", rec_path},
            {"OBJ_PID", rec_obj_pid},
            {"KERN_MODULE", rec_module},
            {"OPENAT2", rec_openat2},
            {"PARENT_INFO", parent_info},
            {"CONTAINER_INFO", container_info},
    };
    const struct lg_audit_type *type;

    if (lg_jval_type(v) != LG_JSON_OBJECT && lg_jval_type(v) != LG_JSON_ARRAY)
        return;
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        if (lg_str_eq(name, lg_str_z(readers[i].name))) {
            each(ae, v, readers[i].fn);
            return;
        }
    }
    type = lg_audit_type_find(name);
    if (type->kind == LG_AUDIT_OTHER || type->kind >= LG_AUDIT_BPF_PROG) {
        lg_audit_set_type(ae, name, type);
        if (type->kind >= LG_AUDIT_BPF_PROG)
            each(ae, v, rec_alone);
    }
}

static int laurel_normalize(struct lg_norm_call *call)
{
    struct lg_audit_event ae;
    struct lg_jiter it;
    struct lg_str name;
    struct lg_jval v;
    uint64_t serial;
    lg_time time;

    if (!read_id(call->root, &time, &serial))
        return lg_norm_dead(call, LG_DEAD_BAD_FIELD, "ID is no time:serial");
    lg_audit_event_begin(&ae, call, lg_jval_get_str(call->root, LG_STR("NODE")), time, serial);
    it = lg_jiter_of(call->root);
    while (lg_jiter_member(&it, &name, &v))
        member(&ae, name, v);
    /* after SYSCALL, whose architecture says how addresses are laid out */
    if (lg_jval_get(call->root, LG_STR("SOCKADDR"), &v))
        each(&ae, v, rec_sockaddr);
    return lg_audit_event_emit(&ae);
}

const struct lg_format lg_format_laurel = {
        .name = "laurel",
        .platform = LG_PLATFORM_LINUX,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = laurel_accepts,
        .normalize = laurel_normalize,
};
