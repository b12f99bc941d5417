#ifndef LG_GRAPH_LIVE_H
#define LG_GRAPH_LIVE_H

#include "graph/endpoint.h"
#include "graph/window_live.h"

/* What live windows know of an endpoint beside struct lg_endpoint; see window_live.h. */

#define LG_LIVE_MAX_SOURCES 64

struct lg_live_source {
    uint64_t key;
    lg_time max;   /* largest event time */
    lg_time bus;   /* bus time of the latest arrival */
    lg_time habit; /* longest usual silence of bus time, slowly forgotten */
    uint64_t seq;  /* latest number, and the event time that it came with */
    lg_time seq_time;
    uint32_t seq_usual; /* largest usual step of the numbers, slowly forgotten */
    uint32_t events;    /* saturates */
    bool live;          /* in the watermark's minimum */
};

struct lg_live {
    LG_ACCT_VEC(struct lg_live_source) sources;
    uint32_t cur; /* source of the event in hand */
    bool has_offset;
    bool dirty;
    uint64_t offset; /* of the latest input that is in */
    lg_time bus;     /* the partition's, when it came */
    uint64_t dirty_from;
    lg_time dirty_since; /* bus time */
    struct lg_endpoint *dirty_prev, *dirty_next;
    uint32_t timer1;                   /* place among the timers + 1; 0 = not armed */
    lg_time due;                       /* not before this one is idle; the truth may be later */
    uint32_t pending[LG_LEDGER_COUNT]; /* for the next event's slice */
};

/* Of the partition. */
struct lg_live_part {
    struct lg_live_options opt;
    lg_time bus;
    struct lg_live_input in; /* in hand */
    struct lg_acct acct;
    LG_ACCT_VEC(struct lg_endpoint *) timers;     /* heap by `due` */
    struct lg_endpoint *dirty_first, *dirty_last; /* by dirty_from */
    bool unsorted; /* endpoints were imported: the order by last input is to be made */
};

int lg_live_new(struct lg_windows *ws, struct lg_endpoint *ep) LG_MUST_CHECK;
void lg_live_free(struct lg_windows *ws, struct lg_endpoint *ep);
void lg_live_part_free(struct lg_live_part *lp);
/* Tells the owner that the endpoint's state is about to go. */
void lg_live_forgotten(struct lg_windows *ws, struct lg_endpoint *ep);

/* An event at `t` of the source in hand. */
void lg_live_arrival(struct lg_windows *ws, struct lg_endpoint *ep, lg_time t);
/* The least of the live sources' times less `wait`; INT64_MIN where none lives. */
lg_time lg_live_watermark(const struct lg_endpoint *ep, lg_time wait);
/* An event is about to be folded: 1, or 0 where the slice has had it, or LG_ENOMEM. */
int lg_live_note(struct lg_windows *ws, struct lg_endpoint *ep, struct lg_slice *sl,
        const struct lg_pend *pe, bool full) LG_MUST_CHECK;
/* Whether the slice has not seen this hash of an id; remembers it. 1, 0 or LG_ENOMEM. */
int lg_live_see(struct lg_acct *acct, struct lg_slice *sl, uint64_t hash, bool full) LG_MUST_CHECK;
/* A slice that the watermark has passed takes no more room than it must. */
void lg_live_settle(struct lg_acct *acct, struct lg_slice *sl);
uint32_t lg_live_silent(const struct lg_windows *ws, const struct lg_endpoint *ep);
void lg_live_add(struct lg_endpoint *ep, enum lg_ledger what, uint64_t n);
static inline void lg_live_count(struct lg_endpoint *ep, enum lg_ledger what, uint64_t n)
{
    if (ep->live != NULL && n > 0)
        lg_live_add(ep, what, n);
}

void lg_live_mark_dirty(struct lg_windows *ws, struct lg_endpoint *ep, uint64_t from);
void lg_live_mark_clean(struct lg_windows *ws, struct lg_endpoint *ep);
/* Sees to it that the endpoint is looked at when it may be idle. */
int lg_live_arm(struct lg_windows *ws, struct lg_endpoint *ep) LG_MUST_CHECK;

#endif
