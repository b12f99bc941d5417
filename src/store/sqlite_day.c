#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/sqlite_event_int.h"

/* Handles of day files: at most open_files stay open when nobody uses them. */

int64_t lg_row_number(int64_t tenant, int64_t ms, const struct lg_uuid *id, unsigned attempt)
{
    static const int64_t spans[] = {1, 16, 1000, LG_DISPLACED_MAX};
    uint64_t h = lg_hash64(id->b, sizeof(id->b), attempt);
    int64_t span = spans[attempt / 8 < 4 ? attempt / 8 : 3];
    int64_t moved = span > 1 ? (int64_t)(h >> 32) % span : 0;

    return lg_row_first(tenant, ms + moved) | (int64_t)(h & 0xffffff);
}

int lg_day_path(const struct lg_sqlite_events *es, int64_t day, char *out, size_t cap)
{
    int y, m, d;

    lg_civil_of_day(day, &y, &m, &d);
    return (size_t)snprintf(out, cap, "%s/%04d%02d%02d.db", es->dir, y, m, d) >= cap ? LG_ELIMIT
                                                                                     : 0;
}

static void day_free(struct lg_day *d)
{
    lg_sdb_done(&d->db);
    lg_map_done(&d->strings);
    lg_map_done(&d->endpoints);
    lg_map_done(&d->tenants);
    lg_map_done(&d->terms);
    lg_free(d);
}

static void unlink_day(struct lg_sqlite_events *es, struct lg_day *d)
{
    for (struct lg_day **p = &es->days; *p != NULL; p = &(*p)->next)
        if (*p == d) {
            *p = d->next;
            es->n_open--;
            return;
        }
}

/* Closes the handles that are longest unused. Locked. */
static void shrink(struct lg_sqlite_events *es)
{
    while (es->n_open > es->open_files) {
        struct lg_day *old = NULL;

        for (struct lg_day *d = es->days; d != NULL; d = d->next)
            if (d->refs == 0 && (old == NULL || d->used < old->used))
                old = d;
        if (old == NULL)
            return;
        unlink_day(es, old);
        day_free(old);
    }
}

static int list_add(struct lg_sqlite_events *es, int64_t day)
{
    size_t at = es->list.n;

    while (at > 0 && es->list.v[at - 1] > day)
        at--;
    if (at > 0 && es->list.v[at - 1] == day)
        return 0;
    if (lg_vec_push(&es->list, day) < 0)
        return LG_ENOMEM;
    memmove(es->list.v + at + 1, es->list.v + at, (es->list.n - 1 - at) * sizeof(*es->list.v));
    es->list.v[at] = day;
    return 0;
}

static bool listed(const struct lg_sqlite_events *es, int64_t day)
{
    for (size_t i = 0; i < es->list.n; i++)
        if (es->list.v[i] == day)
            return true;
    return false;
}

static int load_displaced(struct lg_day *d)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, d->db.writer, "SELECT max(displaced) FROM batches");
    rc = lg_q_step(&q);
    if (rc > 0)
        d->displaced_ms = lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    return rc < 0 ? rc : 0;
}

static int day_open(
        struct lg_sqlite_events *es, int64_t day, struct lg_day **ret, struct lg_err *reterr)
{
    struct lg_day *d = (struct lg_day *)lg_calloc(1, sizeof(*d));
    char path[4096];
    int rc;

    if (d == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    d->day = day;
    d->base_ns = day * LG_DAY_NS;
    lg_map_init(&d->strings);
    lg_map_init(&d->endpoints);
    lg_map_init(&d->tenants);
    lg_map_init(&d->terms);
    rc = lg_day_path(es, day, path, sizeof(path));
    if (rc < 0)
        rc = lg_err_set(reterr, rc, "%.200s: the path is too long", es->dir);
    else
        rc = lg_sdb_open(&d->db, path, &lg_day_migrations, reterr);
    if (rc >= 0) {
        rc = load_displaced(d);
        if (rc < 0)
            rc = lg_err_set(reterr, rc, "%s: %s", path, lg_err_name(rc));
    }
    if (rc < 0) {
        day_free(d);
        return rc;
    }
    *ret = d;
    return 0;
}

int lg_day_get(struct lg_sqlite_events *es, int64_t day, bool create, struct lg_day **ret,
        struct lg_err *reterr)
{
    struct lg_day *d;
    int rc = 0;

    (void)pthread_mutex_lock(&es->lock);
    for (d = es->days; d != NULL; d = d->next)
        if (d->day == day && !d->dead)
            break;
    if (d == NULL && !create && !listed(es, day)) {
        rc = LG_ENOENT;
    } else if (d == NULL) {
        rc = day_open(es, day, &d, reterr);
        if (rc >= 0)
            rc = list_add(es, day);
        if (rc >= 0) {
            d->next = es->days;
            es->days = d;
            es->n_open++;
        } else if (d != NULL) {
            day_free(d);
        }
    }
    if (rc >= 0) {
        d->refs++;
        d->used = ++es->clock;
        shrink(es);
        *ret = d;
    }
    (void)pthread_mutex_unlock(&es->lock);
    return rc;
}

void lg_day_put(struct lg_sqlite_events *es, struct lg_day *d)
{
    (void)pthread_mutex_lock(&es->lock);
    if (--d->refs == 0 && d->dead)
        day_free(d);
    else
        shrink(es);
    (void)pthread_mutex_unlock(&es->lock);
}

void lg_day_drop(struct lg_sqlite_events *es, struct lg_day *d)
{
    (void)pthread_mutex_lock(&es->lock);
    if (!d->dead)
        unlink_day(es, d);
    d->dead = true;
    if (--d->refs == 0)
        day_free(d);
    (void)pthread_mutex_unlock(&es->lock);
}

int lg_days_between(struct lg_sqlite_events *es, int64_t first, int64_t last, bool ascending,
        struct lg_arena *a, int64_t **ret, uint32_t *ret_n)
{
    uint32_t n = 0;
    int64_t *v;

    (void)pthread_mutex_lock(&es->lock);
    v = (int64_t *)lg_arena_alloc(a, (es->list.n + 1) * sizeof(*v));
    for (size_t i = 0; v != NULL && i < es->list.n; i++) {
        int64_t day = es->list.v[ascending ? i : es->list.n - 1 - i];

        if (day >= first && day <= last)
            v[n++] = day;
    }
    (void)pthread_mutex_unlock(&es->lock);
    if (v == NULL)
        return LG_ENOMEM;
    *ret = v;
    *ret_n = n;
    return 0;
}

int lg_endpoint_find(struct lg_conn *c, int64_t tenant, struct lg_str endpoint, int64_t *ret)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c, "SELECT ref FROM endpoints WHERE tenant=?1 AND endpoint=?2");
    lg_q_i64(&q, tenant);
    lg_q_str(&q, endpoint);
    rc = lg_q_step(&q);
    if (rc > 0)
        *ret = lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    return rc;
}
