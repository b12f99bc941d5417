/*
 * Cost of training, as a JSON line: one epoch over 600 graphs of the sizes of real windows (median
 * 34 nodes, 95th percentile 384), full-size network, two threads.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/gnn/gnn_random.h"
#include "gnn/train.h"

#define GRAPHS 600

static double now_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

int main(void)
{
    static struct test_graph graph[GRAPHS];
    static struct lg_gnn_sample sample[GRAPHS];
    struct lg_gnn_config cfg;
    struct lg_gnn_train_options opt;
    struct lg_gnn_train_result res;
    struct lg_gnn_model *model;
    struct lg_err err;
    struct lg_rng rng;
    double start;

    lg_gnn_config_default(&cfg);
    cfg.feature_version = 1;
    cfg.node_types = 10;
    cfg.num_dim = 8;
    cfg.edge_types = 24;
    cfg.attr_bits = 16;
    lg_rng_init(&rng, 1, 0);
    for (uint32_t i = 0; i < GRAPHS; i++) {
        /* Log-normal by twelve uniform numbers: median 34, 95th percentile 384. */
        float z = -6.0f;
        uint32_t n;

        for (int j = 0; j < 12; j++)
            z += lg_rng_float(&rng);
        n = (uint32_t)fminf(34.0f * expf(1.47f * z), 2000.0f);
        n = n < 3 ? 3 : n;
        test_graph_random(&graph[i], &cfg, n, n + n / 2, 20, i);
        sample[i] = (struct lg_gnn_sample){.graph = &graph[i].g, .label = i % 2, .weight = 1};
    }
    lg_gnn_train_options_default(&opt);
    opt.epochs = 1;
    opt.threads = 2;
    if (lg_gnn_model_new(&cfg, 1, &model, &err) < 0)
        return 1;
    start = now_s();
    if (lg_gnn_train(model, sample, GRAPHS, NULL, 0, &opt, &res, &err) < 0) {
        fprintf(stderr, "bench_gnn_train: %s\n", err.text);
        return 1;
    }
    printf("{\"name\": \"gnn_train_epoch_600_graphs\", \"value\": %.3f, \"unit\": \"s\"}\n",
            now_s() - start);
    lg_gnn_model_free(model);
    for (uint32_t i = 0; i < GRAPHS; i++)
        test_graph_free(&graph[i]);
    return 0;
}
