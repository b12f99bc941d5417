#include "base/str.h"

bool lg_str_ieq(struct lg_str a, struct lg_str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lg_ascii_lower(a.p[i]) != lg_ascii_lower(b.p[i]))
            return false;
    return true;
}

bool lg_str_starts(struct lg_str s, struct lg_str prefix)
{
    return s.n >= prefix.n && lg_str_eq(lg_str_of(s.p, prefix.n), prefix);
}

bool lg_str_ends(struct lg_str s, struct lg_str suffix)
{
    return s.n >= suffix.n && lg_str_eq(lg_str_of(s.p + (s.n - suffix.n), suffix.n), suffix);
}

bool lg_str_istarts(struct lg_str s, struct lg_str prefix)
{
    return s.n >= prefix.n && lg_str_ieq(lg_str_of(s.p, prefix.n), prefix);
}

bool lg_str_iends(struct lg_str s, struct lg_str suffix)
{
    return s.n >= suffix.n && lg_str_ieq(lg_str_of(s.p + (s.n - suffix.n), suffix.n), suffix);
}

int lg_str_cmp(struct lg_str a, struct lg_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

    if (c != 0)
        return c;
    return (a.n > b.n) - (a.n < b.n);
}

ptrdiff_t lg_str_find(struct lg_str s, struct lg_str needle)
{
    const char *hit;

    if (needle.n == 0)
        return 0;
    if (s.n < needle.n)
        return -1;
    hit = memmem(s.p, s.n, needle.p, needle.n);
    return hit != NULL ? hit - s.p : -1;
}

ptrdiff_t lg_str_ifind(struct lg_str s, struct lg_str needle)
{
    char first;

    if (needle.n == 0)
        return 0;
    first = lg_ascii_lower(needle.p[0]);
    for (size_t i = 0; i + needle.n <= s.n; i++)
        if (lg_ascii_lower(s.p[i]) == first && lg_str_ieq(lg_str_of(s.p + i, needle.n), needle))
            return (ptrdiff_t)i;
    return -1;
}

ptrdiff_t lg_str_chr(struct lg_str s, char c)
{
    const char *hit = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

    return hit != NULL ? hit - s.p : -1;
}

ptrdiff_t lg_str_rchr(struct lg_str s, char c)
{
    const char *hit = s.n > 0 ? memrchr(s.p, c, s.n) : NULL;

    return hit != NULL ? hit - s.p : -1;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct lg_str lg_str_trim(struct lg_str s)
{
    while (s.n > 0 && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct lg_str lg_str_sub(struct lg_str s, size_t from, size_t to)
{
    if (to > s.n)
        to = s.n;
    if (from > to)
        from = to;
    return lg_str_of(s.p + from, to - from);
}

bool lg_str_split(struct lg_str *s, char sep, struct lg_str *ret_part)
{
    ptrdiff_t at;

    if (s->n == 0)
        return false;
    at = lg_str_chr(*s, sep);
    if (at < 0) {
        *ret_part = *s;
        *s = lg_str_of(s->p + s->n, 0);
        return true;
    }
    *ret_part = lg_str_of(s->p, (size_t)at);
    *s = lg_str_of(s->p + at + 1, s->n - (size_t)at - 1);
    return true;
}

struct lg_str lg_str_basename(struct lg_str path)
{
    size_t i = path.n;

    while (i > 0 && path.p[i - 1] != '/' && path.p[i - 1] != '\\')
        i--;
    return lg_str_of(path.p + i, path.n - i);
}
