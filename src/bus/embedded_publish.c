/*
 * Group commit. Callers queue their request; the first one finds nobody building and leads: it
 * takes what is queued, builds blocks and one write batch of it, hands the building on, writes in
 * turn, and syncs if one of the group wants that. While one group is being written and synced the
 * next is built, of all that came meanwhile.
 */
#include "base/log.h"
#include "bus/bytes.h"
#include "bus/embedded_int.h"

#define GROUP_BYTES ((size_t)8 << 20) /* of one group; a single request may be more */

struct group_end {
    uint32_t topic;
    uint32_t partition;
    int64_t next;
};

struct commit {
    struct emb_req *first; /* of the group, linked by `next` up to n_reqs */
    size_t n_reqs;
    rocksdb_writebatch_t *batch;
    LG_VEC(struct group_end) ends;
    uint64_t topics; /* bit set */
    uint64_t seq[LG_BUS_MAX_TOPICS];
    uint64_t cum[LG_BUS_MAX_TOPICS];
    uint64_t records[LG_BUS_MAX_TOPICS];
    uint64_t raw_bytes;
    uint64_t stored_bytes;
    bool durable;
};

/* --- building */

static void put(rocksdb_writebatch_t *batch, struct emb *b, int cf, const uint8_t *k, size_t nk,
        const void *v, size_t nv)
{
    rocksdb_writebatch_put_cf(batch, b->rocks.cf[cf], (const char *)k, nk, v, nv);
}

static int put_block(struct emb *b, struct commit *cm, struct emb_topic *t)
{
    uint8_t k[EMB_KEY_MAX], v[40];
    struct lg_block_head head;
    struct lg_str bytes;
    struct emb_by_seq by_seq;
    uint64_t seq = cm->seq[t->id];
    size_t n;
    int rc = lg_block_finish(b->writer, &bytes, &head);

    if (rc < 0)
        return rc;
    lg_be64_put(k, seq);
    put(cm->batch, b, LG_ROCKS_TOPIC + t->id, k, 8, bytes.p, bytes.n);
    n = emb_by_offset_put(v, &(struct emb_by_offset){seq, head.n});
    put(cm->batch, b, LG_ROCKS_INDEX, k,
            emb_key_by_offset(k, t->id, (int32_t)head.partition, head.base_offset), v, n);
    cm->cum[t->id] += bytes.n;
    by_seq = (struct emb_by_seq){head.partition, head.base_offset, head.n, (uint32_t)bytes.n,
            head.max_time, cm->cum[t->id]};
    n = emb_by_seq_put(v, &by_seq);
    put(cm->batch, b, LG_ROCKS_INDEX, k, emb_key_by_seq(k, t->id, seq), v, n);
    cm->seq[t->id]++;
    cm->stored_bytes += bytes.n;
    return 0;
}

static lg_time time_of(const struct emb_item *it)
{
    return it->out->rec.bus_time != 0 ? it->out->rec.bus_time : it->now;
}

/* Blocks of one partition from items[order[from..to)). */
static int build_blocks(struct emb *b, struct commit *cm, struct emb_topic *t, uint32_t partition,
        size_t from, size_t to)
{
    int64_t next = t->parts[partition].next;
    size_t in_block = 0;
    int rc = 0;

    for (size_t i = from; rc == 0 && i < to; i++) {
        const struct emb_item *it = &b->items.v[b->order.v[i]];

        if (in_block == 0)
            lg_block_begin(b->writer, (uint32_t)t->id, partition, next);
        rc = lg_block_add(b->writer, &it->out->rec, time_of(it));
        next++;
        in_block++;
        if (rc == 0 &&
                (i + 1 == to || lg_block_raw_bytes(b->writer) >= b->opt.block_bytes ||
                        in_block >= LG_BLOCK_MAX_RECORDS)) {
            rc = put_block(b, cm, t);
            in_block = 0;
        }
    }
    if (rc == 0)
        rc = lg_vec_push(&cm->ends, (struct group_end){(uint32_t)t->id, partition, next});
    return rc;
}

/* The same for a compacted topic: a key's latest record, in a block of its own. */
static int build_compacted(struct emb *b, struct commit *cm, struct emb_topic *t,
        uint32_t partition, size_t from, size_t to)
{
    uint8_t k[4 + LG_BUS_MAX_KEY_BYTES], v[8];
    int64_t next = t->parts[partition].next;
    struct lg_block_head head;
    struct lg_str bytes;

    lg_be32_put(k, partition);
    for (size_t i = from; i < to; i++, next++) {
        const struct emb_item *it = &b->items.v[b->order.v[i]];
        const struct lg_bus_record *rec = &it->out->rec;
        int rc;

        memcpy(k + 4, rec->key.p, rec->key.n);
        if (rec->value.p == NULL) {
            rocksdb_writebatch_delete_cf(cm->batch, b->rocks.cf[LG_ROCKS_TOPIC + t->id],
                    (const char *)k, 4 + rec->key.n);
            continue;
        }
        lg_block_begin(b->writer, (uint32_t)t->id, partition, next);
        rc = lg_block_add(b->writer, rec, time_of(it));
        if (rc == 0)
            rc = lg_block_finish(b->writer, &bytes, &head);
        if (rc < 0)
            return rc;
        put(cm->batch, b, LG_ROCKS_TOPIC + t->id, k, 4 + rec->key.n, bytes.p, bytes.n);
        cm->stored_bytes += bytes.n;
    }
    lg_le64_put(v, (uint64_t)next);
    put(cm->batch, b, LG_ROCKS_META, k, emb_key_next(k, t->id, (int32_t)partition), v, 8);
    return lg_vec_push(&cm->ends, (struct group_end){(uint32_t)t->id, partition, next});
}

/* All outputs of the group, grouped by partition, in the order of the requests. */
static int sort_items(struct emb *b, const struct commit *cm)
{
    const struct emb_req *r = cm->first;
    size_t total = 0;

    b->items.n = 0;
    for (size_t i = 0; i < cm->n_reqs; i++, r = r->next) {
        if (lg_vec_reserve(&b->items, b->items.n + r->n) < 0)
            return LG_ENOMEM;
        for (size_t o = 0; o < r->n; o++)
            b->items.v[b->items.n++] =
                    (struct emb_item){r->tps[o], (uint32_t)i, &r->outs[o], r->now};
    }
    if (lg_vec_reserve(&b->order, b->items.n) < 0)
        return LG_ENOMEM;
    for (size_t i = 0; i < b->items.n; i++)
        b->counts.v[b->items.v[i].tp]++;
    for (uint32_t tp = 0; tp < b->n_tps; tp++) { /* counts become the end of each partition */
        total += b->counts.v[tp];
        b->counts.v[tp] = (uint32_t)total;
    }
    for (size_t i = b->items.n; i-- > 0;) /* and, filled from behind, its start */
        b->order.v[--b->counts.v[b->items.v[i].tp]] = (uint32_t)i;
    return 0;
}

static int build_items(struct emb *b, struct commit *cm)
{
    int rc = 0;

    for (int id = 0; rc == 0 && id < atomic_load(&b->n_topics); id++) {
        struct emb_topic *t = b->topics[id];

        cm->seq[id] = t->next_seq;
        cm->cum[id] = t->cum_bytes;
        for (uint32_t p = 0; rc == 0 && p < (uint32_t)t->partitions; p++) {
            uint32_t tp = t->first_tp + p;
            size_t from = b->counts.v[tp];
            size_t to = tp + 1 < b->n_tps ? b->counts.v[tp + 1] : b->items.n;

            if (from == to)
                continue;
            rc = t->compacted ? build_compacted(b, cm, t, p, from, to)
                              : build_blocks(b, cm, t, p, from, to);
            cm->topics |= UINT64_C(1) << id;
            cm->records[id] += to - from;
        }
    }
    return rc;
}

static void build_offsets(struct emb *b, struct commit *cm)
{
    const struct emb_req *r = cm->first;
    uint8_t k[EMB_KEY_MAX], v[8];

    for (size_t i = 0; i < cm->n_reqs; i++, r = r->next)
        for (size_t o = 0; o < r->n_offsets; o++) {
            const struct lg_bus_offset *off = &r->offsets[o];

            lg_le64_put(v, (uint64_t)off->offset);
            put(cm->batch, b, LG_ROCKS_META, k,
                    emb_key_offset(k, r->group, off->topic, off->partition), v, 8);
        }
}

/* `building` is the caller's. On failure nothing has changed. */
static int build(struct emb *b, struct commit *cm)
{
    int rc = sort_items(b, cm);

    if (rc == 0)
        rc = build_items(b, cm);
    if (rc == 0) {
        build_offsets(b, cm);
        for (size_t i = 0; i < cm->ends.n; i++)
            b->topics[cm->ends.v[i].topic]->parts[cm->ends.v[i].partition].next =
                    cm->ends.v[i].next;
        for (int id = 0; id < atomic_load(&b->n_topics); id++) {
            b->topics[id]->next_seq = cm->seq[id];
            b->topics[id]->cum_bytes = cm->cum[id];
        }
    }
    memset(b->counts.v, 0, b->counts.n * sizeof(b->counts.v[0]));
    return rc;
}

/* --- writing */

/* What was written becomes visible. write_lock is held. */
static void show(struct emb *b, struct commit *cm)
{
    struct emb_req *r = cm->first;

    for (int id = 0; id < atomic_load(&b->n_topics); id++) {
        atomic_store(&b->topics[id]->cum_end, cm->cum[id]);
        (void)atomic_fetch_add(&b->topics[id]->published, cm->records[id]);
        (void)atomic_fetch_add(&b->n_published, cm->records[id]);
    }
    for (size_t i = 0; i < cm->ends.n; i++) {
        const struct group_end *e = &cm->ends.v[i];

        atomic_store(&b->topics[e->topic]->parts[e->partition].end, e->next);
        (void)!lg_marks_set(&b->marks, e->topic, e->partition, e->next, 0); /* is reserved */
    }
    (void)pthread_mutex_lock(&b->group_lock);
    for (size_t i = 0; i < cm->n_reqs; i++, r = r->next)
        for (size_t o = 0; o < r->n_offsets; o++)
            r->group->committed[r->offsets[o].topic][r->offsets[o].partition] =
                    r->offsets[o].offset;
    (void)pthread_mutex_unlock(&b->group_lock);
    (void)atomic_fetch_add(&b->n_published_bytes, cm->raw_bytes);
    (void)atomic_fetch_add(&b->n_stored_bytes, cm->stored_bytes);
    (void)atomic_fetch_add(&b->space_written, cm->stored_bytes);
    (void)atomic_fetch_add(&b->n_groups, 1);
    emb_wake(b, cm->topics);
}

static int write_group(struct emb *b, struct commit *cm, struct lg_err *err)
{
    int rc;

    /* A group that was built before a failure must not follow one that was lost. */
    if (atomic_load(&b->failed))
        return lg_err_set(err, LG_EAGAIN, "the bus is closed after a failure");
    rc = lg_rocks_write(&b->rocks, cm->batch, err);
    if (rc < 0) {
        emb_fail(b, err);
        return rc == LG_ENOSPC ? LG_ENOSPC : LG_EAGAIN;
    }
    show(b, cm);
    return 0;
}

/*
 * write_lock is held: RocksDB must not be asked to sync a log whose last write has failed, nor while
 * a write to it may be failing (its Debian package stops the process by an assertion then).
 */
static int sync_group(struct emb *b, struct lg_err *err)
{
    int rc = lg_rocks_sync(&b->rocks, err);

    (void)atomic_fetch_add(&b->n_syncs, 1);
    if (rc == 0)
        return 0;
    emb_fail(b, err); /* never tried again: what was not written is lost to the system's cache */
    return rc == LG_ENOSPC ? LG_ENOSPC : LG_EAGAIN;
}

/* --- leading */

/* Takes requests off the queue; queue_lock is held. */
static void take(struct emb *b, struct commit *cm)
{
    struct emb_req *r = b->head, *last = NULL;
    size_t bytes = 0;

    cm->first = r;
    while (r != NULL && (last == NULL || bytes + r->bytes <= GROUP_BYTES)) {
        bytes += r->bytes;
        r->taken = true;
        cm->durable = cm->durable || r->durable;
        cm->n_reqs++;
        last = r;
        r = r->next;
    }
    cm->raw_bytes = bytes;
    b->head = r;
    if (r == NULL)
        b->tail = &b->head;
}

/* queue_lock is held. The request is gone as soon as the lock is. */
static void answer(struct emb_req *r, int rc, const struct lg_err *err)
{
    r->rc = rc;
    if (rc < 0)
        r->err = *err;
    r->done = true;
    (void)pthread_cond_signal(&r->cond);
}

/* Answers those of the group who need not wait for the sync, and keeps the others. */
static void answer_written(struct emb *b, struct commit *cm, int rc, const struct lg_err *err)
{
    struct emb_req *r = cm->first, *next, **tail = &cm->first;
    size_t n = cm->n_reqs;

    cm->n_reqs = 0;
    (void)pthread_mutex_lock(&b->queue_lock);
    for (size_t i = 0; i < n; i++, r = next) {
        next = r->next;
        if (rc == 0 && r->durable) {
            *tail = r;
            tail = &r->next;
            cm->n_reqs++;
        } else {
            answer(r, rc, err);
        }
    }
    (void)pthread_mutex_unlock(&b->queue_lock);
}

static void answer_synced(struct emb *b, struct commit *cm, int rc, const struct lg_err *err)
{
    struct emb_req *r = cm->first, *next;

    (void)pthread_mutex_lock(&b->queue_lock);
    for (size_t i = 0; i < cm->n_reqs; i++, r = next) {
        next = r->next;
        answer(r, rc, err);
    }
    (void)pthread_mutex_unlock(&b->queue_lock);
}

static void hand_on_building(struct emb *b)
{
    (void)pthread_mutex_lock(&b->queue_lock);
    b->building = false;
    if (b->head != NULL)
        (void)pthread_cond_signal(&b->head->cond);
    (void)pthread_mutex_unlock(&b->queue_lock);
}

static void set_durable(struct emb *b, const struct commit *cm)
{
    for (size_t i = 0; i < cm->ends.n; i++)
        (void)!lg_marks_set(
                &b->marks, cm->ends.v[i].topic, cm->ends.v[i].partition, 0, cm->ends.v[i].next);
}

/* `building` is the caller's, and is handed on here. */
static void lead(struct emb *b, struct commit *cm)
{
    struct lg_err err = {.code = LG_ENOMEM, .text = "out of memory"};
    int rc;

    cm->batch = rocksdb_writebatch_create();
    rc = build(b, cm);
    (void)pthread_mutex_lock(&b->write_lock);
    hand_on_building(b);
    if (rc == 0)
        rc = write_group(b, cm, &err);
    answer_written(b, cm, rc, &err);
    if (rc == 0 && cm->durable)
        rc = sync_group(b, &err);
    (void)pthread_mutex_unlock(&b->write_lock);
    rocksdb_writebatch_destroy(cm->batch);
    if (rc == 0 && cm->durable)
        set_durable(b, cm);
    lg_marks_write(&b->marks); /* before the answer: what is promised is marked */
    answer_synced(b, cm, rc, &err);
    lg_vec_done(&cm->ends);
}

/* db_lock is shared. */
static int submit(struct emb *b, struct emb_req *req)
{
    (void)pthread_cond_init(&req->cond, NULL);
    (void)pthread_mutex_lock(&b->queue_lock);
    req->next = NULL;
    *b->tail = req;
    b->tail = &req->next;
    while (!req->done) {
        struct commit cm = {.first = NULL};

        if (req->taken || b->building) {
            (void)pthread_cond_wait(&req->cond, &b->queue_lock);
            continue;
        }
        b->building = true;
        take(b, &cm);
        (void)pthread_mutex_unlock(&b->queue_lock);
        lead(b, &cm);
        (void)pthread_mutex_lock(&b->queue_lock);
    }
    (void)pthread_mutex_unlock(&b->queue_lock);
    (void)pthread_cond_destroy(&req->cond);
    return req->rc;
}

/* --- calling */

static int resolve(
        struct emb *b, const struct lg_bus_output *out, uint32_t *ret, struct lg_err *reterr)
{
    struct emb_topic *t = emb_topic(b, out->topic);
    uint32_t p;

    if (t == NULL)
        return lg_err_set(reterr, LG_EINVAL, "no topic %d", out->topic);
    if (t->compacted && out->rec.key.n == 0)
        return lg_err_set(reterr, LG_EINVAL, "topic '%s' needs keys", t->name);
    if (out->partition >= t->partitions || out->partition < LG_BUS_BY_KEY)
        return lg_err_set(
                reterr, LG_EINVAL, "topic '%s' has no partition %d", t->name, out->partition);
    if (out->partition >= 0)
        p = (uint32_t)out->partition;
    else if (out->rec.key.n > 0)
        p = (lg_bus_murmur2(out->rec.key) & 0x7fffffffu) % (uint32_t)t->partitions;
    else
        p = atomic_fetch_add(&t->turn, 1) % (uint32_t)t->partitions;
    *ret = t->first_tp + p;
    return 0;
}

static int check_offsets(struct emb *b, struct emb_consumer *c, const struct lg_bus_offset *offsets,
        size_t n, struct lg_err *reterr)
{
    int rc = 0;

    (void)pthread_mutex_lock(&b->group_lock);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (offsets[i].offset < 0 || emb_part(b, offsets[i].topic, offsets[i].partition) == NULL)
            rc = lg_err_set(reterr, LG_EINVAL, "no such partition or offset");
        else if (!emb_owns(c, offsets[i].topic, offsets[i].partition))
            rc = lg_err_set(reterr, LG_EREFUSED, "partition %d of '%s' is not this consumer's",
                    offsets[i].partition, b->topics[offsets[i].topic]->name);
    (void)pthread_mutex_unlock(&b->group_lock);
    return rc;
}

static int run(struct emb *b, struct emb_consumer *c, struct emb_req *req, struct lg_err *reterr)
{
    int rc = 0;

    (void)pthread_rwlock_rdlock(&b->db_lock);
    if (atomic_load(&b->failed))
        rc = lg_err_set(reterr, LG_EAGAIN, "the bus is closed after a failure");
    if (rc == 0 && c != NULL)
        rc = check_offsets(b, c, req->offsets, req->n_offsets, reterr);
    if (rc == 0) {
        rc = submit(b, req);
        if (rc < 0)
            (void)lg_err_set(reterr, rc, "%s", req->err.text);
    }
    (void)pthread_rwlock_unlock(&b->db_lock);
    return rc;
}

int emb_publish(struct lg_bus *bus, struct lg_bus_consumer *c, const struct lg_bus_output *outs,
        size_t n_outs, const struct lg_bus_offset *offsets, size_t n_offsets, unsigned flags,
        struct lg_err *reterr)
{
    struct emb *b = emb_of(bus);
    struct emb_consumer *ec = (struct emb_consumer *)c;
    LG_CLEANUP(lg_cleanup_free) uint32_t *tps = lg_malloc((n_outs + 1) * sizeof(*tps));
    struct emb_req req = {.outs = outs,
            .tps = tps,
            .n = n_outs,
            .offsets = offsets,
            .n_offsets = n_offsets,
            .group = ec != NULL ? ec->group : NULL,
            .durable = (flags & LG_BUS_DURABLE) != 0,
            .now = emb_now(b)};
    int rc = 0;

    if (tps == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    for (size_t i = 0; rc == 0 && i < n_outs; i++) {
        rc = resolve(b, &outs[i], &tps[i], reterr);
        req.bytes += lg_bus_record_bytes(&outs[i].rec);
    }
    if (rc == 0 && n_outs > 0)
        rc = emb_space(b, req.bytes, (flags & LG_BUS_INTO_RESERVE) != 0 || c != NULL, reterr);
    return rc < 0 ? rc : run(b, ec, &req, reterr);
}

int emb_commit(struct emb *b, struct emb_group *g, const struct lg_bus_offset *offsets, size_t n,
        bool durable, struct lg_err *reterr)
{
    struct emb_req req = {.offsets = offsets, .n_offsets = n, .group = g, .durable = durable};

    return run(b, NULL, &req, reterr);
}
