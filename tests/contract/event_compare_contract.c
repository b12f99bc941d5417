/*
 * The same random records in the engine that LG_CONTRACT names and in SQLite, the same questions,
 * the same answers: texts of every kind, scopes, filters, orders, cursors at depth, sums.
 */
#include <math.h>

#include "event_engine.h"
#include "store/event_fixture.h"
#include "store/event_migrate.h"

#define EVENTS 1200
#define INFERENCES 300
#define HOSTS 5

static struct {
    struct lg_event_store *st; /* SQLite */
    char dir[256];
    struct lg_scope *scopes[5];
    struct lg_event_put ev[EVENTS];
    struct lg_inference_put in[INFERENCES];
    struct lg_inference inferences[INFERENCES];
    uint64_t rnd;
    char *longest; /* 70,000 bytes */
} g;
static const char *const tenants[] = {"a", "b", "c-1"};

static uint64_t pick(uint64_t n)
{
    return next_random(&g.rnd) % n;
}

static bool one_in(uint64_t n)
{
    return pick(n) == 0;
}

/* What breaks queries, analysers and folds. */
static const char *const texts[] = {"100% sure_thing", "a*b?c\\d\"e", "\\\\server\\share$",
        "\xc3\x84\xc3\x96\xc3\x9c stra\xc3\x9f"
        "e",
        "\xce\xa3\xce\x99\xce\x93\xce\x9c\xce\x91 \xcf\x82",
        "\xd0\x9f\xd1\x80\xd0\x98\xd0\xb2\xd0\x95\xd1\x82 \xd0\x81\xd0\xb6",
        "\xe2\x84\xaa"
        "elvin \xc4\xb0stanbul \xc4\xb1",
        "emoji \xf0\x9f\x98\x80 face", "tab\there\nline", "\x01\x02 control \x7f",
        "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e \xe3\x83\x86\xe3\x82\xad\xe3\x82\xb9\xe3\x83\x88",
        "{\"json\":[1,2,{\"x\":null}]}", "' OR 1=1 -- ", "</script>",
        "AND OR NOT (x:y) [1 TO 2] ~2 ^3", "-enc SQBFAFgA",
        "C:\\Windows\\System32\\CMD.EXE /c whoami", "x", "\xef\xbf\xbd", ""};
static const char *const users[] = {
        "anna", "CORP\\Bob", "SYSTEM", "\xc3\x84nne", "a b", "*", "?", NULL};
static const char *const images[] = {"C:\\Windows\\cmd.exe", "c:\\windows\\CMD.EXE",
        "/usr/bin/curl", "cmd.exe", "C:\\Pr\xc3\x96gram\\\xc3\x84.EXE", "C:\\dir\\", NULL};
static const char *const ips[] = {"10.0.0.1", "2001:DB8::1", "not an address", "192.0.2.7", NULL};
#define ANY(list) list[pick(N(list))]

static void set_text(struct lg_event *ev, enum lg_field field, const char *s)
{
    struct lg_str own;

    if (s == NULL)
        return;
    assert_int_equal(lg_arena_dup(&f.m.a, lg_str_z(s), &own), 0);
    lg_event_set_str(ev, field, own);
}

static void set_number(struct lg_event *ev, enum lg_field field, const char *what, uint64_t n)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%s%u", what, (unsigned)n);
    set_text(ev, field, text);
}

static lg_time random_time(void)
{
    lg_time day = DAY0 * SEC + (lg_time)pick(3) * LG_DAY_NS;

    switch (pick(4)) {
    case 0: /* many in one millisecond */
        return day + 5000 * SEC + (lg_time)pick(1000000);
    case 1: /* on full seconds */
        return day + (lg_time)pick(86400) * SEC;
    case 2: /* at the edges of the day */
        return one_in(2) ? day + (lg_time)pick(3) : day + LG_DAY_NS - 1 - (lg_time)pick(3);
    default:
        return day + (lg_time)pick((uint64_t)LG_DAY_NS);
    }
}

/* Every field of the dictionary: none may be unknown to the engine. */
static void fill_all(struct lg_event *ev)
{
    for (int n = 0; n < LG_FIELD_COUNT; n++) {
        enum lg_field field = (enum lg_field)n;

        switch ((enum lg_field_type)lg_fields[n].type) {
        case LG_FIELD_STR:
            set_text(ev, field, ANY(texts));
            break;
        case LG_FIELD_U64:
            lg_event_set_u64(ev, field, one_in(3) ? UINT64_MAX - pick(9) : pick(INT64_MAX));
            break;
        case LG_FIELD_I64:
            lg_event_set_i64(ev, field, (int64_t)pick(UINT64_MAX));
            break;
        case LG_FIELD_BOOL:
            lg_event_set_bool(ev, field, one_in(2));
            break;
        case LG_FIELD_TIME:
            lg_event_set_i64(ev, field,
                    one_in(9) ? INT64_C(9000000000) * SEC : (int64_t)pick(1u << 30) * SEC);
            break;
        }
    }
}

static void fill_event(struct lg_event *ev, unsigned i)
{
    if (i % 10 == 0)
        fill_all(ev);
    ev->type = (enum lg_event_type)pick(one_in(2) ? 3 : LG_EVENT_TYPE_COUNT);
    ev->code = (uint32_t)pick(30);
    set_text(ev, LG_F_COMMAND_LINE, one_in(60) ? g.longest + pick(60000) : ANY(texts));
    set_text(ev, LG_F_USER, ANY(users));
    if (one_in(3))
        set_text(ev, LG_F_TARGET_USER_NAME, ANY(users));
    set_text(ev, LG_F_IMAGE, one_in(40) ? g.longest + 66000 + pick(3000) : ANY(images));
    set_text(ev, LG_F_DESTINATION_IP, ANY(ips));
    set_text(ev, LG_F_SOURCE_IP, ANY(ips));
    if (one_in(2))
        set_number(ev, LG_F_SHA256, "HASH", pick(9));
    set_number(ev, LG_F_PROCESS_GUID, "guid-", one_in(3) ? pick(40) : i);
    if (!one_in(4))
        set_number(ev, LG_F_PARENT_PROCESS_GUID, "guid-", pick(one_in(2) ? 60 : EVENTS));
    if (one_in(2))
        set_number(ev, LG_F_TARGET_PROCESS_GUID, "guid-", pick(one_in(2) ? 60 : EVENTS));
    lg_event_set_u64(ev, LG_F_PROCESS_ID, one_in(50) ? UINT64_MAX : pick(5000));
    lg_event_set_u64(ev, LG_F_PARENT_PROCESS_ID, pick(5000));
    if (one_in(3))
        set_text(ev, LG_F_TARGET_FILENAME, ANY(texts));
    lg_event_set_i64(ev, LG_F_PROCESS_START_TIME, (int64_t)pick(INT64_MAX));
}

static void make_event(unsigned i)
{
    struct lg_event *ev = (struct lg_event *)lg_arena_zalloc(&f.m.a, sizeof(*ev));
    struct lg_event_put *p = &g.ev[i];
    struct lg_str id[1] = {lg_str_of((const char *)&i, sizeof(i))};
    char name[32];
    struct lg_buf b;

    assert_non_null(ev);
    ev->tenant_id = lg_str_z(ANY(tenants));
    (void)snprintf(name, sizeof(name), "h%u", (unsigned)pick(HOSTS));
    assert_int_equal(lg_arena_dup(&f.m.a, lg_str_z(name), &ev->endpoint_id), 0);
    (void)snprintf(name, sizeof(name), "%.*s.corp.example", LG_STR_FMT(ev->endpoint_id));
    assert_int_equal(lg_arena_dup(&f.m.a, lg_str_z(name), &ev->hostname), 0);
    ev->platform = LG_PLATFORM_WINDOWS;
    ev->source = LG_SOURCE_SYSMON;
    ev->time_ns = ev->claimed_time_ns = random_time();
    ev->format = LG_STR("test");
    ev->raw = LG_STR("{\"hidden\":\"rawword\"}");
    ev->raw_kind = LG_RAW_JSON;
    fill_event(ev, i);
    lg_event_make_id(ev, id, 1);
    lg_buf_init(&b, 1u << 20);
    lg_event_write(ev, &b);
    *p = (struct lg_event_put){.ev = ev,
            .received_at = ev->time_ns + (lg_time)pick((uint64_t)LG_DAY_NS) - 3600 * SEC,
            .time_shift_ns = one_in(5) ? -(int64_t)pick(1u << 30) : 0};
    assert_int_equal(lg_arena_dup(&f.m.a, lg_buf_str(&b), &p->json), 0);
    lg_buf_done(&b);
}

static void make_inference_put(unsigned i)
{
    static const char *const techniques[] = {
            "[]", "[\"T1003.001\",\"T1105\"]", "[\"T1003\"]", "[\"T1059.001\",\"T1059.003\"]"};
    static const char *const severities[] = {"low", "medium", "high", "critical"};
    static const char *const predictions[] = {"benign", "attack", "error"};
    char host[16];
    struct make_inference mi = {.tenant = ANY(tenants),
            .endpoint = host,
            .id = i,
            .window_end_s = DAY0 + 60 * (int64_t)pick(3 * 1440) + (one_in(9) ? 1 : 0),
            .prob = (double)pick(1000001) / 1000000,
            .prediction = ANY(predictions),
            .techniques = ANY(techniques)};

    mi.severity = strcmp(mi.prediction, "attack") == 0 ? ANY(severities) : "none";
    (void)snprintf(host, sizeof(host), "h%u", (unsigned)pick(HOSTS));
    g.inferences[i] = make_own(&f.m, &mi);
    g.inferences[i].received_at = g.inferences[i].window_end + (lg_time)pick(1u << 30);
    g.inferences[i].inference_time_ms = (double)pick(100000) / 7;
    g.inferences[i].nodes = pick(4000);
    g.in[i] = (struct lg_inference_put){
            .in = &g.inferences[i], .context = one_in(2) ? LG_STR("") : LG_STR("some\0state\xff")};
}

static void write_both(void)
{
    struct lg_event_store *const both[] = {f.st, g.st};
    struct lg_err err = {0};

    for (size_t k = 0; k < 2; k++) {
        if (both[k]->ops->write(both[k], g.ev, EVENTS, g.in, INFERENCES, &err) < 0)
            fail_msg("%s", err.text);
        for (unsigned i = 0; i < EVENTS; i++)
            if (g.ev[i].ret_result != LG_PUT_STORED)
                fail_msg("event %u: %d %s", i, (int)g.ev[i].ret_result, g.ev[i].ret_reason);
        for (unsigned i = 0; i < INFERENCES; i++)
            if (g.in[i].ret_result != LG_PUT_STORED)
                fail_msg("inference %u: %d %s", i, (int)g.in[i].ret_result, g.in[i].ret_reason);
    }
    settle();
}

static int group_setup(void **state)
{
    static const char *const names[] = {"*", "a", "b", "a,c-1", "zzz"};
    struct lg_sqlite_event_options opt = {.dir = g.dir, .scan_rows = UINT64_MAX / 2};
    struct lg_err err = {0};

    assert_int_equal(setup(state), 0);
    close_store();
    open_store_with(1u << 30);
    make_folder(g.dir);
    if (lg_sqlite_event_store_open(&opt, &g.st, &err) < 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < N(names); i++)
        g.scopes[i] = scope_of(names[i], LG_ACT_EVENT_READ);
    g.rnd = 20261123;
    g.longest = (char *)lg_arena_alloc(&f.m.a, 70001);
    assert_non_null(g.longest);
    for (size_t i = 0; i < 70000; i++)
        g.longest[i] = i % 97 == 96 ? '\\' : (char)(i % 2 == 0 ? 'A' + pick(26) : 'a' + pick(26));
    g.longest[70000] = '\0';
    for (unsigned i = 0; i < EVENTS; i++)
        make_event(i);
    for (unsigned i = 0; i < INFERENCES; i++)
        make_inference_put(i);
    write_both();
    return 0;
}

static int group_teardown(void **state)
{
    lg_event_store_close(g.st);
    remove_folder(g.dir);
    for (size_t i = 0; i < N(g.scopes); i++)
        lg_scope_free(g.scopes[i]);
    return teardown(state);
}

static void same_text(struct lg_str a, struct lg_str b, const char *what)
{
    if (!lg_str_eq(a, b))
        fail_msg("%s: \"%.*s\" there, \"%.*s\" in SQLite", what, LG_STR_FMT(a), LG_STR_FMT(b));
}

static void near(double a, double b, const char *what)
{
    if (fabs(a - b) > 1e-9 * (1 + fabs(b)))
        fail_msg("%s: %.17g there, %.17g in SQLite", what, a, b);
}

/* ---- events ---- */
/* A part of a text that is there, in another case: from bytes that begin a character. */
static struct lg_str some_text(void)
{
    static char out[512];
    const char *from = one_in(8) ? g.longest + pick(60000) : ANY(texts);
    size_t n = strlen(from), at, len;

    if (n == 0 || one_in(12))
        return LG_STR("nowhere");
    at = pick(n);
    while (at > 0 && ((unsigned char)from[at] & 0xc0) == 0x80)
        at--;
    len = 1 + pick(one_in(3) ? 400 : 12);
    len = len > n - at ? n - at : len;
    while (at + len < n && ((unsigned char)from[at + len] & 0xc0) == 0x80)
        len--;
    if (len == 0)
        return LG_STR("e");
    for (size_t i = 0; i < len; i++) {
        char c = from[at + i];

        out[i] = c >= 'a' && c <= 'z' && one_in(2) ? (char)(c - 32) : lg_ascii_lower(c);
    }
    return lg_str_of(out, len);
}

static struct lg_str or_none(uint64_t n, const char *s)
{
    return one_in(n) && s != NULL ? lg_str_z(s) : LG_STR("");
}

static struct lg_event_query random_event_query(void)
{
    static char host[16], hash[16], guid[16];
    struct lg_event_query q = {.limit = 1 + (uint32_t)pick(60),
            .ascending = one_in(2),
            .tenant = or_none(4, ANY(tenants)),
            .user = or_none(5, ANY(users)),
            .image = or_none(5, ANY(images)),
            .ip = or_none(6, ANY(ips))};

    (void)snprintf(host, sizeof(host), "h%u", (unsigned)pick(HOSTS + 1));
    (void)snprintf(hash, sizeof(hash), "hAsh%u", (unsigned)pick(10));
    (void)snprintf(guid, sizeof(guid), "GUID-%u", (unsigned)pick(50));
    q.endpoint = or_none(4, host);
    q.hash = or_none(8, hash);
    q.process_guid = or_none(8, guid);
    if (one_in(2))
        q.text = some_text();
    if (one_in(5))
        q.types[0] = pick(UINT64_MAX);
    if (one_in(3))
        q.from = random_time();
    if (one_in(3))
        q.to = random_time();
    if (one_in(6))
        q.received_from = random_time();
    if (one_in(6))
        q.received_to = random_time();
    return q;
}

static void same_events(const struct lg_event_page *a, const struct lg_event_page *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->total, b->total);
    assert_int_equal(a->total_is_lower_bound, b->total_is_lower_bound);
    assert_int_equal(a->incomplete, b->incomplete);
    assert_int_equal(a->next_cursor.n > 0, b->next_cursor.n > 0);
    for (uint32_t i = 0; i < a->n; i++) {
        same_text(a->rows[i].json, b->rows[i].json, "event");
        assert_int_equal(a->rows[i].time, b->rows[i].time);
        assert_int_equal(a->rows[i].received_at, b->rows[i].received_at);
        assert_int_equal(a->rows[i].time_shift_ns, b->rows[i].time_shift_ns);
    }
}

static void test_events(void **state)
{
    uint32_t hits = 0, deep = 0;

    (void)state;
    for (int round = 0; round < 400; round++) {
        const struct lg_scope *sc = g.scopes[pick(N(g.scopes))];
        struct lg_event_query qa = random_event_query(), qb = qa;

        for (int page = 0; page < 6; page++) {
            struct lg_event_page a, b;

            assert_int_equal(f.st->ops->event_search(f.st, sc, &qa, &f.arena, &a), 0);
            assert_int_equal(g.st->ops->event_search(g.st, sc, &qb, &f.arena, &b), 0);
            same_events(&a, &b);
            hits += a.n;
            deep += page > 0;
            qa.cursor = a.next_cursor;
            qb.cursor = b.next_cursor;
            if (a.next_cursor.n == 0)
                break;
        }
        lg_arena_clear(&f.arena);
    }
    assert_true(hits > 3000 && deep > 50); /* the questions were worth asking */
}

struct lines {
    struct lg_str v[EVENTS];
    uint32_t n;
};

static int on_line(void *user, const struct lg_event_row *row)
{
    struct lines *l = (struct lines *)user;

    assert_true(l->n < EVENTS);
    return lg_arena_dup(&f.arena, row->json, &l->v[l->n++]);
}

static void test_windows_and_single_events(void **state)
{
    static struct lines a, b;
    uint32_t rows = 0;

    (void)state;
    for (int round = 0; round < 120; round++) {
        const struct lg_scope *sc = g.scopes[pick(N(g.scopes))];
        lg_time from = random_time(), as_of = one_in(2) ? random_time() : 0;
        lg_time to = one_in(9) ? from : from + 1 + (lg_time)pick(2 * (uint64_t)LG_DAY_NS);
        const struct lg_event_put *p = &g.ev[pick(EVENTS)];
        lg_time hint = one_in(2) ? p->ev->time_ns + (one_in(4) ? LG_DAY_NS : 0) : 0;
        struct lg_event_row ra, rb;
        int rc;

        a.n = b.n = 0;
        rc = f.st->ops->event_window(
                f.st, sc, p->ev->tenant_id, p->ev->endpoint_id, from, to, as_of, on_line, &a);
        assert_int_equal(rc,
                g.st->ops->event_window(g.st, sc, p->ev->tenant_id, p->ev->endpoint_id, from, to,
                        as_of, on_line, &b));
        assert_int_equal(a.n, b.n);
        for (uint32_t i = 0; i < a.n; i++)
            same_text(a.v[i], b.v[i], "line of a window");
        rows += a.n;
        rc = f.st->ops->event_get(f.st, sc, &p->ev->event_id, hint, &f.arena, &ra);
        assert_int_equal(rc, g.st->ops->event_get(g.st, sc, &p->ev->event_id, hint, &f.arena, &rb));
        if (rc == 0) {
            same_text(ra.json, rb.json, "event");
            assert_int_equal(ra.received_at, rb.received_at);
            assert_int_equal(ra.time, rb.time);
        }
        lg_arena_clear(&f.arena);
    }
    assert_true(rows > 200);
}

/* ---- inferences ---- */
static struct lg_inference_query random_inference_query(void)
{
    static const char *const techniques[] = {"T1003", "T1003.001", "T1105", "T1059", "T9999"};
    static char host[16];
    struct lg_inference_query q = {.limit = 1 + (uint32_t)pick(40),
            .ascending = one_in(2),
            .sort = one_in(2) ? LG_INFERENCE_BY_TIME : LG_INFERENCE_BY_PROB,
            .tenant = or_none(4, ANY(tenants)),
            .technique = or_none(4, ANY(techniques)),
            .predictions = one_in(3) ? (unsigned)pick(8) : 0,
            .severities = one_in(3) ? (unsigned)pick(1u << LG_SEVERITY_COUNT) : 0,
            .min_prob = one_in(3) ? (double)pick(1000) / 1000 : 0};

    (void)snprintf(host, sizeof(host), "h%u", (unsigned)pick(HOSTS));
    q.endpoint = or_none(4, host);
    if (one_in(3))
        q.from = random_time();
    if (one_in(3))
        q.to = random_time();
    if (one_in(6))
        q.received_from = random_time();
    return q;
}

static void test_inferences(void **state)
{
    uint32_t hits = 0, deep = 0;

    (void)state;
    for (int round = 0; round < 200; round++) {
        const struct lg_scope *sc = g.scopes[pick(N(g.scopes))];
        struct lg_inference_query qa = random_inference_query(), qb = qa;

        for (int page = 0; page < 6; page++) {
            struct lg_inference_page a, b;

            assert_int_equal(f.st->ops->inference_search(f.st, sc, &qa, &f.arena, &a), 0);
            assert_int_equal(g.st->ops->inference_search(g.st, sc, &qb, &f.arena, &b), 0);
            assert_int_equal(a.n, b.n);
            assert_int_equal(a.total, b.total);
            assert_int_equal(a.next_cursor.n > 0, b.next_cursor.n > 0);
            for (uint32_t i = 0; i < a.n; i++) {
                same_text(a.rows[i].json, b.rows[i].json, "inference");
                assert_int_equal(a.rows[i].received_at, b.rows[i].received_at);
            }
            hits += a.n;
            deep += page > 0;
            qa.cursor = a.next_cursor;
            qb.cursor = b.next_cursor;
            if (a.next_cursor.n == 0)
                break;
        }
        lg_arena_clear(&f.arena);
    }
    assert_true(hits > 500 && deep > 20);
}

static void test_single_inferences(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        const struct lg_scope *sc = g.scopes[pick(N(g.scopes))];
        const struct lg_inference *in = &g.inferences[pick(INFERENCES)];
        lg_time hint = one_in(2) ? in->window_end : 0;
        struct lg_inference_row ra, rb;
        struct lg_str ca, cb;
        int rc = f.st->ops->inference_get(f.st, sc, &in->inference_id, hint, &f.arena, &ra, &ca);

        assert_int_equal(rc,
                g.st->ops->inference_get(g.st, sc, &in->inference_id, hint, &f.arena, &rb, &cb));
        if (rc == 0) {
            same_text(ra.json, rb.json, "inference");
            same_text(ca, cb, "context");
        }
    }
}

/* ---- sums ---- */
static struct lg_range_query random_range(void)
{
    static char host[16];
    struct lg_range_query q = {.tenant = or_none(4, ANY(tenants)),
            .from = random_time(),
            .to = random_time() + (lg_time)pick(3) * LG_DAY_NS,
            .parts = one_in(2) ? (uint32_t)pick(LG_STORE_PARTS_MAX) : 0};

    (void)snprintf(host, sizeof(host), "h%u", (unsigned)pick(HOSTS));
    q.endpoint = or_none(4, host);
    if (q.to <= q.from)
        q.to = q.from + 1 + (lg_time)pick((uint64_t)LG_DAY_NS);
    return q;
}

static void same_summary(const struct lg_summary *a, const struct lg_summary *b)
{
    assert_int_equal(a->total_inferences, b->total_inferences);
    assert_int_equal(a->total_attacks, b->total_attacks);
    assert_int_equal(a->total_benign, b->total_benign);
    assert_int_equal(a->total_errors, b->total_errors);
    assert_int_equal(a->hosts, b->hosts);
    assert_true(a->max_attack_prob == b->max_attack_prob);
    near(a->avg_attack_prob, b->avg_attack_prob, "probability");
    near(a->avg_confidence, b->avg_confidence, "confidence");
    near(a->avg_inference_time_ms, b->avg_inference_time_ms, "time");
    near(a->avg_graph_nodes, b->avg_graph_nodes, "nodes");
    near(a->avg_graph_edges, b->avg_graph_edges, "edges");
}

static void same_timeline(const struct lg_scope *sc, const struct lg_range_query *q)
{
    uint32_t buckets = 1 + (uint32_t)pick(one_in(5) ? 2000 : 100), na, nb;
    struct lg_time_bucket *a, *b;

    assert_int_equal(f.st->ops->timeline(f.st, sc, q, buckets, &f.arena, &a, &na), 0);
    assert_int_equal(g.st->ops->timeline(g.st, sc, q, buckets, &f.arena, &b, &nb), 0);
    assert_int_equal(na, nb);
    for (uint32_t i = 0; i < na; i++) {
        assert_int_equal(a[i].start, b[i].start);
        assert_int_equal(a[i].inferences, b[i].inferences);
        assert_int_equal(a[i].attacks, b[i].attacks);
        assert_int_equal(a[i].errors, b[i].errors);
        assert_int_equal(a[i].hosts, b[i].hosts);
        assert_true(a[i].max_attack_prob == b[i].max_attack_prob);
        near(a[i].avg_attack_prob, b[i].avg_attack_prob, "probability of a part");
        near(a[i].avg_confidence, b[i].avg_confidence, "confidence of a part");
        near(a[i].avg_inference_time_ms, b[i].avg_inference_time_ms, "time of a part");
        near(a[i].avg_graph_nodes, b[i].avg_graph_nodes, "nodes of a part");
    }
}

static void same_hosts(const struct lg_scope *sc, const struct lg_range_query *q)
{
    struct lg_host_row *a, *b;
    uint32_t na, nb;

    assert_int_equal(f.st->ops->hosts(f.st, sc, q, &f.arena, &a, &na), 0);
    assert_int_equal(g.st->ops->hosts(g.st, sc, q, &f.arena, &b, &nb), 0);
    assert_int_equal(na, nb);
    for (uint32_t i = 0; i < na; i++) {
        same_text(a[i].tenant_id, b[i].tenant_id, "tenant");
        same_text(a[i].endpoint_id, b[i].endpoint_id, "endpoint");
        same_text(a[i].hostname, b[i].hostname, "hostname");
        same_text(a[i].platform, b[i].platform, "platform");
        assert_int_equal(a[i].total_inferences, b[i].total_inferences);
        assert_int_equal(a[i].total_attacks, b[i].total_attacks);
        assert_int_equal(a[i].total_errors, b[i].total_errors);
        assert_int_equal(a[i].last_seen, b[i].last_seen);
        assert_true(a[i].max_attack_prob == b[i].max_attack_prob);
        assert_true(a[i].last_attack_prob == b[i].last_attack_prob);
        for (uint32_t k = 0; k < q->parts; k++)
            assert_true(a[i].trend[k] == b[i].trend[k]);
    }
}

static void same_techniques(const struct lg_scope *sc, const struct lg_range_query *q)
{
    struct lg_technique_count *a, *b;
    uint32_t na, nb;

    assert_int_equal(f.st->ops->techniques(f.st, sc, q, &f.arena, &a, &na), 0);
    assert_int_equal(g.st->ops->techniques(g.st, sc, q, &f.arena, &b, &nb), 0);
    assert_int_equal(na, nb);
    for (uint32_t i = 0; i < na; i++) {
        same_text(a[i].technique, b[i].technique, "technique");
        assert_int_equal(a[i].attacks, b[i].attacks);
        assert_int_equal(a[i].hosts, b[i].hosts);
        for (uint32_t k = 0; k < q->parts; k++)
            assert_int_equal(a[i].over_time[k], b[i].over_time[k]);
    }
}

static void test_sums(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        const struct lg_scope *sc = g.scopes[pick(N(g.scopes))];
        struct lg_range_query q = random_range();
        struct lg_summary a, b;

        assert_int_equal(f.st->ops->summary(f.st, sc, &q, &a), 0);
        assert_int_equal(g.st->ops->summary(g.st, sc, &q, &b), 0);
        same_summary(&a, &b);
        same_timeline(sc, &q);
        same_hosts(sc, &q);
        same_techniques(sc, &q);
        lg_arena_clear(&f.arena);
    }
}

/* ---- profiles and trees ---- */
static void test_profiles(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HOSTS * N(tenants); i++) {
        struct lg_str tenant = lg_str_z(tenants[i % N(tenants)]);
        struct lg_profile_item *a, *b;
        uint32_t na, nb;
        char host[16];

        (void)snprintf(host, sizeof(host), "h%u", i / (unsigned)N(tenants));
        assert_int_equal(f.st->ops->profile(
                                 f.st, g.scopes[0], tenant, lg_str_z(host), 20, &f.arena, &a, &na),
                0);
        assert_int_equal(g.st->ops->profile(
                                 g.st, g.scopes[0], tenant, lg_str_z(host), 20, &f.arena, &b, &nb),
                0);
        assert_int_equal(na, nb);
        assert_true(na > 10);
        for (uint32_t k = 0; k < na; k++) {
            same_text(a[k].value, b[k].value, "word of a profile");
            assert_int_equal(a[k].kind, b[k].kind);
            assert_int_equal(a[k].hours, b[k].hours);
            assert_int_equal(a[k].first_seen, b[k].first_seen);
            assert_int_equal(a[k].last_hour, b[k].last_hour);
        }
    }
}

static void same_node(const struct lg_tree_node *a, const struct lg_tree_node *b)
{
    assert_int_equal(a->parent, b->parent);
    assert_int_equal(a->inferred, b->inferred);
    assert_int_equal(a->focus, b->focus);
    assert_int_equal(a->pid, b->pid);
    same_text(a->process_guid, b->process_guid, "GUID");
    same_text(a->image, b->image, "image");
    same_text(a->command_line, b->command_line, "command line");
    same_text(a->user, b->user, "user");
    same_text(a->hash, b->hash, "hash");
    assert_int_equal(a->started, b->started);
    assert_int_equal(a->ended, b->ended);
    assert_memory_equal(a->event_id.b, b->event_id.b, LG_UUID_BYTES);
    assert_int_equal(a->files, b->files);
    assert_int_equal(a->network, b->network);
    assert_int_equal(a->registry, b->registry);
}

static void test_trees(void **state)
{
    uint32_t nodes = 0;

    (void)state;
    for (int round = 0; round < 100; round++) {
        const struct lg_event *ev = g.ev[pick(EVENTS)].ev;
        struct lg_str focus[2] = {lg_event_str(ev, LG_F_PROCESS_GUID), LG_STR("guid-7")};
        struct lg_tree_query q = {.tenant = ev->tenant_id,
                .endpoint = ev->endpoint_id,
                .from = DAY0 * SEC + (lg_time)pick((uint64_t)LG_DAY_NS),
                .guids = focus,
                .n_guids = one_in(3) ? 2 : 0,
                .max_nodes = one_in(4) ? 1 + (uint32_t)pick(20) : 1000};
        struct lg_tree a, b;

        q.to = q.from + 1 + (lg_time)pick(3 * (uint64_t)LG_DAY_NS);
        assert_int_equal(f.st->ops->tree(f.st, g.scopes[0], &q, &f.arena, &a), 0);
        assert_int_equal(g.st->ops->tree(g.st, g.scopes[0], &q, &f.arena, &b), 0);
        assert_int_equal(a.n, b.n);
        assert_int_equal(a.truncated, b.truncated);
        for (uint32_t i = 0; i < a.n; i++)
            same_node(&a.nodes[i], &b.nodes[i]);
        nodes += a.n;
        lg_arena_clear(&f.arena);
    }
    assert_true(nodes > 500);
}

/* ---- from one engine to another ---- */
struct report {
    uint32_t days;
    uint64_t events, inferences, written;
};

static int on_day(void *user, const struct lg_migrated_day *d)
{
    struct report *r = (struct report *)user;

    assert_memory_equal(d->digest_from, d->digest_to, sizeof(d->digest_to));
    assert_int_equal(d->events_from, d->events_to);
    assert_int_equal(d->inferences_from, d->inferences_to);
    r->days++;
    r->events += d->events_to;
    r->inferences += d->inferences_to;
    r->written += d->written;
    return 0;
}

/* Out of the engine into an empty SQLite store, which then is the same as the one beside it. */
static void test_migrate(void **state)
{
    struct lg_event_query q = {.limit = 1000};
    struct lg_sqlite_event_options opt = {.dir = NULL};
    struct lg_event_store *copy = NULL;
    struct lg_event_page a, b;
    struct report r = {0};
    struct lg_err err = {0};
    char dir[256];

    (void)state;
    make_folder(dir);
    opt.dir = dir;
    assert_int_equal(lg_sqlite_event_store_open(&opt, &copy, &err), 0);
    assert_int_equal(lg_event_migrate(f.st, copy, g.scopes[1], on_day, &r, &err), LG_EINVAL);
    if (lg_event_migrate(f.st, copy, g.scopes[0], on_day, &r, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(r.events, EVENTS);
    assert_int_equal(r.inferences, INFERENCES);
    assert_int_equal(r.written, EVENTS + INFERENCES);
    assert_true(r.days >= 3);
    assert_int_equal(copy->ops->event_search(copy, g.scopes[0], &q, &f.arena, &a), 0);
    assert_int_equal(g.st->ops->event_search(g.st, g.scopes[0], &q, &f.arena, &b), 0);
    same_events(&a, &b);
    /* back again: nothing to write, and the days are the same */
    r = (struct report){0};
    if (lg_event_migrate(copy, f.st, g.scopes[0], on_day, &r, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(r.events, EVENTS);
    assert_int_equal(r.written, 0);
    lg_event_store_close(copy);
    remove_folder(dir);
}

static int on_bad_day(void *user, const struct lg_migrated_day *d)
{
    struct report *r = (struct report *)user;

    r->days += memcmp(d->digest_from, d->digest_to, sizeof(d->digest_to)) != 0;
    return 0;
}

/* Another event under an id of ours: the day is not the same, and that is said. */
static void test_migrate_into_others(void **state)
{
    struct lg_sqlite_event_options opt = {.dir = NULL};
    struct lg_event_store *copy = NULL;
    struct lg_event other = *g.ev[5].ev;
    struct lg_event_put p = g.ev[5];
    struct report r = {0};
    struct lg_err err = {0};
    struct lg_buf b;
    char dir[256];

    (void)state;
    make_folder(dir);
    opt.dir = dir;
    assert_int_equal(lg_sqlite_event_store_open(&opt, &copy, &err), 0);
    lg_event_set_str(&other, LG_F_COMMAND_LINE, LG_STR("another"));
    lg_buf_init(&b, 1u << 20);
    lg_event_write(&other, &b);
    p.json = lg_buf_str(&b);
    assert_int_equal(copy->ops->write(copy, &p, 1, NULL, 0, &err), 0);
    assert_int_equal(lg_event_migrate(f.st, copy, g.scopes[0], on_bad_day, &r, &err), LG_ECORRUPT);
    assert_non_null(strstr(err.text, "is not the same on both sides"));
    assert_int_equal(r.days, 1);
    lg_buf_done(&b);
    lg_event_store_close(copy);
    remove_folder(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_events),
            cmocka_unit_test(test_windows_and_single_events), cmocka_unit_test(test_inferences),
            cmocka_unit_test(test_single_inferences), cmocka_unit_test(test_sums),
            cmocka_unit_test(test_profiles), cmocka_unit_test(test_trees),
            cmocka_unit_test(test_migrate), cmocka_unit_test(test_migrate_into_others)};

    choose_engine();
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
