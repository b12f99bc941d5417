#include "lg_test.h"

#include "services/api_int.h"

/* Schemas as they are enforced, members without a parser, positions that tell nothing. */

static int check(struct api_shapes *sh, const char *schema, const char *json, char path[256])
{
    const char *why = NULL;
    struct lg_buf b;
    struct lg_json *j;
    struct lg_jval root;
    int rc;

    lg_buf_init(&b, 1024);
    assert_int_equal(lg_json_new(&j), 0);
    assert_int_equal(lg_json_parse(j, lg_str_z(json), false, &root, NULL), 0);
    rc = api_shape_check(sh, schema, root, &b, &why);
    assert_true((rc < 0) == (why != NULL));
    (void)snprintf(path, 256, "%.*s %s", (int)b.n, b.p != NULL ? b.p : "", why != NULL ? why : "");
    lg_buf_done(&b);
    lg_json_free(j);
    return rc;
}

static void test_shapes(void **state)
{
    static const struct {
        const char *schema, *json, *why; /* NULL: fits */
    } table[] = {
            {"AlertPatch", "{\"status\":\"open\"}", NULL},
            {"AlertPatch", "{\"analyst_notes\":null}", NULL},
            {"AlertPatch", "{}", " has too few members"},
            {"AlertPatch", "[]", " is of the wrong type"},
            {"AlertPatch", "{\"status\":\"closed\"}", "status is none of the known values"},
            {"AlertPatch", "{\"status\":null}", "status is of the wrong type"},
            {"AlertPatch", "{\"assignee\":\"a\\u0000\"}", "assignee holds a NUL character"},
            {"AlertPatch", "{\"x\":1}", "x is not known here"},
            {"FeedbackRequest", "{\"alert_id\":\"x\",\"is_true_positive\":true}",
                    "alert_id is no UUID"},
            {"FeedbackRequest",
                    "{\"alert_id\":\"00000000-0000-8000-8000-000000000000\","
                    "\"is_true_positive\":1}",
                    "is_true_positive is of the wrong type"},
            {"FeedbackRequest", "{\"alert_id\":\"00000000-0000-8000-8000-000000000000\"}",
                    "is_true_positive is missing"},
            {"TokenRequest", "{\"name\":\"n\",\"tenants\":{\"a\":[\"viewer\",\"viewer\"]}}",
                    "tenants.a[1] is there twice"},
            {"TokenRequest", "{\"name\":\"n\",\"tenants\":{\"a\":[]}}",
                    "tenants.a has too few items"},
            {"TokenRequest", "{\"name\":\"n\",\"tenants\":{\"a\":[7]}}",
                    "tenants.a[0] is of the wrong type"},
            {"TokenRequest", "{\"name\":\"n\",\"platform\":[\"operator\",\"king\"]}",
                    "platform[1] is none of the known values"},
            {"TokenRequest", "{\"name\":\"n\",\"name\":\"m\"}", "name is there twice"},
            {"TokenRequest", "{\"name\":\"\"}", "name is too short"},
            {"TokenRequest", "{\"name\":\"n\",\"expires_at\":0}", "expires_at is too small"},
            {"TokenRequest", "{\"name\":\"n\",\"expires_at\":1e300}", "expires_at is too large"},
            {"TokenRequest", "{\"name\":\"n\",\"expires_at\":true}",
                    "expires_at is of the wrong type"},
            {"SearchRequest", "{\"name\":\"n\",\"query\":{\"any\":[{\"thing\":1}]}}", NULL},
            {"SearchRequest", "{\"name\":\"n\",\"query\":[]}", "query is of the wrong type"},
    };
    struct api_shapes *sh;
    struct lg_err err = {0};
    char got[256];

    (void)state;
    if (api_shapes_new(&sh, &err) < 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        int rc = check(sh, table[i].schema, table[i].json, got);

        if ((rc == 0) != (table[i].why == NULL) || (rc < 0 && strcmp(got, table[i].why) != 0))
            fail_msg("%s: %d %s", table[i].json, rc, got);
    }
    api_shapes_free(sh);
}

static void test_every_schema_is_sound(void **state)
{
    size_t n;
    const struct lg_schema *list = api_schemas(&n);
    struct api_shapes *sh;
    struct lg_err err = {0};

    (void)state;
    assert_int_equal(api_shapes_new(&sh, &err), 0);
    api_shapes_free(sh);
    for (size_t i = 0; i < n; i++) {
        struct lg_json *j;
        struct lg_jval root;

        assert_int_equal(lg_json_new(&j), 0);
        if (lg_json_parse(j, lg_str_z(list[i].json), false, &root, NULL) < 0)
            fail_msg("%s: %s", list[i].name, lg_json_reason(j));
        assert_int_equal(lg_jval_type(root), LG_JSON_OBJECT);
        lg_json_free(j);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(list[i].name, list[k].name);
    }
}

static void test_members(void **state)
{
    struct api_member m[8];
    struct lg_str bad[] = {LG_STR(""), LG_STR("[]"), LG_STR("null"), LG_STR("{"), LG_STR("{\"a"),
            LG_STR("{\"a\""), LG_STR("{\"a\\")};

    (void)state;
    assert_int_equal(api_members(LG_STR("{}"), m, 8), 0);
    assert_int_equal(
            api_members(LG_STR(" { \"a\" : 1 , \"b,}\\\"\" : {\"c\":[1,\"]}\"]} } "), m, 8), 2);
    assert_str(m[0].key, "a");
    assert_str(m[0].value, "1");
    assert_str(m[1].key, "b,}\\\"");
    assert_str(m[1].value, "{\"c\":[1,\"]}\"]}");
    assert_int_equal(api_members(LG_STR("{\"a\":1,\"b\":2,\"c\":3}"), m, 2), 2);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct lg_str s = exact(bad[i].p, bad[i].n);

        assert_int_equal(api_members(s, m, 8), 0);
        free_exact(s);
    }
    /* cut anywhere: no read past the end */
    for (size_t n = 0; n < 30; n++) {
        struct lg_str s = exact("{\"a\":\"\\\\\",\"b\":[{\"c\":\"d\"}],\"e\":1}", n);

        assert_true(api_members(s, m, 8) <= 3);
        free_exact(s);
    }
}

static void test_seals(void **state)
{
    struct lg_api api = {0}, other = {0};
    char a[API_SEAL_TEXT + 1], b[API_SEAL_TEXT + 1];
    uint64_t back;

    (void)state;
    memset(api.seal_key, 7, sizeof(api.seal_key));
    memset(other.seal_key, 8, sizeof(other.seal_key));
    for (uint64_t v = 0; v < 1000; v++) {
        uint64_t big = v * UINT64_C(0x123456789abcdef);

        api_seal(&api, "audit", big, a);
        assert_int_equal(api_unseal(&api, "audit", lg_str_z(a), &back), 0);
        assert_true(back == big);
        assert_int_equal(api_unseal(&api, "feedback", lg_str_z(a), &back), LG_EPARSE);
        assert_int_equal(api_unseal(&other, "audit", lg_str_z(a), &back), LG_EPARSE);
        a[v % API_SEAL_TEXT] = a[v % API_SEAL_TEXT] == '0' ? '1' : '0';
        assert_int_equal(api_unseal(&api, "audit", lg_str_z(a), &back), LG_EPARSE);
    }
    api_seal(&api, "audit", 1, a);
    api_seal(&api, "audit", 2, b);
    assert_true(memcmp(a, b, 8) != 0);
    assert_int_equal(api_unseal(&api, "audit", LG_STR(""), &back), LG_EPARSE);
    assert_int_equal(api_unseal(&api, "audit", lg_str_of(a, 31), &back), LG_EPARSE);
}

/* Out of memory is an answer, at whatever allocation it strikes. */
static void test_shapes_without_memory(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 1000; n++) {
        struct api_shapes *sh = NULL;
        struct lg_err err;
        int rc;

        (void)lg_mem_fail_from(n);
        rc = api_shapes_new(&sh, &err);
        (void)lg_mem_fail_from(0);
        if (rc == 0) {
            api_shapes_free(sh);
            assert_true(n > 3);
            return;
        }
        assert_int_equal(rc, LG_ENOMEM);
    }
    fail_msg("never enough memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_shapes),
            cmocka_unit_test(test_every_schema_is_sound),
            cmocka_unit_test(test_members),
            cmocka_unit_test(test_seals),
            cmocka_unit_test(test_shapes_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
