#include "normalize/falco_fields.h"

/*
 * Falco alerts. What happened is told by evt.type where the rule prints it, else by the fields
 * that it prints: an address is a connection, a path a file, a process alone a process. The rule
 * is kept in detection_rule; it never decides the type.
 */

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_jval v;

    (void)record;
    return root.at != NULL && lg_jval_type(root) == LG_JSON_OBJECT &&
            lg_lx_member_obj(root, LG_STR("output_fields"), &v) &&
            lg_jval_get(root, LG_STR("rule"), &v) &&
            (lg_jval_get(root, LG_STR("priority"), &v) || lg_jval_get(root, LG_STR("time"), &v));
}

static int emit(struct lg_ff_rec *r)
{
    struct lg_str uuid = lg_jval_get_str(r->call->root, LG_STR("uuid"));

    return lg_lx_emit(&r->lx, &uuid, uuid.n > 0 ? 1 : 0);
}

/* Falco's own macros open_read and open_write are spelled out in the alert's text. */
static void guess_intent(struct lg_ff_rec *r)
{
    struct lg_str text = lg_jval_get_str(r->call->root, LG_STR("output"));

    if (lg_event_has(r->lx.ev, LG_F_WRITE_INTENT))
        return;
    if (lg_str_ifind(text, LG_STR("for writing")) >= 0) {
        lg_event_set_bool(r->lx.ev, LG_F_WRITE_INTENT, true);
        r->lx.ev->type = LG_EVENT_FILE_WRITE;
    } else if (lg_str_ifind(text, LG_STR("for reading")) >= 0) {
        lg_event_set_bool(r->lx.ev, LG_F_WRITE_INTENT, false);
    }
}

static bool is_path(struct lg_str s)
{
    return s.n > 0 && s.p[0] == '/';
}

static bool is_socket(const struct lg_ff_rec *r)
{
    struct lg_str name = lg_ff_str(r, LG_FF_FD_NAME);
    struct lg_str addr;
    uint64_t port;

    return lg_ff_str(r, LG_FF_FD_SIP).n > 0 || lg_ff_str(r, LG_FF_FD_CIP).n > 0 ||
            (name.n > 0 && !is_path(name) && lg_lx_split_port(name, &addr, &port));
}

static int normalize_by_fields(struct lg_ff_rec *r)
{
    if (is_socket(r)) {
        lg_ff_begin(r, LG_EVENT_NETWORK_CONNECT);
        (void)lg_ff_set_socket(r, LG_STR(""));
        lg_lx_str(&r->lx, LG_F_PROTOCOL, lg_lx_protocol_name(lg_ff_str(r, LG_FF_FD_L4PROTO)));
        return emit(r);
    }
    if (is_path(lg_ff_str(r, LG_FF_FD_NAME)) || is_path(lg_ff_str(r, LG_FF_FS_PATH))) {
        lg_ff_begin(r, LG_EVENT_FILE_OPEN);
        lg_ff_set_call(r, LG_LX_OPEN);
        guess_intent(r);
        return emit(r);
    }
    if (!lg_ff_has(r, LG_FF_PROC_PID) && !lg_ff_has(r, LG_FF_PROC_CMDLINE) &&
            !lg_ff_has(r, LG_FF_PROC_NAME))
        return lg_norm_dead(r->call, LG_DEAD_MISSING_FIELD, "Falco alert names no process");
    lg_ff_begin(r, LG_EVENT_PROCESS_CREATE);
    return emit(r);
}

static int normalize_by_call(struct lg_ff_rec *r, const struct lg_lx_syscall *sc)
{
    lg_ff_begin(r, sc->type);
    lg_ff_set_call(r, sc->kind);
    if (sc->kind == LG_LX_OPEN)
        guess_intent(r);
    return emit(r);
}

static int normalize(struct lg_norm_call *call)
{
    struct lg_ff_rec r;
    struct lg_lx_syscall sc;
    struct lg_jval fields;
    struct lg_str source = lg_jval_get_str(call->root, LG_STR("source"));
    struct lg_str name;

    if (!lg_lx_member_obj(call->root, LG_STR("output_fields"), &fields))
        return lg_norm_dead(call, LG_DEAD_MISSING_FIELD, "Falco alert without output_fields");
    if (source.n > 0 && !lg_str_eq(source, LG_STR("syscall")))
        return lg_norm_dead(
                call, LG_DEAD_UNSUPPORTED_TYPE, "Falco source %.*s", LG_STR_FMT(source));
    lg_ff_read(&r, call, fields);
    r.source = LG_SOURCE_FALCO;
    r.rule = lg_jval_get_str(call->root, LG_STR("rule"));
    r.time_ns = lg_ff_time(&r);
    if (r.time_ns == 0 &&
            lg_parse_time_iso(lg_jval_get_str(call->root, LG_STR("time")), &r.time_ns) < 0)
        r.time_ns = 0;
    r.host = lg_jval_get_str(call->root, LG_STR("hostname"));
    if (r.host.n == 0)
        r.host = lg_ff_str(&r, LG_FF_EVT_HOSTNAME);
    name = lg_ff_str(&r, LG_FF_EVT_TYPE);
    if (lg_str_eq(name, LG_STR("procexit"))) {
        lg_ff_begin(&r, LG_EVENT_PROCESS_TERMINATE);
        return emit(&r);
    }
    if (lg_lx_syscall_find(name, &sc))
        return normalize_by_call(&r, &sc);
    /* Data moving through a descriptor tells of it as well as its opening would. */
    if (name.n > 0 && !is_socket(&r) && !is_path(lg_ff_str(&r, LG_FF_FD_NAME)))
        return lg_norm_dead(call, LG_DEAD_UNSUPPORTED_TYPE, "Falco event %.*s", LG_STR_FMT(name));
    return normalize_by_fields(&r);
}

const struct lg_format lg_format_falco = {
        .name = "falco",
        .platform = LG_PLATFORM_LINUX,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
};
