#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/sqlite_event_int.h"

/*
 * The digest of a batch: blocks, event rows with what hangs on them, inferences with theirs, then
 * the new words. Writer and doctor both read it from the tables, by the same statements.
 */
#define DOMAIN LG_STR("logster events 1")

static void add_i64(struct lg_digest *d, int64_t v)
{
    lg_digest_add(d, lg_str_of((const char *)&v, sizeof(v)));
}

static void add_columns(struct lg_digest *d, struct lg_q *q)
{
    int n = sqlite3_column_count(q->st);

    for (int i = 0; i < n; i++) {
        double f;

        switch (sqlite3_column_type(q->st, i)) {
        case SQLITE_INTEGER:
            add_i64(d, lg_q_col_i64(q, i));
            break;
        case SQLITE_FLOAT:
            f = lg_q_col_f64(q, i);
            lg_digest_add(d, lg_str_of((const char *)&f, sizeof(f)));
            break;
        case SQLITE_NULL:
            lg_digest_add(d, LG_STR(""));
            break;
        default:
            lg_digest_add(d, lg_q_col_str(q, i));
            break;
        }
    }
}

int lg_digest_rows(
        struct lg_digest *d, struct lg_conn *c, const char *sql, int64_t from, int64_t to)
{
    struct lg_q q;
    int rc;

    if (from > to)
        return 0;
    lg_q_open(&q, c, sql);
    lg_q_i64(&q, from);
    lg_q_i64(&q, to);
    while ((rc = lg_q_step(&q)) > 0)
        add_columns(d, &q);
    lg_q_done(&q);
    return rc;
}

int lg_event_cols_read(struct lg_q *q, struct lg_event_cols *ret)
{
    ret->id = lg_q_col_i64(q, 0);
    for (int i = 0; i < LG_EC_COUNT; i++)
        ret->v[i] = lg_q_col_i64(q, 2 + i); /* NULL reads as 0 */
    ret->v[LG_EC_RECEIVED] += lg_row_ms(ret->id);
    return lg_q_col_fixed(q, 1, ret->event_id.b, LG_UUID_BYTES);
}

void lg_event_cols_digest(struct lg_digest *d, const struct lg_event_cols *r)
{
    add_i64(d, r->id);
    lg_digest_add(d, lg_str_of((const char *)r->event_id.b, LG_UUID_BYTES));
    lg_digest_add(d, lg_str_of((const char *)r->v, sizeof(r->v)));
}

static int read_event(struct lg_q *q, int64_t id, struct lg_event_cols *ret)
{
    int rc;

    lg_q_again(q);
    lg_q_i64(q, id);
    rc = lg_q_step(q);
    if (rc == 0)
        return LG_ECORRUPT; /* the list names a row that is not there */
    return rc < 0 ? rc : lg_event_cols_read(q, ret);
}

static int digest_events(struct lg_digest *d, struct lg_conn *c, struct lg_str list,
        const struct lg_event_cols *rows)
{
    struct lg_event_cols r;
    struct lg_run run;
    struct lg_q q;
    int64_t id;
    int rc = lg_run_open(&run, list);

    lg_q_open(&q, c, "SELECT " LG_EVENT_COLS " FROM events WHERE id=?1");
    while (rc >= 0 && (rc = lg_run_next(&run, &id)) > 0) {
        int64_t type;

        if (rows != NULL)
            r = *rows++;
        else
            rc = read_event(&q, id, &r);
        if (rc < 0)
            break;
        lg_event_cols_digest(d, &r);
        type = r.v[LG_EC_TYPE];
        if (type == LG_EVENT_PROCESS_CREATE || type == LG_EVENT_PROCESS_FORK)
            rc = lg_digest_rows(d, c, LG_SQL_PROCESS, id, id);
    }
    lg_q_done(&q);
    return rc;
}

static int digest_inferences(struct lg_digest *d, struct lg_conn *c, struct lg_str list)
{
    int rc = 0;

    for (size_t at = 0; rc >= 0 && at + sizeof(int64_t) <= list.n; at += sizeof(int64_t)) {
        int64_t id;

        memcpy(&id, list.p + at, sizeof(id));
        rc = lg_digest_rows(d, c, LG_SQL_INFERENCE, id, id);
        if (rc >= 0)
            rc = lg_digest_rows(d, c, LG_SQL_INFERENCE_MORE, id, id);
        if (rc >= 0)
            rc = lg_digest_rows(d, c, LG_SQL_CONTEXT, id, id);
    }
    return rc;
}

int lg_batch_digest(struct lg_conn *c, const struct lg_link *prev, struct lg_str events,
        const struct lg_event_cols *rows, struct lg_str inferences, const int64_t range[10],
        struct lg_link *ret)
{
    static const char *const words[] = {
            LG_SQL_STRINGS, LG_SQL_ENDPOINTS, LG_SQL_TENANTS, LG_SQL_TERMS};
    struct lg_digest d;
    int rc;

    lg_digest_init(&d, DOMAIN, prev);
    lg_digest_add(&d, events);
    lg_digest_add(&d, inferences);
    rc = lg_digest_rows(&d, c, LG_SQL_BLOCKS, range[0] + 1, range[1]);
    if (rc >= 0)
        rc = digest_events(&d, c, events, rows);
    if (rc >= 0)
        rc = digest_inferences(&d, c, inferences);
    for (int i = 0; rc >= 0 && i < 4; i++)
        rc = lg_digest_rows(&d, c, words[i], range[2 * i + 2], range[2 * i + 3]);
    *ret = lg_digest_final(&d);
    return rc < 0 ? rc : 0;
}

/* ---- the doctor's side ---- */

struct walk {
    struct lg_conn *c;
    struct lg_link prev;
    int64_t last[5];
    int64_t batch, n_events, n_inferences;
    char what[160];
};

static int64_t entries(struct lg_str list)
{
    struct lg_run run;
    int64_t n = 0, row;
    int rc = lg_run_open(&run, list);

    while (rc >= 0 && (rc = lg_run_next(&run, &row)) > 0)
        n++;
    return rc < 0 ? -1 : n;
}

/* 1 when the batch matches. */
static int check_batch(struct walk *w, struct lg_q *q)
{
    int64_t batch = lg_q_col_i64(q, 0), range[10];
    struct lg_str events = lg_q_col_str(q, 10), inferences = lg_q_col_str(q, 11);
    uint8_t stored[LG_CHAIN_BYTES];
    struct lg_link link;
    int rc;

    for (int i = 0; i < 5; i++) {
        range[2 * i] = w->last[i];
        range[2 * i + 1] = lg_q_col_i64(q, 5 + i);
        w->last[i] = range[2 * i + 1];
    }
    w->n_events += lg_q_col_i64(q, 2);
    w->n_inferences += (int64_t)(inferences.n / sizeof(int64_t));
    if (batch != w->batch + 1) {
        (void)snprintf(w->what, sizeof(w->what), "a batch is missing before this one");
        return 0;
    }
    w->batch = batch;
    rc = lg_q_col_fixed(q, 12, stored, sizeof(stored));
    if (rc >= 0)
        rc = lg_batch_digest(
                w->c, batch == 1 ? NULL : &w->prev, events, NULL, inferences, range, &link);
    if (rc >= 0 && entries(events) != lg_q_col_i64(q, 2))
        rc = LG_ECORRUPT;
    if (rc == LG_ECORRUPT || (rc >= 0 && memcmp(link.b, stored, sizeof(stored)) != 0)) {
        (void)snprintf(w->what, sizeof(w->what), "%s",
                rc < 0 ? "a row of this batch is gone"
                       : "rows of this batch are not as they were written");
        return 0;
    }
    w->prev = link;
    return rc < 0 ? rc : 1;
}

static int64_t count(struct lg_conn *c, const char *sql, int *rc)
{
    struct lg_q q;
    int64_t n = 0;

    if (*rc < 0)
        return 0;
    lg_q_open(&q, c, sql);
    *rc = lg_q_step(&q);
    if (*rc > 0)
        n = lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    return n;
}

/* Rows that no batch knows of. */
static int check_counts(struct walk *w)
{
    int rc = 0;

    if (count(w->c, "SELECT count(*) FROM events", &rc) != w->n_events ||
            count(w->c, "SELECT count(*) FROM inferences", &rc) != w->n_inferences ||
            count(w->c, "SELECT coalesce(max(id),0) FROM blocks", &rc) != w->last[0] ||
            count(w->c, "SELECT coalesce(max(ref),0) FROM strings", &rc) != w->last[1] ||
            count(w->c, "SELECT coalesce(max(seq),0) FROM terms", &rc) != w->last[4]) {
        (void)snprintf(w->what, sizeof(w->what), "there are rows that no batch wrote");
        return rc < 0 ? rc : 0;
    }
    return rc < 0 ? rc : 1;
}

/* 1 sound, 0 a fault in *ret. */
static int verify_day(struct lg_day *d, struct lg_store_fault *ret)
{
    struct walk w = {0};
    struct lg_view v;
    struct lg_q q;
    int rc = lg_view_open_internal(&v, &d->db);

    if (rc < 0)
        return rc;
    w.c = v.c;
    lg_q_open(&q, v.c, "SELECT * FROM batches ORDER BY batch");
    while ((rc = lg_q_step(&q)) > 0) {
        rc = check_batch(&w, &q);
        if (rc <= 0) {
            ret->batch = (uint64_t)lg_q_col_i64(&q, 0);
            break;
        }
    }
    if (rc == 0 && w.what[0] == '\0')
        rc = check_counts(&w);
    lg_q_done(&q);
    lg_view_done(&v);
    memcpy(ret->what, w.what, sizeof(ret->what));
    return rc < 0 ? rc : w.what[0] == '\0';
}

int lg_sqlite_event_verify(
        struct lg_event_store *st, struct lg_store_fault *ret, uint32_t max, uint32_t *ret_n)
{
    struct lg_sqlite_events *es = lg_events_of(st);
    struct lg_arena a;
    int64_t *days;
    uint32_t n_days, n = 0;
    int rc;

    lg_arena_init(&a, 1u << 22);
    rc = lg_days_between(es, 0, INT64_MAX, true, &a, &days, &n_days);
    for (uint32_t i = 0; rc >= 0 && i < n_days && n < max; i++) {
        struct lg_store_fault f = {0};
        struct lg_err err = {0};
        struct lg_day *d;
        char path[4096];

        rc = lg_day_path(es, days[i], path, sizeof(path));
        if (rc < 0)
            break;
        (void)snprintf(f.file, sizeof(f.file), "%s", strrchr(path, '/') + 1);
        rc = lg_day_get(es, days[i], false, &d, &err);
        if (rc >= 0) {
            rc = verify_day(d, &f);
            lg_day_put(es, d);
        } else {
            (void)snprintf(f.what, sizeof(f.what), "%.150s", err.text);
        }
        if (rc == LG_ENOENT) { /* retention took it meanwhile */
            rc = 0;
            continue;
        }
        if (rc == LG_ECORRUPT && f.what[0] == '\0')
            (void)snprintf(f.what, sizeof(f.what), "the file is damaged");
        if (rc == LG_ECORRUPT || rc == LG_EUNSUP || rc == 0) {
            ret[n++] = f;
            rc = 0;
        }
    }
    lg_arena_done(&a);
    *ret_n = n;
    return rc < 0 ? rc : 0;
}
