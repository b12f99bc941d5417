/*
 * Why a window is called an attack: a node's share is the fall of the jury's score when the node
 * and its edges are gone (docs/semantics.md, "Verdicts and alerts"). Asked are the nodes with the
 * largest gradient x input in the first network, and those that a pattern names. The first network
 * speaks for all: they learnt the same from other seeds, and five times the work tells little more.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/mem.h"
#include "detect/jury_int.h"

#define CANDIDATES 30

struct candidate {
    uint32_t node;  /* index into the graph */
    uint32_t named; /* 1 + strength of the strongest pattern that names it; 0: none does */
    double rank;    /* gradient x input */
    double drop;
    uint32_t view; /* index into the networks' nodes, or UINT32_MAX */
    double gat;    /* mean log-odds of the networks without it, as the first has them */
};

/* Mean log-odds of the networks without the nodes drop[]. */
static int gat_without(struct lg_jury *j, const uint32_t *drop, uint32_t n, double *ret)
{
    const struct lg_model *m = j->model;
    double sum = 0;

    j->first_lost = true;
    for (uint32_t i = 0; i < m->n_gats; i++) {
        float logits[2];
        int rc = lg_gnn_forward(m->gat[i], &j->gnn, j->scratch, logits);

        if (rc == 0)
            rc = lg_gnn_ablate(m->gat[i], &j->gnn, j->scratch, drop, n, logits);
        if (rc < 0)
            return rc;
        sum += (double)(logits[1] - logits[0]);
    }
    *ret = sum / m->n_gats;
    return isfinite(*ret) ? 0 : LG_ERANGE;
}

/* What is left of `full`, all networks' score, without each candidate alone. */
static int gats_without(struct lg_jury *j, double full, struct candidate *c, uint32_t n)
{
    for (uint32_t k = 0; k < n && j->nodes.n_nodes > 1; k++) {
        float logits[2];
        int rc;

        if (c[k].view == UINT32_MAX)
            continue;
        rc = lg_gnn_ablate_near(j->model->gat[0], &j->gnn, j->scratch, c[k].view, logits);
        if (rc < 0)
            return rc;
        c[k].gat = full + ((double)(logits[1] - logits[0]) - j->first_gat);
        if (!isfinite(c[k].gat))
            return LG_ERANGE;
    }
    return 0;
}

/* All but the networks' score, which the caller has put into *s. `left`: nodes that the learned
 * members still see. */
static int rescore(struct lg_jury *j, const struct lg_graph *g, const uint8_t *removed,
        uint32_t left, struct lg_scores *s)
{
    const struct lg_pattern_hit *hits;
    uint32_t n_hits;
    int rc = lg_patterns_rematch(j->patterns, removed, &hits, &n_hits);

    if (rc < 0)
        return rc;
    s->pattern_floor = lg_patterns_floor(hits, n_hits);
    s->learned = left > 0;
    if (s->learned)
        rc = lg_jury_plain(j, g, removed, s);
    if (rc < 0)
        return rc;
    lg_jury_combine(j->model, s);
    return 0;
}

int lg_jury_rescore(
        struct lg_jury *j, const struct lg_graph *g, const uint8_t *removed, struct lg_scores *s)
{
    LG_CLEANUP(lg_cleanup_free) uint32_t *drop = NULL;
    uint32_t n = 0;
    int rc = lg_jury_again(j, g);

    if (rc < 0)
        return rc;
    drop = lg_malloc((j->nodes.n_nodes + 1) * sizeof(*drop));
    if (drop == NULL)
        return LG_ENOMEM;
    for (uint32_t v = 0; v < j->nodes.n_nodes; v++)
        if (removed[j->nodes.node[v]])
            drop[n++] = v;
    if (n > 0 && n < j->nodes.n_nodes)
        rc = gat_without(j, drop, n, &s->member[LG_MEMBER_GAT]);
    return rc < 0 ? rc : rescore(j, g, removed, j->nodes.n_nodes - n, s);
}

static double jury_odds(const struct lg_model *m, const struct lg_scores *s)
{
    return s->learned ? m->calibration_a * s->jury + m->calibration_b : -20.0;
}

/* Of the floor, or `none` where there is none. */
static double floor_odds(double floor, double none)
{
    return floor > 0 ? lg_math_log(floor / (1 - floor)) : none;
}

/*
 * One number to compare verdicts by: the log-odds of the verdict, so that a pattern's floor
 * counts, and a little of the jury's own, which still tell nodes apart under a floor.
 */
static double strength(const struct lg_model *m, const struct lg_scores *s)
{
    double jury = jury_odds(m, s), floor = floor_odds(s->pattern_floor, jury);

    return (jury > floor ? jury : floor) + 0.1 * jury;
}

static bool names(const struct lg_pattern_hit *h, const struct lg_graph *g, uint32_t node)
{
    return h->node == node ||
            (h->edge != UINT32_MAX &&
                    (g->edges[h->edge].src == node || g->edges[h->edge].dst == node));
}

/*
 * Two nodes that patterns name, each enough for the floor: taking away one changes nothing, and
 * neither would be shown. So a named node falls at least by half of what its own hits raise.
 */
static int own_fall(const struct lg_jury *j, const struct lg_graph *g, const struct lg_scores *full,
        uint32_t node, double *ret)
{
    LG_CLEANUP(lg_cleanup_free)
    struct lg_pattern_hit *own = lg_malloc((j->n_hits + 1) * sizeof(*own));
    double jury = jury_odds(j->model, full);
    uint32_t n = 0;

    if (own == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < j->n_hits; i++)
        if (names(&j->hits[i], g, node))
            own[n++] = j->hits[i];
    *ret = 0.5 * (floor_odds(lg_patterns_floor(own, n), jury) - jury);
    return 0;
}

static int by_rank(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->named != y->named)
        return x->named > y->named ? -1 : 1;
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

static void name(struct candidate *c, uint32_t strength)
{
    if (c->named < 1 + strength)
        c->named = 1 + strength;
}

/* What patterns name, the strongest first (so that no flood of weak ones hides it), then what the
 * first network looks at. */
static int candidates(
        struct lg_jury *j, const struct lg_graph *g, struct candidate **ret, uint32_t *ret_n)
{
    LG_CLEANUP(lg_cleanup_free) struct candidate *c = lg_calloc(g->n_nodes, sizeof(*c));
    LG_CLEANUP(lg_cleanup_free)
    float *grad = lg_calloc((size_t)j->nodes.n_nodes + 1, sizeof(*grad));
    uint32_t n = 0;

    if (c == NULL || grad == NULL)
        return LG_ENOMEM;
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        c[v].node = v;
        c[v].view = UINT32_MAX;
    }
    for (uint32_t v = 0; v < j->nodes.n_nodes; v++)
        c[j->nodes.node[v]].view = v;
    if (j->nodes.n_nodes > 0) {
        float logits[2];
        int rc = j->first_lost ? lg_gnn_forward(j->model->gat[0], &j->gnn, j->scratch, logits) : 0;

        j->first_lost = rc < 0;
        if (rc == 0)
            rc = lg_gnn_input_gradient(j->model->gat[0], &j->gnn, j->scratch, grad);
        if (rc < 0)
            return rc;
        for (uint32_t v = 0; v < j->nodes.n_nodes; v++)
            c[j->nodes.node[v]].rank = (double)grad[v];
    }
    for (uint32_t i = 0; i < j->n_hits; i++) {
        uint32_t strength = lg_pattern_get(j->hits[i].pattern)->strength;

        name(&c[j->hits[i].node], strength);
        if (j->hits[i].edge != UINT32_MAX) {
            name(&c[g->edges[j->hits[i].edge].src], strength);
            name(&c[g->edges[j->hits[i].edge].dst], strength);
        }
    }
    qsort(c, g->n_nodes, sizeof(*c), by_rank);
    while (n < g->n_nodes && n < CANDIDATES && (c[n].named > 0 || c[n].rank > 0))
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

/* What the verdict, whose strength is `full`, loses without the candidate. */
static int weigh(struct lg_jury *j, const struct lg_graph *g, const struct lg_verdict *v,
        double full, struct candidate *c)
{
    struct lg_scores s = v->scores;
    bool seen = c->view != UINT32_MAX;
    double own = 0;
    int rc;

    if (seen && j->nodes.n_nodes > 1)
        s.member[LG_MEMBER_GAT] = c->gat;
    j->mark[c->node] = 1;
    rc = rescore(j, g, j->mark, j->nodes.n_nodes - seen, &s);
    j->mark[c->node] = 0;
    if (rc == 0 && c->named > 0)
        rc = own_fall(j, g, &v->scores, c->node, &own);
    if (rc < 0)
        return rc;
    c->drop = full - strength(j->model, &s);
    if (c->drop < own)
        c->drop = own;
    return 0;
}

int lg_jury_evidence(struct lg_jury *j, const struct lg_graph *g, struct lg_verdict *v)
{
    LG_CLEANUP(lg_cleanup_free) struct candidate *c = NULL;
    double full = strength(j->model, &v->scores), total = 0;
    uint32_t n = 0, shown = 0;
    int rc;

    if (v->error != NULL || v->idle_skipped)
        return 0; /* the jury was not asked: what it holds is of another window */
    if (j->last != NULL && j->last->evidence) {
        memcpy(v->evidence, j->last->v.evidence, sizeof(v->evidence));
        v->n_evidence = j->last->v.n_evidence;
        return 0;
    }
    rc = lg_jury_again(j, g);
    if (rc == 0)
        rc = marks(j, g);
    if (rc == 0)
        rc = candidates(j, g, &c, &n);
    if (rc == 0)
        rc = gats_without(j, v->scores.member[LG_MEMBER_GAT], c, n);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < n && rc == 0; i++)
        rc = weigh(j, g, v, full, &c[i]);
    if (rc < 0)
        return rc;
    qsort(c, n, sizeof(*c), by_drop);
    while (shown < n && shown < LG_MAX_EVIDENCE && c[shown].drop > 0)
        total += c[shown++].drop;
    for (uint32_t i = 0; i < shown; i++)
        v->evidence[i] = (struct lg_evidence){c[i].node, UINT32_MAX, c[i].drop / total, c[i].drop};
    v->n_evidence = shown;
    link_tree(g, v);
    if (j->last != NULL) {
        memcpy(j->last->v.evidence, v->evidence, sizeof(v->evidence));
        j->last->v.n_evidence = shown;
        j->last->evidence = true;
    }
    return 0;
}
