#include "graph/strpool.h"

#include "base/hash.h"
#include "base/mem.h"

#define STRPOOL_FREE UINT32_MAX
#define STRPOOL_SLACK 4096u

void lg_strpool_init(struct lg_strpool *sp, struct lg_acct *acct)
{
    memset(sp, 0, sizeof(*sp));
    sp->acct = acct;
    sp->seed = lg_hash_secret();
}

void lg_strpool_done(struct lg_strpool *sp)
{
    if (sp == NULL || sp->acct == NULL)
        return;
    lg_acct_vec_done(sp->acct, &sp->bytes);
    lg_acct_vec_done(sp->acct, &sp->ents);
    lg_idx_done(sp->acct, &sp->ix);
    sp->free = 0;
    sp->live = 0;
}

static uint32_t pool_find(const struct lg_strpool *sp, struct lg_str s, uint64_t hash)
{
    uint32_t h = (uint32_t)hash, pos = lg_idx_home(&sp->ix, h), id;

    while ((id = lg_idx_next(&sp->ix, h, &pos)) != LG_IDX_NONE) {
        const struct lg_strpool_ent *e = &sp->ents.v[id];

        if (e->hash == hash && e->len == s.n && memcmp(sp->bytes.v + e->off, s.p, s.n) == 0)
            return id;
    }
    return LG_IDX_NONE;
}

uint32_t lg_strpool_find(const struct lg_strpool *sp, struct lg_str s)
{
    return s.n == 0 ? 0 : pool_find(sp, s, lg_hash_str(s, sp->seed));
}

static int pool_reserve(struct lg_strpool *sp, size_t n)
{
    if (n > UINT32_MAX / 4 || sp->bytes.n > UINT32_MAX / 4)
        return LG_ENOMEM;
    if (lg_acct_reserve(sp->acct, &sp->bytes, sp->bytes.n + (uint32_t)n) < 0)
        return LG_ENOMEM;
    /* one more than in use: entry 0 stands for the empty string */
    if (sp->free == 0 && lg_acct_reserve(sp->acct, &sp->ents, sp->ents.n + 2) < 0)
        return LG_ENOMEM;
    return lg_idx_reserve(sp->acct, &sp->ix);
}

int lg_strpool_add(struct lg_strpool *sp, struct lg_str s, uint32_t *ret)
{
    uint64_t hash;
    uint32_t id;

    if (s.n == 0) {
        *ret = 0;
        return 0;
    }
    hash = lg_hash_str(s, sp->seed);
    id = pool_find(sp, s, hash);
    if (id == LG_IDX_NONE) {
        if (pool_reserve(sp, s.n) < 0)
            return LG_ENOMEM;
        if (sp->ents.n == 0)
            sp->ents.v[sp->ents.n++] = (struct lg_strpool_ent){0, 0, 0};
        if (sp->free != 0) {
            id = sp->free;
            sp->free = sp->ents.v[id].off;
        } else {
            id = sp->ents.n++;
        }
        sp->ents.v[id] = (struct lg_strpool_ent){hash, sp->bytes.n, (uint32_t)s.n};
        memcpy(sp->bytes.v + sp->bytes.n, s.p, s.n);
        sp->bytes.n += (uint32_t)s.n;
        lg_idx_put(&sp->ix, (uint32_t)hash, id);
    }
    *ret = id;
    return 0;
}

int lg_strpool_sweep_begin(struct lg_strpool *sp, struct lg_strmarks *mk)
{
    mk->bits = lg_calloc(sp->ents.n / 8 + 1, 1);
    return mk->bits != NULL ? 0 : LG_ENOMEM;
}

static bool marked(const struct lg_strmarks *mk, uint32_t id)
{
    return (mk->bits[id / 8] >> (id % 8) & 1) != 0;
}

/* Moves the marked strings into a block of just their size; frees the other ids. */
static void pool_compact(struct lg_strpool *sp, const struct lg_strmarks *mk, char *to)
{
    uint32_t n = 0, last = 0;

    for (uint32_t id = 1; id < sp->ents.n; id++) {
        struct lg_strpool_ent *e = &sp->ents.v[id];

        if (e->len == STRPOOL_FREE)
            continue;
        if (!marked(mk, id)) {
            lg_idx_del(&sp->ix, (uint32_t)e->hash, id);
            e->len = STRPOOL_FREE;
            continue;
        }
        memcpy(to + n, sp->bytes.v + e->off, e->len);
        e->off = n;
        n += e->len;
        last = id;
    }
    sp->ents.n = sp->ents.n > 0 ? last + 1 : 0;
    sp->free = 0;
    for (uint32_t id = last; id > 0; id--) {
        if (sp->ents.v[id].len == STRPOOL_FREE) {
            sp->ents.v[id].off = sp->free;
            sp->free = id;
        }
    }
}

static void pool_shrink_index(struct lg_strpool *sp)
{
    struct lg_idx ix = {NULL, 0, 0};

    if (sp->ix.n * 8 > sp->ix.cap || sp->ix.cap <= 64)
        return;
    for (uint32_t id = 1; id < sp->ents.n; id++) {
        if (sp->ents.v[id].len == STRPOOL_FREE)
            continue;
        if (lg_idx_reserve(sp->acct, &ix) < 0) {
            lg_idx_done(sp->acct, &ix);
            return;
        }
        lg_idx_put(&ix, (uint32_t)sp->ents.v[id].hash, id);
    }
    lg_idx_done(sp->acct, &sp->ix);
    sp->ix = ix;
}

void lg_strpool_sweep_end(struct lg_strpool *sp, struct lg_strmarks *mk)
{
    size_t live = 0;
    char *to;

    for (uint32_t id = 1; id < sp->ents.n; id++)
        if (sp->ents.v[id].len != STRPOOL_FREE && marked(mk, id))
            live += sp->ents.v[id].len;
    to = lg_malloc(live > 0 ? live : 1);
    if (to != NULL) {
        pool_compact(sp, mk, to);
        sp->acct->bytes -= sp->bytes.cap;
        lg_free(sp->bytes.v);
        sp->bytes.v = to;
        sp->bytes.n = sp->bytes.cap = (uint32_t)live;
        sp->acct->bytes += live;
        if (live == 0)
            lg_free(LG_TAKE(sp->bytes.v));
        if (sp->ents.n < sp->ents.cap / 2)
            lg_acct_shrink(
                    sp->acct, (void **)&sp->ents.v, &sp->ents.cap, sp->ents.n, sizeof(*sp->ents.v));
        if (sp->ents.cap == 0)
            sp->ents.n = 0;
        pool_shrink_index(sp);
    }
    sp->live = sp->bytes.n;
    lg_free(LG_TAKE(mk->bits));
}

bool lg_strpool_wants_sweep(const struct lg_strpool *sp)
{
    return sp->bytes.n > sp->live + sp->live / 2 + STRPOOL_SLACK;
}
