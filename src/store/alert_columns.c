#include <stddef.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/alert_columns_int.h"
#include "store/alert_techniques.h"

static const struct {
    size_t at, size;
} arrays[] = {
        {offsetof(struct lg_alert_part, id), sizeof(int64_t)},
        {offsetof(struct lg_alert_part, first_seen), sizeof(int64_t)},
        {offsetof(struct lg_alert_part, last_seen), sizeof(int64_t)},
        {offsetof(struct lg_alert_part, received_at), sizeof(int64_t)},
        {offsetof(struct lg_alert_part, created_at), sizeof(int64_t)},
        {offsetof(struct lg_alert_part, updated_at), sizeof(int64_t)},
        {offsetof(struct lg_alert_part, prob), sizeof(int64_t)},
        {offsetof(struct lg_alert_part, occurrences), sizeof(uint32_t)},
        {offsetof(struct lg_alert_part, endpoint), sizeof(uint32_t)},
        {offsetof(struct lg_alert_part, assignee), sizeof(uint32_t)},
        {offsetof(struct lg_alert_part, words_at), sizeof(uint32_t)},
        {offsetof(struct lg_alert_part, face), sizeof(uint8_t)},
};
#define N_ARRAYS (sizeof(arrays) / sizeof(*arrays))

int64_t lg_alert_prob_order(double p)
{
    int64_t bits;

    p += 0.0; /* -0 is 0 */
    memcpy(&bits, &p, sizeof(bits));
    return bits < 0 ? bits ^ INT64_MAX : bits;
}

double lg_alert_prob_of(int64_t order)
{
    double p;

    if (order < 0)
        order ^= INT64_MAX;
    memcpy(&p, &order, sizeof(p));
    return p;
}

int lg_alert_columns_new(struct lg_alert_columns **ret)
{
    struct lg_alert_columns *c = (struct lg_alert_columns *)lg_calloc(1, sizeof(*c));

    if (c == NULL)
        return LG_ENOMEM;
    lg_map_init(&c->by_tenant);
    *ret = c;
    return 0;
}

static void part_done(struct lg_alert_part *p)
{
    for (size_t i = 0; i < N_ARRAYS; i++) {
        void *v;

        memcpy(&v, (char *)p + arrays[i].at, sizeof(v));
        lg_free(v);
    }
    for (size_t i = 0; i < p->techniques.n; i++)
        lg_vec_done(&p->techniques.v[i].rows);
    lg_vec_done(&p->techniques);
    lg_vec_done(&p->words);
    lg_words_done(&p->pool);
    lg_free(p->by_id);
}

void lg_alert_columns_free(struct lg_alert_columns *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->parts.n; i++)
        part_done(&c->parts.v[i]);
    lg_vec_done(&c->parts);
    lg_map_done(&c->by_tenant);
    lg_words_done(&c->names);
    lg_free(c);
}

size_t lg_alert_columns_bytes(const struct lg_alert_columns *c)
{
    size_t sum = sizeof(*c) + lg_words_bytes(&c->names);

    for (size_t i = 0; i < c->parts.n; i++) {
        const struct lg_alert_part *p = &c->parts.v[i];

        sum += sizeof(*p) + lg_words_bytes(&p->pool) +
                (p->by_id_cap + p->words.cap) * sizeof(uint32_t);
        for (size_t k = 0; k < N_ARRAYS; k++)
            sum += p->cap * arrays[k].size;
        for (size_t k = 0; k < p->techniques.n; k++)
            sum += sizeof(p->techniques.v[k]) + p->techniques.v[k].rows.cap * sizeof(uint32_t);
    }
    return sum;
}

static int part_of(struct lg_alert_columns *c, int64_t tenant, struct lg_alert_part **ret)
{
    bool made = false;
    uint64_t *i = lg_map_at(&c->by_tenant, (uint64_t)tenant, c->parts.n, &made);
    int rc = 0;

    if (i == NULL)
        return LG_ENOMEM;
    if (made)
        rc = lg_vec_push(&c->parts, (struct lg_alert_part){0});
    if (rc >= 0)
        *ret = &c->parts.v[*i];
    return rc;
}

/* ---- rows by their id ---- */

static size_t slot_of(const struct lg_alert_part *p, int64_t id)
{
    size_t i = lg_hash_mix(lg_hash_secret(), (uint64_t)id) & (p->by_id_cap - 1);

    while (p->by_id[i] != 0 && p->id[p->by_id[i] - 1] != id)
        i = (i + 1) & (p->by_id_cap - 1);
    return i;
}

static int grow_ids(struct lg_alert_part *p)
{
    size_t cap = p->by_id_cap == 0 ? 64 : p->by_id_cap * 2;
    uint32_t *v = (uint32_t *)lg_calloc(cap, sizeof(*v));

    if (v == NULL)
        return LG_ENOMEM;
    lg_free(p->by_id);
    p->by_id = v;
    p->by_id_cap = cap;
    for (uint32_t i = 0; i < p->n; i++)
        p->by_id[slot_of(p, p->id[i])] = i + 1;
    return 0;
}

static int grow_arrays(struct lg_alert_part *p)
{
    uint32_t cap = p->cap < 64 ? 64 : p->cap + p->cap / 2;

    if (cap >= UINT32_MAX / 2)
        return LG_ELIMIT;
    for (size_t i = 0; i < N_ARRAYS; i++) {
        void *v;

        memcpy(&v, (char *)p + arrays[i].at, sizeof(v));
        v = lg_realloc_array(v, cap, arrays[i].size);
        if (v == NULL)
            return LG_ENOMEM;
        memcpy((char *)p + arrays[i].at, &v, sizeof(v));
    }
    p->cap = cap;
    return 0;
}

/* The alert's row, a new one where it has none. */
static int row_of(struct lg_alert_part *p, int64_t id, uint32_t *ret, bool *ret_new)
{
    size_t slot;
    int rc = 0;

    if (((size_t)p->n + 1) * 4 > p->by_id_cap * 3)
        rc = grow_ids(p);
    if (rc >= 0 && p->n == p->cap)
        rc = grow_arrays(p);
    if (rc < 0)
        return rc;
    slot = slot_of(p, id);
    *ret_new = p->by_id[slot] == 0;
    if (*ret_new) {
        p->id[p->n] = id;
        p->by_id[slot] = ++p->n;
    }
    *ret = p->by_id[slot] - 1;
    return 0;
}

/* ---- texts ---- */

#define PARTS_COMPARED 16 /* of a text: beyond, a part within another is kept too */

/* What lies within another part of the same alert is found there: a host's name in the title. */
static bool within_another(const struct lg_str *v, size_t n, size_t i)
{
    if (n > PARTS_COMPARED)
        return false;
    for (size_t k = 0; k < n; k++)
        if (k != i && v[k].n >= v[i].n && (v[k].n > v[i].n || k < i) &&
                lg_str_find(v[k], v[i]) >= 0)
            return true;
    return false;
}

static int add_word(struct lg_alert_part *p, struct lg_str s)
{
    uint32_t word;
    int rc = lg_words_add(&p->pool, s, &word);

    return rc < 0 ? rc : lg_vec_push(&p->words, word);
}

static int put_text(struct lg_alert_part *p, uint32_t row, bool is_new, struct lg_str text)
{
    struct lg_str parts[PARTS_COMPARED + 1], rest = text, one;
    uint32_t at = (uint32_t)p->words.n, n;
    size_t n_parts = 0;
    int rc;

    if (p->words.n + text.n > UINT32_MAX - 2)
        return LG_ELIMIT;
    rc = lg_vec_push(&p->words, 0u);
    while (n_parts <= PARTS_COMPARED && lg_str_split(&rest, '\n', &one))
        if (one.n > 0)
            parts[n_parts++] = one;
    for (size_t i = 0; rc >= 0 && i < n_parts; i++)
        if (!within_another(parts, n_parts, i))
            rc = add_word(p, parts[i]);
    while (rc >= 0 && lg_str_split(&rest, '\n', &one))
        if (one.n > 0)
            rc = add_word(p, one);
    if (rc < 0)
        return rc;
    n = (uint32_t)p->words.n - at - 1;
    p->words.v[at] = n;
    if (!is_new && p->words.v[p->words_at[row]] == n &&
            memcmp(p->words.v + p->words_at[row], p->words.v + at,
                    (n + 1u) * sizeof(*p->words.v)) == 0)
        p->words.n = at; /* as it was */
    else
        p->words_at[row] = at;
    return 0;
}

/* ---- techniques ---- */

static int add_technique(struct lg_alert_columns *c, struct lg_alert_part *p, uint32_t row,
        bool is_new, struct lg_str name)
{
    struct lg_alert_rows *t;
    uint32_t i;
    int rc = lg_words_add(&c->names, name, &i);

    while (rc >= 0 && p->techniques.n <= i)
        rc = lg_vec_push(&p->techniques, (struct lg_alert_rows){0});
    if (rc < 0)
        return rc;
    t = &p->techniques.v[i];
    /* A new row's numbers come last in each list; another's may stand anywhere. */
    if (is_new) {
        if (t->rows.n > 0 && t->rows.v[t->rows.n - 1] == row)
            return 0;
    } else {
        for (size_t k = 0; k < t->rows.n; k++)
            if (t->rows.v[k] == row)
                return 0;
    }
    return lg_vec_push(&t->rows, row);
}

static int put_techniques(struct lg_alert_columns *c, struct lg_alert_part *p, uint32_t row,
        bool is_new, struct lg_str json)
{
    struct lg_str name;
    int rc = 0;

    while (rc >= 0 && lg_technique_next(&json, &name)) {
        rc = add_technique(c, p, row, is_new, name);
        if (rc >= 0 && name.n > LG_TECHNIQUE_PARENT)
            rc = add_technique(c, p, row, is_new, lg_str_sub(name, 0, LG_TECHNIQUE_PARENT));
    }
    return rc;
}

int lg_alert_columns_put(struct lg_alert_columns *c, const struct lg_alert_columns_row *r)
{
    struct lg_alert_part *p = NULL;
    uint32_t row = 0, assignee = 0;
    bool is_new = false;
    int rc;

    if (r->endpoint < 0 || r->endpoint > UINT32_MAX)
        return LG_ELIMIT;
    rc = part_of(c, r->tenant, &p);
    if (rc >= 0)
        rc = row_of(p, r->id, &row, &is_new);
    if (rc >= 0 && r->assignee.n > 0) {
        rc = lg_words_add(&c->names, r->assignee, &assignee);
        assignee++;
    }
    if (rc >= 0)
        rc = put_text(p, row, is_new, r->text);
    if (rc >= 0)
        rc = put_techniques(c, p, row, is_new, r->techniques);
    if (rc < 0)
        return rc;
    p->first_seen[row] = r->first_seen;
    p->last_seen[row] = r->last_seen;
    p->received_at[row] = r->received_at;
    p->created_at[row] = r->created_at;
    p->updated_at[row] = r->updated_at;
    p->prob[row] = lg_alert_prob_order(r->attack_prob);
    p->occurrences[row] = r->occurrences > UINT32_MAX ? UINT32_MAX : (uint32_t)r->occurrences;
    p->endpoint[row] = (uint32_t)r->endpoint;
    p->assignee[row] = assignee;
    p->face[row] = lg_alert_face(r->status, r->severity);
    return 0;
}

int lg_alert_columns_put_text(
        struct lg_alert_columns *c, int64_t tenant, int64_t id, struct lg_str text)
{
    const uint64_t *i = lg_map_get(&c->by_tenant, (uint64_t)tenant);
    struct lg_alert_part *p = i == NULL ? NULL : &c->parts.v[*i];
    uint32_t row;

    if (p == NULL || p->by_id_cap == 0)
        return LG_ECORRUPT;
    row = p->by_id[slot_of(p, id)];
    return row == 0 ? LG_ECORRUPT : put_text(p, row - 1, false, text);
}

static int sort_words(struct lg_alert_part *p)
{
    size_t n = 0, at = 0;
    uint32_t *v;

    for (uint32_t i = 0; i < p->n; i++)
        n += 1u + p->words.v[p->words_at[i]];
    v = (uint32_t *)lg_malloc((n + 1) * sizeof(*v));
    if (v == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < p->n; i++) {
        const uint32_t *from = p->words.v + p->words_at[i];
        size_t len = 1u + from[0];

        memcpy(v + at, from, len * sizeof(*v));
        p->words_at[i] = (uint32_t)at;
        at += len;
    }
    lg_vec_done(&p->words);
    p->words.v = v;
    p->words.n = n;
    p->words.cap = n + 1;
    return 0;
}

int lg_alert_columns_sort_words(struct lg_alert_columns *c)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < c->parts.n; i++)
        rc = sort_words(&c->parts.v[i]);
    return rc;
}
