#include "services/dashboard.h"

#include "base/clock.h"
#include "services/api_int.h"
#include "services/dashboard_int.h"

lg_time dashboard_now(const struct lg_dashboard *d)
{
    return d->d.clock != NULL ? d->d.clock(d->d.clock_ctx) : lg_clock_wall();
}

static bool session_is_open(void *ctx, uint64_t session)
{
    struct lg_dashboard *d = ctx;

    return lg_sessions_is_open(d->sessions, session, dashboard_now(d));
}

int lg_dashboard_new(
        const struct lg_dashboard_deps *deps, struct lg_dashboard **ret, struct lg_err *reterr)
{
    struct lg_dashboard *d = lg_calloc(1, sizeof(*d));
    int rc;

    if (d == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    d->d = *deps;
    d->auth_off = deps->config->auth.disable;
    d->idle_ns = deps->config->dashboard.session_idle_ns;
    rc = lg_sessions_new(deps->admin, d->idle_ns, deps->config->dashboard.session_max_ns,
            dashboard_now(d), &d->sessions);
    if (rc < 0) {
        lg_free(d);
        return lg_err_set(reterr, rc, "the dashboard's sessions: %s", lg_err_name(rc));
    }
    lg_auth_sessions(deps->auth, session_is_open, d);
    *ret = d;
    return 0;
}

void lg_dashboard_free(struct lg_dashboard *d)
{
    if (d == NULL)
        return;
    lg_auth_sessions(d->d.auth, NULL, NULL);
    lg_sessions_free(d->sessions);
    lg_free(d);
}

static const struct lg_route rows[] = {
        {
                .method = LG_GET,
                .path = "/session",
                .operation = "getSession",
                .tag = "session",
                .summary = "Who is signed in, and the CSRF token of the session",
                .action = LG_ACT_SELF_READ,
                .flags = LG_ROUTE_PAGE,
                .responses = {API_OK("SessionResponse", "The session")},
                .handler = dashboard_get_session,
        },
        {
                .method = LG_POST,
                .path = "/session",
                .operation = "createSession",
                .tag = "session",
                .summary = "Sign in with a token",
                .doc = "Sets the cookie logster_session. Only from the dashboard's own pages.",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_PAGE,
                .request = "SessionRequest",
                .max_body_bytes = 4096,
                .responses = {API_OK("SessionResponse", "You are signed in"),
                        {401, NULL, "The token is unknown, revoked or expired", NULL},
                        {403, NULL, "Another site's page asked, or the token may see nothing here",
                                NULL}},
                .handler = dashboard_sign_in,
        },
        {
                .method = LG_DELETE,
                .path = "/session",
                .operation = "deleteSession",
                .tag = "session",
                .summary = "Sign out",
                .action = LG_ACT_SELF_READ,
                .flags = LG_ROUTE_PAGE,
                .responses = {{204, NULL, "The session is over", NULL}},
                .handler = dashboard_sign_out,
        },
        {
                .method = LG_GET,
                .path = "/",
                .operation = "getPage",
                .tag = "page",
                .summary = "The page",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_PAGE | LG_ROUTE_HIDDEN | LG_ROUTE_ANY_QUERY | LG_ROUTE_NO_LIMIT |
                        LG_ROUTE_ANY_ACCEPT,
                .responses = {{200, NULL, "The page", "text/html"}},
                .handler = dashboard_page,
        },
        {
                .method = LG_GET,
                .path = "/{path...}",
                .operation = "getPageFile",
                .tag = "page",
                .summary = "A file of the page, or the page itself for its own addresses",
                .action = LG_ACT_PUBLIC,
                .flags = LG_ROUTE_PAGE | LG_ROUTE_HIDDEN | LG_ROUTE_ANY_QUERY | LG_ROUTE_NO_LIMIT |
                        LG_ROUTE_ANY_ACCEPT,
                .params = API_PARAMS({.name = "path",
                        .in = LG_IN_PATH,
                        .type = LG_PARAM_STRING,
                        .min = 1,
                        .max = 4096,
                        .doc = "Address within the page"}),
                .responses = {{200, NULL, "The file", "application/octet-stream"}, API_GONE},
                .handler = dashboard_page,
        },
};

struct lg_api_rows lg_dashboard_rows(void)
{
    return API_ROWS(rows);
}

int lg_dashboard_attach(struct lg_dashboard *d, struct lg_router *rt, struct lg_err *reterr)
{
    return lg_router_add(rt, rows, sizeof(rows) / sizeof(*rows), d, reterr);
}
