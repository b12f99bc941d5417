#ifndef LG_ACCESS_SCOPE_H
#define LG_ACCESS_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "access/principal.h"
#include "base/err.h"
#include "base/str.h"

/*
 * The wall between tenants: every read of a store takes one of these first, and there is no way to
 * make one but from a principal and the action that it is about to do. It holds the tenants in
 * which the principal may do that, or all. A scope never widens: narrowing to a tenant outside it
 * gives the empty scope, so that a foreign tenant in a filter answers like an empty one.
 * Constant once made; thread: any.
 */
struct lg_scope;

/* Owned. A principal without any right gets the empty scope, not an error. An operator's right to a
 * LG_ACTION_EITHER or LG_ACTION_PLATFORM action is the scope of all tenants. 0 or LG_ENOMEM. */
int lg_scope_new(
        const struct lg_principal *pr, enum lg_action action, struct lg_scope **ret) LG_MUST_CHECK;
/* Owned; what of `sc` lies in `tenant`. An invalid name gives the empty scope. 0 or LG_ENOMEM. */
int lg_scope_narrow(
        const struct lg_scope *sc, struct lg_str tenant, struct lg_scope **ret) LG_MUST_CHECK;
void lg_scope_free(struct lg_scope *sc);
static inline void lg_scope_cleanup(struct lg_scope **sc)
{
    lg_scope_free(*sc);
}

bool lg_scope_allows(const struct lg_scope *sc, struct lg_str tenant);
bool lg_scope_is_all(const struct lg_scope *sc);   /* every tenant: no filter needed */
bool lg_scope_is_empty(const struct lg_scope *sc); /* nothing: answer at once */
/* Tenants in bytewise order; 0 when all. Texts live as long as the scope. */
size_t lg_scope_tenants(const struct lg_scope *sc);
struct lg_str lg_scope_tenant(const struct lg_scope *sc, size_t i);
enum lg_action lg_scope_action(const struct lg_scope *sc);

#endif
