#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "train/report.h"
#include "train/train.h"

/* Scores of one model over a data set, by row; log-odds, NAN where the view is empty. */
struct scored {
    double *member[LG_MEMBER_COUNT];
    double *jury; /* with the patterns' floor */
};

static void scored_done(struct scored *s)
{
    for (int i = 0; i < LG_MEMBER_COUNT; i++)
        lg_free(s->member[i]);
    lg_free(s->jury);
}

static int gat_row(
        const struct lg_model *m, const struct lg_row *row, struct lg_gnn_scratch *s, double *ret)
{
    double sum = 0;

    for (uint32_t k = 0; k < m->n_gats; k++) {
        float logits[2];
        int rc = lg_gnn_scratch_reserve(
                s, lg_gnn_model_config(m->gat[k]), row->gnn.n_nodes, row->gnn.n_edges);

        if (rc == 0)
            rc = lg_gnn_forward(m->gat[k], &row->gnn, s, logits);
        if (rc != 0)
            return rc;
        sum += (double)(logits[1] - logits[0]);
    }
    *ret = sum / m->n_gats;
    return 0;
}

static double floor_odds(double p)
{
    return p <= 0 ? -30 : log(p / (1 - p));
}

static int score_row(const struct lg_model *m, const struct lg_dataset *ds, size_t i,
        struct lg_gnn_scratch *scratch, struct scored *s)
{
    const struct lg_row *row = &ds->rows.v[i];
    double floor = floor_odds(row->floor), z = 0;
    int rc = 0;

    s->member[LG_MEMBER_TOKENS][i] =
            (double)lg_token_regression_score(&m->tokens, row->tok, row->n_tok);
    s->member[LG_MEMBER_TREES][i] = (double)lg_forest_score(&m->trees, row->counts);
    if (row->gnn.n_nodes == 0) {
        s->member[LG_MEMBER_GAT][i] = (double)NAN;
        s->jury[i] = floor;
        return 0;
    }
    rc = gat_row(m, row, scratch, &s->member[LG_MEMBER_GAT][i]);
    for (int k = 0; k < LG_MEMBER_COUNT; k++)
        z += m->scale[k].weight * (s->member[k][i] - m->scale[k].mean) / m->scale[k].std;
    z = m->calibration_a * z + m->calibration_b;
    s->jury[i] = z > floor ? z : floor;
    return rc;
}

static int score_all(const struct lg_model *m, const struct lg_dataset *ds, struct scored *s)
{
    struct lg_gnn_scratch *scratch = NULL;
    int rc = lg_gnn_scratch_new(&scratch);

    for (int i = 0; i < LG_MEMBER_COUNT && rc == 0; i++)
        if ((s->member[i] = lg_calloc(ds->rows.n + 1, sizeof(double))) == NULL)
            rc = LG_ENOMEM;
    if (rc == 0 && (s->jury = lg_calloc(ds->rows.n + 1, sizeof(double))) == NULL)
        rc = LG_ENOMEM;
    for (size_t i = 0; i < ds->rows.n && rc == 0; i++)
        rc = score_row(m, ds, i, scratch, s);
    lg_gnn_scratch_free(scratch);
    return rc;
}

static int tables(const struct lg_model *m, const struct lg_dataset *ds, const struct scored *s,
        struct lg_buf *out)
{
    LG_CLEANUP(lg_cleanup_free) uint8_t *pick = lg_calloc(ds->rows.n + 1, 1);
    struct lg_window_metrics w;
    struct lg_alert_metrics a;
    int rc = 0;

    if (pick == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < ds->rows.n; i++) /* captures outside the folds count here as well */
        pick[i] = ds->rows.v[i].label != LG_LABEL_UNKNOWN && !isnan(s->member[LG_MEMBER_GAT][i]);
    lg_report_window_header(out);
    for (int i = 0; i < LG_MEMBER_COUNT && rc == 0; i++) {
        rc = lg_report_windows(ds, s->member[i], pick, &w);
        if (rc == 0)
            lg_report_window_row(out, lg_member_name((enum lg_member)i), &w, 1);
    }
    if (rc == 0 && (rc = lg_report_windows(ds, s->jury, pick, &w)) == 0)
        lg_report_window_row(out, "**jury**", &w, 1);
    if (rc == 0)
        rc = lg_report_alerts(ds, s->jury, pick, floor_odds(m->threshold), &a);
    if (rc == 0) {
        lg_buf_addc(out, '\n');
        lg_report_alert_header(out);
        lg_report_alert_row(out, "jury, the model's threshold", &a);
    }
    return rc;
}

int lg_eval_run(const struct lg_dataset_options *data, const char *model_dir, struct lg_buf *out,
        struct lg_err *reterr)
{
    struct lg_dataset_options opt = *data;
    struct lg_dataset *ds = NULL;
    struct lg_model *m = NULL;
    struct scored s;
    int rc = lg_model_load(model_dir, &m, reterr);

    if (rc < 0)
        return rc;
    memset(&s, 0, sizeof(s));
    opt.platform = m->platform;
    opt.view = m->view;
    rc = lg_dataset_build(&opt, &ds, reterr);
    if (rc == 0) {
        rc = score_all(m, ds, &s);
        if (rc == 0)
            rc = tables(m, ds, &s, out);
        if (rc < 0)
            (void)lg_err_set(reterr, rc, "scoring: %s", lg_err_name(rc));
    }
    scored_done(&s);
    lg_dataset_free(ds);
    lg_model_free(m);
    return rc;
}
