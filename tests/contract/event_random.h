#ifndef LG_TESTS_CONTRACT_EVENT_RANDOM_H
#define LG_TESTS_CONTRACT_EVENT_RANDOM_H

/* Random records in two event stores, and random questions about them (event_compare_contract.c). */
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

static void any_without(
        struct lg_event_without *w, struct lg_str v[3], const char *const *from, size_t n_from)
{
    w->n = 0;
    w->v = v;
    for (uint64_t n = one_in(4) ? 1 + pick(3) : 0; n > 0; n--) {
        const char *text = from[pick(n_from)];

        v[w->n] = lg_str_z(text != NULL ? text : "x");
        w->n += v[w->n].n > 0;
    }
}

static void add_without(struct lg_event_query *q)
{
    static const char *const hosts[] = {"h0", "h1", "H2", "h9"};
    static const char *const hashes[] = {"hAsh1", "HASH2", "hash3", "?"};
    static const char *const guids[] = {"GUID-1", "guid-2", "{x}"};
    static struct lg_str v[6][3];

    any_without(&q->not_endpoint, v[0], hosts, N(hosts));
    any_without(&q->not_user, v[1], users, N(users));
    any_without(&q->not_image, v[2], images, N(images));
    any_without(&q->not_hash, v[3], hashes, N(hashes));
    any_without(&q->not_ip, v[4], ips, N(ips));
    any_without(&q->not_guid, v[5], guids, N(guids));
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
    add_without(&q);
    return q;
}

#endif
