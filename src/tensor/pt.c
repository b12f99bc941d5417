/* `.pt` files of torch.save: a zip archive of stored members, <root>/data.pkl and <root>/data/<key>. */
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tensor/tensor_int.h"

#define MAX_PICKLE (4u << 20)
#define MAX_OBJECTS (96u << 20) /* bytes of values of one pickle */
/* Views may share storages (tied weights), but not blow a small file up. */
#define MAX_SHARING 8u

struct loader {
    struct lg_pt_zip *zip;
    struct lg_tensors *set;
    size_t file_bytes;
    struct lg_err *err;
};

static int load_storage(struct loader *ld, struct lg_pt_storage *st)
{
    char name[80] = "data/";
    uint64_t want;
    size_t got;
    int rc;

    if (st->data != NULL)
        return 0;
    if (st->key.n < 1 || st->key.n > 64)
        return lg_err_set(ld->err, LG_ECORRUPT, "a storage key of %zu bytes", st->key.n);
    for (size_t i = 0; i < st->key.n; i++)
        if (strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_",
                    st->key.p[i]) == NULL ||
                st->key.p[i] == '\0')
            return lg_err_set(ld->err, LG_ECORRUPT, "a storage key holds byte 0x%02x",
                    (unsigned char)st->key.p[i]);
    memcpy(name + 5, st->key.p, st->key.n);
    if (__builtin_mul_overflow(st->n, lg_dtype_size(st->dtype), &want) || want > ld->file_bytes)
        return lg_err_set(ld->err, LG_ECORRUPT, "%s: %llu elements are more than the file", name,
                (unsigned long long)st->n);
    rc = lg_pt_zip_read(ld->zip, name, ld->file_bytes, &st->data, &got, ld->err);
    if (rc < 0)
        return rc;
    if (got != want)
        return lg_err_set(ld->err, LG_ECORRUPT, "%s: %zu bytes, %llu were promised", name, got,
                (unsigned long long)want);
    return 0;
}

/* Copies a strided view; its bounds have been checked against the storage. */
static void copy_view(const struct lg_pt_view *view, char *out, size_t size)
{
    uint64_t at[LG_TENSOR_MAX_DIMS] = {0}, from = view->offset;
    uint32_t d;

    for (;;) {
        memcpy(out, view->storage->data + from * size, size);
        out += size;
        for (d = view->ndim; d > 0; d--) {
            from += view->stride[d - 1];
            if (++at[d - 1] < view->shape[d - 1])
                break;
            from -= view->stride[d - 1] * view->shape[d - 1];
            at[d - 1] = 0;
        }
        if (d == 0)
            return;
    }
}

static int add_tensor(void *arg, struct lg_str name, const struct lg_pt_view *view)
{
    struct loader *ld = arg;
    struct lg_tensor *t = NULL;
    size_t size = lg_dtype_size(view->storage->dtype);
    int rc = load_storage(ld, view->storage);

    if (rc == 0)
        rc = lg_tensors_add(
                ld->set, name, view->storage->dtype, view->ndim, view->shape, &t, ld->err);
    if (rc < 0)
        return rc;
    if (ld->set->bytes / MAX_SHARING > ld->file_bytes)
        return lg_err_set(
                ld->err, LG_ELIMIT, "the tensors are over %u times the file", MAX_SHARING);
    LG_ASSERT(t != NULL);
    if (t->n > 0)
        copy_view(view, t->data, size);
    return 0;
}

int lg_pt_read(const void *p, size_t n, struct lg_tensors *set, struct lg_err *reterr)
{
    struct loader ld = {.set = set, .file_bytes = n, .err = reterr};
    struct lg_pt_storage *storages = NULL;
    struct lg_arena arena;
    char *pkl = NULL, *order = NULL;
    size_t pkl_n, order_n;
    int rc = lg_pt_zip_open(p, n, &ld.zip, reterr);

    if (rc < 0)
        return rc;
    lg_arena_init(&arena, MAX_OBJECTS);
    rc = lg_pt_zip_read(ld.zip, "byteorder", 16, &order, &order_n, reterr);
    if (rc == 0 && (order_n != 6 || memcmp(order, "little", 6) != 0))
        rc = lg_err_set(reterr, LG_EUNSUP, "byteorder: the file is not little endian");
    if (rc == 0 || rc == LG_ENOENT)
        rc = lg_pt_zip_read(ld.zip, "data.pkl", MAX_PICKLE, &pkl, &pkl_n, reterr);
    if (rc == 0)
        rc = lg_pickle_read(pkl, pkl_n, &arena, add_tensor, &ld, &storages, reterr);
    for (; storages != NULL; storages = storages->next)
        lg_free(storages->data);
    if (rc < 0)
        lg_tensors_done(set);
    lg_free(order);
    lg_free(pkl);
    lg_arena_done(&arena);
    lg_pt_zip_close(ld.zip);
    return rc;
}
