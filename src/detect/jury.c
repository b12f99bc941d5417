#include "detect/jury.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "detect/allowlist.h"
#include "detect/jury_int.h"
#include "tensor/kernels.h"

#define MIN_NODES 3 /* fewer: "too_few_nodes" (docs/semantics.md, "Verdicts and alerts") */

int lg_jury_new(
        const struct lg_model *model, const struct lg_jury_options *opt, struct lg_jury **ret)
{
    struct lg_jury *j = lg_calloc(1, sizeof(*j));
    int rc;

    if (j == NULL)
        return LG_ENOMEM;
    j->model = model;
    j->opt = *opt;
    if (j->opt.threshold < 0)
        j->opt.threshold = model->threshold;
    rc = lg_features_new(&j->features);
    if (rc == 0)
        rc = lg_patterns_new(&j->patterns);
    if (rc == 0)
        rc = lg_gnn_scratch_new(&j->scratch);
    if (rc == 0)
        rc = lg_repeat_new(&j->repeat);
    if (rc == 0)
        rc = lg_seen_new(&j->seen);
    if (rc == 0) {
        j->counts = lg_calloc(lg_features_count_n(), sizeof(*j->counts));
        if (j->counts == NULL)
            rc = LG_ENOMEM;
    }
    if (rc < 0) {
        lg_jury_free(j);
        return rc;
    }
    *ret = j;
    return 0;
}

void lg_jury_free(struct lg_jury *j)
{
    if (j == NULL)
        return;
    lg_gnn_scratch_free(j->scratch);
    lg_patterns_free(j->patterns);
    lg_features_free(j->features);
    lg_repeat_free(j->repeat);
    lg_seen_free(j->seen);
    lg_free(j->counts);
    lg_free(j->mark);
    lg_free(j);
}

double lg_jury_threshold(const struct lg_jury *j)
{
    return j->opt.threshold;
}

const struct lg_model *lg_jury_model(const struct lg_jury *j)
{
    return j->model;
}

double lg_jury_sigmoid(double x)
{
    /* lg_expf and not libm's: verdicts are the same bits on every machine */
    return x >= 0 ? 1.0 / (1.0 + (double)lg_expf((float)-x))
                  : 1.0 - 1.0 / (1.0 + (double)lg_expf((float)x));
}

void lg_jury_combine(const struct lg_model *m, struct lg_scores *s)
{
    double sum = 0, p = 0;

    if (s->learned) {
        for (int i = 0; i < LG_MEMBER_COUNT; i++)
            sum += m->scale[i].weight * (s->member[i] - m->scale[i].mean) / m->scale[i].std;
        p = lg_jury_sigmoid(m->calibration_a * sum + m->calibration_b);
    }
    s->jury = sum;
    s->prob = p > s->pattern_floor ? p : s->pattern_floor;
}

void lg_jury_gnn_graph(const struct lg_node_features *nf, struct lg_gnn_graph *ret)
{
    *ret = (struct lg_gnn_graph){.n_nodes = nf->n_nodes,
            .n_edges = nf->n_edges,
            .node_type = nf->node_type,
            .node_num = nf->node_num,
            .tok_off = nf->tok_off,
            .tok = nf->tok,
            .src = nf->src,
            .dst = nf->dst,
            .edge_type = nf->edge_type,
            .edge_attr = nf->edge_attr,
            .edge_num = nf->edge_num};
}

static int reserve(struct lg_jury *j, const struct lg_gnn_model *gat)
{
    return lg_gnn_scratch_reserve(
            j->scratch, lg_gnn_model_config(gat), j->gnn.n_nodes, j->gnn.n_edges);
}

/* All networks over j->gnn. The first comes last, and with all that evidence starts from. */
static int ask_networks(struct lg_jury *j, struct lg_seen_odds *ret)
{
    const struct lg_model *m = j->model;
    double odds[LG_MODEL_MAX_GATS], sum = 0;

    for (uint32_t i = m->n_gats; i > 0; i--) {
        const struct lg_gnn_model *gat = m->gat[i - 1];
        float logits[2];
        int rc = reserve(j, gat);

        if (rc == 0)
            rc = i > 1 ? lg_gnn_infer(gat, &j->gnn, j->scratch, logits)
                       : lg_gnn_forward(gat, &j->gnn, j->scratch, logits);
        if (rc != 0)
            return rc;
        odds[i - 1] = (double)(logits[1] - logits[0]);
    }
    for (uint32_t i = 0; i < m->n_gats; i++)
        sum += odds[i];
    ret->mean = sum / m->n_gats;
    ret->first = odds[0];
    return isfinite(ret->mean) ? 0 : LG_ERANGE;
}

/* Mean log-odds of the networks. */
static int gat_score(struct lg_jury *j, const struct lg_node_features *nf, double *ret)
{
    struct lg_seen_odds odds;
    int rc;

    lg_jury_gnn_graph(nf, &j->gnn);
    /* what evidence starts from is then made when it is asked for */
    j->first_lost = lg_seen_find(j->seen, &j->gnn, LG_NODE_NUM, &odds);
    rc = j->first_lost ? reserve(j, j->model->gat[0]) : ask_networks(j, &odds);
    if (rc != 0)
        return rc;
    if (!j->first_lost)
        lg_seen_put(j->seen, &odds);
    j->first_gat = odds.first;
    *ret = odds.mean;
    return 0;
}

/* The plain members, without the nodes marked in `removed` (or NULL). */
int lg_jury_plain(
        struct lg_jury *j, const struct lg_graph *g, const uint8_t *removed, struct lg_scores *s)
{
    const struct lg_model *m = j->model;
    const uint32_t *tok;
    uint32_t n;
    int rc = 0;

    if (removed == NULL) {
        rc = lg_features_graph_tokens(j->features, g, &m->view, NULL, &tok, &n);
        if (rc == 0)
            rc = lg_features_counts(j->features, g, &m->view, NULL, j->counts);
    } else {
        if (!j->ablating)
            rc = lg_features_ablate_begin(j->features, g, &m->view);
        j->ablating = rc == 0;
        if (rc == 0)
            rc = lg_features_ablate(j->features, g, removed, &tok, &n, j->counts);
    }
    if (rc < 0)
        return rc;
    s->member[LG_MEMBER_TOKENS] = (double)lg_token_regression_score(&m->tokens, tok, n);
    s->member[LG_MEMBER_TREES] = (double)lg_forest_score(&m->trees, j->counts);
    return 0;
}

/* Everything of one window; keeps node features and hits in the jury for the evidence. */
static int score(struct lg_jury *j, const struct lg_graph *g, struct lg_scores *ret)
{
    struct lg_scores s;
    int rc;

    memset(&s, 0, sizeof(s));
    j->told_again = false;
    j->ablating = false;
    rc = lg_patterns_match(j->patterns, g, NULL, &j->hits, &j->n_hits);
    if (rc < 0)
        return rc;
    s.pattern_floor = lg_patterns_floor(j->hits, j->n_hits);
    rc = lg_features_nodes(j->features, g, &j->model->view, &j->nodes);
    if (rc < 0)
        return rc;
    s.learned = j->nodes.n_nodes > 0;
    if (s.learned) {
        rc = gat_score(j, &j->nodes, &s.member[LG_MEMBER_GAT]);
        if (rc == 0)
            rc = lg_jury_plain(j, g, NULL, &s);
        if (rc < 0)
            return rc;
    }
    lg_jury_combine(j->model, &s);
    *ret = s;
    return 0;
}

int lg_jury_score(
        struct lg_jury *j, const struct lg_graph *g, const uint8_t *removed, struct lg_scores *ret)
{
    struct lg_scores s;
    int rc = score(j, g, &s);

    j->last = NULL;
    if (rc == 0 && removed != NULL)
        rc = lg_jury_rescore(j, g, removed, &s);
    if (rc == 0)
        *ret = s;
    return rc;
}

static double now_ms(void)
{
    return (double)lg_clock_monotonic() * 1e-6;
}

int lg_jury_again(struct lg_jury *j, const struct lg_graph *g)
{
    struct lg_scores s;

    return j->told_again ? score(j, g, &s) : 0;
}

/* A verdict without evidence. */
static int judge(struct lg_jury *j, const struct lg_graph *g, struct lg_verdict *ret)
{
    int rc = score(j, g, &ret->scores);

    if (rc < 0)
        return rc;
    ret->hits = j->hits;
    ret->n_hits = j->n_hits;
    if (ret->scores.prob >= j->opt.threshold)
        ret->prediction = LG_PREDICT_ATTACK;
    ret->confidence = ret->scores.prob > 0.5 ? ret->scores.prob : 1.0 - ret->scores.prob;
    j->last = lg_repeat_put(j->repeat, ret);
    return 0;
}

int lg_jury_judge(struct lg_jury *j, const struct lg_graph *g, struct lg_verdict *ret)
{
    double start = now_ms();
    int rc = 0;

    memset(ret, 0, sizeof(*ret));
    j->last = NULL;
    if (g->n_nodes < MIN_NODES) {
        ret->prediction = LG_PREDICT_ERROR;
        ret->error = "too_few_nodes";
        return 0;
    }
    if (j->opt.idle_allowlist && g->platform == LG_PLATFORM_LINUX && lg_allowlist_idle(g)) {
        ret->idle_skipped = true;
        ret->confidence = 1.0;
        return 0;
    }
    j->last = lg_repeat_find(j->repeat, g);
    j->told_again = j->last != NULL;
    if (j->told_again) {
        *ret = j->last->v;
        ret->n_evidence = 0;
    } else {
        rc = judge(j, g, ret);
    }
    if (rc < 0)
        return rc;
    if (j->opt.evidence && ret->prediction == LG_PREDICT_ATTACK)
        rc = lg_jury_evidence(j, g, ret);
    ret->time_ms = now_ms() - start;
    return rc;
}
