#include "cli/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

static int load_trusted(const char *dir, const struct lg_models_trust *trust, struct lg_model **ret,
        struct lg_err *reterr)
{
    int rc = lg_model_load(dir, ret, reterr);

    if (rc < 0 || trust == NULL)
        return rc;
    rc = lg_model_check(*ret, dir, trust->keys, trust->n, reterr);
    if (rc == 0 && trust->n > 0 && trust->required && (*ret)->trust != LG_MODEL_VALID)
        rc = lg_err_set(reterr, LG_EREFUSED, "%s: %s (model.trusted_keys)", dir,
                (*ret)->trust == LG_MODEL_UNSIGNED
                        ? "the model is not signed"
                        : "no key that is trusted signed this model as it is now");
    if (rc < 0) {
        lg_model_free(*ret);
        *ret = NULL;
    }
    return rc;
}

static int load_one(const char *dir, const struct lg_models_trust *trust, struct lg_model *ret[2],
        struct lg_err *reterr)
{
    struct lg_model *m;
    int rc = load_trusted(dir, trust, &m, reterr);

    if (rc < 0)
        return rc;
    if (ret[m->platform] != NULL) {
        lg_model_free(m);
        return lg_err_set(reterr, LG_EINVAL, "%s: a second model for the same platform", dir);
    }
    ret[m->platform] = m;
    return 0;
}

/* The folder that holds one folder for each shipped model. */
static int shipped(char out[PATH_BYTES])
{
    static const char *const beside[] = {"../share/logster/models", "../../models"};
    const char *env = getenv("LOGSTER_MODELS");
    char exe[PATH_BYTES];
    ssize_t n;

    if (env != NULL && *env != '\0') {
        int len = snprintf(out, PATH_BYTES, "%s", env);

        return len > 0 && len < PATH_BYTES ? 0 : LG_ELIMIT;
    }
    n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (n <= 0)
        return LG_ENOENT;
    exe[n] = '\0';
    *strrchr(exe, '/') = '\0';
    for (size_t i = 0; i < sizeof(beside) / sizeof(*beside); i++) {
        int len = snprintf(out, PATH_BYTES, "%s/%s", exe, beside[i]);

        if (len > 0 && len < PATH_BYTES && access(out, R_OK | X_OK) == 0)
            return 0;
    }
    return LG_ENOENT;
}

/* The folder of a platform's shipped model; false if there is none. */
static bool folder_of(const char *root, enum lg_platform p, char out[PATH_BYTES + 32])
{
    static const char *const names[2] = {
            [LG_PLATFORM_WINDOWS] = "windows", [LG_PLATFORM_LINUX] = "linux"};
    char manifest[PATH_BYTES + 64];

    (void)snprintf(out, PATH_BYTES + 32, "%s/%s", root, names[p]);
    (void)snprintf(manifest, sizeof(manifest), "%s/manifest.json", out);
    return access(manifest, F_OK) == 0;
}

int lg_models_shipped(struct lg_err *reterr)
{
    char root[PATH_BYTES], dir[PATH_BYTES + 32];

    if (shipped(root) < 0)
        return lg_err_set(reterr, LG_ENOENT, "no models beside the program; name one with --model");
    if (!folder_of(root, LG_PLATFORM_WINDOWS, dir) && !folder_of(root, LG_PLATFORM_LINUX, dir))
        return lg_err_set(reterr, LG_ENOENT, "%s holds no model; name one with --model", root);
    return 0;
}

int lg_models_load_shipped(enum lg_platform p, const struct lg_models_trust *trust,
        struct lg_model **ret, struct lg_err *reterr)
{
    char root[PATH_BYTES], dir[PATH_BYTES + 32];
    int rc;

    *ret = NULL;
    if (shipped(root) < 0 || !folder_of(root, p, dir))
        return 0;
    rc = load_trusted(dir, trust, ret, reterr);
    if (rc == 0 && (*ret)->platform != p) {
        lg_model_free(*ret);
        *ret = NULL;
        rc = lg_err_set(reterr, LG_EINVAL, "%s: the model is of another platform", dir);
    }
    return rc;
}

int lg_models_load(const char *const *dirs, uint32_t n, const struct lg_models_trust *trust,
        struct lg_model *ret[2], struct lg_err *reterr)
{
    int rc = 0;

    for (uint32_t i = 0; i < n && rc == 0; i++)
        rc = load_one(dirs[i], trust, ret, reterr);
    if (n > 0 || rc < 0)
        return rc;
    rc = lg_models_shipped(reterr);
    for (int p = 0; p < 2 && rc == 0; p++)
        rc = lg_models_load_shipped((enum lg_platform)p, trust, &ret[p], reterr);
    return rc;
}
