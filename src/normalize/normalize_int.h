#ifndef LG_NORMALIZE_NORMALIZE_INT_H
#define LG_NORMALIZE_NORMALIZE_INT_H

#include "normalize/format.h"

#define NORM_TENANT_DEFAULT "default"
#define NORM_STATES 4 /* stateful formats that one stream may hold at a time */

struct lg_normalizer {
    struct lg_json *json;
    struct lg_arena arena;
    struct lg_event ev;
    bool by_bytes; /* the last event's identity was the digest of its record */
    /* digests of the records that come next, made together: see lg_normalizer_ahead */
    struct lg_str ahead[LG_NORM_AHEAD];
    uint8_t digest[LG_NORM_AHEAD][32];
    size_t n_ahead, at_ahead;
};

struct lg_norm_stream {
    struct lg_norm_stream_options opt; /* strings are ours */
    const struct lg_format *last;
    struct {
        const struct lg_format *format;
        void *state;
    } states[NORM_STATES];
};

/* Trims the record, parses it where it is JSON, sets raw_kind and repaired. 0 or what
 * lg_json_parse said. */
int lg_norm_open_record(struct lg_norm_call *call, struct lg_str record, bool padded) LG_MUST_CHECK;
/* The format that takes an opened record; `first` (may be NULL) is asked before all others. */
const struct lg_format *lg_registry_find(
        const struct lg_norm_call *call, const struct lg_format *first);

#endif
