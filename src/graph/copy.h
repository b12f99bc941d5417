#ifndef LG_GRAPH_COPY_H
#define LG_GRAPH_COPY_H

#include "graph/graph.h"

/*
 * A graph that outlives its builder: nodes, edges and every string in one block of its own, which
 * is kept from copy to copy. For handing a window to another thread. Thread: its owner's.
 */
struct lg_graph_copy {
    struct lg_graph g;
    char *block;
    size_t cap;
};

/* Zeroed is empty. Replaces what the copy held. 0 or LG_ENOMEM, with which it is empty. */
int lg_graph_copy_set(struct lg_graph_copy *c, const struct lg_graph *g) LG_MUST_CHECK;
void lg_graph_copy_done(struct lg_graph_copy *c);

#endif
