#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/req_int.h"
#include "json/json.h"

#define RATIO_FREE_BYTES (1u << 20) /* what any body may expand to, whatever its ratio */

int lg_req_new(struct lg_core *core, struct lg_http_req **ret)
{
    struct lg_http_req *req = lg_calloc(1, sizeof(*req));

    if (req == NULL)
        return LG_ENOMEM;
    req->core = core;
    atomic_init(&req->refs, 1);
    lg_arena_init(&req->arena, LG_REQ_ARENA_BYTES);
    lg_buf_init(&req->out, core->opts.max_response_bytes);
    (void)pthread_mutex_init(&req->lock, NULL);
    req->start_ns = lg_clock_monotonic();
    req->now = lg_core_now(core);
    *ret = req;
    return 0;
}

static void drop_answer(struct lg_http_req *req)
{
    if (req->answer == LG_ANSWER_STREAM && req->drop != NULL)
        req->drop(req->read_ctx);
    req->drop = NULL;
    lg_sse_unref(req->sse);
    req->sse = NULL;
    req->answer = LG_ANSWER_NONE;
}

void lg_req_unref(struct lg_http_req *req)
{
    if (req == NULL || atomic_fetch_sub(&req->refs, 1) != 1)
        return;
    if (req->drop_state != NULL)
        req->drop_state(req->state);
    drop_answer(req);
    lg_decoder_done(&req->decoder);
    lg_buf_done(&req->body);
    lg_buf_done(&req->out);
    lg_principal_unref(req->principal);
    lg_arena_done(&req->arena);
    (void)pthread_mutex_destroy(&req->lock);
    lg_free(req);
}

static bool id_char(char c)
{
    return (c >= '0' && c <= '9') || (lg_ascii_lower(c) >= 'a' && lg_ascii_lower(c) <= 'z') ||
            c == '-' || c == '_' || c == '.';
}

/* The client's own id where it is harmless, so that its log and ours can be laid side by side. */
static void make_id(struct lg_http_req *req)
{
    struct lg_str sent = lg_req_header(req, "X-Request-Id");
    uint64_t n = atomic_fetch_add_explicit(&req->core->next_id, 1, memory_order_relaxed);
    bool good = sent.n > 0 && sent.n <= LG_REQ_ID_MAX;

    for (size_t i = 0; good && i < sent.n; i++)
        good = id_char(sent.p[i]);
    if (good) {
        memcpy(req->id, sent.p, sent.n);
        req->id[sent.n] = '\0';
    } else {
        (void)snprintf(req->id, sizeof(req->id), "%016llx",
                (unsigned long long)lg_hash64(&n, sizeof(n), req->core->id_seed));
    }
}

static int copy_head(struct lg_http_req *req, struct lg_str method, struct lg_str target,
        const struct lg_header *headers, size_t n_headers, struct lg_str *ret_target)
{
    size_t bytes = target.n;

    if (lg_arena_dup(&req->arena, lg_str_sub(method, 0, 32), &req->method_text) < 0 ||
            lg_arena_dup(&req->arena, target, ret_target) < 0)
        return LG_ENOMEM;
    for (size_t i = 0; i < n_headers; i++)
        bytes += headers[i].name.n + headers[i].value.n + 4;
    if (n_headers > LG_REQ_MAX_HEADERS || bytes > req->core->opts.max_header_bytes) {
        req->close = true;
        (void)lg_http_problem(req, 431, "headers-too-large", "at most %d headers and %zu bytes",
                LG_REQ_MAX_HEADERS, req->core->opts.max_header_bytes);
        return LG_EREFUSED;
    }
    req->headers = lg_arena_alloc(&req->arena, (n_headers + 1) * sizeof(*req->headers));
    if (req->headers == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < n_headers; i++) {
        struct lg_header *h = &req->headers[i];

        if (lg_arena_dup(&req->arena, headers[i].name, &h->name) < 0 ||
                lg_arena_dup(&req->arena, lg_str_trim(headers[i].value), &h->value) < 0)
            return LG_ENOMEM;
        req->n_headers++;
    }
    return 0;
}

static int read_method(struct lg_http_req *req)
{
    for (unsigned m = 0; m < LG_HTTP_METHODS; m++)
        if (lg_str_eq(req->method_text, lg_str_z(lg_http_method_name((enum lg_http_method)m)))) {
            req->method = (enum lg_http_method)m;
            return 0;
        }
    req->method = LG_GET;
    if (lg_str_eq(req->method_text, LG_STR("HEAD"))) {
        req->head = true;
        return 0;
    }
    if (lg_str_eq(req->method_text, LG_STR("OPTIONS"))) {
        req->options = true;
        return 0;
    }
    return LG_EUNSUP;
}

/* Path and method to a row, or the answer why not. */
static int find_row(struct lg_http_req *req, struct lg_str target)
{
    const char *reason = "malformed";
    char allow[LG_ALLOW_TEXT_MAX];
    struct lg_match match;
    int known = read_method(req), rc;

    if (req->options && lg_str_eq(target, LG_STR("*"))) {
        (void)lg_http_send_empty(req, 204);
        return LG_EREFUSED;
    }
    rc = lg_uri_parse(&req->arena, target, &req->uri, &reason);
    if (rc == LG_ENOMEM)
        return rc;
    if (rc < 0) {
        (void)lg_http_problem(req, 400, "malformed-target", "the request target has %s", reason);
        return rc;
    }
    lg_router_match(req->core->router, req->method, req->core->opts.surfaces, &req->uri, &match);
    if (match.allow == 0) {
        (void)lg_http_problem(req, 404, "no-such-path", "there is nothing at this path");
        return LG_ENOENT;
    }
    if (req->options) {
        lg_answer_options(req, match.allow);
        return LG_EREFUSED;
    }
    if (known < 0 || match.row == NULL) {
        lg_allow_text(match.allow, allow);
        lg_http_header(req, "Allow", "%s", allow);
        (void)lg_http_problem(req, 405, "method-not-allowed", "this path takes %s", allow);
        return LG_EREFUSED;
    }
    req->row = match.row;
    if (match.below_api)
        lg_uri_shift(&req->uri);
    return 0;
}

int lg_req_begin(struct lg_http_req *req, struct lg_str method, struct lg_str target,
        const struct lg_header *headers, size_t n_headers)
{
    struct lg_str mine;
    int rc = copy_head(req, method, target, headers, n_headers, &mine);

    make_id(req);
    if (rc == 0)
        rc = lg_check_framing(req);
    if (rc == 0)
        rc = find_row(req, mine);
    if (rc == 0)
        rc = lg_check_access(req);
    if (rc == 0)
        rc = lg_check_params(req);
    if (rc == 0)
        rc = lg_check_media(req);
    if (rc == 0 && req->mode != LG_BODY_NONE)
        rc = lg_check_length(req);
    if (rc < 0) {
        if (req->answer == LG_ANSWER_NONE)
            (void)lg_req_fail(req, rc);
        req->mode = LG_BODY_NONE;
        return req->answer == LG_ANSWER_NONE ? LG_ENOMEM : 0;
    }
    if (req->mode == LG_BODY_COLLECT)
        lg_body_pool_take(&req->core->bodies, req->max_body + LG_JSON_PADDING, &req->body);
    return 0;
}

/* ---- body ---- */

/* The body is refused half-way: what is still to come is read and thrown away. */
static void refuse_body(struct lg_http_req *req, int rc)
{
    if (req->answer == LG_ANSWER_NONE) {
        if (rc == LG_ELIMIT) {
            (void)lg_http_problem(req, 413, "body-too-large",
                    "at most %zu bytes are taken here, or %zu times what was sent", req->max_body,
                    req->core->opts.max_body_ratio);
            (void)atomic_fetch_add_explicit(&req->core->refused_bodies, 1, memory_order_relaxed);
        } else if (rc == LG_EAGAIN) {
            (void)lg_http_unavailable(req, 1, "too many bodies are being received");
        } else if (rc == LG_EPARSE || rc == LG_ETRUNC) {
            (void)lg_http_problem(
                    req, 400, "malformed-body", "the body is not what %s says", "Content-Encoding");
        } else {
            (void)lg_req_fail(req, rc);
        }
    }
    req->mode = LG_BODY_NONE;
}

static int charge(struct lg_http_req *req, size_t n)
{
    uint64_t now = atomic_fetch_add_explicit(&req->core->inflight, n, memory_order_relaxed) + n;

    req->charged += n;
    return now > req->core->opts.max_inflight_bytes ? LG_EAGAIN : 0;
}

static void uncharge(struct lg_http_req *req)
{
    (void)atomic_fetch_sub_explicit(&req->core->inflight, req->charged, memory_order_relaxed);
    req->charged = 0;
}

static int take_plain(void *ctx, struct lg_str plain)
{
    struct lg_http_req *req = ctx;
    const struct lg_http_server_opts *o = &req->core->opts;
    int rc;

    req->plain_bytes += plain.n;
    if (req->plain_bytes > req->max_body)
        return LG_ELIMIT;
    if (req->decoder.coding != LG_CODING_IDENTITY && req->plain_bytes > RATIO_FREE_BYTES &&
            req->plain_bytes / o->max_body_ratio > req->wire_bytes)
        return LG_ELIMIT;
    if (req->mode == LG_BODY_STREAM)
        return req->row->route->on_data(req, plain, req->row->ctx);
    rc = charge(req, plain.n);
    if (rc < 0)
        return rc;
    if (req->body.cap == 0 && req->has_length && req->decoder.coding == LG_CODING_IDENTITY &&
            lg_buf_reserve(&req->body, (size_t)req->length + LG_JSON_PADDING) < 0)
        return req->body.failed;
    lg_buf_adds(&req->body, plain);
    return req->body.failed;
}

uint64_t lg_req_drain_bytes(const struct lg_http_req *req)
{
    const size_t own = req->max_body, all = req->core->opts.max_body_bytes;
    const uint64_t max = 4 * (uint64_t)(own > all ? own : all);

    return max > (1u << 20) ? max : 1u << 20;
}

bool lg_req_data(struct lg_http_req *req, struct lg_str piece)
{
    int rc;

    req->wire_bytes += piece.n;
    if (req->mode == LG_BODY_NONE)
        return req->wire_bytes <= lg_req_drain_bytes(req);
    /* also of what decodes to nothing there is an end */
    rc = req->wire_bytes > req->max_body + (64u << 10)
            ? LG_ELIMIT
            : lg_decoder_feed(&req->decoder, piece, take_plain, req);
    if (rc < 0)
        refuse_body(req, rc);
    return true;
}

static int end_body(struct lg_http_req *req)
{
    int rc = 0;

    if (req->wire_bytes > 0)
        rc = lg_decoder_end(&req->decoder);
    if (rc == 0 && req->mode == LG_BODY_COLLECT) {
        rc = lg_buf_reserve(&req->body, LG_JSON_PADDING);
        if (rc == 0) /* the padding is read by the parser: not someone else's bytes */
            memset(req->body.p + req->body.n, 0, LG_JSON_PADDING);
    }
    return rc;
}

void lg_req_end(struct lg_http_req *req)
{
    int rc;

    if (req->answer != LG_ANSWER_NONE)
        return;
    rc = req->mode != LG_BODY_NONE ? end_body(req) : 0;
    if (rc < 0) {
        refuse_body(req, rc);
        return;
    }
    req->ran = true;
    rc = req->row->route->handler(req, req->row->ctx);
    (void)pthread_mutex_lock(&req->lock);
    if (req->later == LG_LATER_NO && req->answer == LG_ANSWER_NONE)
        (void)lg_req_fail(req, rc < 0 ? rc : LG_ECORRUPT);
    (void)pthread_mutex_unlock(&req->lock);
}

/* ---- later ---- */

void lg_http_later(struct lg_http_req *req)
{
    (void)pthread_mutex_lock(&req->lock);
    LG_ASSERT(req->later == LG_LATER_NO);
    (void)atomic_fetch_add(&req->refs, 1);
    req->later_again = !req->ran;
    req->later = req->transport->sleep(req) ? LG_LATER_OUT : LG_LATER_ABANDONED;
    (void)pthread_mutex_unlock(&req->lock);
}

void lg_http_resume(struct lg_http_req *req, int rc)
{
    (void)pthread_mutex_lock(&req->lock);
    if (req->later != LG_LATER_ABANDONED) {
        LG_ASSERT(req->later == LG_LATER_OUT);
        req->later_rc = rc;
        req->later = LG_LATER_BACK;
        req->transport->wake(req);
    }
    (void)pthread_mutex_unlock(&req->lock);
    lg_req_unref(req);
}

bool lg_req_back(struct lg_http_req *req)
{
    bool again;
    int rc;

    (void)pthread_mutex_lock(&req->lock);
    again = req->later_again;
    rc = req->later_rc;
    req->later = LG_LATER_NO;
    (void)pthread_mutex_unlock(&req->lock);
    if (rc < 0 && again)
        refuse_body(req, rc);
    else if (req->answer == LG_ANSWER_NONE && !again)
        (void)lg_req_fail(req, rc < 0 ? rc : LG_ECORRUPT);
    else if (again && req->answer != LG_ANSWER_NONE)
        req->mode = LG_BODY_NONE;
    return req->answer != LG_ANSWER_NONE;
}

/* ---- the end ---- */

static void log_request(const struct lg_http_req *req, int64_t took_ns, int status)
{
    enum lg_log_level level = status >= 500 ? LG_LOG_INFO : LG_LOG_DEBUG;
    struct lg_str who = req->principal != NULL ? lg_principal_id(req->principal) : LG_STR("-");

    /* the path is visible ASCII without white space; the query may hold searched texts: not logged */
    lg_log(level, "net", "request",
            "id=%s method=%.*s path=%.*s status=%d ms=%.1f in=%llu out=%llu peer=%.*s who=\"%.*s\"",
            req->id, LG_STR_FMT(req->method_text),
            (int)(req->uri.path.n > 200 ? 200 : req->uri.path.n), req->uri.path.p, status,
            (double)took_ns / 1e6, (unsigned long long)req->wire_bytes,
            (unsigned long long)req->sent_bytes, LG_STR_FMT(req->peer.address), LG_STR_FMT(who));
}

void lg_req_finish(struct lg_http_req *req, bool lost)
{
    struct lg_core *core = req->core;
    int64_t took_ns = lg_clock_monotonic() - req->start_ns;
    int status = lost ? 0 : req->status;
    struct lg_http_done done = {
            .route = req->row != NULL ? req->row->route : NULL,
            .status = status,
            .duration_ns = took_ns,
            .bytes_in = req->wire_bytes,
            .bytes_out = req->sent_bytes,
            .principal = req->principal,
    };

    if (req->done)
        return;
    req->done = true;
    uncharge(req);
    if (req->later != LG_LATER_ABANDONED)
        lg_body_pool_give(&core->bodies, &req->body);
    (void)atomic_fetch_add_explicit(&core->requests, 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&core->bytes_in, req->wire_bytes, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&core->bytes_out, req->sent_bytes, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&core->status[status >= 100 && status < 600 ? status / 100 : 0],
            1, memory_order_relaxed);
    log_request(req, took_ns, status);
    if (core->opts.on_done != NULL)
        core->opts.on_done(core->opts.done_ctx, &done);
}
