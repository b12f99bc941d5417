/* What a configuration may say, what it may not, and how it says where the mistake is. */
#include "lg_test.h"

#include "config/config.h"
#include "config/config_int.h"

static struct lg_config cfg, cfg2; /* large: not on the stack */

static int load(const char *yaml, const struct lg_config_source *src, struct lg_err *err)
{
    static const struct lg_config_source none;
    const struct lg_str text = exact(yaml, strlen(yaml));
    const int rc = lg_config_load_text(text, "c.yaml", src != NULL ? src : &none, &cfg, err);

    free_exact(text);
    return rc;
}

#define good(yaml) good_at((yaml), __FILE__, __LINE__)
static void good_at(const char *yaml, const char *file, int line)
{
    struct lg_err err = {0};

    if (load(yaml, NULL, &err) == 0)
        return;
    print_error("refused: %s\n", err.text);
    _fail(file, line);
}

#define bad(yaml, want) bad_at((yaml), (want), __FILE__, __LINE__)
static void bad_at(const char *yaml, const char *want, const char *file, int line)
{
    struct lg_err err = {0};

    if (load(yaml, NULL, &err) < 0 && strstr(err.text, want) != NULL)
        return;
    print_error("said \"%s\", not \"%s\"\n", err.text, want);
    _fail(file, line);
}

static void test_defaults(void **state)
{
    (void)state;
    good("");
    assert_int_equal(cfg.inference.window_ns, 180 * LG_NS_PER_SEC);
    assert_int_equal(cfg.inference.interval_ns, 60 * LG_NS_PER_SEC);
    assert_int_equal(cfg.inference.lateness_ns, 30 * LG_NS_PER_SEC);
    assert_int_equal(cfg.inference.idle_timeout_ns, 120 * LG_NS_PER_SEC);
    assert_int_equal(cfg.inference.max_future_ns, 300 * LG_NS_PER_SEC);
    assert_true(cfg.inference.threshold < 0);
    assert_true(cfg.inference.use_idle_allowlist);
    assert_int_equal(cfg.api.port, 8080);
    assert_int_equal(cfg.dashboard.port, 5001);
    assert_string_equal(cfg.api.host, "127.0.0.1");
    assert_int_equal(cfg.api.cors_origins.n, 0);
    assert_int_equal(cfg.bus.min_free_bytes, 1u << 30);
    assert_int_equal(cfg.bus.partitions, 8);
    assert_int_equal(cfg.alerts.fold_gap_ns, 1800 * LG_NS_PER_SEC);
    assert_int_equal(cfg.log.level, LG_LOG_INFO);
    assert_false(cfg.auth.disable);
    assert_string_equal(cfg.identity.default_tenant, "default");
}

static void test_yaml(void **state)
{
    (void)state;
    good("# comment\n"
         "inference:\n"
         "  window: 5m\n"
         "  interval: \"60\" # a bare number\n"
         "  threshold: 0.75\n"
         "inference.lateness: 1m30s\n"
         "api:\n"
         "  host: '0.0.0.0'\n"
         "  cors_origins: [\"https://a.example\", 'http://b.example:8443']\n"
         "  port: 8081\n"
         "model:\n"
         "identity: {endpoint: fqdn}\n"
         "log:\n"
         "  level: debug\n"
         "bus:\n"
         "  min_free_bytes: 2GiB\n");
    assert_int_equal(cfg.inference.window_ns, 300 * LG_NS_PER_SEC);
    assert_int_equal(cfg.inference.interval_ns, 60 * LG_NS_PER_SEC);
    assert_int_equal(cfg.inference.lateness_ns, 90 * LG_NS_PER_SEC);
    assert_true(cfg.inference.threshold > 0.749 && cfg.inference.threshold < 0.751);
    assert_string_equal(cfg.api.host, "0.0.0.0");
    assert_int_equal(cfg.api.cors_origins.n, 2);
    assert_string_equal(cfg.api.cors_origins.v[1], "http://b.example:8443");
    assert_int_equal(cfg.identity.endpoint, LG_CONFIG_ENDPOINT_FQDN);
    assert_int_equal(cfg.log.level, LG_LOG_DEBUG);
    assert_int_equal(cfg.bus.min_free_bytes, UINT64_C(2) << 30);
    good("---\napi:\n  cors_origins:\n    - '*'\n...\n");
    assert_string_equal(cfg.api.cors_origins.v[0], "*");
    good("api: {cors_origins: []}\n");
    assert_int_equal(cfg.api.cors_origins.n, 0);
    good("---\n");
    good("# nothing\n");
}

static void test_unknown_keys(void **state)
{
    (void)state;
    bad("inference:\n  windw: 60s\n",
            "c.yaml:2:3: unknown key 'inference.windw'; did you mean 'inference.window'?");
    bad("inferense:\n  window: 60s\n", "c.yaml:1:1: unknown key 'inferense'");
    bad("window: 60s\n", "c.yaml:1:1: unknown key 'window'; did you mean 'inference.window'?");
    bad("api:\n  hosts: x\n", "did you mean 'api.host'?");
    bad("zzzzzzzz: 1\n", "`logster config reference`");
    bad("api:\n  port:\n    x: 1\n", "c.yaml:2:3: api.port takes a value, not a section");
    bad("api: 8080\n", "c.yaml:1:1: 'api' is a section");
    bad("api:\n  port: [1]\n", "c.yaml:2:3: api.port takes one value, not a list");
    bad("api:\n  cors_origins: [[a]]\n", "api.cors_origins takes a list of plain values");
    bad("? [a]\n: b\n", "a key must be plain text");
    bad("- a\n", "must begin with a key");
    bad("text\n", "must begin with a key");
    bad("a: 1\n---\nb: 2\n", "unknown key 'a'");
    bad("api.port: 1\n---\napi.port: 2\n", "more than one document");
    bad("'': 1\n", "unknown key ''");
}

static void test_duplicates(void **state)
{
    (void)state;
    bad("api:\n  port: 1\n  port: 2\n", "c.yaml:3:3: duplicate key 'api.port', first in line 2");
    bad("api:\n  port: 1\napi:\n  host: x\n", "c.yaml:3:1: duplicate section 'api'");
    bad("api:\n  port: 1\napi.port: 2\n", "duplicate key 'api.port', first in line 2");
    bad("api:\n  cors_origins: []\napi.cors_origins: []\n", "duplicate key");
}

static void test_bad_values(void **state)
{
    (void)state;
    bad("inference:\n  window: 60 s\n", "c.yaml:2:11: inference.window '60 s' is not a duration");
    bad("inference:\n  window: -1s\n", "is not a duration such as");
    bad("inference:\n  window: 1s500\n", "is not a duration");
    bad("inference:\n  window: 100ms\n", "'100ms' is out of range; right is 1s to 24h");
    bad("inference:\n  window: 99999999999999999999s\n", "out of range");
    bad("inference:\n  window: 9999999999999999d\n", "out of range");
    bad("inference:\n  window:\n",
            "c.yaml:2:3: inference.window has no value; right is a duration");
    bad("api:\n  port: 70000\n",
            "c.yaml:2:9: api.port '70000' is out of range; right is 0 to 65535");
    bad("api:\n  port: 80x\n", "api.port '80x' is not a whole number");
    bad("bus:\n  min_free_bytes: 1Gib\n", "'1Gib' is not a size such as");
    bad("bus:\n  min_free_bytes: 1KiB\n", "out of range; right is at least 16MiB");
    bad("bus:\n  min_free_bytes: 99999999999TiB\n", "out of range");
    bad("inference:\n  threshold: high\n", "'high' is not a number");
    bad("inference:\n  threshold: 1.5\n", "right is 0 to 1");
    bad("inference:\n  threshold: nan\n", "is not a number");
    bad("identity:\n  endpoint: both\n", "'both' is not one of short, fqdn");
    bad("model:\n  device: cuda\n", "'cuda' is not one of cpu");
    bad("inference:\n  use_idle_allowlist: maybe\n", "'maybe' is not true or false");
    bad("api:\n  cors_origins: [ftp://x]\n", "is not * or an origin");
    bad("api:\n  cors_origins: [https://x/y]\n", "is not * or an origin");
    bad("api:\n  cors_origins: ['']\n", "has an empty item");
    bad("api:\n  host: 'a b'\n", "is not an address or a host name");
    bad("identity:\n  default_tenant: 'a:b'\n", "is not a tenant");
    bad("notifications:\n  webhook_allow: [10.0.0.0/33]\n", "is not an address block");
    bad("notifications:\n  syslog_address: host\n", "is not host:port");
    bad("data_dir: \"a\\tb\"\n", "holds a control character");
}

static void test_long_values(void **state)
{
    char yaml[4096];
    size_t n;

    (void)state;
    n = (size_t)snprintf(yaml, sizeof(yaml), "api:\n  host: ");
    memset(yaml + n, 'a', LG_CONFIG_TEXT_BYTES);
    yaml[n + LG_CONFIG_TEXT_BYTES] = '\0';
    bad(yaml, "is longer than 255 bytes");
    yaml[n + LG_CONFIG_TEXT_BYTES - 1] = '\0';
    good(yaml);
    assert_int_equal(strlen(cfg.api.host), LG_CONFIG_TEXT_BYTES - 1);
    n = (size_t)snprintf(yaml, sizeof(yaml), "api:\n  cors_origins: [");
    for (int i = 0; i <= LG_CONFIG_LIST_ITEMS; i++)
        n += (size_t)snprintf(yaml + n, sizeof(yaml) - n, "http://h%d,", i);
    (void)snprintf(yaml + n, sizeof(yaml) - n, "]\n");
    bad(yaml, "has more than 32 items");
}

static void test_bombs(void **state)
{
    char *deep = (char *)calloc(1, 400000);
    size_t n = 0;

    (void)state;
    assert_non_null(deep);
    bad("a: &x [1]\n", "c.yaml:1:5: anchors, aliases and tags");
    bad("api:\n  host: &x 127.0.0.1\n", "c.yaml:2:10: anchors, aliases and tags");
    bad("api:\n  host: *x\n", "c.yaml:2:");
    bad("api: &a\n  port: 1\n", "anchors, aliases and tags");
    bad("api:\n  host: !!str x\n", "anchors, aliases and tags");
    bad("<<: {api.port: 1}\n", "unknown key '<<'");
    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(deep + n, 400000 - n, "{api: ");
    bad(deep, "c.yaml:");
    memset(deep, '[', 399999);
    bad(deep, "c.yaml");
    memset(deep, '#', 300000);
    deep[300000] = '\0';
    bad(deep, "larger than 262144 bytes");
    free(deep);
}

static void test_syntax(void **state)
{
    struct lg_err err = {0};
    static const char zero[] = "api:\n  host: a\0b\n";
    static const struct lg_config_source none;

    (void)state;
    bad("api:\n  port: 1\n bad\n", "c.yaml:3:");
    bad("api: [\n", "c.yaml:");
    bad("api:\n\tport: 1\n", "c.yaml:2:");
    bad("api: \"x\n", "c.yaml:");
    bad("api:\n  host: a\x01z\n", "c.yaml:2: is not YAML: holds a control character");
    bad("api:\n  host: a\xffz\n", "is not UTF-8");
    assert_int_equal(
            lg_config_load_text(lg_str_of(zero, sizeof(zero) - 1), "c.yaml", &none, &cfg, &err),
            LG_EPARSE);
    assert_non_null(strstr(err.text, "c.yaml:2: is not YAML: holds a control character"));
}

static void test_cross_checks(void **state)
{
    (void)state;
    bad("inference:\n  window: 180s\n  interval: 70s\n",
            "c.yaml:3:13: inference.interval does not divide inference.window, 3m; right would be "
            "90s");
    bad("inference: {window: 24h, interval: 1s}\n", "too many windows");
    bad("api: {tls_cert: a}\n", "api.tls_cert and api.tls_key belong together");
    bad("syslog: {tls_port: 6514}\n", "needs syslog.tls_cert");
    bad("syslog: {port: 514, host: 0.0.0.0}\n", "is no loopback address");
    good("syslog: {port: 514, host: 0.0.0.0, tenant: acme}\n");
    good("syslog: {tls_port: 514, host: 0.0.0.0, tls_cert: a, tls_key: b, tls_client_ca: c}\n");
    bad("auth: {disable: true}\napi: {host: 0.0.0.0}\n", "honoured on loopback only");
    good("auth: {disable: true}\napi: {host: localhost}\n");
    bad("api: {port: 5001}\n", "dashboard.port is the same as api.port");
    bad("audit: {export: syslog}\n", "needs audit.export_address");
    bad("notifications: {webhook_url: 'https://x'}\n", "needs notifications.webhook_secret");
}

static void test_engines(void **state)
{
    (void)state;
    good("bus:\n  type: kafka\n  kafka:\n    brokers: ['a:9092', '[::1]:9092']\n"
         "    sources: ['acme-sysmon=acme:sysmon', 'sysmon-logs=default:sysmon:trusted']\n");
    assert_int_equal(cfg.bus.type, LG_CONFIG_BUS_KAFKA);
    assert_int_equal(cfg.bus.kafka.security, LG_CONFIG_KAFKA_SSL);
    assert_string_equal(cfg.bus.kafka.sources.v[0], "acme-sysmon=acme:sysmon");
    bad("bus: {type: kafka}\n", "bus.kafka.brokers is empty");
    bad("bus: {type: kafka, kafka: {brokers: [a]}}\n", "is not host:port");
    bad("bus: {kafka: {sources: ['x=acme']}}\n", "TOPIC=TENANT:SOURCE");
    bad("bus: {kafka: {sources: ['x=Acme:sysmon']}}\n", "TOPIC=TENANT:SOURCE");
    bad("bus: {kafka: {sources: ['x=acme:sysmon:true']}}\n", "TOPIC=TENANT:SOURCE");
    bad("bus: {type: kafka, kafka: {brokers: ['a:1'], security: sasl_ssl}}\n",
            "bus.kafka.username is empty");
    bad("bus: {type: kafka, kafka: {brokers: ['a:1'], replication: 1}}\n",
            "bus.kafka.min_insync is more than bus.kafka.replication");
    bad("bus: {kafka: {password: x, password_file: y}}\n",
            "bus.kafka.password_file is set beside the secret itself");
    good("bus: {kafka: {principals: ['intake=User:a', 'shipper=User:CN=x,O=y', "
         "'shipper=User:b']}}\n");
    bad("bus: {kafka: {principals: ['nobody=User:a']}}\n", "is not PART=User:NAME");
    bad("bus: {kafka: {principals: ['intake=a']}}\n", "is not PART=User:NAME");
    bad("store: {alerts: postgresql}\n", "store.postgresql.hosts is empty");
    bad("store: {events: opensearch}\n", "store.opensearch.urls is empty");
    bad("store: {opensearch: {user: a, api_key_file: b}}\n", "two ways to say who we are");
}

static char warned[512];

static void on_warn(void *user, const char *text)
{
    (void)user;
    (void)snprintf(warned, sizeof(warned), "%s", text);
}

static void test_precedence(void **state)
{
    char *const env[] = {"PATH=/bin", "LOGSTER_INFERENCE_WINDOW=120s", "LOGSTER_API_PORT=9001",
            "LOGSTER_API_CORS_ORIGINS=https://a, https://b", NULL};
    const struct lg_config_override over[] = {{"api.port", "9002"}};
    const struct lg_config_source src = {.env = env, .overrides = over, .n_overrides = 1};
    struct lg_err err = {0};

    (void)state;
    assert_int_equal(load("api:\n  port: 9000\n  threads: 3\n", &src, &err), 0);
    assert_int_equal(cfg.api.port, 9002);
    assert_int_equal(cfg.api.threads, 3);
    assert_int_equal(cfg.inference.window_ns, 120 * LG_NS_PER_SEC);
    assert_int_equal(cfg.api.cors_origins.n, 2);
    assert_string_equal(cfg.api.cors_origins.v[1], "https://b");
    assert_int_equal(cfg.origin[lg_config_option_find(LG_STR("api.port"))].kind,
            LG_CONFIG_FROM_COMMAND_LINE);
    assert_int_equal(cfg.origin[lg_config_option_find(LG_STR("api.threads"))].line, 3);
    assert_int_equal(cfg.origin[lg_config_option_find(LG_STR("inference.window"))].kind,
            LG_CONFIG_FROM_ENVIRONMENT);
}

static int load_env(char *const *env, struct lg_err *err)
{
    const struct lg_config_source src = {.env = env, .warn = on_warn};

    warned[0] = '\0';
    return load("", &src, err);
}

static void test_environment(void **state)
{
    char *const typo[] = {"LOGSTER_INFERENCE_WINDW=1", NULL};
    char *const stray[] = {"LOGSTER_SOMETHING_QUITE_ELSE=1", NULL};
    char *const kube[] = {"LOGSTER_SERVICE_HOST=10.0.0.1", "LOGSTER_PORT_8080_TCP=tcp://x",
            "LOGSTER_PORT=tcp://x", "LOGSTER_TOKEN=t", NULL};
    char *const wrong[] = {"LOGSTER_API_PORT=x", NULL};
    char *const cross[] = {"LOGSTER_INFERENCE_INTERVAL=7s", NULL};
    char *const disable[] = {"DISABLE_AUTH=true", NULL};
    char *const both[] = {"LOGSTER_AUTH_DISABLE=false", "DISABLE_AUTH=true", NULL};
    char *const secret[] = {"LOGSTER_NOTIFICATIONS_WEBHOOK_SECRET=s\x01secret", NULL};
    struct lg_err err = {0};

    (void)state;
    assert_int_equal(load_env(typo, &err), LG_EINVAL);
    assert_string_equal(err.text,
            "LOGSTER_INFERENCE_WINDW: unknown variable; did you mean "
            "LOGSTER_INFERENCE_WINDOW?");
    assert_int_equal(load_env(stray, &err), 0);
    assert_string_equal(warned, "ignoring unknown variable LOGSTER_SOMETHING_QUITE_ELSE");
    assert_int_equal(load_env(kube, &err), 0);
    assert_string_equal(warned, "");
    assert_int_equal(load_env(wrong, &err), LG_EINVAL);
    assert_string_equal(err.text, "LOGSTER_API_PORT: 'x' is not a whole number");
    assert_int_equal(load_env(cross, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "LOGSTER_INFERENCE_INTERVAL: inference.interval does not"));
    assert_int_equal(load_env(disable, &err), 0);
    assert_true(cfg.auth.disable);
    assert_int_equal(load_env(both, &err), 0);
    assert_false(cfg.auth.disable);
    assert_int_equal(load_env(secret, &err), LG_EINVAL);
    assert_null(strstr(err.text, "secret'"));
}

static void test_command_line(void **state)
{
    const struct lg_config_override unknown[] = {{"api.prt", "1"}};
    const struct lg_config_override wrong[] = {{"api.port", "x"}};
    struct lg_config_source src = {.overrides = unknown, .n_overrides = 1};
    struct lg_err err = {0};

    (void)state;
    assert_int_equal(load("", &src, &err), LG_EINVAL);
    assert_string_equal(err.text, "unknown key 'api.prt'; did you mean 'api.port'?");
    src.overrides = wrong;
    assert_int_equal(load("", &src, &err), LG_EINVAL);
    assert_string_equal(err.text, "api.port: 'x' is not a whole number");
}

/* Every key can be set from the environment under its own name, and no two share one. */
static void test_every_key(void **state)
{
    char names[LG_CONFIG_MAX_OPTIONS][LG_CONFIG_ENV_BYTES];
    struct lg_config_option_info info;

    (void)state;
    for (size_t i = 0; i < lg_config_option_count(); i++) {
        struct lg_buf value;
        char var[LG_CONFIG_ENV_BYTES + 300];
        char *const env[] = {var, NULL};
        const struct lg_config_source src = {.env = env};
        struct lg_err err = {0};

        lg_config_option(i, &info);
        assert_int_equal(lg_config_option_find(lg_str_z(info.key)), i);
        lg_config_env_name(info.key, names[i]);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(names[k], names[i]);
        assert_true(strlen(info.text) > 10 && strchr(info.text, '|') == NULL);
        good("");
        lg_buf_init(&value, 256);
        lg_config_option_value(&cfg, i, &value);
        (void)snprintf(
                var, sizeof(var), "%s=%.*s", names[i], (int)value.n, value.n > 0 ? value.p : "");
        lg_buf_done(&value);
        if (load("", &src, &err) != 0)
            fail_msg("%s: %s", var, err.text);
        assert_int_equal(cfg.origin[i].kind, LG_CONFIG_FROM_ENVIRONMENT);
    }
}

/* `config show` is a configuration that says the same. */
static void test_show_round_trip(void **state)
{
    struct lg_buf out, json;

    (void)state;
    good("inference: {window: 90s, interval: 1500ms, threshold: 0.1}\n"
         "api: {cors_origins: ['https://a', 'https://b']}\n"
         "data_dir: 'x \"y\" \\z'\n"
         "bus: {retention_bytes: 123456789, cache_bytes: 33333333}\n");
    cfg2 = cfg;
    lg_buf_init(&out, 1 << 20);
    lg_buf_init(&json, 1 << 20);
    lg_config_show(&cfg, &out);
    lg_config_show_json(&cfg, &json);
    assert_int_equal(out.failed, 0);
    assert_int_equal(json.failed, 0);
    assert_true(lg_str_find(lg_buf_str(&out), LG_STR("window: \"90s\" # c.yaml:1\n")) > 0);
    assert_true(lg_str_find(lg_buf_str(&json),
                        LG_STR("\"api.cors_origins\": {\"value\": [\"https://a\", \"https://b\"], "
                               "\"origin\": \"file\", \"line\": 2}")) > 0);
    lg_buf_addc(&out, '\0');
    good(out.p);
    for (size_t i = 0; i < lg_config_option_count(); i++)
        if (!lg_config_same(&cfg, &cfg2, i))
            fail_msg("%s changed", lg_config_opts[i].key);
    lg_buf_done(&out);
    lg_buf_done(&json);
}

static void test_secrets(void **state)
{
    struct lg_buf out;

    (void)state;
    good("notifications: {webhook_url: 'https://x', webhook_secret: hunter2}\n");
    assert_string_equal(cfg.notifications.webhook_secret, "hunter2");
    lg_buf_init(&out, 1 << 20);
    lg_config_show(&cfg, &out);
    lg_config_show_json(&cfg, &out);
    lg_config_reference(&out);
    assert_int_equal(out.failed, 0);
    assert_true(lg_str_find(lg_buf_str(&out), LG_STR("hunter2")) < 0);
    assert_true(lg_str_find(lg_buf_str(&out), LG_STR("********")) > 0);
    lg_buf_done(&out);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void test_secret_files(void **state)
{
    const char *path = LG_BINARY_DIR "/test_config_secret";
    struct lg_config_secret s = {.text = "hunter2"};
    static char out[LG_CONFIG_SECRET_BYTES], big[LG_CONFIG_SECRET_BYTES + 1];
    struct lg_err err = {0};

    (void)state;
    assert_int_equal(lg_config_secret_read(&s, "k", out, &err), 0);
    assert_string_equal(out, "hunter2");
    s = (struct lg_config_secret){0};
    assert_int_equal(lg_config_secret_read(&s, "k", out, &err), 0);
    assert_string_equal(out, "");
    (void)snprintf(s.file, sizeof(s.file), "%s", path);
    write_file(path, "hunter3\r\nand more\n");
    assert_int_equal(lg_config_secret_read(&s, "k", out, &err), 0);
    assert_string_equal(out, "hunter3");
    write_file(path, "hunter4");
    assert_int_equal(lg_config_secret_read(&s, "k", out, &err), 0);
    assert_string_equal(out, "hunter4");
    write_file(path, "\nhunter5\n");
    assert_int_equal(lg_config_secret_read(&s, "k", out, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "k_file: "));
    assert_null(strstr(err.text, "hunter5"));
    memset(big, 'x', sizeof(big) - 1);
    write_file(path, big);
    assert_int_equal(lg_config_secret_read(&s, "k", out, &err), LG_ELIMIT);
    big[sizeof(big) - 2] = '\0';
    write_file(path, big);
    assert_int_equal(lg_config_secret_read(&s, "k", out, &err), 0);
    assert_int_equal(strlen(out), LG_CONFIG_SECRET_BYTES - 1);
    assert_int_equal(remove(path), 0);
    assert_int_equal(lg_config_secret_read(&s, "k", out, &err), LG_EIO);
    assert_non_null(strstr(err.text, "No such file"));
}

static void test_reload(void **state)
{
    static struct lg_config old;
    const char *path = LG_BINARY_DIR "/test_config_reload.yaml";
    const struct lg_config_source src = {.path = path};
    struct lg_config_changes ch = {0};
    struct lg_err err = {0};

    (void)state;
    write_file(path, "api: {port: 9000}\nlog: {level: info}\n");
    assert_int_equal(lg_config_load(&src, &old, &err), 0);
    cfg = old;
    write_file(path, "api: {port: 9000}\nlog: {level: debug}\nalerts.fold_gap: 1h\n");
    assert_int_equal(lg_config_reload(&old, &src, &cfg, &ch, &err), 0);
    assert_int_equal(ch.n, 2);
    assert_true(lg_config_changed(&ch, "log.level"));
    assert_true(lg_config_changed(&ch, "alerts.fold_gap"));
    assert_false(lg_config_changed(&ch, "api.port"));
    assert_int_equal(cfg.log.level, LG_LOG_DEBUG);
    assert_int_equal(old.log.level, LG_LOG_INFO);
    write_file(path, "api: {port: 9001}\nlog: {level: debug}\nbus.partitions: 4\n");
    assert_int_equal(lg_config_reload(&old, &src, &cfg, &ch, &err), LG_EREFUSED);
    assert_string_equal(err.text, "only a restart can change: api.port, bus.partitions");
    assert_int_equal(ch.n, 2); /* left */
    write_file(path, "api: {prt: 9001}\n");
    assert_int_equal(lg_config_reload(&old, &src, &cfg, &ch, &err), LG_EINVAL);
    assert_non_null(strstr(err.text, "did you mean 'api.port'"));
    write_file(path, "api: {port: 9000}\nlog: {level: info}\n");
    assert_int_equal(lg_config_reload(&old, &src, &cfg, &ch, &err), 0);
    assert_int_equal(ch.n, 0);
    assert_int_equal(remove(path), 0);
    assert_int_equal(lg_config_reload(&old, &src, &cfg, &ch, &err), LG_ENOENT);
}

static void test_files(void **state)
{
    struct lg_config_source src = {.path = LG_BINARY_DIR "/no-such-config.yaml"};
    struct lg_err err = {0};

    (void)state;
    assert_int_equal(lg_config_load(&src, &cfg, &err), LG_ENOENT);
    assert_non_null(strstr(err.text, "no-such-config.yaml: No such file"));
    src.path_optional = true;
    assert_int_equal(lg_config_load(&src, &cfg, &err), 0);
    assert_string_equal(cfg.file, "");
    src.path = LG_BINARY_DIR; /* a folder */
    assert_int_equal(lg_config_load(&src, &cfg, &err), LG_EIO);
}

static void test_units(void **state)
{
    int64_t ns;
    uint64_t bytes;
    struct lg_buf out;

    (void)state;
    assert_int_equal(lg_config_parse_duration(LG_STR("1h30m"), &ns), 0);
    assert_int_equal(ns, 5400 * LG_NS_PER_SEC);
    assert_int_equal(lg_config_parse_duration(LG_STR("7"), &ns), 0);
    assert_int_equal(ns, 7 * LG_NS_PER_SEC);
    assert_int_equal(lg_config_parse_duration(LG_STR(""), &ns), LG_EPARSE);
    assert_int_equal(lg_config_parse_duration(LG_STR("h"), &ns), LG_EPARSE);
    assert_int_equal(lg_config_parse_duration(LG_STR("106751d106751d"), &ns), LG_ERANGE);
    assert_int_equal(lg_config_parse_size(LG_STR("16777216TiB"), &bytes), LG_ERANGE);
    assert_int_equal(lg_config_parse_size(LG_STR("3kB"), &bytes), 0);
    assert_int_equal(bytes, 3000);
    assert_int_equal(lg_config_parse_size(LG_STR("MiB"), &bytes), LG_EPARSE);
    lg_buf_init(&out, 100);
    lg_config_duration_text(86400 * LG_NS_PER_SEC, &out);
    lg_config_duration_text(1500000, &out);
    lg_config_size_text(3 << 20, &out);
    lg_config_size_text(1500, &out);
    assert_str(lg_buf_str(&out), "1d1500us3MiB1500");
    lg_buf_done(&out);
}

static void test_oom(void **state)
{
    static const struct lg_config_source none;
    struct lg_err err = {0};
    int rc = LG_ENOMEM;
    uint64_t n = 0;

    (void)state;
    while (rc != 0 && n < 200) {
        (void)lg_mem_fail_from(++n);
        rc = lg_config_load_text(
                LG_STR("api: {port: 1}\ninference: {window: 120s}\n"), "c.yaml", &none, &cfg, &err);
        (void)lg_mem_fail_from(0);
    }
    assert_int_equal(rc, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_defaults),
            cmocka_unit_test(test_yaml),
            cmocka_unit_test(test_unknown_keys),
            cmocka_unit_test(test_duplicates),
            cmocka_unit_test(test_bad_values),
            cmocka_unit_test(test_long_values),
            cmocka_unit_test(test_bombs),
            cmocka_unit_test(test_syntax),
            cmocka_unit_test(test_cross_checks),
            cmocka_unit_test(test_engines),
            cmocka_unit_test(test_precedence),
            cmocka_unit_test(test_environment),
            cmocka_unit_test(test_command_line),
            cmocka_unit_test(test_every_key),
            cmocka_unit_test(test_show_round_trip),
            cmocka_unit_test(test_secrets),
            cmocka_unit_test(test_secret_files),
            cmocka_unit_test(test_reload),
            cmocka_unit_test(test_files),
            cmocka_unit_test(test_units),
            cmocka_unit_test(test_oom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
