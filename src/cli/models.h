#ifndef LG_CLI_MODELS_H
#define LG_CLI_MODELS_H

#include "detect/trust.h"

/* Whose signatures count for what is loaded; NULL or none: nobody's is looked at. */
struct lg_models_trust {
    const struct lg_sign_public *keys;
    size_t n;
    bool required; /* LG_EREFUSED for a model that none of them signed; else m->trust tells */
};

/*
 * Loads models by platform. Without folders the shipped ones are taken: $LOGSTER_MODELS, or
 * ../share/logster/models or ../../models beside the program. A platform whose shipped model does
 * not exist stays NULL; none at all, or a folder that was named and does not load, is an error.
 */
int lg_models_load(const char *const *dirs, uint32_t n, const struct lg_models_trust *trust,
        struct lg_model *ret[2], struct lg_err *reterr) LG_MUST_CHECK;
/* The shipped ones one by one: whether there is any, and that of a platform (NULL: it has none). */
int lg_models_shipped(struct lg_err *reterr) LG_MUST_CHECK;
int lg_models_load_shipped(enum lg_platform p, const struct lg_models_trust *trust,
        struct lg_model **ret, struct lg_err *reterr) LG_MUST_CHECK;

#endif
