#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/sqlite_batch.h"

/*
 * A batch goes to its days, each in one transaction: rows, blocks, the words that are new, and the
 * batch's own row with the digest over all of it, chained to the batch before.
 */

static int64_t scalar(struct lg_conn *c, const char *sql, int *rc)
{
    struct lg_q q;
    int64_t v = 0;

    if (*rc < 0)
        return 0;
    lg_q_open(&q, c, sql);
    *rc = lg_q_step(&q);
    if (*rc > 0)
        v = lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    return v;
}

/* Loads what the writer keeps of a day. */
static int make_ready(struct lg_day *d, struct lg_conn *c)
{
    struct lg_q q;
    int rc = 0;

    if (d->ready)
        return 0;
    d->next_block = scalar(c, "SELECT coalesce(max(id),0)+1 FROM blocks", &rc);
    d->last_string = scalar(c, "SELECT coalesce(max(ref),0) FROM strings", &rc);
    d->last_endpoint = scalar(c, "SELECT coalesce(max(ref),0) FROM endpoints", &rc);
    d->last_tenant = scalar(c, "SELECT coalesce(max(ref),0) FROM tenant_refs", &rc);
    d->last_term = scalar(c, "SELECT coalesce(max(seq),0) FROM terms", &rc);
    d->next_batch = 1;
    memset(&d->head, 0, sizeof(d->head));
    if (rc < 0)
        return rc;
    lg_q_open(&q, c, "SELECT batch, hash FROM batches ORDER BY batch DESC LIMIT 1");
    rc = lg_q_step(&q);
    if (rc > 0) {
        d->next_batch = lg_q_col_i64(&q, 0) + 1;
        rc = lg_q_col_fixed(&q, 1, d->head.b, sizeof(d->head.b));
    }
    lg_q_done(&q);
    if (rc >= 0)
        d->ready = true;
    return rc;
}

int lg_batch_flush(struct lg_batch *b)
{
    struct lg_zblock_out *o = &b->block;
    struct lg_buf raw;
    struct lg_q q;
    int rc;

    if (o->n == 0)
        return 0;
    lg_buf_init(&raw, 128u << 20);
    lg_buf_add(&raw, &o->n, sizeof(o->n));
    lg_buf_add(&raw, o->ends, o->n * sizeof(o->ends[0]));
    lg_buf_adds(&raw, lg_buf_str(&o->bytes));
    rc = raw.failed != 0 ? raw.failed : o->bytes.failed;
    if (rc == 0)
        rc = lg_zstd_pack(b->es->zc, b->es->zstd_level, lg_buf_str(&raw), &b->packed);
    if (rc == 0) {
        lg_q_open(&q, b->c, "INSERT INTO blocks VALUES(?1,?2,?3)");
        lg_q_i64(&q, b->d->next_block);
        lg_q_i64(&q, (int64_t)raw.n);
        lg_q_blob(&q, b->packed.p, b->packed.n);
        rc = lg_q_run(&q);
    }
    lg_buf_done(&raw);
    if (rc < 0)
        return rc;
    b->d->next_block++;
    o->n = 0;
    lg_buf_clear(&o->bytes);
    return 0;
}

/* Where the next record will lie. */
static int64_t next_loc(const struct lg_batch *b)
{
    return b->d->next_block << LG_BLOCK_SHIFT | b->block.n;
}

int lg_batch_record(struct lg_batch *b, struct lg_str bytes)
{
    struct lg_zblock_out *o = &b->block;

    lg_buf_adds(&o->bytes, bytes);
    if (o->bytes.failed != 0)
        return o->bytes.failed;
    o->ends[o->n++] = (uint32_t)o->bytes.n;
    return o->n >= b->es->block_events || o->bytes.n >= LG_BLOCK_BYTES ? lg_batch_flush(b) : 0;
}

static int inference_insert(struct lg_batch *b, int64_t id, int64_t endpoint, int64_t sum,
        const struct lg_inference *in)
{
    struct lg_q q;

    lg_q_open(&q, b->c,
            "INSERT INTO inferences(id, inference_id, endpoint, window_start, window_end, received,"
            " prediction, attack_prob, confidence, severity, nodes, edges, time_ms, loc, sum)"
            " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)");
    lg_q_i64(&q, id);
    lg_q_uuid(&q, &in->inference_id);
    lg_q_i64(&q, endpoint);
    lg_q_i64(&q, in->window_start);
    lg_q_i64(&q, in->window_end);
    lg_q_i64(&q, in->received_at);
    lg_q_i64(&q, in->prediction);
    if (in->has_prob) {
        lg_q_f64(&q, in->attack_prob);
        lg_q_f64(&q, in->confidence);
    } else {
        lg_q_null(&q);
        lg_q_null(&q);
    }
    if (in->has_severity)
        lg_q_i64(&q, in->severity);
    else
        lg_q_null(&q);
    lg_q_i64(&q, (int64_t)in->nodes);
    lg_q_i64(&q, (int64_t)in->edges);
    lg_q_f64(&q, in->inference_time_ms);
    lg_q_i64(&q, next_loc(b));
    lg_q_i64(&q, sum);
    return lg_q_run(&q);
}

static int inference_more(struct lg_batch *b, int64_t id, const struct lg_inference_put *p)
{
    struct lg_q q;
    int rc = 0;

    for (uint32_t i = 0; rc >= 0 && i < p->in->n_techniques; i++) {
        lg_q_open(&q, b->c, "INSERT INTO inference_techniques VALUES(?1,?2)");
        lg_q_str(&q, p->in->techniques[i]);
        lg_q_i64(&q, id);
        rc = lg_q_run(&q);
    }
    if (rc < 0 || p->context.n == 0)
        return rc;
    rc = lg_zstd_pack(b->es->zc, b->es->zstd_level, p->context, &b->packed);
    if (rc < 0)
        return rc;
    lg_q_open(&q, b->c, "INSERT INTO contexts VALUES(?1,?2)");
    lg_q_i64(&q, id);
    lg_q_blob(&q, b->packed.p, b->packed.n);
    return lg_q_run(&q);
}

/* 1: there already, *ret_sum tells its content. */
static int inference_there(struct lg_batch *b, const struct lg_uuid *id, int64_t *ret_sum)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, b->c, "SELECT sum FROM inferences WHERE inference_id=?1");
    lg_q_uuid(&q, id);
    rc = lg_q_step(&q);
    if (rc > 0)
        *ret_sum = lg_q_col_i64(&q, 0);
    lg_q_done(&q);
    return rc;
}

/* First free number; inferences of one endpoint and window end share the millisecond only. */
static int inference_number(
        struct lg_batch *b, int64_t tenant, int64_t ms, const struct lg_uuid *id, int64_t *ret)
{
    struct lg_q q;

    for (unsigned i = 0; i < LG_ROW_TRIES; i++) {
        int rc;

        *ret = lg_row_number(tenant, ms, id, i);
        lg_q_open(&q, b->c, "SELECT 1 FROM inferences WHERE id=?1");
        lg_q_i64(&q, *ret);
        rc = lg_q_step(&q);
        lg_q_done(&q);
        if (rc <= 0) {
            if (rc == 0 && lg_row_ms(*ret) - ms > b->displaced_ms)
                b->displaced_ms = lg_row_ms(*ret) - ms;
            return rc;
        }
    }
    return LG_ELIMIT;
}

static int put_inference(struct lg_batch *b, struct lg_inference_put *p)
{
    const struct lg_inference *in = p->in;
    int64_t tenant = 0, endpoint = 0, id = 0, have = 0, sum = lg_inference_sum(in);
    bool linux_ = lg_str_eq(in->platform, LG_STR("linux"));
    int rc = inference_there(b, &in->inference_id, &have);

    if (rc != 0) {
        p->ret_result = have == sum ? LG_PUT_DUPLICATE : LG_PUT_CONFLICT;
        return rc < 0 ? rc : 0;
    }
    rc = lg_batch_tenant(b, in->tenant_id, &tenant);
    if (rc >= 0)
        rc = lg_batch_endpoint(b, tenant, in->endpoint_id, in->hostname,
                linux_ ? LG_PLATFORM_LINUX : LG_PLATFORM_WINDOWS, &endpoint);
    if (rc >= 0)
        rc = inference_number(
                b, tenant, (in->window_end - 1 - b->d->base_ns) / 1000000, &in->inference_id, &id);
    if (rc >= 0)
        rc = inference_insert(b, id, endpoint, sum, in);
    if (rc >= 0)
        rc = inference_more(b, id, p);
    if (rc >= 0)
        rc = lg_batch_record(b, in->json);
    if (rc < 0)
        return rc;
    p->ret_result = LG_PUT_STORED;
    return lg_vec_push(&b->inferences, id);
}

static int batch_row(struct lg_batch *b, struct lg_str run, const struct lg_link *hash)
{
    struct lg_day *d = b->d;
    struct lg_q q;

    lg_q_open(&q, b->c, "INSERT INTO batches VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)");
    lg_q_i64(&q, d->next_batch);
    lg_q_i64(&q, lg_clock_wall());
    lg_q_i64(&q, (int64_t)b->rows.n);
    lg_q_i64(&q, (int64_t)b->inferences.n);
    lg_q_i64(&q, b->displaced_ms);
    lg_q_i64(&q, d->next_block - 1);
    lg_q_i64(&q, d->last_string);
    lg_q_i64(&q, d->last_endpoint);
    lg_q_i64(&q, d->last_tenant);
    lg_q_i64(&q, d->last_term);
    lg_q_blob(&q, run.p, run.n);
    lg_q_blob(&q, b->inferences.v, b->inferences.n * sizeof(*b->inferences.v));
    lg_q_blob(&q, hash->b, sizeof(hash->b));
    return lg_q_run(&q);
}

static int finish(struct lg_batch *b, const int64_t from[5])
{
    struct lg_day *d = b->d;
    int64_t range[10] = {from[0], 0, from[1], 0, from[2], 0, from[3], 0, from[4], 0};
    struct lg_link hash;
    struct lg_buf run;
    int rc = lg_batch_flush(b);

    if (rc < 0 || (b->rows.n == 0 && b->inferences.n == 0))
        return rc;
    range[2 * LG_RANGE_BLOCK + 1] = d->next_block - 1;
    range[2 * LG_RANGE_STRING + 1] = d->last_string;
    range[2 * LG_RANGE_ENDPOINT + 1] = d->last_endpoint;
    range[2 * LG_RANGE_TENANT + 1] = d->last_tenant;
    range[2 * LG_RANGE_TERM + 1] = d->last_term;
    lg_buf_init(&run, SIZE_MAX / 2);
    if (b->rows.n > 0)
        qsort(b->rows.v, b->rows.n, sizeof(*b->rows.v), lg_run_order);
    lg_run_make(b->rows.v, b->rows.n, b->attempts, &run);
    rc = run.failed;
    if (rc == 0)
        rc = lg_batch_digest(b->c, d->next_batch == 1 ? NULL : &d->head, lg_buf_str(&run),
                b->rows.v,
                lg_str_of(
                        (const char *)b->inferences.v, b->inferences.n * sizeof(*b->inferences.v)),
                range, &hash);
    if (rc == 0)
        rc = batch_row(b, lg_buf_str(&run), &hash);
    lg_buf_done(&run);
    if (rc < 0)
        return rc;
    d->head = hash;
    d->next_batch++;
    return 0;
}

/* One day's part of the batch. Conflicts and duplicates are no errors. */
static int write_day(struct lg_sqlite_events *es, struct lg_day *d, struct lg_event_put **ev,
        size_t n_ev, struct lg_inference_put **in, size_t n_in)
{
    struct lg_batch b = {.es = es, .d = d};
    int64_t from[5];
    int rc = lg_sdb_begin(&d->db, &b.c);

    if (rc < 0)
        return rc;
    lg_buf_init(&b.block.bytes, 64u << 20);
    lg_buf_init(&b.packed, 128u << 20);
    lg_buf_init(&b.text, 1u << 20);
    rc = make_ready(d, b.c);
    from[LG_RANGE_BLOCK] = d->next_block - 1;
    from[LG_RANGE_STRING] = d->last_string;
    from[LG_RANGE_ENDPOINT] = d->last_endpoint;
    from[LG_RANGE_TENANT] = d->last_tenant;
    from[LG_RANGE_TERM] = d->last_term;
    if (rc >= 0)
        rc = lg_batch_events(&b, ev, n_ev);
    for (size_t i = 0; rc >= 0 && i < n_in; i++)
        rc = put_inference(&b, in[i]);
    if (rc >= 0)
        rc = finish(&b, from);
    rc = lg_sdb_end(&d->db, rc);
    if (rc >= 0 && b.displaced_ms > d->displaced_ms)
        d->displaced_ms = b.displaced_ms;
    lg_buf_done(&b.block.bytes);
    lg_buf_done(&b.packed);
    lg_buf_done(&b.text);
    lg_vec_done(&b.rows);
    lg_vec_done(&b.inferences);
    return rc;
}

static int by_place(const void *pa, const void *pb)
{
    const struct lg_event *a = (*(struct lg_event_put *const *)pa)->ev;
    const struct lg_event *b = (*(struct lg_event_put *const *)pb)->ev;
    int64_t da = lg_day_of(a->time_ns), db = lg_day_of(b->time_ns);
    int c;

    if (da != db)
        return da < db ? -1 : 1;
    c = lg_str_cmp(a->tenant_id, b->tenant_id);
    if (c == 0)
        c = lg_str_cmp(a->endpoint_id, b->endpoint_id);
    if (c == 0)
        c = (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
    return c != 0 ? c : memcmp(a->event_id.b, b->event_id.b, LG_UUID_BYTES);
}

static int by_window(const void *pa, const void *pb)
{
    const struct lg_inference *a = (*(struct lg_inference_put *const *)pa)->in;
    const struct lg_inference *b = (*(struct lg_inference_put *const *)pb)->in;
    int c = (a->window_end > b->window_end) - (a->window_end < b->window_end);

    return c != 0 ? c : memcmp(a->inference_id.b, b->inference_id.b, LG_UUID_BYTES);
}

struct plan {
    struct lg_event_put **ev;
    size_t n_ev;
    struct lg_inference_put **in;
    size_t n_in;
};

static int write_days(struct lg_sqlite_events *es, const struct plan *p, struct lg_err *reterr)
{
    size_t e = 0, i = 0;
    int rc = 0;

    while (rc >= 0 && (e < p->n_ev || i < p->n_in)) {
        int64_t de = e < p->n_ev ? lg_day_of(p->ev[e]->ev->time_ns) : INT64_MAX;
        int64_t di = i < p->n_in ? lg_inference_day(p->in[i]->in) : INT64_MAX;
        int64_t day = de < di ? de : di;
        size_t e0 = e, i0 = i;
        struct lg_day *d;

        while (e < p->n_ev && lg_day_of(p->ev[e]->ev->time_ns) == day)
            e++;
        while (i < p->n_in && lg_inference_day(p->in[i]->in) == day)
            i++;
        rc = lg_day_get(es, day, true, &d, reterr);
        if (rc < 0)
            break;
        rc = write_day(es, d, p->ev + e0, e - e0, p->in + i0, i - i0);
        if (rc < 0) {
            (void)lg_err_set(reterr, rc, "%s: %s", d->db.path, lg_err_name(rc));
            lg_day_drop(es, d);
        } else {
            lg_day_put(es, d);
        }
    }
    return rc;
}

int lg_sqlite_event_write(struct lg_event_store *st, struct lg_event_put *ev, size_t n_ev,
        struct lg_inference_put *in, size_t n_in, struct lg_err *reterr)
{
    struct lg_sqlite_events *es = lg_events_of(st);
    struct plan p = {.n_ev = n_ev, .n_in = n_in};
    int rc = 0;

    for (size_t i = 0; i < n_ev; i++)
        if (!lg_event_put_sound(&ev[i]))
            return lg_err_set(reterr, LG_EINVAL, "event %zu of the batch is not sound", i);
    for (size_t i = 0; i < n_in; i++)
        if (!lg_inference_put_sound(&in[i]))
            return lg_err_set(reterr, LG_EINVAL, "inference %zu of the batch is not sound", i);
    p.ev = (struct lg_event_put **)lg_calloc(n_ev + 1, sizeof(*p.ev));
    p.in = (struct lg_inference_put **)lg_calloc(n_in + 1, sizeof(*p.in));
    if (p.ev == NULL || p.in == NULL)
        rc = lg_err_set(reterr, LG_ENOMEM, "out of memory");
    if (rc == 0) {
        for (size_t i = 0; i < n_ev; i++)
            p.ev[i] = &ev[i];
        for (size_t i = 0; i < n_in; i++)
            p.in[i] = &in[i];
        qsort(p.ev, n_ev, sizeof(*p.ev), by_place);
        qsort(p.in, n_in, sizeof(*p.in), by_window);
        (void)pthread_mutex_lock(&es->write_lock);
        rc = write_days(es, &p, reterr);
        (void)pthread_mutex_unlock(&es->write_lock);
    }
    lg_free(p.ev);
    lg_free(p.in);
    return rc;
}
