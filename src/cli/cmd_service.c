#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/folder.h"
#include "cli/cli.h"
#include "cli/serve.h"
#include "services/engines.h"
#include "services/first_run.h"

static const char help[] =
        "usage: logster service NAME [OPTION...]\n\n"
        "Runs one part of the platform in a process of its own, any number of each:\n\n"
        "  intake       HTTP (api.port) and syslog listeners -> raw topics\n"
        "  normalizer   raw topics -> normalized-endpoint-events\n"
        "  inference    normalized-endpoint-events -> logster-inference-results\n"
        "  indexer      events and inferences -> OpenSearch; removes old event days\n"
        "  alerts       logster-inference-results -> PostgreSQL, logster-alerts; notifications\n"
        "  api          REST API (api.port) and dashboard (dashboard.port)\n\n"
        "and once, before the first of them:\n\n"
        "  kafka-init   makes topics, and ACLs for bus.kafka.principals; a second run changes\n"
        "               nothing. --dry-run only says what it would do\n"
        "  store-init   makes what the stores need on their servers, the default tenant and the\n"
        "               first token (printed once, and in DIR/admin-token); changes nothing "
        "else\n\n"
        "They share bus.type: kafka, store.alerts: postgresql and store.events: opensearch. Each\n"
        "answers /livez, /readyz and /metrics on api.host and api.port.\n\n"
        "  --data-dir DIR     folder of the configuration and of audit-head.log; may be left out\n"
        "  --config FILE      configuration (default: DIR/service-config.yaml, if it exists)\n"
        "  --set KEY=VALUE    one option over the file and the environment; may be repeated\n"
        "  --help\n\n"
        "SIGTERM and SIGINT stop it in good order; another process of its name goes on with its\n"
        "partitions. SIGHUP reads the configuration anew.\n"
        "Exit status: 0 stopped in good order, or done; 1 kafka-init found what differs and cannot "
        "be\n"
        "changed; 2 could not start, or the part failed for good.\n";

static void say(void *user, const char *line)
{
    (void)user;
    (void)puts(line);
}

static int first_token(const struct lg_config *cfg, struct lg_err *reterr)
{
    char token[LG_TOKEN_CHARS + 1] = "";
    struct lg_alert_store *st = NULL;
    int rc = lg_engine_alerts(cfg, &st, reterr);

    if (rc == 0)
        rc = lg_first_run(st->admin, cfg->data_dir, cfg->identity.default_tenant, lg_clock_wall(),
                token, reterr);
    if (rc == 0 && token[0] != '\0')
        (void)printf("first token, shown this once (and in %s/admin-token):\n  %s\n", cfg->data_dir,
                token);
    else if (rc == 0)
        (void)puts("a token is there");
    lg_token_wipe(token, sizeof(token));
    lg_alert_store_close(st);
    return rc;
}

static int kafka_init(struct lg_serve_args *a)
{
    static struct lg_config cfg;
    struct lg_err err = {0};
    int rc = lg_serve_load(a, &cfg, &err);

    if (rc == 0)
        rc = lg_engine_init_bus(&cfg, a->dry_run, say, NULL, &err);
    if (rc < 0)
        (void)fprintf(stderr, "%s: %s\n", a->name, err.text);
    else if (rc > 0)
        (void)fprintf(
                stderr, "%s: %d differ from what is wanted, and stay as they are\n", a->name, rc);
    return rc < 0 ? LG_EXIT_FAILED : rc > 0 ? LG_EXIT_FOUND : LG_EXIT_OK;
}

static int store_init(struct lg_serve_args *a)
{
    static struct lg_config cfg;
    struct lg_err err = {0};
    int rc = lg_serve_load(a, &cfg, &err);

    if (rc == 0 && cfg.data_dir[0] == '\0')
        rc = lg_err_set(&err, LG_EINVAL, "name a folder for the first token with --data-dir");
    if (rc == 0)
        rc = lg_engine_init_stores(&cfg, say, NULL, &err);
    if (rc == 0 && lg_folder_make(cfg.data_dir, 0700) < 0)
        rc = lg_err_set(&err, LG_EIO, "%s: %s", cfg.data_dir, strerror(errno));
    if (rc == 0)
        rc = first_token(&cfg, &err);
    if (rc < 0)
        (void)fprintf(stderr, "%s: %s\n", a->name, err.text);
    return rc < 0 ? LG_EXIT_FAILED : LG_EXIT_OK;
}

static const struct {
    const char *name, *title;
    unsigned part;
    int (*run)(struct lg_serve_args *a);
} services[] = {
        {"intake", "logster service intake", LG_PART_INTAKE, lg_serve_run},
        {"normalizer", "logster service normalizer", LG_PART_NORMALIZER, lg_serve_run},
        {"inference", "logster service inference", LG_PART_INFERENCE, lg_serve_run},
        {"indexer", "logster service indexer", LG_PART_INDEXER, lg_serve_run},
        {"alerts", "logster service alerts", LG_PART_ALERTS, lg_serve_run},
        {"api", "logster service api", LG_PART_API, lg_serve_run},
        {"kafka-init", "logster service kafka-init", 0, kafka_init},
        {"store-init", "logster service store-init", 0, store_init},
};

static int run(size_t i, int argc, char **argv)
{
    struct lg_serve_args a = {.name = services[i].title, .help = help, .parts = services[i].part};
    int rc = lg_serve_parse(argc, argv, &a);

    rc = rc == 1 ? LG_EXIT_OK : rc < 0 ? LG_EXIT_FAILED : services[i].run(&a);
    lg_serve_done(&a);
    return rc;
}

int lg_cmd_service(int argc, char **argv)
{
    if (argc < 2) {
        (void)fputs(help, stderr);
        return LG_EXIT_FAILED;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        (void)fputs(help, stdout);
        return LG_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++)
        if (strcmp(argv[1], services[i].name) == 0)
            return run(i, argc - 1, argv + 1);
    (void)fprintf(
            stderr, "logster service: '%s' is no part; see logster service --help\n", argv[1]);
    return LG_EXIT_FAILED;
}
