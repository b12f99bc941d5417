#ifndef LG_CAPTURE_PROBE_H
#define LG_CAPTURE_PROBE_H

#include "capture/capture.h"

/* Looks at the head of a capture: format, and skew of its header times. */
struct lg_probe;

struct lg_probe_result {
    const struct lg_format *format;
    bool has_offset;
    int64_t offset_ns;
};

int lg_probe_new(struct lg_probe **ret) LG_MUST_CHECK;
void lg_probe_free(struct lg_probe *p);
/* True while more text would tell more. */
bool lg_probe_batch(struct lg_probe *p, const struct lg_capture_batch *b) LG_MUST_CHECK;
struct lg_probe_result lg_probe_done(struct lg_probe *p);

/*
 * The offset that skew samples agree on: their median rounded to a quarter of an hour, if three in
 * five lie within half a quarter of it. (A 12-hour clock jumps once where a capture crosses noon:
 * the larger part then decides.) Sorts the samples. False for none.
 */
bool lg_probe_offset(int64_t *samples, size_t n, int64_t *ret_ns);

#endif
