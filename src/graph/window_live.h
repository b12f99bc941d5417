#ifndef LG_GRAPH_WINDOW_LIVE_H
#define LG_GRAPH_WINDOW_LIVE_H

#include "graph/window.h"

/*
 * Windows over an endless log (docs/semantics.md, "Time", "State and delivery"). One struct
 * lg_windows stands for one partition of `normalized-endpoint-events`: what it does depends on
 * that partition's records and their order alone, never on batches, workers or the wall clock.
 *
 * Watermark of an endpoint: the least over its live sources of (largest event time − lateness). A
 * source lives while it was heard within idle_timeout of bus time; when none lives, all open
 * windows of the endpoint are given out. Bus time is the largest that the partition has shown. A
 * repeated event (same id) counts once, also when it comes late.
 *
 * A checkpoint holds all that is known of one endpoint: processes, windows that are still open,
 * what waits for the watermark, and the offset of the last input in it. So recovery = import, then
 * push from lg_windows_low_offset on: what a checkpoint has already is passed over, and the windows
 * are the same bits. Why the open windows are in it: docs/decisions. Thread: its worker's.
 */
struct lg_live_input {
    uint64_t source;    /* raw topic and channel: a hash that is the same in every process */
    lg_time bus_time;   /* of the record */
    uint64_t offset;    /* of the record; ascending */
    uint64_t sequence;  /* number that the source gives its records; 0 = none */
    bool unfiltered;    /* the source sends every number: a gap is a loss */
    uint32_t refused;   /* records of the endpoint that became dead letters since the last one */
    uint32_t held_back; /* 1: the record came by logster-held-back */
};

/* Called before the endpoint's state is given up (memory, or long silence). May be NULL. */
typedef void (*lg_windows_forget_fn)(void *user, struct lg_str tenant, struct lg_str endpoint);

struct lg_live_options {
    int64_t forget_ns; /* bus time without input after which an endpoint is forgotten; 0 = never */
    /* A source is silent (ledger) after more than min_silence_ns of bus time and silence_factor
     * times what is usual for it; 0: 10 minutes, 8. */
    int64_t min_silence_ns;
    double silence_factor;
    lg_windows_forget_fn forget;
    /* Asked before an endpoint's windows go out for silence: true puts it off, and the push or
     * tick answers LG_EAGAIN; made again with the same arguments, it goes on. May be NULL. */
    bool (*busy)(void *user);
    void *user; /* of forget and busy */
};

/* Turns fresh windows live. 0, LG_ENOMEM, or LG_EINVAL where something was pushed already. */
int lg_windows_live(struct lg_windows *ws, const struct lg_live_options *opt) LG_MUST_CHECK;
/* As lg_windows_push, and LG_EAGAIN (nothing was pushed; see `busy`). An input that the endpoint's checkpoint holds already only moves bus time. */
int lg_windows_push_live(struct lg_windows *ws, const struct lg_event *ev,
        const struct lg_live_input *in) LG_MUST_CHECK;
/* A record at `offset` without an event (a tick): moves bus time, gives out what became idle. */
int lg_windows_tick(struct lg_windows *ws, lg_time bus_time, uint64_t offset) LG_MUST_CHECK;
/* Largest bus time so far; and sets a larger one without any effect of its own (start of a
 * partition whose earlier records are not read again). */
lg_time lg_windows_bus_time(const struct lg_windows *ws);
void lg_windows_set_bus_time(struct lg_windows *ws, lg_time bus_time);
/* Endpoints with a window or an event that waits. */
uint64_t lg_windows_active(const struct lg_windows *ws);

/* Lowest offset that is in no checkpoint: *ret is set and true; false: none, all is exported. */
bool lg_windows_low_offset(const struct lg_windows *ws, uint64_t *ret);
/* Bus time at which the endpoint that lg_windows_low_offset speaks of began to differ from its
 * checkpoint; false as above. */
bool lg_windows_dirty_since(const struct lg_windows *ws, lg_time *ret);

struct lg_windows_checkpoint {
    struct lg_str tenant; /* these two live until the next call */
    struct lg_str endpoint;
    uint64_t offset; /* last input that is in it */
};
/*
 * Appends the checkpoint of the endpoint that has waited longest. 1, 0 where all are clean,
 * LG_ENOMEM or LG_ELIMIT (of `out`; nothing was appended). It stays dirty until the next function
 * says that the bytes are where they belong; call that before anything else.
 */
int lg_windows_export(
        struct lg_windows *ws, struct lg_buf *out, struct lg_windows_checkpoint *ret) LG_MUST_CHECK;
void lg_windows_export_done(struct lg_windows *ws);
/*
 * Takes an endpoint back. The bytes may be anything: LG_ECORRUPT (and nothing changed) where they
 * are no checkpoint, LG_EUNSUP for another version, LG_EEXIST where the endpoint is there already,
 * LG_ENOMEM. Where window or interval are others now, what is known of processes is kept and what
 * was in open windows goes; *ret_cut tells so.
 */
int lg_windows_import(struct lg_windows *ws, struct lg_str bytes, bool *ret_cut) LG_MUST_CHECK;

#endif
