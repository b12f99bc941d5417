#ifndef LG_NORMALIZE_AUDIT_VALUES_H
#define LG_NORMALIZE_AUDIT_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/*
 * Values that audit records hold in a form of their own: socket addresses, argument vectors,
 * paths. Pure; what is made lies in the arena. Thread: any.
 */

/* A socket address. Empty strings where the family has no such part. */
struct lg_audit_addr {
    bool set;
    struct lg_str family; /* ipv4, ipv6, unix, netlink, ... */
    struct lg_str ip;     /* a mapped IPv4 address as IPv4 */
    struct lg_str path;   /* of a unix socket; an abstract name begins with @ */
    uint16_t port;
    bool has_port;
};
/* Reads the bytes of a struct sockaddr of a little- or big-endian machine; one that is too short
 * for its family gives the family alone. 0 or LG_ENOMEM. */
int lg_audit_addr_decode(struct lg_str bytes, bool little_endian, struct lg_arena *arena,
        struct lg_audit_addr *ret) LG_MUST_CHECK;

/*
 * Arguments joined to a command line by single spaces. With `quote` an argument that is empty or
 * holds white space is put in single quotes as a POSIX shell would read it back; any other stays
 * as it is. 0 or LG_ENOMEM.
 */
int lg_audit_args_join(const struct lg_str *args, size_t n, bool quote, struct lg_arena *arena,
        struct lg_str *ret) LG_MUST_CHECK;
/* proctitle: NUL bytes become spaces, those at the end go. 0 or LG_ENOMEM. */
int lg_audit_proctitle(
        struct lg_str bytes, struct lg_arena *arena, struct lg_str *ret) LG_MUST_CHECK;

/*
 * `name` below `base` where it is relative (and base is not empty), without `.`, `..`, `//` parts
 * and trailing slash. By text alone: symbolic links are not known here. 0 or LG_ENOMEM.
 */
int lg_audit_path_join(struct lg_str base, struct lg_str name, struct lg_arena *arena,
        struct lg_str *ret) LG_MUST_CHECK;

#endif
