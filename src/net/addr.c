#include "net/addr_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"

struct range4 {
    uint32_t net;
    unsigned bits;
};

/* IANA's special-purpose registry (RFC 6890 and later): not globally reachable, or not unicast. */
static const struct range4 special4[] = {
        {0x00000000, 8},  /* this network */
        {0x0a000000, 8},  /* private */
        {0x64400000, 10}, /* shared (carrier NAT) */
        {0x7f000000, 8},  /* loopback */
        {0xa9fe0000, 16}, /* link-local, cloud metadata */
        {0xac100000, 12}, /* private */
        {0xc0000000, 24}, /* protocol assignments */
        {0xc0000200, 24}, /* documentation */
        {0xc0586300, 24}, /* 6to4 relays */
        {0xc0a80000, 16}, /* private */
        {0xc6120000, 15}, /* benchmarks */
        {0xc6336400, 24}, /* documentation */
        {0xcb007100, 24}, /* documentation */
        {0xe0000000, 4},  /* multicast */
        {0xf0000000, 4},  /* reserved, broadcast */
};

static bool public4(uint32_t a)
{
    for (size_t i = 0; i < sizeof(special4) / sizeof(*special4); i++)
        if (a >> (32 - special4[i].bits) == special4[i].net >> (32 - special4[i].bits))
            return false;
    return a != 0xa83f8110; /* 168.63.129.16: a cloud's metadata and DNS, on a public address */
}

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool starts(const uint8_t a[16], const uint8_t *prefix, size_t n)
{
    return memcmp(a, prefix, n) == 0;
}

static bool public6(const uint8_t a[16])
{
    static const uint8_t zero12[12] = {0};
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};

    if (starts(a, mapped, 12) || starts(a, zero12, 12) || starts(a, nat64, 12))
        return a[15] != 0 && public4(u32(a + 12)) && !starts(a, zero12, 12);
    if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 carries an IPv4 address */
        return public4(u32(a + 2));
    if ((a[0] & 0xe0) != 0x20) /* only 2000::/3 is global unicast */
        return false;
    if (a[0] == 0x20 && a[1] == 0x01 && (a[2] & 0xfe) == 0) /* 2001::/23: Teredo, ORCHID, ... */
        return false;
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8) /* documentation */
        return false;
    return !(a[0] == 0x3f && a[1] == 0xff && (a[2] & 0xf0) == 0); /* documentation */
}

bool lg_addr_is_public(const struct sockaddr *sa, socklen_t n)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    if (n >= (socklen_t)sizeof(in4) && sa->sa_family == AF_INET) {
        memcpy(&in4, sa, sizeof(in4));
        return public4(ntohl(in4.sin_addr.s_addr));
    }
    if (n >= (socklen_t)sizeof(in6) && sa->sa_family == AF_INET6) {
        memcpy(&in6, sa, sizeof(in6));
        return public6(in6.sin6_addr.s6_addr);
    }
    return false;
}

bool lg_addr_is_loopback(const struct sockaddr *sa, socklen_t n)
{
    static const uint8_t one[16] = {[15] = 1};
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    if (n >= (socklen_t)sizeof(in4) && sa->sa_family == AF_INET) {
        memcpy(&in4, sa, sizeof(in4));
        return ntohl(in4.sin_addr.s_addr) >> 24 == 127;
    }
    if (n >= (socklen_t)sizeof(in6) && sa->sa_family == AF_INET6) {
        const uint8_t *a;

        memcpy(&in6, sa, sizeof(in6));
        a = in6.sin6_addr.s6_addr;
        return starts(a, one, 16) || (starts(a, mapped, 12) && a[12] == 127);
    }
    return false;
}

int lg_addr_block_parse(struct lg_str text, struct lg_addr_block *ret)
{
    const ptrdiff_t slash = lg_str_chr(text, '/');
    char ip[LG_ADDR_TEXT_MAX];
    uint64_t bits;

    if (slash <= 0 || (size_t)slash >= sizeof(ip) ||
            lg_parse_u64(lg_str_sub(text, (size_t)slash + 1, text.n), &bits) < 0)
        return LG_EINVAL;
    memset(ret, 0, sizeof(*ret));
    memcpy(ip, text.p, (size_t)slash);
    ip[slash] = '\0';
    if (inet_pton(AF_INET, ip, ret->net) != 1) {
        ret->v6 = true;
        if (inet_pton(AF_INET6, ip, ret->net) != 1)
            return LG_EINVAL;
    }
    ret->bits = (unsigned)bits;
    return bits > (ret->v6 ? 128u : 32u) ? LG_EINVAL : 0;
}

bool lg_addr_block_has(const struct lg_addr_block *b, const struct sockaddr *sa, socklen_t n)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    uint8_t a[16] = {0};
    bool v6 = false;
    unsigned whole = b->bits / 8, rest = b->bits % 8;

    if (n >= (socklen_t)sizeof(in4) && sa->sa_family == AF_INET) {
        memcpy(&in4, sa, sizeof(in4));
        memcpy(a, &in4.sin_addr, 4);
    } else if (n >= (socklen_t)sizeof(in6) && sa->sa_family == AF_INET6) {
        memcpy(&in6, sa, sizeof(in6));
        v6 = !starts(in6.sin6_addr.s6_addr, mapped, 12);
        memcpy(a, in6.sin6_addr.s6_addr + (v6 ? 0 : 12), v6 ? 16 : 4);
    } else {
        return false;
    }
    if (v6 != b->v6 || memcmp(a, b->net, whole) != 0)
        return false;
    return rest == 0 || a[whole] >> (8 - rest) == b->net[whole] >> (8 - rest);
}

void lg_addr_text(const struct sockaddr *sa, char out[LG_ADDR_TEXT_MAX], uint16_t *ret_port)
{
    out[0] = '\0';
    *ret_port = 0;
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in4;

        memcpy(&in4, sa, sizeof(in4));
        (void)inet_ntop(AF_INET, &in4.sin_addr, out, LG_ADDR_TEXT_MAX);
        *ret_port = ntohs(in4.sin_port);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, sa, sizeof(in6));
        if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
            (void)inet_ntop(AF_INET, &in6.sin6_addr.s6_addr[12], out, LG_ADDR_TEXT_MAX);
        else
            (void)inet_ntop(AF_INET6, &in6.sin6_addr, out, LG_ADDR_TEXT_MAX);
        *ret_port = ntohs(in6.sin6_port);
    }
}

static int listen_on(const struct addrinfo *ai, int *ret_fd)
{
    const int one = 1, zero = 0;
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), saved;

    if (fd < 0)
        return LG_EIO;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (ai->ai_family == AF_INET6) /* "::" takes IPv4 too, as people expect of "any" */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, 512) < 0) {
        saved = errno;
        (void)close(fd);
        errno = saved;
        return LG_EIO;
    }
    *ret_fd = fd;
    return 0;
}

int lg_net_listen(const char *host, uint16_t port, int *ret_fd, uint16_t *ret_port,
        bool *ret_loopback, struct lg_err *reterr)
{
    struct addrinfo hints = {
            .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct sockaddr_storage bound;
    struct addrinfo *list = NULL;
    socklen_t n = sizeof(bound);
    char service[8], text[LG_ADDR_TEXT_MAX];
    int rc;

    if (strcmp(host, "localhost") == 0) /* whatever this machine's hosts file says */
        host = "127.0.0.1";
    (void)snprintf(service, sizeof(service), "%u", port);
    rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0)
        return lg_err_set(reterr, rc == EAI_MEMORY ? LG_ENOMEM : LG_EINVAL,
                "%s is no address to listen on: want a numeric one, or localhost", host);
    rc = listen_on(list, ret_fd);
    freeaddrinfo(list);
    if (rc < 0)
        return lg_err_set(
                reterr, rc, "cannot listen on %s port %u: %s", host, port, strerror(errno));
    if (getsockname(*ret_fd, (struct sockaddr *)&bound, &n) < 0) {
        (void)close(*ret_fd);
        return lg_err_set(reterr, LG_EIO, "getsockname: %s", strerror(errno));
    }
    lg_addr_text((struct sockaddr *)&bound, text, ret_port);
    *ret_loopback = lg_addr_is_loopback((struct sockaddr *)&bound, n);
    return 0;
}

int lg_net_read_pem(const char *path, struct lg_buf *ret, struct lg_err *reterr)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;

    if (fd < 0)
        return lg_err_set(reterr, LG_EINVAL, "%s: %s", path, strerror(errno));
    lg_buf_init(ret, LG_PEM_MAX_BYTES);
    for (;;) {
        ssize_t n;

        if (lg_buf_reserve(ret, 4096) < 0) {
            rc = lg_err_set(reterr, ret->failed == LG_ENOMEM ? LG_ENOMEM : LG_EINVAL,
                    "%s: too large for a PEM file", path);
            break;
        }
        n = read(fd, ret->p + ret->n, 4095);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = lg_err_set(reterr, LG_EINVAL, "%s: %s", path, strerror(errno));
        if (n <= 0)
            break;
        ret->n += (size_t)n;
    }
    (void)close(fd);
    if (rc < 0)
        lg_buf_done(ret);
    else
        ret->p[ret->n] = '\0';
    return rc;
}
