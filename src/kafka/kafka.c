/* The bus object: opening, closing, what became of the cluster, errors. */
#include "kafka/kafka.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "kafka/kafka_int.h"

#define THREAD_POLL_MS 200

/* --- errors */

int kf_rc(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return 0;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
        return LG_ELIMIT;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
        return LG_EIO;
    case RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP:
        return LG_EREFUSED;
    case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND:
        return LG_ENOENT;
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        return LG_EINVAL;
    default:
        return LG_EAGAIN;
    }
}

int kf_fail(struct kf *k, rd_kafka_resp_err_t err, struct lg_err *reterr, const char *what)
{
    char last[sizeof(k->error)] = "";
    int rc = kf_rc(err);

    if (rc == LG_EAGAIN) {
        (void)pthread_mutex_lock(&k->error_lock);
        memcpy(last, k->error, sizeof(last));
        (void)pthread_mutex_unlock(&k->error_lock);
    }
    return lg_err_set(reterr, rc, "kafka: %s: %s%s%s", what, rd_kafka_err2str(err),
            last[0] != '\0' ? "; last: " : "", last);
}

/* --- clients that batches borrow from */

struct kf_client *kf_client_new(rd_kafka_t *rk)
{
    struct kf_client *c = lg_calloc(1, sizeof(*c));

    if (c != NULL) {
        c->rk = rk;
        atomic_store(&c->refs, 1);
    }
    return c;
}

void kf_client_ref(struct kf_client *c)
{
    (void)atomic_fetch_add(&c->refs, 1);
}

void kf_client_unref(struct kf_client *c)
{
    if (c == NULL || atomic_fetch_sub(&c->refs, 1) > 1)
        return;
    if (!c->leave_alone)
        rd_kafka_destroy(c->rk);
    lg_free(c);
}

/* --- topics that are known */

struct kf_topic *kf_topic(struct kf *k, int topic)
{
    return topic >= 0 && topic < atomic_load(&k->n_topics) ? k->topics[topic] : NULL;
}

bool kf_has_partition(struct kf *k, int topic, int32_t partition)
{
    const struct kf_topic *t = kf_topic(k, topic);

    return t != NULL && partition >= 0 && partition < t->partitions;
}

static const char *kf_topic_name(struct lg_bus *bus, int topic)
{
    const struct kf_topic *t = kf_topic(kf_of(bus), topic);

    return t != NULL ? t->name : NULL;
}

static int32_t kf_partitions(struct lg_bus *bus, int topic)
{
    const struct kf_topic *t = kf_topic(kf_of(bus), topic);

    return t != NULL ? t->partitions : 0;
}

/* --- events and time */

lg_time kf_now(struct kf *k)
{
    return k->opt.now != NULL ? k->opt.now(k->opt.user) : lg_clock_wall();
}

void kf_event(struct kf *k, enum lg_bus_event_kind kind, int topic, int32_t partition,
        int64_t offset, uint64_t n, struct lg_str group, const char *text)
{
    const struct kf_topic *t = kf_topic(k, topic);
    const struct lg_bus_event ev = {.kind = kind,
            .topic = topic,
            .partition = partition,
            .offset = offset,
            .n = n,
            .group = group,
            .topic_name = t != NULL ? t->name : NULL,
            .text = text};

    (void)atomic_fetch_add(&k->n_events[kind], 1);
    (void)atomic_fetch_add(&k->n_event_sums[kind], n);
    if (k->opt.on_event != NULL)
        k->opt.on_event(k->opt.user, &ev);
    else
        lg_log(kind == LG_BUS_REOPENED ? LG_LOG_INFO : LG_LOG_ERROR, "kafka", text,
                "event=%s topic=%s partition=%d offset=%lld n=%llu", lg_bus_event_name(kind),
                t != NULL ? t->name : "-", (int)partition, (long long)offset,
                (unsigned long long)n);
}

void kf_sleep(struct kf *k, uint32_t ms)
{
    const struct timespec ts = lg_clock_deadline((int64_t)ms * 1000000);

    (void)pthread_mutex_lock(&k->down_lock);
    while (!k->stop && pthread_cond_timedwait(&k->down_cond, &k->down_lock, &ts) == 0) {
    }
    (void)pthread_mutex_unlock(&k->down_lock);
}

/* --- is there a cluster? */

/* Asks where a client saw nobody, or while nobody is there. */
static int look(struct kf *k)
{
    bool ask;
    int64_t ms;

    (void)pthread_mutex_lock(&k->down_lock);
    ask = k->suspect || atomic_load(&k->down);
    k->suspect = false;
    (void)pthread_mutex_unlock(&k->down_lock);
    if (!ask)
        return 0;
    if (kf_ask(k, (int)k->opt.request_timeout_ms) < 0) {
        if (!atomic_exchange(&k->down, true)) {
            k->down_since = lg_clock_monotonic();
            kf_event(k, LG_BUS_FAILED, -1, -1, 0, 0, LG_STR(""), "no broker can be reached");
        }
        return LG_EAGAIN;
    }
    if (atomic_exchange(&k->down, false)) {
        ms = (lg_clock_monotonic() - k->down_since) / 1000000;
        kf_event(k, LG_BUS_REOPENED, -1, -1, 0, (uint64_t)ms, LG_STR(""),
                "a broker can be reached again");
    }
    (void)pthread_mutex_lock(&k->error_lock);
    k->error[0] = '\0';
    k->login_failed = false;
    (void)pthread_mutex_unlock(&k->error_lock);
    return 0;
}

static void *run(void *arg)
{
    struct kf *k = arg;
    bool stop = false;

    while (!stop) {
        (void)rd_kafka_poll(k->admin, THREAD_POLL_MS);
        if (look(k) < 0)
            kf_sleep(k, k->opt.maintain_ms);
        (void)pthread_mutex_lock(&k->down_lock);
        stop = k->stop;
        (void)pthread_mutex_unlock(&k->down_lock);
    }
    return NULL;
}

static int kf_maintain(struct lg_bus *bus)
{
    struct kf *k = kf_of(bus);

    return atomic_load(&k->down) ? LG_EAGAIN : 0; /* the thread looks */
}

/* --- numbers */

static void kf_stats(struct lg_bus *bus, struct lg_bus_stats *ret)
{
    struct kf *k = kf_of(bus);

    *ret = (struct lg_bus_stats){
            .published = atomic_load(&k->n_published),
            .published_bytes = atomic_load(&k->n_published_bytes),
            .groups_written = atomic_load(&k->n_calls),
            .failed = atomic_load(&k->down),
    };
    for (int i = 0; i < LG_BUS_EVENT_KINDS; i++) {
        ret->events[i] = atomic_load(&k->n_events[i]);
        ret->event_sums[i] = atomic_load(&k->n_event_sums[i]);
    }
}

static int kf_topic_stats(struct lg_bus *bus, int topic, struct lg_bus_topic_stats *ret)
{
    struct kf *k = kf_of(bus);
    const struct kf_topic *t = kf_topic(k, topic);

    if (t == NULL)
        return LG_ENOENT;
    *ret = (struct lg_bus_topic_stats){.published = atomic_load(&t->published)};
    return kf_count_records(k, t, &ret->records);
}

/* --- life */

static void kf_close(struct lg_bus *bus)
{
    struct kf *k = kf_of(bus);

    if (k->has_thread) {
        (void)pthread_mutex_lock(&k->down_lock);
        k->stop = true;
        (void)pthread_cond_broadcast(&k->down_cond);
        (void)pthread_mutex_unlock(&k->down_lock);
        (void)pthread_join(k->thread, NULL);
    }
    kf_producer_stop(k);
    kf_readers_free(k->readers);
    if (k->admin != NULL)
        rd_kafka_destroy(k->admin);
    if (k->conf != NULL)
        rd_kafka_conf_destroy(k->conf);
    for (int i = 0; i < LG_BUS_MAX_TOPICS; i++)
        lg_free(k->topics[i]);
    (void)pthread_mutex_destroy(&k->topics_lock);
    (void)pthread_rwlock_destroy(&k->producer_lock);
    (void)pthread_mutex_destroy(&k->readers_lock);
    (void)pthread_mutex_destroy(&k->error_lock);
    (void)pthread_mutex_destroy(&k->down_lock);
    (void)pthread_cond_destroy(&k->down_cond);
    lg_free(k);
}

static const struct lg_bus_ops ops = {
        .close = kf_close,
        .maintain = kf_maintain,
        .topic_ensure = kf_topic_ensure,
        .topic_find = kf_topic_find,
        .topic_name = kf_topic_name,
        .partitions = kf_partitions,
        .offsets = kf_offsets,
        .publish = kf_publish,
        .consumer_new = kf_consumer_new,
        .consumer_close = kf_consumer_close,
        .poll = kf_poll,
        .batch_free = kf_batch_free,
        .wake = kf_wake,
        .seek = kf_seek,
        .position = kf_position,
        .pause = kf_pause,
        .assignment = kf_assignment,
        .committed = kf_committed,
        .lag = kf_lag,
        .group_set = kf_group_set,
        .group_delete = kf_group_delete,
        .read = kf_read,
        .compacted_scan = kf_compacted_scan,
        .stats = kf_stats,
        .topic_stats = kf_topic_stats,
};

static void set_defaults(struct lg_kafka_options *o)
{
    o->fetch_bytes = o->fetch_bytes > 0 ? o->fetch_bytes : (size_t)64 << 20;
    o->send_bytes = o->send_bytes > 0 ? o->send_bytes : (size_t)64 << 20;
    o->publish_timeout_ms = o->publish_timeout_ms > 0 ? o->publish_timeout_ms : 15000;
    o->request_timeout_ms = o->request_timeout_ms > 0 ? o->request_timeout_ms : 10000;
    o->session_timeout_ms = o->session_timeout_ms > 0 ? o->session_timeout_ms : 20000;
    o->max_poll_ms = o->max_poll_ms > 0 ? o->max_poll_ms : 300000;
    o->maintain_ms = o->maintain_ms > 0 ? o->maintain_ms : 1000;
    o->zstd_level = o->zstd_level > 0 ? o->zstd_level : 1;
    if (o->max_poll_ms < o->session_timeout_ms)
        o->max_poll_ms = o->session_timeout_ms;
}

/* Waits for a broker that lets us in. */
static int reach(struct kf *k, struct lg_err *reterr)
{
    int64_t deadline = lg_clock_monotonic() + (int64_t)k->opt.request_timeout_ms * 1000000;
    const char *note = NULL;
    bool refused = false;
    int rc = LG_EAGAIN;

    while (rc < 0 && !refused && lg_clock_monotonic() < deadline) {
        rc = kf_ask(k, 500);
        (void)rd_kafka_poll(k->admin, 0);
        (void)pthread_mutex_lock(&k->error_lock);
        refused = k->login_failed;
        (void)pthread_mutex_unlock(&k->error_lock);
    }
    if (rc == 0)
        return 0;
    if (k->opt.sasl_mechanism != NULL && strncmp(k->opt.sasl_mechanism, "SCRAM", 5) == 0)
        note = lg_kafka_scram_note();
    return lg_err_set(reterr, refused ? LG_EREFUSED : LG_EAGAIN, "kafka: %s: %.140s%s%s",
            refused ? "not let in" : "no broker can be reached", k->error,
            refused && note != NULL ? "; " : "", refused && note != NULL ? note : "");
}

static int open_clients(struct kf *k, bool publishes, struct lg_err *reterr)
{
    rd_kafka_conf_t *conf;
    int rc = kf_conf_common(k, reterr);

    if (rc == 0)
        rc = kf_conf_new(k, &conf, reterr);
    if (rc == 0)
        rc = kf_start(k, RD_KAFKA_PRODUCER, conf, &k->admin, reterr);
    if (rc == 0)
        rc = reach(k, reterr);
    if (rc == 0 && publishes)
        rc = kf_producer_start(k, reterr);
    if (rc == 0 && pthread_create(&k->thread, NULL, run, k) != 0)
        rc = lg_err_set(reterr, LG_ENOMEM, "cannot start a thread");
    if (rc == 0) {
        k->has_thread = true;
        (void)pthread_setname_np(k->thread, "kafka");
    }
    return rc;
}

static void forget_strings(struct lg_kafka_options *o)
{
    o->brokers = o->client_id = o->security_protocol = o->username = o->password = NULL;
    o->oauth_unsecured = o->ca_file = o->cert_file = o->key_file = o->key_password = NULL;
    o->sasl_mechanism = NULL;
}

int kf_open(
        const struct lg_kafka_options *opt, bool publishes, struct kf **ret, struct lg_err *reterr)
{
    struct kf *k;
    int rc;

    if (opt->brokers == NULL || opt->brokers[0] == '\0')
        return lg_err_set(reterr, LG_EINVAL, "kafka: no brokers named");
    k = lg_calloc(1, sizeof(*k));
    if (k == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    k->pub.ops = &ops;
    k->self = k;
    k->opt = *opt;
    set_defaults(&k->opt);
    (void)pthread_mutex_init(&k->topics_lock, NULL);
    (void)pthread_rwlock_init(&k->producer_lock, NULL);
    (void)pthread_mutex_init(&k->readers_lock, NULL);
    (void)pthread_mutex_init(&k->error_lock, NULL);
    (void)pthread_mutex_init(&k->down_lock, NULL);
    lg_clock_cond_init(&k->down_cond);
    rc = open_clients(k, publishes, reterr);
    forget_strings(&k->opt);
    if (rc < 0) {
        kf_close(&k->pub);
        return rc;
    }
    *ret = k;
    return 0;
}

int lg_kafka_open(const struct lg_kafka_options *opt, struct lg_bus **ret, struct lg_err *reterr)
{
    struct kf *k;
    int rc = kf_open(opt, true, &k, reterr);

    if (rc == 0)
        *ret = &k->pub;
    return rc;
}
