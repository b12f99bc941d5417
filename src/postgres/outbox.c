#include "postgres/int.h"

/*
 * The outbox. Transactions end in another order than they take numbers: a row could appear behind
 * one that was read, and be acknowledged with it unseen. So the reader numbers the rows that it
 * finds (`pos`), and reads and acknowledges by that. Changes of one alert keep their order: each
 * holds the alert's row until it is committed.
 */
#define NUMBER_AT_ONCE 10000

static int anything(struct lg_pg *pg, uint64_t after)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = lg_pg_begin_all(&tx, pg, false);

    if (rc < 0)
        return rc;
    lg_pg_q_open(&q, &tx,
            "SELECT EXISTS(SELECT 1 FROM outbox WHERE pos>$1) OR EXISTS(SELECT 1 FROM outbox WHERE"
            " pos IS NULL)");
    lg_pg_q_i64(&q, (int64_t)after);
    rc = lg_pg_q_step(&q);
    if (rc > 0)
        rc = lg_pg_q_col_i64(&q, 0) != 0;
    lg_pg_q_done(&q);
    return lg_pg_end(&tx, rc);
}

static int outbox_row(const struct lg_pg_q *q, struct lg_arena *a, void *row)
{
    struct lg_outbox_row *o = row;
    int rc;

    o->seq = (uint64_t)lg_pg_q_col_i64(q, 0);
    if ((rc = lg_pg_q_col_dup(q, 1, a, &o->tenant_id)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 2, a, &o->endpoint_id)) < 0 ||
            (rc = lg_pg_q_col_dup(q, 3, a, &o->change)) < 0)
        return rc;
    return lg_pg_q_col_dup(q, 4, a, &o->json);
}

static int read_leased(struct lg_pg_tx *tx, uint64_t after, uint32_t max, struct lg_arena *a,
        struct lg_pg_rows *rows)
{
    struct lg_pg_q q;
    int rc = lg_pg_lock(tx, LG_PG_LOCK_OUTBOX);

    if (rc >= 0) {
        lg_pg_q_open(&q, tx,
                "UPDATE outbox SET pos=n.pos FROM (SELECT seq, nextval('outbox_pos') pos FROM"
                " (SELECT seq FROM outbox WHERE pos IS NULL ORDER BY seq LIMIT $1) x) n"
                " WHERE outbox.seq=n.seq");
        lg_pg_q_i64(&q, NUMBER_AT_ONCE);
        rc = lg_pg_q_run(&q) < 0 ? q.rc : 0;
    }
    if (rc < 0)
        return rc;
    lg_pg_q_open(&q, tx,
            "SELECT pos, tenant, endpoint, change, json FROM outbox WHERE pos>$1 ORDER BY pos"
            " LIMIT $2");
    lg_pg_q_i64(&q, (int64_t)after);
    lg_pg_q_i64(&q, max);
    return lg_pg_rows_read(&q, a, rows);
}

int lg_pg_outbox_read(struct lg_alert_store *st, uint64_t after, uint32_t max, struct lg_arena *a,
        struct lg_outbox_row **ret, uint32_t *ret_n)
{
    struct lg_pg_rows rows = {.size = sizeof(**ret), .read = outbox_row};
    struct lg_pg_store *ps = lg_pg_of(st);
    struct lg_pg_tx tx;
    int rc;

    if (after > INT64_MAX)
        after = INT64_MAX;
    rc = anything(ps->pg, after);
    if (rc > 0) {
        rc = lg_pg_begin_all(&tx, ps->pg, true);
        if (rc < 0)
            return rc;
        rc = lg_pg_lease(&tx, ps, "outbox");
        if (rc > 0)
            rc = read_leased(&tx, after, max, a, &rows);
        rc = lg_pg_end(&tx, rc);
    }
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}

int lg_pg_outbox_ack(struct lg_alert_store *st, uint64_t up_to)
{
    struct lg_pg_tx tx;
    struct lg_pg_q q;
    int rc = lg_pg_begin_all(&tx, lg_pg_of(st)->pg, true);

    if (rc < 0)
        return rc;
    lg_pg_q_open(&q, &tx, "DELETE FROM outbox WHERE pos<=$1");
    lg_pg_q_i64(&q, up_to > INT64_MAX ? INT64_MAX : (int64_t)up_to);
    rc = lg_pg_q_run(&q) < 0 ? q.rc : 0;
    return lg_pg_end(&tx, rc);
}
