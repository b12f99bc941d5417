#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "postgres/int.h"

/*
 * Connections. Waiting is always bounded: connecting by connect_timeout, a statement by the
 * server's statement_timeout and, should the server not even say that, a little later by our own
 * clock; then the connection is given up. After a failed attempt to connect no other is made for a
 * while that doubles up to MAX_DELAY, and operations fail at once.
 */
#define MS INT64_C(1000000)
#define GRACE_MS 3000
#define TAKE_WAIT (10000 * MS)
#define FIRST_DELAY (50 * MS)
#define MAX_DELAY (5000 * MS)

/* ---- options ---- */

static bool local_host(struct lg_str h)
{
    return h.n == 0 || h.p[0] == '/' || h.p[0] == '@' || lg_str_starts(h, LG_STR("127.")) ||
            lg_str_eq(h, LG_STR("::1")) || lg_str_eq(h, LG_STR("localhost"));
}

static bool all_local(const char *hosts)
{
    struct lg_str rest = lg_str_z(hosts), one;

    while (lg_str_split(&rest, ',', &one))
        if (!local_host(lg_str_trim(one)))
            return false;
    return true;
}

static bool schema_valid(const char *s)
{
    size_t n = strlen(s);

    if (n == 0 || n > 48 || !((s[0] >= 'a' && s[0] <= 'z') || s[0] == '_') ||
            strncmp(s, "pg_", 3) == 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_'))
            return false;
    return true;
}

static int word(struct lg_pg *pg, int *n, const char *name, const char *value)
{
    if (value == NULL)
        return 0;
    LG_ASSERT(*n < 23);
    pg->words[*n] = name;
    pg->values[*n] = lg_strndup(value, strlen(value));
    if (pg->values[*n] == NULL)
        return LG_ENOMEM;
    (*n)++;
    return 0;
}

static int words(struct lg_pg *pg, const struct lg_postgres_options *o)
{
    bool local = all_local(o->host);
    const char *mode = o->sslmode != NULL ? o->sslmode : local ? "prefer" : "verify-full";
    const char *roots = o->sslrootcert;
    char timeout[16];
    int n = 0, rc = 0;

    if (roots == NULL && strncmp(mode, "verify", 6) == 0)
        roots = "/etc/ssl/certs/ca-certificates.crt";
    (void)snprintf(
            timeout, sizeof(timeout), "%u", o->connect_timeout_s == 0 ? 5 : o->connect_timeout_s);
    const char *const pairs[][2] = {{"host", o->host}, {"port", o->port},
            {"dbname", o->dbname != NULL ? o->dbname : "logster"},
            {"user", o->user != NULL ? o->user : "logster"}, {"password", o->password},
            {"sslmode", mode}, {"sslrootcert", roots}, {"sslcert", o->sslcert},
            {"sslkey", o->sslkey},
            {"application_name", o->application_name != NULL ? o->application_name : "logster"},
            {"connect_timeout", timeout}, {"client_encoding", "UTF8"},
            {"target_session_attrs", "read-write"}, {"keepalives", "1"}, {"keepalives_idle", "5"},
            {"keepalives_interval", "2"}, {"keepalives_count", "3"}, {"tcp_user_timeout", "10000"},
            {"gssencmode", "disable"}};

    for (size_t i = 0; rc >= 0 && i < sizeof(pairs) / sizeof(*pairs); i++)
        rc = word(pg, &n, pairs[i][0], pairs[i][1]);
    return rc;
}

int lg_pg_new(const struct lg_postgres_options *o, struct lg_pg **ret, struct lg_err *reterr)
{
    const char *schema = o->schema != NULL ? o->schema : "logster";
    struct lg_pg *pg;
    int rc;

    if (!schema_valid(schema))
        return lg_err_set(reterr, LG_EINVAL,
                "PostgreSQL: the schema wants lower-case letters, digits and _, at most 48");
    if (o->pool_size > LG_POSTGRES_POOL_MAX)
        return lg_err_set(
                reterr, LG_EINVAL, "PostgreSQL: at most %d connections", LG_POSTGRES_POOL_MAX);
    pg = (struct lg_pg *)lg_calloc(1, sizeof(*pg));
    if (pg == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "PostgreSQL: out of memory");
    (void)pthread_mutex_init(&pg->lock, NULL);
    lg_clock_cond_init(&pg->given);
    pg->pool_size = o->pool_size == 0 ? 8 : o->pool_size;
    pg->statement_timeout_ms = o->statement_timeout_ms == 0 ? 30000 : o->statement_timeout_ms;
    pg->schema = lg_strndup(schema, strlen(schema));
    pg->lock_base = (int64_t)(lg_hash_str(lg_str_z(schema), 0x4c67) & ~UINT64_C(0xffff));
    rc = pg->schema == NULL ? LG_ENOMEM : words(pg, o);
    if (rc < 0) {
        lg_pg_free(pg);
        return lg_err_set(reterr, rc, "PostgreSQL: out of memory");
    }
    *ret = pg;
    return 0;
}

/* ---- one connection ---- */

static void conn_free(struct lg_pg_conn *c)
{
    if (c == NULL)
        return;
    PQfinish(c->pq);
    lg_map_done(&c->prepared);
    lg_free(c);
}

static void note(char told[200], const char *message)
{
    size_t n = 0;

    for (; message != NULL && *message != '\0' && n < 199; message++)
        told[n++] = *message == '\n' || *message == '"' ? ' ' : *message;
    told[n] = '\0';
}

int lg_pg_code(struct lg_pg_conn *c, const PGresult *r)
{
    static const struct {
        const char *state;
        int code;
    } codes[] = {{"23505", LG_EEXIST}, {"23", LG_EINVAL}, {"22", LG_EINVAL}, {"42501", LG_EREFUSED},
            {"42", LG_EINVAL}, {"P0001", LG_EREFUSED}, {"40", LG_EAGAIN}, {"55P03", LG_EAGAIN},
            {"53100", LG_ENOSPC}, {"53200", LG_ENOMEM}, {"54", LG_ELIMIT}, {"XX001", LG_ECORRUPT},
            {"XX002", LG_ECORRUPT}};
    ExecStatusType status = PQresultStatus(r);
    const char *state;

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return 0;
    state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    note(c->told, PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
    (void)snprintf(c->state, sizeof(c->state), "%s", state != NULL ? state : "");
    /* The server goes down (57P), is a stand-by now, or does not know what was prepared. */
    if (PQstatus(c->pq) != CONNECTION_OK || strncmp(c->state, "57P", 3) == 0 ||
            strcmp(c->state, "25006") == 0 || strcmp(c->state, "26000") == 0 ||
            strcmp(c->state, "0A000") == 0)
        c->dead = true;
    for (size_t i = 0; state != NULL && i < sizeof(codes) / sizeof(*codes); i++)
        if (strncmp(state, codes[i].state, strlen(codes[i].state)) == 0)
            return codes[i].code;
    return LG_EIO;
}

static int gone(struct lg_pg_conn *c, const char *why)
{
    note(c->told, why);
    c->state[0] = '\0';
    c->dead = true;
    return LG_EIO;
}

/* Until there is a whole result. */
static int wait_busy(struct lg_pg_conn *c, int64_t end)
{
    while (PQflush(c->pq) == 1 || PQisBusy(c->pq) != 0) {
        int64_t left = (end - lg_clock_monotonic()) / MS;
        struct pollfd p = {.fd = PQsocket(c->pq),
                .events = (short)(POLLIN | (PQflush(c->pq) == 1 ? POLLOUT : 0))};
        int n = left <= 0 ? 0 : poll(&p, 1, (int)left);

        if (n == 0) {
            c->silent = true;
            return gone(c, "the server does not answer");
        }
        if (n < 0 && errno != EINTR)
            return gone(c, "cannot wait for the server");
        if (PQconsumeInput(c->pq) == 0)
            return gone(c, PQerrorMessage(c->pq));
    }
    return 0;
}

int lg_pg_await(struct lg_pg_conn *c, PGresult **ret)
{
    int64_t end = lg_clock_monotonic() + ((int64_t)c->timeout_ms + GRACE_MS) * MS;
    PGresult *last = NULL, *r;
    int rc;

    while ((rc = wait_busy(c, end)) >= 0 && (r = PQgetResult(c->pq)) != NULL) {
        PQclear(last);
        last = r;
    }
    if (rc >= 0 && last == NULL)
        rc = gone(c, "the server gave no answer");
    if (rc < 0) {
        PQclear(last);
        return rc;
    }
    if (PQstatus(c->pq) != CONNECTION_OK)
        c->dead = true;
    *ret = last;
    return 0;
}

int lg_pg_exec(struct lg_pg_conn *c, const char *sql)
{
    PGresult *r = NULL;
    int rc = 0;

    if (c->dead || PQsendQuery(c->pq, sql) == 0)
        return gone(c, PQerrorMessage(c->pq));
    rc = lg_pg_await(c, &r);
    if (rc >= 0)
        rc = lg_pg_code(c, r);
    PQclear(r);
    return rc;
}

/* What every session is to have. Values, not text: names come from a configuration. */
static int session(struct lg_pg *pg, struct lg_pg_conn *c)
{
    char timeout[16], idle[16];
    const char *encoding;
    const char *const values[] = {pg->schema, timeout, idle};
    PGresult *r = NULL;
    int rc;

    (void)snprintf(timeout, sizeof(timeout), "%u", pg->statement_timeout_ms);
    (void)snprintf(idle, sizeof(idle), "%u", pg->statement_timeout_ms * 2);
    if (PQsendQueryParams(c->pq,
                "SELECT set_config('search_path', $1, false),"
                " set_config('statement_timeout', $2, false),"
                " set_config('lock_timeout', $2, false),"
                " set_config('idle_in_transaction_session_timeout', $3, false),"
                " set_config('client_min_messages', 'warning', false),"
                " set_config('row_security', 'on', false)",
                3, NULL, values, NULL, NULL, 0) == 0)
        return gone(c, PQerrorMessage(c->pq));
    rc = lg_pg_await(c, &r);
    if (rc >= 0)
        rc = lg_pg_code(c, r);
    PQclear(r);
    encoding = rc >= 0 ? PQparameterStatus(c->pq, "server_encoding") : NULL;
    if (rc >= 0 && (encoding == NULL || strcmp(encoding, "UTF8") != 0)) {
        note(c->told, "the database's encoding is not UTF8: make one with ENCODING 'UTF8'");
        rc = LG_EUNSUP;
    }
    return rc;
}

static void no_notices(void *user, const char *message)
{
    (void)user;
    (void)message;
}

static int conn_new(struct lg_pg *pg, struct lg_pg_conn **ret, char told[200])
{
    struct lg_pg_conn *c = (struct lg_pg_conn *)lg_calloc(1, sizeof(*c));
    int rc;

    note(told, "out of memory");
    if (c == NULL)
        return LG_ENOMEM;
    lg_map_init(&c->prepared);
    c->timeout_ms = pg->statement_timeout_ms;
    c->pq = PQconnectdbParams(pg->words, pg->values, 0);
    if (c->pq == NULL) {
        rc = LG_ENOMEM;
    } else if (PQstatus(c->pq) != CONNECTION_OK) {
        rc = LG_EIO;
        note(told, PQerrorMessage(c->pq));
    } else {
        (void)PQsetNoticeProcessor(c->pq, no_notices, NULL);
        (void)PQsetnonblocking(c->pq, 1);
        rc = session(pg, c);
        if (rc < 0)
            note(told, c->told);
    }
    if (rc < 0) {
        conn_free(c);
        return rc;
    }
    *ret = c;
    return 0;
}

/* ---- the pool ---- */

void lg_pg_free(struct lg_pg *pg)
{
    if (pg == NULL)
        return;
    while (pg->idle != NULL) {
        struct lg_pg_conn *c = pg->idle;

        pg->idle = c->next;
        conn_free(c);
    }
    for (size_t i = 0; pg->words[i] != NULL; i++)
        lg_free((void *)(uintptr_t)pg->values[i]);
    lg_free(pg->schema);
    (void)pthread_mutex_destroy(&pg->lock);
    (void)pthread_cond_destroy(&pg->given);
    lg_free(pg);
}

/* The caller has counted it in n_open. */
static int connect_counted(struct lg_pg *pg, struct lg_pg_conn **ret)
{
    char told[200];
    int rc = conn_new(pg, ret, told);
    bool news = false;

    (void)pthread_mutex_lock(&pg->lock);
    if (rc < 0) {
        pg->n_open--;
        news = pg->delay == 0;
        pg->delay = pg->delay == 0          ? FIRST_DELAY
                : pg->delay * 2 > MAX_DELAY ? MAX_DELAY
                                            : pg->delay * 2;
        pg->next_try = lg_clock_monotonic() + pg->delay;
        memcpy(pg->told, told, sizeof(told));
        (void)pthread_cond_signal(&pg->given);
    } else {
        pg->delay = 0;
        pg->next_try = 0;
    }
    (void)pthread_mutex_unlock(&pg->lock);
    if (news)
        lg_log(LG_LOG_WARN, "postgres", "cannot connect", "error=\"%.190s\"", told);
    return rc;
}

int lg_pg_take(struct lg_pg *pg, struct lg_pg_conn **ret)
{
    struct timespec end = lg_clock_deadline(TAKE_WAIT);
    int rc = 0;

    *ret = NULL;
    (void)pthread_mutex_lock(&pg->lock);
    while (pg->idle == NULL && pg->n_open >= pg->pool_size && rc == 0)
        if (pthread_cond_timedwait(&pg->given, &pg->lock, &end) == ETIMEDOUT)
            rc = LG_EAGAIN;
    if (pg->idle != NULL) {
        *ret = pg->idle;
        pg->idle = pg->idle->next;
        rc = 0;
    } else if (rc == 0 && lg_clock_monotonic() < pg->next_try) {
        rc = LG_EIO;
    } else if (rc == 0) {
        pg->n_open++;
    }
    (void)pthread_mutex_unlock(&pg->lock);
    return rc < 0 || *ret != NULL ? rc : connect_counted(pg, ret);
}

/* One dead connection: those that idle are of the same server, most likely. */
void lg_pg_give(struct lg_pg *pg, struct lg_pg_conn *c)
{
    struct lg_pg_conn *drop = NULL;
    bool news = false;

    c->timeout_ms = pg->statement_timeout_ms;
    (void)pthread_mutex_lock(&pg->lock);
    if (c->dead) {
        drop = c;
        c->next = pg->idle;
        pg->idle = NULL;
        for (struct lg_pg_conn *d = drop; d != NULL; d = d->next)
            pg->n_open--;
        news = pg->delay == 0;
        (void)pthread_cond_broadcast(&pg->given);
    } else {
        c->next = pg->idle;
        pg->idle = c;
        (void)pthread_cond_signal(&pg->given);
    }
    (void)pthread_mutex_unlock(&pg->lock);
    if (news)
        lg_log(LG_LOG_WARN, "postgres", "a connection was lost", "error=\"%.190s\"", c->told);
    while (drop != NULL) {
        struct lg_pg_conn *next = drop->next;

        conn_free(drop);
        drop = next;
    }
}
