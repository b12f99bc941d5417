#include "services/intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "services/intake_int.h"

#define CHUNK_RECORDS 8192
#define CHUNK_BYTES ((size_t)16 << 20)
#define ARENA_BYTES ((size_t)96 << 20)
#define ANSWER_BYTES ((size_t)60 << 20)
#define MAX_ITEMS 100000                 /* of one request */
#define MAX_POOL_ARENA ((size_t)4 << 20) /* what a pooled work may keep */
#define MAX_SHOWN 100                    /* refused items named in an answer */

/* ------------------------------------------------------------------ making it */

static const char *const api_names[LG_INTAKE_API_COUNT] = {
        "ingest", "elasticsearch", "splunk_hec", "syslog"};

static int register_api(struct lg_intake *in, int api)
{
    static const char *const classes[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    const struct lg_metric_label by_api[] = {{"api", api_names[api]}};
    struct lg_metrics *m = in->d.metrics;
    int rc = lg_metrics_counter(m, LG_METRIC(INTAKE_EVENTS_TOTAL), by_api, 1, &in->events[api]);

    if (rc == 0)
        rc = lg_metrics_counter(m, LG_METRIC(INTAKE_BYTES_TOTAL), by_api, 1, &in->bytes[api]);
    if (rc == 0)
        rc = lg_metrics_histogram(m, LG_METRIC(INTAKE_SECONDS), by_api, 1, &in->seconds[api]);
    for (int c = 2; rc == 0 && c < 6; c++) {
        const struct lg_metric_label l[] = {{"api", api_names[api]}, {"status", classes[c]}};

        rc = lg_metrics_counter(m, LG_METRIC(INTAKE_REQUESTS_TOTAL), l, 2, &in->requests[api][c]);
    }
    return rc;
}

static double inflight_bytes(void *user)
{
    struct lg_intake *in = (struct lg_intake *)user;

    return (double)atomic_load_explicit(&in->inflight_bytes, memory_order_relaxed);
}

static int register_metrics(struct lg_intake *in)
{
    int rc = 0;

    if (in->d.metrics == NULL)
        return 0;
    for (int api = 0; rc == 0 && api < LG_INTAKE_API_COUNT; api++)
        rc = register_api(in, api);
    for (int r = 1; rc == 0 && r < LG_INTAKE_REASON_COUNT; r++) {
        const struct lg_metric_label l[] = {
                {"reason", lg_intake_reason_name((enum lg_intake_reason)r)}};

        rc = lg_metrics_counter(
                in->d.metrics, LG_METRIC(INTAKE_REFUSED_TOTAL), l, 1, &in->reasons[r]);
    }
    return rc < 0 ? rc
                  : lg_metrics_callback(in->d.metrics, LG_METRIC(INTAKE_INFLIGHT_BYTES), NULL, 0,
                            inflight_bytes, in);
}

void lg_intake_reload(struct lg_intake *in, const struct lg_config *cfg)
{
    const int64_t s = (cfg->intake.retry_after_ns + LG_NS_PER_SEC - 1) / LG_NS_PER_SEC;

    atomic_store(&in->retry_after_s, (unsigned)s);
}

unsigned lg_intake_retry_after(const struct lg_intake *in)
{
    return atomic_load(&in->retry_after_s);
}

int lg_intake_new(const struct lg_intake_deps *deps, struct lg_intake **ret, struct lg_err *reterr)
{
    struct lg_intake *in = (struct lg_intake *)lg_calloc(1, sizeof(*in));
    const struct lg_config *cfg = deps->config;
    int rc;

    if (in == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    in->d = *deps;
    in->topics = *deps->topics;
    in->config = *cfg;
    lg_intake_reload(in, cfg);
    if (lg_topic_of_source(lg_str_z(cfg->intake.splunk_source), &in->splunk_topic) < 0)
        rc = lg_err_set(reterr, LG_EINVAL, "intake.splunk_source: '%s' is no source",
                cfg->intake.splunk_source);
    else if (lg_topic_of_source(lg_str_z(cfg->syslog.source), &in->syslog_topic) < 0)
        rc = lg_err_set(reterr, LG_EINVAL, "syslog.source: '%s' is no source", cfg->syslog.source);
    else if (pthread_mutex_init(&in->lock, NULL) != 0)
        rc = lg_err_set(reterr, LG_ENOMEM, "out of memory");
    else if (register_metrics(in) < 0) {
        lg_intake_free(in);
        return lg_err_set(reterr, LG_ENOMEM, "metrics of the intake cannot be registered");
    } else {
        *ret = in;
        return 0;
    }
    lg_free(in);
    return rc;
}

static void work_free(struct lg_intake_work *w)
{
    lg_metrics_shard_free(w->shard);
    lg_json_free(w->doc);
    lg_json_free(w->action);
    lg_arena_done(&w->arena);
    lg_vec_done(&w->outs);
    lg_buf_done(&w->answer);
    lg_free(w);
}

void lg_intake_free(struct lg_intake *in)
{
    struct lg_intake_work *w;

    if (in == NULL)
        return;
    LG_ASSERT(atomic_load(&in->inflight_bytes) == 0);
    if (in->d.metrics != NULL &&
            lg_metrics_callback(
                    in->d.metrics, LG_METRIC(INTAKE_INFLIGHT_BYTES), NULL, 0, NULL, NULL) < 0)
        lg_log(LG_LOG_WARN, "intake", "a gauge stays behind", "reason=out_of_memory");
    while (in->pool != NULL) {
        w = in->pool;
        in->pool = w->next;
        work_free(w);
    }
    for (int api = 0; api < LG_INTAKE_API_COUNT; api++)
        lg_free(in->rows[api]);
    (void)pthread_mutex_destroy(&in->lock);
    lg_free(in);
}

/* ------------------------------------------------------------------ works */

static struct lg_intake_work *work_new(struct lg_intake *in)
{
    struct lg_intake_work *w = (struct lg_intake_work *)lg_calloc(1, sizeof(*w));
    int rc;

    if (w == NULL)
        return NULL;
    w->in = in;
    lg_arena_init(&w->arena, ARENA_BYTES);
    lg_buf_init(&w->answer, ANSWER_BYTES);
    rc = lg_json_new(&w->doc);
    if (rc == 0)
        rc = lg_json_new(&w->action);
    if (rc == 0 && in->d.metrics != NULL)
        rc = lg_metrics_shard_new(in->d.metrics, &w->shard);
    if (rc == 0)
        return w;
    work_free(w);
    return NULL;
}

struct lg_intake_work *lg_intake_work_take(struct lg_intake *in, enum lg_intake_api api)
{
    struct lg_intake_work *w;

    (void)pthread_mutex_lock(&in->lock);
    w = in->pool;
    if (w != NULL)
        in->pool = w->next;
    (void)pthread_mutex_unlock(&in->lock);
    if (w == NULL)
        w = work_new(in);
    if (w == NULL)
        return NULL;
    w->next = NULL;
    w->api = api;
    w->topic = LG_TOPIC_SYSMON;
    w->filter = (struct lg_es_filter){0};
    w->tenant = w->principal = w->time_shift = w->connection = w->index = (struct lg_str){0};
    w->accepted = w->refused = w->first_refused = 0;
    w->first_reason = LG_INTAKE_NONE;
    w->accepted_bytes = 0;
    w->inflight = 0;
    w->began_ns = lg_clock_monotonic();
    (void)snprintf(w->id_prefix, sizeof(w->id_prefix), "%" PRIx64,
            ((uint64_t)w->began_ns << 20) + atomic_fetch_add(&in->sequence, 1));
    return w;
}

static void forget(struct lg_intake_work *w)
{
    w->outs.n = 0;
    w->outs_bytes = 0;
    w->host_n = 0;
    w->key = (struct lg_str){0};
    w->headers = NULL;
    lg_arena_clear(&w->arena);
}

void lg_intake_work_give(struct lg_intake_work *w)
{
    struct lg_intake *in = w->in;

    forget(w);
    lg_buf_clear(&w->answer);
    if (w->arena.held_bytes > MAX_POOL_ARENA || w->answer.cap > MAX_POOL_ARENA ||
            w->outs.cap > 4 * CHUNK_RECORDS) { /* a rare giant must not stay */
        work_free(w);
        return;
    }
    (void)pthread_mutex_lock(&in->lock);
    w->next = in->pool;
    in->pool = w;
    (void)pthread_mutex_unlock(&in->lock);
}

struct lg_intake_reader lg_intake_reader_of(
        struct lg_intake_work *w, lg_intake_item_fn fn, void *user)
{
    return (struct lg_intake_reader){.doc = w->doc,
            .action = w->action,
            .max_item_bytes = w->in->config.intake.max_item_bytes,
            .max_items = MAX_ITEMS,
            .fn = fn,
            .user = user};
}

/* ------------------------------------------------------------------ storing */

/* Headers of records with this fallback name and topic; kept for the next record. */
static int headers_for(struct lg_intake_work *w, struct lg_str connection, enum lg_topic topic)
{
    struct lg_intake_headers *hs;
    struct lg_str endpoint;

    if (w->headers != NULL && w->headers_topic == topic &&
            lg_str_eq(w->headers_endpoint, connection))
        return 0;
    hs = (struct lg_intake_headers *)lg_arena_alloc(&w->arena, sizeof(*hs));
    if (hs == NULL || lg_arena_dup(&w->arena, connection, &endpoint) < 0)
        return LG_ENOMEM;
    hs->n = 0;
    hs->h[hs->n++] = (struct lg_bus_header){LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_RAW)};
    hs->h[hs->n++] = (struct lg_bus_header){LG_STR(LG_BUS_H_TENANT), w->tenant};
    hs->h[hs->n++] = (struct lg_bus_header){LG_STR(LG_BUS_H_PRINCIPAL), w->principal};
    hs->h[hs->n++] =
            (struct lg_bus_header){LG_STR(LG_BUS_H_SOURCE), lg_str_z(lg_topic_name(topic))};
    hs->h[hs->n++] = (struct lg_bus_header){LG_STR(LG_BUS_H_ENDPOINT), endpoint};
    if (w->time_shift.n > 0)
        hs->h[hs->n++] = (struct lg_bus_header){LG_STR(LG_BUS_H_TIME_SHIFT), w->time_shift};
    w->headers = hs;
    w->headers_endpoint = endpoint;
    w->headers_topic = topic;
    return 0;
}

static int key_for(struct lg_intake_work *w, struct lg_str host)
{
    char key[LG_INTAKE_KEY_BYTES];
    size_t n;

    if (w->key.n > 0 && lg_str_eq(host, lg_str_of(w->host, w->host_n)))
        return 0;
    n = lg_intake_key(
            w->tenant, host, w->in->config.identity.endpoint == LG_CONFIG_ENDPOINT_FQDN, key);
    if (lg_arena_dup(&w->arena, lg_str_of(key, n), &w->key) < 0)
        return LG_ENOMEM;
    w->host_n = host.n < sizeof(w->host) ? host.n : sizeof(w->host);
    if (w->host_n > 0)
        memcpy(w->host, host.p, w->host_n);
    return 0;
}

int lg_intake_store(struct lg_intake_work *w, const struct lg_intake_item *item,
        enum lg_topic topic, struct lg_str connection)
{
    const bool json = item->root.at != NULL;
    const struct lg_str inner = json ? lg_intake_unwrap(item->root) : (struct lg_str){0};
    struct lg_str value = item->value, host;
    bool stays = item->value_stays;
    int rc;

    host = json ? lg_intake_host(item->root) : lg_intake_text_host(value);
    if (inner.n > 0) { /* the wrapper's host is what the connection's name stands for */
        value = inner;
        stays = false;
        if (host.n > 0)
            connection = host;
        host = lg_intake_text_host(inner);
    }
    if (host.n == 0)
        host = connection;
    rc = key_for(w, lg_str_sub(host, 0, LG_MAX_HOSTNAME_BYTES));
    if (rc == 0)
        rc = headers_for(w, lg_str_sub(connection, 0, LG_MAX_HOSTNAME_BYTES), topic);
    if (rc == 0 && !stays)
        rc = lg_arena_dup(&w->arena, value, &value);
    if (rc == 0)
        rc = lg_vec_push(&w->outs,
                (struct lg_bus_output){.topic = w->in->topics.n[topic],
                        .partition = LG_BUS_BY_KEY,
                        .rec = {.key = w->key,
                                .value = value,
                                .headers = w->headers->h,
                                .n_headers = w->headers->n}});
    if (rc < 0)
        return rc;
    w->outs_bytes += value.n + w->key.n;
    w->accepted++;
    w->accepted_bytes += value.n;
    if (w->outs.n >= CHUNK_RECORDS || w->outs_bytes >= CHUNK_BYTES)
        rc = lg_intake_flush(w);
    return rc;
}

int lg_intake_flush(struct lg_intake_work *w)
{
    const struct lg_intake_deps *d = &w->in->d;
    struct lg_err err = {0};
    int rc = 0;

    if (w->outs.n > 0 && d->publish != NULL)
        rc = d->publish(d->user, w->outs.v, w->outs.n, &err);
    else if (w->outs.n > 0)
        rc = lg_bus_publish(d->bus, w->outs.v, w->outs.n, LG_BUS_DURABLE, &err);
    if (rc < 0 && !lg_bus_may_retry(rc))
        lg_log(LG_LOG_ERROR, "intake", "records cannot be stored", "error=%s detail=\"%s\"",
                lg_err_name(rc), err.text);
    forget(w);
    return rc < 0 ? rc : 0;
}

void lg_intake_refuse(struct lg_intake_work *w, const struct lg_intake_item *item)
{
    if (w->refused++ == 0) {
        w->first_refused = item->n;
        w->first_reason = item->reason;
    }
    lg_counter_add(w->shard, w->in->reasons[item->reason], 1);
}

/* ------------------------------------------------------------------ requests */

static int tenant_of(struct lg_http_req *req, struct lg_str *ret, const char **ret_why)
{
    const struct lg_principal *pr = lg_req_principal(req);
    const struct lg_str named = lg_req_str(req, "tenant");
    int rc;

    if (named.n > 0) {
        *ret = named;
        *ret_why = "the token may not send for this tenant";
        return lg_tenant_valid(named) && lg_access_allows(pr, LG_ACT_INGEST, named) ? 0
                                                                                    : LG_EREFUSED;
    }
    rc = lg_access_tenant_for(pr, LG_ACT_INGEST, ret);
    *ret_why = rc == LG_EINVAL ? "the token holds several tenants: name one with ?tenant="
                               : "the token may not send events";
    return rc;
}

static int time_shift_of(struct lg_http_req *req, struct lg_str *ret, const char **ret_why)
{
    const struct lg_str shift = lg_req_header(req, LG_INTAKE_TIME_SHIFT_HEADER);
    int64_t ns;

    if (shift.n == 0)
        return 0;
    *ret_why = "a time shift needs a token with the scope replay";
    if ((lg_principal_scopes(lg_req_principal(req)) & LG_SCOPE_REPLAY) == 0)
        return LG_EREFUSED;
    *ret_why = LG_INTAKE_TIME_SHIFT_HEADER " is not a number of nanoseconds";
    if (lg_parse_i64(shift, &ns) < 0)
        return LG_EINVAL;
    *ret = shift;
    return 0;
}

int lg_intake_begin(struct lg_intake *in, struct lg_http_req *req, enum lg_intake_api api,
        struct lg_intake_work **ret, const char **ret_why)
{
    const size_t bytes = lg_req_body(req).n;
    struct lg_intake_work *w;
    int rc;

    *ret_why = "too much is in flight";
    if (atomic_fetch_add(&in->inflight_bytes, bytes) + bytes >
            in->config.intake.max_inflight_bytes) {
        (void)atomic_fetch_sub(&in->inflight_bytes, bytes);
        return LG_ELIMIT;
    }
    w = lg_intake_work_take(in, api);
    if (w == NULL) {
        (void)atomic_fetch_sub(&in->inflight_bytes, bytes);
        *ret_why = "out of memory";
        return LG_ENOMEM;
    }
    w->inflight = bytes;
    rc = tenant_of(req, &w->tenant, ret_why);
    if (rc == 0)
        rc = time_shift_of(req, &w->time_shift, ret_why);
    if (rc < 0) {
        lg_intake_end(w, lg_intake_status(rc));
        return rc;
    }
    w->principal = lg_principal_id(lg_req_principal(req));
    w->connection = lg_req_str(req, "endpoint");
    if (w->connection.n == 0)
        w->connection = lg_req_peer(req)->address;
    *ret = w;
    return 0;
}

void lg_intake_end(struct lg_intake_work *w, int status)
{
    struct lg_intake *in = w->in;
    const int64_t took_ns = lg_clock_monotonic() - w->began_ns;

    lg_counter_add(w->shard, in->requests[w->api][status / 100 % 6], 1);
    lg_histogram_add(w->shard, in->seconds[w->api], (uint64_t)took_ns / 1000);
    if (status < 500 && status != 429) {
        lg_counter_add(w->shard, in->events[w->api], w->accepted);
        lg_counter_add(w->shard, in->bytes[w->api], w->accepted_bytes);
    }
    (void)atomic_fetch_sub(&in->inflight_bytes, w->inflight);
    lg_intake_work_give(w);
}

int lg_intake_status(int rc)
{
    switch (rc) {
    case 0:
        return 200;
    case LG_EREFUSED:
        return 403;
    case LG_EINVAL:
    case LG_EPARSE:
        return 400;
    case LG_ELIMIT:
        return 429;
    default: /* full, away, out of memory, broken: later perhaps */
        return 503;
    }
}

/* ------------------------------------------------------------------ POST /ingest/{source} */

struct ingest {
    struct lg_intake_work *w;
    struct lg_jw jw; /* the list of refused items, into w->answer */
};

static int on_item(void *user, const struct lg_intake_item *item)
{
    struct ingest *g = (struct ingest *)user;

    if (item->reason == LG_INTAKE_NONE)
        return lg_intake_store(g->w, item, g->w->topic, g->w->connection);
    lg_intake_refuse(g->w, item);
    if (g->w->refused > MAX_SHOWN)
        return 0;
    lg_jw_object(&g->jw);
    LG_JW_U64(&g->jw, "item", item->n);
    LG_JW_STR(&g->jw, "reason", lg_str_z(lg_intake_reason_name(item->reason)));
    lg_jw_object_end(&g->jw);
    return 0;
}

static int fail(struct lg_http_req *req, const struct lg_intake *in, int rc, const char *why)
{
    const int status = lg_intake_status(rc);

    if (status == 429)
        return lg_http_too_many(req, lg_intake_retry_after(in));
    if (status == 503)
        return lg_http_unavailable(req, lg_intake_retry_after(in), why);
    return lg_http_problem(req, status, status == 403 ? "forbidden" : "bad-request", "%s", why);
}

/* The source of the path, or a 404 that names what there is. */
static int source_of(struct lg_http_req *req, enum lg_topic *ret)
{
    return lg_topic_of_source(lg_req_str(req, "source"), ret);
}

static int answer_ingest(struct lg_http_req *req, const struct ingest *g, int *ret_status)
{
    const struct lg_intake_work *w = g->w;
    struct lg_buf *out = lg_http_out(req);
    struct lg_jw jw;

    *ret_status = w->accepted == 0 ? 422 : 200;
    if (w->accepted + w->refused == 0) {
        *ret_status = 400;
        return lg_http_problem(req, 400, "empty", "the body holds no events");
    }
    lg_jw_init(&jw, out);
    lg_jw_object(&jw);
    LG_JW_U64(&jw, "accepted", w->accepted);
    LG_JW_U64(&jw, "refused", w->refused);
    lg_jw_key(&jw, LG_STR("errors"));
    lg_jw_raw(&jw, lg_buf_str(&w->answer));
    lg_jw_object_end(&jw);
    if (w->answer.failed != 0)
        out->failed = w->answer.failed;
    return lg_http_send_json(req, *ret_status);
}

static int post_ingest(struct lg_http_req *req, void *ctx)
{
    struct lg_intake *in = (struct lg_intake *)ctx;
    const struct lg_str type = lg_req_content_type(req);
    const bool lines =
            !lg_str_eq(type, LG_STR("application/json")); /* else: values, in lines or not */
    struct ingest g = {0};
    struct lg_intake_reader r;
    const char *why = "the log is full or away for now";
    size_t line = 0;
    int rc, status;
    enum lg_topic topic;

    if (source_of(req, &topic) < 0)
        return lg_http_problem(req, 404, "unknown-source",
                "there is no source of this name; sysmon-logs, linux-auditd-logs and "
                "linux-ebpf-process-logs are some");
    rc = lg_intake_begin(in, req, LG_INTAKE_API_NDJSON, &g.w, &why);
    if (rc < 0)
        return fail(req, in, rc, why);
    why = "the log is full or away for now";
    g.w->topic = topic;
    lg_jw_init(&g.jw, &g.w->answer);
    lg_jw_array(&g.jw);
    r = lg_intake_reader_of(g.w, on_item, &g);
    rc = lg_intake_read_any(&r, lg_req_body(req), lines, &line);
    lg_jw_array_end(&g.jw);
    if (rc == LG_ELIMIT) {
        status = 413;
        rc = lg_http_problem(
                req, status, "too-many-items", "a request holds at most %d items", MAX_ITEMS);
    } else if (rc == LG_EPARSE) {
        status = 400;
        rc = lg_http_problem(req, status, "bad-action", "line %zu is no action", line);
    } else {
        if (rc == 0)
            rc = lg_intake_flush(g.w);
        status = lg_intake_status(rc);
        rc = rc < 0 ? fail(req, in, rc, why) : answer_ingest(req, &g, &status);
    }
    lg_intake_end(g.w, status);
    return rc;
}

/* ------------------------------------------------------------------ rows */

static const struct lg_schema schemas[] = {
        {"IngestResponse",
                "{\"type\":\"object\",\"required\":[\"accepted\",\"refused\",\"errors\"],"
                "\"additionalProperties\":false,\"properties\":{"
                "\"accepted\":{\"type\":\"integer\",\"minimum\":0,\"description\":\"items that are "
                "on the disk now\"},"
                "\"refused\":{\"type\":\"integer\",\"minimum\":0},"
                "\"errors\":{\"type\":\"array\",\"maxItems\":100,\"description\":\"the first 100 "
                "refused items\",\"items\":{\"type\":\"object\",\"required\":[\"item\",\"reason\"],"
                "\"additionalProperties\":false,\"properties\":{\"item\":{\"type\":\"integer\","
                "\"minimum\":0,\"description\":\"from 0, in the body\"},\"reason\":{\"type\":"
                "\"string\"}}}}}}"},
        {"IngestRequest", "{\"description\":\"one event a line, or a JSON array of events\"}"},
};

const struct lg_route lg_intake_rows[] = {
        {
                .method = LG_POST,
                .path = "/ingest/{source}",
                .operation = "ingest",
                .tag = "intake",
                .summary = "Send events",
                .doc = "Lines of JSON or text, a JSON array, or an Elasticsearch _bulk body; gzip "
                       "and zstd are taken. The answer comes when every accepted item is on the "
                       "disk; a request may be repeated without storing anything twice.",
                .action = LG_ACT_INGEST,
                .flags = LG_ROUTE_TENANT | LG_ROUTE_NO_LIMIT | LG_ROUTE_ANY_QUERY,
                .params =
                        (const struct lg_param[]){
                                {.name = "source",
                                        .in = LG_IN_PATH,
                                        .type = LG_PARAM_STRING,
                                        .max = 64,
                                        .doc = "a raw topic, or a name for one such as sysmon or "
                                               "auditd"},
                                {.name = "tenant",
                                        .in = LG_IN_QUERY,
                                        .type = LG_PARAM_STRING,
                                        .max = LG_MAX_TENANT_BYTES,
                                        .doc = "one of the token's tenants"},
                                {.name = "endpoint",
                                        .in = LG_IN_QUERY,
                                        .type = LG_PARAM_STRING,
                                        .max = LG_MAX_HOSTNAME_BYTES,
                                        .doc = "host of records that name none"},
                                {0}},
                .request = "IngestRequest",
                .request_types = "*",
                .responses = {{200, "IngestResponse", "What was taken and what was refused", NULL},
                        {422, "IngestResponse", "Every item was refused", NULL},
                        {404, NULL, NULL, NULL}, {429, NULL, NULL, NULL}},
                .handler = post_ingest,
        },
};
const size_t lg_intake_rows_n = sizeof(lg_intake_rows) / sizeof(*lg_intake_rows);

/* The rows with this configuration's largest body; they stay as long as the intake. */
static int add_rows(struct lg_intake *in, struct lg_router *rt, enum lg_intake_api api,
        const struct lg_route *rows, size_t n, struct lg_err *reterr)
{
    struct lg_route *own = (struct lg_route *)lg_calloc(n, sizeof(*own));

    if (own == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        own[i] = rows[i];
        own[i].max_body_bytes = in->config.intake.max_request_bytes;
    }
    LG_ASSERT(in->rows[api] == NULL);
    in->rows[api] = own;
    return lg_router_add(rt, own, n, in, reterr);
}

int lg_intake_attach(struct lg_intake *in, struct lg_router *rt, struct lg_err *reterr)
{
    int rc = lg_router_schemas(rt, schemas, sizeof(schemas) / sizeof(*schemas), reterr);

    if (rc == 0)
        rc = add_rows(in, rt, LG_INTAKE_API_NDJSON, lg_intake_rows, lg_intake_rows_n, reterr);
    if (rc == 0 && in->config.intake.elasticsearch)
        rc = add_rows(in, rt, LG_INTAKE_API_ES, lg_intake_es_rows, lg_intake_es_rows_n, reterr);
    if (rc == 0 && in->config.intake.splunk_hec)
        rc = add_rows(in, rt, LG_INTAKE_API_HEC, lg_intake_hec_rows, lg_intake_hec_rows_n, reterr);
    return rc;
}
