#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/encode.h"
#include "net/server_int.h"
#include "net/tls_int.h"

#define WATCH_MS 250

static void log_library(void *cls, const char *fmt, va_list ap) LG_PRINTF(2, 0);

static void log_library(void *cls, const char *fmt, va_list ap)
{
    char text[256];

    (void)cls;
    if (vsnprintf(text, sizeof(text), fmt, ap) > 0)
        lg_log(LG_LOG_DEBUG, "net", "http library", "text=\"%s\"", text);
}

/* Targets are decoded by us, once. */
static size_t keep_escapes(void *cls, struct MHD_Connection *mhd, char *s)
{
    (void)cls;
    (void)mhd;
    return strlen(s);
}

/* ---- watching ---- */

static int64_t allowed_ns(const struct lg_http_server_opts *o, enum lg_phase phase, uint64_t moved)
{
    switch (phase) {
    case LG_PHASE_HEAD:
        return (int64_t)o->head_timeout_s * LG_NS_PER_SEC;
    case LG_PHASE_BODY:
        return ((int64_t)o->body_timeout_s + (int64_t)(moved / o->min_rate_bytes_s)) *
                LG_NS_PER_SEC;
    case LG_PHASE_APP:
    case LG_PHASE_SEND: /* the library ends connections on which nothing moves */
        break;
    }
    return INT64_MAX;
}

/* Shuts slow connections down; the library notices and cleans up. Under srv->lock, so that the
 * descriptor cannot be another's yet. */
static void watch_conn(struct lg_http_server *srv, struct lg_conn *c, int64_t now)
{
    enum lg_phase phase = (enum lg_phase)atomic_load_explicit(&c->phase, memory_order_relaxed);
    int64_t since = atomic_load_explicit(&c->since_ns, memory_order_relaxed);
    uint64_t moved = atomic_load_explicit(&c->moved, memory_order_relaxed);

    if (now - since > allowed_ns(&srv->core.opts, phase, moved)) {
        (void)atomic_fetch_add_explicit(&srv->core.timeouts, 1, memory_order_relaxed);
        (void)shutdown(c->fd, SHUT_RDWR);
        atomic_store_explicit(&c->since_ns, now, memory_order_relaxed);
    }
    if (c->sse != NULL) {
        struct pollfd pfd = {.fd = c->fd, .events = POLLRDHUP};

        if (poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLRDHUP | POLLERR | POLLHUP)) != 0)
            lg_sse_close(c->sse);
        lg_sse_keepalive(c->sse, now, (int64_t)srv->core.opts.sse_keepalive_s * LG_NS_PER_SEC);
    }
}

void *lg_server_watch(void *arg)
{
    struct lg_http_server *srv = arg;

    (void)pthread_setname_np(pthread_self(), "lg-http-watch");
    (void)pthread_mutex_lock(&srv->lock);
    while (!srv->watch_end) {
        struct timespec until = lg_clock_deadline((int64_t)WATCH_MS * 1000000);
        int64_t now = lg_clock_monotonic();

        for (struct lg_conn *c = srv->conns; c != NULL; c = c->next)
            watch_conn(srv, c, now);
        while (!srv->watch_end && pthread_cond_timedwait(&srv->changed, &srv->lock, &until) == 0)
            ;
    }
    (void)pthread_mutex_unlock(&srv->lock);
    return NULL;
}

/* ---- start ---- */

static int read_tls(struct lg_http_server *srv, struct lg_err *reterr)
{
    const struct lg_http_tls *tls = srv->core.opts.tls;
    int rc;

    if (tls == NULL)
        return 0;
    if (tls->cert_file == NULL || tls->key_file == NULL)
        return lg_err_set(reterr, LG_EINVAL, "TLS wants a certificate and its key");
    rc = lg_net_read_pem(tls->cert_file, &srv->cert, reterr);
    if (rc == 0)
        rc = lg_net_read_pem(tls->key_file, &srv->key, reterr);
    if (rc == 0 && tls->client_ca_file != NULL)
        rc = lg_net_read_pem(tls->client_ca_file, &srv->ca, reterr);
    srv->tls = rc == 0;
    return rc;
}

static int start_daemon(struct lg_http_server *srv, struct lg_err *reterr)
{
    const struct lg_http_server_opts *o = &srv->core.opts;
    struct MHD_OptionItem items[8];
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
            MHD_USE_ERROR_LOG;
    size_t n = 0;

    if (srv->tls) {
        flags |= MHD_USE_TLS;
        items[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, srv->key.p};
        items[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, srv->cert.p};
        items[n++] = (struct MHD_OptionItem){
                MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)LG_TLS_PRIORITIES};
        if (srv->ca.p != NULL)
            items[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, srv->ca.p};
    }
    if (o->threads > 1) /* a pool of one is refused */
        items[n++] =
                (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)o->threads, NULL};
    items[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    srv->mhd = MHD_start_daemon(flags, 0, NULL, NULL, lg_conn_handle, srv,
            MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL, MHD_OPTION_LISTEN_SOCKET, srv->listen_fd,
            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT, o->max_connections,
            MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->max_connections_per_ip,
            MHD_OPTION_CONNECTION_TIMEOUT, o->idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            o->max_header_bytes + (64u << 10), MHD_OPTION_CONNECTION_MEMORY_INCREMENT,
            (size_t)(32u << 10), MHD_OPTION_URI_LOG_CALLBACK, lg_conn_uri, srv,
            MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_CONNECTION,
            lg_conn_notify, srv, MHD_OPTION_NOTIFY_COMPLETED, lg_conn_completed, srv,
            MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    if (srv->mhd == NULL)
        return lg_err_set(reterr, LG_EINVAL, "the HTTP server does not start%s",
                srv->tls ? ": is the certificate one, and is the key its key?" : "");
    return 0;
}

/* Threads that are started here take no signals: those are the main thread's. */
static int start_threads(struct lg_http_server *srv, struct lg_err *reterr)
{
    sigset_t all, old;
    int rc;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = start_daemon(srv, reterr);
    if (rc == 0) {
        if (pthread_create(&srv->watch, NULL, lg_server_watch, srv) == 0)
            srv->watching = true;
        else
            rc = lg_err_set(reterr, LG_ENOMEM, "no thread for the HTTP server");
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

int lg_http_server_start(const struct lg_router *rt, const struct lg_http_server_opts *opts,
        struct lg_http_server **ret, struct lg_err *reterr)
{
    struct lg_http_server *srv = lg_calloc(1, sizeof(*srv));
    int rc;

    if (srv == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    srv->listen_fd = -1;
    rc = lg_core_init(&srv->core, rt, opts, reterr);
    if (rc < 0) {
        lg_free(srv);
        return rc;
    }
    (void)pthread_mutex_init(&srv->lock, NULL);
    lg_clock_cond_init(&srv->changed);
    lg_clock_cond_init(&srv->idle);
    rc = read_tls(srv, reterr);
    if (rc == 0)
        rc = lg_net_listen(srv->core.opts.host, opts->port, &srv->listen_fd, &srv->port,
                &srv->core.listener_loopback, reterr);
    if (rc == 0 && opts->auth_off && !srv->core.listener_loopback)
        rc = lg_err_set(reterr, LG_EINVAL,
                "authentication can be off only on a loopback address, not on %s",
                srv->core.opts.host);
    if (rc == 0)
        rc = start_threads(srv, reterr);
    if (rc < 0) {
        lg_http_server_stop(srv, 0);
        return rc;
    }
    *ret = srv;
    return 0;
}

uint16_t lg_http_server_port(const struct lg_http_server *srv)
{
    return srv->port;
}

void lg_http_server_stats(const struct lg_http_server *srv, struct lg_http_stats *ret)
{
    struct lg_http_server *mine = (struct lg_http_server *)(uintptr_t)srv;
    struct lg_core *core = &mine->core;

    memset(ret, 0, sizeof(*ret));
    (void)pthread_mutex_lock(&mine->lock);
    ret->connections = srv->n_conns;
    ret->sse_clients = srv->n_sse;
    (void)pthread_mutex_unlock(&mine->lock);
    ret->accepted = atomic_load_explicit(&mine->accepted, memory_order_relaxed);
    ret->requests = atomic_load_explicit(&core->requests, memory_order_relaxed);
    ret->bytes_in = atomic_load_explicit(&core->bytes_in, memory_order_relaxed);
    ret->bytes_out = atomic_load_explicit(&core->bytes_out, memory_order_relaxed);
    for (size_t i = 0; i < 6; i++)
        ret->status[i] = atomic_load_explicit(&core->status[i], memory_order_relaxed);
    ret->timeouts = atomic_load_explicit(&core->timeouts, memory_order_relaxed);
    ret->refused_bodies = atomic_load_explicit(&core->refused_bodies, memory_order_relaxed);
    ret->sse_dropped = atomic_load_explicit(&core->sse_dropped, memory_order_relaxed);
    ret->inflight_bytes = atomic_load_explicit(&core->inflight, memory_order_relaxed);
}

/* ---- stop ---- */

void lg_http_server_quiesce(struct lg_http_server *srv)
{
    if (srv->mhd == NULL || atomic_exchange(&srv->quiet, true))
        return;
    (void)MHD_quiesce_daemon(srv->mhd);
    (void)shutdown(srv->listen_fd, SHUT_RDWR); /* who connects from now on is refused at once */
}

static void close_streams(struct lg_http_server *srv)
{
    for (struct lg_conn *c = srv->conns; c != NULL; c = c->next)
        if (c->sse != NULL)
            lg_sse_close(c->sse);
}

/* Requests that are with someone else are left to them; their connections wake up to be closed. */
static void abandon_later(struct lg_http_server *srv)
{
    for (struct lg_conn *c = srv->conns; c != NULL; c = c->next) {
        struct lg_http_req *req = c->req;

        if (req == NULL)
            continue;
        (void)pthread_mutex_lock(&req->lock);
        if (req->later == LG_LATER_OUT) {
            req->later = LG_LATER_ABANDONED;
            req->transport->wake(req);
        }
        (void)pthread_mutex_unlock(&req->lock);
    }
}

static void drain(struct lg_http_server *srv, unsigned deadline_ms)
{
    struct timespec until = lg_clock_deadline((int64_t)deadline_ms * 1000000);

    (void)pthread_mutex_lock(&srv->lock);
    close_streams(srv);
    while (srv->active > 0 && pthread_cond_timedwait(&srv->idle, &srv->lock, &until) != ETIMEDOUT)
        ;
    if (srv->active > 0)
        lg_log(LG_LOG_WARN, "net", "requests cut at stop", "count=%u", srv->active);
    atomic_store(&srv->stopping, true);
    close_streams(srv);
    abandon_later(srv);
    srv->watch_end = true;
    (void)pthread_cond_broadcast(&srv->changed);
    (void)pthread_mutex_unlock(&srv->lock);
}

void lg_http_server_stop(struct lg_http_server *srv, unsigned deadline_ms)
{
    if (srv == NULL)
        return;
    if (srv->mhd != NULL) {
        lg_http_server_quiesce(srv);
        drain(srv, deadline_ms);
    }
    if (srv->watching)
        (void)pthread_join(srv->watch, NULL);
    if (srv->mhd != NULL)
        MHD_stop_daemon(srv->mhd);
    if (srv->listen_fd >= 0)
        (void)close(srv->listen_fd);
    if (srv->key.p != NULL)
        lg_crypto_wipe(srv->key.p, srv->key.n);
    lg_buf_done(&srv->key);
    lg_buf_done(&srv->cert);
    lg_buf_done(&srv->ca);
    (void)pthread_cond_destroy(&srv->changed);
    (void)pthread_cond_destroy(&srv->idle);
    (void)pthread_mutex_destroy(&srv->lock);
    lg_core_done(&srv->core);
    lg_free(srv);
}
