#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "services/api_int.h"

/* Endpoints: what is known of each, how it usually behaves. */

#define PROFILE_ITEMS 200u
#define LEDGER_BACK_NS (INT64_C(24) * 3600 * LG_NS_PER_SEC)

/* ---- hosts with their alerts ---- */

static int cmp_key(struct lg_str ta, struct lg_str ea, struct lg_str tb, struct lg_str eb)
{
    int c = lg_str_cmp(ta, tb);

    return c != 0 ? c : lg_str_cmp(ea, eb);
}

static int cmp_host(const void *pa, const void *pb)
{
    const struct lg_host_row *a = pa, *b = pb;

    return cmp_key(a->tenant_id, a->endpoint_id, b->tenant_id, b->endpoint_id);
}

static int cmp_alerts(const void *pa, const void *pb)
{
    const struct lg_endpoint_alerts *a = pa, *b = pb;

    return cmp_key(a->tenant_id, a->endpoint_id, b->tenant_id, b->endpoint_id);
}

/* An endpoint whose events have gone, or lie outside the range, and that still has alerts. */
static struct api_host only_alerts(const struct lg_endpoint_alerts *al)
{
    return (struct api_host){
            .host =
                    {
                            .tenant_id = al->tenant_id,
                            .endpoint_id = al->endpoint_id,
                            .last_attack_prob = -1,
                            .last_seen = al->last_seen,
                    },
            .alerts = al,
    };
}

int api_hosts(struct lg_api *api, const struct lg_scope *sc, const struct lg_range_query *q,
        struct lg_arena *a, struct api_host **ret, uint32_t *ret_n)
{
    struct lg_endpoint_alerts *al;
    struct lg_host_row *hosts;
    uint32_t n_hosts, n_al, h = 0, k = 0, n = 0;
    struct api_host *out;
    bool whole = q->from == 0 && q->to == 0;
    int rc = api->d.events->ops->hosts(api->d.events, sc, q, a, &hosts, &n_hosts);

    if (rc == 0)
        rc = api->d.alerts->ops->endpoints(api->d.alerts, sc, q->tenant, a, &al, &n_al);
    if (rc < 0)
        return rc;
    out = lg_arena_alloc(a, ((size_t)n_hosts + n_al + 1) * sizeof(*out));
    if (out == NULL)
        return LG_ELIMIT;
    if (n_hosts > 0)
        qsort(hosts, n_hosts, sizeof(*hosts), cmp_host);
    if (n_al > 0)
        qsort(al, n_al, sizeof(*al), cmp_alerts);
    while (h < n_hosts || k < n_al) {
        int c = h == n_hosts ? 1
                : k == n_al  ? -1
                             : cmp_key(hosts[h].tenant_id, hosts[h].endpoint_id, al[k].tenant_id,
                                       al[k].endpoint_id);

        if (c <= 0) {
            out[n++] = (struct api_host){hosts[h++], c == 0 ? &al[k] : NULL};
            k += c == 0;
        } else {
            if (whole && (q->endpoint.n == 0 || lg_str_eq(q->endpoint, al[k].endpoint_id)))
                out[n++] = only_alerts(&al[k]);
            k++;
        }
    }
    *ret = out;
    *ret_n = n;
    return 0;
}

void api_put_endpoint(struct lg_jw *w, const struct lg_host_row *h,
        const struct lg_endpoint_alerts *al, uint32_t parts)
{
    lg_jw_object(w);
    LG_JW_STR(w, "tenant_id", h->tenant_id);
    LG_JW_STR(w, "endpoint_id", h->endpoint_id);
    api_put_str(w, LG_STR("hostname"), h->hostname);
    api_put_str(w, LG_STR("platform"), h->platform);
    api_put_time(w, LG_STR("last_seen"), h->last_seen);
    LG_JW_U64(w, "total_inferences", h->total_inferences);
    LG_JW_U64(w, "total_attacks", h->total_attacks);
    LG_JW_U64(w, "total_errors", h->total_errors);
    LG_JW_DOUBLE(w, "max_attack_prob", h->max_attack_prob);
    if (h->last_attack_prob >= 0)
        LG_JW_DOUBLE(w, "last_attack_prob", h->last_attack_prob);
    else
        LG_JW_NULL(w, "last_attack_prob");
    LG_JW_U64(w, "alerts_total", al != NULL ? al->total : 0);
    LG_JW_U64(w, "alerts_active", al != NULL ? al->active : 0);
    api_put_str(w, LG_STR("worst_active_severity"),
            al != NULL && al->active > 0 ? lg_str_z(lg_severity_name(al->worst_active))
                                         : LG_STR(""));
    if (parts > 0 && h->trend != NULL) {
        lg_jw_key(w, LG_STR("trend"));
        lg_jw_array(w);
        for (uint32_t i = 0; i < parts; i++)
            if (h->trend[i] >= 0)
                lg_jw_double(w, round((double)h->trend[i] * 1e4) / 1e4); /* a sparkline */
            else
                lg_jw_null(w);
        lg_jw_array_end(w);
    }
    lg_jw_object_end(w);
}

/* ---- list ---- */

struct order {
    struct lg_str by;
    bool ascending;
};

static int cmp_double(double a, double b)
{
    return (a > b) - (a < b);
}

static int cmp_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static uint64_t worst_of(const struct api_host *h)
{
    return h->alerts != NULL && h->alerts->active > 0 ? 1 + (uint64_t)h->alerts->worst_active : 0;
}

static int cmp_by(const void *pa, const void *pb, void *ctx)
{
    const struct api_host *a = pa, *b = pb;
    const struct order *o = ctx;
    int c = 0;

    if (lg_str_eq(o->by, LG_STR("max_attack_prob")))
        c = cmp_double(a->host.total_inferences > 0 ? a->host.max_attack_prob : -1,
                b->host.total_inferences > 0 ? b->host.max_attack_prob : -1);
    else if (lg_str_eq(o->by, LG_STR("last_seen")))
        c = (a->host.last_seen > b->host.last_seen) - (a->host.last_seen < b->host.last_seen);
    else if (lg_str_eq(o->by, LG_STR("alerts_active")))
        c = cmp_u64(a->alerts != NULL ? a->alerts->active : 0,
                b->alerts != NULL ? b->alerts->active : 0);
    else if (lg_str_eq(o->by, LG_STR("total_attacks")))
        c = cmp_u64(a->host.total_attacks, b->host.total_attacks);
    else if (lg_str_eq(o->by, LG_STR("severity")))
        c = cmp_u64(worst_of(a), worst_of(b));
    else if (lg_str_eq(o->by, LG_STR("platform")))
        c = lg_str_cmp(a->host.platform, b->host.platform);
    else
        c = lg_str_cmp(a->host.endpoint_id, b->host.endpoint_id);
    if (c != 0)
        return o->ascending ? c : -c;
    return cmp_key(a->host.tenant_id, a->host.endpoint_id, b->host.tenant_id, b->host.endpoint_id);
}

void api_hosts_sort(struct api_host *v, uint32_t n, struct lg_str by, bool ascending)
{
    struct order order = {.by = by, .ascending = ascending};

    qsort_r(v, n, sizeof(*v), cmp_by, &order);
}

/* What the endpoint was outside the range would lie in it: who it is, and its alerts, are kept. */
static struct api_host silent(const struct api_host *h)
{
    return (struct api_host){
            .host =
                    {
                            .tenant_id = h->host.tenant_id,
                            .endpoint_id = h->host.endpoint_id,
                            .hostname = h->host.hostname,
                            .platform = h->host.platform,
                            .last_seen = h->host.last_seen,
                            .last_attack_prob = -1,
                    },
            .alerts = h->alerts,
    };
}

int api_hosts_known(struct lg_api *api, const struct lg_scope *sc, const struct lg_range_query *q,
        struct lg_arena *a, struct api_host **v, uint32_t *n)
{
    const struct lg_range_query whole = {.tenant = q->tenant, .endpoint = q->endpoint};
    struct api_host *all, *out;
    uint32_t n_all, k = 0, m = *n;
    int rc = api_hosts(api, sc, &whole, a, &all, &n_all);

    if (rc < 0)
        return rc;
    out = lg_arena_alloc(a, ((size_t)n_all + m + 1) * sizeof(*out));
    if (out == NULL)
        return LG_ELIMIT;
    if (m > 0)
        memcpy(out, *v, m * sizeof(*out));
    for (uint32_t i = 0; i < n_all; i++) { /* both are in the order of their keys */
        while (k < *n && cmp_host(&(*v)[k].host, &all[i].host) < 0)
            k++;
        if (k == *n || cmp_host(&(*v)[k].host, &all[i].host) != 0)
            out[m++] = silent(&all[i]);
    }
    *v = out;
    *n = m;
    return 0;
}

static bool wanted(const struct lg_http_req *req, const struct api_host *h)
{
    struct lg_str text = lg_req_str(req, "q"), platform = lg_req_str(req, "platform");

    if (platform.n > 0 && !lg_str_eq(platform, h->host.platform))
        return false;
    return text.n == 0 || lg_str_ifind(h->host.endpoint_id, text) >= 0 ||
            lg_str_ifind(h->host.hostname, text) >= 0;
}

static int list_endpoints(struct lg_http_req *req, void *ctx)
{
    LG_CLEANUP(lg_scope_cleanup) struct lg_scope *sc = NULL;
    LG_CLEANUP(lg_arena_done) struct lg_arena arena;
    struct lg_range_query q = {
            .tenant = lg_req_str(req, "tenant_id"),
            .from = lg_req_when(req, "from", 0),
            .to = lg_req_when(req, "to", 0),
    };
    uint64_t limit = (uint64_t)lg_req_int(req, "limit", API_LIMIT_DEFAULT);
    uint64_t offset = (uint64_t)lg_req_int(req, "offset", 0);
    struct api_host *hosts;
    uint32_t n, kept = 0;
    struct lg_jw w;
    int rc;

    lg_arena_init(&arena, API_LIST_ARENA);
    rc = api_scope(req, &sc);
    if (rc == 0)
        rc = api_hosts(ctx, sc, &q, &arena, &hosts, &n);
    if (rc < 0)
        return api_fail(req, rc);
    for (uint32_t i = 0; i < n; i++)
        if (wanted(req, &hosts[i]))
            hosts[kept++] = hosts[i];
    api_hosts_sort(hosts, kept, lg_req_str(req, "sort"),
            lg_str_eq(lg_req_str(req, "order"), LG_STR("asc")));
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("endpoints"));
    lg_jw_array(&w);
    for (uint64_t i = offset; i < kept && i < offset + limit; i++)
        api_put_endpoint(&w, &hosts[i].host, hosts[i].alerts, 0);
    lg_jw_array_end(&w);
    api_put_total(&w, kept, false);
    LG_JW_U64(&w, "limit", limit);
    LG_JW_U64(&w, "offset", offset);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

/* ---- one ---- */

struct place {
    struct lg_scope *sc;
    struct lg_arena arena;
    struct api_host host;
};

static void place_done(struct place *p)
{
    lg_scope_free(p->sc);
    lg_arena_done(&p->arena);
}

/* Several of your tenants have an endpoint of this name. */
static int ambiguous(struct lg_http_req *req, const struct api_host *hosts, uint32_t n)
{
    LG_CLEANUP(lg_buf_done) struct lg_buf extra;
    struct lg_jw w;

    lg_buf_init(&extra, 65536);
    lg_buf_adds(&extra, LG_STR("\"tenants\":"));
    lg_jw_init(&w, &extra);
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n && i < 100; i++)
        lg_jw_str(&w, hosts[i].host.tenant_id);
    lg_jw_array_end(&w);
    return lg_http_problem_of(req, 409, "ambiguous-endpoint", LG_STR("tenant_id"),
            lg_buf_str(&extra), "Several of your tenants have this endpoint: name one of them");
}

/* The endpoint that path and tenant_id name; 1, or 0 when the answer was sent. */
static int place_open(struct lg_http_req *req, struct lg_api *api, struct place *p)
{
    struct lg_range_query q = {
            .tenant = lg_req_str(req, "tenant_id"),
            .endpoint = lg_req_str(req, "endpoint_id"),
    };
    struct api_host *hosts;
    uint32_t n;
    int rc;

    *p = (struct place){0};
    lg_arena_init(&p->arena, API_LIST_ARENA);
    rc = api_scope(req, &p->sc);
    if (rc == 0)
        rc = api_hosts(api, p->sc, &q, &p->arena, &hosts, &n);
    if (rc < 0)
        return api_fail(req, rc);
    if (n == 0)
        return lg_http_not_found(req);
    if (n > 1)
        return ambiguous(req, hosts, n);
    p->host = hosts[0];
    return 1;
}

static int send_endpoint(struct lg_http_req *req, struct lg_api *api, struct place *p)
{
    const struct lg_host_row *h = &p->host.host;
    lg_time to = lg_req_when(req, "to", h->last_seen + 1);
    lg_time from = lg_req_when(req, "from", to - LEDGER_BACK_NS);
    struct lg_jw w;
    int rc;

    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("endpoint"));
    api_put_endpoint(&w, h, p->host.alerts, 0);
    lg_jw_key(&w, LG_STR("ledger"));
    rc = api_put_ledger(
            &w, api, p->sc, h->tenant_id, h->endpoint_id, from > 0 ? from : 1, to > 0 ? to : 1);
    lg_jw_object_end(&w);
    if (rc < 0) {
        lg_buf_clear(w.out);
        return api_fail(req, rc);
    }
    return lg_http_send_json(req, 200);
}

static int get_endpoint(struct lg_http_req *req, void *ctx)
{
    struct place p;
    int rc = place_open(req, ctx, &p);

    if (rc > 0)
        rc = send_endpoint(req, ctx, &p);
    place_done(&p);
    return rc;
}

static void put_items(struct lg_jw *w, const char *name, enum lg_term_kind kind,
        const struct lg_profile_item *items, uint32_t n)
{
    lg_jw_key(w, lg_str_z(name));
    lg_jw_array(w);
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].kind != kind)
            continue;
        lg_jw_object(w);
        LG_JW_STR(w, "value", items[i].value);
        api_put_time(w, LG_STR("first_seen"), items[i].first_seen);
        api_put_time(w, LG_STR("last_hour"), items[i].last_hour);
        LG_JW_U64(w, "hours", items[i].hours);
        lg_jw_object_end(w);
    }
    lg_jw_array_end(w);
}

static int send_profile(struct lg_http_req *req, struct lg_api *api, struct place *p)
{
    struct lg_event_store *st = api->d.events;
    const struct lg_host_row *h = &p->host.host;
    struct lg_profile_item *items;
    struct lg_jw w;
    uint32_t n;
    int rc = st->ops->profile(st, p->sc, h->tenant_id, h->endpoint_id,
            (uint32_t)lg_req_int(req, "max_items", PROFILE_ITEMS), &p->arena, &items, &n);

    if (rc < 0)
        return api_fail(req, rc);
    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    LG_JW_STR(&w, "tenant_id", h->tenant_id);
    LG_JW_STR(&w, "endpoint_id", h->endpoint_id);
    put_items(&w, "users", LG_TERM_USER, items, n);
    put_items(&w, "images", LG_TERM_IMAGE, items, n);
    put_items(&w, "hashes", LG_TERM_HASH, items, n);
    put_items(&w, "destinations", LG_TERM_DESTINATION, items, n);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int get_profile(struct lg_http_req *req, void *ctx)
{
    struct place p;
    int rc = place_open(req, ctx, &p);

    if (rc > 0)
        rc = send_profile(req, ctx, &p);
    place_done(&p);
    return rc;
}

static int get_tree(struct lg_http_req *req, void *ctx)
{
    struct lg_str guid = lg_req_str(req, "process_guid");
    struct place p;
    int rc = place_open(req, ctx, &p);

    if (rc > 0) {
        struct lg_tree_query q = {
                .tenant = p.host.host.tenant_id,
                .endpoint = p.host.host.endpoint_id,
                .from = lg_req_when(req, "from", 0),
                .to = lg_req_when(req, "to", 0),
                .guids = &guid,
                .n_guids = guid.n > 0 ? 1 : 0,
                .max_nodes = (uint32_t)lg_req_int(req, "max_nodes", 2000),
        };

        rc = api_send_tree(req, ctx, p.sc, &q, &p.arena);
    }
    place_done(&p);
    return rc;
}

/* ---- rows ---- */

#define ENDPOINT_ID API_P_PATH_TEXT("endpoint_id", "Id of the endpoint")
#define SAYS_TENANT                                                                                \
    {                                                                                              \
        409, NULL, "Several of your tenants have it: give tenant_id", NULL                         \
    }

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/endpoints",
                .operation = "listEndpoints",
                .tag = "endpoints",
                .summary = "A summary of each endpoint",
                .action = LG_ACT_ENDPOINT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(API_P_TENANT, API_P_TEXT("q", "Part of the id or host name"),
                        {.name = "platform",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_ENUM,
                                .values = "windows|linux",
                                .doc = "Only this platform"},
                        API_P_TIME("from", "Verdicts from then on"),
                        API_P_TIME("to", "Verdicts before"),
                        API_P_CHOICE(
                                "sort", API_HOST_SORTS, "max_attack_prob", "Order of the list"),
                        API_P_CHOICE("order", "asc|desc", "desc", "Direction of the order"),
                        API_P_LIMIT, API_P_OFFSET),
                .responses = {API_OK("EndpointList", "A page of endpoints")},
                .handler = list_endpoints,
        },
        {
                .method = LG_GET,
                .path = "/endpoints/{endpoint_id}",
                .operation = "getEndpoint",
                .tag = "endpoints",
                .summary = "One endpoint, and what could not be seen of it",
                .doc = "The ledger counts over [from, to): without a range, the day before the "
                       "endpoint was last seen.",
                .action = LG_ACT_ENDPOINT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(ENDPOINT_ID, API_P_TENANT,
                        API_P_TIME("from", "Window end, from"),
                        API_P_TIME("to", "Window end, before")),
                .responses = {API_OK("EndpointResponse", "The endpoint"), API_GONE, SAYS_TENANT},
                .handler = get_endpoint,
        },
        {
                .method = LG_GET,
                .path = "/endpoints/{endpoint_id}/profile",
                .operation = "getEndpointProfile",
                .tag = "endpoints",
                .summary = "Usual and first-seen users, programs, hashes and destinations",
                .action = LG_ACT_ENDPOINT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(ENDPOINT_ID, API_P_TENANT,
                        {.name = "max_items",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_INT,
                                .def = "200",
                                .min = 1,
                                .max = 1000,
                                .doc = "Most values of each kind"}),
                .responses = {API_OK("EndpointProfile", "What it usually shows"), API_GONE,
                        SAYS_TENANT},
                .handler = get_profile,
        },
        {
                .method = LG_GET,
                .path = "/endpoints/{endpoint_id}/tree",
                .operation = "getEndpointTree",
                .tag = "endpoints",
                .summary = "Processes of an endpoint in a time range",
                .action = LG_ACT_ENDPOINT_READ,
                .flags = LG_ROUTE_TENANT,
                .params = API_PARAMS(ENDPOINT_ID, API_P_TENANT,
                        {.name = "from",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_TIME,
                                .def = "now-1h",
                                .doc = "Event time, from"},
                        {.name = "to",
                                .in = LG_IN_QUERY,
                                .type = LG_PARAM_TIME,
                                .def = "now",
                                .doc = "Event time, before"},
                        API_P_TEXT("process_guid", "Only what belongs to this process"),
                        API_P_MAX_NODES),
                .responses = {API_OK("ProcessTree", "Processes"), API_GONE, SAYS_TENANT},
                .handler = get_tree,
        },
};

struct lg_api_rows api_endpoints_rows(void)
{
    return API_ROWS(rows);
}
