#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "services/api_int.h"
#include "services/posture.h"

/* What about this installation asks for attention: what can be told without reading the stores through. */

#define TOKENS_ARENA ((size_t)64 << 20)
#define UNUSED_NS (90 * INT64_C(86400) * LG_NS_PER_SEC)

struct posture {
    struct lg_jw w;
    unsigned problems;
};

static void say(void *ctx, bool ok, const char *what, const char *text)
{
    struct posture *p = ctx;

    p->problems += !ok;
    lg_jw_object(&p->w);
    LG_JW_STR(&p->w, "check", lg_str_z(what));
    LG_JW_BOOL(&p->w, "ok", ok);
    LG_JW_STR(&p->w, "text", lg_str_z(text));
    lg_jw_object_end(&p->w);
}

/* ---- the listeners ---- */

static void check_listener(struct posture *p, const char *name, const char *host, bool tls)
{
    bool here = lg_host_is_loopback(lg_str_z(host)) || strcmp(host, "::1") == 0;

    say(p, here || tls, name,
            tls ? "speaks TLS"
                    : here
                    ? "plain HTTP, on this machine alone"
                    : "plain HTTP on the network: tokens can be read on the way; set its tls_cert "
                      "and tls_key, or put a proxy with TLS before it and bind it to 127.0.0.1");
}

static void check_config(struct posture *p, struct lg_api *api)
{
    const struct lg_config *cfg = &api->config;
    bool any = false;

    (void)pthread_mutex_lock(&api->settings_mu);
    say(p, !cfg->auth.disable, "authentication",
            cfg->auth.disable ? "off: everybody on this machine has every right" : "on");
    check_listener(p, "api", cfg->api.host, cfg->api.tls_cert[0] != '\0');
    if (cfg->dashboard.enabled)
        check_listener(p, "dashboard", cfg->dashboard.host, cfg->dashboard.tls_cert[0] != '\0');
    for (size_t i = 0; i < cfg->api.cors_origins.n; i++)
        any = any || strcmp(cfg->api.cors_origins.v[i], "*") == 0;
    say(p, !any, "cors",
            any ? "every web page may call the API from a browser: name the origins in "
                  "api.cors_origins"
                : "only named origins, if any");
    say(p, cfg->audit.export != LG_CONFIG_AUDIT_FILE || cfg->audit.export_path[0] != '\0',
            "audit export",
            cfg->audit.export != LG_CONFIG_AUDIT_FILE || cfg->audit.export_path[0] != '\0'
                    ? "the log's head goes to where you said"
                    : "the log's head stays in the data folder: who may rewrite the log may "
                      "rewrite "
                      "it too; see audit.export");
    if (cfg->data_dir[0] != '\0')
        lg_posture_modes(cfg->data_dir, say, p);
    (void)pthread_mutex_unlock(&api->settings_mu);
}

/* ---- tokens, audit log, models ---- */

static bool is_live(const struct lg_token_row *t, lg_time now)
{
    return t->revoked_at == 0 && (t->expires_at == 0 || now < t->expires_at);
}

static int check_tokens(struct posture *p, struct lg_api *api, lg_time now)
{
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    unsigned endless = 0, unused = 0, live = 0;
    struct lg_token_row *rows;
    char text[160];
    uint32_t n;
    int rc;

    lg_arena_init(&arena, TOKENS_ARENA);
    rc = api->admin->ops->token_all(api->admin, &arena, &rows, &n);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < n; i++) {
        lg_time used = rows[i].last_used_at != 0 ? rows[i].last_used_at : rows[i].created_at;

        if (!is_live(&rows[i], now))
            continue;
        live++;
        endless += rows[i].expires_at == 0;
        unused += now - used > UNUSED_NS;
    }
    (void)snprintf(text, sizeof(text), "%u of %u live tokens never expire", endless, live);
    say(p, endless == 0, "token expiry", text);
    (void)snprintf(
            text, sizeof(text), "%u of %u live tokens were not used for 90 days", unused, live);
    say(p, unused == 0, "unused tokens", text);
    return 0;
}

static void check_first_token(struct posture *p, struct lg_api *api)
{
    char path[LG_CONFIG_PATH_BYTES + 16];
    struct stat st;

    (void)pthread_mutex_lock(&api->settings_mu);
    (void)snprintf(path, sizeof(path), "%s/admin-token", api->config.data_dir);
    (void)pthread_mutex_unlock(&api->settings_mu);
    if (stat(path, &st) == 0)
        say(p, false, "first token",
                "its secret still lies in the data folder: make tokens of less right, revoke it, "
                "remove the file");
    else
        say(p, true, "first token", "its secret lies nowhere");
}

static int check_audit(struct posture *p, struct lg_api *api)
{
    struct lg_audit_check check;
    int rc = api->admin->ops->audit_verify(api->admin, &check);
    char text[120];

    if (rc < 0 && rc != LG_ECORRUPT)
        return rc;
    if (rc < 0 || check.first_bad != 0)
        (void)snprintf(text, sizeof(text), "altered at row %llu: see logster audit verify",
                (unsigned long long)(rc < 0 ? 0 : check.first_bad));
    else
        (void)snprintf(text, sizeof(text), "each of %llu rows fits its chain",
                (unsigned long long)check.rows);
    say(p, rc == 0 && check.first_bad == 0, "audit log", text);
    return 0;
}

static void check_models(struct posture *p, const struct lg_api *api)
{
    for (size_t i = 0; i < api->d.n_models; i++) {
        const struct lg_api_model *m = &api->d.models[i];
        const char *sig = m->signature != NULL ? m->signature : "not_checked";
        char what[160], text[160];

        (void)snprintf(what, sizeof(what), "model %s %s", m->name, m->version);
        (void)snprintf(text, sizeof(text), "signature: %s%s", sig,
                m->experimental ? "; experimental" : "");
        say(p, strcmp(sig, "valid") == 0 || strcmp(sig, "not_checked") == 0, what, text);
    }
}

static int get_posture(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    struct posture p = {.problems = 0};
    int rc;

    lg_jw_init(&p.w, lg_http_out(req));
    lg_jw_object(&p.w);
    lg_jw_key(&p.w, LG_STR("checks"));
    lg_jw_array(&p.w);
    check_config(&p, api);
    check_first_token(&p, api);
    rc = check_tokens(&p, api, lg_req_time(req));
    if (rc == 0)
        rc = check_audit(&p, api);
    if (rc < 0)
        return api_fail(req, rc);
    check_models(&p, api);
    lg_jw_array_end(&p.w);
    LG_JW_U64(&p.w, "problems", p.problems);
    lg_jw_object_end(&p.w);
    return lg_http_send_json(req, 200);
}

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/posture",
                .operation = "getPosture",
                .tag = "platform",
                .summary = "What about this installation asks for attention",
                .doc = "Listeners, authentication, tokens, permissions, audit log, models. The "
                       "databases are read through by `logster doctor` alone.",
                .action = LG_ACT_CONFIG_READ,
                .responses = {API_OK("Posture", "What was looked at")},
                .handler = get_posture,
        },
};

struct lg_api_rows api_posture_rows(void)
{
    return API_ROWS(rows);
}
