/* Bodies to items: lines, arrays, values in a row, _bulk, HEC; hosts, keys and topics. */
#include "lg_test.h"

#include "base/limits.h"
#include "services/intake_int.h"

#define MAX_SEEN 64

struct seen {
    char value[256];
    char index[64], id[64], host[64];
    size_t n;
    enum lg_intake_reason reason;
    enum lg_intake_op op;
    bool json, stays;
};

static struct {
    struct seen v[MAX_SEEN];
    size_t n;
    size_t stop_at;
} got;

static void copy(char *to, size_t cap, struct lg_str s)
{
    (void)snprintf(to, cap, "%.*s", (int)s.n, s.n > 0 ? s.p : "");
}

static int on_item(void *user, const struct lg_intake_item *it)
{
    struct seen *s = &got.v[got.n % MAX_SEEN];

    (void)user;
    copy(s->value, sizeof(s->value), it->value);
    copy(s->index, sizeof(s->index), it->index);
    copy(s->id, sizeof(s->id), it->id);
    copy(s->host, sizeof(s->host), it->host);
    s->n = it->n;
    s->reason = it->reason;
    s->op = it->op;
    s->json = it->root.at != NULL;
    s->stays = it->value_stays;
    got.n++;
    return got.stop_at > 0 && got.n >= got.stop_at ? LG_ENOSPC : 0;
}

enum how { LINES, VALUES, BULK, HEC, ANY, ANY_JSON };

static size_t line_of_error;

static int read_body(enum how how, struct lg_str body)
{
    struct lg_intake_reader r = {.max_item_bytes = 100, .max_items = 50, .fn = on_item};
    char *padded = (char *)calloc(1, body.n + LG_JSON_PADDING);
    struct lg_str b = {padded, body.n};
    int rc;

    assert_non_null(padded);
    if (body.n > 0)
        memcpy(padded, body.p, body.n);
    assert_int_equal(lg_json_new(&r.doc), 0);
    assert_int_equal(lg_json_new(&r.action), 0);
    got.n = 0;
    line_of_error = 0;
    switch (how) {
    case LINES:
        rc = lg_intake_read_lines(&r, b);
        break;
    case VALUES:
        rc = lg_intake_read_values(&r, b);
        break;
    case BULK:
        rc = lg_intake_read_bulk(&r, b, LG_STR("dflt"), &line_of_error);
        break;
    case HEC:
        rc = lg_intake_read_hec(&r, b);
        break;
    default:
        rc = lg_intake_read_any(&r, b, how == ANY, &line_of_error);
    }
    lg_json_free(r.doc);
    lg_json_free(r.action);
    free(padded);
    return rc;
}

#define READ(how, text) read_body((how), lg_str_z(text))

static void expect(size_t i, const char *value, enum lg_intake_reason reason)
{
    assert_true(i < got.n);
    assert_string_equal(got.v[i].value, value);
    assert_int_equal(got.v[i].reason, reason);
    assert_int_equal(got.v[i].n, i);
}

static void test_lines(void **state)
{
    (void)state;
    assert_int_equal(READ(LINES,
                             "{\"a\":1}\r\n\n  \n{\"a\" : 2}\ntype=SYSCALL msg=x\n{bad}\n[1]\n"
                             " {\"b\":\"\\ud800\"}"),
            0);
    assert_int_equal(got.n, 6);
    expect(0, "{\"a\":1}", LG_INTAKE_NONE);
    expect(1, "{\"a\" : 2}", LG_INTAKE_NONE);
    expect(2, "type=SYSCALL msg=x", LG_INTAKE_NONE);
    assert_true(got.v[1].json);
    assert_false(got.v[2].json);
    expect(3, "{bad}", LG_INTAKE_BAD_JSON);
    expect(4, "[1]", LG_INTAKE_NOT_OBJECT);
    expect(5, " {\"b\":\"\\ud800\"}", LG_INTAKE_NONE); /* repaired for reading, stored as sent */
    assert_int_equal(READ(LINES, ""), 0);
    assert_int_equal(got.n, 0);
}

static void test_line_limits(void **state)
{
    char body[4096];
    size_t n = 0;

    (void)state;
    n = (size_t)snprintf(body, sizeof(body), "{\"a\":\"%090d\"}\n{\"a\":\"%093d\"}\n", 1, 2);
    assert_int_equal(read_body(LINES, lg_str_of(body, n)), 0);
    assert_int_equal(got.n, 2);
    assert_int_equal(got.v[0].reason, LG_INTAKE_NONE);
    assert_int_equal(got.v[1].reason, LG_INTAKE_OVERSIZED);
    memcpy(body, "text\0more\n", 10);
    assert_int_equal(read_body(LINES, lg_str_of(body, 10)), 0);
    assert_int_equal(got.v[0].reason, LG_INTAKE_BAD_TEXT);
    for (n = 0; n < 51 * 3; n += 3)
        memcpy(body + n, "{}\n", 3);
    assert_int_equal(read_body(LINES, lg_str_of(body, n)), LG_ELIMIT);
    assert_int_equal(got.n, 50);
    assert_int_equal(read_body(LINES, lg_str_of(body, n - 3)), 0);
    got.stop_at = 3;
    assert_int_equal(read_body(LINES, lg_str_of(body, n)), LG_ENOSPC);
    got.stop_at = 0;
    assert_int_equal(got.n, 3);
}

static void test_values(void **state)
{
    (void)state;
    assert_int_equal(READ(VALUES, " [ {\"a\":\"]},{\\\"\"} ,{\"b\":[1,{}]}, 7 ] \n"), 0);
    assert_int_equal(got.n, 3);
    expect(0, "{\"a\":\"]},{\\\"\"}", LG_INTAKE_NONE);
    expect(1, "{\"b\":[1,{}]}", LG_INTAKE_NONE);
    expect(2, "7", LG_INTAKE_NOT_OBJECT);
    assert_int_equal(READ(VALUES, "{\"a\":1}{\"b\":2}\n\n{\n \"c\": 3\n}"), 0);
    assert_int_equal(got.n, 3);
    expect(2, "{\n \"c\": 3\n}", LG_INTAKE_NONE);
    assert_int_equal(READ(VALUES, "[]"), 0);
    assert_int_equal(got.n, 0);
    assert_int_equal(READ(VALUES, "[{},{\"a\":\"}]"), 0); /* a string that does not end */
    assert_int_equal(got.n, 2);
    assert_int_equal(got.v[1].reason, LG_INTAKE_BAD_JSON);
    assert_int_equal(READ(VALUES, "[{}"), 0);
    assert_int_equal(got.n, 2);
    assert_int_equal(got.v[1].reason, LG_INTAKE_BAD_JSON);
    assert_int_equal(READ(VALUES, "[{},]"), 0);
    assert_int_equal(got.v[got.n - 1].reason, LG_INTAKE_BAD_JSON);
    assert_int_equal(READ(VALUES, "[{}] {}"), 0);
    assert_int_equal(got.v[got.n - 1].reason, LG_INTAKE_BAD_JSON);
}

static void test_value_length(void **state)
{
    (void)state;
    assert_int_equal(lg_intake_value_length(LG_STR("{\"a\\\\\":\"b\\\"\"}x")), 13);
    assert_int_equal(lg_intake_value_length(LG_STR("\"a\\\"b\"c")), 6);
    assert_int_equal(lg_intake_value_length(LG_STR("true,")), 4);
    assert_int_equal(lg_intake_value_length(LG_STR("")), 0);
    assert_int_equal(lg_intake_value_length(LG_STR("}")), 0);
    assert_int_equal(lg_intake_value_length(LG_STR("{\"a\":\"\\")), 0);
    assert_int_equal(lg_intake_value_length(LG_STR("[[[")), 0);
}

static void test_bulk(void **state)
{
    (void)state;
    assert_int_equal(READ(BULK,
                             "{\"index\":{\"_index\":\"logs\",\"_id\":\"7\"}}\n{\"a\":1}\n"
                             "{ \"create\" : { } }\r\n{\"a\":2}\r\n"
                             "{ \"create\" : { } }\r\n{\"a\":3\r\n\n"
                             "{\"delete\":{\"_id\":\"x\"}}\n"
                             "{\"update\":{\"_id\":\"y\"}}\n{\"doc\":{}}\n"
                             "{\"index\":{}}\n{\"a\":4}"),
            0);
    assert_int_equal(got.n, 6);
    expect(0, "{\"a\":1}", LG_INTAKE_NONE);
    assert_string_equal(got.v[0].index, "logs");
    assert_string_equal(got.v[0].id, "7");
    expect(1, "{\"a\":2}", LG_INTAKE_NONE);
    assert_int_equal(got.v[1].op, LG_INTAKE_CREATE);
    assert_string_equal(got.v[1].index, "dflt");
    expect(2, "{\"a\":3", LG_INTAKE_BAD_JSON);
    expect(3, "", LG_INTAKE_UNSUPPORTED_ACTION);
    assert_int_equal(got.v[3].op, LG_INTAKE_DELETE);
    expect(4, "", LG_INTAKE_UNSUPPORTED_ACTION);
    expect(5, "{\"a\":4}", LG_INTAKE_NONE);
}

static void test_bad_bulk(void **state)
{
    static const char *const bad[] = {"{\"a\":1}\n{}\n", "{\"index\":1}\n{}\n", "{}\n{}\n",
            "x\n{}\n", "{\"index\":{},\"create\":{}}\n{}\n", "[]\n{}\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(READ(BULK, bad[i]), LG_EPARSE);
        assert_int_equal(line_of_error, 1);
    }
    assert_int_equal(READ(BULK, "{\"index\":{}}\n{}\n\nnope\n"), LG_EPARSE);
    assert_int_equal(line_of_error, 4);
    assert_int_equal(got.n, 1);
    assert_int_equal(READ(BULK, "{\"index\":{}}\n"), 0);
    assert_int_equal(got.v[0].reason, LG_INTAKE_NO_SOURCE_LINE);
}

static void test_any(void **state)
{
    (void)state;
    assert_int_equal(READ(ANY, "[{\"a\":1}]"), 0);
    expect(0, "{\"a\":1}", LG_INTAKE_NONE);
    assert_int_equal(READ(ANY, "{\"index\":{}}\n{\"a\":1}\n"), 0);
    assert_int_equal(got.n, 1);
    expect(0, "{\"a\":1}", LG_INTAKE_NONE);
    assert_int_equal(READ(ANY, "{\"index\":\"x\"}\n{\"a\":1}\n"), 0); /* a record, no action */
    assert_int_equal(got.n, 2);
    assert_int_equal(READ(ANY, "type=A\n{\"a\":1}\n"), 0);
    assert_int_equal(got.n, 2);
    assert_int_equal(READ(ANY_JSON, "{\n\"a\":1\n}\n"), 0);
    assert_int_equal(got.n, 1);
    expect(0, "{\n\"a\":1\n}", LG_INTAKE_NONE);
}

static void test_hec(void **state)
{
    (void)state;
    assert_int_equal(
            READ(HEC,
                    "{\"event\":{\"a\": 1},\"host\":\"h1\"}{\"event\" : \"type=\\u0041\\n\"}\n"
                    "{\"time\":1}{\"event\":\"  \"}{\"event\":null}{\"event\":7}"
                    "{\"host\":\"a\\\"}\",\"x\":[\"event\"],\"event\":{\"event\":{\"event\":2}}}"
                    "{\"event\":\"{\\\"b\\\":2}\"}"),
            0);
    assert_int_equal(got.n, 8);
    expect(0, "{\"a\": 1}", LG_INTAKE_NONE);
    assert_string_equal(got.v[0].host, "h1");
    assert_true(got.v[0].stays);
    expect(1, "type=A", LG_INTAKE_NONE);
    assert_false(got.v[1].stays);
    expect(2, "", LG_INTAKE_NO_EVENT);
    assert_int_equal(got.v[3].reason, LG_INTAKE_BLANK_EVENT);
    assert_int_equal(got.v[4].reason, LG_INTAKE_BLANK_EVENT);
    assert_int_equal(got.v[5].reason, LG_INTAKE_NOT_OBJECT);
    expect(6, "{\"event\":{\"event\":2}}", LG_INTAKE_NONE);
    expect(7, "{\"b\":2}", LG_INTAKE_NONE);
    assert_true(got.v[7].json);
    assert_int_equal(READ(HEC, "{\"event\":{}}{\"event\""), 0);
    assert_int_equal(got.n, 2);
    expect(1, "", LG_INTAKE_BAD_JSON);
    assert_int_equal(READ(HEC, "junk"), 0);
    expect(0, "", LG_INTAKE_BAD_JSON);
}

static const char *host_of(const char *json)
{
    static char host[300];
    struct lg_json *j = NULL;
    struct lg_jval root;

    assert_int_equal(lg_json_new(&j), 0);
    assert_int_equal(lg_json_parse(j, lg_str_z(json), false, &root, NULL), 0);
    copy(host, sizeof(host), lg_intake_host(root));
    lg_json_free(j);
    return host;
}

static void test_hosts(void **state)
{
    (void)state;
    assert_string_equal(host_of("{\"host\":{\"name\":\"wec\"},\"agent\":{\"hostname\":\"wec\"},"
                                "\"winlog\":{\"computer_name\":\"WS1.corp\"}}"),
            "WS1.corp");
    assert_string_equal(host_of("{\"agent\":{\"hostname\":\"a\"},\"host\":{\"name\":\"n\","
                                "\"hostname\":\"h\"}}"),
            "h");
    assert_string_equal(host_of("{\"host\":\"plain\"}"), "plain");
    assert_string_equal(host_of("{\"Event\":{\"System\":{\"Computer\":\"C\"}}}"), "C");
    assert_string_equal(host_of("{\"Hostname\":\"N\",\"host\":{}}"), "N");
    assert_string_equal(host_of("{\"host\":7,\"hostname\":\"\"}"), "");
    assert_string_equal(host_of("{}"), "");
    assert_str(lg_intake_text_host(LG_STR("node=web-1 type=SYSCALL")), "web-1");
    assert_str(lg_intake_text_host(LG_STR("type=SYSCALL")), "");
    assert_str(lg_intake_text_host(LG_STR("<Event><Computer>W</Computer></Event>")), "W");
    assert_str(lg_intake_text_host(LG_STR("<Event><Computer>")), "");
}

static void test_keys(void **state)
{
    char key[LG_INTAKE_KEY_BYTES], longest[400];

    (void)state;
    assert_str(lg_str_of(key, lg_intake_key(LG_STR("t"), LG_STR(" WS1.Corp.Local"), false, key)),
            "t:ws1");
    assert_str(lg_str_of(key, lg_intake_key(LG_STR("t"), LG_STR("WS1.Corp"), true, key)),
            "t:ws1.corp");
    assert_str(lg_str_of(key, lg_intake_key(LG_STR("t"), LG_STR("10.1.2.3"), false, key)),
            "t:10.1.2.3");
    assert_str(lg_str_of(key, lg_intake_key(LG_STR("t"), LG_STR("2001:db8::a"), false, key)),
            "t:2001:db8::a");
    assert_str(lg_str_of(key, lg_intake_key(LG_STR("t"), LG_STR(""), false, key)), "t:");
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(lg_intake_key(lg_str_of(longest, 400), lg_str_of(longest, 400), false, key),
            LG_INTAKE_KEY_BYTES);
}

static void test_topics(void **state)
{
    const struct lg_str none = {0};

    (void)state;
    assert_int_equal(lg_intake_sourcetype_topic(LG_STR("XmlWinEventLog"), none, LG_TOPIC_AUDITD),
            LG_TOPIC_SYSMON);
    assert_int_equal(lg_intake_sourcetype_topic(LG_STR("linux_audit"), none, LG_TOPIC_SYSMON),
            LG_TOPIC_AUDITD);
    assert_int_equal(
            lg_intake_sourcetype_topic(LG_STR("linux-ebpf-file-logs"), none, LG_TOPIC_SYSMON),
            LG_TOPIC_EBPF_FILE);
    assert_int_equal(
            lg_intake_sourcetype_topic(LG_STR("x"),
                    LG_STR("XmlWinEventLog:Microsoft-Windows-Sysmon/Operational"), LG_TOPIC_AUDITD),
            LG_TOPIC_SYSMON);
    assert_int_equal(
            lg_intake_sourcetype_topic(LG_STR("x"), none, LG_TOPIC_EBPF_FILE), LG_TOPIC_EBPF_FILE);
    assert_int_equal(
            lg_intake_topic(LG_STR("<Event xmlns='x'>"), (struct lg_jval){0}, LG_TOPIC_AUDITD),
            LG_TOPIC_SYSMON);
    assert_int_equal(
            lg_intake_topic(LG_STR("node=a type=PATH"), (struct lg_jval){0}, LG_TOPIC_SYSMON),
            LG_TOPIC_AUDITD);
    assert_int_equal(lg_intake_topic(LG_STR("hello"), (struct lg_jval){0}, LG_TOPIC_EBPF_FILE),
            LG_TOPIC_EBPF_FILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_lines),
            cmocka_unit_test(test_line_limits),
            cmocka_unit_test(test_values),
            cmocka_unit_test(test_value_length),
            cmocka_unit_test(test_bulk),
            cmocka_unit_test(test_bad_bulk),
            cmocka_unit_test(test_any),
            cmocka_unit_test(test_hec),
            cmocka_unit_test(test_hosts),
            cmocka_unit_test(test_keys),
            cmocka_unit_test(test_topics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
