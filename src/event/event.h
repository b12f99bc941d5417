#ifndef LG_EVENT_EVENT_H
#define LG_EVENT_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "crypto/ids.h"

/* NormalizedEvent: one schema for every source (docs/schemas/normalized-event.schema.json). */

enum lg_platform { LG_PLATFORM_WINDOWS, LG_PLATFORM_LINUX };

/* The instrument that recorded the event, whoever shipped it: part of the identity. */
#define LG_SOURCES(X)                                                                              \
    X(SYSMON, "sysmon")                                                                            \
    X(WIN_SECURITY, "windows-security")                                                            \
    X(WIN_SYSTEM, "windows-system")                                                                \
    X(WIN_POWERSHELL, "windows-powershell")                                                        \
    X(WIN_WMI, "windows-wmi")                                                                      \
    X(SYSMON_LINUX, "sysmon-linux")                                                                \
    X(AUDITD, "auditd")                                                                            \
    X(SYSFLOW, "sysflow")                                                                          \
    X(SYSDIG, "sysdig")                                                                            \
    X(FALCO, "falco")                                                                              \
    X(TRACEE, "tracee")                                                                            \
    X(TETRAGON, "tetragon")                                                                        \
    X(EBPF_PROCESS, "ebpf-process")                                                                \
    X(EBPF_FILE, "ebpf-file")                                                                      \
    X(EBPF_NETWORK, "ebpf-network")

#define LG_SOURCE_ENUM(e, s) LG_SOURCE_##e,
enum lg_source { LG_SOURCES(LG_SOURCE_ENUM) LG_SOURCE_COUNT };
#undef LG_SOURCE_ENUM

/*
 * What happened, over all platforms. X(ENUM, "name", "Sysmon id or record that it stands for").
 * Append only: numbers are stored in feature schemas.
 */
#define LG_EVENT_TYPES(X)                                                                          \
    X(PROCESS_CREATE, "process_create", "Sysmon 1, Security 4688, execve")                         \
    X(PROCESS_FORK, "process_fork", "fork, vfork, clone")                                          \
    X(PROCESS_TERMINATE, "process_terminate", "Sysmon 5, Security 4689, exit")                     \
    X(PROCESS_ACCESS, "process_access", "Sysmon 10")                                               \
    X(PROCESS_PTRACE, "process_ptrace", "ptrace")                                                  \
    X(PROCESS_SIGNAL, "process_signal", "kill")                                                    \
    X(PROCESS_TAMPER, "process_tamper", "Sysmon 25")                                               \
    X(REMOTE_THREAD, "remote_thread", "Sysmon 8")                                                  \
    X(CREDENTIAL_CHANGE, "credential_change", "set*uid, set*gid")                                  \
    X(IMAGE_LOAD, "image_load", "Sysmon 7")                                                        \
    X(DRIVER_LOAD, "driver_load", "Sysmon 6")                                                      \
    X(KERNEL_MODULE_LOAD, "kernel_module_load", "init_module, finit_module")                       \
    X(FILE_OPEN, "file_open", "open without write intent")                                         \
    X(FILE_WRITE, "file_write", "open with write intent, write")                                   \
    X(FILE_CREATE, "file_create", "Sysmon 11, creat, mknod, mkdir")                                \
    X(FILE_TIME_CHANGE, "file_time_change", "Sysmon 2")                                            \
    X(FILE_STREAM_CREATE, "file_stream_create", "Sysmon 15")                                       \
    X(FILE_DELETE, "file_delete", "Sysmon 23, 26, unlink")                                         \
    X(FILE_RENAME, "file_rename", "rename")                                                        \
    X(FILE_LINK, "file_link", "link, symlink")                                                     \
    X(FILE_MODE_CHANGE, "file_mode_change", "chmod")                                               \
    X(FILE_OWNER_CHANGE, "file_owner_change", "chown")                                             \
    X(FILE_BLOCKED, "file_blocked", "Sysmon 27, 28")                                               \
    X(FILE_EXECUTABLE_DETECTED, "file_executable_detected", "Sysmon 29")                           \
    X(MEMFD_CREATE, "memfd_create", "memfd_create")                                                \
    X(RAW_ACCESS_READ, "raw_access_read", "Sysmon 9")                                              \
    X(REGISTRY_KEY, "registry_key", "Sysmon 12")                                                   \
    X(REGISTRY_VALUE_SET, "registry_value_set", "Sysmon 13")                                       \
    X(REGISTRY_RENAME, "registry_rename", "Sysmon 14")                                             \
    X(PIPE_CREATE, "pipe_create", "Sysmon 17")                                                     \
    X(PIPE_CONNECT, "pipe_connect", "Sysmon 18")                                                   \
    X(WMI_FILTER, "wmi_filter", "Sysmon 19")                                                       \
    X(WMI_CONSUMER, "wmi_consumer", "Sysmon 20")                                                   \
    X(WMI_BINDING, "wmi_binding", "Sysmon 21, WMI-Activity 5861")                                  \
    X(NETWORK_CONNECT, "network_connect", "Sysmon 3, Security 5156, connect")                      \
    X(NETWORK_ACCEPT, "network_accept", "accept")                                                  \
    X(NETWORK_BIND, "network_bind", "bind")                                                        \
    X(NETWORK_LISTEN, "network_listen", "listen")                                                  \
    X(DNS_QUERY, "dns_query", "Sysmon 22")                                                         \
    X(CLIPBOARD_CHANGE, "clipboard_change", "Sysmon 24")                                           \
    X(SYSMON_STATE, "sysmon_state", "Sysmon 4")                                                    \
    X(SYSMON_CONFIG, "sysmon_config", "Sysmon 16")                                                 \
    X(LOGON, "logon", "Security 4624, USER_LOGIN, USER_START")                                     \
    X(LOGON_FAILED, "logon_failed", "Security 4625, failed USER_LOGIN or USER_AUTH")               \
    X(LOGON_EXPLICIT, "logon_explicit", "Security 4648")                                           \
    X(PRIVILEGES_ASSIGNED, "privileges_assigned", "Security 4672")                                 \
    X(OBJECT_HANDLE, "object_handle", "Security 4656")                                             \
    X(OBJECT_ACCESS, "object_access", "Security 4663")                                             \
    X(SERVICE_INSTALL, "service_install", "Security 4697, System 7045")                            \
    X(TASK_CREATE, "task_create", "Security 4698")                                                 \
    X(USER_CREATE, "user_create", "Security 4720, ADD_USER")                                       \
    X(GROUP_MEMBER_ADD, "group_member_add", "Security 4732")                                       \
    X(SHARE_ACCESS, "share_access", "Security 5140")                                               \
    X(SHARE_OBJECT_ACCESS, "share_object_access", "Security 5145")                                 \
    X(LOG_CLEAR, "log_clear", "Security 1102, System 104")                                         \
    X(POWERSHELL_ENGINE, "powershell_engine", "PowerShell 400")                                    \
    X(POWERSHELL_PIPELINE, "powershell_pipeline", "PowerShell 800")                                \
    X(POWERSHELL_MODULE, "powershell_module", "PowerShell 4103")                                   \
    X(SCRIPT_BLOCK, "script_block", "PowerShell 4104")                                             \
    X(MOUNT, "mount", "mount")                                                                     \
    X(BPF, "bpf", "bpf")                                                                           \
    X(AUDIT_CONFIG, "audit_config", "CONFIG_CHANGE and daemon records of auditd")

#define LG_EVENT_ENUM(e, s, d) LG_EVENT_##e,
enum lg_event_type { LG_EVENT_TYPES(LG_EVENT_ENUM) LG_EVENT_TYPE_COUNT };
#undef LG_EVENT_ENUM

enum lg_field_type { LG_FIELD_STR, LG_FIELD_U64, LG_FIELD_I64, LG_FIELD_BOOL, LG_FIELD_TIME };

#define X(e, s, t, ecs, doc) LG_F_##e,
enum lg_field {
#include "event/fields.def"
    LG_FIELD_COUNT
};
#undef X

/* Row of the dictionary. */
struct lg_field_info {
    const char *name;
    uint8_t name_n;
    uint8_t type; /* enum lg_field_type */
    const char *ecs;
    const char *doc;
};
extern const struct lg_field_info lg_fields[LG_FIELD_COUNT];

union lg_value {
    struct lg_str s;
    uint64_t u;
    int64_t i; /* also TIME, in ns */
    bool b;
};

enum lg_event_flags {
    LG_EVF_TEXT_REPAIRED = 1u << 0,    /* ill-formed Unicode became U+FFFD */
    LG_EVF_TIME_CLAMPED = 1u << 1,     /* claimed time was in the future of the bus */
    LG_EVF_TIME_FROM_HEADER = 1u << 2, /* header time was used, the data's own was not usable */
    LG_EVF_NO_IDENTITY = 1u << 3,      /* id rests on the bytes of the record */
    LG_EVF_INCOMPLETE = 1u << 4,       /* parts of the record were lost (auditd) */
    LG_EVF_TRUNCATED = 1u << 5,        /* a value was cut at its cap */
};
#define LG_EVF_COUNT 6

enum lg_raw_kind {
    LG_RAW_JSON,
    LG_RAW_TEXT,   /* well-formed UTF-8 */
    LG_RAW_BINARY, /* anything else */
    LG_RAW_BASE64, /* binary, still in base64: only as lg_event_read gives it back */
};

/*
 * One event. Plain data; every string borrows from the record or from the normalizer's arena and
 * lives until the next record: whoever keeps an event copies it. Reused by lg_event_clear.
 */
struct lg_event {
    struct lg_uuid event_id;
    struct lg_str tenant_id;
    struct lg_str hostname;    /* full name, lower case */
    struct lg_str endpoint_id; /* see docs/semantics.md, "Identity" */
    enum lg_platform platform;
    enum lg_source source;
    enum lg_event_type type;
    lg_time time_ns;
    lg_time claimed_time_ns; /* = time_ns unless clamped */
    uint32_t flags;          /* enum lg_event_flags */
    uint32_t code;           /* Windows event id; 0 elsewhere */
    struct lg_str format;    /* how it was shipped: never a feature */
    struct lg_str raw;       /* the record as it came */
    enum lg_raw_kind raw_kind;
    /* The source's own running number and what it counts in (Windows: the channel). Not stored:
     * they tell the next stage what is missing. 0: the source has none. */
    uint64_t sequence;
    struct lg_str channel;
    uint64_t has[(LG_FIELD_COUNT + 63) / 64];
    union lg_value v[LG_FIELD_COUNT]; /* valid where has[] is set */
};

/* Makes the event empty without touching v[]. */
static inline void lg_event_clear(struct lg_event *ev)
{
    memset(ev, 0, offsetof(struct lg_event, v));
}
static inline bool lg_event_has(const struct lg_event *ev, enum lg_field f)
{
    return (ev->has[f / 64] >> (f % 64) & 1) != 0;
}
static inline void lg_event_mark(struct lg_event *ev, enum lg_field f)
{
    ev->has[f / 64] |= UINT64_C(1) << (f % 64);
}
/* Empty string / 0 where the event has no such field. */
static inline struct lg_str lg_event_str(const struct lg_event *ev, enum lg_field f)
{
    return lg_event_has(ev, f) ? ev->v[f].s : lg_str_of("", 0);
}
static inline uint64_t lg_event_u64(const struct lg_event *ev, enum lg_field f)
{
    return lg_event_has(ev, f) ? ev->v[f].u : 0;
}
static inline void lg_event_set_str(struct lg_event *ev, enum lg_field f, struct lg_str s)
{
    ev->v[f].s = s;
    lg_event_mark(ev, f);
}
static inline void lg_event_set_u64(struct lg_event *ev, enum lg_field f, uint64_t u)
{
    ev->v[f].u = u;
    lg_event_mark(ev, f);
}
static inline void lg_event_set_i64(struct lg_event *ev, enum lg_field f, int64_t i)
{
    ev->v[f].i = i;
    lg_event_mark(ev, f);
}
static inline void lg_event_set_bool(struct lg_event *ev, enum lg_field f, bool b)
{
    ev->v[f].u = 0;
    ev->v[f].b = b;
    lg_event_mark(ev, f);
}

const char *lg_event_type_name(enum lg_event_type t);
const char *lg_source_name(enum lg_source s);
const char *lg_platform_name(enum lg_platform p);
const char *lg_event_flag_name(unsigned bit); /* 0..LG_EVF_COUNT-1 */
/* The parsers below return 0 or LG_ENOENT. */
int lg_event_type_parse(struct lg_str s, enum lg_event_type *ret) LG_MUST_CHECK;
int lg_source_parse(struct lg_str s, enum lg_source *ret) LG_MUST_CHECK;
int lg_platform_parse(struct lg_str s, enum lg_platform *ret) LG_MUST_CHECK;
int lg_field_parse(struct lg_str s, enum lg_field *ret) LG_MUST_CHECK;

#endif
