#ifndef LG_TENSOR_TENSOR_INT_H
#define LG_TENSOR_TENSOR_INT_H

#include "base/buf.h"
#include "tensor/tensor.h"

/* The two formats, on bytes: for lg_tensors_load, for tests and for fuzzing. Same errors. */
int lg_pt_read(
        const void *p, size_t n, struct lg_tensors *set, struct lg_err *reterr) LG_MUST_CHECK;
int lg_pt_write(
        const struct lg_tensors *set, struct lg_buf *out, struct lg_err *reterr) LG_MUST_CHECK;
int lg_safetensors_read(
        const void *p, size_t n, struct lg_tensors *set, struct lg_err *reterr) LG_MUST_CHECK;
int lg_safetensors_write(
        const struct lg_tensors *set, struct lg_buf *out, struct lg_err *reterr) LG_MUST_CHECK;

/* The members of a `.pt` archive, checked: stored, not encrypted, together no larger than it. */
struct lg_pt_zip;
int lg_pt_zip_open(
        const void *p, size_t n, struct lg_pt_zip **ret, struct lg_err *reterr) LG_MUST_CHECK;
void lg_pt_zip_close(struct lg_pt_zip *z);
/* Reads the member <root>/<name> whole and checks its CRC. *ret is owned by the caller. */
int lg_pt_zip_read(struct lg_pt_zip *z, const char *name, uint64_t max_bytes, char **ret,
        size_t *ret_n, struct lg_err *reterr) LG_MUST_CHECK;

/* A storage of a `.pt`: one member of its archive. */
struct lg_pt_storage {
    struct lg_str key;
    enum lg_dtype dtype;
    uint64_t n;
    char *data; /* NULL until it is needed */
    struct lg_pt_storage *next;
};

/* A tensor as the pickle describes it: a view of a storage. */
struct lg_pt_view {
    struct lg_pt_storage *storage;
    uint64_t offset;
    uint32_t ndim;
    uint64_t shape[LG_TENSOR_MAX_DIMS];
    uint64_t stride[LG_TENSOR_MAX_DIMS];
};

struct lg_arena;
/*
 * Runs the restricted pickle machine over data.pkl and calls `found` for each tensor, in order,
 * with its dotted path. Everything lives in the arena. The errors of `found` are passed on.
 */
int lg_pickle_read(const void *p, size_t n, struct lg_arena *arena,
        int (*found)(void *arg, struct lg_str name, const struct lg_pt_view *view), void *arg,
        struct lg_pt_storage **ret_storages, struct lg_err *reterr) LG_MUST_CHECK;

#endif
