/*
 * What test_kafka.py and test_kafka_faults.py do with the Kafka bus, as a program: one command,
 * the connection from the environment as in bus_engine.h. Errors go to standard error, exit 1.
 */
#include <sys/syscall.h>

#include "bus_engine.h"

#include "kafka/cluster.h"

static struct lg_kafka_options options(void)
{
    return (struct lg_kafka_options){.brokers = getenv("LG_KAFKA_BROKERS"),
            .client_id = "tool",
            .security_protocol = getenv("LG_KAFKA_PROTOCOL"),
            .sasl_mechanism = getenv("LG_KAFKA_MECHANISM"),
            .username = getenv("LG_KAFKA_USER"),
            .password = getenv("LG_KAFKA_PASSWORD"),
            .oauth_unsecured = getenv("LG_KAFKA_OAUTH"),
            .ca_file = getenv("LG_KAFKA_CA"),
            .cert_file = getenv("LG_KAFKA_CERT"),
            .key_file = getenv("LG_KAFKA_KEY"),
            .replication = number_of("LG_KAFKA_REPLICATION"),
            .min_isr = number_of("LG_KAFKA_MIN_ISR"),
            .publish_timeout_ms = 3000,
            .request_timeout_ms = 5000,
            .session_timeout_ms = 6000};
}

static _Noreturn void leave(int status)
{
    (void)fflush(stdout);
    /* A client's threads may still run: nothing may be torn down under them (TLS), nor looked for
     * leaks in, as the sanitizer's own _exit would. */
    (void)syscall(SYS_exit_group, status);
    abort();
}

static _Noreturn void die(const char *what, int rc, const struct lg_err *err)
{
    (void)fprintf(stderr, "%s: %s: %s\n", what, lg_err_name(rc), err->text);
    leave(1);
}

static int number(const char *text)
{
    int64_t n = 0;

    return lg_parse_i64(lg_str_z(text), &n) == 0 ? (int)n : 0;
}

static struct lg_bus *open_bus(void)
{
    const struct lg_kafka_options opt = options();
    struct lg_err err = {0};
    struct lg_bus *bus = NULL;
    int rc = lg_kafka_open(&opt, &bus, &err);

    if (rc < 0)
        die("open", rc, &err);
    return bus;
}

static int topic_of(struct lg_bus *bus, const char *name)
{
    struct lg_err err = {0};
    int t = lg_bus_topic_find(bus, name);

    if (t < 0)
        die(name, t, &err);
    return t;
}

/* --- init [dry] topic=NAME:PARTITIONS[:compacted|:arrival] grant=PRINCIPAL:rws:NAME
 * group=PRINCIPAL:NAME */

static void on_step(void *user, enum lg_kafka_step step, const char *text)
{
    (void)user;
    (void)printf("%s: %s\n", lg_kafka_step_name(step), text);
}

static char *cut(char **rest)
{
    char *part = *rest, *end = part != NULL ? strrchr(part, ':') : NULL;

    if (end == NULL)
        return NULL;
    *end = '\0';
    return end + 1;
}

static int cmd_init(int argc, char **argv)
{
    static struct lg_bus_topic_spec topics[32];
    static struct lg_kafka_grant grants[64];
    struct lg_kafka_init_options init = {.topics = topics, .grants = grants, .report = on_step};
    const struct lg_kafka_options opt = options();
    struct lg_err err = {0};
    int rc;

    for (int i = 0; i < argc; i++) {
        char *arg = argv[i];

        if (strcmp(arg, "dry") == 0) {
            init.dry = true;
        } else if (strncmp(arg, "topic=", 6) == 0) {
            struct lg_bus_topic_spec *t = &topics[init.n_topics++];
            char *rest = arg + 6, *last = cut(&rest);

            t->compacted = strcmp(last, "compacted") == 0;
            t->arrival_time = strcmp(last, "arrival") == 0;
            t->partitions = number(t->compacted || t->arrival_time ? cut(&rest) : last);
            t->name = rest;
            t->retention_age = t->compacted ? 0 : 86400 * LG_NS_PER_SEC;
        } else if (strncmp(arg, "grant=", 6) == 0) {
            struct lg_kafka_grant *g = &grants[init.n_grants++];
            char *rest = arg + 6;

            g->name = cut(&rest);
            arg = cut(&rest);
            g->rights = (strchr(arg, 'r') != NULL ? LG_KAFKA_MAY_READ : 0u) |
                    (strchr(arg, 'w') != NULL ? LG_KAFKA_MAY_WRITE : 0u) |
                    (strchr(arg, 's') != NULL ? LG_KAFKA_MAY_SEE : 0u);
            g->principal = rest;
        } else if (strncmp(arg, "group=", 6) == 0) {
            struct lg_kafka_grant *g = &grants[init.n_grants++];
            char *rest = arg + 6;

            g->name = cut(&rest);
            g->group = true;
            g->rights = LG_KAFKA_MAY_READ;
            g->principal = rest;
        }
    }
    rc = lg_kafka_init(&opt, &init, &err);
    if (rc < 0)
        die("init", rc, &err);
    (void)printf("differs=%d\n", rc);
    return 0;
}

/* --- publish TOPIC KEYS MS: numbered values of KEYS keys, each again until it is acknowledged,
 * for MS milliseconds or one round; prints how many each key has */

static int cmd_publish(char **argv)
{
    enum { MAX_KEYS = 64 };
    struct lg_bus *bus = open_bus();
    int t = topic_of(bus, argv[0]), keys = number(argv[1]), n = 0, again = 0;
    int64_t deadline = deadline_of(number(argv[2]));
    char key[MAX_KEYS][24], value[MAX_KEYS][32];
    struct lg_bus_output outs[MAX_KEYS];
    struct lg_err err = {0};

    if (keys < 1 || keys > MAX_KEYS)
        return 2;
    do {
        int rc;

        for (int k = 0; k < keys; k++) {
            (void)snprintf(key[k], sizeof(key[k]), "t:host%d", k);
            (void)snprintf(value[k], sizeof(value[k]), "%d", n);
            outs[k] = bt_out(t, LG_BUS_BY_KEY, key[k], value[k]);
        }
        rc = lg_bus_publish(bus, outs, (size_t)keys, 0, &err);
        while (rc == LG_EAGAIN) {
            again++;
            rc = lg_bus_publish(bus, outs, (size_t)keys, 0, &err);
        }
        if (rc < 0)
            die("publish", rc, &err);
        n++;
    } while (lg_clock_monotonic() < deadline);
    (void)printf("rounds=%d again=%d\n", n, again);
    lg_bus_close(bus);
    return 0;
}

/* --- relay GROUP FROM TO MS: passes records on, with its offsets, until MS are over; drain GROUP
 * FROM TO: until none is left */

static int cmd_relay(char **argv, bool drain)
{
    struct lg_bus *bus = open_bus();
    int from = topic_of(bus, argv[1]), to = topic_of(bus, argv[2]);
    const struct lg_bus_consumer_options opt = {
            .group = lg_str_z(argv[0]), .topics = &from, .n_topics = 1, .max_batch_records = 500};
    int64_t deadline = drain ? INT64_MAX : deadline_of(number(argv[3]));
    struct lg_bus_output outs[500];
    struct lg_bus_consumer *c = NULL;
    size_t passed = 0, refused = 0;
    uint64_t lag = 1;
    struct lg_err err = {0};
    int rc = lg_bus_consumer_new(bus, &opt, &c, &err);

    if (rc < 0)
        die("consumer", rc, &err);
    while (lag > 0 && lg_clock_monotonic() < deadline) {
        struct lg_bus_batch *b = NULL;
        struct lg_bus_offset at;

        rc = lg_bus_poll(c, 100, &b, &err);
        if (rc < 0 && rc != LG_EAGAIN)
            die("poll", rc, &err);
        if (rc != 1 && drain && lg_bus_lag(bus, opt.group, from, &lag) < 0)
            lag = 1;
        if (rc != 1)
            continue;
        for (size_t i = 0; i < b->n; i++)
            outs[i] = (struct lg_bus_output){to, LG_BUS_BY_KEY, b->records[i]};
        at = (struct lg_bus_offset){from, b->partition, b->next_offset};
        do
            rc = lg_bus_publish_and_commit(c, outs, b->n, &at, 1, 0, &err);
        while (rc == LG_EAGAIN);
        if (rc < 0 && rc != LG_EREFUSED)
            die("commit", rc, &err);
        passed += rc == 0 ? b->n : 0;
        refused += rc == LG_EREFUSED;
        lg_bus_batch_free(b);
    }
    lg_bus_consumer_close(c);
    (void)printf("passed=%zu refused=%zu\n", passed, refused);
    lg_bus_close(bus);
    return 0;
}

/* --- dump TOPIC: partition, offset, key, length and beginning of the value, headers, time */

static int cmd_dump(char **argv)
{
    struct lg_bus *bus = open_bus();
    int t = topic_of(bus, argv[0]);
    struct lg_err err = {0};

    for (int32_t p = 0; p < lg_bus_partitions(bus, t); p++) {
        struct lg_bus_batch *b = NULL;
        int64_t at = 0;
        int rc;

        while ((rc = lg_bus_read(bus, t, p, at, 1 << 20, &b, &err)) == 1) {
            if (b->gap > 0)
                (void)printf("gap\t%d\t%llu\n", (int)p, (unsigned long long)b->gap);
            for (size_t i = 0; i < b->n; i++) {
                const struct lg_bus_record *r = &b->records[i];

                (void)printf("%d\t%lld\t%.*s\t%zu\t%.*s\t%zu\t%zu\t%lld\n", (int)p,
                        (long long)r->offset, (int)(r->key.n < 64 ? r->key.n : 64), r->key.p,
                        r->value.n, (int)(r->value.n < 32 ? r->value.n : 32), r->value.p, r->key.n,
                        r->n_headers, (long long)r->bus_time);
            }
            at = b->next_offset;
            lg_bus_batch_free(b);
        }
        if (rc < 0)
            die("read", rc, &err);
    }
    lg_bus_close(bus);
    return 0;
}

/* --- consume GROUP TOPIC: a member reads all there is and prints records=, gaps= and bytes= */

static int cmd_consume(char **argv)
{
    struct lg_bus *bus = open_bus();
    int t = topic_of(bus, argv[1]);
    const struct lg_bus_consumer_options opt = {
            .group = lg_str_z(argv[0]), .topics = &t, .n_topics = 1};
    struct lg_bus_consumer *c = NULL;
    uint64_t lag = 1, gaps = 0;
    size_t n = 0, bytes = 0;
    struct lg_err err = {0};
    int rc = lg_bus_consumer_new(bus, &opt, &c, &err);

    if (rc < 0)
        die("consumer", rc, &err);
    while (lag > 0) {
        struct lg_bus_batch *b = NULL;
        struct lg_bus_offset at;

        rc = lg_bus_poll(c, 200, &b, &err);
        if (rc < 0 && rc != LG_EAGAIN)
            die("poll", rc, &err);
        if (rc == 1) {
            n += b->n;
            gaps += b->gap;
            bytes += b->bytes;
            at = (struct lg_bus_offset){t, b->partition, b->next_offset};
            rc = lg_bus_publish_and_commit(c, NULL, 0, &at, 1, 0, &err);
            lg_bus_batch_free(b);
            if (rc < 0 && rc != LG_EREFUSED && rc != LG_EAGAIN)
                die("commit", rc, &err);
        } else if (lg_bus_lag(bus, lg_str_z(argv[0]), t, &lag) < 0) {
            lag = 1;
        }
    }
    lg_bus_consumer_close(c);
    (void)printf("records=%zu gaps=%llu bytes=%zu\n", n, (unsigned long long)gaps, bytes);
    lg_bus_close(bus);
    return 0;
}

/* --- place GROUP TOPIC OFFSET: in partition 0 */

static int cmd_place(char **argv)
{
    struct lg_bus *bus = open_bus();
    struct lg_err err = {.text = ""};
    const struct lg_bus_offset at = {topic_of(bus, argv[1]), 0, number(argv[2])};
    int rc = lg_bus_group_set(bus, lg_str_z(argv[0]), &at);

    if (rc < 0)
        die("place", rc, &err);
    (void)printf("placed\n");
    lg_bus_close(bus);
    return 0;
}

static int run(int argc, char **argv)
{
    const char *cmd = argc > 1 ? argv[1] : "";

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(cmd, "connect") == 0) {
        lg_bus_close(open_bus());
        return 0;
    }
    if (strcmp(cmd, "init") == 0)
        return cmd_init(argc - 2, argv + 2);
    if (strcmp(cmd, "publish") == 0 && argc == 5)
        return cmd_publish(argv + 2);
    if (strcmp(cmd, "relay") == 0 && argc == 6)
        return cmd_relay(argv + 2, false);
    if (strcmp(cmd, "drain") == 0 && argc == 5)
        return cmd_relay(argv + 2, true);
    if (strcmp(cmd, "dump") == 0 && argc == 3)
        return cmd_dump(argv + 2);
    if (strcmp(cmd, "consume") == 0 && argc == 4)
        return cmd_consume(argv + 2);
    if (strcmp(cmd, "place") == 0 && argc == 5)
        return cmd_place(argv + 2);
    (void)fprintf(
            stderr, "usage: kafka_tool connect|init|publish|relay|drain|dump|consume|place ...\n");
    return 2;
}

int main(int argc, char **argv)
{
    leave(run(argc, argv));
}
