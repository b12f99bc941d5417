#ifndef LG_NET_REQ_INT_H
#define LG_NET_REQ_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "access/ratelimit.h"
#include "net/decode_int.h"
#include "net/http_server.h"
#include "net/params_int.h"
#include "net/router_int.h"

/*
 * One request without its transport: the server (libmicrohttpd) and lg_http_call drive the same
 * steps, begin -> data* -> end -> answer. What a request holds is copied: it may outlive its
 * connection when it went later.
 */
#define LG_REQ_ARENA_BYTES (4u << 20)
#define LG_REQ_MAX_HEADERS 100
#define LG_REQ_MAX_OUT_HEADERS 16
#define LG_REQ_ID_MAX 64

/* What all requests of one server share. */
struct lg_core {
    const struct lg_router *router;
    struct lg_http_server_opts opts; /* defaults filled in */
    bool listener_loopback;
    struct lg_str cors; /* as given, trimmed; empty: none */
    bool cors_any;
    struct lg_ratelimit *rates;       /* NULL: unlimited */
    const struct lg_principal *local; /* of auth_off */
    uint64_t id_seed;
    _Atomic uint64_t next_id;
    _Atomic uint64_t inflight;
    _Atomic uint64_t requests, bytes_in, bytes_out, refused_bodies, timeouts, sse_dropped;
    _Atomic uint64_t status[6];
    struct lg_body_pool bodies;
};

int lg_core_init(struct lg_core *core, const struct lg_router *rt,
        const struct lg_http_server_opts *opts, struct lg_err *reterr) LG_MUST_CHECK;
void lg_core_done(struct lg_core *core);
lg_time lg_core_now(const struct lg_core *core);

struct lg_header {
    struct lg_str name, value;
};

enum lg_answer_kind {
    LG_ANSWER_NONE,
    LG_ANSWER_BUF,
    LG_ANSWER_STATIC,
    LG_ANSWER_STREAM,
    LG_ANSWER_SSE
};

enum lg_later { LG_LATER_NO, LG_LATER_OUT, LG_LATER_BACK, LG_LATER_ABANDONED };

enum lg_body_mode {
    LG_BODY_NONE,    /* thrown away */
    LG_BODY_COLLECT, /* into req->body */
    LG_BODY_STREAM,  /* to on_data */
};

struct lg_http_req {
    struct lg_core *core; /* not to be used by a request that went later */
    _Atomic unsigned refs;
    struct lg_arena arena;
    struct lg_http_peer peer;

    /* head */
    struct lg_str method_text;
    enum lg_http_method method;
    bool head, options;
    struct lg_uri uri;
    struct lg_header *headers;
    size_t n_headers;
    char id[LG_REQ_ID_MAX + 1];
    lg_time now;
    int64_t start_ns;
    const struct lg_row *row;
    struct lg_value *values;
    size_t n_values;
    const struct lg_principal *principal;
    struct lg_str content_type;
    bool chunked, has_length, expect;
    uint64_t length;

    /* body */
    enum lg_body_mode mode;
    struct lg_decoder decoder;
    struct lg_buf body;
    size_t max_body;
    uint64_t wire_bytes;  /* as sent */
    uint64_t plain_bytes; /* decoded */
    uint64_t charged;     /* of core->inflight */

    /* answer */
    enum lg_answer_kind answer;
    bool failed_head; /* an out header was malformed */
    bool close;       /* framing is in doubt: no further request on this connection */
    int status;
    const char *type;
    struct lg_buf out;
    struct lg_str fixed;
    ptrdiff_t (*read)(void *ctx, char *out, size_t max);
    void (*drop)(void *ctx);
    void *read_ctx;
    struct lg_sse *sse;
    struct lg_header out_headers[LG_REQ_MAX_OUT_HEADERS];
    size_t n_out;
    uint64_t sent_bytes;

    void *state;
    void (*drop_state)(void *state);

    /* later: `lock` guards `later` and the use of the transport's wake */
    pthread_mutex_t lock;
    enum lg_later later;
    int later_rc;
    bool later_again; /* the resume of on_data: more body follows */
    bool ran;         /* the handler ran */
    bool done;        /* counted and logged */
    const struct lg_transport *transport;
    void *conn;
};

/* How the driver's connection sleeps and wakes; called with req->lock held. */
struct lg_transport {
    bool (*sleep)(struct lg_http_req *req); /* false: the server is stopping */
    void (*wake)(struct lg_http_req *req);
    int (*sse_open)(struct lg_http_req *req, struct lg_sse **ret);
};

int lg_req_new(struct lg_core *core, struct lg_http_req **ret) LG_MUST_CHECK;
/* Drops one reference: the connection's, or that of a request that went later. */
void lg_req_unref(struct lg_http_req *req);
/* Copies target, method and headers, then makes every check that needs no body. When it returns
 * with an answer made, the body is not for anyone. Negative: no memory for even that. */
int lg_req_begin(struct lg_http_req *req, struct lg_str method, struct lg_str target,
        const struct lg_header *headers, size_t n_headers) LG_MUST_CHECK;
/* One piece of the body as sent. False: the connection must be cut. */
bool lg_req_data(struct lg_http_req *req, struct lg_str piece) LG_MUST_CHECK;
/* The body is whole: runs the handler unless an answer stands. After it, the answer stands or the
 * request went later. */
void lg_req_end(struct lg_http_req *req);
/* The connection came back from later: true when the answer stands. */
bool lg_req_back(struct lg_http_req *req);
/* Everything is sent or lost: counters, log, on_done. Gives back what the core lent. */
void lg_req_finish(struct lg_http_req *req, bool lost);
/* How much of a refused body is read so that the client gets to see the answer. */
uint64_t lg_req_drain_bytes(const struct lg_http_req *req);
/* Headers that every answer has. Calls put(ctx, name, value) for each; both NUL-terminated. */
void lg_req_answer_headers(const struct lg_http_req *req,
        void (*put)(void *ctx, const char *name, const char *value), void *ctx);

/* checks.c: each makes the problem itself and returns negative when the request ends here */
int lg_check_framing(struct lg_http_req *req) LG_MUST_CHECK;
int lg_check_access(struct lg_http_req *req) LG_MUST_CHECK;
int lg_check_params(struct lg_http_req *req) LG_MUST_CHECK;
int lg_check_media(struct lg_http_req *req) LG_MUST_CHECK;
int lg_check_length(struct lg_http_req *req) LG_MUST_CHECK;
void lg_answer_options(struct lg_http_req *req, unsigned allow);
/* The Origin when it may read our answers, else empty. */
struct lg_str lg_cors_origin(const struct lg_http_req *req);
size_t lg_req_header_count(const struct lg_http_req *req, const char *name);
/* Problem for a negative code of a handler. */
int lg_req_fail(struct lg_http_req *req, int rc);

/* sse.c: a stream between its pushers and its connection */
struct lg_sse *lg_sse_new(size_t max_bytes);
struct lg_sse *lg_sse_ref(struct lg_sse *sse);
/* The connection takes bytes: up to `max`, 0 when it now sleeps (after `sleep` was called), -1 at the
 * end. */
ptrdiff_t lg_sse_take(struct lg_sse *sse, char *out, size_t max, void (*sleep)(void *conn));
void lg_sse_attach(struct lg_sse *sse, void *conn, void (*wake)(void *conn));
void lg_sse_detach(struct lg_sse *sse); /* the connection is gone */
/* A comment line when nothing went out for this long. */
void lg_sse_keepalive(struct lg_sse *sse, int64_t now_ns, int64_t every_ns);
bool lg_sse_dropped(const struct lg_sse *sse); /* closed because its queue was full */

#endif
