#include "normalize/tetragon.h"

/*
 * Tetragon's JSON export: {"process_exec": {...}, "node_name": ..., "time": ...}. A process is
 * named by pid and start time; an exec starts a new one, whose parent may be the same pid before.
 */

static const struct lg_str kinds[] = {
        {"process_exec", 12},
        {"process_exit", 12},
        {"process_kprobe", 14},
        {"process_tracepoint", 18},
        {"process_loader", 14},
        {"process_lsm", 11},
        {"process_uprobe", 14},
        {"process_usdt", 12},
        {"process_connect", 15},
        {"process_accept", 14},
        {"process_listen", 14},
        {"process_close", 13},
        {"process_dns", 11},
};

/* The member that names the kind of event: the first one that looks like one. */
static bool find_kind(struct lg_jval root, struct lg_str *ret_kind, struct lg_jval *ret_body)
{
    struct lg_jiter it;
    struct lg_jval v;
    struct lg_str key;

    if (root.at == NULL || lg_jval_type(root) != LG_JSON_OBJECT)
        return false;
    it = lg_jiter_of(root);
    while (lg_jiter_member(&it, &key, &v)) {
        size_t i;

        if (!lg_str_starts(key, LG_STR("process_")) || lg_jval_type(v) != LG_JSON_OBJECT)
            continue;
        for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            if (lg_str_eq(key, kinds[i])) {
                *ret_kind = kinds[i];
                *ret_body = v;
                return true;
            }
        }
    }
    return false;
}

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_str kind;
    struct lg_jval body;
    struct lg_jval v;

    (void)record;
    return find_kind(root, &kind, &body) &&
            (lg_jval_get(root, LG_STR("time"), &v) || lg_jval_get(root, LG_STR("node_name"), &v));
}

static struct lg_lx_proc read_proc(struct lg_tg_rec *r, struct lg_jval obj)
{
    struct lg_lx_proc p = {.start_is_clock = true};
    struct lg_jval user;

    p.has_pid = lg_lx_member_uint(obj, LG_STR("pid"), &p.pid);
    if (lg_parse_time_iso(lg_jval_get_str(obj, LG_STR("start_time")), &p.start_ns) < 0)
        p.start_ns = 0;
    p.image = lg_jval_get_str(obj, LG_STR("binary"));
    p.command_line = lg_lx_command(&r->lx, p.image, lg_jval_get_str(obj, LG_STR("arguments")));
    if (lg_lx_member_obj(obj, LG_STR("user"), &user))
        p.user = lg_jval_get_str(user, LG_STR("name"));
    return p;
}

static void set_container(struct lg_tg_rec *r, struct lg_jval proc)
{
    struct lg_jval pod;
    struct lg_jval container;
    struct lg_jval image;
    struct lg_str id = LG_STR("");

    if (lg_lx_member_obj(proc, LG_STR("pod"), &pod)) {
        lg_lx_member(&r->lx, LG_F_POD_NAME, pod, LG_STR("name"));
        lg_lx_member(&r->lx, LG_F_POD_NAMESPACE, pod, LG_STR("namespace"));
        if (lg_lx_member_obj(pod, LG_STR("container"), &container)) {
            id = lg_jval_get_str(container, LG_STR("id"));
            lg_lx_member(&r->lx, LG_F_CONTAINER_NAME, container, LG_STR("name"));
            if (lg_lx_member_obj(container, LG_STR("image"), &image))
                lg_lx_member(&r->lx, LG_F_CONTAINER_IMAGE, image, LG_STR("name"));
        }
    }
    /* "docker" is the id as far as the kernel's cgroup name went */
    lg_lx_container_id(&r->lx, id.n > 0 ? id : lg_jval_get_str(proc, LG_STR("docker")));
}

static void set_credentials(struct lg_tg_rec *r, struct lg_jval proc)
{
    static const struct {
        struct lg_str key;
        enum lg_field field;
    } rows[] = {
            {{"gid", 3}, LG_F_GID},
            {{"euid", 4}, LG_F_EUID},
            {{"egid", 4}, LG_F_EGID},
            {{"suid", 4}, LG_F_SUID},
            {{"sgid", 4}, LG_F_SGID},
            {{"fsuid", 5}, LG_F_FSUID},
            {{"fsgid", 5}, LG_F_FSGID},
    };
    struct lg_jval v;
    size_t i;

    lg_lx_member(&r->lx, LG_F_UID, proc, LG_STR("uid"));
    lg_lx_member(&r->lx, LG_F_AUID, proc, LG_STR("auid"));
    if (lg_lx_member_obj(proc, LG_STR("process_credentials"), &v)) {
        for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            lg_lx_member(&r->lx, rows[i].field, v, rows[i].key);
    }
}

void lg_tg_begin(struct lg_tg_rec *r, enum lg_event_type type)
{
    struct lg_jval proc;
    struct lg_jval parent;
    struct lg_lx_proc p;

    lg_lx_begin(&r->lx, r->call, LG_SOURCE_TETRAGON, type, r->time_ns, r->host);
    lg_lx_member(&r->lx, LG_F_DETECTION_RULE, r->body, LG_STR("policy_name"));
    if (lg_lx_member_obj(r->body, LG_STR("process"), &proc)) {
        p = read_proc(r, proc);
        lg_lx_actor(&r->lx, &p);
        lg_lx_member(&r->lx, LG_F_THREAD_ID, proc, LG_STR("tid"));
        lg_lx_member(&r->lx, LG_F_CURRENT_DIRECTORY, proc, LG_STR("cwd"));
        set_credentials(r, proc);
        set_container(r, proc);
    }
    if (lg_lx_member_obj(r->body, LG_STR("parent"), &parent)) {
        p = read_proc(r, parent);
        lg_lx_parent(&r->lx, &p);
    }
}

static int normalize_exec(struct lg_tg_rec *r)
{
    struct lg_jval proc;
    struct lg_jval cap;
    struct lg_jval list;

    if (r->time_ns == 0 && lg_lx_member_obj(r->body, LG_STR("process"), &proc) &&
            lg_parse_time_iso(lg_jval_get_str(proc, LG_STR("start_time")), &r->time_ns) < 0)
        r->time_ns = 0; /* an exec happens when its process starts */
    lg_tg_begin(r, LG_EVENT_PROCESS_CREATE);
    if (lg_lx_member_obj(r->body, LG_STR("process"), &proc) &&
            lg_lx_member_obj(proc, LG_STR("cap"), &cap) &&
            lg_lx_member_arr(cap, LG_STR("effective"), &list))
        lg_lx_str(&r->lx, LG_F_CAPABILITIES, lg_lx_join_array(&r->lx, list));
    return lg_lx_emit(&r->lx, NULL, 0);
}

static int normalize_exit(struct lg_tg_rec *r)
{
    struct lg_jval v;
    struct lg_lx_val signal = {false, 0, {"", 0}};

    lg_tg_begin(r, LG_EVENT_PROCESS_TERMINATE);
    lg_lx_member(&r->lx, LG_F_EXIT_CODE, r->body, LG_STR("status"));
    if (lg_jval_get(r->body, LG_STR("signal"), &v)) {
        signal = lg_lx_val_of(v);
        lg_lx_convert(&r->lx, LG_F_SIGNAL, LG_LX_SIG, signal);
    }
    return lg_lx_emit(&r->lx, NULL, 0);
}

static int normalize_loader(struct lg_tg_rec *r)
{
    lg_tg_begin(r, LG_EVENT_IMAGE_LOAD);
    lg_lx_member(&r->lx, LG_F_IMAGE_LOADED, r->body, LG_STR("path"));
    return lg_lx_emit(&r->lx, NULL, 0);
}

static void set_port(struct lg_tg_rec *r, enum lg_field f, struct lg_str key)
{
    uint64_t port;

    if (lg_lx_member_uint(r->body, key, &port))
        lg_lx_port(&r->lx, f, port);
}

/* The end of a connection is one more event of it, with what it carried. */
static int normalize_network(struct lg_tg_rec *r, enum lg_event_type type)
{
    bool closed = lg_str_eq(r->kind, LG_STR("process_close"));
    struct lg_jval stats;

    lg_tg_begin(r, type);
    (void)lg_lx_ip(&r->lx, LG_F_SOURCE_IP, lg_jval_get_str(r->body, LG_STR("source_ip")));
    (void)lg_lx_ip(&r->lx, LG_F_DESTINATION_IP, lg_jval_get_str(r->body, LG_STR("destination_ip")));
    set_port(r, LG_F_SOURCE_PORT, LG_STR("source_port"));
    set_port(r, LG_F_DESTINATION_PORT, LG_STR("destination_port"));
    if (type == LG_EVENT_NETWORK_LISTEN) {
        (void)lg_lx_ip(&r->lx, LG_F_SOURCE_IP, lg_jval_get_str(r->body, LG_STR("ip")));
        set_port(r, LG_F_SOURCE_PORT, LG_STR("port"));
    } else if (!closed) {
        lg_event_set_bool(r->lx.ev, LG_F_INITIATED, type == LG_EVENT_NETWORK_CONNECT);
    }
    lg_lx_str(&r->lx, LG_F_PROTOCOL,
            lg_lx_protocol_name(lg_jval_get_str(r->body, LG_STR("protocol"))));
    if (lg_lx_member_obj(r->body, LG_STR("stats"), &stats)) {
        lg_lx_member(&r->lx, LG_F_READ_BYTES, stats, LG_STR("bytes_received"));
        lg_lx_member(&r->lx, LG_F_WRITTEN_BYTES, stats, LG_STR("bytes_sent"));
    }
    return lg_lx_emit(&r->lx, NULL, 0);
}

static int normalize_dns(struct lg_tg_rec *r)
{
    struct lg_jval dns;
    struct lg_jval list;

    lg_tg_begin(r, LG_EVENT_DNS_QUERY);
    if (lg_lx_member_obj(r->body, LG_STR("dns"), &dns)) {
        lg_lx_member(&r->lx, LG_F_QUERY_NAME, dns, LG_STR("query"));
        lg_lx_member(&r->lx, LG_F_QUERY_STATUS, dns, LG_STR("rcode"));
        if (!lg_event_has(r->lx.ev, LG_F_QUERY_NAME) &&
                lg_lx_member_arr(dns, LG_STR("names"), &list))
            lg_lx_str(&r->lx, LG_F_QUERY_NAME, lg_lx_join_array(&r->lx, list));
        if (lg_lx_member_arr(dns, LG_STR("ips"), &list))
            lg_lx_str(&r->lx, LG_F_QUERY_RESULTS, lg_lx_join_array(&r->lx, list));
    }
    return lg_lx_emit(&r->lx, NULL, 0);
}

static int normalize(struct lg_norm_call *call)
{
    struct lg_tg_rec r = {.call = call, .lx = {.call = call, .ev = call->ev}};
    struct lg_jval proc;

    if (!find_kind(call->root, &r.kind, &r.body))
        return lg_norm_dead(call, LG_DEAD_UNSUPPORTED_TYPE, "Tetragon record of no known kind");
    if (!lg_lx_member_obj(r.body, LG_STR("process"), &proc))
        return lg_norm_dead(call, LG_DEAD_MISSING_FIELD, "Tetragon record without process");
    if (lg_parse_time_iso(lg_jval_get_str(call->root, LG_STR("time")), &r.time_ns) < 0)
        r.time_ns = 0;
    r.host = lg_jval_get_str(call->root, LG_STR("node_name"));
    if (lg_str_eq(r.kind, LG_STR("process_exec")))
        return normalize_exec(&r);
    if (lg_str_eq(r.kind, LG_STR("process_exit")))
        return normalize_exit(&r);
    if (lg_str_eq(r.kind, LG_STR("process_loader")))
        return normalize_loader(&r);
    if (lg_str_eq(r.kind, LG_STR("process_connect")) || lg_str_eq(r.kind, LG_STR("process_close")))
        return normalize_network(&r, LG_EVENT_NETWORK_CONNECT);
    if (lg_str_eq(r.kind, LG_STR("process_accept")))
        return normalize_network(&r, LG_EVENT_NETWORK_ACCEPT);
    if (lg_str_eq(r.kind, LG_STR("process_listen")))
        return normalize_network(&r, LG_EVENT_NETWORK_LISTEN);
    if (lg_str_eq(r.kind, LG_STR("process_dns")))
        return normalize_dns(&r);
    if (lg_str_eq(r.kind, LG_STR("process_kprobe")) ||
            lg_str_eq(r.kind, LG_STR("process_tracepoint")) ||
            lg_str_eq(r.kind, LG_STR("process_lsm")))
        return lg_tg_normalize_hook(&r);
    return lg_norm_dead(call, LG_DEAD_UNSUPPORTED_TYPE, "Tetragon event %.*s", LG_STR_FMT(r.kind));
}

const struct lg_format lg_format_tetragon = {
        .name = "tetragon",
        .platform = LG_PLATFORM_LINUX,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
};
