#include "graph/window.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "graph/live.h"

const struct lg_window_options lg_window_defaults = {
        .window_ns = 180 * LG_NS_PER_SEC,
        .interval_ns = 60 * LG_NS_PER_SEC,
        .lateness_ns = 30 * LG_NS_PER_SEC,
        .idle_timeout_ns = 120 * LG_NS_PER_SEC,
        .patience_ns = 30 * LG_NS_PER_SEC,
        .max_endpoint_bytes = LG_MAX_ENDPOINT_BYTES,
        .max_total_bytes = (size_t)192 << 20,
        .max_nodes = LG_MAX_GRAPH_NODES,
        .max_edges = LG_MAX_GRAPH_EDGES,
};

#define WINDOW_MAX_SLICES 1440
#define WINDOW_MAX_SHED 65536

static bool options_valid(const struct lg_window_options *o)
{
    return o->interval_ns > 0 && o->window_ns >= o->interval_ns &&
            o->window_ns % o->interval_ns == 0 &&
            o->window_ns / o->interval_ns <= WINDOW_MAX_SLICES &&
            o->window_ns <= 7 * 24 * 3600 * LG_NS_PER_SEC && o->lateness_ns >= 0 &&
            o->lateness_ns <= 7 * 24 * 3600 * LG_NS_PER_SEC && o->idle_timeout_ns > 0 &&
            o->patience_ns >= o->lateness_ns && o->patience_ns <= 7 * 24 * 3600 * LG_NS_PER_SEC;
}

int lg_windows_new(
        const struct lg_window_options *opt, lg_window_fn fn, void *user, struct lg_windows **ret)
{
    struct lg_windows *ws;

    if (!options_valid(opt))
        return LG_EINVAL;
    ws = lg_calloc(1, sizeof(*ws));
    if (ws == NULL)
        return LG_ENOMEM;
    ws->opt = *opt;
    ws->fn = fn;
    ws->user = user;
    lg_map_init(&ws->by_hash);
    lg_map_init(&ws->shed);
    lg_textcache_init(&ws->tc);
    if (lg_builder_new(&ws->bd) < 0) {
        lg_free(ws);
        return LG_ENOMEM;
    }
    *ret = ws;
    return 0;
}

static void lru_unlink(struct lg_windows *ws, struct lg_endpoint *ep)
{
    if (ep->older != NULL)
        ep->older->newer = ep->newer;
    else
        ws->oldest = ep->newer;
    if (ep->newer != NULL)
        ep->newer->older = ep->older;
    else
        ws->newest = ep->older;
    ep->older = ep->newer = NULL;
}

static void lru_append(struct lg_windows *ws, struct lg_endpoint *ep)
{
    ep->older = ws->newest;
    ep->newer = NULL;
    if (ws->newest != NULL)
        ws->newest->newer = ep;
    else
        ws->oldest = ep;
    ws->newest = ep;
}

void lg_windows_forget(struct lg_windows *ws, struct lg_endpoint *ep)
{
    uint64_t *v = lg_map_get(&ws->by_hash, ep->hash);
    struct lg_endpoint *head = v != NULL ? (struct lg_endpoint *)(uintptr_t)*v : NULL;

    if (head == ep && ep->chain == NULL) {
        (void)lg_map_del(&ws->by_hash, ep->hash);
    } else if (head == ep) {
        *v = (uint64_t)(uintptr_t)ep->chain;
    } else {
        while (head != NULL && head->chain != ep)
            head = head->chain;
        if (head != NULL)
            head->chain = ep->chain;
    }
    lru_unlink(ws, ep);
    lg_endpoint_free(ws, ep);
    ws->st.endpoints--;
}

void lg_windows_free(struct lg_windows *ws)
{
    if (ws == NULL)
        return;
    while (ws->oldest != NULL)
        lg_windows_forget(ws, ws->oldest);
    lg_map_done(&ws->by_hash);
    lg_map_done(&ws->shed);
    lg_textcache_done(&ws->tc);
    lg_builder_free(ws->bd);
    lg_live_part_free(ws->live);
    lg_free(ws);
}

int lg_windows_endpoint(struct lg_windows *ws, const struct lg_event *ev, struct lg_endpoint **ret)
{
    uint64_t hash = lg_hash_str(ev->endpoint_id, lg_hash_str(ev->tenant_id, lg_hash_secret()));
    struct lg_endpoint *head = NULL, *ep;
    uint64_t *v;
    bool is_new;
    int r;

    v = lg_map_get(&ws->by_hash, hash);
    if (v != NULL)
        head = (struct lg_endpoint *)(uintptr_t)*v;
    for (ep = head; ep != NULL; ep = ep->chain) {
        if (lg_str_eq(lg_endpoint_id(ep), ev->endpoint_id) &&
                lg_str_eq(lg_endpoint_tenant(ep), ev->tenant_id)) {
            *ret = ep;
            return 0;
        }
    }
    r = lg_endpoint_new(ws, ev, hash, &ep);
    if (r < 0)
        return r;
    v = lg_map_at(&ws->by_hash, hash, 0, &is_new);
    if (v == NULL) {
        lg_endpoint_free(ws, ep);
        return LG_ENOMEM;
    }
    ep->chain = head;
    *v = (uint64_t)(uintptr_t)ep;
    v = lg_map_get(&ws->shed, hash);
    if (v != NULL) {
        ep->closed = ep->judged = (lg_time)*v;
        (void)lg_map_del(&ws->shed, hash);
    }
    lru_append(ws, ep);
    ws->st.endpoints++;
    *ret = ep;
    return 0;
}

static size_t shared_bytes(const struct lg_windows *ws)
{
    return sizeof(*ws) + lg_builder_bytes(ws->bd) + lg_textcache_bytes(&ws->tc) +
            (ws->by_hash.cap + ws->shed.cap) * sizeof(struct lg_map_slot);
}

/* Remembers what was judged, so that an endpoint that comes back does not repeat a window. */
static void note_shed(struct lg_windows *ws, const struct lg_endpoint *ep, lg_time end)
{
    if (ws->shed.n >= WINDOW_MAX_SHED)
        lg_map_clear(&ws->shed);
    if (lg_map_put(&ws->shed, ep->hash, (uint64_t)end) < 0)
        return; /* the worst is a window that is judged twice */
}

/*
 * Over the total: endpoints that were silent longest give out their windows up to the one that
 * holds their last event, and go. Their later windows would only show the same again.
 */
static int shed(struct lg_windows *ws)
{
    while (ws->endpoint_bytes > ws->opt.max_total_bytes && ws->oldest != ws->newest) {
        struct lg_endpoint *ep = ws->oldest;
        lg_time end = ws->live != NULL ? lg_endpoint_last_end(ws, ep->bus)
                                       : (ep->bus / ws->opt.interval_ns + 1) * ws->opt.interval_ns;
        int r = lg_endpoint_advance(ws, ep, end);

        lg_live_forgotten(ws, ep);
        ws->st.early_flushes++;
        note_shed(ws, ep, end);
        lg_windows_forget(ws, ep);
        if (r < 0)
            return r;
    }
    return 0;
}

void lg_windows_next_input(struct lg_windows *ws)
{
    ws->input++;
}

/* Whether the recording goes on where the one before ended, as rotated logs do. */
static bool continues(
        const struct lg_windows *ws, const struct lg_endpoint *ep, const struct lg_event *ev)
{
    return ev->time_ns >= ep->watermark && ev->time_ns - ep->bus <= ws->opt.window_ns;
}

/* The endpoint's first event of another recording: if that is of another time, it starts anew. */
static int change_input(struct lg_windows *ws, const struct lg_event *ev, struct lg_endpoint **ep)
{
    int r;

    if (!(*ep)->started || continues(ws, *ep, ev)) {
        if (!(*ep)->started && ev->time_ns < (*ep)->closed)
            (*ep)->closed = (*ep)->judged = 0; /* what was shed was of another recording */
        (*ep)->input = ws->input;
        return 0;
    }
    r = lg_endpoint_advance(ws, *ep, INT64_MAX);
    lg_windows_forget(ws, *ep);
    if (r == 0)
        r = lg_windows_endpoint(ws, ev, ep);
    if (r == 0)
        (*ep)->input = ws->input;
    return r;
}

int lg_windows_push_to(struct lg_windows *ws, struct lg_endpoint *ep, const struct lg_event *ev)
{
    size_t bytes;
    int r;

    if (ws->newest != ep) {
        lru_unlink(ws, ep);
        lru_append(ws, ep);
    }
    ws->st.events++;
    r = lg_endpoint_push(ws, ep, ev);
    bytes = ws->endpoint_bytes + shared_bytes(ws);
    if (bytes > ws->st.peak_bytes)
        ws->st.peak_bytes = bytes;
    return r < 0 ? r : shed(ws);
}

int lg_windows_push(struct lg_windows *ws, const struct lg_event *ev)
{
    struct lg_endpoint *ep;
    int r;

    if ((unsigned)ev->source >= LG_SOURCE_COUNT || (unsigned)ev->type >= LG_EVENT_TYPE_COUNT)
        return LG_EINVAL;
    r = lg_windows_endpoint(ws, ev, &ep);
    if (r == 0 && ep->input != ws->input)
        r = change_input(ws, ev, &ep);
    if (r < 0)
        return r;
    return lg_windows_push_to(ws, ep, ev);
}

static int endpoint_order(const void *x, const void *y)
{
    const struct lg_endpoint *a = *(struct lg_endpoint *const *)x;
    const struct lg_endpoint *b = *(struct lg_endpoint *const *)y;
    int c = lg_str_cmp(lg_endpoint_tenant(a), lg_endpoint_tenant(b));

    return c != 0 ? c : lg_str_cmp(lg_endpoint_id(a), lg_endpoint_id(b));
}

int lg_windows_flush(struct lg_windows *ws)
{
    struct lg_endpoint **all, *ep;
    size_t n = 0;
    int r = 0;

    all = lg_realloc_array(
            NULL, ws->st.endpoints > 0 ? ws->st.endpoints : 1, sizeof(struct lg_endpoint *));
    if (all == NULL)
        return LG_ENOMEM;
    for (ep = ws->oldest; ep != NULL; ep = ep->newer)
        all[n++] = ep;
    qsort(all, n, sizeof(*all), endpoint_order);
    for (size_t i = 0; i < n && r == 0; i++) {
        r = lg_endpoint_advance(ws, all[i], INT64_MAX);
        lg_windows_forget(ws, all[i]);
    }
    lg_free(all);
    lg_map_clear(&ws->shed);
    return r;
}

void lg_windows_stats(const struct lg_windows *ws, struct lg_window_stats *ret)
{
    *ret = ws->st;
    ret->bytes = ws->endpoint_bytes + shared_bytes(ws);
    if (ret->peak_bytes < ret->bytes)
        ret->peak_bytes = ret->bytes;
}
