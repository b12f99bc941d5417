/*
 * Records through the normalizer on one core, as JSON lines {"name", "value", "unit"}:
 *
 *   normalize_<format>        events written as NDJSON, raw_event included, a second
 *   normalize_<format>_bytes  the same in bytes of input; its baseline is simdjson's DOM parser
 *                             over the same records, which every record goes through once
 *
 * Records come from the captures named as arguments (default: those in tests/data), up to 64 MiB a
 * format, cut evenly out of all of them so that no capture rules. Of Windows formats with Sysmon
 * only Sysmon's records count. Best of nine runs over them all, in CPU seconds of the one thread, so
 * that others on the machine show less.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/vec.h"
#include "capture/capture.h"
#include "event/codec.h"

#define RUNS 9
#define MAX_BYTES ((size_t)64 << 20)
#define FORMATS 32
#define PER_CAPTURE ((size_t)2 << 20)

static double now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void must(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_normalize: %s: %s\n", what, lg_err_name(rc));
    exit(1);
}

struct set {
    const struct lg_format *format;
    struct lg_buf text;
    LG_VEC(struct lg_str) records; /* p holds an offset until all are read */
    size_t from_this_capture;
    size_t captures;
};

static struct set sets[FORMATS];
static struct lg_normalizer *nz;

static struct set *set_of(const struct lg_format *f)
{
    for (size_t i = 0; i < FORMATS; i++) {
        if (sets[i].format == NULL) {
            sets[i].format = f;
            lg_buf_init(&sets[i].text, MAX_BYTES + LG_JSON_PADDING);
        }
        if (sets[i].format == f)
            return &sets[i];
    }
    return NULL;
}

static bool counts(const struct lg_format *f, struct lg_str record)
{
    if (lg_format_platform(f) != LG_PLATFORM_WINDOWS)
        return true;
    return lg_str_find(record, LG_STR("Microsoft-Windows-Sysmon")) >= 0;
}

static void load(const char *path)
{
    struct lg_capture_batch *b;
    struct lg_capture *cap;
    struct lg_err err;
    int rc;

    must(lg_capture_open(path, NULL, &cap, &err), path);
    must(lg_capture_batch_new(&b), path);
    for (size_t i = 0; i < FORMATS; i++)
        sets[i].from_this_capture = 0;
    while ((rc = lg_capture_next(cap, b, &err)) == 1)
        for (size_t i = 0; i < b->records.n; i++) {
            struct lg_str rec = lg_capture_record_str(b, i);
            const struct lg_format *f = lg_format_recognise(nz, rec, true);
            struct set *s = f != NULL && counts(f, rec) ? set_of(f) : NULL;

            if (s == NULL || s->from_this_capture + rec.n > PER_CAPTURE ||
                    s->text.n + rec.n > MAX_BYTES)
                continue;
            must(lg_vec_push(&s->records, lg_str_of((const char *)s->text.n, rec.n)), path);
            lg_buf_adds(&s->text, rec);
            s->captures += s->from_this_capture == 0;
            s->from_this_capture += rec.n;
        }
    must(rc, path);
    lg_capture_batch_free(b);
    lg_capture_close(cap);
}

struct sum {
    struct lg_buf out;
    size_t events, dead;
};

static int on_event(void *user, const struct lg_event *ev)
{
    struct sum *s = user;

    lg_event_write(ev, &s->out);
    lg_buf_addc(&s->out, '\n');
    if (s->out.n > 1u << 18)
        lg_buf_clear(&s->out); /* what a write(2) would do */
    s->events++;
    return s->out.failed;
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    (void)dl;
    ((struct sum *)user)->dead++;
    return 0;
}

static double run_normalize(const struct set *s, struct sum *sum)
{
    const struct lg_norm_sink sink = {sum, on_event, on_dead, NULL};
    const struct lg_norm_stream_options opt = {.endpoint = LG_STR("host")};
    struct lg_norm_stream *st;
    double t0;

    must(lg_norm_stream_new(&opt, &st), "stream");
    sum->events = sum->dead = 0;
    t0 = now_s();
    for (size_t i = 0; i < s->records.n; i++)
        must(lg_normalizer_record(
                     nz, st, s->records.v[i], true, (struct lg_position){i + 1, 0}, &sink),
                "record");
    must(lg_normalizer_flush(nz, st, &sink), "flush");
    t0 = now_s() - t0;
    lg_norm_stream_free(st);
    return t0;
}

static double run_parse(const struct set *s)
{
    struct lg_json *json;
    struct lg_jval root;
    double t0;

    must(lg_json_new(&json), "json");
    t0 = now_s();
    for (size_t i = 0; i < s->records.n; i++)
        must(lg_json_parse(json, s->records.v[i], true, &root, NULL), "parse");
    t0 = now_s() - t0;
    lg_json_free(json);
    return t0;
}

static void measure(struct set *s)
{
    bool json = s->records.v[0].n > 0 && s->text.p[0] == '{';
    double best = 1e9, parse = 1e9;
    struct sum sum = {.events = 0};

    lg_buf_init(&sum.out, (size_t)16 << 20);
    must(lg_buf_reserve(&s->text, LG_JSON_PADDING), "memory");
    for (size_t i = 0; i < s->records.n; i++)
        s->records.v[i].p = s->text.p + (size_t)s->records.v[i].p;
    for (int r = 0; r < RUNS; r++) {
        double t = run_normalize(s, &sum);

        best = t < best ? t : best;
        t = json ? run_parse(s) : 1e9;
        parse = t < parse ? t : parse;
    }
    printf("{\"name\":\"normalize_%s\",\"value\":%.0f,\"unit\":\"events/s\",\"records\":%zu,"
           "\"captures\":%zu,\"mean_bytes\":%zu,\"events\":%zu,\"dead\":%zu}\n",
            lg_format_name(s->format), (double)sum.events / best, s->records.n, s->captures,
            s->text.n / s->records.n, sum.events, sum.dead);
    printf("{\"name\":\"normalize_%s_bytes\",\"value\":%.1f,\"unit\":\"MB/s\"",
            lg_format_name(s->format), (double)s->text.n / best / 1e6);
    if (json)
        printf(",\"baseline\":%.1f", (double)s->text.n / parse / 1e6);
    printf("}\n");
    lg_buf_done(&sum.out);
}

int main(int argc, char **argv)
{
    static const char *const defaults[] = {
            "captures/empire_reg_dump_sam_2019-06-25133822.ndjson.zst",
            "captures/omerbenamram_sysmon.ndjson.zst", "captures/sysflow_shellshock.ndjson.zst",
            "windows/winlogbeat6.ndjson", "windows/winlogbeat7.ndjson", "windows/nxlog.ndjson",
            "windows/flat_export.ndjson", "windows/event_xml.xml", "ebpf/tetragon.ndjson"};
    char path[1024];

    must(lg_normalizer_new(&nz), "normalizer");
    for (int i = 1; i < argc; i++)
        load(argv[i]);
    for (size_t i = 0; argc < 2 && i < sizeof(defaults) / sizeof(*defaults); i++) {
        snprintf(path, sizeof(path), "%s/tests/data/%s", LG_SOURCE_DIR, defaults[i]);
        load(path);
    }
    for (size_t i = 0; i < FORMATS && sets[i].format != NULL; i++)
        if (sets[i].records.n > 0)
            measure(&sets[i]);
    return 0;
}
