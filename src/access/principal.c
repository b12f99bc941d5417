#include "access/principal.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/vec.h"

struct grant {
    char tenant[LG_MAX_TENANT_BYTES + 1];
    uint32_t roles;
};

struct lg_principal {
    unsigned refs; /* atomic */
    enum lg_principal_kind kind;
    char id[LG_MAX_PRINCIPAL_TEXT + 1];
    char name[LG_MAX_PRINCIPAL_TEXT + 1];
    uint32_t platform_roles;
    uint32_t scopes;
    lg_time expires_at;
    uint64_t session;
    LG_VEC(struct grant) grants; /* by tenant; "*" sorts before every valid name */
};

int lg_principal_new(enum lg_principal_kind kind, struct lg_str id, struct lg_str name,
        struct lg_principal **ret)
{
    struct lg_principal *pr;

    if (id.n == 0 || id.n > LG_MAX_PRINCIPAL_TEXT || name.n > LG_MAX_PRINCIPAL_TEXT ||
            !lg_utf8_valid(id) || !lg_utf8_valid(name))
        return LG_EINVAL;
    pr = lg_calloc(1, sizeof(*pr));
    if (pr == NULL)
        return LG_ENOMEM;
    pr->refs = 1;
    pr->kind = kind;
    memcpy(pr->id, id.p, id.n);
    if (name.n > 0)
        memcpy(pr->name, name.p, name.n);
    if (kind == LG_PRINCIPAL_LOCAL || kind == LG_PRINCIPAL_SYSTEM) {
        int rc = lg_principal_grant(pr, LG_TENANT_ALL, LG_ROLES_TENANT);

        if (rc < 0) {
            lg_principal_unref(pr);
            return rc;
        }
        pr->platform_roles = LG_ROLES_PLATFORM;
        pr->scopes = LG_SCOPE_METRICS | LG_SCOPE_REPLAY;
    }
    *ret = pr;
    return 0;
}

static struct lg_str grant_tenant(const struct grant *g)
{
    return lg_str_z(g->tenant);
}

int lg_principal_grant(struct lg_principal *pr, struct lg_str tenant, uint32_t roles)
{
    struct grant g = {.roles = roles};
    size_t at = 0;

    if (roles == 0 || (roles & ~(uint32_t)LG_ROLES_TENANT) != 0)
        return LG_EINVAL;
    if (!lg_str_eq(tenant, LG_TENANT_ALL) && !lg_tenant_valid(tenant))
        return LG_EINVAL;
    memcpy(g.tenant, tenant.p, tenant.n);
    while (at < pr->grants.n && lg_str_cmp(grant_tenant(&pr->grants.v[at]), tenant) < 0)
        at++;
    if (at < pr->grants.n && lg_str_eq(grant_tenant(&pr->grants.v[at]), tenant)) {
        pr->grants.v[at].roles |= roles;
        return 0;
    }
    if (pr->grants.n >= LG_MAX_GRANTS)
        return LG_ELIMIT;
    if (lg_vec_push(&pr->grants, g) < 0)
        return LG_ENOMEM;
    memmove(&pr->grants.v[at + 1], &pr->grants.v[at], (pr->grants.n - 1 - at) * sizeof(g));
    pr->grants.v[at] = g;
    return 0;
}

void lg_principal_grant_platform(struct lg_principal *pr, uint32_t platform_roles)
{
    pr->platform_roles |= platform_roles & LG_ROLES_PLATFORM;
}

void lg_principal_grant_scopes(struct lg_principal *pr, uint32_t scopes)
{
    pr->scopes |= scopes & (LG_SCOPE_METRICS | LG_SCOPE_REPLAY);
}

void lg_principal_set_expiry(struct lg_principal *pr, lg_time expires_at)
{
    pr->expires_at = expires_at;
}

void lg_principal_set_session(struct lg_principal *pr, uint64_t session)
{
    pr->session = session;
}

uint64_t lg_principal_session(const struct lg_principal *pr)
{
    return pr->session;
}

int lg_principal_copy(const struct lg_principal *pr, struct lg_principal **ret)
{
    struct lg_principal *copy = lg_calloc(1, sizeof(*copy));

    if (copy == NULL)
        return LG_ENOMEM;
    copy->refs = 1;
    copy->kind = pr->kind;
    memcpy(copy->id, pr->id, sizeof(copy->id));
    memcpy(copy->name, pr->name, sizeof(copy->name));
    copy->platform_roles = pr->platform_roles;
    copy->scopes = pr->scopes;
    copy->expires_at = pr->expires_at;
    copy->session = pr->session;
    for (size_t i = 0; i < pr->grants.n; i++)
        if (lg_vec_push(&copy->grants, pr->grants.v[i]) < 0) {
            lg_principal_unref(copy);
            return LG_ENOMEM;
        }
    *ret = copy;
    return 0;
}

/* The count is the one member that changes once others read the principal. */
static unsigned *refs_of(const struct lg_principal *pr)
{
    return &((struct lg_principal *)(uintptr_t)pr)->refs;
}

const struct lg_principal *lg_principal_ref(const struct lg_principal *pr)
{
    if (pr != NULL)
        (void)__atomic_fetch_add(refs_of(pr), 1, __ATOMIC_RELAXED);
    return pr;
}

void lg_principal_unref(const struct lg_principal *pr)
{
    struct lg_principal *mine;

    if (pr == NULL || __atomic_fetch_sub(refs_of(pr), 1, __ATOMIC_ACQ_REL) != 1)
        return;
    mine = (struct lg_principal *)(uintptr_t)pr;
    lg_vec_done(&mine->grants);
    lg_free(mine);
}

enum lg_principal_kind lg_principal_kind(const struct lg_principal *pr)
{
    return pr->kind;
}

const char *lg_principal_kind_name(enum lg_principal_kind kind)
{
    static const char *const names[] = {"token", "certificate", "user", "local", "system"};

    LG_ASSERT((size_t)kind < sizeof(names) / sizeof(*names));
    return names[kind];
}

struct lg_str lg_principal_id(const struct lg_principal *pr)
{
    return lg_str_z(pr->id);
}

struct lg_str lg_principal_name(const struct lg_principal *pr)
{
    return lg_str_z(pr->name);
}

lg_time lg_principal_expiry(const struct lg_principal *pr)
{
    return pr->expires_at;
}

bool lg_principal_expired(const struct lg_principal *pr, lg_time now)
{
    return pr->expires_at != 0 && now >= pr->expires_at;
}

uint32_t lg_principal_scopes(const struct lg_principal *pr)
{
    return pr->scopes;
}

uint32_t lg_principal_platform_roles(const struct lg_principal *pr)
{
    return pr->platform_roles;
}

size_t lg_principal_grants(const struct lg_principal *pr)
{
    return pr->grants.n;
}

struct lg_str lg_principal_grant_at(const struct lg_principal *pr, size_t i, uint32_t *ret_roles)
{
    LG_ASSERT(i < pr->grants.n);
    *ret_roles = pr->grants.v[i].roles;
    return grant_tenant(&pr->grants.v[i]);
}

uint32_t lg_principal_roles(const struct lg_principal *pr, struct lg_str tenant)
{
    uint32_t roles = 0;

    /* the name for all tenants is none of a tenant: nobody may be asked about it */
    if (!lg_tenant_valid(tenant))
        return 0;
    for (size_t i = 0; i < pr->grants.n; i++)
        if (lg_str_eq(grant_tenant(&pr->grants.v[i]), tenant) ||
                lg_str_eq(grant_tenant(&pr->grants.v[i]), LG_TENANT_ALL))
            roles |= pr->grants.v[i].roles;
    return roles;
}

static uint32_t roles_anywhere(const struct lg_principal *pr)
{
    uint32_t roles = 0;

    for (size_t i = 0; i < pr->grants.n; i++)
        roles |= pr->grants.v[i].roles;
    return roles;
}

bool lg_access_allows(const struct lg_principal *pr, enum lg_action action, struct lg_str tenant)
{
    const struct lg_action_info *info = lg_action_info(action);
    uint32_t roles;

    if (info->kind == LG_ACTION_ANYONE)
        return true;
    if (pr == NULL)
        return false;
    if (info->kind == LG_ACTION_KNOWN)
        return true;
    if (info->kind != LG_ACTION_TENANT && (info->roles & pr->platform_roles) != 0)
        return true;
    if ((info->scopes & pr->scopes) != 0)
        return true;
    if (info->kind == LG_ACTION_PLATFORM)
        return false;
    roles = tenant.n == 0 ? roles_anywhere(pr) : lg_principal_roles(pr, tenant);
    return (info->roles & roles & LG_ROLES_TENANT) != 0;
}

int lg_access_tenant_for(
        const struct lg_principal *pr, enum lg_action action, struct lg_str *ret_tenant)
{
    const struct lg_action_info *info = lg_action_info(action);
    const struct grant *only = NULL;
    size_t n = 0;

    if (pr == NULL)
        return LG_EREFUSED;
    if (lg_access_allows(pr, action, LG_STR("default"))) {
        *ret_tenant = LG_STR("default");
        return 0;
    }
    for (size_t i = 0; i < pr->grants.n; i++)
        if ((info->roles & pr->grants.v[i].roles) != 0) {
            only = &pr->grants.v[i];
            n++;
        }
    if (n == 0)
        return LG_EREFUSED;
    if (n > 1)
        return LG_EINVAL;
    *ret_tenant = grant_tenant(only);
    return 0;
}
