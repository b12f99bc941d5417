#include "base/parse.h"
#include "base/utf8.h"
#include "json/json.h"
#include "json/json_int.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lg_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of "\uXXXX" at `at`, or -1. */
static int32_t unicode_escape(struct lg_str s, size_t at)
{
    int32_t v = 0;

    if (at + 6 > s.n || s.p[at] != '\\' || s.p[at + 1] != 'u')
        return -1;
    for (size_t i = at + 2; i < at + 6; i++) {
        int d = hex_digit(s.p[i]);

        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

/* Copies the escape at s[at] and returns the offset after it. */
static size_t repair_escape(struct lg_buf *out, struct lg_str s, size_t at)
{
    int32_t unit = unicode_escape(s, at), low;

    if (unit < 0xd800 || unit > 0xdfff) {
        size_t n = unit >= 0 ? 6 : at + 1 < s.n && (unsigned char)s.p[at + 1] < 0x80 ? 2 : 1;

        lg_buf_add(out, s.p + at, n);
        return at + n;
    }
    low = unit < 0xdc00 ? unicode_escape(s, at + 6) : -1;
    if (low >= 0xdc00 && low <= 0xdfff) {
        lg_buf_add(out, s.p + at, 12);
        return at + 12;
    }
    lg_buf_adds(out, LG_STR("\\ufffd"));
    return at + 6;
}

/* Copies the string whose quote stands at s[at] and returns the offset after its end. */
static size_t repair_string(struct lg_buf *out, struct lg_str s, size_t at)
{
    lg_buf_addc(out, '"');
    at++;
    while (at < s.n) {
        size_t from = at;

        while (at < s.n && s.p[at] != '"' && s.p[at] != '\\')
            at++;
        (void)lg_utf8_repair(out, lg_str_of(s.p + from, at - from));
        if (at == s.n)
            break;
        if (s.p[at] == '"') {
            lg_buf_addc(out, '"');
            return at + 1;
        }
        at = repair_escape(out, s, at);
    }
    return at;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_digits(struct lg_str t, size_t i)
{
    while (i < t.n && is_digit(t.p[i]))
        i++;
    return i;
}

/* RFC 8259, section 6. */
static bool number_grammar(struct lg_str t, bool *ret_integer)
{
    size_t i = 0, from;

    *ret_integer = true;
    if (i < t.n && t.p[i] == '-')
        i++;
    if (i == t.n || !is_digit(t.p[i]))
        return false;
    i = t.p[i] == '0' ? i + 1 : skip_digits(t, i);
    if (i < t.n && t.p[i] == '.') {
        *ret_integer = false;
        from = i + 1;
        i = skip_digits(t, from);
        if (i == from)
            return false;
    }
    if (i < t.n && lg_ascii_lower(t.p[i]) == 'e') {
        *ret_integer = false;
        i++;
        if (i < t.n && (t.p[i] == '+' || t.p[i] == '-'))
            i++;
        from = i;
        i = skip_digits(t, from);
        if (i == from)
            return false;
    }
    return i == t.n;
}

static bool fits(struct lg_str t, bool integer)
{
    uint64_t u;
    int64_t i;

    if (!integer)
        return lg_double_fits(t.p, t.n) != 0;
    return lg_parse_i64(t, &i) == 0 || lg_parse_u64(t, &u) == 0;
}

static size_t repair_number(struct lg_buf *out, struct lg_str s, size_t at)
{
    size_t end = at;
    struct lg_str t;
    bool integer;

    while (end < s.n &&
            (is_digit(s.p[end]) || s.p[end] == '-' || s.p[end] == '+' || s.p[end] == '.' ||
                    lg_ascii_lower(s.p[end]) == 'e'))
        end++;
    t = lg_str_of(s.p + at, end - at);
    if (number_grammar(t, &integer) && !fits(t, integer)) {
        lg_buf_addc(out, '"');
        lg_buf_adds(out, t);
        lg_buf_addc(out, '"');
    } else {
        lg_buf_adds(out, t);
    }
    return end;
}

void lg_json_repair(struct lg_buf *out, struct lg_str s)
{
    size_t at = 0, from;

    while (at < s.n && out->failed == 0) {
        if (s.p[at] == '"') {
            at = repair_string(out, s, at);
        } else if (s.p[at] == '-' || is_digit(s.p[at])) {
            at = repair_number(out, s, at);
        } else {
            for (from = at; at < s.n && s.p[at] != '"' && s.p[at] != '-' && !is_digit(s.p[at]);)
                at++;
            lg_buf_add(out, s.p + from, at - from);
        }
    }
}
