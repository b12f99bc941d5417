#ifndef LG_BUS_BUS_INT_H
#define LG_BUS_BUS_INT_H

#include "bus/bus.h"

/* What a bus implements; bus.c checks arguments and calls it. The contracts are bus.h's. */
struct lg_bus_ops {
    void (*close)(struct lg_bus *bus);
    int (*maintain)(struct lg_bus *bus);
    int (*topic_ensure)(
            struct lg_bus *bus, const struct lg_bus_topic_spec *spec, struct lg_err *reterr);
    int (*topic_find)(struct lg_bus *bus, const char *name);
    const char *(*topic_name)(struct lg_bus *bus, int topic);
    int32_t (*partitions)(struct lg_bus *bus, int topic);
    int (*offsets)(
            struct lg_bus *bus, int topic, int32_t partition, int64_t *ret_begin, int64_t *ret_end);
    /* c == NULL: a publish without offsets */
    int (*publish)(struct lg_bus *bus, struct lg_bus_consumer *c, const struct lg_bus_output *outs,
            size_t n_outs, const struct lg_bus_offset *offsets, size_t n_offsets, unsigned flags,
            struct lg_err *reterr);
    int (*consumer_new)(struct lg_bus *bus, const struct lg_bus_consumer_options *opt,
            struct lg_bus_consumer **ret, struct lg_err *reterr);
    void (*consumer_close)(struct lg_bus_consumer *c);
    int (*poll)(struct lg_bus_consumer *c, uint32_t timeout_ms, struct lg_bus_batch **ret,
            struct lg_err *reterr);
    void (*batch_free)(struct lg_bus_batch *b);
    void (*wake)(struct lg_bus_consumer *c);
    int (*seek)(struct lg_bus_consumer *c, int topic, int32_t partition, int64_t offset);
    int (*position)(struct lg_bus_consumer *c, int topic, int32_t partition, int64_t *ret);
    int (*pause)(struct lg_bus_consumer *c, int topic, int32_t partition, bool paused);
    size_t (*assignment)(struct lg_bus_consumer *c, struct lg_bus_offset *out, size_t max);
    int (*committed)(
            struct lg_bus *bus, struct lg_str group, int topic, int32_t partition, int64_t *ret);
    /* NULL: of offsets and committed */
    int (*lag)(struct lg_bus *bus, struct lg_str group, int topic, uint64_t *ret);
    int (*group_set)(struct lg_bus *bus, struct lg_str group, const struct lg_bus_offset *offset);
    int (*group_delete)(struct lg_bus *bus, struct lg_str group);
    int (*read)(struct lg_bus *bus, int topic, int32_t partition, int64_t offset, size_t max_bytes,
            struct lg_bus_batch **ret, struct lg_err *reterr);
    int (*compacted_scan)(struct lg_bus *bus, int topic, int32_t partition,
            int (*fn)(void *user, const struct lg_bus_record *rec), void *user,
            struct lg_err *reterr);
    void (*stats)(struct lg_bus *bus, struct lg_bus_stats *ret);
    int (*topic_stats)(struct lg_bus *bus, int topic, struct lg_bus_topic_stats *ret);
};

/* First member of every bus, consumer and batch. */
struct lg_bus {
    const struct lg_bus_ops *ops;
};

struct lg_bus_consumer {
    struct lg_bus *bus;
};

/* What a bus hands out; the public part comes first. */
struct lg_bus_batch_int {
    struct lg_bus_batch pub;
    const struct lg_bus_ops *ops;
};

/* 0, or LG_ELIMIT / LG_EINVAL for a record that no bus takes. */
int lg_bus_record_check(const struct lg_bus_record *rec) LG_MUST_CHECK;
/* Bytes that count against the limits. */
size_t lg_bus_record_bytes(const struct lg_bus_record *rec);

#endif
