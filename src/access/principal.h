#ifndef LG_ACCESS_PRINCIPAL_H
#define LG_ACCESS_PRINCIPAL_H

#include <stdbool.h>
#include <stdint.h>

#include "access/roles.h"
#include "base/err.h"
#include "base/parse.h"
#include "base/str.h"

/*
 * Who acts: a token, the platform itself, or the person at the machine when authentication is off.
 * Built by one thread with lg_principal_new and the setters, constant from the first lg_principal_ref
 * on; then any thread may read it. Counted references: it is kept by caches and by requests.
 */
struct lg_principal;

enum lg_principal_kind {
    LG_PRINCIPAL_TOKEN,
    LG_PRINCIPAL_CERTIFICATE, /* syslog or HTTP client certificate mapped by configuration */
    LG_PRINCIPAL_USER,        /* signed in by another means (dashboard) */
    LG_PRINCIPAL_LOCAL,       /* DISABLE_AUTH on loopback: every role in every tenant */
    LG_PRINCIPAL_SYSTEM,      /* services themselves: every action, never from outside */
};

/* Grants in this tenant hold in every tenant, those of tomorrow too. */
#define LG_TENANT_ALL LG_STR("*")
#define LG_MAX_GRANTS 256
#define LG_MAX_PRINCIPAL_TEXT 128

/* Owned, one reference, without any right (but LOCAL and SYSTEM: all). `id` is what history and
 * audit rows name, `name` is for people; both at most LG_MAX_PRINCIPAL_TEXT bytes of valid UTF-8.
 * LG_EINVAL, LG_ENOMEM. */
int lg_principal_new(enum lg_principal_kind kind, struct lg_str id, struct lg_str name,
        struct lg_principal **ret) LG_MUST_CHECK;
/* Adds tenant roles in `tenant` (or LG_TENANT_ALL). LG_EINVAL for a bad tenant or role, LG_ELIMIT
 * past LG_MAX_GRANTS, LG_ENOMEM. */
int lg_principal_grant(struct lg_principal *pr, struct lg_str tenant, uint32_t roles) LG_MUST_CHECK;
/* Operator. */
void lg_principal_grant_platform(struct lg_principal *pr, uint32_t platform_roles);
void lg_principal_grant_scopes(struct lg_principal *pr, uint32_t scopes);
void lg_principal_set_expiry(struct lg_principal *pr, lg_time expires_at); /* 0: never */

/* The sitting at the dashboard that it acts in, so that what lives long ends with it; 0: none. */
void lg_principal_set_session(struct lg_principal *pr, uint64_t session);
uint64_t lg_principal_session(const struct lg_principal *pr);
/* The same kind, id, name, rights and expiry, for setters. LG_ENOMEM. */
int lg_principal_copy(const struct lg_principal *pr, struct lg_principal **ret) LG_MUST_CHECK;

const struct lg_principal *lg_principal_ref(const struct lg_principal *pr);
void lg_principal_unref(const struct lg_principal *pr); /* NULL is fine */

enum lg_principal_kind lg_principal_kind(const struct lg_principal *pr);
const char *lg_principal_kind_name(enum lg_principal_kind kind);
struct lg_str lg_principal_id(const struct lg_principal *pr);
struct lg_str lg_principal_name(const struct lg_principal *pr);
lg_time lg_principal_expiry(const struct lg_principal *pr); /* 0: never */
bool lg_principal_expired(const struct lg_principal *pr, lg_time now);
uint32_t lg_principal_scopes(const struct lg_principal *pr);
uint32_t lg_principal_platform_roles(const struct lg_principal *pr);
/* Grants in order of tenant; the one for all tenants, named "*", first. */
size_t lg_principal_grants(const struct lg_principal *pr);
struct lg_str lg_principal_grant_at(const struct lg_principal *pr, size_t i, uint32_t *ret_roles);
/* Roles in one tenant, those held in all tenants included. */
uint32_t lg_principal_roles(const struct lg_principal *pr, struct lg_str tenant);

/*
 * The one question. `tenant` empty asks "in any tenant at all", as a route does before its handler
 * knows better. Operators pass LG_ACTION_EITHER for every tenant. NULL is nobody.
 */
bool lg_access_allows(const struct lg_principal *pr, enum lg_action action, struct lg_str tenant);
/* The tenant that a write without a named tenant goes to: the only one in which `action` is allowed,
 * "default" when it is among several or all are allowed. LG_EREFUSED when none, LG_EINVAL when
 * there are several and none is "default". The text borrows from `pr`. */
int lg_access_tenant_for(const struct lg_principal *pr, enum lg_action action,
        struct lg_str *ret_tenant) LG_MUST_CHECK;

#endif
