#ifndef LG_SERVICES_NOTIFY_H
#define LG_SERVICES_NOTIFY_H

#include "base/err.h"
#include "config/config.h"
#include "metrics/metrics.h"
#include "store/alert_store.h"

/*
 * Notifications of alerts by webhook and syslog (docs/notifications.md). The alerts stage tells of
 * each change before it acknowledges it (lg_notify_changed): what is worth telling (an alert of at
 * least notifications.min_severity that is new, reopened, or whose severity rose; not each fold)
 * becomes a delivery in the admin store, once, by (channel, alert, version). One thread carries
 * deliveries out, again and again with growing pauses up to notifications.retry_max, also those
 * that an earlier process left. At least once: receivers tell repetitions by the delivery's id.
 */
struct lg_notify;

struct lg_notify_options {
    struct lg_alert_store *store;
    const struct lg_config *config; /* `notifications` is copied */
    struct lg_metrics *metrics;     /* may be NULL */
    const char *version;
    lg_time (*now)(void *user); /* NULL: the system's clock */
    void *user;
};

int lg_notify_new(const struct lg_notify_options *opt, struct lg_notify **ret,
        struct lg_err *reterr) LG_MUST_CHECK;
int lg_notify_start(struct lg_notify *n, struct lg_err *reterr) LG_MUST_CHECK; /* the thread */
/* Breaks off what is under way, which stays due, and frees. NULL is fine. */
void lg_notify_stop(struct lg_notify *n);
/* Takes `notifications` over. Thread: any. */
void lg_notify_reload(struct lg_notify *n, const struct lg_config *cfg);

/* lg_alerts_options.changed; `notify` is a struct lg_notify. Negative: not taken, tell it again.
 * Thread: the alerts stage's. */
int lg_notify_changed(void *notify, const struct lg_outbox_row *row);
/* One round by the caller instead of the thread: sends what is due. Number of deliveries looked at,
 * or negative. */
int lg_notify_round(struct lg_notify *n);

#endif
