/*
 * A group member's reading. One queue holds what librdkafka fetched of all partitions, so that one
 * limit bounds it; what is taken off it waits with its partition until a batch is made of it.
 */
#include "kafka/consume.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

#define CHUNK 512u /* messages taken off the queue at once */
#define CLOSE_MS 5000

/* --- waking */

void kf_signal(struct kf_consumer *c)
{
    (void)pthread_mutex_lock(&c->lock);
    c->pending = true;
    (void)pthread_cond_signal(&c->cond);
    (void)pthread_mutex_unlock(&c->lock);
}

/* A queue was empty and is no more; from a thread of librdkafka. */
static void on_queue(rd_kafka_t *rk, void *opaque)
{
    (void)rk;
    kf_signal(opaque);
}

void kf_wake(struct lg_bus_consumer *pub)
{
    struct kf_consumer *c = kf_consumer_of(pub);

    (void)pthread_mutex_lock(&c->lock);
    c->pending = c->woken = true;
    (void)pthread_cond_signal(&c->cond);
    (void)pthread_mutex_unlock(&c->lock);
}

static bool begin_look(struct kf_consumer *c)
{
    bool woken;

    (void)pthread_mutex_lock(&c->lock);
    woken = c->woken;
    c->woken = c->pending = false;
    (void)pthread_mutex_unlock(&c->lock);
    return woken;
}

/* Until something may have changed (true), or the deadline. */
static bool wait_pending(struct kf_consumer *c, const struct timespec *deadline)
{
    bool pending;
    int rc = 0;

    (void)pthread_mutex_lock(&c->lock);
    while (!c->pending && rc == 0)
        rc = pthread_cond_timedwait(&c->cond, &c->lock, deadline);
    pending = c->pending;
    (void)pthread_mutex_unlock(&c->lock);
    return pending;
}

/* --- fetching */

static void list_part(
        struct kf_consumer *c, rd_kafka_topic_partition_list_t *list, const struct kf_part *p)
{
    rd_kafka_topic_partition_list_add(list, kf_topic(c->k, p->topic)->name, p->partition)->offset =
            p->pos;
}

static int report(rd_kafka_error_t *error, struct lg_err *reterr)
{
    if (error == NULL)
        return 0;
    (void)lg_err_set(reterr, LG_EAGAIN, "kafka: %s", rd_kafka_error_string(error));
    lg_log(LG_LOG_DEBUG, "kafka", "assignment", "error=\"%s\"", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return LG_EAGAIN;
}

static bool wanted(const struct kf_part *p)
{
    return !p->fresh && !p->paused && !p->fetching;
}

int kf_fetch_start(struct kf_consumer *c, struct lg_err *reterr)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    int rc;

    for (size_t i = 0; i < c->parts.n; i++) {
        struct kf_part *p = &c->parts.v[i];

        if (!wanted(p))
            continue;
        if (list == NULL)
            list = rd_kafka_topic_partition_list_new(8);
        list_part(c, list, p);
        p->fetching = true;
    }
    if (list == NULL)
        return 0;
    rc = report(rd_kafka_incremental_assign(c->client->rk, list), reterr);
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

/* Lets go of what is held. */
static void release(struct kf_consumer *c, struct kf_part *p)
{
    for (size_t i = p->held_at; i < p->held.n; i++)
        rd_kafka_message_destroy(p->held.v[i]);
    c->held -= p->held.n - p->held_at;
    c->held_bytes -= p->held_bytes;
    p->held.n = p->held_at = p->held_bytes = 0;
    p->error = RD_KAFKA_RESP_ERR_NO_ERROR;
}

void kf_part_done(struct kf_part *p)
{
    lg_vec_done(&p->held);
}

void kf_fetch_stop(struct kf_consumer *c, struct kf_part **parts, size_t n)
{
    rd_kafka_topic_partition_list_t *list;
    struct lg_err err;

    if (n == 0)
        return;
    list = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++) {
        list_part(c, list, parts[i]);
        release(c, parts[i]);
        parts[i]->fetching = false;
    }
    (void)report(rd_kafka_incremental_unassign(c->client->rk, list), &err);
    rd_kafka_topic_partition_list_destroy(list);
}

static void move_to(struct kf_consumer *c, struct kf_part *p, int64_t pos)
{
    if (p->fetching)
        kf_fetch_stop(c, &p, 1);
    p->pos = pos;
}

/* --- reading */

/* The position is not in the log (any more): a gap, and where reading goes on. */
static int out_of_range(struct kf_consumer *c, struct kf_part *p, struct lg_bus_batch **ret)
{
    const struct kf_batch_from from = {c->k, c->client, p->topic, p->partition, lg_str_z(c->group)};
    int64_t begin, end, was = p->pos;
    rd_kafka_message_t *none[1];
    uint64_t gap = 0;
    int rc = kf_offsets(&c->k->pub, p->topic, p->partition, &begin, &end);

    if (rc < 0)
        return LG_EAGAIN;
    move_to(c, p, was >= begin && was <= end ? was : begin);
    if (was < begin) {
        gap = (uint64_t)(begin - was);
        kf_event(c->k, LG_BUS_RETENTION_FORCED, p->topic, p->partition, was, gap,
                lg_str_z(c->group), "retention removed records that a group had not read");
    } else if (was > end) {
        kf_event(c->k, LG_BUS_CUT_TAIL, p->topic, p->partition, end, (uint64_t)(was - end),
                lg_str_z(c->group), "a partition ends before what was read of it");
    }
    if (gap == 0)
        return 0;
    rc = kf_batch_make(&from, none, 0, begin, gap, ret);
    return rc < 0 ? LG_EAGAIN : 1;
}

static struct kf_part *part_of(struct kf_consumer *c, const rd_kafka_message_t *m)
{
    const char *name = rd_kafka_topic_name(m->rkt);

    for (size_t i = 0; i < c->parts.n; i++)
        if (c->parts.v[i].partition == m->partition &&
                strcmp(kf_topic(c->k, c->parts.v[i].topic)->name, name) == 0)
            return &c->parts.v[i];
    return NULL;
}

/* Puts a message with its partition; false: it is nobody's. */
static bool hold(struct kf_consumer *c, struct kf_part *p, rd_kafka_message_t *m)
{
    if (p == NULL || !p->fetching || p->error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false; /* given up meanwhile; or after an error, where it is fetched again */
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        p->error = m->err;
        return false;
    }
    if (m->offset < p->pos)
        return false;
    if (lg_vec_push(&p->held, m) < 0) {
        p->error = RD_KAFKA_RESP_ERR__FAIL; /* what follows is fetched again */
        return false;
    }
    p->held_bytes += m->key_len + m->len;
    c->held_bytes += m->key_len + m->len;
    c->held++;
    return true;
}

/* What the whole consumer is told by a message that is of no partition. */
static int on_consumer_error(
        struct kf_consumer *c, const rd_kafka_message_t *m, struct lg_err *reterr)
{
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR || kf_rc(m->err) != LG_EIO)
        return 0;
    return kf_fail(c->k, m->err, reterr, rd_kafka_message_errstr(m));
}

/* Serves what the group wants, and takes messages until there are enough for some batches. */
static int take(struct kf_consumer *c, struct lg_err *reterr)
{
    rd_kafka_message_t *chunk[CHUNK];
    int rc = 0;
    ssize_t n;

    do {
        const rd_kafka_topic_t *rkt = NULL;
        int32_t partition = -1;
        struct kf_part *p = NULL;

        n = rd_kafka_consume_batch_queue(c->queue, 0, chunk, CHUNK);
        for (ssize_t i = 0; i < n; i++) {
            rd_kafka_message_t *m = chunk[i];

            if (m->rkt != rkt || m->partition != partition) {
                rkt = m->rkt;
                partition = m->partition;
                p = rkt != NULL ? part_of(c, m) : NULL;
            }
            if (rkt == NULL && rc == 0)
                rc = on_consumer_error(c, m, reterr);
            if (!hold(c, p, m))
                rd_kafka_message_destroy(m);
        }
    } while (rc == 0 && n == (ssize_t)CHUNK && c->held < c->max_records &&
            c->held_bytes < c->max_bytes);
    if (rc == 0 && c->no_memory)
        rc = lg_err_set(reterr, LG_ENOMEM, "no memory for an assigned partition");
    return rc;
}

/* A batch of what is held, up to the limits. */
static int make_batch(struct kf_consumer *c, struct kf_part *p, struct lg_bus_batch **ret)
{
    const struct kf_batch_from from = {c->k, c->client, p->topic, p->partition, lg_str_z(c->group)};
    rd_kafka_message_t **msgs = p->held.v + p->held_at;
    size_t n = 0, bytes = 0, left = p->held.n - p->held_at;
    int64_t next;
    int rc;

    while (n < left && n < c->max_records && bytes < c->max_bytes) {
        bytes += msgs[n]->key_len + msgs[n]->len;
        n++;
    }
    next = msgs[n - 1]->offset + 1;
    p->held_at += n;
    p->held_bytes -= bytes;
    c->held -= n;
    c->held_bytes -= bytes;
    rc = kf_batch_make(&from, msgs, n, next, 0, ret);
    if (rc < 0) { /* the messages are gone: fetch them again */
        move_to(c, p, p->pos);
        return LG_EAGAIN;
    }
    p->pos = next;
    if (p->held_at == p->held.n)
        p->held.n = p->held_at = 0;
    return 1;
}

static int read_one(
        struct kf_consumer *c, struct kf_part *p, struct lg_bus_batch **ret, struct lg_err *reterr)
{
    rd_kafka_resp_err_t err = p->error;

    if (p->held_at < p->held.n)
        return make_batch(c, p, ret);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    p->error = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        return out_of_range(c, p, ret);
    move_to(c, p, p->pos); /* once more, from where it is */
    if (kf_rc(err) == LG_EIO)
        return kf_fail(c->k, err, reterr, kf_topic(c->k, p->topic)->name);
    return 0;
}

static int read_any(struct kf_consumer *c, struct lg_bus_batch **ret, struct lg_err *reterr)
{
    size_t n = c->parts.n;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        size_t at = (c->turn + i) % n;

        rc = read_one(c, &c->parts.v[at], ret, reterr);
        if (rc == 1)
            c->turn = at + 1;
    }
    return rc;
}

/* --- polling */

/* What the group wants first. 1: something changed, 0: nothing. */
static int look_at_group(struct kf_consumer *c, struct lg_err *reterr)
{
    int rc = take(c, reterr);

    if (rc == 0 && c->fenced) {
        rc = kf_group_recover(c);
        if (rc == 0)
            rc = LG_EAGAIN; /* not yet; nothing is read meanwhile */
        else if (rc == 1)
            rc = 0;
    }
    if (rc == 0 && c->changed) {
        c->changed = false;
        return 1;
    }
    if (rc == 0)
        rc = kf_group_take(c, reterr);
    if (rc == 0)
        rc = kf_fetch_start(c, reterr);
    if (rc == 0)
        kf_group_refresh(c);
    return rc;
}

int kf_poll(struct lg_bus_consumer *pub, uint32_t timeout_ms, struct lg_bus_batch **ret,
        struct lg_err *reterr)
{
    struct kf_consumer *c = kf_consumer_of(pub);
    const struct timespec deadline = lg_clock_deadline((int64_t)timeout_ms * 1000000);

    for (;;) {
        bool woken = begin_look(c);
        int rc = look_at_group(c, reterr);

        if (rc == 1 || (rc < 0 && rc != LG_EAGAIN))
            return rc < 0 ? rc : 0;
        if (rc == 0 && !woken)
            rc = read_any(c, ret, reterr);
        if (woken || rc == 1 || (rc < 0 && rc != LG_EAGAIN))
            return rc;
        if (!wait_pending(c, &deadline)) {
            if (rc == 0 && atomic_load(&c->k->down))
                rc = lg_err_set(reterr, LG_EAGAIN, "kafka: no broker can be reached");
            return rc;
        }
    }
}

/* --- places */

int kf_seek(struct lg_bus_consumer *pub, int topic, int32_t partition, int64_t offset)
{
    struct kf_consumer *c = kf_consumer_of(pub);
    struct kf_part *p = kf_part_find(c, topic, partition);
    int64_t begin, end;
    int rc;

    if (p == NULL || p->fresh)
        return LG_EREFUSED;
    rc = kf_offsets(&c->k->pub, topic, partition, &begin, &end);
    if (rc < 0)
        return rc;
    move_to(c, p, offset < begin ? begin : offset > end ? end : offset);
    return 0;
}

int kf_position(struct lg_bus_consumer *pub, int topic, int32_t partition, int64_t *ret)
{
    const struct kf_part *p = kf_part_find(kf_consumer_of(pub), topic, partition);

    if (p == NULL || p->fresh)
        return LG_EREFUSED;
    *ret = p->pos;
    return 0;
}

int kf_pause(struct lg_bus_consumer *pub, int topic, int32_t partition, bool paused)
{
    struct kf_part *p = kf_part_find(kf_consumer_of(pub), topic, partition);

    if (p == NULL || p->fresh)
        return LG_EREFUSED;
    p->paused = paused;
    if (paused)
        move_to(kf_consumer_of(pub), p, p->pos); /* or it would fill the queue of all */
    return 0;
}

size_t kf_assignment(struct lg_bus_consumer *pub, struct lg_bus_offset *out, size_t max)
{
    const struct kf_consumer *c = kf_consumer_of(pub);
    size_t n = 0;

    for (size_t i = 0; i < c->parts.n; i++) {
        const struct kf_part *p = &c->parts.v[i];

        if (p->fresh)
            continue;
        if (n < max)
            out[n] = (struct lg_bus_offset){p->topic, p->partition, p->pos};
        n++;
    }
    return n;
}

/* --- life */

static int check_topics(
        struct kf *k, const struct lg_bus_consumer_options *opt, struct lg_err *reterr)
{
    for (size_t i = 0; i < opt->n_topics; i++) {
        const struct kf_topic *t = kf_topic(k, opt->topics[i]);

        if (t == NULL)
            return lg_err_set(reterr, LG_EINVAL, "no topic %d", opt->topics[i]);
        if (t->compacted)
            return lg_err_set(reterr, LG_EUNSUP, "topic '%s' is compacted", t->name);
    }
    return 0;
}

static int consumer_conf(struct kf_consumer *c, rd_kafka_conf_t *conf, struct lg_err *reterr)
{
    const struct lg_kafka_options *o = &c->k->opt;
    const struct {
        const char *name;
        int64_t n;
        const char *word;
    } list[] = {
            {"group.id", 0, c->group},
            {"partition.assignment.strategy", 0, "cooperative-sticky"},
            {"enable.auto.commit", 0, "false"},
            {"enable.auto.offset.store", 0, "false"},
            {"auto.offset.reset", 0, "error"},
            {"queued.max.messages.kbytes", (int64_t)(o->fetch_bytes >> 10) + 1, NULL},
            {"queued.min.messages", 1000000, NULL}, /* the bytes bound it */
            {"fetch.max.bytes", (int64_t)o->fetch_bytes / 4 + KF_MAX_RECORD_BYTES, NULL},
            {"fetch.error.backoff.ms", 100, NULL},
            {"session.timeout.ms", o->session_timeout_ms, NULL},
            {"heartbeat.interval.ms", o->session_timeout_ms / 7 + 1, NULL},
            {"max.poll.interval.ms", o->max_poll_ms, NULL},
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(list) / sizeof(*list); i++)
        rc = list[i].word != NULL ? kf_conf_set(conf, list[i].name, list[i].word, reterr)
                                  : kf_conf_set_n(conf, list[i].name, list[i].n, reterr);
    rd_kafka_conf_set_opaque(conf, &c->k);
    rd_kafka_conf_set_rebalance_cb(conf, kf_on_rebalance);
    return rc;
}

static int join_group(struct kf_consumer *c, struct lg_err *reterr)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t err;

    rd_kafka_topic_partition_list_add(list, kf_topic(c->k, c->anchor)->name, RD_KAFKA_PARTITION_UA);
    err = rd_kafka_poll_set_consumer(c->client->rk);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        c->queue = rd_kafka_queue_get_consumer(c->client->rk);
        rd_kafka_queue_cb_event_enable(c->queue, on_queue, c);
        err = rd_kafka_subscribe(c->client->rk, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return err == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : kf_fail(c->k, err, reterr, "joining a group");
}

static int start(struct kf_consumer *c, struct lg_err *reterr)
{
    rd_kafka_conf_t *conf;
    rd_kafka_t *rk = NULL;
    int rc = kf_conf_new(c->k, &conf, reterr);

    if (rc < 0)
        return rc;
    rc = consumer_conf(c, conf, reterr);
    if (rc < 0) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    rc = kf_start(c->k, RD_KAFKA_CONSUMER, conf, &rk, reterr);
    if (rc < 0)
        return rc;
    c->client = kf_client_new(rk);
    if (c->client == NULL) {
        rd_kafka_destroy(rk);
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    }
    return join_group(c, reterr);
}

int kf_consumer_new(struct lg_bus *bus, const struct lg_bus_consumer_options *opt,
        struct lg_bus_consumer **ret, struct lg_err *reterr)
{
    struct kf *k = kf_of(bus);
    struct kf_consumer *c;
    int rc = check_topics(k, opt, reterr);

    if (rc < 0)
        return rc;
    c = lg_calloc(1, sizeof(*c));
    if (c == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    c->pub.bus = bus;
    c->k = k;
    memcpy(c->group, opt->group.p, opt->group.n);
    memcpy(c->topics, opt->topics, opt->n_topics * sizeof(*opt->topics));
    c->n_topics = opt->n_topics;
    c->anchor = kf_choose_anchor(k, c->topics, c->n_topics);
    c->start = opt->start;
    c->max_bytes = opt->max_batch_bytes > 0 ? opt->max_batch_bytes : (size_t)1 << 20;
    c->max_records = opt->max_batch_records > 0 ? opt->max_batch_records : 8192;
    c->assigned = opt->assigned;
    c->revoked = opt->revoked;
    c->user = opt->user;
    c->refreshed = lg_clock_monotonic();
    (void)pthread_mutex_init(&c->lock, NULL);
    lg_clock_cond_init(&c->cond);
    rc = start(c, reterr);
    if (rc < 0) {
        kf_consumer_close(&c->pub);
        return rc;
    }
    *ret = &c->pub;
    return 0;
}

/* librdkafka before 2.1 aborts when it ends a member that has joined and has not been given its
 * assignment yet: that moment is waited for, and if it does not come the client is left alone. */
static bool may_end(struct kf_consumer *c)
{
    int64_t deadline = lg_clock_monotonic() + (int64_t)CLOSE_MS * 1000000;
    char *member = rd_kafka_memberid(c->client->rk);
    bool joined = member != NULL && member[0] != '\0';

    rd_kafka_mem_free(c->client->rk, member);
    while (joined && !c->synced && lg_clock_monotonic() < deadline) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(c->client->rk, 20);

        if (m != NULL)
            rd_kafka_message_destroy(m);
    }
    return !joined || c->synced;
}

static void leave(struct kf_consumer *c)
{
    if (c->queue != NULL) {
        rd_kafka_queue_cb_event_enable(c->queue, NULL, NULL);
        c->client->leave_alone = !may_end(c);
        (void)rd_kafka_consumer_close(c->client->rk); /* revokes, in this thread */
        rd_kafka_queue_destroy(c->queue);
    }
    if (c->parts.n > 0) /* what the group had not yet taken away */
        kf_group_drop(c, true);
    kf_client_unref(c->client);
}

void kf_consumer_close(struct lg_bus_consumer *pub)
{
    struct kf_consumer *c = kf_consumer_of(pub);

    if (c->client != NULL)
        leave(c);
    lg_vec_done(&c->parts);
    (void)pthread_mutex_destroy(&c->lock);
    (void)pthread_cond_destroy(&c->cond);
    lg_free(c);
}
