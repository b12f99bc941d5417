#include "train/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "train/metrics.h"

static const double false_shares[3] = {0.05, 0.01, 0.001};

void lg_report_pick(const struct lg_dataset *ds, const double *score, uint8_t *pick)
{
    for (size_t i = 0; i < ds->rows.n; i++)
        pick[i] = ds->rows.v[i].label != LG_LABEL_UNKNOWN && ds->rows.v[i].fold != LG_FOLD_EXTRA &&
                !isnan(score[i]);
}

struct picked {
    double *score;
    uint8_t *label;
    uint32_t *capture;
    size_t n;
};

static int gather(
        const struct lg_dataset *ds, const double *score, const uint8_t *pick, struct picked *p)
{
    p->score = lg_malloc((ds->rows.n + 1) * sizeof(*p->score));
    p->label = lg_malloc(ds->rows.n + 1);
    p->capture = lg_malloc((ds->rows.n + 1) * sizeof(*p->capture));
    p->n = 0;
    if (p->score == NULL || p->label == NULL || p->capture == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < ds->rows.n; i++)
        if (pick[i]) {
            p->score[p->n] = score[i];
            p->label[p->n] = ds->rows.v[i].label;
            p->capture[p->n++] = ds->rows.v[i].capture;
        }
    return 0;
}

static void picked_done(struct picked *p)
{
    lg_free(p->score);
    lg_free(p->label);
    lg_free(p->capture);
}

/* Rows stand by capture: runs of one number. */
static double capture_recall(const struct picked *p, double threshold)
{
    uint32_t captures = 0, found = 0;

    for (size_t i = 0; i < p->n;) {
        size_t k = i;
        bool attack = false, hit = false;

        for (; k < p->n && p->capture[k] == p->capture[i]; k++) {
            attack = attack || p->label[k] == LG_LABEL_ATTACK;
            hit = hit || (p->label[k] == LG_LABEL_ATTACK && p->score[k] >= threshold);
        }
        captures += attack;
        found += hit;
        i = k;
    }
    return captures > 0 ? (double)found / captures : (double)NAN;
}

int lg_report_windows(const struct lg_dataset *ds, const double *score, const uint8_t *pick,
        struct lg_window_metrics *ret)
{
    struct picked p = {NULL, NULL, NULL, 0};
    int rc = gather(ds, score, pick, &p);

    if (rc == 0)
        rc = lg_metric_auc(p.score, p.label, p.n, &ret->auc);
    if (rc == 0)
        rc = lg_metric_ap(p.score, p.label, p.n, &ret->ap);
    for (int i = 0; i < 3 && rc == 0; i++) {
        double t;

        rc = lg_metric_threshold(p.score, p.label, p.n, false_shares[i], &t);
        if (rc == 0) {
            ret->recall[i] = lg_metric_recall(p.score, p.label, p.n, t);
            ret->capture_recall[i] = capture_recall(&p, t);
        }
    }
    picked_done(&p);
    return rc;
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* First found attack window of one capture: its delay in seconds, or NAN. */
static double capture_delay(const struct lg_dataset *ds, const double *score, const uint8_t *pick,
        double threshold, size_t from, size_t to, bool *ret_attack)
{
    double best = (double)NAN;

    *ret_attack = false;
    for (size_t i = from; i < to; i++) {
        const struct lg_row *row = &ds->rows.v[i];
        double d;

        if (!pick[i] || row->label != LG_LABEL_ATTACK)
            continue;
        *ret_attack = true;
        if (score[i] < threshold)
            continue;
        d = row->host == UINT32_MAX || !ds->hosts.v[row->host].touched
                ? 0
                : (double)(row->end_ns - ds->hosts.v[row->host].first_seed_ns) / 1e9;
        if (isnan(best) || d < best)
            best = d;
    }
    return best;
}

static void count_false(const struct lg_dataset *ds, const double *score, const uint8_t *pick,
        double threshold, struct lg_alert_metrics *ret)
{
    const struct lg_row *last = NULL; /* last false window of the same host */
    uint64_t benign = 0;

    for (size_t i = 0; i < ds->rows.n; i++) {
        const struct lg_row *row = &ds->rows.v[i];

        if (!pick[i] || row->label != LG_LABEL_BENIGN)
            continue;
        benign++;
        if (score[i] < threshold)
            continue;
        if (last == NULL || last->capture != row->capture || last->host != row->host ||
                row->start_ns - last->end_ns > LG_FOLD_GAP_NS)
            ret->false_alerts++;
        last = row;
    }
    ret->benign_hours = (double)benign * 60 / 3600; /* one window a minute */
}

int lg_report_alerts(const struct lg_dataset *ds, const double *score, const uint8_t *pick,
        double threshold, struct lg_alert_metrics *ret)
{
    LG_CLEANUP(lg_cleanup_free)
    double *delay = lg_malloc((ds->captures.n + 1) * sizeof(*delay));
    double days;

    if (delay == NULL)
        return LG_ENOMEM;
    memset(ret, 0, sizeof(*ret));
    ret->threshold = threshold;
    for (size_t i = 0; i < ds->rows.n;) {
        size_t k = i;
        bool attack;
        double d;

        while (k < ds->rows.n && ds->rows.v[k].capture == ds->rows.v[i].capture)
            k++;
        d = capture_delay(ds, score, pick, threshold, i, k, &attack);
        ret->campaigns += attack;
        if (!isnan(d))
            delay[ret->found++] = d < 0 ? 0 : d;
        i = k;
    }
    qsort(delay, ret->found, sizeof(*delay), ascending);
    ret->delay_median_s = ret->found > 0 ? (delay[(ret->found - 1) / 2] + delay[ret->found / 2]) / 2
                                         : (double)NAN;
    count_false(ds, score, pick, threshold, ret);
    days = ret->benign_hours / 24;
    lg_metric_poisson95(ret->false_alerts, &ret->per_day_low, &ret->per_day_high);
    ret->per_day_low = days > 0 ? ret->per_day_low / days : (double)NAN;
    ret->per_day_high = days > 0 ? ret->per_day_high / days : (double)NAN;
    return 0;
}

int lg_report_daily_threshold(
        const struct lg_dataset *ds, const double *score, const uint8_t *pick, double *ret)
{
    LG_CLEANUP(lg_cleanup_free)
    double *benign = lg_malloc((ds->rows.n + 1) * sizeof(*benign));
    size_t n = 0, low = 0, high;
    struct lg_alert_metrics m = {.benign_hours = 0};

    if (benign == NULL)
        return LG_ENOMEM;
    for (size_t i = 0; i < ds->rows.n; i++)
        if (pick[i] && ds->rows.v[i].label == LG_LABEL_BENIGN)
            benign[n++] = score[i];
    qsort(benign, n, sizeof(*benign), ascending);
    high = n;
    while (low < high) { /* false alerts fall as the threshold rises past benign scores */
        size_t mid = (low + high) / 2;

        memset(&m, 0, sizeof(m));
        count_false(ds, score, pick, nextafter(benign[mid], (double)INFINITY), &m);
        if (m.false_alerts * 24.0 <= m.benign_hours)
            high = mid;
        else
            low = mid + 1;
    }
    *ret = low < n ? nextafter(benign[low], (double)INFINITY) : (double)INFINITY;
    return 0;
}

/* --- markdown ---------------------------------------------------------------------------------- */

static void cell(struct lg_buf *out, double v, const char *fmt_percent)
{
    if (isnan(v))
        lg_buf_adds(out, LG_STR(" not measurable |"));
    else if (fmt_percent != NULL)
        lg_buf_printf(out, " %.1f %% |", v * 100);
    else
        lg_buf_printf(out, " %.3f |", v);
}

void lg_report_window_header(struct lg_buf *out)
{
    lg_buf_adds(out,
            LG_STR("| scorer | AUC | AP | windows at 5 % | at 1 % | at 0.1 % | captures "
                   "at 5 % | at 1 % | at 0.1 % |\n|---|---|---|---|---|---|---|---|---|\n"));
}

void lg_report_window_row(
        struct lg_buf *out, const char *name, const struct lg_window_metrics *m, uint32_t n)
{
    double v[8][LG_MODEL_MAX_GATS];

    for (uint32_t i = 0; i < n; i++) {
        v[0][i] = m[i].auc;
        v[1][i] = m[i].ap;
        for (int k = 0; k < 3; k++) {
            v[2 + k][i] = m[i].recall[k];
            v[5 + k][i] = m[i].capture_recall[k];
        }
    }
    lg_buf_printf(out, "| %s |", name);
    for (int c = 0; c < 8; c++) {
        double mean, dev;

        lg_metric_mean_std(v[c], n, &mean, &dev);
        if (n == 1 || isnan(mean))
            cell(out, mean, c < 2 ? NULL : "%");
        else if (c < 2)
            lg_buf_printf(out, " %.3f ± %.3f |", mean, dev);
        else
            lg_buf_printf(out, " %.1f ± %.1f %% |", mean * 100, dev * 100);
    }
    lg_buf_addc(out, '\n');
}

void lg_report_alert_header(struct lg_buf *out)
{
    lg_buf_adds(out,
            LG_STR("| scorer and threshold | campaigns found | median delay | false "
                   "alerts | endpoint-hours | false alerts per endpoint-day (95 %) |\n"
                   "|---|---|---|---|---|---|\n"));
}

void lg_report_alert_row(struct lg_buf *out, const char *name, const struct lg_alert_metrics *m)
{
    lg_buf_printf(out, "| %s | %u of %u |", name, m->found, m->campaigns);
    if (isnan(m->delay_median_s))
        lg_buf_adds(out, LG_STR(" not measurable |"));
    else
        lg_buf_printf(out, " %.0f s |", m->delay_median_s);
    lg_buf_printf(out, " %u | %.1f |", m->false_alerts, m->benign_hours);
    if (isnan(m->per_day_low))
        lg_buf_adds(out, LG_STR(" not measurable |\n"));
    else
        lg_buf_printf(out, " %.2f – %.2f |\n", m->per_day_low, m->per_day_high);
}
