#include "base/utf8.h"
#include "graph/graph.h"

/* Graphviz: one digraph a window; what a person reads, so names are cut. */

#define DOT_LABEL_MAX 60

/* Inside double quotes: quotes, backslashes and controls escaped, broken UTF-8 replaced. */
static void put_text(struct lg_buf *out, struct lg_str s)
{
    char tail[DOT_LABEL_MAX * 2 + 8];
    struct lg_buf clean;
    size_t n = 0;

    lg_buf_init(&clean, 64 << 10);
    (void)lg_utf8_repair(&clean, lg_str_sub(s, 0, 4096));
    if (clean.failed < 0)
        out->failed = clean.failed;
    s = lg_buf_str(&clean);
    for (size_t i = 0; i < s.n && n < sizeof(tail) - 3; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (i >= DOT_LABEL_MAX && (c & 0xc0) != 0x80)
            break;
        if (c == '"' || c == '\\')
            tail[n++] = '\\';
        tail[n++] = c < ' ' || c == 0x7f ? ' ' : s.p[i];
    }
    lg_buf_add(out, tail, n);
    if (s.n > DOT_LABEL_MAX)
        lg_buf_adds(out, LG_STR("..."));
    lg_buf_done(&clean);
}

static const char *shape_of(uint8_t type)
{
    static const char *const shapes[LG_NODE_TYPE_COUNT] = {
            [LG_NODE_PROCESS] = "box",
            [LG_NODE_FILE] = "note",
            [LG_NODE_REGISTRY] = "folder",
            [LG_NODE_MODULE] = "component",
            [LG_NODE_PIPE] = "cds",
            [LG_NODE_NETWORK] = "ellipse",
            [LG_NODE_DNS] = "oval",
            [LG_NODE_SCRIPT] = "tab",
            [LG_NODE_SERVICE] = "hexagon",
            [LG_NODE_ACCOUNT] = "house",
            [LG_NODE_DEVICE] = "cylinder",
            [LG_NODE_WMI] = "octagon",
            [LG_NODE_SHARE] = "parallelogram",
            [LG_NODE_KERNEL] = "diamond",
            [LG_NODE_LOG] = "underline",
    };

    return shapes[type];
}

static void put_node(struct lg_buf *out, const struct lg_node *nd, uint32_t i)
{
    const char *style = (nd->flags & LG_NODEF_STUB) != 0 ? "dotted"
            : (nd->flags & LG_NODEF_CONTEXT) != 0        ? "dashed"
                                                         : "solid";
    struct lg_str label = nd->name;

    if (nd->type == LG_NODE_PROCESS || nd->type == LG_NODE_FILE || nd->type == LG_NODE_MODULE)
        label = lg_str_basename(label);
    lg_buf_printf(out, "  n%u [shape=%s, style=%s, label=\"", i, shape_of(nd->type), style);
    put_text(out, label.n > 0 ? label : nd->name);
    if (nd->cmd.n > 0 && nd->type != LG_NODE_PROCESS) {
        lg_buf_adds(out, LG_STR("\\n"));
        put_text(out, nd->cmd);
    }
    if (nd->instances > 1)
        lg_buf_printf(out, "\\n%u instances", nd->instances);
    lg_buf_adds(out, LG_STR("\", tooltip=\""));
    put_text(out, nd->cmd_raw.n > 0 ? nd->cmd_raw : nd->raw);
    lg_buf_adds(out, LG_STR("\"];\n"));
}

void lg_graph_write_dot(const struct lg_graph *g, struct lg_buf *out)
{
    char start[LG_TIME_ISO_MAX];

    (void)lg_time_iso(g->start_ns, start);
    lg_buf_adds(out,
            LG_STR("digraph window {\n  rankdir=LR;\n  node [fontname=\"sans\"];\n"
                   "  label=\""));
    put_text(out, g->endpoint_id);
    lg_buf_printf(out, " %s\";\n", start);
    for (uint32_t i = 0; i < g->n_nodes; i++)
        put_node(out, &g->nodes[i], i);
    for (uint32_t i = 0; i < g->n_edges; i++) {
        const struct lg_edge *ed = &g->edges[i];

        lg_buf_printf(out, "  n%u -> n%u [label=\"%s", ed->src, ed->dst,
                lg_edge_type_name((enum lg_edge_type)ed->type));
        if (ed->count > 1)
            lg_buf_printf(out, " x%u", ed->count);
        lg_buf_adds(out, LG_STR("\"];\n"));
    }
    lg_buf_adds(out, LG_STR("}\n"));
}
