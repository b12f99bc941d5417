#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xgboost/c_api.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/vec.h"
#include "train/fit.h"
#include "json/json.h"

const struct lg_trees_options lg_trees_defaults = {
        .trees = 150, .leaves = 8, .rate = 0.08, .l2 = 1, .column_share = 1, .seed = 1};

static int xgb(int rc, struct lg_err *reterr)
{
    return rc == 0 ? 0 : lg_err_set(reterr, LG_EINVAL, "XGBoost: %.250s", XGBGetLastError());
}

static int set_params(BoosterHandle b, const struct lg_trees_options *opt, struct lg_err *reterr)
{
    char leaves[16], rate[32], l2[32], seed[32], share[32];
    const char *const params[][2] = {{"objective", "binary:logistic"}, {"base_score", "0.5"},
            {"tree_method", "hist"}, {"grow_policy", "lossguide"}, {"max_depth", "0"},
            {"max_leaves", leaves}, {"eta", rate}, {"lambda", l2}, {"nthread", "1"},
            {"min_child_weight", "1"}, {"seed", seed}, {"colsample_bytree", share},
            {"verbosity", "0"}};

    (void)snprintf(leaves, sizeof(leaves), "%u", opt->leaves);
    (void)snprintf(rate, sizeof(rate), "%.6f", opt->rate);
    (void)snprintf(l2, sizeof(l2), "%.6f", opt->l2);
    (void)snprintf(seed, sizeof(seed), "%llu", (unsigned long long)opt->seed);
    (void)snprintf(share, sizeof(share), "%.6f", opt->column_share);
    for (size_t i = 0; i < sizeof(params) / sizeof(*params); i++) {
        int rc = xgb(XGBoosterSetParam(b, params[i][0], params[i][1]), reterr);

        if (rc < 0)
            return rc;
    }
    return 0;
}

/* --- XGBoost's JSON model into our flat arrays ----------------------------------------------- */

struct flat {
    LG_VEC(int32_t) root;
    LG_VEC(int32_t) feature;
    LG_VEC(int32_t) left;
    LG_VEC(int32_t) right;
    LG_VEC(float) value;
};

static double number(struct lg_jval v)
{
    switch (lg_jval_type(v)) {
    case LG_JSON_I64:
        return (double)lg_jval_i64(v);
    case LG_JSON_DOUBLE:
        return lg_jval_double(v);
    default:
        return (double)NAN;
    }
}

static int add_tree(struct flat *f, struct lg_jval tree)
{
    struct lg_jval left, right, index, cond, v[4];
    struct lg_jiter it[4];
    int32_t from = (int32_t)f->feature.n;

    if (!lg_jval_get(tree, LG_STR("left_children"), &left) ||
            !lg_jval_get(tree, LG_STR("right_children"), &right) ||
            !lg_jval_get(tree, LG_STR("split_indices"), &index) ||
            !lg_jval_get(tree, LG_STR("split_conditions"), &cond))
        return LG_EPARSE;
    it[0] = lg_jiter_of(left);
    it[1] = lg_jiter_of(right);
    it[2] = lg_jiter_of(index);
    it[3] = lg_jiter_of(cond);
    if (lg_vec_push(&f->root, from) < 0)
        return LG_ENOMEM;
    while (lg_jiter_item(&it[0], &v[0])) {
        int32_t l = (int32_t)number(v[0]), r;

        if (!lg_jiter_item(&it[1], &v[1]) || !lg_jiter_item(&it[2], &v[2]) ||
                !lg_jiter_item(&it[3], &v[3]))
            return LG_EPARSE;
        r = (int32_t)number(v[1]);
        if (lg_vec_push(&f->feature, l < 0 ? -1 : (int32_t)number(v[2])) < 0 ||
                lg_vec_push(&f->left, l < 0 ? 0 : from + l) < 0 ||
                lg_vec_push(&f->right, l < 0 ? 0 : from + r) < 0 ||
                lg_vec_push(&f->value, (float)number(v[3])) < 0)
            return LG_ENOMEM;
    }
    return 0;
}

static int flatten(struct lg_str text, struct flat *f)
{
    struct lg_json *j;
    struct lg_jval root, trees, tree;
    struct lg_jiter it;
    int rc = lg_json_new(&j);

    if (rc < 0)
        return rc;
    rc = lg_json_parse(j, text, false, &root, NULL);
    if (rc == 0 && !lg_jval_path(root, "learner.gradient_booster.model.trees", &trees))
        rc = LG_EPARSE;
    if (rc == 0)
        for (it = lg_jiter_of(trees); rc == 0 && lg_jiter_item(&it, &tree);)
            rc = add_tree(f, tree);
    lg_json_free(j);
    return rc;
}

static int to_forest(
        BoosterHandle b, uint32_t n_features, struct lg_forest *ret, struct lg_err *reterr)
{
    struct flat f;
    const char *text;
    bst_ulong n;
    int rc = xgb(XGBoosterSaveModelToBuffer(b, "{\"format\": \"json\"}", &n, &text), reterr);

    if (rc < 0)
        return rc;
    memset(&f, 0, sizeof(f));
    rc = flatten(lg_str_of(text, n), &f);
    if (rc < 0) {
        lg_vec_done(&f.root);
        lg_vec_done(&f.feature);
        lg_vec_done(&f.left);
        lg_vec_done(&f.right);
        lg_vec_done(&f.value);
        return lg_err_set(reterr, rc, "XGBoost's model has an unknown form");
    }
    *ret = (struct lg_forest){.n_features = n_features,
            .n_nodes = (uint32_t)f.feature.n,
            .n_trees = (uint32_t)f.root.n,
            .root = f.root.v,
            .feature = f.feature.v,
            .value = f.value.v,
            .left = f.left.v,
            .right = f.right.v,
            .base = 0}; /* base_score 0.5 */
    return 0;
}

int lg_fit_trees(const float *x, const uint8_t *label, uint32_t n, uint32_t n_features,
        const struct lg_trees_options *opt, struct lg_forest *ret, struct lg_err *reterr)
{
    LG_CLEANUP(lg_cleanup_free) float *y = lg_calloc(n, sizeof(*y));
    LG_CLEANUP(lg_cleanup_free) float *w = lg_calloc(n, sizeof(*w));
    DMatrixHandle data = NULL;
    BoosterHandle booster = NULL;
    double count[2] = {0, 0};
    int rc;

    if (y == NULL || w == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++)
        count[label[i] != 0]++;
    if (count[0] == 0 || count[1] == 0)
        return lg_err_set(reterr, LG_EINVAL, "the trees need both classes");
    for (uint32_t i = 0; i < n; i++) {
        y[i] = label[i];
        w[i] = (float)(n / (2 * count[label[i] != 0]));
    }
    rc = xgb(XGDMatrixCreateFromMat(x, n, n_features, (float)NAN, &data), reterr);
    if (rc == 0)
        rc = xgb(XGDMatrixSetFloatInfo(data, "label", y, n), reterr);
    if (rc == 0)
        rc = xgb(XGDMatrixSetFloatInfo(data, "weight", w, n), reterr);
    if (rc == 0)
        rc = xgb(XGBoosterCreate(&data, 1, &booster), reterr);
    if (rc == 0)
        rc = set_params(booster, opt, reterr);
    for (uint32_t t = 0; t < opt->trees && rc == 0; t++)
        rc = xgb(XGBoosterUpdateOneIter(booster, (int)t, data), reterr);
    if (rc == 0)
        rc = to_forest(booster, n_features, ret, reterr);
    if (booster != NULL)
        (void)XGBoosterFree(booster);
    if (data != NULL)
        (void)XGDMatrixFree(data);
    return rc;
}
