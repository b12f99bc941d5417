#ifndef LG_NET_HTTP_SERVER_H
#define LG_NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/principal.h"
#include "access/token.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/parse.h"
#include "base/str.h"
#include "crypto/ids.h"
#include "net/route.h"

/*
 * HTTP/1.1 server over libmicrohttpd. A request is checked before any handler runs: framing, path,
 * method, credentials, rate, right, parameters, media types, body size; then the body is collected (or
 * handed on in pieces) and decoded, then the handler runs on one of the server's threads. A handler
 * may block for milliseconds; one that may wait longer calls lg_http_later.
 */
struct lg_http_server;

/* Who the peer is, as far as the connection tells. Texts live as long as the request. */
struct lg_http_peer {
    struct lg_str address; /* "192.0.2.1", "2001:db8::1" */
    uint16_t port;
    bool loopback;
    bool tls;
    struct lg_str cert_sha256; /* hex of a verified client certificate, or empty */
    struct lg_str cert_name;   /* its common name, or empty */
};

struct lg_http_auth {
    enum lg_auth_scheme scheme;
    const struct lg_token *token; /* NULL when scheme is LG_AUTH_NONE */
    const struct lg_http_peer *peer;
    struct lg_http_req *req; /* for other headers, as cookies */
    lg_time now;
};

/* What went over the wire for one request, for counters and logs. */
struct lg_http_done {
    const struct lg_route *route; /* NULL when none matched */
    int status;                   /* 0: the client went away */
    int64_t duration_ns;
    uint64_t bytes_in; /* body as sent */
    uint64_t bytes_out;
    const struct lg_principal *principal; /* may be NULL */
};

struct lg_http_tls {
    const char *cert_file;      /* PEM, with its chain */
    const char *key_file;       /* PEM */
    const char *client_ca_file; /* NULL: no client certificates */
    bool client_cert_required;
};

struct lg_http_server_opts {
    const char *host;                /* numeric address or "localhost"; NULL: 127.0.0.1 */
    uint16_t port;                   /* 0: any free one, see lg_http_server_port */
    unsigned surfaces;               /* 0: LG_SURFACE_API */
    unsigned threads;                /* 0: 4 */
    unsigned max_connections;        /* 0: 1024 */
    unsigned max_connections_per_ip; /* 0: 256 */
    size_t max_header_bytes;         /* 0: 16 KiB */
    size_t max_body_bytes;           /* decoded; 0: 16 MiB */
    size_t max_body_ratio;           /* decoded : sent, past 1 MiB; 0: 200 */
    size_t max_inflight_bytes;       /* bodies of all requests; then 503; 0: 256 MiB */
    size_t max_response_bytes;       /* 0: 64 MiB */
    unsigned head_timeout_s;         /* connect or last answer to end of headers; 0: 60 */
    unsigned body_timeout_s;         /* grace, then at least min_rate; 0: 30 */
    unsigned min_rate_bytes_s;       /* 0: 1024 */
    unsigned idle_timeout_s;         /* nothing moves at all; 0: 60 */
    unsigned sse_keepalive_s;        /* 0: 15 */
    size_t sse_queue_bytes;          /* per client; then it is dropped; 0: 1 MiB */
    uint64_t rate_per_s, rate_burst; /* requests per principal, else per address; 0: unlimited */
    const char *cors_origins;        /* "https://a.example,https://b.example", "*", or NULL: none */
    const struct lg_http_tls *tls;   /* NULL: plain */
    bool auth_off; /* DISABLE_AUTH: start fails off loopback; see struct lg_local_check */
    /* Returns a reference that the server drops. LG_EREFUSED: 401, or what it sent itself by
     * lg_http_problem on auth->req. LG_EIO, LG_ENOMEM: 503. Called
     * for every request with credentials (also without, when a certificate or cookie may serve);
     * from any of the server's threads. NULL: nobody is known. */
    int (*authenticate)(
            void *ctx, const struct lg_http_auth *auth, const struct lg_principal **ret);
    void *auth_ctx;
    /* May be NULL. After the answer went out; from any of the server's threads. */
    void (*on_done)(void *ctx, const struct lg_http_done *done);
    void *done_ctx;
    lg_time (*clock)(void *ctx); /* NULL: the system's; for expiry and relative times */
    void *clock_ctx;
};

struct lg_http_stats {
    uint64_t connections; /* open now */
    uint64_t accepted, requests, bytes_in, bytes_out;
    uint64_t status[6];                /* by class; [0]: client went away */
    uint64_t timeouts, refused_bodies, /* slow clients; over a limit */
            sse_clients, sse_dropped, inflight_bytes;
};

/* Binds, listens and serves. `rt` is borrowed and constant from now on. LG_EINVAL for options that
 * cannot be (auth_off off loopback, bad origins, unreadable certificate), LG_EIO when the address
 * cannot be had, LG_ENOMEM. */
int lg_http_server_start(const struct lg_router *rt, const struct lg_http_server_opts *opts,
        struct lg_http_server **ret, struct lg_err *reterr) LG_MUST_CHECK;
uint16_t lg_http_server_port(const struct lg_http_server *srv);
void lg_http_server_stats(const struct lg_http_server *srv, struct lg_http_stats *ret);
/* New connections are refused from now on; requests in flight go on. Thread: any. */
void lg_http_server_quiesce(struct lg_http_server *srv);
/* Quiesces, ends event streams, waits until requests in flight are answered but at most
 * `deadline_ms`, then closes what is left, and frees. NULL is fine. */
void lg_http_server_stop(struct lg_http_server *srv, unsigned deadline_ms);

/* ---- the request, for handlers; nothing here outlives it ---- */

struct lg_arena *lg_req_arena(struct lg_http_req *req); /* up to 4 MiB */
const struct lg_route *lg_req_route(const struct lg_http_req *req);
enum lg_http_method lg_req_method(const struct lg_http_req *req);
bool lg_req_is_head(const struct lg_http_req *req);        /* routed as GET; the body is not sent */
struct lg_str lg_req_path(const struct lg_http_req *req);  /* as sent */
struct lg_str lg_req_query(const struct lg_http_req *req); /* as sent, without the ? */
/* Decoded body, followed by LG_JSON_PADDING readable bytes: lg_json_parse may be told `padded`. */
struct lg_str lg_req_body(const struct lg_http_req *req);
/* Media type of the body in lower case without parameters, or empty. */
struct lg_str lg_req_content_type(const struct lg_http_req *req);
/* First header of this name (case-insensitive), or empty. */
struct lg_str lg_req_header(const struct lg_http_req *req, const char *name);
const struct lg_principal *lg_req_principal(const struct lg_http_req *req); /* NULL: public */
const struct lg_http_peer *lg_req_peer(const struct lg_http_req *req);
struct lg_str lg_req_id(const struct lg_http_req *req); /* answered as X-Request-Id */
lg_time lg_req_time(const struct lg_http_req *req);     /* arrival, by the server's clock */
/* A place for the handler's own state across on_data, later and resume. */
void lg_req_set_state(struct lg_http_req *req, void *state, void (*drop)(void *state));
void *lg_req_state(const struct lg_http_req *req);

/* Checked parameters of the row, by name. Absent without default: false / the fallback. Asking for
 * one that the row does not declare is our bug (LG_ASSERT). */
bool lg_req_has(const struct lg_http_req *req, const char *name);          /* sent by the client */
struct lg_str lg_req_str(const struct lg_http_req *req, const char *name); /* decoded; also enums */
int64_t lg_req_int(const struct lg_http_req *req, const char *name, int64_t fallback);
double lg_req_number(const struct lg_http_req *req, const char *name, double fallback);
bool lg_req_bool(const struct lg_http_req *req, const char *name, bool fallback);
lg_time lg_req_when(const struct lg_http_req *req, const char *name, lg_time fallback);
bool lg_req_uuid(const struct lg_http_req *req, const char *name, struct lg_uuid *ret);
size_t lg_req_count(const struct lg_http_req *req, const char *name); /* of a repeated one */
struct lg_str lg_req_nth(const struct lg_http_req *req, const char *name, size_t i);

/* ---- the answer; each returns what a handler may return itself ---- */

#define LG_HTTP_JSON "application/json"
#define LG_HTTP_NDJSON "application/x-ndjson"
#define LG_HTTP_TEXT "text/plain; charset=utf-8"

/* Empty buffer owned by the request; write into it, then lg_http_send. */
struct lg_buf *lg_http_out(struct lg_http_req *req);
/* Sends what lg_http_out holds; a buffer that failed is a 503 problem. */
int lg_http_send(struct lg_http_req *req, int status, const char *type);
int lg_http_send_json(struct lg_http_req *req, int status);
/* Bytes that live for ever (constants), sent without a copy. */
int lg_http_send_static(struct lg_http_req *req, int status, const char *type, struct lg_str body);
int lg_http_send_empty(struct lg_http_req *req, int status);
/* A body of unknown length: `read` fills up to `max` bytes and returns how many, 0 at the end, or a
 * negative LG_E* (the connection is cut, so that the client sees it). It may block for
 * milliseconds. `drop` runs once, whatever happens. */
int lg_http_send_stream(struct lg_http_req *req, int status, const char *type,
        ptrdiff_t (*read)(void *ctx, char *out, size_t max), void (*drop)(void *ctx), void *ctx);
/* Response header; copied. CR, LF and NUL in it make the request a 500. At most 16. */
void lg_http_header(struct lg_http_req *req, const char *name, const char *fmt, ...)
        LG_PRINTF(3, 4);
/* problem+json; slug "alert-not-found", detail by format. */
int lg_http_problem(struct lg_http_req *req, int status, const char *slug, const char *fmt, ...)
        LG_PRINTF(4, 5);
/* The same naming the offending member or parameter, and with further members ("\"allowed\":[...]"). */
int lg_http_problem_of(struct lg_http_req *req, int status, const char *slug,
        struct lg_str parameter, struct lg_str extra, const char *fmt, ...) LG_PRINTF(6, 7);
int lg_http_too_many(struct lg_http_req *req, unsigned retry_after_s);                     /* 429 */
int lg_http_unavailable(struct lg_http_req *req, unsigned retry_after_s, const char *why); /* 503 */
/* The one answer for what is not there or not yours: the same bytes but for path and request id. */
int lg_http_not_found(struct lg_http_req *req);

/*
 * ETags (RFC 9110), strong: `tag` is without quotes. lg_http_etag sets the header, and returns true
 * when the client has this version (If-None-Match): then a 304 is sent already. lg_http_if_match
 * returns true when the write may go on; else 428 (no If-Match) or 412 is sent.
 */
bool lg_http_etag(struct lg_http_req *req, const char *tag);
bool lg_http_if_match(struct lg_http_req *req, const char *tag);

/*
 * Answer later: the connection sleeps, this thread serves others. The request stays valid, and is
 * the caller's alone, until lg_http_resume, which every later request must get exactly once, from
 * any thread, also when the client is gone or the server stops. In a handler: call lg_http_later,
 * hand the request away, return 0; the other side fills the answer as a handler would and calls
 * lg_http_resume(req, what a handler returns). In on_data: the same; the rest of the body follows
 * after lg_http_resume(req, 0).
 */
void lg_http_later(struct lg_http_req *req);
void lg_http_resume(struct lg_http_req *req, int rc);

/*
 * Server-sent events. lg_http_sse in a handler opens the stream and gives a reference to keep;
 * push from any thread. A client whose queue is full is dropped (it reconnects with Last-Event-ID).
 */
struct lg_sse;
int lg_http_sse(struct lg_http_req *req, struct lg_sse **ret) LG_MUST_CHECK;
/* Fields of one event; event and id may be empty, data may have several lines. 0; LG_EREFUSED when
 * the stream is closed; LG_ELIMIT when this event did not fit (the stream is closed); LG_ENOMEM. */
int lg_sse_push(struct lg_sse *sse, struct lg_str event, struct lg_str id,
        struct lg_str data) LG_MUST_CHECK;
bool lg_sse_closed(const struct lg_sse *sse);
void lg_sse_close(struct lg_sse *sse); /* after what is queued has gone out */
void lg_sse_unref(struct lg_sse *sse);

/*
 * One request without a socket, through everything but libmicrohttpd: for tests and fuzzers. Later
 * requests are waited for; a stream is read to its end; event streams answer their head only.
 */
struct lg_http_call {
    const char *method;
    struct lg_str uri;          /* raw, with query */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    struct lg_str body;
    size_t piece_bytes; /* hand the body over in pieces of this size; 0: whole */
    const char *peer;   /* NULL: 127.0.0.1 */
};
struct lg_http_reply {
    int status;
    struct lg_buf headers; /* "Name: value\n" lines */
    struct lg_buf body;
};
/* 0, LG_ENOMEM, LG_EINVAL (options). The reply is made ready by lg_http_reply_init. */
int lg_http_call(const struct lg_router *rt, const struct lg_http_server_opts *opts,
        const struct lg_http_call *call, struct lg_http_reply *ret) LG_MUST_CHECK;
void lg_http_reply_init(struct lg_http_reply *r);
void lg_http_reply_done(struct lg_http_reply *r);
struct lg_str lg_http_reply_header(const struct lg_http_reply *r, const char *name);

#endif
