#include "graph_util.h"

/* Windows, watermarks, lateness, order, budgets. */

static struct lg_event read_at(lg_time t, uint64_t id, const char *file)
{
    struct lg_event ev = event_at(LG_EVENT_FILE_CREATE, t, id);

    set_actor(&ev, "g1", 100, "C:\\Windows\\explorer.exe");
    set_z(&ev, LG_F_TARGET_FILENAME, file);
    return ev;
}

static struct lg_windows *open_windows(struct graph_log *log)
{
    struct lg_windows *ws;

    memset(log, 0, sizeof(*log));
    assert_int_equal(lg_windows_new(&lg_window_defaults, graph_log_add, log, &ws), 0);
    return ws;
}

static void push(struct lg_windows *ws, struct lg_event ev)
{
    assert_int_equal(lg_windows_push(ws, &ev), 0);
}

static void test_options(void **state)
{
    struct lg_window_options o = lg_window_defaults;
    struct lg_windows *ws;
    struct graph_log log;

    (void)state;
    o.interval_ns = 50 * SEC; /* does not divide 180 s */
    assert_int_equal(lg_windows_new(&o, graph_log_add, &log, &ws), LG_EINVAL);
    o.interval_ns = 0;
    assert_int_equal(lg_windows_new(&o, graph_log_add, &log, &ws), LG_EINVAL);
    o = lg_window_defaults;
    o.idle_timeout_ns = 0;
    assert_int_equal(lg_windows_new(&o, graph_log_add, &log, &ws), LG_EINVAL);
}

struct ends {
    lg_time end[16];
    uint64_t events[16];
    uint32_t late[16];
    size_t n;
};

static void note_end(const struct lg_graph *g, void *user)
{
    struct ends *e = user;

    assert_true(e->n < 16);
    assert_int_equal(g->end_ns - g->start_ns, 180 * SEC);
    assert_int_equal(g->end_ns % (60 * SEC), 0);
    e->end[e->n] = g->end_ns;
    e->late[e->n] = g->late_events;
    e->events[e->n++] = g->events;
}

/* Every window with at least one event, half-open, once, in order. */
static void test_window_ends(void **state)
{
    struct graph_log log;
    struct lg_windows *ws = open_windows(&log);
    struct ends e = {.n = 0};

    (void)state;
    log.look = note_end;
    log.user = &e;
    push(ws, read_at(T0, 1, "a")); /* in [.., T0+60), first in none before */
    push(ws, read_at(T0 + 59 * SEC, 2, "b"));
    push(ws, read_at(T0 + 60 * SEC, 3, "c")); /* on a border: belongs to the next interval */
    push(ws, read_at(T0 + 3600 * SEC, 4, "d"));
    assert_int_equal(e.n, 4);
    assert_int_equal(e.end[0], T0 + 60 * SEC);
    assert_int_equal(e.events[0], 2);
    assert_int_equal(e.end[1], T0 + 120 * SEC);
    assert_int_equal(e.events[1], 3);
    assert_int_equal(e.end[2], T0 + 180 * SEC);
    assert_int_equal(e.events[2], 3);
    assert_int_equal(e.end[3], T0 + 240 * SEC);
    assert_int_equal(e.events[3], 1);
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_int_equal(e.n, 7);
    assert_int_equal(e.end[4], T0 + 3660 * SEC);
    assert_int_equal(e.end[6], T0 + 3780 * SEC);
    lg_windows_free(ws);
    graph_log_done(&log);
}

/* A window closes when the watermark reaches its end, not before. */
static void test_watermark(void **state)
{
    struct graph_log log;
    struct lg_windows *ws = open_windows(&log);

    (void)state;
    push(ws, read_at(T0 + 5 * SEC, 1, "a"));
    push(ws, read_at(T0 + 90 * SEC - 1, 2, "b"));
    assert_int_equal(log.json.n, 0);
    push(ws, read_at(T0 + 90 * SEC, 3, "c"));
    assert_int_equal(log.json.n, 1);
    lg_windows_free(ws);
    graph_log_done(&log);
}

/* A second instrument holds the watermark back until it has been silent for the time-out. */
static void test_watermark_sources(void **state)
{
    struct graph_log log;
    struct lg_windows *ws = open_windows(&log);
    struct lg_event sec;

    (void)state;
    sec = read_at(T0, 1, "a");
    sec.source = LG_SOURCE_WIN_SECURITY;
    push(ws, sec);
    push(ws, read_at(T0 + 119 * SEC, 2, "b"));
    assert_int_equal(log.json.n, 0);
    push(ws, read_at(T0 + 120 * SEC, 3, "c")); /* now Security is idle */
    assert_int_equal(log.json.n, 1);
    lg_windows_free(ws);
    graph_log_done(&log);
}

static void test_late(void **state)
{
    struct graph_log log;
    struct lg_windows *ws = open_windows(&log);
    struct lg_window_stats st;
    struct ends e = {.n = 0};

    (void)state;
    log.look = note_end;
    log.user = &e;
    push(ws, read_at(T0 + 10 * SEC, 1, "a"));
    push(ws, read_at(T0 + 100 * SEC, 2, "b")); /* watermark T0 + 70: the first window is closed */
    assert_int_equal(e.n, 1);
    push(ws, read_at(T0 + 20 * SEC, 3, "late")); /* in two open windows still */
    push(ws, read_at(T0 - 200 * SEC, 4, "lost"));
    lg_windows_stats(ws, &st);
    assert_int_equal(st.late_entered, 1);
    assert_int_equal(st.late_dropped, 1);
    assert_int_equal(e.n, 1);
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_int_equal(e.n, 4);
    assert_int_equal(e.end[1], T0 + 120 * SEC);
    assert_int_equal(e.events[1], 3);
    assert_int_equal(e.late[1], 1);
    assert_int_equal(e.events[2], 3);
    assert_int_equal(e.events[3], 1);
    assert_int_equal(e.late[3], 0);
    lg_windows_free(ws);
    graph_log_done(&log);
}

/* A late event does not bring back a window that passed empty. */
static void test_late_empty_window(void **state)
{
    struct graph_log log;
    struct lg_windows *ws = open_windows(&log);
    struct ends e = {.n = 0};

    (void)state;
    log.look = note_end;
    log.user = &e;
    push(ws, read_at(T0 + 215 * SEC, 1, "a")); /* watermark T0 + 185 */
    push(ws, read_at(T0 + 130 * SEC, 2, "b")); /* its window T0 + 180 is over */
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_int_equal(e.n, 3);
    assert_int_equal(e.end[0], T0 + 240 * SEC);
    assert_int_equal(e.events[0], 2);
    lg_windows_free(ws);
    graph_log_done(&log);
}

static void test_duplicates(void **state)
{
    struct graph_log log;
    struct lg_windows *ws = open_windows(&log);
    struct lg_window_stats st;

    (void)state;
    push(ws, read_at(T0, 1, "a"));
    push(ws, read_at(T0, 2, "a"));
    push(ws, read_at(T0, 1, "a"));
    push(ws, read_at(T0, 1, "a"));
    assert_int_equal(lg_windows_flush(ws), 0);
    lg_windows_stats(ws, &st);
    assert_int_equal(st.duplicates, 2);
    assert_true(graph_log_has(&log, 0, "\"events\":2,"));
    lg_windows_free(ws);
    graph_log_done(&log);
}

/* --- determinism --- */

static uint64_t rng_state;
static uint32_t rng(uint32_t n)
{
    rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rng_state >> 33) % n;
}

#define STREAM 1500
static const char *const images[] = {"C:\\Windows\\System32\\svchost.exe",
        "C:\\Windows\\explorer.exe", "C:\\Windows\\System32\\cmd.exe", "C:\\Temp\\a.exe"};
static const char *const guids[] = {"g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8"};
static const char *const keys[] = {
        "HKLM\\Software\\A", "HKLM\\Software\\B\\Run", "HKU\\.DEFAULT\\x"};

/* One endpoint's stream in time order. */
static void make_stream(struct lg_event *out, size_t n, const char *endpoint, uint64_t seed)
{
    lg_time t = T0;

    rng_state = seed;
    for (size_t i = 0; i < n; i++) {
        uint32_t k = rng(6), p = rng(8);
        struct lg_event ev;

        t += (lg_time)rng(1000) * (SEC / 1000); /* equal times occur */
        if (k == 0) {
            ev = create_at(t, i, guids[p], 100 + p, images[p % 4], "cmd.exe /c dir");
            set_parent(&ev, guids[(p + 1) % 8], 100 + (p + 1) % 8, images[(p + 1) % 4], NULL);
        } else if (k == 1) {
            ev = event_at(LG_EVENT_PROCESS_TERMINATE, t, i);
            set_actor(&ev, NULL, 100 + p, NULL);
        } else if (k < 4) {
            ev = event_at(LG_EVENT_REGISTRY_VALUE_SET, t, i);
            set_actor(&ev, guids[p], 100 + p, images[p % 4]);
            set_z(&ev, LG_F_TARGET_OBJECT, keys[rng(3)]);
            set_z(&ev, LG_F_DETAILS, rng(2) ? "DWORD (0x1)" : "c:\\x.exe");
        } else {
            ev = event_at(LG_EVENT_PROCESS_ACCESS, t, i);
            set_actor(&ev, guids[p], 100 + p, images[p % 4]);
            set_z(&ev, LG_F_TARGET_PROCESS_GUID, guids[(p + 3) % 8]);
            set_z(&ev, LG_F_TARGET_IMAGE, images[(p + 3) % 4]);
            lg_event_set_u64(&ev, LG_F_GRANTED_ACCESS, rng(2) ? 0x1fffff : 0x1400);
        }
        ev.endpoint_id = lg_str_z(endpoint);
        out[i] = ev;
    }
}

/* Moves events about, none by more than the lateness. */
static void shuffle_inside_lateness(struct lg_event *ev, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        size_t j = i;

        while (j + 1 < n && ev[j + 1].time_ns - ev[i].time_ns < 14 * SEC)
            j++;
        j = i + rng((uint32_t)(j - i + 1));
        if (ev[j].time_ns - ev[i].time_ns < 14 * SEC) {
            struct lg_event t = ev[i];

            ev[i] = ev[j];
            ev[j] = t;
        }
    }
}

static bool in_lateness(const struct lg_event *ev, size_t n)
{
    lg_time max = 0;

    for (size_t i = 0; i < n; i++) {
        if (ev[i].time_ns > max)
            max = ev[i].time_ns;
        if (ev[i].time_ns < max - 30 * SEC)
            return false;
    }
    return true;
}

static int json_order(const void *a, const void *b)
{
    return lg_str_cmp(lg_buf_str(a), lg_buf_str(b));
}

static void assert_same(struct graph_log *a, struct graph_log *b)
{
    assert_int_equal(a->json.n, b->json.n);
    qsort(a->json.v, a->json.n, sizeof(*a->json.v), json_order);
    qsort(b->json.v, b->json.n, sizeof(*b->json.v), json_order);
    for (size_t i = 0; i < a->json.n; i++)
        assert_true(lg_str_eq(lg_buf_str(&a->json.v[i]), lg_buf_str(&b->json.v[i])));
}

static void test_any_order(void **state)
{
    struct lg_event *ev = lg_calloc(STREAM, sizeof(*ev));
    struct graph_log first, log;

    (void)state;
    make_stream(ev, STREAM, "ws1", 42);
    for (int round = 0; round < 6; round++) {
        struct lg_windows *ws = open_windows(round == 0 ? &first : &log);
        struct lg_window_stats st;

        if (round > 0) {
            rng_state = (uint64_t)round;
            make_stream(ev, STREAM, "ws1", 42);
            shuffle_inside_lateness(ev, STREAM);
            assert_true(in_lateness(ev, STREAM));
        }
        for (size_t i = 0; i < STREAM; i++)
            push(ws, ev[i]);
        assert_int_equal(lg_windows_flush(ws), 0);
        lg_windows_stats(ws, &st);
        assert_int_equal(st.late_entered + st.late_dropped + st.duplicates, 0);
        lg_windows_free(ws);
        if (round == 0) {
            assert_true(first.json.n > 10);
            continue;
        }
        assert_same(&first, &log);
        graph_log_done(&log);
    }
    graph_log_done(&first);
    lg_free(ev);
}

static void test_any_interleaving(void **state)
{
    enum { N = 400, ENDPOINTS = 5 };
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    struct lg_event *ev = lg_calloc(N * ENDPOINTS, sizeof(*ev));
    struct graph_log one, mixed;
    struct lg_windows *ws = open_windows(&one);
    size_t at[ENDPOINTS] = {0}, left = N * ENDPOINTS;

    (void)state;
    for (unsigned e = 0; e < ENDPOINTS; e++)
        make_stream(ev + e * N, N, names[e], e + 1);
    for (size_t i = 0; i < N * ENDPOINTS; i++)
        push(ws, ev[i]);
    assert_int_equal(lg_windows_flush(ws), 0);
    lg_windows_free(ws);
    ws = open_windows(&mixed);
    rng_state = 99;
    while (left > 0) {
        unsigned e = rng(ENDPOINTS);

        for (uint32_t k = rng(9); k > 0 && at[e] < N; k--, left--)
            push(ws, ev[e * N + at[e]++]);
    }
    assert_int_equal(lg_windows_flush(ws), 0);
    lg_windows_free(ws);
    assert_same(&one, &mixed);
    graph_log_done(&one);
    graph_log_done(&mixed);
    lg_free(ev);
}

/* --- budgets --- */

static void test_endpoint_budget(void **state)
{
    struct lg_window_options o = lg_window_defaults;
    struct lg_window_stats st;
    struct graph_log log = {.fail_at = 0};
    struct lg_windows *ws;
    char name[64];

    (void)state;
    o.max_endpoint_bytes = 256 << 10;
    assert_int_equal(lg_windows_new(&o, graph_log_add, &log, &ws), 0);
    for (uint32_t i = 0; i < 30000; i++) {
        (void)snprintf(name, sizeof(name), "C:\\data\\%c%c%c%c\\file.txt", 'a' + i % 26,
                'a' + i / 26 % 26, 'a' + i / 676 % 26, 'a' + i / 17576 % 26);
        push(ws, read_at(T0 + (lg_time)i * (SEC / 1000), i, name));
    }
    lg_windows_stats(ws, &st);
    assert_true(st.forced > 0);
    assert_true(st.bytes < (256u << 10) * 2 + (4u << 20)); /* with the text cache */
    assert_int_equal(lg_windows_flush(ws), 0);
    lg_windows_stats(ws, &st);
    assert_int_equal(st.events, 30000);
    assert_true(graph_log_has(&log, 0, "\"events\":30000,"));
    assert_false(graph_log_has(&log, 0, "\"nodes_dropped\":0,"));
    lg_windows_free(ws);
    graph_log_done(&log);
}

/* Repeats fold in no space: a flood of equal events drops nothing. */
static void test_flood_of_repeats(void **state)
{
    struct lg_window_options o = lg_window_defaults;
    struct graph_log log = {.fail_at = 0};
    struct lg_windows *ws;

    (void)state;
    o.max_endpoint_bytes = 128 << 10;
    assert_int_equal(lg_windows_new(&o, graph_log_add, &log, &ws), 0);
    for (uint32_t i = 0; i < 20000; i++)
        push(ws, read_at(T0 + (lg_time)i, i, "C:\\same.txt"));
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_true(graph_log_has(&log, 0, "\"count\":20000,"));
    assert_true(graph_log_has(&log, 0, "\"nodes_dropped\":0,"));
    lg_windows_free(ws);
    graph_log_done(&log);
}

static void test_total_budget(void **state)
{
    struct lg_window_options o = lg_window_defaults;
    struct lg_window_stats st;
    struct graph_log log = {.fail_at = 0};
    struct lg_windows *ws;
    char name[32];

    (void)state;
    o.max_total_bytes = 256 << 10;
    assert_int_equal(lg_windows_new(&o, graph_log_add, &log, &ws), 0);
    for (uint32_t i = 0; i < 3000; i++) {
        struct lg_event ev = read_at(T0, i, "C:\\a.txt");

        (void)snprintf(name, sizeof(name), "host%u", i);
        ev.endpoint_id = lg_str_z(name);
        push(ws, ev);
    }
    lg_windows_stats(ws, &st);
    assert_true(st.early_flushes > 0);
    assert_true(st.endpoints < 3000);
    assert_int_equal(st.early_flushes + st.endpoints, 3000);
    assert_int_equal(lg_windows_flush(ws), 0);
    lg_windows_stats(ws, &st);
    assert_int_equal(st.endpoints, 0);
    /* one window of those that went early, all three of the others */
    assert_int_equal(log.json.n, st.early_flushes + (3000 - st.early_flushes) * 3);
    lg_windows_free(ws);
    graph_log_done(&log);
}

/* An endpoint whose windows are over keeps little. */
static void test_idle_endpoint_size(void **state)
{
    struct graph_log log;
    struct lg_windows *ws = open_windows(&log);
    struct lg_window_stats before, after;

    (void)state;
    lg_windows_stats(ws, &before);
    for (uint32_t i = 0; i < 2000; i++)
        push(ws, read_at(T0 + (lg_time)i * (SEC / 100), i, i % 2 ? "C:\\a.txt" : "C:\\b.txt"));
    /* far ahead: what stays is one waiting event and the process */
    push(ws, read_at(T0 + 9000 * SEC, 5000, "C:\\c.txt"));
    lg_windows_stats(ws, &after);
    assert_true(after.bytes - before.bytes < 120000); /* most of it is shared scratch */
    lg_windows_free(ws);
    graph_log_done(&log);
}

static void test_callback_error(void **state)
{
    struct graph_log log;
    struct lg_windows *ws = open_windows(&log);
    struct lg_event ev;

    (void)state;
    log.fail_at = 1;
    push(ws, read_at(T0, 1, "a"));
    ev = read_at(T0 + 200 * SEC, 2, "b");
    assert_int_equal(lg_windows_push(ws, &ev), LG_EINTR);
    assert_int_equal(log.json.n, 1);
    log.fail_at = 0;
    assert_int_equal(lg_windows_flush(ws), 0); /* goes on behind the window that stopped it */
    assert_true(log.json.n > 3);
    lg_windows_free(ws);
    graph_log_done(&log);
}

static void test_odd_times(void **state)
{
    struct graph_log log;
    struct lg_windows *ws = open_windows(&log);

    (void)state;
    push(ws, read_at(INT64_MIN, 1, "a"));
    push(ws, read_at(INT64_MAX, 2, "b"));
    push(ws, read_at(0, 3, "c"));
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_true(log.json.n >= 6);
    lg_windows_free(ws);
    graph_log_done(&log);
}

static void test_out_of_memory(void **state)
{
    struct lg_event *ev = lg_calloc(60, sizeof(*ev));
    bool done = false;

    (void)state;
    make_stream(ev, 60, "ws1", 5);
    for (size_t i = 0; i < 60; i++)
        ev[i].time_ns += (lg_time)i * 5 * SEC;
    for (uint64_t n = 1; !done; n++) {
        struct graph_log log = {.fail_at = 0};
        struct lg_windows *ws = NULL;
        int r;

        (void)lg_mem_fail_from(n);
        r = lg_windows_new(&lg_window_defaults, graph_log_add, &log, &ws);
        for (size_t i = 0; i < 60 && r == 0; i++)
            r = lg_windows_push(ws, &ev[i]);
        if (r == 0)
            r = lg_windows_flush(ws);
        (void)lg_mem_fail_from(0);
        assert_true(r == 0 || r == LG_ENOMEM);
        done = r == 0;
        lg_windows_free(ws);
        graph_log_done(&log);
        assert_true(n < 20000);
    }
    lg_free(ev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_options),
            cmocka_unit_test(test_window_ends),
            cmocka_unit_test(test_watermark),
            cmocka_unit_test(test_watermark_sources),
            cmocka_unit_test(test_late),
            cmocka_unit_test(test_late_empty_window),
            cmocka_unit_test(test_duplicates),
            cmocka_unit_test(test_any_order),
            cmocka_unit_test(test_any_interleaving),
            cmocka_unit_test(test_endpoint_budget),
            cmocka_unit_test(test_flood_of_repeats),
            cmocka_unit_test(test_total_budget),
            cmocka_unit_test(test_idle_endpoint_size),
            cmocka_unit_test(test_callback_error),
            cmocka_unit_test(test_odd_times),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
