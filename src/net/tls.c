#include "net/tls_int.h"

#include <gnutls/x509.h>

#include "crypto/ids.h"

static int failed(struct lg_err *reterr, int rc, const char *what, const char *path)
{
    return lg_err_set(reterr, rc == GNUTLS_E_MEMORY_ERROR ? LG_ENOMEM : LG_EINVAL, "%s %s: %s",
            what, path, gnutls_strerror(rc));
}

int lg_tls_credentials(const char *cert_file, const char *key_file, const char *client_ca_file,
        gnutls_certificate_credentials_t *ret_cred, gnutls_priority_t *ret_priority,
        struct lg_err *reterr)
{
    gnutls_certificate_credentials_t cred = NULL;
    gnutls_priority_t priority = NULL;
    int rc = gnutls_certificate_allocate_credentials(&cred);

    if (rc < 0)
        return failed(reterr, rc, "TLS", "credentials");
    rc = gnutls_certificate_set_x509_key_file(cred, cert_file, key_file, GNUTLS_X509_FMT_PEM);
    if (rc < 0) {
        rc = failed(reterr, rc, "certificate and key", cert_file);
        goto out;
    }
    if (client_ca_file != NULL) {
        rc = gnutls_certificate_set_x509_trust_file(cred, client_ca_file, GNUTLS_X509_FMT_PEM);
        if (rc <= 0) {
            rc = failed(reterr, rc < 0 ? rc : GNUTLS_E_NO_CERTIFICATE_FOUND, "client CA",
                    client_ca_file);
            goto out;
        }
    }
    rc = gnutls_priority_init(&priority, LG_TLS_PRIORITIES, NULL);
    if (rc < 0)
        rc = failed(reterr, rc, "TLS", "priorities");
out:
    if (rc < 0) {
        lg_tls_credentials_free(cred, priority);
        return rc;
    }
    *ret_cred = cred;
    *ret_priority = priority;
    return 0;
}

void lg_tls_credentials_free(gnutls_certificate_credentials_t cred, gnutls_priority_t priority)
{
    if (cred != NULL)
        gnutls_certificate_free_credentials(cred);
    if (priority != NULL)
        gnutls_priority_deinit(priority);
}

bool lg_tls_peer(gnutls_session_t session, char sha256[65], char *name, size_t name_cap)
{
    const gnutls_datum_t *chain;
    gnutls_x509_crt_t crt;
    unsigned n = 0, status = 0;
    size_t name_n = name_cap;
    bool good;

    sha256[0] = name[0] = '\0';
    chain = gnutls_certificate_get_peers(session, &n);
    if (chain == NULL || n == 0)
        return false;
    if (gnutls_certificate_verify_peers2(session, &status) < 0 || status != 0)
        return false;
    if (gnutls_x509_crt_init(&crt) < 0)
        return false;
    good = gnutls_x509_crt_import(crt, &chain[0], GNUTLS_X509_FMT_DER) == 0;
    if (good) {
        lg_sha256_hex(lg_str_of((const char *)chain[0].data, chain[0].size), sha256);
        if (gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &name_n) <
                0)
            name[0] = '\0';
    }
    gnutls_x509_crt_deinit(crt);
    return good;
}
