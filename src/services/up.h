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
 * The composition root of `logster up`, everything in one process over one data folder, and of
 * `logster service`, a part of it on engines that processes share (Kafka, PostgreSQL, OpenSearch).
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

enum lg_part {
    LG_PART_INTAKE = 1 << 0, /* HTTP and syslog */
    LG_PART_NORMALIZER = 1 << 1,
    LG_PART_INFERENCE = 1 << 2,
    LG_PART_INDEXER = 1 << 3, /* and old event days */
    LG_PART_ALERTS = 1 << 4,  /* and notifications, the audit log's head */
    LG_PART_API = 1 << 5,     /* and the dashboard */
    LG_PART_ALL = (1 << 6) - 1,
};

struct lg_up_options {
    const struct lg_config *config; /* copied; data_dir must be set where something lives in it */
    /* Of enum lg_part; 0: all. Each process answers health and metrics on the API's address. Only a
     * process with all parts makes the first token: others leave that to `service store-init`. */
    unsigned parts;
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

/* What the parts cannot do with as it is configured. 0, or LG_EINVAL. */
int lg_up_check(const struct lg_config *cfg, unsigned parts, struct lg_err *reterr) LG_MUST_CHECK;
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
