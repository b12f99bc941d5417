#ifndef LG_GRAPH_FEATURES_INT_H
#define LG_GRAPH_FEATURES_INT_H

#include "base/map.h"
#include "graph/acct.h"
#include "graph/features.h"

/* Between the files of the features. */

#define LG_NODE_TOKENS_MAX 96 /* of one node */

/* The part of a graph that a view shows. Indices are into the graph. */
struct lg_view_sel {
    LG_ACCT_VEC(uint32_t) node;  /* in the view, ascending */
    LG_ACCT_VEC(uint32_t) edge;  /* in the view, ascending */
    LG_ACCT_VEC(uint32_t) index; /* of every graph node: place in node[], or LG_IDX_NONE */
};

struct lg_rank {
    uint64_t weight;
    uint32_t node;
};

struct lg_features {
    struct lg_acct acct;
    struct lg_view_sel sel;
    LG_ACCT_VEC(struct lg_rank) rank;
    /* tokens by content of the node: 32-bit hashes, sorted; emptied when full */
    struct lg_map cache; /* key -> offset << 16 | n */
    LG_ACCT_VEC(uint32_t) pool;
    uint32_t fresh[LG_NODE_TOKENS_MAX];
    /* output of lg_features_nodes */
    LG_ACCT_VEC(uint8_t) node_type;
    LG_ACCT_VEC(float) node_num;
    LG_ACCT_VEC(uint32_t) tok_off;
    LG_ACCT_VEC(uint32_t) tok;
    LG_ACCT_VEC(uint32_t) src;
    LG_ACCT_VEC(uint32_t) dst;
    LG_ACCT_VEC(uint8_t) edge_type;
    LG_ACCT_VEC(uint32_t) edge_attr;
    LG_ACCT_VEC(float) edge_num;
    LG_ACCT_VEC(uint64_t) degree; /* 4 a node: edges in, out, counts in, out */
    /* output of lg_features_graph_tokens */
    uint64_t *bits; /* LG_GRAPH_TOKEN_VOCAB of them */
    LG_ACCT_VEC(uint32_t) graph_tok;
    float log1p[256];
};

/* Which nodes and edges the view shows; `removed` may be NULL. */
int lg_view_select(struct lg_features *fs, const struct lg_graph *g, const struct lg_view *view,
        const uint8_t *removed) LG_MUST_CHECK;
/* Hashes of what the node says, sorted and unique; valid until the next call. */
int lg_node_tokens(struct lg_features *fs, const struct lg_node *nd, const uint32_t **ret,
        uint32_t *ret_n) LG_MUST_CHECK;
/* Base name: behind the last separator; the whole name where it has none. */
struct lg_str lg_node_base(const struct lg_node *nd);
struct lg_str lg_node_folder(const struct lg_node *nd);

float lg_log1p_u64(const struct lg_features *fs, uint64_t v);

#endif
