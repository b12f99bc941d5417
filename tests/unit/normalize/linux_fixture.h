#ifndef LG_TEST_LINUX_FIXTURE_H
#define LG_TEST_LINUX_FIXTURE_H

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
#include "json/write.h"

/*
 * Records in, events kept for looking at; the records' mutations; goldens. Shared by the tests of
 * the Linux collectors.
 */
#define LX_EVENTS 4

struct lx_out {
    struct lg_normalizer *nz;
    struct lg_norm_stream *st;
    struct lg_arena strings;
    struct lg_event ev[LX_EVENTS];
    size_t events, dead, skipped;
    enum lg_dead_reason reason;
    enum lg_skip_reason skip;
    char detail[160];
};

static inline struct lg_str lx_keep(struct lx_out *o, struct lg_str s)
{
    struct lg_str copy;

    assert_int_equal(lg_arena_dup(&o->strings, s, &copy), 0);
    return copy;
}

static inline int lx_on_event(void *user, const struct lg_event *ev)
{
    struct lx_out *o = user;
    struct lg_event *e;

    assert_true(o->events < LX_EVENTS);
    e = &o->ev[o->events++];
    *e = *ev;
    e->hostname = lx_keep(o, ev->hostname);
    e->endpoint_id = lx_keep(o, ev->endpoint_id);
    e->tenant_id = lx_keep(o, ev->tenant_id);
    e->raw = lx_keep(o, ev->raw);
    for (size_t f = 0; f < LG_FIELD_COUNT; f++)
        if (lg_fields[f].type == LG_FIELD_STR && lg_event_has(ev, (enum lg_field)f))
            e->v[f].s = lx_keep(o, ev->v[f].s);
    return 0;
}

static inline int lx_on_dead(void *user, const struct lg_dead_letter *dl)
{
    struct lx_out *o = user;

    o->dead++;
    o->reason = dl->reason;
    memcpy(o->detail, dl->detail, sizeof(o->detail));
    return 0;
}

static inline int lx_on_skip(void *user, enum lg_skip_reason reason)
{
    struct lx_out *o = user;

    o->skipped++;
    o->skip = reason;
    return 0;
}

static inline struct lx_out *lx_new(const char *endpoint)
{
    const struct lg_norm_stream_options opt = {.endpoint = lg_str_z(endpoint)};
    struct lx_out *o = calloc(1, sizeof(*o));

    assert_non_null(o);
    lg_arena_init(&o->strings, 64u << 20);
    assert_int_equal(lg_normalizer_new(&o->nz), 0);
    assert_int_equal(lg_norm_stream_new(&opt, &o->st), 0);
    return o;
}

static inline void lx_free(struct lx_out *o)
{
    lg_norm_stream_free(o->st);
    lg_normalizer_free(o->nz);
    lg_arena_done(&o->strings);
    free(o);
}

static inline int lx_try(struct lx_out *o, struct lg_str record)
{
    const struct lg_norm_sink sink = {o, lx_on_event, lx_on_dead, lx_on_skip};

    o->events = o->dead = o->skipped = 0;
    lg_arena_clear(&o->strings);
    return lg_normalizer_record(o->nz, o->st, record, false, (struct lg_position){1, 0}, &sink);
}

static inline void lx_feed(struct lx_out *o, struct lg_str record)
{
    assert_int_equal(lx_try(o, record), 0);
    assert_true(o->events > 0 || o->dead + o->skipped == 1); /* nothing vanishes */
}

/* A record written with ' for ", to be readable in C. */
static inline char *lx_record(const char *text)
{
    char *p = strdup(text);

    assert_non_null(p);
    for (char *q = p; *q != '\0'; q++)
        if (*q == '\'')
            *q = '"';
    return p;
}

static inline void lx_feed_z(struct lx_out *o, const char *text)
{
    char *record = lx_record(text);

    lx_feed(o, lg_str_z(record));
    free(record);
}

/* A field as text: numbers in decimal, times in nanoseconds; false where unset. */
static inline bool lx_text(const struct lg_event *ev, enum lg_field f, char *out, size_t n)
{
    struct lg_str s;

    out[0] = '\0';
    if (!lg_event_has(ev, f))
        return false;
    switch (lg_fields[f].type) {
    case LG_FIELD_STR:
        s = ev->v[f].s;
        (void)snprintf(out, n, "%.*s", (int)s.n, s.p);
        break;
    case LG_FIELD_U64:
        (void)snprintf(out, n, "%llu", (unsigned long long)ev->v[f].u);
        break;
    case LG_FIELD_BOOL:
        (void)snprintf(out, n, "%s", ev->v[f].b ? "true" : "false");
        break;
    default:
        (void)snprintf(out, n, "%lld", (long long)ev->v[f].i);
        break;
    }
    return true;
}

/* wants: "field=value" or "!field", up to NULL. */
static inline void lx_want(
        const struct lx_out *o, size_t i, enum lg_event_type type, const char *const *wants)
{
    char got[4096];

    if (o->events <= i)
        fail_msg("%zu events, %zu dead letters (%s: %s), %zu skipped", o->events, o->dead,
                o->dead > 0 ? lg_dead_reason_name(o->reason) : "", o->detail, o->skipped);
    assert_string_equal(lg_event_type_name(o->ev[i].type), lg_event_type_name(type));
    for (; *wants != NULL; wants++) {
        const char *w = *wants;
        bool absent = w[0] == '!';
        size_t n = strcspn(w + absent, "=");
        enum lg_field f;
        bool has;

        if (lg_field_parse(lg_str_of(w + absent, n), &f) < 0)
            fail_msg("no field %s", w);
        has = lx_text(&o->ev[i], f, got, sizeof(got));
        if (absent && has)
            fail_msg("%s is set: %s", w + 1, got);
        if (!absent && (!has || strcmp(got, w + n + 1) != 0))
            fail_msg("wanted %s, got %s", w, has ? got : "nothing");
    }
}
#define WANT(o, i, type, ...)                                                                      \
    lx_want((o), (i), LG_EVENT_##type, (const char *const[]){__VA_ARGS__, NULL})
#define EVENT(o, record, type, ...)                                                                \
    do {                                                                                           \
        lx_feed_z((o), (record));                                                                  \
        if ((o)->events != 1)                                                                      \
            fail_msg("%zu events, %zu dead (%s: %s), %zu skipped", (o)->events, (o)->dead,         \
                    (o)->dead > 0 ? lg_dead_reason_name((o)->reason) : "", (o)->detail,            \
                    (o)->skipped);                                                                 \
        WANT((o), 0, type, __VA_ARGS__);                                                           \
    } while (0)
#define DEAD(o, record, reason_)                                                                   \
    do {                                                                                           \
        lx_feed_z((o), (record));                                                                  \
        assert_int_equal((o)->events, 0);                                                          \
        assert_int_equal((o)->dead, 1);                                                            \
        assert_string_equal(lg_dead_reason_name((o)->reason), reason_);                            \
    } while (0)
#define SKIP(o, record, reason_)                                                                   \
    do {                                                                                           \
        lx_feed_z((o), (record));                                                                  \
        assert_int_equal((o)->events + (o)->dead, 0);                                              \
        assert_int_equal((o)->skipped, 1);                                                         \
        assert_string_equal(lg_skip_reason_name((o)->skip), reason_);                              \
    } while (0)

/* ---- mutation: each member dropped, retyped, cut short ---- */

enum lx_op { OP_DROP, OP_NULL, OP_NUMBER, OP_NEGATIVE, OP_TEXT, OP_LIST, OP_OBJECT, OP_HALF, OP_N };

struct lx_mutation {
    struct lg_jw w;
    size_t at, target;
    enum lx_op op;
    char path[256]; /* of the mutated member; empty when the target is past the last */
};

static inline void lx_copy(struct lx_mutation *m, struct lg_jval v, const char *path);

static inline void lx_mutated(struct lx_mutation *m, struct lg_jval v)
{
    struct lg_str s;

    switch (m->op) {
    case OP_NUMBER:
        lg_jw_u64(&m->w, 7);
        break;
    case OP_NEGATIVE:
        lg_jw_i64(&m->w, -7000000000000000000);
        break;
    case OP_TEXT:
        lg_jw_str(&m->w, LG_STR("mutated"));
        break;
    case OP_LIST:
        lg_jw_array(&m->w);
        lg_jw_array_end(&m->w);
        break;
    case OP_OBJECT:
        lg_jw_object(&m->w);
        lg_jw_object_end(&m->w);
        break;
    case OP_HALF:
        s = lg_jval_type(v) == LG_JSON_STRING ? lg_jval_str(v) : LG_STR("");
        lg_jw_str(&m->w, lg_str_sub(s, 0, s.n / 2));
        break;
    default:
        lg_jw_null(&m->w);
        break;
    }
}

static inline void lx_copy_member(
        struct lx_mutation *m, struct lg_str key, struct lg_jval v, const char *path)
{
    char below[256];
    bool hit = m->at++ == m->target;

    (void)snprintf(
            below, sizeof(below), "%s%s%.*s", path, path[0] != '\0' ? "/" : "", (int)key.n, key.p);
    if (hit)
        memcpy(m->path, below, sizeof(m->path));
    if (hit && m->op == OP_DROP)
        return;
    lg_jw_key(&m->w, key);
    if (hit)
        lx_mutated(m, v);
    else
        lx_copy(m, v, below);
}

static inline void lx_copy(struct lx_mutation *m, struct lg_jval v, const char *path)
{
    struct lg_jiter it;
    struct lg_str key;
    struct lg_jval item;

    switch (lg_jval_type(v)) {
    case LG_JSON_OBJECT:
        lg_jw_object(&m->w);
        for (it = lg_jiter_of(v); lg_jiter_member(&it, &key, &item);)
            lx_copy_member(m, key, item, path);
        lg_jw_object_end(&m->w);
        break;
    case LG_JSON_ARRAY:
        lg_jw_array(&m->w);
        for (it = lg_jiter_of(v); lg_jiter_item(&it, &item);)
            lx_copy(m, item, path);
        lg_jw_array_end(&m->w);
        break;
    case LG_JSON_STRING:
        lg_jw_str(&m->w, lg_jval_str(v));
        break;
    case LG_JSON_I64:
        lg_jw_i64(&m->w, lg_jval_i64(v));
        break;
    case LG_JSON_U64:
        lg_jw_u64(&m->w, lg_jval_u64(v));
        break;
    case LG_JSON_DOUBLE:
        lg_jw_double(&m->w, lg_jval_double(v));
        break;
    case LG_JSON_BOOL:
        lg_jw_bool(&m->w, lg_jval_bool(v));
        break;
    default:
        lg_jw_null(&m->w);
        break;
    }
}

/* Which fields a member of the record may change: {"proc/exe", "image command_line"}. "*" stands
 * for the members that decide what the record is. A member without a row may change nothing. */
struct lx_effect {
    const char *path;
    const char *fields;
};

static inline bool lx_listed(const char *fields, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = fields; (p = strstr(p, name)) != NULL; p += n)
        if ((p == fields || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' '))
            return true;
    return false;
}

static inline const char *lx_effect_of(const struct lx_effect *effects, const char *path)
{
    for (; effects->path != NULL; effects++)
        if (strcmp(effects->path, path) == 0)
            return effects->fields;
    return "";
}

static inline void lx_compare(const struct lx_out *base, const struct lx_out *got,
        const struct lx_effect *effects, const struct lx_mutation *m)
{
    const char *may = lx_effect_of(effects, m->path);
    char a[8192], b[8192];

    if (strcmp(may, "*") == 0)
        return;
    if (got->events != base->events)
        fail_msg("%s (op %d): %zu events, not %zu; %s", m->path, (int)m->op, got->events,
                base->events, got->dead > 0 ? got->detail : "");
    for (size_t i = 0; i < base->events; i++) {
        const struct lg_event *x = &base->ev[i], *y = &got->ev[i];

        if ((x->type != y->type || x->source != y->source) && !lx_listed(may, "type"))
            fail_msg("%s (op %d) changed the type", m->path, (int)m->op);
        if (x->time_ns != y->time_ns)
            fail_msg("%s (op %d) changed the time", m->path, (int)m->op);
        if (!lg_str_eq(x->hostname, y->hostname))
            fail_msg("%s (op %d) changed the host", m->path, (int)m->op);
        for (size_t f = 0; f < LG_FIELD_COUNT; f++) {
            bool has_x = lx_text(x, (enum lg_field)f, a, sizeof(a));
            bool has_y = lx_text(y, (enum lg_field)f, b, sizeof(b));

            if ((has_x != has_y || strcmp(a, b) != 0) && !lx_listed(may, lg_fields[f].name))
                fail_msg("%s (op %d) changed %s from %s to %s", m->path, (int)m->op,
                        lg_fields[f].name, has_x ? a : "nothing", has_y ? b : "nothing");
        }
    }
}

/* Every member of `text`, mutated in every way. Returns how many mutations were tried. */
static inline size_t lx_mutate(
        const char *endpoint, const char *text, const struct lx_effect *effects)
{
    struct lx_out *base = lx_new(endpoint), *got = lx_new(endpoint);
    char *record = lx_record(text);
    struct lg_json *json;
    struct lg_jval root;
    struct lg_buf buf;
    size_t tried = 0;

    lg_buf_init(&buf, 1u << 20);
    assert_int_equal(lg_json_new(&json), 0);
    assert_int_equal(lg_json_parse(json, lg_str_z(record), false, &root, NULL), 0);
    lx_feed(base, lg_str_z(record));
    assert_true(base->events > 0);
    for (size_t target = 0;; target++) {
        struct lx_mutation m = {.target = target};

        for (int op = 0; op < OP_N; op++) {
            m.at = 0;
            m.op = (enum lx_op)op;
            m.path[0] = '\0';
            lg_buf_clear(&buf);
            lg_jw_init(&m.w, &buf);
            lx_copy(&m, root, "");
            assert_int_equal(buf.failed, 0);
            if (m.path[0] == '\0')
                break;
            lx_feed(got, lg_buf_str(&buf));
            lx_compare(base, got, effects, &m);
            tried++;
        }
        if (m.path[0] == '\0')
            break;
    }
    lg_json_free(json);
    lg_buf_done(&buf);
    lx_free(base);
    lx_free(got);
    free(record);
    return tried;
}

/* Cut at every byte, and with every allocation failing in turn: whole events or none. */
static inline void lx_torture(const char *endpoint, const char *text)
{
    struct lx_out *base = lx_new(endpoint);
    char *record = lx_record(text);
    size_t n = strlen(record);
    bool whole = false;

    lx_feed(base, lg_str_of(record, n));
    assert_true(base->events > 0);
    for (size_t cut = 1; cut < n; cut++) {
        assert_int_equal(lx_try(base, lg_str_of(record, cut)), 0);
        assert_int_equal(base->events, 0); /* half an object is no JSON */
        assert_int_equal(base->dead, 1);
    }
    lx_feed(base, lg_str_of(record, n));
    for (uint64_t nth = 1; !whole && nth < 500; nth++) {
        struct lx_out *o = lx_new(endpoint);
        struct lg_str kept = LG_STR("");
        int rc;

        /* the copies that the test keeps are not what is to fail */
        assert_int_equal(lg_arena_dup(&o->strings, LG_STR("warm up"), &kept), 0);
        (void)lg_mem_fail_from(nth);
        rc = lx_try(o, lg_str_of(record, n));
        whole = lg_mem_fail_from(0) < nth;
        if (rc == 0 && o->events > 0 && o->dead == 0) {
            assert_int_equal(o->events, base->events);
            for (size_t i = 0; i < o->events; i++)
                for (size_t f = 0; f < LG_FIELD_COUNT; f++)
                    assert_int_equal(lg_event_has(&o->ev[i], (enum lg_field)f),
                            lg_event_has(&base->ev[i], (enum lg_field)f));
        } else if (rc == 0) {
            assert_true(o->dead > 0);
            assert_string_equal(lg_dead_reason_name(o->reason), "out_of_memory");
        }
        lx_free(o);
    }
    assert_true(whole);
    lx_free(base);
    free(record);
}

/* ---- goldens: <file>.ndjson against <file>.expected, one line an outcome ---- */

static inline int lx_golden_event(void *user, const struct lg_event *ev)
{
    struct lg_event e = *ev;

    e.raw = LG_STR("null"); /* the record is in the input */
    e.raw_kind = LG_RAW_JSON;
    lg_event_write(&e, user);
    lg_buf_addc(user, '\n');
    return 0;
}

static inline int lx_golden_dead(void *user, const struct lg_dead_letter *dl)
{
    lg_buf_printf(user, "dead %s: %s\n", lg_dead_reason_name(dl->reason), dl->detail);
    return 0;
}

static inline int lx_golden_skip(void *user, enum lg_skip_reason reason)
{
    lg_buf_printf(user, "skipped %s\n", lg_skip_reason_name(reason));
    return 0;
}

static inline void lx_read_file(const char *path, struct lg_buf *out)
{
    FILE *f = fopen(path, "rb");
    char chunk[4096];
    size_t n;

    if (f == NULL)
        fail_msg("cannot open %s", path);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        lg_buf_add(out, chunk, n);
    (void)fclose(f);
    assert_int_equal(out->failed, 0);
}

/* UPDATE_GOLDEN=1 writes the expected file anew: read the diff. */
static inline void lx_golden(const char *name, const char *endpoint)
{
    struct lg_buf in, out, want;
    const struct lg_norm_sink sink = {&out, lx_golden_event, lx_golden_dead, lx_golden_skip};
    struct lx_out *o = lx_new(endpoint);
    struct lg_position pos = {0, 0};
    struct lg_str rest, line;
    char path[4096];

    lg_buf_init(&in, 8u << 20);
    lg_buf_init(&out, 8u << 20);
    lg_buf_init(&want, 8u << 20);
    (void)snprintf(path, sizeof(path), "%s/tests/data/ebpf/%s.ndjson", LG_SOURCE_DIR, name);
    lx_read_file(path, &in);
    rest = lg_buf_str(&in);
    while (lg_str_split(&rest, '\n', &line)) {
        if (line.n == 0)
            continue;
        pos.line++;
        assert_int_equal(lg_normalizer_record(o->nz, o->st, line, false, pos, &sink), 0);
    }
    assert_int_equal(out.failed, 0);
    assert_true(out.n > 0);
    (void)snprintf(path, sizeof(path), "%s/tests/data/ebpf/%s.expected", LG_SOURCE_DIR, name);
    if (getenv("UPDATE_GOLDEN") != NULL) {
        FILE *f = fopen(path, "wb");

        assert_non_null(f);
        assert_int_equal(fwrite(out.p, 1, out.n, f), out.n);
        assert_int_equal(fclose(f), 0);
    }
    lx_read_file(path, &want);
    for (size_t i = 0, from = 0; i < out.n && i < want.n; i++) {
        if (out.p[i] == '\n')
            from = i + 1;
        if (out.p[i] != want.p[i])
            fail_msg("%s differs at %zu: ...%.*s", path, i,
                    (int)(out.n - from < 600 ? out.n - from : 600), out.p + from);
    }
    assert_int_equal(out.n, want.n);
    lg_buf_done(&in);
    lg_buf_done(&out);
    lg_buf_done(&want);
    lx_free(o);
}

#endif
