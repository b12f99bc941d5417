#ifndef LG_GRAPH_SLICE_H
#define LG_GRAPH_SLICE_H

#include "base/hash.h"
#include "graph/pend.h"
#include "graph/proctab.h"

/*
 * One interval of one endpoint, folded. Processes are kept by identity (what is known of one may
 * grow until the window closes), everything else by what it normalises to. Three slices make a
 * window; no event is folded twice. Thread: its endpoint's worker.
 */

/* Ends of edges: index into procs, or into nodes with this bit. */
#define LG_SLICE_NODE 0x80000000u

struct lg_slice_proc {
    struct lg_proc_facts f;
    uint32_t serial;
    uint32_t rev;
    uint32_t name;
    uint32_t ncmd;
    uint32_t flags; /* enum lg_node_flags: CREATED, CONTEXT (acts or known), EXITED */
    uint16_t sources;
    uint8_t variant; /* see lg_proc_variant */
    lg_time first;
    lg_time last;
    uint64_t fold_key;
};

struct lg_slice_node {
    uint64_t fold_key;
    uint8_t type;
    uint8_t variant; /* flags that tell nodes apart: signed or not */
    uint16_t sources;
    uint32_t flags;
    uint32_t name;
    uint32_t cmd;
    uint32_t raw;
    uint32_t cmd_raw;
    uint32_t original;
    uint32_t hash;
    lg_time first;
    lg_time last;
};

struct lg_slice_edge {
    uint32_t src;
    uint32_t dst;
    uint32_t attr;
    uint32_t count;
    uint32_t detail;
    uint16_t sources;
    uint8_t type;
    lg_time first;
    lg_time last;
};

/* A raw name and the node that it folds into: saves normalising it again, and counts how many
 * different things a node stands for. */
struct lg_slice_alias {
    uint64_t key;
    uint32_t node;
};

struct lg_slice {
    int64_t index; /* start / interval */
    LG_ACCT_VEC(struct lg_slice_proc) procs;
    LG_ACCT_VEC(struct lg_slice_node) nodes;
    LG_ACCT_VEC(struct lg_slice_edge) edges;
    LG_ACCT_VEC(struct lg_slice_alias) aliases;
    struct lg_idx proc_ix;  /* by serial */
    struct lg_idx node_ix;  /* by fold key */
    struct lg_idx edge_ix;  /* by ends, type and attributes */
    struct lg_idx alias_ix; /* by raw name */
    uint64_t events;
    uint32_t type_counts[LG_EVENT_TYPE_COUNT];
    uint32_t sources;
    uint32_t nodes_dropped;
    uint32_t edges_dropped;
    uint32_t late;
    uint32_t ledger[LG_LEDGER_COUNT]; /* live only, like the ids of its events: see live.h */
    uint64_t *seen;                   /* keyed hashes, open addressing */
    uint32_t seen_cap;                /* power of two, or 0 */
    uint32_t seen_n;
    bool settled;    /* the indexes are gone until something is folded again */
    uint8_t *packed; /* not NULL: instead of procs, nodes, edges and aliases, whose `n` stay */
    size_t packed_bytes;
};

/* What folding works on, beside the slice. */
struct lg_fold {
    struct lg_acct *acct;
    struct lg_strpool *sp;
    struct lg_proctab *pt;
    struct lg_textcache *tc;
    enum lg_platform platform;
    uint32_t host;          /* id of the endpoint's full name */
    const uint32_t *people; /* ids of LG_TEXT_PEOPLE of its users */
    bool full;              /* over the budget: only what is there already may count on */
};

static inline uint32_t lg_slice_edge_hash(uint32_t src, uint32_t dst, uint8_t type, uint32_t attr)
{
    return lg_idx_hash(lg_hash_mix((uint64_t)src << 32 | dst, (uint64_t)type << 32 | attr));
}

int lg_slice_new(struct lg_acct *acct, int64_t index, struct lg_slice **ret) LG_MUST_CHECK;
void lg_slice_free(struct lg_acct *acct, struct lg_slice *sl);
/* 0 or LG_ENOMEM; the event may then be half in, and the slice is whole. */
int lg_slice_fold(struct lg_slice *sl, const struct lg_fold *fo, const struct lg_pend *pe,
        const struct lg_pend_values *pv) LG_MUST_CHECK;
/* Gives back what only folding needs, and packs the rest. The next fold makes it again. */
void lg_slice_settle(struct lg_acct *acct, struct lg_slice *sl);
/* slice_pack.c: whoever reads a slice's arrays unpacks it first. 0, or LG_ENOMEM (it stays packed). */
void lg_slice_pack(struct lg_acct *acct, struct lg_slice *sl);
int lg_slice_unpack(struct lg_acct *acct, struct lg_slice *sl) LG_MUST_CHECK;
/* Of one that is not packed. */
void lg_slice_mark(const struct lg_slice *sl, struct lg_strmarks *mk);

#endif
