#ifndef LG_CLI_TABLE_H
#define LG_CLI_TABLE_H

#include <stdio.h>

#include "detect/jury.h"

/*
 * The worst attack windows of a scan, as text: at most `limit` are kept, so that memory stays
 * bounded; equal probabilities go by time and endpoint, so that the table is the same for any
 * number of workers. Thread: one worker's until lg_table_print.
 */
struct lg_table_row {
    double prob;
    lg_time start_ns;
    char *text; /* rendered: head line and evidence tree; starts with the endpoint's name */
};

struct lg_table {
    struct lg_table_row *rows; /* a heap, least bad first */
    uint32_t n;
    uint32_t cap;
    uint32_t limit;
};

void lg_table_init(struct lg_table *t, uint32_t limit);
void lg_table_done(struct lg_table *t);
/* False when the table is full of worse windows. */
bool lg_table_wants(const struct lg_table *t, const struct lg_verdict *v, const struct lg_graph *g);
int lg_table_add(struct lg_table *t, const struct lg_verdict *v, const struct lg_graph *g,
        const struct lg_model *m) LG_MUST_CHECK;
/* All tables as one, worst first, and how many attack windows there were beyond the limit. */
void lg_table_print(struct lg_table *t, uint32_t n, uint32_t limit, uint64_t attacks, FILE *to);

#endif
