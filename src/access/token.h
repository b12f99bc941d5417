#ifndef LG_ACCESS_TOKEN_H
#define LG_ACCESS_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/*
 * API tokens: "lgt_<id>_<secret>", id 16 and secret 52 characters of base32 in lower case (RFC
 * 4648 alphabet, 10 and 32 random bytes). The text is shown once; stores keep the id, which is no
 * secret, and BLAKE2b-256 over (domain, id, secret). A 256-bit random secret needs no slow hash.
 * Thread: any.
 */
#define LG_TOKEN_ID_CHARS 16
#define LG_TOKEN_SECRET_CHARS 52
#define LG_TOKEN_CHARS (4 + LG_TOKEN_ID_CHARS + 1 + LG_TOKEN_SECRET_CHARS)
#define LG_TOKEN_HASH_BYTES 32

struct lg_token {
    char id[LG_TOKEN_ID_CHARS + 1];
    uint8_t hash[LG_TOKEN_HASH_BYTES];
};

/* A new random token: its text, NUL-terminated, for its owner, and what to store. */
void lg_token_make(char text[LG_TOKEN_CHARS + 1], struct lg_token *ret);
/* Reads a presented token; LG_EPARSE when it has not exactly the form. */
int lg_token_parse(struct lg_str text, struct lg_token *ret) LG_MUST_CHECK;
/* Constant-time comparison of the hashes (the ids were how `stored` was found). */
bool lg_token_verify(const struct lg_token *presented, const uint8_t stored[LG_TOKEN_HASH_BYTES]);
/* Overwrites a text that held a secret. */
void lg_token_wipe(void *p, size_t n);

enum lg_auth_scheme {
    LG_AUTH_NONE,   /* no Authorization header */
    LG_AUTH_BEARER, /* Bearer TOKEN (RFC 6750) */
    LG_AUTH_APIKEY, /* ApiKey TOKEN, or base64 of "ID:SECRET" or "anything:TOKEN" */
    LG_AUTH_BASIC,  /* Basic base64 of "anything:TOKEN" (RFC 7617), or "ID:SECRET" */
    LG_AUTH_SPLUNK, /* Splunk TOKEN (HTTP Event Collector) */
};

/* Reads the value of an Authorization header. LG_EPARSE for another scheme or form. */
int lg_token_from_header(struct lg_str authorization, enum lg_auth_scheme *ret_scheme,
        struct lg_token *ret) LG_MUST_CHECK;

/*
 * DISABLE_AUTH=true counts only for requests that come from this machine for this machine: the
 * listener is bound to loopback, the peer is loopback, Host is a loopback name, no forwarding
 * header was seen, and no foreign web page sent it (Origin, Sec-Fetch-Site).
 */
struct lg_local_check {
    bool listener_loopback;
    bool peer_loopback;
    bool forwarded;           /* Forwarded, X-Forwarded-*, X-Real-IP or Via present */
    struct lg_str host;       /* Host header */
    struct lg_str origin;     /* Origin header or empty */
    struct lg_str fetch_site; /* Sec-Fetch-Site header or empty */
};
bool lg_local_request(const struct lg_local_check *check);
/* "localhost", "*.localhost", 127.0.0.0/8, [::1]; each with or without a port. */
bool lg_host_is_loopback(struct lg_str host);
/* True for a header that only a proxy adds. Case-insensitive. */
bool lg_header_is_forwarding(struct lg_str name);

#endif
