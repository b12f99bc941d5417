#include "services/up.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/mem.h"
#include "detect/trust.h"
#include "services/first_run.h"
#include "services/up_int.h"
#include "json/write.h"

#define AUDIT_DETAIL_BYTES ((size_t)64 << 10)

/* The folder and those above it; 0700, because it holds what every tenant sent. */
static int make_folder(const char *path, struct lg_err *reterr)
{
    char part[LG_CONFIG_PATH_BYTES];
    struct stat st;
    int rc = 0;

    (void)snprintf(part, sizeof(part), "%s", path);
    for (char *p = part + 1; rc == 0 && *p != '\0'; p++)
        if (*p == '/') {
            *p = '\0';
            if (stat(part, &st) < 0)
                rc = lg_folder_make(part, 0755);
            if (rc == 0)
                *p = '/';
        }
    if (rc == 0)
        rc = lg_folder_make(part, 0700);
    if (rc < 0)
        return lg_err_set(reterr, rc, "%s: %s", part, strerror(errno));
    if (stat(part, &st) < 0 || !S_ISDIR(st.st_mode))
        return lg_err_set(reterr, LG_EINVAL, "%s is no folder", part);
    if (access(part, R_OK | W_OK | X_OK) < 0)
        return lg_err_set(reterr, LG_EIO, "%s cannot be written: %s", part, strerror(errno));
    return 0;
}

static int take_lock(struct lg_up *p, struct lg_err *reterr)
{
    char path[LG_CONFIG_PATH_BYTES + 16], pid[32];
    int n;

    (void)snprintf(path, sizeof(path), "%s/lock", p->cfg.data_dir);
    p->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (p->lock_fd < 0)
        return lg_err_set(reterr, LG_EIO, "%s: %s", path, strerror(errno));
    if (flock(p->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return lg_err_set(reterr, LG_EREFUSED,
                "another logster runs on %s (its process id is in %s)", p->cfg.data_dir, path);
    n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(p->lock_fd, 0) < 0 || write(p->lock_fd, pid, (size_t)n) != n)
        return lg_err_set(reterr, LG_EIO, "%s: %s", path, strerror(errno));
    return 0;
}

static int open_stores(struct lg_up *p, struct lg_err *reterr)
{
    int rc = lg_engine_alerts(&p->cfg, &p->alerts, reterr); /* every part knows who may ask it */

    return rc < 0 || !lg_up_has(p, LG_PART_INDEXER | LG_PART_API)
            ? rc
            : lg_engine_events(&p->cfg, &p->events, reterr);
}

int lg_up_check(const struct lg_config *cfg, unsigned parts, struct lg_err *reterr)
{
    const bool whole = parts == 0 || parts == LG_PART_ALL;
    const bool events = (parts & (LG_PART_INDEXER | LG_PART_API)) != 0;
    const bool local = cfg->bus.type == LG_CONFIG_BUS_EMBEDDED ||
            cfg->store.alerts == LG_CONFIG_ALERTS_SQLITE ||
            ((whole || events) && cfg->store.events == LG_CONFIG_EVENTS_SQLITE);

    if (whole && cfg->data_dir[0] == '\0')
        return lg_err_set(reterr, LG_EINVAL, "name a folder with --data-dir");
    if (whole || !local)
        return 0;
    return lg_err_set(reterr, LG_EINVAL,
            "parts in processes of their own share their engines: set bus.type: kafka, "
            "store.alerts: postgresql%s",
            events ? " and store.events: opensearch" : "");
}

static int make_metrics(struct lg_up *p, struct lg_err *reterr)
{
    int rc = lg_metrics_new(&p->metrics);

    if (rc == 0)
        rc = lg_metrics_process(p->metrics);
    return rc < 0 ? lg_err_set(reterr, rc, "metrics: %s", lg_err_name(rc)) : 0;
}

/* Where a listener is reached from this machine. */
static void url_of(const char *host, bool tls, uint16_t port, char *out, size_t cap)
{
    bool v6 = strchr(host, ':') != NULL;

    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
        host = "127.0.0.1", v6 = false;
    (void)snprintf(out, cap, "%s://%s%s%s:%u", tls ? "https" : "http", v6 ? "[" : "", host,
            v6 ? "]" : "", port);
}

static void tell(const struct lg_up *p, struct lg_up_info *ret)
{
    url_of(p->cfg.api.host, p->cfg.api.tls_cert[0] != '\0', lg_http_server_port(p->server),
            ret->api_url, sizeof(ret->api_url));
    if (p->page_server != NULL)
        url_of(p->cfg.dashboard.host, p->cfg.dashboard.tls_cert[0] != '\0',
                lg_http_server_port(p->page_server), ret->dashboard_url,
                sizeof(ret->dashboard_url));
    (void)snprintf(ret->token_file, sizeof(ret->token_file), "%s/admin-token", p->cfg.data_dir);
    ret->auth_off = p->cfg.auth.disable;
}

static int start_notify(struct lg_up *p, struct lg_err *reterr)
{
    const struct lg_notify_options opt = {.store = p->alerts,
            .config = &p->cfg,
            .metrics = p->metrics,
            .version = p->opt.version};
    int rc = lg_notify_new(&opt, &p->notify, reterr);

    return rc < 0 ? rc : lg_notify_start(p->notify, reterr);
}

/* One row of what the platform itself did; a store that does not take it is logged, and no reason to
 * stop working. */
static void audit(struct lg_up *p, const char *action, struct lg_str target, struct lg_buf *detail)
{
    int rc = detail->failed;

    if (rc == 0)
        rc = lg_audit(p->alerts->admin, lg_clock_wall(), LG_STR(""), LG_STR("platform"), action,
                target, lg_buf_str(detail), LG_STR(""));
    if (rc < 0)
        lg_log(LG_LOG_ERROR, "audit", "row not written", "action=%s error=%s", action,
                lg_err_name(rc));
    lg_buf_clear(detail);
}

/* Which models judge from now on. */
static void audit_models(struct lg_up *p)
{
    struct lg_buf detail;

    lg_buf_init(&detail, AUDIT_DETAIL_BYTES);
    for (int i = 0; i < 2; i++) {
        const struct lg_model *m = p->opt.models[i];
        struct lg_jw w;

        if (m == NULL)
            continue;
        lg_jw_init(&w, &detail);
        lg_jw_object(&w);
        LG_JW_STR(&w, "platform", lg_str_z(lg_platform_name((enum lg_platform)i)));
        LG_JW_STR(&w, "version", lg_str_z(m->version));
        LG_JW_STR(&w, "sha256", lg_str_z(m->sha256));
        LG_JW_STR(&w, "path", lg_str_z(p->opt.model_paths[i]));
        LG_JW_STR(&w, "signature", lg_str_z(lg_model_trust_name(m->trust)));
        LG_JW_STR(&w, "signer", lg_str_z(m->signer));
        lg_jw_object_end(&w);
        audit(p, "model.load", lg_str_z(m->name), &detail);
    }
    lg_buf_done(&detail);
}

static int start(struct lg_up *p, struct lg_up_info *ret_info, struct lg_err *reterr)
{
    const bool whole = p->opt.parts == LG_PART_ALL;
    int rc = lg_up_check(&p->cfg, p->opt.parts, reterr);

    if (rc == 0 && p->cfg.data_dir[0] != '\0')
        rc = make_folder(p->cfg.data_dir, reterr);
    if (rc == 0 && whole)
        rc = take_lock(p, reterr);
    if (rc == 0)
        rc = make_metrics(p, reterr);
    if (rc == 0)
        rc = open_stores(p, reterr);
    if (rc == 0 && whole)
        rc = lg_first_run(p->alerts->admin, p->cfg.data_dir, p->cfg.identity.default_tenant,
                lg_clock_wall(), ret_info->token, reterr);
    if (rc == 0 && lg_up_has(p, LG_PART_ALERTS))
        rc = start_notify(p, reterr);
    if (rc == 0)
        rc = lg_up_stages_start(p, reterr);
    if (rc == 0)
        rc = lg_up_http_start(p, reterr);
    if (rc == 0 && lg_up_has(p, LG_PART_INDEXER | LG_PART_ALERTS))
        rc = lg_up_house_start(p, reterr);
    if (rc == 0) {
        if (lg_up_has(p, LG_PART_INFERENCE))
            audit_models(p);
        tell(p, ret_info);
    }
    return rc;
}

int lg_up_start(const struct lg_up_options *opt, struct lg_up **ret, struct lg_up_info *ret_info,
        struct lg_err *reterr)
{
    struct lg_up *p = lg_calloc(1, sizeof(*p));
    int rc;

    if (p == NULL)
        return lg_err_set(reterr, LG_ENOMEM, "out of memory");
    p->cfg = *opt->config;
    p->opt = *opt;
    p->opt.config = &p->cfg;
    if (p->opt.parts == 0)
        p->opt.parts = LG_PART_ALL;
    p->lock_fd = -1;
    (void)pthread_mutex_init(&p->lock, NULL);
    lg_clock_cond_init(&p->house_wake);
    memset(ret_info, 0, sizeof(*ret_info));
    rc = start(p, ret_info, reterr);
    if (rc < 0) {
        (void)lg_up_stop(p);
        return rc;
    }
    *ret = p;
    return 0;
}

static void audit_reload(struct lg_up *p, const struct lg_config_changes *changes)
{
    struct lg_config_option_info info;
    struct lg_buf detail;
    struct lg_jw w;

    lg_buf_init(&detail, AUDIT_DETAIL_BYTES);
    lg_jw_init(&w, &detail);
    lg_jw_object(&w);
    lg_jw_key(&w, LG_STR("changed"));
    lg_jw_array(&w);
    for (size_t i = 0; i < changes->n; i++) {
        lg_config_option(changes->option[i], &info);
        lg_jw_str(&w, lg_str_z(info.key));
    }
    lg_jw_array_end(&w);
    lg_jw_object_end(&w);
    audit(p, "config.reload", lg_str_z(p->cfg.file), &detail);
    lg_buf_done(&detail);
}

void lg_up_reload(
        struct lg_up *p, const struct lg_config *cfg, const struct lg_config_changes *changes)
{
    if (changes->n == 0)
        return;
    audit_reload(p, changes);
    (void)pthread_mutex_lock(&p->lock);
    p->cfg.log = cfg->log;
    p->cfg.store = cfg->store;
    p->cfg.alerts = cfg->alerts;
    p->cfg.notifications = cfg->notifications;
    p->cfg.pipeline.drain_timeout_ns = cfg->pipeline.drain_timeout_ns;
    (void)pthread_mutex_unlock(&p->lock);
    lg_log_set_level(cfg->log.level);
    atomic_store(&p->alerting.fold_gap_ns, cfg->alerts.fold_gap_ns);
    if (p->notify != NULL)
        lg_notify_reload(p->notify, cfg);
    lg_api_reload(p->api, cfg);
    if (p->intake != NULL)
        lg_intake_reload(p->intake, cfg);
}

bool lg_up_failed(struct lg_up *p, struct lg_err *ret)
{
    bool failed;

    (void)pthread_mutex_lock(&p->lock);
    failed = p->failure.code != 0;
    if (failed && ret != NULL)
        *ret = p->failure;
    (void)pthread_mutex_unlock(&p->lock);
    return failed;
}

int lg_up_stop(struct lg_up *p)
{
    uint32_t ms;
    int rc;

    if (p == NULL)
        return 0;
    ms = (uint32_t)(p->cfg.pipeline.drain_timeout_ns / 1000000);
    lg_up_house_stop(p);
    lg_up_http_stop(p, ms);
    rc = lg_up_stages_stop(p, ms);
    lg_notify_stop(p->notify); /* what is not sent yet is sent by the next start */
    lg_bus_close(p->bus);
    lg_oauth_free(p->oauth);
    lg_event_store_close(p->events);
    lg_alert_store_close(p->alerts);
    lg_metrics_free(p->metrics);
    if (p->lock_fd >= 0)
        (void)close(p->lock_fd);
    (void)pthread_cond_destroy(&p->house_wake);
    (void)pthread_mutex_destroy(&p->lock);
    lg_free(p);
    return rc;
}
