#include "gnn/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/mem.h"

struct worker {
    struct lg_gnn_pool *pool;
    uint32_t id;
    pthread_t thread;
};

struct lg_gnn_pool {
    struct worker *workers; /* helpers; the caller is none of them */
    uint32_t n;
    pthread_mutex_t lock;
    pthread_cond_t start, done;
    uint64_t round;   /* under lock: counts runs */
    uint32_t working; /* under lock: helpers that have not finished the round */
    bool stop;        /* under lock */
    void (*fn)(void *arg, uint32_t task, uint32_t worker);
    void *arg;
    uint32_t tasks;
    _Atomic uint32_t next;
};

static void work(struct lg_gnn_pool *pool, uint32_t id)
{
    for (;;) {
        uint32_t task = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);

        if (task >= pool->tasks)
            return;
        pool->fn(pool->arg, task, id);
    }
}

static void *helper(void *arg)
{
    struct worker *w = arg;
    struct lg_gnn_pool *pool = w->pool;
    uint64_t seen = 0;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->stop && pool->round == seen)
            pthread_cond_wait(&pool->start, &pool->lock);
        if (pool->stop)
            break;
        seen = pool->round;
        pthread_mutex_unlock(&pool->lock);
        work(pool, w->id);
        pthread_mutex_lock(&pool->lock);
        if (--pool->working == 0)
            pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

int lg_gnn_pool_new(uint32_t threads, struct lg_gnn_pool **ret)
{
    struct lg_gnn_pool *pool = lg_calloc(1, sizeof(*pool));
    struct worker *workers = lg_calloc(threads, sizeof(*workers));

    if (pool == NULL || workers == NULL) {
        lg_free(pool);
        lg_free(workers);
        return LG_ENOMEM;
    }
    pool->workers = workers;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->start, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (; pool->n + 1 < threads; pool->n++) {
        struct worker *w = &workers[pool->n];

        *w = (struct worker){.pool = pool, .id = pool->n + 1};
        if (pthread_create(&w->thread, NULL, helper, w) != 0) {
            lg_gnn_pool_free(pool);
            return LG_ENOMEM;
        }
    }
    *ret = pool;
    return 0;
}

void lg_gnn_pool_free(struct lg_gnn_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->n; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->start);
    pthread_cond_destroy(&pool->done);
    lg_free(pool->workers);
    lg_free(pool);
}

void lg_gnn_pool_run(struct lg_gnn_pool *pool, uint32_t n,
        void (*fn)(void *arg, uint32_t task, uint32_t worker), void *arg)
{
    pthread_mutex_lock(&pool->lock);
    pool->fn = fn;
    pool->arg = arg;
    pool->tasks = n;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    pool->working = pool->n;
    pool->round++;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    work(pool, 0);
    pthread_mutex_lock(&pool->lock);
    while (pool->working > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
