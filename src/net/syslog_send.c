#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/addr_int.h"
#include "net/req_int.h"
#include "net/syslog.h"

#define SLICE_MS 100 /* how long `stop` may go unseen */
#define CLOSE_MS 1000

struct send {
    int fd;
    int64_t until; /* lg_clock_monotonic */
    const _Atomic bool *stop;
    const char *address;
    struct lg_err *err;
};

static int failed(struct send *s, const char *what, int error)
{
    return lg_err_set(s->err, LG_EIO, "%s: %s: %s", s->address, what, strerror(error));
}

/* 0: ready, LG_EIO: time is up, LG_EINTR. */
static int wait_for(struct send *s, short events, const char *what)
{
    for (;;) {
        struct pollfd p = {.fd = s->fd, .events = events};

        if (atomic_load(s->stop))
            return lg_err_set(s->err, LG_EINTR, "cancelled");
        if (lg_clock_monotonic() >= s->until)
            return failed(s, what, ETIMEDOUT);
        if (poll(&p, 1, SLICE_MS) > 0)
            return 0;
    }
}

static int connect_to(struct send *s, const struct addrinfo *ai)
{
    int error = 0, rc;
    socklen_t n = sizeof(error);

    s->fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0)
        return failed(s, "socket", errno);
    if (connect(s->fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return 0;
    rc = errno == EINPROGRESS ? wait_for(s, POLLOUT, "connect") : failed(s, "connect", errno);
    if (rc == 0 && (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 || error != 0))
        rc = failed(s, "connect", error);
    if (rc < 0) {
        (void)close(s->fd);
        s->fd = -1;
    }
    return rc;
}

static int write_all(struct send *s, struct lg_str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(s->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        int rc;

        if (n > 0) {
            bytes = lg_str_sub(bytes, (size_t)n, bytes.n);
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return failed(s, "send", errno);
        rc = wait_for(s, POLLOUT, "send");
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* After our end: a receiver that closes too has read all; one that resets has not. */
static int see_off(struct send *s)
{
    char trash[512];
    int rc;

    (void)shutdown(s->fd, SHUT_WR);
    if (s->until > lg_clock_monotonic() + CLOSE_MS * INT64_C(1000000))
        s->until = lg_clock_monotonic() + CLOSE_MS * INT64_C(1000000);
    for (;;) {
        ssize_t n = recv(s->fd, trash, sizeof(trash), 0);

        if (n == 0)
            return 0;
        if (n > 0 || errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return failed(s, "the receiver ended the connection", errno);
        rc = wait_for(s, POLLIN, "close");
        if (rc == LG_EIO) /* it keeps the connection: nothing to learn from that */
            return 0;
        if (rc < 0)
            return rc;
    }
}

static int resolve(const char *address, struct addrinfo **ret, struct lg_err *reterr)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct lg_str text = lg_str_z(address), host;
    const ptrdiff_t colon = lg_str_rchr(text, ':');
    char name[256];
    int rc;

    host = lg_str_sub(text, 0, colon > 0 ? (size_t)colon : 0);
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = lg_str_sub(host, 1, host.n - 1);
    if (host.n == 0 || host.n >= sizeof(name))
        return lg_err_set(reterr, LG_EINVAL, "%s: want host:port", address);
    memcpy(name, host.p, host.n);
    name[host.n] = '\0';
    rc = getaddrinfo(name, address + colon + 1, &hints, ret);
    return rc == 0 ? 0
                   : lg_err_set(reterr, rc == EAI_SERVICE ? LG_EINVAL : LG_EIO, "%s: %s", address,
                             gai_strerror(rc));
}

int lg_syslog_send(const char *address, const struct lg_str *lines, size_t n, unsigned timeout_ms,
        const _Atomic bool *stop, struct lg_err *reterr)
{
    struct send s = {.fd = -1, .stop = stop, .address = address, .err = reterr};
    struct addrinfo *list = NULL;
    int rc = resolve(address, &list, reterr);

    if (rc < 0)
        return rc;
    s.until = lg_clock_monotonic() + (int64_t)timeout_ms * 1000000;
    rc = LG_EIO;
    for (const struct addrinfo *ai = list; ai != NULL && rc == LG_EIO; ai = ai->ai_next)
        rc = connect_to(&s, ai);
    freeaddrinfo(list);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = write_all(&s, lines[i]);
        if (rc == 0)
            rc = write_all(&s, LG_STR("\n"));
    }
    if (rc == 0)
        rc = see_off(&s);
    if (s.fd >= 0)
        (void)close(s.fd);
    return rc;
}
