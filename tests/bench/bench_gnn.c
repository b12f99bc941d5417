/*
 * Cost of the GAT on one thread, as JSON lines {"name", "value", "unit"}: median of 200 runs after
 * 50 warm-ups. The graph has 100 nodes and 300 edges before reverse edges and self loops. Where
 * Debian's python3-torch is installed, the same forward in vectorised PyTorch, on one thread under
 * inference_mode, is measured too (tests/oracle/bench_oracle.py) and stands as "baseline".
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit/gnn/gnn_random.h"
#include "base/mem.h"
#include "gnn/gnn.h"
#include "tensor/kernels.h"

#define RUNS 200
#define WARM_UPS 50
#define SEEDS 5
#define ABLATIONS 30

static double now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec * 1e-6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double oracle_ms; /* 0: not measured */

static void report(const char *name, double *ms, int n)
{
    qsort(ms, (size_t)n, sizeof(*ms), by_value);
    printf("{\"name\": \"%s\", \"value\": %.4f, \"unit\": \"ms\"", name, ms[n / 2]);
    if (oracle_ms > 0 && strcmp(name, "gnn_forward_100_300") == 0)
        printf(", \"baseline\": %.4f", oracle_ms);
    printf("}\n");
}

/* Runs the oracle's benchmark and passes its line on. */
static void measure_oracle(void)
{
    extern char **environ;
    char python[] = "/usr/bin/python3", flag[] = "-B";
    char script[] = LG_SOURCE_DIR "/tests/oracle/bench_oracle.py";
    char *const argv[] = {python, flag, script, NULL};
    static const char out[] = LG_BINARY_DIR "/bench_oracle.json";
    char line[256] = "";
    const char *value;
    posix_spawn_file_actions_t fa;
    int status = 1;
    pid_t pid;
    FILE *f;

    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (posix_spawn(&pid, python, &fa, NULL, argv, environ) == 0)
        waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&fa);
    f = fopen(out, "r");
    if (f == NULL || status != 0 || fgets(line, sizeof(line), f) == NULL)
        fprintf(stderr, "bench_gnn: no figure of the oracle (python3-torch)\n");
    if (f != NULL)
        fclose(f);
    unlink(out);
    value = strstr(line, "\"value\": ");
    if (value != NULL) {
        oracle_ms = strtod(value + 9, NULL);
        fputs(line, stdout);
    }
}

#define MUST(x)                                                                                    \
    do {                                                                                           \
        if ((x) < 0) {                                                                             \
            fprintf(stderr, "bench_gnn: %s failed\n", #x);                                         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static void bench_graph(struct lg_gnn_model *const model[SEEDS],
        struct lg_gnn_scratch *const scratch[SEEDS], uint32_t nodes, uint32_t edges)
{
    const struct lg_gnn_config *cfg = lg_gnn_model_config(model[0]);
    double ms[RUNS];
    char name[80];
    float logits[2], *score = lg_malloc(nodes * sizeof(float));
    struct test_graph t;

    if (score == NULL)
        exit(1);
    test_graph_random(&t, cfg, nodes, edges, 20, 5);
    for (int i = 0; i < SEEDS; i++)
        MUST(lg_gnn_scratch_reserve(scratch[i], cfg, nodes, edges));
#define BENCH(label, body)                                                                         \
    do {                                                                                           \
        for (int run = -WARM_UPS; run < RUNS; run++) {                                             \
            double start = now_ms();                                                               \
                                                                                                   \
            body;                                                                                  \
            if (run >= 0)                                                                          \
                ms[run] = now_ms() - start;                                                        \
        }                                                                                          \
        snprintf(name, sizeof(name), "gnn_%s_%u_%u", label, nodes, edges);                         \
        report(name, ms, RUNS);                                                                    \
    } while (0)
    BENCH("forward", MUST(lg_gnn_forward(model[0], &t.g, scratch[0], logits)));
    BENCH("forward_five",
            for (int i = 0; i < SEEDS; i++)
                    MUST(lg_gnn_forward(model[i], &t.g, scratch[i], logits)));
    BENCH("input_gradient", MUST(lg_gnn_input_gradient(model[0], &t.g, scratch[0], score)));
    BENCH("ablate_30",
            for (uint32_t v = 0; v < ABLATIONS && v < nodes; v++)
                    MUST(lg_gnn_ablate(model[0], &t.g, scratch[0], &v, 1, logits)));
#undef BENCH
    test_graph_free(&t);
    lg_free(score);
}

int main(int argc, char **argv)
{
    struct lg_gnn_config cfg;
    struct lg_gnn_model *model[SEEDS];
    struct lg_gnn_scratch *scratch[SEEDS];

    for (int i = 0; argc > 1 && i < LG_SIMDS; i++)
        if (strcmp(argv[1], lg_simd_name((enum lg_simd)i)) == 0)
            MUST(lg_kernels_force((enum lg_simd)i));
    lg_gnn_config_default(&cfg);
    cfg.feature_version = 1;
    cfg.node_types = 10;
    cfg.num_dim = 8;
    cfg.edge_types = 24;
    cfg.attr_bits = 16;
    for (int i = 0; i < SEEDS; i++) {
        MUST(lg_gnn_model_new(&cfg, (uint64_t)i + 1, &model[i], NULL));
        MUST(lg_gnn_scratch_new(&scratch[i]));
    }
    fprintf(stderr, "bench_gnn: kernels %s\n", lg_simd_name(lg_kernels()->simd));
    measure_oracle();
    bench_graph(model, scratch, 100, 300);
    bench_graph(model, scratch, 34, 34);
    bench_graph(model, scratch, 384, 800);
    for (int i = 0; i < SEEDS; i++) {
        lg_gnn_model_free(model[i]);
        lg_gnn_scratch_free(scratch[i]);
    }
    return 0;
}
