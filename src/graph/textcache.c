#include "graph/textcache.h"

#include "base/hash.h"
#include "base/mem.h"

#define TEXTCACHE_MAX_BYTES (4u << 20)
#define TEXTCACHE_MAX_ENTRIES 49152u

void lg_textcache_init(struct lg_textcache *tc)
{
    lg_map_init(&tc->map);
    tc->buf = NULL;
    tc->n = tc->cap = 0;
}

void lg_textcache_done(struct lg_textcache *tc)
{
    if (tc == NULL)
        return;
    lg_map_done(&tc->map);
    lg_free(LG_TAKE(tc->buf));
    tc->n = tc->cap = 0;
}

size_t lg_textcache_bytes(const struct lg_textcache *tc)
{
    return tc->cap + tc->map.cap * sizeof(struct lg_map_slot);
}

static uint64_t cache_key(enum lg_text_kind kind, enum lg_platform platform,
        const struct lg_text_names *names, struct lg_str raw)
{
    uint64_t h = lg_hash_str(raw, lg_hash_secret() + (uint64_t)kind * 2 + (uint64_t)platform);

    if (names != NULL && lg_text_uses_names(kind)) {
        h = lg_hash_mix(h, lg_hash_str(names->host, lg_hash_secret()));
        h = lg_hash_mix(h, lg_hash_str(names->user, lg_hash_secret()));
        for (unsigned k = 0; k < LG_TEXT_PEOPLE && names->people[k].n > 0; k++)
            h = lg_hash_mix(h, lg_hash_str(names->people[k], lg_hash_secret()));
    }
    return h;
}

static bool cache_room(struct lg_textcache *tc, size_t n)
{
    if (tc->n + n > TEXTCACHE_MAX_BYTES || tc->map.n >= TEXTCACHE_MAX_ENTRIES) {
        lg_map_clear(&tc->map);
        tc->n = 0;
    }
    if (tc->n + n > tc->cap) {
        size_t cap = tc->cap * 2 > tc->n + n ? tc->cap * 2 : tc->n + n + 4096;
        char *p = lg_realloc_array(tc->buf, cap, 1);

        if (p == NULL)
            return false;
        tc->buf = p;
        tc->cap = cap;
    }
    return true;
}

struct lg_str lg_textcache_get(struct lg_textcache *tc, enum lg_text_kind kind,
        enum lg_platform platform, const struct lg_text_names *names, struct lg_str raw)
{
    uint64_t key = cache_key(kind, platform, names, raw), *v = lg_map_get(&tc->map, key);
    size_t n;

    if (v != NULL)
        return lg_str_of(tc->buf + (*v >> 16), *v & 0xffff);
    n = lg_text_normalise(kind, platform, names, raw, tc->scratch);
    if (n > 0 && cache_room(tc, n) && lg_map_put(&tc->map, key, (uint64_t)tc->n << 16 | n) == 0) {
        memcpy(tc->buf + tc->n, tc->scratch, n);
        tc->n += n;
    }
    return lg_str_of(tc->scratch, n);
}
