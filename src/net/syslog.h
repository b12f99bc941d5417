#ifndef LG_NET_SYSLOG_H
#define LG_NET_SYSLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/parse.h"
#include "base/str.h"

/* ---- one message; pure, thread: any ---- */

struct lg_syslog {
    int facility; /* 0..23 */
    int severity; /* 0..7 */
    int version;  /* 1: RFC 5424; 0: RFC 3164 or less */
    bool has_pri;
    bool has_time;
    lg_time time; /* a date without a year gets the one that puts it nearest to `received` */
    struct lg_str host, app, procid, msgid; /* empty: nil or absent */
    struct lg_str data;                     /* structured data as sent, or empty */
    struct lg_str msg;                      /* without byte order mark */
};

/* Reads RFC 5424, else RFC 3164 as it is found in the wild (also with ISO times, without host, or
 * bare text: then all of it is `msg`, facility user, severity notice). Views into `text`. Never
 * fails: LG_EPARSE is returned only for an empty message. */
int lg_syslog_parse(struct lg_str text, lg_time received, struct lg_syslog *ret) LG_MUST_CHECK;

/* ---- framing (RFC 6587); thread: its owner's ---- */

enum lg_syslog_framing {
    LG_FRAMING_AUTO, /* per message: digits, a space and '<' count octets; else lines */
    LG_FRAMING_OCTETS,
    LG_FRAMING_NEWLINE, /* LF or NUL; a CR before it is cut */
};

struct lg_syslog_frames {
    enum lg_syslog_framing mode;
    size_t max_bytes; /* of one message; more is cut off and marked */
    struct lg_buf buf;
    size_t at;          /* start of what is not consumed */
    size_t scanned;     /* newline search has come this far */
    uint64_t skip;      /* octets of a cut message still to come */
    bool skip_line;     /* the rest of a cut line still to come */
    uint64_t truncated; /* messages cut so far */
};

void lg_syslog_frames_init(
        struct lg_syslog_frames *fr, enum lg_syslog_framing mode, size_t max_bytes);
void lg_syslog_frames_done(struct lg_syslog_frames *fr);
/* Copies bytes in. LG_ENOMEM, LG_ELIMIT when more than one message and a read's worth waits. */
int lg_syslog_frames_feed(struct lg_syslog_frames *fr, struct lg_str bytes) LG_MUST_CHECK;
/* Next whole message: 1 and a view that is valid until the next feed, 0 when more bytes are needed,
 * LG_EPARSE for a count that is none (the stream cannot be followed any more). Empty messages are
 * passed over. */
int lg_syslog_frames_next(
        struct lg_syslog_frames *fr, struct lg_str *ret, bool *ret_truncated) LG_MUST_CHECK;
/* What is left at the end of the stream, as a message: 1, or 0 when nothing is. */
int lg_syslog_frames_last(
        struct lg_syslog_frames *fr, struct lg_str *ret, bool *ret_truncated) LG_MUST_CHECK;

/* ---- listener: one thread, TCP or TLS ---- */

struct lg_syslog_peer {
    struct lg_str address;
    uint16_t port;
    bool loopback;
    bool tls;
    struct lg_str cert_sha256; /* hex of the verified client certificate, or empty */
    struct lg_str cert_name;   /* its common name, or empty */
    uint64_t connection;       /* number of the connection, from 1 */
};

struct lg_syslog_msg {
    struct lg_str text;
    bool truncated;
};

struct lg_syslog_opts {
    const char *host; /* NULL: 127.0.0.1 */
    uint16_t port;    /* 0: any free one */
    enum lg_syslog_framing framing;
    size_t max_message_bytes;         /* 0: 64 KiB, at most LG_MAX_RECORD_BYTES */
    unsigned max_connections;         /* 0: 512 */
    unsigned max_connections_per_ip;  /* 0: 64 */
    unsigned idle_timeout_s;          /* 0: 600 */
    unsigned handshake_timeout_s;     /* 0: 10 */
    const char *cert_file, *key_file; /* NULL: plain TCP */
    const char *client_ca_file;       /* NULL: no client certificates */
    bool client_cert_required;
    /*
     * Up to 256 messages of one connection, in order, on the listener's thread. 0: taken. It may
     * block; while it does, senders wait (TCP does the rest). LG_EAGAIN-like refusal: LG_ELIMIT
     * means "not now": the same messages come again after `retry_ms`, this connection is not
     * read meanwhile, others are. Any other negative closes the connection.
     */
    int (*on_messages)(void *ctx, const struct lg_syslog_peer *peer,
            const struct lg_syslog_msg *msgs, size_t n, lg_time received);
    void *ctx;
    unsigned retry_ms; /* 0: 100 */
};

struct lg_syslog_stats {
    uint64_t connections; /* open now */
    uint64_t accepted, refused, messages, truncated, bytes, framing_errors, tls_errors, timeouts;
};

struct lg_syslog_listener;

/* LG_EINVAL, LG_EIO (address), LG_ENOMEM. */
int lg_syslog_listener_start(const struct lg_syslog_opts *opts, struct lg_syslog_listener **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
uint16_t lg_syslog_listener_port(const struct lg_syslog_listener *ls);
void lg_syslog_listener_stats(const struct lg_syslog_listener *ls, struct lg_syslog_stats *ret);
/* Stops reading, hands over whole messages that were read (at most `deadline_ms`), closes, frees. */
void lg_syslog_listener_stop(struct lg_syslog_listener *ls, unsigned deadline_ms);

/* ---- sender ---- */

/*
 * Sends whole messages, each ended by a newline, over a TCP connection of its own to "host:port"
 * ("[v6]:port"), and waits shortly for the receiver to close, so that a reset shows. TCP syslog
 * knows no acknowledgement: 0 means that the receiver's machine took the bytes. LG_EINVAL: the
 * address; LG_EIO; LG_EINTR: `stop` became true. Thread: any; blocks up to `timeout_ms`, and for
 * the resolver.
 */
int lg_syslog_send(const char *address, const struct lg_str *lines, size_t n, unsigned timeout_ms,
        const _Atomic bool *stop, struct lg_err *reterr) LG_MUST_CHECK;

#endif
