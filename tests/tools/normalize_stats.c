/*
 * What becomes of recorded data: reads records, one a line, from standard input and prints for
 * each format how many became events, which dead letters the others became, and how much of a
 * record is read. The figures of docs/formats.md come from here.
 *
 *     zstd -dc capture.ndjson.zst | normalize_stats [options]
 *
 *   -e ENDPOINT   host of records that name none
 *   -z SECONDS    header offset
 *   -s            find the header offset: the median skew of the first 10,000 records
 *   -n            print the events as NDJSON instead of the figures
 *   -t            print events a second, output included
 *   -u            print the dead letters one a line: reason, format, detail
 *
 * members_read is the share of a JSON record's members (null, empty and "-" apart) without which
 * the event would be another one: each is left out in turn, in a sample of the records. Where a
 * record keeps its event data apart (Winlogbeat) only those count, else header and all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "event/codec.h"
#include "normalize/normalize.h"
#include "json/write.h"

#define MAX_FORMATS 64
#define SKEW_RECORDS 10000
#define SAMPLE_EVERY 97 /* records; a prime, so that no rhythm of the data is met */
#define SAMPLE_MAX 300  /* records of a format */

struct figures {
    uint64_t events, skipped;
    uint64_t dead[LG_DEAD_REASON_COUNT];
    uint64_t members, read, samples;
};

struct tool {
    struct lg_normalizer *nz;
    struct lg_norm_stream *st;
    struct lg_norm_stream *probes; /* for sampled records and their parts */
    struct lg_json *json;
    struct figures by_format[MAX_FORMATS];
    struct lg_buf out;
    uint64_t events, out_bytes;
    bool print_events, print_dead, timing;
};

static size_t format_number(struct lg_str name)
{
    const struct lg_format *const *all = lg_format_all();
    size_t i = 0;

    for (; all[i] != NULL; i++)
        if (lg_str_eq(lg_str_z(lg_format_name(all[i])), name))
            break;
    return i;
}

/* ---- which members are read ---- */

struct leaver {
    size_t target, seen;
    bool counts;    /* the member left out says something */
    bool has_data;  /* the record has event data apart from its header */
    bool in_data;   /* where the writer is */
    bool from_data; /* where the member left out stood */
};

static void write_without(struct lg_jw *w, struct lg_jval v, struct leaver *l);

static bool says_something(struct lg_jval v)
{
    struct lg_str s;

    if (lg_jval_type(v) != LG_JSON_STRING)
        return lg_jval_type(v) != LG_JSON_NULL;
    s = lg_jval_str(v);
    return s.n > 0 && !lg_str_eq(s, LG_STR("-"));
}

static void write_scalar(struct lg_jw *w, struct lg_jval v)
{
    switch (lg_jval_type(v)) {
    case LG_JSON_STRING:
        lg_jw_str(w, lg_jval_str(v));
        break;
    case LG_JSON_I64:
        lg_jw_i64(w, lg_jval_i64(v));
        break;
    case LG_JSON_U64:
        lg_jw_u64(w, lg_jval_u64(v));
        break;
    case LG_JSON_DOUBLE:
        lg_jw_double(w, lg_jval_double(v));
        break;
    case LG_JSON_BOOL:
        lg_jw_bool(w, lg_jval_bool(v));
        break;
    default:
        lg_jw_null(w);
        break;
    }
}

static bool is_event_data(struct lg_str key)
{
    return lg_str_eq(key, LG_STR("event_data")) || lg_str_eq(key, LG_STR("user_data"));
}

static void write_members_without(struct lg_jw *w, struct lg_jval obj, struct leaver *l)
{
    struct lg_jiter it = lg_jiter_of(obj);
    struct lg_jval val;
    struct lg_str key;

    lg_jw_object(w);
    while (lg_jiter_member(&it, &key, &val)) {
        enum lg_json_type t = lg_jval_type(val);

        if (t != LG_JSON_OBJECT && t != LG_JSON_ARRAY && l->seen++ == l->target) {
            l->counts = says_something(val);
            l->from_data = l->in_data;
            continue;
        }
        lg_jw_key(w, key);
        if (is_event_data(key)) {
            l->has_data = l->in_data = true;
            write_without(w, val, l);
            l->in_data = false;
            continue;
        }
        write_without(w, val, l);
    }
    lg_jw_object_end(w);
}

static void write_without(struct lg_jw *w, struct lg_jval v, struct leaver *l)
{
    struct lg_jiter it;
    struct lg_jval item;

    if (lg_jval_type(v) == LG_JSON_OBJECT) {
        write_members_without(w, v, l);
    } else if (lg_jval_type(v) == LG_JSON_ARRAY) {
        it = lg_jiter_of(v);
        lg_jw_array(w);
        while (lg_jiter_item(&it, &item))
            write_without(w, item, l);
        lg_jw_array_end(w);
    } else {
        write_scalar(w, v);
    }
}

/* The event without its bytes, and without the id where that is made of them. */
static int on_probe(void *user, const struct lg_event *ev)
{
    static struct lg_event copy;

    copy = *ev;
    copy.raw = LG_STR("{}");
    copy.raw_kind = LG_RAW_JSON;
    if ((ev->flags & LG_EVF_NO_IDENTITY) != 0)
        memset(&copy.event_id, 0, sizeof(copy.event_id));
    lg_event_write(&copy, user);
    return 0;
}

static int on_dead_probe(void *user, const struct lg_dead_letter *dl)
{
    lg_buf_adds(user, lg_str_z(lg_dead_reason_name(dl->reason)));
    return 0;
}

static int probe(struct tool *t, struct lg_str record, struct lg_buf *out)
{
    const struct lg_norm_sink sink = {out, on_probe, on_dead_probe, NULL};

    lg_buf_clear(out);
    return lg_normalizer_record(t->nz, t->probes, record, false, (struct lg_position){1, 0}, &sink);
}

static int sample(struct tool *t, struct lg_str record, struct figures *f)
{
    struct lg_buf whole, text, part;
    struct lg_jval root;
    size_t members = 1;
    int rc = 0;

    if (f->samples >= SAMPLE_MAX || lg_json_parse(t->json, record, false, &root, NULL) < 0)
        return 0;
    lg_buf_init(&whole, 4u << 20);
    lg_buf_init(&text, 4u << 20);
    lg_buf_init(&part, 4u << 20);
    rc = probe(t, record, &whole);
    if (whole.n == 0 || whole.p[0] != '{')
        members = 0; /* no event: nothing to ask */
    else
        f->samples++;
    for (size_t i = 0; rc == 0 && i < members; i++) {
        struct leaver l = {.target = i};
        struct lg_jw w;

        lg_buf_clear(&text);
        lg_jw_init(&w, &text);
        write_without(&w, root, &l);
        members = l.seen;
        rc = probe(t, lg_buf_str(&text), &part);
        if (!l.counts || l.from_data != l.has_data)
            continue;
        f->members++;
        f->read += !lg_str_eq(lg_buf_str(&whole), lg_buf_str(&part));
    }
    lg_buf_done(&part);
    lg_buf_done(&text);
    lg_buf_done(&whole);
    return rc;
}

/* ---- sinks ---- */

static int on_event(void *user, const struct lg_event *ev)
{
    struct tool *t = user;

    t->events++;
    t->by_format[format_number(ev->format)].events++;
    lg_buf_clear(&t->out);
    if (t->print_events || t->timing) {
        lg_event_write(ev, &t->out);
        t->out_bytes += t->out.n;
    }
    if (t->print_events) {
        (void)fwrite(t->out.p, 1, t->out.n, stdout);
        (void)putchar('\n');
    }
    return 0;
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    struct tool *t = user;

    t->by_format[format_number(dl->format)].dead[dl->reason]++;
    if (t->print_dead)
        printf("%s\t%.*s\t%s\n", lg_dead_reason_name(dl->reason), LG_STR_FMT(dl->format),
                dl->detail);
    return 0;
}

static int on_skipped(void *user, enum lg_skip_reason reason)
{
    struct tool *t = user;

    (void)reason;
    t->by_format[MAX_FORMATS - 1].skipped++;
    return 0;
}

struct lines {
    char *p;
    size_t n;
    size_t cap;
};

static int read_all(FILE *f, struct lines *all)
{
    for (;;) {
        size_t got;

        if (all->cap - all->n < LG_JSON_PADDING + (1u << 20)) {
            char *p = realloc(all->p, all->cap = all->cap * 2 + (4u << 20));

            if (p == NULL)
                return -1;
            all->p = p;
        }
        got = fread(all->p + all->n, 1, all->cap - all->n - LG_JSON_PADDING, f);
        if (got == 0)
            return ferror(f) ? -1 : 0;
        all->n += got;
    }
}

static bool next_record(const struct lines *all, size_t *at, struct lg_str *ret)
{
    const char *end;

    if (*at >= all->n)
        return false;
    end = memchr(all->p + *at, '\n', all->n - *at);
    *ret = lg_str_of(all->p + *at, end != NULL ? (size_t)(end - (all->p + *at)) : all->n - *at);
    *at += ret->n + 1;
    return true;
}

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static int64_t median_skew(struct lg_normalizer *nz, const struct lines *all)
{
    static int64_t skews[SKEW_RECORDS];
    const int64_t quarter = 900 * LG_NS_PER_SEC;
    struct lg_str record;
    size_t at = 0, n = 0;

    for (size_t i = 0; i < SKEW_RECORDS && next_record(all, &at, &record); i++)
        if (lg_format_header_skew(nz, record, true, &skews[n]))
            n++;
    if (n == 0)
        return 0;
    qsort(skews, n, sizeof(skews[0]), by_value);
    return (skews[n / 2] + (skews[n / 2] >= 0 ? quarter / 2 : -quarter / 2)) / quarter * quarter;
}

static int run(struct tool *t, const struct lines *all)
{
    const struct lg_norm_sink sink = {t, on_event, on_dead, on_skipped};
    struct lg_position pos = {0, 0};
    struct lg_str record;
    size_t at = 0;

    while (next_record(all, &at, &record)) {
        const struct lg_format *format;
        int rc;

        pos.line++;
        rc = lg_normalizer_record(t->nz, t->st, record, true, pos, &sink);
        if (rc < 0)
            return rc;
        pos.offset = at;
        if (t->timing || t->print_events || t->print_dead || pos.line % SAMPLE_EVERY != 1)
            continue;
        format = lg_format_recognise(t->nz, record, false);
        if (format == NULL || lg_format_stateful(format))
            continue;
        rc = sample(t, record, &t->by_format[format_number(lg_str_z(lg_format_name(format)))]);
        if (rc < 0)
            return rc;
    }
    return lg_normalizer_flush(t->nz, t->st, &sink);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static void print_figures(const struct tool *t)
{
    const struct lg_format *const *all = lg_format_all();

    printf("format\trecords\tevents\tlisted_events_%%\tmembers_read_%%\tdead\n");
    for (size_t i = 0; i < MAX_FORMATS; i++) {
        const struct figures *f = &t->by_format[i];
        uint64_t dead = 0, unsupported = f->dead[LG_DEAD_UNSUPPORTED_TYPE];

        for (size_t r = 0; r < LG_DEAD_REASON_COUNT; r++)
            dead += f->dead[r];
        if (f->events + dead + f->skipped == 0)
            continue; /* also the rows past the last format */
        printf("%s\t%llu\t%llu\t%.3f\t%.1f\t",
                i == MAX_FORMATS - 1     ? "(skipped)"
                        : all[i] == NULL ? "(none)"
                                         : lg_format_name(all[i]),
                (unsigned long long)(f->events + dead + f->skipped), (unsigned long long)f->events,
                percent(f->events, f->events + dead - unsupported), percent(f->read, f->members));
        for (size_t r = 0; r < LG_DEAD_REASON_COUNT; r++)
            if (f->dead[r] > 0)
                printf("%s=%llu ", lg_dead_reason_name((enum lg_dead_reason)r),
                        (unsigned long long)f->dead[r]);
        printf("\n");
    }
}

static double now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static struct tool t;
    struct lg_norm_stream_options opt = {.endpoint = LG_STR("")};
    struct lines all = {NULL, 0, 0};
    bool find_skew = false;
    double start, seconds;
    int c;

    while ((c = getopt(argc, argv, "e:z:sntu")) != -1) {
        switch (c) {
        case 'e':
            opt.endpoint = lg_str_z(optarg);
            break;
        case 'z':
            opt.header_offset_ns = strtoll(optarg, NULL, 10) * LG_NS_PER_SEC;
            break;
        case 's':
            find_skew = true;
            break;
        case 'n':
            t.print_events = true;
            break;
        case 't':
            t.timing = true;
            break;
        case 'u':
            t.print_dead = true;
            break;
        default:
            return 2;
        }
    }
    lg_buf_init(&t.out, 16u << 20);
    if (read_all(stdin, &all) < 0 || lg_normalizer_new(&t.nz) < 0 || lg_json_new(&t.json) < 0)
        return 1;
    if (find_skew)
        opt.header_offset_ns = median_skew(t.nz, &all);
    if (lg_norm_stream_new(&opt, &t.st) < 0 || lg_norm_stream_new(&opt, &t.probes) < 0)
        return 1;
    start = now();
    c = run(&t, &all);
    seconds = now() - start;
    if (t.timing)
        printf("%llu events in %.3f s: %.0f events/s, %.0f MB/s in, %.0f MB/s out\n",
                (unsigned long long)t.events, seconds, (double)t.events / seconds,
                (double)all.n / seconds / 1e6, (double)t.out_bytes / seconds / 1e6);
    else if (!t.print_events && !t.print_dead)
        print_figures(&t);
    lg_norm_stream_free(t.probes);
    lg_norm_stream_free(t.st);
    lg_normalizer_free(t.nz);
    lg_json_free(t.json);
    lg_buf_done(&t.out);
    free(all.p);
    return c < 0 ? 1 : 0;
}
