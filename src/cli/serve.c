#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "cli/page.h"
#include "cli/serve.h"
#include "config/config.h"

struct lg_assets lg_cli_page;

static void warn(void *user, const char *text)
{
    const struct lg_serve_args *a = user;

    (void)fprintf(stderr, "%s: %s\n", a->name, text);
}

static int add_set(struct lg_serve_args *a, const char *text)
{
    const char *eq = strchr(text, '=');

    if (eq == NULL || eq == text) {
        (void)fprintf(stderr, "%s: --set wants KEY=VALUE, not '%s'\n", a->name, text);
        return LG_EINVAL;
    }
    if (a->n_set == LG_SERVE_MAX_SET) {
        (void)fprintf(stderr, "%s: at most %d times --set\n", a->name, LG_SERVE_MAX_SET);
        return LG_ELIMIT;
    }
    a->keys[a->n_set] = lg_strndup(text, (size_t)(eq - text));
    if (a->keys[a->n_set] == NULL)
        return LG_ENOMEM;
    a->set[a->n_set] = (struct lg_config_override){a->keys[a->n_set], eq + 1};
    a->n_set++;
    return 0;
}

int lg_serve_parse(int argc, char **argv, struct lg_serve_args *a)
{
    static const struct option options[] = {{"data-dir", required_argument, NULL, 'd'},
            {"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'},
            {"dry-run", no_argument, NULL, 'n'}, {"help", no_argument, NULL, 'h'},
            {NULL, 0, NULL, 0}};
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
        switch (c) {
        case 'd':
            a->data_dir = optarg;
            break;
        case 'c':
            a->config = optarg;
            break;
        case 's': {
            int rc = add_set(a, optarg);

            if (rc < 0)
                return rc;
            break;
        }
        case 'n':
            if (a->parts != 0) {
                (void)fprintf(
                        stderr, "%s: --dry-run is not for this; see %s --help\n", a->name, a->name);
                return LG_EINVAL;
            }
            a->dry_run = true;
            break;
        case 'h':
            (void)fputs(a->help, stdout);
            return 1;
        default:
            (void)fprintf(stderr, "see %s --help\n", a->name);
            return LG_EINVAL;
        }
    if (optind < argc) {
        (void)fprintf(
                stderr, "%s: '%s' is too much; see %s --help\n", a->name, argv[optind], a->name);
        return LG_EINVAL;
    }
    if (a->data_dir == NULL)
        a->data_dir = getenv("LOGSTER_DATA_DIR");
    return 0;
}

static struct lg_config_source source_of(struct lg_serve_args *a)
{
    struct lg_config_source src = {.env = environ,
            .overrides = a->set,
            .n_overrides = a->n_set,
            .warn = warn,
            .warn_user = a};

    if (a->data_dir != NULL) {
        a->set[a->n_set] = (struct lg_config_override){"data_dir", a->data_dir};
        src.n_overrides++;
    }
    src.path = a->config;
    if (a->config == NULL && a->data_dir != NULL) {
        (void)snprintf(
                a->default_path, sizeof(a->default_path), "%s/service-config.yaml", a->data_dir);
        src.path = a->default_path;
        src.path_optional = true;
    }
    return src;
}

/* The models of the configuration; a platform whose path is not set has the shipped one. */
static int load_models(const struct lg_config *cfg, struct lg_serve_args *a,
        struct lg_up_options *opt, struct lg_err *reterr)
{
    const char *const paths[2] = {[LG_PLATFORM_WINDOWS] = cfg->model.path,
            [LG_PLATFORM_LINUX] = cfg->model.linux_model_path};
    struct lg_sign_public keys[LG_CONFIG_LIST_ITEMS];
    const struct lg_models_trust trust = {
            .keys = keys, .n = cfg->model.trusted_keys.n, .required = cfg->model.require_signature};
    int rc = 0;

    for (size_t i = 0; i < trust.n && rc == 0; i++)
        rc = lg_sign_public_parse(lg_str_z(cfg->model.trusted_keys.v[i]), &keys[i]);
    if (rc < 0)
        return lg_err_set(reterr, rc, "model.trusted_keys: not a public key");
    if (paths[0][0] == '\0' && paths[1][0] == '\0')
        rc = lg_models_shipped(reterr);
    for (int i = 0; i < 2 && rc == 0; i++) {
        if (paths[i][0] == '\0') {
            rc = lg_models_load_shipped((enum lg_platform)i, &trust, &a->models[i], reterr);
            continue;
        }
        opt->model_paths[i] = paths[i];
        rc = lg_models_load(&paths[i], 1, &trust, a->models, reterr);
        if (rc == 0 && a->models[i] == NULL)
            rc = lg_err_set(reterr, LG_EINVAL, "%s: the model is of another platform", paths[i]);
    }
    opt->models[0] = a->models[0];
    opt->models[1] = a->models[1];
    return rc;
}

static void greet(const struct lg_serve_args *a, const struct lg_up_info *info)
{
    if (a->parts != LG_PART_ALL) {
        (void)printf("%s is up: %s\n", a->name, info->api_url);
        if (info->dashboard_url[0] != '\0')
            (void)printf("dashboard: %s\n", info->dashboard_url);
        (void)fflush(stdout);
        return;
    }
    (void)printf("logster is up: %s\n", info->api_url);
    if (info->auth_off)
        (void)puts("authentication is OFF (DISABLE_AUTH): only requests from this machine count");
    if (info->token[0] != '\0')
        (void)printf(
                "first token, shown this once (and in %s):\n  %s\n", info->token_file, info->token);
    if (info->dashboard_url[0] != '\0')
        (void)printf("dashboard: %s\n", info->dashboard_url);
    (void)printf("  curl -H \"Authorization: Bearer $(cat %s)\" %s/alerts\n", info->token_file,
            info->api_url);
    (void)printf("API reference: %s/docs\n", info->api_url);
    (void)fflush(stdout);
}

static void reload(struct lg_up *up, const struct lg_config_source *src, struct lg_config *cfg)
{
    static struct lg_config fresh;
    struct lg_config_changes ch;
    struct lg_err err = {0};
    int rc = lg_config_reload(cfg, src, &fresh, &ch, &err);

    if (rc < 0) {
        lg_log(LG_LOG_ERROR, "config", "keeping the old configuration", "error=\"%s\"", err.text);
        return;
    }
    *cfg = fresh;
    lg_log(LG_LOG_INFO, "config", "reloaded", "changed=%zu",
            ch.n); /* before its level may change */
    lg_up_reload(up, cfg, &ch);
}

/* Waits for signals; true when it ends in good order. */
static bool serve(const struct lg_serve_args *a, struct lg_up *up,
        const struct lg_config_source *src, struct lg_config *cfg, const sigset_t *signals)
{
    for (;;) {
        const struct timespec second = {.tv_sec = 1};
        struct lg_err err = {0};
        int sig = sigtimedwait(signals, NULL, &second);

        if (sig == SIGTERM || sig == SIGINT)
            return true;
        if (sig == SIGHUP)
            reload(up, src, cfg);
        if (lg_up_failed(up, &err)) {
            (void)fprintf(stderr, "%s: %s\n", a->name, err.text);
            return false;
        }
    }
}

int lg_serve_load(struct lg_serve_args *a, struct lg_config *ret, struct lg_err *reterr)
{
    const struct lg_config_source src = source_of(a);

    return lg_config_load(&src, ret, reterr);
}

void lg_serve_done(struct lg_serve_args *a)
{
    for (size_t i = 0; i < a->n_set; i++)
        lg_free(a->keys[i]);
    lg_model_free(a->models[0]);
    lg_model_free(a->models[1]);
}

static int start(struct lg_serve_args *a, struct lg_config *cfg, struct lg_up **ret,
        struct lg_up_info *ret_info, struct lg_err *reterr)
{
    struct lg_up_options opt = {
            .config = cfg, .parts = a->parts, .version = LG_VERSION, .assets = lg_cli_page};
    int rc = lg_serve_load(a, cfg, reterr);

    if (rc == 0)
        rc = lg_up_check(cfg, a->parts, reterr);
    /* the API tells of the models that judge elsewhere */
    if (rc == 0 && (a->parts & (LG_PART_INFERENCE | LG_PART_API)) != 0)
        rc = load_models(cfg, a, &opt, reterr);
    if (rc < 0)
        return rc;
    lg_log_set_level(cfg->log.level);
    return lg_up_start(&opt, ret, ret_info, reterr);
}

static pthread_t main_thread;

static void pass_on(int sig)
{
    (void)pthread_kill(main_thread, sig);
}

/*
 * Only this thread takes signals. Those that we start inherit the mask; those that a library started
 * when it was loaded (OpenBLAS) do not, and would die of a SIGTERM that finds this one busy: they
 * pass it on.
 */
static void take_signals(sigset_t *ret)
{
    static const int taken[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction sa = {.sa_handler = pass_on, .sa_flags = SA_RESTART};

    main_thread = pthread_self();
    (void)sigemptyset(ret);
    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
        (void)sigaddset(ret, taken[i]);
    (void)sigprocmask(SIG_BLOCK, ret, NULL);
    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
        (void)sigaction(taken[i], &sa, NULL);
}

int lg_serve_run(struct lg_serve_args *a)
{
    static struct lg_config cfg; /* large, and there is one */
    const struct lg_config_source src = source_of(a);
    struct lg_up_info info;
    struct lg_err err = {0};
    struct lg_up *up = NULL;
    sigset_t signals;
    bool good;
    int rc;

    (void)umask(077); /* what is stored is no one else's to read */
    lg_mem_long_run();
    take_signals(&signals);
    rc = start(a, &cfg, &up, &info, &err);
    if (rc < 0) {
        (void)fprintf(stderr, "%s: %s\n", a->name, err.text);
        return LG_EXIT_FAILED;
    }
    greet(a, &info);
    lg_token_wipe(info.token, sizeof(info.token));
    good = serve(a, up, &src, &cfg, &signals);
    (void)puts("logster: stopping");
    (void)fflush(stdout);
    rc = lg_up_stop(up);
    return good && rc == 0 ? LG_EXIT_OK : LG_EXIT_FAILED;
}
