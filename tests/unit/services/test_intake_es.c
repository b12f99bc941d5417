/* What Elasticsearch clients are told. */
#include "lg_test.h"

#include "services/intake_int.h"
#include "json/json.h"

static char answer[8192];
static bool text;

static int ask_as(enum lg_http_method method, const char *rest)
{
    struct lg_es_request req = {
            .method = method, .rest = lg_str_z(rest), .version = LG_STR("8.19.0")};
    struct lg_buf out;
    int status;

    assert_int_equal(lg_es_route(&req), LG_ES_ANSWER);
    lg_buf_init(&out, sizeof(answer));
    status = lg_es_answer(&req, &out, &text);
    assert_int_equal(out.failed, 0);
    (void)snprintf(answer, sizeof(answer), "%.*s", (int)out.n, out.n > 0 ? out.p : "");
    lg_buf_done(&out);
    return status;
}

/* The member at a dotted path of the last answer, as text. */
static const char *at(const char *path)
{
    static char value[256];
    struct lg_json *j = NULL;
    struct lg_jval root, v;

    assert_int_equal(lg_json_new(&j), 0);
    if (lg_json_parse(j, lg_str_z(answer), false, &root, NULL) < 0)
        fail_msg("no JSON: %s", answer);
    if (!lg_jval_path(root, path, &v))
        fail_msg("no %s in %s", path, answer);
    if (lg_jval_type(v) == LG_JSON_STRING)
        (void)snprintf(value, sizeof(value), "%.*s", LG_STR_FMT(lg_jval_str(v)));
    else if (lg_jval_type(v) == LG_JSON_BOOL)
        (void)snprintf(value, sizeof(value), "%s", lg_jval_bool(v) ? "true" : "false");
    else if (lg_jval_type(v) == LG_JSON_I64)
        (void)snprintf(value, sizeof(value), "%lld", (long long)lg_jval_i64(v));
    else
        (void)snprintf(value, sizeof(value), "(container)");
    lg_json_free(j);
    return value;
}

/* The last answer is one JSON object. */
static void assert_object(void)
{
    struct lg_json *j = NULL;
    struct lg_jval root;
    int rc;

    assert_int_equal(lg_json_new(&j), 0);
    rc = lg_json_parse(j, lg_str_z(answer), false, &root, NULL);
    if (rc < 0 || lg_jval_type(root) != LG_JSON_OBJECT)
        fail_msg("no object: %s", answer);
    lg_json_free(j);
}

#define get(rest) ask_as(LG_GET, (rest))
#define put(rest) ask_as(LG_PUT, (rest))

static void test_info(void **state)
{
    (void)state;
    assert_int_equal(get(""), 200);
    assert_string_equal(at("version.number"), "8.19.0");
    assert_string_equal(at("version.build_flavor"), "default");
    assert_string_equal(at("tagline"), "You Know, for Search");
    assert_int_equal(get("/"), 200);
    assert_string_equal(at("cluster_name"), "logster");
    assert_false(text);
}

static void test_questions(void **state)
{
    (void)state;
    assert_int_equal(get("_license"), 200);
    assert_string_equal(at("license.status"), "active");
    assert_string_equal(at("license.type"), "basic");
    assert_int_equal(get("_xpack"), 200);
    assert_string_equal(at("features.ilm.enabled"), "true");
    assert_int_equal(get("_cluster/health"), 200);
    assert_string_equal(at("status"), "green");
    assert_int_equal(get("_cluster/settings"), 200);
    assert_string_equal(at("defaults"), "(container)");
    assert_int_equal(get("_cluster/nonsense"), 404);
    assert_int_equal(get("_cat/health"), 200);
    assert_true(text);
    assert_non_null(strstr(answer, "green"));
    assert_int_equal(get("_nodes/http"), 404);
    assert_string_equal(at("status"), "404");
    assert_non_null(strstr(answer, "sniffing"));
}

static void test_assets(void **state)
{
    static const char *const there[] = {"_index_template/winlogbeat-8.17.0", "_template/x",
            "_component_template/x", "_ilm/policy/winlogbeat", "_data_stream/winlogbeat-8.17.0",
            "_ingest/pipeline/winlogbeat-8.17.0-routing", "_alias/winlogbeat", "winlogbeat-8.17.0"};

    (void)state;
    for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++) {
        assert_int_equal(get(there[i]), 200);
        assert_true(strlen(answer) > 2);
        assert_object();
    }
    assert_int_equal(get("_ilm/policy/win"), 200);
    assert_string_equal(at("win.version"), "1");
    assert_int_equal(get("_data_stream/x/"), 200);
    assert_non_null(strstr(answer, "\"name\":\"x\""));
    for (size_t i = 0; i + 1 < sizeof(there) / sizeof(*there); i++) {
        assert_int_equal(put(there[i]), 200);
        assert_string_equal(answer, "{\"acknowledged\":true}");
    }
    assert_int_equal(put("winlogbeat-8"), 200);
    assert_string_equal(at("index"), "winlogbeat-8");
    assert_int_equal(get("_ilm/policy/a\"b"), 200);
    assert_object();
    assert_non_null(strstr(answer, "{\"a\\\"b\":{\"version\":1"));
}

static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(ask_as(LG_POST, "_search"), 400);
    assert_string_equal(at("error.type"), "illegal_argument_exception");
    assert_int_equal(ask_as(LG_POST, "x/_search"), 400);
    assert_int_equal(get("x/_search"), 400);
    assert_int_equal(put("_license"), 400);
    assert_int_equal(ask_as(LG_POST, ""), 400);
    assert_int_equal(get("_nonsense"), 400);
}

static enum lg_es_call route_of(
        enum lg_http_method method, const char *rest, struct lg_es_request *ret)
{
    *ret = (struct lg_es_request){.method = method, .rest = lg_str_z(rest)};
    return lg_es_route(ret);
}

static void test_routes(void **state)
{
    struct lg_es_request r;

    (void)state;
    assert_int_equal(route_of(LG_POST, "_bulk", &r), LG_ES_BULK);
    assert_int_equal(r.index.n, 0);
    assert_int_equal(route_of(LG_PUT, "/_bulk/", &r), LG_ES_BULK);
    assert_int_equal(route_of(LG_POST, "logs/_bulk", &r), LG_ES_BULK);
    assert_str(r.index, "logs");
    assert_int_equal(route_of(LG_POST, "logs/events/_bulk", &r), LG_ES_BULK);
    assert_int_equal(route_of(LG_POST, "logs/_doc", &r), LG_ES_DOCUMENT);
    assert_int_equal(r.op, LG_INTAKE_INDEX);
    assert_int_equal(route_of(LG_PUT, "logs/_doc/7", &r), LG_ES_DOCUMENT);
    assert_str(r.id, "7");
    assert_int_equal(route_of(LG_PUT, "logs/_create/7", &r), LG_ES_DOCUMENT);
    assert_int_equal(r.op, LG_INTAKE_CREATE);
    assert_int_equal(route_of(LG_POST, "logs/events", &r), LG_ES_DOCUMENT);
    assert_int_equal(route_of(LG_PUT, "logs", &r), LG_ES_ANSWER);
    assert_int_equal(route_of(LG_GET, "_bulk", &r), LG_ES_ANSWER);
    assert_int_equal(route_of(LG_POST, "a/b/c/_bulk", &r), LG_ES_ANSWER);
}

static void test_filters(void **state)
{
    struct lg_es_filter f = lg_es_filter_of(LG_STR(""));

    (void)state;
    assert_true(f.took && f.errors && f.items && f.details);
    f = lg_es_filter_of(LG_STR("errors,items.index.status,items.index.error,items.create.status,"
                               "items.create.error"));
    assert_true(!f.took && f.errors && f.items && !f.details);
    f = lg_es_filter_of(LG_STR("errors,items.*.error,items.*.status"));
    assert_true(!f.took && f.errors && f.items && !f.details);
    f = lg_es_filter_of(LG_STR("took,errors"));
    assert_true(f.took && f.errors && !f.items);
    f = lg_es_filter_of(LG_STR("items"));
    assert_true(f.items && f.details && !f.errors);
    f = lg_es_filter_of(LG_STR("-took"));
    assert_true(f.took && f.errors && f.items);
}

static void write_item(const struct lg_intake_item *item, struct lg_es_filter f)
{
    struct lg_buf out;
    struct lg_jw w;

    lg_buf_init(&out, sizeof(answer));
    lg_jw_init(&w, &out);
    lg_es_bulk_item(&w, item, f, LG_STR("abc"), 1000);
    (void)snprintf(answer, sizeof(answer), "%.*s", (int)out.n, out.p);
    lg_buf_done(&out);
}

static void test_items(void **state)
{
    struct lg_intake_item item = {.n = 3, .index = LG_STR("i\"x"), .op = LG_INTAKE_CREATE};
    const struct lg_es_filter all = {true, true, true, true}, brief = {false, true, true, false};

    (void)state;
    write_item(&item, all);
    assert_string_equal(at("create._index"), "i\"x");
    assert_string_equal(at("create._id"), "abc-3");
    assert_string_equal(at("create.status"), "201");
    assert_string_equal(at("create.result"), "created");
    write_item(&item, brief);
    assert_string_equal(answer, "{\"create\":{\"status\":201}}");
    item.reason = LG_INTAKE_OVERSIZED;
    write_item(&item, brief);
    assert_string_equal(at("create.status"), "413");
    assert_string_equal(at("create.error.reason"), "oversized: larger than 1000 bytes");
    item.reason = LG_INTAKE_BAD_JSON;
    item.id = LG_STR("mine");
    write_item(&item, all);
    assert_string_equal(at("create._id"), "mine");
    assert_string_equal(at("create.status"), "400");
    assert_string_equal(at("create.error.type"), "document_parsing_exception");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_info),
            cmocka_unit_test(test_questions),
            cmocka_unit_test(test_assets),
            cmocka_unit_test(test_refused),
            cmocka_unit_test(test_routes),
            cmocka_unit_test(test_filters),
            cmocka_unit_test(test_items),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
