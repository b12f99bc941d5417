#ifndef LG_DETECT_SEEN_H
#define LG_DETECT_SEEN_H

#include <stdbool.h>

#include "gnn/gnn.h"

/*
 * What the networks said of node features that they had before: a window moves on, and often all
 * that changed is what the learned members do not look at, or nothing but its place in time. Two
 * hashes of 64 bits under a secret seed stand for the features. A fixed number of places; features
 * that share one take it from each other. One table serves one model. Thread: its jury's.
 */
#define LG_SEEN_PLACES 1024u

struct lg_seen_odds {
    double mean;  /* of all networks' log-odds */
    double first; /* of the first network alone */
};

struct lg_seen;
int lg_seen_new(struct lg_seen **ret) LG_MUST_CHECK;
void lg_seen_free(struct lg_seen *s);
/* What was kept for these very features. Remembers the key for lg_seen_put. */
bool lg_seen_find(struct lg_seen *s, const struct lg_gnn_graph *g, uint32_t num_dim,
        struct lg_seen_odds *ret);
void lg_seen_put(struct lg_seen *s, const struct lg_seen_odds *odds);

#endif
