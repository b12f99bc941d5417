#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/addr_int.h"
#include "net/req_int.h"
#include "net/syslog.h"
#include "net/tls_int.h"

/*
 * One thread, one epoll set. A connection is read until it has messages, then they are handed over;
 * a connection whose messages were not taken is not read until they are, so that the sender's TCP
 * window closes: nothing is queued beyond one message and one read per connection.
 */
#define READ_BYTES (64u << 10)
#define BATCH 256
#define TICK_MS 250

struct sconn {
    struct sconn *prev, *next;
    struct lg_syslog_listener *ls;
    int fd;
    gnutls_session_t tls; /* NULL: plain */
    bool handshaken;
    bool ended;  /* no more bytes will come */
    bool paused; /* messages wait for `retry_at` */
    int64_t retry_at, last_ns;
    struct lg_syslog_frames frames;
    struct lg_syslog_msg msgs[BATCH]; /* handed over, or waiting */
    size_t n_msgs;
    struct lg_syslog_peer peer;
    char address[LG_ADDR_TEXT_MAX];
    char cert_sha256[65];
    char cert_name[256];
};

struct lg_syslog_listener {
    struct lg_syslog_opts opts;
    gnutls_certificate_credentials_t cred;
    gnutls_priority_t priority;
    int listen_fd, epoll_fd, event_fd;
    uint16_t port;
    pthread_t thread;
    bool running;
    struct sconn *conns;
    unsigned n_conns;
    uint64_t next_conn;
    int64_t stop_at; /* set before `stopping` */
    _Atomic bool stopping;
    _Atomic uint64_t open, accepted, refused, messages, truncated, bytes, framing_errors,
            tls_errors, timeouts;
    char in[READ_BYTES];
};

#define COUNT(ls, what, n) (void)atomic_fetch_add_explicit(&(ls)->what, (n), memory_order_relaxed)

/* ---- connections ---- */

static void conn_free(struct sconn *c)
{
    struct lg_syslog_listener *ls = c->ls;

    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        ls->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    ls->n_conns--;
    atomic_store_explicit(&ls->open, ls->n_conns, memory_order_relaxed);
    if (c->tls != NULL) {
        (void)gnutls_bye(c->tls, GNUTLS_SHUT_WR);
        gnutls_deinit(c->tls);
    }
    (void)close(c->fd); /* leaves the epoll set with it */
    lg_syslog_frames_done(&c->frames);
    lg_free(c);
}

static unsigned conns_of(const struct lg_syslog_listener *ls, const char *address)
{
    unsigned n = 0;

    for (const struct sconn *c = ls->conns; c != NULL; c = c->next)
        n += strcmp(c->address, address) == 0;
    return n;
}

static int start_tls(struct sconn *c)
{
    const struct lg_syslog_opts *o = &c->ls->opts;

    if (c->ls->cred == NULL) {
        c->handshaken = true;
        return 0;
    }
    if (gnutls_init(&c->tls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0)
        return LG_ENOMEM;
    if (gnutls_priority_set(c->tls, c->ls->priority) < 0 ||
            gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->ls->cred) < 0)
        return LG_ENOMEM;
    gnutls_certificate_server_set_request(c->tls,
            o->client_ca_file == NULL         ? GNUTLS_CERT_IGNORE
                    : o->client_cert_required ? GNUTLS_CERT_REQUIRE
                                              : GNUTLS_CERT_REQUEST);
    gnutls_transport_set_int(c->tls, c->fd);
    return 0;
}

static void conn_new(struct lg_syslog_listener *ls, int fd, const struct sockaddr *sa, socklen_t n)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP};
    struct sconn *c = lg_calloc(1, sizeof(*c));

    if (c == NULL) {
        COUNT(ls, refused, 1);
        (void)close(fd);
        return;
    }
    c->ls = ls;
    c->fd = fd;
    c->last_ns = lg_clock_monotonic();
    lg_addr_text(sa, c->address, &c->peer.port);
    c->peer.address = lg_str_z(c->address);
    c->peer.loopback = lg_addr_is_loopback(sa, n);
    c->peer.tls = ls->cred != NULL;
    lg_syslog_frames_init(&c->frames, ls->opts.framing, ls->opts.max_message_bytes);
    if (ls->n_conns >= ls->opts.max_connections ||
            conns_of(ls, c->address) >= ls->opts.max_connections_per_ip) {
        COUNT(ls, refused, 1);
        (void)close(fd);
        lg_free(c);
        return;
    }
    c->peer.connection = ++ls->next_conn;
    c->next = ls->conns;
    if (ls->conns != NULL)
        ls->conns->prev = c;
    ls->conns = c;
    ls->n_conns++;
    atomic_store_explicit(&ls->open, ls->n_conns, memory_order_relaxed);
    COUNT(ls, accepted, 1);
    ev.data.ptr = c;
    if (start_tls(c) < 0 || epoll_ctl(ls->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
        conn_free(c);
}

static void accept_all(struct lg_syslog_listener *ls)
{
    for (;;) {
        struct sockaddr_storage sa;
        socklen_t n = sizeof(sa);
        int fd = accept4(ls->listen_fd, (struct sockaddr *)&sa, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0)
            return;
        conn_new(ls, fd, (struct sockaddr *)&sa, n);
    }
}

/* A paused connection is not watched at all: what the peer sent stays in the kernel, and its going
 * away cannot spin the loop. */
static void watch(struct sconn *c, bool on)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};

    (void)epoll_ctl(c->ls->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, c->fd, &ev);
}

/* ---- messages ---- */

/* Hands over what waits. 1: all taken; 0: not now; negative: close. */
static int hand_over(struct sconn *c)
{
    struct lg_syslog_listener *ls = c->ls;
    int rc;

    if (c->n_msgs == 0)
        return 1;
    rc = ls->opts.on_messages(ls->opts.ctx, &c->peer, c->msgs, c->n_msgs, lg_clock_wall());
    if (rc == LG_ELIMIT || rc == LG_EAGAIN) {
        c->retry_at = lg_clock_monotonic() + (int64_t)ls->opts.retry_ms * 1000000;
        if (!c->paused)
            watch(c, false);
        c->paused = true;
        return 0;
    }
    if (rc < 0)
        return rc;
    COUNT(ls, messages, c->n_msgs);
    c->n_msgs = 0;
    return 1;
}

/* All whole messages of what was read. As hand_over. */
static int pass_on(struct sconn *c)
{
    int rc = hand_over(c);

    while (rc == 1) {
        int got = 1;

        while (c->n_msgs < BATCH) {
            struct lg_syslog_msg *m = &c->msgs[c->n_msgs];

            got = lg_syslog_frames_next(&c->frames, &m->text, &m->truncated);
            if (got == 0 && c->ended)
                got = lg_syslog_frames_last(&c->frames, &m->text, &m->truncated);
            if (got != 1)
                break;
            if (m->truncated)
                COUNT(c->ls, truncated, 1);
            c->n_msgs++;
        }
        if (got < 0) {
            COUNT(c->ls, framing_errors, 1);
            rc = hand_over(c);
            return rc == 0 ? 0 : LG_EPARSE;
        }
        if (c->n_msgs == 0)
            return c->ended ? LG_ENOENT : 1;
        rc = hand_over(c);
    }
    return rc;
}

/* ---- reading ---- */

/* 1: shaken; 0: more to come; negative: no. */
static int handshake(struct sconn *c)
{
    const struct lg_syslog_opts *o = &c->ls->opts;
    int rc = gnutls_handshake(c->tls);

    if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED)
        return 0;
    if (rc < 0 && !gnutls_error_is_fatal(rc))
        return 0;
    if (rc == 0 && o->client_ca_file != NULL) {
        bool good = lg_tls_peer(c->tls, c->cert_sha256, c->cert_name, sizeof(c->cert_name));

        if (!good && o->client_cert_required)
            rc = GNUTLS_E_CERTIFICATE_ERROR;
        c->peer.cert_sha256 = lg_str_z(c->cert_sha256);
        c->peer.cert_name = lg_str_z(c->cert_name);
    }
    if (rc < 0) {
        COUNT(c->ls, tls_errors, 1);
        return LG_EREFUSED;
    }
    c->handshaken = true;
    return 1;
}

/* Bytes read, 0 at the end, LG_EAGAIN for none now, LG_EIO. */
static ptrdiff_t read_some(struct sconn *c)
{
    ssize_t n;

    if (c->tls == NULL) {
        n = read(c->fd, c->ls->in, READ_BYTES);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? LG_EAGAIN : LG_EIO;
        return n;
    }
    n = gnutls_record_recv(c->tls, c->ls->in, READ_BYTES);
    if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
        return LG_EAGAIN;
    if (n == GNUTLS_E_PREMATURE_TERMINATION)
        return 0;
    return n < 0 ? LG_EIO : n;
}

/* False: the connection is finished. */
static bool serve(struct sconn *c)
{
    int rc;

    if (!c->handshaken) {
        rc = handshake(c);
        if (rc <= 0)
            return rc == 0;
    }
    for (int rounds = 0; rounds < 16; rounds++) { /* then the others' turn */
        ptrdiff_t n = read_some(c);

        if (n == LG_EAGAIN)
            return true;
        if (n < 0)
            return false;
        c->last_ns = lg_clock_monotonic();
        COUNT(c->ls, bytes, (uint64_t)n);
        if (n == 0)
            c->ended = true;
        else if (lg_syslog_frames_feed(&c->frames, lg_str_of(c->ls->in, (size_t)n)) < 0)
            return false;
        rc = pass_on(c);
        if (rc <= 0)
            return rc == 0;
    }
    /* what GnuTLS has decrypted already does not show in epoll */
    if (c->tls != NULL && gnutls_record_check_pending(c->tls) > 0) {
        watch(c, false);
        c->paused = true;
        c->retry_at = 0;
    }
    return true;
}

static bool retry(struct sconn *c)
{
    int rc;

    c->paused = false;
    rc = pass_on(c);
    if (rc <= 0) {
        c->paused = rc == 0;
        return rc == 0;
    }
    watch(c, true);
    return serve(c);
}

/* ---- the thread ---- */

static void tick(struct lg_syslog_listener *ls)
{
    int64_t now = lg_clock_monotonic();
    struct sconn *c, *next;

    for (c = ls->conns; c != NULL; c = next) {
        unsigned allowed_s = c->handshaken ? ls->opts.idle_timeout_s : ls->opts.handshake_timeout_s;

        next = c->next;
        if (c->paused) {
            if (now >= c->retry_at && !retry(c))
                conn_free(c);
            continue;
        }
        if (now - c->last_ns > (int64_t)allowed_s * LG_NS_PER_SEC) {
            COUNT(ls, timeouts, 1);
            conn_free(c);
        }
    }
}

static int wait_ms(const struct lg_syslog_listener *ls)
{
    int64_t now = lg_clock_monotonic(), ms = TICK_MS;

    for (const struct sconn *c = ls->conns; c != NULL; c = c->next)
        if (c->paused) {
            int64_t left = (c->retry_at - now) / 1000000 + 1;

            ms = left < ms ? left : ms;
        }
    return ms < 0 ? 0 : (int)ms;
}

/* Messages that were read are still offered, until the deadline; connections without any close. */
static bool finish(struct lg_syslog_listener *ls)
{
    struct sconn *c, *next;
    bool late = lg_clock_monotonic() >= ls->stop_at;

    for (c = ls->conns; c != NULL; c = next) {
        next = c->next;
        if (late || c->n_msgs == 0 || hand_over(c) != 0)
            conn_free(c);
    }
    return ls->conns == NULL;
}

static void *run(void *arg)
{
    struct lg_syslog_listener *ls = arg;
    struct epoll_event evs[64];

    (void)pthread_setname_np(pthread_self(), "lg-syslog");
    for (;;) {
        int n;

        if (atomic_load(&ls->stopping) && finish(ls))
            return NULL;
        n = epoll_wait(ls->epoll_fd, evs, 64, wait_ms(ls));
        for (int i = 0; i < n && !atomic_load(&ls->stopping); i++) {
            struct sconn *c = evs[i].data.ptr;

            if (c == NULL)
                accept_all(ls);
            else if (c != (void *)ls && !c->paused && !serve(c))
                conn_free(c);
        }
        if (!atomic_load(&ls->stopping))
            tick(ls);
    }
}

/* ---- start and stop ---- */

static int set_up_tls(struct lg_syslog_listener *ls, struct lg_err *reterr)
{
    const struct lg_syslog_opts *o = &ls->opts;

    if (o->cert_file == NULL && o->key_file == NULL)
        return o->client_ca_file == NULL
                ? 0
                : lg_err_set(reterr, LG_EINVAL, "client certificates need TLS");
    if (o->cert_file == NULL || o->key_file == NULL)
        return lg_err_set(reterr, LG_EINVAL, "TLS wants a certificate and its key");
    return lg_tls_credentials(
            o->cert_file, o->key_file, o->client_ca_file, &ls->cred, &ls->priority, reterr);
}

static int set_up_epoll(struct lg_syslog_listener *ls, struct lg_err *reterr)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    struct epoll_event wake = {.events = EPOLLIN, .data.ptr = ls};

    ls->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ls->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ls->epoll_fd < 0 || ls->event_fd < 0 ||
            epoll_ctl(ls->epoll_fd, EPOLL_CTL_ADD, ls->listen_fd, &ev) < 0 ||
            epoll_ctl(ls->epoll_fd, EPOLL_CTL_ADD, ls->event_fd, &wake) < 0)
        return lg_err_set(reterr, LG_EIO, "epoll: %s", strerror(errno));
    return 0;
}

static void fill_defaults(struct lg_syslog_opts *o)
{
    if (o->host == NULL)
        o->host = "127.0.0.1";
    if (o->max_message_bytes == 0)
        o->max_message_bytes = 64u << 10;
    if (o->max_message_bytes > LG_MAX_RECORD_BYTES)
        o->max_message_bytes = LG_MAX_RECORD_BYTES;
    if (o->max_connections == 0)
        o->max_connections = 512;
    if (o->max_connections_per_ip == 0)
        o->max_connections_per_ip = 64;
    if (o->idle_timeout_s == 0)
        o->idle_timeout_s = 600;
    if (o->handshake_timeout_s == 0)
        o->handshake_timeout_s = 10;
    if (o->retry_ms == 0)
        o->retry_ms = 100;
}

int lg_syslog_listener_start(
        const struct lg_syslog_opts *opts, struct lg_syslog_listener **ret, struct lg_err *reterr)
{
    struct lg_syslog_listener *ls;
    sigset_t all, old;
    bool loopback;
    int rc;

    if (opts->on_messages == NULL)
        return lg_err_set(reterr, LG_EINVAL, "a syslog listener wants someone to listen");
    ls = lg_calloc(1, sizeof(*ls));
    if (ls == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    ls->opts = *opts;
    ls->listen_fd = ls->epoll_fd = ls->event_fd = -1;
    fill_defaults(&ls->opts);
    rc = set_up_tls(ls, reterr);
    if (rc == 0)
        rc = lg_net_listen(ls->opts.host, opts->port, &ls->listen_fd, &ls->port, &loopback, reterr);
    if (rc == 0)
        rc = set_up_epoll(ls, reterr);
    if (rc == 0) {
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &old);
        ls->running = pthread_create(&ls->thread, NULL, run, ls) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        if (!ls->running)
            rc = lg_err_set(reterr, LG_ENOMEM, "no thread for the syslog listener");
    }
    if (rc < 0) {
        lg_syslog_listener_stop(ls, 0);
        return rc;
    }
    *ret = ls;
    return 0;
}

uint16_t lg_syslog_listener_port(const struct lg_syslog_listener *ls)
{
    return ls->port;
}

void lg_syslog_listener_stats(const struct lg_syslog_listener *ls, struct lg_syslog_stats *ret)
{
#define READ(what) ret->what = atomic_load_explicit(&ls->what, memory_order_relaxed)
    ret->connections = atomic_load_explicit(&ls->open, memory_order_relaxed);
    READ(accepted);
    READ(refused);
    READ(messages);
    READ(truncated);
    READ(bytes);
    READ(framing_errors);
    READ(tls_errors);
    READ(timeouts);
#undef READ
}

void lg_syslog_listener_stop(struct lg_syslog_listener *ls, unsigned deadline_ms)
{
    const uint64_t one = 1;

    if (ls == NULL)
        return;
    if (ls->running) {
        ls->stop_at = lg_clock_monotonic() + (int64_t)deadline_ms * 1000000;
        atomic_store(&ls->stopping, true);
        if (write(ls->event_fd, &one, sizeof(one)) < 0)
            lg_log(LG_LOG_DEBUG, "net", "the syslog listener stops at its next tick", "errno=%d",
                    errno);
        (void)pthread_join(ls->thread, NULL);
    }
    if (ls->listen_fd >= 0)
        (void)close(ls->listen_fd);
    if (ls->epoll_fd >= 0)
        (void)close(ls->epoll_fd);
    if (ls->event_fd >= 0)
        (void)close(ls->event_fd);
    lg_tls_credentials_free(ls->cred, ls->priority);
    lg_free(ls);
}
