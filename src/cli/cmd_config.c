#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "config/config.h"

#define OUT_MAX_BYTES ((size_t)4 << 20)
#define MAX_OVERRIDES 128

extern char **environ;

static const char help[] =
        "usage: logster config check|show|reference [OPTION...]\n\n"
        "  check      tell whether the configuration would start; nothing else is looked at\n"
        "  show       the configuration in force, and where each value came from\n"
        "  reference  every key with its type, default and meaning, as Markdown\n\n"
        "  --config FILE    the file to read (default: service-config.yaml in the data folder)\n"
        "  --data-dir DIR   the data folder (default: the environment's LOGSTER_DATA_DIR)\n"
        "  --set KEY=VALUE  set one key; goes before the environment and the file\n"
        "  --json           show: one JSON object with value and origin of each key\n"
        "  --help\n\n"
        "Secrets are shown as ********. Exit status: 0 done, 2 the configuration cannot be used.\n";

struct args {
    const char *config, *data_dir;
    struct lg_config_override overrides[MAX_OVERRIDES];
    char keys[MAX_OVERRIDES][128];
    size_t n;
    bool json;
};

static int fail(const char *text)
{
    (void)fprintf(stderr, "logster config: %s\n", text);
    return LG_EXIT_FAILED;
}

/* "KEY=VALUE"; false when it is not. */
static bool add_override(struct args *a, const char *text)
{
    const char *eq = strchr(text, '=');
    const size_t n = eq != NULL ? (size_t)(eq - text) : 0;

    if (n == 0 || n >= sizeof(a->keys[0]) || a->n == MAX_OVERRIDES)
        return false;
    memcpy(a->keys[a->n], text, n);
    a->keys[a->n][n] = '\0';
    a->overrides[a->n] = (struct lg_config_override){a->keys[a->n], eq + 1};
    a->n++;
    return true;
}

static void on_warn(void *user, const char *text)
{
    (void)user;
    (void)fprintf(stderr, "logster config: %s\n", text);
}

/* The file: named, else the data folder's where that is known. */
static int load(const struct args *a, struct lg_config *cfg, struct lg_err *err)
{
    char path[LG_CONFIG_PATH_BYTES + 32];
    struct lg_config_source src = {.path = a->config,
            .env = environ,
            .overrides = a->overrides,
            .n_overrides = a->n,
            .warn = NULL};
    int rc = 0;

    if (a->config == NULL) { /* the folder may be named by any way but the file */
        rc = lg_config_load(&src, cfg, err);
        if (rc < 0 && cfg->data_dir[0] == '\0')
            return rc;
        if (cfg->data_dir[0] != '\0') {
            (void)snprintf(path, sizeof(path), "%s/service-config.yaml", cfg->data_dir);
            src.path = path;
            src.path_optional = true;
        }
    }
    src.warn = on_warn;
    return lg_config_load(&src, cfg, err);
}

static int print(struct lg_buf *out)
{
    const bool ok =
            out->failed == 0 && fwrite(out->p, 1, out->n, stdout) == out->n && fflush(stdout) == 0;

    return ok ? LG_EXIT_OK : fail("the output cannot be written");
}

static int run(const char *what, const struct args *a)
{
    static struct lg_config cfg; /* large: not on the stack */
    struct lg_err err = {0};
    struct lg_buf out;
    int rc;

    lg_buf_init(&out, OUT_MAX_BYTES);
    if (strcmp(what, "reference") == 0) {
        lg_config_reference(&out);
        rc = print(&out);
    } else if (strcmp(what, "check") != 0 && strcmp(what, "show") != 0) {
        rc = fail("what? check, show or reference; see logster config --help");
    } else if (load(a, &cfg, &err) < 0) {
        rc = fail(err.text);
    } else if (strcmp(what, "check") == 0) {
        (void)printf("%s: good\n", cfg.file[0] != '\0' ? cfg.file : "defaults and environment");
        rc = LG_EXIT_OK;
    } else {
        if (a->json)
            lg_config_show_json(&cfg, &out);
        else
            lg_config_show(&cfg, &out);
        rc = print(&out);
    }
    lg_buf_done(&out);
    return rc;
}

int lg_cmd_config(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
            {"data-dir", required_argument, NULL, 'd'}, {"set", required_argument, NULL, 's'},
            {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
    static struct args a;
    int opt;

    memset(&a, 0, sizeof(a));
    while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (opt) {
        case 'c':
            a.config = optarg;
            break;
        case 'd':
            a.data_dir = optarg;
            break;
        case 's':
            if (!add_override(&a, optarg))
                return fail("--set takes KEY=VALUE");
            break;
        case 'j':
            a.json = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return LG_EXIT_OK;
        default:
            (void)fputs(help, stderr);
            return LG_EXIT_FAILED;
        }
    }
    if (a.data_dir != NULL && a.n < MAX_OVERRIDES)
        a.overrides[a.n++] = (struct lg_config_override){"data_dir", a.data_dir};
    if (optind + 1 != argc) {
        (void)fputs(help, stderr);
        return LG_EXIT_FAILED;
    }
    return run(argv[optind], &a);
}
