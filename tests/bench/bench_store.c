/*
 * The event store, as JSON lines {"name", "value", "unit"}:
 *
 *   store_event_insert      events a second, written in batches (of 8,192) by one thread
 *   store_event_bytes       bytes on disk for each event, index and bodies
 *   store_event_raw_bytes   mean size of the raw records
 *   store_event_search_*    a page of 50, over filters
 *   store_tree              process tree of 10,000 nodes
 *
 * bench_store [--events N] [--batch N] [--endpoints N] [--dir DIR] [--block EVENTS] [--level N]
 *             [capture ...]
 * Defaults: 400,000 events of 500 endpoints, cut in turn from the captures of LOGSTER_DATA (without
 * it: from those in tests/data), none over 8 KB.
 */
#include "event_corpus.h"

/* ---- events ---- */

#define MAX_BATCH 65536
static unsigned batch = 8192, endpoints = 500;

static void write_events(struct lg_event_store *st, struct corpus *c, uint64_t want)
{
    static struct lg_event_put puts[MAX_BATCH];
    static struct lg_event evs[MAX_BATCH];
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

        for (; n < batch && done < want; n++, done++) {
            corpus_event(c, done, endpoints, &a, &line, &evs[n], &puts[n]);
            raw += (double)evs[n].raw.n;
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

int main(int argc, char **argv)
{
    static const char *const own[] = {"empire_reg_dump_sam_2019-06-25133822.ndjson.zst",
            "busy_logons_hfdc01_2019-05-18.ndjson.zst"};
    uint64_t events = 400000;
    struct corpus c = {0};
    char dir[4096] = LG_BINARY_DIR "/bench-store-XXXXXX";
    bool keep = false, none;
    int at = 1;

    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        uint64_t v = strtoull(argv[at + 1], NULL, 10);

        if (strcmp(argv[at], "--events") == 0)
            events = v;
        else if (strcmp(argv[at], "--batch") == 0)
            batch = v < 1 || v > MAX_BATCH ? MAX_BATCH : (unsigned)v;
        else if (strcmp(argv[at], "--endpoints") == 0)
            endpoints = v < 1 ? 1 : (unsigned)v;
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
    lg_vec_done(&c.v);
    lg_arena_done(&c.a);
    if (!keep)
        remove_folder(dir);
    return 0;
}
