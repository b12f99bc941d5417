#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "postgres/int.h"

/* `store-init`: the schema by its owner, and what the services' role may do in it. */

#define READ_WRITE "SELECT, INSERT, UPDATE"
static const struct {
    const char *table, *rights;
} grants[] = {{"schema_version", "SELECT"}, {"tenant_refs", "SELECT, INSERT"},
        {"endpoints", READ_WRITE}, {"alerts", READ_WRITE}, {"alert_techniques", READ_WRITE},
        {"alert_texts", READ_WRITE}, {"alert_counts", READ_WRITE},
        {"alert_inferences", "SELECT, INSERT"}, {"alert_history", "SELECT, INSERT"},
        {"outbox", READ_WRITE ", DELETE"}, {"leases", READ_WRITE ", DELETE"},
        {"feedback", "SELECT, INSERT"}, {"suppressions", READ_WRITE},
        {"suppression_hits", "SELECT, INSERT"}, {"tenants", READ_WRITE}, {"tokens", READ_WRITE},
        {"audit", "SELECT, INSERT"}, {"searches", READ_WRITE ", DELETE"},
        {"deliveries", READ_WRITE ", DELETE"}, {"settings", READ_WRITE},
        {"sessions", READ_WRITE ", DELETE"}};

struct init {
    struct lg_pg_tx tx;
    const struct lg_postgres_init *in;
    char *role; /* quoted; PQfreemem */
};

static void say(const struct lg_postgres_init *in, const char *text)
{
    if (in->line != NULL)
        in->line(in->user, text);
}

static void LG_PRINTF(2, 3) sayf(const struct lg_postgres_init *in, const char *fmt, ...)
{
    char text[320];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    say(in, text);
}

/* A question about the role, of one true or false; `word` is $2. */
static int ask(struct init *it, const char *sql, const char *word, const char *right)
{
    struct lg_pg_q q;
    int rc;

    lg_pg_q_open(&q, &it->tx, sql);
    lg_pg_q_str(&q, lg_str_z(it->in->app_user));
    if (word != NULL)
        lg_pg_q_str(&q, lg_str_z(word));
    if (right != NULL)
        lg_pg_q_str(&q, lg_str_z(right));
    rc = lg_pg_q_step(&q);
    if (rc > 0)
        rc = lg_pg_q_col_i64(&q, 0) != 0;
    lg_pg_q_done(&q);
    return rc;
}

/* The password goes to the server as its SCRAM verifier only. */
static int make_role(struct init *it)
{
    PGconn *pq = it->tx.c->pq;
    char *verifier, *literal = NULL;
    struct lg_buf sql;
    int rc;

    verifier = PQencryptPasswordConn(pq, it->in->app_password, it->in->app_user, "scram-sha-256");
    if (verifier != NULL)
        literal = PQescapeLiteral(pq, verifier, strlen(verifier));
    lg_buf_init(&sql, 8192);
    lg_buf_printf(&sql,
            "CREATE ROLE %s LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD %s",
            it->role, literal != NULL ? literal : "NULL");
    lg_buf_addc(&sql, '\0');
    rc = literal == NULL ? LG_ENOMEM : sql.failed;
    if (rc >= 0)
        rc = lg_pg_exec(it->tx.c, sql.p);
    PQfreemem(verifier);
    PQfreemem(literal);
    lg_buf_done(&sql);
    return rc;
}

static int ready_role(struct init *it, struct lg_err *reterr)
{
    int rc = ask(it, "SELECT EXISTS(SELECT 1 FROM pg_roles WHERE rolname=$1)", NULL, NULL);

    if (rc < 0)
        return rc;
    if (rc == 0 && it->in->app_password == NULL)
        return lg_err_set(reterr, LG_ENOENT,
                "PostgreSQL: there is no role %.60s: give its password to have it made, or make it",
                it->in->app_user);
    if (rc == 0) {
        rc = make_role(it);
        if (rc >= 0)
            sayf(it->in, "made the role %s", it->in->app_user);
        return rc;
    }
    rc = ask(it, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname=$1", NULL, NULL);
    if (rc > 0)
        sayf(it->in, "warning: the role %s passes by row-level security", it->in->app_user);
    return rc < 0 ? rc : 0;
}

/* 1: it was missing. */
static int grant(
        struct init *it, const char *test, const char *what, const char *name, const char *rights)
{
    struct lg_str rest = lg_str_z(rights), one;
    struct lg_buf sql;
    char right[32];
    int rc = 1;

    while (rc > 0 && lg_str_split(&rest, ',', &one)) {
        one = lg_str_trim(one);
        (void)snprintf(right, sizeof(right), "%.*s", LG_STR_FMT(one));
        rc = ask(it, test, name, right);
    }
    if (rc != 0)
        return rc < 0 ? rc : 0;
    lg_buf_init(&sql, 4096);
    lg_buf_printf(&sql, "GRANT %s ON %s %s TO %s", rights, what, name, it->role);
    lg_buf_addc(&sql, '\0');
    rc = sql.failed != 0 ? sql.failed : lg_pg_exec(it->tx.c, sql.p);
    lg_buf_done(&sql);
    return rc < 0 ? rc : 1;
}

static int grant_all(struct init *it)
{
    int made = 0;
    int rc = grant(
            it, "SELECT has_schema_privilege($1, $2, $3)", "SCHEMA", it->tx.pg->schema, "USAGE");

    made += rc;
    for (size_t i = 0; rc >= 0 && i < sizeof(grants) / sizeof(*grants); i++) {
        rc = grant(it, "SELECT has_table_privilege($1, $2, $3)", "TABLE", grants[i].table,
                grants[i].rights);
        made += rc;
    }
    if (rc >= 0) {
        rc = grant(
                it, "SELECT has_sequence_privilege($1, $2, $3)", "SEQUENCE", "outbox_pos", "USAGE");
        made += rc;
    }
    if (rc >= 0 && made > 0)
        sayf(it->in, "let %s read and write the rows of %d objects", it->in->app_user, made);
    return rc < 0 ? rc : 0;
}

static int init_role(struct lg_pg *pg, const struct lg_postgres_init *in, struct lg_err *reterr)
{
    struct init it = {.in = in};
    int rc = lg_pg_begin_all(&it.tx, pg, true);

    if (rc < 0)
        return lg_err_set(reterr, rc, "PostgreSQL: %.200s", pg->told);
    reterr->code = 0;
    it.role = PQescapeIdentifier(it.tx.c->pq, in->app_user, strlen(in->app_user));
    rc = it.role == NULL ? LG_EINVAL : lg_pg_lock(&it.tx, LG_PG_LOCK_SCHEMA);
    if (rc >= 0)
        rc = ready_role(&it, reterr);
    if (rc >= 0)
        rc = grant_all(&it);
    if (rc < 0 && reterr->code == 0)
        (void)lg_err_set(reterr, rc, "PostgreSQL: %s", it.tx.c->told);
    PQfreemem(it.role);
    return lg_pg_end(&it.tx, rc);
}

int lg_postgres_init(const struct lg_postgres_options *o, const struct lg_postgres_init *in,
        struct lg_err *reterr)
{
    bool changed = false;
    struct lg_pg *pg;
    int rc = lg_pg_new(o, &pg, reterr);

    if (rc < 0)
        return rc;
    rc = lg_pg_schema_upgrade(pg, &changed, reterr);
    if (rc >= 0 && changed)
        sayf(in, "brought the schema %s to version %d", pg->schema, lg_pg_schema_version);
    if (rc >= 0 && in->app_user != NULL)
        rc = init_role(pg, in, reterr);
    lg_pg_free(pg);
    return rc;
}
