#include "base/utf8.h"
#include "capture/capture_int.h"

static bool is_plain_ascii(unsigned char c)
{
    return c >= 0x20 && c < 0x7f;
}

/* Sets the encoding from the first bytes and takes a BOM off them. */
static void tell(struct lg_text *t)
{
    const unsigned char *h = t->head;
    size_t bom = 0;

    t->encoding = LG_TEXT_UTF8;
    if (t->head_n >= 3 && memcmp(h, "\xef\xbb\xbf", 3) == 0) {
        bom = 3;
    } else if (t->head_n >= 2 && h[0] == 0xff && h[1] == 0xfe) {
        t->encoding = LG_TEXT_UTF16LE;
        bom = 2;
    } else if (t->head_n >= 2 && h[0] == 0xfe && h[1] == 0xff) {
        t->encoding = LG_TEXT_UTF16BE;
        bom = 2;
    } else if (t->head_n == 4 && is_plain_ascii(h[0]) && h[1] == 0 && h[2] != 0 && h[3] == 0) {
        t->encoding = LG_TEXT_UTF16LE;
    } else if (t->head_n == 4 && h[0] == 0 && is_plain_ascii(h[1]) && h[2] == 0 && h[3] != 0) {
        t->encoding = LG_TEXT_UTF16BE;
    }
    t->head_n -= bom;
    memmove(t->head, t->head + bom, t->head_n);
}

static int read_head(struct lg_text *t, struct lg_err *reterr)
{
    while (t->head_n < sizeof(t->head)) {
        char tmp[sizeof(t->head)];
        ptrdiff_t n = lg_input_read(t->src, tmp, sizeof(t->head) - t->head_n, reterr);

        if (n < 0 && t->head_n == 0)
            return (int)n;
        if (n <= 0) /* a fault is sticky: it comes again after these bytes */
            break;
        memcpy(t->head + t->head_n, tmp, (size_t)n);
        t->head_n += (size_t)n;
    }
    tell(t);
    return 0;
}

static char *put(char *out, uint32_t cp)
{
    struct lg_buf b = {.p = out, .n = 0, .cap = 4, .max = 4};

    lg_utf8_put(&b, cp);
    return out + b.n;
}

static char *put_unit(struct lg_text *t, char *out, uint32_t unit)
{
    if (t->high != 0 && unit >= 0xdc00 && unit <= 0xdfff) {
        out = put(out, 0x10000 + ((t->high - 0xd800) << 10) + (unit - 0xdc00));
        t->high = 0;
        return out;
    }
    if (t->high != 0) {
        t->high = 0;
        out = put(out, 0xfffd);
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
        t->high = unit;
        return out;
    }
    if (unit < 0x80) {
        *out++ = (char)unit;
        return out;
    }
    return put(out, unit);
}

static char *convert(struct lg_text *t, char *out, const unsigned char *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!t->has_odd) {
            t->odd = in[i];
            t->has_odd = true;
            continue;
        }
        t->has_odd = false;
        out = put_unit(t, out,
                t->encoding == LG_TEXT_UTF16LE ? (uint32_t)in[i] << 8 | t->odd
                                               : (uint32_t)t->odd << 8 | in[i]);
    }
    return out;
}

static ptrdiff_t read_utf16(struct lg_text *t, char *out, size_t max, struct lg_err *reterr)
{
    unsigned char in[16384];
    char *p = convert(t, out, t->head, t->head_n);
    /* three bytes a unit at most, and room for what a waiting surrogate adds */
    size_t want = (max - 32) / 3 * 2 < sizeof(in) ? (max - 32) / 3 * 2 : sizeof(in);
    ptrdiff_t n;

    t->head_n = 0;
    while (p == out) {
        n = lg_input_read(t->src, (char *)in, want, reterr);
        if (n < 0)
            return n;
        if (n == 0) {
            if (t->high != 0 || t->has_odd) /* broke off inside a character */
                p = put(p, 0xfffd);
            t->high = 0;
            t->has_odd = false;
            break;
        }
        p = convert(t, p, in, (size_t)n);
    }
    return p - out;
}

ptrdiff_t lg_text_read(struct lg_text *t, char *out, size_t max, struct lg_err *reterr)
{
    ptrdiff_t n;

    if (t->encoding == LG_TEXT_UNKNOWN) {
        int rc = read_head(t, reterr);

        if (rc < 0)
            return rc;
    }
    if (t->encoding != LG_TEXT_UTF8)
        return read_utf16(t, out, max, reterr);
    if (t->head_n > 0) {
        n = (ptrdiff_t)t->head_n;
        memcpy(out, t->head, t->head_n);
        t->head_n = 0;
        return n;
    }
    return lg_input_read(t->src, out, max, reterr);
}
