#ifndef LG_JSON_JSON_INT_H
#define LG_JSON_JSON_INT_H

/*
 * What simdjson_shim.cc gives to its siblings: plain C types only, so that this header reads the
 * same in C and C++. No exception leaves the shim.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lg_simdjson;

enum lg_simdjson_status {
    LG_SIMDJSON_OK,
    LG_SIMDJSON_BAD,        /* not RFC 8259 */
    LG_SIMDJSON_REPAIRABLE, /* ill-formed text or a number out of range: see repair.c */
    LG_SIMDJSON_DEPTH,
    LG_SIMDJSON_NOMEM,
};

/* NULL when memory is out. */
struct lg_simdjson *lg_simdjson_new(void);
void lg_simdjson_free(struct lg_simdjson *sj);
/* Bytes that a parse may have without new memory. */
size_t lg_simdjson_capacity(const struct lg_simdjson *sj);
enum lg_simdjson_status lg_simdjson_reserve(struct lg_simdjson *sj, size_t capacity, size_t depth);
/* `text` is followed by readable padding and is not longer than the capacity. The outputs borrow
 * from `sj` until its next parse; *ret_reason is a constant text when it fails. */
enum lg_simdjson_status lg_simdjson_parse(struct lg_simdjson *sj, const char *text, size_t n,
        const uint64_t **ret_tape, const char **ret_strings, const char **ret_reason);

/* Shortest decimal text that reads back as the same finite double; at most 32 bytes, no NUL. */
size_t lg_double_shortest(double v, char out[32]);
/* True when the number token (RFC 8259 grammar) fits a double. */
int lg_double_fits(const char *text, size_t n);

#ifdef __cplusplus
}
#else
#include "base/buf.h"

/*
 * Rewrites a record that simdjson refuses although its structure may be sound: ill-formed UTF-8
 * and lone surrogate escapes become U+FFFD, numbers that no 64-bit type holds become strings.
 * Appends to `out`. Anything else is left for the parser to judge.
 */
void lg_json_repair(struct lg_buf *out, struct lg_str s);
#endif

#endif
