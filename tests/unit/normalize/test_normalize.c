#include "lg_test.h"

#include "base/limits.h"
#include "normalize/dead_letter.h"
#include "normalize/format.h"

/* What the core sees, copied out of the sinks. */
static struct {
    size_t events, dead, skipped;
    struct lg_event ev;
    char host[300], endpoint[300], raw[300], tenant[100];
    enum lg_dead_reason reason;
    char detail[160], format[64], input[64];
    struct lg_position pos;
    size_t bytes;
    int answer; /* what the sinks return */
} got;

static void copy(char *out, size_t max, struct lg_str s)
{
    size_t n = s.n < max - 1 ? s.n : max - 1;

    if (n > 0)
        memcpy(out, s.p, n);
    out[n] = '\0';
}

static int on_event(void *user, const struct lg_event *ev)
{
    (void)user;
    got.events++;
    got.ev = *ev;
    copy(got.host, sizeof(got.host), ev->hostname);
    copy(got.endpoint, sizeof(got.endpoint), ev->endpoint_id);
    copy(got.raw, sizeof(got.raw), ev->raw);
    copy(got.tenant, sizeof(got.tenant), ev->tenant_id);
    return got.answer;
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    (void)user;
    got.dead++;
    got.reason = dl->reason;
    memcpy(got.detail, dl->detail, sizeof(got.detail));
    copy(got.format, sizeof(got.format), dl->format);
    copy(got.input, sizeof(got.input), dl->input);
    got.pos = dl->pos;
    got.bytes = dl->bytes.n;
    return got.answer;
}

static int on_skipped(void *user, enum lg_skip_reason reason)
{
    (void)user;
    (void)reason;
    got.skipped++;
    return got.answer;
}

static const struct lg_norm_sink sink = {NULL, on_event, on_dead, on_skipped};
static struct lg_normalizer *nz;
static struct lg_norm_stream *st;
static struct lg_norm_stream_options opt;
static struct lg_arena arena;
static struct lg_event ev;
static struct lg_norm_call call;
static const struct lg_format plain = {.name = "plain", .platform = LG_PLATFORM_LINUX};

static int set_up(void **state)
{
    (void)state;
    memset(&got, 0, sizeof(got));
    opt = (struct lg_norm_stream_options){.input = LG_STR("some.ndjson")};
    lg_arena_init(&arena, 1 << 20);
    memset(&ev, 0xaa, sizeof(ev));
    call = (struct lg_norm_call){
            .opt = &opt,
            .format = &plain,
            .sink = &sink,
            .record = LG_STR("the record"),
            .raw_kind = LG_RAW_TEXT,
            .arena = &arena,
            .ev = &ev,
    };
    if (lg_normalizer_new(&nz) < 0)
        return -1;
    call.nz = nz;
    return lg_norm_stream_new(&opt, &st);
}

static int tear_down(void **state)
{
    (void)state;
    lg_normalizer_free(nz);
    lg_norm_stream_free(st);
    lg_arena_done(&arena);
    return 0;
}

static int feed(const char *text)
{
    struct lg_str rec = exact(text, strlen(text));
    int rc = lg_normalizer_record(nz, st, rec, false, (struct lg_position){7, 99}, &sink);

    free_exact(rec);
    return rc;
}

#define SYSMON                                                                                     \
    "{\"@timestamp\":\"2019-10-27T08:50:01.123Z\",\"winlog\":{\"channel\":\"Microsoft-Windows-"    \
    "Sysmon/Operational\",\"provider_name\":\"Microsoft-Windows-Sysmon\",\"event_id\":5,"          \
    "\"record_id\":11,\"computer_name\":\"WS1.Corp.Example\",\"event_data\":{\"UtcTime\":"         \
    "\"2019-10-27 08:50:01.100\",\"ProcessGuid\":\"{AAAAAAAA-0000-0000-0000-000000000001}\","      \
    "\"ProcessId\":\"42\",\"Image\":\"C:\\\\a%s.exe\"}}}"

static void a_record_becomes_an_event(void **state)
{
    char text[1024];

    (void)state;
    (void)snprintf(text, sizeof(text), " " SYSMON "\r\n", "");
    assert_int_equal(feed(text), 0);
    assert_int_equal(got.events, 1);
    assert_int_equal(got.dead, 0);
    assert_string_equal(got.host, "ws1.corp.example");
    assert_string_equal(got.endpoint, "ws1");
    assert_string_equal(got.tenant, "default");
    assert_int_equal(got.raw[0], '{'); /* trimmed */
    assert_int_equal(got.ev.raw_kind, LG_RAW_JSON);
    assert_int_equal(got.ev.type, LG_EVENT_PROCESS_TERMINATE);
    assert_true(got.ev.time_ns == got.ev.claimed_time_ns);
    assert_int_equal(got.ev.flags, 0);
}

static void text_repair_is_flagged_and_the_bytes_are_kept(void **state)
{
    char text[1024];

    (void)state;
    (void)snprintf(text, sizeof(text), SYSMON, "\xff");
    assert_int_equal(feed(text), 0);
    assert_int_equal(got.events, 1);
    assert_int_equal(got.ev.flags, LG_EVF_TEXT_REPAIRED);
    assert_int_equal(got.ev.raw_kind, LG_RAW_BINARY);
    assert_int_equal(got.ev.raw.n, strlen(text));
    (void)snprintf(text, sizeof(text), SYSMON, "\\ud800");
    assert_int_equal(feed(text), 0);
    assert_int_equal(got.events, 2);
    assert_int_equal(got.ev.flags, LG_EVF_TEXT_REPAIRED);
    assert_int_equal(got.ev.raw_kind, LG_RAW_TEXT);
}

static void what_cannot_be_used_is_a_dead_letter(void **state)
{
    static const struct {
        const char *text;
        enum lg_dead_reason reason;
        const char *detail;
    } rows[] = {
            {"{\"a\":1", LG_DEAD_BAD_JSON, "bad structure"},
            {"{\"a\":tru}", LG_DEAD_BAD_JSON, "bad literal (want true, false or null)"},
            {"{\"a\":1}", LG_DEAD_UNKNOWN_FORMAT, "no format takes this record"},
            {"[1]", LG_DEAD_UNKNOWN_FORMAT, "no format takes this record"},
            {"hello", LG_DEAD_UNKNOWN_FORMAT, "no format takes this record"},
            {"\xff\xff", LG_DEAD_UNKNOWN_FORMAT, "no format takes this record"},
            {"<a/>", LG_DEAD_UNKNOWN_FORMAT, "no format takes this record"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        memset(&got, 0, sizeof(got));
        assert_int_equal(feed(rows[i].text), 0);
        assert_int_equal(got.events, 0);
        assert_int_equal(got.dead, 1);
        assert_int_equal(got.reason, rows[i].reason);
        assert_string_equal(got.detail, rows[i].detail);
        assert_string_equal(got.input, "some.ndjson");
        assert_string_equal(got.format, "");
        assert_int_equal(got.bytes, strlen(rows[i].text));
        assert_true(got.pos.line == 7 && got.pos.offset == 99);
    }
}

static void nothing_is_nothing(void **state)
{
    (void)state;
    assert_int_equal(feed(""), 0);
    assert_int_equal(feed(" \r\n"), 0);
    assert_int_equal(got.events + got.dead + got.skipped, 0);
}

static void a_record_over_the_cap_is_oversized(void **state)
{
    char *big = malloc(LG_MAX_RECORD_BYTES + 2);

    (void)state;
    assert_non_null(big);
    memset(big, 'x', LG_MAX_RECORD_BYTES + 1);
    big[LG_MAX_RECORD_BYTES + 1] = '\0';
    assert_int_equal(feed(big), 0);
    assert_int_equal(got.reason, LG_DEAD_OVERSIZED);
    big[LG_MAX_RECORD_BYTES] = '\0';
    assert_int_equal(feed(big), 0);
    assert_int_equal(got.reason, LG_DEAD_UNKNOWN_FORMAT);
    free(big);
}

static void a_sink_can_stop_the_record(void **state)
{
    char text[1024];

    (void)state;
    (void)snprintf(text, sizeof(text), SYSMON, "");
    got.answer = LG_EINTR;
    assert_int_equal(feed(text), LG_EINTR);
    assert_int_equal(got.dead, 0); /* a refusal is no dead letter */
    assert_int_equal(feed("{"), LG_EINTR);
    got.answer = LG_ENOMEM;
    assert_int_equal(feed(text), LG_ENOMEM);
    assert_int_equal(got.events, 2);
}

static void formats_are_recognised_and_listed(void **state)
{
    const struct lg_format *const *all = lg_format_all();
    const struct lg_format *f;
    char text[1024];
    size_t n = 0;

    (void)state;
    for (; all[n] != NULL; n++) {
        assert_non_null(all[n]->accepts);
        assert_non_null(all[n]->normalize);
        assert_true(!all[n]->stateful || (all[n]->flush != NULL && all[n]->state_free != NULL));
        for (size_t k = 0; k < n; k++)
            assert_string_not_equal(lg_format_name(all[k]), lg_format_name(all[n]));
    }
    assert_true(n >= 10);
    (void)snprintf(text, sizeof(text), SYSMON, "");
    f = lg_format_recognise(nz, lg_str_z(text), false);
    assert_string_equal(lg_format_name(f), "winlogbeat-7");
    assert_int_equal(lg_format_platform(f), LG_PLATFORM_WINDOWS);
    assert_false(lg_format_stateful(f));
    assert_null(lg_format_recognise(nz, LG_STR("{"), false));
    assert_null(lg_format_recognise(nz, LG_STR("x"), false));
    assert_string_equal(lg_format_name(NULL), "");
}

/* Recognised formats are exclusive: the one asked first because it came last never takes another
 * one's record. */
static void one_record_has_one_format(void **state)
{
    static const char *const files[] = {"windows/winlogbeat7.ndjson", "windows/winlogbeat6.ndjson",
            "windows/nxlog.ndjson", "windows/flat_export.ndjson", "windows/flat_export_2022.ndjson",
            "windows/sysmon_eventdata.ndjson", "windows/azure.ndjson", "windows/event_xml.xml",
            "audit/auditbeat6.ndjson", "audit/auditbeat7.ndjson", "audit/laurel.ndjson",
            "audit/go-libaudit-distros.log", "ebpf/sysflow.ndjson", "ebpf/tetragon.ndjson",
            "ebpf/tracee.ndjson", "ebpf/falco.ndjson", "ebpf/sysdig.ndjson", "ebpf/ebpf.ndjson"};
    struct lg_json *json;
    size_t records = 0;

    (void)state;
    assert_int_equal(lg_json_new(&json), 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        char path[1024];
        struct lg_str file, rest, line;

        (void)snprintf(path, sizeof(path), "%s/tests/data/%s", LG_SOURCE_DIR, files[i]);
        file = rest = read_file(path, LG_JSON_PADDING);
        while (lg_str_split(&rest, '\n', &line)) {
            struct lg_jval root = {NULL, NULL, NULL};
            size_t takers = 0;

            line = lg_str_trim(line);
            if (line.n == 0 ||
                    (line.p[0] == '{' && lg_json_parse(json, line, true, &root, NULL) < 0))
                continue;
            for (const struct lg_format *const *f = lg_format_all(); *f != NULL; f++)
                if (((*f)->framing == LG_FRAMING_LINE_JSON) == (root.at != NULL))
                    takers += (*f)->accepts(line, root);
            if (takers > 1)
                fail_msg("%s: %zu formats take %.*s", files[i], takers, LG_STR_FMT(line));
            records++;
        }
        free_file(file);
    }
    assert_true(records > 300);
    lg_json_free(json);
}

/* ---- helpers of format.h ---- */

static void emit(void)
{
    assert_int_equal(lg_norm_emit(&call, NULL, 0), 0);
}

static struct lg_event *begin(void)
{
    struct lg_event *e = lg_norm_begin(&call, LG_SOURCE_AUDITD, LG_EVENT_PROCESS_CREATE);

    e->time_ns = INT64_C(1500000000000000000);
    return e;
}

static void begin_starts_from_nothing(void **state)
{
    struct lg_event *e;

    (void)state;
    call.repaired = true;
    call.opt = &(struct lg_norm_stream_options){.tenant_id = LG_STR("t1")};
    e = begin();
    assert_str(e->tenant_id, "t1");
    assert_str(e->format, "plain");
    assert_str(e->raw, "the record");
    assert_str(e->hostname, "");
    assert_int_equal(e->platform, LG_PLATFORM_LINUX);
    assert_int_equal(e->flags, LG_EVF_TEXT_REPAIRED);
    for (unsigned f = 0; f < LG_FIELD_COUNT; f++)
        assert_false(lg_event_has(e, (enum lg_field)f));
}

static void hosts_follow_the_identity_rules(void **state)
{
    static const struct {
        const char *name, *host, *endpoint, *fqdn;
    } rows[] = {
            {"WS1.Corp.Example", "ws1.corp.example", "ws1", "ws1.corp.example"},
            {"ws1", "ws1", "ws1", "ws1"},
            {" WS1. ", "ws1", "ws1", "ws1"},
            {"10.0.0.7", "10.0.0.7", "10.0.0.7", "10.0.0.7"},
            {"10.0.0.7.example", "10.0.0.7.example", "10", "10.0.0.7.example"},
            {"10.0.0.256", "10.0.0.256", "10", "10.0.0.256"},
            {"10.0.0", "10.0.0", "10", "10.0.0"},
            {"FE80::1", "fe80::1", "fe80::1", "fe80::1"},
            {".hidden", ".hidden", ".hidden", ".hidden"},
            {"h\xc3\xb6st.example", "h\xc3\xb6st.example", "h\xc3\xb6st", "h\xc3\xb6st.example"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        begin();
        assert_int_equal(lg_norm_host(&call, lg_str_z(rows[i].name)), 0);
        assert_str(ev.hostname, rows[i].host);
        assert_str(ev.endpoint_id, rows[i].endpoint);
        opt.fqdn_endpoint = true;
        assert_int_equal(lg_norm_host(&call, lg_str_z(rows[i].name)), 0);
        assert_str(ev.endpoint_id, rows[i].fqdn);
        opt.fqdn_endpoint = false;
    }
}

static void impossible_hosts_are_refused(void **state)
{
    char longest[LG_MAX_HOSTNAME_BYTES + 2];
    static const char *const bad[] = {"a b", "a\nb", "a\x7f", "a\xff", "", "-", "  "};

    (void)state;
    memset(longest, 'h', sizeof(longest));
    begin();
    assert_int_equal(lg_norm_host(&call, lg_str_of(longest, LG_MAX_HOSTNAME_BYTES)), 0);
    assert_int_equal(lg_norm_host(&call, lg_str_of(longest, LG_MAX_HOSTNAME_BYTES + 1)), LG_ENOENT);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        begin();
        assert_int_equal(lg_norm_host(&call, lg_str_z(bad[i])), LG_ENOENT);
        memset(&got, 0, sizeof(got));
        emit();
        assert_int_equal(got.dead, 1);
        assert_int_equal(got.reason, LG_DEAD_MISSING_IDENTITY);
    }
}

static void records_without_a_host_take_the_streams_endpoint(void **state)
{
    (void)state;
    opt.endpoint = LG_STR("Edge7.example");
    begin();
    emit(); /* never named one */
    assert_string_equal(got.host, "edge7.example");
    assert_string_equal(got.endpoint, "edge7");
    begin();
    assert_int_equal(lg_norm_host(&call, LG_STR("-")), 0);
    emit();
    assert_string_equal(got.host, "edge7.example");
    begin(); /* a name that cannot be one is not someone else's */
    assert_int_equal(lg_norm_host(&call, LG_STR("a b")), LG_ENOENT);
    emit();
    assert_int_equal(got.events, 2);
    assert_int_equal(got.reason, LG_DEAD_MISSING_IDENTITY);
}

static void times_outside_reason_are_dead_letters(void **state)
{
    static const struct {
        int64_t s;
        bool ok;
    } rows[] = {{0, false}, {1, false}, {315532799, false}, {315532800, true}, {7258118400, true},
            {7258118401, false}, {-5, false}};

    (void)state;
    opt.endpoint = LG_STR("h");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        memset(&got, 0, sizeof(got));
        begin()->time_ns = rows[i].s * LG_NS_PER_SEC;
        emit();
        assert_int_equal(got.events, rows[i].ok ? 1 : 0);
        if (!rows[i].ok)
            assert_int_equal(got.reason, LG_DEAD_BAD_TIME);
    }
}

static void identity_decides_the_id(void **state)
{
    const struct lg_str one[] = {LG_STR("a"), LG_STR("1")}, two[] = {LG_STR("a"), LG_STR("2")};
    struct lg_uuid id;

    (void)state;
    opt.endpoint = LG_STR("h");
    begin();
    assert_int_equal(lg_norm_emit(&call, one, 2), 0);
    id = got.ev.event_id;
    assert_int_equal(got.ev.flags, 0);
    begin()->time_ns += 1;
    call.record = LG_STR("other bytes");
    assert_int_equal(lg_norm_emit(&call, one, 2), 0);
    assert_memory_equal(&id, &got.ev.event_id, sizeof(id));
    begin();
    assert_int_equal(lg_norm_emit(&call, two, 2), 0);
    assert_memory_not_equal(&id, &got.ev.event_id, sizeof(id));
    begin(); /* without one the bytes decide */
    emit();
    assert_int_equal(got.ev.flags, LG_EVF_NO_IDENTITY);
    id = got.ev.event_id;
    call.record = LG_STR("other byteS");
    begin();
    emit();
    assert_memory_not_equal(&id, &got.ev.event_id, sizeof(id));
}

static void an_exhausted_arena_is_a_dead_letter(void **state)
{
    struct lg_arena tiny;

    (void)state;
    lg_arena_init(&tiny, 0);
    opt.endpoint = LG_STR("h");
    begin();
    call.arena = &tiny;
    assert_str(lg_norm_join(&call, LG_STR("a"), LG_STR("\\"), LG_STR("b")), "");
    emit();
    assert_int_equal(got.events, 0);
    assert_int_equal(got.reason, LG_DEAD_OUT_OF_MEMORY);
    lg_arena_done(&tiny);
}

static void strings_are_made(void **state)
{
    struct lg_str s = LG_STR("lower");

    (void)state;
    assert_str(lg_norm_join(&call, LG_STR("CORP"), LG_STR("\\"), LG_STR("bob")), "CORP\\bob");
    assert_str(lg_norm_join(&call, LG_STR(""), LG_STR(""), LG_STR("")), "");
    assert_str(lg_norm_lower(&call, LG_STR("AbC\xc3\x89")), "abc\xc3\x89");
    assert_ptr_equal(lg_norm_lower(&call, s).p, s.p); /* nothing to do: no copy */
    assert_str(lg_norm_guid(&call, LG_STR("{AAAAAAAA-BBBB-CCCC-DDDD-0123456789ab}")),
            "aaaaaaaa-bbbb-cccc-dddd-0123456789ab");
    assert_str(lg_norm_guid(&call, LG_STR("AAAAAAAA-BBBB-CCCC-DDDD-0123456789ab")),
            "aaaaaaaa-bbbb-cccc-dddd-0123456789ab");
    assert_str(lg_norm_guid(&call, LG_STR("{AAAAAAAA-BBBB-CCCC-DDDD-0123456789ab")), "");
    assert_str(lg_norm_guid(&call, LG_STR("AAAAAAAA-BBBB-CCCC-DDDD-0123456789ag")), "");
    assert_str(lg_norm_guid(&call, LG_STR("AAAAAAAA1BBBB-CCCC-DDDD-0123456789ab")), "");
    assert_str(lg_norm_repair(&call, LG_STR("a\xff")), "a\xef\xbf\xbd");
}

/* Value of a field as text, "" where it is not set. */
static const char *value(enum lg_field f)
{
    static char text[128];

    text[0] = '\0';
    if (!lg_event_has(&ev, f))
        return text;
    switch (lg_fields[f].type) {
    case LG_FIELD_STR:
        copy(text, sizeof(text), ev.v[f].s);
        break;
    case LG_FIELD_U64:
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)ev.v[f].u);
        break;
    case LG_FIELD_BOOL:
        (void)snprintf(text, sizeof(text), "%s", ev.v[f].b ? "true" : "false");
        break;
    default:
        (void)snprintf(text, sizeof(text), "%lld", (long long)ev.v[f].i);
        break;
    }
    return text;
}

static void values_are_read_by_the_dictionarys_type(void **state)
{
    static const struct {
        enum lg_field f;
        const char *json; /* a string is tried as text too */
        const char *want;
    } rows[] = {
            {LG_F_IMAGE, "\"C:\\\\a\"", "C:\\a"},
            {LG_F_IMAGE, "\"-\"", ""},
            {LG_F_IMAGE, "\"\"", ""},
            {LG_F_IMAGE, "null", ""},
            {LG_F_IMAGE, "7", "7"},
            {LG_F_IMAGE, "-7", "-7"},
            {LG_F_IMAGE, "18446744073709551615", "18446744073709551615"},
            {LG_F_IMAGE, "1.5", "1.5"},
            {LG_F_IMAGE, "true", "true"},
            {LG_F_IMAGE, "[\"x\"]", ""},
            {LG_F_IMAGE, "{}", ""},
            {LG_F_PROCESS_ID, "4", "4"},
            {LG_F_PROCESS_ID, "\"4\"", "4"},
            {LG_F_PROCESS_ID, "\"0x1f\"", "31"},
            {LG_F_PROCESS_ID, "\"0x1G\"", ""},
            {LG_F_PROCESS_ID, "-4", ""},
            {LG_F_PROCESS_ID, "\"-4\"", ""},
            {LG_F_PROCESS_ID, "4.0", "4"},
            {LG_F_PROCESS_ID, "4.5", ""},
            {LG_F_PROCESS_ID, "1e300", ""},
            {LG_F_PROCESS_ID, "\"99999999999999999999\"", ""},
            {LG_F_PROCESS_ID, "true", ""},
            {LG_F_PROCESS_ID, "18446744073709551615", "18446744073709551615"},
            {LG_F_EXIT_CODE, "-13", "-13"},
            {LG_F_EXIT_CODE, "\"-13\"", "-13"},
            {LG_F_EXIT_CODE, "\"0xff\"", "255"},
            {LG_F_EXIT_CODE, "-2.0", "-2"},
            {LG_F_EXIT_CODE, "2.5", ""},
            {LG_F_EXIT_CODE, "18446744073709551615", ""},
            {LG_F_EXIT_CODE, "\"18446744073709551615\"", ""},
            {LG_F_SIGNED, "true", "true"},
            {LG_F_SIGNED, "\"True\"", "true"},
            {LG_F_SIGNED, "\"YES\"", "true"},
            {LG_F_SIGNED, "\"1\"", "true"},
            {LG_F_SIGNED, "1", "true"},
            {LG_F_SIGNED, "0", "false"},
            {LG_F_SIGNED, "2", ""},
            {LG_F_SIGNED, "\"no\"", "false"},
            {LG_F_SIGNED, "\"maybe\"", ""},
            {LG_F_CREATION_UTC_TIME, "\"2020-01-01 00:00:00.5\"", "1577836800500000000"},
            {LG_F_CREATION_UTC_TIME, "\"yesterday\"", ""},
            {LG_F_CREATION_UTC_TIME, "1577836800", "1577836800000000000"},
            {LG_F_CREATION_UTC_TIME, "1577836800.123456", "1577836800123456000"},
            {LG_F_CREATION_UTC_TIME, "-1", ""},
            {LG_F_CREATION_UTC_TIME, "1e300", ""},
            {LG_F_PROCESS_GUID, "\"{AAAAAAAA-BBBB-CCCC-DDDD-0123456789AB}\"",
                    "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"},
            {LG_F_PROCESS_GUID, "\"{00000000-0000-0000-0000-000000000000}\"", ""},
            {LG_F_PROCESS_GUID, "\"Pid-77\"", "Pid-77"},
    };
    struct lg_json *json;

    (void)state;
    assert_int_equal(lg_json_new(&json), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct lg_jval v;

        assert_int_equal(lg_json_parse(json, lg_str_z(rows[i].json), false, &v, NULL), 0);
        begin();
        lg_norm_set_json(&call, rows[i].f, v);
        if (strcmp(value(rows[i].f), rows[i].want) != 0)
            fail_msg("%s = %s: got \"%s\"", lg_fields[rows[i].f].name, rows[i].json,
                    value(rows[i].f));
        if (lg_jval_type(v) != LG_JSON_STRING)
            continue;
        begin();
        lg_norm_set_text(&call, rows[i].f, lg_jval_str(v));
        assert_string_equal(value(rows[i].f), rows[i].want);
    }
    begin();
    lg_norm_set_text(&call, LG_F_IMAGE, LG_STR("a\xff"));
    assert_string_equal(value(LG_F_IMAGE), "a\xef\xbf\xbd");
    assert_int_equal(ev.flags, LG_EVF_TEXT_REPAIRED);
    lg_json_free(json);
}

static void keymaps_find_their_rows_and_no_others(void **state)
{
    static const struct lg_keyrow rows[] = {
            {"ProcessId", 1, 10},
            {"ProcessID", 2, 20},
            {"a", 3, 0},
            {"ab", 4, 0},
            {"abcd", 5, 0},
            {"", 6, 0},
            {"SourceProcessGUID", 7, 0},
            {"SourceProcessGuid", 8, 0},
            {"TargetProcessGUID", 9, 0},
            /* same length and ends: only the compare tells them apart */
            {"aaaaaaaa1zzzzzzzz", 10, 0},
            {"aaaaaaaa2zzzzzzzz", 11, 0},
    };
    static const char *const absent[] = {"processid", "ProcessI", "ProcessIdd", "b", "abc",
            "aaaaaaaa3zzzzzzzz", "SourceProcessGUId"};
    static struct lg_keymap map = LG_KEYMAP(rows);

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
            struct lg_str key = exact(rows[i].key, strlen(rows[i].key));

            assert_ptr_equal(lg_keymap_find(&map, key), &rows[i]);
            free_exact(key);
        }
        for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++)
            assert_null(lg_keymap_find(&map, lg_str_z(absent[i])));
    }
}

static void dead_letters_are_lines_of_json(void **state)
{
    struct lg_dead_letter dl = {
            .reason = LG_DEAD_BAD_JSON,
            .detail = "bad \"number\"",
            .input = LG_STR("in.log"),
            .format = LG_STR("auditd"),
            .tenant_id = LG_STR("t"),
            .pos = {12, 3456},
            .bytes = LG_STR("{\"a\":\n1x}"),
    };
    struct lg_buf out;

    (void)state;
    lg_buf_init(&out, 1 << 20);
    lg_dead_letter_write(&dl, &out);
    assert_str(lg_buf_str(&out),
            "{\"reason\":\"bad_json\",\"detail\":\"bad \\\"number\\\"\",\"input\":\"in.log\","
            "\"format\":\"auditd\",\"tenant_id\":\"t\",\"line\":12,\"offset\":3456,"
            "\"bytes\":\"{\\\"a\\\":\\n1x}\"}");
    lg_buf_clear(&out);
    dl.bytes = LG_STR("\xff\xfe\xfd");
    lg_dead_letter_write(&dl, &out);
    assert_true(lg_str_ends(lg_buf_str(&out), LG_STR(",\"bytes\":{\"base64\":\"//79\"}}")));
    lg_buf_done(&out);
}

/* Fails the n-th allocation of everything that a record needs. */
static void running_out_of_memory_loses_nothing_silently(void **state)
{
    char text[1024];
    bool done = false;

    (void)state;
    (void)snprintf(text, sizeof(text), SYSMON, "\xff");
    for (uint64_t n = 1; !done; n++) {
        struct lg_normalizer *z = NULL;
        struct lg_norm_stream *s = NULL;
        int rc;

        assert_true(n < 100);
        memset(&got, 0, sizeof(got));
        (void)lg_mem_fail_from(n);
        rc = lg_normalizer_new(&z);
        if (rc == 0)
            rc = lg_norm_stream_new(&opt, &s);
        if (rc == 0) {
            rc = lg_normalizer_record(
                    z, s, lg_str_z(text), false, (struct lg_position){1, 0}, &sink);
            assert_int_equal(rc, 0);
            assert_int_equal(got.events + got.dead, 1);
            if (got.dead == 1)
                assert_int_equal(got.reason, LG_DEAD_OUT_OF_MEMORY);
            done = got.events == 1;
        } else {
            assert_int_equal(rc, LG_ENOMEM);
        }
        (void)lg_mem_fail_from(0);
        lg_norm_stream_free(s);
        lg_normalizer_free(z);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_record_becomes_an_event),
            TEST(text_repair_is_flagged_and_the_bytes_are_kept),
            TEST(what_cannot_be_used_is_a_dead_letter),
            TEST(nothing_is_nothing),
            TEST(a_record_over_the_cap_is_oversized),
            TEST(a_sink_can_stop_the_record),
            TEST(formats_are_recognised_and_listed),
            TEST(one_record_has_one_format),
            TEST(begin_starts_from_nothing),
            TEST(hosts_follow_the_identity_rules),
            TEST(impossible_hosts_are_refused),
            TEST(records_without_a_host_take_the_streams_endpoint),
            TEST(times_outside_reason_are_dead_letters),
            TEST(identity_decides_the_id),
            TEST(an_exhausted_arena_is_a_dead_letter),
            TEST(strings_are_made),
            TEST(values_are_read_by_the_dictionarys_type),
            TEST(keymaps_find_their_rows_and_no_others),
            TEST(dead_letters_are_lines_of_json),
            TEST(running_out_of_memory_loses_nothing_silently),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
