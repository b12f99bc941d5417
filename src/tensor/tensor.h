#ifndef LG_TENSOR_TENSOR_H
#define LG_TENSOR_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/*
 * A set of named tensors: what a model file holds. Every tensor is contiguous, row-major, little
 * endian and owned by its set. Thread: its owner's; a set that no one changes may be read by any.
 */
#define LG_TENSOR_MAX_DIMS 8
#define LG_TENSOR_MAX_NAME 200 /* bytes of one name */
#define LG_TENSORS_MAX 4096    /* tensors in one set */

enum lg_dtype {
    LG_F32,
    LG_F64,
    LG_F16,
    LG_BF16,
    LG_I64,
    LG_I32,
    LG_I16,
    LG_I8,
    LG_U8,
    LG_BOOL,
    LG_DTYPES
};

struct lg_tensor {
    char *name; /* NUL-terminated */
    enum lg_dtype dtype;
    uint32_t ndim;
    uint64_t shape[LG_TENSOR_MAX_DIMS];
    uint64_t n; /* elements: the product of shape; 1 when ndim is 0 */
    void *data; /* 64-byte aligned, n * lg_dtype_size(dtype) bytes */
};

struct lg_tensors {
    struct lg_tensor *v;
    size_t n;
    size_t cap;
    size_t bytes; /* of all data, never over LG_MAX_MODEL_FILE_BYTES */
};

size_t lg_dtype_size(enum lg_dtype dtype);
const char *lg_dtype_name(enum lg_dtype dtype); /* "float32", "int64", ... */

void lg_tensors_init(struct lg_tensors *set);
void lg_tensors_done(struct lg_tensors *set);

/*
 * Adds a zeroed tensor. *ret stays valid until the next add; its data until done.
 * LG_EEXIST for a second tensor of that name, LG_ELIMIT over a cap, LG_EINVAL for an empty or
 * unprintable name, LG_ENOMEM.
 */
int lg_tensors_add(struct lg_tensors *set, struct lg_str name, enum lg_dtype dtype, uint32_t ndim,
        const uint64_t *shape, struct lg_tensor **ret, struct lg_err *reterr) LG_MUST_CHECK;
/* NULL when there is none. */
const struct lg_tensor *lg_tensors_find(const struct lg_tensors *set, struct lg_str name);
/* Product of a shape, checked; LG_ELIMIT when it overflows or passes the byte cap. */
int lg_shape_count(
        uint32_t ndim, const uint64_t *shape, enum lg_dtype dtype, uint64_t *ret) LG_MUST_CHECK;
/* Writes "[2, 3]" for messages. */
#define LG_SHAPE_TEXT_MAX 192
const char *lg_shape_text(uint32_t ndim, const uint64_t *shape, char out[LG_SHAPE_TEXT_MAX]);

/*
 * Reads a model file by its content: a zip archive is taken as `.pt`, anything else as
 * `.safetensors`. The set must be initialised and empty; it is left empty on failure.
 * Errors say which member, offset or tensor is wrong. LG_EIO, LG_ENOENT, LG_ELIMIT, LG_ECORRUPT,
 * LG_EPARSE, LG_EREFUSED (an opcode, global or object that tensors and plain containers do not
 * need), LG_EUNSUP, LG_ENOMEM.
 */
int lg_tensors_load(const char *path, struct lg_tensors *set, struct lg_err *reterr) LG_MUST_CHECK;
/* Writes `.safetensors` or `.pt` by the ending of `path` to path.tmp, syncs it, then renames. */
int lg_tensors_save(
        const char *path, const struct lg_tensors *set, struct lg_err *reterr) LG_MUST_CHECK;

#endif
