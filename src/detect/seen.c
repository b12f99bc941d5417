#include "detect/seen.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

struct place {
    uint64_t key[2]; /* both 0: empty */
    struct lg_seen_odds odds;
};

struct lg_seen {
    uint64_t key[2]; /* asked for last */
    struct place place[LG_SEEN_PLACES];
};

int lg_seen_new(struct lg_seen **ret)
{
    *ret = lg_calloc(1, sizeof(**ret));
    return *ret != NULL ? 0 : LG_ENOMEM;
}

void lg_seen_free(struct lg_seen *s)
{
    lg_free(s);
}

/* Each part is hashed under what stands before it; how long they are comes first. */
static uint64_t key_of(const struct lg_gnn_graph *g, uint32_t num_dim, uint64_t seed)
{
    uint32_t n = g->n_nodes, m = g->n_edges;
    uint64_t size[3] = {n, m, num_dim};
    uint64_t h = lg_hash64(size, sizeof(size), seed);

    h = lg_hash64(g->node_type, n, h);
    h = lg_hash64(g->node_num, (size_t)n * num_dim * sizeof(*g->node_num), h);
    h = lg_hash64(g->tok_off, ((size_t)n + 1) * sizeof(*g->tok_off), h);
    h = lg_hash64(g->tok, g->tok_off[n] * sizeof(*g->tok), h);
    h = lg_hash64(g->src, m * sizeof(*g->src), h);
    h = lg_hash64(g->dst, m * sizeof(*g->dst), h);
    h = lg_hash64(g->edge_type, m, h);
    h = lg_hash64(g->edge_attr, m * sizeof(*g->edge_attr), h);
    return lg_hash64(g->edge_num, m * sizeof(*g->edge_num), h);
}

bool lg_seen_find(
        struct lg_seen *s, const struct lg_gnn_graph *g, uint32_t num_dim, struct lg_seen_odds *ret)
{
    const struct place *p;

    s->key[0] = key_of(g, num_dim, lg_hash_secret());
    s->key[1] = key_of(g, num_dim, ~lg_hash_secret());
    p = &s->place[s->key[0] % LG_SEEN_PLACES];
    if (memcmp(p->key, s->key, sizeof(p->key)) != 0 || (p->key[0] | p->key[1]) == 0)
        return false;
    *ret = p->odds;
    return true;
}

void lg_seen_put(struct lg_seen *s, const struct lg_seen_odds *odds)
{
    struct place *p = &s->place[s->key[0] % LG_SEEN_PLACES];

    memcpy(p->key, s->key, sizeof(p->key));
    p->odds = *odds;
}
