#ifndef LG_NORMALIZE_AUDIT_RECORD_H
#define LG_NORMALIZE_AUDIT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/str.h"

/*
 * One raw audit record (a line): its header, its fields, its encodings. Pure; values are views of
 * the line or of the arena that is given. Thread: any.
 *
 *     [prefix] [node=NAME ]type=TYPE msg=audit(SECONDS.MS:SERIAL): FIELDS[\x1dENRICHED]
 *
 * Accepted besides: `type=1400 audit(...)` as the kernel prints it, numbers and UNKNOWN[n] for
 * types, a syslog prefix of RFC 3164 or 5424, enriched fields glued to the last value (the 0x1d
 * was lost on the way).
 */

/* How a record type takes part in an event. */
enum lg_audit_kind {
    LG_AUDIT_OTHER, /* stands alone, no event of ours: dead letter unsupported_type */
    LG_AUDIT_SYSCALL,
    LG_AUDIT_EXECVE,
    LG_AUDIT_PATH,
    LG_AUDIT_CWD,
    LG_AUDIT_SOCKADDR,
    LG_AUDIT_SOCKETCALL,
    LG_AUDIT_PROCTITLE,
    LG_AUDIT_OBJ_PID,
    LG_AUDIT_OPENAT2,
    LG_AUDIT_KERN_MODULE,
    LG_AUDIT_PART, /* a part of a system call that we read nothing from */
    LG_AUDIT_EOE,
    LG_AUDIT_AUOMS,    /* Microsoft's auoms: one record holds the whole event */
    LG_AUDIT_BPF_PROG, /* from here on: stands alone and gives an event */
    LG_AUDIT_LOGON,    /* USER_LOGIN, USER_START, USER_AUTH */
    LG_AUDIT_USER_CMD,
    LG_AUDIT_ADD_USER,
    LG_AUDIT_CONFIG, /* CONFIG_CHANGE */
    LG_AUDIT_DAEMON, /* DAEMON_* */
};

struct lg_audit_type {
    const char *name;
    uint16_t number; /* of linux/audit.h and libaudit.h; 0 where there is none */
    uint8_t kind;    /* enum lg_audit_kind */
    bool single;     /* sent by a program: always a whole event by itself */
};
/* Rows of the types we know; any other name is an OTHER that is not single. Never NULL. */
const struct lg_audit_type *lg_audit_type_find(struct lg_str name);

struct lg_audit_head {
    struct lg_str node;      /* "" without node= */
    struct lg_str host;      /* of the syslog prefix; "" without one */
    struct lg_str type_name; /* as written, or the name behind its number */
    const struct lg_audit_type *type;
    lg_time time_ns;
    uint64_t serial;
    struct lg_str id;   /* "SECONDS.MS:SERIAL" as written */
    struct lg_str body; /* the fields */
};

/* True where the line looks like an audit record; cheap. */
bool lg_audit_head_sniff(struct lg_str line);
/* 0 or LG_EPARSE. */
int lg_audit_head_parse(struct lg_str line, struct lg_audit_head *ret) LG_MUST_CHECK;

/* One field. msg='...' is entered: its inner fields are handed out like the others. */
struct lg_audit_kv {
    struct lg_str key;
    struct lg_str val; /* without quotes */
    char quote;        /* '"', '{' or '[' that enclosed it, or 0 */
};
struct lg_audit_cursor {
    const char *p;
    const char *end;
    const char *outer; /* end of the body while inside msg='...', else NULL */
    bool glued;        /* no 0x1d: enriched fields may be glued to a value */
    bool cut;          /* a quote was never closed: the line was cut */
};
void lg_audit_cursor_init(struct lg_audit_cursor *c, struct lg_str body);
bool lg_audit_cursor_next(struct lg_audit_cursor *c, struct lg_audit_kv *ret);

/* "(null)", "(none)", "?" and the empty string, unquoted, stand for nothing. */
bool lg_audit_kv_absent(const struct lg_audit_kv *kv);
/*
 * Value of a field that the kernel writes as "text" or as bare hex: decoded into the arena.
 * Bare text that is not hex is taken as it is; `upper_only` wants upper-case digits, for fields
 * whose old forms were neither quoted nor encoded. Absent values give "". 0 or LG_ENOMEM.
 */
int lg_audit_kv_text(const struct lg_audit_kv *kv, bool upper_only, struct lg_arena *arena,
        struct lg_str *ret) LG_MUST_CHECK;
/* Bytes of an even number of hex digits (nothing else) into out, which holds hex.n / 2. */
bool lg_audit_hex_decode(struct lg_str hex, char *out);

/* Octal digits; false for anything else. */
bool lg_audit_octal(struct lg_str s, uint64_t *ret);

/* "EXECVE" argument key: a3, a3[1], a3_len, argc. */
enum lg_audit_arg_kind { LG_AUDIT_ARG_NONE, LG_AUDIT_ARG_VALUE, LG_AUDIT_ARG_LEN };
enum lg_audit_arg_kind lg_audit_arg_key(struct lg_str key, uint32_t *ret_arg, uint32_t *ret_piece);

#endif
