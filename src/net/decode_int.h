#ifndef LG_NET_DECODE_INT_H
#define LG_NET_DECODE_INT_H

#include <pthread.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/*
 * Content codings of request bodies: gzip (RFC 1952, several members too) and zstd (RFC 8878, with
 * a window of at most 8 MiB), decoded piece by piece. Thread: a decoder is its owner's.
 */
enum lg_coding { LG_CODING_IDENTITY, LG_CODING_GZIP, LG_CODING_ZSTD };

struct lg_decoder {
    enum lg_coding coding;
    void *state;
    bool open; /* inside a member or frame */
    bool any;  /* a member or frame was seen */
};

int lg_decoder_init(struct lg_decoder *d, enum lg_coding coding) LG_MUST_CHECK;
void lg_decoder_done(struct lg_decoder *d);
/* Hands decoded pieces to `sink`, whose negative answer ends it and is returned. LG_EPARSE: not the
 * coding. LG_ENOMEM. */
int lg_decoder_feed(struct lg_decoder *d, struct lg_str in,
        int (*sink)(void *ctx, struct lg_str plain), void *ctx) LG_MUST_CHECK;
/* LG_ETRUNC when the body stops inside a member. */
int lg_decoder_end(const struct lg_decoder *d) LG_MUST_CHECK;

/* Buffers of bodies, kept so that their pages need not come anew with every request. Any thread. */
#define LG_POOL_BUFFERS 16
#define LG_POOL_MAX_BYTES (4u << 20) /* of one kept buffer */
struct lg_body_pool {
    pthread_mutex_t lock;
    struct lg_buf free[LG_POOL_BUFFERS];
    size_t n;
};
void lg_body_pool_init(struct lg_body_pool *p);
void lg_body_pool_done(struct lg_body_pool *p);
/* An empty buffer with this maximum, perhaps with memory. */
void lg_body_pool_take(struct lg_body_pool *p, size_t max, struct lg_buf *ret);
void lg_body_pool_give(struct lg_body_pool *p, struct lg_buf *b);

#endif
