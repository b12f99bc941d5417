#include <pthread.h>

#include "normalize/format.h"

/*
 * The hash looks at the length and at most 16 bytes (both ends): field names of one format rarely
 * agree in all of those, and where they do the compare decides. Keys come from outside, but the
 * table does not: a probe is never longer than our own rows make it.
 */
static pthread_mutex_t build_lock = PTHREAD_MUTEX_INITIALIZER;

_Static_assert(LG_KEYMAP_ROWS * 4 <= LG_KEYMAP_SLOTS, "grow LG_KEYMAP_SLOTS");

static uint64_t load64(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static uint32_t load32(const char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/* Both ends of the key; with its length they are the whole key up to 16 bytes. */
struct ends {
    uint64_t a, b;
};

static inline struct ends ends_of(struct lg_str s)
{
    if (s.n >= 8)
        return (struct ends){load64(s.p), load64(s.p + s.n - 8)};
    if (s.n >= 4)
        return (struct ends){load32(s.p), load32(s.p + s.n - 4)};
    if (s.n > 0)
        return (struct ends){(uint64_t)(unsigned char)s.p[0] << 8 | (unsigned char)s.p[s.n / 2],
                (unsigned char)s.p[s.n - 1]};
    return (struct ends){0, 0};
}

static inline size_t slot_of(struct ends e, size_t n)
{
    uint64_t h = e.a ^ e.b * UINT64_C(0x9e3779b97f4a7c15);

    h = (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9) + n * UINT64_C(0x94d049bb133111eb);
    return (size_t)(h >> 40) & (LG_KEYMAP_SLOTS - 1);
}

static void build(struct lg_keymap *m)
{
    LG_ASSERT(m->n <= LG_KEYMAP_ROWS);
    for (uint16_t i = 0; i < m->n; i++) {
        struct lg_str key = lg_str_z(m->rows[i].key);
        struct ends e = ends_of(key);
        size_t at = slot_of(e, key.n);

        LG_ASSERT(key.n <= UINT16_MAX);
        m->lens[i] = (uint16_t)key.n;
        m->ends[i][0] = e.a;
        m->ends[i][1] = e.b;
        for (; m->slots[at] != 0; at = (at + 1) & (LG_KEYMAP_SLOTS - 1)) {
            const char *other = m->rows[m->slots[at] - 1].key;

            LG_ASSERT(!lg_str_eq(lg_str_z(other), key));
        }
        m->slots[at] = (uint16_t)(i + 1);
    }
}

static void build_once(struct lg_keymap *m)
{
    (void)pthread_mutex_lock(&build_lock);
    if (m->ready == 0) {
        build(m);
        __atomic_store_n(&m->ready, 1, __ATOMIC_RELEASE);
    }
    (void)pthread_mutex_unlock(&build_lock);
}

const struct lg_keyrow *lg_keymap_find(struct lg_keymap *m, struct lg_str key)
{
    struct ends e = ends_of(key);

    if (__atomic_load_n(&m->ready, __ATOMIC_ACQUIRE) == 0)
        build_once(m);
    for (size_t at = slot_of(e, key.n); m->slots[at] != 0; at = (at + 1) & (LG_KEYMAP_SLOTS - 1)) {
        unsigned i = m->slots[at] - 1u;

        if (m->lens[i] == key.n && m->ends[i][0] == e.a && m->ends[i][1] == e.b &&
                (key.n <= 16 || memcmp(m->rows[i].key, key.p, key.n) == 0))
            return &m->rows[i];
    }
    return NULL;
}
