#ifndef LG_DETECT_MODEL_INT_H
#define LG_DETECT_MODEL_INT_H

#include "detect/model.h"
#include "json/json.h"

/* The manifest's text from a model and the digests of its files, and back. Private to detect. */
struct lg_model_file {
    char name[80];
    char sha256[LG_SHA256_HEX + 1];
};
#define LG_MANIFEST_MAX_BYTES ((size_t)16 << 20)
#define LG_MODEL_MAX_FILES (LG_MODEL_MAX_GATS + 2)

void lg_manifest_write(const struct lg_model *m, const struct lg_model_file *files, uint32_t n,
        struct lg_buf *out);
/* Fills everything but the members' weights. */
int lg_manifest_read(struct lg_str text, struct lg_model *m, struct lg_model_file *files,
        uint32_t *ret_n, struct lg_err *reterr) LG_MUST_CHECK;

#endif
