#include "access/token.h"
#include "base/parse.h"

/* The name of "name", "name:port", "[v6]" or "[v6]:port"; false when it is none of these. */
static bool host_name(struct lg_str host, struct lg_str *ret)
{
    struct lg_str port = {NULL, 0};
    bool has_port = false;
    uint64_t number;
    ptrdiff_t at;

    if (host.n > 0 && host.p[0] == '[') {
        at = lg_str_chr(host, ']');
        if (at < 0)
            return false;
        *ret = lg_str_sub(host, 1, (size_t)at);
        host = lg_str_sub(host, (size_t)at + 1, host.n);
        if (host.n > 0) {
            has_port = host.p[0] == ':';
            if (!has_port)
                return false;
            port = lg_str_sub(host, 1, host.n);
        }
    } else {
        at = lg_str_chr(host, ':');
        *ret = lg_str_sub(host, 0, at < 0 ? host.n : (size_t)at);
        if (at >= 0) {
            has_port = true;
            port = lg_str_sub(host, (size_t)at + 1, host.n);
        }
    }
    return !has_port || (lg_parse_u64(port, &number) == 0 && number <= 65535);
}

/* Four decimal numbers and the first is 127: no short, octal or hexadecimal forms. */
static bool is_127(struct lg_str name)
{
    struct lg_str part;
    int parts = 0;
    uint64_t v;

    if (name.n > 0 && name.p[name.n - 1] == '.')
        return false;
    while (lg_str_split(&name, '.', &part)) {
        if (part.n > 3 || (part.n > 1 && part.p[0] == '0') || lg_parse_u64(part, &v) < 0 ||
                v > 255 || (parts == 0 && v != 127))
            return false;
        parts++;
    }
    return parts == 4;
}

bool lg_host_is_loopback(struct lg_str host)
{
    struct lg_str name;

    if (!host_name(host, &name))
        return false;
    if (host.n > 0 && host.p[0] == '[')
        return lg_str_eq(name, LG_STR("::1"));
    return lg_str_ieq(name, LG_STR("localhost")) ||
            (name.n > 10 && lg_str_iends(name, LG_STR(".localhost"))) || is_127(name);
}

bool lg_header_is_forwarding(struct lg_str name)
{
    return lg_str_ieq(name, LG_STR("Forwarded")) || lg_str_istarts(name, LG_STR("X-Forwarded")) ||
            lg_str_ieq(name, LG_STR("Via")) || lg_str_ieq(name, LG_STR("X-Real-IP")) ||
            lg_str_ieq(name, LG_STR("X-Client-IP")) || lg_str_ieq(name, LG_STR("True-Client-IP")) ||
            lg_str_ieq(name, LG_STR("X-Cluster-Client-IP")) ||
            lg_str_ieq(name, LG_STR("CF-Connecting-IP"));
}

/* "http://localhost:5001": scheme, then a loopback host. */
static bool origin_is_loopback(struct lg_str origin)
{
    if (lg_str_istarts(origin, LG_STR("http://")))
        return lg_host_is_loopback(lg_str_sub(origin, 7, origin.n));
    if (lg_str_istarts(origin, LG_STR("https://")))
        return lg_host_is_loopback(lg_str_sub(origin, 8, origin.n));
    return false;
}

bool lg_local_request(const struct lg_local_check *check)
{
    if (!check->listener_loopback || !check->peer_loopback || check->forwarded)
        return false;
    if (!lg_host_is_loopback(check->host))
        return false;
    if (check->origin.n > 0 && !origin_is_loopback(check->origin))
        return false;
    return !lg_str_ieq(check->fetch_site, LG_STR("cross-site"));
}
