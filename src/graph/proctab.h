#ifndef LG_GRAPH_PROCTAB_H
#define LG_GRAPH_PROCTAB_H

#include "graph/op.h"
#include "graph/strpool.h"
#include "graph/textcache.h"

/*
 * The processes of one endpoint. An identity is a process GUID where the source gives one, else
 * a pid from its creation (or first sight) until it exits or the pid is created again. An execve
 * in a pid makes a new entry, whose creator is the old one. Instruments that tell of the same
 * process by GUID and by pid meet in one entry. At most LG_MAX_PROCESS_TABLE entries, the least
 * recently touched leave first. Events must come in time order. Thread: its endpoint's worker.
 */

enum lg_proc_flags {
    LG_PROCF_OWN = 1u << 0,     /* it acted, or its creation was seen: more than a name */
    LG_PROCF_CREATED = 1u << 1, /* its creation was seen */
    LG_PROCF_EXITED = 1u << 2,  /* or its pid was taken by another */
};

/* What one event tells of a process; strings are ids of the endpoint's pool. */
struct lg_proc_facts {
    uint32_t guid;
    uint32_t image;
    uint32_t cmd;
    uint32_t user;
    uint32_t original;
    uint32_t hash;
    uint32_t pid;
    uint32_t text_flags; /* of cmd */
    uint8_t integrity;
    uint8_t user_class;
    uint8_t system;
    lg_time start;
};

struct lg_proc {
    struct lg_proc_facts f;
    uint32_t serial; /* one for each identity of the endpoint, never used twice */
    uint32_t rev;    /* changes with the facts */
    uint32_t name;   /* normalised image */
    uint32_t ncmd;   /* normalised command line */
    uint32_t ppid;
    uint32_t prev, next; /* by last touch */
    uint16_t create_sources;
    uint8_t flags;
    lg_time last;
    uint64_t fold_key;
};

/* Integrity and user tell processes apart whose creation was seen. Of others some instruments
 * tell the user and some do not, which must not change the graph. */
static inline uint8_t lg_proc_variant(const struct lg_proc *p)
{
    if ((p->flags & LG_PROCF_CREATED) == 0)
        return 0;
    return (uint8_t)(p->f.integrity << 4 | p->f.user_class);
}

struct lg_proctab {
    struct lg_acct *acct;
    struct lg_strpool *sp;
    LG_ACCT_VEC(struct lg_proc) procs;
    struct lg_idx by_guid;
    struct lg_idx by_pid;
    uint32_t free;
    uint32_t head, tail; /* most and least recently touched; LG_IDX_NONE = empty */
    uint32_t n;
    uint32_t next_serial;
};

/* What resolving needs beside the table. */
struct lg_proc_ctx {
    struct lg_textcache *tc;
    enum lg_platform platform;
    enum lg_source source;
    lg_time time;
    uint32_t host;          /* its name, an id of the pool */
    const uint32_t *people; /* LG_TEXT_PEOPLE users seen there, the same */
};

void lg_proctab_init(struct lg_proctab *pt, struct lg_acct *acct, struct lg_strpool *sp);
void lg_proctab_done(struct lg_proctab *pt);

/* Each returns 0 and an index that is valid until the next call but one, or LG_ENOMEM. */

/* A process that an event names; `own` where it is the one that acts. */
int lg_proctab_touch(struct lg_proctab *pt, const struct lg_proc_ctx *cx,
        const struct lg_proc_facts *f, bool own, uint32_t *ret) LG_MUST_CHECK;
/* A creation (also execve). *ret_before: the identity that the pid had before an execve, when it
 * ran something else; LG_IDX_NONE otherwise. */
int lg_proctab_create(struct lg_proctab *pt, const struct lg_proc_ctx *cx,
        const struct lg_proc_facts *f, uint32_t ppid, uint32_t *ret,
        uint32_t *ret_before) LG_MUST_CHECK;
/* A child that starts as a copy of `parent`. */
int lg_proctab_fork(struct lg_proctab *pt, const struct lg_proc_ctx *cx,
        const struct lg_proc_facts *f, uint32_t parent, uint32_t *ret) LG_MUST_CHECK;
void lg_proctab_exit(struct lg_proctab *pt, uint32_t i);
/* Forgets exited processes that were last touched before `t`. */
void lg_proctab_expire(struct lg_proctab *pt, lg_time t);
/* For checkpoints: whether the entry is the one that its GUID finds; and an entry as it was, more
 * recently touched than all that are there (at most LG_MAX_PROCESS_TABLE). 0 or LG_ENOMEM. */
bool lg_proctab_guid_known(const struct lg_proctab *pt, uint32_t i);
int lg_proctab_restore(
        struct lg_proctab *pt, const struct lg_proc *p, bool guid_known) LG_MUST_CHECK;
void lg_proctab_mark(const struct lg_proctab *pt, struct lg_strmarks *mk);

/* Key of a node by what it is: the same in every process and on every machine. */
uint64_t lg_fold_key(uint8_t type, uint8_t a, uint8_t b, struct lg_str name, struct lg_str cmd);

#endif
