#include "normalize/linux_common.h"

/*
 * SysFlow (https://github.com/sysflow-telemetry), one JSON object a record. A record is an event
 * (PE, FE) or a flow: everything a process did with one file or socket between opening and
 * closing it, with counts (FF, NF; PF for a process's threads). A flow gives one event for each
 * thing it was for: see docs/formats/ebpf.md.
 *
 * OP_TRUNCATE is not truncate(2): it marks a flow that the exporter cut off.
 */

enum op {
    OP_CLONE = 1u << 0,
    OP_EXEC = 1u << 1,
    OP_EXIT = 1u << 2,
    OP_SETUID = 1u << 3,
    OP_ACCEPT = 1u << 4,
    OP_CONNECT = 1u << 5,
    OP_OPEN = 1u << 6,
    OP_READ = 1u << 7,
    OP_WRITE = 1u << 8,
    OP_MKDIR = 1u << 9,
    OP_RMDIR = 1u << 10,
    OP_LINK = 1u << 11,
    OP_UNLINK = 1u << 12,
    OP_SYMLINK = 1u << 13,
    OP_RENAME = 1u << 14,
};

struct rec {
    struct lg_lx lx;
    struct lg_norm_call *call;
    struct lg_jval root;
    struct lg_jval file, net, flow; /* .at == NULL where absent */
    struct lg_lx_proc proc, parent;
    struct lg_jval jproc, jparent;
    struct lg_str type;
    struct lg_str host;
    uint32_t ops;
    lg_time ts;
    bool has_tid;
    uint64_t tid;
    bool has_ret;
    int64_t ret;
    uint32_t emitted; /* events of this record so far */
};

static const struct {
    struct lg_str name;
    uint32_t op;
} op_names[] = {
        {{"CLONE", 5}, OP_CLONE},
        {{"EXEC", 4}, OP_EXEC},
        {{"EXIT", 4}, OP_EXIT},
        {{"SETUID", 6}, OP_SETUID},
        {{"ACCEPT", 6}, OP_ACCEPT},
        {{"CONNECT", 7}, OP_CONNECT},
        {{"OPEN", 4}, OP_OPEN},
        {{"READ_RECV", 9}, OP_READ},
        {{"WRITE_SEND", 10}, OP_WRITE},
        {{"MKDIR", 5}, OP_MKDIR},
        {{"RMDIR", 5}, OP_RMDIR},
        {{"LINK", 4}, OP_LINK},
        {{"UNLINK", 6}, OP_UNLINK},
        {{"SYMLINK", 7}, OP_SYMLINK},
        {{"RENAME", 6}, OP_RENAME},
};

static uint32_t read_ops(struct lg_jval arr)
{
    struct lg_jiter it = lg_jiter_of(arr);
    struct lg_jval v;
    uint32_t ops = 0;

    while (lg_jiter_item(&it, &v)) {
        size_t i;

        if (lg_jval_type(v) != LG_JSON_STRING)
            continue;
        for (i = 0; i < sizeof(op_names) / sizeof(op_names[0]); i++) {
            if (lg_str_eq(lg_jval_str(v), op_names[i].name))
                ops |= op_names[i].op;
        }
    }
    return ops;
}

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_jval v;
    struct lg_str type;

    (void)record;
    if (root.at == NULL || lg_jval_type(root) != LG_JSON_OBJECT)
        return false;
    type = lg_jval_get_str(root, LG_STR("type"));
    return type.n == 2 && lg_lx_member_arr(root, LG_STR("opflags"), &v) &&
            lg_jval_get(root, LG_STR("version"), &v);
}

static struct lg_lx_proc read_proc(struct rec *r, struct lg_jval obj)
{
    struct lg_lx_proc p = {.start_is_clock = true};
    int64_t start;

    p.has_pid = lg_lx_member_uint(obj, LG_STR("pid"), &p.pid);
    /* 0: the process was there before the collector. */
    if (lg_lx_member_int(obj, LG_STR("createts"), &start) && start > 0)
        p.start_ns = start;
    p.image = lg_jval_get_str(obj, LG_STR("exe"));
    p.command_line = lg_lx_command(&r->lx, p.image, lg_jval_get_str(obj, LG_STR("args")));
    p.user = lg_jval_get_str(obj, LG_STR("user"));
    return p;
}

static void set_container(struct rec *r)
{
    struct lg_jval v;

    if (lg_lx_member_obj(r->root, LG_STR("container"), &v)) {
        lg_lx_container_id(&r->lx, lg_jval_get_str(v, LG_STR("id")));
        lg_lx_member(&r->lx, LG_F_CONTAINER_NAME, v, LG_STR("name"));
        lg_lx_member(&r->lx, LG_F_CONTAINER_IMAGE, v, LG_STR("image"));
    } else if (r->jproc.at != NULL) {
        lg_lx_container_id(&r->lx, lg_jval_get_str(r->jproc, LG_STR("containerid")));
    }
    if (lg_lx_member_obj(r->root, LG_STR("pod"), &v)) {
        lg_lx_member(&r->lx, LG_F_POD_NAME, v, LG_STR("name"));
        lg_lx_member(&r->lx, LG_F_POD_NAMESPACE, v, LG_STR("namespace"));
    }
}

static void set_rule(struct rec *r)
{
    struct lg_jval arr;
    struct lg_jval first;
    struct lg_jiter it;

    if (!lg_lx_member_arr(r->root, LG_STR("policies"), &arr))
        return;
    it = lg_jiter_of(arr);
    if (lg_jiter_item(&it, &first) && lg_jval_type(first) == LG_JSON_OBJECT)
        lg_lx_member(&r->lx, LG_F_DETECTION_RULE, first, LG_STR("id"));
}

/* What every event of the record has, whoever acts in it. */
static void begin(struct rec *r, enum lg_event_type type)
{
    lg_lx_begin(&r->lx, r->call, LG_SOURCE_SYSFLOW, type, r->ts, r->host);
    if (r->has_tid)
        lg_lx_u64(&r->lx, LG_F_THREAD_ID, r->tid);
    if (r->has_ret)
        lg_lx_result(&r->lx, r->ret);
    set_container(r);
    set_rule(r);
}

static void set_ids(struct rec *r, struct lg_jval jproc)
{
    if (jproc.at == NULL)
        return;
    lg_lx_member(&r->lx, LG_F_UID, jproc, LG_STR("uid"));
    lg_lx_member(&r->lx, LG_F_GID, jproc, LG_STR("gid"));
    lg_lx_member(&r->lx, LG_F_CURRENT_DIRECTORY, jproc, LG_STR("cwd"));
}

/* The usual case: the record's process acts, its parent is its parent. */
static void begin_actor(struct rec *r, enum lg_event_type type)
{
    begin(r, type);
    lg_lx_actor(&r->lx, &r->proc);
    lg_lx_parent(&r->lx, &r->parent);
    set_ids(r, r->jproc);
}

static struct lg_str member_text(struct rec *r, struct lg_jval obj, struct lg_str key)
{
    struct lg_jval v;
    uint64_t u;

    if (obj.at == NULL || !lg_jval_get(obj, key, &v))
        return LG_STR("");
    if (lg_jval_type(v) == LG_JSON_STRING)
        return lg_jval_str(v);
    return lg_lx_uint(v, &u) ? lg_lx_dec(&r->lx, u) : LG_STR("");
}

/* A record has no number of its own; these together have been unique in all captures seen. */
static int emit(struct rec *r)
{
    struct lg_str id[] = {
            r->type,
            lg_lx_dec(&r->lx, (uint64_t)r->ts),
            member_text(r, r->root, LG_STR("endts")),
            lg_lx_dec(&r->lx, r->proc.pid),
            lg_lx_dec(&r->lx, (uint64_t)r->proc.start_ns),
            lg_lx_dec(&r->lx, r->tid),
            lg_lx_dec(&r->lx, r->ops),
            lg_lx_dec(&r->lx, (uint64_t)r->ret),
            member_text(r, r->file, LG_STR("oid")),
            member_text(r, r->file, LG_STR("path")),
            member_text(r, r->file.at != NULL ? r->file : r->net, LG_STR("fd")),
            member_text(r, r->net, LG_STR("sip")),
            member_text(r, r->net, LG_STR("sport")),
            member_text(r, r->net, LG_STR("dip")),
            member_text(r, r->net, LG_STR("dport")),
            lg_lx_dec(&r->lx, r->emitted),
    };

    r->emitted++;
    return lg_lx_emit(&r->lx, id, sizeof(id) / sizeof(id[0]));
}

/* ---- PE ---- */

/* Both sides return from a clone. The child's record names both processes; the parent's knows the
 * child only by its number in the child's own pid name space. */
static int emit_clone(struct rec *r)
{
    if (r->has_ret && r->ret > 0)
        return lg_norm_skip(r->call, LG_SKIP_PAIRED);
    if (r->has_ret && r->ret < 0) { /* there is no child */
        begin_actor(r, LG_EVENT_PROCESS_FORK);
        return emit(r);
    }
    if (r->has_tid && r->proc.has_pid && r->tid != r->proc.pid)
        return lg_norm_skip(r->call, LG_SKIP_THREAD);
    begin(r, LG_EVENT_PROCESS_FORK);
    lg_lx_actor(&r->lx, &r->parent);
    set_ids(r, r->jparent);
    lg_lx_target(&r->lx, &r->proc);
    return emit(r);
}

static int emit_setuid(struct rec *r)
{
    struct lg_jval arr;
    struct lg_jval v;
    struct lg_jiter it;
    uint64_t uid;

    begin_actor(r, LG_EVENT_CREDENTIAL_CHANGE);
    lg_lx_str(&r->lx, LG_F_SYSCALL, LG_STR("setuid"));
    /* The process entity is written anew after the change: its uid is the new one. */
    if (r->jproc.at != NULL && lg_lx_member_uint(r->jproc, LG_STR("uid"), &uid) && uid < UINT32_MAX)
        lg_event_set_i64(r->lx.ev, LG_F_NEW_UID, (int64_t)uid);
    if (lg_lx_member_arr(r->root, LG_STR("evargs"), &arr)) {
        it = lg_jiter_of(arr);
        if (lg_jiter_item(&it, &v) && lg_jval_type(v) == LG_JSON_STRING)
            lg_lx_str(&r->lx, LG_F_TARGET_USER, lg_jval_str(v));
    }
    return emit(r);
}

static int normalize_process(struct rec *r)
{
    if ((r->ops & OP_EXEC) != 0) {
        begin_actor(r, LG_EVENT_PROCESS_CREATE);
        lg_lx_str(&r->lx, LG_F_SYSCALL, LG_STR("execve"));
        return emit(r);
    }
    if ((r->ops & OP_CLONE) != 0)
        return emit_clone(r);
    if ((r->ops & OP_SETUID) != 0)
        return emit_setuid(r);
    if ((r->ops & OP_EXIT) == 0)
        return lg_norm_dead(r->call, LG_DEAD_UNSUPPORTED_TYPE, "SysFlow PE without a known opflag");
    if (r->has_tid && r->proc.has_pid && r->tid != r->proc.pid)
        return lg_norm_skip(r->call, LG_SKIP_THREAD);
    begin_actor(r, LG_EVENT_PROCESS_TERMINATE);
    if (r->has_ret)
        lg_event_set_i64(r->lx.ev, LG_F_EXIT_CODE, r->ret);
    return emit(r);
}

/* ---- FE ---- */

static int normalize_file_event(struct rec *r)
{
    static const struct {
        uint32_t op;
        enum lg_event_type type;
        const char *call;
    } rows[] = {
            {OP_MKDIR, LG_EVENT_FILE_CREATE, "mkdir"},
            {OP_RMDIR, LG_EVENT_FILE_DELETE, "rmdir"},
            {OP_UNLINK, LG_EVENT_FILE_DELETE, "unlink"},
            {OP_SYMLINK, LG_EVENT_FILE_LINK, "symlink"},
            {OP_LINK, LG_EVENT_FILE_LINK, "link"},
            {OP_RENAME, LG_EVENT_FILE_RENAME, "rename"},
    };
    size_t i = 0;

    while (i < sizeof(rows) / sizeof(rows[0]) && (rows[i].op & r->ops) == 0)
        i++;
    if (i == sizeof(rows) / sizeof(rows[0]))
        return lg_norm_dead(r->call, LG_DEAD_UNSUPPORTED_TYPE, "SysFlow FE without a known opflag");
    begin_actor(r, rows[i].type);
    lg_lx_str(&r->lx, LG_F_SYSCALL, lg_str_z(rows[i].call));
    if (r->file.at != NULL) {
        lg_lx_member(&r->lx, LG_F_TARGET_FILENAME, r->file, LG_STR("path"));
        lg_lx_member(&r->lx, LG_F_NEW_FILENAME, r->file, LG_STR("newpath"));
        if (!lg_str_eq(lg_jval_get_str(r->file, LG_STR("type")), LG_STR("?")))
            lg_lx_member(&r->lx, LG_F_FILE_TYPE, r->file, LG_STR("type"));
    }
    return emit(r);
}

/* ---- flows ---- */

static uint64_t flow_count(const struct rec *r, struct lg_str key)
{
    uint64_t v = 0;

    return r->flow.at != NULL && lg_lx_member_uint(r->flow, key, &v) ? v : 0;
}

static void set_reads(struct rec *r)
{
    if (r->flow.at == NULL)
        return;
    lg_lx_member(&r->lx, LG_F_READ_OPS, r->flow, LG_STR("rops"));
    lg_lx_member(&r->lx, LG_F_READ_BYTES, r->flow, LG_STR("rbytes"));
}

static void set_writes(struct rec *r)
{
    if (r->flow.at == NULL)
        return;
    lg_lx_member(&r->lx, LG_F_WRITE_OPS, r->flow, LG_STR("wops"));
    lg_lx_member(&r->lx, LG_F_WRITTEN_BYTES, r->flow, LG_STR("wbytes"));
}

/* The exporter writes a number in falcosecurity's numbering, the processor a list of names. */
static bool open_flags(struct rec *r, uint64_t *ret)
{
    struct lg_jval v;
    uint64_t ppm;

    if ((r->ops & OP_OPEN) == 0 || r->file.at == NULL)
        return false;
    if (lg_lx_member_arr(r->file, LG_STR("openflags"), &v))
        return lg_lx_flags_from_names(lg_lx_join_array(&r->lx, v), ret);
    if (!lg_lx_member_uint(r->file, LG_STR("openflags"), &ppm))
        return false;
    *ret = lg_lx_flags_from_ppm(ppm);
    return true;
}

static void set_file(struct rec *r)
{
    if (r->file.at == NULL)
        return;
    lg_lx_member(&r->lx, LG_F_TARGET_FILENAME, r->file, LG_STR("path"));
    lg_lx_member(&r->lx, LG_F_FD, r->file, LG_STR("fd"));
    if (!lg_str_eq(lg_jval_get_str(r->file, LG_STR("type")), LG_STR("?")))
        lg_lx_member(&r->lx, LG_F_FILE_TYPE, r->file, LG_STR("type"));
}

/* Who opened the connection is told by the first flow only; later parts of it are connections of
 * unknown direction. */
static enum lg_event_type begin_network(struct rec *r)
{
    bool accepted = (r->ops & OP_ACCEPT) != 0;
    enum lg_event_type type = accepted ? LG_EVENT_NETWORK_ACCEPT : LG_EVENT_NETWORK_CONNECT;

    begin_actor(r, type);
    if (accepted || (r->ops & OP_CONNECT) != 0)
        lg_event_set_bool(r->lx.ev, LG_F_INITIATED, !accepted);
    set_reads(r);
    set_writes(r);
    return type;
}

static int normalize_local_socket(struct rec *r)
{
    struct lg_str path = lg_jval_get_str(r->file, LG_STR("path"));

    (void)begin_network(r);
    lg_lx_member(&r->lx, LG_F_FD, r->file, LG_STR("fd"));
    lg_lx_member(&r->lx, LG_F_FILE_TYPE, r->file, LG_STR("type"));
    if (!lg_lx_socket_name(&r->lx, path) &&
            lg_str_eq(lg_jval_get_str(r->file, LG_STR("type")), LG_STR("unix socket")))
        lg_event_set_str(r->lx.ev, LG_F_SOCKET_FAMILY, LG_STR("unix"));
    return emit(r);
}

/* Whether the last event became a dead letter: it has no id then. One record gives one. */
static bool died(const struct rec *r)
{
    static const struct lg_uuid none;

    return memcmp(&r->lx.ev->event_id, &none, sizeof(none)) == 0;
}

static int normalize_file_flow(struct rec *r)
{
    uint64_t flags = 0;
    bool known = open_flags(r, &flags);
    bool opened_to_write = known && lg_lx_flags_write(flags);
    bool wrote = (r->ops & OP_WRITE) != 0 || flow_count(r, LG_STR("wops")) > 0;
    bool read = (r->ops & OP_READ) != 0 || flow_count(r, LG_STR("rops")) > 0;
    int rc = 0;

    if (r->file.at != NULL &&
            ((r->ops & (OP_CONNECT | OP_ACCEPT)) != 0 ||
                    lg_str_eq(lg_jval_get_str(r->file, LG_STR("type")), LG_STR("unix socket"))))
        return normalize_local_socket(r);
    if (read || (!wrote && !opened_to_write)) {
        begin_actor(r, LG_EVENT_FILE_OPEN);
        set_file(r);
        set_reads(r);
        if (known && !opened_to_write)
            lg_lx_open_flags(&r->lx, flags);
        rc = emit(r);
    }
    if (rc == 0 && (wrote || opened_to_write) && !(r->emitted > 0 && died(r))) {
        begin_actor(r, LG_EVENT_FILE_WRITE);
        set_file(r);
        set_writes(r);
        if (known)
            lg_lx_open_flags(&r->lx, flags);
        rc = emit(r);
    }
    return rc;
}

static int normalize_network_flow(struct rec *r)
{
    uint64_t v;

    (void)begin_network(r);
    if (r->net.at == NULL)
        return emit(r);
    (void)lg_lx_ip(&r->lx, LG_F_SOURCE_IP, lg_jval_get_str(r->net, LG_STR("sip")));
    (void)lg_lx_ip(&r->lx, LG_F_DESTINATION_IP, lg_jval_get_str(r->net, LG_STR("dip")));
    if (lg_lx_member_uint(r->net, LG_STR("sport"), &v))
        lg_lx_port(&r->lx, LG_F_SOURCE_PORT, v);
    if (lg_lx_member_uint(r->net, LG_STR("dport"), &v))
        lg_lx_port(&r->lx, LG_F_DESTINATION_PORT, v);
    if (lg_lx_member_uint(r->net, LG_STR("proto"), &v))
        lg_lx_str(&r->lx, LG_F_PROTOCOL, lg_lx_protocol(v));
    lg_lx_member(&r->lx, LG_F_FD, r->net, LG_STR("fd"));
    return emit(r);
}

/* ---- the record ---- */

static struct lg_jval object_or_none(struct lg_jval root, struct lg_str key)
{
    struct lg_jval v;

    return lg_lx_member_obj(root, key, &v) ? v : (struct lg_jval){NULL, NULL, NULL};
}

static void read_host(struct rec *r)
{
    struct lg_jval node;

    r->host = lg_jval_get_str(r->root, LG_STR("host"));
    if (r->host.n == 0 && lg_lx_member_obj(r->root, LG_STR("node"), &node))
        r->host = lg_jval_get_str(node, LG_STR("id"));
}

static int normalize(struct lg_norm_call *call)
{
    struct rec r = {.call = call, .root = call->root, .lx = {.call = call, .ev = call->ev}};
    struct lg_jval v;

    r.type = lg_jval_get_str(r.root, LG_STR("type"));
    if (lg_lx_member_arr(r.root, LG_STR("opflags"), &v))
        r.ops = read_ops(v);
    (void)lg_lx_member_int(r.root, LG_STR("ts"), &r.ts);
    r.has_tid = lg_lx_member_uint(r.root, LG_STR("tid"), &r.tid);
    r.has_ret = lg_lx_member_int(r.root, LG_STR("ret"), &r.ret);
    read_host(&r);
    r.file = object_or_none(r.root, LG_STR("file"));
    r.net = object_or_none(r.root, LG_STR("net"));
    r.flow = object_or_none(r.root, LG_STR("flow"));
    r.jproc = object_or_none(r.root, LG_STR("proc"));
    r.jparent = object_or_none(r.root, LG_STR("pproc"));
    if (r.jproc.at == NULL)
        return lg_norm_dead(call, LG_DEAD_MISSING_FIELD, "SysFlow record without proc");
    r.proc = read_proc(&r, r.jproc);
    if (r.jparent.at != NULL)
        r.parent = read_proc(&r, r.jparent);
    if (!r.proc.has_pid)
        return lg_norm_dead(call, LG_DEAD_MISSING_FIELD, "SysFlow record without proc.pid");
    if (lg_str_eq(r.type, LG_STR("PE")))
        return normalize_process(&r);
    if (lg_str_eq(r.type, LG_STR("PF"))) /* counts threads of a process */
        return lg_norm_skip(call, LG_SKIP_THREAD);
    if (lg_str_eq(r.type, LG_STR("FE")))
        return normalize_file_event(&r);
    if (lg_str_eq(r.type, LG_STR("FF")))
        return normalize_file_flow(&r);
    if (lg_str_eq(r.type, LG_STR("NF")))
        return normalize_network_flow(&r);
    return lg_norm_dead(
            call, LG_DEAD_UNSUPPORTED_TYPE, "SysFlow record type %.*s", LG_STR_FMT(r.type));
}

const struct lg_format lg_format_sysflow = {
        .name = "sysflow",
        .platform = LG_PLATFORM_LINUX,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
};
