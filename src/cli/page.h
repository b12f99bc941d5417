#ifndef LG_CLI_PAGE_H
#define LG_CLI_PAGE_H

#include "services/dashboard.h"

/* The dashboard's page, made from web/ by scripts/web.sh. Only the program `logster` links it. */
extern const struct lg_assets lg_web_page;

/* What `logster up` serves: main points it at lg_web_page, so that the commands link without. */
extern struct lg_assets lg_cli_page;

#endif
