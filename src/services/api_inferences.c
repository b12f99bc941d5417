#include <string.h>

#include "graph/graph.h"
#include "services/api_int.h"
#include "services/inference.h"

/* Verdicts: list, one, the graph that it was judged on. */

#define PREDICTIONS "attack|benign|error"
#define SEVERITIES "low|medium|high|critical"

static void put_inference(struct lg_jw *w, const struct lg_inference_row *row, bool whole,
        const struct lg_uuid *alert)
{
    struct api_member m[64];
    size_t n = api_members(row->json, m, 64);
    bool has_received = false;

    lg_jw_object(w);
    for (size_t i = 0; i < n; i++) {
        if (lg_str_eq(m[i].key, LG_STR("context"))) /* bulk: see .../graph */
            continue;
        if (!whole && lg_str_eq(m[i].key, LG_STR("evidence")))
            continue;
        has_received = has_received || lg_str_eq(m[i].key, LG_STR("received_at"));
        lg_jw_key(w, m[i].key);
        lg_jw_raw(w, m[i].value);
    }
    if (!has_received)
        api_put_time(w, LG_STR("received_at"), row->received_at);
    if (alert != NULL) {
        static const struct lg_uuid none;

        if (memcmp(alert->b, none.b, LG_UUID_BYTES) != 0)
            api_put_uuid(w, LG_STR("alert_id"), alert);
        else
            LG_JW_NULL(w, "alert_id");
    }
    lg_jw_object_end(w);
}

void api_put_inference(struct lg_jw *w, const struct lg_inference_row *row, bool whole)
{
    put_inference(w, row, whole, NULL);
}

/* The alert behind each verdict, for who may read alerts; in the arena. */
static int alerts_behind(struct lg_http_req *req, struct lg_api *api,
        const struct lg_inference_row *rows, uint32_t n, struct lg_arena *a, struct lg_uuid **ret)
{
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    struct lg_uuid *ids = lg_arena_alloc(a, (n + 1u) * sizeof(*ids));
    int rc = lg_scope_new(lg_req_principal(req), LG_ACT_ALERT_READ, &sc);

    *ret = lg_arena_alloc(a, (n + 1u) * sizeof(**ret));
    if (ids == NULL || *ret == NULL)
        return LG_ELIMIT;
    for (uint32_t i = 0; i < n; i++)
        ids[i] = rows[i].inference_id;
    return rc < 0 ? rc : api->d.alerts->ops->alert_of(api->d.alerts, sc, ids, n, *ret);
}

static unsigned predictions_of(const struct lg_http_req *req)
{
    unsigned set = 0;

    for (size_t i = 0; i < lg_req_count(req, "prediction"); i++) {
        struct lg_str p = lg_req_nth(req, "prediction", i);

        if (lg_str_eq(p, LG_STR("attack")))
            set |= 1u << LG_INFERENCE_ATTACK;
        else if (lg_str_eq(p, LG_STR("benign")))
            set |= 1u << LG_INFERENCE_BENIGN;
        else
            set |= 1u << LG_INFERENCE_ERROR;
    }
    return set;
}

static void read_query(
        const struct lg_http_req *req, const struct api_times *t, struct lg_inference_query *ret)
{
    *ret = (struct lg_inference_query){
            .tenant = lg_req_str(req, "tenant_id"),
            .endpoint = lg_req_str(req, "endpoint"),
            .from = t->from,
            .to = t->to,
            .received_from = t->received_from,
            .received_to = t->received_to,
            .predictions = predictions_of(req),
            .min_prob = lg_req_number(req, "min_prob", 0),
            .technique = lg_req_str(req, "technique"),
            .sort = lg_str_eq(lg_req_str(req, "sort"), LG_STR("attack_prob"))
                    ? LG_INFERENCE_BY_PROB
                    : LG_INFERENCE_BY_TIME,
            .ascending = lg_str_eq(lg_req_str(req, "order"), LG_STR("asc")),
            .limit = (uint32_t)lg_req_int(req, "limit", API_LIMIT_DEFAULT),
            .cursor = t->cursor,
    };
    for (size_t i = 0; i < lg_req_count(req, "severity"); i++) {
        enum lg_severity s;

        if (lg_severity_parse(lg_req_nth(req, "severity", i), &s) == 0)
            ret->severities |= 1u << s;
    }
}

static int list_inferences(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_inference_query q;
    struct lg_inference_page page;
    struct api_times times;
    struct lg_uuid *alerts = NULL;
    struct lg_jw w;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    api_times_read(req, true, &times);
    read_query(req, &times, &q);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.events->ops->inference_search(api->d.events, sc, &q, &arena, &page);
    if (rc == 0)
        rc = alerts_behind(req, api, page.rows, page.n, &arena, &alerts);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("inferences"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < page.n; i++)
        put_inference(&w, &page.rows[i], true, &alerts[i]);
    lg_jw_array_end(&w);
    api_put_total(&w, page.total, page.total_is_lower_bound);
    LG_JW_BOOL(&w, "incomplete", page.incomplete);
    LG_JW_U64(&w, "limit", q.limit);
    api_put_next(&w, &times, page.next_cursor);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

/* The verdict that the path names; 1, or 0 when the answer was sent. */
static int find(struct lg_http_req *req, struct lg_api *api, struct lg_arena *a,
        struct lg_inference_row *ret, struct lg_str *ret_context)
{
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    struct lg_uuid id;
    int rc;

    if (!lg_req_uuid(req, "inference_id", &id))
        return lg_http_not_found(req);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.events->ops->inference_get(
                api->d.events, sc, &id, lg_req_when(req, "time", 0), a, ret, ret_context);
    return rc < 0 ? api_fail(req, rc) : 1;
}

static int get_inference(struct lg_http_req *req, void *ctx)
{
    struct lg_inference_row row;
    struct lg_uuid *alert;
    struct lg_str context;
    struct lg_jw w;
    int rc = find(req, ctx, lg_req_arena(req), &row, &context);

    if (rc <= 0)
        return rc;
    rc = alerts_behind(req, ctx, &row, 1, lg_req_arena(req), &alert);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    put_inference(&w, &row, true, alert);
    return lg_http_send_json(req, 200);
}

/* The context stands beside the row, or in it where the store did not part them. */
static struct lg_str context_of(const struct lg_inference_row *row, struct lg_str context)
{
    struct api_member m[64];
    size_t n = context.n > 0 ? 0 : api_members(row->json, m, 64);

    for (size_t i = 0; i < n; i++)
        if (lg_str_eq(m[i].key, LG_STR("context")) && m[i].value.n > 2)
            return lg_str_sub(m[i].value, 1, m[i].value.n - 1); /* base64: no escapes */
    return context;
}

static int get_graph(struct lg_http_req *req, void *ctx)
{
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_inference_row row;
    struct lg_str context;
    struct lg_graph graph;
    struct lg_err err = {0};
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    rc = find(req, ctx, &arena, &row, &context);
    if (rc <= 0)
        return rc;
    context = context_of(&row, context);
    if (context.n == 0)
        return lg_http_problem(req, 404, "no-graph", "The graph of this verdict was not kept");
    rc = lg_inference_graph(context, &arena, &graph, &err);
    if (rc == LG_ENOENT || rc == LG_EUNSUP)
        return lg_http_problem(req, 404, "no-graph", "The graph of this verdict was not kept");
    if (rc < 0)
        return api_fail(req, rc == LG_ENOMEM ? rc : LG_ECORRUPT);
    lg_graph_write_json(&graph, lg_http_out(req));
    return lg_http_send_json(req, 200);
}

#define INFERENCE_ID API_P_PATH_UUID("inference_id", "Id of the verdict")
#define TIME_HINT API_P_TIME("time", "Its window's end, where you know it: it is found faster")

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/inferences",
                .operation = "listInferences",
                .tag = "inferences",
                .summary = "Search verdicts",
                .action = LG_ACT_INFERENCE_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(API_P_TENANT, API_P_TEXT("endpoint", "Only this endpoint_id"),
                        API_P_TIME("from", "Window end, from"),
                        API_P_TIME("to", "Window end, before"),
                        API_P_TIME("received_from", "Arrival, from"),
                        API_P_TIME("received_to", "Arrival, before"),
                        API_P_ENUM("prediction", PREDICTIONS, "Only this kind; may be repeated"),
                        API_P_ENUM("severity", SEVERITIES, "Only this severity; may be repeated"),
                        {.name = "min_prob",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_NUMBER,
                                .min = 0,
                                .max = 1,
                                .doc = "Least attack probability"},
                        API_P_TEXT("technique", "Only with this ATT&CK technique"),
                        API_P_CHOICE("sort", "time|attack_prob", "time", "Order of the list"),
                        API_P_CHOICE("order", "asc|desc", "desc", "Direction of the order"),
                        API_P_LIMIT, API_P_CURSOR),
                .responses = {API_OK("InferenceListResponse", "A page of verdicts")},
                .handler = list_inferences,
        },
        {
                .method = LG_GET,
                .path = "/inferences/{inference_id}",
                .operation = "getInference",
                .tag = "inferences",
                .summary = "One verdict",
                .action = LG_ACT_INFERENCE_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(INFERENCE_ID, TIME_HINT),
                .responses = {API_OK("InferenceResponse", "The verdict"), API_GONE},
                .handler = get_inference,
        },
        {
                .method = LG_GET,
                .path = "/inferences/{inference_id}/graph",
                .operation = "getInferenceGraph",
                .tag = "inferences",
                .summary = "The graph that a verdict was given on, the same bits",
                .action = LG_ACT_INFERENCE_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(INFERENCE_ID, TIME_HINT),
                .responses = {API_OK("InferenceGraph", "The graph"), API_GONE},
                .handler = get_graph,
        },
};

struct lg_api_rows api_inferences_rows(void)
{
    return API_ROWS(rows);
}
