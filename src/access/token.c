#include "access/token.h"

#include <string.h>

#include "crypto/chain.h"
#include "crypto/encode.h"

#define ID_BYTES 10
#define SECRET_BYTES 32
#define MAX_CREDENTIALS 512 /* bytes of a base64 credential; a token is 73 characters */

static void hash_of(const char id[LG_TOKEN_ID_CHARS], const uint8_t secret[SECRET_BYTES],
        uint8_t out[LG_TOKEN_HASH_BYTES])
{
    struct lg_str parts[] = {
            lg_str_of(id, LG_TOKEN_ID_CHARS), lg_str_of((const char *)secret, SECRET_BYTES)};
    struct lg_link link = lg_chain_next_of(LG_STR("logster token 1"), NULL, parts, 2);

    memcpy(out, link.b, LG_TOKEN_HASH_BYTES);
}

void lg_token_make(char text[LG_TOKEN_CHARS + 1], struct lg_token *ret)
{
    uint8_t bytes[ID_BYTES + SECRET_BYTES];
    char *secret = text + 4 + LG_TOKEN_ID_CHARS + 1;
    int rc;

    lg_crypto_random(bytes, sizeof(bytes));
    memcpy(text, "lgt_", 4);
    rc = lg_base32_encode(bytes, ID_BYTES, ret->id, sizeof(ret->id));
    LG_ASSERT(rc == 0);
    memcpy(text + 4, ret->id, LG_TOKEN_ID_CHARS);
    text[4 + LG_TOKEN_ID_CHARS] = '_';
    rc = lg_base32_encode(bytes + ID_BYTES, SECRET_BYTES, secret, LG_TOKEN_SECRET_CHARS + 1);
    LG_ASSERT(rc == 0);
    hash_of(ret->id, bytes + ID_BYTES, ret->hash);
    lg_crypto_wipe(bytes, sizeof(bytes));
}

static int from_parts(struct lg_str id, struct lg_str secret, struct lg_token *ret)
{
    uint8_t bytes[SECRET_BYTES];
    struct lg_token tok = {0};

    if (lg_str_starts(id, LG_STR("lgt_")))
        id = lg_str_sub(id, 4, id.n);
    if (id.n != LG_TOKEN_ID_CHARS || secret.n != LG_TOKEN_SECRET_CHARS)
        return LG_EPARSE;
    if (lg_base32_decode(id, bytes, ID_BYTES) != ID_BYTES ||
            lg_base32_decode(secret, bytes, SECRET_BYTES) != SECRET_BYTES)
        return LG_EPARSE;
    memcpy(tok.id, id.p, LG_TOKEN_ID_CHARS);
    hash_of(tok.id, bytes, tok.hash);
    lg_crypto_wipe(bytes, sizeof(bytes));
    *ret = tok;
    return 0;
}

int lg_token_parse(struct lg_str text, struct lg_token *ret)
{
    if (text.n != LG_TOKEN_CHARS || !lg_str_starts(text, LG_STR("lgt_")) ||
            text.p[4 + LG_TOKEN_ID_CHARS] != '_')
        return LG_EPARSE;
    return from_parts(lg_str_sub(text, 4, 4 + LG_TOKEN_ID_CHARS),
            lg_str_sub(text, 4 + LG_TOKEN_ID_CHARS + 1, text.n), ret);
}

bool lg_token_verify(const struct lg_token *presented, const uint8_t stored[LG_TOKEN_HASH_BYTES])
{
    return lg_crypto_equal(presented->hash, stored, LG_TOKEN_HASH_BYTES);
}

void lg_token_wipe(void *p, size_t n)
{
    lg_crypto_wipe(p, n);
}

/* base64 of "user:TOKEN", where any user will do, or of "ID:SECRET" as Elasticsearch's keys are. */
static int from_pair(struct lg_str base64, struct lg_token *ret)
{
    char plain[MAX_CREDENTIALS];
    struct lg_str pair;
    ptrdiff_t colon;
    int n, rc = LG_EPARSE;

    n = lg_base64_decode(LG_BASE64_LENIENT, base64, plain, sizeof(plain));
    if (n < 0)
        return LG_EPARSE;
    pair = lg_str_of(plain, (size_t)n);
    colon = lg_str_chr(pair, ':');
    if (colon >= 0) {
        struct lg_str user = lg_str_sub(pair, 0, (size_t)colon);
        struct lg_str password = lg_str_sub(pair, (size_t)colon + 1, pair.n);

        rc = lg_token_parse(password, ret);
        if (rc < 0)
            rc = from_parts(user, password, ret);
    }
    lg_crypto_wipe(plain, sizeof(plain));
    return rc;
}

int lg_token_from_header(
        struct lg_str authorization, enum lg_auth_scheme *ret_scheme, struct lg_token *ret)
{
    struct lg_str value = lg_str_trim(authorization), scheme;
    enum lg_auth_scheme kind;
    int rc;

    if (value.n == 0)
        return LG_EPARSE;
    if (!lg_str_split(&value, ' ', &scheme))
        return LG_EPARSE;
    value = lg_str_trim(value);
    if (lg_str_ieq(scheme, LG_STR("Bearer"))) {
        kind = LG_AUTH_BEARER;
        rc = lg_token_parse(value, ret);
    } else if (lg_str_ieq(scheme, LG_STR("ApiKey"))) {
        kind = LG_AUTH_APIKEY;
        rc = lg_token_parse(value, ret);
        if (rc < 0)
            rc = from_pair(value, ret);
    } else if (lg_str_ieq(scheme, LG_STR("Basic"))) {
        kind = LG_AUTH_BASIC;
        rc = from_pair(value, ret);
    } else if (lg_str_ieq(scheme, LG_STR("Splunk"))) {
        kind = LG_AUTH_SPLUNK;
        rc = lg_token_parse(value, ret);
    } else {
        return LG_EPARSE;
    }
    if (rc < 0)
        return LG_EPARSE;
    *ret_scheme = kind;
    return 0;
}
