#include <arpa/inet.h>
#include <string.h>

#include "base/limits.h"
#include "config/config_int.h"

static bool all_of(struct lg_str s, const char *more)
{
    for (size_t i = 0; i < s.n; i++) {
        const char c = lg_ascii_lower(s.p[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && strchr(more, c) == NULL)
            return false;
    }
    return s.n > 0;
}

static bool is_ip(struct lg_str s, int family)
{
    char text[INET6_ADDRSTRLEN + 1];
    unsigned char bytes[16];

    if (s.n == 0 || s.n >= sizeof(text))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(family, text, bytes) == 1;
}

static bool host_ok(struct lg_str s)
{
    return is_ip(s, AF_INET) || is_ip(s, AF_INET6) ||
            (s.n <= LG_MAX_HOSTNAME_BYTES && all_of(s, "-._"));
}

/* host:port, or [address]:port */
static bool address_ok(struct lg_str s)
{
    const ptrdiff_t colon = lg_str_rchr(s, ':');
    struct lg_str host;
    uint64_t port;

    if (colon <= 0 || lg_parse_u64(lg_str_sub(s, (size_t)colon + 1, s.n), &port) < 0 || port == 0 ||
            port > 65535)
        return false;
    host = lg_str_sub(s, 0, (size_t)colon);
    if (host.p[0] == '[' && host.n > 2 && host.p[host.n - 1] == ']')
        return is_ip(lg_str_sub(host, 1, host.n - 1), AF_INET6);
    return host_ok(host) && lg_str_chr(host, ':') < 0;
}

static bool url_ok(struct lg_str s)
{
    const bool plain = lg_str_starts(s, LG_STR("http://"));
    struct lg_str rest = lg_str_sub(s, plain ? 7 : 8, s.n);

    if (!plain && !lg_str_starts(s, LG_STR("https://")))
        return false;
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] == ' ' || rest.p[i] == '"' || rest.p[i] == '<' || rest.p[i] == '>')
            return false;
    return rest.n > 0 && rest.p[0] != '/';
}

/* What a browser sends as Origin: scheme://host[:port], or the wildcard. */
static bool origin_ok(struct lg_str s)
{
    const struct lg_str rest = lg_str_sub(s, lg_str_starts(s, LG_STR("http://")) ? 7 : 8, s.n);

    return lg_str_eq(s, LG_STR("*")) || (url_ok(s) && lg_str_chr(rest, '/') < 0);
}

static bool cidr_ok(struct lg_str s)
{
    const ptrdiff_t slash = lg_str_chr(s, '/');
    struct lg_str ip;
    uint64_t bits;

    if (slash <= 0 || lg_parse_u64(lg_str_sub(s, (size_t)slash + 1, s.n), &bits) < 0)
        return false;
    ip = lg_str_sub(s, 0, (size_t)slash);
    return (is_ip(ip, AF_INET) && bits <= 32) || (is_ip(ip, AF_INET6) && bits <= 128);
}

static bool tenant_ok(struct lg_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 'A' && s.p[i] <= 'Z')
            return false;
    return s.n <= LG_MAX_TENANT_BYTES && all_of(s, "-_") && s.p[0] != '-' && s.p[0] != '_';
}

static bool source_ok(struct lg_str s)
{
    return s.n <= 64 && all_of(s, "-_.");
}

static bool version_ok(struct lg_str s)
{
    struct lg_str rest = s, part;
    uint64_t n;
    int parts = 0;

    while (lg_str_split(&rest, '.', &part)) {
        if (lg_parse_u64(part, &n) < 0 || n > 999)
            return false;
        parts++;
    }
    return parts == 3;
}

/* TOPIC=TENANT:SOURCE[:trusted] */
static bool source_map_ok(struct lg_str s)
{
    const ptrdiff_t eq = lg_str_chr(s, '=');
    struct lg_str topic, tenant, source, rest;

    if (eq <= 0)
        return false;
    topic = lg_str_sub(s, 0, (size_t)eq);
    rest = lg_str_sub(s, (size_t)eq + 1, s.n);
    if (topic.n > 128 || !all_of(topic, "-_.") || !lg_str_split(&rest, ':', &tenant) ||
            !lg_str_split(&rest, ':', &source))
        return false;
    return tenant_ok(tenant) && source_ok(source) &&
            (rest.n == 0 || lg_str_eq(rest, LG_STR("trusted")));
}

/* The line of a public key's file (crypto/sign.h): a word and 32 bytes in base64url. */
static bool public_key_ok(struct lg_str s)
{
    const struct lg_str word = LG_STR("lgk1-public ");

    return lg_str_starts(s, word) && s.n == word.n + 43 && all_of(lg_str_sub(s, word.n, s.n), "-_");
}

/* PART=PRINCIPAL, the latter as brokers write it: User:name */
static bool principal_map_ok(struct lg_str s)
{
    static const char *const parts[] = {
            "intake", "normalizer", "inference", "indexer", "alerts", "api", "shipper"};
    const ptrdiff_t eq = lg_str_chr(s, '=');
    const struct lg_str who = lg_str_sub(s, (size_t)(eq + 1), s.n);

    for (size_t i = 0; eq > 0 && i < sizeof(parts) / sizeof(*parts); i++)
        if (lg_str_eq(lg_str_sub(s, 0, (size_t)eq), lg_str_z(parts[i])))
            return lg_str_chr(who, ':') > 0 && lg_str_chr(who, ':') + 1 < (ptrdiff_t)who.n;
    return false;
}

static const struct {
    const char *name;
    bool (*ok)(struct lg_str s);
    const char *right;
} checks[] = {
        {"host", host_ok, "an address or a host name"},
        {"address", address_ok, "host:port"},
        {"public-key", public_key_ok, "the one line of a public key's file: lgk1-public BASE64URL"},
        {"url", url_ok, "a URL that begins with https:// or http://"},
        {"origin", origin_ok, "* or an origin such as https://soc.example.org"},
        {"cidr", cidr_ok, "an address block such as 10.0.0.0/8"},
        {"tenant", tenant_ok, "a tenant: a-z, 0-9, '-', '_'; at most 64 bytes"},
        {"source", source_ok, "a source: letters, digits, '-', '_', '.'; at most 64"},
        {"source-map", source_map_ok, "TOPIC=TENANT:SOURCE, or TOPIC=TENANT:SOURCE:trusted"},
        {"principal-map", principal_map_ok, "PART=User:NAME, such as normalizer=User:normalizer"},
        {"version", version_ok, "three numbers such as 8.19.0"},
};

bool lg_config_text_ok(const char *name, struct lg_str s, const char **ret_right)
{
    for (size_t i = 0; name != NULL && i < sizeof(checks) / sizeof(*checks); i++) {
        if (strcmp(checks[i].name, name) != 0)
            continue;
        *ret_right = checks[i].right;
        return checks[i].ok(s);
    }
    LG_ASSERT(name == NULL);
    return true;
}

bool lg_config_is_loopback(const char *host)
{
    const struct lg_str s = lg_str_z(host);

    return (is_ip(s, AF_INET) && lg_str_starts(s, LG_STR("127."))) || lg_str_eq(s, LG_STR("::1")) ||
            lg_str_ieq(s, LG_STR("localhost"));
}

static int blame(const char *key, size_t *ret_option, struct lg_buf *why, const char *text)
{
    const int i = lg_config_option_find(lg_str_z(key));

    LG_ASSERT(i >= 0);
    *ret_option = (size_t)i;
    lg_buf_adds(why, lg_str_z(text));
    return LG_EINVAL;
}

static bool half(const char *a, const char *b)
{
    return (*a == '\0') != (*b == '\0');
}

static int check_time(const struct lg_config *cfg, size_t *ret, struct lg_buf *why)
{
    int64_t n;

    if (cfg->inference.window_ns % cfg->inference.interval_ns != 0) {
        (void)blame("inference.interval", ret, why, "does not divide inference.window, ");
        lg_config_duration_text(cfg->inference.window_ns, why);
        lg_buf_adds(why, LG_STR("; right would be "));
        n = cfg->inference.window_ns / cfg->inference.interval_ns;
        while (n > 0 && cfg->inference.window_ns % n != 0)
            n--;
        lg_config_duration_text(
                n > 0 ? cfg->inference.window_ns / n : cfg->inference.window_ns, why);
        return LG_EINVAL;
    }
    if (cfg->inference.window_ns / cfg->inference.interval_ns > 1024)
        return blame("inference.interval", ret, why,
                "is under a 1024th of inference.window: too many windows would be open at once");
    if (cfg->pipeline.retry_min_ns > cfg->pipeline.retry_max_ns)
        return blame("pipeline.retry_min", ret, why, "is more than pipeline.retry_max");
    if (cfg->alerts.suppression_ttl_ns > cfg->alerts.suppression_max_ttl_ns)
        return blame("alerts.suppression_ttl", ret, why, "is more than alerts.suppression_max_ttl");
    return 0;
}

static int check_syslog(const struct lg_config *cfg, size_t *ret, struct lg_buf *why)
{
    const bool plain = cfg->syslog.port != 0, tls = cfg->syslog.tls_port != 0;

    if (half(cfg->syslog.tls_cert, cfg->syslog.tls_key))
        return blame(*cfg->syslog.tls_cert != '\0' ? "syslog.tls_cert" : "syslog.tls_key", ret, why,
                "is set, but syslog.tls_cert and syslog.tls_key belong together");
    if (tls && *cfg->syslog.tls_cert == '\0')
        return blame("syslog.tls_port", ret, why, "needs syslog.tls_cert and syslog.tls_key");
    if (plain && cfg->syslog.port == cfg->syslog.tls_port)
        return blame("syslog.tls_port", ret, why, "is the same as syslog.port");
    if (*cfg->syslog.tenant == '\0' && !lg_config_is_loopback(cfg->syslog.host) &&
            (plain || (tls && *cfg->syslog.tls_client_ca == '\0')))
        return blame("syslog.host", ret, why,
                "is no loopback address: set syslog.tenant, or syslog.tls_client_ca with "
                "syslog.tls_port alone, or listen on 127.0.0.1");
    return 0;
}

static int check_listeners(const struct lg_config *cfg, size_t *ret, struct lg_buf *why)
{
    if (half(cfg->api.tls_cert, cfg->api.tls_key))
        return blame(*cfg->api.tls_cert != '\0' ? "api.tls_cert" : "api.tls_key", ret, why,
                "is set, but api.tls_cert and api.tls_key belong together");
    if (half(cfg->dashboard.tls_cert, cfg->dashboard.tls_key))
        return blame(*cfg->dashboard.tls_cert != '\0' ? "dashboard.tls_cert" : "dashboard.tls_key",
                ret, why, "is set, but dashboard.tls_cert and dashboard.tls_key belong together");
    if (cfg->api.port != 0 && cfg->dashboard.enabled && cfg->api.port == cfg->dashboard.port)
        return blame("dashboard.port", ret, why, "is the same as api.port");
    if (cfg->auth.disable &&
            (!lg_config_is_loopback(cfg->api.host) ||
                    (cfg->dashboard.enabled && !lg_config_is_loopback(cfg->dashboard.host))))
        return blame("auth.disable", ret, why,
                "is honoured on loopback only: set api.host and dashboard.host to 127.0.0.1, or "
                "leave it false");
    return check_syslog(cfg, ret, why);
}

static int check_kafka(const struct lg_config *cfg, size_t *ret, struct lg_buf *why)
{
    const bool sasl = cfg->bus.kafka.security >= LG_CONFIG_KAFKA_SASL_PLAINTEXT;
    const bool tokens = cfg->bus.kafka.mechanism == LG_CONFIG_SASL_OAUTHBEARER;

    if (cfg->bus.kafka.brokers.n == 0)
        return blame(
                "bus.kafka.brokers", ret, why, "is empty, which bus.type: kafka cannot do with");
    if (half(cfg->bus.kafka.cert_file, cfg->bus.kafka.key_file))
        return blame("bus.kafka.cert_file", ret, why, "and bus.kafka.key_file belong together");
    if (sasl && *cfg->bus.kafka.username == '\0')
        return blame("bus.kafka.username", ret, why, "is empty, which SASL cannot do with");
    if (sasl && tokens && *cfg->bus.kafka.token_url == '\0')
        return blame("bus.kafka.token_url", ret, why, "is empty, which oauthbearer cannot do with");
    if (cfg->bus.kafka.min_insync > cfg->bus.kafka.replication)
        return blame("bus.kafka.min_insync", ret, why, "is more than bus.kafka.replication");
    return 0;
}

static int check_secrets(const struct lg_config *cfg, size_t *ret, struct lg_buf *why)
{
    const struct {
        const struct lg_config_secret *s;
        const char *key;
    } secrets[] = {
            {&cfg->bus.kafka.password, "bus.kafka.password_file"},
            {&cfg->bus.kafka.key_password, "bus.kafka.key_password_file"},
            {&cfg->store.postgresql.password, "store.postgresql.password_file"},
            {&cfg->store.postgresql.owner_password, "store.postgresql.owner_password_file"},
            {&cfg->store.opensearch.password, "store.opensearch.password_file"},
            {&cfg->store.opensearch.api_key, "store.opensearch.api_key_file"},
    };

    for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
        if (*secrets[i].s->text != '\0' && *secrets[i].s->file != '\0')
            return blame(secrets[i].key, ret, why, "is set beside the secret itself: one of them");
    return 0;
}

static int check_engines(const struct lg_config *cfg, size_t *ret, struct lg_buf *why)
{
    int rc = cfg->bus.type == LG_CONFIG_BUS_KAFKA ? check_kafka(cfg, ret, why) : 0;

    if (rc == 0)
        rc = check_secrets(cfg, ret, why);
    if (rc < 0)
        return rc;
    if (cfg->store.alerts == LG_CONFIG_ALERTS_POSTGRESQL && cfg->store.postgresql.hosts.n == 0)
        return blame("store.postgresql.hosts", ret, why,
                "is empty, which store.alerts: postgresql cannot do with");
    if (half(cfg->store.postgresql.cert_file, cfg->store.postgresql.key_file))
        return blame("store.postgresql.cert_file", ret, why,
                "and store.postgresql.key_file belong together");
    if (cfg->store.events == LG_CONFIG_EVENTS_OPENSEARCH && cfg->store.opensearch.urls.n == 0)
        return blame("store.opensearch.urls", ret, why,
                "is empty, which store.events: opensearch cannot do with");
    if (half(cfg->store.opensearch.cert_file, cfg->store.opensearch.key_file))
        return blame("store.opensearch.cert_file", ret, why,
                "and store.opensearch.key_file belong together");
    if (*cfg->store.opensearch.user != '\0' &&
            (*cfg->store.opensearch.api_key.text != '\0' ||
                    *cfg->store.opensearch.api_key.file != '\0'))
        return blame("store.opensearch.api_key", ret, why,
                "and store.opensearch.user are two ways to say who we are: one of them");
    return 0;
}

static int check_rest(const struct lg_config *cfg, size_t *ret, struct lg_buf *why)
{
    if (cfg->inference.max_endpoint_bytes > cfg->inference.max_state_bytes)
        return blame(
                "inference.max_endpoint_bytes", ret, why, "is more than inference.max_state_bytes");
    if (cfg->intake.max_request_bytes > cfg->intake.max_inflight_bytes)
        return blame(
                "intake.max_request_bytes", ret, why, "is more than intake.max_inflight_bytes");
    if (cfg->audit.export == LG_CONFIG_AUDIT_SYSLOG && *cfg->audit.export_address == '\0')
        return blame("audit.export", ret, why, "is syslog, which needs audit.export_address");
    if (cfg->audit.export == LG_CONFIG_AUDIT_WEBHOOK && *cfg->audit.export_url == '\0')
        return blame("audit.export", ret, why, "is webhook, which needs audit.export_url");
    if (*cfg->notifications.webhook_url != '\0' && *cfg->notifications.webhook_secret == '\0')
        return blame("notifications.webhook_url", ret, why,
                "needs notifications.webhook_secret, which signs what is posted");
    return 0;
}

int lg_config_cross_check(const struct lg_config *cfg, size_t *ret_option, struct lg_buf *why)
{
    int rc = check_time(cfg, ret_option, why);

    if (rc == 0)
        rc = check_listeners(cfg, ret_option, why);
    if (rc == 0)
        rc = check_engines(cfg, ret_option, why);
    if (rc == 0)
        rc = check_rest(cfg, ret_option, why);
    return rc;
}
