#ifndef LG_NORMALIZE_LINUX_COMMON_H
#define LG_NORMALIZE_LINUX_COMMON_H

#include "normalize/format.h"

/*
 * What the kernel-side Linux collectors (SysFlow, sysdig, Falco, Tetragon, Tracee, our own eBPF
 * JSON) have in common: system calls by name, open(2) flags, signals, socket addresses, process
 * identity, container ids. Numbers are those of x86-64 Linux whatever the collector's own are.
 *
 * Every setter leaves a field unset when the value is absent, a null word of some collector
 * ("", "-", "<NA>", "<NONE>", "<NULL>") or does not fit: it stays in raw_event.
 * Thread: the worker that owns the call.
 */
struct lg_lx { /* starts as {.call = call, .ev = call->ev} */
    struct lg_norm_call *call;
    struct lg_event *ev;
    bool oom; /* the arena ran out: the event becomes a dead letter, not a shortened event */
};

/* Starts an event and names its host; time_ns 0 ends as LG_DEAD_BAD_TIME. */
void lg_lx_begin(struct lg_lx *lx, struct lg_norm_call *call, enum lg_source source,
        enum lg_event_type type, lg_time time_ns, struct lg_str host);
/* As lg_norm_emit, or the dead letter that an exhausted arena calls for. */
int lg_lx_emit(struct lg_lx *lx, const struct lg_str *identity, size_t n) LG_MUST_CHECK;

/* ---- values ---- */

bool lg_lx_null_word(struct lg_str s);
void lg_lx_str(struct lg_lx *lx, enum lg_field f, struct lg_str s);
/* 0 is a value; use for numbers that are known to be there. */
void lg_lx_u64(struct lg_lx *lx, enum lg_field f, uint64_t v);
/* Member of `obj` by exact key; number and text as lg_norm_set_json reads them. */
void lg_lx_member(struct lg_lx *lx, enum lg_field f, struct lg_jval obj, struct lg_str key);
/* Non-negative integer, or its text; false for anything else. */
bool lg_lx_uint(struct lg_jval v, uint64_t *ret);
bool lg_lx_int(struct lg_jval v, int64_t *ret);
bool lg_lx_member_uint(struct lg_jval obj, struct lg_str key, uint64_t *ret);
bool lg_lx_member_int(struct lg_jval obj, struct lg_str key, int64_t *ret);
/* Object (or array) member; false when absent or of another type. */
bool lg_lx_member_obj(struct lg_jval obj, struct lg_str key, struct lg_jval *ret);
bool lg_lx_member_arr(struct lg_jval obj, struct lg_str key, struct lg_jval *ret);
/* Number in decimal in the arena. */
struct lg_str lg_lx_dec(struct lg_lx *lx, uint64_t v);
/* Copy of the concatenation in the arena. */
struct lg_str lg_lx_cat(struct lg_lx *lx, const struct lg_str *parts, size_t n);
/* String members of an array, joined by one blank. At most LG_MAX_AUDIT_ARGS of them; more set
 * LG_EVF_TRUNCATED. */
struct lg_str lg_lx_join_array(struct lg_lx *lx, struct lg_jval arr);
/* exe + " " + args, either of which may be empty. */
struct lg_str lg_lx_command(struct lg_lx *lx, struct lg_str exe, struct lg_str args);

/* ---- processes ---- */

struct lg_lx_proc {
    bool has_pid;
    uint64_t pid;        /* in the host's pid name space */
    lg_time start_ns;    /* 0 where the source does not know */
    bool start_is_clock; /* start_ns is wall-clock time, not time since boot */
    struct lg_str image;
    struct lg_str command_line;
    struct lg_str user;
};
/* "<pid>:<start ns>"; empty without both. */
struct lg_str lg_lx_guid(struct lg_lx *lx, const struct lg_lx_proc *p);
void lg_lx_actor(struct lg_lx *lx, const struct lg_lx_proc *p);
void lg_lx_parent(struct lg_lx *lx, const struct lg_lx_proc *p);
void lg_lx_target(struct lg_lx *lx, const struct lg_lx_proc *p);
/* Takes back the target's pid: an argument of a process in a container counts pids in its own
 * name space, where the number stands for another process than on the host. */
void lg_lx_drop_target_pid(struct lg_lx *lx);
/* Without "docker://", "containerd://", "cri-o://"; "host" is none. */
void lg_lx_container_id(struct lg_lx *lx, struct lg_str id);

/* ---- system calls ---- */

enum lg_lx_kind {
    LG_LX_EXEC,
    LG_LX_FORK,
    LG_LX_EXIT,
    LG_LX_OPEN,
    LG_LX_WRITE,
    LG_LX_CREATE,
    LG_LX_DELETE,
    LG_LX_RENAME,
    LG_LX_LINK,
    LG_LX_CHMOD,
    LG_LX_CHOWN,
    LG_LX_CONNECT,
    LG_LX_ACCEPT,
    LG_LX_BIND,
    LG_LX_LISTEN,
    LG_LX_PTRACE,
    LG_LX_KMOD,
    LG_LX_SETUID,
    LG_LX_SETGID,
    LG_LX_KILL,
    LG_LX_MOUNT,
    LG_LX_MEMFD,
    LG_LX_BPF,
};
#define LG_LX_BIT(kind) (1u << LG_LX_##kind)

struct lg_lx_syscall {
    enum lg_lx_kind kind;
    enum lg_event_type type; /* of OPEN: FILE_OPEN; write intent makes it FILE_WRITE */
};
/* Looks one of the listed calls up by its name ("openat"); false for every other call. */
bool lg_lx_syscall_find(struct lg_str name, struct lg_lx_syscall *ret);

/* How the value of one argument of a call becomes a field. */
enum lg_lx_conv {
    LG_LX_TEXT,      /* string */
    LG_LX_FLAG_OPEN, /* open(2) flags: number, or names; sets write_intent and the type */
    LG_LX_FLAG_PPM,  /* the same as falcosecurity/libs number them: "4097(O_RDONLY|O_CLOEXEC)" */
    LG_LX_FLAG_CLONE,
    LG_LX_NUM,        /* decimal, 0x hex, or either before "(" */
    LG_LX_MODE,       /* permission bits: number, "0755", "1ED" */
    LG_LX_SIG,        /* 9, "SIGKILL", "9(SIGKILL)" */
    LG_LX_PTRACE_REQ, /* 16, "PTRACE_ATTACH", "..(PTRACE_ATTACH)" */
    LG_LX_BPF_CMD,    /* 5, "BPF_PROG_LOAD" */
};
struct lg_lx_arg {
    uint32_t kinds; /* of LG_LX_BIT */
    const char *key;
    enum lg_field field;
    enum lg_lx_conv conv;
};
/* An argument's value: text, number, or both unset. */
struct lg_lx_val {
    bool is_num;
    int64_t num;
    struct lg_str text;
};
struct lg_lx_val lg_lx_val_of(struct lg_jval v);
/* Sets the field that `key` stands for in a call of this kind; false when there is no such row. */
bool lg_lx_set_arg(struct lg_lx *lx, const struct lg_lx_arg *rows, size_t n, enum lg_lx_kind kind,
        struct lg_str key, struct lg_lx_val val);
void lg_lx_convert(struct lg_lx *lx, enum lg_field f, enum lg_lx_conv conv, struct lg_lx_val val);

/* Sets return_value and success; a connect that is in progress has neither failed nor succeeded. */
void lg_lx_result(struct lg_lx *lx, int64_t ret);
/* Number of an errno name ("ENOENT"), 0 when unknown. */
int lg_lx_errno(struct lg_str name);

/* ---- open(2) flags ---- */

#define LG_O_WRONLY 0x1u
#define LG_O_RDWR 0x2u
#define LG_O_CREAT 0x40u
#define LG_O_EXCL 0x80u
#define LG_O_TRUNC 0x200u
#define LG_O_APPEND 0x400u

uint64_t lg_lx_flags_from_ppm(uint64_t ppm);
/* "O_WRONLY|O_CREAT", "WRONLY CREAT", "," as separator too; false when no word is known. */
bool lg_lx_flags_from_names(struct lg_str s, uint64_t *ret);
bool lg_lx_flags_write(uint64_t flags);
/* Sets open_flags and write_intent; makes the event FILE_WRITE where the flags ask to write. */
void lg_lx_open_flags(struct lg_lx *lx, uint64_t flags);

/* ---- sockets ---- */

/* Canonical text of an IPv4 or IPv6 address (a mapped IPv4 address as IPv4) into the field, and
 * socket_family; anything else leaves both unset. False then. */
bool lg_lx_ip(struct lg_lx *lx, enum lg_field f, struct lg_str text);
void lg_lx_port(struct lg_lx *lx, enum lg_field f, uint64_t port);
/* Name of an IP protocol number; empty when it has none here. */
struct lg_str lg_lx_protocol(uint64_t number);
/* "tcp" of "TCP", "IPPROTO_TCP", "tcp6"; empty for anything else. */
struct lg_str lg_lx_protocol_name(struct lg_str s);
/* "10.0.0.1:443", "[::1]:53", "::1:53": the last colon parts address and port. */
bool lg_lx_split_port(struct lg_str s, struct lg_str *ret_addr, uint64_t *ret_port);
/*
 * What libsinsp prints for a socket: "1.2.3.4:5->6.7.8.9:10" (client first), "0.0.0.0:80" (bound,
 * goes to source_*), "ffff8->ffff9 /run/x.sock" or "/run/x.sock". False when it is none of them.
 */
bool lg_lx_socket_name(struct lg_lx *lx, struct lg_str s);

#endif
