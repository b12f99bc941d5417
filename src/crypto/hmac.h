#ifndef LG_CRYPTO_HMAC_H
#define LG_CRYPTO_HMAC_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * HMAC-SHA256 (RFC 2104) over the parts one after the other, for receivers that are not ours: what
 * we check ourselves is signed with crypto/sign.h. A key of any length. Thread: any.
 */
#define LG_HMAC_SHA256_BYTES 32
void lg_hmac_sha256(
        struct lg_str key, const struct lg_str *parts, size_t n, uint8_t out[LG_HMAC_SHA256_BYTES]);

#endif
