/*
 * Text of a graph as an outsider can make it: the input is cut at zero bytes into names, command
 * lines and details of a few nodes and edges of the types that the first bytes say. What rematch
 * says with nothing removed must be what match said.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "detect/allowlist.h"
#include "detect/patterns.h"

#define N_NODES 6u
#define N_EDGES 8u

static struct lg_str next_text(struct lg_str *rest)
{
    struct lg_str part = {"", 0};

    if (rest->n > 0)
        lg_str_split(rest, '\0', &part);
    if (part.n > LG_MAX_NODE_TEXT)
        part.n = LG_MAX_NODE_TEXT;
    return part;
}

static uint8_t next_byte(struct lg_str *rest)
{
    uint8_t b = rest->n > 0 ? (uint8_t)rest->p[0] : 0;

    *rest = lg_str_sub(*rest, 1, rest->n);
    return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lg_patterns *ps;
    struct lg_node nodes[N_NODES] = {0};
    struct lg_edge edges[N_EDGES] = {0};
    struct lg_graph g = {.nodes = nodes, .n_nodes = N_NODES, .edges = edges, .n_edges = N_EDGES};
    struct lg_str rest = lg_str_of((const char *)data, size);
    const struct lg_pattern_hit *hits, *again;
    uint32_t n, n_again;

    if (ps == NULL && lg_patterns_new(&ps) < 0)
        abort();
    g.platform = (next_byte(&rest) & 1) != 0 ? LG_PLATFORM_LINUX : LG_PLATFORM_WINDOWS;
    for (uint32_t i = 0; i < N_EDGES; i++) {
        edges[i].type = (uint8_t)(next_byte(&rest) % LG_EDGE_TYPE_COUNT);
        edges[i].src = i % N_NODES;
        edges[i].dst = (i * 5 + 1) % N_NODES;
        edges[i].count = 1;
        edges[i].attr = i % 2 == 0 ? UINT32_MAX : 0;
    }
    for (uint32_t i = 0; i < N_NODES; i++) {
        nodes[i].type = (uint8_t)(i < 3 ? LG_NODE_PROCESS : next_byte(&rest) % LG_NODE_TYPE_COUNT);
        nodes[i].raw = nodes[i].name = next_text(&rest);
        nodes[i].cmd_raw = next_text(&rest);
        nodes[i].original = next_text(&rest);
    }
    for (uint32_t i = 0; i < N_EDGES; i++)
        edges[i].detail = next_text(&rest);
    if (lg_patterns_match(ps, &g, NULL, &hits, &n) < 0)
        return 0;
    (void)lg_patterns_floor(hits, n);
    if (lg_patterns_rematch(ps, NULL, &again, &n_again) < 0)
        return 0;
    if (n != n_again || (n > 0 && memcmp(hits, again, n * sizeof(*hits)) != 0))
        abort();
    (void)lg_allowlist_idle(&g);
    return 0;
}
