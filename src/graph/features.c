#include "graph/features.h"

#include <stdlib.h>

#include "base/math.h"
#include "base/mem.h"
#include "graph/features_int.h"

#define SRC(s) (1u << LG_SOURCE_##s)
#define EDGE(e) (UINT64_C(1) << LG_EDGE_##e)

/*
 * Sysmon and the Linux collectors, and the edges that they report. What only the Security,
 * PowerShell and System logs tell is left to the patterns: not every fleet collects them, and a
 * model would learn who does. Where a window has no Sysmon edge at all, process creations and
 * exits of the Security log take its place (edge_in_view), so that such a fleet is not blind.
 */
const struct lg_view lg_view_default = {
        .sources = SRC(SYSMON) | SRC(SYSMON_LINUX) | SRC(AUDITD) | SRC(SYSFLOW) | SRC(SYSDIG) |
                SRC(FALCO) | SRC(TRACEE) | SRC(TETRAGON) | SRC(EBPF_PROCESS) | SRC(EBPF_FILE) |
                SRC(EBPF_NETWORK),
        .edge_types = EDGE(SPAWN) | EDGE(EXIT) | EDGE(ACCESS) | EDGE(PTRACE) | EDGE(SIGNAL) |
                EDGE(REMOTE_THREAD) | EDGE(TAMPER) | EDGE(LOAD) | EDGE(DRIVER_LOAD) | EDGE(READ) |
                EDGE(WRITE) | EDGE(DELETE) | EDGE(RENAME) | EDGE(LINK) | EDGE(STREAM) |
                EDGE(MODE_CHANGE) | EDGE(TIME_CHANGE) | EDGE(EXECUTABLE_WRITE) | EDGE(KEY_CREATE) |
                EDGE(KEY_DELETE) | EDGE(VALUE_SET) | EDGE(KEY_RENAME) | EDGE(PIPE_CREATE) |
                EDGE(PIPE_CONNECT) | EDGE(CONNECT_OUT) | EDGE(CONNECT_IN) | EDGE(LISTEN) |
                EDGE(DNS_QUERY) | EDGE(RAW_READ) | EDGE(CLIPBOARD) | EDGE(WMI_SUBSCRIBE) |
                EDGE(SETID) | EDGE(MEMFD) | EDGE(BPF) | EDGE(MOUNT) | EDGE(KMOD),
        .max_nodes = 2048,
};

int lg_features_new(struct lg_features **ret)
{
    struct lg_features *fs = lg_calloc(1, sizeof(*fs));

    if (fs == NULL)
        return LG_ENOMEM;
    lg_map_init(&fs->cache);
    fs->bits = lg_calloc(LG_GRAPH_TOKEN_VOCAB / 64, sizeof(*fs->bits));
    if (fs->bits == NULL) {
        lg_free(fs);
        return LG_ENOMEM;
    }
    for (unsigned i = 0; i < 256; i++)
        fs->log1p[i] = (float)lg_math_log1p((double)i);
    *ret = fs;
    return 0;
}

void lg_features_free(struct lg_features *fs)
{
    if (fs == NULL)
        return;
    lg_acct_vec_done(&fs->acct, &fs->sel.node);
    lg_acct_vec_done(&fs->acct, &fs->sel.edge);
    lg_acct_vec_done(&fs->acct, &fs->sel.index);
    lg_acct_vec_done(&fs->acct, &fs->rank);
    lg_acct_vec_done(&fs->acct, &fs->pool);
    lg_acct_vec_done(&fs->acct, &fs->node_type);
    lg_acct_vec_done(&fs->acct, &fs->node_num);
    lg_acct_vec_done(&fs->acct, &fs->tok_off);
    lg_acct_vec_done(&fs->acct, &fs->tok);
    lg_acct_vec_done(&fs->acct, &fs->src);
    lg_acct_vec_done(&fs->acct, &fs->dst);
    lg_acct_vec_done(&fs->acct, &fs->edge_type);
    lg_acct_vec_done(&fs->acct, &fs->edge_attr);
    lg_acct_vec_done(&fs->acct, &fs->edge_num);
    lg_acct_vec_done(&fs->acct, &fs->degree);
    lg_acct_vec_done(&fs->acct, &fs->graph_tok);
    lg_ablation_done(fs);
    lg_map_done(&fs->cache);
    lg_free(fs->bits);
    lg_free(fs);
}

float lg_log1p_u64(const struct lg_features *fs, uint64_t v)
{
    return v < 256 ? fs->log1p[v] : (float)lg_math_log1p((double)v);
}

/* --- the view --- */

/* Sources that count in this window for edges of a type; see lg_view_default. */
struct view_rule {
    uint32_t sources;
    bool security_processes;
};

static struct view_rule rule_of(const struct lg_graph *g, const struct lg_view *view)
{
    struct view_rule rule = {view->sources, false};

    if ((view->sources & SRC(SYSMON)) == 0 || (view->sources & SRC(WIN_SECURITY)) != 0)
        return rule;
    for (uint32_t i = 0; i < g->n_edges; i++)
        if ((g->edges[i].sources & SRC(SYSMON)) != 0)
            return rule;
    rule.security_processes = true;
    return rule;
}

static bool edge_in_view(
        const struct lg_view *view, const struct view_rule *rule, const struct lg_edge *ed)
{
    if ((view->edge_types >> ed->type & 1) == 0)
        return false;
    if ((ed->sources & rule->sources) != 0)
        return true;
    return rule->security_processes && (ed->sources & SRC(WIN_SECURITY)) != 0 &&
            (ed->type == LG_EDGE_SPAWN || ed->type == LG_EDGE_EXIT);
}

static int rank_order(const void *x, const void *y)
{
    const struct lg_rank *a = x, *b = y;

    if (a->weight != b->weight)
        return a->weight < b->weight ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

/* Over the cap: processes first, then the names with the fewest events. Marks who leaves. */
static int view_cap(struct lg_features *fs, const struct lg_graph *g, uint32_t max, uint32_t n)
{
    struct lg_view_sel *sel = &fs->sel;
    uint32_t k = 0;

    if (lg_acct_reserve(&fs->acct, &fs->rank, g->n_nodes) < 0)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < g->n_nodes; i++)
        fs->rank.v[i] =
                (struct lg_rank){g->nodes[i].type == LG_NODE_PROCESS ? 0 : UINT64_C(1) << 62, i};
    for (uint32_t e = 0; e < sel->edge.n; e++) {
        const struct lg_edge *ed = &g->edges[sel->edge.v[e]];

        fs->rank.v[ed->src].weight += ed->count;
        if (ed->dst != ed->src)
            fs->rank.v[ed->dst].weight += ed->count;
    }
    for (uint32_t i = 0; i < g->n_nodes; i++)
        if (sel->index.v[i] != LG_IDX_NONE)
            fs->rank.v[k++] = fs->rank.v[i];
    qsort(fs->rank.v, k, sizeof(*fs->rank.v), rank_order);
    for (uint32_t i = max; i < n; i++)
        sel->index.v[fs->rank.v[i].node] = LG_IDX_NONE;
    return 0;
}

static void view_number(struct lg_view_sel *sel, const struct lg_graph *g, const uint8_t *removed)
{
    uint32_t kept = 0;

    sel->node.n = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        if (sel->index.v[i] == LG_IDX_NONE || (removed != NULL && removed[i] != 0)) {
            sel->index.v[i] = LG_IDX_NONE;
            continue;
        }
        sel->index.v[i] = sel->node.n;
        sel->node.v[sel->node.n++] = i;
    }
    for (uint32_t e = 0; e < sel->edge.n; e++) {
        const struct lg_edge *ed = &g->edges[sel->edge.v[e]];

        if (sel->index.v[ed->src] != LG_IDX_NONE && sel->index.v[ed->dst] != LG_IDX_NONE)
            sel->edge.v[kept++] = sel->edge.v[e];
    }
    sel->edge.n = kept;
}

int lg_view_select(struct lg_features *fs, const struct lg_graph *g, const struct lg_view *view,
        const uint8_t *removed)
{
    struct view_rule rule = rule_of(g, view);
    struct lg_view_sel *sel = &fs->sel;
    uint32_t n = 0;

    if (lg_acct_reserve(&fs->acct, &sel->node, g->n_nodes) < 0 ||
            lg_acct_reserve(&fs->acct, &sel->index, g->n_nodes) < 0 ||
            lg_acct_reserve(&fs->acct, &sel->edge, g->n_edges) < 0)
        return LG_ENOMEM;
    sel->edge.n = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct lg_node *nd = &g->nodes[i];
        bool in = nd->type == LG_NODE_PROCESS && (nd->flags & LG_NODEF_CREATED) != 0 &&
                (nd->sources &
                        (rule.sources | (rule.security_processes ? SRC(WIN_SECURITY) : 0))) != 0;

        sel->index.v[i] = in ? 0 : LG_IDX_NONE;
    }
    for (uint32_t e = 0; e < g->n_edges; e++) {
        if (!edge_in_view(view, &rule, &g->edges[e]))
            continue;
        sel->edge.v[sel->edge.n++] = e;
        sel->index.v[g->edges[e].src] = sel->index.v[g->edges[e].dst] = 0;
    }
    for (uint32_t i = 0; i < g->n_nodes; i++)
        n += sel->index.v[i] != LG_IDX_NONE;
    if (view->max_nodes > 0 && n > view->max_nodes && view_cap(fs, g, view->max_nodes, n) < 0)
        return LG_ENOMEM;
    view_number(sel, g, removed);
    return 0;
}

/* --- numeric facts --- */

/* Shannon entropy of the bytes, one bit an eighth: 0..1. */
static float entropy(struct lg_str s)
{
    uint32_t count[256] = {0};
    double h = 0;

    if (s.n < 2)
        return 0;
    for (size_t i = 0; i < s.n; i++)
        count[(unsigned char)s.p[i]]++;
    for (unsigned c = 0; c < 256; c++) {
        double p = (double)count[c] / (double)s.n;

        if (count[c] > 0)
            h -= p * lg_math_log(p);
    }
    h /= 0.69314718055994530942 * 6; /* in bits; names hardly pass 6 */
    return h < 1 ? (float)h : 1;
}

static float share(lg_time part, lg_time whole)
{
    return whole > 0 ? (float)((double)part / (double)whole) : 0;
}

/*
 * The LG_NODE_NUM facts:
 *  0 log1p edges in          4 log1p instances             8 log1p bytes of the command line / 8
 *  1 log1p edges out         5 created in the window       9 entropy of the base name
 *  2 log1p events in         6 known from before          10 first sight after the view's first,
 *  3 log1p events out        7 named by others only          as a share of the window
 *                                                         11 first to last sight, the same
 */
static void node_facts(struct lg_features *fs, const struct lg_graph *g, const struct lg_node *nd,
        const uint64_t degree[4], lg_time begin, float *out)
{
    lg_time window = g->end_ns - g->start_ns;

    for (unsigned i = 0; i < 4; i++)
        out[i] = lg_log1p_u64(fs, degree[i]);
    out[4] = lg_log1p_u64(fs, nd->instances);
    out[5] = (nd->flags & LG_NODEF_CREATED) != 0 ? 1.0f : 0.0f;
    out[6] = (nd->flags & LG_NODEF_CONTEXT) != 0 ? 1.0f : 0.0f;
    out[7] = (nd->flags & LG_NODEF_STUB) != 0 ? 1.0f : 0.0f;
    out[8] = lg_log1p_u64(fs, nd->cmd_raw.n) / 8;
    out[9] = entropy(lg_node_base(nd));
    out[10] = share(nd->first_ns - begin, window);
    out[11] = share(nd->last_ns - nd->first_ns, window);
}

static int reserve_output(struct lg_features *fs)
{
    uint32_t n = fs->sel.node.n, m = fs->sel.edge.n;

    if (lg_acct_reserve(&fs->acct, &fs->node_type, n) < 0 ||
            lg_acct_reserve(&fs->acct, &fs->node_num, n * LG_NODE_NUM) < 0 ||
            lg_acct_reserve(&fs->acct, &fs->degree, n * 4) < 0 ||
            lg_acct_reserve(&fs->acct, &fs->tok_off, n + 1) < 0 ||
            lg_acct_reserve(&fs->acct, &fs->src, m) < 0 ||
            lg_acct_reserve(&fs->acct, &fs->dst, m) < 0 ||
            lg_acct_reserve(&fs->acct, &fs->edge_type, m) < 0 ||
            lg_acct_reserve(&fs->acct, &fs->edge_attr, m) < 0 ||
            lg_acct_reserve(&fs->acct, &fs->edge_num, m) < 0)
        return LG_ENOMEM;
    if (n > 0)
        memset(fs->degree.v, 0, (size_t)n * 4 * sizeof(*fs->degree.v));
    return 0;
}

static void edge_features(struct lg_features *fs, const struct lg_graph *g)
{
    for (uint32_t i = 0; i < fs->sel.edge.n; i++) {
        const struct lg_edge *ed = &g->edges[fs->sel.edge.v[i]];
        uint32_t src = fs->sel.index.v[ed->src], dst = fs->sel.index.v[ed->dst];

        fs->src.v[i] = src;
        fs->dst.v[i] = dst;
        fs->edge_type.v[i] = ed->type;
        fs->edge_attr.v[i] = ed->attr;
        fs->edge_num.v[i] = lg_log1p_u64(fs, ed->count);
        fs->degree.v[4 * dst]++;
        fs->degree.v[4 * src + 1]++;
        fs->degree.v[4 * dst + 2] += ed->count;
        fs->degree.v[4 * src + 3] += ed->count;
    }
}

static int token_order(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

    return a < b ? -1 : a > b;
}

/* Mostly few: qsort would spend its time in calls. */
static void sort_tokens(uint32_t *v, uint32_t n)
{
    if (n > 64) {
        qsort(v, n, sizeof(*v), token_order);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        uint32_t x = v[i], k = i;

        for (; k > 0 && v[k - 1] > x; k--)
            v[k] = v[k - 1];
        v[k] = x;
    }
}

/* Hashes to buckets: ascending and unique again. */
static int put_tokens(struct lg_features *fs, const struct lg_node *nd)
{
    const uint32_t *h;
    uint32_t n, from = fs->tok.n, kept = from;

    if (lg_node_tokens(fs, nd, &h, &n) < 0 ||
            lg_acct_reserve(&fs->acct, &fs->tok, fs->tok.n + n) < 0)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        fs->tok.v[from + i] = h[i] & (LG_TOKEN_VOCAB - 1);
    sort_tokens(fs->tok.v + from, n);
    for (uint32_t i = from; i < from + n; i++)
        if (kept == from || fs->tok.v[kept - 1] != fs->tok.v[i])
            fs->tok.v[kept++] = fs->tok.v[i];
    fs->tok.n = kept;
    return 0;
}

int lg_features_nodes(struct lg_features *fs, const struct lg_graph *g, const struct lg_view *view,
        struct lg_node_features *ret)
{
    lg_time begin = INT64_MAX;

    if (lg_view_select(fs, g, view, NULL) < 0 || reserve_output(fs) < 0)
        return LG_ENOMEM;
    edge_features(fs, g);
    for (uint32_t i = 0; i < fs->sel.node.n; i++)
        if (g->nodes[fs->sel.node.v[i]].first_ns < begin)
            begin = g->nodes[fs->sel.node.v[i]].first_ns;
    fs->tok.n = 0;
    for (uint32_t i = 0; i < fs->sel.node.n; i++) {
        const struct lg_node *nd = &g->nodes[fs->sel.node.v[i]];

        fs->node_type.v[i] = nd->type;
        node_facts(fs, g, nd, fs->degree.v + (size_t)i * 4, begin,
                fs->node_num.v + (size_t)i * LG_NODE_NUM);
        fs->tok_off.v[i] = fs->tok.n;
        if (put_tokens(fs, nd) < 0)
            return LG_ENOMEM;
    }
    fs->tok_off.v[fs->sel.node.n] = fs->tok.n;
    *ret = (struct lg_node_features){
            .n_nodes = fs->sel.node.n,
            .n_edges = fs->sel.edge.n,
            .node = fs->sel.node.v,
            .edge = fs->sel.edge.v,
            .node_type = fs->node_type.v,
            .node_num = fs->node_num.v,
            .tok_off = fs->tok_off.v,
            .tok = fs->tok.v,
            .src = fs->src.v,
            .dst = fs->dst.v,
            .edge_type = fs->edge_type.v,
            .edge_attr = fs->edge_attr.v,
            .edge_num = fs->edge_num.v,
    };
    return 0;
}
