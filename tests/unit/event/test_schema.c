#include "lg_test.h"

#include "event/codec.h"
#include "json/json.h"

/* The committed copies are what the tables give; `make docs` writes them anew. */
static void assert_fresh(const char *rel, void (*generate)(struct lg_buf *))
{
    char path[1024];
    struct lg_str file;
    struct lg_buf want;

    (void)snprintf(path, sizeof(path), "%s/%s", LG_SOURCE_DIR, rel);
    file = read_file(path, 0);
    lg_buf_init(&want, 4 << 20);
    generate(&want);
    assert_int_equal(want.failed, 0);
    if (!lg_str_eq(file, lg_buf_str(&want)))
        fail_msg("%s is stale: run `make docs`", rel);
    lg_buf_done(&want);
    free_file(file);
}

static void committed_schema_is_fresh(void **state)
{
    (void)state;
    assert_fresh("docs/schemas/normalized-event.schema.json", lg_event_schema);
}

static void committed_reference_is_fresh(void **state)
{
    (void)state;
    assert_fresh("docs/fields.md", lg_event_reference);
}

/* Closed, and with every field under its JSON type. */
static void schema_has_every_field(void **state)
{
    static const char *const types[] = {"string", "integer", "integer", "boolean", "number"};
    struct lg_json *json;
    struct lg_jval root, props, v;
    struct lg_jiter it;
    struct lg_str key;
    struct lg_buf b;
    size_t n = 0;

    (void)state;
    lg_buf_init(&b, 4 << 20);
    lg_event_schema(&b);
    assert_int_equal(lg_json_new(&json), 0);
    assert_int_equal(lg_json_parse(json, lg_buf_str(&b), false, &root, NULL), 0);
    assert_str(lg_jval_get_str(root, LG_STR("$schema")),
            "https://json-schema.org/draft/2020-12/schema");
    assert_true(lg_jval_path(root, "additionalProperties", &v));
    assert_false(lg_jval_bool(v));
    assert_true(lg_jval_path(root, "properties.data.additionalProperties", &v));
    assert_false(lg_jval_bool(v));
    assert_true(lg_jval_path(root, "properties.data.properties", &props));
    it = lg_jiter_of(props);
    while (lg_jiter_member(&it, &key, &v)) {
        enum lg_field f;

        assert_int_equal(lg_field_parse(key, &f), 0);
        assert_str(lg_jval_get_str(v, LG_STR("type")), types[lg_fields[f].type]);
        n++;
    }
    assert_int_equal(n, LG_FIELD_COUNT);
    assert_true(lg_jval_path(root, "properties.event_type.enum", &v));
    it = lg_jiter_of(v);
    for (n = 0; lg_jiter_item(&it, &v); n++)
        assert_str(lg_jval_str(v), lg_event_type_name((enum lg_event_type)n));
    assert_int_equal(n, LG_EVENT_TYPE_COUNT);
    lg_json_free(json);
    lg_buf_done(&b);
}

static void schema_tells_about_memory(void **state)
{
    bool done = false;

    (void)state;
    for (uint64_t n = 1; !done; n++) {
        struct lg_buf b;

        assert_true(n < 100);
        lg_buf_init(&b, 4 << 20);
        (void)lg_mem_fail_from(n);
        lg_event_schema(&b);
        (void)lg_mem_fail_from(0);
        done = b.failed == 0;
        lg_buf_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(committed_schema_is_fresh),
            cmocka_unit_test(committed_reference_is_fresh),
            cmocka_unit_test(schema_has_every_field),
            cmocka_unit_test(schema_tells_about_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
