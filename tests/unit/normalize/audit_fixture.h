#ifndef LG_TEST_AUDIT_FIXTURE_H
#define LG_TEST_AUDIT_FIXTURE_H

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
 * Lines in; what came out as text, one block an event or dead letter:
 *     process_create 1604994496.155 host=web1 id=... flags=incomplete lines=6
 *       process_id=1631
 *       ...
 *     DEAD incomplete "no SYSCALL record of serial 60" lines=1
 */
#define AUDIT_OUT 2048

struct audit_out {
    struct lg_normalizer *nz;
    struct lg_norm_stream *st;
    char *text[AUDIT_OUT];
    size_t n;
    size_t events, dead, skipped;
    size_t raw_lines; /* of everything that came out */
    bool with_ids;
    uint64_t line;
};

static inline size_t audit_lines(struct lg_str raw)
{
    size_t n = 1;

    for (size_t i = 0; i < raw.n; i++)
        n += raw.p[i] == '\n';
    return n;
}

static inline void audit_push(struct audit_out *o, struct lg_buf *b)
{
    assert_int_equal(b->failed, 0);
    assert_true(o->n < AUDIT_OUT);
    o->text[o->n] = malloc(b->n + 1);
    assert_non_null(o->text[o->n]);
    memcpy(o->text[o->n], b->p, b->n);
    o->text[o->n++][b->n] = 0;
    lg_buf_done(b);
}

static inline void audit_field(struct lg_buf *b, const struct lg_event *ev, enum lg_field f)
{
    char time[LG_TIME_EPOCH_MAX];

    lg_buf_printf(b, "  %s=", lg_fields[f].name);
    switch (lg_fields[f].type) {
    case LG_FIELD_STR:
        lg_buf_adds(b, ev->v[f].s);
        break;
    case LG_FIELD_U64:
        lg_buf_printf(b, "%llu", (unsigned long long)ev->v[f].u);
        break;
    case LG_FIELD_I64:
        lg_buf_printf(b, "%lld", (long long)ev->v[f].i);
        break;
    case LG_FIELD_BOOL:
        lg_buf_printf(b, "%s", ev->v[f].b ? "true" : "false");
        break;
    default:
        (void)lg_time_epoch(ev->v[f].i, time);
        lg_buf_printf(b, "%s", time);
        break;
    }
    lg_buf_addc(b, '\n');
}

static inline int audit_on_event(void *user, const struct lg_event *ev)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } flags[] = {
            {LG_EVF_INCOMPLETE, "incomplete"},
            {LG_EVF_TRUNCATED, "truncated"},
            {LG_EVF_TEXT_REPAIRED, "text_repaired"},
    };
    struct audit_out *o = user;
    char time[LG_TIME_EPOCH_MAX], id[LG_UUID_TEXT + 1];
    struct lg_buf b;

    o->events++;
    o->raw_lines += audit_lines(ev->raw);
    lg_buf_init(&b, 1u << 22);
    (void)lg_time_epoch(ev->time_ns, time);
    lg_buf_printf(
            &b, "%s %s host=%.*s", lg_event_type_name(ev->type), time, LG_STR_FMT(ev->hostname));
    if (o->with_ids) {
        lg_uuid_text(&ev->event_id, id);
        lg_buf_printf(&b, " id=%s", id);
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if ((ev->flags & flags[i].bit) != 0)
            lg_buf_printf(&b, " %s", flags[i].name);
    lg_buf_printf(&b, " lines=%zu\n", audit_lines(ev->raw));
    for (size_t f = 0; f < LG_FIELD_COUNT; f++)
        if (lg_event_has(ev, (enum lg_field)f))
            audit_field(&b, ev, (enum lg_field)f);
    audit_push(o, &b);
    return 0;
}

static inline int audit_on_dead(void *user, const struct lg_dead_letter *dl)
{
    struct audit_out *o = user;
    struct lg_buf b;

    o->dead++;
    o->raw_lines += audit_lines(dl->bytes);
    lg_buf_init(&b, 1u << 16);
    lg_buf_printf(&b, "DEAD %s \"%s\" lines=%zu\n", lg_dead_reason_name(dl->reason), dl->detail,
            audit_lines(dl->bytes));
    audit_push(o, &b);
    return 0;
}

static inline int audit_on_skip(void *user, enum lg_skip_reason reason)
{
    assert_int_equal(reason, LG_SKIP_END_MARK);
    ((struct audit_out *)user)->skipped++;
    return 0;
}

static inline struct lg_norm_sink audit_sink(struct audit_out *o)
{
    return (struct lg_norm_sink){o, audit_on_event, audit_on_dead, audit_on_skip};
}

static inline void audit_open(struct audit_out *o)
{
    struct lg_norm_stream_options opt = {.endpoint = LG_STR("Test1")};

    memset(o, 0, sizeof(*o));
    assert_int_equal(lg_normalizer_new(&o->nz), 0);
    assert_int_equal(lg_norm_stream_new(&opt, &o->st), 0);
}

static inline void audit_clear(struct audit_out *o)
{
    for (size_t i = 0; i < o->n; i++)
        free(o->text[i]);
    o->n = o->events = o->dead = o->skipped = o->raw_lines = 0;
}

static inline void audit_close(struct audit_out *o)
{
    audit_clear(o);
    lg_norm_stream_free(o->st);
    lg_normalizer_free(o->nz);
}

static inline void audit_line_n(struct audit_out *o, const char *line, size_t n)
{
    struct lg_norm_sink sink = audit_sink(o);
    struct lg_position pos = {++o->line, o->line * 1000};
    char *copy = malloc(n + 1); /* so that ASan sees reads past the end */

    assert_non_null(copy);
    memcpy(copy, line, n);
    assert_int_equal(lg_normalizer_record(o->nz, o->st, lg_str_of(copy, n), false, pos, &sink), 0);
    free(copy);
}

static inline void audit_line(struct audit_out *o, const char *line)
{
    audit_line_n(o, line, strlen(line));
}

static inline void audit_flush(struct audit_out *o)
{
    struct lg_norm_sink sink = audit_sink(o);

    assert_int_equal(lg_normalizer_flush(o->nz, o->st, &sink), 0);
}

/* Lines separated by \n, then the end of input. */
static inline void audit_feed(struct audit_out *o, const char *lines)
{
    while (*lines != 0) {
        size_t n = strcspn(lines, "\n");

        if (n > 0)
            audit_line_n(o, lines, n);
        lines += n + (lines[n] == '\n');
    }
    audit_flush(o);
}

/* Block i begins with `head` and holds each of the lines that follow (NULL ends them); a line
 * that begins with ! must not be there ("!  name="). */
static inline void audit_expect(struct audit_out *o, size_t i, const char *head, ...)
{
    va_list ap;
    const char *want;

    if (i >= o->n)
        fail_msg("only %zu blocks", o->n);
    if (strncmp(o->text[i], head, strlen(head)) != 0)
        fail_msg("block %zu does not begin with '%s':\n%s", i, head, o->text[i]);
    va_start(ap, head);
    while ((want = va_arg(ap, const char *)) != NULL) {
        char line[8192];

        if (want[0] == '!') {
            snprintf(line, sizeof(line), "\n  %s", want + 1);
            if (strstr(o->text[i], line) != NULL)
                fail_msg("'%s' was not expected in\n%s", want + 1, o->text[i]);
            continue;
        }
        snprintf(line, sizeof(line), "\n  %s\n", want);
        if (strstr(o->text[i], line) == NULL)
            fail_msg("no line '%s' in\n%s", want, o->text[i]);
    }
    va_end(ap);
}

static inline char *audit_read_file(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    char *p;
    long n;

    if (f == NULL)
        fail_msg("cannot open %s", path);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    n = ftell(f);
    assert_true(n >= 0);
    rewind(f);
    p = malloc((size_t)n + 1);
    assert_non_null(p);
    assert_int_equal(fread(p, 1, (size_t)n, f), n);
    p[n] = 0;
    fclose(f);
    *ret_n = (size_t)n;
    return p;
}

/*
 * Feeds a recording and compares all that comes out with <name>.expected. To make that file anew
 * after a change that was meant: LG_UPDATE_GOLDEN=1, then read the difference.
 */
static inline void audit_golden(const char *name)
{
    struct audit_out o;
    struct lg_buf all;
    char path[1024], *input, *want;
    size_t n;

    snprintf(path, sizeof(path), "%s/tests/data/audit/%s", LG_SOURCE_DIR, name);
    input = audit_read_file(path, &n);
    audit_open(&o);
    audit_feed(&o, input);
    lg_buf_init(&all, 1u << 24);
    for (size_t i = 0; i < o.n; i++)
        lg_buf_adds(&all, lg_str_z(o.text[i]));
    lg_buf_addc(&all, 0);
    assert_int_equal(all.failed, 0);
    strncat(path, ".expected", sizeof(path) - strlen(path) - 1);
    if (getenv("LG_UPDATE_GOLDEN") != NULL) {
        FILE *f = fopen(path, "wb");

        assert_non_null(f);
        assert_int_equal(fwrite(all.p, 1, all.n - 1, f), all.n - 1);
        assert_int_equal(fclose(f), 0);
    }
    want = audit_read_file(path, &n);
    assert_string_equal(all.p, want);
    free(want);
    free(input);
    lg_buf_done(&all);
    audit_close(&o);
}

#endif
