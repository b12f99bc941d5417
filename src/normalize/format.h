#ifndef LG_NORMALIZE_FORMAT_H
#define LG_NORMALIZE_FORMAT_H

#include "normalize/normalize.h"

/*
 * What a format file implements; private to src/normalize. One file per source format, each with
 * `const struct lg_format lg_format_<name>` and its line in formats.def, most specific first.
 *
 * `accepts` must tell its format from every other one by itself: the last format of a stream is
 * asked before the table, so that order alone never decides.
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
    int (*flush)(struct lg_norm_call *call);                         /* NULL where stateless */
    void (*state_free)(void *state);                                 /* NULL where stateless */
    bool (*held)(const void *state, uint64_t line, uint64_t *ret);   /* NULL where stateless */
    bool (*header_skew)(struct lg_norm_call *call, int64_t *ret_ns); /* NULL where not needed */
};

struct lg_norm_call {
    struct lg_normalizer *nz;
    struct lg_norm_stream *st;
    const struct lg_norm_stream_options *opt;
    const struct lg_format *format;
    const struct lg_norm_sink *sink;
    struct lg_str record;
    struct lg_jval root;       /* JSON formats */
    enum lg_raw_kind raw_kind; /* what raw_event will be; formats may leave it alone */
    bool repaired;             /* text was repaired: flag the events */
    struct lg_position pos;
    const uint8_t *digest;  /* BLAKE2b-256 of `record` where it was made ahead; else NULL */
    struct lg_arena *arena; /* cleared before each record */
    struct lg_event *ev;    /* cleared by lg_norm_begin; one per normalizer */
    bool host_given;        /* lg_norm_host was called for this event */
    bool oom;               /* the arena ran out in a setter: lg_norm_emit makes a dead letter */
    int sink_rc;            /* what a sink refused with: ends the record */
};

/* This format's own state in the stream (the auditd assembler): NULL at first; what is stored
 * there is freed by state_free with the stream. NULL pointer when memory is out. */
void **lg_norm_state(struct lg_norm_call *call) LG_MUST_CHECK;

/* Starts an event: clears call->ev, sets tenant, format, raw, flags. */
struct lg_event *lg_norm_begin(
        struct lg_norm_call *call, enum lg_source source, enum lg_event_type type);
/* Sets hostname and endpoint_id from a computer name (may be empty or "-": falls back to the
 * stream's endpoint). 0, or LG_ENOENT when there is none, or one that cannot be a host's name
 * (over 255 bytes, control characters, ill-formed UTF-8): lg_norm_emit then makes the dead letter
 * LG_DEAD_MISSING_IDENTITY, so a format may ignore it. */
int lg_norm_host(struct lg_norm_call *call, struct lg_str computer) LG_MUST_CHECK;
/* Checks the event (time 1980..2200, host), gives it to the sink or makes it a dead letter; an
 * event whose host was never set gets the stream's endpoint. `identity` (at most 16 parts) is hashed into event_id; n == 0 hashes the record's bytes (LG_EVF_NO_IDENTITY). */
int lg_norm_emit(struct lg_norm_call *call, const struct lg_str *identity, size_t n) LG_MUST_CHECK;
int lg_norm_dead(struct lg_norm_call *call, enum lg_dead_reason reason, const char *fmt, ...)
        LG_PRINTF(3, 4) LG_MUST_CHECK;
/* A record that is understood but carries no event: counted by the sink, never silent. */
int lg_norm_skip(struct lg_norm_call *call, enum lg_skip_reason reason) LG_MUST_CHECK;

/* Sets a field from JSON or text by the dictionary's type: numbers from number or numeric text
 * (decimal or 0x), booleans from true/"true"/"1"/"yes", times from ISO text; GUID fields are
 * lower-cased without braces (what is no GUID stays as it is); "-", "", null and the all-zero GUID
 * leave the field unset. A number for a string field becomes its text. A value that does not fit
 * the type leaves the field unset (it stays in raw_event). Text that is ill-formed UTF-8 is
 * repaired, and the event flagged. */
void lg_norm_set_json(struct lg_norm_call *call, enum lg_field f, struct lg_jval val);
void lg_norm_set_text(struct lg_norm_call *call, enum lg_field f, struct lg_str val);
/* The same reading of booleans, numbers and times without an event. False when it does not fit. */
bool lg_norm_read_u64(struct lg_jval val, uint64_t *ret);
bool lg_norm_read_time(struct lg_jval val, lg_time *ret); /* ISO text, or epoch seconds */
/* printf-less join of two strings into the arena, e.g. DOMAIN + '\\' + user. */
struct lg_str lg_norm_join(
        struct lg_norm_call *call, struct lg_str a, struct lg_str sep, struct lg_str b);

/* Copy in the arena with ill-formed UTF-8 replaced by U+FFFD; sets no flag. */
struct lg_str lg_norm_repair(struct lg_norm_call *call, struct lg_str s);
/* Lower-case copy in the arena (ASCII); the argument itself when it has no upper-case letter. */
struct lg_str lg_norm_lower(struct lg_norm_call *call, struct lg_str s);
/* GUID without braces, lower case; empty for anything else than 8-4-4-4-12 hex digits. */
struct lg_str lg_norm_guid(struct lg_norm_call *call, struct lg_str s);

/*
 * Exact-case key -> row look-up, one hash and mostly one compare. The table is static; its index
 * is built at first use:
 *     static const struct lg_keyrow rows[] = {{"Image", LG_F_IMAGE, 0}, ...};
 *     static struct lg_keymap map = LG_KEYMAP(rows);
 *     const struct lg_keyrow *row = lg_keymap_find(&map, key);
 * At most LG_KEYMAP_ROWS rows; a key that is given twice is our bug (LG_ASSERT).
 * Thread: any.
 */
#define LG_KEYMAP_ROWS 320
#define LG_KEYMAP_SLOTS 2048 /* power of two */

struct lg_keyrow {
    const char *key;
    uint16_t field; /* enum lg_field, or what the format wants */
    uint16_t arg;   /* the format's own */
};
struct lg_keymap {
    const struct lg_keyrow *rows;
    uint16_t n;
    uint16_t ready;
    uint16_t lens[LG_KEYMAP_ROWS];
    uint64_t ends[LG_KEYMAP_ROWS][2]; /* first and last bytes: see keymap.c */
    uint16_t slots[LG_KEYMAP_SLOTS];  /* row number + 1; 0 is free */
};
#define LG_KEYMAP(rows_)                                                                           \
    {                                                                                              \
        .rows = (rows_), .n = (uint16_t)(sizeof(rows_) / sizeof((rows_)[0]))                       \
    }

const struct lg_keyrow *lg_keymap_find(struct lg_keymap *m, struct lg_str key);

#endif
