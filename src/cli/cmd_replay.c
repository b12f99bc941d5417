#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "capture/capture.h"
#include "cli/cli.h"
#include "cli/remote.h"

#define BATCH_BYTES ((size_t)512 * 1024)
#define BATCH_MAX ((size_t)8 << 20)
#define MAX_RETRIES 8

static const char help[] =
        "usage: logster replay [OPTION...] FILE...\n\n"
        "Sends recorded telemetry (what 'logster scan' reads) to a platform's intake, in order,\n"
        "with the time between events as it was.\n\n"
        "  --url URL          platform (default: http://127.0.0.1:8080)\n"
        "  --token-file FILE  token with the role ingest (default: LOGSTER_TOKEN, else\n"
        "                     admin-token of --data-dir)\n"
        "  --data-dir DIR     folder of a platform on this machine, for its token\n"
        "  --tenant ID        tenant that the events go to, where the token has several\n"
        "  --source NAME      raw topic or alias (default: found from the records)\n"
        "  --speed FACTOR     1x is as recorded, 10x ten times faster, max without pause\n"
        "                     (default: max)\n"
        "  --shift-to-now     move all times so that the last event is now (the token needs the\n"
        "                     scope replay)\n"
        "  --quiet            no progress\n"
        "  --help\n\n"
        "Exit status: 0 everything was taken, 1 some records were refused, 2 could not run.\n";

struct replay {
    struct lg_remote to;
    const char *tenant, *source;
    double speed; /* 0: without pause */
    bool shift, quiet, progress;
    char shift_header[96];
    int64_t shift_ns;
    struct lg_normalizer *nz;
    struct lg_buf body;
    const char *topic; /* of what waits in `body` */
    uint64_t waiting;  /* records in it */
    lg_time last, first, began;
    lg_time seen; /* time of the record at hand; 0: it has none */
    uint64_t sent, refused, records, total_bytes, done_bytes;
};

static int on_event(void *user, const struct lg_event *ev)
{
    struct replay *r = user;

    if (ev->time_ns > r->seen)
        r->seen = ev->time_ns;
    return 0;
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    (void)user;
    (void)dl;
    return 0;
}

/* Where a record belongs, by its format: the normalizer tells formats apart by content anyway. */
static const char *source_of(const struct lg_format *f)
{
    const char *name = f != NULL ? lg_format_name(f) : "";

    if (f == NULL || lg_format_platform(f) == LG_PLATFORM_WINDOWS)
        return "sysmon-logs";
    if (strncmp(name, "audit", 5) == 0 || strcmp(name, "laurel") == 0 ||
            strcmp(name, "sysmon-linux") == 0)
        return "linux-auditd-logs";
    return "linux-ebpf-process-logs";
}

/* Calls fn for each record of the files, with its time (that of the record before where it has
 * none of its own). */
typedef int (*record_fn)(struct replay *r, struct lg_str rec, const struct lg_format *f);

static int read_file(struct replay *r, const char *path, record_fn fn, struct lg_err *err)
{
    const struct lg_norm_sink sink = {.user = r, .event = on_event, .dead = on_dead};
    const struct lg_norm_stream_options opt = {
            .endpoint = LG_STR("replay"), .input = lg_str_z(path)};
    struct lg_norm_stream *st = NULL;
    struct lg_capture_batch *b = NULL;
    struct lg_capture *cap = NULL;
    int rc = lg_capture_open(path, NULL, &cap, err);

    if (rc == 0)
        rc = lg_capture_batch_new(&b);
    if (rc == 0)
        rc = lg_norm_stream_new(&opt, &st);
    while (rc == 0 && (rc = lg_capture_next(cap, b, err)) == 1) {
        rc = 0;
        for (size_t i = 0; rc == 0 && i < b->records.n; i++) {
            struct lg_str rec = lg_capture_record_str(b, i);

            r->seen = 0;
            rc = lg_normalizer_record(r->nz, st, rec, true, b->records.v[i].pos, &sink);
            if (rc == 0 && r->seen != 0)
                r->last = r->seen;
            if (rc == 0)
                rc = fn(r, rec, lg_format_recognise(r->nz, rec, true));
        }
        r->done_bytes = lg_capture_progress(cap).consumed;
        r->total_bytes = lg_capture_progress(cap).total;
    }
    lg_norm_stream_free(st);
    lg_capture_batch_free(b);
    lg_capture_close(cap);
    return rc;
}

static int find_end(struct replay *r, struct lg_str rec, const struct lg_format *f)
{
    (void)rec;
    (void)f;
    if (r->last > r->first) /* here: the largest so far */
        r->first = r->last;
    return 0;
}

static void show(struct replay *r, bool last)
{
    if (!r->progress)
        return;
    (void)fprintf(stderr, "\r%llu records sent, %llu refused, %3.0f %% of the file%s",
            (unsigned long long)r->sent, (unsigned long long)r->refused,
            r->total_bytes > 0 ? 100.0 * (double)r->done_bytes / (double)r->total_bytes : 0.0,
            last ? "\n" : "  ");
    (void)fflush(stderr);
}

/* Sends what waits; what the platform cannot take just now is sent again. */
static int post(struct replay *r, const char *path, struct lg_err *err)
{
    for (int attempt = 0;; attempt++) {
        int rc = lg_remote_ask(&r->to, "POST", path, "application/x-ndjson", lg_buf_str(&r->body),
                r->shift_ns != 0 ? r->shift_header : NULL, err);
        int status = rc < 0 ? 0 : r->to.resp.status;
        struct timespec pause = {.tv_sec = 1};

        if (status >= 200 && status < 300)
            return 0;
        if (attempt == MAX_RETRIES || (rc < 0 && rc != LG_EIO))
            return rc < 0 ? rc : lg_remote_refused(&r->to, err);
        if (rc == 0 && status != 429 && status != 503)
            return lg_remote_refused(&r->to, err);
        if (rc == 0 && r->to.resp.retry_after_s > 0)
            pause.tv_sec = r->to.resp.retry_after_s;
        (void)nanosleep(&pause, NULL);
    }
}

/* The intake's answer says how many records it took and how many not. */
static void count_answer(struct replay *r, uint64_t n)
{
    struct lg_json *j = NULL;
    struct lg_jval root, v;
    uint64_t refused = 0;

    if (lg_json_new(&j) == 0 &&
            lg_json_parse(j, lg_buf_str(&r->to.resp.body), false, &root, NULL) == 0 &&
            lg_jval_type(root) == LG_JSON_OBJECT && lg_jval_get(root, LG_STR("refused"), &v) &&
            lg_jval_type(v) == LG_JSON_I64 && lg_jval_i64(v) > 0)
        refused = (uint64_t)lg_jval_i64(v);
    lg_json_free(j);
    r->refused += refused;
    r->sent += n - (refused < n ? refused : n);
}

static int flush(struct replay *r, struct lg_err *err)
{
    char path[512];
    int rc, n;

    if (r->waiting == 0)
        return 0;
    n = snprintf(path, sizeof(path), "/ingest/%s%s%s", r->topic,
            r->tenant != NULL ? "?tenant=" : "", r->tenant != NULL ? r->tenant : "");
    if (n < 0 || (size_t)n >= sizeof(path))
        return lg_err_set(err, LG_ELIMIT, "the source's or tenant's name is too long");
    rc = post(r, path, err);
    if (rc < 0)
        return rc;
    count_answer(r, r->waiting);
    lg_buf_clear(&r->body);
    r->waiting = 0;
    show(r, false);
    return 0;
}

static struct lg_err send_err; /* of the one thread there is */

/* Waits until it is this record's turn. */
static int pace(struct replay *r)
{
    lg_time due;
    lg_time now = lg_clock_monotonic();
    struct timespec pause;

    if (r->speed <= 0 || r->last == 0)
        return 0;
    if (r->first == 0) {
        r->first = r->last;
        r->began = now;
    }
    due = r->began + (lg_time)((double)(r->last - r->first) / r->speed);
    if (due <= now)
        return 0;
    if (flush(r, &send_err) < 0) /* what was said before is sent before the pause */
        return LG_EIO;
    pause = (struct timespec){(due - now) / LG_NS_PER_SEC, (due - now) % LG_NS_PER_SEC};
    (void)nanosleep(&pause, NULL);
    return 0;
}

static int send_record(struct replay *r, struct lg_str rec, const struct lg_format *f)
{
    const char *topic = r->source != NULL ? r->source : source_of(f);
    int rc = pace(r);

    r->records++;
    if (rc == 0 && r->waiting > 0 && (strcmp(topic, r->topic) != 0 || r->body.n >= BATCH_BYTES))
        rc = flush(r, &send_err);
    if (rc < 0)
        return rc;
    r->topic = topic;
    for (size_t i = 0; i < rec.n; i++) /* one record a line: XML and JSON may span several */
        lg_buf_addc(&r->body, rec.p[i] == '\n' || rec.p[i] == '\r' ? ' ' : rec.p[i]);
    lg_buf_addc(&r->body, '\n');
    r->waiting++;
    return r->body.failed;
}

static int parse(int argc, char **argv, struct replay *r)
{
    static const struct option options[] = {{"url", required_argument, NULL, 'u'},
            {"token-file", required_argument, NULL, 't'},
            {"data-dir", required_argument, NULL, 'd'}, {"tenant", required_argument, NULL, 'T'},
            {"source", required_argument, NULL, 's'}, {"speed", required_argument, NULL, 'x'},
            {"shift-to-now", no_argument, NULL, 'n'}, {"quiet", no_argument, NULL, 'q'},
            {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct lg_str s;
    int c;

    r->to.url = "http://127.0.0.1:8080";
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
        switch (c) {
        case 'u':
            r->to.url = optarg;
            break;
        case 't':
            r->to.token_file = optarg;
            break;
        case 'd':
            r->to.data_dir = optarg;
            break;
        case 'T':
            r->tenant = optarg;
            break;
        case 's':
            r->source = optarg;
            break;
        case 'x':
            s = lg_str_z(optarg);
            if (lg_str_ends(s, LG_STR("x")))
                s.n--;
            if (strcmp(optarg, "max") != 0 &&
                    (lg_parse_double(s, &r->speed) < 0 || !(r->speed > 0))) {
                (void)fprintf(
                        stderr, "logster replay: --speed wants 1x, 10x, max, not '%s'\n", optarg);
                return LG_EINVAL;
            }
            break;
        case 'n':
            r->shift = true;
            break;
        case 'q':
            r->quiet = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return 1;
        default:
            (void)fputs("see logster replay --help\n", stderr);
            return LG_EINVAL;
        }
    if (optind == argc) {
        (void)fputs("logster replay: wants a file; see logster replay --help\n", stderr);
        return LG_EINVAL;
    }
    r->progress = !r->quiet && isatty(STDERR_FILENO) != 0;
    return 0;
}

/* The first pass: where the recording ends. */
static int find_shift(struct replay *r, char **files, int n, struct lg_err *err)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < n; i++) {
        r->last = 0;
        rc = read_file(r, files[i], find_end, err);
    }
    if (rc < 0)
        return rc;
    if (r->first == 0)
        return lg_err_set(err, LG_EPARSE, "no record with a time: nothing to shift");
    r->shift_ns = lg_clock_wall() - r->first;
    (void)snprintf(r->shift_header, sizeof(r->shift_header), "X-Logster-Time-Shift: %lld",
            (long long)r->shift_ns);
    r->first = r->last = 0;
    return 0;
}

static int run(struct replay *r, char **files, int n)
{
    struct lg_err err = {0};
    int rc = lg_remote_open(&r->to, 1u << 20, &err);

    lg_buf_init(&r->body, BATCH_MAX);
    if (rc == 0)
        rc = lg_normalizer_new(&r->nz);
    if (rc == 0 && r->shift)
        rc = find_shift(r, files, n, &err);
    for (int i = 0; rc == 0 && i < n; i++)
        rc = read_file(r, files[i], send_record, &err);
    if (rc == 0)
        rc = flush(r, &send_err);
    show(r, true);
    if (rc < 0)
        (void)fprintf(stderr, "logster replay: %s\n",
                err.text[0] != '\0'                ? err.text
                        : send_err.text[0] != '\0' ? send_err.text
                                                   : lg_err_name(rc));
    else if (!r->quiet)
        (void)fprintf(stderr, "replayed %llu records, %llu of them refused\n",
                (unsigned long long)r->records, (unsigned long long)r->refused);
    lg_normalizer_free(r->nz);
    lg_buf_done(&r->body);
    lg_remote_close(&r->to);
    return rc < 0 ? LG_EXIT_FAILED : r->refused > 0 ? LG_EXIT_FOUND : LG_EXIT_OK;
}

int lg_cmd_replay(int argc, char **argv)
{
    struct replay r = {0};
    int rc = parse(argc, argv, &r);

    if (rc != 0)
        return rc > 0 ? LG_EXIT_OK : LG_EXIT_FAILED;
    return run(&r, argv + optind, argc - optind);
}
