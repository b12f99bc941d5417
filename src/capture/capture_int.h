#ifndef LG_CAPTURE_CAPTURE_INT_H
#define LG_CAPTURE_CAPTURE_INT_H

#include "capture/capture.h"

/* ---- input.c: bytes of a file, decompressed ---- */

struct lg_input;
int lg_input_open(const char *path, struct lg_input **ret, struct lg_err *reterr) LG_MUST_CHECK;
void lg_input_close(struct lg_input *src);
/* Up to `max` bytes into `out`. Bytes read, 0 at the end, negative when it cannot go on (then for
 * good); bytes that came before the fault are given out first. */
ptrdiff_t lg_input_read(
        struct lg_input *src, char *out, size_t max, struct lg_err *reterr) LG_MUST_CHECK;
/* The last read got less than it could: more may take its time (pipes, terminals). */
bool lg_input_may_wait(const struct lg_input *src);
uint64_t lg_input_consumed(const struct lg_input *src);
uint64_t lg_input_total(const struct lg_input *src);
const char *lg_input_compression(const struct lg_input *src);

/* ---- text.c: UTF-8 of those bytes ---- */

struct lg_text {
    struct lg_input *src;
    enum { LG_TEXT_UNKNOWN, LG_TEXT_UTF8, LG_TEXT_UTF16LE, LG_TEXT_UTF16BE } encoding;
    unsigned char head[4]; /* read to tell the encoding, not given out yet */
    size_t head_n;
    unsigned char odd; /* half a code unit */
    bool has_odd;
    uint32_t high; /* high surrogate that waits for its low one; 0 = none */
};
/* As lg_input_read; `max` must be at least 64. */
ptrdiff_t lg_text_read(
        struct lg_text *t, char *out, size_t max, struct lg_err *reterr) LG_MUST_CHECK;

/* ---- split.c: records of that text ---- */

enum lg_split_framing {
    LG_SPLIT_UNKNOWN,
    LG_SPLIT_LINES,
    LG_SPLIT_JSON,
    LG_SPLIT_XML,
    LG_SPLIT_BLOCKS,
};

/* Incremental: text that was scanned without finding an end is not scanned again. */
struct lg_splitter {
    enum lg_split_framing framing;
    size_t resume; /* scanned up to here, from the start of the text handed in */
    bool inside;   /* the start of a record was found (json, xml) */
    bool in_string;
    size_t depth;
};

struct lg_cut {
    size_t skip; /* no part of a record */
    size_t len;  /* of the record; 0: nothing but `skip` */
    size_t next; /* start of what follows */
};

/* Tells the framing from the head of the text (64 KiB, or all there is). */
enum lg_split_framing lg_split_detect(struct lg_str head);
const char *lg_split_framing_name(enum lg_split_framing f);
/* Next record of `text`, which starts where the last cut ended. False: more text is needed; with
 * `eof` only for an empty text. */
bool lg_split_next(struct lg_splitter *sp, struct lg_str text, bool eof, struct lg_cut *ret);
/* The caller drops the first sp->resume bytes of an endless record. */
void lg_split_drop(struct lg_splitter *sp);

#endif
