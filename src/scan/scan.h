#ifndef LG_SCAN_SCAN_H
#define LG_SCAN_SCAN_H

#include "detect/jury.h"
#include "scan/reader.h"

/*
 * Logster's main job offline: files in, a verdict on every window out, over several threads. The
 * calling thread reads and cuts; `workers` threads normalize batches (from the first record of a
 * format with state on: one file, one worker, in order); `workers` threads own endpoints (by hash)
 * with their windows; `workers` threads judge closed windows, each that is free the next. Batches
 * are handed on by number, so that each endpoint sees its events in file order and verdicts come
 * out in one order whatever the number of workers. Memory is bounded by a fixed number of batches
 * and windows under way and the windows' caps.
 */
struct lg_scan_options {
    const char *const *paths;
    uint32_t n_paths;
    uint32_t workers; /* 0: one a processor */
    size_t batch_bytes; /* text of one batch, about; 0: the capture's default. No verdict depends on it */
    struct lg_str tenant_id;
    struct lg_str endpoint;
    bool fqdn_endpoint;
    int64_t header_offset_ns;        /* or LG_READER_PROBE */
    struct lg_window_options window; /* max_total_bytes is divided among the workers */
    const struct lg_model *model[2]; /* by enum lg_platform; NULL: the sink is asked for it */
    struct lg_jury_options jury;
};
void lg_scan_options_default(struct lg_scan_options *opt);

/* What one judging thread makes of a verdict: bytes for the output, or nothing; `worker` tells
 * which thread it is. The jury can still give evidence. */
struct lg_scan_sink {
    void *user;
    int (*verdict)(void *user, uint32_t worker, struct lg_jury *jury, const struct lg_graph *g,
            struct lg_verdict *v, struct lg_buf *out);
    /* The model of a platform that had none in the options, asked for once, when its first window
     * has come; *ret stays NULL: its windows are counted only. From some thread; may be NULL. */
    int (*model)(void *user, enum lg_platform p, const struct lg_model **ret);
    /* One at a time, in order. */
    int (*output)(void *user, struct lg_str bytes);
    /* From the calling thread, about once a batch; may be NULL. */
    void (*progress)(
            void *user, uint32_t file, uint64_t consumed, uint64_t total, uint64_t records);
};

struct lg_scan_stats {
    uint64_t records, events, skipped;
    uint64_t dead[LG_DEAD_REASON_COUNT];
    uint64_t windows[2]; /* by enum lg_platform */
    uint64_t attacks, errors, idle_skipped, no_model;
    uint32_t files_failed;
    struct lg_window_stats window; /* endpoints: of the whole scan */
};

/*
 * 0 when every file was read to its end. LG_EIO and the like when a file could not be (the others
 * are still read and judged; `file_error` tells each, may be NULL); LG_ENOMEM and what the sink
 * returned stop the scan.
 */
int lg_scan_run(const struct lg_scan_options *opt, const struct lg_scan_sink *sink,
        void (*file_error)(void *user, const char *path, const struct lg_err *err),
        struct lg_scan_stats *ret, struct lg_err *reterr) LG_MUST_CHECK;

#endif
