#ifndef LG_NORMALIZE_TETRAGON_H
#define LG_NORMALIZE_TETRAGON_H

#include "normalize/linux_common.h"

/* What tetragon.c and tetragon_hooks.c share. */
struct lg_tg_rec {
    struct lg_lx lx;
    struct lg_norm_call *call;
    struct lg_str kind;  /* "process_exec", ... */
    struct lg_jval body; /* its value */
    lg_time time_ns;
    struct lg_str host;
};

/* Starts an event whose actor is body.process; its parent, container and policy are set too. */
void lg_tg_begin(struct lg_tg_rec *r, enum lg_event_type type);
/* process_kprobe, process_tracepoint and process_lsm: what the probed function says happened. */
int lg_tg_normalize_hook(struct lg_tg_rec *r) LG_MUST_CHECK;

#endif
