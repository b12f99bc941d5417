#include "graph/op_int.h"

/* Events to graph operations: the actor, and which part of the mapping has the rest. */

void lg_op_map_put(struct lg_op *op, int which, struct lg_str s)
{
    size_t room = sizeof(op->buf[which]) - op->buf_n[which];

    if (s.n > room)
        s = lg_text_cut(s, room);
    if (s.n > 0)
        memcpy(op->buf[which] + op->buf_n[which], s.p, s.n);
    op->buf_n[which] += s.n;
}

void lg_op_map_put_u64(struct lg_op *op, int which, uint64_t v, unsigned base)
{
    char d[64];
    size_t n = sizeof(d);

    do
        d[--n] = "0123456789abcdef"[v % base];
    while ((v /= base) > 0);
    if (base == 16)
        lg_op_map_put(op, which, LG_STR("0x"));
    else if (base == 8)
        lg_op_map_put(op, which, LG_STR("0"));
    lg_op_map_put(op, which, lg_str_of(d + n, sizeof(d) - n));
}

struct lg_str lg_op_map_buf(const struct lg_op *op, int which)
{
    return lg_str_of(op->buf[which], op->buf_n[which]);
}

struct lg_str lg_op_map_str(const struct lg_event *ev, enum lg_field f)
{
    struct lg_str s = lg_event_str(ev, f);

    if (s.n == 1 && s.p[0] == '-')
        s.n = 0;
    return s;
}

void lg_op_map_edge(struct lg_op *op, enum lg_edge_type edge, enum lg_op_end dst)
{
    op->edge = (uint8_t)edge;
    op->src_end = LG_END_ACTOR;
    op->dst_end = (uint8_t)dst;
}

void lg_op_map_node(struct lg_op *op, enum lg_edge_type edge, enum lg_node_type type,
        enum lg_text_kind kind, struct lg_str raw)
{
    lg_op_map_edge(op, edge, LG_END_NODE);
    op->dst.type = (uint8_t)type;
    op->dst.kind = (uint8_t)kind;
    op->dst.raw = raw;
}

static uint32_t to_pid(uint64_t v)
{
    return v > 0 && v < UINT32_MAX ? (uint32_t)v : 0;
}

/* An all-zero GUID stands for "not known". */
static struct lg_str to_guid(struct lg_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '0' && s.p[i] != '-' && s.p[i] != '{' && s.p[i] != '}')
            return s;
    return lg_str_of("", 0);
}

static struct lg_str first_of(struct lg_str a, struct lg_str b)
{
    return a.n > 0 ? a : b;
}

static uint8_t actor_class(const struct lg_event *ev, struct lg_str user, struct lg_str sid)
{
    enum lg_field f = lg_event_has(ev, LG_F_EUID) ? LG_F_EUID : LG_F_UID;

    if (ev->platform == LG_PLATFORM_LINUX && lg_event_has(ev, f)) {
        enum lg_user_class c = lg_text_uid_class(lg_event_u64(ev, f));

        if (c != LG_USER_UNKNOWN)
            return (uint8_t)c;
    }
    return (uint8_t)lg_text_user_class(ev->platform, user, sid);
}

static void fill_actor(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_op_proc *a = &op->actor;
    struct lg_str sid = lg_op_map_str(ev, LG_F_USER_SID);

    a->guid = to_guid(lg_event_str(ev, LG_F_PROCESS_GUID));
    a->pid = to_pid(lg_event_u64(ev, LG_F_PROCESS_ID));
    if (lg_event_has(ev, LG_F_PROCESS_START_TIME))
        a->start = ev->v[LG_F_PROCESS_START_TIME].i;
    a->image = lg_op_map_str(ev, LG_F_IMAGE);
    if (a->image.n == 0)
        a->image = lg_op_map_str(ev, LG_F_COMM);
    a->user = lg_op_map_str(ev, LG_F_USER);
    if (a->user.n == 0 && ev->source == LG_SOURCE_WIN_SECURITY) {
        a->user = lg_op_map_str(ev, LG_F_SUBJECT_USER_NAME);
        sid = lg_op_map_str(ev, LG_F_SUBJECT_USER_SID);
    }
    a->user_class = actor_class(ev, a->user, sid);
}

static void fill_others(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_op_proc *p = &op->parent, *t = &op->target;

    p->guid = to_guid(lg_event_str(ev, LG_F_PARENT_PROCESS_GUID));
    p->pid = to_pid(lg_event_u64(ev, LG_F_PARENT_PROCESS_ID));
    p->image = lg_op_map_str(ev, LG_F_PARENT_IMAGE);
    p->cmd = lg_op_map_str(ev, LG_F_PARENT_COMMAND_LINE);
    p->user = lg_op_map_str(ev, LG_F_PARENT_USER);
    p->user_class = (uint8_t)lg_text_user_class(ev->platform, p->user, lg_str_of("", 0));
    if (lg_event_has(ev, LG_F_PARENT_START_TIME))
        p->start = ev->v[LG_F_PARENT_START_TIME].i;
    t->guid = to_guid(lg_event_str(ev, LG_F_TARGET_PROCESS_GUID));
    t->pid = to_pid(lg_event_u64(ev, LG_F_TARGET_PROCESS_ID));
    t->image = lg_op_map_str(ev, LG_F_TARGET_IMAGE);
    t->user = lg_op_map_str(ev, LG_F_TARGET_USER);
    t->user_class = (uint8_t)lg_text_user_class(ev->platform, t->user, lg_str_of("", 0));
}

bool lg_op_map_has_actor(const struct lg_op *op)
{
    return op->actor.guid.n > 0 || op->actor.pid > 0 || op->actor.image.n > 0;
}

void lg_op_map_account_source(const struct lg_event *ev, struct lg_op *op)
{
    struct lg_str name =
            first_of(lg_op_map_str(ev, LG_F_SUBJECT_USER_NAME), lg_op_map_str(ev, LG_F_USER));

    if (lg_op_map_has_actor(op))
        return;
    op->src_end = LG_END_NODE;
    op->src.type = LG_NODE_ACCOUNT;
    op->src.kind = LG_TEXT_ACCOUNT;
    op->src.raw = first_of(first_of(name, lg_op_map_str(ev, LG_F_ACCOUNT)), LG_STR("SYSTEM"));
}

typedef void map_fn(const struct lg_event *ev, struct lg_op *op);

static map_fn *mapper_of(enum lg_event_type t)
{
    if (t <= LG_EVENT_CREDENTIAL_CHANGE)
        return lg_op_map_process_event;
    if (t <= LG_EVENT_MEMFD_CREATE || t == LG_EVENT_RAW_ACCESS_READ)
        return lg_op_map_file_event;
    if (t <= LG_EVENT_WMI_BINDING)
        return lg_op_map_registry_event;
    if (t <= LG_EVENT_DNS_QUERY)
        return lg_op_map_network_event;
    if (t >= LG_EVENT_LOGON && t <= LG_EVENT_SHARE_OBJECT_ACCESS)
        return lg_op_map_account_event;
    return lg_op_map_system_event;
}

bool lg_op_from_event(const struct lg_event *ev, struct lg_op *op)
{
    memset(op, 0, offsetof(struct lg_op, buf));
    op->buf_n[0] = op->buf_n[1] = 0;
    fill_actor(ev, op);
    fill_others(ev, op);
    if ((unsigned)ev->type >= LG_EVENT_TYPE_COUNT)
        return false;
    mapper_of(ev->type)(ev, op);
    if (op->src_end == LG_END_ACTOR && !lg_op_map_has_actor(op)) {
        op->actor.system = ev->platform == LG_PLATFORM_WINDOWS && op->edge == LG_EDGE_DRIVER_LOAD;
        op->actor.image = op->actor.system ? LG_STR("System") : LG_STR("<unknown process>");
    }
    op->detail = lg_text_cut(op->detail, LG_OP_DETAIL_MAX);
    return op->src_end != LG_END_NONE && op->dst_end != LG_END_NONE;
}
