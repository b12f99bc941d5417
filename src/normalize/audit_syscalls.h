#ifndef LG_NORMALIZE_AUDIT_SYSCALLS_H
#define LG_NORMALIZE_AUDIT_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "event/event.h"

/*
 * System call numbers of the Linux audit architectures, and what each listed call means as an
 * event: pure tables. Thread: any.
 */

/* Bits of the kernel's AUDIT_ARCH_* values. */
#define LG_AUDIT_ARCH_LE 0x40000000u
#define LG_AUDIT_ARCH_X86_64 0xc000003eu
#define LG_AUDIT_ARCH_I386 0x40000003u
#define LG_AUDIT_ARCH_AARCH64 0xc00000b7u

/* Groups of calls whose arguments and PATH records are read alike. */
enum lg_audit_shape {
    LG_AUDIT_EXEC,
    LG_AUDIT_FORK,   /* x: flags */
    LG_AUDIT_EXIT,   /* x: status */
    LG_AUDIT_OPEN,   /* x: flags, y: mode */
    LG_AUDIT_CREATE, /* y: mode; creat */
    LG_AUDIT_MAKE,   /* y: mode; mkdir, mknod */
    LG_AUDIT_DELETE,
    LG_AUDIT_RENAME,
    LG_AUDIT_LINK,
    LG_AUDIT_SYMLINK,
    LG_AUDIT_MODE,  /* y: mode */
    LG_AUDIT_OWNER, /* x: uid, y: gid */
    LG_AUDIT_TRUNCATE,
    LG_AUDIT_CONNECT,
    LG_AUDIT_ACCEPT,
    LG_AUDIT_BIND,
    LG_AUDIT_LISTEN, /* x: backlog */
    LG_AUDIT_PTRACE, /* x: request, y: pid */
    LG_AUDIT_MODULE,
    LG_AUDIT_SETUID, /* x: uid that takes effect, y: the one that does where x is -1 */
    LG_AUDIT_SETGID,
    LG_AUDIT_SIGNAL, /* x: pid, y: signal */
    LG_AUDIT_MOUNT,  /* x: flags */
    LG_AUDIT_MEMFD,
    LG_AUDIT_BPF, /* x: command */
};

/* One listed call. Argument numbers are 0..3 (audit records no more), -1 where there is none. */
struct lg_audit_call {
    const char *name;
    enum lg_event_type type; /* opens with write intent become FILE_WRITE */
    enum lg_audit_shape shape;
    int8_t fd;   /* the descriptor acted on */
    int8_t dir;  /* directory of the first relative name */
    int8_t dir2; /* directory of the second one */
    int8_t x, y; /* see the shape */
};

/* Name as the kernel's uapi headers spell the architecture; empty for one we do not know. */
struct lg_str lg_audit_arch_name(uint32_t arch);
/* The reverse, for sources that give names ("x86_64"); 0 when unknown. */
uint32_t lg_audit_arch_of(struct lg_str name);
/* Name of a call; empty for an unknown architecture or number. */
struct lg_str lg_audit_syscall_name(uint32_t arch, uint64_t nr);
/* What a call means; NULL for a call that is not listed. */
const struct lg_audit_call *lg_audit_call_find(struct lg_str name);
/* socketcall(2) of 32-bit x86: the call behind its first argument; empty when unknown. */
struct lg_str lg_audit_socketcall_name(uint64_t number);

#endif
