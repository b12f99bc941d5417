#ifndef LG_NORMALIZE_WINDOWS_FIELDS_H
#define LG_NORMALIZE_WINDOWS_FIELDS_H

#include "normalize/windows.h"

/* The table of Windows events: which record is which event type, and what its data mean. */

/* What is done to a value on its way into its field. */
enum lg_win_conv {
    LG_WC_PLAIN,       /* by the field's type, see lg_norm_set_json */
    LG_WC_PID,         /* 0 means none */
    LG_WC_HASHES,      /* "SHA1=..,MD5=.." also into md5, sha1, sha256, imphash */
    LG_WC_FIRST_BOOL,  /* "false - shredded file ...": the first word */
    LG_WC_WORDS,       /* lists over several lines: white space folded */
    LG_WC_MOF,         /* string literal in quotes, with \ escapes */
    LG_WC_IP_PROTOCOL, /* IANA number to name */
    LG_WC_DIRECTION,   /* %%14592 inbound, %%14593 outbound */
    LG_WC_FAMILY,      /* is IPv6 */
    LG_WC_CONTEXT,     /* PowerShell context lines; the field itself is not set */
    LG_WC_CONTEXT_TOO, /* so too, and the field is set */
    LG_WC_COMMANDS,    /* CommandInvocation(name) also into command_name */
};

enum lg_win_row_flags {
    LG_WR_NEED = 1u << 0, /* without it the record is a dead letter */
    LG_WR_ASK = 1u << 1,  /* when it is missing the rendered message is asked */
};

struct lg_win_row {
    uint16_t key;   /* enum lg_win_key */
    uint16_t field; /* enum lg_field */
    uint8_t conv;
    uint8_t flags;
};

/* Whose account `user` and `user_sid` are. */
enum lg_win_user {
    LG_WU_FIELD,   /* a row sets it */
    LG_WU_SUBJECT, /* Subject... */
    LG_WU_CREATED, /* Target... of a process creation, else Subject... */
    LG_WU_HEADER,  /* the event's own, where no row set it */
};

/* How the rendered message of the event is laid out. */
enum lg_win_message {
    LG_WM_NAMED,    /* "Name: value" lines with the names of the data */
    LG_WM_SECTIONS, /* "Section:" and tab-indented "Label: value" lines */
    LG_WM_ENGINE,   /* PowerShell 400 */
    LG_WM_PIPELINE, /* PowerShell 800 */
    LG_WM_MODULE,   /* PowerShell 4103 */
    LG_WM_SCRIPT,   /* PowerShell 4104 */
    LG_WM_BINDING,  /* WMI 5861 */
    LG_WM_CLEARED,  /* System 104 */
};

enum lg_win_event_flags {
    LG_WE_ACTOR = 1u << 0,      /* process_guid, process_id or image must be known */
    LG_WE_TARGET = 1u << 1,     /* so must target_process_guid, _id or target_image */
    LG_WE_IN_PROCESS = 1u << 2, /* written by the acting process itself: its pid is the header's */
    LG_WE_FAR_UTC = 1u << 3,    /* UtcTime may be days off */
};

struct lg_win_event {
    uint32_t code;
    uint8_t provider; /* enum lg_win_provider */
    uint8_t source;   /* enum lg_source */
    uint8_t type;     /* enum lg_event_type */
    uint8_t user;     /* enum lg_win_user */
    uint8_t message;  /* enum lg_win_message */
    uint8_t flags;
    uint16_t n_rows;
    const struct lg_win_row *rows;
};

enum lg_win_provider {
    LG_WP_NONE,
    LG_WP_SYSMON,
    LG_WP_SYSMON_LINUX,
    LG_WP_SECURITY,
    LG_WP_EVENTLOG,
    LG_WP_POWERSHELL,
    LG_WP_POWERSHELL_CLASSIC,
    LG_WP_SERVICES,
    LG_WP_WMI,
    LG_WP_COUNT
};

/* By the provider's name; where there is none, by channel and event id. */
enum lg_win_provider lg_win_provider_of(
        struct lg_str provider, struct lg_str channel, uint64_t code);
/* The event's own name of the provider: the same however the record was shipped. */
struct lg_str lg_win_provider_name(enum lg_win_provider p);
/* NULL when the event is not listed. */
const struct lg_win_event *lg_win_event_find(enum lg_win_provider p, uint64_t code);
/* The whole table, for tests and documents. */
const struct lg_win_event *lg_win_events(size_t *ret_n);

#endif
