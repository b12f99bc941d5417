#include "graph/slice.h"

#include "base/hash.h"
#include "base/mem.h"

int lg_slice_new(struct lg_acct *acct, int64_t index, struct lg_slice **ret)
{
    struct lg_slice *sl = lg_calloc(1, sizeof(*sl));

    if (sl == NULL)
        return LG_ENOMEM;
    acct->bytes += sizeof(*sl);
    sl->index = index;
    *ret = sl;
    return 0;
}

void lg_slice_free(struct lg_acct *acct, struct lg_slice *sl)
{
    if (sl == NULL)
        return;
    lg_acct_vec_done(acct, &sl->procs);
    lg_acct_vec_done(acct, &sl->nodes);
    lg_acct_vec_done(acct, &sl->edges);
    lg_acct_vec_done(acct, &sl->aliases);
    lg_idx_done(acct, &sl->proc_ix);
    lg_idx_done(acct, &sl->node_ix);
    lg_idx_done(acct, &sl->edge_ix);
    lg_idx_done(acct, &sl->alias_ix);
    acct->bytes -= sl->seen_cap * sizeof(*sl->seen) + sl->packed_bytes;
    lg_free(sl->seen);
    lg_free(sl->packed);
    acct->bytes -= sizeof(*sl);
    lg_free(sl);
}

static void proc_copy(struct lg_slice_proc *sp, const struct lg_proc *p)
{
    sp->f = p->f;
    sp->rev = p->rev;
    sp->name = p->name;
    sp->ncmd = p->ncmd;
    sp->fold_key = p->fold_key;
    sp->variant = lg_proc_variant(p);
}

/* The slice's record of a process of the table; LG_IDX_NONE where there is no room. */
static int slice_proc(struct lg_slice *sl, const struct lg_fold *fo, const struct lg_pend *pe,
        uint32_t proc, uint32_t *ret)
{
    const struct lg_proc *p = &fo->pt->procs.v[proc];
    uint32_t h = lg_idx_hash(p->serial), pos = lg_idx_home(&sl->proc_ix, h), i;
    struct lg_slice_proc *sp;

    while ((i = lg_idx_next(&sl->proc_ix, h, &pos)) != LG_IDX_NONE)
        if (sl->procs.v[i].serial == p->serial)
            break;
    if (i == LG_IDX_NONE) {
        if (fo->full) {
            sl->nodes_dropped++;
            *ret = LG_IDX_NONE;
            return 0;
        }
        if (lg_acct_reserve(fo->acct, &sl->procs, sl->procs.n + 1) < 0 ||
                lg_idx_reserve(fo->acct, &sl->proc_ix) < 0)
            return LG_ENOMEM;
        i = sl->procs.n++;
        sp = &sl->procs.v[i];
        memset(sp, 0, sizeof(*sp));
        sp->serial = p->serial;
        sp->first = sp->last = pe->time;
        proc_copy(sp, p);
        lg_idx_put(&sl->proc_ix, h, i);
    }
    sp = &sl->procs.v[i];
    if (sp->rev != p->rev)
        proc_copy(sp, p);
    if ((p->flags & LG_PROCF_OWN) != 0)
        sp->flags |= LG_NODEF_CONTEXT;
    sp->sources |= (uint16_t)(1u << pe->source);
    if (pe->time > sp->last)
        sp->last = pe->time;
    if (pe->time < sp->first)
        sp->first = pe->time;
    *ret = i;
    return 0;
}

static uint32_t find_alias(const struct lg_slice *sl, uint64_t key)
{
    uint32_t h = lg_idx_hash(key), pos = lg_idx_home(&sl->alias_ix, h), i;

    while ((i = lg_idx_next(&sl->alias_ix, h, &pos)) != LG_IDX_NONE)
        if (sl->aliases.v[i].key == key)
            return sl->aliases.v[i].node;
    return LG_IDX_NONE;
}

static uint32_t find_node(const struct lg_slice *sl, const struct lg_slice_node *nd)
{
    uint32_t h = lg_idx_hash(nd->fold_key), pos = lg_idx_home(&sl->node_ix, h), i;

    while ((i = lg_idx_next(&sl->node_ix, h, &pos)) != LG_IDX_NONE) {
        const struct lg_slice_node *o = &sl->nodes.v[i];

        if (o->fold_key == nd->fold_key && o->type == nd->type && o->variant == nd->variant &&
                o->name == nd->name && o->cmd == nd->cmd)
            return i;
    }
    return LG_IDX_NONE;
}

/* What a node of an event is; strings that it brings are in the pool already. */
struct node_in {
    uint32_t meta;
    uint32_t raw;
    uint32_t text;
    uint32_t group;
    uint32_t original;
    uint32_t hash;
    uint32_t text_flags;
    uint32_t user; /* whose name must not show */
};

static int normalised(const struct lg_fold *fo, enum lg_text_kind kind, uint32_t raw, uint32_t user,
        uint32_t *ret)
{
    struct lg_text_names names = {
            .host = lg_strpool_get(fo->sp, fo->host), .user = lg_strpool_get(fo->sp, user)};

    for (unsigned k = 0; k < LG_TEXT_PEOPLE; k++)
        names.people[k] = lg_strpool_get(fo->sp, fo->people[k]);
    return lg_strpool_add(fo->sp,
            lg_textcache_get(fo->tc, kind, fo->platform, &names, lg_strpool_get(fo->sp, raw)), ret);
}

static uint32_t node_flags(const struct node_in *in, uint32_t opn)
{
    uint32_t flags = in->text != 0 ? in->text_flags : 0;

    if ((opn & LG_OPN_SIGNED) != 0)
        flags |= LG_NODEF_SIGNED;
    if ((opn & LG_OPN_UNSIGNED) != 0)
        flags |= LG_NODEF_UNSIGNED;
    if ((opn & LG_OPN_USER_PATH) != 0)
        flags |= LG_NODEF_USER_PATH;
    return flags;
}

static int node_add(
        struct lg_slice *sl, const struct lg_fold *fo, const struct node_in *in, uint32_t *ret)
{
    uint32_t opn = in->meta >> 16 & 0xff;
    struct lg_slice_node nd;

    memset(&nd, 0, sizeof(nd));
    nd.type = (uint8_t)in->meta;
    nd.variant = (uint8_t)(opn & (LG_OPN_SIGNED | LG_OPN_UNSIGNED));
    nd.raw = in->raw;
    nd.cmd_raw = in->text;
    nd.original = in->original;
    nd.hash = in->hash;
    nd.flags = node_flags(in, opn);
    if (normalised(fo, (enum lg_text_kind)(in->meta >> 8 & 0xff), in->raw, in->user, &nd.name) < 0)
        return LG_ENOMEM;
    if (in->text != 0 &&
            normalised(fo, (opn & LG_OPN_TEXT_SCRIPT) != 0 ? LG_TEXT_SCRIPT : LG_TEXT_CMD, in->text,
                    in->user, &nd.cmd) < 0)
        return LG_ENOMEM;
    nd.fold_key = lg_fold_key(nd.type, nd.variant, 0, lg_strpool_get(fo->sp, nd.name),
            lg_strpool_get(fo->sp, nd.cmd));
    *ret = find_node(sl, &nd);
    if (*ret != LG_IDX_NONE) {
        sl->nodes.v[*ret].flags |= nd.flags;
        return 0;
    }
    if (fo->full) {
        sl->nodes_dropped++;
        return 0;
    }
    if (lg_acct_reserve(fo->acct, &sl->nodes, sl->nodes.n + 1) < 0 ||
            lg_idx_reserve(fo->acct, &sl->node_ix) < 0)
        return LG_ENOMEM;
    *ret = sl->nodes.n++;
    nd.first = INT64_MAX;
    sl->nodes.v[*ret] = nd;
    lg_idx_put(&sl->node_ix, lg_idx_hash(nd.fold_key), *ret);
    return 0;
}

static int slice_node(struct lg_slice *sl, const struct lg_fold *fo, const struct lg_pend *pe,
        const struct node_in *in, uint32_t *ret)
{
    uint64_t key = in->group != 0
            ? lg_hash_mix(lg_strpool_hash(fo->sp, in->group), 1)
            : lg_hash_mix(lg_strpool_hash(fo->sp, in->raw), lg_strpool_hash(fo->sp, in->text));
    struct lg_slice_node *nd;

    key = lg_hash_mix(key, in->meta & 0x03ffff); /* type, kind, signed or not */
    *ret = find_alias(sl, key);
    if (*ret == LG_IDX_NONE) {
        if (!fo->full &&
                (lg_acct_reserve(fo->acct, &sl->aliases, sl->aliases.n + 1) < 0 ||
                        lg_idx_reserve(fo->acct, &sl->alias_ix) < 0))
            return LG_ENOMEM;
        if (node_add(sl, fo, in, ret) < 0)
            return LG_ENOMEM;
        if (*ret == LG_IDX_NONE)
            return 0;
        if (!fo->full) {
            lg_idx_put(&sl->alias_ix, lg_idx_hash(key), sl->aliases.n);
            sl->aliases.v[sl->aliases.n++] = (struct lg_slice_alias){key, *ret};
        }
    }
    nd = &sl->nodes.v[*ret];
    nd->sources |= (uint16_t)(1u << pe->source);
    if (nd->original == 0)
        nd->original = in->original;
    if (nd->hash == 0)
        nd->hash = in->hash;
    if (pe->time > nd->last)
        nd->last = pe->time;
    if (pe->time < nd->first)
        nd->first = pe->time;
    return 0;
}

static int slice_edge(struct lg_slice *sl, const struct lg_fold *fo, const struct lg_pend *pe,
        const struct lg_pend_values *pv, uint32_t src, uint32_t dst)
{
    uint32_t attr = pv->v[LG_PS_ATTR], h, pos, i;
    struct lg_slice_edge *ed;

    h = lg_slice_edge_hash(src, dst, pe->edge, attr);
    pos = lg_idx_home(&sl->edge_ix, h);
    while ((i = lg_idx_next(&sl->edge_ix, h, &pos)) != LG_IDX_NONE) {
        ed = &sl->edges.v[i];
        if (ed->src == src && ed->dst == dst && ed->type == pe->edge && ed->attr == attr)
            break;
    }
    if (i == LG_IDX_NONE) {
        if (fo->full) {
            sl->edges_dropped++;
            return 0;
        }
        if (lg_acct_reserve(fo->acct, &sl->edges, sl->edges.n + 1) < 0 ||
                lg_idx_reserve(fo->acct, &sl->edge_ix) < 0)
            return LG_ENOMEM;
        i = sl->edges.n++;
        sl->edges.v[i] = (struct lg_slice_edge){.src = src,
                .dst = dst,
                .attr = attr,
                .type = pe->edge,
                .detail = pv->v[LG_PS_DETAIL],
                .first = pe->time,
                .last = pe->time};
        lg_idx_put(&sl->edge_ix, h, i);
    }
    ed = &sl->edges.v[i];
    if (ed->count < UINT32_MAX)
        ed->count++;
    ed->sources |= (uint16_t)(1u << pe->source);
    if (pe->time > ed->last)
        ed->last = pe->time;
    if (pe->time < ed->first)
        ed->first = pe->time;
    return 0;
}

static struct lg_proc_facts actor_facts(const struct lg_pend_values *pv)
{
    const uint32_t *v = pv->v;

    return (struct lg_proc_facts){
            .guid = v[LG_PS_A_GUID],
            .image = v[LG_PS_A_IMAGE],
            .cmd = v[LG_PS_A_CMD],
            .user = v[LG_PS_A_USER],
            .original = v[LG_PS_A_ORIGINAL],
            .hash = v[LG_PS_A_HASH],
            .pid = v[LG_PS_A_PID],
            .text_flags = v[LG_PS_A_CMD] != 0 ? v[LG_PS_TEXT_FLAGS] : 0,
            .integrity = (uint8_t)v[LG_PS_A_CLASS],
            .user_class = (uint8_t)(v[LG_PS_A_CLASS] >> 8),
            .system = (uint8_t)(v[LG_PS_A_CLASS] >> 16),
            .start = (lg_time)((uint64_t)v[LG_PS_A_START_HI] << 32 | v[LG_PS_A_START_LO]),
    };
}

static struct lg_proc_facts parent_facts(const struct lg_fold *fo, const struct lg_pend_values *pv)
{
    const uint32_t *v = pv->v;

    return (struct lg_proc_facts){
            .guid = v[LG_PS_P_GUID],
            .image = v[LG_PS_P_IMAGE],
            .cmd = v[LG_PS_P_CMD],
            .user = v[LG_PS_P_USER],
            .pid = v[LG_PS_P_PID],
            .text_flags =
                    v[LG_PS_P_CMD] != 0 ? lg_text_flags(lg_strpool_get(fo->sp, v[LG_PS_P_CMD])) : 0,
            .user_class = (uint8_t)(v[LG_PS_P_CLASS] >> 8),
    };
}

static struct lg_proc_facts target_facts(const struct lg_pend_values *pv)
{
    const uint32_t *v = pv->v;

    return (struct lg_proc_facts){
            .guid = v[LG_PS_T_GUID],
            .image = v[LG_PS_T_IMAGE],
            .user = v[LG_PS_T_USER],
            .pid = v[LG_PS_T_PID],
            .user_class = (uint8_t)(v[LG_PS_T_CLASS] >> 8),
    };
}

/* An end that nothing names still is some process. */
static int facts_known(const struct lg_fold *fo, struct lg_proc_facts *f)
{
    if (f->guid != 0 || f->pid != 0 || f->image != 0)
        return 0;
    return lg_strpool_add(fo->sp, LG_STR("<unknown process>"), &f->image);
}

struct fold_ends {
    uint32_t src;
    uint32_t dst;
};

/* Creation and fork: both ends are processes, and the table learns of a new one. */
static int fold_birth(struct lg_slice *sl, const struct lg_fold *fo, const struct lg_pend *pe,
        const struct lg_pend_values *pv, const struct lg_proc_ctx *cx, struct fold_ends *ret)
{
    bool target = (pe->ends >> 4) == LG_END_TARGET;
    struct lg_proc_facts child = target ? target_facts(pv) : actor_facts(pv);
    struct lg_proc_facts up = target ? actor_facts(pv) : parent_facts(fo, pv);
    uint32_t parent, proc, before = LG_IDX_NONE, dst;
    int r;

    r = facts_known(fo, &up);
    if (r == 0)
        r = lg_proctab_touch(fo->pt, cx, &up, target, &parent);
    if (r != 0)
        return r;
    if (pe->life == LG_LIFE_FORK)
        r = lg_proctab_fork(fo->pt, cx, &child, parent, &proc);
    else
        r = lg_proctab_create(fo->pt, cx, &child, fo->pt->procs.v[parent].f.pid, &proc, &before);
    if (r != 0)
        return r;
    r = slice_proc(sl, fo, pe, before != LG_IDX_NONE ? before : parent, &ret->src);
    if (r == 0)
        r = slice_proc(sl, fo, pe, proc, &dst);
    if (r != 0)
        return r;
    ret->dst = dst;
    if (dst != LG_IDX_NONE)
        sl->procs.v[dst].flags |= LG_NODEF_CREATED;
    return 0;
}

static int fold_proc(struct lg_slice *sl, const struct lg_fold *fo, const struct lg_pend *pe,
        const struct lg_proc_ctx *cx, struct lg_proc_facts f, bool own, uint32_t *ret)
{
    uint32_t proc;
    int r = facts_known(fo, &f);

    if (r == 0)
        r = lg_proctab_touch(fo->pt, cx, &f, own, &proc);
    if (r == 0)
        r = slice_proc(sl, fo, pe, proc, ret);
    if (r == 0 && own && pe->life == LG_LIFE_EXIT) {
        lg_proctab_exit(fo->pt, proc);
        if (*ret != LG_IDX_NONE)
            sl->procs.v[*ret].flags |= LG_NODEF_EXITED;
    }
    return r;
}

static int fold_node(struct lg_slice *sl, const struct lg_fold *fo, const struct lg_pend *pe,
        const struct lg_pend_values *pv, bool source, uint32_t *ret)
{
    const uint32_t *v = pv->v;
    struct node_in in = {.meta = v[LG_PS_S_META], .raw = v[LG_PS_S_RAW], .user = v[LG_PS_A_USER]};
    int r;

    if (!source)
        in = (struct node_in){v[LG_PS_D_META], v[LG_PS_D_RAW], v[LG_PS_D_TEXT], v[LG_PS_D_GROUP],
                v[LG_PS_D_ORIGINAL], v[LG_PS_D_HASH], v[LG_PS_TEXT_FLAGS], v[LG_PS_A_USER]};
    r = slice_node(sl, fo, pe, &in, ret);
    if (r == 0 && *ret != LG_IDX_NONE)
        *ret |= LG_SLICE_NODE;
    return r;
}

static int fold_ends(struct lg_slice *sl, const struct lg_fold *fo, const struct lg_pend *pe,
        const struct lg_pend_values *pv, const struct lg_proc_ctx *cx, struct fold_ends *ret)
{
    int r;

    if ((pe->ends & 15) == LG_END_NODE)
        r = fold_node(sl, fo, pe, pv, true, &ret->src);
    else
        r = fold_proc(sl, fo, pe, cx, actor_facts(pv), true, &ret->src);
    if (r < 0)
        return r;
    switch (pe->ends >> 4) {
    case LG_END_NODE:
        return fold_node(sl, fo, pe, pv, false, &ret->dst);
    case LG_END_TARGET:
        return fold_proc(sl, fo, pe, cx, target_facts(pv), false, &ret->dst);
    default:
        ret->dst = ret->src;
        return 0;
    }
}

void lg_slice_settle(struct lg_acct *acct, struct lg_slice *sl)
{
    if (!sl->settled) {
        sl->settled = true;
        lg_idx_done(acct, &sl->proc_ix);
        lg_idx_done(acct, &sl->node_ix);
        lg_idx_done(acct, &sl->edge_ix);
        lg_idx_done(acct, &sl->alias_ix);
    }
    lg_slice_pack(acct, sl);
}

/* The indexes of a settled slice; LG_ENOMEM leaves it settled, and what was made is made again. */
static int slice_wake(struct lg_slice *sl, struct lg_acct *acct)
{
    if (lg_slice_unpack(acct, sl) < 0)
        return LG_ENOMEM;
    lg_idx_clear(&sl->proc_ix);
    lg_idx_clear(&sl->node_ix);
    lg_idx_clear(&sl->edge_ix);
    lg_idx_clear(&sl->alias_ix);
    for (uint32_t i = 0; i < sl->procs.n; i++) {
        if (lg_idx_reserve(acct, &sl->proc_ix) < 0)
            return LG_ENOMEM;
        lg_idx_put(&sl->proc_ix, lg_idx_hash(sl->procs.v[i].serial), i);
    }
    for (uint32_t i = 0; i < sl->nodes.n; i++) {
        if (lg_idx_reserve(acct, &sl->node_ix) < 0)
            return LG_ENOMEM;
        lg_idx_put(&sl->node_ix, lg_idx_hash(sl->nodes.v[i].fold_key), i);
    }
    for (uint32_t i = 0; i < sl->edges.n; i++) {
        const struct lg_slice_edge *ed = &sl->edges.v[i];

        if (lg_idx_reserve(acct, &sl->edge_ix) < 0)
            return LG_ENOMEM;
        lg_idx_put(&sl->edge_ix, lg_slice_edge_hash(ed->src, ed->dst, ed->type, ed->attr), i);
    }
    for (uint32_t i = 0; i < sl->aliases.n; i++) {
        if (lg_idx_reserve(acct, &sl->alias_ix) < 0)
            return LG_ENOMEM;
        lg_idx_put(&sl->alias_ix, lg_idx_hash(sl->aliases.v[i].key), i);
    }
    sl->settled = false;
    return 0;
}

int lg_slice_fold(struct lg_slice *sl, const struct lg_fold *fo, const struct lg_pend *pe,
        const struct lg_pend_values *pv)
{
    struct lg_proc_ctx cx = {
            fo->tc, fo->platform, (enum lg_source)pe->source, pe->time, fo->host, fo->people};
    struct fold_ends ends = {LG_IDX_NONE, LG_IDX_NONE};
    int r;

    if (sl->settled && slice_wake(sl, fo->acct) < 0)
        return LG_ENOMEM;
    sl->events++;
    sl->type_counts[pe->type]++;
    sl->sources |= 1u << pe->source;
    if (pe->ends == 0)
        return 0;
    if (pe->life == LG_LIFE_CREATE || pe->life == LG_LIFE_FORK)
        r = fold_birth(sl, fo, pe, pv, &cx, &ends);
    else
        r = fold_ends(sl, fo, pe, pv, &cx, &ends);
    if (r < 0)
        return r;
    if (ends.src == LG_IDX_NONE || ends.dst == LG_IDX_NONE) {
        sl->edges_dropped++;
        return 0;
    }
    return slice_edge(sl, fo, pe, pv, ends.src, ends.dst);
}

void lg_slice_mark(const struct lg_slice *sl, struct lg_strmarks *mk)
{
    for (uint32_t i = 0; i < sl->procs.n; i++) {
        const struct lg_slice_proc *p = &sl->procs.v[i];
        const uint32_t ids[] = {p->f.guid, p->f.image, p->f.cmd, p->f.user, p->f.original,
                p->f.hash, p->name, p->ncmd};

        for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++)
            lg_strmark(mk, ids[k]);
    }
    for (uint32_t i = 0; i < sl->nodes.n; i++) {
        const struct lg_slice_node *n = &sl->nodes.v[i];
        const uint32_t ids[] = {n->name, n->cmd, n->raw, n->cmd_raw, n->original, n->hash};

        for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++)
            lg_strmark(mk, ids[k]);
    }
    for (uint32_t i = 0; i < sl->edges.n; i++)
        lg_strmark(mk, sl->edges.v[i].detail);
}
