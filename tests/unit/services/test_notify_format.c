#include "lg_test.h"

#include "services/notify_format.h"

/* The text of notifications, its escaping and its signature; pauses between attempts. */

#define NOW INT64_C(1700000000000000000)

static const char alert_text[] =
        "{\"alert_id\":\"a1\",\"tenant_id\":\"acme\",\"endpoint_id\":\"hr1\",\"hostname\":"
        "\"hr1.example.org\",\"severity\":\"high\",\"status\":\"open\",\"title\":"
        "\"Execution on h|r\\\\1: a\\nb\",\"description\":\"say a=b\\nc\\\\d | e\\u0007\","
        "\"attack_prob\":0.97,\"first_seen\":1700000000.5,\"last_seen\":1700000060,"
        "\"occurrences\":3,\"ttp_techniques\":[\"T1059.001\",\"T1003\"],\"process\":\"C:\\\\x."
        "exe\","
        "\"process_hash\":\"SHA256=AA\",\"user\":\"CORP\\\\mal|lory\",\"evidence\":[{\"name\":"
        "\"],\\\"assignee\\\":\"}],\"assignee\":null,\"previous_alert_id\":null,\"version\":1}";

static struct lg_notice notice_of(struct lg_json *j, const char *text)
{
    struct lg_notice n = {.event = LG_NOTICE_CREATED,
            .severity = LG_SEVERITY_HIGH,
            .json = lg_str_z(text),
            .at = NOW + 123 * 1000000,
            .version = "1.2"};

    assert_int_equal(lg_json_parse(j, n.json, false, &n.alert, NULL), 0);
    return n;
}

static void test_cef(void **state)
{
    struct lg_notice n;
    struct lg_json *j;
    struct lg_buf b;

    (void)state;
    assert_int_equal(lg_json_new(&j), 0);
    lg_buf_init(&b, 1u << 16);
    n = notice_of(j, alert_text);
    lg_notify_cef(&n, &b);
    assert_str(lg_buf_str(&b),
            "CEF:0|Logster|Logster|1.2|T1059.001|Execution on h\\|r\\\\1: a b|8|"
            "rt=1700000000123 act=created externalId=a1 dhost=hr1.example.org"
            " duser=CORP\\\\mal|lory dproc=C:\\\\x.exe fileHash=SHA256\\=AA start=1700000000500"
            " end=1700000060000 cnt=3 cs1Label=techniques cs1=T1059.001,T1003 cs2Label=tenant"
            " cs2=acme cs3Label=endpoint cs3=hr1 cs4Label=status cs4=open"
            " cfp1Label=attackProbability cfp1=0.9700 msg=say a\\=b\\nc\\\\d | e ");
    lg_buf_clear(&b);
    n = notice_of(j, "{}"); /* nothing to tell is no reason to fall */
    n.severity = LG_SEVERITY_CRITICAL;
    lg_notify_cef(&n, &b);
    assert_str(lg_buf_str(&b),
            "CEF:0|Logster|Logster|1.2|alert||10|rt=1700000000123 act=created"
            " cfp1Label=attackProbability cfp1=0.0000");
    lg_buf_done(&b);
    lg_json_free(j);
}

/* A long text is cut between characters, not inside one. */
static void test_cef_cut(void **state)
{
    struct lg_notice n;
    struct lg_json *j;
    struct lg_buf b, al;

    (void)state;
    assert_int_equal(lg_json_new(&j), 0);
    lg_buf_init(&b, 1u << 16);
    lg_buf_init(&al, 1u << 16);
    lg_buf_adds(&al, LG_STR("{\"description\":\""));
    for (int i = 0; i < 800; i++)
        lg_buf_adds(&al, LG_STR("€"));
    lg_buf_adds(&al, LG_STR("\"}"));
    lg_buf_addc(&al, '\0');
    n = notice_of(j, al.p);
    lg_notify_cef(&n, &b);
    assert_int_equal(b.n - (size_t)lg_str_find(lg_buf_str(&b), LG_STR("msg=")), 4 + 999);
    lg_buf_done(&al);
    lg_buf_done(&b);
    lg_json_free(j);
}

static void test_bodies(void **state)
{
    struct lg_jval v, alert;
    struct lg_notice n;
    struct lg_json *j, *k;
    struct lg_buf b;

    (void)state;
    assert_int_equal(lg_json_new(&j), 0);
    assert_int_equal(lg_json_new(&k), 0);
    lg_buf_init(&b, 1u << 20);
    n = notice_of(j, alert_text);
    for (int evidence = 0; evidence < 2; evidence++) {
        struct lg_jiter it;

        lg_buf_clear(&b);
        if (evidence)
            lg_notify_webhook_body(&n, &b);
        else
            lg_notify_json(&n, &b);
        assert_int_equal(lg_json_parse(k, lg_buf_str(&b), false, &v, NULL), 0);
        assert_int_equal(lg_str_chr(lg_buf_str(&b), '\n'), -1);
        assert_str(lg_jval_get_str(v, LG_STR("event")), "created");
        assert_str(
                lg_jval_get_str(v, LG_STR("delivery_id")), "00000000-0000-0000-0000-000000000000");
        assert_str(lg_jval_get_str(v, LG_STR("text")), "[high] Execution on h|r\\1: a\nb");
        assert_true(lg_jval_get(v, LG_STR("alert"), &alert));
        assert_str(lg_jval_get_str(alert, LG_STR("user")), "CORP\\mal|lory");
        assert_true(lg_jval_get(alert, LG_STR("version"), &v));
        assert_true(lg_jval_get(alert, LG_STR("evidence"), &v));
        it = lg_jiter_of(v);
        assert_int_equal(lg_jiter_item(&it, &v), evidence);
    }
    lg_buf_done(&b);
    lg_json_free(j);
    lg_json_free(k);
}

static void test_header_and_signature(void **state)
{
    char mac[LG_NOTIFY_SIGNATURE_MAX], host[64];
    struct lg_buf b;

    (void)state;
    lg_buf_init(&b, 256);
    lg_notify_syslog_header(LG_SYSLOG_AUTH, lg_notify_syslog_severity(LG_SEVERITY_CRITICAL), NOW,
            "siem", "alert", &b);
    assert_str(lg_buf_str(&b), "<34>1 2023-11-14T22:13:20.000Z siem logster - alert - ");
    lg_buf_done(&b);
    lg_notify_sign(LG_STR("s3cret"), 1700000000, LG_STR("{\"a\":1}"), mac);
    /* printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac s3cret */
    assert_string_equal(
            mac, "sha256=1698a50bc74d1ff1db85c4e0a5297c2ad9fdba245d5737cdb789e4cc6e098940");
    lg_notify_host(host, sizeof(host));
    assert_true(strlen(host) > 0 && strchr(host, ' ') == NULL);
}

static void test_backoff(void **state)
{
    struct lg_uuid first = {{0}}, last = {{255}};

    (void)state;
    assert_int_equal(lg_notify_backoff(1, &first), LG_NS_PER_SEC);
    assert_int_equal(lg_notify_backoff(1, &last), LG_NS_PER_SEC * 5 / 4);
    assert_int_equal(lg_notify_backoff(4, &first), 8 * LG_NS_PER_SEC);
    assert_int_equal(lg_notify_backoff(9, &first), 256 * LG_NS_PER_SEC);
    assert_int_equal(lg_notify_backoff(10, &first), 300 * LG_NS_PER_SEC);
    assert_int_equal(lg_notify_backoff(UINT32_MAX, &last), 375 * LG_NS_PER_SEC);
    assert_int_equal(lg_notify_backoff(0, &first), LG_NS_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_cef),
            cmocka_unit_test(test_cef_cut),
            cmocka_unit_test(test_bodies),
            cmocka_unit_test(test_header_and_signature),
            cmocka_unit_test(test_backoff),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
