#include "bus/bus.h"

#include <string.h>

#include "bus/bus_int.h"
#include "bus/bytes.h"

struct lg_str lg_bus_header_get(const struct lg_bus_record *rec, struct lg_str name)
{
    for (size_t i = 0; i < rec->n_headers; i++)
        if (lg_str_eq(rec->headers[i].name, name))
            return rec->headers[i].value;
    return lg_str_of(NULL, 0);
}

const char *lg_bus_event_name(enum lg_bus_event_kind kind)
{
    static const char *const names[LG_BUS_EVENT_KINDS] = {
            [LG_BUS_CUT_TAIL] = "cut_tail",
            [LG_BUS_LOST_UNSYNCED] = "lost_unsynced",
            [LG_BUS_CORRUPT_BLOCK] = "corrupt_block",
            [LG_BUS_RETENTION_FORCED] = "retention_forced",
            [LG_BUS_FULL] = "full",
            [LG_BUS_NOT_FULL] = "not_full",
            [LG_BUS_FAILED] = "failed",
            [LG_BUS_REOPENED] = "reopened",
            [LG_BUS_REPAIRED] = "repaired",
    };

    return (unsigned)kind < LG_BUS_EVENT_KINDS ? names[kind] : "unknown";
}

/* MurmurHash2 with Kafka's seed, so that a key lies in the partition that Kafka's clients pick. */
uint32_t lg_bus_murmur2(struct lg_str key)
{
    const uint32_t m = 0x5bd1e995u;
    const char *p = key.p;
    size_t n = key.n;
    uint32_t h = 0x9747b28cu ^ (uint32_t)n;

    for (; n >= 4; n -= 4, p += 4) {
        uint32_t k = lg_le32_get(p);

        k *= m;
        k ^= k >> 24;
        k *= m;
        h *= m;
        h ^= k;
    }
    if (n >= 3)
        h ^= (uint32_t)(uint8_t)p[2] << 16;
    if (n >= 2)
        h ^= (uint32_t)(uint8_t)p[1] << 8;
    if (n >= 1) {
        h ^= (uint8_t)p[0];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return h;
}

int32_t lg_bus_partition_of(struct lg_bus *bus, int topic, struct lg_str key)
{
    int32_t n = lg_bus_partitions(bus, topic);

    return n > 0 ? (int32_t)((lg_bus_murmur2(key) & 0x7fffffffu) % (uint32_t)n) : 0;
}

size_t lg_bus_record_bytes(const struct lg_bus_record *rec)
{
    size_t n = rec->key.n + rec->value.n;

    for (size_t i = 0; i < rec->n_headers; i++)
        n += rec->headers[i].name.n + rec->headers[i].value.n;
    return n;
}

int lg_bus_record_check(const struct lg_bus_record *rec)
{
    size_t headers = 0;

    if (rec->key.n > LG_BUS_MAX_KEY_BYTES || rec->value.n > LG_BUS_MAX_VALUE_BYTES ||
            rec->n_headers > LG_BUS_MAX_HEADERS)
        return LG_ELIMIT;
    for (size_t i = 0; i < rec->n_headers; i++) {
        if (rec->headers[i].name.n == 0)
            return LG_EINVAL;
        headers += rec->headers[i].name.n + rec->headers[i].value.n;
        if (rec->headers[i].name.n > LG_BUS_MAX_HEADERS_BYTES || headers > LG_BUS_MAX_HEADERS_BYTES)
            return LG_ELIMIT;
    }
    return 0;
}

void lg_bus_close(struct lg_bus *bus)
{
    if (bus != NULL)
        bus->ops->close(bus);
}

int lg_bus_maintain(struct lg_bus *bus)
{
    return bus->ops->maintain(bus);
}

static bool good_name(const char *name)
{
    size_t n = name != NULL ? strnlen(name, LG_BUS_MAX_NAME_BYTES + 1) : 0;

    if (n == 0 || n > LG_BUS_MAX_NAME_BYTES)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '_' || c == '-'))
            return false;
    }
    return true;
}

int lg_bus_topic_ensure(
        struct lg_bus *bus, const struct lg_bus_topic_spec *spec, struct lg_err *reterr)
{
    if (!good_name(spec->name))
        return lg_err_set(reterr, LG_EINVAL, "bad topic name");
    if (spec->partitions < 1 || spec->partitions > LG_BUS_MAX_PARTITIONS)
        return lg_err_set(reterr, LG_EINVAL, "topic '%s': partitions must be 1..%d", spec->name,
                LG_BUS_MAX_PARTITIONS);
    if (spec->retention_age < 0)
        return lg_err_set(reterr, LG_EINVAL, "topic '%s': negative retention", spec->name);
    return bus->ops->topic_ensure(bus, spec, reterr);
}

int lg_bus_topic_find(struct lg_bus *bus, const char *name)
{
    return bus->ops->topic_find(bus, name);
}

const char *lg_bus_topic_name(struct lg_bus *bus, int topic)
{
    return bus->ops->topic_name(bus, topic);
}

int32_t lg_bus_partitions(struct lg_bus *bus, int topic)
{
    return bus->ops->partitions(bus, topic);
}

int lg_bus_offsets(
        struct lg_bus *bus, int topic, int32_t partition, int64_t *ret_begin, int64_t *ret_end)
{
    return bus->ops->offsets(bus, topic, partition, ret_begin, ret_end);
}

static int check_outputs(
        const struct lg_bus_output *outs, size_t n, unsigned flags, struct lg_err *reterr)
{
    size_t bytes = 0;

    if ((flags & ~(unsigned)(LG_BUS_DURABLE | LG_BUS_INTO_RESERVE)) != 0)
        return lg_err_set(reterr, LG_EINVAL, "unknown flags");
    for (size_t i = 0; i < n; i++) {
        int rc = lg_bus_record_check(&outs[i].rec);

        if (rc < 0)
            return lg_err_set(reterr, rc, "record %zu is over the limits of a record", i);
        bytes += lg_bus_record_bytes(&outs[i].rec);
        if (bytes > LG_BUS_MAX_PUBLISH_BYTES)
            return lg_err_set(reterr, LG_ELIMIT, "too much at once, from record %zu on", i);
    }
    return 0;
}

int lg_bus_publish(struct lg_bus *bus, const struct lg_bus_output *outs, size_t n, unsigned flags,
        struct lg_err *reterr)
{
    int rc = check_outputs(outs, n, flags, reterr);

    if (rc < 0 || n == 0)
        return rc;
    return bus->ops->publish(bus, NULL, outs, n, NULL, 0, flags, reterr);
}

int lg_bus_publish_and_commit(struct lg_bus_consumer *c, const struct lg_bus_output *outs,
        size_t n_outs, const struct lg_bus_offset *offsets, size_t n_offsets, unsigned flags,
        struct lg_err *reterr)
{
    int rc = check_outputs(outs, n_outs, flags, reterr);

    if (rc < 0 || n_outs + n_offsets == 0)
        return rc;
    return c->bus->ops->publish(c->bus, c, outs, n_outs, offsets, n_offsets, flags, reterr);
}

int lg_bus_consumer_new(struct lg_bus *bus, const struct lg_bus_consumer_options *opt,
        struct lg_bus_consumer **ret, struct lg_err *reterr)
{
    if (opt->group.n == 0 || opt->group.n > LG_BUS_MAX_NAME_BYTES)
        return lg_err_set(reterr, LG_EINVAL, "bad group name");
    if (opt->n_topics == 0 || opt->n_topics > LG_BUS_MAX_TOPICS)
        return lg_err_set(reterr, LG_EINVAL, "a consumer needs 1..%d topics", LG_BUS_MAX_TOPICS);
    return bus->ops->consumer_new(bus, opt, ret, reterr);
}

void lg_bus_consumer_close(struct lg_bus_consumer *c)
{
    if (c != NULL)
        c->bus->ops->consumer_close(c);
}

int lg_bus_poll(struct lg_bus_consumer *c, uint32_t timeout_ms, struct lg_bus_batch **ret,
        struct lg_err *reterr)
{
    return c->bus->ops->poll(c, timeout_ms, ret, reterr);
}

void lg_bus_batch_free(struct lg_bus_batch *b)
{
    if (b != NULL)
        ((struct lg_bus_batch_int *)b)->ops->batch_free(b);
}

void lg_bus_consumer_wake(struct lg_bus_consumer *c)
{
    c->bus->ops->wake(c);
}

int lg_bus_seek(struct lg_bus_consumer *c, int topic, int32_t partition, int64_t offset)
{
    return c->bus->ops->seek(c, topic, partition, offset);
}

int lg_bus_position(struct lg_bus_consumer *c, int topic, int32_t partition, int64_t *ret)
{
    return c->bus->ops->position(c, topic, partition, ret);
}

int lg_bus_pause(struct lg_bus_consumer *c, int topic, int32_t partition)
{
    return c->bus->ops->pause(c, topic, partition, true);
}

int lg_bus_resume(struct lg_bus_consumer *c, int topic, int32_t partition)
{
    return c->bus->ops->pause(c, topic, partition, false);
}

size_t lg_bus_assignment(struct lg_bus_consumer *c, struct lg_bus_offset *out, size_t max)
{
    return c->bus->ops->assignment(c, out, max);
}

int lg_bus_committed(
        struct lg_bus *bus, struct lg_str group, int topic, int32_t partition, int64_t *ret)
{
    return bus->ops->committed(bus, group, topic, partition, ret);
}

int lg_bus_lag(struct lg_bus *bus, struct lg_str group, int topic, uint64_t *ret)
{
    int32_t n = lg_bus_partitions(bus, topic);
    uint64_t lag = 0;

    if (bus->ops->lag != NULL)
        return bus->ops->lag(bus, group, topic, ret);
    for (int32_t p = 0; p < n; p++) {
        int64_t begin, end, committed;
        int rc = lg_bus_offsets(bus, topic, p, &begin, &end);

        if (rc < 0)
            return rc;
        rc = lg_bus_committed(bus, group, topic, p, &committed);
        if (rc < 0 && rc != LG_ENOENT)
            return rc;
        if (rc < 0 || committed < begin)
            committed = begin;
        lag += committed < end ? (uint64_t)(end - committed) : 0;
    }
    if (n == 0)
        return LG_ENOENT;
    *ret = lag;
    return 0;
}

int lg_bus_group_set(struct lg_bus *bus, struct lg_str group, const struct lg_bus_offset *offset)
{
    if (group.n == 0 || group.n > LG_BUS_MAX_NAME_BYTES || offset->offset < 0)
        return LG_EINVAL;
    return bus->ops->group_set(bus, group, offset);
}

int lg_bus_group_delete(struct lg_bus *bus, struct lg_str group)
{
    return bus->ops->group_delete(bus, group);
}

int lg_bus_read(struct lg_bus *bus, int topic, int32_t partition, int64_t offset, size_t max_bytes,
        struct lg_bus_batch **ret, struct lg_err *reterr)
{
    return bus->ops->read(bus, topic, partition, offset, max_bytes, ret, reterr);
}

int lg_bus_compacted_scan(struct lg_bus *bus, int topic, int32_t partition,
        int (*fn)(void *user, const struct lg_bus_record *rec), void *user, struct lg_err *reterr)
{
    return bus->ops->compacted_scan(bus, topic, partition, fn, user, reterr);
}

void lg_bus_stats_get(struct lg_bus *bus, struct lg_bus_stats *ret)
{
    bus->ops->stats(bus, ret);
}

int lg_bus_topic_stats_get(struct lg_bus *bus, int topic, struct lg_bus_topic_stats *ret)
{
    return bus->ops->topic_stats(bus, topic, ret);
}
