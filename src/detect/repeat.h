#ifndef LG_DETECT_REPEAT_H
#define LG_DETECT_REPEAT_H

#include "detect/jury.h"

/*
 * The last verdict of each endpoint, so that a window in which nothing has changed is not judged
 * again: minutes without an event give windows with the same graph. Keyed by a digest over all of
 * the graph but its place in time and its ledger, which no verdict depends on. A fixed number of
 * places; endpoints that share one take it from each other. Thread: its jury's.
 */
#define LG_REPEAT_PLACES 1024u
#define LG_REPEAT_MAX_HITS 512u
#define LG_REPEAT_KEY 32

struct lg_repeat_entry {
    uint8_t key[LG_REPEAT_KEY];
    struct lg_verdict v; /* its hits are ours */
    bool evidence;       /* v holds it */
};

struct lg_repeat;
int lg_repeat_new(struct lg_repeat **ret) LG_MUST_CHECK;
void lg_repeat_free(struct lg_repeat *r);
/* The place of the graph's endpoint with this very graph in it, or NULL. Remembers the key for
 * lg_repeat_put. */
struct lg_repeat_entry *lg_repeat_find(struct lg_repeat *r, const struct lg_graph *g);
/* Stores the verdict on the graph last asked for, if there is room and memory; NULL if not. */
struct lg_repeat_entry *lg_repeat_put(struct lg_repeat *r, const struct lg_verdict *v);

#endif
