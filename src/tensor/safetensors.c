/*
 * .safetensors: u64 header length, JSON header {"name": {"dtype", "shape", "data_offsets"}}, data.
 * The header parser takes exactly this shape; "__metadata__" may hold strings, which are skipped.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/vec.h"
#include "tensor/tensor_int.h"

#define MAX_HEADER (4u << 20)

static const char *const codes[LG_DTYPES] = {
        [LG_F32] = "F32",
        [LG_F64] = "F64",
        [LG_F16] = "F16",
        [LG_BF16] = "BF16",
        [LG_I64] = "I64",
        [LG_I32] = "I32",
        [LG_I16] = "I16",
        [LG_I8] = "I8",
        [LG_U8] = "U8",
        [LG_BOOL] = "BOOL",
};

struct entry {
    struct lg_str name;
    enum lg_dtype dtype;
    uint32_t ndim;
    uint64_t shape[LG_TENSOR_MAX_DIMS];
    uint64_t from, to;
};

struct reader {
    const char *p;
    size_t n;
    size_t at;
    struct lg_err *err;
};

static int bad(struct reader *r, const char *what)
{
    return lg_err_set(r->err, LG_EPARSE, "safetensors header, byte %zu: %s", r->at + 8, what);
}

static void skip_space(struct reader *r)
{
    while (r->at < r->n && memchr(" \t\r\n", r->p[r->at], 4) != NULL)
        r->at++;
}

/* Takes one character after white space. */
static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (r->at >= r->n || r->p[r->at] != c)
        return false;
    r->at++;
    return true;
}

/* Raw bytes between the quotes; escapes stay as they are. */
static int read_string(struct reader *r, struct lg_str *ret)
{
    size_t from;

    if (!take(r, '"'))
        return bad(r, "a string was expected");
    from = r->at;
    while (r->at < r->n && r->p[r->at] != '"') {
        if ((unsigned char)r->p[r->at] < 0x20)
            return bad(r, "a control character in a string");
        if (r->p[r->at] == '\\')
            r->at++;
        r->at++;
    }
    if (r->at >= r->n)
        return bad(r, "a string does not end");
    *ret = lg_str_of(r->p + from, r->at - from);
    r->at++;
    return 0;
}

static int read_uint(struct reader *r, uint64_t *ret)
{
    size_t from;

    skip_space(r);
    from = r->at;
    while (r->at < r->n && r->p[r->at] >= '0' && r->p[r->at] <= '9')
        r->at++;
    if (lg_parse_u64(lg_str_of(r->p + from, r->at - from), ret) < 0)
        return bad(r, "a size was expected");
    return 0;
}

/* [1, 2, ...]; at most max numbers. */
static int read_uints(struct reader *r, uint64_t *v, uint32_t max, uint32_t *ret_n)
{
    uint32_t n = 0;
    int rc;

    if (!take(r, '['))
        return bad(r, "[ was expected");
    if (!take(r, ']')) {
        do {
            if (n >= max)
                return bad(r, "too many numbers in a list");
            rc = read_uint(r, &v[n++]);
            if (rc < 0)
                return rc;
        } while (take(r, ','));
        if (!take(r, ']'))
            return bad(r, "] was expected");
    }
    *ret_n = n;
    return 0;
}

static int read_dtype(struct reader *r, enum lg_dtype *ret)
{
    struct lg_str s;
    int rc = read_string(r, &s);

    if (rc < 0)
        return rc;
    for (int i = 0; i < LG_DTYPES; i++) {
        if (lg_str_eq(s, lg_str_z(codes[i]))) {
            *ret = (enum lg_dtype)i;
            return 0;
        }
    }
    return lg_err_set(r->err, LG_EUNSUP, "safetensors header, byte %zu: dtype %.*s is not known",
            r->at + 8, (int)(s.n > 16 ? 16 : s.n), s.p);
}

static int read_field(struct reader *r, struct entry *e, unsigned *seen)
{
    struct lg_str key;
    uint64_t range[2];
    uint32_t count;
    unsigned bit;
    int rc = read_string(r, &key);

    if (rc < 0)
        return rc;
    bit = lg_str_eq(key, LG_STR("dtype")) ? 1 : lg_str_eq(key, LG_STR("shape")) ? 2 : 4;
    if ((bit == 4 && !lg_str_eq(key, LG_STR("data_offsets"))) || (*seen & bit) != 0)
        return bad(r, "a field of a tensor is unknown or there twice");
    *seen |= bit;
    if (!take(r, ':'))
        return bad(r, ": was expected");
    if (bit == 1)
        return read_dtype(r, &e->dtype);
    if (bit == 2)
        return read_uints(r, e->shape, LG_TENSOR_MAX_DIMS, &e->ndim);
    rc = read_uints(r, range, 2, &count);
    if (rc < 0)
        return rc;
    if (count != 2)
        return bad(r, "data_offsets are not two numbers");
    e->from = range[0];
    e->to = range[1];
    return 0;
}

static int read_entry(struct reader *r, struct entry *e)
{
    unsigned seen = 0;
    int rc;

    if (!take(r, '{'))
        return bad(r, "{ was expected");
    do {
        rc = read_field(r, e, &seen);
        if (rc < 0)
            return rc;
    } while (take(r, ','));
    if (!take(r, '}'))
        return bad(r, "} was expected");
    if (seen != 7)
        return bad(r, "a tensor lacks dtype, shape or data_offsets");
    return 0;
}

static int skip_metadata(struct reader *r)
{
    struct lg_str s;
    int rc;

    if (!take(r, '{'))
        return bad(r, "{ was expected");
    if (take(r, '}'))
        return 0;
    do {
        rc = read_string(r, &s);
        if (rc < 0)
            return rc;
        if (!take(r, ':'))
            return bad(r, ": was expected");
        rc = read_string(r, &s);
        if (rc < 0)
            return rc;
    } while (take(r, ','));
    return take(r, '}') ? 0 : bad(r, "} was expected");
}

struct entries {
    struct entry *v;
    size_t n;
    size_t cap;
};

static int read_header(struct reader *r, struct entries *list)
{
    bool metadata = false;
    int rc;

    if (!take(r, '{'))
        return bad(r, "{ was expected");
    if (take(r, '}'))
        goto end;
    do {
        struct entry e = {0};

        rc = read_string(r, &e.name);
        if (rc < 0)
            return rc;
        if (!take(r, ':'))
            return bad(r, ": was expected");
        if (lg_str_eq(e.name, LG_STR("__metadata__"))) {
            if (metadata)
                return bad(r, "__metadata__ is there twice");
            metadata = true;
            rc = skip_metadata(r);
        } else {
            rc = read_entry(r, &e);
            if (rc == 0 && list->n >= LG_TENSORS_MAX)
                return lg_err_set(r->err, LG_ELIMIT, "more than %d tensors", LG_TENSORS_MAX);
            if (rc == 0 && lg_vec_push(list, e) < 0)
                return lg_err_set(r->err, LG_ENOMEM, "no memory for the list of tensors");
        }
        if (rc < 0)
            return rc;
    } while (take(r, ','));
    if (!take(r, '}'))
        return bad(r, "} was expected");
end:
    skip_space(r);
    return r->at == r->n ? 0 : bad(r, "something follows the header");
}

static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

/* Every byte of the data belongs to exactly one tensor. */
static int check_places(struct entries *list, uint64_t data_bytes, struct lg_err *reterr)
{
    uint64_t at = 0;

    if (list->n > 1)
        qsort(list->v, list->n, sizeof(*list->v), by_place);
    for (size_t i = 0; i < list->n; i++) {
        const struct entry *e = &list->v[i];
        uint64_t count;

        if (e->from != at || e->to < e->from || e->to > data_bytes)
            return lg_err_set(reterr, LG_ECORRUPT,
                    "tensor %.*s: bytes %llu to %llu leave a gap, overlap or pass the end",
                    LG_STR_FMT(e->name), (unsigned long long)e->from, (unsigned long long)e->to);
        if (lg_shape_count(e->ndim, e->shape, e->dtype, &count) < 0 ||
                count * lg_dtype_size(e->dtype) != e->to - e->from)
            return lg_err_set(reterr, LG_ECORRUPT,
                    "tensor %.*s: its shape does not fill %llu bytes", LG_STR_FMT(e->name),
                    (unsigned long long)(e->to - e->from));
        at = e->to;
    }
    if (at != data_bytes)
        return lg_err_set(reterr, LG_ECORRUPT, "%llu bytes after the last tensor",
                (unsigned long long)(data_bytes - at));
    return 0;
}

int lg_safetensors_read(const void *p, size_t n, struct lg_tensors *set, struct lg_err *reterr)
{
    struct reader r = {.p = (const char *)p + 8, .err = reterr};
    struct entries list = {0};
    uint64_t header;
    int rc;

    if (n < 10)
        return lg_err_set(reterr, LG_ETRUNC, "%zu bytes are no model file", n);
    memcpy(&header, p, 8);
    if (header > MAX_HEADER || header > n - 8)
        return lg_err_set(reterr, LG_ECORRUPT,
                "neither a zip archive nor .safetensors (header of %llu bytes)",
                (unsigned long long)header);
    r.n = (size_t)header;
    rc = read_header(&r, &list);
    if (rc == 0)
        rc = check_places(&list, n - 8 - header, reterr);
    for (size_t i = 0; rc == 0 && i < list.n; i++) {
        const struct entry *e = &list.v[i];
        struct lg_tensor *t;

        rc = lg_tensors_add(set, e->name, e->dtype, e->ndim, e->shape, &t, reterr);
        if (rc == 0)
            memcpy(t->data, r.p + header + e->from, e->to - e->from);
    }
    if (rc < 0)
        lg_tensors_done(set);
    lg_vec_done(&list);
    return rc;
}

int lg_safetensors_write(const struct lg_tensors *set, struct lg_buf *out, struct lg_err *reterr)
{
    size_t at = 0, from = out->n;
    uint64_t header = 0;

    lg_buf_add(out, &header, 8);
    lg_buf_addc(out, '{');
    for (size_t i = 0; i < set->n; i++) {
        const struct lg_tensor *t = &set->v[i];
        size_t bytes = t->n * lg_dtype_size(t->dtype);

        lg_buf_printf(out, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i > 0 ? "," : "", t->name,
                codes[t->dtype]);
        for (uint32_t d = 0; d < t->ndim; d++)
            lg_buf_printf(out, "%s%llu", d > 0 ? "," : "", (unsigned long long)t->shape[d]);
        lg_buf_printf(out, "],\"data_offsets\":[%zu,%zu]}", at, at + bytes);
        at += bytes;
    }
    lg_buf_addc(out, '}');
    while (!out->failed && (out->n - from) % 8 != 0)
        lg_buf_addc(out, ' ');
    header = out->n - from - 8;
    for (size_t i = 0; i < set->n; i++)
        lg_buf_add(out, set->v[i].data, set->v[i].n * lg_dtype_size(set->v[i].dtype));
    if (out->failed)
        return lg_err_set(reterr, out->failed, "no room for the model file");
    memcpy(out->p + from, &header, 8);
    return 0;
}
