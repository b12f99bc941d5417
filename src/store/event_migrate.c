#include "store/event_migrate.h"

#include <string.h>

#include "access/scope.h"
#include "base/mem.h"
#include "event/codec.h"
#include "store/event_common.h"

#define BATCH 500

struct move {
    struct lg_event_store *from, *to;
    const struct lg_scope *sc;
    struct lg_arena page, step; /* rows of a page; what a write borrows */
    struct lg_json *json;
    struct lg_event *events;
    struct lg_event_put *ev;
    struct lg_inference *inferences;
    struct lg_inference_put *in;
    struct lg_err *err;
};
/* What is done with a page's rows. */
typedef int (*event_page_fn)(
        struct move *m, struct lg_migrated_day *d, const struct lg_event_page *p);
typedef int (*inference_page_fn)(
        struct move *m, struct lg_migrated_day *d, const struct lg_inference_page *p);

/* Digests of records are added up, so that the order does not matter. */
static void add_digest(uint64_t sum[4], struct lg_str text, const int64_t nums[2],
        struct lg_str context, struct lg_buf *b)
{
    uint64_t one[4];

    lg_buf_clear(b);
    lg_buf_add(b, nums, 2 * sizeof(*nums));
    lg_buf_add(b, &text.n, sizeof(text.n));
    lg_buf_adds(b, text);
    lg_buf_adds(b, context);
    lg_blake2b_256(lg_buf_str(b), (uint8_t *)one);
    for (int i = 0; i < 4; i++)
        sum[i] += one[i];
}

static int each_event_page(
        struct move *m, struct lg_event_store *st, struct lg_migrated_day *d, event_page_fn fn)
{
    struct lg_event_query q = {.from = d->day * LG_DAY_NS,
            .to = (d->day + 1) * LG_DAY_NS,
            .ascending = true,
            .limit = BATCH};
    char cursor[1024];
    int rc = 0;

    do {
        struct lg_event_page p;

        lg_arena_clear(&m->page);
        rc = st->ops->event_search(st, m->sc, &q, &m->page, &p);
        if (rc >= 0 && p.n > 0)
            rc = fn(m, d, &p);
        if (rc < 0)
            return rc;
        if (p.next_cursor.n > sizeof(cursor))
            return LG_ELIMIT;
        memcpy(cursor, p.next_cursor.p, p.next_cursor.n);
        q.cursor = lg_str_of(cursor, p.next_cursor.n);
    } while (q.cursor.n > 0);
    return 0;
}

static int each_inference_page(
        struct move *m, struct lg_event_store *st, struct lg_migrated_day *d, inference_page_fn fn)
{
    /* a window's end belongs to the day that it closes */
    struct lg_inference_query q = {.from = d->day * LG_DAY_NS + 1,
            .to = (d->day + 1) * LG_DAY_NS + 1,
            .ascending = true,
            .limit = BATCH};
    char cursor[1024];
    int rc = 0;

    do {
        struct lg_inference_page p;

        lg_arena_clear(&m->page);
        rc = st->ops->inference_search(st, m->sc, &q, &m->page, &p);
        if (rc >= 0 && p.n > 0)
            rc = fn(m, d, &p);
        if (rc < 0)
            return rc;
        if (p.next_cursor.n > sizeof(cursor))
            return LG_ELIMIT;
        memcpy(cursor, p.next_cursor.p, p.next_cursor.n);
        q.cursor = lg_str_of(cursor, p.next_cursor.n);
    } while (q.cursor.n > 0);
    return 0;
}

static int read_event(struct move *m, const struct lg_event_row *row, uint32_t i)
{
    struct lg_event *ev = &m->events[i];
    struct lg_jval root;
    int rc = lg_json_parse(m->json, row->json, false, &root, NULL);

    if (rc == 0)
        rc = lg_event_read(root, row->json, ev, m->err);
    if (rc == 0)
        rc = lg_event_keep(ev, &m->step);
    if (rc < 0)
        return rc == LG_ENOMEM ? rc : LG_ECORRUPT;
    m->ev[i] = (struct lg_event_put){.ev = ev,
            .json = row->json,
            .received_at = row->received_at,
            .time_shift_ns = row->time_shift_ns};
    return 0;
}

/* Conflicts and refusals show in the digests of the day. */
static int write_events(struct move *m, struct lg_migrated_day *d, const struct lg_event_page *p)
{
    int rc = 0;

    lg_arena_clear(&m->step);
    for (uint32_t i = 0; rc >= 0 && i < p->n; i++)
        rc = read_event(m, &p->rows[i], i);
    if (rc >= 0)
        rc = m->to->ops->write(m->to, m->ev, p->n, NULL, 0, m->err);
    for (uint32_t i = 0; rc >= 0 && i < p->n; i++)
        d->written += m->ev[i].ret_result == LG_PUT_STORED;
    return rc;
}

static int read_inference(struct move *m, const struct lg_inference_row *row, uint32_t i)
{
    struct lg_inference *in = &m->inferences[i];
    struct lg_inference_row again;
    struct lg_str context;
    int rc = lg_inference_load(m->json, row->json, row->received_at, &m->step, in);

    if (rc < 0)
        return rc == LG_ENOMEM ? rc : LG_ECORRUPT;
    in->received_at = row->received_at;
    rc = m->from->ops->inference_get(
            m->from, m->sc, &row->inference_id, in->window_end, &m->step, &again, &context);
    m->in[i] = (struct lg_inference_put){.in = in, .context = context};
    return rc;
}

static int write_inferences(
        struct move *m, struct lg_migrated_day *d, const struct lg_inference_page *p)
{
    int rc = 0;

    lg_arena_clear(&m->step);
    for (uint32_t i = 0; rc >= 0 && i < p->n; i++)
        rc = read_inference(m, &p->rows[i], i);
    if (rc >= 0)
        rc = m->to->ops->write(m->to, NULL, 0, m->in, p->n, m->err);
    for (uint32_t i = 0; rc >= 0 && i < p->n; i++)
        d->written += m->in[i].ret_result == LG_PUT_STORED;
    return rc;
}

static int sum_events(uint64_t sum[4], uint64_t *n, const struct lg_event_page *p)
{
    struct lg_buf b;
    int rc;

    lg_buf_init(&b, 64u << 20);
    for (uint32_t i = 0; i < p->n; i++)
        add_digest(sum, p->rows[i].json,
                (const int64_t[]){p->rows[i].received_at, p->rows[i].time_shift_ns}, LG_STR(""),
                &b);
    *n += p->n;
    rc = b.failed;
    lg_buf_done(&b);
    return rc;
}

static int sum_events_from(struct move *m, struct lg_migrated_day *d, const struct lg_event_page *p)
{
    (void)m;
    return sum_events(d->digest_from, &d->events_from, p);
}

static int sum_events_to(struct move *m, struct lg_migrated_day *d, const struct lg_event_page *p)
{
    (void)m;
    return sum_events(d->digest_to, &d->events_to, p);
}

static int sum_inferences(struct move *m, struct lg_event_store *st, uint64_t sum[4], uint64_t *n,
        const struct lg_inference_page *p)
{
    struct lg_buf b;
    int rc = 0;

    lg_buf_init(&b, 128u << 20);
    for (uint32_t i = 0; rc >= 0 && i < p->n; i++) {
        struct lg_inference_row row;
        struct lg_inference in;
        struct lg_str context;

        lg_arena_clear(&m->step);
        rc = lg_inference_load(m->json, p->rows[i].json, 0, &m->step, &in);
        if (rc < 0)
            rc = rc == LG_ENOMEM ? rc : LG_ECORRUPT;
        if (rc >= 0)
            rc = st->ops->inference_get(
                    st, m->sc, &p->rows[i].inference_id, in.window_end, &m->step, &row, &context);
        if (rc >= 0)
            add_digest(sum, p->rows[i].json, (const int64_t[]){p->rows[i].received_at, 0}, context,
                    &b);
    }
    *n += p->n;
    rc = rc < 0 ? rc : b.failed;
    lg_buf_done(&b);
    return rc;
}

static int sum_inferences_from(
        struct move *m, struct lg_migrated_day *d, const struct lg_inference_page *p)
{
    return sum_inferences(m, m->from, d->digest_from, &d->inferences_from, p);
}

static int sum_inferences_to(
        struct move *m, struct lg_migrated_day *d, const struct lg_inference_page *p)
{
    return sum_inferences(m, m->to, d->digest_to, &d->inferences_to, p);
}

static int move_day(struct move *m, struct lg_migrated_day *d)
{
    int rc = each_event_page(m, m->from, d, write_events);

    if (rc >= 0)
        rc = each_inference_page(m, m->from, d, write_inferences);
    if (rc >= 0 && m->to->ops->settle != NULL)
        rc = m->to->ops->settle(m->to, m->err);
    if (rc < 0)
        return rc;
    if ((rc = each_event_page(m, m->from, d, sum_events_from)) < 0 ||
            (rc = each_inference_page(m, m->from, d, sum_inferences_from)) < 0 ||
            (rc = each_event_page(m, m->to, d, sum_events_to)) < 0)
        return rc;
    return each_inference_page(m, m->to, d, sum_inferences_to);
}

/* The first day from `day` on that holds something; LG_ENOENT: none. */
static int next_day(struct move *m, int64_t day, int64_t *ret)
{
    struct lg_event_query eq = {.from = day * LG_DAY_NS, .ascending = true, .limit = 1};
    struct lg_inference_query iq = {.from = day * LG_DAY_NS + 1, .ascending = true, .limit = 1};
    struct lg_inference_page ip;
    struct lg_event_page ep;
    struct lg_inference in;
    int64_t first = INT64_MAX;
    int rc;

    lg_arena_clear(&m->page);
    rc = m->from->ops->event_search(m->from, m->sc, &eq, &m->page, &ep);
    if (rc >= 0)
        rc = m->from->ops->inference_search(m->from, m->sc, &iq, &m->page, &ip);
    if (rc < 0)
        return rc;
    if (ep.n > 0)
        first = lg_day_of(ep.rows[0].time);
    if (ip.n > 0) {
        rc = lg_inference_load(m->json, ip.rows[0].json, 0, &m->page, &in);
        if (rc < 0)
            return rc == LG_ENOMEM ? rc : LG_ECORRUPT;
        if (lg_inference_day(&in) < first)
            first = lg_inference_day(&in);
    }
    *ret = first;
    return first == INT64_MAX ? LG_ENOENT : 0;
}

static int check_day(struct move *m, const struct lg_migrated_day *d)
{
    int y, mon, day;

    if (d->events_from == d->events_to && d->inferences_from == d->inferences_to &&
            memcmp(d->digest_from, d->digest_to, sizeof(d->digest_from)) == 0)
        return 0;
    lg_civil_of_day(d->day, &y, &mon, &day);
    return lg_err_set(m->err, LG_ECORRUPT,
            "%04d-%02d-%02d is not the same on both sides: %llu and %llu events, %llu and %llu "
            "inferences",
            y, mon, day, (unsigned long long)d->events_from, (unsigned long long)d->events_to,
            (unsigned long long)d->inferences_from, (unsigned long long)d->inferences_to);
}

static int move_all(
        struct move *m, int (*fn)(void *user, const struct lg_migrated_day *d), void *user)
{
    int64_t day = 0;
    int rc;

    while ((rc = next_day(m, day, &day)) == 0) {
        struct lg_migrated_day d = {.day = day};

        rc = move_day(m, &d);
        if (rc < 0)
            break;
        if (fn != NULL && (rc = fn(user, &d)) < 0)
            return rc;
        rc = check_day(m, &d);
        if (rc < 0)
            return rc;
        day++;
    }
    return rc == LG_ENOENT ? 0 : rc;
}

int lg_event_migrate(struct lg_event_store *from, struct lg_event_store *to,
        const struct lg_scope *scope, int (*fn)(void *user, const struct lg_migrated_day *d),
        void *user, struct lg_err *reterr)
{
    struct lg_err own = {0};
    struct move m = {.from = from, .to = to, .sc = scope, .err = &own};
    int rc;

    if (scope == NULL || !lg_scope_is_all(scope))
        return lg_err_set(reterr, LG_EINVAL, "only one who sees all tenants can move their events");
    lg_arena_init(&m.page, 1u << 30);
    lg_arena_init(&m.step, 1u << 30);
    m.events = (struct lg_event *)lg_calloc(BATCH, sizeof(*m.events));
    m.ev = (struct lg_event_put *)lg_calloc(BATCH, sizeof(*m.ev));
    m.inferences = (struct lg_inference *)lg_calloc(BATCH, sizeof(*m.inferences));
    m.in = (struct lg_inference_put *)lg_calloc(BATCH, sizeof(*m.in));
    rc = m.events == NULL || m.ev == NULL || m.inferences == NULL || m.in == NULL
            ? LG_ENOMEM
            : lg_json_new(&m.json);
    if (rc >= 0)
        rc = move_all(&m, fn, user);
    if (rc < 0)
        (void)lg_err_set(reterr, rc, "%s", own.text[0] != '\0' ? own.text : lg_err_name(rc));
    lg_json_free(m.json);
    lg_free(m.events);
    lg_free(m.ev);
    lg_free(m.inferences);
    lg_free(m.in);
    lg_arena_done(&m.page);
    lg_arena_done(&m.step);
    return rc;
}
