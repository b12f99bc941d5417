#include "lg_test.h"

#include <math.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "json/json.h"
#include "json/write.h"

static struct lg_buf out;
static struct lg_jw w;

static int set_up(void **state)
{
    (void)state;
    lg_buf_init(&out, 1 << 24);
    lg_jw_init(&w, &out);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lg_buf_done(&out);
    return 0;
}

static void puts_commas_and_keys(void **state)
{
    (void)state;
    lg_jw_object(&w);
    LG_JW_STR(&w, "a", LG_STR("x"));
    LG_JW_U64(&w, "b", UINT64_MAX);
    LG_JW_I64(&w, "c", INT64_MIN);
    LG_JW_BOOL(&w, "d", true);
    LG_JW_NULL(&w, "e");
    lg_jw_key(&w, LG_STR("f"));
    lg_jw_array(&w);
    lg_jw_u64(&w, 0);
    lg_jw_object(&w);
    lg_jw_object_end(&w);
    lg_jw_array(&w);
    lg_jw_array_end(&w);
    lg_jw_raw(&w, LG_STR("[1,2]"));
    lg_jw_bool(&w, false);
    lg_jw_array_end(&w);
    LG_JW_DOUBLE(&w, "g", 0.1);
    lg_jw_object_end(&w);
    assert_str(lg_buf_str(&out),
            "{\"a\":\"x\",\"b\":18446744073709551615,\"c\":-9223372036854775808,\"d\":true,"
            "\"e\":null,\"f\":[0,{},[],[1,2],false],\"g\":0.1}");
}

static void escapes_keys_of_outside(void **state)
{
    (void)state;
    lg_jw_object(&w);
    lg_jw_key_any(&w, LG_STR("a\\\"\n"));
    lg_jw_object(&w);
    lg_jw_key_any(&w, LG_STR("\xff"));
    lg_jw_null(&w);
    lg_jw_key_any(&w, LG_STR(""));
    lg_jw_u64(&w, 1);
    lg_jw_object_end(&w);
    LG_JW_U64(&w, "b", 2);
    lg_jw_object_end(&w);
    assert_str(lg_buf_str(&out), "{\"a\\\\\\\"\\n\":{\"\xef\xbf\xbd\":null,\"\":1},\"b\":2}");
}

static void writes_integers_of_every_length(void **state)
{
    uint64_t v = 1;
    char want[32];

    (void)state;
    for (int i = 0; i < 20; i++, v *= 10) {
        for (uint64_t d = 0; d < 2; d++) {
            lg_buf_clear(&out);
            lg_jw_init(&w, &out);
            lg_jw_u64(&w, v - d);
            (void)snprintf(want, sizeof(want), "%llu", (unsigned long long)(v - d));
            assert_str(lg_buf_str(&out), want);
            lg_buf_clear(&out);
            lg_jw_init(&w, &out);
            lg_jw_i64(&w, -(int64_t)(v - d));
            (void)snprintf(want, sizeof(want), "%lld", (long long)-(int64_t)(v - d));
            assert_str(lg_buf_str(&out), want);
        }
    }
}

static void writes_doubles_that_read_back(void **state)
{
    static const struct {
        double v;
        const char *want;
    } rows[] = {{0, "0.0"}, {-0.0, "-0.0"}, {1, "1.0"}, {0.1, "0.1"}, {1e22, "1e+22"},
            {5e-324, "5e-324"}, {1.0 / 3, "0.3333333333333333"}, {(double)NAN, "null"},
            {HUGE_VAL, "null"}, {-HUGE_VAL, "null"},
            {1.7976931348623157e308, "1.7976931348623157e+308"}};
    uint64_t seed = 7;
    struct lg_json *json;
    struct lg_jval root;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        lg_buf_clear(&out);
        lg_jw_init(&w, &out);
        lg_jw_double(&w, rows[i].v);
        assert_str(lg_buf_str(&out), rows[i].want);
    }
    assert_int_equal(lg_json_new(&json), 0);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&seed);
        double v, back;

        memcpy(&v, &bits, sizeof(v));
        if (!isfinite(v))
            continue;
        lg_buf_clear(&out);
        lg_jw_init(&w, &out);
        lg_jw_double(&w, v);
        assert_int_equal(lg_json_parse(json, lg_buf_str(&out), false, &root, NULL), 0);
        assert_int_equal(lg_jval_type(root), LG_JSON_DOUBLE);
        back = lg_jval_double(root);
        assert_memory_equal(&back, &v, sizeof(v));
    }
    lg_json_free(json);
}

static void writes_time_exactly(void **state)
{
    (void)state;
    lg_jw_array(&w);
    lg_jw_time(&w, INT64_C(1571234567123456789));
    lg_jw_time(&w, INT64_C(1571234567000000000));
    lg_jw_time(&w, INT64_C(-1500000000));
    lg_jw_array_end(&w);
    assert_str(lg_buf_str(&out), "[1571234567.123456789,1571234567,-1.5]");
}

static void writes_base64(void **state)
{
    static const char *const rows[][2] = {
            {"", "\"\""},
            {"f", "\"Zg==\""},
            {"fo", "\"Zm8=\""},
            {"foo", "\"Zm9v\""},
            {"foob", "\"Zm9vYg==\""},
            {"fooba", "\"Zm9vYmE=\""},
            {"foobar", "\"Zm9vYmFy\""},
            {"\xff\xfe\xfd", "\"//79\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        lg_buf_clear(&out);
        lg_jw_init(&w, &out);
        lg_jw_base64(&w, lg_str_z(rows[i][0]));
        assert_str(lg_buf_str(&out), rows[i][1]);
    }
}

static void escapes_every_byte(void **state)
{
    (void)state;
    lg_json_escape(&out, lg_str_of("\"\\/\b\f\n\r\t\0\x1f\x7f", 11));
    assert_str(lg_buf_str(&out), "\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f");
}

/* The plain way, byte by byte. */
static void escape_simply(struct lg_buf *b, struct lg_str s)
{
    struct lg_buf fixed;

    lg_buf_init(&fixed, 1 << 24);
    (void)lg_utf8_repair(&fixed, s);
    for (size_t i = 0; i < fixed.n; i++) {
        unsigned char c = (unsigned char)fixed.p[i];
        const char *named = c != 0 ? strchr("\"\"\\\\\bb\ff\nn\rr\tt", c) : NULL;

        if (c == '"' || c == '\\')
            lg_buf_printf(b, "\\%c", c);
        else if (named != NULL && c < 0x20)
            lg_buf_printf(b, "\\%c", named[1]);
        else if (c < 0x20)
            lg_buf_printf(b, "\\u%04x", c);
        else
            lg_buf_addc(b, (char)c);
    }
    lg_buf_done(&fixed);
}

/* Text of mixed kinds and every length round the vector width and the piece size. */
static void escapes_like_the_plain_way(void **state)
{
    static const char *const atoms[] = {"a", "\\", "\"", "\n", "\x01", "\xc3\xa9", "\xe2\x82\xac",
            "\xf0\x9f\x98\x80", "\xff", "\xe2\x82", "\xf0\x9f", "\xed\xa0\x80", "\xc0\xaf",
            "\xf4\x90\x80\x80", "\xf8", "abcdefghijklmnopqrstuvwxyz", "C:\\Windows\\System32\\"};
    uint64_t seed = 11;
    struct lg_buf in, want;

    (void)state;
    lg_buf_init(&in, 1 << 20);
    lg_buf_init(&want, 1 << 24);
    for (int round = 0; round < 4000; round++) {
        size_t parts = round < 200 ? (size_t)round : next_random(&seed) % 40;
        struct lg_str text;

        lg_buf_clear(&in);
        lg_buf_clear(&want);
        lg_buf_clear(&out);
        if (round % 50 == 0) /* across the piece size */
            for (uint64_t k = 2030 + next_random(&seed) % 30; k > 0; k--)
                lg_buf_addc(&in, 'p');
        for (size_t k = 0; k < parts; k++)
            lg_buf_adds(&in, lg_str_z(atoms[next_random(&seed) % 17]));
        text = exact(in.p, in.n);
        lg_json_escape(&out, text);
        escape_simply(&want, text);
        free_exact(text);
        assert_int_equal(out.n, want.n);
        assert_memory_equal(out.p, want.p != NULL ? want.p : "", want.n);
    }
    lg_buf_done(&in);
    lg_buf_done(&want);
}

static void keeps_to_the_buffers_maximum(void **state)
{
    struct lg_buf small;

    (void)state;
    lg_buf_init(&small, 12);
    lg_json_escape(&small, LG_STR("abcdefgh\n\n"));
    assert_int_equal(small.failed, 0);
    assert_str(lg_buf_str(&small), "abcdefgh\\n\\n");
    lg_json_escape(&small, LG_STR("x"));
    assert_int_equal(small.failed, LG_ELIMIT);
    lg_buf_done(&small);
    lg_buf_init(&small, 64);
    lg_jw_init(&w, &small);
    lg_jw_base64(&w, lg_str_of("0123456789012345678901234567890123456789012345678901234", 55));
    assert_int_equal(small.failed, LG_ELIMIT);
    lg_buf_done(&small);
}

static void writes_what_was_parsed(void **state)
{
    const char *const text =
            "{\"a\":[0,-1,18446744073709551615,0.1,1e+300,true,false,null,\"\\\"\\n\\u0000\"],"
            "\"k\\\"\":{\"\":{},\"x\":[[]]}}";
    struct lg_json *j = NULL;
    struct lg_jval root;

    (void)state;
    assert_int_equal(lg_json_new(&j), 0);
    assert_int_equal(lg_json_parse(j, lg_str_z(text), false, &root, NULL), 0);
    lg_jw_value(&w, root);
    assert_str(lg_buf_str(&out), text);
    lg_json_free(j);
}

static void writes_the_deepest_that_is_read(void **state)
{
    char text[2 * (LG_MAX_JSON_DEPTH - 1) + 1];
    struct lg_json *j = NULL;
    struct lg_jval root;

    (void)state;
    memset(text, '[', sizeof(text) / 2);
    memset(text + sizeof(text) / 2, ']', sizeof(text) / 2);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(lg_json_new(&j), 0);
    assert_int_equal(lg_json_parse(j, lg_str_z(text), false, &root, NULL), 0);
    lg_jw_value(&w, root);
    assert_str(lg_buf_str(&out), text);
    lg_json_free(j);
}

static void tells_about_memory(void **state)
{
    bool done = false;

    (void)state;
    for (uint64_t n = 1; !done; n++) {
        struct lg_buf b;

        assert_true(n < 50);
        lg_buf_init(&b, 1 << 20);
        (void)lg_mem_fail_from(n);
        lg_jw_init(&w, &b);
        lg_jw_object(&w);
        for (int i = 0; i < 300; i++)
            LG_JW_STR(&w, "key", LG_STR("value\n"));
        lg_jw_object_end(&w);
        (void)lg_mem_fail_from(0);
        done = b.failed == 0;
        assert_true(done || b.failed == LG_ENOMEM);
        lg_buf_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(puts_commas_and_keys, set_up, tear_down),
            cmocka_unit_test_setup_teardown(escapes_keys_of_outside, set_up, tear_down),
            cmocka_unit_test_setup_teardown(writes_integers_of_every_length, set_up, tear_down),
            cmocka_unit_test_setup_teardown(writes_doubles_that_read_back, set_up, tear_down),
            cmocka_unit_test_setup_teardown(writes_time_exactly, set_up, tear_down),
            cmocka_unit_test_setup_teardown(writes_base64, set_up, tear_down),
            cmocka_unit_test_setup_teardown(escapes_every_byte, set_up, tear_down),
            cmocka_unit_test_setup_teardown(escapes_like_the_plain_way, set_up, tear_down),
            cmocka_unit_test_setup_teardown(keeps_to_the_buffers_maximum, set_up, tear_down),
            cmocka_unit_test_setup_teardown(writes_what_was_parsed, set_up, tear_down),
            cmocka_unit_test_setup_teardown(writes_the_deepest_that_is_read, set_up, tear_down),
            cmocka_unit_test_setup_teardown(tells_about_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
