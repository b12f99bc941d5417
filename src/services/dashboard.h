#ifndef LG_SERVICES_DASHBOARD_H
#define LG_SERVICES_DASHBOARD_H

#include "config/config.h"
#include "net/http_server.h"
#include "services/api.h"
#include "store/admin_store.h"

/*
 * The dashboard's part of LG_SURFACE_DASHBOARD: its page, and the sessions of those who use it. The
 * API's rows are there below /api (lg_api_attach). Handlers run on the server's threads.
 */

/* One file of the page. Bytes live for ever. */
struct lg_asset {
    const char *path; /* "/assets/app-1a2b3c.js" */
    const char *type; /* media type */
    const char *etag; /* without quotes */
    bool immutable;   /* its name changes with its content */
    struct lg_str plain;
    struct lg_str gzip; /* empty where it is not smaller */
};
struct lg_assets {
    const struct lg_asset *v;
    size_t n;
};

struct lg_dashboard;

/* Everything is borrowed and outlives the dashboard. */
struct lg_dashboard_deps {
    struct lg_api *api;
    struct lg_auth *auth;
    struct lg_admin_store *admin;
    const struct lg_config *config; /* auth.disable and dashboard.* are read once */
    struct lg_assets assets;        /* must have /index.html, or the page answers 503 */
    lg_time (*clock)(void *ctx);    /* NULL: the system's */
    void *clock_ctx;
};

/* Reads the sessions of an earlier run, and tells `auth` whom to ask about them. */
int lg_dashboard_new(const struct lg_dashboard_deps *deps, struct lg_dashboard **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
/* After the servers stopped and the API's thread with them. NULL is fine. */
void lg_dashboard_free(struct lg_dashboard *d);
/* Adds /session and the page. */
int lg_dashboard_attach(
        struct lg_dashboard *d, struct lg_router *rt, struct lg_err *reterr) LG_MUST_CHECK;
/* The rows, for tests that walk the table. */
struct lg_api_rows lg_dashboard_rows(void);
/*
 * For lg_http_server_opts.authenticate, with the dashboard as auth_ctx: a token in the header, or
 * the cookie. Unsafe methods with a cookie need its CSRF token in X-CSRF-Token, else 403. A request
 * with "X-Logster-Background: 1" does not count as use of the session.
 */
int lg_dashboard_authenticate(
        void *dashboard, const struct lg_http_auth *a, const struct lg_principal **ret);

#endif
