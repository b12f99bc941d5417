#include "store/alert_words.h"

#include <emmintrin.h>
#include <string.h>

#include "base/hash.h"

void lg_words_done(struct lg_words *w)
{
    lg_vec_done(&w->text);
    lg_vec_done(&w->at);
    lg_free(w->table);
    *w = (struct lg_words){0};
}

struct lg_str lg_words_get(const struct lg_words *w, uint32_t i)
{
    size_t end = i + 1 < w->at.n ? w->at.v[i + 1] : w->text.n;

    return lg_str_of(w->text.v + w->at.v[i], end - 1 - w->at.v[i]);
}

/* Where the text's number stands, or the free place where it would. */
static size_t slot_of(const struct lg_words *w, struct lg_str s)
{
    size_t i = lg_hash_str(s, lg_hash_secret()) & (w->table_cap - 1);

    while (w->table[i] != 0 && !lg_str_eq(lg_words_get(w, w->table[i] - 1), s))
        i = (i + 1) & (w->table_cap - 1);
    return i;
}

static int grow_table(struct lg_words *w)
{
    struct lg_words wider = *w;

    wider.table_cap = w->table_cap == 0 ? 64 : w->table_cap * 2;
    wider.table = (uint32_t *)lg_calloc(wider.table_cap, sizeof(*wider.table));
    if (wider.table == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < w->at.n; i++)
        wider.table[slot_of(&wider, lg_words_get(w, i))] = i + 1;
    lg_free(w->table);
    w->table = wider.table;
    w->table_cap = wider.table_cap;
    return 0;
}

int lg_words_find(const struct lg_words *w, struct lg_str s, uint32_t *ret)
{
    size_t i;

    if (w->table_cap == 0)
        return LG_ENOENT;
    i = slot_of(w, s);
    if (w->table[i] == 0)
        return LG_ENOENT;
    *ret = w->table[i] - 1;
    return 0;
}

int lg_words_add(struct lg_words *w, struct lg_str s, uint32_t *ret)
{
    int rc;

    if (lg_words_find(w, s, ret) == 0)
        return 0;
    if (w->text.n + s.n + 1 > UINT32_MAX)
        return LG_ELIMIT;
    if ((w->at.n + 1) * 4 > w->table_cap * 3) {
        rc = grow_table(w);
        if (rc < 0)
            return rc;
    }
    if ((rc = lg_vec_reserve(&w->text, w->text.n + s.n + 1)) < 0 ||
            (rc = lg_vec_reserve(&w->at, w->at.n + 1)) < 0)
        return rc;
    *ret = (uint32_t)w->at.n;
    w->table[slot_of(w, s)] = *ret + 1;
    w->at.v[w->at.n++] = (uint32_t)w->text.n;
    if (s.n > 0)
        memcpy(w->text.v + w->text.n, s.p, s.n);
    w->text.n += s.n;
    w->text.v[w->text.n++] = '\n';
    for (size_t i = 0; i < s.n; i++)
        w->seen[(unsigned char)s.p[i]]++;
    return 0;
}

size_t lg_words_bytes(const struct lg_words *w)
{
    return sizeof(*w) + w->text.cap + w->at.cap * sizeof(*w->at.v) +
            w->table_cap * sizeof(*w->table);
}

/* The places in the needle of its two rarest bytes: where both fit, the rest is compared. */
static void rarest(const struct lg_words *w, struct lg_str needle, size_t *ret_a, size_t *ret_b)
{
    size_t a = 0, b = needle.n - 1;

    for (size_t i = 1; i < needle.n; i++)
        if (w->seen[(unsigned char)needle.p[i]] < w->seen[(unsigned char)needle.p[a]])
            a = i;
    if (b == a)
        b = 0;
    for (size_t i = 0; i < needle.n; i++)
        if (i != a && w->seen[(unsigned char)needle.p[i]] < w->seen[(unsigned char)needle.p[b]])
            b = i;
    *ret_a = a;
    *ret_b = b;
}

/* The first match at or after `from`, or the end of the text. */
static size_t next_match(
        const struct lg_words *w, struct lg_str needle, size_t a, size_t b, size_t from)
{
    const char *text = w->text.v;
    const __m128i va = _mm_set1_epi8(needle.p[a]), vb = _mm_set1_epi8(needle.p[b]);
    size_t end = w->text.n < needle.n ? 0 : w->text.n - needle.n + 1; /* of where one may begin */

    for (; from + 16 <= end; from += 16) {
        __m128i x = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(text + from + a)), va);
        __m128i y = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(text + from + b)), vb);
        unsigned both = (unsigned)_mm_movemask_epi8(_mm_and_si128(x, y));

        for (; both != 0; both &= both - 1) {
            size_t at = from + (unsigned)__builtin_ctz(both);

            if (memcmp(text + at, needle.p, needle.n) == 0)
                return at;
        }
    }
    for (; from < end; from++)
        if (memcmp(text + from, needle.p, needle.n) == 0)
            return from;
    return w->text.n;
}

/* The number of the text that holds place `at`; not before number `low`, and mostly soon after. */
static uint32_t text_at(const struct lg_words *w, size_t at, uint32_t low)
{
    uint32_t n = (uint32_t)w->at.n, step = 1, high;

    while (step < n - low && w->at.v[low + step] <= at) {
        low += step;
        step *= 2;
    }
    high = step < n - low ? low + step : n;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;

        if (w->at.v[mid] <= at)
            low = mid;
        else
            high = mid;
    }
    return low;
}

size_t lg_words_match(const struct lg_words *w, struct lg_str needle, uint64_t *bits)
{
    uint32_t i = 0;
    size_t n = 0, a, b, at = 0;

    if (needle.n == 0 || w->at.n == 0)
        return 0;
    rarest(w, needle, &a, &b);
    if (w->seen[(unsigned char)needle.p[a]] == 0)
        return 0;
    while ((at = next_match(w, needle, a, b, at)) < w->text.n) {
        i = text_at(w, at, i);
        bits[i / 64] |= UINT64_C(1) << i % 64;
        n++;
        at = i + 1 < w->at.n ? w->at.v[i + 1] : w->text.n;
    }
    return n;
}
