#ifndef LG_TEST_GNN_RANDOM_H
#define LG_TEST_GNN_RANDOM_H

#include <stdlib.h>

#include "base/mem.h"
#include "gnn/gnn.h"
#include "gnn/rng.h"

/* Random typed graphs for tests and benchmarks. */
struct test_graph {
    struct lg_gnn_graph g;
    uint8_t *node_type, *edge_type;
    float *node_num, *edge_num;
    uint32_t *tok_off, *tok, *src, *dst, *edge_attr;
};

static inline void test_graph_free(struct test_graph *t)
{
    lg_free(t->node_type);
    lg_free(t->edge_type);
    lg_free(t->node_num);
    lg_free(t->edge_num);
    lg_free(t->tok_off);
    lg_free(t->tok);
    lg_free(t->src);
    lg_free(t->dst);
    lg_free(t->edge_attr);
}

/* Up to max_tok tokens a node; edges lean towards low indices, so that hubs arise. */
static inline void test_graph_random(struct test_graph *t, const struct lg_gnn_config *cfg,
        uint32_t n, uint32_t edges, uint32_t max_tok, uint64_t seed)
{
    struct lg_rng r;

    lg_rng_init(&r, seed, 77);
    t->node_type = lg_malloc(n);
    t->node_num = lg_malloc((size_t)n * cfg->num_dim * sizeof(float));
    t->tok_off = lg_malloc((n + 1) * sizeof(uint32_t));
    t->tok = lg_malloc((size_t)n * (max_tok + 1) * sizeof(uint32_t));
    t->src = lg_malloc(edges * sizeof(uint32_t));
    t->dst = lg_malloc(edges * sizeof(uint32_t));
    t->edge_type = lg_malloc(edges);
    t->edge_attr = lg_malloc(edges * sizeof(uint32_t));
    t->edge_num = lg_malloc(edges * sizeof(float));
    if (t->node_type == NULL || t->node_num == NULL || t->tok_off == NULL || t->tok == NULL ||
            t->src == NULL || t->dst == NULL || t->edge_type == NULL || t->edge_attr == NULL ||
            t->edge_num == NULL)
        abort();
    t->tok_off[0] = 0;
    for (uint32_t v = 0; v < n; v++) {
        uint32_t want = (uint32_t)lg_rng_below(&r, max_tok + 1), at = t->tok_off[v];
        uint32_t step = cfg->vocab / (max_tok + 1), id = 0;

        t->node_type[v] = (uint8_t)lg_rng_below(&r, cfg->node_types);
        for (uint32_t j = 0; j < cfg->num_dim; j++)
            t->node_num[v * cfg->num_dim + j] = lg_rng_float(&r) * 3.0f - 1.0f;
        for (uint32_t i = 0; i < want; i++) {
            id += (uint32_t)lg_rng_below(&r, step > 0 ? step : 1) + (i > 0);
            if (id >= cfg->vocab)
                break;
            t->tok[at++] = id;
        }
        t->tok_off[v + 1] = at;
    }
    for (uint32_t e = 0; e < edges; e++) {
        float x = lg_rng_float(&r), y = lg_rng_float(&r);

        t->src[e] = (uint32_t)(x * x * (float)n);
        t->dst[e] = (uint32_t)(y * (float)n);
        t->edge_type[e] = (uint8_t)lg_rng_below(&r, cfg->edge_types);
        t->edge_attr[e] = (uint32_t)(lg_rng_next(&r) & lg_rng_next(&r) & lg_rng_next(&r));
        if (cfg->attr_bits < 32)
            t->edge_attr[e] &= (1u << cfg->attr_bits) - 1;
        t->edge_num[e] = lg_rng_float(&r) * 4.0f;
    }
    t->g = (struct lg_gnn_graph){.n_nodes = n,
            .n_edges = edges,
            .node_type = t->node_type,
            .node_num = t->node_num,
            .tok_off = t->tok_off,
            .tok = t->tok,
            .src = t->src,
            .dst = t->dst,
            .edge_type = t->edge_type,
            .edge_attr = t->edge_attr,
            .edge_num = t->edge_num};
}

#endif
