/*
 * Publishing. A call hands its records to the producer and waits until each has its delivery
 * report, so that the records' bytes can be borrowed all the way; the producer gives every record
 * up after publish_timeout_ms. A producer that declares itself broken is replaced.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "kafka/kafka_int.h"

#define SERVE_MS 100
/*
 * A call's records of one partition should go as one request: a batch takes what a round has at most,
 * and the linger lasts until the call has handed over all, when a flush ends it. With requests on
 * the way and more to send, librdkafka's thread was seen to poll without sleep until an answer came.
 */
#define BATCH_BYTES (4 << 20)
#define LINGER_MS 5
#define FLUSH_MS 1

/* One call while it waits; on its caller's stack. */
struct kf_req {
    atomic_size_t left; /* reports to come, and one for the caller itself */
    _Atomic int error;  /* of the first record that failed */
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
};

/* --- the producer */

static void settle(struct kf_req *req)
{
    if (atomic_fetch_sub(&req->left, 1) > 1)
        return;
    (void)pthread_mutex_lock(&req->lock);
    req->done = true;
    (void)pthread_cond_signal(&req->cond);
    (void)pthread_mutex_unlock(&req->lock);
}

static void note_error(struct kf_req *req, rd_kafka_resp_err_t err)
{
    int none = RD_KAFKA_RESP_ERR_NO_ERROR;

    (void)atomic_compare_exchange_strong(&req->error, &none, (int)err);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct kf_req *req = m->_private;

    (void)rk;
    (void)opaque;
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        note_error(req, m->err);
    settle(req);
}

static void *serve(void *arg)
{
    struct kf_producer *p = arg;

    while (!atomic_load(&p->stop))
        (void)rd_kafka_poll(p->rk, SERVE_MS);
    return NULL;
}

static int producer_conf(struct kf *k, rd_kafka_conf_t *conf, struct lg_err *reterr)
{
    const struct {
        const char *name;
        int64_t value;
    } list[] = {
            {"message.timeout.ms", k->opt.publish_timeout_ms},
            {"request.timeout.ms", k->opt.publish_timeout_ms / 3 + 1},
            {"linger.ms", LINGER_MS},
            {"batch.size", BATCH_BYTES},
            {"queue.buffering.max.kbytes", (int64_t)(k->opt.send_bytes >> 10) + 1},
            {"queue.buffering.max.messages", 200000},
            {"compression.level", k->opt.zstd_level},
            {"max.in.flight.requests.per.connection", 5},
            {"retry.backoff.ms", 50},
    };
    int rc = kf_conf_set(conf, "enable.idempotence", "true", reterr);

    if (rc == 0)
        rc = kf_conf_set(conf, "acks", "all", reterr);
    if (rc == 0)
        rc = kf_conf_set(conf, "compression.type", "zstd", reterr);
    for (size_t i = 0; rc == 0 && i < sizeof(list) / sizeof(*list); i++)
        rc = kf_conf_set_n(conf, list[i].name, list[i].value, reterr);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    return rc;
}

static void producer_free(struct kf_producer *p)
{
    atomic_store(&p->stop, true);
    (void)pthread_join(p->thread, NULL);
    for (int i = 0; i < LG_BUS_MAX_TOPICS; i++)
        if (atomic_load(&p->topics[i]) != NULL)
            rd_kafka_topic_destroy(atomic_load(&p->topics[i]));
    rd_kafka_destroy(p->rk);
    (void)pthread_mutex_destroy(&p->lock);
    lg_free(p);
}

/* producer_lock is exclusive, or the bus is new. */
int kf_producer_start(struct kf *k, struct lg_err *reterr)
{
    struct kf_producer *p = lg_calloc(1, sizeof(*p));
    rd_kafka_conf_t *conf = NULL;
    int rc = p != NULL ? kf_conf_new(k, &conf, reterr) : lg_err_set(reterr, LG_ENOMEM, "no memory");

    if (rc == 0) {
        rc = producer_conf(k, conf, reterr);
        if (rc == 0)
            rc = kf_start(k, RD_KAFKA_PRODUCER, conf, &p->rk, reterr);
        else
            rd_kafka_conf_destroy(conf);
    }
    if (rc == 0) {
        (void)pthread_mutex_init(&p->lock, NULL);
        if (pthread_create(&p->thread, NULL, serve, p) == 0) {
            (void)pthread_setname_np(p->thread, "kafka.publish");
            k->producer = p;
            return 0;
        }
        (void)pthread_mutex_destroy(&p->lock);
        rd_kafka_destroy(p->rk);
        rc = lg_err_set(reterr, LG_ENOMEM, "cannot start a thread");
    }
    lg_free(p);
    return rc;
}

void kf_producer_stop(struct kf *k)
{
    if (k->producer != NULL)
        producer_free(k->producer);
    k->producer = NULL;
}

/* Another one instead of the one that broke, or that could not be made before. */
static void replace(struct kf *k, const struct kf_producer *broken, const char *why)
{
    struct lg_err err = {0};

    (void)pthread_rwlock_wrlock(&k->producer_lock);
    if (k->producer == broken) {
        lg_log(LG_LOG_WARN, "kafka", "a new producer", "error=\"%s\"", why);
        kf_producer_stop(k);
        if (kf_producer_start(k, &err) < 0)
            lg_log(LG_LOG_ERROR, "kafka", "no producer", "error=\"%s\"", err.text);
    }
    (void)pthread_rwlock_unlock(&k->producer_lock);
}

/* --- one call */

static rd_kafka_topic_t *topic_of(struct kf *k, struct kf_producer *p, int topic)
{
    rd_kafka_topic_t *rkt = atomic_load_explicit(&p->topics[topic], memory_order_acquire);

    if (rkt != NULL)
        return rkt;
    (void)pthread_mutex_lock(&p->lock);
    rkt = atomic_load(&p->topics[topic]);
    if (rkt == NULL) {
        rkt = rd_kafka_topic_new(p->rk, k->topics[topic]->name, NULL);
        atomic_store(&p->topics[topic], rkt);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return rkt;
}

static rd_kafka_headers_t *headers_of(
        const struct lg_bus_record *rec, const char *time, size_t n_time)
{
    rd_kafka_headers_t *list;

    if (rec->n_headers == 0 && n_time == 0)
        return NULL;
    list = rd_kafka_headers_new(rec->n_headers + 1);
    for (size_t i = 0; i < rec->n_headers; i++) {
        const struct lg_bus_header *h = &rec->headers[i];

        (void)rd_kafka_header_add(list, h->name.p, (ssize_t)h->name.n,
                h->value.n > 0 ? h->value.p : "", (ssize_t)h->value.n);
    }
    if (n_time > 0)
        (void)rd_kafka_header_add(list, KF_H_TIME, sizeof(KF_H_TIME) - 1, time, (ssize_t)n_time);
    return list;
}

static int32_t partition_of(struct kf_topic *t, const struct lg_bus_output *out)
{
    if (out->partition != LG_BUS_BY_KEY)
        return out->partition;
    if (out->rec.key.n == 0)
        return (int32_t)(atomic_fetch_add(&t->turn, 1) % (uint32_t)t->partitions);
    return (int32_t)((lg_bus_murmur2(out->rec.key) & 0x7fffffffu) % (uint32_t)t->partitions);
}

static rd_kafka_resp_err_t produce(struct kf *k, struct kf_producer *p,
        const struct lg_bus_output *out, lg_time now, struct kf_req *req)
{
    rd_kafka_topic_t *rkt = topic_of(k, p, out->topic);
    const struct lg_bus_record *rec = &out->rec;
    const char *bytes = rec->value.n > 0 ? rec->value.p : rec->value.p != NULL ? "" : NULL;
    void *value = (void *)(uintptr_t)bytes; /* borrowed, and not written to */
    void *key = rec->key.n > 0 ? (void *)(uintptr_t)rec->key.p : NULL;
    int32_t partition = partition_of(k->topics[out->topic], out);
    rd_kafka_headers_t *headers;
    rd_kafka_resp_err_t err;
    char text[24];
    size_t n_text;
    int64_t ms = kf_time_put(rec->bus_time != 0 ? rec->bus_time : now, text, &n_text);

    if (rkt == NULL)
        return rd_kafka_last_error();
    headers = headers_of(rec, text, n_text);
    (void)atomic_fetch_add(&req->left, 1);
    err = rd_kafka_producev(p->rk, RD_KAFKA_V_RKT(rkt), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_VALUE(value, rec->value.n), RD_KAFKA_V_KEY(key, rec->key.n),
            RD_KAFKA_V_MSGFLAGS(0), RD_KAFKA_V_TIMESTAMP(ms), RD_KAFKA_V_HEADERS(headers),
            RD_KAFKA_V_OPAQUE(req), RD_KAFKA_V_END);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)atomic_fetch_sub(&req->left, 1); /* never the last: the caller's own is left */
        if (headers != NULL)
            rd_kafka_headers_destroy(headers);
    }
    return err;
}

/* A little, or until all reports are there. */
static void wait_room(struct kf_req *req)
{
    const struct timespec ts = lg_clock_deadline(2000000);

    (void)pthread_mutex_lock(&req->lock);
    (void)pthread_cond_timedwait(&req->cond, &req->lock, &ts);
    (void)pthread_mutex_unlock(&req->lock);
}

/* All records, then their reports. producer_lock is shared. */
static rd_kafka_resp_err_t send_all(struct kf *k, struct kf_producer *p,
        const struct lg_bus_output *outs, size_t n, struct kf_req *req)
{
    int64_t deadline = lg_clock_monotonic() + (int64_t)k->opt.publish_timeout_ms * 1000000;
    lg_time now = kf_now(k) / 1000000 * 1000000; /* says all in the timestamp */

    for (size_t i = 0; i < n && atomic_load(&req->error) == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        rd_kafka_resp_err_t err = produce(k, p, &outs[i], now, req);

        while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL && lg_clock_monotonic() < deadline) {
            wait_room(req);
            err = produce(k, p, &outs[i], now, req);
        }
        if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
            note_error(req, err);
    }
    (void)rd_kafka_flush(p->rk, FLUSH_MS); /* reports may be served in here */
    settle(req);
    (void)pthread_mutex_lock(&req->lock);
    while (!req->done)
        (void)pthread_cond_wait(&req->cond, &req->lock);
    (void)pthread_mutex_unlock(&req->lock);
    return (rd_kafka_resp_err_t)atomic_load(&req->error);
}

static int send_call(
        struct kf *k, const struct lg_bus_output *outs, size_t n, struct lg_err *reterr)
{
    struct kf_req req = {.lock = PTHREAD_MUTEX_INITIALIZER};
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    char why[200] = "";
    bool broken = true; /* or was never made */
    struct kf_producer *p;

    atomic_init(&req.left, 1);
    lg_clock_cond_init(&req.cond);
    (void)pthread_rwlock_rdlock(&k->producer_lock);
    p = k->producer;
    if (p != NULL) {
        err = send_all(k, p, outs, n, &req);
        broken = false;
    }
    if (p != NULL && err != RD_KAFKA_RESP_ERR_NO_ERROR) { /* records may just have timed out */
        rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(p->rk, why, sizeof(why));

        broken = fatal != RD_KAFKA_RESP_ERR_NO_ERROR;
        err = kf_rc(fatal) == LG_EIO ? fatal : err;
    }
    (void)pthread_rwlock_unlock(&k->producer_lock);
    (void)pthread_cond_destroy(&req.cond);
    (void)pthread_mutex_destroy(&req.lock);
    if (broken)
        replace(k, p, why);
    return err == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : kf_fail(k, err, reterr, "publishing");
}

static int check(struct kf *k, const struct lg_bus_output *out, struct lg_err *reterr)
{
    const struct kf_topic *t = kf_topic(k, out->topic);

    if (t == NULL)
        return lg_err_set(reterr, LG_EINVAL, "no topic %d", out->topic);
    if (t->compacted && out->rec.key.n == 0)
        return lg_err_set(reterr, LG_EINVAL, "topic '%s' needs keys", t->name);
    if (out->partition != LG_BUS_BY_KEY && !kf_has_partition(k, out->topic, out->partition))
        return lg_err_set(
                reterr, LG_EINVAL, "topic '%s' has no partition %d", t->name, out->partition);
    return 0;
}

int kf_publish(struct lg_bus *bus, struct lg_bus_consumer *c, const struct lg_bus_output *outs,
        size_t n_outs, const struct lg_bus_offset *offsets, size_t n_offsets, unsigned flags,
        struct lg_err *reterr)
{
    struct kf *k = kf_of(bus);
    uint64_t bytes = 0;
    int rc = 0;

    (void)flags; /* always durable; room is the brokers' affair */
    for (size_t i = 0; rc == 0 && i < n_outs; i++)
        rc = check(k, &outs[i], reterr);
    if (rc == 0 && c != NULL && kf_consumer_owns(c, offsets, n_offsets) < 0)
        rc = lg_err_set(reterr, LG_EREFUSED, "a partition is not assigned to this consumer");
    if (rc == 0 && n_outs > 0)
        rc = send_call(k, outs, n_outs, reterr);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n_outs; i++) {
        (void)atomic_fetch_add(&k->topics[outs[i].topic]->published, 1);
        bytes += lg_bus_record_bytes(&outs[i].rec);
    }
    (void)atomic_fetch_add(&k->n_published, n_outs);
    (void)atomic_fetch_add(&k->n_published_bytes, bytes);
    (void)atomic_fetch_add(&k->n_calls, 1);
    return n_offsets > 0 ? kf_consumer_commit(c, offsets, n_offsets, reterr) : 0;
}
