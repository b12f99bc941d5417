#include "json/write.h"

#include <math.h>

#include "base/parse.h"
#include "json/json_int.h"

static const char digit_pairs[201] = "0001020304050607080910111213141516171819"
                                     "2021222324252627282930313233343536373839"
                                     "4041424344454647484950515253545556575859"
                                     "6061626364656667686970717273747576777879"
                                     "8081828384858687888990919293949596979899";

/* Writes backwards from `end`; returns the start. */
static char *digits_before(char *end, uint64_t v)
{
    while (v >= 100) {
        end -= 2;
        memcpy(end, digit_pairs + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10) {
        end -= 2;
        memcpy(end, digit_pairs + v * 2, 2);
    } else {
        *--end = (char)('0' + v);
    }
    return end;
}

static void before_value(struct lg_jw *w)
{
    uint64_t bit = UINT64_C(1) << w->depth;

    if ((w->comma & bit) != 0)
        lg_buf_addc(w->out, ',');
    w->comma |= bit;
}

void lg_jw_init(struct lg_jw *w, struct lg_buf *out)
{
    *w = (struct lg_jw){out, 0, 0};
}

static void open_container(struct lg_jw *w, char c)
{
    before_value(w);
    lg_buf_addc(w->out, c);
    LG_ASSERT(w->depth < 63);
    w->depth++;
    w->comma &= ~(UINT64_C(1) << w->depth);
}

static void close_container(struct lg_jw *w, char c)
{
    LG_ASSERT(w->depth > 0);
    w->depth--;
    lg_buf_addc(w->out, c);
}

void lg_jw_object(struct lg_jw *w)
{
    open_container(w, '{');
}

void lg_jw_object_end(struct lg_jw *w)
{
    close_container(w, '}');
}

void lg_jw_array(struct lg_jw *w)
{
    open_container(w, '[');
}

void lg_jw_array_end(struct lg_jw *w)
{
    close_container(w, ']');
}

void lg_jw_key(struct lg_jw *w, struct lg_str key)
{
    uint64_t bit = UINT64_C(1) << w->depth;
    char *p;

    if (lg_buf_reserve(w->out, key.n + 4) < 0)
        return;
    p = w->out->p + w->out->n;
    if ((w->comma & bit) != 0)
        *p++ = ',';
    *p++ = '"';
    memcpy(p, key.p, key.n);
    p += key.n;
    *p++ = '"';
    *p++ = ':';
    w->out->n = (size_t)(p - w->out->p);
    w->comma &= ~bit; /* the value that follows puts none */
}

void lg_jw_key_any(struct lg_jw *w, struct lg_str key)
{
    lg_jw_str(w, key);
    lg_buf_addc(w->out, ':');
    w->comma &= ~(UINT64_C(1) << w->depth); /* as above */
}

void lg_jw_str(struct lg_jw *w, struct lg_str s)
{
    before_value(w);
    lg_buf_addc(w->out, '"');
    lg_json_escape(w->out, s);
    lg_buf_addc(w->out, '"');
}

void lg_jw_u64(struct lg_jw *w, uint64_t v)
{
    char text[20], *p = digits_before(text + sizeof(text), v);

    before_value(w);
    lg_buf_add(w->out, p, (size_t)(text + sizeof(text) - p));
}

void lg_jw_i64(struct lg_jw *w, int64_t v)
{
    char text[21];
    char *p = digits_before(text + sizeof(text), v < 0 ? 0 - (uint64_t)v : (uint64_t)v);

    if (v < 0)
        *--p = '-';
    before_value(w);
    lg_buf_add(w->out, p, (size_t)(text + sizeof(text) - p));
}

void lg_jw_double(struct lg_jw *w, double v)
{
    char text[34];
    size_t n;

    if (!isfinite(v)) {
        lg_jw_null(w);
        return;
    }
    n = lg_double_shortest(v, text);
    /* without point or exponent it would read back as an integer, and -0 lose its sign */
    if (memchr(text, '.', n) == NULL && memchr(text, 'e', n) == NULL) {
        text[n++] = '.';
        text[n++] = '0';
    }
    before_value(w);
    lg_buf_add(w->out, text, n);
}

void lg_jw_bool(struct lg_jw *w, bool v)
{
    before_value(w);
    lg_buf_adds(w->out, v ? LG_STR("true") : LG_STR("false"));
}

void lg_jw_null(struct lg_jw *w)
{
    before_value(w);
    lg_buf_adds(w->out, LG_STR("null"));
}

void lg_jw_raw(struct lg_jw *w, struct lg_str json)
{
    before_value(w);
    lg_buf_adds(w->out, json);
}

void lg_jw_time(struct lg_jw *w, int64_t time_ns)
{
    char text[LG_TIME_EPOCH_MAX];
    size_t n = lg_time_epoch(time_ns, text);

    before_value(w);
    lg_buf_add(w->out, text, n);
}

void lg_jw_base64(struct lg_jw *w, struct lg_str s)
{
    static const char alphabet[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = (const unsigned char *)s.p;
    size_t i = 0;
    char *p;

    before_value(w);
    if (s.n > SIZE_MAX / 2 || lg_buf_reserve(w->out, (s.n + 2) / 3 * 4 + 2) < 0) {
        if (w->out->failed == 0)
            w->out->failed = LG_ELIMIT;
        return;
    }
    p = w->out->p + w->out->n;
    *p++ = '"';
    for (; i + 3 <= s.n; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];

        *p++ = alphabet[v >> 18];
        *p++ = alphabet[v >> 12 & 63];
        *p++ = alphabet[v >> 6 & 63];
        *p++ = alphabet[v & 63];
    }
    if (i < s.n) {
        uint32_t v = (uint32_t)in[i] << 16 | (i + 1 < s.n ? (uint32_t)in[i + 1] << 8 : 0);

        *p++ = alphabet[v >> 18];
        *p++ = alphabet[v >> 12 & 63];
        *p++ = i + 1 < s.n ? alphabet[v >> 6 & 63] : '=';
        *p++ = '=';
    }
    *p++ = '"';
    w->out->n = (size_t)(p - w->out->p);
}

void lg_jw_value(struct lg_jw *w, struct lg_jval v)
{
    struct lg_jiter it;
    struct lg_jval one;
    struct lg_str key;

    switch (lg_jval_type(v)) {
    case LG_JSON_NULL:
        lg_jw_null(w);
        break;
    case LG_JSON_BOOL:
        lg_jw_bool(w, lg_jval_bool(v));
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
    case LG_JSON_STRING:
        lg_jw_str(w, lg_jval_str(v));
        break;
    case LG_JSON_ARRAY:
        lg_jw_array(w);
        it = lg_jiter_of(v);
        while (lg_jiter_item(&it, &one))
            lg_jw_value(w, one);
        lg_jw_array_end(w);
        break;
    case LG_JSON_OBJECT:
        lg_jw_object(w);
        it = lg_jiter_of(v);
        while (lg_jiter_member(&it, &key, &one)) {
            lg_jw_key_any(w, key);
            lg_jw_value(w, one);
        }
        lg_jw_object_end(w);
        break;
    }
}
