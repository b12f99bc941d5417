/* Configuration of the clients, and what they call back. */
#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "kafka/kafka_int.h"

#define SCRAM_FIXED 0x02060100 /* librdkafka that repeats its nonce no more */

int kf_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct lg_err *reterr)
{
    char text[256];

    /* librdkafka's own text may hold the value, which may be a secret */
    if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) != RD_KAFKA_CONF_OK)
        return lg_err_set(reterr, LG_EINVAL, "kafka: librdkafka %s does not take this %s",
                rd_kafka_version_str(), name);
    return 0;
}

int kf_conf_set_n(rd_kafka_conf_t *conf, const char *name, int64_t value, struct lg_err *reterr)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    return kf_conf_set(conf, name, text, reterr);
}

struct setting {
    const char *name;
    const char *value; /* NULL: not set */
};

static int set_all(
        rd_kafka_conf_t *conf, const struct setting *list, size_t n, struct lg_err *reterr)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++)
        if (list[i].value != NULL)
            rc = kf_conf_set(conf, list[i].name, list[i].value, reterr);
    return rc;
}

/* --- callbacks */

static void on_log(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
    enum lg_log_level l = level <= 3 ? LG_LOG_WARN : level <= 5 ? LG_LOG_INFO : LG_LOG_DEBUG;

    (void)rk;
    lg_log(l, "kafka", fac, "text=\"%.300s\"", text);
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct kf *k = *(struct kf **)opaque;

    (void)rk;
    (void)pthread_mutex_lock(&k->error_lock);
    if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || k->error[0] == '\0')
        (void)snprintf(k->error, sizeof(k->error), "%s", reason);
    if (err == RD_KAFKA_RESP_ERR__AUTHENTICATION || err == RD_KAFKA_RESP_ERR__SSL ||
            strstr(reason, "SSL alert") != NULL || strstr(reason, "SSL handshake") != NULL)
        k->login_failed = true;
    (void)pthread_mutex_unlock(&k->error_lock);
    if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        (void)pthread_mutex_lock(&k->down_lock);
        k->suspect = true;
        (void)pthread_mutex_unlock(&k->down_lock);
    }
}

#define MAX_TOKEN_BYTES 65536

static void on_token(rd_kafka_t *rk, const char *config, void *opaque)
{
    struct kf *k = *(struct kf **)opaque;
    struct lg_buf token, principal;
    struct lg_err err = {0};
    char text[200] = "";
    int64_t expires_ms = 0;
    int rc;

    (void)config;
    lg_buf_init(&token, MAX_TOKEN_BYTES);
    lg_buf_init(&principal, 1024);
    rc = k->opt.oauth_token(k->opt.user, &token, &principal, &expires_ms, &err);
    lg_buf_addc(&token, '\0');
    lg_buf_addc(&principal, '\0');
    if (rc == 0 && (token.failed < 0 || principal.failed < 0))
        rc = LG_ENOMEM;
    if (rc == 0 &&
            rd_kafka_oauthbearer_set_token(rk, token.p, expires_ms, principal.p, NULL, 0, text,
                    sizeof(text)) != RD_KAFKA_RESP_ERR_NO_ERROR)
        rc = lg_err_set(&err, LG_EINVAL, "the token cannot be used");
    if (rc < 0)
        (void)rd_kafka_oauthbearer_set_token_failure(
                rk, err.text[0] != '\0' ? err.text : "no token");
    if (token.p != NULL)
        explicit_bzero(token.p, token.cap);
    lg_buf_done(&token);
    lg_buf_done(&principal);
}

/* --- the common part */

static int set_login(struct kf *k, rd_kafka_conf_t *conf, struct lg_err *reterr)
{
    const struct lg_kafka_options *o = &k->opt;
    const struct setting list[] = {
            {"security.protocol", o->security_protocol},
            {"sasl.mechanism", o->sasl_mechanism},
            {"sasl.username", o->username},
            {"sasl.password", o->password},
            {"ssl.ca.location", o->ca_file},
            {"ssl.certificate.location", o->cert_file},
            {"ssl.key.location", o->key_file},
            {"ssl.key.password", o->key_password},
    };
    bool oauth = o->sasl_mechanism != NULL && strcasecmp(o->sasl_mechanism, "OAUTHBEARER") == 0;
    int rc = set_all(conf, list, sizeof(list) / sizeof(*list), reterr);

    if (rc < 0 || !oauth)
        return rc;
    if (o->oauth_token != NULL) {
        rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf, on_token);
        rd_kafka_conf_enable_sasl_queue(conf, 1);
        return 0;
    }
    if (o->oauth_unsecured == NULL)
        return lg_err_set(
                reterr, LG_EINVAL, "kafka: OAUTHBEARER needs something that gives tokens");
    rc = kf_conf_set(conf, "enable.sasl.oauthbearer.unsecure.jwt", "true", reterr);
    return rc < 0 ? rc : kf_conf_set(conf, "sasl.oauthbearer.config", o->oauth_unsecured, reterr);
}

int kf_conf_common(struct kf *k, struct lg_err *reterr)
{
    const struct setting list[] = {
            {"bootstrap.servers", k->opt.brokers},
            {"client.id", k->opt.client_id != NULL ? k->opt.client_id : "logster"},
            {"allow.auto.create.topics", "false"},
            {"socket.keepalive.enable", "true"},
            {"reconnect.backoff.ms", "100"},
            {"reconnect.backoff.max.ms", "2000"},
            {"topic.metadata.refresh.interval.ms", "30000"},
            {"log.connection.close", "false"},
            {"receive.message.max.bytes", "268435456"}, /* one batch that others wrote */
            {"ssl.endpoint.identification.algorithm", "https"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int rc;

    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, &k->self);
    rc = set_all(conf, list, sizeof(list) / sizeof(*list), reterr);
    if (rc == 0)
        rc = kf_conf_set_n(conf, "message.max.bytes", KF_MAX_RECORD_BYTES, reterr);
    if (rc == 0)
        rc = kf_conf_set_n(conf, "socket.timeout.ms",
                k->opt.request_timeout_ms < 1000 ? 1000 : k->opt.request_timeout_ms, reterr);
    if (rc == 0)
        rc = set_login(k, conf, reterr);
    if (rc < 0) {
        rd_kafka_conf_destroy(conf);
        return rc;
    }
    k->conf = conf;
    return 0;
}

int kf_conf_new(struct kf *k, rd_kafka_conf_t **ret, struct lg_err *reterr)
{
    *ret = rd_kafka_conf_dup(k->conf);
    return *ret != NULL ? 0 : lg_err_set(reterr, LG_ENOMEM, "out of memory");
}

int kf_start(struct kf *k, rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret,
        struct lg_err *reterr)
{
    rd_kafka_error_t *error = NULL;
    char text[200] = "";
    rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof(text));

    if (rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return lg_err_set(reterr, LG_EINVAL, "kafka: %s", text);
    }
    if (k->opt.oauth_token != NULL)
        error = rd_kafka_sasl_background_callbacks_enable(rk);
    if (error != NULL) {
        (void)lg_err_set(reterr, LG_EINVAL, "kafka: %s", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        rd_kafka_destroy(rk);
        return LG_EINVAL;
    }
    *ret = rk;
    return 0;
}

const char *lg_kafka_scram_note(void)
{
    if (rd_kafka_version() >= SCRAM_FIXED)
        return NULL;
    return "this librdkafka's SCRAM is refused by brokers from 4.0 on, as if the password were "
           "wrong: use PLAIN over TLS, OAUTHBEARER or a client certificate there, or librdkafka "
           "2.6.1";
}
