#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/cli.h"
#include "train/train.h"

static const char train_help[] =
        "usage: logster train --data DIR --split FILE --out DIR [OPTION...]\n\n"
        "Reads labelled captures (DIR/MANIFEST.tsv, DIR/windows_host_roles.tsv), cross-validates "
        "the\n"
        "jury over the folds of the split, fits it on all of them and writes the model and its\n"
        "report. The split is a table of file, group, fold: no group may stand in two folds; fold\n"
        "'extra' is never trained on.\n\n"
        "  --platform P       windows or linux (default: windows)\n"
        "  --name N           name of the model (default: the platform)\n"
        "  --version V        version of the model (default: 0)\n"
        "  --seeds N          networks of the jury (default: 5)\n"
        "  --first-seed N     first of their seeds (default: 1)\n"
        "  --epochs N         passes over the windows (default: 7)\n"
        "  --weights G,T,B    of networks, token regression, trees in the jury (default: 1,2,1)\n"
        "  --min-events N     smaller windows are left out (default: 5)\n"
        "  --threads N        (default: one a processor)\n"
        "  --experimental     say on every verdict that little data stands behind it\n"
        "  --any-licence      allow captures that must not go into a shipped model\n"
        "  --no-model         cross-validate and report only\n"
        "  --help\n\n"
        "Exit status: 0 done, 2 could not run.\n";

static int bad(const char *what)
{
    (void)fprintf(stderr, "logster train: %s; see --help\n", what);
    return LG_EXIT_FAILED + 1;
}

static int count(const char *text, uint32_t max, uint32_t *ret)
{
    uint64_t v;

    if (lg_parse_u64(lg_str_z(text), &v) < 0 || v < 1 || v > max)
        return bad("a number is out of its range");
    *ret = (uint32_t)v;
    return 0;
}

static int weights(const char *text, double w[LG_MEMBER_COUNT])
{
    struct lg_str rest = lg_str_z(text), part;
    double sum = 0;

    for (int i = 0; i < LG_MEMBER_COUNT; i++) {
        if (!lg_str_split(&rest, ',', &part) || lg_parse_double(part, &w[i]) < 0 || w[i] < 0)
            return bad("--weights takes three numbers from 0");
        sum += w[i];
    }
    if (!(sum > 0))
        return bad("--weights takes three numbers, not all 0");
    for (int i = 0; i < LG_MEMBER_COUNT; i++)
        w[i] /= sum;
    return 0;
}

static uint32_t processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n > 0 && n <= 64 ? (uint32_t)n : 1;
}

static int train_option(struct lg_train_options *o, int opt)
{
    uint32_t seed;

    switch (opt) {
    case 'd':
        o->data.data_dir = optarg;
        return 0;
    case 's':
        o->data.split_file = optarg;
        return 0;
    case 'o':
        o->out_dir = optarg;
        return 0;
    case 'p':
        return lg_platform_parse(lg_str_z(optarg), &o->data.platform) == 0 ? 0 : bad("--platform");
    case 'n':
        o->name = optarg;
        return 0;
    case 'v':
        o->version = optarg;
        return 0;
    case 'k':
        return count(optarg, LG_MODEL_MAX_GATS, &o->cv.seeds);
    case 'f':
        if (count(optarg, UINT32_MAX, &seed) != 0)
            return LG_EXIT_FAILED + 1;
        o->cv.first_seed = seed;
        return 0;
    case 'e':
        return count(optarg, 1000, &o->cv.epochs);
    case 'w':
        return weights(optarg, o->weight);
    case 'm':
        return count(optarg, 1000000, &o->data.min_events);
    case 't':
        if (count(optarg, 64, &o->cv.threads) != 0)
            return LG_EXIT_FAILED + 1;
        o->data.threads = o->cv.threads;
        return 0;
    case 'x':
        o->experimental = true;
        return 0;
    case 'l':
        o->data.allow_any_licence = true;
        return 0;
    case 'r':
        o->cv.final = false;
        return 0;
    case 'h':
        (void)fputs(train_help, stdout);
        return LG_EXIT_OK + 1;
    default:
        return bad("what is not understood stands above");
    }
}

int lg_cmd_train(int argc, char **argv)
{
    static const struct option options[] = {{"data", required_argument, NULL, 'd'},
            {"split", required_argument, NULL, 's'}, {"out", required_argument, NULL, 'o'},
            {"platform", required_argument, NULL, 'p'}, {"name", required_argument, NULL, 'n'},
            {"version", required_argument, NULL, 'v'}, {"seeds", required_argument, NULL, 'k'},
            {"first-seed", required_argument, NULL, 'f'}, {"epochs", required_argument, NULL, 'e'},
            {"weights", required_argument, NULL, 'w'}, {"min-events", required_argument, NULL, 'm'},
            {"threads", required_argument, NULL, 't'}, {"experimental", no_argument, NULL, 'x'},
            {"any-licence", no_argument, NULL, 'l'}, {"no-model", no_argument, NULL, 'r'},
            {"help", no_argument, NULL, 'h'}, {0}};
    struct lg_train_options o;
    struct lg_err err = {0, ""};
    int opt, rc = 0;

    lg_train_options_default(&o);
    o.cv.threads = o.data.threads = processors();
    o.cv.progress = o.data.progress = isatty(STDERR_FILENO) == 1;
    while (rc == 0 && (opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
        rc = train_option(&o, opt);
    if (rc == 0 &&
            (o.data.data_dir == NULL || o.data.split_file == NULL || o.out_dir == NULL ||
                    optind != argc))
        rc = bad("--data, --split and --out are needed, and nothing else");
    if (rc != 0)
        return rc - 1;
    if (o.name == NULL)
        o.name = lg_platform_name(o.data.platform);
    if (lg_train_run(&o, &err) < 0) {
        (void)fprintf(stderr, "logster train: %s\n", err.text);
        return LG_EXIT_FAILED;
    }
    return LG_EXIT_OK;
}

/* --- eval ------------------------------------------------------------------------------------- */

static const char eval_help[] =
        "usage: logster eval --model DIR --data DIR --split FILE [--threads N] [--min-events N]\n\n"
        "Scores labelled captures with a model and prints the tables of docs/detection.md. The "
        "split\n"
        "names the files; its folds do not matter here. Figures over captures that the model was\n"
        "trained on say nothing about others: `logster model show` lists them.\n\n"
        "Exit status: 0 done, 2 could not run.\n";

int lg_cmd_eval(int argc, char **argv)
{
    static const struct option options[] = {{"model", required_argument, NULL, 'M'},
            {"data", required_argument, NULL, 'd'}, {"split", required_argument, NULL, 's'},
            {"threads", required_argument, NULL, 't'}, {"min-events", required_argument, NULL, 'm'},
            {"help", no_argument, NULL, 'h'}, {0}};
    struct lg_train_options o;
    struct lg_buf out;
    struct lg_err err = {0, ""};
    const char *model = NULL;
    int opt, rc = 0;

    lg_train_options_default(&o);
    o.cv.threads = o.data.threads = processors();
    o.data.allow_any_licence = true; /* nothing is trained */
    o.data.progress = isatty(STDERR_FILENO) == 1;
    while (rc == 0 && (opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (opt == 'h') {
            (void)fputs(eval_help, stdout);
            return LG_EXIT_OK;
        }
        if (opt == 'M')
            model = optarg;
        else
            rc = train_option(&o, opt);
    }
    if (rc == 0 && (model == NULL || o.data.data_dir == NULL || o.data.split_file == NULL))
        rc = bad("--model, --data and --split are needed");
    if (rc != 0)
        return rc - 1;
    lg_buf_init(&out, (size_t)16 << 20);
    rc = lg_eval_run(&o.data, model, &out, &err);
    if (rc == 0 && (out.failed < 0 || fwrite(out.p, 1, out.n, stdout) != out.n))
        rc = lg_err_set(&err, LG_EIO, "cannot write the tables");
    lg_buf_done(&out);
    if (rc < 0) {
        (void)fprintf(stderr, "logster eval: %s\n", err.text);
        return LG_EXIT_FAILED;
    }
    return LG_EXIT_OK;
}
