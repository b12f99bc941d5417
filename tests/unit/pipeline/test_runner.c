/* The stage runner over a real embedded bus: what a stage may rely on. */
#include <sched.h>
#include <time.h>

#include "../bus/bus_test.h"
#include "pipeline/stage.h"

static struct bus_test bt;
static int in_topic, out_topic, dead_topic, side_topic;

/* A stage that copies records with its worker's number and does what the test tells it. */
static struct {
    int fail_with;      /* next calls of batch answer this ... */
    int fail_times;     /* ... so often */
    const char *poison; /* a value that batch refuses with LG_EPARSE */
    const char *reject; /* a value that batch sends to the dead letters itself */
    int64_t hold;       /* low_offset of polled topics; -1: next */
    int64_t manual_low; /* low_offset of the manual topic */
    int64_t start_at;   /* offset that assigned() sets; -1: as it is */
    int assign_fails;
    atomic_int opened, closed, calls, ticks, assigned, revoked, lost, committed, drained;
    atomic_int order_errors;
    int64_t last[8]; /* value seen last, per partition */
    lg_time last_tick;
} st;

static int st_open(void *user, unsigned worker, void **ret, struct lg_err *reterr)
{
    (void)user;
    (void)reterr;
    *ret = (void *)(uintptr_t)(worker + 1);
    atomic_fetch_add(&st.opened, 1);
    return 0;
}

static int st_assigned(
        void *w, int topic, int32_t partition, int64_t *offset, struct lg_err *reterr)
{
    (void)w;
    (void)partition;
    if (st.assign_fails > 0) {
        st.assign_fails--;
        return lg_err_set(reterr, LG_EAGAIN, "later");
    }
    if (st.start_at >= 0 && topic == in_topic)
        *offset = st.start_at;
    atomic_fetch_add(&st.assigned, 1);
    return 0;
}

static int st_revoked(void *w, int topic, int32_t partition, struct lg_stage_out *out)
{
    struct lg_bus_record rec = {.key = LG_STR("k"), .value = LG_STR("checkpoint")};

    (void)w;
    (void)partition;
    if (out == NULL) {
        atomic_fetch_add(&st.lost, 1);
        return 0;
    }
    atomic_fetch_add(&st.revoked, 1);
    return topic == in_topic ? lg_stage_emit(out, side_topic, 0, &rec) : 0;
}

static int st_batch(
        void *w, const struct lg_stage_in *in, struct lg_stage_out *out, size_t *ret_done)
{
    atomic_fetch_add(&st.calls, 1);
    if (st.fail_times > 0) {
        st.fail_times--;
        if (in->n > 0 && lg_stage_emit(out, out_topic, 0, &in->records[0]) < 0)
            return LG_ENOMEM; /* is thrown away */
        return st.fail_with;
    }
    for (size_t i = 0; i < in->n; i++) {
        struct lg_bus_record rec = in->records[i];
        int64_t n = 0;
        int rc;

        if (st.poison != NULL && lg_str_eq(rec.value, lg_str_z(st.poison))) {
            *ret_done = i;
            return LG_EPARSE;
        }
        if (st.reject != NULL && lg_str_eq(rec.value, lg_str_z(st.reject))) {
            if (lg_stage_reject(out, in, i, "bad_record", LG_STR("why")) < 0)
                return LG_ENOMEM;
            continue;
        }
        if (lg_parse_i64(rec.value, &n) == 0) {
            if (n <= st.last[in->partition])
                atomic_fetch_add(&st.order_errors, 1);
            st.last[in->partition] = n;
        }
        rec.bus_time = 0;
        rc = lg_stage_emit(out, out_topic, in->partition, &rec);
        if (rc < 0) {
            *ret_done = i;
            return rc;
        }
    }
    (void)w;
    return 0;
}

static int st_tick(void *w, lg_time now, struct lg_stage_out *out)
{
    (void)w;
    (void)out;
    st.last_tick = now;
    atomic_fetch_add(&st.ticks, 1);
    return 0;
}

static int64_t st_low(void *w, int topic, int32_t partition, int64_t next)
{
    (void)w;
    (void)partition;
    if (topic == side_topic)
        return st.manual_low;
    return st.hold >= 0 && st.hold < next ? st.hold : next;
}

static void st_committed(void *w)
{
    (void)w;
    atomic_fetch_add(&st.committed, 1);
}

static int st_drain(void *w, struct lg_stage_out *out)
{
    struct lg_bus_record rec = {.value = LG_STR("drained")};

    (void)w;
    atomic_fetch_add(&st.drained, 1);
    return lg_stage_emit(out, side_topic, 0, &rec);
}

static void st_close(void *w)
{
    (void)w;
    atomic_fetch_add(&st.closed, 1);
}

static const struct lg_stage_ops ops = {"copy", st_open, st_assigned, st_revoked, st_batch, st_tick,
        st_low, st_committed, st_drain, st_close};
static struct lg_runner_options opt;

static int setup(void **state)
{
    (void)state;
    memset(&st, 0, sizeof(st));
    st.hold = st.manual_low = st.start_at = -1;
    for (int i = 0; i < 8; i++)
        st.last[i] = -1;
    bt_init(&bt);
    in_topic = bt_topic(&bt, "in", 4);
    out_topic = bt_topic(&bt, "out", 4);
    dead_topic = bt_topic(&bt, "dead", 1);
    side_topic = bt_topic(&bt, "side", 4);
    opt = (struct lg_runner_options){.bus = bt.bus,
            .ops = &ops,
            .group = "copiers",
            .topics = &in_topic,
            .n_topics = 1,
            .workers = 1,
            .dead_letter_topic = dead_topic,
            .now = bt_now,
            .clock_user = &bt};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bt_done(&bt);
    return 0;
}

static struct lg_runner *new_runner(void)
{
    struct lg_runner *r = NULL;
    struct lg_err err = {0};

    if (lg_runner_new(&opt, &r, &err) < 0)
        fail_msg("%s", err.text);
    return r;
}

/* Steps until there is nothing to do. */
static void run_all(struct lg_runner *r, unsigned worker)
{
    struct lg_err err = {0};
    int rc, idle = 0;

    while (idle < 3) {
        rc = lg_runner_step(r, worker, &err);
        if (rc < 0)
            fail_msg("%s", err.text);
        idle = rc == 0 ? idle + 1 : 0;
    }
}

static void publish_numbers(int n)
{
    char value[16], key[16];

    for (int i = 0; i < n; i++) {
        (void)snprintf(value, sizeof(value), "%d", i);
        (void)snprintf(key, sizeof(key), "key%d", i % 13);
        bt_publish(&bt, in_topic, LG_BUS_BY_KEY, key, value, 0);
    }
}

/* Values of a partition as "a,b,c,". */
static const char *values_of(int topic, int32_t partition)
{
    static char text[65536];
    struct lg_bus_batch *b;
    int64_t at = 0;
    size_t n = 0;

    text[0] = '\0';
    while (lg_bus_read(bt.bus, topic, partition, at, 1 << 20, &b, NULL) == 1) {
        for (size_t i = 0; i < b->n; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s,", (int)b->records[i].value.n,
                    b->records[i].value.p);
        at = b->next_offset;
        lg_bus_batch_free(b);
    }
    return text;
}

static int64_t committed_in(int topic, int32_t partition)
{
    int64_t at = -1;

    (void)!lg_bus_committed(bt.bus, LG_STR("copiers"), topic, partition, &at);
    return at;
}

static uint64_t total(int topic)
{
    struct lg_bus_topic_stats ts;

    assert_int_equal(lg_bus_topic_stats_get(bt.bus, topic, &ts), 0);
    return ts.records;
}

static void test_copies(void **state)
{
    struct lg_runner *r = new_runner();
    struct lg_runner_stats stats;
    struct lg_bus_batch *b;

    (void)state;
    publish_numbers(100);
    run_all(r, 0);
    assert_int_equal(total(out_topic), 100);
    assert_int_equal(st.order_errors, 0);
    lg_runner_stats_get(r, &stats);
    assert_int_equal(stats.records_in, 100);
    assert_int_equal(stats.records_out, 100);
    assert_int_equal(stats.lag, 0);
    assert_int_equal(stats.dead_letters, 0);
    assert_int_equal(stats.workers, 1);
    assert_int_equal(lg_bus_read(bt.bus, out_topic, 0, 0, 1, &b, NULL), 1);
    assert_int_equal(b->records[0].bus_time, bt.now);
    lg_bus_batch_free(b);
    assert_int_equal(lg_runner_stop(r, 0), 0);
    assert_int_equal(st.drained, 1);
    assert_int_equal(st.revoked, 4);
    assert_int_equal(st.closed, 1);
    assert_string_equal(
            values_of(side_topic, 0), "drained,checkpoint,checkpoint,checkpoint,checkpoint,");
    lg_runner_free(r);
    /* another one finds nothing to do */
    r = new_runner();
    run_all(r, 0);
    assert_int_equal(total(out_topic), 100);
    lg_runner_free(r);
}

/* A call that asks to be made again leaves nothing behind. */
static void test_retry(void **state)
{
    struct lg_runner *r = new_runner();
    struct lg_runner_stats stats;
    struct lg_err err;

    (void)state;
    bt_publish(&bt, in_topic, 0, "", "1", 0);
    st.fail_times = 2;
    st.fail_with = LG_EAGAIN;
    assert_int_equal(lg_runner_step(r, 0, &err), 0); /* assignment */
    assert_int_equal(lg_runner_step(r, 0, &err), LG_EAGAIN);
    assert_int_equal(lg_runner_step(r, 0, &err), LG_EAGAIN);
    assert_int_equal(committed_in(in_topic, 0), 0);
    run_all(r, 0);
    assert_string_equal(values_of(out_topic, 0), "1,");
    assert_int_equal(committed_in(in_topic, 0), 1);
    lg_runner_stats_get(r, &stats);
    assert_int_equal(stats.retries, 2);
    lg_runner_free(r);
}

/* Publishing is tried again without asking the stage a second time. */
static void test_full_disk(void **state)
{
    struct lg_runner *r;
    struct lg_err err;

    (void)state;
    bt.opt.min_free_bytes = 1000;
    bt_reopen(&bt);
    opt.bus = bt.bus;
    r = new_runner();
    bt_publish(&bt, in_topic, 0, "", "1", 0);
    assert_int_equal(lg_runner_step(r, 0, &err), 0);
    atomic_store(&bt.free_bytes, 0);
    assert_int_equal(lg_runner_step(r, 0, &err), LG_ENOSPC);
    assert_int_equal(lg_runner_step(r, 0, &err), LG_ENOSPC);
    assert_int_equal(st.calls, 1);
    assert_int_equal(committed_in(in_topic, 0), 0);
    atomic_store(&bt.free_bytes, 1 << 20);
    run_all(r, 0);
    assert_int_equal(st.calls, 1);
    assert_string_equal(values_of(out_topic, 0), "1,");
    assert_int_equal(committed_in(in_topic, 0), 1);
    lg_runner_free(r);
}

static void test_poison(void **state)
{
    struct lg_bus_header h[] = {
            {LG_STR("lg-schema"), LG_STR("raw/1")}, {LG_STR("lg-tenant"), LG_STR("acme")}};
    struct lg_runner *r = new_runner();
    struct lg_bus_output out;
    struct lg_bus_batch *b;

    (void)state;
    st.poison = "bad";
    st.reject = "ugly";
    bt_publish(&bt, in_topic, 2, "", "1", 0);
    out = bt_out(in_topic, 2, "key", "bad");
    out.rec.headers = h;
    out.rec.n_headers = 2;
    out.rec.bus_time = 77;
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, NULL), 0);
    bt_publish(&bt, in_topic, 2, "", "2", 0);
    bt_publish(&bt, in_topic, 2, "", "ugly", 0);
    bt_publish(&bt, in_topic, 2, "", "3", 0);
    run_all(r, 0);
    assert_string_equal(values_of(out_topic, 2), "1,2,3,");
    assert_string_equal(values_of(dead_topic, 0), "bad,ugly,");
    assert_int_equal(committed_in(in_topic, 2), 5);
    assert_int_equal(lg_bus_read(bt.bus, dead_topic, 0, 0, 1, &b, NULL), 1);
    assert_int_equal(b->n, 1);
    assert_str(lg_bus_header_get(&b->records[0], LG_STR("lg-schema")), "dead-letter/1");
    assert_str(lg_bus_header_get(&b->records[0], LG_STR(LG_DEAD_H_REASON)), "parse_error");
    assert_str(lg_bus_header_get(&b->records[0], LG_STR(LG_DEAD_H_TOPIC)), "in");
    assert_str(lg_bus_header_get(&b->records[0], LG_STR(LG_DEAD_H_PARTITION)), "2");
    assert_str(lg_bus_header_get(&b->records[0], LG_STR(LG_DEAD_H_OFFSET)), "1");
    assert_str(lg_bus_header_get(&b->records[0], LG_STR(LG_DEAD_H_STAGE)), "copy");
    assert_str(lg_bus_header_get(&b->records[0], LG_STR(LG_DEAD_H_TIME)), "77");
    assert_str(lg_bus_header_get(&b->records[0], LG_STR(LG_DEAD_H_SCHEMA)), "raw/1");
    assert_str(lg_bus_header_get(&b->records[0], LG_STR("lg-tenant")), "acme");
    assert_str(b->records[0].key, "key");
    lg_bus_batch_free(b);
    assert_int_equal(lg_bus_read(bt.bus, dead_topic, 0, 1, 1, &b, NULL), 1);
    assert_str(lg_bus_header_get(&b->records[0], LG_STR(LG_DEAD_H_REASON)), "bad_record");
    assert_str(lg_bus_header_get(&b->records[0], LG_STR(LG_DEAD_H_DETAIL)), "why");
    lg_bus_batch_free(b);
    lg_runner_free(r);
}

/* Without a topic for dead letters a poison record ends the worker, and nothing is skipped. */
static void test_poison_is_fatal(void **state)
{
    struct lg_runner *r;
    struct lg_err err = {0};

    (void)state;
    opt.dead_letter_topic = -1;
    r = new_runner();
    st.poison = "bad";
    bt_publish(&bt, in_topic, 1, "", "1", 0);
    bt_publish(&bt, in_topic, 1, "", "bad", 0);
    assert_int_equal(lg_runner_step(r, 0, &err), 0);
    while (lg_runner_step(r, 0, &err) >= 0)
        ;
    assert_non_null(strstr(err.text, "offset 1"));
    assert_int_equal(committed_in(in_topic, 1), 1);
    lg_runner_free(r);
    assert_int_equal(st.lost, 4); /* its state was not asked for checkpoints */
}

/* What state needs is not committed; after a restart it comes again. */
static void test_low_offset(void **state)
{
    struct lg_runner *r = new_runner();

    (void)state;
    for (int i = 0; i < 5; i++)
        bt_publish(&bt, in_topic, 3, "", "x", 0);
    st.hold = 2;
    run_all(r, 0);
    assert_int_equal(committed_in(in_topic, 3), 2);
    st.hold = 4; /* let go by a tick, without input */
    (void)atomic_fetch_add(&bt.now, 2 * LG_NS_PER_SEC);
    run_all(r, 0);
    assert_int_equal(committed_in(in_topic, 3), 4);
    st.hold = 3; /* never backwards */
    (void)atomic_fetch_add(&bt.now, 2 * LG_NS_PER_SEC);
    run_all(r, 0);
    assert_int_equal(committed_in(in_topic, 3), 4);
    lg_runner_free(r);
    st.hold = -1;
    r = new_runner();
    run_all(r, 0);
    assert_string_equal(values_of(out_topic, 3), "x,x,x,x,x,x,");
    lg_runner_free(r);
}

static void test_restore(void **state)
{
    struct lg_runner *r = new_runner();
    struct lg_err err;

    (void)state;
    for (int i = 0; i < 5; i++)
        bt_publish(&bt, in_topic, 0, "", "x", 0);
    st.assign_fails = 1;
    st.start_at = 3;
    assert_int_equal(lg_runner_step(r, 0, &err), LG_EAGAIN);
    assert_int_equal(st.calls, 0);
    run_all(r, 0);
    assert_int_equal(st.assigned, 4);
    assert_string_equal(values_of(out_topic, 0), "x,x,");
    assert_int_equal(committed_in(in_topic, 0), 5);
    lg_runner_free(r);
}

static void test_ticks(void **state)
{
    struct lg_runner *r;

    (void)state;
    opt.tick_ms = 500;
    r = new_runner();
    run_all(r, 0);
    assert_int_equal(st.ticks, 0);
    (void)atomic_fetch_add(&bt.now, LG_NS_PER_SEC / 2);
    run_all(r, 0);
    assert_int_equal(st.ticks, 1);
    assert_int_equal(st.last_tick, bt.now);
    run_all(r, 0);
    assert_int_equal(st.ticks, 1);
    lg_runner_free(r);
}

/* Two workers share the partitions; when one goes the other takes over. */
static void test_rebalance(void **state)
{
    struct lg_runner *a, *b;

    (void)state;
    a = new_runner();
    run_all(a, 0);
    assert_int_equal(st.assigned, 4);
    b = new_runner();
    run_all(b, 0);
    run_all(a, 0);
    run_all(b, 0);
    assert_int_equal(st.revoked, 2);
    assert_int_equal(st.assigned, 6);
    publish_numbers(50);
    run_all(a, 0);
    assert_true(total(out_topic) > 0 && total(out_topic) < 50);
    lg_runner_free(a);
    run_all(b, 0);
    assert_int_equal(total(out_topic), 50);
    assert_int_equal(st.order_errors, 0);
    lg_runner_free(b);
}

/* The stage reads a manual topic itself; its offset is what low_offset says. */
static void test_manual_topic(void **state)
{
    struct lg_runner *r;

    (void)state;
    opt.manual_topics = &side_topic;
    opt.n_manual_topics = 1;
    r = new_runner();
    bt_publish(&bt, side_topic, 1, "", "held", 0);
    bt_publish(&bt, in_topic, 1, "", "1", 0);
    run_all(r, 0);
    assert_int_equal(st.assigned, 8);
    assert_string_equal(values_of(out_topic, 1), "1,");
    assert_int_equal(committed_in(side_topic, 1), 0);
    st.manual_low = 1;
    bt_publish(&bt, in_topic, 1, "", "2", 0);
    run_all(r, 0);
    assert_int_equal(committed_in(side_topic, 1), 1);
    lg_runner_free(r);
}

/* Too much for one publish is cut in two. */
static void test_out_limit(void **state)
{
    static char big[40000];
    struct lg_runner *r;

    (void)state;
    opt.max_out_bytes = 100000;
    r = new_runner();
    memset(big, 'x', sizeof(big) - 1);
    for (int i = 0; i < 5; i++)
        bt_publish(&bt, in_topic, 0, "", big, 0);
    run_all(r, 0);
    assert_int_equal(total(out_topic), 5);
    assert_int_equal(total(dead_topic), 0);
    assert_true(st.calls >= 3);
    lg_runner_free(r);
}

/* Threads: all is copied in order, a stop drains what was there, none runs after it. */
static void test_threads(void **state)
{
    struct lg_runner *r;
    struct lg_runner_stats stats;
    struct lg_err err = {0};

    (void)state;
    opt.workers = 3;
    opt.now = NULL;
    publish_numbers(500);
    r = new_runner();
    assert_int_equal(lg_runner_start(r, &err), 0);
    for (int i = 0; i < 100; i++)
        publish_numbers(0);
    assert_int_equal(lg_runner_stop(r, 60000), 0);
    assert_int_equal(lg_runner_stop(r, 60000), 0);
    lg_runner_stats_get(r, &stats);
    assert_int_equal(stats.workers, 0);
    assert_int_equal(st.opened, 3);
    assert_int_equal(st.closed, 3);
    assert_int_equal(st.drained, 3);
    lg_runner_free(r);
    /* what a worker had not been given yet when the stop came is the next runner's */
    opt.now = bt_now;
    r = new_runner();
    run_all(r, 0);
    lg_runner_free(r);
    assert_int_equal(total(out_topic), 500);
    assert_int_equal(st.order_errors, 0);
}

static void count_fatal(void *user, const char *stage, const struct lg_err *err)
{
    assert_string_equal(stage, "copy");
    assert_int_equal(err->code, LG_EPARSE);
    atomic_fetch_add((atomic_int *)user, 1);
}

static void test_threads_fatal(void **state)
{
    atomic_int fatal = 0;
    struct lg_runner *r;
    struct lg_err err = {0};

    (void)state;
    opt.dead_letter_topic = -1;
    opt.now = NULL;
    opt.on_fatal = count_fatal;
    opt.fatal_user = &fatal;
    st.poison = "bad";
    bt_publish(&bt, in_topic, 0, "", "bad", 0);
    r = new_runner();
    assert_int_equal(lg_runner_start(r, &err), 0);
    while (atomic_load(&st.closed) == 0)
        (void)sched_yield();
    assert_int_equal(lg_runner_stop(r, 1000), LG_EPARSE);
    assert_int_equal(fatal, 1);
    lg_runner_free(r);
}

/* Where records trickle in, a worker gathers them: fewer steps, and nothing is late at the end. */
static void test_lingers(void **state)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    struct lg_runner *r;
    struct lg_err err = {0};
    char value[16];

    (void)state;
    opt.now = NULL;
    opt.linger_bytes = 1 << 20;
    opt.linger_ms = 40;
    r = new_runner();
    assert_int_equal(lg_runner_start(r, &err), 0);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(value, sizeof(value), "%d", i);
        bt_publish(&bt, in_topic, 0, "", value, 0);
        (void)nanosleep(&pause, NULL);
    }
    assert_int_equal(lg_runner_stop(r, 10000), 0);
    assert_int_equal(total(out_topic), 100);
    assert_int_equal(st.order_errors, 0);
    assert_true(atomic_load(&st.calls) < 40);
    lg_runner_free(r);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            T(test_copies),
            T(test_retry),
            T(test_full_disk),
            T(test_poison),
            T(test_poison_is_fatal),
            T(test_low_offset),
            T(test_restore),
            T(test_ticks),
            T(test_rebalance),
            T(test_manual_topic),
            T(test_out_limit),
            T(test_threads),
            T(test_threads_fatal),
            T(test_lingers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
