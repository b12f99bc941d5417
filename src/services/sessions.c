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
#define GONE 64                            /* remembered of those that ended last */

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
    lg_time shared_at; /* when the store was read last */
    /* Those that ended while the store was being read must not come back by what was read. */
    uint8_t gone[GONE][32];
    uint64_t n_gone;
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
    memcpy(ss->gone[ss->n_gone++ % GONE], ss->v[i].hash, 32);
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

/* False for a damaged row, which signs nobody in, and for one that is over. */
static bool read_row(const struct lg_sessions *ss, const struct lg_session_row *row, lg_time now,
        struct entry *ret)
{
    *ret = (struct entry){.saved_at = row->seen_at,
            .s = {.created_at = row->created_at,
                    .expires_at = row->expires_at,
                    .seen_at = row->seen_at}};
    if (row->token_id.n != LG_TOKEN_ID_CHARS || row->created_at < 0 ||
            row->created_at > now + ss->max_ns)
        return false;
    memcpy(ret->hash, row->hash, sizeof(ret->hash));
    memcpy(ret->s.token_id, row->token_id.p, LG_TOKEN_ID_CHARS);
    /* a shorter dashboard.session_max counts for those that are open already */
    if (ret->s.expires_at > ret->s.created_at + ss->max_ns)
        ret->s.expires_at = ret->s.created_at + ss->max_ns;
    return !over(ss, &ret->s, now);
}

static bool among(const struct lg_session_row *rows, uint32_t n, const uint8_t hash[32])
{
    for (uint32_t i = 0; i < n; i++)
        if (memcmp(rows[i].hash, hash, 32) == 0)
            return true;
    return false;
}

static bool gone_since(const struct lg_sessions *ss, uint64_t n_gone, const uint8_t hash[32])
{
    if (ss->n_gone - n_gone > GONE)
        return true; /* nobody knows; the next reading will tell */
    for (uint64_t i = n_gone; i < ss->n_gone; i++)
        if (memcmp(ss->gone[i % GONE], hash, 32) == 0)
            return true;
    return false;
}

/* Where the table was when the reading began. */
struct mark {
    uint64_t last_id, n_gone;
};

/* Caller holds the lock. What was opened or ended here since `from` is not in the rows yet. */
static void merge(struct lg_sessions *ss, const struct lg_session_row *rows, uint32_t n,
        struct mark from, lg_time now)
{
    for (size_t i = ss->n; i > 0; i--)
        if (ss->v[i - 1].s.id <= from.last_id && !among(rows, n, ss->v[i - 1].hash))
            drop(ss, i - 1);
    for (uint32_t i = 0; i < n; i++) {
        struct entry *known = find(ss, rows[i].hash), e;

        if (known != NULL && rows[i].seen_at > known->s.seen_at)
            known->s.seen_at = known->saved_at = rows[i].seen_at;
        if (known != NULL || ss->n == LG_SESSIONS_MAX ||
                gone_since(ss, from.n_gone, rows[i].hash) || !read_row(ss, &rows[i], now, &e))
            continue;
        e.s.id = ++ss->last_id;
        ss->v[ss->n++] = e;
    }
}

static int load(struct lg_sessions *ss, lg_time now)
{
    struct lg_session_row *rows;
    struct lg_arena arena;
    struct mark from;
    uint32_t n = 0;
    int rc;

    (void)pthread_mutex_lock(&ss->mu);
    from = (struct mark){ss->last_id, ss->n_gone};
    (void)pthread_mutex_unlock(&ss->mu);
    lg_arena_init(&arena, SESSIONS_ARENA);
    rc = ss->admin->ops->session_all(ss->admin, LG_SESSIONS_MAX, &arena, &rows, &n);
    (void)pthread_mutex_lock(&ss->mu);
    if (rc == 0)
        merge(ss, rows, n, from, now);
    (void)pthread_mutex_unlock(&ss->mu);
    lg_arena_done(&arena);
    return rc;
}

/* What other processes did; a store that does not answer leaves things as they are. */
static void share(struct lg_sessions *ss, lg_time now)
{
    bool due;

    (void)pthread_mutex_lock(&ss->mu);
    due = now - ss->shared_at >= LG_SESSIONS_SHARE_NS || now < ss->shared_at;
    if (due)
        ss->shared_at = now;
    (void)pthread_mutex_unlock(&ss->mu);
    if (due && load(ss, now) < 0)
        lg_log(LG_LOG_WARN, "dashboard", "the store does not tell of sessions", "known=kept");
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
    ss->shared_at = now;
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
    bool save = false, ended;

    if (hash_of(text, hash) < 0)
        return LG_ENOENT;
    share(ss, now);
    (void)pthread_mutex_lock(&ss->mu);
    e = find(ss, hash);
    ended = e != NULL && over(ss, &e->s, now);
    if (ended) {
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
    /* so that no clock that steps back finds it there again */
    if (ended && ss->admin->ops->session_delete(ss->admin, hash) < 0)
        lg_log(LG_LOG_WARN, "dashboard", "a session is still in the store", "reason=\"over\"");
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
