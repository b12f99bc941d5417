#include "services/api_int.h"

/* How right alerts were, by what people say of them. */

static void put_judged(struct lg_jw *w, const struct lg_judged *j)
{
    uint64_t n = j->right + j->wrong;

    LG_JW_U64(w, "true_positives", j->right);
    LG_JW_U64(w, "false_positives", j->wrong);
    lg_jw_key(w, LG_STR("precision"));
    if (n > 0)
        lg_jw_double(w, (double)j->right / (double)n);
    else
        lg_jw_null(w);
}

static void put_severities(struct lg_jw *w, const struct lg_quality *ql)
{
    lg_jw_key(w, LG_STR("severities"));
    lg_jw_array(w);
    for (int s = LG_SEVERITY_COUNT - 1; s >= LG_SEVERITY_LOW; s--) {
        lg_jw_object(w);
        LG_JW_STR(w, "severity", lg_str_z(lg_severity_name((enum lg_severity)s)));
        put_judged(w, &ql->severity[s]);
        lg_jw_object_end(w);
    }
    lg_jw_array_end(w);
}

static void put_techniques(struct lg_jw *w, const struct lg_quality *ql)
{
    lg_jw_key(w, LG_STR("techniques"));
    lg_jw_array(w);
    for (uint32_t i = 0; i < ql->n_techniques; i++) {
        struct lg_str name = ql->techniques[i].technique;

        lg_jw_object(w);
        LG_JW_STR(w, "technique", name);
        api_put_str(w, LG_STR("tactic"), lg_str_z(lg_alert_tactic(name)));
        put_judged(w, &ql->techniques[i].judged);
        lg_jw_object_end(w);
    }
    lg_jw_array_end(w);
}

static void put_over_time(
        struct lg_jw *w, const struct lg_quality_query *q, const struct lg_quality *ql)
{
    int64_t width = (q->to - q->from + q->parts - 1) / q->parts;

    lg_jw_key(w, LG_STR("over_time"));
    lg_jw_array(w);
    for (uint32_t i = 0; i < q->parts; i++) {
        lg_jw_object(w);
        api_put_time(w, LG_STR("start"), q->from + i * width);
        put_judged(w, &ql->over_time[i]);
        lg_jw_object_end(w);
    }
    lg_jw_array_end(w);
}

static int get_quality(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    const struct lg_quality_query q = {
            .tenant = lg_req_str(req, "tenant_id"),
            .from = lg_req_when(req, "from", 0),
            .to = lg_req_when(req, "to", 0),
            .parts = (uint32_t)lg_req_int(req, "parts", 30),
    };
    struct lg_quality ql = {0};
    struct lg_jw w;
    int rc;

    if (q.from >= q.to)
        return lg_http_problem_of(req, 400, "bad-range", LG_STR("from"), LG_STR(""),
                "The range ends before it begins");
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.alerts->ops->quality(api->d.alerts, sc, &q, lg_req_arena(req), &ql);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    api_put_time(&w, LG_STR("from"), q.from);
    api_put_time(&w, LG_STR("to"), q.to);
    LG_JW_U64(&w, "feedback", ql.feedback);
    LG_JW_U64(&w, "alerts", ql.all.right + ql.all.wrong);
    put_judged(&w, &ql.all);
    put_severities(&w, &ql);
    put_techniques(&w, &ql);
    put_over_time(&w, &q, &ql);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/feedback/quality",
                .operation = "getFeedbackQuality",
                .tag = "feedback",
                .summary = "How right alerts were, by what people say of them",
                .doc = "Over feedback given in the range; where an alert has several, the latest "
                       "counts. `precision` is null where nobody said anything.",
                .action = LG_ACT_FEEDBACK_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(API_P_TENANT,
                        {.name = "from",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_TIME,
                                .def = "now-30d",
                                .doc = "Given then or later"},
                        {.name = "to",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_TIME,
                                .def = "now",
                                .doc = "Given before"},
                        {.name = "parts",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_INT,
                                .def = "30",
                                .min = 1,
                                .max = LG_STORE_QUALITY_PARTS,
                                .doc = "Equal parts that the range is cut into"}),
                .responses = {API_OK("FeedbackQuality", "The figures")},
                .handler = get_quality,
        },
};

struct lg_api_rows api_quality_rows(void)
{
    return API_ROWS(rows);
}
