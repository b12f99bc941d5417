#ifndef LG_GRAPH_FEATURES_INT_H
#define LG_GRAPH_FEATURES_INT_H

#include "base/map.h"
#include "graph/acct.h"
#include "graph/features.h"

/* Between the files of the features. */

#define LG_NODE_TOKENS_MAX 96       /* of one node */
#define LG_EDGE_TOKENS_MAX (32 + 4) /* of one edge */
_Static_assert(LG_EDGE_TOKENS_MAX <= LG_NODE_TOKENS_MAX, "one buffer holds either");

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

/* See features_ablate.c; indices are into the graph. */
struct lg_ablation {
    LG_ACCT_VEC(uint32_t) node_off;  /* a node's part of said[] */
    LG_ACCT_VEC(uint32_t) edge_off;  /* an edge's */
    LG_ACCT_VEC(uint32_t) touch_off; /* a node's part of touch[] */
    LG_ACCT_VEC(uint32_t) touch;     /* edges at it */
    LG_ACCT_VEC(uint8_t) shown_node; /* in the view */
    LG_ACCT_VEC(uint8_t) shown_edge;
    LG_ACCT_VEC(uint32_t) gone;  /* edges that this removal takes away */
    LG_ACCT_VEC(uint32_t) said;  /* places in tok[] */
    LG_ACCT_VEC(uint32_t) tok;   /* of the whole view */
    LG_ACCT_VEC(uint32_t) times; /* how often it is said */
    LG_ACCT_VEC(uint32_t) left;  /* the same without what is removed */
    uint32_t *place;             /* bucket -> place in tok[], where it has one */
    uint64_t *counts;            /* of the whole view */
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
    struct lg_ablation ablation;
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

/* Buckets of what a node or an edge adds to the graph tokens, with repeats: at most
 * LG_NODE_TOKENS_MAX of a node, LG_EDGE_TOKENS_MAX of an edge. */
int lg_graph_node_tokens(struct lg_features *fs, const struct lg_node *nd, uint32_t *out,
        uint32_t *ret_n) LG_MUST_CHECK;
uint32_t lg_graph_edge_tokens(
        const struct lg_graph *g, const struct lg_edge *ed, uint32_t out[LG_EDGE_TOKENS_MAX]);

/* Counts of the selected view; LG_ENOMEM when there is no room for them. */
int lg_counts_keep(struct lg_features *fs, const struct lg_graph *g) LG_MUST_CHECK;
/* Those counts less what the removed nodes and the edges gone[] had added. */
void lg_counts_without(
        struct lg_features *fs, const struct lg_graph *g, const uint8_t *removed, float *out);
void lg_ablation_done(struct lg_features *fs);

float lg_log1p_u64(const struct lg_features *fs, uint64_t v);

#endif
