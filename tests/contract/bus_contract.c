/* What every bus keeps of bus.h: places, order, groups, limits, and both ends of a record. */
#include <sched.h>

#include "bus_engine.h"

static struct engine en;
static int raw, out_topic;

static int setup(void **state)
{
    (void)state;
    engine_init(&en);
    raw = engine_topic(&en, "raw", 4, false);
    out_topic = engine_topic(&en, "out", 4, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    engine_done(&en);
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
    struct lg_bus_topic_spec spec = {.name = engine_name(&en, "three"), .partitions = 3};
    int three = engine_topic(&en, "three", 3, false), other = engine_topic(&en, "other", 5, false);
    int64_t begin, end;
    struct lg_err err;

    (void)state;
    assert_int_not_equal(three, other);
    assert_int_equal(engine_topic(&en, "three", 3, false), three);
    assert_int_equal(lg_bus_topic_find(en.bus, engine_name(&en, "other")), other);
    assert_int_equal(lg_bus_topic_find(en.bus, engine_name(&en, "none")), LG_ENOENT);
    assert_string_equal(lg_bus_topic_name(en.bus, three), engine_name(&en, "three"));
    assert_null(lg_bus_topic_name(en.bus, 17));
    assert_int_equal(lg_bus_partitions(en.bus, other), 5);
    assert_int_equal(lg_bus_partitions(en.bus, -1), 0);
    spec.partitions = 9; /* stays as it is */
    assert_int_equal(lg_bus_topic_ensure(en.bus, &spec, &err), three);
    assert_int_equal(lg_bus_partitions(en.bus, three), 3);
    spec.compacted = true;
    assert_int_equal(lg_bus_topic_ensure(en.bus, &spec, &err), LG_EEXIST);
    spec.name = "no/slash";
    assert_int_equal(lg_bus_topic_ensure(en.bus, &spec, &err), LG_EINVAL);
    spec.name = "";
    assert_int_equal(lg_bus_topic_ensure(en.bus, &spec, &err), LG_EINVAL);
    spec = (struct lg_bus_topic_spec){.name = "many", .partitions = LG_BUS_MAX_PARTITIONS + 1};
    assert_int_equal(lg_bus_topic_ensure(en.bus, &spec, &err), LG_EINVAL);
    assert_int_equal(lg_bus_offsets(en.bus, three, 3, &begin, &end), LG_ENOENT);
    assert_int_equal(lg_bus_offsets(en.bus, three, 2, &begin, &end), 0);
    assert_int_equal(begin, 0);
    assert_int_equal(end, 0);
    engine_reopen(&en);
    three = lg_bus_topic_find(en.bus, engine_name(&en, "three"));
    assert_true(three >= 0);
    assert_int_equal(lg_bus_partitions(en.bus, three), 3);
    spec = (struct lg_bus_topic_spec){
            .name = engine_name(&en, "three"), .partitions = 3, .compacted = true};
    assert_int_equal(lg_bus_topic_ensure(en.bus, &spec, &err), LG_EEXIST);
}

#define RECORDS 5000

/* Records with all they carry come back in order, also after a restart, in batches of any size. */
static void test_round_trip(void **state)
{
    static char keys[RECORDS][24], values[RECORDS][64];
    static struct lg_bus_output outs[RECORDS];
    const lg_time base = INT64_C(1700000000123456789);
    struct lg_bus_header headers[] = {{LG_STR("lg-schema"), LG_STR("raw/1")},
            {LG_STR("lg-tenant"), LG_STR("acme")}, {LG_STR("lg-tenant"), LG_STR("second")},
            {LG_STR("empty"), LG_STR("")}};
    int next[4] = {0};
    size_t seen = 0;

    (void)state;
    for (int i = 0; i < RECORDS; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "acme:host%d", i % 7);
        (void)snprintf(values[i], sizeof(values[i]), "{\"n\":%d}", i);
        outs[i] = bt_out(raw, LG_BUS_BY_KEY, keys[i], values[i]);
        outs[i].rec.bus_time = i % 2 == 0 ? base - i : 1001 - i; /* before 1970 too */
        if (i % 3 == 0) {
            outs[i].rec.headers = headers;
            outs[i].rec.n_headers = 4;
        }
    }
    for (int i = 0; i < RECORDS; i += 500)
        assert_int_equal(lg_bus_publish(en.bus, outs + i, 500, LG_BUS_DURABLE, NULL), 0);
    engine_reopen(&en);
    raw = lg_bus_topic_find(en.bus, engine_name(&en, "raw"));
    assert_true(raw >= 0);
    for (int32_t p = 0; p < 4; p++) {
        struct lg_bus_batch *b;
        int64_t at = 0;

        while (lg_bus_read(en.bus, raw, p, at, 1, &b, NULL) == 1) {
            for (size_t i = 0; i < b->n; i++, seen++) {
                const struct lg_bus_record *rec = &b->records[i];
                int n = 0;

                assert_int_equal(rec->offset, at + (int64_t)i);
                assert_int_equal(lg_bus_partition_of(en.bus, raw, rec->key), p);
                assert_int_equal(sscanf(rec->value.p, "{\"n\":%d}", &n), 1);
                assert_true(n >= next[p]);
                next[p] = n + 1;
                assert_str(rec->value, values[n]);
                assert_str(rec->key, keys[n]);
                if (n != 1001)
                    assert_int_equal(rec->bus_time, n % 2 == 0 ? base - n : 1001 - n);
                assert_int_equal(rec->n_headers, n % 3 == 0 ? 4 : 0);
                if (n % 3 == 0) {
                    assert_str(lg_bus_header_get(rec, LG_STR("lg-tenant")), "acme");
                    assert_non_null(lg_bus_header_get(rec, LG_STR("empty")).p);
                }
                assert_null(lg_bus_header_get(rec, LG_STR("none")).p);
            }
            at = b->next_offset;
            assert_int_equal(b->gap, 0);
            lg_bus_batch_free(b);
        }
    }
    assert_int_equal(seen, RECORDS);
}

/* Without a key, records go to all partitions; without a time, they get the bus's. */
static void test_no_key(void **state)
{
    struct lg_bus_batch *b;
    int64_t begin, end;
    lg_time before = en.kafka ? lg_clock_wall() : en.bt.now;

    (void)state;
    for (int i = 0; i < 40; i++)
        engine_publish(&en, raw, LG_BUS_BY_KEY, "", "v");
    for (int32_t p = 0; p < 4; p++) {
        assert_int_equal(lg_bus_offsets(en.bus, raw, p, &begin, &end), 0);
        assert_true(end >= 5);
    }
    assert_int_equal(lg_bus_read(en.bus, raw, 0, 2, 1, &b, NULL), 1);
    assert_int_equal(b->records[0].offset, 2);
    assert_int_equal(b->records[0].key.n, 0);
    assert_true(b->records[0].bus_time >= before - LG_NS_PER_SEC &&
            b->records[0].bus_time < before + 60 * LG_NS_PER_SEC);
    lg_bus_batch_free(b);
}

static void test_limits(void **state)
{
    static char big[LG_BUS_MAX_VALUE_BYTES + 1];
    int t = engine_topic(&en, "one", 1, false);
    struct lg_bus_output out = bt_out(t, 0, "k", "v");
    struct lg_bus_header h[LG_BUS_MAX_HEADERS + 1];
    struct lg_bus_batch *b;
    uint64_t rnd = 7;
    struct lg_err err;

    (void)state;
    for (size_t i = 0; i < sizeof(big); i++) /* does not compress */
        big[i] = (char)next_random(&rnd);
    out.rec.value = lg_str_of(big, sizeof(big));
    assert_int_equal(lg_bus_publish(en.bus, &out, 1, 0, &err), LG_ELIMIT);
    out.rec.value.n--; /* the largest one goes through */
    assert_int_equal(lg_bus_publish(en.bus, &out, 1, 0, &err), 0);
    assert_int_equal(lg_bus_read(en.bus, t, 0, 0, 1, &b, &err), 1);
    assert_int_equal(b->records[0].value.n, LG_BUS_MAX_VALUE_BYTES);
    assert_memory_equal(b->records[0].value.p, big, LG_BUS_MAX_VALUE_BYTES);
    lg_bus_batch_free(b);
    out.rec.value.n = 1;
    out.rec.key = lg_str_of(big, LG_BUS_MAX_KEY_BYTES + 1);
    assert_int_equal(lg_bus_publish(en.bus, &out, 1, 0, &err), LG_ELIMIT);
    out.rec.key.n--;
    for (size_t i = 0; i <= LG_BUS_MAX_HEADERS; i++)
        h[i] = (struct lg_bus_header){LG_STR("a"), LG_STR("b")};
    out.rec.headers = h;
    out.rec.n_headers = LG_BUS_MAX_HEADERS + 1;
    assert_int_equal(lg_bus_publish(en.bus, &out, 1, 0, &err), LG_ELIMIT);
    out.rec.n_headers = LG_BUS_MAX_HEADERS;
    assert_int_equal(lg_bus_publish(en.bus, &out, 1, 0, &err), 0);
    assert_int_equal(lg_bus_read(en.bus, t, 0, 1, 1, &b, &err), 1);
    assert_int_equal(b->records[0].n_headers, LG_BUS_MAX_HEADERS);
    assert_int_equal(b->records[0].key.n, LG_BUS_MAX_KEY_BYTES);
    lg_bus_batch_free(b);
    h[3].value = lg_str_of(big, LG_BUS_MAX_HEADERS_BYTES);
    assert_int_equal(lg_bus_publish(en.bus, &out, 1, 0, &err), LG_ELIMIT);
    h[3] = (struct lg_bus_header){LG_STR(""), LG_STR("b")};
    assert_int_equal(lg_bus_publish(en.bus, &out, 1, 0, &err), LG_EINVAL);
    out.rec.n_headers = 0;
    out.partition = 1;
    assert_int_equal(lg_bus_publish(en.bus, &out, 1, 0, &err), LG_EINVAL);
    out.topic = 50;
    assert_int_equal(lg_bus_publish(en.bus, &out, 1, 0, &err), LG_EINVAL);
    assert_int_equal(lg_bus_publish(en.bus, &out, 1, 8, &err), LG_EINVAL);
    assert_int_equal(lg_bus_publish(en.bus, NULL, 0, 0, &err), 0);
    assert_int_equal(lg_bus_read(en.bus, t, 0, 2, 1, &b, &err), 0);
}

/* A publish of many large records, in one call and in order. */
static void test_large_publish(void **state)
{
    enum { N = 30, BYTES = 2000000 };
    static char big[N][BYTES];
    struct lg_bus_output outs[N];
    struct lg_bus_batch *b;
    uint64_t rnd = 3;
    int64_t at = 0;

    (void)state;
    for (int i = 0; i < N; i++) {
        for (size_t k = 0; k < BYTES; k += 8) {
            uint64_t r = next_random(&rnd);

            memcpy(&big[i][k], &r, 8);
        }
        outs[i] = bt_out(raw, 1, "k", "v");
        outs[i].rec.value = lg_str_of(big[i], BYTES);
    }
    assert_int_equal(lg_bus_publish(en.bus, outs, N, 0, NULL), 0);
    while (at < N) {
        assert_int_equal(lg_bus_read(en.bus, raw, 1, at, 4000000, &b, NULL), 1);
        for (size_t i = 0; i < b->n; i++, at++)
            assert_memory_equal(b->records[i].value.p, big[at], BYTES);
        assert_true(b->bytes < 32000000); /* about what was asked for */
        lg_bus_batch_free(b);
    }
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

/* A topic that was just made may not have its leader yet: LG_EAGAIN says that it is tried again. */
static int scan(int topic, int32_t partition,
        int (*fn)(void *user, const struct lg_bus_record *rec), void *user)
{
    int rc, tries = 0;

    do
        rc = lg_bus_compacted_scan(en.bus, topic, partition, fn, user, NULL);
    while (rc == LG_EAGAIN && tries++ < 50 && usleep(100000) == 0);
    return rc;
}

/* The latest value of each key, without those that a tombstone ended. */
static void test_compacted(void **state)
{
    int t = engine_topic(&en, "state", 2, true);
    struct lg_bus_output out;
    struct lg_bus_consumer *c;
    struct lg_bus_consumer_options copt = {
            .group = engine_group(&en, "g"), .topics = &t, .n_topics = 1};
    char key[16], value[16], seen[8][16];
    struct lg_bus_batch *b;

    (void)state;
    assert_int_equal(scan(t, 0, stop_scan, NULL), 0);
    for (int i = 0; i < 40; i++) {
        (void)snprintf(key, sizeof(key), "key%d", i % 8);
        (void)snprintf(value, sizeof(value), "v%d", i);
        engine_publish(&en, t, i % 2, key, value);
    }
    out = bt_out(t, 1, "key3", "");
    out.rec.value.p = NULL;
    assert_int_equal(lg_bus_publish(en.bus, &out, 1, LG_BUS_DURABLE, NULL), 0);
    for (int round = 0; round < 2; round++) {
        memset(seen, 0, sizeof(seen));
        assert_int_equal(scan(t, 0, count_keys, seen), 0);
        assert_string_equal(seen[0], "v32");
        assert_string_equal(seen[6], "v38");
        assert_string_equal(seen[1], "");
        memset(seen, 0, sizeof(seen));
        assert_int_equal(scan(t, 1, count_keys, seen), 0);
        assert_string_equal(seen[1], "v33");
        assert_string_equal(seen[3], "");
        assert_string_equal(seen[5], "v37");
        engine_reopen(&en);
        t = engine_topic(&en, "state", 2, true);
        raw = engine_topic(&en, "raw", 4, false);
    }
    assert_int_equal(scan(t, 0, stop_scan, NULL), LG_EINTR);
    assert_int_equal(scan(raw, 0, stop_scan, NULL), LG_EUNSUP);
    assert_int_equal(lg_bus_read(en.bus, t, 0, 0, 1, &b, NULL), LG_EUNSUP);
    copt.topics = &t;
    assert_int_equal(lg_bus_consumer_new(en.bus, &copt, &c, NULL), LG_EUNSUP);
    out = bt_out(t, 0, "", "v");
    assert_int_equal(lg_bus_publish(en.bus, &out, 1, 0, NULL), LG_EINVAL);
}

/* --- groups */

/* A member that notes what it is given and what is taken. */
struct member {
    struct lg_bus_consumer *c;
    int owned[8], owned_out[8];
    int n_assigned, n_revoked, n_lost;
    int64_t offsets[8];
};

static void on_assigned(void *user, const struct lg_bus_offset *parts, size_t n)
{
    struct member *m = (struct member *)user;

    for (size_t i = 0; i < n; i++) {
        int *at = parts[i].topic == raw ? m->owned : m->owned_out;

        assert_int_equal(at[parts[i].partition], 0);
        at[parts[i].partition] = 1;
        if (parts[i].topic != raw)
            continue;
        m->offsets[parts[i].partition] = parts[i].offset;
        m->n_assigned++;
    }
}

static void on_revoked(void *user, const struct lg_bus_offset *parts, size_t n, bool lost)
{
    struct member *m = (struct member *)user;

    for (size_t i = 0; i < n; i++) {
        int *at = parts[i].topic == raw ? m->owned : m->owned_out;

        assert_int_equal(at[parts[i].partition], 1);
        at[parts[i].partition] = 0;
        if (parts[i].topic != raw)
            continue;
        m->n_revoked++;
        m->n_lost += lost;
        if (!lost) { /* still its own: a last commit is taken */
            assert_int_equal(lg_bus_publish_and_commit(m->c, NULL, 0, &parts[i], 1, 0, NULL), 0);
        }
    }
}

static void join(struct member *m, const char *group, enum lg_bus_start start)
{
    const int topics[] = {raw, out_topic};
    const struct lg_bus_consumer_options opt = {.group = engine_group(&en, group),
            .topics = topics,
            .n_topics = 2,
            .start = start,
            .assigned = on_assigned,
            .revoked = on_revoked,
            .user = m};

    memset(m, 0, sizeof(*m));
    assert_int_equal(lg_bus_consumer_new(en.bus, &opt, &m->c, NULL), 0);
}

static int owned(const struct member *m)
{
    return m->owned[0] + m->owned[1] + m->owned[2] + m->owned[3];
}

static void poll_once(struct member *m, uint32_t ms)
{
    struct lg_bus_batch *b;

    if (lg_bus_poll(m->c, ms, &b, NULL) == 1)
        lg_bus_batch_free(b);
}

/* Polls all members until each has its share and nothing moves; batches are thrown away. */
static void settle(struct member **ms, size_t n)
{
    int64_t deadline = deadline_of(PATIENCE_MS);
    int least, total, still = 0;

    while (still < 6) {
        least = 4;
        total = 0;
        for (size_t i = 0; i < n; i++) {
            poll_once(ms[i], en.kafka ? 20 : 0);
            total += owned(ms[i]);
            least = owned(ms[i]) < least ? owned(ms[i]) : least;
        }
        still = total == 4 && least >= 4 / (int)n ? still + 1 : 0;
        if (lg_clock_monotonic() > deadline)
            fail_msg("no even shares in %d ms", PATIENCE_MS);
    }
}

static void test_rebalance(void **state)
{
    struct member a, b, c, d;
    struct member *all[] = {&a, &b, &c, &d};
    struct lg_bus_offset foreign = {raw, 0, 0};

    (void)state;
    join(&a, "g", LG_BUS_EARLIEST);
    settle(all, 1);
    join(&b, "g", LG_BUS_EARLIEST);
    settle(all, 2);
    assert_int_equal(a.n_revoked, 2); /* only what changes */
    assert_int_equal(a.n_lost, 0);
    join(&c, "g", LG_BUS_EARLIEST);
    settle(all, 3);
    for (int p = 0; p < 4; p++)
        assert_int_equal(a.owned[p] + b.owned[p] + c.owned[p], 1);
    for (int p = 0; p < 4; p++) { /* the same numbers of all topics */
        assert_int_equal(a.owned[p], a.owned_out[p]);
        assert_int_equal(b.owned[p], b.owned_out[p]);
        assert_int_equal(c.owned[p], c.owned_out[p]);
    }
    foreign.partition = b.owned[0] ? 1 : 0; /* only the owner may commit */
    if (!b.owned[foreign.partition]) {
        assert_int_equal(
                lg_bus_publish_and_commit(b.c, NULL, 0, &foreign, 1, 0, NULL), LG_EREFUSED);
        assert_int_equal(lg_bus_seek(b.c, raw, foreign.partition, 0), LG_EREFUSED);
        assert_int_equal(lg_bus_pause(b.c, raw, foreign.partition), LG_EREFUSED);
    }
    join(&d, "g", LG_BUS_EARLIEST);
    settle(all, 4);
    assert_int_equal(lg_bus_group_delete(en.bus, engine_group(&en, "g")), LG_EREFUSED);
    assert_int_equal(lg_bus_group_set(en.bus, engine_group(&en, "g"), &foreign), LG_EREFUSED);
    lg_bus_consumer_close(a.c);
    lg_bus_consumer_close(b.c);
    lg_bus_consumer_close(d.c);
    assert_int_equal(owned(&a) + owned(&b) + owned(&d), 0);
    settle(all + 2, 1);
    assert_int_equal(lg_bus_assignment(c.c, NULL, 0), 8);
    assert_int_equal(a.n_lost + b.n_lost + c.n_lost + d.n_lost, 0);
    lg_bus_consumer_close(c.c);
    assert_int_equal(lg_bus_group_delete(en.bus, engine_group(&en, "g")), 0);
    assert_int_equal(lg_bus_group_delete(en.bus, engine_group(&en, "none")), LG_ENOENT);
}

/* Outputs and offsets, and a new member goes on from them. */
static void test_commit(void **state)
{
    struct lg_bus_consumer *c = engine_consumer(&en, "g", &raw, 1);
    struct lg_bus_batch *b;
    struct lg_bus_output out;
    struct lg_bus_offset at;
    int64_t got, begin, end;
    uint64_t lag;

    (void)state;
    for (int i = 0; i < 6; i++)
        engine_publish(&en, raw, 2, "", "v");
    engine_expect(c, 0, 6);
    assert_int_equal(lg_bus_lag(en.bus, engine_group(&en, "g"), raw, &lag), 0);
    assert_int_equal(lag, 6);
    out = bt_out(out_topic, 0, "", "result");
    at = (struct lg_bus_offset){raw, 2, 4};
    assert_int_equal(lg_bus_publish_and_commit(c, &out, 1, &at, 1, 0, NULL), 0);
    assert_int_equal(lg_bus_committed(en.bus, engine_group(&en, "g"), raw, 2, &got), 0);
    assert_int_equal(got, 4);
    assert_int_equal(lg_bus_lag(en.bus, engine_group(&en, "g"), raw, &lag), 0);
    assert_int_equal(lag, 2);
    assert_int_equal(lg_bus_committed(en.bus, engine_group(&en, "none"), raw, 2, &got), LG_ENOENT);
    assert_int_equal(lg_bus_lag(en.bus, engine_group(&en, "none"), raw, &lag), 0);
    assert_int_equal(lag, 6);
    assert_int_equal(lg_bus_lag(en.bus, engine_group(&en, "g"), 50, &lag), LG_ENOENT);
    /* refused: neither of both */
    at = (struct lg_bus_offset){out_topic, 0, 4};
    assert_int_equal(lg_bus_publish_and_commit(c, &out, 1, &at, 1, 0, NULL), LG_EREFUSED);
    assert_int_equal(lg_bus_offsets(en.bus, out_topic, 0, &begin, &end), 0);
    assert_int_equal(end, 1);
    lg_bus_consumer_close(c);
    engine_reopen(&en);
    raw = engine_topic(&en, "raw", 4, false);
    c = engine_consumer(&en, "g", &raw, 1);
    b = engine_poll(c);
    assert_int_equal(b->records[0].offset, 4);
    assert_int_equal(b->n, 2);
    lg_bus_consumer_close(c);
    assert_str(b->records[1].value, "v"); /* a batch outlives its consumer */
    lg_bus_batch_free(b);
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
        engine_publish(&en, raw, 1, "", "v");
    c = engine_consumer(&en, "h", &raw, 1);
    engine_expect(c, 0, 10);
    engine_expect_none(c);
    assert_int_equal(lg_bus_seek(c, raw, 1, 7), 0);
    assert_int_equal(lg_bus_position(c, raw, 1, &pos), 0);
    assert_int_equal(pos, 7);
    assert_int_equal(lg_bus_pause(c, raw, 1), 0);
    engine_expect_none(c);
    assert_int_equal(lg_bus_resume(c, raw, 1), 0);
    engine_expect(c, 7, 3);
    assert_int_equal(lg_bus_seek(c, raw, 1, 99), 0); /* moved to the end */
    assert_int_equal(lg_bus_position(c, raw, 1, &pos), 0);
    assert_int_equal(pos, 10);
    engine_publish(&en, raw, 1, "", "v");
    engine_expect(c, 10, 1);
    assert_int_equal(lg_bus_seek(c, raw, 1, 3), 0);
    engine_expect(c, 3, 8);
    assert_int_equal(lg_bus_seek(c, raw, 1, 0), 0);
    assert_int_equal(lg_bus_seek(c, raw, 1, 5), 0); /* the last word counts */
    engine_expect(c, 5, 6);
    lg_bus_consumer_close(c);
    /* a group that starts with what is new; its place is known from its first sight on */
    join(&m, "new", LG_BUS_LATEST);
    settle(all, 1);
    assert_int_equal(m.offsets[1], 11);
    engine_publish(&en, raw, 1, "", "new");
    lg_bus_consumer_close(m.c);
    join(&m, "new", LG_BUS_LATEST);
    b = engine_poll(m.c);
    assert_int_equal(m.offsets[1], 11);
    assert_str(b->records[0].value, "new");
    lg_bus_batch_free(b);
    lg_bus_consumer_close(m.c);
    at.offset = 5;
    assert_int_equal(lg_bus_group_set(en.bus, engine_group(&en, "set"), &at), 0);
    engine_reopen(&en);
    raw = engine_topic(&en, "raw", 4, false);
    at.topic = raw;
    assert_int_equal(lg_bus_committed(en.bus, engine_group(&en, "set"), raw, 1, &got), 0);
    assert_int_equal(got, 5);
    c = engine_consumer(&en, "set", &raw, 1);
    engine_expect(c, 5, 7);
    lg_bus_consumer_close(c);
}

static void test_batch_limits(void **state)
{
    struct lg_bus_consumer_options opt = {.group = engine_group(&en, "g"),
            .topics = &raw,
            .n_topics = 1,
            .max_batch_records = 3,
            .max_batch_bytes = 100};
    struct lg_bus_output outs[10];
    struct lg_bus_consumer *c;
    int64_t at = 0;

    (void)state;
    for (int i = 0; i < 10; i++)
        outs[i] = bt_out(raw, 0, "", "v");
    assert_int_equal(lg_bus_publish(en.bus, outs, 10, 0, NULL), 0);
    assert_int_equal(lg_bus_consumer_new(en.bus, &opt, &c, NULL), 0);
    while (at < 10) {
        struct lg_bus_batch *b = engine_poll(c);

        assert_true(b->n > 0 && b->n <= 3);
        assert_int_equal(b->records[0].offset, at);
        at = b->next_offset;
        lg_bus_batch_free(b);
    }
    assert_int_equal(at, 10);
    lg_bus_consumer_close(c);
    opt.n_topics = 0;
    assert_int_equal(lg_bus_consumer_new(en.bus, &opt, &c, NULL), LG_EINVAL);
    opt.n_topics = 1;
    opt.group = LG_STR("");
    assert_int_equal(lg_bus_consumer_new(en.bus, &opt, &c, NULL), LG_EINVAL);
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
        if (lg_bus_publish(en.bus, outs, BATCH, r % 2 == 0 ? LG_BUS_DURABLE : 0, NULL) < 0)
            return NULL;
    }
    return arg;
}

static atomic_int consumed;
static _Atomic int last[PUBLISHERS];
static atomic_int out_of_order;

/* A record that comes again (its first owner lost it before the commit) is older than the last. */
static void note_record(const struct lg_bus_record *rec)
{
    int who = 0, n = 0;

    if (sscanf(rec->value.p, "%d %d", &who, &n) != 2 || who >= PUBLISHERS)
        (void)atomic_fetch_add(&out_of_order, 1000000);
    else if (n == atomic_load(&last[who]) + 1)
        atomic_store(&last[who], n);
    else if (n > atomic_load(&last[who]))
        (void)atomic_fetch_add(&out_of_order, 1);
}

static void *consume_some(void *arg)
{
    struct lg_bus_consumer *c = (struct lg_bus_consumer *)arg;
    int64_t deadline = deadline_of(2 * PATIENCE_MS);

    while (atomic_load(&consumed) < PUBLISHERS * ROUNDS * BATCH &&
            lg_clock_monotonic() < deadline) {
        struct lg_bus_offset at;
        struct lg_bus_output out;
        struct lg_bus_batch *b;

        if (lg_bus_poll(c, 20, &b, NULL) != 1)
            continue;
        for (size_t i = 0; i < b->n; i++)
            note_record(&b->records[i]);
        out = bt_out(out_topic, LG_BUS_BY_KEY, "k", "done");
        at = (struct lg_bus_offset){raw, b->partition, b->next_offset};
        if (lg_bus_publish_and_commit(c, &out, 1, &at, 1, 0, NULL) == 0)
            (void)atomic_fetch_add(&consumed, (int)b->n);
        lg_bus_batch_free(b);
    }
    return arg;
}

/* Many publishers and two members at once; each one's records keep their order. */
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
        consumers[i] = engine_consumer(&en, "g", &raw, 1);
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
    for (int i = 0; i < PUBLISHERS; i++)
        assert_int_equal(last[i], ROUNDS * BATCH - 1);
    assert_int_equal(lg_bus_lag(en.bus, engine_group(&en, "g"), raw, &lag), 0);
    assert_int_equal(lag, 0);
    lg_bus_stats_get(en.bus, &st);
    assert_true(st.published >= PUBLISHERS * ROUNDS * BATCH);
    assert_int_equal(st.failed, 0);
}

static void *poll_long(void *arg)
{
    struct lg_bus_batch *b;

    return lg_bus_poll((struct lg_bus_consumer *)arg, 600000, &b, NULL) == 0 ? arg : NULL;
}

/* A poll that would wait ten minutes ends at once. */
static void test_wake(void **state)
{
    struct lg_bus_consumer *c = engine_consumer(&en, "g", &raw, 1);
    pthread_t t;
    void *ret;

    (void)state;
    engine_publish(&en, raw, 0, "", "v");
    engine_expect(c, 0, 1);
    engine_expect_none(c);
    assert_int_equal(pthread_create(&t, NULL, poll_long, c), 0);
    lg_bus_consumer_wake(c);
    assert_int_equal(pthread_join(t, &ret), 0);
    assert_ptr_equal(ret, c);
    lg_bus_consumer_close(c);
}

/* What was published while nobody read is counted where it lies. */
static void test_topic_stats(void **state)
{
    struct lg_bus_topic_stats st;

    (void)state;
    for (int i = 0; i < 9; i++)
        engine_publish(&en, raw, i % 3, "", "v");
    assert_int_equal(lg_bus_topic_stats_get(en.bus, raw, &st), 0);
    assert_int_equal(st.records, 9);
    assert_int_equal(st.published, 9);
    assert_int_equal(lg_bus_topic_stats_get(en.bus, 50, &st), LG_ENOENT);
}

int main(int argc, char **argv)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_murmur2),
            T(test_topics),
            T(test_round_trip),
            T(test_no_key),
            T(test_limits),
            T(test_large_publish),
            T(test_compacted),
            T(test_rebalance),
            T(test_commit),
            T(test_positions),
            T(test_batch_limits),
            T(test_threads),
            T(test_wake),
            T(test_topic_stats),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
