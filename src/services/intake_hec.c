/*
 * Splunk's HTTP event collector, as its public documentation has it: concatenated JSON events, raw
 * lines, health, and acknowledgements. An answer comes after the disk, so every id that was ever given
 * out is acknowledged at once. A batch with a bad event is answered 400 with the first one's number,
 * and the good ones are stored nevertheless: sent again, they are known by their ids.
 */
#include <inttypes.h>
#include <string.h>

#include "services/intake_int.h"

#define MAX_ACKS 10000

static int send(struct lg_http_req *req, int status, int code, const char *text)
{
    struct lg_jw w;

    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    LG_JW_STR(&w, "text", lg_str_z(text));
    LG_JW_U64(&w, "code", (uint64_t)code);
    lg_jw_object_end(&w);
    return lg_http_send_json(req, status);
}

static bool has_channel(const struct lg_http_req *req)
{
    return lg_req_header(req, "X-Splunk-Request-Channel").n > 0 || lg_req_str(req, "channel").n > 0;
}

static int send_success(struct lg_intake *in, struct lg_http_req *req)
{
    struct lg_jw w;

    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    LG_JW_STR(&w, "text", LG_STR("Success"));
    LG_JW_U64(&w, "code", 0);
    if (has_channel(req))
        LG_JW_U64(&w, "ackId", atomic_fetch_add(&in->ack_id, 1));
    lg_jw_object_end(&w);
    return lg_http_send_json(req, 200);
}

static int send_refused(struct lg_http_req *req, const struct lg_intake_work *w)
{
    struct lg_jw jw;
    const char *text = "Invalid data format";
    int code = 6;

    if (w->first_reason == LG_INTAKE_NO_EVENT) {
        text = "Event field is required";
        code = 12;
    } else if (w->first_reason == LG_INTAKE_BLANK_EVENT) {
        text = "Event field cannot be blank";
        code = 13;
    }
    lg_jw_init(&jw, lg_http_out(req));
    lg_jw_object(&jw);
    LG_JW_STR(&jw, "text", lg_str_z(text));
    LG_JW_U64(&jw, "code", (uint64_t)code);
    LG_JW_U64(&jw, "invalid-event-number", w->first_refused);
    LG_JW_STR(&jw, "reason", lg_str_z(lg_intake_reason_name(w->first_reason)));
    lg_jw_object_end(&jw);
    return lg_http_send_json(req, 400);
}

/* Splunk's codes for what cannot be done now or at all. */
static int send_failure(struct lg_intake *in, struct lg_http_req *req, int rc, int *ret_status)
{
    *ret_status = lg_intake_status(rc);
    if (*ret_status == 429 || *ret_status == 503) {
        lg_http_header(req, "Retry-After", "%u", lg_intake_retry_after(in));
        return send(req, *ret_status, 9, "Server is busy");
    }
    if (*ret_status == 403)
        return send(req, 403, 4, "Invalid token");
    return send(req, *ret_status, 6, "Invalid data format");
}

struct hec {
    struct lg_intake *in;
    struct lg_intake_work *w;
    struct lg_str host, sourcetype, source; /* of the query */
};

static int on_item(void *user, const struct lg_intake_item *item)
{
    struct hec *h = (struct hec *)user;
    const struct lg_str type = item->sourcetype.n > 0 ? item->sourcetype : h->sourcetype;
    const struct lg_str source = item->source.n > 0 ? item->source : h->source;
    const struct lg_str host = item->host.n > 0 ? item->host : h->host;
    enum lg_topic topic;

    if (item->reason != LG_INTAKE_NONE) {
        lg_intake_refuse(h->w, item);
        return 0;
    }
    topic = lg_intake_sourcetype_topic(
            type, source, lg_intake_topic(item->value, item->root, h->in->splunk_topic));
    return lg_intake_store(h->w, item, topic, host.n > 0 ? host : h->w->connection);
}

static int collect(struct lg_intake *in, struct lg_http_req *req,
        int (*read)(const struct lg_intake_reader *r, struct lg_str body))
{
    struct hec h = {.in = in,
            .host = lg_req_str(req, "host"),
            .sourcetype = lg_req_str(req, "sourcetype"),
            .source = lg_req_str(req, "source")};
    struct lg_intake_reader r;
    const char *why = "";
    int status = 200;
    int rc = lg_intake_begin(in, req, LG_INTAKE_API_HEC, &h.w, &why);

    if (rc < 0)
        return send_failure(in, req, rc, &status);
    r = lg_intake_reader_of(h.w, on_item, &h);
    rc = read(&r, lg_req_body(req));
    if (rc == LG_ELIMIT) {
        status = 413;
        rc = send(req, 413, 6, "Invalid data format");
    } else {
        if (rc == 0)
            rc = lg_intake_flush(h.w);
        if (rc < 0) {
            rc = send_failure(in, req, rc, &status);
        } else if (h.w->refused > 0) {
            status = 400;
            rc = send_refused(req, h.w);
        } else if (h.w->accepted == 0) {
            status = 400;
            rc = send(req, 400, 5, "No data");
        } else {
            rc = send_success(in, req);
        }
    }
    lg_intake_end(h.w, status);
    return rc;
}

static int post_event(struct lg_http_req *req, void *ctx)
{
    return collect((struct lg_intake *)ctx, req, lg_intake_read_hec);
}

static int post_raw(struct lg_http_req *req, void *ctx)
{
    return collect((struct lg_intake *)ctx, req, lg_intake_read_lines);
}

static int get_health(struct lg_http_req *req, void *ctx)
{
    (void)ctx;
    return send(req, 200, 17, "HEC is healthy");
}

/* {"acks":[0,1]} -> {"acks":{"0":true,"1":true}} */
static int post_ack(struct lg_http_req *req, void *ctx)
{
    struct lg_intake *in = (struct lg_intake *)ctx;
    struct lg_intake_work *w = lg_intake_work_take(in, LG_INTAKE_API_HEC);
    struct lg_buf *out = lg_http_out(req);
    struct lg_jval root, acks, id;
    struct lg_jiter it;
    size_t n = 0;
    int rc;

    if (w == NULL)
        return LG_ENOMEM;
    rc = lg_json_parse(w->doc, lg_req_body(req), true, &root, NULL);
    if (rc < 0 || !lg_jval_get(root, LG_STR("acks"), &acks) ||
            lg_jval_type(acks) != LG_JSON_ARRAY) {
        lg_intake_work_give(w);
        return send(req, 400, 6, "Invalid data format");
    }
    lg_buf_adds(out, LG_STR("{\"acks\":{"));
    it = lg_jiter_of(acks);
    while (n < MAX_ACKS && lg_jiter_item(&it, &id)) {
        const int64_t v = lg_jval_type(id) == LG_JSON_I64 ? lg_jval_i64(id) : -1;

        if (v < 0)
            continue;
        lg_buf_printf(out, "%s\"%" PRId64 "\":true", n++ > 0 ? "," : "", v);
    }
    lg_buf_adds(out, LG_STR("}}"));
    lg_intake_work_give(w);
    return lg_http_send_json(req, 200);
}

#define TEXT_PARAM(n)                                                                              \
    {                                                                                              \
        .name = (n), .in = LG_IN_QUERY, .type = LG_PARAM_STRING, .max = LG_MAX_HOSTNAME_BYTES      \
    }

static const struct lg_param params[] = {TEXT_PARAM("channel"), TEXT_PARAM("host"),
        TEXT_PARAM("sourcetype"), TEXT_PARAM("source"), TEXT_PARAM("tenant"),
        TEXT_PARAM("endpoint"), {0}};

#define FLAGS (LG_ROUTE_TENANT | LG_ROUTE_NO_LIMIT | LG_ROUTE_ANY_QUERY | LG_ROUTE_HIDDEN)
#define HEC_ROW(m, p, op, h)                                                                       \
    {                                                                                              \
        .method = (m), .path = (p), .operation = (op), .tag = "intake",                            \
        .summary = "As Splunk's HTTP event collector", .action = LG_ACT_INGEST, .flags = FLAGS,    \
        .params = params, .request_types = (m) == LG_GET ? NULL : "*", .body_optional = true,      \
        .responses = {{200, NULL, "As Splunk answers", NULL}}, .handler = (h)                      \
    }
#define HEALTH_ROW(p, op)                                                                          \
    {                                                                                              \
        .method = LG_GET, .path = (p), .operation = (op), .tag = "intake",                         \
        .summary = "As Splunk's HTTP event collector", .action = LG_ACT_PUBLIC,                    \
        .flags = LG_ROUTE_NO_LIMIT | LG_ROUTE_ANY_QUERY | LG_ROUTE_HIDDEN,                         \
        .responses = {{200, NULL, "As Splunk answers", NULL}}, .handler = get_health               \
    }

const struct lg_route lg_intake_hec_rows[] = {
        HEC_ROW(LG_POST, "/services/collector", "hecEvent", post_event),
        HEC_ROW(LG_POST, "/services/collector/event", "hecEvent2", post_event),
        HEC_ROW(LG_POST, "/services/collector/event/1.0", "hecEvent3", post_event),
        HEC_ROW(LG_POST, "/services/collector/raw", "hecRaw", post_raw),
        HEC_ROW(LG_POST, "/services/collector/raw/1.0", "hecRaw2", post_raw),
        HEC_ROW(LG_POST, "/services/collector/ack", "hecAck", post_ack),
        HEALTH_ROW("/services/collector/health", "hecHealth"),
        HEALTH_ROW("/services/collector/health/1.0", "hecHealth2"),
};
const size_t lg_intake_hec_rows_n = sizeof(lg_intake_hec_rows) / sizeof(*lg_intake_hec_rows);
