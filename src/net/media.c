#include <string.h>

#include "net/req_int.h"

/* Media types, codings, and what browsers may read. */

static int refuse(
        struct lg_http_req *req, int status, const char *slug, const char *header, const char *why)
{
    (void)lg_http_problem_of(req, status, slug, lg_str_z(header), LG_STR(""), "%s", why);
    return LG_EREFUSED;
}

/* "type/subtype" of "type/subtype; charset=x". */
static struct lg_str media_type(struct lg_str value)
{
    ptrdiff_t semi = lg_str_chr(value, ';');

    return lg_str_trim(lg_str_sub(value, 0, semi < 0 ? value.n : (size_t)semi));
}

static bool listed(const char *list, struct lg_str type)
{
    struct lg_str rest = lg_str_z(list), one;

    while (lg_str_split(&rest, '|', &one))
        if (lg_str_eq(one, LG_STR("*")) || lg_str_ieq(one, type))
            return true;
    return false;
}

/* JSON is UTF-8 and nothing else (RFC 8259, 8.1). */
static bool charset_ok(struct lg_str value)
{
    ptrdiff_t at = lg_str_ifind(value, LG_STR("charset="));
    struct lg_str name;

    if (at < 0)
        return true;
    name = lg_str_sub(value, (size_t)at + 8, value.n);
    if (name.n > 0 && name.p[0] == '"')
        name = lg_str_sub(name, 1, name.n);
    return lg_str_istarts(name, LG_STR("utf-8")) || lg_str_istarts(name, LG_STR("utf8"));
}

static int check_coding(struct lg_http_req *req)
{
    struct lg_str name = lg_str_trim(lg_req_header(req, "Content-Encoding"));
    enum lg_coding coding = LG_CODING_IDENTITY;

    if (lg_str_ieq(name, LG_STR("gzip")) || lg_str_ieq(name, LG_STR("x-gzip")))
        coding = LG_CODING_GZIP;
    else if (lg_str_ieq(name, LG_STR("zstd")))
        coding = LG_CODING_ZSTD;
    else if (name.n > 0 && !lg_str_ieq(name, LG_STR("identity"))) {
        lg_http_header(req, "Accept-Encoding", "gzip, zstd");
        return refuse(req, 415, "unsupported-encoding", "Content-Encoding",
                "bodies may be encoded with gzip or zstd");
    }
    return lg_decoder_init(&req->decoder, coding) < 0 ? lg_req_fail(req, LG_ENOMEM) : 0;
}

static int check_body_type(struct lg_http_req *req)
{
    const struct lg_route *r = req->row->route;
    const char *types = r->request_types != NULL ? r->request_types : "application/json";
    struct lg_str value = lg_req_header(req, "Content-Type"), type = media_type(value), low;
    bool empty = !req->chunked && req->length == 0;
    char *p;

    if (type.n > 0) {
        if (lg_arena_dup(&req->arena, type, &low) < 0)
            return lg_req_fail(req, LG_ENOMEM);
        p = (char *)(uintptr_t)low.p;
        for (size_t i = 0; i < low.n; i++)
            p[i] = lg_ascii_lower(p[i]);
        req->content_type = low;
    }
    if (empty && (r->body_optional || type.n == 0))
        return 0; /* whether one is needed is the handler's to say */
    if (!listed(types, type) || (r->request_types == NULL && !charset_ok(value))) {
        (void)lg_http_problem_of(req, 415, "unsupported-media-type", LG_STR("Content-Type"),
                LG_STR(""), "the body must be one of: %s", types);
        return LG_EREFUSED;
    }
    return 0;
}

/* ---- Accept (RFC 9110, 12.5.1), as far as yes or no ---- */

static bool range_fits(struct lg_str range, struct lg_str type)
{
    ptrdiff_t slash;

    if (lg_str_eq(range, LG_STR("*/*")) || lg_str_eq(range, LG_STR("*")))
        return true;
    if (lg_str_ends(range, LG_STR("/*"))) {
        slash = lg_str_chr(range, '/');
        return lg_str_istarts(type, lg_str_sub(range, 0, (size_t)slash + 1));
    }
    return lg_str_ieq(range, type);
}

static bool is_zero_q(struct lg_str params)
{
    struct lg_str one;

    while (lg_str_split(&params, ';', &one)) {
        one = lg_str_trim(one);
        if (one.n > 2 && lg_ascii_lower(one.p[0]) == 'q' && one.p[1] == '=') {
            for (size_t i = 2; i < one.n; i++)
                if (one.p[i] != '0' && one.p[i] != '.')
                    return false;
            return true;
        }
    }
    return false;
}

static bool accepts(const struct lg_http_req *req, struct lg_str type)
{
    type = media_type(type);
    for (size_t i = 0; i < req->n_headers; i++) {
        struct lg_str rest = req->headers[i].value, one;

        if (!lg_str_ieq(req->headers[i].name, LG_STR("Accept")))
            continue;
        while (lg_str_split(&rest, ',', &one)) {
            ptrdiff_t semi = lg_str_chr(one, ';');

            if (range_fits(media_type(one), type) &&
                    !(semi >= 0 && is_zero_q(lg_str_sub(one, (size_t)semi + 1, one.n))))
                return true;
        }
    }
    return false;
}

static int check_accept(struct lg_http_req *req)
{
    const struct lg_route *r = req->row->route;
    bool any = false;

    if (lg_str_trim(lg_req_header(req, "Accept")).n == 0 || (r->flags & LG_ROUTE_ANY_ACCEPT) != 0)
        return 0;
    for (size_t i = 0; i < LG_ROUTE_MAX_RESPONSES && r->responses[i].status != 0; i++) {
        const struct lg_response_doc *d = &r->responses[i];

        if (d->status >= 300 || (d->schema == NULL && d->type == NULL))
            continue; /* no body, nothing to accept */
        any = true;
        if (accepts(req, lg_str_z(d->type != NULL ? d->type : LG_HTTP_JSON)))
            return 0;
    }
    return any ? refuse(req, 406, "not-acceptable", "Accept",
                         "no media type of this answer is acceptable to the client")
               : 0;
}

int lg_check_media(struct lg_http_req *req)
{
    const struct lg_route *r = req->row->route;
    int rc = check_accept(req);

    if (rc < 0 || (r->request == NULL && r->request_types == NULL))
        return rc; /* a body that no one asked for is read and thrown away */
    rc = check_body_type(req);
    if (rc == 0)
        rc = check_coding(req);
    if (rc == 0)
        req->mode = (r->flags & LG_ROUTE_STREAM) != 0 ? LG_BODY_STREAM : LG_BODY_COLLECT;
    return rc;
}

/* ---- CORS ---- */

struct lg_str lg_cors_origin(const struct lg_http_req *req)
{
    struct lg_str origin = lg_req_header(req, "Origin"), rest, one;

    if (origin.n == 0 || req->core == NULL)
        return LG_STR("");
    if (req->core->cors_any)
        return LG_STR("*");
    rest = req->core->cors;
    while (lg_str_split(&rest, ',', &one))
        if (lg_str_eq(lg_str_trim(one), origin))
            return origin;
    return LG_STR("");
}

void lg_answer_options(struct lg_http_req *req, unsigned allow)
{
    char text[LG_ALLOW_TEXT_MAX];

    lg_allow_text(allow, text);
    lg_http_header(req, "Allow", "%s", text);
    if (lg_cors_origin(req).n > 0 && lg_req_header(req, "Access-Control-Request-Method").n > 0) {
        lg_http_header(req, "Access-Control-Allow-Methods", "%s", text);
        lg_http_header(req, "Access-Control-Allow-Headers",
                "Authorization, Content-Type, Content-Encoding, If-Match, If-None-Match, "
                "Last-Event-ID, X-Request-Id");
        lg_http_header(req, "Access-Control-Max-Age", "600");
    }
    (void)lg_http_send_empty(req, 204);
}
