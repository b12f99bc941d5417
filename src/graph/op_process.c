#include "graph/op_int.h"

/* Processes as actors and targets, modules, and what a file or device operation says. */

static struct lg_str best_hash(const struct lg_event *ev)
{
    struct lg_str h = lg_event_str(ev, LG_F_SHA256);

    if (h.n == 0)
        h = lg_event_str(ev, LG_F_MD5);
    return h.n > 0 ? h : lg_event_str(ev, LG_F_SHA1);
}

/* euid where the source has one; only for rare calls, so that a source without it differs little */
static uint32_t root_attr(const struct lg_event *ev, const struct lg_op *op)
{
    return ev->platform == LG_PLATFORM_LINUX && op->actor.user_class == LG_USER_ROOT ? LG_ATTR_ROOT
                                                                                     : 0;
}

static uint32_t failed_attr(const struct lg_event *ev)
{
    return lg_event_has(ev, LG_F_SUCCESS) && !ev->v[LG_F_SUCCESS].b ? LG_ATTR_FAILED : 0;
}

static uint32_t access_attr(uint64_t mask)
{
    uint32_t attr = 0;

    if (mask == 0x1fffff || mask == 0x1f0fff || mask == 0x1f1fff || mask == 0x1f3fff)
        return LG_ATTR_ACCESS_ALL;
    if ((mask & ~UINT64_C(0x101400)) == 0)
        return LG_ATTR_ACCESS_QUERY_ONLY;
    if ((mask & 0x10) != 0)
        attr |= LG_ATTR_ACCESS_VM_READ;
    if ((mask & 0x28) == 0x28)
        attr |= LG_ATTR_ACCESS_VM_WRITE;
    if ((mask & 0x2) != 0)
        attr |= LG_ATTR_ACCESS_THREAD;
    if ((mask & 0x40) != 0)
        attr |= LG_ATTR_ACCESS_DUP;
    return attr;
}

/* A frame that lies in no module. Traces are long and everywhere, and hardly hold a capital U. */
static bool unknown_frame(struct lg_str trace)
{
    struct lg_str mark = LG_STR("UNKNOWN");
    const char *at = trace.p, *end = trace.p + trace.n;

    while (at != end && (at = memchr(at, 'U', (size_t)(end - at))) != NULL) {
        if ((size_t)(end - at) >= mark.n && memcmp(at, mark.p, mark.n) == 0)
            return true;
        at++;
    }
    return false;
}

static void map_access(const struct lg_event *ev, struct lg_op *op)
{
    uint64_t mask = lg_event_u64(ev, LG_F_GRANTED_ACCESS);

    lg_op_map_edge(op, LG_EDGE_ACCESS, LG_END_TARGET);
    op->attr = access_attr(mask);
    if (unknown_frame(lg_event_str(ev, LG_F_CALL_TRACE)))
        op->attr |= LG_ATTR_UNKNOWN_FRAME;
    lg_op_map_put_u64(op, 1, mask, 16);
    op->detail = lg_op_map_buf(op, 1);
}

static void map_thread(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str module = lg_op_map_str(ev, LG_F_START_MODULE);
    struct lg_str function = lg_op_map_str(ev, LG_F_START_FUNCTION);

    lg_op_map_edge(op, LG_EDGE_REMOTE_THREAD, LG_END_TARGET);
    if (module.n == 0)
        op->attr |= LG_ATTR_START_UNKNOWN;
    if (lg_str_istarts(function, LG_STR("LoadLibrary")) ||
            lg_str_istarts(function, LG_STR("LdrLoadDll")))
        op->attr |= LG_ATTR_START_LOADLIBRARY;
    lg_op_map_put(op, 1, module.n > 0 ? module : lg_op_map_str(ev, LG_F_START_ADDRESS));
    if (function.n > 0) {
        lg_op_map_put(op, 1, LG_STR("!"));
        lg_op_map_put(op, 1, function);
    }
    op->detail = lg_op_map_buf(op, 1);
}

static void map_create(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_op_proc *a = &op->actor;
    struct lg_str il = lg_op_map_str(ev, LG_F_INTEGRITY_LEVEL);

    op->life = LG_LIFE_CREATE;
    op->edge = LG_EDGE_SPAWN;
    op->src_end = LG_END_PARENT;
    op->dst_end = LG_END_ACTOR;
    a->cmd = lg_op_map_str(ev, LG_F_COMMAND_LINE);
    a->original = lg_op_map_str(ev, LG_F_ORIGINAL_FILE_NAME);
    a->hash = best_hash(ev);
    a->integrity =
            (uint8_t)lg_text_integrity(il.n > 0 ? il : lg_op_map_str(ev, LG_F_MANDATORY_LABEL));
    op->text_flags = lg_text_flags(a->cmd);
    op->attr = failed_attr(ev) | root_attr(ev, op);
    if (a->image.n == 0) { /* some collectors give the command line only */
        struct lg_str rest = a->cmd;

        if (lg_str_split(&rest, ' ', &a->image) && a->image.n == 0)
            a->image = LG_STR("<unknown process>");
    }
}

static void map_fork(const struct lg_event *ev, struct lg_op *op)
{
    op->life = LG_LIFE_FORK;
    op->edge = LG_EDGE_SPAWN;
    if (op->target.pid > 0 || op->target.guid.n > 0) {
        op->src_end = LG_END_ACTOR;
        op->dst_end = LG_END_TARGET;
    } else {
        op->src_end = LG_END_PARENT;
        op->dst_end = LG_END_ACTOR;
    }
    op->actor.cmd = lg_op_map_str(ev, LG_F_COMMAND_LINE);
    op->text_flags = lg_text_flags(op->actor.cmd);
    op->attr = failed_attr(ev);
}

static void map_setid(const struct lg_event *ev, struct lg_op *op)
{
    bool gid = !lg_event_has(ev, LG_F_NEW_UID) && lg_event_has(ev, LG_F_NEW_GID);
    enum lg_field f = gid ? LG_F_NEW_GID : LG_F_NEW_UID;
    int64_t id = lg_event_has(ev, f) ? ev->v[f].i : -1;

    lg_op_map_put(op, 0, LG_STR("uid:"));
    if (id >= 0)
        lg_op_map_put_u64(op, 0, (uint64_t)id, 10);
    else
        lg_op_map_put(op, 0, LG_STR("unset"));
    lg_op_map_node(op, LG_EDGE_SETID, LG_NODE_ACCOUNT, LG_TEXT_ACCOUNT, lg_op_map_buf(op, 0));
    op->attr = failed_attr(ev) | root_attr(ev, op);
    op->detail = lg_op_map_str(ev, LG_F_SYSCALL);
}

void lg_op_map_process_event(const struct lg_event *ev, struct lg_op *op)
{
    switch (ev->type) {
    case LG_EVENT_PROCESS_CREATE:
        map_create(ev, op);
        break;
    case LG_EVENT_PROCESS_FORK:
        map_fork(ev, op);
        break;
    case LG_EVENT_PROCESS_TERMINATE:
        op->life = LG_LIFE_EXIT;
        lg_op_map_edge(op, LG_EDGE_EXIT, LG_END_ACTOR);
        break;
    case LG_EVENT_PROCESS_ACCESS:
        map_access(ev, op);
        break;
    case LG_EVENT_PROCESS_PTRACE:
        lg_op_map_edge(op, LG_EDGE_PTRACE, LG_END_TARGET);
        op->attr = failed_attr(ev) | root_attr(ev, op);
        lg_op_map_put_u64(op, 1, lg_event_u64(ev, LG_F_PTRACE_REQUEST), 16);
        op->detail = lg_op_map_buf(op, 1);
        break;
    case LG_EVENT_PROCESS_SIGNAL:
        lg_op_map_edge(op, LG_EDGE_SIGNAL, LG_END_TARGET);
        op->attr = failed_attr(ev) | root_attr(ev, op);
        lg_op_map_put_u64(op, 1, lg_event_u64(ev, LG_F_SIGNAL), 10);
        op->detail = lg_op_map_buf(op, 1);
        break;
    case LG_EVENT_PROCESS_TAMPER:
        lg_op_map_edge(op, LG_EDGE_TAMPER, LG_END_ACTOR);
        op->detail = lg_op_map_str(ev, LG_F_TAMPER_TYPE);
        break;
    case LG_EVENT_REMOTE_THREAD:
        map_thread(ev, op);
        break;
    case LG_EVENT_CREDENTIAL_CHANGE:
        map_setid(ev, op);
        break;
    default:
        break;
    }
}

static void map_module(const struct lg_event *ev, struct lg_op *op)
{
    bool driver = ev->type == LG_EVENT_DRIVER_LOAD;
    struct lg_str status = lg_event_str(ev, LG_F_SIGNATURE_STATUS);

    lg_op_map_node(op, driver ? LG_EDGE_DRIVER_LOAD : LG_EDGE_LOAD, LG_NODE_MODULE, LG_TEXT_MODULE,
            lg_op_map_str(ev, LG_F_IMAGE_LOADED));
    if (lg_event_has(ev, LG_F_SIGNED)) {
        bool good = ev->v[LG_F_SIGNED].b;

        /* a signature that does not hold is none */
        if (good && status.n > 0 && !lg_str_ieq(status, LG_STR("Valid")) &&
                !lg_str_ieq(status, LG_STR("Unavailable")) && !lg_str_eq(status, LG_STR("-")))
            good = false;
        op->dst.flags |= good ? LG_OPN_SIGNED : LG_OPN_UNSIGNED;
        if (!good)
            op->attr |= LG_ATTR_UNSIGNED;
    }
    op->dst.original = lg_op_map_str(ev, LG_F_ORIGINAL_FILE_NAME);
    op->dst.hash = best_hash(ev);
    op->detail = lg_op_map_str(ev, LG_F_SIGNATURE);
    if (driver && op->actor.image.n == 0) {
        op->actor.guid.n = 0;
        op->actor.pid = 0;
    }
}

static void map_mode(const struct lg_event *ev, struct lg_op *op)
{
    uint64_t mode = lg_event_u64(ev, LG_F_FILE_MODE);

    op->attr |= root_attr(ev, op);
    if (ev->type == LG_EVENT_FILE_MODE_CHANGE) {
        if ((mode & 06000) != 0 || (mode & 0001) != 0)
            op->attr |= LG_ATTR_SETUID_BIT;
        lg_op_map_put_u64(op, 1, mode & 07777, 8);
    } else {
        lg_op_map_put(op, 1, LG_STR("uid "));
        lg_op_map_put_u64(op, 1, lg_event_u64(ev, LG_F_FILE_OWNER_UID), 10);
    }
    op->detail = lg_op_map_buf(op, 1);
}

static enum lg_edge_type file_edge(const struct lg_event *ev)
{
    switch (ev->type) {
    case LG_EVENT_FILE_OPEN:
        return lg_event_has(ev, LG_F_WRITE_INTENT) && ev->v[LG_F_WRITE_INTENT].b ? LG_EDGE_WRITE
                                                                                 : LG_EDGE_READ;
    case LG_EVENT_FILE_TIME_CHANGE:
        return LG_EDGE_TIME_CHANGE;
    case LG_EVENT_FILE_STREAM_CREATE:
        return LG_EDGE_STREAM;
    case LG_EVENT_FILE_DELETE:
        return LG_EDGE_DELETE;
    case LG_EVENT_FILE_RENAME:
        return LG_EDGE_RENAME;
    case LG_EVENT_FILE_LINK:
        return LG_EDGE_LINK;
    case LG_EVENT_FILE_MODE_CHANGE:
    case LG_EVENT_FILE_OWNER_CHANGE:
        return LG_EDGE_MODE_CHANGE;
    case LG_EVENT_FILE_BLOCKED:
    case LG_EVENT_FILE_EXECUTABLE_DETECTED:
        return LG_EDGE_EXECUTABLE_WRITE;
    default:
        return LG_EDGE_WRITE;
    }
}

static void map_file(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str name = lg_op_map_str(ev, LG_F_TARGET_FILENAME);
    struct lg_str other = lg_op_map_str(ev, LG_F_NEW_FILENAME);

    if ((ev->type == LG_EVENT_FILE_RENAME || ev->type == LG_EVENT_FILE_LINK) && other.n > 0) {
        op->detail = name;
        name = other;
    }
    if (name.n == 0)
        name = LG_STR("<unknown file>");
    lg_op_map_node(op, file_edge(ev), LG_NODE_FILE, LG_TEXT_FILE, name);
    op->attr = lg_text_file_attr(ev->platform, name) | failed_attr(ev);
    if ((op->attr & LG_ATTR_FILE_USER_WRITABLE) != 0)
        op->dst.flags |= LG_OPN_USER_PATH;
    op->dst.hash = best_hash(ev);
    if (ev->type == LG_EVENT_FILE_MODE_CHANGE || ev->type == LG_EVENT_FILE_OWNER_CHANGE)
        map_mode(ev, op);
    else if (ev->type == LG_EVENT_FILE_STREAM_CREATE)
        op->detail = lg_op_map_str(ev, LG_F_CONTENTS);
}

static void map_kernel(const struct lg_event *ev, struct lg_op *op, enum lg_edge_type edge,
        const char *prefix, struct lg_str name)
{
    lg_op_map_put(op, 0, lg_str_z(prefix));
    lg_op_map_put(op, 0, lg_str_basename(name));
    lg_op_map_node(op, edge, LG_NODE_KERNEL, LG_TEXT_NAME, lg_op_map_buf(op, 0));
    op->attr = root_attr(ev, op) | failed_attr(ev);
}

void lg_op_map_file_event(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str name;

    switch (ev->type) {
    case LG_EVENT_IMAGE_LOAD:
    case LG_EVENT_DRIVER_LOAD:
        map_module(ev, op);
        break;
    case LG_EVENT_KERNEL_MODULE_LOAD:
        name = lg_op_map_str(ev, LG_F_MODULE_NAME);
        map_kernel(ev, op, LG_EDGE_KMOD,
                "module:", name.n > 0 ? name : lg_op_map_str(ev, LG_F_TARGET_FILENAME));
        op->detail = lg_op_map_str(ev, LG_F_MODULE_ARGS);
        break;
    case LG_EVENT_MEMFD_CREATE:
        map_kernel(ev, op, LG_EDGE_MEMFD, "memfd:", lg_op_map_str(ev, LG_F_MEMFD_NAME));
        break;
    case LG_EVENT_RAW_ACCESS_READ:
        name = lg_op_map_str(ev, LG_F_DEVICE);
        lg_op_map_node(op, LG_EDGE_RAW_READ, LG_NODE_DEVICE, LG_TEXT_NAME, name);
        break;
    default:
        map_file(ev, op);
        break;
    }
}
