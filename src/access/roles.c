#include "access/roles.h"

#include <string.h>

#include "base/limits.h"

static const struct lg_action_info actions[] = {
#define LG_ACTION_ROW_(e, name, kind, roles, scopes, text)                                         \
    [LG_ACT_##e] = {name, text, LG_ACTION_##kind, roles, scopes},
        LG_ACTIONS(LG_ACTION_ROW_)
#undef LG_ACTION_ROW_
};

struct bit_name {
    uint32_t bit;
    const char *name;
};

static const struct bit_name role_names[] = {{LG_ROLE_VIEWER, "viewer"},
        {LG_ROLE_ANALYST, "analyst"}, {LG_ROLE_ADMIN, "admin"}, {LG_ROLE_INGEST, "ingest"},
        {LG_ROLE_OPERATOR, "operator"}, {0, NULL}};
static const struct bit_name scope_names[] = {
        {LG_SCOPE_METRICS, "metrics"}, {LG_SCOPE_REPLAY, "replay"}, {0, NULL}};

const struct lg_action_info *lg_action_info(enum lg_action action)
{
    LG_ASSERT((unsigned)action < LG_ACTION_COUNT);
    return &actions[action];
}

static const char *name_of(const struct bit_name *names, uint32_t bit)
{
    for (; names->name != NULL; names++)
        if (names->bit == bit)
            return names->name;
    return NULL;
}

static uint32_t bit_of(const struct bit_name *names, struct lg_str name)
{
    for (; names->name != NULL; names++)
        if (lg_str_eq(name, lg_str_z(names->name)))
            return names->bit;
    return 0;
}

static int mask_of(const struct bit_name *names, struct lg_str list, uint32_t *ret)
{
    struct lg_str part;
    uint32_t mask = 0;

    while (lg_str_split(&list, ',', &part)) {
        uint32_t bit = bit_of(names, lg_str_trim(part));

        if (bit == 0)
            return LG_EINVAL;
        mask |= bit;
    }
    *ret = mask;
    return 0;
}

/* All names of a table and the commas between them fit LG_ROLES_TEXT_MAX. */
static size_t text_of(const struct bit_name *names, uint32_t mask, char out[LG_ROLES_TEXT_MAX])
{
    size_t n = 0;

    for (; names->name != NULL; names++) {
        size_t len = strlen(names->name);

        if ((mask & names->bit) == 0)
            continue;
        LG_ASSERT(n + 1 + len < LG_ROLES_TEXT_MAX);
        if (n > 0)
            out[n++] = ',';
        memcpy(out + n, names->name, len);
        n += len;
    }
    out[n] = '\0';
    return n;
}

const char *lg_role_name(enum lg_role role)
{
    return name_of(role_names, role);
}

const char *lg_access_scope_name(enum lg_access_scope scope)
{
    return name_of(scope_names, scope);
}

int lg_role_parse(struct lg_str name, enum lg_role *ret)
{
    uint32_t bit = bit_of(role_names, name);

    if (bit == 0)
        return LG_EINVAL;
    *ret = (enum lg_role)bit;
    return 0;
}

int lg_access_scope_parse(struct lg_str name, enum lg_access_scope *ret)
{
    uint32_t bit = bit_of(scope_names, name);

    if (bit == 0)
        return LG_EINVAL;
    *ret = (enum lg_access_scope)bit;
    return 0;
}

int lg_roles_parse(struct lg_str list, uint32_t *ret)
{
    return mask_of(role_names, list, ret);
}

int lg_access_scopes_parse(struct lg_str list, uint32_t *ret)
{
    return mask_of(scope_names, list, ret);
}

size_t lg_roles_text(uint32_t roles, char out[LG_ROLES_TEXT_MAX])
{
    return text_of(role_names, roles, out);
}

size_t lg_access_scopes_text(uint32_t scopes, char out[LG_ROLES_TEXT_MAX])
{
    return text_of(scope_names, scopes, out);
}

bool lg_tenant_valid(struct lg_str tenant)
{
    if (tenant.n == 0 || tenant.n > LG_MAX_TENANT_BYTES || tenant.p[0] == '-' || tenant.p[0] == '_')
        return false;
    for (size_t i = 0; i < tenant.n; i++) {
        char c = tenant.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return true;
}
