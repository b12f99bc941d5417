#include "lg_test.h"

#include "base/limits.h"
#include "json/json.h"
#include "json/write.h"

static struct lg_json *json;

static int set_up(void **state)
{
    (void)state;
    return lg_json_new(&json);
}

static int tear_down(void **state)
{
    (void)state;
    lg_json_free(json);
    return 0;
}

/* Parses an unpadded copy that ends where its heap block ends. */
static int parse(const char *text, struct lg_jval *ret, bool *ret_repaired)
{
    struct lg_str copy = exact(text, strlen(text));
    int rc = lg_json_parse(json, copy, false, ret, ret_repaired);

    free_exact(copy);
    return rc;
}

static void write_value(struct lg_jw *w, struct lg_jval v)
{
    struct lg_jiter it;
    struct lg_jval item;
    struct lg_str key;

    switch (lg_jval_type(v)) {
    case LG_JSON_NULL:
        lg_jw_null(w);
        break;
    case LG_JSON_BOOL:
        lg_jw_bool(w, lg_jval_bool(v));
        break;
    case LG_JSON_I64:
        lg_jw_i64(w, lg_jval_i64(v));
        break;
    case LG_JSON_U64:
        lg_jw_u64(w, lg_jval_u64(v));
        break;
    case LG_JSON_DOUBLE:
        lg_jw_double(w, lg_jval_double(v));
        break;
    case LG_JSON_STRING:
        lg_jw_str(w, lg_jval_str(v));
        break;
    case LG_JSON_ARRAY:
        lg_jw_array(w);
        it = lg_jiter_of(v);
        while (lg_jiter_item(&it, &item))
            write_value(w, item);
        lg_jw_array_end(w);
        break;
    case LG_JSON_OBJECT:
        lg_jw_object(w);
        it = lg_jiter_of(v);
        while (lg_jiter_member(&it, &key, &item)) {
            lg_jw_key(w, LG_STR("k"));
            (void)key;
            write_value(w, item);
        }
        lg_jw_object_end(w);
        break;
    }
}

#define assert_reads(text, want, repaired) assert_reads_at(text, want, repaired, __LINE__)
static void assert_reads_at(const char *text, const char *want, bool repaired, int line)
{
    struct lg_buf out;
    struct lg_jval root;
    struct lg_jw w;
    bool was;
    int rc = parse(text, &root, &was);

    if (rc != 0)
        fail_msg("line %d: %s: %s", line, text, lg_json_reason(json));
    lg_buf_init(&out, 1 << 20);
    lg_jw_init(&w, &out);
    write_value(&w, root);
    if (out.n != strlen(want) || memcmp(out.p, want, out.n) != 0 || was != repaired)
        fail_msg(
                "line %d: %s: got %.*s%s", line, text, (int)out.n, out.p, was ? " (repaired)" : "");
    lg_buf_done(&out);
}

static void assert_refuses(const char *text, int code, const char *reason)
{
    struct lg_jval root;

    assert_int_equal(parse(text, &root, NULL), code);
    assert_string_equal(lg_json_reason(json), reason);
}

static void reads_every_type(void **state)
{
    (void)state;
    assert_reads("null", "null", false);
    assert_reads(" [true,false] ", "[true,false]", false);
    assert_reads("[0,-1,9223372036854775807,-9223372036854775808]",
            "[0,-1,9223372036854775807,-9223372036854775808]", false);
    assert_reads("[9223372036854775808,18446744073709551615]",
            "[9223372036854775808,18446744073709551615]", false);
    assert_reads("[1.5,1e3,-0.25,2.5e-10]", "[1.5,1000.0,-0.25,2.5e-10]", false);
    assert_reads("\"a\\u00e9\\n\\ud83d\\ude00\"", "\"a\xc3\xa9\\n\xf0\x9f\x98\x80\"", false);
    assert_reads("{\"a\":{},\"b\":[],\"c\":[[1],{\"d\":2}]}",
            "{\"k\":{},\"k\":[],\"k\":[[1],{\"k\":2}]}", false);
}

static void repairs_ill_formed_text(void **state)
{
    (void)state;
    assert_reads("[\"a\xff"
                 "b\"]",
            "[\"a\xef\xbf\xbd"
            "b\"]",
            true);
    assert_reads("[\"\xed\xa0\x80\"]", "[\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"]", true);
    assert_reads("[\"\xe2\x82\"]", "[\"\xef\xbf\xbd\"]", true);
    assert_reads("{\"k\xc0\":1}", "{\"k\":1}", true);
    /* lone surrogates in escapes: high, low, high before something else, two highs */
    assert_reads("[\"\\ud800\"]", "[\"\xef\xbf\xbd\"]", true);
    assert_reads("[\"\\uDFFFx\"]", "[\"\xef\xbf\xbdx\"]", true);
    assert_reads("[\"\\ud800\\n\"]", "[\"\xef\xbf\xbd\\n\"]", true);
    assert_reads("[\"\\ud83d\\ud83d\\ude00\"]", "[\"\xef\xbf\xbd\xf0\x9f\x98\x80\"]", true);
    assert_reads("[\"\\ud800\\u0041\"]",
            "[\"\xef\xbf\xbd"
            "A\"]",
            true);
    /* an escaped backslash before u is no escape */
    assert_reads("[\"\\\\ud800\",\"\\udc00\"]", "[\"\\\\ud800\",\"\xef\xbf\xbd\"]", true);
}

static void reads_numbers_past_64_bits_as_text(void **state)
{
    (void)state;
    assert_reads("[18446744073709551616]", "[\"18446744073709551616\"]", true);
    assert_reads("[-9223372036854775809,1]", "[\"-9223372036854775809\",1]", true);
    assert_reads("{\"a\":123456789012345678901234567890}",
            "{\"k\":\"123456789012345678901234567890\"}", true);
    assert_reads("[1e999,-1e999,1e308]", "[\"1e999\",\"-1e999\",1e+308]", true);
    /* digits inside strings are no numbers, also behind an escaped quote */
    assert_reads("[\"\\\"99999999999999999999\",99999999999999999999]",
            "[\"\\\"99999999999999999999\",\"99999999999999999999\"]", true);
}

static void refuses_what_is_not_json(void **state)
{
    (void)state;
    assert_refuses("", LG_EPARSE, "empty");
    assert_refuses("   ", LG_EPARSE, "empty");
    assert_refuses("{\"a\":1", LG_EPARSE, "bad structure");
    assert_refuses("{\"a\":1}}", LG_EPARSE, "bad structure");
    assert_refuses("{\"a\" 1}", LG_EPARSE, "bad structure");
    assert_refuses("[1,]", LG_EPARSE, "bad structure");
    assert_refuses("[tru]", LG_EPARSE, "bad literal (want true, false or null)");
    assert_refuses("[nul]", LG_EPARSE, "bad literal (want true, false or null)");
    assert_refuses("[01]", LG_EPARSE, "bad number");
    assert_refuses("[1.]", LG_EPARSE, "bad number");
    assert_refuses("[-]", LG_EPARSE, "bad number");
    assert_refuses("[1e]", LG_EPARSE, "bad number");
    assert_refuses("[\"\\q\"]", LG_EPARSE, "bad escape in a string");
    assert_refuses("[\"\\u12g4\"]", LG_EPARSE, "bad escape in a string");
    assert_refuses("[\"a\nb\"]", LG_EPARSE, "control character in a string");
    assert_refuses("[\"a", LG_EPARSE, "string without end");
    assert_refuses("{\"a\":1}\xff", LG_EPARSE, "ill-formed UTF-8");
    assert_refuses("{} {}", LG_EPARSE, "bad structure");
    /* ill-formed text does not hide an error elsewhere */
    assert_refuses("[\"\xff\",tru]", LG_EPARSE, "bad literal (want true, false or null)");
}

static void caps_the_depth(void **state)
{
    char text[2 * LG_MAX_JSON_DEPTH + 8];
    struct lg_jval root;

    (void)state;
    memset(text, '[', LG_MAX_JSON_DEPTH);
    memset(text + LG_MAX_JSON_DEPTH, ']', LG_MAX_JSON_DEPTH);
    text[2 * LG_MAX_JSON_DEPTH] = '\0';
    assert_int_equal(parse(text, &root, NULL), 0);
    memset(text, '[', LG_MAX_JSON_DEPTH + 1);
    memset(text + LG_MAX_JSON_DEPTH + 1, ']', LG_MAX_JSON_DEPTH + 1);
    text[2 * LG_MAX_JSON_DEPTH + 2] = '\0';
    assert_refuses(text, LG_ELIMIT, "nested too deeply");
}

static void looks_members_up(void **state)
{
    struct lg_jval root, v;

    (void)state;
    assert_int_equal(parse("{\"a\":{\"b\":{\"c\":\"x\"}},\"a\":1,\"a.b\":2,\"n\":3,\"\":{\"\":4}}",
                             &root, NULL),
            0);
    assert_true(lg_jval_get(root, LG_STR("a"), &v));
    assert_int_equal(lg_jval_type(v), LG_JSON_OBJECT); /* the first one */
    assert_true(lg_jval_path(root, "a.b.c", &v));
    assert_str(lg_jval_str(v), "x");
    assert_false(lg_jval_path(root, "a.b.d", &v));
    assert_false(lg_jval_path(root, "n.x", &v));
    assert_false(lg_jval_path(root, "", &v));
    assert_true(lg_jval_get(root, LG_STR("a.b"), &v));
    assert_int_equal(lg_jval_i64(v), 2);
    assert_true(lg_jval_get(root, LG_STR(""), &v));
    assert_str(lg_jval_get_str(root, LG_STR("n")), "");
    assert_str(lg_jval_get_str(root, LG_STR("none")), "");
    assert_false(lg_jval_get(v = (struct lg_jval){NULL, NULL, NULL}, LG_STR("a"), &root));
}

static void keeps_strings_with_zero_bytes(void **state)
{
    struct lg_jval root;

    (void)state;
    assert_int_equal(parse("\"a\\u0000b\"", &root, NULL), 0);
    assert_int_equal(lg_jval_str(root).n, 3);
    assert_memory_equal(lg_jval_str(root).p, "a\0b", 3);
}

static void grows_and_reuses_its_memory(void **state)
{
    struct lg_buf text;
    struct lg_jval root;

    (void)state;
    lg_buf_init(&text, 4 << 20);
    for (size_t n = 1; n <= 1u << 20; n *= 4) {
        lg_buf_clear(&text);
        lg_buf_addc(&text, '"');
        for (size_t i = 0; i < n; i++)
            lg_buf_addc(&text, 'x');
        lg_buf_addc(&text, '"');
        assert_int_equal(lg_json_parse(json, lg_buf_str(&text), false, &root, NULL), 0);
        assert_int_equal(lg_jval_str(root).n, n);
    }
    assert_int_equal(parse("1", &root, NULL), 0);
    lg_buf_done(&text);
}

/* Every allocation fails once: the call says so and the parser stays usable. */
static void survives_running_out_of_memory(void **state)
{
    static const char text[] = "{\"a\":\"\xff\",\"b\":99999999999999999999}";
    bool done = false;

    (void)state;
    for (uint64_t n = 1; !done; n++) {
        struct lg_json *j = NULL;
        struct lg_jval root;
        int rc;

        assert_true(n < 100);
        (void)lg_mem_fail_from(n);
        rc = lg_json_new(&j);
        if (rc == 0)
            rc = lg_json_parse(j, LG_STR(text), false, &root, NULL);
        (void)lg_mem_fail_from(0);
        assert_true(rc == 0 || rc == LG_ENOMEM);
        done = rc == 0;
        if (j != NULL)
            assert_int_equal(lg_json_parse(j, LG_STR(text), false, &root, NULL), 0);
        lg_json_free(j);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(reads_every_type),
            cmocka_unit_test(repairs_ill_formed_text),
            cmocka_unit_test(reads_numbers_past_64_bits_as_text),
            cmocka_unit_test(refuses_what_is_not_json),
            cmocka_unit_test(caps_the_depth),
            cmocka_unit_test(looks_members_up),
            cmocka_unit_test(keeps_strings_with_zero_bytes),
            cmocka_unit_test(grows_and_reuses_its_memory),
            cmocka_unit_test(survives_running_out_of_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
