#include "event/codec.h"
#include "json/write.h"

/*
 * The hot half of normalizing: one pass, no printf, keys prepared at compile time. Each key is
 * stored with its punctuation in a slot of fixed size, so that putting it is three vector stores.
 */
#define KEY_SLOT 48

struct key {
    char text[KEY_SLOT - 1];
    uint8_t n;
};

#define KEY(s)                                                                                     \
    {                                                                                              \
        ",\"" s "\":", sizeof(",\"" s "\":") - 1                                                   \
    }
static const struct key data_keys[LG_FIELD_COUNT] = {
#define X(e, s, t, ecs, doc) [LG_F_##e] = KEY(s),
#include "event/fields.def"
#undef X
};
#define X(e, s, t, ecs, doc) _Static_assert(sizeof(s) + 3 < KEY_SLOT, "grow KEY_SLOT for " s);
#include "event/fields.def"
#undef X

static void put_key(struct lg_buf *out, const struct key *k, bool first)
{
    if (lg_buf_reserve(out, KEY_SLOT) < 0)
        return;
    if (first) {
        memcpy(out->p + out->n, k->text + 1, KEY_SLOT - 2);
        out->n += k->n - 1u;
    } else {
        memcpy(out->p + out->n, k->text, KEY_SLOT - 1);
        out->n += k->n;
    }
}

static void put_string(struct lg_buf *out, struct lg_str s)
{
    lg_buf_addc(out, '"');
    lg_json_escape(out, s);
    lg_buf_addc(out, '"');
}

#define PUT_MEMBER(out, key, s)                                                                    \
    (lg_buf_adds((out), LG_STR(",\"" key "\":")), put_string((out), (s)))

static void put_time(struct lg_buf *out, lg_time t)
{
    char text[LG_TIME_EPOCH_MAX];

    lg_buf_add(out, text, lg_time_epoch(t, text));
}

static void put_u64(struct lg_buf *out, uint64_t v)
{
    struct lg_jw w;

    lg_jw_init(&w, out);
    lg_jw_u64(&w, v);
}

static void put_i64(struct lg_buf *out, int64_t v)
{
    struct lg_jw w;

    lg_jw_init(&w, out);
    lg_jw_i64(&w, v);
}

static void put_value(struct lg_buf *out, const struct lg_event *ev, unsigned f)
{
    switch (lg_fields[f].type) {
    case LG_FIELD_STR:
        put_string(out, ev->v[f].s);
        break;
    case LG_FIELD_U64:
        put_u64(out, ev->v[f].u);
        break;
    case LG_FIELD_I64:
        put_i64(out, ev->v[f].i);
        break;
    case LG_FIELD_BOOL:
        lg_buf_adds(out, ev->v[f].b ? LG_STR("true") : LG_STR("false"));
        break;
    default:
        put_time(out, ev->v[f].i);
        break;
    }
}

static void put_data(struct lg_buf *out, const struct lg_event *ev)
{
    bool first = true;

    lg_buf_adds(out, LG_STR(",\"data\":{"));
    for (unsigned w = 0; w < sizeof(ev->has) / sizeof(*ev->has); w++)
        for (uint64_t bits = ev->has[w]; bits != 0; bits &= bits - 1) {
            unsigned f = w * 64 + (unsigned)__builtin_ctzll(bits);

            put_key(out, &data_keys[f], first);
            put_value(out, ev, f);
            first = false;
        }
    lg_buf_addc(out, '}');
}

static void put_flags(struct lg_buf *out, uint32_t flags)
{
    struct lg_jw w;

    lg_buf_adds(out, LG_STR(",\"flags\":"));
    lg_jw_init(&w, out);
    lg_jw_array(&w);
    for (unsigned i = 0; i < LG_EVF_COUNT; i++)
        if ((flags >> i & 1) != 0)
            lg_jw_str(&w, lg_str_z(lg_event_flag_name(i)));
    lg_jw_array_end(&w);
}

/* JSON strings hold no raw line ends, so any in valid JSON stands between tokens. */
static void put_json_on_one_line(struct lg_buf *out, struct lg_str raw)
{
    size_t at = out->n;

    lg_buf_adds(out, raw);
    if (out->failed != 0 || (lg_str_chr(raw, '\n') < 0 && lg_str_chr(raw, '\r') < 0))
        return;
    for (; at < out->n; at++)
        if (out->p[at] == '\n' || out->p[at] == '\r')
            out->p[at] = ' ';
}

static void put_raw(struct lg_buf *out, const struct lg_event *ev)
{
    struct lg_jw w;

    lg_buf_adds(out, LG_STR(",\"raw_event\":"));
    switch (ev->raw_kind) {
    case LG_RAW_JSON:
        put_json_on_one_line(out, ev->raw);
        break;
    case LG_RAW_TEXT:
        put_string(out, ev->raw);
        break;
    case LG_RAW_BINARY:
        lg_buf_adds(out, LG_STR("{\"base64\":"));
        lg_jw_init(&w, out);
        lg_jw_base64(&w, ev->raw);
        lg_buf_addc(out, '}');
        break;
    case LG_RAW_BASE64:
        lg_buf_adds(out, LG_STR("{\"base64\":"));
        put_string(out, ev->raw);
        lg_buf_addc(out, '}');
        break;
    }
}

void lg_event_write(const struct lg_event *ev, struct lg_buf *out)
{
    char id[LG_UUID_TEXT + 1];

    lg_uuid_text(&ev->event_id, id);
    lg_buf_adds(out, LG_STR("{\"event_id\":\""));
    lg_buf_add(out, id, LG_UUID_TEXT);
    lg_buf_addc(out, '"');
    PUT_MEMBER(out, "tenant_id", ev->tenant_id);
    PUT_MEMBER(out, "hostname", ev->hostname);
    PUT_MEMBER(out, "endpoint_id", ev->endpoint_id);
    PUT_MEMBER(out, "platform", lg_str_z(lg_platform_name(ev->platform)));
    PUT_MEMBER(out, "source", lg_str_z(lg_source_name(ev->source)));
    PUT_MEMBER(out, "format", ev->format);
    PUT_MEMBER(out, "event_type", lg_str_z(lg_event_type_name(ev->type)));
    lg_buf_adds(out, LG_STR(",\"timestamp\":"));
    put_time(out, ev->time_ns);
    if (ev->claimed_time_ns != ev->time_ns) {
        lg_buf_adds(out, LG_STR(",\"claimed_timestamp\":"));
        put_time(out, ev->claimed_time_ns);
    }
    if (ev->code != 0) {
        lg_buf_adds(out, LG_STR(",\"event_code\":"));
        put_u64(out, ev->code);
    }
    if (ev->flags != 0)
        put_flags(out, ev->flags);
    put_data(out, ev);
    put_raw(out, ev);
    lg_buf_addc(out, '}');
}

#define ID_PARTS 16

void lg_event_make_id(struct lg_event *ev, const struct lg_str *identity, size_t n)
{
    struct lg_str parts[3 + ID_PARTS] = {
            ev->tenant_id,
            ev->endpoint_id,
            lg_str_z(lg_source_name(ev->source)),
    };

    LG_ASSERT(n <= ID_PARTS);
    for (size_t i = 0; i < n; i++)
        parts[3 + i] = identity[i];
    ev->event_id = lg_uuid_from_tuple(parts, 3 + n);
}
