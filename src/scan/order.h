#ifndef LG_SCAN_ORDER_H
#define LG_SCAN_ORDER_H

#include <pthread.h>

#include "base/buf.h"
#include "base/vec.h"
#include "graph/graph.h"

/*
 * What many threads make, written in one order. Work goes by number: every owner reports each
 * number once, and what it has given to judges under a number is reported by them. When nothing of
 * the next number is missing, its verdicts are written, by window and endpoint, so that neither
 * the number of threads nor who was faster shows. Thread: any, but where it says otherwise.
 */
struct lg_order_piece {
    lg_time end_ns;
    uint64_t nth; /* of its owner: tells two windows of one endpoint apart */
    uint32_t judge;
    size_t key; /* tenant and endpoint: offsets into the judge's bytes */
    size_t text;
    size_t end;
};

/* What one judge has to write under one number. */
struct lg_order_part {
    struct lg_buf bytes;
    LG_VEC(struct lg_order_piece) pieces;
};

struct lg_order_slot {
    struct lg_order_part *part; /* one a judge */
    uint32_t owners;            /* that have reported it */
    uint32_t judging;           /* windows given to judges and not reported back */
};

struct lg_order {
    int (*output)(void *user, struct lg_str bytes);
    void *user;
    uint32_t workers; /* owners, and as many judges */
    uint32_t slots_n; /* numbers under way at once */
    struct lg_order_slot *slots;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t next; /* first number that is not written yet */
    int rc;        /* first failure of any thread */
};

/* `output` is called by one thread at a time. LG_ENOMEM. */
int lg_order_init(struct lg_order *o, uint32_t workers, uint32_t slots_n,
        int (*output)(void *user, struct lg_str bytes), void *user) LG_MUST_CHECK;
void lg_order_done(struct lg_order *o);

/* The first failure stands, and ends every wait. */
void lg_order_fail(struct lg_order *o, int rc);
bool lg_order_failed(struct lg_order *o);
/* Waits until number `seq` may begin: as many are under way as there are slots. */
void lg_order_wait(struct lg_order *o, uint64_t seq);
/* One more window of `seq`, which its owner has not reported, is on its way to a judge. */
void lg_order_given(struct lg_order *o, uint64_t seq);
/* The judge's own part of a number that has a window on its way to it. */
struct lg_order_part *lg_order_part(struct lg_order *o, uint64_t seq, uint32_t judge);
/* A window of `seq` was judged; writes what is complete. */
void lg_order_judged(struct lg_order *o, uint64_t seq);
/* An owner has finished `seq`; writes what is complete. */
void lg_order_owned(struct lg_order *o, uint64_t seq);

#endif
