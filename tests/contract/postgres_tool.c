/*
 * What tests/integration/test_postgres.py needs beyond the suites: one process of several, told
 * apart by the words on its command line. Connects as alert_engine.h says.
 */
#include "alert_engine.h"
#include "base/clock.h"
#include "base/parse.h"
#include "store/store_test.h"

static struct lg_alert_store *st;
static struct lg_scope *all;
static struct lg_arena arena;
static struct maker m;

static void open_or_fail(void)
{
    struct lg_postgres_options o = engine_options();
    struct lg_err err = {0};

    const char *file = getenv("LG_SQLITE"); /* something to migrate is made there */
    int rc = file != NULL ? lg_sqlite_alert_store_open(file, &st, &err)
                          : lg_postgres_alert_store_open(&o, &st, &err);

    if (rc < 0) {
        (void)printf("cannot open: %d %s\n", err.code, err.text);
        exit(3);
    }
}

/* Of what has to be: cmocka's own are for tests. */
static void must(bool sound, const char *what, int rc)
{
    if (sound)
        return;
    (void)printf("failed: %s: %d\n", what, rc);
    exit(5);
}

static unsigned number(const char *s)
{
    uint64_t v = 0;

    must(lg_parse_u64(lg_str_z(s), &v) == 0, s, 0);
    return (unsigned)v;
}

static void nap(int64_t ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

/* apply FIRST COUNT BATCH: verdicts of 7 endpoints; each batch until it is taken, then a line. */
static void do_apply(char **args)
{
    unsigned first = number(args[0]), end = first + number(args[1]), batch = number(args[2]);

    for (unsigned at = first; at < end; at += batch) {
        struct lg_inference in[64];
        struct lg_apply items[64] = {0};
        unsigned n = end - at < batch ? end - at : batch;
        struct lg_err err = {0};
        int rc;

        for (unsigned i = 0; i < n; i++) {
            char host[16];
            struct make_inference mi = {.tenant = (at + i) % 3 == 0 ? "b" : "a",
                    .endpoint = host,
                    .id = at + i,
                    .window_end_s = 10000 + (int64_t)((at + i) / 50) * 60,
                    .prob = 0.9};

            (void)snprintf(host, sizeof(host), "host%u", (at + i) % 7);
            in[i] = make_own(&m, &mi);
            items[i].in = &in[i];
        }
        while ((rc = st->ops->apply(st, items, n, GAP_NS, 5 * SEC, &err)) == LG_EIO ||
                rc == LG_EAGAIN)
            nap(20);
        if (rc < 0) {
            (void)printf("failed: %s\n", err.text);
            exit(4);
        }
        (void)printf("applied %u %u\n", at, n);
        (void)fflush(stdout);
        lg_arena_clear(&m.a);
    }
}

/* audit COUNT NAME: rows one by one, each until it is taken. */
static void do_audit(char **args)
{
    unsigned n = number(args[0]);

    for (unsigned i = 0; i < n; i++) {
        char target[32];
        struct lg_audit_row row = {
                .at = i, .actor = lg_str_z(args[1]), .action = LG_STR("test.row")};
        int rc;

        (void)snprintf(target, sizeof(target), "%u", i);
        row.target = lg_str_z(target);
        while ((rc = st->admin->ops->audit_append(st->admin, &row, 1)) == LG_EIO || rc == LG_EAGAIN)
            nap(20);
        must(rc == 0, "audit_append", rc);
        (void)printf("audited %u\n", i);
        (void)fflush(stdout);
    }
}

static struct lg_alert oldest(void)
{
    struct lg_alert_query q = {.limit = 1, .sort = LG_ALERT_BY_LAST_SEEN, .ascending = true};
    struct lg_alert_page page = {0};

    must(st->ops->alert_list(st, all, &q, &arena, &page) == 0 && page.n == 1, "alert_list", 0);
    return page.alerts[0];
}

/* patch ROUNDS NAME: back and forth, each with the version that was read: tells how many it won. */
static void do_patch(char **args)
{
    unsigned rounds = number(args[0]), won = 0, refused = 0;
    struct lg_alert al = oldest();

    for (unsigned i = 0; i < rounds; i++) {
        char tag[LG_ALERT_ETAG_MAX], notes[64];
        struct lg_alert_patch p = {.has_notes = true, .actor = lg_str_z(args[1]), .now = 9 * SEC};
        unsigned steps;
        int rc;

        lg_alert_etag(al.version, tag);
        (void)snprintf(notes, sizeof(notes), "%s %u", args[1], i);
        p.if_match = lg_str_z(tag);
        p.notes = lg_str_z(notes);
        rc = st->ops->alert_patch(st, all, &al.alert_id, &p, &arena, &al, &steps);
        won += rc == 0;
        refused += rc == LG_EREFUSED;
        must(rc == 0 || rc == LG_EREFUSED, "alert_patch", rc);
    }
    (void)printf("won %u refused %u version %llu\n", won, refused, (unsigned long long)al.version);
}

/* get COUNT PAUSE_MS: reads, each with its result and how long it took. */
static void do_get(char **args)
{
    unsigned n = number(args[0]), pause = number(args[1]);
    struct lg_uuid none = {{1}};

    for (unsigned i = 0; i < n; i++) {
        int64_t start = lg_clock_monotonic();
        struct lg_alert al;
        int rc = st->ops->alert_get(st, all, &none, &arena, &al);

        (void)printf("get %d %lld\n", rc, (long long)(lg_clock_monotonic() - start) / 1000000);
        (void)fflush(stdout);
        nap(pause);
    }
}

/* list TENANTS: pages by several filters, with how long each took. */
static void do_list(char **args)
{
    static const struct {
        const char *name;
        struct lg_alert_query q;
    } lists[] = {{"plain", {.limit = 50}},
            {"by severity", {.limit = 50, .sort = LG_ALERT_BY_SEVERITY}},
            {"offset 10000", {.limit = 50, .offset = 10000}},
            {"open", {.limit = 50, .statuses = 1}}, {"critical", {.limit = 50, .severities = 8}},
            {"endpoint", {.limit = 50, .endpoint = {"host77", 6}}},
            {"technique", {.limit = 50, .technique = {"T1003", 5}}},
            {"assignee", {.limit = 50, .assignee = {"anna", 4}}},
            {"text often", {.limit = 50, .text = {"tool7", 5}}},
            {"text seldom", {.limit = 50, .text = {"host4711", 8}}},
            {"text never", {.limit = 50, .text = {"nowhere-seen", 12}}},
            {"a day",
                    {.limit = 50,
                            .from = 1700500000 * SEC,
                            .to = 1700586400 * SEC,
                            .sort = LG_ALERT_BY_PROB}}};
    struct lg_scope *sc = scope_of(args[0], LG_ACT_ALERT_READ);

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        int64_t best = INT64_MAX;
        struct lg_alert_page page = {0};

        for (int k = 0; k < 5; k++) {
            int64_t start = lg_clock_monotonic(), took;

            must(st->ops->alert_list(st, sc, &lists[i].q, &arena, &page) == 0, lists[i].name, 0);
            took = lg_clock_monotonic() - start;
            best = took < best ? took : best;
        }
        (void)printf("%-14s %7.1f ms, %u of %llu%s\n", lists[i].name, (double)best / 1e6, page.n,
                (unsigned long long)page.total, page.total_is_lower_bound ? "+" : "");
        lg_arena_clear(&arena);
    }
    lg_scope_free(sc);
}

/* outbox COUNT: reads and acknowledges until it was idle so often in a row; a line a row. */
static void do_outbox(char **args)
{
    unsigned idle = 0, most = number(args[0]);
    uint64_t after = 0;

    while (idle < most) {
        struct lg_outbox_row *rows = NULL;
        uint32_t n = 0;

        if (st->ops->outbox_read(st, after, 50, &arena, &rows, &n) < 0 || n == 0) {
            idle++;
            nap(10);
            continue;
        }
        idle = 0;
        for (uint32_t i = 0; i < n; i++)
            (void)printf(
                    "row %llu %.*s\n", (unsigned long long)rows[i].seq, LG_STR_FMT(rows[i].json));
        (void)fflush(stdout);
        if (st->ops->outbox_ack(st, rows[n - 1].seq) >= 0)
            after = rows[n - 1].seq;
        lg_arena_clear(&arena);
    }
}

static void do_verify(char **args)
{
    struct lg_err err = {0};
    int rc = st->ops->verify(st, &err);

    (void)args;
    (void)printf("verify %d %s\n", rc, err.text);
}

static void print_table(void *user, const struct lg_migrated_table *t)
{
    (void)user;
    (void)printf("table %s %llu %llu %s\n", t->name, (unsigned long long)t->rows_from,
            (unsigned long long)t->rows_to,
            lg_link_cmp(&t->digest_from, &t->digest_to) == 0 ? "same" : "different");
}

/* migrate PATH */
static void do_migrate(char **args)
{
    struct lg_alert_store *from = NULL;
    struct lg_err err = {0};
    int rc;

    must(lg_sqlite_alert_store_open(args[0], &from, &err) == 0, err.text, 0);
    rc = lg_alert_migrate(from, st, print_table, NULL, &err);
    (void)printf("migrate %d %s\n", rc, rc < 0 ? err.text : "");
    lg_alert_store_close(from);
}

static void do_nothing(char **args)
{
    (void)args;
    (void)printf("opened\n");
}

static void print_line(void *user, const char *text)
{
    (void)user;
    (void)printf("%s\n", text);
}

/* init APP_USER APP_PASSWORD */
static int do_init(char **args)
{
    struct lg_postgres_options o = engine_options();
    struct lg_postgres_init in = {.app_user = args[0], .app_password = args[1], .line = print_line};
    struct lg_err err = {0};
    int rc = lg_postgres_init(&o, &in, &err);

    if (rc < 0)
        (void)printf("failed: %d %s\n", rc, err.text);
    return rc < 0 ? 3 : 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int args;
        void (*call)(char **args);
    } calls[] = {{"apply", 3, do_apply}, {"audit", 2, do_audit}, {"patch", 2, do_patch},
            {"get", 2, do_get}, {"list", 1, do_list}, {"outbox", 1, do_outbox},
            {"verify", 0, do_verify}, {"migrate", 1, do_migrate}, {"open", 0, do_nothing}};

    if (argc == 4 && strcmp(argv[1], "init") == 0)
        return do_init(argv + 2);
    for (size_t i = 0; argc > 1 && i < sizeof(calls) / sizeof(*calls); i++) {
        if (strcmp(argv[1], calls[i].name) != 0 || argc != calls[i].args + 2)
            continue;
        open_or_fail();
        all = scope_of("*", LG_ACT_ALERT_READ);
        lg_arena_init(&arena, 256u << 20);
        maker_init(&m);
        calls[i].call(argv + 2);
        maker_done(&m);
        lg_arena_done(&arena);
        lg_scope_free(all);
        lg_alert_store_close(st);
        return 0;
    }
    (void)fprintf(stderr,
            "usage: postgres_tool apply|audit|patch|get|list|outbox|verify|migrate|open|init "
            "...\n");
    return 2;
}
