/* The bounded queue between threads; runs under ThreadSanitizer too. */
#include "cm.h"

#include <pthread.h>

#include "base/queue.h"

#define PRODUCERS 3
#define CONSUMERS 3
#define ITEMS 4000

static struct lg_queue *queue;
static size_t sums[CONSUMERS];

static void *produce(void *arg)
{
    size_t first = (size_t)arg;

    for (size_t i = 0; i < ITEMS; i++)
        if (!lg_queue_push(queue, (void *)(first + i * PRODUCERS + 1)))
            return NULL;
    return arg;
}

static void *consume(void *arg)
{
    size_t *sum = arg;
    void *item;

    while (lg_queue_pop(queue, &item))
        *sum += (size_t)item;
    return NULL;
}

/* Each item arrives once, whoever takes it, through a queue that is mostly full. */
static void test_many_threads(void **state)
{
    pthread_t p[PRODUCERS], c[CONSUMERS];
    size_t n = (size_t)PRODUCERS * ITEMS, sum = 0;

    (void)state;
    assert_int_equal(lg_queue_new(2, &queue), 0);
    for (size_t i = 0; i < CONSUMERS; i++)
        assert_int_equal(pthread_create(&c[i], NULL, consume, &sums[i]), 0);
    for (size_t i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&p[i], NULL, produce, (void *)i), 0);
    for (size_t i = 0; i < PRODUCERS; i++) {
        void *done;

        assert_int_equal(pthread_join(p[i], &done), 0);
        assert_int_equal((size_t)done, i);
    }
    lg_queue_close(queue);
    for (size_t i = 0; i < CONSUMERS; i++) {
        assert_int_equal(pthread_join(c[i], NULL), 0);
        sum += sums[i];
    }
    assert_int_equal(sum, n * (n + 1) / 2);
    lg_queue_free(queue);
}

static void test_order_and_close(void **state)
{
    int items[3];
    void *got;

    (void)state;
    assert_int_equal(lg_queue_new(0, &queue), LG_EINVAL);
    assert_int_equal(lg_queue_new(4, &queue), 0);
    for (int i = 0; i < 3; i++)
        assert_true(lg_queue_push(queue, &items[i]));
    lg_queue_close(queue);
    assert_false(lg_queue_push(queue, &items[0]));
    for (int i = 0; i < 3; i++) {
        assert_true(lg_queue_pop(queue, &got));
        assert_ptr_equal(got, &items[i]);
    }
    assert_false(lg_queue_pop(queue, &got));
    lg_queue_free(queue);
    lg_queue_free(NULL);
}

static void *push_full(void *arg)
{
    return lg_queue_push(queue, arg) ? arg : NULL;
}

/* A push that waits on a full queue comes back, refused, when the queue is closed. */
static void test_close_wakes(void **state)
{
    pthread_t t;
    int item;
    void *done;

    (void)state;
    assert_int_equal(lg_queue_new(1, &queue), 0);
    assert_true(lg_queue_push(queue, &item));
    assert_int_equal(pthread_create(&t, NULL, push_full, &item), 0);
    lg_queue_close(queue);
    assert_int_equal(pthread_join(t, &done), 0);
    assert_null(done);
    lg_queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_many_threads),
            cmocka_unit_test(test_order_and_close),
            cmocka_unit_test(test_close_wakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
