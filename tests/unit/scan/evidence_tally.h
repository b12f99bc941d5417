#ifndef LG_TESTS_EVIDENCE_TALLY_H
#define LG_TESTS_EVIDENCE_TALLY_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "detect/jury_int.h"
#include "scan/reader.h"

/*
 * Does the evidence carry the verdict? On each attack window: how far falls the probability
 * without the three nodes that the evidence shows first, and how far without another three drawn
 * at random, of all nodes and of nodes of the same types? A window is won only where the evidence
 * falls further than the mean of the draws: a tie is lost.
 */

#define ET_DRAWS 9u
#define ET_MIN_NODES 6u /* of fewer nodes any three are most of the window */

struct et_against {
    const char *name;
    bool same_type;
    unsigned windows, won, draws, draws_won;
    double fall, fall_random;
};

struct et_tally {
    struct lg_jury *jury[2];
    uint64_t seed;
    unsigned attacks;  /* windows called attacks */
    unsigned silent;   /* of them without any evidence */
    unsigned by_floor; /* compared windows whose verdict is a pattern's floor */
    unsigned unmoved;  /* of all compared: the three gone, the probability is what it was */
    unsigned cleared;  /* the three gone, the window is no attack */
    struct et_against against[2];
    const char *file;
    bool talk;
};

static inline void et_init(struct et_tally *t, uint64_t seed)
{
    memset(t, 0, sizeof(*t));
    t->seed = seed;
    t->against[0].name = "any nodes";
    t->against[1].name = "nodes of the same types";
    t->against[1].same_type = true;
}

static inline uint64_t et_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline int et_without(struct lg_jury *j, const struct lg_graph *g,
        const struct lg_verdict *v, const uint8_t *removed, double *ret)
{
    struct lg_scores s = v->scores;
    int rc = lg_jury_rescore(j, g, removed, &s);

    *ret = s.prob;
    return rc;
}

/* As many nodes as `top`; false where they are the very same (of a type that has no others). */
static inline bool et_draw(struct et_tally *t, const struct lg_graph *g, const struct lg_verdict *v,
        uint32_t top, bool same_type, uint8_t *removed)
{
    memset(removed, 0, g->n_nodes);
    for (uint32_t i = 0; i < top; i++) {
        uint8_t type = g->nodes[v->evidence[i].node].type;
        uint32_t node;

        do
            node = (uint32_t)(et_random(&t->seed) % g->n_nodes);
        while (removed[node] || (same_type && g->nodes[node].type != type));
        removed[node] = 1;
    }
    for (uint32_t i = 0; i < top; i++)
        if (!removed[v->evidence[i].node])
            return true;
    return false;
}

static inline int et_compare(struct et_tally *t, struct et_against *a, struct lg_jury *j,
        const struct lg_graph *g, const struct lg_verdict *v, uint32_t top, double p)
{
    static uint8_t removed[LG_MAX_GRAPH_NODES];
    double random = 0, q;
    unsigned n = 0;
    int rc = 0;

    for (uint32_t d = 0; d < ET_DRAWS && rc == 0; d++) {
        if (!et_draw(t, g, v, top, a->same_type, removed))
            continue;
        rc = et_without(j, g, v, removed, &q);
        random += q;
        n++;
        a->draws++;
        a->draws_won += p < q;
    }
    if (n == 0 || rc < 0)
        return rc;
    random /= n;
    a->windows++;
    a->won += p < random - 1e-12; /* the mean of nine equal numbers is not always that number */
    a->fall += v->scores.prob - p;
    a->fall_random += v->scores.prob - random;
    if (t->talk && !(p < random - 1e-12))
        printf("%s: %.4f (floor %.2f), top %u gone %.4f, %s %.4f, %u nodes\n", t->file,
                v->scores.prob, v->scores.pattern_floor, top, p, a->name, random, g->n_nodes);
    return rc;
}

static inline int et_on_window(void *user, const struct lg_graph *g)
{
    static uint8_t removed[LG_MAX_GRAPH_NODES];
    struct et_tally *t = (struct et_tally *)user;
    struct lg_jury *j = t->jury[g->platform];
    struct lg_verdict v;
    uint32_t top;
    double p;
    int rc = lg_jury_judge(j, g, &v);

    if (rc < 0 || v.prediction != LG_PREDICT_ATTACK)
        return rc;
    t->attacks++;
    t->silent += v.n_evidence == 0;
    if (g->n_nodes < ET_MIN_NODES || v.n_evidence == 0)
        return 0;
    top = v.n_evidence < 3 ? v.n_evidence : 3;
    memset(removed, 0, g->n_nodes);
    for (uint32_t i = 0; i < top; i++)
        removed[v.evidence[i].node] = 1;
    rc = et_without(j, g, &v, removed, &p);
    t->by_floor += v.scores.prob <= v.scores.pattern_floor;
    t->unmoved += p >= v.scores.prob;
    t->cleared += p < lg_jury_threshold(j);
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = et_compare(t, &t->against[i], j, g, &v, top, p);
    return rc;
}

static inline void et_report(const struct et_tally *t)
{
    const unsigned n = t->against[0].windows;

    printf("%u attack windows, %u of six nodes and more; by a pattern's floor %u; without the top "
           "three: no attack any more %u, unmoved %u\n",
            t->attacks, n, t->by_floor, t->cleared, t->unmoved);
    for (int i = 0; i < 2; i++) {
        const struct et_against *a = &t->against[i];

        printf("against %s: %u of %u windows (%.1f %%), %u of %u draws; mean fall %.3f, of random "
               "ones %.3f\n",
                a->name, a->won, a->windows, 100.0 * a->won / (a->windows > 0 ? a->windows : 1),
                a->draws_won, a->draws, a->fall / (a->windows > 0 ? a->windows : 1),
                a->fall_random / (a->windows > 0 ? a->windows : 1));
    }
}

#endif
