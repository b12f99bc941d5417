#ifndef LG_POSTGRES_POSTGRES_H
#define LG_POSTGRES_POSTGRES_H

#include "crypto/chain.h"
#include "store/admin_store.h"
#include "store/alert_store.h"

/*
 * PostgreSQL (14 or newer) behind store/alert_store.h and store/admin_store.h: the alerts of a
 * fleet. Answers are those of the SQLite store; docs/internals/postgres.md says how.
 *
 * Beyond the interface:
 * - While the server is away an operation answers LG_EIO within the time-outs below, at once while
 *   the store waits before it tries the next connection; LG_EAGAIN where two changes met. Both may
 *   be tried again. Where the server went away during the commit, the change may have been made:
 *   repeating it changes nothing more (what creates may then answer LG_EEXIST, and If-Match
 *   LG_EREFUSED).
 * - Any number of processes use one database. Outbox rows go to one of them at a time: to who read
 *   last, until it has not read for LG_POSTGRES_LEASE_S; the others read none. So do deliveries.
 * - backup is LG_EUNSUP: pg_dump is the tool.
 * Thread: any.
 */
struct lg_postgres_options {
    const char *host;   /* names, addresses or folders of sockets, comma separated, tried in order
                         * until one takes writes; NULL: the local socket */
    const char *port;   /* one, or as many as hosts, comma separated; NULL: 5432 */
    const char *dbname; /* NULL: "logster" */
    const char *user;   /* NULL: "logster" */
    const char *password;
    const char *schema; /* [a-z_][a-z0-9_]*; NULL: "logster" */
    /* disable, allow, prefer, require, verify-ca, verify-full. NULL: verify-full, but "prefer" where
     * every host is a socket or a loopback address. */
    const char *sslmode;
    const char *sslrootcert; /* NULL: the system's authorities */
    const char *sslcert, *sslkey;
    const char *application_name;  /* NULL: "logster" */
    uint32_t pool_size;            /* connections at most; 0: 8 */
    uint32_t connect_timeout_s;    /* for each host; at least 2; 0: 5 */
    uint32_t statement_timeout_ms; /* of one statement; 0: 30,000 */
};
#define LG_POSTGRES_POOL_MAX 256
#define LG_POSTGRES_LEASE_S 15

/*
 * Connects, and brings the schema to this program's version where the role may do that (several
 * processes may start at once). LG_EIO: the server cannot be reached or refuses the login;
 * LG_EUNSUP: the schema is of a newer program, or older and the role may not change it; LG_EINVAL:
 * an option. reterr names the way out and holds no secret.
 */
int lg_postgres_alert_store_open(const struct lg_postgres_options *o, struct lg_alert_store **ret,
        struct lg_err *reterr) LG_MUST_CHECK;

/*
 * `store-init`: as the owner named in `o`, makes or upgrades the schema, and lets `app_user` use it
 * and no more: rows but no tables, no way around row-level security. A second run changes nothing.
 * `line` gets what was done, a sentence each.
 */
struct lg_postgres_init {
    const char *app_user;     /* NULL: only the schema */
    const char *app_password; /* where the role is to be made; NULL: it must exist, or logs in by
                               * other means */
    void (*line)(void *user, const char *text); /* or NULL */
    void *user;
};
int lg_postgres_init(const struct lg_postgres_options *o, const struct lg_postgres_init *in,
        struct lg_err *reterr) LG_MUST_CHECK;

/*
 * Copies everything from a SQLite store, which nobody may write to meanwhile, into an empty
 * PostgreSQL one: one transaction, which is committed only where every table has the same rows with
 * the same digest on both sides and the audit chain is whole. `line` gets one for each table.
 * LG_EEXIST: there is something in the target; LG_ECORRUPT: the copy is not the same.
 */
struct lg_migrated_table {
    const char *name;
    uint64_t rows_from, rows_to;
    struct lg_link digest_from, digest_to;
};
int lg_alert_migrate(struct lg_alert_store *from, struct lg_alert_store *to,
        void (*line)(void *user, const struct lg_migrated_table *t), void *user,
        struct lg_err *reterr) LG_MUST_CHECK;

#endif
