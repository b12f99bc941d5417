#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/sqlite_batch.h"

/*
 * Events of one day in a batch: first what their rows will say, then the places of their bodies
 * (by kind), then the rows in the order of their numbers, so that the table grows at its end, and
 * at last the bodies of those that were new.
 */
struct draft {
    struct lg_event_put *p;
    struct lg_event_cols r;
    int64_t tenant;
};
/* What orders are made of: small, so that sorting stays in the cache. */
struct place {
    uint64_t key;
    uint32_t at; /* of the draft */
};

/* 1: a row with this number and another id; 0: the same id, *ret_sum is its content's. */
static int row_holder(struct lg_conn *c, const char *sql, int64_t id, const struct lg_uuid *want,
        int64_t *ret_sum)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, c, sql);
    lg_q_i64(&q, id);
    rc = lg_q_step(&q);
    if (rc > 0) {
        struct lg_str have = lg_q_col_str(&q, 0);

        rc = have.n != LG_UUID_BYTES || memcmp(have.p, want->b, LG_UUID_BYTES) != 0;
        *ret_sum = lg_q_col_i64(&q, 1);
    } else if (rc == 0) {
        rc = LG_ECORRUPT;
    }
    lg_q_done(&q);
    return rc;
}

static int event_insert(struct lg_batch *b, const struct lg_event_cols *r)
{
    struct lg_q q;
    int rc;

    lg_q_open(&q, b->c,
            "INSERT OR IGNORE INTO events(" LG_EVENT_COLS
            ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)");
    lg_q_i64(&q, r->id);
    lg_q_uuid(&q, &r->event_id);
    for (int i = 0; i < LG_EC_IMAGE; i++)
        lg_q_i64(&q, i == LG_EC_RECEIVED ? r->v[i] - lg_row_ms(r->id) : r->v[i]);
    for (int i = LG_EC_IMAGE; i < LG_EC_COUNT; i++)
        lg_bind_opt(&q, r->v[i]);
    rc = lg_q_run(&q);
    return rc < 0 ? rc : sqlite3_changes(b->c->db) > 0;
}

/* Puts the row under the first free number of its id. */
static int place_event(
        struct lg_batch *b, int64_t tenant, int64_t ms, struct lg_event_cols *r, enum lg_put *ret)
{
    lg_time t = b->d->base_ns + ms * 1000000 + r->v[LG_EC_OFF];

    for (unsigned i = 0; i < LG_ROW_TRIES; i++) {
        int64_t sum = 0;
        int rc;

        r->id = lg_row_number(tenant, ms, &r->event_id, i);
        r->v[LG_EC_OFF] = t - b->d->base_ns - lg_row_ms(r->id) * 1000000;
        rc = event_insert(b, r);
        if (rc < 0)
            return rc;
        if (rc > 0) {
            if (lg_row_ms(r->id) - ms > b->displaced_ms)
                b->displaced_ms = lg_row_ms(r->id) - ms;
            if (i > b->attempts)
                b->attempts = i;
            *ret = LG_PUT_STORED;
            return 0;
        }
        rc = row_holder(
                b->c, "SELECT event_id, sum FROM events WHERE id=?1", r->id, &r->event_id, &sum);
        if (rc < 0)
            return rc;
        if (rc == 0) {
            *ret = sum == r->v[LG_EC_SUM] ? LG_PUT_DUPLICATE : LG_PUT_CONFLICT;
            return 0;
        }
    }
    return LG_ELIMIT;
}

static int event_words(struct lg_batch *b, const struct lg_event *ev, struct lg_event_cols *r)
{
    struct lg_event_words w = lg_event_words_of(ev);
    int rc;

    if ((rc = lg_batch_string(b, lg_event_str(ev, LG_F_IMAGE), &r->v[LG_EC_IMAGE])) < 0 ||
            (rc = lg_batch_string(b, w.user, &r->v[LG_EC_USER])) < 0 ||
            (rc = lg_batch_string(b, w.guid, &r->v[LG_EC_PROC])) < 0 ||
            (rc = lg_batch_string(b, w.hash, &r->v[LG_EC_HASH])) < 0 ||
            (rc = lg_batch_string(b, w.destination, &r->v[LG_EC_DEST])) < 0)
        return rc;
    return lg_batch_string(b, w.address, &r->v[LG_EC_ADDR]);
}

static int event_terms(struct lg_batch *b, const struct lg_event *ev, const struct lg_event_cols *r)
{
    static const int kinds[][2] = {{LG_EC_IMAGE, LG_TERM_IMAGE}, {LG_EC_USER, LG_TERM_USER},
            {LG_EC_HASH, LG_TERM_HASH}, {LG_EC_DEST, LG_TERM_DESTINATION},
            {LG_EC_ADDR, LG_TERM_ADDRESS}};
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < sizeof(kinds) / sizeof(*kinds); i++)
        rc = lg_batch_term(b, r->v[kinds[i][0]], kinds[i][1], r->v[LG_EC_ENDPOINT], ev->time_ns);
    return rc;
}

/* A creation's facts, apart, for trees. */
static int add_process(struct lg_batch *b, const struct lg_event *ev, const struct lg_event_cols *r)
{
    int64_t guid = 0, parent_guid = 0, parent_image = 0;
    struct lg_creation c;
    struct lg_q q;
    int rc;

    lg_event_creation(ev, &c);
    if ((rc = lg_batch_string(b, c.guid, &guid)) < 0 ||
            (rc = lg_batch_string(b, c.parent_guid, &parent_guid)) < 0 ||
            (rc = lg_batch_string(b, c.parent_image, &parent_image)) < 0)
        return rc;
    lg_q_open(&q, b->c,
            "INSERT INTO processes(event, endpoint, guid, pid, parent_guid, ppid, image,"
            " parent_image, user, hash, command) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)");
    lg_q_i64(&q, r->id);
    lg_q_i64(&q, r->v[LG_EC_ENDPOINT]);
    lg_bind_opt(&q, guid);
    lg_q_i64(&q, c.pid);
    lg_bind_opt(&q, parent_guid);
    lg_q_i64(&q, c.ppid);
    lg_bind_opt(&q, r->v[LG_EC_IMAGE]);
    lg_bind_opt(&q, parent_image);
    lg_bind_opt(&q, r->v[LG_EC_USER]);
    lg_bind_opt(&q, r->v[LG_EC_HASH]);
    lg_q_str(&q, c.command);
    return lg_q_run(&q);
}

static int draft_event(struct lg_batch *b, struct lg_event_put *p, struct draft *t)
{
    const struct lg_event *ev = p->ev;
    int64_t in_day = ev->time_ns - b->d->base_ns;
    int rc = lg_batch_tenant(b, ev->tenant_id, &t->tenant);

    t->p = p;
    t->r.event_id = ev->event_id;
    if (rc >= 0)
        rc = lg_batch_endpoint(b, t->tenant, ev->endpoint_id, ev->hostname, (int)ev->platform,
                &t->r.v[LG_EC_ENDPOINT]);
    if (rc >= 0)
        rc = event_words(b, ev, &t->r);
    t->r.id = lg_row_number(t->tenant, in_day / 1000000, &ev->event_id, 0);
    t->r.v[LG_EC_OFF] = in_day % 1000000;
    t->r.v[LG_EC_RECEIVED] = (p->received_at - b->d->base_ns) / 1000000;
    t->r.v[LG_EC_TYPE] = (int64_t)ev->type;
    t->r.v[LG_EC_SUM] = (int32_t)(lg_hash_str(p->json, 0) & UINT32_MAX);
    t->r.v[LG_EC_SHIFT] = p->time_shift_ns;
    return rc;
}

/* What an event's body resembles. */
static uint64_t kind_of(const struct lg_event *ev)
{
    return (uint64_t)ev->source << 48 | (uint64_t)ev->type << 32 | ev->code;
}

static int by_key(const void *pa, const void *pb)
{
    const struct place *a = (const struct place *)pa, *b = (const struct place *)pb;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

/* Gives each body its block and slot, as if all were new. */
static void place_bodies(const struct lg_batch *b, struct draft *t, const struct place *v, size_t n)
{
    int64_t block = b->d->next_block;
    uint32_t slot = 0;
    size_t bytes = 0;

    for (size_t i = 0; i < n; i++) {
        if (slot >= b->es->block_events || bytes >= LG_BLOCK_BYTES) {
            block++;
            slot = 0;
            bytes = 0;
        }
        t[v[i].at].r.v[LG_EC_LOC] = block << LG_BLOCK_SHIFT | slot++;
        bytes += t[v[i].at].p->json.n;
    }
}

static int put_row(struct lg_batch *b, struct draft *t)
{
    const struct lg_event *ev = t->p->ev;
    int rc = place_event(b, t->tenant, lg_row_ms(t->r.id), &t->r, &t->p->ret_result);

    if (rc < 0 || t->p->ret_result != LG_PUT_STORED)
        return rc;
    if (lg_vec_push(&b->rows, t->r) < 0)
        return LG_ENOMEM;
    rc = event_terms(b, ev, &t->r);
    return rc >= 0 && lg_event_type_creates(ev->type) ? add_process(b, ev, &t->r) : rc;
}

/* A block's slots of events that were there already stay empty; a block of only such is left out. */
static int put_bodies(struct lg_batch *b, const struct draft *t, const struct place *v, size_t n)
{
    size_t i = 0;
    int rc = 0;

    while (rc >= 0 && i < n) {
        int64_t block = t[v[i].at].r.v[LG_EC_LOC] >> LG_BLOCK_SHIFT;
        bool any = false;
        size_t end = i;

        for (; end < n && t[v[end].at].r.v[LG_EC_LOC] >> LG_BLOCK_SHIFT == block; end++)
            any = any || t[v[end].at].p->ret_result == LG_PUT_STORED;
        if (any)
            b->d->next_block = block;
        for (; rc >= 0 && any && i < end; i++) {
            const struct draft *one = &t[v[i].at];

            rc = lg_batch_record(b,
                    one->p->ret_result == LG_PUT_STORED ? lg_body_of(one->p->json, &one->r.event_id)
                                                        : LG_STR(""));
        }
        if (rc >= 0)
            rc = lg_batch_flush(b);
        i = end;
    }
    return rc;
}

static void sort_places(const struct lg_batch *b, struct draft *t, struct place *bodies,
        struct place *rows, size_t n)
{
    size_t group = (size_t)b->es->block_events * LG_BLOCK_GROUP;

    for (size_t i = 0; i < n; i++) {
        bodies[i] = (struct place){kind_of(t[i].p->ev), (uint32_t)i};
        rows[i] = (struct place){(uint64_t)t[i].r.id, (uint32_t)i};
    }
    for (size_t i = 0; i < n; i += group)
        qsort(bodies + i, n - i < group ? n - i : group, sizeof(*bodies), by_key);
    qsort(rows, n, sizeof(*rows), by_key);
}

int lg_batch_events(struct lg_batch *b, struct lg_event_put **ev, size_t n)
{
    struct draft *t = (struct draft *)lg_calloc(n + 1, sizeof(*t));
    struct place *bodies = (struct place *)lg_calloc(2 * n + 1, sizeof(*bodies)), *rows = NULL;
    int rc = t == NULL || bodies == NULL ? LG_ENOMEM : n > UINT32_MAX ? LG_ELIMIT : 0;

    for (size_t i = 0; rc >= 0 && i < n; i++)
        rc = draft_event(b, ev[i], &t[i]);
    if (rc >= 0 && n > 0) {
        rows = bodies + n;
        sort_places(b, t, bodies, rows, n);
        place_bodies(b, t, bodies, n);
    }
    for (size_t i = 0; rc >= 0 && i < n; i++)
        rc = put_row(b, &t[rows[i].at]);
    if (rc >= 0)
        rc = put_bodies(b, t, bodies, n);
    lg_free(bodies);
    lg_free(t);
    return rc;
}
