/*
 * Why a window is called an attack: a node's share is the fall of the jury's score when the node
 * and its edges are gone (docs/semantics.md, "Verdicts and alerts"). Asked are the nodes with the
 * largest gradient x input in the networks, and those that a pattern names.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/mem.h"
#include "detect/jury_int.h"

#define CANDIDATES 30

struct candidate {
    uint32_t node; /* index into the graph */
    uint32_t view; /* index into the networks' nodes, or UINT32_MAX */
    double rank;   /* gradient x input, or infinity for what a pattern names */
    double drop;
};

/* Sum over seeds of the networks' log-odds without the nodes drop[]. */
static int gat_without(struct lg_jury *j, const uint32_t *drop, uint32_t n, double *ret)
{
    const struct lg_model *m = j->model;
    double sum = 0;

    for (uint32_t i = 0; i < m->n_gats; i++) {
        float logits[2];
        int rc = lg_gnn_ablate(m->gat[i], &j->gnn, j->scratch[i], drop, n, logits);

        if (rc < 0)
            return rc;
        sum += (double)(logits[1] - logits[0]);
    }
    *ret = sum / m->n_gats;
    return isfinite(*ret) ? 0 : LG_ERANGE;
}

int lg_jury_rescore(
        struct lg_jury *j, const struct lg_graph *g, const uint8_t *removed, struct lg_scores *s)
{
    LG_CLEANUP(lg_cleanup_free) uint32_t *drop = NULL;
    const struct lg_pattern_hit *hits;
    uint32_t n = 0, n_hits;
    int rc;

    drop = lg_malloc((j->nodes.n_nodes + 1) * sizeof(*drop));
    if (drop == NULL)
        return LG_ENOMEM;
    for (uint32_t v = 0; v < j->nodes.n_nodes; v++)
        if (removed[j->nodes.node[v]])
            drop[n++] = v;
    rc = lg_patterns_rematch(j->patterns, removed, &hits, &n_hits);
    if (rc < 0)
        return rc;
    s->pattern_floor = lg_patterns_floor(hits, n_hits);
    s->learned = n < j->nodes.n_nodes;
    if (s->learned) {
        rc = n > 0 ? gat_without(j, drop, n, &s->member[LG_MEMBER_GAT]) : 0;
        if (rc == 0)
            rc = lg_jury_plain(j, g, removed, s);
        if (rc < 0)
            return rc;
    }
    lg_jury_combine(j->model, s);
    return 0;
}

/*
 * One number to compare verdicts by: the log-odds of the verdict, so that a pattern's floor
 * counts, and a little of the jury's own, which still tell nodes apart under a floor.
 */
static double strength(const struct lg_model *m, const struct lg_scores *s)
{
    double jury = s->learned ? m->calibration_a * s->jury + m->calibration_b : -20.0;
    double floor_odds =
            s->pattern_floor > 0 ? lg_math_log(s->pattern_floor / (1 - s->pattern_floor)) : jury;

    return (jury > floor_odds ? jury : floor_odds) + 0.1 * jury;
}

static int by_rank(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

static int by_drop(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->drop != y->drop)
        return x->drop > y->drop ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* All nodes that learned members see, and those that patterns name, by rank. */
static int candidates(
        struct lg_jury *j, const struct lg_graph *g, struct candidate **ret, uint32_t *ret_n)
{
    LG_CLEANUP(lg_cleanup_free) struct candidate *c = NULL;
    LG_CLEANUP(lg_cleanup_free) float *grad = NULL;
    LG_CLEANUP(lg_cleanup_free) uint32_t *view = NULL;
    uint32_t n = 0;

    c = lg_calloc(g->n_nodes, sizeof(*c));
    grad = lg_calloc((size_t)j->nodes.n_nodes + 1, sizeof(*grad));
    view = lg_malloc(g->n_nodes * sizeof(*view));
    if (c == NULL || grad == NULL || view == NULL)
        return LG_ENOMEM;
    memset(view, 0xff, g->n_nodes * sizeof(*view));
    for (uint32_t v = 0; v < g->n_nodes; v++)
        c[v] = (struct candidate){v, UINT32_MAX, 0, 0};
    for (uint32_t v = 0; v < j->nodes.n_nodes; v++)
        c[j->nodes.node[v]].view = v;
    for (uint32_t i = 0; i < j->model->n_gats && j->nodes.n_nodes > 0; i++) {
        int rc = lg_gnn_input_gradient(j->model->gat[i], &j->gnn, j->scratch[i], grad);

        if (rc < 0)
            return rc;
        for (uint32_t v = 0; v < j->nodes.n_nodes; v++)
            c[j->nodes.node[v]].rank += (double)grad[v];
    }
    for (uint32_t i = 0; i < j->n_hits; i++) {
        c[j->hits[i].node].rank = (double)INFINITY;
        if (j->hits[i].edge != UINT32_MAX) {
            c[g->edges[j->hits[i].edge].src].rank = (double)INFINITY;
            c[g->edges[j->hits[i].edge].dst].rank = (double)INFINITY;
        }
    }
    qsort(c, g->n_nodes, sizeof(*c), by_rank);
    while (n < g->n_nodes && n < CANDIDATES && c[n].rank > 0)
        n++;
    *ret = LG_TAKE(c);
    *ret_n = n;
    return 0;
}

/* Hangs each shown node under the shown node that reaches it: the process that made or used it. */
static void link_tree(const struct lg_graph *g, struct lg_verdict *v)
{
    for (uint32_t i = 0; i < v->n_evidence; i++) {
        v->evidence[i].via = UINT32_MAX;
        for (uint32_t e = 0; e < g->n_edges && v->evidence[i].via == UINT32_MAX; e++) {
            if (g->edges[e].dst != v->evidence[i].node || g->edges[e].src == g->edges[e].dst)
                continue;
            for (uint32_t k = 0; k < v->n_evidence; k++)
                if (k != i && v->evidence[k].node == g->edges[e].src)
                    v->evidence[i].via = k;
        }
    }
    /* two processes that act on each other would hang in the air: cut each ring once */
    for (uint32_t i = 0; i < v->n_evidence; i++) {
        uint32_t k = v->evidence[i].via;

        for (uint32_t steps = 0; k != UINT32_MAX && steps <= v->n_evidence; steps++) {
            if (k == i || steps == v->n_evidence) {
                v->evidence[i].via = UINT32_MAX;
                break;
            }
            k = v->evidence[k].via;
        }
    }
}

static int marks(struct lg_jury *j, const struct lg_graph *g)
{
    if (g->n_nodes > j->mark_cap) {
        uint8_t *p = lg_realloc_array(j->mark, g->n_nodes, 1);

        if (p == NULL)
            return LG_ENOMEM;
        j->mark = p;
        j->mark_cap = g->n_nodes;
    }
    memset(j->mark, 0, g->n_nodes);
    return 0;
}

int lg_jury_evidence(struct lg_jury *j, const struct lg_graph *g, struct lg_verdict *v)
{
    LG_CLEANUP(lg_cleanup_free) struct candidate *c = NULL;
    double full = strength(j->model, &v->scores), total = 0;
    uint32_t n = 0, shown = 0;
    int rc;

    rc = marks(j, g);
    if (rc == 0)
        rc = candidates(j, g, &c, &n);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < n; i++) {
        struct lg_scores s = v->scores;

        j->mark[c[i].node] = 1;
        rc = lg_jury_rescore(j, g, j->mark, &s);
        j->mark[c[i].node] = 0;
        if (rc < 0)
            return rc;
        c[i].drop = full - strength(j->model, &s);
    }
    qsort(c, n, sizeof(*c), by_drop);
    while (shown < n && shown < LG_MAX_EVIDENCE && c[shown].drop > 0)
        total += c[shown++].drop;
    for (uint32_t i = 0; i < shown; i++)
        v->evidence[i] = (struct lg_evidence){c[i].node, UINT32_MAX, c[i].drop / total, c[i].drop};
    v->n_evidence = shown;
    link_tree(g, v);
    return 0;
}
