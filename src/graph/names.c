#include "graph/graph.h"

#define NAME(e, ...) NAME_(__VA_ARGS__, )
#define NAME_(s, ...) s,
static const char *const node_names[] = {LG_NODE_TYPES(NAME)};
static const char *const edge_names[] = {LG_EDGE_TYPES(NAME)};
static const char *const attr_names[] = {LG_EDGE_ATTRS(NAME)};
static const char *const ledger_names[] = {LG_LEDGER(NAME)};

const char *lg_ledger_name(enum lg_ledger l)
{
    return (unsigned)l < LG_LEDGER_COUNT ? ledger_names[l] : "unknown";
}

const char *lg_node_type_name(enum lg_node_type t)
{
    return (unsigned)t < LG_NODE_TYPE_COUNT ? node_names[t] : "unknown";
}

const char *lg_edge_type_name(enum lg_edge_type t)
{
    return (unsigned)t < LG_EDGE_TYPE_COUNT ? edge_names[t] : "unknown";
}

const char *lg_edge_attr_name(enum lg_edge_attr_num a)
{
    return (unsigned)a < LG_EDGE_ATTR_COUNT ? attr_names[a] : "unknown";
}
