#ifndef LG_GRAPH_BUILD_H
#define LG_GRAPH_BUILD_H

#include "base/arena.h"
#include "graph/slice.h"

/*
 * Slices of one endpoint to a graph in canonical order. The builder's memory is kept from window
 * to window; the graph in it lives until the next build. Thread: its worker's.
 */
struct lg_builder;

struct lg_build_in {
    const struct lg_strpool *sp;
    struct lg_slice *const *slices; /* ascending, all inside the window */
    uint32_t n_slices;
    uint32_t max_nodes;
    uint32_t max_edges;
};

int lg_builder_new(struct lg_builder **ret) LG_MUST_CHECK;
void lg_builder_free(struct lg_builder *bd);
size_t lg_builder_bytes(const struct lg_builder *bd);
/* Fills nodes, edges, counts and sources of *g; the rest is the caller's. 0 or LG_ENOMEM. */
int lg_builder_run(
        struct lg_builder *bd, const struct lg_build_in *in, struct lg_graph *g) LG_MUST_CHECK;

#endif
