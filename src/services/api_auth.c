#include "services/api_auth.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "access/ratelimit.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"
#include "services/api_int.h"

#define AUTH_MAX_CACHED 4096u
#define AUTH_MAX_REFUSED 256u
#define AUTH_ARENA ((size_t)1 << 20)
#define LEARN_ARENA ((size_t)64 << 20)
#define LOOKUP_COST 1000u /* fractions of a lookup a second count too */
#define LOOKUP_BURST 50u
#define HOUR_NS (INT64_C(3600) * LG_NS_PER_SEC)

/* One token as the store had it a moment ago. */
struct cached {
    char id[LG_TOKEN_ID_CHARS + 1];
    uint8_t hash[LG_TOKEN_HASH_BYTES];
    char name[LG_MAX_PRINCIPAL_TEXT + 1];
    const struct lg_principal *pr;
    lg_time expires_at; /* 0: never */
    lg_time loaded_at;  /* by the clock */
    lg_time retry_at;   /* the store did not answer: not asked again before this */
    bool revoked;
    bool used;    /* its first use is in the audit log */
    lg_time hour; /* that `uses` counts */
    uint64_t uses;
};

/* Refusals of one kind from one address in one hour: one row at the first, one for the rest. */
struct refused {
    char from[64];
    const char *reason;
    lg_time hour;
    uint64_t more; /* after the first */
};

struct lg_auth {
    struct lg_admin_store *admin;
    lg_time (*clock)(void *ctx);
    void *clock_ctx;
    pthread_mutex_t mu;
    struct lg_map by_id; /* hash of the id -> index */
    struct cached *tokens;
    size_t n;
    struct refused refused[AUTH_MAX_REFUSED];
    size_t n_refused;
    bool (*session_open)(void *ctx, uint64_t session);
    void *session_ctx;
    _Atomic int64_t grace_ns;
    struct lg_ratelimit *unknown; /* lookups of ids that are not cached, by address */
};

static lg_time now_of(const struct lg_auth *au)
{
    if (au->clock != NULL)
        return au->clock(au->clock_ctx);
    return lg_clock_wall();
}

/* ---- the audit log ---- */

static void audit_uses(struct lg_auth *au, const struct cached *c, const char *action,
        uint64_t count, lg_time at, struct lg_str from)
{
    int rc = api_token_audit(au->admin, at, c->pr,
            &(struct api_token_deed){
                    .action = action,
                    .token_id = lg_str_z(c->id),
                    .name = lg_str_z(c->name),
                    .actor = lg_str_z(c->id),
                    .count = count,
                    .from = from,
            });

    if (rc < 0)
        lg_log(LG_LOG_ERROR, "auth", "audit row not written", "action=%s error=%s", action,
                lg_err_name(rc));
}

static void audit_refused(
        struct lg_auth *au, const struct refused *r, uint64_t count, struct lg_str token_id)
{
    struct lg_buf detail;
    struct lg_jw w;
    int rc;

    lg_buf_init(&detail, 1024);
    lg_jw_init(&w, &detail);
    lg_jw_object(&w);
    LG_JW_STR(&w, "from", lg_str_z(r->from));
    LG_JW_STR(&w, "reason", lg_str_z(r->reason));
    LG_JW_U64(&w, "count", count);
    lg_jw_object_end(&w);
    rc = detail.failed;
    if (rc == 0)
        rc = lg_audit(au->admin, now_of(au), LG_STR(""), LG_STR("unknown"), "login.refused",
                token_id, lg_buf_str(&detail), LG_STR(""));
    lg_buf_done(&detail);
    if (rc < 0)
        lg_log(LG_LOG_ERROR, "auth", "audit row not written", "action=login.refused error=%s",
                lg_err_name(rc));
}

/* Counts a refusal; the first of its kind in an hour is written at once. An attacker with many
 * addresses ends in one common line, so that the log cannot be flooded. */
static void note_refused(
        struct lg_auth *au, struct lg_str from, const char *reason, struct lg_str token_id)
{
    lg_time hour = now_of(au) / HOUR_NS * HOUR_NS;
    struct refused *r = NULL, first;
    bool write;

    pthread_mutex_lock(&au->mu);
    if (from.n >= sizeof(au->refused[0].from))
        from.n = sizeof(au->refused[0].from) - 1;
    for (size_t i = 0; r == NULL && i < au->n_refused; i++)
        if (au->refused[i].reason == reason && lg_str_eq(lg_str_z(au->refused[i].from), from))
            r = &au->refused[i];
    write = r == NULL;
    if (r == NULL && au->n_refused < AUTH_MAX_REFUSED - 1) {
        r = &au->refused[au->n_refused++];
        *r = (struct refused){.reason = reason, .hour = hour};
        memcpy(r->from, from.p, from.n);
    } else if (r == NULL) {
        r = &au->refused[AUTH_MAX_REFUSED - 1];
        write = r->reason == NULL;
        if (r->reason == NULL) {
            *r = (struct refused){.from = "many", .reason = "refused", .hour = hour};
            au->n_refused = AUTH_MAX_REFUSED;
        }
    }
    if (!write)
        r->more++;
    first = *r;
    pthread_mutex_unlock(&au->mu);
    if (write)
        audit_refused(au, &first, 1, token_id);
}

/* ---- the cache ---- */

static uint64_t key_of(const char *id)
{
    return lg_hash64(id, LG_TOKEN_ID_CHARS, lg_hash_secret());
}

/* Caller holds the lock. */
static struct cached *find(struct lg_auth *au, const char *id)
{
    const uint64_t *at = lg_map_get(&au->by_id, key_of(id));

    if (at == NULL || memcmp(au->tokens[*at].id, id, LG_TOKEN_ID_CHARS) != 0)
        return NULL;
    return &au->tokens[*at];
}

struct skip_ctx {
    struct lg_auth *au;
    struct lg_arena *arena;
    int rc;
};

/* Rights in a disabled tenant are as if they had not been given. */
static bool skip_disabled(void *user, struct lg_str tenant)
{
    struct skip_ctx *ctx = user;
    struct lg_tenant_row row;
    int rc;

    if (lg_str_eq(tenant, LG_TENANT_ALL))
        return false;
    rc = ctx->au->admin->ops->tenant_get(ctx->au->admin, tenant, ctx->arena, &row);
    if (rc == LG_ENOENT)
        return false;
    if (rc < 0)
        ctx->rc = rc;
    return rc < 0 || row.disabled_at != 0;
}

/* The cache's form of a stored token, with a reference to a new principal. */
static int from_row(struct lg_auth *au, const struct lg_token_row *row, struct lg_arena *arena,
        struct cached *ret)
{
    struct lg_principal *pr = NULL;
    struct skip_ctx skip = {.au = au, .arena = arena};
    int rc = row->token_id.n == LG_TOKEN_ID_CHARS ? 0 : LG_ECORRUPT;

    if (rc == 0)
        rc = lg_principal_new(LG_PRINCIPAL_TOKEN, row->token_id, row->name, &pr);
    if (rc == 0)
        rc = lg_grants_read(row->grants, skip_disabled, &skip, pr);
    if (rc == 0)
        rc = skip.rc;
    if (rc < 0) {
        lg_principal_unref(pr);
        return rc;
    }
    lg_principal_set_expiry(pr, row->expires_at);
    *ret = (struct cached){
            .pr = pr,
            .expires_at = row->expires_at,
            .loaded_at = now_of(au),
            .revoked = row->revoked_at != 0,
            .used = row->first_used_at != 0,
    };
    memcpy(ret->id, row->token_id.p, LG_TOKEN_ID_CHARS);
    memcpy(ret->hash, row->hash, sizeof(ret->hash));
    memcpy(ret->name, row->name.p,
            row->name.n < LG_MAX_PRINCIPAL_TEXT ? row->name.n : LG_MAX_PRINCIPAL_TEXT);
    return 0;
}

static int load(struct lg_auth *au, const char *id, struct cached *ret)
{
    struct lg_arena arena;
    struct lg_token_row row;
    int rc;

    lg_arena_init(&arena, AUTH_ARENA);
    rc = au->admin->ops->token_get(au->admin, lg_str_of(id, LG_TOKEN_ID_CHARS), &arena, &row);
    if (rc == 0)
        rc = from_row(au, &row, &arena, ret);
    lg_arena_done(&arena);
    return rc;
}

/* Puts what was loaded in the cache, keeping the counts of what it replaces. Takes fresh->pr.
 * Caller holds the lock. When all places are taken the token is used without one. */
static struct cached *keep(struct lg_auth *au, const struct cached *fresh)
{
    struct cached *c = find(au, fresh->id);

    if (c != NULL) {
        lg_time hour = c->hour;
        uint64_t uses = c->uses;
        bool used = c->used;

        lg_principal_unref(c->pr);
        *c = *fresh;
        c->hour = hour;
        c->uses = uses;
        c->used = c->used || used;
        return c;
    }
    if (au->n == AUTH_MAX_CACHED ||
            lg_map_get(&au->by_id, key_of(fresh->id)) != NULL || /* two ids, one hash */
            lg_map_put(&au->by_id, key_of(fresh->id), au->n) < 0)
        return NULL;
    au->tokens[au->n] = *fresh;
    return &au->tokens[au->n++];
}

/* Every live token is known from the start on: what is looked up later is new, or nobody's, and an
 * address that tries many of those can be slowed down without locking others out. */
static int learn_all(struct lg_auth *au)
{
    struct lg_arena arena;
    struct lg_token_row *rows;
    uint32_t n;
    int rc;

    lg_arena_init(&arena, LEARN_ARENA);
    rc = au->admin->ops->token_all(au->admin, &arena, &rows, &n);
    for (uint32_t i = 0; rc == 0 && i < n && au->n < AUTH_MAX_CACHED; i++) {
        struct cached c;

        if (rows[i].revoked_at != 0)
            continue;
        rc = from_row(au, &rows[i], &arena, &c);
        if (rc == 0 && keep(au, &c) == NULL)
            lg_principal_unref(c.pr);
        if (rc == LG_ECORRUPT || rc == LG_EPARSE || rc == LG_EINVAL)
            rc = 0; /* one damaged row locks out its token only */
    }
    lg_arena_done(&arena);
    return rc;
}

void lg_auth_learn(struct lg_auth *au, struct lg_str token_id)
{
    struct cached c;

    if (token_id.n != LG_TOKEN_ID_CHARS || load(au, token_id.p, &c) < 0)
        return; /* it is looked up at its first use then */
    pthread_mutex_lock(&au->mu);
    if (keep(au, &c) == NULL)
        lg_principal_unref(c.pr);
    pthread_mutex_unlock(&au->mu);
}

void lg_auth_grace(struct lg_auth *au, int64_t grace_ns)
{
    atomic_store(&au->grace_ns, grace_ns);
}

void lg_auth_limit(struct lg_auth *au, double failures_per_s)
{
    lg_ratelimit_set(au->unknown, (uint64_t)(failures_per_s * LOOKUP_COST) + 1,
            (uint64_t)(LOOKUP_BURST * LOOKUP_COST));
}

int lg_auth_new(struct lg_admin_store *admin, lg_time (*clock)(void *ctx), void *clock_ctx,
        struct lg_auth **ret)
{
    struct lg_auth *au = lg_calloc(1, sizeof(*au));
    int rc;

    if (au == NULL)
        return LG_ENOMEM;
    au->admin = admin;
    au->clock = clock;
    au->clock_ctx = clock_ctx;
    lg_map_init(&au->by_id);
    if (pthread_mutex_init(&au->mu, NULL) != 0) {
        lg_free(au);
        return LG_ENOMEM;
    }
    au->tokens = lg_calloc(AUTH_MAX_CACHED, sizeof(*au->tokens));
    rc = au->tokens != NULL
            ? lg_ratelimit_new(LOOKUP_COST, LOOKUP_BURST * LOOKUP_COST, 4096, &au->unknown)
            : LG_ENOMEM;
    if (rc == 0)
        rc = learn_all(au);
    if (rc < 0) {
        lg_auth_free(au);
        return rc;
    }
    *ret = au;
    return 0;
}

/* Sends events or reads metrics, and may do nothing else. */
static bool is_machine(const struct lg_principal *pr)
{
    uint32_t all = 0, roles;

    for (size_t i = 0; i < lg_principal_grants(pr); i++) {
        (void)lg_principal_grant_at(pr, i, &roles);
        all |= roles;
    }
    return (all & ~(uint32_t)LG_ROLE_INGEST) == 0 && lg_principal_platform_roles(pr) == 0 &&
            (lg_principal_scopes(pr) & ~(uint32_t)LG_SCOPE_METRICS) == 0;
}

/* May what is cached still stand in for a store that does not answer? Caller holds the lock. */
static bool in_grace(const struct lg_auth *au, const struct cached *c, lg_time now)
{
    return c->loaded_at >= 0 && now >= c->loaded_at &&
            now - c->loaded_at < atomic_load(&au->grace_ns) && is_machine(c->pr);
}

static void copy_of(const struct cached *c, struct cached *ret)
{
    *ret = *c;
    ret->pr = lg_principal_ref(c->pr);
}

/* The store did not answer: what is cached, if it may still count. One request of a token asks the
 * store again now and then, the others do not wait for it. */
static int stand_in(struct lg_auth *au, const char *id, lg_time now, struct cached *ret)
{
    struct cached *c;
    int rc = LG_EIO;

    pthread_mutex_lock(&au->mu);
    c = find(au, id);
    if (c != NULL && in_grace(au, c, now)) {
        c->retry_at = now + LG_AUTH_CACHE_NS;
        copy_of(c, ret);
        rc = 0;
    }
    pthread_mutex_unlock(&au->mu);
    return rc;
}

/* A copy of the token's state not older than LG_AUTH_CACHE_NS, or than its grace while the store
 * does not answer, with a reference. */
static int lookup(struct lg_auth *au, const char *id, struct lg_str from, struct cached *ret)
{
    lg_time now = now_of(au);
    struct cached *c, fresh;
    bool known;
    int rc = 0;

    pthread_mutex_lock(&au->mu);
    c = find(au, id);
    known = c != NULL;
    if (known &&
            ((now - c->loaded_at < LG_AUTH_CACHE_NS && now >= c->loaded_at) ||
                    (now < c->retry_at && in_grace(au, c, now)))) {
        copy_of(c, ret);
        pthread_mutex_unlock(&au->mu);
        return 0;
    }
    if (known && c->retry_at != 0) /* the store was away: this request asks it, others go on */
        c->retry_at = now + LG_AUTH_CACHE_NS;
    pthread_mutex_unlock(&au->mu);
    if (!known && lg_ratelimit_take(au->unknown, from, LOOKUP_COST, now, NULL) < 0)
        return LG_EREFUSED;
    rc = load(au, id, &fresh);
    if (rc < 0 && rc != LG_ENOENT && rc != LG_ENOMEM && known && stand_in(au, id, now, ret) == 0)
        return 0;
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&au->mu);
    *ret = fresh;
    ret->pr = lg_principal_ref(fresh.pr);
    if (keep(au, &fresh) == NULL)
        lg_principal_unref(fresh.pr);
    pthread_mutex_unlock(&au->mu);
    return 0;
}

/* The first use is written before it is marked: a crash between writes it twice, never not at all. */
static void note_use(struct lg_auth *au, const struct cached *c, struct lg_str from)
{
    lg_time now = now_of(au), hour = now / HOUR_NS * HOUR_NS, flush_at = 0;
    bool first = !c->used, new_hour = false;
    struct cached *in;
    uint64_t flush = 0;

    pthread_mutex_lock(&au->mu);
    in = find(au, c->id);
    if (in != NULL) {
        first = !in->used;
        in->used = true;
        new_hour = in->hour != hour;
        if (new_hour) {
            flush = in->uses;
            flush_at = in->hour;
            in->uses = 0;
            in->hour = hour;
        }
        in->uses++;
    }
    pthread_mutex_unlock(&au->mu);
    if (flush > 0)
        audit_uses(au, c, "token.used", flush, flush_at + HOUR_NS - 1, LG_STR(""));
    if (first)
        audit_uses(au, c, "token.first_use", 0, now, from);
    if (first || new_hour) /* the store keeps the time of the last use by the hour */
        (void)au->admin->ops->token_used(au->admin, lg_str_z(c->id), now, &first);
}

int lg_auth_token(struct lg_auth *au, const struct lg_token *token, struct lg_str from,
        const struct lg_principal **ret)
{
    struct cached c;
    const char *reason = NULL;
    int rc = lookup(au, token->id, from, &c);

    if (rc == LG_ENOENT)
        reason = "unknown token";
    else if (rc == LG_EREFUSED)
        reason = "too many unknown tokens";
    else if (rc < 0)
        return rc == LG_ENOMEM ? rc : LG_EIO;
    else if (!lg_token_verify(token, c.hash))
        reason = "wrong secret";
    else if (c.revoked)
        reason = "revoked token";
    else if (c.expires_at != 0 && now_of(au) >= c.expires_at)
        reason = "expired token";
    if (reason != NULL) {
        note_refused(au, from, reason, rc == 0 ? lg_str_z(token->id) : LG_STR(""));
        if (rc == 0)
            lg_principal_unref(c.pr);
        return LG_EREFUSED;
    }
    note_use(au, &c, from);
    *ret = c.pr;
    return 0;
}

int lg_auth_by_id(struct lg_auth *au, struct lg_str token_id, struct lg_str from,
        const struct lg_principal **ret)
{
    char id[LG_TOKEN_ID_CHARS + 1] = {0};
    struct cached c;
    int rc;

    if (token_id.n != LG_TOKEN_ID_CHARS)
        return LG_EREFUSED;
    memcpy(id, token_id.p, LG_TOKEN_ID_CHARS);
    rc = lookup(au, id, from, &c);
    if (rc == LG_ENOENT || rc == LG_EREFUSED)
        return LG_EREFUSED;
    if (rc < 0)
        return rc == LG_ENOMEM ? rc : LG_EIO;
    if (c.revoked || (c.expires_at != 0 && now_of(au) >= c.expires_at)) {
        lg_principal_unref(c.pr);
        return LG_EREFUSED;
    }
    note_use(au, &c, from);
    *ret = c.pr;
    return 0;
}

void lg_auth_refuse(struct lg_auth *au, struct lg_str from, const char *reason)
{
    note_refused(au, from, reason, LG_STR(""));
}

void lg_auth_sessions(struct lg_auth *au, bool (*open)(void *ctx, uint64_t session), void *open_ctx)
{
    au->session_open = open;
    au->session_ctx = open_ctx;
}

int lg_auth_http(void *auth, const struct lg_http_auth *a, const struct lg_principal **ret)
{
    if (a->scheme == LG_AUTH_NONE || a->token == NULL)
        return LG_EREFUSED;
    return lg_auth_token(auth, a->token, a->peer->address, ret);
}

/* Every right of `was` is one of `is`. */
static bool still_grants(const struct lg_principal *was, const struct lg_principal *is)
{
    if ((lg_principal_platform_roles(was) & ~lg_principal_platform_roles(is)) != 0)
        return false;
    for (size_t i = 0; i < lg_principal_grants(was); i++) {
        uint32_t roles;
        struct lg_str tenant = lg_principal_grant_at(was, i, &roles);
        uint32_t now = 0, r;

        for (size_t k = 0; k < lg_principal_grants(is); k++)
            if (lg_str_eq(lg_principal_grant_at(is, k, &r), tenant))
                now = r;
        if ((roles & ~now) != 0)
            return false;
    }
    return true;
}

bool lg_auth_still_good(struct lg_auth *au, const struct lg_principal *pr)
{
    char id[LG_TOKEN_ID_CHARS + 1] = {0};
    struct cached c;
    bool good;
    int rc;

    if (lg_principal_expired(pr, now_of(au)))
        return false;
    if (lg_principal_session(pr) != 0 && au->session_open != NULL &&
            !au->session_open(au->session_ctx, lg_principal_session(pr)))
        return false;
    if (lg_principal_kind(pr) != LG_PRINCIPAL_TOKEN)
        return true;
    if (lg_principal_id(pr).n != LG_TOKEN_ID_CHARS)
        return false;
    memcpy(id, lg_principal_id(pr).p, LG_TOKEN_ID_CHARS);
    rc = lookup(au, id, LG_STR("stream"), &c);
    if (rc < 0) /* a store that cannot be read now takes nobody's right away */
        return rc != LG_ENOENT;
    good = !c.revoked && still_grants(pr, c.pr);
    lg_principal_unref(c.pr);
    return good;
}

void lg_auth_forget(struct lg_auth *au, struct lg_str token_id)
{
    pthread_mutex_lock(&au->mu);
    for (size_t i = 0; i < au->n; i++)
        if (token_id.n == 0 || lg_str_eq(lg_str_z(au->tokens[i].id), token_id))
            au->tokens[i].loaded_at = INT64_MIN / 2; /* read again at its next use */
    pthread_mutex_unlock(&au->mu);
}

/* Takes out one count that is due; false when there is none. */
static bool due_use(struct lg_auth *au, lg_time before, struct cached *ret)
{
    bool found = false;

    pthread_mutex_lock(&au->mu);
    for (size_t i = 0; !found && i < au->n; i++) {
        struct cached *c = &au->tokens[i];

        if (c->uses == 0 || c->hour >= before)
            continue;
        *ret = *c;
        ret->pr = lg_principal_ref(c->pr);
        c->uses = 0;
        found = true;
    }
    pthread_mutex_unlock(&au->mu);
    return found;
}

static bool due_refused(struct lg_auth *au, lg_time before, struct refused *ret)
{
    bool found = false;

    pthread_mutex_lock(&au->mu);
    for (size_t i = 0; !found && i < au->n_refused; i++) {
        if (au->refused[i].hour >= before)
            continue;
        *ret = au->refused[i];
        au->refused[i] = au->refused[--au->n_refused];
        memset(&au->refused[au->n_refused], 0, sizeof(au->refused[0]));
        found = true;
    }
    pthread_mutex_unlock(&au->mu);
    return found;
}

static void flush_before(struct lg_auth *au, lg_time before)
{
    struct cached c;
    struct refused r;

    while (due_use(au, before, &c)) {
        audit_uses(au, &c, "token.used", c.uses, now_of(au), LG_STR(""));
        lg_principal_unref(c.pr);
    }
    while (due_refused(au, before, &r))
        if (r.more > 0)
            audit_refused(au, &r, r.more, LG_STR(""));
}

void lg_auth_tick(struct lg_auth *au)
{
    flush_before(au, now_of(au) / HOUR_NS * HOUR_NS);
}

void lg_auth_free(struct lg_auth *au)
{
    if (au == NULL)
        return;
    if (au->tokens != NULL)
        flush_before(au, INT64_MAX);
    for (size_t i = 0; i < au->n; i++)
        lg_principal_unref(au->tokens[i].pr);
    lg_ratelimit_free(au->unknown);
    lg_map_done(&au->by_id);
    lg_free(au->tokens);
    pthread_mutex_destroy(&au->mu);
    lg_free(au);
}
