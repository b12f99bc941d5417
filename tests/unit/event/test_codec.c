#include "lg_test.h"

#include "base/utf8.h"
#include "event/codec.h"

static struct lg_json *json;
static struct lg_event ev, back;
static struct lg_buf out;
static struct lg_err err;

static int set_up(void **state)
{
    (void)state;
    lg_buf_init(&out, 16 << 20);
    memset(&ev, 0, sizeof(ev));
    ev.tenant_id = LG_STR("default");
    ev.hostname = LG_STR("ws1.corp.example");
    ev.endpoint_id = LG_STR("ws1");
    ev.format = LG_STR("winlogbeat-7");
    ev.source = LG_SOURCE_SYSMON;
    ev.type = LG_EVENT_PROCESS_CREATE;
    ev.time_ns = ev.claimed_time_ns = INT64_C(1571234567123456789);
    ev.raw = LG_STR("{\"a\": 1}");
    ev.raw_kind = LG_RAW_JSON;
    return lg_json_new(&json);
}

static int tear_down(void **state)
{
    (void)state;
    lg_json_free(json);
    lg_buf_done(&out);
    return 0;
}

static int read_line(struct lg_str line)
{
    struct lg_jval root;

    assert_int_equal(lg_json_parse(json, line, false, &root, NULL), 0);
    return lg_event_read(root, line, &back, &err);
}

static int write_and_read(void)
{
    lg_buf_clear(&out);
    lg_event_write(&ev, &out);
    assert_int_equal(out.failed, 0);
    return read_line(lg_buf_str(&out));
}

static void assert_same_str(struct lg_str a, struct lg_str b)
{
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.n > 0 ? a.p : "", b.n > 0 ? b.p : "", a.n);
}

static void assert_same_events(void)
{
    assert_memory_equal(&ev.event_id, &back.event_id, sizeof(ev.event_id));
    assert_same_str(ev.tenant_id, back.tenant_id);
    assert_same_str(ev.hostname, back.hostname);
    assert_same_str(ev.endpoint_id, back.endpoint_id);
    assert_same_str(ev.format, back.format);
    assert_int_equal(ev.platform, back.platform);
    assert_int_equal(ev.source, back.source);
    assert_int_equal(ev.type, back.type);
    assert_true(ev.time_ns == back.time_ns && ev.claimed_time_ns == back.claimed_time_ns);
    assert_int_equal(ev.flags, back.flags);
    assert_int_equal(ev.code, back.code);
    assert_same_str(ev.raw, back.raw);
    assert_memory_equal(ev.has, back.has, sizeof(ev.has));
    for (unsigned f = 0; f < LG_FIELD_COUNT; f++) {
        if (!lg_event_has(&ev, (enum lg_field)f))
            continue;
        if (lg_fields[f].type == LG_FIELD_STR)
            assert_same_str(ev.v[f].s, back.v[f].s);
        else
            assert_true(ev.v[f].u == back.v[f].u);
    }
}

static void members_stand_in_the_documented_order(void **state)
{
    (void)state;
    assert_int_equal(
            lg_uuid_parse(LG_STR("00112233-4455-8677-8899-aabbccddeeff"), &ev.event_id), 0);
    ev.code = 1;
    ev.flags = LG_EVF_TEXT_REPAIRED | LG_EVF_NO_IDENTITY;
    ev.claimed_time_ns = INT64_C(1571239999000000000);
    lg_event_set_str(&ev, LG_F_IMAGE, LG_STR("C:\\a.exe"));
    lg_event_set_u64(&ev, LG_F_PROCESS_ID, 4);
    lg_event_set_bool(&ev, LG_F_SIGNED, true);
    lg_event_set_i64(&ev, LG_F_EXIT_CODE, -1);
    lg_event_set_i64(&ev, LG_F_PROCESS_START_TIME, INT64_C(1500000000));
    lg_event_write(&ev, &out);
    assert_str(lg_buf_str(&out),
            "{\"event_id\":\"00112233-4455-8677-8899-aabbccddeeff\",\"tenant_id\":\"default\","
            "\"hostname\":\"ws1.corp.example\",\"endpoint_id\":\"ws1\",\"platform\":\"windows\","
            "\"source\":\"sysmon\",\"format\":\"winlogbeat-7\",\"event_type\":\"process_create\","
            "\"timestamp\":1571234567.123456789,\"claimed_timestamp\":1571239999,"
            "\"event_code\":1,\"flags\":[\"text_repaired\",\"no_identity\"],"
            "\"data\":{\"process_id\":4,\"process_start_time\":1.5,\"image\":\"C:\\\\a.exe\","
            "\"exit_code\":-1,\"signed\":true},\"raw_event\":{\"a\": 1}}");
    assert_int_equal(read_line(lg_buf_str(&out)), 0);
    assert_same_events();
}

static void optional_members_are_left_out(void **state)
{
    (void)state;
    lg_event_write(&ev, &out);
    assert_true(lg_str_find(lg_buf_str(&out), LG_STR("claimed")) < 0);
    assert_true(lg_str_find(lg_buf_str(&out), LG_STR("event_code")) < 0);
    assert_true(lg_str_find(lg_buf_str(&out), LG_STR("flags")) < 0);
    assert_true(lg_str_find(lg_buf_str(&out), LG_STR("\"data\":{},")) > 0);
    assert_int_equal(read_line(lg_buf_str(&out)), 0);
    assert_same_events();
}

static void json_stays_on_one_line(void **state)
{
    (void)state;
    ev.raw = LG_STR("{\r\n \"a\": \"x\\n\",\n \"b\": [1,\n2] }");
    assert_int_equal(write_and_read(), 0);
    assert_str(back.raw, "{   \"a\": \"x\\n\",  \"b\": [1, 2] }");
    assert_true(lg_str_chr(lg_buf_str(&out), '\n') < 0);
}

static void text_and_bytes_are_kept(void **state)
{
    (void)state;
    ev.raw = LG_STR("type=SYSCALL msg=\"\x1d\" \xc3\xa9\n");
    ev.raw_kind = LG_RAW_TEXT;
    assert_int_equal(write_and_read(), 0);
    assert_int_equal(back.raw_kind, LG_RAW_TEXT);
    assert_same_events();

    ev.raw = LG_STR("\xff\xfe\xfd");
    ev.raw_kind = LG_RAW_BINARY;
    assert_int_equal(write_and_read(), 0);
    assert_int_equal(back.raw_kind, LG_RAW_BASE64);
    assert_str(back.raw, "//79");
    /* and what was read is written as it was */
    {
        struct lg_buf again;

        lg_buf_init(&again, 1 << 20);
        lg_event_write(&back, &again);
        assert_same_str(lg_buf_str(&again), lg_buf_str(&out));
        lg_buf_done(&again);
    }
}

static struct lg_str random_text(uint64_t *seed, char *p, size_t max)
{
    struct lg_buf b = {.p = p, .n = 0, .cap = max, .max = max};

    for (uint64_t n = next_random(seed) % (max / 4); n > 0; n--) {
        uint64_t r = next_random(seed);

        lg_utf8_put(&b, (uint32_t)(r % 8 < 6 ? r >> 8 & 0x7f : r >> 8 & 0x1fffff));
    }
    return lg_buf_str(&b);
}

static void random_events_read_back_equal(void **state)
{
    static char text[LG_FIELD_COUNT][256];
    uint64_t seed = 3;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        memset(ev.has, 0, sizeof(ev.has));
        ev.platform = (enum lg_platform)(next_random(&seed) % 2);
        ev.source = (enum lg_source)(next_random(&seed) % LG_SOURCE_COUNT);
        ev.type = (enum lg_event_type)(next_random(&seed) % LG_EVENT_TYPE_COUNT);
        ev.code = (uint32_t)next_random(&seed);
        ev.flags = (uint32_t)(next_random(&seed) % (1u << LG_EVF_COUNT));
        ev.time_ns = (int64_t)(next_random(&seed) % INT64_C(7000000000000000000));
        ev.claimed_time_ns = round % 2 ? ev.time_ns : ev.time_ns + 1;
        for (uint64_t n = next_random(&seed) % 40; n > 0; n--) {
            enum lg_field f = (enum lg_field)(next_random(&seed) % LG_FIELD_COUNT);

            ev.v[f].u = next_random(&seed);
            if (lg_fields[f].type == LG_FIELD_STR)
                ev.v[f].s = random_text(&seed, text[f], sizeof(text[f]));
            else if (lg_fields[f].type == LG_FIELD_BOOL)
                ev.v[f].u = ev.v[f].u & 1;
            else if (lg_fields[f].type == LG_FIELD_TIME)
                ev.v[f].i =
                        (int64_t)(ev.v[f].u % INT64_C(9000000000000000000)) * (round % 3 ? 1 : -1);
            lg_event_mark(&ev, f);
        }
        assert_int_equal(write_and_read(), 0);
        assert_same_events();
    }
}

static void ill_formed_text_is_written_as_valid_json(void **state)
{
    (void)state;
    lg_event_set_str(&ev, LG_F_IMAGE, LG_STR("a\xff\x01"));
    assert_int_equal(write_and_read(), 0);
    assert_str(lg_event_str(&back, LG_F_IMAGE), "a\xef\xbf\xbd\x01");
}

static void what_is_not_known_is_passed_over(void **state)
{
    static const char line[] =
            "{\"new\":{\"raw_event\":{\"x\":\"}\\\"\"}},"
            "\"event_id\":\"00112233-4455-8677-8899-aabbccddeeff\",\"tenant_id\":\"t\", "
            "\"hostname\":\"h\",\"endpoint_id\":\"h\",\"platform\":\"linux\",\"source\":\"auditd\","
            "\"format\":\"f\",\"event_type\":\"process_fork\" , \"timestamp\" : 1e9 ,"
            "\"flags\":[\"of_tomorrow\",\"incomplete\"],"
            "\"data\" : { \"tomorrows_field\" : [1,{}], \"process_id\" : 7 } ,"
            "\"raw_event\" : [1, \"]\"] , \"z\":null}";

    (void)state;
    assert_int_equal(read_line(LG_STR(line)), 0);
    assert_int_equal(back.flags, LG_EVF_INCOMPLETE);
    assert_int_equal(lg_event_u64(&back, LG_F_PROCESS_ID), 7);
    assert_true(back.time_ns == INT64_C(1000000000000000000));
    assert_str(back.raw, "[1, \"]\"]");
}

#define assert_read_fails(from, to, want) assert_read_fails_at(from, to, want, __LINE__)
/* The line of `ev` with its first `from` replaced. */
static void assert_read_fails_at(const char *from, const char *to, const char *want, int line)
{
    struct lg_buf b;
    ptrdiff_t at;

    lg_buf_clear(&out);
    lg_event_write(&ev, &out);
    at = lg_str_find(lg_buf_str(&out), lg_str_z(from));
    if (at < 0)
        fail_msg("line %d: %s is not there", line, from);
    lg_buf_init(&b, 1 << 20);
    lg_buf_add(&b, out.p, (size_t)at);
    lg_buf_adds(&b, lg_str_z(to));
    lg_buf_add(&b, out.p + at + strlen(from), out.n - (size_t)at - strlen(from));
    if (read_line(lg_buf_str(&b)) != LG_EPARSE || strcmp(err.text, want) != 0)
        fail_msg("line %d: %s -> %s: got \"%s\"", line, from, to, err.text);
    lg_buf_done(&b);
}

static void wrong_members_are_named(void **state)
{
    struct lg_jval root;

    (void)state;
    lg_event_set_u64(&ev, LG_F_PROCESS_ID, 4);
    lg_event_set_bool(&ev, LG_F_SIGNED, true);
    lg_event_set_i64(&ev, LG_F_EXIT_CODE, -1);
    lg_event_set_str(&ev, LG_F_IMAGE, LG_STR("i"));
    lg_event_set_i64(&ev, LG_F_PROCESS_START_TIME, 1);
    assert_read_fails("\"default\"", "7", "tenant_id: want a string");
    assert_read_fails("\"sysmon\"", "\"x\"", "source: want a known source");
    assert_read_fails("\"windows\"", "\"x\"", "platform: want a known platform");
    assert_read_fails("\"process_create\"", "\"x\"", "event_type: want a known event type");
    assert_read_fails("1571234567.123456789", "\"x\"", "timestamp: want epoch seconds");
    assert_read_fails("1571234567.123456789", "1e300", "timestamp: want epoch seconds");
    assert_read_fails("-0000-", "-000x-", "event_id: want a UUID");
    assert_read_fails(
            "\"process_id\":4", "\"process_id\":-4", "process_id: want a whole number from 0");
    assert_read_fails(
            "\"process_id\":4", "\"process_id\":4.5", "process_id: want a whole number from 0");
    assert_read_fails("\"signed\":true", "\"signed\":1", "signed: want true or false");
    assert_read_fails("\"exit_code\":-1", "\"exit_code\":18446744073709551615",
            "exit_code: want a whole number");
    assert_read_fails("\"image\":\"i\"", "\"image\":null", "image: want a string");
    assert_read_fails("\"process_start_time\":", "\"process_start_time\":{},\"x\":",
            "process_start_time: want epoch seconds");
    assert_read_fails("\"data\":{", "\"data\":[],\"x\":{", "data: want an object");
    assert_read_fails("\"format\":", "\"tenant_id\":", "tenant_id: want to stand once");
    assert_read_fails("\"raw_event\":", "\"raw\":", "raw_event: want to be there");
    assert_read_fails("\"data\":", "\"event_code\":4294967296,\"data\":",
            "event_code: want a whole number below 2^32");
    assert_read_fails("\"data\":", "\"flags\":[1],\"data\":", "flags: want an array of strings");
    assert_int_equal(lg_json_parse(json, LG_STR("[]"), false, &root, NULL), 0);
    assert_int_equal(lg_event_read(root, LG_STR("[]"), &back, &err), LG_EPARSE);
}

/* The caller's mistake must not become a crash: text and tape that do not belong together. */
static void another_line_is_refused_or_harmless(void **state)
{
    struct lg_jval root;
    struct lg_str line;

    (void)state;
    lg_event_set_u64(&ev, LG_F_PROCESS_ID, 4);
    lg_event_write(&ev, &out);
    assert_int_equal(lg_json_parse(json, lg_buf_str(&out), false, &root, NULL), 0);
    for (size_t n = 0; n < out.n; n++) {
        line = exact(out.p, n);
        assert_int_equal(lg_event_read(root, line, &back, &err),
                n == out.n - 1 ? 0 : LG_EPARSE); /* the last brace is not looked at */
        free_exact(line);
    }
}

static void ids_follow_tenant_endpoint_source_and_identity(void **state)
{
    const struct lg_str one = LG_STR("1"), two = LG_STR("2");
    struct lg_uuid id;

    (void)state;
    lg_event_make_id(&ev, &one, 1);
    id = ev.event_id;
    lg_event_make_id(&ev, &one, 1);
    assert_memory_equal(&id, &ev.event_id, sizeof(id));
    lg_event_make_id(&ev, &two, 1);
    assert_memory_not_equal(&id, &ev.event_id, sizeof(id));
    ev.format = LG_STR("nxlog"); /* shipped another way: the same event */
    ev.hostname = LG_STR("ws1");
    lg_event_make_id(&ev, &one, 1);
    assert_memory_equal(&id, &ev.event_id, sizeof(id));
    ev.source = LG_SOURCE_WIN_SECURITY;
    lg_event_make_id(&ev, &one, 1);
    assert_memory_not_equal(&id, &ev.event_id, sizeof(id));
}

static void write_tells_about_memory(void **state)
{
    bool done = false;

    (void)state;
    lg_event_set_str(&ev, LG_F_IMAGE, LG_STR("i"));
    for (uint64_t n = 1; !done; n++) {
        struct lg_buf b;

        assert_true(n < 20);
        lg_buf_init(&b, 1 << 20);
        (void)lg_mem_fail_from(n);
        lg_event_write(&ev, &b);
        (void)lg_mem_fail_from(0);
        done = b.failed == 0;
        assert_true(done || b.failed == LG_ENOMEM);
        lg_buf_done(&b);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(members_stand_in_the_documented_order),
            TEST(optional_members_are_left_out),
            TEST(json_stays_on_one_line),
            TEST(text_and_bytes_are_kept),
            TEST(random_events_read_back_equal),
            TEST(ill_formed_text_is_written_as_valid_json),
            TEST(what_is_not_known_is_passed_over),
            TEST(wrong_members_are_named),
            TEST(another_line_is_refused_or_harmless),
            TEST(ids_follow_tenant_endpoint_source_and_identity),
            TEST(write_tells_about_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
