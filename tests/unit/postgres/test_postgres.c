/* What needs no server: any bytes in a text column, options. The rest is in
 * tests/integration/test_postgres.py. */
#include "lg_test.h"

#include "base/utf8.h"
#include "postgres/int.h"

static void check_round_trip(struct lg_str s)
{
    struct lg_buf there, back;
    struct lg_str one = exact(s.p, s.n);

    lg_buf_init(&there, 1u << 16);
    lg_buf_init(&back, 1u << 16);
    lg_pg_text_escape(one, &there);
    assert_int_equal(there.failed, 0);
    assert_true(lg_utf8_valid(lg_buf_str(&there)));
    assert_true(there.n == 0 || memchr(there.p, '\0', there.n) == NULL);
    assert_int_equal(lg_pg_text_plain(one), lg_str_eq(one, lg_buf_str(&there)));
    assert_int_equal(lg_pg_text_unescape(lg_buf_str(&there), &back), 0);
    assert_true(lg_str_eq(one, lg_buf_str(&back)));
    lg_buf_done(&there);
    lg_buf_done(&back);
    free_exact(one);
}

/* Whatever an attacker puts into a name comes back as it was; so different names stay different. */
static void test_text(void **state)
{
    static const char pieces[][5] = {"a", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x1a",
            "\x1a"
            "0",
            "\xff", "\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "\n"};
    uint64_t rnd = 3;

    (void)state;
    check_round_trip(LG_STR(""));
    check_round_trip(LG_STR("a\0b"));
    check_round_trip(LG_STR("\0"));
    for (int i = 0; i < 20000; i++) {
        struct lg_buf s;
        uint64_t n = next_random(&rnd) % 8;

        lg_buf_init(&s, 4096);
        for (uint64_t k = 0; k < n; k++) {
            if (next_random(&rnd) % 3 == 0)
                lg_buf_addc(&s, (char)(next_random(&rnd) % 256));
            else
                lg_buf_adds(&s, lg_str_z(pieces[next_random(&rnd) % 12]));
        }
        check_round_trip(lg_buf_str(&s));
        lg_buf_done(&s);
    }
}

static void test_bad_escapes(void **state)
{
    static const char *const bad[] = {"\x1a",
            "a\x1a"
            "0",
            "\x1a"
            "0g",
            "\x1a"
            "0A",
            "\x1a\x1a"
            "00"};
    struct lg_buf b;

    (void)state;
    lg_buf_init(&b, 100);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(lg_pg_text_unescape(lg_str_z(bad[i]), &b), LG_ECORRUPT);
    lg_buf_done(&b);
}

static const char *value_of(const struct lg_pg *pg, const char *word)
{
    for (size_t i = 0; pg->words[i] != NULL; i++)
        if (strcmp(pg->words[i], word) == 0)
            return pg->values[i];
    return "";
}

static void test_options(void **state)
{
    static const char *const schemas[] = {"", "Logster", "a b", "x;drop", "1a", "pg_x", "a\"b",
            "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"};
    static const struct {
        const char *host, *mode;
    } hosts[] = {{NULL, "prefer"}, {"/run/postgresql", "prefer"}, {"127.0.0.1,::1", "prefer"},
            {"localhost", "prefer"}, {"db.example", "verify-full"},
            {"127.0.0.1,db.example", "verify-full"}, {"10.0.0.1", "verify-full"}};
    struct lg_postgres_options o = {.pool_size = LG_POSTGRES_POOL_MAX + 1};
    struct lg_err err = {0};
    struct lg_pg *pg;

    (void)state;
    assert_int_equal(lg_pg_new(&o, &pg, &err), LG_EINVAL);
    o.pool_size = 0;
    for (size_t i = 0; i < sizeof(schemas) / sizeof(*schemas); i++) {
        o.schema = schemas[i];
        assert_int_equal(lg_pg_new(&o, &pg, &err), LG_EINVAL);
    }
    o.schema = NULL;
    /* Off this machine, the server has to show a certificate that is its own. */
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        o.host = hosts[i].host;
        assert_int_equal(lg_pg_new(&o, &pg, &err), 0);
        assert_string_equal(value_of(pg, "sslmode"), hosts[i].mode);
        assert_int_equal(
                *value_of(pg, "sslrootcert") != '\0', strcmp(hosts[i].mode, "prefer") != 0);
        lg_pg_free(pg);
    }
}

/* Nobody there: an error in time that names no secret, and then at once for a while. */
static void test_nobody(void **state)
{
    struct lg_postgres_options o = {.host = "127.0.0.1", .port = "1", .password = "hunter2-secret"};
    struct lg_alert_store *st = NULL;
    struct lg_pg_conn *c;
    struct lg_err err = {0};
    struct lg_pg *pg;

    (void)state;
    assert_int_equal(lg_postgres_alert_store_open(&o, &st, &err), LG_EIO);
    assert_non_null(strstr(err.text, "refused"));
    assert_null(strstr(err.text, "hunter2"));
    assert_int_equal(lg_pg_new(&o, &pg, &err), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(lg_pg_take(pg, &c), LG_EIO);
    assert_int_equal(pg->n_open, 0);
    assert_true(pg->delay > 0);
    lg_pg_free(pg);
}

static void test_oom(void **state)
{
    struct lg_postgres_options o = {.host = "db.example", .password = "x"};
    struct lg_err err = {0};
    struct lg_pg *pg;
    int rc = LG_ENOMEM;

    (void)state;
    for (uint64_t n = 1; rc == LG_ENOMEM && n < 100; n++) {
        (void)lg_mem_fail_from(n);
        rc = lg_pg_new(&o, &pg, &err);
        (void)lg_mem_fail_from(0);
    }
    assert_int_equal(rc, 0);
    lg_pg_free(pg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text),
            cmocka_unit_test(test_bad_escapes), cmocka_unit_test(test_options),
            cmocka_unit_test(test_nobody), cmocka_unit_test(test_oom)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
