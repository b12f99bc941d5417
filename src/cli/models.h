#ifndef LG_CLI_MODELS_H
#define LG_CLI_MODELS_H

#include "detect/model.h"

/*
 * Loads models by platform. Without folders the shipped ones are taken: $LOGSTER_MODELS, or
 * ../share/logster/models or ../../models beside the program. A platform whose shipped model does
 * not exist stays NULL; none at all, or a folder that was named and does not load, is an error.
 */
int lg_models_load(const char *const *dirs, uint32_t n, struct lg_model *ret[2],
        struct lg_err *reterr) LG_MUST_CHECK;
/* The shipped ones one by one: whether there is any, and that of a platform (NULL: it has none). */
int lg_models_shipped(struct lg_err *reterr) LG_MUST_CHECK;
int lg_models_load_shipped(
        enum lg_platform p, struct lg_model **ret, struct lg_err *reterr) LG_MUST_CHECK;

#endif
