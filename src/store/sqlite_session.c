#include "store/sqlite_alert_int.h"

/* Sessions of the dashboard: what a restart must not forget. */

int lg_sqlite_session_put(struct lg_admin_store *st, const struct lg_session_row *s)
{
    struct lg_q q;
    int rc;

    if (s->token_id.n == 0 || s->token_id.n > 64)
        return LG_EINVAL;
    rc = lg_admin_begin(st,
            "INSERT INTO sessions(hash, token_id, created_at, expires_at, seen_at)"
            " VALUES(?1,?2,?3,?4,?5)",
            &q);
    if (rc < 0)
        return rc;
    lg_q_blob(&q, s->hash, sizeof(s->hash));
    lg_q_str(&q, s->token_id);
    lg_q_i64(&q, s->created_at);
    lg_q_i64(&q, s->expires_at);
    lg_q_i64(&q, s->seen_at);
    return lg_admin_end(st, &q, false);
}

/* One that was closed meanwhile stays closed. */
int lg_sqlite_session_seen(struct lg_admin_store *st, const uint8_t hash[32], lg_time seen_at)
{
    struct lg_q q;
    int rc = lg_admin_begin(st, "UPDATE sessions SET seen_at=?2 WHERE hash=?1", &q);

    if (rc < 0)
        return rc;
    lg_q_blob(&q, hash, 32);
    lg_q_i64(&q, seen_at);
    return lg_admin_end(st, &q, false);
}

int lg_sqlite_session_delete(struct lg_admin_store *st, const uint8_t hash[32])
{
    struct lg_q q;
    int rc = lg_admin_begin(st, "DELETE FROM sessions WHERE hash=?1", &q);

    if (rc < 0)
        return rc;
    lg_q_blob(&q, hash, 32);
    return lg_admin_end(st, &q, false);
}

int lg_sqlite_session_purge(struct lg_admin_store *st, lg_time now, lg_time seen_before)
{
    struct lg_q q;
    int rc = lg_admin_begin(st, "DELETE FROM sessions WHERE expires_at<=?1 OR seen_at<=?2", &q);

    if (rc < 0)
        return rc;
    lg_q_i64(&q, now);
    lg_q_i64(&q, seen_before);
    return lg_admin_end(st, &q, false);
}

static int session_row(struct lg_q *q, struct lg_arena *a, void *row)
{
    struct lg_session_row *s = row;
    int rc = lg_q_col_fixed(q, 0, s->hash, sizeof(s->hash));

    s->created_at = lg_q_col_i64(q, 2);
    s->expires_at = lg_q_col_i64(q, 3);
    s->seen_at = lg_q_col_i64(q, 4);
    return rc < 0 ? rc : lg_q_col_dup(q, 1, a, &s->token_id);
}

int lg_sqlite_session_all(struct lg_admin_store *st, uint32_t max, struct lg_arena *a,
        struct lg_session_row **ret, uint32_t *ret_n)
{
    struct lg_rows rows = {.size = sizeof(**ret), .read = session_row};
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open_internal(&v, &lg_admin_of(st)->db);

    if (rc < 0)
        return rc;
    lg_q_open(&q, v.c,
            "SELECT hash, token_id, created_at, expires_at, seen_at FROM sessions"
            " ORDER BY seen_at DESC LIMIT ?1");
    lg_q_i64(&q, max);
    rc = lg_rows_read(&q, a, &rows);
    lg_view_done(&v);
    if (rc < 0)
        return rc;
    *ret = rows.v;
    *ret_n = rows.n;
    return 0;
}
