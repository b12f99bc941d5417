#include "lg_test.h"

#include <pthread.h>

#include "access/ratelimit.h"
#include "base/parse.h"

#define S LG_NS_PER_SEC

static void test_bucket(void **state)
{
    struct lg_bucket b = {0};
    int64_t wait = -1;

    (void)state;
    for (int i = 0; i < 5; i++) /* starts full */
        assert_int_equal(lg_bucket_take(&b, 10, 5, 1, 0, &wait), 0);
    assert_int_equal(lg_bucket_take(&b, 10, 5, 1, 0, &wait), LG_EREFUSED);
    assert_int_equal(wait, S / 10);
    assert_int_equal(lg_bucket_take(&b, 10, 5, 1, S / 10 - 1, &wait), LG_EREFUSED);
    assert_int_equal(wait, 1);
    assert_int_equal(lg_bucket_take(&b, 10, 5, 1, S / 10, &wait), 0);
    assert_int_equal(lg_bucket_level(&b, 10, 5, S), 5);                    /* not past the burst */
    assert_int_equal(lg_bucket_take(&b, 10, 5, 1, 0, &wait), LG_EREFUSED); /* clock went back */
    assert_int_equal(lg_bucket_take(&b, 10, 5, 50, S, &wait), 0); /* larger than the bucket */
    assert_int_equal(lg_bucket_take(&b, 10, 5, 1, S, &wait), LG_EREFUSED);
    assert_int_equal(lg_bucket_take(&b, 0, 5, 1, S, &wait), 0); /* unlimited */
}

static void test_bucket_extremes(void **state)
{
    struct lg_bucket b = {0};
    int64_t wait;

    (void)state;
    assert_int_equal(lg_bucket_take(&b, UINT64_MAX, UINT64_MAX, UINT64_MAX, INT64_MIN, &wait), 0);
    assert_int_equal(lg_bucket_take(&b, UINT64_MAX, UINT64_MAX, 1, INT64_MAX, &wait), 0);
    memset(&b, 0, sizeof(b));
    assert_int_equal(lg_bucket_take(&b, 1, 0, 1, 0, NULL), 0); /* burst 0 counts as 1 */
    assert_int_equal(lg_bucket_take(&b, 1, 0, 1, 0, NULL), LG_EREFUSED);
}

/* Over a long time exactly `rate` a second pass, whatever the steps. */
static void test_rate_holds(void **state)
{
    struct lg_bucket b = {0};
    uint64_t seed = 3, passed = 0;
    int64_t now = 0;

    (void)state;
    while (now < 1000 * S) {
        if (lg_bucket_take(&b, 7, 3, 1, now, NULL) == 0)
            passed++;
        now += (int64_t)(next_random(&seed) % (uint64_t)(S / 20));
    }
    assert_in_range(passed, 7000 - 2, 7000 + 3);
}

static void test_keys(void **state)
{
    struct lg_ratelimit *rl;
    char key[16];

    (void)state;
    assert_int_equal(lg_ratelimit_new(1, 1, 0, &rl), LG_EINVAL);
    assert_int_equal(lg_ratelimit_new(1, 1, 4, &rl), 0);
    assert_int_equal(lg_ratelimit_take(rl, LG_STR("a"), 1, 0, NULL), 0);
    assert_int_equal(lg_ratelimit_take(rl, LG_STR("a"), 1, 0, NULL), LG_EREFUSED);
    assert_int_equal(lg_ratelimit_take(rl, LG_STR("b"), 1, 0, NULL), 0);
    for (int i = 0; i < 3; i++) { /* the third one pushes out b; a is used all along */
        (void)snprintf(key, sizeof(key), "c%d", i);
        assert_int_equal(lg_ratelimit_take(rl, LG_STR("a"), 1, 0, NULL), LG_EREFUSED);
        assert_int_equal(lg_ratelimit_take(rl, lg_str_z(key), 1, 0, NULL), 0);
    }
    assert_int_equal(lg_ratelimit_take(rl, LG_STR("b"), 1, 0, NULL), 0); /* forgotten: kind */
    lg_ratelimit_set(rl, 0, 0);
    assert_int_equal(lg_ratelimit_take(rl, LG_STR("a"), 1, 0, NULL), 0);
    lg_ratelimit_free(rl);
    lg_ratelimit_free(NULL);
}

/* Many more keys than places: bounded, and the list stays sound. */
static void test_churn(void **state)
{
    struct lg_ratelimit *rl;
    uint64_t seed = 11;
    char key[24];

    (void)state;
    assert_int_equal(lg_ratelimit_new(5, 5, 64, &rl), 0);
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(key, sizeof(key), "k%u", (unsigned)(next_random(&seed) % 500));
        (void)!lg_ratelimit_take(rl, lg_str_z(key), 1, i * 1000, NULL);
    }
    lg_ratelimit_free(rl);
}

#define THREADS 4
static struct lg_ratelimit *shared;
static unsigned passed_of[THREADS];

static void *hammer(void *arg)
{
    unsigned *passed = arg;

    for (int i = 0; i < 2000; i++)
        if (lg_ratelimit_take(shared, LG_STR("one"), 1, 0, NULL) == 0)
            (*passed)++;
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t t[THREADS];
    unsigned sum = 0;

    (void)state;
    assert_int_equal(lg_ratelimit_new(1, 1000, 8, &shared), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, hammer, &passed_of[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(t[i], NULL);
        sum += passed_of[i];
    }
    assert_int_equal(sum, 1000);
    lg_ratelimit_free(shared);
}

static void test_out_of_memory(void **state)
{
    struct lg_ratelimit *rl = NULL;
    int rc = LG_ENOMEM;

    (void)state;
    for (uint64_t n = 1; rc == LG_ENOMEM && n < 20; n++) {
        (void)lg_mem_fail_from(n);
        rc = lg_ratelimit_new(1, 1, 4, &rl);
        (void)lg_mem_fail_from(0);
    }
    assert_int_equal(rc, 0);
    (void)lg_mem_fail_from(1);
    for (int i = 0; i < 3; i++) /* no memory for the key: passes */
        assert_int_equal(lg_ratelimit_take(rl, LG_STR("a"), 1, 0, NULL), 0);
    (void)lg_mem_fail_from(0);
    lg_ratelimit_free(rl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_bucket),
            cmocka_unit_test(test_bucket_extremes),
            cmocka_unit_test(test_rate_holds),
            cmocka_unit_test(test_keys),
            cmocka_unit_test(test_churn),
            cmocka_unit_test(test_threads),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
