/* The alerts stage on a real bus and store: verdicts in, changes out, and who hears of them. */
#include "services/alerts.h"

#include "stage_util.h"
#include "verdict_line.h"

struct heard {
    char change[32][16];
    uint64_t seq[32];
    size_t n;
    size_t refuse; /* the call that is refused, counted from 1; 0: none */
    size_t calls;
};

static int hear(void *user, const struct lg_outbox_row *row)
{
    struct heard *h = user;

    if (++h->calls == h->refuse)
        return LG_EIO;
    assert_true(h->n < 32);
    (void)snprintf(h->change[h->n], sizeof(h->change[0]), "%.*s", LG_STR_FMT(row->change));
    h->seq[h->n++] = row->seq;
    return 0;
}

struct desk {
    struct house h;
    struct lg_alert_store *store;
    struct lg_alerts_options opt;
    struct heard heard;
    struct lg_runner *r;
};

static void desk_start(struct desk *d)
{
    d->opt.store = d->store;
    d->opt.topics = &d->h.topics;
    d->opt.changed = hear;
    d->opt.user = &d->heard;
    atomic_store(&d->opt.fold_gap_ns, 1800 * SEC);
    d->r = stage_new(&d->h, &lg_alerts_stage, &d->opt, LG_GROUP_ALERTS, LG_TOPIC_RESULTS, 1, 0);
}

static void desk_open(struct desk *d)
{
    struct lg_err err = {0};
    char path[96];

    memset(d, 0, sizeof(*d));
    house_new(&d->h);
    (void)snprintf(path, sizeof(path), "%s/alerts.db", d->h.dir);
    if (lg_sqlite_alert_store_open(path, &d->store, &err) < 0)
        fail_msg("%s", err.text);
    desk_start(d);
}

static void desk_done(struct desk *d)
{
    lg_runner_free(d->r);
    lg_alert_store_close(d->store);
    house_done(&d->h);
}

static void put(struct desk *d, const char *proc, unsigned i, const char *severity)
{
    struct lg_bus_record rec = {.key = LG_STR("acme:hr1")};
    struct lg_buf line;

    lg_buf_init(&line, 1u << 16);
    verdict_line(&line, test_clock / SEC, proc, i, severity);
    rec.value = lg_buf_str(&line);
    house_put(&d->h, LG_TOPIC_RESULTS, 0, &rec);
    lg_buf_done(&line);
}

/* Changes on logster-alerts, by their header. */
static void see(void *user, const struct lg_bus_record *rec, int32_t partition)
{
    struct lg_str change = lg_bus_header_get(rec, LG_STR("lg-change"));
    struct lg_buf *out = user;

    (void)partition;
    assert_true(lg_str_starts(rec->value, LG_STR("{\"alert_id\":")));
    lg_buf_adds(out, change);
    lg_buf_addc(out, ' ');
}

static void published(struct desk *d, const char *want)
{
    struct lg_buf out;

    lg_buf_init(&out, 4096);
    (void)house_each(&d->h, LG_TOPIC_ALERTS, see, &out);
    assert_str(lg_buf_str(&out), want);
    lg_buf_done(&out);
}

static void count_one(void *user, const struct lg_bus_record *rec, int32_t partition)
{
    (void)user;
    (void)partition;
    assert_str(rec->value, "{\"no\":1}");
}

static uint32_t in_outbox(struct desk *d)
{
    struct lg_outbox_row *rows = NULL;
    struct lg_arena a;
    uint32_t n = 0;

    lg_arena_init(&a, 1u << 20);
    assert_int_equal(d->store->ops->outbox_read(d->store, 0, 100, &a, &rows, &n), 0);
    lg_arena_done(&a);
    return n;
}

static void test_flow(void **state)
{
    struct lg_bus_record poison = {.key = LG_STR("acme:hr1"), .value = LG_STR("{\"no\":1}")};
    struct desk d;

    (void)state;
    desk_open(&d);
    put(&d, "evil", 1, "high");
    put(&d, "evil", 2, "critical");
    put(&d, "evil", 2, "critical"); /* the same verdict again */
    house_put(&d.h, LG_TOPIC_RESULTS, 0, &poison);
    put(&d, "other", 3, "high");
    stage_run(d.r, 0);
    published(&d, "created folded created ");
    assert_int_equal(d.heard.n, 3);
    assert_string_equal(d.heard.change[0], "created");
    assert_string_equal(d.heard.change[1], "folded");
    assert_int_equal(in_outbox(&d), 0);
    assert_int_equal(house_each(&d.h, LG_TOPIC_DEAD_LETTER, count_one, NULL), 1);
    desk_done(&d);
}

/* What was not taken stays in the outbox, and is published and told again; the others are not. */
static void test_refused_change(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    d.heard.refuse = 2;
    put(&d, "one", 1, "high");
    put(&d, "two", 2, "high");
    put(&d, "three", 3, "high");
    stage_run(d.r, 1);
    while (d.heard.calls < 2)
        stage_run(d.r, 1);
    assert_int_equal(d.heard.n, 1);
    assert_int_equal(in_outbox(&d), 2);
    test_clock += 5 * SEC; /* the next tick */
    stage_run(d.r, 0);
    assert_int_equal(d.heard.n, 3);
    assert_true(d.heard.seq[0] < d.heard.seq[1] && d.heard.seq[1] < d.heard.seq[2]);
    assert_int_equal(in_outbox(&d), 0);
    published(&d, "created created created created created ");
    desk_done(&d);
}

/* A process that ends before it acknowledged tells again after its restart. */
static void test_restart(void **state)
{
    struct desk d;

    (void)state;
    desk_open(&d);
    d.heard.refuse = 1;
    put(&d, "one", 1, "high");
    while (d.heard.calls < 1)
        stage_run(d.r, 1);
    lg_runner_free(d.r);
    assert_int_equal(d.heard.n, 0);
    assert_int_equal(in_outbox(&d), 1);
    desk_start(&d);
    stage_run(d.r, 0);
    test_clock += 5 * SEC; /* its first tick */
    stage_run(d.r, 0);
    assert_int_equal(d.heard.n, 1);
    assert_int_equal(in_outbox(&d), 0);
    desk_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_flow),
            cmocka_unit_test(test_refused_change),
            cmocka_unit_test(test_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
