#include "net/cookie.h"

int lg_cookie_get(struct lg_str header, struct lg_str name, struct lg_str *ret)
{
    struct lg_str one;
    bool found = false;

    while (lg_str_split(&header, ';', &one)) {
        ptrdiff_t eq;

        one = lg_str_trim(one);
        eq = lg_str_chr(one, '=');
        if (eq < 0 || !lg_str_eq(lg_str_trim(lg_str_sub(one, 0, (size_t)eq)), name))
            continue;
        if (found)
            return LG_EPARSE;
        found = true;
        one = lg_str_trim(lg_str_sub(one, (size_t)eq + 1, one.n));
        if (one.n >= 2 && one.p[0] == '"' && one.p[one.n - 1] == '"')
            one = lg_str_sub(one, 1, one.n - 1);
        *ret = one;
    }
    return found ? 0 : LG_ENOENT;
}
