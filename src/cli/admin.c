#include "cli/admin.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "services/api.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define PATH_BYTES 4096

int lg_admin_fail(const struct lg_admin_cli *a, const char *fmt, ...)
{
    va_list ap;

    (void)fprintf(stderr, "logster %s: ", a->command);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    return LG_EXIT_FAILED;
}

static void name_actor(struct lg_admin_cli *a)
{
    char host[64] = "localhost", buf[1024];
    struct passwd pw, *found = NULL;

    (void)gethostname(host, sizeof(host) - 1);
    if (getpwuid_r(getuid(), &pw, buf, sizeof(buf), &found) == 0 && found != NULL)
        (void)snprintf(a->actor, sizeof(a->actor), "%.48s@%.48s (command line)", pw.pw_name, host);
    else
        (void)snprintf(a->actor, sizeof(a->actor), "uid %lu@%.48s (command line)",
                (unsigned long)getuid(), host);
}

int lg_admin_open(struct lg_admin_cli *a)
{
    char path[PATH_BYTES];
    struct lg_err err = {0};
    struct stat st;
    int n, rc;

    if (a->data_dir == NULL)
        a->data_dir = getenv("LOGSTER_DATA_DIR");
    if (a->data_dir == NULL || *a->data_dir == '\0') {
        (void)lg_admin_fail(a, "name the platform's folder with --data-dir");
        return LG_EINVAL;
    }
    n = snprintf(path, sizeof(path), "%s/alerts.db", a->data_dir);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        (void)lg_admin_fail(a, "the folder's name is too long");
        return LG_ELIMIT;
    }
    if (stat(path, &st) < 0) { /* a typing mistake must not make a new platform */
        (void)lg_admin_fail(a, "%s is no data folder ('logster up' makes one)", a->data_dir);
        return LG_ENOENT;
    }
    rc = lg_sqlite_alert_store_open(path, &a->store, &err);
    if (rc < 0) {
        (void)lg_admin_fail(a, "%s", err.text);
        return rc;
    }
    a->now = lg_clock_wall();
    lg_arena_init(&a->arena, ARENA_BYTES);
    name_actor(a);
    return 0;
}

void lg_admin_close(struct lg_admin_cli *a)
{
    if (a->store == NULL)
        return;
    lg_alert_store_close(a->store);
    a->store = NULL;
    lg_arena_done(&a->arena);
}

int lg_admin_audit(
        struct lg_admin_cli *a, const char *action, struct lg_str tenant, struct lg_str target)
{
    return lg_audit(a->store->admin, a->now, tenant, lg_str_z(a->actor), action, target,
            LG_STR("{}"), LG_STR(""));
}

const char *lg_admin_time(lg_time t, char out[LG_TIME_ISO_MAX])
{
    if (t == 0)
        return "-";
    (void)lg_time_iso(t, out);
    return out;
}

int lg_subcommand_run(const char *name, const char *help, const struct lg_subcommand *subs,
        size_t n, int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(help, stdout);
        return LG_EXIT_OK;
    }
    for (size_t i = 0; argc >= 2 && i < n; i++)
        if (strcmp(argv[1], subs[i].name) == 0) {
            char command[64];
            struct lg_admin_cli a = {.command = command};
            int rc;

            (void)snprintf(command, sizeof(command), "%s %s", name, subs[i].name);
            for (int k = 2; k < argc; k++)
                if (strcmp(argv[k], "--help") == 0 || strcmp(argv[k], "-h") == 0) {
                    (void)fputs(help, stdout);
                    return LG_EXIT_OK;
                }
            rc = subs[i].run(&a, argc - 1, argv + 1);
            lg_admin_close(&a);
            return rc;
        }
    if (argc >= 2)
        (void)fprintf(stderr, "logster %s: '%s' is not a sub-command\n", name, argv[1]);
    (void)fputs(help, stderr);
    return LG_EXIT_FAILED;
}
