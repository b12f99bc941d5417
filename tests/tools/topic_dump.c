/*
 * Prints a topic of a stopped platform: one line a record, partition by partition in order.
 *
 *     topic_dump BUS-FOLDER TOPIC [FIELD]
 *
 * Each line: partition, offset, key, value, with tabs between them. With FIELD the value's first
 * string member of that name stands for the value, as it is written there (the records of our
 * topics are one line of JSON); records without it are left out.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "bus/bus.h"

#define READ_BYTES ((size_t)4 << 20)

/* What stands between the quotes of "field":"..."; NULL when there is none. */
static struct lg_str member(struct lg_str json, const char *field)
{
    char mark[160];
    int n = snprintf(mark, sizeof(mark), "\"%s\":\"", field);
    ptrdiff_t at = lg_str_find(json, lg_str_of(mark, (size_t)n));
    size_t from, to;

    if (at < 0)
        return lg_str_of(NULL, 0);
    from = to = (size_t)at + (size_t)n;
    while (to < json.n && json.p[to] != '"')
        to += json.p[to] == '\\' ? 2 : 1;
    return lg_str_of(json.p + from, (to < json.n ? to : json.n) - from);
}

static void print(const struct lg_bus_batch *b, const char *field)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct lg_bus_record *r = &b->records[i];
        struct lg_str v = field == NULL ? r->value : member(r->value, field);

        if (v.p == NULL)
            continue;
        (void)printf(
                "%d\t%lld\t%.*s\t", (int)b->partition, (long long)r->offset, LG_STR_FMT(r->key));
        (void)fwrite(v.p, 1, v.n, stdout);
        (void)putchar('\n');
    }
}

static int dump(struct lg_bus *bus, int topic, const char *field, struct lg_err *err)
{
    for (int32_t p = 0; p < lg_bus_partitions(bus, topic); p++) {
        int64_t at = 0, end = 0;
        int rc = lg_bus_offsets(bus, topic, p, &at, &end);

        while (rc >= 0 && at < end) {
            struct lg_bus_batch *b = NULL;

            rc = lg_bus_read(bus, topic, p, at, READ_BYTES, &b, err);
            if (rc <= 0)
                break;
            print(b, field);
            at = b->next_offset;
            lg_bus_batch_free(b);
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct lg_bus_embedded_options opt = {
            .path = argc > 1 ? argv[1] : "", .maintain_ms = UINT32_MAX};
    struct lg_bus *bus = NULL;
    struct lg_err err = {0};
    int rc, topic;

    if (argc < 3) {
        (void)fputs("usage: topic_dump BUS-FOLDER TOPIC [FIELD]\n", stderr);
        return 2;
    }
    rc = lg_bus_open_embedded(&opt, &bus, &err);
    if (rc < 0) {
        (void)fprintf(stderr, "topic_dump: %s\n", err.text);
        return 2;
    }
    topic = lg_bus_topic_find(bus, argv[2]);
    rc = topic < 0 ? topic : dump(bus, topic, argc > 3 ? argv[3] : NULL, &err);
    if (rc < 0)
        (void)fprintf(stderr, "topic_dump: %s: %s\n", argv[2], lg_err_name(rc));
    lg_bus_close(bus);
    return rc < 0 ? 2 : 0;
}
