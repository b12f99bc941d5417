#ifndef LG_TESTS_UNIT_SERVICES_API_FIXTURE_H
#define LG_TESTS_UNIT_SERVICES_API_FIXTURE_H

#include "lg_test.h"

#include <ftw.h>
#include <unistd.h>

#include "event/codec.h"
#include "pipeline/stage.h"
#include "services/api.h"
#include "services/dashboard.h"
#include "services/sessions.h"

/*
 * The API over the real stores and the real bus in a folder of its own, called without a socket.
 * Two tenants, acme and other, hold the same kinds of things; each role has a token in each.
 */
#define API_NOW INT64_C(1700000000000000000)
#define API_MINUTE (60 * LG_NS_PER_SEC)

enum api_role {
    API_VIEWER,
    API_ANALYST,
    API_ADMIN,
    API_INGEST,
    API_OPERATOR,
    API_METRICS,
    API_BOTH,  /* analyst in both tenants */
    API_ALL,   /* admin in every tenant, operator: the first token */
    API_OTHER, /* admin of the other tenant */
    API_NOBODY,
    API_ROLES
};

struct api_fix {
    char dir[64];
    lg_time now;
    struct lg_config cfg;
    struct lg_event_store *events;
    struct lg_alert_store *alerts;
    struct lg_bus *bus;
    struct lg_topics topics;
    struct lg_metrics *metrics;
    struct lg_auth *auth;
    struct lg_api_model model;
    struct lg_api *api;
    struct lg_router *rt;
    struct lg_http_server_opts opts;
    struct lg_dashboard *dash;
    bool by_page; /* calls go to the dashboard's surface, below /api, with a session */
    char cookie[API_ROLES][LG_SESSION_TEXT + 1];
    char csrf[API_ROLES][LG_SESSION_CSRF + 1];
    char token[API_ROLES][LG_TOKEN_CHARS + 1];
    char token_id[API_ROLES][LG_TOKEN_ID_CHARS + 1];
    struct lg_uuid alert[2], inference[2], event[2]; /* the first of each tenant */
    struct lg_http_reply reply;
};

static const char *const api_tenants[2] = {"acme", "other"};

static lg_time fix_clock(void *ctx)
{
    return __atomic_load_n(&((struct api_fix *)ctx)->now, __ATOMIC_RELAXED);
}

static int fix_unlink(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb;
    (void)flag;
    (void)ftw;
    return remove(path);
}

/* ---- data ---- */

static inline struct lg_uuid fix_uuid(const char *kind, const char *tenant, unsigned i)
{
    char n[16];
    struct lg_str parts[3] = {lg_str_z(kind), lg_str_z(tenant)};

    (void)snprintf(n, sizeof(n), "%u", i);
    parts[2] = lg_str_z(n);
    return lg_uuid_from_tuple(parts, 3);
}

/* A verdict of host `host`, window `minute` minutes before now; attack with process evidence. */
static inline void fix_verdict_line(struct lg_buf *out, const char *tenant, const char *host,
        unsigned i, unsigned minute, double prob)
{
    struct lg_uuid id = fix_uuid("inference", tenant, i);
    bool attack = prob > 0.5;
    long end = (long)(API_NOW / LG_NS_PER_SEC) / 180 * 180 - (long)minute * 60;
    char text[LG_UUID_TEXT + 1];

    lg_uuid_text(&id, text);
    lg_buf_clear(out);
    lg_buf_printf(out,
            "{\"tenant_id\":\"%s\",\"endpoint_id\":\"%s\",\"hostname\":\"%s.example.org\","
            "\"platform\":\"windows\",\"window_start\":%ld,\"window_end\":%ld,"
            "\"prediction\":\"%s\",\"attack_prob\":%.3f,\"confidence\":0.9,\"severity\":\"%s\","
            "\"events\":12,\"late_events\":1,\"graph_nodes\":9,\"graph_edges\":14,\"truncated\":0,"
            "\"idle_allowlisted\":false,\"inference_time_ms\":1.5,\"scores\":{\"gat\":1,\"tokens\":"
            "1,"
            "\"trees\":1,\"patterns\":0,\"jury\":1},\"evidence\":[",
            tenant, host, host, end - 180, end, attack ? "attack" : "benign", prob,
            attack ? prob > 0.9 ? "high" : "medium" : "none");
    if (attack)
        lg_buf_printf(out,
                "{\"node\":1,\"type\":\"process\",\"name\":\"C:\\\\Users\\\\mallory\\\\evil%u."
                "exe\","
                "\"command_line\":\"evil%u.exe -secret-of-%s\",\"pid\":4242,"
                "\"process_guid\":\"{guid-%s-%u}\",\"user\":\"mallory\",\"hash\":\"SHA256=AA%u\","
                "\"first_seen\":%ld,\"share\":1,\"parent\":null,\"techniques\":[\"T1059.001\"]}",
                i, i, tenant, tenant, i, i, end - 100);
    lg_buf_printf(out,
            "],\"ttp_techniques\":[%s],\"model\":{\"name\":\"windows\",\"version\":\"1\","
            "\"sha256\":\"%064d\"},\"inference_id\":\"%s\",\"received_at\":%ld,"
            "\"ledger\":{\"missed\":7}}",
            attack ? "\"T1059.001\"" : "", 0, text, end + 5);
    assert_int_equal(out->failed, 0);
}

/* Into both stores: as the indexer and the alerts stage do. */
static inline struct lg_uuid fix_verdict(struct api_fix *f, const char *tenant, const char *host,
        unsigned i, unsigned minute, double prob)
{
    struct lg_inference_put put = {0};
    struct lg_apply apply = {0};
    struct lg_inference in;
    struct lg_err err = {0};
    struct lg_arena a;
    struct lg_buf line;
    struct lg_json *j;
    struct lg_jval root;

    lg_arena_init(&a, 1u << 20);
    lg_buf_init(&line, 1u << 16);
    fix_verdict_line(&line, tenant, host, i, minute, prob);
    assert_int_equal(lg_json_new(&j), 0);
    assert_int_equal(lg_json_parse(j, lg_buf_str(&line), false, &root, NULL), 0);
    if (lg_inference_read(root, lg_buf_str(&line), &a, &in, &err) < 0)
        fail_msg("%s", err.text);
    put.in = &in;
    if (f->events->ops->write(f->events, NULL, 0, &put, 1, &err) < 0)
        fail_msg("%s", err.text);
    apply.in = &in;
    if (f->alerts->ops->apply(f->alerts, &apply, 1, 30 * API_MINUTE, f->now, &err) < 0)
        fail_msg("%s", err.text);
    lg_json_free(j);
    lg_buf_done(&line);
    lg_arena_done(&a);
    return apply.ret_alert_id;
}

static inline struct lg_uuid fix_event(struct api_fix *f, const char *tenant, const char *host,
        unsigned i, const char *guid, const char *parent)
{
    static struct lg_event ev;
    char raw[128], image[64], name[64];
    struct lg_event_put put = {0};
    struct lg_buf line;
    struct lg_err err = {0};

    lg_event_clear(&ev);
    (void)snprintf(raw, sizeof(raw), "{\"raw\":\"of %s %u\"}", tenant, i);
    (void)snprintf(image, sizeof(image), "C:\\Windows\\prog%u.exe", i);
    (void)snprintf(name, sizeof(name), "%s.example.org", host);
    ev.event_id = fix_uuid("event", tenant, i);
    ev.tenant_id = lg_str_z(tenant);
    ev.hostname = lg_str_z(name);
    ev.endpoint_id = lg_str_z(host);
    ev.platform = LG_PLATFORM_WINDOWS;
    ev.source = LG_SOURCE_SYSMON;
    ev.type = LG_EVENT_PROCESS_CREATE;
    ev.time_ns = ev.claimed_time_ns = API_NOW - 10 * API_MINUTE + (lg_time)i * LG_NS_PER_SEC;
    ev.code = 1;
    ev.format = LG_STR("test");
    ev.raw = lg_str_z(raw);
    ev.raw_kind = LG_RAW_JSON;
    lg_event_set_str(&ev, LG_F_IMAGE, lg_str_z(image));
    lg_event_set_str(&ev, LG_F_COMMAND_LINE, lg_str_z(tenant));
    lg_event_set_str(&ev, LG_F_USER, LG_STR("mallory"));
    lg_event_set_str(&ev, LG_F_PROCESS_GUID, lg_str_z(guid));
    lg_event_set_str(&ev, LG_F_PARENT_PROCESS_GUID, lg_str_z(parent));
    lg_event_set_str(&ev, LG_F_PARENT_IMAGE, LG_STR("C:\\Windows\\explorer.exe"));
    lg_buf_init(&line, 1u << 16);
    lg_event_write(&ev, &line);
    assert_int_equal(line.failed, 0);
    put = (struct lg_event_put){
            .ev = &ev, .json = lg_buf_str(&line), .received_at = ev.time_ns + LG_NS_PER_SEC};
    if (f->events->ops->write(f->events, &put, 1, NULL, 0, &err) < 0)
        fail_msg("%s", err.text);
    lg_buf_done(&line);
    return ev.event_id;
}

/* One record that could not be used, as the normalizer leaves it. */
static inline void fix_dead(struct api_fix *f, const char *tenant, const char *reason, unsigned i)
{
    char value[64], time[32];
    struct lg_bus_header headers[] = {
            {LG_STR(LG_BUS_H_SCHEMA), LG_STR("dead-letter/1")},
            {LG_STR(LG_BUS_H_TENANT), lg_str_z(tenant)},
            {LG_STR(LG_BUS_H_SOURCE), LG_STR("sysmon")},
            {LG_STR(LG_DEAD_H_REASON), lg_str_z(reason)},
            {LG_STR(LG_DEAD_H_DETAIL), LG_STR("at byte 7")},
            {LG_STR(LG_DEAD_H_TOPIC), LG_STR("sysmon-logs")},
            {LG_STR(LG_DEAD_H_PARTITION), LG_STR("0")},
            {LG_STR(LG_DEAD_H_OFFSET), LG_STR("17")},
            {LG_STR(LG_DEAD_H_STAGE), LG_STR("normalizer")},
            {LG_STR(LG_DEAD_H_TIME), {0}},
            {LG_STR(LG_DEAD_H_SCHEMA), LG_STR("raw/1")},
    };
    struct lg_bus_output out = {
            .topic = f->topics.n[LG_TOPIC_DEAD_LETTER],
            .partition = LG_BUS_BY_KEY,
            .rec = {.headers = headers, .n_headers = sizeof(headers) / sizeof(*headers)},
    };
    struct lg_err err = {0};
    char key[64];

    (void)snprintf(value, sizeof(value), "{\"broken\":%u", i);
    (void)snprintf(time, sizeof(time), "%lld", (long long)(API_NOW - API_MINUTE));
    (void)snprintf(key, sizeof(key), "%s:host%u", tenant, i);
    headers[9].value = lg_str_z(time);
    out.rec.key = lg_str_z(key);
    out.rec.value = lg_str_z(value);
    out.rec.bus_time = API_NOW - API_MINUTE / 2;
    if (lg_bus_publish(f->bus, &out, 1, 0, &err) < 0)
        fail_msg("%s", err.text);
}

/* ---- tokens ---- */

static inline void fix_token(struct api_fix *f, enum api_role role, const char *name,
        const char *tenant, uint32_t roles, uint32_t platform, uint32_t scopes)
{
    struct lg_principal *pr;
    struct lg_token tok;
    struct lg_token_spec spec = {.name = lg_str_z(name), .actor = LG_STR("fixture")};

    assert_int_equal(
            lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("rights"), LG_STR("rights"), &pr), 0);
    if (tenant != NULL)
        assert_int_equal(lg_principal_grant(pr, lg_str_z(tenant), roles), 0);
    if (role == API_BOTH)
        assert_int_equal(lg_principal_grant(pr, LG_STR("other"), roles), 0);
    lg_principal_grant_platform(pr, platform);
    lg_principal_grant_scopes(pr, scopes);
    spec.rights = pr;
    assert_int_equal(lg_token_issue(f->alerts->admin, f->now, &spec, f->token[role], &tok), 0);
    memcpy(f->token_id[role], tok.id, sizeof(tok.id));
    lg_principal_unref(pr);
}

static inline void fix_tokens(struct api_fix *f)
{
    fix_token(f, API_VIEWER, "vera", "acme", LG_ROLE_VIEWER, 0, 0);
    fix_token(f, API_ANALYST, "anna", "acme", LG_ROLE_ANALYST, 0, 0);
    fix_token(f, API_ADMIN, "adam", "acme", LG_ROLE_ADMIN, 0, 0);
    fix_token(f, API_INGEST, "shipper", "acme", LG_ROLE_INGEST, 0, 0);
    fix_token(f, API_OPERATOR, "otto", NULL, 0, LG_ROLE_OPERATOR, 0);
    fix_token(f, API_METRICS, "prometheus", NULL, 0, 0, LG_SCOPE_METRICS);
    fix_token(f, API_BOTH, "bob", "acme", LG_ROLE_ANALYST, 0, 0);
    fix_token(f, API_ALL, "root", "*", LG_ROLES_TENANT, LG_ROLE_OPERATOR, LG_SCOPE_METRICS);
    fix_token(f, API_OTHER, "oscar", "other", LG_ROLE_ADMIN, 0, 0);
}

/* ---- up and down ---- */

static inline void fix_open_stores(struct api_fix *f)
{
    char path[128], bus[128];
    struct lg_sqlite_event_options eo = {.dir = path};
    struct lg_bus_embedded_options bo = {.path = bus,
            .now = fix_clock,
            .user = f,
            .maintain_ms = UINT32_MAX,
            .write_buffer_bytes = 1u << 20};
    struct lg_err err = {0};

    (void)snprintf(path, sizeof(path), "%s/alerts.db", f->dir);
    if (lg_sqlite_alert_store_open(path, &f->alerts, &err) < 0)
        fail_msg("%s", err.text);
    (void)snprintf(path, sizeof(path), "%s/events", f->dir);
    if (lg_sqlite_event_store_open(&eo, &f->events, &err) < 0)
        fail_msg("%s", err.text);
    (void)snprintf(bus, sizeof(bus), "%s/bus", f->dir);
    if (lg_bus_open_embedded(&bo, &f->bus, &err) < 0)
        fail_msg("%s", err.text);
    if (lg_topics_ensure(f->bus, &f->cfg, &f->topics, &err) < 0)
        fail_msg("%s", err.text);
}

static inline void fix_fill(struct api_fix *f)
{
    for (int t = 0; t < 2; t++) {
        struct lg_tenant_row row = {
                .tenant_id = lg_str_z(api_tenants[t]),
                .name = LG_STR("A tenant"),
                .created_at = f->now,
        };

        assert_int_equal(f->alerts->admin->ops->tenant_create(f->alerts->admin, &row), 0);
        f->alert[t] = fix_verdict(f, api_tenants[t], "hr001", 0, 5, 0.97);
        (void)fix_verdict(f, api_tenants[t], t == 0 ? "hr002" : "hr003", 1, 4, 0.81);
        (void)fix_verdict(f, api_tenants[t], "hr001", 2, 3, 0.1);
        f->inference[t] = fix_uuid("inference", api_tenants[t], 0);
        f->event[t] = fix_event(f, api_tenants[t], "hr001", 0,
                t == 0 ? "{guid-acme-0}" : "{guid-other-0}", "{explorer}");
        (void)fix_event(f, api_tenants[t], "hr001", 1, "{child}",
                t == 0 ? "{guid-acme-0}" : "{guid-other-0}");
        fix_dead(f, api_tenants[t], "parse_error", (unsigned)t);
        fix_dead(f, api_tenants[t], "tenant_mismatch", 10 + (unsigned)t);
    }
}

static const struct lg_asset fix_files[] = {
        {"/assets/app-1a2b.js", "text/javascript; charset=utf-8", "aa11", true,
                {"let page = 1;", 13}, {"(packed)", 8}},
        {"/favicon.svg", "image/svg+xml", "bb22", false, {"<svg/>", 6}, {NULL, 0}},
        {"/index.html", "text/html; charset=utf-8", "cc33", false, {"<!doctype html><p>page", 22},
                {"(page)", 6}},
};

static inline void fix_dashboard(struct api_fix *f)
{
    const struct lg_dashboard_deps deps = {.api = f->api,
            .auth = f->auth,
            .admin = f->alerts->admin,
            .config = &f->cfg,
            .assets = {fix_files, sizeof(fix_files) / sizeof(*fix_files)},
            .clock = fix_clock,
            .clock_ctx = f};
    struct lg_err err = {0};

    if (lg_dashboard_new(&deps, &f->dash, &err) < 0 ||
            lg_dashboard_attach(f->dash, f->rt, &err) < 0)
        fail_msg("%s", err.text);
}

/* The server's options as the dashboard's listener has them. */
static inline struct lg_http_server_opts fix_page_opts(struct api_fix *f)
{
    struct lg_http_server_opts opts = f->opts;

    opts.surfaces = LG_SURFACE_DASHBOARD;
    opts.authenticate = lg_dashboard_authenticate;
    opts.auth_ctx = f->dash;
    return opts;
}

static inline int fix_setup(void **state)
{
    struct api_fix *f = calloc(1, sizeof(*f));
    struct lg_api_deps deps;
    struct lg_err err = {0};

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/lg-api-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->now = API_NOW;
    lg_config_defaults(&f->cfg);
    f->cfg.bus.partitions = 2;
    f->cfg.bus.min_free_bytes = 0;
    fix_open_stores(f);
    fix_tokens(f);
    fix_fill(f);
    assert_int_equal(lg_metrics_new(&f->metrics), 0);
    assert_int_equal(lg_auth_new(f->alerts->admin, fix_clock, f, &f->auth), 0);
    f->model = (struct lg_api_model){.name = "windows",
            .version = "1",
            .platform = "windows",
            .sha256 = "00",
            .signature = "unsigned",
            .threshold = 0.5,
            .loaded_at = API_NOW};
    deps = (struct lg_api_deps){.events = f->events,
            .alerts = f->alerts,
            .auth = f->auth,
            .config = &f->cfg,
            .bus = f->bus,
            .topics = &f->topics,
            .metrics = f->metrics,
            .models = &f->model,
            .n_models = 1,
            .version = "1.2.3",
            .clock = fix_clock,
            .clock_ctx = f};
    if (lg_api_new(&deps, &f->api, &err) < 0 || lg_router_new(&f->rt) < 0 ||
            lg_api_attach(f->api, f->rt, &err) < 0)
        fail_msg("%s", err.text);
    f->opts = (struct lg_http_server_opts){
            .authenticate = lg_auth_http, .auth_ctx = f->auth, .clock = fix_clock, .clock_ctx = f};
    lg_http_reply_init(&f->reply);
    fix_dashboard(f);
    *state = f;
    return 0;
}

static inline int fix_setup_page(void **state)
{
    int rc = fix_setup(state);

    ((struct api_fix *)*state)->by_page = true;
    return rc;
}

static inline int fix_teardown(void **state)
{
    struct api_fix *f = *state;

    lg_http_reply_done(&f->reply);
    lg_api_stop(f->api);
    lg_router_free(f->rt);
    lg_dashboard_free(f->dash);
    lg_api_free(f->api);
    lg_auth_free(f->auth);
    lg_metrics_free(f->metrics);
    lg_bus_close(f->bus);
    lg_event_store_close(f->events);
    lg_alert_store_close(f->alerts);
    (void)nftw(f->dir, fix_unlink, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

/* ---- calls ---- */

static inline void fix_value(struct api_fix *f, const char *key, char *out, size_t cap);

/* What `call` says over these options; the answer is in f->reply. */
static inline int fix_send(
        struct api_fix *f, const struct lg_http_server_opts *opts, const struct lg_http_call *call)
{
    (void)__atomic_add_fetch(&f->now, 1000000, __ATOMIC_RELAXED); /* no two at one moment */
    lg_http_reply_done(&f->reply);
    lg_http_reply_init(&f->reply);
    assert_int_equal(lg_http_call(f->rt, opts, call, &f->reply), 0);
    return f->reply.status;
}

/* Signs in at the dashboard; false where the token is let in nowhere. */
static inline bool fix_sign_in(struct api_fix *f, enum api_role as)
{
    const struct lg_http_server_opts opts = fix_page_opts(f);
    const char *const headers[] = {"Host: localhost", "Content-Type: application/json", NULL};
    struct lg_http_call call = {.method = "POST", .uri = LG_STR("/session"), .headers = headers};
    char body[128];
    struct lg_str cookie;

    (void)snprintf(body, sizeof(body), "{\"token\":\"%s\"}", f->token[as]);
    call.body = lg_str_z(body);
    if (fix_send(f, &opts, &call) != 200)
        return false;
    fix_value(f, "csrf_token", f->csrf[as], sizeof(f->csrf[as]));
    cookie = lg_http_reply_header(&f->reply, "Set-Cookie");
    assert_true(lg_str_starts(cookie, LG_STR("logster_session=")));
    cookie = lg_str_sub(cookie, 16, 16 + LG_SESSION_TEXT);
    assert_int_equal(cookie.n, LG_SESSION_TEXT);
    memcpy(f->cookie[as], cookie.p, cookie.n);
    return true;
}

/* Is this a row of the dashboard alone? */
static inline bool fix_is_page(const char *uri)
{
    return strcmp(uri, "/session") == 0 || strcmp(uri, "/") == 0 || strncmp(uri, "/page", 5) == 0 ||
            strncmp(uri, "/assets", 7) == 0;
}

/* One request; returns the status, the answer is in f->reply. `header` may be NULL. */
static inline int fix_call(struct api_fix *f, enum api_role as, const char *method, const char *uri,
        const char *body, const char *header)
{
    bool page = f->by_page || fix_is_page(uri);
    struct lg_http_server_opts opts = page ? fix_page_opts(f) : f->opts;
    char authorization[128], cookie[128], csrf[128], below[1024];
    const char *headers[8] = {"Host: localhost"};
    struct lg_http_call call = {.method = method, .uri = lg_str_z(uri), .headers = headers};
    size_t n = 1;
    int status;

    if (f->by_page && !fix_is_page(uri) && strncmp(uri, "/api/", 5) != 0) {
        (void)snprintf(below, sizeof(below), "/api%s", uri);
        call.uri = lg_str_z(below);
    }
    if (as != API_NOBODY && f->by_page && (f->cookie[as][0] != '\0' || fix_sign_in(f, as))) {
        (void)snprintf(cookie, sizeof(cookie), "Cookie: logster_session=%s", f->cookie[as]);
        (void)snprintf(csrf, sizeof(csrf), "X-CSRF-Token: %s", f->csrf[as]);
        headers[n++] = cookie;
        headers[n++] = csrf;
    } else if (as != API_NOBODY) {
        (void)snprintf(
                authorization, sizeof(authorization), "Authorization: Bearer %s", f->token[as]);
        headers[n++] = authorization;
    }
    if (body != NULL) {
        headers[n++] = "Content-Type: application/json";
        call.body = lg_str_z(body);
    }
    if (header != NULL)
        headers[n++] = header;
    headers[n] = NULL;
    status = fix_send(f, &opts, &call);
    if (as != API_NOBODY && strcmp(uri, "/session") == 0 && strcmp(method, "GET") != 0)
        f->cookie[as][0] = '\0'; /* that session is over */
    return status;
}

static inline int fix_get(struct api_fix *f, enum api_role as, const char *uri)
{
    return fix_call(f, as, "GET", uri, NULL, NULL);
}

static inline bool fix_has(struct api_fix *f, const char *text)
{
    return lg_str_find(lg_buf_str(&f->reply.body), lg_str_z(text)) >= 0;
}

#define assert_has(f, text)                                                                        \
    do {                                                                                           \
        if (!fix_has((f), (text)))                                                                 \
            fail_msg("no %s in %.*s", (text), (int)(f)->reply.body.n, (f)->reply.body.p);          \
    } while (0)
#define assert_hasnt(f, text)                                                                      \
    do {                                                                                           \
        if (fix_has((f), (text)))                                                                  \
            fail_msg("%s in %.*s", (text), (int)(f)->reply.body.n, (f)->reply.body.p);             \
    } while (0)
#define assert_status(f, got, want)                                                                \
    do {                                                                                           \
        int got_ = (got);                                                                          \
        if (got_ != (want))                                                                        \
            fail_msg("%d, not %d: %.*s", got_, (want), (int)(f)->reply.body.n,                     \
                    (f)->reply.body.p != NULL ? (f)->reply.body.p : "");                           \
    } while (0)

/* "/alerts/<id><rest>" */
static inline const char *fix_uri(
        char out[256], const char *before, const struct lg_uuid *id, const char *after)
{
    char text[LG_UUID_TEXT + 1];

    lg_uuid_text(id, text);
    (void)snprintf(out, 256, "%s%s%s", before, text, after);
    return out;
}

/* Value of the first `"key":` as text up to the next quote, comma or bracket: good for ids. */
static inline void fix_value(struct api_fix *f, const char *key, char *out, size_t cap)
{
    struct lg_str b = lg_buf_str(&f->reply.body);
    char want[64];
    ptrdiff_t at;
    size_t n = 0;

    (void)snprintf(want, sizeof(want), "\"%s\":", key);
    at = lg_str_find(b, lg_str_z(want));
    if (at < 0)
        fail_msg("no %s in %.*s", key, (int)b.n, b.p);
    b = lg_str_sub(b, (size_t)at + strlen(want), b.n);
    if (b.n > 0 && b.p[0] == '"')
        b = lg_str_sub(b, 1, b.n);
    while (n + 1 < cap && n < b.n && b.p[n] != '"' && b.p[n] != ',' && b.p[n] != '}') {
        out[n] = b.p[n];
        n++;
    }
    out[n] = '\0';
}

#endif
