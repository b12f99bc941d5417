#include "lg_test.h"

#include "access/token.h"
#include "crypto/encode.h"

static void test_make_and_parse(void **state)
{
    char text[LG_TOKEN_CHARS + 1], other[LG_TOKEN_CHARS + 1];
    struct lg_token made, read, another;

    (void)state;
    lg_token_make(text, &made);
    lg_token_make(other, &another);
    assert_int_equal(strlen(text), LG_TOKEN_CHARS);
    assert_int_equal(strncmp(text, "lgt_", 4), 0);
    assert_string_not_equal(text, other);
    assert_int_equal(lg_token_parse(lg_str_z(text), &read), 0);
    assert_string_equal(read.id, made.id);
    assert_true(lg_token_verify(&read, made.hash));
    assert_false(lg_token_verify(&another, made.hash));
}

/* Any one character changed: another token, or none. */
static void test_every_character_counts(void **state)
{
    char text[LG_TOKEN_CHARS + 1];
    struct lg_token made, read;

    (void)state;
    lg_token_make(text, &made);
    for (size_t i = 0; i < LG_TOKEN_CHARS; i++) {
        char was = text[i];

        text[i] = was == 'a' ? 'b' : 'a';
        if (lg_token_parse(lg_str_z(text), &read) == 0)
            assert_false(lg_token_verify(&read, made.hash));
        text[i] = (char)(was & ~0x20); /* upper case */
        if (text[i] != was)
            assert_int_equal(lg_token_parse(lg_str_z(text), &read), LG_EPARSE);
        text[i] = was;
    }
    for (size_t n = 0; n < LG_TOKEN_CHARS; n++) {
        struct lg_str cut = exact(text, n);

        assert_int_equal(lg_token_parse(cut, &read), LG_EPARSE);
        free_exact(cut);
    }
}

static int header(const char *scheme, const char *text, bool base64, struct lg_token *ret,
        enum lg_auth_scheme *kind)
{
    struct lg_buf b;
    struct lg_str s;
    int rc;

    lg_buf_init(&b, 4096);
    lg_buf_adds(&b, lg_str_z(scheme));
    if (base64)
        lg_base64_encode(LG_BASE64_STD, lg_str_z(text), &b);
    else
        lg_buf_adds(&b, lg_str_z(text));
    s = exact(b.p, b.n);
    rc = lg_token_from_header(s, kind, ret);
    free_exact(s);
    lg_buf_done(&b);
    return rc;
}

static void test_headers(void **state)
{
    char text[LG_TOKEN_CHARS + 1], pair[256], id_secret[256], with_prefix[256];
    enum lg_auth_scheme kind;
    struct lg_token made, read;
    const struct {
        const char *scheme;
        const char *value;
        bool base64;
        enum lg_auth_scheme kind;
    } good[] = {
            {"Bearer ", text, false, LG_AUTH_BEARER},
            {"bearer   ", text, false, LG_AUTH_BEARER},
            {"ApiKey ", text, false, LG_AUTH_APIKEY},
            {"ApiKey ", pair, true, LG_AUTH_APIKEY},
            {"ApiKey ", id_secret, true, LG_AUTH_APIKEY},
            {"apikey ", with_prefix, true, LG_AUTH_APIKEY},
            {"Basic ", pair, true, LG_AUTH_BASIC},
            {"Basic ", id_secret, true, LG_AUTH_BASIC},
            {"Splunk ", text, false, LG_AUTH_SPLUNK},
    };

    (void)state;
    lg_token_make(text, &made);
    (void)snprintf(pair, sizeof(pair), "elastic:%s", text);
    (void)snprintf(id_secret, sizeof(id_secret), "%s:%s", made.id, text + 21);
    (void)snprintf(with_prefix, sizeof(with_prefix), "lgt_%s:%s", made.id, text + 21);
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        memset(&read, 0, sizeof(read));
        if (header(good[i].scheme, good[i].value, good[i].base64, &read, &kind) != 0)
            fail_msg("refused: %s (%zu)", good[i].scheme, i);
        assert_int_equal(kind, good[i].kind);
        assert_string_equal(read.id, made.id);
        assert_true(lg_token_verify(&read, made.hash));
    }
    assert_int_equal(header("Digest ", text, false, &read, &kind), LG_EPARSE);
    assert_int_equal(header("", text, false, &read, &kind), LG_EPARSE);
    assert_int_equal(header("", "", false, &read, &kind), LG_EPARSE);
    assert_int_equal(header("Bearer", "", false, &read, &kind), LG_EPARSE);
    assert_int_equal(header("Bearer ", "", false, &read, &kind), LG_EPARSE);
    assert_int_equal(header("Bearer ", pair, true, &read, &kind), LG_EPARSE);
    assert_int_equal(header("Basic ", text, true, &read, &kind), LG_EPARSE); /* no colon */
    assert_int_equal(header("Basic ", text, false, &read, &kind), LG_EPARSE);
    assert_int_equal(header("Basic ", "a:b", true, &read, &kind), LG_EPARSE);
}

static void test_hosts(void **state)
{
    static const char *const good[] = {"localhost", "LOCALHOST:8080", "api.localhost", "127.0.0.1",
            "127.0.0.1:8080", "127.255.3.4", "[::1]", "[::1]:8080"};
    static const char *const bad[] = {"", ":80", "localhost.", "localhost.evil.example",
            "notlocalhost", ".localhost", "127.0.0.1.evil.example", "127.0.0.1.", "127.1",
            "0127.0.0.1", "128.0.0.1", "127.0.0.256", "127.0.0.1:x", "127.0.0.1:99999",
            "localhost:80:80", "[::1", "[::1]x", "[::2]", "::1", "0.0.0.0", "[::ffff:127.0.0.1]",
            "evil.example", "localhost@evil.example", "0x7f.0.0.1"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (!lg_host_is_loopback(lg_str_z(good[i])))
            fail_msg("no loopback name: %s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (lg_host_is_loopback(lg_str_z(bad[i])))
            fail_msg("a loopback name: %s", bad[i]);
}

static void test_local_requests(void **state)
{
    const struct lg_local_check good = {
            .listener_loopback = true, .peer_loopback = true, .host = LG_STR("localhost:8080")};
    struct lg_local_check c = good;

    (void)state;
    assert_true(lg_local_request(&c));
    c.listener_loopback = false;
    assert_false(lg_local_request(&c));
    c = good;
    c.peer_loopback = false;
    assert_false(lg_local_request(&c));
    c = good;
    c.forwarded = true;
    assert_false(lg_local_request(&c));
    c = good;
    c.host = LG_STR("rebound.example");
    assert_false(lg_local_request(&c));
    c = good;
    c.origin = LG_STR("https://evil.example");
    assert_false(lg_local_request(&c));
    c.origin = LG_STR("null");
    assert_false(lg_local_request(&c));
    c.origin = LG_STR("http://localhost:5001");
    assert_true(lg_local_request(&c));
    c.fetch_site = LG_STR("cross-site");
    assert_false(lg_local_request(&c));
    c.fetch_site = LG_STR("same-origin");
    assert_true(lg_local_request(&c));
}

static void test_forwarding_headers(void **state)
{
    static const char *const yes[] = {"Forwarded", "x-forwarded-for", "X-Forwarded-Host",
            "X-FORWARDED-PROTO", "Via", "X-Real-IP"};
    static const char *const no[] = {"Host", "Accept", "X-Request-Id", "Viable", ""};

    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
        assert_true(lg_header_is_forwarding(lg_str_z(yes[i])));
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
        assert_false(lg_header_is_forwarding(lg_str_z(no[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_make_and_parse),
            cmocka_unit_test(test_every_character_counts),
            cmocka_unit_test(test_headers),
            cmocka_unit_test(test_hosts),
            cmocka_unit_test(test_local_requests),
            cmocka_unit_test(test_forwarding_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
