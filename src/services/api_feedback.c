#include "services/api_int.h"

/* An analyst's verdict on an alert: labelled data for `logster train`. It closes nothing. */

#define CURSOR "feedback"
#define EXPORT_PAGE 500u

static void detail_of(const struct lg_feedback *f, struct lg_buf *out)
{
    struct lg_jw w;

    lg_jw_init(&w, out);
    lg_jw_object(&w);
    api_put_uuid(&w, LG_STR("alert_id"), &f->alert_id);
    api_put_uuid(&w, LG_STR("inference_id"), &f->inference_id);
    LG_JW_BOOL(&w, "is_true_positive", f->is_true_positive);
    lg_jw_object_end(&w);
}

static int add(struct lg_http_req *req, struct lg_api *api, struct lg_feedback *f)
{
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_buf_done) struct lg_buf detail;
    char text[LG_UUID_TEXT + 1];
    int rc;

    lg_buf_init(&detail, 4096);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.alerts->ops->feedback_add(api->d.alerts, sc, f, lg_req_arena(req));
    if (rc == LG_EINVAL)
        return api_bad_member(req, "inference_id", "is not one of the alert's");
    if (rc == LG_EEXIST) { /* the same words again: a client's second try */
        lg_feedback_write(f, lg_http_out(req));
        return lg_http_send_json(req, 201);
    }
    if (rc < 0)
        return api_fail(req, rc);
    detail_of(f, &detail);
    lg_uuid_text(&f->feedback_id, text);
    rc = api_audit(req, api, f->tenant_id, "feedback.create", lg_str_z(text), &detail);
    if (rc <= 0)
        return rc;
    lg_feedback_write(f, lg_http_out(req));
    return lg_http_send_json(req, 201);
}

static int post_feedback(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(api_body_done) struct api_body b = {0};
    char actor[LG_ACTOR_MAX];
    struct lg_feedback f = {.feedback_id = api_new_uuid(), .created_at = lg_req_time(req)};
    int rc = api_body(req, api, &b);

    if (rc <= 0)
        return rc;
    /* The schema has checked the form of both ids. */
    if (lg_uuid_parse(api_body_str(&b, "alert_id"), &f.alert_id) < 0)
        return LG_EINVAL;
    if (api_body_str(&b, "inference_id").n > 0 &&
            lg_uuid_parse(api_body_str(&b, "inference_id"), &f.inference_id) < 0)
        return LG_EINVAL;
    f.is_true_positive = api_body_bool(&b, "is_true_positive", false);
    f.note = api_body_str(&b, "note");
    f.author = lg_actor_text(lg_req_principal(req), actor);
    return add(req, api, &f);
}

static int list_feedback(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    char cursor[API_SEAL_TEXT + 1] = "";
    struct lg_feedback_query q = {
            .tenant = lg_req_str(req, "tenant_id"),
            .limit = (uint32_t)lg_req_int(req, "limit", API_LIMIT_DEFAULT),
    };
    struct lg_feedback *list;
    struct lg_jw w;
    uint64_t last;
    uint32_t n;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    q.has_alert = lg_req_uuid(req, "alert_id", &q.alert_id);
    rc = api_cursor_position(req, api, CURSOR, &q.after);
    if (rc <= 0)
        return rc;
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.alerts->ops->feedback_list(api->d.alerts, sc, &q, &arena, &list, &n, &last);
    if (rc < 0)
        return api_fail(req, rc);
    if (n == q.limit)
        api_seal(api, CURSOR, last, cursor);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("feedback"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        lg_jw_raw(&w, LG_STR(""));
        lg_feedback_write(&list[i], w.out);
    }
    lg_jw_array_end(&w);
    api_put_cursor(&w, q.limit, lg_str_z(cursor));
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

/* ---- export: every row as a line, page by page ---- */

struct export
{
    struct lg_api *api;
    struct lg_scope *sc;
    char tenant[LG_MAX_TENANT_BYTES + 1];
    struct lg_feedback_query q;
    struct lg_buf lines;
    size_t at;
    bool end;
};

static int export_page(struct export *x)
{
    struct lg_arena arena;
    struct lg_feedback *list;
    uint32_t n = 0;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    lg_buf_clear(&x->lines);
    x->at = 0;
    rc = x->api->d.alerts->ops->feedback_list(
            x->api->d.alerts, x->sc, &x->q, &arena, &list, &n, &x->q.after);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        lg_feedback_write(&list[i], &x->lines);
        lg_buf_addc(&x->lines, '\n');
    }
    x->end = n < x->q.limit;
    lg_arena_done(&arena);
    return rc < 0 ? rc : x->lines.failed;
}

static ptrdiff_t export_read(void *ctx, char *out, size_t max)
{
    struct export *x = ctx;
    size_t n;

    if (x->at == x->lines.n && !x->end) {
        int rc = export_page(x);

        if (rc < 0)
            return rc;
    }
    n = x->lines.n - x->at;
    n = n < max ? n : max;
    if (n > 0)
        memcpy(out, x->lines.p + x->at, n);
    x->at += n;
    return (ptrdiff_t)n;
}

static void export_drop(void *ctx)
{
    struct export *x = ctx;

    lg_scope_free(x->sc);
    lg_buf_done(&x->lines);
    lg_free(x);
}

static int export_feedback(struct lg_http_req *req, void *ctx)
{
    struct lg_str tenant = lg_req_str(req, "tenant_id");
    struct export *x = lg_calloc(1, sizeof(*x));
    int rc;

    if (x == NULL)
        return LG_ENOMEM;
    x->api = ctx;
    lg_buf_init(&x->lines, API_LIST_ARENA);
    memcpy(x->tenant, tenant.p, tenant.n < LG_MAX_TENANT_BYTES ? tenant.n : LG_MAX_TENANT_BYTES);
    x->q = (struct lg_feedback_query){.tenant = lg_str_z(x->tenant), .limit = EXPORT_PAGE};
    rc = api_scope(req, &x->sc);
    if (rc < 0) {
        export_drop(x);
        return rc;
    }
    return lg_http_send_stream(req, 200, LG_HTTP_NDJSON, export_read, export_drop, x);
}

static const struct lg_route rows[] = {
        {
                .method = LG_POST,
                .path = "/feedback",
                .operation = "createFeedback",
                .tag = "feedback",
                .summary = "Say whether an alert was right",
                .doc = "Kept with its author, the alert and the verdict, as labelled data for the "
                       "next "
                       "model. It changes nothing about the alert.",
                .action = LG_ACT_FEEDBACK_WRITE,
                .flags = LG_ROUTE_TENANT,
                .request = "FeedbackRequest",
                .max_body_bytes = 65536,
                .responses = {{201, "FeedbackResponse", "What was stored", NULL}, API_GONE},
                .handler = post_feedback,
        },
        {
                .method = LG_GET,
                .path = "/feedback",
                .operation = "listFeedback",
                .tag = "feedback",
                .summary = "Feedback, oldest first",
                .action = LG_ACT_FEEDBACK_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(API_P_TENANT,
                        {.name = "alert_id",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_UUID,
                                .doc = "Only on this alert"},
                        API_P_LIMIT, API_P_CURSOR),
                .responses = {API_OK("FeedbackList", "A page of feedback")},
                .handler = list_feedback,
        },
        {
                .method = LG_GET,
                .path = "/feedback/export",
                .operation = "exportFeedback",
                .tag = "feedback",
                .summary = "All feedback, one JSON object a line",
                .action = LG_ACT_FEEDBACK_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(API_P_TENANT),
                .responses = {{200, "FeedbackResponse", "A line for each", LG_HTTP_NDJSON}},
                .handler = export_feedback,
        },
};

struct lg_api_rows api_feedback_rows(void)
{
    return API_ROWS(rows);
}
