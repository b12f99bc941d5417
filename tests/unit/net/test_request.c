#include "net_fixture.h"

#include <zlib.h>
#include <zstd.h>

/* Requests without a socket: everything that happens before, around and after a handler. */

static struct lg_router *router;
static struct lg_http_server_opts opts;
static struct lg_http_reply reply;

static int set_up(void **state)
{
    (void)state;
    fix_make_tokens();
    router = fix_router();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lg_router_free(router);
    lg_sse_unref(fix_sse_last);
    return 0;
}

static int before(void **state)
{
    (void)state;
    opts = fix_opts;
    fix_fail = 0;
    lg_http_reply_init(&reply);
    return 0;
}

static int after(void **state)
{
    (void)state;
    lg_http_reply_done(&reply);
    return 0;
}

static int call_full(const char *method, const char *uri, const char *const *headers,
        struct lg_str body, size_t piece)
{
    struct lg_str target = exact(uri, strlen(uri));
    struct lg_http_call c = {.method = method,
            .uri = target,
            .headers = headers,
            .body = body,
            .piece_bytes = piece};

    lg_http_reply_done(&reply);
    lg_http_reply_init(&reply);
    assert_int_equal(lg_http_call(router, &opts, &c, &reply), 0);
    free_exact(target);
    return reply.status;
}

static int call(const char *method, const char *uri)
{
    return call_full(method, uri, NULL, LG_STR(""), 0);
}

static int call_as(const char *method, const char *uri, const char *who)
{
    char line[256];
    const char *const headers[] = {line, NULL};

    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", fix_token(who));
    return call_full(method, uri, headers, LG_STR(""), 0);
}

static int call_with(const char *method, const char *uri, const char *header, struct lg_str body)
{
    const char *const headers[] = {header, NULL};

    return call_full(method, uri, headers, body, 0);
}

static bool body_has(const char *text)
{
    return lg_str_find(lg_buf_str(&reply.body), lg_str_z(text)) >= 0;
}

#define assert_body_has(text)                                                                      \
    do {                                                                                           \
        if (!body_has(text))                                                                       \
            fail_msg("no %s in: %.*s", (text), (int)reply.body.n, reply.body.p);                   \
    } while (0)

static void test_public(void **state)
{
    (void)state;
    assert_int_equal(call("GET", "/health"), 200);
    assert_str(lg_buf_str(&reply.body), "{\"status\":\"ok\",\"known\":false}");
    assert_str(lg_http_reply_header(&reply, "Content-Type"), "application/json");
    assert_str(lg_http_reply_header(&reply, "X-Content-Type-Options"), "nosniff");
    assert_str(lg_http_reply_header(&reply, "X-Frame-Options"), "DENY");
    assert_str(lg_http_reply_header(&reply, "Cache-Control"), "no-store");
    assert_str(lg_http_reply_header(&reply, "Access-Control-Allow-Origin"), "");
    assert_int_equal(call_as("GET", "/health", "viewer"), 200);
    assert_body_has("\"known\":true");
    assert_int_equal(
            call_with("GET", "/health", "Authorization: Bearer nonsense", LG_STR("")), 200);
    assert_body_has("\"known\":false");
    assert_int_equal(call("HEAD", "/health"), 200);
    assert_int_equal(reply.body.n, 0);
}

static void test_problem_shape(void **state)
{
    (void)state;
    assert_int_equal(call_with("GET", "/none", "X-Request-Id: my-id.7", LG_STR("")), 404);
    assert_str(lg_http_reply_header(&reply, "Content-Type"), "application/problem+json");
    assert_str(lg_http_reply_header(&reply, "X-Request-Id"), "my-id.7");
    assert_str(lg_buf_str(&reply.body),
            "{\"type\":\"/problems/no-such-path\",\"title\":\"Not Found\",\"status\":404,"
            "\"detail\":\"there is nothing at this path\",\"instance\":\"/none\","
            "\"request_id\":\"my-id.7\"}");
    assert_int_equal(call_with("GET", "/none", "X-Request-Id: <script>", LG_STR("")), 404);
    assert_int_equal(lg_http_reply_header(&reply, "X-Request-Id").n, 16);
}

static void test_methods(void **state)
{
    (void)state;
    assert_int_equal(call("DELETE", "/alerts"), 405);
    assert_str(lg_http_reply_header(&reply, "Allow"), "GET, HEAD, OPTIONS");
    assert_int_equal(call("POST", "/alerts/x"), 405);
    assert_str(lg_http_reply_header(&reply, "Allow"), "GET, HEAD, PATCH, OPTIONS");
    assert_int_equal(call("BREW", "/alerts"), 405);
    assert_int_equal(call("TRACE", "/health"), 405);
    assert_int_equal(call("get", "/health"), 405); /* methods are case-sensitive */
    assert_int_equal(call("HEAD", "/echo"), 405);
    assert_int_equal(call("OPTIONS", "/alerts"), 204);
    assert_str(lg_http_reply_header(&reply, "Allow"), "GET, HEAD, OPTIONS");
    assert_int_equal(call("OPTIONS", "*"), 204);
    assert_int_equal(call("OPTIONS", "/none"), 404);
}

static void test_routing(void **state)
{
    (void)state;
    assert_int_equal(call("POST", "/ingest/sysmon"), 200);
    assert_str(lg_buf_str(&reply.body), "sysmon ");
    assert_int_equal(call("POST", "/ingest/sysmon/"), 200); /* one slash at the end */
    assert_int_equal(call("POST", "/ingest//"), 404);
    assert_int_equal(call("POST", "/ingest/a%2Fb?anything=1"), 200);
    assert_str(lg_buf_str(&reply.body), "a/b ");
    assert_int_equal(call("GET", "/ingest/s/_license"), 200);
    assert_body_has("status"); /* the literal wins over the rest */
    assert_int_equal(call("GET", "/ingest/s/a/b%2Fc/d"), 200);
    assert_str(lg_buf_str(&reply.body), "s a/b%2Fc/d"); /* the rest as sent */
    assert_int_equal(call("GET", "/%61lerts"), 401);    /* the same path, said otherwise */
    assert_int_equal(call("GET", "http://h.example/health"), 200);
    assert_int_equal(call("GET", "/health?"), 200);
    opts.surfaces = LG_SURFACE_DASHBOARD;
    assert_int_equal(call("GET", "/health"), 200);
    assert_int_equal(call("GET", "/alerts"), 404);
}

static void test_malformed_targets(void **state)
{
    static const char *const bad[] = {"/a%", "/a%2", "/a%zz", "/%00", "/%0a", "/%ff", "/%c3",
            "/%ed%a0%80", "/a?x=%", "/a?x=%00", "/a?%ff=1", "health", "", "?x", "/a b", "/a#b",
            "/\xc3\xa4", "/a\\b", "/a?b=c d"};
    char deep[200];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (call("GET", bad[i]) != 400)
            fail_msg("%s: %d", bad[i], reply.status);
    memset(deep, '/', sizeof(deep));
    deep[sizeof(deep) - 1] = '\0';
    assert_int_equal(call("GET", deep), 400);
}

static void test_authentication(void **state)
{
    char line[256];

    (void)state;
    assert_int_equal(call("GET", "/alerts"), 401);
    assert_str(
            lg_http_reply_header(&reply, "WWW-Authenticate"), "Bearer realm=\"logster\", ApiKey");
    assert_int_equal(call_with("GET", "/alerts", "Authorization: Digest x", LG_STR("")), 401);
    (void)snprintf(line, sizeof(line), "Authorization: Bearer lgt_%s_%s", fix_tokens[0].token.id,
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_int_equal(call_with("GET", "/alerts", line, LG_STR("")), 401);
    assert_int_equal(call_as("GET", "/alerts", "expired"), 401);
    assert_int_equal(call_as("GET", "/alerts", "viewer"), 200);
    assert_body_has("\"who\":\"viewer\"");
    assert_int_equal(call_as("GET", "/alerts", "ingest"), 403);
    assert_int_equal(call_as("GET", "/alerts", "operator"), 403);
    assert_int_equal(call_as("GET", "/metrics", "metrics"), 200);
    assert_int_equal(call_as("GET", "/metrics", "viewer"), 403);
    fix_fail = LG_EIO;
    assert_int_equal(call_as("GET", "/alerts", "viewer"), 503);
    assert_str(lg_http_reply_header(&reply, "Retry-After"), "1");
    assert_int_equal(call_as("GET", "/health", "viewer"), 200); /* open to anyone all the same */
}

static void test_auth_off(void **state)
{
    static const char *const refused[] = {"Host: evil.example", "X-Forwarded-For: 1.2.3.4",
            "Forwarded: for=1.2.3.4", "Via: 1.1 proxy", "Origin: https://evil.example",
            "Sec-Fetch-Site: cross-site"};
    const char *headers[] = {"Host: localhost:8080", NULL, NULL};

    (void)state;
    opts.auth_off = true;
    assert_int_equal(call_full("GET", "/alerts", headers, LG_STR(""), 0), 200);
    assert_body_has("\"who\":\"local\"");
    for (size_t i = 1; i < sizeof(refused) / sizeof(*refused); i++) {
        headers[1] = refused[i];
        assert_int_equal(call_full("GET", "/alerts", headers, LG_STR(""), 0), 401);
    }
    headers[1] = NULL;
    headers[0] = refused[0];
    assert_int_equal(call_full("GET", "/alerts", headers, LG_STR(""), 0), 401);
    assert_int_equal(call("GET", "/alerts"), 401); /* no Host at all */
}

static void test_parameters(void **state)
{
    static const struct {
        const char *uri, *parameter;
    } bad[] = {{"/alerts?limit=0", "limit"}, {"/alerts?limit=1001", "limit"},
            {"/alerts?limit=", "limit"}, {"/alerts?limit=1e2", "limit"},
            {"/alerts?limit=%2B5", "limit"}, {"/alerts?limit=99999999999999999999", "limit"},
            {"/alerts?offset=-1", "offset"}, {"/alerts?status=closed", "status"},
            {"/alerts?status=OPEN", "status"}, {"/alerts?status=open|resolved", "status"},
            {"/alerts?status", "status"}, {"/alerts?status=open&status=open", "status"},
            {"/alerts?lImit=1", "lImit"}, {"/alerts?nonsense", "nonsense"}, {"/alerts?q=", "q"},
            {"/alerts?q=123456789012345678901234567890123", "q"}, {"/alerts?q=a%0ab", "q"},
            {"/alerts?since=yesterday", "since"}, {"/alerts?since=now-5", "since"},
            {"/alerts?since=now-99999999999d", "since"}, {"/alerts?exact=1", "exact"},
            {"/alerts?p=1.5", "p"}, {"/alerts?p=nan", "p"}, {"/alerts?p=-0.1", "p"}};
    char want[64];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (call_as("GET", bad[i].uri, "viewer") != 400)
            fail_msg("%s: %d", bad[i].uri, reply.status);
        (void)snprintf(want, sizeof(want), "\"parameter\":\"%s\"", bad[i].parameter);
        assert_body_has(want);
    }
    assert_int_equal(call_as("GET", "/alerts", "viewer"), 200);
    assert_str(lg_buf_str(&reply.body),
            "{\"limit\":100,\"offset\":0,\"status\":\"\",\"has_status\":false,\"q\":\"\",\"since\":"
            "0,"
            "\"exact\":true,\"p\":-1.0,\"tags\":[],\"who\":\"viewer\"}");
    assert_int_equal(call_as("GET",
                             "/alerts?limit=1000&offset=7&status=open&q=a%20b+c%26&since=now-30m&"
                             "exact=false&p=0.25&tag=x&tag=y",
                             "viewer"),
            200);
    assert_str(lg_buf_str(&reply.body),
            "{\"limit\":1000,\"offset\":7,\"status\":\"open\",\"has_status\":true,"
            "\"q\":\"a b "
            "c&\",\"since\":1699998200,\"exact\":false,\"p\":0.25,\"tags\":[\"x\",\"y\"],"
            "\"who\":\"viewer\"}");
    assert_int_equal(call_as("GET", "/alerts?since=2023-11-14T22:13:20Z", "viewer"), 200);
    assert_body_has("\"since\":1700000000");
    assert_int_equal(call_as("GET", "/alerts?since=1700000000.5&&", "viewer"), 200);
    assert_body_has("\"since\":1700000000");
}

static void test_too_many_parameters(void **state)
{
    struct lg_buf uri;

    (void)state;
    lg_buf_init(&uri, 4096);
    lg_buf_adds(&uri, LG_STR("/alerts?tag=0"));
    for (int i = 1; i < 64; i++)
        lg_buf_printf(&uri, "&tag=%d", i);
    lg_buf_addc(&uri, '\0');
    assert_int_equal(call_as("GET", uri.p, "viewer"), 200);
    uri.n--;
    lg_buf_adds(&uri, LG_STR("&tag=x"));
    lg_buf_addc(&uri, '\0');
    assert_int_equal(call_as("GET", uri.p, "viewer"), 400);
    lg_buf_done(&uri);
}

static void test_ids_and_etags(void **state)
{
    char line[256];
    const char *headers[] = {line, NULL, NULL};
    static const char uri[] = "/alerts/6f0a8d3e-2b1c-4f6e-9a70-000000000001";
    struct lg_buf foreign;

    (void)state;
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", fix_token("viewer"));
    assert_int_equal(call_full("GET", uri, headers, LG_STR(""), 0), 200);
    assert_str(lg_http_reply_header(&reply, "ETag"), "\"v7\"");
    assert_str(lg_http_reply_header(&reply, "Cache-Control"), "no-cache");
    headers[1] = "If-None-Match: \"v6\", W/\"v7\"";
    assert_int_equal(call_full("GET", uri, headers, LG_STR(""), 0), 304);
    assert_int_equal(reply.body.n, 0);
    headers[1] = "If-None-Match: \"v6\"";
    assert_int_equal(call_full("GET", uri, headers, LG_STR(""), 0), 200);

    /* an unknown id, an id that is none, a foreign id: the same bytes */
    headers[1] = NULL;
    assert_int_equal(call_full("GET", "/alerts/7f0a8d3e-2b1c-4f6e-9a70-000000000001", headers,
                             LG_STR(""), 0),
            404);
    lg_buf_init(&foreign, 4096);
    lg_buf_adds(&foreign, lg_buf_str(&reply.body));
    assert_int_equal(call_full("GET", "/alerts/nonsense", headers, LG_STR(""), 0), 404);
    assert_true(lg_str_eq(lg_buf_str(&foreign), lg_buf_str(&reply.body)));
    lg_buf_done(&foreign);

    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", fix_token("analyst"));
    headers[1] = "Content-Type: application/json";
    assert_int_equal(call_full("PATCH", uri, headers, LG_STR("{}"), 0), 428);
    assert_body_has("If-Match");
}

static void test_if_match(void **state)
{
    char line[256];
    const char *headers[] = {line, "Content-Type: application/json", NULL, NULL};
    static const char uri[] = "/alerts/6f0a8d3e-2b1c-4f6e-9a70-000000000001";
    static const struct {
        const char *header;
        int status;
    } v[] = {{"If-Match: \"v7\"", 204}, {"If-Match: *", 204}, {"If-Match: \"v6\",\"v7\"", 204},
            {"If-Match: \"v6\"", 412}, {"If-Match: W/\"v7\"", 412}, {"If-Match: v7", 412},
            {"If-Match: \"", 412}};

    (void)state;
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", fix_token("analyst"));
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        headers[2] = v[i].header;
        assert_int_equal(call_full("PATCH", uri, headers, LG_STR("{}"), 0), v[i].status);
        if (v[i].status == 204)
            assert_str(lg_http_reply_header(&reply, "Location"), "/alerts/1");
    }
}

static void test_media_types(void **state)
{
    char line[256];
    const char *headers[] = {line, NULL, NULL};
    static const struct {
        const char *header;
        int status;
    } v[] = {{"Content-Type: application/json", 428},
            {"Content-Type: Application/JSON; charset=utf-8", 428},
            {"Content-Type: application/json; charset=\"UTF-8\"", 428},
            {"Content-Type: application/json; charset=iso-8859-1", 415},
            {"Content-Type: text/plain", 415}, {"Content-Type: ", 415}, {"X: y", 415}};
    static const struct {
        const char *header;
        int status;
    } accept[] = {{"Accept: */*", 200}, {"Accept: application/*", 200},
            {"Accept: text/html, application/json;q=0.1", 200}, {"Accept:", 200},
            {"Accept: text/html", 406}, {"Accept: application/json;q=0", 406},
            {"Accept: application/json; q=0.000, text/*", 406}};

    (void)state;
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", fix_token("analyst"));
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        headers[1] = v[i].header;
        if (call_full("PATCH", "/alerts/6f0a8d3e-2b1c-4f6e-9a70-000000000001", headers,
                    LG_STR("{}"), 0) != v[i].status)
            fail_msg("%s: %d", v[i].header, reply.status);
    }
    for (size_t i = 0; i < sizeof(accept) / sizeof(*accept); i++) {
        headers[1] = accept[i].header;
        if (call_full("GET", "/alerts", headers, LG_STR(""), 0) != accept[i].status)
            fail_msg("%s: %d", accept[i].header, reply.status);
    }
    assert_int_equal(call_with("POST", "/ingest/x", "Accept: image/png", LG_STR("")), 200);
}

static void test_framing(void **state)
{
    static const char *const bad[][2] = {{"Transfer-Encoding: chunked", "Content-Length: 5"},
            {"Transfer-Encoding: gzip, chunked", NULL},
            {"Transfer-Encoding: chunked, identity", NULL}, {"Transfer-Encoding:", NULL},
            {"Content-Length: 5", "Content-Length: 5"}, {"Content-Length: +5", NULL},
            {"Content-Length: 5, 5", NULL}, {"Content-Length: -1", NULL},
            {"Content-Length: 0x5", NULL}, {"Content-Length: ", NULL},
            {"Content-Length: 99999999999999999999999", NULL}, {"Host: a", "Host: b"},
            {"Host: a/b", NULL}, {"Host: a@b", NULL}, {"Bad Name: x", NULL}, {"Na(me: x", NULL},
            {"X: a\rb", NULL}, {"X: a\x01", NULL}, {"Authorization: Bearer a", "Authorization: x"}};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        const char *headers[] = {bad[i][0], bad[i][1], NULL};

        if (call_full("POST", "/echo", headers, LG_STR(""), 0) != 400)
            fail_msg("%s: %d", bad[i][0], reply.status);
        assert_str(lg_http_reply_header(&reply, "Connection"), "close");
    }
}

static void test_header_limits(void **state)
{
    const char *many[103];
    static char big[20000];
    const char *one[] = {big, NULL};

    (void)state;
    for (int i = 0; i < 101; i++)
        many[i] = "X: y";
    many[101] = NULL;
    assert_int_equal(call_full("GET", "/health", many, LG_STR(""), 0), 431);
    many[100] = NULL;
    assert_int_equal(call_full("GET", "/health", many, LG_STR(""), 0), 200);
    memset(big, 'a', sizeof(big) - 1);
    big[1] = ':';
    assert_int_equal(call_full("GET", "/health", one, LG_STR(""), 0), 431);
}

/* ---- bodies ---- */

static struct lg_str gzip_of(struct lg_str plain, size_t *ret_cap)
{
    z_stream z = {0};
    size_t cap = plain.n / 2 + 65536;
    unsigned char *out = malloc(cap);

    assert_non_null(out);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, 0), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)plain.p;
    z.avail_in = (unsigned)plain.n;
    z.next_out = out;
    z.avail_out = (unsigned)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *ret_cap = z.total_out;
    (void)deflateEnd(&z);
    return lg_str_of((char *)out, *ret_cap);
}

static struct lg_str zstd_of(struct lg_str plain)
{
    size_t cap = ZSTD_compressBound(plain.n), n;
    char *out = malloc(cap);

    assert_non_null(out);
    n = ZSTD_compress(out, cap, plain.p, plain.n, 3);
    assert_false(ZSTD_isError(n));
    return lg_str_of(out, n);
}

static void test_bodies(void **state)
{
    static const size_t pieces[] = {0, 1, 7, 1000};
    char text[3000];
    struct lg_str plain = {text, sizeof(text)}, packed;
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)("abcdefgh"[i % 8] + i / 1000);
    for (size_t p = 0; p < 4; p++) {
        const char *gzip[] = {"Content-Encoding: gzip", NULL};
        const char *zstd[] = {"Content-Encoding: ZSTD", NULL};

        assert_int_equal(call_full("POST", "/echo", NULL, plain, pieces[p]), 200);
        assert_true(lg_str_eq(lg_buf_str(&reply.body), plain));
        packed = gzip_of(plain, &n);
        assert_int_equal(call_full("POST", "/echo", gzip, packed, pieces[p]), 200);
        assert_true(lg_str_eq(lg_buf_str(&reply.body), plain));
        /* cut anywhere, or with bytes after it: malformed, never half a body */
        assert_int_equal(
                call_full("POST", "/echo", gzip, lg_str_sub(packed, 0, n - 1), pieces[p]), 400);
        free_file(packed);
        packed = zstd_of(plain);
        assert_int_equal(call_full("POST", "/echo", zstd, packed, pieces[p]), 200);
        assert_true(lg_str_eq(lg_buf_str(&reply.body), plain));
        assert_int_equal(
                call_full("POST", "/echo", zstd, lg_str_sub(packed, 0, packed.n - 1), pieces[p]),
                400);
        assert_int_equal(call_full("POST", "/echo", gzip, packed, pieces[p]), 400);
        free_file(packed);
    }
    assert_int_equal(call_with("POST", "/echo", "Content-Encoding: br", plain), 415);
    assert_str(lg_http_reply_header(&reply, "Accept-Encoding"), "gzip, zstd");
    assert_int_equal(call_with("POST", "/echo", "Content-Encoding: gzip, gzip", plain), 415);
    assert_int_equal(call_with("POST", "/echo", "Content-Encoding: identity", plain), 200);
    assert_int_equal(call("POST", "/echo"), 200); /* empty */
    assert_int_equal(reply.body.n, 0);
}

static void test_gzip_members(void **state)
{
    size_t n;
    struct lg_str packed = gzip_of(LG_STR("hello "), &n);
    struct lg_buf two;

    (void)state;
    lg_buf_init(&two, 4096);
    lg_buf_adds(&two, packed);
    lg_buf_adds(&two, packed);
    assert_int_equal(call_with("POST", "/echo", "Content-Encoding: gzip", lg_buf_str(&two)), 200);
    assert_str(lg_buf_str(&reply.body), "hello hello ");
    lg_buf_adds(&two, LG_STR("rubbish"));
    assert_int_equal(call_with("POST", "/echo", "Content-Encoding: gzip", lg_buf_str(&two)), 400);
    lg_buf_done(&two);
    free_file(packed);
}

/* Bombs: by size, by ratio, and members that decode to nothing for ever. */
static void test_bombs(void **state)
{
    struct lg_str zeros = {calloc(1, 8u << 20), 8u << 20}, packed, empty;
    struct lg_buf many;
    size_t n;

    (void)state;
    packed = gzip_of(zeros, &n);
    assert_true(n < 10000);
    assert_int_equal(call_with("POST", "/echo", "Content-Encoding: gzip", packed), 413);
    free_file(packed);
    packed = gzip_of(lg_str_sub(zeros, 0, 2u << 20), &n); /* under the size, over the ratio */
    assert_int_equal(call_with("POST", "/echo", "Content-Encoding: gzip", packed), 413);
    free_file(packed);
    packed = gzip_of(
            lg_str_sub(zeros, 0, 1u << 20), &n); /* small ones may be as dense as they like */
    assert_int_equal(call_with("POST", "/echo", "Content-Encoding: gzip", packed), 200);
    assert_int_equal(reply.body.n, 1u << 20);
    free_file(packed);
    packed = zstd_of(zeros);
    assert_int_equal(call_with("POST", "/echo", "Content-Encoding: zstd", packed), 413);
    free_file(packed);

    empty = gzip_of(LG_STR(""), &n);
    lg_buf_init(&many, 8u << 20);
    while (many.n < 4u << 20)
        lg_buf_adds(&many, empty);
    {
        const char *const headers[] = {
                "Content-Encoding: gzip", "Transfer-Encoding: chunked", NULL};

        assert_int_equal(call_full("POST", "/echo", headers, lg_buf_str(&many), 65536), 413);
    }
    lg_buf_done(&many);
    free_file(empty);
    free_file(zeros);
}

static void test_body_limits(void **state)
{
    static const char *const chunked[] = {"Transfer-Encoding: chunked", NULL};
    struct lg_str big = {calloc(1, 4u << 20), 4u << 20};

    (void)state;
    assert_int_equal(call_full("POST", "/echo", NULL, lg_str_sub(big, 0, 3u << 20), 65536), 200);
    assert_int_equal(
            call_full("POST", "/echo", NULL, lg_str_sub(big, 0, (3u << 20) + 1), 65536), 413);
    assert_int_equal(call_full("POST", "/echo", chunked, lg_str_sub(big, 0, 3u << 20), 65536), 200);
    assert_int_equal(call_full("POST", "/echo", chunked, big, 65536), 413);
    opts.max_inflight_bytes = 1u << 20; /* of all requests together */
    assert_int_equal(call_full("POST", "/echo", NULL, lg_str_sub(big, 0, 2u << 20), 65536), 503);
    free_file(big);
    /* a body that nobody asked for is read, and ignored */
    assert_int_equal(call_full("GET", "/health", NULL, LG_STR("body"), 0), 200);
}

static void test_streamed_body(void **state)
{
    char line[256];
    const char *headers[] = {line, "Content-Type: application/x-ndjson", NULL, NULL};
    struct lg_str big = {calloc(1, 1u << 20), 1u << 20}, packed;
    size_t n;

    (void)state;
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", fix_token("ingest"));
    assert_int_equal(call_full("POST", "/stream", headers, LG_STR("hello"), 1), 200);
    assert_str(lg_buf_str(&reply.body), "{\"bytes\":5}");
    assert_int_equal(call_full("POST", "/stream", headers, LG_STR("ab!d"), 1), 400);
    packed = gzip_of(big, &n);
    headers[2] = "Content-Encoding: gzip";
    assert_int_equal(call_full("POST", "/stream", headers, packed, 100), 200);
    assert_str(lg_buf_str(&reply.body), "{\"bytes\":1048576}");
    free_file(packed);
    free_file(big);
}

/* ---- answers ---- */

static void test_codes(void **state)
{
    static const struct {
        int code, status;
    } v[] = {{LG_ENOMEM, 503}, {LG_EINVAL, 400}, {LG_EIO, 500}, {LG_ENOENT, 404}, {LG_ELIMIT, 413},
            {LG_EPARSE, 400}, {LG_EREFUSED, 403}, {LG_EEXIST, 409}, {LG_ECORRUPT, 500},
            {LG_EAGAIN, 503}, {0, 500}};
    char uri[32];

    (void)state;
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
        (void)snprintf(uri, sizeof(uri), "/code/%d", -v[i].code);
        assert_int_equal(call("GET", uri), v[i].status);
        assert_str(lg_http_reply_header(&reply, "Content-Type"), "application/problem+json");
    }
    assert_int_equal(call("GET", "/nothing"), 500);
}

static void test_later(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(
                call_with("POST", "/later", "Content-Type: text/plain", LG_STR("abc")), 200);
        assert_str(lg_buf_str(&reply.body), "abc");
    }
    assert_int_equal(call("POST", "/later?fail=true"), 503);
}

static void test_download(void **state)
{
    (void)state;
    assert_int_equal(call("GET", "/download?lines=3"), 200);
    assert_str(lg_buf_str(&reply.body), "line 3\nline 2\nline 1\n");
}

static void test_answer_too_large(void **state)
{
    char body[4000];

    (void)state;
    memset(body, 'x', sizeof(body));
    opts.max_response_bytes = 2000;
    assert_int_equal(call_full("POST", "/echo", NULL, lg_str_of(body, sizeof(body)), 0), 503);
    assert_body_has("answer-too-large");
}

static void test_cors(void **state)
{
    const char *preflight[] = {"Origin: https://ui.example", "Access-Control-Request-Method: PATCH",
            "Access-Control-Request-Headers: authorization", NULL};

    (void)state;
    assert_int_equal(call_full("OPTIONS", "/alerts/x", preflight, LG_STR(""), 0), 204);
    assert_str(lg_http_reply_header(&reply, "Access-Control-Allow-Origin"), "");
    opts.cors_origins = "https://ui.example, https://b.example";
    assert_int_equal(call_full("OPTIONS", "/alerts/x", preflight, LG_STR(""), 0), 204);
    assert_str(lg_http_reply_header(&reply, "Access-Control-Allow-Origin"), "https://ui.example");
    assert_str(lg_http_reply_header(&reply, "Access-Control-Allow-Methods"),
            "GET, HEAD, PATCH, OPTIONS");
    assert_str(lg_http_reply_header(&reply, "Vary"), "Origin");
    assert_int_equal(call_with("GET", "/health", "Origin: https://ui.example", LG_STR("")), 200);
    assert_str(lg_http_reply_header(&reply, "Access-Control-Allow-Origin"), "https://ui.example");
    assert_int_equal(
            call_with("GET", "/health", "Origin: https://ui.example.evil", LG_STR("")), 200);
    assert_str(lg_http_reply_header(&reply, "Access-Control-Allow-Origin"), "");
    opts.cors_origins = "*";
    assert_int_equal(call_with("GET", "/health", "Origin: https://any.example", LG_STR("")), 200);
    assert_str(lg_http_reply_header(&reply, "Access-Control-Allow-Origin"), "*");
}

static void test_bad_origins(void **state)
{
    static const char *const bad[] = {"ui.example", "https://ui.example/", "https://", "*,http://a",
            "ftp://a", "https://*.example", "https://a b"};
    struct lg_http_call c = {.method = "GET", .uri = LG_STR("/health")};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        opts.cors_origins = bad[i];
        if (lg_http_call(router, &opts, &c, &reply) != LG_EINVAL)
            fail_msg("taken: %s", bad[i]);
    }
}

static void test_docs(void **state)
{
    (void)state;
    assert_int_equal(call("GET", "/openapi.json"), 200);
    assert_body_has("\"openapi\":\"3.1.0\"");
    assert_int_equal(call("GET", "/docs"), 200);
    assert_body_has("docs/app.js");
    assert_false(body_has("onclick"));
    assert_false(body_has("<style"));
    assert_true(lg_str_find(lg_http_reply_header(&reply, "Content-Security-Policy"),
                        LG_STR("script-src 'self'")) >= 0);
    assert_int_equal(call("GET", "/docs/app.js"), 200);
    assert_false(body_has("innerHTML"));
    assert_int_equal(call("GET", "/docs/style.css"), 200);
}

/* Every allocation of a request may fail: an answer or LG_ENOMEM, never a crash or a leak. */
static void test_out_of_memory(void **state)
{
    static const char *const uris[] = {"/alerts?limit=5&q=a%20b&tag=x&tag=y", "/none",
            "/alerts?limit=x", "/download?lines=2", "/openapi.json"};
    char line[256];
    const char *const headers[] = {line, "Content-Encoding: gzip", NULL};
    size_t zn;
    struct lg_str packed = gzip_of(LG_STR("hello"), &zn);

    (void)state;
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", fix_token("viewer"));
    for (size_t u = 0; u <= sizeof(uris) / sizeof(*uris); u++) {
        bool post = u == sizeof(uris) / sizeof(*uris);
        struct lg_router *rt = fix_router();
        uint64_t made = UINT64_MAX;

        for (uint64_t n = 1; n <= made && n < 5000; n++) {
            struct lg_http_call c = {.method = post ? "POST" : "GET",
                    .uri = lg_str_z(post ? "/echo" : uris[u]),
                    .headers = headers,
                    .body = post ? packed : LG_STR("")};
            struct lg_http_reply r;
            int rc;

            lg_http_reply_init(&r);
            (void)lg_mem_fail_from(n);
            rc = lg_http_call(rt, &opts, &c, &r);
            made = lg_mem_fail_from(0);
            if (rc != 0)
                assert_int_equal(rc, LG_ENOMEM);
            else if (n <= made) /* 401: the token store had no memory for a principal */
                assert_true(r.status == 503 || r.status == 200 || r.status == 400 ||
                        r.status == 404 || r.status == 401);
            lg_http_reply_done(&r);
            if (rc == 0 && n > made)
                break;
        }
        lg_router_free(rt);
    }
    free_file(packed);
}

#define T(f) cmocka_unit_test_setup_teardown(f, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_public),
            T(test_problem_shape),
            T(test_methods),
            T(test_routing),
            T(test_malformed_targets),
            T(test_authentication),
            T(test_auth_off),
            T(test_parameters),
            T(test_too_many_parameters),
            T(test_ids_and_etags),
            T(test_if_match),
            T(test_media_types),
            T(test_framing),
            T(test_header_limits),
            T(test_bodies),
            T(test_gzip_members),
            T(test_bombs),
            T(test_body_limits),
            T(test_streamed_body),
            T(test_codes),
            T(test_later),
            T(test_download),
            T(test_answer_too_large),
            T(test_cors),
            T(test_bad_origins),
            T(test_docs),
            T(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
