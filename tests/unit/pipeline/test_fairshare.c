/* Fair share over a real held-back topic: nothing is dropped, nothing overtakes, turns are even. */
#include "../bus/bus_test.h"
#include "pipeline/fairshare.h"

static struct bus_test bt;
static int held;
static struct lg_fairshare *fs;
static struct lg_fairshare_options opt;
static lg_time now;

static int setup(void **state)
{
    (void)state;
    bt_init(&bt);
    held = bt_topic(&bt, "held", 2);
    now = bt.now;
    opt = (struct lg_fairshare_options){.bus = bt.bus,
            .held_topic = held,
            .endpoint_rate = 10,
            .endpoint_burst = 20,
            .quantum = 4};
    assert_int_equal(lg_fairshare_new(&opt, &fs), 0);
    assert_int_equal(lg_fairshare_assigned(fs, 0, 0, LG_STR(""), NULL), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lg_fairshare_free(fs);
    bt_done(&bt);
    return 0;
}

/* One record through the gate, as the normalizer does it. */
static int offer(const char *endpoint, int n)
{
    char value[32];
    int rc = lg_fairshare_offer(fs, 0, LG_STR("acme"), lg_str_z(endpoint), 1, now);

    assert_true(rc >= 0);
    (void)snprintf(value, sizeof(value), "%d", n);
    if (rc == LG_FAIR_HOLD)
        bt_publish(&bt, held, 0, endpoint, value, 0);
    lg_fairshare_settle(fs);
    return rc;
}

/* Drains up to max records; "a1 b7 ..." */
static const char *drain(int max)
{
    static char text[8192];
    struct lg_bus_record rec;
    int32_t partition;
    size_t n = 0;

    text[0] = '\0';
    for (int i = 0; i < max; i++) {
        int rc = lg_fairshare_next(fs, now, &partition, &rec, NULL);

        assert_true(rc >= 0);
        if (rc == 0)
            break;
        assert_int_equal(partition, 0);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s%.*s ", (int)rec.key.n, rec.key.p,
                (int)rec.value.n, rec.value.p);
    }
    lg_fairshare_settle(fs);
    return text;
}

static void test_under_the_rate(void **state)
{
    struct lg_fairshare_stats st;

    (void)state;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(offer("a", i), LG_FAIR_DIRECT);
        now += LG_NS_PER_SEC / 10;
    }
    lg_fairshare_stats_get(fs, &st);
    assert_int_equal(st.direct, 200);
    assert_int_equal(st.held, 0);
    assert_string_equal(drain(10), "");
}

/* A flood is held back from the first record over the burst on; others are not touched; the
 * endpoint is direct again only when all of it is drained. */
static void test_flood(void **state)
{
    struct lg_fairshare_held list[2];
    struct lg_fairshare_stats st;

    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(offer("a", i), LG_FAIR_DIRECT);
    for (int i = 20; i < 30; i++)
        assert_int_equal(offer("a", i), LG_FAIR_HOLD);
    assert_int_equal(offer("b", 0), LG_FAIR_DIRECT);
    now += 10 * LG_NS_PER_SEC; /* the bucket is full again, but order comes first */
    assert_int_equal(offer("a", 30), LG_FAIR_HOLD);
    assert_int_equal(lg_fairshare_list(fs, list, 2), 1);
    assert_str(list[0].endpoint, "a");
    assert_int_equal(list[0].held, 11);
    assert_string_equal(drain(10), "a20 a21 a22 a23 a24 a25 a26 a27 a28 a29 ");
    assert_int_equal(offer("a", 31), LG_FAIR_HOLD);
    assert_string_equal(drain(10), "a30 a31 ");
    assert_int_equal(offer("a", 32), LG_FAIR_DIRECT);
    lg_fairshare_stats_get(fs, &st);
    assert_int_equal(st.held, 12);
    assert_int_equal(st.drained, 12);
    assert_int_equal(st.waiting, 0);
    assert_int_equal(st.endpoints_held, 0);
    assert_int_equal(lg_fairshare_low_offset(fs, 0), 12);
}

/* Turns of `quantum` records each, however much an endpoint has waiting. */
static void test_round_robin(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        (void)offer("a", i);
        (void)offer("b", i);
        (void)offer("c", i);
    }
    for (int i = 20; i < 32; i++)
        (void)offer("a", i);
    for (int i = 20; i < 26; i++)
        (void)offer("b", i);
    (void)offer("c", 20);
    assert_string_equal(drain(100),
            "a20 a21 a22 a23 b20 b21 b22 b23 c20 a24 a25 a26 a27 b24 b25 "
            "a28 a29 a30 a31 ");
}

static void test_drain_rate(void **state)
{
    (void)state;
    opt.drain_rate = 3;
    lg_fairshare_set_rates(fs, &opt);
    for (int i = 0; i < 30; i++)
        (void)offer("a", i);
    assert_string_equal(drain(100), "a20 a21 a22 ");
    assert_string_equal(drain(100), "");
    now += LG_NS_PER_SEC / 3 + 1;
    assert_string_equal(drain(100), "a23 ");
    now += 10 * LG_NS_PER_SEC;
    assert_string_equal(drain(100), "a24 a25 a26 ");
}

static void test_tenant(void **state)
{
    (void)state;
    opt.endpoint_rate = 0;
    opt.tenant_rate = 5;
    opt.tenant_burst = 5;
    lg_fairshare_set_rates(fs, &opt);
    for (int i = 0; i < 5; i++)
        assert_int_equal(offer(i % 2 != 0 ? "a" : "b", i), LG_FAIR_DIRECT);
    assert_int_equal(offer("c", 5), LG_FAIR_HOLD);
    assert_int_equal(
            lg_fairshare_offer(fs, 0, LG_STR("other"), LG_STR("d"), 1, now), LG_FAIR_DIRECT);
    lg_fairshare_settle(fs);
    assert_string_equal(drain(10), "c5 ");
}

/* A fold pays for all that it stands for. */
static void test_fold(void **state)
{
    (void)state;
    assert_int_equal(
            lg_fairshare_offer(fs, 0, LG_STR("acme"), LG_STR("a"), 119, now), LG_FAIR_DIRECT);
    lg_fairshare_settle(fs);
    now += 9 * LG_NS_PER_SEC; /* 20 - 119 + 90 < 0 */
    assert_int_equal(offer("a", 1), LG_FAIR_HOLD);
}

/* A call that is made again finds everything as it was. */
static void test_undo(void **state)
{
    struct lg_fairshare_stats before, after;
    struct lg_bus_record rec;
    int32_t partition;

    (void)state;
    for (int i = 0; i < 25; i++)
        (void)offer("a", i);
    assert_string_equal(drain(1), "a20 ");
    lg_fairshare_stats_get(fs, &before);
    for (int i = 0; i < 4; i++)
        assert_int_equal(lg_fairshare_next(fs, now, &partition, &rec, NULL), 1);
    assert_int_equal(lg_fairshare_next(fs, now, &partition, &rec, NULL), 0);
    for (int i = 0; i < 25; i++)
        assert_int_equal(lg_fairshare_offer(fs, 0, LG_STR("acme"), LG_STR("b"), 1, now),
                i < 20 ? LG_FAIR_DIRECT : LG_FAIR_HOLD);
    assert_int_equal(lg_fairshare_offer(fs, 0, LG_STR("acme"), LG_STR("a"), 1, now), LG_FAIR_HOLD);
    lg_fairshare_undo(fs);
    lg_fairshare_stats_get(fs, &after);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(lg_fairshare_low_offset(fs, 0), 1);
    assert_string_equal(drain(10), "a21 a22 a23 a24 ");
    for (int i = 0; i < 20; i++)
        assert_int_equal(offer("b", i), LG_FAIR_DIRECT);
    assert_int_equal(offer("b", 20), LG_FAIR_HOLD);
}

/* After a restart what is held is still in front of what comes, and nothing is drained twice. */
static void test_restart(void **state)
{
    struct lg_buf saved;
    int64_t low;

    (void)state;
    for (int i = 0; i < 26; i++) {
        (void)offer("a", i);
        (void)offer("b", i);
    }
    assert_string_equal(drain(6), "a20 a21 a22 a23 b20 b21 ");
    lg_buf_init(&saved, 4096);
    assert_int_equal(lg_fairshare_save(fs, 0, &saved), 0);
    low = lg_fairshare_low_offset(fs, 0);
    assert_int_equal(low, 5); /* a20 b20 a21 b21 a22 [b22] a23 ... */
    lg_fairshare_free(fs);
    assert_int_equal(lg_fairshare_new(&opt, &fs), 0);
    assert_int_equal(lg_fairshare_assigned(fs, 0, low, lg_buf_str(&saved), NULL), 0);
    assert_int_equal(offer("a", 26), LG_FAIR_HOLD);
    assert_string_equal(drain(100), "b22 b23 b24 b25 a24 a25 a26 ");
    assert_int_equal(offer("a", 27), LG_FAIR_DIRECT);
    /* without the state some come twice, but in order and none is missing */
    lg_fairshare_free(fs);
    assert_int_equal(lg_fairshare_new(&opt, &fs), 0);
    assert_int_equal(lg_fairshare_assigned(fs, 0, low, LG_STR(""), NULL), 0);
    assert_string_equal(drain(100), "b22 b23 b24 b25 a23 a24 a25 a26 ");
    for (size_t n = 1; n < saved.n; n++) { /* cut anywhere it is refused or gives less */
        struct lg_str cut = exact(saved.p, n);
        int rc = lg_fairshare_assigned(fs, 0, low, cut, NULL);

        assert_true(rc == 0 || rc == LG_ECORRUPT);
        free_exact(cut);
    }
    lg_buf_done(&saved);
}

/* With a window that holds a few records only, all come, in order, and other endpoints are seen
 * behind a flood. */
static void test_small_window(void **state)
{
    struct lg_bus_record rec;
    char key[8];
    int32_t partition;
    int next[3] = {20, 20, 20}, total = 0, turn_of_others = 0;

    (void)state;
    lg_fairshare_free(fs);
    opt.window_bytes = 2000;
    assert_int_equal(lg_fairshare_new(&opt, &fs), 0);
    assert_int_equal(lg_fairshare_assigned(fs, 0, 0, LG_STR(""), NULL), 0);
    for (int i = 0; i < 500; i++)
        (void)offer("a", i);
    for (int i = 0; i < 60; i++) {
        (void)offer("b", i);
        (void)offer("c", i);
    }
    while (lg_fairshare_next(fs, now, &partition, &rec, NULL) == 1) {
        int64_t n;

        (void)snprintf(key, sizeof(key), "%.*s", (int)rec.key.n, rec.key.p);
        assert_int_equal(lg_parse_i64(rec.value, &n), 0);
        assert_int_equal(n, next[key[0] - 'a']++);
        total++;
        if (key[0] != 'a' && total < 400)
            turn_of_others++;
        if (total % 7 == 0)
            lg_fairshare_settle(fs);
    }
    assert_int_equal(next[0], 500);
    assert_int_equal(next[1], 60);
    assert_int_equal(next[2], 60);
    assert_int_equal(turn_of_others, 80);
    assert_int_equal(lg_fairshare_low_offset(fs, 0), 560);
}

/* Endpoints that went quiet are forgotten, and past the cap unknown ones are never held. */
static void test_many_endpoints(void **state)
{
    char key[16];

    (void)state;
    lg_fairshare_free(fs);
    opt.max_endpoints = 50;
    opt.endpoint_burst = 1;
    assert_int_equal(lg_fairshare_new(&opt, &fs), 0);
    assert_int_equal(lg_fairshare_assigned(fs, 0, 0, LG_STR(""), NULL), 0);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(offer(key, i), LG_FAIR_DIRECT);
    }
    assert_int_equal(offer("k7", 0), LG_FAIR_HOLD);
    assert_int_equal(offer("new", 0), LG_FAIR_DIRECT);
    assert_int_equal(offer("new", 0), LG_FAIR_DIRECT); /* there is no room to remember it */
    now += LG_NS_PER_SEC;
    assert_int_equal(offer("k1", 0), LG_FAIR_DIRECT);
    assert_int_equal(offer("new", 0), LG_FAIR_DIRECT);
    assert_int_equal(offer("new", 0), LG_FAIR_HOLD);
    assert_int_equal(offer("k7", 1), LG_FAIR_HOLD); /* held ones are not forgotten */
    assert_string_equal(drain(10), "k70 k71 new0 ");
}

static void test_memory(void **state)
{
    struct lg_bus_record rec;
    int32_t partition;

    (void)state;
    for (int i = 0; i < 30; i++)
        (void)offer("a", i);
    for (uint64_t n = 1;; n++) {
        struct lg_fairshare *one = NULL;
        int rc;

        (void)lg_mem_fail_from(n);
        rc = lg_fairshare_new(&opt, &one);
        if (rc == 0)
            rc = lg_fairshare_assigned(one, 0, 0, LG_STR(""), NULL);
        if (rc == 0)
            rc = lg_fairshare_offer(one, 0, LG_STR("acme"), LG_STR("b"), 1, now);
        if (rc >= 0)
            rc = lg_fairshare_next(one, now, &partition, &rec, NULL);
        (void)lg_mem_fail_from(0);
        lg_fairshare_free(one);
        if (rc == 1)
            break;
        assert_int_equal(rc, LG_ENOMEM);
        assert_true(n < 500);
    }
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            T(test_under_the_rate),
            T(test_flood),
            T(test_round_robin),
            T(test_drain_rate),
            T(test_tenant),
            T(test_fold),
            T(test_undo),
            T(test_restart),
            T(test_small_window),
            T(test_many_endpoints),
            T(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
