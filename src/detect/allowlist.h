#ifndef LG_DETECT_ALLOWLIST_H
#define LG_DETECT_ALLOWLIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "graph/graph.h"

/*
 * Idle allow-list for Linux (inference.use_idle_allowlist): a window may skip the jury when only
 * known daemons did what they do when nothing happens. Everything must be on the list: each
 * process by its full path, each edge by what that daemon may do. Starting a process (but for a
 * fork of the daemon itself), changing identity, touching another's memory, listening, talking
 * to addresses that are not its own business, reading secrets, writing outside its own state or
 * writing anything executable is not idle, whoever does it. Thread: any.
 */

/* What a daemon may do besides reading public system files and talking to local system sockets. */
enum lg_allow_what {
    LG_ALLOW_NTP = 1u << 0,      /* UDP/TCP 123 and 323, 4460 (NTS) out, DNS queries */
    LG_ALLOW_DNS = 1u << 1,      /* port 53 and 853 out, DNS queries */
    LG_ALLOW_LOOPBACK = 1u << 2, /* loopback in and out */
    LG_ALLOW_DHCP = 1u << 3,     /* ports 67, 68, 546, 547 */
    LG_ALLOW_SCRAPE = 1u << 4,   /* connections in from private addresses (metrics) */
    LG_ALLOW_MEMFD = 1u << 5,
    LG_ALLOW_BPF = 1u << 6,
    LG_ALLOW_SIGNAL = 1u << 7 /* signal 0 (is it alive?) only */
};

struct lg_allow {
    const char *paths; /* "|" between; /usr/bin, /usr/sbin and /usr/lib are written without /usr */
    const char *state; /* prefixes that it may write, rename and delete below; "|" between, or "" */
    uint32_t may;      /* enum lg_allow_what */
    const char *about;
};

uint32_t lg_allowlist_count(void);
const struct lg_allow *lg_allowlist_get(uint32_t i); /* NULL past the end */

/* True when every process is a listed daemon at its path and every edge is an idle thing for it.
 * False for other platforms, for windows without a process and for truncated windows. */
bool lg_allowlist_idle(const struct lg_graph *g);

/* docs/idle-allowlist.md; appends, check out->failed. */
void lg_allowlist_write_doc(struct lg_buf *out);

#endif
