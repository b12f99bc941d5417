#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net/problem.h"
#include "net/req_int.h"

/* The answering half of http_server.h; none of this touches the core: it also runs later. */

struct lg_buf *lg_http_out(struct lg_http_req *req)
{
    lg_buf_clear(&req->out);
    return &req->out;
}

static void answer(struct lg_http_req *req, enum lg_answer_kind kind, int status, const char *type)
{
    LG_ASSERT(req->answer == LG_ANSWER_NONE);
    req->answer = kind;
    req->status = status;
    req->type = type;
}

/* Nothing is left for a longer text: constant bytes, no memory. */
static int out_of_memory(struct lg_http_req *req)
{
    static const char body[] =
            "{\"type\":\"/problems/out-of-memory\",\"title\":\"Service Unavailable\","
            "\"status\":503,\"detail\":\"out of memory, try again\"}";

    answer(req, LG_ANSWER_STATIC, 503, LG_PROBLEM_TYPE);
    req->fixed = LG_STR(body);
    return 0;
}

int lg_http_send(struct lg_http_req *req, int status, const char *type)
{
    if (req->out.failed == LG_ELIMIT)
        return lg_http_problem(req, 503, "answer-too-large",
                "the answer is larger than %zu bytes: ask for less at once", req->out.max);
    if (req->out.failed < 0)
        return out_of_memory(req);
    if (req->failed_head)
        return lg_http_problem(req, 500, "internal-error", "a malformed header was made");
    answer(req, LG_ANSWER_BUF, status, type);
    return 0;
}

int lg_http_send_json(struct lg_http_req *req, int status)
{
    return lg_http_send(req, status, LG_HTTP_JSON);
}

int lg_http_send_static(struct lg_http_req *req, int status, const char *type, struct lg_str body)
{
    answer(req, LG_ANSWER_STATIC, status, type);
    req->fixed = body;
    return 0;
}

int lg_http_send_empty(struct lg_http_req *req, int status)
{
    answer(req, LG_ANSWER_STATIC, status, NULL);
    req->fixed = LG_STR("");
    return 0;
}

int lg_http_send_stream(struct lg_http_req *req, int status, const char *type,
        ptrdiff_t (*read)(void *ctx, char *out, size_t max), void (*drop)(void *ctx), void *ctx)
{
    answer(req, LG_ANSWER_STREAM, status, type);
    req->read = read;
    req->drop = drop;
    req->read_ctx = ctx;
    return 0;
}

void lg_http_header(struct lg_http_req *req, const char *name, const char *fmt, ...)
{
    char text[1024];
    struct lg_str value;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(text) || req->n_out == LG_REQ_MAX_OUT_HEADERS) {
        req->failed_head = true;
        return;
    }
    for (int i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            req->failed_head = true;
            return;
        }
    /* with its NUL, as the transport wants it */
    if (lg_arena_dup(&req->arena, lg_str_of(text, (size_t)n + 1), &value) < 0) {
        req->failed_head = true;
        return;
    }
    req->out_headers[req->n_out++] =
            (struct lg_header){lg_str_z(name), lg_str_of(value.p, (size_t)n)};
}

static int problem(struct lg_http_req *req, int status, const char *slug, struct lg_str parameter,
        struct lg_str extra, const char *fmt, va_list ap) LG_PRINTF(6, 0);

static int problem(struct lg_http_req *req, int status, const char *slug, struct lg_str parameter,
        struct lg_str extra, const char *fmt, va_list ap)
{
    char detail[512];
    int n = vsnprintf(detail, sizeof(detail), fmt, ap);
    struct lg_problem p = {
            .status = status,
            .slug = slug,
            .request_id = lg_str_z(req->id),
            .parameter = lg_str_sub(parameter, 0, 256),
            .extra = extra,
    };

    if (n > 0)
        p.detail = lg_str_of(detail, (size_t)n < sizeof(detail) ? (size_t)n : sizeof(detail) - 1);
    p.instance = req->uri.path;
    lg_buf_clear(&req->out);
    lg_problem_write(&req->out, &p);
    if (req->out.failed < 0)
        return out_of_memory(req);
    answer(req, LG_ANSWER_BUF, status, LG_PROBLEM_TYPE);
    return 0;
}

int lg_http_problem(struct lg_http_req *req, int status, const char *slug, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = problem(req, status, slug, LG_STR(""), LG_STR(""), fmt, ap);
    va_end(ap);
    return rc;
}

int lg_http_problem_of(struct lg_http_req *req, int status, const char *slug,
        struct lg_str parameter, struct lg_str extra, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = problem(req, status, slug, parameter, extra, fmt, ap);
    va_end(ap);
    return rc;
}

int lg_http_too_many(struct lg_http_req *req, unsigned retry_after_s)
{
    lg_http_header(req, "Retry-After", "%u", retry_after_s);
    return lg_http_problem(req, 429, "too-many-requests", "try again in %u s", retry_after_s);
}

int lg_http_unavailable(struct lg_http_req *req, unsigned retry_after_s, const char *why)
{
    lg_http_header(req, "Retry-After", "%u", retry_after_s);
    return lg_http_problem(req, 503, "unavailable", "%s", why);
}

int lg_http_not_found(struct lg_http_req *req)
{
    return lg_http_send_static(req, 404, LG_PROBLEM_TYPE,
            LG_STR("{\"type\":\"/problems/not-found\",\"title\":\"Not Found\",\"status\":404,"
                   "\"detail\":\"no such thing, or none that you may see\"}"));
}

int lg_req_fail(struct lg_http_req *req, int rc)
{
    if (req->answer != LG_ANSWER_NONE)
        return rc;
    switch (rc) {
    case LG_ENOMEM:
        (void)out_of_memory(req);
        break;
    case LG_EAGAIN:
        (void)lg_http_unavailable(req, 1, "try again");
        break;
    case LG_ELIMIT:
        (void)lg_http_problem(req, 413, "limit-exceeded", "more than what is taken here");
        break;
    case LG_EPARSE:
    case LG_EINVAL:
    case LG_ERANGE:
        (void)lg_http_problem(req, 400, "malformed", "the request is malformed");
        break;
    case LG_ENOENT:
        (void)lg_http_not_found(req);
        break;
    case LG_EREFUSED:
        (void)lg_http_problem(req, 403, "forbidden", "this is not allowed");
        break;
    case LG_EEXIST:
        (void)lg_http_problem(req, 409, "conflict", "this exists already");
        break;
    default:
        (void)lg_http_problem(req, 500, "internal-error", "%s", lg_err_name(rc));
        break;
    }
    return rc;
}

/* ---- ETags ---- */

/* Is `tag` (without quotes) in a list of entity tags, or the list "*"? Weak ones count only when
 * `weak` is asked (RFC 9110, 8.8.3.2). */
static bool tag_listed(struct lg_str list, const char *tag, bool weak)
{
    struct lg_str one;

    if (lg_str_eq(lg_str_trim(list), LG_STR("*")))
        return true;
    while (lg_str_split(&list, ',', &one)) {
        one = lg_str_trim(one);
        if (lg_str_starts(one, LG_STR("W/"))) {
            if (!weak)
                continue;
            one = lg_str_sub(one, 2, one.n);
        }
        if (one.n >= 2 && one.p[0] == '"' && one.p[one.n - 1] == '"' &&
                lg_str_eq(lg_str_sub(one, 1, one.n - 1), lg_str_z(tag)))
            return true;
    }
    return false;
}

bool lg_http_etag(struct lg_http_req *req, const char *tag)
{
    struct lg_str have = lg_req_header(req, "If-None-Match");

    lg_http_header(req, "ETag", "\"%s\"", tag);
    if (req->method != LG_GET || have.n == 0 || !tag_listed(have, tag, true))
        return false;
    (void)lg_http_send_empty(req, 304);
    return true;
}

bool lg_http_if_match(struct lg_http_req *req, const char *tag)
{
    struct lg_str want = lg_req_header(req, "If-Match");

    if (want.n == 0) {
        (void)lg_http_problem_of(req, 428, "if-match-required", LG_STR("If-Match"), LG_STR(""),
                "say which version is changed: If-Match with the ETag that was read");
        return false;
    }
    if (!tag_listed(want, tag, false)) {
        lg_http_header(req, "ETag", "\"%s\"", tag);
        (void)lg_http_problem_of(req, 412, "changed-meanwhile", LG_STR("If-Match"), LG_STR(""),
                "it was changed meanwhile: read it again");
        return false;
    }
    return true;
}

/* ---- headers of every answer ---- */

static bool has_out(const struct lg_http_req *req, const char *name)
{
    for (size_t i = 0; i < req->n_out; i++)
        if (lg_str_ieq(req->out_headers[i].name, lg_str_z(name)))
            return true;
    return false;
}

void lg_req_answer_headers(const struct lg_http_req *req,
        void (*put)(void *ctx, const char *name, const char *value), void *ctx)
{
    struct lg_str origin = lg_cors_origin(req);
    char text[512];

    if (req->type != NULL)
        put(ctx, "Content-Type", req->type);
    for (size_t i = 0; i < req->n_out; i++)
        put(ctx, req->out_headers[i].name.p, req->out_headers[i].value.p);
    put(ctx, "X-Request-Id", req->id);
    put(ctx, "X-Content-Type-Options", "nosniff");
    put(ctx, "X-Frame-Options", "DENY");
    put(ctx, "Referrer-Policy", "no-referrer");
    put(ctx, "Cross-Origin-Resource-Policy", origin.n > 0 ? "cross-origin" : "same-origin");
    if (!has_out(req, "Content-Security-Policy"))
        put(ctx, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    if (!has_out(req, "Cache-Control"))
        put(ctx, "Cache-Control", has_out(req, "ETag") ? "no-cache" : "no-store");
    if (req->peer.tls)
        put(ctx, "Strict-Transport-Security", "max-age=31536000");
    if (req->core != NULL && req->core->cors.n > 0 && !req->core->cors_any)
        put(ctx, "Vary", "Origin");
    if (origin.n > 0 && origin.n < sizeof(text)) {
        (void)snprintf(text, sizeof(text), "%.*s", (int)origin.n, origin.p);
        put(ctx, "Access-Control-Allow-Origin", text);
        put(ctx, "Access-Control-Expose-Headers", "ETag, Location, Retry-After, X-Request-Id");
    }
    if (req->close)
        put(ctx, "Connection", "close");
}
