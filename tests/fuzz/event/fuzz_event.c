/*
 * Any bytes as one line of NormalizedEvent. What reads is written; that must read again and give
 * the same bytes when written. The first byte cuts the text handed beside the parsed record, as a
 * caller's mistake would.
 */
#include <stdlib.h>

#include "event/codec.h"

#define MAX_BYTES 65536

static void check(struct lg_json *json, const struct lg_event *ev)
{
    static struct lg_event again;
    struct lg_buf one, two;
    struct lg_jval root;
    struct lg_err err;

    lg_buf_init(&one, 16 * MAX_BYTES);
    lg_buf_init(&two, 16 * MAX_BYTES);
    lg_event_write(ev, &one);
    if (one.failed != 0 || lg_json_parse(json, lg_buf_str(&one), false, &root, NULL) < 0 ||
            lg_event_read(root, lg_buf_str(&one), &again, &err) < 0)
        abort();
    lg_event_write(&again, &two);
    if (!lg_str_eq(lg_buf_str(&one), lg_buf_str(&two)))
        abort();
    lg_buf_done(&one);
    lg_buf_done(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_json *json = NULL, *other = NULL;
    static struct lg_event ev;
    struct lg_jval root;
    struct lg_str line;
    struct lg_err err;
    bool repaired;

    if (size < 1 || size > MAX_BYTES)
        return 0;
    line = lg_str_of((const char *)data + 1, size - 1);
    if (lg_json_new(&json) == 0 && lg_json_new(&other) == 0 &&
            lg_json_parse(json, line, false, &root, &repaired) == 0) {
        if (lg_event_read(root, line, &ev, &err) == 0 && !repaired)
            check(other, &ev);
        (void)(lg_event_read(root, lg_str_sub(line, 0, data[0] * 4u), &ev, &err) < 0);
    }
    lg_json_free(json);
    lg_json_free(other);
    return 0;
}
