#include <string.h>

#include "net/syslog.h"

#define FEED_MAX (64u << 10) /* of one read, beside the message that is waiting */
#define COUNT_DIGITS 10

void lg_syslog_frames_init(
        struct lg_syslog_frames *fr, enum lg_syslog_framing mode, size_t max_bytes)
{
    memset(fr, 0, sizeof(*fr));
    fr->mode = mode;
    fr->max_bytes = max_bytes;
    lg_buf_init(&fr->buf, max_bytes + 2 * FEED_MAX + 16);
}

void lg_syslog_frames_done(struct lg_syslog_frames *fr)
{
    if (fr != NULL)
        lg_buf_done(&fr->buf);
}

int lg_syslog_frames_feed(struct lg_syslog_frames *fr, struct lg_str bytes)
{
    if (fr->at > 0) {
        if (fr->buf.n > fr->at)
            memmove(fr->buf.p, fr->buf.p + fr->at, fr->buf.n - fr->at);
        fr->buf.n -= fr->at;
        fr->scanned -= fr->scanned < fr->at ? fr->scanned : fr->at;
        fr->at = 0;
    }
    fr->buf.failed = 0;
    lg_buf_adds(&fr->buf, bytes);
    return fr->buf.failed;
}

static struct lg_str waiting(const struct lg_syslog_frames *fr)
{
    return lg_str_of(fr->buf.p + fr->at, fr->buf.n - fr->at);
}

static void consume(struct lg_syslog_frames *fr, size_t n)
{
    fr->at += n;
    if (fr->scanned < fr->at)
        fr->scanned = fr->at;
}

/* What is left of a message that was cut. True when it is passed. */
static bool skip_rest(struct lg_syslog_frames *fr)
{
    struct lg_str in = waiting(fr);

    if (fr->skip > 0) {
        size_t n = fr->skip < in.n ? (size_t)fr->skip : in.n;

        fr->skip -= n;
        consume(fr, n);
        return fr->skip == 0;
    }
    for (size_t i = 0; fr->skip_line && i < in.n; i++)
        if (in.p[i] == '\n' || in.p[i] == '\0') {
            consume(fr, i + 1);
            fr->skip_line = false;
            return true;
        }
    if (fr->skip_line)
        consume(fr, in.n);
    return !fr->skip_line;
}

static struct lg_str without_end(struct lg_str s)
{
    while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\0'))
        s.n--;
    return s;
}

/* "123 " before a message: 1 and its parts; 0: more bytes are needed; LG_EPARSE: none. */
static int read_count(struct lg_str in, uint64_t *ret_count, size_t *ret_digits)
{
    size_t n = 0;
    uint64_t count = 0;

    while (n < in.n && n < COUNT_DIGITS + 1 && in.p[n] >= '0' && in.p[n] <= '9')
        count = count * 10 + (uint64_t)(in.p[n++] - '0');
    if (n == in.n && n <= COUNT_DIGITS)
        return 0;
    if (n == 0 || n > COUNT_DIGITS || in.p[0] == '0' || in.p[n] != ' ')
        return LG_EPARSE;
    *ret_count = count;
    *ret_digits = n;
    return 1;
}

static int next_counted(struct lg_syslog_frames *fr, uint64_t count, size_t digits,
        struct lg_str *ret, bool *ret_truncated)
{
    struct lg_str in = waiting(fr);
    size_t take = count < fr->max_bytes ? (size_t)count : fr->max_bytes;

    if (in.n - digits - 1 < take)
        return 0;
    *ret = without_end(lg_str_sub(in, digits + 1, digits + 1 + take));
    *ret_truncated = count > fr->max_bytes;
    consume(fr, digits + 1 + take);
    if (*ret_truncated) {
        fr->skip = count - take;
        fr->truncated++;
    }
    return 1;
}

static int next_line(struct lg_syslog_frames *fr, struct lg_str *ret, bool *ret_truncated)
{
    struct lg_str in = waiting(fr);
    size_t from = fr->scanned > fr->at ? fr->scanned - fr->at : 0;

    *ret_truncated = false;
    for (size_t i = from; i < in.n && i <= fr->max_bytes; i++)
        if (in.p[i] == '\n' || in.p[i] == '\0') {
            *ret = without_end(lg_str_sub(in, 0, i));
            consume(fr, i + 1);
            return 1;
        }
    if (in.n <= fr->max_bytes) {
        fr->scanned = fr->buf.n;
        return 0;
    }
    *ret = lg_str_sub(in, 0, fr->max_bytes);
    *ret_truncated = true;
    fr->truncated++;
    fr->skip_line = true;
    consume(fr, fr->max_bytes);
    return 1;
}

/* One step: 1 a message (perhaps empty), 0 more bytes are needed, LG_EPARSE. */
static int step(struct lg_syslog_frames *fr, struct lg_str *ret, bool *ret_truncated)
{
    struct lg_str in = waiting(fr);
    uint64_t count = 0;
    size_t digits = 0;
    int rc;

    if (in.n == 0)
        return 0;
    if (fr->mode == LG_FRAMING_NEWLINE)
        return next_line(fr, ret, ret_truncated);
    if (fr->mode == LG_FRAMING_OCTETS && (in.p[0] == '\n' || in.p[0] == '\r')) {
        consume(fr, 1); /* senders that count and end the line as well */
        *ret = LG_STR("");
        return 1;
    }
    rc = read_count(in, &count, &digits);
    if (fr->mode == LG_FRAMING_OCTETS)
        return rc == 1 ? next_counted(fr, count, digits, ret, ret_truncated) : rc;
    /* digits, a space and a PRI: no line of a log looks so by chance */
    if (rc == 0 || (rc == 1 && in.n <= digits + 1))
        return 0;
    if (rc == 1 && in.p[digits + 1] == '<')
        return next_counted(fr, count, digits, ret, ret_truncated);
    return next_line(fr, ret, ret_truncated);
}

int lg_syslog_frames_next(struct lg_syslog_frames *fr, struct lg_str *ret, bool *ret_truncated)
{
    for (;;) {
        struct lg_str msg = LG_STR("");
        bool truncated = false;
        int rc;

        if (!skip_rest(fr))
            return 0;
        rc = step(fr, &msg, &truncated);
        if (rc != 1)
            return rc;
        if (msg.n > 0) {
            *ret = msg;
            *ret_truncated = truncated;
            return 1;
        }
    }
}

int lg_syslog_frames_last(struct lg_syslog_frames *fr, struct lg_str *ret, bool *ret_truncated)
{
    struct lg_str in;

    if (!skip_rest(fr) || fr->mode == LG_FRAMING_OCTETS)
        return 0;
    in = waiting(fr);
    consume(fr, in.n);
    in = without_end(in);
    *ret_truncated = in.n > fr->max_bytes;
    *ret = lg_str_sub(in, 0, fr->max_bytes);
    return in.n > 0 ? 1 : 0;
}
