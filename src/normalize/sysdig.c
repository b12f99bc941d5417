#include "normalize/falco_fields.h"

/*
 * `sysdig -j`, and other writers of falcosecurity/libs fields at the top of a JSON record. Most
 * calls appear twice: ">" when they start, "<" with everything once they are done. Events are made
 * from "<" records. set*id, kill and ptrace name their object in the ">" record only (newer
 * versions: in "<"): there the record that names it makes the event, without its result.
 * The other record of a call is skipped as LG_SKIP_PAIRED.
 */

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_jval v;

    (void)record;
    if (root.at == NULL || lg_jval_get_str(root, LG_STR("evt.type")).n == 0)
        return false;
    return lg_jval_get(root, LG_STR("evt.num"), &v) || lg_jval_get(root, LG_STR("evt.dir"), &v) ||
            lg_jval_get(root, LG_STR("evt.rawtime"), &v);
}

static int emit(struct lg_ff_rec *r)
{
    struct lg_str id[2];
    uint64_t num;

    if (!lg_ff_uint(r, LG_FF_EVT_NUM, &num))
        return lg_lx_emit(&r->lx, NULL, 0);
    id[0] = lg_lx_dec(&r->lx, num);
    id[1] = lg_lx_dec(&r->lx, (uint64_t)r->time_ns);
    return lg_lx_emit(&r->lx, id, 2);
}

static bool number_before_name(struct lg_str s, int64_t *ret)
{
    ptrdiff_t paren = lg_str_chr(s, '(');

    return lg_parse_i64(paren < 0 ? s : lg_str_sub(s, 0, (size_t)paren), ret) == 0;
}

/* The thread that the record is of, where it is another one than the process's first. */
static bool other_thread(const struct lg_ff_rec *r, uint64_t *ret_tid)
{
    uint64_t pid;
    int64_t tid;

    if (!lg_ff_uint(r, LG_FF_PROC_PID, &pid))
        return false;
    if (lg_ff_uint(r, LG_FF_THREAD_TID, ret_tid))
        return *ret_tid != pid;
    if (!number_before_name(lg_ff_arg_word(r->args, LG_STR("tid"), false), &tid) || tid <= 0)
        return false;
    *ret_tid = (uint64_t)tid;
    return *ret_tid != pid;
}

/* Both sides return from a clone: the child with 0, and then its own process is in proc.*; the
 * parent with the child's number, as counted in the child's pid name space. */
static int normalize_clone(struct lg_ff_rec *r)
{
    uint64_t tid;
    int64_t res = -1;

    (void)number_before_name(lg_ff_arg_word(r->args, LG_STR("res"), true), &res);
    if (res > 0)
        return lg_norm_skip(r->call, LG_SKIP_PAIRED);
    if (res == 0 && other_thread(r, &tid))
        return lg_norm_skip(r->call, LG_SKIP_THREAD);
    if (res == 0)
        lg_ff_begin_child(r);
    else
        lg_ff_begin(r, LG_EVENT_PROCESS_FORK);
    lg_ff_set_call(r, LG_LX_FORK);
    return emit(r);
}

/* procexit has a ">" record only, one for each thread. */
static int normalize_procexit(struct lg_ff_rec *r)
{
    uint64_t tid;
    int64_t v;

    if (lg_ff_has(r, LG_FF_THREAD_TID) && other_thread(r, &tid))
        return lg_norm_skip(r->call, LG_SKIP_THREAD);
    lg_ff_begin(r, LG_EVENT_PROCESS_TERMINATE);
    if (number_before_name(lg_ff_arg_word(r->args, LG_STR("ret"), true), &v)) {
        lg_event_set_i64(r->lx.ev, LG_F_EXIT_CODE, v);
    } else if (number_before_name(lg_ff_arg_word(r->args, LG_STR("status"), true), &v) && v >= 0) {
        /* as wait(2) has it: exit code above, signal below */
        lg_event_set_i64(r->lx.ev, LG_F_EXIT_CODE, v >> 8 & 0xff);
        if ((v & 0x7f) != 0)
            lg_lx_u64(&r->lx, LG_F_SIGNAL, (uint64_t)(v & 0x7f));
    }
    return emit(r);
}

static bool object_on_enter(enum lg_lx_kind kind)
{
    return kind == LG_LX_SETUID || kind == LG_LX_SETGID || kind == LG_LX_KILL ||
            kind == LG_LX_PTRACE;
}

static int normalize(struct lg_norm_call *call)
{
    struct lg_ff_rec r;
    struct lg_lx_syscall sc;
    struct lg_str name;
    bool enter;

    lg_ff_read(&r, call, call->root);
    r.source = LG_SOURCE_SYSDIG;
    r.time_ns = lg_ff_time(&r);
    r.host = lg_ff_str(&r, LG_FF_EVT_HOSTNAME);
    name = lg_ff_str(&r, LG_FF_EVT_TYPE);
    enter = lg_str_eq(lg_ff_str(&r, LG_FF_EVT_DIR), LG_STR(">"));
    if (lg_str_eq(name, LG_STR("procexit")))
        return normalize_procexit(&r);
    if (!lg_lx_syscall_find(name, &sc))
        return lg_norm_dead(call, LG_DEAD_UNSUPPORTED_TYPE, "sysdig event %.*s", LG_STR_FMT(name));
    if (sc.kind == LG_LX_EXIT) /* procexit follows */
        return lg_norm_skip(call, LG_SKIP_PAIRED);
    if (object_on_enter(sc.kind) ? !lg_ff_has_object(&r, sc.kind) : enter)
        return lg_norm_skip(call, LG_SKIP_PAIRED);
    if (sc.kind == LG_LX_FORK)
        return normalize_clone(&r);
    lg_ff_begin(&r, sc.type);
    lg_ff_set_call(&r, sc.kind);
    return emit(&r);
}

const struct lg_format lg_format_sysdig = {
        .name = "sysdig",
        .platform = LG_PLATFORM_LINUX,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
};
