#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "access/scope.h"
#include "cli/admin.h"
#include "cli/cli.h"
#include "crypto/encode.h"
#include "json/write.h"

#define DEFAULT_LIMIT 50

static const char help[] =
        "usage: logster audit verify [--json]\n"
        "       logster audit list [--limit N] [--json]\n\n"
        "The audit log of the platform in a data folder. Each row's hash covers the row before:\n"
        "'verify' recomputes all of them and names the first that does not fit. Compare the head\n"
        "with the ones that were exported before (audit.export), which a rewritten tail cannot\n"
        "match.\n\n"
        "  --data-dir DIR   folder of the platform (default: LOGSTER_DATA_DIR)\n"
        "  --limit N        newest rows to show, at most 1000 (default: 50)\n"
        "  --json\n\n"
        "Exit status: 0 all rows fit, 1 one does not, 2 could not tell.\n";

static int parse(struct lg_admin_cli *a, int argc, char **argv, uint32_t *ret_limit)
{
    static const struct option options[] = {{"data-dir", required_argument, NULL, 'd'},
            {"limit", required_argument, NULL, 'l'}, {"json", no_argument, NULL, 'j'},
            {NULL, 0, NULL, 0}};
    uint64_t n;
    int c;

    *ret_limit = DEFAULT_LIMIT;
    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (c == 'd') {
            a->data_dir = optarg;
        } else if (c == 'j') {
            a->json = true;
        } else if (c == 'l' && lg_parse_u64(lg_str_z(optarg), &n) == 0 && n >= 1 && n <= 1000) {
            *ret_limit = (uint32_t)n;
        } else {
            (void)lg_admin_fail(a, "see logster audit --help");
            return LG_EINVAL;
        }
    if (optind < argc) {
        (void)lg_admin_fail(a, "'%s' is too much", argv[optind]);
        return LG_EINVAL;
    }
    return lg_admin_open(a);
}

static int verify(struct lg_admin_cli *a, int argc, char **argv)
{
    struct lg_audit_check check;
    char hex[65];
    uint32_t limit;
    int rc = parse(a, argc, argv, &limit);

    if (rc < 0)
        return LG_EXIT_FAILED;
    rc = a->store->admin->ops->audit_verify(a->store->admin, &check);
    if (rc < 0)
        return lg_admin_fail(a, "could not be read: %s", lg_err_name(rc));
    lg_hex_encode(check.head, sizeof(check.head), hex);
    if (a->json)
        (void)printf("{\"rows\":%llu,\"first_bad\":%llu,\"head_seq\":%llu,\"head\":\"%s\"}\n",
                (unsigned long long)check.rows, (unsigned long long)check.first_bad,
                (unsigned long long)check.head_seq, hex);
    else if (check.first_bad != 0)
        (void)printf("row %llu of %llu was altered, or a row before it was taken out\n",
                (unsigned long long)check.first_bad, (unsigned long long)check.rows);
    else
        (void)printf("%llu rows fit; head: seq %llu, %s\n", (unsigned long long)check.rows,
                (unsigned long long)check.head_seq, hex);
    return check.first_bad != 0 ? LG_EXIT_FOUND : LG_EXIT_OK;
}

static void row_json(const struct lg_audit_row *row, struct lg_buf *out)
{
    struct lg_jw w;

    lg_jw_init(&w, out);
    lg_jw_object(&w);
    LG_JW_U64(&w, "seq", row->seq);
    lg_jw_key(&w, LG_STR("at"));
    lg_jw_time(&w, row->at);
    LG_JW_STR(&w, "tenant_id", row->tenant_id);
    LG_JW_STR(&w, "actor", row->actor);
    LG_JW_STR(&w, "action", row->action);
    LG_JW_STR(&w, "target", row->target);
    lg_jw_key(&w, LG_STR("detail"));
    lg_jw_raw(&w, row->detail.n > 0 ? row->detail : LG_STR("{}"));
    lg_jw_object_end(&w);
    lg_buf_addc(out, '\n');
}

static void row_text(const struct lg_audit_row *row, struct lg_buf *out)
{
    char when[LG_TIME_ISO_MAX];

    lg_buf_printf(out, "%6llu  %s  %-20.*s  %-24.*s  ", (unsigned long long)row->seq,
            lg_admin_time(row->at, when), LG_STR_FMT(row->action), LG_STR_FMT(row->actor));
    lg_json_escape(out, row->target);
    lg_buf_addc(out, '\n');
}

static int read_rows(struct lg_admin_cli *a, uint32_t limit, struct lg_audit_row **ret, uint32_t *n)
{
    const struct lg_audit_query q = {.limit = limit};
    struct lg_principal *pr;
    struct lg_scope *sc = NULL;
    int rc = lg_principal_new(
            LG_PRINCIPAL_SYSTEM, LG_STR("command-line"), LG_STR("command line"), &pr);

    if (rc < 0)
        return rc;
    rc = lg_scope_new(pr, LG_ACT_AUDIT_READ, &sc);
    if (rc == 0)
        rc = a->store->admin->ops->audit_list(a->store->admin, sc, &q, &a->arena, ret, n);
    lg_scope_free(sc);
    lg_principal_unref(pr);
    return rc;
}

static int list(struct lg_admin_cli *a, int argc, char **argv)
{
    struct lg_audit_row *rows = NULL;
    struct lg_buf out;
    uint32_t limit, n = 0;
    int rc = parse(a, argc, argv, &limit);

    if (rc < 0)
        return LG_EXIT_FAILED;
    rc = read_rows(a, limit, &rows, &n);
    if (rc < 0)
        return lg_admin_fail(a, "could not be read: %s", lg_err_name(rc));
    lg_buf_init(&out, (size_t)64 << 20);
    for (uint32_t i = 0; i < n; i++)
        (a->json ? row_json : row_text)(&rows[i], &out);
    rc = out.failed == 0 && fwrite(out.p, 1, out.n, stdout) == out.n ? LG_EXIT_OK : LG_EXIT_FAILED;
    lg_buf_done(&out);
    return rc;
}

int lg_cmd_audit(int argc, char **argv)
{
    static const struct lg_subcommand subs[] = {{"verify", verify}, {"list", list}};

    return lg_subcommand_run("audit", help, subs, sizeof(subs) / sizeof(*subs), argc, argv);
}
