#include "crypto/encode.h"
#include "net/cookie.h"
#include "services/api_int.h"
#include "services/dashboard_int.h"

/* Signing in and out, and whom a cookie stands for. */

#define COOKIE "logster_session"

/* ---- what came ---- */

/* "https://host:1" of the Origin, and the Host: the same place? */
static bool same_place(struct lg_str origin, struct lg_str host)
{
    ptrdiff_t at = lg_str_find(origin, LG_STR("://"));

    return at > 0 && host.n > 0 && lg_str_ieq(lg_str_sub(origin, (size_t)at + 3, origin.n), host);
}

/* Did a page that is not ours send this? Programs say nothing of it; every browser of today does. */
static bool is_foreign(struct lg_http_req *req)
{
    struct lg_str site = lg_req_header(req, "Sec-Fetch-Site");
    struct lg_str origin = lg_req_header(req, "Origin");

    if (site.n > 0 && !lg_str_ieq(site, LG_STR("same-origin")) && !lg_str_ieq(site, LG_STR("none")))
        return true;
    return origin.n > 0 && !same_place(origin, lg_req_header(req, "Host"));
}

static bool is_unsafe(struct lg_http_req *req)
{
    return lg_req_method(req) != LG_GET;
}

/* The secret in the cookie; empty when there is none of its form. */
static struct lg_str secret_of(struct lg_http_req *req)
{
    struct lg_str text;

    if (lg_cookie_get(lg_req_header(req, "Cookie"), LG_STR(COOKIE), &text) < 0 ||
            text.n != LG_SESSION_TEXT)
        return LG_STR("");
    return text;
}

static bool csrf_fits(struct lg_http_req *req, struct lg_str secret)
{
    struct lg_str sent = lg_req_header(req, "X-CSRF-Token");
    char want[LG_SESSION_CSRF + 1];
    bool fits;

    if (sent.n != LG_SESSION_CSRF || lg_session_csrf(secret, want) < 0)
        return false;
    fits = lg_crypto_equal(sent.p, want, LG_SESSION_CSRF);
    lg_crypto_wipe(want, sizeof(want));
    return fits;
}

/* ---- who that is ---- */

/* May it look at anything here? A shipper's token has no business in a browser. */
static bool may_look(const struct lg_principal *pr)
{
    static const enum lg_action any[] = {
            LG_ACT_ALERT_READ, LG_ACT_TENANT_READ, LG_ACT_CONFIG_READ, LG_ACT_AUDIT_READ};

    for (size_t i = 0; i < sizeof(any) / sizeof(*any); i++)
        if (lg_access_allows(pr, any[i], LG_STR("")))
            return true;
    return false;
}

/* What the session's token grants now. LG_EREFUSED: it grants nothing any more. */
static int principal_of(struct lg_dashboard *d, const struct lg_session *s, struct lg_str from,
        const struct lg_principal **ret)
{
    const struct lg_principal *token;
    struct lg_principal *pr;
    lg_time end;
    int rc = lg_auth_by_id(d->d.auth, lg_str_z(s->token_id), from, &token);

    if (rc < 0)
        return rc;
    if (!may_look(token)) {
        lg_principal_unref(token);
        return LG_EREFUSED;
    }
    rc = lg_principal_copy(token, &pr);
    lg_principal_unref(token);
    if (rc < 0)
        return rc;
    end = lg_principal_expiry(pr);
    if (end == 0 || s->expires_at < end)
        lg_principal_set_expiry(pr, s->expires_at);
    lg_principal_set_session(pr, s->id);
    *ret = pr;
    return 0;
}

int lg_dashboard_authenticate(
        void *dashboard, const struct lg_http_auth *a, const struct lg_principal **ret)
{
    struct lg_dashboard *d = dashboard;
    struct lg_str secret;
    struct lg_session s;
    bool use;
    int rc;

    if (a->token != NULL)
        return lg_auth_http(d->d.auth, a, ret);
    if (d->auth_off)
        return LG_EREFUSED; /* who is let in is the server's to say, by where he comes from */
    secret = secret_of(a->req);
    use = !lg_str_eq(lg_req_header(a->req, "X-Logster-Background"), LG_STR("1"));
    if (secret.n == 0 || is_foreign(a->req) ||
            lg_sessions_find(d->sessions, secret, dashboard_now(d), use, &s) < 0)
        return LG_EREFUSED;
    if (is_unsafe(a->req) && !csrf_fits(a->req, secret)) {
        (void)lg_http_problem_of(a->req, 403, "csrf", LG_STR("X-CSRF-Token"), LG_STR(""),
                "what changes something needs the session's CSRF token");
        return LG_EREFUSED;
    }
    rc = principal_of(d, &s, a->peer->address, ret);
    if (rc == LG_EREFUSED)
        (void)!lg_sessions_close(d->sessions, secret);
    return rc;
}

/* ---- answers ---- */

static int send_session(struct lg_http_req *req, struct lg_dashboard *d,
        const struct lg_principal *pr, struct lg_str secret)
{
    char csrf[LG_SESSION_CSRF + 1] = "";
    bool has = lg_principal_session(pr) != 0 && lg_session_csrf(secret, csrf) == 0;
    struct lg_jw w;

    lg_jw_init(&w, lg_http_out(req));
    lg_jw_object(&w);
    api_put_str(&w, LG_STR("csrf_token"), lg_str_z(csrf));
    lg_jw_key(&w, LG_STR("me"));
    api_put_me(&w, pr);
    api_put_time(&w, LG_STR("expires_at"), lg_principal_expiry(pr));
    lg_jw_key(&w, LG_STR("idle_timeout"));
    if (has)
        lg_jw_double(&w, (double)d->idle_ns / (double)LG_NS_PER_SEC);
    else
        lg_jw_null(&w);
    LG_JW_BOOL(&w, "auth_disabled", d->auth_off);
    lg_jw_object_end(&w);
    lg_crypto_wipe(csrf, sizeof(csrf));
    return lg_http_send_json(req, 200);
}

int dashboard_get_session(struct lg_http_req *req, void *ctx)
{
    return send_session(req, ctx, lg_req_principal(req), secret_of(req));
}

/* Secure where the browser came over TLS, be it to a proxy before us. */
static void put_cookie(struct lg_http_req *req, struct lg_str value, lg_time lives_s)
{
    bool secure = lg_req_peer(req)->tls ||
            lg_str_istarts(lg_req_header(req, "Origin"), LG_STR("https://"));

    lg_http_header(req, "Set-Cookie", "%s=%.*s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
            COOKIE, LG_STR_FMT(value), (long long)lives_s, secure ? "; Secure" : "");
}

static int audit(struct lg_http_req *req, struct lg_dashboard *d, const struct lg_principal *pr,
        const char *action, lg_time end)
{
    char actor[LG_ACTOR_MAX];

    return api_token_audit(d->d.admin, dashboard_now(d), pr,
            &(struct api_token_deed){
                    .action = action,
                    .token_id = lg_principal_id(pr),
                    .name = lg_principal_name(pr),
                    .actor = lg_actor_text(pr, actor),
                    .request_id = lg_req_id(req),
                    .from = lg_req_peer(req)->address,
                    .has_expiry = end != 0,
                    .expires_at = end,
            });
}

/* ---- sign in ---- */

static int refuse_token(struct lg_http_req *req)
{
    return lg_http_problem(req, 401, "login-refused", "This token is unknown, revoked or expired");
}

/* The session of a token that was found good. Takes over nothing. */
static int open_session(
        struct lg_http_req *req, struct lg_dashboard *d, const struct lg_principal *token)
{
    char text[LG_SESSION_TEXT + 1];
    lg_time now = dashboard_now(d);
    const struct lg_principal *pr = NULL;
    struct lg_session s;
    int rc = lg_sessions_open(
            d->sessions, lg_principal_id(token), lg_principal_expiry(token), now, text, &s);

    if (rc < 0)
        return api_fail(req, rc);
    rc = audit(req, d, token, "login", s.expires_at);
    if (rc == 0)
        rc = principal_of(d, &s, lg_req_peer(req)->address, &pr);
    if (rc == 0) {
        put_cookie(req, lg_str_z(text), (s.expires_at - now) / LG_NS_PER_SEC + 1);
        rc = send_session(req, d, pr, lg_str_z(text));
        lg_principal_unref(pr);
    } else {
        (void)!lg_sessions_close(d->sessions, lg_str_z(text));
        rc = rc == LG_EREFUSED ? refuse_token(req) : api_fail(req, rc);
    }
    lg_crypto_wipe(text, sizeof(text));
    return rc;
}

static int sign_in_with(struct lg_http_req *req, struct lg_dashboard *d, struct lg_str text)
{
    struct lg_str from = lg_req_peer(req)->address, before = secret_of(req);
    const struct lg_principal *pr = NULL;
    struct lg_token token;
    int rc;

    if (lg_token_parse(lg_str_trim(text), &token) < 0) {
        lg_auth_refuse(d->d.auth, from, "malformed token");
        return refuse_token(req);
    }
    rc = lg_auth_token(d->d.auth, &token, from, &pr);
    lg_token_wipe(&token, sizeof(token));
    if (rc == LG_EREFUSED)
        return refuse_token(req);
    if (rc < 0)
        return lg_http_unavailable(req, 1, "tokens cannot be checked at the moment");
    if (!may_look(pr)) {
        lg_auth_refuse(d->d.auth, from, "token without a right to look");
        rc = lg_http_problem(req, 403, "nothing-to-see",
                "This token may send events or read "
                "metrics, and see nothing here");
    } else {
        if (before.n > 0)
            (void)!lg_sessions_close(d->sessions, before); /* one browser, one session */
        rc = open_session(req, d, pr);
    }
    lg_principal_unref(pr);
    return rc;
}

int dashboard_sign_in(struct lg_http_req *req, void *ctx)
{
    struct lg_dashboard *d = ctx;
    LG_CLEANUP(api_body_done) struct api_body b = {0};
    int rc;

    if (is_foreign(req))
        return lg_http_problem(req, 403, "foreign-page", "only the dashboard's pages sign in here");
    rc = api_body(req, d->d.api, &b);
    if (rc <= 0)
        return rc;
    if (!d->auth_off)
        return sign_in_with(req, d, api_body_str(&b, "token"));
    if (lg_req_principal(req) == NULL)
        return refuse_token(req);
    return send_session(req, d, lg_req_principal(req), LG_STR(""));
}

/* ---- sign out ---- */

int dashboard_sign_out(struct lg_http_req *req, void *ctx)
{
    struct lg_dashboard *d = ctx;
    const struct lg_principal *pr = lg_req_principal(req);
    int rc;

    if (lg_principal_session(pr) != 0) {
        rc = lg_sessions_close(d->sessions, secret_of(req));
        if (rc == 0)
            rc = audit(req, d, pr, "logout", 0);
        if (rc < 0 && rc != LG_ENOENT)
            return api_fail(req, rc);
    }
    put_cookie(req, LG_STR(""), 0);
    return lg_http_send_empty(req, 204);
}
