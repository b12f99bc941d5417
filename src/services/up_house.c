#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/encode.h"
#include "services/up_int.h"

#define HOUSE_SECONDS 60

/*
 * What has to be done now and then: old event days go, the audit log's head is carried away. The
 * head is appended to a file (better one on another machine), so that a rewritten tail of the log
 * no longer fits a head that was exported before.
 */
static void export_head(struct lg_up *p, lg_time now)
{
    struct lg_admin_store *st = p->alerts->admin;
    struct lg_audit_check check;
    char path[LG_CONFIG_PATH_BYTES + 32], when[LG_TIME_ISO_MAX], hex[65], line[256];
    int fd, n, rc = st->ops->audit_verify(st, &check);

    if (rc < 0 || check.first_bad != 0) {
        lg_log(LG_LOG_ERROR, "audit", "audit log does not verify", "first_bad=%llu error=%s",
                (unsigned long long)(rc < 0 ? 0 : check.first_bad), lg_err_name(rc));
        return;
    }
    if (p->cfg.audit.export_path[0] != '\0')
        (void)snprintf(path, sizeof(path), "%s", p->cfg.audit.export_path);
    else
        (void)snprintf(path, sizeof(path), "%s/audit-head.log", p->cfg.data_dir);
    (void)lg_time_iso(now, when);
    lg_hex_encode(check.head, sizeof(check.head), hex);
    n = snprintf(line, sizeof(line), "%s seq=%llu head=%s\n", when,
            (unsigned long long)check.head_seq, hex);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write(fd, line, (size_t)n) != n || fsync(fd) < 0)
        lg_log(LG_LOG_ERROR, "audit", "head not exported", "path=\"%s\" error=\"%s\"", path,
                strerror(errno));
    if (fd >= 0)
        (void)close(fd);
}

static void retain(struct lg_up *p, lg_time now)
{
    struct lg_config *cfg = &p->cfg;
    int64_t keep;
    uint32_t removed = 0;
    int rc;

    (void)pthread_mutex_lock(&p->lock);
    keep = cfg->store.retention_ns;
    (void)pthread_mutex_unlock(&p->lock);
    rc = p->events->ops->retain(p->events, now - keep, now - keep, &removed);
    if (rc < 0)
        lg_log(LG_LOG_ERROR, "store", "old event days could not be removed", "error=%s",
                lg_err_name(rc));
    else if (removed > 0)
        lg_log(LG_LOG_INFO, "store", "removed event days past store.retention", "days=%u", removed);
}

static void *house_main(void *arg)
{
    struct lg_up *p = arg;
    lg_time exported = 0;

    (void)pthread_setname_np(pthread_self(), "lg-house");
    (void)pthread_mutex_lock(&p->lock);
    while (!p->house_stop) {
        struct timespec until;
        lg_time now;

        (void)pthread_mutex_unlock(&p->lock);
        now = lg_up_now(NULL);
        retain(p, now);
        if (p->cfg.audit.export == LG_CONFIG_AUDIT_FILE &&
                (exported == 0 || now - exported >= p->cfg.audit.export_interval_ns)) {
            export_head(p, now);
            exported = now;
        }
        (void)pthread_mutex_lock(&p->lock);
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += HOUSE_SECONDS;
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
    (void)pthread_cond_broadcast(&p->house_wake);
    (void)pthread_mutex_unlock(&p->lock);
    (void)pthread_join(p->house, NULL);
    p->house_runs = false;
}
