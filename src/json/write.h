#ifndef LG_JSON_WRITE_H
#define LG_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "json/json.h"

/*
 * JSON out: appends to a lg_buf (whose `failed` tells about memory at the end) and puts the
 * commas. Keys are trusted literals but for lg_jw_key_any; it and string values take any bytes:
 * control characters are escaped, ill-formed UTF-8 becomes U+FFFD, so that the output is always
 * valid JSON.
 * Thread: its owner's.
 */
struct lg_jw {
    struct lg_buf *out;
    uint64_t comma; /* one bit a level: a value stands before */
    int depth;      /* at most 63 */
};

void lg_jw_init(struct lg_jw *w, struct lg_buf *out);
void lg_jw_object(struct lg_jw *w);
void lg_jw_object_end(struct lg_jw *w);
void lg_jw_array(struct lg_jw *w);
void lg_jw_array_end(struct lg_jw *w);
void lg_jw_key(struct lg_jw *w, struct lg_str key);     /* a value must follow */
void lg_jw_key_any(struct lg_jw *w, struct lg_str key); /* of outside text */
void lg_jw_str(struct lg_jw *w, struct lg_str s);
void lg_jw_u64(struct lg_jw *w, uint64_t v);
void lg_jw_i64(struct lg_jw *w, int64_t v);
/* Shortest text that reads back as the same double; NaN and infinities become null. */
void lg_jw_double(struct lg_jw *w, double v);
void lg_jw_bool(struct lg_jw *w, bool v);
void lg_jw_null(struct lg_jw *w);
/* Text that is valid JSON already. */
void lg_jw_raw(struct lg_jw *w, struct lg_str json);
/* Epoch seconds with the fraction kept exactly. */
void lg_jw_time(struct lg_jw *w, int64_t time_ns);
/* One that was parsed, with all in it. The deepest that is read is the deepest that is written:
 * into a writer that holds nothing yet. */
void lg_jw_value(struct lg_jw *w, struct lg_jval v);
/* Standard base64 (RFC 4648, padded) as a string value. */
void lg_jw_base64(struct lg_jw *w, struct lg_str bytes);

/* Key and value in one step, for literal keys. */
#define LG_JW_STR(w, k, v) (lg_jw_key((w), LG_STR(k)), lg_jw_str((w), (v)))
#define LG_JW_U64(w, k, v) (lg_jw_key((w), LG_STR(k)), lg_jw_u64((w), (v)))
#define LG_JW_I64(w, k, v) (lg_jw_key((w), LG_STR(k)), lg_jw_i64((w), (v)))
#define LG_JW_DOUBLE(w, k, v) (lg_jw_key((w), LG_STR(k)), lg_jw_double((w), (v)))
#define LG_JW_BOOL(w, k, v) (lg_jw_key((w), LG_STR(k)), lg_jw_bool((w), (v)))
#define LG_JW_NULL(w, k) (lg_jw_key((w), LG_STR(k)), lg_jw_null((w)))

/* Appends `s` with JSON string escaping, without the quotes. */
void lg_json_escape(struct lg_buf *out, struct lg_str s);

#endif
