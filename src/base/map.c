#include "base/map.h"

#include <string.h>

#include "base/mem.h"

static size_t slot_of(const struct lg_map *m, uint64_t key)
{
    key ^= key >> 32;
    key *= 0x9e3779b97f4a7c15u;
    return (size_t)(key >> 20) & (m->cap - 1);
}

void lg_map_init(struct lg_map *m)
{
    memset(m, 0, sizeof(*m));
}

void lg_map_done(struct lg_map *m)
{
    if (m == NULL)
        return;
    lg_free(m->slots);
    memset(m, 0, sizeof(*m));
}

void lg_map_clear(struct lg_map *m)
{
    if (m->slots != NULL && m->n > 0)
        memset(m->slots, 0, m->cap * sizeof(*m->slots));
    m->n = 0;
}

static struct lg_map_slot *probe(const struct lg_map *m, uint64_t key)
{
    size_t i = slot_of(m, key);

    while (m->slots[i].used && m->slots[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

static int grow(struct lg_map *m)
{
    struct lg_map bigger = {NULL, m->cap > 0 ? m->cap * 2 : 16, m->n};

    bigger.slots = lg_calloc(bigger.cap, sizeof(*bigger.slots));
    if (bigger.slots == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].used)
            *probe(&bigger, m->slots[i].key) = m->slots[i];
    lg_free(m->slots);
    *m = bigger;
    return 0;
}

uint64_t *lg_map_get(const struct lg_map *m, uint64_t key)
{
    struct lg_map_slot *s;

    if (m->n == 0)
        return NULL;
    s = probe(m, key);
    return s->used ? &s->value : NULL;
}

uint64_t *lg_map_at(struct lg_map *m, uint64_t key, uint64_t init, bool *ret_new)
{
    struct lg_map_slot *s;

    if ((m->n + 1) * 4 > m->cap * 3 && grow(m) < 0)
        return NULL;
    s = probe(m, key);
    *ret_new = !s->used;
    if (!s->used) {
        *s = (struct lg_map_slot){key, init, 1};
        m->n++;
    }
    return &s->value;
}

int lg_map_put(struct lg_map *m, uint64_t key, uint64_t value)
{
    bool is_new;
    uint64_t *v = lg_map_at(m, key, value, &is_new);

    if (v == NULL)
        return LG_ENOMEM;
    *v = value;
    return 0;
}

bool lg_map_del(struct lg_map *m, uint64_t key)
{
    size_t i, j, home;

    if (m->n == 0)
        return false;
    i = (size_t)(probe(m, key) - m->slots);
    if (!m->slots[i].used)
        return false;
    /* backward-shift deletion: no tombstones, so look-ups never slow down with age */
    for (j = (i + 1) & (m->cap - 1); m->slots[j].used; j = (j + 1) & (m->cap - 1)) {
        home = slot_of(m, m->slots[j].key);
        if (((j - home) & (m->cap - 1)) >= ((j - i) & (m->cap - 1))) {
            m->slots[i] = m->slots[j];
            i = j;
        }
    }
    m->slots[i].used = 0;
    m->n--;
    return true;
}
