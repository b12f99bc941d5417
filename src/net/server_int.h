#ifndef LG_NET_SERVER_INT_H
#define LG_NET_SERVER_INT_H

#include <microhttpd.h>

#include "net/addr_int.h"
#include "net/req_int.h"

/*
 * The glue to libmicrohttpd. Its threads own connections; the watch thread closes slow ones and
 * keeps event streams alive. Locks, outer before inner: table, request, stream, the library's own.
 */
enum lg_phase {
    LG_PHASE_HEAD, /* between requests, or a head is coming */
    LG_PHASE_BODY, /* a body is coming */
    LG_PHASE_APP,  /* the handler works, or the request went later */
    LG_PHASE_SEND, /* an answer is going out */
};

struct lg_conn {
    struct lg_conn *prev, *next; /* of srv->conns, under srv->lock */
    struct lg_http_server *srv;
    struct MHD_Connection *mhd;
    int fd;
    char address[LG_ADDR_TEXT_MAX];
    uint16_t port;
    bool loopback;
    bool cert_read;
    char cert_sha256[65];
    char cert_name[256];
    _Atomic int phase;
    _Atomic int64_t since_ns;
    _Atomic uint64_t moved;  /* bytes of this phase */
    struct lg_http_req *req; /* under srv->lock where it is set and cleared */
    bool begun;
    bool counted;
    struct lg_sse *sse; /* under srv->lock */
};

struct lg_http_server {
    struct lg_core core;
    struct MHD_Daemon *mhd;
    int listen_fd;
    uint16_t port;
    struct lg_buf key, cert, ca;
    bool tls;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* watch_end */
    pthread_cond_t idle;    /* active is 0 */
    struct lg_conn *conns;
    unsigned n_conns, n_sse, active;
    _Atomic bool quiet;    /* answers close their connections */
    _Atomic bool stopping; /* nobody may sleep any more */
    bool watch_end, watching;
    pthread_t watch;
    _Atomic uint64_t accepted;
};

void lg_conn_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
        enum MHD_ConnectionNotificationCode toe);
void *lg_conn_uri(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result lg_conn_handle(void *cls, struct MHD_Connection *mhd, const char *url,
        const char *method, const char *version, const char *upload, size_t *upload_size,
        void **req_cls);
void lg_conn_completed(
        void *cls, struct MHD_Connection *mhd, void **req_cls, enum MHD_RequestTerminationCode toe);
/* The peer's certificate, checked against the CA; fills cert_sha256 and cert_name. False when one is
 * needed and none is good. */
bool lg_conn_certificate(struct lg_conn *c);
void *lg_server_watch(void *srv);

#endif
