#ifndef LG_JSON_JSON_H
#define LG_JSON_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

/*
 * JSON in. simdjson's DOM parser validates the whole record and leaves a tape
 * (https://github.com/simdjson/simdjson/blob/master/doc/tape.md); these cursors walk that tape in
 * C without a call per value. Why the tape and not On-Demand: docs/decisions/001-json-tape.md.
 *
 * A record with invalid UTF-8, a lone surrogate or an integer past 64 bits is repaired (U+FFFD;
 * the integer becomes a string) and parsed again; `repaired` says so. Everything else that is not
 * RFC 8259 is LG_EPARSE. Depth is capped by LG_MAX_JSON_DEPTH (LG_ELIMIT).
 * Values borrow from the parser and die with its next parse. Thread: a parser is its owner's.
 */
struct lg_json;

enum lg_json_type {
    LG_JSON_NULL,
    LG_JSON_BOOL,
    LG_JSON_I64,
    LG_JSON_U64, /* only past INT64_MAX */
    LG_JSON_DOUBLE,
    LG_JSON_STRING,
    LG_JSON_ARRAY,
    LG_JSON_OBJECT,
};

/* One value: a place on the tape. Plain data, copied freely. */
struct lg_jval {
    const uint64_t *at;
    const uint64_t *tape; /* start, for container ends */
    const char *strings;
};

int lg_json_new(struct lg_json **ret) LG_MUST_CHECK;
void lg_json_free(struct lg_json *j);
/*
 * Parses one record. `padded` promises that LG_JSON_PADDING bytes after text.p + text.n may be
 * read; without it the record is copied first. `ret_repaired` may be NULL.
 * 0, LG_EPARSE, LG_ELIMIT, LG_ENOMEM.
 */
#define LG_JSON_PADDING 64
int lg_json_parse(struct lg_json *j, struct lg_str text, bool padded, struct lg_jval *ret_root,
        bool *ret_repaired) LG_MUST_CHECK;
/* Why the last parse failed, as a constant text. */
const char *lg_json_reason(const struct lg_json *j);

static inline enum lg_json_type lg_jval_type(struct lg_jval v)
{
    switch ((char)(*v.at >> 56)) {
    case '{':
        return LG_JSON_OBJECT;
    case '[':
        return LG_JSON_ARRAY;
    case '"':
        return LG_JSON_STRING;
    case 'l':
        return LG_JSON_I64;
    case 'u':
        return LG_JSON_U64;
    case 'd':
        return LG_JSON_DOUBLE;
    case 't':
    case 'f':
        return LG_JSON_BOOL;
    default:
        return LG_JSON_NULL;
    }
}

/* The typed readers below want the right type (see lg_jval_type); strings may hold any Unicode. */
static inline struct lg_str lg_jval_str(struct lg_jval v)
{
    const char *s = v.strings + (*v.at & 0x00ffffffffffffffu);
    uint32_t n;

    memcpy(&n, s, sizeof(n));
    return lg_str_of(s + sizeof(n), n);
}
static inline int64_t lg_jval_i64(struct lg_jval v)
{
    return (int64_t)v.at[1];
}
static inline uint64_t lg_jval_u64(struct lg_jval v)
{
    return v.at[1];
}
static inline double lg_jval_double(struct lg_jval v)
{
    double d;

    memcpy(&d, &v.at[1], sizeof(d));
    return d;
}
static inline bool lg_jval_bool(struct lg_jval v)
{
    return (char)(*v.at >> 56) == 't';
}

/* First word after this value. */
static inline const uint64_t *lg_jval_end(struct lg_jval v)
{
    switch ((char)(*v.at >> 56)) {
    case '{':
    case '[':
        return v.tape + (uint32_t)*v.at;
    case 'l':
    case 'u':
    case 'd':
        return v.at + 2;
    default:
        return v.at + 1;
    }
}

/* Walks an object or array:
 *     struct lg_jiter it = lg_jiter_of(obj);
 *     while (lg_jiter_member(&it, &key, &val)) ...      (lg_jiter_item for arrays)   */
struct lg_jiter {
    const uint64_t *at;
    const uint64_t *end;
    const uint64_t *tape;
    const char *strings;
};

static inline struct lg_jiter lg_jiter_of(struct lg_jval v)
{
    return (struct lg_jiter){v.at + 1, lg_jval_end(v) - 1, v.tape, v.strings};
}
static inline bool lg_jiter_item(struct lg_jiter *it, struct lg_jval *ret)
{
    if (it->at >= it->end)
        return false;
    *ret = (struct lg_jval){it->at, it->tape, it->strings};
    it->at = lg_jval_end(*ret);
    return true;
}
static inline bool lg_jiter_member(
        struct lg_jiter *it, struct lg_str *ret_key, struct lg_jval *ret_val)
{
    struct lg_jval k;

    if (it->at >= it->end)
        return false;
    k = (struct lg_jval){it->at, it->tape, it->strings};
    *ret_key = lg_jval_str(k);
    *ret_val = (struct lg_jval){it->at + 1, it->tape, it->strings};
    it->at = lg_jval_end(*ret_val);
    return true;
}

/* First member with this exact key; false when `obj` is no object or has none. */
bool lg_jval_get(struct lg_jval obj, struct lg_str key, struct lg_jval *ret) LG_MUST_CHECK;
/* Dotted path through objects ("winlog.event_data.Image"); keys that hold dots are not found. */
bool lg_jval_path(struct lg_jval obj, const char *path, struct lg_jval *ret) LG_MUST_CHECK;
/* The member's string, or an empty string when absent or of another type. */
struct lg_str lg_jval_get_str(struct lg_jval obj, struct lg_str key);

#endif
