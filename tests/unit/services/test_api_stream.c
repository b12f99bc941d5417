#include "api_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

/* Event streams over a real connection: who hears what, what is missed and caught up, who is cut. */

struct line {
    int fd;
    char text[65536];
    size_t n;
};

static struct lg_http_server *serve(struct api_fix *f)
{
    struct lg_http_server *srv;
    struct lg_err err = {0};

    f->opts.threads = 2;
    if (lg_http_server_start(f->rt, &f->opts, &srv, &err) < 0 || lg_api_start(f->api, &err) < 0)
        fail_msg("%s", err.text);
    return srv;
}

static void stop(struct api_fix *f, struct lg_http_server *srv)
{
    lg_api_stop(f->api);
    lg_http_server_stop(srv, 2000);
}

static void dial(struct api_fix *f, struct lg_http_server *srv, enum api_role as, const char *query,
        const char *header, struct line *l)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(lg_http_server_port(srv))};
    char head[512];
    int n;

    memset(l, 0, sizeof(*l));
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(l->fd >= 0);
    assert_int_equal(connect(l->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    n = snprintf(head, sizeof(head),
            "GET /stream%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s\r\n",
            query, f->token[as], header);
    assert_int_equal(write(l->fd, head, (size_t)n), n);
}

/* Reads until `text` is there; false when the other side closed or ten seconds have passed. */
static bool hear(struct line *l, const char *text)
{
    for (int i = 0; i < 100; i++) {
        struct pollfd p = {.fd = l->fd, .events = POLLIN};
        ssize_t got;

        if (lg_str_find(lg_str_of(l->text, l->n), lg_str_z(text)) >= 0)
            return true;
        if (poll(&p, 1, 100) <= 0)
            continue;
        got = read(l->fd, l->text + l->n, sizeof(l->text) - l->n);
        if (got <= 0)
            return false;
        l->n += (size_t)got;
    }
    return false;
}

static bool heard(const struct line *l, const char *text)
{
    return lg_str_find(lg_str_of(l->text, l->n), lg_str_z(text)) >= 0;
}

#define assert_hear(l, want)                                                                       \
    do {                                                                                           \
        if (!hear((l), (want)))                                                                    \
            fail_msg("no %s in %.*s", (want), (int)(l)->n, (l)->text);                             \
    } while (0)

/* One record of logster-alerts, as the alerts stage sends it. */
static void tell(struct api_fix *f, const char *tenant, const char *change, const char *json)
{
    struct lg_bus_header headers[] = {
            {LG_STR(LG_BUS_H_TENANT), lg_str_z(tenant)}, {LG_STR("lg-change"), lg_str_z(change)}};
    struct lg_bus_output out = {.topic = f->topics.n[LG_TOPIC_ALERTS],
            .partition = LG_BUS_BY_KEY,
            .rec = {.key = lg_str_z(tenant),
                    .value = lg_str_z(json),
                    .headers = headers,
                    .n_headers = 2}};
    struct lg_err err = {0};

    if (lg_bus_publish(f->bus, &out, 1, 0, &err) < 0)
        fail_msg("%s", err.text);
}

static void test_each_hears_his_own(void **state)
{
    struct api_fix *f = *state;
    struct lg_http_server *srv;
    struct line acme, other, both, narrow;

    tell(f, "acme", "created", "{\"n\":\"before the start\"}");
    srv = serve(f);
    dial(f, srv, API_VIEWER, "", "", &acme);
    dial(f, srv, API_OTHER, "", "", &other);
    dial(f, srv, API_BOTH, "", "", &both);
    dial(f, srv, API_BOTH, "?tenant_id=other", "", &narrow);
    assert_hear(&acme, "event: hello");
    assert_hear(&other, "event: hello");
    assert_hear(&both, "event: hello");
    assert_hear(&narrow, "event: hello");
    assert_true(heard(&acme, "text/event-stream"));
    tell(f, "acme", "created", "{\"n\":\"alpha\"}");
    tell(f, "other", "folded", "{\"n\":\"omega\"}");
    assert_hear(&acme, "event: created");
    assert_hear(&acme, "data: {\"n\":\"alpha\"}");
    assert_hear(&other, "data: {\"n\":\"omega\"}");
    assert_hear(&both, "data: {\"n\":\"alpha\"}");
    assert_hear(&both, "data: {\"n\":\"omega\"}");
    assert_hear(&narrow, "data: {\"n\":\"omega\"}");
    assert_false(heard(&acme, "omega"));
    assert_false(heard(&other, "alpha"));
    assert_false(heard(&narrow, "alpha"));
    assert_false(heard(&acme, "before the start"));
    stop(f, srv);
    (void)close(acme.fd);
    (void)close(other.fd);
    (void)close(both.fd);
    (void)close(narrow.fd);
}

static void last_id(const struct line *l, char header[128])
{
    struct lg_str rest = lg_str_of(l->text, l->n);
    ptrdiff_t at, last = -1;

    while ((at = lg_str_find(rest, LG_STR("id: "))) >= 0) {
        rest = lg_str_sub(rest, (size_t)at + 4, rest.n);
        last = rest.p - l->text;
    }
    assert_true(last >= 0);
    (void)snprintf(header, 128, "Last-Event-ID: %.32s\r\n", l->text + last);
}

static void test_what_was_missed_comes_again(void **state)
{
    struct api_fix *f = *state;
    struct lg_http_server *srv = serve(f);
    char header[128], first[128];
    struct line l;

    dial(f, srv, API_VIEWER, "", "", &l);
    assert_hear(&l, "event: hello");
    tell(f, "acme", "created", "{\"n\":\"one\"}");
    assert_hear(&l, "\"one\"");
    last_id(&l, header);
    memcpy(first, header, sizeof(first));
    tell(f, "acme", "updated", "{\"n\":\"two\"}");
    assert_hear(&l, "\"two\"");
    last_id(&l, header);
    assert_string_not_equal(first, header);
    (void)close(l.fd);
    lg_api_alert_changed(f->api, LG_STR("other"), LG_STR("created"), LG_STR("{\"n\":\"theirs\"}"));
    lg_api_alert_changed(f->api, LG_STR("acme"), LG_STR("created"), LG_STR("{\"n\":\"three\"}"));
    dial(f, srv, API_VIEWER, "", header, &l);
    assert_hear(&l, "\"three\"");
    assert_false(heard(&l, "\"two\""));
    assert_false(heard(&l, "theirs"));
    assert_false(heard(&l, "reset"));
    (void)close(l.fd);
    dial(f, srv, API_VIEWER, "", first, &l);
    assert_hear(&l, "\"three\"");
    assert_true(heard(&l, "\"two\""));
    (void)close(l.fd);
    dial(f, srv, API_VIEWER, "", "Last-Event-ID: 0123\r\n", &l);
    assert_hear(&l, "event: reset");
    (void)close(l.fd);
    stop(f, srv);
}

static void test_a_revoked_token_hears_no_more(void **state)
{
    struct api_fix *f = *state;
    struct lg_http_server *srv = serve(f);
    struct line l;
    char uri[128];

    dial(f, srv, API_VIEWER, "", "", &l);
    assert_hear(&l, "event: hello");
    (void)snprintf(uri, sizeof(uri), "/tokens/%s", f->token_id[API_VIEWER]);
    assert_status(f, fix_call(f, API_ADMIN, "DELETE", uri, NULL, NULL), 204);
    assert_false(hear(&l, "never said"));
    assert_true(recv(l.fd, uri, 1, MSG_DONTWAIT | MSG_PEEK) <= 0);
    (void)close(l.fd);
    stop(f, srv);
}

static void test_streams_are_counted(void **state)
{
    struct api_fix *f = *state;
    struct lg_http_server *srv;
    struct line a, b, c;

    f->cfg.api.stream_clients = 2;
    lg_api_reload(f->api, &f->cfg);
    srv = serve(f);
    dial(f, srv, API_VIEWER, "", "", &a);
    assert_hear(&a, "event: hello");
    dial(f, srv, API_VIEWER, "", "", &b);
    assert_hear(&b, "event: hello");
    dial(f, srv, API_VIEWER, "", "", &c);
    assert_hear(&c, " 503 ");
    (void)close(c.fd);
    assert_status(f, fix_get(f, API_METRICS, "/metrics"), 200);
    assert_has(f, "logster_stream_clients 2");
    (void)close(a.fd);
    (void)close(b.fd);
    stop(f, srv);
}

/* More changes than are kept: who comes back later reads everything again. */
static void test_the_ring_turns(void **state)
{
    struct api_fix *f = *state;
    struct lg_http_server *srv = serve(f);
    char header[128];
    struct line l;

    dial(f, srv, API_VIEWER, "", "", &l);
    lg_api_alert_changed(f->api, LG_STR("acme"), LG_STR("created"), LG_STR("{\"n\":\"one\"}"));
    assert_hear(&l, "event: hello");
    lg_api_alert_changed(f->api, LG_STR("acme"), LG_STR("created"), LG_STR("{\"n\":\"two\"}"));
    assert_hear(&l, "\"two\"");
    last_id(&l, header);
    (void)close(l.fd);
    for (int i = 0; i < 5000; i++)
        lg_api_alert_changed(f->api, LG_STR("acme"), LG_STR("updated"), LG_STR("{}"));
    dial(f, srv, API_VIEWER, "", header, &l);
    assert_hear(&l, "event: reset");
    (void)close(l.fd);
    stop(f, srv);
}

/* ---- many at once ---- */

struct caller {
    pthread_t thread;
    struct api_fix *f;
    enum api_role as;
    unsigned number;
    int worst; /* largest status */
};

static void one_call(struct caller *c, const char *method, const char *uri, const char *body)
{
    char authorization[128];
    const char *headers[] = {authorization, "Content-Type: application/json", NULL};
    struct lg_http_call call = {
            .method = method, .uri = lg_str_z(uri), .headers = headers, .body = lg_str_z(body)};
    struct lg_http_reply reply;

    (void)snprintf(
            authorization, sizeof(authorization), "Authorization: Bearer %s", c->f->token[c->as]);
    lg_http_reply_init(&reply);
    if (lg_http_call(c->f->rt, &c->f->opts, &call, &reply) < 0 || reply.status > c->worst)
        c->worst = reply.status > 0 ? reply.status : 999;
    lg_http_reply_done(&reply);
}

static void *call_on(void *ctx)
{
    struct caller *c = ctx;
    char alert[256], body[128];

    fix_uri(alert, "/alerts/", &c->f->alert[0], "");
    for (int i = 0; i < 20; i++) {
        one_call(c, "GET", "/alerts?sort=attack_prob", NULL);
        (void)snprintf(body, sizeof(body), "{\"analyst_notes\":\"%u %d\"}", c->number, i);
        one_call(c, "PATCH", alert, body);
        one_call(c, "GET", "/endpoints/hr001?tenant_id=acme", NULL);
        one_call(c, "GET", "/events?q=prog", NULL);
        one_call(c, "POST", "/dead-letters/replay", "{\"reason\":\"flood\"}");
        one_call(c, "GET", "/metrics", NULL);
        lg_auth_forget(c->f->auth, LG_STR(""));
        lg_api_alert_changed(c->f->api, LG_STR("acme"), LG_STR("updated"), LG_STR("{}"));
        lg_api_reload(c->f->api, &c->f->cfg);
    }
    return NULL;
}

static void test_many_at_once(void **state)
{
    struct api_fix *f = *state;
    struct caller c[6];
    struct lg_http_server *srv;
    struct line l;
    int64_t end = 0, begin;

    for (unsigned i = 0; i < 60; i++)
        fix_dead(f, "acme", "flood", i);
    srv = serve(f);
    dial(f, srv, API_VIEWER, "", "", &l);
    assert_hear(&l, "event: hello");
    for (unsigned i = 0; i < 6; i++) {
        c[i] = (struct caller){.f = f, .as = API_ALL, .number = i};
        assert_int_equal(pthread_create(&c[i].thread, NULL, call_on, &c[i]), 0);
    }
    for (unsigned i = 0; i < 6; i++) {
        (void)pthread_join(c[i].thread, NULL);
        if (c[i].worst > 299)
            fail_msg("%d", c[i].worst);
    }
    assert_hear(&l, "event: updated");
    (void)close(l.fd);
    stop(f, srv);
    /* each dead letter went through once, whoever asked */
    for (int32_t p = 0, sum = 0; p < 2; p++) {
        int64_t at;

        assert_int_equal(lg_bus_offsets(f->bus, f->topics.n[LG_TOPIC_SYSMON], p, &begin, &at), 0);
        sum += (int32_t)(at - begin);
        end = sum;
    }
    assert_int_equal(end, 60);
    assert_status(f, fix_get(f, API_OPERATOR, "/audit/verify"), 200);
    assert_has(f, "\"ok\":true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)
            T(test_each_hears_his_own),
            T(test_what_was_missed_comes_again),
            T(test_a_revoked_token_hears_no_more),
            T(test_streams_are_counted),
            T(test_the_ring_turns),
            T(test_many_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
