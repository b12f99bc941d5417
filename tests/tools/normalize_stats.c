/*
 * What becomes of recorded telemetry: reads each file as the program does (framing, header offset)
 * and prints one JSON object a file: for each format the records seen, those that became events,
 * the events by type, records skipped and dead letters by reason, and how much of a record is read.
 * scripts/formats.py makes the figures of docs/formats.md of it.
 *
 *     normalize_stats [-e ENDPOINT] [-d DEAD-LETTERS] [-s N] FILE...
 *
 *   -e   host of records that name none
 *   -d   write the dead letters there, one JSON object a line
 *   -s   look closely at one in N records that became events (97)
 *
 * How much of a record is read: each of its parts that says something (not null, empty or "-") is
 * left out in turn, and the part counts as read where the event is then another one. Parts are the
 * members of a JSON record (of Windows events only those of the event data; the rendered message
 * is left out from the start, since it stands in for missing data), the <Data> of
 * event XML, the lines of Splunk's text and the fields of audit records; a sample of the records.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "capture/capture.h"
#include "event/codec.h"
#include "normalize/dead_letter.h"
#include "json/write.h"

#define MAX_FORMATS 64
#define MAX_PIECES 4096
#define SAMPLE_EVERY "97" /* a prime, so that no rhythm of the data is met */
#define SAMPLE_MAX 100    /* of one format in one file */
#define OUT_BYTES ((size_t)64 << 20)

struct figures {
    uint64_t records, used, events, accounted;
    uint64_t types[LG_EVENT_TYPE_COUNT];
    uint64_t skipped[LG_SKIP_REASON_COUNT];
    uint64_t dead[LG_DEAD_REASON_COUNT];
    uint64_t parts, read, samples, turns;
};

struct tool {
    struct lg_normalizer *nz, *probe_nz;
    struct lg_json *json;
    struct lg_norm_stream_options options; /* of the file at hand */
    struct figures by_format[MAX_FORMATS];
    uint64_t sample_every;
    size_t current; /* format of the record at hand */
    bool outcome;   /* it gave an event, a dead letter or a skip */
    struct lg_buf dead;
    FILE *dead_file;
};

static const struct lg_format *format_at(size_t i)
{
    return lg_format_all()[i];
}

/* Its place in lg_format_all; past the last for none. */
static size_t format_number(struct lg_str name)
{
    size_t i = 0;

    while (format_at(i) != NULL && !lg_str_eq(lg_str_z(lg_format_name(format_at(i))), name))
        i++;
    return i;
}

/* ---- which members are read ---- */

struct leaver {
    size_t target, seen; /* target SIZE_MAX: nothing */
    bool no_message;
    bool flat;      /* the header stands beside the event data */
    bool counts;    /* the member left out says something */
    bool has_data;  /* the record has event data apart from its header */
    bool in_data;   /* where the writer is */
    bool from_data; /* where the member left out stood */
};

static void write_without(struct lg_jw *w, struct lg_jval v, struct leaver *l);

static bool says_something(struct lg_jval v)
{
    struct lg_str s;

    if (lg_jval_type(v) != LG_JSON_STRING)
        return lg_jval_type(v) != LG_JSON_NULL;
    s = lg_jval_str(v);
    return s.n > 0 && !lg_str_eq(s, LG_STR("-"));
}

static void write_scalar(struct lg_jw *w, struct lg_jval v)
{
    switch (lg_jval_type(v)) {
    case LG_JSON_STRING:
        lg_jw_str(w, lg_jval_str(v));
        break;
    case LG_JSON_I64:
        lg_jw_i64(w, lg_jval_i64(v));
        break;
    case LG_JSON_U64:
        lg_jw_u64(w, lg_jval_u64(v));
        break;
    case LG_JSON_DOUBLE:
        lg_jw_double(w, lg_jval_double(v));
        break;
    case LG_JSON_BOOL:
        lg_jw_bool(w, lg_jval_bool(v));
        break;
    default:
        lg_jw_null(w);
        break;
    }
}

/* What the shipper rendered from the data: an event takes from it whatever the data lack. */
static bool is_message(struct lg_str key)
{
    return lg_str_ieq(key, LG_STR("message")) || lg_str_eq(key, LG_STR("RenderedDescription"));
}

/* The header's members where header and event data stand side by side (NXLog, flat exports). */
static bool is_flat_header(struct lg_str key)
{
    static const char *const names[] = {"@timestamp", "@version", "AccountName", "AccountType",
            "ActivityID", "Category", "Channel", "Computer", "Domain", "ERROR_EVT_UNRESOLVED",
            "EventData", "EventID", "EventReceivedTime", "EventRecordID", "EventSourceName",
            "EventTime", "EventType", "EventTypeOrignal", "ExecutionProcessID", "Hostname",
            "Keywords", "Level", "Opcode", "OpcodeValue", "Provider", "ProviderGuid",
            "RecordNumber", "RelatedActivityID", "Severity", "SeverityValue", "SourceModuleName",
            "SourceModuleType", "SourceName", "Task", "ThreadID", "TimeCreated", "TimeGenerated",
            "UserID", "Version", "host", "port", "tags"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (lg_str_eq(key, lg_str_z(names[i])))
            return true;
    return false;
}

static bool is_event_data(struct lg_str key)
{
    return lg_str_eq(key, LG_STR("event_data")) || lg_str_eq(key, LG_STR("user_data"));
}

static void write_members_without(struct lg_jw *w, struct lg_jval obj, struct leaver *l)
{
    struct lg_jiter it = lg_jiter_of(obj);
    struct lg_jval val;
    struct lg_str key;

    lg_jw_object(w);
    while (lg_jiter_member(&it, &key, &val)) {
        enum lg_json_type t = lg_jval_type(val);

        if (l->no_message && is_message(key))
            continue;
        if (t != LG_JSON_OBJECT && t != LG_JSON_ARRAY && l->seen++ == l->target) {
            l->counts = says_something(val) && !(l->flat && is_flat_header(key));
            l->from_data = l->in_data;
            continue;
        }
        lg_jw_key(w, key);
        if (is_event_data(key)) {
            l->has_data = l->in_data = true;
            write_without(w, val, l);
            l->in_data = false;
            continue;
        }
        write_without(w, val, l);
    }
    lg_jw_object_end(w);
}

static void write_without(struct lg_jw *w, struct lg_jval v, struct leaver *l)
{
    struct lg_jiter it;
    struct lg_jval item;

    if (lg_jval_type(v) == LG_JSON_OBJECT) {
        write_members_without(w, v, l);
    } else if (lg_jval_type(v) == LG_JSON_ARRAY) {
        it = lg_jiter_of(v);
        lg_jw_array(w);
        while (lg_jiter_item(&it, &item))
            write_without(w, item, l);
        lg_jw_array_end(w);
    } else {
        write_scalar(w, v);
    }
}

/* The event without its bytes, and without the id where that is made of them. */
static int on_probe(void *user, const struct lg_event *ev)
{
    static struct lg_event copy;

    copy = *ev;
    copy.raw = LG_STR("{}");
    copy.raw_kind = LG_RAW_JSON;
    if ((ev->flags & LG_EVF_NO_IDENTITY) != 0)
        memset(&copy.event_id, 0, sizeof(copy.event_id));
    lg_event_write(&copy, user);
    return 0;
}

static int on_dead_probe(void *user, const struct lg_dead_letter *dl)
{
    lg_buf_adds(user, lg_str_z(lg_dead_reason_name(dl->reason)));
    return 0;
}

/* What becomes of a record, or of all lines of an audit event, by itself. */
static int probe(struct tool *t, struct lg_str record, bool lines, struct lg_buf *out)
{
    const struct lg_norm_sink sink = {out, on_probe, on_dead_probe, NULL};
    struct lg_norm_stream *st;
    struct lg_str line;
    int rc = lg_norm_stream_new(&t->options, &st);

    if (rc < 0)
        return rc;
    lg_buf_clear(out);
    if (!lines)
        rc = lg_normalizer_record(
                t->probe_nz, st, record, false, (struct lg_position){1, 0}, &sink);
    while (lines && rc == 0 && lg_str_split(&record, '\n', &line))
        rc = lg_normalizer_record(t->probe_nz, st, line, false, (struct lg_position){1, 0}, &sink);
    if (rc == 0)
        rc = lg_normalizer_flush(t->probe_nz, st, &sink);
    lg_norm_stream_free(st);
    return rc;
}

/* ---- parts of a record that is text ---- */

struct pieces {
    struct lg_str at[MAX_PIECES];
    size_t n;
};

static void add_piece(struct pieces *p, struct lg_str piece, struct lg_str value)
{
    value = lg_str_trim(value);
    if (p->n < MAX_PIECES && value.n > 0 && !lg_str_eq(value, LG_STR("-")))
        p->at[p->n++] = piece;
}

static void data_elements(struct pieces *p, struct lg_str text)
{
    static const struct lg_str end = {"</Data>", 7};
    ptrdiff_t at;

    while ((at = lg_str_find(text, LG_STR("<Data "))) >= 0) {
        struct lg_str piece;
        ptrdiff_t close, open;

        text = lg_str_sub(text, (size_t)at, text.n);
        open = lg_str_chr(text, '>');
        close = lg_str_find(text, end);
        if (open < 0 || close < open)
            return;
        piece = lg_str_sub(text, 0, (size_t)close + end.n);
        add_piece(p, piece, lg_str_sub(text, (size_t)open + 1, (size_t)close));
        text = lg_str_sub(text, piece.n, text.n);
    }
}

static void key_lines(struct pieces *p, struct lg_str text)
{
    struct lg_str line;

    while (lg_str_split(&text, '\n', &line)) {
        ptrdiff_t equals = lg_str_chr(line, '='), colon = lg_str_chr(line, ':');
        ptrdiff_t at = equals >= 0 ? equals : colon;

        if (at >= 0)
            add_piece(p, line, lg_str_sub(line, (size_t)at + 1, line.n));
    }
}

/* One "key=value" of an audit record; values in double quotes may hold spaces. */
static bool next_field(struct lg_str *s, struct lg_str *ret)
{
    bool quoted = false;
    size_t n = 0;

    while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\x1d'))
        *s = lg_str_sub(*s, 1, s->n);
    for (; n < s->n && (quoted || (s->p[n] != ' ' && s->p[n] != '\x1d')); n++)
        if (s->p[n] == '"')
            quoted = !quoted;
    *ret = lg_str_sub(*s, 0, n);
    *s = lg_str_sub(*s, n, s->n);
    return n > 0;
}

static void audit_fields(struct pieces *p, struct lg_str text)
{
    struct lg_str line, field;

    while (lg_str_split(&text, '\n', &line)) {
        ptrdiff_t head = lg_str_find(line, LG_STR("):"));

        line = lg_str_sub(line, head >= 0 ? (size_t)head + 2 : line.n, line.n);
        while (next_field(&line, &field)) {
            ptrdiff_t equals;

            if (lg_str_starts(field, LG_STR("msg='")))
                field = lg_str_sub(field, 5, field.n);
            equals = lg_str_chr(field, '=');
            if (equals > 0)
                add_piece(p, field, lg_str_sub(field, (size_t)equals + 1, field.n));
        }
    }
}

static int sample_text(struct tool *t, struct lg_str record, bool audit, struct figures *f)
{
    static struct pieces p;
    struct lg_buf whole, text, part;
    int rc;

    lg_buf_init(&whole, OUT_BYTES);
    lg_buf_init(&text, OUT_BYTES);
    lg_buf_init(&part, OUT_BYTES);
    p.n = 0;
    if (audit)
        audit_fields(&p, record);
    else if (lg_str_find(record, LG_STR("<Event")) >= 0)
        data_elements(&p, record);
    else
        key_lines(&p, record);
    rc = probe(t, record, audit, &whole);
    if (whole.n == 0 || whole.p[0] != '{')
        p.n = 0; /* no event: nothing to ask */
    else
        f->samples++;
    for (size_t i = 0; rc == 0 && i < p.n; i++) {
        size_t at = (size_t)(p.at[i].p - record.p);

        lg_buf_clear(&text);
        lg_buf_adds(&text, lg_str_sub(record, 0, at));
        lg_buf_adds(&text, lg_str_sub(record, at + p.at[i].n, record.n));
        rc = probe(t, lg_buf_str(&text), audit, &part);
        f->parts++;
        f->read += !lg_str_eq(lg_buf_str(&whole), lg_buf_str(&part));
    }
    lg_buf_done(&part);
    lg_buf_done(&text);
    lg_buf_done(&whole);
    return rc;
}

static bool is_event_text(const struct lg_buf *b)
{
    return b->n > 0 && b->p[0] == '{';
}

static int probe_without(struct tool *t, struct lg_jval root, struct leaver *l, struct lg_buf *text,
        struct lg_buf *out)
{
    struct lg_jw w;

    lg_buf_clear(text);
    lg_jw_init(&w, text);
    write_without(&w, root, l);
    return probe(t, lg_buf_str(text), false, out);
}

static bool is_flat(const struct lg_format *format)
{
    struct lg_str name = lg_str_z(lg_format_name(format));

    return lg_str_eq(name, LG_STR("nxlog")) || lg_str_starts(name, LG_STR("flat-export"));
}

static int sample_json(struct tool *t, struct lg_str record, bool flat, struct figures *f)
{
    struct lg_buf whole, text, part;
    struct leaver nothing = {.target = SIZE_MAX, .no_message = true};
    struct lg_jval root;
    size_t members = 1;
    int rc;

    if (lg_json_parse(t->json, record, false, &root, NULL) < 0)
        return 0;
    lg_buf_init(&whole, OUT_BYTES);
    lg_buf_init(&text, OUT_BYTES);
    lg_buf_init(&part, OUT_BYTES);
    rc = probe_without(t, root, &nothing, &text, &whole);
    if (rc == 0 && !is_event_text(&whole)) { /* the message is all that it says */
        nothing.no_message = false;
        rc = probe_without(t, root, &nothing, &text, &whole);
    }
    if (!is_event_text(&whole))
        members = 0;
    else
        f->samples++;
    for (size_t i = 0; rc == 0 && i < members; i++) {
        struct leaver l = {.target = i, .no_message = nothing.no_message, .flat = flat};

        rc = probe_without(t, root, &l, &text, &part);
        members = l.seen;
        if (!l.counts || l.from_data != l.has_data)
            continue;
        f->parts++;
        f->read += !lg_str_eq(lg_buf_str(&whole), lg_buf_str(&part));
    }
    lg_buf_done(&part);
    lg_buf_done(&text);
    lg_buf_done(&whole);
    return rc;
}

static bool is_turn(const struct tool *t, struct figures *f)
{
    return f->turns++ % t->sample_every == 0 && f->samples < SAMPLE_MAX;
}

/* ---- sinks ---- */

static uint64_t lines_of(struct lg_str text)
{
    struct lg_str line;
    uint64_t n = 0;

    while (lg_str_split(&text, '\n', &line))
        n++;
    return n;
}

static bool is_stateful(size_t format)
{
    return format_at(format) != NULL && lg_format_stateful(format_at(format));
}

static int on_event(void *user, const struct lg_event *ev)
{
    struct tool *t = user;
    size_t n = format_number(ev->format);
    struct figures *f = &t->by_format[n];

    f->events++;
    f->types[ev->type]++;
    if (!is_stateful(n)) {
        f->used += !t->outcome;
        t->outcome = true;
        return 0;
    }
    f->used++;
    f->accounted += lines_of(ev->raw);
    return is_turn(t, f) ? sample_text(t, ev->raw, true, f) : 0;
}

static int on_dead(void *user, const struct lg_dead_letter *dl)
{
    struct tool *t = user;
    size_t n = format_number(dl->format);
    struct figures *f = &t->by_format[n];

    f->dead[dl->reason]++;
    if (is_stateful(n))
        f->accounted += lines_of(dl->bytes);
    else
        t->outcome = true;
    if (t->dead_file == NULL)
        return 0;
    lg_buf_clear(&t->dead);
    lg_dead_letter_write(dl, &t->dead);
    lg_buf_addc(&t->dead, '\n');
    return fwrite(t->dead.p, 1, t->dead.n, t->dead_file) == t->dead.n ? 0 : LG_EIO;
}

static int on_skipped(void *user, enum lg_skip_reason reason)
{
    struct tool *t = user;

    t->by_format[t->current].skipped[reason]++;
    t->outcome = true;
    return 0;
}

/* ---- files ---- */

static int one_record(
        struct tool *t, struct lg_norm_stream *st, struct lg_str record, struct lg_position pos)
{
    const struct lg_norm_sink sink = {t, on_event, on_dead, on_skipped};
    const struct lg_format *format = lg_format_recognise(t->nz, record, true);
    struct figures *f;
    uint64_t used;
    int rc;

    t->current = format_number(lg_str_z(lg_format_name(format)));
    t->outcome = false;
    f = &t->by_format[t->current];
    f->records++;
    used = f->used;
    rc = lg_normalizer_record(t->nz, st, record, true, pos, &sink);
    f->accounted += t->outcome;
    if (rc < 0 || is_stateful(t->current) || f->used == used || !is_turn(t, f))
        return rc;
    return lg_str_starts(lg_str_trim(record), LG_STR("{"))
            ? sample_json(t, record, is_flat(format), f)
            : sample_text(t, record, false, f);
}

static int read_capture(struct tool *t, struct lg_capture *cap, struct lg_err *err)
{
    const struct lg_norm_sink sink = {t, on_event, on_dead, on_skipped};
    struct lg_capture_batch *b = NULL;
    struct lg_norm_stream *st = NULL;
    int rc = lg_capture_batch_new(&b), got = 0;

    if (rc == 0)
        rc = lg_norm_stream_new(&t->options, &st);
    while (rc == 0 && (got = lg_capture_next(cap, b, err)) > 0)
        for (size_t i = 0; rc == 0 && i < b->records.n; i++)
            rc = one_record(t, st, lg_capture_record_str(b, i), b->records.v[i].pos);
    if (rc == 0)
        rc = lg_normalizer_flush(t->nz, st, &sink);
    lg_norm_stream_free(st);
    lg_capture_batch_free(b);
    return rc < 0 ? lg_err_set(err, rc, "%s", lg_err_name(rc)) : got;
}

static void write_figures(struct lg_jw *w, const struct figures *f)
{
    lg_jw_object(w);
    LG_JW_U64(w, "records", f->records);
    LG_JW_U64(w, "accounted", f->accounted);
    LG_JW_U64(w, "used", f->used);
    LG_JW_U64(w, "events", f->events);
    lg_jw_key(w, LG_STR("types"));
    lg_jw_object(w);
    for (size_t i = 0; i < LG_EVENT_TYPE_COUNT; i++)
        if (f->types[i] > 0) {
            lg_jw_key(w, lg_str_z(lg_event_type_name((enum lg_event_type)i)));
            lg_jw_u64(w, f->types[i]);
        }
    lg_jw_object_end(w);
    lg_jw_key(w, LG_STR("skipped"));
    lg_jw_object(w);
    for (size_t i = 0; i < LG_SKIP_REASON_COUNT; i++)
        if (f->skipped[i] > 0) {
            lg_jw_key(w, lg_str_z(lg_skip_reason_name((enum lg_skip_reason)i)));
            lg_jw_u64(w, f->skipped[i]);
        }
    lg_jw_object_end(w);
    lg_jw_key(w, LG_STR("dead"));
    lg_jw_object(w);
    for (size_t i = 0; i < LG_DEAD_REASON_COUNT; i++)
        if (f->dead[i] > 0) {
            lg_jw_key(w, lg_str_z(lg_dead_reason_name((enum lg_dead_reason)i)));
            lg_jw_u64(w, f->dead[i]);
        }
    lg_jw_object_end(w);
    LG_JW_U64(w, "parts", f->parts);
    LG_JW_U64(w, "read", f->read);
    lg_jw_object_end(w);
}

static int one_file(struct tool *t, const char *path, struct lg_buf *out, struct lg_err *err)
{
    struct lg_capture *cap;
    struct lg_jw w;
    int rc = lg_capture_open(path, NULL, &cap, err);

    if (rc < 0)
        return rc;
    memset(t->by_format, 0, sizeof(t->by_format));
    t->options.input = lg_str_z(path);
    if (!lg_capture_header_offset(cap, &t->options.header_offset_ns))
        t->options.header_offset_ns = 0;
    rc = read_capture(t, cap, err);
    lg_jw_init(&w, out);
    lg_jw_object(&w);
    LG_JW_STR(&w, "file", lg_str_z(path));
    LG_JW_STR(&w, "framing", lg_str_z(lg_capture_framing(cap)));
    lg_jw_key(&w, LG_STR("formats"));
    lg_jw_object(&w);
    for (size_t i = 0; i < MAX_FORMATS; i++) {
        if (t->by_format[i].records == 0)
            continue; /* also the rows past the last format */
        lg_jw_key(&w, lg_str_z(format_at(i) != NULL ? lg_format_name(format_at(i)) : "(none)"));
        write_figures(&w, &t->by_format[i]);
    }
    lg_jw_object_end(&w);
    lg_jw_object_end(&w);
    lg_buf_addc(out, '\n');
    lg_capture_close(cap);
    return rc;
}

int main(int argc, char **argv)
{
    static struct tool t;
    struct lg_err err = {0, ""};
    struct lg_buf out;
    const char *every = SAMPLE_EVERY;
    int c, rc = 0;

    while ((c = getopt(argc, argv, "e:d:s:")) != -1) {
        if (c == 'e')
            t.options.endpoint = lg_str_z(optarg);
        else if (c == 'd')
            t.dead_file = fopen(optarg, "we");
        else if (c == 's')
            every = optarg;
        else
            return 2;
        if (c == 'd' && t.dead_file == NULL) {
            perror(optarg);
            return 2;
        }
    }
    if (lg_parse_u64(lg_str_z(every), &t.sample_every) < 0 || t.sample_every == 0) {
        (void)fputs("normalize_stats: -s takes a number above 0\n", stderr);
        return 2;
    }
    lg_buf_init(&t.dead, OUT_BYTES);
    lg_buf_init(&out, OUT_BYTES);
    if (lg_normalizer_new(&t.nz) < 0 || lg_normalizer_new(&t.probe_nz) < 0 ||
            lg_json_new(&t.json) < 0)
        return 2;
    for (; rc == 0 && optind < argc; optind++) {
        lg_buf_clear(&out);
        rc = one_file(&t, argv[optind], &out, &err);
        if (rc < 0)
            (void)fprintf(stderr, "%s: %s\n", argv[optind], err.text);
        else if (fwrite(out.p, 1, out.n, stdout) != out.n)
            rc = LG_EIO;
    }
    if (t.dead_file != NULL && fclose(t.dead_file) != 0)
        rc = LG_EIO;
    lg_normalizer_free(t.probe_nz);
    lg_normalizer_free(t.nz);
    lg_json_free(t.json);
    lg_buf_done(&t.dead);
    lg_buf_done(&out);
    return rc < 0 ? 1 : 0;
}
