#include "scan/reader.h"

#include <string.h>

#include "capture/capture.h"

void lg_reader_options_default(struct lg_reader_options *opt)
{
    memset(opt, 0, sizeof(*opt));
    opt->header_offset_ns = LG_READER_PROBE;
    opt->window = lg_window_defaults;
    opt->window.patience_ns = LG_READER_PATIENCE_NS;
}

struct reader {
    const struct lg_reader_options *opt;
    struct lg_reader_stats *stats;
    struct lg_windows *windows;
};

static int on_event(void *user, const struct lg_event *ev)
{
    struct reader *r = user;
    int rc = 0;

    r->stats->events++;
    if (r->opt->tap.event != NULL)
        rc = r->opt->tap.event(r->opt->tap.user, ev);
    return rc < 0 ? rc : lg_windows_push(r->windows, ev);
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    struct reader *r = user;

    r->stats->dead[dl->reason]++;
    return r->opt->tap.dead != NULL ? r->opt->tap.dead(r->opt->tap.user, dl) : 0;
}

static int on_skipped(void *user, enum lg_skip_reason reason)
{
    struct reader *r = user;

    return r->opt->tap.skipped != NULL ? r->opt->tap.skipped(r->opt->tap.user, reason) : 0;
}

static int read_all(
        struct reader *r, struct lg_capture *cap, struct lg_norm_stream *st, struct lg_err *reterr)
{
    const struct lg_norm_sink sink = {
            .user = r, .event = on_event, .dead = on_dead, .skipped = on_skipped};
    struct lg_capture_batch *b = NULL;
    struct lg_normalizer *nz = NULL;
    int got = 0, rc = lg_normalizer_new(&nz);

    if (rc == 0)
        rc = lg_capture_batch_new(&b);
    while (rc == 0 && (got = lg_capture_next(cap, b, reterr)) > 0) {
        r->stats->records += b->records.n;
        for (size_t i = 0; i < b->records.n && rc == 0; i++)
            rc = lg_normalizer_record(
                    nz, st, lg_capture_record_str(b, i), true, b->records.v[i].pos, &sink);
    }
    if (rc == 0)
        rc = lg_normalizer_flush(nz, st, &sink);
    if (rc == 0)
        rc = lg_windows_flush(r->windows);
    if (rc < 0)
        (void)lg_err_set(reterr, rc, "%s", lg_err_name(rc));
    lg_capture_batch_free(b);
    lg_normalizer_free(nz);
    return rc < 0 ? rc : got;
}

struct lg_str lg_reader_file_endpoint(const char *path)
{
    struct lg_str name = lg_str_basename(lg_str_z(path));
    ptrdiff_t dot = lg_str_chr(name, '.');

    return dot > 0 ? lg_str_sub(name, 0, (size_t)dot) : name;
}

int lg_reader_run(const char *path, const struct lg_reader_options *opt, lg_window_fn fn,
        void *user, struct lg_reader_stats *ret, struct lg_err *reterr)
{
    struct reader r = {opt, ret, NULL};
    struct lg_norm_stream_options so = {.tenant_id = opt->tenant_id,
            .endpoint = opt->endpoint,
            .input = lg_str_z(path),
            .fqdn_endpoint = opt->fqdn_endpoint};
    struct lg_norm_stream *st = NULL;
    struct lg_capture *cap = NULL;
    int rc = lg_capture_open(path, NULL, &cap, reterr);

    memset(ret, 0, sizeof(*ret));
    if (rc < 0)
        return rc;
    if (so.endpoint.n == 0)
        so.endpoint = lg_reader_file_endpoint(path);
    if (opt->header_offset_ns != LG_READER_PROBE)
        so.header_offset_ns = opt->header_offset_ns;
    else if (!lg_capture_header_offset(cap, &so.header_offset_ns))
        so.header_offset_ns = 0;
    ret->format = lg_capture_format(cap);
    ret->header_offset_ns = so.header_offset_ns;
    rc = lg_norm_stream_new(&so, &st);
    if (rc == 0)
        rc = lg_windows_new(&opt->window, fn, user, &r.windows);
    if (rc < 0) {
        (void)lg_err_set(reterr, rc, "out of memory");
    } else {
        rc = read_all(&r, cap, st, reterr);
        lg_windows_stats(r.windows, &ret->windows);
    }
    lg_windows_free(r.windows);
    lg_norm_stream_free(st);
    lg_capture_close(cap);
    return rc;
}
