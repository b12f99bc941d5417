/* The embedded bus on a real RocksDB: what a crash leaves, retention, the disk's end. What every bus
 * keeps is in tests/contract/bus_contract.c. */
#include "bus_test.h"

static struct bus_test bt;

static int setup(void **state)
{
    (void)state;
    bt_init(&bt);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bt_done(&bt);
    return 0;
}

/* A folder copied while the bus runs is what kill -9 leaves: all that was acknowledged is in it. */
static void test_kill(void **state)
{
    int t = bt_topic(&bt, "raw", 2);
    struct bus_test copy;
    char value[32];
    int64_t begin, end;

    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(value, sizeof(value), "%d", i);
        bt_publish(&bt, t, i % 2, "", value, i % 10 == 9 ? LG_BUS_DURABLE : 0);
    }
    copy = bt;
    bt_join(copy.path, bt.dir, "copy");
    bt_copy(bt.path, copy.path);
    copy.opt.path = copy.path;
    copy.opt.user = &copy;
    bt_open(&copy);
    for (int32_t p = 0; p < 2; p++) {
        assert_int_equal(lg_bus_offsets(copy.bus, t, p, &begin, &end), 0);
        assert_int_equal(begin, 0);
        assert_int_equal(end, 50);
    }
    for (int k = 0; k < LG_BUS_EVENT_KINDS; k++)
        assert_int_equal(copy.events[k], 0);
    bt_publish(&copy, t, 0, "", "after", LG_BUS_DURABLE);
    assert_int_equal(lg_bus_offsets(copy.bus, t, 0, &begin, &end), 0);
    assert_int_equal(end, 51);
    lg_bus_close(copy.bus);
}

static void test_retention_bytes(void **state)
{
    const struct lg_bus_topic_spec spec = {
            .name = "raw", .partitions = 2, .retention_bytes = 60000};
    static char value[20000];
    uint64_t rnd = 1;
    int t = lg_bus_topic_ensure(bt.bus, &spec, NULL);
    const struct lg_bus_offset at = {t, 0, 4};
    struct lg_bus_topic_stats st;
    struct lg_bus_batch *b;
    int64_t begin, end;

    (void)state;
    assert_int_equal(lg_bus_group_set(bt.bus, LG_STR("slow"), &at), 0);
    for (int i = 0; i < 20; i++) {
        struct lg_bus_output out = bt_out(t, i % 2, "", "");

        for (size_t k = 0; k < sizeof(value); k++)
            value[k] = (char)next_random(&rnd);
        out.rec.value = lg_str_of(value, sizeof(value));
        assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, NULL), 0);
    }
    assert_int_equal(lg_bus_maintain(bt.bus), 0);
    assert_int_equal(lg_bus_topic_stats_get(bt.bus, t, &st), 0);
    assert_true(st.stored_bytes <= 60000 && st.stored_bytes > 20000);
    assert_int_equal(st.records, 2);
    assert_int_equal(lg_bus_offsets(bt.bus, t, 0, &begin, &end), 0);
    assert_int_equal(begin, 9);
    assert_int_equal(end, 10);
    /* the group stood at 4: records 4..8 of partition 0 went unread */
    assert_int_equal(bt.events[LG_BUS_RETENTION_FORCED], 1);
    assert_int_equal(bt.sums[LG_BUS_RETENTION_FORCED], 5);
    assert_int_equal(lg_bus_read(bt.bus, t, 0, 4, 1, &b, NULL), 1);
    assert_int_equal(b->gap, 5);
    assert_int_equal(b->records[0].offset, 9);
    lg_bus_batch_free(b);
    bt_reopen(&bt);
    assert_int_equal(lg_bus_offsets(bt.bus, t, 1, &begin, &end), 0);
    assert_int_equal(begin, 9);
    assert_int_equal(end, 10);
    assert_int_equal(lg_bus_topic_stats_get(bt.bus, t, &st), 0);
    assert_true(st.stored_bytes <= 60000 && st.stored_bytes > 20000);
}

/* Age waits for the slowest group; offsets go on where they were when all is gone. */
static void test_retention_age(void **state)
{
    const struct lg_bus_topic_spec spec = {
            .name = "raw", .partitions = 1, .retention_age = 60 * LG_NS_PER_SEC};
    int t = lg_bus_topic_ensure(bt.bus, &spec, NULL);
    struct lg_bus_offset at = {t, 0, 3};
    int64_t begin, end;

    (void)state;
    for (int i = 0; i < 10; i++)
        bt_publish(&bt, t, 0, "", "value", 0);
    assert_int_equal(lg_bus_maintain(bt.bus), 0);
    assert_int_equal(lg_bus_offsets(bt.bus, t, 0, &begin, &end), 0);
    assert_int_equal(begin, 0);
    (void)atomic_fetch_add(&bt.now, 61 * LG_NS_PER_SEC);
    assert_int_equal(lg_bus_group_set(bt.bus, LG_STR("slow"), &at), 0);
    assert_int_equal(lg_bus_maintain(bt.bus), 0);
    assert_int_equal(lg_bus_offsets(bt.bus, t, 0, &begin, &end), 0);
    assert_int_equal(begin, 3);
    assert_int_equal(lg_bus_group_delete(bt.bus, LG_STR("slow")), 0);
    assert_int_equal(lg_bus_maintain(bt.bus), 0);
    bt_reopen(&bt);
    assert_int_equal(lg_bus_offsets(bt.bus, t, 0, &begin, &end), 0);
    assert_int_equal(begin, 10);
    assert_int_equal(end, 10);
    bt_publish(&bt, t, 0, "", "value", 0);
    assert_int_equal(lg_bus_offsets(bt.bus, t, 0, &begin, &end), 0);
    assert_int_equal(end, 11);
    assert_int_equal(bt.events[LG_BUS_RETENTION_FORCED], 0);
}

static void test_reserve(void **state)
{
    int t = bt_topic(&bt, "raw", 1);
    struct lg_bus_output out = bt_out(t, 0, "", "v");
    struct lg_bus_consumer *c;
    struct lg_bus_stats st;

    (void)state;
    bt.opt.min_free_bytes = 1000000;
    bt_reopen(&bt);
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, LG_BUS_DURABLE, NULL), 0);
    atomic_store(&bt.free_bytes, 999999);
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, LG_BUS_DURABLE, NULL), LG_ENOSPC);
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, LG_BUS_DURABLE, NULL), LG_ENOSPC);
    assert_int_equal(bt.events[LG_BUS_FULL], 1);
    lg_bus_stats_get(bt.bus, &st);
    assert_true(st.full);
    /* stages go on, so that the log empties; but not to the last byte */
    c = bt_consumer(&bt, "g", &t, 1);
    assert_int_equal(lg_bus_publish_and_commit(c, &out, 1, NULL, 0, 0, NULL), 0);
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, LG_BUS_INTO_RESERVE, NULL), 0);
    atomic_store(&bt.free_bytes, 250000);
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, LG_BUS_INTO_RESERVE, NULL), LG_ENOSPC);
    assert_int_equal(lg_bus_publish_and_commit(c, &out, 1, NULL, 0, 0, NULL), LG_ENOSPC);
    lg_bus_consumer_close(c);
    atomic_store(&bt.free_bytes, 1000000);
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, LG_BUS_DURABLE, NULL), 0);
    assert_int_equal(bt.events[LG_BUS_NOT_FULL], 1);
}

static void test_second_process(void **state)
{
    struct lg_bus *other = NULL;
    struct lg_err err = {0};

    (void)state;
    assert_int_equal(lg_bus_open_embedded(&bt.opt, &other, &err), LG_EREFUSED);
    assert_true(strstr(err.text, "lock") != NULL);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            T(test_kill),
            T(test_retention_bytes),
            T(test_retention_age),
            T(test_reserve),
            T(test_second_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
