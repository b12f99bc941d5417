#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/encode.h"
#include "kafka/cluster.h"
#include "opensearch/init.h"
#include "postgres/postgres.h"
#include "services/engines.h"
#include "services/topics.h"

/* Topics take three copies of what comes in: larger blocks and a higher level than the bus has by
 * itself take a fifth off them, for a microsecond an event. */
#define BLOCK_BYTES ((size_t)1 << 20)
#define BLOCK_LEVEL 3

/* An empty alerts.db where the platform ran before is damage, not a first start. */
static int check_alerts_file(const struct lg_config *cfg, const char *alerts, struct lg_err *reterr)
{
    char bus[LG_CONFIG_PATH_BYTES + 16];
    struct stat st;

    (void)snprintf(bus, sizeof(bus), "%s/bus/CURRENT", cfg->data_dir);
    if (stat(bus, &st) < 0)
        return 0;
    if (stat(alerts, &st) < 0)
        lg_log(LG_LOG_WARN, "store", "alerts.db is gone: starting with an empty one", "path=\"%s\"",
                alerts);
    else if (st.st_size == 0)
        return lg_err_set(reterr, LG_ECORRUPT,
                "%s: the file is empty, though the platform ran here: put a backup in its place "
                "with `logster restore`, or remove it to go on without its alerts, tokens and "
                "audit log",
                alerts);
    return 0;
}

static int open_sqlite_alerts(
        const struct lg_config *cfg, struct lg_alert_store **ret, struct lg_err *reterr)
{
    char path[LG_CONFIG_PATH_BYTES + 16];
    int rc;

    (void)snprintf(path, sizeof(path), "%s/alerts.db", cfg->data_dir);
    rc = check_alerts_file(cfg, path, reterr);
    return rc < 0 ? rc : lg_sqlite_alert_store_open(path, ret, reterr);
}

static const char *or_null(const char *text)
{
    return *text != '\0' ? text : NULL;
}

/* host:port,... as libpq takes them: hosts and ports apart, addresses without brackets. */
static void split_hosts(
        const struct lg_config_list *list, struct lg_buf *hosts, struct lg_buf *ports)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct lg_str s = lg_str_z(list->v[i]);
        const size_t colon = (size_t)lg_str_rchr(s, ':'); /* the configuration's check saw it */
        const size_t bracket = s.p[0] == '[' ? 1 : 0;

        lg_buf_adds(hosts, i > 0 ? LG_STR(",") : LG_STR(""));
        lg_buf_adds(hosts, lg_str_sub(s, bracket, colon - bracket));
        lg_buf_adds(ports, i > 0 ? LG_STR(",") : LG_STR(""));
        lg_buf_adds(ports, lg_str_sub(s, colon + 1, s.n));
    }
    lg_buf_addc(hosts, '\0');
    lg_buf_addc(ports, '\0');
}

/* Options of PostgreSQL with what they point to. */
struct postgres {
    struct lg_postgres_options opt;
    struct lg_buf hosts, ports;
    char password[LG_CONFIG_SECRET_BYTES];
};

static int postgres_options(
        const struct lg_config *cfg, struct postgres *ret, struct lg_err *reterr)
{
    static const char *const modes[] = {[LG_CONFIG_PG_DISABLE] = "disable",
            [LG_CONFIG_PG_REQUIRE] = "require",
            [LG_CONFIG_PG_VERIFY_CA] = "verify-ca",
            [LG_CONFIG_PG_VERIFY_FULL] = "verify-full"};
    int rc;

    lg_buf_init(&ret->hosts, sizeof(cfg->store.postgresql.hosts) + 1);
    lg_buf_init(&ret->ports, sizeof(cfg->store.postgresql.hosts) + 1);
    split_hosts(&cfg->store.postgresql.hosts, &ret->hosts, &ret->ports);
    rc = ret->hosts.failed < 0 ? ret->hosts.failed : ret->ports.failed;
    if (rc < 0)
        return lg_err_set(reterr, rc, "store.postgresql.hosts: %s", lg_err_name(rc));
    ret->opt = (struct lg_postgres_options){.host = ret->hosts.p,
            .port = ret->ports.p,
            .dbname = cfg->store.postgresql.database,
            .user = cfg->store.postgresql.user,
            .sslmode = modes[cfg->store.postgresql.tls],
            .sslrootcert = or_null(cfg->store.postgresql.ca_file),
            .sslcert = or_null(cfg->store.postgresql.cert_file),
            .sslkey = or_null(cfg->store.postgresql.key_file),
            .pool_size = cfg->store.postgresql.connections};
    rc = lg_config_secret_read(
            &cfg->store.postgresql.password, "store.postgresql.password", ret->password, reterr);
    if (rc == 0)
        ret->opt.password = or_null(ret->password);
    return rc;
}

static void postgres_done(struct postgres *pg)
{
    lg_crypto_wipe(pg->password, sizeof(pg->password));
    lg_buf_done(&pg->hosts);
    lg_buf_done(&pg->ports);
}

static int open_postgres(
        const struct lg_config *cfg, struct lg_alert_store **ret, struct lg_err *reterr)
{
    struct postgres pg;
    int rc = postgres_options(cfg, &pg, reterr);

    if (rc == 0)
        rc = lg_postgres_alert_store_open(&pg.opt, ret, reterr);
    postgres_done(&pg);
    return rc;
}

/* As the owner, who lets the configured user in; without one the user owns all itself. */
static int init_postgres(const struct lg_config *cfg, void (*line)(void *user, const char *text),
        void *user, struct lg_err *reterr)
{
    char owner[LG_CONFIG_SECRET_BYTES];
    struct lg_postgres_init in = {.line = line, .user = user};
    struct postgres pg;
    int rc = postgres_options(cfg, &pg, reterr);

    if (rc == 0)
        rc = lg_config_secret_read(&cfg->store.postgresql.owner_password,
                "store.postgresql.owner_password", owner, reterr);
    if (rc == 0 && cfg->store.postgresql.owner[0] != '\0') {
        in.app_user = cfg->store.postgresql.user;
        in.app_password = pg.opt.password;
        pg.opt.user = cfg->store.postgresql.owner;
        pg.opt.password = or_null(owner);
    }
    if (rc == 0)
        rc = lg_postgres_init(&pg.opt, &in, reterr);
    lg_crypto_wipe(owner, sizeof(owner));
    postgres_done(&pg);
    return rc;
}

/* Options of OpenSearch with what they point to. */
struct opensearch {
    struct lg_opensearch_options opt;
    const char *urls[LG_CONFIG_LIST_ITEMS];
    char password[LG_CONFIG_SECRET_BYTES];
    char api_key[LG_CONFIG_SECRET_BYTES];
};

static int opensearch_options(
        const struct lg_config *cfg, struct opensearch *ret, struct lg_err *reterr)
{
    const int64_t day = 86400 * LG_NS_PER_SEC;
    int rc = lg_config_secret_read(
            &cfg->store.opensearch.password, "store.opensearch.password", ret->password, reterr);

    ret->api_key[0] = '\0';
    if (rc == 0)
        rc = lg_config_secret_read(
                &cfg->store.opensearch.api_key, "store.opensearch.api_key", ret->api_key, reterr);
    for (size_t i = 0; i < cfg->store.opensearch.urls.n; i++)
        ret->urls[i] = cfg->store.opensearch.urls.v[i];
    ret->opt = (struct lg_opensearch_options){.urls = ret->urls,
            .n_urls = cfg->store.opensearch.urls.n,
            .user = or_null(cfg->store.opensearch.user),
            .password = or_null(ret->password),
            .api_key = or_null(ret->api_key),
            .ca_file = or_null(cfg->store.opensearch.ca_file),
            .cert_file = or_null(cfg->store.opensearch.cert_file),
            .key_file = or_null(cfg->store.opensearch.key_file),
            .prefix = cfg->store.opensearch.prefix,
            .shards = cfg->store.opensearch.shards,
            .replicas = (int)cfg->store.opensearch.replicas,
            .days_kept = (unsigned)((cfg->store.retention_ns + day - 1) / day)};
    return rc;
}

static void opensearch_done(struct opensearch *os)
{
    lg_crypto_wipe(os->password, sizeof(os->password));
    lg_crypto_wipe(os->api_key, sizeof(os->api_key));
}

static int open_opensearch(
        const struct lg_config *cfg, struct lg_event_store **ret, struct lg_err *reterr)
{
    struct opensearch os;
    int rc = opensearch_options(cfg, &os, reterr);

    if (rc == 0)
        rc = lg_opensearch_event_store_open(&os.opt, ret, reterr);
    opensearch_done(&os);
    return rc;
}

struct teller {
    void (*line)(void *user, const char *text);
    void *user;
};

static void tell_step(void *user, const char *what, const char *name, enum lg_init_step step)
{
    static const char *const did[] = {[LG_INIT_MADE] = "made",
            [LG_INIT_CHANGED] = "changed",
            [LG_INIT_KEPT] = "as it was:",
            [LG_INIT_NOT_THERE] = "not known to this cluster:"};
    const struct teller *t = user;
    char text[512];

    (void)snprintf(text, sizeof(text), "%s %s %s", did[step], what, name);
    t->line(t->user, text);
}

static int init_opensearch(const struct lg_config *cfg, void (*line)(void *user, const char *text),
        void *user, struct lg_err *reterr)
{
    struct teller t = {line, user};
    struct opensearch os;
    int rc = opensearch_options(cfg, &os, reterr);

    if (rc == 0)
        rc = lg_opensearch_init(&os.opt, tell_step, &t, reterr);
    opensearch_done(&os);
    return rc;
}

int lg_engine_init_stores(const struct lg_config *cfg, void (*line)(void *user, const char *text),
        void *user, struct lg_err *reterr)
{
    int rc = 0;

    if (cfg->store.alerts == LG_CONFIG_ALERTS_POSTGRESQL)
        rc = init_postgres(cfg, line, user, reterr);
    if (rc == 0 && cfg->store.events == LG_CONFIG_EVENTS_OPENSEARCH)
        rc = init_opensearch(cfg, line, user, reterr);
    return rc;
}

int lg_engine_alerts(
        const struct lg_config *cfg, struct lg_alert_store **ret, struct lg_err *reterr)
{
    return cfg->store.alerts == LG_CONFIG_ALERTS_POSTGRESQL ? open_postgres(cfg, ret, reterr)
                                                            : open_sqlite_alerts(cfg, ret, reterr);
}

int lg_engine_events(
        const struct lg_config *cfg, struct lg_event_store **ret, struct lg_err *reterr)
{
    char dir[LG_CONFIG_PATH_BYTES + 16];
    const struct lg_sqlite_event_options opt = {
            .dir = dir, .zstd_level = (int)cfg->store.zstd_level};

    if (cfg->store.events == LG_CONFIG_EVENTS_OPENSEARCH)
        return open_opensearch(cfg, ret, reterr);
    (void)snprintf(dir, sizeof(dir), "%s/events", cfg->data_dir);
    return lg_sqlite_event_store_open(&opt, ret, reterr);
}

static int open_embedded(const struct lg_config *cfg, struct lg_bus **ret, struct lg_err *reterr)
{
    char path[LG_CONFIG_PATH_BYTES + 16];
    const struct lg_bus_embedded_options opt = {.path = path,
            .min_free_bytes = cfg->bus.min_free_bytes,
            .block_bytes = BLOCK_BYTES,
            .zstd_level = BLOCK_LEVEL,
            .cache_bytes = cfg->bus.cache_bytes};

    (void)snprintf(path, sizeof(path), "%s/bus", cfg->data_dir);
    return lg_bus_open_embedded(&opt, ret, reterr);
}

/* Options of Kafka with what they point to. */
struct kafka {
    struct lg_kafka_options opt;
    struct lg_buf brokers;
    char password[LG_CONFIG_SECRET_BYTES];
    char key_password[LG_CONFIG_SECRET_BYTES];
};

static int kafka_login(const struct lg_config *cfg, struct kafka *k, struct lg_oauth **ret_oauth,
        struct lg_err *reterr)
{
    static const char *const mechanisms[] = {[LG_CONFIG_SASL_PLAIN] = "PLAIN",
            [LG_CONFIG_SASL_SCRAM_SHA_256] = "SCRAM-SHA-256",
            [LG_CONFIG_SASL_SCRAM_SHA_512] = "SCRAM-SHA-512",
            [LG_CONFIG_SASL_OAUTHBEARER] = "OAUTHBEARER"};
    const struct lg_oauth_options oauth = {.url = cfg->bus.kafka.token_url,
            .client = cfg->bus.kafka.username,
            .secret = k->password,
            .scope = or_null(cfg->bus.kafka.token_scope),
            .ca_file = or_null(cfg->bus.kafka.ca_file)};
    int rc;

    if (cfg->bus.kafka.security < LG_CONFIG_KAFKA_SASL_PLAINTEXT)
        return 0;
    k->opt.sasl_mechanism = mechanisms[cfg->bus.kafka.mechanism];
    if (cfg->bus.kafka.mechanism != LG_CONFIG_SASL_OAUTHBEARER) {
        k->opt.username = cfg->bus.kafka.username;
        k->opt.password = k->password;
        return 0;
    }
    rc = lg_oauth_new(&oauth, ret_oauth, reterr);
    k->opt.oauth_token = lg_oauth_token;
    k->opt.user = *ret_oauth;
    return rc;
}

static int kafka_options(const struct lg_config *cfg, struct kafka *k, struct lg_oauth **ret_oauth,
        struct lg_err *reterr)
{
    static const char *const protocols[] = {[LG_CONFIG_KAFKA_PLAINTEXT] = "plaintext",
            [LG_CONFIG_KAFKA_SSL] = "ssl",
            [LG_CONFIG_KAFKA_SASL_PLAINTEXT] = "sasl_plaintext",
            [LG_CONFIG_KAFKA_SASL_SSL] = "sasl_ssl"};
    const struct lg_config_list *list = &cfg->bus.kafka.brokers;
    int rc;

    lg_buf_init(&k->brokers, sizeof(*list) + LG_CONFIG_LIST_ITEMS);
    for (size_t i = 0; i < list->n; i++) {
        lg_buf_adds(&k->brokers, i > 0 ? LG_STR(",") : LG_STR(""));
        lg_buf_adds(&k->brokers, lg_str_z(list->v[i]));
    }
    lg_buf_addc(&k->brokers, '\0');
    k->password[0] = k->key_password[0] = '\0';
    if (k->brokers.failed < 0)
        return lg_err_set(reterr, k->brokers.failed, "bus.kafka.brokers: out of memory");
    k->opt = (struct lg_kafka_options){.brokers = k->brokers.p,
            .security_protocol = protocols[cfg->bus.kafka.security],
            .ca_file = or_null(cfg->bus.kafka.ca_file),
            .cert_file = or_null(cfg->bus.kafka.cert_file),
            .key_file = or_null(cfg->bus.kafka.key_file),
            .replication = (int)cfg->bus.kafka.replication,
            .min_isr = (int)cfg->bus.kafka.min_insync};
    rc = lg_config_secret_read(&cfg->bus.kafka.password, "bus.kafka.password", k->password, reterr);
    if (rc == 0)
        rc = lg_config_secret_read(
                &cfg->bus.kafka.key_password, "bus.kafka.key_password", k->key_password, reterr);
    k->opt.key_password = or_null(k->key_password);
    return rc < 0 ? rc : kafka_login(cfg, k, ret_oauth, reterr);
}

static void kafka_done(struct kafka *k)
{
    lg_crypto_wipe(k->password, sizeof(k->password));
    lg_crypto_wipe(k->key_password, sizeof(k->key_password));
    lg_buf_done(&k->brokers);
}

int lg_engine_bus(const struct lg_config *cfg, struct lg_bus **ret, struct lg_oauth **ret_oauth,
        struct lg_err *reterr)
{
    struct kafka k;
    int rc;

    *ret_oauth = NULL;
    if (cfg->bus.type == LG_CONFIG_BUS_EMBEDDED)
        return open_embedded(cfg, ret, reterr);
    rc = kafka_options(cfg, &k, ret_oauth, reterr);
    if (rc == 0)
        rc = lg_kafka_open(&k.opt, ret, reterr);
    kafka_done(&k);
    return rc;
}

static void tell_kafka(void *user, enum lg_kafka_step step, const char *text)
{
    const struct teller *t = user;
    char line[1024];

    (void)snprintf(line, sizeof(line), "%s: %s", lg_kafka_step_name(step), text);
    t->line(t->user, line);
}

/* Who is who, from PART=PRINCIPAL; the texts are the configuration's. */
static void read_principals(const struct lg_config_list *list, struct lg_kafka_parts *p,
        const char *shippers[LG_CONFIG_LIST_ITEMS])
{
    const struct {
        const char *part;
        const char **who;
    } parts[] = {{"intake=", &p->intake}, {"normalizer=", &p->normalizer},
            {"inference=", &p->inference}, {"indexer=", &p->indexer}, {"alerts=", &p->alerts},
            {"api=", &p->api}};

    p->shippers = shippers;
    for (size_t i = 0; i < list->n; i++) {
        const struct lg_str s = lg_str_z(list->v[i]);

        if (lg_str_starts(s, LG_STR("shipper=")))
            shippers[p->n_shippers++] = list->v[i] + strlen("shipper=");
        for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++)
            if (lg_str_starts(s, lg_str_z(parts[k].part)))
                *parts[k].who = list->v[i] + strlen(parts[k].part);
    }
}

static int make_grants(const struct lg_config *cfg, const struct lg_topic_plan *plan,
        struct lg_kafka_grant **ret, size_t *ret_n)
{
    const char *raw[LG_MAX_RAW_TOPICS], *shippers[LG_CONFIG_LIST_ITEMS];
    struct lg_kafka_parts p = {.raw = raw,
            .n_raw = plan->n_raw,
            .normalized = lg_topic_name(LG_TOPIC_NORMALIZED),
            .results = lg_topic_name(LG_TOPIC_RESULTS),
            .alert_topic = lg_topic_name(LG_TOPIC_ALERTS),
            .dead_letter = lg_topic_name(LG_TOPIC_DEAD_LETTER),
            .held_back = lg_topic_name(LG_TOPIC_HELD_BACK),
            .state = lg_topic_name(LG_TOPIC_STATE),
            .groups = {LG_GROUP_NORMALIZER, LG_GROUP_INFERENCE, LG_GROUP_INDEXER, LG_GROUP_ALERTS}};

    for (size_t i = 0; i < plan->n_raw; i++)
        raw[i] = plan->raw[i].name;
    read_principals(&cfg->bus.kafka.principals, &p, shippers);
    return lg_kafka_grants(&p, ret, ret_n);
}

int lg_engine_init_bus(const struct lg_config *cfg, bool dry,
        void (*line)(void *user, const char *text), void *user, struct lg_err *reterr)
{
    struct lg_kafka_init_options init = {.dry = dry, .report = tell_kafka};
    struct teller t = {line, user};
    struct lg_kafka_grant *grants = NULL;
    struct lg_topic_plan *plan;
    struct lg_oauth *oauth = NULL;
    struct kafka k;
    int rc;

    if (cfg->bus.type != LG_CONFIG_BUS_KAFKA)
        return lg_err_set(reterr, LG_EINVAL, "bus.type is not kafka");
    plan = lg_calloc(1, sizeof(*plan));
    if (plan == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    rc = lg_topics_plan(cfg, plan, reterr);
    if (rc == 0 && cfg->bus.kafka.principals.n > 0) {
        rc = make_grants(cfg, plan, &grants, &init.n_grants);
        if (rc < 0)
            (void)lg_err_set(reterr, rc, "bus.kafka.principals: %s", lg_err_name(rc));
    }
    if (rc == 0) {
        rc = kafka_options(cfg, &k, &oauth, reterr);
        init.topics = plan->spec;
        init.n_topics = plan->n;
        init.grants = grants;
        init.user = &t;
        if (rc == 0)
            rc = lg_kafka_init(&k.opt, &init, reterr);
        kafka_done(&k);
    }
    lg_oauth_free(oauth);
    lg_free(grants);
    lg_free(plan);
    return rc;
}
