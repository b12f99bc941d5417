#ifndef LG_NET_HTTP_CLIENT_H
#define LG_NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/*
 * HTTP(S) client over libcurl: one request at a time on kept connections, no redirects, no proxies
 * from the environment, no cookies. Retries are the caller's. By default it does not talk to
 * addresses that are not on the public internet: each address is judged as it is connected to,
 * after name resolution, so that a name cannot answer differently the second time.
 * Thread: a client is its owner's (one thread at a time).
 */
struct lg_http_client;

/* A block of addresses: 10.0.0.0/8, fd00::/8. */
struct lg_addr_block {
    bool v6;
    unsigned bits;
    uint8_t net[16];
};
int lg_addr_block_parse(
        struct lg_str text, struct lg_addr_block *ret) LG_MUST_CHECK; /* LG_EINVAL */
/* An IPv4 address that IPv6 carries (::ffff:0:0/96) is the IPv4 address. */
bool lg_addr_block_has(const struct lg_addr_block *b, const struct sockaddr *sa, socklen_t n);

struct lg_http_client_opts {
    bool allow_private; /* loopback, private and link-local targets too (own servers, tests) */
    const struct lg_addr_block *allow; /* such targets in these blocks; copied, may be NULL */
    size_t n_allow;
    bool https_only;
    bool insecure;         /* takes any certificate: an administrator's explicit choice */
    const char *ca_file;   /* NULL: the system's */
    const char *cert_file; /* client certificate and key, PEM; may be NULL */
    const char *key_file;
    unsigned connect_timeout_ms; /* 0: 5,000 */
    unsigned timeout_ms;         /* whole request; 0: 30,000 */
    size_t max_response_bytes;   /* 0: 1 MiB */
};

struct lg_client_req {
    const char *method; /* NULL: POST with a body, else GET */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
    struct lg_str body;         /* borrowed */
    bool has_body;              /* send an empty one too */
    unsigned timeout_ms;        /* 0: the client's */
};

struct lg_client_resp {
    int status;
    struct lg_buf body;     /* cleared and filled */
    unsigned retry_after_s; /* 0 when not said (or a date) */
    char content_type[128]; /* as sent, may be empty */
    char etag[128];
};

int lg_http_client_new(const struct lg_http_client_opts *opts, struct lg_http_client **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_http_client_free(struct lg_http_client *cl);
void lg_client_resp_init(struct lg_client_resp *resp, size_t max_bytes);
void lg_client_resp_done(struct lg_client_resp *resp);
/*
 * 0 with any status that a server gave. LG_EREFUSED: the target is not allowed. LG_EINVAL: the URL
 * or a header is malformed. LG_ELIMIT: the answer is too large. LG_EIO: no connection, TLS or
 * time-out (worth another try). LG_EINTR: lg_http_client_cancel. LG_ENOMEM.
 */
int lg_http_client_do(struct lg_http_client *cl, const struct lg_client_req *req,
        struct lg_client_resp *resp, struct lg_err *reterr) LG_MUST_CHECK;
/* Makes the request under way, or the next one, fail soon. Thread: any. */
void lg_http_client_cancel(struct lg_http_client *cl);

/* True for a public unicast address: not loopback, private, shared, link-local (cloud metadata),
 * documentation, multicast, reserved, nor an IPv6 form that carries such an IPv4 address. */
bool lg_addr_is_public(const struct sockaddr *sa, socklen_t n);
bool lg_addr_is_loopback(const struct sockaddr *sa, socklen_t n);

#endif
