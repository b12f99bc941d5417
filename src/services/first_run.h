#ifndef LG_SERVICES_FIRST_RUN_H
#define LG_SERVICES_FIRST_RUN_H

#include "access/token.h"
#include "base/err.h"
#include "base/parse.h"
#include "store/admin_store.h"

/*
 * A new data folder: the default tenant and one token with every right, written to
 * DIR/admin-token (mode 0600) and given out once. A folder with a live token stays as it is: text is
 * empty then.
 */
int lg_first_run(struct lg_admin_store *admin, const char *data_dir, const char *tenant,
        lg_time now, char text[LG_TOKEN_CHARS + 1], struct lg_err *reterr) LG_MUST_CHECK;

#endif
