#include "gnn/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gnn/train_int.h"

void lg_gnn_train_options_default(struct lg_gnn_train_options *opt)
{
    *opt = (struct lg_gnn_train_options){
            .epochs = 7,
            .batch = 32,
            .threads = 1,
            .lr = 3e-3f,
            .weight_decay = 0.01f,
            .clip = 1.0f,
            .dropout = 0.3f,
            .attn_dropout = 0.1f,
            .tok_drop = 0.1f,
            .edge_drop = 0.1f,
            .label_smoothing = 0.05f,
            .class_weight = {1.0f, 1.0f},
            .one_cycle = true,
    };
}

static int check_options(const struct lg_gnn_train_options *o, struct lg_err *reterr)
{
    const struct {
        const char *name;
        float value, min, max;
    } f[] = {
            {"epochs", (float)o->epochs, 1, 10000},
            {"batch", (float)o->batch, 1, 4096},
            {"threads", (float)o->threads, 1, 64},
            {"lr", o->lr, 0, 1},
            {"weight_decay", o->weight_decay, 0, 1},
            {"clip", o->clip, 0, 1e6f},
            {"dropout", o->dropout, 0, 0.95f},
            {"attn_dropout", o->attn_dropout, 0, 0.95f},
            {"tok_drop", o->tok_drop, 0, 0.95f},
            {"edge_drop", o->edge_drop, 0, 0.95f},
            {"label_smoothing", o->label_smoothing, 0, 0.5f},
            {"class_weight[0]", o->class_weight[0], 1e-6f, 1e6f},
            {"class_weight[1]", o->class_weight[1], 1e-6f, 1e6f},
    };

    for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++)
        if (!(f[i].value >= f[i].min && f[i].value <= f[i].max))
            return lg_err_set(reterr, LG_EINVAL, "training: %s is %g, not in %g..%g", f[i].name,
                    (double)f[i].value, (double)f[i].min, (double)f[i].max);
    return 0;
}

/* Checks samples and raises the largest graph sizes. */
static int check_samples(const struct lg_gnn_config *cfg, const char *what,
        const struct lg_gnn_sample *v, size_t n, uint32_t *nodes, uint32_t *edges,
        struct lg_err *reterr)
{
    struct lg_err why = {0};

    for (size_t i = 0; i < n; i++) {
        if (v[i].label > 1 || !(v[i].weight > 0.0f && v[i].weight <= 1e6f))
            return lg_err_set(reterr, LG_EINVAL, "%s sample %zu: label %u or weight %g", what, i,
                    v[i].label, (double)v[i].weight);
        if (lg_gnn_graph_check(cfg, v[i].graph, &why) < 0)
            return lg_err_set(reterr, LG_EINVAL, "%s sample %zu: %s", what, i, why.text);
        if (v[i].graph->n_nodes > *nodes)
            *nodes = v[i].graph->n_nodes;
        if (v[i].graph->n_edges > *edges)
            *edges = v[i].graph->n_edges;
    }
    return 0;
}

/* --- forward of many -------------------------------------------------------------------------- */

struct predict {
    const struct lg_gnn_model *model;
    const struct lg_gnn_sample *v;
    struct lg_gnn_scratch **scratch;
    float *logits;
    size_t n;
    int rc[64]; /* per worker */
};

static void predict_task(void *arg, uint32_t task, uint32_t worker)
{
    struct predict *p = arg;
    int rc = lg_gnn_forward(
            p->model, p->v[task].graph, p->scratch[worker], p->logits + 2 * (size_t)task);

    if (rc < 0)
        p->rc[worker] = rc;
}

static int predict(struct lg_gnn_pool *pool, struct predict *p, uint32_t threads)
{
    memset(p->rc, 0, sizeof(p->rc));
    lg_gnn_pool_run(pool, (uint32_t)p->n, predict_task, p);
    for (uint32_t i = 0; i < threads; i++)
        if (p->rc[i] < 0)
            return p->rc[i];
    return 0;
}

int lg_gnn_predict(const struct lg_gnn_model *model, const struct lg_gnn_sample *v, size_t n,
        uint32_t threads, float *logits)
{
    struct lg_gnn_scratch *scratch[64] = {0};
    struct predict p = {.model = model, .v = v, .scratch = scratch, .logits = logits, .n = n};
    struct lg_gnn_pool *pool = NULL;
    uint32_t nodes = 1, edges = 0;
    int rc;

    if (threads < 1 || threads > 64 || n > UINT32_MAX)
        return LG_EINVAL;
    rc = check_samples(&model->cfg, "", v, n, &nodes, &edges, NULL);
    for (uint32_t i = 0; rc == 0 && i < threads; i++) {
        rc = lg_gnn_scratch_new(&scratch[i]);
        if (rc == 0)
            rc = lg_gnn_scratch_reserve(scratch[i], &model->cfg, nodes, edges);
    }
    if (rc == 0)
        rc = lg_gnn_pool_new(threads, &pool);
    if (rc == 0)
        rc = predict(pool, &p, threads);
    lg_gnn_pool_free(pool);
    for (uint32_t i = 0; i < threads; i++)
        lg_gnn_scratch_free(scratch[i]);
    return rc;
}

/* --- figures ---------------------------------------------------------------------------------- */

static int by_margin(const void *a, const void *b, void *arg)
{
    const float *logits = arg;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    float x = logits[2 * i + 1] - logits[2 * i], y = logits[2 * j + 1] - logits[2 * j];

    if (x != y)
        return x < y ? -1 : 1;
    return i < j ? -1 : i > j;
}

double lg_gnn_auc(const float *logits, const struct lg_gnn_sample *v, size_t n, uint32_t *order)
{
    double pairs = 0, attacks = 0, benign = 0;

    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof(*order), by_margin, (void *)(uintptr_t)logits);
    for (size_t i = 0; i < n;) {
        float x = logits[2 * order[i] + 1] - logits[2 * order[i]];
        double a = 0, b = 0;

        for (; i < n && logits[2 * order[i] + 1] - logits[2 * order[i]] == x; i++) {
            a += v[order[i]].label;
            b += !v[order[i]].label;
        }
        pairs += a * benign + a * b / 2;
        attacks += a;
        benign += b;
    }
    return attacks > 0 && benign > 0 ? pairs / (attacks * benign) : (double)NAN;
}

void lg_gnn_class_weights(const struct lg_gnn_sample *v, size_t n, float ret_weight[2])
{
    double sum[2] = {0, 0};

    for (size_t i = 0; i < n; i++)
        sum[v[i].label & 1] += (double)v[i].weight;
    for (int c = 0; c < 2; c++)
        ret_weight[c] = sum[0] > 0 && sum[1] > 0 ? (float)((sum[0] + sum[1]) / (2 * sum[c])) : 1.0f;
}

int lg_gnn_fit_idf(
        const struct lg_gnn_config *cfg, const struct lg_gnn_sample *v, size_t n, float *ret_idf)
{
    double nodes = 0;

    for (size_t i = 0; i < n; i++)
        if (lg_gnn_graph_check(cfg, v[i].graph, NULL) < 0)
            return LG_EINVAL;
    memset(ret_idf, 0, cfg->vocab * sizeof(*ret_idf));
    for (size_t i = 0; i < n; i++) {
        const struct lg_gnn_graph *g = v[i].graph;

        nodes += g->n_nodes;
        for (uint32_t t = 0; t < g->tok_off[g->n_nodes]; t++)
            ret_idf[g->tok[t]] += 1.0f;
    }
    for (uint32_t t = 0; t < cfg->vocab; t++)
        ret_idf[t] = (float)(log((1.0 + nodes) / (1.0 + (double)ret_idf[t])) + 1.0);
    return 0;
}

float lg_gnn_one_cycle(float max, uint64_t step, uint64_t total)
{
    const double pi = 3.14159265358979323846, up = 0.3 * (double)total - 1.0;
    double from = (double)max / 25, to = (double)max, at;

    if ((double)step <= up) {
        at = up > 0 ? (double)step / up : 1.0;
    } else {
        from = (double)max;
        to = (double)max / 250000;
        at = ((double)step - up) / ((double)total - 1.0 - up);
    }
    return (float)(to + (from - to) / 2 * (1 + cos(pi * at)));
}

/* --- the run ---------------------------------------------------------------------------------- */

struct run {
    struct lg_gnn_trainer tr;
    const struct lg_gnn_sample *train, *valid;
    size_t n_train, n_valid;
    uint32_t *order; /* shuffled train, and scratch for the AUC */
    float *logits;   /* of valid */
    const struct lg_gnn_sample **batch;
    uint64_t *streams;
    uint64_t steps, total_steps;
    struct lg_gnn_train_result out;
};

static void shuffle(struct run *r, uint32_t epoch)
{
    struct lg_rng rng;

    lg_rng_init(&rng, r->tr.opt.seed, UINT64_MAX - epoch);
    for (size_t i = 0; i < r->n_train; i++)
        r->order[i] = (uint32_t)i;
    for (size_t i = r->n_train; i > 1; i--) {
        size_t j = (size_t)lg_rng_below(&rng, i);
        uint32_t x = r->order[i - 1];

        r->order[i - 1] = r->order[j];
        r->order[j] = x;
    }
}

static int run_epoch(struct run *r, uint32_t epoch, double *ret_loss)
{
    const struct lg_gnn_train_options *opt = &r->tr.opt;
    double sum = 0;
    size_t steps = 0;

    shuffle(r, epoch);
    for (size_t at = 0; at < r->n_train; at += opt->batch) {
        size_t n = r->n_train - at < opt->batch ? r->n_train - at : opt->batch;
        float lr = opt->one_cycle ? lg_gnn_one_cycle(opt->lr, r->steps, r->total_steps) : opt->lr;
        double loss;
        int rc;

        for (size_t i = 0; i < n; i++) {
            r->batch[i] = &r->train[r->order[at + i]];
            r->streams[i] = (uint64_t)epoch << 32 | r->order[at + i];
        }
        rc = lg_gnn_trainer_step(&r->tr, r->batch, r->streams, (uint32_t)n, lr, &loss);
        if (rc < 0)
            return rc;
        r->steps++;
        sum += loss;
        steps++;
    }
    *ret_loss = sum / (double)steps;
    return 0;
}

static int validate(struct run *r, struct lg_gnn_progress *p)
{
    struct lg_gnn_scratch *scratch[64];
    struct predict pr = {.model = r->tr.model,
            .v = r->valid,
            .scratch = scratch,
            .logits = r->logits,
            .n = r->n_valid};
    double loss = 0, total = 0;
    int rc;

    for (uint32_t i = 0; i < r->tr.opt.threads; i++)
        scratch[i] = r->tr.workers[i].scratch;
    rc = predict(r->tr.pool, &pr, r->tr.opt.threads);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < r->n_valid; i++) {
        const struct lg_gnn_sample *s = &r->valid[i];
        double w = (double)(s->weight * r->tr.opt.class_weight[s->label]);

        loss += w * lg_gnn_loss(r->logits + 2 * i, s->label, 0.0f, NULL);
        total += w;
    }
    p->valid_loss = loss / total;
    p->valid_auc = lg_gnn_auc(r->logits, r->valid, r->n_valid, r->order);
    return 0;
}

static int run_epochs(struct run *r)
{
    const struct lg_gnn_train_options *opt = &r->tr.opt;
    struct lg_gnn_model *model = r->tr.model;
    uint32_t since = 0;

    for (uint32_t epoch = 1; epoch <= opt->epochs; epoch++) {
        struct lg_gnn_progress p = {.epoch = epoch,
                .epochs = opt->epochs,
                .total_steps = r->total_steps,
                .valid_loss = (double)NAN,
                .valid_auc = (double)NAN};
        int rc = run_epoch(r, epoch, &p.train_loss);

        if (rc == 0 && r->n_valid > 0)
            rc = validate(r, &p);
        if (rc < 0)
            return rc;
        p.steps = r->steps;
        p.best = r->n_valid == 0 || r->out.best_epoch == 0 || p.valid_loss < r->out.best_valid_loss;
        if (p.best) {
            memcpy(r->tr.best, model->flat, model->lay.floats * sizeof(float));
            r->out.best_epoch = epoch;
            r->out.best_valid_loss = p.valid_loss;
        }
        since = p.best ? 0 : since + 1;
        r->out.epochs_run = epoch;
        r->out.train_loss = p.train_loss;
        if (opt->progress != NULL && opt->progress(opt->progress_arg, &p) != 0) {
            r->out.stopped = true;
            return 0;
        }
        if (opt->patience > 0 && since >= opt->patience)
            return 0;
    }
    return 0;
}

static int run_init(struct run *r, struct lg_gnn_model *model,
        const struct lg_gnn_train_options *opt, uint32_t nodes, uint32_t edges)
{
    size_t most = r->n_train > r->n_valid ? r->n_train : r->n_valid;
    int rc = lg_gnn_trainer_init(&r->tr, model, opt, nodes, edges);

    if (rc < 0)
        return rc;
    r->order = lg_calloc(most, sizeof(*r->order));
    r->logits = lg_calloc(2 * r->n_valid, sizeof(*r->logits));
    r->batch = lg_calloc(opt->batch, sizeof(*r->batch));
    r->streams = lg_calloc(opt->batch, sizeof(*r->streams));
    if (r->order == NULL || r->logits == NULL || r->batch == NULL || r->streams == NULL)
        return LG_ENOMEM;
    r->total_steps = (uint64_t)opt->epochs * ((r->n_train + opt->batch - 1) / opt->batch);
    r->out.best_valid_loss = (double)NAN;
    memcpy(r->tr.best, model->flat, model->lay.floats * sizeof(float));
    return 0;
}

int lg_gnn_train(struct lg_gnn_model *model, const struct lg_gnn_sample *train, size_t n_train,
        const struct lg_gnn_sample *valid, size_t n_valid, const struct lg_gnn_train_options *opt,
        struct lg_gnn_train_result *ret, struct lg_err *reterr)
{
    struct run r = {.train = train, .n_train = n_train, .valid = valid, .n_valid = n_valid};
    uint32_t nodes = 1, edges = 0;
    int rc = check_options(opt, reterr);

    if (rc == 0 && model->tok_half != NULL)
        rc = lg_err_set(reterr, LG_EINVAL, "the network was halved, only to score");
    if (rc == 0 && (n_train < 1 || n_train > UINT32_MAX / 2 || n_valid > UINT32_MAX / 2))
        rc = lg_err_set(reterr, LG_EINVAL, "training: %zu samples", n_train);
    if (rc == 0)
        rc = check_samples(&model->cfg, "training", train, n_train, &nodes, &edges, reterr);
    if (rc == 0)
        rc = check_samples(&model->cfg, "validation", valid, n_valid, &nodes, &edges, reterr);
    if (rc < 0)
        return rc;
    rc = run_init(&r, model, opt, nodes, edges);
    if (rc < 0) {
        lg_err_set(reterr, rc, "training: no memory for graphs of %u nodes", nodes);
    } else {
        rc = run_epochs(&r);
        if (rc < 0)
            lg_err_set(reterr, rc, "training: step %llu: %s", (unsigned long long)r.steps,
                    rc == LG_ERANGE ? "the loss is not finite" : lg_err_name(rc));
        memcpy(model->flat, r.tr.best, model->lay.floats * sizeof(float));
        lg_gnn_model_prepare(model);
    }
    if (rc == 0)
        *ret = r.out;
    lg_gnn_trainer_done(&r.tr);
    lg_free(r.order);
    lg_free(r.logits);
    lg_free(r.batch);
    lg_free(r.streams);
    return rc;
}
