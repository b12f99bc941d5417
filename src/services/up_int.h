#ifndef LG_SERVICES_UP_INT_H
#define LG_SERVICES_UP_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "bus/bus.h"
#include "metrics/metrics.h"
#include "net/http_server.h"
#include "net/syslog.h"
#include "pipeline/stage.h"
#include "services/alerts.h"
#include "services/api.h"
#include "services/dashboard.h"
#include "services/engines.h"
#include "services/indexer.h"
#include "services/inference.h"
#include "services/intake.h"
#include "services/normalizer.h"
#include "services/notify.h"
#include "services/topics.h"
#include "services/up.h"
#include "services/webhook.h"
#include "store/alert_store.h"
#include "store/event_store.h"

enum lg_stage_id {
    LG_STAGE_NORMALIZER,
    LG_STAGE_INFERENCE,
    LG_STAGE_INDEXER,
    LG_STAGE_ALERTS,
    LG_STAGE_COUNT
};

/* What a metric's callback reads: the lag of a group in a topic, or a runner. */
struct lg_lag_source {
    struct lg_up *p;
    const char *group;
    int topic;
};
#define LG_LAG_SOURCES (LG_MAX_RAW_TOPICS + 5)

struct lg_up {
    struct lg_config cfg; /* as it runs; changed by reload under `lock` */
    struct lg_up_options opt;
    int lock_fd;

    struct lg_event_store *events;
    struct lg_alert_store *alerts;
    struct lg_metrics *metrics;
    struct lg_bus *bus;
    struct lg_oauth *oauth; /* the bus's, or NULL */
    struct lg_topics topics;

    struct lg_normalizer_options normalizer;
    struct lg_inference_options inference;
    struct lg_indexer_options indexer;
    struct lg_alerts_options alerting;
    struct lg_notify *notify;
    struct lg_runner *runner[LG_STAGE_COUNT]; /* in the order of the flow */
    struct lg_lag_source lag[LG_LAG_SOURCES];
    size_t n_lag;

    struct lg_auth *auth;
    struct lg_api *api;
    struct lg_api_model models[2];
    size_t n_models;
    struct lg_intake *intake;
    struct lg_syslog_listener *syslog[2]; /* plain, TLS */
    struct lg_router *router;
    struct lg_http_server *server;
    struct lg_dashboard *dashboard;
    struct lg_http_server *page_server; /* of the dashboard */

    pthread_t house;
    bool house_runs;
    _Atomic bool house_stop;
    struct lg_webhook *house_webhook; /* a post of the audit log's head under way */
    pthread_cond_t house_wake;

    pthread_mutex_t lock;  /* cfg, failure, house_stop, house_webhook */
    struct lg_err failure; /* code 0: none */
};

static inline bool lg_up_has(const struct lg_up *p, unsigned parts)
{
    return (p->opt.parts & parts) != 0;
}

/* Each starts one layer and leaves what it made in `p`; the stop function takes away what is there.
 * 0 or an error with its text. */
int lg_up_stages_start(struct lg_up *p, struct lg_err *reterr) LG_MUST_CHECK;
/* Each stage works off what waits for it, in the order of the flow; `ms` for all of them. */
int lg_up_stages_stop(struct lg_up *p, uint32_t ms);
/* Records that wait in logster-held-back. */
uint64_t lg_up_held_back(struct lg_up *p);
/* Of a stage that works in another process, only its lag is known here. */
void lg_up_stage_stats(struct lg_up *p, enum lg_stage_id id, struct lg_runner_stats *ret);
/* Metrics of memory by what holds it; the bus is open. */
int lg_up_memory_watch(struct lg_up *p) LG_MUST_CHECK;
int lg_up_http_start(struct lg_up *p, struct lg_err *reterr) LG_MUST_CHECK;
void lg_up_http_stop(struct lg_up *p, uint32_t ms);
int lg_up_house_start(struct lg_up *p, struct lg_err *reterr) LG_MUST_CHECK;
void lg_up_house_stop(struct lg_up *p);

#endif
