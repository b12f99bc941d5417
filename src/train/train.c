#include "train/train.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "train/metrics.h"
#include "train/report.h"
#include "json/write.h"

#define PATH_BYTES 4096
#define NO_VOTE_PROB 0.05 /* of a window that only members without a vote have seen */

void lg_train_options_default(struct lg_train_options *opt)
{
    memset(opt, 0, sizeof(*opt));
    opt->data.view = lg_view_default;
    opt->data.min_events = 5;
    opt->data.threads = 1;
    opt->cv = lg_cv_defaults;
    opt->version = "0";
    /* Fixed, not learned: the regression is the steadiest on sources that nobody trained on, in
     * the prototype and here; the networks find more where sources are like, and are unreliable at
     * very low false-alarm rates (docs/detection.md). */
    opt->weight[LG_MEMBER_GAT] = 0.25;
    opt->weight[LG_MEMBER_TOKENS] = 0.5;
    opt->weight[LG_MEMBER_TREES] = 0.25;
    opt->max_false_share = 0.01;
}

/* Everything that the tables and the manifest need, by row. */
struct outcome {
    const struct lg_dataset *ds;
    const struct lg_train_options *opt;
    struct lg_cv *cv;
    uint8_t *pick;
    double *jury;                         /* with the patterns' floor, log-odds */
    double *jury_seed[LG_MODEL_MAX_GATS]; /* the jury with one network only */
    double *learned;                      /* the jury without patterns */
    double *patterns;
    struct lg_member_scale scale[LG_MEMBER_COUNT];
    double a, b;
    bool no_vote;     /* out of fold the learned members do not tell attacks from the rest */
    double threshold; /* log-odds */
};

static double *row_doubles(const struct lg_dataset *ds)
{
    return lg_calloc(ds->rows.n + 1, sizeof(double));
}

static double odds(double p)
{
    return p <= 0 ? -30 : log(p / (1 - p));
}

static int standardise(struct outcome *o)
{
    LG_CLEANUP(lg_cleanup_free) double *v = row_doubles(o->ds);

    if (v == NULL)
        return LG_ENOMEM;
    for (int m = 0; m < LG_MEMBER_COUNT; m++) {
        size_t n = 0;

        for (size_t i = 0; i < o->cv->n; i++)
            if (o->pick[i])
                v[n++] = o->cv->member[m][i];
        lg_metric_mean_std(v, n, &o->scale[m].mean, &o->scale[m].std);
        o->scale[m].weight = o->opt->weight[m];
        if (!(o->scale[m].std > 1e-9))
            o->scale[m].std = 1;
    }
    return 0;
}

static double combine(const struct outcome *o, size_t i, double gat)
{
    double s[LG_MEMBER_COUNT] = {
            gat, o->cv->member[LG_MEMBER_TOKENS][i], o->cv->member[LG_MEMBER_TREES][i]};
    double z = 0;

    for (int m = 0; m < LG_MEMBER_COUNT; m++)
        z += o->scale[m].weight * (s[m] - o->scale[m].mean) / o->scale[m].std;
    return z;
}

static double with_floor(const struct outcome *o, size_t i, double z)
{
    double learned = o->a * z + o->b, floor_odds = odds(o->ds->rows.v[i].floor);

    return learned > floor_odds ? learned : floor_odds;
}

static int calibrate(struct outcome *o)
{
    LG_CLEANUP(lg_cleanup_free) double *z = row_doubles(o->ds);
    LG_CLEANUP(lg_cleanup_free) uint8_t *y = lg_malloc(o->ds->rows.n + 1);
    size_t n = 0;
    int rc;

    if (z == NULL || y == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < o->cv->n; i++)
        if (o->pick[i]) {
            z[n] = combine(o, i, o->cv->member[LG_MEMBER_GAT][i]);
            y[n++] = o->ds->rows.v[i].label;
        }
    rc = lg_metric_platt(z, y, NULL, n, &o->a, &o->b);
    if (rc == 0 && o->a <= LG_PLATT_MIN_SLOPE) {
        /* What is left of a curve without slope is the share of attacks in the data set, which
         * says nothing about the next window. */
        o->no_vote = true;
        o->b = odds(NO_VOTE_PROB);
    }
    return rc;
}

/* The smallest threshold that keeps false windows under the share; a strong pattern (0.90) must
 * always reach it, and it is never below an even chance. Members without a vote never reach it. */
static int choose_threshold(struct outcome *o)
{
    LG_CLEANUP(lg_cleanup_free) double *s = row_doubles(o->ds);
    LG_CLEANUP(lg_cleanup_free) uint8_t *y = lg_malloc(o->ds->rows.n + 1);
    size_t n = 0;
    double t;
    int rc;

    if (s == NULL || y == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < o->cv->n; i++)
        if (o->pick[i]) {
            s[n] = o->jury[i];
            y[n++] = o->ds->rows.v[i].label;
        }
    rc = lg_metric_threshold(s, y, n, o->opt->max_false_share, &t);
    if (rc == 0)
        o->threshold = t > odds(0.9) || o->no_vote ? odds(0.9) : t < 0 ? 0 : t;
    return rc;
}

static int outcome_make(struct outcome *o)
{
    const struct lg_dataset *ds = o->ds;
    int rc;

    o->pick = lg_calloc(ds->rows.n + 1, 1);
    o->jury = row_doubles(ds);
    o->learned = row_doubles(ds);
    o->patterns = row_doubles(ds);
    if (o->pick == NULL || o->jury == NULL || o->learned == NULL || o->patterns == NULL)
        return LG_ENOMEM;
    lg_report_pick(ds, o->cv->member[LG_MEMBER_GAT], o->pick);
    if ((rc = standardise(o)) < 0 || (rc = calibrate(o)) < 0)
        return rc;
    for (size_t i = 0; i < ds->rows.n; i++) {
        double z = combine(o, i, o->cv->member[LG_MEMBER_GAT][i]);

        o->learned[i] = o->a * z + o->b;
        o->jury[i] = with_floor(o, i, z);
        o->patterns[i] = ds->rows.v[i].floor;
    }
    for (uint32_t s = 0; s < o->cv->seeds; s++) {
        o->jury_seed[s] = row_doubles(ds);
        if (o->jury_seed[s] == NULL)
            return LG_ENOMEM;
        for (size_t i = 0; i < ds->rows.n; i++)
            o->jury_seed[s][i] = with_floor(o, i, combine(o, i, o->cv->gat[s][i]));
    }
    return choose_threshold(o);
}

static void outcome_done(struct outcome *o)
{
    lg_free(o->pick);
    lg_free(o->jury);
    lg_free(o->learned);
    lg_free(o->patterns);
    for (uint32_t s = 0; s < LG_MODEL_MAX_GATS; s++)
        lg_free(o->jury_seed[s]);
}

/* --- tables ------------------------------------------------------------------------------------ */

static int window_row(const struct outcome *o, struct lg_buf *out, const char *name,
        double *const *scores, uint32_t n)
{
    struct lg_window_metrics m[LG_MODEL_MAX_GATS];

    for (uint32_t i = 0; i < n; i++) {
        int rc = lg_report_windows(o->ds, scores[i], o->pick, &m[i]);

        if (rc < 0)
            return rc;
    }
    lg_report_window_row(out, name, m, n);
    return 0;
}

static int alert_row(const struct outcome *o, struct lg_buf *out, const char *name,
        const double *score, double threshold)
{
    struct lg_alert_metrics m;
    int rc = lg_report_alerts(o->ds, score, o->pick, threshold, &m);

    if (rc == 0)
        lg_report_alert_row(out, name, &m);
    return rc;
}

static void write_counts(const struct outcome *o, struct lg_buf *out)
{
    size_t n[3] = {0, 0, 0}, extra = 0;

    for (size_t i = 0; i < o->ds->rows.n; i++) {
        extra += o->ds->rows.v[i].fold == LG_FOLD_EXTRA;
        if (o->ds->rows.v[i].fold != LG_FOLD_EXTRA)
            n[o->ds->rows.v[i].label]++;
    }
    lg_buf_printf(out,
            "%zu captures in %u folds: %zu benign and %zu attack windows, %zu unknown ones "
            "left out; %zu windows of captures that no fold holds.\n\n",
            o->ds->captures.n, o->ds->folds, n[LG_LABEL_BENIGN], n[LG_LABEL_ATTACK],
            n[LG_LABEL_UNKNOWN], extra);
    if (o->no_vote)
        lg_buf_adds(out,
                LG_STR("Out of fold the learned members do not tell attacks from the rest: they "
                       "have no "
                       "vote, only strong patterns alert.\n\n"));
}

static int window_table(const struct outcome *o, struct lg_buf *out)
{
    struct lg_cv *cv = o->cv;
    double *one;
    int rc;

    lg_report_window_header(out);
    one = cv->member[LG_MEMBER_GAT];
    if ((rc = window_row(o, out, "GAT, one seed", cv->gat, cv->seeds)) < 0 ||
            (rc = window_row(o, out, "GAT, mean of the seeds", &one, 1)) < 0 ||
            (rc = window_row(
                     o, out, "regression, graph tokens", &cv->member[LG_MEMBER_TOKENS], 1)) < 0 ||
            (rc = window_row(o, out, "boosted trees, counts", &cv->member[LG_MEMBER_TREES], 1)) < 0)
        return rc;
    one = o->patterns;
    if ((rc = window_row(o, out, "patterns alone", &one, 1)) < 0)
        return rc;
    one = o->learned;
    if ((rc = window_row(o, out, "jury without patterns", &one, 1)) < 0 ||
            (rc = window_row(o, out, "jury, one GAT seed", o->jury_seed, cv->seeds)) < 0)
        return rc;
    one = o->jury;
    if ((rc = window_row(o, out, "**jury**", &one, 1)) < 0)
        return rc;
    for (int b = 0; b < LG_BASELINE_COUNT && o->opt->cv.baselines && rc == 0; b++)
        rc = window_row(o, out, lg_baseline_name((enum lg_baseline)b), &cv->baseline[b], 1);
    return rc;
}

static int alert_table(const struct outcome *o, struct lg_buf *out)
{
    double daily;
    int rc;

    lg_buf_addc(out, '\n');
    lg_report_alert_header(out);
    rc = alert_row(o, out, "jury, shipped threshold", o->jury, o->threshold);
    if (rc == 0)
        rc = lg_report_daily_threshold(o->ds, o->jury, o->pick, &daily);
    if (rc == 0)
        rc = alert_row(o, out, "jury, 1 false alert per endpoint-day", o->jury, daily);
    if (rc == 0)
        rc = alert_row(o, out, "patterns, strong ones", o->patterns, 0.9);
    return rc;
}

/* Worst benign and missed captures: where to look next. */
static void missed_table(const struct outcome *o, struct lg_buf *out)
{
    lg_buf_adds(
            out, LG_STR("\nCaptures without a found attack window at the shipped threshold:\n\n"));
    for (uint32_t c = 0; c < o->ds->captures.n; c++) {
        double best = -(double)INFINITY;

        for (size_t i = 0; i < o->ds->rows.n; i++)
            if (o->ds->rows.v[i].capture == c && o->pick[i] &&
                    o->ds->rows.v[i].label == LG_LABEL_ATTACK && o->jury[i] > best)
                best = o->jury[i];
        if (isfinite(best) && best < o->threshold)
            lg_buf_printf(out, "- `%s` (best log-odds %.2f, threshold %.2f)\n",
                    o->ds->captures.v[c].file, best, o->threshold);
    }
    lg_buf_adds(out, LG_STR("\nBenign windows above the shipped threshold:\n\n"));
    for (size_t i = 0; i < o->ds->rows.n; i++) {
        const struct lg_row *row = &o->ds->rows.v[i];

        if (o->pick[i] && row->label == LG_LABEL_BENIGN && o->jury[i] >= o->threshold)
            lg_buf_printf(out, "- `%s` %s, %u events: log-odds %.2f (patterns %.2f)\n",
                    o->ds->captures.v[row->capture].file,
                    row->host != UINT32_MAX ? o->ds->hosts.v[row->host].name : "-",
                    row->learned_events, o->jury[i], row->floor);
    }
}

static int write_report(const struct outcome *o, const char *dir, struct lg_err *reterr)
{
    struct lg_buf out;
    char path[PATH_BYTES];
    int rc;

    lg_buf_init(&out, 16u << 20);
    write_counts(o, &out);
    rc = window_table(o, &out);
    if (rc == 0)
        rc = alert_table(o, &out);
    if (rc == 0)
        missed_table(o, &out);
    if (rc == 0)
        rc = out.failed;
    if (rc < 0)
        (void)lg_err_set(reterr, rc, "report: %s", lg_err_name(rc));
    else {
        (void)snprintf(path, sizeof(path), "%s/report.md", dir);
        rc = lg_file_write(path, lg_buf_str(&out), reterr);
        (void)fwrite(out.p, 1, out.n, stderr);
    }
    lg_buf_done(&out);
    return rc;
}

/* --- the model --------------------------------------------------------------------------------- */

static int training_json(const struct outcome *o, struct lg_buf *out)
{
    struct lg_window_metrics m;
    struct lg_jw jw, *w = &jw;
    int rc = lg_report_windows(o->ds, o->jury, o->pick, &m);

    if (rc < 0)
        return rc;
    lg_jw_init(w, out);
    lg_jw_object(w);
    LG_JW_STR(w, "split_sha256", lg_str_z(o->ds->split_sha256));
    LG_JW_U64(w, "first_seed", o->opt->cv.first_seed);
    LG_JW_U64(w, "epochs", o->opt->cv.epochs);
    LG_JW_U64(w, "folds", o->ds->folds);
    lg_jw_key(w, LG_STR("metrics"));
    lg_jw_object(w);
    LG_JW_DOUBLE(w, "auc", m.auc);
    LG_JW_DOUBLE(w, "ap", m.ap);
    LG_JW_DOUBLE(w, "window_recall_at_1pct", m.recall[1]);
    LG_JW_DOUBLE(w, "capture_recall_at_1pct", m.capture_recall[1]);
    lg_jw_object_end(w);
    lg_jw_key(w, LG_STR("captures"));
    lg_jw_array(w);
    for (size_t i = 0; i < o->ds->captures.n; i++) {
        const struct lg_capture_info *c = &o->ds->captures.v[i];

        if (c->fold == LG_FOLD_EXTRA)
            continue;
        lg_jw_object(w);
        LG_JW_STR(w, "file", lg_str_z(c->file));
        LG_JW_STR(w, "licence", lg_str_z(c->licence));
        LG_JW_STR(w, "sha256", lg_str_z(c->sha256));
        LG_JW_U64(w, "fold", c->fold);
        lg_jw_object_end(w);
    }
    lg_jw_array_end(w);
    lg_jw_object_end(w);
    return out->failed;
}

static int save_model(struct outcome *o, struct lg_err *reterr)
{
    const struct lg_train_options *opt = o->opt;
    struct lg_model *m = lg_calloc(1, sizeof(*m));
    struct lg_buf training;
    int rc;

    if (m == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    lg_buf_init(&training, 16u << 20);
    (void)snprintf(m->name, sizeof(m->name), "%s", opt->name);
    (void)snprintf(m->version, sizeof(m->version), "%s", opt->version);
    m->platform = opt->data.platform;
    m->experimental = opt->experimental;
    m->view = opt->data.view;
    for (uint32_t s = 0; s < o->cv->seeds; s++)
        m->gat[m->n_gats++] = LG_TAKE(o->cv->final_gat[s]);
    m->tokens = o->cv->final_tokens;
    m->trees = o->cv->final_trees;
    memset(&o->cv->final_tokens, 0, sizeof(o->cv->final_tokens));
    memset(&o->cv->final_trees, 0, sizeof(o->cv->final_trees));
    memcpy(m->scale, o->scale, sizeof(m->scale));
    m->calibration_a = o->a;
    m->calibration_b = o->b;
    m->threshold = 1 / (1 + exp(-o->threshold));
    rc = training_json(o, &training);
    if (rc == 0 && (m->training_json = lg_strndup(training.p, training.n)) == NULL)
        rc = LG_ENOMEM;
    if (rc < 0)
        (void)lg_err_set(reterr, rc, "manifest: %s", lg_err_name(rc));
    else
        rc = lg_model_save(m, opt->out_dir, reterr);
    lg_buf_done(&training);
    lg_model_free(m);
    return rc;
}

int lg_train_run(const struct lg_train_options *opt, struct lg_err *reterr)
{
    struct outcome o = {.opt = opt};
    struct lg_dataset *ds = NULL;
    int rc;

    /* before hours of work, not after */
    if (mkdir(opt->out_dir, 0755) < 0 && errno != EEXIST)
        return lg_err_set(reterr, LG_EIO, "%s: %s", opt->out_dir, strerror(errno));
    rc = lg_dataset_build(&opt->data, &ds, reterr);
    if (rc < 0)
        return rc;
    o.ds = ds;
    if (ds->folds < 2) {
        rc = lg_err_set(reterr, LG_EINVAL, "split: needs at least two folds");
        goto out;
    }
    rc = lg_cv_run(ds, &opt->cv, &o.cv, reterr);
    if (rc < 0)
        goto out;
    rc = outcome_make(&o);
    if (rc < 0) {
        (void)lg_err_set(
                reterr, rc, "calibration: %s (does every fold hold both labels?)", lg_err_name(rc));
        goto out;
    }
    if (opt->cv.final)
        rc = save_model(&o, reterr);
    if (rc == 0)
        rc = write_report(&o, opt->out_dir, reterr);
out:
    outcome_done(&o);
    lg_cv_free(o.cv);
    lg_dataset_free(ds);
    return rc;
}
