#include <inttypes.h>
#include <stdio.h>

#include "pipeline/stage_int.h"

#define MAX_DETAIL 1024
#define MAX_DEAD_HEADERS 9
#define MAX_OLD_HEADERS (LG_BUS_MAX_HEADERS - MAX_DEAD_HEADERS)
#define MAX_OLD_BYTES (LG_BUS_MAX_HEADERS_BYTES - 4096u) /* the rest is for our own headers */

void lg_stage_out_init(struct lg_stage_out *o, size_t max_bytes, int dead_letter_topic,
        const char *stage, struct lg_bus *bus)
{
    *o = (struct lg_stage_out){.max_bytes = max_bytes,
            .dead_letter_topic = dead_letter_topic,
            .stage = stage,
            .bus = bus};
    /* Room for the records, for one over the limit, and for what goes with them. */
    lg_arena_init(&o->arena, 2 * max_bytes + ((size_t)16 << 20));
}

void lg_stage_out_clear(struct lg_stage_out *o)
{
    lg_arena_clear(&o->arena);
    o->outs.n = 0;
    o->bytes = 0;
    o->dead = 0;
}

void lg_stage_out_done(struct lg_stage_out *o)
{
    lg_arena_done(&o->arena);
    lg_vec_done(&o->outs);
}

size_t lg_stage_out_bytes(const struct lg_stage_out *out)
{
    return out->bytes;
}

lg_time lg_stage_now(const struct lg_stage_out *out)
{
    return out->now;
}

static bool same_headers(const struct lg_bus_record *a, const struct lg_bus_record *b)
{
    if (a->n_headers != b->n_headers)
        return false;
    for (size_t i = 0; i < a->n_headers; i++)
        if (!lg_str_eq(a->headers[i].name, b->headers[i].name) ||
                !lg_str_eq(a->headers[i].value, b->headers[i].value))
            return false;
    return true;
}

/* Most records of a batch carry the same headers: one copy serves them all. */
static int copy_headers(
        struct lg_stage_out *o, const struct lg_bus_record *rec, const struct lg_bus_header **ret)
{
    struct lg_bus_header *h;

    *ret = NULL;
    if (rec->n_headers == 0)
        return 0;
    if (o->outs.n > 0 && same_headers(&o->outs.v[o->outs.n - 1].rec, rec)) {
        *ret = o->outs.v[o->outs.n - 1].rec.headers;
        return 0;
    }
    h = lg_arena_alloc(&o->arena, rec->n_headers * sizeof(*h));
    if (h == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < rec->n_headers; i++)
        if (lg_arena_dup(&o->arena, rec->headers[i].name, &h[i].name) < 0 ||
                lg_arena_dup(&o->arena, rec->headers[i].value, &h[i].value) < 0)
            return LG_ENOMEM;
    *ret = h;
    return 0;
}

static size_t record_bytes(const struct lg_bus_record *rec)
{
    size_t n = rec->key.n + rec->value.n;

    for (size_t i = 0; i < rec->n_headers; i++)
        n += rec->headers[i].name.n + rec->headers[i].value.n;
    return n;
}

int lg_stage_emit(
        struct lg_stage_out *out, int topic, int32_t partition, const struct lg_bus_record *rec)
{
    struct lg_bus_record copy = *rec;
    size_t n = record_bytes(rec);
    char *p;

    if (rec->key.n > LG_BUS_MAX_KEY_BYTES || rec->value.n > LG_BUS_MAX_VALUE_BYTES ||
            rec->n_headers > LG_BUS_MAX_HEADERS ||
            n - rec->key.n - rec->value.n > LG_BUS_MAX_HEADERS_BYTES ||
            out->bytes + n > out->max_bytes)
        return LG_ELIMIT;
    p = lg_arena_alloc(&out->arena, rec->key.n + rec->value.n + 1);
    if (p == NULL || copy_headers(out, rec, &copy.headers) < 0)
        return LG_ENOMEM;
    if (rec->key.n > 0)
        memcpy(p, rec->key.p, rec->key.n);
    copy.key.p = p;
    if (rec->value.p != NULL) {
        if (rec->value.n > 0)
            memcpy(p + rec->key.n, rec->value.p, rec->value.n);
        copy.value.p = p + rec->key.n;
    }
    if (copy.bus_time == 0)
        copy.bus_time = out->now;
    if (lg_vec_push(&out->outs, (struct lg_bus_output){topic, partition, copy}) < 0)
        return LG_ENOMEM;
    out->bytes += n;
    return 0;
}

/* The original's headers, as far as there is room; its schema under another name. */
static size_t old_headers(const struct lg_bus_record *rec, struct lg_bus_header *h)
{
    size_t n = 0, bytes = 0;

    for (size_t i = 0; i < rec->n_headers && n < MAX_OLD_HEADERS; i++) {
        struct lg_bus_header old = rec->headers[i];

        if (lg_str_eq(old.name, LG_STR(LG_BUS_H_SCHEMA)))
            old.name = LG_STR(LG_DEAD_H_SCHEMA);
        bytes += old.name.n + old.value.n;
        if (bytes > MAX_OLD_BYTES)
            break;
        h[n++] = old;
    }
    return n;
}

int lg_stage_reject(struct lg_stage_out *out, const struct lg_stage_in *in, size_t index,
        const char *reason, struct lg_str detail)
{
    const struct lg_bus_record *rec = &in->records[index];
    struct lg_bus_header h[LG_BUS_MAX_HEADERS];
    struct lg_bus_record dead = *rec;
    char partition[16], offset[24], time[24];
    size_t n = 0;
    int rc;

    if (out->dead_letter_topic < 0)
        return LG_EREFUSED;
    (void)snprintf(partition, sizeof(partition), "%" PRId32, in->partition);
    (void)snprintf(offset, sizeof(offset), "%" PRId64, rec->offset);
    (void)snprintf(time, sizeof(time), "%" PRId64, rec->bus_time);
    h[n++] = (struct lg_bus_header){LG_STR(LG_BUS_H_SCHEMA), LG_STR("dead-letter/1")};
    h[n++] = (struct lg_bus_header){LG_STR(LG_DEAD_H_REASON), lg_str_z(reason)};
    h[n++] = (struct lg_bus_header){LG_STR(LG_DEAD_H_DETAIL), lg_str_sub(detail, 0, MAX_DETAIL)};
    h[n++] = (struct lg_bus_header){LG_STR(LG_DEAD_H_STAGE), lg_str_z(out->stage)};
    h[n++] = (struct lg_bus_header){
            LG_STR(LG_DEAD_H_TOPIC), lg_str_z(lg_bus_topic_name(out->bus, in->topic))};
    h[n++] = (struct lg_bus_header){LG_STR(LG_DEAD_H_PARTITION), lg_str_z(partition)};
    h[n++] = (struct lg_bus_header){LG_STR(LG_DEAD_H_OFFSET), lg_str_z(offset)};
    h[n++] = (struct lg_bus_header){LG_STR(LG_DEAD_H_TIME), lg_str_z(time)};
    n += old_headers(rec, h + n);
    dead.headers = h;
    dead.n_headers = n;
    dead.bus_time = 0;
    if (dead.value.p == NULL)
        dead.value = LG_STR("");
    rc = lg_stage_emit(out, out->dead_letter_topic, LG_BUS_BY_KEY, &dead);
    if (rc == 0)
        out->dead++;
    return rc;
}
