/*
 * What a model's folder says of itself: the manifest's text, and the arrays of the plain members.
 * First byte: which of them (bits 0-1) and which allocation fails (the others, 0: none). What is
 * accepted must give a finite probability and end.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "detect/jury_int.h"
#include "detect/model_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FEATURES 7

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void manifest(struct lg_str text)
{
    struct lg_model_file files[LG_MODEL_MAX_FILES], again_files[LG_MODEL_MAX_FILES];
    struct lg_model m, again;
    struct lg_err err = {0, ""};
    struct lg_buf out;
    uint32_t n = 0, again_n = 0;
    int rc;

    memset(&m, 0, sizeof(m));
    memset(&again, 0, sizeof(again));
    lg_buf_init(&out, LG_MANIFEST_MAX_BYTES);
    rc = lg_manifest_read(text, &m, files, &n, &err);
    (void)lg_mem_fail_from(0);
    if (rc == 0) {
        struct lg_scores s = {.learned = true, .member = {-3e4, 1e14, 1e13}};

        check(m.n_gats > 0 && m.n_gats <= LG_MODEL_MAX_GATS && n <= LG_MODEL_MAX_FILES);
        lg_jury_combine(&m, &s);
        check(isfinite(s.jury) && s.prob >= 0 && s.prob <= 1);
        for (uint32_t i = 0; i < n; i++)
            check(strchr(files[i].name, '/') == NULL && files[i].name[0] != '.');
        /* written and read again it is the same text */
        lg_manifest_write(&m, files, n, &out);
        check(out.failed == 0);
        rc = lg_manifest_read(lg_buf_str(&out), &again, again_files, &again_n, &err);
        check(rc == 0 && again_n == n && again.threshold == m.threshold);
    }
    lg_free(m.training_json);
    lg_free(again.training_json);
    lg_buf_done(&out);
}

struct input {
    const uint8_t *p;
    size_t n;
};

static uint8_t take(struct input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->p++;
}

/* Small numbers mostly, so that much of what comes is nearly right; now and then any bits. */
static void fill(struct input *in, struct lg_tensor *t)
{
    for (uint64_t i = 0; i < t->n; i++) {
        uint8_t b = take(in);
        int32_t v = (int8_t)b;

        if (b == 0x7f)
            for (int k = 0; k < 4; k++)
                v = (int32_t)((uint32_t)v << 8 | take(in));
        if (t->dtype == LG_F32 && b != 0x7f)
            ((float *)t->data)[i] = (float)v;
        else
            memcpy((char *)t->data + 4 * i, &v, 4);
    }
}

static bool add(struct lg_tensors *set, struct input *in, const char *name, enum lg_dtype dtype)
{
    uint64_t n = take(in) % 64;
    struct lg_tensor *t;

    if (n == 63) /* missing, or of another type */
        return true;
    if (n == 62)
        dtype = dtype == LG_F32 ? LG_I32 : LG_F32;
    if (lg_tensors_add(set, lg_str_z(name), dtype, 1, &n, &t, NULL) < 0)
        return false;
    fill(in, t);
    return true;
}

static void forest(struct input in)
{
    static const char *const names[] = {"root", "feature", "left", "right", "value", "base"};
    struct lg_forest f = {.n_features = 0};
    struct lg_tensors set;
    float x[FEATURES];
    bool ok = true;

    lg_tensors_init(&set);
    for (int i = 0; i < 6 && ok; i++)
        ok = add(&set, &in, names[i], i < 4 ? LG_I32 : LG_F32);
    if (ok && lg_forest_from(&set, FEATURES, &f, NULL) == 0) {
        (void)lg_mem_fail_from(0);
        for (int i = 0; i < FEATURES; i++)
            x[i] = (float)(int8_t)take(&in);
        check(isfinite(lg_forest_score(&f, x)));
    }
    (void)lg_mem_fail_from(0);
    lg_forest_done(&f);
    lg_tensors_done(&set);
}

static void regression(struct input in)
{
    struct lg_token_regression r = {0, NULL, 0};
    uint32_t vocab = take(&in) % 64, tok[64];
    struct lg_tensors set;

    lg_tensors_init(&set);
    if (add(&set, &in, "weight", LG_F32) && add(&set, &in, "bias", LG_F32) &&
            lg_token_regression_from(&set, vocab, &r, NULL) == 0) {
        for (uint32_t i = 0; i < vocab; i++)
            tok[i] = i;
        check(r.vocab == vocab && isfinite(lg_token_regression_score(&r, tok, vocab)));
    }
    (void)lg_mem_fail_from(0);
    lg_token_regression_done(&r);
    lg_tensors_done(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 65536)
        return 0;
    (void)lg_mem_fail_from(data[0] >> 2);
    switch (data[0] & 3) {
    case 0:
        manifest(lg_str_of((const char *)data + 1, size - 1));
        break;
    case 1:
        regression((struct input){data + 1, size - 1});
        break;
    default:
        forest((struct input){data + 1, size - 1});
    }
    return 0;
}
