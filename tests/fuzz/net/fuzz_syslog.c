#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/syslog.h"

/*
 * A stream of bytes: the first byte chooses framing and piece size. However it is cut into pieces,
 * the same messages come out; each parses, and its parts lie inside it.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_MESSAGE 64

static void inside(struct lg_str part, struct lg_str whole)
{
    if (part.n > 0 && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
        abort();
}

static void parse(struct lg_str text)
{
    struct lg_syslog m;

    if (lg_syslog_parse(text, INT64_C(1700000000000000000), &m) < 0)
        return;
    if (m.facility < 0 || m.facility > 23 || m.severity < 0 || m.severity > 7)
        abort();
    inside(m.host, text);
    inside(m.app, text);
    inside(m.procid, text);
    inside(m.msgid, text);
    inside(m.data, text);
    inside(m.msg, text);
}

/* Joins what comes out, with a mark between messages, and one for an error. */
static void run(enum lg_syslog_framing mode, struct lg_str in, size_t piece, struct lg_buf *out)
{
    struct lg_syslog_frames fr;
    struct lg_str m;
    bool cut;
    int rc = 0;

    lg_syslog_frames_init(&fr, mode, MAX_MESSAGE);
    for (size_t i = 0; i < in.n && rc >= 0; i += piece) {
        if (lg_syslog_frames_feed(&fr, lg_str_sub(in, i, i + piece)) < 0)
            abort();
        while ((rc = lg_syslog_frames_next(&fr, &m, &cut)) == 1) {
            if (m.n == 0 || m.n > MAX_MESSAGE)
                abort();
            parse(m);
            lg_buf_adds(out, m);
            lg_buf_add(out, cut ? "!\n" : "\n\n", 2);
        }
    }
    if (rc < 0)
        lg_buf_addc(out, '#');
    else if (lg_syslog_frames_last(&fr, &m, &cut) == 1)
        lg_buf_adds(out, m);
    lg_syslog_frames_done(&fr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_buf whole, pieces;
    struct lg_str in;
    enum lg_syslog_framing mode;

    if (size < 2 || size > 60000)
        return 0;
    mode = (enum lg_syslog_framing)(data[0] % 3);
    in = lg_str_of((const char *)data + 1, size - 1);
    parse(in);
    lg_buf_init(&whole, 1u << 20);
    lg_buf_init(&pieces, 1u << 20);
    run(mode, in, in.n, &whole);
    run(mode, in, 1 + data[0] / 3, &pieces);
    if (!lg_str_eq(lg_buf_str(&whole), lg_buf_str(&pieces)))
        abort();
    lg_buf_done(&whole);
    lg_buf_done(&pieces);
    return 0;
}
