#ifndef LG_SERVICES_UP_H
#define LG_SERVICES_UP_H

#include <stdbool.h>
#include <stdint.h>

#include "access/token.h"
#include "base/err.h"
#include "config/config.h"
#include "detect/model.h"
#include "services/dashboard.h"

/*
 * The composition root of `logster up`: everything in one process over one data folder.
 *
 *   DIR/lock                one process a folder
 *   DIR/bus/                topics (RocksDB)
 *   DIR/alerts.db           alerts, history, feedback, suppressions, tokens, tenants, audit (SQLite)
 *   DIR/events/YYYYMMDD.db  events and inferences by event day
 *   DIR/admin-token         the first token, mode 0600
 *
 * Started bottom up (stores, bus, stages, listeners), stopped top down: intake first, then each
 * stage works off what is left for it. Thread: the caller's.
 */
struct lg_up;

struct lg_up_options {
    const struct lg_config *config;   /* copied; data_dir must be set */
    const struct lg_model *models[2]; /* by enum lg_platform; borrowed */
    const char *model_paths[2];       /* folders, for people; may be NULL */
    const char *version;
    struct lg_assets assets; /* the dashboard's page; none: it says that there is none */
};

struct lg_up_info {
    char api_url[LG_CONFIG_TEXT_BYTES + 32];
    char dashboard_url[LG_CONFIG_TEXT_BYTES + 32]; /* empty: dashboard.enabled is false */
    char token[LG_TOKEN_CHARS + 1]; /* the first token, when this start made it; else empty */
    char token_file[LG_CONFIG_PATH_BYTES + 16];
    bool auth_off;
};

/* LG_EREFUSED: another process has the folder. LG_EIO, LG_ECORRUPT, LG_EINVAL...: reterr says what
 * to do. On failure everything that had been started is stopped. */
int lg_up_start(const struct lg_up_options *opt, struct lg_up **ret, struct lg_up_info *ret_info,
        struct lg_err *reterr) LG_MUST_CHECK;
/* Takes over what is reloadable and audits what changed; both are of lg_config_reload. */
void lg_up_reload(
        struct lg_up *p, const struct lg_config *cfg, const struct lg_config_changes *changes);
/* A stage ended for good: what and why. False while all is well. Thread: any. */
bool lg_up_failed(struct lg_up *p, struct lg_err *ret);
/* Drains and stops; NULL is fine. 0, or the first error of a stage. */
int lg_up_stop(struct lg_up *p);

#endif
