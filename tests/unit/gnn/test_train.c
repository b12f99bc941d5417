/* Training: AdamW against PyTorch, same result for any number of threads, and that it learns. */
#include "gnn_random.h"
#include "golden.h"

#include <math.h>

#include "gnn/train_int.h"

/* --- against PyTorch -------------------------------------------------------------------------- */

static float golden_value(const struct golden *gd, const char *name, int step)
{
    char text[40];

    snprintf(text, sizeof(text), "%s%d", name, step);
    return golden_floats(gd, -1, text)[0];
}

static void check_trained(const struct golden *gd)
{
    const struct lg_gnn_layout *lay = &gd->model->lay;
    double worst = 0;

    for (uint32_t p = 0; p < lay->n; p++) {
        const struct lg_gnn_param *par = &lay->v[p];
        char name[64];
        const float *want;

        snprintf(name, sizeof(name), "trained.%s", par->name);
        want = golden_floats(gd, -1, name);
        for (size_t i = 0; i < par->n; i += 4) {
            double e = fabs((double)gd->model->flat[par->offset + i] - (double)want[i / 4]);

            if (!(e < 1e-3))
                fail_msg("%s[%zu] is off by %g after training", par->name, i, e);
            worst = fmax(worst, e);
        }
    }
    print_message("largest difference after 6 steps: %.2g\n", worst);
}

static void test_adamw(void **state)
{
    struct lg_gnn_train_options opt;
    struct golden_graph gg[8];
    struct lg_gnn_sample samples[8];
    const struct lg_gnn_sample *batch[8];
    uint64_t streams[8] = {0};
    struct lg_gnn_trainer tr;
    struct golden gd;
    uint32_t n = 0;

    (void)state;
    golden_open(&gd, "tiny");
    for (; golden_graph(&gd, (int)n, &gg[n]); n++) {
        samples[n] =
                (struct lg_gnn_sample){.graph = &gg[n].g, .label = n % 2, .weight = (float)(n + 1)};
        batch[n] = &samples[n];
    }
    lg_gnn_train_options_default(&opt);
    opt.dropout = opt.attn_dropout = opt.tok_drop = opt.edge_drop = 0;
    opt.label_smoothing = 0.1f;
    opt.class_weight[0] = 0.5f;
    opt.class_weight[1] = 2.0f;
    opt.weight_decay = 0.05f;
    opt.clip = 0.1f;
    opt.batch = 8;
    assert_int_equal(lg_gnn_trainer_init(&tr, gd.model, &opt, 30, 70), 0);
    for (int step = 0; step < 6; step++) {
        double loss, norm = 0;

        assert_int_equal(lg_gnn_trainer_step(&tr, batch, streams, n, 0.01f, &loss), 0);
        for (uint32_t i = 0; i < 2 * LG_GNN_RANGES; i++)
            norm += tr.square[i];
        norm = sqrt(norm);
        assert_true(fabs(loss - (double)golden_value(&gd, "train_loss", step)) < 1e-3);
        assert_true(fabs(norm / (double)golden_value(&gd, "train_norm", step) - 1) < 1e-3);
    }
    check_trained(&gd);
    lg_gnn_trainer_done(&tr);
    for (uint32_t i = 0; i < n; i++)
        golden_graph_free(&gg[i]);
    golden_close(&gd);
}

static void test_one_cycle(void **state)
{
    (void)state;
    /* torch.optim.lr_scheduler.OneCycleLR(max_lr=3e-3, total_steps=100) */
    assert_true(fabsf(lg_gnn_one_cycle(3e-3f, 0, 100) - 0.00012f) < 1e-8f);
    assert_true(fabsf(lg_gnn_one_cycle(3e-3f, 29, 100) - 0.003f) < 1e-8f);
    assert_true(fabsf(lg_gnn_one_cycle(3e-3f, 99, 100) - 1.2e-8f) < 1e-9f);
    assert_true(lg_gnn_one_cycle(3e-3f, 64, 100) < lg_gnn_one_cycle(3e-3f, 40, 100));
    assert_true(lg_gnn_one_cycle(3e-3f, 0, 1) > 0);
}

/* --- a task to learn -------------------------------------------------------------------------- */

#define TASK_SIZE 480

struct task {
    struct lg_gnn_config cfg;
    struct test_graph graph[TASK_SIZE];
    struct lg_gnn_sample sample[TASK_SIZE];
};

/* An attack has one edge of type 2 with attribute 1, where benign graphs have type 1: nodes and
 * their texts tell nothing, so that only message passing can learn it. */
static void task_make(struct task *t)
{
    t->cfg = (struct lg_gnn_config){.feature_version = 1,
            .vocab = 64,
            .dim = 32,
            .heads = 2,
            .layers = 2,
            .node_types = 3,
            .num_dim = 2,
            .edge_types = 3,
            .attr_bits = 3};
    for (uint32_t i = 0; i < TASK_SIZE; i++) {
        struct test_graph *g = &t->graph[i];
        uint32_t n = 5 + i / 2 % 20;

        test_graph_random(g, &t->cfg, n, n, 5, 1000 + i);
        for (uint32_t e = 0; e < n; e++)
            g->edge_type[e] = g->edge_type[e] == 2 ? 1 : g->edge_type[e];
        if (i % 2 == 1) {
            g->edge_type[i % n] = 2;
            g->edge_attr[i % n] |= 2;
        }
        t->sample[i] =
                (struct lg_gnn_sample){.graph = &g->g, .label = (uint8_t)(i % 2), .weight = 1};
    }
}

static void task_free(struct task *t)
{
    for (uint32_t i = 0; i < TASK_SIZE; i++)
        test_graph_free(&t->graph[i]);
}

struct watch {
    uint32_t calls, stop_at;
    double auc;
};

static int watch_progress(void *arg, const struct lg_gnn_progress *p)
{
    struct watch *w = arg;

    w->calls++;
    w->auc = p->valid_auc;
    assert_int_equal(p->epoch, w->calls);
    assert_true(p->steps <= p->total_steps);
    return w->stop_at > 0 && w->calls >= w->stop_at;
}

static void test_learns(void **state)
{
    struct task t;
    struct lg_gnn_train_options opt;
    struct lg_gnn_train_result res;
    struct lg_gnn_model *model;
    struct watch w = {0};
    float *logits = lg_calloc(2 * TASK_SIZE, sizeof(float));

    (void)state;
    assert_non_null(logits);
    task_make(&t);
    lg_gnn_train_options_default(&opt);
    opt.seed = 3;
    opt.epochs = 30;
    opt.batch = 16;
    opt.threads = 2;
    opt.lr = 1e-2f;
    opt.dropout = 0.1f;
    opt.progress = watch_progress;
    opt.progress_arg = &w;
    assert_int_equal(lg_gnn_model_new(&t.cfg, 1, &model, NULL), 0);
    lg_gnn_class_weights(t.sample, 400, opt.class_weight);
    assert_int_equal(lg_gnn_train(model, t.sample, 400, t.sample + 400, 80, &opt, &res, NULL), 0);
    print_message("validation AUC %.3f, loss %.3f, best epoch %u\n", w.auc, res.best_valid_loss,
            res.best_epoch);
    assert_int_equal(w.calls, 30);
    assert_true(w.auc > 0.9);
    assert_int_equal(lg_gnn_predict(model, t.sample + 400, 80, 2, logits), 0);
    {
        uint32_t order[80];

        assert_true(lg_gnn_auc(logits, t.sample + 400, 80, order) > 0.9);
    }
    lg_gnn_model_free(model);
    lg_free(logits);
    task_free(&t);
}

static struct lg_gnn_model *train_once(const struct task *t, uint64_t seed, uint32_t threads)
{
    struct lg_gnn_train_options opt;
    struct lg_gnn_train_result res;
    struct lg_gnn_model *model;

    lg_gnn_train_options_default(&opt);
    opt.seed = seed;
    opt.epochs = 2;
    opt.threads = threads;
    assert_int_equal(lg_gnn_model_new(&t->cfg, seed, &model, NULL), 0);
    assert_int_equal(lg_gnn_train(model, t->sample, 100, t->sample + 100, 20, &opt, &res, NULL), 0);
    return model;
}

/* One seed, one result, whatever the number of threads; another seed gives another. */
static void test_same_bits(void **state)
{
    struct task t;
    struct lg_gnn_model *a, *b;

    (void)state;
    task_make(&t);
    a = train_once(&t, 5, 1);
    for (uint32_t threads = 1; threads <= 4; threads++) {
        b = train_once(&t, 5, threads);
        assert_memory_equal(a->flat, b->flat, a->lay.floats * sizeof(float));
        lg_gnn_model_free(b);
    }
    b = train_once(&t, 6, 2);
    assert_memory_not_equal(a->w.read_w, b->w.read_w, 32 * sizeof(float));
    lg_gnn_model_free(a);
    lg_gnn_model_free(b);
    task_free(&t);
}

/* --- stopping and refusing -------------------------------------------------------------------- */

static void test_stops(void **state)
{
    struct task t;
    struct lg_gnn_train_options opt;
    struct lg_gnn_train_result res;
    struct lg_gnn_model *model;
    struct watch w = {.stop_at = 3};

    (void)state;
    task_make(&t);
    lg_gnn_train_options_default(&opt);
    opt.epochs = 30;
    opt.progress = watch_progress;
    opt.progress_arg = &w;
    assert_int_equal(lg_gnn_model_new(&t.cfg, 1, &model, NULL), 0);
    assert_int_equal(lg_gnn_train(model, t.sample, 40, NULL, 0, &opt, &res, NULL), 0);
    assert_true(res.stopped);
    assert_int_equal(res.epochs_run, 3);
    assert_int_equal(res.best_epoch, 3);
    /* A rate that never improves: labels of validation turned round. */
    for (uint32_t i = 40; i < 80; i++)
        t.sample[i].label ^= 1;
    w = (struct watch){0};
    opt.patience = 2;
    opt.lr = 1e-2f;
    opt.one_cycle = false;
    assert_int_equal(lg_gnn_train(model, t.sample, 40, t.sample + 40, 40, &opt, &res, NULL), 0);
    assert_false(res.stopped);
    assert_true(res.epochs_run < 30);
    assert_int_equal(res.epochs_run, res.best_epoch + 2);
    lg_gnn_model_free(model);
    task_free(&t);
}

static void test_refuses(void **state)
{
    struct task t;
    struct lg_gnn_train_options opt;
    struct lg_gnn_train_result res;
    struct lg_gnn_model *model;
    struct lg_err err;
    float before;

    (void)state;
    task_make(&t);
    lg_gnn_train_options_default(&opt);
    opt.epochs = 1;
    assert_int_equal(lg_gnn_model_new(&t.cfg, 1, &model, NULL), 0);
    opt.dropout = 1.0f;
    assert_int_equal(lg_gnn_train(model, t.sample, 10, NULL, 0, &opt, &res, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "dropout"));
    opt.dropout = 0.3f;
    t.sample[3].weight = NAN;
    assert_int_equal(lg_gnn_train(model, t.sample, 10, NULL, 0, &opt, &res, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "sample 3"));
    t.sample[3].weight = 1;
    t.graph[4].src[0] = 1000;
    assert_int_equal(lg_gnn_train(model, t.sample, 10, NULL, 0, &opt, &res, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "edge 0"));
    /* Weights that overflow: the loss is not finite, and the weights stay what they were. */
    model->w.out_w[0] = 3e38f;
    model->w.out_w[1] = 3e38f;
    model->w.inp_norm_w[0] = before = 1e30f;
    lg_gnn_model_prepare(model);
    assert_int_equal(lg_gnn_train(model, t.sample + 10, 10, NULL, 0, &opt, &res, &err), LG_ERANGE);
    assert_true(model->w.inp_norm_w[0] == before);
    lg_gnn_model_free(model);
    task_free(&t);
}

static void test_out_of_memory(void **state)
{
    struct task t;
    struct lg_gnn_train_options opt;
    struct lg_gnn_train_result res;
    struct lg_gnn_model *model;
    int rc = LG_ENOMEM;

    (void)state;
    task_make(&t);
    lg_gnn_train_options_default(&opt);
    opt.epochs = 1;
    opt.batch = 8;
    assert_int_equal(lg_gnn_model_new(&t.cfg, 1, &model, NULL), 0);
    for (uint64_t n = 1; rc == LG_ENOMEM && n < 100; n++) {
        lg_mem_fail_from(n);
        rc = lg_gnn_train(model, t.sample, 8, t.sample + 8, 8, &opt, &res, NULL);
        lg_mem_fail_from(0);
    }
    assert_int_equal(rc, 0);
    lg_gnn_model_free(model);
    task_free(&t);
}

static void test_idf_and_weights(void **state)
{
    struct task t;
    float idf[64], w[2];
    double nodes = 0, with = 0;

    (void)state;
    task_make(&t);
    assert_int_equal(lg_gnn_fit_idf(&t.cfg, t.sample, 20, idf), 0);
    for (uint32_t i = 0; i < 20; i++) {
        nodes += t.graph[i].g.n_nodes;
        for (uint32_t k = 0; k < t.graph[i].tok_off[t.graph[i].g.n_nodes]; k++)
            with += t.graph[i].tok[k] == 9;
    }
    assert_true(fabs((double)idf[9] - (log((1 + nodes) / (1 + with)) + 1)) < 1e-5);
    t.sample[0].label = 1;
    t.sample[1].label = t.sample[2].label = t.sample[3].label = 0;
    lg_gnn_class_weights(t.sample, 4, w);
    assert_true(fabsf(w[1] - 2.0f) < 1e-6f && fabsf(w[0] - 2.0f / 3) < 1e-6f);
    lg_gnn_class_weights(t.sample + 1, 3, w);
    assert_true(w[0] == 1.0f && w[1] == 1.0f);
    task_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_adamw),
            cmocka_unit_test(test_one_cycle),
            cmocka_unit_test(test_learns),
            cmocka_unit_test(test_same_bits),
            cmocka_unit_test(test_stops),
            cmocka_unit_test(test_refuses),
            cmocka_unit_test(test_out_of_memory),
            cmocka_unit_test(test_idf_and_weights),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
