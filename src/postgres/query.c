#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "postgres/int.h"

/* Transactions and statements. */

enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_FLOAT8 = 701
};

#define POSTED_MAX 200

static int settle(struct lg_pg_tx *tx);

/* ---- transactions ---- */

/* BEGIN and the tenants go out together; row-level security holds from the first statement on. */
static int send_begin(struct lg_pg_tx *tx)
{
    const char *values[] = {tx->tenants.p};
    const char *begin = tx->writes ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
                                   : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    const char *set = "SELECT set_config('logster.tenants', $1, true)";
    PGconn *pq = tx->c->pq;

    return PQenterPipelineMode(pq) == 1 &&
                    PQsendQueryParams(pq, begin, 0, NULL, NULL, NULL, NULL, 0) == 1 &&
                    PQsendQueryParams(pq, set, 1, NULL, values, NULL, NULL, 0) == 1 &&
                    PQpipelineSync(pq) == 1
            ? 0
            : LG_EIO;
}

static int begin_on(struct lg_pg_tx *tx)
{
    int rc = send_begin(tx);
    PGresult *r = NULL;

    if (rc < 0) {
        tx->c->dead = true;
        return rc;
    }
    rc = lg_pg_await(tx->c, &r); /* BEGIN */
    if (rc >= 0)
        rc = lg_pg_code(tx->c, r);
    PQclear(r);
    r = NULL;
    if (rc >= 0)
        rc = lg_pg_await(tx->c, &r); /* the settings */
    if (rc >= 0)
        rc = lg_pg_code(tx->c, r);
    PQclear(r);
    r = NULL;
    if (!tx->c->dead && lg_pg_await(tx->c, &r) >= 0) { /* the end of the pipeline */
        PQclear(r);
        if (PQexitPipelineMode(tx->c->pq) == 0)
            tx->c->dead = true;
    }
    return tx->c->dead && rc >= 0 ? LG_EIO : rc;
}

/* A connection that idled over a restart of the server is found here: nothing has been done yet, so
 * that a new one may try. */
static int begin(struct lg_pg_tx *tx)
{
    int rc = 0;

    for (int i = 0; i < 2; i++) {
        bool again;

        rc = lg_pg_take(tx->pg, &tx->c);
        if (rc < 0)
            break;
        rc = begin_on(tx);
        if (rc >= 0) {
            lg_arena_init(&tx->scratch, 64u << 20);
            return 0;
        }
        again = tx->c->dead && !tx->c->silent;
        tx->c->dead = true; /* in whatever state it is */
        lg_pg_give(tx->pg, tx->c);
        if (!again)
            break;
    }
    tx->c = NULL;
    lg_buf_done(&tx->tenants_buf);
    return rc;
}

int lg_pg_begin_all(struct lg_pg_tx *tx, struct lg_pg *pg, bool writes)
{
    *tx = (struct lg_pg_tx){.pg = pg, .writes = writes, .tenants = LG_PG_ALL};
    return begin(tx);
}

int lg_pg_begin(struct lg_pg_tx *tx, struct lg_pg *pg, bool writes, const struct lg_scope *sc,
        struct lg_str filter)
{
    struct lg_buf *b = &tx->tenants_buf;
    int rc;

    *tx = (struct lg_pg_tx){.pg = pg, .writes = writes, .tenants = LG_PG_ALL};
    if (sc == NULL || lg_scope_is_empty(sc) || (filter.n > 0 && !lg_scope_allows(sc, filter)))
        return 0;
    if (filter.n > 0 || !lg_scope_is_all(sc)) {
        lg_buf_init(b, 1u << 20);
        lg_buf_adds(b, filter);
        for (size_t i = 0; filter.n == 0 && i < lg_scope_tenants(sc); i++) {
            if (i > 0)
                lg_buf_addc(b, ',');
            lg_buf_adds(b, lg_scope_tenant(sc, i));
        }
        lg_buf_addc(b, '\0');
        if (b->failed != 0) {
            rc = b->failed;
            lg_buf_done(b);
            return rc;
        }
        tx->tenants = lg_str_of(b->p, b->n - 1);
    }
    rc = begin(tx);
    return rc < 0 ? rc : 1;
}

int lg_pg_patient(struct lg_pg_tx *tx)
{
    struct lg_pg_q q;

    tx->c->timeout_ms = 3600000;
    lg_pg_q_open(&q, tx,
            "SELECT set_config('statement_timeout', '3600000', true), set_config("
            "'idle_in_transaction_session_timeout', '3600000', true)");
    return lg_pg_q_run(&q) < 0 ? q.rc : 0;
}

/* ROLLBACK is also what the server answers to a COMMIT of a transaction that failed. */
static int commit(struct lg_pg_tx *tx)
{
    PGresult *r = NULL;
    int rc;

    if (PQsendQuery(tx->c->pq, "COMMIT") == 0) {
        tx->c->dead = true;
        return LG_EIO;
    }
    rc = lg_pg_await(tx->c, &r);
    if (rc >= 0)
        rc = lg_pg_code(tx->c, r);
    if (rc >= 0 && strcmp(PQcmdStatus(r), "COMMIT") != 0)
        rc = LG_EIO;
    PQclear(r);
    return rc;
}

int lg_pg_end(struct lg_pg_tx *tx, int rc)
{
    int settled;

    if (tx->c == NULL)
        return rc;
    settled = settle(tx);
    rc = rc < 0 ? rc : settled < 0 ? settled : rc;
    if (tx->c->dead) {
        rc = rc < 0 ? rc : LG_EIO;
    } else if (rc < 0) {
        if (lg_pg_exec(tx->c, "ROLLBACK") < 0)
            tx->c->dead = true;
    } else {
        int ended = commit(tx);

        rc = ended < 0 ? ended : rc;
    }
    lg_pg_give(tx->pg, tx->c);
    tx->c = NULL;
    lg_arena_done(&tx->scratch);
    lg_buf_done(&tx->tenants_buf);
    return rc;
}

/* ---- statements ---- */

void lg_pg_q_open(struct lg_pg_q *q, struct lg_pg_tx *tx, const char *sql)
{
    q->tx = tx;
    q->sql = sql;
    q->once = q->asked = false;
    q->n = 0;
    q->row = -1;
    q->rc = 0;
    q->res = NULL;
}

void lg_pg_q_open_scoped(struct lg_pg_q *q, struct lg_pg_tx *tx, const char *sql)
{
    lg_pg_q_open(q, tx, sql);
    lg_pg_q_str(q, tx->tenants);
}

static void bind(struct lg_pg_q *q, Oid type, const void *p, size_t n)
{
    LG_ASSERT(q->n < LG_PG_PARAMS);
    if (n > (1u << 30))
        q->rc = LG_ELIMIT;
    q->types[q->n] = type;
    q->values[q->n] = p;
    q->lengths[q->n] = (int)n;
    q->formats[q->n++] = 1;
}

void lg_pg_q_i64(struct lg_pg_q *q, int64_t v)
{
    uint64_t *at = &q->numbers[q->n < LG_PG_PARAMS ? q->n : 0];

    *at = htobe64((uint64_t)v);
    bind(q, OID_INT8, at, sizeof(*at));
}

void lg_pg_q_f64(struct lg_pg_q *q, double v)
{
    uint64_t *at = &q->numbers[q->n < LG_PG_PARAMS ? q->n : 0], bits;

    memcpy(&bits, &v, sizeof(bits));
    *at = htobe64(bits);
    bind(q, OID_FLOAT8, at, sizeof(*at));
}

void lg_pg_q_bool(struct lg_pg_q *q, bool v)
{
    bind(q, OID_BOOL, v ? "\1" : "\0", 1);
}

void lg_pg_q_str(struct lg_pg_q *q, struct lg_str s)
{
    struct lg_str own = s;
    struct lg_buf b;

    if (!lg_pg_text_plain(s)) {
        lg_buf_init(&b, 64u << 20);
        lg_pg_text_escape(s, &b);
        if (q->rc == 0)
            q->rc = b.failed != 0 ? b.failed : lg_arena_dup(&q->tx->scratch, lg_buf_str(&b), &own);
        lg_buf_done(&b);
    }
    bind(q, OID_TEXT, own.n > 0 ? own.p : "", own.n);
}

void lg_pg_q_str_null(struct lg_pg_q *q, struct lg_str s)
{
    if (s.n > 0)
        lg_pg_q_str(q, s);
    else
        lg_pg_q_null(q, OID_TEXT);
}

void lg_pg_q_blob(struct lg_pg_q *q, const void *p, size_t n)
{
    bind(q, OID_BYTEA, n > 0 ? p : "", n);
}

void lg_pg_q_uuid(struct lg_pg_q *q, const struct lg_uuid *id)
{
    lg_pg_q_blob(q, id->b, sizeof(id->b));
}

void lg_pg_q_null(struct lg_pg_q *q, Oid type)
{
    bind(q, type, NULL, 0);
}

/* ---- statements under way ---- */

/* Their results, the first failure of which counts. */
static int collect(struct lg_pg_tx *tx, uint32_t *n)
{
    PGresult *r = NULL;
    int rc = 0;

    for (; *n > 0 && !tx->c->dead; (*n)--) {
        int one = lg_pg_await(tx->c, &r);

        /* what comes after a failure says only that it was passed over */
        if (one >= 0 && rc >= 0)
            one = lg_pg_code(tx->c, r);
        rc = rc < 0 ? rc : one;
        PQclear(r);
        r = NULL;
    }
    *n = 0;
    return rc;
}

/* The answer to the sync that was sent. */
static int leave_pipeline(struct lg_pg_tx *tx, int rc)
{
    PGresult *r = NULL;

    if (!tx->c->dead && lg_pg_await(tx->c, &r) >= 0)
        PQclear(r);
    if (!tx->c->dead && PQexitPipelineMode(tx->c->pq) == 0)
        tx->c->dead = true;
    tx->piped = false;
    return tx->c->dead && rc >= 0 ? LG_EIO : rc;
}

static int settle(struct lg_pg_tx *tx)
{
    int rc;

    if (!tx->piped)
        return 0;
    if (!tx->c->dead && PQpipelineSync(tx->c->pq) == 0)
        tx->c->dead = true;
    rc = collect(tx, &tx->posted);
    return leave_pipeline(tx, rc);
}

/* Prepared once a connection, under a name made of the text and the types. */
static int prepare(struct lg_pg_q *q, char name[20])
{
    struct lg_pg_conn *c = q->tx->c;
    uint64_t key =
            lg_hash64(q->types, sizeof(*q->types) * (size_t)q->n, lg_hash_str(lg_str_z(q->sql), 1));
    PGresult *r = NULL;
    int rc;

    (void)snprintf(name, 20, "s%016llx", (unsigned long long)key);
    if (lg_map_get(&c->prepared, key) != NULL)
        return 0;
    rc = settle(q->tx);
    if (rc >= 0)
        rc = lg_map_put(&c->prepared, key, 1); /* first: what the server has must be known */
    if (rc < 0)
        return rc;
    if (PQsendPrepare(c->pq, name, q->sql, q->n, q->types) == 0) {
        c->dead = true;
        return LG_EIO;
    }
    rc = lg_pg_await(c, &r);
    if (rc >= 0)
        rc = lg_pg_code(c, r);
    PQclear(r);
    if (rc < 0)
        (void)lg_map_del(&c->prepared, key);
    return rc;
}

static int send(struct lg_pg_q *q)
{
    struct lg_pg_conn *c = q->tx->c;
    char name[20];
    int rc = c->dead ? LG_EIO : 0, sent;

    if (rc >= 0 && !q->once)
        rc = prepare(q, name);
    if (rc < 0)
        return rc;
    sent = q->once
            ? PQsendQueryParams(c->pq, q->sql, q->n, q->types, q->values, q->lengths, q->formats, 1)
            : PQsendQueryPrepared(c->pq, name, q->n, q->values, q->lengths, q->formats, 1);
    if (sent == 0) {
        c->dead = true;
        return LG_EIO;
    }
    return 0;
}

/* Behind what is under way, so that both cost one round trip. */
static int ask(struct lg_pg_q *q)
{
    struct lg_pg_tx *tx = q->tx;
    int rc = send(q), before = 0;

    if (rc >= 0 && tx->piped) {
        if (PQpipelineSync(tx->c->pq) == 0)
            tx->c->dead = true;
        before = collect(tx, &tx->posted);
    }
    if (rc >= 0)
        rc = lg_pg_await(tx->c, &q->res);
    if (rc >= 0 && before >= 0)
        rc = lg_pg_code(tx->c, q->res);
    if (tx->piped)
        rc = leave_pipeline(tx, rc);
    return before < 0 ? before : rc;
}

int lg_pg_q_post(struct lg_pg_q *q)
{
    struct lg_pg_tx *tx = q->tx;
    int rc = q->rc;

    if (rc >= 0 && tx->posted >= POSTED_MAX)
        rc = settle(tx);
    if (rc >= 0) { /* a statement that is new is prepared before */
        char name[20];

        rc = prepare(q, name);
    }
    if (rc >= 0 && !tx->piped) {
        if (PQenterPipelineMode(tx->c->pq) == 0) {
            tx->c->dead = true;
            rc = LG_EIO;
        }
        tx->piped = rc >= 0;
    }
    if (rc >= 0)
        rc = send(q);
    if (rc >= 0)
        tx->posted++;
    q->rc = rc;
    return rc;
}

int lg_pg_q_step(struct lg_pg_q *q)
{
    if (q->rc < 0)
        return q->rc;
    if (!q->asked) {
        q->asked = true;
        q->rc = ask(q);
        if (q->rc < 0)
            return q->rc;
    }
    return ++q->row < PQntuples(q->res);
}

void lg_pg_q_done(struct lg_pg_q *q)
{
    PQclear(q->res);
    q->res = NULL;
}

int64_t lg_pg_q_run(struct lg_pg_q *q)
{
    int64_t n = 0;
    int rc = lg_pg_q_step(q);

    if (rc >= 0 && lg_parse_i64(lg_str_z(PQcmdTuples(q->res)), &n) < 0)
        n = 0;
    lg_pg_q_done(q);
    return rc < 0 ? rc : n;
}

/* ---- many runs of one statement ---- */

int lg_pg_pipe_open(
        struct lg_pg_q *q, struct lg_pg_tx *tx, const char *sql, const Oid *types, int n)
{
    char name[20];
    int rc;

    lg_pg_q_open(q, tx, sql);
    memcpy(q->types, types, sizeof(*types) * (size_t)n);
    q->n = n;
    rc = prepare(q, name);
    q->n = 0;
    q->row = 0; /* runs that were sent and not looked at */
    if (rc >= 0 && PQenterPipelineMode(tx->c->pq) == 0) {
        tx->c->dead = true;
        rc = LG_EIO;
    }
    return rc;
}

int lg_pg_pipe_send(struct lg_pg_q *q)
{
    struct lg_pg_conn *c = q->tx->c;
    char name[20];

    if (q->rc >= 0 && c->dead)
        q->rc = LG_EIO;
    if (q->rc >= 0)
        q->rc = prepare(q, name); /* it is: this gives its name */
    if (q->rc >= 0 &&
            PQsendQueryPrepared(c->pq, name, q->n, q->values, q->lengths, q->formats, 1) == 0) {
        c->dead = true;
        q->rc = LG_EIO;
    }
    if (q->rc >= 0)
        q->row++;
    return q->rc;
}

/* The results of what was sent, and the end of the pipeline. */
static int drain(struct lg_pg_q *q)
{
    struct lg_pg_conn *c = q->tx->c;
    uint32_t n = (uint32_t)q->row;
    PGresult *r = NULL;
    int rc;

    if (PQpipelineSync(c->pq) == 0) {
        c->dead = true;
        return LG_EIO;
    }
    rc = collect(q->tx, &n);
    q->row = 0;
    if (!c->dead && lg_pg_await(c, &r) >= 0)
        PQclear(r);
    return c->dead && rc >= 0 ? LG_EIO : rc;
}

int lg_pg_pipe_flush(struct lg_pg_q *q)
{
    struct lg_pg_conn *c = q->tx->c;
    int rc = c->dead ? LG_EIO : drain(q);

    q->rc = q->rc < 0 ? q->rc : rc;
    return q->rc;
}

int lg_pg_pipe_close(struct lg_pg_q *q)
{
    int rc = lg_pg_pipe_flush(q);

    if (!q->tx->c->dead && PQexitPipelineMode(q->tx->c->pq) == 0)
        q->tx->c->dead = true;
    return q->tx->c->dead && rc >= 0 ? LG_EIO : rc;
}

/* ---- columns ---- */

bool lg_pg_q_col_null(const struct lg_pg_q *q, int i)
{
    return PQgetisnull(q->res, q->row, i) != 0;
}

struct lg_str lg_pg_q_col_raw(const struct lg_pg_q *q, int i)
{
    int n = PQgetlength(q->res, q->row, i);

    return n <= 0 ? LG_STR("") : lg_str_of(PQgetvalue(q->res, q->row, i), (size_t)n);
}

int64_t lg_pg_q_col_i64(const struct lg_pg_q *q, int i)
{
    struct lg_str s = lg_pg_q_col_raw(q, i);
    uint64_t v = 0;

    LG_ASSERT(s.n <= 8);
    for (size_t k = 0; k < s.n; k++)
        v = v << 8 | (unsigned char)s.p[k];
    if (s.n == 2)
        return (int16_t)v;
    return s.n == 4 ? (int32_t)v : (int64_t)v;
}

double lg_pg_q_col_f64(const struct lg_pg_q *q, int i)
{
    uint64_t bits = (uint64_t)lg_pg_q_col_i64(q, i);
    double v;

    memcpy(&v, &bits, sizeof(v));
    return v;
}

int lg_pg_q_col_dup(const struct lg_pg_q *q, int i, struct lg_arena *a, struct lg_str *ret)
{
    struct lg_str s = lg_pg_q_col_raw(q, i);
    struct lg_buf b;
    int rc;

    if (s.n == 0) {
        *ret = LG_STR("");
        return 0;
    }
    if (PQftype(q->res, i) == OID_BYTEA || memchr(s.p, 0x1a, s.n) == NULL)
        return lg_arena_dup(a, s, ret);
    lg_buf_init(&b, s.n);
    rc = lg_pg_text_unescape(s, &b);
    if (rc >= 0)
        rc = lg_arena_dup(a, lg_buf_str(&b), ret);
    lg_buf_done(&b);
    return rc;
}

int lg_pg_q_col_fixed(const struct lg_pg_q *q, int i, void *ret, size_t n)
{
    struct lg_str s = lg_pg_q_col_raw(q, i);

    if (s.n != n)
        return LG_ECORRUPT;
    memcpy(ret, s.p, n);
    return 0;
}

int lg_pg_rows_read(struct lg_pg_q *q, struct lg_arena *a, struct lg_pg_rows *r)
{
    int rc;

    while ((rc = lg_pg_q_step(q)) > 0) {
        rc = lg_arena_array(a, &r->v, r->n, &r->cap, r->size);
        if (rc >= 0) {
            void *row = (char *)r->v + r->n * r->size;

            memset(row, 0, r->size);
            rc = r->read(q, a, row);
        }
        if (rc < 0)
            break;
        r->n++;
    }
    lg_pg_q_done(q);
    return rc;
}

int lg_pg_lock(struct lg_pg_tx *tx, int64_t which)
{
    struct lg_pg_q q;

    lg_pg_q_open(&q, tx, "SELECT pg_advisory_xact_lock($1)");
    lg_pg_q_i64(&q, tx->pg->lock_base + which);
    return lg_pg_q_run(&q) < 0 ? q.rc : 0;
}
