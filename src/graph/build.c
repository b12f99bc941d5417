#include "graph/build.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

/* A node while the window is put together; ids are of the endpoint's pool. */
struct win_node {
    struct lg_node nd;
    uint32_t name;
    uint32_t cmd;
    uint8_t variant;
};

/* One identity over the slices of the window: first sight and latest knowledge. */
struct win_proc {
    const struct lg_slice_proc *first;
    const struct lg_slice_proc *latest;
    uint32_t flags;
    uint16_t sources;
    uint32_t node;
};

struct sort_key {
    uint64_t a;
    uint64_t b;
    uint32_t i;
};

struct lg_builder {
    struct lg_acct acct;
    LG_ACCT_VEC(struct win_proc) procs;
    LG_ACCT_VEC(struct win_node) nodes;
    LG_ACCT_VEC(struct lg_edge) edges;
    LG_ACCT_VEC(uint64_t) aliases;
    LG_ACCT_VEC(uint32_t) map; /* of one slice: procs, then nodes, to window nodes or procs */
    LG_ACCT_VEC(uint32_t) place;
    LG_ACCT_VEC(struct sort_key) keys;
    LG_ACCT_VEC(struct lg_node) out_nodes;
    LG_ACCT_VEC(struct lg_edge) out_edges;
    struct lg_idx proc_ix;
    struct lg_idx node_ix;
    struct lg_idx edge_ix;
    struct lg_idx alias_ix;
    const struct lg_strpool *sp;
};

int lg_builder_new(struct lg_builder **ret)
{
    struct lg_builder *bd = lg_calloc(1, sizeof(*bd));

    if (bd == NULL)
        return LG_ENOMEM;
    *ret = bd;
    return 0;
}

void lg_builder_free(struct lg_builder *bd)
{
    if (bd == NULL)
        return;
    lg_acct_vec_done(&bd->acct, &bd->procs);
    lg_acct_vec_done(&bd->acct, &bd->nodes);
    lg_acct_vec_done(&bd->acct, &bd->edges);
    lg_acct_vec_done(&bd->acct, &bd->aliases);
    lg_acct_vec_done(&bd->acct, &bd->map);
    lg_acct_vec_done(&bd->acct, &bd->place);
    lg_acct_vec_done(&bd->acct, &bd->keys);
    lg_acct_vec_done(&bd->acct, &bd->out_nodes);
    lg_acct_vec_done(&bd->acct, &bd->out_edges);
    lg_idx_done(&bd->acct, &bd->proc_ix);
    lg_idx_done(&bd->acct, &bd->node_ix);
    lg_idx_done(&bd->acct, &bd->edge_ix);
    lg_idx_done(&bd->acct, &bd->alias_ix);
    lg_free(bd);
}

size_t lg_builder_bytes(const struct lg_builder *bd)
{
    return bd->acct.bytes;
}

static struct lg_str text(const struct lg_builder *bd, uint32_t id)
{
    return lg_strpool_get(bd->sp, id);
}

static void node_span(struct lg_node *nd, lg_time first, lg_time last)
{
    if (first < nd->first_ns)
        nd->first_ns = first;
    if (last > nd->last_ns)
        nd->last_ns = last;
}

/* --- processes: identities first, then what they fold into --- */

static int gather_proc(struct lg_builder *bd, const struct lg_slice_proc *sp)
{
    uint32_t h = lg_idx_hash(sp->serial), pos = lg_idx_home(&bd->proc_ix, h), i;
    struct win_proc *wp;

    while ((i = lg_idx_next(&bd->proc_ix, h, &pos)) != LG_IDX_NONE)
        if (bd->procs.v[i].first->serial == sp->serial)
            break;
    if (i == LG_IDX_NONE) {
        if (lg_acct_reserve(&bd->acct, &bd->procs, bd->procs.n + 1) < 0 ||
                lg_idx_reserve(&bd->acct, &bd->proc_ix) < 0)
            return LG_ENOMEM;
        i = bd->procs.n++;
        bd->procs.v[i] = (struct win_proc){sp, sp, 0, 0, LG_IDX_NONE};
        lg_idx_put(&bd->proc_ix, h, i);
    }
    wp = &bd->procs.v[i];
    wp->latest = sp;
    wp->flags |= sp->flags;
    wp->sources |= sp->sources;
    return 0;
}

static uint32_t proc_flags(uint32_t seen)
{
    uint32_t flags = seen & LG_NODEF_EXITED;

    if ((seen & LG_NODEF_CREATED) != 0)
        return flags | LG_NODEF_CREATED;
    return flags | ((seen & LG_NODEF_CONTEXT) != 0 ? LG_NODEF_CONTEXT : LG_NODEF_STUB);
}

static uint32_t find_node(const struct lg_builder *bd, uint64_t key, uint8_t type, uint8_t variant,
        uint32_t name, uint32_t cmd)
{
    uint32_t h = lg_idx_hash(key), pos = lg_idx_home(&bd->node_ix, h), i;

    while ((i = lg_idx_next(&bd->node_ix, h, &pos)) != LG_IDX_NONE) {
        const struct win_node *wn = &bd->nodes.v[i];

        if (wn->nd.fold_key == key && wn->nd.type == type && wn->variant == variant &&
                wn->name == name && wn->cmd == cmd)
            return i;
    }
    return LG_IDX_NONE;
}

static int add_node(struct lg_builder *bd, const struct win_node *wn, uint32_t *ret)
{
    if (lg_acct_reserve(&bd->acct, &bd->nodes, bd->nodes.n + 1) < 0 ||
            lg_idx_reserve(&bd->acct, &bd->node_ix) < 0)
        return LG_ENOMEM;
    *ret = bd->nodes.n++;
    bd->nodes.v[*ret] = *wn;
    lg_idx_put(&bd->node_ix, lg_idx_hash(wn->nd.fold_key), *ret);
    return 0;
}

static struct win_node proc_node(const struct lg_builder *bd, const struct win_proc *wp)
{
    const struct lg_proc_facts *f = &wp->latest->f;
    struct win_node wn;

    memset(&wn, 0, sizeof(wn));
    wn.name = wp->latest->name;
    wn.cmd = wp->latest->ncmd;
    wn.variant = wp->latest->variant;
    wn.nd = (struct lg_node){
            .type = LG_NODE_PROCESS,
            .integrity = f->integrity,
            .user_class = f->user_class,
            .fold_key = wp->latest->fold_key,
            .pid = f->pid,
            .first_ns = wp->first->first,
            .last_ns = wp->latest->last,
            .name = wn.name != 0 ? text(bd, wn.name) : LG_STR("<unknown process>"),
            .raw = text(bd, f->image),
            .cmd = text(bd, wn.cmd),
            .cmd_raw = text(bd, f->cmd),
            .user = text(bd, f->user),
            .guid = text(bd, f->guid),
    };
    return wn;
}

static int fold_proc(struct lg_builder *bd, struct win_proc *wp)
{
    const struct lg_slice_proc *sp = wp->latest;
    struct lg_node *nd;
    int r = 0;

    wp->node = find_node(bd, sp->fold_key, LG_NODE_PROCESS, sp->variant, sp->name, sp->ncmd);
    if (wp->node == LG_IDX_NONE) {
        struct win_node wn = proc_node(bd, wp);

        r = add_node(bd, &wn, &wp->node);
        if (r < 0)
            return r;
    }
    nd = &bd->nodes.v[wp->node].nd;
    nd->instances++;
    nd->sources |= wp->sources;
    nd->flags |= proc_flags(wp->flags) | sp->f.text_flags;
    if (nd->original.n == 0)
        nd->original = text(bd, sp->f.original);
    if (nd->hash.n == 0)
        nd->hash = text(bd, sp->f.hash);
    node_span(nd, wp->first->first, sp->last);
    return 0;
}

/* --- other nodes, and how many things they stand for --- */

static int fold_slice_node(struct lg_builder *bd, const struct lg_slice_node *sn, uint32_t *ret)
{
    struct lg_node *nd;

    *ret = find_node(bd, sn->fold_key, sn->type, sn->variant, sn->name, sn->cmd);
    if (*ret == LG_IDX_NONE) {
        struct win_node wn;

        memset(&wn, 0, sizeof(wn));
        wn.name = sn->name;
        wn.cmd = sn->cmd;
        wn.variant = sn->variant;
        wn.nd = (struct lg_node){
                .type = sn->type,
                .fold_key = sn->fold_key,
                .first_ns = sn->first,
                .last_ns = sn->last,
                .name = text(bd, sn->name),
                .raw = text(bd, sn->raw),
                .cmd = text(bd, sn->cmd),
                .cmd_raw = text(bd, sn->cmd_raw),
        };
        if (add_node(bd, &wn, ret) < 0)
            return LG_ENOMEM;
    }
    nd = &bd->nodes.v[*ret].nd;
    nd->sources |= sn->sources;
    nd->flags |= sn->flags;
    if (nd->original.n == 0)
        nd->original = text(bd, sn->original);
    if (nd->hash.n == 0)
        nd->hash = text(bd, sn->hash);
    node_span(nd, sn->first, sn->last);
    return 0;
}

static int count_alias(struct lg_builder *bd, uint64_t key, uint32_t node)
{
    uint32_t h = lg_idx_hash(key), pos = lg_idx_home(&bd->alias_ix, h), i;

    while ((i = lg_idx_next(&bd->alias_ix, h, &pos)) != LG_IDX_NONE)
        if (bd->aliases.v[i] == key)
            return 0;
    if (lg_acct_reserve(&bd->acct, &bd->aliases, bd->aliases.n + 1) < 0 ||
            lg_idx_reserve(&bd->acct, &bd->alias_ix) < 0)
        return LG_ENOMEM;
    lg_idx_put(&bd->alias_ix, h, bd->aliases.n);
    bd->aliases.v[bd->aliases.n++] = key;
    bd->nodes.v[node].nd.instances++;
    return 0;
}

/* --- edges --- */

static int fold_edge(
        struct lg_builder *bd, const struct lg_slice_edge *se, uint32_t src, uint32_t dst)
{
    uint32_t h, pos, i;
    struct lg_edge *ed;

    h = lg_idx_hash(lg_hash_mix((uint64_t)src << 32 | dst, (uint64_t)se->type << 32 | se->attr));
    pos = lg_idx_home(&bd->edge_ix, h);
    while ((i = lg_idx_next(&bd->edge_ix, h, &pos)) != LG_IDX_NONE) {
        ed = &bd->edges.v[i];
        if (ed->src == src && ed->dst == dst && ed->type == se->type && ed->attr == se->attr)
            break;
    }
    if (i == LG_IDX_NONE) {
        if (lg_acct_reserve(&bd->acct, &bd->edges, bd->edges.n + 1) < 0 ||
                lg_idx_reserve(&bd->acct, &bd->edge_ix) < 0)
            return LG_ENOMEM;
        i = bd->edges.n++;
        bd->edges.v[i] = (struct lg_edge){.src = src,
                .dst = dst,
                .type = se->type,
                .attr = se->attr,
                .first_ns = se->first,
                .last_ns = se->last,
                .detail = text(bd, se->detail)};
        lg_idx_put(&bd->edge_ix, h, i);
    }
    ed = &bd->edges.v[i];
    ed->count = se->count > UINT32_MAX - ed->count ? UINT32_MAX : ed->count + se->count;
    ed->sources |= se->sources;
    if (se->first < ed->first_ns) {
        ed->first_ns = se->first;
        ed->detail = text(bd, se->detail);
    }
    if (se->last > ed->last_ns)
        ed->last_ns = se->last;
    return 0;
}

static int fold_slice(struct lg_builder *bd, const struct lg_slice *sl)
{
    if (lg_acct_reserve(&bd->acct, &bd->map, sl->procs.n + sl->nodes.n) < 0)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < sl->procs.n; i++) {
        uint32_t serial = sl->procs.v[i].serial, h = lg_idx_hash(serial);
        uint32_t pos = lg_idx_home(&bd->proc_ix, h), p;

        while ((p = lg_idx_next(&bd->proc_ix, h, &pos)) != LG_IDX_NONE)
            if (bd->procs.v[p].first->serial == serial)
                break;
        bd->map.v[i] = bd->procs.v[p].node;
    }
    for (uint32_t i = 0; i < sl->nodes.n; i++)
        if (fold_slice_node(bd, &sl->nodes.v[i], &bd->map.v[sl->procs.n + i]) < 0)
            return LG_ENOMEM;
    for (uint32_t i = 0; i < sl->aliases.n; i++)
        if (count_alias(bd, sl->aliases.v[i].key, bd->map.v[sl->procs.n + sl->aliases.v[i].node]) <
                0)
            return LG_ENOMEM;
    for (uint32_t i = 0; i < sl->edges.n; i++) {
        const struct lg_slice_edge *se = &sl->edges.v[i];
        uint32_t src =
                (se->src & LG_SLICE_NODE) != 0 ? sl->procs.n + (se->src & ~LG_SLICE_NODE) : se->src;
        uint32_t dst =
                (se->dst & LG_SLICE_NODE) != 0 ? sl->procs.n + (se->dst & ~LG_SLICE_NODE) : se->dst;

        if (fold_edge(bd, se, bd->map.v[src], bd->map.v[dst]) < 0)
            return LG_ENOMEM;
    }
    return 0;
}

/* --- caps and canonical order --- */

static int key_order(const void *x, const void *y)
{
    const struct sort_key *p = x, *q = y;

    if (p->a != q->a)
        return p->a < q->a ? -1 : 1;
    if (p->b != q->b)
        return p->b < q->b ? -1 : 1;
    return p->i < q->i ? -1 : p->i > q->i;
}

static int same_key_order(const struct win_node *p, const struct win_node *q)
{
    int c = lg_str_cmp(p->nd.name, q->nd.name);

    if (c == 0)
        c = lg_str_cmp(p->nd.cmd, q->nd.cmd);
    if (c == 0)
        c = (int)p->variant - (int)q->variant;
    return c;
}

/* Fold keys are 64 bits that an attacker may aim at: equal ones stand in the order of the text. */
static void order_collisions(struct lg_builder *bd)
{
    for (uint32_t i = 1; i < bd->keys.n; i++) {
        for (uint32_t j = i; j > 0; j--) {
            struct sort_key *p = &bd->keys.v[j - 1], *q = &bd->keys.v[j], t;

            if (p->a != q->a || p->b != q->b ||
                    same_key_order(&bd->nodes.v[p->i], &bd->nodes.v[q->i]) <= 0)
                break;
            t = *p;
            *p = *q;
            *q = t;
        }
    }
}

#define NODE_DROPPED UINT32_MAX

/* Processes first, then the names with the fewest events; the rest loses its place. */
static void cap_nodes(struct lg_builder *bd, uint32_t max, struct lg_graph *g)
{
    if (max == 0 || bd->nodes.n <= max)
        return;
    for (uint32_t i = 0; i < bd->nodes.n; i++)
        bd->keys.v[i] = (struct sort_key){0, bd->nodes.v[i].nd.fold_key, i};
    for (uint32_t i = 0; i < bd->edges.n; i++) {
        const struct lg_edge *ed = &bd->edges.v[i];

        bd->keys.v[ed->src].a += ed->count;
        if (ed->dst != ed->src)
            bd->keys.v[ed->dst].a += ed->count;
    }
    for (uint32_t i = 0; i < bd->nodes.n; i++)
        if (bd->nodes.v[i].nd.type != LG_NODE_PROCESS)
            bd->keys.v[i].a |= UINT64_C(1) << 63;
        else if ((bd->nodes.v[i].nd.flags & LG_NODEF_CREATED) == 0)
            bd->keys.v[i].a |= UINT64_C(1) << 62;
    bd->keys.n = bd->nodes.n;
    qsort(bd->keys.v, bd->keys.n, sizeof(*bd->keys.v), key_order);
    order_collisions(bd);
    for (uint32_t i = max; i < bd->keys.n; i++)
        bd->place.v[bd->keys.v[i].i] = NODE_DROPPED;
    g->nodes_dropped += bd->nodes.n - max;
}

static void place_nodes(struct lg_builder *bd, struct lg_graph *g)
{
    bd->keys.n = 0;
    for (uint32_t i = 0; i < bd->nodes.n; i++)
        if (bd->place.v[i] != NODE_DROPPED)
            bd->keys.v[bd->keys.n++] =
                    (struct sort_key){bd->nodes.v[i].nd.type, bd->nodes.v[i].nd.fold_key, i};
    qsort(bd->keys.v, bd->keys.n, sizeof(*bd->keys.v), key_order);
    order_collisions(bd);
    for (uint32_t i = 0; i < bd->keys.n; i++) {
        bd->place.v[bd->keys.v[i].i] = i;
        bd->out_nodes.v[i] = bd->nodes.v[bd->keys.v[i].i].nd;
    }
    g->nodes = bd->out_nodes.v;
    g->n_nodes = bd->out_nodes.n = bd->keys.n;
}

static struct sort_key edge_rank(const struct lg_edge *ed)
{
    /* attributes stand where the index stands elsewhere: the order is the edge's own */
    return (struct sort_key){ed->type == LG_EDGE_SPAWN ? 0 : (uint64_t)ed->count << 8 | ed->type,
            (uint64_t)ed->src << 32 | ed->dst, ed->attr};
}

/* Creations first, then the rarest; the rest goes. */
static void cap_edges(struct lg_builder *bd, uint32_t max, struct lg_graph *g)
{
    uint32_t n = bd->edges.n, kept = 0;
    struct sort_key last;

    if (max == 0 || n <= max)
        return;
    for (uint32_t i = 0; i < n; i++)
        bd->keys.v[i] = edge_rank(&bd->edges.v[i]);
    qsort(bd->keys.v, n, sizeof(*bd->keys.v), key_order);
    last = bd->keys.v[max - 1];
    for (uint32_t i = 0; i < n; i++) {
        struct sort_key k = edge_rank(&bd->edges.v[i]);

        if (key_order(&k, &last) <= 0)
            bd->edges.v[kept++] = bd->edges.v[i];
    }
    bd->edges.n = kept;
    g->edges_dropped += n - kept;
}

static void place_edges(struct lg_builder *bd, uint32_t max, struct lg_graph *g)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < bd->edges.n; i++) {
        struct lg_edge ed = bd->edges.v[i];

        ed.src = bd->place.v[ed.src];
        ed.dst = bd->place.v[ed.dst];
        if (ed.src == NODE_DROPPED || ed.dst == NODE_DROPPED) {
            g->edges_dropped++;
            continue;
        }
        bd->edges.v[kept++] = ed;
    }
    bd->edges.n = kept;
    cap_edges(bd, max, g);
    for (uint32_t i = 0; i < bd->edges.n; i++) {
        const struct lg_edge *ed = &bd->edges.v[i];

        bd->keys.v[i] = (struct sort_key){
                (uint64_t)ed->src << 32 | ed->dst, (uint64_t)ed->type << 32 | ed->attr, i};
    }
    qsort(bd->keys.v, bd->edges.n, sizeof(*bd->keys.v), key_order);
    for (uint32_t i = 0; i < bd->edges.n; i++)
        bd->out_edges.v[i] = bd->edges.v[bd->keys.v[i].i];
    g->edges = bd->out_edges.v;
    g->n_edges = bd->out_edges.n = bd->edges.n;
}

static int reserve_output(struct lg_builder *bd)
{
    uint32_t keys = bd->nodes.n > bd->edges.n ? bd->nodes.n : bd->edges.n;

    if (lg_acct_reserve(&bd->acct, &bd->keys, keys) < 0 ||
            lg_acct_reserve(&bd->acct, &bd->place, bd->nodes.n) < 0 ||
            lg_acct_reserve(&bd->acct, &bd->out_nodes, bd->nodes.n) < 0 ||
            lg_acct_reserve(&bd->acct, &bd->out_edges, bd->edges.n) < 0)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < bd->nodes.n; i++)
        bd->place.v[i] = 0;
    return 0;
}

/* One storm must not make every later window clear its tables. */
static void index_clear(struct lg_builder *bd, struct lg_idx *ix)
{
    if (ix->cap > 1024 && ix->n < ix->cap / 8)
        lg_idx_done(&bd->acct, ix);
    else
        lg_idx_clear(ix);
}

static void builder_clear(struct lg_builder *bd)
{
    bd->procs.n = bd->nodes.n = bd->edges.n = bd->aliases.n = bd->keys.n = 0;
    index_clear(bd, &bd->proc_ix);
    index_clear(bd, &bd->node_ix);
    index_clear(bd, &bd->edge_ix);
    index_clear(bd, &bd->alias_ix);
}

static void count_slice(struct lg_graph *g, const struct lg_slice *sl)
{
    g->events += sl->events;
    g->sources |= sl->sources;
    g->late_events += sl->late;
    g->nodes_dropped += sl->nodes_dropped;
    g->edges_dropped += sl->edges_dropped;
    for (unsigned t = 0; t < LG_EVENT_TYPE_COUNT; t++)
        g->type_counts[t] += sl->type_counts[t];
    for (unsigned l = 0; l < LG_LEDGER_COUNT; l++)
        g->ledger[l] += sl->ledger[l];
}

int lg_builder_run(struct lg_builder *bd, const struct lg_build_in *in, struct lg_graph *g)
{
    builder_clear(bd);
    bd->sp = in->sp;
    for (uint32_t s = 0; s < in->n_slices; s++)
        for (uint32_t i = 0; i < in->slices[s]->procs.n; i++)
            if (gather_proc(bd, &in->slices[s]->procs.v[i]) < 0)
                return LG_ENOMEM;
    for (uint32_t i = 0; i < bd->procs.n; i++)
        if (fold_proc(bd, &bd->procs.v[i]) < 0)
            return LG_ENOMEM;
    for (uint32_t s = 0; s < in->n_slices; s++) {
        if (fold_slice(bd, in->slices[s]) < 0)
            return LG_ENOMEM;
        count_slice(g, in->slices[s]);
    }
    if (reserve_output(bd) < 0)
        return LG_ENOMEM;
    cap_nodes(bd, in->max_nodes, g);
    place_nodes(bd, g);
    place_edges(bd, in->max_edges, g);
    return 0;
}
