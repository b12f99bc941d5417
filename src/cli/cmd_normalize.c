#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/parse.h"
#include "capture/capture.h"
#include "cli/cli.h"
#include "event/codec.h"
#include "normalize/dead_letter.h"

#define FLUSH_BYTES ((size_t)256 * 1024)
#define OUT_MAX_BYTES ((size_t)64 << 20)

static const char help[] =
        "usage: logster normalize [OPTION...] FILE...\n\n"
        "Reads recorded telemetry (JSON lines, JSON arrays, event XML, auditd text, Splunk text;\n"
        "plain, gzip or zstd; '-' is standard input), recognises the format of each record and\n"
        "writes NormalizedEvent, one JSON object a line, to standard output. What cannot be used\n"
        "is counted by reason and, with --dead-letters, kept with its bytes.\n\n"
        "  --dead-letters FILE    write dead letters to FILE, one JSON object a line\n"
        "  --tenant ID            tenant of the events (default: default)\n"
        "  --endpoint NAME        host of records that name none\n"
        "  --header-offset HOURS  added to header times whose zone is known to be false\n"
        "                         (default: found from the head of each file)\n"
        "  --fqdn                 the endpoint is the full host name, not its first label\n"
        "  --quiet                no summary on standard error\n"
        "  --help\n\n"
        "Exit status: 0 every record was used or skipped for a documented reason, 1 there were\n"
        "dead letters, 2 could not run, or no record of the input could be used at all.\n";

struct counts {
    uint64_t records, events, skipped;
    uint64_t dead[LG_DEAD_REASON_COUNT];
};

struct normalize {
    struct lg_normalizer *nz;
    struct lg_norm_stream_options stream;
    bool offset_given, quiet;
    FILE *dead_file;
    struct lg_buf out, dead;
    struct counts n;
};

static int drain(struct lg_buf *b, FILE *to)
{
    if (b->failed < 0)
        return b->failed;
    if (b->n > 0 && fwrite(b->p, 1, b->n, to) != b->n)
        return LG_EIO;
    lg_buf_clear(b);
    return 0;
}

static int on_event(void *user, const struct lg_event *ev)
{
    struct normalize *c = user;

    c->n.events++;
    lg_event_write(ev, &c->out);
    lg_buf_addc(&c->out, '\n');
    return c->out.n < FLUSH_BYTES && c->out.failed == 0 ? 0 : drain(&c->out, stdout);
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    struct normalize *c = user;

    c->n.dead[dl->reason]++;
    if (c->dead_file == NULL)
        return 0;
    lg_dead_letter_write(dl, &c->dead);
    lg_buf_addc(&c->dead, '\n');
    return c->dead.n < FLUSH_BYTES && c->dead.failed == 0 ? 0 : drain(&c->dead, c->dead_file);
}

static int on_skipped(void *user, enum lg_skip_reason reason)
{
    struct normalize *c = user;

    (void)reason;
    c->n.skipped++;
    return 0;
}

static int read_records(
        struct normalize *c, struct lg_capture *cap, struct lg_norm_stream *st, struct lg_err *err)
{
    const struct lg_norm_sink sink = {
            .user = c, .event = on_event, .dead = on_dead, .skipped = on_skipped};
    struct lg_capture_batch *b;
    int rc = lg_capture_batch_new(&b), got = 0;

    if (rc < 0)
        return lg_err_set(err, rc, "out of memory");
    while (rc == 0 && (got = lg_capture_next(cap, b, err)) > 0) {
        c->n.records += b->records.n;
        for (size_t i = 0; i < b->records.n && rc == 0; i++)
            rc = lg_normalizer_record(
                    c->nz, st, lg_capture_record_str(b, i), true, b->records.v[i].pos, &sink);
    }
    if (rc == 0)
        rc = lg_normalizer_flush(c->nz, st, &sink);
    if (rc < 0)
        (void)lg_err_set(err, rc, "writing: %s", rc == LG_EIO ? strerror(errno) : lg_err_name(rc));
    lg_capture_batch_free(b);
    return rc < 0 ? rc : got;
}

static int normalize_file(struct normalize *c, const char *path, struct lg_err *err)
{
    struct lg_capture *cap = NULL;
    struct lg_norm_stream *st = NULL;
    int rc = lg_capture_open(path, NULL, &cap, err);

    if (rc < 0)
        return rc;
    c->stream.input = lg_str_z(path);
    if (!c->offset_given && !lg_capture_header_offset(cap, &c->stream.header_offset_ns))
        c->stream.header_offset_ns = 0;
    rc = lg_norm_stream_new(&c->stream, &st);
    rc = rc < 0 ? lg_err_set(err, rc, "out of memory") : read_records(c, cap, st, err);
    lg_norm_stream_free(st);
    lg_capture_close(cap);
    return rc;
}

static uint64_t dead_total(const struct counts *n)
{
    uint64_t sum = 0;

    for (int i = 0; i < LG_DEAD_REASON_COUNT; i++)
        sum += n->dead[i];
    return sum;
}

static void summary(const struct counts *n)
{
    (void)fprintf(stderr, "%llu records, %llu events, %llu skipped, %llu dead letters\n",
            (unsigned long long)n->records, (unsigned long long)n->events,
            (unsigned long long)n->skipped, (unsigned long long)dead_total(n));
    for (int i = 0; i < LG_DEAD_REASON_COUNT; i++)
        if (n->dead[i] > 0)
            (void)fprintf(stderr, "  %-18s %llu\n", lg_dead_reason_name((enum lg_dead_reason)i),
                    (unsigned long long)n->dead[i]);
}

/* 0, or an exit status + 1 to leave with. */
static int parse(struct normalize *c, int argc, char **argv)
{
    static const struct option options[] = {{"dead-letters", required_argument, NULL, 'd'},
            {"tenant", required_argument, NULL, 't'}, {"endpoint", required_argument, NULL, 'e'},
            {"header-offset", required_argument, NULL, 'o'}, {"fqdn", no_argument, NULL, 'f'},
            {"quiet", no_argument, NULL, 'q'}, {"help", no_argument, NULL, 'h'}, {0}};
    double hours;
    int opt;

    while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (opt) {
        case 'd':
            c->dead_file = fopen(optarg, "we");
            if (c->dead_file == NULL) {
                (void)fprintf(stderr, "logster normalize: %s: %s\n", optarg, strerror(errno));
                return LG_EXIT_FAILED + 1;
            }
            break;
        case 't':
            c->stream.tenant_id = lg_str_z(optarg);
            break;
        case 'e':
            c->stream.endpoint = lg_str_z(optarg);
            break;
        case 'o':
            if (lg_parse_double(lg_str_z(optarg), &hours) < 0 || hours < -48 || hours > 48) {
                (void)fputs("logster normalize: --header-offset takes -48..48 hours\n", stderr);
                return LG_EXIT_FAILED + 1;
            }
            c->offset_given = true;
            c->stream.header_offset_ns = (int64_t)(hours * 3600) * LG_NS_PER_SEC;
            break;
        case 'f':
            c->stream.fqdn_endpoint = true;
            break;
        case 'q':
            c->quiet = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return LG_EXIT_OK + 1;
        default:
            (void)fputs("see logster normalize --help\n", stderr);
            return LG_EXIT_FAILED + 1;
        }
    }
    if (optind == argc) {
        (void)fputs("logster normalize: no FILE; see logster normalize --help\n", stderr);
        return LG_EXIT_FAILED + 1;
    }
    return 0;
}

/* All files, then what is still in the buffers; the first error is told, later files still run. */
static int run_files(struct normalize *c, char **files)
{
    struct lg_err err = {0, ""};
    int bad = 0;

    for (; *files != NULL; files++)
        if (normalize_file(c, *files, &err) < 0) {
            (void)fprintf(stderr, "logster normalize: %s: %s\n", *files, err.text);
            bad = 1;
        }
    if (drain(&c->out, stdout) < 0 || fflush(stdout) != 0) {
        (void)fprintf(stderr, "logster normalize: standard output: %s\n", strerror(errno));
        bad = 1;
    }
    if (c->dead_file != NULL && (drain(&c->dead, c->dead_file) < 0 || fflush(c->dead_file) != 0)) {
        (void)fprintf(stderr, "logster normalize: dead letters: %s\n", strerror(errno));
        bad = 1;
    }
    return bad;
}

int lg_cmd_normalize(int argc, char **argv)
{
    struct normalize c;
    int rc;

    memset(&c, 0, sizeof(c));
    lg_buf_init(&c.out, OUT_MAX_BYTES);
    lg_buf_init(&c.dead, OUT_MAX_BYTES);
    rc = parse(&c, argc, argv);
    if (rc != 0) {
        rc--;
    } else if (lg_normalizer_new(&c.nz) < 0) {
        (void)fputs("logster normalize: out of memory\n", stderr);
        rc = LG_EXIT_FAILED;
    } else {
        rc = run_files(&c, argv + optind) != 0 ? LG_EXIT_FAILED : LG_EXIT_OK;
        if (!c.quiet)
            summary(&c.n);
        if (rc == LG_EXIT_OK && dead_total(&c.n) > 0)
            rc = c.n.events > 0 ? LG_EXIT_FOUND : LG_EXIT_FAILED;
    }
    lg_normalizer_free(c.nz);
    lg_buf_done(&c.out);
    lg_buf_done(&c.dead);
    if (c.dead_file != NULL)
        (void)fclose(c.dead_file);
    return rc;
}
