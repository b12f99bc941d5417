#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "cli/cli.h"
#include "cli/remote.h"
#include "json/json.h"
#include "json/write.h"

#define ANSWER_BYTES ((size_t)64 << 20)

static const char help[] =
        "usage: logster dead-letter list [OPTION...]\n"
        "       logster dead-letter show ID\n"
        "       logster dead-letter replay (ID... | --reason NAME | --source NAME | --all)\n"
        "       logster dead-letter drop   (ID... | --reason NAME | --source NAME | --all)\n\n"
        "Records that a running platform could not use. 'replay' sends the original bytes through\n"
        "again, after what was wrong was mended; 'drop' gives them up.\n\n"
        "  --url URL          platform (default: http://127.0.0.1:8080)\n"
        "  --token-file FILE  token of an operator (default: LOGSTER_TOKEN, else admin-token of\n"
        "                     --data-dir)\n"
        "  --data-dir DIR     folder of a platform on this machine, for its token\n"
        "  --reason NAME      only these: bad_json, unsupported_type, missing_identity, ...\n"
        "  --source NAME      only of this source or topic\n"
        "  --from, --to TIME  given up in this time (RFC 3339, epoch seconds, now-2h)\n"
        "  --state STATE      list: open, replayed, dropped, any (default: open)\n"
        "  --limit N          list: at most so many (default: 100)\n"
        "  --all              every open one\n"
        "  --json             the platform's answers as they are\n\n"
        "Exit status: 0 done, 2 not done.\n";

struct args {
    struct lg_remote to;
    const char *reason, *source, *from, *to_time, *state;
    uint64_t limit;
    bool all, json;
    struct lg_err err;
};

static int parse(int argc, char **argv, struct args *a)
{
    static const struct option options[] = {{"url", required_argument, NULL, 'u'},
            {"token-file", required_argument, NULL, 't'},
            {"data-dir", required_argument, NULL, 'd'}, {"reason", required_argument, NULL, 'r'},
            {"source", required_argument, NULL, 's'}, {"from", required_argument, NULL, 'f'},
            {"to", required_argument, NULL, 'o'}, {"state", required_argument, NULL, 'S'},
            {"limit", required_argument, NULL, 'l'}, {"all", no_argument, NULL, 'a'},
            {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int c;

    a->to.url = "http://127.0.0.1:8080";
    a->limit = 100;
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        const char **text = c == 'u' ? &a->to.url
                : c == 't'           ? &a->to.token_file
                : c == 'd'           ? &a->to.data_dir
                : c == 'r'           ? &a->reason
                : c == 's'           ? &a->source
                : c == 'f'           ? &a->from
                : c == 'o'           ? &a->to_time
                : c == 'S'           ? &a->state
                                     : NULL;

        if (text != NULL) {
            *text = optarg;
        } else if (c == 'a') {
            a->all = true;
        } else if (c == 'j') {
            a->json = true;
        } else if (c == 'h') {
            (void)fputs(help, stdout);
            return 1;
        } else if (c != 'l' || lg_parse_u64(lg_str_z(optarg), &a->limit) < 0 || a->limit < 1 ||
                a->limit > 1000) {
            (void)fputs("logster dead-letter: see --help\n", stderr);
            return LG_EINVAL;
        }
    }
    return 0;
}

/* Adds ?name=value, with everything but letters, digits and -_.~ escaped. */
static void add_query(struct lg_buf *path, const char *name, const char *value)
{
    if (value == NULL)
        return;
    lg_buf_printf(path, "%c%s=", memchr(path->p, '?', path->n) != NULL ? '&' : '?', name);
    for (const char *p = value; *p != '\0'; p++) {
        unsigned char ch = (unsigned char)*p;

        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
                strchr("-_.~", ch) != NULL)
            lg_buf_addc(path, (char)ch);
        else
            lg_buf_printf(path, "%%%02X", ch);
    }
}

/* Asks, and prints the answer where it is wanted as it is. 0 for success. */
static int ask(struct args *a, const char *method, struct lg_buf *path, struct lg_str body)
{
    int rc;

    lg_buf_addc(path, '\0');
    if (path->failed < 0)
        return lg_err_set(&a->err, path->failed, "the address is too long");
    rc = lg_remote_ask(
            &a->to, method, path->p, body.n > 0 ? "application/json" : NULL, body, NULL, &a->err);
    if (rc == 0 && (a->to.resp.status < 200 || a->to.resp.status >= 300))
        rc = lg_remote_refused(&a->to, &a->err);
    if (rc == 0 && a->json)
        (void)printf("%.*s\n", (int)a->to.resp.body.n, a->to.resp.body.p);
    return rc;
}

static struct lg_str member(struct lg_jval o, const char *name)
{
    struct lg_jval v;

    if (!lg_jval_get(o, lg_str_z(name), &v) || lg_jval_type(v) != LG_JSON_STRING)
        return LG_STR("-");
    return lg_jval_str(v);
}

/* Text from outside, made safe for a terminal. */
static void print_safe(struct lg_str s, size_t max)
{
    struct lg_buf b;

    lg_buf_init(&b, 1u << 22);
    lg_json_escape(&b, lg_str_sub(s, 0, max));
    (void)printf("%.*s", (int)b.n, b.p != NULL ? b.p : "");
    lg_buf_done(&b);
}

static int print_list(struct args *a)
{
    struct lg_json *j = NULL;
    struct lg_jval root, rows, row, v;
    struct lg_jiter it;
    int rc = lg_json_new(&j);

    if (rc == 0)
        rc = lg_json_parse(j, lg_buf_str(&a->to.resp.body), false, &root, NULL);
    if (rc == 0 &&
            (lg_jval_type(root) != LG_JSON_OBJECT ||
                    !lg_jval_get(root, LG_STR("dead_letters"), &rows) ||
                    lg_jval_type(rows) != LG_JSON_ARRAY))
        rc = LG_EPARSE;
    if (rc == 0) {
        (void)printf("%-24s  %-20s  %-28s  %s\n", "ID", "REASON", "SOURCE", "DETAIL");
        it = lg_jiter_of(rows);
        while (lg_jiter_item(&it, &row)) {
            if (lg_jval_type(row) != LG_JSON_OBJECT)
                continue;
            (void)printf("%-24.*s  %-20.*s  ", LG_STR_FMT(member(row, "id")),
                    LG_STR_FMT(member(row, "reason")));
            (void)printf("%-28.*s  ", LG_STR_FMT(member(row, "source")));
            print_safe(member(row, "detail"), 100);
            (void)putchar('\n');
        }
        if (lg_jval_get(root, LG_STR("next_cursor"), &v) && lg_jval_type(v) == LG_JSON_STRING)
            (void)puts("there are more: raise --limit, or narrow the list");
    }
    lg_json_free(j);
    return rc < 0 ? lg_err_set(&a->err, rc, "the platform's answer is not understood") : 0;
}

static int list(struct args *a, int n, char **ids)
{
    struct lg_buf path;
    char limit[24];
    int rc;

    (void)ids;
    if (n > 0)
        return lg_err_set(&a->err, LG_EINVAL, "list takes options only");
    lg_buf_init(&path, 2048);
    lg_buf_adds(&path, LG_STR("/dead-letters"));
    (void)snprintf(limit, sizeof(limit), "%llu", (unsigned long long)a->limit);
    add_query(&path, "limit", limit);
    add_query(&path, "reason", a->reason);
    add_query(&path, "source", a->source);
    add_query(&path, "from", a->from);
    add_query(&path, "to", a->to_time);
    add_query(&path, "state", a->state);
    rc = ask(a, "GET", &path, lg_str_of(NULL, 0));
    if (rc == 0 && !a->json)
        rc = print_list(a);
    lg_buf_done(&path);
    return rc;
}

static int show(struct args *a, int n, char **ids)
{
    struct lg_buf path;
    int rc = 0;

    if (n != 1)
        return lg_err_set(&a->err, LG_EINVAL, "show wants one id");
    lg_buf_init(&path, 2048);
    lg_buf_printf(&path, "/dead-letters/%.64s", ids[0]);
    a->json = true;
    rc = ask(a, "GET", &path, lg_str_of(NULL, 0));
    lg_buf_done(&path);
    return rc;
}

static void selection(const struct args *a, int n, char **ids, struct lg_buf *out)
{
    struct lg_jw w;

    lg_jw_init(&w, out);
    lg_jw_object(&w);
    if (n > 0) {
        lg_jw_key(&w, LG_STR("ids"));
        lg_jw_array(&w);
        for (int i = 0; i < n; i++)
            lg_jw_str(&w, lg_str_z(ids[i]));
        lg_jw_array_end(&w);
    }
    if (a->reason != NULL)
        LG_JW_STR(&w, "reason", lg_str_z(a->reason));
    if (a->source != NULL)
        LG_JW_STR(&w, "source", lg_str_z(a->source));
    if (a->from != NULL)
        LG_JW_STR(&w, "from", lg_str_z(a->from));
    if (a->to_time != NULL)
        LG_JW_STR(&w, "to", lg_str_z(a->to_time));
    if (a->all)
        LG_JW_BOOL(&w, "all", true);
    lg_jw_object_end(&w);
}

/* A thousand at a time until none of the selection is left. */
static int act(struct args *a, const char *what, const char *done, int n, char **ids)
{
    struct lg_buf path, body;
    uint64_t count = 0;
    bool more = true;
    int rc = 0;

    if (n == 0 && a->reason == NULL && a->source == NULL && !a->all)
        return lg_err_set(&a->err, LG_EINVAL, "%s wants ids, --reason, --source or --all", what);
    lg_buf_init(&body, 1u << 20);
    selection(a, n, ids, &body);
    lg_buf_init(&path, 2048);
    while (rc == 0 && more) {
        struct lg_json *j = NULL;
        struct lg_jval root, v;

        lg_buf_clear(&path);
        lg_buf_printf(&path, "/dead-letters/%s", what);
        rc = body.failed < 0 ? lg_err_set(&a->err, body.failed, "too many ids")
                             : ask(a, "POST", &path, lg_buf_str(&body));
        more = false;
        if (rc == 0 && lg_json_new(&j) == 0 &&
                lg_json_parse(j, lg_buf_str(&a->to.resp.body), false, &root, NULL) == 0 &&
                lg_jval_type(root) == LG_JSON_OBJECT) {
            if (lg_jval_get(root, LG_STR("count"), &v) && lg_jval_type(v) == LG_JSON_I64)
                count += (uint64_t)lg_jval_i64(v);
            more = lg_jval_get(root, LG_STR("remaining"), &v) && lg_jval_type(v) == LG_JSON_BOOL &&
                    lg_jval_bool(v);
        }
        lg_json_free(j);
    }
    if (rc == 0 && !a->json)
        (void)printf("%llu dead letters %s\n", (unsigned long long)count, done);
    lg_buf_done(&path);
    lg_buf_done(&body);
    return rc;
}

static int replay(struct args *a, int n, char **ids)
{
    return act(a, "replay", "sent through again", n, ids);
}

static int drop(struct args *a, int n, char **ids)
{
    return act(a, "drop", "dropped", n, ids);
}

int lg_cmd_dead_letter(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct args *a, int n, char **ids);
    } subs[] = {{"list", list}, {"show", show}, {"replay", replay}, {"drop", drop}};
    struct args a = {0};
    int rc;

    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(help, stdout);
        return LG_EXIT_OK;
    }
    for (size_t i = 0; argc >= 2 && i < sizeof(subs) / sizeof(*subs); i++) {
        if (strcmp(argv[1], subs[i].name) != 0)
            continue;
        rc = parse(argc - 1, argv + 1, &a);
        if (rc != 0)
            return rc > 0 ? LG_EXIT_OK : LG_EXIT_FAILED;
        rc = lg_remote_open(&a.to, ANSWER_BYTES, &a.err);
        if (rc == 0)
            rc = subs[i].run(&a, argc - 1 - optind, argv + 1 + optind);
        lg_remote_close(&a.to);
        if (rc < 0)
            (void)fprintf(stderr, "logster dead-letter %s: %s\n", argv[1],
                    a.err.text[0] != '\0' ? a.err.text : lg_err_name(rc));
        return rc < 0 ? LG_EXIT_FAILED : LG_EXIT_OK;
    }
    (void)fputs(help, stderr);
    return LG_EXIT_FAILED;
}
