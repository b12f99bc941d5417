/* From messages to records, without a copy of keys, values and headers. */
#include <stdio.h>

#include "kafka/kafka_int.h"

struct kf_batch {
    struct lg_bus_batch_int i;
    struct kf_client *client;
    rd_kafka_message_t **msgs;
    size_t n_msgs;
    struct lg_bus_record *records;
    struct lg_bus_header *headers;
};

/* --- time: Kafka has no timestamp of 0 or less, and milliseconds only */

int64_t kf_time_put(lg_time t, char text[24], size_t *ret_n)
{
    int64_t ms = t / 1000000 > 0 ? t / 1000000 : 1;

    *ret_n = ms * 1000000 == t ? 0 : (size_t)snprintf(text, 24, "%lld", (long long)t);
    return ms;
}

lg_time kf_time_get(int64_t timestamp_ms, struct lg_str header)
{
    char text[24];
    size_t n;
    int64_t t;

    if (timestamp_ms < 0)
        timestamp_ms = 0;
    if (timestamp_ms > INT64_MAX / 1000000)
        timestamp_ms = INT64_MAX / 1000000;
    if (header.n > 0 && lg_parse_i64(header, &t) == 0 && kf_time_put(t, text, &n) == timestamp_ms)
        return t;
    return timestamp_ms * 1000000;
}

/* --- records */

bool kf_too_large(const rd_kafka_message_t *m)
{
    return m->len > LG_BUS_MAX_VALUE_BYTES;
}

static size_t read_headers(
        const rd_kafka_message_t *m, struct lg_bus_header *out, struct lg_str *ret_time)
{
    rd_kafka_headers_t *list;
    size_t n = 0, bytes = 0, n_value;
    const void *value;
    const char *name;

    if (rd_kafka_message_headers(m, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    for (size_t i = 0;
            rd_kafka_header_get_all(list, i, &name, &value, &n_value) == RD_KAFKA_RESP_ERR_NO_ERROR;
            i++) {
        struct lg_str key = lg_str_z(name);
        struct lg_str val = value != NULL ? lg_str_of(value, n_value) : LG_STR("");

        if (lg_str_eq(key, LG_STR(KF_H_TIME))) {
            if (ret_time->p == NULL)
                *ret_time = val;
            continue;
        }
        if (n == LG_BUS_MAX_HEADERS)
            continue;
        if (key.n == 0 || key.n > LG_BUS_MAX_HEADERS_BYTES - bytes ||
                val.n > LG_BUS_MAX_HEADERS_BYTES - bytes - key.n)
            continue;
        bytes += key.n + val.n;
        out[n++] = (struct lg_bus_header){key, val};
    }
    return n;
}

void kf_record_of(const rd_kafka_message_t *m, bool compacted, struct lg_bus_record *rec,
        struct lg_bus_header *headers)
{
    rd_kafka_timestamp_type_t type;
    struct lg_str time = {NULL, 0};
    int64_t ms = rd_kafka_message_timestamp(m, &type);

    *rec = (struct lg_bus_record){.offset = m->offset, .headers = headers};
    rec->n_headers = read_headers(m, headers, &time);
    /* What the broker says stands alone: anybody may write the header. */
    rec->bus_time = kf_time_get(ms, type == RD_KAFKA_TIMESTAMP_CREATE_TIME ? time : LG_STR(""));
    if (m->key != NULL && m->key_len <= LG_BUS_MAX_KEY_BYTES)
        rec->key = lg_str_of(m->key, m->key_len);
    else
        rec->key = LG_STR("");
    if (m->payload != NULL)
        rec->value = lg_str_of(m->payload, m->len);
    else if (!compacted)
        rec->value = LG_STR("");
}

static size_t count_headers(const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *list;
    size_t n;

    if (rd_kafka_message_headers(m, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    n = rd_kafka_header_cnt(list);
    return n < LG_BUS_MAX_HEADERS ? n : LG_BUS_MAX_HEADERS;
}

/* --- batches */

void kf_batch_free(struct lg_bus_batch *pub)
{
    struct kf_batch *b = (struct kf_batch *)pub;

    for (size_t i = 0; i < b->n_msgs; i++)
        rd_kafka_message_destroy(b->msgs[i]);
    lg_free(b->msgs);
    lg_free(b->records);
    lg_free(b->headers);
    kf_client_unref(b->client);
    lg_free(b);
}

static void skip(const struct kf_batch_from *from, struct kf_batch *b, const rd_kafka_message_t *m)
{
    char text[120];

    (void)snprintf(text, sizeof(text), "skipping a record of %zu bytes, more than %u", m->len,
            LG_BUS_MAX_VALUE_BYTES);
    b->i.pub.gap++;
    kf_event(from->k, LG_BUS_CORRUPT_BLOCK, from->topic, from->partition, m->offset, 1, from->group,
            text);
}

static int fill(const struct kf_batch_from *from, struct kf_batch *b)
{
    const struct kf_topic *t = kf_topic(from->k, from->topic);
    struct lg_bus_batch *pub = &b->i.pub;
    size_t n_headers = 0, at = 0;

    for (size_t i = 0; i < b->n_msgs; i++)
        n_headers += count_headers(b->msgs[i]);
    b->records = lg_calloc(b->n_msgs + 1, sizeof(*b->records));
    b->headers = lg_calloc(n_headers + 1, sizeof(*b->headers));
    if (b->records == NULL || b->headers == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < b->n_msgs; i++) {
        struct lg_bus_record *rec = &b->records[pub->n];

        if (kf_too_large(b->msgs[i])) {
            skip(from, b, b->msgs[i]);
            continue;
        }
        kf_record_of(b->msgs[i], t->compacted, rec, b->headers + at);
        at += rec->n_headers;
        pub->bytes += rec->key.n + rec->value.n;
        pub->n++;
    }
    pub->records = b->records;
    return 0;
}

int kf_batch_make(const struct kf_batch_from *from, rd_kafka_message_t **msgs, size_t n,
        int64_t next, uint64_t gap, struct lg_bus_batch **ret)
{
    struct kf_batch *b = lg_calloc(1, sizeof(*b));
    int rc = LG_ENOMEM;

    if (b != NULL)
        b->msgs = lg_memdup(msgs, n * sizeof(*msgs));
    if (b == NULL || b->msgs == NULL) {
        for (size_t i = 0; i < n; i++)
            rd_kafka_message_destroy(msgs[i]);
        lg_free(b);
        return LG_ENOMEM;
    }
    b->n_msgs = n;
    b->client = from->client;
    kf_client_ref(b->client);
    b->i.ops = from->k->pub.ops;
    b->i.pub.topic = from->topic;
    b->i.pub.partition = from->partition;
    b->i.pub.next_offset = next;
    b->i.pub.gap = gap;
    rc = fill(from, b);
    if (rc < 0) {
        kf_batch_free(&b->i.pub);
        return rc;
    }
    *ret = &b->i.pub;
    return 0;
}
