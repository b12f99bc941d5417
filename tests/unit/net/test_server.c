#include "net_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/http_client.h"

/* A real server on a free port, spoken to with libcurl and with hand-made bytes. */

static struct lg_router *router;
static struct lg_http_server *srv;
static struct lg_http_client *client;
static struct lg_client_resp resp;
static struct lg_err err;

static void start(struct lg_http_server_opts opts)
{
    struct lg_http_client_opts copts = {.allow_private = true, .max_response_bytes = 8u << 20};

    if (lg_http_server_start(router, &opts, &srv, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(lg_http_client_new(&copts, &client, &err), 0);
    lg_client_resp_init(&resp, 8u << 20);
}

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
    return 0;
}

static int after(void **state)
{
    (void)state;
    lg_http_client_free(client);
    lg_client_resp_done(&resp);
    lg_http_server_stop(srv, 2000);
    lg_sse_unref(fix_sse_last);
    fix_sse_last = NULL;
    client = NULL;
    srv = NULL;
    return 0;
}

static int ask(const char *method, const char *path, const char *header, struct lg_str body)
{
    char url[256], auth[128];
    const char *headers[] = {auth, header, NULL};
    struct lg_client_req req = {
            .method = method, .url = url, .headers = headers, .body = body, .has_body = body.n > 0};

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", lg_http_server_port(srv), path);
    (void)snprintf(auth, sizeof(auth), "Authorization: Bearer %s", fix_token("analyst"));
    if (lg_http_client_do(client, &req, &resp, &err) < 0)
        fail_msg("%s %s: %s", method, path, err.text);
    return resp.status;
}

/* ---- raw bytes ---- */

static int dial(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
            .sin_port = htons(lg_http_server_port(srv)),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

static void put(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return; /* the server may have had enough */
        text += sent;
        n -= (size_t)sent;
    }
}

/* Everything until the peer closes, or `ms` without a byte. */
static size_t take(int fd, char *out, size_t cap, int ms)
{
    size_t n = 0;

    while (n < cap - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t got;

        if (poll(&p, 1, ms) <= 0)
            break;
        got = recv(fd, out + n, cap - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    out[n] = '\0';
    return n;
}

/* Sends bytes as they are; the status of the first answer, 0 for none within `ms`. */
static int raw_within(const char *text, size_t n, char *out, size_t cap, int ms)
{
    int fd = dial(), status = 0;

    put(fd, text, n);
    (void)shutdown(fd, SHUT_WR);
    if (take(fd, out, cap, ms) > 12 && memcmp(out, "HTTP/1.1 ", 9) == 0)
        status = (out[9] - '0') * 100 + (out[10] - '0') * 10 + out[11] - '0';
    (void)close(fd);
    return status;
}

static int raw(const char *text, size_t n, char *out, size_t cap)
{
    return raw_within(text, n, out, cap, 5000);
}

static int count(const char *text, const char *what)
{
    int n = 0;

    for (const char *p = strstr(text, what); p != NULL; p = strstr(p + 1, what))
        n++;
    return n;
}

/* ---- tests ---- */

static void test_with_curl(void **state)
{
    struct lg_str big = {calloc(1, 2u << 20), 2u << 20};
    struct lg_http_stats stats;

    (void)state;
    start(fix_opts);
    assert_int_equal(ask("GET", "/alerts?limit=7", NULL, LG_STR("")), 200);
    assert_true(lg_str_find(lg_buf_str(&resp.body), LG_STR("\"limit\":7")) >= 0);
    assert_string_equal(resp.content_type, "application/json");
    assert_int_equal(ask("HEAD", "/health", NULL, LG_STR("")), 200);
    assert_int_equal(
            ask("GET", "/alerts/6f0a8d3e-2b1c-4f6e-9a70-000000000001", NULL, LG_STR("")), 200);
    assert_string_equal(resp.etag, "\"v7\"");
    assert_int_equal(ask("GET", "/alerts?limit=x", NULL, LG_STR("")), 400);
    assert_string_equal(resp.content_type, "application/problem+json");
    assert_int_equal(ask("DELETE", "/alerts", NULL, LG_STR("")), 405);
    assert_int_equal(ask("POST", "/echo", "Content-Type: x/y", LG_STR("hello")), 200);
    assert_str(lg_buf_str(&resp.body), "hello");
    assert_int_equal(ask("POST", "/echo", "Content-Type: x/y", big), 200);
    assert_true(lg_str_eq(lg_buf_str(&resp.body), big));
    assert_int_equal(ask("POST", "/echo", "Transfer-Encoding: chunked", LG_STR("hello")), 200);
    assert_int_equal(ask("GET", "/download?lines=2000", NULL, LG_STR("")), 200);
    assert_true(lg_str_ends(lg_buf_str(&resp.body), LG_STR("line 2\nline 1\n")));
    assert_int_equal(ask("GET", "/openapi.json", NULL, LG_STR("")), 200);
    lg_http_server_stats(srv, &stats);
    assert_int_equal(stats.accepted, 1); /* one connection for all of it */
    assert_int_equal(stats.inflight_bytes, 0);
    free_file(big);
}

/* A refused body is read, so that the client gets its answer and keeps its connection. */
static void test_refused_bodies(void **state)
{
    struct lg_str big = {calloc(1, 4u << 20), 4u << 20};
    struct lg_http_stats stats;

    (void)state;
    start(fix_opts);
    assert_int_equal(ask("POST", "/echo", "Content-Type: x/y", big), 413);
    assert_int_equal(ask("POST", "/none", "Content-Type: x/y", big), 404);
    assert_int_equal(ask("PATCH", "/alerts/x", "Content-Type: text/plain", big), 404);
    assert_int_equal(ask("POST", "/stream", "Content-Type: application/x-ndjson", big), 403);
    assert_int_equal(ask("GET", "/health", NULL, LG_STR("")), 200);
    lg_http_server_stats(srv, &stats);
    assert_int_equal(stats.accepted, 1);
    free_file(big);
}

static void test_later(void **state)
{
    (void)state;
    start(fix_opts);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ask("POST", "/later", "Content-Type: text/plain", LG_STR("abc")), 200);
        assert_str(lg_buf_str(&resp.body), "abc");
    }
    assert_int_equal(ask("POST", "/later?fail=true", "Content-Type: text/plain", LG_STR("x")), 503);
}

/* Two readers of one stream of bytes must not disagree where a request ends. */
static void test_smuggling(void **state)
{
    static const char *const evil[] = {
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: "
            "chunked\r\n\r\n"
            "0\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"
            "0\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
            "Transfer-Encoding: identity\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n"
            "GET /health HTTP/1.1\r\nHost: a\r\nX: xxxxxx\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 44\r\n\r\n"
            "GET /health HTTP/1.1\r\nHost: a\r\nX: xxxxxx\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length : 44\r\n\r\n"
            "GET /health HTTP/1.1\r\nHost: a\r\nX: xxxxxx\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n"
            "0\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET /health HTTP/1.1\r\nHost: "
            "a\r\n\r\n",
    };
    char out[16384];

    (void)state;
    start(fix_opts);
    for (size_t i = 0; i < sizeof(evil) / sizeof(*evil); i++) {
        int status = raw_within(evil[i], strlen(evil[i]), out, sizeof(out), 500);

        if (status == 200 || count(out, "HTTP/1.1 200") > 0)
            fail_msg("request %zu: %.200s", i, out);
        assert_true(status == 0 || status == 400 || status == 501);
    }
    assert_int_equal(ask("GET", "/health", NULL, LG_STR("")), 200);
}

static void test_malformed(void **state)
{
    static const char *const bad[] = {"\r\n\r\n", "GET\r\n\r\n", "GET /health\r\n\r\n",
            "GET  /health  HTTP/1.1\r\n\r\n", "GET /health HTTP/9.9\r\nHost: a\r\n\r\n",
            "GET /health HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            "GET /health HTTP/1.1\r\nHost a\r\n\r\n", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            "ffffffffffffffff\r\nabc",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"};
    static const char nul[] = "GET /hea\0lth HTTP/1.1\r\nHost: a\r\n\r\n";
    char out[16384];

    (void)state;
    start(fix_opts);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        int status = raw_within(bad[i], strlen(bad[i]), out, sizeof(out), 150);

        if (status >= 200 && status < 400)
            fail_msg("request %zu: %.200s", i, out);
    }
    assert_int_not_equal(raw(nul, sizeof(nul) - 1, out, sizeof(out)), 200);
    assert_int_equal(ask("GET", "/health", NULL, LG_STR("")), 200);
}

static void test_huge_headers(void **state)
{
    static char text[400000], out[16384];
    int n, status;

    (void)state;
    start(fix_opts);
    n = snprintf(text, sizeof(text), "GET /health HTTP/1.1\r\nHost: a\r\nX: ");
    memset(text + n, 'a', 20000); /* over ours, under the library's */
    memcpy(text + n + 20000, "\r\n\r\n", 4);
    assert_int_equal(raw(text, (size_t)n + 20004, out, sizeof(out)), 431);
    assert_non_null(strstr(out, "problem+json"));
    memset(text + n, 'a', sizeof(text) - (size_t)n); /* without end */
    status = raw(text, sizeof(text), out, sizeof(out));
    assert_true(status == 431 || status == 413 || status == 0);
    n = snprintf(text, sizeof(text), "GET /");
    memset(text + n, 'a', 300000);
    status = raw(text, 300005, out, sizeof(out));
    assert_true(status == 414 || status == 0);
    assert_int_equal(ask("GET", "/health", NULL, LG_STR("")), 200);
}

static void test_pipelined(void **state)
{
    static const char text[] = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
                               "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                               "GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    char out[16384];

    (void)state;
    start(fix_opts);
    assert_int_equal(raw(text, sizeof(text) - 1, out, sizeof(out)), 200);
    assert_int_equal(count(out, "HTTP/1.1 200"), 2);
    assert_int_equal(count(out, "HTTP/1.1 404"), 1);
}

static void test_expect(void **state)
{
    char text[512], out[16384];

    (void)state;
    start(fix_opts);
    (void)snprintf(text, sizeof(text),
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n"
            "Expect: 100-continue\r\n\r\n");
    assert_int_equal(raw(text, strlen(text), out, sizeof(out)), 413);
    assert_int_equal(count(out, "100 Continue"), 0); /* not asked to send what is refused */
    (void)snprintf(text, sizeof(text),
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
            "Expect: 100-continue\r\nConnection: close\r\n\r\nok");
    assert_int_equal(raw(text, strlen(text), out, sizeof(out)), 100);
    assert_int_equal(count(out, "HTTP/1.1 200"), 1);
}

/* A head, a body, and nothing at all, drop by drop. */
static void test_slow_clients(void **state)
{
    static const char *const heads[] = {"", "GET /health HTTP/1.1\r\nX: ",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"};
    struct lg_http_server_opts opts = fix_opts;
    struct lg_http_stats stats;
    char out[4096];
    int fds[3];

    (void)state;
    opts.head_timeout_s = opts.body_timeout_s = 1;
    opts.idle_timeout_s = 30; /* the library's own must not be what ends them */
    opts.min_rate_bytes_s = 1000;
    start(opts);
    for (int i = 0; i < 3; i++) {
        fds[i] = dial();
        put(fds[i], heads[i], strlen(heads[i]));
    }
    for (int i = 0; i < 3; i++) {
        bool closed = false;

        for (int k = 0; k < 60 && !closed; k++) {
            struct pollfd p = {.fd = fds[i], .events = POLLIN};

            put(fds[i], "a", 1);
            closed = poll(&p, 1, 100) > 0 && recv(fds[i], out, sizeof(out), 0) <= 0;
        }
        assert_true(closed);
        (void)close(fds[i]);
    }
    lg_http_server_stats(srv, &stats);
    assert_true(stats.timeouts >= 3);
}

static void test_connection_cap(void **state)
{
    struct lg_http_server_opts opts = fix_opts;
    static const char text[] = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    char out[4096];
    int fds[12], answered = 0;

    (void)state;
    opts.max_connections_per_ip = 4;
    start(opts);
    for (int i = 0; i < 12; i++) {
        fds[i] = dial();
        put(fds[i], text, sizeof(text) - 1);
    }
    for (int i = 0; i < 12; i++)
        answered += take(fds[i], out, sizeof(out), 200) > 0;
    for (int i = 0; i < 12; i++)
        (void)close(fds[i]);
    assert_int_equal(answered, 4);
}

static void test_rate_limit(void **state)
{
    struct lg_http_server_opts opts = fix_opts;
    int refused = 0;

    (void)state;
    opts.rate_per_s = 1;
    opts.rate_burst = 5;
    start(opts);
    for (int i = 0; i < 10; i++)
        if (ask("GET", "/alerts", NULL, LG_STR("")) == 429) {
            refused++;
            assert_in_range(resp.retry_after_s, 1, 2);
        }
    assert_in_range(refused, 4, 5);
}

/* ---- event streams ---- */

static int open_events(char *out, size_t cap)
{
    char text[512];
    int fd = dial();

    (void)snprintf(text, sizeof(text),
            "GET /events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n\r\n",
            fix_token("viewer"));
    put(fd, text, strlen(text));
    (void)take(fd, out, cap, 300);
    return fd;
}

static struct lg_sse *last_stream(void)
{
    struct lg_sse *sse;

    (void)pthread_mutex_lock(&fix_sse_lock);
    sse = fix_sse_last;
    (void)pthread_mutex_unlock(&fix_sse_lock);
    assert_non_null(sse);
    return sse;
}

static void test_events(void **state)
{
    struct lg_http_server_opts opts = fix_opts;
    struct lg_http_stats stats;
    char out[8192];
    int fd;

    (void)state;
    opts.sse_keepalive_s = 1;
    start(opts);
    fd = open_events(out, sizeof(out));
    assert_non_null(strstr(out, "text/event-stream"));
    assert_non_null(strstr(out, "event: hello\nid: 1\ndata: first\ndata: second\n\n"));
    assert_int_equal(lg_sse_push(last_stream(), LG_STR("a\nb: c"), LG_STR(""), LG_STR("x")), 0);
    (void)take(fd, out, sizeof(out), 300);
    assert_non_null(strstr(out, "event: ab: c\ndata: x\n\n")); /* no field smuggled in */
    (void)poll(NULL, 0, 1600);
    (void)take(fd, out, sizeof(out), 100);
    assert_non_null(strstr(out, ":\n\n")); /* keep-alive */
    lg_http_server_stats(srv, &stats);
    assert_int_equal(stats.sse_clients, 1);
    lg_sse_close(last_stream());
    (void)take(fd, out, sizeof(out), 1000);
    assert_int_equal(lg_sse_push(last_stream(), LG_STR(""), LG_STR(""), LG_STR("x")), LG_EREFUSED);
    (void)close(fd);
}

/* Who goes away is noticed without anything being sent. */
static void test_events_client_leaves(void **state)
{
    char out[8192];
    int fd;

    (void)state;
    start(fix_opts);
    fd = open_events(out, sizeof(out));
    assert_false(lg_sse_closed(last_stream()));
    (void)close(fd);
    for (int i = 0; i < 50 && !lg_sse_closed(last_stream()); i++)
        (void)poll(NULL, 0, 100);
    assert_true(lg_sse_closed(last_stream()));
}

/* Who does not read is dropped; the queue stays bounded, pushers never wait. */
static void test_events_slow_reader(void **state)
{
    struct lg_http_server_opts opts = fix_opts;
    static char big[60000], out[8192];
    int fd, rc = 0;

    (void)state;
    opts.sse_queue_bytes = 100000;
    start(opts);
    fd = open_events(out, sizeof(out));
    memset(big, 'x', sizeof(big));
    for (int i = 0; i < 10000 && rc == 0; i++)
        rc = lg_sse_push(last_stream(), LG_STR("e"), LG_STR(""), lg_str_of(big, sizeof(big)));
    assert_int_equal(rc, LG_ELIMIT);
    assert_true(lg_sse_closed(last_stream()));
    (void)close(fd);
}

/* ---- stopping ---- */

static struct lg_http_req *held;
static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t held_cond = PTHREAD_COND_INITIALIZER;

static int hold(struct lg_http_req *req, void *ctx)
{
    (void)ctx;
    lg_http_later(req);
    (void)pthread_mutex_lock(&held_lock);
    held = req;
    (void)pthread_cond_signal(&held_cond);
    (void)pthread_mutex_unlock(&held_lock);
    return 0;
}

static struct lg_http_req *wait_held(void)
{
    struct lg_http_req *req;

    (void)pthread_mutex_lock(&held_lock);
    while (held == NULL)
        (void)pthread_cond_wait(&held_cond, &held_lock);
    req = held;
    held = NULL;
    (void)pthread_mutex_unlock(&held_lock);
    return req;
}

static const struct lg_route hold_routes[] = {{.method = LG_GET,
        .path = "/hold",
        .operation = "hold",
        .tag = "test",
        .summary = "Held by the test",
        .action = LG_ACT_PUBLIC,
        .handler = hold}};

static void *stop_thread(void *arg)
{
    lg_http_server_stop(srv, *(unsigned *)arg);
    srv = NULL;
    return NULL;
}

static void start_held(struct lg_router **ret)
{
    struct lg_http_server_opts opts = fix_opts;

    assert_int_equal(lg_router_new(ret), 0);
    assert_int_equal(lg_router_add(*ret, hold_routes, 1, NULL, &err), 0);
    assert_int_equal(lg_http_server_start(*ret, &opts, &srv, &err), 0);
}

/* A request in flight is answered although the server stops meanwhile. */
static void test_graceful_stop(void **state)
{
    static const char text[] = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";
    unsigned deadline = 10000;
    struct lg_http_req *req;
    struct lg_router *rt;
    char out[4096];
    pthread_t t;
    int fd;

    (void)state;
    start_held(&rt);
    fd = dial();
    put(fd, text, sizeof(text) - 1);
    req = wait_held();
    assert_int_equal(pthread_create(&t, NULL, stop_thread, &deadline), 0);
    (void)poll(NULL, 0, 200);
    lg_buf_adds(lg_http_out(req), LG_STR("done"));
    lg_http_resume(req, lg_http_send(req, 200, LG_HTTP_TEXT));
    (void)take(fd, out, sizeof(out), 5000);
    assert_non_null(strstr(out, "HTTP/1.1 200"));
    assert_non_null(strstr(out, "Connection: close"));
    assert_non_null(strstr(out, "done"));
    (void)pthread_join(t, NULL);
    (void)close(fd);
    lg_router_free(rt);
}

/* One that never comes back does not keep the server, and comes back to nobody, safely. */
static void test_stop_at_deadline(void **state)
{
    static const char text[] = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";
    struct lg_http_req *req;
    struct lg_router *rt;
    char out[4096];
    int fd;

    (void)state;
    start_held(&rt);
    fd = dial();
    put(fd, text, sizeof(text) - 1);
    req = wait_held();
    lg_http_server_stop(srv, 100);
    srv = NULL;
    assert_int_equal(take(fd, out, sizeof(out), 5000), 0);
    (void)close(fd);
    assert_str(lg_req_header(req, "Host"), "a"); /* still whole */
    lg_buf_adds(lg_http_out(req), LG_STR("late"));
    lg_http_resume(req, lg_http_send(req, 200, LG_HTTP_TEXT));
    lg_router_free(rt);
}

static void test_stop_with_streams(void **state)
{
    struct timespec a, b;
    char out[8192];
    int fds[3], idle;

    (void)state;
    start(fix_opts);
    for (int i = 0; i < 3; i++)
        fds[i] = open_events(out, sizeof(out));
    idle = dial();
    put(idle, "GET /hea", 8);
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    lg_http_server_stop(srv, 5000);
    srv = NULL;
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    assert_true(b.tv_sec - a.tv_sec < 4); /* nobody waits for those */
    assert_true(lg_sse_closed(last_stream()));
    for (int i = 0; i < 3; i++)
        (void)close(fds[i]);
    (void)close(idle);
}

/* ---- options ---- */

static void test_bad_options(void **state)
{
    struct lg_http_tls tls = {.cert_file = "/nonexistent", .key_file = "/nonexistent"};
    struct lg_http_server_opts opts = fix_opts;

    (void)state;
    opts.auth_off = true;
    opts.host = "0.0.0.0";
    assert_int_equal(lg_http_server_start(router, &opts, &srv, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "loopback"));
    opts.auth_off = false;
    opts.host = "no.such.name.example";
    assert_int_equal(lg_http_server_start(router, &opts, &srv, &err), LG_EINVAL);
    opts.host = "192.0.2.1"; /* not ours */
    assert_int_equal(lg_http_server_start(router, &opts, &srv, &err), LG_EIO);
    opts.host = NULL;
    opts.tls = &tls;
    assert_int_equal(lg_http_server_start(router, &opts, &srv, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "/nonexistent"));
    srv = NULL;
}

static void test_ipv6(void **state)
{
    struct lg_http_server_opts opts = fix_opts;

    (void)state;
    opts.host = "::1";
    opts.auth_off = true;
    if (lg_http_server_start(router, &opts, &srv, &err) == LG_EIO)
        skip(); /* this machine has no IPv6 */
    assert_true(lg_http_server_port(srv) > 0);
}

/* ---- many clients at once ---- */

#define CLIENTS 8

static void *many(void *arg)
{
    struct lg_http_client_opts copts = {.allow_private = true};
    struct lg_http_client *cl;
    struct lg_client_resp r;
    unsigned *good = arg;
    char url[128];
    const char *const headers[] = {"Content-Type: text/plain", NULL};

    if (lg_http_client_new(&copts, &cl, NULL) < 0)
        return NULL;
    lg_client_resp_init(&r, 65536);
    for (int i = 0; i < 60; i++) {
        const char *paths[] = {"/echo", "/later", "/none", "/stream"};
        struct lg_client_req req = {.url = url, .headers = headers, .body = LG_STR("hello")};

        (void)snprintf(
                url, sizeof(url), "http://127.0.0.1:%u%s", lg_http_server_port(srv), paths[i % 4]);
        if (lg_http_client_do(cl, &req, &r, NULL) == 0 &&
                r.status ==
                        (i % 4 < 2                   ? 200
                                        : i % 4 == 2 ? 404
                                                     : 401))
            (*good)++;
    }
    lg_client_resp_done(&r);
    lg_http_client_free(cl);
    return NULL;
}

static void test_many_clients(void **state)
{
    pthread_t t[CLIENTS];
    unsigned good[CLIENTS] = {0};

    (void)state;
    start(fix_opts);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, many, &good[i]), 0);
    for (int i = 0; i < CLIENTS; i++) {
        (void)pthread_join(t[i], NULL);
        assert_int_equal(good[i], 60);
    }
}

#define T(f) cmocka_unit_test_teardown(f, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_with_curl),
            T(test_refused_bodies),
            T(test_later),
            T(test_smuggling),
            T(test_malformed),
            T(test_huge_headers),
            T(test_pipelined),
            T(test_expect),
            T(test_slow_clients),
            T(test_connection_cap),
            T(test_rate_limit),
            T(test_events),
            T(test_events_client_leaves),
            T(test_events_slow_reader),
            T(test_graceful_stop),
            T(test_stop_at_deadline),
            T(test_stop_with_streams),
            T(test_bad_options),
            T(test_ipv6),
            T(test_many_clients),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
