#include "train/tsv.h"

#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "detect/model.h"

#define TSV_MAX_BYTES ((size_t)64 << 20)

struct lg_tsv {
    char *path;
    struct lg_str text;
    struct lg_str header;
    LG_VEC(struct lg_str) rows;
};

int lg_tsv_read(const char *path, struct lg_tsv **ret, struct lg_err *reterr)
{
    struct lg_tsv *t = lg_calloc(1, sizeof(*t));
    struct lg_str rest, line;
    int rc;

    if (t == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    rc = lg_file_read(path, TSV_MAX_BYTES, &t->text, reterr);
    if (rc == 0 && (t->path = lg_strndup(path, strlen(path))) == NULL)
        rc = lg_err_set(reterr, LG_ENOMEM, "out of memory");
    rest = t->text;
    while (rc == 0 && lg_str_split(&rest, '\n', &line)) {
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (t->header.p == NULL)
            t->header = line;
        else if (lg_vec_push(&t->rows, line) < 0)
            rc = lg_err_set(reterr, LG_ENOMEM, "out of memory");
    }
    if (rc == 0 && t->header.p == NULL)
        rc = lg_err_set(reterr, LG_EPARSE, "%s: no header line", path);
    if (rc < 0) {
        lg_tsv_free(t);
        return rc;
    }
    *ret = t;
    return 0;
}

void lg_tsv_free(struct lg_tsv *t)
{
    if (t == NULL)
        return;
    lg_vec_done(&t->rows);
    lg_free((void *)(uintptr_t)t->text.p);
    lg_free(t->path);
    lg_free(t);
}

size_t lg_tsv_rows(const struct lg_tsv *t)
{
    return t->rows.n;
}

int lg_tsv_column(const struct lg_tsv *t, const char *name)
{
    struct lg_str rest = t->header, part;

    for (int i = 0; lg_str_split(&rest, '\t', &part); i++)
        if (lg_str_eq(part, lg_str_z(name)))
            return i;
    return -1;
}

int lg_tsv_need(const struct lg_tsv *t, const char *name, int *ret, struct lg_err *reterr)
{
    *ret = lg_tsv_column(t, name);
    return *ret >= 0 ? 0
                     : lg_err_set(reterr, LG_EPARSE, "%s: column '%s' is missing", t->path, name);
}

struct lg_str lg_tsv_get(const struct lg_tsv *t, size_t row, int column)
{
    struct lg_str rest = t->rows.v[row], part;

    for (int i = 0; column >= 0 && lg_str_split(&rest, '\t', &part); i++)
        if (i == column)
            return part;
    return lg_str_of("", 0);
}
