#ifndef LG_TESTS_CAPTURE_FIXTURE_H
#define LG_TESTS_CAPTURE_FIXTURE_H

#include "lg_test.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/limits.h"
#include "capture/capture.h"

/* Files made in the working directory, captured whole, and compared record by record. */

#define CAPTURED_MAX 20000

struct captured {
    int rc; /* of the last lg_capture_next */
    struct lg_err err;
    size_t n;
    size_t batches;
    size_t largest_batch; /* bytes of memory */
    size_t oversized;
    struct lg_buf text; /* all records, in a row */
    struct {
        size_t at, n;
        struct lg_position pos;
    } rec[CAPTURED_MAX];
    char framing[16], compression[16], format[64];
    struct lg_capture_progress progress;
    bool has_offset;
    int64_t offset_ns;
};

static struct captured got;
static char test_path[64];

static inline int captured_done(void **state)
{
    (void)state;
    lg_buf_done(&got.text);
    if (test_path[0] != '\0')
        (void)unlink(test_path);
    test_path[0] = '\0';
    return 0;
}

static inline const char *write_temp(struct lg_str s)
{
    FILE *f;
    int fd;

    if (test_path[0] != '\0')
        (void)unlink(test_path);
    memcpy(test_path, "capture_XXXXXX", 15);
    fd = mkstemp(test_path);
    assert_true(fd >= 0);
    f = fdopen(fd, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(s.p, 1, s.n, f), s.n);
    assert_int_equal(fclose(f), 0);
    return test_path;
}

static inline void keep_batch(const struct lg_capture_batch *b)
{
    assert_int_equal(b->seq, got.batches);
    assert_true(b->records.n > 0);
    got.batches++;
    if (b->text.cap > got.largest_batch)
        got.largest_batch = b->text.cap;
    for (size_t i = 0; i < b->records.n; i++) {
        const struct lg_capture_record *r = &b->records.v[i];

        assert_true(got.n < CAPTURED_MAX);
        assert_true(r->at + r->n + LG_JSON_PADDING <= b->text.cap);
        got.rec[got.n].at = got.text.n;
        got.rec[got.n].n = r->n;
        got.rec[got.n].pos = r->pos;
        got.n++;
        got.oversized += r->oversized;
        assert_true(r->oversized == (r->n > LG_MAX_RECORD_BYTES));
        lg_buf_adds(&got.text, lg_capture_record_str(b, i));
    }
    assert_int_equal(got.text.failed, 0);
}

static inline void capture_path(const char *path, const struct lg_capture_options *opt)
{
    struct lg_capture_batch *b;
    struct lg_capture *cap;
    const struct lg_format *f;

    lg_buf_done(&got.text);
    memset(&got, 0, sizeof(got));
    lg_buf_init(&got.text, 64 << 20);
    got.rc = lg_capture_open(path, opt, &cap, &got.err);
    if (got.rc < 0)
        return;
    assert_int_equal(lg_capture_batch_new(&b), 0);
    for (;;) {
        got.rc = lg_capture_next(cap, b, &got.err);
        if (got.rc != 1)
            break;
        keep_batch(b);
    }
    assert_int_equal(lg_capture_next(cap, b, &got.err), got.rc); /* for good */
    f = lg_capture_format(cap);
    (void)snprintf(got.framing, sizeof(got.framing), "%s", lg_capture_framing(cap));
    (void)snprintf(got.compression, sizeof(got.compression), "%s", lg_capture_compression(cap));
    (void)snprintf(got.format, sizeof(got.format), "%s", lg_format_name(f));
    got.progress = lg_capture_progress(cap);
    got.has_offset = lg_capture_header_offset(cap, &got.offset_ns);
    assert_int_equal(got.progress.records, got.n);
    lg_capture_batch_free(b);
    lg_capture_close(cap);
}

static inline void capture_bytes(struct lg_str s, const struct lg_capture_options *opt)
{
    capture_path(write_temp(s), opt);
}

static inline struct lg_str captured_str(size_t i)
{
    assert_true(i < got.n);
    return lg_str_of(got.text.p + got.rec[i].at, got.rec[i].n);
}

/* `want`: the records, joined by '|'. */
#define assert_records(want) assert_records_at((want), __LINE__)
static inline void assert_records_at(const char *want, int line)
{
    struct lg_buf b;

    lg_buf_init(&b, 64 << 20);
    for (size_t i = 0; i < got.n; i++) {
        if (i > 0)
            lg_buf_addc(&b, '|');
        lg_buf_adds(&b, captured_str(i));
    }
    if (!lg_str_eq(lg_buf_str(&b), lg_str_z(want)))
        fail_msg("line %d: got %.*s", line, LG_STR_FMT(lg_buf_str(&b)));
    lg_buf_done(&b);
}

static inline void add_gzip(struct lg_buf *out, struct lg_str in)
{
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(lg_buf_reserve(out, compressBound(in.n) + 64), 0);
    z.next_in = (Bytef *)(uintptr_t)in.p;
    z.avail_in = (uInt)in.n;
    z.next_out = (Bytef *)out->p + out->n;
    z.avail_out = (uInt)(out->cap - out->n);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->n += z.total_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
}

static inline void add_zstd(struct lg_buf *out, struct lg_str in)
{
    size_t n;

    assert_int_equal(lg_buf_reserve(out, ZSTD_compressBound(in.n)), 0);
    n = ZSTD_compress(out->p + out->n, out->cap - out->n, in.p, in.n, 3);
    assert_false(ZSTD_isError(n));
    out->n += n;
}

#endif
