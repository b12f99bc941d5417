#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/folder.h"
#include "base/log.h"
#include "bus/embedded_int.h"

struct emb_topic *emb_topic(struct emb *b, int topic)
{
    return topic >= 0 && topic < atomic_load(&b->n_topics) ? b->topics[topic] : NULL;
}

struct emb_part *emb_part(struct emb *b, int topic, int32_t partition)
{
    struct emb_topic *t = emb_topic(b, topic);

    return t != NULL && partition >= 0 && partition < t->partitions ? &t->parts[partition] : NULL;
}

lg_time emb_now(struct emb *b)
{
    if (b->opt.now != NULL)
        return b->opt.now(b->opt.user);
    return lg_clock_wall();
}

int64_t emb_monotonic_ms(void)
{
    return lg_clock_monotonic() / 1000000;
}

void emb_event(struct emb *b, enum lg_bus_event_kind kind, int topic, int32_t partition,
        int64_t offset, uint64_t n, struct lg_str group, const char *text)
{
    const struct emb_topic *t = emb_topic(b, topic);
    const struct lg_bus_event ev = {.kind = kind,
            .topic = topic,
            .partition = partition,
            .offset = offset,
            .n = n,
            .group = group,
            .topic_name = t != NULL ? t->name : NULL,
            .text = text};
    bool bad = kind != LG_BUS_NOT_FULL && kind != LG_BUS_REOPENED && kind != LG_BUS_LOST_UNSYNCED;

    (void)atomic_fetch_add(&b->n_events[kind], 1);
    (void)atomic_fetch_add(&b->n_event_sums[kind], n);
    if (b->opt.on_event != NULL)
        b->opt.on_event(b->opt.user, &ev);
    else
        lg_log(bad ? LG_LOG_ERROR : LG_LOG_INFO, "bus", text,
                "event=%s topic=%s partition=%d offset=%lld n=%llu", lg_bus_event_name(kind),
                t != NULL ? t->name : "-", (int)partition, (long long)offset,
                (unsigned long long)n);
}

void emb_fail(struct emb *b, const struct lg_err *err)
{
    if (atomic_exchange(&b->failed, true))
        return;
    atomic_store(&b->failed_at_ms, emb_monotonic_ms());
    emb_event(b, LG_BUS_FAILED, -1, -1, 0, 0, LG_STR(""), err->text);
    emb_thread_kick(b);
}

/* --- topics */

static int same_topic(struct emb *b, struct emb_topic *t, const struct lg_bus_topic_spec *spec,
        struct lg_err *reterr)
{
    int rc = 0;

    if (t->compacted != spec->compacted)
        return lg_err_set(reterr, LG_EEXIST, "topic '%s' is there as %s", t->name,
                t->compacted ? "a compacted one" : "one that is not compacted");
    if (t->partitions != spec->partitions)
        lg_log(LG_LOG_WARN, "bus", "a topic keeps its partitions", "topic=%s partitions=%d",
                t->name, (int)t->partitions);
    if (atomic_load(&t->retention_bytes) != spec->retention_bytes ||
            atomic_load(&t->retention_age) != spec->retention_age) {
        atomic_store(&t->retention_bytes, spec->retention_bytes);
        atomic_store(&t->retention_age, spec->retention_age);
        rc = emb_topic_store(b, t, reterr);
    }
    return rc < 0 ? rc : t->id;
}

static int new_topic(struct emb *b, const struct lg_bus_topic_spec *spec, struct lg_err *reterr)
{
    struct emb_topic *t;
    int rc;

    if (atomic_load(&b->n_topics) >= LG_BUS_MAX_TOPICS)
        return lg_err_set(reterr, LG_ELIMIT, "more than %d topics", LG_BUS_MAX_TOPICS);
    t = emb_topic_new(b, spec->name, strlen(spec->name), spec->partitions);
    if (t == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    t->compacted = spec->compacted;
    atomic_store(&t->retention_bytes, spec->retention_bytes);
    atomic_store(&t->retention_age, spec->retention_age);
    rc = emb_topic_store(b, t, reterr);
    if (rc < 0) {
        b->counts.n = b->n_tps;
        lg_free(t);
        return rc;
    }
    emb_topic_add(b, t);
    return t->id;
}

static int emb_topic_find(struct lg_bus *bus, const char *name)
{
    struct emb *b = emb_of(bus);
    int n = atomic_load(&b->n_topics);

    for (int i = 0; i < n; i++)
        if (strcmp(b->topics[i]->name, name) == 0)
            return i;
    return LG_ENOENT;
}

static int emb_topic_ensure(
        struct lg_bus *bus, const struct lg_bus_topic_spec *spec, struct lg_err *reterr)
{
    struct emb *b = emb_of(bus);
    struct lg_err err = {0};
    int rc;

    (void)pthread_rwlock_wrlock(&b->db_lock);
    if (atomic_load(&b->failed)) {
        rc = lg_err_set(&err, LG_EAGAIN, "the bus is closed after a failure");
    } else {
        rc = emb_topic_find(bus, spec->name);
        rc = rc >= 0 ? same_topic(b, b->topics[rc], spec, &err) : new_topic(b, spec, &err);
    }
    if (rc == LG_EIO || rc == LG_ENOSPC || rc == LG_ECORRUPT) {
        emb_fail(b, &err);
        rc = rc == LG_ENOSPC ? LG_ENOSPC : LG_EAGAIN;
    }
    (void)pthread_rwlock_unlock(&b->db_lock);
    return rc < 0 ? lg_err_set(reterr, rc, "%s", err.text) : rc;
}

static const char *emb_topic_name(struct lg_bus *bus, int topic)
{
    const struct emb_topic *t = emb_topic(emb_of(bus), topic);

    return t != NULL ? t->name : NULL;
}

static int32_t emb_partitions(struct lg_bus *bus, int topic)
{
    const struct emb_topic *t = emb_topic(emb_of(bus), topic);

    return t != NULL ? t->partitions : 0;
}

static int emb_offsets(
        struct lg_bus *bus, int topic, int32_t partition, int64_t *ret_begin, int64_t *ret_end)
{
    const struct emb_part *p = emb_part(emb_of(bus), topic, partition);

    if (p == NULL)
        return LG_ENOENT;
    *ret_begin = atomic_load(&p->begin);
    *ret_end = atomic_load(&p->end);
    return 0;
}

/* --- figures */

static uint64_t folder_bytes(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    struct stat st;
    uint64_t sum = 0;

    if (d == NULL)
        return 0;
    while ((e = readdir(d)) != NULL)
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_blocks * 512;
    (void)closedir(d);
    return sum;
}

static void emb_stats(struct lg_bus *bus, struct lg_bus_stats *ret)
{
    struct emb *b = emb_of(bus);

    *ret = (struct lg_bus_stats){
            .published = atomic_load(&b->n_published),
            .published_bytes = atomic_load(&b->n_published_bytes),
            .stored_bytes = atomic_load(&b->n_stored_bytes),
            .groups_written = atomic_load(&b->n_groups),
            .syncs = atomic_load(&b->n_syncs),
            .failed = atomic_load(&b->failed),
            .full = atomic_load(&b->full),
            .disk_bytes = folder_bytes(b->path),
            .free_bytes = emb_free_bytes(b),
    };
    for (int i = 0; i < LG_BUS_EVENT_KINDS; i++) {
        ret->events[i] = atomic_load(&b->n_events[i]);
        ret->event_sums[i] = atomic_load(&b->n_event_sums[i]);
    }
    (void)pthread_rwlock_rdlock(&b->db_lock);
    lg_rocks_memory(&b->rocks, &ret->cache_bytes, &ret->buffer_bytes);
    (void)pthread_rwlock_unlock(&b->db_lock);
}

static int emb_topic_stats(struct lg_bus *bus, int topic, struct lg_bus_topic_stats *ret)
{
    struct emb *b = emb_of(bus);
    struct emb_topic *t = emb_topic(b, topic);

    if (t == NULL)
        return LG_ENOENT;
    *ret = (struct lg_bus_topic_stats){
            .stored_bytes = atomic_load(&t->cum_end) - atomic_load(&t->cum_begin),
            .published = atomic_load(&t->published)};
    for (int32_t p = 0; p < t->partitions; p++)
        ret->records += (uint64_t)(atomic_load(&t->parts[p].end) - atomic_load(&t->parts[p].begin));
    return 0;
}

/* --- life */

static void set_defaults(struct lg_bus_embedded_options *o)
{
    if (o->block_bytes == 0)
        o->block_bytes = (size_t)256 << 10;
    if (o->block_bytes > LG_BLOCK_MAX_USUAL)
        o->block_bytes = LG_BLOCK_MAX_USUAL;
    if (o->zstd_level == 0)
        o->zstd_level = 1;
    if (o->cache_bytes == 0)
        o->cache_bytes = (size_t)8 << 20;
    if (o->write_buffer_bytes == 0)
        o->write_buffer_bytes = (size_t)8 << 20;
    if (o->write_buffers_bytes == 0)
        o->write_buffers_bytes = (size_t)48 << 20;
    if (o->max_wal_bytes == 0)
        o->max_wal_bytes = (uint64_t)128 << 20;
    if (o->maintain_ms == 0)
        o->maintain_ms = 1000;
}

static void init_locks(struct emb *b)
{
    pthread_rwlockattr_t writers_first;

    (void)pthread_rwlockattr_init(&writers_first);
    (void)pthread_rwlockattr_setkind_np(
            &writers_first, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(&b->db_lock, &writers_first);
    (void)pthread_rwlockattr_destroy(&writers_first);
    lg_clock_cond_init(&b->thread_cond);
    (void)pthread_mutex_init(&b->queue_lock, NULL);
    (void)pthread_mutex_init(&b->write_lock, NULL);
    (void)pthread_mutex_init(&b->group_lock, NULL);
    (void)pthread_mutex_init(&b->wake_lock, NULL);
    (void)pthread_mutex_init(&b->maintain_lock, NULL);
    (void)pthread_mutex_init(&b->thread_lock, NULL);
}

static void free_bus(struct emb *b)
{
    lg_rocks_close(&b->rocks);
    lg_marks_close(&b->marks);
    emb_groups_free(b);
    for (int i = 0; i < atomic_load(&b->n_topics); i++)
        lg_free(b->topics[i]);
    lg_block_writer_free(b->writer);
    lg_vec_done(&b->items);
    lg_vec_done(&b->order);
    lg_vec_done(&b->counts);
    (void)pthread_rwlock_destroy(&b->db_lock);
    (void)pthread_cond_destroy(&b->thread_cond);
    (void)pthread_mutex_destroy(&b->queue_lock);
    (void)pthread_mutex_destroy(&b->write_lock);
    (void)pthread_mutex_destroy(&b->group_lock);
    (void)pthread_mutex_destroy(&b->wake_lock);
    (void)pthread_mutex_destroy(&b->maintain_lock);
    (void)pthread_mutex_destroy(&b->thread_lock);
    lg_free(b->path);
    lg_free(b);
}

static void emb_close(struct lg_bus *bus)
{
    struct emb *b = emb_of(bus);
    struct lg_err err;

    emb_thread_stop(b);
    /* In good order nothing is left to chance: also what nobody asked to be durable is synced. */
    if (!atomic_load(&b->failed) && lg_rocks_sync(&b->rocks, &err) < 0)
        lg_log(LG_LOG_WARN, "bus", "last sync failed", "error=\"%s\"", err.text);
    free_bus(b);
}

static const struct lg_bus_ops emb_ops = {
        .close = emb_close,
        .maintain = emb_maintain,
        .topic_ensure = emb_topic_ensure,
        .topic_find = emb_topic_find,
        .topic_name = emb_topic_name,
        .partitions = emb_partitions,
        .offsets = emb_offsets,
        .publish = emb_publish,
        .consumer_new = emb_consumer_new,
        .consumer_close = emb_consumer_close,
        .poll = emb_poll,
        .batch_free = emb_batch_free,
        .wake = emb_consumer_wake,
        .seek = emb_seek,
        .position = emb_position,
        .pause = emb_pause,
        .assignment = emb_assignment,
        .committed = emb_committed,
        .group_set = emb_group_set,
        .group_delete = emb_group_delete,
        .read = emb_read,
        .compacted_scan = emb_compacted_scan,
        .stats = emb_stats,
        .topic_stats = emb_topic_stats,
};

static int open_marks(struct emb *b, struct lg_err *reterr)
{
    char path[4200];

    if (lg_folder_make(b->path, 0700) < 0)
        return lg_err_set(
                reterr, errno == ENOSPC ? LG_ENOSPC : LG_EIO, "cannot make the folder %s", b->path);
    if ((size_t)snprintf(path, sizeof(path), "%s/end-markers", b->path) >= sizeof(path))
        return lg_err_set(reterr, LG_EINVAL, "the path of the bus folder is too long");
    if (lg_marks_open(&b->marks, path) < 0)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    return 0;
}

int lg_bus_open_embedded(
        const struct lg_bus_embedded_options *opt, struct lg_bus **ret, struct lg_err *reterr)
{
    struct emb *b = lg_calloc(1, sizeof(*b));
    int rc;

    if (b == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    b->pub.ops = &emb_ops;
    b->opt = *opt;
    b->marks.fd = -1;
    b->tail = &b->head;
    set_defaults(&b->opt);
    init_locks(b);
    b->path = lg_strndup(opt->path, strlen(opt->path));
    b->opt.path = b->path;
    rc = b->path == NULL ? LG_ENOMEM : lg_block_writer_new(b->opt.zstd_level, &b->writer);
    if (rc < 0)
        (void)lg_err_set(reterr, rc, "out of memory");
    if (rc == 0)
        rc = open_marks(b, reterr);
    if (rc == 0)
        rc = emb_load(b, false, reterr);
    if (rc == 0)
        rc = emb_thread_start(b);
    if (rc < 0) {
        free_bus(b);
        return rc;
    }
    *ret = &b->pub;
    return 0;
}
