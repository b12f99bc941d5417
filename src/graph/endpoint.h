#ifndef LG_GRAPH_ENDPOINT_H
#define LG_GRAPH_ENDPOINT_H

#include "graph/build.h"
#include "graph/window.h"

/* One endpoint's state between events. Its worker's. */

struct lg_wait { /* heap element: time first, so that most comparisons touch nothing else */
    lg_time time;
    struct lg_pend *pe;
};

struct lg_endpoint {
    struct lg_endpoint *older, *newer; /* by last input */
    struct lg_endpoint *chain;         /* same hash */
    uint64_t hash;
    char *names; /* tenant, then endpoint */
    uint16_t tenant_n;
    uint16_t endpoint_n;
    uint8_t platform;
    bool started;   /* watermark is valid */
    uint32_t input; /* recording of its latest event, see lg_windows_next_input */
    struct lg_acct acct;
    struct lg_strpool sp;
    struct lg_proctab pt;
    LG_ACCT_VEC(struct lg_wait) heap;
    LG_ACCT_VEC(struct lg_slice *) slices; /* ascending, live */
    size_t pending_bytes;
    uint32_t host;                   /* of the latest event that was folded, longest form */
    uint32_t people[LG_TEXT_PEOPLE]; /* its latest users that are persons */
    lg_time watermark;
    lg_time closed;                      /* windows that end here or before are over */
    uint32_t seen;                       /* sources */
    lg_time source_max[LG_SOURCE_COUNT]; /* largest event time */
    lg_time source_bus[LG_SOURCE_COUNT]; /* bus time of the latest arrival */
    lg_time bus;                         /* largest event time of all */
    lg_time judged;                      /* end of the last window that was given out */
    lg_time last_time; /* of the last event released, with its id: finds repeats */
    struct lg_uuid last_id;
    bool has_last;
    struct lg_live *live; /* NULL in `scan` */
};

/* What all endpoints of a worker share. */
struct lg_windows {
    struct lg_window_options opt;
    lg_window_fn fn;
    void *user;
    struct lg_map by_hash; /* hash -> struct lg_endpoint * */
    struct lg_map shed;    /* hash of endpoints that were flushed early -> last window's end */
    struct lg_endpoint *oldest, *newest;
    struct lg_builder *bd;
    struct lg_textcache tc;
    struct lg_window_stats st;
    size_t endpoint_bytes; /* sum of the accounts */
    uint32_t input;        /* number of the recording in hand */
    struct lg_op op;
    struct lg_pend_values pv;
    struct lg_live_part *live; /* NULL in `scan` */
};

int lg_endpoint_new(struct lg_windows *ws, const struct lg_event *ev, uint64_t hash,
        struct lg_endpoint **ret) LG_MUST_CHECK;
void lg_endpoint_free(struct lg_windows *ws, struct lg_endpoint *ep);
/* Takes the event in: buffers it, or folds it if it is late. */
int lg_endpoint_push(
        struct lg_windows *ws, struct lg_endpoint *ep, const struct lg_event *ev) LG_MUST_CHECK;
/* Releases and closes everything before `t`. */
int lg_endpoint_advance(struct lg_windows *ws, struct lg_endpoint *ep, lg_time t) LG_MUST_CHECK;

/* window.c, for live windows: finds or makes the endpoint; gives it up; pushes what was found. */
int lg_windows_endpoint(
        struct lg_windows *ws, const struct lg_event *ev, struct lg_endpoint **ret) LG_MUST_CHECK;
void lg_windows_forget(struct lg_windows *ws, struct lg_endpoint *ep);
int lg_windows_push_to(
        struct lg_windows *ws, struct lg_endpoint *ep, const struct lg_event *ev) LG_MUST_CHECK;

/* Puts a block into the reorder buffer, which has room for it. */
void lg_endpoint_wait(struct lg_endpoint *ep, struct lg_pend *pe);
/* The first `n` slices can be read until they settle again: 0 or LG_ENOMEM. */
int lg_endpoint_unpack(struct lg_endpoint *ep, uint32_t n) LG_MUST_CHECK;
/* Slices that the watermark has passed take no more room than they must. */
void lg_endpoint_settle(const struct lg_windows *ws, struct lg_endpoint *ep);
/* Marks every string that is in use; no slice is packed. */
void lg_endpoint_mark(const struct lg_endpoint *ep, struct lg_strmarks *mk);
/* End of the last window that an event at `t` is in. */
lg_time lg_endpoint_last_end(const struct lg_windows *ws, lg_time t);

static inline struct lg_str lg_endpoint_tenant(const struct lg_endpoint *ep)
{
    return lg_str_of(ep->names, ep->tenant_n);
}
static inline struct lg_str lg_endpoint_id(const struct lg_endpoint *ep)
{
    return lg_str_of(ep->names + ep->tenant_n, ep->endpoint_n);
}

#endif
