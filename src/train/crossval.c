#include "train/crossval.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "gnn/train.h"
#include "train/fit.h"

const struct lg_cv_options lg_cv_defaults = {.seeds = 5,
        .threads = 1,
        .first_seed = 1,
        .epochs = 7,
        .batch = 32,
        .lr = 3e-3,
        .tokens_c = 10,
        .baselines = true,
        .final = true,
        .progress = false};

const char *lg_baseline_name(enum lg_baseline b)
{
    static const char *const names[] = {"event count", "event tokens", "source only"};

    return names[b];
}

enum kind { FIT_GAT, FIT_TREES, FIT_TOKENS, FIT_EVENT_TOKENS, FIT_SOURCE };

struct task {
    enum kind kind;
    uint32_t fold; /* ds->folds: the final fit on all */
    uint32_t seed; /* index of the network */
};

struct run {
    const struct lg_dataset *ds;
    const struct lg_cv_options *opt;
    struct lg_cv *cv;
    LG_VEC(struct task) tasks;
    size_t next;
    size_t done;
    pthread_mutex_t lock;
    int rc;
    struct lg_err err;
};

static bool trains(const struct lg_row *row, uint32_t fold)
{
    return row->label != LG_LABEL_UNKNOWN && row->fold != LG_FOLD_EXTRA && row->fold != fold;
}

/* Rows that a fit of `fold` may score: the fold's own, or the extra ones for the final fit. */
static bool scores(const struct lg_row *row, uint32_t fold, uint32_t folds)
{
    return fold == folds ? row->fold == LG_FOLD_EXTRA : row->fold == fold;
}

/* --- the networks ----------------------------------------------------------------------------- */

static void gnn_config(struct lg_gnn_config *cfg)
{
    lg_gnn_config_default(cfg);
    cfg->feature_version = LG_FEATURE_VERSION;
    cfg->vocab = LG_TOKEN_VOCAB;
    cfg->node_types = LG_NODE_TYPE_COUNT;
    cfg->num_dim = LG_NODE_NUM;
    cfg->edge_types = LG_EDGE_TYPE_COUNT;
    cfg->attr_bits = LG_EDGE_ATTR_COUNT;
}

/* A token that training never saw has no vote: its weight in every node becomes 0. */
static int fit_idf(struct lg_gnn_model *m, const struct lg_gnn_sample *v, size_t n)
{
    const struct lg_gnn_config *cfg = lg_gnn_model_config(m);
    LG_CLEANUP(lg_cleanup_free) float *idf = lg_calloc(cfg->vocab, sizeof(*idf));
    LG_CLEANUP(lg_cleanup_free) uint8_t *seen = lg_calloc(cfg->vocab, 1);
    int rc;

    if (idf == NULL || seen == NULL)
        return LG_ENOMEM;
    rc = lg_gnn_fit_idf(cfg, v, n, idf);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        for (uint32_t t = 0; t < v[i].graph->tok_off[v[i].graph->n_nodes]; t++)
            seen[v[i].graph->tok[t]] = 1;
    for (uint32_t t = 0; t < cfg->vocab; t++)
        if (!seen[t])
            idf[t] = 0;
    return lg_gnn_model_set_idf(m, idf);
}

static size_t gat_samples(const struct run *r, uint32_t fold, struct lg_gnn_sample *out)
{
    size_t n = 0;

    for (size_t i = 0; i < r->ds->rows.n; i++) {
        const struct lg_row *row = &r->ds->rows.v[i];

        if (trains(row, fold) && row->gnn.n_nodes > 0)
            out[n++] = (struct lg_gnn_sample){&row->gnn, row->label, 1.0f};
    }
    return n;
}

static int score_gat(const struct run *r, const struct lg_gnn_model *m, const struct task *t)
{
    struct lg_gnn_scratch *s;
    int rc = lg_gnn_scratch_new(&s);

    for (size_t i = 0; i < r->ds->rows.n && rc == 0; i++) {
        const struct lg_row *row = &r->ds->rows.v[i];
        float logits[2];

        if (!scores(row, t->fold, r->ds->folds) || row->gnn.n_nodes == 0)
            continue;
        rc = lg_gnn_scratch_reserve(s, lg_gnn_model_config(m), row->gnn.n_nodes, row->gnn.n_edges);
        if (rc == 0)
            rc = lg_gnn_forward(m, &row->gnn, s, logits);
        if (rc == 0)
            r->cv->gat[t->seed][i] = (double)(logits[1] - logits[0]);
    }
    lg_gnn_scratch_free(s);
    return rc;
}

static int fit_gat(struct run *r, const struct task *t, struct lg_err *err)
{
    LG_CLEANUP(lg_cleanup_free)
    struct lg_gnn_sample *v = lg_calloc(r->ds->rows.n + 1, sizeof(*v));
    struct lg_gnn_train_options opt;
    struct lg_gnn_train_result result;
    struct lg_gnn_model *m = NULL;
    struct lg_gnn_config cfg;
    size_t n;
    int rc;

    if (v == NULL)
        return lg_err_set(err, LG_ENOMEM, "out of memory");
    n = gat_samples(r, t->fold, v);
    gnn_config(&cfg);
    lg_gnn_train_options_default(&opt);
    opt.seed = r->opt->first_seed + t->seed;
    opt.epochs = r->opt->epochs;
    opt.batch = r->opt->batch;
    opt.lr = (float)r->opt->lr;
    opt.threads = 1;
    lg_gnn_class_weights(v, n, opt.class_weight);
    rc = lg_gnn_model_new(&cfg, opt.seed, &m, err);
    if (rc == 0 && (rc = fit_idf(m, v, n)) < 0)
        (void)lg_err_set(err, rc, "token weights: %s", lg_err_name(rc));
    if (rc == 0)
        rc = lg_gnn_train(m, v, n, NULL, 0, &opt, &result, err);
    if (rc == 0 && (rc = score_gat(r, m, t)) < 0)
        (void)lg_err_set(err, rc, "scoring: %s", lg_err_name(rc));
    if (rc == 0 && t->fold == r->ds->folds)
        r->cv->final_gat[t->seed] = LG_TAKE(m);
    lg_gnn_model_free(m);
    return rc;
}

/* --- regressions ------------------------------------------------------------------------------ */

/* What each regression reads of a row. Scratch rows are written to `tmp`. */
struct token_view {
    uint32_t vocab;
    uint32_t (*tokens)(
            const struct run *r, const struct lg_row *row, uint32_t *tmp, const uint32_t **ret);
};

static uint32_t graph_tokens(
        const struct run *r, const struct lg_row *row, uint32_t *tmp, const uint32_t **ret)
{
    (void)r;
    (void)tmp;
    *ret = row->tok;
    return row->n_tok;
}

#define EVENT_VOCAB (LG_TOKEN_VOCAB + LG_EDGE_TYPE_COUNT)

/* Words of all nodes and the kinds of edges, each once: the events without their graph. */
static uint32_t event_tokens(
        const struct run *r, const struct lg_row *row, uint32_t *tmp, const uint32_t **ret)
{
    uint8_t *seen = (uint8_t *)(tmp + EVENT_VOCAB);
    uint32_t n = 0;

    (void)r;
    memset(seen, 0, EVENT_VOCAB);
    for (uint32_t t = 0; row->gnn.n_nodes > 0 && t < row->gnn.tok_off[row->gnn.n_nodes]; t++)
        seen[row->gnn.tok[t]] = 1;
    for (uint32_t e = 0; e < row->gnn.n_edges; e++)
        seen[LG_TOKEN_VOCAB + row->gnn.edge_type[e]] = 1;
    for (uint32_t t = 0; t < EVENT_VOCAB; t++)
        if (seen[t])
            tmp[n++] = t;
    *ret = tmp;
    return n;
}

#define SOURCE_VOCAB (256u + LG_SOURCE_COUNT)

/* Format of the capture and which instruments reported: nothing of what they reported. */
static uint32_t source_tokens(
        const struct run *r, const struct lg_row *row, uint32_t *tmp, const uint32_t **ret)
{
    const char *format = r->ds->captures.v[row->capture].format;
    uint32_t n = 0;

    for (uint32_t c = 0; c <= row->capture && n == 0; c++)
        if (strcmp(r->ds->captures.v[c].format, format) == 0)
            tmp[n++] = c % 256;
    for (uint32_t s = 0; s < LG_SOURCE_COUNT; s++)
        if (row->sources >> s & 1)
            tmp[n++] = 256 + s;
    *ret = tmp;
    return n;
}

static const struct token_view token_views[] = {
        [FIT_TOKENS] = {LG_GRAPH_TOKEN_VOCAB, graph_tokens},
        [FIT_EVENT_TOKENS] = {EVENT_VOCAB, event_tokens},
        [FIT_SOURCE] = {SOURCE_VOCAB, source_tokens},
};

static double *token_scores(struct lg_cv *cv, enum kind kind)
{
    return kind == FIT_TOKENS          ? cv->member[LG_MEMBER_TOKENS]
            : kind == FIT_EVENT_TOKENS ? cv->baseline[LG_BASELINE_EVENT_TOKENS]
                                       : cv->baseline[LG_BASELINE_SOURCE];
}

static int fit_regression(struct run *r, const struct task *t, struct lg_err *err)
{
    const struct token_view *tv = &token_views[t->kind];
    const struct lg_dataset *ds = r->ds;
    LG_CLEANUP(lg_cleanup_free)
    struct lg_token_row *rows = lg_calloc(ds->rows.n + 1, sizeof(*rows));
    LG_CLEANUP(lg_cleanup_free)
    uint32_t *tmp = lg_malloc(EVENT_VOCAB * 4ul + EVENT_VOCAB + SOURCE_VOCAB * 4ul);
    struct lg_token_regression reg = {0, NULL, 0};
    const uint32_t *tok;
    uint32_t n = 0;
    int rc = rows != NULL && tmp != NULL ? 0 : lg_err_set(err, LG_ENOMEM, "out of memory");

    for (size_t i = 0; i < ds->rows.n && rc == 0; i++) {
        const struct lg_row *row = &ds->rows.v[i];

        if (!trains(row, t->fold))
            continue;
        rows[n].n = tv->tokens(r, row, tmp, &tok);
        rows[n].label = row->label;
        rows[n].tok = lg_memdup(tok, rows[n].n * sizeof(*tok));
        if (rows[n++].tok == NULL)
            rc = lg_err_set(err, LG_ENOMEM, "out of memory");
    }
    if (rc == 0)
        rc = lg_fit_tokens(rows, n, tv->vocab, r->opt->tokens_c, &reg, err);
    for (size_t i = 0; i < ds->rows.n && rc == 0; i++)
        if (scores(&ds->rows.v[i], t->fold, ds->folds)) {
            uint32_t k = tv->tokens(r, &ds->rows.v[i], tmp, &tok);

            token_scores(r->cv, t->kind)[i] = (double)lg_token_regression_score(&reg, tok, k);
        }
    for (uint32_t i = 0; i < n && rows != NULL; i++)
        lg_free((void *)(uintptr_t)rows[i].tok);
    if (rc == 0 && t->kind == FIT_TOKENS && t->fold == ds->folds)
        r->cv->final_tokens = reg;
    else
        lg_token_regression_done(&reg);
    return rc;
}

/* --- trees ------------------------------------------------------------------------------------ */

static int fit_trees(struct run *r, const struct task *t, struct lg_err *err)
{
    const struct lg_dataset *ds = r->ds;
    uint32_t nf = lg_features_count_n(), n = 0;
    LG_CLEANUP(lg_cleanup_free) float *x = lg_calloc(ds->rows.n + 1, nf * sizeof(*x));
    LG_CLEANUP(lg_cleanup_free) uint8_t *y = lg_calloc(ds->rows.n + 1, 1);
    struct lg_forest f;
    int rc;

    if (x == NULL || y == NULL)
        return lg_err_set(err, LG_ENOMEM, "out of memory");
    for (size_t i = 0; i < ds->rows.n; i++)
        if (trains(&ds->rows.v[i], t->fold)) {
            memcpy(x + (size_t)n * nf, ds->rows.v[i].counts, nf * sizeof(*x));
            y[n++] = ds->rows.v[i].label;
        }
    rc = lg_fit_trees(x, y, n, nf, &lg_trees_defaults, &f, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < ds->rows.n; i++)
        if (scores(&ds->rows.v[i], t->fold, ds->folds))
            r->cv->member[LG_MEMBER_TREES][i] = (double)lg_forest_score(&f, ds->rows.v[i].counts);
    if (t->fold == ds->folds)
        r->cv->final_trees = f;
    else
        lg_forest_done(&f);
    return 0;
}

/* --- tasks ------------------------------------------------------------------------------------ */

static int do_task(struct run *r, const struct task *t, struct lg_err *err)
{
    switch (t->kind) {
    case FIT_GAT:
        return fit_gat(r, t, err);
    case FIT_TREES:
        return fit_trees(r, t, err);
    default:
        return fit_regression(r, t, err);
    }
}

static void *work(void *arg)
{
    struct run *r = arg;

    for (;;) {
        struct lg_err err = {0, ""};
        struct task t;
        int rc;

        (void)pthread_mutex_lock(&r->lock);
        if (r->next >= r->tasks.n || r->rc < 0) {
            (void)pthread_mutex_unlock(&r->lock);
            return NULL;
        }
        t = r->tasks.v[r->next++];
        (void)pthread_mutex_unlock(&r->lock);
        rc = do_task(r, &t, &err);
        (void)pthread_mutex_lock(&r->lock);
        r->done++;
        if (rc < 0 && r->rc == 0) {
            r->rc = rc;
            r->err = err;
        }
        if (r->opt->progress)
            (void)fprintf(stderr, "\r\033[Kfitting %zu/%zu", r->done, r->tasks.n);
        (void)pthread_mutex_unlock(&r->lock);
    }
}

/* Networks first: they take longest. */
static int make_tasks(struct run *r)
{
    uint32_t last = r->opt->final ? r->ds->folds + 1 : r->ds->folds;
    int rc = 0;

    for (uint32_t f = 0; f < last && rc == 0; f++)
        for (uint32_t s = 0; s < r->opt->seeds && rc == 0; s++)
            rc = lg_vec_push(&r->tasks, (struct task){FIT_GAT, f, s});
    for (int k = FIT_TREES; k <= FIT_SOURCE; k++) {
        if (k > FIT_TOKENS && !r->opt->baselines)
            break;
        for (uint32_t f = 0; f < last && rc == 0; f++)
            rc = lg_vec_push(&r->tasks, (struct task){(enum kind)k, f, 0});
    }
    return rc;
}

static double *nan_row(size_t n)
{
    double *v = lg_malloc((n + 1) * sizeof(*v));

    for (size_t i = 0; v != NULL && i < n; i++)
        v[i] = (double)NAN;
    return v;
}

static int cv_new(const struct lg_dataset *ds, uint32_t seeds, struct lg_cv **ret)
{
    struct lg_cv *cv = lg_calloc(1, sizeof(*cv));
    bool ok = cv != NULL;

    if (!ok)
        return LG_ENOMEM;
    cv->n = ds->rows.n;
    cv->seeds = seeds;
    for (uint32_t s = 0; s < seeds; s++)
        ok = (cv->gat[s] = nan_row(cv->n)) != NULL && ok;
    for (int i = 0; i < LG_MEMBER_COUNT; i++)
        ok = (cv->member[i] = nan_row(cv->n)) != NULL && ok;
    for (int i = 0; i < LG_BASELINE_COUNT; i++)
        ok = (cv->baseline[i] = nan_row(cv->n)) != NULL && ok;
    if (!ok) {
        lg_cv_free(cv);
        return LG_ENOMEM;
    }
    for (size_t i = 0; i < cv->n; i++)
        cv->baseline[LG_BASELINE_EVENTS][i] = log1p((double)ds->rows.v[i].learned_events);
    *ret = cv;
    return 0;
}

static void mean_of_seeds(struct lg_cv *cv)
{
    for (size_t i = 0; i < cv->n; i++) {
        double sum = 0;

        for (uint32_t s = 0; s < cv->seeds; s++)
            sum += cv->gat[s][i];
        cv->member[LG_MEMBER_GAT][i] = sum / cv->seeds;
    }
}

int lg_cv_run(const struct lg_dataset *ds, const struct lg_cv_options *opt, struct lg_cv **ret,
        struct lg_err *reterr)
{
    struct run r = {.ds = ds, .opt = opt, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[64];
    uint32_t n = opt->threads < 1 ? 1 : opt->threads > 64 ? 64 : opt->threads, started = 0;
    int rc;

    if (opt->seeds == 0 || opt->seeds > LG_MODEL_MAX_GATS)
        return lg_err_set(reterr, LG_EINVAL, "seeds must be 1..%u", LG_MODEL_MAX_GATS);
    rc = cv_new(ds, opt->seeds, &r.cv);
    if (rc == 0)
        rc = make_tasks(&r);
    if (rc < 0) {
        lg_vec_done(&r.tasks);
        lg_cv_free(r.cv);
        return lg_err_set(reterr, rc, "out of memory");
    }
    while (started < n && pthread_create(&threads[started], NULL, work, &r) == 0)
        started++;
    if (started == 0)
        (void)work(&r);
    for (uint32_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    if (opt->progress)
        (void)fprintf(stderr, "\r\033[K");
    lg_vec_done(&r.tasks);
    if (r.rc < 0) {
        lg_cv_free(r.cv);
        return lg_err_set(reterr, r.rc, "%s", r.err.text);
    }
    mean_of_seeds(r.cv);
    *ret = r.cv;
    return 0;
}

void lg_cv_free(struct lg_cv *cv)
{
    if (cv == NULL)
        return;
    for (uint32_t s = 0; s < LG_MODEL_MAX_GATS; s++) {
        lg_free(cv->gat[s]);
        lg_gnn_model_free(cv->final_gat[s]);
    }
    for (int i = 0; i < LG_MEMBER_COUNT; i++)
        lg_free(cv->member[i]);
    for (int i = 0; i < LG_BASELINE_COUNT; i++)
        lg_free(cv->baseline[i]);
    lg_token_regression_done(&cv->final_tokens);
    lg_forest_done(&cv->final_trees);
    lg_free(cv);
}
