#include "graph/window_live.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "graph/live.h"

#define LIVE_TIME_MAX (INT64_MAX / 4)
#define SEEN_MAX (UINT32_C(1) << 19) /* ids of a slice; more than that are not looked for */

/* Learning of what is usual. */
#define HABIT_EVENTS 64u
#define HABIT_FACTOR 8.0
#define HABIT_MIN_NS (600 * LG_NS_PER_SEC)
#define USUAL_EVENTS 256u
#define USUAL_FACTOR 8u
#define USUAL_MIN_STEP 64u
#define RESET_MIN_STEP 32u /* records of one moment may be numbered in another order */

static lg_time time_held(lg_time t)
{
    return t < 0 ? 0 : t > LIVE_TIME_MAX ? LIVE_TIME_MAX : t;
}

int lg_windows_live(struct lg_windows *ws, const struct lg_live_options *opt)
{
    if (ws->live != NULL || ws->st.events > 0)
        return LG_EINVAL;
    ws->live = lg_calloc(1, sizeof(*ws->live));
    if (ws->live == NULL)
        return LG_ENOMEM;
    ws->live->opt = *opt;
    if (opt->min_silence_ns <= 0)
        ws->live->opt.min_silence_ns = HABIT_MIN_NS;
    if (!(opt->silence_factor >= 1))
        ws->live->opt.silence_factor = HABIT_FACTOR;
    return 0;
}

void lg_live_part_free(struct lg_live_part *lp)
{
    if (lp == NULL)
        return;
    lg_acct_vec_done(&lp->acct, &lp->timers);
    lg_free(lp);
}

int lg_live_new(struct lg_windows *ws, struct lg_endpoint *ep)
{
    ep->live = lg_calloc(1, sizeof(*ep->live));
    if (ep->live == NULL)
        return LG_ENOMEM;
    ep->acct.bytes += sizeof(*ep->live);
    ep->acct.tight = true;
    ws->endpoint_bytes += sizeof(*ep->live);
    return 0;
}

/* --- when to look at an endpoint: a heap by the earliest time at which it may be idle --- */

static bool due_before(const struct lg_endpoint *a, const struct lg_endpoint *b)
{
    int c;

    if (a->live->due != b->live->due)
        return a->live->due < b->live->due;
    c = lg_str_cmp(lg_endpoint_tenant(a), lg_endpoint_tenant(b));
    return c != 0 ? c < 0 : lg_str_cmp(lg_endpoint_id(a), lg_endpoint_id(b)) < 0;
}

static void timer_set(struct lg_live_part *lp, uint32_t i, struct lg_endpoint *ep)
{
    lp->timers.v[i] = ep;
    ep->live->timer1 = i + 1;
}

static void timer_up(struct lg_live_part *lp, uint32_t i, struct lg_endpoint *ep)
{
    while (i > 0 && due_before(ep, lp->timers.v[(i - 1) / 2])) {
        timer_set(lp, i, lp->timers.v[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    timer_set(lp, i, ep);
}

static void timer_down(struct lg_live_part *lp, uint32_t i, struct lg_endpoint *ep)
{
    for (uint32_t k = 2 * i + 1; k < lp->timers.n; k = 2 * i + 1) {
        if (k + 1 < lp->timers.n && due_before(lp->timers.v[k + 1], lp->timers.v[k]))
            k++;
        if (!due_before(lp->timers.v[k], ep))
            break;
        timer_set(lp, i, lp->timers.v[k]);
        i = k;
    }
    timer_set(lp, i, ep);
}

static void timer_cut(struct lg_live_part *lp, struct lg_endpoint *ep)
{
    uint32_t i = ep->live->timer1 - 1;
    struct lg_endpoint *last;

    if (ep->live->timer1 == 0)
        return;
    ep->live->timer1 = 0;
    last = lp->timers.v[--lp->timers.n];
    if (last == ep)
        return;
    timer_down(lp, i, last);
    timer_up(lp, last->live->timer1 - 1, last);
}

/* When the first of the live sources leaves; INT64_MAX where none lives. */
static lg_time next_idle(const struct lg_windows *ws, const struct lg_endpoint *ep)
{
    lg_time min = INT64_MAX;

    for (uint32_t i = 0; i < ep->live->sources.n; i++) {
        const struct lg_live_source *s = &ep->live->sources.v[i];

        if (s->live && s->bus + ws->opt.idle_timeout_ns < min)
            min = s->bus + ws->opt.idle_timeout_ns;
    }
    return min;
}

int lg_live_arm(struct lg_windows *ws, struct lg_endpoint *ep)
{
    struct lg_live_part *lp = ws->live;
    lg_time due;

    if (ep->live->timer1 != 0 || (ep->heap.n == 0 && ep->slices.n == 0))
        return 0;
    due = next_idle(ws, ep);
    if (due == INT64_MAX)
        return 0;
    if (lg_acct_reserve(&lp->acct, &lp->timers, lp->timers.n + 1) < 0)
        return LG_ENOMEM;
    ep->live->due = due;
    timer_up(lp, lp->timers.n++, ep);
    return 0;
}

/* --- what is in no checkpoint --- */

void lg_live_mark_dirty(struct lg_windows *ws, struct lg_endpoint *ep, uint64_t from)
{
    struct lg_live_part *lp = ws->live;
    struct lg_live *lv = ep->live;

    if (lv->dirty)
        return;
    lv->dirty = true;
    lv->dirty_from = from;
    lv->dirty_since = lp->bus;
    lv->dirty_next = NULL;
    lv->dirty_prev = lp->dirty_last;
    if (lp->dirty_last != NULL)
        lp->dirty_last->live->dirty_next = ep;
    else
        lp->dirty_first = ep;
    lp->dirty_last = ep;
}

void lg_live_mark_clean(struct lg_windows *ws, struct lg_endpoint *ep)
{
    struct lg_live_part *lp = ws->live;
    struct lg_live *lv = ep->live;

    if (!lv->dirty)
        return;
    lv->dirty = false;
    if (lv->dirty_prev != NULL)
        lv->dirty_prev->live->dirty_next = lv->dirty_next;
    else
        lp->dirty_first = lv->dirty_next;
    if (lv->dirty_next != NULL)
        lv->dirty_next->live->dirty_prev = lv->dirty_prev;
    else
        lp->dirty_last = lv->dirty_prev;
    lv->dirty_prev = lv->dirty_next = NULL;
}

void lg_live_free(struct lg_windows *ws, struct lg_endpoint *ep)
{
    if (ep->live == NULL)
        return;
    lg_live_mark_clean(ws, ep);
    timer_cut(ws->live, ep);
    lg_acct_vec_done(&ep->acct, &ep->live->sources);
    lg_free(LG_TAKE(ep->live));
}

void lg_live_forgotten(struct lg_windows *ws, struct lg_endpoint *ep)
{
    if (ws->live != NULL && ws->live->opt.forget != NULL)
        ws->live->opt.forget(ws->live->opt.user, lg_endpoint_tenant(ep), lg_endpoint_id(ep));
}

bool lg_windows_low_offset(const struct lg_windows *ws, uint64_t *ret)
{
    if (ws->live == NULL || ws->live->dirty_first == NULL)
        return false;
    *ret = ws->live->dirty_first->live->dirty_from;
    return true;
}

bool lg_windows_dirty_since(const struct lg_windows *ws, lg_time *ret)
{
    if (ws->live == NULL || ws->live->dirty_first == NULL)
        return false;
    *ret = ws->live->dirty_first->live->dirty_since;
    return true;
}

/* --- ledger --- */

static uint32_t add_held(uint32_t a, uint64_t b)
{
    return b > UINT32_MAX - a ? UINT32_MAX : a + (uint32_t)b;
}

void lg_live_add(struct lg_endpoint *ep, enum lg_ledger what, uint64_t n)
{
    ep->live->pending[what] = add_held(ep->live->pending[what], n);
}

/* Steps of the source's numbers. Filters leave numbers out as a matter of course, so that only
 * what is far from usual is a loss; numbers that start again are told, and never a gap. */
static void note_sequence(
        struct lg_endpoint *ep, struct lg_live_source *s, const struct lg_live_input *in, lg_time t)
{
    uint64_t step;

    if (in->sequence == 0)
        return;
    if (s->seq == 0) {
        s->seq = in->sequence;
        s->seq_time = t;
        return;
    }
    if (in->sequence <= s->seq) {
        if (t > s->seq_time && s->seq - in->sequence > RESET_MIN_STEP) {
            lg_live_add(ep, LG_LEDGER_LOG_RESET, 1);
            s->seq = in->sequence;
            s->seq_time = t;
        }
        return; /* else it came again, or changed places */
    }
    step = in->sequence - s->seq;
    s->seq = in->sequence;
    s->seq_time = t;
    if (in->unfiltered) {
        lg_live_count(ep, LG_LEDGER_MISSED, step - 1);
    } else if (s->events >= USUAL_EVENTS && step > USUAL_MIN_STEP &&
            step / USUAL_FACTOR > s->seq_usual) {
        lg_live_add(ep, LG_LEDGER_MISSED, step - 1);
        step = (uint64_t)s->seq_usual * 2; /* one gap does not make the next one usual */
    }
    s->seq_usual -= s->seq_usual / 1024;
    if (step > s->seq_usual)
        s->seq_usual = step > UINT32_MAX ? UINT32_MAX : (uint32_t)step;
}

static void note_habit(struct lg_live_source *s, lg_time bus)
{
    lg_time gap = bus - s->bus;

    s->habit -= s->habit / 256;
    if (s->events > 0 && gap > s->habit)
        s->habit = gap;
    if (s->events < UINT32_MAX)
        s->events++;
}

uint32_t lg_live_silent(const struct lg_windows *ws, const struct lg_endpoint *ep)
{
    lg_time bus = ws->live->bus > ep->live->bus ? ws->live->bus : ep->live->bus;
    uint32_t n = 0;

    for (uint32_t i = 0; i < ep->live->sources.n; i++) {
        const struct lg_live_source *s = &ep->live->sources.v[i];
        lg_time gap = bus - s->bus;

        n += s->events >= HABIT_EVENTS && gap > ws->live->opt.min_silence_ns &&
                (double)gap > (double)s->habit * ws->live->opt.silence_factor;
    }
    return n;
}

static void note_flags(struct lg_slice *sl, uint32_t flags)
{
    static const struct {
        uint32_t flag;
        enum lg_ledger what;
    } rows[] = {{LG_EVF_TRUNCATED, LG_LEDGER_TRUNCATED}, {LG_EVF_INCOMPLETE, LG_LEDGER_INCOMPLETE},
            {LG_EVF_TIME_CLAMPED, LG_LEDGER_CLAMPED}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if ((flags & rows[i].flag) != 0)
            sl->ledger[rows[i].what] = add_held(sl->ledger[rows[i].what], 1);
}

/* --- ids of a slice's events --- */

static int seen_resize(struct lg_acct *acct, struct lg_slice *sl, uint32_t cap)
{
    uint32_t mask = cap - 1;
    uint64_t *p = lg_calloc(cap, sizeof(*p));

    if (p == NULL)
        return LG_ENOMEM;
    for (uint32_t i = 0; i < sl->seen_cap; i++) {
        uint32_t k = (uint32_t)sl->seen[i] & mask;

        if (sl->seen[i] == 0)
            continue;
        while (p[k] != 0)
            k = (k + 1) & mask;
        p[k] = sl->seen[i];
    }
    acct->bytes += cap * sizeof(*p);
    acct->bytes -= sl->seen_cap * sizeof(*p);
    lg_free(sl->seen);
    sl->seen = p;
    sl->seen_cap = cap;
    return 0;
}

void lg_live_settle(struct lg_acct *acct, struct lg_slice *sl)
{
    uint32_t cap = sl->seen_cap;

    while (!sl->settled && cap > 16 && (uint64_t)sl->seen_n * 8 <= (uint64_t)cap / 2 * 7)
        cap /= 2;
    if (cap < sl->seen_cap)
        (void)(seen_resize(acct, sl, cap) < 0); /* no harm: it stays as it is */
    lg_slice_settle(acct, sl);
}

int lg_live_see(struct lg_acct *acct, struct lg_slice *sl, uint64_t h, bool full)
{
    uint32_t k;

    h = h != 0 ? h : 1;
    if ((sl->seen_n + 1) * 4 > sl->seen_cap * 3 && !full && sl->seen_cap < SEEN_MAX &&
            seen_resize(acct, sl, sl->seen_cap > 0 ? sl->seen_cap * 2 : 16) < 0)
        return LG_ENOMEM;
    if (sl->seen_cap == 0)
        return 1;
    for (k = (uint32_t)h & (sl->seen_cap - 1); sl->seen[k] != 0; k = (k + 1) & (sl->seen_cap - 1))
        if (sl->seen[k] == h)
            return 0;
    if ((sl->seen_n + 1) * 8 <= sl->seen_cap * 7) { /* else: no room to remember it */
        sl->seen[k] = h;
        sl->seen_n++;
    }
    return 1;
}

int lg_live_note(struct lg_windows *ws, struct lg_endpoint *ep, struct lg_slice *sl,
        const struct lg_pend *pe, bool full)
{
    /* keyed, so that nobody can make an event that looks like another one's repeat */
    uint64_t h = lg_hash64(pe->id.b, sizeof(pe->id.b), ep->sp.seed);
    int r = lg_live_see(&ep->acct, sl, h, full);

    if (r < 0)
        return r;
    if (r == 0) {
        ws->st.duplicates++;
        sl->ledger[LG_LEDGER_DUPLICATES] = add_held(sl->ledger[LG_LEDGER_DUPLICATES], 1);
        return 0;
    }
    note_flags(sl, pe->flags);
    for (unsigned l = 0; l < LG_LEDGER_COUNT; l++) {
        sl->ledger[l] = add_held(sl->ledger[l], ep->live->pending[l]);
        ep->live->pending[l] = 0;
    }
    return 1;
}

/* --- watermark --- */

lg_time lg_live_watermark(const struct lg_endpoint *ep, lg_time wait)
{
    lg_time min = INT64_MAX;

    for (uint32_t i = 0; i < ep->live->sources.n; i++) {
        const struct lg_live_source *s = &ep->live->sources.v[i];

        if (s->live && s->max < min)
            min = s->max;
    }
    return min == INT64_MAX ? INT64_MIN : min - wait;
}

void lg_live_arrival(struct lg_windows *ws, struct lg_endpoint *ep, lg_time t)
{
    struct lg_live_source *s = &ep->live->sources.v[ep->live->cur];
    bool joins = !s->live;

    note_sequence(ep, s, &ws->live->in, t);
    if (s->events == 0 || t > s->max)
        s->max = t;
    note_habit(s, ep->live->bus);
    s->bus = ep->live->bus;
    s->live = true;
    if (t > ep->bus)
        ep->bus = t;
    if (joins && ep->started) {
        /* a source that comes with older events takes the watermark back, but never behind a
         * window that was judged */
        lg_time w = lg_live_watermark(ep, ws->opt.patience_ns);

        w = w > ep->judged ? w : ep->judged;
        if (w < ep->watermark) {
            ep->watermark = w;
            w -= w % ws->opt.interval_ns;
            ep->closed = w > ep->judged ? w : ep->judged;
        }
    }
}

/* All sources are silent: every window with an event is given out. What comes later is in order
 * as long as it is newer than what was there. */
static int flush_idle(struct lg_windows *ws, struct lg_endpoint *ep)
{
    lg_time w = ep->watermark > ep->bus ? ep->watermark : ep->bus + 1;
    int r;

    if (ep->slices.n == 0 && ep->heap.n == 0)
        return 0;
    r = lg_endpoint_advance(ws, ep, lg_endpoint_last_end(ws, ep->bus));
    if (r == 0)
        ep->watermark = w;
    return r;
}

/* Sources that are silent at `bus` leave the minimum, one time-out after the other. 1 where
 * something changed. */
static int expire(struct lg_windows *ws, struct lg_endpoint *ep, lg_time bus)
{
    int changed = 0, r;

    for (lg_time t = next_idle(ws, ep); t <= bus; t = next_idle(ws, ep)) {
        lg_time w;

        for (uint32_t i = 0; i < ep->live->sources.n; i++)
            if (ep->live->sources.v[i].bus + ws->opt.idle_timeout_ns == t)
                ep->live->sources.v[i].live = false;
        w = lg_live_watermark(ep, ws->opt.lateness_ns);
        r = w == INT64_MIN ? flush_idle(ws, ep) : lg_endpoint_advance(ws, ep, w);
        if (r < 0)
            return r;
        changed = 1;
    }
    return changed;
}

static lg_time bus_of(const struct lg_windows *ws, const struct lg_endpoint *ep)
{
    return ws->live->bus > ep->live->bus ? ws->live->bus : ep->live->bus;
}

/* Those whose time may have come; `next` is the first offset that a replay would need. */
static int fire(struct lg_windows *ws, uint64_t next)
{
    struct lg_live_part *lp = ws->live;

    while (lp->timers.n > 0 && lp->timers.v[0]->live->due <= lp->bus) {
        struct lg_endpoint *ep = lp->timers.v[0];
        int r;

        if (lp->opt.busy != NULL && lp->opt.busy(lp->opt.user))
            return LG_EAGAIN;
        timer_cut(lp, ep);
        r = expire(ws, ep, bus_of(ws, ep));
        if (r > 0)
            lg_live_mark_dirty(ws, ep, next);
        if (r >= 0)
            r = lg_live_arm(ws, ep);
        if (r < 0)
            return r;
    }
    return 0;
}

static int by_last_input(const void *x, const void *y)
{
    const struct lg_endpoint *a = *(struct lg_endpoint *const *)x;
    const struct lg_endpoint *b = *(struct lg_endpoint *const *)y;

    if (a->live->bus != b->live->bus)
        return a->live->bus < b->live->bus ? -1 : 1;
    return (a->live->offset > b->live->offset) - (a->live->offset < b->live->offset);
}

/* Checkpoints come in any order; who was silent longest must be known. */
static int sort_endpoints(struct lg_windows *ws)
{
    struct lg_endpoint **all, *ep;
    size_t n = 0;

    all = lg_realloc_array(NULL, ws->st.endpoints + 1, sizeof(struct lg_endpoint *));
    if (all == NULL)
        return LG_ENOMEM;
    for (ep = ws->oldest; ep != NULL; ep = ep->newer)
        all[n++] = ep;
    qsort(all, n, sizeof(*all), by_last_input);
    for (size_t i = 0; i < n; i++) {
        all[i]->older = i > 0 ? all[i - 1] : NULL;
        all[i]->newer = i + 1 < n ? all[i + 1] : NULL;
    }
    ws->oldest = n > 0 ? all[0] : NULL;
    ws->newest = n > 0 ? all[n - 1] : NULL;
    lg_free(all);
    ws->live->unsorted = false;
    return 0;
}

/* Endpoints that nobody has heard of for long. Their windows are out, or go out now. */
static int forget_old(struct lg_windows *ws)
{
    while (ws->live->opt.forget_ns > 0 && ws->oldest != NULL &&
            bus_of(ws, ws->oldest) - ws->oldest->live->bus >= ws->live->opt.forget_ns) {
        struct lg_endpoint *ep = ws->oldest;
        int r = expire(ws, ep, bus_of(ws, ep));

        if (r < 0)
            return r;
        lg_live_forgotten(ws, ep);
        lg_windows_forget(ws, ep);
    }
    return 0;
}

static int advance_bus(struct lg_windows *ws, lg_time bus, uint64_t next)
{
    struct lg_live_part *lp = ws->live;
    int r = 0;

    bus = time_held(bus);
    if (bus > lp->bus)
        lp->bus = bus;
    if (lp->unsorted)
        r = sort_endpoints(ws);
    if (r == 0)
        r = fire(ws, next);
    return r < 0 ? r : forget_old(ws);
}

int lg_windows_tick(struct lg_windows *ws, lg_time bus_time, uint64_t offset)
{
    return ws->live == NULL ? LG_EINVAL : advance_bus(ws, bus_time, offset);
}

lg_time lg_windows_bus_time(const struct lg_windows *ws)
{
    return ws->live != NULL ? ws->live->bus : 0;
}

void lg_windows_set_bus_time(struct lg_windows *ws, lg_time bus_time)
{
    if (ws->live != NULL && time_held(bus_time) > ws->live->bus)
        ws->live->bus = time_held(bus_time);
}

uint64_t lg_windows_active(const struct lg_windows *ws)
{
    return ws->live != NULL ? ws->live->timers.n : 0;
}

/* --- push --- */

/* The endpoint's record of the source in hand; of too many, the one silent longest gives way. */
static int find_source(struct lg_windows *ws, struct lg_endpoint *ep, uint64_t key)
{
    struct lg_live *lv = ep->live;
    size_t before = ep->acct.bytes;
    uint32_t at = 0;

    for (uint32_t i = 0; i < lv->sources.n; i++) {
        if (lv->sources.v[i].key == key) {
            lv->cur = i;
            return 0;
        }
        if (lv->sources.v[i].bus < lv->sources.v[at].bus)
            at = i;
    }
    if (lv->sources.n < LG_LIVE_MAX_SOURCES) {
        if (lg_acct_reserve(&ep->acct, &lv->sources, lv->sources.n + 1) < 0)
            return LG_ENOMEM;
        ws->endpoint_bytes += ep->acct.bytes - before;
        at = lv->sources.n++;
    }
    lv->sources.v[at] = (struct lg_live_source){.key = key};
    lv->cur = at;
    return 0;
}

static int push_new(struct lg_windows *ws, struct lg_endpoint *ep, const struct lg_event *ev)
{
    const struct lg_live_input *in = &ws->live->in;
    int r = expire(ws, ep, ep->live->bus);

    if (r >= 0)
        r = find_source(ws, ep, in->source);
    if (r < 0)
        return r;
    lg_live_count(ep, LG_LEDGER_REFUSED, in->refused);
    lg_live_count(ep, LG_LEDGER_HELD_BACK, in->held_back);
    r = lg_windows_push_to(ws, ep, ev);
    return r;
}

int lg_windows_push_live(
        struct lg_windows *ws, const struct lg_event *ev, const struct lg_live_input *in)
{
    struct lg_endpoint *ep;
    int r;

    if (ws->live == NULL || (unsigned)ev->source >= LG_SOURCE_COUNT ||
            (unsigned)ev->type >= LG_EVENT_TYPE_COUNT)
        return LG_EINVAL;
    r = advance_bus(ws, in->bus_time, in->offset);
    if (r == 0)
        r = lg_windows_endpoint(ws, ev, &ep);
    if (r < 0)
        return r;
    if (ep->live->has_offset && in->offset <= ep->live->offset)
        return 0;
    ws->live->in = *in;
    lg_live_mark_dirty(ws, ep, in->offset);
    ep->live->has_offset = true;
    ep->live->offset = in->offset;
    ep->live->bus = bus_of(ws, ep);
    r = push_new(ws, ep, ev);
    if (r < 0)
        return r;
    return lg_live_arm(ws, ep);
}
