/* The whole way in without sockets: requests through the router's checks, records out. */
#include "lg_test.h"

#include <pthread.h>

#include "access/token.h"
#include "services/intake_int.h"

#define MAX_RECORDS 256

struct record {
    char key[320], value[512], tenant[80], principal[80], source[80], endpoint[300], shift[40];
    int topic;
};

static struct {
    struct record v[MAX_RECORDS];
    size_t n, calls;
    int rc; /* what publishing answers */
    pthread_mutex_t lock;
} bus = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void copy(char *to, size_t cap, struct lg_str s)
{
    (void)snprintf(to, cap, "%.*s", (int)(s.n < cap ? s.n : cap - 1), s.n > 0 ? s.p : "");
}

static struct lg_str header_of(const struct lg_bus_record *rec, const char *name)
{
    for (size_t i = 0; i < rec->n_headers; i++)
        if (lg_str_eq(rec->headers[i].name, lg_str_z(name)))
            return rec->headers[i].value;
    return (struct lg_str){0};
}

static int publish(void *user, const struct lg_bus_output *outs, size_t n, struct lg_err *reterr)
{
    int rc;

    (void)user;
    (void)reterr;
    (void)pthread_mutex_lock(&bus.lock);
    bus.calls++;
    rc = bus.rc;
    for (size_t i = 0; rc == 0 && i < n; i++, bus.n++) {
        struct record *r = &bus.v[bus.n % MAX_RECORDS];
        const struct lg_bus_record *rec = &outs[i].rec;

        copy(r->key, sizeof(r->key), rec->key);
        copy(r->value, sizeof(r->value), rec->value);
        copy(r->tenant, sizeof(r->tenant), header_of(rec, LG_BUS_H_TENANT));
        copy(r->principal, sizeof(r->principal), header_of(rec, LG_BUS_H_PRINCIPAL));
        copy(r->source, sizeof(r->source), header_of(rec, LG_BUS_H_SOURCE));
        copy(r->endpoint, sizeof(r->endpoint), header_of(rec, LG_BUS_H_ENDPOINT));
        copy(r->shift, sizeof(r->shift), header_of(rec, LG_BUS_H_TIME_SHIFT));
        r->topic = outs[i].topic;
        if (!lg_str_eq(header_of(rec, LG_BUS_H_SCHEMA), LG_STR("raw/1")))
            rc = LG_EINVAL;
    }
    (void)pthread_mutex_unlock(&bus.lock);
    return rc;
}

static struct lg_config cfg;
static struct lg_topics topics;
static struct lg_metrics *metrics;
static struct lg_intake *in;
static struct lg_router *rt;
static char token_text[4][LG_TOKEN_CHARS + 1];
static struct lg_token tokens[4];
static const struct lg_principal *principals[4];
enum who { ACME, REPLAYER, SEVERAL, VIEWER, NOBODY };

static int authenticate(void *ctx, const struct lg_http_auth *auth, const struct lg_principal **ret)
{
    (void)ctx;
    for (size_t i = 0; auth->token != NULL && i < 4; i++)
        if (lg_token_verify(auth->token, tokens[i].hash)) {
            *ret = lg_principal_ref(principals[i]);
            return 0;
        }
    return LG_EREFUSED;
}

static void make_principal(enum who who, const char *id, const char *tenants[], uint32_t roles)
{
    struct lg_principal *pr = NULL;

    lg_token_make(token_text[who], &tokens[who]);
    assert_int_equal(lg_principal_new(LG_PRINCIPAL_TOKEN, lg_str_z(id), lg_str_z(id), &pr), 0);
    for (; *tenants != NULL; tenants++)
        assert_int_equal(lg_principal_grant(pr, lg_str_z(*tenants), roles), 0);
    if (who == REPLAYER)
        lg_principal_grant_scopes(pr, LG_SCOPE_REPLAY);
    principals[who] = lg_principal_ref(pr);
    lg_principal_unref(pr);
}

static void start(void)
{
    struct lg_intake_deps deps = {.topics = &topics, .config = &cfg, .publish = publish};
    struct lg_err err = {0};

    assert_int_equal(lg_metrics_new(&metrics), 0);
    deps.metrics = metrics;
    assert_int_equal(lg_intake_new(&deps, &in, &err), 0);
    assert_int_equal(lg_router_new(&rt), 0);
    if (lg_intake_attach(in, rt, &err) < 0)
        fail_msg("%s", err.text);
    bus.n = bus.calls = 0;
    bus.rc = 0;
}

static void stop(void)
{
    lg_router_free(rt);
    lg_intake_free(in);
    lg_metrics_free(metrics);
}

static int setup(void **state)
{
    const char *acme[] = {"acme", NULL}, *several[] = {"acme", "beta", NULL};

    (void)state;
    make_principal(ACME, "tok-acme", acme, LG_ROLE_INGEST);
    make_principal(REPLAYER, "tok-replay", acme, LG_ROLE_INGEST);
    make_principal(SEVERAL, "tok-several", several, LG_ROLE_INGEST);
    make_principal(VIEWER, "tok-viewer", acme, LG_ROLE_VIEWER);
    lg_config_defaults(&cfg);
    for (int t = 0; t < LG_TOPIC_COUNT; t++)
        topics.n[t] = 100 + t;
    start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stop();
    for (size_t i = 0; i < 4; i++)
        lg_principal_unref(principals[i]);
    return 0;
}

static int status;
static size_t reply_bytes;
static char body[65536], headers[8192];

static void call_as(
        enum who who, const char *method, const char *uri, struct lg_str data, const char *extra)
{
    const struct lg_http_server_opts opts = {.authenticate = authenticate};
    char auth[200];
    const char *hs[] = {auth, extra, NULL};
    const struct lg_http_call c = {
            .method = method, .uri = lg_str_z(uri), .headers = hs, .body = data};
    struct lg_http_reply r;

    if (who == NOBODY)
        (void)snprintf(auth, sizeof(auth), "X-None: 1");
    else
        (void)snprintf(auth, sizeof(auth), "Authorization: Bearer %s", token_text[who]);
    lg_http_reply_init(&r);
    assert_int_equal(lg_http_call(rt, &opts, &c, &r), 0);
    status = r.status;
    reply_bytes = r.body.n;
    copy(body, sizeof(body), lg_buf_str(&r.body));
    copy(headers, sizeof(headers), lg_buf_str(&r.headers));
    lg_http_reply_done(&r);
}

static void post(const char *uri, const char *text)
{
    bus.n = bus.calls = 0;
    call_as(ACME, "POST", uri, lg_str_z(text), "Content-Type: application/x-ndjson");
}

static void test_ndjson(void **state)
{
    (void)state;
    post("/ingest/sysmon",
            "{\"winlog\":{\"computer_name\":\"WS1.corp\"},\"n\": 1}\n"
            "{\"host\":{\"name\":\"WS2\"}}\n{bad\n{}\n");
    assert_int_equal(status, 200);
    assert_string_equal(body,
            "{\"accepted\":3,\"refused\":1,\"errors\":[{\"item\":2,\"reason\":\"bad_json\"}]}");
    assert_int_equal(bus.n, 3);
    assert_int_equal(bus.calls, 1);
    assert_string_equal(bus.v[0].key, "acme:ws1");
    assert_string_equal(bus.v[0].value, "{\"winlog\":{\"computer_name\":\"WS1.corp\"},\"n\": 1}");
    assert_string_equal(bus.v[0].tenant, "acme");
    assert_string_equal(bus.v[0].principal, "tok-acme");
    assert_string_equal(bus.v[0].source, "sysmon-logs");
    assert_string_equal(bus.v[0].endpoint, "127.0.0.1");
    assert_int_equal(bus.v[0].topic, 100 + LG_TOPIC_SYSMON);
    assert_string_equal(bus.v[1].key, "acme:ws2");
    assert_string_equal(bus.v[2].key, "acme:127.0.0.1");
    post("/ingest/auditd?endpoint=Web-1.dmz",
            "type=SYSCALL msg=audit(1.1:1):\n"
            "node=db-1 type=PATH msg=audit(1.1:1):\n");
    assert_int_equal(status, 200);
    assert_string_equal(bus.v[0].key, "acme:web-1");
    assert_string_equal(bus.v[0].endpoint, "Web-1.dmz");
    assert_string_equal(bus.v[1].key, "acme:db-1");
    assert_string_equal(bus.v[1].source, "linux-auditd-logs");
}

/* Filebeat, Fluent Bit and rsyslog put text into JSON. */
static void test_wrapped_text(void **state)
{
    (void)state;
    post("/ingest/auditd",
            "{\"host\":{\"name\":\"F1.x\"},\"message\":\"type=PATH msg=audit(1.1:1): "
            "a=\\\"b\\\"\"}\n"
            "{\"hostname\":\"r1\",\"msg\":\" node=n2 type=PATH msg=audit(1.1:2): \"}\n"
            "{\"log\":\"type=PATH msg=audit(1.1:3):\"}\n"
            "{\"hostname\":\"r1\",\"message\":\"type= nothing of the kind\"}\n"
            "{\"host\":\"w\",\"message\":\"<Event><Computer>PC</Computer></Event>\"}\n");
    assert_int_equal(status, 200);
    assert_int_equal(bus.n, 5);
    assert_string_equal(bus.v[0].value, "type=PATH msg=audit(1.1:1): a=\"b\"");
    assert_string_equal(bus.v[0].key, "acme:f1");
    assert_string_equal(bus.v[0].endpoint, "F1.x");
    assert_string_equal(bus.v[1].value, "node=n2 type=PATH msg=audit(1.1:2):");
    assert_string_equal(bus.v[1].key, "acme:n2");
    assert_string_equal(bus.v[1].endpoint, "r1");
    assert_string_equal(bus.v[2].key, "acme:127.0.0.1");
    assert_string_equal(
            bus.v[3].value, "{\"hostname\":\"r1\",\"message\":\"type= nothing of the kind\"}");
    assert_string_equal(bus.v[4].value, "<Event><Computer>PC</Computer></Event>");
    assert_string_equal(bus.v[4].key, "acme:pc");
}

static void test_refusals(void **state)
{
    (void)state;
    post("/ingest/nonsense", "{}\n");
    assert_int_equal(status, 404);
    post("/ingest/sysmon", " \n");
    assert_int_equal(status, 400);
    post("/ingest/sysmon", "{bad\n");
    assert_int_equal(status, 422);
    assert_string_equal(body,
            "{\"accepted\":0,\"refused\":1,\"errors\":[{\"item\":0,\"reason\":\"bad_json\"}]}");
    assert_int_equal(bus.calls, 0);
    call_as(NOBODY, "POST", "/ingest/sysmon", LG_STR("{}\n"), NULL);
    assert_int_equal(status, 401);
    call_as(VIEWER, "POST", "/ingest/sysmon", LG_STR("{}\n"), NULL);
    assert_int_equal(status, 403);
    assert_int_equal(bus.n, 0);
}

static void test_tenants(void **state)
{
    (void)state;
    bus.n = 0;
    call_as(SEVERAL, "POST", "/ingest/sysmon", LG_STR("{\"tenant_id\":\"x\"}\n"), NULL);
    assert_int_equal(status, 400);
    call_as(SEVERAL, "POST", "/ingest/sysmon?tenant=beta", LG_STR("{}\n"), NULL);
    assert_int_equal(status, 200);
    assert_string_equal(bus.v[0].tenant, "beta");
    assert_string_equal(bus.v[0].key, "beta:127.0.0.1");
    call_as(SEVERAL, "POST", "/ingest/sysmon?tenant=other", LG_STR("{}\n"), NULL);
    assert_int_equal(status, 403);
    call_as(ACME, "POST", "/ingest/sysmon?tenant=beta", LG_STR("{}\n"), NULL);
    assert_int_equal(status, 403);
    assert_int_equal(bus.n, 1);
}

static void test_time_shift(void **state)
{
    (void)state;
    bus.n = 0;
    call_as(ACME, "POST", "/ingest/sysmon", LG_STR("{}\n"), "X-Logster-Time-Shift: 5");
    assert_int_equal(status, 403);
    call_as(REPLAYER, "POST", "/ingest/sysmon", LG_STR("{}\n"), "X-Logster-Time-Shift: 1x");
    assert_int_equal(status, 400);
    call_as(REPLAYER, "POST", "/ingest/sysmon", LG_STR("{}\n"), "X-Logster-Time-Shift: -12");
    assert_int_equal(status, 200);
    assert_int_equal(bus.n, 1);
    assert_string_equal(bus.v[0].shift, "-12");
    call_as(REPLAYER, "POST", "/ingest/sysmon", LG_STR("{}\n"), NULL);
    assert_string_equal(bus.v[1].shift, "");
}

static void test_bus_failures(void **state)
{
    static const struct {
        int rc, status;
    } cases[] = {{LG_ENOSPC, 503}, {LG_EAGAIN, 503}, {LG_EIO, 503}, {0, 200}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        bus.rc = cases[i].rc;
        post("/ingest/sysmon", "{}\n");
        assert_int_equal(status, cases[i].status);
        if (status == 503)
            assert_non_null(strstr(headers, "Retry-After: 1\n"));
        post("/ingest/sysmon/_bulk", "{\"index\":{}}\n{}\n");
        assert_int_equal(status, cases[i].status);
        if (status == 503)
            assert_non_null(strstr(body, "unavailable_shards_exception"));
        post("/services/collector", "{\"event\":{}}");
        assert_int_equal(status, cases[i].status);
        if (status == 503)
            assert_string_equal(body, "{\"text\":\"Server is busy\",\"code\":9}");
    }
    bus.rc = 0;
}

static void test_bulk(void **state)
{
    (void)state;
    post("/ingest/winlogbeat/_bulk?filter_path=errors,items.create.status,items.create.error",
            "{\"create\":{\"_index\":\"w\"}}\n{\"winlog\":{\"computer_name\":\"A\"}}\n"
            "{\"create\":{\"_index\":\"w\"}}\n{bad\n");
    assert_int_equal(status, 200);
    assert_string_equal(body,
            "{\"errors\":true,\"items\":[{\"create\":{\"status\":201}},{\"create\":{\"status\":400,"
            "\"error\":{\"type\":\"document_parsing_exception\",\"reason\":\"failed to parse: "
            "bad_json\"}}}]}");
    assert_int_equal(bus.n, 1);
    assert_string_equal(bus.v[0].key, "acme:a");
    assert_non_null(strstr(headers, "X-Elastic-Product: Elasticsearch\n"));
    post("/ingest/sysmon/logs/_bulk", "{\"index\":{}}\n{}\n");
    assert_int_equal(status, 200);
    assert_non_null(strstr(body, "\"errors\":false"));
    assert_non_null(strstr(body, "\"_index\":\"logs\""));
    post("/ingest/sysmon/_bulk", "");
    assert_int_equal(status, 400);
    post("/ingest/sysmon/_bulk", "{\"index\":{}}\n{}\nnope\n{}\n");
    assert_int_equal(status, 400);
    assert_non_null(strstr(body, "Malformed action/metadata line [3]"));
    post("/ingest/sysmon", "{\"index\":{}}\n{\"a\":1}\n"); /* the same without the path */
    assert_int_equal(status, 200);
    assert_int_equal(bus.n, 1);
    assert_string_equal(bus.v[0].value, "{\"a\":1}");
    post("/ingest/nonsense/_bulk", "{\"index\":{}}\n{}\n");
    assert_int_equal(status, 404);
    assert_non_null(strstr(body, "index_not_found_exception"));
}

/* A huge answer turns brief instead of failing. */
static void test_large_answer(void **state)
{
    static const char line[] = "{\"index\":{}}\n{}\n";
    const size_t n = 60000, len = sizeof(line) - 1;
    char *text = (char *)malloc(n * len);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        memcpy(text + i * len, line, len);
    bus.n = 0;
    call_as(ACME, "POST", "/ingest/sysmon/_bulk", lg_str_of(text, n * len), NULL);
    assert_int_equal(status, 200);
    assert_int_equal(bus.n, n);
    assert_non_null(strstr(body, "\"_id\""));
    assert_true(reply_bytes > (size_t)8 << 20 && reply_bytes < (size_t)10 << 20);
    free(text);
}

static void test_documents(void **state)
{
    (void)state;
    post("/ingest/auditd/logs/_doc", "{\"hostname\":\"h\",\n\"a\":1}");
    assert_int_equal(status, 201);
    assert_non_null(strstr(body, "\"result\":\"created\""));
    assert_string_equal(bus.v[0].key, "acme:h");
    call_as(ACME, "PUT", "/ingest/auditd/logs/_doc/77", LG_STR("{}"), NULL);
    assert_int_equal(status, 201);
    assert_non_null(strstr(body, "\"_id\":\"77\""));
    post("/ingest/auditd/logs/_doc", "{bad");
    assert_int_equal(status, 400);
    post("/ingest/auditd/logs/_doc", "{}{}");
    assert_int_equal(status, 400);
    assert_int_equal(bus.n, 0);
}

/* What Winlogbeat 7 and 8 ask before they ship. */
static void test_handshake(void **state)
{
    static const struct {
        const char *method, *uri;
    } asked[] = {{"GET", "/ingest/winlogbeat"}, {"GET", "/ingest/winlogbeat/"},
            {"HEAD", "/ingest/winlogbeat/"}, {"GET", "/ingest/winlogbeat/_license?human=false"},
            {"GET", "/ingest/winlogbeat/_xpack"},
            {"GET", "/ingest/winlogbeat/_ilm/policy/winlogbeat"},
            {"PUT", "/ingest/winlogbeat/_ilm/policy/winlogbeat"},
            {"HEAD", "/ingest/winlogbeat/_index_template/winlogbeat-8.17.0"},
            {"PUT", "/ingest/winlogbeat/_index_template/winlogbeat-8.17.0"},
            {"GET", "/ingest/winlogbeat/_data_stream/winlogbeat-8.17.0"},
            {"PUT", "/ingest/winlogbeat/_data_stream/winlogbeat-8.17.0"},
            {"HEAD", "/ingest/winlogbeat/_alias/winlogbeat-7.17.0"},
            {"PUT", "/ingest/winlogbeat/%3Cwinlogbeat-7.17.0-%7Bnow%2Fd%7D-000001%3E"},
            {"GET", "/ingest/winlogbeat/_ingest/pipeline/winlogbeat-8.17.0-routing"},
            {"HEAD", "/ingest/winlogbeat/_cat/health"}};

    (void)state;
    bus.calls = 0;
    for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
        call_as(ACME, asked[i].method, asked[i].uri,
                asked[i].method[0] == 'P' ? LG_STR("{}") : LG_STR(""), NULL);
        if (status != 200)
            fail_msg("%s %s: %d %s", asked[i].method, asked[i].uri, status, body);
        assert_non_null(strstr(headers, "X-Elastic-Product: Elasticsearch\n"));
    }
    assert_int_equal(bus.calls, 0);
    call_as(ACME, "GET", "/ingest/winlogbeat/", LG_STR(""),
            "Accept: application/vnd.elasticsearch+json; compatible-with=8,text/plain");
    assert_int_equal(status, 200);
    assert_non_null(strstr(headers, "application/vnd.elasticsearch+json;compatible-with=8"));
    call_as(NOBODY, "GET", "/ingest/winlogbeat/", LG_STR(""), NULL);
    assert_int_equal(status, 401);
}

static void test_hec(void **state)
{
    (void)state;
    post("/services/collector/event",
            "{\"host\":\"H1\",\"sourcetype\":\"linux_audit\",\"event\":\"type=PATH msg=a\"}"
            "{\"host\":\"H2\",\"sourcetype\":\"XmlWinEventLog\",\"event\":{\"Computer\":\"W\"}}");
    assert_int_equal(status, 200);
    assert_string_equal(body, "{\"text\":\"Success\",\"code\":0}");
    assert_int_equal(bus.n, 2);
    assert_string_equal(bus.v[0].source, "linux-auditd-logs");
    assert_string_equal(bus.v[0].key, "acme:h1");
    assert_string_equal(bus.v[0].endpoint, "H1");
    assert_string_equal(bus.v[0].value, "type=PATH msg=a");
    assert_string_equal(bus.v[1].source, "sysmon-logs");
    assert_string_equal(bus.v[1].key, "acme:w");
    assert_string_equal(bus.v[1].endpoint, "H2");
    post("/services/collector/event/1.0", "{\"event\":{}}{\"x\":1}{\"event\":{}}");
    assert_int_equal(status, 400);
    assert_string_equal(body,
            "{\"text\":\"Event field is required\",\"code\":12,"
            "\"invalid-event-number\":1,\"reason\":\"no_event\"}");
    assert_int_equal(bus.n, 2);
    post("/services/collector", "");
    assert_int_equal(status, 400);
    assert_string_equal(body, "{\"text\":\"No data\",\"code\":5}");
    post("/services/collector/raw?host=r1&sourcetype=auditd", "type=A\ntype=B\n");
    assert_int_equal(status, 200);
    assert_int_equal(bus.n, 2);
    assert_string_equal(bus.v[1].key, "acme:r1");
    assert_string_equal(bus.v[1].source, "linux-auditd-logs");
    call_as(NOBODY, "GET", "/services/collector/health", LG_STR(""), NULL);
    assert_int_equal(status, 200);
    assert_string_equal(body, "{\"text\":\"HEC is healthy\",\"code\":17}");
}

static void test_hec_acks(void **state)
{
    (void)state;
    call_as(ACME, "POST", "/services/collector?channel=c", LG_STR("{\"event\":{}}"), NULL);
    assert_string_equal(body, "{\"text\":\"Success\",\"code\":0,\"ackId\":0}");
    call_as(ACME, "POST", "/services/collector", LG_STR("{\"event\":{}}"),
            "X-Splunk-Request-Channel: c");
    assert_string_equal(body, "{\"text\":\"Success\",\"code\":0,\"ackId\":1}");
    call_as(ACME, "POST", "/services/collector/ack?channel=c", LG_STR("{\"acks\":[0,1]}"), NULL);
    assert_int_equal(status, 200);
    assert_string_equal(body, "{\"acks\":{\"0\":true,\"1\":true}}");
    call_as(ACME, "POST", "/services/collector/ack?channel=c", LG_STR("[]"), NULL);
    assert_int_equal(status, 400);
}

static void test_many(void **state)
{
    const size_t n = 20000;
    char *text = (char *)calloc(n + 1, 24);
    size_t at = 0;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, 24, "{\"host\":\"h%zu\"}\n", i % 7);
    bus.n = bus.calls = 0;
    call_as(ACME, "POST", "/ingest/sysmon", lg_str_of(text, at), NULL);
    assert_int_equal(status, 200);
    assert_string_equal(body, "{\"accepted\":20000,\"refused\":0,\"errors\":[]}");
    assert_int_equal(bus.n, n);
    assert_int_equal(bus.calls, 3);
    assert_string_equal(bus.v[(n - 1) % MAX_RECORDS].key, "acme:h0");
    free(text);
}

static void test_too_many_items(void **state)
{
    const size_t n = 100001;
    char *text = (char *)malloc(n * 3);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        memcpy(text + 3 * i, "{}\n", 3);
    call_as(ACME, "POST", "/ingest/sysmon", lg_str_of(text, 3 * n), NULL);
    assert_int_equal(status, 413);
    call_as(ACME, "POST", "/ingest/sysmon", lg_str_of(text, 3 * n - 3), NULL);
    assert_int_equal(status, 200);
    free(text);
}

static void test_inflight(void **state)
{
    (void)state;
    atomic_store(&in->inflight_bytes, cfg.intake.max_inflight_bytes);
    post("/ingest/sysmon", "{}\n");
    assert_int_equal(status, 429);
    assert_non_null(strstr(headers, "Retry-After: 1\n"));
    post("/ingest/sysmon/_bulk", "{\"index\":{}}\n{}\n");
    assert_int_equal(status, 429);
    assert_non_null(strstr(body, "es_rejected_execution_exception"));
    atomic_store(&in->inflight_bytes, 0);
    post("/ingest/sysmon", "{}\n");
    assert_int_equal(status, 200);
    assert_int_equal(atomic_load(&in->inflight_bytes), 0);
}

static void test_metrics(void **state)
{
    struct lg_buf out;

    (void)state;
    stop();
    start();
    post("/ingest/sysmon", "{}\n{bad\n");
    post("/ingest/sysmon/_bulk", "nope");
    lg_buf_init(&out, 1 << 20);
    lg_metrics_write(metrics, &out);
    lg_buf_addc(&out, '\0');
    assert_non_null(strstr(out.p, "\nlogster_intake_events_total{api=\"ingest\"} 1\n"));
    assert_non_null(strstr(out.p, "\nlogster_intake_bytes_total{api=\"ingest\"} 2\n"));
    assert_non_null(
            strstr(out.p, "\nlogster_intake_refused_events_total{reason=\"bad_json\"} 1\n"));
    assert_non_null(strstr(
            out.p, "\nlogster_intake_requests_total{api=\"elasticsearch\",status=\"4xx\"} 1\n"));
    assert_non_null(strstr(out.p, "\nlogster_intake_inflight_bytes 0\n"));
    lg_buf_done(&out);
}

static int syslog(const struct lg_syslog_peer *peer, const char *text)
{
    const struct lg_syslog_msg msg = {lg_str_z(text), false};

    bus.n = bus.calls = 0;
    return lg_intake_syslog(in, peer, &msg, 1, INT64_C(1700000000) * LG_NS_PER_SEC);
}

static void test_syslog(void **state)
{
    const struct lg_syslog_peer local = {.address = LG_STR("127.0.0.1"), .loopback = true};
    const struct lg_syslog_peer far = {.address = LG_STR("192.0.2.1")};
    const struct lg_syslog_peer cert = {
            .address = LG_STR("192.0.2.1"), .tls = true, .cert_name = LG_STR("Acme")};

    (void)state;
    assert_int_equal(syslog(&local,
                             "<13>1 2023-11-14T22:13:20Z web1 audispd - - - type=SYSCALL "
                             "msg=audit(1.1:1): arch=c000003e"),
            0);
    assert_int_equal(bus.n, 1);
    assert_string_equal(bus.v[0].value, "type=SYSCALL msg=audit(1.1:1): arch=c000003e");
    assert_string_equal(bus.v[0].key, "default:web1");
    assert_string_equal(bus.v[0].endpoint, "web1");
    assert_string_equal(bus.v[0].source, "linux-auditd-logs");
    assert_int_equal(
            syslog(&local,
                    "<13>Nov 14 22:13:20 web2 app: @cee:{\"winlog\":{\"computer_name\":\"P\"}}"),
            0);
    assert_string_equal(bus.v[0].value, "{\"winlog\":{\"computer_name\":\"P\"}}");
    assert_string_equal(bus.v[0].source, "sysmon-logs");
    assert_string_equal(bus.v[0].key, "default:p");
    assert_int_equal(syslog(&local, "node=n1 type=PATH msg=audit(1.1:1): x"), 0);
    assert_string_equal(bus.v[0].value, "node=n1 type=PATH msg=audit(1.1:1): x");
    assert_string_equal(bus.v[0].key, "default:n1");
    assert_int_equal(syslog(&far, "x"), LG_EREFUSED);
    assert_int_equal(syslog(&cert, "type=A msg=audit(1:1): "), 0);
    assert_string_equal(bus.v[0].tenant, "acme");
    bus.rc = LG_ENOSPC;
    assert_int_equal(syslog(&local, "type=A msg=audit(1:1): "), LG_ELIMIT);
    bus.rc = LG_EIO;
    assert_int_equal(syslog(&local, "type=A msg=audit(1:1): "), LG_EIO);
    bus.rc = 0;
}

static void *shipper(void *arg)
{
    struct lg_syslog_peer local = {.address = LG_STR("127.0.0.1"), .loopback = true};
    const struct lg_syslog_msg msgs[] = {
            {LG_STR("type=A msg=audit(1:1): "), false}, {LG_STR("{\"hostname\":\"q\"}"), false}};

    (void)arg;
    for (int i = 0; i < 500; i++)
        if (lg_intake_syslog(in, &local, msgs, 2, 1) < 0)
            return "refused";
    return NULL;
}

/* Threads share the pool; nothing is lost or mixed. */
static void test_threads(void **state)
{
    pthread_t t[4];
    void *why = NULL;

    (void)state;
    bus.n = 0;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, shipper, NULL), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(t[i], &why), 0);
        assert_null(why);
    }
    assert_int_equal(bus.n, 4 * 500 * 2);
    assert_int_equal(lg_metrics_counter_value(metrics, in->events[LG_INTAKE_API_SYSLOG]) % 2, 0);
    assert_int_equal(atomic_load(&in->inflight_bytes), 0);
}

static void test_oom(void **state)
{
    const struct lg_syslog_peer local = {.address = LG_STR("127.0.0.1"), .loopback = true};
    uint64_t n = 0;
    int rc = LG_ELIMIT;

    (void)state;
    stop();
    while (rc != 0 && n < 500) {
        start();
        (void)lg_mem_fail_from(++n);
        rc = syslog(&local, "{\"hostname\":\"q\"}");
        (void)lg_mem_fail_from(0);
        assert_true(rc == 0 || rc == LG_ELIMIT);
        assert_true(rc != 0 || bus.n == 1);
        stop();
    }
    assert_int_equal(rc, 0);
    assert_true(n > 5);
    start();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_ndjson),
            cmocka_unit_test(test_wrapped_text),
            cmocka_unit_test(test_refusals),
            cmocka_unit_test(test_tenants),
            cmocka_unit_test(test_time_shift),
            cmocka_unit_test(test_bus_failures),
            cmocka_unit_test(test_bulk),
            cmocka_unit_test(test_large_answer),
            cmocka_unit_test(test_documents),
            cmocka_unit_test(test_handshake),
            cmocka_unit_test(test_hec),
            cmocka_unit_test(test_hec_acks),
            cmocka_unit_test(test_many),
            cmocka_unit_test(test_too_many_items),
            cmocka_unit_test(test_inflight),
            cmocka_unit_test(test_metrics),
            cmocka_unit_test(test_syslog),
            cmocka_unit_test(test_threads),
            cmocka_unit_test(test_oom),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
