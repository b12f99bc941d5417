#ifndef LG_SERVICES_API_H
#define LG_SERVICES_API_H

#include "access/principal.h"
#include "access/scope.h"
#include "alert/inference.h"
#include "bus/bus.h"
#include "config/config.h"
#include "metrics/metrics.h"
#include "net/http_server.h"
#include "services/api_auth.h"
#include "services/topics.h"
#include "store/admin_store.h"
#include "store/alert_store.h"
#include "store/event_store.h"

/*
 * The REST API (docs/api.md): a routing table of const rows, one per operation, over the stores.
 * The composition root makes it, attaches it to the router that the HTTP server serves (intake's
 * rows live on the same router), starts it, and stops it before the stores close:
 *
 *     lg_auth_new(...); lg_api_new(&deps, &api, &err); lg_router_new(&rt);
 *     lg_api_attach(api, rt, &err);   intake: lg_router_add(rt, ...);
 *     lg_api_start(api, &err);  opts.authenticate = lg_auth_http; lg_http_server_start(rt, &opts, ...)
 *     ... lg_http_server_stop(srv, ms); lg_api_stop(api); lg_api_free(api); lg_auth_free(auth);
 *
 * Handlers run on the server's threads; everything here may be called from any thread unless told
 * otherwise. Everything in the deps is borrowed and outlives the API.
 */
struct lg_api;

/* One loaded model, as `GET /models` shows it. */
struct lg_api_model {
    const char *name, *version, *platform, *sha256;
    const char *path;          /* folder; may be NULL */
    const char *signature;     /* "valid", "invalid", "unsigned", "not_checked" */
    const char *signer;        /* id of the key that signed it, or NULL */
    const char *training_json; /* the manifest's "training" member, or NULL */
    double threshold;          /* that verdicts use now */
    bool experimental;
    lg_time loaded_at;
    const char *loaded_by; /* "service-config.yaml", a principal, ... */
};

struct lg_api_deps {
    struct lg_event_store *events;
    struct lg_alert_store *alerts; /* with its admin store */
    struct lg_auth *auth;
    const struct lg_config *config; /* copied; see lg_api_reload */
    struct lg_bus *bus;             /* NULL: dead letters and stream answer 503 */
    const struct lg_topics *topics; /* of the bus */
    struct lg_metrics *metrics;     /* NULL: /metrics answers 503 */
    const struct lg_api_model *models;
    size_t n_models;
    const char *version;         /* of the program; for OpenAPI */
    bool operations_only;        /* health and metrics alone; events may be NULL */
    lg_time (*clock)(void *ctx); /* NULL: the system's */
    void *clock_ctx;

    /* Hooks of other services; each may be NULL. Called from the server's threads. */
    void *hooks_ctx;
    /* 0 when all stages run; else a negative code and what is missing, without tenant content. */
    int (*ready)(void *ctx, struct lg_err *why);
    /* Appends the state of the platform (stages, lag, held-back counts) as one JSON object, without
     * names of tenants or endpoints. */
    int (*status)(void *ctx, struct lg_buf *out);
};

int lg_api_new(
        const struct lg_api_deps *deps, struct lg_api **ret, struct lg_err *reterr) LG_MUST_CHECK;
/* Adds every row, every schema, /openapi.json and /docs. Call it last, when other services' rows
 * with schemas of their own are known to be added too: the document is made at first request. */
int lg_api_attach(struct lg_api *api, struct lg_router *rt, struct lg_err *reterr) LG_MUST_CHECK;
/* The thread that carries `logster-alerts` to event streams and flushes audit counts. */
int lg_api_start(struct lg_api *api, struct lg_err *reterr) LG_MUST_CHECK;
void lg_api_stop(struct lg_api *api); /* closes all event streams; safe to call twice */
void lg_api_free(struct lg_api *api); /* NULL is fine */
/* Takes over what is reloadable. */
void lg_api_reload(struct lg_api *api, const struct lg_config *cfg);

/*
 * The rows in their groups (one a resource), for tests that walk the table without a router.
 * lg_api_group(i) is {NULL, 0} past the last.
 */
struct lg_api_rows {
    const struct lg_route *rows;
    size_t n;
};
struct lg_api_rows lg_api_group(size_t i);
/* All rows of all groups, as the router sees them. */
size_t lg_api_route_count(void);
const struct lg_route *lg_api_route(size_t i);

/*
 * Tells the streams of a new or changed alert: `change` is created, folded or updated, `json` the
 * alert after it. The thread of lg_api_start calls it for each record of `logster-alerts`; a
 * process without a bus may call it itself.
 */
void lg_api_alert_changed(
        struct lg_api *api, struct lg_str tenant, struct lg_str change, struct lg_str json);

/*
 * One audit row, chained: `tenant` empty for what concerns the platform, `detail` one JSON object
 * or empty. For other services too (configuration, models). 0 or the store's error.
 */
int lg_audit(struct lg_admin_store *admin, lg_time now, struct lg_str tenant, struct lg_str actor,
        const char *action, struct lg_str target, struct lg_str detail,
        struct lg_str request_id) LG_MUST_CHECK;

#endif
