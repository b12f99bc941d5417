#ifndef LG_DETECT_TRUST_H
#define LG_DETECT_TRUST_H

#include "detect/model.h"

/*
 * Who vouches for a model. A digest says that a model is whole, not whose it is: who may write the
 * folder may write another manifest. So its makers sign the model's digest (Ed25519, crypto/sign.h),
 * and a platform that is told whom to trust loads nothing else.
 *
 * Signatures lie beside the manifest, one a line: "lgs1 KEY-ID BASE64URL". Any number of makers may
 * have signed; one who is trusted is enough. Thread: any.
 */
#define LG_TRUST_FILE "manifest.sig"

/* Adds the signature of `m`, which was loaded from `dir`. Again by the same key: the same file. */
int lg_model_sign(const struct lg_model *m, const char *dir, const struct lg_sign_key *key,
        struct lg_err *reterr) LG_MUST_CHECK;
/*
 * Fills m->trust and m->signer from what lies beside the manifest that `m` came from. An answer of
 * "unsigned" or "invalid" is no error here. LG_EIO, LG_ELIMIT, LG_ENOMEM.
 */
int lg_model_check(struct lg_model *m, const char *dir, const struct lg_sign_public *trusted,
        size_t n_trusted, struct lg_err *reterr) LG_MUST_CHECK;
const char *lg_model_trust_name(enum lg_model_trust t); /* "not_checked", "valid", ... */

#endif
