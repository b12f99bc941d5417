/* The system's clocks: what they count in, and that waits go by the monotonic one. */
#include <errno.h>
#include <string.h>

#include "cm.h"

#include "base/clock.h"

static void test_clocks_count_nanoseconds(void **state)
{
    int64_t first = lg_clock_monotonic();

    (void)state;
    assert_true(lg_clock_monotonic() >= first);
    assert_true(lg_clock_wall() / LG_NS_PER_SEC >= time(NULL) - 1);
    assert_true(lg_clock_wall() / LG_NS_PER_SEC <= time(NULL) + 1);
}

static void test_deadline(void **state)
{
    int64_t before = lg_clock_monotonic();
    struct timespec ts = lg_clock_deadline(LG_NS_PER_SEC * 5 / 2);
    int64_t at = (int64_t)ts.tv_sec * LG_NS_PER_SEC + ts.tv_nsec;

    (void)state;
    assert_true(ts.tv_nsec >= 0 && ts.tv_nsec < LG_NS_PER_SEC);
    assert_true(at >= before + LG_NS_PER_SEC * 5 / 2);
    assert_true(at <= lg_clock_monotonic() + LG_NS_PER_SEC * 5 / 2);
}

/* On the wall clock such a deadline would be decades in the past, and the wait over at once. */
static void test_a_condition_waits_by_it(void **state)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct timespec until = lg_clock_deadline(20 * 1000000);
    int64_t before = lg_clock_monotonic();
    pthread_cond_t cond;
    int rc = 0;

    (void)state;
    lg_clock_cond_init(&cond);
    (void)pthread_mutex_lock(&lock);
    while (rc == 0)
        rc = pthread_cond_timedwait(&cond, &lock, &until);
    (void)pthread_mutex_unlock(&lock);
    assert_int_equal(rc, ETIMEDOUT);
    assert_true(lg_clock_monotonic() - before >= 19 * 1000000);
    (void)pthread_cond_destroy(&cond);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_clocks_count_nanoseconds),
            cmocka_unit_test(test_deadline),
            cmocka_unit_test(test_a_condition_waits_by_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
