#ifndef LG_GRAPH_TEXT_H
#define LG_GRAPH_TEXT_H

#include "base/limits.h"
#include "event/event.h"
#include "graph/graph.h"

/*
 * Normalised text: what identifies a machine, a person or a moment becomes a placeholder, so
 * that equal behaviour reads the same everywhere. Lower case; <user>, <host>, <domain>, <sid>,
 * <guid>, <hex>, <rand>, <b64>, <ip-...>; runs of digits become 0 and runs of 0.0 one 0. Digits
 * stay where they are part of a name: system32, x64, .ps1. Device, NT and environment prefixes
 * become c:\..., CurrentControlSet stands for every control set. Pure; thread: any.
 */
enum lg_text_kind {
    LG_TEXT_LITERAL, /* lower case only */
    LG_TEXT_IMAGE,
    LG_TEXT_FILE,
    LG_TEXT_MODULE,
    LG_TEXT_REGISTRY,
    LG_TEXT_PIPE,
    LG_TEXT_NET_OUT, /* "address:port", "[v6]:port", "unix:path" */
    LG_TEXT_NET_IN,
    LG_TEXT_NET_LISTEN,
    LG_TEXT_DNS,
    LG_TEXT_SCRIPT,
    LG_TEXT_CMD,
    LG_TEXT_NAME, /* services, tasks, WMI, kernel modules: free names */
    LG_TEXT_ACCOUNT,
    LG_TEXT_GROUP,
    LG_TEXT_SHARE,
};

#define LG_TEXT_PEOPLE 4

/* Names that must not show; any may be empty. Compared without case. */
struct lg_text_names {
    struct lg_str host; /* full name of the endpoint: first label and domain are derived */
    struct lg_str user; /* of the acting process, DOMAIN\name allowed */
    struct lg_str people[LG_TEXT_PEOPLE]; /* others that were seen there, the same */
};

/* At most LG_MAX_NODE_TEXT bytes into `out`; returns how many. */
size_t lg_text_normalise(enum lg_text_kind kind, enum lg_platform platform,
        const struct lg_text_names *names, struct lg_str raw, char out[LG_MAX_NODE_TEXT]);
/* Whether the names can change what this kind becomes. */
bool lg_text_uses_names(enum lg_text_kind kind);

/* `s` cut to at most `max` bytes, not inside a UTF-8 sequence. */
struct lg_str lg_text_cut(struct lg_str s, size_t max);
/* Run of at least `min` base64 characters that mixes cases and digits: offset, or -1. */
ptrdiff_t lg_text_base64_run(struct lg_str s, size_t min, size_t *ret_n);
/* LG_NODEF_BASE64, LG_NODEF_LONG, LG_NODEF_TRUNCATED of a command line or script. */
uint32_t lg_text_flags(struct lg_str cmd);

enum lg_user_class lg_text_user_class(
        enum lg_platform platform, struct lg_str user, struct lg_str sid);
enum lg_user_class lg_text_uid_class(uint64_t uid);
enum lg_integrity lg_text_integrity(struct lg_str s); /* name or S-1-16-... */

/* LG_ATTR_FILE_EXECUTABLE, _SCRIPT, _USER_WRITABLE of a path, raw or normalised. */
uint32_t lg_text_file_attr(enum lg_platform platform, struct lg_str path);
/* True where the data names an executable or script. */
bool lg_text_names_program(struct lg_str data);

enum lg_addr_class {
    LG_ADDR_NONE, /* not an address */
    LG_ADDR_LOOPBACK,
    LG_ADDR_PRIVATE,
    LG_ADDR_LINK_LOCAL,
    LG_ADDR_MULTICAST, /* and broadcast */
    LG_ADDR_UNSPECIFIED,
    LG_ADDR_PUBLIC,
};
enum lg_addr_class lg_text_addr_class(struct lg_str addr, bool *ret_v6);
/* "ip-private" and the like. */
struct lg_str lg_text_addr_name(enum lg_addr_class c);

#endif
