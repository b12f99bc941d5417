/* The zip side of `.pt`, through libzip on memory. */
#include <stdio.h>
#include <string.h>
#include <zip.h>

#include "base/limits.h"
#include "base/mem.h"
#include "tensor/tensor_int.h"

#define MAX_MEMBERS (LG_TENSORS_MAX + 64)
#define MAX_ROOT 200

struct lg_pt_zip {
    zip_t *z;
    char root[MAX_ROOT + 1];
};

static int zip_fail(struct lg_err *reterr, int code, const char *what, zip_error_t *ze)
{
    lg_err_set(reterr, code, "%s: %s", what, zip_error_strerror(ze));
    return code;
}

/* Everything before the / of the first member; torch names it after the file. */
static int find_root(struct lg_pt_zip *z, struct lg_err *reterr)
{
    const char *name = zip_get_name(z->z, 0, ZIP_FL_ENC_RAW);
    const char *slash = name != NULL ? strchr(name, '/') : NULL;

    if (slash == NULL || slash - name > MAX_ROOT)
        return lg_err_set(reterr, LG_ECORRUPT, "a zip archive, but not one of torch.save");
    memcpy(z->root, name, (size_t)(slash - name));
    return 0;
}

/* Stored, plain members that fit into the file together: nothing can blow up. */
static int check_members(struct lg_pt_zip *z, size_t file_bytes, struct lg_err *reterr)
{
    zip_int64_t count = zip_get_num_entries(z->z, 0);
    uint64_t sum = 0;

    if (count < 1 || count > MAX_MEMBERS)
        return lg_err_set(reterr, LG_ELIMIT, "a zip archive of %lld members is not in 1..%d",
                (long long)count, MAX_MEMBERS);
    for (zip_int64_t i = 0; i < count; i++) {
        const zip_uint64_t want = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD |
                ZIP_STAT_ENCRYPTION_METHOD;
        zip_stat_t st;

        if (zip_stat_index(z->z, (zip_uint64_t)i, 0, &st) < 0 || (st.valid & want) != want)
            return lg_err_set(reterr, LG_ECORRUPT, "zip member %lld cannot be read", (long long)i);
        if (st.comp_method != ZIP_CM_STORE || st.encryption_method != ZIP_EM_NONE ||
                st.size != st.comp_size)
            return lg_err_set(reterr, LG_EREFUSED,
                    "zip member %lld is compressed or encrypted: refused", (long long)i);
        if (st.size > file_bytes || sum > file_bytes - st.size)
            return lg_err_set(reterr, LG_ECORRUPT, "zip members are larger than the file");
        sum += st.size;
    }
    return 0;
}

int lg_pt_zip_open(const void *p, size_t n, struct lg_pt_zip **ret, struct lg_err *reterr)
{
    struct lg_pt_zip *z = lg_calloc(1, sizeof(*z));
    zip_source_t *src;
    zip_error_t ze;
    int rc;

    if (z == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "no memory for a zip archive");
    zip_error_init(&ze);
    src = zip_source_buffer_create(p, n, 0, &ze);
    if (src != NULL)
        z->z = zip_open_from_source(src, ZIP_RDONLY | ZIP_CHECKCONS, &ze);
    if (z->z == NULL) {
        rc = zip_fail(reterr, LG_ECORRUPT, "not a sound zip archive", &ze);
        zip_source_free(src);
    } else {
        rc = check_members(z, n, reterr);
        if (rc == 0)
            rc = find_root(z, reterr);
    }
    zip_error_fini(&ze);
    if (rc < 0)
        lg_pt_zip_close(z);
    else
        *ret = z;
    return rc;
}

void lg_pt_zip_close(struct lg_pt_zip *z)
{
    if (z == NULL)
        return;
    if (z->z != NULL)
        zip_discard(z->z);
    lg_free(z);
}

int lg_pt_zip_read(struct lg_pt_zip *z, const char *name, uint64_t max_bytes, char **ret,
        size_t *ret_n, struct lg_err *reterr)
{
    char path[MAX_ROOT + 100];
    zip_file_t *f;
    zip_stat_t st;
    char *p, end;
    int rc = 0;

    snprintf(path, sizeof(path), "%s/%s", z->root, name);
    if (zip_stat(z->z, path, ZIP_FL_ENC_RAW, &st) < 0)
        return lg_err_set(reterr, LG_ENOENT, "zip member %s is missing", path);
    if (st.size > max_bytes)
        return lg_err_set(reterr, LG_ELIMIT, "zip member %s has %llu bytes, more than %llu", path,
                (unsigned long long)st.size, (unsigned long long)max_bytes);
    p = lg_malloc(st.size);
    if (p == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "no memory for zip member %s", path);
    f = zip_fopen_index(z->z, st.index, 0);
    if (f == NULL)
        rc = zip_fail(reterr, LG_ECORRUPT, path, zip_get_error(z->z));
    /* The read at the end makes libzip compare the checksum. */
    else if (zip_fread(f, p, st.size) != (zip_int64_t)st.size || zip_fread(f, &end, 1) != 0)
        rc = zip_fail(reterr, LG_ECORRUPT, path, zip_file_get_error(f));
    if (f != NULL)
        zip_fclose(f);
    if (rc < 0) {
        lg_free(p);
        return rc;
    }
    *ret = p;
    *ret_n = st.size;
    return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_u32(struct lg_buf *b, uint32_t x)
{
    lg_buf_add(b, &x, 4);
}

static void put_str(struct lg_buf *b, const char *s)
{
    lg_buf_addc(b, 'X');
    put_u32(b, (uint32_t)strlen(s));
    lg_buf_add(b, s, strlen(s));
}

/* LONG1, as Python writes what does not fit into BININT. */
static void put_int(struct lg_buf *b, uint64_t x)
{
    uint8_t n = 0;

    if (x <= INT32_MAX) {
        lg_buf_addc(b, 'J');
        put_u32(b, (uint32_t)x);
        return;
    }
    while (n < 8 && (x >> (8 * n)) != 0)
        n++;
    if ((x >> (8 * n - 1)) & 1)
        n++;
    lg_buf_addc(b, (char)0x8a);
    lg_buf_addc(b, (char)n);
    lg_buf_add(b, &x, n);
}

static void put_tensor(struct lg_buf *b, const struct lg_tensor *t, size_t key)
{
    static const char *const classes[LG_DTYPES] = {
            [LG_F32] = "Float",
            [LG_F64] = "Double",
            [LG_F16] = "Half",
            [LG_BF16] = "BFloat16",
            [LG_I64] = "Long",
            [LG_I32] = "Int",
            [LG_I16] = "Short",
            [LG_I8] = "Char",
            [LG_U8] = "Byte",
            [LG_BOOL] = "Bool",
    };
    uint64_t stride[LG_TENSOR_MAX_DIMS], step = 1;
    char digits[24];

    snprintf(digits, sizeof(digits), "%zu", key);
    lg_buf_adds(b, LG_STR("ctorch._utils\n_rebuild_tensor_v2\n(("));
    put_str(b, "storage");
    lg_buf_printf(b, "ctorch\n%sStorage\n", classes[t->dtype]);
    put_str(b, digits);
    put_str(b, "cpu");
    put_int(b, t->n);
    lg_buf_adds(b, LG_STR("tQK"));
    lg_buf_addc(b, 0);
    lg_buf_addc(b, '(');
    for (uint32_t i = 0; i < t->ndim; i++)
        put_int(b, t->shape[i]);
    lg_buf_adds(b, LG_STR("t("));
    for (uint32_t i = t->ndim; i > 0; i--) {
        stride[i - 1] = step;
        step *= t->shape[i - 1] > 0 ? t->shape[i - 1] : 1;
    }
    for (uint32_t i = 0; i < t->ndim; i++)
        put_int(b, stride[i]);
    lg_buf_adds(b,
            LG_STR("t\x89"
                   "ccollections\nOrderedDict\n)RtR"));
}

static int add_member(zip_t *z, const char *name, const void *p, size_t n)
{
    zip_source_t *src = zip_source_buffer(z, p, n, 0);
    zip_int64_t i;

    if (src == NULL)
        return LG_ENOMEM;
    i = zip_file_add(z, name, src, ZIP_FL_ENC_UTF_8);
    if (i < 0) {
        zip_source_free(src);
        return LG_ENOMEM;
    }
    /* A fixed time: the same weights are the same file. */
    if (zip_set_file_compression(z, (zip_uint64_t)i, ZIP_CM_STORE, 0) < 0 ||
            zip_file_set_dostime(z, (zip_uint64_t)i, 0, 0x21, 0) < 0)
        return LG_EIO;
    return 0;
}

static int add_members(zip_t *z, const struct lg_tensors *set, const struct lg_buf *pkl)
{
    int rc = add_member(z, "archive/data.pkl", pkl->p, pkl->n);

    for (size_t i = 0; rc == 0 && i < set->n; i++) {
        char name[48];

        snprintf(name, sizeof(name), "archive/data/%zu", i);
        rc = add_member(z, name, set->v[i].data, set->v[i].n * lg_dtype_size(set->v[i].dtype));
    }
    return rc == 0 ? add_member(z, "archive/version", "3\n", 2) : rc;
}

static int copy_source(zip_source_t *src, struct lg_buf *out)
{
    char chunk[4096];
    zip_int64_t got;

    if (zip_source_open(src) < 0)
        return LG_EIO;
    while ((got = zip_source_read(src, chunk, sizeof(chunk))) > 0)
        lg_buf_add(out, chunk, (size_t)got);
    zip_source_close(src);
    return got < 0 ? LG_EIO : out->failed;
}

int lg_pt_write(const struct lg_tensors *set, struct lg_buf *out, struct lg_err *reterr)
{
    zip_source_t *src = NULL;
    zip_error_t ze;
    struct lg_buf pkl;
    zip_t *z = NULL;
    int rc;

    zip_error_init(&ze);
    lg_buf_init(&pkl, 4u << 20);
    lg_buf_adds(&pkl,
            LG_STR("\x80\x02"
                   "ccollections\nOrderedDict\n)R("));
    for (size_t i = 0; i < set->n; i++) {
        put_str(&pkl, set->v[i].name);
        put_tensor(&pkl, &set->v[i], i);
    }
    lg_buf_adds(&pkl, LG_STR("u."));
    rc = pkl.failed;
    if (rc == 0) {
        src = zip_source_buffer_create(NULL, 0, 0, &ze);
        z = src != NULL ? zip_open_from_source(src, ZIP_TRUNCATE, &ze) : NULL;
        rc = z != NULL ? 0 : LG_ENOMEM;
    }
    if (z != NULL) {
        zip_source_keep(src); /* zip_close and zip_discard give one reference back */
        rc = add_members(z, set, &pkl);
        if (rc == 0 && zip_close(z) == 0)
            rc = copy_source(src, out);
        else {
            rc = rc < 0 ? rc : LG_EIO;
            zip_discard(z);
        }
    }
    zip_source_free(src);
    zip_error_fini(&ze);
    lg_buf_done(&pkl);
    if (rc < 0)
        lg_err_set(reterr, rc, "the .pt archive cannot be made: %s", lg_err_name(rc));
    return rc;
}
