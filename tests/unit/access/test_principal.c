#include "lg_test.h"

#include "access/principal.h"
#include "access/scope.h"
#include "base/limits.h"

static struct lg_principal *token_with(struct lg_str tenant, uint32_t roles)
{
    struct lg_principal *pr;

    assert_int_equal(
            lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("tok-1"), LG_STR("a token"), &pr), 0);
    if (roles != 0)
        assert_int_equal(lg_principal_grant(pr, tenant, roles), 0);
    return pr;
}

/* The whole matrix: each role alone against each action, written out. */
static void test_matrix(void **state)
{
    static const struct {
        enum lg_action action;
        const char *who; /* v a A i o; m: scope metrics; k: anyone known; p: anyone */
    } want[] = {
            {LG_ACT_PUBLIC, "vaAiomkp"},
            {LG_ACT_SELF_READ, "vaAiomk"},
            {LG_ACT_ALERT_READ, "vaA"},
            {LG_ACT_ALERT_WRITE, "aA"},
            {LG_ACT_FEEDBACK_READ, "aA"},
            {LG_ACT_FEEDBACK_WRITE, "aA"},
            {LG_ACT_EVENT_READ, "vaA"},
            {LG_ACT_INFERENCE_READ, "vaA"},
            {LG_ACT_ENDPOINT_READ, "vaA"},
            {LG_ACT_SUPPRESSION_READ, "vaA"},
            {LG_ACT_SUPPRESSION_WRITE, "aA"},
            {LG_ACT_SEARCH_READ, "vaA"},
            {LG_ACT_SEARCH_WRITE, "aA"},
            {LG_ACT_INGEST, "iA"},
            {LG_ACT_TOKEN_READ, "Ao"},
            {LG_ACT_TOKEN_WRITE, "Ao"},
            {LG_ACT_TENANT_READ, "vaAo"},
            {LG_ACT_TENANT_WRITE, "o"},
            {LG_ACT_MODEL_READ, "vaAo"},
            {LG_ACT_MODEL_WRITE, "o"},
            {LG_ACT_DEAD_LETTER_READ, "o"},
            {LG_ACT_DEAD_LETTER_WRITE, "o"},
            {LG_ACT_AUDIT_READ, "Ao"},
            {LG_ACT_METRICS_READ, "om"},
            {LG_ACT_CONFIG_READ, "o"},
            {LG_ACT_CONFIG_WRITE, "o"},
    };
    static const struct {
        char key;
        uint32_t tenant_roles, platform, scopes;
    } whos[] = {{'v', LG_ROLE_VIEWER, 0, 0}, {'a', LG_ROLE_ANALYST, 0, 0},
            {'A', LG_ROLE_ADMIN, 0, 0}, {'i', LG_ROLE_INGEST, 0, 0}, {'o', 0, LG_ROLE_OPERATOR, 0},
            {'m', 0, 0, LG_SCOPE_METRICS}, {'k', 0, 0, 0}, {'k', 0, 0, LG_SCOPE_REPLAY}};

    (void)state;
    assert_int_equal(sizeof(want) / sizeof(*want), LG_ACTION_COUNT);
    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
        const char *name = lg_action_info(want[i].action)->name;

        assert_int_equal(lg_access_allows(NULL, want[i].action, LG_STR("acme")),
                strchr(want[i].who, 'p') != NULL);
        for (size_t w = 0; w < sizeof(whos) / sizeof(*whos); w++) {
            struct lg_principal *pr = token_with(LG_STR("acme"), whos[w].tenant_roles);
            bool expected = strchr(want[i].who, whos[w].key) != NULL;
            bool platform = whos[w].platform != 0 || whos[w].scopes != 0;

            lg_principal_grant_platform(pr, whos[w].platform);
            lg_principal_grant_scopes(pr, whos[w].scopes);
            if (lg_access_allows(pr, want[i].action, LG_STR("acme")) != expected ||
                    lg_access_allows(pr, want[i].action, LG_STR("")) != expected)
                fail_msg("%s as %c", name, whos[w].key);
            /* nobody's tenant role reaches another tenant */
            if (!platform && lg_action_info(want[i].action)->kind != LG_ACTION_ANYONE &&
                    lg_action_info(want[i].action)->kind != LG_ACTION_KNOWN)
                assert_false(lg_access_allows(pr, want[i].action, LG_STR("other")));
            lg_principal_unref(pr);
        }
    }
}

static void test_grants(void **state)
{
    struct lg_principal *pr = token_with(LG_STR("b"), LG_ROLE_VIEWER);
    uint32_t roles;
    char name[16];

    (void)state;
    assert_int_equal(lg_principal_grant(pr, LG_STR("a"), LG_ROLE_ADMIN), 0);
    assert_int_equal(lg_principal_grant(pr, LG_STR("b"), LG_ROLE_INGEST), 0);
    assert_int_equal(lg_principal_grants(pr), 2);
    assert_str(lg_principal_grant_at(pr, 0, &roles), "a");
    assert_str(lg_principal_grant_at(pr, 1, &roles), "b");
    assert_int_equal(roles, LG_ROLE_VIEWER | LG_ROLE_INGEST);
    assert_int_equal(lg_principal_roles(pr, LG_STR("c")), 0);

    assert_int_equal(lg_principal_grant(pr, LG_STR("A"), LG_ROLE_VIEWER), LG_EINVAL);
    assert_int_equal(lg_principal_grant(pr, LG_STR(""), LG_ROLE_VIEWER), LG_EINVAL);
    assert_int_equal(lg_principal_grant(pr, LG_STR("c"), LG_ROLE_OPERATOR), LG_EINVAL);
    assert_int_equal(lg_principal_grant(pr, LG_STR("c"), 0), LG_EINVAL);

    assert_int_equal(lg_principal_grant(pr, LG_TENANT_ALL, LG_ROLE_VIEWER), 0);
    assert_str(lg_principal_grant_at(pr, 0, &roles), "*");
    assert_true(lg_access_allows(pr, LG_ACT_ALERT_READ, LG_STR("anything")));
    assert_false(lg_access_allows(pr, LG_ACT_ALERT_READ, LG_STR("*"))); /* no tenant's name */
    assert_false(lg_access_allows(pr, LG_ACT_ALERT_WRITE, LG_STR("anything")));
    assert_true(lg_access_allows(pr, LG_ACT_ALERT_WRITE, LG_STR("a")));
    for (int i = 0; lg_principal_grants(pr) < LG_MAX_GRANTS; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        assert_int_equal(lg_principal_grant(pr, lg_str_z(name), LG_ROLE_VIEWER), 0);
    }
    assert_int_equal(lg_principal_grant(pr, LG_STR("one-more"), LG_ROLE_VIEWER), LG_ELIMIT);
    lg_principal_unref(pr);
}

static void test_kinds(void **state)
{
    static const enum lg_principal_kind kinds[] = {LG_PRINCIPAL_LOCAL, LG_PRINCIPAL_SYSTEM};
    struct lg_principal *pr;
    char longest[LG_MAX_PRINCIPAL_TEXT + 2];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(lg_principal_new(kinds[i], LG_STR("local"), LG_STR(""), &pr), 0);
        for (int a = 0; a < LG_ACTION_COUNT; a++)
            assert_true(lg_access_allows(pr, (enum lg_action)a, LG_STR("any")));
        lg_principal_unref(pr);
    }
    memset(longest, 'x', sizeof(longest));
    assert_int_equal(lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR(""), LG_STR(""), &pr), LG_EINVAL);
    assert_int_equal(
            lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("\xff"), LG_STR(""), &pr), LG_EINVAL);
    assert_int_equal(lg_principal_new(LG_PRINCIPAL_TOKEN,
                             lg_str_of(longest, LG_MAX_PRINCIPAL_TEXT + 1), LG_STR(""), &pr),
            LG_EINVAL);
    assert_int_equal(lg_principal_new(LG_PRINCIPAL_TOKEN, lg_str_of(longest, LG_MAX_PRINCIPAL_TEXT),
                             LG_STR("n"), &pr),
            0);
    assert_int_equal(lg_principal_id(pr).n, LG_MAX_PRINCIPAL_TEXT);
    lg_principal_unref(pr);
    lg_principal_unref(NULL);
}

static void test_expiry(void **state)
{
    struct lg_principal *pr = token_with(LG_STR("a"), LG_ROLE_VIEWER);

    (void)state;
    assert_false(lg_principal_expired(pr, INT64_MAX));
    lg_principal_set_expiry(pr, 100);
    assert_false(lg_principal_expired(pr, 99));
    assert_true(lg_principal_expired(pr, 100));
    assert_ptr_equal(lg_principal_ref(pr), pr);
    lg_principal_unref(pr);
    assert_int_equal(lg_principal_expiry(pr), 100);
    lg_principal_unref(pr);
}

static void test_tenant_for(void **state)
{
    struct lg_principal *pr = token_with(LG_STR("acme"), LG_ROLE_INGEST);
    struct lg_str tenant;

    (void)state;
    assert_int_equal(lg_access_tenant_for(NULL, LG_ACT_INGEST, &tenant), LG_EREFUSED);
    assert_int_equal(lg_access_tenant_for(pr, LG_ACT_ALERT_READ, &tenant), LG_EREFUSED);
    assert_int_equal(lg_access_tenant_for(pr, LG_ACT_INGEST, &tenant), 0);
    assert_str(tenant, "acme");
    assert_int_equal(lg_principal_grant(pr, LG_STR("other"), LG_ROLE_VIEWER), 0);
    assert_int_equal(lg_access_tenant_for(pr, LG_ACT_INGEST, &tenant), 0);
    assert_str(tenant, "acme");
    assert_int_equal(lg_principal_grant(pr, LG_STR("other"), LG_ROLE_INGEST), 0);
    assert_int_equal(lg_access_tenant_for(pr, LG_ACT_INGEST, &tenant), LG_EINVAL);
    assert_int_equal(lg_principal_grant(pr, LG_STR("default"), LG_ROLE_INGEST), 0);
    assert_int_equal(lg_access_tenant_for(pr, LG_ACT_INGEST, &tenant), 0);
    assert_str(tenant, "default");
    lg_principal_unref(pr);
}

static void test_scope(void **state)
{
    struct lg_principal *pr = token_with(LG_STR("b"), LG_ROLE_VIEWER);
    struct lg_scope *sc, *one;

    (void)state;
    assert_int_equal(lg_principal_grant(pr, LG_STR("a"), LG_ROLE_ANALYST), 0);
    assert_int_equal(lg_scope_new(pr, LG_ACT_ALERT_READ, &sc), 0);
    assert_int_equal(lg_scope_tenants(sc), 2);
    assert_str(lg_scope_tenant(sc, 0), "a");
    assert_str(lg_scope_tenant(sc, 1), "b");
    assert_true(lg_scope_allows(sc, LG_STR("a")));
    assert_false(lg_scope_allows(sc, LG_STR("c")));
    assert_false(lg_scope_allows(sc, LG_STR("")));
    assert_false(lg_scope_is_all(sc));
    assert_int_equal(lg_scope_action(sc), LG_ACT_ALERT_READ);

    assert_int_equal(lg_scope_narrow(sc, LG_STR("b"), &one), 0);
    assert_int_equal(lg_scope_tenants(one), 1);
    assert_false(lg_scope_allows(one, LG_STR("a")));
    lg_scope_free(one);
    assert_int_equal(lg_scope_narrow(sc, LG_STR("c"), &one), 0);
    assert_true(lg_scope_is_empty(one));
    lg_scope_free(one);
    lg_scope_free(sc);

    assert_int_equal(lg_scope_new(pr, LG_ACT_ALERT_WRITE, &sc), 0);
    assert_int_equal(lg_scope_tenants(sc), 1);
    assert_str(lg_scope_tenant(sc, 0), "a");
    lg_scope_free(sc);
    lg_principal_unref(pr);

    assert_int_equal(lg_scope_new(NULL, LG_ACT_ALERT_READ, &sc), 0);
    assert_true(lg_scope_is_empty(sc));
    lg_scope_free(sc);
}

/* Operators see all of the platform's tenants, and no alert. */
static void test_scope_of_all(void **state)
{
    struct lg_principal *pr = token_with(LG_STR("a"), 0);
    struct lg_scope *sc, *one;

    (void)state;
    lg_principal_grant_platform(pr, LG_ROLE_OPERATOR);
    assert_int_equal(lg_scope_new(pr, LG_ACT_ALERT_READ, &sc), 0);
    assert_true(lg_scope_is_empty(sc));
    lg_scope_free(sc);
    assert_int_equal(lg_scope_new(pr, LG_ACT_AUDIT_READ, &sc), 0);
    assert_true(lg_scope_is_all(sc));
    assert_int_equal(lg_scope_tenants(sc), 0);
    assert_int_equal(lg_scope_narrow(sc, LG_STR("x"), &one), 0);
    assert_false(lg_scope_is_all(one));
    assert_str(lg_scope_tenant(one, 0), "x");
    lg_scope_free(one);
    assert_int_equal(lg_scope_narrow(sc, LG_STR("*"), &one), 0);
    assert_true(lg_scope_is_empty(one));
    lg_scope_free(one);
    lg_scope_free(sc);

    assert_int_equal(lg_principal_grant(pr, LG_STR("b"), LG_ROLE_VIEWER), 0);
    assert_int_equal(lg_principal_grant(pr, LG_TENANT_ALL, LG_ROLE_VIEWER), 0);
    assert_int_equal(lg_scope_new(pr, LG_ACT_ALERT_READ, &sc), 0);
    assert_true(lg_scope_is_all(sc));
    lg_scope_free(sc);
    lg_principal_unref(pr);
    lg_scope_free(NULL);
}

static void test_names(void **state)
{
    static const char *const good[] = {"default", "a", "0", "acme-eu_1"};
    static const char *const bad[] = {"", "-a", "_a", "A", "a b", "a.b", "a/b", "*", "\xc3\xa4",
            "12345678901234567890123456789012345678901234567890123456789012345"};
    char text[LG_ROLES_TEXT_MAX];
    uint32_t mask;
    enum lg_role role;
    enum lg_access_scope scope;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(lg_tenant_valid(lg_str_z(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(lg_tenant_valid(lg_str_z(bad[i])));
    assert_int_equal(lg_roles_parse(LG_STR("viewer, admin"), &mask), 0);
    assert_int_equal(mask, LG_ROLE_VIEWER | LG_ROLE_ADMIN);
    assert_int_equal(lg_roles_parse(LG_STR(""), &mask), 0);
    assert_int_equal(mask, 0);
    assert_int_equal(lg_roles_parse(LG_STR("viewer,root"), &mask), LG_EINVAL);
    assert_int_equal(lg_roles_parse(LG_STR("viewer,,admin"), &mask), LG_EINVAL);
    assert_int_equal(lg_roles_text(LG_ROLES_TENANT | LG_ROLES_PLATFORM, text), 36);
    assert_string_equal(text, "viewer,analyst,admin,ingest,operator");
    assert_int_equal(lg_access_scopes_text(LG_SCOPE_METRICS | LG_SCOPE_REPLAY, text), 14);
    assert_string_equal(text, "metrics,replay");
    assert_int_equal(lg_role_parse(LG_STR("ingest"), &role), 0);
    assert_int_equal(role, LG_ROLE_INGEST);
    assert_int_equal(lg_role_parse(LG_STR("Ingest"), &role), LG_EINVAL);
    assert_int_equal(lg_access_scope_parse(LG_STR("replay"), &scope), 0);
    assert_int_equal(scope, LG_SCOPE_REPLAY);
    assert_null(lg_role_name((enum lg_role)64));
    for (int a = 0; a < LG_ACTION_COUNT; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(lg_action_info((enum lg_action)a)->name,
                    lg_action_info((enum lg_action)b)->name);
}

static int build(void)
{
    struct lg_principal *pr = NULL;
    struct lg_scope *sc = NULL, *one = NULL;
    int rc = lg_principal_new(LG_PRINCIPAL_LOCAL, LG_STR("x"), LG_STR("y"), &pr);

    if (rc == 0)
        rc = lg_principal_grant(pr, LG_STR("a"), LG_ROLE_VIEWER);
    if (rc == 0)
        rc = lg_scope_new(pr, LG_ACT_ALERT_READ, &sc);
    if (rc == 0)
        rc = lg_scope_narrow(sc, LG_STR("a"), &one);
    lg_scope_free(one);
    lg_scope_free(sc);
    lg_principal_unref(pr);
    return rc;
}

static void test_out_of_memory(void **state)
{
    int rc = LG_ENOMEM;

    (void)state;
    for (uint64_t n = 1; rc == LG_ENOMEM && n < 100; n++) {
        (void)lg_mem_fail_from(n);
        rc = build();
        (void)lg_mem_fail_from(0);
    }
    assert_int_equal(rc, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_matrix),
            cmocka_unit_test(test_grants),
            cmocka_unit_test(test_kinds),
            cmocka_unit_test(test_expiry),
            cmocka_unit_test(test_tenant_for),
            cmocka_unit_test(test_scope),
            cmocka_unit_test(test_scope_of_all),
            cmocka_unit_test(test_names),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
