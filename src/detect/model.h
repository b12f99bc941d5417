#ifndef LG_DETECT_MODEL_H
#define LG_DETECT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "crypto/ids.h"
#include "crypto/sign.h"
#include "detect/members.h"
#include "event/event.h"
#include "gnn/gnn.h"
#include "graph/features.h"

/*
 * A model is a folder: manifest.json, the networks, the regression and the trees. The manifest
 * holds the SHA-256 of every other file; the model's own digest is the SHA-256 of the manifest.
 * docs/internals/model-files.md describes the format. Read-only after loading, shared by threads.
 */
#define LG_MODEL_MAX_GATS 16u
#define LG_MODEL_FORMAT "logster-model/1"

enum lg_member { LG_MEMBER_GAT, LG_MEMBER_TOKENS, LG_MEMBER_TREES, LG_MEMBER_COUNT };
const char *lg_member_name(enum lg_member m); /* "gat", "tokens", "trees" */

/* How a member enters the jury: weight * (score - mean) / std. Weights are >= 0 (monotone) and
 * sum to 1. */
struct lg_member_scale {
    double weight;
    double mean;
    double std;
};

/* What is known of who vouches for a model: trust.h. */
enum lg_model_trust {
    LG_MODEL_NOT_CHECKED, /* nobody is trusted to sign */
    LG_MODEL_VALID,
    LG_MODEL_UNSIGNED,
    LG_MODEL_INVALID, /* signed by nobody who is trusted, or it was changed since */
};

struct lg_model {
    char name[64];
    char version[64];
    char sha256[LG_SHA256_HEX + 1];
    enum lg_model_trust trust;
    char signer[LG_SIGN_ID_TEXT + 1]; /* of a valid signature; else empty */
    enum lg_platform platform;
    bool experimental; /* too little data behind it: said on every verdict */
    struct lg_view view;
    uint32_t n_gats;
    struct lg_gnn_model *gat[LG_MODEL_MAX_GATS];
    struct lg_token_regression tokens;
    struct lg_forest trees;
    struct lg_member_scale scale[LG_MEMBER_COUNT];
    double calibration_a; /* p = sigmoid(a * jury + b), a > 0 (Platt 1999) */
    double calibration_b;
    double threshold;    /* default of inference.threshold */
    char *training_json; /* the manifest's "training" member as JSON text, or NULL */
};

/*
 * Loads and checks a folder: digests, shapes, finite weights, feature version, platform. A wrong
 * file, a missing one or one too many in the manifest refuses the model.
 */
int lg_model_load(const char *dir, struct lg_model **ret, struct lg_err *reterr) LG_MUST_CHECK;
void lg_model_free(struct lg_model *m);
/* Writes every file and the manifest into `dir` (made if absent); fills m->sha256. Signatures of
 * what was there before go. */
int lg_model_save(struct lg_model *m, const char *dir, struct lg_err *reterr) LG_MUST_CHECK;

/* Whole file into memory, at most `max` bytes, NUL-terminated; caller frees. */
int lg_file_read(
        const char *path, size_t max, struct lg_str *ret, struct lg_err *reterr) LG_MUST_CHECK;
/* Replaces a file atomically (tmp, fsync, rename). */
int lg_file_write(const char *path, struct lg_str bytes, struct lg_err *reterr) LG_MUST_CHECK;

#endif
