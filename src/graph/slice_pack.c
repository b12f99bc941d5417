#include "base/mem.h"
#include "graph/slice.h"

/*
 * Slices that the watermark has passed wait for the windows that they are still part of. Their
 * arrays are kept as differences: each 32-bit word of an element against the same word of the one
 * before, in 0, 1, 2 or 4 bytes, four lengths to a byte. It knows nothing of the fields, and gives
 * back the same bytes.
 */

struct table {
    void **v;
    uint32_t n;
    uint32_t *cap;
    size_t size; /* of an element: whole words */
};
#define TABLES 4
#define TABLE(vec)                                                                                 \
    {                                                                                              \
        (void **)&(vec).v, (vec).n, &(vec).cap, sizeof(*(vec).v)                                   \
    }

_Static_assert(sizeof(struct lg_slice_proc) % 4 == 0 && sizeof(struct lg_slice_node) % 4 == 0 &&
                sizeof(struct lg_slice_edge) % 4 == 0 && sizeof(struct lg_slice_alias) % 4 == 0,
        "elements are packed word by word");

static uint32_t word_at(const void *v, size_t i)
{
    uint32_t w;

    memcpy(&w, (const char *)v + 4 * i, sizeof(w));
    return w;
}

/* Small numbers for small differences of either sign. */
static uint32_t fold_sign(uint32_t d)
{
    return d << 1 ^ (0 - (d >> 31));
}

static uint32_t unfold_sign(uint32_t z)
{
    return z >> 1 ^ (0 - (z & 1));
}

static uint8_t *pack_table(const struct table *t, uint8_t *to)
{
    const size_t words = t->size / 4, all = words * t->n;
    uint8_t *lengths = NULL;

    for (size_t i = 0; i < all; i++) {
        uint32_t z = fold_sign(word_at(*t->v, i) - (i < words ? 0 : word_at(*t->v, i - words)));
        unsigned code = z == 0 ? 0 : z < 256 ? 1 : z < 65536 ? 2 : 3;

        if (i % 4 == 0) {
            lengths = to++;
            *lengths = 0;
        }
        *lengths |= (uint8_t)(code << (2 * (i % 4)));
        for (unsigned b = 0; b < (code == 3 ? 4 : code); b++)
            *to++ = (uint8_t)(z >> (8 * b));
    }
    return to;
}

static const uint8_t *unpack_table(const struct table *t, const uint8_t *from)
{
    const size_t words = t->size / 4, all = words * t->n;
    uint8_t lengths = 0;

    for (size_t i = 0; i < all; i++) {
        uint32_t z = 0, w;
        unsigned code;

        if (i % 4 == 0)
            lengths = *from++;
        code = lengths & 3;
        lengths >>= 2;
        for (unsigned b = 0; b < (code == 3 ? 4 : code); b++)
            z |= (uint32_t)*from++ << (8 * b);
        w = unfold_sign(z) + (i < words ? 0 : word_at(*t->v, i - words));
        memcpy((char *)*t->v + 4 * i, &w, sizeof(w));
    }
    return from;
}

void lg_slice_pack(struct lg_acct *acct, struct lg_slice *sl)
{
    struct table t[TABLES] = {
            TABLE(sl->procs), TABLE(sl->nodes), TABLE(sl->edges), TABLE(sl->aliases)};
    size_t most = 0;
    uint8_t *to, *end, *fit;

    if (sl->packed != NULL)
        return;
    for (unsigned k = 0; k < TABLES; k++) /* a length for each word, rounded up for each table */
        most += (t[k].size * t[k].n) / 16 * 17 + 17;
    to = end = lg_malloc(most);
    if (to == NULL)
        return; /* no harm: it stays as it is */
    for (unsigned k = 0; k < TABLES; k++)
        end = pack_table(&t[k], end);
    fit = lg_realloc_array(to, (size_t)(end - to) + 1, 1);
    sl->packed = fit != NULL ? fit : to;
    sl->packed_bytes = fit != NULL ? (size_t)(end - to) + 1 : most;
    acct->bytes += sl->packed_bytes;
    for (unsigned k = 0; k < TABLES; k++)
        lg_acct_shrink(acct, t[k].v, t[k].cap, 0, t[k].size);
}

int lg_slice_unpack(struct lg_acct *acct, struct lg_slice *sl)
{
    struct table t[TABLES] = {
            TABLE(sl->procs), TABLE(sl->nodes), TABLE(sl->edges), TABLE(sl->aliases)};
    const uint8_t *from = sl->packed;

    if (sl->packed == NULL)
        return 0;
    for (unsigned k = 0; k < TABLES; k++) {
        if (t[k].n == 0)
            continue;
        if (lg_acct_exact(acct, t[k].v, t[k].cap, t[k].n, t[k].size) < 0) {
            for (unsigned j = 0; j < k; j++)
                lg_acct_shrink(acct, t[j].v, t[j].cap, 0, t[j].size);
            return LG_ENOMEM;
        }
    }
    for (unsigned k = 0; k < TABLES; k++)
        from = unpack_table(&t[k], from);
    acct->bytes -= sl->packed_bytes;
    lg_free(LG_TAKE(sl->packed));
    sl->packed_bytes = 0;
    return 0;
}
