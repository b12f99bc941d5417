#ifndef LG_BASE_STR_H
#define LG_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view of bytes: borrowed, not NUL-terminated, may hold any byte. */
struct lg_str {
    const char *p;
    size_t n;
};

#define LG_STR(lit) ((struct lg_str){(lit), sizeof(lit) - 1})
#define LG_STR_FMT(s) (int)((s).n > 4096 ? 4096 : (s).n), (s).p /* for "%.*s" */

static inline struct lg_str lg_str_of(const char *p, size_t n)
{
    return (struct lg_str){p, n};
}

static inline struct lg_str lg_str_z(const char *z)
{
    return (struct lg_str){z, z != NULL ? strlen(z) : 0};
}

static inline bool lg_str_eq(struct lg_str a, struct lg_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline char lg_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* ASCII case-insensitive. */
bool lg_str_ieq(struct lg_str a, struct lg_str b);
bool lg_str_starts(struct lg_str s, struct lg_str prefix);
bool lg_str_ends(struct lg_str s, struct lg_str suffix);
bool lg_str_istarts(struct lg_str s, struct lg_str prefix);
bool lg_str_iends(struct lg_str s, struct lg_str suffix);
/* Bytewise order, shorter first on a tie: < 0, 0, > 0. */
int lg_str_cmp(struct lg_str a, struct lg_str b);
/* Offset of the first match, or -1. */
ptrdiff_t lg_str_find(struct lg_str s, struct lg_str needle);
ptrdiff_t lg_str_ifind(struct lg_str s, struct lg_str needle);
ptrdiff_t lg_str_chr(struct lg_str s, char c);
ptrdiff_t lg_str_rchr(struct lg_str s, char c);
/* Without ASCII white space at both ends. */
struct lg_str lg_str_trim(struct lg_str s);
/* [from, to), clipped to the string. */
struct lg_str lg_str_sub(struct lg_str s, size_t from, size_t to);
/* Takes the part before the first `sep` off *s; false when *s was empty. */
bool lg_str_split(struct lg_str *s, char sep, struct lg_str *ret_part);
/* Last path component; both / and \ separate. */
struct lg_str lg_str_basename(struct lg_str path);

#endif
