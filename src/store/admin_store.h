#ifndef LG_STORE_ADMIN_STORE_H
#define LG_STORE_ADMIN_STORE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/parse.h"
#include "crypto/ids.h"

struct lg_scope;

/*
 * Who may do what, and what was done: tenants, tokens, audit log, saved searches, deliveries of
 * notifications. Lives beside the alerts. Secrets never come in here: a token is its BLAKE2b.
 * Reads without a scope are for our own services (authentication, delivery, operator commands on
 * the data folder); what the API shows takes one.
 */
struct lg_tenant_row {
    struct lg_str tenant_id;
    struct lg_str name;
    lg_time created_at;
    lg_time disabled_at; /* 0: in use */
};

struct lg_token_row {
    struct lg_str token_id;
    struct lg_str name;
    struct lg_str owner;
    struct lg_str grants;  /* as the access layer writes them: roles per tenant, scopes (JSON) */
    struct lg_str tenants; /* JSON array of the tenant ids in `grants`; "[]": platform only */
    uint8_t hash[32];      /* BLAKE2b-256 of the secret */
    lg_time created_at;
    lg_time expires_at; /* 0: none */
    lg_time revoked_at; /* 0: not */
    lg_time first_used_at;
    lg_time last_used_at; /* coarse: written at most once an hour */
};

/* `tenant_id` is empty for what concerns the platform. `detail` is JSON. */
struct lg_audit_row {
    uint64_t seq;
    lg_time at;
    struct lg_str tenant_id;
    struct lg_str actor;
    struct lg_str action; /* "alert.transition", "token.create", "login.refused", ... */
    struct lg_str target;
    struct lg_str detail;
    struct lg_str request_id;
    uint8_t hash[32]; /* over the row and the hash before */
};
struct lg_audit_query {
    struct lg_str tenant; /* empty: all of the scope; platform rows too where it sees all */
    struct lg_str actor, action, target;
    lg_time from, to;
    uint64_t before; /* rows older than this position; 0: from the newest */
    uint32_t limit;
};
struct lg_audit_check {
    uint64_t rows;
    uint64_t first_bad; /* 0: all match */
    uint64_t head_seq;
    uint8_t head[32];
};

struct lg_search_row {
    struct lg_uuid search_id;
    struct lg_str tenant_id, owner, name;
    struct lg_str query; /* JSON of the page that saved it */
    bool shared;
    lg_time created_at, updated_at;
};

enum lg_delivery_state { LG_DELIVERY_DUE, LG_DELIVERY_DONE, LG_DELIVERY_GIVEN_UP };
struct lg_delivery_row {
    struct lg_uuid delivery_id; /* (target, alert, version): created once */
    struct lg_str tenant_id, target;
    struct lg_uuid alert_id;
    struct lg_str body;
    enum lg_delivery_state state;
    uint32_t attempts;
    lg_time next_at, created_at;
    struct lg_str last_error;
};

/* A sitting at the dashboard. Its secret is the browser's; this is its BLAKE2b. */
struct lg_session_row {
    uint8_t hash[32];
    struct lg_str token_id;
    lg_time created_at;
    lg_time expires_at; /* at the latest, whatever its use */
    lg_time seen_at;    /* coarse: written at most once a minute */
};

struct lg_admin_store;
struct lg_admin_store_ops {
    int (*tenant_create)(struct lg_admin_store *st, const struct lg_tenant_row *t); /* LG_EEXIST */
    int (*tenant_disable)(struct lg_admin_store *st, struct lg_str tenant, lg_time now);
    int (*tenant_get)(struct lg_admin_store *st, struct lg_str tenant, struct lg_arena *a,
            struct lg_tenant_row *ret);
    int (*tenant_list)(struct lg_admin_store *st, struct lg_arena *a, struct lg_tenant_row **ret,
            uint32_t *ret_n);

    int (*token_create)(struct lg_admin_store *st, const struct lg_token_row *t);
    int (*token_get)(struct lg_admin_store *st, struct lg_str token_id, struct lg_arena *a,
            struct lg_token_row *ret); /* LG_ENOENT */
    int (*token_list)(struct lg_admin_store *st, const struct lg_scope *sc, struct lg_arena *a,
            struct lg_token_row **ret, uint32_t *ret_n);
    /* All of them: for the process's own table of tokens. */
    int (*token_all)(struct lg_admin_store *st, struct lg_arena *a, struct lg_token_row **ret,
            uint32_t *ret_n);
    int (*token_revoke)(struct lg_admin_store *st, struct lg_str token_id, lg_time now);
    /* *ret_first: this was its first use. */
    int (*token_used)(
            struct lg_admin_store *st, struct lg_str token_id, lg_time now, bool *ret_first);

    int (*audit_append)(struct lg_admin_store *st, const struct lg_audit_row *rows, size_t n);
    int (*audit_list)(struct lg_admin_store *st, const struct lg_scope *sc,
            const struct lg_audit_query *q, struct lg_arena *a, struct lg_audit_row **ret,
            uint32_t *ret_n);
    int (*audit_verify)(struct lg_admin_store *st, struct lg_audit_check *ret);

    int (*search_put)(
            struct lg_admin_store *st, const struct lg_scope *sc, const struct lg_search_row *s);
    int (*search_list)(struct lg_admin_store *st, const struct lg_scope *sc, struct lg_str tenant,
            struct lg_str owner, struct lg_arena *a, struct lg_search_row **ret, uint32_t *ret_n);
    int (*search_delete)(struct lg_admin_store *st, const struct lg_scope *sc,
            const struct lg_uuid *id, struct lg_str owner);

    /* LG_EEXIST where it was created before. */
    int (*delivery_add)(struct lg_admin_store *st, const struct lg_delivery_row *d);
    int (*delivery_due)(struct lg_admin_store *st, lg_time now, uint32_t max, struct lg_arena *a,
            struct lg_delivery_row **ret, uint32_t *ret_n);
    int (*delivery_update)(struct lg_admin_store *st, const struct lg_uuid *id,
            enum lg_delivery_state state, lg_time next_at, struct lg_str error);
    /* Of the oldest `max`, forgets those that were done or given up before `before`. */
    int (*delivery_purge)(struct lg_admin_store *st, lg_time before, uint32_t max, uint32_t *ret_n);
    int (*delivery_list)(struct lg_admin_store *st, const struct lg_scope *sc, struct lg_str tenant,
            uint32_t max, struct lg_arena *a, struct lg_delivery_row **ret, uint32_t *ret_n);

    /* Small named values of the services (last exported audit head, ...). LG_ENOENT. */
    int (*setting_get)(
            struct lg_admin_store *st, struct lg_str key, struct lg_arena *a, struct lg_str *ret);
    int (*setting_put)(struct lg_admin_store *st, struct lg_str key, struct lg_str value);

    int (*session_put)(struct lg_admin_store *st, const struct lg_session_row *s); /* a new one */
    int (*session_seen)(struct lg_admin_store *st, const uint8_t hash[32], lg_time seen_at);
    int (*session_delete)(
            struct lg_admin_store *st, const uint8_t hash[32]); /* 0 for an unknown one */
    /* Forgets those that expired by `now` and those last seen by `seen_before`. */
    int (*session_purge)(struct lg_admin_store *st, lg_time now, lg_time seen_before);
    /* The `max` that were seen last. */
    int (*session_all)(struct lg_admin_store *st, uint32_t max, struct lg_arena *a,
            struct lg_session_row **ret, uint32_t *ret_n);
};
struct lg_admin_store {
    const struct lg_admin_store_ops *ops;
};

#endif
