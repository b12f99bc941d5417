/* The Elasticsearch façade's routes: what intake_es.c answers, and _bulk into the log. */
#include <stdio.h>
#include <string.h>

#include "services/intake_int.h"

struct es {
    struct lg_intake *in;
    struct lg_http_req *req;
    struct lg_es_request er;
    struct lg_intake_work *w;
};

/* As Elasticsearch does: the versioned type to whom asked for it. */
static const char *media_type(const struct lg_http_req *req)
{
    const struct lg_str accept = lg_req_header(req, "Accept");

    if (lg_str_ifind(accept, LG_STR("application/vnd.elasticsearch+json")) < 0)
        return LG_HTTP_JSON;
    if (lg_str_ifind(accept, LG_STR("compatible-with=7")) >= 0)
        return "application/vnd.elasticsearch+json;compatible-with=7";
    if (lg_str_ifind(accept, LG_STR("compatible-with=9")) >= 0)
        return "application/vnd.elasticsearch+json;compatible-with=9";
    return "application/vnd.elasticsearch+json;compatible-with=8";
}

static int send(struct lg_http_req *req, int status, bool text)
{
    lg_http_header(req, "X-Elastic-Product", "%s", "Elasticsearch");
    return lg_http_send(req, status, text ? LG_HTTP_TEXT : media_type(req));
}

static int send_error(const struct es *e, int status, const char *type, const char *reason)
{
    if (status == 429 || status == 503)
        lg_http_header(e->req, "Retry-After", "%u", lg_intake_retry_after(e->in));
    lg_es_error(lg_http_out(e->req), status, type, reason);
    return send(e->req, status, false);
}

static int send_failure(const struct es *e, int rc, const char *why)
{
    const int status = lg_intake_status(rc);

    return send_error(e, status,
            status == 429           ? "es_rejected_execution_exception"
                    : status == 503 ? "unavailable_shards_exception"
                    : status == 403 ? "security_exception"
                                    : "illegal_argument_exception",
            why);
}

#define BRIEF_BYTES ((size_t)8 << 20) /* past it, an answer's items tell only their status */

static int on_item(void *user, const struct lg_intake_item *item)
{
    struct es *e = (struct es *)user;
    int rc = 0;

    if (item->reason == LG_INTAKE_NONE)
        rc = lg_intake_store(e->w, item, e->w->topic, e->w->connection);
    else
        lg_intake_refuse(e->w, item);
    if (e->w->answer.n > BRIEF_BYTES)
        e->w->filter.details = false;
    if (rc == 0)
        lg_es_bulk_item(&e->w->jw, item, e->w->filter, lg_str_z(e->w->id_prefix),
                e->in->config.intake.max_item_bytes);
    return rc < 0 ? rc : 0;
}

static int send_bulk(struct es *e)
{
    const struct lg_intake_work *w = e->w;
    struct lg_buf *out = lg_http_out(e->req);
    struct lg_jw jw;

    lg_jw_init(&jw, out);
    lg_jw_object(&jw);
    if (w->filter.took)
        LG_JW_U64(&jw, "took", 1);
    if (w->filter.errors)
        LG_JW_BOOL(&jw, "errors", w->refused > 0);
    if (w->filter.items) {
        lg_jw_key(&jw, LG_STR("items"));
        lg_jw_raw(&jw, lg_buf_str(&w->answer));
    }
    lg_jw_object_end(&jw);
    if (w->answer.failed != 0)
        out->failed = w->answer.failed;
    return send(e->req, 200, false);
}

static int bulk(struct es *e, int *ret_status)
{
    struct lg_intake_work *w = e->w;
    struct lg_intake_reader r = lg_intake_reader_of(w, on_item, e);
    char text[80];
    size_t line = 0;
    int rc;

    w->filter = lg_es_filter_of(lg_req_str(e->req, "filter_path"));
    lg_jw_init(&w->jw, &w->answer);
    lg_jw_array(&w->jw);
    rc = lg_intake_read_bulk(&r, lg_req_body(e->req), e->er.index, &line);
    lg_jw_array_end(&w->jw);
    if (rc == 0)
        rc = lg_intake_flush(w);
    *ret_status = lg_intake_status(rc);
    if (rc == LG_ELIMIT) {
        *ret_status = 413;
        return send_error(e, 413, "illegal_argument_exception", "too many items in one request");
    }
    if (rc == LG_EPARSE) {
        (void)snprintf(text, sizeof(text), "Malformed action/metadata line [%zu]", line);
        return send_error(e, 400, "illegal_argument_exception", text);
    }
    if (rc < 0)
        return send_failure(e, rc, "the log is full or away for now");
    if (w->accepted + w->refused == 0) {
        *ret_status = 400;
        return send_error(e, 400, "parse_exception", "request body is required");
    }
    return send_bulk(e);
}

static int on_document(void *user, const struct lg_intake_item *item)
{
    struct es *e = (struct es *)user;
    struct lg_intake_item named = *item;
    int rc = 0;

    named.index = e->er.index;
    named.id = e->er.id;
    if (item->n > 0) /* a second value: the body is not one document */
        return LG_EPARSE;
    if (item->reason == LG_INTAKE_NONE)
        rc = lg_intake_store(e->w, &named, e->w->topic, e->w->connection);
    else
        lg_intake_refuse(e->w, &named);
    lg_es_document(&e->w->answer, &named, lg_str_z(e->w->id_prefix));
    return rc < 0 ? rc : 0;
}

static int document(struct es *e, int *ret_status)
{
    struct lg_intake_reader r = lg_intake_reader_of(e->w, on_document, e);
    int rc = lg_intake_read_values(&r, lg_req_body(e->req));

    if (rc == 0 && (e->w->refused > 0 || e->w->accepted == 0))
        rc = LG_EPARSE;
    if (rc == 0)
        rc = lg_intake_flush(e->w);
    *ret_status = rc == 0                               ? 201
            : e->w->first_reason == LG_INTAKE_OVERSIZED ? 413
                                                        : lg_intake_status(rc);
    if (*ret_status == 400 || *ret_status == 413)
        return send_error(e, *ret_status, "document_parsing_exception",
                e->w->refused > 0 ? lg_intake_reason_name(e->w->first_reason)
                                  : "the body is not one JSON object");
    if (rc < 0)
        return send_failure(e, rc, "the log is full or away for now");
    lg_buf_adds(lg_http_out(e->req), lg_buf_str(&e->w->answer));
    return send(e->req, 201, false);
}

static int store(struct es *e, enum lg_es_call call, enum lg_topic topic)
{
    const char *why = "";
    int status = 500;
    int rc = lg_intake_begin(e->in, e->req, LG_INTAKE_API_ES, &e->w, &why);

    if (rc < 0)
        return send_failure(e, rc, why);
    e->w->topic = topic;
    rc = call == LG_ES_BULK ? bulk(e, &status) : document(e, &status);
    lg_intake_end(e->w, status);
    return rc;
}

static int handle(struct lg_http_req *req, void *ctx, struct lg_str rest)
{
    struct lg_intake *in = (struct lg_intake *)ctx;
    struct es e = {.in = in,
            .req = req,
            .er = {.method = lg_req_method(req),
                    .head = lg_req_is_head(req),
                    .rest = rest,
                    .version = lg_str_z(in->config.intake.elasticsearch_version)}};
    enum lg_es_call call;
    enum lg_topic topic;
    bool text = false;
    int status;

    if (lg_topic_of_source(lg_req_str(req, "source"), &topic) < 0)
        return send_error(&e, 404, "index_not_found_exception", "no such source");
    call = lg_es_route(&e.er);
    if (call != LG_ES_ANSWER)
        return store(&e, call, topic);
    status = lg_es_answer(&e.er, lg_http_out(req), &text);
    return send(req, status, text);
}

static int with_rest(struct lg_http_req *req, void *ctx)
{
    return handle(req, ctx, lg_req_str(req, "rest"));
}

static int without_rest(struct lg_http_req *req, void *ctx)
{
    return handle(req, ctx, (struct lg_str){0});
}

#define SOURCE                                                                                     \
    {                                                                                              \
        .name = "source", .in = LG_IN_PATH, .type = LG_PARAM_STRING, .max = 64                     \
    }
#define REST                                                                                       \
    {                                                                                              \
        .name = "rest", .in = LG_IN_PATH, .type = LG_PARAM_STRING, .max = 1024                     \
    }
#define QUERY                                                                                      \
    {.name = "filter_path", .in = LG_IN_QUERY, .type = LG_PARAM_STRING, .max = 4096},              \
            {.name = "tenant",                                                                     \
                    .in = LG_IN_QUERY,                                                             \
                    .type = LG_PARAM_STRING,                                                       \
                    .max = LG_MAX_TENANT_BYTES},                                                   \
    {                                                                                              \
        .name = "endpoint", .in = LG_IN_QUERY, .type = LG_PARAM_STRING,                            \
        .max = LG_MAX_HOSTNAME_BYTES                                                               \
    }

static const struct lg_param params_source[] = {SOURCE, {0}};
static const struct lg_param params_rest[] = {SOURCE, REST, QUERY, {0}};

#define FLAGS (LG_ROUTE_TENANT | LG_ROUTE_NO_LIMIT | LG_ROUTE_ANY_QUERY | LG_ROUTE_HIDDEN)
#define ES_ROW(m, p, op, ps, h)                                                                    \
    {                                                                                              \
        .method = (m), .path = (p), .operation = (op), .tag = "intake",                            \
        .summary = "As Elasticsearch answers", .action = LG_ACT_INGEST, .flags = FLAGS,            \
        .params = (ps), .request_types = (m) == LG_GET ? NULL : "*", .body_optional = true,        \
        .responses = {{200, NULL, "As Elasticsearch answers", NULL}}, .handler = (h)               \
    }

const struct lg_route lg_intake_es_rows[] = {
        ES_ROW(LG_GET, "/ingest/{source}", "esInfo", params_source, without_rest),
        ES_ROW(LG_GET, "/ingest/{source}/{rest...}", "esGet", params_rest, with_rest),
        ES_ROW(LG_POST, "/ingest/{source}/{rest...}", "esPost", params_rest, with_rest),
        ES_ROW(LG_PUT, "/ingest/{source}/{rest...}", "esPut", params_rest, with_rest),
};
const size_t lg_intake_es_rows_n = sizeof(lg_intake_es_rows) / sizeof(*lg_intake_es_rows);
