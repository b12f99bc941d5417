#include <string.h>

#include "base/mem.h"
#include "store/sqlite_event_int.h"

/* Bodies: records packed together, because neighbours resemble each other. */

int lg_zstd_pack(ZSTD_CCtx *zc, int level, struct lg_str in, struct lg_buf *out)
{
    size_t n;

    lg_buf_clear(out);
    if (lg_buf_reserve(out, ZSTD_compressBound(in.n)) < 0)
        return out->failed;
    n = ZSTD_compressCCtx(zc, out->p, out->cap, in.p, in.n, level);
    if (ZSTD_isError(n))
        return LG_ENOMEM; /* the bound is kept: memory is all that can fail */
    out->n = n;
    return 0;
}

int lg_zstd_unpack(struct lg_str in, size_t max, struct lg_buf *out)
{
    unsigned long long want = ZSTD_getFrameContentSize(in.p, in.n);
    size_t n;

    if (want == ZSTD_CONTENTSIZE_ERROR || want == ZSTD_CONTENTSIZE_UNKNOWN || want > max)
        return LG_ECORRUPT;
    lg_buf_clear(out);
    if (lg_buf_reserve(out, (size_t)want + 1) < 0)
        return out->failed;
    n = ZSTD_decompress(out->p, (size_t)want, in.p, in.n);
    if (ZSTD_isError(n) || n != want)
        return LG_ECORRUPT;
    out->n = n;
    return 0;
}

#define MAX_RAW (64u << 20)

void lg_zblock_cache_init(struct lg_zblock_cache *bc)
{
    memset(bc, 0, sizeof(*bc));
    lg_buf_init(&bc->line, MAX_RAW);
    for (int i = 0; i < LG_BLOCK_CACHE; i++) {
        bc->v[i].id = -1;
        lg_buf_init(&bc->v[i].raw, MAX_RAW);
    }
}

void lg_zblock_cache_done(struct lg_zblock_cache *bc)
{
    for (int i = 0; i < LG_BLOCK_CACHE; i++)
        lg_buf_done(&bc->v[i].raw);
    lg_buf_done(&bc->line);
}

static int load(struct lg_zblock_held *h, struct lg_conn *c, int64_t block)
{
    struct lg_q q;
    int rc;

    h->id = -1;
    lg_q_open(&q, c, "SELECT data FROM blocks WHERE id=?1");
    lg_q_i64(&q, block);
    rc = lg_q_step(&q);
    if (rc > 0)
        rc = lg_zstd_unpack(lg_q_col_str(&q, 0), MAX_RAW - 1, &h->raw);
    else if (rc == 0)
        rc = LG_ECORRUPT;
    lg_q_done(&q);
    return rc;
}

static int record(struct lg_str raw, uint32_t slot, struct lg_str *ret)
{
    uint32_t n, from = 0, to;
    size_t head;

    if (raw.n < sizeof(n))
        return LG_ECORRUPT;
    memcpy(&n, raw.p, sizeof(n));
    head = sizeof(n) + (size_t)n * sizeof(uint32_t);
    if (n > LG_BLOCK_SLOTS || slot >= n || raw.n < head)
        return LG_ECORRUPT;
    if (slot > 0)
        memcpy(&from, raw.p + sizeof(n) * slot, sizeof(from));
    memcpy(&to, raw.p + sizeof(n) * (slot + 1), sizeof(to));
    if (from > to || to > raw.n - head)
        return LG_ECORRUPT;
    *ret = lg_str_of(raw.p + head + from, to - from);
    return 0;
}

int lg_zblock_read(struct lg_zblock_cache *bc, struct lg_conn *c, int64_t file, int64_t loc,
        struct lg_str *ret)
{
    int64_t block = loc >> LG_BLOCK_SHIFT, id = file << 40 | block;
    struct lg_zblock_held *h = &bc->v[0];
    int rc;

    for (int i = 0; i < LG_BLOCK_CACHE; i++) {
        if (bc->v[i].id == id) {
            h = &bc->v[i];
            break;
        }
        if (bc->v[i].used < h->used)
            h = &bc->v[i];
    }
    if (h->id != id) {
        rc = load(h, c, block);
        if (rc < 0)
            return rc;
        h->id = id;
        bc->reads++;
    }
    h->used = ++bc->clock;
    return record(lg_buf_str(&h->raw), (uint32_t)loc & (LG_BLOCK_SLOTS - 1), ret);
}

/* Begin of a line as lg_event_write makes it: {"event_id":"...", */
#define ID_HEAD LG_STR("{\"event_id\":\"")
#define ID_TAIL LG_STR("\",")
#define ID_BYTES (13 + LG_UUID_TEXT + 2)

struct lg_str lg_body_of(struct lg_str json, const struct lg_uuid *id)
{
    char text[LG_UUID_TEXT + 1];

    if (json.n <= ID_BYTES)
        return json;
    lg_uuid_text(id, text);
    if (!lg_str_eq(lg_str_sub(json, 0, 13), ID_HEAD) || json.p[ID_BYTES] == '{' ||
            memcmp(json.p + 13, text, LG_UUID_TEXT) != 0 ||
            !lg_str_eq(lg_str_sub(json, 13 + LG_UUID_TEXT, 2), ID_TAIL))
        return json;
    return lg_str_sub(json, ID_BYTES, json.n - ID_BYTES);
}

int lg_body_read(struct lg_zblock_cache *bc, struct lg_conn *c, int64_t file, int64_t loc,
        const struct lg_uuid *id, struct lg_str *ret)
{
    char text[LG_UUID_TEXT + 1];
    int rc = lg_zblock_read(bc, c, file, loc, ret);

    if (rc < 0 || ret->n == 0 || ret->p[0] == '{')
        return rc; /* kept whole */
    lg_uuid_text(id, text);
    lg_buf_clear(&bc->line);
    lg_buf_adds(&bc->line, ID_HEAD);
    lg_buf_add(&bc->line, text, LG_UUID_TEXT);
    lg_buf_adds(&bc->line, ID_TAIL);
    lg_buf_adds(&bc->line, *ret);
    *ret = lg_buf_str(&bc->line);
    return bc->line.failed;
}
