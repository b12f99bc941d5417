#include <math.h>
#include <string.h>

#include <cblas.h>

#include "base/mem.h"
#include "gnn/train_int.h"

/* --- memory ----------------------------------------------------------------------------------- */

static int worker_init(
        struct lg_gnn_worker *w, const struct lg_gnn_config *cfg, uint32_t nodes, uint32_t edges)
{
    size_t rows = ((size_t)nodes * cfg->dim + 15) / 16 * 16;
    size_t in = ((2 * (size_t)edges + nodes) * cfg->heads + 15) / 16 * 16;
    float *p;
    int rc = lg_gnn_scratch_new(&w->scratch);

    if (rc == 0)
        rc = lg_gnn_scratch_reserve(w->scratch, cfg, nodes, edges);
    if (rc < 0)
        return rc;
    w->block = p = lg_aligned_zalloc(((rows + in) * cfg->layers + cfg->dim) * sizeof(float));
    if (p == NULL)
        return LG_ENOMEM;
    for (uint32_t l = 0; l < cfg->layers; l++) {
        w->h[l] = p;
        w->alpha[l] = p + rows;
        p += rows + in;
    }
    w->read = p;
    return 0;
}

int lg_gnn_trainer_init(struct lg_gnn_trainer *tr, struct lg_gnn_model *model,
        const struct lg_gnn_train_options *opt, uint32_t max_nodes, uint32_t max_edges)
{
    size_t bytes = model->lay.floats * sizeof(float);
    int rc;

    memset(tr, 0, sizeof(*tr));
    tr->model = model;
    tr->opt = *opt;
    tr->chunks = (opt->batch + LG_GNN_CHUNK - 1) / LG_GNN_CHUNK;
    tr->workers = lg_calloc(opt->threads, sizeof(*tr->workers));
    tr->slots = lg_calloc(opt->batch, sizeof(*tr->slots));
    tr->grad = lg_aligned_zalloc(bytes);
    tr->m = lg_aligned_zalloc(bytes);
    tr->v = lg_aligned_zalloc(bytes);
    tr->best = lg_aligned_zalloc(bytes);
    tr->chunk_grad = lg_aligned_zalloc(tr->chunks * model->lay.dense_floats * sizeof(float));
    tr->touched = lg_calloc(model->cfg.vocab, 1);
    if (tr->workers == NULL || tr->slots == NULL || tr->grad == NULL || tr->m == NULL ||
            tr->v == NULL || tr->best == NULL || tr->chunk_grad == NULL || tr->touched == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < opt->threads; i++) {
        rc = worker_init(&tr->workers[i], &model->cfg, max_nodes, max_edges);
        if (rc < 0)
            return rc;
    }
    openblas_set_num_threads(1);
    return lg_gnn_pool_new(opt->threads, &tr->pool);
}

void lg_gnn_trainer_done(struct lg_gnn_trainer *tr)
{
    lg_gnn_pool_free(tr->pool);
    for (uint32_t i = 0; tr->workers != NULL && i < tr->opt.threads; i++) {
        lg_gnn_scratch_free(tr->workers[i].scratch);
        lg_free(tr->workers[i].block);
    }
    lg_free(tr->workers);
    lg_free(tr->slots);
    lg_free(tr->slot_block);
    lg_free(tr->grad);
    lg_free(tr->m);
    lg_free(tr->v);
    lg_free(tr->best);
    lg_free(tr->chunk_grad);
    lg_free(tr->touched);
    memset(tr, 0, sizeof(*tr));
}

static void *take(char *base, size_t *at, size_t n, size_t size)
{
    char *p = base != NULL ? base + *at : NULL;

    *at += (n * size + 63) / 64 * 64;
    return p;
}

/* Room for every slot of the batch; called with base NULL to measure. */
static size_t lay_out_slots(struct lg_gnn_trainer *tr, char *base)
{
    size_t at = 0;

    for (uint32_t i = 0; i < tr->n_slots; i++) {
        struct lg_gnn_slot *s = &tr->slots[i];
        const struct lg_gnn_graph *g = s->sample->graph;
        size_t n = g->n_nodes, e = g->n_edges;

        s->tok_off = take(base, &at, n + 1, sizeof(uint32_t));
        s->tok = take(base, &at, g->tok_off[n], sizeof(uint32_t));
        s->src = take(base, &at, e, sizeof(uint32_t));
        s->dst = take(base, &at, e, sizeof(uint32_t));
        s->edge_attr = take(base, &at, e, sizeof(uint32_t));
        s->edge_num = take(base, &at, e, sizeof(float));
        s->edge_type = take(base, &at, e, 1);
        s->dx = take(base, &at, n * tr->model->cfg.dim, sizeof(float));
    }
    return at;
}

/* --- one sample ------------------------------------------------------------------------------- */

double lg_gnn_loss(const float logits[2], uint32_t label, float smoothing, float dlogits[2])
{
    double max = fmax((double)logits[0], (double)logits[1]);
    double e0 = exp((double)logits[0] - max), e1 = exp((double)logits[1] - max);
    double log_sum = max + log(e0 + e1),
           q1 = label ? 1.0 - (double)smoothing / 2 : (double)smoothing / 2;

    if (dlogits != NULL) {
        dlogits[1] = (float)(e1 / (e0 + e1) - q1);
        dlogits[0] = -dlogits[1];
    }
    return log_sum - q1 * (double)logits[1] - (1.0 - q1) * (double)logits[0];
}

static void drop_tokens(struct lg_gnn_slot *s, struct lg_rng *rng, float rate)
{
    const struct lg_gnn_graph *g = s->sample->graph;
    uint32_t at = 0;

    s->tok_off[0] = 0;
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        uint32_t from = at;

        for (uint32_t t = g->tok_off[v]; t < g->tok_off[v + 1]; t++)
            if (rate <= 0.0f || lg_rng_float(rng) >= rate)
                s->tok[at++] = g->tok[t];
        if (at == from && g->tok_off[v] < g->tok_off[v + 1])
            s->tok[at++] = g->tok[g->tok_off[v]];
        s->tok_off[v + 1] = at;
    }
}

static uint32_t drop_edges(struct lg_gnn_slot *s, struct lg_rng *rng, float rate)
{
    const struct lg_gnn_graph *g = s->sample->graph;
    uint32_t at = 0;

    for (uint32_t e = 0; e < g->n_edges; e++) {
        if (rate > 0.0f && lg_rng_float(rng) < rate)
            continue;
        s->src[at] = g->src[e];
        s->dst[at] = g->dst[e];
        s->edge_type[at] = g->edge_type[e];
        s->edge_attr[at] = g->edge_attr[e];
        s->edge_num[at++] = g->edge_num[e];
    }
    return at;
}

static void make_graph(
        struct lg_gnn_slot *s, struct lg_rng *rng, const struct lg_gnn_train_options *opt)
{
    const struct lg_gnn_graph *g = s->sample->graph;

    drop_tokens(s, rng, opt->tok_drop);
    s->g = *g;
    s->g.tok_off = s->tok_off;
    s->g.tok = s->tok;
    s->g.src = s->src;
    s->g.dst = s->dst;
    s->g.edge_type = s->edge_type;
    s->g.edge_attr = s->edge_attr;
    s->g.edge_num = s->edge_num;
    s->g.n_edges = drop_edges(s, rng, opt->edge_drop);
}

/* 0 with the given rate, else 1 / (1 - rate); four 16-bit draws from each random number. */
static void fill_dropout(struct lg_rng *rng, float *p, size_t n, float rate)
{
    const uint64_t limit = (uint64_t)(rate * 65536.0f);
    const float keep = 1.0f / (1.0f - rate);

    for (size_t i = 0; i < n; i += 4) {
        uint64_t x = lg_rng_next(rng);

        for (size_t j = i; j < n && j < i + 4; j++, x >>= 16)
            p[j] = (x & 0xffff) < limit ? 0.0f : keep;
    }
}

static void make_noise(const struct lg_gnn_trainer *tr, struct lg_gnn_worker *w,
        const struct lg_gnn_graph *g, struct lg_rng *rng, struct lg_gnn_noise *noise)
{
    const struct lg_gnn_config *cfg = &tr->model->cfg;
    size_t in = 2 * (size_t)g->n_edges + g->n_nodes;

    memset(noise, 0, sizeof(*noise));
    for (uint32_t l = 0; l < cfg->layers; l++) {
        if (tr->opt.attn_dropout > 0.0f) {
            fill_dropout(rng, w->alpha[l], in * cfg->heads, tr->opt.attn_dropout);
            noise->alpha[l] = w->alpha[l];
        }
        if (tr->opt.dropout > 0.0f) {
            fill_dropout(rng, w->h[l], (size_t)g->n_nodes * cfg->dim, tr->opt.dropout);
            noise->h[l] = w->h[l];
        }
    }
    if (tr->opt.dropout > 0.0f) {
        fill_dropout(rng, w->read, cfg->dim, tr->opt.dropout);
        noise->read = w->read;
    }
}

static void run_slot(struct lg_gnn_trainer *tr, struct lg_gnn_worker *w, struct lg_gnn_slot *s,
        struct lg_gnn_weights *grad)
{
    struct lg_gnn_back_out out = {.grad = grad, .dx = s->dx, .d_wide = &s->d_wide};
    struct lg_gnn_noise noise;
    struct lg_rng rng;
    float logits[2], dlogits[2];

    lg_rng_init(&rng, tr->opt.seed, s->stream);
    make_graph(s, &rng, &tr->opt);
    make_noise(tr, w, &s->g, &rng, &noise);
    lg_gnn_run(tr->model, &s->g, w->scratch, &noise, logits);
    s->loss = lg_gnn_loss(logits, s->sample->label, tr->opt.label_smoothing, dlogits) *
            (double)s->scale;
    dlogits[0] *= s->scale;
    dlogits[1] *= s->scale;
    lg_gnn_back(tr->model, &s->g, w->scratch, &noise, dlogits, &out);
}

static void run_chunk(void *arg, uint32_t chunk, uint32_t worker)
{
    struct lg_gnn_trainer *tr = arg;
    size_t floats = tr->model->lay.dense_floats;
    float *flat = tr->chunk_grad + chunk * floats;
    struct lg_gnn_weights grad;

    memset(flat, 0, floats * sizeof(float));
    lg_gnn_weights_bind(&grad, &tr->model->lay, flat, false);
    for (uint32_t i = chunk * LG_GNN_CHUNK; i < (chunk + 1) * LG_GNN_CHUNK && i < tr->n_slots; i++)
        run_slot(tr, &tr->workers[worker], &tr->slots[i], &grad);
}

/* --- sums over the batch ---------------------------------------------------------------------- */

static void range_of(size_t n, uint32_t i, size_t *from, size_t *to)
{
    size_t step = (n / LG_GNN_RANGES + 15) / 16 * 16;

    *from = i * step < n ? i * step : n;
    *to = i + 1 < LG_GNN_RANGES && (i + 1) * step < n ? (i + 1) * step : n;
}

static double squares(const float *v, size_t n)
{
    double s = 0;

    for (size_t i = 0; i < n; i++)
        s += (double)v[i] * (double)v[i];
    return s;
}

/* Adds the chunks of one range of dense weights, in their order. */
static void sum_dense(struct lg_gnn_trainer *tr, uint32_t range)
{
    const struct lg_kernels *k = lg_kernels();
    uint32_t chunks = (tr->n_slots + LG_GNN_CHUNK - 1) / LG_GNN_CHUNK;
    size_t floats = tr->model->lay.dense_floats, from, to;

    range_of(floats, range, &from, &to);
    memcpy(tr->grad + from, tr->chunk_grad + from, (to - from) * sizeof(float));
    for (uint32_t c = 1; c < chunks; c++)
        k->axpy(tr->grad + from, 1.0f, tr->chunk_grad + c * floats + from, (uint32_t)(to - from));
    tr->square[range] = squares(tr->grad + from, to - from);
}

/* Adds the tokens of node v that lie in [lo, hi), which no other task touches. */
static void sum_node(struct lg_gnn_trainer *tr, const struct lg_gnn_slot *s, uint32_t v,
        uint32_t lo, uint32_t hi)
{
    const struct lg_gnn_model *model = tr->model;
    const struct lg_kernels *k = lg_kernels();
    size_t d = model->cfg.dim;
    float *tok = tr->grad + (model->w.tok - model->flat);
    float *wide = tr->grad + (model->w.wide - model->flat);
    uint32_t a = s->tok_off[v], b = s->tok_off[v + 1];
    float ss = 0.0f, inv;

    if (a == b || s->tok[a] >= hi || s->tok[b - 1] < lo)
        return;
    for (uint32_t t = a; t < b; t++)
        ss = fmaf(model->idf[s->tok[t]], model->idf[s->tok[t]], ss);
    inv = ss > 0.0f ? 1.0f / sqrtf(ss) : 0.0f;
    for (uint32_t t = a; t < b && s->tok[t] < hi; t++) {
        uint32_t id = s->tok[t];

        if (id < lo)
            continue;
        if ((tr->touched[id] & 1) == 0) {
            memset(tok + id * d, 0, d * sizeof(float));
            wide[id] = 0.0f;
            tr->touched[id] = 3;
        }
        k->axpy(tok + id * d, model->idf[id] * inv, s->dx + v * d, (uint32_t)d);
        wide[id] += s->d_wide;
    }
}

static void sum_tokens(struct lg_gnn_trainer *tr, uint32_t range)
{
    const struct lg_gnn_model *model = tr->model;
    const float *tok = tr->grad + (model->w.tok - model->flat);
    const float *wide = tr->grad + (model->w.wide - model->flat);
    size_t from, to, d = model->cfg.dim;
    double sq = 0;

    range_of(model->cfg.vocab, range, &from, &to);
    for (size_t id = from; id < to; id++)
        tr->touched[id] &= 2;
    for (uint32_t i = 0; i < tr->n_slots; i++)
        for (uint32_t v = 0; v < tr->slots[i].g.n_nodes; v++)
            sum_node(tr, &tr->slots[i], v, (uint32_t)from, (uint32_t)to);
    for (size_t id = from; id < to; id++)
        if ((tr->touched[id] & 1) != 0)
            sq += squares(tok + id * d, d) + (double)wide[id] * (double)wide[id];
    tr->square[LG_GNN_RANGES + range] = sq;
}

static void sum_task(void *arg, uint32_t task, uint32_t worker)
{
    (void)worker;
    if (task < LG_GNN_RANGES)
        sum_dense(arg, task);
    else
        sum_tokens(arg, task - LG_GNN_RANGES);
}

/* --- AdamW ------------------------------------------------------------------------------------ */

static void step_dense(struct lg_gnn_trainer *tr)
{
    const struct lg_gnn_layout *lay = &tr->model->lay;
    const struct lg_kernels *k = lg_kernels();
    struct lg_adamw plain = tr->adamw;

    plain.keep = 1.0f;
    for (uint32_t i = 0; i < lay->n_dense; i++) {
        const struct lg_gnn_param *p = &lay->v[i];

        /* Padding between parameters is 0 and stays so. */
        k->adamw(tr->model->flat + p->offset, tr->m + p->offset, tr->v + p->offset,
                tr->grad + p->offset, (p->n + 15) / 16 * 16, p->decay ? &tr->adamw : &plain);
    }
}

/* Rows that were never seen have no moments: they only decay. */
static void step_tokens(struct lg_gnn_trainer *tr, uint32_t range)
{
    const struct lg_gnn_model *model = tr->model;
    const struct lg_kernels *k = lg_kernels();
    size_t tok = (size_t)(model->w.tok - model->flat), wide = (size_t)(model->w.wide - model->flat);
    size_t d = model->cfg.dim, from, to;

    range_of(model->cfg.vocab, range, &from, &to);
    for (size_t id = from; id < to; id++) {
        size_t at = tok + id * d;

        if (tr->touched[id] == 0) {
            for (size_t j = at; j < at + d; j++)
                model->flat[j] *= tr->adamw.keep;
            continue;
        }
        if ((tr->touched[id] & 1) == 0)
            tr->grad[wide + id] = 0.0f;
        k->adamw(model->flat + at, tr->m + at, tr->v + at,
                (tr->touched[id] & 1) != 0 ? tr->grad + at : NULL, d, &tr->adamw);
    }
    /* Ranges start at multiples of 16; the last one takes the padding along. */
    if (to > from)
        k->adamw(model->flat + wide + from, tr->m + wide + from, tr->v + wide + from,
                tr->grad + wide + from, (to - from + 15) / 16 * 16, &tr->adamw);
}

static void adamw_task(void *arg, uint32_t task, uint32_t worker)
{
    (void)worker;
    if (task == 0)
        step_dense(arg);
    else
        step_tokens(arg, task - 1);
}

static int set_adamw(struct lg_gnn_trainer *tr, float lr)
{
    const double beta1 = 0.9, beta2 = 0.999;
    double square = 0, norm, c1, c2;
    const struct lg_gnn_train_options *opt = &tr->opt;

    for (uint32_t i = 0; i < 2 * LG_GNN_RANGES; i++)
        square += tr->square[i];
    if (!isfinite(square))
        return LG_ERANGE;
    norm = sqrt(square);
    tr->step++;
    c1 = 1.0 - pow(beta1, (double)tr->step);
    c2 = 1.0 - pow(beta2, (double)tr->step);
    tr->adamw = (struct lg_adamw){
            .scale = opt->clip > 0.0f && norm > (double)opt->clip
                    ? (float)((double)opt->clip / (norm + 1e-6))
                    : 1.0f,
            .keep = 1.0f - lr * opt->weight_decay,
            .beta1 = (float)beta1,
            .beta2 = (float)beta2,
            .rate = (float)((double)lr / c1),
            .inv_sqrt_c2 = (float)(1.0 / sqrt(c2)),
            .eps = 1e-8f,
    };
    return 0;
}

static int fill_slots(struct lg_gnn_trainer *tr, const struct lg_gnn_sample *const *samples,
        const uint64_t *streams, uint32_t n)
{
    double total = 0;
    size_t bytes;

    tr->n_slots = n;
    for (uint32_t i = 0; i < n; i++) {
        struct lg_gnn_slot *s = &tr->slots[i];

        s->sample = samples[i];
        s->stream = streams[i];
        s->scale = samples[i]->weight * tr->opt.class_weight[samples[i]->label];
        total += (double)s->scale;
    }
    for (uint32_t i = 0; i < n; i++)
        tr->slots[i].scale = (float)((double)tr->slots[i].scale / total);
    bytes = lay_out_slots(tr, NULL);
    if (bytes > tr->slot_bytes) {
        void *block = lg_aligned_zalloc(bytes);

        if (block == NULL)
            return LG_ENOMEM;
        lg_free(tr->slot_block);
        tr->slot_block = block;
        tr->slot_bytes = bytes;
    }
    lay_out_slots(tr, tr->slot_block);
    return 0;
}

int lg_gnn_trainer_step(struct lg_gnn_trainer *tr, const struct lg_gnn_sample *const *samples,
        const uint64_t *streams, uint32_t n, float lr, double *ret_loss)
{
    double loss = 0;
    int rc = fill_slots(tr, samples, streams, n);

    if (rc < 0)
        return rc;
    lg_gnn_pool_run(tr->pool, (n + LG_GNN_CHUNK - 1) / LG_GNN_CHUNK, run_chunk, tr);
    for (uint32_t i = 0; i < n; i++)
        loss += tr->slots[i].loss;
    if (!isfinite(loss))
        return LG_ERANGE;
    lg_gnn_pool_run(tr->pool, 2 * LG_GNN_RANGES, sum_task, tr);
    rc = set_adamw(tr, lr);
    if (rc < 0)
        return rc;
    lg_gnn_pool_run(tr->pool, 1 + LG_GNN_RANGES, adamw_task, tr);
    lg_gnn_model_prepare(tr->model);
    *ret_loss = loss;
    return 0;
}
