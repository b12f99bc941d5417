#ifndef LG_ACCESS_ROLES_H
#define LG_ACCESS_ROLES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Roles, scopes and the table of actions: who may do what. A role is held in tenants (viewer,
 * analyst, admin, ingest) or on the platform (operator); a scope is held on its own.
 * Everything here is constant data. Thread: any.
 */
enum lg_role {
    LG_ROLE_VIEWER = 1 << 0,   /* reads a tenant's alerts, events, endpoints */
    LG_ROLE_ANALYST = 1 << 1,  /* and works on alerts, feedback, suppressions, searches */
    LG_ROLE_ADMIN = 1 << 2,    /* and hands out the tenant's tokens, reads its audit rows */
    LG_ROLE_INGEST = 1 << 3,   /* sends events, reads nothing */
    LG_ROLE_OPERATOR = 1 << 4, /* platform: tenants, models, dead letters, metrics, audit; no
                                * alert content unless also granted */
};
#define LG_ROLES_TENANT (LG_ROLE_VIEWER | LG_ROLE_ANALYST | LG_ROLE_ADMIN | LG_ROLE_INGEST)
#define LG_ROLES_PLATFORM LG_ROLE_OPERATOR

enum lg_access_scope {
    LG_SCOPE_METRICS = 1 << 0, /* GET /metrics */
    LG_SCOPE_REPLAY = 1 << 1,  /* may set a time shift on what it ingests */
};

/* Where an action's roles are looked for. */
enum lg_action_kind {
    LG_ACTION_ANYONE,   /* no principal needed */
    LG_ACTION_KNOWN,    /* any valid principal */
    LG_ACTION_TENANT,   /* one of `roles` in the tenant */
    LG_ACTION_PLATFORM, /* operator, or one of `scopes` */
    LG_ACTION_EITHER,   /* operator, or one of the tenant roles in the tenant */
};

#define LG_R_READ_ (LG_ROLE_VIEWER | LG_ROLE_ANALYST | LG_ROLE_ADMIN)
#define LG_R_WORK_ (LG_ROLE_ANALYST | LG_ROLE_ADMIN)

/* enumerator, name, kind, roles, scopes, what it allows. A tenant's admin may ingest: who may hand
 * out ingest tokens is not kept out by refusing the thing itself. */
#define LG_ACTIONS(X)                                                                              \
    X(PUBLIC, "public", ANYONE, 0, 0, "open to anyone")                                            \
    X(SELF_READ, "self.read", KNOWN, 0, 0, "see one's own name, roles and tenants")                \
    X(ALERT_READ, "alerts.read", TENANT, LG_R_READ_, 0, "read alerts, history and evidence")       \
    X(ALERT_WRITE, "alerts.write", TENANT, LG_R_WORK_, 0, "move alerts, assign, add notes")        \
    X(FEEDBACK_READ, "feedback.read", TENANT, LG_R_WORK_, 0, "read and export feedback")           \
    X(FEEDBACK_WRITE, "feedback.write", TENANT, LG_R_WORK_, 0, "give feedback on verdicts")        \
    X(EVENT_READ, "events.read", TENANT, LG_R_READ_, 0, "search and read events")                  \
    X(INFERENCE_READ, "inferences.read", TENANT, LG_R_READ_, 0, "read verdicts and their graphs")  \
    X(ENDPOINT_READ, "endpoints.read", TENANT, LG_R_READ_, 0, "read endpoints and profiles")       \
    X(SUPPRESSION_READ, "suppressions.read", TENANT, LG_R_READ_, 0, "read suppressions")           \
    X(SUPPRESSION_WRITE, "suppressions.write", TENANT, LG_R_WORK_, 0, "make and end suppressions") \
    X(SEARCH_READ, "searches.read", TENANT, LG_R_READ_, 0, "read saved searches")                  \
    X(SEARCH_WRITE, "searches.write", TENANT, LG_R_WORK_, 0, "save and delete searches")           \
    X(INGEST, "ingest", TENANT, LG_ROLE_INGEST | LG_ROLE_ADMIN, 0, "send events")                  \
    X(TOKEN_READ, "tokens.read", EITHER, LG_ROLE_ADMIN | LG_ROLE_OPERATOR, 0, "list tokens")       \
    X(TOKEN_WRITE, "tokens.write", EITHER, LG_ROLE_ADMIN | LG_ROLE_OPERATOR, 0,                    \
            "create and revoke tokens")                                                            \
    X(TENANT_READ, "tenants.read", EITHER, LG_R_READ_ | LG_ROLE_OPERATOR, 0, "list tenants")       \
    X(TENANT_WRITE, "tenants.write", PLATFORM, LG_ROLE_OPERATOR, 0, "create, disable tenants")     \
    X(MODEL_READ, "models.read", EITHER, LG_R_READ_ | LG_ROLE_OPERATOR, 0, "read about models")    \
    X(MODEL_WRITE, "models.write", PLATFORM, LG_ROLE_OPERATOR, 0, "change models")                 \
    X(DEAD_LETTER_READ, "dead-letters.read", PLATFORM, LG_ROLE_OPERATOR, 0, "read dead letters")   \
    X(DEAD_LETTER_WRITE, "dead-letters.write", PLATFORM, LG_ROLE_OPERATOR, 0,                      \
            "replay and drop dead letters")                                                        \
    X(AUDIT_READ, "audit.read", EITHER, LG_ROLE_ADMIN | LG_ROLE_OPERATOR, 0, "read the audit log") \
    X(METRICS_READ, "metrics.read", PLATFORM, LG_ROLE_OPERATOR, LG_SCOPE_METRICS, "read metrics")  \
    X(CONFIG_READ, "config.read", PLATFORM, LG_ROLE_OPERATOR, 0, "read the configuration")         \
    X(CONFIG_WRITE, "config.write", PLATFORM, LG_ROLE_OPERATOR, 0, "change the configuration")

enum lg_action {
#define LG_ACTION_ENUM_(e, name, kind, roles, scopes, text) LG_ACT_##e,
    LG_ACTIONS(LG_ACTION_ENUM_)
#undef LG_ACTION_ENUM_
            LG_ACTION_COUNT
};

struct lg_action_info {
    const char *name; /* "alerts.read" */
    const char *text; /* one phrase for people */
    enum lg_action_kind kind;
    uint32_t roles;
    uint32_t scopes;
};

/* Never NULL. */
const struct lg_action_info *lg_action_info(enum lg_action action);

/* "viewer", ..., or NULL for no single role. */
const char *lg_role_name(enum lg_role role);
const char *lg_access_scope_name(enum lg_access_scope scope);
/* LG_EINVAL for an unknown name. */
int lg_role_parse(struct lg_str name, enum lg_role *ret) LG_MUST_CHECK;
int lg_access_scope_parse(struct lg_str name, enum lg_access_scope *ret) LG_MUST_CHECK;
/* "viewer,admin" into a mask; the empty string is 0. LG_EINVAL for an unknown name. */
int lg_roles_parse(struct lg_str list, uint32_t *ret) LG_MUST_CHECK;
int lg_access_scopes_parse(struct lg_str list, uint32_t *ret) LG_MUST_CHECK;
/* The inverse; a NUL ends it. Returns the length. */
#define LG_ROLES_TEXT_MAX 64
size_t lg_roles_text(uint32_t roles, char out[LG_ROLES_TEXT_MAX]);
size_t lg_access_scopes_text(uint32_t scopes, char out[LG_ROLES_TEXT_MAX]);

/* A tenant's name: 1..LG_MAX_TENANT_BYTES of [a-z0-9_-], not starting with - or _. */
bool lg_tenant_valid(struct lg_str tenant);

#endif
