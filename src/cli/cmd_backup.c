#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "cli/admin.h"
#include "cli/cli.h"
#include "services/posture.h"
#include "services/topics.h"
#include "store/event_store.h"
#include "json/write.h"

#define PATH_BYTES 4096
#define MAX_FAULTS 20

static const char backup_help[] =
        "usage: logster backup --data-dir DIR TARGET\n\n"
        "Copies alerts, tokens, audit log and stored events into the folder TARGET, while the\n"
        "platform runs. Topics are not copied: what stands only there is on its way to the\n"
        "stores. TARGET must not exist, or be empty.\n\n"
        "Exit status: 0 done, 2 not done.\n";
static const char restore_help[] =
        "usage: logster restore --data-dir DIR SOURCE\n\n"
        "Puts a backup in the place of a stopped platform's alerts and events. The backup is\n"
        "checked first; what stood there is kept beside it as *.before-restore. What came after\n"
        "the backup is stored again from the topics, as far as they reach back.\n\n"
        "Exit status: 0 done, 2 not done.\n";
static const char doctor_help[] =
        "usage: logster doctor --data-dir DIR [--json]\n\n"
        "Checks a data folder: databases, hash chains of events and audit log, permissions. May\n"
        "run beside the platform.\n\n"
        "Exit status: 0 all is well, 1 something is not, 2 could not check.\n";

static int parse(
        struct lg_admin_cli *a, const char *help, int argc, char **argv, const char **ret_operand)
{
    static const struct option options[] = {{"data-dir", required_argument, NULL, 'd'},
            {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int c;

    *ret_operand = NULL;
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
        switch (c) {
        case 'd':
            a->data_dir = optarg;
            break;
        case 'j':
            a->json = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return 1;
        default:
            (void)lg_admin_fail(a, "see --help");
            return LG_EINVAL;
        }
    if (optind < argc)
        *ret_operand = argv[optind++];
    if (optind < argc) {
        (void)lg_admin_fail(a, "'%s' is too much", argv[optind]);
        return LG_EINVAL;
    }
    return 0;
}

static int join(char out[PATH_BYTES], const char *dir, const char *name)
{
    int n = snprintf(out, PATH_BYTES, "%s/%s", dir, name);

    return n > 0 && n < PATH_BYTES ? 0 : LG_ELIMIT;
}

static int open_events(
        const struct lg_admin_cli *a, struct lg_event_store **ret, struct lg_err *err)
{
    char path[PATH_BYTES];
    const struct lg_sqlite_event_options opt = {.dir = path};
    int rc = join(path, a->data_dir, "events");

    return rc < 0 ? rc : lg_sqlite_event_store_open(&opt, ret, err);
}

static int backup(struct lg_admin_cli *a, const char *target)
{
    struct lg_event_store *ev = NULL;
    char path[PATH_BYTES];
    struct lg_err err = {0};
    int rc;

    if (lg_admin_open(a) < 0)
        return LG_EXIT_FAILED;
    if (lg_folder_make(target, 0700) < 0)
        return lg_admin_fail(a, "%s: %s", target, strerror(errno));
    if (join(path, target, "alerts.db") < 0)
        return lg_admin_fail(a, "the folder's name is too long");
    if (access(path, F_OK) == 0)
        return lg_admin_fail(a, "%s holds a backup already", target);
    rc = a->store->ops->backup(a->store, path, &err);
    if (rc == 0)
        rc = open_events(a, &ev, &err);
    if (rc == 0)
        rc = join(path, target, "events");
    if (rc == 0)
        rc = ev->ops->backup(ev, path, &err);
    lg_event_store_close(ev);
    if (rc == 0)
        rc = lg_admin_audit(a, "backup", LG_STR(""), lg_str_z(target));
    if (rc < 0)
        return lg_admin_fail(
                a, "not backed up: %s", err.text[0] != '\0' ? err.text : lg_err_name(rc));
    (void)printf("backed up to %s\n", target);
    return LG_EXIT_OK;
}

int lg_cmd_backup(int argc, char **argv)
{
    struct lg_admin_cli a = {.command = "backup"};
    const char *target;
    int rc = parse(&a, backup_help, argc, argv, &target);

    if (rc != 0)
        return rc > 0 ? LG_EXIT_OK : LG_EXIT_FAILED;
    (void)umask(077);
    if (target == NULL)
        return lg_admin_fail(&a, "wants a folder to write to");
    rc = backup(&a, target);
    lg_admin_close(&a);
    return rc;
}

/* The running platform holds the lock: a restore under it would be written over. */
static int hold_lock(const struct lg_admin_cli *a, int *ret_fd)
{
    char path[PATH_BYTES];

    if (join(path, a->data_dir, "lock") < 0)
        return LG_ELIMIT;
    *ret_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*ret_fd < 0) {
        (void)lg_admin_fail(a, "%s: %s", path, strerror(errno));
        return LG_EIO;
    }
    if (flock(*ret_fd, LOCK_EX | LOCK_NB) < 0) {
        (void)lg_admin_fail(a, "logster runs on %s; stop it first", a->data_dir);
        return LG_EREFUSED;
    }
    return 0;
}

/* Each event day of the backup: checked, and copied when `to` is not NULL. */
static int each_day(const char *from, const char *to, struct lg_err *err)
{
    char a[PATH_BYTES], b[PATH_BYTES];
    struct dirent *e;
    DIR *d = opendir(from);
    int rc = 0;

    if (d == NULL)
        return lg_err_set(err, LG_EIO, "%s: %s", from, strerror(errno));
    if (to != NULL && lg_folder_make(to, 0700) < 0)
        rc = lg_err_set(err, LG_EIO, "%s: %s", to, strerror(errno));
    while (rc == 0 && (e = readdir(d)) != NULL) {
        if (!lg_str_ends(lg_str_z(e->d_name), LG_STR(".db")))
            continue;
        if (join(a, from, e->d_name) < 0 || (to != NULL && join(b, to, e->d_name) < 0))
            rc = lg_err_set(err, LG_ELIMIT, "%s: name too long", e->d_name);
        else
            rc = lg_sqlite_restore_day(a, to != NULL ? b : NULL, err);
    }
    (void)closedir(d);
    return rc;
}

/* What stands in the folder and what becomes of it, in this order; the databases with their logs. */
static const struct {
    const char *now, *kept, *fresh; /* fresh: what takes its place, or NULL */
} moves[] = {
        {"alerts.db", "alerts.db.before-restore", "alerts.db.restoring"},
        {"alerts.db-wal", "alerts.db.before-restore-wal", NULL},
        {"alerts.db-shm", "alerts.db.before-restore-shm", NULL},
        {"events", "events.before-restore", "events.restoring"},
};
#define MOVES (sizeof(moves) / sizeof(*moves))

/* All of it beside what stands there, before anything of that is touched. */
static int copy_backup(const struct lg_admin_cli *a, const char *source, struct lg_err *err)
{
    char alerts[PATH_BYTES], events[PATH_BYTES], to[PATH_BYTES];
    int rc = 0;

    for (size_t i = 0; i < MOVES; i++)
        if (join(to, a->data_dir, moves[i].kept) < 0)
            return lg_err_set(err, LG_ELIMIT, "a folder's name is too long");
        else if (access(to, F_OK) == 0)
            return lg_err_set(
                    err, LG_EEXIST, "%s is there from an earlier restore: move it away", to);
    if (join(alerts, source, "alerts.db") < 0 || join(events, source, "events") < 0)
        return lg_err_set(err, LG_ELIMIT, "a folder's name is too long");
    rc = lg_sqlite_restore(alerts, NULL, err);
    if (rc == 0)
        rc = each_day(events, NULL, err);
    if (rc == 0 && join(to, a->data_dir, "alerts.db.restoring") == 0)
        rc = lg_sqlite_restore(alerts, to, err);
    if (rc == 0 && join(to, a->data_dir, "events.restoring") == 0)
        rc = each_day(events, to, err);
    return rc;
}

static int put_in_place(const struct lg_admin_cli *a, struct lg_err *err)
{
    char from[PATH_BYTES], to[PATH_BYTES];

    for (size_t i = 0; i < MOVES; i++) {
        if (join(from, a->data_dir, moves[i].now) < 0 || join(to, a->data_dir, moves[i].kept) < 0)
            return lg_err_set(err, LG_ELIMIT, "a folder's name is too long");
        if (rename(from, to) < 0 && errno != ENOENT)
            return lg_err_set(err, LG_EIO, "%s: %s", from, strerror(errno));
    }
    for (size_t i = 0; i < MOVES; i++) {
        if (moves[i].fresh == NULL)
            continue;
        if (join(from, a->data_dir, moves[i].fresh) < 0 || join(to, a->data_dir, moves[i].now) < 0)
            return lg_err_set(err, LG_ELIMIT, "a folder's name is too long");
        if (rename(from, to) < 0)
            return lg_err_set(err, LG_EIO, "%s: %s", from, strerror(errno));
    }
    return lg_folder_sync(a->data_dir) < 0
            ? lg_err_set(err, LG_EIO, "%s: %s", a->data_dir, strerror(errno))
            : 0;
}

static int from_begin(struct lg_bus *bus, const char *group, enum lg_topic t)
{
    int topic = lg_bus_topic_find(bus, lg_topic_name(t)), rc = topic < 0 ? topic : 0;
    int32_t n = rc == 0 ? lg_bus_partitions(bus, topic) : 0;

    for (int32_t p = 0; rc == 0 && p < n; p++) {
        struct lg_bus_offset at = {.topic = topic, .partition = p};
        int64_t end;

        rc = lg_bus_offsets(bus, topic, p, &at.offset, &end);
        if (rc == 0)
            rc = lg_bus_group_set(bus, lg_str_z(group), &at);
    }
    return rc;
}

/*
 * What came after the backup stands in the topics still: the next start stores it again, and what
 * the backup has already is known by its ids.
 */
static int read_again(const struct lg_admin_cli *a, struct lg_err *err)
{
    char path[PATH_BYTES], current[PATH_BYTES + 16];
    const struct lg_bus_embedded_options opt = {.path = path, .maintain_ms = UINT32_MAX};
    struct lg_bus *bus = NULL;
    int rc = join(path, a->data_dir, "bus");

    (void)snprintf(current, sizeof(current), "%s/CURRENT", path);
    if (rc < 0 || access(current, F_OK) < 0)
        return 0;
    rc = lg_bus_open_embedded(&opt, &bus, err);
    if (rc < 0)
        return rc;
    rc = from_begin(bus, LG_GROUP_INDEXER, LG_TOPIC_NORMALIZED);
    if (rc == 0)
        rc = from_begin(bus, LG_GROUP_INDEXER, LG_TOPIC_RESULTS);
    if (rc == 0)
        rc = from_begin(bus, LG_GROUP_ALERTS, LG_TOPIC_RESULTS);
    lg_bus_close(bus);
    return rc < 0 ? lg_err_set(err, rc, "%s: %s", path, lg_err_name(rc)) : 0;
}

static int restore(struct lg_admin_cli *a, const char *source)
{
    struct lg_err err = {0};

    if (copy_backup(a, source, &err) < 0 || put_in_place(a, &err) < 0)
        return lg_admin_fail(a, "%s", err.text);
    if (read_again(a, &err) < 0)
        (void)fprintf(stderr,
                "logster restore: what came after the backup is not taken from the topics: %s\n",
                err.text);
    (void)printf("restored from %s; what stood there is kept as *.before-restore\n", source);
    return LG_EXIT_OK;
}

int lg_cmd_restore(int argc, char **argv)
{
    struct lg_admin_cli a = {.command = "restore"};
    const char *source;
    int fd = -1, rc = parse(&a, restore_help, argc, argv, &source);

    if (rc != 0)
        return rc > 0 ? LG_EXIT_OK : LG_EXIT_FAILED;
    (void)umask(077);
    if (source == NULL || a.data_dir == NULL)
        return lg_admin_fail(&a, "wants --data-dir and the folder of a backup");
    rc = hold_lock(&a, &fd) < 0 ? LG_EXIT_FAILED : restore(&a, source);
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

struct findings {
    bool json;
    unsigned n;
    struct lg_buf out;
};

static void say(struct findings *f, bool ok, const char *what, const char *text)
{
    struct lg_jw w;

    f->n += !ok;
    if (!f->json) {
        lg_buf_printf(&f->out, "%-8s %s: %s\n", ok ? "ok" : "PROBLEM", what, text);
        return;
    }
    lg_jw_init(&w, &f->out);
    lg_jw_object(&w);
    LG_JW_STR(&w, "check", lg_str_z(what));
    LG_JW_BOOL(&w, "ok", ok);
    LG_JW_STR(&w, "text", lg_str_z(text));
    lg_jw_object_end(&w);
    lg_buf_addc(&f->out, '\n');
}

static void check_events(struct lg_admin_cli *a, struct findings *f)
{
    struct lg_store_fault faults[MAX_FAULTS];
    struct lg_event_store *ev = NULL;
    struct lg_err err = {0};
    uint32_t n = 0;
    int rc = open_events(a, &ev, &err);

    if (rc < 0) {
        say(f, false, "events", err.text);
        return;
    }
    rc = ev->ops->verify(ev, faults, MAX_FAULTS, &n);
    if (rc < 0)
        say(f, false, "events", lg_err_name(rc));
    for (uint32_t i = 0; i < n; i++) {
        char text[256];

        (void)snprintf(text, sizeof(text), "batch %llu: %s", (unsigned long long)faults[i].batch,
                faults[i].what);
        say(f, false, faults[i].file, text);
    }
    if (rc == 0 && n == 0)
        say(f, true, "events", "every batch fits its chain");
    lg_event_store_close(ev);
}

static void say_posture(void *ctx, bool ok, const char *what, const char *text)
{
    say(ctx, ok, what, text);
}

static int doctor(struct lg_admin_cli *a)
{
    struct findings f = {.json = a->json};
    struct lg_audit_check check;
    struct lg_err err = {0};
    int rc;

    if (lg_admin_open(a) < 0)
        return LG_EXIT_FAILED;
    lg_buf_init(&f.out, (size_t)1 << 20);
    rc = a->store->ops->verify(a->store, &err);
    if (rc < 0)
        say(&f, false, "alerts.db", err.text);
    else
        say(&f, true, "alerts.db", "structure and counters");
    rc = a->store->admin->ops->audit_verify(a->store->admin, &check);
    if (rc < 0 || check.first_bad != 0)
        say(&f, false, "audit log",
                rc < 0 ? lg_err_name(rc) : "a row was altered; see logster audit verify");
    else
        say(&f, true, "audit log", "every row fits its chain");
    check_events(a, &f);
    lg_posture_modes(a->data_dir, say_posture, &f);
    rc = f.out.failed == 0 && fwrite(f.out.p, 1, f.out.n, stdout) == f.out.n ? 0 : LG_EIO;
    lg_buf_done(&f.out);
    return rc < 0 ? LG_EXIT_FAILED : f.n > 0 ? LG_EXIT_FOUND : LG_EXIT_OK;
}

int lg_cmd_doctor(int argc, char **argv)
{
    struct lg_admin_cli a = {.command = "doctor"};
    const char *operand;
    int rc = parse(&a, doctor_help, argc, argv, &operand);

    if (rc != 0)
        return rc > 0 ? LG_EXIT_OK : LG_EXIT_FAILED;
    if (operand != NULL)
        return lg_admin_fail(&a, "'%s' is too much", operand);
    rc = doctor(&a);
    lg_admin_close(&a);
    return rc;
}
