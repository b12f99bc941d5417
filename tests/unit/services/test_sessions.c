#include "lg_test.h"

#include <ftw.h>
#include <pthread.h>

#include "base/mem.h"
#include "services/sessions.h"
#include "store/alert_store.h"

/* The table of open sessions, and what the store keeps of it. */

#define NOW INT64_C(1700000000000000000)
#define MINUTE (60 * LG_NS_PER_SEC)
#define IDLE (10 * MINUTE)
#define MAX (60 * MINUTE)

static char dir[64];
static struct lg_alert_store *store;

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
    (void)sb;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int setup(void **state)
{
    struct lg_err err = {0};
    char path[128];

    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/lg-sessions-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/alerts.db", dir);
    if (lg_sqlite_alert_store_open(path, &store, &err) < 0)
        fail_msg("%s", err.text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lg_alert_store_close(store);
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static struct lg_sessions *open_table(lg_time now)
{
    struct lg_sessions *ss;

    assert_int_equal(lg_sessions_new(store->admin, IDLE, MAX, now, &ss), 0);
    return ss;
}

static uint64_t open_at(
        struct lg_sessions *ss, const char *token, lg_time now, char text[LG_SESSION_TEXT + 1])
{
    struct lg_session s;

    assert_int_equal(lg_sessions_open(ss, lg_str_z(token), 0, now, text, &s), 0);
    assert_int_not_equal(s.id, 0);
    assert_int_equal(s.expires_at, now + MAX);
    return s.id;
}

static int find(struct lg_sessions *ss, const char *text, lg_time now)
{
    struct lg_session s;

    return lg_sessions_find(ss, lg_str_z(text), now, true, &s);
}

static const char *const a_token = "aaaaaaaaaaaaaaaa", *const b_token = "bbbbbbbbbbbbbbbb";

static void test_opens_and_closes(void **state)
{
    struct lg_sessions *ss = open_table(NOW);
    char one[LG_SESSION_TEXT + 1], two[LG_SESSION_TEXT + 1], csrf[LG_SESSION_CSRF + 1];
    uint64_t id = open_at(ss, a_token, NOW, one);
    struct lg_session s;

    (void)state;
    (void)open_at(ss, b_token, NOW, two);
    assert_string_not_equal(one, two);
    assert_int_equal(lg_sessions_find(ss, lg_str_z(two), NOW + 1, true, &s), 0);
    assert_string_equal(s.token_id, b_token);
    assert_int_equal(s.seen_at, NOW + 1);
    assert_true(lg_sessions_is_open(ss, id, NOW));
    assert_int_equal(lg_sessions_count(ss, NOW), 2);
    assert_int_equal(lg_sessions_close(ss, lg_str_z(one)), 0);
    assert_int_equal(find(ss, one, NOW), LG_ENOENT);
    assert_false(lg_sessions_is_open(ss, id, NOW));
    assert_int_equal(lg_sessions_close(ss, lg_str_z(one)), LG_ENOENT);
    assert_int_equal(find(ss, "", NOW), LG_ENOENT);
    assert_int_equal(find(ss, "zz", NOW), LG_ENOENT);
    assert_int_equal(lg_session_csrf(LG_STR("zz"), csrf), LG_EPARSE);
    assert_int_equal(lg_session_csrf(lg_str_z(two), csrf), 0);
    assert_int_equal(find(ss, csrf, NOW), LG_ENOENT);
    assert_int_equal(lg_sessions_open(ss, LG_STR("short"), 0, NOW, one, &s), LG_EINVAL);
    lg_sessions_free(ss);
}

static void test_ends(void **state)
{
    struct lg_sessions *ss = open_table(NOW);
    char text[LG_SESSION_TEXT + 1];
    uint64_t id = open_at(ss, a_token, NOW, text);
    struct lg_session s;

    (void)state;
    for (lg_time t = NOW; t < NOW + MAX; t += IDLE - 1)
        assert_int_equal(find(ss, text, t), 0);
    assert_int_equal(find(ss, text, NOW + MAX), LG_ENOENT);
    assert_false(lg_sessions_is_open(ss, id, NOW + MAX));
    id = open_at(ss, a_token, NOW, text);
    assert_int_equal(lg_sessions_find(ss, lg_str_z(text), NOW + IDLE - 1, false, &s), 0);
    assert_int_equal(s.seen_at, NOW); /* looked at, not used */
    assert_false(lg_sessions_is_open(ss, id, NOW + IDLE));
    assert_int_equal(find(ss, text, NOW + IDLE), LG_ENOENT);
    assert_int_equal(find(ss, text, NOW), LG_ENOENT); /* a clock that steps back revives nothing */
    assert_int_equal(lg_sessions_open(ss, lg_str_z(a_token), NOW + MINUTE, NOW, text, &s), 0);
    assert_int_equal(s.expires_at, NOW + MINUTE);
    assert_int_equal(find(ss, text, NOW + MINUTE), LG_ENOENT);
    lg_sessions_free(ss);
}

static void test_restart(void **state)
{
    struct lg_sessions *ss = open_table(NOW);
    char kept[LG_SESSION_TEXT + 1], closed[LG_SESSION_TEXT + 1], idle[LG_SESSION_TEXT + 1];
    struct lg_session_row *rows;
    struct lg_arena a;
    struct lg_session s;
    uint32_t n;

    (void)state;
    (void)open_at(ss, a_token, NOW, kept);
    (void)open_at(ss, a_token, NOW, closed);
    (void)open_at(ss, a_token, NOW, idle);
    assert_int_equal(find(ss, kept, NOW + 9 * MINUTE), 0);
    assert_int_equal(lg_sessions_close(ss, lg_str_z(closed)), 0);
    lg_sessions_free(ss);

    ss = open_table(NOW + 15 * MINUTE);
    assert_int_equal(find(ss, closed, NOW + 15 * MINUTE), LG_ENOENT);
    assert_int_equal(find(ss, idle, NOW + 15 * MINUTE), LG_ENOENT);
    assert_int_equal(lg_sessions_find(ss, lg_str_z(kept), NOW + 15 * MINUTE, true, &s), 0);
    assert_int_equal(s.expires_at, NOW + MAX);
    assert_string_equal(s.token_id, a_token);
    lg_sessions_free(ss);

    /* a shorter life counts for those that are open */
    assert_int_equal(lg_sessions_new(store->admin, IDLE, 10 * MINUTE, NOW + 16 * MINUTE, &ss), 0);
    assert_int_equal(find(ss, kept, NOW + 16 * MINUTE), LG_ENOENT);
    lg_sessions_free(ss);

    /* what is over leaves the store with the next sign-in; no secret ever was there */
    ss = open_table(NOW + 2 * MAX);
    (void)open_at(ss, b_token, NOW + 2 * MAX, closed);
    lg_arena_init(&a, 1u << 20);
    assert_int_equal(store->admin->ops->session_all(store->admin, 10, &a, &rows, &n), 0);
    assert_int_equal(n, 1);
    assert_true(lg_str_eq(rows[0].token_id, lg_str_z(b_token)));
    lg_arena_done(&a);
    lg_sessions_free(ss);
}

static void test_damaged_rows_sign_nobody_in(void **state)
{
    struct lg_session_row rows[] = {
            {.hash = {1},
                    .token_id = LG_STR("x"),
                    .created_at = NOW,
                    .expires_at = NOW + MAX,
                    .seen_at = NOW},
            {.hash = {2},
                    .token_id = LG_STR("aaaaaaaaaaaaaaaa"),
                    .created_at = INT64_MAX,
                    .expires_at = INT64_MAX,
                    .seen_at = INT64_MAX},
            {.hash = {3},
                    .token_id = LG_STR("aaaaaaaaaaaaaaaa"),
                    .created_at = -1,
                    .expires_at = INT64_MAX,
                    .seen_at = NOW},
            {.hash = {4},
                    .token_id = LG_STR("aaaaaaaaaaaaaaaa"),
                    .created_at = NOW,
                    .expires_at = INT64_MAX,
                    .seen_at = NOW},
    };
    struct lg_sessions *ss;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(store->admin->ops->session_put(store->admin, &rows[i]), 0);
    assert_int_not_equal(store->admin->ops->session_put(store->admin, &rows[0]), 0);
    ss = open_table(NOW);
    assert_int_equal(lg_sessions_count(ss, NOW), 1);
    assert_int_equal(lg_sessions_count(ss, NOW + MAX), 0);
    lg_sessions_free(ss);
}

static void test_bounded(void **state)
{
    struct lg_sessions *ss = open_table(NOW);
    char first[LG_SESSION_TEXT + 1], second[LG_SESSION_TEXT + 1], text[LG_SESSION_TEXT + 1];
    char token[LG_TOKEN_ID_CHARS + 1];
    struct lg_session_row *rows;
    struct lg_arena a;
    uint32_t n;

    (void)state;
    (void)open_at(ss, a_token, NOW, first);
    (void)open_at(ss, a_token, NOW + 1, second);
    assert_int_equal(find(ss, first, NOW + 2), 0); /* now the second was idle longest */
    for (int i = 2; i <= LG_SESSIONS_PER_TOKEN; i++)
        (void)open_at(ss, a_token, NOW + 1 + i, text);
    assert_int_equal(lg_sessions_count(ss, NOW + 100), LG_SESSIONS_PER_TOKEN);
    assert_int_equal(find(ss, second, NOW + 100), LG_ENOENT);
    assert_int_equal(find(ss, first, NOW + 100), 0);
    for (int i = LG_SESSIONS_PER_TOKEN; i <= LG_SESSIONS_MAX; i++) {
        (void)snprintf(token, sizeof(token), "cccccccccccc%04u", (unsigned)i % 10000);
        (void)open_at(ss, token, NOW + 1000 + i, text);
    }
    assert_int_equal(lg_sessions_count(ss, NOW + 3000), LG_SESSIONS_MAX);
    assert_int_equal(find(ss, text, NOW + 3000), 0);
    lg_arena_init(&a, 1u << 22);
    assert_int_equal(store->admin->ops->session_all(store->admin, 9999, &a, &rows, &n), 0);
    assert_int_equal(n, LG_SESSIONS_MAX);
    lg_arena_done(&a);
    lg_sessions_free(ss);
}

/* ---- several at once ---- */

#define THREADS 4
#define ROUNDS 40

static void *sit(void *ctx)
{
    struct lg_sessions *ss = ctx;
    char text[LG_SESSION_TEXT + 1];
    struct lg_session s;
    intptr_t wrong = 0;

    for (int i = 0; i < ROUNDS; i++) {
        const lg_time now = NOW;

        if (lg_sessions_open(ss, lg_str_z(i % 2 == 0 ? a_token : b_token), 0, now, text, &s) < 0)
            return (void *)(intptr_t)1;
        wrong += lg_sessions_find(ss, lg_str_z(text), now + 2 * MINUTE, true, &s) !=
                0; /* is stored */
        wrong += !lg_sessions_is_open(ss, s.id, now);
        wrong += lg_sessions_close(ss, lg_str_z(text)) != 0;
        wrong += lg_sessions_is_open(ss, s.id, now);
    }
    return (void *)wrong;
}

static void test_threads(void **state)
{
    struct lg_sessions *ss = open_table(NOW);
    struct lg_session_row *rows;
    pthread_t threads[THREADS];
    struct lg_arena a;
    uint32_t n;

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sit, ss), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;

        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(lg_sessions_count(ss, NOW), 0);
    lg_arena_init(&a, 1u << 20);
    assert_int_equal(store->admin->ops->session_all(store->admin, 10, &a, &rows, &n), 0);
    assert_int_equal(n, 0); /* being seen brought none of them back */
    lg_arena_done(&a);
    lg_sessions_free(ss);
}

/* Two processes of the dashboard over one store. */
static void test_shared(void **state)
{
    const lg_time later = NOW + LG_SESSIONS_SHARE_NS;
    struct lg_sessions *a, *b;
    char text[LG_SESSION_TEXT + 1];
    struct lg_session s;

    (void)state;
    a = open_table(NOW);
    b = open_table(NOW);
    (void)open_at(a, "aaaaaaaaaaaaaaaa", NOW, text);
    assert_int_equal(lg_sessions_find(b, lg_str_z(text), NOW, true, &s), LG_ENOENT);
    assert_int_equal(lg_sessions_find(b, lg_str_z(text), later, true, &s), 0);
    assert_true(lg_sessions_is_open(b, s.id, later));
    assert_int_equal(lg_sessions_find(a, lg_str_z(text), later, true, &s), 0);
    assert_int_equal(lg_sessions_close(b, lg_str_z(text)), 0);
    assert_int_equal(lg_sessions_find(a, lg_str_z(text), later, true, &s), 0);
    assert_int_equal(
            lg_sessions_find(a, lg_str_z(text), later + LG_SESSIONS_SHARE_NS, true, &s), LG_ENOENT);
    assert_int_equal(lg_sessions_count(a, later), 0);
    /* one that was opened here in the same moment is not taken for one that others closed */
    (void)open_at(a, "aaaaaaaaaaaaaaaa", later + 2 * LG_SESSIONS_SHARE_NS, text);
    assert_int_equal(
            lg_sessions_find(a, lg_str_z(text), later + 2 * LG_SESSIONS_SHARE_NS, true, &s), 0);
    lg_sessions_free(a);
    lg_sessions_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
            T(test_opens_and_closes),
            T(test_ends),
            T(test_restart),
            T(test_damaged_rows_sign_nobody_in),
            T(test_bounded),
            T(test_shared),
            T(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
