#include "services/api_int.h"

/* Figures over a time range: the documented /summary and /hosts, timeline, techniques. */

#define DEFAULT_FROM "now-24h"

static struct lg_range_query range_of(const struct lg_http_req *req)
{
    return (struct lg_range_query){
            .tenant = lg_req_str(req, "tenant_id"),
            .endpoint = lg_req_str(req, "host"),
            .from = lg_req_when(req, "from", 0),
            .to = lg_req_when(req, "to", 0),
    };
}

static int bad_range(struct lg_http_req *req)
{
    return lg_http_problem_of(
            req, 400, "bad-range", LG_STR("from"), LG_STR(""), "The range ends before it begins");
}

static void begin(struct lg_jw *w, struct lg_http_req *req, const struct lg_range_query *q)
{
    lg_jw_init(w, lg_http_out(req));
    lg_jw_object(w);
    api_put_time(w, LG_STR("from"), q->from);
    api_put_time(w, LG_STR("to"), q->to);
}

static int get_summary(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    struct lg_range_query q = range_of(req);
    struct lg_summary s;
    struct lg_jw w;
    int rc;

    if (q.from >= q.to)
        return bad_range(req);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.events->ops->summary(api->d.events, sc, &q, &s);
    if (rc < 0)
        return api_fail(req, rc);
    begin(&w, req, &q);
    LG_JW_U64(&w, "total_inferences", s.total_inferences);
    LG_JW_U64(&w, "total_attacks", s.total_attacks);
    LG_JW_U64(&w, "total_benign", s.total_benign);
    LG_JW_U64(&w, "total_errors", s.total_errors);
    LG_JW_DOUBLE(&w, "avg_attack_probability", s.avg_attack_prob);
    LG_JW_DOUBLE(&w, "max_attack_probability", s.max_attack_prob);
    LG_JW_DOUBLE(&w, "max_attack_prob", s.max_attack_prob);
    LG_JW_DOUBLE(&w, "avg_confidence", s.avg_confidence);
    LG_JW_DOUBLE(&w, "avg_inference_time_ms", s.avg_inference_time_ms);
    LG_JW_U64(&w, "hosts", s.hosts);
    LG_JW_DOUBLE(&w, "avg_graph_nodes", s.avg_graph_nodes);
    LG_JW_DOUBLE(&w, "avg_graph_edges", s.avg_graph_edges);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int get_hosts(struct lg_http_req *req, void *ctx)
{
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_range_query q = range_of(req);
    uint64_t limit = (uint64_t)lg_req_int(req, "limit", 1000);
    uint64_t offset = (uint64_t)lg_req_int(req, "offset", 0);
    struct api_host *hosts;
    struct lg_jw w;
    uint32_t n;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    q.parts = (uint32_t)lg_req_int(req, "trend", 0);
    if (q.from >= q.to)
        return bad_range(req);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api_hosts(ctx, sc, &q, &arena, &hosts, &n);
    if (rc == 0 && lg_req_bool(req, "silent", false))
        rc = api_hosts_known(ctx, sc, &q, &arena, &hosts, &n);
    if (rc < 0)
        return api_fail(req, rc);
    api_hosts_sort(
            hosts, n, lg_req_str(req, "sort"), lg_str_eq(lg_req_str(req, "order"), LG_STR("asc")));
    begin(&w, req, &q);
    lg_jw_key(&w, LG_STR("hosts"));
    lg_jw_array(&w);
    for (uint64_t i = offset; i < n && i < offset + limit; i++)
        api_put_endpoint(&w, &hosts[i].host, hosts[i].alerts, q.parts);
    lg_jw_array_end(&w);
    LG_JW_U64(&w, "total", n);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int get_timeline(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    struct lg_range_query q = range_of(req);
    uint32_t n, buckets = (uint32_t)lg_req_int(req, "buckets", 120);
    struct lg_time_bucket *list;
    struct lg_jw w;
    int rc;

    if (q.from >= q.to)
        return bad_range(req);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.events->ops->timeline(
                api->d.events, sc, &q, buckets, lg_req_arena(req), &list, &n);
    if (rc < 0)
        return api_fail(req, rc);
    begin(&w, req, &q);
    lg_jw_key(&w, LG_STR("buckets"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        lg_jw_object(&w);
        api_put_time(&w, LG_STR("start"), list[i].start);
        LG_JW_U64(&w, "inferences", list[i].inferences);
        LG_JW_U64(&w, "attacks", list[i].attacks);
        LG_JW_U64(&w, "errors", list[i].errors);
        LG_JW_DOUBLE(&w, "max_attack_prob", list[i].max_attack_prob);
        LG_JW_DOUBLE(&w, "avg_attack_prob", list[i].avg_attack_prob);
        LG_JW_DOUBLE(&w, "avg_confidence", list[i].avg_confidence);
        LG_JW_DOUBLE(&w, "avg_inference_time_ms", list[i].avg_inference_time_ms);
        LG_JW_DOUBLE(&w, "avg_graph_nodes", list[i].avg_graph_nodes);
        LG_JW_DOUBLE(&w, "avg_graph_edges", list[i].avg_graph_edges);
        LG_JW_U64(&w, "hosts", list[i].hosts);
        lg_jw_object_end(&w);
    }
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static void put_over_time(struct lg_jw *w, const struct lg_technique_count *c, uint32_t parts)
{
    lg_jw_key(w, LG_STR("over_time"));
    lg_jw_array(w);
    for (uint32_t i = 0; i < parts; i++)
        lg_jw_u64(w, c->over_time[i]);
    lg_jw_array_end(w);
}

static int get_techniques(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    struct lg_range_query q = range_of(req);
    struct lg_technique_count *list;
    struct lg_jw w;
    uint32_t n;
    int rc;

    q.parts = (uint32_t)lg_req_int(req, "parts", 0);
    if (q.from >= q.to)
        return bad_range(req);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.events->ops->techniques(api->d.events, sc, &q, lg_req_arena(req), &list, &n);
    if (rc < 0)
        return api_fail(req, rc);
    begin(&w, req, &q);
    if (q.parts > 0)
        LG_JW_DOUBLE(
                &w, "part_seconds", (double)lg_range_part(&q, q.parts) / (double)LG_NS_PER_SEC);
    lg_jw_key(&w, LG_STR("techniques"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        lg_jw_object(&w);
        LG_JW_STR(&w, "technique", list[i].technique);
        api_put_str(&w, LG_STR("tactic"), lg_str_z(lg_alert_tactic(list[i].technique)));
        LG_JW_U64(&w, "attacks", list[i].attacks);
        LG_JW_U64(&w, "hosts", list[i].hosts);
        if (q.parts > 0)
            put_over_time(&w, &list[i], q.parts);
        lg_jw_object_end(&w);
    }
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

/* ---- rows ---- */

#define RANGE                                                                                      \
    {.name = "from",                                                                               \
            .in = LG_IN_QUERY,                                                                     \
            .type = LG_PARAM_TIME,                                                                 \
            .def = DEFAULT_FROM,                                                                   \
            .doc = "Windows that end then or later"},                                              \
            {.name = "to",                                                                         \
                    .in = LG_IN_QUERY,                                                             \
                    .type = LG_PARAM_TIME,                                                         \
                    .def = "now",                                                                  \
                    .doc = "Windows that end before"},                                             \
            API_P_TEXT("host", "Only this endpoint_id"), API_P_TENANT

static const struct lg_param range_params[] = {RANGE, API_P_END};
#define PARTS(called, text)                                                                        \
    {                                                                                              \
        .name = (called), .in = LG_IN_QUERY, .type = LG_PARAM_INT, .def = "0", .min = 0,           \
        .max = LG_STORE_PARTS_MAX, .doc = (text)                                                   \
    }
static const struct lg_param techniques_params[] = {
        RANGE, PARTS("parts", "Also counts in so many equal parts of the range"), API_P_END};
static const struct lg_param hosts_params[] = {RANGE,
        PARTS("trend", "Also each host's largest probability in so many equal parts of the range"),
        {.name = "limit",
                .in = LG_IN_QUERY,
                .type = LG_PARAM_INT,
                .def = "1000",
                .min = 1,
                .max = 10000,
                .doc = "Most hosts of the answer"},
        API_P_OFFSET, API_P_CHOICE("sort", API_HOST_SORTS, "max_attack_prob", "Order of the list"),
        API_P_CHOICE("order", "asc|desc", "desc", "Direction of the order"),
        {.name = "silent",
                .in = LG_IN_QUERY,
                .type = LG_PARAM_BOOL,
                .def = "false",
                .doc = "Also hosts that are known but had no verdict in the range: their figures "
                       "are 0"},
        API_P_END};
static const struct lg_param timeline_params[] = {RANGE,
        {.name = "buckets",
                .in = LG_IN_QUERY,
                .type = LG_PARAM_INT,
                .def = "120",
                .min = 1,
                .max = 2000,
                .doc = "Most parts that the range is cut into"},
        API_P_END};

#define SUMMARY(where, name)                                                                       \
    {                                                                                              \
        .method = LG_GET, .path = (where), .operation = (name), .tag = "summary",                  \
        .summary = "Figures over a time range", .action = LG_ACT_INFERENCE_READ,                   \
        .flags = LG_ROUTE_TENANT, .params = range_params,                                          \
        .responses = {API_OK("SummaryResponse", "The figures")}, .handler = get_summary,           \
    }
#define HOSTS(where, name)                                                                         \
    {                                                                                              \
        .method = LG_GET, .path = (where), .operation = (name), .tag = "summary",                  \
        .summary = "Hosts by their largest attack probability", .action = LG_ACT_ENDPOINT_READ,    \
        .flags = LG_ROUTE_TENANT, .params = hosts_params,                                          \
        .responses = {API_OK("HostsResponse", "The hosts")}, .handler = get_hosts,                 \
    }

static const struct lg_route rows[] = {
        SUMMARY("/summary", "getSummary"),
        SUMMARY("/api/summary", "getDashboardSummary"),
        HOSTS("/hosts", "listHosts"),
        HOSTS("/api/hosts", "listDashboardHosts"),
        {
                .method = LG_GET,
                .path = "/timeline",
                .operation = "getTimeline",
                .tag = "summary",
                .summary = "Verdicts over time",
                .action = LG_ACT_INFERENCE_READ,
                .flags = LG_ROUTE_TENANT,
                .params = timeline_params,
                .responses = {API_OK("TimelineResponse", "Parts of the range, oldest first")},
                .handler = get_timeline,
        },
        {
                .method = LG_GET,
                .path = "/techniques",
                .operation = "getTechniques",
                .tag = "summary",
                .summary = "ATT&CK techniques in attack verdicts",
                .action = LG_ACT_INFERENCE_READ,
                .flags = LG_ROUTE_TENANT,
                .params = techniques_params,
                .responses = {API_OK("TechniquesResponse", "Techniques with their counts")},
                .handler = get_techniques,
        },
};

struct lg_api_rows api_summary_rows(void)
{
    return API_ROWS(rows);
}
