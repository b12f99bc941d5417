#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "access/roles.h"
#include "cli/admin.h"
#include "cli/cli.h"
#include "json/write.h"

static const char help[] =
        "usage: logster tenant create ID [--name NAME]\n"
        "       logster tenant list [--json]\n"
        "       logster tenant disable ID\n\n"
        "Tenants of the platform in a data folder. A disabled tenant keeps its data; its tokens\n"
        "count for nothing in it.\n\n"
        "  --data-dir DIR   folder of the platform (default: LOGSTER_DATA_DIR)\n"
        "  --name NAME      for people (default: the id)\n"
        "  --json\n\n"
        "Exit status: 0 done, 2 not done.\n";

/* Options; *ret_operand is the one operand, NULL where there is none. */
static int parse(struct lg_admin_cli *a, int argc, char **argv, const char **ret_name,
        const char **ret_operand)
{
    static const struct option options[] = {{"data-dir", required_argument, NULL, 'd'},
            {"name", required_argument, NULL, 'n'}, {"json", no_argument, NULL, 'j'},
            {NULL, 0, NULL, 0}};
    int c;

    *ret_name = NULL;
    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (c) {
        case 'd':
            a->data_dir = optarg;
            break;
        case 'n':
            *ret_name = optarg;
            break;
        case 'j':
            a->json = true;
            break;
        default:
            (void)lg_admin_fail(a, "see logster tenant --help");
            return LG_EINVAL;
        }
    *ret_operand = optind < argc ? argv[optind] : NULL;
    if (optind + 1 < argc) {
        (void)lg_admin_fail(a, "'%s' is too much", argv[optind + 1]);
        return LG_EINVAL;
    }
    return lg_admin_open(a);
}

static int create(struct lg_admin_cli *a, int argc, char **argv)
{
    const char *name, *id;
    struct lg_tenant_row row;
    int rc;

    if (parse(a, argc, argv, &name, &id) < 0)
        return LG_EXIT_FAILED;
    if (id == NULL || !lg_tenant_valid(lg_str_z(id)))
        return lg_admin_fail(a, "wants an id of a-z, 0-9, '-' and '_', at most 64 long");
    row = (struct lg_tenant_row){.tenant_id = lg_str_z(id),
            .name = lg_str_z(name != NULL ? name : id),
            .created_at = a->now};
    rc = a->store->admin->ops->tenant_create(a->store->admin, &row);
    if (rc == LG_EEXIST) {
        (void)printf("tenant %s is there already\n", id);
        return LG_EXIT_OK;
    }
    if (rc == 0)
        rc = lg_admin_audit(a, "tenant.create", row.tenant_id, row.tenant_id);
    if (rc < 0)
        return lg_admin_fail(a, "not made: %s", lg_err_name(rc));
    (void)printf("tenant %s is made\n", id);
    return LG_EXIT_OK;
}

static int list(struct lg_admin_cli *a, int argc, char **argv)
{
    const char *name, *id;
    char made[LG_TIME_ISO_MAX], ended[LG_TIME_ISO_MAX];
    struct lg_tenant_row *rows = NULL;
    struct lg_buf out;
    struct lg_jw w;
    uint32_t n = 0;
    int rc;

    if (parse(a, argc, argv, &name, &id) < 0)
        return LG_EXIT_FAILED;
    rc = a->store->admin->ops->tenant_list(a->store->admin, &a->arena, &rows, &n);
    if (rc < 0)
        return lg_admin_fail(a, "cannot read the tenants: %s", lg_err_name(rc));
    if (!a->json) {
        (void)printf("%-24s  %-24s  %-24s  %s\n", "ID", "CREATED", "DISABLED", "NAME");
        for (uint32_t i = 0; i < n; i++)
            (void)printf("%-24.*s  %-24s  %-24s  %.*s\n", LG_STR_FMT(rows[i].tenant_id),
                    lg_admin_time(rows[i].created_at, made),
                    lg_admin_time(rows[i].disabled_at, ended), LG_STR_FMT(rows[i].name));
        return LG_EXIT_OK;
    }
    lg_buf_init(&out, (size_t)64 << 20);
    lg_jw_init(&w, &out);
    lg_jw_array(&w);
    for (uint32_t i = 0; i < n; i++) {
        lg_jw_object(&w);
        LG_JW_STR(&w, "tenant_id", rows[i].tenant_id);
        LG_JW_STR(&w, "name", rows[i].name);
        lg_jw_key(&w, LG_STR("created_at"));
        lg_jw_time(&w, rows[i].created_at);
        LG_JW_BOOL(&w, "disabled", rows[i].disabled_at != 0);
        lg_jw_object_end(&w);
    }
    lg_jw_array_end(&w);
    lg_buf_addc(&out, '\n');
    rc = out.failed == 0 && fwrite(out.p, 1, out.n, stdout) == out.n ? LG_EXIT_OK : LG_EXIT_FAILED;
    lg_buf_done(&out);
    return rc;
}

static int disable(struct lg_admin_cli *a, int argc, char **argv)
{
    const char *name, *id;
    int rc;

    if (parse(a, argc, argv, &name, &id) < 0)
        return LG_EXIT_FAILED;
    if (id == NULL)
        return lg_admin_fail(a, "wants a tenant's id");
    rc = a->store->admin->ops->tenant_disable(a->store->admin, lg_str_z(id), a->now);
    if (rc == LG_ENOENT)
        return lg_admin_fail(a, "no tenant '%s'", id);
    if (rc == 0)
        rc = lg_admin_audit(a, "tenant.disable", lg_str_z(id), lg_str_z(id));
    if (rc < 0)
        return lg_admin_fail(a, "not disabled: %s", lg_err_name(rc));
    (void)printf("tenant %s is disabled\n", id);
    return LG_EXIT_OK;
}

int lg_cmd_tenant(int argc, char **argv)
{
    static const struct lg_subcommand subs[] = {
            {"create", create}, {"list", list}, {"disable", disable}};

    return lg_subcommand_run("tenant", help, subs, sizeof(subs) / sizeof(*subs), argc, argv);
}
