#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/alert_columns_int.h"

/* ---- filters: each takes rows out of a list of rows ---- */

struct rows {
    uint32_t *v; /* room for all rows of the largest part */
    uint32_t n;
};

#define KEEP(rows, condition)                                                                      \
    do {                                                                                           \
        uint32_t kept_ = 0;                                                                        \
        for (uint32_t i_ = 0; i_ < (rows)->n; i_++) {                                              \
            uint32_t row = (rows)->v[i_];                                                          \
            (rows)->v[kept_] = row;                                                                \
            kept_ += (condition);                                                                  \
        }                                                                                          \
        (rows)->n = kept_;                                                                         \
    } while (0)

static void keep_faces(
        const struct lg_alert_part *p, const struct lg_alert_query *q, struct rows *rows)
{
    bool ok[LG_ALERT_FACES];

    if (q->statuses == 0 && q->severities == 0)
        return;
    for (unsigned i = 0; i < LG_ALERT_FACES; i++)
        ok[i] = (q->statuses == 0 || (q->statuses >> lg_alert_face_status(i) & 1) != 0) &&
                (q->severities == 0 || (q->severities >> lg_alert_face_severity(i) & 1) != 0);
    KEEP(rows, ok[p->face[row]]);
}

static void keep_times(
        const struct lg_alert_part *p, const struct lg_alert_query *q, struct rows *rows)
{
    if (q->from != 0)
        KEEP(rows, p->last_seen[row] >= q->from);
    if (q->to != 0)
        KEEP(rows, p->first_seen[row] < q->to);
    if (q->received_from != 0)
        KEEP(rows, p->received_at[row] >= q->received_from);
    if (q->received_to != 0)
        KEEP(rows, p->received_at[row] < q->received_to);
}

/* Where a technique is asked for, its own list is where to start. */
static void start(const struct lg_alert_columns *c, const struct lg_alert_part *p,
        struct lg_str technique, struct rows *rows)
{
    uint32_t name;

    rows->n = 0;
    if (technique.n > 0) {
        if (lg_words_find(&c->names, technique, &name) < 0 || name >= p->techniques.n)
            return;
        rows->n = (uint32_t)p->techniques.v[name].rows.n;
        if (rows->n > 0)
            memcpy(rows->v, p->techniques.v[name].rows.v, rows->n * sizeof(*rows->v));
        return;
    }
    for (; rows->n < p->n; rows->n++)
        rows->v[rows->n] = rows->n;
}

static bool row_has(const struct lg_alert_part *p, uint32_t row, struct lg_str needle)
{
    const uint32_t *w = p->words.v + p->words_at[row];

    for (uint32_t i = 1; i <= w[0]; i++) {
        struct lg_str s = lg_words_get(&p->pool, w[i]);

        if (s.n >= needle.n && memmem(s.p, s.n, needle.p, needle.n) != NULL)
            return true;
    }
    return false;
}

static bool row_has_any(const struct lg_alert_part *p, uint32_t row, const uint64_t *bits)
{
    const uint32_t *w = p->words.v + p->words_at[row];

    for (uint32_t i = 1; i <= w[0]; i++)
        if (lg_words_bit(bits, w[i]))
            return true;
    return false;
}

/* Looking into the texts of a row costs what a pass over this many bytes of all texts does. */
#define ROW_COSTS 1024

static int keep_text(const struct lg_alert_part *p, struct lg_str needle, struct rows *rows)
{
    uint64_t *bits;

    if (needle.n == 0 || rows->n == 0)
        return 0;
    if (rows->n < p->pool.text.n / ROW_COSTS) {
        KEEP(rows, row_has(p, row, needle));
        return 0;
    }
    bits = (uint64_t *)lg_calloc(lg_words_bits(&p->pool), sizeof(*bits));
    if (bits == NULL)
        return LG_ENOMEM;
    if (lg_words_match(&p->pool, needle, bits) == 0)
        rows->n = 0;
    else
        KEEP(rows, row_has_any(p, row, bits));
    lg_free(bits);
    return 0;
}

static int filter(const struct lg_alert_columns *c, const struct lg_alert_part *p,
        const struct lg_alert_columns_query *cq, int64_t endpoint, struct rows *rows)
{
    const struct lg_alert_query *q = cq->q;
    uint32_t assignee = 0;

    rows->n = 0;
    if (q->endpoint.n > 0 && (endpoint <= 0 || endpoint > UINT32_MAX))
        return 0;
    if (q->assignee.n > 0 && lg_words_find(&c->names, q->assignee, &assignee) < 0)
        return 0;
    start(c, p, q->technique, rows);
    keep_faces(p, q, rows);
    if (q->endpoint.n > 0)
        KEEP(rows, p->endpoint[row] == (uint32_t)endpoint);
    if (q->assignee.n > 0)
        KEEP(rows, p->assignee[row] == assignee + 1);
    keep_times(p, q, rows);
    return keep_text(p, cq->text, rows);
}

/* ---- order: the first `want` places, always ascending; downwards, all values are turned ---- */

static int place_cmp(const struct lg_alert_place *a, const struct lg_alert_place *b)
{
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    if (a->second != b->second)
        return a->second < b->second ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

static int by_place(const void *a, const void *b)
{
    return place_cmp((const struct lg_alert_place *)a, (const struct lg_alert_place *)b);
}

static struct lg_alert_place turn(struct lg_alert_place p)
{
    return (struct lg_alert_place){~p.value, ~p.second, ~p.id};
}

static void swap(struct lg_alert_place *a, struct lg_alert_place *b)
{
    struct lg_alert_place t = *a;

    *a = *b;
    *b = t;
}

/* Puts the k first of v[0..n) in front, k < n, in no order: Hoare's selection. */
static void select_first(struct lg_alert_place *v, size_t n, size_t k)
{
    size_t low = 0, high = n - 1;

    while (low < high) {
        struct lg_alert_place pivot;
        size_t i = low, j = high;

        /* of three, so that what is in order already is split in the middle */
        if (place_cmp(&v[low + (high - low) / 2], &v[low]) < 0)
            swap(&v[low], &v[low + (high - low) / 2]);
        if (place_cmp(&v[high], &v[low]) < 0)
            swap(&v[low], &v[high]);
        if (place_cmp(&v[high], &v[low + (high - low) / 2]) < 0)
            swap(&v[high], &v[low + (high - low) / 2]);
        pivot = v[low + (high - low) / 2];
        while (i <= j) {
            while (place_cmp(&v[i], &pivot) < 0)
                i++;
            while (place_cmp(&pivot, &v[j]) < 0)
                j--;
            if (i > j)
                break;
            swap(&v[i++], &v[j]);
            if (j == 0)
                break;
            j--;
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            return;
    }
}

struct top {
    LG_VEC(struct lg_alert_place) v;
    size_t want;
    bool full;
    struct lg_alert_place last; /* of the first `want` so far, where full */
};

static void top_shrink(struct top *t)
{
    if (t->v.n <= t->want)
        return;
    select_first(t->v.v, t->v.n, t->want - 1);
    t->v.n = t->want;
    t->last = t->v.v[t->want - 1];
    t->full = true;
}

static int top_add(struct top *t, const struct lg_alert_place *p)
{
    int rc;

    if (t->full && place_cmp(p, &t->last) >= 0)
        return 0;
    rc = lg_vec_push(&t->v, *p);
    if (rc >= 0 && t->v.n >= t->want + t->want / 2 + 1024)
        top_shrink(t);
    return rc;
}

static const int64_t *wide_column(const struct lg_alert_part *p, enum lg_alert_sort s)
{
    switch (s) {
    case LG_ALERT_BY_LAST_SEEN:
        return p->last_seen;
    case LG_ALERT_BY_FIRST_SEEN:
        return p->first_seen;
    case LG_ALERT_BY_RECEIVED:
        return p->received_at;
    case LG_ALERT_BY_CREATED:
        return p->created_at;
    case LG_ALERT_BY_UPDATED:
        return p->updated_at;
    case LG_ALERT_BY_PROB:
        return p->prob;
    default:
        return NULL;
    }
}

static int add_places(const struct lg_alert_part *p, const struct lg_alert_columns_query *cq,
        const struct rows *rows, struct top *t)
{
    const int64_t *wide = wide_column(p, cq->q->sort);
    const int64_t *second = cq->second ? p->last_seen : NULL;
    bool severity = cq->q->sort == LG_ALERT_BY_SEVERITY, up = cq->q->ascending;
    struct lg_alert_place after = {0};

    if (cq->after != NULL)
        after = up ? *cq->after : turn(*cq->after);
    for (uint32_t i = 0; i < rows->n; i++) {
        uint32_t row = rows->v[i];
        struct lg_alert_place at = {.value = wide != NULL ? wide[row]
                        : severity                        ? lg_alert_face_severity(p->face[row])
                                                          : p->occurrences[row],
                .second = second != NULL ? second[row] : 0,
                .id = p->id[row]};
        int rc;

        if (!up)
            at = turn(at);
        if (cq->after != NULL && place_cmp(&at, &after) <= 0)
            continue;
        rc = top_add(t, &at);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void finish(struct top *t, const struct lg_alert_query *q, size_t skip,
        struct lg_alert_columns_page *ret)
{
    size_t n;

    top_shrink(t);
    if (skip > 0 && skip < t->v.n)
        select_first(t->v.v, t->v.n, skip);
    n = t->v.n > skip ? t->v.n - skip : 0;
    if (n > 0 && skip > 0)
        memmove(t->v.v, t->v.v + skip, n * sizeof(*t->v.v));
    if (n > 1)
        qsort(t->v.v, n, sizeof(*t->v.v), by_place);
    for (size_t i = 0; !q->ascending && i < n; i++)
        t->v.v[i] = turn(t->v.v[i]);
    ret->places = LG_TAKE(t->v.v);
    ret->n = (uint32_t)n;
}

static const struct lg_alert_part *part_of(const struct lg_alert_columns *c, int64_t tenant)
{
    const uint64_t *i = lg_map_get(&c->by_tenant, (uint64_t)tenant);

    return i == NULL ? NULL : &c->parts.v[*i];
}

int lg_alert_columns_list(const struct lg_alert_columns *c, const struct lg_alert_columns_query *cq,
        struct lg_alert_columns_page *ret)
{
    size_t skip = cq->after != NULL ? 0 : cq->q->offset;
    struct lg_alert_columns_page page = {0};
    struct top t = {.want = skip + cq->q->limit + 1};
    struct rows rows = {0};
    uint32_t most = 0;
    int rc = 0;

    for (uint32_t i = 0; i < cq->n_tenants; i++) {
        const struct lg_alert_part *p = part_of(c, cq->tenants[i]);

        if (p != NULL && p->n > most)
            most = p->n;
    }
    rows.v = (uint32_t *)lg_malloc((most + 1) * sizeof(*rows.v));
    if (rows.v == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; rc >= 0 && i < cq->n_tenants; i++) {
        const struct lg_alert_part *p = part_of(c, cq->tenants[i]);

        if (p == NULL || p->n == 0)
            continue;
        rc = filter(c, p, cq, cq->endpoints != NULL ? cq->endpoints[i] : 0, &rows);
        page.total += rows.n;
        if (rc >= 0)
            rc = add_places(p, cq, &rows, &t);
    }
    if (rc >= 0)
        finish(&t, cq->q, skip, &page);
    lg_free(rows.v);
    lg_vec_done(&t.v);
    if (rc < 0)
        return rc;
    *ret = page;
    return 0;
}
