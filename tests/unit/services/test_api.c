#include "api_fixture.h"
#include "services/api_event_int.h"

/* The documented API: names, defaults, limits, status codes; and what goes beyond it. */

static void test_health(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, fix_get(f, API_NOBODY, "/health"), 200);
    assert_has(f, "\"status\":\"ok\"");
    assert_has(f, "\"service\":\"logster-api\"");
    assert_hasnt(f, "alerts_count");
    f->now += 90 * LG_NS_PER_SEC;
    assert_status(f, fix_get(f, API_VIEWER, "/health"), 200);
    assert_has(f, "\"uptime_seconds\":90.00");
    assert_has(f, "\"alerts_count\":2");
    assert_status(f, fix_get(f, API_BOTH, "/health"), 200);
    assert_has(f, "\"alerts_count\":4");
    assert_status(f, fix_get(f, API_INGEST, "/health"), 200);
    assert_hasnt(f, "alerts_count");
    assert_status(f, fix_get(f, API_OPERATOR, "/health"), 200);
    assert_hasnt(f, "alerts_count");
}

static void test_list_alerts(void **state)
{
    struct api_fix *f = *state;
    char cursor[256], uri[512];

    assert_status(f, fix_get(f, API_NOBODY, "/alerts"), 401);
    assert_status(f, fix_get(f, API_INGEST, "/alerts"), 403);
    assert_status(f, fix_get(f, API_OPERATOR, "/alerts"), 403);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts"), 200);
    assert_has(f, "\"total\":2,\"total_is_lower_bound\":false,\"limit\":100,\"offset\":0");
    assert_has(f, "\"next_cursor\":null");
    assert_hasnt(f, "\"other\"");
    assert_status(f, fix_get(f, API_BOTH, "/alerts"), 200);
    assert_has(f, "\"total\":4");
    assert_status(f, fix_get(f, API_BOTH, "/alerts?tenant_id=other"), 200);
    assert_has(f, "\"total\":2");
    assert_hasnt(f, "acme");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?status=open&status=resolved"), 200);
    assert_has(f, "\"total\":2");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?status=false_positive"), 200);
    assert_has(f, "\"alerts\":[],\"total\":0");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?status=Open"), 400);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?status=closed"), 400);
    assert_has(f, "\"parameter\":\"status\"");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?limit=0"), 400);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?limit=1001"), 400);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?limit=1000"), 200);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?offset=-1"), 400);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?limit=1&offset=1"), 200);
    assert_has(f, "\"total\":2");
    assert_has(f, "\"limit\":1,\"offset\":1");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?colour=red"), 400);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?severity=high"), 200);
    assert_has(f, "\"total\":1");
    assert_has(f, "\"endpoint_id\":\"hr001\"");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?endpoint=hr002"), 200);
    assert_has(f, "\"total\":1");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?technique=T1059"), 200);
    assert_has(f, "\"total\":2");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?technique=T1003"), 200);
    assert_has(f, "\"total\":0");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?q=EVIL0.EXE"), 200);
    assert_has(f, "\"total\":1");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?from=now-1h&to=now"), 200);
    assert_has(f, "\"total\":2");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?to=now-1h"), 200);
    assert_has(f, "\"total\":0");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?received_from=now-1h&received_to=now"), 200);
    assert_has(f, "\"total\":2");
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?received_to=now-1h"), 200);
    assert_has(f, "\"total\":0");

    assert_status(f, fix_get(f, API_VIEWER, "/alerts?limit=1&sort=attack_prob"), 200);
    assert_has(f, "\"attack_prob\":0.97");
    fix_value(f, "next_cursor", cursor, sizeof(cursor));
    assert_string_not_equal(cursor, "null");
    (void)snprintf(uri, sizeof(uri), "/alerts?limit=1&sort=attack_prob&cursor=%s", cursor);
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    assert_has(f, "\"attack_prob\":0.81");
    assert_has(f, "\"total\":2");
    (void)snprintf(uri, sizeof(uri), "/alerts?offset=1&cursor=%s", cursor);
    assert_status(f, fix_get(f, API_VIEWER, uri), 400);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?cursor=garbage"), 400);
}

static void test_every_sort(void **state)
{
    static const char *const sorts[] = {"last_seen", "first_seen", "received_at", "created_at",
            "updated_at", "severity", "attack_prob", "occurrences"};
    struct api_fix *f = *state;
    char uri[128];

    for (size_t i = 0; i < sizeof(sorts) / sizeof(*sorts); i++)
        for (int asc = 0; asc < 2; asc++) {
            (void)snprintf(
                    uri, sizeof(uri), "/alerts?sort=%s&order=%s", sorts[i], asc ? "asc" : "desc");
            assert_status(f, fix_get(f, API_VIEWER, uri), 200);
            assert_has(f, "\"total\":2");
        }
    assert_status(f, fix_get(f, API_VIEWER, "/alerts?sort=colour"), 400);
}

static void test_one_alert(void **state)
{
    struct api_fix *f = *state;
    char uri[256], tag[64];

    fix_uri(uri, "/alerts/", &f->alert[0], "");
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    assert_has(f, "\"tenant_id\":\"acme\"");
    assert_has(f, "\"status\":\"open\"");
    (void)snprintf(tag, sizeof(tag), "If-None-Match: %.*s",
            (int)lg_http_reply_header(&f->reply, "ETag").n,
            lg_http_reply_header(&f->reply, "ETag").p);
    assert_status(f, fix_call(f, API_VIEWER, "GET", uri, NULL, tag), 304);
    assert_status(f, fix_get(f, API_OTHER, uri), 404);
    assert_status(f, fix_get(f, API_VIEWER, "/alerts/no-such-thing"), 404);
    assert_has(f, "\"status\":404");
}

static void test_transitions(void **state)
{
    struct api_fix *f = *state;
    char uri[256];

    fix_uri(uri, "/alerts/", &f->alert[0], "");
    assert_status(
            f, fix_call(f, API_VIEWER, "PATCH", uri, "{\"status\":\"acknowledged\"}", NULL), 403);
    f->now += LG_NS_PER_SEC;
    assert_status(f,
            fix_call(f, API_ANALYST, "PATCH", uri,
                    "{\"status\":\"acknowledged\",\"assignee\":\"anna\",\"analyst_notes\":"
                    "\"mine\"}",
                    "If-Match: *"),
            200);
    assert_has(f, "\"status\":\"acknowledged\"");
    assert_has(f, "\"assignee\":\"anna\"");
    assert_has(f, "\"analyst_notes\":\"mine\"");
    assert_true(lg_http_reply_header(&f->reply, "ETag").n > 2);
    /* who it was comes from the token, and cannot be said */
    assert_status(f,
            fix_call(f, API_ANALYST, "PATCH", uri,
                    "{\"status\":\"resolved\",\"resolved_by\":\"someone else\"}", NULL),
            400);
    assert_has(f, "\"parameter\":\"resolved_by\"");
    assert_status(
            f, fix_call(f, API_ANALYST, "PATCH", uri, "{\"status\":\"resolved\"}", NULL), 200);
    assert_has(f, "\"resolved_by\":\"anna (");
    /* from one closed state to the other it goes by reopening only */
    assert_status(f,
            fix_call(f, API_ANALYST, "PATCH", uri, "{\"status\":\"false_positive\"}", NULL), 409);
    assert_has(f, "\"allowed\":[\"open\",\"acknowledged\",\"investigating\"]");
    assert_has(f, "\"status_now\":\"resolved\"");
    assert_status(f, fix_call(f, API_ANALYST, "PATCH", uri, "{\"status\":\"open\"}", NULL), 200);
    fix_uri(uri, "/alerts/", &f->alert[0], "/history");
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    assert_has(f, "\"actor\":\"anna (");
    assert_has(f, "\"from\":\"open\",\"to\":\"acknowledged\"");
    assert_has(f, "\"from\":\"resolved\",\"to\":\"open\"");
    assert_status(f, fix_get(f, API_ADMIN, "/audit?action=alert.update"), 200);
    assert_has(f, "\"status\":\"resolved\"");
}

static void test_lost_update(void **state)
{
    struct api_fix *f = *state;
    char uri[256], tag[64];

    fix_uri(uri, "/alerts/", &f->alert[0], "");
    assert_status(f, fix_get(f, API_ANALYST, uri), 200);
    (void)snprintf(tag, sizeof(tag), "If-Match: %.*s",
            (int)lg_http_reply_header(&f->reply, "ETag").n,
            lg_http_reply_header(&f->reply, "ETag").p);
    assert_status(
            f, fix_call(f, API_BOTH, "PATCH", uri, "{\"status\":\"acknowledged\"}", tag), 200);
    assert_status(
            f, fix_call(f, API_ANALYST, "PATCH", uri, "{\"status\":\"investigating\"}", tag), 412);
    assert_has(f, "\"current\":{\"alert_id\"");
    assert_has(f, "\"status\":\"acknowledged\"");
    assert_status(f,
            fix_call(f, API_ANALYST, "PATCH", uri, "{\"status\":\"open\"}", "If-Match: nonsense"),
            400);
}

static void test_strict_bodies(void **state)
{
    static const char *const bad[] = {"", "null", "[]", "{}", "{\"status\":1}", "{\"status\":null}",
            "{\"status\":\"OPEN\"}", "{\"status\":\"open\",\"status\":\"open\"}",
            "{\"status\":\"open\"", "{\"status\":\"open\"} x", "{\"analyst_notes\":true}",
            "{\"assignee\":\"\\u0000\"}", "{\"assignee\":\"\xff\"}", "{\"colour\":\"red\"}",
            "{\"assignee\":{\"a\":1}}"};
    struct api_fix *f = *state;
    char uri[256];
    struct lg_buf b;

    fix_uri(uri, "/alerts/", &f->alert[0], "");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (fix_call(f, API_ANALYST, "PATCH", uri, bad[i], NULL) != 400)
            fail_msg("%d for %s", f->reply.status, bad[i]);
    lg_buf_init(&b, 65536);
    lg_buf_adds(&b, LG_STR("{\"assignee\":\""));
    for (int i = 0; i < 201; i++)
        lg_buf_addc(&b, 'x');
    lg_buf_adds(&b, LG_STR("\"}"));
    lg_buf_addc(&b, '\0');
    assert_status(f, fix_call(f, API_ANALYST, "PATCH", uri, b.p, NULL), 400);
    assert_has(f, "assignee is too long");
    lg_buf_done(&b);
    fix_uri(uri, "/alerts/", &f->alert[0], "/history");
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    assert_hasnt(f, "anna");
}

static void test_feedback(void **state)
{
    struct api_fix *f = *state;
    char body[512], id[LG_UUID_TEXT + 1], cursor[64], uri[256];

    lg_uuid_text(&f->alert[0], id);
    (void)snprintf(body, sizeof(body),
            "{\"alert_id\":\"%s\",\"is_true_positive\":true,\"note\":\"seen it\"}", id);
    assert_status(f, fix_call(f, API_VIEWER, "POST", "/feedback", body, NULL), 403);
    assert_status(f, fix_call(f, API_ANALYST, "POST", "/feedback", body, NULL), 201);
    assert_has(f, "\"author\":\"anna (");
    assert_has(f, "\"is_true_positive\":true");
    lg_uuid_text(&f->inference[0], id);
    assert_has(f, id);
    assert_status(f, fix_call(f, API_OTHER, "POST", "/feedback", body, NULL), 404);
    f->now -= 2000000; /* at the same moment: a retry */
    assert_status(f, fix_call(f, API_ANALYST, "POST", "/feedback", body, NULL), 201);
    assert_status(f, fix_call(f, API_ANALYST, "POST", "/feedback", body, NULL), 201);
    fix_uri(uri, "/alerts/", &f->alert[0], "");
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    assert_has(f, "\"status\":\"open\""); /* it closes nothing */
    /* an inference that is not the alert's */
    lg_uuid_text(&f->alert[0], id);
    (void)snprintf(body, sizeof(body),
            "{\"alert_id\":\"%s\",\"is_true_positive\":true,\"inference_id\":\"%s\"}", id, id);
    assert_status(f, fix_call(f, API_ANALYST, "POST", "/feedback", body, NULL), 400);
    assert_status(f,
            fix_call(f, API_ANALYST, "POST", "/feedback", "{\"is_true_positive\":true}", NULL),
            400);
    assert_has(f, "alert_id is missing");

    assert_status(f, fix_get(f, API_ANALYST, "/feedback?limit=1"), 200);
    fix_value(f, "next_cursor", cursor, sizeof(cursor));
    (void)snprintf(uri, sizeof(uri), "/feedback?limit=2&cursor=%s", cursor);
    assert_status(f, fix_get(f, API_ANALYST, uri), 200);
    assert_has(f, "\"next_cursor\":null");
    assert_has(f, "seen it");
    assert_status(f, fix_get(f, API_OTHER, "/feedback"), 200);
    assert_has(f, "\"feedback\":[]");
    assert_status(f, fix_get(f, API_ANALYST, "/feedback/export"), 200);
    assert_int_equal(lg_str_chr(lg_buf_str(&f->reply.body), '\n') > 0, 1);
    assert_int_equal(f->reply.body.p[f->reply.body.n - 1], '\n');
}

static void test_evidence_and_similar(void **state)
{
    struct api_fix *f = *state;
    char uri[256], id[LG_UUID_TEXT + 1];

    fix_uri(uri, "/alerts/", &f->alert[0], "/evidence");
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    assert_has(f, "secret-of-acme");
    assert_has(f, "\"verdicts\":[{\"tenant_id\":\"acme\"");
    assert_has(f, "\"late_events\":1");
    fix_uri(uri, "/alerts/", &f->alert[0], "/inferences");
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    lg_uuid_text(&f->inference[0], id);
    assert_has(f, id);
    (void)fix_verdict(f, "acme", "hr001", 7, 2, 0.9);
    fix_uri(uri, "/alerts/", &f->alert[0], "/similar");
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    assert_has(f, "evil7.exe");
    assert_hasnt(f, "other");
}

static void test_tree(void **state)
{
    struct api_fix *f = *state;
    char uri[256];

    fix_uri(uri, "/alerts/", &f->alert[0], "/tree");
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    assert_has(f, "\"inferred\":true");
    assert_has(f, "\"focus\":true");
    assert_has(f, "{guid-acme-0}");
    assert_has(f, "{child}");
    assert_has(f, "\"truncated\":false");
    assert_status(f, fix_get(f, API_VIEWER, "/endpoints/hr001/tree"), 200);
    assert_has(f, "{child}");
    assert_hasnt(f, "other");
}

static void test_events(void **state)
{
    struct api_fix *f = *state;
    char uri[256];

    assert_status(f, fix_get(f, API_VIEWER, "/events"), 200);
    assert_has(f, "\"total\":2");
    assert_has(f, "\"received_at\":");
    assert_hasnt(f, "raw_event");
    assert_hasnt(f, "other");
    assert_status(f, fix_get(f, API_VIEWER, "/events?raw=true&limit=1"), 200);
    assert_has(f, "\"raw_event\":{\"raw\":\"of acme");
    assert_status(f, fix_get(f, API_VIEWER, "/events?event_type=dns_query"), 200);
    assert_has(f, "\"total\":0");
    assert_status(f, fix_get(f, API_VIEWER, "/events?event_type=dns"), 400);
    assert_status(f, fix_get(f, API_VIEWER, "/events?user=MALLORY&q=prog1"), 200);
    assert_has(f, "\"total\":1");
    assert_status(f, fix_get(f, API_VIEWER, "/events?from=now&to=now-1h"), 200);
    assert_has(f, "\"total\":0");
    assert_status(f, fix_get(f, API_VIEWER, "/events?not_user=MALLORY"), 200);
    assert_has(f, "\"total\":0");
    assert_status(f, fix_get(f, API_VIEWER, "/events?not_user=nobody&not_image=no.exe"), 200);
    assert_has(f, "\"total\":2");
    assert_status(f, fix_get(f, API_VIEWER, "/events?not_event_type=dns_query"), 200);
    assert_has(f, "\"total\":2");
    assert_status(f,
            fix_get(f, API_VIEWER,
                    "/events?event_type=process_create&"
                    "not_event_type=process_create"),
            200);
    assert_has(f, "\"total\":0"); /* a set of no type is not one of all */
    fix_uri(uri, "/events/", &f->event[0], "");
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    assert_has(f, "\"raw_event\":{\"raw\":\"of acme 0\"}");
    assert_status(f, fix_get(f, API_OTHER, uri), 404);
}

/* A cursor goes on with the range that the first page had, whenever that was: but with no other. */
static void test_relative_pages(void **state)
{
    static const char *const lists[] = {"/events", "/inferences", "/alerts"};
    struct api_fix *f = *state;
    char cursor[512], uri[1200];

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        (void)snprintf(uri, sizeof(uri), "%s?from=now-3000d&to=now&limit=1", lists[i]);
        assert_status(f, fix_get(f, API_VIEWER, uri), 200);
        fix_value(f, "next_cursor", cursor, sizeof(cursor));
        if (strncmp(cursor, "null", 4) == 0)
            continue;
        f->now += 5 * LG_NS_PER_SEC;
        (void)snprintf(
                uri, sizeof(uri), "%s?from=now-3000d&to=now&limit=1&cursor=%s", lists[i], cursor);
        assert_status(f, fix_get(f, API_VIEWER, uri), 200);
        (void)snprintf(uri, sizeof(uri), "%s?from=1&to=now&limit=1&cursor=%s", lists[i], cursor);
        assert_status(f, fix_get(f, API_VIEWER, uri), 400);
        (void)snprintf(uri, sizeof(uri), "%s?from=now-1h&to=now&limit=1&cursor=1.2.3.4.%s",
                lists[i], cursor);
        assert_status(f, fix_get(f, API_VIEWER, uri), 400);
    }
}

static void test_histogram(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, fix_get(f, API_VIEWER, "/events/histogram?from=1&buckets=1"), 200);
    assert_has(f, "\"events\":2}");
    assert_status(f, fix_get(f, API_VIEWER, "/events/histogram?from=1&buckets=1&q=prog1"), 200);
    assert_has(f, "\"events\":1}");
    assert_has(f, "\"incomplete\":false");
    assert_status(f, fix_get(f, API_VIEWER, "/events/histogram?from=now&to=now-1h"), 400);
    assert_status(f, fix_get(f, API_VIEWER, "/events/histogram?from=0"), 400);
}

static void test_inferences(void **state)
{
    struct api_fix *f = *state;
    char uri[256];

    assert_status(f, fix_get(f, API_VIEWER, "/inferences"), 200);
    assert_has(f, "\"total\":3");
    assert_hasnt(f, "other");
    assert_status(f, fix_get(f, API_VIEWER, "/inferences?prediction=benign"), 200);
    assert_has(f, "\"total\":1");
    assert_status(f, fix_get(f, API_VIEWER, "/inferences?min_prob=0.9"), 200);
    assert_has(f, "\"total\":1");
    assert_status(f, fix_get(f, API_VIEWER, "/inferences?min_prob=2"), 400);
    assert_status(f, fix_get(f, API_VIEWER, "/inferences?sort=attack_prob&limit=1"), 200);
    assert_has(f, "\"attack_prob\":0.970");
    fix_uri(uri, "/inferences/", &f->inference[0], "");
    assert_status(f, fix_get(f, API_VIEWER, uri), 200);
    assert_has(f, "\"inference_id\"");
    assert_status(f, fix_get(f, API_OTHER, uri), 404);
    fix_uri(uri, "/inferences/", &f->inference[0], "/graph");
    assert_status(f, fix_get(f, API_VIEWER, uri), 404);
    assert_has(f, "was not kept");
}

static void test_endpoints(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, fix_get(f, API_VIEWER, "/endpoints"), 200);
    assert_has(f, "\"total\":2,\"total_is_lower_bound\":false,\"limit\":100,\"offset\":0");
    assert_has(f, "\"alerts_active\":1");
    assert_has(f, "\"worst_active_severity\":\"high\"");
    assert_status(f, fix_get(f, API_VIEWER, "/endpoints?q=HR002&sort=endpoint_id"), 200);
    assert_has(f, "\"total\":1");
    assert_status(f, fix_get(f, API_VIEWER, "/endpoints/hr001"), 200);
    /* three windows, and each event in one of them */
    assert_has(f, "\"windows\":1,\"events\":12,\"late_events\":1");
    assert_has(f, "\"missed\":7");
    assert_has(f, "\"refused\":0");
    assert_status(f, fix_get(f, API_VIEWER, "/endpoints/hr001?to=now-1h"), 200);
    assert_has(f, "\"windows\":0");
    assert_status(f, fix_get(f, API_VIEWER, "/endpoints/hr003"), 404);
    assert_status(f, fix_get(f, API_BOTH, "/endpoints/hr001"), 409);
    assert_has(f, "\"tenants\":[\"acme\",\"other\"]");
    assert_status(f, fix_get(f, API_BOTH, "/endpoints/hr001?tenant_id=other"), 200);
    assert_status(f, fix_get(f, API_VIEWER, "/endpoints/hr001/profile"), 200);
    assert_has(f, "\"users\":[{\"value\":\"mallory\"");
    assert_has(f, "prog1.exe");
}

static void test_summary(void **state)
{
    struct api_fix *f = *state;

    for (int api = 0; api < 2; api++) {
        assert_status(f, fix_get(f, API_VIEWER, api ? "/api/summary" : "/summary"), 200);
        assert_has(f, "\"total_inferences\":3,\"total_attacks\":2,\"total_benign\":1");
        assert_has(f, "\"max_attack_probability\":0.97");
        assert_has(f, "\"hosts\":2");
        assert_status(f, fix_get(f, API_VIEWER, api ? "/api/hosts" : "/hosts"), 200);
        assert_has(f, "\"total\":2");
        assert_has(f, "\"hosts\":[{\"tenant_id\":\"acme\",\"endpoint_id\":\"hr001\"");
    }
    assert_status(f, fix_get(f, API_VIEWER, "/summary?from=now-30m&host=hr002"), 200);
    assert_has(f, "\"total_inferences\":1");
    assert_status(f, fix_get(f, API_VIEWER, "/summary?tenant_id=other"), 200);
    assert_has(f, "\"total_inferences\":0");
    assert_status(f, fix_get(f, API_VIEWER, "/summary?from=now&to=now-1h"), 400);
    assert_status(f, fix_get(f, API_VIEWER, "/timeline?from=now-1h&buckets=6"), 200);
    assert_has(f, "\"attacks\":2");
    assert_status(f, fix_get(f, API_VIEWER, "/techniques"), 200);
    assert_has(f, "\"technique\":\"T1059.001\",\"tactic\":\"Execution\",\"attacks\":2,\"hosts\":2");
}

static void test_docs(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, fix_get(f, API_NOBODY, "/openapi.json"), 200);
    assert_has(f, "\"openapi\":\"3.1");
    assert_has(f, "\"operationId\":\"updateAlert\"");
    assert_status(f, fix_get(f, API_NOBODY, "/docs"), 200);
    assert_status(f, fix_get(f, API_NOBODY, "/livez"), 200);
    assert_status(f, fix_get(f, API_NOBODY, "/readyz"), 200);
    assert_status(f, fix_get(f, API_NOBODY, "/metrics"), 401);
    assert_status(f, fix_get(f, API_ADMIN, "/metrics"), 403);
    assert_status(f, fix_get(f, API_METRICS, "/metrics"), 200);
    assert_has(f, "logster_stream_clients 0");
    assert_status(f, fix_get(f, API_METRICS, "/alerts"), 403);
    assert_status(f, fix_get(f, API_OPERATOR, "/config"), 200);
    assert_status(f, fix_get(f, API_OPERATOR, "/status"), 200);
    assert_has(f, "\"version\":\"1.2.3\"");
    assert_status(f, fix_get(f, API_VIEWER, "/models"), 200);
    assert_has(f, "\"signature\":\"unsigned\"");
}

static void say(struct api_fix *f, enum api_role as, const struct lg_uuid *alert, bool right)
{
    char id[LG_UUID_TEXT + 1], body[128];

    lg_uuid_text(alert, id);
    (void)snprintf(body, sizeof(body), "{\"alert_id\":\"%s\",\"is_true_positive\":%s}", id,
            right ? "true" : "false");
    assert_status(f, fix_call(f, as, "POST", "/feedback", body, NULL), 201);
}

/* Of several words on one alert the last counts; a tenant counts its own. */
static void test_quality(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, fix_get(f, API_ANALYST, "/feedback/quality?parts=2"), 200);
    assert_has(f,
            "\"feedback\":0,\"alerts\":0,\"true_positives\":0,\"false_positives\":0,"
            "\"precision\":null");
    assert_has(f, "\"techniques\":[]");
    say(f, API_ANALYST, &f->alert[0], false);
    say(f, API_ANALYST, &f->alert[0], true);
    say(f, API_OTHER, &f->alert[1], false);
    assert_status(f, fix_get(f, API_ANALYST, "/feedback/quality?parts=2"), 200);
    assert_has(f,
            "\"feedback\":2,\"alerts\":1,\"true_positives\":1,\"false_positives\":0,"
            "\"precision\":1");
    assert_has(f, "{\"severity\":\"high\",\"true_positives\":1,");
    assert_has(f, "{\"technique\":\"T1059.001\",\"tactic\":\"Execution\",\"true_positives\":1,");
    assert_status(f, fix_get(f, API_ALL, "/feedback/quality?parts=1"), 200);
    assert_has(f,
            "\"feedback\":3,\"alerts\":2,\"true_positives\":1,\"false_positives\":1,"
            "\"precision\":0.5");
    assert_status(f, fix_get(f, API_ALL, "/feedback/quality?to=now-1d"), 200);
    assert_has(f, "\"feedback\":0,");
    assert_status(f, fix_get(f, API_ALL, "/feedback/quality?from=now&to=now-1d"), 400);
    assert_status(f, fix_get(f, API_VIEWER, "/feedback/quality"), 403);
}

static size_t count_lines(struct api_fix *f)
{
    struct lg_str rest = lg_buf_str(&f->reply.body), one;
    size_t n = 0;

    while (lg_str_split(&rest, '\n', &one))
        n += one.n > 0;
    return n;
}

static void test_export(void **state)
{
    struct api_fix *f = *state;

    assert_status(f, fix_get(f, API_VIEWER, "/events/export?order=asc"), 200);
    assert_int_equal(count_lines(f), 2);
    assert_has(f, "prog0.exe");
    assert_hasnt(f, "raw_event");
    assert_hasnt(f, "of other");
    assert_true(lg_str_eq(lg_http_reply_header(&f->reply, "Content-Disposition"),
            LG_STR("attachment; filename=\"events.ndjson\"")));
    assert_status(f, fix_get(f, API_VIEWER, "/events/export?raw=true&limit=1"), 200);
    assert_int_equal(count_lines(f), 1);
    assert_has(f, "raw_event");
    assert_status(f, fix_get(f, API_VIEWER, "/events/export?format=csv&user=mallory"), 200);
    assert_true(lg_str_starts(lg_http_reply_header(&f->reply, "Content-Type"), LG_STR("text/csv")));
    assert_int_equal(count_lines(f), 3);
    assert_has(f, "\"timestamp\",\"received_at\",\"tenant_id\"");
    assert_has(f, ",\"acme\",\"hr001\",\"hr001.example.org\",\"windows\",\"sysmon\"");
    assert_has(f, ",\"mallory\",\"C:\\Windows\\prog1.exe\",\"acme\",");
    assert_status(f, fix_get(f, API_VIEWER, "/events/export?format=csv&user=nobody"), 200);
    assert_int_equal(count_lines(f), 1); /* its head */
    assert_status(f, fix_get(f, API_OTHER, "/events/export?tenant_id=acme"), 200);
    assert_int_equal(f->reply.body.n, 0);
    assert_status(f, fix_get(f, API_VIEWER, "/events/export?format=xls"), 400);
    assert_status(f, fix_get(f, API_VIEWER, "/events/export?cursor=x"), 400);
    assert_status(f, fix_get(f, API_INGEST, "/events/export"), 403);
}

/* Nothing that a spreadsheet would run, and nothing that leaves its cell. */
static void test_csv_cells(void **state)
{
    static const struct {
        struct lg_str in;
        const char *out;
    } cases[] = {
            {LG_STR("plain"), "\"plain\""},
            {LG_STR(""), "\"\""},
            {LG_STR("a,b\r\nc"), "\"a,b\r\nc\""},
            {LG_STR("say \"x\""), "\"say \"\"x\"\"\""},
            {LG_STR("=cmd|'/c calc'!A0"), "\"'=cmd|'/c calc'!A0\""},
            {LG_STR("+1"), "\"'+1\""},
            {LG_STR("-1"), "\"'-1\""},
            {LG_STR("@SUM(A1)"), "\"'@SUM(A1)\""},
            {LG_STR("\t=1"), "\"'\t=1\""},
            {LG_STR("  =1"), "\"'  =1\""},
            {LG_STR("\0=1"), "\"'=1\""},
            {LG_STR("a=1"), "\"a=1\""},
            {LG_STR("\"=1"), "\"\"\"=1\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct lg_buf out;

        lg_buf_init(&out, 1024);
        api_csv_cell(&out, cases[i].in);
        if (!lg_str_eq(lg_buf_str(&out), lg_str_z(cases[i].out)))
            fail_msg("%zu: %.*s", i, (int)out.n, out.p);
        lg_buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_csv_cells),
#define T(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)
            T(test_export),
            T(test_quality),
            T(test_health),
            T(test_list_alerts),
            T(test_every_sort),
            T(test_one_alert),
            T(test_transitions),
            T(test_lost_update),
            T(test_strict_bodies),
            T(test_feedback),
            T(test_evidence_and_similar),
            T(test_tree),
            T(test_events),
            T(test_relative_pages),
            T(test_histogram),
            T(test_inferences),
            T(test_endpoints),
            T(test_summary),
            T(test_docs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
