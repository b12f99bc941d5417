/* Files in, verdicts out: the same whatever the order, batches and threads; failures end it whole. */
#include "scan/scan_util.h"
#include "thread_oom.h"

#include <dlfcn.h>

#define N(a) (sizeof(a) / sizeof(*(a)))

/* --- the records of a recording, to be written in another order ---------------------------------------- */

struct record {
    char *text;
    size_t n;
    char endpoint[64];
    lg_time time_ns;
    size_t at; /* place in the recording */
    double key;
};

struct records {
    LG_VEC(struct record) v;
};

static int keep_record(void *user, const struct lg_event *ev)
{
    struct records *rs = user;
    struct record r = {.time_ns = ev->time_ns, .at = rs->v.n, .n = ev->raw.n};

    r.text = malloc(ev->raw.n);
    assert_non_null(r.text);
    memcpy(r.text, ev->raw.p, ev->raw.n);
    (void)snprintf(
            r.endpoint, sizeof(r.endpoint), "%.*s", (int)ev->endpoint_id.n, ev->endpoint_id.p);
    return lg_vec_push(&rs->v, r);
}

static int no_window(void *user, const struct lg_graph *g)
{
    (void)user;
    (void)g;
    return 0;
}

static void read_records(struct records *rs, const char *path)
{
    struct lg_reader_options opt;
    struct lg_reader_stats stats;
    struct lg_err err;

    memset(rs, 0, sizeof(*rs));
    lg_reader_options_default(&opt);
    opt.tap = (struct lg_norm_sink){.user = rs, .event = keep_record};
    assert_int_equal(lg_reader_run(path, &opt, no_window, NULL, &stats, &err), 0);
    assert_true(rs->v.n > 50);
}

static void records_done(struct records *rs)
{
    for (size_t i = 0; i < rs->v.n; i++)
        free(rs->v.v[i].text);
    lg_vec_done(&rs->v);
}

static int by_key(const void *a, const void *b)
{
    const struct record *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static int by_endpoint(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    int c = strcmp(x->endpoint, y->endpoint);

    return c != 0 ? c : by_key(a, b);
}

static const char *write_records(const struct records *rs, int number)
{
    static char path[4][512];
    FILE *f;

    (void)snprintf(path[number], sizeof(path[number]), "%s/test-scan-%d-%d.ndjson", LG_BINARY_DIR,
            (int)getpid(), number);
    f = fopen(path[number], "wb");
    assert_non_null(f);
    for (size_t i = 0; i < rs->v.n; i++) {
        assert_int_equal(fwrite(rs->v.v[i].text, 1, rs->v.v[i].n, f), rs->v.v[i].n);
        assert_true(fputc('\n', f) != EOF);
    }
    assert_int_equal(fclose(f), 0);
    return path[number];
}

static double uniform(uint64_t *seed)
{
    return (double)(next_random(seed) >> 11) * 0x1p-53;
}

/* As if every record had been under way for up to `late_s` seconds. */
static void shuffle(struct records *rs, double late_s, uint64_t seed)
{
    for (size_t i = 0; i < rs->v.n; i++)
        rs->v.v[i].key = (double)rs->v.v[i].time_ns + uniform(&seed) * late_s * 1e9;
    qsort(rs->v.v, rs->v.n, sizeof(*rs->v.v), by_key);
}

static void scan_file(struct su_run *r, const char *path, uint32_t workers, size_t batch_bytes)
{
    static const char *paths[1];

    paths[0] = path;
    su_init(r, paths, 1);
    r->opt.workers = workers;
    r->opt.batch_bytes = batch_bytes;
    r->opt.endpoint = LG_STR("elsewhere"); /* and not the name of the file */
    su_scan(r);
    if (r->rc != 0)
        fail_msg("%s: %s", path, r->err.text);
    su_sort(r);
}

static const char *const recordings[] = {REG, DESKTOP, FLOW, DUMP};

static void any_order(const char *recording)
{
    struct records rs;
    struct su_run sorted, other;
    const char *path;
    int moved = 0;

    read_records(&rs, recording);
    shuffle(&rs, 0, 0);
    path = write_records(&rs, 0);
    scan_file(&sorted, path, 1, 0);
    assert_true(sorted.lines.n >= 3);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        shuffle(&rs, 29.9, seed);
        for (size_t i = 1; i < rs.v.n; i++)
            moved += rs.v.v[i].time_ns < rs.v.v[i - 1].time_ns;
        scan_file(&other, write_records(&rs, 1), (uint32_t)seed, seed == 2 ? 3000 : 0);
        su_same(&sorted, &other, recording);
        assert_int_equal(other.stats.window.late_entered, 0);
        su_done(&other);
    }
    assert_true(moved > 20); /* else nothing was shuffled */
    /* endpoint after endpoint, each in any order inside the lateness */
    qsort(rs.v.v, rs.v.n, sizeof(*rs.v.v), by_endpoint);
    scan_file(&other, write_records(&rs, 1), 3, 0);
    su_same(&sorted, &other, "endpoint after endpoint");
    su_done(&other);
    (void)unlink(write_records(&rs, 1));
    (void)unlink(path);
    su_done(&sorted);
    records_done(&rs);
}

static void test_order_inside_the_lateness_does_not_matter(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(recordings); i++)
        any_order(recordings[i]);
}

static void test_batches_and_threads_do_not_matter(void **state)
{
    static const size_t batches[] = {0, 1, 4096, 70000, 1u << 24};
    static const uint32_t workers[] = {1, 2, 3, 8};

    (void)state;
    for (size_t i = 0; i < N(recordings); i++) {
        struct su_run want;

        scan_file(&want, recordings[i], 1, 0);
        for (size_t b = 0; b < N(batches); b++) {
            struct su_run got;

            scan_file(&got, recordings[i], workers[(b + i) % N(workers)], batches[b]);
            su_same(&want, &got, recordings[i]);
            assert_int_equal(want.stats.records, got.stats.records);
            assert_int_equal(want.stats.events, got.stats.events);
            assert_int_equal(want.stats.attacks, got.stats.attacks);
            assert_int_equal(want.stats.errors, got.stats.errors);
            assert_int_equal(want.stats.window.endpoints, got.stats.window.endpoints);
            assert_memory_equal(want.stats.dead, got.stats.dead, sizeof(want.stats.dead));
            su_done(&got);
        }
        su_done(&want);
    }
}

/* One order of output for any number of workers, not only one set. */
static void test_output_comes_in_one_order(void **state)
{
    static const char *const paths[] = {REG, DESKTOP, FLOW};
    struct su_run one, many;

    (void)state;
    su_init(&one, paths, 3);
    one.opt.workers = 1;
    su_scan(&one);
    assert_int_equal(one.rc, 0);
    for (uint32_t w = 2; w <= 7; w += 5) {
        su_init(&many, paths, 3);
        many.opt.workers = w;
        su_scan(&many);
        assert_int_equal(many.rc, 0);
        su_same(&one, &many, "order");
        su_done(&many);
    }
    assert_int_equal(one.stats.window.endpoints, 4 + 1 + 2);
    assert_int_equal(one.stats.windows[0] + one.stats.windows[1], one.lines.n);
    assert_int_equal(one.progress, one.stats.records);
    su_done(&one);
}

/* --- counting -------------------------------------------------------------------------------------------- */

static const char *write_text(const char *text, int number)
{
    struct records none = {{NULL, 0, 0}};
    const char *path = write_records(&none, number);
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

#define OPEN(s, exe, file)                                                                         \
    "{\"kind\":\"file\",\"action\":\"open\",\"ts\":17146478" s                                     \
    "000000000,\"host\":\"idle1\",\"pid\":7,"                                                      \
    "\"exe\":\"" exe "\",\"path\":\"" file "\",\"ret\":3}\n"

static void test_idle_windows_are_counted_and_benign(void **state)
{
    static const char *paths[1];
    struct su_run r;

    (void)state;
    paths[0] = write_text(OPEN("40", "/usr/sbin/cron", "/etc/crontab")
                                  OPEN("41", "/usr/sbin/cron", "/etc/localtime")
                                          OPEN("42", "/usr/sbin/rsyslogd", "/etc/localtime"),
            2);
    for (int list = 1; list >= 0; list--) {
        su_init(&r, paths, 1);
        r.opt.jury.idle_allowlist = list == 1;
        r.opt.jury.threshold = 0; /* everything that is judged is an attack */
        su_scan(&r);
        assert_int_equal(r.rc, 0);
        assert_int_equal(r.stats.events, 3);
        assert_true(r.lines.n == 3 && r.stats.windows[1] == 3);
        assert_int_equal(r.stats.idle_skipped, list ? 3 : 0);
        assert_int_equal(r.stats.attacks, list ? 0 : 3);
        for (size_t i = 0; i < r.lines.n; i++) {
            struct lg_str line = lg_str_z(r.lines.v[i]);

            assert_int_equal(lg_str_find(line, LG_STR("\"prediction\":\"benign\"")) >= 0, list);
            assert_int_equal(lg_str_find(line, LG_STR("\"idle_allowlisted\":true")) >= 0, list);
        }
        su_done(&r);
    }
    assert_int_equal(unlink(paths[0]), 0);
}

static void test_windows_without_a_model_are_counted(void **state)
{
    static const char *const paths[] = {FLOW, DESKTOP};
    struct su_run r;

    (void)state;
    su_init(&r, paths, 2);
    r.opt.model[LG_PLATFORM_LINUX] = NULL;
    su_scan(&r);
    assert_int_equal(r.rc, 0);
    assert_int_equal(r.stats.no_model, r.stats.windows[LG_PLATFORM_LINUX]);
    assert_true(r.stats.no_model > 0 && r.lines.n == r.stats.windows[LG_PLATFORM_WINDOWS]);
    su_done(&r);
}

static void test_nothing_to_read(void **state)
{
    static const char *paths[1];
    struct su_run r;

    (void)state;
    su_init(&r, paths, 0);
    su_scan(&r);
    assert_true(r.rc == 0 && r.lines.n == 0);
    su_done(&r);
    paths[0] = write_text("", 2);
    su_init(&r, paths, 1);
    r.opt.workers = 1000; /* more than there may be */
    su_scan(&r);
    assert_true(r.rc == 0 && r.lines.n == 0 && r.stats.records == 0);
    su_done(&r);
    assert_int_equal(unlink(paths[0]), 0);
}

/* --- failures ---------------------------------------------------------------------------------------------- */

static void test_a_file_that_cannot_be_read_does_not_stop_the_others(void **state)
{
    static const char *const paths[] = {"/no/such/file", DESKTOP, LG_SOURCE_DIR, FLOW};
    static const char *const good[] = {DESKTOP, FLOW};
    struct su_run r, want;

    (void)state;
    su_init(&want, good, 2);
    su_scan(&want);
    su_init(&r, paths, 4);
    su_scan(&r);
    assert_true(r.rc < 0 && r.rc != LG_ENOMEM);
    assert_int_equal(r.stats.files_failed, 2);
    assert_int_equal(r.file_errors, 2);
    su_same(&want, &r, "beside bad files");
    su_done(&r);
    su_done(&want);
}

static void test_a_sink_that_fails_stops_the_scan(void **state)
{
    static const char *const paths[] = {REG, DESKTOP, FLOW};

    (void)state;
    for (int n = 1; n <= 30; n += n < 4 ? 1 : 13)
        for (int output = 0; output < 2; output++) {
            struct su_run r;

            su_init(&r, paths, 3);
            r.opt.workers = (uint32_t)(1 + n % 3);
            r.opt.batch_bytes = 20000;
            if (output)
                r.fail_output = n;
            else
                r.fail_verdict = n;
            su_scan(&r);
            assert_int_equal(r.rc, output ? LG_EIO : LG_EINTR);
            assert_true(r.err.text[0] != '\0');
            su_done(&r);
        }
}

/* A failing allocation in the caller, or in the n-th thread: the scan ends, says so and leaks
 * nothing. A record that finds no memory is a dead letter and fails nothing. */
static void test_out_of_memory(void **state)
{
    static const char *const paths[] = {DUMP};
    unsigned failures = 0;

    (void)state;
    for (int thread = -1; thread < 4; thread++) {
        bool whole = false;

        for (uint64_t n = 1; !whole && n < 100000; n += 1 + n / 4) {
            uint64_t made = 0;
            struct su_run r;

            su_init(&r, paths, 1);
            r.opt.batch_bytes = 20000;
            if (thread < 0) {
                (void)lg_mem_fail_from(n);
            } else {
                thread_oom.thread = thread;
                thread_oom.from = n;
                thread_oom.ret_made = &made;
            }
            su_scan(&r);
            if (thread < 0)
                made = lg_mem_fail_from(0);
            thread_oom.from = 0;
            whole = made < n;
            if (r.rc != 0 && (r.rc != LG_ENOMEM || r.err.text[0] == '\0'))
                fail_msg("thread %d, allocation %llu: %d", thread, (unsigned long long)n, r.rc);
            failures += r.rc != 0;
            su_done(&r);
        }
        assert_true(whole);
    }
    assert_true(failures > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_order_inside_the_lateness_does_not_matter),
            cmocka_unit_test(test_batches_and_threads_do_not_matter),
            cmocka_unit_test(test_output_comes_in_one_order),
            cmocka_unit_test(test_idle_windows_are_counted_and_benign),
            cmocka_unit_test(test_windows_without_a_model_are_counted),
            cmocka_unit_test(test_nothing_to_read),
            cmocka_unit_test(test_a_file_that_cannot_be_read_does_not_stop_the_others),
            cmocka_unit_test(test_a_sink_that_fails_stops_the_scan),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, su_setup, su_teardown);
}
