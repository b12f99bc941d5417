#ifndef LG_CRYPTO_SIGN_H
#define LG_CRYPTO_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Ed25519 signatures with domain separation: what is signed is BLAKE2b-512 over (domain, message).
 * Key files are one line of text, "lgk1-secret BASE64URL" (the 32-byte seed, mode 0600) and
 * "lgk1-public BASE64URL". Thread: any.
 */
#define LG_SIGN_PUBLIC_BYTES 32
#define LG_SIGN_SECRET_BYTES 64
#define LG_SIGN_BYTES 64

struct lg_sign_public {
    uint8_t b[LG_SIGN_PUBLIC_BYTES];
};
struct lg_sign_key {
    struct lg_sign_public pub;
    uint8_t secret[LG_SIGN_SECRET_BYTES];
};
struct lg_signature {
    uint8_t b[LG_SIGN_BYTES];
};

void lg_sign_make(struct lg_sign_key *ret); /* random */
void lg_sign_wipe(struct lg_sign_key *key);
void lg_sign(const struct lg_sign_key *key, struct lg_str domain, struct lg_str msg,
        struct lg_signature *ret);
bool lg_sign_verify(const struct lg_sign_public *pub, struct lg_str domain, struct lg_str msg,
        const struct lg_signature *sig);
/* First 16 hex digits of BLAKE2b-256 of the public key: a name for people. */
#define LG_SIGN_ID_TEXT 16
void lg_sign_id(const struct lg_sign_public *pub, char out[LG_SIGN_ID_TEXT + 1]);

/* Creates the file (never overwrites: LG_EEXIST) with mode 0600 and syncs it and its folder.
 * LG_EIO. */
int lg_sign_key_save(
        const struct lg_sign_key *key, const char *path, struct lg_err *reterr) LG_MUST_CHECK;
int lg_sign_public_save(
        const struct lg_sign_public *pub, const char *path, struct lg_err *reterr) LG_MUST_CHECK;
/* LG_ENOENT, LG_EIO, LG_EPARSE; LG_EREFUSED for a secret that others than its owner may read. */
int lg_sign_key_load(
        const char *path, struct lg_sign_key *ret, struct lg_err *reterr) LG_MUST_CHECK;
/* The line of a public key's file. LG_EPARSE. */
int lg_sign_public_parse(struct lg_str line, struct lg_sign_public *ret) LG_MUST_CHECK;
int lg_sign_public_load(
        const char *path, struct lg_sign_public *ret, struct lg_err *reterr) LG_MUST_CHECK;

#endif
