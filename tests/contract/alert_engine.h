#ifndef LG_TESTS_CONTRACT_ALERT_ENGINE_H
#define LG_TESTS_CONTRACT_ALERT_ENGINE_H

#include "lg_test.h"

#include "base/hash.h"
#include "base/parse.h"
#include "postgres/postgres.h"

/*
 * The alert store under test: LG_CONTRACT=sqlite (default) or postgres, whose address is in
 * LG_POSTGRES_HOST, _PORT, _DBNAME, _USER, _PASSWORD, _SSLMODE, _SSLROOTCERT, _SSLCERT, _SSLKEY, _TIMEOUT_MS. There each path is a
 * schema of its own.
 */
static inline struct lg_postgres_options engine_options(void)
{
    const char *timeout = getenv("LG_POSTGRES_TIMEOUT_MS");
    uint64_t ms = 0;

    if (timeout != NULL && lg_parse_u64(lg_str_z(timeout), &ms) < 0)
        ms = 0;
    return (struct lg_postgres_options){.host = getenv("LG_POSTGRES_HOST"),
            .port = getenv("LG_POSTGRES_PORT"),
            .dbname = getenv("LG_POSTGRES_DBNAME"),
            .user = getenv("LG_POSTGRES_USER"),
            .password = getenv("LG_POSTGRES_PASSWORD"),
            .sslmode = getenv("LG_POSTGRES_SSLMODE"),
            .sslrootcert = getenv("LG_POSTGRES_SSLROOTCERT"),
            .sslcert = getenv("LG_POSTGRES_SSLCERT"),
            .sslkey = getenv("LG_POSTGRES_SSLKEY"),
            .schema = getenv("LG_POSTGRES_SCHEMA"),
            .pool_size = 4,
            .connect_timeout_s = 2,
            .statement_timeout_ms = (uint32_t)ms};
}

static inline bool engine_is(const char *name)
{
    const char *engine = getenv("LG_CONTRACT");

    return strcmp(engine != NULL ? engine : "sqlite", name) == 0;
}

static inline int engine_open(const char *path, struct lg_alert_store **ret, struct lg_err *reterr)
{
    struct lg_postgres_options o = engine_options();
    char schema[32];

    if (engine_is("sqlite"))
        return lg_sqlite_alert_store_open(path, ret, reterr);
    if (!engine_is("postgres"))
        fail_msg("LG_CONTRACT: sqlite or postgres");
    (void)snprintf(
            schema, sizeof(schema), "t%016llx", (unsigned long long)lg_hash_str(lg_str_z(path), 1));
    o.schema = schema;
    return lg_postgres_alert_store_open(&o, ret, reterr);
}

#endif
