#ifndef LG_FUZZ_WINDOWS_H
#define LG_FUZZ_WINDOWS_H

#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "event/codec.h"
#include "normalize/normalize.h"

/*
 * One record through the normalizer; the harness of each format differs in its corpus only. What
 * comes out must be one event or one dead letter, and an event must read back from the line that
 * it is written as. The first byte picks the allocation that fails (0: none).
 */
static inline int fuzz_on_event(void *user, const struct lg_event *ev)
{
    struct lg_event back;
    struct lg_json *json = NULL;
    struct lg_jval root;
    struct lg_buf out;
    struct lg_err err;
    unsigned *seen = user;

    ++*seen;
    (void)lg_mem_fail_from(0);
    lg_buf_init(&out, 16u << 20);
    lg_event_write(ev, &out);
    if (out.failed != 0 || lg_json_new(&json) < 0 ||
            lg_json_parse(json, lg_buf_str(&out), false, &root, NULL) < 0 ||
            lg_event_read(root, lg_buf_str(&out), &back, &err) < 0 || back.type != ev->type ||
            back.time_ns != ev->time_ns)
        abort();
    lg_json_free(json);
    lg_buf_done(&out);
    return 0;
}

static inline int fuzz_on_dead(void *user, const struct lg_dead_letter *dl)
{
    unsigned *seen = user;

    ++*seen;
    if ((unsigned)dl->reason >= LG_DEAD_REASON_COUNT)
        abort();
    return 0;
}

static inline int fuzz_windows_record(const uint8_t *data, size_t size)
{
    const struct lg_norm_stream_options opt = {.endpoint = LG_STR("fuzz")};
    const struct lg_format *format;
    struct lg_normalizer *nz = NULL;
    struct lg_norm_stream *st = NULL;
    unsigned seen = 0;
    const struct lg_norm_sink sink = {&seen, fuzz_on_event, fuzz_on_dead, NULL};
    struct lg_str record;
    int64_t skew;
    int rc;

    if (size < 1 || size > (64u << 10))
        return 0;
    record = lg_str_of((const char *)data + 1, size - 1);
    if (lg_normalizer_new(&nz) < 0 || lg_norm_stream_new(&opt, &st) < 0)
        abort();
    (void)lg_format_header_skew(nz, record, false, &skew);
    /* printable seeds stand for "no failure": allocations fail for control characters only */
    (void)lg_mem_fail_from(data[0] < 0x20 ? data[0] : 0);
    rc = lg_normalizer_record(nz, st, record, false, (struct lg_position){1, 0}, &sink);
    (void)lg_mem_fail_from(0);
    if (rc != 0 && rc != LG_ENOMEM)
        abort();
    /* formats of other systems may keep a record, or skip it */
    format = lg_format_recognise(nz, record, false);
    if (seen > 1 ||
            (rc == 0 && seen == 0 && format != NULL &&
                    lg_format_platform(format) == LG_PLATFORM_WINDOWS))
        abort();
    lg_norm_stream_free(st);
    lg_normalizer_free(nz);
    return 0;
}

#endif
