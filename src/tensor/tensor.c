#include "tensor/tensor.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/vec.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[LG_DTYPES] = {
        [LG_F32] = {"float32", 4},
        [LG_F64] = {"float64", 8},
        [LG_F16] = {"float16", 2},
        [LG_BF16] = {"bfloat16", 2},
        [LG_I64] = {"int64", 8},
        [LG_I32] = {"int32", 4},
        [LG_I16] = {"int16", 2},
        [LG_I8] = {"int8", 1},
        [LG_U8] = {"uint8", 1},
        [LG_BOOL] = {"bool", 1},
};

size_t lg_dtype_size(enum lg_dtype dtype)
{
    LG_ASSERT(dtype < LG_DTYPES);
    return dtypes[dtype].size;
}

const char *lg_dtype_name(enum lg_dtype dtype)
{
    return dtype < LG_DTYPES ? dtypes[dtype].name : "unknown";
}

void lg_tensors_init(struct lg_tensors *set)
{
    memset(set, 0, sizeof(*set));
}

void lg_tensors_done(struct lg_tensors *set)
{
    for (size_t i = 0; i < set->n; i++) {
        lg_free(set->v[i].name);
        lg_free(set->v[i].data);
    }
    lg_free(set->v);
    memset(set, 0, sizeof(*set));
}

int lg_shape_count(uint32_t ndim, const uint64_t *shape, enum lg_dtype dtype, uint64_t *ret)
{
    uint64_t n = 1, bytes;

    if (ndim > LG_TENSOR_MAX_DIMS)
        return LG_ELIMIT;
    for (uint32_t i = 0; i < ndim; i++)
        if (__builtin_mul_overflow(n, shape[i], &n))
            return LG_ELIMIT;
    if (__builtin_mul_overflow(n, lg_dtype_size(dtype), &bytes) || bytes > LG_MAX_MODEL_FILE_BYTES)
        return LG_ELIMIT;
    *ret = n;
    return 0;
}

const char *lg_shape_text(uint32_t ndim, const uint64_t *shape, char out[LG_SHAPE_TEXT_MAX])
{
    size_t at = 0;

    out[at++] = '[';
    for (uint32_t i = 0; i < ndim && i < LG_TENSOR_MAX_DIMS; i++)
        at += (size_t)snprintf(out + at, LG_SHAPE_TEXT_MAX - at, "%s%llu", i > 0 ? ", " : "",
                (unsigned long long)shape[i]);
    snprintf(out + at, LG_SHAPE_TEXT_MAX - at, "]");
    return out;
}

static int check_name(struct lg_str name, struct lg_err *reterr)
{
    if (name.n < 1 || name.n > LG_TENSOR_MAX_NAME)
        return lg_err_set(reterr, LG_EINVAL, "a tensor name of %zu bytes is not in 1..%d", name.n,
                LG_TENSOR_MAX_NAME);
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == '"' || name.p[i] == '\\')
            return lg_err_set(reterr, LG_EINVAL, "a tensor name holds byte 0x%02x at %zu",
                    (unsigned char)name.p[i], i);
    return 0;
}

int lg_tensors_add(struct lg_tensors *set, struct lg_str name, enum lg_dtype dtype, uint32_t ndim,
        const uint64_t *shape, struct lg_tensor **ret, struct lg_err *reterr)
{
    struct lg_tensor t = {.dtype = dtype, .ndim = ndim};
    char text[LG_SHAPE_TEXT_MAX];
    size_t bytes;
    int rc = check_name(name, reterr);

    if (rc < 0)
        return rc;
    if (lg_tensors_find(set, name) != NULL)
        return lg_err_set(reterr, LG_EEXIST, "tensor %.*s is there twice", LG_STR_FMT(name));
    if (set->n >= LG_TENSORS_MAX)
        return lg_err_set(reterr, LG_ELIMIT, "more than %d tensors", LG_TENSORS_MAX);
    if (lg_shape_count(ndim, shape, dtype, &t.n) < 0)
        return lg_err_set(reterr, LG_ELIMIT, "tensor %.*s: shape %s is too large", LG_STR_FMT(name),
                lg_shape_text(ndim, shape, text));
    bytes = t.n * lg_dtype_size(dtype);
    if (bytes > LG_MAX_MODEL_FILE_BYTES - set->bytes)
        return lg_err_set(
                reterr, LG_ELIMIT, "tensors of more than %u bytes in all", LG_MAX_MODEL_FILE_BYTES);
    if (ndim > 0)
        memcpy(t.shape, shape, ndim * sizeof(*shape));
    t.name = lg_strndup(name.p, name.n);
    t.data = lg_aligned_zalloc(bytes);
    if (t.name == NULL || t.data == NULL || lg_vec_reserve(set, set->n + 1) < 0) {
        lg_free(t.name);
        lg_free(t.data);
        return lg_err_set(reterr, LG_ENOMEM, "no memory for tensor %.*s", LG_STR_FMT(name));
    }
    set->v[set->n] = t;
    set->bytes += bytes;
    *ret = &set->v[set->n++];
    return 0;
}

const struct lg_tensor *lg_tensors_find(const struct lg_tensors *set, struct lg_str name)
{
    for (size_t i = 0; i < set->n; i++)
        if (lg_str_eq(lg_str_z(set->v[i].name), name))
            return &set->v[i];
    return NULL;
}
