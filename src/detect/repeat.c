#include "detect/repeat.h"

#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "crypto/blake2b_many.h"
#include "crypto/ids.h"

/* A graph of 4,096 nodes with strings of 2,048 bytes each; larger ones are judged every time. */
#define MAX_BYTES ((size_t)64 << 20)
#define KEEP_BYTES ((size_t)1 << 20) /* a larger buffer is given back */
#define PARTS 8                      /* digests are made side by side */

struct lg_repeat {
    struct lg_repeat_entry *place[LG_REPEAT_PLACES];
    struct lg_buf bytes;
    uint8_t key[LG_REPEAT_KEY];
    uint32_t at; /* the place of the graph last asked for; LG_REPEAT_PLACES: it has no key */
};

int lg_repeat_new(struct lg_repeat **ret)
{
    struct lg_repeat *r = lg_calloc(1, sizeof(*r));

    if (r == NULL)
        return LG_ENOMEM;
    lg_buf_init(&r->bytes, MAX_BYTES);
    r->at = LG_REPEAT_PLACES;
    *ret = r;
    return 0;
}

static void entry_free(struct lg_repeat_entry *e)
{
    if (e == NULL)
        return;
    lg_free((void *)(uintptr_t)e->v.hits);
    lg_free(e);
}

void lg_repeat_free(struct lg_repeat *r)
{
    if (r == NULL)
        return;
    for (uint32_t i = 0; i < LG_REPEAT_PLACES; i++)
        entry_free(r->place[i]);
    lg_buf_done(&r->bytes);
    lg_free(r);
}

/* --- the key ---------------------------------------------------------------------------------- */

#define NODE_STRINGS 8

struct node_head {
    uint64_t fold_key;
    lg_time first_ns;
    lg_time last_ns;
    uint32_t flags;
    uint32_t instances;
    uint32_t pid;
    uint16_t sources;
    uint8_t type;
    uint8_t integrity;
    uint32_t user_class;
    uint32_t len[NODE_STRINGS];
};

static void add_node(struct lg_buf *b, const struct lg_node *nd)
{
    const struct lg_str *s[NODE_STRINGS] = {&nd->name, &nd->raw, &nd->cmd, &nd->cmd_raw, &nd->user,
            &nd->guid, &nd->original, &nd->hash};
    struct node_head h;

    memset(&h, 0, sizeof(h));
    h.fold_key = nd->fold_key;
    h.first_ns = nd->first_ns;
    h.last_ns = nd->last_ns;
    h.flags = nd->flags;
    h.instances = nd->instances;
    h.pid = nd->pid;
    h.sources = nd->sources;
    h.type = nd->type;
    h.integrity = nd->integrity;
    h.user_class = nd->user_class;
    for (int i = 0; i < NODE_STRINGS; i++)
        h.len[i] = (uint32_t)s[i]->n;
    lg_buf_add(b, &h, sizeof(h));
    for (int i = 0; i < NODE_STRINGS; i++)
        lg_buf_adds(b, *s[i]);
}

struct edge_head {
    lg_time first_ns;
    lg_time last_ns;
    uint32_t src;
    uint32_t dst;
    uint32_t attr;
    uint32_t count;
    uint16_t sources;
    uint16_t type;
    uint32_t detail;
};

static void add_edge(struct lg_buf *b, const struct lg_edge *ed)
{
    struct edge_head h;

    memset(&h, 0, sizeof(h));
    h.first_ns = ed->first_ns;
    h.last_ns = ed->last_ns;
    h.src = ed->src;
    h.dst = ed->dst;
    h.attr = ed->attr;
    h.count = ed->count;
    h.sources = ed->sources;
    h.type = ed->type;
    h.detail = (uint32_t)ed->detail.n;
    lg_buf_add(b, &h, sizeof(h));
    lg_buf_adds(b, ed->detail);
}

struct graph_head {
    lg_time length;
    uint64_t events;
    uint32_t platform;
    uint32_t n_nodes;
    uint32_t n_edges;
    uint32_t sources;
    uint32_t nodes_dropped;
    uint32_t edges_dropped;
    uint32_t late_events;
    uint32_t len[3];
    uint32_t type_counts[LG_EVENT_TYPE_COUNT];
};

static void add_head(struct lg_buf *b, const struct lg_graph *g)
{
    struct graph_head h;

    memset(&h, 0, sizeof(h));
    h.length = g->end_ns - g->start_ns;
    h.events = g->events;
    h.platform = g->platform;
    h.n_nodes = g->n_nodes;
    h.n_edges = g->n_edges;
    h.sources = g->sources;
    h.nodes_dropped = g->nodes_dropped;
    h.edges_dropped = g->edges_dropped;
    h.late_events = g->late_events;
    h.len[0] = (uint32_t)g->tenant_id.n;
    h.len[1] = (uint32_t)g->endpoint_id.n;
    h.len[2] = (uint32_t)g->hostname.n;
    memcpy(h.type_counts, g->type_counts, sizeof(h.type_counts));
    lg_buf_add(b, &h, sizeof(h));
    lg_buf_adds(b, g->tenant_id);
    lg_buf_adds(b, g->endpoint_id);
    lg_buf_adds(b, g->hostname);
}

/* The digest of the digests of equal parts; where the parts end follows from the length. */
static void digest(struct lg_str all, uint8_t out[LG_REPEAT_KEY])
{
    uint8_t parts[PARTS + 1][32];
    struct lg_str in[PARTS];
    size_t each = all.n / PARTS + 1;

    for (size_t i = 0; i < PARTS; i++)
        in[i] = lg_str_sub(all, i * each < all.n ? i * each : all.n,
                (i + 1) * each < all.n ? (i + 1) * each : all.n);
    lg_blake2b_256_many(in, PARTS, parts);
    memset(parts[PARTS], 0, sizeof(parts[PARTS]));
    memcpy(parts[PARTS], &all.n, sizeof(all.n));
    lg_blake2b_256(lg_str_of((const char *)parts, sizeof(parts)), out);
}

static bool make_key(struct lg_repeat *r, const struct lg_graph *g)
{
    struct lg_buf *b = &r->bytes;
    bool made;

    lg_buf_clear(b);
    add_head(b, g);
    for (uint32_t i = 0; i < g->n_nodes; i++)
        add_node(b, &g->nodes[i]);
    for (uint32_t i = 0; i < g->n_edges; i++)
        add_edge(b, &g->edges[i]);
    made = b->failed == 0;
    if (made)
        digest(lg_buf_str(b), r->key);
    if (b->cap > KEEP_BYTES || !made) {
        lg_buf_done(b);
        lg_buf_init(b, MAX_BYTES);
    }
    return made;
}

/* --- places ------------------------------------------------------------------------------------- */

struct lg_repeat_entry *lg_repeat_find(struct lg_repeat *r, const struct lg_graph *g)
{
    uint64_t secret = lg_hash_secret();
    uint64_t h =
            lg_hash_mix(lg_hash_str(g->tenant_id, secret), lg_hash_str(g->endpoint_id, secret));
    struct lg_repeat_entry *e;

    r->at = LG_REPEAT_PLACES;
    if (!make_key(r, g))
        return NULL;
    r->at = (uint32_t)(h % LG_REPEAT_PLACES);
    e = r->place[r->at];
    return e != NULL && memcmp(e->key, r->key, sizeof(e->key)) == 0 ? e : NULL;
}

struct lg_repeat_entry *lg_repeat_put(struct lg_repeat *r, const struct lg_verdict *v)
{
    struct lg_pattern_hit *hits = NULL;
    struct lg_repeat_entry *e;

    if (r->at == LG_REPEAT_PLACES)
        return NULL;
    /* what stands there is of another graph, whatever becomes of this one */
    e = r->place[r->at];
    r->place[r->at] = NULL;
    if (v->n_hits > 0 && v->n_hits <= LG_REPEAT_MAX_HITS)
        hits = lg_memdup(v->hits, v->n_hits * sizeof(*hits));
    if (e == NULL)
        e = lg_malloc(sizeof(*e));
    else
        lg_free((void *)(uintptr_t)e->v.hits);
    if (e == NULL || (v->n_hits > 0 && hits == NULL)) {
        lg_free(hits);
        lg_free(e);
        return NULL;
    }
    memcpy(e->key, r->key, sizeof(e->key));
    e->v = *v;
    e->v.hits = hits;
    e->evidence = false;
    r->place[r->at] = e;
    return e;
}
