#include "services/api_int.h"

/* Tokens, and who one is oneself. A secret is shown once, in the answer to its making. */

/* ---- writing ---- */

static void put_rights(struct lg_jw *w, const struct lg_principal *pr)
{
    lg_jw_key(w, LG_STR("tenants"));
    lg_jw_object(w);
    for (size_t i = 0; i < lg_principal_grants(pr); i++) {
        uint32_t roles;
        struct lg_str tenant = lg_principal_grant_at(pr, i, &roles);

        lg_jw_key_any(w, tenant);
        api_put_roles(w, roles);
    }
    lg_jw_object_end(w);
    lg_jw_key(w, LG_STR("platform"));
    api_put_roles(w, lg_principal_platform_roles(pr));
    lg_jw_key(w, LG_STR("scopes"));
    api_put_scopes(w, lg_principal_scopes(pr));
}

static int put_token(struct lg_jw *w, const struct lg_token_row *t)
{
    struct lg_principal *pr;
    int rc = lg_principal_new(LG_PRINCIPAL_TOKEN, t->token_id, t->name, &pr);

    if (rc < 0)
        return rc;
    rc = lg_grants_read(t->grants, NULL, NULL, pr);
    if (rc == 0) {
        lg_jw_object(w);
        LG_JW_STR(w, "token_id", t->token_id);
        LG_JW_STR(w, "name", t->name);
        api_put_str(w, LG_STR("owner"), t->owner);
        put_rights(w, pr);
        api_put_time(w, LG_STR("created_at"), t->created_at);
        api_put_time(w, LG_STR("expires_at"), t->expires_at);
        api_put_time(w, LG_STR("revoked_at"), t->revoked_at);
        api_put_time(w, LG_STR("first_used_at"), t->first_used_at);
        api_put_time(w, LG_STR("last_used_at"), t->last_used_at);
        lg_jw_object_end(w);
    }
    lg_principal_unref(pr);
    return rc;
}

/* ---- oneself ---- */

void api_put_me(struct lg_jw *w, const struct lg_principal *pr)
{
    char actor[LG_ACTOR_MAX];

    lg_jw_object(w);
    LG_JW_STR(w, "id", lg_principal_id(pr));
    LG_JW_STR(w, "name", lg_principal_name(pr));
    LG_JW_STR(w, "kind", lg_str_z(lg_principal_kind_name(lg_principal_kind(pr))));
    LG_JW_STR(w, "actor", lg_actor_text(pr, actor));
    put_rights(w, pr);
    lg_jw_key(w, LG_STR("actions"));
    lg_jw_array(w);
    for (int a = 0; a < LG_ACTION_COUNT; a++)
        if (lg_access_allows(pr, (enum lg_action)a, LG_STR("")))
            lg_jw_str(w, lg_str_z(lg_action_info((enum lg_action)a)->name));
    lg_jw_array_end(w);
    api_put_time(w, LG_STR("expires_at"), lg_principal_expiry(pr));
    lg_jw_object_end(w);
}

static int get_me(struct lg_http_req *req, void *ctx)
{
    struct lg_jw w;

    (void)ctx;
    lg_jw_init(&w, lg_http_out(req));
    api_put_me(&w, lg_req_principal(req));
    return lg_http_send_json(req, 200);
}

/* ---- list ---- */

static int read_tokens(struct lg_http_req *req, struct lg_api *api, struct lg_arena *a,
        struct lg_token_row **ret, uint32_t *ret_n)
{
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    int rc = api_scope(req, &sc);

    if (rc == 0)
        rc = api->admin->ops->token_list(api->admin, sc, a, ret, ret_n);
    return rc;
}

static int list(struct lg_http_req *req, void *ctx)
{
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_token_row *rows;
    struct lg_jw w;
    uint32_t n;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    rc = read_tokens(req, ctx, &arena, &rows, &n);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("tokens"));
    lg_jw_array(&w);
    for (uint32_t i = 0; rc == 0 && i < n; i++)
        rc = put_token(&w, &rows[i]);
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    if (rc < 0) {
        lg_buf_clear(w.out);
        return api_fail(req, rc == LG_ENOMEM ? rc : LG_ECORRUPT);
    }
    return lg_http_send_json(req, 200);
}

/* ---- create ---- */

static int forbid(struct lg_http_req *req, const char *what)
{
    return lg_http_problem(req, 403, "forbidden", "You cannot hand out %s", what);
}

static bool is_operator(const struct lg_principal *pr)
{
    return (lg_principal_platform_roles(pr) & LG_ROLE_OPERATOR) != 0;
}

/* May the caller hand out roles in this tenant? 1, or 0 when answered. */
static int may_grant(struct lg_http_req *req, struct lg_api *api, struct lg_str tenant)
{
    const struct lg_principal *pr = lg_req_principal(req);
    struct lg_str known;

    if (!lg_str_eq(tenant, LG_TENANT_ALL))
        return api_write_tenant(req, api, tenant.n > 0 ? tenant : LG_STR("-"), &known);
    if (is_operator(pr) || (lg_principal_roles(pr, LG_TENANT_ALL) & LG_ROLE_ADMIN) != 0)
        return 1;
    return forbid(req, "rights in every tenant");
}

/* Nobody hands out more than he holds, but that an operator may give rights in any tenant: how else
 * would a tenant get its first admin. That is told in the tenant's own audit log. */
static int check_rights(
        struct lg_http_req *req, struct lg_api *api, const struct lg_principal *rights)
{
    const struct lg_principal *pr = lg_req_principal(req);
    uint32_t roles;

    if (lg_principal_grants(rights) == 0 && lg_principal_platform_roles(rights) == 0 &&
            lg_principal_scopes(rights) == 0)
        return lg_http_problem(req, 400, "no-rights",
                "A token needs a role in a tenant, the operator role, or a scope");
    if (lg_principal_platform_roles(rights) != 0 && !is_operator(pr))
        return forbid(req, "the operator role");
    if ((lg_principal_scopes(rights) & LG_SCOPE_METRICS) != 0 && !is_operator(pr))
        return forbid(req, "the metrics scope");
    for (size_t i = 0; i < lg_principal_grants(rights); i++) {
        int rc = may_grant(req, api, lg_principal_grant_at(rights, i, &roles));

        if (rc <= 0)
            return rc;
    }
    return 1;
}

/* The body's rights: the same members as lg_grants_read takes. */
static int read_rights(const struct api_body *b, struct lg_str name, struct lg_principal **ret)
{
    LG_CLEANUP(lg_buf_done) struct lg_buf text;
    struct lg_principal *pr;
    struct lg_jw w;
    int rc;

    lg_buf_init(&text, 65536);
    lg_jw_init(&w, &text);
    lg_jw_value(&w, b->root);
    rc = text.failed;
    if (rc == 0)
        rc = lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("new"), name, &pr);
    if (rc < 0)
        return rc;
    rc = lg_grants_read(lg_buf_str(&text), NULL, NULL, pr);
    if (rc < 0)
        lg_principal_unref(pr);
    else
        *ret = pr;
    return rc;
}

static int read_expiry(
        struct lg_http_req *req, struct lg_api *api, const struct api_body *b, lg_time *ret)
{
    struct api_settings set;
    int rc = api_body_time(b, "expires_at", ret);

    api_settings_get(api, &set);
    if (rc < 0)
        return api_bad_member(req, "expires_at", "is no time");
    if (rc == 0)
        *ret = set.token_ttl_ns > 0 ? lg_req_time(req) + set.token_ttl_ns : 0;
    else if (*ret <= lg_req_time(req))
        return api_bad_member(req, "expires_at", "has passed");
    return 1;
}

static int issue(struct lg_http_req *req, struct lg_api *api, const struct lg_token_spec *spec)
{
    char text[LG_TOKEN_CHARS + 1];
    struct lg_token_row row;
    struct lg_token token;
    struct lg_jw w;
    int rc = lg_token_issue(api->admin, lg_req_time(req), spec, text, &token);

    if (rc == 0)
        rc = api->admin->ops->token_get(api->admin, lg_str_z(token.id), lg_req_arena(req), &row);
    if (rc < 0)
        return api_fail(req, rc == LG_EINVAL ? LG_EIO : rc);
    lg_auth_learn(api->d.auth, lg_str_z(token.id));
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    LG_JW_STR(&w, "token", lg_str_z(text));
    lg_jw_key(&w, LG_STR("details"));
    rc = put_token(&w, &row);
    lg_jw_object_end(&w);
    lg_token_wipe(text, sizeof(text));
    lg_http_header(req, "Cache-Control", "no-store");
    return rc < 0 ? rc : lg_http_send_json(req, 201);
}

static int create(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(api_body_done) struct api_body b = {0};
    char actor[LG_ACTOR_MAX];
    struct lg_principal *rights = NULL;
    struct lg_token_spec spec = {.request_id = lg_req_id(req)};
    int rc = api_body(req, api, &b);

    if (rc <= 0)
        return rc;
    spec.name = api_body_str(&b, "name");
    spec.owner = api_body_str(&b, "owner");
    spec.actor = lg_actor_text(lg_req_principal(req), actor);
    rc = read_expiry(req, api, &b, &spec.expires_at);
    if (rc <= 0)
        return rc;
    rc = read_rights(&b, spec.name, &rights);
    if (rc == LG_EINVAL) /* a tenant's name that cannot be one is as unknown as any other */
        return lg_http_not_found(req);
    if (rc < 0)
        return rc;
    spec.rights = rights;
    rc = check_rights(req, api, rights);
    if (rc > 0)
        rc = issue(req, api, &spec);
    lg_principal_unref(rights);
    return rc;
}

/* ---- revoke ---- */

static int audit_revoked(struct lg_http_req *req, struct lg_api *api, const struct lg_token_row *t)
{
    struct lg_principal *pr;
    char actor[LG_ACTOR_MAX];
    int rc = lg_principal_new(LG_PRINCIPAL_TOKEN, t->token_id, t->name, &pr);

    if (rc < 0)
        return rc;
    rc = lg_grants_read(t->grants, NULL, NULL, pr);
    if (rc == 0)
        rc = api_token_audit(api->admin, lg_req_time(req), pr,
                &(struct api_token_deed){
                        .action = "token.revoke",
                        .token_id = t->token_id,
                        .name = t->name,
                        .owner = t->owner,
                        .actor = lg_actor_text(lg_req_principal(req), actor),
                        .request_id = lg_req_id(req),
                });
    lg_principal_unref(pr);
    return rc;
}

static int revoke(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_str id = lg_req_str(req, "token_id");
    const struct lg_token_row *t = NULL;
    struct lg_token_row *rows;
    uint32_t n;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    rc = read_tokens(req, api, &arena, &rows, &n);
    if (rc < 0)
        return api_fail(req, rc);
    for (uint32_t i = 0; i < n; i++)
        if (lg_str_eq(rows[i].token_id, id))
            t = &rows[i];
    if (t == NULL)
        return lg_http_not_found(req);
    if (t->revoked_at == 0) {
        rc = api->admin->ops->token_revoke(api->admin, id, lg_req_time(req));
        lg_auth_forget(api->d.auth, id);
        if (rc == 0)
            rc = audit_revoked(req, api, t);
    }
    return rc < 0 ? api_fail(req, rc) : lg_http_send_empty(req, 204);
}

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/me",
                .operation = "getMe",
                .tag = "tokens",
                .summary = "Who you are and what you may do",
                .action = LG_ACT_SELF_READ,
                .responses = {API_OK("MeResponse", "You")},
                .handler = get_me,
        },
        {
                .method = LG_GET,
                .path = "/tokens",
                .operation = "listTokens",
                .tag = "tokens",
                .summary = "Tokens of the tenants that you administer",
                .doc = "A token that also reaches a tenant which is not yours is not shown.",
                .action = LG_ACT_TOKEN_READ,
                .flags = LG_ROUTE_TENANT,
                .responses = {API_OK("TokenList", "Tokens, oldest first; never their secrets")},
                .handler = list,
        },
        {
                .method = LG_POST,
                .path = "/tokens",
                .operation = "createToken",
                .tag = "tokens",
                .summary = "Make a token; its secret is shown this once",
                .doc = "An admin hands out roles in his tenants, an operator in any. Only an "
                       "operator "
                       "hands out the operator role and the metrics scope.",
                .action = LG_ACT_TOKEN_WRITE,
                .flags = LG_ROUTE_TENANT,
                .request = "TokenRequest",
                .max_body_bytes = 65536,
                .responses = {{201, "TokenCreated", "The token", NULL}, API_GONE},
                .handler = create,
        },
        {
                .method = LG_DELETE,
                .path = "/tokens/{token_id}",
                .operation = "revokeToken",
                .tag = "tokens",
                .summary = "Make a token useless now; it stays listed",
                .action = LG_ACT_TOKEN_WRITE,
                .flags = LG_ROUTE_TENANT,
                .params =
                        API_PARAMS(API_P_PATH_TEXT("token_id", "Id of the token, not its secret")),
                .responses = {{204, NULL, "It opens nothing any more", NULL}, API_GONE},
                .handler = revoke,
        },
};

struct lg_api_rows api_tokens_rows(void)
{
    return API_ROWS(rows);
}
