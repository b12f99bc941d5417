/*
 * What Elasticsearch clients ask before they ship, and what they read in the answers. Not a database:
 * templates, policies and pipelines are said to be there, and what is put is acknowledged and
 * forgotten; reading and searching are refused.
 *
 * After the public sources of: libbeat 7 and 8 (eslegclient: GET /, bulk with filter_path; licenser:
 * GET /_license; ilm and lifecycle: GET and PUT /_ilm/policy; template: HEAD /_index_template,
 * /_data_stream, in 7 also GET /_xpack and HEAD /_alias), elasticsearch-py and -js (product check by
 * the X-Elastic-Product header, in 7 by version, build_flavor and tagline), rsyslog's
 * omelasticsearch (HEAD or GET /_cat/health, _bulk), fluent-bit's out_es (_bulk alone), Logstash and
 * Vector (GET /, /_license, /_cluster/health).
 */
#include <stdio.h>

#include "services/intake_int.h"

#define CLUSTER_UUID "bG9nc3Rlci1pbnRha2UtMQ" /* any fixed text of 22 characters */

static struct lg_str take_segment(struct lg_str *rest)
{
    struct lg_str part = {0};

    while (rest->n > 0 && part.n == 0)
        (void)lg_str_split(rest, '/', &part);
    return part;
}

enum lg_es_call lg_es_route(struct lg_es_request *req)
{
    struct lg_str rest = req->rest;
    const struct lg_str a = take_segment(&rest), b = take_segment(&rest), c = take_segment(&rest);
    const bool writes = req->method == LG_POST || req->method == LG_PUT;
    const bool more = take_segment(&rest).n > 0;

    if (!writes || more || a.n == 0)
        return LG_ES_ANSWER;
    if (lg_str_eq(a, LG_STR("_bulk")) && b.n == 0)
        return LG_ES_BULK;
    if (a.p[0] == '_')
        return LG_ES_ANSWER;
    req->index = lg_str_sub(a, 0, 255); /* Elasticsearch's limit */
    if ((lg_str_eq(b, LG_STR("_bulk")) && c.n == 0) || lg_str_eq(c, LG_STR("_bulk")))
        return LG_ES_BULK; /* index/_bulk, index/type/_bulk */
    req->id = lg_str_sub(c, 0, 512);
    req->op = lg_str_eq(b, LG_STR("_create")) ? LG_INTAKE_CREATE : LG_INTAKE_INDEX;
    if (req->op == LG_INTAKE_CREATE)
        return c.n > 0 ? LG_ES_DOCUMENT : LG_ES_ANSWER;
    /* index/_doc, index/_doc/id, and index/type of the old ones */
    if (lg_str_eq(b, LG_STR("_doc")) || (b.n > 0 && b.p[0] != '_'))
        return req->method == LG_POST || c.n > 0 ? LG_ES_DOCUMENT : LG_ES_ANSWER;
    return LG_ES_ANSWER;
}

void lg_es_error(struct lg_buf *out, int status, const char *type, const char *reason)
{
    struct lg_jw w;

    lg_jw_init(&w, out);
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("error"));
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("root_cause"));
    lg_jw_array(&w);
    lg_jw_object(&w);
    LG_JW_STR(&w, "type", lg_str_z(type));
    LG_JW_STR(&w, "reason", lg_str_z(reason));
    lg_jw_object_end(&w);
    lg_jw_array_end(&w);
    LG_JW_STR(&w, "type", lg_str_z(type));
    LG_JW_STR(&w, "reason", lg_str_z(reason));
    lg_jw_object_end(&w);
    LG_JW_U64(&w, "status", (uint64_t)status);
    lg_jw_object_end(&w);
}

/* ------------------------------------------------------------------ answers */

struct answer {
    const struct lg_es_request *req;
    struct lg_str name; /* what stands behind the first segment */
    struct lg_jw *w;
    struct lg_buf *out;
    bool text;
};

static int info(struct answer *a)
{
    struct lg_jw *w = a->w;

    lg_jw_object(w);
    LG_JW_STR(w, "name", LG_STR("logster"));
    LG_JW_STR(w, "cluster_name", LG_STR("logster"));
    LG_JW_STR(w, "cluster_uuid", LG_STR(CLUSTER_UUID));
    lg_jw_key(w, LG_STR("version"));
    lg_jw_object(w);
    LG_JW_STR(w, "number", a->req->version);
    LG_JW_STR(w, "build_flavor", LG_STR("default"));
    LG_JW_STR(w, "build_type", LG_STR("deb"));
    LG_JW_STR(w, "build_hash", LG_STR("0000000000000000000000000000000000000000"));
    LG_JW_STR(w, "build_date", LG_STR("2025-01-01T00:00:00.000Z"));
    LG_JW_BOOL(w, "build_snapshot", false);
    LG_JW_STR(w, "lucene_version", LG_STR("9.12.0"));
    LG_JW_STR(w, "minimum_wire_compatibility_version", LG_STR("7.17.0"));
    LG_JW_STR(w, "minimum_index_compatibility_version", LG_STR("7.0.0"));
    lg_jw_object_end(w);
    LG_JW_STR(w, "tagline", LG_STR("You Know, for Search"));
    lg_jw_object_end(w);
    return 200;
}

static int license(struct answer *a)
{
    lg_buf_adds(a->out,
            LG_STR("{\"license\":{\"status\":\"active\",\"uid\":\"00000000-0000-4000-8000-"
                   "000000000000\",\"type\":\"basic\",\"issue_date_in_millis\":1735689600000,"
                   "\"max_nodes\":1000,\"issued_to\":\"logster\",\"issuer\":\"logster\","
                   "\"start_date_in_millis\":-1}}"));
    return 200;
}

static int xpack(struct answer *a)
{
    lg_buf_adds(a->out,
            LG_STR("{\"build\":{\"hash\":\"0000000\",\"date\":\"2025-01-01T00:00:00.000Z\"},"
                   "\"license\":{\"uid\":\"00000000-0000-4000-8000-000000000000\",\"type\":"
                   "\"basic\","
                   "\"mode\":\"basic\",\"status\":\"active\"},\"features\":{"
                   "\"data_streams\":{\"available\":true,\"enabled\":true},"
                   "\"ilm\":{\"available\":true,\"enabled\":true},"
                   "\"ml\":{\"available\":false,\"enabled\":false},"
                   "\"monitoring\":{\"available\":false,\"enabled\":false},"
                   "\"security\":{\"available\":true,\"enabled\":true}},"
                   "\"tagline\":\"You know, for X\"}"));
    return 200;
}

static int cluster(struct answer *a)
{
    if (lg_str_starts(a->name, LG_STR("settings"))) {
        lg_buf_adds(a->out, LG_STR("{\"persistent\":{},\"transient\":{},\"defaults\":{}}"));
        return 200;
    }
    if (a->name.n > 0 && !lg_str_starts(a->name, LG_STR("health"))) {
        lg_es_error(a->out, 404, "resource_not_found_exception", "not offered here");
        return 404;
    }
    lg_buf_adds(a->out,
            LG_STR("{\"cluster_name\":\"logster\",\"status\":\"green\",\"timed_out\":false,"
                   "\"number_of_nodes\":1,\"number_of_data_nodes\":1,\"active_primary_shards\":1,"
                   "\"active_shards\":1,\"relocating_shards\":0,\"initializing_shards\":0,"
                   "\"unassigned_shards\":0,\"delayed_unassigned_shards\":0,"
                   "\"number_of_pending_tasks\":0,\"number_of_in_flight_fetch\":0,"
                   "\"task_max_waiting_in_queue_millis\":0,"
                   "\"active_shards_percent_as_number\":100.0}"));
    return 200;
}

static int cat(struct answer *a)
{
    a->text = true;
    if (lg_str_starts(a->name, LG_STR("health")))
        lg_buf_adds(
                a->out, LG_STR("1735689600 00:00:00 logster green 1 1 1 1 0 0 0 0 0 - 100.0%\n"));
    return 200;
}

/* A client that replaced our address by a node's would lose the path that it must send to. */
static int nodes(struct answer *a)
{
    lg_es_error(a->out, 404, "resource_not_found_exception",
            "there are no nodes to discover behind this path: switch sniffing off");
    return 404;
}

static int template(struct answer *a)
{
    struct lg_jw *w = a->w;

    lg_jw_object(w);
    lg_jw_key(w, LG_STR("index_templates"));
    lg_jw_array(w);
    lg_jw_object(w);
    LG_JW_STR(w, "name", a->name);
    lg_jw_key(w, LG_STR("index_template"));
    lg_jw_raw(w, LG_STR("{\"index_patterns\":[],\"composed_of\":[],\"data_stream\":{}}"));
    lg_jw_object_end(w);
    lg_jw_array_end(w);
    lg_jw_object_end(w);
    return 200;
}

static int component(struct answer *a)
{
    struct lg_jw *w = a->w;

    lg_jw_object(w);
    lg_jw_key(w, LG_STR("component_templates"));
    lg_jw_array(w);
    lg_jw_object(w);
    LG_JW_STR(w, "name", a->name);
    lg_jw_key(w, LG_STR("component_template"));
    lg_jw_raw(w, LG_STR("{\"template\":{}}"));
    lg_jw_object_end(w);
    lg_jw_array_end(w);
    lg_jw_object_end(w);
    return 200;
}

static int data_stream(struct answer *a)
{
    struct lg_jw *w = a->w;

    lg_jw_object(w);
    lg_jw_key(w, LG_STR("data_streams"));
    lg_jw_array(w);
    lg_jw_object(w);
    LG_JW_STR(w, "name", a->name);
    lg_jw_key(w, LG_STR("timestamp_field"));
    lg_jw_raw(w, LG_STR("{\"name\":\"@timestamp\"}"));
    lg_jw_key(w, LG_STR("indices"));
    lg_jw_raw(w, LG_STR("[]"));
    LG_JW_U64(w, "generation", 1);
    LG_JW_STR(w, "status", LG_STR("GREEN"));
    LG_JW_STR(w, "template", a->name);
    lg_jw_object_end(w);
    lg_jw_array_end(w);
    lg_jw_object_end(w);
    return 200;
}

/* {"NAME": what every such thing looks like} */
static int named(struct answer *a, struct lg_str what)
{
    lg_buf_addc(a->out, '{');
    if (a->name.n > 0) {
        lg_buf_addc(a->out, '"');
        lg_json_escape(a->out, a->name);
        lg_buf_adds(a->out, LG_STR("\":"));
        lg_buf_adds(a->out, what);
    }
    lg_buf_addc(a->out, '}');
    return 200;
}

static int policy(struct answer *a)
{
    const ptrdiff_t slash = lg_str_chr(a->name, '/');

    a->name = lg_str_sub(a->name, slash < 0 ? a->name.n : (size_t)slash + 1, a->name.n);
    return named(a, LG_STR("{\"version\":1,\"policy\":{\"phases\":{}}}"));
}

static int pipeline(struct answer *a)
{
    const ptrdiff_t slash = lg_str_chr(a->name, '/');

    a->name = lg_str_sub(a->name, slash < 0 ? a->name.n : (size_t)slash + 1, a->name.n);
    return named(a, LG_STR("{\"processors\":[]}"));
}

static int alias(struct answer *a)
{
    return named(a, LG_STR("{\"aliases\":{}}"));
}

static int old_template(struct answer *a)
{
    return named(a,
            LG_STR("{\"order\":1,\"index_patterns\":[],\"settings\":{},\"mappings\":{},"
                   "\"aliases\":{}}"));
}

static const struct {
    struct lg_str segment;
    int (*read)(struct answer *a); /* GET, HEAD */
    bool put;                      /* PUT and POST are acknowledged */
} calls[] = {
        {{"_license", 8}, license, false},
        {{"_xpack", 6}, xpack, false},
        {{"_cluster", 8}, cluster, false},
        {{"_cat", 4}, cat, false},
        {{"_nodes", 6}, nodes, false},
        {{"_index_template", 15}, template, true},
        {{"_component_template", 19}, component, true},
        {{"_template", 9}, old_template, true},
        {{"_data_stream", 12}, data_stream, true},
        {{"_ilm", 4}, policy, true},
        {{"_ingest", 7}, pipeline, true},
        {{"_alias", 6}, alias, true},
        {{"_aliases", 8}, alias, true},
};

static int refuse(struct answer *a)
{
    lg_es_error(a->out, 400, "illegal_argument_exception",
            "not offered here: events are only taken in; the REST API answers questions");
    return 400;
}

/* A path that begins with an index. */
static int index_call(struct answer *a, struct lg_str index, bool writes)
{
    if (a->name.n > 0 && a->name.p[0] == '_' && !lg_str_eq(a->name, LG_STR("_refresh")) &&
            !lg_str_starts(a->name, LG_STR("_mapping")) &&
            !lg_str_starts(a->name, LG_STR("_settings")))
        return refuse(a);
    if (writes) {
        lg_jw_object(a->w);
        LG_JW_BOOL(a->w, "acknowledged", true);
        LG_JW_BOOL(a->w, "shards_acknowledged", true);
        LG_JW_STR(a->w, "index", index);
        lg_jw_object_end(a->w);
        return 200;
    }
    a->name = index;
    return named(a, LG_STR("{\"aliases\":{},\"mappings\":{},\"settings\":{}}"));
}

int lg_es_answer(const struct lg_es_request *req, struct lg_buf *out, bool *ret_text)
{
    const bool writes = req->method != LG_GET;
    struct lg_str rest = req->rest;
    const struct lg_str first = take_segment(&rest);
    struct lg_jw w;
    struct answer a = {.req = req, .name = rest, .w = &w, .out = out};
    int status = -1;

    lg_jw_init(&w, out);
    while (a.name.n > 0 && a.name.p[a.name.n - 1] == '/')
        a.name.n--;
    if (first.n == 0)
        status = writes ? refuse(&a) : info(&a);
    for (size_t i = 0; status < 0 && i < sizeof(calls) / sizeof(*calls); i++) {
        if (!lg_str_eq(first, calls[i].segment))
            continue;
        if (!writes)
            status = calls[i].read(&a);
        else if (!calls[i].put)
            status = refuse(&a);
        else
            lg_buf_adds(out, LG_STR("{\"acknowledged\":true}")), status = 200;
    }
    if (status < 0)
        status = first.p[0] == '_' ? refuse(&a) : index_call(&a, first, writes);
    *ret_text = a.text;
    return status;
}

/* ------------------------------------------------------------------ _bulk answers */

struct lg_es_filter lg_es_filter_of(struct lg_str filter_path)
{
    struct lg_es_filter f = {0};
    struct lg_str rest = filter_path, part;

    if (filter_path.n == 0 || lg_str_chr(filter_path, '-') == 0) /* all, or all but some */
        return (struct lg_es_filter){true, true, true, true};
    while (lg_str_split(&rest, ',', &part)) {
        part = lg_str_trim(part);
        if (lg_str_eq(part, LG_STR("took")))
            f.took = true;
        else if (lg_str_eq(part, LG_STR("errors")))
            f.errors = true;
        else if (lg_str_starts(part, LG_STR("items"))) {
            f.items = true;
            f.details = f.details ||
                    (!lg_str_ends(part, LG_STR(".status")) &&
                            !lg_str_ends(part, LG_STR(".error")) &&
                            !lg_str_starts(part, LG_STR("items.*.error")));
        } else if (lg_str_chr(part, '*') >= 0) {
            return (struct lg_es_filter){true, true, true, true};
        }
    }
    return f;
}

static void item_error(struct lg_jw *w, const struct lg_intake_item *item, size_t max_item_bytes)
{
    char reason[160];
    const char *type = "illegal_argument_exception";
    size_t n = 0;

    switch (item->reason) {
    case LG_INTAKE_OVERSIZED:
        n = (size_t)snprintf(
                reason, sizeof(reason), "oversized: larger than %zu bytes", max_item_bytes);
        break;
    case LG_INTAKE_UNSUPPORTED_ACTION:
        n = (size_t)snprintf(reason, sizeof(reason),
                "unsupported_action: events are write-once, only index and create are");
        break;
    default:
        type = "document_parsing_exception";
        n = (size_t)snprintf(
                reason, sizeof(reason), "failed to parse: %s", lg_intake_reason_name(item->reason));
    }
    lg_jw_key(w, LG_STR("error"));
    lg_jw_object(w);
    LG_JW_STR(w, "type", lg_str_z(type));
    LG_JW_STR(w, "reason", lg_str_of(reason, n));
    lg_jw_object_end(w);
}

/* The document's id: its own, else one made of the request's number and the item's. */
static void item_id(struct lg_jw *w, const struct lg_intake_item *item, struct lg_str id_prefix)
{
    char id[64];
    int n;

    if (item->id.n > 0) {
        LG_JW_STR(w, "_id", item->id);
        return;
    }
    n = snprintf(id, sizeof(id), "%.*s-%zu", (int)(id_prefix.n > 30 ? 30 : id_prefix.n),
            id_prefix.p, item->n);
    LG_JW_STR(w, "_id", lg_str_of(id, (size_t)n));
}

static void item_members(
        struct lg_jw *w, const struct lg_intake_item *item, struct lg_str id_prefix)
{
    LG_JW_STR(w, "_index", item->index.n > 0 ? item->index : LG_STR("logster"));
    item_id(w, item, id_prefix);
    if (item->reason != LG_INTAKE_NONE)
        return;
    LG_JW_U64(w, "_version", 1);
    LG_JW_STR(w, "result", LG_STR("created"));
    lg_jw_key(w, LG_STR("_shards"));
    lg_jw_raw(w, LG_STR("{\"total\":1,\"successful\":1,\"failed\":0}"));
    LG_JW_U64(w, "_seq_no", item->n);
    LG_JW_U64(w, "_primary_term", 1);
}

void lg_es_bulk_item(struct lg_jw *w, const struct lg_intake_item *item, struct lg_es_filter f,
        struct lg_str id_prefix, size_t max_item_bytes)
{
    const int status = item->reason == LG_INTAKE_NONE ? 201 : lg_intake_reason_status(item->reason);

    if (!f.items)
        return;
    lg_jw_object(w);
    lg_jw_key(w, lg_str_z(lg_intake_op_name(item->op)));
    lg_jw_object(w);
    if (f.details)
        item_members(w, item, id_prefix);
    LG_JW_U64(w, "status", (uint64_t)status);
    if (item->reason != LG_INTAKE_NONE)
        item_error(w, item, max_item_bytes);
    lg_jw_object_end(w);
    lg_jw_object_end(w);
}

void lg_es_document(struct lg_buf *out, const struct lg_intake_item *item, struct lg_str id_prefix)
{
    struct lg_jw w;

    lg_jw_init(&w, out);
    lg_jw_object(&w);
    item_members(&w, item, id_prefix);
    lg_jw_object_end(&w);
}
