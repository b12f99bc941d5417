/* What happens by itself: room on the disk, retention, opening again after a failure. */
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/bytes.h"
#include "bus/embedded_int.h"

#define SPACE_LOOK_MS 250
#define SPACE_LOOK_BYTES ((uint64_t)8 << 20)
#define BLOCKS_PER_ROUND 4096 /* removed with one write */
#define REOPEN_MAX_MS 30000

/* --- room */

uint64_t emb_free_bytes(struct emb *b)
{
    struct statvfs st;

    if (b->opt.free_bytes != NULL)
        return b->opt.free_bytes(b->opt.user, b->path);
    if (statvfs(b->path, &st) < 0)
        return UINT64_MAX; /* unknown: then let the writes tell */
    return (uint64_t)st.f_bavail * st.f_frsize;
}

static uint64_t free_space(struct emb *b)
{
    int64_t now = emb_monotonic_ms();
    int64_t last = atomic_load(&b->space_checked_ms);

    if (b->opt.free_bytes != NULL)
        return emb_free_bytes(b);
    if (last == 0 || now - last >= SPACE_LOOK_MS ||
            atomic_load(&b->space_written) >= SPACE_LOOK_BYTES) {
        atomic_store(&b->space_free, emb_free_bytes(b));
        atomic_store(&b->space_written, 0);
        atomic_store(&b->space_checked_ms, now);
    }
    return atomic_load(&b->space_free);
}

int emb_space(struct emb *b, size_t bytes, bool into_reserve, struct lg_err *reterr)
{
    uint64_t reserve = b->opt.min_free_bytes, have;

    if (reserve == 0)
        return 0;
    have = free_space(b);
    if (have >= reserve) {
        if (atomic_exchange(&b->full, false))
            emb_event(b, LG_BUS_NOT_FULL, -1, -1, 0, have, LG_STR(""),
                    "the disk has room again, publishing goes on");
        return 0;
    }
    if (!atomic_exchange(&b->full, true))
        emb_event(b, LG_BUS_FULL, -1, -1, 0, have, LG_STR(""),
                "the disk is full up to its reserve, publishing stops");
    if (into_reserve && have >= reserve / 4 + bytes)
        return 0;
    return lg_err_set(reterr, LG_ENOSPC, "%llu bytes are free, the reserve is %llu",
            (unsigned long long)have, (unsigned long long)reserve);
}

/* --- retention */

struct sweep {
    struct emb *b;
    struct emb_topic *t;
    rocksdb_writebatch_t *batch;
    int64_t *floor;  /* per partition: lowest committed offset of any group */
    int64_t *begin;  /* per partition: first offset that stays */
    uint64_t forced; /* records removed that a group had not read */
    int32_t forced_part;
    uint64_t seq; /* first block that stays */
    uint64_t cum; /* bytes of the blocks before it */
    size_t removed;
};

static void load_floors(struct emb *b, const struct emb_topic *t, int64_t *floor)
{
    for (int32_t p = 0; p < t->partitions; p++)
        floor[p] = INT64_MAX;
    (void)pthread_mutex_lock(&b->group_lock);
    for (const struct emb_group *g = b->groups; g != NULL; g = g->next)
        for (int32_t p = 0; g->committed[t->id] != NULL && p < t->partitions; p++)
            if (g->committed[t->id][p] >= 0 && g->committed[t->id][p] < floor[p])
                floor[p] = g->committed[t->id][p];
    (void)pthread_mutex_unlock(&b->group_lock);
}

static void remove_block(struct sweep *s, uint64_t seq, const struct emb_by_seq *e)
{
    rocksdb_column_family_handle_t *index = s->b->rocks.cf[LG_ROCKS_INDEX];
    uint8_t k[EMB_KEY_MAX];
    int64_t end = e->base + (int64_t)e->n;

    rocksdb_writebatch_delete_cf(
            s->batch, index, (const char *)k, emb_key_by_seq(k, s->t->id, seq));
    rocksdb_writebatch_delete_cf(s->batch, index, (const char *)k,
            emb_key_by_offset(k, s->t->id, (int32_t)e->partition, e->base));
    if (end > s->floor[e->partition]) {
        int64_t from = e->base > s->floor[e->partition] ? e->base : s->floor[e->partition];

        s->forced += (uint64_t)(end - from);
        s->forced_part = (int32_t)e->partition;
    }
    if (end > s->begin[e->partition])
        s->begin[e->partition] = end;
    s->seq = seq + 1;
    s->cum = e->cum;
    s->removed++;
}

/* Oldest blocks first, until the first that must stay. */
static int choose(struct sweep *s, struct lg_err *reterr)
{
    uint64_t cap = atomic_load(&s->t->retention_bytes), total = atomic_load(&s->t->cum_end);
    int64_t age = atomic_load(&s->t->retention_age), now = emb_now(s->b);
    rocksdb_iterator_t *it = lg_rocks_iterator(&s->b->rocks, LG_ROCKS_INDEX);
    uint8_t k[EMB_KEY_MAX];
    size_t n = emb_key_by_seq(k, s->t->id, s->t->first_seq);
    int rc;

    for (rocksdb_iter_seek(it, (const char *)k, n);
            rocksdb_iter_valid(it) && s->removed < BLOCKS_PER_ROUND; rocksdb_iter_next(it)) {
        struct emb_by_seq e;
        size_t nk, nv;
        const char *key = rocksdb_iter_key(it, &nk), *v = rocksdb_iter_value(it, &nv);
        bool over, old;

        if (nk != n || memcmp(key, k, n - 8) != 0)
            break;
        if (!emb_by_seq_get(lg_str_of(v, nv), &e) || e.partition >= (uint32_t)s->t->partitions)
            continue;
        over = cap > 0 && total - s->cum > cap;
        old = age > 0 && e.max_time < now - age && e.base + (int64_t)e.n <= s->floor[e.partition];
        if (!over && !old)
            break;
        remove_block(s, lg_be64_get(key + n - 8), &e);
    }
    rc = lg_rocks_iterator_error(it, reterr);
    rocksdb_iter_destroy(it);
    return rc;
}

static int apply(struct sweep *s, struct lg_err *reterr)
{
    uint8_t k[EMB_KEY_MAX], v[8], from[8], to[8];
    int rc;

    for (int32_t p = 0; p < s->t->partitions; p++) {
        if (s->begin[p] <= atomic_load(&s->t->parts[p].begin))
            continue;
        lg_le64_put(v, (uint64_t)s->begin[p]);
        rocksdb_writebatch_put_cf(s->batch, s->b->rocks.cf[LG_ROCKS_META], (const char *)k,
                emb_key_begin(k, s->t->id, p), (const char *)v, 8);
    }
    (void)pthread_mutex_lock(&s->b->write_lock);
    rc = atomic_load(&s->b->failed) ? LG_EAGAIN : lg_rocks_write(&s->b->rocks, s->batch, reterr);
    if (rc < 0 && rc != LG_EAGAIN)
        emb_fail(s->b, reterr);
    (void)pthread_mutex_unlock(&s->b->write_lock);
    if (rc < 0)
        return rc;
    for (int32_t p = 0; p < s->t->partitions; p++)
        if (s->begin[p] > atomic_load(&s->t->parts[p].begin))
            atomic_store(&s->t->parts[p].begin, s->begin[p]);
    s->t->first_seq = s->seq;
    atomic_store(&s->t->cum_begin, s->cum);
    lg_be64_put(from, 0);
    lg_be64_put(to, s->seq - 1);
    lg_rocks_drop_files(&s->b->rocks, LG_ROCKS_TOPIC + s->t->id, lg_str_of((const char *)from, 8),
            lg_str_of((const char *)to, 8));
    return 0;
}

/* One round over a topic: 1 when there may be more to remove. */
static int sweep_topic(struct emb *b, struct emb_topic *t, struct lg_err *reterr)
{
    size_t n = (size_t)t->partitions;
    LG_CLEANUP(lg_cleanup_free) int64_t *floor = lg_calloc(n, sizeof(*floor));
    LG_CLEANUP(lg_cleanup_free) int64_t *begin = lg_calloc(n, sizeof(*begin));
    struct sweep s = {.b = b,
            .t = t,
            .floor = floor,
            .begin = begin,
            .seq = t->first_seq,
            .cum = atomic_load(&t->cum_begin)};
    int rc;

    if (floor == NULL || begin == NULL)
        return LG_ENOMEM;
    load_floors(b, t, floor);
    s.batch = rocksdb_writebatch_create();
    rc = choose(&s, reterr);
    if (rc == 0 && s.removed > 0)
        rc = apply(&s, reterr);
    rocksdb_writebatch_destroy(s.batch);
    if (rc == 0 && s.forced > 0)
        emb_event(b, LG_BUS_RETENTION_FORCED, t->id, s.forced_part, begin[s.forced_part], s.forced,
                LG_STR(""), "the byte cap removed records that a group had not read");
    return rc < 0 ? rc : s.removed == BLOCKS_PER_ROUND;
}

static int retain(struct emb *b)
{
    struct lg_err err = {0};
    int rc = 0;

    (void)pthread_rwlock_rdlock(&b->db_lock);
    for (int id = 0; id < atomic_load(&b->n_topics) && !atomic_load(&b->failed); id++) {
        struct emb_topic *t = b->topics[id];

        if (t->compacted ||
                (atomic_load(&t->retention_bytes) == 0 && atomic_load(&t->retention_age) == 0))
            continue;
        do
            rc = sweep_topic(b, t, &err);
        while (rc == 1 && !atomic_load(&b->failed));
        if (rc < 0 && !atomic_load(&b->failed))
            lg_log(LG_LOG_WARN, "bus", "retention failed", "topic=%s error=\"%s\"", t->name,
                    err.text);
    }
    (void)pthread_rwlock_unlock(&b->db_lock);
    return 0;
}

/* RocksDB's own threads may have failed while nobody wrote. */
static void check_background(struct emb *b)
{
    const struct lg_err err = {LG_EIO, "the database failed in the background"};
    uint64_t errors = 0;

    (void)pthread_rwlock_rdlock(&b->db_lock);
    if (!atomic_load(&b->failed) &&
            rocksdb_property_int(b->rocks.db, "rocksdb.background-errors", &errors) == 0 &&
            errors > 0)
        emb_fail(b, &err);
    (void)pthread_rwlock_unlock(&b->db_lock);
}

/* --- opening again */

static int reopen(struct emb *b)
{
    uint64_t reserve = b->opt.min_free_bytes / 4;
    struct lg_err err = {0};
    int64_t since = emb_monotonic_ms() - atomic_load(&b->failed_at_ms);
    int rc;

    (void)pthread_rwlock_wrlock(&b->db_lock);
    lg_rocks_close(&b->rocks);
    if (reserve > 0 && emb_free_bytes(b) < reserve)
        rc = lg_err_set(&err, LG_ENOSPC, "waiting for room on the disk");
    else
        rc = emb_load(b, true, &err);
    if (rc == 0) {
        emb_lost_all(b);
        atomic_store(&b->failed, false);
    }
    (void)pthread_rwlock_unlock(&b->db_lock);
    if (rc < 0) {
        lg_log(LG_LOG_WARN, "bus", "still closed", "error=\"%s\"", err.text);
        return LG_EAGAIN;
    }
    emb_event(b, LG_BUS_REOPENED, -1, -1, 0, (uint64_t)(since > 0 ? since : 0), LG_STR(""),
            "the bus is open again");
    return 0;
}

int emb_maintain(struct lg_bus *bus)
{
    struct emb *b = emb_of(bus);
    int rc = 0;

    (void)pthread_mutex_lock(&b->maintain_lock);
    if (!atomic_load(&b->failed))
        check_background(b);
    if (atomic_load(&b->failed))
        rc = reopen(b);
    if (rc == 0)
        rc = retain(b);
    lg_marks_sync(&b->marks);
    (void)pthread_mutex_unlock(&b->maintain_lock);
    return rc;
}

/* --- the thread */

static void *maintain_thread(void *arg)
{
    struct emb *b = arg;
    uint32_t wait_ms = b->opt.maintain_ms;

    (void)pthread_mutex_lock(&b->thread_lock);
    while (!b->stop) {
        const struct timespec ts = lg_clock_deadline((int64_t)wait_ms * 1000000);
        int rc = 0;

        while (rc == 0 && !b->stop && !b->kicked)
            rc = pthread_cond_timedwait(&b->thread_cond, &b->thread_lock, &ts);
        if (b->stop)
            break;
        b->kicked = false;
        (void)pthread_mutex_unlock(&b->thread_lock);
        if (emb_maintain(&b->pub) == 0)
            wait_ms = b->opt.maintain_ms;
        else
            wait_ms = wait_ms * 2 < REOPEN_MAX_MS ? wait_ms * 2 : REOPEN_MAX_MS;
        (void)pthread_mutex_lock(&b->thread_lock);
    }
    (void)pthread_mutex_unlock(&b->thread_lock);
    return NULL;
}

int emb_thread_start(struct emb *b)
{
    if (b->opt.maintain_ms == UINT32_MAX)
        return 0;
    if (pthread_create(&b->thread, NULL, maintain_thread, b) != 0)
        return LG_ENOMEM;
    (void)pthread_setname_np(b->thread, "lg-bus");
    b->has_thread = true;
    return 0;
}

void emb_thread_kick(struct emb *b)
{
    (void)pthread_mutex_lock(&b->thread_lock);
    b->kicked = true;
    (void)pthread_cond_signal(&b->thread_cond);
    (void)pthread_mutex_unlock(&b->thread_lock);
}

void emb_thread_stop(struct emb *b)
{
    if (!b->has_thread)
        return;
    (void)pthread_mutex_lock(&b->thread_lock);
    b->stop = true;
    (void)pthread_cond_signal(&b->thread_cond);
    (void)pthread_mutex_unlock(&b->thread_lock);
    (void)pthread_join(b->thread, NULL);
    b->has_thread = false;
}
