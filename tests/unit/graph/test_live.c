/* Live windows: the log alone decides, whatever the batches, restarts and ticks. */
#include "live_util.h"

#include <unistd.h>

/* ------------------------------------------------------------------ a log to push */

struct log {
    LG_VEC(struct rec) v;
};

static uint64_t rnd_state;
static uint32_t rnd(uint32_t n)
{
    rnd_state = rnd_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rnd_state >> 33) % n;
}

static const char *const hosts[] = {"ws1", "ws2", "dc1", "web1"};
static const char *const images[] = {"C:\\Windows\\System32\\cmd.exe",
        "C:\\Windows\\System32\\svchost.exe", "C:\\Users\\jane\\a.exe", "/usr/bin/bash",
        "/usr/bin/curl"};
static const char *const cmds[] = {"cmd.exe /c whoami", "svchost.exe -k netsvcs", "a.exe --go",
        "bash -c 'id'", "curl http://192.0.2.7/x", "cmd.exe /c dir C:\\Users\\jane.doe"};
static const char *const users[] = {"CORP\\jane.doe", "NT AUTHORITY\\SYSTEM", "bob", "root"};
static const char *const files[] = {"C:\\Users\\jane.doe\\x.docx", "C:\\Temp\\b.dll", "/tmp/z",
        "/etc/passwd", "C:\\Windows\\Temp\\q.ps1"};

static struct lg_event random_event(lg_time t, uint64_t id)
{
    static const enum lg_event_type types[] = {LG_EVENT_PROCESS_CREATE, LG_EVENT_PROCESS_CREATE,
            LG_EVENT_FILE_CREATE, LG_EVENT_NETWORK_CONNECT, LG_EVENT_DNS_QUERY,
            LG_EVENT_PROCESS_TERMINATE, LG_EVENT_PROCESS_ACCESS, LG_EVENT_IMAGE_LOAD,
            LG_EVENT_REGISTRY_VALUE_SET, LG_EVENT_LOGON, LG_EVENT_PROCESS_FORK};
    uint32_t host = rnd(4), pid = 100 + rnd(12);
    bool linux_host = host == 3;
    struct lg_event ev = event_at(types[rnd(11)], t, id);

    ev.endpoint_id = lg_str_z(hosts[host]);
    ev.hostname = lg_str_z(hosts[host]);
    ev.platform = linux_host ? LG_PLATFORM_LINUX : LG_PLATFORM_WINDOWS;
    ev.source = linux_host ? LG_SOURCE_AUDITD
            : rnd(4) == 0  ? LG_SOURCE_WIN_SECURITY
                           : LG_SOURCE_SYSMON;
    ev.flags = rnd(20) == 0 ? LG_EVF_TRUNCATED : 0;
    set_actor(&ev, NULL, pid, images[rnd(5)]);
    if (!linux_host && rnd(2) == 0) {
        static const char *const guids[] = {"g-100", "g-101", "g-102", "g-103", "g-104", "g-105"};

        set_z(&ev, LG_F_PROCESS_GUID, guids[rnd(6)]);
    }
    set_z(&ev, LG_F_COMMAND_LINE, cmds[rnd(6)]);
    set_z(&ev, LG_F_USER, users[rnd(4)]);
    set_parent(&ev, NULL, 100 + rnd(12), images[rnd(5)], cmds[rnd(6)]);
    set_z(&ev, LG_F_TARGET_FILENAME, files[rnd(5)]);
    set_z(&ev, LG_F_QUERY_NAME, "update.example.com");
    set_z(&ev, LG_F_TARGET_IMAGE, images[rnd(5)]);
    lg_event_set_u64(&ev, LG_F_TARGET_PROCESS_ID, 100 + rnd(12));
    set_z(&ev, LG_F_IMAGE_LOADED, files[1]);
    set_z(&ev, LG_F_TARGET_OBJECT, "HKLM\\Software\\Run\\x");
    set_z(&ev, LG_F_DESTINATION_IP, rnd(2) == 0 ? "192.0.2.7" : "10.0.0.8");
    lg_event_set_u64(&ev, LG_F_DESTINATION_PORT, 443);
    return ev;
}

/* Some are late, some come twice, sources fall silent, time jumps. */
static void make_log(struct log *log, uint64_t seed, size_t n)
{
    lg_time bus = T0 + 1000 * SEC, t = T0;

    memset(log, 0, sizeof(*log));
    rnd_state = seed;
    for (size_t i = 0; i < n; i++) {
        struct rec r;
        lg_time at;

        bus += rnd(1500) * (SEC / 1000);
        t += rnd(1500) * (SEC / 1000);
        if (rnd(120) == 0) {
            bus += rnd(200) * SEC;
            t += rnd(400) * SEC;
        }
        at = t - rnd(25) * SEC;
        if (rnd(15) == 0)
            at = t - rnd(260) * SEC;
        r.ev = random_event(at, i);
        r.in = (struct lg_live_input){.source = r.ev.source + 1,
                .bus_time = bus - rnd(3) * (SEC / 10),
                .offset = i * 3,
                .sequence = rnd(10) == 0 ? 0 : 1000 + i,
                .refused = rnd(50) == 0,
                .held_back = rnd(40) == 0};
        assert_int_equal(lg_vec_push(&log->v, r), 0);
        if (rnd(10) == 0) { /* again, later */
            struct rec again = log->v.v[rnd((uint32_t)log->v.n)];

            again.in.bus_time = bus;
            i++;
            again.in.offset = i * 3;
            assert_int_equal(lg_vec_push(&log->v, again), 0);
        }
    }
}

static void log_done(struct log *log)
{
    lg_vec_done(&log->v);
}

/* ------------------------------------------------------------------ what comes out */

static int by_text(const void *x, const void *y)
{
    return lg_str_cmp(lg_buf_str(x), lg_buf_str(y));
}

static void assert_same(struct found *a, struct found *b)
{
    qsort(a->v.v, a->v.n, sizeof(*a->v.v), by_text);
    qsort(b->v.v, b->v.n, sizeof(*b->v.v), by_text);
    for (size_t i = 0; i < a->v.n && i < b->v.n; i++)
        if (!lg_str_eq(lg_buf_str(&a->v.v[i]), lg_buf_str(&b->v.v[i])))
            fail_msg("window %zu differs:\n%.*s\n%.*s", i, LG_STR_FMT(lg_buf_str(&a->v.v[i])),
                    LG_STR_FMT(lg_buf_str(&b->v.v[i])));
    assert_int_equal(a->v.n, b->v.n);
}

/* Silence after the last record. */
static void finish(struct lg_windows *ws, const struct log *log)
{
    assert_int_equal(lg_windows_tick(ws, lg_windows_bus_time(ws) + 200 * SEC,
                             log->v.v[log->v.n - 1].in.offset + 1),
            0);
}

static void run_all(const struct log *log, struct found *f)
{
    struct lg_windows *ws = live_new(f);

    for (size_t i = 0; i < log->v.n; i++)
        push(ws, &log->v.v[i]);
    finish(ws, log);
    assert_int_equal(lg_windows_active(ws), 0);
    lg_windows_free(ws);
}

/* ------------------------------------------------------------------ tests */

/* A file is a log in which bus time is event time: both modes give the same graphs. */
static void test_same_as_offline(void **state)
{
    struct found live = {0}, offline = {0};
    struct lg_windows *ws = live_new(&live), *off;
    lg_time max[4] = {0};

    (void)state;
    assert_int_equal(lg_windows_new(&lg_window_defaults, found_add, &offline, &off), 0);
    rnd_state = 5;
    for (size_t i = 0; i < 3000; i++) {
        struct lg_event ev = random_event(T0 + (lg_time)i * SEC / 4 - rnd(20) * SEC, i);
        struct lg_live_input in = {.source = ev.source, .offset = i};
        unsigned h = 0;

        ev.flags = 0;
        while (!lg_str_eq(ev.endpoint_id, lg_str_z(hosts[h])))
            h++;
        if (h > 0) /* bus time is one clock: one endpoint */
            continue;
        if (ev.time_ns > max[h])
            max[h] = ev.time_ns;
        in.bus_time = max[h];
        assert_int_equal(lg_windows_push_live(ws, &ev, &in), 0);
        assert_int_equal(lg_windows_push(off, &ev), 0);
    }
    assert_int_equal(lg_windows_tick(ws, max[0] + 120 * SEC, 4000), 0);
    assert_int_equal(lg_windows_flush(off), 0);
    assert_true(offline.v.n > 10);
    assert_same(&live, &offline);
    lg_windows_free(ws);
    lg_windows_free(off);
    found_done(&live);
    found_done(&offline);
}

/* Other endpoints' records and ticks in between only move bus time. */
static void test_ticks_change_nothing(void **state)
{
    struct found plain = {0}, ticked = {0};
    struct lg_windows *ws;
    struct log log;

    (void)state;
    make_log(&log, 11, 1500);
    run_all(&log, &plain);
    ws = live_new(&ticked);
    rnd_state = 3;
    for (size_t i = 0; i < log.v.n; i++) {
        while (rnd(3) == 0)
            assert_int_equal(lg_windows_tick(ws, lg_windows_bus_time(ws), log.v.v[i].in.offset), 0);
        push(ws, &log.v.v[i]);
    }
    finish(ws, &log);
    assert_same(&plain, &ticked);
    lg_windows_free(ws);
    found_done(&plain);
    found_done(&ticked);
    log_done(&log);
}

struct saved {
    char endpoint[16];
    struct lg_buf bytes;
};

struct store {
    struct saved of[4];
    size_t n;
};

static struct saved *store_of(struct store *st, struct lg_str endpoint)
{
    for (size_t i = 0; i < st->n; i++)
        if (lg_str_eq(endpoint, lg_str_z(st->of[i].endpoint)))
            return &st->of[i];
    assert_true(st->n < 4 && endpoint.n < 16);
    memset(&st->of[st->n], 0, sizeof(st->of[0]));
    memcpy(st->of[st->n].endpoint, endpoint.p, endpoint.n);
    lg_buf_init(&st->of[st->n].bytes, 8u << 20);
    return &st->of[st->n++];
}

static void checkpoint(struct lg_windows *ws, struct store *st)
{
    struct lg_windows_checkpoint ck;
    struct lg_buf b;

    lg_buf_init(&b, 8u << 20);
    if (lg_windows_export(ws, &b, &ck) == 1) {
        struct saved *s = store_of(st, ck.endpoint);

        lg_buf_done(&s->bytes);
        s->bytes = b;
        lg_windows_export_done(ws);
    } else {
        lg_buf_done(&b);
    }
}

static void store_done(struct store *st)
{
    for (size_t i = 0; i < st->n; i++)
        lg_buf_done(&st->of[i].bytes);
}

static struct lg_windows *restore(struct found *f, const struct store *st)
{
    struct lg_windows *ws = live_new(f);

    for (size_t i = 0; i < st->n; i++) {
        bool cut = true;

        assert_int_equal(lg_windows_import(ws, lg_buf_str(&st->of[i].bytes), &cut), 0);
        assert_false(cut);
    }
    return ws;
}

/* Killed again and again: what is in checkpoints, and the log from the lowest offset on that is
 * in none, give the windows of an undisturbed run. */
static void run_killed(
        const struct log *log, uint64_t seed, uint32_t every, struct found *f, uint64_t *ret_kills)
{
    struct store st = {0};
    struct lg_windows *ws = live_new(f);
    size_t i = 0, furthest = 0;

    rnd_state = seed;
    while (i < log->v.n) {
        push(ws, &log->v.v[i++]);
        if (i > furthest)
            furthest = i;
        while (rnd(8) == 0)
            checkpoint(ws, &st);
        if (i == furthest && rnd(every) == 0) {
            uint64_t low;
            lg_time bus = 0;

            if (lg_windows_low_offset(ws, &low))
                while (i > 0 && log->v.v[i - 1].in.offset >= low)
                    i--;
            for (size_t k = 0; k < i; k++)
                bus = log->v.v[k].in.bus_time > bus ? log->v.v[k].in.bus_time : bus;
            lg_windows_free(ws);
            ws = restore(f, &st);
            lg_windows_set_bus_time(ws, bus);
            (*ret_kills)++;
        }
    }
    finish(ws, log);
    lg_windows_free(ws);
    store_done(&st);
}

static void test_restart_anywhere(void **state)
{
    uint64_t kills = 0, repeated = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct found whole = {0}, killed = {0};
        struct log log;

        make_log(&log, seed, 700);
        run_all(&log, &whole);
        assert_true(whole.v.n > 10);
        run_killed(&log, seed * 77, 40, &killed, &kills);
        assert_same(&whole, &killed);
        repeated += killed.repeated;
        found_done(&whole);
        found_done(&killed);
        log_done(&log);
    }
    assert_true(kills > 100);
    assert_true(repeated > 0); /* some windows were judged again, with the same bits */
}

/* Restoring and writing again gives the same state; what is in it is passed over. */
static void test_export_is_stable(void **state)
{
    struct found f = {0}, f2 = {0};
    struct lg_windows *ws = live_new(&f), *ws2;
    struct lg_windows_checkpoint ck;
    struct lg_buf a, b;
    struct log log;
    uint64_t low;
    bool cut;

    (void)state;
    make_log(&log, 4, 600);
    lg_buf_init(&a, 8u << 20);
    lg_buf_init(&b, 8u << 20);
    for (size_t i = 0; i < log.v.n; i++) {
        struct rec again = log.v.v[i];

        push(ws, &log.v.v[i]);
        if (i % 50 != 49)
            continue;
        lg_buf_clear(&a);
        lg_buf_clear(&b);
        assert_int_equal(lg_windows_export(ws, &a, &ck), 1);
        lg_windows_export_done(ws);
        ws2 = live_new(&f2);
        assert_int_equal(lg_windows_import(ws2, lg_buf_str(&a), &cut), 0);
        assert_int_equal(lg_windows_import(ws2, lg_buf_str(&a), &cut), LG_EEXIST);
        again.ev.endpoint_id = ck.endpoint;
        again.in.offset = ck.offset;
        again.in.bus_time = 0;
        push(ws2, &again);
        assert_false(lg_windows_low_offset(ws2, &low));
        lg_live_mark_dirty(ws2, ws2->newest, ck.offset);
        assert_int_equal(lg_windows_export(ws2, &b, &ck), 1);
        assert_int_equal(a.n, b.n);
        lg_windows_free(ws2);
    }
    lg_windows_free(ws);
    lg_buf_done(&a);
    lg_buf_done(&b);
    found_done(&f);
    found_done(&f2);
    log_done(&log);
}

/* A checkpoint of another process, whose secret is another: this program, run again. */
static const char *self;

static int write_checkpoints(const char *path)
{
    struct found f = {0};
    struct lg_windows *ws = live_new(&f);
    struct lg_windows_checkpoint ck;
    FILE *out = fopen(path, "wb");
    struct log log;
    struct lg_buf b;

    if (out == NULL)
        return 1;
    make_log(&log, 8, 600);
    for (size_t i = 0; i < 300; i++)
        push(ws, &log.v.v[i]);
    lg_buf_init(&b, 8u << 20);
    while (lg_windows_export(ws, &b, &ck) == 1) {
        (void)fwrite(&b.n, sizeof(b.n), 1, out);
        (void)fwrite(b.p, 1, b.n, out);
        lg_windows_export_done(ws);
        lg_buf_clear(&b);
    }
    lg_buf_done(&b);
    lg_windows_free(ws);
    found_done(&f);
    log_done(&log);
    return fclose(out);
}

static void test_other_process(void **state)
{
    struct found whole = {0}, split = {0};
    struct lg_windows *ws = live_new(&whole), *ws2;
    char path[64], cmd[4200];
    struct log log;
    FILE *in;
    size_t n;

    (void)state;
    (void)snprintf(path, sizeof(path), "test_live_%ld.ck", (long)getpid());
    (void)snprintf(cmd, sizeof(cmd), "'%s' --write %s", self, path);
    assert_int_equal(system(cmd), 0);
    make_log(&log, 8, 600);
    for (size_t i = 0; i < 300; i++)
        push(ws, &log.v.v[i]);
    found_done(&whole);
    memset(&whole, 0, sizeof(whole));
    for (size_t i = 300; i < log.v.n; i++)
        push(ws, &log.v.v[i]);
    finish(ws, &log);
    ws2 = live_new(&split);
    in = fopen(path, "rb");
    assert_non_null(in);
    while (fread(&n, sizeof(n), 1, in) == 1) {
        char *p = malloc(n);
        bool cut;

        assert_int_equal(fread(p, 1, n, in), n);
        assert_int_equal(lg_windows_import(ws2, lg_str_of(p, n), &cut), 0);
        free(p);
    }
    (void)fclose(in);
    (void)remove(path);
    for (size_t i = 0; i < log.v.n; i++)
        push(ws2, &log.v.v[i]);
    finish(ws2, &log);
    assert_true(whole.v.n > 10);
    assert_same(&whole, &split);
    lg_windows_free(ws);
    lg_windows_free(ws2);
    found_done(&whole);
    found_done(&split);
    log_done(&log);
}

static void test_idle_flush(void **state)
{
    struct found f = {0};
    struct lg_windows *ws = live_new(&f);
    struct rec r = one(T0 + 10 * SEC, T0, 1, 1);

    (void)state;
    push(ws, &r);
    assert_int_equal(lg_windows_active(ws), 1);
    assert_int_equal(lg_windows_tick(ws, T0 + 120 * SEC - 1, 2), 0);
    assert_int_equal(f.v.n, 0);
    assert_int_equal(lg_windows_tick(ws, T0 + 120 * SEC, 3), 0);
    assert_int_equal(f.v.n, 3); /* each of its windows, once */
    assert_int_equal(lg_windows_active(ws), 0);
    r = one(T0 + 20 * SEC, T0 + 130 * SEC, 4, 1); /* all its windows are over */
    push(ws, &r);
    r = one(T0 + 70 * SEC, T0 + 131 * SEC, 5, 1); /* one is not */
    push(ws, &r);
    assert_int_equal(lg_windows_tick(ws, T0 + 300 * SEC, 6), 0);
    assert_int_equal(f.v.n, 4);
    assert_true(lg_str_find(lg_buf_str(&f.v.v[3]), LG_STR("\"events\":1")) > 0);
    assert_int_equal(f.repeated, 0);
    {
        struct lg_window_stats st;

        lg_windows_stats(ws, &st);
        assert_int_equal(st.late_dropped, 1);
    }
    lg_windows_free(ws);
    found_done(&f);
}

/* A silent source holds the windows for idle_timeout of bus time, and no longer. */
static void test_source_leaves(void **state)
{
    struct found f = {0};
    struct lg_windows *ws = live_new(&f);
    struct rec r = one(T0 + 10 * SEC, T0, 1, 1);

    (void)state;
    push(ws, &r);
    r = one(T0 + 10 * SEC, T0, 2, 2);
    push(ws, &r);
    for (uint64_t i = 1; i < 12; i++) {
        r = one(T0 + (lg_time)(10 + i * 10) * SEC, T0 + (lg_time)i * 10 * SEC, 2 + i, 1);
        push(ws, &r);
        assert_int_equal(f.v.n, 0); /* source 2 is waited for */
    }
    r = one(T0 + 130 * SEC, T0 + 120 * SEC, 20, 1);
    push(ws, &r);
    assert_int_equal(f.v.n, 1); /* up to 100 s by source 1 alone */
    lg_windows_free(ws);
    found_done(&f);
}

struct forgotten {
    char name[64];
    int n;
};

static void on_forget(void *user, struct lg_str tenant, struct lg_str endpoint)
{
    struct forgotten *fg = user;

    (void)snprintf(
            fg->name, sizeof(fg->name), "%.*s:%.*s", LG_STR_FMT(tenant), LG_STR_FMT(endpoint));
    fg->n++;
}

static void test_forget(void **state)
{
    struct found f = {0};
    struct forgotten fg = {.n = 0};
    const struct lg_live_options lo = {.forget_ns = 3600 * SEC, .forget = on_forget, .user = &fg};
    struct lg_window_stats st;
    struct lg_windows *ws;
    struct rec r = one(T0, T0, 1, 1);

    (void)state;
    assert_int_equal(lg_windows_new(&lg_window_defaults, found_add, &f, &ws), 0);
    assert_int_equal(lg_windows_live(ws, &lo), 0);
    assert_int_equal(lg_windows_live(ws, &lo), LG_EINVAL);
    push(ws, &r);
    assert_int_equal(lg_windows_tick(ws, T0 + 3599 * SEC, 2), 0);
    assert_int_equal(fg.n, 0);
    assert_int_equal(lg_windows_tick(ws, T0 + 3600 * SEC, 3), 0);
    assert_int_equal(fg.n, 1);
    assert_string_equal(fg.name, "default:ws1");
    assert_int_equal(f.v.n, 3);
    lg_windows_stats(ws, &st);
    assert_int_equal(st.endpoints, 0);
    lg_windows_free(ws);
    found_done(&f);
}

/* The parts are all of what is counted, at any time and after a restart. */
static void test_memory_by_part(void **state)
{
    struct found f = {0};
    struct lg_windows *ws = live_new(&f);
    struct lg_window_memory m;
    struct lg_window_stats st;
    size_t most[LG_WINDOW_MEMORY_COUNT] = {0};
    struct log log;

    (void)state;
    make_log(&log, 21, 600);
    for (size_t i = 0; i < log.v.n; i++) {
        size_t sum = 0;

        push(ws, &log.v.v[i]);
        lg_windows_memory(ws, &m);
        lg_windows_stats(ws, &st);
        for (unsigned k = 0; k < LG_WINDOW_MEMORY_COUNT; k++) {
            sum += m.bytes[k];
            most[k] = m.bytes[k] > most[k] ? m.bytes[k] : most[k];
        }
        assert_int_equal(sum, st.bytes);
    }
    for (unsigned k = 0; k < LG_WINDOW_MEMORY_COUNT; k++)
        assert_true(most[k] > 0);
    assert_true(m.processes > 0 && m.processes < 4 * 200);
    lg_windows_free(ws);
    found_done(&f);
    log_done(&log);
}

/* What is known of processes outlives a change of the window's length; open windows do not. */
static void test_other_window(void **state)
{
    struct lg_window_options wo = lg_window_defaults;
    const struct lg_live_options lo = {0};
    struct found f = {0}, f2 = {0};
    struct lg_windows *ws = live_new(&f), *ws2;
    struct lg_windows_checkpoint ck;
    struct rec r = one(T0, T0, 1, 1);
    struct lg_buf b;
    bool cut = false;

    (void)state;
    push(ws, &r);
    r = one(T0 + 60 * SEC, T0 + 60 * SEC, 2, 1);
    push(ws, &r);
    lg_buf_init(&b, 1u << 20);
    assert_int_equal(lg_windows_export(ws, &b, &ck), 1);
    assert_int_equal(ck.offset, 2);
    wo.interval_ns = 30 * SEC;
    assert_int_equal(lg_windows_new(&wo, found_add, &f2, &ws2), 0);
    assert_int_equal(lg_windows_live(ws2, &lo), 0);
    assert_int_equal(lg_windows_import(ws2, lg_buf_str(&b), &cut), 0);
    assert_true(cut);
    {
        struct rec file = one(T0 + 90 * SEC, T0 + 90 * SEC, 3, 1);

        file.ev = event_at(LG_EVENT_FILE_CREATE, T0 + 90 * SEC, 3);
        lg_event_set_u64(&file.ev, LG_F_PROCESS_ID, 101); /* of the first */
        set_z(&file.ev, LG_F_TARGET_FILENAME, "C:\\x.txt");
        push(ws2, &file);
    }
    assert_int_equal(lg_windows_tick(ws2, T0 + 400 * SEC, 9), 0);
    assert_true(f2.v.n >= 1);
    assert_true(lg_str_find(lg_buf_str(&f2.v.v[f2.v.n - 1]), LG_STR("a.exe")) > 0);
    lg_windows_free(ws);
    lg_windows_free(ws2);
    lg_buf_done(&b);
    found_done(&f);
    found_done(&f2);
}

/* Any byte changed, any length: refused, or taken whole; never a crash. */
static void test_import_damaged(void **state)
{
    struct found f = {0};
    struct lg_windows *ws = live_new(&f);
    struct lg_windows_checkpoint ck;
    struct log log;
    struct lg_buf b;
    bool cut;

    (void)state;
    make_log(&log, 21, 60);
    for (size_t i = 0; i < log.v.n; i++)
        push(ws, &log.v.v[i]);
    lg_buf_init(&b, 8u << 20);
    assert_int_equal(lg_windows_export(ws, &b, &ck), 1);
    lg_windows_free(ws);
    ws = live_new(&f);
    assert_int_equal(lg_windows_import(ws, LG_STR(""), &cut), LG_ECORRUPT);
    for (size_t n = 0; n < b.n; n += 1 + n / 40) {
        struct lg_str cutoff = lg_str_of(lg_memdup(b.p, n), n);

        assert_int_equal(lg_windows_import(ws, cutoff, &cut), LG_ECORRUPT);
        lg_free((void *)(uintptr_t)cutoff.p);
    }
    b.p[4]++;
    assert_int_equal(lg_windows_import(ws, lg_buf_str(&b), &cut), LG_EUNSUP);
    b.p[4]--;
    for (size_t i = 13; i < b.n; i += 1 + i / 50) {
        b.p[i] ^= 0x41;
        assert_int_equal(lg_windows_import(ws, lg_buf_str(&b), &cut), LG_ECORRUPT);
        b.p[i] ^= 0x41;
    }
    assert_int_equal(lg_windows_import(ws, lg_buf_str(&b), &cut), 0);
    lg_windows_free(ws);
    lg_buf_done(&b);
    found_done(&f);
    log_done(&log);
}

static int nothing(void *user, const struct lg_graph *g)
{
    (void)user;
    (void)g;
    return 0;
}

/* Every allocation of push, export and import fails in turn. */
static void test_out_of_memory(void **state)
{
    const struct lg_live_options lo = {0};
    struct log log;

    (void)state;
    make_log(&log, 31, 25);
    for (uint64_t n = 1;; n++) {
        struct lg_windows *ws = NULL, *ws2 = NULL;
        struct lg_windows_checkpoint ck;
        struct lg_buf b;
        bool cut;
        int r;

        lg_buf_init(&b, 1u << 20);
        (void)lg_mem_fail_from(n);
        r = lg_windows_new(&lg_window_defaults, nothing, NULL, &ws);
        if (r == 0)
            r = lg_windows_live(ws, &lo);
        for (size_t i = 0; i < log.v.n && r == 0; i++)
            r = lg_windows_push_live(ws, &log.v.v[i].ev, &log.v.v[i].in);
        if (r == 0)
            r = lg_windows_export(ws, &b, &ck);
        if (r == 1)
            r = lg_windows_new(&lg_window_defaults, nothing, NULL, &ws2);
        if (r == 0)
            r = lg_windows_live(ws2, &lo);
        if (r == 0)
            r = lg_windows_import(ws2, lg_buf_str(&b), &cut);
        if (r == 0)
            r = lg_windows_tick(ws2, T0 + 9000 * SEC, 99);
        if (r == 0)
            r = lg_windows_tick(ws, T0 + 9000 * SEC, 99);
        (void)lg_mem_fail_from(0);
        lg_windows_free(ws);
        lg_windows_free(ws2);
        lg_buf_done(&b);
        if (r == 0)
            break;
        assert_int_equal(r, LG_ENOMEM);
    }
    log_done(&log);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_same_as_offline),
            cmocka_unit_test(test_ticks_change_nothing),
            cmocka_unit_test(test_restart_anywhere),
            cmocka_unit_test(test_export_is_stable),
            cmocka_unit_test(test_other_process),
            cmocka_unit_test(test_idle_flush),
            cmocka_unit_test(test_source_leaves),
            cmocka_unit_test(test_forget),
            cmocka_unit_test(test_memory_by_part),
            cmocka_unit_test(test_other_window),
            cmocka_unit_test(test_import_damaged),
            cmocka_unit_test(test_out_of_memory),
    };

    self = argv[0];
    if (argc == 3 && strcmp(argv[1], "--write") == 0)
        return write_checkpoints(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
