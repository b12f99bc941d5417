/*
 * Reading without a group. Partitions are read through one client, each through a reader that
 * stays where the last read ended, so that a caller who reads on pays for no new fetch. At most
 * MAX_READERS are kept; the one that was used least recently makes room.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "kafka/kafka_int.h"

#define MAX_READERS 32
#define READER_KBYTES 1024 /* fetched ahead by one of them, about */
#define CHUNK 64u
#define SCAN_CHUNK 512u
#define MAX_SCAN_KEY_BYTES ((size_t)256 << 20)

struct kf_reader {
    int topic; /* -1: none */
    int32_t partition;
    int64_t pos; /* -1: not started */
    rd_kafka_topic_t *rkt;
    bool busy;
    uint64_t used;
};

struct kf_readers {
    struct kf_client *client;
    pthread_mutex_t lock;
    pthread_cond_t cond; /* a reader is free again */
    struct kf_reader v[MAX_READERS];
    uint64_t uses;
};

/* --- the client */

static int client_new(struct kf *k, struct kf_client **ret, struct lg_err *reterr)
{
    rd_kafka_conf_t *conf;
    rd_kafka_t *rk;
    int rc = kf_conf_new(k, &conf, reterr);

    if (rc < 0)
        return rc;
    rc = kf_conf_set(conf, "enable.partition.eof", "true", reterr);
    if (rc == 0)
        rc = kf_conf_set(conf, "auto.offset.reset", "error", reterr);
    if (rc == 0)
        rc = kf_conf_set_n(conf, "queued.max.messages.kbytes", READER_KBYTES, reterr);
    if (rc == 0)
        rc = kf_conf_set_n(conf, "fetch.message.max.bytes", READER_KBYTES << 9, reterr);
    if (rc == 0)
        rc = kf_conf_set_n(conf, "fetch.error.backoff.ms", 100, reterr);
    if (rc < 0) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    rc = kf_start(k, RD_KAFKA_CONSUMER, conf, &rk, reterr);
    if (rc < 0)
        return rc;
    *ret = kf_client_new(rk);
    if (*ret == NULL) {
        rd_kafka_destroy(rk);
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    }
    return 0;
}

static int readers_get(struct kf *k, struct kf_readers **ret, struct lg_err *reterr)
{
    struct kf_readers *r;
    int rc = 0;

    (void)pthread_mutex_lock(&k->readers_lock);
    if (k->readers == NULL) {
        r = lg_calloc(1, sizeof(*r));
        rc = r != NULL ? client_new(k, &r->client, reterr) : LG_ENOMEM;
        if (rc == 0) {
            (void)pthread_mutex_init(&r->lock, NULL);
            (void)pthread_cond_init(&r->cond, NULL);
            for (size_t i = 0; i < MAX_READERS; i++)
                r->v[i] = (struct kf_reader){.topic = -1, .pos = -1};
            k->readers = r;
        } else {
            lg_free(r);
        }
    }
    *ret = k->readers;
    (void)pthread_mutex_unlock(&k->readers_lock);
    return rc;
}

static void reader_stop(struct kf_reader *rd)
{
    if (rd->pos >= 0)
        (void)rd_kafka_consume_stop(rd->rkt, rd->partition);
    rd->pos = -1;
}

static void reader_clear(struct kf_reader *rd)
{
    reader_stop(rd);
    if (rd->rkt != NULL)
        rd_kafka_topic_destroy(rd->rkt);
    rd->rkt = NULL;
    rd->topic = -1;
}

void kf_readers_free(struct kf_readers *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < MAX_READERS; i++)
        reader_clear(&r->v[i]);
    kf_client_unref(r->client);
    (void)pthread_mutex_destroy(&r->lock);
    (void)pthread_cond_destroy(&r->cond);
    lg_free(r);
}

/* --- readers */

/* The partition's reader, else one that is free; NULL: wait for one. */
static struct kf_reader *choose(struct kf_readers *r, int topic, int32_t partition)
{
    struct kf_reader *best = NULL;

    for (size_t i = 0; i < MAX_READERS; i++) {
        struct kf_reader *rd = &r->v[i];

        if (rd->topic == topic && rd->partition == partition)
            return rd->busy ? NULL : rd;
        if (!rd->busy && (best == NULL || rd->used < best->used))
            best = rd;
    }
    return best;
}

static struct kf_reader *reader_take(
        struct kf *k, struct kf_readers *r, int topic, int32_t partition)
{
    struct kf_reader *rd;

    (void)pthread_mutex_lock(&r->lock);
    rd = choose(r, topic, partition);
    while (rd == NULL) {
        (void)pthread_cond_wait(&r->cond, &r->lock);
        rd = choose(r, topic, partition);
    }
    if (rd->topic != topic || rd->partition != partition) {
        reader_clear(rd);
        rd->topic = topic;
        rd->partition = partition;
        rd->rkt = rd_kafka_topic_new(r->client->rk, kf_topic(k, topic)->name, NULL);
    }
    rd->busy = true;
    rd->used = ++r->uses;
    (void)pthread_mutex_unlock(&r->lock);
    return rd;
}

static void reader_give(struct kf_readers *r, struct kf_reader *rd)
{
    (void)pthread_mutex_lock(&r->lock);
    rd->busy = false;
    (void)pthread_cond_broadcast(&r->cond);
    (void)pthread_mutex_unlock(&r->lock);
    (void)rd_kafka_poll(r->client->rk, 0); /* errors of the whole client */
}

static int reader_at(struct kf *k, struct kf_reader *rd, int64_t offset, struct lg_err *reterr)
{
    if (rd->rkt == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    if (rd->pos == offset)
        return 0;
    reader_stop(rd);
    if (rd_kafka_consume_start(rd->rkt, rd->partition, offset) < 0)
        return kf_fail(k, rd_kafka_last_error(), reterr, "reading");
    rd->pos = offset;
    return 0;
}

/* At most n messages from rd->pos on; 0 at the end, which is `end` or later. What was read moves
 * rd->pos. */
static int reader_next(struct kf *k, struct kf_readers *r, struct kf_reader *rd, int64_t end,
        rd_kafka_message_t **msgs, size_t n, size_t *ret_n, struct lg_err *reterr)
{
    int64_t deadline = lg_clock_monotonic() + (int64_t)k->opt.request_timeout_ms * 1000000;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    bool at_end = rd->pos >= end;
    int64_t ends[2];
    int wait_ms = 0;

    *ret_n = 0;
    while (*ret_n == 0 && !at_end && err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        ssize_t got = rd_kafka_consume_batch(
                rd->rkt, rd->partition, wait_ms, msgs, wait_ms > 0 ? 1 : n); /* waits for all n */

        for (ssize_t i = 0; i < got; i++) {
            rd_kafka_message_t *m = msgs[i];

            if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR && m->offset >= rd->pos) {
                rd->pos = m->offset + 1;
                msgs[(*ret_n)++] = m;
                continue;
            }
            if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
                at_end = m->offset >= end;
            else if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
                err = m->err;
            rd_kafka_message_destroy(m);
        }
        if (*ret_n > 0 || at_end || err != RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        /* A question wakes librdkafka's thread, which looks by itself once a second only at whether
         * there is room in the queue again. */
        if (wait_ms == 0)
            err = rd_kafka_query_watermark_offsets(r->client->rk, kf_topic(k, rd->topic)->name,
                    rd->partition, &ends[0], &ends[1], (int)k->opt.request_timeout_ms);
        wait_ms = wait_ms == 0 ? 50 : 0;
        if (lg_clock_monotonic() > deadline)
            err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    if (*ret_n > 0 || err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    reader_stop(rd); /* another start sees it again, or not */
    return kf_fail(k, err, reterr, "reading");
}

/* --- lg_bus_read */

static int read_at(struct kf *k, struct kf_readers *r, struct kf_reader *rd, int64_t offset,
        size_t max_bytes, struct lg_bus_batch **ret, struct lg_err *reterr)
{
    const struct kf_batch_from from = {k, r->client, rd->topic, rd->partition, LG_STR("")};
    LG_VEC(rd_kafka_message_t *) got = {0};
    size_t bytes = 0, n = 1;
    int64_t begin, end;
    uint64_t gap = 0;
    int rc = kf_offsets(&k->pub, rd->topic, rd->partition, &begin, &end);

    if (rc < 0)
        return lg_err_set(reterr, rc, "kafka: no offsets of a partition");
    if (offset >= end)
        return 0;
    if (offset < begin) {
        gap = (uint64_t)(begin - offset);
        offset = begin;
    }
    rc = reader_at(k, rd, offset, reterr);
    while (rc == 0 && n > 0 && bytes < max_bytes && (got.n == 0 || rd->pos < end)) {
        rc = lg_vec_reserve(&got, got.n + CHUNK);
        if (rc == 0)
            rc = reader_next(k, r, rd, end, got.v + got.n, CHUNK, &n, reterr);
        else
            reader_stop(rd);
        for (size_t i = 0; rc == 0 && i < n; i++, got.n++)
            bytes += got.v[got.n]->key_len + got.v[got.n]->len;
    }
    if (got.n > 0 || (rc == 0 && gap > 0)) {
        rc = kf_batch_make(&from, got.v, got.n, got.n > 0 ? rd->pos : offset, gap, ret);
        if (rc < 0)
            reader_stop(rd);
        rc = rc < 0 ? lg_err_set(reterr, rc, "out of memory") : 1;
    }
    lg_vec_done(&got);
    return rc;
}

int kf_read(struct lg_bus *bus, int topic, int32_t partition, int64_t offset, size_t max_bytes,
        struct lg_bus_batch **ret, struct lg_err *reterr)
{
    struct kf *k = kf_of(bus);
    struct kf_readers *r;
    struct kf_reader *rd;
    int rc;

    if (!kf_has_partition(k, topic, partition) || offset < 0)
        return lg_err_set(reterr, LG_EINVAL, "no such partition or offset");
    if (kf_topic(k, topic)->compacted)
        return lg_err_set(reterr, LG_EUNSUP, "topic '%s' is compacted", kf_topic(k, topic)->name);
    rc = readers_get(k, &r, reterr);
    if (rc < 0)
        return rc;
    rd = reader_take(k, r, topic, partition);
    rc = read_at(k, r, rd, offset, max_bytes, ret, reterr);
    reader_give(r, rd);
    return rc;
}

/* --- lg_bus_compacted_scan: once for the latest offset of every key, once for the values */

struct scan_key {
    char *p;
    size_t n;
    int64_t offset; /* of its latest record; -1: a tombstone */
    uint64_t next;  /* with the same hash: index + 1 */
};

struct scan {
    struct kf *k;
    struct kf_readers *readers;
    struct kf_reader *rd;
    struct lg_map map; /* hash of a key -> index + 1 in keys */
    LG_VEC(struct scan_key) keys;
    size_t key_bytes;
    int (*fn)(void *user, const struct lg_bus_record *rec);
    void *user;
    bool values; /* the second reading */
    rd_kafka_message_t **msgs;
    struct lg_bus_header headers[LG_BUS_MAX_HEADERS];
};

static struct scan_key *scan_find(const struct scan *s, uint64_t hash, struct lg_str key)
{
    const uint64_t *at = lg_map_get(&s->map, hash);

    for (uint64_t i = at != NULL ? *at : 0; i != 0; i = s->keys.v[i - 1].next)
        if (lg_str_eq(lg_str_of(s->keys.v[i - 1].p, s->keys.v[i - 1].n), key))
            return &s->keys.v[i - 1];
    return NULL;
}

static int scan_note(struct scan *s, const rd_kafka_message_t *m)
{
    struct lg_str key = lg_str_of(m->key, m->key_len);
    uint64_t hash = lg_hash_str(key, lg_hash_secret());
    struct scan_key *e = scan_find(s, hash, key);
    const uint64_t *first;
    int rc;

    if (e == NULL) {
        char *copy;

        if (s->key_bytes + key.n + sizeof(*e) > MAX_SCAN_KEY_BYTES)
            return LG_ELIMIT;
        copy = lg_memdup(key.p, key.n);
        first = lg_map_get(&s->map, hash);
        rc = copy == NULL
                ? LG_ENOMEM
                : lg_vec_push(&s->keys,
                          (struct scan_key){
                                  .p = copy, .n = key.n, .next = first != NULL ? *first : 0});
        if (rc < 0) {
            lg_free(copy);
            return rc;
        }
        s->key_bytes += key.n + sizeof(*e);
        e = &s->keys.v[s->keys.n - 1];
        rc = lg_map_put(&s->map, hash, s->keys.n);
        if (rc < 0)
            return rc;
    }
    e->offset = m->payload != NULL ? m->offset : -1;
    return 0;
}

static int scan_tell(struct scan *s, const rd_kafka_message_t *m)
{
    struct lg_str key = lg_str_of(m->key, m->key_len);
    const struct scan_key *e = scan_find(s, lg_hash_str(key, lg_hash_secret()), key);
    struct lg_bus_record rec;
    int rc;

    if (e == NULL || e->offset != m->offset)
        return 0;
    kf_record_of(m, true, &rec, s->headers);
    rc = s->fn(s->user, &rec);
    return rc < 0 ? rc : 0;
}

static bool scan_skips(const struct scan *s, const rd_kafka_message_t *m)
{
    if (m->key == NULL || m->key_len == 0 || m->key_len > LG_BUS_MAX_KEY_BYTES)
        return true;
    if (!kf_too_large(m))
        return false;
    if (!s->values)
        kf_event(s->k, LG_BUS_CORRUPT_BLOCK, s->rd->topic, s->rd->partition, m->offset, 1,
                LG_STR(""), "skipping an oversized value of a compacted topic");
    return true;
}

/* All records of [from, end). */
static int scan_pass(struct scan *s, int64_t from, int64_t end, struct lg_err *reterr)
{
    size_t n = 1;
    int rc = reader_at(s->k, s->rd, from, reterr);

    while (rc == 0 && n > 0 && s->rd->pos < end) {
        rc = reader_next(s->k, s->readers, s->rd, end, s->msgs, SCAN_CHUNK, &n, reterr);
        for (size_t i = 0; i < n; i++) {
            if (rc == 0 && s->msgs[i]->offset < end && !scan_skips(s, s->msgs[i]))
                rc = s->values ? scan_tell(s, s->msgs[i]) : scan_note(s, s->msgs[i]);
            rd_kafka_message_destroy(s->msgs[i]);
        }
    }
    return rc;
}

static int scan(struct scan *s, struct lg_err *reterr)
{
    int64_t begin, end, first = INT64_MAX;
    int rc = kf_offsets(&s->k->pub, s->rd->topic, s->rd->partition, &begin, &end);

    if (rc < 0)
        return lg_err_set(reterr, rc, "kafka: no offsets of a partition");
    reader_stop(s->rd);
    rc = scan_pass(s, begin, end, reterr);
    for (size_t i = 0; i < s->keys.n; i++)
        if (s->keys.v[i].offset >= 0 && s->keys.v[i].offset < first)
            first = s->keys.v[i].offset;
    s->values = true;
    if (rc == 0 && first < end)
        rc = scan_pass(s, first, end, reterr);
    reader_stop(s->rd);
    return rc;
}

int kf_compacted_scan(struct lg_bus *bus, int topic, int32_t partition,
        int (*fn)(void *user, const struct lg_bus_record *rec), void *user, struct lg_err *reterr)
{
    struct kf *k = kf_of(bus);
    struct scan s = {.k = k, .fn = fn, .user = user};
    struct lg_err err = {0};
    struct kf_readers *r;
    int rc;

    if (!kf_has_partition(k, topic, partition))
        return lg_err_set(reterr, LG_EINVAL, "no such partition");
    if (!kf_topic(k, topic)->compacted)
        return lg_err_set(
                reterr, LG_EUNSUP, "topic '%s' is not compacted", kf_topic(k, topic)->name);
    rc = readers_get(k, &r, reterr);
    if (rc < 0)
        return rc;
    s.msgs = lg_calloc(SCAN_CHUNK, sizeof(rd_kafka_message_t *));
    if (s.msgs == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    lg_map_init(&s.map);
    s.readers = r;
    s.rd = reader_take(k, r, topic, partition);
    rc = scan(&s, &err);
    reader_give(r, s.rd);
    for (size_t i = 0; i < s.keys.n; i++)
        lg_free(s.keys.v[i].p);
    lg_vec_done(&s.keys);
    lg_map_done(&s.map);
    lg_free(s.msgs);
    if (rc < 0)
        return lg_err_set(reterr, rc, "%s",
                err.text[0] != '\0' ? err.text : "reading a compacted topic was ended");
    return 0;
}
