#ifndef LG_NORMALIZE_NORMALIZE_H
#define LG_NORMALIZE_NORMALIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "event/event.h"
#include "json/json.h"

/*
 * Raw records to events. A format is a table of callbacks (struct lg_format); the registry
 * recognises one by content. Formats are pure but for auditd, whose assembler lives in the
 * stream. Thread: a normalizer and a stream belong to one worker.
 */

#define LG_DEAD_REASONS(X)                                                                         \
    X(BAD_JSON, "bad_json") /* not RFC 8259 */                                                     \
    X(BAD_XML, "bad_xml")                                                                          \
    X(BAD_RECORD, "bad_record")             /* text record that does not parse */                  \
    X(UNKNOWN_FORMAT, "unknown_format")     /* no format recognises it */                          \
    X(UNSUPPORTED_TYPE, "unsupported_type") /* event id, syscall or record type not listed */      \
    X(MISSING_IDENTITY, "missing_identity") /* no host and none given */                           \
    X(MISSING_FIELD, "missing_field")       /* a field that the type cannot do without */          \
    X(BAD_FIELD, "bad_field")               /* such a field with an impossible value */            \
    X(BAD_TIME, "bad_time")                 /* no time, or outside 1980..2200 */                   \
    X(OVERSIZED, "oversized")                                                                      \
    X(INCOMPLETE, "incomplete") /* audit records whose SYSCALL never came */                       \
    X(TENANT_MISMATCH, "tenant_mismatch")                                                          \
    X(OUT_OF_MEMORY, "out_of_memory")                                                              \
    X(ID_CONFLICT, "id_conflict") /* an event with this id and other content came before */

#define LG_DEAD_ENUM(e, s) LG_DEAD_##e,
enum lg_dead_reason { LG_DEAD_REASONS(LG_DEAD_ENUM) LG_DEAD_REASON_COUNT };
#undef LG_DEAD_ENUM
const char *lg_dead_reason_name(enum lg_dead_reason r);

/* Why a record that was understood gave no event and is no dead letter either. */
#define LG_SKIP_REASONS(X)                                                                         \
    X(PAIRED, "paired_record") /* the other record of the same call carries everything */          \
    X(END_MARK, "end_mark")    /* it only says that an event is complete (auditd EOE) */           \
    X(THREAD, "thread")        /* the start or end of a thread, not of a process */

#define LG_SKIP_ENUM(e, s) LG_SKIP_##e,
enum lg_skip_reason { LG_SKIP_REASONS(LG_SKIP_ENUM) LG_SKIP_REASON_COUNT };
#undef LG_SKIP_ENUM
const char *lg_skip_reason_name(enum lg_skip_reason r);

/* Where a record stands in its input. */
struct lg_position {
    uint64_t line;   /* 1-based line where it starts */
    uint64_t offset; /* byte offset of its start in the decompressed input */
};

/* A record that cannot be used, with its reason; the original bytes are kept. */
struct lg_dead_letter {
    enum lg_dead_reason reason;
    char detail[160];     /* for a person; never needed to tell reasons apart */
    struct lg_str input;  /* file or topic */
    struct lg_str format; /* "" where not recognised */
    struct lg_str tenant_id;
    struct lg_position pos;
    struct lg_str bytes;
};

/* Receivers; what they are given dies when they return. A negative return stops the record and
 * comes back from lg_normalizer_record. */
struct lg_norm_sink {
    void *user;
    int (*event)(void *user, const struct lg_event *ev);
    int (*dead)(void *user, const struct lg_dead_letter *dl);
    /* Counts a record without an event; NULL where no one counts. */
    int (*skipped)(void *user, enum lg_skip_reason reason);
};

/* One input: a file, connection or topic partition. */
struct lg_norm_stream_options {
    struct lg_str tenant_id;  /* "" = "default" */
    struct lg_str endpoint;   /* for records without a host; "" = none */
    struct lg_str input;      /* its name, for dead letters */
    bool fqdn_endpoint;       /* identity.endpoint: fqdn */
    bool check_tenant;        /* a body that names another tenant is a dead letter */
    int64_t header_offset_ns; /* added to header times whose zone is known to be false */
};
struct lg_norm_stream;
/* Copies the options' strings. */
int lg_norm_stream_new(
        const struct lg_norm_stream_options *opt, struct lg_norm_stream **ret) LG_MUST_CHECK;
void lg_norm_stream_free(struct lg_norm_stream *st);

struct lg_format;
struct lg_normalizer;
int lg_normalizer_new(struct lg_normalizer **ret) LG_MUST_CHECK;
void lg_normalizer_free(struct lg_normalizer *nz);

/*
 * One record in, events and dead letters out, in order. `padded`: LG_JSON_PADDING readable bytes
 * follow. Input never fails the call: negative only for LG_ENOMEM outside a record or what a
 * sink returned.
 */
int lg_normalizer_record(struct lg_normalizer *nz, struct lg_norm_stream *st, struct lg_str record,
        bool padded, struct lg_position pos, const struct lg_norm_sink *sink) LG_MUST_CHECK;
/*
 * A hint that only saves time: these records, with these bytes, are what lg_normalizer_record gets
 * next, one after the other; after another record first, or with other bytes behind the same
 * pointers, ids would be wrong. Where the last event had no identity but its record's digest,
 * theirs are made here side by side. At most LG_NORM_AHEAD; of more the first.
 */
#define LG_NORM_AHEAD ((size_t)32)
void lg_normalizer_ahead(struct lg_normalizer *nz, const struct lg_str *records, size_t n);
/*
 * Whether records of the stream are still held by an assembler whose position has this `line`
 * (live streams keep there what the offset counts in): *ret is the lowest of their offsets.
 */
bool lg_norm_stream_held(const struct lg_norm_stream *st, uint64_t line, uint64_t *ret);
/* End of input: gives out what assemblers still hold. */
int lg_normalizer_flush(struct lg_normalizer *nz, struct lg_norm_stream *st,
        const struct lg_norm_sink *sink) LG_MUST_CHECK;

/* Which format would take this record; NULL if none. */
const struct lg_format *lg_format_recognise(
        struct lg_normalizer *nz, struct lg_str record, bool padded);
const char *lg_format_name(const struct lg_format *f);
enum lg_platform lg_format_platform(const struct lg_format *f);
/* Records of the format must pass one worker in order (auditd). */
bool lg_format_stateful(const struct lg_format *f);
/* Its header time may be skewed: see lg_format_header_skew. */
bool lg_format_may_skew(const struct lg_format *f);
/* All formats, NULL-terminated. */
const struct lg_format *const *lg_format_all(void);
/*
 * For formats with a zone-less or falsely zoned header time: UtcTime minus header time of this
 * record, if it has both and its UtcTime can be trusted. The capture layer takes the median over
 * the head of a file and rounds it to a quarter of an hour (data README, traps 1 and 2).
 */
bool lg_format_header_skew(
        struct lg_normalizer *nz, struct lg_str record, bool padded, int64_t *ret_ns);

#endif
