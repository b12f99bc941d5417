#ifndef LG_NET_ADDR_INT_H
#define LG_NET_ADDR_INT_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/http_client.h"

/* Sockets and small files that servers need; thread: any. */
#define LG_ADDR_TEXT_MAX 64

/* Listening TCP socket on a numeric address or "localhost"; its real port. LG_EINVAL, LG_EIO. */
int lg_net_listen(const char *host, uint16_t port, int *ret_fd, uint16_t *ret_port,
        bool *ret_loopback, struct lg_err *reterr) LG_MUST_CHECK;
/* Address without port; an IPv4 address that IPv6 carries as IPv4. */
void lg_addr_text(const struct sockaddr *sa, char out[LG_ADDR_TEXT_MAX], uint16_t *ret_port);
/* A whole small file (certificates) with a NUL behind; the caller wipes and frees. */
#define LG_PEM_MAX_BYTES (256u << 10)
int lg_net_read_pem(const char *path, struct lg_buf *ret, struct lg_err *reterr) LG_MUST_CHECK;

#endif
