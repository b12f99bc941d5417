/* Outputs and offsets as one step in the embedded bus, and publishers that share a sync. The rest of
 * groups is in tests/contract/bus_contract.c. */
#include <pthread.h>

#include "bus_test.h"

static struct bus_test bt;
static int raw, out_topic;

static int setup(void **state)
{
    (void)state;
    bt_init(&bt);
    raw = bt_topic(&bt, "raw", 4);
    out_topic = bt_topic(&bt, "out", 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bt_done(&bt);
    return 0;
}

/* Outputs and offsets are there together or not at all, and a new member goes on from them. */
static void test_commit(void **state)
{
    struct lg_bus_consumer *c = bt_consumer(&bt, "g", &raw, 1);
    struct lg_bus_batch *b;
    struct lg_bus_output out;
    struct lg_bus_offset at;
    struct bus_test copy;
    int64_t got, begin, end;

    (void)state;
    for (int i = 0; i < 6; i++)
        bt_publish(&bt, raw, 2, "", "v", 0);
    b = bt_poll(c);
    assert_non_null(b);
    assert_int_equal(b->n, 6);
    assert_int_equal(b->next_offset, 6);
    lg_bus_batch_free(b);
    out = bt_out(out_topic, 0, "", "result");
    at = (struct lg_bus_offset){raw, 2, 4};
    assert_int_equal(lg_bus_publish_and_commit(c, &out, 1, &at, 1, 0, NULL), 0);
    /* a crash now keeps both */
    copy = bt;
    bt_join(copy.path, bt.dir, "copy");
    bt_copy(bt.path, copy.path);
    lg_bus_consumer_close(c);
    copy.opt.path = copy.path;
    bt_open(&copy);
    assert_int_equal(lg_bus_committed(copy.bus, LG_STR("g"), raw, 2, &got), 0);
    assert_int_equal(got, 4);
    assert_int_equal(lg_bus_offsets(copy.bus, out_topic, 0, &begin, &end), 0);
    assert_int_equal(end, 1);
    c = bt_consumer(&copy, "g", &raw, 1);
    b = bt_poll(c);
    assert_non_null(b);
    assert_int_equal(b->records[0].offset, 4);
    assert_int_equal(b->n, 2);
    lg_bus_batch_free(b);
    lg_bus_consumer_close(c);
    lg_bus_close(copy.bus);
}

/* --- threads */

#define PUBLISHERS 6
#define ROUNDS 60
#define BATCH 7

static void *publish_many(void *arg)
{
    size_t who = (size_t)arg;
    char value[BATCH][32], key[16];
    struct lg_bus_output outs[BATCH];

    (void)snprintf(key, sizeof(key), "key%zu", who);
    for (int r = 0; r < ROUNDS; r++) {
        for (int i = 0; i < BATCH; i++) {
            (void)snprintf(value[i], sizeof(value[i]), "%zu %d", who, r * BATCH + i);
            outs[i] = bt_out(raw, LG_BUS_BY_KEY, key, value[i]);
        }
        if (lg_bus_publish(bt.bus, outs, BATCH, r % 2 == 0 ? LG_BUS_DURABLE : 0, NULL) < 0)
            return NULL;
    }
    return arg;
}

static atomic_int consumed;
static _Atomic int last[PUBLISHERS];
static atomic_int out_of_order;

static void *consume_some(void *arg)
{
    struct lg_bus_consumer *c = (struct lg_bus_consumer *)arg;

    while (atomic_load(&consumed) < PUBLISHERS * ROUNDS * BATCH) {
        struct lg_bus_offset at;
        struct lg_bus_output out;
        struct lg_bus_batch *b;

        if (lg_bus_poll(c, 20, &b, NULL) != 1)
            continue;
        for (size_t i = 0; i < b->n; i++) {
            int who = 0, n = 0;

            if (sscanf(b->records[i].value.p, "%d %d", &who, &n) != 2 || who >= PUBLISHERS ||
                    atomic_exchange(&last[who], n) >= n)
                atomic_fetch_add(&out_of_order, 1);
        }
        out = bt_out(out_topic, LG_BUS_BY_KEY, "k", "done");
        at = (struct lg_bus_offset){raw, b->partition, b->next_offset};
        if (lg_bus_publish_and_commit(c, &out, 1, &at, 1, 0, NULL) == 0)
            atomic_fetch_add(&consumed, (int)b->n);
        lg_bus_batch_free(b);
    }
    return arg;
}

/* Many publishers share writes and syncs; each one's records keep their order. */
static void test_threads(void **state)
{
    pthread_t p[PUBLISHERS], c[2];
    struct lg_bus_consumer *consumers[2];
    struct lg_bus_stats st;
    uint64_t lag;

    (void)state;
    for (int i = 0; i < PUBLISHERS; i++)
        atomic_store(&last[i], -1);
    for (int i = 0; i < 2; i++) {
        consumers[i] = bt_consumer(&bt, "g", &raw, 1);
        assert_int_equal(pthread_create(&c[i], NULL, consume_some, consumers[i]), 0);
    }
    for (size_t i = 0; i < PUBLISHERS; i++)
        assert_int_equal(pthread_create(&p[i], NULL, publish_many, (void *)i), 0);
    for (size_t i = 0; i < PUBLISHERS; i++) {
        void *who;

        assert_int_equal(pthread_join(p[i], &who), 0);
        assert_int_equal((size_t)who, i);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(c[i], NULL), 0);
    for (int i = 0; i < 2; i++)
        lg_bus_consumer_close(consumers[i]);
    assert_int_equal(out_of_order, 0);
    assert_int_equal(lg_bus_lag(bt.bus, LG_STR("g"), raw, &lag), 0);
    assert_int_equal(lag, 0);
    lg_bus_stats_get(bt.bus, &st);
    assert_true(st.syncs <= PUBLISHERS * ROUNDS / 2);
    assert_true(st.published >= PUBLISHERS * ROUNDS * BATCH);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            T(test_commit),
            T(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
