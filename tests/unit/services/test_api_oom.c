#include "api_fixture.h"

/* Memory fails at every allocation in turn: an answer comes, nothing is lost, nothing leaks. */

#define STEPS 400

static void sweep(struct api_fix *f, enum api_role as, const char *method, const char *uri,
        const char *body, int good)
{
    bool done = false;

    for (uint64_t n = 1; n < STEPS && !done; n++) {
        char authorization[128];
        const char *headers[] = {authorization, "Content-Type: application/json", NULL};
        struct lg_http_call call = {
                .method = method,
                .uri = lg_str_z(uri),
                .headers = headers,
                .body = lg_str_z(body),
        };
        int rc;

        (void)snprintf(
                authorization, sizeof(authorization), "Authorization: Bearer %s", f->token[as]);
        if (body == NULL)
            headers[1] = NULL;
        f->now += 3 * LG_NS_PER_SEC; /* the token is read again */
        lg_http_reply_done(&f->reply);
        lg_http_reply_init(&f->reply);
        (void)lg_mem_fail_from(n);
        rc = lg_http_call(f->rt, &f->opts, &call, &f->reply);
        (void)lg_mem_fail_from(0);
        if (rc == 0 && f->reply.status == good) {
            done = true;
        } else if (rc == 0 && f->reply.status < 500 && f->reply.status != 400) {
            fail_msg("%s %s at %d: %d %.*s", method, uri, (int)n, f->reply.status,
                    (int)f->reply.body.n, f->reply.body.p);
        }
    }
    if (!done)
        fail_msg("%s %s never answers %d but %d: %.*s", method, uri, good, f->reply.status,
                (int)f->reply.body.n, f->reply.body.p);
}

static void test_reads(void **state)
{
    static const char *const uris[] = {"/health", "/alerts", "/endpoints", "/endpoints/hr001",
            "/endpoints/hr001/profile", "/endpoints/hr001/tree", "/events", "/inferences",
            "/suppressions", "/searches", "/summary", "/hosts?trend=9", "/timeline",
            "/techniques?parts=9", "/events/export?format=csv", "/feedback/quality", "/me",
            "/tokens", "/tenants", "/models", "/feedback", "/feedback/export", "/audit",
            "/audit/verify"};
    struct api_fix *f = *state;
    char uri[256];

    for (size_t i = 0; i < sizeof(uris) / sizeof(*uris); i++)
        sweep(f, API_ADMIN, "GET", uris[i], NULL, 200);
    sweep(f, API_VIEWER, "GET", fix_uri(uri, "/alerts/", &f->alert[0], ""), NULL, 200);
    sweep(f, API_VIEWER, "GET", fix_uri(uri, "/alerts/", &f->alert[0], "/history"), NULL, 200);
    sweep(f, API_VIEWER, "GET", fix_uri(uri, "/alerts/", &f->alert[0], "/evidence"), NULL, 200);
    sweep(f, API_VIEWER, "GET", fix_uri(uri, "/alerts/", &f->alert[0], "/tree"), NULL, 200);
    sweep(f, API_VIEWER, "GET", fix_uri(uri, "/alerts/", &f->alert[0], "/similar"), NULL, 200);
    sweep(f, API_VIEWER, "GET", fix_uri(uri, "/events/", &f->event[0], ""), NULL, 200);
    sweep(f, API_VIEWER, "GET", fix_uri(uri, "/inferences/", &f->inference[0], ""), NULL, 200);
    sweep(f, API_OPERATOR, "GET", "/dead-letters", NULL, 200);
    sweep(f, API_OPERATOR, "GET", "/config", NULL, 200);
    sweep(f, API_OPERATOR, "GET", "/status", NULL, 200);
    sweep(f, API_OPERATOR, "GET", "/posture", NULL, 200);
    sweep(f, API_METRICS, "GET", "/metrics", NULL, 200);
}

static void test_writes(void **state)
{
    struct api_fix *f = *state;
    char uri[256], body[256], id[LG_UUID_TEXT + 1];

    sweep(f, API_ANALYST, "PATCH", fix_uri(uri, "/alerts/", &f->alert[0], ""),
            "{\"status\":\"acknowledged\",\"assignee\":\"anna\"}", 200);
    lg_uuid_text(&f->alert[0], id);
    (void)snprintf(body, sizeof(body), "{\"alert_id\":\"%s\",\"is_true_positive\":true}", id);
    sweep(f, API_ANALYST, "POST", "/feedback", body, 201);
    sweep(f, API_ANALYST, "POST", "/suppressions", "{\"process\":\"a.exe\",\"reason\":\"r\"}", 201);
    sweep(f, API_ANALYST, "POST", "/suppressions/preview", "{\"process\":\"a.exe\"}", 200);
    sweep(f, API_ANALYST, "POST", "/searches", "{\"name\":\"n\",\"query\":{\"a\":[1]}}", 201);
    sweep(f, API_ADMIN, "POST", "/tokens", "{\"name\":\"n\",\"tenants\":{\"acme\":[\"viewer\"]}}",
            201);
    sweep(f, API_OPERATOR, "POST", "/dead-letters/drop", "{\"reason\":\"parse_error\"}", 200);
    sweep(f, API_OPERATOR, "POST", "/dead-letters/replay", "{\"reason\":\"tenant_mismatch\"}", 200);
    assert_status(f, fix_get(f, API_OPERATOR, "/audit/verify"), 200);
    assert_has(f, "\"ok\":true");
}

static void test_start(void **state)
{
    struct api_fix *f = *state;

    for (uint64_t n = 1; n < STEPS; n++) {
        struct lg_api_deps deps = {.events = f->events,
                .alerts = f->alerts,
                .auth = f->auth,
                .config = &f->cfg,
                .clock = fix_clock,
                .clock_ctx = f};
        struct lg_auth *au = NULL;
        struct lg_api *api = NULL;
        struct lg_err err;
        int rc;

        (void)lg_mem_fail_from(n);
        rc = lg_auth_new(f->alerts->admin, fix_clock, f, &au);
        if (rc == 0)
            rc = lg_api_new(&deps, &api, &err);
        (void)lg_mem_fail_from(0);
        lg_api_free(api);
        lg_auth_free(au);
        if (rc == 0)
            return;
        assert_true(rc == LG_ENOMEM || rc == LG_EIO);
    }
    fail_msg("never enough memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)
            T(test_reads),
            T(test_writes),
            T(test_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
