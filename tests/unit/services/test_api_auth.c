/* Tokens while their store is away: who may go on sending, for how long, and who not. */
#include "services/api_fixture.h"

static struct lg_admin_store_ops ops; /* the store's own, but for one that may fail */
static int (*real_get)(
        struct lg_admin_store *, struct lg_str, struct lg_arena *, struct lg_token_row *);
static bool away;
static unsigned asked;

static int token_get(
        struct lg_admin_store *st, struct lg_str id, struct lg_arena *a, struct lg_token_row *ret)
{
    asked++;
    return away ? LG_EIO : real_get(st, id, a, ret);
}

static int setup(void **state)
{
    int rc = fix_setup(state);
    struct api_fix *f = *state;

    ops = *f->alerts->admin->ops;
    real_get = ops.token_get;
    ops.token_get = token_get;
    f->alerts->admin->ops = &ops;
    away = false;
    asked = 0;
    return rc;
}

static int use(struct api_fix *f, enum api_role role)
{
    const struct lg_principal *pr = NULL;
    struct lg_token token;
    int rc;

    assert_int_equal(lg_token_parse(lg_str_z(f->token[role]), &token), 0);
    rc = lg_auth_token(f->auth, &token, LG_STR("192.0.2.1"), &pr);
    lg_principal_unref(pr);
    return rc;
}

/* The cache of each role's token is fresh, then the store goes and the cache is stale. */
static void lose_store(struct api_fix *f)
{
    for (int role = 0; role < API_NOBODY; role++)
        (void)use(f, (enum api_role)role);
    away = true;
    f->now += 10 * LG_NS_PER_SEC;
}

static void without_grace_nobody_passes(void **state)
{
    struct api_fix *f = *state;

    lg_auth_grace(f->auth, 0);
    assert_int_equal(use(f, API_INGEST), 0);
    lose_store(f);
    assert_int_equal(use(f, API_INGEST), LG_EIO);
    away = false;
    assert_int_equal(use(f, API_INGEST), 0);
}

static void only_machines_pass(void **state)
{
    struct api_fix *f = *state;

    lose_store(f); /* with the configuration's 15 minutes */
    for (int role = 0; role < API_NOBODY; role++)
        assert_int_equal(use(f, (enum api_role)role),
                role == API_INGEST || role == API_METRICS ? 0 : LG_EIO);
}

static void the_grace_ends(void **state)
{
    struct api_fix *f = *state;

    lg_auth_grace(f->auth, 5 * API_MINUTE);
    lose_store(f);
    assert_int_equal(use(f, API_INGEST), 0);
    f->now += 4 * API_MINUTE;
    assert_int_equal(use(f, API_INGEST), 0);
    f->now += API_MINUTE;
    assert_int_equal(use(f, API_INGEST), LG_EIO);
    f->now -= 6 * API_MINUTE; /* a clock set back gives no more of it */
    assert_int_equal(use(f, API_INGEST), LG_EIO);
}

static void the_store_is_asked_now_and_then(void **state)
{
    struct api_fix *f = *state;

    lose_store(f);
    asked = 0;
    for (int i = 0; i < 100; i++)
        assert_int_equal(use(f, API_INGEST), 0);
    assert_int_equal(asked, 1);
    f->now += LG_AUTH_CACHE_NS;
    for (int i = 0; i < 100; i++)
        assert_int_equal(use(f, API_INGEST), 0);
    assert_int_equal(asked, 2);
}

static void what_was_seen_counts(void **state)
{
    struct api_fix *f = *state;

    /* revoked here: known at once, store or not */
    lose_store(f);
    lg_auth_forget(f->auth, lg_str_z(f->token_id[API_INGEST]));
    assert_int_equal(use(f, API_INGEST), LG_EIO);
    away = false;
    assert_int_equal(use(f, API_INGEST), 0);
    /* revoked elsewhere: counts as soon as the store answers */
    lose_store(f);
    assert_int_equal(
            ops.token_revoke(f->alerts->admin, lg_str_z(f->token_id[API_INGEST]), f->now), 0);
    assert_int_equal(use(f, API_INGEST), 0);
    away = false;
    f->now += LG_AUTH_CACHE_NS;
    assert_int_equal(use(f, API_INGEST), LG_EREFUSED);
    away = true; /* and what was seen is not forgotten when it goes again */
    f->now += 10 * LG_NS_PER_SEC;
    assert_int_equal(use(f, API_INGEST), LG_EREFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(without_grace_nobody_passes, setup, fix_teardown),
            cmocka_unit_test_setup_teardown(only_machines_pass, setup, fix_teardown),
            cmocka_unit_test_setup_teardown(the_grace_ends, setup, fix_teardown),
            cmocka_unit_test_setup_teardown(the_store_is_asked_now_and_then, setup, fix_teardown),
            cmocka_unit_test_setup_teardown(what_was_seen_counts, setup, fix_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
