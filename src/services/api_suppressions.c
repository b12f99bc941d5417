#include "services/api_int.h"

/* Rules that hide verdicts: seen before they are saved, with an owner, a reason and an end. */

#define PREVIEW_MAX 100u
#define HITS_MAX 1000u
#define PREVIEW_BACK_NS (INT64_C(30) * 86400 * LG_NS_PER_SEC)

/* The conditions of a body; `tenant` as it was resolved. */
static struct lg_suppression conditions(const struct api_body *b, struct lg_str tenant)
{
    return (struct lg_suppression){
            .tenant_id = tenant,
            .endpoint_id = api_body_str(b, "endpoint_id"),
            .process = api_body_str(b, "process"),
            .hash = api_body_str(b, "hash"),
            .technique = api_body_str(b, "technique"),
            .reason = api_body_str(b, "reason"),
    };
}

static int check_rule(struct lg_http_req *req, const struct lg_suppression *s)
{
    struct lg_err err = {0};
    int rc = lg_suppression_check(s, lg_req_time(req), &err);

    if (rc == 0)
        return 1;
    return lg_http_problem(req, 400, "bad-suppression", "%s", err.text);
}

/* End of life: the body's, else the configuration's default; never past what it allows. */
static int read_expiry(struct lg_http_req *req, struct lg_api *api, const struct api_body *b,
        struct lg_suppression *s)
{
    struct api_settings set;
    lg_time now = lg_req_time(req);
    int rc = api_body_time(b, "expires_at", &s->expires_at);

    api_settings_get(api, &set);
    if (rc < 0)
        return api_bad_member(req, "expires_at", "is no time");
    s->permanent = api_body_bool(b, "permanent", false);
    if (s->permanent && rc > 0)
        return api_bad_member(req, "expires_at", "does not go with permanent");
    if (s->permanent && !set.allow_permanent)
        return api_bad_member(
                req, "permanent", "is not allowed here (alerts.allow_permanent_suppressions)");
    if (s->permanent) {
        s->expires_at = 0;
        return 1;
    }
    if (rc == 0)
        s->expires_at = now + set.suppression_ttl_ns;
    if (s->expires_at <= now)
        return api_bad_member(req, "expires_at", "has passed");
    if (s->expires_at - now > set.suppression_max_ttl_ns)
        return api_bad_member(req, "expires_at", "is later than alerts.suppression_max_ttl allows");
    return 1;
}

static int store_rule(struct lg_http_req *req, struct lg_api *api, struct lg_suppression *s)
{
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_buf_done) struct lg_buf detail;
    char id[LG_UUID_TEXT + 1];
    struct lg_err err = {0};
    int rc;

    lg_buf_init(&detail, 65536);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.alerts->ops->suppression_add(api->d.alerts, sc, s, &err);
    if (rc == LG_EINVAL)
        return lg_http_problem(req, 400, "bad-suppression", "%s", err.text);
    if (rc == LG_EEXIST) { /* the same rule at the same moment: a client's second try */
        lg_suppression_write(s, lg_http_out(req));
        return lg_http_send_json(req, 201);
    }
    if (rc < 0)
        return api_fail(req, rc);
    lg_suppression_write(s, &detail);
    lg_uuid_text(&s->suppression_id, id);
    rc = api_audit(req, api, s->tenant_id, "suppression.create", lg_str_z(id), &detail);
    if (rc <= 0)
        return rc;
    lg_suppression_write(s, lg_http_out(req));
    return lg_http_send_json(req, 201);
}

static int create(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(api_body_done) struct api_body b = {0};
    char actor[LG_ACTOR_MAX];
    struct lg_suppression s;
    struct lg_str tenant;
    int rc = api_body(req, api, &b);

    if (rc > 0)
        rc = api_write_tenant(req, api, api_body_str(&b, "tenant_id"), &tenant);
    if (rc <= 0)
        return rc;
    s = conditions(&b, tenant);
    s.suppression_id = api_new_uuid();
    s.owner = lg_actor_text(lg_req_principal(req), actor);
    s.created_at = lg_req_time(req);
    rc = read_expiry(req, api, &b, &s);
    if (rc > 0)
        rc = check_rule(req, &s);
    if (rc <= 0)
        return rc;
    return store_rule(req, api, &s);
}

/* ---- preview ---- */

static int send_preview(
        struct lg_http_req *req, struct lg_api *api, const struct lg_suppression *s, lg_time from)
{
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_alert *list;
    uint64_t total;
    struct lg_jw w;
    uint32_t n;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.alerts->ops->suppression_preview(
                api->d.alerts, sc, s, from, PREVIEW_MAX, &arena, &list, &n, &total);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    LG_JW_U64(&w, "total", total);
    lg_jw_key(&w, LG_STR("alerts"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        lg_jw_raw(&w, LG_STR(""));
        lg_alert_write(&list[i], w.out);
    }
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int preview(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(api_body_done) struct api_body b = {0};
    lg_time now = lg_req_time(req), from = now - PREVIEW_BACK_NS;
    struct lg_suppression s;
    struct lg_str tenant;
    int rc = api_body(req, api, &b);

    if (rc > 0)
        rc = api_write_tenant(req, api, api_body_str(&b, "tenant_id"), &tenant);
    if (rc <= 0)
        return rc;
    if (api_body_time(&b, "from", &from) < 0)
        return api_bad_member(req, "from", "is no time");
    s = conditions(&b, tenant);
    /* What a rule must have beside its conditions is given when it is saved. */
    s.owner = s.reason = LG_STR("preview");
    s.created_at = now;
    s.expires_at = now + LG_NS_PER_SEC;
    rc = check_rule(req, &s);
    if (rc <= 0)
        return rc;
    return send_preview(req, api, &s, from);
}

/* ---- reading ---- */

static int read_rules(struct lg_http_req *req, struct lg_api *api, struct lg_str tenant,
        struct lg_arena *a, struct lg_suppression **ret, uint32_t *ret_n)
{
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    int rc = api_scope(req, &sc);

    if (rc == 0)
        rc = api->d.alerts->ops->suppression_list(api->d.alerts, sc, tenant, a, ret, ret_n);
    return rc;
}

static bool shown(const struct lg_http_req *req, const struct lg_suppression *s)
{
    struct lg_str state = lg_req_str(req, "state");
    bool live = !s->revoked && (s->permanent || s->expires_at > lg_req_time(req));

    return state.n == 0 || lg_str_eq(state, live ? LG_STR("live") : LG_STR("ended"));
}

static int list(struct lg_http_req *req, void *ctx)
{
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_suppression *rules;
    uint32_t n, kept = 0;
    struct lg_jw w;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    rc = read_rules(req, ctx, lg_req_str(req, "tenant_id"), &arena, &rules, &n);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("suppressions"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        if (!shown(req, &rules[i]))
            continue;
        lg_jw_raw(&w, LG_STR(""));
        lg_suppression_write(&rules[i], w.out);
        kept++;
    }
    lg_jw_array_end(&w);
    LG_JW_U64(&w, "total", kept);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

/* 1 and the rule that the path names, or 0 when the answer was sent. */
static int find(
        struct lg_http_req *req, struct lg_api *api, struct lg_arena *a, struct lg_suppression *ret)
{
    struct lg_suppression *rules;
    struct lg_uuid id;
    uint32_t n;
    int rc;

    if (!lg_req_uuid(req, "suppression_id", &id))
        return lg_http_not_found(req);
    rc = read_rules(req, api, LG_STR(""), a, &rules, &n);
    if (rc < 0)
        return api_fail(req, rc);
    for (uint32_t i = 0; i < n; i++)
        if (memcmp(&rules[i].suppression_id, &id, sizeof(id)) == 0) {
            *ret = rules[i];
            return 1;
        }
    return lg_http_not_found(req);
}

static int get(struct lg_http_req *req, void *ctx)
{
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_suppression s;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    rc = find(req, ctx, &arena, &s);
    if (rc <= 0)
        return rc;
    lg_suppression_write(&s, lg_http_out(req));
    return lg_http_send_json(req, 200);
}

static int revoke(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    LG_CLEANUP(lg_buf_done) struct lg_buf detail;
    char text[LG_UUID_TEXT + 1];
    struct lg_suppression s;
    int rc;

    lg_buf_init(&detail, 65536);
    lg_arena_init(&arena, API_LIST_ARENA);
    rc = find(req, api, &arena, &s);
    if (rc <= 0)
        return rc;
    rc = api_scope(req, &sc);
    if (rc == 0 && !s.revoked)
        rc = api->d.alerts->ops->suppression_revoke(
                api->d.alerts, sc, &s.suppression_id, lg_req_time(req));
    if (rc < 0)
        return api_fail(req, rc);
    if (!s.revoked) {
        lg_uuid_text(&s.suppression_id, text);
        lg_buf_adds(&detail, LG_STR("{}"));
        rc = api_audit(req, api, s.tenant_id, "suppression.revoke", lg_str_z(text), &detail);
        if (rc <= 0)
            return rc;
    }
    return lg_http_send_empty(req, 204);
}

static int get_hits(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_suppression_hit *hits;
    struct lg_suppression s;
    struct lg_jw w;
    uint32_t n;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    rc = find(req, api, &arena, &s);
    if (rc <= 0)
        return rc;
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.alerts->ops->suppression_hits(
                api->d.alerts, sc, &s.suppression_id, HITS_MAX, &arena, &hits, &n);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    api_put_uuid(&w, LG_STR("suppression_id"), &s.suppression_id);
    lg_jw_key(&w, LG_STR("hits"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        lg_jw_object(&w);
        api_put_uuid(&w, LG_STR("inference_id"), &hits[i].inference_id);
        LG_JW_STR(&w, "endpoint_id", hits[i].endpoint_id);
        LG_JW_STR(&w, "title", hits[i].title);
        LG_JW_DOUBLE(&w, "attack_prob", hits[i].attack_prob);
        api_put_time(&w, LG_STR("window_end"), hits[i].window_end);
        api_put_time(&w, LG_STR("at"), hits[i].at);
        lg_jw_object_end(&w);
    }
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

/* ---- rows ---- */

#define SUPPRESSION_ID API_P_PATH_UUID("suppression_id", "Id of the suppression")

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/suppressions",
                .operation = "listSuppressions",
                .tag = "suppressions",
                .summary = "List suppressions with what they have hidden",
                .action = LG_ACT_SUPPRESSION_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(API_P_TENANT,
                        {.name = "state",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_ENUM,
                                .values = "live|ended",
                                .doc = "Only those that hide now, or that no longer do"}),
                .responses = {API_OK("SuppressionList", "Suppressions, newest first")},
                .handler = list,
        },
        {
                .method = LG_POST,
                .path = "/suppressions",
                .operation = "createSuppression",
                .tag = "suppressions",
                .summary = "Hide what a rule matches from now on",
                .doc = "Verdicts that it hides are stored and counted, they only make no alert.",
                .action = LG_ACT_SUPPRESSION_WRITE,
                .flags = LG_ROUTE_TENANT,
                .request = "SuppressionRequest",
                .max_body_bytes = 65536,
                .responses = {{201, "SuppressionResponse", "The suppression", NULL}, API_GONE},
                .handler = create,
        },
        {
                .method = LG_POST,
                .path = "/suppressions/preview",
                .operation = "previewSuppression",
                .tag = "suppressions",
                .summary = "What a rule would have hidden",
                .action = LG_ACT_SUPPRESSION_WRITE,
                .flags = LG_ROUTE_TENANT,
                .request = "SuppressionPreviewRequest",
                .max_body_bytes = 65536,
                .responses = {API_OK("SuppressionPreview", "Stored alerts that it matches"),
                        API_GONE},
                .handler = preview,
        },
        {
                .method = LG_GET,
                .path = "/suppressions/{suppression_id}",
                .operation = "getSuppression",
                .tag = "suppressions",
                .summary = "One suppression",
                .action = LG_ACT_SUPPRESSION_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(SUPPRESSION_ID),
                .responses = {API_OK("SuppressionResponse", "The suppression"), API_GONE},
                .handler = get,
        },
        {
                .method = LG_DELETE,
                .path = "/suppressions/{suppression_id}",
                .operation = "revokeSuppression",
                .tag = "suppressions",
                .summary = "End a suppression now; it stays listed",
                .action = LG_ACT_SUPPRESSION_WRITE,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(SUPPRESSION_ID),
                .responses = {{204, NULL, "It hides nothing any more", NULL}, API_GONE},
                .handler = revoke,
        },
        {
                .method = LG_GET,
                .path = "/suppressions/{suppression_id}/hits",
                .operation = "listSuppressionHits",
                .tag = "suppressions",
                .summary = "Verdicts that a suppression has hidden",
                .action = LG_ACT_SUPPRESSION_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(SUPPRESSION_ID),
                .responses = {API_OK("SuppressionHits", "Hidden verdicts"), API_GONE},
                .handler = get_hits,
        },
};

struct lg_api_rows api_suppressions_rows(void)
{
    return API_ROWS(rows);
}
