#include "services/first_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "access/principal.h"
#include "base/folder.h"
#include "config/config.h"
#include "services/api_auth.h"

#define ARENA_BYTES ((size_t)16 << 20)

struct keeper {
    const char *data_dir;
    struct lg_err *reterr; /* says why it could not */
    bool failed;           /* and has said so */
};

/* The file is on the disk before the token counts: after a power loss there is either a token that
 * its file holds, or none, and the next start makes one. */
static int write_token(void *ctx, const char *text)
{
    struct keeper *k = ctx;
    struct lg_err *reterr = k->reterr;
    char path[LG_CONFIG_PATH_BYTES + 16], line[LG_TOKEN_CHARS + 2];
    int fd, n = snprintf(path, sizeof(path), "%s/admin-token", k->data_dir);
    bool ok;

    k->failed = true;
    if (n < 0 || (size_t)n >= sizeof(path))
        return lg_err_set(reterr, LG_ELIMIT, "data_dir is too long");
    (void)unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return lg_err_set(reterr, LG_EIO, "%s: %s", path, strerror(errno));
    n = snprintf(line, sizeof(line), "%s\n", text);
    ok = write(fd, line, (size_t)n) == n && fsync(fd) == 0 && lg_folder_sync(k->data_dir) == 0;
    lg_token_wipe(line, sizeof(line));
    if (!ok) {
        int why = errno;

        (void)close(fd);
        (void)unlink(path);
        return lg_err_set(reterr, LG_EIO, "%s: %s", path, strerror(why));
    }
    (void)close(fd);
    k->failed = false;
    return 0;
}

static int full_rights(struct lg_principal **ret)
{
    struct lg_principal *pr;
    int rc = lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("first-run"), LG_STR("admin"), &pr);

    if (rc < 0)
        return rc;
    rc = lg_principal_grant(pr, LG_TENANT_ALL, LG_ROLES_TENANT);
    if (rc < 0) {
        lg_principal_unref(pr);
        return rc;
    }
    lg_principal_grant_platform(pr, LG_ROLE_OPERATOR);
    lg_principal_grant_scopes(pr, LG_SCOPE_METRICS | LG_SCOPE_REPLAY);
    *ret = pr;
    return 0;
}

int lg_first_run(struct lg_admin_store *admin, const char *data_dir, const char *tenant,
        lg_time now, char text[LG_TOKEN_CHARS + 1], struct lg_err *reterr)
{
    const struct lg_tenant_row t = {
            .tenant_id = lg_str_z(tenant), .name = lg_str_z(tenant), .created_at = now};
    struct lg_principal *rights = NULL;
    struct lg_token_row *rows = NULL;
    struct keeper keeper = {data_dir, reterr, false};
    struct lg_token_spec spec = {.name = LG_STR("admin"),
            .actor = LG_STR("first start"),
            .keep = write_token,
            .keep_ctx = &keeper};
    struct lg_token token;
    struct lg_arena a;
    uint32_t n = 0, live = 0;
    int rc;

    text[0] = '\0';
    rc = admin->ops->tenant_create(admin, &t);
    if (rc < 0 && rc != LG_EEXIST)
        return lg_err_set(reterr, rc, "cannot make tenant '%s': %s", tenant, lg_err_name(rc));
    lg_arena_init(&a, ARENA_BYTES);
    rc = admin->ops->token_all(admin, &a, &rows, &n);
    if (rc < 0) {
        lg_arena_done(&a);
        return lg_err_set(reterr, rc, "cannot read the tokens: %s", lg_err_name(rc));
    }
    for (uint32_t i = 0; i < n; i++)
        live += rows[i].revoked_at == 0;
    lg_arena_done(&a);
    if (live > 0)
        return 0;
    rc = full_rights(&rights);
    if (rc < 0)
        return lg_err_set(reterr, rc, "first token: %s", lg_err_name(rc));
    spec.rights = rights;
    rc = lg_token_issue(admin, now, &spec, text, &token);
    lg_principal_unref(rights);
    if (rc < 0 && !keeper.failed)
        (void)lg_err_set(reterr, rc, "cannot store the first token: %s", lg_err_name(rc));
    if (rc < 0)
        lg_token_wipe(text, LG_TOKEN_CHARS + 1);
    return rc;
}
