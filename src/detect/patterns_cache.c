#include "base/hash.h"
#include "detect/patterns_int.h"

/* Past the first, new texts are not kept; the second leaves room for one more text of any size. */
#define CACHE_FULL_BYTES ((size_t)3 << 20)
#define CACHE_MAX_BYTES ((size_t)8 << 20)

struct kept {
    uint64_t check;
    struct lg_pat_node node;
};

void lg_pat_cache_init(struct lg_pat_cache *c)
{
    lg_map_init(&c->map);
    lg_arena_init(&c->mem, CACHE_MAX_BYTES);
}

void lg_pat_cache_done(struct lg_pat_cache *c)
{
    if (c == NULL)
        return;
    lg_map_done(&c->map);
    lg_arena_done(&c->mem);
}

void lg_pat_cache_next_graph(struct lg_pat_cache *c)
{
    if (c->mem.used_bytes < CACHE_FULL_BYTES)
        return;
    lg_map_clear(&c->map);
    lg_arena_clear(&c->mem);
}

/* All that lg_pat_node_text looks at. */
static uint64_t key_of(enum lg_platform platform, const struct lg_node *n, uint64_t seed)
{
    uint64_t h = lg_hash_str(n->raw.n > 0 ? n->raw : n->name, seed);

    h = lg_hash_mix(h, lg_hash_str(n->original, seed));
    h = lg_hash_mix(h, lg_hash_str(n->user, seed));
    h = lg_hash_mix(h, lg_hash_str(n->cmd_raw, seed));
    return lg_hash_mix(h, (uint64_t)platform * 2 + (n->type == LG_NODE_REGISTRY));
}

int lg_pat_cache_get(struct lg_pat_cache *c, struct lg_arena *a, const struct lg_pat_scanner *sc,
        enum lg_platform platform, const struct lg_node *node, struct lg_pat_node *ret)
{
    /* 128 bits under a secret seed stand for the texts */
    uint64_t key = key_of(platform, node, lg_hash_secret());
    uint64_t check = key_of(platform, node, ~lg_hash_secret()), *at = lg_map_get(&c->map, key);
    struct kept *k = at != NULL ? (struct kept *)(uintptr_t)*at : NULL;

    if (k != NULL && k->check == check) {
        *ret = k->node;
        return 0;
    }
    if (k == NULL && c->mem.used_bytes < CACHE_FULL_BYTES)
        k = lg_arena_alloc(&c->mem, sizeof(*k));
    else
        k = NULL;
    if (k != NULL && lg_pat_node_text(&c->mem, sc, platform, node, &k->node) == 0 &&
            lg_map_put(&c->map, key, (uint64_t)(uintptr_t)k) == 0) {
        k->check = check;
        *ret = k->node;
        return 0;
    }
    return lg_pat_node_text(a, sc, platform, node, ret);
}
