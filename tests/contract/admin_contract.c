/* The contract of the admin store: tenants, tokens, audit log, searches, deliveries, settings,
 * sessions; of the back end that LG_CONTRACT names. */
#include "alert_engine.h"
#include "store/store_test.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

struct fix {
    char dir[256], path[300];
    struct lg_alert_store *st;
    struct lg_admin_store *ad;
    struct lg_scope *all, *a, *none;
    struct lg_arena arena;
};
static struct fix f;

static int setup(void **state)
{
    struct lg_err err = {0};

    (void)state;
    memset(&f, 0, sizeof(f));
    make_folder(f.dir);
    (void)snprintf(f.path, sizeof(f.path), "%s/alerts.db", f.dir);
    f.all = scope_of("*", LG_ACT_ALERT_READ);
    f.a = scope_of("a", LG_ACT_ALERT_READ);
    f.none = scope_of("", LG_ACT_ALERT_READ);
    lg_arena_init(&f.arena, 64u << 20);
    if (engine_open(f.path, &f.st, &err) < 0)
        fail_msg("%s", err.text);
    f.ad = f.st->admin;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lg_alert_store_close(f.st);
    lg_scope_free(f.all);
    lg_scope_free(f.a);
    lg_scope_free(f.none);
    lg_arena_done(&f.arena);
    remove_folder(f.dir);
    return 0;
}

static void test_tenants(void **state)
{
    struct lg_tenant_row t = {.tenant_id = LG_STR("acme"), .name = LG_STR("Acme"), .created_at = 5},
                         got, *list;
    uint32_t n;

    (void)state;
    assert_int_equal(f.ad->ops->tenant_create(f.ad, &t), 0);
    assert_int_equal(f.ad->ops->tenant_create(f.ad, &t), LG_EEXIST);
    t.tenant_id = LG_STR("No Good");
    assert_int_equal(f.ad->ops->tenant_create(f.ad, &t), LG_EINVAL);
    assert_int_equal(f.ad->ops->tenant_get(f.ad, LG_STR("acme"), &f.arena, &got), 0);
    assert_str(got.name, "Acme");
    assert_int_equal(got.disabled_at, 0);
    assert_int_equal(f.ad->ops->tenant_disable(f.ad, LG_STR("acme"), 9), 0);
    assert_int_equal(f.ad->ops->tenant_disable(f.ad, LG_STR("acme"), 12), 0);
    assert_int_equal(f.ad->ops->tenant_disable(f.ad, LG_STR("other"), 9), LG_ENOENT);
    assert_int_equal(f.ad->ops->tenant_list(f.ad, &f.arena, &list, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].disabled_at, 9); /* the first time counts */
    assert_int_equal(f.ad->ops->tenant_get(f.ad, LG_STR("x"), &f.arena, &got), LG_ENOENT);
}

static void test_tokens(void **state)
{
    static const char *const tenants[] = {"[\"a\"]", "[\"b\"]", "[\"a\",\"b\"]", "[]"};
    struct lg_token_row t = {.owner = LG_STR("anna"),
                                .name = LG_STR("ci"),
                                .grants = LG_STR("{}"),
                                .created_at = 5,
                                .hash = {1, 2, 3}},
                        got, *list;
    char id[8] = "t0";
    bool is_first;
    uint32_t n;

    (void)state;
    for (size_t i = 0; i < N(tenants); i++) {
        id[1] = (char)('0' + i);
        t.token_id = lg_str_z(id);
        t.tenants = lg_str_z(tenants[i]);
        assert_int_equal(f.ad->ops->token_create(f.ad, &t), 0);
    }
    assert_int_equal(f.ad->ops->token_create(f.ad, &t), LG_EEXIST);
    assert_int_equal(f.ad->ops->token_get(f.ad, LG_STR("t0"), &f.arena, &got), 0);
    assert_memory_equal(got.hash, t.hash, sizeof(t.hash));
    assert_int_equal(f.ad->ops->token_get(f.ad, LG_STR("t9"), &f.arena, &got), LG_ENOENT);
    assert_int_equal(f.ad->ops->token_list(f.ad, f.a, &f.arena, &list, &n), 0);
    assert_int_equal(n, 1); /* not those that reach into b or the platform */
    assert_str(list[0].token_id, "t0");
    assert_int_equal(f.ad->ops->token_list(f.ad, f.all, &f.arena, &list, &n), 0);
    assert_int_equal(n, 4);
    assert_int_equal(f.ad->ops->token_list(f.ad, f.none, &f.arena, &list, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(f.ad->ops->token_list(f.ad, NULL, &f.arena, &list, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(f.ad->ops->token_used(f.ad, LG_STR("t0"), 10 * SEC, &is_first), 0);
    assert_true(is_first);
    assert_int_equal(f.ad->ops->token_used(f.ad, LG_STR("t0"), 20 * SEC, &is_first), 0);
    assert_false(is_first);
    assert_int_equal(f.ad->ops->token_used(f.ad, LG_STR("t0"), 4000 * SEC, &is_first), 0);
    assert_int_equal(f.ad->ops->token_used(f.ad, LG_STR("tx"), 1, &is_first), LG_ENOENT);
    assert_int_equal(f.ad->ops->token_revoke(f.ad, LG_STR("t0"), 77), 0);
    assert_int_equal(f.ad->ops->token_get(f.ad, LG_STR("t0"), &f.arena, &got), 0);
    assert_int_equal(got.first_used_at, 10 * SEC);
    assert_int_equal(got.last_used_at, 4000 * SEC);
    assert_int_equal(got.revoked_at, 77);
    assert_int_equal(f.ad->ops->token_revoke(f.ad, LG_STR("tx"), 77), LG_ENOENT);
}

static void audit(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct lg_audit_row r = {.at = i,
                .actor = LG_STR("token:anna"),
                .action = i % 2 ? LG_STR("alert.transition") : LG_STR("token.create"),
                .tenant_id = i % 3 == 0 ? LG_STR("")
                        : i % 3 == 1    ? LG_STR("a")
                                        : LG_STR("b"),
                .detail = LG_STR("{}")};

        assert_int_equal(f.ad->ops->audit_append(f.ad, &r, 1), 0);
    }
}

static void test_audit(void **state)
{
    struct lg_audit_query q = {.limit = 100};
    struct lg_audit_row *rows;
    struct lg_audit_check c;
    uint32_t n;

    (void)state;
    assert_int_equal(f.ad->ops->audit_verify(f.ad, &c), 0);
    assert_int_equal(c.rows, 0);
    audit(30);
    assert_int_equal(f.ad->ops->audit_verify(f.ad, &c), 0);
    assert_int_equal(c.rows, 30);
    assert_int_equal(c.first_bad, 0);
    assert_int_equal(c.head_seq, 30);
    assert_int_equal(f.ad->ops->audit_list(f.ad, f.all, &q, &f.arena, &rows, &n), 0);
    assert_int_equal(n, 30);
    assert_memory_equal(rows[0].hash, c.head, sizeof(c.head));
    assert_int_equal(rows[0].seq, 30);
    assert_int_equal(f.ad->ops->audit_list(f.ad, f.a, &q, &f.arena, &rows, &n), 0);
    assert_int_equal(n, 10);
    for (uint32_t i = 0; i < n; i++)
        assert_str(rows[i].tenant_id, "a");
    q.tenant = LG_STR("b");
    assert_int_equal(f.ad->ops->audit_list(f.ad, f.a, &q, &f.arena, &rows, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(f.ad->ops->audit_list(f.ad, f.none, &q, &f.arena, &rows, &n), 0);
    assert_int_equal(n, 0);
    q = (struct lg_audit_query){.limit = 4, .action = LG_STR("alert."), .from = 3, .before = 20};
    assert_int_equal(f.ad->ops->audit_list(f.ad, f.all, &q, &f.arena, &rows, &n), 0);
    assert_int_equal(n, 4);
    assert_true(rows[0].seq < 20 && rows[0].seq > rows[3].seq);
}

static void test_searches(void **state)
{
    struct lg_search_row s = {.tenant_id = LG_STR("a"),
                                 .owner = LG_STR("anna"),
                                 .name = LG_STR("mine"),
                                 .query = LG_STR("{}"),
                                 .search_id = {{1}}},
                         *list;
    uint32_t n;

    (void)state;
    assert_int_equal(f.ad->ops->search_put(f.ad, f.a, &s), 0);
    s.name = LG_STR("renamed");
    assert_int_equal(f.ad->ops->search_put(f.ad, f.a, &s), 0);
    s.owner = LG_STR("bob");
    assert_int_equal(f.ad->ops->search_put(f.ad, f.a, &s), LG_ENOENT);
    s.tenant_id = LG_STR("b");
    assert_int_equal(f.ad->ops->search_put(f.ad, f.a, &s), LG_EREFUSED);
    assert_int_equal(
            f.ad->ops->search_list(f.ad, f.a, LG_STR(""), LG_STR("anna"), &f.arena, &list, &n), 0);
    assert_int_equal(n, 1);
    assert_str(list[0].name, "renamed");
    assert_int_equal(
            f.ad->ops->search_list(f.ad, f.a, LG_STR(""), LG_STR("bob"), &f.arena, &list, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(
            f.ad->ops->search_delete(f.ad, f.none, &s.search_id, LG_STR("anna")), LG_ENOENT);
    assert_int_equal(f.ad->ops->search_delete(f.ad, f.a, &s.search_id, LG_STR("bob")), LG_ENOENT);
    assert_int_equal(f.ad->ops->search_delete(f.ad, f.a, &s.search_id, LG_STR("anna")), 0);
    assert_int_equal(f.ad->ops->search_delete(f.ad, f.a, &s.search_id, LG_STR("anna")), LG_ENOENT);
}

static void test_deliveries(void **state)
{
    struct lg_delivery_row d = {.tenant_id = LG_STR("a"),
                                   .target = LG_STR("hook"),
                                   .body = LG_STR("{}"),
                                   .delivery_id = {{1}},
                                   .next_at = 10},
                           *list;
    uint32_t n;

    (void)state;
    assert_int_equal(f.ad->ops->delivery_add(f.ad, &d), 0);
    assert_int_equal(f.ad->ops->delivery_add(f.ad, &d), LG_EEXIST);
    assert_int_equal(f.ad->ops->delivery_due(f.ad, 9, 10, &f.arena, &list, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(f.ad->ops->delivery_due(f.ad, 10, 10, &f.arena, &list, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(f.ad->ops->delivery_update(
                             f.ad, &d.delivery_id, LG_DELIVERY_DUE, 50, LG_STR("HTTP 500")),
            0);
    assert_int_equal(f.ad->ops->delivery_due(f.ad, 49, 10, &f.arena, &list, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(
            f.ad->ops->delivery_update(f.ad, &d.delivery_id, LG_DELIVERY_DONE, 0, LG_STR("")), 0);
    assert_int_equal(f.ad->ops->delivery_list(f.ad, f.a, LG_STR(""), 10, &f.arena, &list, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].attempts, 2);
    assert_int_equal(list[0].state, LG_DELIVERY_DONE);
    assert_int_equal(
            f.ad->ops->delivery_list(f.ad, f.none, LG_STR(""), 10, &f.arena, &list, &n), 0);
    assert_int_equal(n, 0);
}

/* Only what is over, and only what is old. */
static void test_deliveries_purged(void **state)
{
    struct lg_delivery_row d = {.tenant_id = LG_STR("a"),
                                   .target = LG_STR("hook"),
                                   .body = LG_STR("{}"),
                                   .next_at = 10},
                           *list;
    uint32_t n;

    (void)state;
    for (uint8_t i = 1; i <= 4; i++) {
        d.delivery_id.b[0] = 0xd0;
        d.delivery_id.b[1] = i;
        assert_int_equal(f.ad->ops->delivery_add(f.ad, &d), 0);
        if (i != 2) /* the second is still due */
            assert_int_equal(
                    f.ad->ops->delivery_update(f.ad, &d.delivery_id,
                            i == 1 ? LG_DELIVERY_DONE : LG_DELIVERY_GIVEN_UP, 100 * i, LG_STR("")),
                    0);
    }
    assert_int_equal(f.ad->ops->delivery_purge(f.ad, 100, 100, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(f.ad->ops->delivery_purge(f.ad, 400, 1, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(f.ad->ops->delivery_purge(f.ad, 400, 100, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(f.ad->ops->delivery_list(f.ad, f.a, LG_STR("a"), 10, &f.arena, &list, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(list[0].delivery_id.b[1], 4);
    assert_int_equal(list[1].delivery_id.b[1], 2);
}

static void test_settings(void **state)
{
    struct lg_str v;

    (void)state;
    assert_int_equal(f.ad->ops->setting_get(f.ad, LG_STR("k"), &f.arena, &v), LG_ENOENT);
    assert_int_equal(f.ad->ops->setting_put(f.ad, LG_STR("k"), LG_STR("1")), 0);
    assert_int_equal(f.ad->ops->setting_put(f.ad, LG_STR("k"), LG_STR("2")), 0);
    assert_int_equal(f.ad->ops->setting_get(f.ad, LG_STR("k"), &f.arena, &v), 0);
    assert_str(v, "2");
    assert_int_equal(f.ad->ops->setting_put(f.ad, LG_STR("cursor_key"), LG_STR("x")), LG_EINVAL);
}

static void test_sessions(void **state)
{
    struct lg_session_row s = {.token_id = LG_STR("t1"), .created_at = 1, .expires_at = 100}, *list;
    uint32_t n;

    (void)state;
    for (uint8_t i = 1; i <= 3; i++) {
        s.hash[0] = i;
        s.seen_at = 10 * i;
        assert_int_equal(f.ad->ops->session_put(f.ad, &s), 0);
    }
    assert_int_equal(f.ad->ops->session_put(f.ad, &s), LG_EEXIST);
    s.hash[0] = 1;
    assert_int_equal(f.ad->ops->session_seen(f.ad, s.hash, 50), 0);
    assert_int_equal(f.ad->ops->session_all(f.ad, 2, &f.arena, &list, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(list[0].hash[0], 1);
    assert_int_equal(list[1].hash[0], 3);
    assert_int_equal(f.ad->ops->session_purge(f.ad, 60, 20), 0);
    assert_int_equal(f.ad->ops->session_all(f.ad, 9, &f.arena, &list, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(f.ad->ops->session_delete(f.ad, s.hash), 0);
    assert_int_equal(f.ad->ops->session_delete(f.ad, s.hash), 0);   /* an unknown one */
    assert_int_equal(f.ad->ops->session_seen(f.ad, s.hash, 70), 0); /* stays closed */
    assert_int_equal(f.ad->ops->session_purge(f.ad, 100, 0), 0);
    assert_int_equal(f.ad->ops->session_all(f.ad, 9, &f.arena, &list, &n), 0);
    assert_int_equal(n, 0);
    s.token_id = LG_STR("");
    assert_int_equal(f.ad->ops->session_put(f.ad, &s), LG_EINVAL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {T(test_tenants), T(test_tokens), T(test_audit),
            T(test_searches), T(test_deliveries), T(test_deliveries_purged), T(test_settings),
            T(test_sessions)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
