#include "alert/inference.h"
#include "services/api_int.h"

/* What hangs on one alert: history, evidence with its verdicts, similar alerts, process tree. */

#define VERDICTS_MAX 100u
#define INFERENCE_IDS_MAX 1000u
#define SIMILAR_MAX 100u
#define TREE_BACK_NS (INT64_C(24) * 3600 * LG_NS_PER_SEC) /* parents that started before */

struct view {
    struct lg_api *api;
    struct lg_scope *sc;
    struct lg_arena arena;
    struct lg_uuid id;
    struct lg_alert al;
};

/* The alert that the path names. 1, or 0 when the answer was sent; view_done it in any case. */
static int view_open(struct lg_http_req *req, struct lg_api *api, struct view *v)
{
    int rc;

    *v = (struct view){.api = api};
    lg_arena_init(&v->arena, API_LIST_ARENA);
    if (!lg_req_uuid(req, "alert_id", &v->id))
        return lg_http_not_found(req);
    rc = api_scope(req, &v->sc);
    if (rc == 0)
        rc = api->d.alerts->ops->alert_get(api->d.alerts, v->sc, &v->id, &v->arena, &v->al);
    return rc < 0 ? api_fail(req, rc) : 1;
}

static void view_done(struct view *v)
{
    lg_scope_free(v->sc);
    lg_arena_done(&v->arena);
}

static void view_begin(struct lg_jw *w, struct lg_http_req *req, const struct view *v)
{
    lg_jw_init(w, lg_http_out(req));
    lg_jw_object(w);
    api_put_uuid(w, LG_STR("alert_id"), &v->id);
}

static int view_send(struct lg_http_req *req, struct lg_jw *w)
{
    lg_jw_object_end(w);
    return lg_http_send_json(req, 200);
}

static int send_history(struct lg_http_req *req, struct view *v)
{
    struct lg_alert_store *st = v->api->d.alerts;
    struct lg_alert_history *h;
    uint32_t n;
    struct lg_jw w;
    int rc = st->ops->alert_history(st, v->sc, &v->id, &v->arena, &h, &n);

    if (rc < 0)
        return api_fail(req, rc);
    view_begin(&w, req, v);
    lg_jw_key(&w, LG_STR("history"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        lg_jw_raw(&w, LG_STR(""));
        lg_alert_history_write(&h[i], w.out);
    }
    lg_jw_array_end(&w);
    return view_send(req, &w);
}

static int get_history(struct lg_http_req *req, void *ctx)
{
    struct view v;
    int rc = view_open(req, ctx, &v);

    if (rc > 0)
        rc = send_history(req, &v);
    view_done(&v);
    return rc;
}

static int put_verdicts(struct lg_jw *w, struct view *v)
{
    struct lg_alert_store *st = v->api->d.alerts;
    struct lg_event_store *ev = v->api->d.events;
    struct lg_uuid *ids;
    uint32_t n;
    int rc = st->ops->alert_inferences(st, v->sc, &v->id, VERDICTS_MAX, &v->arena, &ids, &n);

    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        struct lg_inference_row row;
        struct lg_str context;

        rc = ev->ops->inference_get(ev, v->sc, &ids[i], v->al.last_seen, &v->arena, &row, &context);
        if (rc == LG_ENOENT) { /* its day is gone */
            rc = 0;
            continue;
        }
        if (rc == 0)
            api_put_inference(w, &row, false);
    }
    return rc;
}

static int send_evidence(struct lg_http_req *req, struct view *v)
{
    struct lg_jw w;
    int rc;

    view_begin(&w, req, v);
    lg_jw_key(&w, LG_STR("ttp_techniques"));
    lg_jw_raw(&w, v->al.techniques.n > 0 ? v->al.techniques : LG_STR("[]"));
    lg_jw_key(&w, LG_STR("evidence"));
    lg_jw_raw(&w, v->al.evidence.n > 0 ? v->al.evidence : LG_STR("[]"));
    lg_jw_key(&w, LG_STR("verdicts"));
    lg_jw_array(&w);
    rc = put_verdicts(&w, v);
    lg_jw_array_end(&w);
    if (rc < 0) {
        lg_buf_clear(w.out);
        return api_fail(req, rc);
    }
    return view_send(req, &w);
}

static int get_evidence(struct lg_http_req *req, void *ctx)
{
    struct view v;
    int rc = view_open(req, ctx, &v);

    if (rc > 0)
        rc = send_evidence(req, &v);
    view_done(&v);
    return rc;
}

static int send_inferences(struct lg_http_req *req, struct view *v)
{
    struct lg_alert_store *st = v->api->d.alerts;
    struct lg_uuid *ids;
    uint32_t n;
    struct lg_jw w;
    char text[LG_UUID_TEXT + 1];
    int rc = st->ops->alert_inferences(st, v->sc, &v->id, INFERENCE_IDS_MAX, &v->arena, &ids, &n);

    if (rc < 0)
        return api_fail(req, rc);
    view_begin(&w, req, v);
    lg_jw_key(&w, LG_STR("inference_ids"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        lg_uuid_text(&ids[i], text);
        lg_jw_str(&w, lg_str_of(text, LG_UUID_TEXT));
    }
    lg_jw_array_end(&w);
    return view_send(req, &w);
}

static int get_inferences(struct lg_http_req *req, void *ctx)
{
    struct view v;
    int rc = view_open(req, ctx, &v);

    if (rc > 0)
        rc = send_inferences(req, &v);
    view_done(&v);
    return rc;
}

static int send_similar(struct lg_http_req *req, struct view *v)
{
    struct lg_alert_store *st = v->api->d.alerts;
    struct lg_alert *list;
    uint32_t n, limit = (uint32_t)lg_req_int(req, "limit", 20);
    struct lg_jw w;
    int rc = st->ops->alert_similar(st, v->sc, &v->id, limit, &v->arena, &list, &n);

    if (rc < 0)
        return api_fail(req, rc);
    view_begin(&w, req, v);
    lg_jw_key(&w, LG_STR("alerts"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        lg_jw_raw(&w, LG_STR(""));
        lg_alert_write(&list[i], w.out);
    }
    lg_jw_array_end(&w);
    return view_send(req, &w);
}

static int get_similar(struct lg_http_req *req, void *ctx)
{
    struct view v;
    int rc = view_open(req, ctx, &v);

    if (rc > 0)
        rc = send_similar(req, &v);
    view_done(&v);
    return rc;
}

/* ---- process tree ---- */

#define GUIDS_MAX 32u

static void add_guid(struct lg_str guid, struct lg_str *guids, uint32_t *n)
{
    if (guid.n == 0 || *n == GUIDS_MAX)
        return;
    for (uint32_t i = 0; i < *n; i++)
        if (lg_str_eq(guids[i], guid))
            return;
    guids[(*n)++] = guid;
}

/* The processes that the alert is about: its own, and those that its evidence names. */
static int focus_of(struct view *v, struct lg_str *guids, uint32_t *n)
{
    struct lg_json *j;
    struct lg_jval root, item;
    struct lg_jiter it;
    int rc = lg_json_new(&j);

    *n = 0;
    if (rc < 0)
        return rc;
    add_guid(v->al.process_guid, guids, n);
    if (v->al.evidence.n > 0 && lg_json_parse(j, v->al.evidence, false, &root, NULL) == 0 &&
            lg_jval_type(root) == LG_JSON_ARRAY) {
        it = lg_jiter_of(root);
        while (rc == 0 && lg_jiter_item(&it, &item)) {
            struct lg_str guid = lg_jval_get_str(item, LG_STR("process_guid"));

            if (guid.n > 0)
                rc = lg_arena_dup(&v->arena, guid, &guid);
            if (rc == 0)
                add_guid(guid, guids, n);
        }
    }
    lg_json_free(j);
    return rc;
}

static void put_process(struct lg_jw *w, const struct lg_tree_node *nd)
{
    static const struct lg_uuid none;

    lg_jw_object(w);
    lg_jw_key(w, LG_STR("parent"));
    if (nd->parent >= 0)
        lg_jw_i64(w, nd->parent);
    else
        lg_jw_null(w);
    LG_JW_BOOL(w, "inferred", nd->inferred);
    LG_JW_BOOL(w, "focus", nd->focus);
    api_put_str(w, LG_STR("process_guid"), nd->process_guid);
    LG_JW_U64(w, "pid", nd->pid);
    api_put_str(w, LG_STR("image"), nd->image);
    api_put_str(w, LG_STR("command_line"), nd->command_line);
    api_put_str(w, LG_STR("user"), nd->user);
    api_put_str(w, LG_STR("hash"), nd->hash);
    api_put_time(w, LG_STR("started"), nd->started);
    api_put_time(w, LG_STR("ended"), nd->ended);
    if (memcmp(&nd->event_id, &none, sizeof(none)) != 0)
        api_put_uuid(w, LG_STR("event_id"), &nd->event_id);
    else
        LG_JW_NULL(w, "event_id");
    LG_JW_U64(w, "files", nd->files);
    LG_JW_U64(w, "network", nd->network);
    LG_JW_U64(w, "registry", nd->registry);
    lg_jw_object_end(w);
}

int api_send_tree(struct lg_http_req *req, struct lg_api *api, const struct lg_scope *sc,
        const struct lg_tree_query *q, struct lg_arena *a)
{
    struct lg_tree tree;
    struct lg_jw w;
    int rc = api->d.events->ops->tree(api->d.events, sc, q, a, &tree);

    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    LG_JW_STR(&w, "tenant_id", q->tenant);
    LG_JW_STR(&w, "endpoint_id", q->endpoint);
    api_put_time(&w, LG_STR("from"), q->from);
    api_put_time(&w, LG_STR("to"), q->to);
    LG_JW_BOOL(&w, "truncated", tree.truncated);
    lg_jw_key(&w, LG_STR("processes"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < tree.n; i++)
        put_process(&w, &tree.nodes[i]);
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int send_tree(struct lg_http_req *req, struct view *v)
{
    struct lg_str guids[GUIDS_MAX];
    struct lg_tree_query q = {
            .tenant = v->al.tenant_id,
            .endpoint = v->al.endpoint_id,
            .from = lg_req_when(req, "from", v->al.first_seen - TREE_BACK_NS),
            .to = lg_req_when(req, "to", v->al.last_seen + LG_NS_PER_SEC),
            .guids = guids,
            .max_nodes = (uint32_t)lg_req_int(req, "max_nodes", 2000),
    };
    int rc = focus_of(v, guids, &q.n_guids);

    if (rc < 0)
        return api_fail(req, rc);
    if (q.from < 1)
        q.from = 1;
    return api_send_tree(req, v->api, v->sc, &q, &v->arena);
}

static int get_tree(struct lg_http_req *req, void *ctx)
{
    struct view v;
    int rc = view_open(req, ctx, &v);

    if (rc > 0)
        rc = send_tree(req, &v);
    view_done(&v);
    return rc;
}

/* ---- rows ---- */

#define ALERT_ID API_P_PATH_UUID("alert_id", "Id of the alert")

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/alerts/{alert_id}/history",
                .operation = "getAlertHistory",
                .tag = "alerts",
                .summary = "Every step of an alert's life",
                .action = LG_ACT_ALERT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(ALERT_ID),
                .responses = {API_OK("AlertHistory", "Steps, oldest first"), API_GONE},
                .handler = get_history,
        },
        {
                .method = LG_GET,
                .path = "/alerts/{alert_id}/evidence",
                .operation = "getAlertEvidence",
                .tag = "alerts",
                .summary = "Why there is an alert: evidence and the verdicts behind it",
                .action = LG_ACT_ALERT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(ALERT_ID),
                .responses = {API_OK("AlertEvidence", "Evidence and verdicts"), API_GONE},
                .handler = get_evidence,
        },
        {
                .method = LG_GET,
                .path = "/alerts/{alert_id}/inferences",
                .operation = "listAlertInferences",
                .tag = "alerts",
                .summary = "Ids of the verdicts that are this alert",
                .action = LG_ACT_ALERT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(ALERT_ID),
                .responses = {API_OK("AlertInferences", "Ids, oldest first"), API_GONE},
                .handler = get_inferences,
        },
        {
                .method = LG_GET,
                .path = "/alerts/{alert_id}/similar",
                .operation = "listSimilarAlerts",
                .tag = "alerts",
                .summary = "Other alerts of the tenant with the same process or techniques",
                .action = LG_ACT_ALERT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(ALERT_ID,
                        {.name = "limit",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_INT,
                                .def = "20",
                                .min = 1,
                                .max = SIMILAR_MAX,
                                .doc = "Most alerts of the answer"}),
                .responses = {API_OK("SimilarAlerts", "Alerts, newest first"), API_GONE},
                .handler = get_similar,
        },
        {
                .method = LG_GET,
                .path = "/alerts/{alert_id}/tree",
                .operation = "getAlertTree",
                .tag = "alerts",
                .summary = "Process tree around an alert",
                .doc = "The alert's processes with their parents up to the root and their "
                       "children; "
                       "a parent that only others name is marked inferred. Without a range: from a "
                       "day before the alert's first event to its last.",
                .action = LG_ACT_ALERT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(ALERT_ID, API_P_TIME("from", "Event time, from"),
                        API_P_TIME("to", "Event time, before"), API_P_MAX_NODES),
                .responses = {API_OK("ProcessTree", "Processes"), API_GONE},
                .handler = get_tree,
        },
};

struct lg_api_rows api_alert_views_rows(void)
{
    return API_ROWS(rows);
}
