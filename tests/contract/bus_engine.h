#ifndef LG_TESTS_CONTRACT_BUS_ENGINE_H
#define LG_TESTS_CONTRACT_BUS_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "bus/bus_test.h"
#include "kafka/kafka.h"

#include "base/clock.h"

/*
 * The bus under test: LG_CONTRACT=embedded (default), or kafka with the brokers of
 * LG_KAFKA_BROKERS and, where they are set, LG_KAFKA_PROTOCOL, _MECHANISM, _USER, _PASSWORD, _CA,
 * _CERT, _KEY and _REPLICATION. On Kafka every case has topics and groups of its own: their names
 * end in a number that no other case uses.
 */
#define NAME_MAX_BYTES 64
#define PATIENCE_MS 30000 /* until what must come has come; only a failure waits so long */

struct engine {
    struct bus_test bt; /* the embedded one's folder */
    struct lg_bus *bus;
    bool kafka;
    unsigned long number;
};

static inline int number_of(const char *name)
{
    int64_t n = 0;

    return getenv(name) != NULL && lg_parse_i64(lg_str_z(getenv(name)), &n) == 0 ? (int)n : 0;
}

static inline int engine_open_kafka(struct lg_bus **ret, struct lg_err *err)
{
    const struct lg_kafka_options opt = {.brokers = getenv("LG_KAFKA_BROKERS"),
            .client_id = "contract",
            .security_protocol = getenv("LG_KAFKA_PROTOCOL"),
            .sasl_mechanism = getenv("LG_KAFKA_MECHANISM"),
            .username = getenv("LG_KAFKA_USER"),
            .password = getenv("LG_KAFKA_PASSWORD"),
            .ca_file = getenv("LG_KAFKA_CA"),
            .cert_file = getenv("LG_KAFKA_CERT"),
            .key_file = getenv("LG_KAFKA_KEY"),
            .replication = number_of("LG_KAFKA_REPLICATION"),
            .session_timeout_ms = 6000};

    return lg_kafka_open(&opt, ret, err);
}

static inline void engine_init(struct engine *e)
{
    static unsigned long cases;
    const char *name = getenv("LG_CONTRACT");
    struct lg_err err = {0};

    memset(e, 0, sizeof(*e));
    e->kafka = name != NULL && strcmp(name, "kafka") == 0;
    if (!e->kafka && name != NULL && strcmp(name, "embedded") != 0)
        fail_msg("LG_CONTRACT: embedded or kafka");
    e->number = (unsigned long)(lg_clock_wall() / 1000000) * 100 + cases++ % 100;
    if (!e->kafka) {
        bt_init(&e->bt);
        e->bus = e->bt.bus;
    } else if (engine_open_kafka(&e->bus, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static inline void engine_done(struct engine *e)
{
    if (e->kafka)
        lg_bus_close(e->bus);
    else
        bt_done(&e->bt);
}

/* Another object on the same log. */
static inline void engine_reopen(struct engine *e)
{
    struct lg_err err = {0};

    if (!e->kafka) {
        bt_reopen(&e->bt);
        e->bus = e->bt.bus;
        return;
    }
    lg_bus_close(e->bus);
    if (engine_open_kafka(&e->bus, &err) < 0)
        fail_msg("%s", err.text);
}

/* A topic's or a group's name in this case. */
static inline const char *engine_name(const struct engine *e, const char *name)
{
    static char names[8][NAME_MAX_BYTES];
    static unsigned turn;
    char *out = names[turn++ % 8];

    if (e->kafka)
        (void)snprintf(out, NAME_MAX_BYTES, "%s-%lu", name, e->number);
    else
        (void)snprintf(out, NAME_MAX_BYTES, "%s", name);
    return out;
}

static inline struct lg_str engine_group(const struct engine *e, const char *name)
{
    return lg_str_z(engine_name(e, name));
}

static inline int engine_topic(
        struct engine *e, const char *name, int32_t partitions, bool compacted)
{
    const struct lg_bus_topic_spec spec = {
            .name = engine_name(e, name), .partitions = partitions, .compacted = compacted};
    struct lg_err err = {0};
    int rc = lg_bus_topic_ensure(e->bus, &spec, &err);

    if (rc < 0)
        fail_msg("%s", err.text);
    return rc;
}

static inline void engine_publish(
        struct engine *e, int topic, int32_t partition, const char *key, const char *value)
{
    const struct lg_bus_output out = bt_out(topic, partition, key, value);
    struct lg_err err = {0};

    if (lg_bus_publish(e->bus, &out, 1, 0, &err) < 0)
        fail_msg("%s", err.text);
}

static inline struct lg_bus_consumer *engine_consumer(
        struct engine *e, const char *group, const int *topics, size_t n)
{
    const struct lg_bus_consumer_options opt = {
            .group = engine_group(e, group), .topics = topics, .n_topics = n};
    struct lg_bus_consumer *c = NULL;
    struct lg_err err = {0};

    if (lg_bus_consumer_new(e->bus, &opt, &c, &err) < 0)
        fail_msg("%s", err.text);
    return c;
}

static inline int64_t deadline_of(int64_t ms)
{
    return lg_clock_monotonic() + ms * 1000000;
}

/* The next batch, which must come. */
static inline struct lg_bus_batch *engine_poll(struct lg_bus_consumer *c)
{
    int64_t deadline = deadline_of(PATIENCE_MS);
    struct lg_bus_batch *b = NULL;
    struct lg_err err = {0};
    int rc = 0;

    while (rc != 1) {
        rc = lg_bus_poll(c, 1000, &b, &err);
        if (rc < 0 && rc != LG_EAGAIN)
            fail_msg("%s", err.text);
        if (rc != 1 && lg_clock_monotonic() > deadline)
            fail_msg("no batch in %d ms: %s", PATIENCE_MS, err.text);
    }
    return b;
}

/* n records, in as many batches as it takes; their offsets follow each other from `at` on. */
static inline void engine_expect(struct lg_bus_consumer *c, int64_t at, size_t n)
{
    size_t got = 0;

    while (got < n) {
        struct lg_bus_batch *b = engine_poll(c);

        for (size_t i = 0; i < b->n; i++)
            assert_int_equal(b->records[i].offset, at + (int64_t)got++);
        lg_bus_batch_free(b);
    }
    assert_int_equal(got, n);
}

/* Nothing comes, for a while. */
static inline void engine_expect_none(struct lg_bus_consumer *c)
{
    int64_t deadline = deadline_of(300);
    struct lg_bus_batch *b = NULL;
    struct lg_err err = {0};

    while (lg_clock_monotonic() < deadline)
        assert_int_equal(lg_bus_poll(c, 50, &b, &err), 0);
}

#endif
