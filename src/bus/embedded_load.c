/* Opening: what RocksDB holds, held against the end markers and against what was in memory. */
#include <stdio.h>

#include "base/log.h"
#include "bus/bytes.h"
#include "bus/embedded_int.h"

#define FORMAT "logster-bus/1"

/* --- topics */

static struct lg_str topic_value(const struct emb_topic *t, uint8_t *v)
{
    size_t n = strlen(t->name);

    lg_le32_put(v, (uint32_t)t->partitions);
    lg_le64_put(v + 4, atomic_load(&t->retention_bytes));
    lg_le64_put(v + 12, (uint64_t)atomic_load(&t->retention_age));
    v[20] = t->compacted ? 1 : 0;
    memcpy(v + 21, t->name, n);
    return lg_str_of((const char *)v, 21 + n);
}

int emb_topic_store(struct emb *b, struct emb_topic *t, struct lg_err *reterr)
{
    uint8_t k[EMB_KEY_MAX], v[32 + LG_BUS_MAX_NAME_BYTES];
    size_t nk = emb_key_topic(k, (uint32_t)t->id);
    struct lg_str value = topic_value(t, v);
    rocksdb_writebatch_t *batch;
    int rc = lg_rocks_add_topic(&b->rocks, t->id, reterr);

    if (rc < 0)
        return rc;
    batch = rocksdb_writebatch_create();
    rocksdb_writebatch_put_cf(
            batch, b->rocks.cf[LG_ROCKS_META], (const char *)k, nk, value.p, value.n);
    rc = lg_rocks_write(&b->rocks, batch, reterr);
    rocksdb_writebatch_destroy(batch);
    return rc < 0 ? rc : lg_rocks_sync(&b->rocks, reterr);
}

struct emb_topic *emb_topic_new(struct emb *b, const char *name, size_t n, int32_t partitions)
{
    struct emb_topic *t;
    int id = atomic_load(&b->n_topics);

    if (id >= LG_BUS_MAX_TOPICS || partitions < 1 || partitions > LG_BUS_MAX_PARTITIONS ||
            n > LG_BUS_MAX_NAME_BYTES)
        return NULL;
    t = lg_calloc(1, sizeof(*t) + (size_t)partitions * sizeof(t->parts[0]));
    if (t == NULL)
        return NULL;
    t->id = id;
    memcpy(t->name, name, n);
    t->partitions = partitions;
    t->first_tp = b->n_tps;
    for (int32_t p = 0; p < partitions; p++)
        if (lg_marks_reserve(&b->marks, (uint32_t)id, (uint32_t)p) < 0 ||
                lg_vec_push(&b->counts, 0) < 0) {
            b->counts.n = b->n_tps;
            lg_free(t);
            return NULL;
        }
    return t;
}

void emb_topic_add(struct emb *b, struct emb_topic *t)
{
    b->n_tps += (uint32_t)t->partitions;
    b->topics[t->id] = t;
    atomic_store(&b->n_topics, t->id + 1);
}

/* One stored topic; topics of a bus that is opened again are there already. */
static int load_topic(struct emb *b, uint32_t id, struct lg_str v, struct lg_err *reterr)
{
    struct emb_topic *t = emb_topic(b, (int)id);

    if (v.n < 22 || v.n > 21 + LG_BUS_MAX_NAME_BYTES || id > (uint32_t)atomic_load(&b->n_topics))
        return lg_err_set(reterr, LG_ECORRUPT, "the list of topics is damaged");
    if (t != NULL)
        return 0;
    t = emb_topic_new(b, v.p + 21, v.n - 21, (int32_t)lg_le32_get(v.p));
    if (t == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "cannot take over a topic");
    atomic_store(&t->retention_bytes, lg_le64_get(v.p + 4));
    atomic_store(&t->retention_age, (int64_t)lg_le64_get(v.p + 12));
    t->compacted = v.p[20] != 0;
    emb_topic_add(b, t);
    return 0;
}

static struct lg_str iter_key(const rocksdb_iterator_t *it)
{
    size_t n;
    const char *p = rocksdb_iter_key(it, &n);

    return lg_str_of(p, n);
}

static struct lg_str iter_value(const rocksdb_iterator_t *it)
{
    size_t n;
    const char *p = rocksdb_iter_value(it, &n);

    return lg_str_of(p, n);
}

/* Calls fn for all entries of META whose key begins with `kind`. */
static int each_meta(struct emb *b, char kind,
        int (*fn)(struct emb *b, struct lg_str key, struct lg_str value, struct lg_err *reterr),
        struct lg_err *reterr)
{
    rocksdb_iterator_t *it = lg_rocks_iterator(&b->rocks, LG_ROCKS_META);
    int rc = 0;

    for (rocksdb_iter_seek(it, &kind, 1); rc == 0 && rocksdb_iter_valid(it);
            rocksdb_iter_next(it)) {
        struct lg_str key = iter_key(it);

        if (key.p[0] != kind)
            break;
        rc = fn(b, lg_str_sub(key, 1, key.n), iter_value(it), reterr);
    }
    if (rc == 0)
        rc = lg_rocks_iterator_error(it, reterr);
    rocksdb_iter_destroy(it);
    return rc;
}

static int on_topic(struct emb *b, struct lg_str key, struct lg_str value, struct lg_err *reterr)
{
    return key.n == 4 ? load_topic(b, lg_be32_get(key.p), value, reterr) : 0;
}

static struct emb_part *part_of_key(struct emb *b, struct lg_str key)
{
    if (key.n != 8)
        return NULL;
    return emb_part(b, (int)lg_be32_get(key.p), (int32_t)lg_be32_get(key.p + 4));
}

static int on_begin(struct emb *b, struct lg_str key, struct lg_str value, struct lg_err *reterr)
{
    struct emb_part *p = part_of_key(b, key);

    (void)reterr;
    if (p != NULL && value.n == 8)
        atomic_store(&p->begin, (int64_t)lg_le64_get(value.p));
    return 0;
}

static int on_next(struct emb *b, struct lg_str key, struct lg_str value, struct lg_err *reterr)
{
    struct emb_part *p = part_of_key(b, key);

    (void)reterr;
    if (p != NULL && value.n == 8)
        p->stored_next = (int64_t)lg_le64_get(value.p);
    return 0;
}

static int on_offset(struct emb *b, struct lg_str key, struct lg_str value, struct lg_err *reterr)
{
    size_t n = key.n > 0 ? (uint8_t)key.p[0] : 0;
    struct emb_group *g;
    int32_t partition;
    int topic, rc = 0;

    if (n == 0 || key.n != 9 + n || value.n != 8)
        return 0;
    topic = (int)lg_be32_get(key.p + 1 + n);
    partition = (int32_t)lg_be32_get(key.p + 5 + n);
    if (emb_part(b, topic, partition) == NULL)
        return 0;
    (void)pthread_mutex_lock(&b->group_lock);
    g = emb_group_get(b, lg_str_sub(key, 1, 1 + n), true);
    if (g == NULL || emb_group_reserve(b, g, topic) < 0)
        rc = lg_err_set(reterr, LG_ENOMEM, "cannot take over a group");
    else
        g->committed[topic][partition] = (int64_t)lg_le64_get(value.p);
    (void)pthread_mutex_unlock(&b->group_lock);
    return rc;
}

/* --- ends */

/* The last block of the partition in the index tells where it ends. */
static void load_end(
        rocksdb_iterator_t *it, const struct emb_topic *t, int32_t partition, int64_t *ret)
{
    uint8_t k[EMB_KEY_MAX];
    size_t n = emb_key_by_offset(k, t->id, partition, INT64_MAX);
    struct emb_by_offset e;

    rocksdb_iter_seek_for_prev(it, (const char *)k, n);
    if (rocksdb_iter_valid(it)) {
        struct lg_str key = iter_key(it);

        if (key.n == n && memcmp(key.p, k, n - 8) == 0 && emb_by_offset_get(iter_value(it), &e)) {
            int64_t end = (int64_t)lg_be64_get(key.p + n - 8) + (int64_t)e.n;

            *ret = end > *ret ? end : *ret;
        }
    }
}

/* First and last block of the topic. */
static void load_blocks(rocksdb_iterator_t *it, struct emb_topic *t)
{
    uint8_t k[EMB_KEY_MAX];
    size_t n = emb_key_by_seq(k, t->id, 0);
    struct emb_by_seq e;

    t->first_seq = t->next_seq;
    rocksdb_iter_seek(it, (const char *)k, n);
    if (!rocksdb_iter_valid(it) || iter_key(it).n != n || memcmp(iter_key(it).p, k, n - 8) != 0 ||
            !emb_by_seq_get(iter_value(it), &e))
        return;
    t->first_seq = lg_be64_get(iter_key(it).p + n - 8);
    atomic_store(&t->cum_begin, e.cum - e.stored);
    n = emb_key_by_seq(k, t->id, UINT64_MAX);
    rocksdb_iter_seek_for_prev(it, (const char *)k, n);
    if (!rocksdb_iter_valid(it) || !emb_by_seq_get(iter_value(it), &e))
        return;
    if (lg_be64_get(iter_key(it).p + n - 8) >= t->next_seq)
        t->next_seq = lg_be64_get(iter_key(it).p + n - 8) + 1;
    if (e.cum > t->cum_bytes)
        t->cum_bytes = e.cum;
}

static bool report_loss(struct emb *b, struct emb_topic *t, int32_t partition, int64_t end)
{
    const struct lg_mark *m = lg_marks_find(&b->marks, (uint32_t)t->id, (uint32_t)partition);
    const struct lg_str none = LG_STR("");
    char text[200];
    int64_t from = end;

    if (m == NULL)
        return false;
    if (m->durable > from) {
        (void)snprintf(text, sizeof(text),
                "the log ends at offset %lld, but records up to %lld were acknowledged: its tail "
                "was cut",
                (long long)end, (long long)m->durable);
        emb_event(b, LG_BUS_CUT_TAIL, t->id, partition, end, (uint64_t)(m->durable - end), none,
                text);
        from = m->durable;
    }
    if (m->end > from)
        emb_event(b, LG_BUS_LOST_UNSYNCED, t->id, partition, from, (uint64_t)(m->end - from), none,
                "the last records were never synced and are gone");
    return m->durable > end || m->end > end;
}

/*
 * Sets where the partition goes on. An offset is never given twice, even where records are gone:
 * somebody may have seen them.
 */
static void set_end(
        struct emb *b, struct emb_topic *t, int32_t partition, int64_t found, bool again)
{
    const struct lg_mark *m = lg_marks_find(&b->marks, (uint32_t)t->id, (uint32_t)partition);
    struct emb_part *p = &t->parts[partition];
    int64_t next = again ? p->next : 0;

    if (found > next)
        next = found;
    if (m != NULL && m->durable > next)
        next = m->durable;
    if (m != NULL && m->end > next)
        next = m->end;
    for (struct emb_group *g = b->groups; g != NULL; g = g->next)
        if (g->committed[t->id] != NULL && g->committed[t->id][partition] > next)
            next = g->committed[t->id][partition];
    p->next = next;
    atomic_store(&p->end, next);
}

/* A loss is told once: from now on the partitions are known to go on where they do. */
static int store_ends(struct emb *b, struct lg_err *reterr)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    uint8_t k[EMB_KEY_MAX], v[8];
    int rc;

    for (int i = 0; i < atomic_load(&b->n_topics); i++)
        for (int32_t p = 0; p < b->topics[i]->partitions; p++) {
            lg_le64_put(v, (uint64_t)b->topics[i]->parts[p].next);
            rocksdb_writebatch_put_cf(batch, b->rocks.cf[LG_ROCKS_META], (const char *)k,
                    emb_key_next(k, i, p), (const char *)v, 8);
        }
    rc = lg_rocks_write(&b->rocks, batch, reterr);
    rocksdb_writebatch_destroy(batch);
    return rc < 0 ? rc : lg_rocks_sync(&b->rocks, reterr);
}

static int load_ends(struct emb *b, bool again, struct lg_err *reterr)
{
    rocksdb_iterator_t *it = lg_rocks_iterator(&b->rocks, LG_ROCKS_INDEX);
    bool lost = false;
    int rc;

    for (int i = 0; i < atomic_load(&b->n_topics); i++) {
        struct emb_topic *t = b->topics[i];

        if (!t->compacted)
            load_blocks(it, t);
        atomic_store(&t->cum_end, t->cum_bytes);
        if (t->first_seq == t->next_seq)
            atomic_store(&t->cum_begin, t->cum_bytes);
        for (int32_t p = 0; p < t->partitions; p++) {
            int64_t end = atomic_load(&t->parts[p].begin);

            if (t->parts[p].stored_next > end)
                end = t->parts[p].stored_next;
            if (!t->compacted)
                load_end(it, t, p, &end);
            lost = report_loss(b, t, p, end) || lost;
            set_end(b, t, p, end, again);
        }
    }
    rc = lg_rocks_iterator_error(it, reterr);
    rocksdb_iter_destroy(it);
    return rc == 0 && lost ? store_ends(b, reterr) : rc;
}

/* --- all of it */

static int check_format(struct emb *b, struct lg_err *reterr)
{
    rocksdb_pinnableslice_t *v = NULL;
    struct lg_str have;
    int rc = lg_rocks_get(&b->rocks, LG_ROCKS_META, "V", 1, &v, reterr);

    if (rc < 0)
        return rc;
    if (v == NULL) {
        rocksdb_writebatch_t *batch = rocksdb_writebatch_create();

        rocksdb_writebatch_put_cf(
                batch, b->rocks.cf[LG_ROCKS_META], "V", 1, FORMAT, sizeof(FORMAT) - 1);
        rc = lg_rocks_write(&b->rocks, batch, reterr);
        rocksdb_writebatch_destroy(batch);
        return rc < 0 ? rc : lg_rocks_sync(&b->rocks, reterr);
    }
    have.p = rocksdb_pinnableslice_value(v, &have.n);
    if (!lg_str_eq(have, LG_STR(FORMAT)))
        rc = lg_err_set(reterr, LG_EUNSUP, "%s is a bus of format '%.*s', this program knows %s",
                b->path, LG_STR_FMT(lg_str_sub(have, 0, 40)), FORMAT);
    rocksdb_pinnableslice_destroy(v);
    return rc;
}

static int try_open(struct emb *b, struct lg_err *reterr)
{
    struct lg_err first;
    int rc = lg_rocks_open(&b->rocks, &b->opt, false, &first);

    if (rc == LG_ECORRUPT) { /* damage before the tail of the log of writes: keep what is whole */
        rc = lg_rocks_open(&b->rocks, &b->opt, true, reterr);
        if (rc == 0)
            emb_event(b, LG_BUS_REPAIRED, -1, -1, 0, 0, LG_STR(""), first.text);
        return rc;
    }
    if (rc < 0 && reterr != NULL)
        *reterr = first;
    return rc;
}

static int open_database(struct emb *b, struct lg_err *reterr)
{
    struct lg_err err = {0};
    int rc = lg_rocks_mend(b->path, &err);

    if (rc > 0)
        emb_event(b, LG_BUS_REPAIRED, -1, -1, 0, 0, LG_STR(""), err.text);
    if (rc >= 0)
        rc = try_open(b, &err);
    if (rc == LG_ECORRUPT)
        return lg_err_set(reterr, rc,
                "%.*s: the topics cannot be read. Put back a copy of the folder, or move it away "
                "to go on with empty topics: stored events and alerts are not in it",
                LG_STR_FMT(lg_str_sub(lg_str_z(err.text), 0, 190)));
    return rc < 0 ? lg_err_set(reterr, rc, "%s", err.text) : rc;
}

/* After a failure: what was committed in memory only is not there any more. */
static void forget_offsets(struct emb *b)
{
    (void)pthread_mutex_lock(&b->group_lock);
    for (struct emb_group *g = b->groups; g != NULL; g = g->next)
        for (int t = 0; t < atomic_load(&b->n_topics); t++)
            for (int32_t p = 0; g->committed[t] != NULL && p < b->topics[t]->partitions; p++)
                g->committed[t][p] = -1;
    (void)pthread_mutex_unlock(&b->group_lock);
}

int emb_load(struct emb *b, bool again, struct lg_err *reterr)
{
    int rc = open_database(b, reterr);

    if (rc < 0)
        return rc;
    if (again)
        forget_offsets(b);
    rc = check_format(b, reterr);
    if (rc == 0)
        rc = each_meta(b, 'T', on_topic, reterr);
    for (int i = 0; rc == 0 && again && i < atomic_load(&b->n_topics); i++)
        rc = emb_topic_store(b, b->topics[i], reterr); /* its making may be among what was lost */
    for (int i = 0; rc == 0 && i < atomic_load(&b->n_topics); i++)
        if (b->rocks.cf[LG_ROCKS_TOPIC + i] == NULL)
            rc = lg_rocks_add_topic(&b->rocks, i, reterr);
    if (rc == 0)
        rc = each_meta(b, 'S', on_begin, reterr);
    if (rc == 0)
        rc = each_meta(b, 'N', on_next, reterr);
    if (rc == 0)
        rc = each_meta(b, 'O', on_offset, reterr);
    if (rc == 0)
        rc = load_ends(b, again, reterr);
    if (rc < 0)
        lg_rocks_close(&b->rocks);
    return rc;
}
