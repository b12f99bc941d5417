#include "graph/graph.h"
#include "json/write.h"

/*
 * The graph as one JSON object (docs/internals/graph.md). Members stand in this order; those of a
 * node or edge that say nothing are left out. Nodes and edges are in canonical order, so that
 * equal graphs are equal bytes.
 */

static void write_sources(struct lg_jw *w, uint32_t set)
{
    lg_jw_key(w, LG_STR("sources"));
    lg_jw_array(w);
    for (unsigned s = 0; s < LG_SOURCE_COUNT; s++)
        if ((set >> s & 1) != 0)
            lg_jw_str(w, lg_str_z(lg_source_name((enum lg_source)s)));
    lg_jw_array_end(w);
}

static void write_str(struct lg_jw *w, struct lg_str key, struct lg_str value)
{
    if (value.n == 0)
        return;
    lg_jw_key(w, key);
    lg_jw_str(w, value);
}

static void write_flags(struct lg_jw *w, uint32_t flags)
{
    static const char *const names[] = {"created", "context", "stub", "exited", "signed",
            "unsigned", "base64", "long_command", "user_path", "truncated"};

    lg_jw_key(w, LG_STR("flags"));
    lg_jw_array(w);
    for (unsigned f = 0; f < sizeof(names) / sizeof(names[0]); f++)
        if ((flags >> f & 1) != 0)
            lg_jw_str(w, lg_str_z(names[f]));
    lg_jw_array_end(w);
}

static void write_node(struct lg_jw *w, const struct lg_node *nd)
{
    static const char *const integrity[] = {"unknown", "low", "medium", "high", "system"};
    static const char *const user_class[] = {
            "unknown", "system", "service", "person", "root", "daemon"};

    lg_jw_object(w);
    LG_JW_STR(w, "type", lg_str_z(lg_node_type_name((enum lg_node_type)nd->type)));
    LG_JW_STR(w, "name", nd->name);
    write_str(w, LG_STR("raw"), nd->raw);
    write_str(w, LG_STR("command_line"), nd->cmd);
    write_str(w, LG_STR("raw_command_line"), nd->cmd_raw);
    if (nd->type == LG_NODE_PROCESS) {
        LG_JW_STR(w, "integrity", lg_str_z(integrity[nd->integrity]));
        LG_JW_STR(w, "user_class", lg_str_z(user_class[nd->user_class]));
        LG_JW_U64(w, "pid", nd->pid);
    }
    write_str(w, LG_STR("guid"), nd->guid);
    write_str(w, LG_STR("user"), nd->user);
    write_str(w, LG_STR("original_file_name"), nd->original);
    write_str(w, LG_STR("hash"), nd->hash);
    write_flags(w, nd->flags);
    LG_JW_U64(w, "instances", nd->instances);
    lg_jw_key(w, LG_STR("first_seen"));
    lg_jw_time(w, nd->first_ns);
    lg_jw_key(w, LG_STR("last_seen"));
    lg_jw_time(w, nd->last_ns);
    write_sources(w, nd->sources);
    lg_jw_object_end(w);
}

static void write_edge(struct lg_jw *w, const struct lg_edge *ed)
{
    lg_jw_object(w);
    LG_JW_U64(w, "source", ed->src);
    LG_JW_U64(w, "target", ed->dst);
    LG_JW_STR(w, "type", lg_str_z(lg_edge_type_name((enum lg_edge_type)ed->type)));
    lg_jw_key(w, LG_STR("attributes"));
    lg_jw_array(w);
    for (unsigned a = 0; a < LG_EDGE_ATTR_COUNT; a++)
        if ((ed->attr >> a & 1) != 0)
            lg_jw_str(w, lg_str_z(lg_edge_attr_name((enum lg_edge_attr_num)a)));
    lg_jw_array_end(w);
    LG_JW_U64(w, "count", ed->count);
    lg_jw_key(w, LG_STR("first_seen"));
    lg_jw_time(w, ed->first_ns);
    lg_jw_key(w, LG_STR("last_seen"));
    lg_jw_time(w, ed->last_ns);
    write_str(w, LG_STR("detail"), ed->detail);
    write_sources(w, ed->sources);
    lg_jw_object_end(w);
}

static void write_types(struct lg_jw *w, const struct lg_graph *g)
{
    lg_jw_key(w, LG_STR("event_types"));
    lg_jw_object(w);
    for (unsigned t = 0; t < LG_EVENT_TYPE_COUNT; t++) {
        if (g->type_counts[t] == 0)
            continue;
        lg_jw_key(w, lg_str_z(lg_event_type_name((enum lg_event_type)t)));
        lg_jw_u64(w, g->type_counts[t]);
    }
    lg_jw_object_end(w);
}

void lg_graph_write_json(const struct lg_graph *g, struct lg_buf *out)
{
    struct lg_jw w;

    lg_jw_init(&w, out);
    lg_jw_object(&w);
    LG_JW_STR(&w, "tenant_id", g->tenant_id);
    LG_JW_STR(&w, "endpoint_id", g->endpoint_id);
    LG_JW_STR(&w, "hostname", g->hostname);
    LG_JW_STR(&w, "platform", lg_str_z(lg_platform_name(g->platform)));
    lg_jw_key(&w, LG_STR("window_start"));
    lg_jw_time(&w, g->start_ns);
    lg_jw_key(&w, LG_STR("window_end"));
    lg_jw_time(&w, g->end_ns);
    LG_JW_U64(&w, "events", g->events);
    write_types(&w, g);
    write_sources(&w, g->sources);
    LG_JW_U64(&w, "late_events", g->late_events);
    LG_JW_U64(&w, "nodes_dropped", g->nodes_dropped);
    LG_JW_U64(&w, "edges_dropped", g->edges_dropped);
    lg_jw_key(&w, LG_STR("nodes"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < g->n_nodes; i++)
        write_node(&w, &g->nodes[i]);
    lg_jw_array_end(&w);
    lg_jw_key(&w, LG_STR("edges"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < g->n_edges; i++)
        write_edge(&w, &g->edges[i]);
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
}
