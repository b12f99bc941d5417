#include <string.h>

#include "metrics/metrics_int.h"

#define MAX_LABELS 8
#define MAX_LABEL_BYTES 1024
#define MAX_SERIES 4096 /* of one family */

const struct lg_metric_desc lg_metric_table[LG_METRIC_COUNT] = {
#define LG_METRIC_ROW(id, n, k, s, l, h)                                                           \
    [LG_METRIC_##id] = {                                                                           \
            .name = (n), .help = (h), .kind = LG_METRIC_##k, .scale = (s), .labels = (l)},
#include "metrics/names.def"
#undef LG_METRIC_ROW
};

static const uint64_t pow10_of[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
        1000000000, UINT64_C(10000000000), UINT64_C(100000000000), UINT64_C(1000000000000)};
_Static_assert(sizeof(pow10_of) / sizeof(*pow10_of) == LG_HIST_DECADES + 1, "a power a decade");
_Static_assert(LG_HIST_SLOTS <= LG_METRICS_PAGE_SLOTS, "a histogram lies in one page");

uint32_t lg_hist_index(uint64_t v)
{
    const uint64_t x = v > 0 ? v - 1 : 0;
    uint32_t e;

    if (x < 10)
        return (uint32_t)x;
    if (x >= pow10_of[LG_HIST_DECADES])
        return LG_HIST_BUCKETS - 1;
    e = ((64 - (uint32_t)__builtin_clzll(x)) * 1233) >> 12; /* log10, at most one too much */
    if (x < pow10_of[e])
        e--;
    return 10 + (e - 1) * 90 + (uint32_t)(x / pow10_of[e - 1]) - 10;
}

uint64_t lg_hist_upper(uint32_t index)
{
    if (index < 10)
        return index + 1;
    return ((index - 10) % 90 + 11) * pow10_of[(index - 10) / 90];
}

void lg_histogram_add(struct lg_metrics_shard *sh, struct lg_histogram h, uint64_t v)
{
    if (sh == NULL || h.slot == 0)
        return;
    lg_metrics_slot_add(sh, h.slot, v);
    lg_metrics_slot_add(sh, h.slot + 1 + lg_hist_index(v), 1);
}

static int add_page(struct lg_metrics *m)
{
    const uint32_t p = m->pages;

    if (p == LG_METRICS_PAGES)
        return LG_ELIMIT;
    m->retired[p] = (uint64_t *)lg_calloc(LG_METRICS_PAGE_SLOTS, sizeof(uint64_t));
    if (m->retired[p] == NULL)
        return LG_ENOMEM;
    for (struct lg_metrics_shard *sh = m->shards; sh != NULL; sh = sh->next) {
        _Atomic uint64_t *page;

        if (atomic_load_explicit(&sh->page[p], memory_order_relaxed) != NULL)
            continue; /* left by an attempt that ran out of memory further on */
        page = (_Atomic uint64_t *)lg_calloc(LG_METRICS_PAGE_SLOTS, sizeof(*page));
        if (page == NULL) {
            lg_free(m->retired[p]);
            m->retired[p] = NULL;
            return LG_ENOMEM;
        }
        atomic_store_explicit(&sh->page[p], page, memory_order_release);
    }
    m->pages++;
    return 0;
}

int lg_metrics_new(struct lg_metrics **ret)
{
    struct lg_metrics *m = (struct lg_metrics *)lg_calloc(1, sizeof(*m));

    if (m == NULL)
        return LG_ENOMEM;
    if (pthread_mutex_init(&m->lock, NULL) != 0 || add_page(m) < 0) {
        lg_free(m);
        return LG_ENOMEM;
    }
    m->next_slot = 1; /* slot 0 is where zero handles count */
    *ret = m;
    return 0;
}

void lg_metrics_free(struct lg_metrics *m)
{
    if (m == NULL)
        return;
    LG_ASSERT(m->shards == NULL);
    for (size_t f = 0; f < m->families.n; f++) {
        for (size_t i = 0; i < m->families.v[f].series.n; i++)
            lg_free(m->families.v[f].series.v[i].labels);
        lg_vec_done(&m->families.v[f].series);
    }
    lg_vec_done(&m->families);
    for (uint32_t p = 0; p < LG_METRICS_PAGES; p++)
        lg_free(m->retired[p]);
    (void)pthread_mutex_destroy(&m->lock);
    lg_free(m);
}

int lg_metrics_shard_new(struct lg_metrics *m, struct lg_metrics_shard **ret)
{
    struct lg_metrics_shard *sh = (struct lg_metrics_shard *)lg_calloc(1, sizeof(*sh));
    int rc = sh != NULL ? 0 : LG_ENOMEM;

    if (rc < 0)
        return rc;
    sh->registry = m;
    (void)pthread_mutex_lock(&m->lock);
    for (uint32_t p = 0; p < m->pages; p++) {
        _Atomic uint64_t *page =
                (_Atomic uint64_t *)lg_calloc(LG_METRICS_PAGE_SLOTS, sizeof(*page));

        if (page == NULL)
            rc = LG_ENOMEM;
        atomic_init(&sh->page[p], page);
    }
    if (rc == 0) {
        sh->next = m->shards;
        if (m->shards != NULL)
            m->shards->prev = sh;
        m->shards = sh;
    }
    (void)pthread_mutex_unlock(&m->lock);
    if (rc < 0) {
        for (uint32_t p = 0; p < LG_METRICS_PAGES; p++)
            lg_free((void *)(uintptr_t)atomic_load(&sh->page[p]));
        lg_free(sh);
        return rc;
    }
    *ret = sh;
    return 0;
}

static uint64_t shard_value(const struct lg_metrics_shard *sh, uint32_t slot)
{
    const _Atomic uint64_t *page =
            atomic_load_explicit(&sh->page[slot / LG_METRICS_PAGE_SLOTS], memory_order_acquire);

    return atomic_load_explicit(&page[slot % LG_METRICS_PAGE_SLOTS], memory_order_relaxed);
}

static void retire(
        struct lg_metrics *m, const struct lg_metrics_shard *sh, uint32_t slot, uint32_t n)
{
    for (uint32_t i = slot; i < slot + n; i++)
        m->retired[i / LG_METRICS_PAGE_SLOTS][i % LG_METRICS_PAGE_SLOTS] += shard_value(sh, i);
}

void lg_metrics_shard_free(struct lg_metrics_shard *sh)
{
    struct lg_metrics *m;

    if (sh == NULL)
        return;
    m = sh->registry;
    (void)pthread_mutex_lock(&m->lock);
    for (size_t f = 0; f < m->families.n; f++) {
        const struct lg_metrics_family *fam = &m->families.v[f];

        for (size_t i = 0; i < fam->series.n && fam->desc->kind != LG_METRIC_GAUGE; i++)
            if (fam->series.v[i].slot != 0)
                retire(m, sh, fam->series.v[i].slot,
                        fam->desc->kind == LG_METRIC_HISTOGRAM ? LG_HIST_SLOTS : 1);
    }
    if (sh->prev != NULL)
        sh->prev->next = sh->next;
    else
        m->shards = sh->next;
    if (sh->next != NULL)
        sh->next->prev = sh->prev;
    (void)pthread_mutex_unlock(&m->lock);
    for (uint32_t p = 0; p < LG_METRICS_PAGES; p++)
        lg_free((void *)(uintptr_t)atomic_load(&sh->page[p]));
    lg_free(sh);
}

uint64_t lg_metrics_sum(const struct lg_metrics *m, uint32_t slot)
{
    uint64_t v = m->retired[slot / LG_METRICS_PAGE_SLOTS][slot % LG_METRICS_PAGE_SLOTS];

    for (const struct lg_metrics_shard *sh = m->shards; sh != NULL; sh = sh->next)
        v += shard_value(sh, slot);
    return v;
}

/* Registration. */

static bool name_ok(const char *name, bool colon)
{
    if (name == NULL || *name == '\0' || (*name >= '0' && *name <= '9'))
        return false;
    for (; *name != '\0'; name++) {
        const char c = lg_ascii_lower(*name);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && !(colon && c == ':'))
            return false;
    }
    return true;
}

static int render_labels(
        const struct lg_metric_label *labels, size_t n, bool histogram, struct lg_buf *out)
{
    if (n > MAX_LABELS)
        return LG_ELIMIT;
    for (size_t i = 0; i < n; i++) {
        if (!name_ok(labels[i].name, false) || strncmp(labels[i].name, "__", 2) == 0 ||
                (histogram && strcmp(labels[i].name, "le") == 0) || labels[i].value == NULL)
            return LG_EINVAL;
        for (size_t k = 0; k < i; k++)
            if (strcmp(labels[i].name, labels[k].name) == 0)
                return LG_EINVAL;
        lg_buf_printf(out, "%s%s=\"", i > 0 ? "," : "", labels[i].name);
        for (const char *p = labels[i].value; *p != '\0'; p++) {
            if (*p == '\n') {
                lg_buf_adds(out, LG_STR("\\n"));
                continue;
            }
            if (*p == '"' || *p == '\\')
                lg_buf_addc(out, '\\');
            lg_buf_addc(out, *p);
        }
        lg_buf_addc(out, '"');
    }
    return out->failed;
}

static int family_of(
        struct lg_metrics *m, const struct lg_metric_desc *desc, struct lg_metrics_family **ret)
{
    for (size_t f = 0; f < m->families.n; f++) {
        if (strcmp(m->families.v[f].desc->name, desc->name) != 0)
            continue;
        if (m->families.v[f].desc->kind != desc->kind)
            return LG_EINVAL;
        *ret = &m->families.v[f];
        return 0;
    }
    if (lg_vec_push(&m->families, (struct lg_metrics_family){.desc = desc}) < 0)
        return LG_ENOMEM;
    *ret = &m->families.v[m->families.n - 1];
    return 0;
}

static int take_slots(struct lg_metrics *m, uint32_t n, uint32_t *ret)
{
    const uint32_t left = LG_METRICS_PAGE_SLOTS - m->next_slot % LG_METRICS_PAGE_SLOTS;
    const uint32_t at = left < n ? m->next_slot + left : m->next_slot;
    int rc = 0;

    while (rc == 0 && (at + n - 1) / LG_METRICS_PAGE_SLOTS >= m->pages)
        rc = add_page(m);
    if (rc < 0)
        return rc;
    m->next_slot = at + n;
    *ret = at;
    return 0;
}

/* Finds or makes the series; the lock is held. */
static int series_of(struct lg_metrics *m, const struct lg_metric_desc *desc, struct lg_str labels,
        uint32_t slots, struct lg_metrics_series **ret)
{
    struct lg_metrics_family *fam = NULL;
    struct lg_metrics_series s = {.labels_n = labels.n};
    int rc = family_of(m, desc, &fam);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < fam->series.n; i++) {
        struct lg_metrics_series *have = &fam->series.v[i];

        if (!lg_str_eq(lg_str_of(have->labels, have->labels_n), labels))
            continue;
        if ((have->slot != 0) != (slots != 0))
            return LG_EINVAL; /* counted here, called back there */
        *ret = have;
        return 0;
    }
    if (fam->series.n >= MAX_SERIES)
        return LG_ELIMIT;
    rc = lg_vec_reserve(&fam->series, fam->series.n + 1);
    if (rc < 0)
        return rc;
    s.labels = lg_strndup(labels.p != NULL ? labels.p : "", labels.n);
    if (s.labels == NULL)
        return LG_ENOMEM;
    rc = slots > 0 ? take_slots(m, slots, &s.slot) : 0;
    if (rc < 0) {
        lg_free(s.labels);
        return rc;
    }
    fam->series.v[fam->series.n] = s;
    *ret = &fam->series.v[fam->series.n++];
    return 0;
}

static int add(struct lg_metrics *m, const struct lg_metric_desc *desc, enum lg_metric_kind kind,
        const struct lg_metric_label *labels, size_t n_labels, uint32_t *ret)
{
    struct lg_metrics_series *s = NULL;
    struct lg_buf text;
    int rc;

    if (desc->kind != kind || !name_ok(desc->name, true))
        return LG_EINVAL;
    lg_buf_init(&text, MAX_LABEL_BYTES);
    rc = render_labels(labels, n_labels, kind == LG_METRIC_HISTOGRAM, &text);
    if (rc == 0) {
        (void)pthread_mutex_lock(&m->lock);
        rc = series_of(m, desc, lg_buf_str(&text),
                kind == LG_METRIC_HISTOGRAM ? (uint32_t)LG_HIST_SLOTS : 1u, &s);
        if (rc == 0)
            *ret = s->slot;
        (void)pthread_mutex_unlock(&m->lock);
    }
    lg_buf_done(&text);
    return rc;
}

int lg_metrics_counter(struct lg_metrics *m, const struct lg_metric_desc *desc,
        const struct lg_metric_label *labels, size_t n_labels, struct lg_counter *ret)
{
    return add(m, desc, LG_METRIC_COUNTER, labels, n_labels, &ret->slot);
}

int lg_metrics_gauge(struct lg_metrics *m, const struct lg_metric_desc *desc,
        const struct lg_metric_label *labels, size_t n_labels, struct lg_gauge *ret)
{
    return add(m, desc, LG_METRIC_GAUGE, labels, n_labels, &ret->slot);
}

int lg_metrics_histogram(struct lg_metrics *m, const struct lg_metric_desc *desc,
        const struct lg_metric_label *labels, size_t n_labels, struct lg_histogram *ret)
{
    return add(m, desc, LG_METRIC_HISTOGRAM, labels, n_labels, &ret->slot);
}

int lg_metrics_callback(struct lg_metrics *m, const struct lg_metric_desc *desc,
        const struct lg_metric_label *labels, size_t n_labels, double (*read)(void *user),
        void *user)
{
    struct lg_metrics_series *s = NULL;
    struct lg_buf text;
    int rc;

    if (desc->kind == LG_METRIC_HISTOGRAM || !name_ok(desc->name, true))
        return LG_EINVAL;
    lg_buf_init(&text, MAX_LABEL_BYTES);
    rc = render_labels(labels, n_labels, false, &text);
    if (rc == 0) {
        (void)pthread_mutex_lock(&m->lock);
        rc = series_of(m, desc, lg_buf_str(&text), 0, &s);
        if (rc == 0) {
            s->read = read;
            s->user = user;
        }
        (void)pthread_mutex_unlock(&m->lock);
    }
    lg_buf_done(&text);
    return rc;
}

uint64_t lg_metrics_counter_value(struct lg_metrics *m, struct lg_counter c)
{
    uint64_t v;

    (void)pthread_mutex_lock(&m->lock);
    v = lg_metrics_sum(m, c.slot);
    (void)pthread_mutex_unlock(&m->lock);
    return v;
}

int64_t lg_metrics_gauge_value(struct lg_metrics *m, struct lg_gauge g)
{
    return (int64_t)lg_metrics_counter_value(m, (struct lg_counter){g.slot});
}
