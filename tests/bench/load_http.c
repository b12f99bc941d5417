/*
 * Load generator of bench_platform.py: many hosts' shippers over HTTP, without the costs of a script.
 *
 *   load_http key=value...
 *     port=N token=T        where to
 *     events=FILE           made by bench_platform.py: an event a line; 0x01 h: host h of its
 *                           recording; 0x02 and 23 characters: a time; 0x03 and 4: hex digits of a
 *                           process GUID; 0x04: record number. An empty line ends a recording.
 *     path=/ingest/winlogbeat connections=16 endpoints=2000 batch=500
 *     seconds=S             how long; or count=N events in all
 *     rate=N                events a second in all; 0: as fast as the answers come
 *     first=N               number of the first host
 *     span=S                with count=: each stream's times run over the S seconds before now
 *
 * Each stream is one recording on hosts of its own; a request holds `batch` events of one stream
 * in order, with the times from the stream's request before until now. When a recording is through
 * it begins anew, with other process GUIDs. 429 and 503 are waited for and sent again. At the end
 * one JSON line on standard output: what was acknowledged, and the answers' times.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/math.h"
#include "base/parse.h"
#include "base/vec.h"

#define MAX_FILE ((size_t)512 << 20)
#define MAX_BODY ((size_t)48 << 20)
#define MAX_CONNECTIONS 256
#define MAX_HOSTS 64
#define HOST_BYTES 8  /* epNNNNNN */
#define TIME_BYTES 23 /* 2019-05-18 22:13:40.133 */
#define NUMBER_BYTES 10
#define GUID_BYTES 4
#define MS_DAY INT64_C(86400000)
#define FIRST_NUMBER UINT64_C(1000000000)

enum patch_kind { PATCH_HOST = 1, PATCH_TIME, PATCH_GUID, PATCH_NUMBER };

struct patch {
    uint32_t at;
    enum patch_kind kind;
    int64_t value; /* host: which; time: milliseconds after the event's own; GUID: its digits */
    char middle;   /* of a time: T or space */
};

struct event {
    struct lg_str text; /* with room where patches go */
    const struct patch *patches;
    size_t n_patches;
};

struct recording {
    size_t first, n; /* of events */
    size_t hosts;
};

struct stream {
    const struct recording *rec;
    uint32_t first_host;
    size_t at;
    uint32_t lap;
    uint64_t number;
    int64_t last_ms;
};

struct connection {
    pthread_t thread;
    size_t id;
    struct lg_buf body;
    LG_VEC(float) answers; /* milliseconds */
};

static struct {
    uint16_t port;
    const char *token, *events, *path;
    size_t connections, endpoints, batch;
    double seconds, rate;
    uint64_t count, span;
    uint32_t first;
} opt = {.path = "/ingest/winlogbeat", .connections = 16, .endpoints = 2000, .batch = 500};

static struct lg_buf file, text;
static LG_VEC(struct event) events;
static LG_VEC(struct patch) patches;
static LG_VEC(struct recording) recordings;
static LG_VEC(struct stream) streams;
static struct connection connections[MAX_CONNECTIONS];
static _Atomic uint64_t taken, sent, sent_bytes, refused, put_off, failed;
static double began;
static int64_t began_ms; /* by the wall clock */

static double clock_s(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    fprintf(stderr, "load_http: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void sleep_s(double s)
{
    struct timespec ts = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};

    if (s > 0)
        nanosleep(&ts, NULL);
}

/* ------------------------------------------------------------------ times */

static void digits(char *p, int n, int64_t v)
{
    while (n-- > 0) {
        p[n] = (char)('0' + v % 10);
        v /= 10;
    }
}

static int64_t number(const char *p, int n)
{
    int64_t v = 0;

    for (int i = 0; i < n; i++)
        v = v * 10 + (p[i] - '0');
    return v;
}

/* Days from 1970 and back, of the proleptic Gregorian calendar. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
    int64_t era, yoe, doy;

    y -= m <= 2;
    era = y / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void put_time(char *p, int64_t ms, char middle)
{
    int64_t days = ms / MS_DAY + 719468, rest = ms % MS_DAY;
    int64_t era = days / 146097, doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t month = mp + (mp < 10 ? 3 : -9);

    digits(p, 4, yoe + era * 400 + (month <= 2));
    digits(p + 5, 2, month);
    digits(p + 8, 2, doy - (153 * mp + 2) / 5 + 1);
    digits(p + 11, 2, rest / 3600000);
    digits(p + 14, 2, rest / 60000 % 60);
    digits(p + 17, 2, rest / 1000 % 60);
    digits(p + 20, 3, rest % 1000);
    p[4] = p[7] = '-';
    p[10] = middle;
    p[13] = p[16] = ':';
    p[19] = '.';
}

static int64_t read_time(const char *p)
{
    return days_of(number(p, 4), number(p + 5, 2), number(p + 8, 2)) * MS_DAY +
            number(p + 11, 2) * 3600000 + number(p + 14, 2) * 60000 + number(p + 17, 2) * 1000 +
            number(p + 20, 3);
}

/* ------------------------------------------------------------------ templates */

static void add_event(struct lg_str line, struct recording *rec)
{
    static const char zeros[TIME_BYTES + 1] = "00000000000000000000000";
    struct event ev = {.text = {NULL, 0}, .n_patches = 0};
    size_t start = text.n;
    int64_t own = -1;

    for (size_t i = 0; i < line.n; i++) {
        struct patch p = {.at = (uint32_t)(text.n - start)};
        size_t room = 0, used = 0;

        switch (line.p[i]) {
        case PATCH_HOST:
            p.value = line.p[i + 1] - '0';
            rec->hosts = (size_t)p.value >= rec->hosts ? (size_t)p.value + 1 : rec->hosts;
            room = HOST_BYTES, used = 1;
            break;
        case PATCH_TIME:
            p.value = read_time(line.p + i + 1);
            p.middle = line.p[i + 11];
            own = own < 0 ? p.value : own;
            p.value -= own;
            room = used = TIME_BYTES;
            break;
        case PATCH_GUID:
            for (size_t d = 1; d <= GUID_BYTES; d++)
                p.value = p.value * 16 +
                        (line.p[i + d] <= '9' ? line.p[i + d] - '0'
                                              : (line.p[i + d] | 32) - 'a' + 10);
            room = used = GUID_BYTES;
            break;
        case PATCH_NUMBER:
            room = NUMBER_BYTES;
            break;
        default:
            lg_buf_addc(&text, line.p[i]);
            continue;
        }
        p.kind = (enum patch_kind)line.p[i];
        lg_buf_add(&text, zeros, room);
        i += used;
        ev.n_patches++;
        if (lg_vec_push(&patches, p) < 0)
            die("memory");
    }
    lg_buf_addc(&text, '\n');
    ev.text.n = text.n - start; /* its place is known when all are read */
    rec->n++;
    if (text.failed < 0 || lg_vec_push(&events, ev) < 0)
        die("memory");
}

static void read_templates(void)
{
    FILE *f = fopen(opt.events, "rb");
    struct recording rec = {0};
    size_t at = 0, patch_at = 0;
    struct lg_str all;

    if (f == NULL)
        die(opt.events);
    lg_buf_init(&file, MAX_FILE);
    lg_buf_init(&text, MAX_FILE);
    for (char chunk[65536];;) {
        size_t n = fread(chunk, 1, sizeof(chunk), f);

        lg_buf_add(&file, chunk, n);
        if (n < sizeof(chunk))
            break;
    }
    fclose(f);
    for (all = lg_buf_str(&file); all.n > 0;) {
        const char *nl = memchr(all.p, '\n', all.n);
        size_t n = nl != NULL ? (size_t)(nl - all.p) : all.n;

        if (n > 0)
            add_event(lg_str_of(all.p, n), &rec);
        all = lg_str_sub(all, n + 1, all.n);
        if ((n == 0 || all.n == 0) && rec.n > 0) {
            if (rec.hosts == 0)
                rec.hosts = 1;
            if (lg_vec_push(&recordings, rec) < 0)
                die("memory");
            rec = (struct recording){.first = events.n};
        }
    }
    for (size_t i = 0; i < events.n; i++) {
        events.v[i].text.p = text.p + at;
        events.v[i].patches = patches.v + patch_at;
        at += events.v[i].text.n;
        patch_at += events.v[i].n_patches;
    }
    if (recordings.n == 0)
        die("no events");
}

static void make_streams(void)
{
    for (uint32_t host = 0; host < opt.endpoints;) {
        const struct recording *rec = &recordings.v[streams.n % recordings.n];
        struct stream s = {.rec = rec,
                .first_host = opt.first + host,
                .at = streams.n * 7919 % rec->n, /* not all at the same place */
                .number = FIRST_NUMBER};

        host += (uint32_t)rec->hosts;
        if (lg_vec_push(&streams, s) < 0)
            die("memory");
    }
    if (opt.connections > streams.n)
        opt.connections = streams.n;
}

/* ------------------------------------------------------------------ requests */

static void put_event(struct lg_buf *out, struct stream *s, int64_t ms)
{
    static const char hex[] = "0123456789ABCDEF";
    const struct event *ev = &events.v[s->rec->first + s->at];
    size_t start = out->n;
    char *p;

    lg_buf_add(out, ev->text.p, ev->text.n);
    if (out->failed < 0)
        die("memory");
    p = out->p + start;
    for (size_t i = 0; i < ev->n_patches; i++) {
        const struct patch *pt = &ev->patches[i];

        switch (pt->kind) {
        case PATCH_HOST:
            p[pt->at] = 'e';
            p[pt->at + 1] = 'p';
            digits(p + pt->at + 2, HOST_BYTES - 2, s->first_host + pt->value);
            break;
        case PATCH_TIME:
            put_time(p + pt->at, ms + pt->value, pt->middle);
            break;
        case PATCH_GUID:
            for (int d = 0; d < GUID_BYTES; d++)
                p[pt->at + (uint32_t)d] =
                        hex[((uint64_t)pt->value ^ s->lap) >> (4 * (GUID_BYTES - 1 - d)) & 15];
            break;
        case PATCH_NUMBER:
            digits(p + pt->at, NUMBER_BYTES, (int64_t)s->number);
            break;
        }
    }
    s->number++;
    if (++s->at == s->rec->n) {
        s->at = 0;
        s->lap++;
    }
}

/* Milliseconds after `from` of the stream's next event. */
static int64_t in_span(const struct stream *s)
{
    const uint64_t each = opt.count / streams.n + 1;

    return (int64_t)((s->number - FIRST_NUMBER) * opt.span * 1000 / each);
}

static void fill(struct connection *c, struct stream *s, size_t n)
{
    struct timespec ts;
    int64_t now, from;

    clock_gettime(CLOCK_REALTIME, &ts);
    now = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
    from = s->last_ms > now - 10000 ? s->last_ms : now - (s->last_ms == 0 ? 1000 : 10000);
    lg_buf_clear(&c->body);
    for (size_t i = 1; i <= n; i++)
        put_event(&c->body, s,
                opt.span > 0 ? began_ms - (int64_t)opt.span * 1000 + in_span(s)
                             : from + (now - from) * (int64_t)i / (int64_t)n);
    s->last_ms = now;
}

static int connect_to(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(opt.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

        if (w <= 0)
            return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

/* The answer's status, its body in `ret`; 0 when the connection broke. */
static int read_answer(int fd, char *answer, size_t cap, struct lg_str *ret)
{
    size_t n = 0;

    for (;;) {
        ssize_t r = recv(fd, answer + n, cap - 1 - n, 0);
        const char *end, *length;
        uint64_t body;
        struct lg_str digit;

        if (r <= 0)
            return 0;
        n += (size_t)r;
        answer[n] = '\0';
        end = strstr(answer, "\r\n\r\n");
        length = strcasestr(answer, "content-length:");
        if (end == NULL || length == NULL || length > end)
            continue;
        length += strspn(length + 15, " ") + 15;
        digit = lg_str_of(length, strspn(length, "0123456789"));
        if (lg_parse_u64(digit, &body) < 0)
            return 0;
        if (n < (size_t)(end + 4 - answer) + body)
            continue;
        *ret = lg_str_of(end + 4, body);
        return (int)number(answer + 9, 3);
    }
}

static uint64_t member(struct lg_str json, const char *name)
{
    ptrdiff_t at = lg_str_find(json, lg_str_z(name));
    uint64_t v = 0;

    if (at < 0)
        return 0;
    json = lg_str_sub(json, (size_t)at + strlen(name), json.n);
    for (size_t i = 0; i < json.n && json.p[i] >= '0' && json.p[i] <= '9'; i++)
        v = v * 10 + (uint64_t)(json.p[i] - '0');
    return v;
}

/* Until it is acknowledged. */
static void post(struct connection *c, int *fd)
{
    char head[1024], answer[16384];
    struct lg_str body;
    int n = snprintf(head, sizeof(head),
            "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n"
            "Content-Type: application/x-ndjson\r\nContent-Length: %zu\r\n\r\n",
            opt.path, opt.port, opt.token, c->body.n);

    for (int breaks = 0; breaks < 20;) {
        double start = clock_s(CLOCK_MONOTONIC);
        int status = write_all(*fd, head, (size_t)n) && write_all(*fd, c->body.p, c->body.n)
                ? read_answer(*fd, answer, sizeof(answer), &body)
                : 0;

        if (status == 200) {
            if (lg_vec_push(&c->answers, (float)((clock_s(CLOCK_MONOTONIC) - start) * 1e3)) < 0)
                die("memory");
            atomic_fetch_add(&sent, member(body, "\"accepted\":"));
            atomic_fetch_add(&refused, member(body, "\"refused\":"));
            atomic_fetch_add(&sent_bytes, c->body.n);
            return;
        }
        if (status == 429 || status == 503) {
            atomic_fetch_add(&put_off, 1);
            sleep_s(0.25);
            continue;
        }
        if (status != 0) {
            atomic_fetch_add(&failed, 1);
            fprintf(stderr, "load_http: status %d: %.300s\n", status, answer);
            return;
        }
        breaks++;
        close(*fd);
        *fd = connect_to();
    }
    atomic_fetch_add(&failed, 1);
}

static void *run(void *user)
{
    struct connection *c = user;
    int fd = connect_to();

    for (size_t i = c->id;; i = i + opt.connections < streams.n ? i + opt.connections : c->id) {
        uint64_t before = atomic_fetch_add(&taken, opt.batch);

        if (opt.count > 0 ? before >= opt.count : clock_s(CLOCK_MONOTONIC) - began >= opt.seconds)
            break;
        if (opt.rate > 0)
            sleep_s(began + (double)before / opt.rate - clock_s(CLOCK_MONOTONIC));
        fill(c, &streams.v[i], opt.batch);
        post(c, &fd);
    }
    close(fd);
    return NULL;
}

/* ------------------------------------------------------------------ */

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static void report(void)
{
    double wall = clock_s(CLOCK_MONOTONIC) - began;
    LG_VEC(float) all = {0};

    for (size_t i = 0; i < opt.connections; i++)
        for (size_t k = 0; k < connections[i].answers.n; k++)
            if (lg_vec_push(&all, connections[i].answers.v[k]) < 0)
                die("memory");
    if (all.n == 0)
        die("nothing was acknowledged");
    qsort(all.v, all.n, sizeof(all.v[0]), by_value);
    printf("{\"sent\": %llu, \"bytes\": %llu, \"refused\": %llu, \"put_off\": %llu, "
           "\"failed\": %llu, \"wall_s\": %.3f, \"cpu_s\": %.3f, \"recordings\": %zu, "
           "\"endpoints\": %u, \"answer_p50_ms\": %.1f, \"answer_p99_ms\": %.1f}\n",
            (unsigned long long)atomic_load(&sent), (unsigned long long)atomic_load(&sent_bytes),
            (unsigned long long)atomic_load(&refused), (unsigned long long)atomic_load(&put_off),
            (unsigned long long)atomic_load(&failed), wall, clock_s(CLOCK_PROCESS_CPUTIME_ID),
            recordings.n,
            streams.v[streams.n - 1].first_host - opt.first +
                    (unsigned)streams.v[streams.n - 1].rec->hosts,
            (double)all.v[all.n / 2], (double)all.v[all.n * 99 / 100]);
}

static void take_option(char *arg)
{
    char *eq = strchr(arg, '=');
    struct lg_str key, v;
    uint64_t n = 0;

    if (eq == NULL)
        die(arg);
    key = lg_str_of(arg, (size_t)(eq - arg));
    v = lg_str_z(eq + 1);
    (void)!lg_parse_u64(v, &n);
    if (lg_str_eq(key, LG_STR("port")))
        opt.port = (uint16_t)n;
    else if (lg_str_eq(key, LG_STR("token")))
        opt.token = v.p;
    else if (lg_str_eq(key, LG_STR("events")))
        opt.events = v.p;
    else if (lg_str_eq(key, LG_STR("path")))
        opt.path = v.p;
    else if (lg_str_eq(key, LG_STR("connections")) && n > 0 && n <= MAX_CONNECTIONS)
        opt.connections = n;
    else if (lg_str_eq(key, LG_STR("endpoints")) && n > 0 && n < 1000000)
        opt.endpoints = n;
    else if (lg_str_eq(key, LG_STR("batch")) && n > 0 && n <= 10000)
        opt.batch = n;
    else if (lg_str_eq(key, LG_STR("seconds")))
        opt.seconds = (double)n;
    else if (lg_str_eq(key, LG_STR("rate")))
        opt.rate = (double)n;
    else if (lg_str_eq(key, LG_STR("first")) && n < 900000)
        opt.first = (uint32_t)n;
    else if (lg_str_eq(key, LG_STR("span")))
        opt.span = n;
    else if (lg_str_eq(key, LG_STR("count")))
        opt.count = n;
    else
        die(arg);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        take_option(argv[i]);
    if (opt.port == 0 || opt.token == NULL || opt.events == NULL)
        die("port=, token= and events= are needed");
    read_templates();
    make_streams();
    began = clock_s(CLOCK_MONOTONIC);
    began_ms = (int64_t)(clock_s(CLOCK_REALTIME) * 1e3);
    for (size_t i = 0; i < opt.connections; i++) {
        connections[i].id = i;
        lg_buf_init(&connections[i].body, MAX_BODY);
        if (pthread_create(&connections[i].thread, NULL, run, &connections[i]) != 0)
            die("thread");
    }
    for (size_t i = 0; i < opt.connections; i++)
        pthread_join(connections[i].thread, NULL);
    report();
    return atomic_load(&failed) > 0 ? 1 : 0;
}
