/* One input in one thread: what it tells, and how it fails. */
#include "lg_test.h"

#include <unistd.h>

#include "normalize/dead_letter.h"
#include "scan/reader.h"

#define CAPTURES LG_SOURCE_DIR "/tests/data/captures/"
#define REG CAPTURES "empire_reg_dump_sam_2019-06-25133822.ndjson.zst"
#define DUMP CAPTURES "cmd_lsass_memory_dumpert_syscalls_2020-10-1822561997.ndjson.zst"

struct seen {
    unsigned windows, events, dead, skipped;
    unsigned fail_window, fail_event, fail_dead;
    lg_time first_ns;
    char endpoint[64];
    char tenant[64];
};

static int on_window(void *user, const struct lg_graph *g)
{
    struct seen *s = user;

    s->windows++;
    (void)snprintf(
            s->endpoint, sizeof(s->endpoint), "%.*s", (int)g->endpoint_id.n, g->endpoint_id.p);
    (void)snprintf(s->tenant, sizeof(s->tenant), "%.*s", (int)g->tenant_id.n, g->tenant_id.p);
    return s->fail_window > 0 && s->windows >= s->fail_window ? LG_EINTR : 0;
}

static int on_event(void *user, const struct lg_event *ev)
{
    struct seen *s = user;

    if (s->events++ == 0)
        s->first_ns = ev->time_ns;
    return s->fail_event > 0 && s->events >= s->fail_event ? LG_EEXIST : 0;
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    struct seen *s = user;

    (void)dl;
    s->dead++;
    return s->fail_dead > 0 && s->dead >= s->fail_dead ? LG_ERANGE : 0;
}

static int on_skipped(void *user, enum lg_skip_reason reason)
{
    struct seen *s = user;

    (void)reason;
    s->skipped++;
    return 0;
}

static int reading(const char *path, struct lg_reader_options *opt, struct seen *s,
        struct lg_reader_stats *stats, struct lg_err *err)
{
    opt->tap = (struct lg_norm_sink){
            .user = s, .event = on_event, .dead = on_dead, .skipped = on_skipped};
    err->text[0] = '\0';
    return lg_reader_run(path, opt, on_window, s, stats, err);
}

static void test_everything_is_told(void **state)
{
    struct lg_reader_options opt;
    struct lg_reader_stats stats;
    struct seen s = {0};
    struct lg_err err;
    uint64_t dead = 0;

    (void)state;
    lg_reader_options_default(&opt);
    assert_int_equal(reading(REG, &opt, &s, &stats, &err), 0);
    assert_int_equal(stats.records, 1682);
    for (int i = 0; i < LG_DEAD_REASON_COUNT; i++)
        dead += stats.dead[i];
    assert_true(stats.events == s.events && dead == s.dead && s.dead > 0);
    assert_int_equal(stats.records, stats.events + dead + s.skipped);
    assert_string_equal(lg_format_name(stats.format), "winlogbeat-6");
    assert_int_equal(stats.header_offset_ns, 0);
    assert_int_equal(stats.windows.windows, s.windows);
    assert_string_equal(s.tenant, "default");
}

static void test_tenant_and_endpoint_names(void **state)
{
    struct lg_reader_options opt;
    struct lg_reader_stats stats;
    struct seen s = {0};
    struct lg_err err;

    (void)state;
    lg_reader_options_default(&opt);
    opt.tenant_id = LG_STR("acme");
    opt.fqdn_endpoint = true;
    assert_int_equal(reading(REG, &opt, &s, &stats, &err), 0);
    assert_string_equal(s.tenant, "acme");
    assert_non_null(strstr(s.endpoint, ".shire.com"));
    assert_str(lg_reader_file_endpoint("/a/b.c/web-1.2024.log.zst"), "web-1");
    assert_str(lg_reader_file_endpoint("web"), "web");
    assert_str(lg_reader_file_endpoint("x/.hidden"), ".hidden");
    assert_str(lg_reader_file_endpoint("-"), "-");
}

static void test_header_offset_is_found_or_given(void **state)
{
    struct lg_reader_options opt;
    struct lg_reader_stats stats;
    struct seen probed = {0}, given = {0};
    struct lg_err err;

    (void)state;
    lg_reader_options_default(&opt);
    assert_int_equal(reading(DUMP, &opt, &probed, &stats, &err), 0);
    assert_true(stats.header_offset_ns == 16 * 3600 * LG_NS_PER_SEC);
    opt.header_offset_ns = 4 * 3600 * LG_NS_PER_SEC;
    assert_int_equal(reading(DUMP, &opt, &given, &stats, &err), 0);
    assert_true(stats.header_offset_ns == 4 * 3600 * LG_NS_PER_SEC);
}

static void test_what_a_receiver_returns_comes_back(void **state)
{
    struct lg_reader_options opt;
    struct lg_reader_stats stats;
    struct lg_err err;

    (void)state;
    lg_reader_options_default(&opt);
    for (unsigned n = 1; n <= 3; n++) {
        struct seen a = {.fail_event = n}, b = {.fail_dead = n}, c = {.fail_window = n};

        assert_int_equal(reading(REG, &opt, &a, &stats, &err), LG_EEXIST);
        assert_int_equal(a.events, n);
        assert_int_equal(reading(REG, &opt, &b, &stats, &err), LG_ERANGE);
        assert_int_equal(b.dead, n);
        assert_int_equal(reading(REG, &opt, &c, &stats, &err), LG_EINTR);
        assert_int_equal(c.windows, n);
        assert_true(err.text[0] != '\0');
    }
}

static void test_what_was_read_before_an_error_is_given_out(void **state)
{
    struct lg_str whole = read_file(REG, 0);
    struct lg_reader_options opt;
    struct lg_reader_stats stats;
    struct seen s = {0};
    struct lg_err err;
    char path[512];
    FILE *f;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/test-reader-%d.zst", LG_BINARY_DIR, (int)getpid());
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(whole.p, 1, whole.n - 20000, f), whole.n - 20000);
    assert_int_equal(fclose(f), 0);
    lg_reader_options_default(&opt);
    assert_int_equal(reading(path, &opt, &s, &stats, &err), LG_ETRUNC);
    assert_true(err.text[0] != '\0');
    /* every event that could be read is in a window that was given out */
    assert_true(s.events > 100 && stats.events == s.events && s.windows > 0);
    assert_int_equal(unlink(path), 0);
    assert_true(reading("/no/such/file", &opt, &s, &stats, &err) < 0);
    assert_int_equal(stats.records, 0);
    free_file(whole);
}

static void test_out_of_memory(void **state)
{
    struct lg_reader_options opt;
    struct lg_reader_stats stats;
    unsigned failures = 0;
    bool whole = false;

    (void)state;
    lg_reader_options_default(&opt);
    for (uint64_t n = 1; !whole && n < 100000; n += 1 + n / 20) {
        struct seen s = {0};
        struct lg_err err;
        int rc;

        (void)lg_mem_fail_from(n);
        rc = reading(DUMP, &opt, &s, &stats, &err);
        whole = lg_mem_fail_from(0) < n;
        if (rc != 0 && rc != LG_ENOMEM)
            fail_msg("allocation %llu: %d %s", (unsigned long long)n, rc, err.text);
        if (rc == 0 && !whole) /* records that found no memory are told as such */
            assert_true(stats.dead[LG_DEAD_OUT_OF_MEMORY] > 0);
        failures += rc != 0;
    }
    assert_true(whole && failures > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_everything_is_told),
            cmocka_unit_test(test_tenant_and_endpoint_names),
            cmocka_unit_test(test_header_offset_is_found_or_given),
            cmocka_unit_test(test_what_a_receiver_returns_comes_back),
            cmocka_unit_test(test_what_was_read_before_an_error_is_given_out),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
