#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *lg_err_name(int code)
{
    switch (code) {
    case LG_OK:
        return "ok";
#define LG_ERR_CASE(name, n, text)                                                                 \
    case name:                                                                                     \
        return text;
        LG_ERRORS(LG_ERR_CASE)
#undef LG_ERR_CASE
    default:
        return "unknown";
    }
}

#undef lg_err_set
int lg_err_set(struct lg_err *err, int code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list ap;
        err->code = code;
        va_start(ap, fmt);
        (void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
        va_end(ap);
    }
    return code;
}

_Noreturn void lg_assert_failed(const char *cond, const char *file, int line)
{
    (void)fprintf(stderr, "logster: internal error: %s at %s:%d\n", cond, file, line);
    abort();
}
