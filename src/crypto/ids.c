#include "crypto/ids.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "crypto/crypto_int.h"

static pthread_once_t sodium_once = PTHREAD_ONCE_INIT;

static void sodium_start(void)
{
    /* it picks this CPU's implementation; hashing cannot go on without knowing that it did */
    LG_ASSERT(sodium_init() >= 0);
}

void lg_crypto_start(void)
{
    (void)pthread_once(&sodium_once, sodium_start);
}

static void put_u64le(unsigned char out[8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(v >> (8 * i));
}

/* One call of the compression function is the whole cost, so small tuples are joined first. */
#define JOINED_BYTES 512

static size_t join(unsigned char out[JOINED_BYTES], const struct lg_str *parts, size_t n)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (JOINED_BYTES - at < 8 || parts[i].n > JOINED_BYTES - at - 8)
            return SIZE_MAX;
        put_u64le(out + at, parts[i].n);
        if (parts[i].n > 0)
            memcpy(out + at + 8, parts[i].p, parts[i].n);
        at += 8 + parts[i].n;
    }
    return at;
}

struct lg_uuid lg_uuid_from_tuple(const struct lg_str *parts, size_t n)
{
    unsigned char joined[JOINED_BYTES];
    size_t len = join(joined, parts, n);
    struct lg_uuid id;

    lg_crypto_start();
    if (len != SIZE_MAX) {
        (void)crypto_generichash(id.b, sizeof(id.b), joined, len, NULL, 0);
    } else {
        crypto_generichash_state st;

        (void)crypto_generichash_init(&st, NULL, 0, sizeof(id.b));
        for (size_t i = 0; i < n; i++) {
            unsigned char le[8];

            put_u64le(le, parts[i].n);
            (void)crypto_generichash_update(&st, le, sizeof(le));
            (void)crypto_generichash_update(&st, (const unsigned char *)parts[i].p, parts[i].n);
        }
        (void)crypto_generichash_final(&st, id.b, sizeof(id.b));
    }
    id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x80); /* version 8 */
    id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80); /* variant 10 */
    return id;
}

static const char hex_digits[] = "0123456789abcdef";

void lg_uuid_text(const struct lg_uuid *id, char out[LG_UUID_TEXT + 1])
{
    char *p = out;

    for (int i = 0; i < LG_UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = hex_digits[id->b[i] >> 4];
        *p++ = hex_digits[id->b[i] & 15];
    }
    *p = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lg_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int lg_uuid_parse(struct lg_str s, struct lg_uuid *ret)
{
    struct lg_uuid id;
    size_t at = 0;

    if (s.n != LG_UUID_TEXT)
        return LG_EPARSE;
    for (int i = 0; i < LG_UUID_BYTES; i++) {
        int hi, lo;

        if ((i == 4 || i == 6 || i == 8 || i == 10) && s.p[at++] != '-')
            return LG_EPARSE;
        hi = hex_value(s.p[at]);
        lo = hex_value(s.p[at + 1]);
        if (hi < 0 || lo < 0)
            return LG_EPARSE;
        id.b[i] = (uint8_t)(hi << 4 | lo);
        at += 2;
    }
    *ret = id;
    return 0;
}

void lg_blake2b_256(struct lg_str bytes, uint8_t out[32])
{
    lg_crypto_start();
    (void)crypto_generichash(out, 32, (const unsigned char *)bytes.p, bytes.n, NULL, 0);
}

static void sha256_text(
        const unsigned char digest[crypto_hash_sha256_BYTES], char out[LG_SHA256_HEX + 1])
{
    for (unsigned i = 0; i < crypto_hash_sha256_BYTES; i++) {
        out[2 * i] = hex_digits[digest[i] >> 4];
        out[2 * i + 1] = hex_digits[digest[i] & 15];
    }
    out[LG_SHA256_HEX] = '\0';
}

void lg_sha256_hex(struct lg_str bytes, char out[LG_SHA256_HEX + 1])
{
    unsigned char digest[crypto_hash_sha256_BYTES];

    lg_crypto_start();
    (void)crypto_hash_sha256(digest, (const unsigned char *)bytes.p, bytes.n);
    sha256_text(digest, out);
}

int lg_sha256_file(const char *path, char out[LG_SHA256_HEX + 1])
{
    unsigned char block[16384], digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state st;
    FILE *f = fopen(path, "rbe");
    size_t n;
    int rc = 0;

    if (f == NULL)
        return errno == ENOENT || errno == ENOTDIR ? LG_ENOENT : LG_EIO;
    lg_crypto_start();
    (void)crypto_hash_sha256_init(&st);
    for (;;) {
        n = fread(block, 1, sizeof(block), f);
        if (n == 0)
            break;
        (void)crypto_hash_sha256_update(&st, block, n);
    }
    if (ferror(f) != 0)
        rc = LG_EIO;
    (void)fclose(f);
    if (rc < 0)
        return rc;
    (void)crypto_hash_sha256_final(&st, digest);
    sha256_text(digest, out);
    return 0;
}
