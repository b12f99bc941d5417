#include "normalize/normalize_int.h"

#define X(name) extern const struct lg_format lg_format_##name;
#include "normalize/formats.def"
#undef X

static const struct lg_format *const formats[] = {
#define X(name) &lg_format_##name,
#include "normalize/formats.def"
#undef X
        NULL,
};

const struct lg_format *const *lg_format_all(void)
{
    return formats;
}

const char *lg_format_name(const struct lg_format *f)
{
    return f != NULL ? f->name : "";
}

enum lg_platform lg_format_platform(const struct lg_format *f)
{
    return f->platform;
}

bool lg_format_stateful(const struct lg_format *f)
{
    return f->stateful;
}

bool lg_format_may_skew(const struct lg_format *f)
{
    return f->header_skew != NULL;
}

static bool takes(const struct lg_format *f, const struct lg_norm_call *call)
{
    bool json = f->framing == LG_FRAMING_LINE_JSON;

    return json == (call->root.at != NULL) && f->accepts(call->record, call->root);
}

const struct lg_format *lg_registry_find(
        const struct lg_norm_call *call, const struct lg_format *first)
{
    if (first != NULL && takes(first, call))
        return first;
    for (const struct lg_format *const *f = formats; *f != NULL; f++)
        if (*f != first && takes(*f, call))
            return *f;
    return NULL;
}

const struct lg_format *lg_format_recognise(
        struct lg_normalizer *nz, struct lg_str record, bool padded)
{
    struct lg_norm_call call = {.nz = nz, .arena = &nz->arena, .ev = &nz->ev};

    lg_arena_clear(&nz->arena);
    if (lg_norm_open_record(&call, record, padded) < 0)
        return NULL;
    return lg_registry_find(&call, NULL);
}

#define LOOK_BYTES 256

/* Whether "Ut" or a backslash before "u" may stand in the text: plain compares, side by side. */
static bool may_hold_either(struct lg_str s)
{
    size_t at = 0;
    unsigned char hit = 0;

    for (; s.n - at > LOOK_BYTES && hit == 0; at += LOOK_BYTES)
        for (size_t i = 0; i < LOOK_BYTES; i++) {
            char a = s.p[at + i], b = s.p[at + i + 1];

            hit |= (unsigned char)(((a == 'U') & (b == 't')) | ((a == '\\') & (b == 'u')));
        }
    return hit != 0 || lg_str_find(lg_str_sub(s, at, s.n), LG_STR("Ut")) >= 0 ||
            lg_str_find(lg_str_sub(s, at, s.n), LG_STR("\\u")) >= 0;
}

/* Only a UtcTime tells; few records have one, and most heads of files are read for it whole. */
static bool may_tell_skew(struct lg_str record)
{
    return may_hold_either(record) &&
            (lg_str_find(record, LG_STR("UtcTime")) >= 0 ||
                    lg_str_find(record, LG_STR("\\u")) >= 0); /* JSON may spell it so */
}

bool lg_format_header_skew(
        struct lg_normalizer *nz, struct lg_str record, bool padded, int64_t *ret_ns)
{
    struct lg_norm_stream_options opt = {.tenant_id = LG_STR(NORM_TENANT_DEFAULT)};
    struct lg_norm_call call = {.nz = nz, .opt = &opt, .arena = &nz->arena, .ev = &nz->ev};

    if (!may_tell_skew(record))
        return false;
    lg_arena_clear(&nz->arena);
    if (lg_norm_open_record(&call, record, padded) < 0)
        return false;
    call.format = lg_registry_find(&call, NULL);
    return call.format != NULL && call.format->header_skew != NULL &&
            call.format->header_skew(&call, ret_ns);
}
