#ifndef LG_NORMALIZE_AUDIT_ASSEMBLER_H
#define LG_NORMALIZE_AUDIT_ASSEMBLER_H

#include "normalize/audit_record.h"
#include "normalize/normalize.h"

/*
 * Joins the records of a serial into groups. A group is all records with the same host, time and
 * serial; records of several groups may be interleaved, and those of one group in any order.
 *
 * A group ends
 *  - by EOE or PROCTITLE. Its reader may find that something is still missing (the records came
 *    out of order) and have it wait on with lg_audit_assembler_keep;
 *  - by 2 s of its host's event time after its last record. That clock is the largest time of the
 *    host's records: a call that blocked for an hour is stamped an hour back, which is no reason
 *    to cut it short. A group with gaps may be kept once more, for the next few records of the
 *    host: on a quiet host seconds pass between two records that only changed places;
 *  - as it is, when LG_MAX_AUDIT_OPEN groups or LG_MAX_AUDIT_OPEN_BYTES are open and it is the one
 *    that waited longest, when it would pass LG_MAX_AUDIT_EVENT_BYTES, when a second SYSCALL
 *    record for it arrives (the input repeats itself), or at the end of input.
 *
 * EOE records carry nothing and are not kept. Memory is bounded by the caps above.
 * Thread: its owner's.
 */
struct lg_audit_assembler;

enum lg_audit_end {
    LG_AUDIT_END_MARK, /* EOE or PROCTITLE; the only one that may be kept */
    LG_AUDIT_END_TIME,
    LG_AUDIT_END_REPEAT,
    LG_AUDIT_END_INPUT,
    LG_AUDIT_END_EVICTED, /* for want of room: more might have come */
};

struct lg_audit_line {
    uint32_t at; /* in the group's raw bytes */
    uint32_t n;
    uint32_t body; /* its fields, relative to `at` */
    uint32_t body_n;
    const struct lg_audit_type *type;
};

struct lg_audit_group {
    struct lg_str node; /* node= of the records, else the host of their syslog header */
    lg_time time_ns;
    uint64_t serial;
    struct lg_str raw; /* the lines in order of arrival, joined by \n */
    const struct lg_audit_line *lines;
    size_t n_lines;
    struct lg_position pos; /* of the first line */
    enum lg_audit_end end;
};

int lg_audit_assembler_new(struct lg_audit_assembler **ret) LG_MUST_CHECK;
void lg_audit_assembler_free(struct lg_audit_assembler *as);

/*
 * Takes one record (copies it). Groups that end thereby wait for lg_audit_assembler_next.
 * 0, LG_ENOENT for an EOE without a group (there is nothing to keep), LG_ENOMEM (the record was
 * not taken, everything else stays as it was).
 */
int lg_audit_assembler_add(struct lg_audit_assembler *as, const struct lg_audit_head *h,
        struct lg_str line, struct lg_position pos) LG_MUST_CHECK;
/* True where a group for this record is open. */
bool lg_audit_assembler_has(struct lg_audit_assembler *as, const struct lg_audit_head *h);
/* Next ended group; it lives until _drop or _keep, one of which must follow. */
bool lg_audit_assembler_next(struct lg_audit_assembler *as, struct lg_audit_group *ret);
void lg_audit_assembler_drop(struct lg_audit_assembler *as);
/* Lets the group wait for more. False (and nothing done) where it cannot: it ended otherwise than
 * by a mark or by time, or waited long enough. */
bool lg_audit_assembler_keep(struct lg_audit_assembler *as);
/* Ends every open group. */
void lg_audit_assembler_flush(struct lg_audit_assembler *as);

size_t lg_audit_assembler_open(const struct lg_audit_assembler *as);
/* Position of the earliest record that is still held; false when none is. */
bool lg_audit_assembler_oldest(const struct lg_audit_assembler *as, struct lg_position *ret);
/* Lowest offset among open groups whose first record has this `line`; false where none has. */
bool lg_audit_assembler_held(const struct lg_audit_assembler *as, uint64_t line, uint64_t *ret);

#endif
