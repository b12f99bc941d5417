#include "base/utf8.h"
#include "postgres/int.h"

#define MARK 0x1a

bool lg_pg_text_plain(struct lg_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == MARK || s.p[i] == '\0')
            return false;
    return lg_utf8_valid(s);
}

/* Bytes of the well-formed character at the start of `s`; 0 where there is none. */
static size_t character(struct lg_str s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    if (c == 0 || c == MARK || n > s.n)
        return 0;
    return lg_utf8_valid(lg_str_sub(s, 0, n)) ? n : 0;
}

void lg_pg_text_escape(struct lg_str s, struct lg_buf *out)
{
    while (s.n > 0) {
        size_t n = character(s);

        if (n > 0)
            lg_buf_add(out, s.p, n);
        else
            lg_buf_printf(out, "%c%02x", MARK, (unsigned char)s.p[0]);
        s = lg_str_sub(s, n > 0 ? n : 1, s.n);
    }
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int lg_pg_text_unescape(struct lg_str s, struct lg_buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        int high, low;

        if (s.p[i] != MARK) {
            lg_buf_addc(out, s.p[i]);
            continue;
        }
        high = i + 2 < s.n ? digit(s.p[i + 1]) : -1;
        low = i + 2 < s.n ? digit(s.p[i + 2]) : -1;
        if (high < 0 || low < 0)
            return LG_ECORRUPT;
        lg_buf_addc(out, (char)(high << 4 | low));
        i += 2;
    }
    return out->failed;
}
