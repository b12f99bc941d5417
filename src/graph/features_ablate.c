#include "base/mem.h"
#include "graph/features_int.h"

/*
 * Graph tokens and counts without some nodes, again and again for one graph: how often each token
 * is said and what each node and edge adds to the counts is found once; a removal then touches
 * only what goes.
 */

static int reserve(struct lg_features *fs, const struct lg_graph *g)
{
    struct lg_ablation *ab = &fs->ablation;

    if (ab->place == NULL) {
        ab->place = lg_malloc(LG_GRAPH_TOKEN_VOCAB * sizeof(*ab->place));
        if (ab->place == NULL)
            return LG_ENOMEM;
    }
    if (lg_acct_reserve(&fs->acct, &ab->node_off, g->n_nodes + 1) < 0 ||
            lg_acct_reserve(&fs->acct, &ab->edge_off, g->n_edges + 1) < 0 ||
            lg_acct_reserve(&fs->acct, &ab->touch_off, g->n_nodes + 1) < 0 ||
            lg_acct_reserve(&fs->acct, &ab->touch, 2 * g->n_edges) < 0 ||
            lg_acct_reserve(&fs->acct, &ab->shown_node, g->n_nodes) < 0 ||
            lg_acct_reserve(&fs->acct, &ab->shown_edge, g->n_edges) < 0 ||
            lg_acct_reserve(&fs->acct, &ab->gone, g->n_edges) < 0)
        return LG_ENOMEM;
    return 0;
}

/* The edges in the view at each node, as places in g->edges; a loop stands once. */
static void index_edges(struct lg_ablation *ab, const struct lg_graph *g)
{
    uint32_t *off = ab->touch_off.v, at = 0;

    memset(off, 0, (g->n_nodes + 1) * sizeof(*off));
    for (uint32_t e = 0; e < g->n_edges; e++) {
        if (ab->shown_edge.v[e] == 0)
            continue;
        off[g->edges[e].src]++;
        if (g->edges[e].dst != g->edges[e].src)
            off[g->edges[e].dst]++;
    }
    for (uint32_t i = 0; i <= g->n_nodes; i++) {
        uint32_t n = off[i];

        off[i] = at;
        at += n;
    }
    for (uint32_t e = 0; e < g->n_edges; e++) {
        if (ab->shown_edge.v[e] == 0)
            continue;
        ab->touch.v[off[g->edges[e].src]++] = e;
        if (g->edges[e].dst != g->edges[e].src)
            ab->touch.v[off[g->edges[e].dst]++] = e;
    }
    /* off[i] has come to where i + 1 starts */
    memmove(off + 1, off, g->n_nodes * sizeof(*off));
    off[0] = 0;
}

static int add_tokens(struct lg_features *fs, const uint32_t *b, uint32_t n)
{
    struct lg_ablation *ab = &fs->ablation;

    if (lg_acct_reserve(&fs->acct, &ab->said, ab->said.n + n) < 0)
        return LG_ENOMEM;
    if (n > 0)
        memcpy(ab->said.v + ab->said.n, b, n * sizeof(*b));
    ab->said.n += n;
    for (uint32_t i = 0; i < n; i++)
        fs->bits[b[i] / 64] |= UINT64_C(1) << (b[i] % 64);
    return 0;
}

/* What each node and edge in the view says. */
static int gather_tokens(struct lg_features *fs, const struct lg_graph *g)
{
    struct lg_ablation *ab = &fs->ablation;
    uint32_t b[LG_NODE_TOKENS_MAX];

    ab->said.n = 0;
    memset(fs->bits, 0, LG_GRAPH_TOKEN_VOCAB / 8);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        uint32_t n = 0;

        ab->node_off.v[i] = ab->said.n;
        if (ab->shown_node.v[i] != 0 && lg_graph_node_tokens(fs, &g->nodes[i], b, &n) < 0)
            return LG_ENOMEM;
        if (add_tokens(fs, b, n) < 0)
            return LG_ENOMEM;
    }
    ab->node_off.v[g->n_nodes] = ab->said.n;
    for (uint32_t e = 0; e < g->n_edges; e++) {
        uint32_t n = ab->shown_edge.v[e] != 0 ? lg_graph_edge_tokens(g, &g->edges[e], b) : 0;

        ab->edge_off.v[e] = ab->said.n;
        if (add_tokens(fs, b, n) < 0)
            return LG_ENOMEM;
    }
    ab->edge_off.v[g->n_edges] = ab->said.n;
    return 0;
}

static int list_tokens(struct lg_features *fs)
{
    struct lg_ablation *ab = &fs->ablation;

    ab->tok.n = 0;
    for (uint32_t w = 0; w < LG_GRAPH_TOKEN_VOCAB / 64; w++) {
        uint64_t b = fs->bits[w];

        if (lg_acct_reserve(&fs->acct, &ab->tok, ab->tok.n + (uint32_t)__builtin_popcountll(b)) < 0)
            return LG_ENOMEM;
        for (; b != 0; b &= b - 1)
            ab->tok.v[ab->tok.n++] = w * 64 + (uint32_t)__builtin_ctzll(b);
    }
    return 0;
}

/* From buckets to places in the sorted list of tokens, and how often each is said. */
static int number_tokens(struct lg_features *fs)
{
    struct lg_ablation *ab = &fs->ablation;

    if (list_tokens(fs) < 0 || lg_acct_reserve(&fs->acct, &ab->times, ab->tok.n) < 0 ||
            lg_acct_reserve(&fs->acct, &ab->left, ab->tok.n) < 0)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < ab->tok.n; i++)
        ab->place[ab->tok.v[i]] = i;
    if (ab->tok.n > 0)
        memset(ab->times.v, 0, ab->tok.n * sizeof(*ab->times.v));
    for (uint32_t i = 0; i < ab->said.n; i++) {
        ab->said.v[i] = ab->place[ab->said.v[i]];
        ab->times.v[ab->said.v[i]]++;
    }
    return 0;
}

int lg_features_ablate_begin(
        struct lg_features *fs, const struct lg_graph *g, const struct lg_view *view)
{
    struct lg_ablation *ab = &fs->ablation;

    if (lg_view_select(fs, g, view, NULL) < 0 || reserve(fs, g) < 0)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < g->n_nodes; i++)
        ab->shown_node.v[i] = fs->sel.index.v[i] != LG_IDX_NONE;
    if (g->n_edges > 0)
        memset(ab->shown_edge.v, 0, g->n_edges);
    for (uint32_t i = 0; i < fs->sel.edge.n; i++)
        ab->shown_edge.v[fs->sel.edge.v[i]] = 1;
    index_edges(ab, g);
    if (gather_tokens(fs, g) < 0 || number_tokens(fs) < 0)
        return LG_ENOMEM;
    return lg_counts_keep(fs, g);
}

static void forget_tokens(struct lg_ablation *ab, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        ab->left.v[ab->said.v[i]]--;
}

/* Edges that go with the removed nodes, each once. */
static void list_gone(struct lg_ablation *ab, const struct lg_graph *g, const uint8_t *removed)
{
    ab->gone.n = 0;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        if (removed[i] == 0)
            continue;
        for (uint32_t k = ab->touch_off.v[i]; k < ab->touch_off.v[i + 1]; k++) {
            const struct lg_edge *ed = &g->edges[ab->touch.v[k]];
            uint32_t other = ed->src == i ? ed->dst : ed->src;

            if (removed[other] == 0 || i <= other)
                ab->gone.v[ab->gone.n++] = ab->touch.v[k];
        }
    }
}

int lg_features_ablate(struct lg_features *fs, const struct lg_graph *g, const uint8_t *removed,
        const uint32_t **ret_tok, uint32_t *ret_n, float *counts)
{
    struct lg_ablation *ab = &fs->ablation;
    uint32_t kept = 0;

    if (lg_acct_reserve(&fs->acct, &fs->graph_tok, ab->tok.n) < 0)
        return LG_ENOMEM;
    if (ab->tok.n > 0)
        memcpy(ab->left.v, ab->times.v, ab->tok.n * sizeof(*ab->times.v));
    list_gone(ab, g, removed);
    for (uint32_t i = 0; i < g->n_nodes; i++)
        if (removed[i] != 0)
            forget_tokens(ab, ab->node_off.v[i], ab->node_off.v[i + 1]);
    for (uint32_t i = 0; i < ab->gone.n; i++)
        forget_tokens(ab, ab->edge_off.v[ab->gone.v[i]], ab->edge_off.v[ab->gone.v[i] + 1]);
    for (uint32_t i = 0; i < ab->tok.n; i++)
        if (ab->left.v[i] > 0)
            fs->graph_tok.v[kept++] = ab->tok.v[i];
    fs->graph_tok.n = kept;
    lg_counts_without(fs, g, removed, counts);
    *ret_tok = fs->graph_tok.v;
    *ret_n = kept;
    return 0;
}

void lg_ablation_done(struct lg_features *fs)
{
    struct lg_ablation *ab = &fs->ablation;

    lg_acct_vec_done(&fs->acct, &ab->node_off);
    lg_acct_vec_done(&fs->acct, &ab->edge_off);
    lg_acct_vec_done(&fs->acct, &ab->touch_off);
    lg_acct_vec_done(&fs->acct, &ab->touch);
    lg_acct_vec_done(&fs->acct, &ab->shown_node);
    lg_acct_vec_done(&fs->acct, &ab->shown_edge);
    lg_acct_vec_done(&fs->acct, &ab->gone);
    lg_acct_vec_done(&fs->acct, &ab->said);
    lg_acct_vec_done(&fs->acct, &ab->tok);
    lg_acct_vec_done(&fs->acct, &ab->times);
    lg_acct_vec_done(&fs->acct, &ab->left);
    lg_free(ab->place);
    lg_free(ab->counts);
}
