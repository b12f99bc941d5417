#include "crypto/hmac.h"

#include <sodium.h>

#include "crypto/crypto_int.h"

void lg_hmac_sha256(
        struct lg_str key, const struct lg_str *parts, size_t n, uint8_t out[LG_HMAC_SHA256_BYTES])
{
    static const uint8_t none[1];
    crypto_auth_hmacsha256_state st;

    lg_crypto_start();
    (void)crypto_auth_hmacsha256_init(&st, key.n > 0 ? (const uint8_t *)key.p : none, key.n);
    for (size_t i = 0; i < n; i++)
        (void)crypto_auth_hmacsha256_update(
                &st, parts[i].n > 0 ? (const uint8_t *)parts[i].p : none, parts[i].n);
    (void)crypto_auth_hmacsha256_final(&st, out);
    sodium_memzero(&st, sizeof(st));
}
