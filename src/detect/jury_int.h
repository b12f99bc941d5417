#ifndef LG_DETECT_JURY_INT_H
#define LG_DETECT_JURY_INT_H

#include "detect/jury.h"
#include "detect/repeat.h"
#include "detect/seen.h"

/* Inside of a jury, for jury.c, evidence.c and the training driver's tests. */
struct lg_jury {
    const struct lg_model *model;
    struct lg_jury_options opt;
    struct lg_features *features;
    struct lg_patterns *patterns;
    struct lg_gnn_scratch *scratch; /* one after the other, the networks work in it */
    float *counts;
    struct lg_repeat *repeat;
    struct lg_seen *seen;
    struct lg_repeat_entry *last;  /* of the graph that was judged last; NULL: none is kept */
    bool told_again;               /* its verdict was that one: what follows is of another graph */
    struct lg_node_features nodes; /* of the last scored graph */
    struct lg_gnn_graph gnn;
    double first_gat; /* log-odds of the first network, whose forward stays in the scratch */
    bool first_lost;  /* another has taken its place */
    const struct lg_pattern_hit *hits;
    uint32_t n_hits;
    bool ablating; /* the features are set up for removals from the last scored graph */
    uint8_t *mark; /* one byte a graph node */
    size_t mark_cap;
};

double lg_jury_sigmoid(double x);
/* Fills jury and prob from the members and the floor. */
void lg_jury_combine(const struct lg_model *m, struct lg_scores *s);
void lg_jury_gnn_graph(const struct lg_node_features *nf, struct lg_gnn_graph *ret);
int lg_jury_plain(struct lg_jury *j, const struct lg_graph *g, const uint8_t *removed,
        struct lg_scores *s) LG_MUST_CHECK;
/* Makes what the jury holds that of `g`, the graph judged last, if its verdict was an old one. */
int lg_jury_again(struct lg_jury *j, const struct lg_graph *g) LG_MUST_CHECK;
/* After a full score of the same graph: the scores without the marked nodes. */
int lg_jury_rescore(struct lg_jury *j, const struct lg_graph *g, const uint8_t *removed,
        struct lg_scores *s) LG_MUST_CHECK;

#endif
