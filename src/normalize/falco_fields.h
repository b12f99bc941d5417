#ifndef LG_NORMALIZE_FALCO_FIELDS_H
#define LG_NORMALIZE_FALCO_FIELDS_H

#include "normalize/linux_common.h"

/*
 * The field names of falcosecurity/libs ("proc.cmdline", "fd.name", ...), which sysdig -j writes
 * at the top of a record and Falco below output_fields. Private to sysdig.c and falco.c.
 */
#define LG_FF_FIELDS(X)                                                                            \
    X(EVT_NUM, "evt.num")                                                                          \
    X(EVT_RAWTIME, "evt.rawtime")                                                                  \
    X(EVT_OUTPUTTIME, "evt.outputtime")                                                            \
    X(EVT_TIME, "evt.time")                                                                        \
    X(EVT_TIME_ISO, "evt.time.iso8601")                                                            \
    X(EVT_TYPE, "evt.type")                                                                        \
    X(EVT_DIR, "evt.dir")                                                                          \
    X(EVT_ARGS, "evt.args")                                                                        \
    X(EVT_INFO, "evt.info")                                                                        \
    X(EVT_RES, "evt.res")                                                                          \
    X(EVT_RAWRES, "evt.rawres")                                                                    \
    X(EVT_HOSTNAME, "evt.hostname")                                                                \
    X(EVT_OPEN_WRITE, "evt.is_open_write")                                                         \
    X(EVT_OPEN_READ, "evt.is_open_read")                                                           \
    X(FD_NAME, "fd.name")                                                                          \
    X(FD_NUM, "fd.num")                                                                            \
    X(FD_TYPE, "fd.type")                                                                          \
    X(FD_L4PROTO, "fd.l4proto")                                                                    \
    X(FD_CIP, "fd.cip")                                                                            \
    X(FD_CPORT, "fd.cport")                                                                        \
    X(FD_SIP, "fd.sip")                                                                            \
    X(FD_SPORT, "fd.sport")                                                                        \
    X(FS_PATH, "fs.path.name")                                                                     \
    X(FS_PATH_SOURCE, "fs.path.source")                                                            \
    X(FS_PATH_TARGET, "fs.path.target")                                                            \
    X(PROC_NAME, "proc.name")                                                                      \
    X(PROC_EXE, "proc.exe")                                                                        \
    X(PROC_EXEPATH, "proc.exepath")                                                                \
    X(PROC_ARGS, "proc.args")                                                                      \
    X(PROC_CMDLINE, "proc.cmdline")                                                                \
    X(PROC_PID, "proc.pid")                                                                        \
    X(PROC_PID_TS, "proc.pid.ts")                                                                  \
    X(PROC_CWD, "proc.cwd")                                                                        \
    X(PROC_PPID, "proc.ppid")                                                                      \
    X(PROC_PPID_TS, "proc.ppid.ts")                                                                \
    X(PROC_PEXE, "proc.pexe")                                                                      \
    X(PROC_PEXEPATH, "proc.pexepath")                                                              \
    X(PROC_PNAME, "proc.pname")                                                                    \
    X(PROC_PCMDLINE, "proc.pcmdline")                                                              \
    X(THREAD_TID, "thread.tid")                                                                    \
    X(USER_NAME, "user.name")                                                                      \
    X(USER_UID, "user.uid")                                                                        \
    X(USER_LOGINUID, "user.loginuid")                                                              \
    X(GROUP_GID, "group.gid")                                                                      \
    X(CONTAINER_ID, "container.id")                                                                \
    X(CONTAINER_NAME, "container.name")                                                            \
    X(CONTAINER_IMAGE, "container.image")                                                          \
    X(CONTAINER_REPOSITORY, "container.image.repository")                                          \
    X(CONTAINER_TAG, "container.image.tag")                                                        \
    X(K8S_POD, "k8s.pod.name")                                                                     \
    X(K8S_NS, "k8s.ns.name")

#define LG_FF_ENUM(e, s) LG_FF_##e,
enum lg_ff { LG_FF_FIELDS(LG_FF_ENUM) LG_FF_COUNT };
#undef LG_FF_ENUM

/* One record on its way. */
struct lg_ff_rec {
    struct lg_lx lx;
    struct lg_norm_call *call;
    struct lg_jval fields;         /* the object that holds them */
    struct lg_jval v[LG_FF_COUNT]; /* .at == NULL where absent or null */
    enum lg_source source;
    lg_time time_ns;
    struct lg_str host;
    struct lg_str rule; /* Falco's */
    struct lg_str args; /* evt.args: "res=0 path=/tmp/x " */
};

/* Reads the fields in one pass over `obj`. */
void lg_ff_read(struct lg_ff_rec *r, struct lg_norm_call *call, struct lg_jval obj);
bool lg_ff_has(const struct lg_ff_rec *r, enum lg_ff f);
/* Empty for an absent field, another type, and the collectors' null words. */
struct lg_str lg_ff_str(const struct lg_ff_rec *r, enum lg_ff f);
bool lg_ff_uint(const struct lg_ff_rec *r, enum lg_ff f, uint64_t *ret);
/* Time of the event from the first of evt.rawtime, evt.outputtime, evt.time, evt.time.iso8601 that
 * holds one; 0 where none does. */
lg_time lg_ff_time(const struct lg_ff_rec *r);
/* Starts an event whose actor is the record's process. */
void lg_ff_begin(struct lg_ff_rec *r, enum lg_event_type type);
/* Starts the fork event that a child tells of itself: its parent acts, it is the target. */
void lg_ff_begin_child(struct lg_ff_rec *r);
/* Sets what the arguments, fd.* and fs.* of a call of this kind say, and its result. */
void lg_ff_set_call(struct lg_ff_rec *r, enum lg_lx_kind kind);
/* Whether the arguments name the object of a call whose exit record has a result only. */
bool lg_ff_has_object(const struct lg_ff_rec *r, enum lg_lx_kind kind);
/* Addresses from fd.name or `tuple`, else fd.cip .. fd.sport. False when there are none. */
bool lg_ff_set_socket(struct lg_ff_rec *r, struct lg_str tuple);
/* Value of the first ("lead") or last occurrence of "key=" up to the next blank; empty if absent. */
struct lg_str lg_ff_arg_word(struct lg_str args, struct lg_str key, bool lead);

#endif
