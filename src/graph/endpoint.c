#include "graph/endpoint.h"

#include <endian.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "graph/live.h"

/* Event times are held inside this, so that window ends cannot overflow. */
#define ENDPOINT_TIME_MAX (INT64_MAX / 2)

int lg_endpoint_new(
        struct lg_windows *ws, const struct lg_event *ev, uint64_t hash, struct lg_endpoint **ret)
{
    struct lg_endpoint *ep;
    struct lg_str tenant = lg_text_cut(ev->tenant_id, UINT16_MAX);
    struct lg_str name = lg_text_cut(ev->endpoint_id, UINT16_MAX);

    ep = lg_calloc(1, sizeof(*ep));
    if (ep == NULL)
        return LG_ENOMEM;
    ep->names = lg_malloc(tenant.n + name.n + 1);
    if (ep->names == NULL) {
        lg_free(ep);
        return LG_ENOMEM;
    }
    if (tenant.n > 0)
        memcpy(ep->names, tenant.p, tenant.n);
    if (name.n > 0)
        memcpy(ep->names + tenant.n, name.p, name.n);
    ep->tenant_n = (uint16_t)tenant.n;
    ep->endpoint_n = (uint16_t)name.n;
    ep->hash = hash;
    ep->platform = (uint8_t)ev->platform;
    ep->closed = 0;
    ep->acct.bytes = sizeof(*ep) + tenant.n + name.n + 1;
    lg_strpool_init(&ep->sp, &ep->acct);
    lg_proctab_init(&ep->pt, &ep->acct, &ep->sp);
    ws->endpoint_bytes += ep->acct.bytes;
    if (ws->live != NULL && lg_live_new(ws, ep) < 0) {
        lg_endpoint_free(ws, ep);
        return LG_ENOMEM;
    }
    *ret = ep;
    return 0;
}

void lg_endpoint_free(struct lg_windows *ws, struct lg_endpoint *ep)
{
    if (ep == NULL)
        return;
    ws->endpoint_bytes -= ep->acct.bytes;
    for (uint32_t i = 0; i < ep->heap.n; i++)
        lg_free(ep->heap.v[i].pe);
    for (uint32_t i = 0; i < ep->slices.n; i++)
        lg_slice_free(&ep->acct, ep->slices.v[i]);
    lg_acct_vec_done(&ep->acct, &ep->heap);
    lg_acct_vec_done(&ep->acct, &ep->slices);
    lg_proctab_done(&ep->pt);
    lg_strpool_done(&ep->sp);
    lg_live_free(ws, ep);
    lg_free(ep->names);
    lg_free(ep);
}

/* --- reorder buffer: a heap by (time, event id) --- */

/* Eight bytes of an id as a number in the order of memcmp. */
static uint64_t id_part(const struct lg_pend *pe, size_t at)
{
    uint64_t v;

    memcpy(&v, pe->id.b + at, sizeof(v));
    return be64toh(v);
}

static bool wait_before(const struct lg_wait *a, const struct lg_wait *b)
{
    uint64_t x, y;

    if (a->time != b->time)
        return a->time < b->time;
    x = id_part(a->pe, 0);
    y = id_part(b->pe, 0);
    return x != y ? x < y : id_part(a->pe, 8) < id_part(b->pe, 8);
}

void lg_endpoint_wait(struct lg_endpoint *ep, struct lg_pend *pe)
{
    struct lg_wait w = {pe->time, pe};
    uint32_t i = ep->heap.n++;

    while (i > 0 && wait_before(&w, &ep->heap.v[(i - 1) / 2])) {
        ep->heap.v[i] = ep->heap.v[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    ep->heap.v[i] = w;
    ep->pending_bytes += lg_pend_bytes(pe);
    ep->acct.bytes += lg_pend_bytes(pe);
}

static struct lg_pend *heap_take(struct lg_endpoint *ep)
{
    struct lg_pend *top = ep->heap.v[0].pe;
    struct lg_wait w = ep->heap.v[--ep->heap.n];
    uint32_t i = 0, k;

    for (k = 1; k < ep->heap.n; k = 2 * i + 1) {
        if (k + 1 < ep->heap.n && wait_before(&ep->heap.v[k + 1], &ep->heap.v[k]))
            k++;
        if (!wait_before(&ep->heap.v[k], &w))
            break;
        ep->heap.v[i] = ep->heap.v[k];
        i = k;
    }
    if (ep->heap.n > 0)
        ep->heap.v[i] = w;
    ep->pending_bytes -= lg_pend_bytes(top);
    ep->acct.bytes -= lg_pend_bytes(top);
    return top;
}

/* --- slices and windows --- */

static int64_t slice_index(const struct lg_windows *ws, lg_time t)
{
    return t / ws->opt.interval_ns;
}

static int get_slice(
        struct lg_windows *ws, struct lg_endpoint *ep, lg_time t, struct lg_slice **ret)
{
    int64_t index = slice_index(ws, t);
    uint32_t i = ep->slices.n;
    struct lg_slice *sl;

    while (i > 0 && ep->slices.v[i - 1]->index > index)
        i--;
    if (i > 0 && ep->slices.v[i - 1]->index == index) {
        *ret = ep->slices.v[i - 1];
        return 0;
    }
    if (lg_acct_reserve(&ep->acct, &ep->slices, ep->slices.n + 1) < 0 ||
            lg_slice_new(&ep->acct, index, &sl) < 0)
        return LG_ENOMEM;
    memmove(&ep->slices.v[i + 1], &ep->slices.v[i], (ep->slices.n - i) * sizeof(*ep->slices.v));
    ep->slices.v[i] = sl;
    ep->slices.n++;
    *ret = sl;
    return 0;
}

int lg_endpoint_unpack(struct lg_endpoint *ep, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (lg_slice_unpack(&ep->acct, ep->slices.v[i]) < 0)
            return LG_ENOMEM;
    return 0;
}

void lg_endpoint_settle(const struct lg_windows *ws, struct lg_endpoint *ep)
{
    if (ep->live == NULL)
        return;
    for (uint32_t i = 0; i < ep->slices.n; i++)
        if ((ep->slices.v[i]->index + 1) * ws->opt.interval_ns <= ep->closed)
            lg_live_settle(&ep->acct, ep->slices.v[i]);
}

void lg_endpoint_mark(const struct lg_endpoint *ep, struct lg_strmarks *mk)
{
    lg_strmark(mk, ep->host);
    for (unsigned k = 0; k < LG_TEXT_PEOPLE; k++)
        lg_strmark(mk, ep->people[k]);
    lg_proctab_mark(&ep->pt, mk);
    for (uint32_t i = 0; i < ep->slices.n; i++)
        lg_slice_mark(ep->slices.v[i], mk);
    for (uint32_t i = 0; i < ep->heap.n; i++)
        lg_pend_mark(ep->heap.v[i].pe, mk);
}

/* Frees the strings that nothing refers to any more. */
static void sweep(struct lg_endpoint *ep)
{
    struct lg_strmarks mk;

    if (lg_endpoint_unpack(ep, ep->slices.n) < 0 || lg_strpool_sweep_begin(&ep->sp, &mk) < 0)
        return; /* no harm: the next one may */
    lg_endpoint_mark(ep, &mk);
    lg_strpool_sweep_end(&ep->sp, &mk);
}

static void drop_slices(struct lg_windows *ws, struct lg_endpoint *ep, int64_t before)
{
    uint32_t n = 0;

    while (n < ep->slices.n && ep->slices.v[n]->index < before)
        lg_slice_free(&ep->acct, ep->slices.v[n++]);
    if (n == 0)
        return;
    ep->slices.n -= n;
    memmove(ep->slices.v, ep->slices.v + n, ep->slices.n * sizeof(*ep->slices.v));
    if (ep->slices.n > 0)
        lg_proctab_expire(&ep->pt, ep->slices.v[0]->index * ws->opt.interval_ns);
    else
        lg_proctab_expire(&ep->pt, ep->closed);
    if (ep->slices.n == 0 && ep->heap.n == 0) {
        lg_acct_vec_done(&ep->acct, &ep->heap);
        lg_acct_vec_done(&ep->acct, &ep->slices);
        sweep(ep);
    } else if (ep->live != NULL || lg_strpool_wants_sweep(&ep->sp)) {
        sweep(ep); /* once a window, live: thousands of endpoints stay for long */
    }
}

static int close_window(struct lg_windows *ws, struct lg_endpoint *ep, uint32_t n, lg_time end)
{
    struct lg_build_in in = {&ep->sp, ep->slices.v, n, ws->opt.max_nodes, ws->opt.max_edges};
    struct lg_graph g = {
            .tenant_id = lg_endpoint_tenant(ep),
            .endpoint_id = lg_endpoint_id(ep),
            .hostname = lg_strpool_get(&ep->sp, ep->host),
            .platform = (enum lg_platform)ep->platform,
            .start_ns = end - ws->opt.window_ns,
            .end_ns = end,
    };
    int r = lg_endpoint_unpack(ep, n);

    if (r == 0)
        r = lg_builder_run(ws->bd, &in, &g);
    ep->closed = ep->judged = end; /* once, also where it failed */
    if (r < 0)
        return r;
    if (ep->live != NULL) {
        g.ledger[LG_LEDGER_SILENT] = lg_live_silent(ws, ep);
        g.received_ns = ep->live->bus;
    }
    ws->st.windows++;
    return ws->fn(ws->user, &g);
}

/* Closes every window that ends at `t` or before. */
static int close_windows(struct lg_windows *ws, struct lg_endpoint *ep, lg_time t)
{
    const int64_t interval = ws->opt.interval_ns, span = ws->opt.window_ns / interval;
    const lg_time before = ep->closed;

    while (ep->slices.n > 0) {
        lg_time end = (ep->slices.v[0]->index + 1) * interval;
        uint32_t n = 0;
        int r;

        if (end <= ep->closed)
            end = ep->closed + interval;
        if (end > t)
            break;
        while (n < ep->slices.n && ep->slices.v[n]->index * interval < end)
            n++;
        r = close_window(ws, ep, n, end);
        drop_slices(ws, ep, end / interval - span + 1);
        if (r < 0)
            return r;
    }
    /* windows that passed without an event are closed, too: a late one does not bring them back */
    if (t - t % interval > ep->closed)
        ep->closed = t - t % interval;
    if (ep->closed != before) /* not at each late event */
        lg_endpoint_settle(ws, ep);
    return 0;
}

/* Remembers who works there, so that the name does not show in what others do. */
static void meet_person(struct lg_endpoint *ep, uint32_t user, uint32_t user_class)
{
    if (user == 0 || user_class != LG_USER_PERSON)
        return;
    for (unsigned k = 0; k < LG_TEXT_PEOPLE; k++)
        if (ep->people[k] == user)
            return;
    memmove(ep->people + 1, ep->people, (LG_TEXT_PEOPLE - 1) * sizeof(ep->people[0]));
    ep->people[0] = user;
}

static int fold(struct lg_windows *ws, struct lg_endpoint *ep, const struct lg_pend *pe, bool late)
{
    size_t held = ep->acct.bytes - ep->pending_bytes;
    struct lg_slice *sl;
    struct lg_fold fo = {.acct = &ep->acct,
            .sp = &ep->sp,
            .pt = &ep->pt,
            .tc = &ws->tc,
            .platform = (enum lg_platform)ep->platform,
            .full = held > ws->opt.max_endpoint_bytes / 4 * 3};

    lg_pend_spread(pe, &ws->pv);
    if (ws->pv.v[LG_PS_HOST] != ep->host &&
            lg_strpool_get(&ep->sp, ws->pv.v[LG_PS_HOST]).n > lg_strpool_get(&ep->sp, ep->host).n)
        ep->host = ws->pv.v[LG_PS_HOST];
    if (get_slice(ws, ep, pe->time, &sl) < 0)
        return LG_ENOMEM;
    if (ep->live != NULL) {
        int fresh = lg_live_note(ws, ep, sl, pe, fo.full);

        if (fresh <= 0)
            return fresh;
    }
    meet_person(ep, ws->pv.v[LG_PS_A_USER], ws->pv.v[LG_PS_A_CLASS] >> 8 & 0xff);
    fo.host = ep->host;
    fo.people = ep->people;
    sl->late += late;
    return lg_slice_fold(sl, &fo, pe, &ws->pv);
}

/* The buffer's first event goes where it belongs. */
static int release_one(struct lg_windows *ws, struct lg_endpoint *ep)
{
    struct lg_pend *pe;
    int r = close_windows(ws, ep, ep->heap.v[0].time);

    if (r < 0)
        return r; /* the event waits on */
    pe = heap_take(ep);
    if (ep->has_last && ep->live == NULL && pe->time == ep->last_time &&
            memcmp(pe->id.b, ep->last_id.b, sizeof(pe->id.b)) == 0) {
        ws->st.duplicates++;
        goto out;
    }
    ep->has_last = true;
    ep->last_time = pe->time;
    ep->last_id = pe->id;
    r = fold(ws, ep, pe, false);
out:
    lg_free(pe);
    return r;
}

int lg_endpoint_advance(struct lg_windows *ws, struct lg_endpoint *ep, lg_time t)
{
    size_t before = ep->acct.bytes;
    int r = 0;

    if (!ep->started || t > ep->watermark)
        ep->watermark = t;
    ep->started = true;
    while (r == 0 && ep->heap.n > 0 && ep->heap.v[0].time < ep->watermark)
        r = release_one(ws, ep);
    if (r == 0)
        r = close_windows(ws, ep, ep->watermark);
    ws->endpoint_bytes += ep->acct.bytes - before;
    return r;
}

static bool source_live(const struct lg_windows *ws, const struct lg_endpoint *ep, unsigned source)
{
    return (ep->seen >> source & 1) != 0 &&
            ep->bus - ep->source_bus[source] < ws->opt.idle_timeout_ns;
}

/* The least of the live sources' times, less what is waited. A source is live by when its events
 * came, not by how old they are: one that works off a backlog holds the others back. */
static lg_time watermark_of(const struct lg_windows *ws, const struct lg_endpoint *ep, lg_time wait)
{
    lg_time min = INT64_MAX;

    for (unsigned s = 0; s < LG_SOURCE_COUNT; s++)
        if (source_live(ws, ep, s) && ep->source_max[s] < min)
            min = ep->source_max[s];
    return min - wait;
}

static void note_arrival(struct lg_windows *ws, struct lg_endpoint *ep, unsigned source, lg_time t)
{
    bool joins = !source_live(ws, ep, source);

    if ((ep->seen >> source & 1) == 0 || t > ep->source_max[source])
        ep->source_max[source] = t;
    if (ep->seen == 0 || t > ep->bus)
        ep->bus = t;
    ep->source_bus[source] = ep->bus;
    ep->seen |= 1u << source;
    if (joins && ep->started) {
        /* a source that comes with older events takes the watermark back, but never behind a
         * window that was judged */
        lg_time w = watermark_of(ws, ep, ws->opt.patience_ns);

        w = w > ep->judged ? w : ep->judged;
        if (w < ep->watermark) {
            ep->watermark = w;
            w -= w % ws->opt.interval_ns;
            ep->closed = w > ep->judged ? w : ep->judged;
        }
    }
}

/* More waits than the budget allows: the oldest go ahead of time. */
static int relieve(struct lg_windows *ws, struct lg_endpoint *ep)
{
    int r = 0;

    if (ep->acct.bytes > ws->opt.max_endpoint_bytes && lg_strpool_wants_sweep(&ep->sp))
        sweep(ep);
    while (r == 0 && ep->heap.n > 0 && ep->pending_bytes > ws->opt.max_endpoint_bytes / 4) {
        lg_time t = ep->heap.v[0].time;

        if (t > ep->watermark)
            ep->watermark = t;
        ws->st.forced++;
        lg_live_count(ep, LG_LEDGER_FORCED, 1);
        r = release_one(ws, ep);
    }
    return r;
}

static int host_id(struct lg_endpoint *ep, struct lg_str host, uint32_t *ret)
{
    host = lg_text_cut(host, LG_MAX_HOSTNAME_BYTES);
    if (ep->host != 0 && lg_str_eq(host, lg_strpool_get(&ep->sp, ep->host))) {
        *ret = ep->host;
        return 0;
    }
    return lg_strpool_add(&ep->sp, host, ret);
}

lg_time lg_endpoint_last_end(const struct lg_windows *ws, lg_time t)
{
    return (slice_index(ws, t) + ws->opt.window_ns / ws->opt.interval_ns) * ws->opt.interval_ns;
}

/* An event behind the watermark, whose windows may be open still. */
static int push_late(struct lg_windows *ws, struct lg_endpoint *ep, struct lg_pend *pe)
{
    int r = 0;

    if (lg_endpoint_last_end(ws, pe->time) <= ep->closed) {
        ws->st.late_dropped++;
        lg_live_count(ep, LG_LEDGER_LATE_DROPPED, 1);
    } else {
        ws->st.late_entered++;
        r = fold(ws, ep, pe, true);
    }
    lg_free(pe);
    return r;
}

/* Patience costs memory: short of it, only the lateness is waited. */
static lg_time waits(const struct lg_windows *ws)
{
    return ws->endpoint_bytes > ws->opt.max_total_bytes / 4 * 3 ? ws->opt.lateness_ns
                                                                : ws->opt.patience_ns;
}

int lg_endpoint_push(struct lg_windows *ws, struct lg_endpoint *ep, const struct lg_event *ev)
{
    size_t before = ep->acct.bytes;
    bool with_edge = lg_op_from_event(ev, &ws->op);
    struct lg_pend *pe = NULL;
    uint32_t host;
    int r;

    r = host_id(ep, ev->hostname, &host);
    if (r == 0 && lg_acct_reserve(&ep->acct, &ep->heap, ep->heap.n + 1) < 0)
        r = LG_ENOMEM;
    if (r == 0)
        r = lg_pend_new(ev, &ws->op, with_edge, host, &ep->sp, &pe);
    if (r != 0)
        goto out;
    pe->time = pe->time < 0 ? 0 : pe->time > ENDPOINT_TIME_MAX ? ENDPOINT_TIME_MAX : pe->time;
    if (ep->live == NULL)
        note_arrival(ws, ep, ev->source, pe->time);
    else
        lg_live_arrival(ws, ep, pe->time);
    if ((ep->started && pe->time < ep->watermark) ||
            lg_endpoint_last_end(ws, pe->time) <= ep->closed)
        r = push_late(ws, ep, pe);
    else
        lg_endpoint_wait(ep, pe);
    ws->endpoint_bytes += ep->acct.bytes - before;
    if (r == 0)
        r = lg_endpoint_advance(ws, ep,
                ep->live == NULL ? watermark_of(ws, ep, waits(ws))
                                 : lg_live_watermark(ep, waits(ws)));
    before = ep->acct.bytes;
    if (r == 0)
        r = relieve(ws, ep);
out:
    ws->endpoint_bytes += ep->acct.bytes - before;
    return r;
}
