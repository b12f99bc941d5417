/*
 * Consumer groups within one process. Partitions of one number of all topics go to one member;
 * a member learns in its own poll what it gains and loses, and a partition has no owner between
 * the one's revoked() and the other's assigned().
 */
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/embedded_int.h"

#define IO_TRIES 5 /* of one block, before an I/O error counts as damage */

/* --- groups */

struct emb_group *emb_group_get(struct emb *b, struct lg_str name, bool make)
{
    struct emb_group *g = b->groups;

    while (g != NULL && !lg_str_eq(lg_str_of(g->name, g->n), name))
        g = g->next;
    if (g != NULL || !make)
        return g;
    g = lg_calloc(1, sizeof(*g) + name.n + 1);
    if (g == NULL)
        return NULL;
    memcpy(g->name, name.p, name.n);
    g->n = name.n;
    g->next = b->groups;
    b->groups = g;
    return g;
}

int emb_group_reserve(struct emb *b, struct emb_group *g, int topic)
{
    size_t n = (size_t)b->topics[topic]->partitions;

    if (g->committed[topic] != NULL)
        return 0;
    g->owner[topic] = lg_calloc(n, sizeof(*g->owner[topic]));
    g->committed[topic] = lg_calloc(n, sizeof(*g->committed[topic]));
    if (g->owner[topic] == NULL || g->committed[topic] == NULL) {
        lg_free(g->owner[topic]);
        lg_free(g->committed[topic]);
        g->owner[topic] = NULL;
        g->committed[topic] = NULL;
        return LG_ENOMEM;
    }
    for (size_t p = 0; p < n; p++)
        g->committed[topic][p] = -1;
    return 0;
}

void emb_groups_free(struct emb *b)
{
    while (b->groups != NULL) {
        struct emb_group *g = b->groups;

        b->groups = g->next;
        for (int t = 0; t < LG_BUS_MAX_TOPICS; t++) {
            lg_free(g->owner[t]);
            lg_free(g->committed[t]);
        }
        lg_free(g);
    }
}

bool emb_owns(struct emb_consumer *c, int topic, int32_t partition)
{
    return c->generation == c->bus->generation && c->group->owner[topic] != NULL &&
            c->group->owner[topic][partition] == c;
}

/* --- who gets what; group_lock is held */

static struct emb_consumer *least_loaded(struct emb_group *g, const int32_t *loads)
{
    struct emb_consumer *best = NULL;
    int32_t best_load = 0;
    size_t i = 0;

    for (struct emb_consumer *c = g->members; c != NULL; c = c->next_in_group, i++)
        if (best == NULL || loads[i] < best_load) {
            best = c;
            best_load = loads[i];
        }
    return best;
}

static size_t index_of(const struct emb_group *g, const struct emb_consumer *who)
{
    size_t i = 0;

    for (const struct emb_consumer *c = g->members; c != NULL && c != who; c = c->next_in_group)
        i++;
    return i;
}

#define MAX_MEMBERS 256

/* Even shares; a member keeps what it has up to its share. */
static void balance(struct emb *b, struct emb_group *g)
{
    int32_t loads[MAX_MEMBERS] = {0}, numbers = 0, n = 0, share, spare;

    for (const struct emb_consumer *c = g->members; c != NULL; c = c->next_in_group, n++)
        for (int t = 0; t < atomic_load(&b->n_topics); t++)
            if ((c->topics >> t & 1) != 0 && b->topics[t]->partitions > numbers)
                numbers = b->topics[t]->partitions;
    if (n == 0) {
        memset(g->target, 0, sizeof(g->target));
        return;
    }
    share = numbers / n;
    spare = numbers % n;
    for (int32_t p = 0; p < LG_BUS_MAX_PARTITIONS; p++) {
        size_t i = g->target[p] != NULL ? index_of(g, g->target[p]) : (size_t)n;

        if (p >= numbers || i >= (size_t)n || loads[i] > share ||
                (loads[i] == share && spare == 0)) {
            g->target[p] = NULL;
            continue;
        }
        if (loads[i] == share)
            spare--;
        loads[i]++;
    }
    for (int32_t p = 0; p < numbers; p++)
        if (g->target[p] == NULL) {
            g->target[p] = least_loaded(g, loads);
            loads[index_of(g, g->target[p])]++;
        }
}

static struct emb_consumer *target_of(const struct emb_group *g, int topic, int32_t partition)
{
    struct emb_consumer *c = g->target[partition];

    if (c != NULL && (c->topics >> topic & 1) != 0)
        return c;
    for (c = g->members; c != NULL; c = c->next_in_group) /* not all want the same topics */
        if ((c->topics >> topic & 1) != 0)
            return c;
    return NULL;
}

/* --- waking */

static void wake_one(struct emb_consumer *c)
{
    c->pending = true;
    (void)pthread_cond_signal(&c->cond);
}

void emb_wake(struct emb *b, uint64_t topics)
{
    if (topics == 0)
        return;
    (void)pthread_mutex_lock(&b->wake_lock);
    for (struct emb_consumer *c = b->consumers; c != NULL; c = c->next_in_bus)
        if ((c->topics & topics) != 0)
            wake_one(c);
    (void)pthread_mutex_unlock(&b->wake_lock);
}

void emb_consumer_wake(struct lg_bus_consumer *pub)
{
    struct emb_consumer *c = (struct emb_consumer *)pub;

    (void)pthread_mutex_lock(&c->bus->wake_lock);
    c->woken = true;
    wake_one(c);
    (void)pthread_mutex_unlock(&c->bus->wake_lock);
}

void emb_lost_all(struct emb *b)
{
    (void)pthread_mutex_lock(&b->group_lock);
    b->generation++;
    for (struct emb_group *g = b->groups; g != NULL; g = g->next)
        for (int t = 0; t < atomic_load(&b->n_topics); t++)
            if (g->owner[t] != NULL)
                memset(g->owner[t], 0,
                        (size_t)b->topics[t]->partitions * sizeof(struct emb_consumer *));
    (void)pthread_mutex_unlock(&b->group_lock);
    emb_wake(b, UINT64_MAX);
}

/* --- joining and leaving */

static int check_topics(struct emb *b, const struct lg_bus_consumer_options *opt, uint64_t *ret,
        struct lg_err *reterr)
{
    *ret = 0;
    for (size_t i = 0; i < opt->n_topics; i++) {
        const struct emb_topic *t = emb_topic(b, opt->topics[i]);

        if (t == NULL)
            return lg_err_set(reterr, LG_EINVAL, "no topic %d", opt->topics[i]);
        if (t->compacted)
            return lg_err_set(reterr, LG_EUNSUP, "topic '%s' is compacted", t->name);
        *ret |= UINT64_C(1) << opt->topics[i];
    }
    return 0;
}

static int join_group(struct emb *b, struct emb_consumer *c, struct lg_str name)
{
    struct emb_consumer **at;
    size_t n = 0;
    int rc = 0;

    (void)pthread_mutex_lock(&b->group_lock);
    c->group = emb_group_get(b, name, true);
    rc = c->group == NULL ? LG_ENOMEM : 0;
    for (int t = 0; rc == 0 && t < atomic_load(&b->n_topics); t++)
        if ((c->topics >> t & 1) != 0)
            rc = emb_group_reserve(b, c->group, t);
    if (rc == 0) {
        for (at = &c->group->members; *at != NULL; at = &(*at)->next_in_group)
            n++;
        if (n >= MAX_MEMBERS) {
            rc = LG_ELIMIT;
        } else {
            *at = c;
            c->generation = b->generation;
            balance(b, c->group);
        }
    }
    (void)pthread_mutex_unlock(&b->group_lock);
    return rc;
}

int emb_consumer_new(struct lg_bus *bus, const struct lg_bus_consumer_options *opt,
        struct lg_bus_consumer **ret, struct lg_err *reterr)
{
    struct emb *b = emb_of(bus);
    struct emb_consumer *c = lg_calloc(1, sizeof(*c));
    int rc;

    if (c == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    c->pub.bus = bus;
    c->bus = b;
    c->start = opt->start;
    c->max_bytes = opt->max_batch_bytes > 0 ? opt->max_batch_bytes : (size_t)1 << 20;
    c->max_records = opt->max_batch_records > 0 ? opt->max_batch_records : 8192;
    c->assigned = opt->assigned;
    c->revoked = opt->revoked;
    c->user = opt->user;
    rc = check_topics(b, opt, &c->topics, reterr);
    if (rc == 0) {
        rc = join_group(b, c, opt->group);
        if (rc < 0)
            (void)lg_err_set(reterr, rc, "cannot join the group");
    }
    if (rc < 0) {
        lg_free(c);
        return rc;
    }
    lg_clock_cond_init(&c->cond);
    (void)pthread_mutex_lock(&b->wake_lock);
    c->next_in_bus = b->consumers;
    b->consumers = c;
    (void)pthread_mutex_unlock(&b->wake_lock);
    emb_wake(b, c->topics);
    *ret = &c->pub;
    return 0;
}

/* Room for what a callback is told. */
static struct lg_bus_offset *list_parts(const struct emb_consumer *c, size_t more)
{
    return lg_malloc((c->parts.n + more + 1) * sizeof(struct lg_bus_offset));
}

static void disown(struct emb_consumer *c, int topic, int32_t partition)
{
    if (c->group->owner[topic] != NULL && c->group->owner[topic][partition] == c)
        c->group->owner[topic][partition] = NULL;
}

static void drop_part(struct emb_consumer *c, int topic, int32_t partition)
{
    for (size_t i = 0; i < c->parts.n; i++)
        if (c->parts.v[i].topic == topic && c->parts.v[i].partition == partition) {
            c->parts.v[i] = c->parts.v[--c->parts.n];
            return;
        }
}

void emb_consumer_close(struct lg_bus_consumer *pub)
{
    struct emb_consumer *c = (struct emb_consumer *)pub, **at;
    struct emb *b = c->bus;
    struct lg_bus_offset *all = list_parts(c, 0);
    bool lost;

    (void)pthread_mutex_lock(&b->group_lock);
    lost = c->generation != b->generation;
    (void)pthread_mutex_unlock(&b->group_lock);
    if (c->parts.n > 0 && c->revoked != NULL && all != NULL) {
        for (size_t i = 0; i < c->parts.n; i++)
            all[i] = (struct lg_bus_offset){
                    c->parts.v[i].topic, c->parts.v[i].partition, c->parts.v[i].pos};
        c->revoked(c->user, all, c->parts.n, lost);
    }
    lg_free(all);
    (void)pthread_mutex_lock(&b->wake_lock);
    for (at = &b->consumers; *at != c; at = &(*at)->next_in_bus)
        ;
    *at = c->next_in_bus;
    (void)pthread_mutex_unlock(&b->wake_lock);
    (void)pthread_mutex_lock(&b->group_lock);
    for (size_t i = 0; i < c->parts.n; i++)
        disown(c, c->parts.v[i].topic, c->parts.v[i].partition);
    for (at = &c->group->members; *at != c; at = &(*at)->next_in_group)
        ;
    *at = c->next_in_group;
    for (int32_t p = 0; p < LG_BUS_MAX_PARTITIONS; p++)
        if (c->group->target[p] == c)
            c->group->target[p] = NULL;
    balance(b, c->group);
    (void)pthread_mutex_unlock(&b->group_lock);
    emb_wake(b, c->topics);
    lg_vec_done(&c->parts);
    (void)pthread_cond_destroy(&c->cond);
    lg_free(c);
}

/* --- rebalancing, in the member's own poll */

/* What the member must give up. Returns how many; *ret_lost: they are gone already. */
static size_t collect_revoked(struct emb_consumer *c, struct lg_bus_offset *out, bool *ret_lost)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&c->bus->group_lock);
    *ret_lost = c->generation != c->bus->generation;
    for (size_t i = 0; i < c->parts.n; i++) {
        const struct emb_consumer_part *p = &c->parts.v[i];

        if (*ret_lost || target_of(c->group, p->topic, p->partition) != c)
            out[n++] = (struct lg_bus_offset){p->topic, p->partition, p->pos};
    }
    (void)pthread_mutex_unlock(&c->bus->group_lock);
    return n;
}

static int revoke(struct emb_consumer *c)
{
    LG_CLEANUP(lg_cleanup_free) struct lg_bus_offset *out = list_parts(c, 0);
    bool lost;
    size_t n;

    if (out == NULL)
        return LG_ENOMEM;
    n = collect_revoked(c, out, &lost);
    if (n > 0 && c->revoked != NULL)
        c->revoked(c->user, out, n, lost);
    (void)pthread_mutex_lock(&c->bus->group_lock);
    for (size_t i = 0; i < n; i++) {
        disown(c, out[i].topic, out[i].partition);
        drop_part(c, out[i].topic, out[i].partition);
    }
    if (lost && c->parts.n == 0)
        c->generation = c->bus->generation;
    (void)pthread_mutex_unlock(&c->bus->group_lock);
    if (n > 0)
        emb_wake(c->bus, c->topics);
    return n > 0 ? 1 : 0;
}

static int64_t first_position(const struct emb_consumer *c, int topic, int32_t partition)
{
    const struct emb_part *p = emb_part(c->bus, topic, partition);
    int64_t at = c->group->committed[topic][partition];

    if (at >= 0)
        return at;
    return c->start == LG_BUS_LATEST ? atomic_load(&p->end) : atomic_load(&p->begin);
}

/* Takes what is free and meant for this member. n: how many; first: those without an offset. */
static int collect_assigned(struct emb_consumer *c, struct lg_bus_offset *out, size_t max,
        size_t *ret_n, struct lg_bus_offset *fresh, size_t *ret_fresh)
{
    struct emb_group *g = c->group;
    int rc = 0;

    *ret_n = *ret_fresh = 0;
    (void)pthread_mutex_lock(&c->bus->group_lock);
    for (int t = 0; t < atomic_load(&c->bus->n_topics); t++) {
        int32_t n = (c->topics >> t & 1) != 0 ? c->bus->topics[t]->partitions : 0;

        for (int32_t p = 0; rc == 0 && p < n && *ret_n < max; p++) {
            if (c->generation != c->bus->generation || g->owner[t][p] != NULL ||
                    target_of(g, t, p) != c)
                continue;
            out[*ret_n] = (struct lg_bus_offset){t, p, first_position(c, t, p)};
            rc = lg_vec_push(
                    &c->parts, (struct emb_consumer_part){t, p, out[*ret_n].offset, false, 0});
            if (rc < 0)
                break;
            g->owner[t][p] = c;
            if (g->committed[t][p] < 0)
                fresh[(*ret_fresh)++] = out[*ret_n];
            (*ret_n)++;
        }
    }
    (void)pthread_mutex_unlock(&c->bus->group_lock);
    return rc;
}

static size_t wanted(const struct emb_consumer *c)
{
    size_t n = 0;

    for (int t = 0; t < atomic_load(&c->bus->n_topics); t++)
        n += (c->topics >> t & 1) != 0 ? (size_t)c->bus->topics[t]->partitions : 0;
    return n;
}

static int assign(struct emb_consumer *c)
{
    size_t max = wanted(c), n, n_fresh;
    LG_CLEANUP(lg_cleanup_free) struct lg_bus_offset *out = lg_calloc(max, sizeof(*out));
    LG_CLEANUP(lg_cleanup_free) struct lg_bus_offset *fresh = lg_calloc(max, sizeof(*fresh));
    struct lg_err err;
    int rc;

    if (out == NULL || fresh == NULL)
        return LG_ENOMEM;
    rc = collect_assigned(c, out, max, &n, fresh, &n_fresh);
    /* A first offset is stored, so that retention waits for a group from its first sight on. */
    if (n_fresh > 0 && emb_commit(c->bus, c->group, fresh, n_fresh, false, &err) < 0)
        lg_log(LG_LOG_DEBUG, "bus", "first offsets not stored", "error=\"%s\"", err.text);
    if (n > 0 && c->assigned != NULL)
        c->assigned(c->user, out, n);
    return rc < 0 ? rc : (n > 0 ? 1 : 0);
}

/* --- polling */

static struct emb_consumer_part *find_part(struct emb_consumer *c, int topic, int32_t partition)
{
    for (size_t i = 0; i < c->parts.n; i++)
        if (c->parts.v[i].topic == topic && c->parts.v[i].partition == partition)
            return &c->parts.v[i];
    return NULL;
}

static int read_one(struct emb_consumer *c, struct emb_consumer_part *p, struct lg_bus_batch **ret,
        struct lg_err *reterr)
{
    const struct emb_part *part = emb_part(c->bus, p->topic, p->partition);
    struct lg_bus_batch *b = NULL;
    int rc = 0;

    while (!p->paused && p->pos < atomic_load(&part->end)) {
        rc = emb_read_part(c->bus, p->topic, p->partition, p->pos, c->max_bytes, c->max_records,
                p->io_errors >= IO_TRIES, &b, reterr);
        if (rc == LG_EIO) {
            p->io_errors++;
            return LG_EAGAIN;
        }
        if (rc <= 0)
            break;
        p->io_errors = 0;
        p->pos = b->next_offset;
        if (b->n > 0 || b->gap > 0) {
            *ret = b;
            break;
        }
        emb_batch_free(b); /* nothing but offsets that nobody has */
        rc = 0;
    }
    return rc;
}

/* The next partition in turn that has something. */
static int read_any(struct emb_consumer *c, struct lg_bus_batch **ret, struct lg_err *reterr)
{
    int rc = 0;

    (void)pthread_rwlock_rdlock(&c->bus->db_lock);
    if (atomic_load(&c->bus->failed))
        rc = lg_err_set(reterr, LG_EAGAIN, "the bus is closed after a failure");
    for (size_t i = 0; rc == 0 && i < c->parts.n; i++) {
        size_t at = (c->turn + i) % c->parts.n;

        rc = read_one(c, &c->parts.v[at], ret, reterr);
        if (rc == 1)
            c->turn = at + 1;
    }
    (void)pthread_rwlock_unlock(&c->bus->db_lock);
    return rc;
}

/* Until something may have changed (true) or the deadline. */
static bool wait_pending(struct emb_consumer *c, const struct timespec *deadline)
{
    int rc = 0;
    bool pending;

    (void)pthread_mutex_lock(&c->bus->wake_lock);
    while (!c->pending && rc == 0)
        rc = pthread_cond_timedwait(&c->cond, &c->bus->wake_lock, deadline);
    pending = c->pending;
    (void)pthread_mutex_unlock(&c->bus->wake_lock);
    return pending;
}

/* Starts a look at everything; true when lg_bus_consumer_wake was called. */
static bool begin_look(struct emb_consumer *c)
{
    bool woken;

    (void)pthread_mutex_lock(&c->bus->wake_lock);
    woken = c->woken;
    c->woken = false;
    c->pending = false;
    (void)pthread_mutex_unlock(&c->bus->wake_lock);
    return woken;
}

int emb_poll(struct lg_bus_consumer *pub, uint32_t timeout_ms, struct lg_bus_batch **ret,
        struct lg_err *reterr)
{
    struct emb_consumer *c = (struct emb_consumer *)pub;
    struct timespec deadline = lg_clock_deadline((int64_t)timeout_ms * 1000000);

    for (;;) {
        bool woken = begin_look(c);
        int rc = revoke(c);

        if (rc == 0)
            rc = assign(c);
        if (rc != 0)
            return rc < 0 ? lg_err_set(reterr, rc, "out of memory") : 0;
        rc = woken ? 0 : read_any(c, ret, reterr);
        if (woken || rc == 1 || (rc < 0 && rc != LG_EAGAIN))
            return rc;
        if (!wait_pending(c, &deadline))
            return rc;
    }
}

/* --- the rest */

int emb_seek(struct lg_bus_consumer *pub, int topic, int32_t partition, int64_t offset)
{
    struct emb_consumer *c = (struct emb_consumer *)pub;
    struct emb_consumer_part *p = find_part(c, topic, partition);
    const struct emb_part *part = emb_part(c->bus, topic, partition);
    int64_t begin, end;

    if (p == NULL)
        return LG_EREFUSED;
    begin = atomic_load(&part->begin);
    end = atomic_load(&part->end);
    p->pos = offset < begin ? begin : offset > end ? end : offset;
    return 0;
}

int emb_position(struct lg_bus_consumer *pub, int topic, int32_t partition, int64_t *ret)
{
    const struct emb_consumer_part *p = find_part((struct emb_consumer *)pub, topic, partition);

    if (p == NULL)
        return LG_EREFUSED;
    *ret = p->pos;
    return 0;
}

int emb_pause(struct lg_bus_consumer *pub, int topic, int32_t partition, bool paused)
{
    struct emb_consumer_part *p = find_part((struct emb_consumer *)pub, topic, partition);

    if (p == NULL)
        return LG_EREFUSED;
    p->paused = paused;
    return 0;
}

size_t emb_assignment(struct lg_bus_consumer *pub, struct lg_bus_offset *out, size_t max)
{
    const struct emb_consumer *c = (const struct emb_consumer *)pub;

    for (size_t i = 0; i < c->parts.n && i < max; i++)
        out[i] = (struct lg_bus_offset){
                c->parts.v[i].topic, c->parts.v[i].partition, c->parts.v[i].pos};
    return c->parts.n;
}

int emb_committed(
        struct lg_bus *bus, struct lg_str group, int topic, int32_t partition, int64_t *ret)
{
    struct emb *b = emb_of(bus);
    struct emb_group *g;
    int rc = LG_ENOENT;

    if (emb_part(b, topic, partition) == NULL)
        return LG_EINVAL;
    (void)pthread_mutex_lock(&b->group_lock);
    g = emb_group_get(b, group, false);
    if (g != NULL && g->committed[topic] != NULL && g->committed[topic][partition] >= 0) {
        *ret = g->committed[topic][partition];
        rc = 0;
    }
    (void)pthread_mutex_unlock(&b->group_lock);
    return rc;
}

int emb_group_set(struct lg_bus *bus, struct lg_str group, const struct lg_bus_offset *offset)
{
    struct emb *b = emb_of(bus);
    struct emb_group *g;
    int rc;

    if (emb_part(b, offset->topic, offset->partition) == NULL)
        return LG_EINVAL;
    (void)pthread_mutex_lock(&b->group_lock);
    g = emb_group_get(b, group, true);
    rc = g == NULL ? LG_ENOMEM : emb_group_reserve(b, g, offset->topic);
    if (rc == 0 && g->members != NULL)
        rc = LG_EREFUSED;
    (void)pthread_mutex_unlock(&b->group_lock);
    return rc < 0 ? rc : emb_commit(b, g, offset, 1, true, NULL);
}

int emb_group_delete(struct lg_bus *bus, struct lg_str group)
{
    struct emb *b = emb_of(bus);
    rocksdb_writebatch_t *batch;
    struct emb_group *g;
    struct lg_err err;
    uint8_t k[EMB_KEY_MAX];
    int rc = 0;

    (void)pthread_rwlock_wrlock(&b->db_lock); /* no commit of the group is under way */
    (void)pthread_mutex_lock(&b->group_lock);
    g = emb_group_get(b, group, false);
    if (atomic_load(&b->failed))
        rc = LG_EAGAIN;
    else if (g == NULL)
        rc = LG_ENOENT;
    else if (g->members != NULL)
        rc = LG_EREFUSED;
    if (rc == 0) {
        batch = rocksdb_writebatch_create();
        for (int t = 0; t < atomic_load(&b->n_topics); t++)
            for (int32_t p = 0; g->committed[t] != NULL && p < b->topics[t]->partitions; p++)
                rocksdb_writebatch_delete_cf(batch, b->rocks.cf[LG_ROCKS_META], (const char *)k,
                        emb_key_offset(k, g, t, p));
        rc = lg_rocks_write(&b->rocks, batch, &err);
        rocksdb_writebatch_destroy(batch);
        if (rc < 0) {
            emb_fail(b, &err);
            rc = LG_EAGAIN;
        }
        for (int t = 0; rc == 0 && t < atomic_load(&b->n_topics); t++)
            for (int32_t p = 0; g->committed[t] != NULL && p < b->topics[t]->partitions; p++)
                g->committed[t][p] = -1;
    }
    (void)pthread_mutex_unlock(&b->group_lock);
    (void)pthread_rwlock_unlock(&b->db_lock);
    return rc;
}
