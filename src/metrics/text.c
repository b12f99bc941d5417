#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "metrics/metrics_int.h"

/* Shortest text that reads back as the same number. */
static void put_double(struct lg_buf *out, double v)
{
    char text[40];
    double back;

    if (!isfinite(v)) {
        lg_buf_adds(out, lg_str_z(isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf"));
        return;
    }
    if (fabs(v) < 1e15 && !(v < floor(v)) && !(v > floor(v))) {
        lg_buf_printf(out, "%.0f", v);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (lg_parse_double(lg_str_z(text), &back) == 0 && !(back < v) && !(back > v))
            break;
    }
    lg_buf_adds(out, lg_str_z(text));
}

/* name{labels} and a space. */
static void put_series(
        struct lg_buf *out, const char *name, const char *suffix, const struct lg_metrics_series *s)
{
    lg_buf_printf(out, "%s%s", name, suffix);
    if (s->labels_n > 0)
        lg_buf_printf(out, "{%s}", s->labels);
    lg_buf_addc(out, ' ');
}

static void put_bucket(struct lg_buf *out, const struct lg_metric_desc *desc,
        const struct lg_metrics_series *s, double le, uint64_t n)
{
    lg_buf_printf(out, "%s_bucket{%s%sle=\"", desc->name, s->labels, s->labels_n > 0 ? "," : "");
    put_double(out, le);
    lg_buf_printf(out, "\"} %" PRIu64 "\n", n);
}

/* scale * 5 * 10^k must read 0.005, not 0.0050000000000000001. */
static double round_bound(double v)
{
    char text[40];
    double back = v;

    (void)snprintf(text, sizeof(text), "%.12g", v);
    return lg_parse_double(lg_str_z(text), &back) == 0 ? back : v;
}

static void put_histogram(const struct lg_metrics *m, const struct lg_metric_desc *desc,
        const struct lg_metrics_series *s, struct lg_buf *out)
{
    static const uint64_t steps[] = {1, 2, 5};
    uint64_t below = 0, bound = 1;
    uint32_t next = 0;

    for (unsigned i = 0; i < 3 * LG_HIST_DECADES; i++) {
        const uint64_t le = bound * steps[i % 3];

        for (; next < LG_HIST_BUCKETS && lg_hist_upper(next) <= le; next++)
            below += lg_metrics_sum(m, s->slot + 1 + next);
        put_bucket(out, desc, s, round_bound((double)le * desc->scale), below);
        if (i % 3 == 2)
            bound *= 10;
    }
    for (; next < LG_HIST_BUCKETS; next++)
        below += lg_metrics_sum(m, s->slot + 1 + next);
    put_bucket(out, desc, s, (double)INFINITY, below);
    put_series(out, desc->name, "_sum", s);
    put_double(out, round_bound((double)lg_metrics_sum(m, s->slot) * desc->scale));
    lg_buf_addc(out, '\n');
    put_series(out, desc->name, "_count", s);
    lg_buf_printf(out, "%" PRIu64 "\n", below);
}

static void put_one(const struct lg_metrics *m, const struct lg_metric_desc *desc,
        const struct lg_metrics_series *s, struct lg_buf *out)
{
    if (desc->kind == LG_METRIC_HISTOGRAM) {
        put_histogram(m, desc, s, out);
        return;
    }
    if (s->slot == 0 && s->read == NULL)
        return;
    put_series(out, desc->name, "", s);
    if (s->slot == 0)
        put_double(out, s->read(s->user));
    else if (desc->kind == LG_METRIC_GAUGE)
        lg_buf_printf(out, "%" PRId64, (int64_t)lg_metrics_sum(m, s->slot));
    else
        lg_buf_printf(out, "%" PRIu64, lg_metrics_sum(m, s->slot));
    lg_buf_addc(out, '\n');
}

static const char *kind_name(enum lg_metric_kind kind)
{
    return kind == LG_METRIC_COUNTER ? "counter" : kind == LG_METRIC_GAUGE ? "gauge" : "histogram";
}

static void put_help(const struct lg_metric_desc *desc, struct lg_buf *out)
{
    lg_buf_printf(out, "# HELP %s ", desc->name);
    for (const char *p = desc->help; *p != '\0'; p++) {
        if (*p == '\n')
            lg_buf_adds(out, LG_STR("\\n"));
        else if (*p == '\\')
            lg_buf_adds(out, LG_STR("\\\\"));
        else
            lg_buf_addc(out, *p);
    }
    lg_buf_printf(out, "\n# TYPE %s %s\n", desc->name, kind_name(desc->kind));
}

void lg_metrics_write(struct lg_metrics *m, struct lg_buf *out)
{
    (void)pthread_mutex_lock(&m->lock);
    for (size_t f = 0; f < m->families.n; f++) {
        const struct lg_metrics_family *fam = &m->families.v[f];

        put_help(fam->desc, out);
        for (size_t i = 0; i < fam->series.n; i++)
            put_one(m, fam->desc, &fam->series.v[i], out);
    }
    (void)pthread_mutex_unlock(&m->lock);
}

static const struct lg_metric_desc *desc_of(const struct lg_metrics *m, uint32_t slot)
{
    for (size_t f = 0; f < m->families.n; f++)
        for (size_t i = 0; i < m->families.v[f].series.n; i++)
            if (m->families.v[f].series.v[i].slot == slot)
                return m->families.v[f].desc;
    return NULL;
}

uint64_t lg_metrics_histogram_count(struct lg_metrics *m, struct lg_histogram h)
{
    uint64_t n = 0;

    (void)pthread_mutex_lock(&m->lock);
    for (uint32_t i = 0; h.slot != 0 && i < LG_HIST_BUCKETS; i++)
        n += lg_metrics_sum(m, h.slot + 1 + i);
    (void)pthread_mutex_unlock(&m->lock);
    return n;
}

double lg_metrics_histogram_quantile(struct lg_metrics *m, struct lg_histogram h, double q)
{
    const uint64_t n = lg_metrics_histogram_count(m, h);
    const double want = ceil((double)n * (q < 0 ? 0 : q > 1 ? 1 : q));
    const uint64_t rank = want < 1 ? 1 : (uint64_t)want;
    const struct lg_metric_desc *desc;
    double ret = 0;
    uint64_t below = 0;

    if (n == 0)
        return 0;
    (void)pthread_mutex_lock(&m->lock);
    desc = desc_of(m, h.slot);
    for (uint32_t i = 0; i < LG_HIST_BUCKETS && below < rank; i++) {
        below += lg_metrics_sum(m, h.slot + 1 + i);
        ret = (double)lg_hist_upper(i) * (desc != NULL ? desc->scale : 1);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return round_bound(ret);
}

void lg_metrics_reference(struct lg_buf *out)
{
    lg_buf_adds(out,
            LG_STR("# Metrics\n\nGenerated by `make docs` from `src/metrics/names.def`; do not "
                   "edit.\n\n`GET /metrics` (a token with the scope `metrics`) answers in "
                   "Prometheus's text format 0.0.4. No label ever\nnames a tenant or an endpoint. "
                   "Counters begin anew with the process. Histograms count internally with\n90 "
                   "buckets a decade and show bounds at 1, 2 and 5 of each decade.\n\n"
                   "| Name | Kind | Labels | Meaning |\n|---|---|---|---|\n"));
    for (size_t i = 0; i < LG_METRIC_COUNT; i++)
        lg_buf_printf(out, "| `%s` | %s | %s | %s |\n", lg_metric_table[i].name,
                kind_name(lg_metric_table[i].kind), lg_metric_table[i].labels,
                lg_metric_table[i].help);
}
