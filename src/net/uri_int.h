#ifndef LG_NET_URI_INT_H
#define LG_NET_URI_INT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/*
 * Request targets (RFC 9112, 3.2) and queries, strict: what a proxy in front could read otherwise
 * than we do is refused. Thread: any.
 */
#define LG_URI_MAX_SEGMENTS 32
#define LG_URI_MAX_PAIRS 64

struct lg_uri_pair {
    struct lg_str name, value;
};

struct lg_uri {
    struct lg_str path;                          /* as sent */
    struct lg_str query;                         /* as sent, without ? */
    struct lg_str segments[LG_URI_MAX_SEGMENTS]; /* decoded */
    struct lg_str raw_segments[LG_URI_MAX_SEGMENTS];
    size_t n_segments; /* "/" has none; one slash at the end counts nothing */
    struct lg_uri_pair *pairs;
    size_t n_pairs;
};

/* Splits and decodes; texts lie in the arena or in `target`. LG_EPARSE with a constant reason: an
 * escape that is none, a control character, ill-formed UTF-8, a fragment. LG_ELIMIT: too many parts.
 * LG_ENOMEM. */
int lg_uri_parse(struct lg_arena *a, struct lg_str target, struct lg_uri *ret,
        const char **ret_reason) LG_MUST_CHECK;
/* %XX, and + as space in queries. LG_EPARSE, LG_ENOMEM. */
int lg_uri_decode(
        struct lg_arena *a, struct lg_str s, bool query, struct lg_str *ret) LG_MUST_CHECK;

#endif
