#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/page.h"

static const struct lg_command commands[] = {
        {"scan", "verdicts on recorded telemetry: attack windows with their evidence", lg_cmd_scan},
        {"normalize", "raw records to NormalizedEvent, one JSON object a line", lg_cmd_normalize},
        {"graph", "one window's graph as JSON or Graphviz", lg_cmd_graph},
        {"train", "a model from labelled captures", lg_cmd_train},
        {"eval", "figures of a model over labelled captures", lg_cmd_eval},
        {"model", "show, verify or convert a model", lg_cmd_model},
        {"config", "check or show the configuration; its reference", lg_cmd_config},
        {"up", "the whole platform in one process: intake, stages, stores, REST API", lg_cmd_up},
        {"service", "one part of the platform in a process of its own", lg_cmd_service},
        {"replay", "send recorded telemetry to a platform's intake", lg_cmd_replay},
        {"dead-letter", "list, show, replay and drop records that could not be used",
                lg_cmd_dead_letter},
        {"token", "create, list and revoke tokens", lg_cmd_token},
        {"tenant", "create, list and disable tenants", lg_cmd_tenant},
        {"audit", "verify and list the audit log", lg_cmd_audit},
        {"backup", "copy alerts and events while the platform runs", lg_cmd_backup},
        {"restore", "put a backup in the place of a stopped platform's data", lg_cmd_restore},
        {"migrate", "copy a stopped platform's data to PostgreSQL and OpenSearch", lg_cmd_migrate},
        {"doctor", "check a data folder: databases, hash chains, permissions", lg_cmd_doctor},
};

static void usage(FILE *to)
{
    (void)fputs("usage: logster COMMAND [ARGUMENT...]\n\n"
                "Open endpoint threat detection.\n\n",
            to);
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        (void)fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].summary);
    (void)fputs("\n'logster COMMAND --help' tells about one; --version tells the version.\n", to);
}

int main(int argc, char **argv)
{
    lg_cli_page = lg_web_page;
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error to report, not a death */
    if (argc < 2) {
        usage(stderr);
        return LG_EXIT_FAILED;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return LG_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)puts("logster " LG_VERSION);
        return LG_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    (void)fprintf(stderr, "logster: '%s' is not a command; see logster --help\n", argv[1]);
    return LG_EXIT_FAILED;
}
