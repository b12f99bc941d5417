#include <string.h>

#include "normalize/audit_json.h"

/*
 * Audit events that go-libaudit has put together: auditbeat 6 (its own field names), auditbeat 7
 * and later (ECS), and the library's coalesced events as they are.
 * https://www.elastic.co/guide/en/beats/auditbeat/current/exported-fields-auditd.html
 */

static bool member(struct lg_jval obj, struct lg_str key, enum lg_json_type t, struct lg_jval *ret)
{
    return lg_jval_get(obj, key, ret) && lg_jval_type(*ret) == t;
}

static bool auditd_object(struct lg_jval root, struct lg_jval *ret)
{
    struct lg_jval v;

    return lg_jval_type(root) == LG_JSON_OBJECT &&
            member(root, LG_STR("auditd"), LG_JSON_OBJECT, ret) &&
            lg_jval_get(*ret, LG_STR("sequence"), &v);
}

static bool is_ecs(struct lg_jval root, struct lg_jval auditd)
{
    struct lg_jval v;

    return lg_jval_get(auditd, LG_STR("message_type"), &v) ||
            lg_jval_get(root, LG_STR("ecs"), &v) || lg_jval_get(root, LG_STR("agent"), &v) ||
            lg_jval_path(root, "process.executable", &v);
}

static bool accepts6(struct lg_str record, struct lg_jval root)
{
    struct lg_jval auditd;

    (void)record;
    return auditd_object(root, &auditd) && !is_ecs(root, auditd);
}

static bool accepts7(struct lg_str record, struct lg_jval root)
{
    struct lg_jval auditd;

    (void)record;
    return auditd_object(root, &auditd) && is_ecs(root, auditd);
}

/* Test files of the library wrap the event once more. */
static bool coalesced(struct lg_jval root, struct lg_jval *ret)
{
    struct lg_jval v;

    *ret = root;
    if (lg_jval_type(root) != LG_JSON_OBJECT)
        return false;
    if (!lg_jval_get(root, LG_STR("record_type"), &v) &&
            !member(root, LG_STR("event"), LG_JSON_OBJECT, ret))
        return false;
    return member(*ret, LG_STR("record_type"), LG_JSON_STRING, &v) &&
            lg_jval_get(*ret, LG_STR("sequence"), &v) &&
            lg_jval_get(*ret, LG_STR("@timestamp"), &v);
}

static bool accepts_libaudit(struct lg_str record, struct lg_jval root)
{
    struct lg_jval event;

    (void)record;
    return coalesced(root, &event);
}

/* ---- fields ---- */

/* Where a value stands, and the key of the record that it came from. */
struct place {
    const char *path;
    struct lg_str key;
};
#define PLACE(path_, key_)                                                                         \
    {                                                                                              \
        path_,                                                                                     \
        {                                                                                          \
            key_, sizeof(key_) - 1                                                                 \
        }                                                                                          \
    }

static const struct place places[] = {
        PLACE("process.pid", "pid"),
        PLACE("process.ppid", "ppid"),
        PLACE("process.parent.pid", "ppid"),
        PLACE("process.exe", "exe"),
        PLACE("process.executable", "exe"),
        PLACE("process.name", "comm"),
        PLACE("process.cwd", "cwd"),
        PLACE("process.working_directory", "cwd"),
        PLACE("user.auid", "auid"),
        PLACE("user.uid", "uid"),
        PLACE("user.gid", "gid"),
        PLACE("user.euid", "euid"),
        PLACE("user.egid", "egid"),
        PLACE("user.suid", "suid"),
        PLACE("user.sgid", "sgid"),
        PLACE("user.fsuid", "fsuid"),
        PLACE("user.fsgid", "fsgid"),
        PLACE("user.name_map.uid", "UID"),
        PLACE("user.audit.id", "auid"),
        PLACE("user.id", "uid"),
        PLACE("user.group.id", "gid"),
        PLACE("user.effective.id", "euid"),
        PLACE("user.effective.group.id", "egid"),
        PLACE("user.saved.id", "suid"),
        PLACE("user.saved.group.id", "sgid"),
        PLACE("user.filesystem.id", "fsuid"),
        PLACE("user.filesystem.group.id", "fsgid"),
        PLACE("user.name", "UID"),
};

static void read_places(struct lg_audit_event *ae, struct lg_jval root)
{
    struct lg_jval v;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (lg_jval_path(root, places[i].path, &v))
            lg_audit_json_key(ae, true, places[i].key, v);
    if (lg_jval_path(root, "user.ids", &v)) /* coalesced events */
        lg_audit_json_keys(ae, true, v);
    if (lg_jval_path(root, "user.names.uid", &v))
        lg_audit_json_key(ae, true, LG_STR("UID"), v);
    if (lg_jval_path(root, "process.args", &v))
        lg_audit_json_args(ae, v);
    if (lg_jval_path(root, "process.title", &v))
        lg_audit_set_proctitle(ae, lg_audit_json_text(ae, v));
    if (lg_jval_path(root, "container.id", &v))
        lg_audit_set_text(ae, LG_F_CONTAINER_ID, lg_audit_json_text(ae, v));
    if (lg_jval_path(root, "container.name", &v))
        lg_audit_set_text(ae, LG_F_CONTAINER_NAME, lg_audit_json_text(ae, v));
    if (lg_jval_path(root, "container.image.name", &v))
        lg_audit_set_text(ae, LG_F_CONTAINER_IMAGE, lg_audit_json_text(ae, v));
}

/* Keys of the audit rule, besides what the shipper's configuration adds. */
static void read_tags(struct lg_audit_event *ae, struct lg_jval tags)
{
    struct lg_str all = LG_STR(""), s;
    struct lg_jiter it;
    struct lg_jval v;

    if (lg_jval_type(tags) != LG_JSON_ARRAY)
        return;
    it = lg_jiter_of(tags);
    while (lg_jiter_item(&it, &v) && all.n < 1024) {
        s = lg_audit_json_text(ae, v);
        all = all.n == 0 ? s : lg_norm_join(ae->call, all, LG_STR(","), s);
    }
    lg_audit_set_text(ae, LG_F_AUDIT_KEY, all);
}

/* The socket address, in an object of its own or flat (socket_addr). */
static void read_socket(struct lg_audit_event *ae, struct lg_jval data)
{
    static const struct lg_str flat[4] = {
            {"socket_family", 13}, {"socket_addr", 11}, {"socket_path", 11}, {"socket_port", 11}};
    static const struct lg_str nested[4] = {{"family", 6}, {"addr", 4}, {"path", 4}, {"port", 4}};
    struct lg_str text[4];
    struct lg_jval obj = data, v;
    bool own = member(data, LG_STR("socket"), LG_JSON_OBJECT, &obj);
    uint64_t port;

    for (size_t i = 0; i < 4; i++)
        text[i] = lg_jval_get(obj, own ? nested[i] : flat[i], &v) ? lg_audit_json_text(ae, v)
                                                                  : LG_STR("");
    if (text[0].n == 0)
        return;
    ae->addr =
            (struct lg_audit_addr){.set = true, .family = text[0], .ip = text[1], .path = text[2]};
    if (lg_parse_u64(text[3], &port) == 0 && port <= UINT16_MAX) {
        ae->addr.port = (uint16_t)port;
        ae->addr.has_port = true;
    }
}

static void read_data(struct lg_audit_event *ae, struct lg_jval data)
{
    struct lg_jval v;
    uint64_t u;

    lg_audit_json_keys(ae, true, data);
    read_socket(ae, data);
    if (lg_jval_get(data, LG_STR("opid"), &v) && lg_norm_read_u64(v, &u))
        lg_event_set_u64(ae->call->ev, LG_F_TARGET_PROCESS_ID, u);
    if (ae->call_text.n == 0)
        return;
    lg_audit_set_call(ae);
    if (ae->what != NULL && ae->what->shape == LG_AUDIT_MODULE &&
            lg_jval_get(data, LG_STR("name"), &v))
        lg_audit_set_text(ae, LG_F_MODULE_NAME, lg_audit_json_text(ae, v));
}

/* ---- record type ---- */

static struct lg_str upper(struct lg_audit_event *ae, struct lg_str s)
{
    char *p = lg_arena_alloc(ae->call->arena, s.n);

    if (p == NULL) {
        ae->call->oom = true;
        return LG_STR("");
    }
    for (size_t i = 0; i < s.n; i++)
        p[i] = s.p[i] >= 'a' && s.p[i] <= 'z' ? (char)(s.p[i] - 32) : s.p[i];
    return lg_str_of(p, s.n);
}

/* Where a processor dropped the type: what a program reported tells it. */
static struct lg_str guess_type(struct lg_jval data)
{
    static const struct {
        const char *op;
        const char *type;
    } ops[] = {
            {"login", "USER_LOGIN"},
            {"PAM:authentication", "USER_AUTH"},
            {"PAM:session_open", "USER_START"},
            {"PAM:session_close", "USER_END"},
            {"PAM:accounting", "USER_ACCT"},
            {"PAM:setcred", "CRED_ACQ"},
            {"add-user", "ADD_USER"},
            {"adding user", "ADD_USER"},
            {"add_rule", "CONFIG_CHANGE"},
            {"remove_rule", "CONFIG_CHANGE"},
    };
    static const char *const settings[] = {"audit_pid", "audit_enabled", "audit_backlog_limit",
            "audit_failure", "audit_backlog_wait_time"};
    struct lg_str op = lg_jval_get_str(data, LG_STR("op"));
    struct lg_jval v;

    for (size_t i = 0; op.n > 0 && i < sizeof(ops) / sizeof(ops[0]); i++)
        if (lg_str_eq(op, lg_str_z(ops[i].op)))
            return lg_str_z(ops[i].type);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        if (lg_jval_get(data, lg_str_z(settings[i]), &v))
            return LG_STR("CONFIG_CHANGE");
    if (lg_jval_get(data, LG_STR("cmd"), &v))
        return LG_STR("USER_CMD");
    return LG_STR("");
}

static void read_type(struct lg_audit_event *ae, struct lg_str type, struct lg_jval data)
{
    const struct lg_audit_type *row;

    type = type.n > 0 ? upper(ae, type) : LG_STR("");
    if (type.n == 0 && ae->call_text.n == 0)
        type = guess_type(data);
    row = lg_audit_type_find(type);
    if (type.n > 0 && (row->kind == LG_AUDIT_OTHER || row->kind >= LG_AUDIT_BPF_PROG))
        lg_audit_set_type(ae, type, row);
}

/* ---- the event ---- */

/* `outer` holds process, user and host, `inner` what the library itself reports. */
static int emit(struct lg_norm_call *call, struct lg_jval outer, struct lg_jval inner,
        struct lg_str host, struct lg_str type)
{
    struct lg_audit_event ae;
    struct lg_jval v, data;
    uint64_t serial;
    lg_time time;

    if (!lg_jval_get(inner, LG_STR("sequence"), &v) || !lg_norm_read_u64(v, &serial))
        return lg_norm_dead(call, LG_DEAD_BAD_FIELD, "sequence is no number");
    if (!lg_jval_get(outer, LG_STR("@timestamp"), &v) || !lg_norm_read_time(v, &time))
        return lg_norm_dead(call, LG_DEAD_BAD_TIME, "no usable @timestamp");
    lg_audit_event_begin(&ae, call, host, time, serial);
    ae.node = LG_STR(""); /* no part of what the kernel counts */
    read_places(&ae, outer);
    if (lg_jval_get(inner, LG_STR("paths"), &v))
        lg_audit_json_paths(&ae, v);
    if (member(inner, LG_STR("data"), LG_JSON_OBJECT, &data))
        read_data(&ae, data);
    else
        data = inner;
    if (ae.call_text.n == 0 && lg_jval_path(outer, "source.ip", &v))
        lg_audit_json_key(&ae, false, LG_STR("addr"), v);
    if (lg_jval_get(inner, LG_STR("result"), &v))
        lg_audit_json_key(&ae, true, LG_STR("success"), v);
    if (lg_jval_get(inner, LG_STR("session"), &v))
        lg_audit_json_key(&ae, true, LG_STR("ses"), v);
    if (lg_jval_get(outer, LG_STR("tags"), &v))
        read_tags(&ae, v);
    read_type(&ae, type, data);
    return lg_audit_event_emit(&ae);
}

static struct lg_str host_of(struct lg_jval root)
{
    static const char *const paths[] = {
            "host.name", "host.hostname", "agent.hostname", "agent.name", "beat.hostname", "host"};
    struct lg_jval v;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (lg_jval_path(root, paths[i], &v) && lg_jval_type(v) == LG_JSON_STRING)
            return lg_jval_str(v);
    return LG_STR("");
}

static int normalize_auditbeat(struct lg_norm_call *call)
{
    struct lg_str type;
    struct lg_jval auditd, v;

    if (!auditd_object(call->root, &auditd))
        return lg_norm_dead(call, LG_DEAD_MISSING_FIELD, "auditd.sequence");
    type = lg_jval_get_str(auditd, LG_STR("message_type"));
    /* version 6 has it in event.type, which is an array with another meaning later */
    if (type.n == 0 && lg_jval_path(call->root, "event.type", &v) &&
            lg_jval_type(v) == LG_JSON_STRING)
        type = lg_jval_str(v);
    return emit(call, call->root, auditd, host_of(call->root), type);
}

static int normalize_libaudit(struct lg_norm_call *call)
{
    struct lg_jval event;

    if (!coalesced(call->root, &event))
        return lg_norm_dead(call, LG_DEAD_MISSING_FIELD, "record_type");
    return emit(call, event, event, LG_STR(""), lg_jval_get_str(event, LG_STR("record_type")));
}

const struct lg_format lg_format_auditbeat6 = {
        .name = "auditbeat-6",
        .platform = LG_PLATFORM_LINUX,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts6,
        .normalize = normalize_auditbeat,
};

const struct lg_format lg_format_auditbeat7 = {
        .name = "auditbeat-7",
        .platform = LG_PLATFORM_LINUX,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts7,
        .normalize = normalize_auditbeat,
};

const struct lg_format lg_format_go_libaudit = {
        .name = "go-libaudit",
        .platform = LG_PLATFORM_LINUX,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts_libaudit,
        .normalize = normalize_libaudit,
};
