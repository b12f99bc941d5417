/* The embedded bus on a real RocksDB: order, offsets, groups of records, what is read again. */
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

/* Kafka's own test values (org.apache.kafka.common.utils.UtilsTest). */
static void test_murmur2(void **state)
{
    static const struct {
        const char *key;
        int32_t hash;
    } cases[] = {{"21", -973932308}, {"foobar", -790332482},
            {"a-little-bit-long-string", -985981536}, {"a-little-bit-longer-string", -1486304829},
            {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971}, {"abc", 479470107}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal((int32_t)lg_bus_murmur2(lg_str_z(cases[i].key)), cases[i].hash);
}

static void test_topics(void **state)
{
    struct lg_bus_topic_spec spec = {.name = "raw", .partitions = 3};
    int raw = bt_topic(&bt, "raw", 3), other = bt_topic(&bt, "other", 5);
    int64_t begin, end;
    struct lg_err err;

    (void)state;
    assert_int_not_equal(raw, other);
    assert_int_equal(bt_topic(&bt, "raw", 3), raw);
    assert_int_equal(lg_bus_topic_find(bt.bus, "other"), other);
    assert_int_equal(lg_bus_topic_find(bt.bus, "none"), LG_ENOENT);
    assert_string_equal(lg_bus_topic_name(bt.bus, raw), "raw");
    assert_null(lg_bus_topic_name(bt.bus, 17));
    assert_int_equal(lg_bus_partitions(bt.bus, other), 5);
    assert_int_equal(lg_bus_partitions(bt.bus, -1), 0);
    spec.partitions = 9; /* stays as it is */
    assert_int_equal(lg_bus_topic_ensure(bt.bus, &spec, &err), raw);
    assert_int_equal(lg_bus_partitions(bt.bus, raw), 3);
    spec.compacted = true;
    assert_int_equal(lg_bus_topic_ensure(bt.bus, &spec, &err), LG_EEXIST);
    spec.name = "no/slash";
    assert_int_equal(lg_bus_topic_ensure(bt.bus, &spec, &err), LG_EINVAL);
    spec.name = "";
    assert_int_equal(lg_bus_topic_ensure(bt.bus, &spec, &err), LG_EINVAL);
    spec = (struct lg_bus_topic_spec){.name = "many", .partitions = LG_BUS_MAX_PARTITIONS + 1};
    assert_int_equal(lg_bus_topic_ensure(bt.bus, &spec, &err), LG_EINVAL);
    assert_int_equal(lg_bus_offsets(bt.bus, raw, 3, &begin, &end), LG_ENOENT);
    assert_int_equal(lg_bus_offsets(bt.bus, raw, 2, &begin, &end), 0);
    assert_int_equal(end, 0);
    bt_reopen(&bt);
    assert_int_equal(lg_bus_topic_find(bt.bus, "raw"), raw);
    assert_int_equal(lg_bus_topic_find(bt.bus, "other"), other);
    assert_int_equal(lg_bus_partitions(bt.bus, raw), 3);
}

#define RECORDS 5000

/* Records with all they carry come back in order, also after a restart, in batches of any size. */
static void test_round_trip(void **state)
{
    static char keys[RECORDS][24], values[RECORDS][64];
    static struct lg_bus_output outs[RECORDS];
    struct lg_bus_header headers[] = {{LG_STR("lg-schema"), LG_STR("raw/1")},
            {LG_STR("lg-tenant"), LG_STR("acme")}, {LG_STR("lg-tenant"), LG_STR("second")}};
    int t = bt_topic(&bt, "raw", 4);
    int next[4] = {0};
    size_t seen = 0;

    (void)state;
    for (int i = 0; i < RECORDS; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "acme:host%d", i % 7);
        (void)snprintf(values[i], sizeof(values[i]), "{\"n\":%d}", i);
        outs[i] = bt_out(t, LG_BUS_BY_KEY, keys[i], values[i]);
        outs[i].rec.bus_time = 1000 - i;
        if (i % 3 == 0) {
            outs[i].rec.headers = headers;
            outs[i].rec.n_headers = 3;
        }
    }
    for (int i = 0; i < RECORDS; i += 500)
        assert_int_equal(lg_bus_publish(bt.bus, outs + i, 500, LG_BUS_DURABLE, NULL), 0);
    bt_reopen(&bt);
    for (int32_t p = 0; p < 4; p++) {
        struct lg_bus_batch *b;
        int64_t at = 0;

        while (lg_bus_read(bt.bus, t, p, at, 1, &b, NULL) == 1) {
            for (size_t i = 0; i < b->n; i++, seen++) {
                const struct lg_bus_record *rec = &b->records[i];
                int n = 0;

                assert_int_equal(rec->offset, at + (int64_t)i);
                assert_int_equal(lg_bus_partition_of(bt.bus, t, rec->key), p);
                assert_int_equal(sscanf(rec->value.p, "{\"n\":%d}", &n), 1);
                assert_true(n >= next[p]);
                next[p] = n + 1;
                assert_str(rec->value, values[n]);
                assert_str(rec->key, keys[n]);
                assert_int_equal(rec->bus_time, 1000 - n == 0 ? bt.now : 1000 - n);
                assert_int_equal(rec->n_headers, n % 3 == 0 ? 3 : 0);
                if (n % 3 == 0)
                    assert_str(lg_bus_header_get(rec, LG_STR("lg-tenant")), "acme");
                assert_null(lg_bus_header_get(rec, LG_STR("none")).p);
            }
            at = b->next_offset;
            assert_int_equal(b->gap, 0);
            lg_bus_batch_free(b);
        }
    }
    assert_int_equal(seen, RECORDS);
}

static void test_limits(void **state)
{
    static char big[LG_BUS_MAX_VALUE_BYTES + 1];
    int t = bt_topic(&bt, "raw", 1);
    struct lg_bus_output out = bt_out(t, 0, "k", "v");
    struct lg_bus_header h[LG_BUS_MAX_HEADERS + 1];
    struct lg_bus_batch *b;
    struct lg_err err;

    (void)state;
    memset(big, 'x', sizeof(big));
    out.rec.value = lg_str_of(big, sizeof(big));
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, &err), LG_ELIMIT);
    out.rec.value.n--; /* the largest one goes through */
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, &err), 0);
    assert_int_equal(lg_bus_read(bt.bus, t, 0, 0, 1, &b, &err), 1);
    assert_int_equal(b->records[0].value.n, LG_BUS_MAX_VALUE_BYTES);
    assert_memory_equal(b->records[0].value.p, big, LG_BUS_MAX_VALUE_BYTES);
    lg_bus_batch_free(b);
    out.rec.value.n = 1;
    out.rec.key = lg_str_of(big, LG_BUS_MAX_KEY_BYTES + 1);
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, &err), LG_ELIMIT);
    out.rec.key.n--;
    for (size_t i = 0; i <= LG_BUS_MAX_HEADERS; i++)
        h[i] = (struct lg_bus_header){LG_STR("a"), LG_STR("b")};
    out.rec.headers = h;
    out.rec.n_headers = LG_BUS_MAX_HEADERS + 1;
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, &err), LG_ELIMIT);
    out.rec.n_headers = LG_BUS_MAX_HEADERS;
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, &err), 0);
    h[3].value = lg_str_of(big, LG_BUS_MAX_HEADERS_BYTES);
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, &err), LG_ELIMIT);
    h[3] = (struct lg_bus_header){LG_STR(""), LG_STR("b")};
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, &err), LG_EINVAL);
    out.rec.n_headers = 0;
    out.partition = 1;
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, &err), LG_EINVAL);
    out.topic = 5;
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, &err), LG_EINVAL);
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 8, &err), LG_EINVAL);
    assert_int_equal(lg_bus_publish(bt.bus, NULL, 0, 0, &err), 0);
    assert_int_equal(lg_bus_read(bt.bus, t, 0, 2, 1, &b, &err), 0);
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

static int count_keys(void *user, const struct lg_bus_record *rec)
{
    char(*seen)[16] = (char(*)[16])user;
    int k = rec->key.p[3] - '0';

    assert_true(k >= 0 && k < 8);
    assert_int_equal(seen[k][0], 0);
    (void)snprintf(seen[k], 16, "%.*s", (int)rec->value.n, rec->value.p);
    return 0;
}

static int stop_scan(void *user, const struct lg_bus_record *rec)
{
    (void)user;
    (void)rec;
    return LG_EINTR;
}

/* The latest value of each key, without those that a tombstone ended. */
static void test_compacted(void **state)
{
    const struct lg_bus_topic_spec spec = {.name = "state", .partitions = 2, .compacted = true};
    int t = lg_bus_topic_ensure(bt.bus, &spec, NULL), plain = bt_topic(&bt, "raw", 1);
    struct lg_bus_output out;
    struct lg_bus_consumer *c;
    struct lg_bus_consumer_options copt = {.group = LG_STR("g"), .topics = &t, .n_topics = 1};
    char key[16], value[16], seen[8][16];
    struct lg_bus_batch *b;

    (void)state;
    assert_true(t >= 0);
    for (int i = 0; i < 40; i++) {
        (void)snprintf(key, sizeof(key), "key%d", i % 8);
        (void)snprintf(value, sizeof(value), "v%d", i);
        bt_publish(&bt, t, i % 2, key, value, 0);
    }
    out = bt_out(t, 1, "key3", "");
    out.rec.value.p = NULL;
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, LG_BUS_DURABLE, NULL), 0);
    for (int round = 0; round < 2; round++) {
        memset(seen, 0, sizeof(seen));
        assert_int_equal(lg_bus_compacted_scan(bt.bus, t, 0, count_keys, seen, NULL), 0);
        assert_string_equal(seen[0], "v32");
        assert_string_equal(seen[6], "v38");
        assert_string_equal(seen[1], "");
        memset(seen, 0, sizeof(seen));
        assert_int_equal(lg_bus_compacted_scan(bt.bus, t, 1, count_keys, seen, NULL), 0);
        assert_string_equal(seen[1], "v33");
        assert_string_equal(seen[3], "");
        assert_string_equal(seen[5], "v37");
        bt_reopen(&bt);
    }
    assert_int_equal(lg_bus_compacted_scan(bt.bus, t, 0, stop_scan, NULL, NULL), LG_EINTR);
    assert_int_equal(lg_bus_compacted_scan(bt.bus, plain, 0, stop_scan, NULL, NULL), LG_EUNSUP);
    assert_int_equal(lg_bus_read(bt.bus, t, 0, 0, 1, &b, NULL), LG_EUNSUP);
    assert_int_equal(lg_bus_consumer_new(bt.bus, &copt, &c, NULL), LG_EUNSUP);
    out = bt_out(t, 0, "", "v");
    assert_int_equal(lg_bus_publish(bt.bus, &out, 1, 0, NULL), LG_EINVAL);
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
            cmocka_unit_test(test_murmur2),
            T(test_topics),
            T(test_round_trip),
            T(test_limits),
            T(test_kill),
            T(test_compacted),
            T(test_retention_bytes),
            T(test_retention_age),
            T(test_reserve),
            T(test_second_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
