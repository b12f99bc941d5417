#include "services/sessions.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/encode.h"
#include "crypto/ids.h"

#define SECRET_BYTES 32
#define SESSIONS_ARENA ((size_t)4 << 20)
#define SAVE_EVERY_NS (60 * LG_NS_PER_SEC) /* how coarse the store's seen_at is */

struct entry {
    uint8_t hash[32];
    struct lg_session s;
    lg_time saved_at;
};

struct lg_sessions {
    struct lg_admin_store *admin;
    int64_t idle_ns, max_ns;
    pthread_mutex_t mu;
    struct entry *v;
    size_t n;
    uint64_t last_id;
};

/* ---- secrets ---- */

static void digest(const char *domain, const uint8_t secret[SECRET_BYTES], uint8_t out[32])
{
    uint8_t text[32 + SECRET_BYTES];
    size_t n = strlen(domain);

    LG_ASSERT(n <= 32);
    memset(text, 0, sizeof(text));
    memcpy(text, domain, n);
    memcpy(text + 32, secret, SECRET_BYTES);
    lg_blake2b_256(lg_str_of((const char *)text, sizeof(text)), out);
    lg_crypto_wipe(text, sizeof(text));
}

static int read_secret(struct lg_str text, uint8_t secret[SECRET_BYTES])
{
    if (text.n != LG_SESSION_TEXT || lg_hex_decode(text, secret, SECRET_BYTES) != SECRET_BYTES)
        return LG_EPARSE;
    return 0;
}

static int hash_of(struct lg_str text, uint8_t hash[32])
{
    uint8_t secret[SECRET_BYTES];
    int rc = read_secret(text, secret);

    if (rc == 0)
        digest("logster dashboard session", secret, hash);
    lg_crypto_wipe(secret, sizeof(secret));
    return rc;
}

int lg_session_csrf(struct lg_str text, char out[LG_SESSION_CSRF + 1])
{
    uint8_t secret[SECRET_BYTES], csrf[32];
    int rc = read_secret(text, secret);

    if (rc == 0) {
        digest("logster dashboard csrf", secret, csrf);
        lg_hex_encode(csrf, sizeof(csrf), out);
    }
    lg_crypto_wipe(secret, sizeof(secret));
    return rc;
}

/* ---- the table; callers hold the lock ---- */

static bool over(const struct lg_sessions *ss, const struct lg_session *s, lg_time now)
{
    return now >= s->expires_at || now - s->seen_at >= ss->idle_ns;
}

static void drop(struct lg_sessions *ss, size_t i)
{
    ss->v[i] = ss->v[--ss->n];
}

static void drop_over(struct lg_sessions *ss, lg_time now)
{
    for (size_t i = ss->n; i > 0; i--)
        if (over(ss, &ss->v[i - 1].s, now))
            drop(ss, i - 1);
}

static struct entry *find(struct lg_sessions *ss, const uint8_t hash[32])
{
    for (size_t i = 0; i < ss->n; i++)
        if (lg_crypto_equal(ss->v[i].hash, hash, 32))
            return &ss->v[i];
    return NULL;
}

/* The index of the one that must go so that one more of `token` fits; ss->n: none. */
static size_t victim(const struct lg_sessions *ss, struct lg_str token)
{
    size_t own = 0, oldest_own = ss->n, oldest = ss->n;

    for (size_t i = 0; i < ss->n; i++) {
        if (oldest == ss->n || ss->v[i].s.seen_at < ss->v[oldest].s.seen_at)
            oldest = i;
        if (!lg_str_eq(lg_str_z(ss->v[i].s.token_id), token))
            continue;
        own++;
        if (oldest_own == ss->n || ss->v[i].s.seen_at < ss->v[oldest_own].s.seen_at)
            oldest_own = i;
    }
    if (own >= LG_SESSIONS_PER_TOKEN)
        return oldest_own;
    return ss->n >= LG_SESSIONS_MAX ? oldest : ss->n;
}

static struct lg_session_row row_of(const struct entry *e)
{
    struct lg_session_row row = {
            .token_id = lg_str_z(e->s.token_id),
            .created_at = e->s.created_at,
            .expires_at = e->s.expires_at,
            .seen_at = e->s.seen_at,
    };

    memcpy(row.hash, e->hash, sizeof(row.hash));
    return row;
}

/* ---- up and down ---- */

static int load(struct lg_sessions *ss, lg_time now)
{
    struct lg_session_row *rows;
    struct lg_arena arena;
    uint32_t n;
    int rc;

    lg_arena_init(&arena, SESSIONS_ARENA);
    rc = ss->admin->ops->session_all(ss->admin, LG_SESSIONS_MAX, &arena, &rows, &n);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        struct entry e = {.saved_at = rows[i].seen_at,
                .s = {.id = ++ss->last_id,
                        .created_at = rows[i].created_at,
                        .expires_at = rows[i].expires_at,
                        .seen_at = rows[i].seen_at}};

        if (rows[i].token_id.n != LG_TOKEN_ID_CHARS || rows[i].created_at < 0 ||
                rows[i].created_at > now + ss->max_ns)
            continue; /* a damaged row signs nobody in */
        memcpy(e.hash, rows[i].hash, sizeof(e.hash));
        memcpy(e.s.token_id, rows[i].token_id.p, LG_TOKEN_ID_CHARS);
        /* a shorter dashboard.session_max counts for those that are open already */
        if (e.s.expires_at > e.s.created_at + ss->max_ns)
            e.s.expires_at = e.s.created_at + ss->max_ns;
        if (!over(ss, &e.s, now))
            ss->v[ss->n++] = e;
    }
    lg_arena_done(&arena);
    return rc;
}

int lg_sessions_new(struct lg_admin_store *admin, int64_t idle_ns, int64_t max_ns, lg_time now,
        struct lg_sessions **ret)
{
    struct lg_sessions *ss = lg_calloc(1, sizeof(*ss));
    int rc;

    if (ss == NULL)
        return LG_ENOMEM;
    (void)pthread_mutex_init(&ss->mu, NULL);
    ss->admin = admin;
    ss->idle_ns = idle_ns;
    ss->max_ns = max_ns;
    ss->v = lg_calloc(LG_SESSIONS_MAX, sizeof(*ss->v));
    rc = ss->v != NULL ? load(ss, now) : LG_ENOMEM;
    if (rc < 0) {
        lg_sessions_free(ss);
        return rc;
    }
    *ret = ss;
    return 0;
}

void lg_sessions_free(struct lg_sessions *ss)
{
    if (ss == NULL)
        return;
    lg_free(ss->v);
    (void)pthread_mutex_destroy(&ss->mu);
    lg_free(ss);
}

/* ---- open, find, close ---- */

static void make(struct entry *e, char text[LG_SESSION_TEXT + 1])
{
    uint8_t secret[SECRET_BYTES];

    lg_crypto_random(secret, sizeof(secret));
    lg_hex_encode(secret, sizeof(secret), text);
    digest("logster dashboard session", secret, e->hash);
    lg_crypto_wipe(secret, sizeof(secret));
}

/* Puts it in, and tells whose place it took. Caller holds the lock. */
static bool put(struct lg_sessions *ss, struct entry *e, lg_time now, uint8_t lost[32])
{
    size_t at;
    bool full;

    drop_over(ss, now);
    at = victim(ss, lg_str_z(e->s.token_id));
    full = at < ss->n;
    if (full) {
        memcpy(lost, ss->v[at].hash, 32);
        drop(ss, at);
    }
    e->s.id = ++ss->last_id;
    ss->v[ss->n++] = *e;
    return full;
}

int lg_sessions_open(struct lg_sessions *ss, struct lg_str token_id, lg_time latest, lg_time now,
        char text[LG_SESSION_TEXT + 1], struct lg_session *ret)
{
    struct entry e = {
            .s = {.created_at = now, .seen_at = now, .expires_at = now + ss->max_ns},
            .saved_at = now,
    };
    struct lg_session_row row;
    uint8_t lost[32];
    bool full;
    int rc;

    if (token_id.n != LG_TOKEN_ID_CHARS)
        return LG_EINVAL;
    memcpy(e.s.token_id, token_id.p, LG_TOKEN_ID_CHARS);
    if (latest != 0 && latest < e.s.expires_at)
        e.s.expires_at = latest;
    make(&e, text);
    row = row_of(&e);
    rc = ss->admin->ops->session_purge(ss->admin, now, now - ss->idle_ns - SAVE_EVERY_NS);
    if (rc == 0)
        rc = ss->admin->ops->session_put(ss->admin, &row);
    if (rc < 0) {
        lg_crypto_wipe(text, LG_SESSION_TEXT + 1);
        return rc;
    }
    (void)pthread_mutex_lock(&ss->mu);
    full = put(ss, &e, now, lost);
    (void)pthread_mutex_unlock(&ss->mu);
    if (full && ss->admin->ops->session_delete(ss->admin, lost) < 0)
        lg_log(LG_LOG_WARN, "dashboard", "a session is still in the store", "reason=\"too many\"");
    *ret = e.s;
    return 0;
}

int lg_sessions_find(
        struct lg_sessions *ss, struct lg_str text, lg_time now, bool touch, struct lg_session *ret)
{
    struct entry *e;
    uint8_t hash[32];
    bool save = false;

    if (hash_of(text, hash) < 0)
        return LG_ENOENT;
    (void)pthread_mutex_lock(&ss->mu);
    e = find(ss, hash);
    if (e != NULL && over(ss, &e->s, now)) {
        drop(ss, (size_t)(e - ss->v));
        e = NULL;
    }
    if (e != NULL) {
        if (touch && now > e->s.seen_at)
            e->s.seen_at = now;
        save = e->s.seen_at - e->saved_at >= SAVE_EVERY_NS;
        if (save)
            e->saved_at = e->s.seen_at;
        *ret = e->s;
    }
    (void)pthread_mutex_unlock(&ss->mu);
    if (save && ss->admin->ops->session_seen(ss->admin, hash, ret->seen_at) < 0)
        lg_log(LG_LOG_WARN, "dashboard", "use of a session is not stored", "token=%s",
                ret->token_id);
    return e != NULL ? 0 : LG_ENOENT;
}

int lg_sessions_close(struct lg_sessions *ss, struct lg_str text)
{
    uint8_t hash[32];
    struct entry *e;

    if (hash_of(text, hash) < 0)
        return LG_ENOENT;
    (void)pthread_mutex_lock(&ss->mu);
    e = find(ss, hash);
    if (e != NULL)
        drop(ss, (size_t)(e - ss->v));
    (void)pthread_mutex_unlock(&ss->mu);
    return e != NULL ? ss->admin->ops->session_delete(ss->admin, hash) : LG_ENOENT;
}

bool lg_sessions_is_open(struct lg_sessions *ss, uint64_t id, lg_time now)
{
    bool open = false;

    (void)pthread_mutex_lock(&ss->mu);
    for (size_t i = 0; !open && i < ss->n; i++)
        open = ss->v[i].s.id == id && !over(ss, &ss->v[i].s, now);
    (void)pthread_mutex_unlock(&ss->mu);
    return open;
}

size_t lg_sessions_count(struct lg_sessions *ss, lg_time now)
{
    size_t n;

    (void)pthread_mutex_lock(&ss->mu);
    drop_over(ss, now);
    n = ss->n;
    (void)pthread_mutex_unlock(&ss->mu);
    return n;
}
