#include "capture/probe.h"

#include <stdlib.h>

#include "base/mem.h"

#define PROBE_SAMPLES 2000
#define PROBE_BYTES ((size_t)4 << 20)
#define PROBE_BYTES_MAX ((size_t)16 << 20) /* while nothing was learnt: some begin with a backlog */
#define QUARTER_NS (INT64_C(900) * LG_NS_PER_SEC)

struct lg_probe {
    struct lg_normalizer *nz;
    const struct lg_format *format;
    size_t bytes;
    size_t n;
    int64_t samples[PROBE_SAMPLES];
};

int lg_probe_new(struct lg_probe **ret)
{
    struct lg_probe *p = lg_calloc(1, sizeof(*p));
    int rc;

    if (p == NULL)
        return LG_ENOMEM;
    rc = lg_normalizer_new(&p->nz);
    if (rc < 0) {
        lg_free(p);
        return rc;
    }
    *ret = p;
    return 0;
}

void lg_probe_free(struct lg_probe *p)
{
    if (p == NULL)
        return;
    lg_normalizer_free(p->nz);
    lg_free(p);
}

static bool is_enough(const struct lg_probe *p)
{
    return p->n == PROBE_SAMPLES || p->bytes >= (p->n > 0 ? PROBE_BYTES : PROBE_BYTES_MAX);
}

bool lg_probe_batch(struct lg_probe *p, const struct lg_capture_batch *b)
{
    for (size_t i = 0; i < b->records.n && !is_enough(p); i++) {
        struct lg_str rec = lg_capture_record_str(b, i);

        p->bytes += rec.n;
        if (b->records.v[i].oversized)
            continue;
        if (p->format == NULL) {
            p->format = lg_format_recognise(p->nz, rec, true);
            if (p->format != NULL && !lg_format_may_skew(p->format))
                return false;
        }
        if (p->format != NULL && lg_format_header_skew(p->nz, rec, true, &p->samples[p->n]))
            p->n++;
    }
    return !is_enough(p);
}

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

bool lg_probe_offset(int64_t *samples, size_t n, int64_t *ret_ns)
{
    int64_t median, offset;
    size_t near = 0;

    if (n == 0)
        return false;
    qsort(samples, n, sizeof(*samples), by_value);
    median = samples[n / 2];
    offset = (median + (median < 0 ? -QUARTER_NS : QUARTER_NS) / 2) / QUARTER_NS * QUARTER_NS;
    for (size_t i = 0; i < n; i++)
        if (samples[i] >= offset - QUARTER_NS / 2 && samples[i] <= offset + QUARTER_NS / 2)
            near++;
    if (near * 5 < n * 3)
        return false;
    *ret_ns = offset;
    return true;
}

struct lg_probe_result lg_probe_done(struct lg_probe *p)
{
    struct lg_probe_result r = {p->format, false, 0};

    r.has_offset = lg_probe_offset(p->samples, p->n, &r.offset_ns);
    return r;
}
