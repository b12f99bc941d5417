#ifndef LG_NET_TLS_INT_H
#define LG_NET_TLS_INT_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* TLS 1.2 and 1.3 with GnuTLS' own choice of suites, for both servers. */
#define LG_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* A server's certificate, key and (may be NULL) the CA of its clients. LG_EINVAL, LG_ENOMEM. */
int lg_tls_credentials(const char *cert_file, const char *key_file, const char *client_ca_file,
        gnutls_certificate_credentials_t *ret_cred, gnutls_priority_t *ret_priority,
        struct lg_err *reterr) LG_MUST_CHECK;
void lg_tls_credentials_free(gnutls_certificate_credentials_t cred, gnutls_priority_t priority);
/* The client's certificate when it is a good one: hex of SHA-256 over its DER form, and its common
 * name (may be empty). */
bool lg_tls_peer(gnutls_session_t session, char sha256[65], char *name, size_t name_cap);

#endif
