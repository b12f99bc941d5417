#include "crypto/encode.h"
#include "services/api_int.h"

/* The audit log: rows of one's tenants, or all for an operator. */

#define CURSOR "audit"

static void put_row(struct lg_jw *w, const struct lg_audit_row *r, bool all)
{
    char hash[65];

    lg_jw_object(w);
    if (all) /* positions count what others did */
        LG_JW_U64(w, "seq", r->seq);
    api_put_time(w, LG_STR("at"), r->at);
    api_put_str(w, LG_STR("tenant_id"), r->tenant_id);
    LG_JW_STR(w, "actor", r->actor);
    LG_JW_STR(w, "action", r->action);
    api_put_str(w, LG_STR("target"), r->target);
    lg_jw_key(w, LG_STR("detail"));
    lg_jw_raw(w, r->detail.n > 0 ? r->detail : LG_STR("{}"));
    api_put_str(w, LG_STR("request_id"), r->request_id);
    if (all) {
        lg_hex_encode(r->hash, sizeof(r->hash), hash);
        LG_JW_STR(w, "hash", lg_str_z(hash));
    }
    lg_jw_object_end(w);
}

static int list(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    char cursor[API_SEAL_TEXT + 1] = "";
    struct lg_audit_query q = {
            .tenant = lg_req_str(req, "tenant_id"),
            .actor = lg_req_str(req, "actor"),
            .action = lg_req_str(req, "action"),
            .target = lg_req_str(req, "target"),
            .from = lg_req_when(req, "from", 0),
            .to = lg_req_when(req, "to", 0),
            .limit = (uint32_t)lg_req_int(req, "limit", API_LIMIT_DEFAULT),
    };
    struct lg_audit_row *list;
    struct lg_jw w;
    uint32_t n;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    rc = api_cursor_position(req, api, CURSOR, &q.before);
    if (rc <= 0)
        return rc;
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->admin->ops->audit_list(api->admin, sc, &q, &arena, &list, &n);
    if (rc < 0)
        return api_fail(req, rc);
    if (n == q.limit)
        api_seal(api, CURSOR, list[n - 1].seq, cursor);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("audit"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++)
        put_row(&w, &list[i], lg_scope_is_all(sc));
    lg_jw_array_end(&w);
    api_put_cursor(&w, q.limit, lg_str_z(cursor));
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int verify(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    struct lg_audit_check check;
    char head[65];
    struct lg_jw w;
    int rc = api_scope(req, &sc);

    if (rc == 0)
        rc = api->admin->ops->audit_verify(api->admin, &check);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    LG_JW_BOOL(&w, "ok", check.first_bad == 0);
    if (lg_scope_is_all(sc)) {
        LG_JW_U64(&w, "rows", check.rows);
        lg_jw_key(&w, LG_STR("first_altered"));
        if (check.first_bad != 0)
            lg_jw_u64(&w, check.first_bad);
        else
            lg_jw_null(&w);
        LG_JW_U64(&w, "head_seq", check.head_seq);
        lg_hex_encode(check.head, sizeof(check.head), head);
        LG_JW_STR(&w, "head", lg_str_z(head));
    }
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/audit",
                .operation = "listAudit",
                .tag = "audit",
                .summary = "What was done, by whom",
                .action = LG_ACT_AUDIT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(API_P_TENANT, API_P_TEXT("actor", "Only by this actor"),
                        API_P_TEXT(
                                "action", "Only actions that begin so: `token.` or `alert.update`"),
                        API_P_TEXT("target", "Only on this"), API_P_TIME("from", "From"),
                        API_P_TIME("to", "Before"), API_P_LIMIT, API_P_CURSOR),
                .responses = {API_OK("AuditList", "A page of rows")},
                .handler = list,
        },
        {
                .method = LG_GET,
                .path = "/audit/verify",
                .operation = "verifyAudit",
                .tag = "audit",
                .summary = "Recompute the log's hash chain",
                .action = LG_ACT_AUDIT_READ,
                .responses = {API_OK("AuditCheck", "Whether every row is as it was written")},
                .handler = verify,
        },
};

struct lg_api_rows api_audit_rows(void)
{
    return API_ROWS(rows);
}
