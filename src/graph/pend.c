#include "graph/pend.h"

#include "base/limits.h"
#include "base/mem.h"

struct pack {
    struct lg_strpool *sp;
    struct lg_pend_values *pv;
    int error;
};

static void put(struct pack *pk, enum lg_pend_slot slot, struct lg_str s, size_t max)
{
    if (s.n > 0 && lg_strpool_add(pk->sp, lg_text_cut(s, max), &pk->pv->v[slot]) < 0)
        pk->error = LG_ENOMEM;
}

/* Version resources are compared without case. */
static void put_lower(struct pack *pk, enum lg_pend_slot slot, struct lg_str s)
{
    char low[256];

    s = lg_text_cut(s, sizeof(low));
    for (size_t i = 0; i < s.n; i++)
        low[i] = lg_ascii_lower(s.p[i]);
    put(pk, slot, lg_str_of(low, s.n), sizeof(low));
}

static void pack_procs(struct pack *pk, const struct lg_op *op)
{
    const struct lg_op_proc *a = &op->actor, *p = &op->parent, *t = &op->target;
    uint32_t *v = pk->pv->v;

    put(pk, LG_PS_A_GUID, a->guid, 128);
    put(pk, LG_PS_A_IMAGE, a->image, LG_MAX_NODE_TEXT);
    put(pk, LG_PS_A_CMD, a->cmd, LG_MAX_NODE_TEXT);
    put(pk, LG_PS_A_USER, a->user, 256);
    put_lower(pk, LG_PS_A_ORIGINAL, a->original);
    put(pk, LG_PS_A_HASH, a->hash, 128);
    v[LG_PS_A_PID] = a->pid;
    v[LG_PS_A_START_LO] = (uint32_t)a->start;
    v[LG_PS_A_START_HI] = (uint32_t)((uint64_t)a->start >> 32);
    v[LG_PS_A_CLASS] = a->integrity | (uint32_t)a->user_class << 8 | (uint32_t)a->system << 16;
    if (op->src_end == LG_END_PARENT) {
        put(pk, LG_PS_P_GUID, p->guid, 128);
        put(pk, LG_PS_P_IMAGE, p->image, LG_MAX_NODE_TEXT);
        put(pk, LG_PS_P_CMD, p->cmd, LG_MAX_NODE_TEXT);
        put(pk, LG_PS_P_USER, p->user, 256);
        v[LG_PS_P_PID] = p->pid;
        v[LG_PS_P_CLASS] = (uint32_t)p->user_class << 8;
    }
    if (op->dst_end == LG_END_TARGET) {
        put(pk, LG_PS_T_GUID, t->guid, 128);
        put(pk, LG_PS_T_IMAGE, t->image, LG_MAX_NODE_TEXT);
        put(pk, LG_PS_T_USER, t->user, 256);
        v[LG_PS_T_PID] = t->pid;
        v[LG_PS_T_CLASS] = (uint32_t)t->user_class << 8;
    }
}

static uint32_t node_meta(const struct lg_op_node *nd)
{
    return nd->type | (uint32_t)nd->kind << 8 | (uint32_t)nd->flags << 16;
}

static void pack_op(struct pack *pk, const struct lg_op *op)
{
    uint32_t *v = pk->pv->v;

    pack_procs(pk, op);
    if (op->src_end == LG_END_NODE) {
        v[LG_PS_S_META] = node_meta(&op->src);
        put(pk, LG_PS_S_RAW, op->src.raw, LG_MAX_NODE_TEXT);
    }
    if (op->dst_end == LG_END_NODE) {
        v[LG_PS_D_META] = node_meta(&op->dst);
        put(pk, LG_PS_D_RAW, op->dst.raw, LG_MAX_NODE_TEXT);
        put(pk, LG_PS_D_TEXT, op->dst.text, LG_MAX_NODE_TEXT);
        put(pk, LG_PS_D_GROUP, op->dst.group, 128);
        put_lower(pk, LG_PS_D_ORIGINAL, op->dst.original);
        put(pk, LG_PS_D_HASH, op->dst.hash, 128);
    }
    v[LG_PS_ATTR] = op->attr;
    v[LG_PS_TEXT_FLAGS] = op->text_flags;
    put(pk, LG_PS_DETAIL, op->detail, LG_OP_DETAIL_MAX);
}

int lg_pend_new(const struct lg_event *ev, const struct lg_op *op, bool with_edge, uint32_t host,
        struct lg_strpool *sp, struct lg_pend **ret)
{
    struct lg_pend_values pv;
    struct pack pk = {sp, &pv, 0};
    struct lg_pend *pe;
    uint64_t has = 0;
    uint8_t n = 0;

    memset(&pv, 0, sizeof(pv));
    pv.v[LG_PS_HOST] = host;
    if (with_edge)
        pack_op(&pk, op);
    if (pk.error < 0)
        return pk.error;
    for (unsigned i = 0; i < LG_PS_COUNT; i++)
        n = (uint8_t)(n + (pv.v[i] != 0));
    pe = lg_malloc(sizeof(*pe) + n * sizeof(pe->v[0]));
    if (pe == NULL)
        return LG_ENOMEM;
    pe->time = ev->time_ns;
    pe->id = ev->event_id;
    pe->type = (uint8_t)ev->type;
    pe->source = (uint8_t)ev->source;
    pe->edge = with_edge ? op->edge : 0;
    pe->ends = (uint8_t)(with_edge ? op->src_end | op->dst_end << 4 : 0);
    pe->life = with_edge ? op->life : LG_LIFE_NONE;
    pe->n = n;
    pe->flags = (uint8_t)ev->flags;
    n = 0;
    for (unsigned i = 0; i < LG_PS_COUNT; i++) {
        if (pv.v[i] == 0)
            continue;
        has |= UINT64_C(1) << i;
        pe->v[n++] = pv.v[i];
    }
    pe->has = has;
    *ret = pe;
    return 0;
}

void lg_pend_spread(const struct lg_pend *pe, struct lg_pend_values *ret)
{
    uint64_t has = pe->has;

    memset(ret, 0, sizeof(*ret));
    for (unsigned n = 0; has != 0; has &= has - 1)
        ret->v[__builtin_ctzll(has)] = pe->v[n++];
}

bool lg_pend_slot_is_string(unsigned slot)
{
    switch (slot) {
    case LG_PS_A_PID:
    case LG_PS_A_START_LO:
    case LG_PS_A_START_HI:
    case LG_PS_A_CLASS:
    case LG_PS_P_PID:
    case LG_PS_P_CLASS:
    case LG_PS_T_PID:
    case LG_PS_T_CLASS:
    case LG_PS_S_META:
    case LG_PS_D_META:
    case LG_PS_ATTR:
    case LG_PS_TEXT_FLAGS:
        return false;
    default:
        return true;
    }
}

void lg_pend_mark(const struct lg_pend *pe, struct lg_strmarks *mk)
{
    uint64_t has = pe->has;

    for (unsigned n = 0; has != 0; has &= has - 1, n++)
        if (lg_pend_slot_is_string((unsigned)__builtin_ctzll(has)))
            lg_strmark(mk, pe->v[n]);
}
