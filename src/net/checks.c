#include <stdio.h>
#include <string.h>

#include "access/token.h"
#include "base/clock.h"
#include "net/req_int.h"

/* What a request must be before its body is read and its handler runs; each step answers itself. */

size_t lg_req_header_count(const struct lg_http_req *req, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < req->n_headers; i++)
        if (lg_str_ieq(req->headers[i].name, lg_str_z(name)))
            n++;
    return n;
}

static int refuse(struct lg_http_req *req, int status, const char *slug, const char *parameter,
        const char *why)
{
    (void)lg_http_problem_of(req, status, slug, lg_str_z(parameter), LG_STR(""), "%s", why);
    return LG_EREFUSED;
}

/* A connection whose framing two readers could see differently ends here (RFC 9112, 6.3 and 11.2). */
static int refuse_framing(struct lg_http_req *req, const char *header, const char *why)
{
    req->close = true;
    return refuse(req, 400, "framing", header, why);
}

static bool all_digits(struct lg_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

static bool token_chars(struct lg_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
            return false;
    }
    return s.n > 0;
}

static int check_header_text(struct lg_http_req *req)
{
    static const char *const single[] = {"Host", "Content-Length", "Transfer-Encoding",
            "Authorization", "Content-Type", "Content-Encoding", "Origin"};

    for (size_t i = 0; i < req->n_headers; i++) {
        const struct lg_header *h = &req->headers[i];

        if (!token_chars(h->name))
            return refuse_framing(req, "", "a malformed header name");
        for (size_t k = 0; k < h->value.n; k++)
            if (((unsigned char)h->value.p[k] < 0x20 && h->value.p[k] != '\t') ||
                    h->value.p[k] == 0x7f)
                return refuse_framing(req, "", "a control character in a header");
    }
    for (size_t i = 0; i < sizeof(single) / sizeof(*single); i++)
        if (lg_req_header_count(req, single[i]) > 1)
            return refuse_framing(req, single[i], "this header came more than once");
    return 0;
}

int lg_check_framing(struct lg_http_req *req)
{
    struct lg_str te, cl, host;
    int rc = check_header_text(req);

    if (rc < 0)
        return rc;
    te = lg_req_header(req, "Transfer-Encoding");
    cl = lg_req_header(req, "Content-Length");
    if (lg_req_header_count(req, "Transfer-Encoding") > 0) {
        if (lg_req_header_count(req, "Content-Length") > 0)
            return refuse_framing(
                    req, "Transfer-Encoding", "both Transfer-Encoding and Content-Length");
        if (!lg_str_ieq(lg_str_trim(te), LG_STR("chunked")))
            return refuse_framing(req, "Transfer-Encoding", "a transfer coding other than chunked");
        req->chunked = true;
    }
    if (lg_req_header_count(req, "Content-Length") > 0) {
        if (!all_digits(cl) || lg_parse_u64(cl, &req->length) < 0)
            return refuse_framing(req, "Content-Length", "not a length");
        req->has_length = true;
    }
    host = lg_req_header(req, "Host");
    for (size_t i = 0; i < host.n; i++)
        if (strchr("/\\?#@ \t,", host.p[i]) != NULL)
            return refuse_framing(req, "Host", "not a host name");
    req->expect = lg_str_ieq(lg_req_header(req, "Expect"), LG_STR("100-continue"));
    return 0;
}

/* ---- who, and whether they may ---- */

static bool local_by_rule(struct lg_http_req *req)
{
    struct lg_local_check check = {
            .listener_loopback = req->core->listener_loopback,
            .peer_loopback = req->peer.loopback,
            .host = lg_req_header(req, "Host"),
            .origin = lg_req_header(req, "Origin"),
            .fetch_site = lg_req_header(req, "Sec-Fetch-Site"),
    };

    if (!req->core->opts.auth_off)
        return false;
    for (size_t i = 0; i < req->n_headers; i++)
        if (lg_header_is_forwarding(req->headers[i].name))
            check.forwarded = true;
    return lg_local_request(&check);
}

static int unauthorized(struct lg_http_req *req, const char *why)
{
    lg_http_header(req, "WWW-Authenticate", "Bearer realm=\"logster\", ApiKey");
    return refuse(req, 401, "unauthorized", "", why);
}

/* Asks the owner of the tokens. 0 with or without a principal, or an answer is made. */
static int authenticate(struct lg_http_req *req, bool needed)
{
    const struct lg_http_server_opts *o = &req->core->opts;
    struct lg_str authorization = lg_req_header(req, "Authorization");
    struct lg_token token;
    struct lg_http_auth auth = {.peer = &req->peer, .req = req, .now = req->now};
    int rc = LG_EREFUSED;

    if (authorization.n > 0) {
        if (lg_token_from_header(authorization, &auth.scheme, &token) == 0)
            auth.token = &token;
        else if (needed)
            return unauthorized(req, "the Authorization header holds no token of Logster");
    }
    if (o->authenticate != NULL && (auth.token != NULL || authorization.n == 0))
        rc = o->authenticate(o->auth_ctx, &auth, &req->principal);
    lg_token_wipe(&token, sizeof(token));
    if (rc < 0)
        req->principal = NULL;
    if (req->answer != LG_ANSWER_NONE)
        return LG_EREFUSED;
    if (rc < 0 && rc != LG_EREFUSED && rc != LG_ENOENT && needed) {
        (void)lg_http_unavailable(req, 1, "tokens cannot be checked at the moment");
        return LG_EIO;
    }
    if (req->principal != NULL && lg_principal_expired(req->principal, req->now)) {
        lg_principal_unref(req->principal);
        req->principal = NULL;
    }
    if (req->principal == NULL && needed)
        return unauthorized(req,
                auth.token == NULL ? "a token is needed: Authorization: Bearer lgt_..."
                                   : "this token is unknown, revoked or expired");
    return 0;
}

static int check_rate(struct lg_http_req *req)
{
    struct lg_str key =
            req->principal != NULL ? lg_principal_id(req->principal) : req->peer.address;
    int64_t wait = 0;

    if (req->core->rates == NULL || (req->row->route->flags & LG_ROUTE_NO_LIMIT) != 0 ||
            lg_ratelimit_take(req->core->rates, key, 1, lg_clock_monotonic(), &wait) == 0)
        return 0;
    (void)lg_http_too_many(req, (unsigned)(wait / LG_NS_PER_SEC) + 1);
    return LG_EREFUSED;
}

int lg_check_access(struct lg_http_req *req)
{
    enum lg_action action = req->row->route->action;
    bool public = lg_action_info(action)->kind == LG_ACTION_ANYONE;
    bool local = local_by_rule(req);
    /* open rows may tell more to those whom they know; what changes something needs no cookie there */
    bool shows = lg_req_header(req, "Authorization").n > 0 ||
            (lg_req_header(req, "Cookie").n > 0 && req->method == LG_GET);
    int rc = 0;

    if (!public || shows)
        rc = authenticate(req, !public && !local);
    if (rc == 0 && req->principal == NULL && local)
        req->principal = lg_principal_ref(req->core->local);
    if (rc == 0)
        rc = check_rate(req);
    if (rc < 0)
        return rc;
    if (!lg_access_allows(req->principal, action, LG_STR("")))
        return refuse(req, 403, "forbidden", lg_action_info(action)->name,
                "this token does not hold a role for this");
    return 0;
}

/* ---- parameters ---- */

static int refuse_param(struct lg_http_req *req, const struct lg_param *p, const char *why)
{
    static const char *const places[] = {"query parameter", "path parameter", "header"};

    (void)lg_http_problem_of(req, 400, "invalid-parameter", lg_str_z(p->name), LG_STR(""),
            "%s %s %s", places[p->in], p->name, why);
    return LG_EREFUSED;
}

static int add_value(
        struct lg_http_req *req, const struct lg_param *p, struct lg_str text, bool sent)
{
    char why[LG_WHY_MAX] = "";
    struct lg_value *v = &req->values[req->n_values];
    int rc = lg_param_check(p, text, req->now, v, why);

    if (rc < 0 && p->in == LG_IN_PATH && p->type == LG_PARAM_UUID) {
        (void)lg_http_not_found(req); /* an id of another form is an unknown id */
        return LG_EREFUSED;
    }
    if (rc < 0)
        return refuse_param(req, p, why);
    v->sent = sent;
    req->n_values++;
    return 0;
}

static int take_declared(struct lg_http_req *req, const struct lg_param *p)
{
    size_t found = 0;
    int rc = 0;

    if (p->in == LG_IN_PATH)
        return add_value(req, p, lg_row_path_value(req->row, &req->uri, p->name, false), true);
    if (p->in == LG_IN_HEADER) {
        found = lg_req_header_count(req, p->name);
        if (found > 1)
            return refuse_param(req, p, "came more than once");
        if (found == 1)
            return add_value(req, p, lg_str_trim(lg_req_header(req, p->name)), true);
    }
    for (size_t i = 0; p->in == LG_IN_QUERY && rc == 0 && i < req->uri.n_pairs; i++) {
        if (!lg_str_eq(req->uri.pairs[i].name, lg_str_z(p->name)))
            continue;
        if (found++ > 0 && !p->repeated)
            return refuse_param(req, p, "came more than once");
        rc = add_value(req, p, req->uri.pairs[i].value, true);
    }
    if (rc < 0 || found > 0)
        return rc;
    if (p->required)
        return refuse_param(req, p, "is missing");
    return p->def != NULL ? add_value(req, p, lg_str_z(p->def), false) : 0;
}

static bool is_declared(const struct lg_route *r, struct lg_str name)
{
    for (const struct lg_param *p = r->params; p != NULL && p->name != NULL; p++)
        if (p->in == LG_IN_QUERY && lg_str_eq(lg_str_z(p->name), name))
            return true;
    return false;
}

int lg_check_params(struct lg_http_req *req)
{
    const struct lg_route *r = req->row->route;
    size_t room = req->row->n_params + req->uri.n_pairs;
    int rc = 0;

    if ((r->flags & LG_ROUTE_ANY_QUERY) == 0)
        for (size_t i = 0; i < req->uri.n_pairs; i++)
            if (!is_declared(r, req->uri.pairs[i].name)) {
                (void)lg_http_problem_of(req, 400, "invalid-parameter", req->uri.pairs[i].name,
                        LG_STR(""), "there is no query parameter of this name here");
                return LG_EREFUSED;
            }
    if (room == 0)
        return 0;
    req->values = lg_arena_zalloc(&req->arena, room * sizeof(*req->values));
    if (req->values == NULL)
        return lg_req_fail(req, LG_ENOMEM);
    for (const struct lg_param *p = r->params; rc == 0 && p != NULL && p->name != NULL; p++)
        rc = take_declared(req, p);
    return rc;
}

/* ---- length ---- */

int lg_check_length(struct lg_http_req *req)
{
    const struct lg_route *r = req->row->route;

    req->max_body = r->max_body_bytes != 0 ? r->max_body_bytes : req->core->opts.max_body_bytes;
    if (req->has_length && req->length > req->max_body) {
        (void)atomic_fetch_add_explicit(&req->core->refused_bodies, 1, memory_order_relaxed);
        (void)lg_http_problem(
                req, 413, "body-too-large", "at most %zu bytes are taken here", req->max_body);
        return LG_EREFUSED;
    }
    return 0;
}
