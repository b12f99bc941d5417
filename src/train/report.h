#ifndef LG_TRAIN_REPORT_H
#define LG_TRAIN_REPORT_H

#include "base/buf.h"
#include "train/crossval.h"

/*
 * Scores of labelled windows into the tables of docs/detection.md and the manifest's metrics.
 * Definitions: docs/detection.md, "How it is measured".
 */
#define LG_FOLD_GAP_NS (INT64_C(1800) * LG_NS_PER_SEC) /* alerts.fold_gap */

struct lg_window_metrics {
    double auc;
    double ap;
    double recall[3];         /* of windows at 5 %, 1 %, 0.1 % false windows */
    double capture_recall[3]; /* captures with at least one attack window found, the same */
};

struct lg_alert_metrics {
    double threshold;   /* in the scorer's own unit */
    uint32_t campaigns; /* captures with attack windows */
    uint32_t found;
    double delay_median_s; /* first found window's end - first seed; NAN when none */
    uint32_t false_alerts; /* runs of alerts on benign hosts, folded by LG_FOLD_GAP_NS */
    double benign_hours;   /* endpoint-hours */
    double per_day_low;    /* exact Poisson 95 % interval of false alerts per endpoint-day */
    double per_day_high;
};

/* Rows that count: labelled, scored, not extra. `pick` has one byte a row. */
void lg_report_pick(const struct lg_dataset *ds, const double *score, uint8_t *pick);
int lg_report_windows(const struct lg_dataset *ds, const double *score, const uint8_t *pick,
        struct lg_window_metrics *ret) LG_MUST_CHECK;
int lg_report_alerts(const struct lg_dataset *ds, const double *score, const uint8_t *pick,
        double threshold, struct lg_alert_metrics *ret) LG_MUST_CHECK;
/* Smallest threshold with at most one false alert per endpoint-day; +inf when none. */
int lg_report_daily_threshold(const struct lg_dataset *ds, const double *score, const uint8_t *pick,
        double *ret) LG_MUST_CHECK;

/* Markdown rows. */
void lg_report_window_header(struct lg_buf *out);
void lg_report_window_row(
        struct lg_buf *out, const char *name, const struct lg_window_metrics *m, uint32_t n);
void lg_report_alert_header(struct lg_buf *out);
void lg_report_alert_row(struct lg_buf *out, const char *name, const struct lg_alert_metrics *m);

#endif
