#include <netinet/in.h>
#include <string.h>

#include <gnutls/gnutls.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/server_int.h"
#include "net/tls_int.h"

/* What libmicrohttpd calls back: connections, request heads, bodies, ends. */

static struct lg_conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info != NULL ? info->socket_context : NULL;
}

static void set_phase(struct lg_conn *c, enum lg_phase phase)
{
    atomic_store_explicit(&c->moved, 0, memory_order_relaxed);
    atomic_store_explicit(&c->since_ns, lg_clock_monotonic(), memory_order_relaxed);
    atomic_store_explicit(&c->phase, phase, memory_order_relaxed);
}

static struct lg_conn *conn_new(struct lg_http_server *srv, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info;
    struct lg_conn *c = lg_calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->srv = srv;
    c->mhd = mhd;
    c->fd = -1;
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL)
        c->fd = info->connect_fd;
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info != NULL && info->client_addr != NULL) {
        lg_addr_text(info->client_addr, c->address, &c->port);
        c->loopback = lg_addr_is_loopback(info->client_addr,
                info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                         : sizeof(struct sockaddr_in));
    }
    set_phase(c, LG_PHASE_HEAD);
    return c;
}

void lg_conn_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
        enum MHD_ConnectionNotificationCode toe)
{
    struct lg_http_server *srv = cls;
    struct lg_conn *c;

    if (toe == MHD_CONNECTION_NOTIFY_STARTED) {
        c = conn_new(srv, mhd);
        *socket_context = c;
        if (c == NULL)
            return;
        (void)atomic_fetch_add_explicit(&srv->accepted, 1, memory_order_relaxed);
        (void)pthread_mutex_lock(&srv->lock);
        c->next = srv->conns;
        if (srv->conns != NULL)
            srv->conns->prev = c;
        srv->conns = c;
        srv->n_conns++;
        (void)pthread_mutex_unlock(&srv->lock);
        return;
    }
    c = *socket_context;
    *socket_context = NULL;
    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&srv->lock);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        srv->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    srv->n_conns--;
    (void)pthread_mutex_unlock(&srv->lock);
    lg_free(c);
}

/* ---- sleeping and waking ---- */

static bool sleep_conn(struct lg_http_req *req)
{
    struct lg_conn *c = req->conn;

    if (atomic_load(&c->srv->stopping))
        return false;
    set_phase(c, LG_PHASE_APP);
    MHD_suspend_connection(c->mhd);
    return true;
}

static void wake_conn(struct lg_http_req *req)
{
    struct lg_conn *c = req->conn;

    MHD_resume_connection(c->mhd);
}

static void sse_sleep(void *conn)
{
    struct lg_conn *c = conn;

    MHD_suspend_connection(c->mhd);
}

static void sse_wake(void *conn)
{
    struct lg_conn *c = conn;

    MHD_resume_connection(c->mhd);
}

static int sse_open(struct lg_http_req *req, struct lg_sse **ret)
{
    struct lg_conn *c = req->conn;
    struct lg_http_server *srv = c->srv;
    struct lg_sse *sse = lg_sse_new(srv->core.opts.sse_queue_bytes);
    int rc = 0;

    if (sse == NULL)
        return LG_ENOMEM;
    (void)pthread_mutex_lock(&srv->lock);
    /* streams stay: they may not eat up the connections of everyone else */
    if (atomic_load(&srv->stopping) || atomic_load(&srv->quiet) ||
            srv->n_sse >= (srv->core.opts.max_connections + 3) / 4) {
        rc = LG_EAGAIN;
    } else {
        srv->n_sse++;
        c->sse = lg_sse_ref(sse);
    }
    (void)pthread_mutex_unlock(&srv->lock);
    if (rc < 0) {
        lg_sse_unref(sse);
        return rc;
    }
    *ret = sse;
    return 0;
}

static const struct lg_transport transport = {sleep_conn, wake_conn, sse_open};

/* ---- answers ---- */

static ptrdiff_t count_sent(struct lg_conn *c, ptrdiff_t n)
{
    if (n > 0) {
        c->req->sent_bytes += (uint64_t)n;
        atomic_store_explicit(&c->since_ns, lg_clock_monotonic(), memory_order_relaxed);
    }
    return n;
}

static ssize_t read_sse(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct lg_conn *c = cls;
    ptrdiff_t n;

    (void)pos;
    n = lg_sse_take(c->req->sse, buf, max, sse_sleep);
    return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : count_sent(c, n);
}

static ssize_t read_stream(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct lg_conn *c = cls;
    ptrdiff_t n = c->req->read(c->req->read_ctx, buf, max);

    (void)pos;
    if (n < 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    return n == 0 ? MHD_CONTENT_READER_END_OF_STREAM : count_sent(c, n);
}

static struct MHD_Response *make_response(struct lg_conn *c, struct lg_http_req *req)
{
    static char nothing[1];
    struct MHD_Response *r;

    switch (req->answer) {
    case LG_ANSWER_BUF:
        req->sent_bytes = req->out.n;
        if (req->out.n > 0) {
            r = MHD_create_response_from_buffer_with_free_callback(req->out.n, req->out.p, lg_free);
            if (r != NULL)
                lg_buf_init(&req->out, req->out.max);
            return r;
        }
        return MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
    case LG_ANSWER_STATIC:
        req->sent_bytes = req->fixed.n;
        return MHD_create_response_from_buffer(
                req->fixed.n, (void *)(uintptr_t)req->fixed.p, MHD_RESPMEM_PERSISTENT);
    case LG_ANSWER_STREAM:
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 64u << 10, read_stream, c, NULL);
    case LG_ANSWER_SSE:
        lg_sse_attach(req->sse, c, sse_wake);
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16u << 10, read_sse, c, NULL);
    case LG_ANSWER_NONE:
        break;
    }
    return NULL;
}

static void put_header(void *ctx, const char *name, const char *value)
{
    (void)MHD_add_response_header(ctx, name, value);
}

static enum MHD_Result queue_answer(struct lg_conn *c, struct lg_http_req *req)
{
    struct MHD_Response *r;
    enum MHD_Result ok;

    if (req->failed_head && req->status < 500) { /* headers of ours that could not be made */
        req->n_out = 0;
        req->failed_head = false;
        req->answer = LG_ANSWER_NONE;
        (void)lg_http_problem(req, 500, "internal-error", "a malformed header was made");
    }
    if (atomic_load(&c->srv->quiet))
        req->close = true;
    r = make_response(c, req);
    if (r == NULL)
        return MHD_NO;
    lg_req_answer_headers(req, put_header, r);
    set_phase(c, LG_PHASE_SEND);
    ok = MHD_queue_response(c->mhd, (unsigned)req->status, r);
    MHD_destroy_response(r);
    return ok;
}

/* ---- requests ---- */

void *lg_conn_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct lg_http_server *srv = cls;
    struct lg_conn *c = conn_of(mhd);
    struct lg_http_req *req;
    struct lg_str copy;

    if (c == NULL || lg_req_new(&srv->core, &req) < 0)
        return NULL;
    req->transport = &transport;
    req->conn = c;
    c->begun = false;
    if (lg_arena_dup(&req->arena, lg_str_z(uri), &copy) < 0) {
        lg_req_unref(req);
        return NULL;
    }
    req->uri.path = copy; /* until the head is read as a whole */
    (void)pthread_mutex_lock(&srv->lock);
    c->req = req;
    (void)pthread_mutex_unlock(&srv->lock);
    return req;
}

struct head {
    struct lg_header v[LG_REQ_MAX_HEADERS + 1];
    size_t n;
};

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_n,
        const char *value, size_t value_n)
{
    struct head *h = cls;

    (void)kind;
    if (h->n == sizeof(h->v) / sizeof(*h->v))
        return MHD_NO;
    h->v[h->n++] = (struct lg_header){
            lg_str_of(key, key_n), value != NULL ? lg_str_of(value, value_n) : LG_STR("")};
    return MHD_YES;
}

static int fill_peer(struct lg_conn *c, struct lg_http_req *req)
{
    struct lg_http_peer *p = &req->peer;

    p->port = c->port;
    p->loopback = c->loopback;
    p->tls = c->srv->tls;
    if (lg_arena_dup(&req->arena, lg_str_z(c->address), &p->address) < 0 ||
            lg_arena_dup(&req->arena, lg_str_z(c->cert_sha256), &p->cert_sha256) < 0 ||
            lg_arena_dup(&req->arena, lg_str_z(c->cert_name), &p->cert_name) < 0)
        return LG_ENOMEM;
    return 0;
}

static enum MHD_Result begin(struct lg_conn *c, struct lg_http_req *req, const char *method)
{
    struct head h = {.n = 0};
    struct lg_str target = req->uri.path;

    c->begun = true;
    (void)pthread_mutex_lock(&c->srv->lock);
    c->srv->active++;
    c->counted = true;
    (void)pthread_mutex_unlock(&c->srv->lock);
    if (c->srv->tls && !c->cert_read && !lg_conn_certificate(c))
        return MHD_NO;
    (void)MHD_get_connection_values_n(c->mhd, MHD_HEADER_KIND, add_header, &h);
    req->uri.path = LG_STR("");
    if (fill_peer(c, req) < 0 || lg_req_begin(req, lg_str_z(method), target, h.v, h.n) < 0)
        return MHD_NO;
    set_phase(c, LG_PHASE_BODY);
    /* An answer that stands already is given now only where the body had better not come at all;
     * else the body is read first, so that the connection can be used again. */
    if (req->answer != LG_ANSWER_NONE &&
            (req->expect || req->close ||
                    (req->has_length && req->length > lg_req_drain_bytes(req))))
        return queue_answer(c, req);
    return MHD_YES;
}

/* Where a request is that went later; LG_LATER_BACK is turned to LG_LATER_NO with its result taken. */
static enum lg_later later_of(struct lg_http_req *req)
{
    enum lg_later later;

    (void)pthread_mutex_lock(&req->lock);
    later = req->later;
    (void)pthread_mutex_unlock(&req->lock);
    return later;
}

enum MHD_Result lg_conn_handle(void *cls, struct MHD_Connection *mhd, const char *url,
        const char *method, const char *version, const char *upload, size_t *upload_size,
        void **req_cls)
{
    struct lg_http_req *req = *req_cls;
    struct lg_conn *c = conn_of(mhd);

    (void)cls;
    (void)url;
    (void)version;
    if (c == NULL || req == NULL)
        return MHD_NO; /* no memory to answer with */
    if (!c->begun)
        return begin(c, req, method);
    switch (later_of(req)) {
    case LG_LATER_ABANDONED:
        return MHD_NO;
    case LG_LATER_OUT:
        return MHD_YES; /* what came with the piece that sent it away: kept for its return */
    case LG_LATER_BACK:
        (void)lg_req_back(req);
        set_phase(c, LG_PHASE_BODY);
        break;
    case LG_LATER_NO:
        break;
    }
    if (*upload_size > 0) {
        bool ok = lg_req_data(req, lg_str_of(upload, *upload_size));

        (void)atomic_fetch_add_explicit(&c->moved, *upload_size, memory_order_relaxed);
        *upload_size = 0;
        return ok ? MHD_YES : MHD_NO;
    }
    if (req->answer == LG_ANSWER_NONE) {
        set_phase(c, LG_PHASE_APP);
        lg_req_end(req);
        switch (later_of(req)) {
        case LG_LATER_ABANDONED:
            return MHD_NO;
        case LG_LATER_OUT:
        case LG_LATER_BACK:
            return MHD_YES;
        case LG_LATER_NO:
            break;
        }
    }
    return queue_answer(c, req);
}

void lg_conn_completed(
        void *cls, struct MHD_Connection *mhd, void **req_cls, enum MHD_RequestTerminationCode toe)
{
    struct lg_http_server *srv = cls;
    struct lg_http_req *req = *req_cls;
    struct lg_conn *c;
    struct lg_sse *sse;

    (void)mhd;
    *req_cls = NULL;
    if (req == NULL)
        return;
    c = req->conn;
    (void)pthread_mutex_lock(&srv->lock);
    c->req = NULL;
    sse = c->sse;
    c->sse = NULL;
    if (sse != NULL)
        srv->n_sse--;
    (void)pthread_mutex_unlock(&srv->lock);
    if (sse != NULL) {
        if (lg_sse_dropped(sse))
            (void)atomic_fetch_add_explicit(&srv->core.sse_dropped, 1, memory_order_relaxed);
        lg_sse_detach(sse);
        lg_sse_unref(sse);
    }
    if (c->begun)
        lg_req_finish(req, toe != MHD_REQUEST_TERMINATED_COMPLETED_OK);
    lg_req_unref(req);
    set_phase(c, LG_PHASE_HEAD);
    (void)pthread_mutex_lock(&srv->lock);
    if (c->counted) {
        c->counted = false;
        if (--srv->active == 0)
            (void)pthread_cond_broadcast(&srv->idle);
    }
    (void)pthread_mutex_unlock(&srv->lock);
}

/* ---- client certificates ---- */

bool lg_conn_certificate(struct lg_conn *c)
{
    const struct lg_http_tls *tls = c->srv->core.opts.tls;
    const union MHD_ConnectionInfo *info;
    bool good = false;

    c->cert_read = true;
    if (tls == NULL || tls->client_ca_file == NULL)
        return true;
    info = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info != NULL && info->tls_session != NULL)
        good = lg_tls_peer(info->tls_session, c->cert_sha256, c->cert_name, sizeof(c->cert_name));
    if (!good)
        c->cert_sha256[0] = c->cert_name[0] = '\0';
    return good || !tls->client_cert_required;
}
