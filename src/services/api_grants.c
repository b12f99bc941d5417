#include <string.h>

#include "base/utf8.h"
#include "services/api_int.h"

static int read_roles(struct lg_jval list, uint32_t *ret)
{
    struct lg_jiter it;
    struct lg_jval v;

    if (lg_jval_type(list) != LG_JSON_ARRAY)
        return LG_EPARSE;
    *ret = 0;
    it = lg_jiter_of(list);
    while (lg_jiter_item(&it, &v)) {
        enum lg_role role;

        if (lg_jval_type(v) != LG_JSON_STRING || lg_role_parse(lg_jval_str(v), &role) < 0)
            return LG_EPARSE;
        *ret |= (uint32_t)role;
    }
    return 0;
}

static int read_tenants(struct lg_jval obj, bool (*skip)(void *ctx, struct lg_str tenant),
        void *ctx, struct lg_principal *pr)
{
    struct lg_jiter it;
    struct lg_str tenant;
    struct lg_jval v;

    if (lg_jval_type(obj) != LG_JSON_OBJECT)
        return LG_EPARSE;
    it = lg_jiter_of(obj);
    while (lg_jiter_member(&it, &tenant, &v)) {
        uint32_t roles;
        int rc = read_roles(v, &roles);

        if (rc == 0 && (skip == NULL || !skip(ctx, tenant)))
            rc = lg_principal_grant(pr, tenant, roles);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_scopes(struct lg_jval list, struct lg_principal *pr)
{
    struct lg_jiter it;
    struct lg_jval v;

    if (lg_jval_type(list) != LG_JSON_ARRAY)
        return LG_EPARSE;
    it = lg_jiter_of(list);
    while (lg_jiter_item(&it, &v)) {
        enum lg_access_scope scope;

        if (lg_jval_type(v) != LG_JSON_STRING || lg_access_scope_parse(lg_jval_str(v), &scope) < 0)
            return LG_EPARSE;
        lg_principal_grant_scopes(pr, (uint32_t)scope);
    }
    return 0;
}

static int read_grants(struct lg_jval root, bool (*skip)(void *ctx, struct lg_str tenant),
        void *ctx, struct lg_principal *pr)
{
    struct lg_jval v;
    int rc = 0;

    if (lg_jval_type(root) != LG_JSON_OBJECT)
        return LG_EPARSE;
    if (lg_jval_get(root, LG_STR("tenants"), &v))
        rc = read_tenants(v, skip, ctx, pr);
    if (rc == 0 && lg_jval_get(root, LG_STR("platform"), &v)) {
        uint32_t roles;

        rc = read_roles(v, &roles);
        if (rc == 0 && (roles & ~(uint32_t)LG_ROLES_PLATFORM) != 0)
            rc = LG_EINVAL;
        if (rc == 0)
            lg_principal_grant_platform(pr, roles);
    }
    if (rc == 0 && lg_jval_get(root, LG_STR("scopes"), &v))
        rc = read_scopes(v, pr);
    return rc;
}

int lg_grants_read(struct lg_str grants, bool (*skip)(void *ctx, struct lg_str tenant), void *ctx,
        struct lg_principal *pr)
{
    struct lg_json *j;
    struct lg_jval root;
    int rc = lg_json_new(&j);

    if (rc < 0)
        return rc;
    rc = lg_json_parse(j, grants, false, &root, NULL);
    if (rc == 0)
        rc = read_grants(root, skip, ctx, pr);
    lg_json_free(j);
    return rc;
}

void api_put_roles(struct lg_jw *w, uint32_t roles)
{
    lg_jw_array(w);
    for (uint32_t bit = 1; bit != 0 && bit <= roles; bit <<= 1) {
        const char *name = (roles & bit) != 0 ? lg_role_name((enum lg_role)bit) : NULL;

        if (name != NULL)
            lg_jw_str(w, lg_str_z(name));
    }
    lg_jw_array_end(w);
}

void api_put_scopes(struct lg_jw *w, uint32_t scopes)
{
    lg_jw_array(w);
    for (uint32_t bit = 1; bit != 0 && bit <= scopes; bit <<= 1) {
        const char *name =
                (scopes & bit) != 0 ? lg_access_scope_name((enum lg_access_scope)bit) : NULL;

        if (name != NULL)
            lg_jw_str(w, lg_str_z(name));
    }
    lg_jw_array_end(w);
}

void lg_grants_write(
        const struct lg_principal *pr, struct lg_buf *ret_grants, struct lg_buf *ret_tenants)
{
    struct lg_jw g, t;

    lg_jw_init(&g, ret_grants);
    lg_jw_init(&t, ret_tenants);
    lg_jw_object(&g);
    lg_jw_key(&g, LG_STR("tenants"));
    lg_jw_object(&g);
    lg_jw_array(&t);
    for (size_t i = 0; i < lg_principal_grants(pr); i++) {
        uint32_t roles;
        struct lg_str tenant = lg_principal_grant_at(pr, i, &roles);

        lg_jw_key_any(&g, tenant);
        api_put_roles(&g, roles);
        lg_jw_str(&t, tenant);
    }
    lg_jw_object_end(&g);
    lg_jw_array_end(&t);
    lg_jw_key(&g, LG_STR("platform"));
    api_put_roles(&g, lg_principal_platform_roles(pr));
    lg_jw_key(&g, LG_STR("scopes"));
    api_put_scopes(&g, lg_principal_scopes(pr));
    lg_jw_object_end(&g);
}

struct lg_str lg_actor_text(const struct lg_principal *pr, char out[LG_ACTOR_MAX])
{
    struct lg_str id = lg_principal_id(pr), name = lg_principal_name(pr);
    size_t n = 0;

    /* Text that we cut ends at a character's start. */
    if (name.n > 0 && !lg_str_eq(name, id) && id.n + 4 < LG_ACTOR_MAX) {
        size_t room = LG_ACTOR_MAX - id.n - 4;

        if (name.n > room) {
            name.n = room;
            while (name.n > 0 && ((unsigned char)name.p[name.n] & 0xc0) == 0x80)
                name.n--;
        }
        memcpy(out, name.p, name.n);
        n = name.n;
        memcpy(out + n, " (", 2);
        memcpy(out + n + 2, id.p, id.n);
        n += 2 + id.n;
        out[n++] = ')';
    } else {
        n = id.n < LG_ACTOR_MAX ? id.n : LG_ACTOR_MAX - 1;
        memcpy(out, id.p, n);
    }
    out[n] = '\0';
    return lg_str_of(out, n);
}

/*
 * What happens to a token is told in the log of each tenant that it reaches, each with its own
 * part of the grants only, and in the platform's where it reaches further.
 */
int api_token_audit(struct lg_admin_store *admin, lg_time now, const struct lg_principal *rights,
        const struct api_token_deed *deed)
{
    size_t n = lg_principal_grants(rights), rows_n = 0;
    struct lg_audit_row *rows = lg_calloc(n + 1, sizeof(*rows));
    struct lg_buf *detail = lg_calloc(n + 1, sizeof(*detail));
    int rc = rows != NULL && detail != NULL ? 0 : LG_ENOMEM;

    for (size_t i = 0; rc == 0 && i <= n; i++) {
        bool platform = i == n;
        uint32_t roles = lg_principal_platform_roles(rights);
        struct lg_str tenant = LG_STR("");
        struct lg_jw w;

        if (!platform)
            tenant = lg_principal_grant_at(rights, i, &roles);
        else if (n > 0 && roles == 0 && lg_principal_scopes(rights) == 0)
            break;
        lg_buf_init(&detail[i], 16384);
        lg_jw_init(&w, &detail[i]);
        lg_jw_object(&w);
        LG_JW_STR(&w, "name", deed->name);
        api_put_str(&w, LG_STR("owner"), deed->owner);
        lg_jw_key(&w, LG_STR("roles"));
        api_put_roles(&w, roles);
        if (platform) {
            lg_jw_key(&w, LG_STR("scopes"));
            api_put_scopes(&w, lg_principal_scopes(rights));
        } else if (lg_str_eq(tenant, LG_TENANT_ALL)) {
            LG_JW_BOOL(&w, "every_tenant", true);
            tenant = LG_STR("");
        }
        if (deed->has_expiry)
            api_put_time(&w, LG_STR("expires_at"), deed->expires_at);
        if (deed->count > 0)
            LG_JW_U64(&w, "count", deed->count);
        api_put_str(&w, LG_STR("from"), deed->from);
        lg_jw_object_end(&w);
        rc = detail[i].failed;
        rows[rows_n++] = (struct lg_audit_row){
                .at = now,
                .tenant_id = tenant,
                .actor = deed->actor,
                .action = lg_str_z(deed->action),
                .target = deed->token_id,
                .detail = lg_buf_str(&detail[i]),
                .request_id = deed->request_id,
        };
    }
    if (rc == 0)
        rc = admin->ops->audit_append(admin, rows, rows_n);
    for (size_t i = 0; detail != NULL && i <= n; i++)
        if (detail[i].max > 0)
            lg_buf_done(&detail[i]);
    lg_free(detail);
    lg_free(rows);
    return rc;
}

int lg_token_issue(struct lg_admin_store *admin, lg_time now, const struct lg_token_spec *spec,
        char text[LG_TOKEN_CHARS + 1], struct lg_token *ret)
{
    struct lg_buf grants, tenants;
    struct lg_token_row row;
    int rc;

    if (spec->name.n == 0 || spec->name.n > LG_MAX_PRINCIPAL_TEXT || !lg_utf8_valid(spec->name))
        return LG_EINVAL;
    lg_buf_init(&grants, 65536);
    lg_buf_init(&tenants, 65536);
    lg_grants_write(spec->rights, &grants, &tenants);
    lg_token_make(text, ret);
    row = (struct lg_token_row){
            .token_id = lg_str_z(ret->id),
            .name = spec->name,
            .owner = spec->owner,
            .grants = lg_buf_str(&grants),
            .tenants = lg_buf_str(&tenants),
            .created_at = now,
            .expires_at = spec->expires_at,
    };
    memcpy(row.hash, ret->hash, sizeof(row.hash));
    rc = grants.failed < 0 ? grants.failed : tenants.failed;
    if (rc == 0 && spec->keep != NULL)
        rc = spec->keep(spec->keep_ctx, text);
    if (rc == 0)
        rc = admin->ops->token_create(admin, &row);
    if (rc == 0)
        rc = api_token_audit(admin, now, spec->rights,
                &(struct api_token_deed){
                        .action = "token.create",
                        .token_id = lg_str_z(ret->id),
                        .name = spec->name,
                        .owner = spec->owner,
                        .actor = spec->actor,
                        .request_id = spec->request_id,
                        .has_expiry = true,
                        .expires_at = spec->expires_at,
                });
    lg_buf_done(&grants);
    lg_buf_done(&tenants);
    if (rc < 0)
        lg_token_wipe(text, LG_TOKEN_CHARS + 1);
    return rc;
}
