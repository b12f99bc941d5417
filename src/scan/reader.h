#ifndef LG_SCAN_READER_H
#define LG_SCAN_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "graph/window.h"
#include "normalize/normalize.h"

/*
 * One input from bytes to closed windows in one thread: capture -> normalizer -> windows. What
 * `logster graph`, training and tests use; `scan` runs the same steps over several threads.
 */
/* Files are waited for longer than a live stream would be, while memory permits. */
#define LG_READER_PATIENCE_NS (INT64_C(86400) * LG_NS_PER_SEC)
#define LG_READER_PROBE INT64_MIN /* find the header's offset from the head of the file */

struct lg_reader_options {
    struct lg_str tenant_id; /* "" = default */
    struct lg_str endpoint;  /* for records without a host; "" = the file's name */
    bool fqdn_endpoint;
    int64_t header_offset_ns; /* or LG_READER_PROBE */
    struct lg_window_options window;
    /* Called for every dead letter and event, may be NULL. */
    struct lg_norm_sink tap;
};
void lg_reader_options_default(struct lg_reader_options *opt);

struct lg_reader_stats {
    uint64_t records;
    uint64_t events;
    uint64_t dead[LG_DEAD_REASON_COUNT];
    const struct lg_format *format; /* of the first record that was recognised; NULL if none */
    int64_t header_offset_ns;       /* that was used */
    struct lg_window_stats windows;
};

/* Records without a host are told apart by their file at least: its name up to the first dot. */
struct lg_str lg_reader_file_endpoint(const char *path);

/* `fn` gets each closed window. On a read error part-way, what was read has been given out. */
int lg_reader_run(const char *path, const struct lg_reader_options *opt, lg_window_fn fn,
        void *user, struct lg_reader_stats *ret, struct lg_err *reterr) LG_MUST_CHECK;

#endif
