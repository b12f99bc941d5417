#ifndef LG_GRAPH_WINDOW_H
#define LG_GRAPH_WINDOW_H

#include "graph/graph.h"

/*
 * Events in, closed windows out (docs/semantics.md, "Time"). Events of an endpoint wait in a
 * reorder buffer until its watermark passes them and are then folded in (time, event_id) order
 * into slices of one interval; a window is the union of window/interval slices. So the verdicts
 * do not depend on the order of arrival inside the lateness, on batches or on interleaving.
 * Memory is bounded: per endpoint by max_endpoint_bytes (further nodes and edges are counted as
 * dropped, repeats still fold), over all endpoints by max_total_bytes (the endpoints longest
 * without input are flushed early, counted; their windows after the one with their last event are
 * not given out). Thread: one worker owns it and all its endpoints.
 */
struct lg_window_options {
    int64_t window_ns;       /* 180 s */
    int64_t interval_ns;     /* 60 s; divides window_ns */
    int64_t lateness_ns;     /* 30 s */
    int64_t idle_timeout_ns; /* 120 s: a source silent that long leaves the watermark's minimum.
                                In `scan` bus time is the endpoint's own largest event time. */
    int64_t patience_ns;     /* how long the watermark really waits while memory permits, at least
                                lateness_ns: exports of files are out of order by hours, and some
                                are newest first. Over three quarters of max_total_bytes, events
                                older than lateness_ns go on. */
    size_t max_endpoint_bytes;
    size_t max_total_bytes;
    uint32_t max_nodes; /* of one window; the rarest names win, processes first */
    uint32_t max_edges;
};
extern const struct lg_window_options lg_window_defaults;

struct lg_window_stats {
    uint64_t events;
    uint64_t late_entered; /* late, but a window was still open */
    uint64_t late_dropped; /* all its windows were closed */
    uint64_t duplicates;   /* same event_id again inside the reorder buffer */
    uint64_t windows;
    uint64_t early_flushes;
    uint64_t forced; /* events that left a full reorder buffer before their time */
    size_t bytes;
    size_t peak_bytes;
    uint64_t endpoints;
};

struct lg_windows;
/* Called for each closed window, per endpoint in time order; the graph dies on return. A negative
 * return stops the push and comes back from it. */
typedef int (*lg_window_fn)(void *user, const struct lg_graph *g);

int lg_windows_new(const struct lg_window_options *opt, lg_window_fn fn, void *user,
        struct lg_windows **ret) LG_MUST_CHECK;
void lg_windows_free(struct lg_windows *ws);
/* Copies what it needs of the event. 0, LG_ENOMEM, LG_EINVAL (type or source out of range) or
 * fn's error. */
int lg_windows_push(struct lg_windows *ws, const struct lg_event *ev) LG_MUST_CHECK;
/*
 * Says that what is pushed from now on comes from another recording. One that goes on where an
 * endpoint's last ended, as rotated logs do, is the same time. Else the endpoint starts anew with
 * its first event: its open windows are given out and its processes forgotten, so that recordings
 * may be read in any order without being taken for late.
 */
void lg_windows_next_input(struct lg_windows *ws);
/* End of input: closes every open window, endpoints in (tenant, endpoint) order, and forgets all
 * endpoints: what is pushed next starts anew. */
int lg_windows_flush(struct lg_windows *ws) LG_MUST_CHECK;
void lg_windows_stats(const struct lg_windows *ws, struct lg_window_stats *ret);

/* What holds the bytes that lg_windows_stats tells. Looks at every endpoint. */
enum lg_window_memory_part {
    LG_WINDOW_MEMORY_PROCESSES, /* process tables */
    LG_WINDOW_MEMORY_SLICES,    /* folded events of open windows */
    LG_WINDOW_MEMORY_WAITING,   /* events before the watermark */
    LG_WINDOW_MEMORY_STRINGS,   /* of all three */
    LG_WINDOW_MEMORY_OTHER,
    LG_WINDOW_MEMORY_COUNT
};
struct lg_window_memory {
    size_t bytes[LG_WINDOW_MEMORY_COUNT];
    uint64_t processes; /* entries of all process tables */
};
void lg_windows_memory(const struct lg_windows *ws, struct lg_window_memory *ret);
const char *lg_window_memory_name(enum lg_window_memory_part part);

#endif
