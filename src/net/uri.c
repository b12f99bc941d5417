#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "net/uri_int.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lg_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool has_control(struct lg_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

int lg_uri_decode(struct lg_arena *a, struct lg_str s, bool query, struct lg_str *ret)
{
    size_t n = 0;
    char *out;

    if (s.n == 0 || (memchr(s.p, '%', s.n) == NULL && (!query || memchr(s.p, '+', s.n) == NULL))) {
        *ret = s;
        return 0;
    }
    out = lg_arena_alloc(a, s.n);
    if (out == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%') {
            int hi = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
            int lo = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;

            if (hi < 0 || lo < 0)
                return LG_EPARSE;
            out[n++] = (char)(hi << 4 | lo);
            i += 2;
        } else {
            out[n++] = query && s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    *ret = lg_str_of(out, n);
    return 0;
}

static int decode_checked(struct lg_arena *a, struct lg_str s, bool query, struct lg_str *ret,
        const char **ret_reason)
{
    int rc = lg_uri_decode(a, s, query, ret);

    if (rc == LG_EPARSE)
        *ret_reason = "a percent sign without two hexadecimal digits";
    if (rc < 0)
        return rc;
    /* line breaks may stand in a searched text, never in a path; NUL nowhere */
    if (query ? ret->n > 0 && memchr(ret->p, '\0', ret->n) != NULL : has_control(*ret)) {
        *ret_reason = "a control character";
        return LG_EPARSE;
    }
    if (!lg_utf8_valid(*ret)) {
        *ret_reason = "text that is not UTF-8";
        return LG_EPARSE;
    }
    return 0;
}

static int split_path(struct lg_arena *a, struct lg_uri *u, const char **ret_reason)
{
    struct lg_str rest = lg_str_sub(u->path, 1, u->path.n);

    if (rest.n > 0 && rest.p[rest.n - 1] == '/')
        rest.n--;
    else if (rest.n == 0)
        return 0;
    for (;;) {
        ptrdiff_t slash = lg_str_chr(rest, '/');
        struct lg_str raw = lg_str_sub(rest, 0, slash < 0 ? rest.n : (size_t)slash);
        int rc;

        if (u->n_segments == LG_URI_MAX_SEGMENTS) {
            *ret_reason = "too many path segments";
            return LG_ELIMIT;
        }
        rc = decode_checked(a, raw, false, &u->segments[u->n_segments], ret_reason);
        if (rc < 0)
            return rc;
        u->raw_segments[u->n_segments++] = raw;
        if (slash < 0)
            return 0;
        rest = lg_str_sub(rest, (size_t)slash + 1, rest.n);
    }
}

static int split_query(struct lg_arena *a, struct lg_uri *u, const char **ret_reason)
{
    struct lg_str rest = u->query, part;
    size_t n = 1;

    if (rest.n == 0)
        return 0;
    for (size_t i = 0; i < rest.n; i++)
        n += rest.p[i] == '&';
    if (n > LG_URI_MAX_PAIRS) {
        *ret_reason = "too many query parameters";
        return LG_ELIMIT;
    }
    u->pairs = lg_arena_alloc(a, n * sizeof(*u->pairs));
    if (u->pairs == NULL)
        return LG_ENOMEM;
    while (lg_str_split(&rest, '&', &part)) {
        struct lg_uri_pair *pair = &u->pairs[u->n_pairs];
        ptrdiff_t eq = lg_str_chr(part, '=');
        int rc;

        if (part.n == 0)
            continue;
        rc = decode_checked(a, lg_str_sub(part, 0, eq < 0 ? part.n : (size_t)eq), true, &pair->name,
                ret_reason);
        if (rc == 0)
            rc = decode_checked(a, eq < 0 ? LG_STR("") : lg_str_sub(part, (size_t)eq + 1, part.n),
                    true, &pair->value, ret_reason);
        if (rc < 0)
            return rc;
        u->n_pairs++;
    }
    return 0;
}

/* "http://host/path" to "/path" (RFC 9112, 3.2.2). */
static struct lg_str origin_form(struct lg_str target)
{
    size_t at = 0;

    if (lg_str_istarts(target, LG_STR("http://")))
        at = 7;
    else if (lg_str_istarts(target, LG_STR("https://")))
        at = 8;
    if (at == 0)
        return target;
    while (at < target.n && target.p[at] != '/' && target.p[at] != '?')
        at++;
    if (at == target.n)
        return LG_STR("/");
    return lg_str_sub(target, at, target.n);
}

int lg_uri_parse(
        struct lg_arena *a, struct lg_str target, struct lg_uri *ret, const char **ret_reason)
{
    ptrdiff_t mark;
    int rc;

    memset(ret, 0, sizeof(*ret));
    target = origin_form(target);
    for (size_t i = 0; i < target.n; i++)
        if ((unsigned char)target.p[i] <= 0x20 || (unsigned char)target.p[i] >= 0x7f ||
                target.p[i] == '#' || target.p[i] == '\\') {
            *ret_reason = "a character that must be percent-encoded";
            return LG_EPARSE;
        }
    mark = lg_str_chr(target, '?');
    ret->path = lg_str_sub(target, 0, mark < 0 ? target.n : (size_t)mark);
    if (mark >= 0)
        ret->query = lg_str_sub(target, (size_t)mark + 1, target.n);
    if (ret->path.n == 0 || ret->path.p[0] != '/') {
        *ret_reason = "a target that does not begin with a slash";
        return LG_EPARSE;
    }
    rc = split_path(a, ret, ret_reason);
    return rc < 0 ? rc : split_query(a, ret, ret_reason);
}
