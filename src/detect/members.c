#include "detect/members.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

/* The tensor of that name, type and length, or an error that names it. */
static int want(const struct lg_tensors *set, const char *name, enum lg_dtype dtype, uint64_t n,
        const struct lg_tensor **ret, struct lg_err *reterr)
{
    const struct lg_tensor *t = lg_tensors_find(set, lg_str_z(name));

    if (t == NULL)
        return lg_err_set(reterr, LG_EINVAL, "tensor '%s' is missing", name);
    if (t->dtype != dtype || t->ndim != 1)
        return lg_err_set(
                reterr, LG_EINVAL, "tensor '%s' is not a %s vector", name, lg_dtype_name(dtype));
    if (n != 0 && t->n != n)
        return lg_err_set(reterr, LG_EINVAL, "tensor '%s' has %llu elements, not %llu", name,
                (unsigned long long)t->n, (unsigned long long)n);
    *ret = t;
    return 0;
}

/* Finite, and so small that no sum of them can leave a float's range. */
static int all_sane(const float *v, uint64_t n, const char *name, struct lg_err *reterr)
{
    for (uint64_t i = 0; i < n; i++) {
        if (!isfinite(v[i]))
            return lg_err_set(reterr, LG_EINVAL, "tensor '%s' holds NaN or infinity at %llu", name,
                    (unsigned long long)i);
        if (fabsf(v[i]) > LG_MEMBER_MAX_VALUE)
            return lg_err_set(reterr, LG_EINVAL, "tensor '%s' is out of all reason at %llu", name,
                    (unsigned long long)i);
    }
    return 0;
}

static int put(struct lg_tensors *set, const char *name, enum lg_dtype dtype, const void *data,
        uint64_t n, struct lg_err *reterr)
{
    struct lg_tensor *t;
    int rc = lg_tensors_add(set, lg_str_z(name), dtype, 1, &n, &t, reterr);

    if (rc < 0)
        return rc;
    memcpy(t->data, data, (size_t)n * lg_dtype_size(dtype));
    return 0;
}

int lg_token_regression_from(const struct lg_tensors *set, uint32_t vocab,
        struct lg_token_regression *ret, struct lg_err *reterr)
{
    const struct lg_tensor *weight, *bias;
    float *copy;
    int rc;

    if ((rc = want(set, "weight", LG_F32, vocab, &weight, reterr)) < 0 ||
            (rc = want(set, "bias", LG_F32, 1, &bias, reterr)) < 0 ||
            (rc = all_sane(weight->data, weight->n, "weight", reterr)) < 0 ||
            (rc = all_sane(bias->data, 1, "bias", reterr)) < 0)
        return rc;
    copy = lg_memdup(weight->data, vocab * sizeof(float));
    if (copy == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    *ret = (struct lg_token_regression){vocab, copy, *(const float *)bias->data};
    return 0;
}

int lg_token_regression_to(
        const struct lg_token_regression *r, struct lg_tensors *set, struct lg_err *reterr)
{
    int rc = put(set, "weight", LG_F32, r->weight, r->vocab, reterr);

    return rc < 0 ? rc : put(set, "bias", LG_F32, &r->bias, 1, reterr);
}

void lg_token_regression_done(struct lg_token_regression *r)
{
    if (r == NULL)
        return;
    lg_free(r->weight);
    r->weight = NULL;
}

float lg_token_regression_score(
        const struct lg_token_regression *r, const uint32_t *tok, uint32_t n)
{
    float sum = r->bias;

    for (uint32_t i = 0; i < n; i++)
        sum += r->weight[tok[i]];
    return sum;
}

/* Children come after their parent and inside their tree: no cycle, no way out. */
static int forest_check(const struct lg_forest *f, struct lg_err *reterr)
{
    for (uint32_t t = 0; t < f->n_trees; t++) {
        int64_t from = f->root[t];
        int64_t to = t + 1 < f->n_trees ? f->root[t + 1] : (int64_t)f->n_nodes;

        if (from < 0 || from >= to || to > (int64_t)f->n_nodes || (t == 0 && from != 0))
            return lg_err_set(reterr, LG_EINVAL, "tree %u has no valid extent", t);
        for (int64_t i = from; i < to; i++) {
            if (f->feature[i] == -1)
                continue;
            if (f->feature[i] < 0 || (uint32_t)f->feature[i] >= f->n_features)
                return lg_err_set(reterr, LG_EINVAL, "tree %u asks for feature %d of %u", t,
                        f->feature[i], f->n_features);
            if (f->left[i] <= i || f->left[i] >= to || f->right[i] <= i || f->right[i] >= to)
                return lg_err_set(reterr, LG_EINVAL, "node %lld of tree %u has a child outside",
                        (long long)(i - from), t);
        }
    }
    return 0;
}

int lg_forest_from(const struct lg_tensors *set, uint32_t n_features, struct lg_forest *ret,
        struct lg_err *reterr)
{
    const struct lg_tensor *root, *feature, *value, *left, *right, *base;
    struct lg_forest f = {.n_features = n_features};
    int rc;

    if ((rc = want(set, "root", LG_I32, 0, &root, reterr)) < 0 ||
            (rc = want(set, "feature", LG_I32, 0, &feature, reterr)) < 0 ||
            (rc = want(set, "value", LG_F32, feature->n, &value, reterr)) < 0 ||
            (rc = want(set, "left", LG_I32, feature->n, &left, reterr)) < 0 ||
            (rc = want(set, "right", LG_I32, feature->n, &right, reterr)) < 0 ||
            (rc = want(set, "base", LG_F32, 1, &base, reterr)) < 0 ||
            (rc = all_sane(value->data, value->n, "value", reterr)) < 0 ||
            (rc = all_sane(base->data, 1, "base", reterr)) < 0)
        return rc;
    if (root->n == 0 || root->n > 10000 || feature->n == 0 || feature->n > 10000000)
        return lg_err_set(reterr, LG_ELIMIT, "%llu trees with %llu nodes",
                (unsigned long long)root->n, (unsigned long long)feature->n);
    f.n_trees = (uint32_t)root->n;
    f.n_nodes = (uint32_t)feature->n;
    f.base = *(const float *)base->data;
    f.root = lg_memdup(root->data, f.n_trees * sizeof(int32_t));
    f.feature = lg_memdup(feature->data, f.n_nodes * sizeof(int32_t));
    f.value = lg_memdup(value->data, f.n_nodes * sizeof(float));
    f.left = lg_memdup(left->data, f.n_nodes * sizeof(int32_t));
    f.right = lg_memdup(right->data, f.n_nodes * sizeof(int32_t));
    if (f.root == NULL || f.feature == NULL || f.value == NULL || f.left == NULL || f.right == NULL)
        rc = lg_err_set(reterr, LG_ENOMEM, "out of memory");
    else
        rc = forest_check(&f, reterr);
    if (rc < 0) {
        lg_forest_done(&f);
        return rc;
    }
    *ret = f;
    return 0;
}

int lg_forest_to(const struct lg_forest *f, struct lg_tensors *set, struct lg_err *reterr)
{
    int rc;

    if ((rc = put(set, "root", LG_I32, f->root, f->n_trees, reterr)) < 0 ||
            (rc = put(set, "feature", LG_I32, f->feature, f->n_nodes, reterr)) < 0 ||
            (rc = put(set, "value", LG_F32, f->value, f->n_nodes, reterr)) < 0 ||
            (rc = put(set, "left", LG_I32, f->left, f->n_nodes, reterr)) < 0 ||
            (rc = put(set, "right", LG_I32, f->right, f->n_nodes, reterr)) < 0)
        return rc;
    return put(set, "base", LG_F32, &f->base, 1, reterr);
}

void lg_forest_done(struct lg_forest *f)
{
    if (f == NULL)
        return;
    lg_free(f->root);
    lg_free(f->feature);
    lg_free(f->value);
    lg_free(f->left);
    lg_free(f->right);
    memset(f, 0, sizeof(*f));
}

float lg_forest_score(const struct lg_forest *f, const float *x)
{
    float sum = f->base;

    for (uint32_t t = 0; t < f->n_trees; t++) {
        int32_t i = f->root[t];

        while (f->feature[i] >= 0)
            i = x[f->feature[i]] < f->value[i] ? f->left[i] : f->right[i];
        sum += f->value[i];
    }
    return sum;
}
