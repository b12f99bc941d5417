#include "services/api.h"

#include <string.h>

#include "crypto/encode.h"
#include "services/api_int.h"

static struct lg_api_rows (*const groups[])(void) = {
        api_health_rows,
        api_posture_rows,
        api_alerts_rows,
        api_alert_views_rows,
        api_stream_rows,
        api_feedback_rows,
        api_quality_rows,
        api_endpoints_rows,
        api_events_rows,
        api_inferences_rows,
        api_suppressions_rows,
        api_searches_rows,
        api_summary_rows,
        api_tokens_rows,
        api_tenants_rows,
        api_models_rows,
        api_dead_letters_rows,
        api_audit_rows,
};
#define GROUPS (sizeof(groups) / sizeof(*groups))

struct lg_api_rows lg_api_group(size_t i)
{
    return i < GROUPS ? groups[i]() : (struct lg_api_rows){NULL, 0};
}

size_t lg_api_route_count(void)
{
    size_t n = 0;

    for (size_t i = 0; i < GROUPS; i++)
        n += lg_api_group(i).n;
    return n;
}

const struct lg_route *lg_api_route(size_t i)
{
    for (size_t g = 0; g < GROUPS; g++) {
        const struct lg_route *rows = lg_api_group(g).rows;
        size_t n = lg_api_group(g).n;

        if (i < n)
            return rows + i;
        i -= n;
    }
    return NULL;
}

/* The key of the cursors outlives a restart: pages that a client holds stay good. */
static int load_seal_key(struct lg_api *api)
{
    struct lg_arena a;
    struct lg_str text;
    char hex[65];
    int rc;

    lg_arena_init(&a, 65536);
    rc = api->admin->ops->setting_get(api->admin, LG_STR("api.seal-key"), &a, &text);
    if (rc == 0 && lg_hex_decode(text, api->seal_key, sizeof(api->seal_key)) != 32)
        rc = LG_ENOENT; /* a damaged key costs no more than the cursors in use */
    if (rc == LG_ENOENT) {
        lg_crypto_random(api->seal_key, sizeof(api->seal_key));
        lg_hex_encode(api->seal_key, sizeof(api->seal_key), hex);
        rc = api->admin->ops->setting_put(api->admin, LG_STR("api.seal-key"), lg_str_z(hex));
    }
    lg_arena_done(&a);
    return rc;
}

void lg_api_reload(struct lg_api *api, const struct lg_config *cfg)
{
    pthread_mutex_lock(&api->settings_mu);
    api->config = *cfg;
    api->settings = (struct api_settings){
            .token_ttl_ns = cfg->auth.token_ttl_ns,
            .suppression_ttl_ns = cfg->alerts.suppression_ttl_ns,
            .suppression_max_ttl_ns = cfg->alerts.suppression_max_ttl_ns,
            .allow_permanent = cfg->alerts.allow_permanent_suppressions,
            .stream_clients = cfg->api.stream_clients,
    };
    pthread_mutex_unlock(&api->settings_mu);
    lg_auth_limit(api->d.auth, cfg->api.auth_failure_rate);
    lg_auth_grace(api->d.auth, cfg->api.token_grace_ns);
}

static double count_clients(void *user)
{
    return (double)api_stream_clients(user);
}

static int fill(struct lg_api *api, struct lg_err *reterr)
{
    int rc = api_shapes_new(&api->shapes, reterr);

    if (rc < 0)
        return rc;
    rc = load_seal_key(api);
    if (rc < 0)
        return lg_err_set(reterr, rc, "the API's settings cannot be read: %s", lg_err_name(rc));
    rc = api_stream_new(api, &api->stream);
    if (rc == 0 && api->d.metrics != NULL)
        rc = lg_metrics_callback(
                api->d.metrics, LG_METRIC(STREAM_CLIENTS), NULL, 0, count_clients, api->stream);
    return rc < 0 ? lg_err_set(reterr, rc, "the API: %s", lg_err_name(rc)) : 0;
}

int lg_api_new(const struct lg_api_deps *deps, struct lg_api **ret, struct lg_err *reterr)
{
    struct lg_api *api = lg_calloc(1, sizeof(*api));
    size_t n;
    int rc;

    if (api == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    api->d = *deps;
    api->admin = deps->alerts->admin;
    (void)pthread_mutex_init(&api->settings_mu, NULL);
    (void)pthread_mutex_init(&api->dead_mu, NULL);
    lg_api_reload(api, deps->config);
    n = strlen(deps->config->identity.default_tenant);
    memcpy(api->default_tenant, deps->config->identity.default_tenant,
            n < LG_MAX_TENANT_BYTES ? n : LG_MAX_TENANT_BYTES);
    api->started_at = api_now(api);
    api->info = (struct lg_openapi_info){
            .title = "Logster",
            .version = deps->version != NULL ? deps->version : "0",
            .description =
                    "Endpoint threat detection: alerts, verdicts, events and what people say "
                    "about them. Times are seconds since 1970-01-01T00:00:00Z.",
    };
    rc = fill(api, reterr);
    if (rc < 0) {
        lg_api_free(api);
        return rc;
    }
    *ret = api;
    return 0;
}

int lg_api_attach(struct lg_api *api, struct lg_router *rt, struct lg_err *reterr)
{
    size_t n;
    const struct lg_schema *schemas = api_schemas(&n);
    int rc = lg_router_schemas(rt, schemas, n, reterr);

    for (size_t g = 0; rc == 0 && g < GROUPS; g++) {
        struct lg_api_rows group = lg_api_group(g);

        if (api->d.operations_only && groups[g] != api_health_rows)
            continue;
        rc = lg_router_add_shared(rt, group.rows, group.n, api, reterr);
    }
    return rc < 0 ? rc : lg_router_add_docs(rt, &api->info, reterr);
}

int lg_api_start(struct lg_api *api, struct lg_err *reterr)
{
    return api_stream_start(api->stream, reterr);
}

void lg_api_stop(struct lg_api *api)
{
    if (api != NULL && api->stream != NULL)
        api_stream_stop(api->stream);
}

void lg_api_free(struct lg_api *api)
{
    if (api == NULL)
        return;
    if (api->d.metrics != NULL && api->stream != NULL)
        (void)!lg_metrics_callback(api->d.metrics, LG_METRIC(STREAM_CLIENTS), NULL, 0, NULL, NULL);
    api_stream_free(api->stream);
    api_shapes_free(api->shapes);
    lg_token_wipe(api->seal_key, sizeof(api->seal_key));
    (void)pthread_mutex_destroy(&api->dead_mu);
    (void)pthread_mutex_destroy(&api->settings_mu);
    lg_free(api);
}

void lg_api_alert_changed(
        struct lg_api *api, struct lg_str tenant, struct lg_str change, struct lg_str json)
{
    api_stream_change(api->stream, tenant, change, json);
}
