/* The tables' figures on rows made by hand. */
#include <math.h>

#include "lg_test.h"

#include "train/report.h"

#define MIN (60 * LG_NS_PER_SEC)

static struct lg_row rows[64];
static struct lg_capture_info captures[8];
static struct lg_host_info hosts[8];
static struct lg_dataset ds;
static double score[64];
static uint8_t pick[64];

static void start(void)
{
    memset(&ds, 0, sizeof(ds));
    memset(rows, 0, sizeof(rows));
    memset(hosts, 0, sizeof(hosts));
    ds.rows.v = rows;
    ds.captures.v = captures;
    ds.captures.n = 8;
    ds.hosts.v = hosts;
    ds.hosts.n = 8;
}

/* A window that ends `minute` minutes after 1970. */
static void add(uint32_t capture, uint32_t host, int minute, enum lg_label label, double s)
{
    struct lg_row *row = &rows[ds.rows.n];

    row->capture = capture;
    row->host = host;
    row->end_ns = minute * MIN;
    row->start_ns = row->end_ns - 3 * MIN;
    row->label = (uint8_t)label;
    score[ds.rows.n++] = s;
}

static void picked(void)
{
    lg_report_pick(&ds, score, pick);
}

#define A LG_LABEL_ATTACK
#define B LG_LABEL_BENIGN
#define U LG_LABEL_UNKNOWN

static void near(double got, double want)
{
    if (!(fabs(got - want) < 1e-9))
        fail_msg("%.12g is not %.12g", got, want);
}

static void test_what_counts(void **state)
{
    (void)state;
    start();
    add(0, 0, 10, A, 1);
    add(0, 0, 11, U, 1);
    add(0, 0, 12, B, (double)NAN);
    add(1, 1, 10, B, 0);
    add(2, 2, 10, A, 1);
    rows[4].fold = LG_FOLD_EXTRA;
    picked();
    assert_int_equal(pick[0], 1);
    assert_int_equal(pick[1], 0); /* nobody knows what it is */
    assert_int_equal(pick[2], 0); /* not scored */
    assert_int_equal(pick[3], 1);
    assert_int_equal(pick[4], 0); /* outside the folds */
}

static void test_windows_and_captures_found(void **state)
{
    struct lg_window_metrics m;

    (void)state;
    start();
    add(0, 0, 10, A, 0.9); /* capture 0: one of two attack windows over the benign ones */
    add(0, 0, 11, A, 0.1);
    add(0, 1, 10, B, 0.5);
    add(1, 2, 10, A, 0.2); /* capture 1: none */
    add(1, 2, 11, U, 9.0);
    add(2, 3, 10, B, 0.3); /* capture 2: no attack in it */
    for (int i = 0; i < 18; i++)
        add(3, 4, 20 + i, B, 0.01 * i);
    picked();
    assert_int_equal(lg_report_windows(&ds, score, pick, &m), 0);
    /* 5 % of 20 benign windows is one: 0.5 is the one; threshold between 0.3 and 0.5 */
    near(m.recall[0], 1.0 / 3);
    near(m.capture_recall[0], 1.0 / 2);
    /* at 1 % and 0.1 % none may pass: threshold over 0.5 */
    near(m.recall[1], 1.0 / 3);
    near(m.recall[2], 1.0 / 3);
    near(m.capture_recall[2], 1.0 / 2);
    /* pairs in the right order: 0.9 beats 20; 0.2 beats 18 of 0..0.17; 0.1 beats 0..0.09 and
     * ties with 0.10 */
    near(m.auc, (20 + 18 + 10 + 0.5) / 60.0);
}

static void test_one_class_is_not_measurable(void **state)
{
    struct lg_window_metrics m;
    struct lg_alert_metrics a;

    (void)state;
    start();
    add(0, 0, 10, A, 0.9);
    picked();
    assert_int_equal(lg_report_windows(&ds, score, pick, &m), 0);
    assert_true(isnan(m.auc));
    assert_int_equal(lg_report_alerts(&ds, score, pick, 0.5, &a), 0);
    assert_true(isnan(a.per_day_low) && isnan(a.per_day_high));
    assert_int_equal(a.found, 1);
    start();
    add(0, 0, 10, B, 0.9);
    picked();
    assert_int_equal(lg_report_windows(&ds, score, pick, &m), 0);
    assert_true(isnan(m.capture_recall[0]) && isnan(m.recall[0]));
    assert_int_equal(lg_report_alerts(&ds, score, pick, 0.5, &a), 0);
    assert_true(isnan(a.delay_median_s));
    assert_int_equal(a.campaigns, 0);
}

static void test_delay_is_from_the_first_seed_to_the_end_of_the_first_found_window(void **state)
{
    struct lg_alert_metrics a;

    (void)state;
    start();
    hosts[0].touched = hosts[1].touched = hosts[2].touched = true;
    hosts[0].first_seed_ns = 10 * MIN;
    hosts[1].first_seed_ns = 10 * MIN + 30 * LG_NS_PER_SEC;
    hosts[2].first_seed_ns = 50 * MIN;
    add(0, 0, 11, A, 0.1); /* missed */
    add(0, 0, 12, A, 0.9); /* found: 120 s after the seed */
    add(0, 0, 13, A, 0.9);
    add(1, 1, 11, A, 0.9);          /* 30 s */
    add(2, 2, 51, A, 0.2);          /* never found */
    add(3, UINT32_MAX, 10, A, 0.9); /* nobody knows when it began: 0 s */
    picked();
    assert_int_equal(lg_report_alerts(&ds, score, pick, 0.5, &a), 0);
    assert_int_equal(a.campaigns, 4);
    assert_int_equal(a.found, 3);
    near(a.delay_median_s, 30);
    near(a.threshold, 0.5);
    /* two found: the median is their mean */
    score[5] = 0;
    assert_int_equal(lg_report_alerts(&ds, score, pick, 0.5, &a), 0);
    assert_int_equal(a.found, 2);
    near(a.delay_median_s, 75);
}

static void test_false_alerts_fold(void **state)
{
    struct lg_alert_metrics a;

    (void)state;
    start();
    add(0, 0, 10, B, 0.9); /* one run ... */
    add(0, 0, 11, B, 0.9);
    add(0, 0, 12, B, 0.1);
    add(0, 0, 44, B, 0.9); /* ... its start is 30 min after the last one's end: the same alert */
    add(0, 0, 78, B, 0.9); /* starts 31 min after: the next */
    add(0, 1, 79, B, 0.9); /* another host */
    add(1, 0, 79, B, 0.9); /* another capture */
    add(1, 0, 80, A, 0.9); /* no false one */
    add(1, 0, 81, U, 0.9);
    picked();
    assert_int_equal(lg_report_alerts(&ds, score, pick, 0.5, &a), 0);
    assert_int_equal(a.false_alerts, 4);
    near(a.benign_hours, 7 / 60.0); /* one window a minute */
    /* exact Poisson limits of 4: 1.0899 and 10.2416 */
    assert_true(fabs(a.per_day_low * a.benign_hours / 24 - 1.0899) < 1e-3);
    assert_true(fabs(a.per_day_high * a.benign_hours / 24 - 10.2416) < 1e-3);
}

static void test_hosts_without_a_role_fold_by_name(void **state)
{
    struct lg_alert_metrics a;

    (void)state;
    start();
    add(0, UINT32_MAX, 10, B, 0.9);
    add(0, UINT32_MAX, 11, B, 0.9);
    picked();
    assert_int_equal(lg_report_alerts(&ds, score, pick, 0.5, &a), 0);
    assert_int_equal(a.false_alerts, 1);
}

static void test_threshold_of_one_false_alert_a_day(void **state)
{
    double t;
    struct lg_alert_metrics a;

    (void)state;
    /* twelve minutes allow no alert at all: just above the highest benign score */
    start();
    for (int i = 0; i < 12; i++)
        add(0, 0, 10 + i, B, 0.1 * i);
    add(1, 1, 10, A, 5);
    picked();
    assert_int_equal(lg_report_daily_threshold(&ds, score, pick, &t), 0);
    assert_true(t > 1.1 && t < 1.1 + 1e-9);
    assert_int_equal(lg_report_alerts(&ds, score, pick, t, &a), 0);
    assert_int_equal(a.false_alerts, 0);
    assert_int_equal(a.found, 1);
    start();
    add(1, 1, 10, A, 5);
    picked();
    assert_int_equal(lg_report_daily_threshold(&ds, score, pick, &t), 0);
    assert_true(isinf(t)); /* no benign time at all */
}

static void test_markdown(void **state)
{
    struct lg_window_metrics m[2] = {
            {.auc = 0.9, .ap = 0.5, .recall = {1, 0.5, 0.25}, .capture_recall = {1, 1, 0}},
            {.auc = 0.8, .ap = 0.5, .recall = {0.5, 0.5, 0.25}, .capture_recall = {1, 1, 0}}};
    struct lg_alert_metrics a = {.campaigns = 5,
            .found = 3,
            .delay_median_s = 42.4,
            .false_alerts = 2,
            .benign_hours = 13.75,
            .per_day_low = 0.5,
            .per_day_high = 7};
    struct lg_buf out;

    (void)state;
    lg_buf_init(&out, 1u << 16);
    lg_report_window_row(&out, "one", m, 1);
    assert_str(lg_buf_str(&out),
            "| one | 0.900 | 0.500 | 100.0 % | 50.0 % | 25.0 % | 100.0 % | 100.0 % | 0.0 % |\n");
    lg_buf_clear(&out);
    lg_report_window_row(&out, "two", m, 2);
    assert_str(lg_buf_str(&out),
            "| two | 0.850 ± 0.071 | 0.500 ± 0.000 | 75.0 ± 35.4 % | 50.0 ± 0.0 % | 25.0 ± 0.0 % | "
            "100.0 ± 0.0 % | 100.0 ± 0.0 % | 0.0 ± 0.0 % |\n");
    lg_buf_clear(&out);
    m[0].auc = (double)NAN;
    lg_report_window_row(&out, "none", m, 1);
    assert_true(lg_str_starts(lg_buf_str(&out), LG_STR("| none | not measurable | 0.500 |")));
    lg_buf_clear(&out);
    lg_report_alert_row(&out, "x", &a);
    assert_str(lg_buf_str(&out), "| x | 3 of 5 | 42 s | 2 | 13.8 | 0.50 – 7.00 |\n");
    lg_buf_clear(&out);
    a.delay_median_s = a.per_day_low = a.per_day_high = (double)NAN;
    lg_report_alert_row(&out, "x", &a);
    assert_str(lg_buf_str(&out), "| x | 3 of 5 | not measurable | 2 | 13.8 | not measurable |\n");
    lg_buf_clear(&out);
    lg_report_window_header(&out);
    lg_report_alert_header(&out);
    assert_true(lg_str_starts(lg_buf_str(&out), LG_STR("| scorer | AUC |")));
    lg_buf_done(&out);
}

static void test_out_of_memory(void **state)
{
    struct lg_window_metrics m;
    struct lg_alert_metrics a;
    double t;
    bool whole = false;

    (void)state;
    start();
    add(0, 0, 10, A, 0.9);
    add(1, 1, 10, B, 0.1);
    picked();
    for (uint64_t n = 1; !whole && n < 100; n++) {
        int rc;

        (void)lg_mem_fail_from(n);
        rc = lg_report_windows(&ds, score, pick, &m);
        if (rc == 0)
            rc = lg_report_alerts(&ds, score, pick, 0.5, &a);
        if (rc == 0)
            rc = lg_report_daily_threshold(&ds, score, pick, &t);
        (void)lg_mem_fail_from(0);
        whole = rc == 0;
        assert_true(whole || rc == LG_ENOMEM);
    }
    assert_true(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_what_counts),
            cmocka_unit_test(test_windows_and_captures_found),
            cmocka_unit_test(test_one_class_is_not_measurable),
            cmocka_unit_test(
                    test_delay_is_from_the_first_seed_to_the_end_of_the_first_found_window),
            cmocka_unit_test(test_false_alerts_fold),
            cmocka_unit_test(test_hosts_without_a_role_fold_by_name),
            cmocka_unit_test(test_threshold_of_one_false_alert_a_day),
            cmocka_unit_test(test_markdown),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
