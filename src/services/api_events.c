#include <string.h>

#include "event/event.h"
#include "services/api_event_int.h"

/* Events: search and one. */

void api_put_event(struct lg_jw *w, const struct lg_event_row *row, bool with_raw)
{
    struct api_member m[32];
    size_t n = api_members(row->json, m, 32);

    lg_jw_object(w);
    for (size_t i = 0; i < n; i++) {
        if (!with_raw && lg_str_eq(m[i].key, LG_STR("raw_event")))
            continue;
        lg_jw_key(w, m[i].key);
        lg_jw_raw(w, m[i].value);
    }
    api_put_time(w, LG_STR("received_at"), row->received_at);
    if (row->time_shift_ns != 0) {
        lg_jw_key(w, LG_STR("time_shift"));
        lg_jw_double(w, (double)row->time_shift_ns / (double)LG_NS_PER_SEC);
    }
    lg_jw_object_end(w);
}

/* Every event type's name, for the enumeration of the parameter: "|a|b|c". */
#define TYPE_NAME(e, s, t) "|" s
static const char all_types[] = LG_EVENT_TYPES(TYPE_NAME);
#undef TYPE_NAME

/* Values of a parameter that may be repeated; in the request's arena. */
static int without(struct lg_http_req *req, const char *name, struct lg_event_without *ret)
{
    size_t n = lg_req_count(req, name);
    struct lg_str *v;

    *ret = (struct lg_event_without){0};
    if (n == 0)
        return 0;
    if (n > LG_STORE_WITHOUT_MAX)
        return LG_ERANGE;
    v = lg_arena_alloc(lg_req_arena(req), n * sizeof(*v));
    if (v == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < n; i++)
        v[i] = lg_req_nth(req, name, i);
    *ret = (struct lg_event_without){v, (uint32_t)n};
    return 0;
}

static int read_without(struct lg_http_req *req, struct lg_event_query *q)
{
    const struct {
        const char *name;
        struct lg_event_without *to;
    } all[] = {{"not_endpoint", &q->not_endpoint}, {"not_user", &q->not_user},
            {"not_image", &q->not_image}, {"not_hash", &q->not_hash}, {"not_ip", &q->not_ip},
            {"not_process_guid", &q->not_guid}};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        int rc = without(req, all[i].name, all[i].to);

        if (rc < 0)
            return rc;
    }
    return 0;
}

#define N_TYPE_WORDS (sizeof(((struct lg_event_query *)0)->types) / sizeof(uint64_t))
_Static_assert(LG_EVENT_TYPE_COUNT % 64 != 0, "no bit is free for a set of no type");

/* The types that are asked for, less those that are not wanted. */
static int read_types(const struct lg_http_req *req, struct lg_event_query *q)
{
    enum lg_event_type t;

    for (size_t i = 0; i < lg_req_count(req, "event_type"); i++) {
        if (lg_event_type_parse(lg_req_nth(req, "event_type", i), &t) < 0)
            return LG_EINVAL;
        q->types[t / 64] |= UINT64_C(1) << (t % 64);
    }
    if (lg_req_count(req, "not_event_type") == 0)
        return 0;
    /* A set of no type is one of all: this bit is no type's, and keeps an empty one from it. */
    q->types[N_TYPE_WORDS - 1] |= UINT64_C(1) << 63;
    if (lg_req_count(req, "event_type") == 0)
        memset(q->types, 0xff, sizeof(q->types));
    for (size_t i = 0; i < lg_req_count(req, "not_event_type"); i++) {
        if (lg_event_type_parse(lg_req_nth(req, "not_event_type", i), &t) < 0)
            return LG_EINVAL;
        q->types[t / 64] &= ~(UINT64_C(1) << (t % 64));
    }
    return 0;
}

int api_event_query(struct lg_http_req *req, const struct api_times *t, struct lg_event_query *ret)
{
    int rc;

    *ret = (struct lg_event_query){
            .tenant = lg_req_str(req, "tenant_id"),
            .endpoint = lg_req_str(req, "endpoint"),
            .from = t->from,
            .to = t->to,
            .received_from = t->received_from,
            .received_to = t->received_to,
            .user = lg_req_str(req, "user"),
            .image = lg_req_str(req, "image"),
            .hash = lg_req_str(req, "hash"),
            .ip = lg_req_str(req, "ip"),
            .process_guid = lg_req_str(req, "process_guid"),
            .text = lg_req_str(req, "q"),
            .ascending = lg_str_eq(lg_req_str(req, "order"), LG_STR("asc")),
    };
    rc = read_types(req, ret);
    return rc < 0 ? rc : read_without(req, ret);
}

static int list_events(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    bool with_raw = lg_req_bool(req, "raw", false);
    struct lg_event_query q;
    struct lg_event_page page;
    struct api_times times;
    struct lg_jw w;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    api_times_read(req, true, &times);
    rc = api_event_query(req, &times, &q);
    q.limit = (uint32_t)lg_req_int(req, "limit", API_LIMIT_DEFAULT);
    q.cursor = times.cursor;
    if (rc == 0)
        rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.events->ops->event_search(api->d.events, sc, &q, &arena, &page);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("events"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < page.n; i++)
        api_put_event(&w, &page.rows[i], with_raw);
    lg_jw_array_end(&w);
    api_put_total(&w, page.total, page.total_is_lower_bound);
    LG_JW_BOOL(&w, "incomplete", page.incomplete);
    LG_JW_U64(&w, "limit", q.limit);
    api_put_next(&w, &times, page.next_cursor);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int get_histogram(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    uint32_t n = (uint32_t)lg_req_int(req, "buckets", 48);
    struct lg_event_counts counts;
    struct lg_event_query q;
    struct api_times times;
    int64_t width;
    struct lg_jw w;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    api_times_read(req, false, &times);
    if (times.from <= 0 || times.from >= times.to)
        return lg_http_problem_of(req, 400, "bad-range", LG_STR("from"), LG_STR(""),
                "The range ends before it begins");
    rc = api_event_query(req, &times, &q);
    if (rc == 0)
        rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.events->ops->event_histogram(api->d.events, sc, &q, n, &arena, &counts);
    if (rc < 0)
        return api_fail(req, rc);
    width = lg_part_length(q.from, q.to, n);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    api_put_time(&w, LG_STR("from"), q.from);
    api_put_time(&w, LG_STR("to"), q.to);
    LG_JW_BOOL(&w, "incomplete", counts.incomplete);
    lg_jw_key(&w, LG_STR("buckets"));
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        lg_jw_object(&w);
        api_put_time(&w, LG_STR("start"), q.from + i * width);
        LG_JW_U64(&w, "events", counts.parts[i]);
        lg_jw_object_end(&w);
    }
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int get_event(struct lg_http_req *req, void *ctx)
{
    struct lg_api *api = ctx;
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_event_row row;
    struct lg_uuid id;
    struct lg_jw w;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    if (!lg_req_uuid(req, "event_id", &id))
        return lg_http_not_found(req);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api->d.events->ops->event_get(
                api->d.events, sc, &id, lg_req_when(req, "time", 0), &arena, &row);
    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    api_put_event(&w, &row, lg_req_bool(req, "raw", true));
    return lg_http_send_json(req, 200);
}

#define WITHOUT(n, text)                                                                           \
    {                                                                                              \
        .name = (n), .in = LG_IN_QUERY, .type = LG_PARAM_STRING, .min = 1, .max = 256,             \
        .repeated = true, .doc = (text)                                                            \
    }
#define TIMES API_P_TIME("from", "Event time, from"), API_P_TIME("to", "Event time, before")
#define FILTERS                                                                                    \
    API_P_TENANT, API_P_TEXT("endpoint", "Only this endpoint_id"),                                 \
            API_P_TIME("received_from", "Arrival, from"),                                          \
            API_P_TIME("received_to", "Arrival, before"),                                          \
            API_P_ENUM("event_type", all_types + 1, "Only this type; may be repeated"),            \
            API_P_TEXT("user", "Only with this user"),                                             \
            API_P_TEXT("image", "Only with this program"),                                         \
            API_P_TEXT("hash", "Only with this hash"), API_P_TEXT("ip", "Only with this address"), \
            API_P_TEXT("process_guid", "Only of this process"), API_P_TEXT("q", "Free text"),      \
            WITHOUT("not_endpoint", "Not this endpoint_id; may be repeated, up to 16 times"),      \
            API_P_ENUM("not_event_type", all_types + 1, "Not this type; may be repeated"),         \
            WITHOUT("not_user", "Not with this user"),                                             \
            WITHOUT("not_image", "Not with this program"),                                         \
            WITHOUT("not_hash", "Not with this hash"), WITHOUT("not_ip", "Not with this address"), \
            WITHOUT("not_process_guid", "Not of this process"),                                    \
            API_P_CHOICE("order", "asc|desc", "desc", "Direction of time")
#define RAW(fallback)                                                                              \
    {                                                                                              \
        .name = "raw", .in = LG_IN_QUERY, .type = LG_PARAM_BOOL, .def = (fallback),                \
        .doc = "With raw_event"                                                                    \
    }

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/events",
                .operation = "listEvents",
                .tag = "events",
                .summary = "Search events",
                .doc = "Newest first unless `order` says otherwise. `user`, `hash`, `ip` and "
                       "`process_guid` are whole values, `image` a path or a file name, in any "
                       "case; what begins with `not_` leaves out what it would find. "
                       "Free text is a case-folded substring of the event without its raw record; "
                       "give a time range with it. A search that used up its budget says "
                       "`incomplete` and goes on with the cursor.",
                .action = LG_ACT_EVENT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(TIMES, FILTERS, RAW("false"), API_P_LIMIT, API_P_CURSOR),
                .responses = {API_OK("EventListResponse", "A page of events")},
                .handler = list_events,
        },
        {
                .method = LG_GET,
                .path = "/events/histogram",
                .operation = "getEventHistogram",
                .tag = "events",
                .summary = "What a search finds, over time",
                .doc = "The search of `/events`, counted in equal parts of the range. One that "
                       "used up its budget says `incomplete`: then the oldest parts (the newest, "
                       "with `order=asc`) lack events.",
                .action = LG_ACT_EVENT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS({.name = "from",
                                             .in = LG_IN_QUERY,
                                             .type = LG_PARAM_TIME,
                                             .def = "now-24h",
                                             .doc = "Event time, from"},
                        {.name = "to",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_TIME,
                                .def = "now",
                                .doc = "Event time, before"},
                        FILTERS,
                        {.name = "buckets",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_INT,
                                .def = "48",
                                .min = 1,
                                .max = LG_STORE_PARTS_MAX,
                                .doc = "Parts that the range is cut into"}),
                .responses = {API_OK("EventHistogram", "Parts of the range, oldest first")},
                .handler = get_histogram,
        },
        {
                .method = LG_GET,
                .path = "/events/export",
                .operation = "exportEvents",
                .tag = "events",
                .summary = "What a search finds, as a file",
                .doc = "The search of `/events`, all of it up to `limit`: JSON lines, or CSV with "
                       "the columns that hunting asks for, safe to open in a spreadsheet (cells "
                       "that it would take for formulas begin with an apostrophe). A connection "
                       "that is cut before the end means that the store failed meanwhile.",
                .action = LG_ACT_EVENT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(TIMES, FILTERS, RAW("false"),
                        API_P_CHOICE("format", "ndjson|csv", "ndjson", "What the file is"),
                        {.name = "limit",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_INT,
                                .def = "10000",
                                .min = 1,
                                .max = 1000000,
                                .doc = "Most rows of the file"}),
                .responses = {{200, "EventResponse", "A line for each", LG_HTTP_NDJSON},
                        {200, NULL, NULL, API_CSV}},
                .handler = api_export_events,
        },
        {
                .method = LG_GET,
                .path = "/events/{event_id}",
                .operation = "getEvent",
                .tag = "events",
                .summary = "One event with the record that it was made from",
                .action = LG_ACT_EVENT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(API_P_PATH_UUID("event_id", "Id of the event"),
                        API_P_TIME("time", "Its event time, where you know it: it is found faster"),
                        RAW("true")),
                .responses = {API_OK("EventResponse", "The event"), API_GONE},
                .handler = get_event,
        },
};

struct lg_api_rows api_events_rows(void)
{
    return API_ROWS(rows);
}
