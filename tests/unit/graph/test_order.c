#include "graph_util.h"

/* What stands at the borders: equal times, ids, tenants, endpoints that come back, recordings. */

static struct lg_event write_at(lg_time t, uint64_t id, const char *file)
{
    struct lg_event ev = event_at(LG_EVENT_FILE_CREATE, t, id);

    set_actor(&ev, "g1", 100, "C:\\Windows\\explorer.exe");
    set_z(&ev, LG_F_TARGET_FILENAME, file);
    return ev;
}

struct seen {
    struct {
        lg_time end;
        uint64_t events;
        char tenant;
        char endpoint;
    } w[64];
    size_t n;
};

static int note(void *user, const struct lg_graph *g)
{
    struct seen *s = user;

    assert_true(s->n < 64);
    s->w[s->n].end = g->end_ns;
    s->w[s->n].events = g->events;
    s->w[s->n].tenant = g->tenant_id.p[0];
    s->w[s->n++].endpoint = g->endpoint_id.p[0];
    return 0;
}

static struct lg_windows *open_windows(struct seen *s, const struct lg_window_options *o)
{
    struct lg_windows *ws;

    memset(s, 0, sizeof(*s));
    assert_int_equal(lg_windows_new(o, note, s, &ws), 0);
    return ws;
}

static void push(struct lg_windows *ws, struct lg_event ev)
{
    assert_int_equal(lg_windows_push(ws, &ev), 0);
}

static uint64_t duplicates(const struct lg_windows *ws)
{
    struct lg_window_stats st;

    lg_windows_stats(ws, &st);
    return st.duplicates;
}

/* Three copies each of twenty events of one time, in many orders: forty are duplicates. */
static void test_equal_times_stand_in_the_order_of_ids(void **state)
{
    uint64_t seed = 9;

    (void)state;
    for (int round = 0; round < 20; round++) {
        struct seen s;
        struct lg_windows *ws = open_windows(&s, &lg_window_defaults);
        uint64_t ids[60];

        for (unsigned i = 0; i < 60; i++)
            ids[i] = 1 + i % 20;
        for (unsigned i = 59; i > 0; i--) {
            unsigned k;
            uint64_t t;

            seed = seed * 6364136223846793005u + 1442695040888963407u;
            k = (unsigned)(seed >> 33) % (i + 1);
            t = ids[i];
            ids[i] = ids[k];
            ids[k] = t;
        }
        for (unsigned i = 0; i < 60; i++)
            push(ws, write_at(T0, ids[i], "C:\\a"));
        assert_int_equal(lg_windows_flush(ws), 0);
        assert_int_equal(duplicates(ws), 40);
        assert_int_equal(s.w[0].events, 20);
        lg_windows_free(ws);
    }
}

/* What is as old as the watermark waits still: its twin may come. */
static void test_the_watermark_itself_is_not_past(void **state)
{
    struct seen s;
    struct lg_windows *ws = open_windows(&s, &lg_window_defaults);

    (void)state;
    push(ws, write_at(T0, 1, "C:\\a"));
    push(ws, write_at(T0, 2, "C:\\b"));
    push(ws, write_at(T0, 3, "C:\\c"));
    push(ws, write_at(T0 + 30 * SEC, 4, "C:\\d")); /* the watermark is T0 */
    for (uint64_t id = 1; id <= 3; id++)
        push(ws, write_at(T0, id, "C:\\a"));
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_int_equal(duplicates(ws), 3);
    assert_int_equal(s.w[0].events, 4);
    lg_windows_free(ws);
}

/* An event on a border is in the window that begins there and not in the one that ends there. */
static void test_windows_are_half_open(void **state)
{
    struct seen s;
    struct lg_windows *ws = open_windows(&s, &lg_window_defaults);

    (void)state;
    push(ws, write_at(T0 + 60 * SEC - 1, 1, "C:\\a"));
    push(ws, write_at(T0 + 60 * SEC, 2, "C:\\b"));
    push(ws, write_at(T0 + 240 * SEC - 1, 3, "C:\\c"));
    push(ws, write_at(T0 + 240 * SEC, 4, "C:\\d"));
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_int_equal(s.n, 7);
    for (size_t i = 0; i < s.n; i++) {
        static const uint64_t events[] = {1, 2, 2, 2, 2, 2, 1};

        assert_int_equal(s.w[i].end, T0 + 60 * SEC * (lg_time)(i + 1));
        assert_int_equal(s.w[i].events, events[i]);
    }
    lg_windows_free(ws);
}

/* A late event that is older than an open window is not in it, on whatever side of the border. */
static void test_late_events_keep_to_their_windows(void **state)
{
    struct seen s;
    struct lg_windows *ws = open_windows(&s, &lg_window_defaults);

    (void)state;
    push(ws, write_at(T0 + 10 * SEC, 1, "C:\\a"));
    push(ws, write_at(T0 + 215 * SEC, 2, "C:\\b")); /* watermark T0 + 185: three are closed */
    assert_int_equal(s.n, 3);
    push(ws, write_at(T0 + 60 * SEC - 1, 3, "C:\\c")); /* its last window ended at T0 + 180 */
    push(ws, write_at(T0 + 60 * SEC, 4, "C:\\d"));     /* its last one ends at T0 + 240 */
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_int_equal(s.n, 6);
    assert_int_equal(s.w[3].end, T0 + 240 * SEC);
    assert_int_equal(s.w[3].events, 2);
    assert_int_equal(s.w[4].events, 1);
    lg_windows_free(ws);
}

static void test_tenants_do_not_share_an_endpoint(void **state)
{
    struct seen s;
    struct lg_windows *ws = open_windows(&s, &lg_window_defaults);

    (void)state;
    for (uint64_t i = 0; i < 10; i++) {
        struct lg_event ev = write_at(T0 + (lg_time)i * SEC, 1 + i, "C:\\a");

        ev.tenant_id = i % 5 < 2 ? LG_STR("acme") : LG_STR("bolt");
        push(ws, ev);
    }
    assert_int_equal(lg_windows_flush(ws), 0);
    assert_int_equal(s.n, 6);
    for (size_t i = 0; i < s.n; i++) {
        assert_int_equal(s.w[i].tenant, i < 3 ? 'a' : 'b');
        assert_int_equal(s.w[i].events, i < 3 ? 4 : 6);
    }
    lg_windows_free(ws);
}

/* An endpoint that went for want of memory and comes back gets no window a second time. */
static void test_an_endpoint_that_was_shed_comes_back(void **state)
{
    struct lg_window_options o = lg_window_defaults;
    struct lg_window_stats st;
    struct lg_event back;
    struct seen s;
    struct lg_windows *ws;
    unsigned first = 0, again = 0;

    (void)state;
    o.max_total_bytes = 6 << 10;
    ws = open_windows(&s, &o);
    back = write_at(T0 + SEC, 1, "C:\\a");
    back.endpoint_id = LG_STR("x");
    push(ws, back);
    for (uint32_t i = 0; i < 12; i++) {
        struct lg_event ev = write_at(T0, 100 + i, "C:\\a");
        char name[2] = {(char)('a' + (char)i), '\0'};

        ev.endpoint_id = lg_str_z(name);
        push(ws, ev);
    }
    lg_windows_stats(ws, &st);
    assert_true(st.early_flushes > 0);
    for (size_t i = 0; i < s.n; i++)
        first += s.w[i].endpoint == 'x';
    assert_int_equal(first, 1);
    back = write_at(T0 + 2 * SEC, 2, "C:\\b"); /* in the window that was given out, and the next */
    back.endpoint_id = LG_STR("x");
    push(ws, back);
    assert_int_equal(lg_windows_flush(ws), 0);
    for (size_t i = 0; i < s.n; i++)
        again += s.w[i].endpoint == 'x' && s.w[i].end == T0 + 60 * SEC;
    assert_int_equal(again, 1);
    lg_windows_free(ws);
}

/* A second recording: one that goes on, one of an older time, one of a later. */
static void test_recordings_of_one_endpoint(void **state)
{
    struct seen s;
    struct lg_window_stats st;
    struct lg_windows *ws = open_windows(&s, &lg_window_defaults);

    (void)state;
    push(ws, write_at(T0 + 50 * SEC, 1, "C:\\a"));
    lg_windows_next_input(ws);
    push(ws, write_at(T0 + 70 * SEC, 2, "C:\\b")); /* rotated: one stream */
    lg_windows_next_input(ws);
    push(ws, write_at(T0 - 86400 * SEC, 3, "C:\\c")); /* the day before, all of it in time */
    push(ws, write_at(T0 - 86399 * SEC, 4, "C:\\d"));
    lg_windows_next_input(ws);
    push(ws, write_at(T0 + 86400 * SEC, 5, "C:\\e"));
    assert_int_equal(lg_windows_flush(ws), 0);
    lg_windows_stats(ws, &st);
    assert_int_equal(st.late_dropped + st.late_entered, 0);
    assert_int_equal(s.n, 4 + 3 + 3);
    assert_int_equal(s.w[1].end, T0 + 120 * SEC);
    assert_int_equal(s.w[1].events, 2);
    assert_int_equal(s.w[4].end, T0 - 86340 * SEC);
    assert_int_equal(s.w[4].events, 2);
    assert_int_equal(s.w[7].end, T0 + 86460 * SEC);
    lg_windows_free(ws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_equal_times_stand_in_the_order_of_ids),
            cmocka_unit_test(test_the_watermark_itself_is_not_past),
            cmocka_unit_test(test_windows_are_half_open),
            cmocka_unit_test(test_late_events_keep_to_their_windows),
            cmocka_unit_test(test_tenants_do_not_share_an_endpoint),
            cmocka_unit_test(test_an_endpoint_that_was_shed_comes_back),
            cmocka_unit_test(test_recordings_of_one_endpoint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
