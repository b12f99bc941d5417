#ifndef LG_TESTS_UNIT_NET_CERTS_H
#define LG_TESTS_UNIT_NET_CERTS_H

#include "lg_test.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <time.h>
#include <unistd.h>

/* A CA, a server's and a client's certificate, and a stranger's, made anew in a temporary folder. */
static char certs_dir[] = "/tmp/lg-certs-XXXXXX";
static char certs_ca[64], certs_server[64], certs_server_key[64], certs_client[64],
        certs_client_key[64], certs_stranger[64], certs_stranger_key[64];

static void certs_write(const char *path, const gnutls_datum_t *pem)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(pem->data, 1, pem->size, f), pem->size);
    (void)fclose(f);
}

static void certs_make(const char *name, bool is_ca, gnutls_x509_crt_t issuer,
        gnutls_x509_privkey_t issuer_key, char *crt_path, char *key_path,
        gnutls_x509_crt_t *ret_crt, gnutls_x509_privkey_t *ret_key)
{
    static unsigned char serial = 1;
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;
    gnutls_datum_t pem;

    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                             GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
            0);
    assert_int_equal(gnutls_x509_crt_init(&crt), 0);
    assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(crt, &serial, 1), 0);
    serial++;
    assert_int_equal(gnutls_x509_crt_set_activation_time(crt, time(NULL) - 3600), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 86400), 0);
    assert_int_equal(gnutls_x509_crt_set_dn_by_oid(
                             crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name)),
            0);
    assert_int_equal(gnutls_x509_crt_set_basic_constraints(crt, is_ca, is_ca ? 1 : -1), 0);
    if (is_ca)
        assert_int_equal(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN), 0);
    else
        assert_int_equal(gnutls_x509_crt_set_subject_alt_name(
                                 crt, GNUTLS_SAN_DNSNAME, "localhost", 9, GNUTLS_FSAN_SET),
                0);
    assert_int_equal(gnutls_x509_crt_set_key(crt, key), 0);
    assert_int_equal(gnutls_x509_crt_sign2(crt, issuer != NULL ? issuer : crt,
                             issuer_key != NULL ? issuer_key : key, GNUTLS_DIG_SHA256, 0),
            0);
    assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
    (void)snprintf(crt_path, 64, "%s/%s.pem", certs_dir, name);
    certs_write(crt_path, &pem);
    gnutls_free(pem.data);
    if (key_path != NULL) {
        assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), 0);
        (void)snprintf(key_path, 64, "%s/%s.key", certs_dir, name);
        certs_write(key_path, &pem);
        gnutls_free(pem.data);
    }
    if (ret_crt != NULL) {
        *ret_crt = crt;
        *ret_key = key;
        return;
    }
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
}

static int certs_set_up(void **state)
{
    gnutls_x509_crt_t ca;
    gnutls_x509_privkey_t ca_key;

    (void)state;
    if (mkdtemp(certs_dir) == NULL)
        return -1;
    certs_make("ca", true, NULL, NULL, certs_ca, NULL, &ca, &ca_key);
    certs_make("server", false, ca, ca_key, certs_server, certs_server_key, NULL, NULL);
    certs_make("client", false, ca, ca_key, certs_client, certs_client_key, NULL, NULL);
    certs_make("stranger", false, NULL, NULL, certs_stranger, certs_stranger_key, NULL, NULL);
    gnutls_x509_crt_deinit(ca);
    gnutls_x509_privkey_deinit(ca_key);
    return 0;
}

static int certs_tear_down(void **state)
{
    const char *const files[] = {certs_ca, certs_server, certs_server_key, certs_client,
            certs_client_key, certs_stranger, certs_stranger_key};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        (void)unlink(files[i]);
    return rmdir(certs_dir);
}

#endif
