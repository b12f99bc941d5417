/*
 * Publishers and a stage go on while the disk fails again and again: nothing that was acknowledged
 * is missing, and nothing of it is missing behind the stage.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include "../bus/bus_test.h"
#include "pipeline/stage.h"

#define PUBLISHERS 3
#define FAILURES 4

static struct bus_test bt;
static int in_topic, out_topic;
static atomic_bool stop;
static atomic_int acknowledged[PUBLISHERS];

static void *publish(void *arg)
{
    size_t who = (size_t)arg;
    char value[32], key[16];

    (void)snprintf(key, sizeof(key), "key%zu", who);
    for (int n = 0; !atomic_load(&stop);) {
        struct lg_bus_output out;
        int rc;

        (void)snprintf(value, sizeof(value), "%zu %d", who, n);
        out = bt_out(in_topic, LG_BUS_BY_KEY, key, value);
        rc = lg_bus_publish(bt.bus, &out, 1, LG_BUS_DURABLE, NULL);
        if (rc == 0)
            atomic_store(&acknowledged[who], ++n);
        else if (lg_bus_may_retry(rc))
            (void)sched_yield();
        else
            return NULL;
    }
    return arg;
}

static int st_open(void *user, unsigned worker, void **ret, struct lg_err *reterr)
{
    (void)worker;
    (void)reterr;
    *ret = user;
    return 0;
}

static int st_batch(void *w, const struct lg_stage_in *in, struct lg_stage_out *out, size_t *done)
{
    (void)w;
    for (size_t i = 0; i < in->n; i++) {
        int rc = lg_stage_emit(out, out_topic, LG_BUS_BY_KEY, &in->records[i]);

        *done = i;
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void st_close(void *w)
{
    (void)w;
}

static const struct lg_stage_ops ops = {
        .name = "copy", .open = st_open, .batch = st_batch, .close = st_close};

/* Every number of every publisher is there, the first time in order. */
static void check_complete(int topic)
{
    int next[PUBLISHERS] = {0};

    for (int32_t p = 0; p < lg_bus_partitions(bt.bus, topic); p++) {
        struct lg_bus_batch *b;
        int64_t at = 0;

        while (lg_bus_read(bt.bus, topic, p, at, 1 << 20, &b, NULL) == 1) {
            assert_int_equal(b->gap, 0);
            for (size_t i = 0; i < b->n; i++) {
                int who = 0, n = 0;

                assert_int_equal(sscanf(b->records[i].value.p, "%d %d", &who, &n), 2);
                assert_true(n <= next[who]);
                if (n == next[who])
                    next[who]++;
            }
            at = b->next_offset;
            lg_bus_batch_free(b);
        }
    }
    for (int i = 0; i < PUBLISHERS; i++)
        assert_true(next[i] >= acknowledged[i]);
}

static uint64_t reopened(void)
{
    return (uint64_t)atomic_load(&bt.events[LG_BUS_REOPENED]);
}

static void fail_once(const struct rlimit *good)
{
    struct rlimit bad = {.rlim_cur = 4096, .rlim_max = good->rlim_max};
    int failed = atomic_load(&bt.events[LG_BUS_FAILED]);
    uint64_t before = reopened();

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &bad), 0);
    while (atomic_load(&bt.events[LG_BUS_FAILED]) == failed)
        (void)sched_yield();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, good), 0);
    while (reopened() == before)
        (void)sched_yield();
}

static void test_disk_fails(void **state)
{
    struct lg_runner_options opt = {.ops = &ops,
            .group = "copiers",
            .topics = &in_topic,
            .n_topics = 1,
            .workers = 2,
            .dead_letter_topic = -1,
            .min_backoff_ms = 1,
            .max_backoff_ms = 10};
    struct lg_runner_stats stats;
    pthread_t threads[PUBLISHERS];
    struct rlimit good;
    struct lg_runner *r;
    struct lg_err err = {0};

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &good), 0);
    bt_init(&bt);
    bt.opt.maintain_ms = 5;
    bt_reopen(&bt);
    in_topic = bt_topic(&bt, "in", 4);
    out_topic = bt_topic(&bt, "out", 4);
    opt.bus = bt.bus;
    assert_int_equal(lg_runner_new(&opt, &r, &err), 0);
    assert_int_equal(lg_runner_start(r, &err), 0);
    for (size_t i = 0; i < PUBLISHERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, publish, (void *)i), 0);
    for (int i = 0; i < FAILURES; i++) {
        int seen = atomic_load(&acknowledged[0]);

        while (atomic_load(&acknowledged[0]) < seen + 20)
            (void)sched_yield();
        fail_once(&good);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < PUBLISHERS; i++) {
        void *who;

        assert_int_equal(pthread_join(threads[i], &who), 0);
        assert_int_equal((size_t)who, i);
    }
    do {
        (void)sched_yield();
        lg_runner_stats_get(r, &stats);
    } while (stats.lag > 0 && stats.workers == 2);
    assert_int_equal(lg_runner_stop(r, 10000), 0);
    lg_runner_free(r);
    check_complete(in_topic);
    check_complete(out_topic);
    assert_int_equal(atomic_load(&bt.events[LG_BUS_CUT_TAIL]), 0);
    bt_reopen(&bt);
    check_complete(in_topic);
    check_complete(out_topic);
    bt_done(&bt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_disk_fails)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
