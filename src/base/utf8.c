#include "base/utf8.h"

/* Length of the well-formed sequence at p (1..4), or minus the length of the maximal ill-formed
 * part (-1..-3). */
static int sequence(const unsigned char *p, size_t n)
{
    unsigned char lo = 0x80, hi = 0xbf;
    int need;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return -1;
    need = p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
    if (p[0] == 0xe0)
        lo = 0xa0;
    else if (p[0] == 0xed)
        hi = 0x9f;
    else if (p[0] == 0xf0)
        lo = 0x90;
    else if (p[0] == 0xf4)
        hi = 0x8f;
    for (int i = 1; i <= need; i++) {
        if ((size_t)i >= n || p[i] < lo || p[i] > hi)
            return -i;
        lo = 0x80;
        hi = 0xbf;
    }
    return need + 1;
}

bool lg_utf8_valid(struct lg_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0;

    while (i < s.n) {
        uint64_t w;
        int len;

        if (i + 8 <= s.n) {
            memcpy(&w, p + i, 8);
            if ((w & 0x8080808080808080u) == 0) {
                i += 8;
                continue;
            }
        }
        len = sequence(p + i, s.n - i);
        if (len < 0)
            return false;
        i += (size_t)len;
    }
    return true;
}

size_t lg_utf8_repair(struct lg_buf *out, struct lg_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0, from = 0, bad = 0;

    while (i < s.n) {
        int len = sequence(p + i, s.n - i);

        if (len > 0) {
            i += (size_t)len;
            continue;
        }
        lg_buf_add(out, s.p + from, i - from);
        lg_buf_add(out, "\xef\xbf\xbd", 3);
        bad++;
        i += (size_t)-len;
        from = i;
    }
    lg_buf_add(out, s.p + from, s.n - from);
    return bad;
}

void lg_utf8_put(struct lg_buf *out, uint32_t cp)
{
    unsigned char b[4];
    size_t n;

    if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        cp = 0xfffd;
    if (cp < 0x80) {
        b[0] = (unsigned char)cp;
        n = 1;
    } else if (cp < 0x800) {
        b[0] = (unsigned char)(0xc0 | cp >> 6);
        b[1] = (unsigned char)(0x80 | (cp & 0x3f));
        n = 2;
    } else if (cp < 0x10000) {
        b[0] = (unsigned char)(0xe0 | cp >> 12);
        b[1] = (unsigned char)(0x80 | (cp >> 6 & 0x3f));
        b[2] = (unsigned char)(0x80 | (cp & 0x3f));
        n = 3;
    } else {
        b[0] = (unsigned char)(0xf0 | cp >> 18);
        b[1] = (unsigned char)(0x80 | (cp >> 12 & 0x3f));
        b[2] = (unsigned char)(0x80 | (cp >> 6 & 0x3f));
        b[3] = (unsigned char)(0x80 | (cp & 0x3f));
        n = 4;
    }
    lg_buf_add(out, b, n);
}
