/*
 * The alert store and what verdicts add up to, as JSON lines {"name", "value", "unit"}:
 *
 *   store_inference_insert  verdicts a second (600 endpoints in each of 20 tenants, 3 days)
 *   store_summary, store_hosts, store_timeline, store_techniques, store_endpoints
 *                           over 24 hours of them, endpoints over all; processor time
 *   store_alert_apply       new alerts a second, in batches of 4,000
 *   store_alert_first       a list that filters, the first after a start: by the file's indices
 *   store_alert_load        until the columns in memory are there
 *   store_alert_columns     bytes that they take for each alert
 *   store_alert_list_p99    page of 50 alerts over 200 generated filters and sorts at random depth,
 *                           as seen by principals of one tenant; _p50, _max, and processor time
 *                           (_cpu_*) beside it; _worst names the slowest mix by processor time
 *   store_alert_all_p99     the same over all tenants
 *   store_alert_endpoints   counts of alerts of each endpoint, over all tenants; processor time
 *   store_alert_patch_p99   a transition
 *
 * bench_alerts [--alerts N] [--tenants N] [--inferences N] [--dir DIR]
 * Defaults: 200,000 alerts in 20 tenants (make soak: 1,000,000), 300,000 verdicts. --dir may name
 * what an earlier run left there.
 */
#include <sys/stat.h>

#include "store/alert_store.h"
#include "store/event_store.h"
#include "store/sqlite_alert_int.h"
#include "store_bench.h"

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

static void count_endpoints(struct lg_alert_store *st, const struct lg_scope *sc)
{
    struct lg_endpoint_alerts *found;
    struct lg_arena a;
    double c0;
    uint32_t n;

    lg_arena_init(&a, 64u << 20);
    c0 = cpu_s();
    must(st->ops->endpoints(st, sc, LG_STR(""), &a, &found, &n), "endpoints");
    print("store_alert_endpoints", (cpu_s() - c0) * 1e3, "ms");
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
    count_endpoints(st, all);
    patch_alerts(st, one);
    lg_alert_store_close(st);
    lg_scope_free(one);
    lg_scope_free(all);
}

/* ---- what verdicts add up to ---- */

static void fill_inferences(struct lg_event_store *st, uint64_t want, unsigned tenants)
{
    static struct shape shapes[FILL_BATCH];
    static struct lg_inference_put puts[FILL_BATCH];
    double t0 = now_s(), c0 = cpu_s();
    uint64_t done = 0, rnd = 5;

    while (done < want) {
        struct lg_err err;
        size_t n = 0;

        for (; n < FILL_BATCH && done < want; n++, done++) {
            struct lg_inference *in = &shapes[n].in;

            make_shape(&shapes[n], done, want, tenants, &rnd);
            in->window_end = DAY0 + (int64_t)(done * (3 * 86400) / want / 60 * 60) * LG_NS_PER_SEC;
            in->window_start = in->window_end - 180 * LG_NS_PER_SEC;
            if (done % 100 != 0) {
                in->prediction = LG_INFERENCE_BENIGN;
                in->attack_prob = 1 - in->attack_prob;
                in->n_evidence = in->n_techniques = 0;
                in->has_severity = false;
            }
            in->confidence = 0.9;
            puts[n] = (struct lg_inference_put){.in = in};
        }
        must(st->ops->write(st, NULL, 0, puts, n, &err), "write");
    }
    print("store_inference_insert", (double)want / (now_s() - t0), "verdicts/s");
    print("store_inference_insert_cpu", (cpu_s() - c0) / (double)want * 1e6, "us/verdict");
}

static void figure(struct lg_event_store *st, const struct lg_scope *sc, int what,
        const struct lg_range_query *q, const char *name)
{
    double best = 1e9;

    for (int i = 0; i < 5; i++) {
        struct lg_technique_count *found;
        struct lg_time_bucket *buckets;
        struct lg_host_row *hosts;
        struct lg_summary s;
        struct lg_arena a;
        double c0 = cpu_s();
        uint32_t n;

        lg_arena_init(&a, 64u << 20);
        must(what == 0              ? st->ops->summary(st, sc, q, &s)
                        : what == 1 ? st->ops->hosts(st, sc, q, &a, &hosts, &n)
                        : what == 2 ? st->ops->timeline(st, sc, q, 120, &a, &buckets, &n)
                                    : st->ops->techniques(st, sc, q, &a, &found, &n),
                name);
        best = cpu_s() - c0 < best ? cpu_s() - c0 : best;
        lg_arena_done(&a);
    }
    print(name, best * 1e3, "ms");
}

static void bench_inferences(const char *dir, uint64_t want, unsigned tenants)
{
    const struct lg_range_query day = {
            .from = DAY0 + 2 * 86400 * LG_NS_PER_SEC - 1800 * LG_NS_PER_SEC,
            .to = DAY0 + 3 * 86400 * LG_NS_PER_SEC - 1800 * LG_NS_PER_SEC};
    const struct lg_range_query all = {0};
    struct lg_scope *sc = scope_of(LG_STR("*"));
    struct lg_event_store *st;
    char path[4096];
    const struct lg_sqlite_event_options opt = {.dir = path};
    struct lg_err err;
    struct stat sb;
    bool there;

    (void)snprintf(path, sizeof(path), "%s/verdicts", dir);
    there = stat(path, &sb) == 0;
    must(lg_sqlite_event_store_open(&opt, &st, &err), err.text);
    if (!there)
        fill_inferences(st, want, tenants);
    figure(st, sc, 0, &day, "store_summary");
    figure(st, sc, 1, &day, "store_hosts");
    figure(st, sc, 2, &day, "store_timeline");
    figure(st, sc, 3, &day, "store_techniques");
    figure(st, sc, 1, &all, "store_endpoints");
    lg_event_store_close(st);
    lg_scope_free(sc);
}

int main(int argc, char **argv)
{
    uint64_t alerts = 200000, inferences = 300000;
    unsigned tenants = 20;
    char dir[4096] = LG_BINARY_DIR "/bench-alerts-XXXXXX";
    bool keep = false;

    for (int at = 1; at + 1 < argc; at += 2) {
        uint64_t v = strtoull(argv[at + 1], NULL, 10);

        if (strcmp(argv[at], "--alerts") == 0)
            alerts = v;
        else if (strcmp(argv[at], "--inferences") == 0)
            inferences = v;
        else if (strcmp(argv[at], "--tenants") == 0)
            tenants = v > 0 ? (unsigned)v : 1;
        else if (strcmp(argv[at], "--dir") == 0) {
            (void)snprintf(dir, sizeof(dir), "%s", argv[at + 1]);
            keep = true;
        }
    }
    if (!keep && mkdtemp(dir) == NULL)
        must(LG_EIO, dir);
    if (inferences > 0)
        bench_inferences(dir, inferences, tenants);
    if (alerts > 0)
        bench_alerts(dir, alerts, tenants);
    if (!keep)
        remove_folder(dir);
    return 0;
}
