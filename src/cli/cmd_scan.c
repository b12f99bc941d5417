#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "cli/table.h"
#include "scan/scan.h"

static const char help[] =
        "usage: logster scan [OPTION...] FILE...\n\n"
        "Reads recorded telemetry (Windows and Linux, every format that `logster normalize` "
        "reads),\n"
        "turns each endpoint's last three minutes into a graph, every minute, and judges it. "
        "Prints\n"
        "the attack windows, worst first, each with the evidence that it rests on.\n\n"
        "  --json                 one object for every window, benign ones too, as they come\n"
        "  --model DIR            a model's folder; once for each platform (default: the shipped\n"
        "                         models of both platforms)\n"
        "  --threshold P          probability from which a window is an attack (default: the "
        "model's)\n"
        "  --tenant ID            tenant of the events (default: default)\n"
        "  --endpoint NAME        host of records that name none (default: the file's name)\n"
        "  --header-offset HOURS  added to header times whose zone is known to be false\n"
        "                         (default: found from the head of each file)\n"
        "  --no-idle-allowlist    judge Linux windows in which only idle daemons did idle things\n"
        "  --workers N            threads of each kind (default: one a processor)\n"
        "  --limit N              rows of the table (default: 1000)\n"
        "  --help\n\n"
        "Exit status: 0 no attack found, 1 attacks found, 2 could not run, or not wholly.\n";

struct scan_cmd {
    struct lg_scan_options opt;
    struct lg_model *models[2];
    const char *model_dirs[2];
    uint32_t n_model_dirs;
    uint32_t limit;
    bool json;
    bool tty;
    double shown_at; /* progress */
    uint32_t files;
    struct lg_table *tables; /* one a worker */
    struct lg_err model_err;
};

/* --- what the scan gives ---------------------------------------------------------------------- */

static int on_verdict(void *user, uint32_t worker, struct lg_jury *jury, const struct lg_graph *g,
        struct lg_verdict *v, struct lg_buf *out)
{
    struct scan_cmd *c = user;
    int rc = 0;

    if (c->json) {
        lg_verdict_write(v, g, lg_jury_model(jury), out);
        lg_buf_addc(out, '\n');
        return out->failed;
    }
    if (v->prediction != LG_PREDICT_ATTACK || !lg_table_wants(&c->tables[worker], v, g))
        return 0;
    /* evidence costs more than the verdict: made only for windows that may be shown */
    rc = lg_jury_evidence(jury, g, v);
    return rc < 0 ? rc : lg_table_add(&c->tables[worker], v, g, lg_jury_model(jury));
}

/* A shipped model is loaded when a window of its platform has come. */
static int on_model(void *user, enum lg_platform p, const struct lg_model **ret)
{
    struct scan_cmd *c = user;
    int rc =
            c->n_model_dirs > 0 ? 0 : lg_models_load_shipped(p, NULL, &c->models[p], &c->model_err);

    *ret = c->models[p];
    return rc;
}

static int on_output(void *user, struct lg_str bytes)
{
    (void)user;
    return fwrite(bytes.p, 1, bytes.n, stdout) == bytes.n ? 0 : LG_EIO;
}

static double now_s(void)
{
    return (double)lg_clock_monotonic() * 1e-9;
}

static void on_progress(
        void *user, uint32_t file, uint64_t consumed, uint64_t total, uint64_t records)
{
    struct scan_cmd *c = user;
    double now = now_s(), share;
    char bar[31];

    if (!c->tty || (now - c->shown_at < 0.1 && consumed != total))
        return;
    c->shown_at = now;
    share = total > 0 ? (double)consumed / (double)total : 0;
    for (int i = 0; i < 30; i++)
        bar[i] = i < (int)(share * 30) ? '#' : '.';
    bar[30] = '\0';
    (void)fprintf(stderr, "\r\033[K[%s] %3.0f %%  file %u/%u  %llu records", bar, share * 100,
            file + 1, c->files, (unsigned long long)records);
}

static void on_file_error(void *user, const char *path, const struct lg_err *err)
{
    struct scan_cmd *c = user;

    (void)fprintf(stderr, "%slogster scan: %s: %s\n", c->tty ? "\r\033[K" : "", path, err->text);
}

static void summary(const struct lg_scan_stats *s, const struct scan_cmd *c)
{
    uint64_t dead = 0;

    for (int i = 0; i < LG_DEAD_REASON_COUNT; i++)
        dead += s->dead[i];
    (void)fprintf(stderr,
            "%llu records, %llu events, %llu skipped, %llu dead letters, %llu endpoints; "
            "%llu windows, %llu attack, %llu too small to judge, %llu idle\n",
            (unsigned long long)s->records, (unsigned long long)s->events,
            (unsigned long long)s->skipped, (unsigned long long)dead,
            (unsigned long long)s->window.endpoints,
            (unsigned long long)(s->windows[0] + s->windows[1]), (unsigned long long)s->attacks,
            (unsigned long long)s->errors, (unsigned long long)s->idle_skipped);
    for (int i = 0; i < LG_DEAD_REASON_COUNT; i++)
        if (s->dead[i] > 0)
            (void)fprintf(stderr, "  dead letters, %-18s %llu\n",
                    lg_dead_reason_name((enum lg_dead_reason)i), (unsigned long long)s->dead[i]);
    if (s->window.late_dropped > 0)
        (void)fprintf(stderr, "  %llu events came after their windows had closed\n",
                (unsigned long long)s->window.late_dropped);
    for (int p = 0; p < 2; p++)
        if (c->models[p] != NULL && c->models[p]->experimental && s->windows[p] > 0)
            (void)fprintf(stderr, "  the %s model is experimental: little data stands behind it\n",
                    lg_platform_name((enum lg_platform)p));
}

/* --- arguments ----------------------------------------------------------------------------------- */

static int bad(const char *what)
{
    (void)fprintf(stderr, "logster scan: %s; see logster scan --help\n", what);
    return LG_EXIT_FAILED + 1;
}

static int set_number(int opt, struct lg_str s, struct scan_cmd *c)
{
    double d;

    if (lg_parse_double(s, &d) < 0)
        return bad("not a number");
    switch (opt) {
    case 'p':
        if (d < 0 || d > 1)
            return bad("--threshold takes 0..1");
        c->opt.jury.threshold = d;
        return 0;
    case 'o':
        if (d < -48 || d > 48)
            return bad("--header-offset takes -48..48 hours");
        c->opt.header_offset_ns = (int64_t)(d * 3600) * LG_NS_PER_SEC;
        return 0;
    case 'w':
        if (d < 1 || d > 64 || d != floor(d))
            return bad("--workers takes 1..64");
        c->opt.workers = (uint32_t)d;
        return 0;
    default:
        if (d < 0 || d > 100000 || d != floor(d))
            return bad("--limit takes 0..100000");
        c->limit = (uint32_t)d;
        return 0;
    }
}

/* 0, or an exit status + 1 to leave with. */
static int parse(struct scan_cmd *c, int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
            {"model", required_argument, NULL, 'm'}, {"threshold", required_argument, NULL, 'p'},
            {"tenant", required_argument, NULL, 't'}, {"endpoint", required_argument, NULL, 'e'},
            {"header-offset", required_argument, NULL, 'o'},
            {"no-idle-allowlist", no_argument, NULL, 'i'},
            {"workers", required_argument, NULL, 'w'}, {"limit", required_argument, NULL, 'l'},
            {"help", no_argument, NULL, 'h'}, {0}};
    int opt, rc = 0;

    while (rc == 0 && (opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (opt) {
        case 'j':
            c->json = true;
            break;
        case 'm':
            if (c->n_model_dirs == 2)
                return bad("--model once for each platform");
            c->model_dirs[c->n_model_dirs++] = optarg;
            break;
        case 't':
            c->opt.tenant_id = lg_str_z(optarg);
            break;
        case 'e':
            c->opt.endpoint = lg_str_z(optarg);
            break;
        case 'i':
            c->opt.jury.idle_allowlist = false;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return LG_EXIT_OK + 1;
        case 'p':
        case 'o':
        case 'w':
        case 'l':
            rc = set_number(opt, lg_str_z(optarg), c);
            break;
        default:
            (void)fputs("see logster scan --help\n", stderr);
            return LG_EXIT_FAILED + 1;
        }
    }
    if (rc == 0 && optind == argc)
        rc = bad("no FILE");
    c->opt.paths = (const char *const *)(argv + optind);
    c->opt.n_paths = c->files = (uint32_t)(argc - optind);
    return rc;
}

/* --- the command ----------------------------------------------------------------------------------- */

static int run(struct scan_cmd *c)
{
    const struct lg_scan_sink sink = {.user = c,
            .verdict = on_verdict,
            .model = on_model,
            .output = on_output,
            .progress = on_progress};
    struct lg_scan_stats stats;
    struct lg_err err = {0, ""};
    const struct sched_param param = {0};
    int rc;

    /* More threads than processors, all busy: one that wakes another need not make way for it, and
     * caches stay warm. Refused: only slower. */
    (void)sched_setscheduler(0, SCHED_BATCH, &param);
    rc = lg_scan_run(&c->opt, &sink, on_file_error, &stats, &err);

    if (c->tty)
        (void)fputs("\r\033[K", stderr);
    if (rc == 0 || stats.files_failed > 0) {
        if (!c->json)
            lg_table_print(c->tables, c->opt.workers, c->limit, stats.attacks, stdout);
        if (fflush(stdout) != 0 && rc == 0)
            rc = lg_err_set(&err, LG_EIO, "standard output: %s", strerror(errno));
        summary(&stats, c);
    }
    if (rc < 0 && stats.files_failed == 0)
        (void)fprintf(stderr, "logster scan: %s\n",
                c->model_err.text[0] != '\0' ? c->model_err.text : err.text);
    if (rc < 0)
        return LG_EXIT_FAILED;
    if (stats.no_model > 0) {
        (void)fprintf(stderr,
                "logster scan: %llu windows of a platform that no model was given for\n",
                (unsigned long long)stats.no_model);
        return LG_EXIT_FAILED;
    }
    return stats.attacks > 0 ? LG_EXIT_FOUND : LG_EXIT_OK;
}

int lg_cmd_scan(int argc, char **argv)
{
    struct scan_cmd c;
    struct lg_err err = {0, ""};
    int rc;

    memset(&c, 0, sizeof(c));
    lg_scan_options_default(&c.opt);
    c.limit = 1000;
    c.tty = isatty(STDERR_FILENO) == 1;
    rc = parse(&c, argc, argv);
    if (rc != 0)
        return rc - 1;
    for (uint32_t i = 0; i < c.opt.n_paths; i++)
        if (strcmp(c.opt.paths[i], "-") == 0) /* may be a live stream: verdicts must not wait */
            c.opt.window.patience_ns = c.opt.window.lateness_ns;
    c.opt.jury.evidence = c.json;
    if (c.opt.workers == 0) {
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);

        c.opt.workers = cpus <= 0 ? 1 : cpus < 64 ? (uint32_t)cpus : 64;
    }
    c.tables = lg_calloc(c.opt.workers, sizeof(*c.tables));
    if (c.tables == NULL)
        return LG_EXIT_FAILED;
    for (uint32_t i = 0; i < c.opt.workers; i++)
        lg_table_init(&c.tables[i], c.limit);
    if ((c.n_model_dirs > 0 ? lg_models_load(c.model_dirs, c.n_model_dirs, NULL, c.models, &err)
                            : lg_models_shipped(&err)) < 0) {
        (void)fprintf(stderr, "logster scan: %s\n", err.text);
        rc = LG_EXIT_FAILED;
    } else {
        c.opt.model[0] = c.models[0];
        c.opt.model[1] = c.models[1];
        rc = run(&c);
    }
    for (uint32_t i = 0; i < c.opt.workers; i++)
        lg_table_done(&c.tables[i]);
    lg_free(c.tables);
    lg_model_free(c.models[0]);
    lg_model_free(c.models[1]);
    return rc;
}
