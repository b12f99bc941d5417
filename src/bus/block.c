#include "bus/block.h"

#include <zstd.h>

#include "base/hash.h"
#include "bus/bytes.h"

#define MAGIC 0x3142474cu /* "LGB1" */
#define FLAG_ZSTD 1u
#define VERSION 1u

/* Places in the head. */
enum {
    AT_MAGIC = 0,
    AT_FLAGS = 4,
    AT_VERSION = 5,
    AT_ZERO = 6,
    AT_TOPIC = 8,
    AT_PARTITION = 12,
    AT_BASE = 16,
    AT_N = 24,
    AT_RAW = 28,
    AT_RECORDS = 32,
    AT_PAYLOAD = 36,
    AT_BASE_TIME = 40,
    AT_MAX_TIME = 48,
    AT_SUM = 56
};

struct set_place {
    size_t at;
    size_t n;
};

struct lg_block_writer {
    ZSTD_CCtx *zstd;
    int level;
    struct lg_block_head head;
    struct lg_buf records;                    /* then the sets behind them */
    struct lg_buf sets;                       /* distinct header lists, as bytes */
    struct lg_buf one;                        /* the list at hand */
    LG_VEC(struct set_place) places;          /* of each list in `sets` */
    struct lg_map by_hash;                    /* hash of a list -> its number */
    const struct lg_bus_header *last_headers; /* callers often use one array for a whole batch */
    size_t last_n;
    uint64_t last_set;
    uint8_t *out;
    size_t out_cap;
};

int lg_block_writer_new(int zstd_level, struct lg_block_writer **ret)
{
    struct lg_block_writer *w = lg_calloc(1, sizeof(*w));

    if (w == NULL)
        return LG_ENOMEM;
    w->level = zstd_level;
    w->zstd = ZSTD_createCCtx();
    if (w->zstd == NULL) {
        lg_free(w);
        return LG_ENOMEM;
    }
    lg_buf_init(&w->records, LG_BLOCK_MAX_RAW);
    lg_buf_init(&w->sets, LG_BLOCK_MAX_RAW);
    lg_buf_init(&w->one, (size_t)2 * LG_BUS_MAX_HEADERS_BYTES);
    lg_map_init(&w->by_hash);
    *ret = w;
    return 0;
}

void lg_block_writer_free(struct lg_block_writer *w)
{
    if (w == NULL)
        return;
    (void)ZSTD_freeCCtx(w->zstd);
    lg_buf_done(&w->records);
    lg_buf_done(&w->sets);
    lg_buf_done(&w->one);
    lg_vec_done(&w->places);
    lg_map_done(&w->by_hash);
    lg_free(w->out);
    lg_free(w);
}

void lg_block_begin(
        struct lg_block_writer *w, uint32_t topic, uint32_t partition, int64_t base_offset)
{
    w->head = (struct lg_block_head){
            .topic = topic, .partition = partition, .base_offset = base_offset};
    lg_buf_clear(&w->records);
    lg_buf_clear(&w->sets);
    w->places.n = 0;
    lg_map_clear(&w->by_hash);
    w->last_headers = NULL;
    w->last_n = SIZE_MAX;
}

static void add_varint(struct lg_buf *b, uint64_t v)
{
    uint8_t tmp[10];

    lg_buf_add(b, tmp, lg_varint_put(tmp, v));
}

static void add_view(struct lg_buf *b, struct lg_str s)
{
    add_varint(b, s.n);
    lg_buf_adds(b, s);
}

/* Number of the record's header list in this block, adding it if it is new. */
static int find_set(struct lg_block_writer *w, const struct lg_bus_record *rec, uint64_t *ret)
{
    uint64_t hash, *known;
    bool is_new;

    if (rec->headers == w->last_headers && rec->n_headers == w->last_n) {
        *ret = w->last_set;
        return 0;
    }
    lg_buf_clear(&w->one);
    add_varint(&w->one, rec->n_headers);
    for (size_t i = 0; i < rec->n_headers; i++) {
        add_view(&w->one, rec->headers[i].name);
        add_view(&w->one, rec->headers[i].value);
    }
    if (w->one.failed != 0)
        return LG_ENOMEM;
    hash = lg_hash64(w->one.p, w->one.n, 0);
    known = lg_map_at(&w->by_hash, hash, w->places.n, &is_new);
    if (known == NULL)
        return LG_ENOMEM;
    *ret = *known;
    if (!is_new) {
        struct set_place at = w->places.v[*ret];

        is_new = at.n != w->one.n || memcmp(w->sets.p + at.at, w->one.p, at.n) != 0;
    }
    if (is_new) { /* of two lists with one hash the second is just written again each time */
        *ret = w->places.n;
        if (lg_vec_push(&w->places, (struct set_place){w->sets.n, w->one.n}) < 0)
            return LG_ENOMEM;
        lg_buf_add(&w->sets, w->one.p, w->one.n);
        if (w->sets.failed != 0)
            return LG_ENOMEM;
    }
    w->last_headers = rec->headers;
    w->last_n = rec->n_headers;
    w->last_set = *ret;
    return 0;
}

int lg_block_add(struct lg_block_writer *w, const struct lg_bus_record *rec, int64_t bus_time)
{
    uint64_t set;
    int rc = find_set(w, rec, &set);

    if (rc < 0)
        return rc;
    if (w->head.n == 0)
        w->head.base_time = w->head.max_time = bus_time;
    if (bus_time > w->head.max_time)
        w->head.max_time = bus_time;
    add_varint(&w->records, set);
    add_varint(&w->records, lg_zigzag((int64_t)((uint64_t)bus_time - (uint64_t)w->head.base_time)));
    add_varint(&w->records, rec->key.n);
    add_varint(&w->records, rec->value.p == NULL ? 0 : rec->value.n + 1);
    lg_buf_adds(&w->records, rec->key);
    if (rec->value.p != NULL)
        lg_buf_adds(&w->records, rec->value);
    if (w->records.failed != 0)
        return LG_ENOMEM;
    w->head.n++;
    return 0;
}

size_t lg_block_raw_bytes(const struct lg_block_writer *w)
{
    return w->records.n + w->sets.n;
}

static uint64_t checksum(const uint8_t *head, const uint8_t *payload, size_t n)
{
    return lg_hash64(payload, n, lg_hash64(head, AT_SUM, 0));
}

int lg_block_finish(struct lg_block_writer *w, struct lg_str *ret, struct lg_block_head *ret_head)
{
    size_t records = w->records.n, bound, n;
    uint8_t flags = FLAG_ZSTD, *head;

    add_varint(&w->records, w->places.n);
    lg_buf_add(&w->records, w->sets.p, w->sets.n);
    if (w->records.failed != 0)
        return LG_ENOMEM;
    bound = LG_BLOCK_HEAD_BYTES + ZSTD_compressBound(w->records.n);
    if (bound > w->out_cap) {
        uint8_t *out = lg_realloc_array(w->out, bound, 1);

        if (out == NULL)
            return LG_ENOMEM;
        w->out = out;
        w->out_cap = bound;
    }
    head = w->out;
    n = ZSTD_compressCCtx(w->zstd, head + LG_BLOCK_HEAD_BYTES, bound - LG_BLOCK_HEAD_BYTES,
            w->records.p, w->records.n, w->level);
    if (ZSTD_isError(n) || n >= w->records.n) {
        memcpy(head + LG_BLOCK_HEAD_BYTES, w->records.p, w->records.n);
        n = w->records.n;
        flags = 0;
    }
    w->head.raw_bytes = (uint32_t)w->records.n;
    memset(head, 0, LG_BLOCK_HEAD_BYTES);
    lg_le32_put(head + AT_MAGIC, MAGIC);
    head[AT_FLAGS] = flags;
    head[AT_VERSION] = VERSION;
    lg_le32_put(head + AT_TOPIC, w->head.topic);
    lg_le32_put(head + AT_PARTITION, w->head.partition);
    lg_le64_put(head + AT_BASE, (uint64_t)w->head.base_offset);
    lg_le32_put(head + AT_N, w->head.n);
    lg_le32_put(head + AT_RAW, w->head.raw_bytes);
    lg_le32_put(head + AT_RECORDS, (uint32_t)records);
    lg_le32_put(head + AT_PAYLOAD, (uint32_t)n);
    lg_le64_put(head + AT_BASE_TIME, (uint64_t)w->head.base_time);
    lg_le64_put(head + AT_MAX_TIME, (uint64_t)w->head.max_time);
    lg_block_seal(head, LG_BLOCK_HEAD_BYTES + n);
    *ret = lg_str_of((const char *)head, LG_BLOCK_HEAD_BYTES + n);
    *ret_head = w->head;
    return 0;
}

void lg_block_seal(uint8_t *bytes, size_t n)
{
    if (n >= LG_BLOCK_HEAD_BYTES)
        lg_le64_put(bytes + AT_SUM,
                checksum(bytes, bytes + LG_BLOCK_HEAD_BYTES, n - LG_BLOCK_HEAD_BYTES));
}

int lg_block_peek(struct lg_str bytes, struct lg_block_head *ret)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    struct lg_block_head h;

    if (bytes.n < LG_BLOCK_HEAD_BYTES || lg_le32_get(p) != MAGIC || p[AT_VERSION] != VERSION ||
            (p[AT_FLAGS] & ~FLAG_ZSTD) != 0 || p[AT_ZERO] != 0 || p[AT_ZERO + 1] != 0)
        return LG_ECORRUPT;
    h.topic = lg_le32_get(p + AT_TOPIC);
    h.partition = lg_le32_get(p + AT_PARTITION);
    h.base_offset = (int64_t)lg_le64_get(p + AT_BASE);
    h.n = lg_le32_get(p + AT_N);
    h.raw_bytes = lg_le32_get(p + AT_RAW);
    h.base_time = (int64_t)lg_le64_get(p + AT_BASE_TIME);
    h.max_time = (int64_t)lg_le64_get(p + AT_MAX_TIME);
    if (h.n == 0 || h.n > LG_BLOCK_MAX_RECORDS || h.raw_bytes > LG_BLOCK_MAX_RAW ||
            h.base_offset < 0 || h.base_offset > INT64_MAX - (int64_t)h.n ||
            lg_le32_get(p + AT_RECORDS) > h.raw_bytes || h.n > lg_le32_get(p + AT_RECORDS) / 4 ||
            lg_le32_get(p + AT_PAYLOAD) != bytes.n - LG_BLOCK_HEAD_BYTES)
        return LG_ECORRUPT;
    *ret = h;
    return 0;
}

/* The payload as it was before compression, in memory of its own. */
static int unpack(struct lg_str bytes, struct lg_block *b)
{
    const uint8_t *p = (const uint8_t *)bytes.p, *payload = p + LG_BLOCK_HEAD_BYTES;
    size_t n = bytes.n - LG_BLOCK_HEAD_BYTES;

    b->raw = lg_malloc(b->head.raw_bytes);
    if (b->raw == NULL)
        return LG_ENOMEM;
    if ((p[AT_FLAGS] & FLAG_ZSTD) == 0) {
        if (n != b->head.raw_bytes)
            return LG_ECORRUPT;
        memcpy(b->raw, payload, n);
        return 0;
    }
    if (ZSTD_getFrameContentSize(payload, n) != b->head.raw_bytes)
        return LG_ECORRUPT;
    if (ZSTD_decompress(b->raw, b->head.raw_bytes, payload, n) != b->head.raw_bytes)
        return LG_ECORRUPT;
    return 0;
}

static bool get_view(const uint8_t **p, const uint8_t *end, size_t max, struct lg_str *ret)
{
    uint64_t n;

    if (!lg_varint_get(p, end, &n) || n > max || n > (size_t)(end - *p))
        return false;
    *ret = lg_str_of((const char *)*p, (size_t)n);
    *p += n;
    return true;
}

struct set_views {
    size_t first; /* in block->headers */
    size_t n;
};

/* Walks over the header lists; fills `sets` and `headers` where they are given. */
static int walk_sets(const uint8_t *p, const uint8_t *end, size_t n_sets, struct set_views *sets,
        struct lg_bus_header *headers, size_t *ret_used)
{
    struct lg_bus_header h;
    size_t used = 0, bytes;
    uint64_t in_set;

    for (size_t s = 0; s < n_sets; s++) {
        if (!lg_varint_get(&p, end, &in_set) || in_set > LG_BUS_MAX_HEADERS ||
                used + in_set > LG_BLOCK_MAX_HEADERS)
            return LG_ECORRUPT;
        if (sets != NULL)
            sets[s] = (struct set_views){used, (size_t)in_set};
        bytes = 0;
        for (size_t i = 0; i < in_set; i++, used++) {
            if (!get_view(&p, end, LG_BUS_MAX_HEADERS_BYTES, &h.name) ||
                    !get_view(&p, end, LG_BUS_MAX_HEADERS_BYTES, &h.value))
                return LG_ECORRUPT;
            bytes += h.name.n + h.value.n;
            if (bytes > LG_BUS_MAX_HEADERS_BYTES)
                return LG_ECORRUPT;
            if (headers != NULL)
                headers[used] = h;
        }
    }
    *ret_used = used;
    return p == end ? 0 : LG_ECORRUPT;
}

static int read_sets(
        struct lg_block *b, const uint8_t *p, const uint8_t *end, struct set_views **ret, size_t *n)
{
    struct set_views *sets;
    uint64_t n_sets;
    size_t used;

    if (!lg_varint_get(&p, end, &n_sets) || n_sets == 0 || n_sets > b->head.n)
        return LG_ECORRUPT;
    *n = (size_t)n_sets;
    if (walk_sets(p, end, *n, NULL, NULL, &used) < 0)
        return LG_ECORRUPT;
    sets = lg_calloc(*n, sizeof(*sets));
    *ret = sets;
    b->headers = lg_calloc(used + 1, sizeof(*b->headers));
    if (sets == NULL || b->headers == NULL)
        return LG_ENOMEM;
    return walk_sets(p, end, *n, sets, b->headers, &used);
}

static bool read_record(struct lg_block *b, const struct set_views *sets, size_t n_sets,
        const uint8_t **p, const uint8_t *end, struct lg_bus_record *rec)
{
    uint64_t set, dt, nk, nv;

    if (!lg_varint_get(p, end, &set) || set >= n_sets || !lg_varint_get(p, end, &dt) ||
            !lg_varint_get(p, end, &nk) || nk > LG_BUS_MAX_KEY_BYTES ||
            !lg_varint_get(p, end, &nv) || nv > LG_BUS_MAX_VALUE_BYTES + 1u ||
            nk + (nv > 0 ? nv - 1 : 0) > (size_t)(end - *p))
        return false;
    rec->headers = b->headers + sets[set].first;
    rec->n_headers = sets[set].n;
    rec->bus_time = (int64_t)((uint64_t)b->head.base_time + (uint64_t)lg_unzigzag(dt));
    rec->key = lg_str_of((const char *)*p, (size_t)nk);
    *p += nk;
    rec->value = lg_str_of(nv > 0 ? (const char *)*p : NULL, nv > 0 ? (size_t)nv - 1 : 0);
    *p += rec->value.n;
    b->bytes += rec->key.n + rec->value.n;
    return true;
}

static int read_payload(struct lg_block *b, size_t records)
{
    const uint8_t *p = b->raw, *end = b->raw + records;
    LG_CLEANUP(lg_cleanup_free) struct set_views *sets = NULL;
    size_t n_sets;
    int rc = read_sets(b, end, b->raw + b->head.raw_bytes, &sets, &n_sets);

    if (rc < 0)
        return rc;
    b->records = lg_calloc(b->head.n, sizeof(*b->records));
    if (b->records == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < b->head.n; i++) {
        b->records[i].offset = b->head.base_offset + (int64_t)i;
        if (!read_record(b, sets, n_sets, &p, end, &b->records[i]))
            return LG_ECORRUPT;
    }
    return p == end ? 0 : LG_ECORRUPT;
}

int lg_block_read(struct lg_str bytes, struct lg_block **ret)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    struct lg_block_head head;
    struct lg_block *b;
    int rc = lg_block_peek(bytes, &head);

    if (rc < 0)
        return rc;
    if (lg_le64_get(p + AT_SUM) !=
            checksum(p, p + LG_BLOCK_HEAD_BYTES, bytes.n - LG_BLOCK_HEAD_BYTES))
        return LG_ECORRUPT;
    b = lg_calloc(1, sizeof(*b));
    if (b == NULL)
        return LG_ENOMEM;
    b->head = head;
    rc = unpack(bytes, b);
    if (rc == 0)
        rc = read_payload(b, lg_le32_get(p + AT_RECORDS));
    if (rc < 0) {
        lg_block_free(b);
        return rc;
    }
    *ret = b;
    return 0;
}

void lg_block_free(struct lg_block *b)
{
    if (b == NULL)
        return;
    lg_free(b->records);
    lg_free(b->headers);
    lg_free(b->raw);
    lg_free(b);
}
