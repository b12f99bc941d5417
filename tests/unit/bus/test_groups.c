/* Consumer groups: who reads what, what is committed, and that both go as one step. */
#include <pthread.h>
#include <sched.h>

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

/* A member that notes what it is given and what is taken. */
struct member {
    struct lg_bus_consumer *c;
    int owned[8];
    int n_assigned, n_revoked, n_lost;
    int64_t offsets[8];
};

static void on_assigned(void *user, const struct lg_bus_offset *parts, size_t n)
{
    struct member *m = (struct member *)user;

    for (size_t i = 0; i < n; i++) {
        if (parts[i].topic != raw)
            continue;
        assert_int_equal(m->owned[parts[i].partition], 0);
        m->owned[parts[i].partition] = 1;
        m->offsets[parts[i].partition] = parts[i].offset;
        m->n_assigned++;
    }
}

static void on_revoked(void *user, const struct lg_bus_offset *parts, size_t n, bool lost)
{
    struct member *m = (struct member *)user;

    for (size_t i = 0; i < n; i++) {
        if (parts[i].topic != raw)
            continue;
        assert_int_equal(m->owned[parts[i].partition], 1);
        m->owned[parts[i].partition] = 0;
        m->n_revoked++;
        m->n_lost += lost;
        if (!lost) { /* still its own: a last commit is taken */
            assert_int_equal(lg_bus_publish_and_commit(m->c, NULL, 0, &parts[i], 1, 0, NULL), 0);
        }
    }
}

static void join(struct member *m, enum lg_bus_start start)
{
    const int topics[] = {raw, out_topic};
    const struct lg_bus_consumer_options opt = {.group = LG_STR("g"),
            .topics = topics,
            .n_topics = 2,
            .start = start,
            .assigned = on_assigned,
            .revoked = on_revoked,
            .user = m};

    memset(m, 0, sizeof(*m));
    assert_int_equal(lg_bus_consumer_new(bt.bus, &opt, &m->c, NULL), 0);
}

static int owned(const struct member *m)
{
    return m->owned[0] + m->owned[1] + m->owned[2] + m->owned[3];
}

/* Polls all members until nothing moves; batches are thrown away. */
static void settle(struct member **ms, size_t n)
{
    for (int round = 0; round < 6; round++)
        for (size_t i = 0; i < n; i++) {
            struct lg_bus_batch *b;

            if (lg_bus_poll(ms[i]->c, 0, &b, NULL) == 1)
                lg_bus_batch_free(b);
        }
}

static void test_rebalance(void **state)
{
    struct member a, b, c;
    struct member *all[] = {&a, &b, &c};
    const struct lg_bus_offset foreign = {raw, 0, 0};

    (void)state;
    join(&a, LG_BUS_EARLIEST);
    settle(all, 1);
    assert_int_equal(owned(&a), 4);
    join(&b, LG_BUS_EARLIEST);
    settle(all, 2);
    assert_int_equal(owned(&a), 2);
    assert_int_equal(owned(&b), 2);
    assert_int_equal(a.n_revoked, 2); /* only what changes */
    assert_int_equal(a.n_lost, 0);
    join(&c, LG_BUS_EARLIEST);
    settle(all, 3);
    assert_int_equal(owned(&a) + owned(&b) + owned(&c), 4);
    assert_true(owned(&a) >= 1 && owned(&b) >= 1 && owned(&c) >= 1);
    for (int p = 0; p < 4; p++)
        assert_int_equal(a.owned[p] + b.owned[p] + c.owned[p], 1);
    if (!b.owned[0]) { /* only the owner may commit */
        assert_int_equal(
                lg_bus_publish_and_commit(b.c, NULL, 0, &foreign, 1, 0, NULL), LG_EREFUSED);
        assert_int_equal(lg_bus_seek(b.c, raw, 0, 0), LG_EREFUSED);
    }
    assert_int_equal(lg_bus_group_delete(bt.bus, LG_STR("g")), LG_EREFUSED);
    assert_int_equal(lg_bus_group_set(bt.bus, LG_STR("g"), &foreign), LG_EREFUSED);
    lg_bus_consumer_close(a.c);
    lg_bus_consumer_close(b.c);
    assert_int_equal(owned(&a) + owned(&b), 0);
    settle(all + 2, 1);
    assert_int_equal(owned(&c), 4);
    assert_int_equal(lg_bus_assignment(c.c, NULL, 0), 8);
    lg_bus_consumer_close(c.c);
    assert_int_equal(lg_bus_group_delete(bt.bus, LG_STR("g")), 0);
    assert_int_equal(lg_bus_group_delete(bt.bus, LG_STR("none")), LG_ENOENT);
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
    uint64_t lag;

    (void)state;
    for (int i = 0; i < 6; i++)
        bt_publish(&bt, raw, 2, "", "v", 0);
    b = bt_poll(c);
    assert_non_null(b);
    assert_int_equal(b->n, 6);
    assert_int_equal(b->next_offset, 6);
    lg_bus_batch_free(b);
    assert_int_equal(lg_bus_lag(bt.bus, LG_STR("g"), raw, &lag), 0);
    assert_int_equal(lag, 6);
    out = bt_out(out_topic, 0, "", "result");
    at = (struct lg_bus_offset){raw, 2, 4};
    assert_int_equal(lg_bus_publish_and_commit(c, &out, 1, &at, 1, 0, NULL), 0);
    assert_int_equal(lg_bus_committed(bt.bus, LG_STR("g"), raw, 2, &got), 0);
    assert_int_equal(got, 4);
    assert_int_equal(lg_bus_lag(bt.bus, LG_STR("g"), raw, &lag), 0);
    assert_int_equal(lag, 2);
    assert_int_equal(lg_bus_committed(bt.bus, LG_STR("none"), raw, 2, &got), LG_ENOENT);
    /* refused: neither of both */
    at = (struct lg_bus_offset){out_topic, 0, 4};
    assert_int_equal(lg_bus_publish_and_commit(c, &out, 1, &at, 1, 0, NULL), LG_EREFUSED);
    assert_int_equal(lg_bus_offsets(bt.bus, out_topic, 0, &begin, &end), 0);
    assert_int_equal(end, 1);
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

static void test_positions(void **state)
{
    struct lg_bus_consumer *c;
    struct lg_bus_batch *b;
    struct member m;
    struct member *all[] = {&m};
    struct lg_bus_offset at = {raw, 1, 0};
    int64_t pos, got;

    (void)state;
    for (int i = 0; i < 10; i++)
        bt_publish(&bt, raw, 1, "", "v", 0);
    c = bt_consumer(&bt, "h", &raw, 1);
    b = bt_poll(c);
    assert_int_equal(b->n, 10);
    lg_bus_batch_free(b);
    assert_null(bt_poll(c));
    assert_int_equal(lg_bus_seek(c, raw, 1, 7), 0);
    assert_int_equal(lg_bus_position(c, raw, 1, &pos), 0);
    assert_int_equal(pos, 7);
    assert_int_equal(lg_bus_pause(c, raw, 1), 0);
    assert_null(bt_poll(c));
    assert_int_equal(lg_bus_resume(c, raw, 1), 0);
    b = bt_poll(c);
    assert_int_equal(b->n, 3);
    lg_bus_batch_free(b);
    assert_int_equal(lg_bus_seek(c, raw, 1, 99), 0); /* moved to the end */
    assert_int_equal(lg_bus_position(c, raw, 1, &pos), 0);
    assert_int_equal(pos, 10);
    lg_bus_consumer_close(c);
    /* a group that starts with what is new; its place is known from its first sight on */
    join(&m, LG_BUS_LATEST);
    settle(all, 1);
    assert_int_equal(m.offsets[1], 10);
    bt_publish(&bt, raw, 1, "", "new", 0);
    lg_bus_consumer_close(m.c);
    join(&m, LG_BUS_LATEST);
    b = NULL;
    assert_int_equal(lg_bus_poll(m.c, 0, &b, NULL), 0);
    assert_int_equal(m.offsets[1], 10);
    assert_int_equal(lg_bus_poll(m.c, 0, &b, NULL), 1);
    assert_str(b->records[0].value, "new");
    lg_bus_batch_free(b);
    lg_bus_consumer_close(m.c);
    at.offset = 5;
    assert_int_equal(lg_bus_group_set(bt.bus, LG_STR("set"), &at), 0);
    bt_reopen(&bt);
    assert_int_equal(lg_bus_committed(bt.bus, LG_STR("set"), raw, 1, &got), 0);
    assert_int_equal(got, 5);
}

static void test_batch_limits(void **state)
{
    struct lg_bus_consumer_options opt = {.group = LG_STR("g"),
            .topics = &raw,
            .n_topics = 1,
            .max_batch_records = 3,
            .max_batch_bytes = 100};
    struct lg_bus_output outs[10];
    struct lg_bus_consumer *c;
    struct lg_bus_batch *b;
    size_t sizes[8], n = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        outs[i] = bt_out(raw, 0, "", "v");
    assert_int_equal(lg_bus_publish(bt.bus, outs, 10, 0, NULL), 0); /* one block */
    assert_int_equal(lg_bus_consumer_new(bt.bus, &opt, &c, NULL), 0);
    while ((b = bt_poll(c)) != NULL && n < 8) {
        sizes[n++] = b->n;
        lg_bus_batch_free(b);
    }
    assert_int_equal(n, 4);
    assert_int_equal(sizes[0] + sizes[1] + sizes[2] + sizes[3], 10);
    assert_int_equal(sizes[0], 3);
    lg_bus_consumer_close(c);
    opt.n_topics = 0;
    assert_int_equal(lg_bus_consumer_new(bt.bus, &opt, &c, NULL), LG_EINVAL);
    opt.n_topics = 1;
    opt.group = LG_STR("");
    assert_int_equal(lg_bus_consumer_new(bt.bus, &opt, &c, NULL), LG_EINVAL);
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

static void *poll_long(void *arg)
{
    struct lg_bus_batch *b;

    return lg_bus_poll((struct lg_bus_consumer *)arg, 600000, &b, NULL) == 0 ? arg : NULL;
}

/* A poll that would wait ten minutes ends at once. */
static void test_wake(void **state)
{
    struct lg_bus_consumer *c = bt_consumer(&bt, "g", &raw, 1);
    pthread_t t;
    void *ret;

    (void)state;
    assert_null(bt_poll(c));
    assert_int_equal(pthread_create(&t, NULL, poll_long, c), 0);
    lg_bus_consumer_wake(c);
    assert_int_equal(pthread_join(t, &ret), 0);
    assert_ptr_equal(ret, c);
    lg_bus_consumer_close(c);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            T(test_rebalance),
            T(test_commit),
            T(test_positions),
            T(test_batch_limits),
            T(test_threads),
            T(test_wake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
