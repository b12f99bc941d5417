#ifndef LG_BASE_UTF8_H
#define LG_BASE_UTF8_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
bool lg_utf8_valid(struct lg_str s);
/* Appends `s` with each maximal ill-formed part replaced by U+FFFD (Unicode 15, section 3.9).
 * Returns how many parts were replaced. */
size_t lg_utf8_repair(struct lg_buf *out, struct lg_str s);
/* Appends one code point; surrogates and values past U+10FFFF become U+FFFD. */
void lg_utf8_put(struct lg_buf *out, uint32_t cp);

#endif
