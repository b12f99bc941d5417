#include <pthread.h>
#include <stdatomic.h>

#include "store/event_fixture.h"

/*
 * Writers and readers of both stores at once: what a reader sees is whole batches, and at the end
 * everything is there, once, and the chain holds. The thread sanitizer watches.
 */
#define WRITERS 2
#define READERS 2
#define BATCHES 12
#define IN_BATCH 20

static atomic_int left;
static atomic_int failed;
static struct lg_alert_store *alerts;
static struct lg_event_put batches[WRITERS][BATCHES][IN_BATCH];
static struct lg_inference verdicts[WRITERS][BATCHES];

static void *write_thread(void *arg)
{
    unsigned w = *(const unsigned *)arg;

    for (unsigned i = 0; i < BATCHES; i++) {
        struct lg_apply it = {.in = &verdicts[w][i]};
        struct lg_err err = {0};

        if (f.st->ops->write(f.st, batches[w][i], IN_BATCH, NULL, 0, &err) < 0)
            atomic_fetch_add(&failed, 1);
        if (alerts->ops->apply(alerts, &it, 1, GAP_NS, (DAY0 + 200 + i) * SEC, &err) < 0)
            atomic_fetch_add(&failed, 1);
    }
    atomic_fetch_sub(&left, 1);
    return NULL;
}

static void read_once(struct lg_arena *a, const struct lg_scope *events, const struct lg_scope *sc)
{
    struct lg_event_query eq = {.limit = 50, .text = LG_STR("word")};
    struct lg_alert_query aq = {.limit = 5, .sort = LG_ALERT_BY_PROB};
    struct lg_summary sum;
    struct lg_range_query rq = {.from = 0};
    struct lg_event_page ep;
    struct lg_alert_page ap = {0};

    if (f.st->ops->event_search(f.st, events, &eq, a, &ep) < 0 || ep.total % IN_BATCH != 0)
        atomic_fetch_add(&failed, 1);
    if (f.st->ops->summary(f.st, events, &rq, &sum) < 0)
        atomic_fetch_add(&failed, 1);
    if (alerts->ops->alert_list(alerts, sc, &aq, a, &ap) < 0)
        atomic_fetch_add(&failed, 1);
    if (ap.n > 0) {
        struct lg_alert_patch patch = {
                .has_status = true, .status = LG_ALERT_ACKNOWLEDGED, .actor = LG_STR("x")};
        struct lg_alert al;
        unsigned steps;
        int rc = alerts->ops->alert_patch(
                alerts, sc, &ap.alerts[0].alert_id, &patch, a, &al, &steps);

        if (rc < 0 && rc != LG_ERANGE) /* acknowledged already */
            atomic_fetch_add(&failed, 1);
    }
}

/* The columns and the rows of a page are of one state: what a filter let through matches it. */
static void list_once(struct lg_arena *a, const struct lg_scope *sc)
{
    struct lg_alert_query q = {
            .limit = 100, .statuses = 1u << LG_ALERT_ACKNOWLEDGED, .sort = LG_ALERT_BY_OCCURRENCES};
    struct lg_alert_page p = {0};

    if (alerts->ops->alert_list(alerts, sc, &q, a, &p) < 0 || p.total != p.n)
        atomic_fetch_add(&failed, 1);
    for (uint32_t i = 0; i < p.n; i++)
        if (p.alerts[i].status != LG_ALERT_ACKNOWLEDGED ||
                (i > 0 && p.alerts[i].occurrences > p.alerts[i - 1].occurrences))
            atomic_fetch_add(&failed, 1);
}

static void *read_thread(void *arg)
{
    struct lg_scope *const *sc = (struct lg_scope *const *)arg;
    struct lg_arena a;

    lg_arena_init(&a, 64u << 20);
    do {
        read_once(&a, sc[0], sc[1]);
        list_once(&a, sc[1]);
        lg_arena_clear(&a);
    } while (atomic_load(&left) > 0);
    lg_arena_done(&a);
    return NULL;
}

static void fill_puts(void)
{
    for (unsigned w = 0; w < WRITERS; w++)
        for (unsigned i = 0; i < BATCHES; i++) {
            const struct make_inference mi = {.tenant = w == 0 ? "a" : "b",
                    .endpoint = i % 2 == 0 ? "even" : "odd",
                    .id = w * 1000 + i,
                    .window_end_s = DAY0 + 100 + i,
                    .prob = 0.9};

            verdicts[w][i] = make_own(&f.m, &mi);
        }
    for (unsigned w = 0; w < WRITERS; w++)
        for (unsigned i = 0; i < BATCHES; i++)
            for (unsigned k = 0; k < IN_BATCH; k++) {
                unsigned id = (w * BATCHES + i) * IN_BATCH + k;
                struct ev e = {.tenant = w == 0 ? "a" : "b",
                        .endpoint = "h",
                        .user = "u",
                        .image = "C:\\x\\cmd.exe",
                        .hash = "ff",
                        .guid = "g",
                        .command = "word",
                        .type = LG_EVENT_PROCESS_CREATE,
                        .time = (DAY0 + id % 7) * SEC,
                        .id = id + 1,
                        .pid = id};

                batches[w][i][k] = put_of(&e, (DAY0 + 100) * SEC);
            }
}

static void test_at_once(void **state)
{
    static const unsigned numbers[WRITERS] = {0, 1};
    struct lg_scope *scopes[READERS][2] = {
            {f.a, scope_of("a", LG_ACT_ALERT_READ)}, {f.b, scope_of("b", LG_ACT_ALERT_READ)}};
    pthread_t w[WRITERS], r[READERS];
    struct lg_event_query q = {.limit = 1};
    struct lg_store_fault fault;
    struct lg_event_page p;
    struct lg_err err = {0};
    char path[300];
    uint32_t n;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/alerts.db", f.dir);
    assert_int_equal(lg_sqlite_alert_store_open(path, &alerts, &err), 0);
    fill_puts();
    atomic_store(&left, WRITERS);
    for (unsigned i = 0; i < WRITERS; i++)
        assert_int_equal(
                pthread_create(&w[i], NULL, write_thread, (void *)(uintptr_t)&numbers[i]), 0);
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&r[i], NULL, read_thread, scopes[i]), 0);
    for (unsigned i = 0; i < WRITERS; i++)
        (void)pthread_join(w[i], NULL);
    for (unsigned i = 0; i < READERS; i++)
        (void)pthread_join(r[i], NULL);
    assert_int_equal(atomic_load(&failed), 0);
    assert_int_equal(f.st->ops->event_search(f.st, f.all, &q, &f.arena, &p), 0);
    assert_int_equal(p.total, WRITERS * BATCHES * IN_BATCH);
    assert_int_equal(f.st->ops->verify(f.st, &fault, 1, &n), 0);
    assert_int_equal(n, 0);
    lg_alert_store_close(alerts);
    for (unsigned i = 0; i < READERS; i++)
        lg_scope_free(scopes[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_at_once, setup, teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
