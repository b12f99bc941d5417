#include "access/ratelimit.h"

#include <pthread.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/parse.h"

#define NS ((uint64_t)LG_NS_PER_SEC)
#define MAX_UNITS (UINT64_MAX / NS / 2) /* what a level can hold with room to add */

static uint64_t clip(uint64_t units)
{
    return units < MAX_UNITS ? units : MAX_UNITS;
}

static uint64_t level_at(const struct lg_bucket *b, uint64_t rate, uint64_t burst, int64_t now_ns)
{
    uint64_t full = clip(burst) * NS, gone, flow;

    if (!b->started)
        return full;
    if (b->level_n >= full)
        return full;
    if (now_ns <= b->at_ns)
        return b->level_n;
    gone = (uint64_t)now_ns - (uint64_t)b->at_ns;
    if (__builtin_mul_overflow(gone, rate, &flow) || flow >= full - b->level_n)
        return full;
    return b->level_n + flow;
}

int lg_bucket_take(struct lg_bucket *b, uint64_t rate, uint64_t burst, uint64_t cost,
        int64_t now_ns, int64_t *ret_wait_ns)
{
    uint64_t full, want, level, wait;

    if (rate == 0)
        return 0;
    if (burst == 0)
        burst = 1;
    full = clip(burst) * NS;
    level = level_at(b, rate, burst, now_ns);
    want = cost > clip(burst) ? full : cost * NS;
    if (!b->started || now_ns > b->at_ns)
        b->at_ns = now_ns;
    b->started = true;
    b->level_n = level;
    if (level >= want) {
        b->level_n -= want;
        return 0;
    }
    wait = (want - level + rate - 1) / rate;
    if (ret_wait_ns != NULL)
        *ret_wait_ns = wait < INT64_MAX ? (int64_t)wait : INT64_MAX;
    return LG_EREFUSED;
}

uint64_t lg_bucket_level(const struct lg_bucket *b, uint64_t rate, uint64_t burst, int64_t now_ns)
{
    return level_at(b, rate, burst, now_ns) / NS;
}

/* Slots of keys in an array; `next` and `prev` make the list from the latest used to the oldest. */
struct slot {
    uint64_t key;
    struct lg_bucket bucket;
    uint32_t prev, next;
};

#define NONE UINT32_MAX

struct lg_ratelimit {
    pthread_mutex_t lock;
    uint64_t rate, burst;
    struct lg_map by_key;
    struct slot *slots;
    uint32_t n, cap;
    uint32_t newest, oldest;
};

int lg_ratelimit_new(uint64_t rate, uint64_t burst, size_t max_keys, struct lg_ratelimit **ret)
{
    struct lg_ratelimit *rl;

    if (max_keys == 0 || max_keys > 1u << 24)
        return LG_EINVAL;
    rl = lg_calloc(1, sizeof(*rl));
    if (rl == NULL)
        return LG_ENOMEM;
    rl->slots = lg_calloc(max_keys, sizeof(*rl->slots));
    if (rl->slots == NULL) {
        lg_free(rl);
        return LG_ENOMEM;
    }
    rl->cap = (uint32_t)max_keys;
    rl->newest = rl->oldest = NONE;
    rl->rate = rate;
    rl->burst = burst;
    lg_map_init(&rl->by_key);
    (void)pthread_mutex_init(&rl->lock, NULL);
    *ret = rl;
    return 0;
}

void lg_ratelimit_free(struct lg_ratelimit *rl)
{
    if (rl == NULL)
        return;
    (void)pthread_mutex_destroy(&rl->lock);
    lg_map_done(&rl->by_key);
    lg_free(rl->slots);
    lg_free(rl);
}

static void list_cut(struct lg_ratelimit *rl, uint32_t i)
{
    struct slot *s = &rl->slots[i];

    if (s->prev != NONE)
        rl->slots[s->prev].next = s->next;
    else
        rl->newest = s->next;
    if (s->next != NONE)
        rl->slots[s->next].prev = s->prev;
    else
        rl->oldest = s->prev;
}

static void list_front(struct lg_ratelimit *rl, uint32_t i)
{
    struct slot *s = &rl->slots[i];

    s->prev = NONE;
    s->next = rl->newest;
    if (rl->newest != NONE)
        rl->slots[rl->newest].prev = i;
    else
        rl->oldest = i;
    rl->newest = i;
}

static struct slot *slot_of(struct lg_ratelimit *rl, uint64_t key)
{
    uint64_t *found = lg_map_get(&rl->by_key, key);
    uint32_t i;

    if (found != NULL) {
        i = (uint32_t)*found;
        list_cut(rl, i);
        list_front(rl, i);
        return &rl->slots[i];
    }
    i = rl->n < rl->cap ? rl->n : rl->oldest;
    if (lg_map_put(&rl->by_key, key, i) < 0)
        return NULL;
    if (rl->n < rl->cap) {
        rl->n++;
    } else {
        (void)lg_map_del(&rl->by_key, rl->slots[i].key);
        list_cut(rl, i);
    }
    memset(&rl->slots[i], 0, sizeof(rl->slots[i]));
    rl->slots[i].key = key;
    list_front(rl, i);
    return &rl->slots[i];
}

int lg_ratelimit_take(struct lg_ratelimit *rl, struct lg_str key, uint64_t cost, int64_t now_ns,
        int64_t *ret_wait_ns)
{
    /* keys that collide share a bucket: with a secret 64-bit hash nobody can aim for that */
    uint64_t h = lg_hash_str(key, lg_hash_secret());
    struct slot *s;
    int rc = 0;

    (void)pthread_mutex_lock(&rl->lock);
    s = rl->rate > 0 ? slot_of(rl, h) : NULL;
    if (s != NULL)
        rc = lg_bucket_take(&s->bucket, rl->rate, rl->burst, cost, now_ns, ret_wait_ns);
    (void)pthread_mutex_unlock(&rl->lock);
    return rc;
}

void lg_ratelimit_set(struct lg_ratelimit *rl, uint64_t rate, uint64_t burst)
{
    (void)pthread_mutex_lock(&rl->lock);
    rl->rate = rate;
    rl->burst = burst;
    (void)pthread_mutex_unlock(&rl->lock);
}
