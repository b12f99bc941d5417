#include "services/api_int.h"

/* Tenants: operators see and make all, others see their own. */

static void put_tenant(struct lg_jw *w, const struct lg_tenant_row *t)
{
    lg_jw_object(w);
    LG_JW_STR(w, "tenant_id", t->tenant_id);
    api_put_str(w, LG_STR("name"), t->name);
    api_put_time(w, LG_STR("created_at"), t->created_at);
    api_put_time(w, LG_STR("disabled_at"), t->disabled_at);
    lg_jw_object_end(w);
}

static int list(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_tenant_row *rows;
    struct lg_jw w;
    uint32_t n;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->admin->ops->tenant_list(api->admin, &arena, &rows, &n);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("tenants"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++)
        if (lg_scope_allows(sc, rows[i].tenant_id))
            put_tenant(&w, &rows[i]);
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int create(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(api_body_done) struct api_body b = {0};
    LG_CLEANUP(lg_buf_done) struct lg_buf detail;
    struct lg_tenant_row t = {.created_at = lg_req_time(req)};
    struct lg_jw w;
    int rc;

    lg_buf_init(&detail, 4096);
    rc = api_body(req, api, &b);
    if (rc <= 0)
        return rc;
    t.tenant_id = api_body_str(&b, "tenant_id");
    t.name = api_body_str(&b, "name");
    if (!lg_tenant_valid(t.tenant_id))
        return api_bad_member(req, "tenant_id",
                "wants lower-case letters, digits, - and _, and neither of these first");
    rc = api->admin->ops->tenant_create(api->admin, &t);
    if (rc == LG_EEXIST)
        return lg_http_problem_of(req, 409, "tenant-exists", LG_STR("tenant_id"), LG_STR(""),
                "There is a tenant of this name");
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, &detail);
    lg_jw_object(&w);
    LG_JW_STR(&w, "name", t.name);
    lg_jw_object_end(&w);
    rc = api_audit(req, api, t.tenant_id, "tenant.create", t.tenant_id, &detail);
    if (rc <= 0)
        return rc;
    lg_jw_init(&w, lg_http_out(req));
    put_tenant(&w, &t);
    return lg_http_send_json(req, 201);
}

static int disable(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_buf_done) struct lg_buf detail;
    struct lg_str name = lg_req_str(req, "tenant_id");
    struct lg_tenant_row t;
    struct lg_jw w;
    int rc;

    lg_buf_init(&detail, 64);
    rc = api->admin->ops->tenant_get(api->admin, name, lg_req_arena(req), &t);
    if (rc == 0 && t.disabled_at == 0) {
        rc = api->admin->ops->tenant_disable(api->admin, name, lg_req_time(req));
        t.disabled_at = lg_req_time(req);
        lg_auth_forget(api->d.auth, LG_STR(""));
        if (rc == 0) {
            lg_buf_adds(&detail, LG_STR("{}"));
            rc = api_audit(req, api, name, "tenant.disable", name, &detail);
            if (rc <= 0)
                return rc;
            rc = 0;
        }
    }
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    put_tenant(&w, &t);
    return lg_http_send_json(req, 200);
}

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/tenants",
                .operation = "listTenants",
                .tag = "tenants",
                .summary = "The tenants that you may see",
                .action = LG_ACT_TENANT_READ,
                .flags = LG_ROUTE_TENANT,
                .responses = {API_OK("TenantList", "Tenants in order of their names")},
                .handler = list,
        },
        {
                .method = LG_POST,
                .path = "/tenants",
                .operation = "createTenant",
                .tag = "tenants",
                .summary = "Make a tenant",
                .action = LG_ACT_TENANT_WRITE,
                .request = "TenantRequest",
                .max_body_bytes = 65536,
                .responses = {{201, "TenantResponse", "The tenant", NULL},
                        {409, NULL, "There is one of this name", NULL}},
                .handler = create,
        },
        {
                .method = LG_POST,
                .path = "/tenants/{tenant_id}/disable",
                .operation = "disableTenant",
                .tag = "tenants",
                .summary = "Take all rights in a tenant away, for good",
                .doc = "Tokens that reach only this tenant stop working at once. What is stored "
                       "stays.",
                .action = LG_ACT_TENANT_WRITE,
                .params = API_PARAMS(API_P_PATH_TEXT("tenant_id", "The tenant")),
                .responses = {API_OK("TenantResponse", "The tenant"), API_GONE},
                .handler = disable,
        },
};

struct lg_api_rows api_tenants_rows(void)
{
    return API_ROWS(rows);
}
