#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/serve.h"

static const char help[] =
        "usage: logster service NAME [OPTION...]\n\n"
        "Runs one part of the platform in a process of its own, any number of each:\n\n"
        "  intake       HTTP (api.port) and syslog listeners -> raw topics\n"
        "  normalizer   raw topics -> normalized-endpoint-events\n"
        "  inference    normalized-endpoint-events -> logster-inference-results\n"
        "  indexer      events and inferences -> OpenSearch; removes old event days\n"
        "  alerts       logster-inference-results -> PostgreSQL, logster-alerts; notifications\n"
        "  api          REST API (api.port) and dashboard (dashboard.port)\n\n"
        "They share bus.type: kafka, store.alerts: postgresql and store.events: opensearch. Each\n"
        "answers /livez, /readyz and /metrics on api.host and api.port.\n\n"
        "  --data-dir DIR     folder of the configuration and of audit-head.log; may be left out\n"
        "  --config FILE      configuration (default: DIR/service-config.yaml, if it exists)\n"
        "  --set KEY=VALUE    one option over the file and the environment; may be repeated\n"
        "  --help\n\n"
        "SIGTERM and SIGINT stop it in good order; another process of its name goes on with its\n"
        "partitions. SIGHUP reads the configuration anew.\n"
        "Exit status: 0 stopped in good order, 2 could not start, or the part failed for good.\n";

static const struct {
    const char *name, *title;
    unsigned part;
} parts[] = {
        {"intake", "logster service intake", LG_PART_INTAKE},
        {"normalizer", "logster service normalizer", LG_PART_NORMALIZER},
        {"inference", "logster service inference", LG_PART_INFERENCE},
        {"indexer", "logster service indexer", LG_PART_INDEXER},
        {"alerts", "logster service alerts", LG_PART_ALERTS},
        {"api", "logster service api", LG_PART_API},
};

static int run_part(const char *title, unsigned part, int argc, char **argv)
{
    struct lg_serve_args a = {.name = title, .help = help, .parts = part};
    int rc = lg_serve_parse(argc, argv, &a);

    rc = rc == 1 ? LG_EXIT_OK : rc < 0 ? LG_EXIT_FAILED : lg_serve_run(&a);
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
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (strcmp(argv[1], parts[i].name) == 0)
            return run_part(parts[i].title, parts[i].part, argc - 1, argv + 1);
    (void)fprintf(
            stderr, "logster service: '%s' is no part; see logster service --help\n", argv[1]);
    return LG_EXIT_FAILED;
}
