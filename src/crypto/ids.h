#ifndef LG_CRYPTO_IDS_H
#define LG_CRYPTO_IDS_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Deterministic ids: UUIDv8 (RFC 9562, 5.8) from BLAKE2b-128 over length-prefixed tuples, and
 * SHA-256 digests of files and models. Thread: any.
 */
#define LG_UUID_BYTES 16
#define LG_UUID_TEXT 36

struct lg_uuid {
    uint8_t b[LG_UUID_BYTES];
};

/* BLAKE2b-128 over (u64le length, bytes) of each part, version and variant bits set. */
struct lg_uuid lg_uuid_from_tuple(const struct lg_str *parts, size_t n);
/* Lower-case 8-4-4-4-12 and a NUL. */
void lg_uuid_text(const struct lg_uuid *id, char out[LG_UUID_TEXT + 1]);
int lg_uuid_parse(struct lg_str s, struct lg_uuid *ret) LG_MUST_CHECK;

/* BLAKE2b-256 of bytes, e.g. identity of a record that has none of its own. */
void lg_blake2b_256(struct lg_str bytes, uint8_t out[32]);

#define LG_SHA256_HEX 64
void lg_sha256_hex(struct lg_str bytes, char out[LG_SHA256_HEX + 1]);
/* Digest of a file's content. 0, LG_ENOENT, LG_EIO. */
int lg_sha256_file(const char *path, char out[LG_SHA256_HEX + 1]) LG_MUST_CHECK;

#endif
