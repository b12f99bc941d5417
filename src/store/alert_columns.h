#ifndef LG_STORE_ALERT_COLUMNS_H
#define LG_STORE_ALERT_COLUMNS_H

#include "store/alert_store.h"

/*
 * What a listing filters and sorts alerts by, as columns in memory: any mix of filters and sorts is
 * a pass over narrow arrays, where an index in the file serves one order each. A copy: the file
 * decides, sqlite_alert_index.c keeps the copy in step. About 120 bytes an alert, and its texts
 * where other alerts of the tenant have not the same. Thread: readers together, or one writer.
 */
struct lg_alert_columns;

struct lg_alert_columns_row {
    int64_t tenant, id, endpoint; /* refs and row number in the file */
    enum lg_alert_status status;
    enum lg_severity severity;
    double attack_prob;
    lg_time first_seen, last_seen, received_at, created_at, updated_at;
    uint64_t occurrences;
    struct lg_str assignee;
    struct lg_str techniques; /* JSON list; a technique leads to its parent too */
    struct lg_str text;       /* folded, parts end with '\n' */
};

/* Place in an order: what a page ends with and a cursor continues from. */
struct lg_alert_place {
    int64_t value; /* of the sort; a probability's by lg_alert_prob_order */
    int64_t second;
    int64_t id;
};

struct lg_alert_columns_query {
    const struct lg_alert_query *q; /* filters, sort, direction, limit, offset */
    struct lg_str text;             /* q->text folded; no '\n' in it */
    const int64_t *tenants;         /* refs: who may be looked at */
    const int64_t *endpoints;       /* where q names one: its ref in each of the tenants, or 0 */
    uint32_t n_tenants;
    bool second;                        /* ties go by last_seen */
    const struct lg_alert_place *after; /* continue there (q->offset does not count); or NULL */
};
struct lg_alert_columns_page {
    struct lg_alert_place *places; /* in order, at most limit + 1; lg_free */
    uint32_t n;
    uint64_t total; /* rows that the filters let through, whatever the page */
};

/* Whole numbers in the order of the probabilities. */
int64_t lg_alert_prob_order(double p);
double lg_alert_prob_of(int64_t order);

int lg_alert_columns_new(struct lg_alert_columns **ret) LG_MUST_CHECK;
void lg_alert_columns_free(struct lg_alert_columns *c);
/* Adds the alert or takes over what has changed of it. After an error (LG_ENOMEM, LG_ELIMIT,
 * LG_ECORRUPT) the columns are good for nothing but free. */
int lg_alert_columns_put(
        struct lg_alert_columns *c, const struct lg_alert_columns_row *r) LG_MUST_CHECK;
/* The text of an alert that is there. */
int lg_alert_columns_put_text(
        struct lg_alert_columns *c, int64_t tenant, int64_t id, struct lg_str text) LG_MUST_CHECK;
/* Puts the rows' words in the rows' order, which a search goes in. */
int lg_alert_columns_sort_words(struct lg_alert_columns *c) LG_MUST_CHECK;
size_t lg_alert_columns_bytes(const struct lg_alert_columns *c);
int lg_alert_columns_list(const struct lg_alert_columns *c, const struct lg_alert_columns_query *q,
        struct lg_alert_columns_page *ret) LG_MUST_CHECK;

#endif
