#ifndef LG_SERVICES_API_AUTH_H
#define LG_SERVICES_API_AUTH_H

#include "access/principal.h"
#include "access/token.h"
#include "base/buf.h"
#include "net/http_server.h"
#include "store/admin_store.h"

/*
 * From a presented token to a principal, for every listener (REST, intake, syslog, dashboard), and
 * the making of tokens. Tokens live in the admin store; a small cache keeps intake from asking it
 * for each request. A token that another process revoked or a tenant that it disabled counts here
 * after LG_AUTH_CACHE_NS at the latest; lg_auth_forget makes it at once.
 * Audited: first use of a token, refused uses, and uses per token and hour. Thread: any.
 */
struct lg_auth;
#define LG_AUTH_CACHE_NS (2 * LG_NS_PER_SEC)

/* Reads all live tokens. LG_ENOMEM, LG_EIO. */
int lg_auth_new(struct lg_admin_store *admin, lg_time (*clock)(void *ctx), void *clock_ctx,
        struct lg_auth **ret) LG_MUST_CHECK;
/* Writes the counts that are not in the audit log yet. NULL is fine. */
void lg_auth_free(struct lg_auth *au);

/* For lg_http_server_opts.authenticate, with the lg_auth as auth_ctx. */
int lg_auth_http(void *auth, const struct lg_http_auth *a, const struct lg_principal **ret);
/* The same for a listener of another kind; `from` names the peer in the audit log. 0 and a
 * reference, LG_EREFUSED (unknown, expired, revoked), LG_EIO, LG_ENOMEM. */
int lg_auth_token(struct lg_auth *au, const struct lg_token *token, struct lg_str from,
        const struct lg_principal **ret) LG_MUST_CHECK;
/* The principal of a token that was shown before and is known by its id, as a session knows it. 0 and
 * a reference; LG_EREFUSED when it is unknown, expired or revoked now; LG_EIO, LG_ENOMEM. */
int lg_auth_by_id(struct lg_auth *au, struct lg_str token_id, struct lg_str from,
        const struct lg_principal **ret) LG_MUST_CHECK;
/* Counts and audits a refused login that showed no token; `reason` is constant text. */
void lg_auth_refuse(struct lg_auth *au, struct lg_str from, const char *reason);
/* Who knows whether a session is still open (NULL: nobody); before the first request, or after the
 * last. `open` is called from any thread. */
void lg_auth_sessions(
        struct lg_auth *au, bool (*open)(void *ctx, uint64_t session), void *open_ctx);
/* Is what this principal stands for still good? Long-lived streams ask now and then. */
bool lg_auth_still_good(struct lg_auth *au, const struct lg_principal *pr);
/* Drops a token from the cache, or all (empty id). */
void lg_auth_forget(struct lg_auth *au, struct lg_str token_id);
/* Reads a token that was just made, so that its first use needs no lookup. */
void lg_auth_learn(struct lg_auth *au, struct lg_str token_id);
/* Lookups a second of tokens that are not known here, for one address (api.auth_failure_rate); more
 * are refused without a look. Known tokens are never held up. */
void lg_auth_limit(struct lg_auth *au, double failures_per_s);
/*
 * How long a token that may only send events or read metrics counts as it was last seen while the
 * store cannot be asked, so that a fleet's events are not held up by its alerts' database, nor those
 * who watch it; 0 (as made): not at all.
 * Until the store is back, a revocation or an expiry that it holds and this process has not seen
 * does not count for those; an expiry that was seen does.
 */
void lg_auth_grace(struct lg_auth *au, int64_t grace_ns);
/* Flushes hourly counts when their hour is over. The API's thread calls it. */
void lg_auth_tick(struct lg_auth *au);

/*
 * Grants of a token, as struct lg_token_row.grants holds them:
 *   {"tenants":{"acme":["analyst","viewer"]},"platform":["operator"],"scopes":["metrics"]}
 * Tenant "*" is every tenant. Members may be missing.
 */
/* Adds what the text grants to a fresh principal; tenants for which `skip` answers true are left
 * out (may be NULL). LG_EPARSE, LG_EINVAL, LG_ELIMIT, LG_ENOMEM. */
int lg_grants_read(struct lg_str grants, bool (*skip)(void *ctx, struct lg_str tenant), void *ctx,
        struct lg_principal *pr) LG_MUST_CHECK;
/* The canonical text of a principal's rights, and the JSON array of its tenants. */
void lg_grants_write(
        const struct lg_principal *pr, struct lg_buf *ret_grants, struct lg_buf *ret_tenants);

/*
 * Makes a token with the rights that `rights` holds (a principal built for this purpose: id and
 * name do not matter), stores and audits it. `text` is the secret, shown this once. `owner` and
 * `actor` name who asked for it. 0; LG_EINVAL (name), the store's errors.
 */
struct lg_token_spec {
    struct lg_str name;  /* 1..LG_MAX_PRINCIPAL_TEXT bytes */
    struct lg_str owner; /* whom it is for; may be empty */
    const struct lg_principal *rights;
    lg_time expires_at; /* 0: never */
    struct lg_str actor, request_id;
    /* Told the secret before the token counts, so that no power loss leaves one that is known to
     * nobody; a negative answer ends it and is returned. NULL: none. */
    int (*keep)(void *ctx, const char *text);
    void *keep_ctx;
};
int lg_token_issue(struct lg_admin_store *admin, lg_time now, const struct lg_token_spec *spec,
        char text[LG_TOKEN_CHARS + 1], struct lg_token *ret) LG_MUST_CHECK;

/* How a person or token is named in history, feedback and audit rows: "NAME (ID)". */
#define LG_ACTOR_MAX 200
struct lg_str lg_actor_text(const struct lg_principal *pr, char out[LG_ACTOR_MAX]);

#endif
