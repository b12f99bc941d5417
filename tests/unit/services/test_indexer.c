/* The indexer on a real bus, before a store that takes, knows, or refuses. */
#include "services/indexer.h"

#include "base/mem.h"
#include "stage_util.h"

/* ------------------------------------------------------------------ a store */

struct fake {
    struct lg_event_store pub;
    size_t seen;
};

/* Every third event is stored, every third in conflict, every third refused. */
static int fake_write(struct lg_event_store *st, struct lg_event_put *ev, size_t n_ev,
        struct lg_inference_put *in, size_t n_in, struct lg_err *reterr)
{
    struct fake *f = (struct fake *)st;
    static const enum lg_put answers[] = {LG_PUT_STORED, LG_PUT_CONFLICT, LG_PUT_REFUSED};

    (void)in;
    (void)n_in;
    (void)reterr;
    for (size_t i = 0; i < n_ev; i++) {
        ev[i].ret_result = answers[f->seen++ % 3];
        (void)snprintf(ev[i].ret_reason, sizeof(ev[i].ret_reason), "value %zu is too long", i);
    }
    return 0;
}

static const struct lg_event_store_ops fake_ops = {.name = "fake", .write = fake_write};

/* ------------------------------------------------------------------ a log */

static void put_events(struct house *h, unsigned n)
{
    const struct lg_bus_header headers[] = {{LG_STR(LG_BUS_H_SCHEMA), LG_STR(LG_SCHEMA_EVENT)}};
    struct lg_event *ev = lg_calloc(1, sizeof(*ev));
    struct lg_buf json;

    assert_non_null(ev);
    lg_buf_init(&json, 1u << 16);
    for (unsigned i = 0; i < n; i++) {
        const struct lg_str id = lg_str_of((const char *)&i, sizeof(i));
        struct lg_bus_record rec = {
                .key = LG_STR("default:ws1"), .headers = headers, .n_headers = 1};

        lg_event_clear(ev);
        ev->tenant_id = LG_STR("default");
        ev->endpoint_id = ev->hostname = LG_STR("ws1");
        ev->time_ns = ev->claimed_time_ns = rec.bus_time = test_clock;
        ev->raw = LG_STR("{}");
        lg_event_make_id(ev, &id, 1);
        lg_buf_clear(&json);
        lg_event_write(ev, &json);
        rec.value = lg_buf_str(&json);
        house_put(h, LG_TOPIC_NORMALIZED, 0, &rec);
    }
    lg_buf_done(&json);
    lg_free(ev);
}

struct dead {
    unsigned conflicts, refused, explained;
};

static void count_dead(void *user, const struct lg_bus_record *rec, int32_t partition)
{
    struct dead *d = user;

    (void)partition;
    for (size_t i = 0; i < rec->n_headers; i++) {
        d->conflicts += lg_str_eq(rec->headers[i].value, LG_STR("id_conflict"));
        d->refused += lg_str_eq(rec->headers[i].value, LG_STR("store_refused"));
        d->explained += lg_str_find(rec->headers[i].value, LG_STR("is too long")) >= 0;
    }
}

static uint64_t counted(struct lg_metrics *m, const struct lg_metric_desc *desc, const char *label,
        const char *value)
{
    const struct lg_metric_label l = {label, value};
    struct lg_counter c;

    assert_int_equal(lg_metrics_counter(m, desc, &l, 1, &c), 0);
    return lg_metrics_counter_value(m, c);
}

/* What the store does not take is a dead letter with the store's reason, and counted by it. */
static void test_refused_is_counted(void **state)
{
    struct fake store = {.pub = {&fake_ops}};
    struct lg_metrics *m;
    struct dead dead = {0};
    struct lg_indexer_options io;
    struct lg_runner *r;
    struct house h;

    (void)state;
    house_new(&h);
    assert_int_equal(lg_metrics_new(&m), 0);
    io = (struct lg_indexer_options){.store = &store.pub, .topics = &h.topics, .metrics = m};
    put_events(&h, 12);
    r = stage_new(&h, &lg_indexer_stage, &io, "indexer", LG_TOPIC_NORMALIZED, 1, 1u << 20);
    stage_run(r, 0);
    lg_runner_free(r);
    (void)house_each(&h, LG_TOPIC_DEAD_LETTER, count_dead, &dead);
    assert_int_equal(store.seen, 12);
    assert_int_equal(dead.conflicts, 4);
    assert_int_equal(dead.refused, 4);
    assert_int_equal(dead.explained, 4);
    assert_int_equal(counted(m, LG_METRIC(STORE_ROWS_TOTAL), "table", "events"), 4);
    assert_int_equal(counted(m, LG_METRIC(DEAD_LETTERS_TOTAL), "reason", "id_conflict"), 4);
    assert_int_equal(counted(m, LG_METRIC(DEAD_LETTERS_TOTAL), "reason", "store_refused"), 4);
    lg_metrics_free(m);
    house_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_refused_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
