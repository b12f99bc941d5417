/* Live windows for the tests of this folder: inputs, and windows as text by their name. */
#ifndef LG_TESTS_LIVE_UTIL_H
#define LG_TESTS_LIVE_UTIL_H

#include "graph/live.h"
#include "graph_util.h"

struct rec {
    struct lg_event ev;
    struct lg_live_input in;
};

/* Windows as text by their name; the same one twice must be the same bits. */
struct found {
    LG_VEC(struct lg_buf) v; /* "tenant endpoint end\n" + graph + ledger */
    uint64_t repeated;
};

static inline int found_add(void *user, const struct lg_graph *g)
{
    struct found *f = user;
    struct lg_buf b;
    size_t name;

    lg_buf_init(&b, 64u << 20);
    lg_buf_printf(&b, "%.*s %.*s %lld\n", LG_STR_FMT(g->tenant_id), LG_STR_FMT(g->endpoint_id),
            (long long)g->end_ns);
    name = b.n;
    lg_graph_write_json(g, &b);
    for (unsigned l = 0; l < LG_LEDGER_COUNT; l++)
        lg_buf_printf(&b, " %u", g->ledger[l]);
    assert_int_equal(b.failed, 0);
    for (size_t i = 0; i < f->v.n; i++) {
        if (!lg_str_starts(lg_buf_str(&f->v.v[i]), lg_str_of(b.p, name)))
            continue;
        if (!lg_str_eq(lg_buf_str(&f->v.v[i]), lg_buf_str(&b)))
            fail_msg("a window came twice and differs:\n%.*s\n%.*s", LG_STR_FMT(lg_buf_str(&b)),
                    LG_STR_FMT(lg_buf_str(&f->v.v[i])));
        f->repeated++;
        lg_buf_done(&b);
        return 0;
    }
    assert_int_equal(lg_vec_push(&f->v, b), 0);
    return 0;
}

static inline void found_done(struct found *f)
{
    for (size_t i = 0; i < f->v.n; i++)
        lg_buf_done(&f->v.v[i]);
    lg_vec_done(&f->v);
}

static inline struct lg_windows *live_new(struct found *f)
{
    const struct lg_live_options lo = {0};
    struct lg_windows *ws;

    assert_int_equal(lg_windows_new(&lg_window_defaults, found_add, f, &ws), 0);
    assert_int_equal(lg_windows_live(ws, &lo), 0);
    return ws;
}

static inline void push(struct lg_windows *ws, const struct rec *r)
{
    assert_int_equal(lg_windows_push_live(ws, &r->ev, &r->in), 0);
}

static inline struct rec one(lg_time t, lg_time bus, uint64_t n, uint64_t source)
{
    struct rec r = {.ev = create_at(t, n, NULL, (uint32_t)(100 + n), "C:\\a.exe", "a.exe"),
            .in = {.source = source, .bus_time = bus, .offset = n}};

    return r;
}

#endif
