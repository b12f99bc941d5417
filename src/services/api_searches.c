#include "services/api_int.h"

/* Saved searches: one's own, and those that others of the tenant share. */

#define QUERY_MAX 16384u

static void put_search(struct lg_jw *w, const struct lg_search_row *s)
{
    lg_jw_object(w);
    api_put_uuid(w, LG_STR("search_id"), &s->search_id);
    LG_JW_STR(w, "tenant_id", s->tenant_id);
    LG_JW_STR(w, "owner", s->owner);
    LG_JW_STR(w, "name", s->name);
    lg_jw_key(w, LG_STR("query"));
    lg_jw_raw(w, s->query.n > 0 ? s->query : LG_STR("{}"));
    LG_JW_BOOL(w, "shared", s->shared);
    api_put_time(w, LG_STR("created_at"), s->created_at);
    api_put_time(w, LG_STR("updated_at"), s->updated_at);
    lg_jw_object_end(w);
}

static int read_all(struct lg_http_req *req, struct lg_api *api, struct lg_str tenant,
        struct lg_str owner, struct lg_search_row **ret, uint32_t *ret_n)
{
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    int rc = api_scope(req, &sc);

    if (rc == 0)
        rc = api->admin->ops->search_list(
                api->admin, sc, tenant, owner, lg_req_arena(req), ret, ret_n);
    return rc;
}

static int list(struct lg_http_req *req, void *ctx)
{
    char actor[LG_ACTOR_MAX];
    struct lg_search_row *rows;
    struct lg_jw w;
    uint32_t n;
    int rc = read_all(req, ctx, lg_req_str(req, "tenant_id"),
            lg_actor_text(lg_req_principal(req), actor), &rows, &n);

    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("searches"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++)
        put_search(&w, &rows[i]);
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

/* Fills in what the body says; the query's text goes to `query`. 1, or 0 when answered. */
static int read_search(struct lg_http_req *req, const struct api_body *b, struct lg_buf *query,
        struct lg_search_row *s)
{
    struct lg_jval v;
    struct lg_jw w;

    if (!lg_jval_get(b->root, LG_STR("query"), &v))
        return LG_EINVAL;
    lg_jw_init(&w, query);
    lg_jw_value(&w, v);
    if (query->failed == LG_ELIMIT)
        return api_bad_member(req, "query", "is larger than 16 KiB");
    if (query->failed < 0)
        return query->failed;
    s->name = api_body_str(b, "name");
    s->query = lg_buf_str(query);
    s->shared = api_body_bool(b, "shared", false);
    s->updated_at = lg_req_time(req);
    return 1;
}

static int put(struct lg_http_req *req, struct lg_api *api, const struct lg_search_row *s,
        const char *action, int status)
{
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_buf_done) struct lg_buf detail;
    char id[LG_UUID_TEXT + 1];
    struct lg_jw w;
    int rc;

    lg_buf_init(&detail, 65536);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->admin->ops->search_put(api->admin, sc, s);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, &detail);
    lg_jw_object(&w);
    LG_JW_STR(&w, "name", s->name);
    LG_JW_BOOL(&w, "shared", s->shared);
    lg_jw_object_end(&w);
    lg_uuid_text(&s->search_id, id);
    rc = api_audit(req, api, s->tenant_id, action, lg_str_z(id), &detail);
    if (rc <= 0)
        return rc;
    lg_jw_init(&w, lg_http_out(req));
    put_search(&w, s);
    return lg_http_send_json(req, status);
}

static int create(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(api_body_done) struct api_body b = {0};
    LG_CLEANUP(lg_buf_done) struct lg_buf query;
    char actor[LG_ACTOR_MAX];
    struct lg_search_row s = {
            .search_id = api_new_uuid(),
            .owner = lg_actor_text(lg_req_principal(req), actor),
            .created_at = lg_req_time(req),
    };
    int rc;

    lg_buf_init(&query, QUERY_MAX);
    rc = api_body(req, api, &b);
    if (rc > 0)
        rc = api_write_tenant(req, api, api_body_str(&b, "tenant_id"), &s.tenant_id);
    if (rc > 0)
        rc = read_search(req, &b, &query, &s);
    if (rc <= 0)
        return rc;
    return put(req, api, &s, "search.create", 201);
}

/* The caller's own search that the path names: another's shared one is read-only. 1, or 0. */
static int find_own(
        struct lg_http_req *req, struct lg_api *api, struct lg_str owner, struct lg_search_row *ret)
{
    struct lg_search_row *rows;
    struct lg_uuid id;
    uint32_t n;
    int rc;

    if (!lg_req_uuid(req, "search_id", &id))
        return lg_http_not_found(req);
    rc = read_all(req, api, LG_STR(""), owner, &rows, &n);
    if (rc < 0)
        return api_fail(req, rc);
    for (uint32_t i = 0; i < n; i++)
        if (memcmp(&rows[i].search_id, &id, sizeof(id)) == 0) {
            if (!lg_str_eq(rows[i].owner, owner))
                return lg_http_problem(req, 403, "not-yours",
                        "Only its owner may change a shared search: save one of your own");
            *ret = rows[i];
            return 1;
        }
    return lg_http_not_found(req);
}

static int replace(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(api_body_done) struct api_body b = {0};
    LG_CLEANUP(lg_buf_done) struct lg_buf query;
    char actor[LG_ACTOR_MAX];
    struct lg_search_row s;
    int rc;

    lg_buf_init(&query, QUERY_MAX);
    rc = api_body(req, api, &b);
    if (rc > 0)
        rc = find_own(req, api, lg_actor_text(lg_req_principal(req), actor), &s);
    if (rc <= 0)
        return rc;
    if (api_body_has(&b, "tenant_id") && !lg_str_eq(api_body_str(&b, "tenant_id"), s.tenant_id))
        return api_bad_member(req, "tenant_id", "is not the search's: it cannot move");
    rc = read_search(req, &b, &query, &s);
    if (rc <= 0)
        return rc;
    return put(req, api, &s, "search.update", 200);
}

static int delete (struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_buf_done) struct lg_buf detail;
    char actor[LG_ACTOR_MAX], id[LG_UUID_TEXT + 1];
    struct lg_search_row s;
    int rc;

    lg_buf_init(&detail, 64);
    rc = find_own(req, api, lg_actor_text(lg_req_principal(req), actor), &s);
    if (rc <= 0)
        return rc;
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->admin->ops->search_delete(api->admin, sc, &s.search_id, s.owner);
    if (rc < 0)
        return api_fail(req, rc);
    lg_uuid_text(&s.search_id, id);
    lg_buf_adds(&detail, LG_STR("{}"));
    rc = api_audit(req, api, s.tenant_id, "search.delete", lg_str_z(id), &detail);
    return rc <= 0 ? rc : lg_http_send_empty(req, 204);
}

#define SEARCH_ID API_P_PATH_UUID("search_id", "Id of the search")

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/searches",
                .operation = "listSearches",
                .tag = "searches",
                .summary = "Your saved searches and those that are shared with you",
                .action = LG_ACT_SEARCH_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(API_P_TENANT),
                .responses = {API_OK("SearchList", "The searches")},
                .handler = list,
        },
        {
                .method = LG_POST,
                .path = "/searches",
                .operation = "createSearch",
                .tag = "searches",
                .summary = "Save a search",
                .action = LG_ACT_SEARCH_WRITE,
                .flags = LG_ROUTE_TENANT,
                .request = "SearchRequest",
                .max_body_bytes = 65536,
                .responses = {{201, "SearchResponse", "The search", NULL}, API_GONE},
                .handler = create,
        },
        {
                .method = LG_PUT,
                .path = "/searches/{search_id}",
                .operation = "replaceSearch",
                .tag = "searches",
                .summary = "Change one of your saved searches",
                .action = LG_ACT_SEARCH_WRITE,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(SEARCH_ID),
                .request = "SearchRequest",
                .max_body_bytes = 65536,
                .responses = {API_OK("SearchResponse", "The search"), API_GONE},
                .handler = replace,
        },
        {
                .method = LG_DELETE,
                .path = "/searches/{search_id}",
                .operation = "deleteSearch",
                .tag = "searches",
                .summary = "Delete one of your saved searches",
                .action = LG_ACT_SEARCH_WRITE,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(SEARCH_ID),
                .responses = {{204, NULL, "It is gone", NULL}, API_GONE},
                .handler = delete,
        },
};

struct lg_api_rows api_searches_rows(void)
{
    return API_ROWS(rows);
}
