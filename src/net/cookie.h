#ifndef LG_NET_COOKIE_H
#define LG_NET_COOKIE_H

#include "base/err.h"
#include "base/str.h"

/*
 * The value of one cookie in a Cookie header (RFC 6265, 4.2.1). LG_ENOENT when it is not there;
 * LG_EPARSE when it came more than once: a page on a neighbouring host may have planted the other.
 * Thread: any.
 */
int lg_cookie_get(struct lg_str header, struct lg_str name, struct lg_str *ret) LG_MUST_CHECK;

#endif
