#include "api_fixture.h"

#include <sys/stat.h>

#include <sqlite3.h>

/* Tokens, tenants, suppressions, searches, dead letters, audit: who may, and what is left behind. */

static int post(struct api_fix *f, enum api_role as, const char *uri, const char *body)
{
    return fix_call(f, as, "POST", uri, body, NULL);
}

/* ---- tokens ---- */

static void test_token_life(void **state)
{
    struct api_fix *f = *state;
    char id[64], uri[128];

    assert_status(f,
            post(f, API_ADMIN, "/tokens",
                    "{\"name\":\"ci\",\"owner\":\"team\",\"tenants\":{\"acme\":[\"viewer\"]}}"),
            201);
    assert_has(f, "\"token\":\"lgt_");
    assert_str(lg_http_reply_header(&f->reply, "Cache-Control"), "no-store");
    fix_value(f, "token", f->token[API_VIEWER], sizeof(f->token[0]));
    fix_value(f, "token_id", id, sizeof(id));
    assert_status(f, fix_get(f, API_VIEWER, "/alerts"), 200);
    assert_status(f, fix_get(f, API_VIEWER, "/me"), 200);
    assert_has(f, "\"name\":\"ci\"");
    assert_has(f, "\"tenants\":{\"acme\":[\"viewer\"]}");
    assert_has(f, "\"alerts.read\"");
    assert_hasnt(f, "\"alerts.write\"");
    assert_status(f, fix_get(f, API_ADMIN, "/tokens"), 200);
    assert_has(f, id);
    assert_has(f, "\"owner\":\"team\"");
    assert_hasnt(f, "lgt_");
    (void)snprintf(uri, sizeof(uri), "/tokens/%s", id);
    assert_status(f, fix_call(f, API_OTHER, "DELETE", uri, NULL, NULL), 404);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts"), 200);
    assert_status(f, fix_call(f, API_ADMIN, "DELETE", uri, NULL, NULL), 204);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts"), 401); /* at once */
    assert_status(f, fix_call(f, API_ADMIN, "DELETE", uri, NULL, NULL), 204);
    assert_status(f, fix_get(f, API_ADMIN, "/audit?action=token."), 200);
    assert_has(f, "\"action\":\"token.revoke\"");
    assert_has(f, "\"action\":\"token.first_use\"");
    assert_has(f, "\"action\":\"token.create\"");
}

static void test_nobody_hands_out_more(void **state)
{
    static const struct {
        enum api_role as;
        const char *body;
        int status;
    } table[] = {
            {API_ANALYST, "{\"name\":\"n\",\"tenants\":{\"acme\":[\"viewer\"]}}", 403},
            {API_ADMIN, "{\"name\":\"n\",\"tenants\":{\"acme\":[\"admin\",\"ingest\"]}}", 201},
            {API_ADMIN, "{\"name\":\"n\",\"tenants\":{\"other\":[\"viewer\"]}}", 404},
            {API_ADMIN, "{\"name\":\"n\",\"tenants\":{\"nosuch\":[\"viewer\"]}}", 404},
            {API_ADMIN, "{\"name\":\"n\",\"tenants\":{\"\":[\"viewer\"]}}", 404},
            {API_ADMIN, "{\"name\":\"n\",\"tenants\":{\"*\":[\"viewer\"]}}", 403},
            {API_ADMIN,
                    "{\"name\":\"n\",\"tenants\":{\"acme\":[\"viewer\"],\"other\":[\"viewer\"]}}",
                    404},
            {API_ADMIN, "{\"name\":\"n\",\"platform\":[\"operator\"]}", 403},
            {API_ADMIN, "{\"name\":\"n\",\"scopes\":[\"metrics\"]}", 403},
            {API_ADMIN,
                    "{\"name\":\"n\",\"tenants\":{\"acme\":[\"ingest\"]},\"scopes\":[\"replay\"]}",
                    201},
            {API_ADMIN, "{\"name\":\"n\"}", 400},
            {API_ADMIN, "{\"name\":\"n\",\"tenants\":{\"acme\":[]}}", 400},
            {API_ADMIN, "{\"name\":\"n\",\"tenants\":{\"acme\":[\"operator\"]}}", 400},
            {API_ADMIN, "{\"name\":\"\",\"tenants\":{\"acme\":[\"viewer\"]}}", 400},
            {API_ADMIN, "{\"name\":\"n\",\"tenants\":{\"acme\":[\"viewer\"]},\"expires_at\":1000}",
                    400},
            {API_ADMIN,
                    "{\"name\":\"n\",\"tenants\":{\"acme\":[\"viewer\"]},"
                    "\"expires_at\":\"2030-01-01T00:00:00Z\"}",
                    201},
            {API_ADMIN,
                    "{\"name\":\"n\",\"tenants\":{\"acme\":[\"viewer\"]},\"expires_at\":\"soon\"}",
                    400},
            {API_OPERATOR, "{\"name\":\"n\",\"tenants\":{\"other\":[\"admin\"]}}", 201},
            {API_OPERATOR, "{\"name\":\"n\",\"tenants\":{\"nosuch\":[\"admin\"]}}", 404},
            {API_OPERATOR, "{\"name\":\"n\",\"platform\":[\"operator\"]}", 201},
            {API_OPERATOR, "{\"name\":\"n\",\"scopes\":[\"metrics\"]}", 201},
            {API_ALL, "{\"name\":\"n\",\"tenants\":{\"*\":[\"admin\"]}}", 201},
    };
    struct api_fix *f = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (post(f, table[i].as, "/tokens", table[i].body) != table[i].status)
            fail_msg("%s: %d, not %d: %.*s", table[i].body, f->reply.status, table[i].status,
                    (int)f->reply.body.n, f->reply.body.p);
}

/* A tenant's log tells of a token that reaches it, and of no other tenant. */
static void test_token_in_two_tenants(void **state)
{
    struct api_fix *f = *state;

    assert_status(f,
            post(f, API_ALL, "/tokens",
                    "{\"name\":\"both\",\"tenants\":{\"acme\":[\"viewer\"],\"other\":[\"admin\"]}"
                    "}"),
            201);
    assert_status(f, fix_get(f, API_ADMIN, "/tokens"), 200);
    assert_hasnt(f, "\"both\"");
    assert_status(f, fix_get(f, API_ADMIN, "/audit?action=token.create&limit=1"), 200);
    assert_has(f, "\"name\":\"both\"");
    assert_has(f, "\"roles\":[\"viewer\"]");
    assert_hasnt(f, "other");
    assert_hasnt(f, "\"seq\"");
    assert_status(f, fix_get(f, API_OTHER, "/audit?action=token.create&limit=1"), 200);
    assert_has(f, "\"roles\":[\"admin\"]");
    assert_hasnt(f, "acme");
}

static void test_expiry(void **state)
{
    struct api_fix *f = *state;

    assert_status(f,
            post(f, API_ADMIN, "/tokens",
                    "{\"name\":\"brief\",\"tenants\":{\"acme\":[\"viewer\"]},\"expires_at\":"
                    "1700000060}"),
            201);
    fix_value(f, "token", f->token[API_VIEWER], sizeof(f->token[0]));
    assert_status(f, fix_get(f, API_VIEWER, "/alerts"), 200);
    f->now = API_NOW + 61 * LG_NS_PER_SEC;
    assert_status(f, fix_get(f, API_VIEWER, "/alerts"), 401);
    assert_status(f, fix_get(f, API_ALL, "/audit?action=login.refused"), 200);
    assert_has(f, "\"reason\":\"expired token\"");
}

/* ---- authentication's own log ---- */

static void test_uses_are_counted(void **state)
{
    struct api_fix *f = *state;

    for (int i = 0; i < 5; i++)
        assert_status(f, fix_get(f, API_VIEWER, "/me"), 200);
    assert_status(f, fix_get(f, API_ADMIN, "/audit?action=token.used"), 200);
    assert_has(f, "\"audit\":[]");
    f->now += 2 * 3600 * LG_NS_PER_SEC;
    lg_auth_tick(f->auth);
    assert_status(f, fix_get(f, API_ADMIN, "/audit?action=token.used"), 200);
    assert_has(f, "\"name\":\"vera\"");
    assert_has(f, "\"count\":5");
    f->now += 3600 * LG_NS_PER_SEC;
    lg_auth_tick(f->auth);
    assert_status(f, fix_get(f, API_ADMIN, "/audit?action=token.used&target=x"), 200);
    assert_has(f, "\"audit\":[]");
}

static void test_refusals_do_not_flood_the_log(void **state)
{
    struct api_fix *f = *state;
    char right[LG_TOKEN_CHARS + 1];

    memcpy(right, f->token[API_VIEWER], sizeof(right));
    f->token[API_VIEWER][30] = right[30] == 'b' ? 'c' : 'b'; /* another secret of the same form */
    for (int i = 0; i < 50; i++)
        assert_status(f, fix_get(f, API_VIEWER, "/me"), 401);
    assert_status(f, fix_get(f, API_OPERATOR, "/audit?action=login.refused"), 200);
    assert_has(f, "\"reason\":\"wrong secret\",\"count\":1");
    assert_hasnt(f, "\"count\":49");
    f->now += 3600 * LG_NS_PER_SEC;
    lg_auth_tick(f->auth);
    assert_status(f, fix_get(f, API_OPERATOR, "/audit?action=login.refused"), 200);
    assert_has(f, "\"count\":49");
    memcpy(f->token[API_VIEWER], right, sizeof(right));
    assert_status(f, fix_get(f, API_VIEWER, "/me"), 200);
}

/* Whoever tries tokens one after another is slowed down; others behind his address are not. */
static void test_guessing(void **state)
{
    struct api_fix *f = *state;
    const struct lg_principal *pr;
    char text[LG_TOKEN_CHARS + 1];
    struct lg_token tok;

    lg_auth_limit(f->auth, 1);
    for (int i = 0; i < 200; i++) {
        lg_token_make(text, &tok);
        assert_int_equal(lg_auth_token(f->auth, &tok, LG_STR("127.0.0.1"), &pr), LG_EREFUSED);
    }
    assert_status(f, fix_get(f, API_VIEWER, "/me"), 200);
    assert_status(f,
            post(f, API_ADMIN, "/tokens", "{\"name\":\"n\",\"tenants\":{\"acme\":[\"viewer\"]}}"),
            201);
    fix_value(f, "token", f->token[API_VIEWER], sizeof(f->token[0]));
    assert_status(f, fix_get(f, API_VIEWER, "/me"), 200);
    assert_status(f, fix_get(f, API_OPERATOR, "/audit?action=login.refused"), 200);
    assert_has(f, "\"reason\":\"unknown token\"");
    assert_has(f, "\"reason\":\"too many unknown tokens\"");
}

static void test_revoked_elsewhere(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, fix_get(f, API_VIEWER, "/me"), 200);
    assert_int_equal(f->alerts->admin->ops->token_revoke(
                             f->alerts->admin, lg_str_z(f->token_id[API_VIEWER]), f->now),
            0);
    f->now += LG_AUTH_CACHE_NS + 1;
    assert_status(f, fix_get(f, API_VIEWER, "/me"), 401);
}

static void test_grants(void **state)
{
    static const char *const bad[] = {"", "[]", "{\"tenants\":[]}", "{\"tenants\":{\"a\":1}}",
            "{\"tenants\":{\"a\":[\"king\"]}}", "{\"tenants\":{\"A B\":[\"viewer\"]}}",
            "{\"platform\":[\"viewer\"]}", "{\"platform\":\"operator\"}",
            "{\"scopes\":[\"everything\"]}", "{\"scopes\":1}", "{"};
    struct lg_principal *pr;
    struct lg_buf g, t;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("i"), LG_STR("n"), &pr), 0);
        if (lg_grants_read(lg_str_z(bad[i]), NULL, NULL, pr) >= 0)
            fail_msg("took %s", bad[i]);
        lg_principal_unref(pr);
    }
    assert_int_equal(lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("i"), LG_STR("n"), &pr), 0);
    assert_int_equal(
            lg_grants_read(LG_STR("{\"scopes\":[\"replay\"],\"platform\":[\"operator\"],"
                                  "\"tenants\":{\"b\":[\"admin\",\"viewer\"],\"a\":[\"ingest\"]}}"),
                    NULL, NULL, pr),
            0);
    lg_buf_init(&g, 4096);
    lg_buf_init(&t, 4096);
    lg_grants_write(pr, &g, &t);
    assert_str(lg_buf_str(&g),
            "{\"tenants\":{\"a\":[\"ingest\"],\"b\":[\"viewer\",\"admin\"]},"
            "\"platform\":[\"operator\"],\"scopes\":[\"replay\"]}");
    assert_str(lg_buf_str(&t), "[\"a\",\"b\"]");
    lg_buf_done(&g);
    lg_buf_done(&t);
    lg_principal_unref(pr);
}

static void test_actor_text(void **state)
{
    struct lg_principal *pr;
    char out[LG_ACTOR_MAX], name[LG_MAX_PRINCIPAL_TEXT + 1], id[LG_MAX_PRINCIPAL_TEXT + 1];

    (void)state;
    assert_int_equal(lg_principal_new(LG_PRINCIPAL_TOKEN, LG_STR("k3"), LG_STR("Zoë"), &pr), 0);
    assert_str(lg_actor_text(pr, out), "Zoë (k3)");
    lg_principal_unref(pr);
    memset(id, 'i', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    for (size_t i = 0; i < sizeof(name) - 1; i += 2)
        memcpy(name + i, "\xc3\xab", 2);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(lg_principal_new(LG_PRINCIPAL_TOKEN, lg_str_z(id), lg_str_z(name), &pr), 0);
    assert_true(lg_actor_text(pr, out).n < LG_ACTOR_MAX);
    assert_true(lg_str_ends(lg_str_z(out), LG_STR("i)")));
    assert_int_equal(lg_str_find(lg_str_z(out), LG_STR("\xc3 ")), -1);
    lg_principal_unref(pr);
}

/* ---- tenants ---- */

static void test_tenants(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, fix_get(f, API_VIEWER, "/tenants"), 200);
    assert_has(f, "\"acme\"");
    assert_hasnt(f, "\"other\"");
    assert_status(f, fix_get(f, API_OPERATOR, "/tenants"), 200);
    assert_has(f, "\"other\"");
    assert_status(f, post(f, API_ADMIN, "/tenants", "{\"tenant_id\":\"mine\"}"), 403);
    assert_status(f, post(f, API_OPERATOR, "/tenants", "{\"tenant_id\":\"Mine\"}"), 400);
    assert_status(f, post(f, API_OPERATOR, "/tenants", "{\"tenant_id\":\"*\"}"), 400);
    assert_status(f, post(f, API_OPERATOR, "/tenants", "{\"tenant_id\":\"mine\"}"), 201);
    assert_status(f, post(f, API_OPERATOR, "/tenants", "{\"tenant_id\":\"mine\"}"), 409);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts"), 200);
    assert_status(f, post(f, API_OPERATOR, "/tenants/nosuch/disable", NULL), 404);
    assert_status(f, post(f, API_OPERATOR, "/tenants/acme/disable", NULL), 200);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts"), 403); /* the token has no right left */
    assert_status(f, fix_get(f, API_BOTH, "/alerts"), 200);
    assert_hasnt(f, "acme");
    assert_status(f, fix_get(f, API_OPERATOR, "/audit?action=tenant."), 200);
    assert_has(f, "tenant.disable");
    assert_has(f, "\"actor\":\"otto (");
}

/* ---- suppressions ---- */

static void test_suppressions(void **state)
{
    static const char *const bad[] = {"{\"reason\":\"r\"}", "{\"process\":\"a.exe\"}",
            "{\"process\":\"a.exe\",\"reason\":\"\"}",
            "{\"process\":\"a.exe\",\"reason\":\"r\",\"permanent\":true}",
            "{\"process\":\"a.exe\",\"reason\":\"r\",\"expires_at\":1}",
            "{\"process\":\"a.exe\",\"reason\":\"r\",\"expires_at\":8000000000}",
            "{\"technique\":\"T99\",\"reason\":\"r\"}",
            "{\"process\":\"a.exe\",\"reason\":\"r\",\"owner\":\"somebody\"}"};
    struct api_fix *f = *state;
    char id[64], uri[128];

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (post(f, API_ANALYST, "/suppressions", bad[i]) != 400)
            fail_msg("%d for %s", f->reply.status, bad[i]);
    assert_status(
            f, post(f, API_ANALYST, "/suppressions/preview", "{\"process\":\"evil*.exe\"}"), 200);
    assert_has(f, "\"total\":2");
    assert_hasnt(f, "other");
    assert_status(
            f, post(f, API_ANALYST, "/suppressions/preview", "{\"process\":\"good.exe\"}"), 200);
    assert_has(f, "\"total\":0,\"alerts\":[]");
    assert_status(
            f, post(f, API_BOTH, "/suppressions/preview", "{\"process\":\"evil*.exe\"}"), 400);
    assert_has(f, "\"parameter\":\"tenant_id\"");
    assert_status(f,
            post(f, API_ANALYST, "/suppressions",
                    "{\"process\":\"evil*.exe\",\"reason\":\"known\"}"),
            201);
    assert_has(f, "\"owner\":\"anna (");
    assert_has(f, "\"permanent\":false");
    fix_value(f, "suppression_id", id, sizeof(id));
    (void)fix_verdict(f, "acme", "hr009", 30, 1, 0.99); /* hidden */
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?endpoint=hr009"), 200);
    assert_has(f, "\"total\":0");
    (void)snprintf(uri, sizeof(uri), "/suppressions/%s/hits", id);
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    assert_has(f, "\"endpoint_id\":\"hr009\"");
    assert_status(f, fix_get(f, API_VIEWER, "/suppressions?state=live"), 200);
    assert_has(f, "\"hits\":1");
    assert_has(f, "\"total\":1");
    (void)snprintf(uri, sizeof(uri), "/suppressions/%s", id);
    assert_status(f, fix_call(f, API_OTHER, "DELETE", uri, NULL, NULL), 404);
    assert_status(f, fix_call(f, API_ANALYST, "DELETE", uri, NULL, NULL), 204);
    assert_status(f, fix_get(f, API_VIEWER, "/suppressions?state=live"), 200);
    assert_has(f, "\"total\":0");
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    assert_has(f, "\"revoked\":true");
    assert_status(f, fix_get(f, API_ADMIN, "/audit?action=suppression."), 200);
    assert_has(f, "suppression.create");
    assert_has(f, "suppression.revoke");
}

/* ---- searches ---- */

static void test_searches(void **state)
{
    struct api_fix *f = *state;
    char id[64], uri[128];
    struct lg_buf b;

    assert_status(f,
            post(f, API_ANALYST, "/searches",
                    "{\"name\":\"mine\",\"query\":{\"q\":\"a\\u00e9\",\"n\":[1,2.5,null,true]}}"),
            201);
    fix_value(f, "search_id", id, sizeof(id));
    assert_has(f, "\"query\":{\"q\":\"aé\",\"n\":[1,2.5,null,true]}");
    assert_status(f, fix_get(f, API_ADMIN, "/searches"), 200);
    assert_has(f, "\"searches\":[]"); /* not shared */
    (void)snprintf(uri, sizeof(uri), "/searches/%s", id);
    assert_status(
            f, fix_call(f, API_ADMIN, "PUT", uri, "{\"name\":\"x\",\"query\":{}}", NULL), 404);
    assert_status(f,
            fix_call(f, API_ANALYST, "PUT", uri, "{\"name\":\"ours\",\"query\":{},\"shared\":true}",
                    NULL),
            200);
    assert_status(f, fix_get(f, API_ADMIN, "/searches"), 200);
    assert_has(f, "\"name\":\"ours\"");
    assert_has(f, "\"owner\":\"anna (");
    assert_status(
            f, fix_call(f, API_ADMIN, "PUT", uri, "{\"name\":\"x\",\"query\":{}}", NULL), 403);
    assert_status(f, fix_call(f, API_ADMIN, "DELETE", uri, NULL, NULL), 403);
    assert_status(f, fix_get(f, API_OTHER, "/searches"), 200);
    assert_has(f, "\"searches\":[]");
    lg_buf_init(&b, 65536);
    lg_buf_adds(&b, LG_STR("{\"name\":\"n\",\"query\":{\"q\":\""));
    for (int i = 0; i < 17000; i++)
        lg_buf_addc(&b, 'x');
    lg_buf_add(&b, "\"}}", 4);
    assert_status(f, post(f, API_ANALYST, "/searches", b.p), 400);
    assert_has(f, "16 KiB");
    lg_buf_done(&b);
    assert_status(f, fix_call(f, API_ANALYST, "DELETE", uri, NULL, NULL), 204);
    assert_status(f, fix_call(f, API_ANALYST, "DELETE", uri, NULL, NULL), 404);
}

/* ---- dead letters ---- */

static uint64_t records_of(struct api_fix *f, enum lg_topic t, bool check_first)
{
    uint64_t n = 0;

    for (int32_t p = 0; p < lg_bus_partitions(f->bus, f->topics.n[t]); p++) {
        int64_t begin, end, at;

        assert_int_equal(lg_bus_offsets(f->bus, f->topics.n[t], p, &begin, &end), 0);
        for (at = begin; at < end;) {
            struct lg_bus_batch *b = NULL;

            if (lg_bus_read(f->bus, f->topics.n[t], p, at, 1u << 20, &b, NULL) <= 0)
                break;
            for (size_t i = 0; check_first && i < b->n; i++) {
                const struct lg_bus_record *r = &b->records[i];

                assert_true(lg_str_starts(r->value, LG_STR("{\"broken\":")));
                assert_str(lg_bus_header_get(r, LG_STR(LG_BUS_H_SCHEMA)), "raw/1");
                assert_str(lg_bus_header_get(r, LG_STR(LG_BUS_H_SOURCE)), "sysmon");
                assert_int_equal(lg_bus_header_get(r, LG_STR(LG_DEAD_H_REASON)).n, 0);
                assert_true(r->bus_time == API_NOW - API_MINUTE);
            }
            n += b->n;
            at = b->next_offset;
            lg_bus_batch_free(b);
        }
    }
    return n;
}

static void test_dead_letters(void **state)
{
    struct api_fix *f = *state;
    char id[64], uri[128], cursor[64];

    assert_status(f, fix_get(f, API_ADMIN, "/dead-letters"), 403);
    assert_status(f, fix_get(f, API_OPERATOR, "/status"), 200);
    assert_has(f, "\"dead_letters_open\":4,");
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters?limit=3"), 200);
    fix_value(f, "next_cursor", cursor, sizeof(cursor));
    (void)snprintf(uri, sizeof(uri), "/dead-letters?limit=3&cursor=%s", cursor);
    assert_status(f, fix_get(f, API_OPERATOR, uri), 200);
    assert_has(f, "\"next_cursor\":null");
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters?cursor=x"), 400);
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters?cursor=999-1"), 400);
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters?from=now"), 200);
    assert_has(f, "\"dead_letters\":[]");
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters?source=none"), 200);
    assert_has(f, "\"dead_letters\":[]");
    assert_status(f,
            fix_get(f, API_OPERATOR, "/dead-letters?reason=parse_error&source=sysmon-logs"), 200);
    assert_has(f, "\"stage\":\"normalizer\"");
    fix_value(f, "id", id, sizeof(id));
    (void)snprintf(uri, sizeof(uri), "/dead-letters/%s", id);
    assert_status(f, fix_get(f, API_OPERATOR, uri), 200);
    assert_has(f, "\"text\":\"{\\\"broken\\\":");
    assert_has(f, "\"base64\":\"eyJicm9rZW4iO");
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters/0-999999"), 404);
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters/77-0"), 404);
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters/x"), 404);

    (void)snprintf(uri, sizeof(uri), "/dead-letters/%s/replay", id);
    assert_status(f, post(f, API_OPERATOR, uri, NULL), 200);
    assert_has(f, "\"count\":1");
    assert_int_equal(records_of(f, LG_TOPIC_SYSMON, true), 1);
    assert_status(f, post(f, API_OPERATOR, uri, NULL), 200); /* once is enough */
    assert_has(f, "\"count\":0");
    assert_int_equal(records_of(f, LG_TOPIC_SYSMON, true), 1);
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters?state=replayed"), 200);
    assert_has(f, id);
    assert_status(f, post(f, API_OPERATOR, "/dead-letters/drop", "{}"), 400);
    assert_status(f, post(f, API_OPERATOR, "/dead-letters/drop", "{\"all\":false}"), 400);
    assert_status(f,
            post(f, API_OPERATOR, "/dead-letters/drop", "{\"reason\":\"tenant_mismatch\"}"), 200);
    assert_has(f, "\"count\":2,\"remaining\":false");
    assert_status(f, post(f, API_OPERATOR, "/dead-letters/replay", "{\"all\":true}"), 200);
    assert_has(f, "\"count\":1,\"remaining\":false");
    assert_int_equal(records_of(f, LG_TOPIC_SYSMON, true), 2);
    assert_status(f, fix_get(f, API_OPERATOR, "/status"), 200);
    assert_has(f, "\"dead_letters_open\":0,");
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters"), 200);
    assert_has(f, "\"dead_letters\":[]");
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters?state=dropped"), 200);
    assert_has(f, "tenant_mismatch");
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters?state=any"), 200);
    assert_has(f, "parse_error");
    assert_status(f, fix_get(f, API_OPERATOR, "/audit?action=dead-letter."), 200);
    assert_has(f, "dead-letter.replay");
    assert_has(f, "\"selection\":{\"reason\":\"tenant_mismatch\"}");
}

static void test_many_dead_letters(void **state)
{
    struct api_fix *f = *state;

    for (unsigned i = 0; i < 1500; i++)
        fix_dead(f, "acme", "flood", i);
    assert_status(f, post(f, API_OPERATOR, "/dead-letters/replay", "{\"reason\":\"flood\"}"), 200);
    assert_has(f, "\"count\":1000,\"remaining\":true");
    assert_status(f, post(f, API_OPERATOR, "/dead-letters/drop", "{\"reason\":\"flood\"}"), 200);
    assert_has(f, "\"count\":500,\"remaining\":false");
    assert_int_equal(records_of(f, LG_TOPIC_SYSMON, true), 1000);
    assert_status(f, fix_get(f, API_OPERATOR, "/dead-letters?reason=flood"), 200);
    assert_has(f, "\"dead_letters\":[]");
}

/* ---- audit ---- */

static void test_audit_verify(void **state)
{
    struct api_fix *f = *state;
    char path[128];
    sqlite3 *db;

    assert_status(f, fix_get(f, API_ADMIN, "/audit/verify"), 200);
    assert_has(f, "{\"ok\":true}");
    assert_status(f, fix_get(f, API_OPERATOR, "/audit/verify"), 200);
    assert_has(f, "\"ok\":true,\"rows\":");
    assert_has(f, "\"first_altered\":null");
    (void)snprintf(path, sizeof(path), "%s/alerts.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_exec(db,
            "DROP TRIGGER IF EXISTS audit_no_update; DROP TRIGGER IF EXISTS audit_update", NULL,
            NULL, NULL);
    {
        sqlite3_stmt *st;

        /* whoever edits the file by hand takes the triggers away first */
        assert_int_equal(sqlite3_prepare_v2(db,
                                 "SELECT name FROM sqlite_master WHERE type='trigger' AND"
                                 " tbl_name='audit'",
                                 -1, &st, NULL),
                SQLITE_OK);
        while (sqlite3_step(st) == SQLITE_ROW) {
            char sql[128];

            (void)snprintf(sql, sizeof(sql), "DROP TRIGGER \"%s\"",
                    (const char *)sqlite3_column_text(st, 0));
            sqlite3_reset(st);
            assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        }
        sqlite3_finalize(st);
    }
    assert_int_equal(
            sqlite3_exec(db, "UPDATE audit SET actor='nobody' WHERE seq=3", NULL, NULL, NULL),
            SQLITE_OK);
    sqlite3_close(db);
    assert_status(f, fix_get(f, API_OPERATOR, "/audit/verify"), 200);
    assert_has(f, "\"ok\":false");
    assert_has(f, "\"first_altered\":3");
    assert_status(f, fix_get(f, API_ADMIN, "/audit/verify"), 200);
    assert_has(f, "{\"ok\":false}");
}

static void test_audit_pages(void **state)
{
    struct api_fix *f = *state;
    char cursor[64], last[64] = "", at[64], uri[128];
    int pages = 0;

    for (int i = 0; i < 5; i++)
        assert_status(f, post(f, API_ADMIN, "/searches", "{\"name\":\"s\",\"query\":{}}"), 201);
    (void)snprintf(uri, sizeof(uri), "/audit?limit=2&action=search.");
    do {
        assert_status(f, fix_get(f, API_ADMIN, uri), 200);
        fix_value(f, "next_cursor", cursor, sizeof(cursor));
        if (fix_has(f, "\"at\":")) {
            fix_value(f, "at", at, sizeof(at));
            assert_true(last[0] == '\0' || strcmp(at, last) < 0);
            memcpy(last, at, sizeof(last));
        }
        (void)snprintf(uri, sizeof(uri), "/audit?limit=2&action=search.&cursor=%s", cursor);
        pages++;
    } while (strcmp(cursor, "null") != 0);
    assert_int_equal(pages, 3);
    /* a cursor of another list, or one that was made up */
    assert_status(f, fix_get(f, API_ADMIN, "/audit?cursor=00000000000000000000000000000000"), 400);
    assert_status(f, fix_get(f, API_ADMIN, "/audit?cursor=x"), 400);
}

static void test_posture(void **state)
{
    struct api_fix *f = *state;
    char path[128];
    FILE *out;

    assert_status(f, fix_get(f, API_ADMIN, "/posture"), 403);
    assert_status(f, fix_get(f, API_OPERATOR, "/posture"), 200);
    assert_has(f, "{\"check\":\"authentication\",\"ok\":true,");
    assert_has(f, "{\"check\":\"api\",\"ok\":true,\"text\":\"plain HTTP, on this machine alone\"}");
    assert_has(f, "{\"check\":\"token expiry\",\"ok\":false,");
    assert_has(f, "{\"check\":\"audit log\",\"ok\":true,");
    assert_has(f, "{\"check\":\"first token\",\"ok\":true,");
    assert_has(f, "{\"check\":\"model windows 1\",\"ok\":false,\"text\":\"signature: unsigned\"}");
    /* a listener opened to the network, a folder to everybody, a secret that lies about */
    (void)snprintf(f->cfg.data_dir, sizeof(f->cfg.data_dir), "%s", f->dir);
    (void)snprintf(f->cfg.api.host, sizeof(f->cfg.api.host), "0.0.0.0");
    f->cfg.api.cors_origins.n = 1;
    (void)snprintf(f->cfg.api.cors_origins.v[0], sizeof(f->cfg.api.cors_origins.v[0]), "*");
    lg_api_reload(f->api, &f->cfg);
    assert_int_equal(chmod(f->dir, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/admin-token", f->dir);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_status(f, fix_get(f, API_OPERATOR, "/posture"), 200);
    assert_has(f, "{\"check\":\"api\",\"ok\":false,");
    assert_has(f, "{\"check\":\"cors\",\"ok\":false,");
    assert_has(f, "{\"check\":\"first token\",\"ok\":false,");
    assert_has(f, "others may read or write it");
    assert_int_equal(chmod(f->dir, 0700), 0);
    assert_status(f, fix_get(f, API_OPERATOR, "/posture"), 200);
    assert_hasnt(f, "/admin-token\",\"ok\":false");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)
            T(test_posture),
            T(test_token_life),
            T(test_nobody_hands_out_more),
            T(test_token_in_two_tenants),
            T(test_expiry),
            T(test_uses_are_counted),
            T(test_refusals_do_not_flood_the_log),
            T(test_guessing),
            T(test_revoked_elsewhere),
            cmocka_unit_test(test_grants),
            cmocka_unit_test(test_actor_text),
            T(test_tenants),
            T(test_suppressions),
            T(test_searches),
            T(test_dead_letters),
            T(test_many_dead_letters),
            T(test_audit_verify),
            T(test_audit_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
