#include <linear.h>
#include <string.h>

#include "base/mem.h"
#include "train/fit.h"

static void quiet(const char *text)
{
    (void)text;
}

/* liblinear's rows: 1-based indices, ended by -1; the last feature is the bias. */
static struct feature_node *node_rows(
        const struct lg_token_row *rows, uint32_t n, uint32_t vocab, struct feature_node **x)
{
    size_t total = 0;
    struct feature_node *all, *at;

    for (uint32_t i = 0; i < n; i++)
        total += rows[i].n + 2;
    all = lg_malloc((total + 1) * sizeof(*all));
    if (all == NULL)
        return NULL;
    at = all;
    for (uint32_t i = 0; i < n; i++) {
        x[i] = at;
        for (uint32_t k = 0; k < rows[i].n; k++)
            *at++ = (struct feature_node){(int)rows[i].tok[k] + 1, 1.0};
        *at++ = (struct feature_node){(int)vocab + 1, 1.0};
        *at++ = (struct feature_node){-1, 0};
    }
    return all;
}

int lg_fit_tokens(const struct lg_token_row *rows, uint32_t n, uint32_t vocab, double c,
        struct lg_token_regression *ret, struct lg_err *reterr)
{
    LG_CLEANUP(lg_cleanup_free) struct feature_node **x = lg_calloc(n, sizeof(*x));
    LG_CLEANUP(lg_cleanup_free) double *y = lg_calloc(n, sizeof(*y));
    LG_CLEANUP(lg_cleanup_free) struct feature_node *nodes = NULL;
    int labels[2] = {0, 1};
    double weights[2], count[2] = {0, 0};
    struct parameter param;
    struct problem prob;
    struct model *m;
    const char *bad;
    double sign;

    if (x != NULL && y != NULL)
        nodes = node_rows(rows, n, vocab, x);
    if (nodes == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        y[i] = rows[i].label;
        count[rows[i].label != 0]++;
    }
    if (count[0] == 0 || count[1] == 0)
        return lg_err_set(reterr, LG_EINVAL, "the regression needs both classes");
    weights[0] = n / (2 * count[0]);
    weights[1] = n / (2 * count[1]);
    prob = (struct problem){.l = (int)n, .n = (int)vocab + 1, .y = y, .x = x, .bias = 1};
    memset(&param, 0, sizeof(param));
    param.solver_type = L2R_LR;
    param.eps = 0.001;
    param.C = c;
    param.nr_weight = 2;
    param.weight_label = labels;
    param.weight = weights;
    bad = check_parameter(&prob, &param);
    if (bad != NULL)
        return lg_err_set(reterr, LG_EINVAL, "liblinear: %s", bad);
    set_print_string_function(quiet);
    m = train(&prob, &param);
    ret->vocab = vocab;
    ret->weight = lg_calloc(vocab, sizeof(float));
    if (m == NULL || ret->weight == NULL) {
        if (m != NULL)
            free_and_destroy_model(&m);
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    }
    sign = m->label[0] == 1 ? 1 : -1; /* liblinear's first class is the first it met */
    for (uint32_t i = 0; i < vocab; i++)
        ret->weight[i] = (float)(sign * m->w[i]);
    ret->bias = (float)(sign * m->w[vocab]);
    free_and_destroy_model(&m);
    return 0;
}
