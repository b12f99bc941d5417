#ifndef LG_NORMALIZE_FORMAT_H
#define LG_NORMALIZE_FORMAT_H

#include "normalize/normalize.h"

/*
 * What a format file implements; private to src/normalize. One file per source format; the table
 * of all of them is in registry.c, most specific first.
 */
enum lg_framing { LG_FRAMING_LINE_JSON, LG_FRAMING_LINE_TEXT, LG_FRAMING_XML, LG_FRAMING_BLOCK };

struct lg_norm_call; /* one record on its way */

struct lg_format {
    const char *name; /* as in docs/formats.md: "winlogbeat-7", "auditd", ... */
    enum lg_platform platform;
    enum lg_framing framing;
    bool stateful;
    /* Cheap test on content. JSON formats get the parsed root; text formats get root.at == NULL. */
    bool (*accepts)(struct lg_str record, struct lg_jval root);
    /* Calls lg_norm_emit / lg_norm_dead for what the record holds. */
    int (*normalize)(struct lg_norm_call *call);
    int (*flush)(struct lg_norm_call *call); /* NULL where stateless */
    bool (*header_skew)(struct lg_norm_call *call, int64_t *ret_ns); /* NULL where not needed */
};

struct lg_norm_call {
    struct lg_normalizer *nz;
    struct lg_norm_stream *st;
    const struct lg_norm_stream_options *opt;
    const struct lg_format *format;
    const struct lg_norm_sink *sink;
    struct lg_str record;
    struct lg_jval root;   /* JSON formats */
    bool repaired;         /* text was repaired: flag the events */
    struct lg_position pos;
    struct lg_arena *arena; /* cleared before each record */
    struct lg_event *ev;    /* cleared by lg_norm_begin; one per normalizer */
};

/* Starts an event: clears call->ev, sets tenant, format, raw, flags. */
struct lg_event *lg_norm_begin(struct lg_norm_call *call, enum lg_source source,
                               enum lg_event_type type);
/* Sets hostname and endpoint_id from a computer name (may be empty: falls back to the stream's
 * endpoint, then LG_DEAD_MISSING_IDENTITY). 0 or LG_ENOENT. */
int lg_norm_host(struct lg_norm_call *call, struct lg_str computer) LG_MUST_CHECK;
/* Checks the event (time 1980..2200, host), gives it to the sink or makes it a dead letter.
 * `identity` is hashed into event_id; n == 0 hashes the record's bytes (LG_EVF_NO_IDENTITY). */
int lg_norm_emit(struct lg_norm_call *call, const struct lg_str *identity, size_t n) LG_MUST_CHECK;
int lg_norm_dead(struct lg_norm_call *call, enum lg_dead_reason reason, const char *fmt, ...)
        LG_PRINTF(3, 4) LG_MUST_CHECK;

/* Sets a field from JSON or text by the dictionary's type: numbers from number or numeric text
 * (decimal or 0x), booleans from true/"true"/"1"/"yes", times from ISO text; GUID fields are
 * lower-cased without braces; "-" and "" and null leave the field unset. A value that does not
 * fit the type leaves the field unset (it stays in raw_event). */
void lg_norm_set_json(struct lg_norm_call *call, enum lg_field f, struct lg_jval val);
void lg_norm_set_text(struct lg_norm_call *call, enum lg_field f, struct lg_str val);
/* printf-less join of two strings into the arena, e.g. DOMAIN + '\\' + user. */
struct lg_str lg_norm_join(struct lg_norm_call *call, struct lg_str a, struct lg_str sep,
                           struct lg_str b);

#endif
