#ifndef LG_CAPTURE_CAPTURE_H
#define LG_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"
#include "normalize/normalize.h"

/*
 * Recorded telemetry from a file or standard input, cut into records.
 *
 * Compression (gzip with concatenated members, zstd with concatenated frames) is told by its magic
 * number and undone as a stream; a zstd window over 128 MiB is refused. Text may start with a BOM
 * and may be UTF-16 (with BOM, or told by its zero bytes): it comes out as UTF-8. Framing is
 * recognised from the head:
 *
 *   lines   JSON or text, one record a line, LF or CRLF; blank lines are passed over
 *   json    a JSON array of records, or JSON values in a row that span lines
 *   xml     <Event>...</Event>, each on one line or over several, with or without <Events> around
 *   blocks  Splunk's WinEventLog text: a line "MM/DD/YYYY hh:mm:ss AM", then "LogName=..."
 *
 * Memory is bounded whatever comes: a record over LG_MAX_RECORD_BYTES is given out once as its
 * first LG_MAX_RECORD_BYTES + 1 bytes, which lg_normalizer_record makes a dead letter `oversized`.
 * Thread: a capture is its owner's; a batch may travel.
 */
struct lg_capture;

struct lg_capture_options {
    size_t batch_bytes; /* text of one batch, about; 0 = 256 KiB */
    bool no_probe;      /* do not look at the head for format and header skew */
};

struct lg_capture_record {
    size_t at; /* in the batch's text */
    size_t n;
    struct lg_position pos; /* line where it starts; offset in the decompressed UTF-8 text */
    bool oversized;         /* cut: see above */
};

/* Whole records of one capture, in order; independent of the capture once filled. */
struct lg_capture_batch {
    struct lg_buf text; /* LG_JSON_PADDING readable bytes follow every record */
    LG_VEC(struct lg_capture_record) records;
    uint64_t seq; /* 0, 1, 2, ... */
};

int lg_capture_batch_new(struct lg_capture_batch **ret) LG_MUST_CHECK;
void lg_capture_batch_free(struct lg_capture_batch *b);
static inline struct lg_str lg_capture_record_str(const struct lg_capture_batch *b, size_t i)
{
    return lg_str_of(b->text.p + b->records.v[i].at, b->records.v[i].n);
}

/*
 * Opens `path`, "-" for standard input; `opt` may be NULL. Unless no_probe is set the head is read
 * (2,000 samples or 4 MiB where the format's header time may be skewed, 16 MiB where there is no
 * sample; else to the first
 * record that is recognised); its records come out of lg_capture_next all the same.
 * LG_ENOENT, LG_EIO, LG_EINVAL (a directory), LG_ENOMEM; messages leave the path to the caller.
 */
int lg_capture_open(const char *path, const struct lg_capture_options *opt, struct lg_capture **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_capture_close(struct lg_capture *cap);

/*
 * Fills `b` with the next records; its memory is reused. 1, 0 at the end, or an error, which comes
 * after everything that could be read was given out: LG_ETRUNC (compressed data that breaks off),
 * LG_ECORRUPT, LG_ELIMIT (zstd window), LG_EIO, LG_ENOMEM.
 */
int lg_capture_next(
        struct lg_capture *cap, struct lg_capture_batch *b, struct lg_err *reterr) LG_MUST_CHECK;

struct lg_capture_progress {
    uint64_t consumed; /* bytes read as they are stored */
    uint64_t total;    /* 0 where not known */
    uint64_t text;     /* bytes of text given out or passed over */
    uint64_t records;
};
struct lg_capture_progress lg_capture_progress(const struct lg_capture *cap);

/* What the probe found: the format of the first record that one takes; NULL if none. */
const struct lg_format *lg_capture_format(const struct lg_capture *cap);
/* What to add to header times (lg_norm_stream_options.header_offset_ns): the median skew of the
 * head, rounded to a quarter of an hour. False when there are no samples, or they disagree. */
bool lg_capture_header_offset(const struct lg_capture *cap, int64_t *ret_ns);
/* "lines", "json", "xml", "blocks"; "" before anything was read. */
const char *lg_capture_framing(const struct lg_capture *cap);
/* "plain", "gzip" or "zstd". */
const char *lg_capture_compression(const struct lg_capture *cap);

#endif
