#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is found lies in the header, between a name that is ours and the next semicolon. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lg_str header = lg_str_of((const char *)data, size), value;
    int rc = lg_cookie_get(header, LG_STR("logster_session"), &value);

    if (rc != 0 && rc != LG_ENOENT && rc != LG_EPARSE)
        abort();
    if (rc == 0 &&
            (value.p < header.p || value.p + value.n > header.p + header.n ||
                    lg_str_find(header, LG_STR("logster_session")) < 0 ||
                    (value.n > 0 && memchr(value.p, ';', value.n) != NULL)))
        abort();
    return 0;
}
