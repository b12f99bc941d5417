#ifndef LG_TESTS_UNIT_NET_NET_FIXTURE_H
#define LG_TESTS_UNIT_NET_NET_FIXTURE_H

#include "lg_test.h"

#include <pthread.h>

#include "access/token.h"
#include "net/http_server.h"
#include "json/json.h"
#include "json/write.h"

/* A small API with every kind of route, and its tokens: one per role in tenant "acme". */

#define FIX_NOW INT64_C(1700000000000000000)

struct fix_token {
    const char *name;
    uint32_t roles, platform, scopes;
    lg_time expiry;
    char text[LG_TOKEN_CHARS + 1];
    struct lg_token token;
};

static struct fix_token fix_tokens[] = {
        {"viewer", LG_ROLE_VIEWER, 0, 0, 0, "", {"", {0}}},
        {"analyst", LG_ROLE_ANALYST, 0, 0, 0, "", {"", {0}}},
        {"ingest", LG_ROLE_INGEST, 0, 0, 0, "", {"", {0}}},
        {"operator", 0, LG_ROLE_OPERATOR, 0, 0, "", {"", {0}}},
        {"metrics", 0, 0, LG_SCOPE_METRICS, 0, "", {"", {0}}},
        {"expired", LG_ROLE_ADMIN, 0, 0, FIX_NOW - 1, "", {"", {0}}},
};

static int fix_fail; /* what the token store answers instead */

static int fix_authenticate(
        void *ctx, const struct lg_http_auth *auth, const struct lg_principal **ret)
{
    struct lg_principal *pr;

    (void)ctx;
    if (fix_fail != 0)
        return fix_fail;
    if (auth->token == NULL)
        return LG_EREFUSED;
    for (size_t i = 0; i < sizeof(fix_tokens) / sizeof(*fix_tokens); i++) {
        const struct fix_token *t = &fix_tokens[i];

        if (strcmp(t->token.id, auth->token->id) != 0 ||
                !lg_token_verify(auth->token, t->token.hash))
            continue;
        if (lg_principal_new(LG_PRINCIPAL_TOKEN, lg_str_z(t->name), lg_str_z(t->name), &pr) < 0)
            return LG_ENOMEM;
        if (t->roles != 0 && lg_principal_grant(pr, LG_STR("acme"), t->roles) < 0) {
            lg_principal_unref(pr);
            return LG_ENOMEM;
        }
        lg_principal_grant_platform(pr, t->platform);
        lg_principal_grant_scopes(pr, t->scopes);
        lg_principal_set_expiry(pr, t->expiry);
        *ret = pr;
        return 0;
    }
    return LG_EREFUSED;
}

static lg_time fix_clock(void *ctx)
{
    (void)ctx;
    return FIX_NOW;
}

/* ---- handlers ---- */

static int fix_health(struct lg_http_req *req, void *ctx)
{
    struct lg_jw w;

    (void)ctx;
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    LG_JW_STR(&w, "status", LG_STR("ok"));
    LG_JW_BOOL(&w, "known", lg_req_principal(req) != NULL);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int fix_list(struct lg_http_req *req, void *ctx)
{
    struct lg_jw w;

    (void)ctx;
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    LG_JW_I64(&w, "limit", lg_req_int(req, "limit", -1));
    LG_JW_I64(&w, "offset", lg_req_int(req, "offset", -1));
    LG_JW_STR(&w, "status", lg_req_str(req, "status"));
    LG_JW_BOOL(&w, "has_status", lg_req_has(req, "status"));
    LG_JW_STR(&w, "q", lg_req_str(req, "q"));
    LG_JW_I64(&w, "since", lg_req_when(req, "since", 0) / LG_NS_PER_SEC);
    LG_JW_BOOL(&w, "exact", lg_req_bool(req, "exact", true));
    LG_JW_DOUBLE(&w, "p", lg_req_number(req, "p", -1));
    lg_jw_key(&w, LG_STR("tags"));
    lg_jw_array(&w);
    for (size_t i = 0; i < lg_req_count(req, "tag"); i++)
        lg_jw_str(&w, lg_req_nth(req, "tag", i));
    lg_jw_array_end(&w);
    LG_JW_STR(&w, "who", lg_principal_id(lg_req_principal(req)));
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int fix_get(struct lg_http_req *req, void *ctx)
{
    struct lg_uuid id;
    char text[LG_UUID_TEXT + 1];

    (void)ctx;
    assert_true(lg_req_uuid(req, "alert_id", &id));
    lg_uuid_text(&id, text);
    if (text[0] != '6')
        return LG_ENOENT;
    if (lg_http_etag(req, "v7"))
        return 0;
    lg_buf_printf(lg_http_out(req), "{\"id\":\"%s\"}", text);
    return lg_http_send_json(req, 200);
}

static int fix_patch(struct lg_http_req *req, void *ctx)
{
    (void)ctx;
    if (!lg_http_if_match(req, "v7"))
        return 0;
    lg_http_header(req, "Location", "/alerts/%d", 1);
    return lg_http_send_empty(req, 204);
}

static int fix_echo(struct lg_http_req *req, void *ctx)
{
    (void)ctx;
    for (int i = 0; i < LG_JSON_PADDING; i++) /* readable, and nobody else's bytes */
        assert_int_equal(lg_req_body(req).p[lg_req_body(req).n + (size_t)i], 0);
    lg_buf_adds(lg_http_out(req), lg_req_body(req));
    return lg_http_send(req, 200, "application/octet-stream");
}

struct fix_count {
    size_t pieces, bytes;
};

static void fix_drop(void *state)
{
    lg_free(state);
}

static int fix_stream_data(struct lg_http_req *req, struct lg_str data, void *ctx)
{
    struct fix_count *n = lg_req_state(req);

    (void)ctx;
    if (n == NULL) {
        n = lg_calloc(1, sizeof(*n));
        if (n == NULL)
            return LG_ENOMEM;
        lg_req_set_state(req, n, fix_drop);
    }
    if (data.n > 0 && data.p[0] == '!')
        return LG_EPARSE;
    n->pieces++;
    n->bytes += data.n;
    return 0;
}

static int fix_stream(struct lg_http_req *req, void *ctx)
{
    struct fix_count *n = lg_req_state(req);

    (void)ctx;
    lg_buf_printf(lg_http_out(req), "{\"bytes\":%zu}", n != NULL ? n->bytes : 0);
    return lg_http_send_json(req, 200);
}

static int fix_source(struct lg_http_req *req, void *ctx)
{
    struct lg_buf *out = lg_http_out(req);

    (void)ctx;
    lg_buf_adds(out, lg_req_str(req, "source"));
    lg_buf_adds(out, LG_STR(" "));
    if (lg_req_route(req)->method == LG_GET)
        lg_buf_adds(out, lg_req_str(req, "rest"));
    return lg_http_send(req, 200, LG_HTTP_TEXT);
}

static int fix_code(struct lg_http_req *req, void *ctx)
{
    (void)ctx;
    return (int)-lg_req_int(req, "n", 0);
}

static int fix_nothing(struct lg_http_req *req, void *ctx)
{
    (void)req;
    (void)ctx;
    return 0; /* our bug: no answer made */
}

/* Answered by another thread. */
static void *fix_later_thread(void *arg)
{
    struct lg_http_req *req = arg;

    if (lg_req_has(req, "fail")) {
        lg_http_resume(req, LG_EAGAIN);
        return NULL;
    }
    lg_buf_adds(lg_http_out(req), lg_req_body(req));
    lg_http_resume(req, lg_http_send(req, 200, LG_HTTP_TEXT));
    return NULL;
}

static int fix_later(struct lg_http_req *req, void *ctx)
{
    pthread_t t;

    (void)ctx;
    lg_http_later(req);
    if (pthread_create(&t, NULL, fix_later_thread, req) != 0) {
        lg_http_resume(req, LG_ENOMEM);
        return 0;
    }
    (void)pthread_detach(t);
    return 0;
}

struct fix_gen {
    int left;
    int fail_at;
};

static ptrdiff_t fix_gen_read(void *ctx, char *out, size_t max)
{
    struct fix_gen *g = ctx;
    int n;

    if (g->left == 0)
        return 0;
    if (g->left == g->fail_at)
        return LG_EIO;
    n = snprintf(out, max, "line %d\n", g->left--);
    return n;
}

static void fix_gen_drop(void *ctx)
{
    lg_free(ctx);
}

static int fix_download(struct lg_http_req *req, void *ctx)
{
    struct fix_gen *g = lg_calloc(1, sizeof(*g));

    (void)ctx;
    if (g == NULL)
        return LG_ENOMEM;
    g->left = (int)lg_req_int(req, "lines", 3);
    g->fail_at = (int)lg_req_int(req, "fail_at", -1);
    return lg_http_send_stream(req, 200, LG_HTTP_NDJSON, fix_gen_read, fix_gen_drop, g);
}

static struct lg_sse *fix_sse_last;
static pthread_mutex_t fix_sse_lock = PTHREAD_MUTEX_INITIALIZER;

static int fix_events(struct lg_http_req *req, void *ctx)
{
    struct lg_sse *sse;
    int rc = lg_http_sse(req, &sse);

    (void)ctx;
    if (rc < 0)
        return rc;
    (void)pthread_mutex_lock(&fix_sse_lock);
    lg_sse_unref(fix_sse_last);
    fix_sse_last = sse;
    (void)pthread_mutex_unlock(&fix_sse_lock);
    return lg_sse_push(sse, LG_STR("hello"), LG_STR("1"), LG_STR("first\nsecond"));
}

#define FIX_ID                                                                                     \
    {                                                                                              \
        .name = "alert_id", .in = LG_IN_PATH, .type = LG_PARAM_UUID, .doc = "the alert's id"       \
    }

static const struct lg_route fix_routes[] = {
        {.method = LG_GET,
                .path = "/health",
                .operation = "health",
                .tag = "service",
                .summary = "Liveness",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_DASHBOARD,
                .responses = {{200, "Health", NULL, NULL}},
                .handler = fix_health},
        {.method = LG_GET,
                .path = "/alerts",
                .operation = "listAlerts",
                .tag = "alerts",
                .summary = "Alerts",
                .doc = "Newest first.",
                .action = LG_ACT_ALERT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = (const struct lg_param[]){{.name = "tenant_id"},
                        {.name = "status",
                                .type = LG_PARAM_ENUM,
                                .values = "open|acknowledged|resolved",
                                .doc = "life cycle"},
                        {.name = "limit",
                                .type = LG_PARAM_INT,
                                .def = "100",
                                .min = 1,
                                .max = 1000},
                        {.name = "offset", .type = LG_PARAM_INT, .def = "0"},
                        {.name = "q", .max = 32, .min = 1},
                        {.name = "since", .type = LG_PARAM_TIME},
                        {.name = "exact", .type = LG_PARAM_BOOL},
                        {.name = "p", .type = LG_PARAM_NUMBER, .min = 0, .max = 1},
                        {.name = "tag", .repeated = true}, {0}},
                .responses = {{200, "AlertList", "The page", NULL}},
                .handler = fix_list},
        {.method = LG_GET,
                .path = "/alerts/{alert_id}",
                .operation = "getAlert",
                .tag = "alerts",
                .summary = "One alert",
                .action = LG_ACT_ALERT_READ,
                .flags = LG_ROUTE_TENANT | LG_ROUTE_ETAG,
                .params = (const struct lg_param[]){FIX_ID, {0}},
                .responses = {{200, "Alert", NULL, NULL}, {404, NULL, NULL, NULL}},
                .handler = fix_get},
        {.method = LG_PATCH,
                .path = "/alerts/{alert_id}",
                .operation = "patchAlert",
                .tag = "alerts",
                .summary = "Change an alert",
                .action = LG_ACT_ALERT_WRITE,
                .flags = LG_ROUTE_TENANT | LG_ROUTE_ETAG,
                .params = (const struct lg_param[]){FIX_ID, {0}},
                .request = "Alert",
                .responses = {{204, NULL, NULL, NULL}, {409, NULL, NULL, NULL}},
                .handler = fix_patch},
        {.method = LG_POST,
                .path = "/echo",
                .operation = "echo",
                .tag = "test",
                .summary = "The body again",
                .action = LG_ACT_PUBLIC,
                .request_types = "*",
                .max_body_bytes = 3u << 20,
                .responses = {{200, NULL, NULL, "application/octet-stream"}},
                .handler = fix_echo},
        {.method = LG_POST,
                .path = "/stream",
                .operation = "stream",
                .tag = "test",
                .summary = "Counts the body",
                .action = LG_ACT_INGEST,
                .flags = LG_ROUTE_STREAM | LG_ROUTE_NO_LIMIT,
                .request_types = "application/x-ndjson|application/json",
                .responses = {{200, NULL, NULL, LG_HTTP_JSON}},
                .handler = fix_stream,
                .on_data = fix_stream_data},
        {.method = LG_POST,
                .path = "/ingest/{source}",
                .operation = "ingest",
                .tag = "test",
                .summary = "By source",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_ANY_QUERY | LG_ROUTE_ANY_ACCEPT,
                .params = (const struct lg_param[]){{.name = "source", .in = LG_IN_PATH}, {0}},
                .responses = {{200, NULL, NULL, LG_HTTP_TEXT}},
                .handler = fix_source},
        {.method = LG_GET,
                .path = "/ingest/{source}/{rest...}",
                .operation = "ingestRest",
                .tag = "test",
                .summary = "Anything below",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_HIDDEN | LG_ROUTE_ANY_QUERY,
                .params = (const struct lg_param[]){{.name = "source", .in = LG_IN_PATH},
                        {.name = "rest", .in = LG_IN_PATH}, {0}},
                .responses = {{200, NULL, NULL, LG_HTTP_TEXT}},
                .handler = fix_source},
        {.method = LG_GET,
                .path = "/ingest/{source}/_license",
                .operation = "ingestLicense",
                .tag = "test",
                .summary = "A literal below a parameter",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_HIDDEN,
                .params = (const struct lg_param[]){{.name = "source", .in = LG_IN_PATH}, {0}},
                .responses = {{200, NULL, NULL, LG_HTTP_JSON}},
                .handler = fix_health},
        {.method = LG_GET,
                .path = "/code/{n}",
                .operation = "code",
                .tag = "test",
                .summary = "A handler that fails",
                .action = LG_ACT_PUBLIC,
                .params =
                        (const struct lg_param[]){
                                {.name = "n", .in = LG_IN_PATH, .type = LG_PARAM_INT, .max = 100},
                                {0}},
                .handler = fix_code},
        {.method = LG_GET,
                .path = "/nothing",
                .operation = "nothing",
                .tag = "test",
                .summary = "A handler that forgets",
                .action = LG_ACT_PUBLIC,
                .handler = fix_nothing},
        {.method = LG_POST,
                .path = "/later",
                .operation = "later",
                .tag = "test",
                .summary = "Answered by another thread",
                .action = LG_ACT_PUBLIC,
                .params = (const struct lg_param[]){{.name = "fail", .type = LG_PARAM_BOOL}, {0}},
                .request_types = "text/plain",
                .body_optional = true,
                .responses = {{200, NULL, NULL, LG_HTTP_TEXT}},
                .handler = fix_later},
        {.method = LG_GET,
                .path = "/download",
                .operation = "download",
                .tag = "test",
                .summary = "A body of unknown length",
                .action = LG_ACT_PUBLIC,
                .params = (const struct lg_param[]){{.name = "lines", .type = LG_PARAM_INT},
                        {.name = "fail_at", .type = LG_PARAM_INT}, {0}},
                .responses = {{200, NULL, NULL, LG_HTTP_NDJSON}},
                .handler = fix_download},
        {.method = LG_GET,
                .path = "/events",
                .operation = "events",
                .tag = "test",
                .summary = "Event stream",
                .action = LG_ACT_ALERT_READ,
                .flags = LG_ROUTE_SSE | LG_ROUTE_TENANT,
                .responses = {{200, NULL, NULL, "text/event-stream"}},
                .handler = fix_events},
        {.method = LG_GET,
                .path = "/metrics",
                .operation = "metrics",
                .tag = "service",
                .summary = "Metrics",
                .action = LG_ACT_METRICS_READ,
                .responses = {{200, NULL, NULL, LG_HTTP_TEXT}},
                .handler = fix_health},
};

static const struct lg_schema fix_schemas[] = {
        {"Health", "{\"type\":\"object\"}"},
        {"Alert", "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"}}}"},
        {"AlertList", "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Alert\"}}"},
};

static const struct lg_openapi_info fix_info = {
        .title = "Test API", .version = "1.2.3", .description = "of the tests"};

static struct lg_router *fix_router(void)
{
    struct lg_router *rt;
    struct lg_err err = {0, ""};

    assert_int_equal(lg_router_new(&rt), 0);
    if (lg_router_add(rt, fix_routes, sizeof(fix_routes) / sizeof(*fix_routes), NULL, &err) < 0 ||
            lg_router_schemas(rt, fix_schemas, sizeof(fix_schemas) / sizeof(*fix_schemas), &err) <
                    0 ||
            lg_router_add_docs(rt, &fix_info, &err) < 0)
        fail_msg("%s", err.text);
    return rt;
}

static void fix_make_tokens(void)
{
    for (size_t i = 0; i < sizeof(fix_tokens) / sizeof(*fix_tokens); i++)
        lg_token_make(fix_tokens[i].text, &fix_tokens[i].token);
}

static const char *fix_token(const char *name)
{
    for (size_t i = 0; i < sizeof(fix_tokens) / sizeof(*fix_tokens); i++)
        if (strcmp(fix_tokens[i].name, name) == 0)
            return fix_tokens[i].text;
    fail_msg("no token %s", name);
    return NULL;
}

static const struct lg_http_server_opts fix_opts = {
        .authenticate = fix_authenticate, .clock = fix_clock, .max_body_bytes = 1u << 20};

#endif
