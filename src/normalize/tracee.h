#ifndef LG_NORMALIZE_TRACEE_H
#define LG_NORMALIZE_TRACEE_H

#include "normalize/linux_common.h"

/* What tracee.c (the record) and tracee_events.c (what each event means) share. */

#define LG_TR_ARGS 32 /* no event of Tracee has more */

struct lg_tr_arg {
    struct lg_str name;
    struct lg_jval value;
};

struct lg_tr_rec {
    struct lg_lx lx;
    struct lg_norm_call *call;
    struct lg_jval root;
    struct lg_str name; /* of the event */
    struct lg_str rule; /* signature or policy that reported it */
    lg_time time_ns;
    struct lg_str host;
    struct lg_lx_proc proc, parent;
    bool has_tid, has_uid;
    bool host_pid_ns; /* the process counts pids as the host does */
    uint64_t tid, uid;
    struct lg_str comm;
    struct lg_str syscall;
    struct lg_str container_id, container_name, container_image, pod_name, pod_namespace;
    bool has_ret;
    int64_t ret;
    struct lg_tr_arg args[LG_TR_ARGS];
    size_t n_args;
};

/* Reads an array of {"name": ..., "value": ...} or {"name": ..., "<type>": ...}. */
void lg_tr_read_args(struct lg_tr_rec *r, struct lg_jval list);
bool lg_tr_arg(const struct lg_tr_rec *r, struct lg_str name, struct lg_jval *ret);
struct lg_str lg_tr_arg_str(const struct lg_tr_rec *r, struct lg_str name);
bool lg_tr_arg_int(const struct lg_tr_rec *r, struct lg_str name, int64_t *ret);
/* Starts an event whose actor is the record's process. */
void lg_tr_begin(struct lg_tr_rec *r, enum lg_event_type type);
/* One event, or why there is none. */
int lg_tr_normalize_event(struct lg_tr_rec *r) LG_MUST_CHECK;

#endif
