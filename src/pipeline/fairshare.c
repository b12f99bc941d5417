#include "pipeline/fairshare.h"

#include "base/hash.h"
#include "pipeline/fairshare_int.h"

#define SCAN_EVERY 64 /* records drained between two looks at the log */

/* --- buckets */

static double burst_of(double rate, double burst)
{
    return burst > 0 ? burst : rate * 10;
}

static void refill(struct fair_bucket *b, double rate, double burst, lg_time now)
{
    if (b->at == 0) {
        b->tokens = burst;
        b->at = now;
        return;
    }
    if (now <= b->at) /* the clock may jump back: no tokens for that */
        return;
    b->tokens += (double)(now - b->at) / (double)LG_NS_PER_SEC * rate;
    b->tokens = b->tokens < burst ? b->tokens : burst;
    b->at = now;
}

/* --- who */

static struct lg_str key_of(const struct fair_endpoint *e)
{
    return lg_str_of(e->key, e->n);
}

static uint64_t hash_key(struct lg_str key, int32_t partition, unsigned attempt)
{
    uint64_t which = (uint64_t)(uint32_t)partition << 32 | attempt;

    return lg_hash_mix(lg_hash_str(key, lg_hash_secret()), which);
}

struct fair_endpoint *lg_fair_endpoint(
        struct lg_fairshare *fs, int32_t partition, struct lg_str key, bool make)
{
    struct fair_endpoint *e;

    for (unsigned attempt = 0;; attempt++) { /* two keys with one hash: the next one's place */
        uint64_t h = hash_key(key, partition, attempt);
        const uint64_t *at = lg_map_get(&fs->endpoints, h);

        if (at != NULL) {
            e = (struct fair_endpoint *)(uintptr_t)*at;
            if (e->partition == partition && lg_str_eq(key_of(e), key))
                return e;
            continue;
        }
        if (!make)
            return NULL;
        e = lg_calloc(1, sizeof(*e) + key.n + 1);
        if (e == NULL)
            return NULL;
        if (key.n > 0)
            memcpy(e->key, key.p, key.n);
        e->n = key.n;
        e->partition = partition;
        e->resume = -1;
        if (lg_vec_push(&fs->all, e) < 0 || lg_map_put(&fs->endpoints, h, (uintptr_t)e) < 0) {
            if (fs->all.n > 0 && fs->all.v[fs->all.n - 1] == e)
                fs->all.n--;
            lg_free(e);
            return NULL;
        }
        return e;
    }
}

static struct fair_tenant *tenant(struct lg_fairshare *fs, struct lg_str name)
{
    struct fair_tenant *t;

    for (unsigned attempt = 0;; attempt++) {
        uint64_t h = hash_key(name, -1, attempt);
        const uint64_t *at = lg_map_get(&fs->tenants, h);

        if (at != NULL) {
            t = (struct fair_tenant *)(uintptr_t)*at;
            if (lg_str_eq(lg_str_of(t->name, t->n), name))
                return t;
            continue;
        }
        t = lg_calloc(1, sizeof(*t) + name.n + 1);
        if (t == NULL)
            return NULL;
        if (name.n > 0)
            memcpy(t->name, name.p, name.n);
        t->n = name.n;
        if (lg_vec_push(&fs->all_tenants, t) < 0 || lg_map_put(&fs->tenants, h, (uintptr_t)t) < 0) {
            if (fs->all_tenants.n > 0 && fs->all_tenants.v[fs->all_tenants.n - 1] == t)
                fs->all_tenants.n--;
            lg_free(t);
            return NULL;
        }
        return t;
    }
}

/* --- the ring */

void lg_fair_ring_add(struct lg_fairshare *fs, struct fair_endpoint *e)
{
    if (e->next != NULL)
        return;
    e->credit = fs->opt.quantum;
    if (fs->ring == NULL) {
        fs->ring = e->next = e->prev = e;
    } else { /* last in turn */
        e->next = fs->ring;
        e->prev = fs->ring->prev;
        e->prev->next = e;
        e->next->prev = e;
    }
    fs->n_ring++;
}

void lg_fair_ring_del(struct lg_fairshare *fs, struct fair_endpoint *e)
{
    if (e->next == NULL)
        return;
    if (fs->ring == e)
        fs->ring = e->next == e ? NULL : e->next;
    e->prev->next = e->next;
    e->next->prev = e->prev;
    e->next = e->prev = NULL;
    fs->n_ring--;
}

/* --- life */

int lg_fairshare_new(const struct lg_fairshare_options *opt, struct lg_fairshare **ret)
{
    struct lg_fairshare *fs = lg_calloc(1, sizeof(*fs));

    if (fs == NULL)
        return LG_ENOMEM;
    fs->opt = *opt;
    if (fs->opt.window_bytes == 0)
        fs->opt.window_bytes = (size_t)16 << 20;
    if (fs->opt.max_endpoints == 0)
        fs->opt.max_endpoints = 65536;
    if (fs->opt.quantum == 0)
        fs->opt.quantum = 64;
    lg_map_init(&fs->endpoints);
    lg_map_init(&fs->tenants);
    *ret = fs;
    return 0;
}

static void drop_queue(struct lg_fairshare *fs, struct fair_endpoint *e)
{
    for (size_t i = 0; i < e->queue.n; i++)
        lg_free(e->queue.v[i]);
    fs->window -= e->queue_bytes;
    e->queue_bytes = 0;
    e->first = 0;
    lg_vec_done(&e->queue);
}

void lg_fairshare_free(struct lg_fairshare *fs)
{
    if (fs == NULL)
        return;
    for (size_t i = 0; i < fs->all.n; i++) {
        drop_queue(fs, fs->all.v[i]);
        lg_free(fs->all.v[i]);
    }
    for (size_t i = 0; i < fs->all_tenants.n; i++)
        lg_free(fs->all_tenants.v[i]);
    lg_vec_done(&fs->all);
    lg_vec_done(&fs->all_tenants);
    lg_vec_done(&fs->parts);
    lg_vec_done(&fs->journal);
    lg_map_done(&fs->endpoints);
    lg_map_done(&fs->tenants);
    lg_free(fs);
}

void lg_fairshare_set_rates(struct lg_fairshare *fs, const struct lg_fairshare_options *opt)
{
    fs->opt.endpoint_rate = opt->endpoint_rate;
    fs->opt.endpoint_burst = opt->endpoint_burst;
    fs->opt.tenant_rate = opt->tenant_rate;
    fs->opt.tenant_burst = opt->tenant_burst;
    fs->opt.drain_rate = opt->drain_rate;
}

void lg_fairshare_revoked(struct lg_fairshare *fs, int32_t partition)
{
    struct fair_part *p = lg_fair_part(fs, partition);

    for (size_t i = 0; i < fs->all.n; i++) {
        struct fair_endpoint *e = fs->all.v[i];

        if (e->partition != partition)
            continue;
        fs->stats.waiting -= e->held;
        fs->stats.endpoints_held -= e->held > 0;
        lg_fair_ring_del(fs, e);
        drop_queue(fs, e);
        e->held = e->scanned = 0;
        e->resume = -1;
        e->done = 0;
    }
    fs->journal.n = 0; /* what it would take back is gone, or was published long ago */
    if (p != NULL)
        *p = fs->parts.v[--fs->parts.n];
}

/* --- offers */

static void measure(struct fair_endpoint *e, uint32_t n, lg_time now)
{
    lg_time dt = now - e->rate_at;

    e->rate_n += n;
    if (e->rate_at == 0 || dt < 0) {
        e->rate_at = now;
        return;
    }
    if (dt < LG_NS_PER_SEC)
        return;
    e->rate += 0.3 * ((double)e->rate_n * (double)LG_NS_PER_SEC / (double)dt - e->rate);
    e->rate_n = 0;
    e->rate_at = now;
}

static bool pay(struct lg_fairshare *fs, struct fair_endpoint *e, struct fair_tenant *t, uint32_t n,
        lg_time now)
{
    const struct lg_fairshare_options *o = &fs->opt;

    if (e != NULL && o->endpoint_rate > 0) {
        refill(&e->bucket, o->endpoint_rate, burst_of(o->endpoint_rate, o->endpoint_burst), now);
        if (e->bucket.tokens < 1)
            return false;
    }
    if (o->tenant_rate > 0) {
        refill(&t->bucket, o->tenant_rate, burst_of(o->tenant_rate, o->tenant_burst), now);
        if (e != NULL && t->bucket.tokens < 1)
            return false;
        t->bucket.tokens -= n;
    }
    if (e != NULL && o->endpoint_rate > 0)
        e->bucket.tokens -= n;
    return true;
}

int lg_fairshare_offer(struct lg_fairshare *fs, int32_t partition, struct lg_str tenant_name,
        struct lg_str endpoint, uint32_t n, lg_time now)
{
    /* Past the cap nobody new is remembered; who is not remembered is never held back. */
    bool room = fs->all.n < 2 * fs->opt.max_endpoints;
    struct fair_endpoint *e = lg_fair_endpoint(fs, partition, endpoint, room);
    struct fair_tenant *t = tenant(fs, tenant_name);
    struct fair_undo u = {.op = FAIR_OFFERED, .e = e, .t = t};

    if (t == NULL || (e == NULL && room) || lg_vec_reserve(&fs->journal, fs->journal.n + 1) < 0)
        return LG_ENOMEM;
    fs->now = now > fs->now ? now : fs->now;
    u.t_before = t->bucket;
    if (e != NULL) {
        u.e_before = e->bucket;
        e->tenant = t;
        measure(e, n, now);
    }
    if ((e == NULL || e->held == 0) && (pay(fs, e, t, n, now) || e == NULL)) {
        fs->stats.direct++;
        (void)!lg_vec_push(&fs->journal, u);
        return LG_FAIR_DIRECT;
    }
    u.op = FAIR_HELD;
    (void)!lg_vec_push(&fs->journal, u);
    if (e->held++ == 0) {
        fs->stats.endpoints_held++;
        e->since = now;
    }
    fs->stats.held++;
    fs->stats.waiting++;
    return LG_FAIR_HOLD;
}

/* --- draining */

static void note_drained(struct lg_fairshare *fs, struct fair_endpoint *e, const struct fair_rec *r)
{
    e->first++;
    e->scanned--;
    e->held--;
    e->done = r->rec.offset + 1;
    e->credit--;
    fs->stats.waiting--;
    fs->stats.drained++;
    fs->since_scan++;
    if (e->held == 0)
        fs->stats.endpoints_held--;
    if (e->scanned == 0)
        lg_fair_ring_del(fs, e);
}

/* Looks at the logs, if there may be something new in them that matters now. */
static int look(struct lg_fairshare *fs, struct lg_err *reterr)
{
    int rc = 0;

    if (fs->ring != NULL && fs->since_scan < SCAN_EVERY)
        return 0;
    fs->since_scan = 0;
    for (size_t i = 0; rc >= 0 && i < fs->parts.n; i++)
        rc = lg_fair_scan(fs, &fs->parts.v[i], reterr);
    return rc < 0 ? rc : 0;
}

/* The endpoint whose turn it is, with something in its queue; NULL: nobody. */
static int pick(struct lg_fairshare *fs, struct fair_endpoint **ret, struct lg_err *reterr)
{
    *ret = NULL;
    while (fs->ring != NULL) {
        struct fair_endpoint *e;
        int rc = 0;

        if (fs->ring->credit == 0) {
            fs->ring->credit = fs->opt.quantum;
            fs->ring = fs->ring->next;
        }
        e = fs->ring;
        if (e->first == e->queue.n && e->resume >= 0)
            rc = lg_fair_refill(fs, e, reterr);
        if (rc < 0)
            return rc;
        if (e->first < e->queue.n) {
            *ret = e;
            return 0;
        }
        /* What was counted is gone from the log: retention took it. */
        fs->stats.waiting -= e->scanned;
        e->held -= e->scanned;
        fs->stats.endpoints_held -= e->held == 0;
        e->scanned = 0;
        lg_fair_ring_del(fs, e);
    }
    return 0;
}

int lg_fairshare_next(struct lg_fairshare *fs, lg_time now, int32_t *ret_partition,
        struct lg_bus_record *ret, struct lg_err *reterr)
{
    const struct lg_fairshare_options *o = &fs->opt;
    struct fair_undo u = {.op = FAIR_DRAINED, .t_before = fs->drain};
    struct fair_endpoint *e = NULL;
    int rc;

    if (fs->stats.waiting == 0)
        return 0;
    if (o->drain_rate > 0) {
        refill(&fs->drain, o->drain_rate, o->drain_rate, now);
        if (fs->drain.tokens < 1)
            return 0;
    }
    rc = look(fs, reterr);
    if (rc == 0)
        rc = pick(fs, &e, reterr);
    if (rc < 0 || e == NULL)
        return rc;
    u.e = e;
    u.done_before = e->done;
    if (lg_vec_push(&fs->journal, u) < 0)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    if (o->drain_rate > 0)
        fs->drain.tokens -= 1;
    *ret = e->queue.v[e->first]->rec;
    *ret_partition = e->partition;
    note_drained(fs, e, e->queue.v[e->first]);
    return 1;
}

/* --- settling */

static void undo_one(struct lg_fairshare *fs, const struct fair_undo *u)
{
    struct fair_endpoint *e = u->e;

    if (u->op == FAIR_DRAINED) {
        fs->drain = u->t_before;
        fs->stats.drained--;
        fs->stats.waiting++;
        fs->stats.endpoints_held += e->held++ == 0;
        if (e->scanned++ == 0)
            lg_fair_ring_add(fs, e);
        e->first--;
        e->done = u->done_before;
        return;
    }
    u->t->bucket = u->t_before;
    if (e != NULL)
        e->bucket = u->e_before;
    if (u->op == FAIR_OFFERED) {
        fs->stats.direct--;
        return;
    }
    fs->stats.held--;
    fs->stats.waiting--;
    fs->stats.endpoints_held -= --e->held == 0;
}

void lg_fairshare_undo(struct lg_fairshare *fs)
{
    while (fs->journal.n > 0)
        undo_one(fs, &fs->journal.v[--fs->journal.n]);
}

/* Frees what was drained. */
static void compact(struct lg_fairshare *fs, struct fair_endpoint *e)
{
    size_t left = e->queue.n - e->first;

    if (e->first == 0)
        return;
    for (size_t i = 0; i < e->first; i++) {
        e->queue_bytes -= e->queue.v[i]->bytes;
        fs->window -= e->queue.v[i]->bytes;
        lg_free(e->queue.v[i]);
    }
    memmove(e->queue.v, e->queue.v + e->first, left * sizeof(*e->queue.v));
    e->queue.n = left;
    e->first = 0;
    if (left == 0)
        lg_vec_done(&e->queue);
}

/* Nothing would be lost with it: nothing held, nothing drained past what may be committed, and a
 * bucket that is full by now. */
static bool is_idle(struct lg_fairshare *fs, struct fair_endpoint *e)
{
    double rate = fs->opt.endpoint_rate, burst = burst_of(rate, fs->opt.endpoint_burst);
    const struct fair_part *p = lg_fair_part(fs, e->partition);

    if (e->held > 0 || e->queue.n > 0 || (p != NULL && e->done > p->low))
        return false;
    if (rate > 0)
        refill(&e->bucket, rate, burst, fs->now);
    return rate <= 0 || e->bucket.tokens >= burst;
}

static void forget_idle(struct lg_fairshare *fs)
{
    size_t n = 0;

    for (size_t i = 0; i < fs->parts.n; i++)
        fs->parts.v[i].low = lg_fairshare_low_offset(fs, fs->parts.v[i].partition);
    lg_map_clear(&fs->endpoints); /* and built anew: places of a hash may move up */
    for (size_t i = 0; i < fs->all.n; i++) {
        struct fair_endpoint *e = fs->all.v[i];
        unsigned attempt = 0;

        if (is_idle(fs, e)) {
            lg_free(e);
            continue;
        }
        fs->all.v[n++] = e;
        while (lg_map_get(&fs->endpoints, hash_key(key_of(e), e->partition, attempt)) != NULL)
            attempt++;
        (void)!lg_map_put(&fs->endpoints, hash_key(key_of(e), e->partition, attempt),
                (uintptr_t)e); /* the map has the room */
    }
    fs->all.n = n;
}

void lg_fairshare_settle(struct lg_fairshare *fs)
{
    for (size_t i = 0; i < fs->journal.n; i++)
        if (fs->journal.v[i].op == FAIR_DRAINED)
            compact(fs, fs->journal.v[i].e);
    fs->journal.n = 0;
    if (fs->all.n > fs->opt.max_endpoints)
        forget_idle(fs);
}

/* --- looking */

size_t lg_fairshare_list(struct lg_fairshare *fs, struct lg_fairshare_held *out, size_t max)
{
    size_t total = 0, n = 0;

    for (size_t i = 0; i < fs->all.n; i++) {
        const struct fair_endpoint *e = fs->all.v[i];
        size_t at;

        if (e->held == 0)
            continue;
        total++;
        if (n < max)
            at = n++;
        else if (max > 0 && out[max - 1].held < e->held)
            at = max - 1;
        else
            continue;
        for (; at > 0 && out[at - 1].held < e->held; at--)
            out[at] = out[at - 1];
        out[at] = (struct lg_fairshare_held){lg_str_of(e->key, e->n), e->held, e->since, e->rate};
    }
    return total;
}

void lg_fairshare_stats_get(const struct lg_fairshare *fs, struct lg_fairshare_stats *ret)
{
    *ret = fs->stats;
}
