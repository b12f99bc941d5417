/*
 * The embedded bus, as JSON lines {"name", "value", "unit"}:
 *
 *   bus_publish_durable   records/s acknowledged after fsync, several publishers at once
 *   bus_publish_bytes     the same in bytes before compression
 *   bus_publish_cpu       processor time a record, all threads
 *   bus_disk              bytes in the bus folder a record, log of writes and all
 *   bus_consume           records/s through one consumer, decompressed and decoded
 *   bus_stage             records/s polled and published again with their commits, one thread
 *   bus_fdatasync         what the disk itself does with 64 KiB appends a sync
 *
 *   bench_bus [--publishers N] [--batch N] [--seconds S] [--dir DIR] [CAPTURE.ndjson...]
 *
 * Records are lines of the captures (default: a synthetic Winlogbeat event of 2.1 KB whose fields
 * vary), keyed by one of 200 endpoints.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/parse.h"
#include "base/vec.h"
#include "bus/bus.h"

#define MAX_BYTES ((size_t)64 << 20)
#define PARTITIONS 8
#define ENDPOINTS 200
#define MAX_PUBLISHERS 64

static struct lg_buf text;
static LG_VEC(struct lg_str) lines; /* p is an offset until all are read */
static char keys[ENDPOINTS][32];
static struct lg_bus *bus;
static int topic, normalized;
static atomic_bool stop;
static _Atomic uint64_t published;
static size_t batch = 500;

static double clock_s(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static double now_s(void)
{
    return clock_s(CLOCK_MONOTONIC);
}

static double cpu_s(void)
{
    return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static void must(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bench_bus: %s: %s\n", what, lg_err_name(rc));
    exit(1);
}

static void add_line(struct lg_str s)
{
    if (s.n == 0 || text.n + s.n > MAX_BYTES)
        return;
    must(lg_vec_push(&lines, lg_str_of((const char *)text.n, s.n)), "lines");
    lg_buf_adds(&text, s);
}

static void load(const char *path)
{
    static char line[1 << 20];
    FILE *f = fopen(path, "r");

    if (f == NULL)
        must(LG_ENOENT, path);
    while (fgets(line, sizeof(line), f) != NULL)
        add_line(lg_str_of(line, strcspn(line, "\n")));
    fclose(f);
}

static uint64_t mix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void synthesize(void)
{
    static const char *const images[] = {"svchost.exe", "lsass.exe", "powershell.exe", "chrome.exe",
            "MsMpEng.exe", "explorer.exe", "services.exe", "wmiprvse.exe"};
    struct lg_buf b;
    uint64_t rnd = 7;

    lg_buf_init(&b, 8192);
    for (int i = 0; i < 20000; i++) {
        uint64_t r = mix(&rnd);

        lg_buf_clear(&b);
        lg_buf_printf(&b,
                "{\"@timestamp\":\"2026-01-01T00:%02d:%02d.%03dZ\",\"winlog\":{\"provider_name\":"
                "\"Microsoft-Windows-Sysmon\",\"channel\":\"Microsoft-Windows-Sysmon/Operational\","
                "\"event_id\":%d,\"record_id\":%d,\"computer_name\":\"host%d.corp.example\","
                "\"event_data\":{\"ProcessGuid\":\"{%08x-%04x-%04x-%04x-%012llx}\",\"ProcessId\":"
                "\"%d\",\"Image\":\"C:\\\\Windows\\\\System32\\\\%s\",\"TargetObject\":\"HKLM\\\\"
                "System\\\\CurrentControlSet\\\\Services\\\\%x\\\\Parameters\",",
                i / 1200 % 60, i / 20 % 60, i % 1000, 10 + (int)(r % 4), i, (int)(r % ENDPOINTS),
                (unsigned)r, (unsigned)(r >> 32) & 0xffff, i & 0xffff, 7,
                (unsigned long long)(r & 0xffffffffffff), (int)(r >> 48), images[r >> 8 & 7],
                (unsigned)(r >> 20) & 0xfff);
        lg_buf_printf(&b, "\"CallTrace\":\"");
        while (b.n < 1900)
            lg_buf_printf(&b, "C:\\\\Windows\\\\SYSTEM32\\\\ntdll.dll+%x|",
                    (unsigned)(mix(&rnd) & 0xfffff));
        lg_buf_printf(&b,
                "\"}},\"host\":{\"name\":\"collector\"},\"agent\":{\"type\":\"winlogbeat\","
                "\"version\":\"7.17.0\",\"hostname\":\"collector\"},\"event\":{\"code\":%d,"
                "\"kind\":\"event\",\"provider\":\"Microsoft-Windows-Sysmon\"}}",
                10 + (int)(r % 4));
        add_line(lg_buf_str(&b));
    }
    lg_buf_done(&b);
}

static void *publish(void *arg)
{
    const struct lg_bus_header headers[] = {{LG_STR(LG_BUS_H_SCHEMA), LG_STR("raw/1")},
            {LG_STR(LG_BUS_H_TENANT), LG_STR("default")},
            {LG_STR(LG_BUS_H_PRINCIPAL), LG_STR("shipper-1")},
            {LG_STR(LG_BUS_H_SOURCE), LG_STR("winlogbeat")}};
    struct lg_bus_output *outs = calloc(batch, sizeof(*outs));
    size_t at = (size_t)arg * 7919;
    struct lg_err err;

    for (size_t round = 0; !atomic_load(&stop); round++) {
        for (size_t i = 0; i < batch; i++, at++) {
            const char *key = keys[(at / 16 * 31 + (size_t)arg) % ENDPOINTS];

            outs[i] = (struct lg_bus_output){topic, LG_BUS_BY_KEY,
                    {.key = lg_str_z(key),
                            .value = lines.v[at % lines.n],
                            .headers = headers,
                            .n_headers = 4}};
        }
        if (lg_bus_publish(bus, outs, batch, LG_BUS_DURABLE, &err) < 0)
            must(err.code, err.text);
        atomic_fetch_add(&published, batch);
    }
    free(outs);
    return NULL;
}

static void line_out(const char *name, double value, const char *unit, const char *more)
{
    printf("{\"name\":\"%s\",\"value\":%.4g,\"unit\":\"%s\"%s}\n", name, value, unit, more);
}

static void bench_publish(size_t publishers, double seconds)
{
    pthread_t threads[MAX_PUBLISHERS];
    struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    struct lg_bus_stats st;
    double t0 = now_s(), c0 = cpu_s(), n, bytes, took;
    char more[200];

    for (size_t i = 0; i < publishers; i++)
        pthread_create(&threads[i], NULL, publish, (void *)i);
    nanosleep(&pause, NULL);
    atomic_store(&stop, true);
    for (size_t i = 0; i < publishers; i++)
        pthread_join(threads[i], NULL);
    took = now_s() - t0;
    n = (double)atomic_load(&published);
    lg_bus_stats_get(bus, &st);
    bytes = (double)st.published_bytes;
    snprintf(more, sizeof(more),
            ",\"publishers\":%zu,\"batch\":%zu,\"syncs_per_s\":%.0f,\"mean_bytes\":%.0f",
            publishers, batch, (double)st.syncs / took, bytes / n);
    line_out("bus_publish_durable", n / took, "records/s", more);
    line_out("bus_publish_bytes", bytes / took / 1e6, "MB/s", "");
    line_out("bus_publish_cpu", (cpu_s() - c0) / n * 1e6, "us/record", "");
    snprintf(more, sizeof(more), ",\"blocks\":%.1f", (double)st.stored_bytes / n);
    line_out("bus_disk", (double)st.disk_bytes / n, "bytes/record", more);
}

static void bench_consume(void)
{
    const struct lg_bus_consumer_options opt = {
            .group = LG_STR("bench"), .topics = &topic, .n_topics = 1};
    struct lg_bus_consumer *c;
    struct lg_bus_batch *b;
    double t0 = now_s();
    uint64_t n = 0, sum = 0;

    must(lg_bus_consumer_new(bus, &opt, &c, NULL), "consumer");
    while (n < atomic_load(&published) && n < 2000000) {
        int rc = lg_bus_poll(c, 1000, &b, NULL);

        must(rc, "poll");
        if (rc == 0)
            continue;
        for (size_t i = 0; i < b->n; i++)
            sum += (uint8_t)b->records[i].value.p[0];
        n += b->n;
        lg_bus_batch_free(b);
    }
    line_out("bus_consume", (double)n / (now_s() - t0), "records/s", sum > 0 ? "" : ",\"bad\":1");
    lg_bus_consumer_close(c);
}

static void bench_stage(void)
{
    const struct lg_bus_consumer_options opt = {
            .group = LG_STR("stage"), .topics = &topic, .n_topics = 1};
    LG_VEC(struct lg_bus_output) outs = {0};
    struct lg_bus_consumer *c;
    struct lg_bus_batch *b;
    double t0 = now_s(), c0 = cpu_s();
    uint64_t n = 0;
    char more[80];

    must(lg_bus_consumer_new(bus, &opt, &c, NULL), "consumer");
    while (n < atomic_load(&published) && n < 1000000) {
        struct lg_bus_offset at;
        int rc = lg_bus_poll(c, 1000, &b, NULL);

        must(rc, "poll");
        if (rc == 0)
            continue;
        outs.n = 0;
        for (size_t i = 0; i < b->n; i++)
            must(lg_vec_push(
                         &outs, (struct lg_bus_output){normalized, LG_BUS_BY_KEY, b->records[i]}),
                    "memory");
        at = (struct lg_bus_offset){topic, b->partition, b->next_offset};
        must(lg_bus_publish_and_commit(c, outs.v, outs.n, &at, 1, 0, NULL), "commit");
        n += b->n;
        lg_bus_batch_free(b);
    }
    snprintf(more, sizeof(more), ",\"cpu_us\":%.2f", (cpu_s() - c0) / (double)n * 1e6);
    line_out("bus_stage", (double)n / (now_s() - t0), "records/s", more);
    lg_bus_consumer_close(c);
    lg_vec_done(&outs);
}

static void bench_disk(const char *dir)
{
    static char block[65536];
    char path[600];
    double t0;
    int fd, n = 0;

    snprintf(path, sizeof(path), "%s/probe", dir);
    fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    t0 = now_s();
    while (fd >= 0 && now_s() - t0 < 1) {
        if (write(fd, block, sizeof(block)) < 0 || fdatasync(fd) < 0)
            break;
        n++;
    }
    line_out("bus_fdatasync", n / (now_s() - t0), "syncs/s", "");
    close(fd);
    unlink(path);
}

static void remove_folder(const char *path)
{
    char child[1024];
    DIR *d = opendir(path);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            snprintf(child, sizeof(child), "%s/%s", path, e->d_name);
            if (unlink(child) < 0)
                remove_folder(child);
        }
    if (d != NULL)
        closedir(d);
    rmdir(path);
}

static void open_bus(const char *dir)
{
    char path[600];
    const struct lg_bus_embedded_options opt = {.path = path};
    const struct lg_bus_topic_spec raw = {.name = "sysmon-logs", .partitions = PARTITIONS};
    const struct lg_bus_topic_spec norm = {.name = "normalized", .partitions = PARTITIONS};
    struct lg_err err;

    snprintf(path, sizeof(path), "%s/bus", dir);
    if (lg_bus_open_embedded(&opt, &bus, &err) < 0)
        must(err.code, err.text);
    topic = lg_bus_topic_ensure(bus, &raw, NULL);
    normalized = lg_bus_topic_ensure(bus, &norm, NULL);
    must(topic, "topic");
    must(normalized, "topic");
}

int main(int argc, char **argv)
{
    const char *base = ".";
    double publishers = 8, seconds = 5, n;
    char dir[512];
    struct rusage ru;

    lg_buf_init(&text, MAX_BYTES);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            load(argv[i]);
        } else if (i + 1 < argc && strcmp(argv[i], "--dir") == 0) {
            base = argv[++i];
        } else if (i + 1 < argc && lg_parse_double(lg_str_z(argv[i + 1]), &n) == 0) {
            if (strcmp(argv[i], "--publishers") == 0)
                publishers = n;
            else if (strcmp(argv[i], "--batch") == 0)
                batch = (size_t)n;
            else
                seconds = n;
            i++;
        }
    }
    if (lines.n == 0)
        synthesize();
    for (size_t i = 0; i < lines.n; i++)
        lines.v[i].p = text.p + (size_t)lines.v[i].p;
    for (int i = 0; i < ENDPOINTS; i++)
        snprintf(keys[i], sizeof(keys[i]), "default:host%d", i);
    snprintf(dir, sizeof(dir), "%s/bench-bus-XXXXXX", base);
    if (mkdtemp(dir) == NULL)
        must(LG_EIO, dir);
    open_bus(dir);
    bench_publish(publishers < MAX_PUBLISHERS ? (size_t)publishers : MAX_PUBLISHERS, seconds);
    bench_consume();
    bench_stage();
    bench_disk(dir);
    getrusage(RUSAGE_SELF, &ru);
    line_out("bus_rss", (double)ru.ru_maxrss / 1024, "MiB", "");
    lg_bus_close(bus);
    remove_folder(dir);
    return 0;
}
