#include "net_fixture.h"

#include "net/uri_int.h"

/* The table itself: what it refuses, and the document that comes from it. */

static int refused(const struct lg_route *row, const char *why)
{
    struct lg_router *rt = fix_router();
    struct lg_err err = {0, ""};
    int rc = lg_router_add(rt, row, 1, NULL, &err);

    if (rc != LG_EINVAL || strstr(err.text, why) == NULL)
        fail_msg("%d \"%s\", want \"%s\"", rc, err.text, why);
    lg_router_free(rt);
    return rc;
}

static void test_bad_rows(void **state)
{
    const struct lg_route good = {.method = LG_GET,
            .path = "/new",
            .operation = "new",
            .tag = "t",
            .summary = "s",
            .action = LG_ACT_PUBLIC,
            .handler = fix_health};
    static const char *const paths[] = {
            "new", "/new/", "/a//b", "/{", "/{}", "/a{b}", "/{a...}/b", "/{...}", "/a}"};
    struct lg_route r = good;

    (void)state;
    r.handler = NULL;
    (void)refused(&r, "handler");
    r = good;
    r.operation = "listAlerts";
    (void)refused(&r, "operation id is taken");
    r = good;
    r.path = "/health";
    (void)refused(&r, "has this method and path");
    r.path = "/alerts/{other_name}";
    r.params = (const struct lg_param[]){{.name = "other_name", .in = LG_IN_PATH}, {0}};
    (void)refused(&r, "has this method and path"); /* names make no difference */
    r.path = "/new/{x}";
    (void)refused(&r, "not declared");
    r.path = "/new";
    (void)refused(&r, "not in the path");
    r.params = (const struct lg_param[]){{.name = "a"}, {.name = "a"}, {0}};
    (void)refused(&r, "twice");
    r.params = (const struct lg_param[]){{.name = "a", .type = LG_PARAM_ENUM}, {0}};
    (void)refused(&r, "values");
    r.params = (const struct lg_param[]){{.name = "a", .min = 5, .max = 4}, {0}};
    (void)refused(&r, "min");
    r = good;
    r.flags = LG_ROUTE_TENANT;
    (void)refused(&r, "not open to anyone");
    r.flags = LG_ROUTE_STREAM;
    (void)refused(&r, "on_data");
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        r = good;
        r.path = paths[i];
        (void)refused(&r, "path");
    }
}

static struct lg_jval member(struct lg_jval v, const char *path)
{
    struct lg_str rest = lg_str_z(path), key;

    while (lg_str_split(&rest, '>', &key)) {
        struct lg_jval next;

        if (!lg_jval_get(v, key, &next))
            fail_msg("no %.*s of %s", (int)key.n, key.p, path);
        v = next;
    }
    return v;
}

static struct lg_jval item(struct lg_jval v, int i)
{
    struct lg_jiter it = lg_jiter_of(v);
    struct lg_jval out;

    do
        assert_true(lg_jiter_item(&it, &out));
    while (i-- > 0);
    return out;
}

static void test_openapi(void **state)
{
    struct lg_router *rt = fix_router();
    struct lg_json *json;
    struct lg_jval doc, op, p, any;
    struct lg_buf out;
    struct lg_err err;

    (void)state;
    lg_buf_init(&out, 1u << 20);
    assert_int_equal(lg_router_openapi(rt, &fix_info, LG_SURFACE_API, &out, &err), 0);
    assert_int_equal(lg_json_new(&json), 0);
    assert_int_equal(lg_json_parse(json, lg_buf_str(&out), false, &doc, NULL), 0);
    assert_str(lg_jval_str(member(doc, "info>version")), "1.2.3");
    op = member(doc, "paths>/alerts>get");
    assert_str(lg_jval_str(member(op, "operationId")), "listAlerts");
    assert_str(lg_jval_str(member(op, "x-logster-action")), "alerts.read");
    assert_str(lg_jval_str(member(op, "x-logster-roles")), "viewer,analyst,admin");
    assert_true(lg_jval_bool(member(op, "x-logster-tenant")));
    p = item(member(op, "parameters"), 2);
    assert_str(lg_jval_str(member(p, "name")), "limit");
    assert_int_equal(lg_jval_i64(member(p, "schema>default")), 100);
    assert_int_equal(lg_jval_i64(member(p, "schema>minimum")), 1);
    assert_int_equal(lg_jval_i64(member(p, "schema>maximum")), 1000);
    assert_str(lg_jval_str(item(member(item(member(op, "parameters"), 1), "schema>enum"), 2)),
            "resolved");
    p = item(member(op, "parameters"), 8);
    assert_str(lg_jval_str(member(p, "schema>type")), "array");
    assert_str(lg_jval_str(member(op, "responses>200>content>application/json>schema>$ref")),
            "#/components/schemas/AlertList");
    assert_str(
            lg_jval_str(member(op, "responses>400>content>application/problem+json>schema>$ref")),
            "#/components/schemas/Problem");
    (void)member(op, "responses>401");
    assert_false(lg_jval_get(member(op, "responses"), LG_STR("415"), &any));

    op = member(doc, "paths>/alerts/{alert_id}>patch");
    (void)member(op, "responses>412");
    (void)member(op, "responses>428");
    (void)member(op, "responses>415");
    assert_str(lg_jval_str(member(op, "requestBody>content>application/json>schema>$ref")),
            "#/components/schemas/Alert");
    (void)member(doc, "paths>/alerts/{alert_id}>get>responses>304");
    op = member(doc, "paths>/health>get");
    assert_false(lg_jval_get(member(op, "responses"), LG_STR("401"), &any));
    assert_int_equal(lg_jval_type(member(op, "security")), LG_JSON_ARRAY);
    (void)member(doc, "components>schemas>Alert");
    (void)member(doc, "components>securitySchemes>bearer");
    /* hidden rows are not shown */
    assert_false(lg_jval_get(member(doc, "paths"), LG_STR("/ingest/{source}/_license"), &any));
    lg_buf_clear(&out);
    assert_int_equal(lg_router_openapi(rt, &fix_info, LG_SURFACE_DASHBOARD, &out, &err), 0);
    assert_int_equal(lg_json_parse(json, lg_buf_str(&out), false, &doc, NULL), 0);
    (void)member(doc, "paths>/health");
    assert_false(lg_jval_get(member(doc, "paths"), LG_STR("/alerts"), &any));
    lg_json_free(json);
    lg_buf_done(&out);
    lg_router_free(rt);
}

static void test_openapi_refuses(void **state)
{
    static const struct lg_route row = {.method = LG_GET,
            .path = "/new",
            .operation = "new",
            .tag = "t",
            .summary = "s",
            .action = LG_ACT_PUBLIC,
            .responses = {{200, "Missing", NULL, NULL}},
            .handler = fix_health};
    static const struct lg_schema broken = {"Missing", "{\"type\":"};
    struct lg_router *rt = fix_router();
    struct lg_buf out;
    struct lg_err err;

    (void)state;
    lg_buf_init(&out, 1u << 20);
    assert_int_equal(lg_router_add(rt, &row, 1, NULL, &err), 0);
    assert_int_equal(lg_router_openapi(rt, &fix_info, LG_SURFACE_API, &out, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "Missing"));
    assert_int_equal(lg_router_schemas(rt, &broken, 1, &err), 0);
    assert_int_equal(lg_router_schemas(rt, &broken, 1, &err), LG_EINVAL);
    lg_buf_clear(&out);
    assert_int_equal(lg_router_openapi(rt, &fix_info, LG_SURFACE_API, &out, &err), LG_EINVAL);
    lg_buf_done(&out);
    lg_buf_init(&out, 300);
    assert_int_equal(lg_router_openapi(rt, &fix_info, LG_SURFACE_API, &out, &err), LG_ELIMIT);
    lg_buf_done(&out);
    lg_router_free(rt);
}

static void test_out_of_memory(void **state)
{
    int rc = LG_ENOMEM;

    (void)state;
    for (uint64_t n = 1; rc == LG_ENOMEM && n < 500; n++) {
        struct lg_router *rt = NULL;
        struct lg_err err;
        struct lg_buf out;

        lg_buf_init(&out, 1u << 20);
        (void)lg_mem_fail_from(n);
        rc = lg_router_new(&rt);
        if (rc == 0)
            rc = lg_router_add(
                    rt, fix_routes, sizeof(fix_routes) / sizeof(*fix_routes), NULL, &err);
        if (rc == 0)
            rc = lg_router_schemas(
                    rt, fix_schemas, sizeof(fix_schemas) / sizeof(*fix_schemas), &err);
        if (rc == 0)
            rc = lg_router_openapi(rt, &fix_info, LG_SURFACE_API, &out, &err);
        (void)lg_mem_fail_from(0);
        lg_buf_done(&out);
        lg_router_free(rt);
    }
    assert_int_equal(rc, 0);
}

static void test_uri(void **state)
{
    struct lg_uri uri;
    struct lg_arena arena;
    const char *why = NULL;

    (void)state;
    lg_arena_init(&arena, 1u << 20);
    assert_int_equal(
            lg_uri_parse(&arena, LG_STR("/a%20b/c%2Fd/?x=1&y=%26+z&&w&=v"), &uri, &why), 0);
    assert_int_equal(uri.n_segments, 2);
    assert_str(uri.segments[0], "a b");
    assert_str(uri.segments[1], "c/d");
    assert_str(uri.raw_segments[1], "c%2Fd");
    assert_int_equal(uri.n_pairs, 4);
    assert_str(uri.pairs[1].value, "& z");
    assert_str(uri.pairs[2].name, "w");
    assert_str(uri.pairs[2].value, "");
    assert_str(uri.pairs[3].name, "");
    assert_int_equal(lg_uri_parse(&arena, LG_STR("/"), &uri, &why), 0);
    assert_int_equal(uri.n_segments, 0);
    assert_int_equal(lg_uri_parse(&arena, LG_STR("//"), &uri, &why), 0);
    assert_int_equal(uri.n_segments, 1);
    assert_int_equal(lg_uri_parse(&arena, LG_STR("https://h?x=1"), &uri, &why), LG_EPARSE);
    assert_int_equal(lg_uri_parse(&arena, LG_STR("http://h"), &uri, &why), 0);
    (void)lg_mem_fail_from(1);
    assert_int_equal(lg_uri_parse(&arena, LG_STR("/x?a=1"), &uri, &why), 0); /* room is left */
    (void)lg_mem_fail_from(0);
    lg_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_bad_rows),
            cmocka_unit_test(test_openapi),
            cmocka_unit_test(test_openapi_refuses),
            cmocka_unit_test(test_out_of_memory),
            cmocka_unit_test(test_uri),
    };

    (void)fix_opts;
    (void)fix_token;
    (void)fix_make_tokens;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
