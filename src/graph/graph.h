#ifndef LG_GRAPH_GRAPH_H
#define LG_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/event.h"

/*
 * One window of one endpoint as a typed graph. Equal things fold into one node, equal
 * (source, target, type, attr) into one edge with a count, first and last time; nodes and edges
 * stand in canonical order (processes first, then by type and fold key; edges by source, target,
 * type, attr), so that the same events give the same graph whatever order they came in.
 * Thread: its worker's.
 */

/* X(ENUM, "name"). Append only: numbers are part of the feature schema. */
#define LG_NODE_TYPES(X)                                                                           \
    X(PROCESS, "process")                                                                          \
    X(FILE, "file")                                                                                \
    X(REGISTRY, "registry")                                                                        \
    X(MODULE, "module")                                                                            \
    X(PIPE, "pipe")                                                                                \
    X(NETWORK, "network")                                                                          \
    X(DNS, "dns")                                                                                  \
    X(SCRIPT, "script")   /* script block, pipeline, host application */                           \
    X(SERVICE, "service") /* Windows service or scheduled task */                                  \
    X(ACCOUNT, "account")                                                                          \
    X(DEVICE, "device")                                                                            \
    X(WMI, "wmi")                                                                                  \
    X(SHARE, "share")                                                                              \
    X(KERNEL, "kernel") /* module, BPF program, mount, memfd */                                    \
    X(LOG, "log")       /* an event log that was cleared or reconfigured */
#define LG_NODE_ENUM(e, s) LG_NODE_##e,
enum lg_node_type { LG_NODE_TYPES(LG_NODE_ENUM) LG_NODE_TYPE_COUNT };
#undef LG_NODE_ENUM

/* X(ENUM, "name", "from -> to"). The acting process is the source but where said. Append only. */
#define LG_EDGE_TYPES(X)                                                                           \
    X(SPAWN, "spawn", "parent -> child; creation and fork")                                        \
    X(EXIT, "exit", "process -> itself")                                                           \
    X(ACCESS, "access", "process -> process (Sysmon 10)")                                          \
    X(PTRACE, "ptrace", "process -> process")                                                      \
    X(SIGNAL, "signal", "process -> process")                                                      \
    X(REMOTE_THREAD, "remote_thread", "process -> process")                                        \
    X(TAMPER, "tamper", "process -> itself (Sysmon 25)")                                           \
    X(LOAD, "load", "process -> module")                                                           \
    X(DRIVER_LOAD, "driver_load", "System -> module")                                              \
    X(READ, "read", "process -> file opened without write intent")                                 \
    X(WRITE, "write", "process -> file created or opened for writing")                             \
    X(DELETE, "delete", "process -> file")                                                         \
    X(RENAME, "rename", "process -> new name")                                                     \
    X(LINK, "link", "process -> link")                                                             \
    X(STREAM, "stream", "process -> file whose stream was created")                                \
    X(MODE_CHANGE, "mode_change", "process -> file: chmod, chown")                                 \
    X(TIME_CHANGE, "time_change", "process -> file")                                               \
    X(EXECUTABLE_WRITE, "executable_write", "process -> file: Sysmon 27, 28, 29")                  \
    X(KEY_CREATE, "key_create", "process -> registry")                                             \
    X(KEY_DELETE, "key_delete", "process -> registry, keys and values")                            \
    X(VALUE_SET, "value_set", "process -> registry")                                               \
    X(KEY_RENAME, "key_rename", "process -> registry")                                             \
    X(PIPE_CREATE, "pipe_create", "process -> pipe")                                               \
    X(PIPE_CONNECT, "pipe_connect", "process -> pipe")                                             \
    X(CONNECT_OUT, "connect_out", "process -> network")                                            \
    X(CONNECT_IN, "connect_in", "process -> network: accepted or not initiated here")              \
    X(LISTEN, "listen", "process -> network: bind, listen")                                        \
    X(DNS_QUERY, "dns_query", "process -> dns")                                                    \
    X(RAW_READ, "raw_read", "process -> device")                                                   \
    X(CLIPBOARD, "clipboard", "process -> itself")                                                 \
    X(WMI_SUBSCRIBE, "wmi_subscribe", "process or account -> wmi filter, consumer, binding")       \
    X(SETID, "setid", "process -> account")                                                        \
    X(MEMFD, "memfd", "process -> kernel")                                                         \
    X(BPF, "bpf", "process -> kernel")                                                             \
    X(MOUNT, "mount", "process -> kernel")                                                         \
    X(KMOD, "kmod", "process -> kernel")                                                           \
    X(SCRIPT_RUN, "script_run", "process -> script (PowerShell 400, 800, 4103, 4104)")             \
    X(LOGON, "logon", "process or network -> account (4624, USER_LOGIN)")                          \
    X(LOGON_FAILED, "logon_failed", "process or network -> account")                               \
    X(LOGON_EXPLICIT, "logon_explicit", "process -> account (4648)")                               \
    X(PRIVILEGES, "privileges", "account -> itself (4672)")                                        \
    X(OBJECT_ACCESS, "object_access",                                                              \
            "process -> file, registry, process or other object (4656, 4663)")                     \
    X(SHARE_ACCESS, "share_access", "network -> share (5140, 5145)")                               \
    X(SERVICE_INSTALL, "service_install", "process or account -> service")                         \
    X(TASK_CREATE, "task_create", "process or account -> service")                                 \
    X(USER_CREATE, "user_create", "account -> account")                                            \
    X(GROUP_ADD, "group_add", "account -> account")                                                \
    X(LOG_CLEAR, "log_clear", "process or account -> log")                                         \
    X(AUDIT_CHANGE, "audit_change", "process or account -> log: Sysmon 4, 16, CONFIG_CHANGE")
#define LG_EDGE_ENUM(e, s, d) LG_EDGE_##e,
enum lg_edge_type { LG_EDGE_TYPES(LG_EDGE_ENUM) LG_EDGE_TYPE_COUNT };
#undef LG_EDGE_ENUM

/* Facts about an edge, part of its fold key and features. At most 32; append only. */
#define LG_EDGE_ATTRS(X)                                                                           \
    X(ACCESS_ALL, "access_all")               /* 0x1fffff, 0x1f0fff, 0x1f1fff, 0x1f3fff */         \
    X(ACCESS_VM_READ, "access_vm_read")       /* 0x10 */                                           \
    X(ACCESS_VM_WRITE, "access_vm_write")     /* 0x20 and 0x8 */                                   \
    X(ACCESS_THREAD, "access_create_thread")  /* 0x2 */                                            \
    X(ACCESS_DUP, "access_dup_handle")        /* 0x40 */                                           \
    X(ACCESS_QUERY_ONLY, "access_query_only") /* 0x1000, 0x1400, 0x400, 0x100000 */                \
    X(UNKNOWN_FRAME, "unknown_frame")         /* UNKNOWN in the call trace */                      \
    X(START_UNKNOWN, "start_unknown")         /* remote thread without start module */             \
    X(START_LOADLIBRARY, "start_loadlibrary")                                                      \
    X(UNSIGNED, "unsigned")                                                                        \
    X(FILE_EXECUTABLE, "file_executable")       /* .exe .dll .sys .scr .com, ELF under bin */      \
    X(FILE_SCRIPT, "file_script")               /* .ps1 .bat .vbs .js .hta .sct .py .sh ... */     \
    X(FILE_USER_WRITABLE, "file_user_writable") /* user folder, temp, public, /tmp, /dev/shm */    \
    X(VALUE_PATH, "value_path")                 /* registry data names an executable or script */  \
    X(VALUE_BINARY, "value_binary")                                                                \
    X(VALUE_DWORD, "value_dword")                                                                  \
    X(VALUE_LONG, "value_long") /* 256 bytes and more */                                           \
    X(FAILED, "failed")         /* the call or log-on failed */                                    \
    X(ADDR_PUBLIC, "addr_public")                                                                  \
    X(ADDR_PRIVATE, "addr_private")                                                                \
    X(ADDR_LOOPBACK, "addr_loopback")                                                              \
    X(PORT_HIGH, "port_high")             /* ephemeral service port */                             \
    X(ROOT, "root")                       /* done with euid 0 / SYSTEM */                          \
    X(SETUID_BIT, "setuid_bit")           /* mode change sets s bits or x for all */               \
    X(NETWORK_LOGON, "network_logon")     /* log-on type 3, 8 */                                   \
    X(REMOTE_LOGON, "remote_logon")       /* log-on type 10 */                                     \
    X(NEW_CREDENTIALS, "new_credentials") /* log-on type 9 */                                      \
    X(ENCODED, "encoded")                 /* script with long base64 or char codes */
#define LG_ATTR_NUM(e, s) LG_ATTR_NUM_##e,
enum lg_edge_attr_num { LG_EDGE_ATTRS(LG_ATTR_NUM) LG_EDGE_ATTR_COUNT };
#undef LG_ATTR_NUM
#define LG_ATTR_BIT(e, s) LG_ATTR_##e = (int)(1u << LG_ATTR_NUM_##e),
enum lg_edge_attr { LG_EDGE_ATTRS(LG_ATTR_BIT) };
#undef LG_ATTR_BIT

enum lg_node_flags {
    LG_NODEF_CREATED = 1u << 0, /* process: its creation is in the window */
    LG_NODEF_CONTEXT = 1u << 1, /* process: known from before the window */
    LG_NODEF_STUB = 1u << 2,    /* process: named by others only (missing parent or target) */
    LG_NODEF_EXITED = 1u << 3,
    LG_NODEF_SIGNED = 1u << 4, /* module */
    LG_NODEF_UNSIGNED = 1u << 5,
    LG_NODEF_BASE64 = 1u << 6,    /* command line or script with a run of 64+ base64 characters */
    LG_NODEF_LONG = 1u << 7,      /* command line of 512+ bytes */
    LG_NODEF_USER_PATH = 1u << 8, /* image or file in a user-writable folder */
    LG_NODEF_TRUNCATED = 1u << 9, /* a string was cut at LG_MAX_NODE_TEXT */
};

enum lg_integrity { LG_IL_UNKNOWN, LG_IL_LOW, LG_IL_MEDIUM, LG_IL_HIGH, LG_IL_SYSTEM };
enum lg_user_class {
    LG_USER_UNKNOWN,
    LG_USER_SYSTEM,
    LG_USER_SERVICE,
    LG_USER_PERSON,
    LG_USER_ROOT,
    LG_USER_DAEMON
};

struct lg_node {
    uint8_t type;       /* enum lg_node_type */
    uint8_t integrity;  /* enum lg_integrity */
    uint8_t user_class; /* enum lg_user_class */
    uint16_t sources;   /* bit set of enum lg_source: who told of it */
    uint32_t flags;     /* enum lg_node_flags */
    uint32_t instances; /* things folded into it (processes: distinct identities) */
    uint32_t pid;       /* process: of the first instance */
    uint64_t fold_key;
    lg_time first_ns;
    lg_time last_ns;
    struct lg_str name;     /* normalised (see text.h): what features see */
    struct lg_str raw;      /* as the first instance had it: what people and patterns see */
    struct lg_str cmd;      /* process: normalised command line; script: normalised text */
    struct lg_str cmd_raw;  /* as it came, at most LG_MAX_NODE_TEXT bytes */
    struct lg_str user;     /* as it came */
    struct lg_str guid;     /* process: identity of the first instance */
    struct lg_str original; /* process, module: OriginalFileName, lower case */
    struct lg_str hash;     /* sha256, else md5, else sha1; may be empty */
};

struct lg_edge {
    uint32_t src;
    uint32_t dst;
    uint8_t type;     /* enum lg_edge_type */
    uint16_t sources; /* bit set of enum lg_source */
    uint32_t attr;    /* enum lg_edge_attr */
    uint32_t count;
    lg_time first_ns;
    lg_time last_ns;
    struct lg_str
            detail; /* of the first event: registry data, access mask in hex, call, query... */
};

/*
 * Blindness ledger: what a verdict could not see. X(ENUM, "name", "meaning"). Counted by live
 * windows (window_live.h); 0 in `scan`. Append only: numbers are stored in checkpoints.
 */
#define LG_LEDGER(X)                                                                               \
    X(LATE_DROPPED, "late_dropped", "events that came when all their windows were closed")         \
    X(DUPLICATES, "duplicates", "events that came again and were not counted twice")               \
    X(FORCED, "forced", "events judged before their time for want of room")                        \
    X(REFUSED, "refused", "records that became dead letters")                                      \
    X(HELD_BACK, "held_back", "events that waited because the endpoint was over its rate")         \
    X(TRUNCATED, "truncated", "events with a value that was cut")                                  \
    X(INCOMPLETE, "incomplete", "events of which a part was lost")                                 \
    X(CLAMPED, "time_clamped", "events whose claimed time lay in the future")                      \
    X(MISSED, "missed", "records that are missing by their numbers")                               \
    X(LOG_RESET, "log_reset", "times that a source's numbers began anew")                          \
    X(SILENT, "silent_sources", "sources silent for much longer than is usual for them")
#define LG_LEDGER_ENUM(e, s, d) LG_LEDGER_##e,
enum lg_ledger { LG_LEDGER(LG_LEDGER_ENUM) LG_LEDGER_COUNT };
#undef LG_LEDGER_ENUM
const char *lg_ledger_name(enum lg_ledger l);

struct lg_graph {
    struct lg_str tenant_id;
    struct lg_str endpoint_id;
    struct lg_str hostname;
    enum lg_platform platform;
    lg_time start_ns; /* half-open [start, end) */
    lg_time end_ns;
    struct lg_node *nodes;
    uint32_t n_nodes;
    struct lg_edge *edges;
    uint32_t n_edges;
    uint64_t events;                           /* in the window, before folding */
    uint32_t type_counts[LG_EVENT_TYPE_COUNT]; /* events by type */
    uint32_t sources;                          /* bit set of enum lg_source seen */
    uint32_t nodes_dropped;                    /* by the caps: `truncated` on the verdict */
    uint32_t edges_dropped;
    uint32_t late_events; /* entered after the watermark had passed them */
    uint32_t ledger[LG_LEDGER_COUNT];
    lg_time received_ns; /* live: bus time of the endpoint's latest input; else 0 */
};

const char *lg_node_type_name(enum lg_node_type t);
const char *lg_edge_type_name(enum lg_edge_type t);
const char *lg_edge_attr_name(enum lg_edge_attr_num a);

/* One JSON object / one Graphviz digraph; appends, check out->failed. */
void lg_graph_write_json(const struct lg_graph *g, struct lg_buf *out);
void lg_graph_write_dot(const struct lg_graph *g, struct lg_buf *out);

#endif
