#include <stdio.h>

#include "services/api_int.h"

/* Alerts: list, one, change. What hangs on an alert is in api_alert_views.c. */

#define STATUSES "open|acknowledged|investigating|resolved|false_positive"
#define SEVERITIES "low|medium|high|critical"
#define SORTS                                                                                      \
    "last_seen|first_seen|received_at|created_at|updated_at|severity|attack_prob|occurrences"

/* In the order of SORTS: the API names what a client sees, the store what it sorts. */
static int sort_of(struct lg_str name, enum lg_alert_sort *ret)
{
    static const struct {
        const char *name;
        enum lg_alert_sort sort;
    } table[] = {
            {"last_seen", LG_ALERT_BY_LAST_SEEN},
            {"first_seen", LG_ALERT_BY_FIRST_SEEN},
            {"received_at", LG_ALERT_BY_RECEIVED},
            {"created_at", LG_ALERT_BY_CREATED},
            {"updated_at", LG_ALERT_BY_UPDATED},
            {"severity", LG_ALERT_BY_SEVERITY},
            {"attack_prob", LG_ALERT_BY_PROB},
            {"occurrences", LG_ALERT_BY_OCCURRENCES},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (lg_str_eq(name, lg_str_z(table[i].name))) {
            *ret = table[i].sort;
            return 0;
        }
    return LG_EINVAL;
}

static unsigned statuses_of(const struct lg_http_req *req)
{
    unsigned set = 0;

    for (size_t i = 0; i < lg_req_count(req, "status"); i++) {
        enum lg_alert_status s;

        if (lg_alert_status_parse(lg_req_nth(req, "status", i), &s) == 0)
            set |= 1u << s;
    }
    return set;
}

static unsigned severities_of(const struct lg_http_req *req)
{
    unsigned set = 0;

    for (size_t i = 0; i < lg_req_count(req, "severity"); i++) {
        enum lg_severity s;

        if (lg_severity_parse(lg_req_nth(req, "severity", i), &s) == 0)
            set |= 1u << s;
    }
    return set;
}

static int read_query(
        struct lg_http_req *req, const struct api_times *t, struct lg_alert_query *ret)
{
    *ret = (struct lg_alert_query){
            .tenant = lg_req_str(req, "tenant_id"),
            .statuses = statuses_of(req),
            .severities = severities_of(req),
            .endpoint = lg_req_str(req, "endpoint"),
            .technique = lg_req_str(req, "technique"),
            .assignee = lg_req_str(req, "assignee"),
            .text = lg_req_str(req, "q"),
            .from = t->from,
            .to = t->to,
            .received_from = t->received_from,
            .received_to = t->received_to,
            .ascending = lg_str_eq(lg_req_str(req, "order"), LG_STR("asc")),
            .limit = (uint32_t)lg_req_int(req, "limit", API_LIMIT_DEFAULT),
            .offset = (uint32_t)lg_req_int(req, "offset", 0),
            .cursor = t->cursor,
    };
    if (ret->cursor.n > 0 && ret->offset > 0)
        return lg_http_problem_of(req, 400, "bad-query", LG_STR("offset"), LG_STR(""),
                "Give an offset or a cursor, not both");
    if (sort_of(lg_req_str(req, "sort"), &ret->sort) < 0)
        return LG_EINVAL;
    return 1;
}

static void write_page(struct lg_buf *out, const struct lg_alert_query *q,
        const struct api_times *times, const struct lg_alert_page *page)
{
    struct lg_jw w;

    lg_jw_init(&w, out);
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("alerts"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < page->n; i++) {
        lg_jw_raw(&w, LG_STR(""));
        lg_alert_write(&page->alerts[i], out);
    }
    lg_jw_array_end(&w);
    api_put_total(&w, page->total, page->total_is_lower_bound);
    LG_JW_U64(&w, "limit", q->limit);
    LG_JW_U64(&w, "offset", q->offset);
    api_put_next(&w, times, page->next_cursor);
    lg_jw_object_end(&w);
}

static int list_alerts(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_alert_query q;
    struct lg_alert_page page;
    struct api_times times;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    api_times_read(req, true, &times);
    rc = read_query(req, &times, &q);
    if (rc <= 0)
        return rc;
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.alerts->ops->alert_list(api->d.alerts, sc, &q, &arena, &page);
    if (rc < 0)
        return api_fail(req, rc);
    write_page(lg_http_out(req), &q, &times, &page);
    return lg_http_send_json(req, 200);
}

static int get_alert(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    char tag[24];
    struct lg_uuid id;
    struct lg_alert al;
    int rc;

    if (!lg_req_uuid(req, "alert_id", &id))
        return lg_http_not_found(req);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.alerts->ops->alert_get(api->d.alerts, sc, &id, lg_req_arena(req), &al);
    if (rc < 0)
        return api_fail(req, rc);
    (void)snprintf(tag, sizeof(tag), "%llu", (unsigned long long)al.version);
    if (lg_http_etag(req, tag))
        return 0;
    lg_alert_write(&al, lg_http_out(req));
    return lg_http_send_json(req, 200);
}

/* ---- change ---- */

static int illegal_step(struct lg_http_req *req, const struct lg_alert *al, enum lg_alert_status to,
        unsigned allowed)
{
    struct lg_buf extra, text;
    struct lg_jw w;
    int rc;

    lg_buf_init(&extra, 1024);
    lg_buf_init(&text, 1024);
    lg_buf_adds(&extra, LG_STR("\"status_now\":"));
    lg_jw_init(&w, &extra);
    lg_jw_str(&w, lg_str_z(lg_alert_status_name(al->status)));
    lg_buf_adds(&extra, LG_STR(",\"allowed\":"));
    lg_jw_init(&w, &extra);
    lg_jw_array(&w);
    for (unsigned s = 0; s < LG_ALERT_STATUS_COUNT; s++)
        if ((allowed >> s & 1) != 0)
            lg_jw_str(&w, lg_str_z(lg_alert_status_name((enum lg_alert_status)s)));
    lg_jw_array_end(&w);
    lg_alert_steps_text(allowed, &text);
    rc = extra.failed != 0 || text.failed != 0
            ? LG_ENOMEM
            : lg_http_problem_of(req, 409, "illegal-transition", LG_STR("status"),
                      lg_buf_str(&extra),
                      "An alert that is %s cannot become %s; it may become %.*s",
                      lg_alert_status_name(al->status), lg_alert_status_name(to),
                      LG_STR_FMT(lg_buf_str(&text)));
    lg_buf_done(&extra);
    lg_buf_done(&text);
    return rc;
}

/* The alert as it is now goes along: whoever lost the race can show both versions. */
static int lost_update(struct lg_http_req *req, const struct lg_alert *al)
{
    struct lg_buf extra;
    int rc;

    lg_buf_init(&extra, (size_t)1 << 20);
    lg_buf_adds(&extra, LG_STR("\"current\":"));
    lg_alert_write(al, &extra);
    lg_http_header(req, "ETag", "\"%llu\"", (unsigned long long)al->version);
    rc = extra.failed != 0
            ? LG_ENOMEM
            : lg_http_problem_of(req, 412, "changed-meanwhile", LG_STR("If-Match"),
                      lg_buf_str(&extra),
                      "Someone changed this alert since you read it: it is at version %llu",
                      (unsigned long long)al->version);
    lg_buf_done(&extra);
    return rc;
}

static void read_patch(const struct api_body *b, struct lg_alert_patch *p)
{
    if (api_body_has(b, "status")) {
        p->has_status = true;
        (void)!lg_alert_status_parse(api_body_str(b, "status"), &p->status);
    }
    p->has_notes = api_body_has(b, "analyst_notes");
    p->notes = api_body_str(b, "analyst_notes");
    p->has_assignee = api_body_has(b, "assignee");
    p->assignee = api_body_str(b, "assignee");
}

/* What the change was: the state before is known from the history rows, which say more. */
static void patch_detail(
        const struct lg_alert_patch *p, const struct lg_alert *al, struct lg_buf *detail)
{
    struct lg_jw w;

    lg_jw_init(&w, detail);
    lg_jw_object(&w);
    if (p->has_status)
        LG_JW_STR(&w, "status", lg_str_z(lg_alert_status_name(p->status)));
    if (p->has_assignee)
        LG_JW_STR(&w, "assignee", p->assignee);
    if (p->has_notes)
        LG_JW_U64(&w, "notes_bytes", p->notes.n);
    LG_JW_U64(&w, "version", al->version);
    lg_jw_object_end(&w);
}

static int apply_patch(struct lg_http_req *req, struct lg_api *api, const struct lg_scope *sc,
        const struct lg_uuid *id, struct lg_alert_patch *p)
{
    LG_CLEANUP(lg_buf_done) struct lg_buf detail;
    char text[LG_UUID_TEXT + 1];
    struct lg_alert al;
    unsigned steps = 0;
    int rc;

    lg_buf_init(&detail, 65536);
    rc = api->d.alerts->ops->alert_patch(api->d.alerts, sc, id, p, lg_req_arena(req), &al, &steps);
    if (rc == LG_ERANGE)
        return illegal_step(req, &al, p->status, steps);
    if (rc == LG_EREFUSED)
        return lost_update(req, &al);
    if (rc == LG_EPARSE)
        return lg_http_problem_of(req, 400, "bad-header", LG_STR("If-Match"), LG_STR(""),
                "If-Match wants an entity tag in quotes, as ETag gave it");
    if (rc < 0)
        return api_fail(req, rc);
    patch_detail(p, &al, &detail);
    lg_uuid_text(id, text);
    rc = api_audit(req, api, al.tenant_id, "alert.update", lg_str_z(text), &detail);
    if (rc <= 0)
        return rc;
    lg_http_header(req, "ETag", "\"%llu\"", (unsigned long long)al.version);
    lg_alert_write(&al, lg_http_out(req));
    return lg_http_send_json(req, 200);
}

static int patch_alert(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(api_body_done) struct api_body b = {0};
    char actor[LG_ACTOR_MAX];
    struct lg_alert_patch p = {
            .if_match = lg_req_str(req, "If-Match"),
            .now = lg_req_time(req),
    };
    struct lg_uuid id;
    int rc;

    if (!lg_req_uuid(req, "alert_id", &id))
        return lg_http_not_found(req);
    rc = api_body(req, api, &b);
    if (rc <= 0)
        return rc;
    read_patch(&b, &p);
    p.actor = lg_actor_text(lg_req_principal(req), actor);
    rc = api_scope(req, &sc);
    if (rc < 0)
        return rc;
    return apply_patch(req, api, sc, &id, &p);
}

/* ---- rows ---- */

#define ALERT_ID API_P_PATH_UUID("alert_id", "Id of the alert")

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/alerts",
                .operation = "listAlerts",
                .tag = "alerts",
                .summary = "List alerts",
                .doc = "`total` is exact where only `tenant_id` and `status` narrow the list, else "
                       "it "
                       "counts to 10,000 and says so. Free text is a case-folded substring of "
                       "title, "
                       "description, names and notes.",
                .action = LG_ACT_ALERT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(API_P_TENANT,
                        API_P_ENUM(
                                "status", STATUSES, "Only alerts in this state; may be repeated"),
                        API_P_LIMIT, API_P_OFFSET, API_P_CURSOR,
                        API_P_ENUM("severity", SEVERITIES, "Only this severity; may be repeated"),
                        API_P_TEXT("endpoint", "Only this endpoint_id"),
                        API_P_TEXT("technique",
                                "Only alerts with this ATT&CK technique or one of its parts"),
                        API_P_TEXT("assignee", "Only alerts of this assignee"),
                        API_P_TEXT("q", "Free text"),
                        API_P_TIME("from", "Event time: alerts that were still seen then or later"),
                        API_P_TIME("to", "Event time: alerts that were first seen before"),
                        API_P_TIME("received_from", "Arrival of the newest event, from"),
                        API_P_TIME("received_to", "Arrival of the newest event, before"),
                        API_P_CHOICE("sort", SORTS, "last_seen", "Order of the list"),
                        API_P_CHOICE("order", "asc|desc", "desc", "Direction of the order")),
                .responses = {API_OK("AlertListResponse", "A page of alerts")},
                .handler = list_alerts,
        },
        {
                .method = LG_GET,
                .path = "/alerts/{alert_id}",
                .operation = "getAlert",
                .tag = "alerts",
                .summary = "One alert",
                .action = LG_ACT_ALERT_READ,
                .flags = LG_ROUTE_TENANT | LG_ROUTE_ETAG,
                .params = API_PARAMS(ALERT_ID),
                .responses = {API_OK("AlertResponse", "The alert; ETag is its version"),
                        {304, NULL, "You have this version", NULL}, API_GONE},
                .handler = get_alert,
        },
        {
                .method = LG_PATCH,
                .path = "/alerts/{alert_id}",
                .operation = "updateAlert",
                .tag = "alerts",
                .summary = "Move an alert through its life, assign it, note on it",
                .doc = "Who did it is taken from the token, never from the body. If-Match is "
                       "optional: with it, a change that someone else made meanwhile answers 412 "
                       "with the alert as it is now. Staying in the same state is no transition.",
                .action = LG_ACT_ALERT_WRITE,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(ALERT_ID,
                        {.name = "If-Match",
                                .in = LG_IN_HEADER,
                                .type = LG_PARAM_STRING,
                                .min = 1,
                                .max = 256,
                                .doc = "The ETag that the change is based on"}),
                .request = "AlertPatch",
                .max_body_bytes = 65536,
                .responses = {API_OK("AlertResponse", "The alert after the change"), API_GONE,
                        {409, NULL,
                                "Not allowed from this state; `allowed` names the states that are",
                                NULL},
                        {412, NULL, "Changed meanwhile; `current` is the alert as it is", NULL}},
                .handler = patch_alert,
        },
};

struct lg_api_rows api_alerts_rows(void)
{
    return API_ROWS(rows);
}
