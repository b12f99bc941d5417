#include <emmintrin.h>

#include "base/utf8.h"
#include "json/write.h"

/*
 * String escaping is a large share of writing an event (Windows paths are full of backslashes),
 * so it runs on 16 bytes at a time with SSE2, which every x86-64 has. Plain text is stored as it
 * is loaded; the first byte that needs work is handled alone. Room for the worst case (6 bytes
 * for one) is made before a piece starts, so that the inner loop checks nothing.
 */
#define PIECE_BYTES ((size_t)2048)
#define WORST_GROWTH 6

static const char short_escape[32] = {
        ['\b'] = 'b',
        ['\t'] = 't',
        ['\n'] = 'n',
        ['\f'] = 'f',
        ['\r'] = 'r',
};

static char *put_control(char *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";

    *out++ = '\\';
    if (short_escape[c] != '\0') {
        *out++ = short_escape[c];
        return out;
    }
    memcpy(out, "u00", 3);
    out[3] = hex[c >> 4];
    out[4] = hex[c & 15];
    return out + 5;
}

/* Length of the well-formed sequence of two to four bytes at p, or 0. */
static size_t sequence(const unsigned char *p, size_t n)
{
    size_t need = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

    if (n < need || !lg_utf8_valid(lg_str_of((const char *)p, need)))
        return 0;
    return need;
}

/* Bytes (1..3) of the maximal ill-formed part at p: what U+FFFD stands for once. */
static size_t ill_formed(const unsigned char *p, size_t n)
{
    size_t len = 1;

    /* the longest prefix that continuation bytes of 0x80 would complete: only the second byte's
     * range depends on the first, and that byte is always the record's own here */
    for (size_t k = 2; k <= 3 && k <= n; k++) {
        size_t need = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
        char probe[4];

        if (k >= need || (p[k - 1] & 0xc0) != 0x80)
            break;
        memset(probe, (char)0x80, sizeof(probe));
        memcpy(probe, p, k);
        if (!lg_utf8_valid(lg_str_of(probe, need)))
            break;
        len = k;
    }
    return len;
}

/* Handles the byte at *in that is not plain; moves *in. */
static char *put_special(char *out, const unsigned char **in, size_t left)
{
    const unsigned char *p = *in;
    size_t n;

    if (*p < 0x20) {
        *in = p + 1;
        return put_control(out, *p);
    }
    if (*p < 0x80) { /* quote or backslash */
        *out++ = '\\';
        *out++ = (char)*p;
        *in = p + 1;
        return out;
    }
    n = *p >= 0xc2 && *p <= 0xf4 ? sequence(p, left) : 0;
    if (n == 0) {
        memcpy(out, "\xef\xbf\xbd", 3);
        *in = p + (*p >= 0xc2 && *p <= 0xf4 ? ill_formed(p, left) : 1);
        return out + 3;
    }
    memcpy(out, p, n);
    *in = p + n;
    return out + n;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* 16 bytes of which the marked ones are quotes and backslashes, the first ones up to the first mark
 * already copied. Reads up to 16 bytes more. */
static char *escape_easy(char *out, const unsigned char *in, unsigned mask)
{
    unsigned from = 0;

    do {
        unsigned at = (unsigned)__builtin_ctz(mask);

        out += at - from;
        *out = '\\';
        /* the byte itself and what follows it, as far as the next mark */
        _mm_storeu_si128((__m128i *)(void *)(out + 1),
                _mm_loadu_si128((const __m128i *)(const void *)(in + at)));
        out++;
        from = at;
        mask &= mask - 1;
    } while (mask != 0);
    return out + (16 - from);
}

/* Escapes from `in` until `stop` or a little past it (a sequence is never cut); `end` is the end
 * of the whole string. */
static char *escape_piece(
        char *out, const unsigned char **pin, const unsigned char *stop, const unsigned char *end)
{
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'),
                  space = _mm_set1_epi8(0x20);
    const unsigned char *in = *pin;

    while (in < stop) {
        if (stop - in >= 16) {
            __m128i x = _mm_loadu_si128((const __m128i *)(const void *)in);
            /* signed compare: bytes from 0x80 up are negative, so they too are below 0x20 */
            __m128i hard = _mm_cmplt_epi8(x, space);
            __m128i easy = _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash));
            unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(hard, easy));

            _mm_storeu_si128((__m128i *)(void *)out, x);
            if (mask == 0) {
                in += 16;
                out += 16;
                continue;
            }
            if (_mm_movemask_epi8(hard) == 0 && end - in >= 32) {
                out = escape_easy(out, in, mask);
                in += 16;
                continue;
            }
            in += __builtin_ctz(mask);
            out += __builtin_ctz(mask);
        } else if (is_plain(*in)) {
            *out++ = (char)*in++;
            continue;
        }
        if (!is_plain(*in))
            out = put_special(out, &in, (size_t)(end - in));
    }
    *pin = in;
    return out;
}

/* Near the buffer's maximum the worst case may not fit although the text does. */
static void escape_slowly(struct lg_buf *b, const unsigned char *in, const unsigned char *end)
{
    char tmp[WORST_GROWTH];

    while (in < end && b->failed == 0) {
        char *t = tmp;

        if (is_plain(*in))
            *t++ = (char)*in++;
        else
            t = put_special(tmp, &in, (size_t)(end - in));
        lg_buf_add(b, tmp, (size_t)(t - tmp));
    }
}

void lg_json_escape(struct lg_buf *out, struct lg_str s)
{
    const unsigned char *in = (const unsigned char *)s.p, *end;

    if (s.n == 0)
        return;
    end = in + s.n;
    while (in < end) {
        size_t n = (size_t)(end - in) < PIECE_BYTES ? (size_t)(end - in) : PIECE_BYTES;
        size_t room = n * WORST_GROWTH + 16;

        if (out->n > out->max || room > out->max - out->n) {
            escape_slowly(out, in, end);
            return;
        }
        if (lg_buf_reserve(out, room) < 0)
            return;
        out->n = (size_t)(escape_piece(out->p + out->n, &in, in + n, end) - out->p);
    }
}
