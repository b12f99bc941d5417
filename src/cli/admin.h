#ifndef LG_CLI_ADMIN_H
#define LG_CLI_ADMIN_H

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/parse.h"
#include "store/admin_store.h"
#include "store/alert_store.h"

/*
 * What the commands over a data folder share: its place, its store, and how a person at the
 * machine is named in the audit log. They work beside a running `logster up` (SQLite serialises
 * writers); what they change counts there within seconds.
 */
struct lg_admin_cli {
    const char *command;  /* "token create" */
    const char *data_dir; /* --data-dir, else LOGSTER_DATA_DIR */
    bool json;
    struct lg_alert_store *store;
    struct lg_arena arena; /* of what was read */
    char actor[128];       /* "root@host (command line)" */
    lg_time now;
};

/* Opens the store; prints what is wrong and returns negative when it cannot. */
int lg_admin_open(struct lg_admin_cli *a) LG_MUST_CHECK;
void lg_admin_close(struct lg_admin_cli *a);
/* "logster COMMAND: text" on standard error; returns LG_EXIT_FAILED. */
int lg_admin_fail(const struct lg_admin_cli *a, const char *fmt, ...) LG_PRINTF(2, 3);
/* One audit row of this command. */
int lg_admin_audit(struct lg_admin_cli *a, const char *action, struct lg_str tenant,
        struct lg_str target) LG_MUST_CHECK;
/* ISO time, or "-" for 0. */
const char *lg_admin_time(lg_time t, char out[LG_TIME_ISO_MAX]);

/* A sub-command: `logster token create`. */
struct lg_subcommand {
    const char *name;
    int (*run)(struct lg_admin_cli *a, int argc, char **argv); /* argv[0] is its name */
};
/* Finds and runs argv[1] of `name`; prints `help` for --help and for mistakes. */
int lg_subcommand_run(const char *name, const char *help, const struct lg_subcommand *subs,
        size_t n, int argc, char **argv);

#endif
