#ifndef LG_TESTS_BENCH_EVENT_CORPUS_H
#define LG_TESTS_BENCH_EVENT_CORPUS_H

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "capture/capture.h"
#include "event/codec.h"
#include "store/event_store.h"
#include "store_bench.h"

/* Events of a fleet, cut from recordings: what the benches of event stores write. */
struct kept {
    struct lg_event ev;
    struct lg_str json;
};
#define MAX_CAPTURES 64
#define KEEP 3000 /* events of a capture */
#define MAX_RAW 8192
struct corpus {
    struct lg_arena a;
    LG_VEC(struct kept) v;
    size_t first[MAX_CAPTURES + 1]; /* of each capture's events; the last: their end */
    unsigned captures;
};

static inline int keep_str(struct corpus *c, struct lg_str *s)
{
    return s->n == 0 ? 0 : lg_arena_dup(&c->a, *s, s);
}

static inline int on_event(void *user, const struct lg_event *ev)
{
    struct corpus *c = user;
    struct kept k = {.ev = *ev};

    if (ev->raw.n > MAX_RAW || c->v.n - c->first[c->captures] >= KEEP)
        return 0;
    must(keep_str(c, &k.ev.tenant_id), "memory");
    must(keep_str(c, &k.ev.hostname), "memory");
    must(keep_str(c, &k.ev.endpoint_id), "memory");
    must(keep_str(c, &k.ev.raw), "memory");
    must(keep_str(c, &k.ev.format), "memory");
    for (int f = 0; f < LG_FIELD_COUNT; f++)
        if (lg_event_has(ev, (enum lg_field)f) && lg_fields[f].type == LG_FIELD_STR)
            must(keep_str(c, &k.ev.v[f].s), "memory");
    return lg_vec_push(&c->v, k);
}

static inline int on_dead(void *user, const struct lg_dead_letter *dl)
{
    (void)user;
    (void)dl;
    return 0;
}

static inline void load(struct corpus *c, const char *path)
{
    const struct lg_norm_sink sink = {c, on_event, on_dead, NULL};
    struct lg_norm_stream_options opt = {.endpoint = LG_STR("host")};
    struct lg_capture_batch *b;
    struct lg_norm_stream *st;
    struct lg_normalizer *nz;
    struct lg_capture *cap;
    struct lg_err err;
    int rc = 0;

    if (c->captures == MAX_CAPTURES)
        return;
    must(lg_capture_open(path, NULL, &cap, &err), path);
    must(lg_capture_batch_new(&b), path);
    (void)lg_capture_header_offset(cap, &opt.header_offset_ns);
    must(lg_normalizer_new(&nz), path);
    must(lg_norm_stream_new(&opt, &st), path);
    while (c->v.n - c->first[c->captures] < KEEP && (rc = lg_capture_next(cap, b, &err)) == 1)
        for (size_t i = 0; i < b->records.n; i++)
            must(lg_normalizer_record(
                         nz, st, lg_capture_record_str(b, i), true, b->records.v[i].pos, &sink),
                    path);
    must(rc, path);
    must(lg_normalizer_flush(nz, st, &sink), path);
    lg_norm_stream_free(st);
    lg_normalizer_free(nz);
    lg_capture_batch_free(b);
    lg_capture_close(cap);
    if (c->v.n > c->first[c->captures])
        c->first[++c->captures] = c->v.n;
}

/* Some of the folder's captures, spread over it. */
static inline void load_folder(struct corpus *c, const char *data)
{
    char pattern[4096];
    glob_t g;

    (void)snprintf(pattern, sizeof(pattern), "%s/windows/*/*.zst", data);
    if (glob(pattern, 0, NULL, &g) != 0)
        must(LG_ENOENT, pattern);
    for (size_t i = 0; i < 40 && i < g.gl_pathc; i++)
        load(c, g.gl_pathv[i * g.gl_pathc / 40 % g.gl_pathc]);
    globfree(&g);
}

/* Event `no` of a fleet, at 25,000 events a second of event time; each host repeats one capture. The
 * line lies in the arena. */
static inline void corpus_event(const struct corpus *c, uint64_t no, unsigned endpoints,
        struct lg_arena *a, struct lg_buf *line, struct lg_event *ev, struct lg_event_put *put)
{
    unsigned host_no = (unsigned)(no % endpoints), from = host_no % c->captures;
    size_t cut = c->first[from + 1] - c->first[from];
    const struct kept *k = &c->v.v[c->first[from] + (no / endpoints + host_no) % cut];
    struct lg_str id = lg_str_of((const char *)&no, sizeof(no));
    char host[64];

    *ev = k->ev;
    (void)snprintf(host, sizeof(host), "host-%u", host_no);
    must(lg_arena_dup(a, lg_str_z(host), &ev->endpoint_id), "memory");
    ev->tenant_id = LG_STR("a");
    ev->time_ns = ev->claimed_time_ns = DAY0 + (int64_t)no * 40000;
    lg_event_make_id(ev, &id, 1);
    lg_buf_clear(line);
    lg_event_write(ev, line);
    *put = (struct lg_event_put){.ev = ev, .received_at = ev->time_ns + LG_NS_PER_SEC};
    must(lg_arena_dup(a, lg_buf_str(line), &put->json), "memory");
}

#endif
