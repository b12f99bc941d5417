#ifndef LG_SERVICES_SESSIONS_H
#define LG_SERVICES_SESSIONS_H

#include "access/token.h"
#include "base/err.h"
#include "store/admin_store.h"

/*
 * Sittings at the dashboard. Each has a random 256-bit secret that only the browser keeps; here and
 * in the store is its BLAKE2b-256. A session is bound to a token and holds no right of its own. It
 * ends when it is closed, when nothing was asked for `idle_ns`, and at its absolute end. Known ones
 * are in memory; the store has them for the next start and for other processes of the dashboard: what
 * one of those opened or closed counts here after LG_SESSIONS_SHARE_NS. Thread: any.
 */
#define LG_SESSION_TEXT 64 /* hex of the secret */
#define LG_SESSION_CSRF 64 /* hex, derived from the secret */
#define LG_SESSIONS_MAX 1024
#define LG_SESSIONS_PER_TOKEN 32
#define LG_SESSIONS_SHARE_NS (2 * LG_NS_PER_SEC)

struct lg_sessions;

struct lg_session {
    uint64_t id; /* of this process; never 0 */
    char token_id[LG_TOKEN_ID_CHARS + 1];
    lg_time created_at;
    lg_time expires_at;
    lg_time seen_at;
};

/* Reads what the store has of an earlier run. LG_ENOMEM, the store's errors. */
int lg_sessions_new(struct lg_admin_store *admin, int64_t idle_ns, int64_t max_ns, lg_time now,
        struct lg_sessions **ret) LG_MUST_CHECK;
void lg_sessions_free(struct lg_sessions *ss); /* NULL is fine */

/* Opens a session that ends at `latest` (0: no such end) or after max_ns. The one of the same token
 * that was idle longest makes room past LG_SESSIONS_PER_TOKEN; of all past LG_SESSIONS_MAX. `text`
 * is the secret. Not counted before the store has it. The store's errors, LG_EINVAL. */
int lg_sessions_open(struct lg_sessions *ss, struct lg_str token_id, lg_time latest, lg_time now,
        char text[LG_SESSION_TEXT + 1], struct lg_session *ret) LG_MUST_CHECK;
/* The session of a presented secret; `touch`: this is use. LG_ENOENT. */
int lg_sessions_find(struct lg_sessions *ss, struct lg_str text, lg_time now, bool touch,
        struct lg_session *ret) LG_MUST_CHECK;
/* Ends it, here and in the store. LG_ENOENT; the store's errors, and then it is ended here. */
int lg_sessions_close(struct lg_sessions *ss, struct lg_str text) LG_MUST_CHECK;
bool lg_sessions_is_open(struct lg_sessions *ss, uint64_t id, lg_time now);
size_t lg_sessions_count(struct lg_sessions *ss, lg_time now);

/* The CSRF token of a secret; LG_EPARSE for a text that is none. */
int lg_session_csrf(struct lg_str text, char out[LG_SESSION_CSRF + 1]) LG_MUST_CHECK;

#endif
