#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "access/scope.h"
#include "cli/cli.h"
#include "cli/serve.h"
#include "crypto/encode.h"
#include "postgres/postgres.h"
#include "services/engines.h"
#include "services/topics.h"
#include "store/event_migrate.h"

static const char help[] =
        "usage: logster migrate --data-dir DIR [OPTION...]\n\n"
        "Copies what an embedded platform stored in DIR to the servers that the configuration\n"
        "names (store.alerts: postgresql, store.events: opensearch, or one of them), and compares\n"
        "both sides: rows and digest of each table, records and digest of each event day.\n\n"
        "The platform must be stopped, with nothing left in its topics: a stop in good order "
        "works\n"
        "them off. It makes schema and templates as `logster service store-init` does, and takes "
        "the\n"
        "place of it: tokens and tenants come along, so the target must be empty. What was in "
        "open\n"
        "windows is not judged again. A run that broke off is run again; DIR is only read.\n\n"
        "  --data-dir DIR     folder of the embedded platform\n"
        "  --config FILE      configuration (default: DIR/service-config.yaml, if it exists)\n"
        "  --set KEY=VALUE    one option over the file and the environment; may be repeated\n"
        "  --help\n\n"
        "Exit status: 0 both sides are the same, 2 not done.\n";

static void say(void *user, const char *line)
{
    (void)user;
    (void)puts(line);
    (void)fflush(stdout);
}

static int lock_folder(const char *dir, int *ret_fd, struct lg_err *reterr)
{
    char path[LG_CONFIG_PATH_BYTES + 16];

    (void)snprintf(path, sizeof(path), "%s/lock", dir);
    *ret_fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (*ret_fd < 0)
        return lg_err_set(
                reterr, LG_ENOENT, "%s: %s: is it a platform's folder?", path, strerror(errno));
    if (flock(*ret_fd, LOCK_EX | LOCK_NB) < 0)
        return lg_err_set(reterr, LG_EREFUSED,
                "a logster runs on %s: stop it first (its process id is in %s)", dir, path);
    return 0;
}

/* Records that a stage has yet to read would be left behind. */
static int check_topics(const struct lg_config *cfg, struct lg_err *reterr)
{
    static struct lg_config local;
    struct lg_oauth *oauth = NULL;
    struct lg_bus *bus = NULL;
    struct lg_topics t;
    uint64_t all = 0;
    int rc;

    local = *cfg;
    local.bus.type = LG_CONFIG_BUS_EMBEDDED;
    rc = lg_engine_bus(&local, &bus, &oauth, reterr);
    if (rc == 0)
        rc = lg_topics_ensure(bus, &local, &t, reterr);
    if (rc == 0) {
        const struct {
            const char *group;
            int topic;
        } readers[] = {{LG_GROUP_INDEXER, t.n[LG_TOPIC_NORMALIZED]},
                {LG_GROUP_INDEXER, t.n[LG_TOPIC_RESULTS]}, {LG_GROUP_ALERTS, t.n[LG_TOPIC_RESULTS]},
                {LG_GROUP_NORMALIZER, t.n[LG_TOPIC_SYSMON]},
                {LG_GROUP_NORMALIZER, t.n[LG_TOPIC_AUDITD]},
                {LG_GROUP_NORMALIZER, t.n[LG_TOPIC_EBPF_PROCESS]},
                {LG_GROUP_NORMALIZER, t.n[LG_TOPIC_EBPF_FILE]},
                {LG_GROUP_NORMALIZER, t.n[LG_TOPIC_EBPF_NETWORK]}};

        for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
            uint64_t lag = 0;

            if (lg_bus_lag(bus, lg_str_z(readers[i].group), readers[i].topic, &lag) == 0)
                all += lag;
        }
        if (all > 0)
            rc = lg_err_set(reterr, LG_EREFUSED,
                    "%llu records wait in the topics: start the platform without shippers until it "
                    "has worked them off, and stop it",
                    (unsigned long long)all);
    }
    lg_bus_close(bus);
    lg_oauth_free(oauth);
    return rc;
}

static void tell_table(void *user, const struct lg_migrated_table *t)
{
    (void)user;
    (void)printf(
            "%-20s %10llu rows, the same on both sides\n", t->name, (unsigned long long)t->rows_to);
    (void)fflush(stdout);
}

static int tell_day(void *user, const struct lg_migrated_day *d)
{
    char when[LG_TIME_ISO_MAX];

    (void)user;
    (void)lg_time_iso(d->day * 86400 * LG_NS_PER_SEC, when);
    (void)printf("%.10s  %10llu of %llu events, %llu of %llu inferences; %llu written now\n", when,
            (unsigned long long)d->events_to, (unsigned long long)d->events_from,
            (unsigned long long)d->inferences_to, (unsigned long long)d->inferences_from,
            (unsigned long long)d->written);
    (void)fflush(stdout);
    return 0;
}

static int move_alerts(const struct lg_config *cfg, struct lg_err *reterr)
{
    struct lg_alert_store *from = NULL, *to = NULL;
    char path[LG_CONFIG_PATH_BYTES + 16];
    int rc;

    (void)snprintf(path, sizeof(path), "%s/alerts.db", cfg->data_dir);
    if (access(path, R_OK) < 0)
        return lg_err_set(reterr, LG_ENOENT, "%s: %s", path, strerror(errno));
    rc = lg_sqlite_alert_store_open(path, &from, reterr);
    if (rc == 0)
        rc = lg_engine_alerts(cfg, &to, reterr);
    if (rc == 0)
        rc = lg_alert_migrate(from, to, tell_table, NULL, reterr);
    lg_alert_store_close(to);
    lg_alert_store_close(from);
    return rc;
}

static int everything(struct lg_scope **ret)
{
    struct lg_principal *pr = NULL;
    int rc = lg_principal_new(
            LG_PRINCIPAL_SYSTEM, LG_STR("platform"), LG_STR("logster migrate"), &pr);

    if (rc == 0)
        rc = lg_scope_new(pr, LG_ACT_EVENT_READ, ret);
    lg_principal_unref(pr);
    return rc;
}

static int move_events(const struct lg_config *cfg, struct lg_err *reterr)
{
    char dir[LG_CONFIG_PATH_BYTES + 16];
    const struct lg_sqlite_event_options opt = {
            .dir = dir, .zstd_level = (int)cfg->store.zstd_level};
    struct lg_event_store *from = NULL, *to = NULL;
    struct lg_scope *all = NULL;
    int rc = everything(&all);

    if (rc < 0)
        return lg_err_set(reterr, rc, "%s", lg_err_name(rc));
    (void)snprintf(dir, sizeof(dir), "%s/events", cfg->data_dir);
    rc = lg_sqlite_event_store_open(&opt, &from, reterr);
    if (rc == 0)
        rc = lg_engine_events(cfg, &to, reterr);
    if (rc == 0)
        rc = lg_event_migrate(from, to, all, tell_day, NULL, reterr);
    lg_event_store_close(to);
    lg_event_store_close(from);
    lg_scope_free(all);
    return rc;
}

static int migrate(struct lg_serve_args *a)
{
    static struct lg_config cfg;
    struct lg_err err = {0};
    int lock = -1, rc = lg_serve_load(a, &cfg, &err);
    const bool alerts = cfg.store.alerts == LG_CONFIG_ALERTS_POSTGRESQL;
    const bool events = cfg.store.events == LG_CONFIG_EVENTS_OPENSEARCH;

    if (rc == 0 && cfg.data_dir[0] == '\0')
        rc = lg_err_set(&err, LG_EINVAL, "name the platform's folder with --data-dir");
    if (rc == 0 && !alerts && !events)
        rc = lg_err_set(&err, LG_EINVAL,
                "nowhere to go: set store.alerts: postgresql or store.events: opensearch");
    if (rc == 0)
        rc = lock_folder(cfg.data_dir, &lock, &err);
    if (rc == 0)
        rc = check_topics(&cfg, &err);
    if (rc == 0)
        rc = lg_engine_init_stores(&cfg, say, NULL, &err);
    if (rc == 0 && events) /* first: it may be run again, alerts go once */
        rc = move_events(&cfg, &err);
    if (rc == 0 && alerts)
        rc = move_alerts(&cfg, &err);
    if (lock >= 0)
        (void)close(lock);
    if (rc < 0)
        (void)fprintf(stderr, "%s: %s\n", a->name, err.text);
    return rc < 0 ? LG_EXIT_FAILED : LG_EXIT_OK;
}

int lg_cmd_migrate(int argc, char **argv)
{
    struct lg_serve_args a = {.name = "logster migrate", .help = help};
    int rc = lg_serve_parse(argc, argv, &a);

    if (rc == 0 && a.dry_run) {
        (void)fputs("logster migrate: there is no dry run; DIR is only read\n", stderr);
        rc = LG_EINVAL;
    }
    rc = rc == 1 ? LG_EXIT_OK : rc < 0 ? LG_EXIT_FAILED : migrate(&a);
    lg_serve_done(&a);
    return rc;
}
