#ifndef LG_CRYPTO_ENCODE_H
#define LG_CRYPTO_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/*
 * Text forms of bytes (RFC 4648), strict in one way: no white space, no stray bits, padding exactly
 * as the variant wants it. Decoders write at most `cap` bytes and give the number, or LG_EPARSE,
 * LG_ELIMIT. Thread: any.
 */
enum lg_base64 {
    LG_BASE64_STD,     /* + /, padded */
    LG_BASE64_URL,     /* - _, not padded */
    LG_BASE64_LENIENT, /* decoding only: either alphabet, padding or none */
};

void lg_hex_encode(const void *bytes, size_t n, char *out); /* 2n characters and a NUL */
int lg_hex_decode(struct lg_str text, void *out, size_t cap) LG_MUST_CHECK;
void lg_base64_encode(enum lg_base64 kind, struct lg_str bytes, struct lg_buf *out);
int lg_base64_decode(enum lg_base64 kind, struct lg_str text, void *out, size_t cap) LG_MUST_CHECK;
/* Lower case, not padded; `cap` of the encoder counts the NUL. LG_ELIMIT when it does not fit. */
int lg_base32_encode(const void *bytes, size_t n, char *out, size_t cap) LG_MUST_CHECK;
int lg_base32_decode(struct lg_str text, void *out, size_t cap) LG_MUST_CHECK;

/* Takes the same time wherever they differ; the length is no secret. */
bool lg_crypto_equal(const void *a, const void *b, size_t n);
void lg_crypto_random(void *out, size_t n);
void lg_crypto_wipe(void *p, size_t n);

#endif
