#ifndef LG_NORMALIZE_AUDIT_EVENT_H
#define LG_NORMALIZE_AUDIT_EVENT_H

#include "normalize/audit_assembler.h"
#include "normalize/audit_syscalls.h"
#include "normalize/audit_values.h"
#include "normalize/format.h"

/*
 * One audit event, whoever shipped it (auditd text, auditbeat, LAUREL, auoms): a reader fills it
 * and lg_audit_event_emit decides what it is. Fields that mean the same everywhere go straight
 * into call->ev by the setters below; what must be interpreted together (call arguments, PATH
 * records, address) waits here. Strings live in call->arena or in what the reader borrowed from.
 * When the arena runs out call->oom is set and the event ends as a dead letter.
 * Thread: the worker that owns the call.
 */

enum lg_audit_nametype {
    LG_AUDIT_NAME_NORMAL, /* also UNKNOWN */
    LG_AUDIT_NAME_PARENT,
    LG_AUDIT_NAME_CREATE,
    LG_AUDIT_NAME_DELETE,
};
struct lg_audit_path {
    struct lg_str name;
    uint32_t item;
    enum lg_audit_nametype type;
};
#define LG_AUDIT_PATHS 32 /* no listed call needs more */

struct lg_audit_event {
    struct lg_norm_call *call;
    struct lg_str host; /* where it happened; "" takes the stream's endpoint */
    struct lg_str node; /* as the records name it; part of the identity */
    lg_time time_ns;
    uint64_t serial;

    /* The record that stands alone and gives the event where no listed system call does. */
    struct lg_str type_name;
    enum lg_audit_kind kind; /* LG_AUDIT_OTHER: none that we list */

    bool has_syscall;
    struct lg_str arch_text; /* number or name, as written */
    struct lg_str call_text;
    struct lg_str call_name; /* name of the enriched part */
    struct lg_str syscall;   /* name; "" when the number is unknown */
    uint64_t syscall_nr;
    uint32_t arch;
    const struct lg_audit_call *what; /* NULL: not listed */
    uint64_t a[4];
    uint8_t has_a;     /* bit per argument */
    uint64_t inner[4]; /* arguments of the call behind socketcall(2) */
    uint8_t has_inner;
    uint64_t oflags; /* of openat2 */
    bool has_oflags;

    uint32_t items; /* PATH records that the SYSCALL record promises */
    uint32_t path_records;
    struct lg_audit_path paths[LG_AUDIT_PATHS];
    uint32_t n_paths; /* those with a name */

    bool has_execve;
    bool args_missing;
    struct lg_str command; /* arguments joined */
    struct lg_str proctitle;
    bool title_cut;
    bool parts; /* records came that only belong to a system call */
    struct lg_audit_addr addr;
    struct lg_str uid_name;   /* name of the enriched part */
    struct lg_str account_id; /* id= of a user-space record */
    struct lg_str cmd;        /* of USER_CMD */
    bool evicted;             /* more records might have come */
};

/* Starts an event of `call` (calls lg_norm_begin); `node` is the host too. */
void lg_audit_event_begin(struct lg_audit_event *ae, struct lg_norm_call *call, struct lg_str node,
        lg_time time_ns, uint64_t serial);

/* Setters. Text is repaired where it is not UTF-8; empty text leaves the field unset. The `first`
 * ones leave a field alone that has a value. */
void lg_audit_set_text(struct lg_audit_event *ae, enum lg_field f, struct lg_str s);
void lg_audit_set_first(struct lg_audit_event *ae, enum lg_field f, struct lg_str s);
/* By the dictionary's type from text; "unset" is 4294967295, as the kernel writes it. */
void lg_audit_set_number(struct lg_audit_event *ae, enum lg_field f, struct lg_str s);
/* Hex digits of a syscall argument. */
void lg_audit_set_arg(struct lg_audit_event *ae, unsigned n, struct lg_str hex);
/* What arch_text, call_text and call_name mean; once all keys are read. */
void lg_audit_set_call(struct lg_audit_event *ae);
/* "yes", "success", "1", ... ; anything else leaves it unset. */
void lg_audit_set_success(struct lg_audit_event *ae, struct lg_str s);
/* exit=: a number, or the name of an error. */
void lg_audit_set_exit(struct lg_audit_event *ae, struct lg_str s);
/* Name in a record's `UID=`: a user name, or "unset"/"unknown(1000)", which are none. */
void lg_audit_set_uid_name(struct lg_audit_event *ae, struct lg_str s);
/* Rule key: several are joined by byte 1; they become comma separated. */
void lg_audit_set_key(struct lg_audit_event *ae, struct lg_str s);
void lg_audit_add_path(
        struct lg_audit_event *ae, uint32_t item, struct lg_str name, struct lg_str nametype);
void lg_audit_set_proctitle(struct lg_audit_event *ae, struct lg_str bytes);
void lg_audit_set_args(struct lg_audit_event *ae, const struct lg_str *args, size_t n);
void lg_audit_set_saddr(struct lg_audit_event *ae, struct lg_str bytes);
/* The record type that decides, where no listed call does; the first listed one stays. */
void lg_audit_set_type(
        struct lg_audit_event *ae, struct lg_str name, const struct lg_audit_type *type);

/* One field of a SYSCALL record (`own`), or of another that shares its keys, which never overrides
 * what is there. Unknown keys are ignored. */
void lg_audit_event_key(struct lg_audit_event *ae, bool own, const struct lg_audit_kv *kv);

/* True where nothing is known to be missing. */
bool lg_audit_event_whole(const struct lg_audit_event *ae);
/* Gives the event, or the dead letter that it is, to the sink. */
int lg_audit_event_emit(struct lg_audit_event *ae) LG_MUST_CHECK;

/* Fills the event from the records of a group (audit_join.c). */
void lg_audit_event_join(struct lg_audit_event *ae, const struct lg_audit_group *g);

#endif
