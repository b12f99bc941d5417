#ifndef LG_FUZZ_LINUX_FUZZ_H
#define LG_FUZZ_LINUX_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "event/codec.h"
#include "normalize/normalize.h"

/*
 * One record through the normalizer. Whatever comes in: every record ends as events, one dead
 * letter or one skip; events have a host, a sane time and valid text, are written as valid JSON,
 * and are the same the second time. A first byte below 0x20 lets that many allocations pass before
 * all others fail.
 */
struct lx_fuzz {
    struct lg_json *json;
    struct lg_buf out;
    struct lg_uuid ids[8];
    size_t events, dead, skipped;
    bool held; /* an assembler may keep the record for later */
};

static inline void lx_must(bool ok)
{
    if (!ok)
        abort();
}

static inline int lx_fuzz_event(void *user, const struct lg_event *ev)
{
    struct lx_fuzz *z = user;
    struct lg_jval root;

    lx_must(ev->hostname.n > 0 && ev->endpoint_id.n > 0 && ev->time_ns > 0);
    for (size_t f = 0; f < LG_FIELD_COUNT; f++)
        if (lg_fields[f].type == LG_FIELD_STR && lg_event_has(ev, (enum lg_field)f))
            lx_must(lg_utf8_valid(ev->v[f].s));
    lg_buf_clear(&z->out);
    lg_event_write(ev, &z->out);
    if (z->out.failed == 0)
        lx_must(lg_json_parse(z->json, lg_buf_str(&z->out), false, &root, NULL) != LG_EPARSE);
    if (z->events < sizeof(z->ids) / sizeof(z->ids[0]))
        z->ids[z->events] = ev->event_id;
    z->events++;
    return 0;
}

static inline int lx_fuzz_dead(void *user, const struct lg_dead_letter *dl)
{
    struct lx_fuzz *z = user;

    lx_must(memchr(dl->detail, 0, sizeof(dl->detail)) != NULL);
    z->dead++;
    return 0;
}

static inline int lx_fuzz_skip(void *user, enum lg_skip_reason reason)
{
    struct lx_fuzz *z = user;

    lx_must((unsigned)reason < LG_SKIP_REASON_COUNT);
    z->skipped++;
    return 0;
}

static inline int lx_fuzz_once(
        struct lx_fuzz *z, const char *endpoint, struct lg_str record, uint64_t fail_from)
{
    const struct lg_norm_stream_options opt = {.endpoint = lg_str_z(endpoint)};
    const struct lg_norm_sink sink = {z, lx_fuzz_event, lx_fuzz_dead, lx_fuzz_skip};
    struct lg_normalizer *nz = NULL;
    struct lg_norm_stream *st = NULL;
    const struct lg_format *fmt;
    int rc;

    z->events = z->dead = z->skipped = 0;
    if (lg_normalizer_new(&nz) < 0 || lg_norm_stream_new(&opt, &st) < 0)
        abort();
    fmt = lg_format_recognise(nz, record, false);
    z->held = fmt != NULL && lg_format_stateful(fmt);
    (void)lg_mem_fail_from(fail_from);
    rc = lg_normalizer_record(nz, st, record, false, (struct lg_position){1, 0}, &sink);
    (void)lg_mem_fail_from(0);
    lg_norm_stream_free(st);
    lg_normalizer_free(nz);
    return rc;
}

static inline int lx_fuzz_record(const char *endpoint, const uint8_t *data, size_t size)
{
    struct lx_fuzz first, again;
    struct lg_str record;
    uint64_t fail_from = 0;

    memset(&first, 0, sizeof(first));
    memset(&again, 0, sizeof(again));
    if (size > 0 && data[0] < 0x20) {
        fail_from = (uint64_t)data[0] + 1;
        data++;
        size--;
    }
    record = lg_str_of((const char *)data, size);
    if (lg_json_new(&first.json) < 0 || lg_json_new(&again.json) < 0)
        abort();
    lg_buf_init(&first.out, 16u << 20);
    lg_buf_init(&again.out, 16u << 20);
    if (fail_from != 0) {
        (void)lx_fuzz_once(&first, endpoint, record, fail_from);
    } else {
        lx_must(lx_fuzz_once(&first, endpoint, record, 0) == 0);
        lx_must(first.events > 0 ? first.dead + first.skipped <= 1
                                 : first.dead + first.skipped == 1 || first.held ||
                                lg_str_trim(record).n == 0);
        lx_must(lx_fuzz_once(&again, endpoint, record, 0) == 0);
        lx_must(first.events == again.events &&
                memcmp(first.ids, again.ids, sizeof(first.ids)) == 0);
    }
    lg_buf_done(&first.out);
    lg_buf_done(&again.out);
    lg_json_free(first.json);
    lg_json_free(again.json);
    return 0;
}

#endif
