/*
 * Every member of every golden record is dropped, retyped and cut in turn: no other field may
 * change, the event keeps its id, and nothing crashes. What may follow from a member is written
 * down here, apart from the table of events, where it is more than the member's own field.
 */
#include "windows_fixture.h"

#include "normalize/windows_fields.h"
#include "json/write.h"

enum change {
    DROP,
    TO_NULL,
    TO_TRUE,
    TO_NUMBER,
    TO_STRING,
    TO_EMPTY,
    TO_ARRAY,
    TO_OBJECT,
    CUT, /* a string's first half */
    CHANGES
};

struct fieldset {
    uint64_t bits[(LG_FIELD_COUNT + 63) / 64];
};

static void add(struct fieldset *s, enum lg_field f)
{
    s->bits[f / 64] |= UINT64_C(1) << (f % 64);
}

static bool has(const struct fieldset *s, enum lg_field f)
{
    return (s->bits[f / 64] >> (f % 64) & 1) != 0;
}

static bool is_one_of(struct lg_str s, const char *const *names)
{
    for (; *names != NULL; names++)
        if (lg_str_eq(s, lg_str_z(*names)))
            return true;
    return false;
}

/* ---- what a member may change ---- */

static const char *const time_keys[] = {"@timestamp", "EventTime", "EventReceivedTime",
        "TimeCreated", "TimeGenerated", "UtcTime", NULL};
static const char *const host_keys[] = {"computer_name", "Hostname", "Computer", NULL};
static const char *const code_keys[] = {"event_id", "EventID", "EventId", NULL};
static const char *const id_keys[] = {
        "record_id", "record_number", "RecordNumber", "EventRecordID", "EventRecordId", NULL};
static const char *const channel_keys[] = {"channel", "log_name", "Channel", "EventLog", NULL};
static const char *const provider_keys[] = {"provider_name", "source_name", "SourceName",
        "Provider", "Source", "EventSourceName", NULL};
static const char *const account_keys[] = {
        "identifier", "name", "domain", "AccountName", "Domain", "UserID", NULL};
static const char *const writer_keys[] = {"pid", "id", "process_id", "thread_id", "ProcessID",
        "ExecutionProcessID", "ThreadID", NULL};
static const char *const message_keys[] = {"message", "Message", "RenderedDescription", NULL};
/* Members that a format is told by, and those that hold the event in another form. */
static const char *const format_keys[] = {
        "SourceModuleType", "TenantId", "SyslogMessage", "EventData", "EventRecordID", NULL};

static void add_row(struct fieldset *s, const struct lg_win_row *row)
{
    static const enum lg_field context[] = {LG_F_HOST_APPLICATION, LG_F_ENGINE_VERSION,
            LG_F_COMMAND_NAME, LG_F_SCRIPT_PATH, LG_F_USER, LG_F_COMMAND_LINE};

    add(s, row->field);
    switch (row->conv) {
    case LG_WC_HASHES:
        add(s, LG_F_MD5);
        add(s, LG_F_SHA1);
        add(s, LG_F_SHA256);
        add(s, LG_F_IMPHASH);
        break;
    case LG_WC_CONTEXT:
    case LG_WC_CONTEXT_TOO:
        for (size_t i = 0; i < sizeof(context) / sizeof(context[0]); i++)
            add(s, context[i]);
        break;
    case LG_WC_COMMANDS:
        add(s, LG_F_COMMAND_NAME);
        break;
    default:
        break;
    }
}

static void add_account(struct fieldset *s)
{
    add(s, LG_F_USER);
    add(s, LG_F_USER_SID);
    add(s, LG_F_LOGON_ID);
}

/* Whether any object of the record has this key. */
static bool mentions(struct lg_jval v, const char *name)
{
    struct lg_jiter it;
    struct lg_jval val;
    struct lg_str key;

    if (lg_jval_type(v) != LG_JSON_OBJECT)
        return false;
    it = lg_jiter_of(v);
    while (lg_jiter_member(&it, &key, &val))
        if (lg_str_eq(key, lg_str_z(name)) || mentions(val, name))
            return true;
    return false;
}

static struct fieldset may_change(
        const struct lg_win_event *def, struct lg_str key, struct lg_jval root)
{
    int k = lg_win_key_of(key);
    bool message = is_one_of(key, message_keys);
    struct fieldset s = {{0}};
    size_t data_members = 0;

    for (size_t i = 0; i < def->n_rows; i++)
        data_members += mentions(root, lg_win_key_name(def->rows[i].key));
    for (size_t i = 0; i < def->n_rows; i++) {
        const struct lg_win_row *row = &def->rows[i];
        bool asked = (row->flags & LG_WR_ASK) != 0;

        /* 104's Channel, 7045's AccountName, Sysmon's EventType: present, but as the header's */
        bool header = row->key == LG_WK_Channel || row->key == LG_WK_AccountName ||
                row->key == LG_WK_EventType || row->key == LG_WK_ProcessID;
        bool present = mentions(root, lg_win_key_name(row->key)) && !header;

        if (row->key == k || (message && (asked || data_members <= 1) && !present) ||
                (data_members == 1 && k >= 0 && mentions(root, "Message")))
            add_row(&s, row);
    }
    if (def->user == LG_WU_SUBJECT || def->user == LG_WU_CREATED) {
        if (lg_str_starts(key, LG_STR("Subject")) || message)
            add_account(&s);
        if (def->user == LG_WU_CREATED && lg_str_starts(key, LG_STR("Target")))
            add_account(&s);
    }
    if (def->user == LG_WU_HEADER && is_one_of(key, account_keys))
        add_account(&s);
    if ((def->flags & LG_WE_IN_PROCESS) != 0 && is_one_of(key, writer_keys)) {
        add(&s, LG_F_PROCESS_ID);
        add(&s, LG_F_THREAD_ID);
    }
    return s;
}

static bool may_kill(const struct lg_win_event *def, struct lg_str key)
{
    int k = lg_win_key_of(key);

    if (is_one_of(key, time_keys) || is_one_of(key, host_keys) || is_one_of(key, code_keys) ||
            is_one_of(key, channel_keys) || is_one_of(key, provider_keys) ||
            is_one_of(key, format_keys))
        return true;
    for (size_t i = 0; i < def->n_rows; i++)
        if (def->rows[i].key == k &&
                ((def->rows[i].flags & LG_WR_NEED) != 0 || (def->flags & LG_WE_ACTOR) != 0))
            return true;
    return is_one_of(key, message_keys);
}

/* ---- mutants ---- */

struct mutator {
    size_t target; /* member number */
    size_t seen;
    enum change change;
    struct lg_str key; /* of the target, set while writing */
    bool applies;
};

static void write_value(struct lg_jw *w, struct lg_jval v, struct mutator *m);

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

static void write_changed(struct lg_jw *w, struct lg_jval v, struct mutator *m)
{
    struct lg_str s;

    m->applies = true;
    switch (m->change) {
    case TO_NULL:
        lg_jw_null(w);
        break;
    case TO_TRUE:
        lg_jw_bool(w, true);
        break;
    case TO_NUMBER:
        lg_jw_i64(w, -7);
        break;
    case TO_STRING:
        lg_jw_str(w, LG_STR("\xe2\x82\xac zzz"));
        break;
    case TO_EMPTY:
        lg_jw_str(w, LG_STR(""));
        break;
    case TO_ARRAY:
        lg_jw_array(w);
        lg_jw_str(w, LG_STR("x"));
        lg_jw_array_end(w);
        break;
    case TO_OBJECT:
        lg_jw_object(w);
        lg_jw_object_end(w);
        break;
    default:
        m->applies = lg_jval_type(v) == LG_JSON_STRING && lg_jval_str(v).n > 1;
        if (m->applies) {
            s = lg_jval_str(v);
            lg_jw_str(w, lg_str_sub(s, 0, s.n / 2));
        } else
            lg_jw_null(w);
        break;
    }
}

static void write_object(struct lg_jw *w, struct lg_jval v, struct mutator *m)
{
    struct lg_jiter it = lg_jiter_of(v);
    struct lg_jval val;
    struct lg_str key;

    lg_jw_object(w);
    while (lg_jiter_member(&it, &key, &val)) {
        bool leaf = lg_jval_type(val) != LG_JSON_OBJECT;
        bool hit = leaf && m->seen++ == m->target;

        if (hit) {
            m->key = key;
            m->applies = true;
            if (m->change == DROP)
                continue;
        }
        lg_jw_key(w, key);
        if (hit)
            write_changed(w, val, m);
        else
            write_value(w, val, m);
    }
    lg_jw_object_end(w);
}

static void write_value(struct lg_jw *w, struct lg_jval v, struct mutator *m)
{
    struct lg_jiter it;
    struct lg_jval item;

    if (lg_jval_type(v) == LG_JSON_OBJECT) {
        write_object(w, v, m);
    } else if (lg_jval_type(v) == LG_JSON_ARRAY) {
        it = lg_jiter_of(v);
        lg_jw_array(w);
        while (lg_jiter_item(&it, &item))
            write_value(w, item, m);
        lg_jw_array_end(w);
    } else {
        write_scalar(w, v);
    }
}

/* ---- comparing ---- */

static bool same_value(const struct lg_event *a, const struct lg_event *b, enum lg_field f)
{
    if (lg_event_has(a, f) != lg_event_has(b, f))
        return false;
    if (!lg_event_has(a, f))
        return true;
    if (lg_fields[f].type == LG_FIELD_STR)
        return lg_str_eq(a->v[f].s, b->v[f].s);
    if (lg_fields[f].type == LG_FIELD_BOOL)
        return a->v[f].b == b->v[f].b;
    return a->v[f].u == b->v[f].u;
}

struct check {
    const char *file;
    size_t line;
    const struct lg_win_event *def;
    const struct lg_event *base;
    struct lg_jval root;
    size_t mutants;
};

#define complain(c, m, what)                                                                       \
    fail_msg("%s:%zu: %s of %.*s: %s", (c)->file, (c)->line, change_names[(m)->change],            \
            (int)(m)->key.n, (m)->key.p, what)
static const char *const change_names[] = {
        "drop", "null", "true", "number", "string", "empty", "array", "object", "cut"};

static void compare(const struct check *c, const struct mutator *m, const struct win_out *o)
{
    const struct lg_event *a = c->base, *b = &o->ev;
    struct fieldset allowed = may_change(c->def, m->key, c->root);
    bool time = is_one_of(m->key, time_keys);
    bool host = is_one_of(m->key, host_keys);

    if (a->source != b->source || a->type != b->type || a->code != b->code ||
            a->platform != b->platform)
        complain(c, m, "another event");
    if (!time && a->time_ns != b->time_ns)
        complain(c, m, "time");
    if (!host &&
            (!lg_str_eq(a->hostname, b->hostname) || !lg_str_eq(a->endpoint_id, b->endpoint_id)))
        complain(c, m, "host");
    if (!time && !host && !is_one_of(m->key, id_keys) && !is_one_of(m->key, channel_keys) &&
            (a->flags & LG_EVF_NO_IDENTITY) == 0 &&
            memcmp(&a->event_id, &b->event_id, sizeof(a->event_id)) != 0)
        complain(c, m, "event_id");
    for (int f = 0; f < LG_FIELD_COUNT; f++)
        if (!same_value(a, b, (enum lg_field)f) && !has(&allowed, (enum lg_field)f))
            complain(c, m, lg_fields[f].name);
}

static void mutate_record(struct win_out *o, struct check *c, struct lg_buf *text)
{
    struct mutator m = {0};
    struct lg_jw w;
    size_t members;

    lg_buf_clear(text);
    lg_jw_init(&w, text);
    m.target = SIZE_MAX;
    write_value(&w, c->root, &m);
    members = m.seen;
    assert_true(members > 3);
    for (size_t i = 0; i < members; i++)
        for (int change = 0; change < CHANGES; change++) {
            m = (struct mutator){.target = i, .change = (enum change)change};
            lg_buf_clear(text);
            lg_jw_init(&w, text);
            write_value(&w, c->root, &m);
            assert_int_equal(text->failed, 0);
            if (!m.applies)
                continue;
            win_feed(o, lg_buf_str(text));
            c->mutants++;
            assert_int_equal(o->events + o->dead, 1);
            if (is_one_of(m.key, code_keys) || is_one_of(m.key, format_keys))
                continue; /* another event, or another format */
            if (o->dead > 0 && !may_kill(c->def, m.key))
                complain(c, &m, o->detail);
            if (o->events > 0)
                compare(c, &m, o);
        }
}

static void mutate_file(const char *file)
{
    const struct lg_norm_stream_options opt = {.endpoint = LG_STR("endpoint")};
    struct win_out base, o;
    struct lg_json *json;
    struct lg_buf text;
    struct lg_str rest, record;
    struct check c = {.file = file};
    size_t n;
    char *content = win_read_file(file, &n);

    assert_int_equal(lg_json_new(&json), 0);
    lg_buf_init(&text, 4u << 20);
    win_out_init(&base, &opt);
    win_out_init(&o, &opt);
    rest = lg_str_of(content, n);
    while (lg_str_split(&rest, '\n', &record)) {
        c.line++;
        win_feed(&base, record);
        if (base.events == 0 || base.ev.source == LG_SOURCE_AUDITD)
            continue;
        assert_int_equal(lg_json_parse(json, record, false, &c.root, NULL), 0);
        c.base = &base.ev;
        for (int p = 0; p < LG_WP_COUNT; p++) {
            c.def = lg_win_event_find((enum lg_win_provider)p, base.ev.code);
            if (c.def != NULL && c.def->type == base.ev.type)
                break;
        }
        assert_non_null(c.def);
        mutate_record(&o, &c, &text);
    }
    assert_true(c.mutants > 50 * c.line);
    win_out_done(&o);
    win_out_done(&base);
    lg_buf_done(&text);
    lg_json_free(json);
    free(content);
}

#define MUTATE(name)                                                                               \
    static void mutants_of_##name(void **state)                                                    \
    {                                                                                              \
        (void)state;                                                                               \
        mutate_file(#name ".ndjson");                                                              \
    }
MUTATE(winlogbeat6)
MUTATE(winlogbeat7)
MUTATE(winlogbeat8)
MUTATE(nxlog)
MUTATE(nxlog_utc)
MUTATE(flat_export)
MUTATE(flat_export_bare)
MUTATE(flat_export_2022)
MUTATE(sysmon_eventdata)
MUTATE(azure)

/* The same for XML: each Data element dropped, emptied and cut. */
static void mutate_xml_record(struct win_out *o, const struct check *c, struct lg_str record)
{
    static const struct lg_str open = LG_STR("<Data Name='"), close = LG_STR("</Data>");
    size_t from = 0;

    for (;;) {
        ptrdiff_t at = lg_str_find(lg_str_sub(record, from, record.n), open);
        struct lg_str rest, key;
        size_t start, value, end;

        if (at < 0)
            return;
        start = from + (size_t)at;
        rest = lg_str_sub(record, start + open.n, record.n);
        key = lg_str_sub(rest, 0, (size_t)lg_str_chr(rest, '\''));
        value = start + open.n + key.n + 2;
        at = lg_str_find(lg_str_sub(record, value, record.n), close);
        if (at < 0)
            return; /* an empty element */
        end = value + (size_t)at;
        for (int how = 0; how < 3; how++) {
            /* where to cut, and from where the rest follows */
            size_t keep = how == 0 ? start : how == 1 ? value : value + (end - value) / 2;
            size_t resume = how == 0 ? end + close.n : end;
            struct mutator m = {.key = key, .change = how == 0 ? DROP : how == 1 ? TO_EMPTY : CUT};
            struct lg_buf text;

            lg_buf_init(&text, 1u << 20);
            lg_buf_adds(&text, lg_str_sub(record, 0, keep));
            lg_buf_adds(&text, lg_str_sub(record, resume, record.n));
            win_feed(o, lg_buf_str(&text));
            assert_int_equal(o->events + o->dead, 1);
            if (o->dead > 0 && !may_kill(c->def, key))
                complain(c, &m, o->detail);
            if (o->events > 0)
                compare(c, &m, o);
            lg_buf_done(&text);
        }
        from = end;
    }
}

static void mutants_of_event_xml(void **state)
{
    struct win_out base, o;
    struct lg_json *json;
    struct lg_str rest, record;
    struct check c = {.file = "event_xml.xml"};
    size_t n;
    char *content = win_read_file(c.file, &n);

    (void)state;
    assert_int_equal(lg_json_new(&json), 0);
    assert_int_equal(lg_json_parse(json, LG_STR("{}"), false, &c.root, NULL), 0);
    win_out_init(&base, NULL);
    win_out_init(&o, NULL);
    rest = lg_str_of(content, n);
    while (lg_str_split(&rest, '\n', &record)) {
        c.line++;
        win_feed(&base, record);
        assert_int_equal(base.events, 1);
        c.base = &base.ev;
        c.def = lg_win_event_find(
                base.ev.source == LG_SOURCE_SYSMON ? LG_WP_SYSMON : LG_WP_SECURITY, base.ev.code);
        mutate_xml_record(&o, &c, record);
    }
    win_out_done(&o);
    win_out_done(&base);
    lg_json_free(json);
    free(content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(mutants_of_winlogbeat6),
            cmocka_unit_test(mutants_of_winlogbeat7),
            cmocka_unit_test(mutants_of_winlogbeat8),
            cmocka_unit_test(mutants_of_nxlog),
            cmocka_unit_test(mutants_of_nxlog_utc),
            cmocka_unit_test(mutants_of_flat_export),
            cmocka_unit_test(mutants_of_flat_export_bare),
            cmocka_unit_test(mutants_of_flat_export_2022),
            cmocka_unit_test(mutants_of_sysmon_eventdata),
            cmocka_unit_test(mutants_of_azure),
            cmocka_unit_test(mutants_of_event_xml),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
