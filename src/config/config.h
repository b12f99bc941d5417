#ifndef LG_CONFIG_CONFIG_H
#define LG_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"

/*
 * The platform's configuration. One table (options.def) is the only schema: it drives parsing,
 * checks, `config show`, the environment's names and the reference page docs/configuration.md.
 * struct lg_config is plain data without pointers: copy it freely, read it from any thread once
 * loaded. The member of key `inference.window` is cfg.inference.window_ns: durations are
 * nanoseconds (`_ns`), sizes are bytes (`_bytes`). An empty string means "not set".
 * Precedence: command line > environment > file > default.
 */

#define LG_CONFIG_PATH_BYTES 1024 /* paths and URLs, with their NUL */
#define LG_CONFIG_TEXT_BYTES 256  /* other strings, with their NUL */
#define LG_CONFIG_LIST_ITEMS 32
#define LG_CONFIG_SECRET_BYTES 4096 /* with its NUL */

struct lg_config_list {
    size_t n;
    char v[LG_CONFIG_LIST_ITEMS][LG_CONFIG_TEXT_BYTES];
};

enum lg_config_endpoint { LG_CONFIG_ENDPOINT_SHORT, LG_CONFIG_ENDPOINT_FQDN };
enum lg_config_severity {
    LG_CONFIG_SEVERITY_LOW,
    LG_CONFIG_SEVERITY_MEDIUM,
    LG_CONFIG_SEVERITY_HIGH,
    LG_CONFIG_SEVERITY_CRITICAL
};
enum lg_config_notify_format { LG_CONFIG_NOTIFY_CEF, LG_CONFIG_NOTIFY_JSON };
enum lg_config_audit_export {
    LG_CONFIG_AUDIT_FILE,
    LG_CONFIG_AUDIT_SYSLOG,
    LG_CONFIG_AUDIT_WEBHOOK
};
enum lg_config_device { LG_CONFIG_DEVICE_CPU };
enum lg_config_bus { LG_CONFIG_BUS_EMBEDDED, LG_CONFIG_BUS_KAFKA };
enum lg_config_kafka_security {
    LG_CONFIG_KAFKA_PLAINTEXT,
    LG_CONFIG_KAFKA_SSL,
    LG_CONFIG_KAFKA_SASL_PLAINTEXT,
    LG_CONFIG_KAFKA_SASL_SSL
};
enum lg_config_sasl {
    LG_CONFIG_SASL_PLAIN,
    LG_CONFIG_SASL_SCRAM_SHA_256,
    LG_CONFIG_SASL_SCRAM_SHA_512,
    LG_CONFIG_SASL_OAUTHBEARER
};
enum lg_config_alert_store { LG_CONFIG_ALERTS_SQLITE, LG_CONFIG_ALERTS_POSTGRESQL };
enum lg_config_event_store { LG_CONFIG_EVENTS_SQLITE, LG_CONFIG_EVENTS_OPENSEARCH };
enum lg_config_pg_tls {
    LG_CONFIG_PG_DISABLE,
    LG_CONFIG_PG_REQUIRE,
    LG_CONFIG_PG_VERIFY_CA,
    LG_CONFIG_PG_VERIFY_FULL
};

/* A secret as text, or as the first line of a file; one of them at most. */
struct lg_config_secret {
    char text[LG_CONFIG_TEXT_BYTES];
    char file[LG_CONFIG_PATH_BYTES];
};

/* Where an option's value came from. */
enum lg_config_origin_kind {
    LG_CONFIG_FROM_DEFAULT,
    LG_CONFIG_FROM_FILE,
    LG_CONFIG_FROM_ENVIRONMENT,
    LG_CONFIG_FROM_COMMAND_LINE
};
struct lg_config_origin {
    uint8_t kind;    /* enum lg_config_origin_kind */
    uint32_t line;   /* from 1; of a file only */
    uint32_t column; /* from 1; of a file only */
};

struct lg_config {
    char data_dir[LG_CONFIG_PATH_BYTES];
    struct {
        enum lg_log_level level;
    } log;
    struct {
        char host[LG_CONFIG_TEXT_BYTES];
        uint16_t port;
        struct lg_config_list cors_origins; /* empty: closed; "*" is any */
        char tls_cert[LG_CONFIG_PATH_BYTES];
        char tls_key[LG_CONFIG_PATH_BYTES];
        uint32_t threads; /* 0: number of processors, at least four */
        uint32_t max_connections;
        uint32_t max_connections_per_address;
        int64_t idle_timeout_ns;    /* of a connection */
        uint64_t max_request_bytes; /* body of an API request; intake has its own */
        double rate;                /* requests/s of one principal */
        double burst;
        int64_t token_grace_ns;   /* of machines, while the store of tokens is away */
        double auth_failure_rate; /* refused authentications/s of one address */
        uint32_t stream_clients;  /* open server-sent-event streams */
    } api;
    struct {
        bool disable;         /* also DISABLE_AUTH; loopback only */
        int64_t token_ttl_ns; /* default life of a new token; 0: none */
    } auth;
    struct {
        bool enabled;
        char host[LG_CONFIG_TEXT_BYTES];
        uint16_t port;
        char tls_cert[LG_CONFIG_PATH_BYTES];
        char tls_key[LG_CONFIG_PATH_BYTES];
        int64_t session_idle_ns;
        int64_t session_max_ns;
    } dashboard;
    struct {
        uint32_t partitions; /* of each topic */
        uint64_t min_free_bytes;
        int64_t retention_ns;
        uint64_t retention_bytes; /* of each topic */
        int64_t dead_letter_retention_ns;
        uint64_t dead_letter_retention_bytes;
        uint64_t cache_bytes;
        enum lg_config_bus type;
        struct {
            struct lg_config_list brokers; /* host:port */
            enum lg_config_kafka_security security;
            enum lg_config_sasl mechanism;
            char username[LG_CONFIG_TEXT_BYTES]; /* OAUTHBEARER: the client's id */
            struct lg_config_secret password;    /* ... and its secret */
            char token_url[LG_CONFIG_PATH_BYTES];
            char token_scope[LG_CONFIG_TEXT_BYTES];
            char ca_file[LG_CONFIG_PATH_BYTES]; /* empty: the system's */
            char cert_file[LG_CONFIG_PATH_BYTES];
            char key_file[LG_CONFIG_PATH_BYTES];
            struct lg_config_secret key_password;
            uint32_t replication;
            uint32_t min_insync;
            struct lg_config_list sources;    /* TOPIC=TENANT:SOURCE[:trusted] */
            struct lg_config_list principals; /* PART=PRINCIPAL */
        } kafka;
    } bus;
    struct {
        uint32_t workers; /* 0: number of processors; never more than partitions */
        uint32_t batch_records;
        uint64_t batch_bytes;
        int64_t commit_interval_ns;
        int64_t drain_timeout_ns;
        int64_t retry_min_ns;
        int64_t retry_max_ns;
    } pipeline;
    struct {
        int64_t window_ns;
        int64_t interval_ns; /* divides window_ns */
        int64_t lateness_ns;
        int64_t idle_timeout_ns; /* bus time */
        int64_t max_future_ns;
        double threshold; /* 0..1; < 0: the model manifest's */
        bool use_idle_allowlist;
        int64_t checkpoint_interval_ns;
        uint64_t max_endpoint_bytes; /* live state of one endpoint */
        uint64_t max_state_bytes;    /* live state of all */
    } inference;
    struct {
        char path[LG_CONFIG_PATH_BYTES];             /* empty: the installed one */
        char linux_model_path[LG_CONFIG_PATH_BYTES]; /* empty: the installed one */
        struct lg_config_list trusted_keys;          /* public keys, as lines of their files */
        bool require_signature;
        enum lg_config_device device;
    } model;
    struct {
        enum lg_config_endpoint endpoint;
        char default_tenant[LG_CONFIG_TEXT_BYTES];
    } identity;
    struct {
        int64_t fold_gap_ns;        /* event time */
        int64_t suppression_ttl_ns; /* default expiry */
        int64_t suppression_max_ttl_ns;
        bool allow_permanent_suppressions;
    } alerts;
    struct {
        int64_t retention_ns; /* events and inferences by event day */
        uint64_t max_bytes;   /* of all day files; 0: no cap */
        uint32_t zstd_level;
        enum lg_config_alert_store alerts;
        enum lg_config_event_store events;
        struct {
            struct lg_config_list hosts; /* host:port */
            char database[LG_CONFIG_TEXT_BYTES];
            char user[LG_CONFIG_TEXT_BYTES];
            struct lg_config_secret password;
            char owner[LG_CONFIG_TEXT_BYTES]; /* of `service store-init`; empty: user itself */
            struct lg_config_secret owner_password;
            enum lg_config_pg_tls tls;
            char ca_file[LG_CONFIG_PATH_BYTES];
            char cert_file[LG_CONFIG_PATH_BYTES];
            char key_file[LG_CONFIG_PATH_BYTES];
            uint32_t connections;
        } postgresql;
        struct {
            struct lg_config_list urls;
            char user[LG_CONFIG_TEXT_BYTES];
            struct lg_config_secret password;
            struct lg_config_secret api_key;
            char ca_file[LG_CONFIG_PATH_BYTES];
            char cert_file[LG_CONFIG_PATH_BYTES];
            char key_file[LG_CONFIG_PATH_BYTES];
            char prefix[LG_CONFIG_TEXT_BYTES];
            uint32_t shards;
            uint32_t replicas;
        } opensearch;
    } store;
    struct {
        uint64_t max_request_bytes;  /* decoded body */
        uint64_t max_item_bytes;     /* one event */
        uint64_t max_inflight_bytes; /* of all requests; past it 429 */
        int64_t retry_after_ns;
        bool elasticsearch;
        char elasticsearch_version[32]; /* that the façade claims */
        bool splunk_hec;
        char splunk_source
                [LG_CONFIG_TEXT_BYTES]; /* topic of HEC events whose sourcetype tells none */
    } intake;
    struct {
        char host[LG_CONFIG_TEXT_BYTES];
        uint16_t port;     /* plain TCP; 0: off */
        uint16_t tls_port; /* 0: off */
        char tls_cert[LG_CONFIG_PATH_BYTES];
        char tls_key[LG_CONFIG_PATH_BYTES];
        char tls_client_ca[LG_CONFIG_PATH_BYTES]; /* set: client certificates are asked for */
        char tenant[LG_CONFIG_TEXT_BYTES];
        char source[LG_CONFIG_TEXT_BYTES]; /* raw topic or alias */
        uint64_t max_message_bytes;
        uint32_t max_connections;
        int64_t idle_timeout_ns;
    } syslog;
    struct {
        bool enabled;
        double endpoint_rate; /* events/s */
        double endpoint_burst;
        double tenant_rate; /* events/s; 0: no limit */
        double tenant_burst;
        double spare_rate; /* events/s given to held-back endpoints in all */
    } fair_share;
    struct {
        struct lg_config_list unfiltered_sources; /* sequence gaps count for these */
        int64_t min_silence_ns;
        double silence_factor;
    } ledger;
    struct {
        enum lg_config_severity min_severity;
        char webhook_url[LG_CONFIG_PATH_BYTES];
        char webhook_secret[LG_CONFIG_TEXT_BYTES];
        struct lg_config_list webhook_allow;       /* private targets allowed: CIDR blocks */
        char syslog_address[LG_CONFIG_TEXT_BYTES]; /* host:port */
        enum lg_config_notify_format syslog_format;
        int64_t retry_max_ns; /* a notification is given up after */
    } notifications;
    struct {
        enum lg_config_audit_export export;
        char export_path[LG_CONFIG_PATH_BYTES]; /* empty: audit-head.log in data_dir */
        char export_url[LG_CONFIG_PATH_BYTES];
        char export_address[LG_CONFIG_TEXT_BYTES];
        int64_t export_interval_ns;
    } audit;

#define LG_CONFIG_MAX_OPTIONS 192
    struct lg_config_origin origin[LG_CONFIG_MAX_OPTIONS]; /* by option; see lg_config_option */
    char file[LG_CONFIG_PATH_BYTES];                       /* the file that was read; empty: none */
};

/* Key and value of the command line: --set inference.window=60s, or an option that means one. */
struct lg_config_override {
    const char *key;
    const char *value;
};

struct lg_config_source {
    const char *path;   /* NULL: no file */
    bool path_optional; /* a missing file is no error */
    char *const *env;   /* "NAME=value", NULL-ended; NULL: none. Normally `environ` */
    const struct lg_config_override *overrides;
    size_t n_overrides;
    /* Hears what is odd but no error (an unknown LOGSTER_ variable); NULL: silence. */
    void (*warn)(void *user, const char *text);
    void *warn_user;
};

void lg_config_defaults(struct lg_config *ret);
/*
 * Loads and checks. On failure *ret is unspecified and reterr says "FILE:LINE:COLUMN: ..." with
 * what would be right. LG_EINVAL (bad value or key), LG_EPARSE (no YAML), LG_EIO, LG_ENOENT,
 * LG_ELIMIT, LG_ENOMEM.
 */
int lg_config_load(const struct lg_config_source *src, struct lg_config *ret,
        struct lg_err *reterr) LG_MUST_CHECK;
/* The same from text; `name` stands for the file in errors. */
int lg_config_load_text(struct lg_str yaml, const char *name, const struct lg_config_source *src,
        struct lg_config *ret, struct lg_err *reterr) LG_MUST_CHECK;

/* Which options differ between two configurations: indices for lg_config_option. */
struct lg_config_changes {
    size_t n;
    uint16_t option[LG_CONFIG_MAX_OPTIONS];
};
/*
 * SIGHUP: loads anew and compares with `old`, which stays as it is. LG_EREFUSED when an option
 * changed that only a restart can change (reterr names all of them). Returns 0 and the new
 * configuration with the changed options (maybe none); *ret_new and *ret are left on failure.
 */
int lg_config_reload(const struct lg_config *old, const struct lg_config_source *src,
        struct lg_config *ret_new, struct lg_config_changes *ret,
        struct lg_err *reterr) LG_MUST_CHECK;
bool lg_config_changed(const struct lg_config_changes *ch, const char *key);

/* One option, as the table has it. */
struct lg_config_option_info {
    const char *key;
    const char *type;     /* "duration", "size", "integer", ... */
    const char *fallback; /* the default as text */
    const char *text;     /* one sentence */
    bool reloadable;
    bool secret;
};
size_t lg_config_option_count(void);
void lg_config_option(size_t i, struct lg_config_option_info *ret);
/* Index of a key, or -1. */
int lg_config_option_find(struct lg_str key);
/* The option's value as text that the file would take; secrets as "********". */
void lg_config_option_value(const struct lg_config *cfg, size_t i, struct lg_buf *out);

/* YAML of the whole configuration with where each value came from; secrets masked. */
void lg_config_show(const struct lg_config *cfg, struct lg_buf *out);
void lg_config_show_json(const struct lg_config *cfg, struct lg_buf *out);
/* The reference page (docs/configuration.md). */
void lg_config_reference(struct lg_buf *out);

/* The secret itself, NUL-ended and without the file's line end; empty where neither is set. LG_EIO,
 * LG_EINVAL (empty file, NUL), LG_ELIMIT; reterr names `key`, never the secret. */
int lg_config_secret_read(const struct lg_config_secret *s, const char *key,
        char out[LG_CONFIG_SECRET_BYTES], struct lg_err *reterr) LG_MUST_CHECK;

/* Text with units to values, as the options read them: "90s", "1h30m", "500ms"; "1GiB", "64MB". */
int lg_config_parse_duration(struct lg_str s, int64_t *ret_ns) LG_MUST_CHECK;
int lg_config_parse_size(struct lg_str s, uint64_t *ret_bytes) LG_MUST_CHECK;

#endif
