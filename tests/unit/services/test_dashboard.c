#include "api_fixture.h"
#include "crypto/encode.h"

/* The dashboard's own rows: its page's files, and signing in and out. */

#define MAX_HEADERS 6

struct ask {
    const char *method, *uri, *body;
    const char *headers[MAX_HEADERS];
};

static int send(struct api_fix *f, const struct ask *q)
{
    const struct lg_http_server_opts opts = fix_page_opts(f);
    const char *headers[MAX_HEADERS + 2] = {"Host: desk.example:5001"};
    struct lg_http_call call = {.method = q->method != NULL ? q->method : "GET",
            .uri = lg_str_z(q->uri),
            .headers = headers,
            .body = lg_str_z(q->body != NULL ? q->body : "")};

    for (size_t i = 0; i < MAX_HEADERS && q->headers[i] != NULL; i++)
        headers[i + 1] = q->headers[i];
    return fix_send(f, &opts, &call);
}

#define ASK(f, ...) send((f), &(const struct ask){__VA_ARGS__})
#define GET(f, where, ...) ASK(f, .uri = (where), .headers = {__VA_ARGS__})

static bool header_is(struct api_fix *f, const char *name, const char *want)
{
    return lg_str_eq(lg_http_reply_header(&f->reply, name), lg_str_z(want));
}

static bool body_is(struct api_fix *f, const char *want)
{
    return lg_str_eq(lg_buf_str(&f->reply.body), lg_str_z(want));
}

/* ---- files ---- */

static const char *const policy =
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'";

static void test_page(void **state)
{
    static const char *const addresses[] = {"/", "/index.html", "/alerts/17",
            "/hosts/a.example.org", "/hosts/10.0.0.1?from=now-1d&x=%27", "/hunt/", "/apis",
            "/deep/er/address"};
    struct api_fix *f = *state;

    for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        assert_status(f, GET(f, addresses[i], NULL), 200);
        assert_true(body_is(f, "<!doctype html><p>page"));
        assert_true(header_is(f, "Content-Type", "text/html; charset=utf-8"));
        assert_true(header_is(f, "Content-Security-Policy", policy));
        assert_true(header_is(f, "X-Content-Type-Options", "nosniff"));
        assert_true(header_is(f, "Referrer-Policy", "no-referrer"));
        assert_true(header_is(f, "X-Frame-Options", "DENY"));
        assert_true(header_is(f, "Cross-Origin-Opener-Policy", "same-origin"));
        assert_true(header_is(f, "Cross-Origin-Resource-Policy", "same-origin"));
        assert_true(header_is(f, "Cache-Control", "no-cache"));
        assert_true(header_is(f, "Vary", "Accept-Encoding"));
    }
}

static void test_assets(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, GET(f, "/assets/app-1a2b.js", NULL), 200);
    assert_true(body_is(f, "let page = 1;"));
    assert_true(header_is(f, "Cache-Control", "public, max-age=31536000, immutable"));
    assert_true(header_is(f, "Content-Type", "text/javascript; charset=utf-8"));
    assert_true(header_is(f, "ETag", "\"aa11\""));
    assert_status(f, GET(f, "/favicon.svg", "Accept-Encoding: gzip"), 200);
    assert_true(body_is(f, "<svg/>")); /* not smaller when packed */
    assert_true(header_is(f, "Content-Encoding", ""));
    assert_status(f, ASK(f, .method = "HEAD", .uri = "/assets/app-1a2b.js"), 200);
    assert_int_equal(f->reply.body.n, 0);
    assert_true(header_is(f, "ETag", "\"aa11\""));
}

static void test_known_versions(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, GET(f, "/assets/app-1a2b.js", "If-None-Match: \"aa11\""), 304);
    assert_int_equal(f->reply.body.n, 0);
    assert_true(header_is(f, "Content-Security-Policy", policy));
    assert_status(f, GET(f, "/", "If-None-Match: \"x\", W/\"cc33\""), 304);
    assert_status(f, GET(f, "/", "If-None-Match: \"cc34\""), 200);
    /* the packed form is another version than the plain one */
    assert_status(f, GET(f, "/", "If-None-Match: \"cc33\"", "Accept-Encoding: gzip"), 200);
    assert_true(header_is(f, "ETag", "\"cc33-gzip\""));
    assert_status(f, GET(f, "/", "If-None-Match: \"cc33-gzip\"", "Accept-Encoding: gzip"), 304);
}

static void test_gzip_is_negotiated(void **state)
{
    static const struct {
        const char *accept;
        bool zipped;
    } cases[] = {
            {"Accept-Encoding: gzip, deflate, br", true},
            {"Accept-Encoding: br;q=1.0, GZIP;q=0.5", true},
            {"Accept-Encoding: x-gzip", true},
            {"Accept-Encoding: *", true},
            {"Accept-Encoding: gzip;q=0", false},
            {"Accept-Encoding: gzip; q=0.000, *", false},
            {"Accept-Encoding: *;q=0", false},
            {"Accept-Encoding: identity", false},
            {"Accept-Encoding: br", false},
            {"Accept-Encoding: notgzip", false},
            {"Accept-Encoding: ;,;q=,", false},
    };
    struct api_fix *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_status(f, GET(f, "/assets/app-1a2b.js", cases[i].accept), 200);
        if (body_is(f, "(packed)") != cases[i].zipped ||
                header_is(f, "Content-Encoding", "gzip") != cases[i].zipped)
            fail_msg("%s", cases[i].accept);
    }
}

static void test_what_is_not_there(void **state)
{
    static const char *const paths[] = {"/assets/", "/assets/app-ffff.js", "/assets/deep/er",
            "/app.js", "/x/style.css", "/robots.txt", "/.env", "/.git", "/wp-login.php", "/..",
            "/../etc/passwd", "/assets/../index.html", "/%2e%2e/etc/passwd", "/a/%2E%2e",
            "/..%2f..%2fetc%2fpasswd", "/.%2e/x", "/a/./b", "/a/%2e/b", "/a/..%5cb", "/api",
            "/api/", "/api/nope", "/api/session", "/api/metrics", "/api/openapi.json",
            "/api/api/summary", "/%61pi/nope", "/api/..%2fopenapi.json"};
    struct api_fix *f = *state;

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        if (GET(f, paths[i], NULL) != 404)
            fail_msg("%s: %d", paths[i], f->reply.status);
        assert_true(header_is(f, "Content-Type", "application/problem+json"));
    }
    assert_status(f, GET(f, "/a%00b", NULL), 400);
    assert_status(f, GET(f, "/a\\b", NULL), 400);
    assert_status(f, GET(f, "/%ff", NULL), 400);
    assert_status(f, ASK(f, .method = "POST", .uri = "/"), 405);
    assert_status(f, ASK(f, .method = "DELETE", .uri = "/alerts"), 405);
    assert_status(f, ASK(f, .method = "POST", .uri = "/api/nope"), 404);
    assert_status(f, ASK(f, .method = "DELETE", .uri = "/api/alerts"), 405);
    assert_true(header_is(f, "Allow", "GET, HEAD, OPTIONS"));
    assert_status(f, ASK(f, .method = "POST", .uri = "/ingest/sysmon", .body = "{}"), 405);
}

static void test_no_page_says_so(void **state)
{
    struct api_fix *f = *state;
    const struct lg_dashboard_deps deps = {.api = f->api,
            .auth = f->auth,
            .admin = f->alerts->admin,
            .config = &f->cfg,
            .clock = fix_clock,
            .clock_ctx = f};
    const char *const headers[] = {"Host: x", NULL};
    const struct lg_http_call call = {.method = "GET", .uri = LG_STR("/"), .headers = headers};
    struct lg_http_server_opts opts = fix_page_opts(f);
    struct lg_dashboard *bare;
    struct lg_router *rt;
    struct lg_err err;

    assert_int_equal(lg_dashboard_new(&deps, &bare, &err), 0);
    assert_int_equal(lg_router_new(&rt), 0);
    assert_int_equal(lg_dashboard_attach(bare, rt, &err), 0);
    opts.auth_ctx = bare;
    lg_http_reply_done(&f->reply);
    lg_http_reply_init(&f->reply);
    assert_int_equal(lg_http_call(rt, &opts, &call, &f->reply), 0);
    assert_status(f, f->reply.status, 503);
    lg_router_free(rt);
    lg_dashboard_free(bare);
}

/* The API's listener shows nothing of this. */
static void test_not_on_the_api(void **state)
{
    struct api_fix *f = *state;
    const char *const headers[] = {"Host: localhost", NULL};
    static const char *const paths[] = {"/", "/session", "/alerts.html", "/api/alerts", "/page"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        const struct lg_http_call call = {
                .method = "GET", .uri = lg_str_z(paths[i]), .headers = headers};

        assert_status(f, fix_send(f, &f->opts, &call), 404);
    }
}

static void test_document(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, GET(f, "/openapi.json", NULL), 200);
    assert_has(f, "\"/session\":{\"get\"");
    assert_has(f, "\"/api/alerts/{alert_id}\"");
    assert_has(f, "\"logster_session\"");
    assert_hasnt(f, "\"/alerts/{alert_id}\"");
    assert_hasnt(f, "/metrics\"");
    assert_hasnt(f, "{path}");
    assert_status(f, fix_call(f, API_NOBODY, "GET", "/openapi.json", NULL, NULL), 200);
    assert_has(f, "\"/alerts/{alert_id}\"");
    assert_hasnt(f, "\"/session\"");
    assert_hasnt(f, "logster_session");
}

/* ---- signing in ---- */

static char line[200], csrf_line[200];

static const char *cookie_line(struct api_fix *f, enum api_role as)
{
    (void)snprintf(line, sizeof(line), "Cookie: theme=dark; logster_session=%s", f->cookie[as]);
    return line;
}

static const char *csrf_of(struct api_fix *f, enum api_role as)
{
    (void)snprintf(csrf_line, sizeof(csrf_line), "X-CSRF-Token: %s", f->csrf[as]);
    return csrf_line;
}

static const char *token_body(struct api_fix *f, enum api_role as)
{
    static char body[128];

    (void)snprintf(body, sizeof(body), "{\"token\":\" %s\\n\"}", f->token[as]);
    return body;
}

#define JSON "Content-Type: application/json"
#define SIGN_IN(f, as, ...)                                                                        \
    ASK(f, .method = "POST", .uri = "/session", .body = token_body(f, as),                         \
            .headers = {JSON, __VA_ARGS__})

static void test_sign_in(void **state)
{
    struct api_fix *f = *state;
    struct lg_str cookie;

    assert_status(f, SIGN_IN(f, API_VIEWER, NULL), 200);
    assert_has(f, "\"name\":\"vera\"");
    assert_has(f, "\"tenants\":{\"acme\":[\"viewer\"]}");
    assert_has(f, "\"auth_disabled\":false");
    assert_has(f, "\"idle_timeout\":28800");
    assert_hasnt(f, f->token[API_VIEWER]);
    assert_true(header_is(f, "Cache-Control", "no-store"));
    cookie = lg_http_reply_header(&f->reply, "Set-Cookie");
    assert_true(lg_str_ends(cookie, LG_STR("; Path=/; HttpOnly; SameSite=Strict; Max-Age=43201")));
    assert_true(fix_sign_in(f, API_VIEWER));
    assert_status(f, GET(f, "/session", cookie_line(f, API_VIEWER)), 200);
    assert_has(f, f->csrf[API_VIEWER]);
    assert_status(f, GET(f, "/api/me", cookie_line(f, API_VIEWER)), 200);
    assert_has(f, "\"name\":\"vera\"");
    assert_status(f, GET(f, "/api/health", cookie_line(f, API_VIEWER)), 200);
    assert_has(f, "\"alerts_count\":2");
    assert_status(f, GET(f, "/api/health", "Cookie: logster_session=gone"), 200);
    assert_hasnt(f, "alerts_count");
    assert_status(f, GET(f, "/session", NULL), 401);
    assert_status(f, GET(f, "/api/alerts", NULL), 401);
    /* each sitting has a secret and a CSRF token of its own */
    assert_true(fix_sign_in(f, API_ANALYST));
    assert_string_not_equal(f->cookie[API_ANALYST], f->cookie[API_VIEWER]);
    assert_string_not_equal(f->csrf[API_ANALYST], f->csrf[API_VIEWER]);
    assert_string_not_equal(f->csrf[API_ANALYST], f->cookie[API_ANALYST]);
}

static void test_who_is_not_let_in(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, SIGN_IN(f, API_INGEST, NULL), 403);
    assert_status(f, SIGN_IN(f, API_METRICS, NULL), 403);
    assert_status(f, SIGN_IN(f, API_OPERATOR, NULL), 200);
#define POST(text, type)                                                                           \
    ASK(f, .method = "POST", .uri = "/session", .body = (text), .headers = {type})
    assert_status(f, POST("{\"token\":\"lgt_nonsense\"}", JSON), 401);
    assert_true(header_is(f, "Set-Cookie", ""));
    assert_has(f, "login-refused");
    assert_status(f,
            POST("{\"token\":\"lgt_aaaaaaaaaaaaaaaa_"
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
                    JSON),
            401);
    assert_status(f, POST("{\"token\":7}", JSON), 400);
    assert_status(f, POST("{}", JSON), 400);
    assert_status(f, POST("", JSON), 400);
    assert_status(f, POST("token=lgt_x", "Content-Type: application/x-www-form-urlencoded"), 415);
    assert_status(f, POST("{\"token\":\"x\"}", "Content-Type: text/plain"), 415);
    assert_status(f, POST("{\"token\":\"x\"}", NULL), 415);
    assert_status(f, fix_get(f, API_ALL, "/audit?action=login.refused"), 200);
    assert_has(f, "malformed token");
    assert_has(f, "unknown token");
    assert_has(f, "token without a right to look");
    assert_status(f, fix_get(f, API_ALL, "/audit?action=login"), 200);
    assert_has(f, "\"action\":\"login\"");
    assert_has(f, "\"name\":\"otto\"");
}

static void test_only_our_pages_sign_in(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, SIGN_IN(f, API_VIEWER, "Origin: http://desk.example:5001"), 200);
    assert_status(f, SIGN_IN(f, API_VIEWER, "Sec-Fetch-Site: same-origin"), 200);
    assert_status(f, SIGN_IN(f, API_VIEWER, "Origin: https://desk.example:5001"), 200);
    assert_true(lg_str_ends(lg_http_reply_header(&f->reply, "Set-Cookie"), LG_STR("; Secure")));
    assert_status(f, SIGN_IN(f, API_VIEWER, "Origin: http://desk.example"), 403);
    assert_status(f, SIGN_IN(f, API_VIEWER, "Origin: http://evil.example:5001"), 403);
    assert_status(f, SIGN_IN(f, API_VIEWER, "Origin: null"), 403);
    assert_status(f, SIGN_IN(f, API_VIEWER, "Sec-Fetch-Site: cross-site"), 403);
    assert_status(f, SIGN_IN(f, API_VIEWER, "Sec-Fetch-Site: same-site"), 403);
    assert_true(header_is(f, "Set-Cookie", ""));
    assert_true(header_is(f, "Access-Control-Allow-Origin", ""));
}

static void test_cookies_that_open_nothing(void **state)
{
    struct api_fix *f = *state;
    char other[300];

    assert_true(fix_sign_in(f, API_VIEWER));
    assert_status(f, GET(f, "/api/alerts", cookie_line(f, API_VIEWER)), 200);
    assert_status(
            f, GET(f, "/api/alerts", cookie_line(f, API_VIEWER), "Sec-Fetch-Site: none"), 200);
    assert_status(
            f, GET(f, "/api/alerts", cookie_line(f, API_VIEWER), "Sec-Fetch-Site: same-site"), 401);
    assert_status(f, GET(f, "/api/alerts", cookie_line(f, API_VIEWER), "Origin: http://evil"), 401);
    assert_status(f, GET(f, "/api/alerts", "Cookie: logster_session="), 401);
    assert_status(f, GET(f, "/api/alerts", "Cookie: logster_session=0"), 401);
    (void)snprintf(other, sizeof(other), "Cookie: logster_session=%s; logster_session=%s",
            f->cookie[API_VIEWER], f->cookie[API_VIEWER]);
    assert_status(f, GET(f, "/api/alerts", other), 401);
    (void)snprintf(other, sizeof(other), "Cookie: logster_session=%s", f->cookie[API_VIEWER]);
    other[strlen(other) - 1] = other[strlen(other) - 1] == '0' ? '1' : '0';
    assert_status(f, GET(f, "/api/alerts", other), 401);
    (void)snprintf(other, sizeof(other), "Cookie: logster_session=%s", f->csrf[API_VIEWER]);
    assert_status(f, GET(f, "/api/alerts", other), 401);
    /* the API's own listener knows no cookies */
    f->by_page = false;
    assert_status(
            f, fix_call(f, API_NOBODY, "GET", "/alerts", NULL, cookie_line(f, API_VIEWER)), 401);
}

static void test_csrf(void **state)
{
    static const char body[] = "{\"name\":\"n\",\"query\":{}}";
    struct api_fix *f = *state;
    char bearer[128], wrong[200];

#define SAVE(...)                                                                                  \
    ASK(f, .method = "POST", .uri = "/api/searches", .body = body, .headers = {JSON, __VA_ARGS__})
    assert_true(fix_sign_in(f, API_ANALYST));
    assert_true(fix_sign_in(f, API_ADMIN));
    assert_status(f, SAVE(cookie_line(f, API_ANALYST)), 403);
    assert_has(f, "/problems/csrf");
    assert_status(f, SAVE(cookie_line(f, API_ANALYST), csrf_of(f, API_ADMIN)), 403);
    (void)snprintf(wrong, sizeof(wrong), "X-CSRF-Token: %s", f->cookie[API_ANALYST]);
    assert_status(f, SAVE(cookie_line(f, API_ANALYST), wrong), 403);
    assert_status(f, SAVE(cookie_line(f, API_ANALYST), csrf_of(f, API_ANALYST)), 201);
    /* who shows a token needs none: no browser sends that by itself */
    (void)snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", f->token[API_ANALYST]);
    assert_status(f, SAVE(bearer), 201);
    /* nor does a cookie help a token that is wrong */
    bearer[strlen(bearer) - 2] ^= 1;
    assert_status(f, SAVE(bearer, cookie_line(f, API_ANALYST), csrf_of(f, API_ANALYST)), 401);
}

static void test_sign_out(void **state)
{
    struct api_fix *f = *state;

    assert_true(fix_sign_in(f, API_VIEWER));
    assert_status(f,
            ASK(f, .method = "DELETE", .uri = "/session", .headers = {cookie_line(f, API_VIEWER)}),
            403);
    assert_status(f,
            ASK(f, .method = "DELETE", .uri = "/session",
                    .headers = {cookie_line(f, API_VIEWER), csrf_of(f, API_VIEWER)}),
            204);
    assert_true(header_is(
            f, "Set-Cookie", "logster_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"));
    assert_status(f, GET(f, "/session", cookie_line(f, API_VIEWER)), 401);
    assert_status(f, fix_get(f, API_ADMIN, "/audit?action=logout"), 200);
    assert_has(f, "\"name\":\"vera\"");
    /* who signs in anew leaves the sitting before */
    assert_true(fix_sign_in(f, API_VIEWER));
    assert_status(f, SIGN_IN(f, API_ANALYST, cookie_line(f, API_VIEWER)), 200);
    assert_status(f, GET(f, "/session", cookie_line(f, API_VIEWER)), 401);
}

static void test_ends_with_its_token(void **state)
{
    struct api_fix *f = *state;
    char uri[128];

    assert_true(fix_sign_in(f, API_VIEWER));
    (void)snprintf(uri, sizeof(uri), "/tokens/%s", f->token_id[API_VIEWER]);
    assert_status(f, fix_call(f, API_ADMIN, "DELETE", uri, NULL, NULL), 204);
    assert_status(f, GET(f, "/api/alerts", cookie_line(f, API_VIEWER)), 401);
    /* a tenant that is disabled, too */
    assert_true(fix_sign_in(f, API_OTHER));
    assert_true(fix_sign_in(f, API_BOTH));
    assert_status(f, fix_call(f, API_ALL, "POST", "/tenants/other/disable", NULL, NULL), 200);
    assert_status(f, GET(f, "/api/alerts", cookie_line(f, API_OTHER)), 401);
    assert_status(f, GET(f, "/api/alerts", cookie_line(f, API_BOTH)), 200);
    assert_has(f, "acme");
    assert_hasnt(f, "\"other\"");
}

static void test_ends_by_time(void **state)
{
    const lg_time hour = 3600 * LG_NS_PER_SEC;
    struct api_fix *f = *state;

    assert_true(fix_sign_in(f, API_VIEWER));
    f->now += 7 * hour;
    assert_status(f, GET(f, "/api/me", cookie_line(f, API_VIEWER)), 200);
    f->now += 4 * hour; /* eleven hours after it began, and in use */
    assert_status(f, GET(f, "/api/me", cookie_line(f, API_VIEWER)), 200);
    f->now += hour;
    assert_status(f, GET(f, "/api/me", cookie_line(f, API_VIEWER)), 401);
    /* what the page asks by itself is no use */
    assert_true(fix_sign_in(f, API_VIEWER));
    for (int i = 0; i < 8; i++) {
        assert_status(
                f, GET(f, "/api/me", cookie_line(f, API_VIEWER), "X-Logster-Background: 1"), 200);
        f->now += hour;
    }
    assert_status(f, GET(f, "/api/me", cookie_line(f, API_VIEWER), "X-Logster-Background: 1"), 401);
}

static void test_auth_off(void **state)
{
    struct api_fix *f = *state;
    struct lg_http_server_opts opts;
    const char *headers[] = {"Host: localhost:5001", JSON, NULL, NULL};
    struct lg_http_call call = {.method = "GET", .uri = LG_STR("/session"), .headers = headers};

    lg_dashboard_free(f->dash);
    lg_router_free(f->rt);
    assert_int_equal(lg_router_new(&f->rt), 0);
    f->cfg.auth.disable = true;
    fix_dashboard(f);
    opts = fix_page_opts(f);
    opts.auth_off = true;
    assert_status(f, fix_send(f, &opts, &call), 200);
    assert_has(f, "\"auth_disabled\":true");
    assert_has(f, "\"csrf_token\":null");
    assert_has(f, "\"kind\":\"local\"");
    call.method = "POST";
    call.body = LG_STR("{\"token\":\"anything\"}");
    assert_status(f, fix_send(f, &opts, &call), 200);
    assert_true(header_is(f, "Set-Cookie", ""));
    headers[0] = "Host: evil.example:5001"; /* a name that was bound anew */
    assert_status(f, fix_send(f, &opts, &call), 401);
    call.method = "GET";
    call.body = LG_STR("");
    assert_status(f, fix_send(f, &opts, &call), 401);
    headers[0] = "Host: localhost:5001";
    headers[2] = "X-Forwarded-For: 192.0.2.1";
    assert_status(f, fix_send(f, &opts, &call), 401);
}

/* Running out of memory refuses; it never lets in, and leaves nothing behind. */
static void test_out_of_memory(void **state)
{
    struct api_fix *f = *state;
    const struct lg_http_server_opts opts = fix_page_opts(f);
    const char *headers[] = {"Host: localhost", NULL, NULL};
    struct lg_http_call call = {.method = "GET", .uri = LG_STR("/api/me"), .headers = headers};
    int status = 0, rc = LG_ENOMEM;

    assert_true(fix_sign_in(f, API_VIEWER));
    headers[1] = cookie_line(f, API_VIEWER);
    for (int64_t n = 1; n < 400 && !(rc == 0 && status == 200); n++) {
        lg_http_reply_done(&f->reply);
        lg_http_reply_init(&f->reply);
        lg_mem_fail_from(n);
        rc = lg_http_call(f->rt, &opts, &call, &f->reply);
        lg_mem_fail_from(0);
        status = f->reply.status;
        if (rc == 0 && status != 200 && status != 503 && status != 401)
            fail_msg("after %lld: %d", (long long)n, status);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)
            T(test_page),
            T(test_assets),
            T(test_known_versions),
            T(test_gzip_is_negotiated),
            T(test_what_is_not_there),
            T(test_no_page_says_so),
            T(test_not_on_the_api),
            T(test_document),
            T(test_sign_in),
            T(test_who_is_not_let_in),
            T(test_only_our_pages_sign_in),
            T(test_cookies_that_open_nothing),
            T(test_csrf),
            T(test_sign_out),
            T(test_ends_with_its_token),
            T(test_ends_by_time),
            T(test_auth_off),
            T(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
