#include "normalize/tracee.h"

/*
 * Tracee, in its two shapes: the flat one ("eventName", "args": [{"name", "type", "value"}]) and
 * the later one made from its gRPC messages ("name", "workload": {"process": ...}, "data": [...]).
 * Pids are those of the host. Tracee gives the start of the thread, which is the start of the
 * process only for its first thread; older versions count it from boot, newer ones from 1970.
 */

#define YEAR_1980_NS (INT64_C(315532800) * LG_NS_PER_SEC)

static bool find_process(struct lg_jval root, struct lg_jval *ret_context, struct lg_jval *ret_proc)
{
    return (lg_lx_member_obj(root, LG_STR("workload"), ret_context) ||
                   lg_lx_member_obj(root, LG_STR("context"), ret_context)) &&
            lg_lx_member_obj(*ret_context, LG_STR("process"), ret_proc);
}

static bool accepts(struct lg_str record, struct lg_jval root)
{
    struct lg_jval a;
    struct lg_jval b;

    (void)record;
    if (root.at == NULL || lg_jval_type(root) != LG_JSON_OBJECT)
        return false;
    if (lg_jval_get_str(root, LG_STR("eventName")).n > 0)
        return lg_lx_member_arr(root, LG_STR("args"), &a) &&
                (lg_jval_get(root, LG_STR("processId"), &a) ||
                        lg_jval_get(root, LG_STR("hostProcessId"), &a));
    return lg_jval_get_str(root, LG_STR("name")).n > 0 &&
            lg_lx_member_arr(root, LG_STR("data"), &a) && find_process(root, &a, &b);
}

/* ---- arguments ---- */

void lg_tr_read_args(struct lg_tr_rec *r, struct lg_jval list)
{
    struct lg_jiter it = lg_jiter_of(list);
    struct lg_jiter members;
    struct lg_jval item;
    struct lg_jval v;
    struct lg_str key;

    r->n_args = 0;
    while (lg_jiter_item(&it, &item) && r->n_args < LG_TR_ARGS) {
        struct lg_tr_arg *arg = &r->args[r->n_args];

        if (lg_jval_type(item) != LG_JSON_OBJECT)
            continue;
        arg->name = lg_jval_get_str(item, LG_STR("name"));
        arg->value.at = NULL;
        if (!lg_jval_get(item, LG_STR("value"), &arg->value)) {
            members = lg_jiter_of(item);
            while (arg->value.at == NULL && lg_jiter_member(&members, &key, &v)) {
                if (!lg_str_eq(key, LG_STR("name")) && !lg_str_eq(key, LG_STR("type")))
                    arg->value = v;
            }
        }
        if (arg->name.n > 0 && arg->value.at != NULL)
            r->n_args++;
    }
}

bool lg_tr_arg(const struct lg_tr_rec *r, struct lg_str name, struct lg_jval *ret)
{
    size_t i;

    for (i = 0; i < r->n_args; i++) {
        if (lg_str_eq(r->args[i].name, name)) {
            *ret = r->args[i].value;
            return true;
        }
    }
    return false;
}

struct lg_str lg_tr_arg_str(const struct lg_tr_rec *r, struct lg_str name)
{
    struct lg_jval v;

    if (!lg_tr_arg(r, name, &v) || lg_jval_type(v) != LG_JSON_STRING)
        return LG_STR("");
    return lg_jval_str(v);
}

bool lg_tr_arg_int(const struct lg_tr_rec *r, struct lg_str name, int64_t *ret)
{
    struct lg_jval v;

    return lg_tr_arg(r, name, &v) && lg_lx_int(v, ret);
}

/* ---- the record ---- */

static void set_start(struct lg_lx_proc *p, int64_t ns)
{
    if (ns <= 0)
        return;
    p->start_ns = ns;
    p->start_is_clock = ns >= YEAR_1980_NS;
}

/* The first that is not empty. */
static struct lg_str text_of(
        struct lg_jval a, struct lg_str key_a, struct lg_jval b, struct lg_str key_b)
{
    struct lg_str s = a.at != NULL ? lg_jval_get_str(a, key_a) : LG_STR("");

    if (s.n == 0 && b.at != NULL)
        s = lg_jval_get_str(b, key_b);
    return s;
}

static bool first_uint(
        struct lg_jval obj, struct lg_str key, struct lg_str other_key, uint64_t *ret)
{
    return lg_lx_member_uint(obj, key, ret) || lg_lx_member_uint(obj, other_key, ret);
}

static struct lg_jval object_or_none(struct lg_jval obj, struct lg_str key)
{
    struct lg_jval v;

    return obj.at != NULL && lg_lx_member_obj(obj, key, &v) ? v
                                                            : (struct lg_jval){NULL, NULL, NULL};
}

static void read_flat(struct lg_tr_rec *r)
{
    struct lg_jval none = {NULL, NULL, NULL};
    struct lg_jval container = object_or_none(r->root, LG_STR("container"));
    struct lg_jval k8s = object_or_none(r->root, LG_STR("kubernetes"));
    struct lg_jval exe = object_or_none(r->root, LG_STR("executable"));
    struct lg_jval list;
    uint64_t own;
    int64_t start;

    r->name = lg_jval_get_str(r->root, LG_STR("eventName"));
    (void)lg_lx_member_int(r->root, LG_STR("timestamp"), &r->time_ns);
    r->host = lg_jval_get_str(r->root, LG_STR("hostName"));
    r->proc.has_pid =
            first_uint(r->root, LG_STR("hostProcessId"), LG_STR("processId"), &r->proc.pid);
    r->host_pid_ns = lg_lx_member_uint(r->root, LG_STR("processId"), &own) && own == r->proc.pid;
    r->has_tid = first_uint(r->root, LG_STR("hostThreadId"), LG_STR("threadId"), &r->tid);
    r->parent.has_pid = first_uint(
            r->root, LG_STR("hostParentProcessId"), LG_STR("parentProcessId"), &r->parent.pid);
    if (r->has_tid && r->proc.has_pid && r->tid == r->proc.pid &&
            lg_lx_member_int(r->root, LG_STR("threadStartTime"), &start))
        set_start(&r->proc, start);
    r->proc.image = text_of(exe, LG_STR("path"), none, LG_STR(""));
    r->comm = lg_jval_get_str(r->root, LG_STR("processName"));
    r->syscall = lg_jval_get_str(r->root, LG_STR("syscall"));
    r->has_uid = lg_lx_member_uint(r->root, LG_STR("userId"), &r->uid);
    r->has_ret = lg_lx_member_int(r->root, LG_STR("returnValue"), &r->ret);
    r->container_id = text_of(container, LG_STR("id"), r->root, LG_STR("containerId"));
    r->container_name = text_of(container, LG_STR("name"), r->root, LG_STR("containerName"));
    r->container_image = text_of(container, LG_STR("image"), r->root, LG_STR("containerImage"));
    r->pod_name = text_of(k8s, LG_STR("podName"), r->root, LG_STR("podName"));
    r->pod_namespace = text_of(k8s, LG_STR("podNamespace"), r->root, LG_STR("podNamespace"));
    if (lg_lx_member_arr(r->root, LG_STR("args"), &list))
        lg_tr_read_args(r, list);
}

static void read_parent(struct lg_tr_rec *r, struct lg_jval proc)
{
    struct lg_jval parent = object_or_none(proc, LG_STR("parent"));
    struct lg_jval list;
    struct lg_jiter it;
    struct lg_jval v;

    if (parent.at == NULL && lg_lx_member_arr(proc, LG_STR("ancestors"), &list)) {
        it = lg_jiter_of(list);
        if (lg_jiter_item(&it, &v) && lg_jval_type(v) == LG_JSON_OBJECT)
            parent = v;
    }
    if (parent.at == NULL)
        return;
    r->parent.has_pid = first_uint(parent, LG_STR("hostPid"), LG_STR("pid"), &r->parent.pid);
    r->parent.image = text_of(
            object_or_none(parent, LG_STR("executable")), LG_STR("path"), parent, LG_STR("path"));
}

static void read_thread(struct lg_tr_rec *r, struct lg_jval thread)
{
    lg_time start;

    r->has_tid = first_uint(thread, LG_STR("hostTid"), LG_STR("tid"), &r->tid);
    r->comm = lg_jval_get_str(thread, LG_STR("name"));
    r->syscall = lg_jval_get_str(thread, LG_STR("syscall"));
    if (r->has_tid && r->proc.has_pid && r->tid == r->proc.pid &&
            (lg_parse_time_iso(lg_jval_get_str(thread, LG_STR("startTime")), &start) == 0 ||
                    lg_parse_time_iso(lg_jval_get_str(thread, LG_STR("start")), &start) == 0))
        set_start(&r->proc, start);
}

static void read_message(struct lg_tr_rec *r)
{
    struct lg_jval none = {NULL, NULL, NULL};
    struct lg_jval context;
    struct lg_jval proc;
    struct lg_jval v;
    uint64_t own;

    r->name = lg_jval_get_str(r->root, LG_STR("name"));
    if (lg_parse_time_iso(lg_jval_get_str(r->root, LG_STR("timestamp")), &r->time_ns) < 0)
        r->time_ns = 0;
    if (lg_lx_member_arr(r->root, LG_STR("data"), &v))
        lg_tr_read_args(r, v);
    r->has_ret = lg_tr_arg_int(r, LG_STR("returnValue"), &r->ret);
    if (!find_process(r->root, &context, &proc))
        return;
    r->host = text_of(r->root, LG_STR("hostName"), context, LG_STR("hostName"));
    r->proc.has_pid = first_uint(proc, LG_STR("hostPid"), LG_STR("pid"), &r->proc.pid);
    r->host_pid_ns =
            first_uint(proc, LG_STR("namespacedPid"), LG_STR("pid"), &own) && own == r->proc.pid;
    r->proc.image =
            text_of(object_or_none(proc, LG_STR("executable")), LG_STR("path"), none, LG_STR(""));
    v = object_or_none(proc, LG_STR("realUser"));
    r->has_uid = v.at != NULL && lg_lx_member_uint(v, LG_STR("id"), &r->uid);
    v = object_or_none(proc, LG_STR("thread"));
    if (v.at != NULL)
        read_thread(r, v);
    read_parent(r, proc);
    v = object_or_none(context, LG_STR("container"));
    r->container_id = text_of(v, LG_STR("id"), none, LG_STR(""));
    r->container_name = text_of(v, LG_STR("name"), none, LG_STR(""));
    r->container_image =
            text_of(object_or_none(v, LG_STR("image")), LG_STR("name"), none, LG_STR(""));
    v = object_or_none(context, LG_STR("k8s"));
    r->pod_name = text_of(object_or_none(v, LG_STR("pod")), LG_STR("name"), none, LG_STR(""));
    r->pod_namespace =
            text_of(object_or_none(v, LG_STR("namespace")), LG_STR("name"), none, LG_STR(""));
}

/* A signature's finding names the signature and holds the event that triggered it. */
static void read_rule(struct lg_tr_rec *r)
{
    struct lg_jval properties =
            object_or_none(object_or_none(r->root, LG_STR("metadata")), LG_STR("Properties"));
    struct lg_jval policies = object_or_none(r->root, LG_STR("policies"));
    struct lg_jval trigger;
    struct lg_jval list;
    struct lg_jiter it;

    r->rule = text_of(properties, LG_STR("signatureName"), properties, LG_STR("signatureID"));
    if (r->rule.n > 0) {
        if (lg_tr_arg(r, LG_STR("triggeredBy"), &trigger) &&
                lg_jval_type(trigger) == LG_JSON_OBJECT) {
            r->name = lg_jval_get_str(trigger, LG_STR("name"));
            r->has_ret = lg_lx_member_int(trigger, LG_STR("returnValue"), &r->ret);
            if (lg_lx_member_arr(trigger, LG_STR("args"), &list) ||
                    lg_lx_member_arr(trigger, LG_STR("data"), &list))
                lg_tr_read_args(r, list);
        }
        return;
    }
    if (!lg_lx_member_arr(r->root, LG_STR("matchedPolicies"), &list) &&
            (policies.at == NULL || !lg_lx_member_arr(policies, LG_STR("matched"), &list)))
        return;
    it = lg_jiter_of(list);
    if (lg_jiter_item(&it, &trigger) && lg_jval_type(trigger) == LG_JSON_STRING)
        r->rule = lg_jval_str(trigger);
}

void lg_tr_begin(struct lg_tr_rec *r, enum lg_event_type type)
{
    lg_lx_begin(&r->lx, r->call, LG_SOURCE_TRACEE, type, r->time_ns, r->host);
    lg_lx_actor(&r->lx, &r->proc);
    lg_lx_parent(&r->lx, &r->parent);
    if (r->has_tid)
        lg_lx_u64(&r->lx, LG_F_THREAD_ID, r->tid);
    if (r->has_uid && r->uid < UINT32_MAX)
        lg_lx_u64(&r->lx, LG_F_UID, r->uid);
    lg_lx_str(&r->lx, LG_F_COMM, r->comm);
    lg_lx_str(&r->lx, LG_F_SYSCALL, r->syscall);
    lg_lx_str(&r->lx, LG_F_DETECTION_RULE, r->rule);
    lg_lx_container_id(&r->lx, r->container_id);
    lg_lx_str(&r->lx, LG_F_CONTAINER_NAME, r->container_name);
    lg_lx_str(&r->lx, LG_F_CONTAINER_IMAGE, r->container_image);
    lg_lx_str(&r->lx, LG_F_POD_NAME, r->pod_name);
    lg_lx_str(&r->lx, LG_F_POD_NAMESPACE, r->pod_namespace);
}

static int normalize(struct lg_norm_call *call)
{
    struct lg_tr_rec r;

    memset(&r, 0, sizeof(r));
    r.call = call;
    r.lx.call = call;
    r.lx.ev = call->ev;
    r.root = call->root;
    if (lg_jval_get_str(r.root, LG_STR("eventName")).n > 0)
        read_flat(&r);
    else
        read_message(&r);
    read_rule(&r);
    if (!r.proc.has_pid)
        return lg_norm_dead(call, LG_DEAD_MISSING_FIELD, "Tracee record without a process id");
    return lg_tr_normalize_event(&r);
}

const struct lg_format lg_format_tracee = {
        .name = "tracee",
        .platform = LG_PLATFORM_LINUX,
        .framing = LG_FRAMING_LINE_JSON,
        .accepts = accepts,
        .normalize = normalize,
};
