#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "detect/trust.h"
#include "tensor/tensor.h"

static const char help[] =
        "usage: logster model show DIR       name, platform, members, threshold, training, digest\n"
        "       logster model verify DIR [PUBLIC-KEY...]\n"
        "                                    loads and checks every file of the model; with files "
        "of\n"
        "                                    public keys, also that one of them signed it\n"
        "       logster model key NAME       makes a pair: NAME (secret, keep it) and NAME.pub, "
        "whose\n"
        "                                    line goes into model.trusted_keys\n"
        "       logster model sign DIR KEY   checks the model and signs it: DIR/manifest.sig\n"
        "       logster model convert A B    between .pt and .safetensors, by the ending of B\n\n"
        "Exit status: 0 done, 2 refused or could not run; standard error says why.\n";

static int failed(const struct lg_err *err)
{
    (void)fprintf(stderr, "logster model: %s\n", err->text);
    return LG_EXIT_FAILED;
}

static int show(const char *dir)
{
    struct lg_model *m;
    struct lg_err err = {0, ""};

    if (lg_model_load(dir, &m, &err) < 0)
        return failed(&err);
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

#define MOST_KEYS 64

static int verify(const char *dir, char **keys, int n)
{
    struct lg_sign_public trusted[MOST_KEYS];
    struct lg_model *m = NULL;
    struct lg_err err = {0, ""};
    int rc = n > MOST_KEYS ? lg_err_set(&err, LG_ELIMIT, "more than %d keys", MOST_KEYS) : 0;

    for (int i = 0; i < n && rc == 0; i++)
        rc = lg_sign_public_load(keys[i], &trusted[i], &err);
    if (rc == 0)
        rc = lg_model_load(dir, &m, &err);
    if (rc == 0)
        rc = lg_model_check(m, dir, trusted, (size_t)n, &err);
    if (rc == 0 && n > 0 && m->trust != LG_MODEL_VALID)
        rc = lg_err_set(&err, LG_EREFUSED, "%s: whole, but %s", dir,
                m->trust == LG_MODEL_UNSIGNED ? "not signed"
                                              : "none of these keys signed it as it is now");
    if (rc == 0) {
        (void)printf("%s: every file is what the manifest says; sha256 %s\n", dir, m->sha256);
        if (n > 0)
            (void)printf("%s: signed by %s\n", dir, m->signer);
    }
    lg_model_free(m);
    return rc < 0 ? failed(&err) : LG_EXIT_OK;
}

static int make_key(const char *name)
{
    char pub[4096], id[LG_SIGN_ID_TEXT + 1];
    struct lg_sign_key key;
    struct lg_err err = {0, ""};
    int n = snprintf(pub, sizeof(pub), "%s.pub", name), rc = 0;

    if (n < 0 || (size_t)n >= sizeof(pub))
        rc = lg_err_set(&err, LG_ELIMIT, "the name is too long");
    lg_sign_make(&key);
    lg_sign_id(&key.pub, id);
    if (rc == 0)
        rc = lg_sign_key_save(&key, name, &err);
    if (rc == 0)
        rc = lg_sign_public_save(&key.pub, pub, &err);
    lg_sign_wipe(&key);
    if (rc == 0)
        (void)printf("key %s: %s is the secret, keep it away from the platform; %s goes into "
                     "model.trusted_keys\n",
                id, name, pub);
    return rc < 0 ? failed(&err) : LG_EXIT_OK;
}

static int sign(const char *dir, const char *file)
{
    char id[LG_SIGN_ID_TEXT + 1];
    struct lg_sign_key key;
    struct lg_model *m = NULL;
    struct lg_err err = {0, ""};
    int rc = lg_sign_key_load(file, &key, &err);

    if (rc < 0)
        return failed(&err);
    rc = lg_model_load(dir, &m, &err);
    if (rc == 0)
        rc = lg_model_sign(m, dir, &key, &err);
    lg_sign_id(&key.pub, id);
    if (rc == 0)
        (void)printf("%s: signed by %s; sha256 %s\n", dir, id, m->sha256);
    lg_sign_wipe(&key);
    lg_model_free(m);
    return rc < 0 ? failed(&err) : LG_EXIT_OK;
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
    if (argc >= 3 && strcmp(argv[1], "verify") == 0)
        return verify(argv[2], argv + 3, argc - 3);
    if (argc == 3 && strcmp(argv[1], "key") == 0)
        return make_key(argv[2]);
    if (argc == 4 && strcmp(argv[1], "sign") == 0)
        return sign(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "convert") == 0)
        return convert(argv[2], argv[3]);
    (void)fputs(help, stderr);
    return LG_EXIT_FAILED;
}
