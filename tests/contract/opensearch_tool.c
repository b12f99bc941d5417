/*
 * What tests/integration/test_opensearch.py needs beyond the suites: one process of several, told
 * apart by the words on its command line. LG_OPENSEARCH_* say how to connect.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "opensearch/init.h"
#include "store/event_fixture.h"

#define BATCH 250

static char urls_text[1024];
static const char *urls[16];

static unsigned number(const char *s)
{
    uint64_t v = 0;

    if (s == NULL)
        return 0;
    if (lg_parse_u64(lg_str_z(s), &v) < 0) {
        (void)printf("not a number: %s\n", s);
        exit(2);
    }
    return (unsigned)v;
}

static struct lg_opensearch_options options(void)
{
    struct lg_opensearch_options o = {.urls = urls,
            .user = getenv("LG_OPENSEARCH_USER"),
            .password = getenv("LG_OPENSEARCH_PASSWORD"),
            .api_key = getenv("LG_OPENSEARCH_API_KEY"),
            .ca_file = getenv("LG_OPENSEARCH_CA"),
            .cert_file = getenv("LG_OPENSEARCH_CERT"),
            .key_file = getenv("LG_OPENSEARCH_KEY"),
            .prefix = getenv("LG_OPENSEARCH_PREFIX"),
            .insecure = getenv("LG_OPENSEARCH_INSECURE") != NULL,
            .replicas = (int)number(getenv("LG_OPENSEARCH_REPLICAS")),
            .days_kept = number(getenv("LG_OPENSEARCH_DAYS")),
            .retry_ms = number(getenv("LG_OPENSEARCH_RETRY_MS"))};
    const char *list = getenv("LG_OPENSEARCH_URLS");
    char *rest = urls_text, *one;

    (void)snprintf(urls_text, sizeof(urls_text), "%s", list != NULL ? list : "");
    while ((one = strsep(&rest, " ")) != NULL && o.n_urls < 16)
        if (*one != '\0')
            urls[o.n_urls++] = one;
    return o;
}

static void failed(const struct lg_err *err)
{
    (void)printf("failed: %s: %s\n", lg_err_name(err->code), err->text);
    exit(3);
}

static void on_step(void *user, const char *what, const char *name, enum lg_init_step step)
{
    static const char *const words[] = {"made", "changed", "kept", "not there"};

    (void)user;
    (void)printf("%s: %s %s\n", words[step], what, name);
}

/* `bad`: a name that no index can hold as a word. */
static struct lg_event_put make_event(unsigned i, bool bad)
{
    char *name = (char *)lg_arena_alloc(&f.m.a, bad ? 40001 : 32);
    char *guid = (char *)lg_arena_alloc(&f.m.a, 32);
    struct ev e = {.tenant = i % 5 == 0 ? "b" : "a",
            .endpoint = name,
            .user = "CORP\\Anna",
            .image = i % 2 == 0 ? "C:\\Windows\\System32\\CMD.exe" : "C:\\Tools\\x.exe",
            .hash = "AABB01",
            .ip = i % 3 == 0 ? "10.1.2.3" : "192.0.2.7",
            .guid = guid,
            .parent = "parent-1",
            .type = i % 4 == 0 ? LG_EVENT_PROCESS_CREATE : LG_EVENT_NETWORK_CONNECT,
            .time = (DAY0 + (int64_t)i * 17) * SEC,
            .id = i,
            .pid = i + 1,
            .command = "cmd /c whoami /all"};

    if (name == NULL || guid == NULL)
        exit(4);
    (void)snprintf(name, 32, "h%u", i % 7);
    (void)snprintf(guid, 32, "guid-%u", i);
    if (bad) {
        memset(name, 'x', 40000);
        name[40000] = '\0';
    }
    return put_of(&e, e.time + 5 * SEC);
}

/* write FIRST COUNT [once|bad]: again and again until all are taken, or what keeps them. */
static void do_write(struct lg_event_store *st, char **args)
{
    unsigned at = number(args[0]), end = at + number(args[1]), of[4] = {0}, waits = 0;
    bool once = args[2] != NULL && strcmp(args[2], "once") == 0;
    bool bad = args[2] != NULL && strcmp(args[2], "bad") == 0;
    char reason[LG_PUT_REASON_MAX] = "";

    while (at < end) {
        unsigned n = end - at < BATCH ? end - at : BATCH;
        struct lg_event_put p[BATCH];
        struct lg_err err = {0};

        for (unsigned i = 0; i < n; i++)
            p[i] = make_event(at + i, bad && (at + i) % 10 == 3);
        while (st->ops->write(st, p, n, NULL, 0, &err) < 0) {
            if (once || ++waits > 200)
                failed(&err);
            (void)usleep(200000);
        }
        for (unsigned i = 0; i < n; i++) {
            of[p[i].ret_result]++;
            if (p[i].ret_result == LG_PUT_REFUSED)
                memcpy(reason, p[i].ret_reason, sizeof(reason));
        }
        at += n;
        (void)printf("at %u\n", at);
        (void)fflush(stdout);
        lg_arena_clear(&f.m.a);
    }
    (void)printf("stored %u duplicate %u conflict %u refused %u\n%s\n", of[LG_PUT_STORED],
            of[LG_PUT_DUPLICATE], of[LG_PUT_CONFLICT], of[LG_PUT_REFUSED], reason);
}

/* ask TEXT: how many events of all tenants hold it, and what a store can say of itself. */
static void do_ask(struct lg_event_store *st, char **args)
{
    struct lg_event_query q = {.limit = 10, .text = lg_str_z(args[0] != NULL ? args[0] : "")};
    struct lg_store_stats stats = {0};
    struct lg_store_fault faults[4];
    struct lg_event_page page;
    struct lg_err err = {0};
    uint32_t n = 0;

    if (st->ops->settle(st, &err) < 0)
        failed(&err);
    if (st->ops->event_search(st, f.all, &q, &f.arena, &page) < 0 ||
            st->ops->stats(st, &stats) < 0 || st->ops->verify(st, faults, 4, &n) < 0) {
        (void)printf("failed: a read\n");
        exit(3);
    }
    (void)printf("total %llu events %llu days %llu bytes %d faults %u\n",
            (unsigned long long)page.total, (unsigned long long)stats.events,
            (unsigned long long)stats.files, stats.bytes > 0, n);
}

/* reads COUNT: every question, again and again, whatever the answers are. */
static int on_row(void *user, const struct lg_event_row *row)
{
    (void)user;
    (void)row;
    return 0;
}

#define OPS 14

/* One question of a kind; what it answers does not matter. */
static int ask_one(struct lg_event_store *st, unsigned kind, unsigned i, struct lg_event_put *p)
{
    struct lg_range_query range = {.from = DAY0 * SEC, .to = (DAY0 + 90000) * SEC, .parts = i % 5};
    struct lg_tree_query tree = {.tenant = LG_STR("a"),
            .endpoint = LG_STR("h1"),
            .from = range.from,
            .to = range.to,
            .max_nodes = 100};
    struct lg_event_query eq = {.limit = 20, .text = i % 2 == 0 ? LG_STR("whoami") : LG_STR("")};
    struct lg_inference_query iq = {.limit = 20};
    struct lg_retention keep = {.before = 1};
    union {
        struct lg_technique_count *techniques;
        struct lg_profile_item *items;
        struct lg_store_fault faults[4];
        struct lg_inference_page ip;
        struct lg_time_bucket *buckets;
        struct lg_store_stats stats;
        struct lg_event_page ep;
        struct lg_event_row row;
        struct lg_host_row *hosts;
        struct lg_summary sum;
        struct lg_tree t;
    } u;
    uint32_t n;

    switch (kind) {
    case 0:
        return st->ops->event_get(st, f.all, &p->ev->event_id, 0, &f.arena, &u.row);
    case 1:
        return st->ops->event_search(st, f.all, &eq, &f.arena, &u.ep);
    case 2:
        return st->ops->event_window(
                st, f.all, tree.tenant, tree.endpoint, range.from, range.to, 0, on_row, NULL);
    case 3:
        return st->ops->inference_search(st, f.all, &iq, &f.arena, &u.ip);
    case 4:
        return st->ops->summary(st, f.all, &range, &u.sum);
    case 5:
        return st->ops->hosts(st, f.all, &range, &f.arena, &u.hosts, &n);
    case 6:
        return st->ops->timeline(st, f.all, &range, 9, &f.arena, &u.buckets, &n);
    case 7:
        return st->ops->techniques(st, f.all, &range, &f.arena, &u.techniques, &n);
    case 8:
        return st->ops->profile(st, f.all, tree.tenant, tree.endpoint, 9, &f.arena, &u.items, &n);
    case 9:
        return st->ops->tree(st, f.all, &tree, &f.arena, &u.t);
    case 10:
        return st->ops->stats(st, &u.stats);
    case 11:
        return st->ops->verify(st, u.faults, 4, &n);
    case 12:
        return st->ops->retain(st, &keep, &n);
    default:
        return st->ops->write(st, p, 1, NULL, 0, NULL);
    }
}

static void do_reads(struct lg_event_store *st, char **args)
{
    unsigned failures = 0, n = number(args[0]);

    for (unsigned i = 0; i < n; i++) {
        struct lg_event_put p = make_event(i, false);

        for (unsigned k = 0; k < OPS; k++)
            failures += ask_one(st, k, i, &p) < 0;
        lg_arena_clear(&f.arena);
        lg_arena_clear(&f.m.a);
    }
    (void)printf("failed %u of %u\n", failures, OPS * n);
}

/* oom: each question with its n-th allocation failing, until one has enough. */
static void do_oom(void)
{
    for (unsigned k = 0; k < OPS; k++) {
        struct lg_event_put p = make_event(1, false);
        unsigned n = 0;
        int rc;

        do {
            struct lg_opensearch_options o = options();
            struct lg_event_store *st = NULL;

            lg_arena_done(&f.arena);
            lg_arena_init(&f.arena, 256u << 20);
            (void)lg_mem_fail_from(++n);
            rc = lg_opensearch_event_store_open(&o, &st, NULL);
            if (rc == 0)
                rc = ask_one(st, k, 0, &p);
            (void)lg_mem_fail_from(0);
            lg_event_store_close(st);
            if (rc < 0 && rc != LG_ENOMEM) {
                (void)printf("question %u, allocation %u: %s\n", k, n, lg_err_name(rc));
                exit(5);
            }
        } while (rc < 0 && n < 1000);
        (void)printf("question %u: %u allocations\n", k, n - 1);
    }
}

/* retain BEFORE IDLE_AGE: days from DAY0 on, seconds. */
static void do_retain(struct lg_event_store *st, char **args)
{
    struct lg_retention r = {.before = DAY0 * SEC + (lg_time)number(args[0]) * LG_DAY_NS,
            .idle = lg_clock_wall() - (lg_time)number(args[1]) * SEC,
            .max_bytes = args[2] != NULL ? number(args[2]) : 0};
    uint32_t removed = 0;
    int rc = st->ops->retain(st, &r, &removed);

    (void)printf("removed %u: %d\n", removed, rc);
}

int main(int argc, char **argv)
{
    struct lg_opensearch_options o = options();
    struct lg_event_store *st;
    struct lg_err err = {0};

    if (argc < 2)
        return 2;
    maker_init(&f.m);
    lg_arena_init(&f.arena, 256u << 20);
    f.all = scope_of("*", LG_ACT_EVENT_READ);
    if (strcmp(argv[1], "oom") == 0) {
        do_oom();
        return 0;
    }
    if (strcmp(argv[1], "init") == 0) {
        if (lg_opensearch_init(&o, on_step, NULL, &err) < 0)
            failed(&err);
        return 0;
    }
    if (lg_opensearch_event_store_open(&o, &st, &err) < 0)
        failed(&err);
    if (strcmp(argv[1], "write") == 0 && argc >= 4)
        do_write(st, argv + 2);
    else if (strcmp(argv[1], "ask") == 0)
        do_ask(st, argv + 2);
    else if (strcmp(argv[1], "reads") == 0)
        do_reads(st, argv + 2);
    else if (strcmp(argv[1], "retain") == 0 && argc >= 4)
        do_retain(st, argv + 2);
    else
        return 2;
    lg_event_store_close(st);
    lg_scope_free(f.all);
    lg_arena_done(&f.arena);
    maker_done(&f.m);
    return 0;
}
