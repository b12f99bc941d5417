#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "cli/cli.h"
#include "scan/reader.h"

static const char help[] =
        "usage: logster graph FILE [--endpoint E] [--window T] [--dot] [OPTION...]\n\n"
        "Prints one window's graph as JSON, or as a Graphviz digraph. Without --window it lists "
        "the\n"
        "windows of the endpoint (or of all): endpoint, end, events, nodes, edges.\n\n"
        "  --endpoint E           endpoint id (needed when the file holds several)\n"
        "  --window T             end of the window, ISO time or epoch seconds; any time inside "
        "one\n"
        "                         interval takes the window that ends with it\n"
        "  --dot                  Graphviz instead of JSON\n"
        "  --header-offset HOURS  added to header times whose zone is known to be false\n"
        "  --help\n\n"
        "Exit status: 0 done, 2 could not run, or there is no such window.\n";

struct graph_cmd {
    struct lg_str endpoint;
    lg_time window_ns;
    bool one; /* a window was asked for */
    bool dot;
    bool found;
    bool several; /* a second endpoint matched */
    char seen[256];
    const char *path;
    struct lg_reader_options opt;
};

static int print(const struct graph_cmd *c, const struct lg_graph *g)
{
    struct lg_buf out;
    int rc;

    lg_buf_init(&out, (size_t)256 << 20);
    if (c->dot)
        lg_graph_write_dot(g, &out);
    else
        lg_graph_write_json(g, &out);
    lg_buf_addc(&out, '\n');
    rc = out.failed;
    if (rc == 0 && fwrite(out.p, 1, out.n, stdout) != out.n)
        rc = LG_EIO;
    lg_buf_done(&out);
    return rc;
}

static int on_window(void *user, const struct lg_graph *g)
{
    struct graph_cmd *c = user;
    char end[LG_TIME_ISO_MAX];

    if (c->endpoint.n > 0 && !lg_str_ieq(c->endpoint, g->endpoint_id))
        return 0;
    if (!c->one) {
        (void)lg_time_iso(g->end_ns, end);
        c->found = true;
        (void)printf("%.*s  %s  %llu events  %u nodes  %u edges\n", LG_STR_FMT(g->endpoint_id), end,
                (unsigned long long)g->events, g->n_nodes, g->n_edges);
        return 0;
    }
    if (c->window_ns > g->end_ns || c->window_ns <= g->end_ns - c->opt.window.interval_ns)
        return 0;
    if (c->found) {
        c->several = true;
        return 0;
    }
    c->found = true;
    (void)snprintf(c->seen, sizeof(c->seen), "%.*s", LG_STR_FMT(g->endpoint_id));
    return print(c, g);
}

static int parse_time(struct lg_str s, lg_time *ret)
{
    return lg_parse_time_epoch(s, ret) == 0 ? 0 : lg_parse_time_iso(s, ret);
}

/* 0, or an exit status + 1 to leave with. */
static int parse(struct graph_cmd *c, int argc, char **argv)
{
    static const struct option options[] = {{"endpoint", required_argument, NULL, 'e'},
            {"window", required_argument, NULL, 'w'}, {"dot", no_argument, NULL, 'd'},
            {"header-offset", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {0}};
    double hours;
    int opt;

    while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (opt) {
        case 'e':
            c->endpoint = lg_str_z(optarg);
            break;
        case 'w':
            c->one = true;
            if (parse_time(lg_str_z(optarg), &c->window_ns) < 0) {
                (void)fprintf(stderr, "logster graph: '%s' is no time\n", optarg);
                return LG_EXIT_FAILED + 1;
            }
            break;
        case 'd':
            c->dot = true;
            break;
        case 'o':
            if (lg_parse_double(lg_str_z(optarg), &hours) < 0 || hours < -48 || hours > 48) {
                (void)fputs("logster graph: --header-offset takes -48..48 hours\n", stderr);
                return LG_EXIT_FAILED + 1;
            }
            c->opt.header_offset_ns = (int64_t)(hours * 3600) * LG_NS_PER_SEC;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return LG_EXIT_OK + 1;
        default:
            (void)fputs("see logster graph --help\n", stderr);
            return LG_EXIT_FAILED + 1;
        }
    }
    if (optind + 1 != argc) {
        (void)fputs("logster graph: one FILE; see logster graph --help\n", stderr);
        return LG_EXIT_FAILED + 1;
    }
    c->path = argv[optind];
    return 0;
}

int lg_cmd_graph(int argc, char **argv)
{
    struct graph_cmd c;
    struct lg_reader_stats stats;
    struct lg_err err = {0, ""};
    int rc;

    memset(&c, 0, sizeof(c));
    lg_reader_options_default(&c.opt);
    rc = parse(&c, argc, argv);
    if (rc != 0)
        return rc - 1;
    rc = lg_reader_run(c.path, &c.opt, on_window, &c, &stats, &err);
    if (rc < 0) {
        (void)fprintf(stderr, "logster graph: %s: %s\n", c.path, err.text);
        return LG_EXIT_FAILED;
    }
    if (c.several)
        (void)fprintf(stderr,
                "logster graph: several endpoints have that window; this is '%s', "
                "name another with --endpoint\n",
                c.seen);
    if (!c.found) {
        (void)fputs("logster graph: no such window; without --window they are listed\n", stderr);
        return LG_EXIT_FAILED;
    }
    return LG_EXIT_OK;
}
