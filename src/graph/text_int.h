#ifndef LG_GRAPH_TEXT_INT_H
#define LG_GRAPH_TEXT_INT_H

#include "graph/text.h"

/* Between the files of text normalisation. */

struct lg_text_out {
    char *p;
    size_t n;
    size_t max;
};

static inline void lg_text_addc(struct lg_text_out *o, char c)
{
    if (o->n < o->max)
        o->p[o->n++] = c;
}
static inline void lg_text_adds(struct lg_text_out *o, struct lg_str s)
{
    size_t n = s.n < o->max - o->n ? s.n : o->max - o->n;

    if (n > 0)
        memcpy(o->p + o->n, s.p, n);
    o->n += n;
}
static inline bool lg_text_tail(const struct lg_text_out *o, struct lg_str s)
{
    return o->n >= s.n && memcmp(o->p + o->n - s.n, s.p, s.n) == 0;
}

static inline bool lg_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool lg_is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}
static inline bool lg_is_hex(char c)
{
    return lg_is_digit(c) || (c >= 'a' && c <= 'f');
}
/* Part of a word; letters past ASCII count as one. */
static inline bool lg_is_word(char c)
{
    return lg_is_digit(c) || lg_is_lower(c) || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* Length of a thing that starts at `i` of lower-case `s`, or 0. */
size_t lg_text_guid_at(struct lg_str s, size_t i);
size_t lg_text_sid_at(struct lg_str s, size_t i);
size_t lg_text_ipv4_at(struct lg_str s, size_t i);
/* One word of lower-case letters and digits; `ext` where it stands as a file extension. */
void lg_text_word(struct lg_text_out *o, struct lg_str w, bool ext, bool rand);
/* SIDs that mean the same everywhere stay. */
bool lg_text_sid_known(struct lg_str sid);

size_t lg_text_account(enum lg_platform platform, struct lg_str raw, char *out, size_t max);
size_t lg_text_group(struct lg_str raw, char *out, size_t max);
size_t lg_text_network(enum lg_text_kind kind, struct lg_str raw, char *out, size_t max);

#endif
