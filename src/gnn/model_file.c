/* Networks from and to tensor sets; names, shapes and rules: docs/internals/model-files.md. */
#include <math.h>
#include <string.h>

#include "gnn/gnn_int.h"
#include "tensor/half.h"
#include "tensor/tensor.h"

#define FORMAT 1
#define CONFIG_FIELDS 10

/* In the order of the tensor `config`, after the format. */
static const struct {
    const char *name;
    size_t at;
} fields[CONFIG_FIELDS - 1] = {
        {"feature_version", offsetof(struct lg_gnn_config, feature_version)},
        {"vocab", offsetof(struct lg_gnn_config, vocab)},
        {"dim", offsetof(struct lg_gnn_config, dim)},
        {"heads", offsetof(struct lg_gnn_config, heads)},
        {"layers", offsetof(struct lg_gnn_config, layers)},
        {"node_types", offsetof(struct lg_gnn_config, node_types)},
        {"num_dim", offsetof(struct lg_gnn_config, num_dim)},
        {"edge_types", offsetof(struct lg_gnn_config, edge_types)},
        {"attr_bits", offsetof(struct lg_gnn_config, attr_bits)},
};

static uint32_t get_field(const struct lg_gnn_config *cfg, size_t i)
{
    uint32_t x;

    memcpy(&x, (const char *)cfg + fields[i].at, sizeof(x));
    return x;
}

static int read_config(const struct lg_tensors *set, const struct lg_gnn_config *want,
        struct lg_gnn_config *ret, struct lg_err *reterr)
{
    const struct lg_tensor *t = lg_tensors_find(set, LG_STR("config"));
    int64_t v[CONFIG_FIELDS];

    if (t == NULL)
        return lg_err_set(reterr, LG_EUNSUP, "tensor config is missing: no network of this kind");
    if (t->dtype != LG_I64 || t->ndim != 1 || t->n != CONFIG_FIELDS)
        return lg_err_set(reterr, LG_EUNSUP, "tensor config is not %d int64", CONFIG_FIELDS);
    memcpy(v, t->data, sizeof(v));
    if (v[0] != FORMAT)
        return lg_err_set(reterr, LG_EUNSUP, "model format %lld is not known (this is %d)",
                (long long)v[0], FORMAT);
    for (size_t i = 0; i < CONFIG_FIELDS - 1; i++) {
        uint32_t x = (uint32_t)v[i + 1], wanted = want != NULL ? get_field(want, i) : 0;

        if (v[i + 1] < 0 || v[i + 1] > INT32_MAX)
            return lg_err_set(reterr, LG_EINVAL, "tensor config: %s is %lld", fields[i].name,
                    (long long)v[i + 1]);
        if (wanted != 0 && wanted != x)
            return lg_err_set(reterr, LG_EUNSUP, "the model has %s %u, %u is needed",
                    fields[i].name, x, wanted);
        memcpy((char *)ret + fields[i].at, &x, sizeof(x));
    }
    return lg_gnn_config_check(ret, reterr);
}

/* Copies a float32 tensor of exactly this shape with finite values. */
static int read_tensor(const struct lg_tensors *set, const char *name, uint32_t ndim,
        const uint64_t *shape, float *out, struct lg_err *reterr)
{
    const struct lg_tensor *t = lg_tensors_find(set, lg_str_z(name));
    char a[LG_SHAPE_TEXT_MAX], b[LG_SHAPE_TEXT_MAX];

    if (t == NULL)
        return lg_err_set(reterr, LG_ECORRUPT, "tensor %s is missing", name);
    if (t->dtype != LG_F32)
        return lg_err_set(
                reterr, LG_EUNSUP, "tensor %s is %s, not float32", name, lg_dtype_name(t->dtype));
    if (t->ndim != ndim || memcmp(t->shape, shape, ndim * sizeof(*shape)) != 0)
        return lg_err_set(reterr, LG_ECORRUPT, "tensor %s has shape %s, not %s", name,
                lg_shape_text(t->ndim, t->shape, a), lg_shape_text(ndim, shape, b));
    memcpy(out, t->data, t->n * sizeof(float));
    for (size_t i = 0; i < t->n; i++)
        if (!isfinite(out[i]))
            return lg_err_set(reterr, LG_ECORRUPT, "tensor %s: element %zu is %s", name, i,
                    isnan(out[i]) ? "NaN" : "infinite");
    return 0;
}

/* Every tensor of the set must be one of the network's. */
static int refuse_unknown(
        const struct lg_gnn_model *m, const struct lg_tensors *set, struct lg_err *reterr)
{
    for (size_t i = 0; i < set->n; i++) {
        const char *name = set->v[i].name;
        bool known = strcmp(name, "config") == 0 || strcmp(name, "idf") == 0;

        for (uint32_t j = 0; !known && j < m->lay.n; j++)
            known = strcmp(name, m->lay.v[j].name) == 0;
        if (!known)
            return lg_err_set(
                    reterr, LG_ECORRUPT, "tensor %s does not belong to this network", name);
    }
    return 0;
}

static int read_weights(struct lg_gnn_model *m, const struct lg_tensors *set, struct lg_err *reterr)
{
    uint64_t vocab = m->cfg.vocab;
    int rc = refuse_unknown(m, set, reterr);

    for (uint32_t i = 0; rc == 0 && i < m->lay.n; i++) {
        const struct lg_gnn_param *p = &m->lay.v[i];
        uint64_t shape[2] = {p->shape[0], p->shape[1]};

        rc = read_tensor(set, p->name, p->ndim, shape, m->flat + p->offset, reterr);
    }
    if (rc == 0)
        rc = read_tensor(set, "idf", 1, &vocab, m->idf, reterr);
    if (rc == 0 && lg_gnn_model_set_idf(m, m->idf) < 0)
        rc = lg_err_set(reterr, LG_ECORRUPT, "tensor idf holds a negative or huge weight");
    return rc;
}

int lg_gnn_model_from_tensors(const struct lg_tensors *set, const struct lg_gnn_config *want,
        struct lg_gnn_model **ret, struct lg_err *reterr)
{
    struct lg_gnn_config cfg;
    struct lg_gnn_model *m = NULL;
    int rc = read_config(set, want, &cfg, reterr);

    /* Before any allocation of that size: a lying config costs nothing. */
    if (rc == 0 && set->bytes / sizeof(float) < (size_t)cfg.vocab * cfg.dim)
        rc = lg_err_set(reterr, LG_ECORRUPT, "tensor config names a network larger than the file");
    if (rc == 0)
        rc = lg_gnn_model_alloc(&cfg, &m, reterr);
    if (rc == 0)
        rc = read_weights(m, set, reterr);
    if (rc < 0) {
        lg_gnn_model_free(m);
        return rc;
    }
    lg_gnn_model_prepare(m);
    *ret = m;
    return 0;
}

int lg_gnn_model_to_tensors(
        const struct lg_gnn_model *m, struct lg_tensors *set, struct lg_err *reterr)
{
    const uint64_t n_config = CONFIG_FIELDS, vocab = m->cfg.vocab;
    int64_t config[CONFIG_FIELDS] = {FORMAT};
    struct lg_tensor *t;
    int rc = lg_tensors_add(set, LG_STR("config"), LG_I64, 1, &n_config, &t, reterr);

    for (size_t i = 0; i < CONFIG_FIELDS - 1; i++)
        config[i + 1] = get_field(&m->cfg, i);
    if (rc == 0) {
        memcpy(t->data, config, sizeof(config));
        rc = lg_tensors_add(set, LG_STR("idf"), LG_F32, 1, &vocab, &t, reterr);
    }
    if (rc == 0)
        memcpy(t->data, m->idf, vocab * sizeof(float));
    for (uint32_t i = 0; rc == 0 && i < m->lay.n; i++) {
        const struct lg_gnn_param *p = &m->lay.v[i];
        uint64_t shape[2] = {p->shape[0], p->shape[1]};

        rc = lg_tensors_add(set, lg_str_z(p->name), LG_F32, p->ndim, shape, &t, reterr);
        if (rc == 0 && (m->tok_half == NULL || i + 1 < m->lay.n))
            memcpy(t->data, m->flat + p->offset, p->n * sizeof(float));
        for (size_t k = 0; rc == 0 && m->tok_half != NULL && i + 1 == m->lay.n && k < p->n; k++)
            ((float *)t->data)[k] = lg_half_to_float(m->tok_half[k]);
    }
    return rc;
}

int lg_gnn_model_load(const char *path, const struct lg_gnn_config *want, struct lg_gnn_model **ret,
        struct lg_err *reterr)
{
    struct lg_tensors set;
    struct lg_err why = {0};
    int rc;

    lg_tensors_init(&set);
    rc = lg_tensors_load(path, &set, reterr);
    if (rc == 0) {
        rc = lg_gnn_model_from_tensors(&set, want, ret, &why);
        if (rc < 0)
            lg_err_set(reterr, rc, "%s: %s", path, why.text);
    }
    lg_tensors_done(&set);
    return rc;
}

int lg_gnn_model_save(const struct lg_gnn_model *m, const char *path, struct lg_err *reterr)
{
    struct lg_tensors set;
    int rc;

    lg_tensors_init(&set);
    rc = lg_gnn_model_to_tensors(m, &set, reterr);
    if (rc == 0)
        rc = lg_tensors_save(path, &set, reterr);
    lg_tensors_done(&set);
    return rc;
}
