#define ZSTD_STATIC_LINKING_ONLY /* own allocator */
#include "net/decode_int.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/mem.h"

#define PIECE_BYTES (64u << 10)
#define ZSTD_WINDOW_LOG 23 /* 8 MiB, what RFC 8878 asks of every HTTP decoder */

static void *z_alloc(void *ctx, unsigned n, unsigned size)
{
    (void)ctx;
    return lg_calloc(n, size);
}

static void z_free(void *ctx, void *p)
{
    (void)ctx;
    lg_free(p);
}

static void *zs_alloc(void *ctx, size_t n)
{
    (void)ctx;
    return lg_malloc(n);
}

struct gzip_state {
    z_stream z;
    unsigned char piece[PIECE_BYTES];
};

struct zstd_state {
    ZSTD_DCtx *z;
    char piece[PIECE_BYTES];
};

static int gzip_init(struct lg_decoder *d)
{
    struct gzip_state *st = lg_calloc(1, sizeof(*st));

    if (st == NULL)
        return LG_ENOMEM;
    st->z.zalloc = z_alloc;
    st->z.zfree = z_free;
    if (inflateInit2(&st->z, 15 + 16) != Z_OK) { /* 16: a gzip header is wanted */
        lg_free(st);
        return LG_ENOMEM;
    }
    d->state = st;
    return 0;
}

static int zstd_init(struct lg_decoder *d)
{
    const ZSTD_customMem mem = {zs_alloc, z_free, NULL};
    struct zstd_state *st = lg_calloc(1, sizeof(*st));

    if (st == NULL)
        return LG_ENOMEM;
    st->z = ZSTD_createDCtx_advanced(mem);
    if (st->z == NULL) {
        lg_free(st);
        return LG_ENOMEM;
    }
    (void)ZSTD_DCtx_setParameter(st->z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    d->state = st;
    return 0;
}

int lg_decoder_init(struct lg_decoder *d, enum lg_coding coding)
{
    memset(d, 0, sizeof(*d));
    d->coding = coding;
    switch (coding) {
    case LG_CODING_GZIP:
        return gzip_init(d);
    case LG_CODING_ZSTD:
        return zstd_init(d);
    case LG_CODING_IDENTITY:
        break;
    }
    return 0;
}

void lg_decoder_done(struct lg_decoder *d)
{
    if (d->state != NULL && d->coding == LG_CODING_GZIP) {
        struct gzip_state *st = d->state;

        (void)inflateEnd(&st->z);
    } else if (d->state != NULL && d->coding == LG_CODING_ZSTD) {
        struct zstd_state *st = d->state;

        (void)ZSTD_freeDCtx(st->z);
    }
    lg_free(d->state);
    d->state = NULL;
}

static int gzip_feed(struct lg_decoder *d, struct lg_str in,
        int (*sink)(void *ctx, struct lg_str plain), void *ctx)
{
    struct gzip_state *st = d->state;
    int rc = 0;

    st->z.next_in = (unsigned char *)(uintptr_t)in.p;
    st->z.avail_in = (unsigned)in.n;
    for (;;) {
        int z;

        if (!d->open && st->z.avail_in > 0) {
            if (d->any && inflateReset(&st->z) != Z_OK)
                return LG_EPARSE;
            d->open = d->any = true;
        }
        if (!d->open)
            return 0;
        st->z.next_out = st->piece;
        st->z.avail_out = PIECE_BYTES;
        z = inflate(&st->z, Z_NO_FLUSH);
        if (z == Z_MEM_ERROR)
            return LG_ENOMEM;
        if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
            return LG_EPARSE;
        if (st->z.avail_out < PIECE_BYTES)
            rc = sink(ctx, lg_str_of((char *)st->piece, PIECE_BYTES - st->z.avail_out));
        if (rc < 0)
            return rc;
        if (z == Z_STREAM_END)
            d->open = false;
        else if (st->z.avail_in == 0 && st->z.avail_out > 0)
            return 0;
        else if (z == Z_BUF_ERROR && st->z.avail_out == PIECE_BYTES)
            return LG_EPARSE; /* no progress, yet there is input */
    }
}

static int zstd_feed(struct lg_decoder *d, struct lg_str in,
        int (*sink)(void *ctx, struct lg_str plain), void *ctx)
{
    struct zstd_state *st = d->state;
    ZSTD_inBuffer zin = {in.p, in.n, 0};

    if (in.n > 0)
        d->any = true;
    for (;;) {
        ZSTD_outBuffer zout = {st->piece, PIECE_BYTES, 0};
        size_t before = zin.pos, z = ZSTD_decompressStream(st->z, &zout, &zin);

        if (ZSTD_isError(z))
            return ZSTD_getErrorCode(z) == ZSTD_error_memory_allocation ? LG_ENOMEM : LG_EPARSE;
        d->open = z != 0;
        if (zout.pos > 0) {
            int rc = sink(ctx, lg_str_of(st->piece, zout.pos));

            if (rc < 0)
                return rc;
        }
        if (zin.pos == zin.size && zout.pos < PIECE_BYTES)
            return 0;
        if (zin.pos == before && zout.pos == 0)
            return LG_EPARSE;
    }
}

int lg_decoder_feed(struct lg_decoder *d, struct lg_str in,
        int (*sink)(void *ctx, struct lg_str plain), void *ctx)
{
    if (in.n == 0)
        return 0;
    switch (d->coding) {
    case LG_CODING_GZIP:
        return in.n > UINT32_MAX ? LG_ELIMIT : gzip_feed(d, in, sink, ctx);
    case LG_CODING_ZSTD:
        return zstd_feed(d, in, sink, ctx);
    case LG_CODING_IDENTITY:
        break;
    }
    return sink(ctx, in);
}

int lg_decoder_end(const struct lg_decoder *d)
{
    if (d->coding == LG_CODING_IDENTITY)
        return 0;
    return d->open || !d->any ? LG_ETRUNC : 0;
}

void lg_body_pool_init(struct lg_body_pool *p)
{
    memset(p, 0, sizeof(*p));
    (void)pthread_mutex_init(&p->lock, NULL);
}

void lg_body_pool_done(struct lg_body_pool *p)
{
    for (size_t i = 0; i < p->n; i++)
        lg_buf_done(&p->free[i]);
    p->n = 0;
    (void)pthread_mutex_destroy(&p->lock);
}

void lg_body_pool_take(struct lg_body_pool *p, size_t max, struct lg_buf *ret)
{
    lg_buf_init(ret, max);
    (void)pthread_mutex_lock(&p->lock);
    if (p->n > 0) {
        *ret = p->free[--p->n];
        ret->max = max;
    }
    (void)pthread_mutex_unlock(&p->lock);
    lg_buf_clear(ret);
    if (ret->cap > max) { /* one of a route with a smaller limit */
        lg_buf_done(ret);
        lg_buf_init(ret, max);
    }
}

void lg_body_pool_give(struct lg_body_pool *p, struct lg_buf *b)
{
    bool kept = false;

    if (b->cap > 0 && b->cap <= LG_POOL_MAX_BYTES) {
        (void)pthread_mutex_lock(&p->lock);
        if (p->n < LG_POOL_BUFFERS) {
            p->free[p->n++] = *b;
            kept = true;
        }
        (void)pthread_mutex_unlock(&p->lock);
    }
    if (!kept)
        lg_buf_done(b);
    memset(b, 0, sizeof(*b));
}
