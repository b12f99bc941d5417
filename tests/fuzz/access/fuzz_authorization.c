#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access/token.h"
#include "crypto/encode.h"

/* The value of an Authorization header, and a Host header: never past the end, never a token from
 * what holds none; base64 that decodes encodes to itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_str text = lg_str_of((const char *)data, size);
    enum lg_auth_scheme scheme;
    struct lg_token token;
    uint8_t bytes[4096];
    struct lg_buf again;
    int n;

    if (lg_token_from_header(text, &scheme, &token) == 0) {
        if (strlen(token.id) != LG_TOKEN_ID_CHARS || scheme == LG_AUTH_NONE ||
                size < LG_TOKEN_CHARS)
            abort();
    }
    if (lg_token_parse(text, &token) == 0 && size != LG_TOKEN_CHARS)
        abort();
    (void)lg_host_is_loopback(text);
    (void)lg_header_is_forwarding(text);
    lg_buf_init(&again, 8192);
    n = lg_base64_decode(LG_BASE64_STD, text, bytes, sizeof(bytes));
    if (n >= 0) {
        lg_base64_encode(LG_BASE64_STD, lg_str_of((char *)bytes, (size_t)n), &again);
        if (!lg_str_eq(lg_buf_str(&again), text))
            abort();
    }
    lg_buf_done(&again);
    return 0;
}
