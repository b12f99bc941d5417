#include "crypto/encode.h"

#include <sodium.h>
#include <string.h>

#include "crypto/crypto_int.h"

static const char hex_digits[] = "0123456789abcdef";

void lg_hex_encode(const void *bytes, size_t n, char *out)
{
    const uint8_t *b = bytes;

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex_digits[b[i] >> 4];
        out[2 * i + 1] = hex_digits[b[i] & 15];
    }
    out[2 * n] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lg_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int lg_hex_decode(struct lg_str text, void *out, size_t cap)
{
    uint8_t *b = out;

    if (text.n % 2 != 0)
        return LG_EPARSE;
    if (text.n / 2 > cap)
        return LG_ELIMIT;
    for (size_t i = 0; i < text.n; i += 2) {
        int hi = hex_value(text.p[i]), lo = hex_value(text.p[i + 1]);

        if (hi < 0 || lo < 0)
            return LG_EPARSE;
        b[i / 2] = (uint8_t)(hi << 4 | lo);
    }
    return (int)(text.n / 2);
}

static const char std_alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void lg_base64_encode(enum lg_base64 kind, struct lg_str bytes, struct lg_buf *out)
{
    const char *abc = kind == LG_BASE64_URL ? url_alphabet : std_alphabet;
    const uint8_t *b = (const uint8_t *)bytes.p;

    if (bytes.n > SIZE_MAX / 2 || lg_buf_reserve(out, (bytes.n + 2) / 3 * 4) < 0)
        return;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t have = bytes.n - i < 3 ? bytes.n - i : 3;
        uint32_t v = (uint32_t)b[i] << 16 | (have > 1 ? (uint32_t)b[i + 1] << 8 : 0) |
                (have > 2 ? b[i + 2] : 0);

        lg_buf_addc(out, abc[v >> 18]);
        lg_buf_addc(out, abc[v >> 12 & 63]);
        if (have > 1)
            lg_buf_addc(out, abc[v >> 6 & 63]);
        if (have > 2)
            lg_buf_addc(out, abc[v & 63]);
        for (size_t pad = have; pad < 3 && kind != LG_BASE64_URL; pad++)
            lg_buf_addc(out, '=');
    }
}

static int base64_value(enum lg_base64 kind, char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (kind != LG_BASE64_URL && (c == '+' || c == '/'))
        return c == '+' ? 62 : 63;
    if (kind != LG_BASE64_STD && (c == '-' || c == '_'))
        return c == '-' ? 62 : 63;
    return -1;
}

/* Takes the padding off; LG_EPARSE when it is not what the variant wants. */
static int base64_unpad(enum lg_base64 kind, struct lg_str *text)
{
    size_t n = text->n, pads = 0;

    while (pads < 2 && n > 0 && text->p[n - 1] == '=') {
        n--;
        pads++;
    }
    if (pads > 0 ? kind == LG_BASE64_URL || text->n % 4 != 0
                 : kind == LG_BASE64_STD && text->n % 4 != 0)
        return LG_EPARSE;
    text->n = n;
    return n % 4 == 1 ? LG_EPARSE : 0;
}

int lg_base64_decode(enum lg_base64 kind, struct lg_str text, void *out, size_t cap)
{
    uint8_t *b = out;
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t n = 0;

    if (base64_unpad(kind, &text) < 0)
        return LG_EPARSE;
    if (text.n / 4 * 3 + text.n % 4 * 3 / 4 > cap || cap > INT32_MAX)
        return LG_ELIMIT;
    for (size_t i = 0; i < text.n; i++) {
        int v = base64_value(kind, text.p[i]);

        if (v < 0)
            return LG_EPARSE;
        acc = acc << 6 | (uint32_t)v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            b[n++] = (uint8_t)(acc >> bits);
            acc &= (1u << bits) - 1;
        }
    }
    return acc != 0 ? LG_EPARSE : (int)n; /* stray bits: two texts would mean the same */
}

static const char base32_alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

int lg_base32_encode(const void *bytes, size_t n, char *out, size_t cap)
{
    const uint8_t *b = bytes;
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t at = 0;

    if (n > SIZE_MAX / 8 || (n * 8 + 4) / 5 >= cap)
        return LG_ELIMIT;
    for (size_t i = 0; i < n; i++) {
        acc = (acc << 8 | b[i]) & 0xfff;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out[at++] = base32_alphabet[acc >> bits & 31];
        }
    }
    if (bits > 0)
        out[at++] = base32_alphabet[acc << (5 - bits) & 31];
    out[at] = '\0';
    return 0;
}

int lg_base32_decode(struct lg_str text, void *out, size_t cap)
{
    uint8_t *b = out;
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t n = 0;

    if (text.n % 8 == 1 || text.n % 8 == 3 || text.n % 8 == 6)
        return LG_EPARSE;
    if (text.n / 8 * 5 + text.n % 8 * 5 / 8 > cap || cap > INT32_MAX)
        return LG_ELIMIT;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        uint32_t v;

        if (c >= 'a' && c <= 'z')
            v = (uint32_t)(c - 'a');
        else if (c >= '2' && c <= '7')
            v = (uint32_t)(c - '2') + 26;
        else
            return LG_EPARSE;
        acc = acc << 5 | v;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            b[n++] = (uint8_t)(acc >> bits);
            acc &= (1u << bits) - 1;
        }
    }
    return acc != 0 ? LG_EPARSE : (int)n;
}

bool lg_crypto_equal(const void *a, const void *b, size_t n)
{
    lg_crypto_start();
    return sodium_memcmp(a, b, n) == 0;
}

void lg_crypto_random(void *out, size_t n)
{
    lg_crypto_start();
    randombytes_buf(out, n);
}

void lg_crypto_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}
