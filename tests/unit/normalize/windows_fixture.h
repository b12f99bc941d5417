#ifndef LG_TEST_WINDOWS_FIXTURE_H
#define LG_TEST_WINDOWS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "event/codec.h"
#include "normalize/normalize.h"

/*
 * One record in, what came out kept for looking at. The events' strings are copied, since a
 * normalizer's live until its next record only.
 */
struct win_out {
    struct lg_normalizer *nz;
    struct lg_norm_stream *st;
    struct lg_arena strings;
    struct lg_event ev; /* the last event */
    size_t events;
    size_t dead;
    enum lg_dead_reason reason; /* of the last dead letter */
    char detail[160];
};

static inline struct lg_str win_keep(struct win_out *o, struct lg_str s)
{
    struct lg_str copy;

    assert_int_equal(lg_arena_dup(&o->strings, s, &copy), 0);
    return copy;
}

static inline int win_on_event(void *user, const struct lg_event *ev)
{
    struct win_out *o = user;

    o->events++;
    o->ev = *ev;
    o->ev.hostname = win_keep(o, ev->hostname);
    o->ev.endpoint_id = win_keep(o, ev->endpoint_id);
    o->ev.tenant_id = win_keep(o, ev->tenant_id);
    o->ev.raw = win_keep(o, ev->raw);
    for (size_t f = 0; f < LG_FIELD_COUNT; f++)
        if (lg_fields[f].type == LG_FIELD_STR && lg_event_has(ev, (enum lg_field)f))
            o->ev.v[f].s = win_keep(o, ev->v[f].s);
    return 0;
}

static inline int win_on_dead(void *user, const struct lg_dead_letter *dl)
{
    struct win_out *o = user;

    o->dead++;
    o->reason = dl->reason;
    memcpy(o->detail, dl->detail, sizeof(o->detail));
    return 0;
}

static inline void win_out_init(struct win_out *o, const struct lg_norm_stream_options *opt)
{
    static const struct lg_norm_stream_options none;

    memset(o, 0, offsetof(struct win_out, ev));
    o->events = o->dead = 0;
    lg_arena_init(&o->strings, 64u << 20);
    assert_int_equal(lg_normalizer_new(&o->nz), 0);
    assert_int_equal(lg_norm_stream_new(opt != NULL ? opt : &none, &o->st), 0);
}

static inline void win_out_done(struct win_out *o)
{
    lg_norm_stream_free(o->st);
    lg_normalizer_free(o->nz);
    lg_arena_done(&o->strings);
}

/* Feeds one record; counts start anew. */
static inline void win_feed(struct win_out *o, struct lg_str record)
{
    const struct lg_norm_sink sink = {o, win_on_event, win_on_dead, NULL};

    o->events = o->dead = 0;
    lg_arena_clear(&o->strings);
    assert_int_equal(
            lg_normalizer_record(o->nz, o->st, record, false, (struct lg_position){1, 0}, &sink),
            0);
}

static inline void win_feed_z(struct win_out *o, const char *record)
{
    win_feed(o, lg_str_z(record));
}

/* One record through a stream of its own. Call win_out_done afterwards. */
static inline void win_one(
        struct win_out *o, const struct lg_norm_stream_options *opt, const char *record)
{
    win_out_init(o, opt);
    win_feed_z(o, record);
}

#define assert_event(o, type_)                                                                     \
    do {                                                                                           \
        if ((o)->events != 1 || (o)->dead != 0)                                                    \
            fail_msg("%zu events, %zu dead letters (%s: %s)", (o)->events, (o)->dead,              \
                    (o)->dead > 0 ? lg_dead_reason_name((o)->reason) : "", (o)->detail);           \
        assert_string_equal(lg_event_type_name((o)->ev.type), type_);                              \
    } while (0)
#define assert_dead(o, reason_)                                                                    \
    do {                                                                                           \
        assert_int_equal((o)->events, 0);                                                          \
        assert_int_equal((o)->dead, 1);                                                            \
        assert_string_equal(lg_dead_reason_name((o)->reason), reason_);                            \
    } while (0)

static inline void win_assert_str(const struct win_out *o, enum lg_field f, const char *want)
{
    struct lg_str s = lg_event_str(&o->ev, f);

    assert_int_equal(lg_fields[f].type, LG_FIELD_STR);
    if (!lg_event_has(&o->ev, f))
        fail_msg("%s is unset", lg_fields[f].name);
    if (!lg_str_eq(s, lg_str_z(want)))
        fail_msg("%s is \"%.*s\", not \"%s\"", lg_fields[f].name, (int)s.n, s.p, want);
}
static inline void win_assert_num(const struct win_out *o, enum lg_field f, uint64_t want)
{
    assert_int_not_equal(lg_fields[f].type, LG_FIELD_STR);
    if (!lg_event_has(&o->ev, f))
        fail_msg("%s is unset", lg_fields[f].name);
    if (lg_fields[f].type == LG_FIELD_BOOL)
        assert_int_equal(o->ev.v[f].b, want);
    else
        assert_int_equal(o->ev.v[f].u, want);
}
#define assert_field(o, f, want) win_assert_str((o), LG_F_##f, (want))
#define assert_number(o, f, want) win_assert_num((o), LG_F_##f, (want))
#define assert_unset(o, f)                                                                         \
    do {                                                                                           \
        if (lg_event_has(&(o)->ev, LG_F_##f))                                                      \
            fail_msg("%s is set", #f);                                                             \
    } while (0)

static inline lg_time win_time(const char *iso)
{
    lg_time t;

    assert_int_equal(lg_parse_time_iso(lg_str_z(iso), &t), 0);
    return t;
}
#define assert_time(o, iso) assert_int_equal((o)->ev.time_ns, win_time(iso))
#define assert_host(o, name)                                                                       \
    do {                                                                                           \
        if (!lg_str_eq((o)->ev.hostname, LG_STR(name)))                                            \
            fail_msg("host is %.*s", (int)(o)->ev.hostname.n, (o)->ev.hostname.p);                 \
    } while (0)

/* A file of tests/data/windows, NUL-terminated; free() it. */
static inline char *win_read_file(const char *name, size_t *ret_n)
{
    char path[4096];
    char *p;
    long n;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/tests/data/windows/%s", LG_SOURCE_DIR, name);
    f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("cannot open %s", path);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    n = ftell(f);
    assert_true(n >= 0);
    rewind(f);
    p = malloc((size_t)n + 1);
    assert_non_null(p);
    assert_int_equal(fread(p, 1, (size_t)n, f), n);
    p[n] = '\0';
    (void)fclose(f);
    *ret_n = (size_t)n;
    return p;
}

#endif
