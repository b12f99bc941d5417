/* Reading blocks: from the index to records. db_lock is shared throughout. */
#include <stdio.h>

#include "base/log.h"
#include "bus/bytes.h"
#include "bus/embedded_int.h"

struct emb_batch {
    struct lg_bus_batch_int i;
    LG_VEC(struct lg_block *) blocks;
    struct lg_bus_record *joined; /* records of several blocks in one array */
};

void emb_batch_free(struct lg_bus_batch *batch)
{
    struct emb_batch *eb = (struct emb_batch *)batch;

    for (size_t i = 0; i < eb->blocks.n; i++)
        lg_block_free(eb->blocks.v[i]);
    lg_vec_done(&eb->blocks);
    lg_free(eb->joined);
    lg_free(eb);
}

struct reader {
    struct emb *b;
    int topic;
    int32_t partition;
    int64_t pos;
    int64_t end;
    bool give_up;
    struct emb_batch *batch;
    size_t records; /* in the batch's blocks, from pos on */
    struct lg_err *reterr;
};

static struct lg_str iter_key(const rocksdb_iterator_t *it)
{
    size_t n;
    const char *p = rocksdb_iter_key(it, &n);

    return lg_str_of(p, n);
}

/* The entry under the iterator, if it is one of the partition. */
static bool entry_of(const rocksdb_iterator_t *it, const struct reader *r, int64_t *ret_base,
        struct emb_by_offset *ret)
{
    uint8_t k[EMB_KEY_MAX];
    size_t n = emb_key_by_offset(k, r->topic, r->partition, 0), nv;
    struct lg_str key;
    const char *v;

    if (!rocksdb_iter_valid(it))
        return false;
    key = iter_key(it);
    if (key.n != n || memcmp(key.p, k, n - 8) != 0)
        return false;
    v = rocksdb_iter_value(it, &nv);
    *ret_base = (int64_t)lg_be64_get(key.p + n - 8);
    return emb_by_offset_get(lg_str_of(v, nv), ret);
}

/* To the block that holds pos, or the first one after it. */
static bool seek_entry(rocksdb_iterator_t *it, const struct reader *r, int64_t *ret_base,
        struct emb_by_offset *ret)
{
    uint8_t k[EMB_KEY_MAX];
    size_t n = emb_key_by_offset(k, r->topic, r->partition, r->pos);

    rocksdb_iter_seek_for_prev(it, (const char *)k, n);
    if (entry_of(it, r, ret_base, ret) && *ret_base + (int64_t)ret->n > r->pos)
        return true;
    rocksdb_iter_seek(it, (const char *)k, n);
    return entry_of(it, r, ret_base, ret);
}

/* The block of an entry: 0, LG_ECORRUPT when it cannot be used, LG_EIO, LG_ENOMEM. */
static int load_block(
        struct reader *r, int64_t base, const struct emb_by_offset *e, struct lg_block **ret)
{
    rocksdb_pinnableslice_t *v = NULL;
    struct lg_str bytes;
    struct lg_block *blk;
    uint8_t k[8];
    int rc;

    lg_be64_put(k, e->seq);
    rc = lg_rocks_get(&r->b->rocks, LG_ROCKS_TOPIC + r->topic, k, 8, &v, r->reterr);
    if (rc < 0)
        return rc;
    if (v == NULL)
        return lg_err_set(r->reterr, LG_ECORRUPT, "a block of records is missing");
    bytes.p = rocksdb_pinnableslice_value(v, &bytes.n);
    rc = lg_block_read(bytes, &blk);
    rocksdb_pinnableslice_destroy(v);
    if (rc < 0)
        return lg_err_set(r->reterr, rc, "a block of records does not fit its checksum or format");
    if (blk->head.topic != (uint32_t)r->topic || blk->head.partition != (uint32_t)r->partition ||
            blk->head.base_offset != base || blk->head.n != e->n) {
        lg_block_free(blk);
        return lg_err_set(r->reterr, LG_ECORRUPT, "a block of records lies in a wrong place");
    }
    *ret = blk;
    return 0;
}

static void skip_damage(
        struct reader *r, int64_t base, const struct emb_by_offset *e, const char *why)
{
    const struct emb_part *p = emb_part(r->b, r->topic, r->partition);
    int64_t from = r->pos > base ? r->pos : base, to = base + (int64_t)e->n;
    char text[200];

    r->batch->i.pub.gap += (uint64_t)(to - from);
    r->pos = to;
    if (to <= atomic_load(&p->begin))
        return; /* retention took it meanwhile */
    (void)snprintf(text, sizeof(text), "skipping damaged records: %.120s", why);
    emb_event(r->b, LG_BUS_CORRUPT_BLOCK, r->topic, r->partition, from, (uint64_t)(to - from),
            LG_STR(""), text);
}

static int add_block(struct reader *r, struct lg_block *blk)
{
    size_t skip = r->pos > blk->head.base_offset ? (size_t)(r->pos - blk->head.base_offset) : 0;

    if (lg_vec_push(&r->batch->blocks, blk) < 0) {
        lg_block_free(blk);
        return LG_ENOMEM;
    }
    r->records += blk->head.n - skip;
    r->batch->i.pub.bytes += blk->bytes;
    r->pos = blk->head.base_offset + (int64_t)blk->head.n;
    return 0;
}

/* Reads blocks from pos on until there is enough, or something that a batch must end before. */
static int read_blocks(struct reader *r, size_t max_bytes, size_t max_records)
{
    rocksdb_iterator_t *it = lg_rocks_iterator(&r->b->rocks, LG_ROCKS_INDEX);
    struct emb_by_offset e;
    struct lg_block *blk = NULL;
    int64_t base;
    bool more = seek_entry(it, r, &base, &e);
    int rc = 0;

    while (more && base < r->end && r->batch->i.pub.bytes < max_bytes && r->records < max_records) {
        rc = load_block(r, base, &e, &blk);
        if (rc == LG_EIO && r->give_up)
            rc = LG_ECORRUPT;
        if (rc == 0)
            rc = add_block(r, blk);
        else if (r->records > 0 && rc != LG_ENOMEM)
            rc = 1; /* what was read first; the damage is the next batch's */
        else if (rc == LG_ECORRUPT) {
            skip_damage(r, base, &e, r->reterr->text);
            rc = 0;
        }
        if (rc != 0)
            break;
        rocksdb_iter_next(it);
        more = entry_of(it, r, &base, &e);
    }
    if (rc == 0 && !more && r->records == 0)
        rc = lg_rocks_iterator_error(it, r->reterr);
    if (rc == 0 && r->records == 0 && (!more || base >= r->end))
        r->pos = r->end; /* these offsets were given to records that are gone */
    rocksdb_iter_destroy(it);
    return rc < 0 ? rc : 0;
}

/* The batch's array of records, from `from` on and at most max. */
static int join(struct reader *r, int64_t from, size_t max)
{
    struct lg_bus_batch *pub = &r->batch->i.pub;
    struct lg_block **blk = r->batch->blocks.v;
    size_t n = 0, skip = 0;

    if (r->batch->blocks.n == 0) {
        pub->next_offset = r->pos;
        return 0;
    }
    if (from > blk[0]->head.base_offset)
        skip = (size_t)(from - blk[0]->head.base_offset);
    if (r->batch->blocks.n == 1) {
        pub->records = blk[0]->records + skip;
    } else {
        r->batch->joined = lg_malloc(r->records * sizeof(*r->batch->joined));
        if (r->batch->joined == NULL)
            return LG_ENOMEM;
        for (size_t i = 0; i < r->batch->blocks.n; i++, skip = 0) {
            size_t k = blk[i]->head.n - skip;

            memcpy(r->batch->joined + n, blk[i]->records + skip, k * sizeof(*r->batch->joined));
            n += k;
        }
        pub->records = r->batch->joined;
    }
    pub->n = r->records < max ? r->records : max;
    pub->next_offset = pub->records[pub->n - 1].offset + 1;
    pub->bytes = 0;
    for (size_t i = 0; i < pub->n; i++)
        pub->bytes += pub->records[i].key.n + pub->records[i].value.n;
    return 0;
}

int emb_read_part(struct emb *b, int topic, int32_t partition, int64_t pos, size_t max_bytes,
        size_t max_records, bool give_up, struct lg_bus_batch **ret, struct lg_err *reterr)
{
    struct emb_part *p = emb_part(b, topic, partition);
    struct lg_err err = {0};
    struct reader r = {.b = b,
            .topic = topic,
            .partition = partition,
            .pos = pos,
            .end = atomic_load(&p->end),
            .give_up = give_up,
            .reterr = &err};
    int64_t begin = atomic_load(&p->begin);
    int rc = 0;

    if (pos >= r.end)
        return 0;
    r.batch = lg_calloc(1, sizeof(*r.batch));
    if (r.batch == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    r.batch->i.ops = b->pub.ops;
    r.batch->i.pub.topic = topic;
    r.batch->i.pub.partition = partition;
    if (pos < begin) {
        r.batch->i.pub.gap = (uint64_t)(begin - pos);
        r.pos = pos = begin;
    }
    if (pos < r.end)
        rc = read_blocks(&r, max_bytes, max_records);
    if (rc == 0)
        rc = join(&r, pos, max_records);
    if (rc < 0) {
        emb_batch_free(&r.batch->i.pub);
        return lg_err_set(reterr, rc, "%s", err.text[0] != '\0' ? err.text : lg_err_name(rc));
    }
    *ret = &r.batch->i.pub;
    return 1;
}

int emb_read(struct lg_bus *bus, int topic, int32_t partition, int64_t offset, size_t max_bytes,
        struct lg_bus_batch **ret, struct lg_err *reterr)
{
    struct emb *b = emb_of(bus);
    const struct emb_topic *t = emb_topic(b, topic);
    struct lg_bus_batch *batch = NULL;
    int rc;

    if (t == NULL || emb_part(b, topic, partition) == NULL || offset < 0)
        return lg_err_set(reterr, LG_EINVAL, "no such partition or offset");
    if (t->compacted)
        return lg_err_set(reterr, LG_EUNSUP, "topic '%s' is compacted", t->name);
    (void)pthread_rwlock_rdlock(&b->db_lock);
    if (atomic_load(&b->failed))
        rc = lg_err_set(reterr, LG_EAGAIN, "the bus is closed after a failure");
    else
        rc = emb_read_part(b, topic, partition, offset, max_bytes > 0 ? max_bytes : 1, SIZE_MAX,
                false, &batch, reterr);
    (void)pthread_rwlock_unlock(&b->db_lock);
    if (rc == 1 && batch->n == 0 && batch->gap == 0) {
        emb_batch_free(batch);
        rc = 0;
    }
    if (rc == 1)
        *ret = batch;
    return rc;
}

/* One value of a compacted topic; a damaged one is reported and left out. */
static int scan_one(struct emb *b, int topic, int32_t partition, struct lg_str bytes,
        int (*fn)(void *user, const struct lg_bus_record *rec), void *user)
{
    struct lg_block *blk;
    int rc = lg_block_read(bytes, &blk);

    if (rc == LG_ENOMEM)
        return rc;
    if (rc < 0) {
        emb_event(b, LG_BUS_CORRUPT_BLOCK, topic, partition, 0, 1, LG_STR(""),
                "skipping a damaged value of a compacted topic");
        return 0;
    }
    rc = fn(user, &blk->records[0]);
    lg_block_free(blk);
    return rc < 0 ? rc : 0;
}

int emb_compacted_scan(struct lg_bus *bus, int topic, int32_t partition,
        int (*fn)(void *user, const struct lg_bus_record *rec), void *user, struct lg_err *reterr)
{
    struct emb *b = emb_of(bus);
    const struct emb_topic *t = emb_topic(b, topic);
    rocksdb_iterator_t *it;
    uint8_t k[4];
    int rc = 0;

    if (t == NULL || emb_part(b, topic, partition) == NULL)
        return lg_err_set(reterr, LG_EINVAL, "no such partition");
    if (!t->compacted)
        return lg_err_set(reterr, LG_EUNSUP, "topic '%s' is not compacted", t->name);
    lg_be32_put(k, (uint32_t)partition);
    (void)pthread_rwlock_rdlock(&b->db_lock);
    if (atomic_load(&b->failed)) {
        (void)pthread_rwlock_unlock(&b->db_lock);
        return lg_err_set(reterr, LG_EAGAIN, "the bus is closed after a failure");
    }
    it = lg_rocks_iterator(&b->rocks, LG_ROCKS_TOPIC + topic);
    for (rocksdb_iter_seek(it, (const char *)k, 4); rc == 0 && rocksdb_iter_valid(it);
            rocksdb_iter_next(it)) {
        struct lg_str key = iter_key(it), value;

        if (key.n < 4 || memcmp(key.p, k, 4) != 0)
            break;
        value.p = rocksdb_iter_value(it, &value.n);
        rc = scan_one(b, topic, partition, value, fn, user);
    }
    if (rc == 0)
        rc = lg_rocks_iterator_error(it, reterr);
    else
        (void)lg_err_set(reterr, rc, "reading a compacted topic was ended");
    rocksdb_iter_destroy(it);
    (void)pthread_rwlock_unlock(&b->db_lock);
    return rc;
}
