#include "base/mem.h"
#include "base/utf8.h"
#include "normalize/audit_event.h"
#include "normalize/auoms.h"

/*
 * auditd's own text (audit.log, audisp, syslog, the kernel's ring buffer): one record a line,
 * joined by the assembler that the stream holds.
 */

static bool auditd_accepts(struct lg_str record, struct lg_jval root)
{
    (void)root;
    return lg_audit_head_sniff(record);
}

/* Reads a group into an event of the call. */
static void group_read(
        struct lg_norm_call *call, const struct lg_audit_group *g, struct lg_audit_event *ae)
{
    /* what earlier groups of this call left there is dead: the sink has returned */
    lg_arena_clear(call->arena);
    call->record = g->raw;
    call->pos = g->pos;
    call->repaired = !lg_utf8_valid(g->raw);
    call->raw_kind = call->repaired ? LG_RAW_BINARY : LG_RAW_TEXT;
    lg_audit_event_begin(ae, call, g->node, g->time_ns, g->serial);
    lg_audit_event_join(ae, g);
}

/* Gives out the groups that have ended. After a failure of the sink the rest goes first at the
 * next call. */
static int drain(struct lg_norm_call *call, struct lg_audit_assembler *as)
{
    struct lg_norm_call keep = *call;
    struct lg_audit_event ae;
    struct lg_audit_group g;
    int rc = 0;

    while (rc >= 0 && lg_audit_assembler_next(as, &g)) {
        group_read(call, &g, &ae);
        if (!lg_audit_event_whole(&ae) && lg_audit_assembler_keep(as))
            continue;
        rc = lg_audit_event_emit(&ae);
        lg_audit_assembler_drop(as);
    }
    call->record = keep.record;
    call->pos = keep.pos;
    call->repaired = keep.repaired;
    call->raw_kind = keep.raw_kind;
    return rc;
}

/* A record that is a whole event: no need to go through the assembler. */
static int single_emit(struct lg_norm_call *call, const struct lg_audit_head *h)
{
    struct lg_audit_line line = {0, (uint32_t)call->record.n,
            (uint32_t)(h->body.p - call->record.p), (uint32_t)h->body.n, h->type};
    struct lg_audit_group g = {
            .node = h->node.n > 0 ? h->node : h->host,
            .time_ns = h->time_ns,
            .serial = h->serial,
            .raw = call->record,
            .lines = &line,
            .n_lines = 1,
            .pos = call->pos,
            .end = LG_AUDIT_END_MARK,
    };
    struct lg_audit_event ae;

    group_read(call, &g, &ae);
    return lg_audit_event_emit(&ae);
}

static struct lg_audit_assembler *assembler(struct lg_norm_call *call)
{
    void **state = lg_norm_state(call);
    struct lg_audit_assembler *as;

    if (state == NULL)
        return NULL;
    if (*state == NULL) {
        if (lg_audit_assembler_new(&as) < 0)
            return NULL;
        *state = as;
    }
    return *state;
}

static int auditd_normalize(struct lg_norm_call *call)
{
    struct lg_audit_assembler *as;
    struct lg_audit_head h;
    int rc, drained;

    if (lg_audit_head_parse(call->record, &h) < 0)
        return lg_norm_dead(call, LG_DEAD_BAD_RECORD, "no audit(time:serial) header");
    if (h.type->kind == LG_AUDIT_AUOMS)
        return lg_auoms_emit(call, &h, h.host);
    as = assembler(call);
    if (as == NULL)
        return LG_ENOMEM;
    if (h.type->single && !lg_audit_assembler_has(as, &h))
        return single_emit(call, &h);
    rc = lg_audit_assembler_add(as, &h, call->record, call->pos);
    drained = drain(call, as);
    if (drained < 0)
        return drained;
    if (h.type->kind == LG_AUDIT_EOE && (rc == 0 || rc == LG_ENOENT))
        return lg_norm_skip(call, LG_SKIP_END_MARK);
    return rc;
}

static int auditd_flush(struct lg_norm_call *call)
{
    struct lg_audit_assembler *as = assembler(call);

    if (as == NULL)
        return LG_ENOMEM;
    lg_audit_assembler_flush(as);
    return drain(call, as);
}

static void auditd_state_free(void *state)
{
    lg_audit_assembler_free(state);
}

static bool auditd_held(const void *state, uint64_t line, uint64_t *ret)
{
    return lg_audit_assembler_held(state, line, ret);
}

const struct lg_format lg_format_auditd = {
        .name = "auditd",
        .platform = LG_PLATFORM_LINUX,
        .framing = LG_FRAMING_LINE_TEXT,
        .stateful = true,
        .accepts = auditd_accepts,
        .normalize = auditd_normalize,
        .flush = auditd_flush,
        .state_free = auditd_state_free,
        .held = auditd_held,
};
