#ifndef LG_SERVICES_DASHBOARD_INT_H
#define LG_SERVICES_DASHBOARD_INT_H

#include "services/dashboard.h"
#include "services/sessions.h"

struct lg_dashboard {
    struct lg_dashboard_deps d;
    struct lg_sessions *sessions;
    int64_t idle_ns;
    bool auth_off;
};

/* `ctx` of handlers is the lg_dashboard. */
lg_time dashboard_now(const struct lg_dashboard *d);

/* dashboard_session.c */
int dashboard_get_session(struct lg_http_req *req, void *ctx);
int dashboard_sign_in(struct lg_http_req *req, void *ctx);
int dashboard_sign_out(struct lg_http_req *req, void *ctx);

/* dashboard_page.c: any path that is no row of its own. */
int dashboard_page(struct lg_http_req *req, void *ctx);

#endif
