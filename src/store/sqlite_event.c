#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/hash.h"
#include "base/mem.h"
#include "crypto/encode.h"
#include "store/sqlite_event_int.h"

static void store_close(struct lg_event_store *st)
{
    struct lg_sqlite_events *es = lg_events_of(st);

    es->open_files = 0;
    while (es->days != NULL) {
        struct lg_day *d = es->days;

        d->refs = 1;
        lg_day_drop(es, d);
    }
    lg_vec_done(&es->list);
    (void)ZSTD_freeCCtx(es->zc);
    (void)pthread_mutex_destroy(&es->lock);
    (void)pthread_mutex_destroy(&es->write_lock);
    lg_free(es->dir);
    lg_free(es);
}

static void unlink_day_files(struct lg_sqlite_events *es, int64_t day)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char path[4096], name[4200];

    if (lg_day_path(es, day, path, sizeof(path)) < 0)
        return;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, parts[i]);
        (void)unlink(name);
    }
}

/* Whether the day's file or its log was written to after `t`; true where that cannot be told. */
static bool written_after(struct lg_sqlite_events *es, int64_t day, lg_time t)
{
    char path[4096], wal[4200];
    struct stat st;

    if (lg_day_path(es, day, path, sizeof(path)) < 0 || stat(path, &st) < 0)
        return true;
    if (st.st_mtim.tv_sec >= t / LG_NS_PER_SEC)
        return true;
    (void)snprintf(wal, sizeof(wal), "%s-wal", path);
    return stat(wal, &st) == 0 && st.st_mtim.tv_sec >= t / LG_NS_PER_SEC;
}

/* Takes the first day before `limit` at or after index *at out of the list; -1: none is left. */
static int64_t take_old_day(struct lg_sqlite_events *es, int64_t limit, lg_time idle, size_t *at,
        struct lg_day **ret_open)
{
    int64_t day = -1;
    struct lg_day *d = NULL;

    (void)pthread_mutex_lock(&es->lock);
    while (*at < es->list.n && es->list.v[*at] < limit && written_after(es, es->list.v[*at], idle))
        ++*at;
    if (*at < es->list.n && es->list.v[*at] < limit) {
        day = es->list.v[*at];
        es->list.n--;
        memmove(es->list.v + *at, es->list.v + *at + 1, (es->list.n - *at) * sizeof(*es->list.v));
        for (d = es->days; d != NULL && d->day != day; d = d->next)
            ;
        if (d != NULL)
            d->refs++;
    }
    (void)pthread_mutex_unlock(&es->lock);
    *ret_open = d;
    return day;
}

/* Readers that hold a day go on reading it; its room comes back when the last one ends. */
static void remove_day(struct lg_sqlite_events *es, int64_t day, struct lg_day *open)
{
    unlink_day_files(es, day);
    if (open != NULL)
        lg_day_drop(es, open);
}

static uint64_t day_bytes(struct lg_sqlite_events *es, int64_t day)
{
    static const char *const parts[] = {"", "-wal"};
    char path[4096], name[4200];
    uint64_t n = 0;
    struct stat st;

    if (lg_day_path(es, day, path, sizeof(path)) < 0)
        return 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, parts[i]);
        if (stat(name, &st) == 0)
            n += (uint64_t)st.st_size;
    }
    return n;
}

/* The oldest day of the list where there are two at least and all take more than `max` bytes; the
 * limit for take_old_day, or -1. */
static int64_t day_too_much(struct lg_sqlite_events *es, uint64_t max)
{
    int64_t limit = -1;
    uint64_t sum = 0;

    (void)pthread_mutex_lock(&es->lock);
    for (size_t i = 0; i < es->list.n; i++)
        sum += day_bytes(es, es->list.v[i]);
    if (es->list.n > 1 && sum > max)
        limit = es->list.v[0] + 1;
    (void)pthread_mutex_unlock(&es->lock);
    return limit;
}

static int store_retain(
        struct lg_event_store *st, const struct lg_retention *r, uint32_t *ret_removed)
{
    struct lg_sqlite_events *es = lg_events_of(st);
    int64_t day, limit = lg_day_of(r->before);
    struct lg_day *d;
    uint32_t removed = 0;
    size_t at = 0;

    (void)pthread_mutex_lock(&es->write_lock);
    for (; (day = take_old_day(es, limit, r->idle, &at, &d)) >= 0; removed++)
        remove_day(es, day, d);
    while (r->max_bytes > 0 && (limit = day_too_much(es, r->max_bytes)) >= 0) {
        at = 0;
        day = take_old_day(es, limit, INT64_MAX, &at, &d);
        if (day < 0)
            break;
        remove_day(es, day, d);
        removed++;
    }
    (void)pthread_mutex_unlock(&es->write_lock);
    *ret_removed = removed;
    return 0;
}

static int store_backup(struct lg_event_store *st, const char *dir, struct lg_err *reterr)
{
    struct lg_sqlite_events *es = lg_events_of(st);
    struct lg_arena a;
    int64_t *days;
    uint32_t n;
    int rc;

    if (lg_folder_make(dir, 0700) < 0)
        return lg_err_set(reterr, LG_EIO, "%s: cannot be made: %s", dir, strerror(errno));
    lg_arena_init(&a, 1u << 22);
    rc = lg_days_between(es, 0, INT64_MAX, true, &a, &days, &n);
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        char path[4096], to[4096];
        struct lg_day *d;

        rc = lg_day_path(es, days[i], path, sizeof(path));
        if (rc < 0)
            break;
        if ((size_t)snprintf(to, sizeof(to), "%s%s", dir, strrchr(path, '/')) >= sizeof(to)) {
            rc = lg_err_set(reterr, LG_ELIMIT, "%.200s: the path is too long", dir);
            break;
        }
        rc = lg_day_get(es, days[i], false, &d, reterr);
        if (rc == LG_ENOENT) { /* retention took it meanwhile */
            rc = 0;
            continue;
        }
        if (rc < 0)
            break;
        rc = lg_sdb_backup(&d->db, to, reterr);
        lg_day_put(es, d);
    }
    lg_arena_done(&a);
    return rc;
}

static int stats_day(struct lg_day *d, struct lg_store_stats *s)
{
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open_internal(&v, &d->db);

    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c,
            "SELECT coalesce(sum(n_events),0), coalesce(sum(n_inferences),0) FROM batches");
    rc = lg_q_step(&q);
    if (rc > 0) {
        s->events += (uint64_t)lg_q_col_i64(&q, 0);
        s->inferences += (uint64_t)lg_q_col_i64(&q, 1);
    }
    lg_q_done(&q);
    lg_view_done(&v);
    return rc < 0 ? rc : 0;
}

static int store_stats(struct lg_event_store *st, struct lg_store_stats *ret)
{
    struct lg_sqlite_events *es = lg_events_of(st);
    struct lg_store_stats s = {0};
    struct lg_arena a;
    int64_t *days;
    uint32_t n;
    int rc;

    lg_arena_init(&a, 1u << 22);
    rc = lg_days_between(es, 0, INT64_MAX, true, &a, &days, &n);
    for (uint32_t i = 0; rc >= 0 && i < n; i++) {
        struct lg_day *d;

        rc = lg_day_get(es, days[i], false, &d, NULL);
        if (rc == LG_ENOENT) {
            rc = 0;
            continue;
        }
        if (rc < 0)
            break;
        rc = stats_day(d, &s);
        lg_day_put(es, d);
        s.files++;
        s.bytes += day_bytes(es, days[i]);
    }
    lg_arena_done(&a);
    if (rc >= 0)
        *ret = s;
    return rc;
}

static const struct lg_event_store_ops ops = {
        .name = "sqlite",
        .close = store_close,
        .write = lg_sqlite_event_write,
        .event_get = lg_sqlite_event_get,
        .event_search = lg_sqlite_event_search,
        .event_histogram = lg_sqlite_event_histogram,
        .event_window = lg_sqlite_event_window,
        .inference_get = lg_sqlite_inference_get,
        .inference_search = lg_sqlite_inference_search,
        .summary = lg_sqlite_summary,
        .hosts = lg_sqlite_hosts,
        .timeline = lg_sqlite_timeline,
        .techniques = lg_sqlite_techniques,
        .profile = lg_sqlite_profile,
        .tree = lg_sqlite_tree,
        .retain = store_retain,
        .verify = lg_sqlite_event_verify,
        .backup = store_backup,
        .stats = store_stats,
};

/* Day of "YYYYMMDD.db", or -1. */
static int64_t day_of_name(const char *name)
{
    uint64_t n;
    int64_t day;
    unsigned y, m, d;

    if (strlen(name) != 11 || strcmp(name + 8, ".db") != 0 ||
            lg_parse_u64(lg_str_of(name, 8), &n) < 0)
        return -1;
    y = (unsigned)(n / 10000);
    m = (unsigned)(n / 100 % 100);
    d = (unsigned)(n % 100);
    if (y < 1970 || m < 1 || m > 12 || d < 1 || d > 31)
        return -1;
    day = lg_days_from_civil(y, m, d);
    return day;
}

static int read_folder(struct lg_sqlite_events *es, struct lg_err *reterr)
{
    struct dirent *e;
    DIR *dir;
    int rc = 0;

    if (lg_folder_make(es->dir, 0700) < 0)
        return lg_err_set(reterr, LG_EIO, "%s: cannot be made: %s", es->dir, strerror(errno));
    dir = opendir(es->dir);
    if (dir == NULL)
        return lg_err_set(reterr, LG_EIO, "%s: cannot be read: %s", es->dir, strerror(errno));
    while (rc >= 0 && (e = readdir(dir)) != NULL) {
        int64_t day = day_of_name(e->d_name);
        size_t at = es->list.n;

        if (day < 0)
            continue;
        rc = lg_vec_push(&es->list, day);
        for (; rc >= 0 && at > 0 && es->list.v[at - 1] > day; at--) {
            es->list.v[at] = es->list.v[at - 1];
            es->list.v[at - 1] = day;
        }
    }
    (void)closedir(dir);
    return rc < 0 ? lg_err_set(reterr, rc, "out of memory") : 0;
}

int lg_sqlite_event_store_open(const struct lg_sqlite_event_options *opt,
        struct lg_event_store **ret, struct lg_err *reterr)
{
    struct lg_sqlite_events *es = (struct lg_sqlite_events *)lg_calloc(1, sizeof(*es));
    int rc;

    if (es == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    es->base.ops = &ops;
    es->open_files = opt->open_files != 0 ? opt->open_files : 8;
    es->block_events = opt->block_events == 0    ? LG_BLOCK_SLOTS
            : opt->block_events > LG_BLOCK_SLOTS ? LG_BLOCK_SLOTS
                                                 : opt->block_events;
    es->zstd_level = opt->zstd_level != 0 ? opt->zstd_level : 3;
    es->scan_rows = opt->scan_rows != 0 ? opt->scan_rows : 400000;
    es->map_seed = lg_hash_secret();
    /* Cursors of a page live as long as the process: a new one asks anew. */
    lg_crypto_random(es->cursor_key, sizeof(es->cursor_key));
    (void)pthread_mutex_init(&es->lock, NULL);
    (void)pthread_mutex_init(&es->write_lock, NULL);
    es->dir = lg_strndup(opt->dir, strlen(opt->dir));
    es->zc = ZSTD_createCCtx();
    rc = es->dir == NULL || es->zc == NULL ? lg_err_set(reterr, LG_ENOMEM, "out of memory")
                                           : read_folder(es, reterr);
    if (rc < 0) {
        store_close(&es->base);
        return rc;
    }
    *ret = &es->base;
    return 0;
}

int lg_sqlite_restore_day(const char *backup, const char *path, struct lg_err *reterr)
{
    return lg_sdb_restore(backup, path, &lg_day_migrations, reterr);
}
