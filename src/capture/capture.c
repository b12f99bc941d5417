#include "capture/capture.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "capture/capture_int.h"
#include "capture/probe.h"

#define BATCH_BYTES ((size_t)256 << 10)
#define BATCH_BYTES_MAX ((size_t)4 << 20)
#define READ_BYTES ((size_t)128 << 10)
#define HEAD_BYTES ((size_t)64 << 10)
#define OVERLAP_BYTES ((size_t)4096) /* text that a splitter may leave unscanned at the end */
/* a batch, a record that has just not ended, one read */
#define TEXT_BYTES_MAX (BATCH_BYTES_MAX + 3 * (size_t)LG_MAX_RECORD_BYTES + READ_BYTES)

struct lg_capture {
    struct lg_input *src;
    struct lg_text text;
    struct lg_splitter split;
    struct lg_buf carry; /* text after the last record that was given out */
    size_t batch_bytes;
    bool skipping; /* the rest of an oversized record */
    bool eof;
    int rc;            /* what the end of the text was: 0 or an error */
    struct lg_err err; /* its detail */
    uint64_t line;     /* of the next text, 1-based */
    uint64_t offset;
    uint64_t seq;
    uint64_t records;
    /* read ahead by the probe, to be given out first */
    LG_VEC(struct lg_capture_batch *) ahead;
    size_t ahead_at;
    struct lg_probe_result probe;
};

int lg_capture_batch_new(struct lg_capture_batch **ret)
{
    struct lg_capture_batch *b = lg_calloc(1, sizeof(*b));

    if (b == NULL)
        return LG_ENOMEM;
    lg_buf_init(&b->text, TEXT_BYTES_MAX);
    *ret = b;
    return 0;
}

void lg_capture_batch_free(struct lg_capture_batch *b)
{
    if (b == NULL)
        return;
    lg_buf_done(&b->text);
    lg_vec_done(&b->records);
    lg_free(b);
}

static uint64_t count_lines(struct lg_str s)
{
    uint64_t n = 0;
    ptrdiff_t i;

    for (i = lg_str_chr(s, '\n'); i >= 0; i = lg_str_chr(s, '\n')) {
        n++;
        s = lg_str_of(s.p + i + 1, s.n - (size_t)i - 1);
    }
    return n;
}

/* Moves the position over text that is done with. */
static void advance(struct lg_capture *cap, struct lg_str text)
{
    cap->line += count_lines(text);
    cap->offset += text.n;
}

/* The same over what one cut took: a line of its own has its end at the end alone. */
static void advance_cut(struct lg_capture *cap, struct lg_str text)
{
    if (cap->split.framing != LG_SPLIT_LINES) {
        advance(cap, text);
        return;
    }
    cap->line += text.n > 0 && text.p[text.n - 1] == '\n';
    cap->offset += text.n;
}

static bool is_blank(struct lg_str s)
{
    return lg_str_trim(s).n == 0;
}

static int add_record(
        struct lg_capture *cap, struct lg_capture_batch *b, size_t at, size_t n, bool oversized)
{
    struct lg_capture_record r = {at, n, {cap->line, cap->offset}, oversized};

    if (is_blank(lg_str_of(b->text.p + at, n)))
        return 0;
    if (lg_vec_push(&b->records, r) < 0)
        return LG_ENOMEM;
    cap->records++;
    return 0;
}

/* Records of the text from *start on; moves *start past them. */
static int cut_records(struct lg_capture *cap, struct lg_capture_batch *b, size_t *start)
{
    struct lg_str text = lg_str_of(b->text.p + *start, b->text.n - *start);
    struct lg_cut cut;

    while (lg_split_next(&cap->split, text, cap->eof, &cut)) {
        size_t n = cut.len;
        bool oversized = n > LG_MAX_RECORD_BYTES;
        int rc;

        advance(cap, lg_str_of(text.p, cut.skip));
        if (cap->skipping)
            n = 0; /* the end of a record that was given out cut */
        if (n > 0) {
            rc = add_record(
                    cap, b, *start + cut.skip, oversized ? LG_MAX_RECORD_BYTES + 1 : n, oversized);
            if (rc < 0)
                return rc;
        }
        cap->skipping = false;
        advance_cut(cap, lg_str_of(text.p + cut.skip, cut.next - cut.skip));
        *start += cut.next;
        text = lg_str_of(text.p + cut.next, text.n - cut.next);
    }
    return 0;
}

/* A record that has outgrown its cap: gives out its head once and passes over what was scanned,
 * so that the batch holds no more of it. */
static int pass_over(struct lg_capture *cap, struct lg_capture_batch *b, size_t *start)
{
    size_t n = cap->split.resume, keep = *start;
    int rc;

    if (!cap->skipping) {
        rc = add_record(cap, b, *start, LG_MAX_RECORD_BYTES + 1, true);
        if (rc < 0)
            return rc;
        cap->skipping = true;
        keep += LG_MAX_RECORD_BYTES + 1;
        LG_ASSERT(n >= LG_MAX_RECORD_BYTES + 1);
    }
    advance(cap, lg_str_of(b->text.p + *start, n));
    memmove(b->text.p + keep, b->text.p + *start + n, b->text.n - *start - n);
    b->text.n -= *start + n - keep;
    *start = keep;
    lg_split_drop(&cap->split);
    return 0;
}

/* One read more. At the end, or when nothing more can be read, sets eof and rc. */
static int read_more(struct lg_capture *cap, struct lg_buf *text)
{
    ptrdiff_t n;

    if (lg_buf_reserve(text, READ_BYTES + LG_JSON_PADDING) < 0)
        return LG_ENOMEM;
    n = lg_text_read(&cap->text, text->p + text->n, READ_BYTES, &cap->err);
    if (n > 0) {
        text->n += (size_t)n;
        return 0;
    }
    cap->eof = true;
    cap->rc = (int)n;
    return 0;
}

static int detect_framing(struct lg_capture *cap, struct lg_buf *text)
{
    while (text->n < HEAD_BYTES && !cap->eof) {
        int rc = read_more(cap, text);

        if (rc < 0)
            return rc;
        if (lg_input_may_wait(cap->src) && lg_str_chr(lg_buf_str(text), '\n') >= 0)
            break; /* a live source: one line must do */
    }
    cap->split.framing = lg_split_detect(lg_buf_str(text));
    return 0;
}

static bool is_full(const struct lg_capture *cap, const struct lg_capture_batch *b)
{
    return b->records.n > 0 && (b->text.n >= cap->batch_bytes || lg_input_may_wait(cap->src));
}

static int fill_batch(struct lg_capture *cap, struct lg_capture_batch *b)
{
    size_t start = 0, room = cap->carry.n + READ_BYTES + LG_JSON_PADDING;
    int rc = 0;

    lg_buf_clear(&b->text);
    b->records.n = 0;
    /* all at once, so that it need not move; a live source mostly has little to say */
    if (lg_buf_reserve(&b->text, lg_input_may_wait(cap->src) ? room : room + cap->batch_bytes) < 0)
        return LG_ENOMEM;
    lg_buf_adds(&b->text, lg_buf_str(&cap->carry));
    lg_buf_clear(&cap->carry);
    if (cap->split.framing == LG_SPLIT_UNKNOWN)
        rc = detect_framing(cap, &b->text);
    while (rc == 0) {
        rc = cut_records(cap, b, &start);
        if (rc < 0 || cap->eof || is_full(cap, b))
            break;
        if (b->text.n - start > LG_MAX_RECORD_BYTES + OVERLAP_BYTES)
            rc = pass_over(cap, b, &start);
        else
            rc = read_more(cap, &b->text);
    }
    if (rc < 0)
        return rc;
    lg_buf_add(&cap->carry, b->text.p + start, b->text.n - start);
    if (cap->carry.failed != 0)
        return LG_ENOMEM;
    b->text.n = start;
    b->seq = cap->seq;
    if (lg_buf_reserve(&b->text, LG_JSON_PADDING) < 0)
        return LG_ENOMEM;
    return 0;
}

/* Fills `b` or says how the text ended. */
static int next_batch(struct lg_capture *cap, struct lg_capture_batch *b, struct lg_err *reterr)
{
    int rc;

    if (!cap->eof) {
        rc = fill_batch(cap, b);
        if (rc < 0) {
            cap->eof = true;
            cap->rc = lg_err_set(&cap->err, rc, "out of memory");
            b->records.n = 0;
        }
        if (b->records.n > 0) {
            cap->seq++;
            return 1;
        }
    }
    b->records.n = 0;
    if (cap->rc < 0)
        return lg_err_set(reterr, cap->rc, "%s", cap->err.text);
    return 0;
}

int lg_capture_next(struct lg_capture *cap, struct lg_capture_batch *b, struct lg_err *reterr)
{
    struct lg_capture_batch *ahead, tmp;

    if (cap->ahead_at == cap->ahead.n)
        return next_batch(cap, b, reterr);
    ahead = cap->ahead.v[cap->ahead_at];
    cap->ahead.v[cap->ahead_at++] = NULL;
    tmp = *b;
    *b = *ahead;
    *ahead = tmp;
    lg_capture_batch_free(ahead);
    return 1;
}

/* Reads ahead until the probe has seen enough. Faults of the input come later, in their place. */
static int run_probe(struct lg_capture *cap)
{
    struct lg_probe *probe = NULL;
    bool more = true;
    int rc = lg_probe_new(&probe);

    while (rc == 0 && more) {
        struct lg_capture_batch *b = NULL;
        struct lg_err ignored;

        rc = lg_capture_batch_new(&b);
        if (rc < 0)
            break;
        rc = next_batch(cap, b, &ignored);
        if (rc != 1 || lg_vec_push(&cap->ahead, b) < 0) {
            lg_capture_batch_free(b);
            rc = rc == 1 || rc == LG_ENOMEM ? LG_ENOMEM : 0;
            break;
        }
        more = lg_probe_batch(probe, b);
        rc = 0;
    }
    if (rc == 0)
        cap->probe = lg_probe_done(probe);
    lg_probe_free(probe);
    return rc;
}

int lg_capture_open(const char *path, const struct lg_capture_options *opt, struct lg_capture **ret,
        struct lg_err *reterr)
{
    struct lg_capture *cap = lg_calloc(1, sizeof(*cap));
    int rc;

    if (cap == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    cap->batch_bytes = opt != NULL && opt->batch_bytes > 0 ? opt->batch_bytes : BATCH_BYTES;
    if (cap->batch_bytes > BATCH_BYTES_MAX)
        cap->batch_bytes = BATCH_BYTES_MAX;
    lg_buf_init(&cap->carry, TEXT_BYTES_MAX);
    cap->line = 1;
    rc = lg_input_open(path, &cap->src, reterr);
    cap->text.src = cap->src;
    if (rc == 0 && (opt == NULL || !opt->no_probe)) {
        rc = run_probe(cap);
        if (rc < 0)
            (void)lg_err_set(reterr, rc, "out of memory");
    }
    if (rc < 0) {
        lg_capture_close(cap);
        return rc;
    }
    *ret = cap;
    return 0;
}

void lg_capture_close(struct lg_capture *cap)
{
    if (cap == NULL)
        return;
    for (size_t i = cap->ahead_at; i < cap->ahead.n; i++)
        lg_capture_batch_free(cap->ahead.v[i]);
    lg_vec_done(&cap->ahead);
    lg_buf_done(&cap->carry);
    lg_input_close(cap->src);
    lg_free(cap);
}

struct lg_capture_progress lg_capture_progress(const struct lg_capture *cap)
{
    return (struct lg_capture_progress){
            .consumed = lg_input_consumed(cap->src),
            .total = lg_input_total(cap->src),
            .text = cap->offset,
            .records = cap->records,
    };
}

const struct lg_format *lg_capture_format(const struct lg_capture *cap)
{
    return cap->probe.format;
}

bool lg_capture_header_offset(const struct lg_capture *cap, int64_t *ret_ns)
{
    if (cap->probe.has_offset)
        *ret_ns = cap->probe.offset_ns;
    return cap->probe.has_offset;
}

const char *lg_capture_framing(const struct lg_capture *cap)
{
    return lg_split_framing_name(cap->split.framing);
}

const char *lg_capture_compression(const struct lg_capture *cap)
{
    return lg_input_compression(cap->src);
}
