#include "normalize/audit_values.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- socket addresses ---- */

/* AF_* numbers of Linux, the same on every architecture. */
static const struct {
    uint16_t number;
    const char *name;
} families[] = {
        {0, "unspec"},
        {1, "unix"},
        {2, "ipv4"},
        {3, "ax25"},
        {4, "ipx"},
        {10, "ipv6"},
        {16, "netlink"},
        {17, "packet"},
        {29, "can"},
        {30, "tipc"},
        {31, "bluetooth"},
        {38, "alg"},
        {40, "vsock"},
        {44, "xdp"},
};

static struct lg_str family_name(uint16_t af)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (families[i].number == af)
            return lg_str_z(families[i].name);
    return LG_STR("other");
}

static uint16_t be16(const char *p)
{
    return (uint16_t)((uint8_t)p[0] << 8 | (uint8_t)p[1]);
}

static int ip_text(int af, const char *bytes, struct lg_arena *arena, struct lg_str *ret)
{
    char out[INET6_ADDRSTRLEN];

    if (inet_ntop(af, bytes, out, sizeof(out)) == NULL)
        return 0;
    return lg_arena_dup(arena, lg_str_z(out), ret);
}

static int unix_path(struct lg_str path, struct lg_arena *arena, struct lg_str *ret)
{
    const char *nul;
    char *p;

    if (path.n == 0)
        return 0;
    if (path.p[0] != 0) {
        nul = memchr(path.p, 0, path.n);
        *ret = lg_str_of(path.p, nul != NULL ? (size_t)(nul - path.p) : path.n);
        return 0;
    }
    /* An abstract name may hold NULs; the kernel pads with them too. */
    while (path.n > 0 && path.p[path.n - 1] == 0)
        path.n--;
    if (path.n == 0)
        return 0;
    p = lg_arena_alloc(arena, path.n);
    if (p == NULL)
        return LG_ENOMEM;
    memcpy(p, path.p, path.n);
    for (size_t i = 0; i < path.n; i++)
        if (p[i] == 0)
            p[i] = '@';
    *ret = lg_str_of(p, path.n);
    return 0;
}

int lg_audit_addr_decode(
        struct lg_str bytes, bool little_endian, struct lg_arena *arena, struct lg_audit_addr *ret)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct lg_audit_addr a = {.set = true};
    uint16_t af;
    int r = 0;

    if (bytes.n < 2)
        return 0;
    af = be16(bytes.p);
    if (little_endian)
        af = (uint16_t)(af << 8 | af >> 8);
    a.family = family_name(af);
    if (af == 1) {
        r = unix_path(lg_str_sub(bytes, 2, bytes.n), arena, &a.path);
    } else if ((af == 2 && bytes.n >= 8) || (af == 10 && bytes.n >= 24)) {
        a.port = be16(bytes.p + 2);
        a.has_port = true;
        if (af == 2) {
            r = ip_text(AF_INET, bytes.p + 4, arena, &a.ip);
        } else if (memcmp(bytes.p + 8, mapped, sizeof(mapped)) == 0) {
            a.family = LG_STR("ipv4");
            r = ip_text(AF_INET, bytes.p + 20, arena, &a.ip);
        } else {
            r = ip_text(AF_INET6, bytes.p + 8, arena, &a.ip);
        }
    }
    if (r == 0)
        *ret = a;
    return r;
}

/* ---- command lines ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Most bytes that the argument takes in a command line. */
static size_t arg_size(struct lg_str s, bool *ret_space)
{
    size_t quotes = 0;
    bool space = s.n == 0;

    for (size_t i = 0; i < s.n; i++) {
        space |= is_space(s.p[i]);
        quotes += s.p[i] == '\'';
    }
    *ret_space = space;
    return space ? s.n + 2 + 3 * quotes : s.n;
}

static char *arg_put(char *p, struct lg_str s, bool quote)
{
    if (!quote) {
        if (s.n > 0)
            memcpy(p, s.p, s.n);
        return p + s.n;
    }
    *p++ = '\'';
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'') {
            memcpy(p, "'\\''", 4);
            p += 4;
        } else {
            *p++ = s.p[i];
        }
    }
    *p++ = '\'';
    return p;
}

int lg_audit_args_join(
        const struct lg_str *args, size_t n, bool quote, struct lg_arena *arena, struct lg_str *ret)
{
    size_t size = n > 0 ? n - 1 : 0;
    char *out, *p;
    bool space;

    for (size_t i = 0; i < n; i++)
        size += arg_size(args[i], &space);
    out = p = lg_arena_alloc(arena, size);
    if (out == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            *p++ = ' ';
        (void)arg_size(args[i], &space);
        p = arg_put(p, args[i], quote && space);
    }
    *ret = lg_str_of(out, (size_t)(p - out));
    return 0;
}

int lg_audit_proctitle(struct lg_str bytes, struct lg_arena *arena, struct lg_str *ret)
{
    char *p;

    while (bytes.n > 0 && bytes.p[bytes.n - 1] == 0)
        bytes.n--;
    *ret = bytes;
    if (bytes.n == 0 || memchr(bytes.p, 0, bytes.n) == NULL)
        return 0;
    p = lg_arena_alloc(arena, bytes.n);
    if (p == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < bytes.n; i++)
        p[i] = bytes.p[i] == 0 ? ' ' : bytes.p[i];
    *ret = lg_str_of(p, bytes.n);
    return 0;
}

/* ---- paths ---- */

/* An absolute path that is its own shortest form. */
static bool is_plain(struct lg_str s)
{
    if (s.n == 0 || s.p[0] != '/' || (s.n > 1 && s.p[s.n - 1] == '/'))
        return false;
    for (size_t i = 0; i + 1 < s.n; i++)
        if (s.p[i] == '/' && (s.p[i + 1] == '/' || s.p[i + 1] == '.'))
            return false;
    return true;
}

/* Appends the parts of `s` to the path out[0..n) (absolute, without trailing slash); returns the
 * new length. */
static size_t parts_append(char *out, size_t n, struct lg_str s)
{
    size_t at = 0;

    while (at < s.n) {
        size_t from = at;

        while (at < s.n && s.p[at] != '/')
            at++;
        if (at - from == 2 && s.p[from] == '.' && s.p[from + 1] == '.') {
            while (n > 0 && out[--n] != '/')
                ;
        } else if (at > from && !(at - from == 1 && s.p[from] == '.')) {
            out[n++] = '/';
            memcpy(out + n, s.p + from, at - from);
            n += at - from;
        }
        at++;
    }
    return n;
}

int lg_audit_path_join(
        struct lg_str base, struct lg_str name, struct lg_arena *arena, struct lg_str *ret)
{
    bool absolute = name.n > 0 && name.p[0] == '/';
    char *out;
    size_t n = 0;

    *ret = name;
    if (name.n == 0 || is_plain(name) || (!absolute && (base.n == 0 || base.p[0] != '/')))
        return 0;
    out = lg_arena_alloc(arena, base.n + name.n + 3);
    if (out == NULL)
        return LG_ENOMEM;
    if (!absolute)
        n = parts_append(out, n, base);
    n = parts_append(out, n, name);
    if (n == 0)
        out[n++] = '/';
    *ret = lg_str_of(out, n);
    return 0;
}
