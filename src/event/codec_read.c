#include "base/limits.h"
#include "event/codec.h"

/*
 * Reading walks the tape and the text side by side: the tape gives types and unescaped strings,
 * the text gives what the tape has lost, the exact digits of a time and the bytes of raw_event.
 * simdjson has accepted the text, so the cursor only finds where values end; it is bounded all
 * the same, for a caller may hand in the wrong line.
 */
struct cursor {
    const char *p;
    const char *end;
};

static void skip_space(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
        c->p++;
}

static bool skip_char(struct cursor *c, char want)
{
    skip_space(c);
    if (c->p == c->end || *c->p != want)
        return false;
    c->p++;
    return true;
}

/* Past the closing quote of the string that starts at c->p. */
static bool skip_string(struct cursor *c)
{
    if (!skip_char(c, '"'))
        return false;
    while (c->p < c->end) {
        const char *q = memchr(c->p, '"', (size_t)(c->end - c->p));
        const char *b;

        if (q == NULL)
            return false;
        for (b = q; b > c->p && b[-1] == '\\';)
            b--;
        c->p = q + 1;
        if ((q - b) % 2 == 0)
            return true;
    }
    return false;
}

static bool skip_container(struct cursor *c)
{
    size_t depth = 0;

    while (c->p < c->end) {
        switch (*c->p) {
        case '"':
            if (!skip_string(c))
                return false;
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            depth--;
            break;
        default:
            break;
        }
        c->p++;
        if (depth == 0)
            return true;
    }
    return false;
}

static bool skip_value(struct cursor *c, struct lg_str *ret_text)
{
    const char *from;
    bool ok = true;

    skip_space(c);
    from = c->p;
    if (c->p == c->end)
        return false;
    if (*c->p == '"')
        ok = skip_string(c);
    else if (*c->p == '{' || *c->p == '[')
        ok = skip_container(c);
    else
        while (c->p < c->end && strchr(",]} \t\r\n", *c->p) == NULL)
            c->p++;
    *ret_text = lg_str_of(from, (size_t)(c->p - from));
    return ok && ret_text->n > 0;
}

/* Before the value of the next member. */
static bool next_member(struct cursor *c, bool first)
{
    return (first || skip_char(c, ',')) && (skip_space(c), skip_string(c)) && skip_char(c, ':');
}

struct reader {
    struct lg_event *ev;
    struct lg_err *err;
    struct cursor text;
    unsigned seen; /* bit a member of `members` */
};

static int wrong(struct reader *r, struct lg_str member, const char *want)
{
    return lg_err_set(r->err, LG_EPARSE, "%.*s: want %s", LG_STR_FMT(member), want);
}

static bool want_string(struct lg_jval v, struct lg_str *ret)
{
    if (lg_jval_type(v) != LG_JSON_STRING)
        return false;
    *ret = lg_jval_str(v);
    return true;
}

static bool want_u64(struct lg_jval v, uint64_t *ret)
{
    enum lg_json_type t = lg_jval_type(v);

    if (t == LG_JSON_I64 && lg_jval_i64(v) < 0)
        return false;
    if (t != LG_JSON_I64 && t != LG_JSON_U64)
        return false;
    *ret = lg_jval_u64(v);
    return true;
}

/* Exact from the digits; numbers that others wrote (1.5e9) by the double. */
static bool want_time(struct lg_jval v, struct lg_str text, lg_time *ret)
{
    double d;

    if (lg_jval_type(v) != LG_JSON_I64 && lg_jval_type(v) != LG_JSON_DOUBLE)
        return false;
    if (text.n > 0 && text.p[0] == '-' &&
            lg_parse_time_epoch(lg_str_sub(text, 1, text.n), ret) == 0) {
        *ret = -*ret;
        return true;
    }
    if (lg_parse_time_epoch(text, ret) == 0)
        return true;
    if (lg_jval_type(v) != LG_JSON_DOUBLE)
        return false;
    d = lg_jval_double(v) * 1e9;
    if (!(d > -9.2e18 && d < 9.2e18))
        return false;
    *ret = (lg_time)d;
    return true;
}

static bool set_field(struct lg_event *ev, enum lg_field f, struct lg_jval v, struct lg_str text)
{
    union lg_value val = {.u = 0};
    bool ok;

    switch (lg_fields[f].type) {
    case LG_FIELD_STR:
        ok = want_string(v, &val.s);
        break;
    case LG_FIELD_U64:
        ok = want_u64(v, &val.u);
        break;
    case LG_FIELD_I64:
        ok = lg_jval_type(v) == LG_JSON_I64;
        if (ok)
            val.i = lg_jval_i64(v);
        break;
    case LG_FIELD_BOOL:
        ok = lg_jval_type(v) == LG_JSON_BOOL;
        if (ok)
            val.b = lg_jval_bool(v);
        break;
    default:
        ok = want_time(v, text, &val.i);
        break;
    }
    if (!ok)
        return false;
    ev->v[f] = val;
    lg_event_mark(ev, f);
    return true;
}

static int read_data(struct reader *r, struct lg_jval data)
{
    static const char *const wants[] = {"a string", "a whole number from 0", "a whole number",
            "true or false", "epoch seconds"};
    struct lg_jiter it;
    struct lg_jval v;
    struct lg_str key, text;
    bool first = true;
    enum lg_field f;

    if (lg_jval_type(data) != LG_JSON_OBJECT)
        return wrong(r, LG_STR("data"), "an object");
    it = lg_jiter_of(data);
    if (!skip_char(&r->text, '{'))
        return wrong(r, LG_STR("data"), "the text that was parsed");
    while (lg_jiter_member(&it, &key, &v)) {
        if (!next_member(&r->text, first) || !skip_value(&r->text, &text))
            return wrong(r, LG_STR("data"), "the text that was parsed");
        first = false;
        if (lg_field_parse(key, &f) == 0 && !set_field(r->ev, f, v, text))
            return wrong(r, key, wants[lg_fields[f].type]);
    }
    return skip_char(&r->text, '}') ? 0 : wrong(r, LG_STR("data"), "the text that was parsed");
}

static int read_raw(struct reader *r, struct lg_jval v, struct lg_str text)
{
    struct lg_jval inner;

    r->ev->raw = text;
    r->ev->raw_kind = LG_RAW_JSON;
    if (lg_jval_type(v) == LG_JSON_STRING) {
        r->ev->raw = lg_jval_str(v);
        r->ev->raw_kind = LG_RAW_TEXT;
    } else if (lg_jval_get(v, LG_STR("base64"), &inner) && lg_jval_type(inner) == LG_JSON_STRING &&
            lg_jval_end(inner) + 1 == lg_jval_end(v)) {
        r->ev->raw = lg_jval_str(inner);
        r->ev->raw_kind = LG_RAW_BASE64;
    }
    return 0;
}

static int read_flags(struct reader *r, struct lg_jval v)
{
    struct lg_jiter it;
    struct lg_jval item;
    struct lg_str name;

    if (lg_jval_type(v) != LG_JSON_ARRAY)
        return wrong(r, LG_STR("flags"), "an array of strings");
    it = lg_jiter_of(v);
    while (lg_jiter_item(&it, &item)) {
        if (!want_string(item, &name))
            return wrong(r, LG_STR("flags"), "an array of strings");
        for (unsigned i = 0; i < LG_EVF_COUNT; i++) /* a newer writer's flag is passed over */
            if (lg_str_eq(name, lg_str_z(lg_event_flag_name(i))))
                r->ev->flags |= 1u << i;
    }
    return 0;
}

enum member {
    M_EVENT_ID,
    M_TENANT_ID,
    M_HOSTNAME,
    M_ENDPOINT_ID,
    M_PLATFORM,
    M_SOURCE,
    M_FORMAT,
    M_EVENT_TYPE,
    M_TIMESTAMP,
    M_DATA,
    M_RAW_EVENT, /* up to here: required */
    M_CLAIMED_TIMESTAMP,
    M_EVENT_CODE,
    M_FLAGS,
    M_COUNT,
};

static const char *const member_names[M_COUNT] = {
        "event_id",
        "tenant_id",
        "hostname",
        "endpoint_id",
        "platform",
        "source",
        "format",
        "event_type",
        "timestamp",
        "data",
        "raw_event",
        "claimed_timestamp",
        "event_code",
        "flags",
};

static int read_text_member(struct reader *r, enum member m, struct lg_str key, struct lg_jval v)
{
    struct lg_event *ev = r->ev;
    struct lg_str s;

    if (!want_string(v, &s))
        return wrong(r, key, "a string");
    switch (m) {
    case M_EVENT_ID:
        return lg_uuid_parse(s, &ev->event_id) < 0 ? wrong(r, key, "a UUID") : 0;
    case M_TENANT_ID:
        ev->tenant_id = s;
        return s.n <= LG_MAX_TENANT_BYTES ? 0 : wrong(r, key, "at most 64 bytes");
    case M_HOSTNAME:
        ev->hostname = s;
        return s.n <= LG_MAX_HOSTNAME_BYTES ? 0 : wrong(r, key, "at most 255 bytes");
    case M_ENDPOINT_ID:
        ev->endpoint_id = s;
        return s.n <= LG_MAX_HOSTNAME_BYTES ? 0 : wrong(r, key, "at most 255 bytes");
    case M_PLATFORM:
        return lg_platform_parse(s, &ev->platform) < 0 ? wrong(r, key, "a known platform") : 0;
    case M_SOURCE:
        return lg_source_parse(s, &ev->source) < 0 ? wrong(r, key, "a known source") : 0;
    case M_EVENT_TYPE:
        return lg_event_type_parse(s, &ev->type) < 0 ? wrong(r, key, "a known event type") : 0;
    default:
        ev->format = s;
        return 0;
    }
}

static int read_member(struct reader *r, enum member m, struct lg_str key, struct lg_jval v)
{
    struct lg_str text;
    uint64_t code;

    if (m == M_DATA) {
        skip_space(&r->text);
        return read_data(r, v);
    }
    if (!skip_value(&r->text, &text))
        return wrong(r, key, "the text that was parsed");
    switch (m) {
    case M_TIMESTAMP:
        return want_time(v, text, &r->ev->time_ns) ? 0 : wrong(r, key, "epoch seconds");
    case M_CLAIMED_TIMESTAMP:
        return want_time(v, text, &r->ev->claimed_time_ns) ? 0 : wrong(r, key, "epoch seconds");
    case M_EVENT_CODE:
        if (!want_u64(v, &code) || code > UINT32_MAX)
            return wrong(r, key, "a whole number below 2^32");
        r->ev->code = (uint32_t)code;
        return 0;
    case M_FLAGS:
        return read_flags(r, v);
    case M_RAW_EVENT:
        return read_raw(r, v, text);
    case M_COUNT: /* not ours: a newer writer's */
        return 0;
    default:
        return read_text_member(r, m, key, v);
    }
}

static enum member member_of(struct lg_str key, unsigned *hint)
{
    /* our own writer keeps one order, so the next name is nearly always the one after the last */
    for (unsigned i = 0; i < M_COUNT; i++) {
        unsigned m = (*hint + i) % M_COUNT;

        if (lg_str_eq(key, lg_str_z(member_names[m]))) {
            *hint = m + 1;
            return (enum member)m;
        }
    }
    return M_COUNT;
}

int lg_event_read(
        struct lg_jval root, struct lg_str line, struct lg_event *ret, struct lg_err *reterr)
{
    struct reader r = {ret, reterr, {line.p, line.p + line.n}, 0};
    struct lg_jiter it;
    struct lg_str key;
    struct lg_jval v;
    unsigned hint = 0;
    bool first = true;
    int rc;

    lg_event_clear(ret);
    if (lg_jval_type(root) != LG_JSON_OBJECT)
        return lg_err_set(reterr, LG_EPARSE, "event: want an object");
    if (!skip_char(&r.text, '{'))
        return wrong(&r, LG_STR("event"), "the text that was parsed");
    it = lg_jiter_of(root);
    while (lg_jiter_member(&it, &key, &v)) {
        enum member m = member_of(key, &hint);

        if (!next_member(&r.text, first))
            return wrong(&r, key, "the text that was parsed");
        first = false;
        if (m != M_COUNT && (r.seen >> m & 1) != 0)
            return wrong(&r, key, "to stand once");
        if (m != M_COUNT)
            r.seen |= 1u << m;
        rc = read_member(&r, m, key, v);
        if (rc < 0)
            return rc;
    }
    for (unsigned m = 0; m <= M_RAW_EVENT; m++)
        if ((r.seen >> m & 1) == 0)
            return wrong(&r, lg_str_z(member_names[m]), "to be there");
    if ((r.seen >> M_CLAIMED_TIMESTAMP & 1) == 0)
        ret->claimed_time_ns = ret->time_ns;
    return 0;
}

int lg_event_keep(struct lg_event *ev, struct lg_arena *a)
{
    struct lg_str *own[] = {&ev->tenant_id, &ev->hostname, &ev->endpoint_id, &ev->format, &ev->raw};
    const size_t n = sizeof(own) / sizeof(*own) - (ev->raw_kind == LG_RAW_JSON ? 1 : 0);

    for (size_t i = 0; i < n; i++)
        if (lg_arena_dup(a, *own[i], own[i]) < 0)
            return LG_ENOMEM;
    for (int f = 0; f < LG_FIELD_COUNT; f++)
        if (lg_event_has(ev, (enum lg_field)f) && lg_fields[f].type == LG_FIELD_STR &&
                lg_arena_dup(a, ev->v[f].s, &ev->v[f].s) < 0)
            return LG_ENOMEM;
    return 0;
}
