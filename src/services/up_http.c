#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "detect/trust.h"
#include "services/up_int.h"
#include "json/write.h"

static int on_ready(void *ctx, struct lg_err *why)
{
    struct lg_up *p = ctx;
    struct lg_bus_stats st;

    if (lg_up_failed(p, why))
        return why->code;
    lg_bus_stats_get(p->bus, &st);
    if (st.failed)
        return lg_err_set(why, LG_EIO, "the bus's storage failed and is not open again yet");
    return 0;
}

/* How many endpoints, and how many of their records, wait because they sent more than their share. */
static void put_held_back(struct lg_up *p, struct lg_jw *w)
{
    struct lg_gauge g;

    if (lg_metrics_gauge(p->metrics, LG_METRIC(HELD_BACK_ENDPOINTS), NULL, 0, &g) == 0)
        LG_JW_I64(w, "held_back_endpoints", lg_metrics_gauge_value(p->metrics, g));
    LG_JW_U64(w, "held_back_records", lg_up_held_back(p));
}

static int on_status(void *ctx, struct lg_buf *out)
{
    static const char *const names[LG_STAGE_COUNT] = {
            [LG_STAGE_NORMALIZER] = "normalizer",
            [LG_STAGE_INFERENCE] = "inference",
            [LG_STAGE_INDEXER] = "indexer",
            [LG_STAGE_ALERTS] = "alerts",
    };
    struct lg_up *p = ctx;
    struct lg_bus_stats bus;
    struct lg_jw w;

    lg_bus_stats_get(p->bus, &bus);
    lg_jw_init(&w, out);
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("stages"));
    lg_jw_array(&w);
    for (int i = 0; i < LG_STAGE_COUNT; i++) {
        struct lg_runner_stats st;

        lg_up_stage_stats(p, (enum lg_stage_id)i, &st);
        lg_jw_object(&w);
        LG_JW_STR(&w, "name", lg_str_z(names[i]));
        LG_JW_U64(&w, "workers", st.workers);
        LG_JW_U64(&w, "records", st.records_in);
        LG_JW_U64(&w, "lag", st.lag);
        LG_JW_U64(&w, "retrying", st.retrying);
        LG_JW_U64(&w, "dead_letters", st.dead_letters);
        lg_jw_object_end(&w);
    }
    lg_jw_array_end(&w);
    put_held_back(p, &w);
    lg_jw_key(&w, LG_STR("bus"));
    lg_jw_object(&w);
    LG_JW_BOOL(&w, "failed", bus.failed);
    LG_JW_BOOL(&w, "full", bus.full);
    LG_JW_U64(&w, "disk_bytes", bus.disk_bytes);
    lg_jw_object_end(&w);
    lg_jw_object_end(&w);
    return out->failed;
}

static void describe_models(struct lg_up *p)
{
    for (int i = 0; i < 2; i++) {
        const struct lg_model *m = p->opt.models[i];

        if (m == NULL)
            continue;
        p->models[p->n_models++] = (struct lg_api_model){.name = m->name,
                .version = m->version,
                .platform = lg_platform_name((enum lg_platform)i),
                .sha256 = m->sha256,
                .path = p->opt.model_paths[i],
                .signature = lg_model_trust_name(m->trust),
                .signer = m->trust == LG_MODEL_VALID ? m->signer : NULL,
                .training_json = m->training_json,
                .threshold =
                        p->cfg.inference.threshold >= 0 ? p->cfg.inference.threshold : m->threshold,
                .experimental = m->experimental,
                .loaded_at = lg_clock_wall(),
                .loaded_by = p->opt.model_paths[i] != NULL ? "configuration" : "installation"};
    }
}

static int make_dashboard(struct lg_up *p, struct lg_err *reterr)
{
    const struct lg_dashboard_deps deps = {.api = p->api,
            .auth = p->auth,
            .admin = p->alerts->admin,
            .config = &p->cfg,
            .assets = p->opt.assets};
    int rc = lg_dashboard_new(&deps, &p->dashboard, reterr);

    return rc < 0 ? rc : lg_dashboard_attach(p->dashboard, p->router, reterr);
}

static int make_router(struct lg_up *p, struct lg_err *reterr)
{
    const bool takes = lg_up_has(p, LG_PART_INTAKE), page = lg_up_has(p, LG_PART_API);
    const struct lg_api_deps deps = {.events = p->events,
            .alerts = p->alerts,
            .auth = p->auth,
            .config = &p->cfg,
            .bus = page ? p->bus : NULL, /* no alert streams, no dead letters elsewhere */
            .topics = &p->topics,
            .metrics = p->metrics,
            .models = p->models,
            .n_models = p->n_models,
            .version = p->opt.version,
            .operations_only = !page,
            .hooks_ctx = p,
            .ready = on_ready,
            .status = on_status};
    const struct lg_intake_deps intake = {
            .bus = p->bus, .topics = &p->topics, .config = &p->cfg, .metrics = p->metrics};
    int rc = lg_router_new(&p->router);

    if (rc < 0)
        return lg_err_set(reterr, rc, "routes: %s", lg_err_name(rc));
    if (takes)
        rc = lg_intake_new(&intake, &p->intake, reterr);
    if (rc == 0 && takes)
        rc = lg_intake_attach(p->intake, p->router, reterr);
    if (rc == 0)
        rc = lg_api_new(&deps, &p->api, reterr);
    if (rc == 0)
        rc = lg_api_attach(p->api, p->router, reterr);
    return rc < 0 || !page || !p->cfg.dashboard.enabled ? rc : make_dashboard(p, reterr);
}

static void join_origins(const struct lg_config_list *list, struct lg_buf *out)
{
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0)
            lg_buf_addc(out, ',');
        lg_buf_adds(out, lg_str_z(list->v[i]));
    }
    lg_buf_addc(out, '\0');
}

/* What both listeners have in common. */
static struct lg_http_server_opts common_opts(const struct lg_config *cfg)
{
    struct lg_http_server_opts opt = {
            .max_connections = cfg->api.max_connections,
            .max_connections_per_ip = cfg->api.max_connections_per_address,
            .max_body_bytes = cfg->api.max_request_bytes,
            .idle_timeout_s = (unsigned)(cfg->api.idle_timeout_ns / LG_NS_PER_SEC),
            .rate_per_s = (uint64_t)(cfg->api.rate + 0.5),
            .rate_burst = (uint64_t)(cfg->api.burst + 0.5),
            .auth_off = cfg->auth.disable,
    };

    if (opt.rate_per_s == 0)
        opt.rate_per_s = 1;
    return opt;
}

static int start_server(struct lg_up *p, struct lg_err *reterr)
{
    const struct lg_config *cfg = &p->cfg;
    const bool tls = cfg->api.tls_cert[0] != '\0';
    const struct lg_http_tls cert = {.cert_file = cfg->api.tls_cert, .key_file = cfg->api.tls_key};
    struct lg_http_server_opts opt = common_opts(cfg);
    struct lg_buf origins;
    int rc;

    opt.host = cfg->api.host;
    opt.port = cfg->api.port;
    opt.surfaces = LG_SURFACE_API;
    opt.threads = cfg->api.threads;
    opt.max_inflight_bytes = cfg->intake.max_inflight_bytes;
    opt.tls = tls ? &cert : NULL;
    opt.authenticate = lg_auth_http;
    opt.auth_ctx = p->auth;
    lg_buf_init(&origins, (size_t)LG_CONFIG_LIST_ITEMS * (LG_CONFIG_TEXT_BYTES + 1) + 1);
    join_origins(&cfg->api.cors_origins, &origins);
    if (origins.failed < 0) {
        lg_buf_done(&origins);
        return lg_err_set(reterr, LG_ENOMEM, "api.cors_origins: out of memory");
    }
    if (cfg->api.cors_origins.n > 0)
        opt.cors_origins = origins.p;
    rc = lg_http_server_start(p->router, &opt, &p->server, reterr);
    lg_buf_done(&origins);
    return rc;
}

/* No foreign page may read this one's answers, whatever the API's own listener allows. */
static int start_dashboard(struct lg_up *p, struct lg_err *reterr)
{
    const struct lg_config *cfg = &p->cfg;
    const bool tls = cfg->dashboard.tls_cert[0] != '\0';
    const struct lg_http_tls cert = {
            .cert_file = cfg->dashboard.tls_cert, .key_file = cfg->dashboard.tls_key};
    struct lg_http_server_opts opt = common_opts(cfg);

    if (p->dashboard == NULL)
        return 0;
    opt.host = cfg->dashboard.host;
    opt.port = cfg->dashboard.port;
    opt.surfaces = LG_SURFACE_DASHBOARD;
    opt.tls = tls ? &cert : NULL;
    opt.authenticate = lg_dashboard_authenticate;
    opt.auth_ctx = p->dashboard;
    return lg_http_server_start(p->router, &opt, &p->page_server, reterr);
}

/* One listener, plain or TLS. Without a tenant of its own, or certificates to tell it, it is for
 * this machine alone. */
static int start_listener(struct lg_up *p, bool tls, struct lg_err *reterr)
{
    const struct lg_config *cfg = &p->cfg;
    const bool open_tenant =
            cfg->syslog.tenant[0] == '\0' && !(tls && cfg->syslog.tls_client_ca[0] != '\0');
    const struct lg_syslog_opts opt = {
            .host = open_tenant ? "127.0.0.1" : cfg->syslog.host,
            .port = tls ? cfg->syslog.tls_port : cfg->syslog.port,
            .max_message_bytes = cfg->syslog.max_message_bytes,
            .max_connections = cfg->syslog.max_connections,
            .idle_timeout_s = (unsigned)(cfg->syslog.idle_timeout_ns / LG_NS_PER_SEC),
            .cert_file = tls ? cfg->syslog.tls_cert : NULL,
            .key_file = tls ? cfg->syslog.tls_key : NULL,
            .client_ca_file =
                    tls && cfg->syslog.tls_client_ca[0] != '\0' ? cfg->syslog.tls_client_ca : NULL,
            .client_cert_required = tls && cfg->syslog.tls_client_ca[0] != '\0',
            .on_messages = lg_intake_syslog,
            .ctx = p->intake,
    };

    if (open_tenant && strcmp(cfg->syslog.host, "127.0.0.1") != 0)
        lg_log(LG_LOG_WARN, "syslog", "no tenant configured: listening on loopback only", "host=%s",
                cfg->syslog.host);
    return lg_syslog_listener_start(&opt, &p->syslog[tls ? 1 : 0], reterr);
}

static int start_syslog(struct lg_up *p, struct lg_err *reterr)
{
    int rc = 0;

    if (p->intake == NULL)
        return 0;
    if (p->cfg.syslog.port != 0)
        rc = start_listener(p, false, reterr);
    if (rc == 0 && p->cfg.syslog.tls_port != 0)
        rc = start_listener(p, true, reterr);
    return rc;
}

int lg_up_http_start(struct lg_up *p, struct lg_err *reterr)
{
    int rc = lg_auth_new(p->alerts->admin, NULL, NULL, &p->auth);

    if (rc < 0)
        return lg_err_set(reterr, rc, "authentication: %s", lg_err_name(rc));
    describe_models(p);
    rc = make_router(p, reterr);
    if (rc == 0)
        rc = lg_api_start(p->api, reterr);
    if (rc == 0)
        rc = start_server(p, reterr);
    if (rc == 0)
        rc = start_dashboard(p, reterr);
    return rc < 0 ? rc : start_syslog(p, reterr);
}

void lg_up_http_stop(struct lg_up *p, uint32_t ms)
{
    for (int i = 0; i < 2; i++) {
        lg_syslog_listener_stop(p->syslog[i], ms);
        p->syslog[i] = NULL;
    }
    if (p->api != NULL)
        lg_api_stop(p->api); /* event streams would keep the server waiting */
    lg_http_server_stop(p->page_server, ms);
    p->page_server = NULL;
    lg_http_server_stop(p->server, ms);
    p->server = NULL;
    lg_dashboard_free(p->dashboard);
    p->dashboard = NULL;
    lg_api_free(p->api);
    p->api = NULL;
    lg_router_free(p->router);
    p->router = NULL;
    lg_intake_free(p->intake);
    p->intake = NULL;
    lg_auth_free(p->auth);
    p->auth = NULL;
}
