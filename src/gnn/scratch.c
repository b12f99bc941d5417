#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "gnn/gnn_int.h"

static bool all_finite(const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return false;
    return true;
}

static int check_nodes(
        const struct lg_gnn_config *cfg, const struct lg_gnn_graph *g, struct lg_err *reterr)
{
    if (g->tok_off[0] != 0)
        return lg_err_set(reterr, LG_EINVAL, "graph: tok_off does not start at 0");
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        uint32_t a = g->tok_off[v], b = g->tok_off[v + 1];

        if (g->node_type[v] >= cfg->node_types)
            return lg_err_set(reterr, LG_EINVAL, "graph: node %u has type %u of %u", v,
                    g->node_type[v], cfg->node_types);
        if (a > b || b > LG_GNN_MAX_TOKENS)
            return lg_err_set(reterr, LG_EINVAL, "graph: tokens of node %u end at %u", v, b);
        for (uint32_t t = a; t < b; t++)
            if (g->tok[t] >= cfg->vocab || (t > a && g->tok[t] <= g->tok[t - 1]))
                return lg_err_set(reterr, LG_EINVAL,
                        "graph: token %u of node %u is out of range or order", t - a, v);
    }
    if (!all_finite(g->node_num, (size_t)g->n_nodes * cfg->num_dim))
        return lg_err_set(reterr, LG_EINVAL, "graph: a node number is not finite");
    return 0;
}

int lg_gnn_graph_check(
        const struct lg_gnn_config *cfg, const struct lg_gnn_graph *g, struct lg_err *reterr)
{
    uint32_t attr = cfg->attr_bits < 32 ? ~0u << cfg->attr_bits : 0;
    int rc;

    if (g->n_nodes < 1 || g->n_nodes > LG_GNN_MAX_NODES || g->n_edges > LG_GNN_MAX_EDGES)
        return lg_err_set(reterr, LG_EINVAL, "graph: %u nodes and %u edges are out of range",
                g->n_nodes, g->n_edges);
    rc = check_nodes(cfg, g, reterr);
    if (rc < 0)
        return rc;
    for (uint32_t e = 0; e < g->n_edges; e++)
        if (g->src[e] >= g->n_nodes || g->dst[e] >= g->n_nodes ||
                g->edge_type[e] >= cfg->edge_types || (g->edge_attr[e] & attr) != 0)
            return lg_err_set(reterr, LG_EINVAL,
                    "graph: edge %u (%u to %u, type %u, attributes %x) is out of range", e,
                    g->src[e], g->dst[e], g->edge_type[e], g->edge_attr[e]);
    if (!all_finite(g->edge_num, g->n_edges))
        return lg_err_set(reterr, LG_EINVAL, "graph: an edge number is not finite");
    return 0;
}

/* Hands out parts of one block; with base NULL it only counts. */
struct cursor {
    char *base;
    size_t at;
};

static void *take(struct cursor *c, size_t n, size_t size)
{
    size_t at = c->at;

    c->at = (at + n * size + 63) / 64 * 64;
    return c->base != NULL ? c->base + at : NULL;
}

static void lay_out(struct lg_gnn_scratch *s, struct cursor *c, const struct lg_gnn_config *cfg,
        size_t n, size_t edges)
{
    size_t d = cfg->dim, in = 2 * edges + n, nh = n * cfg->heads;

    /* first what lg_gnn_infer works in: pages behind that it never touches cost nothing */
    s->in_off = take(c, n + 1, sizeof(uint32_t));
    s->in = take(c, in, sizeof(*s->in));
    s->wide = take(c, n, sizeof(float));
    s->cat = take(c, 2 * d, sizeof(float));
    s->read = take(c, d, sizeof(float));
    s->row = take(c, 2 * d, sizeof(float));
    s->edge_tmp = take(c, in * cfg->heads, sizeof(float));
    for (uint32_t l = 0; l < cfg->layers; l++) {
        s->h[l] = take(c, n * d, sizeof(float));
        s->z[l] = take(c, n * d, sizeof(float));
        s->s_src[l] = take(c, nh, sizeof(float));
        s->s_dst[l] = take(c, nh, sizeof(float));
    }
    s->h[cfg->layers] = take(c, n * d, sizeof(float));
    for (uint32_t l = 0; l < cfg->layers; l++) {
        s->e[l] = take(c, n * d, sizeof(float));
        s->stat[l] = take(c, 2 * n, sizeof(float));
        s->alpha[l] = take(c, in * cfg->heads, sizeof(float));
    }
    s->x = take(c, n * d, sizeof(float));
    s->e_in = take(c, n * d, sizeof(float));
    s->stat_in = take(c, 2 * n, sizeof(float));
    s->dh = take(c, n * d, sizeof(float));
    s->dt = take(c, n * d, sizeof(float));
    s->dz = take(c, n * d, sizeof(float));
    s->ds_src = take(c, nh, sizeof(float));
    s->ds_dst = take(c, nh, sizeof(float));
    s->d_read = take(c, 4 * d, sizeof(float));
    for (uint32_t l = 1; l <= cfg->layers; l++) {
        s->copy_h[l] = take(c, n * d, sizeof(float));
        s->changed[l] = take(c, n, sizeof(uint32_t));
        if (l == cfg->layers)
            break;
        s->copy_z[l] = take(c, n * d, sizeof(float));
        s->copy_src[l] = take(c, nh, sizeof(float));
        s->copy_dst[l] = take(c, nh, sizeof(float));
    }
    s->dropped = take(c, n, 1);
    s->seen = take(c, n, 1);
    s->list = take(c, n, sizeof(uint32_t));
    s->edge = take(c, in, sizeof(*s->edge));
}

size_t lg_gnn_scratch_measure(const struct lg_gnn_config *cfg, uint32_t n_nodes, uint32_t n_edges)
{
    struct lg_gnn_scratch s;
    struct cursor c = {0};

    lay_out(&s, &c, cfg, n_nodes, n_edges);
    return c.at;
}

int lg_gnn_scratch_new(struct lg_gnn_scratch **ret)
{
    struct lg_gnn_scratch *s = lg_calloc(1, sizeof(*s));

    if (s == NULL)
        return LG_ENOMEM;
    *ret = s;
    return 0;
}

void lg_gnn_scratch_free(struct lg_gnn_scratch *s)
{
    if (s == NULL)
        return;
    lg_free(s->block);
    lg_free(s);
}

/* Half as much again, so that slowly growing graphs do not move the block each time. */
static uint32_t grown(uint32_t have, uint32_t want, uint32_t max)
{
    uint32_t half = have + have / 2;

    if (want <= have)
        return have;
    return want > half ? want : half < max ? half : max;
}

int lg_gnn_scratch_reserve(struct lg_gnn_scratch *s, const struct lg_gnn_config *cfg,
        uint32_t n_nodes, uint32_t n_edges)
{
    bool same = s->block != NULL && memcmp(&s->cfg, cfg, sizeof(*cfg)) == 0;
    uint32_t nodes = grown(same ? s->cap_nodes : 0, n_nodes, LG_GNN_MAX_NODES);
    uint32_t edges = grown(same ? s->cap_edges : 0, n_edges, LG_GNN_MAX_EDGES);
    struct cursor c = {0};
    size_t bytes;

    if (n_nodes > LG_GNN_MAX_NODES || n_edges > LG_GNN_MAX_EDGES)
        return LG_ELIMIT;
    if (same && nodes == s->cap_nodes && edges == s->cap_edges)
        return 0;
    bytes = lg_gnn_scratch_measure(cfg, nodes, edges);
    s->model = NULL;
    s->graph = NULL;
    if (bytes > s->block_bytes) {
        void *block = lg_aligned_alloc(bytes);

        if (block == NULL)
            return LG_ENOMEM;
        lg_free(s->block);
        s->block = block;
        s->block_bytes = bytes;
    }
    c.base = s->block;
    lay_out(s, &c, cfg, nodes, edges);
    s->cfg = *cfg;
    s->cap_nodes = nodes;
    s->cap_edges = edges;
    return 0;
}

/* Sorted by target; within a target: given edges, then reverse ones, both by index, then the self
 * loop. A graph without some of its nodes keeps this order, on which ablation rests. */
void lg_gnn_scratch_index(struct lg_gnn_scratch *s, const struct lg_gnn_graph *g)
{
    uint32_t n = g->n_nodes, at = 0, types = s->cfg.edge_types;
    uint32_t *off = s->in_off;

    memset(off, 0, (n + 1) * sizeof(*off));
    for (uint32_t e = 0; e < g->n_edges; e++) {
        off[g->dst[e]]++;
        off[g->src[e]]++;
    }
    for (uint32_t v = 0; v < n; v++) {
        uint32_t count = off[v] + 1;

        off[v] = at;
        at += count;
    }
    /* off[v] is where v's next edge goes; afterwards it is where v + 1 starts. */
    for (uint32_t e = 0; e < g->n_edges; e++)
        s->in[off[g->dst[e]]++] = (struct lg_gat_edge){.src = g->src[e],
                .attr = g->edge_attr[e],
                .num = g->edge_num[e],
                .type = g->edge_type[e]};
    for (uint32_t e = 0; e < g->n_edges; e++)
        s->in[off[g->src[e]]++] = (struct lg_gat_edge){.src = g->dst[e],
                .attr = g->edge_attr[e],
                .num = g->edge_num[e],
                .type = (uint16_t)(types + g->edge_type[e])};
    for (uint32_t v = 0; v < n; v++)
        s->in[off[v]++] = (struct lg_gat_edge){.src = v, .type = (uint16_t)(2 * types)};
    memmove(off + 1, off, n * sizeof(*off));
    off[0] = 0;
    s->n_nodes = n;
    s->n_in = at;
}

bool lg_gnn_scratch_holds(const struct lg_gnn_scratch *s, const struct lg_gnn_model *model,
        const struct lg_gnn_graph *g)
{
    return s->model == model && s->graph == g && s->n_nodes == g->n_nodes &&
            s->n_in == 2 * g->n_edges + g->n_nodes;
}

const float *lg_gnn_scratch_embeddings(const struct lg_gnn_scratch *s)
{
    return s->h[s->cfg.layers];
}
