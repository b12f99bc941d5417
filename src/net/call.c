#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/req_int.h"

/* lg_http_call: the same steps as the server's, driven by the calling thread. */

struct call_conn {
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool awake;
};

static bool sleep_call(struct lg_http_req *req)
{
    (void)req;
    return true;
}

static void wake_call(struct lg_http_req *req)
{
    struct call_conn *c = req->conn;

    (void)pthread_mutex_lock(&c->lock);
    c->awake = true;
    (void)pthread_cond_signal(&c->woken);
    (void)pthread_mutex_unlock(&c->lock);
}

static int sse_call(struct lg_http_req *req, struct lg_sse **ret)
{
    *ret = lg_sse_new(req->core->opts.sse_queue_bytes);
    return *ret != NULL ? 0 : LG_ENOMEM;
}

static const struct lg_transport transport = {sleep_call, wake_call, sse_call};

/* Waits when the request went later, and takes it back. */
static void settle(struct lg_http_req *req)
{
    struct call_conn *c = req->conn;
    bool away;

    (void)pthread_mutex_lock(&req->lock);
    away = req->later != LG_LATER_NO;
    (void)pthread_mutex_unlock(&req->lock);
    if (!away)
        return;
    (void)pthread_mutex_lock(&c->lock);
    while (!c->awake)
        (void)pthread_cond_wait(&c->woken, &c->lock);
    c->awake = false;
    (void)pthread_mutex_unlock(&c->lock);
    (void)lg_req_back(req);
}

static void put_header(void *ctx, const char *name, const char *value)
{
    struct lg_buf *out = ctx;

    lg_buf_adds(out, lg_str_z(name));
    lg_buf_adds(out, LG_STR(": "));
    lg_buf_adds(out, lg_str_z(value));
    lg_buf_addc(out, '\n');
}

static int collect(struct lg_http_req *req, struct lg_http_reply *ret)
{
    char piece[4096];
    ptrdiff_t n;

    ret->status = req->status;
    lg_req_answer_headers(req, put_header, &ret->headers);
    switch (req->answer) {
    case LG_ANSWER_BUF:
        if (!req->head)
            lg_buf_adds(&ret->body, lg_buf_str(&req->out));
        break;
    case LG_ANSWER_STATIC:
        if (!req->head)
            lg_buf_adds(&ret->body, req->fixed);
        break;
    case LG_ANSWER_STREAM:
        while ((n = req->read(req->read_ctx, piece, sizeof(piece))) > 0)
            lg_buf_add(&ret->body, piece, (size_t)n);
        break;
    case LG_ANSWER_SSE:
        lg_sse_close(req->sse);
        break;
    case LG_ANSWER_NONE:
        return LG_ENOMEM;
    }
    if (ret->headers.failed < 0 || ret->body.failed < 0)
        return LG_ENOMEM;
    return 0;
}

static int split_headers(const struct lg_http_call *call, struct lg_header *out, size_t *ret_n)
{
    size_t n = 0;

    for (const char *const *h = call->headers; h != NULL && *h != NULL; h++) {
        struct lg_str line = lg_str_z(*h);
        ptrdiff_t colon = lg_str_chr(line, ':');

        if (colon < 0 || n > LG_REQ_MAX_HEADERS)
            return LG_EINVAL;
        out[n++] = (struct lg_header){
                lg_str_sub(line, 0, (size_t)colon), lg_str_sub(line, (size_t)colon + 1, line.n)};
    }
    *ret_n = n;
    return 0;
}

static int drive(struct lg_http_req *req, const struct lg_http_call *call)
{
    struct lg_header headers[LG_REQ_MAX_HEADERS + 2];
    size_t n = 0, step;
    char length[32];
    int rc = split_headers(call, headers, &n);

    if (rc < 0)
        return rc;
    if (call->body.n > 0 && n <= LG_REQ_MAX_HEADERS) {
        bool has = false;

        for (size_t i = 0; i < n; i++)
            has = has || lg_str_ieq(headers[i].name, LG_STR("Content-Length")) ||
                    lg_str_ieq(headers[i].name, LG_STR("Transfer-Encoding"));
        if (!has) {
            (void)snprintf(length, sizeof(length), "%zu", call->body.n);
            headers[n++] = (struct lg_header){LG_STR("Content-Length"), lg_str_z(length)};
        }
    }
    rc = lg_req_begin(req, lg_str_z(call->method), call->uri, headers, n);
    if (rc < 0)
        return rc;
    step = call->piece_bytes > 0 ? call->piece_bytes : call->body.n;
    for (size_t at = 0; at < call->body.n; at += step) {
        if (!lg_req_data(req, lg_str_sub(call->body, at, at + step)))
            break;
        settle(req);
    }
    lg_req_end(req);
    settle(req);
    return 0;
}

int lg_http_call(const struct lg_router *rt, const struct lg_http_server_opts *opts,
        const struct lg_http_call *call, struct lg_http_reply *ret)
{
    static const struct lg_http_server_opts none;
    struct call_conn conn = {.awake = false};
    struct lg_http_req *req = NULL;
    struct lg_core core;
    int rc;

    rc = lg_core_init(&core, rt, opts != NULL ? opts : &none, NULL);
    if (rc < 0)
        return rc;
    (void)pthread_mutex_init(&conn.lock, NULL);
    (void)pthread_cond_init(&conn.woken, NULL);
    core.listener_loopback = true;
    rc = lg_req_new(&core, &req);
    if (rc == 0) {
        req->transport = &transport;
        req->conn = &conn;
        req->peer.address = lg_str_z(call->peer != NULL ? call->peer : "127.0.0.1");
        req->peer.loopback = lg_host_is_loopback(req->peer.address);
        rc = drive(req, call);
        if (rc == 0)
            rc = collect(req, ret);
        lg_req_finish(req, rc < 0);
        lg_req_unref(req);
    }
    (void)pthread_cond_destroy(&conn.woken);
    (void)pthread_mutex_destroy(&conn.lock);
    lg_core_done(&core);
    return rc;
}

void lg_http_reply_init(struct lg_http_reply *r)
{
    memset(r, 0, sizeof(*r));
    lg_buf_init(&r->headers, 64u << 10);
    lg_buf_init(&r->body, 256u << 20);
}

void lg_http_reply_done(struct lg_http_reply *r)
{
    lg_buf_done(&r->headers);
    lg_buf_done(&r->body);
}

struct lg_str lg_http_reply_header(const struct lg_http_reply *r, const char *name)
{
    struct lg_str rest = lg_buf_str(&r->headers), line;

    while (lg_str_split(&rest, '\n', &line)) {
        ptrdiff_t colon = lg_str_chr(line, ':');

        if (colon >= 0 && lg_str_ieq(lg_str_sub(line, 0, (size_t)colon), lg_str_z(name)))
            return lg_str_trim(lg_str_sub(line, (size_t)colon + 1, line.n));
    }
    return LG_STR("");
}
