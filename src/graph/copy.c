#include "graph/copy.h"

#include <string.h>

#include "base/mem.h"

/* The strings of a node and of an edge, in one place for measuring and for copying. */
#define NODE_STRINGS(X) X(name) X(raw) X(cmd) X(cmd_raw) X(user) X(guid) X(original) X(hash)

static size_t strings_of(const struct lg_graph *g)
{
    size_t n = g->tenant_id.n + g->endpoint_id.n + g->hostname.n;

#define X(member) n += g->nodes[i].member.n;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        NODE_STRINGS(X)
    }
#undef X
    for (uint32_t i = 0; i < g->n_edges; i++)
        n += g->edges[i].detail.n;
    return n;
}

static int reserve(struct lg_graph_copy *c, size_t n)
{
    if (n <= c->cap)
        return 0;
    lg_graph_copy_done(c);
    n += n / 4; /* the next one is a little larger, as a rule */
    c->block = lg_malloc(n);
    if (c->block == NULL)
        return LG_ENOMEM;
    c->cap = n;
    return 0;
}

static void move_string(struct lg_str *s, char **at)
{
    if (s->n > 0)
        memcpy(*at, s->p, s->n);
    s->p = *at;
    *at += s->n;
}

int lg_graph_copy_set(struct lg_graph_copy *c, const struct lg_graph *g)
{
    size_t nodes = g->n_nodes * sizeof(*g->nodes), edges = g->n_edges * sizeof(*g->edges);
    int rc = reserve(c, nodes + edges + strings_of(g) + 1);
    char *at;

    if (rc < 0)
        return rc;
    c->g = *g;
    c->g.nodes = (void *)c->block;
    c->g.edges = (void *)(c->block + nodes);
    if (nodes > 0)
        memcpy(c->g.nodes, g->nodes, nodes);
    if (edges > 0)
        memcpy(c->g.edges, g->edges, edges);
    at = c->block + nodes + edges;
    move_string(&c->g.tenant_id, &at);
    move_string(&c->g.endpoint_id, &at);
    move_string(&c->g.hostname, &at);
#define X(member) move_string(&c->g.nodes[i].member, &at);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        NODE_STRINGS(X)
    }
#undef X
    for (uint32_t i = 0; i < g->n_edges; i++)
        move_string(&c->g.edges[i].detail, &at);
    return 0;
}

void lg_graph_copy_done(struct lg_graph_copy *c)
{
    if (c == NULL)
        return;
    lg_free(c->block);
    memset(c, 0, sizeof(*c));
}
