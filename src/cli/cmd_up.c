#include "cli/cli.h"
#include "cli/serve.h"

static const char help[] =
        "usage: logster up --data-dir DIR [OPTION...]\n\n"
        "Runs the whole platform in one process: intake and REST API on api.port (8080), the\n"
        "dashboard on dashboard.port (5001), the stages, and their stores below DIR. The first "
        "start makes an administrator's token,\n"
        "prints it once and writes it to DIR/admin-token.\n\n"
        "  --data-dir DIR     folder of everything that must survive (also: data_dir, \n"
        "                     LOGSTER_DATA_DIR)\n"
        "  --config FILE      configuration (default: DIR/service-config.yaml, if it exists)\n"
        "  --set KEY=VALUE    one option over the file and the environment; may be repeated\n"
        "  --help\n\n"
        "SIGTERM and SIGINT stop it in good order: requests are answered, stages work off what\n"
        "they have. SIGHUP reads the configuration anew. See 'logster config reference'.\n"
        "Exit status: 0 stopped in good order, 2 could not start, or a part failed for good.\n";

int lg_cmd_up(int argc, char **argv)
{
    struct lg_serve_args a = {.name = "logster up", .help = help, .parts = LG_PART_ALL};
    int rc = lg_serve_parse(argc, argv, &a);

    rc = rc == 1 ? LG_EXIT_OK : rc < 0 ? LG_EXIT_FAILED : lg_serve_run(&a);
    lg_serve_done(&a);
    return rc;
}
