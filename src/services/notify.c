#include "services/notify.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "access/scope.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/encode.h"
#include "net/syslog.h"
#include "services/notify_format.h"
#include "services/webhook.h"
#include "store/admin_store.h"

#define ROUND_ROWS 64
#define POLL_NS LG_NS_PER_SEC
#define SYSLOG_TIMEOUT_MS 10000
#define BODY_MAX (2u << 20)
#define ARENA_BYTES ((size_t)32 << 20)
#define SEEN 4096 /* alerts whose severity is remembered; a power of two */

enum channel { CHANNEL_WEBHOOK, CHANNEL_SYSLOG, CHANNELS };
enum result { RESULT_SENT, RESULT_FAILED, RESULT_REFUSED, RESULT_GIVEN_UP, RESULTS };
static const char *const channel_names[CHANNELS] = {"webhook", "syslog"};
static const char *const result_names[RESULTS] = {"sent", "failed", "refused", "given_up"};

typedef __typeof__(((struct lg_config *)NULL)->notifications) notify_conf;

struct lg_notify {
    struct lg_notify_options opt;
    char host[256];
    struct lg_scope *scope; /* of the platform itself: every tenant's alerts */

    /* the alerts stage's */
    struct lg_json *json;
    struct lg_arena hook_arena;
    notify_conf hook_conf; /* as it was when this change was told */
    struct {
        struct lg_uuid id;
        uint8_t severity; /* + 1; 0: free */
    } seen[SEEN];

    /* the thread's */
    struct lg_arena arena;
    notify_conf conf;
    uint64_t conf_generation;
    struct lg_webhook *webhook; /* changed under `lock`, so that it can be cancelled */
    int said[CHANNELS];         /* the state that the log told last */
    struct lg_metrics_shard *shard;
    struct lg_counter count[CHANNELS][RESULTS];

    pthread_t thread;
    bool runs;
    _Atomic bool stop;
    pthread_mutex_t lock; /* below */
    pthread_cond_t wake;
    bool woken;
    notify_conf now_conf;
    uint64_t generation;
};

static lg_time now_of(const struct lg_notify *n)
{
    if (n->opt.now != NULL)
        return n->opt.now(n->opt.user);
    return lg_clock_wall();
}

static bool channel_on(const notify_conf *c, enum channel ch)
{
    return (ch == CHANNEL_WEBHOOK ? c->webhook_url : c->syslog_address)[0] != '\0';
}

/* ---- from the alerts stage: what is worth a delivery ---- */

/* What this process knows of an alert's severity before the change; and remembers the new one. */
static bool severity_known(
        struct lg_notify *n, const struct lg_uuid *id, enum lg_severity now, enum lg_severity *was)
{
    size_t at = (id->b[0] | (size_t)id->b[1] << 8) % SEEN;
    bool known = n->seen[at].severity != 0 && memcmp(n->seen[at].id.b, id->b, LG_UUID_BYTES) == 0;

    if (known)
        *was = (enum lg_severity)(n->seen[at].severity - 1);
    n->seen[at].id = *id;
    n->seen[at].severity = (uint8_t)(now + 1);
    return known;
}

static void severity_forget(struct lg_notify *n, const struct lg_uuid *id)
{
    n->seen[(id->b[0] | (size_t)id->b[1] << 8) % SEEN].severity = 0;
}

/* Was there a step of this kind with the alert's last change? History is written in the same
 * transaction, with the same time. 1, 0 or negative. */
static int history_tells(struct lg_notify *n, const struct lg_uuid *id, const char *action,
        struct lg_str to, lg_time at, struct lg_str *ret_from)
{
    struct lg_alert_history *rows = NULL;
    uint32_t n_rows = 0;
    int rc = n->opt.store->ops->alert_history(
            n->opt.store, n->scope, id, &n->hook_arena, &rows, &n_rows);

    if (rc < 0)
        return rc == LG_ENOENT ? 0 : rc;
    for (uint32_t i = n_rows; i > 0; i--) {
        const struct lg_alert_history *h = &rows[i - 1];

        /* the alert's text says times exactly, but passed through a double */
        if (lg_str_eq(h->action, lg_str_z(action)) && lg_str_eq(h->to, to) && h->at - at < 10000 &&
                at - h->at < 10000) {
            *ret_from = h->from;
            return 1;
        }
    }
    return 0;
}

static lg_time time_of(struct lg_jval alert, struct lg_str key)
{
    struct lg_jval v;

    if (!lg_jval_get(alert, key, &v))
        return 0;
    if (lg_jval_type(v) == LG_JSON_I64)
        return lg_jval_i64(v) < INT64_C(9000000000) ? lg_jval_i64(v) * LG_NS_PER_SEC : 0;
    if (lg_jval_type(v) == LG_JSON_DOUBLE && lg_jval_double(v) > 0 && lg_jval_double(v) < 9e9)
        return (lg_time)(lg_jval_double(v) * 1e9);
    return 0;
}

/* 1: tell it, 0: not worth it, negative: the store did not answer. */
static int classify(struct lg_notify *n, const struct lg_outbox_row *row, struct lg_jval alert,
        const struct lg_uuid *id, enum lg_severity severity, enum lg_notice_event *ret)
{
    const struct lg_str status = lg_jval_get_str(alert, LG_STR("status"));
    const lg_time at = time_of(alert, LG_STR("updated_at"));
    enum lg_alert_status now, before;
    enum lg_severity was = severity;
    struct lg_str from;
    const bool known = severity_known(n, id, severity, &was);
    int rc;

    if (severity < (enum lg_severity)n->hook_conf.min_severity)
        return 0;
    if (lg_str_eq(row->change, LG_STR("created"))) {
        *ret = LG_NOTICE_CREATED;
        return 1;
    }
    if (lg_str_eq(row->change, LG_STR("folded"))) {
        *ret = LG_NOTICE_SEVERITY;
        if (known)
            return severity > was;
        return history_tells(n, id, "severity", lg_str_z(lg_severity_name(severity)), at, &from);
    }
    if (lg_alert_status_parse(status, &now) < 0 || !lg_alert_status_active(now))
        return 0;
    *ret = LG_NOTICE_REOPENED;
    rc = history_tells(n, id, "status", status, at, &from);
    return rc <= 0 ? rc
                   : lg_alert_status_parse(from, &before) == 0 && !lg_alert_status_active(before);
}

static struct lg_uuid delivery_id(enum channel ch, const struct lg_uuid *alert, uint64_t version)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)version);
    const struct lg_str parts[] = {LG_STR("delivery"), lg_str_z(channel_names[ch]),
            lg_str_of((const char *)alert->b, LG_UUID_BYTES), lg_str_of(text, (size_t)n)};

    return lg_uuid_from_tuple(parts, 4);
}

static void write_body(
        struct lg_notify *n, enum channel ch, const struct lg_notice *notice, struct lg_buf *out)
{
    if (ch == CHANNEL_WEBHOOK) {
        lg_notify_webhook_body(notice, out);
        return;
    }
    lg_notify_syslog_header(LG_SYSLOG_AUTH, lg_notify_syslog_severity(notice->severity), notice->at,
            n->host, "alert", out);
    if (n->hook_conf.syslog_format == LG_CONFIG_NOTIFY_CEF)
        lg_notify_cef(notice, out);
    else
        lg_notify_json(notice, out);
}

static int add_delivery(struct lg_notify *n, enum channel ch, const struct lg_outbox_row *row,
        const struct lg_uuid *alert, uint64_t version, struct lg_notice *notice)
{
    struct lg_admin_store *st = n->opt.store->admin;
    struct lg_buf body;
    int rc;

    notice->delivery_id = delivery_id(ch, alert, version);
    lg_buf_init(&body, BODY_MAX);
    write_body(n, ch, notice, &body);
    if (body.failed < 0) {
        rc = body.failed;
    } else {
        const struct lg_delivery_row d = {.delivery_id = notice->delivery_id,
                .tenant_id = row->tenant_id,
                .target = lg_str_z(channel_names[ch]),
                .alert_id = *alert,
                .body = lg_buf_str(&body),
                .next_at = notice->at,
                .created_at = notice->at};

        rc = st->ops->delivery_add(st, &d);
    }
    lg_buf_done(&body);
    if (rc == LG_ENOMEM || rc == LG_EIO || rc == LG_EAGAIN || rc == LG_ENOSPC)
        return rc; /* it may work later; anything else would be told again for ever */
    if (rc < 0 && rc != LG_EEXIST)
        lg_log(LG_LOG_ERROR, "notify", "a delivery cannot be stored; not notified",
                "channel=%s error=%s", channel_names[ch], lg_err_name(rc));
    return 0;
}

static void wake(struct lg_notify *n)
{
    (void)pthread_mutex_lock(&n->lock);
    n->woken = true;
    (void)pthread_cond_signal(&n->wake);
    (void)pthread_mutex_unlock(&n->lock);
}

static int take_change(struct lg_notify *n, const struct lg_outbox_row *row)
{
    struct lg_notice notice = {.json = row->json, .at = now_of(n), .version = n->opt.version};
    struct lg_jval version;
    struct lg_uuid alert;
    bool told = false;
    int rc = lg_json_parse(n->json, row->json, false, &notice.alert, NULL);

    if (rc == LG_ENOMEM)
        return rc;
    if (rc < 0 || lg_jval_type(notice.alert) != LG_JSON_OBJECT ||
            lg_uuid_parse(lg_jval_get_str(notice.alert, LG_STR("alert_id")), &alert) < 0 ||
            lg_severity_parse(lg_jval_get_str(notice.alert, LG_STR("severity")), &notice.severity) <
                    0 ||
            !lg_jval_get(notice.alert, LG_STR("version"), &version) ||
            lg_jval_type(version) != LG_JSON_I64) {
        lg_log(LG_LOG_ERROR, "notify", "a change is no alert; not notified", "seq=%llu",
                (unsigned long long)row->seq);
        return 0;
    }
    rc = classify(n, row, notice.alert, &alert, notice.severity, &notice.event);
    for (int ch = 0; rc > 0 && ch < CHANNELS; ch++) {
        int added;

        if (!channel_on(&n->hook_conf, (enum channel)ch))
            continue;
        added = add_delivery(
                n, (enum channel)ch, row, &alert, (uint64_t)lg_jval_i64(version), &notice);
        if (added < 0)
            rc = added;
        told = true;
    }
    if (rc < 0)
        severity_forget(n, &alert); /* it comes again, and is then as new as now */
    if (told)
        wake(n);
    return rc < 0 ? rc : 0;
}

int lg_notify_changed(void *notify, const struct lg_outbox_row *row)
{
    struct lg_notify *n = notify;
    bool on;
    int rc;

    (void)pthread_mutex_lock(&n->lock);
    on = channel_on(&n->now_conf, CHANNEL_WEBHOOK) || channel_on(&n->now_conf, CHANNEL_SYSLOG);
    if (on)
        n->hook_conf = n->now_conf;
    (void)pthread_mutex_unlock(&n->lock);
    if (!on)
        return 0;
    rc = take_change(n, row);
    lg_arena_clear(&n->hook_arena);
    if (rc < 0)
        lg_log(LG_LOG_ERROR, "notify", "a delivery could not be stored; trying again", "error=%s",
                lg_err_name(rc));
    return rc;
}

/* ---- the thread: carrying them out ---- */

/* Says in the log when a channel stops or starts to work, not at every attempt. */
static void say(struct lg_notify *n, enum channel ch, int rc, const char *why)
{
    if (n->said[ch] == rc)
        return;
    if (rc == 0)
        lg_log(LG_LOG_INFO, "notify", "notifications are delivered again", "channel=%s",
                channel_names[ch]);
    else if (rc == LG_EREFUSED)
        lg_log(LG_LOG_WARN, "notify", "the webhook's target is refused",
                "detail=\"%s\" option=notifications.webhook_allow", why);
    else
        lg_log(LG_LOG_WARN, "notify", "a notification could not be delivered; trying again",
                "channel=%s detail=\"%s\"", channel_names[ch], why);
    n->said[ch] = rc;
}

static void count(struct lg_notify *n, enum channel ch, enum result r)
{
    lg_counter_add(n->shard, n->count[ch][r], 1);
}

static int settle(struct lg_notify *n, const struct lg_delivery_row *d, enum lg_delivery_state st,
        lg_time next, struct lg_str error)
{
    struct lg_admin_store *admin = n->opt.store->admin;
    int rc = admin->ops->delivery_update(admin, &d->delivery_id, st, next, error);

    if (rc < 0)
        lg_log(LG_LOG_ERROR, "notify", "a delivery's state could not be stored", "error=%s",
                lg_err_name(rc));
    return rc;
}

/* After an attempt: done, later, or given up. */
static int conclude(struct lg_notify *n, enum channel ch, const struct lg_delivery_row *d, int rc,
        int64_t wait, const struct lg_err *why)
{
    const lg_time now = now_of(n), end = d->created_at + n->conf.retry_max_ns;
    int64_t pause = lg_notify_backoff(d->attempts + 1, &d->delivery_id);

    say(n, ch, rc, why->text);
    if (rc == 0) {
        count(n, ch, RESULT_SENT);
        return settle(n, d, LG_DELIVERY_DONE, now, LG_STR(""));
    }
    count(n, ch, rc == LG_EREFUSED ? RESULT_REFUSED : RESULT_FAILED);
    if (now >= end) {
        count(n, ch, RESULT_GIVEN_UP);
        lg_log(LG_LOG_ERROR, "notify", "a notification is given up",
                "channel=%s attempts=%u detail=\"%s\"", channel_names[ch], d->attempts + 1,
                why->text);
        return settle(n, d, LG_DELIVERY_GIVEN_UP, now, lg_str_z(why->text));
    }
    if (wait > pause)
        pause = wait;
    return settle(
            n, d, LG_DELIVERY_DUE, now + pause < end ? now + pause : end, lg_str_z(why->text));
}

static int post_one(struct lg_notify *n, const struct lg_delivery_row *d, int64_t *ret_wait,
        struct lg_err *reterr)
{
    const struct lg_webhook_options opt = {.url = n->conf.webhook_url,
            .secret = n->conf.webhook_secret,
            .allow = &n->conf.webhook_allow};
    char id[LG_UUID_TEXT + 1];
    struct lg_webhook *wh;
    int rc;

    if (n->webhook == NULL) {
        rc = lg_webhook_new(&opt, &wh, reterr);
        if (rc < 0)
            return rc;
        (void)pthread_mutex_lock(&n->lock);
        n->webhook = wh;
        (void)pthread_mutex_unlock(&n->lock);
    }
    if (atomic_load(&n->stop))
        return LG_EINTR;
    lg_uuid_text(&d->delivery_id, id);
    return lg_webhook_post(n->webhook, id, d->body, now_of(n), ret_wait, reterr);
}

/* Webhooks of this round, oldest first. When the receiver cannot be reached, the others of the round
 * share the failure instead of waiting for it one by one. */
static int send_webhooks(struct lg_notify *n, const struct lg_delivery_row *rows, uint32_t n_rows)
{
    struct lg_err err = {0};
    int64_t wait = 0;
    int away = 0, rc = 0;

    for (uint32_t i = 0; rc == 0 && i < n_rows && !atomic_load(&n->stop); i++) {
        int sent = away;

        if (!lg_str_eq(rows[i].target, lg_str_z(channel_names[CHANNEL_WEBHOOK])))
            continue;
        if (away == 0) {
            sent = post_one(n, &rows[i], &wait, &err);
            if (sent == LG_EINTR)
                return sent;
            if (sent < 0 && sent != LG_EAGAIN)
                away = sent;
        }
        rc = conclude(n, CHANNEL_WEBHOOK, &rows[i], sent, wait, &err);
    }
    return rc;
}

/* All of the round in one connection: they arrive together, or are tried again together. */
static int send_syslog(struct lg_notify *n, const struct lg_delivery_row *rows, uint32_t n_rows)
{
    struct lg_str lines[ROUND_ROWS];
    struct lg_err err = {0};
    size_t n_lines = 0;
    int sent, rc = 0;

    for (uint32_t i = 0; i < n_rows; i++)
        if (lg_str_eq(rows[i].target, lg_str_z(channel_names[CHANNEL_SYSLOG])))
            lines[n_lines++] = rows[i].body;
    if (n_lines == 0)
        return 0;
    sent = lg_syslog_send(
            n->conf.syslog_address, lines, n_lines, SYSLOG_TIMEOUT_MS, &n->stop, &err);
    if (sent == LG_EINTR)
        return sent;
    for (uint32_t i = 0; rc == 0 && i < n_rows; i++)
        if (lg_str_eq(rows[i].target, lg_str_z(channel_names[CHANNEL_SYSLOG])))
            rc = conclude(n, CHANNEL_SYSLOG, &rows[i], sent, 0, &err);
    return rc;
}

/* Deliveries of a channel that was switched off wait for it, and are given up like others. */
static int postpone(
        struct lg_notify *n, enum channel ch, const struct lg_delivery_row *rows, uint32_t n_rows)
{
    const lg_time now = now_of(n);
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < n_rows; i++) {
        const lg_time end = rows[i].created_at + n->conf.retry_max_ns;

        if (!lg_str_eq(rows[i].target, lg_str_z(channel_names[ch])))
            continue;
        if (now >= end)
            count(n, ch, RESULT_GIVEN_UP);
        rc = settle(n, &rows[i], now >= end ? LG_DELIVERY_GIVEN_UP : LG_DELIVERY_DUE,
                now + lg_notify_backoff(rows[i].attempts + 1, &rows[i].delivery_id),
                LG_STR("the channel is switched off"));
    }
    return rc;
}

static void drop_webhook(struct lg_notify *n)
{
    struct lg_webhook *wh;

    (void)pthread_mutex_lock(&n->lock);
    wh = LG_TAKE(n->webhook);
    (void)pthread_mutex_unlock(&n->lock);
    lg_webhook_free(wh);
}

static void take_conf(struct lg_notify *n)
{
    bool fresh;

    (void)pthread_mutex_lock(&n->lock);
    fresh = n->generation != n->conf_generation;
    if (fresh) {
        n->conf = n->now_conf;
        n->conf_generation = n->generation;
    }
    (void)pthread_mutex_unlock(&n->lock);
    if (!fresh)
        return;
    drop_webhook(n);
    memset(n->said, 0, sizeof(n->said));
}

int lg_notify_round(struct lg_notify *n)
{
    struct lg_admin_store *st = n->opt.store->admin;
    struct lg_delivery_row *rows = NULL;
    uint32_t n_rows = 0;
    int rc;

    take_conf(n);
    lg_arena_clear(&n->arena);
    rc = st->ops->delivery_due(st, now_of(n), ROUND_ROWS, &n->arena, &rows, &n_rows);
    if (rc == 0)
        rc = channel_on(&n->conf, CHANNEL_WEBHOOK) ? send_webhooks(n, rows, n_rows)
                                                   : postpone(n, CHANNEL_WEBHOOK, rows, n_rows);
    if (rc == 0)
        rc = channel_on(&n->conf, CHANNEL_SYSLOG) ? send_syslog(n, rows, n_rows)
                                                  : postpone(n, CHANNEL_SYSLOG, rows, n_rows);
    return rc < 0 ? rc : (int)n_rows;
}

static void *notify_main(void *arg)
{
    struct lg_notify *n = arg;
    bool away = false;

    (void)pthread_setname_np(pthread_self(), "lg-notify");
    while (!atomic_load(&n->stop)) {
        struct timespec until;
        int rc = lg_notify_round(n);

        if (rc < 0 && rc != LG_EINTR && !away)
            lg_log(LG_LOG_ERROR, "notify", "deliveries cannot be read or changed; waiting",
                    "error=%s", lg_err_name(rc));
        away = rc < 0;
        until = lg_clock_deadline(POLL_NS);
        (void)pthread_mutex_lock(&n->lock);
        while (rc < ROUND_ROWS && !n->woken && !atomic_load(&n->stop))
            if (pthread_cond_timedwait(&n->wake, &n->lock, &until) == ETIMEDOUT)
                break;
        n->woken = false;
        (void)pthread_mutex_unlock(&n->lock);
    }
    return NULL;
}

/* ---- life ---- */

static int make_scope(struct lg_scope **ret)
{
    struct lg_principal *pr = NULL;
    int rc = lg_principal_new(
            LG_PRINCIPAL_SYSTEM, LG_STR("system:notify"), LG_STR("notifications"), &pr);

    if (rc == 0)
        rc = lg_scope_new(pr, LG_ACT_ALERT_READ, ret);
    lg_principal_unref(pr);
    return rc;
}

static int register_metrics(struct lg_notify *n)
{
    struct lg_metrics *m = n->opt.metrics;
    int rc = lg_metrics_shard_new(m, &n->shard);

    for (int ch = 0; ch < CHANNELS; ch++)
        for (int r = 0; rc == 0 && r < RESULTS; r++) {
            const struct lg_metric_label labels[] = {
                    {"channel", channel_names[ch]}, {"result", result_names[r]}};

            rc = lg_metrics_counter(m, LG_METRIC(NOTIFICATIONS_TOTAL), labels, 2, &n->count[ch][r]);
        }
    return rc;
}

int lg_notify_new(
        const struct lg_notify_options *opt, struct lg_notify **ret, struct lg_err *reterr)
{
    struct lg_notify *n = lg_calloc(1, sizeof(*n));
    int rc;

    if (n == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "notifications: out of memory");
    n->opt = *opt;
    n->opt.config = NULL;
    n->now_conf = opt->config->notifications;
    n->generation = 1;
    (void)pthread_mutex_init(&n->lock, NULL);
    lg_clock_cond_init(&n->wake);
    lg_arena_init(&n->arena, ARENA_BYTES * 8);
    lg_arena_init(&n->hook_arena, ARENA_BYTES);
    lg_notify_host(n->host, sizeof(n->host));
    rc = make_scope(&n->scope);
    if (rc == 0)
        rc = lg_json_new(&n->json);
    if (rc == 0 && opt->metrics != NULL)
        rc = register_metrics(n);
    if (rc < 0) {
        lg_notify_stop(n);
        return lg_err_set(reterr, rc, "notifications: %s", lg_err_name(rc));
    }
    *ret = n;
    return 0;
}

int lg_notify_start(struct lg_notify *n, struct lg_err *reterr)
{
    if (pthread_create(&n->thread, NULL, notify_main, n) != 0)
        return lg_err_set(reterr, LG_ENOMEM, "no thread for notifications");
    n->runs = true;
    return 0;
}

void lg_notify_reload(struct lg_notify *n, const struct lg_config *cfg)
{
    (void)pthread_mutex_lock(&n->lock);
    n->now_conf = cfg->notifications;
    n->generation++;
    n->woken = true;
    (void)pthread_cond_signal(&n->wake);
    (void)pthread_mutex_unlock(&n->lock);
}

void lg_notify_stop(struct lg_notify *n)
{
    if (n == NULL)
        return;
    (void)pthread_mutex_lock(&n->lock);
    atomic_store(&n->stop, true);
    if (n->webhook != NULL)
        lg_webhook_cancel(n->webhook);
    (void)pthread_cond_signal(&n->wake);
    (void)pthread_mutex_unlock(&n->lock);
    if (n->runs)
        (void)pthread_join(n->thread, NULL);
    lg_webhook_free(n->webhook);
    lg_metrics_shard_free(n->shard);
    lg_json_free(n->json);
    lg_scope_free(n->scope);
    lg_arena_done(&n->arena);
    lg_arena_done(&n->hook_arena);
    lg_crypto_wipe(n->now_conf.webhook_secret, sizeof(n->now_conf.webhook_secret));
    lg_crypto_wipe(n->conf.webhook_secret, sizeof(n->conf.webhook_secret));
    lg_crypto_wipe(n->hook_conf.webhook_secret, sizeof(n->hook_conf.webhook_secret));
    (void)pthread_cond_destroy(&n->wake);
    (void)pthread_mutex_destroy(&n->lock);
    lg_free(n);
}
