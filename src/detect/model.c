#include "detect/model.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "detect/model_int.h"
#include "detect/trust.h"
#include "tensor/half.h"

#define PATH_BYTES 4096

static int join(char out[PATH_BYTES], const char *dir, const char *name, struct lg_err *reterr)
{
    int n = snprintf(out, PATH_BYTES, "%s/%s", dir, name);

    return n > 0 && n < PATH_BYTES ? 0 : lg_err_set(reterr, LG_ELIMIT, "path is too long");
}

int lg_file_read(const char *path, size_t max, struct lg_str *ret, struct lg_err *reterr)
{
    struct stat st;
    char *p = NULL;
    size_t n = 0;
    int rc = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return lg_err_set(
                reterr, errno == ENOENT ? LG_ENOENT : LG_EIO, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        rc = lg_err_set(reterr, LG_EIO, "%s: not a regular file", path);
    else if ((uint64_t)st.st_size > max)
        rc = lg_err_set(reterr, LG_ELIMIT, "%s: larger than %zu bytes", path, max);
    else if ((p = lg_malloc((size_t)st.st_size + 1)) == NULL)
        rc = lg_err_set(reterr, LG_ENOMEM, "out of memory");
    while (rc == 0 && n < (size_t)st.st_size) {
        ssize_t got = read(fd, p + n, (size_t)st.st_size - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            rc = lg_err_set(reterr, LG_EIO, "%s: %s", path,
                    got < 0 ? strerror(errno) : "shrank while it was read");
        else
            n += (size_t)got;
    }
    (void)close(fd);
    if (rc < 0) {
        lg_free(p);
        return rc;
    }
    p[n] = '\0';
    *ret = lg_str_of(p, n);
    return 0;
}

int lg_file_write(const char *path, struct lg_str bytes, struct lg_err *reterr)
{
    char tmp[PATH_BYTES];
    size_t n = 0;
    int fd, len = snprintf(tmp, sizeof(tmp), "%s.tmp", path);

    if (len < 0 || (size_t)len >= sizeof(tmp))
        return lg_err_set(reterr, LG_ELIMIT, "path is too long");
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return lg_err_set(reterr, LG_EIO, "%s: %s", tmp, strerror(errno));
    while (n < bytes.n) {
        ssize_t put = write(fd, bytes.p + n, bytes.n - n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            break;
        n += (size_t)put;
    }
    if (n < bytes.n || fsync(fd) < 0) {
        int rc = lg_err_set(reterr, LG_EIO, "%s: %s", tmp, strerror(errno));

        (void)close(fd);
        (void)unlink(tmp);
        return rc;
    }
    if (close(fd) < 0 || rename(tmp, path) < 0) {
        int rc = lg_err_set(reterr, LG_EIO, "%s: %s", path, strerror(errno));

        (void)unlink(tmp);
        return rc;
    }
    return 0;
}

/* The networks' tables are stored in half precision: a fifth of the bytes in git, and evaluation
 * always runs on what a load gives back. */
static int convert(const struct lg_tensors *from, enum lg_dtype have, enum lg_dtype to,
        struct lg_tensors *ret, struct lg_err *reterr)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct lg_tensor *t = &from->v[i];
        bool change = t->dtype == have && (to == LG_F32 || t->n >= 4096);
        struct lg_tensor *c;
        int rc = lg_tensors_add(
                ret, lg_str_z(t->name), change ? to : t->dtype, t->ndim, t->shape, &c, reterr);

        if (rc < 0)
            return rc;
        if (!change)
            memcpy(c->data, t->data, (size_t)t->n * lg_dtype_size(t->dtype));
        else if (to == LG_F32)
            for (uint64_t k = 0; k < t->n; k++)
                ((float *)c->data)[k] = lg_half_to_float(((const uint16_t *)t->data)[k]);
        else
            for (uint64_t k = 0; k < t->n; k++)
                ((uint16_t *)c->data)[k] = lg_float_to_half(((const float *)t->data)[k]);
    }
    return 0;
}

/* "gat-<k>.safetensors" by the number of its network; LG_MODEL_MAX_GATS for any other name. */
static uint32_t gat_number(const char *name)
{
    char want[sizeof("gat-15.safetensors")];
    uint32_t k = 0;

    for (; k < LG_MODEL_MAX_GATS; k++) {
        (void)snprintf(want, sizeof(want), "gat-%u.safetensors", k);
        if (strcmp(name, want) == 0)
            break;
    }
    return k;
}

static int load_gat(
        struct lg_model *m, uint32_t k, const struct lg_tensors *set, struct lg_err *reterr)
{
    struct lg_gnn_config want = {.feature_version = LG_FEATURE_VERSION,
            .vocab = LG_TOKEN_VOCAB,
            .node_types = LG_NODE_TYPE_COUNT,
            .num_dim = LG_NODE_NUM,
            .edge_types = LG_EDGE_TYPE_COUNT,
            .attr_bits = LG_EDGE_ATTR_COUNT};
    struct lg_tensors wide;
    int rc;

    lg_tensors_init(&wide);
    rc = convert(set, LG_F16, LG_F32, &wide, reterr);
    if (rc == 0)
        rc = lg_gnn_model_from_tensors(&wide, &want, &m->gat[k], reterr);
    lg_tensors_done(&wide);
    if (rc == 0 && lg_gnn_model_halve(m->gat[k]) == LG_ENOMEM)
        rc = lg_err_set(reterr, LG_ENOMEM, "out of memory");
    return rc;
}

static int load_file(
        struct lg_model *m, const char *dir, const struct lg_model_file *f, struct lg_err *reterr)
{
    char path[PATH_BYTES], sha[LG_SHA256_HEX + 1];
    uint32_t k = gat_number(f->name);
    struct lg_tensors set;
    struct lg_err why = {0, ""};
    int rc = join(path, dir, f->name, reterr);

    if (rc < 0)
        return rc;
    rc = lg_sha256_file(path, sha);
    if (rc < 0)
        return lg_err_set(reterr, rc, "%s: cannot be read", path);
    if (strcmp(sha, f->sha256) != 0)
        return lg_err_set(reterr, LG_ECORRUPT, "%s: its SHA-256 is not the manifest's", path);
    lg_tensors_init(&set);
    rc = lg_tensors_load(path, &set, &why);
    if (rc == 0) {
        if (k < m->n_gats)
            rc = load_gat(m, k, &set, &why);
        else if (strcmp(f->name, "tokens.safetensors") == 0)
            rc = lg_token_regression_from(&set, LG_GRAPH_TOKEN_VOCAB, &m->tokens, &why);
        else if (strcmp(f->name, "trees.safetensors") == 0)
            rc = lg_forest_from(&set, lg_features_count_n(), &m->trees, &why);
        else
            rc = lg_err_set(&why, LG_EINVAL, "a model has no such file");
    }
    if (rc < 0)
        (void)lg_err_set(reterr, rc, "%s: %s", path, why.text);
    lg_tensors_done(&set);
    return rc;
}

int lg_model_load(const char *dir, struct lg_model **ret, struct lg_err *reterr)
{
    struct lg_model_file files[LG_MODEL_MAX_FILES];
    struct lg_model *m = lg_calloc(1, sizeof(*m));
    struct lg_str text = {NULL, 0};
    char path[PATH_BYTES];
    struct lg_err why = {0, ""};
    uint32_t n = 0;
    int rc;

    if (m == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    rc = join(path, dir, "manifest.json", reterr);
    if (rc == 0)
        rc = lg_file_read(path, LG_MANIFEST_MAX_BYTES, &text, reterr);
    if (rc < 0)
        goto out;
    lg_sha256_hex(text, m->sha256);
    rc = lg_manifest_read(text, m, files, &n, &why);
    if (rc < 0) {
        (void)lg_err_set(reterr, rc, "%s: %s", path, why.text);
        goto out;
    }
    for (uint32_t i = 0; i < n && rc == 0; i++)
        rc = load_file(m, dir, &files[i], reterr);
    /* no name stands twice and no other is taken: so many files are all of them */
    if (rc == 0 && n != m->n_gats + 2)
        rc = lg_err_set(reterr, LG_EINVAL, "%s: the model lacks a member", path);
out:
    lg_free((void *)(uintptr_t)text.p);
    if (rc < 0) {
        lg_model_free(m);
        return rc;
    }
    *ret = m;
    return 0;
}

void lg_model_free(struct lg_model *m)
{
    if (m == NULL)
        return;
    for (uint32_t i = 0; i < m->n_gats; i++)
        lg_gnn_model_free(m->gat[i]);
    lg_token_regression_done(&m->tokens);
    lg_forest_done(&m->trees);
    lg_free(m->training_json);
    lg_free(m);
}

static int save_set(const char *dir, const struct lg_tensors *set, struct lg_model_file *f,
        struct lg_err *reterr)
{
    char path[PATH_BYTES];
    int rc = join(path, dir, f->name, reterr);

    if (rc < 0 || (rc = lg_tensors_save(path, set, reterr)) < 0)
        return rc;
    rc = lg_sha256_file(path, f->sha256);
    return rc < 0 ? lg_err_set(reterr, rc, "%s: cannot be read back", path) : 0;
}

static int save_gat(const struct lg_model *m, uint32_t i, const char *dir, struct lg_model_file *f,
        struct lg_err *reterr)
{
    struct lg_tensors set, half;
    int rc;

    (void)snprintf(f->name, sizeof(f->name), "gat-%u.safetensors", i);
    lg_tensors_init(&set);
    lg_tensors_init(&half);
    rc = lg_gnn_model_to_tensors(m->gat[i], &set, reterr);
    if (rc == 0)
        rc = convert(&set, LG_F32, LG_F16, &half, reterr);
    if (rc == 0)
        rc = save_set(dir, &half, f, reterr);
    lg_tensors_done(&half);
    lg_tensors_done(&set);
    return rc;
}

static int save_plain(const struct lg_model *m, enum lg_member member, const char *dir,
        struct lg_model_file *f, struct lg_err *reterr)
{
    struct lg_tensors set;
    int rc;

    (void)snprintf(f->name, sizeof(f->name), "%s.safetensors", lg_member_name(member));
    lg_tensors_init(&set);
    rc = member == LG_MEMBER_TOKENS ? lg_token_regression_to(&m->tokens, &set, reterr)
                                    : lg_forest_to(&m->trees, &set, reterr);
    if (rc == 0)
        rc = save_set(dir, &set, f, reterr);
    lg_tensors_done(&set);
    return rc;
}

int lg_model_save(struct lg_model *m, const char *dir, struct lg_err *reterr)
{
    struct lg_model_file files[LG_MODEL_MAX_FILES];
    struct lg_buf text;
    char path[PATH_BYTES];
    uint32_t n = 0;
    int rc = 0;

    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return lg_err_set(reterr, LG_EIO, "%s: %s", dir, strerror(errno));
    for (uint32_t i = 0; i < m->n_gats && rc == 0; i++)
        rc = save_gat(m, i, dir, &files[n++], reterr);
    if (rc == 0)
        rc = save_plain(m, LG_MEMBER_TOKENS, dir, &files[n++], reterr);
    if (rc == 0)
        rc = save_plain(m, LG_MEMBER_TREES, dir, &files[n++], reterr);
    if (rc == 0)
        rc = join(path, dir, "manifest.json", reterr);
    if (rc < 0)
        return rc;
    lg_buf_init(&text, LG_MANIFEST_MAX_BYTES);
    lg_manifest_write(m, files, n, &text);
    if (text.failed < 0)
        rc = lg_err_set(reterr, text.failed, "manifest is too large or memory is out");
    else
        rc = lg_file_write(path, lg_buf_str(&text), reterr);
    if (rc == 0)
        lg_sha256_hex(lg_buf_str(&text), m->sha256);
    lg_buf_done(&text);
    if (rc == 0)
        rc = join(path, dir, LG_TRUST_FILE, reterr);
    if (rc == 0 && unlink(path) < 0 && errno != ENOENT)
        rc = lg_err_set(reterr, LG_EIO, "%s: %s", path, strerror(errno));
    return rc;
}
