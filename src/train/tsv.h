#ifndef LG_TRAIN_TSV_H
#define LG_TRAIN_TSV_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/*
 * A small tab-separated table with a header line, held in memory (MANIFEST.tsv,
 * windows_host_roles.tsv, split files). Lines that start with # and empty lines are skipped.
 */
struct lg_tsv;
int lg_tsv_read(const char *path, struct lg_tsv **ret, struct lg_err *reterr) LG_MUST_CHECK;
void lg_tsv_free(struct lg_tsv *t);
size_t lg_tsv_rows(const struct lg_tsv *t);
/* Column of that name, or -1. */
int lg_tsv_column(const struct lg_tsv *t, const char *name);
/* The same, but an error that names file and column when it is missing. */
int lg_tsv_need(
        const struct lg_tsv *t, const char *name, int *ret, struct lg_err *reterr) LG_MUST_CHECK;
/* Empty where the row is too short or `column` is negative. */
struct lg_str lg_tsv_get(const struct lg_tsv *t, size_t row, int column);

#endif
