#include "base/queue.h"

#include <pthread.h>

#include "base/mem.h"

struct lg_queue {
    pthread_mutex_t lock;
    pthread_cond_t not_full;
    pthread_cond_t not_empty;
    size_t cap;
    size_t head;
    size_t n;
    bool closed;
    void *items[];
};

int lg_queue_new(size_t capacity, struct lg_queue **ret)
{
    struct lg_queue *q;

    if (capacity == 0 || capacity > 1u << 20)
        return LG_EINVAL;
    q = lg_calloc(1, sizeof(*q) + capacity * sizeof(void *));
    if (q == NULL)
        return LG_ENOMEM;
    q->cap = capacity;
    (void)pthread_mutex_init(&q->lock, NULL);
    (void)pthread_cond_init(&q->not_full, NULL);
    (void)pthread_cond_init(&q->not_empty, NULL);
    *ret = q;
    return 0;
}

void lg_queue_free(struct lg_queue *q)
{
    if (q == NULL)
        return;
    (void)pthread_cond_destroy(&q->not_full);
    (void)pthread_cond_destroy(&q->not_empty);
    (void)pthread_mutex_destroy(&q->lock);
    lg_free(q);
}

bool lg_queue_push(struct lg_queue *q, void *item)
{
    bool ok;

    (void)pthread_mutex_lock(&q->lock);
    while (q->n == q->cap && !q->closed)
        (void)pthread_cond_wait(&q->not_full, &q->lock);
    ok = !q->closed;
    if (ok) {
        q->items[(q->head + q->n++) % q->cap] = item;
        (void)pthread_cond_signal(&q->not_empty);
    }
    (void)pthread_mutex_unlock(&q->lock);
    return ok;
}

bool lg_queue_pop(struct lg_queue *q, void **ret)
{
    bool ok;

    (void)pthread_mutex_lock(&q->lock);
    while (q->n == 0 && !q->closed)
        (void)pthread_cond_wait(&q->not_empty, &q->lock);
    ok = q->n > 0;
    if (ok) {
        *ret = q->items[q->head];
        q->head = (q->head + 1) % q->cap;
        q->n--;
        (void)pthread_cond_signal(&q->not_full);
    }
    (void)pthread_mutex_unlock(&q->lock);
    return ok;
}

void lg_queue_close(struct lg_queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    q->closed = true;
    (void)pthread_cond_broadcast(&q->not_full);
    (void)pthread_cond_broadcast(&q->not_empty);
    (void)pthread_mutex_unlock(&q->lock);
}
