#include "store/shared.h"

#include <string.h>

#include "crypto/chain.h"
#include "crypto/encode.h"

/* Simple case folds that keep two bytes two bytes: Latin-1, Greek, Cyrillic; and Latin Extended-A,
 * whose pairs alternate. */
static uint32_t fold2(uint32_t cp)
{
    static const struct {
        uint16_t first, last;
        enum { PLUS_32, PLUS_80, EVEN_IS_UPPER, ODD_IS_UPPER } how;
    } ranges[] = {{0xc0, 0xd6, PLUS_32}, {0xd8, 0xde, PLUS_32}, {0x100, 0x12f, EVEN_IS_UPPER},
            {0x132, 0x137, EVEN_IS_UPPER}, {0x139, 0x148, ODD_IS_UPPER},
            {0x14a, 0x177, EVEN_IS_UPPER}, {0x179, 0x17e, ODD_IS_UPPER}, {0x391, 0x3a9, PLUS_32},
            {0x400, 0x40f, PLUS_80}, {0x410, 0x42f, PLUS_32}, {0x460, 0x481, EVEN_IS_UPPER}};

    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        if (cp < ranges[i].first || cp > ranges[i].last)
            continue;
        switch (ranges[i].how) {
        case PLUS_32:
            return cp + 32;
        case PLUS_80:
            return cp + 80;
        case EVEN_IS_UPPER:
            return cp | 1;
        default:
            return cp + (cp & 1);
        }
    }
    return cp;
}

void lg_text_fold(struct lg_str s, struct lg_buf *out)
{
    size_t at = out->n;

    lg_buf_adds(out, s);
    if (out->failed != 0)
        return;
    for (size_t i = at; i < out->n; i++) {
        unsigned char c = (unsigned char)out->p[i];

        if (c < 0x80) {
            out->p[i] = lg_ascii_lower(out->p[i]);
        } else if (c >= 0xc2 && c <= 0xdf && i + 1 < out->n &&
                ((unsigned char)out->p[i + 1] & 0xc0) == 0x80) {
            uint32_t cp = fold2((uint32_t)(c & 0x1f) << 6 | ((unsigned char)out->p[i + 1] & 0x3f));

            out->p[i] = (char)(0xc0 | cp >> 6);
            out->p[i + 1] = (char)(0x80 | (cp & 0x3f));
            i++;
        }
    }
}

#define MAC_BYTES 16

static void cursor_mac(const uint8_t key[32], const void *p, size_t n, uint8_t mac[MAC_BYTES])
{
    const struct lg_str parts[] = {lg_str_of((const char *)key, 32), lg_str_of((const char *)p, n)};
    struct lg_link link = lg_chain_next_of(LG_STR("logster cursor"), NULL, parts, 2);

    memcpy(mac, link.b, MAC_BYTES);
}

int lg_cursor_seal(
        const uint8_t key[32], const void *p, size_t n, struct lg_arena *a, struct lg_str *ret)
{
    char raw[256];
    struct lg_buf b;
    int rc;

    LG_ASSERT(n + MAC_BYTES <= sizeof(raw));
    memcpy(raw, p, n);
    cursor_mac(key, p, n, (uint8_t *)raw + n);
    lg_buf_init(&b, 1024);
    lg_base64_encode(LG_BASE64_URL, lg_str_of(raw, n + MAC_BYTES), &b);
    rc = b.failed != 0 ? b.failed : lg_arena_dup(a, lg_buf_str(&b), ret);
    lg_buf_done(&b);
    return rc;
}

int lg_cursor_open(const uint8_t key[32], struct lg_str text, void *ret, size_t n)
{
    char raw[256];
    uint8_t mac[MAC_BYTES];

    LG_ASSERT(n + MAC_BYTES <= sizeof(raw));
    if (lg_base64_decode(LG_BASE64_URL, text, raw, sizeof(raw)) != (int)(n + MAC_BYTES))
        return LG_EINVAL;
    cursor_mac(key, raw, n, mac);
    if (!lg_crypto_equal(mac, raw + n, MAC_BYTES))
        return LG_EINVAL;
    memcpy(ret, raw, n);
    return 0;
}

int lg_arena_array(struct lg_arena *a, void **v, uint32_t n, uint32_t *cap, size_t size)
{
    uint32_t want = *cap == 0 ? 16 : *cap * 2;
    void *p;

    if (n < *cap)
        return 0;
    p = lg_arena_alloc(a, want * size);
    if (p == NULL)
        return LG_ENOMEM;
    if (n > 0)
        memcpy(p, *v, n * size);
    *v = p;
    *cap = want;
    return 0;
}
