#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "train/metrics.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

static void near(double got, double want, double eps)
{
    if (fabs(got - want) > eps)
        fail_msg("%.9g is not %.9g", got, want);
}

/* Every pair counted by hand. */
static double slow_auc(const double *s, const uint8_t *y, size_t n)
{
    double right = 0, pairs = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            if (y[i] == 1 && y[k] == 0) {
                pairs++;
                right += s[i] > s[k] ? 1 : s[i] == s[k] ? 0.5 : 0;
            }
    return right / pairs;
}

static void test_auc_is_the_share_of_right_pairs(void **state)
{
    double s[200], auc;
    uint8_t y[200];
    uint32_t x = 12345;

    (void)state;
    for (size_t i = 0; i < N(s); i++) {
        x = x * 1664525u + 1013904223u;
        s[i] = (x >> 24) % 16; /* many ties */
        y[i] = (x >> 12) % 3 == 0;
    }
    assert_int_equal(lg_metric_auc(s, y, N(s), &auc), 0);
    near(auc, slow_auc(s, y, N(s)), 1e-12);
}

static void test_one_class_is_not_measurable(void **state)
{
    const double s[] = {1, 2};
    const uint8_t y[] = {0, 0};
    double v;

    (void)state;
    assert_int_equal(lg_metric_auc(s, y, 2, &v), 0);
    assert_true(isnan(v));
    assert_int_equal(lg_metric_ap(s, y, 2, &v), 0);
    assert_true(isnan(v));
    assert_true(isnan(lg_metric_recall(s, y, 2, 0)));
}

static void test_average_precision(void **state)
{
    const double s[] = {4, 3, 2, 1};
    const uint8_t y[] = {1, 0, 1, 0};
    double ap;

    (void)state;
    assert_int_equal(lg_metric_ap(s, y, 4, &ap), 0);
    near(ap, (1.0 + 2.0 / 3) / 2, 1e-12);
}

static void test_threshold_allows_the_share_and_no_more(void **state)
{
    double s[110], t;
    uint8_t y[110];

    (void)state;
    for (int i = 0; i < 100; i++) {
        s[i] = i;
        y[i] = 0;
    }
    for (int i = 100; i < 110; i++) {
        s[i] = i - 7;
        y[i] = 1;
    }
    for (int allowed = 0; allowed <= 5; allowed++) {
        int over = 0;

        assert_int_equal(lg_metric_threshold(s, y, 110, allowed / 100.0, &t), 0);
        for (int i = 0; i < 100; i++)
            over += s[i] >= t;
        assert_int_equal(over, allowed);
    }
    assert_int_equal(lg_metric_threshold(s, y, 110, 0, &t), 0);
    near(lg_metric_recall(s, y, 110, t), 0.3, 1e-12); /* 100, 101, 102 */
}

/* Garwood's limits as tables print them. */
static void test_poisson_interval(void **state)
{
    static const struct {
        uint32_t k;
        double low, high;
    } rows[] = {{0, 0, 3.6889}, {1, 0.0253, 5.5716}, {5, 1.6235, 11.6683}, {10, 4.7954, 18.3904},
            {100, 81.3636, 121.6271}};

    (void)state;
    for (size_t i = 0; i < N(rows); i++) {
        double low, high;

        lg_metric_poisson95(rows[i].k, &low, &high);
        near(low, rows[i].low, 1e-3);
        near(high, rows[i].high, 1e-3);
    }
}

static void test_platt_finds_the_curve_it_was_drawn_from(void **state)
{
    static double s[4000];
    static uint8_t y[4000];
    uint64_t x = 88172645463325252u;
    double a, b;

    (void)state;
    for (size_t i = 0; i < N(s); i++) {
        s[i] = (double)i / N(s) * 8 - 4;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        y[i] = (double)(x >> 11) * 0x1p-53 < 1 / (1 + exp(-(1.5 * s[i] - 0.7)));
    }
    assert_int_equal(lg_metric_platt(s, y, NULL, N(s), &a, &b), 0);
    near(a, 1.5, 0.15);
    near(b, -0.7, 0.15);
    for (size_t i = 0; i < N(s); i++)
        y[i] = !y[i]; /* a score that points the wrong way must not turn the verdict round */
    assert_int_equal(lg_metric_platt(s, y, NULL, N(s), &a, &b), 0);
    assert_true(a > 0);
}

static void test_mean_and_deviation(void **state)
{
    const double v[] = {1, 2, 3, 4};
    double mean, dev;

    (void)state;
    lg_metric_mean_std(v, 4, &mean, &dev);
    near(mean, 2.5, 1e-12);
    near(dev, 1.2909944, 1e-6);
    lg_metric_mean_std(v, 1, &mean, &dev);
    near(dev, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_auc_is_the_share_of_right_pairs),
            cmocka_unit_test(test_one_class_is_not_measurable),
            cmocka_unit_test(test_average_precision),
            cmocka_unit_test(test_threshold_allows_the_share_and_no_more),
            cmocka_unit_test(test_poisson_interval),
            cmocka_unit_test(test_platt_finds_the_curve_it_was_drawn_from),
            cmocka_unit_test(test_mean_and_deviation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
