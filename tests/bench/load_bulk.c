/*
 * The writer of events into OpenSearch beside a bare client that posts the same bulk bodies, made
 * before and compressed; both one request at a time, in turns, into indices of their own:
 *
 *   bulk_bare, bulk_writer   events a second
 *   bulk_ratio               writer to bare; the baseline is the bound
 *   bulk_writer_cpu          microseconds of this process for an event
 *   bulk_body, bulk_packed   bytes of an event in a body, and compressed
 *   bulk_disk                bytes of an event in an index, as it lies just after the writes
 *
 * load_bulk URL [events [capture ...]]
 * Default: 60,000 events, from the captures of LOGSTER_DATA (without it: those in tests/data).
 */
#include "event_corpus.h"
#include "opensearch/init.h"
#include "opensearch/os_int.h"

#define BATCH 6144 /* as the indexer's */
#define BULK (8u << 20)

struct bodies {
    LG_VEC(struct lg_buf) v;
    size_t raw, packed, disk;
};

static struct lg_event evs[BATCH];
static struct lg_event_put records[BATCH];
static char prefix[32];

static size_t make_batch(const struct corpus *c, uint64_t from, uint64_t want, struct lg_arena *a)
{
    struct lg_buf line;
    size_t n = 0;

    lg_arena_clear(a);
    lg_buf_init(&line, 4u << 20);
    for (; n < BATCH && from + n < want; n++)
        corpus_event(c, from + n, 500, a, &line, &evs[n], &records[n]);
    lg_buf_done(&line);
    return n;
}

static void on_init(void *user, const char *what, const char *name, enum lg_init_step step)
{
    (void)user;
    (void)what;
    (void)name;
    (void)step;
}

static struct lg_opensearch_options options(const char *const *url)
{
    return (struct lg_opensearch_options){
            .urls = url, .n_urls = 1, .prefix = prefix, .replicas = 0, .bulk_bytes = BULK};
}

/* New indices with the day's index made, so that nobody pays for that. */
static struct lg_event_store *fresh(const char *const *url, const char *name)
{
    static unsigned runs;
    struct lg_opensearch_options o;
    struct lg_event_store *st;
    struct lg_err err = {0};

    (void)snprintf(prefix, sizeof(prefix), "%s%d-%u", name, (int)getpid() % 10000, runs++ % 10);
    o = options(url);
    if (lg_opensearch_init(&o, on_init, NULL, &err) < 0 ||
            lg_opensearch_event_store_open(&o, &st, &err) < 0) {
        (void)fprintf(stderr, "load_bulk: %s\n", err.text);
        exit(1);
    }
    return st;
}

/* Returns the bytes on disk. */
static uint64_t drop(struct lg_event_store *st)
{
    struct lg_retention r = {.before = INT64_MAX, .idle = INT64_MAX};
    struct lg_store_stats stats = {0};
    uint32_t n;

    must(st->ops->settle(st, NULL), "refresh");
    must(st->ops->stats(st, &stats), "sizes");
    must(st->ops->retain(st, &r, &n), "removal");
    lg_event_store_close(st);
    return stats.bytes;
}

/* The bodies of a batch, as the writer cuts them. */
static void make_bodies(struct lg_os *os, size_t n, struct bodies *b)
{
    struct lg_buf body, scratch;
    char index[LG_OS_INDEX_MAX], id[LG_UUID_TEXT + 1];

    lg_buf_init(&body, 1u << 30);
    lg_buf_init(&scratch, 64u << 20);
    for (size_t i = 0; i < n; i++) {
        struct lg_jw w;

        lg_os_index_name(os, LG_OS_EVENTS, lg_day_of(evs[i].time_ns), index);
        lg_uuid_text(&evs[i].event_id, id);
        lg_buf_printf(&body, "{\"create\":{\"_index\":\"%s\",\"_id\":\"%s\"}}\n", index, id);
        lg_jw_init(&w, &body);
        lg_os_event_doc(&w, &records[i], &scratch);
        lg_buf_addc(&body, '\n');
        if (body.n > BULK - 16384 || i + 1 == n) {
            struct lg_buf packed;

            lg_buf_init(&packed, 1u << 30);
            must(lg_os_gzip(lg_buf_str(&body), &packed), "gzip");
            b->raw += body.n;
            b->packed += packed.n;
            must(lg_vec_push(&b->v, packed), "memory");
            lg_buf_clear(&body);
        }
    }
    must(body.failed, "memory");
    lg_buf_done(&body);
    lg_buf_done(&scratch);
}

static void post(struct lg_http_client *http, const char *url, const struct lg_buf *body,
        struct lg_client_resp *resp)
{
    const char *const headers[] = {
            "Content-Type: application/x-ndjson", "Content-Encoding: gzip", NULL};
    struct lg_client_req req = {.url = url, .headers = headers, .body = lg_buf_str(body)};
    struct lg_err err = {0};

    must(lg_http_client_do(http, &req, resp, &err), err.text);
    must(resp->status == 200 ? 0 : LG_EIO, "a bulk");
}

struct times {
    double bare, writer, cpu;
};

static void time_bare(
        struct lg_http_client *http, const char *url, const struct bodies *b, struct times *t)
{
    struct lg_client_resp resp;
    double t0 = now_s();

    lg_client_resp_init(&resp, 64u << 20);
    for (size_t i = 0; i < b->v.n; i++)
        post(http, url, &b->v.v[i], &resp);
    t->bare += now_s() - t0;
    lg_client_resp_done(&resp);
}

static void time_writer(struct lg_event_store *st, size_t n, struct times *t)
{
    double t0 = now_s(), c0 = cpu_s();
    struct lg_err err = {0};

    must(st->ops->write(st, records, n, NULL, 0, &err), err.text);
    t->writer += now_s() - t0;
    t->cpu += cpu_s() - c0;
    for (size_t i = 0; i < n; i++)
        must(records[i].ret_result == LG_PUT_STORED ? 0 : LG_ECORRUPT, "a record is not stored");
}

/* Batch by batch in turns, so that whatever else the machine does hits both. */
static void run(const struct corpus *c, const char *const *url, uint64_t want, struct times *t,
        struct bodies *sum)
{
    const struct lg_http_client_opts opts = {
            .allow_private = true, .max_response_bytes = 64u << 20, .timeout_ms = 60000};
    struct lg_event_store *writer = fresh(url, "w"), *bare = fresh(url, "b");
    struct lg_http_client *http;
    struct lg_arena a;
    char bulk[512];
    unsigned turn = 0;
    size_t n;

    (void)snprintf(bulk, sizeof(bulk), "%s/_bulk?filter_path=errors,items.*.status", *url);
    must(lg_http_client_new(&opts, &http, NULL), "client");
    lg_arena_init(&a, (size_t)1 << 30);
    for (uint64_t done = 0; done < want; done += n, turn++) {
        struct bodies b = {0};

        n = make_batch(c, done, want, &a);
        make_bodies(lg_os_of(bare), n, &b);
        if (turn % 2 == 0)
            time_bare(http, bulk, &b, t);
        time_writer(writer, n, t);
        if (turn % 2 != 0)
            time_bare(http, bulk, &b, t);
        sum->raw += b.raw;
        sum->packed += b.packed;
        for (size_t i = 0; i < b.v.n; i++)
            lg_buf_done(&b.v.v[i]);
        lg_vec_done(&b.v);
    }
    lg_arena_done(&a);
    lg_http_client_free(http);
    sum->disk = drop(writer);
    (void)drop(bare);
}

int main(int argc, char **argv)
{
    const char *data = getenv("LOGSTER_DATA");
    static struct corpus c;
    const char *url[1];
    uint64_t want = 60000;
    struct bodies sum = {0};
    struct times t = {0};

    if (argc < 2)
        return 2;
    url[0] = argv[1];
    if (argc > 2)
        want = strtoull(argv[2], NULL, 10);
    lg_arena_init(&c.a, (size_t)1 << 30);
    for (int i = 3; i < argc; i++)
        load(&c, argv[i]);
    if (argc <= 3 && data != NULL)
        load_folder(&c, data);
    if (argc <= 3 && data == NULL)
        load(&c, LG_SOURCE_DIR "/tests/data/captures/omerbenamram_sysmon.ndjson.zst");
    must(want > 0 && c.captures > 0 ? 0 : LG_EINVAL, "nothing to write");
    run(&c, url, BATCH, &t, &sum); /* the server's code gets warm */
    t = (struct times){0};
    sum = (struct bodies){0};
    run(&c, url, want, &t, &sum);
    print("bulk_body", (double)sum.raw / (double)want, "bytes/event");
    print("bulk_packed", (double)sum.packed / (double)want, "bytes/event");
    print("bulk_disk", (double)sum.disk / (double)want, "bytes/event");
    print("bulk_bare", (double)want / t.bare, "events/s");
    print("bulk_writer", (double)want / t.writer, "events/s");
    print("bulk_writer_cpu", t.cpu / (double)want * 1e6, "us/event");
    printf("{\"name\":\"bulk_ratio\",\"value\":%.3f,\"unit\":\"ratio\",\"baseline\":0.8}\n",
            t.bare / t.writer);
    lg_vec_done(&c.v);
    lg_arena_done(&c.a);
    return 0;
}
