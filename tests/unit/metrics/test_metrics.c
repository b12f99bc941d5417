/* Registry, shards, histograms' buckets and the text that Prometheus reads. */
#include "lg_test.h"

#include <math.h>
#include <pthread.h>

#include "base/parse.h"
#include "metrics/metrics.h"
#include "metrics/metrics_int.h"

static const struct lg_metric_desc d_count = {
        "t_count", "How \\ many\nof them.", LG_METRIC_COUNTER, 1, ""};
static const struct lg_metric_desc d_gauge = {"t_gauge", "Now.", LG_METRIC_GAUGE, 1, ""};
static const struct lg_metric_desc d_hist = {"t_ms", "Time.", LG_METRIC_HISTOGRAM, 0.001, ""};
static const struct lg_metric_desc d_clash = {"t_count", "Other.", LG_METRIC_GAUGE, 1, ""};
static const struct lg_metric_desc d_bad = {"9bad", "", LG_METRIC_COUNTER, 1, ""};

static char *text_of(struct lg_metrics *m)
{
    struct lg_buf out;
    char *z;

    lg_buf_init(&out, 1 << 20);
    lg_metrics_write(m, &out);
    assert_int_equal(out.failed, 0);
    z = (char *)calloc(1, out.n + 1);
    assert_non_null(z);
    if (out.n > 0)
        memcpy(z, out.p, out.n);
    lg_buf_done(&out);
    return z;
}

static void test_exposition(void **state)
{
    const struct lg_metric_label odd[] = {{"reason", "a\"b\\c\nd"}, {"x", ""}};
    struct lg_metrics *m = NULL;
    struct lg_metrics_shard *sh = NULL;
    struct lg_counter plain, labelled;
    struct lg_gauge g;
    char *text;

    (void)state;
    assert_int_equal(lg_metrics_new(&m), 0);
    assert_int_equal(lg_metrics_counter(m, &d_count, NULL, 0, &plain), 0);
    assert_int_equal(lg_metrics_shard_new(m, &sh), 0);
    assert_int_equal(lg_metrics_counter(m, &d_count, odd, 2, &labelled), 0);
    assert_int_equal(lg_metrics_gauge(m, &d_gauge, NULL, 0, &g), 0);
    lg_counter_add(sh, plain, 3);
    lg_counter_add(sh, plain, 4);
    lg_counter_add(sh, labelled, 1);
    lg_gauge_set(sh, g, 5);
    lg_gauge_add(sh, g, -12);
    text = text_of(m);
    assert_string_equal(text,
            "# HELP t_count How \\\\ many\\nof them.\n"
            "# TYPE t_count counter\n"
            "t_count 7\n"
            "t_count{reason=\"a\\\"b\\\\c\\nd\",x=\"\"} 1\n"
            "# HELP t_gauge Now.\n"
            "# TYPE t_gauge gauge\n"
            "t_gauge -7\n");
    free(text);
    lg_metrics_shard_free(sh);
    lg_metrics_free(m);
}

static void test_same_series_again(void **state)
{
    const struct lg_metric_label l[] = {{"a", "1"}};
    const struct lg_metric_label dup[] = {{"a", "1"}, {"a", "2"}};
    const struct lg_metric_label le[] = {{"le", "1"}};
    const struct lg_metric_label bad[] = {{"a-b", "1"}};
    const struct lg_metric_label inner[] = {{"__name", "1"}};
    struct lg_metrics *m = NULL;
    struct lg_counter a, b, c;
    struct lg_gauge g;
    struct lg_histogram h;

    (void)state;
    assert_int_equal(lg_metrics_new(&m), 0);
    assert_int_equal(lg_metrics_counter(m, &d_count, l, 1, &a), 0);
    assert_int_equal(lg_metrics_counter(m, &d_count, l, 1, &b), 0);
    assert_int_equal(lg_metrics_counter(m, &d_count, NULL, 0, &c), 0);
    assert_int_equal(a.slot, b.slot);
    assert_int_not_equal(a.slot, c.slot);
    assert_int_equal(lg_metrics_gauge(m, &d_clash, NULL, 0, &g), LG_EINVAL);
    assert_int_equal(lg_metrics_gauge(m, &d_count, NULL, 0, &g), LG_EINVAL);
    assert_int_equal(lg_metrics_counter(m, &d_bad, NULL, 0, &c), LG_EINVAL);
    assert_int_equal(lg_metrics_counter(m, &d_count, dup, 2, &c), LG_EINVAL);
    assert_int_equal(lg_metrics_counter(m, &d_count, bad, 1, &c), LG_EINVAL);
    assert_int_equal(lg_metrics_counter(m, &d_count, inner, 1, &c), LG_EINVAL);
    assert_int_equal(lg_metrics_histogram(m, &d_hist, le, 1, &h), LG_EINVAL);
    lg_metrics_free(m);
}

/* A freed shard's counts stay, its gauges go. */
static void test_freed_shards(void **state)
{
    struct lg_metrics *m = NULL;
    struct lg_metrics_shard *sh = NULL, *other = NULL;
    struct lg_counter c;
    struct lg_gauge g;
    struct lg_histogram h;

    (void)state;
    assert_int_equal(lg_metrics_new(&m), 0);
    assert_int_equal(lg_metrics_counter(m, &d_count, NULL, 0, &c), 0);
    assert_int_equal(lg_metrics_gauge(m, &d_gauge, NULL, 0, &g), 0);
    assert_int_equal(lg_metrics_histogram(m, &d_hist, NULL, 0, &h), 0);
    assert_int_equal(lg_metrics_shard_new(m, &other), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lg_metrics_shard_new(m, &sh), 0);
        lg_counter_add(sh, c, 10);
        lg_gauge_set(sh, g, 100);
        lg_histogram_add(sh, h, 42);
        lg_metrics_shard_free(sh);
    }
    lg_gauge_set(other, g, 1);
    assert_int_equal(lg_metrics_counter_value(m, c), 30);
    assert_int_equal(lg_metrics_gauge_value(m, g), 1);
    assert_int_equal(lg_metrics_histogram_count(m, h), 3);
    lg_metrics_shard_free(other);
    lg_metrics_free(m);
}

/* Handles of zero and shards of NULL are safe and count nowhere that shows. */
static void test_nowhere(void **state)
{
    struct lg_metrics *m = NULL;
    struct lg_metrics_shard *sh = NULL;
    struct lg_counter c;

    (void)state;
    assert_int_equal(lg_metrics_new(&m), 0);
    assert_int_equal(lg_metrics_counter(m, &d_count, NULL, 0, &c), 0);
    assert_int_equal(lg_metrics_shard_new(m, &sh), 0);
    lg_counter_add(sh, (struct lg_counter){0}, 1);
    lg_histogram_add(sh, (struct lg_histogram){0}, 1);
    lg_counter_add(NULL, c, 1);
    lg_histogram_add(NULL, (struct lg_histogram){5}, 1);
    assert_int_equal(lg_metrics_counter_value(m, c), 0);
    assert_int_equal(lg_metrics_histogram_count(m, (struct lg_histogram){0}), 0);
    lg_metrics_shard_free(sh);
    lg_metrics_free(m);
}

/* Every value lies in its bucket, (lo, hi], and no bucket is wider than a tenth of its bound. */
static void test_buckets(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (uint32_t i = 1; i < LG_HIST_BUCKETS; i++) {
        const uint64_t lo = lg_hist_upper(i - 1), hi = lg_hist_upper(i);

        assert_true(hi > lo);
        assert_true(i < 10 || (hi - lo) * 10 <= lo);
        assert_int_equal(lg_hist_index(hi), i);
        assert_int_equal(lg_hist_index(lo + 1), i);
    }
    assert_int_equal(lg_hist_index(0), 0);
    assert_int_equal(lg_hist_index(UINT64_MAX), LG_HIST_BUCKETS - 1);
    for (int n = 0; n < 100000; n++) {
        const uint64_t v = next_random(&seed) >> (24 + next_random(&seed) % 40);
        const uint32_t i = lg_hist_index(v);

        assert_true(v <= lg_hist_upper(i) || i == LG_HIST_BUCKETS - 1);
        assert_true(i == 0 || v > lg_hist_upper(i - 1));
    }
}

static uint64_t number_after(const char *text, const char *key)
{
    const char *p = strstr(text, key);
    uint64_t v = UINT64_MAX;
    size_t n = 0;

    if (p == NULL)
        fail_msg("no %s in %s", key, text);
    p += strlen(key);
    while (p[n] >= '0' && p[n] <= '9')
        n++;
    assert_int_equal(lg_parse_u64(lg_str_of(p, n), &v), 0);
    return v;
}

static void test_histogram(void **state)
{
    const struct lg_metric_label l[] = {{"stage", "a"}};
    struct lg_metrics *m = NULL;
    struct lg_metrics_shard *sh = NULL;
    struct lg_histogram h;
    char *text;

    (void)state;
    assert_int_equal(lg_metrics_new(&m), 0);
    assert_int_equal(lg_metrics_histogram(m, &d_hist, l, 1, &h), 0);
    assert_int_equal(lg_metrics_shard_new(m, &sh), 0);
    assert_true(fabs(lg_metrics_histogram_quantile(m, h, 0.5)) < 1e-12);
    for (uint64_t us = 1; us <= 1000; us++)
        lg_histogram_add(sh, h, us);
    lg_histogram_add(sh, h, UINT64_C(5000000000000)); /* past the last bound */
    text = text_of(m);
    assert_non_null(strstr(text, "# TYPE t_ms histogram\n"));
    assert_int_equal(number_after(text, "t_ms_bucket{stage=\"a\",le=\"0.001\"} "), 1);
    assert_int_equal(number_after(text, "t_ms_bucket{stage=\"a\",le=\"0.005\"} "), 5);
    assert_int_equal(number_after(text, "t_ms_bucket{stage=\"a\",le=\"0.2\"} "), 200);
    assert_int_equal(number_after(text, "t_ms_bucket{stage=\"a\",le=\"1\"} "), 1000);
    assert_int_equal(number_after(text, "t_ms_bucket{stage=\"a\",le=\"500000000\"} "), 1000);
    assert_int_equal(number_after(text, "t_ms_bucket{stage=\"a\",le=\"+Inf\"} "), 1001);
    assert_int_equal(number_after(text, "t_ms_count{stage=\"a\"} "), 1001);
    assert_int_equal(number_after(text, "t_ms_sum{stage=\"a\"} "), 5000000500);
    free(text);
    assert_true(fabs(lg_metrics_histogram_quantile(m, h, 0) - 0.001) < 1e-9);
    assert_true(fabs(lg_metrics_histogram_quantile(m, h, 0.5) - 0.51) < 0.011);
    assert_true(fabs(lg_metrics_histogram_quantile(m, h, 0.99) - 0.99) < 0.011);
    lg_metrics_shard_free(sh);
    lg_metrics_free(m);
}

static double read_number(void *user)
{
    return *(const double *)user;
}

static void test_callbacks(void **state)
{
    double v = 1.5;
    struct lg_metrics *m = NULL;
    struct lg_gauge g;
    char *text;

    (void)state;
    assert_int_equal(lg_metrics_new(&m), 0);
    assert_int_equal(lg_metrics_callback(m, &d_gauge, NULL, 0, read_number, &v), 0);
    text = text_of(m);
    assert_non_null(strstr(text, "\nt_gauge 1.5\n"));
    free(text);
    v = (double)INFINITY;
    text = text_of(m);
    assert_non_null(strstr(text, "\nt_gauge +Inf\n"));
    free(text);
    v = 0.1;
    text = text_of(m);
    assert_non_null(strstr(text, "\nt_gauge 0.1\n"));
    free(text);
    assert_int_equal(lg_metrics_gauge(m, &d_gauge, NULL, 0, &g), LG_EINVAL);
    assert_int_equal(lg_metrics_callback(m, &d_gauge, NULL, 0, NULL, NULL), 0);
    text = text_of(m);
    assert_null(strstr(text, "\nt_gauge "));
    free(text);
    assert_int_equal(lg_metrics_callback(m, &d_hist, NULL, 0, read_number, &v), LG_EINVAL);
    lg_metrics_free(m);
}

static void test_process(void **state)
{
    struct lg_metrics *m = NULL;
    char *text;

    (void)state;
    assert_int_equal(lg_metrics_new(&m), 0);
    assert_int_equal(lg_metrics_process(m), 0);
    text = text_of(m);
    assert_true(number_after(text, "\nprocess_resident_memory_bytes ") >= 1);
    assert_true(number_after(text, "\nprocess_open_fds ") >= 3);
    assert_true(number_after(text, "\nprocess_start_time_seconds ") >= 1);
    free(text);
    lg_metrics_free(m);
}

/* Names are the documented ones, and every one of the table can be registered. */
static void test_table(void **state)
{
    static const char *const documented[] = {"raw_events_total", "normalized_events_total",
            "parse_errors", "inference_time_ms", "active_endpoints"};
    struct lg_metrics *m = NULL;
    struct lg_buf page;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(lg_metric_table[i].name, documented[i]);
    assert_int_equal(lg_metrics_new(&m), 0);
    lg_buf_init(&page, 1 << 20);
    lg_metrics_reference(&page);
    assert_int_equal(page.failed, 0);
    for (size_t i = 0; i < LG_METRIC_COUNT; i++) {
        const struct lg_metric_desc *d = &lg_metric_table[i];
        struct lg_counter c;
        struct lg_gauge g;
        struct lg_histogram h;

        assert_true(d->scale > 0 && d->help[0] != '\0');
        if (d->kind == LG_METRIC_COUNTER)
            assert_int_equal(lg_metrics_counter(m, d, NULL, 0, &c), 0);
        else if (d->kind == LG_METRIC_GAUGE)
            assert_int_equal(lg_metrics_gauge(m, d, NULL, 0, &g), 0);
        else
            assert_int_equal(lg_metrics_histogram(m, d, NULL, 0, &h), 0);
        assert_true(lg_str_find(lg_buf_str(&page), lg_str_z(d->name)) >= 0);
    }
    lg_buf_done(&page);
    lg_metrics_free(m);
}

static void test_limits(void **state)
{
    struct lg_metrics *m = NULL;
    struct lg_metrics_shard *sh = NULL;
    struct lg_histogram h;
    struct lg_counter c;
    char value[16];
    int rc = 0, made = 0;

    (void)state;
    assert_int_equal(lg_metrics_new(&m), 0);
    assert_int_equal(lg_metrics_shard_new(m, &sh), 0);
    for (; made < 1000; made++) {
        const struct lg_metric_label l[] = {{"n", value}};

        (void)snprintf(value, sizeof(value), "%d", made);
        rc = lg_metrics_histogram(m, &d_hist, l, 1, &h);
        if (rc < 0)
            break;
        lg_histogram_add(sh, h, 1);
    }
    assert_int_equal(rc, LG_ELIMIT);
    assert_int_equal(made, LG_METRICS_PAGES);
    assert_int_equal(lg_metrics_counter(m, &d_count, NULL, 0, &c), 0); /* pages have room still */
    lg_metrics_shard_free(sh);
    lg_metrics_free(m);
}

struct worker {
    struct lg_metrics *m;
    struct lg_counter c;
    struct lg_histogram h;
    unsigned n;
};

#define ROUNDS 20000

static void *work(void *arg)
{
    struct worker *w = (struct worker *)arg;
    struct lg_metrics_shard *sh = NULL;
    struct lg_counter late;
    char value[16];
    const struct lg_metric_label l[] = {{"n", value}};
    struct lg_histogram h;

    (void)snprintf(value, sizeof(value), "%u", w->n);
    if (lg_metrics_shard_new(w->m, &sh) < 0)
        return "no shard";
    for (int i = 0; i < ROUNDS; i++) {
        lg_counter_add(sh, w->c, 1);
        lg_histogram_add(sh, w->h, (uint64_t)i);
        /* new pages while others count */
        if (i % 1000 == 0 && lg_metrics_histogram(w->m, &d_hist, l, 1, &h) == 0)
            lg_histogram_add(sh, h, 7);
    }
    if (lg_metrics_counter(w->m, &d_count, l, 1, &late) < 0)
        return "no counter";
    lg_counter_add(sh, late, 1);
    lg_metrics_shard_free(sh);
    return NULL;
}

static void test_threads(void **state)
{
    struct worker w[4];
    pthread_t t[4];
    struct lg_metrics *m = NULL;
    struct lg_counter c;
    struct lg_histogram h;
    uint64_t last = 0;

    (void)state;
    assert_int_equal(lg_metrics_new(&m), 0);
    assert_int_equal(lg_metrics_counter(m, &d_count, NULL, 0, &c), 0);
    assert_int_equal(lg_metrics_histogram(m, &d_hist, NULL, 0, &h), 0);
    for (unsigned i = 0; i < 4; i++) {
        w[i] = (struct worker){.m = m, .c = c, .h = h, .n = i};
        assert_int_equal(pthread_create(&t[i], NULL, work, &w[i]), 0);
    }
    for (int i = 0; i < 20; i++) { /* a reader meanwhile: sums never run backwards */
        const uint64_t now = lg_metrics_counter_value(m, c);

        assert_true(now >= last);
        last = now;
        free(text_of(m));
    }
    for (unsigned i = 0; i < 4; i++) {
        void *why = NULL;

        assert_int_equal(pthread_join(t[i], &why), 0);
        assert_null(why);
    }
    assert_int_equal(lg_metrics_counter_value(m, c), 4 * ROUNDS);
    assert_int_equal(lg_metrics_histogram_count(m, h), 4 * ROUNDS);
    lg_metrics_free(m);
}

static int whole_life(void)
{
    const struct lg_metric_label l[] = {{"a", "some value"}};
    struct lg_metrics *m = NULL;
    struct lg_metrics_shard *sh = NULL, *sh2 = NULL;
    struct lg_counter c;
    struct lg_histogram h, h2;
    int rc = lg_metrics_new(&m);

    if (rc == 0)
        rc = lg_metrics_shard_new(m, &sh);
    if (rc == 0)
        rc = lg_metrics_shard_new(m, &sh2);
    if (rc == 0)
        rc = lg_metrics_counter(m, &d_count, l, 1, &c);
    if (rc == 0)
        rc = lg_metrics_histogram(m, &d_hist, NULL, 0, &h);
    if (rc == 0)
        rc = lg_metrics_histogram(m, &d_hist, l, 1, &h2);
    if (rc == 0) {
        lg_histogram_add(sh, h, 1);
        lg_histogram_add(sh2, h2, 1);
        rc = lg_metrics_process(m);
    }
    lg_metrics_shard_free(sh);
    lg_metrics_shard_free(sh2);
    lg_metrics_free(m);
    return rc;
}

static void test_oom(void **state)
{
    int rc = LG_ENOMEM;
    uint64_t n = 0;

    (void)state;
    while (rc == LG_ENOMEM && n < 1000) {
        (void)lg_mem_fail_from(++n);
        rc = whole_life();
        (void)lg_mem_fail_from(0);
    }
    assert_int_equal(rc, 0);
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_exposition),
            cmocka_unit_test(test_same_series_again),
            cmocka_unit_test(test_freed_shards),
            cmocka_unit_test(test_nowhere),
            cmocka_unit_test(test_buckets),
            cmocka_unit_test(test_histogram),
            cmocka_unit_test(test_callbacks),
            cmocka_unit_test(test_process),
            cmocka_unit_test(test_table),
            cmocka_unit_test(test_limits),
            cmocka_unit_test(test_threads),
            cmocka_unit_test(test_oom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
