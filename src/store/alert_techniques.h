#ifndef LG_STORE_ALERT_TECHNIQUES_H
#define LG_STORE_ALERT_TECHNIQUES_H

#include <stdbool.h>

#include "base/str.h"

/* An alert is found by each of its techniques and by the parents of sub-techniques: T1003.001 and
 * T1003. */
#define LG_TECHNIQUE_PARENT 5 /* bytes of the parent's name */

/* Takes the next technique off a JSON list as lg_alert keeps it; false at its end. */
static inline bool lg_technique_next(struct lg_str *rest, struct lg_str *ret)
{
    struct lg_str part;

    while (lg_str_split(rest, ',', &part)) {
        ptrdiff_t open = lg_str_chr(part, '"'), close;

        if (open < 0)
            continue;
        part = lg_str_sub(part, (size_t)open + 1, part.n);
        close = lg_str_chr(part, '"');
        if (close < LG_TECHNIQUE_PARENT)
            continue;
        *ret = lg_str_sub(part, 0, (size_t)close);
        return true;
    }
    return false;
}

#endif
