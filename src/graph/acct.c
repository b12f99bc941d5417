#include "graph/acct.h"

#include <string.h>

#include "base/mem.h"

#define ACCT_MAX_ELEMENTS (UINT32_C(1) << 30)

int lg_acct_grow(struct lg_acct *a, void **v, uint32_t *cap, uint32_t want, size_t size)
{
    uint32_t n = *cap < 4 ? 4 : *cap + *cap / (a->tight ? 8 : 2) + a->tight;
    void *p;

    if (want > ACCT_MAX_ELEMENTS)
        return LG_ENOMEM;
    if (n < want)
        n = want;
    p = lg_realloc_array(*v, n, size);
    if (p == NULL)
        return LG_ENOMEM;
    a->bytes += (size_t)(n - *cap) * size;
    *v = p;
    *cap = n;
    return 0;
}

int lg_acct_exact(struct lg_acct *a, void **v, uint32_t *cap, uint32_t n, size_t size)
{
    void *p = lg_realloc_array(NULL, n, size);

    if (p == NULL)
        return LG_ENOMEM;
    a->bytes += n * size;
    *v = p;
    *cap = n;
    return 0;
}

void lg_acct_shrink(struct lg_acct *a, void **v, uint32_t *cap, uint32_t n, size_t size)
{
    void *p = NULL;

    if (*v == NULL || n >= *cap)
        return;
    if (n > 0) {
        p = lg_realloc_array(*v, n, size);
        if (p == NULL)
            return; /* the larger block stays */
    } else {
        lg_free(*v);
    }
    a->bytes -= (size_t)(*cap - n) * size;
    *v = p;
    *cap = n;
}

static void idx_place(struct lg_idx_slot *slots, uint32_t cap, struct lg_idx_slot s)
{
    uint32_t i = s.hash & (cap - 1);

    while (slots[i].value1 != 0)
        i = (i + 1) & (cap - 1);
    slots[i] = s;
}

int lg_idx_reserve(struct lg_acct *a, struct lg_idx *ix)
{
    uint32_t cap = ix->cap > 0 ? ix->cap * 2 : 8;
    struct lg_idx_slot *slots;

    if ((ix->n + 1) * 4 <= ix->cap * 3)
        return 0;
    if (cap > ACCT_MAX_ELEMENTS)
        return LG_ENOMEM;
    slots = lg_calloc(cap, sizeof(*slots));
    if (slots == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < ix->cap; i++)
        if (ix->slots[i].value1 != 0)
            idx_place(slots, cap, ix->slots[i]);
    a->bytes += (size_t)(cap - ix->cap) * sizeof(*slots);
    lg_free(ix->slots);
    ix->slots = slots;
    ix->cap = cap;
    return 0;
}

void lg_idx_put(struct lg_idx *ix, uint32_t hash, uint32_t value)
{
    LG_ASSERT(ix->n < ix->cap);
    idx_place(ix->slots, ix->cap, (struct lg_idx_slot){hash, value + 1});
    ix->n++;
}

void lg_idx_del(struct lg_idx *ix, uint32_t hash, uint32_t value)
{
    uint32_t mask = ix->cap - 1, i, j, home;

    if (ix->cap == 0)
        return;
    for (i = hash & mask; ix->slots[i].value1 != value + 1; i = (i + 1) & mask)
        if (ix->slots[i].value1 == 0)
            return;
    /* backward shift: no tombstones, so that look-ups never slow down with age */
    for (j = (i + 1) & mask; ix->slots[j].value1 != 0; j = (j + 1) & mask) {
        home = ix->slots[j].hash & mask;
        if (((j - home) & mask) >= ((j - i) & mask)) {
            ix->slots[i] = ix->slots[j];
            i = j;
        }
    }
    ix->slots[i].value1 = 0;
    ix->n--;
}

void lg_idx_clear(struct lg_idx *ix)
{
    if (ix->slots != NULL && ix->n > 0)
        memset(ix->slots, 0, ix->cap * sizeof(*ix->slots));
    ix->n = 0;
}

void lg_idx_done(struct lg_acct *a, struct lg_idx *ix)
{
    a->bytes -= (size_t)ix->cap * sizeof(*ix->slots);
    lg_free(ix->slots);
    memset(ix, 0, sizeof(*ix));
}
