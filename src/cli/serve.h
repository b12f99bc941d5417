#ifndef LG_CLI_SERVE_H
#define LG_CLI_SERVE_H

#include "config/config.h"
#include "services/up.h"

/* What `up` and `service` have in common: arguments, configuration, signals. */
#define LG_SERVE_MAX_SET 64

/* Zeroed but for name, help and parts. */
struct lg_serve_args {
    const char *name; /* "logster up" */
    const char *help;
    unsigned parts; /* of enum lg_part */

    bool dry_run; /* --dry-run, for commands that know it */
    const char *data_dir, *config;
    struct lg_config_override set[LG_SERVE_MAX_SET + 1];
    char *keys[LG_SERVE_MAX_SET]; /* owned: KEY of KEY=VALUE */
    size_t n_set;
    char default_path[LG_CONFIG_PATH_BYTES + 32];
    struct lg_model *models[2]; /* by enum lg_platform; owned */
};

/* --data-dir, --config, --set, --dry-run, --help. 0 run, 1 done already (help), negative: wrong arguments (it
 * said so). lg_serve_done follows in any case. */
int lg_serve_parse(int argc, char **argv, struct lg_serve_args *a);
void lg_serve_done(struct lg_serve_args *a);
int lg_serve_load(
        struct lg_serve_args *a, struct lg_config *ret, struct lg_err *reterr) LG_MUST_CHECK;
/* Starts the parts and serves until a signal ends it. An exit status. */
int lg_serve_run(struct lg_serve_args *a);

#endif
