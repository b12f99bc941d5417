#ifndef LG_STORE_SQLITE_BATCH_H
#define LG_STORE_SQLITE_BATCH_H

#include "store/sqlite_event_int.h"

/* What one transaction gathers. */
struct lg_batch {
    struct lg_sqlite_events *es;
    struct lg_day *d;
    struct lg_conn *c;
    struct lg_zblock_out block;
    struct lg_buf packed;
    LG_VEC(struct lg_event_cols) rows;
    LG_VEC(int64_t) inferences;
    unsigned attempts;
    int64_t displaced_ms;
    struct lg_buf text; /* folding */
};

/* Refs, made when missing. LG_ELIMIT: more tenants in a day than row numbers can tell apart. */
int lg_batch_tenant(struct lg_batch *b, struct lg_str tenant, int64_t *ret) LG_MUST_CHECK;
int lg_batch_endpoint(struct lg_batch *b, int64_t tenant, struct lg_str endpoint,
        struct lg_str hostname, int platform, int64_t *ret) LG_MUST_CHECK;
/* Interns a text, cut at 2,048 bytes; 0 for an empty one. */
int lg_batch_string(struct lg_batch *b, struct lg_str s, int64_t *ret) LG_MUST_CHECK;
/* Notes that the endpoint showed the word in the hour of `t`. */
int lg_batch_term(
        struct lg_batch *b, int64_t term, int kind, int64_t endpoint, lg_time t) LG_MUST_CHECK;

static inline void lg_bind_opt(struct lg_q *q, int64_t v)
{
    if (v != 0)
        lg_q_i64(q, v);
    else
        lg_q_null(q);
}

/* A record more for the block in hand, and the block's end. */
int lg_batch_record(struct lg_batch *b, struct lg_str bytes) LG_MUST_CHECK;
int lg_batch_flush(struct lg_batch *b) LG_MUST_CHECK;
/* Stores the events of one day, in the order of (tenant, endpoint, time, id). */
int lg_batch_events(struct lg_batch *b, struct lg_event_put **ev, size_t n) LG_MUST_CHECK;

#endif
