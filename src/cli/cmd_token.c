#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "access/principal.h"
#include "cli/admin.h"
#include "cli/cli.h"
#include "config/config.h"
#include "services/api_auth.h"
#include "json/write.h"

static const char help[] =
        "usage: logster token create --name NAME [--tenant ID --role ROLE[,ROLE]]...\n"
        "                            [--operator] [--scope SCOPE[,SCOPE]] [--expires 365d]\n"
        "       logster token list [--json]\n"
        "       logster token revoke TOKEN_ID\n\n"
        "Tokens of the platform in a data folder. Its text is shown once, when it is made.\n\n"
        "  --data-dir DIR   folder of the platform (default: LOGSTER_DATA_DIR)\n"
        "  --tenant ID      tenant of the --role that follows; '*' is every tenant\n"
        "  --role LIST      viewer, analyst, admin, ingest\n"
        "  --operator       platform role: tenants, models, dead letters, metrics, audit\n"
        "  --scope LIST     metrics (GET /metrics), replay (may shift times on intake)\n"
        "  --expires TIME   life of the token: 90d, 12h; 0s is for ever (default: 365d)\n"
        "  --json\n\n"
        "Exit status: 0 done, 2 not done.\n";

static const struct option options[] = {{"data-dir", required_argument, NULL, 'd'},
        {"name", required_argument, NULL, 'n'}, {"tenant", required_argument, NULL, 't'},
        {"role", required_argument, NULL, 'r'}, {"operator", no_argument, NULL, 'o'},
        {"scope", required_argument, NULL, 's'}, {"expires", required_argument, NULL, 'e'},
        {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};

struct create {
    const char *name, *tenant;
    struct lg_principal *rights;
    int64_t life_ns;
    bool any;
};

static int create_option(struct lg_admin_cli *a, struct create *cr, int c)
{
    uint32_t mask = 0;

    switch (c) {
    case 'd':
        a->data_dir = optarg;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case 'n':
        cr->name = optarg;
        return 0;
    case 't':
        cr->tenant = optarg;
        return 0;
    case 'r':
        cr->any = true;
        if (cr->tenant == NULL)
            return lg_admin_fail(a, "--role wants a --tenant before it");
        if (lg_roles_parse(lg_str_z(optarg), &mask) < 0 || mask == 0 ||
                lg_principal_grant(cr->rights, lg_str_z(cr->tenant), mask) < 0)
            return lg_admin_fail(a,
                    "no role '%s' in tenant '%s': roles are viewer, analyst, admin, ingest; "
                    "tenants "
                    "are lower-case names",
                    optarg, cr->tenant);
        return 0;
    case 'o':
        cr->any = true;
        lg_principal_grant_platform(cr->rights, LG_ROLE_OPERATOR);
        return 0;
    case 's':
        cr->any = true;
        if (lg_access_scopes_parse(lg_str_z(optarg), &mask) < 0)
            return lg_admin_fail(a, "no scope '%s': scopes are metrics, replay", optarg);
        lg_principal_grant_scopes(cr->rights, mask);
        return 0;
    case 'e':
        if (lg_config_parse_duration(lg_str_z(optarg), &cr->life_ns) < 0 || cr->life_ns < 0)
            return lg_admin_fail(a, "'%s' is no duration: 90d, 12h, 0s", optarg);
        return 0;
    default:
        return lg_admin_fail(a, "see logster token --help");
    }
}

static int issue(struct lg_admin_cli *a, const struct create *cr)
{
    const struct lg_token_spec spec = {.name = lg_str_z(cr->name),
            .rights = cr->rights,
            .expires_at = cr->life_ns > 0 ? a->now + cr->life_ns : 0,
            .actor = lg_str_z(a->actor)};
    char text[LG_TOKEN_CHARS + 1], when[LG_TIME_ISO_MAX];
    struct lg_token token;
    int rc = lg_token_issue(a->store->admin, a->now, &spec, text, &token);

    if (rc < 0)
        return lg_admin_fail(a, "not made: %s", lg_err_name(rc));
    if (a->json)
        (void)printf("{\"token_id\":\"%s\",\"token\":\"%s\",\"expires_at\":\"%s\"}\n", token.id,
                text, lg_admin_time(spec.expires_at, when));
    else
        (void)printf("token %s, expires %s; its text is shown this once:\n%s\n", token.id,
                lg_admin_time(spec.expires_at, when), text);
    lg_token_wipe(text, sizeof(text));
    return LG_EXIT_OK;
}

static int create(struct lg_admin_cli *a, int argc, char **argv)
{
    struct create cr = {.life_ns = INT64_C(365) * 86400 * LG_NS_PER_SEC};
    int c, rc = 0;

    if (lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("new"), LG_STR("new"), &cr.rights) < 0)
        return lg_admin_fail(a, "out of memory");
    optind = 1;
    while (rc == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1)
        rc = create_option(a, &cr, c);
    if (rc == 0 && (cr.name == NULL || !cr.any || optind < argc))
        rc = lg_admin_fail(a, "wants --name and at least one of --role, --operator, --scope");
    if (rc == 0)
        rc = lg_admin_open(a) < 0 ? LG_EXIT_FAILED : issue(a, &cr);
    lg_principal_unref(cr.rights);
    return rc;
}

static void list_json(const struct lg_token_row *rows, uint32_t n, struct lg_buf *out)
{
    struct lg_jw w;

    lg_jw_init(&w, out);
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        lg_jw_object(&w);
        LG_JW_STR(&w, "token_id", rows[i].token_id);
        LG_JW_STR(&w, "name", rows[i].name);
        lg_jw_key(&w, LG_STR("grants"));
        lg_jw_raw(&w, rows[i].grants);
        lg_jw_key(&w, LG_STR("created_at"));
        lg_jw_time(&w, rows[i].created_at);
        lg_jw_key(&w, LG_STR("expires_at"));
        lg_jw_time(&w, rows[i].expires_at);
        lg_jw_key(&w, LG_STR("revoked_at"));
        lg_jw_time(&w, rows[i].revoked_at);
        lg_jw_key(&w, LG_STR("last_used_at"));
        lg_jw_time(&w, rows[i].last_used_at);
        lg_jw_object_end(&w);
    }
    lg_jw_array_end(&w);
    lg_buf_addc(out, '\n');
}

static void list_table(const struct lg_token_row *rows, uint32_t n, lg_time now)
{
    char used[LG_TIME_ISO_MAX], ends[LG_TIME_ISO_MAX];

    (void)printf("%-16s  %-8s  %-24s  %-24s  %-20s  %s\n", "ID", "STATE", "EXPIRES", "LAST USED",
            "NAME", "MAY");
    for (uint32_t i = 0; i < n; i++) {
        const struct lg_token_row *r = &rows[i];
        bool old = r->expires_at != 0 && r->expires_at <= now;

        (void)printf("%-16.*s  %-8s  %-24s  %-24s  %-20.*s  %.*s\n", LG_STR_FMT(r->token_id),
                r->revoked_at != 0 ? "revoked"
                        : old      ? "expired"
                                   : "live",
                lg_admin_time(r->expires_at, ends), lg_admin_time(r->last_used_at, used),
                LG_STR_FMT(r->name), LG_STR_FMT(r->grants));
    }
}

/* --data-dir and --json alone; returns the index of the first operand, or negative. */
static int common(struct lg_admin_cli *a, int argc, char **argv)
{
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (c == 'd')
            a->data_dir = optarg;
        else if (c == 'j')
            a->json = true;
        else
            return -lg_admin_fail(a, "see logster token --help");
    return optind;
}

static int list(struct lg_admin_cli *a, int argc, char **argv)
{
    struct lg_token_row *rows = NULL;
    uint32_t n = 0;
    struct lg_buf out;
    int rc = common(a, argc, argv);

    if (rc < 0 || lg_admin_open(a) < 0)
        return LG_EXIT_FAILED;
    rc = a->store->admin->ops->token_all(a->store->admin, &a->arena, &rows, &n);
    if (rc < 0)
        return lg_admin_fail(a, "cannot read the tokens: %s", lg_err_name(rc));
    if (!a->json) {
        list_table(rows, n, a->now);
        return LG_EXIT_OK;
    }
    lg_buf_init(&out, (size_t)64 << 20);
    list_json(rows, n, &out);
    rc = out.failed == 0 && fwrite(out.p, 1, out.n, stdout) == out.n ? LG_EXIT_OK : LG_EXIT_FAILED;
    lg_buf_done(&out);
    return rc;
}

static int revoke(struct lg_admin_cli *a, int argc, char **argv)
{
    int at = common(a, argc, argv), rc;
    struct lg_str id;

    if (at < 0)
        return LG_EXIT_FAILED;
    if (at + 1 != argc)
        return lg_admin_fail(a, "wants one token id (see 'logster token list')");
    if (lg_admin_open(a) < 0)
        return LG_EXIT_FAILED;
    id = lg_str_z(argv[at]);
    rc = a->store->admin->ops->token_revoke(a->store->admin, id, a->now);
    if (rc == LG_ENOENT)
        return lg_admin_fail(a, "no token '%s'", argv[at]);
    if (rc == 0)
        rc = lg_admin_audit(a, "token.revoke", LG_STR(""), id);
    if (rc < 0)
        return lg_admin_fail(a, "not revoked: %s", lg_err_name(rc));
    (void)printf("token %s is revoked\n", argv[at]);
    return LG_EXIT_OK;
}

int lg_cmd_token(int argc, char **argv)
{
    static const struct lg_subcommand subs[] = {
            {"create", create}, {"list", list}, {"revoke", revoke}};

    return lg_subcommand_run("token", help, subs, sizeof(subs) / sizeof(*subs), argc, argv);
}
