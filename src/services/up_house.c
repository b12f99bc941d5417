#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/encode.h"
#include "net/syslog.h"
#include "services/notify_format.h"
#include "services/up_int.h"

#define TRIM_SECONDS 15 /* between two looks for memory to give back */
#define TRIMS_A_ROUND 4 /* the rest of the house is once a minute */
#define ROUNDS_AN_HOUR 60
#define SEND_TIMEOUT_MS 10000
#define KEEP_DELIVERIES_NS (30 * 86400 * LG_NS_PER_SEC)
#define PURGE_ROWS 5000 /* an hour */

/*
 * What has to be done now and then: old event days go, the audit log's head is carried away to a
 * file (better one on another machine), a syslog collector or a webhook, so that a rewritten tail
 * of the log no longer fits a head that was exported before.
 */
struct head {
    lg_time at;
    char when[LG_TIME_ISO_MAX];
    unsigned long long seq;
    char hex[65];
};

static int head_to_file(struct lg_up *p, const struct head *h, struct lg_err *reterr)
{
    char path[LG_CONFIG_PATH_BYTES + 32], line[256];
    int fd, n, rc = 0;

    if (p->cfg.audit.export_path[0] != '\0')
        (void)snprintf(path, sizeof(path), "%s", p->cfg.audit.export_path);
    else
        (void)snprintf(path, sizeof(path), "%s/audit-head.log", p->cfg.data_dir);
    n = snprintf(line, sizeof(line), "%s seq=%llu head=%s\n", h->when, h->seq, h->hex);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write(fd, line, (size_t)n) != n || fsync(fd) < 0)
        rc = lg_err_set(reterr, LG_EIO, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static int head_to_syslog(struct lg_up *p, const struct head *h, struct lg_err *reterr)
{
    char host[256];
    struct lg_buf line;
    struct lg_str lines[1];
    int rc;

    lg_notify_host(host, sizeof(host));
    lg_buf_init(&line, 4096);
    lg_notify_syslog_header(LG_SYSLOG_AUDIT, 5, h->at, host, "audit-head", &line);
    lg_buf_printf(&line, "seq=%llu head=%s", h->seq, h->hex);
    lines[0] = lg_buf_str(&line);
    rc = line.failed;
    if (rc == 0)
        rc = lg_syslog_send(
                p->cfg.audit.export_address, lines, 1, SEND_TIMEOUT_MS, &p->house_stop, reterr);
    lg_buf_done(&line);
    return rc;
}

/* The post under way is where lg_up_house_stop finds it. */
static int set_webhook(struct lg_up *p, struct lg_webhook *wh)
{
    int rc;

    (void)pthread_mutex_lock(&p->lock);
    rc = p->house_stop ? LG_EINTR : 0;
    p->house_webhook = wh;
    (void)pthread_mutex_unlock(&p->lock);
    return rc;
}

/* Signed and guarded as notifications are. */
static int head_to_webhook(struct lg_up *p, const struct head *h, struct lg_err *reterr)
{
    char secret[LG_CONFIG_TEXT_BYTES], body[256], id[64];
    struct lg_config_list allow;
    const struct lg_webhook_options opt = {
            .url = p->cfg.audit.export_url, .secret = secret, .allow = &allow};
    struct lg_webhook *wh;
    int64_t wait;
    int n, rc;

    (void)pthread_mutex_lock(&p->lock);
    memcpy(secret, p->cfg.notifications.webhook_secret, sizeof(secret));
    allow = p->cfg.notifications.webhook_allow;
    (void)pthread_mutex_unlock(&p->lock);
    rc = lg_webhook_new(&opt, &wh, reterr);
    lg_crypto_wipe(secret, sizeof(secret));
    if (rc < 0)
        return rc;
    n = snprintf(body, sizeof(body),
            "{\"event\":\"audit_head\",\"at\":\"%s\",\"seq\":%llu,\"head\":\"%s\"}", h->when,
            h->seq, h->hex);
    (void)snprintf(id, sizeof(id), "audit-head-%llu", h->seq);
    rc = set_webhook(p, wh);
    if (rc == 0)
        rc = lg_webhook_post(wh, id, lg_str_of(body, (size_t)n), h->at, &wait, reterr);
    (void)set_webhook(p, NULL);
    lg_webhook_free(wh);
    return rc;
}

/* True when it was carried away; else it is tried again at the next turn. */
static bool export_head(struct lg_up *p, lg_time now)
{
    static int (*const ways[])(struct lg_up *, const struct head *, struct lg_err *) = {
            [LG_CONFIG_AUDIT_FILE] = head_to_file,
            [LG_CONFIG_AUDIT_SYSLOG] = head_to_syslog,
            [LG_CONFIG_AUDIT_WEBHOOK] = head_to_webhook};
    struct lg_admin_store *st = p->alerts->admin;
    struct lg_audit_check check;
    struct head h = {.at = now};
    struct lg_err err = {0};
    int rc = st->ops->audit_verify(st, &check);

    if (rc < 0 || check.first_bad != 0) {
        lg_log(LG_LOG_ERROR, "audit", "audit log does not verify", "first_bad=%llu error=%s",
                (unsigned long long)(rc < 0 ? 0 : check.first_bad), lg_err_name(rc));
        return true;
    }
    (void)lg_time_iso(now, h.when);
    lg_hex_encode(check.head, sizeof(check.head), h.hex);
    h.seq = check.head_seq;
    rc = ways[p->cfg.audit.export](p, &h, &err);
    if (rc < 0 && rc != LG_EINTR)
        lg_log(LG_LOG_ERROR, "audit", "head not exported; trying again in a minute",
                "error=%s detail=\"%s\"", lg_err_name(rc), err.text);
    return rc == 0;
}

static void retain(struct lg_up *p, lg_time now)
{
    struct lg_config *cfg = &p->cfg;
    struct lg_retention r;
    uint32_t removed = 0;
    int rc;

    (void)pthread_mutex_lock(&p->lock);
    r.before = r.idle = now - cfg->store.retention_ns;
    r.max_bytes = cfg->store.max_bytes;
    (void)pthread_mutex_unlock(&p->lock);
    if (p->events == NULL || !lg_up_has(p, LG_PART_INDEXER))
        return;
    rc = p->events->ops->retain(p->events, &r, &removed);
    if (rc < 0)
        lg_log(LG_LOG_ERROR, "store", "old event days could not be removed", "error=%s",
                lg_err_name(rc));
    else if (removed > 0)
        lg_log(LG_LOG_INFO, "store", "removed event days past store.retention or store.max_bytes",
                "days=%u", removed);
}

/* Notifications that are over; what they told stands in the alerts and their history. */
static void forget_deliveries(struct lg_up *p, lg_time now)
{
    struct lg_admin_store *st = p->alerts->admin;
    uint32_t n;
    int rc = st->ops->delivery_purge(st, now - KEEP_DELIVERIES_NS, PURGE_ROWS, &n);

    if (rc < 0)
        lg_log(LG_LOG_ERROR, "store", "old notifications could not be removed", "error=%s",
                lg_err_name(rc));
}

/* Buffers of busy minutes leave holes in the heap; without this they stay resident for months. */
static void give_back_memory(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

static void house_round(struct lg_up *p, unsigned round, lg_time *exported)
{
    lg_time now = lg_clock_wall();

    retain(p, now);
    if (round % ROUNDS_AN_HOUR == 0 && lg_up_has(p, LG_PART_ALERTS))
        forget_deliveries(p, now);
    if (lg_up_has(p, LG_PART_ALERTS) &&
            (*exported == 0 || now - *exported >= p->cfg.audit.export_interval_ns) &&
            export_head(p, now))
        *exported = now;
}

static void *house_main(void *arg)
{
    struct lg_up *p = arg;
    lg_time exported = 0;
    unsigned turn = 0;

    (void)pthread_setname_np(pthread_self(), "lg-house");
    (void)pthread_mutex_lock(&p->lock);
    while (!p->house_stop) {
        struct timespec until;

        (void)pthread_mutex_unlock(&p->lock);
        give_back_memory();
        if (turn % TRIMS_A_ROUND == 0)
            house_round(p, turn / TRIMS_A_ROUND, &exported);
        turn++;
        (void)pthread_mutex_lock(&p->lock);
        until = lg_clock_deadline(TRIM_SECONDS * LG_NS_PER_SEC);
        while (!p->house_stop &&
                pthread_cond_timedwait(&p->house_wake, &p->lock, &until) != ETIMEDOUT) {
        }
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

int lg_up_house_start(struct lg_up *p, struct lg_err *reterr)
{
    if (pthread_create(&p->house, NULL, house_main, p) != 0)
        return lg_err_set(reterr, LG_ENOMEM, "no thread for housekeeping");
    p->house_runs = true;
    return 0;
}

void lg_up_house_stop(struct lg_up *p)
{
    if (!p->house_runs)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->house_stop = true;
    if (p->house_webhook != NULL)
        lg_webhook_cancel(p->house_webhook);
    (void)pthread_cond_broadcast(&p->house_wake);
    (void)pthread_mutex_unlock(&p->lock);
    (void)pthread_join(p->house, NULL);
    p->house_runs = false;
}
