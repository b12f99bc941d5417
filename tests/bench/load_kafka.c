/*
 * What passing records from one Kafka topic to another costs, without any work in between: the rate
 * that the normalizer is measured against, and the bus's own share of it.
 *
 *   kafka_pipe    records a second of a plain librdkafka consumer piped into a plain producer
 *                 (zstd, acks=all, idempotent as ours; offsets committed each second)
 *   kafka_relay   the same through lg_bus_poll and lg_bus_publish_and_commit
 *   kafka_ratio   relay to pipe
 *
 * load_kafka BROKERS TOPIC KEYS [records]: fills a fresh topic TOPIC-in with that many records of
 * about 700 bytes in batches, then pipes and relays them, in turns, into topics of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "base/clock.h"
#include "kafka/kafka.h"

#define PARTITIONS 12
#define BATCH 2000
#define VALUE_BYTES 700

static const char *brokers;
static char err_text[256];

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static double seconds_since(int64_t t0)
{
    return (double)(lg_clock_monotonic() - t0) / 1e9;
}

/* --- the topics */

static int make_topic(struct lg_bus *bus, const char *name)
{
    const struct lg_bus_topic_spec spec = {.name = name, .partitions = PARTITIONS};
    struct lg_err err = {.text = ""};
    int t = lg_bus_topic_ensure(bus, &spec, &err);

    if (t < 0)
        die(name, err.text);
    return t;
}

/* Values that compress about as event records do. */
static void fill(struct lg_bus *bus, int topic, int keys, uint64_t n)
{
    static char values[BATCH][VALUE_BYTES + 1], names[BATCH][32];
    static struct lg_bus_output outs[BATCH];
    struct lg_err err = {.text = ""};
    uint64_t rnd = 88172645463325252u;

    for (uint64_t done = 0; done < n; done += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            size_t at = (size_t)snprintf(values[i], VALUE_BYTES,
                    "{\"EventID\":1,\"Computer\":\"host%llu\",\"RecordNumber\":%llu,"
                    "\"Image\":\"C:\\\\Windows\\\\System32\\\\svchost.exe\",\"CommandLine\":\"",
                    (unsigned long long)((done + i) % (uint64_t)keys),
                    (unsigned long long)(done + i));

            for (; at < VALUE_BYTES; at++) {
                rnd ^= rnd << 13, rnd ^= rnd >> 7, rnd ^= rnd << 17;
                values[i][at] = at % 3 == 0 ? (char)('a' + rnd % 26) : 'e';
            }
            (void)snprintf(names[i], sizeof(names[i]), "t:host%llu",
                    (unsigned long long)((done + i) % (uint64_t)keys));
            outs[i] = (struct lg_bus_output){topic, LG_BUS_BY_KEY,
                    {.key = lg_str_z(names[i]), .value = lg_str_of(values[i], VALUE_BYTES)}};
        }
        if (lg_bus_publish(bus, outs, BATCH, 0, &err) < 0)
            die("publish", err.text);
    }
}

/* --- plain librdkafka */

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    if (rd_kafka_conf_set(conf, name, value, err_text, sizeof(err_text)) != RD_KAFKA_CONF_OK)
        die(name, err_text);
}

static uint64_t lost;

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    (void)opaque;
    lost += m->err != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_t *plain_producer(void)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *rk;

    set(conf, "bootstrap.servers", brokers);
    set(conf, "enable.idempotence", "true");
    set(conf, "compression.type", "zstd");
    set(conf, "compression.level", "1");
    set(conf, "partitioner", "murmur2_random");
    set(conf, "linger.ms", "5");
    set(conf, "queue.buffering.max.messages", "200000");
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, err_text, sizeof(err_text));
    if (rk == NULL)
        die("producer", err_text);
    return rk;
}

static rd_kafka_t *plain_consumer(const char *group, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *rk;

    set(conf, "bootstrap.servers", brokers);
    set(conf, "group.id", group);
    set(conf, "auto.offset.reset", "earliest");
    set(conf, "auto.commit.interval.ms", "1000");
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, err_text, sizeof(err_text));
    if (rk == NULL)
        die("consumer", err_text);
    (void)rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA);
    if (rd_kafka_subscribe(rk, list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("subscribe", topic);
    rd_kafka_topic_partition_list_destroy(list);
    return rk;
}

static void pass(rd_kafka_t *rk, rd_kafka_topic_t *to, rd_kafka_message_t *m)
{
    while (rd_kafka_produce(to, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, m->payload, m->len,
                   m->key, m->key_len, NULL) != 0)
        (void)rd_kafka_poll(rk, 10);
}

/* Records a second from the first record on. */
static double pipe_all(const char *group, const char *from, const char *to, uint64_t n)
{
    rd_kafka_t *consumer = plain_consumer(group, from), *producer = plain_producer();
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(producer, to, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    rd_kafka_message_t *msgs[1000];
    uint64_t done = 0;
    int64_t t0 = 0;

    while (done < n) {
        ssize_t got = rd_kafka_consume_batch_queue(queue, 100, msgs, 1000);

        for (ssize_t i = 0; i < got; i++) {
            if (t0 == 0)
                t0 = lg_clock_monotonic();
            if (msgs[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                pass(producer, rkt, msgs[i]);
                done++;
            }
            rd_kafka_message_destroy(msgs[i]);
        }
        (void)rd_kafka_poll(producer, 0);
    }
    if (rd_kafka_flush(producer, 60000) != RD_KAFKA_RESP_ERR_NO_ERROR || lost > 0)
        die("pipe", "records were lost");
    {
        double rate = (double)done / seconds_since(t0);

        rd_kafka_queue_destroy(queue);
        (void)rd_kafka_consumer_close(consumer);
        rd_kafka_destroy(consumer);
        rd_kafka_topic_destroy(rkt);
        rd_kafka_destroy(producer);
        return rate;
    }
}

/* --- through bus.h */

static double relay_all(struct lg_bus *bus, const char *group, int from, int to, uint64_t n)
{
    const struct lg_bus_consumer_options opt = {
            .group = lg_str_z(group), .topics = &from, .n_topics = 1};
    static struct lg_bus_output outs[8192];
    struct lg_bus_consumer *c = NULL;
    struct lg_err err = {.text = ""};
    uint64_t done = 0;
    int64_t t0 = 0;

    if (lg_bus_consumer_new(bus, &opt, &c, &err) < 0)
        die("consumer", err.text);
    while (done < n) {
        struct lg_bus_batch *b = NULL;
        struct lg_bus_offset at;

        if (lg_bus_poll(c, 100, &b, &err) != 1)
            continue;
        if (t0 == 0)
            t0 = lg_clock_monotonic();
        for (size_t i = 0; i < b->n; i++)
            outs[i] = (struct lg_bus_output){to, LG_BUS_BY_KEY, b->records[i]};
        at = (struct lg_bus_offset){from, b->partition, b->next_offset};
        if (lg_bus_publish_and_commit(c, outs, b->n, &at, 1, 0, &err) < 0)
            die("commit", err.text);
        done += b->n;
        lg_bus_batch_free(b);
    }
    {
        double rate = (double)done / seconds_since(t0);

        lg_bus_consumer_close(c);
        return rate;
    }
}

#define TURNS 3

static double best(const double *v)
{
    double most = v[0];

    for (int i = 1; i < TURNS; i++)
        most = v[i] > most ? v[i] : most;
    return most;
}

/* The baseline alone, over a topic that is there. */
static int pipe_topic(struct lg_bus *bus, const char *from, const char *to, const char *count)
{
    int64_t n;

    if (lg_parse_i64(lg_str_z(count), &n) < 0 || n < 1)
        die("records", count);
    (void)make_topic(bus, to);
    (void)printf("{\"name\": \"kafka_pipe\", \"value\": %.0f, \"unit\": \"records/s\"}\n",
            pipe_all(to, from, to, (uint64_t)n));
    lg_bus_close(bus);
    return 0;
}

int main(int argc, char **argv)
{
    double piped[TURNS], relayed[TURNS];
    struct lg_kafka_options opt = {0};
    struct lg_bus *bus = NULL;
    struct lg_err err = {.text = ""};
    char in[64], out[64], group[64];
    int64_t n = 400000, keys = 200;
    int from;

    if (argc == 6 && strcmp(argv[2], "pipe") == 0) {
        brokers = opt.brokers = argv[1];
        if (lg_kafka_open(&opt, &bus, &err) < 0)
            die("open", err.text);
        return pipe_topic(bus, argv[3], argv[4], argv[5]);
    }
    if (argc < 4 || lg_parse_i64(lg_str_z(argv[3]), &keys) < 0 ||
            (argc > 4 && lg_parse_i64(lg_str_z(argv[4]), &n) < 0)) {
        (void)fprintf(stderr,
                "usage: load_kafka BROKERS TOPIC KEYS [records]\n"
                "       load_kafka BROKERS pipe FROM TO RECORDS\n");
        return 2;
    }
    brokers = opt.brokers = argv[1];
    if (lg_kafka_open(&opt, &bus, &err) < 0)
        die("open", err.text);
    (void)snprintf(in, sizeof(in), "%.40s-in", argv[2]);
    from = make_topic(bus, in);
    n = (n + BATCH - 1) / BATCH * BATCH;
    fill(bus, from, (int)keys, (uint64_t)n);
    for (int i = 0; i < TURNS; i++) {
        (void)snprintf(out, sizeof(out), "%.40s-pipe%d", argv[2], i);
        (void)make_topic(bus, out);
        (void)snprintf(group, sizeof(group), "%.40s-p%d", argv[2], i);
        piped[i] = pipe_all(group, in, out, (uint64_t)n);
        (void)snprintf(out, sizeof(out), "%.40s-relay%d", argv[2], i);
        (void)snprintf(group, sizeof(group), "%.40s-r%d", argv[2], i);
        relayed[i] = relay_all(bus, group, from, make_topic(bus, out), (uint64_t)n);
    }
    lg_bus_close(bus);
    (void)printf(
            "{\"name\": \"kafka_pipe\", \"value\": %.0f, \"unit\": \"records/s\"}\n", best(piped));
    (void)printf("{\"name\": \"kafka_relay\", \"value\": %.0f, \"unit\": \"records/s\"}\n",
            best(relayed));
    (void)printf("{\"name\": \"kafka_ratio\", \"value\": %.3f, \"unit\": \"ratio\"}\n",
            best(relayed) / best(piped));
    return 0;
}
