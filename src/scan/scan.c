#include "scan/scan.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/vec.h"
#include "capture/capture.h"
#include "scan/judges.h"
#include "scan/pack.h"

#define MAX_WORKERS 64u
#define IN_FLIGHT 4u /* batches under way for each worker */

/* One batch of one file, on its way to a normalizing thread. */
struct job {
    uint64_t seq;
    struct lg_capture_batch *batch; /* NULL: only flush the file's stream */
    const struct lg_norm_stream_options *stream;
    uint32_t file;
    bool flush; /* last of its file */
};

/* What a batch holds for one owner. */
struct parcel {
    uint64_t seq;
    uint32_t file;
    struct lg_pack pack;
    struct parcel *next;
};

struct scan {
    const struct lg_scan_options *opt;
    const struct lg_scan_sink *sink;
    uint32_t workers;
    struct lg_order order;
    struct lg_judges *judges;
};

struct normalizing {
    struct scan *scan;
    struct lg_queue *in;
    struct lg_queue **owners;
    struct lg_normalizer *nz;
    struct lg_norm_stream *stream; /* of the file in hand */
    uint32_t stream_file;
    struct parcel **parcels; /* of the batch in hand, one an owner */
    size_t *sizes;           /* of the parcels before, so that the next need not grow */
    struct lg_scan_stats stats;
    pthread_t thread;
};

struct owning {
    struct scan *scan;
    uint32_t index;
    struct lg_queue *in;
    struct lg_windows *windows;
    uint64_t seq;   /* of the batch in hand */
    uint32_t file;  /* that it came from */
    uint64_t given; /* windows */
    uint64_t endpoints;
    pthread_t thread;
};

void lg_scan_options_default(struct lg_scan_options *opt)
{
    memset(opt, 0, sizeof(*opt));
    opt->header_offset_ns = LG_READER_PROBE;
    opt->window = lg_window_defaults;
    opt->window.patience_ns = LG_READER_PATIENCE_NS;
    opt->jury = (struct lg_jury_options){.threshold = -1, .idle_allowlist = true, .evidence = true};
}

/* --- owning threads ---------------------------------------------------------------------------- */

static int on_window(void *user, const struct lg_graph *g)
{
    struct owning *o = user;

    return lg_judges_give(o->scan->judges, o->index, o->seq, o->given++, g);
}

static int open_parcel(struct owning *o, struct parcel *p)
{
    struct lg_event *ev = lg_malloc(sizeof(*ev));
    size_t at = 0;
    int rc = 0;

    if (ev == NULL)
        return LG_ENOMEM;
    o->seq = p->seq;
    if (p->file != o->file)
        lg_windows_next_input(o->windows);
    o->file = p->file;
    while (rc == 0 && lg_pack_next(&p->pack, &at, ev))
        rc = lg_windows_push(o->windows, ev);
    lg_free(ev);
    return rc;
}

static void parcel_free(struct parcel *p)
{
    if (p == NULL)
        return;
    lg_pack_done(&p->pack);
    lg_free(p);
}

/* Parcels arrive from several threads: kept until their number is next. */
static void own(struct owning *o)
{
    struct parcel *waiting = NULL;
    struct lg_window_stats st;
    uint64_t next = 0;
    void *item;

    while (lg_queue_pop(o->in, &item)) {
        struct parcel *p = item, **at = &waiting;

        while (*at != NULL && (*at)->seq < p->seq)
            at = &(*at)->next;
        p->next = *at;
        *at = p;
        while (waiting != NULL && waiting->seq == next) {
            struct parcel *first = waiting;
            int rc = lg_order_failed(&o->scan->order) ? 0 : open_parcel(o, first);

            waiting = first->next;
            parcel_free(first);
            if (rc < 0)
                lg_order_fail(&o->scan->order, rc);
            lg_order_owned(&o->scan->order, next++);
        }
    }
    while (waiting != NULL) { /* a number before it was lost to a failure */
        struct parcel *lost = waiting;

        waiting = lost->next;
        parcel_free(lost);
    }
    /* end of input: what is still open is judged under one more number */
    lg_order_wait(&o->scan->order, next);
    o->seq = next;
    lg_windows_stats(o->windows, &st);
    o->endpoints = st.endpoints + st.early_flushes; /* flushing forgets them */
    if (!lg_order_failed(&o->scan->order)) {
        int rc = lg_windows_flush(o->windows);

        if (rc < 0)
            lg_order_fail(&o->scan->order, rc);
    }
    lg_order_owned(&o->scan->order, next);
}

static void *own_thread(void *arg)
{
    own(arg);
    return NULL;
}

/* --- normalizing threads ------------------------------------------------------------------------ */

static int on_event(void *user, const struct lg_event *ev)
{
    struct normalizing *n = user;
    uint64_t h = lg_hash_mix(lg_hash_str(ev->tenant_id, 0), lg_hash_str(ev->endpoint_id, 1));

    n->stats.events++;
    return lg_pack_add(&n->parcels[h % n->scan->workers]->pack, ev);
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    struct normalizing *n = user;

    n->stats.dead[dl->reason]++;
    return 0;
}

static int on_skipped(void *user, enum lg_skip_reason reason)
{
    struct normalizing *n = user;

    (void)reason;
    n->stats.skipped++;
    return 0;
}

static int use_stream(struct normalizing *n, const struct job *j)
{
    if (n->stream != NULL && n->stream_file == j->file)
        return 0;
    lg_norm_stream_free(n->stream);
    n->stream = NULL;
    n->stream_file = j->file;
    return lg_norm_stream_new(j->stream, &n->stream);
}

/* Records from i on, so that their digests are made side by side. */
static void look_ahead(struct normalizing *n, const struct lg_capture_batch *b, size_t i)
{
    struct lg_str next[LG_NORM_AHEAD];
    size_t count = 0;

    for (; count < LG_NORM_AHEAD && i + count < b->records.n; count++)
        next[count] = lg_capture_record_str(b, i + count);
    lg_normalizer_ahead(n->nz, next, count);
}

static int normalize_batch(struct normalizing *n, const struct job *j)
{
    const struct lg_norm_sink sink = {
            .user = n, .event = on_event, .dead = on_dead, .skipped = on_skipped};
    int rc = use_stream(n, j);

    if (j->batch != NULL)
        n->stats.records += j->batch->records.n;
    for (size_t i = 0; j->batch != NULL && i < j->batch->records.n && rc == 0; i++) {
        if (i % LG_NORM_AHEAD == 0)
            look_ahead(n, j->batch, i);
        rc = lg_normalizer_record(n->nz, n->stream, lg_capture_record_str(j->batch, i), true,
                j->batch->records.v[i].pos, &sink);
    }
    if (rc == 0 && j->flush)
        rc = lg_normalizer_flush(n->nz, n->stream, &sink);
    return rc;
}

/* A parcel for every owner, empty or not: each must see every number. */
static int new_parcels(struct normalizing *n, const struct job *j)
{
    for (uint32_t i = 0; i < n->scan->workers; i++) {
        n->parcels[i] = lg_calloc(1, sizeof(**n->parcels));
        if (n->parcels[i] == NULL)
            return LG_ENOMEM;
        n->parcels[i]->seq = j->seq;
        n->parcels[i]->file = j->file;
        lg_pack_init(&n->parcels[i]->pack);
        if (lg_buf_reserve(&n->parcels[i]->pack.bytes, n->sizes[i] + n->sizes[i] / 8) < 0)
            return LG_ENOMEM;
    }
    return 0;
}

static void send_parcels(struct normalizing *n)
{
    for (uint32_t i = 0; i < n->scan->workers; i++) {
        if (n->parcels[i] != NULL)
            n->sizes[i] = n->parcels[i]->pack.bytes.n;
        if (n->parcels[i] != NULL && !lg_queue_push(n->owners[i], n->parcels[i]))
            parcel_free(n->parcels[i]);
        n->parcels[i] = NULL;
    }
}

static void job_free(struct job *j)
{
    if (j == NULL)
        return;
    lg_capture_batch_free(j->batch);
    lg_free(j);
}

static void *normalize_thread(void *arg)
{
    struct normalizing *n = arg;
    void *item;

    while (lg_queue_pop(n->in, &item)) {
        struct job *j = item;
        int rc = new_parcels(n, j);

        if (rc == 0 && !lg_order_failed(&n->scan->order))
            rc = normalize_batch(n, j);
        if (rc < 0)
            lg_order_fail(&n->scan->order, rc);
        send_parcels(n);
        job_free(j);
    }
    return NULL;
}

/* --- the reading thread -------------------------------------------------------------------------- */

struct reading {
    struct scan *scan;
    struct normalizing *normalizing;
    struct lg_normalizer *nz; /* recognises formats */
    uint64_t seq;
    uint64_t records;
};

static int send_job(struct reading *r, struct job *j, uint32_t to)
{
    lg_order_wait(&r->scan->order, r->seq);
    j->seq = r->seq++;
    if (!lg_queue_push(r->normalizing[to].in, j)) {
        job_free(j);
        return LG_EINTR;
    }
    return lg_order_failed(&r->scan->order) ? LG_EINTR : 0;
}

/* Whether a record of a format with state stands in the batch: these are plain text. */
static bool holds_state(const struct reading *r, const struct lg_capture_batch *b)
{
    for (size_t i = 0; i < b->records.n; i++) {
        struct lg_str s = lg_capture_record_str(b, i);
        const struct lg_format *format;

        if (s.n == 0 || s.p[0] == '{' || lg_str_starts(s, LG_STR("<Event")))
            continue;
        format = lg_format_recognise(r->nz, s, true);
        if (format != NULL && lg_format_stateful(format))
            return true;
    }
    return false;
}

static int read_file(struct reading *r, uint32_t file, struct lg_norm_stream_options *so,
        struct lg_capture *cap, struct lg_err *err)
{
    const struct lg_format *format = lg_capture_format(cap);
    bool stateful = format != NULL && lg_format_stateful(format);
    uint32_t home = file % r->scan->workers;
    int got = 1;

    while (got > 0) {
        struct job *j = lg_calloc(1, sizeof(*j));
        int rc = j != NULL ? lg_capture_batch_new(&j->batch) : LG_ENOMEM;
        struct lg_capture_progress p;

        if (rc < 0) {
            job_free(j);
            return rc;
        }
        got = lg_capture_next(cap, j->batch, err);
        j->file = file;
        j->stream = so;
        j->flush = got <= 0; /* empty: flushes the assembler of the thread that had it all */
        r->records += j->batch->records.n;
        /* one thread has it all from the first such record on, whatever the file began with */
        stateful = stateful || holds_state(r, j->batch);
        rc = send_job(r, j, stateful || got <= 0 ? home : (uint32_t)(r->seq % r->scan->workers));
        if (rc < 0)
            return rc;
        p = lg_capture_progress(cap);
        if (r->scan->sink->progress != NULL)
            r->scan->sink->progress(r->scan->sink->user, file, p.consumed, p.total, r->records);
    }
    return got;
}

static int read_files(struct reading *r, struct lg_norm_stream_options *streams,
        void (*file_error)(void *, const char *, const struct lg_err *),
        struct lg_scan_stats *stats)
{
    const struct lg_scan_options *opt = r->scan->opt;
    const struct lg_capture_options how = {.batch_bytes = opt->batch_bytes};
    int worst = 0;

    for (uint32_t i = 0; i < opt->n_paths; i++) {
        struct lg_capture *cap = NULL;
        struct lg_err err = {0, ""};
        int rc = lg_capture_open(opt->paths[i], &how, &cap, &err);

        streams[i] = (struct lg_norm_stream_options){.tenant_id = opt->tenant_id,
                .endpoint = opt->endpoint.n > 0 ? opt->endpoint
                                                : lg_reader_file_endpoint(opt->paths[i]),
                .input = lg_str_z(opt->paths[i]),
                .fqdn_endpoint = opt->fqdn_endpoint};
        if (rc == 0) {
            if (opt->header_offset_ns != LG_READER_PROBE)
                streams[i].header_offset_ns = opt->header_offset_ns;
            else if (!lg_capture_header_offset(cap, &streams[i].header_offset_ns))
                streams[i].header_offset_ns = 0;
            rc = read_file(r, i, &streams[i], cap, &err);
        }
        lg_capture_close(cap);
        if (rc == LG_EINTR || rc == LG_ENOMEM)
            return rc;
        if (rc < 0) {
            worst = rc;
            stats->files_failed++;
            if (file_error != NULL)
                file_error(r->scan->sink->user, opt->paths[i], &err);
        }
    }
    return worst;
}

/* --- start and end ------------------------------------------------------------------------------- */

static int owning_init(struct owning *o, struct scan *s, uint32_t index)
{
    struct lg_window_options w = s->opt->window;
    int rc;

    o->scan = s;
    o->index = index;
    w.max_total_bytes /= s->workers;
    rc = lg_queue_new(s->order.slots_n, &o->in);
    return rc == 0 ? lg_windows_new(&w, on_window, o, &o->windows) : rc;
}

static void owning_done(struct owning *o)
{
    lg_windows_free(o->windows);
    lg_queue_free(o->in);
}

static int normalizing_init(struct normalizing *n, struct scan *s, struct lg_queue **owners)
{
    int rc;

    n->scan = s;
    n->owners = owners;
    n->parcels = lg_calloc(s->workers, sizeof(struct parcel *));
    n->sizes = lg_calloc(s->workers, sizeof(*n->sizes));
    rc = n->parcels != NULL && n->sizes != NULL ? lg_queue_new(s->order.slots_n, &n->in)
                                                : LG_ENOMEM;
    return rc == 0 ? lg_normalizer_new(&n->nz) : rc;
}

static void normalizing_done(struct normalizing *n)
{
    lg_norm_stream_free(n->stream);
    lg_normalizer_free(n->nz);
    lg_queue_free(n->in);
    lg_free(n->parcels);
    lg_free(n->sizes);
}

static void add_stats(struct lg_scan_stats *to, const struct lg_scan_stats *from)
{
    to->records += from->records;
    to->events += from->events;
    to->skipped += from->skipped;
    for (int i = 0; i < LG_DEAD_REASON_COUNT; i++)
        to->dead[i] += from->dead[i];
}

static void add_window_stats(struct lg_window_stats *to, const struct owning *o)
{
    struct lg_window_stats w;

    lg_windows_stats(o->windows, &w);
    to->events += w.events;
    to->late_entered += w.late_entered;
    to->late_dropped += w.late_dropped;
    to->duplicates += w.duplicates;
    to->windows += w.windows;
    to->early_flushes += w.early_flushes;
    to->peak_bytes += w.peak_bytes;
    to->endpoints += o->endpoints;
}

/* Threads start when everything stands, so that a failure before needs no unwinding of them. */
static int run_threads(struct scan *s, struct normalizing *n, struct owning *o,
        struct lg_norm_stream_options *streams,
        void (*file_error)(void *, const char *, const struct lg_err *),
        struct lg_scan_stats *stats)
{
    struct reading r = {.scan = s, .normalizing = n};
    uint32_t started_n = 0, started_o = 0;
    int rc = lg_judges_start(s->judges);

    while (rc == 0 && started_o < s->workers &&
            pthread_create(&o[started_o].thread, NULL, own_thread, &o[started_o]) == 0)
        started_o++;
    while (started_o == s->workers && started_n < s->workers &&
            pthread_create(&n[started_n].thread, NULL, normalize_thread, &n[started_n]) == 0)
        started_n++;
    if (started_n < s->workers)
        lg_order_fail(&s->order, LG_EIO);
    else if ((rc = lg_normalizer_new(&r.nz)) < 0)
        lg_order_fail(&s->order, rc);
    else
        rc = read_files(&r, streams, file_error, stats);
    lg_normalizer_free(r.nz);
    for (uint32_t i = 0; i < started_n; i++)
        lg_queue_close(n[i].in);
    for (uint32_t i = 0; i < started_n; i++)
        (void)pthread_join(n[i].thread, NULL);
    for (uint32_t i = 0; i < started_o; i++)
        lg_queue_close(o[i].in);
    for (uint32_t i = 0; i < started_o; i++)
        (void)pthread_join(o[i].thread, NULL);
    lg_judges_end(s->judges, stats);
    return s->order.rc < 0 ? s->order.rc : rc;
}

static uint32_t workers_of(const struct lg_scan_options *opt)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t n = opt->workers;

    if (n == 0)
        n = cpus < 1 ? 1 : (uint32_t)cpus;
    return n < MAX_WORKERS ? n : MAX_WORKERS;
}

int lg_scan_run(const struct lg_scan_options *opt, const struct lg_scan_sink *sink,
        void (*file_error)(void *user, const char *path, const struct lg_err *err),
        struct lg_scan_stats *ret, struct lg_err *reterr)
{
    struct scan s = {.opt = opt, .sink = sink, .workers = workers_of(opt)};
    LG_CLEANUP(lg_cleanup_free) struct normalizing *n = NULL;
    LG_CLEANUP(lg_cleanup_free) struct owning *o = NULL;
    LG_CLEANUP(lg_cleanup_free) struct lg_queue **owners = NULL;
    LG_CLEANUP(lg_cleanup_free) struct lg_norm_stream_options *streams = NULL;
    int rc;

    memset(ret, 0, sizeof(*ret));
    n = lg_calloc(s.workers, sizeof(*n));
    o = lg_calloc(s.workers, sizeof(*o));
    owners = lg_calloc(s.workers, sizeof(struct lg_queue *));
    streams = lg_calloc(opt->n_paths + 1, sizeof(*streams));
    rc = lg_order_init(&s.order, s.workers, s.workers * IN_FLIGHT + 2, sink->output, sink->user);
    if (n == NULL || o == NULL || owners == NULL || streams == NULL)
        rc = LG_ENOMEM;
    if (rc == 0)
        rc = lg_judges_new(opt, sink, &s.order, &s.judges);
    for (uint32_t i = 0; i < s.workers && rc == 0; i++) {
        rc = owning_init(&o[i], &s, i);
        owners[i] = o[i].in;
    }
    for (uint32_t i = 0; i < s.workers && rc == 0; i++)
        rc = normalizing_init(&n[i], &s, owners);
    if (rc == 0)
        rc = run_threads(&s, n, o, streams, file_error, ret);
    for (uint32_t i = 0; i < s.workers && n != NULL && o != NULL; i++) {
        add_stats(ret, &n[i].stats);
        if (o[i].windows != NULL)
            add_window_stats(&ret->window, &o[i]);
        normalizing_done(&n[i]);
        owning_done(&o[i]);
    }
    lg_judges_free(s.judges);
    lg_order_done(&s.order);
    return rc < 0 ? lg_err_set(reterr, rc, "scan: %s", lg_err_name(rc)) : 0;
}
