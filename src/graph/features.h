#ifndef LG_GRAPH_FEATURES_H
#define LG_GRAPH_FEATURES_H

#include "graph/graph.h"

/*
 * What the jury sees of a graph. LG_FEATURE_VERSION changes whenever any value below could; it
 * is stored in every model, and a model of another version is refused.
 */
#define LG_FEATURE_VERSION 2u

/* Which part of the graph learned members see: edges reported by one of `sources` and of a type
 * in `edge_types`; nodes that touch such an edge, and created processes. Keeps instruments that
 * only some fleets have from becoming a label. Stored in the model. */
struct lg_view {
    uint32_t sources;    /* bit set of enum lg_source */
    uint64_t edge_types; /* bit set of enum lg_edge_type */
    uint32_t max_nodes;  /* processes first, then the rarest names; 0 = no cap */
};
extern const struct lg_view lg_view_default;

#define LG_TOKEN_VOCAB 16384u        /* node text buckets */
#define LG_GRAPH_TOKEN_VOCAB 131072u /* graph token buckets */
#define LG_NODE_NUM 12u              /* numeric facts of a node, see features.c */

/* Node-level input of the GAT, in arrays that live until the next call with the same scratch. */
struct lg_node_features {
    uint32_t n_nodes;
    uint32_t n_edges;
    const uint32_t *node; /* index into the graph's nodes */
    const uint32_t *edge; /* index into the graph's edges */
    const uint8_t *node_type;
    const float *node_num;   /* n_nodes x LG_NODE_NUM */
    const uint32_t *tok_off; /* n_nodes + 1 */
    const uint32_t *tok;     /* ascending and unique per node, < LG_TOKEN_VOCAB */
    const uint32_t *src;     /* into the arrays above */
    const uint32_t *dst;
    const uint8_t *edge_type;
    const uint32_t *edge_attr;
    const float *edge_num; /* log1p(count) */
};

struct lg_features; /* scratch and text cache of one worker */
int lg_features_new(struct lg_features **ret) LG_MUST_CHECK;
void lg_features_free(struct lg_features *fs);

int lg_features_nodes(struct lg_features *fs, const struct lg_graph *g, const struct lg_view *view,
        struct lg_node_features *ret) LG_MUST_CHECK;
/*
 * Graph tokens of the regression: node tokens, edge attributes, (source image, type, target) and
 * (source image, type, folder) triples; ascending and unique, < LG_GRAPH_TOKEN_VOCAB. `removed`
 * (one byte a graph node, may be NULL) leaves nodes and their edges out. Valid until next call.
 */
int lg_features_graph_tokens(struct lg_features *fs, const struct lg_graph *g,
        const struct lg_view *view, const uint8_t *removed, const uint32_t **ret_tok,
        uint32_t *ret_n) LG_MUST_CHECK;
/* Counts of the trees; derived from nodes and edges only. */
uint32_t lg_features_count_n(void);
const char *lg_features_count_name(uint32_t i);
int lg_features_counts(struct lg_features *fs, const struct lg_graph *g, const struct lg_view *view,
        const uint8_t *removed, float *out) LG_MUST_CHECK;

/*
 * Both of them for one removal after the other: what lg_features_graph_tokens and
 * lg_features_counts give with `removed`, at the price of what is removed. After
 * lg_features_ablate_begin with this graph, until the next call of another function of this
 * header; what lg_features_nodes gave stays. Tokens are valid until the next call.
 */
int lg_features_ablate_begin(
        struct lg_features *fs, const struct lg_graph *g, const struct lg_view *view) LG_MUST_CHECK;
int lg_features_ablate(struct lg_features *fs, const struct lg_graph *g, const uint8_t *removed,
        const uint32_t **ret_tok, uint32_t *ret_n, float *counts) LG_MUST_CHECK;

#endif
