#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "detect/model.h"
#include "tensor/tensor.h"

static const char help[] =
        "usage: logster model show DIR       name, platform, members, threshold, training, digest\n"
        "       logster model verify DIR     loads and checks every file of the model\n"
        "       logster model convert A B    between .pt and .safetensors, by the ending of B\n\n"
        "Exit status: 0 done, 2 refused or could not run; standard error says why.\n";

static int show(const char *dir)
{
    struct lg_model *m;
    struct lg_err err = {0, ""};

    if (lg_model_load(dir, &m, &err) < 0) {
        (void)fprintf(stderr, "logster model: %s\n", err.text);
        return LG_EXIT_FAILED;
    }
    (void)printf("name          %s\nversion       %s\nplatform      %s\nexperimental  %s\n"
                 "sha256        %s\nfeatures      version %u\nthreshold     %.4f\n"
                 "calibration   p = 1 / (1 + exp(-(%.4f jury + %.4f)))\n",
            m->name, m->version, lg_platform_name(m->platform), m->experimental ? "yes" : "no",
            m->sha256, LG_FEATURE_VERSION, m->threshold, m->calibration_a, m->calibration_b);
    for (int i = 0; i < LG_MEMBER_COUNT; i++)
        (void)printf("%-13s weight %.3f, mean %.3f, std %.3f\n", lg_member_name((enum lg_member)i),
                m->scale[i].weight, m->scale[i].mean, m->scale[i].std);
    (void)printf("networks      %u\ntrees         %u with %u nodes\n", m->n_gats, m->trees.n_trees,
            m->trees.n_nodes);
    if (m->training_json != NULL)
        (void)printf("training      %s\n", m->training_json);
    lg_model_free(m);
    return LG_EXIT_OK;
}

static int verify(const char *dir)
{
    struct lg_model *m;
    struct lg_err err = {0, ""};

    if (lg_model_load(dir, &m, &err) < 0) {
        (void)fprintf(stderr, "logster model: %s\n", err.text);
        return LG_EXIT_FAILED;
    }
    (void)printf("%s: every file is what the manifest says; sha256 %s\n", dir, m->sha256);
    lg_model_free(m);
    return LG_EXIT_OK;
}

static int convert(const char *from, const char *to)
{
    struct lg_tensors set;
    struct lg_err err = {0, ""};
    int rc;

    lg_tensors_init(&set);
    rc = lg_tensors_load(from, &set, &err);
    if (rc == 0)
        rc = lg_tensors_save(to, &set, &err);
    if (rc < 0)
        (void)fprintf(stderr, "logster model: %s\n", err.text);
    else
        (void)printf("%s: %zu tensors\n", to, set.n);
    lg_tensors_done(&set);
    return rc < 0 ? LG_EXIT_FAILED : LG_EXIT_OK;
}

int lg_cmd_model(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(help, stdout);
        return LG_EXIT_OK;
    }
    if (argc == 3 && strcmp(argv[1], "show") == 0)
        return show(argv[2]);
    if (argc == 3 && strcmp(argv[1], "verify") == 0)
        return verify(argv[2]);
    if (argc == 4 && strcmp(argv[1], "convert") == 0)
        return convert(argv[2], argv[3]);
    (void)fputs(help, stderr);
    return LG_EXIT_FAILED;
}
