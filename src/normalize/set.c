#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "event/codec.h"
#include "normalize/normalize_int.h"
#include "json/write.h"

/* 1980-01-01 and 2200-01-01: outside, a time is a broken field, not an event's time. */
#define TIME_MIN (INT64_C(315532800) * LG_NS_PER_SEC)
#define TIME_MAX (INT64_C(7258118400) * LG_NS_PER_SEC)
#define IDENTITY_PARTS 16

struct lg_event *lg_norm_begin(
        struct lg_norm_call *call, enum lg_source source, enum lg_event_type type)
{
    struct lg_event *ev = call->ev;

    lg_event_clear(ev);
    ev->tenant_id = call->opt->tenant_id;
    ev->hostname = ev->endpoint_id = lg_str_of("", 0);
    ev->platform = call->format->platform;
    ev->source = source;
    ev->type = type;
    ev->format = lg_str_z(call->format->name);
    ev->raw = call->record;
    ev->raw_kind = call->raw_kind;
    if (call->repaired)
        ev->flags |= LG_EVF_TEXT_REPAIRED;
    call->host_given = false;
    call->oom = false;
    return ev;
}

static char *arena_bytes(struct lg_norm_call *call, size_t n)
{
    char *p = lg_arena_alloc(call->arena, n);

    if (p == NULL)
        call->oom = true;
    return p;
}

struct lg_str lg_norm_lower(struct lg_norm_call *call, struct lg_str s)
{
    size_t i = 0;
    char *p;

    while (i < s.n && !(s.p[i] >= 'A' && s.p[i] <= 'Z'))
        i++;
    if (i == s.n)
        return s;
    p = arena_bytes(call, s.n);
    if (p == NULL)
        return lg_str_of("", 0);
    for (i = 0; i < s.n; i++)
        p[i] = lg_ascii_lower(s.p[i]);
    return lg_str_of(p, s.n);
}

struct lg_str lg_norm_join(
        struct lg_norm_call *call, struct lg_str a, struct lg_str sep, struct lg_str b)
{
    char *p = arena_bytes(call, a.n + sep.n + b.n);
    size_t at = 0;

    if (p == NULL)
        return lg_str_of("", 0);
    if (a.n > 0)
        memcpy(p, a.p, a.n);
    at = a.n;
    if (sep.n > 0)
        memcpy(p + at, sep.p, sep.n);
    at += sep.n;
    if (b.n > 0)
        memcpy(p + at, b.p, b.n);
    return lg_str_of(p, at + b.n);
}

/* ---- host ---- */

static bool is_ip_address(struct lg_str s)
{
    unsigned dots = 0, value = 0, digits = 0;

    if (lg_str_chr(s, ':') >= 0)
        return true;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' && digits > 0) {
            dots++;
            value = digits = 0;
        } else if (s.p[i] >= '0' && s.p[i] <= '9' && digits < 3) {
            value = value * 10 + (unsigned)(s.p[i] - '0');
            digits++;
        } else {
            return false;
        }
        if (value > 255)
            return false;
    }
    return dots == 3 && digits > 0;
}

static bool can_be_host(struct lg_str s)
{
    if (s.n == 0 || s.n > LG_MAX_HOSTNAME_BYTES || !lg_utf8_valid(s))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

int lg_norm_host(struct lg_norm_call *call, struct lg_str computer)
{
    struct lg_event *ev = call->ev;
    struct lg_str name = lg_str_trim(computer);
    ptrdiff_t dot;

    call->host_given = true;
    if (name.n == 0 || lg_str_eq(name, LG_STR("-")))
        name = lg_str_trim(call->opt->endpoint);
    if (name.n > 1 && name.p[name.n - 1] == '.') /* the root's dot */
        name.n--;
    if (!can_be_host(name))
        return LG_ENOENT;
    name = lg_norm_lower(call, name);
    if (name.n == 0)
        return LG_ENOENT;
    ev->hostname = ev->endpoint_id = name;
    dot = lg_str_chr(name, '.');
    if (dot > 0 && !call->opt->fqdn_endpoint && !is_ip_address(name))
        ev->endpoint_id.n = (size_t)dot;
    return 0;
}

/* ---- emit ---- */

int lg_norm_emit(struct lg_norm_call *call, const struct lg_str *identity, size_t n)
{
    struct lg_event *ev = call->ev;
    uint8_t digest[32];
    struct lg_str by_bytes = {(const char *)digest, sizeof(digest)};
    int rc;

    if (!call->host_given)
        (void)(lg_norm_host(call, LG_STR("")) < 0);
    if (call->oom)
        return lg_norm_dead(call, LG_DEAD_OUT_OF_MEMORY, "the record needs more than its arena");
    if (ev->hostname.n == 0)
        return lg_norm_dead(call, LG_DEAD_MISSING_IDENTITY, "no usable host name");
    if (ev->time_ns < TIME_MIN || ev->time_ns > TIME_MAX)
        return lg_norm_dead(
                call, LG_DEAD_BAD_TIME, ev->time_ns == 0 ? "no usable time" : "outside 1980..2200");
    if (ev->claimed_time_ns == 0)
        ev->claimed_time_ns = ev->time_ns;
    call->nz->by_bytes = n == 0;
    if (n == 0) {
        if (call->digest != NULL && ev->raw.p == call->record.p && ev->raw.n == call->record.n)
            memcpy(digest, call->digest, sizeof(digest));
        else
            lg_blake2b_256(ev->raw, digest);
        identity = &by_bytes;
        n = 1;
        ev->flags |= LG_EVF_NO_IDENTITY;
    }
    LG_ASSERT(n <= IDENTITY_PARTS);
    lg_event_make_id(ev, identity, n);
    rc = call->sink->event(call->sink->user, ev);
    if (rc < 0)
        call->sink_rc = rc;
    return rc;
}

/* ---- values ---- */

static bool is_absent(struct lg_str s)
{
    return s.n == 0 || (s.n == 1 && s.p[0] == '-');
}

static bool is_guid_field(enum lg_field f)
{
    return f == LG_F_PROCESS_GUID || f == LG_F_PARENT_PROCESS_GUID ||
            f == LG_F_TARGET_PROCESS_GUID || f == LG_F_LOGON_GUID || f == LG_F_SCRIPT_BLOCK_ID;
}

struct lg_str lg_norm_guid(struct lg_norm_call *call, struct lg_str s)
{
    if (s.n == 38 && s.p[0] == '{' && s.p[37] == '}')
        s = lg_str_sub(s, 1, 37);
    if (s.n != 36)
        return lg_str_of("", 0);
    for (size_t i = 0; i < 36; i++) {
        char c = lg_ascii_lower(s.p[i]);
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return lg_str_of("", 0);
    }
    return lg_norm_lower(call, s);
}

static bool read_bool_text(struct lg_str s, bool *ret)
{
    if (lg_str_ieq(s, LG_STR("true")) || lg_str_ieq(s, LG_STR("yes")) ||
            lg_str_eq(s, LG_STR("1"))) {
        *ret = true;
        return true;
    }
    *ret = false;
    return lg_str_ieq(s, LG_STR("false")) || lg_str_ieq(s, LG_STR("no")) ||
            lg_str_eq(s, LG_STR("0"));
}

static void set_string(struct lg_norm_call *call, enum lg_field f, struct lg_str s)
{
    if (is_guid_field(f)) {
        struct lg_str guid = lg_norm_guid(call, s);

        if (lg_str_eq(guid, LG_STR("00000000-0000-0000-0000-000000000000")))
            return;
        if (guid.n > 0)
            s = guid;
    }
    lg_event_set_str(call->ev, f, s);
}

void lg_norm_set_text(struct lg_norm_call *call, enum lg_field f, struct lg_str val)
{
    struct lg_event *ev = call->ev;
    uint64_t u;
    int64_t i;
    bool b;

    if (is_absent(val))
        return;
    switch (lg_fields[f].type) {
    case LG_FIELD_STR:
        if (!lg_utf8_valid(val)) {
            val = lg_norm_repair(call, val);
            ev->flags |= LG_EVF_TEXT_REPAIRED;
        }
        set_string(call, f, val);
        break;
    case LG_FIELD_U64:
        if (lg_parse_u64_any(val, &u) == 0)
            lg_event_set_u64(ev, f, u);
        break;
    case LG_FIELD_I64:
        if (lg_parse_i64(val, &i) == 0)
            lg_event_set_i64(ev, f, i);
        else if (lg_parse_u64_any(val, &u) == 0 && u <= INT64_MAX)
            lg_event_set_i64(ev, f, (int64_t)u);
        break;
    case LG_FIELD_BOOL:
        if (read_bool_text(val, &b))
            lg_event_set_bool(ev, f, b);
        break;
    default:
        if (lg_parse_time_iso(val, &i) == 0)
            lg_event_set_i64(ev, f, i);
        break;
    }
}

struct lg_str lg_norm_repair(struct lg_norm_call *call, struct lg_str s)
{
    struct lg_str ret = lg_str_of("", 0);
    struct lg_buf tmp;

    lg_buf_init(&tmp, 3 * s.n + 1);
    (void)lg_utf8_repair(&tmp, s);
    if (tmp.failed != 0 || lg_arena_dup(call->arena, lg_buf_str(&tmp), &ret) < 0) {
        call->oom = true;
        ret = lg_str_of("", 0);
    }
    lg_buf_done(&tmp);
    return ret;
}

/* ---- JSON values ---- */

bool lg_norm_read_u64(struct lg_jval val, uint64_t *ret)
{
    struct lg_str s;
    double d;

    switch (lg_jval_type(val)) {
    case LG_JSON_I64:
        if (lg_jval_i64(val) < 0)
            return false;
        *ret = lg_jval_u64(val);
        return true;
    case LG_JSON_U64:
        *ret = lg_jval_u64(val);
        return true;
    case LG_JSON_DOUBLE:
        d = lg_jval_double(val);
        if (!(d >= 0 && d < 18446744073709551616.0) || d != (double)(uint64_t)d)
            return false;
        *ret = (uint64_t)d;
        return true;
    case LG_JSON_STRING:
        s = lg_jval_str(val);
        return lg_parse_u64_any(s, ret) == 0;
    default:
        return false;
    }
}

bool lg_norm_read_time(struct lg_jval val, lg_time *ret)
{
    double d;

    switch (lg_jval_type(val)) {
    case LG_JSON_I64:
        if (lg_jval_i64(val) < 0 || lg_jval_i64(val) > TIME_MAX / LG_NS_PER_SEC)
            return false;
        *ret = lg_jval_i64(val) * LG_NS_PER_SEC;
        return true;
    case LG_JSON_DOUBLE:
        d = lg_jval_double(val);
        if (!(d >= 0 && d <= (double)(TIME_MAX / LG_NS_PER_SEC)))
            return false;
        /* a double holds microseconds of our century, and no more: keep its noise out */
        *ret = (int64_t)(d * 1e6 + 0.5) * 1000;
        return true;
    case LG_JSON_STRING:
        return lg_parse_time_iso(lg_jval_str(val), ret) == 0;
    default:
        return false;
    }
}

static bool read_i64(struct lg_jval val, int64_t *ret)
{
    struct lg_str s;
    uint64_t u;
    double d;

    switch (lg_jval_type(val)) {
    case LG_JSON_I64:
        *ret = lg_jval_i64(val);
        return true;
    case LG_JSON_DOUBLE:
        d = lg_jval_double(val);
        if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0) || d != (double)(int64_t)d)
            return false;
        *ret = (int64_t)d;
        return true;
    case LG_JSON_STRING:
        s = lg_jval_str(val);
        if (lg_parse_i64(s, ret) == 0)
            return true;
        if (lg_parse_u64_any(s, &u) < 0 || u > INT64_MAX)
            return false;
        *ret = (int64_t)u;
        return true;
    default:
        return false;
    }
}

static bool read_bool(struct lg_jval val, bool *ret)
{
    switch (lg_jval_type(val)) {
    case LG_JSON_BOOL:
        *ret = lg_jval_bool(val);
        return true;
    case LG_JSON_I64:
        *ret = lg_jval_i64(val) == 1;
        return lg_jval_i64(val) == 0 || lg_jval_i64(val) == 1;
    case LG_JSON_STRING:
        return read_bool_text(lg_jval_str(val), ret);
    default:
        return false;
    }
}

/* Text of a number or boolean, for a string field. */
static void set_scalar_text(struct lg_norm_call *call, enum lg_field f, struct lg_jval val)
{
    struct lg_str s = {"", 0};
    struct lg_buf tmp;
    struct lg_jw w;

    lg_buf_init(&tmp, 64);
    lg_jw_init(&w, &tmp);
    switch (lg_jval_type(val)) {
    case LG_JSON_I64:
        lg_jw_i64(&w, lg_jval_i64(val));
        break;
    case LG_JSON_U64:
        lg_jw_u64(&w, lg_jval_u64(val));
        break;
    case LG_JSON_DOUBLE:
        lg_jw_double(&w, lg_jval_double(val));
        break;
    case LG_JSON_BOOL:
        lg_jw_bool(&w, lg_jval_bool(val));
        break;
    default:
        break;
    }
    if (tmp.failed != 0 || lg_arena_dup(call->arena, lg_buf_str(&tmp), &s) < 0)
        call->oom = true;
    else if (s.n > 0)
        lg_event_set_str(call->ev, f, s);
    lg_buf_done(&tmp);
}

void lg_norm_set_json(struct lg_norm_call *call, enum lg_field f, struct lg_jval val)
{
    struct lg_event *ev = call->ev;
    enum lg_json_type t = lg_jval_type(val);
    uint64_t u;
    int64_t i;
    bool b;

    if (t == LG_JSON_STRING && is_absent(lg_jval_str(val)))
        return;
    switch (lg_fields[f].type) {
    case LG_FIELD_STR:
        if (t == LG_JSON_STRING)
            set_string(call, f, lg_jval_str(val));
        else
            set_scalar_text(call, f, val);
        break;
    case LG_FIELD_U64:
        if (lg_norm_read_u64(val, &u))
            lg_event_set_u64(ev, f, u);
        break;
    case LG_FIELD_I64:
        if (read_i64(val, &i))
            lg_event_set_i64(ev, f, i);
        break;
    case LG_FIELD_BOOL:
        if (read_bool(val, &b))
            lg_event_set_bool(ev, f, b);
        break;
    default:
        if (lg_norm_read_time(val, &i))
            lg_event_set_i64(ev, f, i);
        break;
    }
}
