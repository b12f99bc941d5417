#include "access/scope.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

struct lg_scope {
    enum lg_action action;
    bool all;
    size_t n;
    char (*tenants)[LG_MAX_TENANT_BYTES + 1]; /* sorted */
};

static int scope_alloc(enum lg_action action, size_t room, struct lg_scope **ret)
{
    struct lg_scope *sc = lg_calloc(1, sizeof(*sc));

    if (sc == NULL)
        return LG_ENOMEM;
    sc->action = action;
    if (room > 0) {
        sc->tenants = lg_calloc(room, sizeof(*sc->tenants));
        if (sc->tenants == NULL) {
            lg_free(sc);
            return LG_ENOMEM;
        }
    }
    *ret = sc;
    return 0;
}

int lg_scope_new(const struct lg_principal *pr, enum lg_action action, struct lg_scope **ret)
{
    const struct lg_action_info *info = lg_action_info(action);
    size_t grants = pr != NULL ? lg_principal_grants(pr) : 0;
    struct lg_scope *sc;

    if (scope_alloc(action, grants, &sc) < 0)
        return LG_ENOMEM;
    *ret = sc;
    if (pr == NULL)
        return 0;
    if (lg_principal_kind(pr) == LG_PRINCIPAL_SYSTEM ||
            ((info->kind == LG_ACTION_PLATFORM || info->kind == LG_ACTION_EITHER) &&
                    (info->roles & lg_principal_platform_roles(pr)) != 0)) {
        sc->all = true;
        return 0;
    }
    if (info->kind != LG_ACTION_TENANT && info->kind != LG_ACTION_EITHER)
        return 0;
    for (size_t i = 0; i < grants; i++) {
        uint32_t roles;
        struct lg_str tenant = lg_principal_grant_at(pr, i, &roles);

        if ((roles & info->roles) == 0)
            continue;
        if (lg_str_eq(tenant, LG_TENANT_ALL)) {
            sc->all = true;
            sc->n = 0;
            return 0;
        }
        memcpy(sc->tenants[sc->n++], tenant.p, tenant.n);
    }
    return 0;
}

int lg_scope_narrow(const struct lg_scope *sc, struct lg_str tenant, struct lg_scope **ret)
{
    struct lg_scope *mine;

    if (scope_alloc(sc->action, 1, &mine) < 0)
        return LG_ENOMEM;
    if (lg_scope_allows(sc, tenant)) {
        memcpy(mine->tenants[0], tenant.p, tenant.n);
        mine->n = 1;
    }
    *ret = mine;
    return 0;
}

void lg_scope_free(struct lg_scope *sc)
{
    if (sc == NULL)
        return;
    lg_free(sc->tenants);
    lg_free(sc);
}

bool lg_scope_allows(const struct lg_scope *sc, struct lg_str tenant)
{
    if (!lg_tenant_valid(tenant))
        return false;
    if (sc->all)
        return true;
    for (size_t i = 0; i < sc->n; i++)
        if (lg_str_eq(lg_str_z(sc->tenants[i]), tenant))
            return true;
    return false;
}

bool lg_scope_is_all(const struct lg_scope *sc)
{
    return sc->all;
}

bool lg_scope_is_empty(const struct lg_scope *sc)
{
    return !sc->all && sc->n == 0;
}

size_t lg_scope_tenants(const struct lg_scope *sc)
{
    return sc->n;
}

struct lg_str lg_scope_tenant(const struct lg_scope *sc, size_t i)
{
    LG_ASSERT(i < sc->n);
    return lg_str_z(sc->tenants[i]);
}

enum lg_action lg_scope_action(const struct lg_scope *sc)
{
    return sc->action;
}
