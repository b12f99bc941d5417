#include "services/api_int.h"

/* How the platform is: for people, for supervisors, for Prometheus. */

static double uptime_of(const struct lg_api *api)
{
    double s = (double)(api_now(api) - api->started_at) / (double)LG_NS_PER_SEC;

    return s > 0 ? s : 0;
}

/* Alerts that the caller may see; nobody without a token is told a number. */
static int count_alerts(struct lg_api *api, const struct lg_principal *pr, uint64_t *ret)
{
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    int rc = lg_scope_new(pr, LG_ACT_ALERT_READ, &sc);

    if (rc == 0)
        rc = api->d.alerts->ops->alert_count(api->d.alerts, sc, LG_STR(""), 0, ret);
    return rc;
}

/* Any read of the database that holds the alerts will do. */
static int store_answers(struct lg_api *api)
{
    struct lg_arena arena;
    struct lg_tenant_row row;
    int rc;

    lg_arena_init(&arena, 65536);
    rc = api->admin->ops->tenant_get(api->admin, lg_str_z(api->default_tenant), &arena, &row);
    lg_arena_done(&arena);
    return rc == LG_ENOENT ? 0 : rc;
}

static int get_health(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    const struct lg_principal *pr = lg_req_principal(req);
    bool may_count = lg_access_allows(pr, LG_ACT_ALERT_READ, LG_STR(""));
    uint64_t count = 0;
    struct lg_jw w;
    int rc = store_answers(api);

    if (rc == 0 && may_count)
        rc = count_alerts(api, pr, &count);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    LG_JW_STR(&w, "status", rc == 0 ? LG_STR("ok") : LG_STR("degraded"));
    LG_JW_STR(&w, "service", LG_STR("logster-api"));
    LG_JW_DOUBLE(&w, "uptime_seconds", uptime_of(api));
    if (may_count && rc == 0)
        LG_JW_U64(&w, "alerts_count", count);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int get_live(struct lg_http_req *req, void *ctx)
{
    (void)ctx;
    return lg_http_send_static(req, 200, LG_HTTP_JSON, LG_STR("{\"status\":\"ok\"}"));
}

/* 0, or what is missing. */
static int ready(struct lg_api *api, struct lg_err *why)
{
    int rc = store_answers(api);

    if (rc < 0)
        return lg_err_set(why, rc, "the alert store does not answer");
    if (api->d.ready != NULL)
        return api->d.ready(api->d.hooks_ctx, why);
    return 0;
}

static int get_ready(struct lg_http_req *req, void *ctx)
{
    struct lg_err why = {0};

    if (ready(ctx, &why) < 0)
        return lg_http_unavailable(req, 1, why.text);
    return lg_http_send_static(req, 200, LG_HTTP_JSON, LG_STR("{\"status\":\"ready\"}"));
}

static int get_status(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_buf_done) struct lg_buf platform;
    struct lg_err why = {0};
    struct lg_jw w;
    uint64_t dead = 0;
    bool is_ready;
    int rc = LG_ENOENT;

    lg_buf_init(&platform, (size_t)1 << 20);
    is_ready = ready(api, &why) == 0;
    if (api->d.status != NULL)
        rc = api->d.status(api->d.hooks_ctx, &platform);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    LG_JW_STR(&w, "version", lg_str_z(api->d.version != NULL ? api->d.version : "unknown"));
    LG_JW_DOUBLE(&w, "uptime_seconds", uptime_of(api));
    LG_JW_BOOL(&w, "ready", is_ready);
    if (!is_ready)
        LG_JW_STR(&w, "not_ready_because", lg_str_z(why.text));
    if (api->d.bus != NULL && api_dead_open(api, &dead) == 0)
        LG_JW_U64(&w, "dead_letters_open", dead);
    lg_jw_key(&w, LG_STR("platform"));
    if (rc == 0 && platform.failed == 0 && platform.n > 0)
        lg_jw_raw(&w, lg_buf_str(&platform));
    else
        lg_jw_null(&w);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int get_config(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;

    pthread_mutex_lock(&api->settings_mu);
    lg_config_show_json(&api->config, lg_http_out(req));
    pthread_mutex_unlock(&api->settings_mu);
    return lg_http_send_json(req, 200);
}

static int get_metrics(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;

    if (api->d.metrics == NULL)
        return lg_http_unavailable(req, 60, "This process keeps no metrics");
    lg_metrics_write(api->d.metrics, lg_http_out(req));
    return lg_http_send(req, 200, LG_METRICS_CONTENT_TYPE);
}

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/health",
                .operation = "getHealth",
                .tag = "health",
                .summary = "Is the API up, and its alert store with it",
                .doc = "Open to anyone; how many alerts there are is told to those who may see "
                       "them.",
                .action = LG_ACT_PUBLIC,
                .responses = {API_OK("HealthResponse", "How it is")},
                .handler = get_health,
        },
        {
                .method = LG_GET,
                .path = "/livez",
                .operation = "getLiveness",
                .tag = "health",
                .summary = "Is the process alive",
                .action = LG_ACT_PUBLIC,
                .responses = {API_OK("Live", "It is")},
                .handler = get_live,
        },
        {
                .method = LG_GET,
                .path = "/readyz",
                .operation = "getReadiness",
                .tag = "health",
                .summary = "Does the platform take events and answer",
                .action = LG_ACT_PUBLIC,
                .responses = {API_OK("Live", "It does"), {503, NULL, "Not yet, or no more", NULL}},
                .handler = get_ready,
        },
        {
                .method = LG_GET,
                .path = "/status",
                .operation = "getStatus",
                .tag = "platform",
                .summary = "Stages, lag, what is held back",
                .action = LG_ACT_CONFIG_READ,
                .responses = {API_OK("StatusResponse", "State of the platform")},
                .handler = get_status,
        },
        {
                .method = LG_GET,
                .path = "/config",
                .operation = "getConfig",
                .tag = "platform",
                .summary = "The configuration as it runs, secrets masked",
                .action = LG_ACT_CONFIG_READ,
                .responses = {API_OK("ConfigResponse", "Every key")},
                .handler = get_config,
        },
        {
                .method = LG_GET,
                .path = "/metrics",
                .operation = "getMetrics",
                .tag = "platform",
                .summary = "Prometheus metrics",
                .action = LG_ACT_METRICS_READ,
                .flags = LG_ROUTE_API_ONLY,
                .responses = {{200, NULL, "Text format 0.0.4", LG_METRICS_CONTENT_TYPE},
                        {503, NULL, "This process keeps none", NULL}},
                .handler = get_metrics,
        },
};

struct lg_api_rows api_health_rows(void)
{
    return API_ROWS(rows);
}
