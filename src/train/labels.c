#include "train/dataset.h"

static bool is_control_pipe(struct lg_str name)
{
    static const char *const pipes[] = {"ntsvcs", "svcctl", "atsvc"};

    for (size_t i = 0; i < sizeof(pipes) / sizeof(*pipes); i++)
        if (lg_str_ifind(name, lg_str_z(pipes[i])) >= 0)
            return true;
    return false;
}

bool lg_label_doubtful(const struct lg_graph *g)
{
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct lg_node *n = &g->nodes[i];

        if (n->type != LG_NODE_PROCESS || (n->flags & LG_NODEF_CREATED) == 0)
            continue;
        if ((n->flags & LG_NODEF_USER_PATH) != 0 || lg_str_iends(n->raw, LG_STR("\\mstsc.exe")))
            return true;
    }
    for (uint32_t i = 0; i < g->n_edges; i++) {
        const struct lg_edge *e = &g->edges[i];

        if (e->type == LG_EDGE_WMI_SUBSCRIBE)
            return true;
        /* "System" opens a pipe on behalf of a caller on another machine */
        if (e->type == LG_EDGE_PIPE_CONNECT && lg_str_ieq(g->nodes[e->src].raw, LG_STR("System")) &&
                is_control_pipe(g->nodes[e->dst].raw))
            return true;
    }
    return false;
}
