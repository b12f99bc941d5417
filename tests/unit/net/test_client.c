#include "net_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "certs.h"
#include "net/http_client.h"

/* The client: whom it talks to, TLS both ways, and what becomes of odd answers. */

static struct lg_router *router;
static struct lg_err err;

static int set_up(void **state)
{
    fix_make_tokens();
    router = fix_router();
    return certs_set_up(state);
}

static int tear_down(void **state)
{
    lg_router_free(router);
    return certs_tear_down(state);
}

static bool is_public(const char *text)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
        return lg_addr_is_public((struct sockaddr *)&in4, sizeof(in4));
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return lg_addr_is_public((struct sockaddr *)&in6, sizeof(in6));
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255",
            "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.169.254",
            "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1",
            "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
            "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16", "::", "::1",
            "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
            "::ffff:169.254.169.254", "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1",
            "2001::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1",
            "2002:c0a8:101::1", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1",
            "ff02::1", "4000::1"};
    static const char *const good[] = {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1",
            "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1", "172.15.255.255",
            "172.32.0.1", "192.167.255.255", "192.169.0.1", "198.17.255.255", "198.20.0.1",
            "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
            "2606:4700:4700::1111", "2a00:1450::1", "2001:4860:4860::8888"};
    struct sockaddr sa = {.sa_family = AF_UNIX};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (is_public(bad[i]))
            fail_msg("public: %s", bad[i]);
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (!is_public(good[i]))
            fail_msg("not public: %s", good[i]);
    assert_false(lg_addr_is_public(&sa, sizeof(sa)));
}

static int get(struct lg_http_client_opts copts, const char *url, struct lg_client_resp *resp)
{
    struct lg_client_req req = {.url = url};
    struct lg_http_client *cl;
    int rc;

    assert_int_equal(lg_http_client_new(&copts, &cl, &err), 0);
    lg_client_resp_init(resp, 1u << 20);
    rc = lg_http_client_do(cl, &req, resp, &err);
    lg_http_client_free(cl);
    return rc;
}

/* However an inner address is written. A server does listen there. */
static void test_guard(void **state)
{
    static const char *const forms[] = {"127.0.0.1", "localhost", "127.1", "2130706433",
            "0x7f.0.0.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0", "user@127.0.0.1"};
    struct lg_http_client_opts closed = {.timeout_ms = 3000};
    struct lg_http_client_opts open = {.allow_private = true};
    struct lg_http_server_opts opts = fix_opts;
    struct lg_http_server *srv;
    struct lg_http_stats stats;
    struct lg_client_resp resp;
    char url[128];

    (void)state;
    assert_int_equal(lg_http_server_start(router, &opts, &srv, &err), 0);
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        (void)snprintf(url, sizeof(url), "http://%s:%u/health", forms[i], lg_http_server_port(srv));
        if (get(closed, url, &resp) != LG_EREFUSED)
            fail_msg("%s: %d, %s", url, resp.status, err.text);
        lg_client_resp_done(&resp);
    }
    lg_http_server_stats(srv, &stats);
    assert_int_equal(stats.accepted, 0); /* not one packet went there */
    (void)snprintf(url, sizeof(url), "http://%s:%u/health", forms[0], lg_http_server_port(srv));
    assert_int_equal(get(open, url, &resp), 0);
    assert_int_equal(resp.status, 200);
    lg_client_resp_done(&resp);
    lg_http_server_stop(srv, 1000);
}

static bool in_block(const char *block, const char *text)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct lg_addr_block b;

    if (lg_addr_block_parse(lg_str_z(block), &b) < 0)
        fail_msg("block: %s", block);
    if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
        return lg_addr_block_has(&b, (struct sockaddr *)&in4, sizeof(in4));
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return lg_addr_block_has(&b, (struct sockaddr *)&in6, sizeof(in6));
}

static void test_blocks(void **state)
{
    static const char *const bad[] = {"", "/8", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "::/129",
            "10.0.0/8", "a/8", "10.0.0.0/-1", "10.0.0.0/8/8",
            "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/8"};
    struct lg_addr_block b;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (lg_addr_block_parse(lg_str_z(bad[i]), &b) != LG_EINVAL)
            fail_msg("taken: %s", bad[i]);
    assert_true(in_block("127.0.0.0/8", "127.255.0.1"));
    assert_true(in_block("127.0.0.0/8", "::ffff:127.0.0.1"));
    assert_false(in_block("127.0.0.0/8", "128.0.0.1"));
    assert_true(in_block("172.16.0.0/12", "172.31.255.255"));
    assert_false(in_block("172.16.0.0/12", "172.32.0.0"));
    assert_true(in_block("10.1.2.3/32", "10.1.2.3"));
    assert_false(in_block("10.1.2.3/32", "10.1.2.2"));
    assert_true(in_block("0.0.0.0/0", "192.168.1.1"));
    assert_false(in_block("0.0.0.0/0", "::1"));
    assert_true(in_block("::1/128", "::1"));
    assert_true(in_block("fd00::/9", "fd7f::1"));
    assert_false(in_block("fd00::/9", "fd80::1"));
    assert_false(in_block("::/0", "10.0.0.1"));
}

/* Only what the list names, and nothing that the name could turn into. */
static void test_allowed_blocks(void **state)
{
    struct lg_addr_block blocks[2];
    struct lg_http_client_opts some = {.allow = blocks, .n_allow = 2, .timeout_ms = 3000};
    struct lg_http_server_opts opts = fix_opts;
    struct lg_http_server *srv;
    struct lg_client_resp resp;
    char url[128];

    (void)state;
    assert_int_equal(lg_http_server_start(router, &opts, &srv, &err), 0);
    assert_int_equal(lg_addr_block_parse(LG_STR("10.0.0.0/8"), &blocks[0]), 0);
    assert_int_equal(lg_addr_block_parse(LG_STR("127.0.0.1/32"), &blocks[1]), 0);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/health", lg_http_server_port(srv));
    assert_int_equal(get(some, url, &resp), 0);
    assert_int_equal(resp.status, 200);
    lg_client_resp_done(&resp);
    (void)snprintf(url, sizeof(url), "http://127.0.0.2:%u/health", lg_http_server_port(srv));
    assert_int_equal(get(some, url, &resp), LG_EREFUSED);
    assert_non_null(strstr(err.text, "127.0.0.2")); /* says which */
    lg_client_resp_done(&resp);
    lg_http_server_stop(srv, 1000);
}

static void test_bad_requests(void **state)
{
    static const char *const urls[] = {"file:///etc/passwd", "gopher://127.0.0.1/", "ftp://a/",
            "http://", "", "dict://127.0.0.1:11211/"};
    struct lg_http_client_opts open = {.allow_private = true};
    struct lg_http_client_opts https = {.allow_private = true, .https_only = true};
    const char *const headers[] = {"X: a\r\nY: b", NULL};
    struct lg_client_req req = {.url = "http://127.0.0.1:1/", .headers = headers};
    struct lg_client_resp resp;
    struct lg_http_client *cl;

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
        if (get(open, urls[i], &resp) != LG_EINVAL)
            fail_msg("%s: %s", urls[i], err.text);
        lg_client_resp_done(&resp);
    }
    assert_int_equal(get(https, "http://127.0.0.1:1/", &resp), LG_EINVAL);
    lg_client_resp_done(&resp);
    assert_int_equal(get(open, "http://127.0.0.1:1/", &resp), LG_EIO); /* nobody there */
    lg_client_resp_done(&resp);
    assert_int_equal(lg_http_client_new(&open, &cl, &err), 0);
    lg_client_resp_init(&resp, 100);
    assert_int_equal(lg_http_client_do(cl, &req, &resp, &err), LG_EINVAL);
    lg_client_resp_done(&resp);
    lg_http_client_free(cl);
    lg_http_client_free(NULL);
}

static void test_limits(void **state)
{
    struct lg_http_client_opts copts = {.allow_private = true, .max_response_bytes = 1000};
    struct lg_http_server_opts opts = fix_opts;
    struct lg_http_server *srv;
    struct lg_client_resp resp;
    char url[128];

    (void)state;
    assert_int_equal(lg_http_server_start(router, &opts, &srv, &err), 0);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/openapi.json", lg_http_server_port(srv));
    assert_int_equal(get(copts, url, &resp), LG_ELIMIT); /* with a length */
    lg_client_resp_done(&resp);
    (void)snprintf(
            url, sizeof(url), "http://127.0.0.1:%u/download?lines=500", lg_http_server_port(srv));
    assert_int_equal(get(copts, url, &resp), LG_ELIMIT); /* chunked */
    lg_client_resp_done(&resp);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/download?lines=20&fail_at=10",
            lg_http_server_port(srv));
    assert_int_equal(get(copts, url, &resp), LG_EIO); /* cut half-way: seen */
    lg_client_resp_done(&resp);
    lg_http_server_stop(srv, 1000);
}

/* ---- TLS ---- */

static int get_tls(const char *ca, const char *crt, const char *key, uint16_t port,
        struct lg_client_resp *resp)
{
    struct lg_http_client_opts copts = {.allow_private = true,
            .ca_file = ca,
            .cert_file = crt,
            .key_file = key,
            .timeout_ms = 5000};
    char url[64];

    (void)snprintf(url, sizeof(url), "https://localhost:%u/health", port);
    return get(copts, url, resp);
}

static void test_tls(void **state)
{
    struct lg_http_tls tls = {.cert_file = certs_server, .key_file = certs_server_key};
    struct lg_http_server_opts opts = fix_opts;
    struct lg_http_server *srv;
    struct lg_client_resp resp;

    (void)state;
    opts.tls = &tls;
    assert_int_equal(lg_http_server_start(router, &opts, &srv, &err), 0);
    assert_int_equal(get_tls(certs_ca, NULL, NULL, lg_http_server_port(srv), &resp), 0);
    assert_int_equal(resp.status, 200);
    lg_client_resp_done(&resp);
    assert_int_equal(get_tls(certs_stranger, NULL, NULL, lg_http_server_port(srv), &resp), LG_EIO);
    lg_client_resp_done(&resp);
    lg_http_server_stop(srv, 1000);
}

static void test_client_certificates(void **state)
{
    struct lg_http_tls tls = {.cert_file = certs_server,
            .key_file = certs_server_key,
            .client_ca_file = certs_ca,
            .client_cert_required = true};
    struct lg_http_server_opts opts = fix_opts;
    struct lg_http_server *srv;
    struct lg_client_resp resp;
    uint16_t port;

    (void)state;
    opts.tls = &tls;
    assert_int_equal(lg_http_server_start(router, &opts, &srv, &err), 0);
    port = lg_http_server_port(srv);
    assert_int_equal(get_tls(certs_ca, certs_client, certs_client_key, port, &resp), 0);
    assert_int_equal(resp.status, 200);
    lg_client_resp_done(&resp);
    assert_int_equal(get_tls(certs_ca, NULL, NULL, port, &resp), LG_EIO);
    lg_client_resp_done(&resp);
    assert_int_equal(get_tls(certs_ca, certs_stranger, certs_stranger_key, port, &resp), LG_EIO);
    lg_client_resp_done(&resp);
    lg_http_server_stop(srv, 1000);
}

static void test_bad_certificates(void **state)
{
    struct lg_http_tls tls = {.cert_file = certs_server, .key_file = certs_stranger_key};
    struct lg_http_server_opts opts = fix_opts;
    struct lg_http_server *srv;

    (void)state;
    opts.tls = &tls;
    assert_int_equal(lg_http_server_start(router, &opts, &srv, &err), LG_EINVAL);
    tls.key_file = certs_ca; /* no key at all */
    assert_int_equal(lg_http_server_start(router, &opts, &srv, &err), LG_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_addresses),
            cmocka_unit_test(test_guard),
            cmocka_unit_test(test_blocks),
            cmocka_unit_test(test_allowed_blocks),
            cmocka_unit_test(test_bad_requests),
            cmocka_unit_test(test_limits),
            cmocka_unit_test(test_tls),
            cmocka_unit_test(test_client_certificates),
            cmocka_unit_test(test_bad_certificates),
    };

    (void)fix_token;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
