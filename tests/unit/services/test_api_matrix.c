#include "api_fixture.h"
#include "services/api_int.h"

/*
 * Every row of the routing table, for every role, with what is one's own and what is another
 * tenant's. The cases below say how a route is called for a tenant; a row without one fails, and so
 * does a case whose row is gone.
 *   %A alert  %I inference  %E event  %S suppression  %Q search  %K token  %D dead letter
 *   %H endpoint  %t tenant  %T a token's secret
 * All of it twice: on the API's listener with a token, and on the dashboard's below /api, with the
 * cookie of a session.
 */
struct route_case {
    const char *operation;
    const char *uri;
    const char *body;
};

static const struct route_case cases[] = {
        {"getHealth", "/health", NULL},
        {"getLiveness", "/livez", NULL},
        {"getReadiness", "/readyz", NULL},
        {"getStatus", "/status", NULL},
        {"getPosture", "/posture", NULL},
        {"getConfig", "/config", NULL},
        {"getMetrics", "/metrics", NULL},
        {"listAlerts", "/alerts?tenant_id=%t", NULL},
        {"getAlert", "/alerts/%A", NULL},
        {"updateAlert", "/alerts/%A", "{\"analyst_notes\":\"looked at\"}"},
        {"getAlertHistory", "/alerts/%A/history", NULL},
        {"getAlertEvidence", "/alerts/%A/evidence", NULL},
        {"listAlertInferences", "/alerts/%A/inferences", NULL},
        {"listSimilarAlerts", "/alerts/%A/similar", NULL},
        {"getAlertTree", "/alerts/%A/tree", NULL},
        {"streamAlerts", "/stream?tenant_id=%t", NULL},
        {"createFeedback", "/feedback", "{\"alert_id\":\"%A\",\"is_true_positive\":true}"},
        {"listFeedback", "/feedback?tenant_id=%t", NULL},
        {"exportFeedback", "/feedback/export?tenant_id=%t", NULL},
        {"getFeedbackQuality", "/feedback/quality?tenant_id=%t", NULL},
        {"listEndpoints", "/endpoints?tenant_id=%t", NULL},
        {"getEndpoint", "/endpoints/%H", NULL},
        {"getEndpointProfile", "/endpoints/%H/profile", NULL},
        {"getEndpointTree", "/endpoints/%H/tree", NULL},
        {"listEvents", "/events?tenant_id=%t", NULL},
        {"getEventHistogram", "/events/histogram?tenant_id=%t&not_user=nobody", NULL},
        {"exportEvents", "/events/export?tenant_id=%t", NULL},
        {"getEvent", "/events/%E", NULL},
        {"listInferences", "/inferences?tenant_id=%t", NULL},
        {"getInference", "/inferences/%I", NULL},
        {"getInferenceGraph", "/inferences/%I/graph", NULL},
        {"listSuppressions", "/suppressions?tenant_id=%t", NULL},
        {"createSuppression", "/suppressions",
                "{\"tenant_id\":\"%t\",\"process\":\"a.exe\",\"reason\":\"known\"}"},
        {"previewSuppression", "/suppressions/preview",
                "{\"tenant_id\":\"%t\",\"process\":\"a.exe\"}"},
        {"getSuppression", "/suppressions/%S", NULL},
        {"revokeSuppression", "/suppressions/%S", NULL},
        {"listSuppressionHits", "/suppressions/%S/hits", NULL},
        {"listSearches", "/searches?tenant_id=%t", NULL},
        {"createSearch", "/searches", "{\"tenant_id\":\"%t\",\"name\":\"n\",\"query\":{}}"},
        {"replaceSearch", "/searches/%Q", "{\"name\":\"new name\",\"query\":{\"a\":1}}"},
        {"deleteSearch", "/searches/%Q", NULL},
        {"getSummary", "/summary?tenant_id=%t", NULL},
        {"getDashboardSummary", "/api/summary?tenant_id=%t", NULL},
        {"listHosts", "/hosts?trend=12&silent=true&tenant_id=%t", NULL},
        {"listDashboardHosts", "/api/hosts?tenant_id=%t", NULL},
        {"getTimeline", "/timeline?tenant_id=%t", NULL},
        {"getTechniques", "/techniques?parts=12&tenant_id=%t", NULL},
        {"getMe", "/me", NULL},
        {"listTokens", "/tokens", NULL},
        {"createToken", "/tokens", "{\"name\":\"new\",\"tenants\":{\"%t\":[\"viewer\"]}}"},
        {"revokeToken", "/tokens/%K", NULL},
        {"listTenants", "/tenants", NULL},
        {"createTenant", "/tenants", "{\"tenant_id\":\"new-%n\"}"},
        {"disableTenant", "/tenants/new-%n/disable", NULL},
        {"listModels", "/models", NULL},
        {"listDeadLetters", "/dead-letters", NULL},
        {"getDeadLetter", "/dead-letters/%D", NULL},
        {"replayDeadLetter", "/dead-letters/%D/replay", NULL},
        {"dropDeadLetter", "/dead-letters/%D", NULL},
        {"replayDeadLetters", "/dead-letters/replay", "{\"reason\":\"no such\"}"},
        {"dropDeadLetters", "/dead-letters/drop", "{\"reason\":\"no such\"}"},
        {"listAudit", "/audit?tenant_id=%t", NULL},
        {"verifyAudit", "/audit/verify", NULL},
        {"getSession", "/session", NULL},
        {"createSession", "/session", "{\"token\":\"%T\"}"},
        {"deleteSession", "/session", NULL},
        {"getPage", "/", NULL},
        {"getPageFile", "/page/of/its/own", NULL},
};
#define CASES (sizeof(cases) / sizeof(*cases))

enum whose { OWN, FOREIGN, UNKNOWN };
static const char *const tenant_of[] = {"acme", "other", "nosuch"};
static const char unknown_id[] = "00000000-0000-8000-8000-000000000000";

/* The API's rows, then the dashboard's. */
static const struct lg_route *row_at(size_t i)
{
    size_t n = lg_api_route_count();
    struct lg_api_rows more = lg_dashboard_rows();

    return i < n ? lg_api_route(i) : i - n < more.n ? more.rows + (i - n) : NULL;
}

static const struct lg_route *route_of(const char *operation)
{
    const struct lg_route *r;

    for (size_t i = 0; (r = row_at(i)) != NULL; i++)
        if (strcmp(r->operation, operation) == 0)
            return r;
    return NULL;
}

/* Not on the listener that is asked. */
static bool is_elsewhere(const struct api_fix *f, const struct lg_route *r)
{
    return f->by_page && (r->flags & LG_ROUTE_API_ONLY) != 0;
}

static const struct route_case *case_of(const char *operation)
{
    for (size_t i = 0; i < CASES; i++)
        if (strcmp(cases[i].operation, operation) == 0)
            return &cases[i];
    return NULL;
}

static void test_every_row_has_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; row_at(i) != NULL; i++) {
        const struct lg_route *r = row_at(i);
        const struct route_case *c = case_of(r->operation);
        bool says_tenant;

        if (c == NULL)
            fail_msg("%s %s has no case", lg_http_method_name(r->method), r->path);
        says_tenant = strchr(c->uri, '%') != NULL || (c->body != NULL && strchr(c->body, '%'));
        if ((r->flags & LG_ROUTE_TENANT) != 0 && !says_tenant &&
                strcmp(r->operation, "listTokens") != 0 && strcmp(r->operation, "listTenants") != 0)
            fail_msg("%s is of a tenant, and its case names none", r->operation);
    }
    for (size_t i = 0; i < CASES; i++)
        if (route_of(cases[i].operation) == NULL)
            fail_msg("no row for %s", cases[i].operation);
}

/* ---- calling a case ---- */

static lg_time call_at; /* when the call itself is made; 0: now */

static const struct lg_principal *principal_of(struct api_fix *f, enum api_role role)
{
    const struct lg_principal *pr;
    struct lg_token tok;

    if (role == API_NOBODY)
        return NULL;
    assert_int_equal(lg_token_parse(lg_str_z(f->token[role]), &tok), 0);
    assert_int_equal(lg_auth_token(f->auth, &tok, LG_STR("test"), &pr), 0);
    return pr;
}

static bool may(struct api_fix *f, enum api_role role, enum lg_action action, const char *tenant)
{
    const struct lg_principal *pr = principal_of(f, role);
    bool yes = lg_access_allows(pr, action, lg_str_z(tenant));

    lg_principal_unref(pr);
    return yes;
}

/* POSTs {"tenant_id" and what follows it} and keeps the new thing's id. */
static void make(struct api_fix *f, enum api_role as, const char *uri, const char *body,
        const char *member, char out[96])
{
    assert_status(f, fix_call(f, as, "POST", uri, body, NULL), 201);
    fix_value(f, member, out, 96);
}

/* What a placeholder stands for; things that a call may use up are made anew. */
static void place(struct api_fix *f, char what, enum api_role role, enum whose w, char out[96])
{
    static unsigned serial;
    const struct lg_uuid *id = NULL;
    char body[256];
    bool owner = may(f, role, LG_ACT_SEARCH_WRITE, tenant_of[w]);

    (void)snprintf(out, 96, "%s", unknown_id);
    if (what == 'T') {
        (void)snprintf(out, 96, "%s", f->token[API_ALL]);
    } else if (what == 't') {
        (void)snprintf(out, 96, "%s", tenant_of[w]);
    } else if (what == 'H') {
        (void)snprintf(out, 96, "%s", w == OWN ? "hr002" : w == FOREIGN ? "hr003" : "hr009");
    } else if (what == 'n') {
        (void)snprintf(out, 96, "%u", ++serial);
    } else if (what == 'D') {
        fix_dead(f, "acme", "made", 100 + ++serial);
        assert_status(f, fix_get(f, API_ALL, "/dead-letters?reason=made&limit=1"), 200);
        fix_value(f, "id", out, 96);
    } else if (w == UNKNOWN) {
        return;
    } else if (what == 'S') {
        (void)snprintf(body, sizeof(body),
                "{\"tenant_id\":\"%s\",\"process\":\"b.exe\",\"reason\":\"r\"}", tenant_of[w]);
        make(f, API_ALL, "/suppressions", body, "suppression_id", out);
    } else if (what == 'Q') {
        (void)snprintf(body, sizeof(body),
                "{\"tenant_id\":\"%s\",\"name\":\"s\",\"query\":{},\"shared\":true}", tenant_of[w]);
        make(f, owner ? role : API_ALL, "/searches", body, "search_id", out);
    } else if (what == 'K') {
        (void)snprintf(body, sizeof(body), "{\"name\":\"t\",\"tenants\":{\"%s\":[\"viewer\"]}}",
                tenant_of[w]);
        make(f, API_ALL, "/tokens", body, "token_id", out);
    } else {
        id = what == 'A' ? &f->alert[w] : what == 'I' ? &f->inference[w] : &f->event[w];
        lg_uuid_text(id, out);
    }
}

/* The template with its placeholders filled in; the last id that went in is in `used`. */
static void fill(struct api_fix *f, const char *template, enum api_role role, enum whose w,
        char out[512], char used[96])
{
    size_t n = 0;

    for (const char *p = template; *p != '\0'; p++) {
        if (*p != '%') {
            out[n++] = *p;
            continue;
        }
        place(f, *++p, role, w, used);
        memcpy(out + n, used, strlen(used));
        n += strlen(used);
    }
    out[n] = '\0';
}

static int call(struct api_fix *f, const struct route_case *c, enum api_role role, enum whose w,
        char used[96])
{
    char uri[512], body[512], none[96];

    used[0] = '\0';
    fill(f, c->uri, role, w, uri, used);
    if (c->body != NULL)
        fill(f, c->body, role, w, body, used[0] != '\0' ? none : used);
    /* a tenant to be disabled must be there */
    if (strcmp(c->operation, "disableTenant") == 0) {
        char make_it[128];
        int n = (int)(strstr(uri, "/disable") - uri) - (int)strlen("/tenants/");

        (void)snprintf(
                make_it, sizeof(make_it), "{\"tenant_id\":\"%.*s\"}", n, uri + strlen("/tenants/"));
        assert_status(f, fix_call(f, API_ALL, "POST", "/tenants", make_it, NULL), 201);
    }
    if (call_at != 0)
        f->now = call_at;
    return fix_call(f, role, lg_http_method_name(route_of(c->operation)->method), uri,
            c->body != NULL ? body : NULL, NULL);
}

/* ---- roles ---- */

static const enum api_role roles[] = {API_VIEWER, API_ANALYST, API_ADMIN, API_INGEST, API_OPERATOR,
        API_METRICS, API_BOTH, API_ALL, API_OTHER, API_NOBODY};

static void test_roles(void **state)
{
    struct api_fix *f = *state;
    char used[96];

    for (size_t i = 0; i < CASES; i++)
        for (size_t k = 0; k < sizeof(roles) / sizeof(*roles); k++) {
            const struct lg_route *r = route_of(cases[i].operation);
            bool anywhere = may(f, roles[k], r->action, "");
            enum whose w = roles[k] == API_OTHER ? FOREIGN : OWN;
            int status = call(f, &cases[i], roles[k], w, used);
            bool elsewhere = is_elsewhere(f, r) && status == 404;
            bool no_graph = strcmp(r->operation, "getInferenceGraph") == 0;

            if (elsewhere)
                continue;
            if (!anywhere && status != (roles[k] == API_NOBODY ? 401 : 403))
                fail_msg("%s as %d: %d", r->operation, (int)roles[k], status);
            if (anywhere && (status < 200 || status > 299) && !(no_graph && status == 404))
                fail_msg("%s as %d: %d %.*s", r->operation, (int)roles[k], status,
                        (int)f->reply.body.n, f->reply.body.p);
        }
}

/* ---- schemas ---- */

static const struct lg_response_doc *doc_of(const struct lg_route *r, int status)
{
    for (size_t i = 0; i < LG_ROUTE_MAX_RESPONSES && r->responses[i].status != 0; i++)
        if (r->responses[i].status == status)
            return &r->responses[i];
    return NULL;
}

/* The first line of what came: a whole answer, or one of an export. */
static void check_shape(struct api_fix *f, const char *operation, const char *schema, bool is_lines)
{
    struct lg_str text = lg_buf_str(&f->reply.body), line = text;
    const char *why = "";
    struct lg_buf path;
    struct lg_json *j;
    struct lg_jval root;

    if (is_lines)
        (void)lg_str_split(&text, '\n', &line);
    lg_buf_init(&path, 1024);
    assert_int_equal(lg_json_new(&j), 0);
    if (line.n > 0 && lg_json_parse(j, line, false, &root, NULL) < 0)
        fail_msg("%s: no JSON: %.*s", operation, (int)line.n, line.p);
    if (line.n > 0 && api_shape_check(f->api->shapes, schema, root, &path, &why) < 0)
        fail_msg("%s: %.*s %s in %.*s", operation, (int)path.n, path.p, why, (int)line.n, line.p);
    lg_buf_done(&path);
    lg_json_free(j);
}

/* What the document says comes is what comes: status, media type, and every member. */
static void test_answers_fit_their_schemas(void **state)
{
    struct api_fix *f = *state;
    char used[96];

    for (size_t i = 0; i < CASES; i++) {
        const struct lg_route *r = route_of(cases[i].operation);
        int status = call(f, &cases[i], API_ALL, OWN, used);
        const struct lg_response_doc *doc = doc_of(r, status);
        struct lg_str type = lg_http_reply_header(&f->reply, "Content-Type");

        if (is_elsewhere(f, r)) {
            assert_int_equal(status, 404);
            continue;
        }
        if (doc == NULL)
            fail_msg("%s answers %d, which its row does not name", r->operation, status);
        if (doc->schema == NULL)
            continue;
        if (!lg_str_starts(type, lg_str_z(doc->type != NULL ? doc->type : "application/json")))
            fail_msg("%s is %.*s", r->operation, (int)type.n, type.p);
        check_shape(f, r->operation, doc->schema,
                doc->type != NULL && strcmp(doc->type, LG_HTTP_NDJSON) == 0);
    }
}

/* Every request schema takes its case's body, and refuses it with one member more. */
static void test_requests_are_closed(void **state)
{
    struct api_fix *f = *state;
    char uri[512], body[512], used[96];

    for (size_t i = 0; i < CASES; i++) {
        const struct lg_route *r = route_of(cases[i].operation);
        char *end;

        if (cases[i].body == NULL) {
            assert_null(r->request);
            continue;
        }
        fill(f, cases[i].uri, API_ALL, OWN, uri, used);
        fill(f, cases[i].body, API_ALL, OWN, body, used);
        end = strrchr(body, '}');
        assert_non_null(end);
        memcpy(end, ",\"colour\":1}", sizeof(",\"colour\":1}"));
        assert_status(
                f, fix_call(f, API_ALL, lg_http_method_name(r->method), uri, body, NULL), 400);
        assert_has(f, "\"parameter\":\"colour\"");
    }
}

/* ---- tenants ---- */

/* The answer without what names the request itself: its id, and the id or tenant asked for. */
static void normalized(struct api_fix *f, const char *used, struct lg_buf *out)
{
    struct lg_str body = lg_buf_str(&f->reply.body);

    lg_buf_clear(out);
    lg_buf_printf(out, "%d ", f->reply.status);
    for (size_t i = 0; i < body.n; i++) {
        struct lg_str rest = lg_str_sub(body, i, body.n);
        struct lg_str key = LG_STR("\"request_id\":\"");

        if (used[0] != '\0' && lg_str_starts(rest, lg_str_z(used))) {
            lg_buf_adds(out, LG_STR("<asked>"));
            i += strlen(used) - 1;
        } else if (lg_str_starts(rest, key)) {
            lg_buf_adds(out, key);
            i += key.n - 1;
            while (i + 1 < body.n && body.p[i + 1] != '"')
                i++;
        } else {
            lg_buf_addc(out, body.p[i]);
        }
    }
    lg_buf_addc(out, '\0');
    assert_int_equal(out->failed, 0);
}

static void assert_no_leak(struct api_fix *f, const char *operation)
{
    static const char *const marks[] = {
            "secret-of-other", "guid-other", "of other", "hr003", "oscar", "\"other\"", NULL};
    struct lg_uuid ids[3] = {f->alert[1], f->inference[1], f->event[1]};
    char text[LG_UUID_TEXT + 1];

    for (size_t i = 0; marks[i] != NULL; i++)
        if (fix_has(f, marks[i]))
            fail_msg("%s tells of %s: %.*s", operation, marks[i], (int)f->reply.body.n,
                    f->reply.body.p);
    for (size_t i = 0; i < 3; i++) {
        lg_uuid_text(&ids[i], text);
        if (fix_has(f, text))
            fail_msg("%s tells of %s", operation, text);
    }
}

/* Everyone of acme alone: a foreign thing answers as one that is not there, byte for byte. */
static void test_foreign_is_unknown(void **state)
{
    static const enum api_role own[] = {API_VIEWER, API_ANALYST, API_ADMIN, API_INGEST};
    struct api_fix *f = *state;
    struct lg_buf foreign, unknown;
    char used[96];

    lg_buf_init(&foreign, 1u << 22);
    lg_buf_init(&unknown, 1u << 22);
    for (size_t i = 0; i < CASES; i++) {
        const struct lg_route *r = route_of(cases[i].operation);

        if ((r->flags & LG_ROUTE_TENANT) == 0)
            continue;
        for (size_t k = 0; k < sizeof(own) / sizeof(*own); k++) {
            call_at = f->now + LG_NS_PER_SEC;
            (void)call(f, &cases[i], own[k], FOREIGN, used);
            normalized(f, used, &foreign);
            (void)call(f, &cases[i], own[k], UNKNOWN, used);
            normalized(f, used, &unknown);
            if (strcmp(foreign.p, unknown.p) != 0)
                fail_msg("%s as %d: foreign %s\nunknown %s", r->operation, (int)own[k], foreign.p,
                        unknown.p);
            call_at = 0;
            (void)call(f, &cases[i], own[k], OWN, used);
            assert_no_leak(f, r->operation);
        }
    }
    lg_buf_done(&foreign);
    lg_buf_done(&unknown);
}

/* Without a filter everyone gets what is his, and nothing else. */
static void test_lists_without_a_filter(void **state)
{
    struct api_fix *f = *state;
    char uri[128];

    for (size_t i = 0; i < CASES; i++) {
        const struct lg_route *r = route_of(cases[i].operation);
        const char *q = strchr(cases[i].uri, '?');

        if ((r->flags & LG_ROUTE_TENANT) == 0 || q == NULL)
            continue;
        (void)snprintf(uri, sizeof(uri), "%.*s", (int)(q - cases[i].uri), cases[i].uri);
        assert_status(f, fix_get(f, API_ADMIN, uri), 200);
        assert_no_leak(f, r->operation);
    }
}

/* Nothing that acme did to other's things left a trace there. */
static void test_foreign_writes_change_nothing(void **state)
{
    struct api_fix *f = *state;
    char uri[256], body[256], id[LG_UUID_TEXT + 1], before[64], after[64];

    fix_uri(uri, "/alerts/", &f->alert[1], "");
    assert_status(f, fix_get(f, API_OTHER, uri), 200);
    fix_value(f, "version", before, sizeof(before));
    assert_status(
            f, fix_call(f, API_ADMIN, "PATCH", uri, "{\"status\":\"false_positive\"}", NULL), 404);
    lg_uuid_text(&f->alert[1], id);
    (void)snprintf(body, sizeof(body), "{\"alert_id\":\"%s\",\"is_true_positive\":false}", id);
    assert_status(f, fix_call(f, API_ADMIN, "POST", "/feedback", body, NULL), 404);
    assert_status(f, fix_get(f, API_OTHER, uri), 200);
    fix_value(f, "version", after, sizeof(after));
    assert_string_equal(before, after);
    assert_status(f, fix_get(f, API_OTHER, "/feedback"), 200);
    assert_has(f, "\"feedback\":[]");
    assert_status(f, fix_get(f, API_OTHER, "/audit?action=alert."), 200);
    assert_has(f, "\"audit\":[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)
            cmocka_unit_test(test_every_row_has_a_case),
            T(test_roles),
            T(test_answers_fit_their_schemas),
            T(test_requests_are_closed),
            T(test_foreign_is_unknown),
            T(test_lists_without_a_filter),
            T(test_foreign_writes_change_nothing),
#define P(t) cmocka_unit_test_setup_teardown(t, fix_setup_page, fix_teardown)
            P(test_roles),
            P(test_answers_fit_their_schemas),
            P(test_requests_are_closed),
            P(test_foreign_is_unknown),
            P(test_lists_without_a_filter),
            P(test_foreign_writes_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
