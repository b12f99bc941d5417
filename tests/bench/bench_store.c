/*
 * The SQLite stores, as JSON lines {"name", "value", "unit"}:
 *
 *   store_event_insert      events a second, written in batches of 8,192 by one thread
 *   store_event_bytes       bytes on disk for each event, index and bodies
 *   store_event_raw_bytes   mean size of the raw records
 *   store_event_search_*    median and slowest page of 50, over filters
 *   store_tree              process tree of 10,000 nodes
 *   store_alert_apply       new alerts a second, in batches of 4,000
 *   store_alert_first       a list that filters, the first after a start: by the file's indices
 *   store_alert_load        until the columns in memory are there
 *   store_alert_columns     bytes that they take for each alert
 *   store_alert_list_p99    page of 50 alerts over 200 generated filters and sorts at random depth,
 *                           as seen by principals of one tenant; _p50, _max, and processor time
 *                           (_cpu_*) beside it; "worst" names the slowest mix by processor time
 *   store_alert_all_p99     the same over all tenants
 *   store_alert_patch_p99   a transition
 *
 * bench_store [--alerts N] [--tenants N] [--events N] [--dir DIR]
 *             [--block EVENTS] [--level N] [capture ...]
 * Defaults: 200,000 alerts in 20 tenants (make soak: 1,000,000); 400,000 events of 500 endpoints,
 * cut in turn from the captures of LOGSTER_DATA (without it: from those in tests/data), none over
 * 8 KB.
 */
#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "access/scope.h"
#include "base/mem.h"
#include "capture/capture.h"
#include "event/codec.h"
#include "store/alert_store.h"
#include "store/event_store.h"
#include "store/sqlite_alert_int.h"

static double now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void must(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_store: %s: %s\n", what, lg_err_name(rc));
    exit(1);
}

static void print(const char *name, double v, const char *unit)
{
    printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}\n", name, v, unit);
    (void)fflush(stdout);
}

static double cpu_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void percentiles(const char *name, double *v, size_t n)
{
    char text[100];

    qsort(v, n, sizeof(*v), by_value);
    (void)snprintf(text, sizeof(text), "%s_p50", name);
    print(text, v[n / 2] * 1e3, "ms");
    (void)snprintf(text, sizeof(text), "%s_p99", name);
    print(text, v[n * 99 / 100] * 1e3, "ms");
    (void)snprintf(text, sizeof(text), "%s_max", name);
    print(text, v[n - 1] * 1e3, "ms");
}

static struct lg_scope *scope_of(struct lg_str tenant)
{
    struct lg_principal *pr = NULL;
    struct lg_scope *sc = NULL;

    must(lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("bench"), LG_STR("bench"), &pr), "principal");
    must(lg_principal_grant(pr, tenant, LG_ROLES_TENANT), "grant");
    must(lg_scope_new(pr, LG_ACT_ALERT_READ, &sc), "scope");
    lg_principal_unref(pr);
    return sc;
}

/* ---- events ---- */

struct kept {
    struct lg_event ev;
    struct lg_str json;
};
#define MAX_CAPTURES 64
#define KEEP 3000 /* events of a capture */
#define MAX_RAW 8192
struct corpus {
    struct lg_arena a;
    LG_VEC(struct kept) v;
    size_t first[MAX_CAPTURES + 1]; /* of each capture's events; the last: their end */
    unsigned captures;
};

static int keep_str(struct corpus *c, struct lg_str *s)
{
    return s->n == 0 ? 0 : lg_arena_dup(&c->a, *s, s);
}

static int on_event(void *user, const struct lg_event *ev)
{
    struct corpus *c = user;
    struct kept k = {.ev = *ev};

    if (ev->raw.n > MAX_RAW || c->v.n - c->first[c->captures] >= KEEP)
        return 0;
    must(keep_str(c, &k.ev.tenant_id), "memory");
    must(keep_str(c, &k.ev.hostname), "memory");
    must(keep_str(c, &k.ev.endpoint_id), "memory");
    must(keep_str(c, &k.ev.raw), "memory");
    must(keep_str(c, &k.ev.format), "memory");
    for (int f = 0; f < LG_FIELD_COUNT; f++)
        if (lg_event_has(ev, (enum lg_field)f) && lg_fields[f].type == LG_FIELD_STR)
            must(keep_str(c, &k.ev.v[f].s), "memory");
    return lg_vec_push(&c->v, k);
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    (void)user;
    (void)dl;
    return 0;
}

static void load(struct corpus *c, const char *path)
{
    const struct lg_norm_sink sink = {c, on_event, on_dead, NULL};
    struct lg_norm_stream_options opt = {.endpoint = LG_STR("host")};
    struct lg_capture_batch *b;
    struct lg_norm_stream *st;
    struct lg_normalizer *nz;
    struct lg_capture *cap;
    struct lg_err err;
    int rc = 0;

    if (c->captures == MAX_CAPTURES)
        return;
    must(lg_capture_open(path, NULL, &cap, &err), path);
    must(lg_capture_batch_new(&b), path);
    (void)lg_capture_header_offset(cap, &opt.header_offset_ns);
    must(lg_normalizer_new(&nz), path);
    must(lg_norm_stream_new(&opt, &st), path);
    while (c->v.n - c->first[c->captures] < KEEP && (rc = lg_capture_next(cap, b, &err)) == 1)
        for (size_t i = 0; i < b->records.n; i++)
            must(lg_normalizer_record(
                         nz, st, lg_capture_record_str(b, i), true, b->records.v[i].pos, &sink),
                    path);
    must(rc, path);
    must(lg_normalizer_flush(nz, st, &sink), path);
    lg_norm_stream_free(st);
    lg_normalizer_free(nz);
    lg_capture_batch_free(b);
    lg_capture_close(cap);
    if (c->v.n > c->first[c->captures])
        c->first[++c->captures] = c->v.n;
}

/* Some of the folder's captures, spread over it. */
static void load_folder(struct corpus *c, const char *data)
{
    char pattern[4096];
    glob_t g;

    (void)snprintf(pattern, sizeof(pattern), "%s/windows/*/*.zst", data);
    if (glob(pattern, 0, NULL, &g) != 0)
        must(LG_ENOENT, pattern);
    for (size_t i = 0; i < 40 && i < g.gl_pathc; i++)
        load(c, g.gl_pathv[i * g.gl_pathc / 40 % g.gl_pathc]);
    globfree(&g);
}

#define BATCH 8192
#define ENDPOINTS 500
#define DAY0 (INT64_C(1700006400) * LG_NS_PER_SEC)

/* 500 hosts at 25,000 events a second of event time; each repeats one capture. */
static void write_events(struct lg_event_store *st, struct corpus *c, uint64_t want)
{
    static struct lg_event_put puts[BATCH];
    static struct lg_event evs[BATCH];
    double insert = 0, cpu = 0, raw = 0;
    struct lg_arena a;
    struct lg_buf line;
    uint64_t done = 0;

    lg_arena_init(&a, (size_t)1 << 30);
    lg_buf_init(&line, 4u << 20);
    while (done < want) {
        struct lg_err err;
        double t0, c0;
        size_t n = 0;

        for (; n < BATCH && done < want; n++, done++) {
            unsigned host_no = (unsigned)(done % ENDPOINTS), from = host_no % c->captures;
            size_t cut = c->first[from + 1] - c->first[from];
            const struct kept *k = &c->v.v[c->first[from] + (done / ENDPOINTS + host_no) % cut];
            struct lg_event *ev = &evs[n];
            char host[64];
            struct lg_str id = lg_str_of((const char *)&done, sizeof(done));

            raw += (double)k->ev.raw.n;
            *ev = k->ev;
            (void)snprintf(host, sizeof(host), "host-%u", host_no);
            must(lg_arena_dup(&a, lg_str_z(host), &ev->endpoint_id), "memory");
            ev->tenant_id = LG_STR("a");
            ev->time_ns = ev->claimed_time_ns = DAY0 + (int64_t)done * 40000;
            lg_event_make_id(ev, &id, 1);
            lg_buf_clear(&line);
            lg_event_write(ev, &line);
            puts[n] = (struct lg_event_put){.ev = ev, .received_at = ev->time_ns + LG_NS_PER_SEC};
            must(lg_arena_dup(&a, lg_buf_str(&line), &puts[n].json), "memory");
        }
        t0 = now_s();
        c0 = cpu_s();
        must(st->ops->write(st, puts, n, NULL, 0, &err), "write");
        insert += now_s() - t0;
        cpu += cpu_s() - c0;
        lg_arena_clear(&a);
    }
    print("store_event_insert", (double)want / insert, "events/s");
    print("store_event_captures", c->captures, "captures");
    print("store_event_raw_bytes", raw / (double)want, "bytes/event");
    print("store_event_insert_cpu", cpu / (double)want * 1e6, "us/event");
    lg_buf_done(&line);
    lg_arena_done(&a);
}

static void search_events(struct lg_event_store *st, const struct lg_scope *sc)
{
    static const struct {
        const char *name;
        struct lg_event_query q;
    } cases[] = {{"newest", {.limit = 50}}, {"image", {.limit = 50, .image = {"reg.exe", 7}}},
            {"type", {.limit = 50, .types = {UINT64_C(1) << LG_EVENT_DNS_QUERY}}},
            {"text", {.limit = 50, .text = {"powershell", 10}}},
            {"text_nothing", {.limit = 50, .text = {"no such thing", 13}}},
            {"hash_nothing", {.limit = 50, .hash = {"ffff", 4}}}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct lg_event_page p;
        struct lg_arena a;
        char name[64];
        double t0;

        lg_arena_init(&a, 64u << 20);
        t0 = now_s();
        must(st->ops->event_search(st, sc, &cases[i].q, &a, &p), cases[i].name);
        (void)snprintf(name, sizeof(name), "store_event_search_%s", cases[i].name);
        print(name, (now_s() - t0) * 1e3, "ms");
        lg_arena_done(&a);
    }
}

/* 10,000 processes of one host in ten minutes, each the child of one before. */
static void tree(struct lg_event_store *st, const struct lg_scope *sc)
{
    struct lg_tree_query q = {.tenant = LG_STR("a"),
            .endpoint = LG_STR("busy"),
            .from = DAY0 + 2 * 86400 * LG_NS_PER_SEC,
            .to = DAY0 + 3 * 86400 * LG_NS_PER_SEC,
            .max_nodes = 10000};
    static struct lg_event_put puts[10000];
    static struct lg_event evs[10000];
    static char guids[10000][16];
    double best = 1e9, best_cpu = 1e9;
    struct lg_arena a;
    struct lg_buf line;
    struct lg_err err;
    uint64_t rnd = 1;

    lg_arena_init(&a, 256u << 20);
    lg_buf_init(&line, 1u << 20);
    for (unsigned i = 0; i < 10000; i++) {
        struct lg_event *ev = &evs[i];
        struct lg_str id = lg_str_of((const char *)&i, sizeof(i));
        unsigned parent = i == 0 ? 0 : (unsigned)(next_random(&rnd) % i);

        (void)snprintf(guids[i], sizeof(guids[i]), "p%u", i);
        ev->tenant_id = q.tenant;
        ev->endpoint_id = ev->hostname = q.endpoint;
        ev->type = LG_EVENT_PROCESS_CREATE;
        ev->time_ns = ev->claimed_time_ns = q.from + (int64_t)i * 60000000;
        ev->raw = LG_STR("{}");
        lg_event_set_str(ev, LG_F_PROCESS_GUID, lg_str_z(guids[i]));
        lg_event_set_str(ev, LG_F_IMAGE, LG_STR("C:\\Windows\\System32\\svchost.exe"));
        lg_event_set_str(ev, LG_F_COMMAND_LINE, LG_STR("svchost.exe -k netsvcs -p -s Schedule"));
        lg_event_set_u64(ev, LG_F_PROCESS_ID, i + 4);
        if (i > 0)
            lg_event_set_str(ev, LG_F_PARENT_PROCESS_GUID, lg_str_z(guids[parent]));
        lg_event_make_id(ev, &id, 1);
        lg_buf_clear(&line);
        lg_event_write(ev, &line);
        puts[i] = (struct lg_event_put){.ev = ev, .received_at = ev->time_ns};
        must(lg_arena_dup(&a, lg_buf_str(&line), &puts[i].json), "memory");
    }
    must(st->ops->write(st, puts, 10000, NULL, 0, &err), "write");
    for (int k = 0; k < 7; k++) {
        double t0 = now_s(), c0 = cpu_s(), t, cpu;
        struct lg_tree tr;

        must(st->ops->tree(st, sc, &q, &a, &tr), "tree");
        t = now_s() - t0;
        cpu = cpu_s() - c0;
        best = t < best ? t : best;
        best_cpu = cpu < best_cpu ? cpu : best_cpu;
        if (tr.n != 10000)
            must(LG_ECORRUPT, "tree has not all nodes");
    }
    print("store_tree", best * 1e3, "ms");
    print("store_tree_cpu", best_cpu * 1e3, "ms");
    lg_buf_done(&line);
    lg_arena_done(&a);
}

static struct lg_sqlite_event_options opt;

static void bench_events(const char *dir, struct corpus *c, uint64_t want)
{
    struct lg_scope *sc = scope_of(LG_STR("a"));
    struct lg_event_store *st;
    struct lg_store_stats stats;
    struct lg_store_fault fault;
    char path[4096];
    struct lg_err err;
    uint32_t n;
    double t0;

    (void)snprintf(path, sizeof(path), "%s/events", dir);
    opt.dir = path;
    must(lg_sqlite_event_store_open(&opt, &st, &err), err.text);
    write_events(st, c, want);
    lg_event_store_close(st); /* the log goes into the file */
    must(lg_sqlite_event_store_open(&opt, &st, &err), err.text);
    must(st->ops->stats(st, &stats), "stats");
    print("store_event_bytes", (double)stats.bytes / (double)want, "bytes/event");
    search_events(st, sc);
    tree(st, sc);
    t0 = now_s();
    must(st->ops->verify(st, &fault, 1, &n), "verify");
    print("store_event_verify", (double)want / (now_s() - t0), "events/s");
    if (n != 0)
        must(LG_ECORRUPT, fault.what);
    lg_event_store_close(st);
    lg_scope_free(sc);
}

/* ---- alerts ---- */

static const char *const techniques[] = {"T1003.001", "T1021.002", "T1027", "T1033", "T1047",
        "T1053.005", "T1055", "T1059.001", "T1059.003", "T1070.001", "T1082", "T1105", "T1112",
        "T1218.011", "T1486", "T1543.003", "T1547.001", "T1548.002", "T1562.001", "T1566.001"};
#define N_TECHNIQUES 20

struct shape { /* one alert to be */
    struct lg_inference in;
    struct lg_inference_evidence ev[3];
    struct lg_str tech[3];
    char tenant[24], host[24], guid[32], image[80], command[96];
};

/* In the order of time, as alerts come; a shape's times lie within an hour of its neighbours'. */
static void make_shape(struct shape *s, uint64_t i, uint64_t want, unsigned tenants, uint64_t *rnd)
{
    uint64_t r = next_random(rnd);
    unsigned first = (unsigned)(r % N_TECHNIQUES), n = 1 + (unsigned)(r >> 8) % 3;
    struct lg_inference *in = &s->in;

    memset(s, 0, sizeof(*s));
    (void)snprintf(s->tenant, sizeof(s->tenant), "tenant%u", (unsigned)(i % tenants));
    (void)snprintf(s->host, sizeof(s->host), "host%04u", (unsigned)(next_random(rnd) % 600));
    (void)snprintf(s->guid, sizeof(s->guid), "g%llu", (unsigned long long)i);
    (void)snprintf(s->image, sizeof(s->image), "C:\\Users\\u%u\\AppData\\tool%u.exe",
            (unsigned)(r >> 16) % 400, (unsigned)(r >> 30) % 5000);
    (void)snprintf(s->command, sizeof(s->command), "tool.exe --run %llx --fast",
            (unsigned long long)next_random(rnd));
    memcpy(in->inference_id.b, &i, sizeof(i));
    memcpy(in->inference_id.b + 8, &r, sizeof(r));
    in->tenant_id = lg_str_z(s->tenant);
    in->endpoint_id = in->hostname = lg_str_z(s->host);
    in->platform = LG_STR("windows");
    in->window_end = DAY0 +
            (int64_t)(i * (90 * 86400 - 3600) / want + next_random(rnd) % 3600) * LG_NS_PER_SEC;
    in->window_start = in->window_end - 180 * LG_NS_PER_SEC;
    in->last_event = in->window_end;
    in->received_at = in->window_end + (int64_t)(next_random(rnd) % 90) * LG_NS_PER_SEC;
    in->prediction = LG_INFERENCE_ATTACK;
    in->has_prob = in->has_severity = true;
    in->attack_prob = 0.5 + (double)(next_random(rnd) % 5000) / 10001;
    in->severity = (enum lg_severity)(r >> 40 & 3);
    in->events = 100;
    for (unsigned k = 0; k < n; k++) {
        s->tech[k] = lg_str_z(techniques[first + k < N_TECHNIQUES ? first + k : first]);
        in->n_techniques += first + k < N_TECHNIQUES;
    }
    in->techniques = s->tech;
    in->evidence = s->ev;
    in->n_evidence = 3;
    for (unsigned k = 0; k < 3; k++)
        s->ev[k] = (struct lg_inference_evidence){.node = k,
                .parent = (int64_t)k - 1,
                .type = k == 0 ? LG_STR("process") : LG_STR("file"),
                .name = k == 0 ? lg_str_z(s->image) : LG_STR("C:\\Windows\\Temp\\x.dmp"),
                .command_line = lg_str_z(s->command),
                .process_guid = lg_str_z(s->guid),
                .user = LG_STR("CORP\\someone"),
                .pid = 4242,
                .first_seen = in->window_start,
                .share = 0.3,
                .techniques = s->tech,
                .n_techniques = 1};
}

#define FILL_BATCH 4000
static void fill_alerts(struct lg_alert_store *st, uint64_t want, unsigned tenants)
{
    static struct shape shapes[FILL_BATCH];
    static struct lg_apply items[FILL_BATCH];
    double t0 = now_s(), c0 = cpu_s();
    struct lg_outbox_row *rows;
    struct lg_arena a;
    struct lg_err err;
    uint64_t done = 0, rnd = 5;

    lg_arena_init(&a, 64u << 20);
    while (done < want) {
        size_t n = 0;
        uint32_t got;

        for (; n < FILL_BATCH && done < want; n++, done++) {
            make_shape(&shapes[n], done, want, tenants, &rnd);
            items[n].in = &shapes[n].in;
        }
        must(st->ops->apply(st, items, n, 1800 * LG_NS_PER_SEC,
                     DAY0 + (int64_t)done * LG_NS_PER_SEC, &err),
                "apply");
        must(st->ops->outbox_read(st, 0, 1, &a, &rows, &got), "outbox");
        must(st->ops->outbox_ack(st, UINT64_MAX), "ack");
        lg_arena_clear(&a);
    }
    print("store_alert_apply", (double)want / (now_s() - t0), "alerts/s");
    print("store_alert_apply_cpu", (cpu_s() - c0) / (double)want * 1e6, "us/alert");
    lg_arena_done(&a);
}

static struct lg_alert_query any_query(uint64_t *rnd, char host[24], char text[24])
{
    struct lg_alert_query q = {.limit = 50,
            .sort = (enum lg_alert_sort)(next_random(rnd) % LG_ALERT_SORT_COUNT),
            .ascending = next_random(rnd) % 2};
    int64_t day = (int64_t)(next_random(rnd) % 90) * 86400 * LG_NS_PER_SEC;

    if (next_random(rnd) % 3 == 0)
        q.statuses = 1u + (unsigned)(next_random(rnd) % 31);
    if (next_random(rnd) % 3 == 0)
        q.severities = 1u + (unsigned)(next_random(rnd) % 15);
    if (next_random(rnd) % 5 == 0)
        q.technique = lg_str_z(techniques[next_random(rnd) % N_TECHNIQUES]);
    if (next_random(rnd) % 5 == 0) {
        (void)snprintf(host, 24, "host%04u", (unsigned)(next_random(rnd) % 620));
        q.endpoint = lg_str_z(host);
    }
    if (next_random(rnd) % 4 == 0) {
        q.from = DAY0 + day;
        q.to = q.from + (1 + (int64_t)(next_random(rnd) % 20)) * 86400 * LG_NS_PER_SEC;
    }
    if (next_random(rnd) % 6 == 0)
        q.received_from = DAY0 + day;
    if (next_random(rnd) % 6 == 0) {
        (void)snprintf(text, 24, "TOOL%u", (unsigned)(next_random(rnd) % 5000));
        q.text = lg_str_z(text);
    }
    return q;
}

/* A mix by name: "status=5 endpoint from sort=severity asc". */
static void describe(const struct lg_alert_query *q, unsigned page, char *out, size_t size)
{
    struct lg_buf b;

    lg_buf_init(&b, size);
    if (q->statuses != 0)
        lg_buf_printf(&b, "statuses=%x ", q->statuses);
    if (q->severities != 0)
        lg_buf_printf(&b, "severities=%x ", q->severities);
    if (q->technique.n > 0)
        lg_buf_printf(&b, "technique=%.*s ", LG_STR_FMT(q->technique));
    if (q->endpoint.n > 0)
        lg_buf_printf(&b, "endpoint=%.*s ", LG_STR_FMT(q->endpoint));
    if (q->from != 0)
        lg_buf_printf(&b, "days=%d ", (int)((q->to - q->from) / LG_NS_PER_SEC / 86400));
    if (q->received_from != 0)
        lg_buf_adds(&b, LG_STR("received "));
    if (q->text.n > 0)
        lg_buf_printf(&b, "q=%.*s ", LG_STR_FMT(q->text));
    lg_buf_printf(&b, "sort=%s %s page=%u", lg_alert_sort_name(q->sort),
            q->ascending ? "asc" : "desc", page);
    (void)snprintf(out, size, "%.*s", LG_STR_FMT(lg_buf_str(&b)));
    lg_buf_done(&b);
}

/* Each mix is followed by cursors to a random depth; every page is timed. */
static void list_alerts(
        struct lg_alert_store *st, const struct lg_scope *sc, int mixes, const char *name)
{
    static double wall[20000], cpu[20000];
    struct lg_arena a;
    uint64_t rnd = 77;
    char host[24], text[24], label[64], worst[300] = "";
    double most = 0;
    size_t n = 0;

    lg_arena_init(&a, 64u << 20);
    for (int i = 0; i < mixes; i++) {
        struct lg_alert_query q = any_query(&rnd, host, text);
        unsigned depth = 1 + (unsigned)(next_random(&rnd) % 12);
        char cursor[512];

        for (unsigned page = 1; page <= depth && n < sizeof(wall) / sizeof(*wall); page++) {
            double t0 = now_s(), c0 = cpu_s();
            struct lg_alert_page p;

            must(st->ops->alert_list(st, sc, &q, &a, &p), "list");
            wall[n] = now_s() - t0;
            cpu[n] = cpu_s() - c0;
            if (cpu[n] > most) {
                most = cpu[n];
                describe(&q, page, worst, sizeof(worst));
            }
            n++;
            if (p.next_cursor.n == 0 || p.next_cursor.n >= sizeof(cursor))
                break;
            memcpy(cursor, p.next_cursor.p, p.next_cursor.n);
            q.cursor = lg_str_of(cursor, p.next_cursor.n);
            lg_arena_clear(&a);
        }
    }
    percentiles(name, wall, n);
    (void)snprintf(label, sizeof(label), "%s_cpu", name);
    percentiles(label, cpu, n);
    printf("{\"name\":\"%s_worst\",\"value\":%.6g,\"unit\":\"ms\",\"mix\":\"%s\"}\n", name,
            most * 1e3, worst);
    lg_arena_done(&a);
}

/* The first list that filters, and how long until all that follow have the columns. */
static void warm(struct lg_alert_store *st, const struct lg_scope *sc, uint64_t alerts)
{
    struct lg_alert_query q = {.limit = 50, .severities = 2};
    struct lg_sqlite_alerts *as = lg_alerts_of(st);
    struct lg_alert_page p;
    struct lg_arena a;
    double t0 = now_s(), c0 = cpu_s();

    lg_arena_init(&a, 64u << 20);
    must(st->ops->alert_list(st, sc, &q, &a, &p), "list");
    print("store_alert_first", (now_s() - t0) * 1e3, "ms");
    while (!lg_alert_index_ready(as))
        (void)usleep(1000);
    print("store_alert_load", now_s() - t0, "s");
    print("store_alert_load_cpu", cpu_s() - c0, "s");
    must(st->ops->alert_list(st, sc, &q, &a, &p), "list");
    print("store_alert_columns", (double)lg_alert_columns_bytes(as->index.columns) / (double)alerts,
            "bytes/alert");
    lg_arena_done(&a);
}

static void patch_alerts(struct lg_alert_store *st, const struct lg_scope *sc)
{
    static double wall[1000];
    struct lg_alert_query q = {.limit = 1000};
    struct lg_alert_page p;
    struct lg_arena a;

    lg_arena_init(&a, 256u << 20);
    must(st->ops->alert_list(st, sc, &q, &a, &p), "list");
    for (uint32_t i = 0; i < p.n; i++) {
        struct lg_alert_patch patch = {.has_status = true,
                .status = p.alerts[i].status == LG_ALERT_ACKNOWLEDGED ? LG_ALERT_INVESTIGATING
                                                                      : LG_ALERT_ACKNOWLEDGED,
                .actor = LG_STR("bench"),
                .now = DAY0 + i};
        double t0 = now_s();
        struct lg_alert al;
        unsigned steps;

        must(st->ops->alert_patch(st, sc, &p.alerts[i].alert_id, &patch, &a, &al, &steps), "patch");
        wall[i] = now_s() - t0;
    }
    percentiles("store_alert_patch", wall, p.n);
    lg_arena_done(&a);
}

static void bench_alerts(const char *dir, uint64_t want, unsigned tenants)
{
    struct lg_scope *one = scope_of(LG_STR("tenant0")), *all = scope_of(LG_STR("*"));
    struct lg_alert_store *st;
    struct lg_err err;
    char path[4096];
    struct stat sb;

    (void)snprintf(path, sizeof(path), "%s/alerts.db", dir);
    if (stat(path, &sb) < 0) { /* --dir may name what an earlier run left */
        must(lg_sqlite_alert_store_open(path, &st, &err), err.text);
        fill_alerts(st, want, tenants);
        lg_alert_store_close(st);
    }
    must(lg_sqlite_alert_store_open(path, &st, &err), err.text);
    if (stat(path, &sb) == 0)
        print("store_alert_bytes", (double)sb.st_size / (double)want, "bytes/alert");
    warm(st, all, want);
    list_alerts(st, one, 200, "store_alert_list");
    list_alerts(st, all, 200, "store_alert_all");
    patch_alerts(st, one);
    lg_alert_store_close(st);
    lg_scope_free(one);
    lg_scope_free(all);
}

static void remove_folder(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[4600];

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        (void)snprintf(path, sizeof(path), "%.4000s/%s", dir, e->d_name);
        if (e->d_type == DT_DIR)
            remove_folder(path);
        else
            (void)unlink(path);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(dir);
}

int main(int argc, char **argv)
{
    static const char *const own[] = {"empire_reg_dump_sam_2019-06-25133822.ndjson.zst",
            "busy_logons_hfdc01_2019-05-18.ndjson.zst"};
    uint64_t alerts = 200000, events = 400000;
    unsigned tenants = 20;
    struct corpus c = {0};
    char dir[4096] = LG_BINARY_DIR "/bench-store-XXXXXX";
    bool keep = false, none;
    int at = 1;

    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        uint64_t v = strtoull(argv[at + 1], NULL, 10);

        if (strcmp(argv[at], "--alerts") == 0)
            alerts = v;
        else if (strcmp(argv[at], "--events") == 0)
            events = v;
        else if (strcmp(argv[at], "--tenants") == 0)
            tenants = (unsigned)v;
        else if (strcmp(argv[at], "--block") == 0)
            opt.block_events = (uint32_t)v;
        else if (strcmp(argv[at], "--level") == 0)
            opt.zstd_level = (int)v;
        else if (strcmp(argv[at], "--dir") == 0) {
            (void)snprintf(dir, sizeof(dir), "%s", argv[at + 1]);
            keep = true;
        }
    }
    if (!keep && mkdtemp(dir) == NULL)
        must(LG_EIO, dir);
    lg_arena_init(&c.a, (size_t)2 << 30);
    if (events > 0) {
        for (int i = at; i < argc; i++)
            load(&c, argv[i]);
        if (at == argc && getenv("LOGSTER_DATA") != NULL)
            load_folder(&c, getenv("LOGSTER_DATA"));
        none = c.captures == 0;
        for (size_t i = 0; none && i < sizeof(own) / sizeof(*own); i++) {
            char path[4096];

            (void)snprintf(path, sizeof(path), "%s/tests/data/captures/%s", LG_SOURCE_DIR, own[i]);
            load(&c, path);
        }
        bench_events(dir, &c, events);
    }
    lg_vec_done(&c.v);
    lg_arena_done(&c.a);
    if (alerts > 0)
        bench_alerts(dir, alerts, tenants > 0 ? tenants : 1);
    if (!keep)
        remove_folder(dir);
    return 0;
}
