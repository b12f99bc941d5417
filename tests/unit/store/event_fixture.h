#ifndef LG_TESTS_STORE_EVENT_FIXTURE_H
#define LG_TESTS_STORE_EVENT_FIXTURE_H

#include "store/store_test.h"

#include "store/sqlite_event_int.h"

#define DAY0 INT64_C(1700006400) /* 2023-11-15T00:00:00Z */
#define N(a) (sizeof(a) / sizeof(*(a)))

struct fix {
    char dir[256], day0[300];
    struct lg_event_store *st;
    struct lg_scope *all, *a, *b, *none;
    struct maker m;
    struct lg_arena arena;
};
static struct fix f;

/* Of another engine (tests/contract): opens f.st, makes what was written visible, ends a test. */
static struct {
    void (*open)(uint64_t scan_rows);
    void (*settle)(void);
    void (*done)(void);
} engine;

/* scan_rows: what one search may look at; 0: as usual */
static inline void open_store_with(uint64_t scan_rows)
{
    struct lg_sqlite_event_options opt = {
            .dir = f.dir, .open_files = 2, .block_events = 8, .scan_rows = scan_rows};
    struct lg_err err = {0};

    if (engine.open != NULL)
        engine.open(scan_rows);
    else if (lg_sqlite_event_store_open(&opt, &f.st, &err) < 0)
        fail_msg("%s", err.text);
}

static inline void open_store(void)
{
    open_store_with(0);
}

static inline void settle(void)
{
    if (engine.settle != NULL)
        engine.settle();
}

static inline void close_store(void)
{
    lg_event_store_close(f.st);
    f.st = NULL;
}

static inline int setup(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    make_folder(f.dir);
    (void)snprintf(f.day0, sizeof(f.day0), "%s/20231115.db", f.dir);
    f.all = scope_of("*", LG_ACT_EVENT_READ);
    f.a = scope_of("a", LG_ACT_EVENT_READ);
    f.b = scope_of("b", LG_ACT_EVENT_READ);
    f.none = scope_of("", LG_ACT_EVENT_READ);
    maker_init(&f.m);
    lg_arena_init(&f.arena, 256u << 20);
    open_store();
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    if (engine.done != NULL)
        engine.done();
    close_store();
    lg_scope_free(f.all);
    lg_scope_free(f.a);
    lg_scope_free(f.b);
    lg_scope_free(f.none);
    maker_done(&f.m);
    lg_arena_done(&f.arena);
    remove_folder(f.dir);
    return 0;
}

/* An event in the arena with its line. */
struct ev {
    const char *tenant, *endpoint, *user, *image, *hash, *ip, *guid, *parent, *command;
    enum lg_event_type type;
    lg_time time;
    unsigned id, pid;
};

static inline struct lg_event_put put_of(const struct ev *e, lg_time received)
{
    struct lg_event *ev = (struct lg_event *)lg_arena_zalloc(&f.m.a, sizeof(*ev));
    struct lg_str id[1];
    struct lg_event_put p = {.ev = ev, .received_at = received};
    struct lg_buf b;

    assert_non_null(ev);
    ev->tenant_id = lg_str_z(e->tenant);
    ev->endpoint_id = lg_str_z(e->endpoint);
    ev->hostname = lg_str_z(e->endpoint);
    ev->source = LG_SOURCE_SYSMON;
    ev->type = e->type;
    ev->time_ns = ev->claimed_time_ns = e->time;
    ev->format = LG_STR("test");
    ev->raw = LG_STR("{\"hidden\":\"rawword\"}");
    ev->raw_kind = LG_RAW_JSON;
    if (e->user != NULL)
        lg_event_set_str(ev, LG_F_USER, lg_str_z(e->user));
    if (e->image != NULL)
        lg_event_set_str(ev, LG_F_IMAGE, lg_str_z(e->image));
    if (e->hash != NULL)
        lg_event_set_str(ev, LG_F_SHA256, lg_str_z(e->hash));
    if (e->ip != NULL)
        lg_event_set_str(ev, LG_F_DESTINATION_IP, lg_str_z(e->ip));
    if (e->guid != NULL)
        lg_event_set_str(ev, LG_F_PROCESS_GUID, lg_str_z(e->guid));
    if (e->parent != NULL)
        lg_event_set_str(ev, LG_F_PARENT_PROCESS_GUID, lg_str_z(e->parent));
    if (e->command != NULL)
        lg_event_set_str(ev, LG_F_COMMAND_LINE, lg_str_z(e->command));
    if (e->pid != 0)
        lg_event_set_u64(ev, LG_F_PROCESS_ID, e->pid);
    id[0] = lg_str_of((const char *)&e->id, sizeof(e->id));
    lg_event_make_id(ev, id, 1);
    lg_buf_init(&b, 1u << 20);
    lg_event_write(ev, &b);
    assert_int_equal(lg_arena_dup(&f.m.a, lg_buf_str(&b), &p.json), 0);
    lg_buf_done(&b);
    return p;
}

static inline int write_events(struct lg_event_put *p, size_t n)
{
    struct lg_err err = {0};
    int rc = f.st->ops->write(f.st, p, n, NULL, 0, &err);

    if (rc < 0 && engine.open != NULL)
        (void)fprintf(stderr, "%s\n", err.text);
    return rc;
}

static inline struct lg_event_put write_one(const struct ev *e, lg_time received)
{
    struct lg_event_put p = put_of(e, received);

    assert_int_equal(write_events(&p, 1), 0);
    settle();
    return p;
}

static const struct ev first = {.tenant = "a",
        .endpoint = "h1",
        .user = "CORP\\Anna",
        .image = "C:\\Windows\\CMD.exe",
        .hash = "AABB",
        .ip = "10.0.0.1",
        .guid = "g1",
        .type = LG_EVENT_NETWORK_CONNECT,
        .time = (DAY0 + 3600) * SEC + 123456789,
        .id = 1,
        .command = "cmd /c \"echo H\xc3\x84LLO\"\n\\x"};

/* Random events over three days and two tenants, written in random batches. */
#define MANY 400
static struct ev many[MANY];
static char many_text[MANY][3][48];
static struct lg_event_put many_put[MANY];

static inline void fill(void)
{
    static const char *const users[] = {"anna", "CORP\\Bob", "SYSTEM"};
    static const char *const images[] = {
            "C:\\Windows\\cmd.exe", "C:\\Tools\\x.exe", "/usr/bin/curl", "c:\\windows\\CMD.EXE"};
    static const char *const ips[] = {"10.0.0.1", "192.0.2.7", NULL};
    uint64_t rnd = 11;
    size_t at = 0;

    for (unsigned i = 0; i < MANY; i++) {
        struct ev *e = &many[i];

        *e = (struct ev){.tenant = next_random(&rnd) % 3 == 0 ? "b" : "a",
                .id = 100 + i,
                .endpoint = many_text[i][0],
                .command = many_text[i][1],
                .hash = many_text[i][2],
                .user = users[next_random(&rnd) % 3],
                .image = images[next_random(&rnd) % 4],
                .ip = ips[next_random(&rnd) % 3],
                .pid = 1 + i,
                .type = (enum lg_event_type)(next_random(&rnd) % 5),
                .time = (DAY0 + (int64_t)(next_random(&rnd) % (3 * 86400))) * SEC +
                        (int64_t)(next_random(&rnd) % 1000000000)};
        (void)snprintf(many_text[i][0], 48, "h%u", (unsigned)(next_random(&rnd) % 4));
        (void)snprintf(many_text[i][1], 48, "run Word%u", (unsigned)(next_random(&rnd) % 6));
        (void)snprintf(many_text[i][2], 48, "hash%u", (unsigned)(next_random(&rnd) % 9));
        many_put[i] = put_of(e, e->time + (int64_t)(next_random(&rnd) % 1000) * SEC);
    }
    while (at < MANY) {
        size_t n = 1 + next_random(&rnd) % 60;

        n = n > MANY - at ? MANY - at : n;
        assert_int_equal(write_events(many_put + at, n), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(many_put[at + i].ret_result, LG_PUT_STORED);
        at += n;
    }
    settle();
}

struct window {
    lg_time last;
    unsigned n;
};

static inline int on_event(void *user, const struct lg_event_row *row)
{
    struct window *w = (struct window *)user;

    assert_true(row->time >= w->last);
    w->last = row->time;
    w->n++;
    return 0;
}

static inline void write_inference(
        const struct make_inference *mi, const char *context, enum lg_put want)
{
    struct lg_inference in = make_own(&f.m, mi);
    struct lg_inference_put p = {.in = &in, .context = lg_str_z(context)};
    struct lg_err err = {0};

    if (f.st->ops->write(f.st, NULL, 0, &p, 1, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(p.ret_result, want);
}

static inline struct lg_uuid inference_id(unsigned id)
{
    struct lg_uuid u;
    char text[64];

    (void)snprintf(text, sizeof(text), "00000000-0000-8000-8000-%012x", id);
    assert_int_equal(lg_uuid_parse(lg_str_z(text), &u), 0);
    return u;
}

static inline void fill_inferences(void)
{
    static const char *const predictions[] = {"benign", "attack", "error"};
    static struct lg_inference in[120];
    struct lg_inference_put p[120];
    struct lg_err err = {0};
    uint64_t rnd = 3;

    for (unsigned i = 0; i < 120; i++) {
        char host[16];
        unsigned k = i % 3;
        struct make_inference mi = {.tenant = i % 4 == 0 ? "b" : "a",
                .endpoint = host,
                .id = i,
                .window_end_s = DAY0 + 60 * (int64_t)(i * 20),
                .prob = (double)(next_random(&rnd) % 100) / 100,
                .prediction = predictions[k],
                .severity = k == 1 ? "high" : "none",
                .techniques = k == 1 ? "[\"T1003.001\",\"T1105\"]" : "[]",
                .evidence = k == 1 ? NULL : "[]"};

        if (k == 1)
            mi.prob = 0.9;
        (void)snprintf(host, sizeof(host), "h%u", i % 5);
        in[i] = make_own(&f.m, &mi);
        p[i] = (struct lg_inference_put){
                .in = &in[i], .context = i == 1 ? LG_STR("some state") : LG_STR("")};
    }
    if (f.st->ops->write(f.st, NULL, 0, p, 120, &err) < 0)
        fail_msg("%s", err.text);
    for (unsigned i = 0; i < 120; i++)
        assert_int_equal(p[i].ret_result, LG_PUT_STORED);
    settle();
}

#endif
