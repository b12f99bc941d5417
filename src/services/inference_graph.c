#include <string.h>
#include <zstd.h>

#include "base/mem.h"
#include "crypto/encode.h"
#include "services/inference_int.h"

/*
 * A window's graph as bytes and back: LEB128 numbers, strings with their length, all of it through
 * zstd. The reader takes nothing for granted: the store may have been edited.
 */
#define GRAPH_VERSION 1u
#define GRAPH_MAX_BYTES ((size_t)64 << 20) /* of one graph, unpacked */

static void put(struct lg_buf *b, uint64_t v)
{
    char tmp[10];
    size_t n = 0;

    do {
        tmp[n++] = (char)((v & 127) | (v > 127 ? 128 : 0));
        v >>= 7;
    } while (v != 0);
    lg_buf_add(b, tmp, n);
}

static void put_time(struct lg_buf *b, lg_time t)
{
    put(b, ((uint64_t)t << 1) ^ (t < 0 ? UINT64_MAX : 0));
}

static void put_str(struct lg_buf *b, struct lg_str s)
{
    put(b, s.n);
    lg_buf_adds(b, s);
}

static void write_node(struct lg_buf *b, const struct lg_node *n)
{
    put(b, n->type);
    put(b, n->integrity);
    put(b, n->user_class);
    put(b, n->sources);
    put(b, n->flags);
    put(b, n->instances);
    put(b, n->pid);
    put(b, n->fold_key);
    put_time(b, n->first_ns);
    put_time(b, n->last_ns);
    put_str(b, n->name);
    put_str(b, n->raw);
    put_str(b, n->cmd);
    put_str(b, n->cmd_raw);
    put_str(b, n->user);
    put_str(b, n->guid);
    put_str(b, n->original);
    put_str(b, n->hash);
}

static void write_edge(struct lg_buf *b, const struct lg_edge *e)
{
    put(b, e->src);
    put(b, e->dst);
    put(b, e->type);
    put(b, e->sources);
    put(b, e->attr);
    put(b, e->count);
    put_time(b, e->first_ns);
    put_time(b, e->last_ns);
    put_str(b, e->detail);
}

void lg_inf_graph_write(const struct lg_graph *g, struct lg_buf *b)
{
    put(b, GRAPH_VERSION);
    put_str(b, g->tenant_id);
    put_str(b, g->endpoint_id);
    put_str(b, g->hostname);
    put(b, g->platform);
    put_time(b, g->start_ns);
    put_time(b, g->end_ns);
    put_time(b, g->received_ns);
    put(b, g->events);
    put(b, LG_EVENT_TYPE_COUNT);
    for (unsigned t = 0; t < LG_EVENT_TYPE_COUNT; t++)
        put(b, g->type_counts[t]);
    put(b, LG_LEDGER_COUNT);
    for (unsigned l = 0; l < LG_LEDGER_COUNT; l++)
        put(b, g->ledger[l]);
    put(b, g->sources);
    put(b, g->nodes_dropped);
    put(b, g->edges_dropped);
    put(b, g->late_events);
    put(b, g->n_nodes);
    put(b, g->n_edges);
    for (uint32_t i = 0; i < g->n_nodes; i++)
        write_node(b, &g->nodes[i]);
    for (uint32_t i = 0; i < g->n_edges; i++)
        write_edge(b, &g->edges[i]);
}

/* ------------------------------------------------------------------ reading */

struct in {
    const char *p;
    const char *end;
    bool bad;
};

static uint64_t get(struct in *in, uint64_t max)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64 && in->p < in->end; shift += 7) {
        uint8_t c = (uint8_t)*in->p++;

        if (shift == 63 && c > 1)
            break;
        v |= (uint64_t)(c & 127) << shift;
        if ((c & 128) != 0)
            continue;
        if (v > max)
            break;
        return v;
    }
    in->bad = true;
    return 0;
}

static uint32_t get32(struct in *in)
{
    return (uint32_t)get(in, UINT32_MAX);
}

static lg_time get_time(struct in *in)
{
    uint64_t v = get(in, UINT64_MAX);

    return (lg_time)(v >> 1) ^ -(lg_time)(v & 1);
}

static struct lg_str get_str(struct in *in)
{
    size_t n = (size_t)get(in, GRAPH_MAX_BYTES);
    struct lg_str s = {in->p, n};

    if (n > (size_t)(in->end - in->p)) {
        in->bad = true;
        return lg_str_of("", 0);
    }
    in->p += n;
    return s;
}

static struct lg_node read_node(struct in *in)
{
    struct lg_node n;

    memset(&n, 0, sizeof(n));
    n.type = (uint8_t)get(in, LG_NODE_TYPE_COUNT - 1);
    n.integrity = (uint8_t)get(in, LG_IL_SYSTEM);
    n.user_class = (uint8_t)get(in, LG_USER_DAEMON);
    n.sources = (uint16_t)get(in, UINT16_MAX);
    n.flags = get32(in);
    n.instances = get32(in);
    n.pid = get32(in);
    n.fold_key = get(in, UINT64_MAX);
    n.first_ns = get_time(in);
    n.last_ns = get_time(in);
    n.name = get_str(in);
    n.raw = get_str(in);
    n.cmd = get_str(in);
    n.cmd_raw = get_str(in);
    n.user = get_str(in);
    n.guid = get_str(in);
    n.original = get_str(in);
    n.hash = get_str(in);
    return n;
}

static struct lg_edge read_edge(struct in *in, uint32_t n_nodes)
{
    struct lg_edge e;

    memset(&e, 0, sizeof(e));
    e.src = get32(in);
    e.dst = get32(in);
    e.type = (uint8_t)get(in, LG_EDGE_TYPE_COUNT - 1);
    e.sources = (uint16_t)get(in, UINT16_MAX);
    e.attr = get32(in);
    e.count = get32(in);
    e.first_ns = get_time(in);
    e.last_ns = get_time(in);
    e.detail = get_str(in);
    in->bad = in->bad || e.src >= n_nodes || e.dst >= n_nodes;
    return e;
}

static void read_counts(struct in *in, struct lg_graph *g)
{
    uint32_t n;

    g->events = get(in, UINT64_MAX);
    n = (uint32_t)get(in, LG_EVENT_TYPE_COUNT);
    for (uint32_t t = 0; t < n; t++)
        g->type_counts[t] = get32(in);
    n = (uint32_t)get(in, LG_LEDGER_COUNT);
    for (uint32_t l = 0; l < n; l++)
        g->ledger[l] = get32(in);
    g->sources = get32(in);
    g->nodes_dropped = get32(in);
    g->edges_dropped = get32(in);
    g->late_events = get32(in);
}

static int read_graph(struct in *in, struct lg_arena *a, struct lg_graph *g)
{
    uint64_t version = get(in, UINT64_MAX);

    memset(g, 0, sizeof(*g));
    if (!in->bad && version != GRAPH_VERSION)
        return LG_EUNSUP;
    g->tenant_id = get_str(in);
    g->endpoint_id = get_str(in);
    g->hostname = get_str(in);
    g->platform = (enum lg_platform)get(in, LG_PLATFORM_LINUX);
    g->start_ns = get_time(in);
    g->end_ns = get_time(in);
    g->received_ns = get_time(in);
    read_counts(in, g);
    g->n_nodes = (uint32_t)get(in, LG_MAX_GRAPH_NODES);
    g->n_edges = (uint32_t)get(in, LG_MAX_GRAPH_EDGES);
    if (in->bad)
        return LG_ECORRUPT;
    g->nodes = lg_arena_alloc(a, (g->n_nodes + 1) * sizeof(*g->nodes));
    g->edges = lg_arena_alloc(a, (g->n_edges + 1) * sizeof(*g->edges));
    if (g->nodes == NULL || g->edges == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < g->n_nodes && !in->bad; i++)
        g->nodes[i] = read_node(in);
    for (uint32_t i = 0; i < g->n_edges && !in->bad; i++)
        g->edges[i] = read_edge(in, g->n_nodes);
    return in->bad || in->p != in->end ? LG_ECORRUPT : 0;
}

/* base64 to bytes to what was packed; both lie in the arena. */
static int unpack(struct lg_str text, struct lg_arena *a, struct lg_str *ret)
{
    size_t cap = text.n / 4 * 3 + 4;
    char *packed = lg_arena_alloc(a, cap), *plain;
    unsigned long long size;
    size_t got;
    int n;

    if (packed == NULL)
        return LG_ENOMEM;
    n = lg_base64_decode(LG_BASE64_STD, text, packed, cap);
    if (n < 0)
        return LG_ECORRUPT;
    size = ZSTD_getFrameContentSize(packed, (size_t)n);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
            size > GRAPH_MAX_BYTES)
        return LG_ECORRUPT;
    plain = lg_arena_alloc(a, (size_t)size + 1);
    if (plain == NULL)
        return LG_ENOMEM;
    got = ZSTD_decompress(plain, (size_t)size, packed, (size_t)n);
    if (ZSTD_isError(got) || got != size)
        return LG_ECORRUPT;
    *ret = lg_str_of(plain, got);
    return 0;
}

int lg_inference_graph(struct lg_str context_base64, struct lg_arena *a, struct lg_graph *ret,
        struct lg_err *reterr)
{
    struct lg_str plain;
    int rc;

    if (context_base64.n == 0)
        return lg_err_set(reterr, LG_ENOENT, "the graph was too large to be stored");
    rc = unpack(context_base64, a, &plain);
    if (rc == 0) {
        struct in in = {plain.p, plain.p + plain.n, false};

        rc = read_graph(&in, a, ret);
    }
    if (rc < 0)
        return lg_err_set(reterr, rc, "stored graph: %s", lg_err_name(rc));
    return 0;
}
